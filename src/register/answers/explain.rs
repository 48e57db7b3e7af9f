//! Why a title has its status: the facts in the order of the fold, with the effect of each.

use super::{reading::Reading, view::TitleView};
use crate::{
    domain::{AuthorityCode, CivilDate, catalogue::Catalogues, kind::ProgrammeId},
    register::{
        AsOf, DesigneeIndex, Register, Status,
        fold::{self, Folding, Outcome},
        identity::FactAt,
        rows::{FactKindRow, NO_RULE, TitleKey},
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
            .filter(|title| title.subject == 0 && title.key.programme == programme)
            .map(|title| {
                let status = reading.status(title);
                let view = reading.title_view(title, status, reading.flags(title, status));
                let own = told.iter().filter(|(key, ..)| *key == title.key);
                let steps = own.map(|(_, placed, outcome)| reading.step(placed, *outcome));
                let conclusion = conclusion(&view, as_of.valid_on);
                Explanation { steps: steps.collect(), conclusion, title: view }
            })
            .collect()
    }
}

impl Reading<'_> {
    fn step(&self, placed: &FactAt, outcome: Outcome) -> Step {
        let fact = &placed.fact;
        let source = self.subjects().facts().source_of(placed.position, &mut 0);
        let rule = fact.programme.filter(|_| fact.rule != NO_RULE);
        let rule = rule.and_then(|programme| self.catalogues.rule_at(programme, fact.rule));
        let (effect, why) = match outcome {
            Outcome::Applied => (Effect::Applied, ""),
            Outcome::Superseded(why) => (Effect::Superseded, why),
            Outcome::Later => (Effect::Later, "takes effect after the day"),
        };
        let mut message = self.in_words(&fact.kind);
        if !why.is_empty() {
            message = format!("{message}: {why}");
        }
        Step {
            position: source.into(),
            corrected_position: (source != placed.position).then_some(placed.position.into()),
            kind: fact.kind.as_kind().number(),
            effective: fact.effective,
            authority: fact.issuer.authority(),
            effect,
            message,
            document: self.register.text(fact.document).to_owned(),
            rule_version: rule.map_or("", |rule| rule.version.as_str()).to_owned(),
            rule: rule.map_or("", |rule| rule.document.as_str()).to_owned(),
            precedence: fact.precedence(),
        }
    }

    /// A fact in words.
    fn in_words(&self, kind: &FactKindRow) -> String {
        let text = |sym| self.register.text(sym);
        let until = |to: Option<CivilDate>, inferred: bool| match to {
            None => "without a stated end".to_owned(),
            Some(to) if inferred => format!("to {to}, inferred from the catalogue"),
            Some(to) => format!("to {to}"),
        };
        match *kind {
            FactKindRow::Noticed { batch, review, recommendation, .. } => {
                let purpose = if review { "review" } else { "new designation" };
                let scope = if recommendation { " (recommendation)" } else { "" };
                format!("notice of a {purpose}{scope}, batch {}", text(batch))
            }
            FactKindRow::ObjectionRaised { .. } => "an objection was raised".to_owned(),
            FactKindRow::ObjectionResolved { upheld: true, .. } => {
                "the objection was upheld".to_owned()
            }
            FactKindRow::ObjectionResolved { .. } => "the objection was dismissed".to_owned(),
            FactKindRow::NoticeWithdrawn { .. } => "the entry was withdrawn".to_owned(),
            FactKindRow::Designated { batch, to, inferred, supplement, .. } => {
                let supplement = if supplement { ", by a supplement" } else { "" };
                format!("designated in batch {}{supplement}, {}", text(batch), until(to, inferred))
            }
            FactKindRow::ReviewOpened { round } => format!("review opened, round {}", text(round)),
            FactKindRow::ReviewPassed { round, to, inferred, .. } => {
                format!("review passed in round {}, {}", text(round), until(to, inferred))
            }
            FactKindRow::ReviewFailed { round, revokes, .. } => {
                let follows = if revokes { "revoked for it" } else { "lapses" };
                format!("review failed in round {}: {follows}", text(round))
            }
            FactKindRow::RevocationProposed => "revocation proposed".to_owned(),
            FactKindRow::Revoked { ban_until: Some(until), .. } => {
                format!("revoked, banned to {until}")
            }
            FactKindRow::Revoked { ban_until: None, .. } => "revoked".to_owned(),
            FactKindRow::Surrendered => "given up by the holder".to_owned(),
            FactKindRow::Reinstated => "revocation undone".to_owned(),
            FactKindRow::Transferred { successor, .. } => {
                format!("passed to {}", self.register.id(successor))
            }
            FactKindRow::Converted { programme, .. } => {
                format!("converted into {}", self.catalogues.id_of(programme))
            }
            FactKindRow::CreationListed { batch, .. } => {
                format!("listed for a creation task, batch {}", text(batch))
            }
            FactKindRow::CreationAssessed { passed: true, .. } => "creation task passed".to_owned(),
            FactKindRow::CreationAssessed { .. } => "creation task not passed".to_owned(),
            FactKindRow::RectificationOrdered { due: Some(due) } => format!("to rectify by {due}"),
            FactKindRow::RectificationOrdered { due: None } => "to rectify".to_owned(),
            FactKindRow::SupportGranted { scheme, round } => {
                format!("support granted: {} {}", text(scheme), text(round))
            }
            FactKindRow::SubjectEnded { .. } => "the subject ceased to exist".to_owned(),
            FactKindRow::Restructured { .. } => "the subject ceased in a restructuring".to_owned(),
            _ => kind.as_kind().name().replace('_', " "),
        }
    }
}

fn conclusion(title: &TitleView, day: CivilDate) -> String {
    let ended = title.ended_on.map(|on| format!(" on {on}")).unwrap_or_default();
    let last = title.valid_to.map(|to| to.to_string()).unwrap_or_default();
    let first = title.valid_from.map(|from| from.to_string()).unwrap_or_default();
    match title.status {
        Status::Pending => format!("pending: validity begins on {first}, after {day}"),
        Status::Noticed => {
            "noticed: in a public notice or on a creation list, not designated".into()
        }
        Status::NotDesignated => {
            "not designated: the notice closed, or its list was sealed, without a designation"
                .into()
        }
        Status::Active if last.is_empty() => format!("active since {first}; no end is known"),
        Status::Active => format!("active: {first} to {last}, both days included"),
        Status::Expired if !ended.is_empty() => format!("expired: its review failed{ended}"),
        Status::Expired => {
            format!("expired: {last} was its last day, to midnight in Asia/Shanghai")
        }
        Status::Revoked => format!("revoked{ended}"),
        Status::Surrendered => format!("given up by the holder{ended}"),
        Status::Ended if title.successor.is_some() => format!("passed to a successor{ended}"),
        Status::Ended => format!("ended with its subject{ended}"),
        Status::Converted => format!("converted{ended}"),
        Status::NotOnRecord => "not on record: the facts on record cannot apply".to_owned(),
    }
}
