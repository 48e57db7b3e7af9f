//! Why a title is what it is: the facts in the order in which they count, and what each did.

use super::{
    DesigneeIndex, Register,
    fold::{self, Folding, Outcome, Status},
    identity::Placed,
    query::{Moment, Reading},
    row::{NO_RULE, TitleKey, What},
    view::TitleView,
};
use crate::domain::{AuthorityCode, CivilDate, catalogue::Catalogue, kind::ProgrammeId};

/// What a fact did to a title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // as documented in tidu.v1.StepEffect
pub enum Effect {
    Applied,
    Superseded,
    Later,
}

/// One fact in an explanation.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // as documented in tidu.v1.ExplainedStep
pub struct Step {
    pub position: u64,
    pub corrected_position: Option<u64>,
    pub kind: u8,
    pub effective: CivilDate,
    pub authority: AuthorityCode,
    pub effect: Effect,
    pub message: String,
    pub document: String,
    pub rule_version: String,
    pub rule: String,
    pub precedence: u8,
}

/// Why a title is what it is.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The title.
    pub title: TitleView,
    /// The facts.
    pub steps: Vec<Step>,
    /// Why they give this status.
    pub conclusion: String,
}

impl Register {
    /// Explains a designee's titles in a programme, by authority and item.
    #[must_use]
    pub fn explain(
        &self,
        catalogue: &Catalogue,
        index: DesigneeIndex,
        programme: ProgrammeId,
        moment: Moment,
    ) -> Vec<Explanation> {
        let mut reading = Reading::new(self, catalogue, moment);
        reading.read_one(index);
        let mut told: Vec<(TitleKey, Placed, Outcome)> = Vec::new();
        let mut observe = |placed: &Placed, key: TitleKey, outcome: Outcome| {
            told.push((key, *placed, outcome));
        };
        let (mut folding, months) = (Folding::default(), catalogue.duties.report_months);
        fold::fold_with(&mut folding, &reading.circle, moment.as_of, months, &mut observe);
        let titles = folding.titles.iter();
        titles
            .filter(|title| title.subject == 0 && title.key.programme == programme)
            .map(|title| {
                let status = title.status(self, moment);
                let view = reading.title_view(title, status, reading.flags(title, status));
                let own = told.iter().filter(|(key, ..)| *key == title.key);
                let steps = own.map(|(_, placed, outcome)| reading.step(placed, *outcome));
                let conclusion = conclusion(&view, moment.as_of);
                Explanation { steps: steps.collect(), conclusion, title: view }
            })
            .collect()
    }
}

impl Reading<'_> {
    fn step(&self, placed: &Placed, outcome: Outcome) -> Step {
        let stated = &placed.stated;
        let source = self.register.source_of(placed.position, self.moment.known_at);
        let rule = stated.programme.filter(|_| stated.rule != NO_RULE);
        let rule = rule.and_then(|programme| self.catalogue.rule_at(programme, stated.rule));
        let (effect, why) = match outcome {
            Outcome::Applied => (Effect::Applied, ""),
            Outcome::Superseded(why) => (Effect::Superseded, why),
            Outcome::Later => (Effect::Later, "takes effect after the day"),
        };
        let mut message = self.says(&stated.what);
        if !why.is_empty() {
            message = format!("{message}: {why}");
        }
        Step {
            position: source.into(),
            corrected_position: (source != placed.position).then_some(placed.position.into()),
            kind: stated.what.kind(),
            effective: stated.effective,
            authority: stated.issuer,
            effect,
            message,
            document: self.register.text(stated.document).to_owned(),
            rule_version: rule.map_or("", |rule| rule.version.as_str()).to_owned(),
            rule: rule.map_or("", |rule| rule.document.as_str()).to_owned(),
            precedence: stated.precedence(),
        }
    }

    /// A fact in words.
    fn says(&self, what: &What) -> String {
        let text = |sym| self.register.text(sym);
        let until = |to: Option<CivilDate>, inferred: bool| match to {
            None => "without a stated end".to_owned(),
            Some(to) if inferred => format!("to {to}, inferred from the catalogue"),
            Some(to) => format!("to {to}"),
        };
        match *what {
            What::Noticed { batch, review, recommendation, .. } => {
                let purpose = if review { "review" } else { "new designation" };
                let scope = if recommendation { " (recommendation)" } else { "" };
                format!("notice of a {purpose}{scope}, batch {}", text(batch))
            }
            What::ObjectionRaised { .. } => "an objection was raised".to_owned(),
            What::ObjectionResolved { upheld: true, .. } => "the objection was upheld".to_owned(),
            What::ObjectionResolved { .. } => "the objection was dismissed".to_owned(),
            What::NoticeWithdrawn { .. } => "the entry was withdrawn".to_owned(),
            What::Designated { batch, to, inferred, supplement, .. } => {
                let supplement = if supplement { ", by a supplement" } else { "" };
                format!("designated in batch {}{supplement}, {}", text(batch), until(to, inferred))
            }
            What::ReviewOpened { round } => format!("review opened, round {}", text(round)),
            What::ReviewPassed { round, to, inferred } => {
                format!("review passed in round {}, {}", text(round), until(to, inferred))
            }
            What::ReviewFailed { round, revokes } => {
                let follows = if revokes { "revoked for it" } else { "lapses" };
                format!("review failed in round {}: {follows}", text(round))
            }
            What::RevocationProposed => "revocation proposed".to_owned(),
            What::Revoked { ban_until: Some(until) } => format!("revoked, banned to {until}"),
            What::Revoked { ban_until: None } => "revoked".to_owned(),
            What::Surrendered => "given up by the holder".to_owned(),
            What::Reinstated => "revocation undone".to_owned(),
            What::Transferred { successor, .. } => {
                format!("passed to {}", self.register.id(successor))
            }
            What::Converted { programme, .. } => {
                format!("converted into {}", self.catalogue.programme(programme).id)
            }
            What::CreationListed { batch, .. } => {
                format!("listed for a creation task, batch {}", text(batch))
            }
            What::CreationAssessed { passed: true, .. } => "creation task passed".to_owned(),
            What::CreationAssessed { .. } => "creation task not passed".to_owned(),
            What::RectificationOrdered { due: Some(due) } => format!("to rectify by {due}"),
            What::RectificationOrdered { due: None } => "to rectify".to_owned(),
            What::SupportGranted { scheme, round } => {
                format!("support granted: {} {}", text(scheme), text(round))
            }
            What::SubjectEnded => "the subject ceased to exist".to_owned(),
            What::Restructured { .. } => "the subject ceased in a restructuring".to_owned(),
            _ => String::new(),
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
    }
}
