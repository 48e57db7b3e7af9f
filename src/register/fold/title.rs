//! One title while facts are folded into it: its stretches, and how they begin and end.

use smallvec::SmallVec;

use super::{
    Obstacle, Outcome, Status,
    bans::Bans,
    cause::EndCause,
    ends::{Ended, Failure, SubjectEnd},
    notices::{Closed, Notices},
};
use crate::{
    domain::{
        AuthorityCode, CivilDate,
        event::{Ground, Validity},
        kind::ProgrammeId,
    },
    register::{
        identity::FactAt,
        rows::{DesigneeIndex, NO_RULE, Sym, TitleKey},
        versions::FoldRules,
    },
};

/// A period in which a title is, or will be, in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::register) struct Period {
    pub(in crate::register) from: CivilDate,
    pub(in crate::register) validity: Validity,
    /// The event that began it, and the identifier that this event was stated under.
    pub(in crate::register) position: u32,
    pub(super) member: u16,
}

impl Period {
    pub(in crate::register) fn holds_on(&self, day: CivilDate) -> bool {
        self.from <= day && self.validity.to.is_none_or(|to| day <= to)
    }

    pub(in crate::register) fn overlaps(&self, from: CivilDate, to: Option<CivilDate>) -> bool {
        self.has_days()
            && to.is_none_or(|to| self.from <= to)
            && self.validity.to.is_none_or(|end| from <= end)
    }

    /// False if it was cut before its first day.
    pub(in crate::register) fn has_days(&self) -> bool {
        self.validity.to.is_none_or(|to| self.from <= to)
    }
}

/// A title as its facts make it.
#[derive(Clone, Debug)]
pub(in crate::register) struct Folded {
    /// The subject that holds it: the place of its first identifier in the cluster.
    pub(in crate::register) subject: u16,
    pub(in crate::register) key: TitleKey,
    /// All periods in force, as far as the facts reach. A period is cut where the title ended
    /// early.
    pub(in crate::register) periods: SmallVec<[Period; 2]>,
    /// Cohort: the batch of the first designation of the current run of periods or, without any,
    /// of the first notice.
    pub(in crate::register) batch: Sym,
    pub(in crate::register) sublist: Option<AuthorityCode>,
    pub(in crate::register) round: Sym,
    pub(in crate::register) rule: u8,
    pub(in crate::register) recommended_by: Option<AuthorityCode>,
    pub(in crate::register) bans: Bans,
    pub(in crate::register) positions: SmallVec<[u32; 4]>,
    pub(in crate::register) superseded: SmallVec<[u32; 2]>,
    /// Scheme, round and position of support granted.
    pub(in crate::register) supports: Vec<(Sym, Sym, u32)>,
    pub(in crate::register) notices: Notices,
    /// The round of the review that is open.
    pub(in crate::register) review: Option<Sym>,
    /// The review of the current period was failed, and the title keeps its last day.
    pub(in crate::register) failed: Option<Failure>,
    pub(in crate::register) ended: Option<Ended>,
    pub(in crate::register) successor: Option<DesigneeIndex>,
    pub(in crate::register) converted_to: Option<ProgrammeId>,
    /// A rectification was ordered, with its last day.
    pub(in crate::register) rectify: Option<Option<CivilDate>>,
    pub(in crate::register) revocation_proposed: bool,
    pub(in crate::register) creation: Option<Creation>,
    pub(super) task: Option<Task>,
    pub(in crate::register) collision: bool,
    /// A fact of the title counts, and the designation that it rests on is not on record.
    pub(in crate::register) is_undesignated: bool,
    pub(in crate::register) stages: Stages,
}

/// The stages that a title has ever reached.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::register) struct Stages {
    pub(in crate::register) recommended: bool,
    pub(in crate::register) noticed: bool,
    pub(in crate::register) reviewed: bool,
}

/// The progress of a creation task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::register) enum Creation {
    Open,
    Passed,
    Failed,
}

/// The days of a creation task.
#[derive(Clone, Copy, Debug)]
pub(super) struct Task {
    pub(super) listed: CivilDate,
    /// Failed, or closed by the end of the subject.
    pub(super) closed: Option<Closed>,
}

/// A fact on its way into a title, with all that decides on its effect.
#[derive(Clone, Copy)]
pub(super) struct Incoming<'a> {
    pub(super) placed: &'a FactAt,
    pub(super) rules: FoldRules,
    pub(super) valid_on: CivilDate,
    /// The end of the subject that holds the title, on or before the day of the fact.
    pub(super) subject_end: Option<SubjectEnd>,
}

impl Incoming<'_> {
    pub(super) fn day(&self) -> CivilDate {
        self.placed.fact.effective
    }

    pub(super) fn position(&self) -> u32 {
        self.placed.position
    }
}

/// The fate of a period that a fact states.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Begun {
    /// It began.
    InForce,
    /// The subject had ceased to exist: the title ended with it, before the period began.
    Void,
    /// The title had ended with its subject already.
    Unchanged,
}

impl Begun {
    pub(super) fn outcome(self) -> Outcome {
        match self {
            Self::InForce => Outcome::Applied,
            Self::Void | Self::Unchanged => SUBJECT_CEASED,
        }
    }
}

pub(super) const SUBJECT_CEASED: Outcome = Outcome::Superseded(Obstacle::SubjectCeased);
pub(super) const NEVER_HELD: Outcome = Outcome::Superseded(Obstacle::NeverHeld);
pub(super) const ENDED: Outcome = Outcome::Superseded(Obstacle::Ended);

