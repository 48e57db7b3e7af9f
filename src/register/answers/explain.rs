//! Why a title has its status: the facts in the order of the fold, with the effect of each.

use super::{
    in_words::{conclusion, fact_in_words},
    reading::Reading,
    view::TitleView,
};
use crate::{
    domain::{AuthorityCode, CivilDate, catalogue::Catalogues, kind::ProgrammeId},
    register::{
        AsOf, DesigneeIndex, Register, Seen,
        fold::{self, ASKED_FOR, Folding, Obstacle, Outcome},
        identity::FactAt,
        rows::{NO_RULE, TitleKey},
    },
};

/// The effect of a fact on a title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It changed the title.
    Applied,
    /// It could not apply.
    Superseded,
    /// It takes effect after the day.
    Later,
}

/// One fact in an explanation.
#[derive(Clone, Debug)]
pub struct Step {
    /// Position of the event in force: the fact itself, or its correction.
    pub position: u64,
    /// Position of the event that was corrected, if it was.
    pub corrected_position: Option<u64>,
    /// Number of the fact's kind.
    pub kind: u8,
    /// Day on which it takes effect.
    pub effective: CivilDate,
    /// The authority that states it.
    pub authority: Option<AuthorityCode>,
    /// Its effect on the title.
    pub effect: Effect,
    /// The reason why it did not apply.
    pub obstacle: Option<Obstacle>,
    /// The fact in words, with the reason why it did not apply.
    pub message: String,
    /// Number of the document behind it.
    pub document: String,
    /// Rule version under which it was decided.
    pub rule_version: String,
    /// Document of that rule version.
    pub rule: String,
    /// Its order among facts of one day.
    pub precedence: u8,
}

/// A title with the reasons for its status.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The title.
    pub title: TitleView,
    /// The facts, in the order of the fold.
    pub steps: Vec<Step>,
    /// The status in words, with its reason.
    pub conclusion: String,
}

impl Register {
    /// Explains a designee's titles in a programme, by authority and item.
    #[must_use]
    pub fn explain(
        &self,
        catalogues: &Catalogues,
        index: DesigneeIndex,
        programme: ProgrammeId,
        as_of: AsOf,
    ) -> Vec<Explanation> {
        self.as_seen(None).explain(catalogues, index, programme, as_of)
    }
}

impl Seen<'_> {
    /// As [`Register::explain`], of the titles that the caller may know, by the events that it may
    /// read.
    #[must_use]
    pub fn explain(
        &self,
        catalogues: &Catalogues,
        index: DesigneeIndex,
        programme: ProgrammeId,
        as_of: AsOf,
    ) -> Vec<Explanation> {
        let mut reading = Reading::new(self, catalogues, as_of);
        reading.read_one(index);
        let mut told: Vec<(TitleKey, FactAt, Outcome)> = Vec::new();
        let mut observe = |placed: &FactAt, key: TitleKey, outcome: Outcome| {
            told.push((key, *placed, outcome));
        };
        let mut folding = Folding::default();
        let (cluster, rules) = (&reading.cluster, reading.rules);
        fold::fold_with(&mut folding, cluster, rules, as_of.valid_on, &mut observe);
        let titles = folding.titles.iter();
        titles
            .filter(|title| title.subject == ASKED_FOR && title.key.programme == programme)
            .filter(|title| reading.shows(title))
            .map(|title| {
                let status = reading.status(title);
                let view = reading.title_view(title, status, reading.flags(title, status));
                let own = told.iter().filter(|(key, ..)| *key == title.key);
                let steps = own.filter_map(|(_, placed, outcome)| reading.step(placed, *outcome));
                let conclusion = conclusion(&view, as_of.valid_on);
                Explanation { steps: steps.collect(), conclusion, title: view }
            })
            .collect()
    }
}

impl Reading<'_> {
    /// The step of a fact; none if the caller may not read its event.
    fn step(&self, placed: &FactAt, outcome: Outcome) -> Option<Step> {
        let fact = &placed.fact;
        let facts = self.subjects().facts();
        let source = facts.source_of(placed.position, &mut 0);
        if !facts.may_read(source) {
            return None;
        }
        let is_corrected = source != placed.position && facts.may_read(placed.position);
        let rule = fact.programme.filter(|_| fact.rule != NO_RULE);
        let rule = rule.and_then(|programme| self.catalogues.rule_at(programme, fact.rule));
        let (effect, obstacle, why) = match outcome {
            Outcome::Applied => (Effect::Applied, None, ""),
            Outcome::Superseded(why) => (Effect::Superseded, Some(why), why.in_words()),
            Outcome::Later => (Effect::Later, None, "takes effect after the day"),
        };
        let mut message = fact_in_words(self, &fact.kind);
        if !why.is_empty() {
            message = format!("{message}: {why}");
        }
        Some(Step {
            position: source.into(),
            corrected_position: is_corrected.then_some(placed.position.into()),
            kind: fact.kind.as_kind().number(),
            effective: fact.effective,
            authority: fact.issuer.authority(),
            effect,
            obstacle,
            message,
            document: self.register.text(fact.document).to_owned(),
            rule_version: rule.map_or("", |rule| rule.version.as_str()).to_owned(),
            rule: rule.map_or("", |rule| rule.document.as_str()).to_owned(),
            precedence: fact.precedence(),
        })
    }
}