impl Folded {
    pub(super) fn new(subject: u16, key: TitleKey) -> Self {
        Self {
            subject,
            key,
            periods: SmallVec::new(),
            batch: Sym::EMPTY,
            sublist: None,
            round: Sym::EMPTY,
            rule: NO_RULE,
            recommended_by: None,
            bans: Bans::default(),
            positions: SmallVec::new(),
            superseded: SmallVec::new(),
            supports: Vec::new(),
            notices: Notices::default(),
            review: None,
            failed: None,
            ended: None,
            successor: None,
            converted_to: None,
            rectify: None,
            revocation_proposed: false,
            creation: None,
            task: None,
            collision: false,
            is_undesignated: false,
            stages: Stages::default(),
        }
    }

    /// Notes the rule version of a notice or list, and the recommendation that a fact rests on.
    pub(super) fn note_listing(&mut self, incoming: &Incoming<'_>, outcome: Outcome) -> Outcome {
        if outcome == Outcome::Applied {
            let fact = &incoming.placed.fact;
            let recommended_by = fact.listing().and_then(|listing| listing.recommended_by);
            self.recommended_by = recommended_by.or(self.recommended_by);
            if self.periods.is_empty() {
                self.rule = fact.rule;
            }
        }
        outcome
    }

    /// Until its first validity, a title belongs to the batch that names it first.
    pub(super) fn join_cohort(&mut self, batch: Sym, sublist: Option<AuthorityCode>) {
        if self.periods.is_empty() && self.batch.is_empty() {
            (self.batch, self.sublist) = (batch, sublist);
        }
    }

    /// Applies a change while the title has a validity and has not ended.
    pub(super) fn while_held(&mut self, change: impl FnOnce(&mut Self)) -> Outcome {
        match (self.periods.is_empty(), self.ended) {
            (true, None) => NEVER_HELD,
            (_, Some(_)) => ENDED,
            (false, None) => {
                change(self);
                Outcome::Applied
            }
        }
    }

    /// The period that is in force on a day.
    pub(in crate::register) fn held_on(&self, day: CivilDate) -> Option<Period> {
        let mut periods = self.periods.iter().filter(|_| self.ended.is_none());
        periods.find(|period| period.holds_on(day)).copied()
    }

    /// Begins a period. After the end of the subject it does not begin: the title ends with the
    /// subject, whatever the order in which the two were recorded.
    pub(super) fn begin(
        &mut self,
        from: CivilDate,
        validity: Validity,
        incoming: &Incoming<'_>,
    ) -> Begun {
        let (position, member) = (incoming.position(), incoming.placed.member);
        let end = incoming.subject_end;
        if let Some((ended, end)) = self.ended.zip(end)
            && ended.position == end.position
        {
            return Begun::Unchanged;
        }
        self.periods.push(Period { from, validity, position, member });
        self.ended = None;
        self.notices.clear();
        self.review = None;
        self.failed = None;
        self.rectify = None;
        self.revocation_proposed = false;
        self.successor = None;
        self.converted_to = None;
        self.rule = incoming.placed.fact.rule;
        match end {
            None => Begun::InForce,
            Some(end) => {
                self.end_by_subject(end);
                Begun::Void
            }
        }
    }

    /// Ends the title by a fact that the caller has found to apply.
    pub(super) fn end(&mut self, status: Status, cause: EndCause, incoming: &Incoming<'_>) {
        self.end_on(incoming.day(), status, cause, incoming.position());
    }

    fn end_by_subject(&mut self, end: SubjectEnd) {
        self.end_on(end.day, Status::Ended, end.cause, end.position);
    }

    fn end_on(&mut self, day: CivilDate, status: Status, cause: EndCause, position: u32) {
        let last = self.periods.last().map(|period| period.validity).unwrap_or_default();
        let validity = self.ended.map_or(last, |ended| ended.validity);
        self.cut_before(day);
        self.ended = Some(Ended { status, day, cause, position, revocation: None, validity });
        self.review = None;
        self.revocation_proposed = false;
    }

    /// The subject has ceased to exist: ends the title if it is in force, and closes its notices
    /// and its creation task. True if this changed anything.
    pub(super) fn end_with_subject(&mut self, end: SubjectEnd) -> bool {
        let SubjectEnd { day, cause, position, .. } = end;
        let closed = Closed { day, cause, position };
        let mut changes = self.notices.close_all(closed);
        if let Some(task) = self.task.as_mut().filter(|task| task.closed.is_none()) {
            task.closed = Some(closed);
            changes = true;
        }
        let lives = self.periods.last().is_some_and(|p| p.validity.to.is_none_or(|to| day <= to));
        if lives && self.ended.is_none() {
            self.end_by_subject(end);
            changes = true;
        }
        changes
    }

    /// Ends the last period the day before, if it reaches the day or begins later.
    pub(super) fn cut_before(&mut self, day: CivilDate) {
        let before = day.previous();
        if let Some(last) = self.periods.last_mut()
            && (last.holds_on(day) || last.from > day)
        {
            last.validity = Validity { to: before, inferred: false };
        }
    }

    /// The current period: the last one.
    pub(in crate::register) fn current(&self) -> Option<&Period> {
        self.periods.last()
    }

    /// True if a period began by a day, so that the title was in force at some time.
    pub(in crate::register) fn was_in_force_by(&self, day: CivilDate) -> bool {
        self.periods.iter().any(|period| period.from <= day && period.has_days())
    }

    /// The ground of the revocation that ended it.
    pub(in crate::register) fn ground(&self) -> Option<Ground> {
        self.ended?.revocation?.ground
    }

    /// The event that revoked the title on or before a day, if it is still revoked.
    pub(in crate::register) fn revoked_by(&self, day: CivilDate) -> Option<u32> {
        let ended =
            self.ended.filter(|ended| ended.status == Status::Revoked && ended.day <= day)?;
        Some(ended.position)
    }
}
