//! One title while facts are folded into it.

use smallvec::SmallVec;

use super::{Outcome, Status};
use crate::{
    domain::{AuthorityCode, CivilDate, event::Validity, kind::ProgrammeId},
    register::{
        identity::FactAt,
        rows::{DesigneeIndex, FactKindRow, NO_RULE, Sym, TitleKey},
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
    member: u16,
}

impl Period {
    pub(in crate::register) fn holds_on(&self, day: CivilDate) -> bool {
        self.from <= day && self.validity.to.is_none_or(|to| day <= to)
    }

    pub(in crate::register) fn overlaps(&self, from: CivilDate, to: Option<CivilDate>) -> bool {
        to.is_none_or(|to| self.from <= to) && self.validity.to.is_none_or(|end| from <= end)
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
    /// Cohort: the batch of the first designation or notice.
    pub(in crate::register) batch: Sym,
    pub(in crate::register) sublist: Option<AuthorityCode>,
    pub(in crate::register) round: Sym,
    pub(in crate::register) rule: u8,
    pub(in crate::register) recommended_by: Option<AuthorityCode>,
    pub(in crate::register) ban_until: Option<CivilDate>,
    pub(in crate::register) positions: SmallVec<[u32; 4]>,
    pub(in crate::register) superseded: SmallVec<[u32; 2]>,
    /// Scheme, round and position of support granted.
    pub(in crate::register) supports: Vec<(Sym, Sym, u32)>,
    pub(in crate::register) notice: Option<Notice>,
    /// The round of the review that is open.
    pub(in crate::register) review: Option<Sym>,
    pub(in crate::register) ended: Option<Ended>,
    pub(in crate::register) successor: Option<DesigneeIndex>,
    pub(in crate::register) converted_to: Option<ProgrammeId>,
    /// A rectification was ordered, with its last day.
    pub(in crate::register) rectify: Option<Option<CivilDate>>,
    pub(in crate::register) revocation_proposed: bool,
    pub(in crate::register) creation: Option<Creation>,
    pub(in crate::register) collision: bool,
    pub(in crate::register) stages: Stages,
}

/// The stages that a title has ever reached.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::register) struct Stages {
    pub(in crate::register) recommended: bool,
    pub(in crate::register) noticed: bool,
    pub(in crate::register) reviewed: bool,
}

/// An open notice of a new designation.
#[derive(Clone, Copy, Debug)]
pub(in crate::register) struct Notice {
    pub(in crate::register) batch: Sym,
    pub(in crate::register) sublist: Option<AuthorityCode>,
    pub(in crate::register) from: CivilDate,
    pub(in crate::register) to: Option<CivilDate>,
    pub(in crate::register) position: u32,
    /// Days on which an objection was raised and decided.
    pub(in crate::register) raised: Option<CivilDate>,
    pub(in crate::register) resolved: Option<CivilDate>,
    /// Day on which an objection was upheld or the entry withdrawn.
    pub(in crate::register) closed: Option<CivilDate>,
}

/// The end of a title before its last day.
#[derive(Clone, Copy, Debug)]
pub(in crate::register) struct Ended {
    pub(in crate::register) status: Status,
    pub(in crate::register) day: CivilDate,
    pub(in crate::register) position: u32,
    /// The validity it had before.
    validity: Validity,
}

/// The progress of a creation task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::register) enum Creation {
    Open,
    Passed,
    Failed,
}

/// The attributes that a title takes along to a successor or another programme.
pub(super) struct Given {
    validity: Validity,
    batch: Sym,
    recommended_by: Option<AuthorityCode>,
}

const NOT_HELD: Outcome = Outcome::Superseded("there is no title it could act on");

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
            ban_until: None,
            positions: SmallVec::new(),
            superseded: SmallVec::new(),
            supports: Vec::new(),
            notice: None,
            review: None,
            ended: None,
            successor: None,
            converted_to: None,
            rectify: None,
            revocation_proposed: false,
            creation: None,
            collision: false,
            stages: Stages::default(),
        }
    }

    /// Folds one fact into the title.
    pub(super) fn step(
        &mut self,
        placed: &FactAt,
        rules: FoldRules,
        valid_on: CivilDate,
    ) -> Outcome {
        let (fact, position) = (&placed.fact, placed.position);
        let day = fact.effective;
        let outcome = match fact.kind {
            FactKindRow::Noticed { .. } => self.open_notice(placed),
            FactKindRow::ObjectionRaised { .. } => {
                self.on_notice(|notice| notice.raised = Some(day))
            }
            FactKindRow::ObjectionResolved { upheld, .. } => self.on_notice(|notice| {
                notice.resolved = Some(day);
                notice.closed = upheld.then_some(day).or(notice.closed);
            }),
            FactKindRow::NoticeWithdrawn { .. } => {
                self.on_notice(|notice| notice.closed = Some(day))
            }
            FactKindRow::CreationListed { batch, listing } => {
                self.creation = Some(Creation::Open);
                self.join_cohort(batch, listing.sublist);
                Outcome::Applied
            }
            FactKindRow::CreationAssessed { passed, .. } => {
                self.creation = Some(if passed { Creation::Passed } else { Creation::Failed });
                Outcome::Applied
            }
            FactKindRow::Designated { .. } => self.designate(placed, valid_on),
            FactKindRow::ReviewOpened { round } => {
                self.while_held(|title| title.review = Some(round))
            }
            FactKindRow::ReviewPassed { round, to, inferred, .. } => {
                self.pass_review(placed, round, Validity { to, inferred }, rules)
            }
            FactKindRow::ReviewFailed { revokes, .. } => {
                let status = if revokes { Status::Revoked } else { Status::Expired };
                self.end(status, day, position)
            }
            FactKindRow::Revoked { ban_until, .. } => self.revoke(day, position, ban_until),
            FactKindRow::Surrendered => self.end(Status::Surrendered, day, position),
            FactKindRow::Reinstated => self.reinstate(placed),
            FactKindRow::RevocationProposed => {
                self.while_held(|title| title.revocation_proposed = true)
            }
            FactKindRow::RectificationOrdered { due } => {
                self.while_held(|title| title.rectify = Some(due))
            }
            FactKindRow::SupportGranted { scheme, round } => {
                self.supports.push((scheme, round, position));
                Outcome::Applied
            }
            // Not about one title. The caller applies transfers and conversions.
            _ => Outcome::Later,
        };
        self.note_rule(placed, outcome)
    }

    fn open_notice(&mut self, placed: &FactAt) -> Outcome {
        let FactKindRow::Noticed { batch, to, review, recommendation, listing, .. } =
            placed.fact.kind
        else {
            return Outcome::Later;
        };
        if review {
            self.review = Some(batch);
            return Outcome::Applied;
        }
        self.stages.recommended |= recommendation;
        self.stages.noticed |= !recommendation;
        self.notice = Some(Notice {
            batch,
            sublist: listing.sublist,
            from: placed.fact.effective,
            to,
            position: placed.position,
            raised: None,
            resolved: None,
            closed: None,
        });
        self.join_cohort(batch, listing.sublist);
        Outcome::Applied
    }

    /// Until its first designation, a title belongs to the batch that names it last.
    fn join_cohort(&mut self, batch: Sym, sublist: Option<AuthorityCode>) {
        if self.periods.is_empty() {
            (self.batch, self.sublist) = (batch, sublist);
        }
    }

    fn pass_review(
        &mut self,
        placed: &FactAt,
        round: Sym,
        validity: Validity,
        rules: FoldRules,
    ) -> Outcome {
        let day = placed.fact.effective;
        let last = self.periods.last().and_then(|period| period.validity.to);
        if !rules.late_review_renews && self.ended.is_none() && last.is_some_and(|to| to < day) {
            return Outcome::Superseded("the last day of the title was past");
        }
        self.while_held(|title| {
            title.cut_before(day);
            title.begin(day, validity, placed);
            title.round = round;
            title.stages.reviewed = true;
        })
    }

    fn revoke(&mut self, day: CivilDate, position: u32, ban_until: Option<CivilDate>) -> Outcome {
        let outcome = self.end(Status::Revoked, day, position);
        if outcome == Outcome::Applied {
            self.ban_until = ban_until;
        }
        outcome
    }

    /// Notes the rule version and the recommendation that a fact rests on.
    fn note_rule(&mut self, placed: &FactAt, outcome: Outcome) -> Outcome {
        if outcome == Outcome::Applied {
            let recommended_by = placed.fact.listing().and_then(|listing| listing.recommended_by);
            self.recommended_by = recommended_by.or(self.recommended_by);
            let begins = matches!(
                placed.fact.kind,
                FactKindRow::Designated { .. }
                    | FactKindRow::ReviewPassed { .. }
                    | FactKindRow::Reinstated
            );
            if begins || self.periods.is_empty() {
                self.rule = placed.fact.rule;
            }
        }
        outcome
    }

    fn designate(&mut self, placed: &FactAt, valid_on: CivilDate) -> Outcome {
        let FactKindRow::Designated { batch, to, inferred, renews, listing, .. } = placed.fact.kind
        else {
            return Outcome::Later;
        };
        let day = placed.fact.effective;
        // A designation still to come does not change a title that was designated before.
        if day > valid_on && !self.periods.is_empty() {
            return Outcome::Later;
        }
        let held = self.periods.iter().find(|period| period.holds_on(day)).copied();
        match held.filter(|_| self.ended.is_none()) {
            Some(held) if renews && held.from < day => self.cut_before(day),
            Some(held) => {
                self.collision |= held.member != placed.member;
                return Outcome::Superseded("the title was held on that day already");
            }
            None if self.ended.is_some_and(|ended| ended.status == Status::Ended)
                && self.successor.is_none() =>
            {
                return Outcome::Superseded("the subject had ceased to exist");
            }
            None => {}
        }
        self.begin(day, Validity { to, inferred }, placed);
        (self.batch, self.sublist) = (batch, listing.sublist);
        self.round = Sym::EMPTY;
        self.creation = None;
        Outcome::Applied
    }

    fn on_notice(&mut self, change: impl FnOnce(&mut Notice)) -> Outcome {
        match &mut self.notice {
            Some(notice) => {
                change(notice);
                Outcome::Applied
            }
            None => Outcome::Superseded("there is no notice it could act on"),
        }
    }

    fn while_held(&mut self, change: impl FnOnce(&mut Self)) -> Outcome {
        if self.periods.is_empty() || self.ended.is_some() {
            return NOT_HELD;
        }
        change(self);
        Outcome::Applied
    }

    fn begin(&mut self, from: CivilDate, validity: Validity, placed: &FactAt) {
        let (position, member) = (placed.position, placed.member);
        self.periods.push(Period { from, validity, position, member });
        self.ended = None;
        self.notice = None;
        self.review = None;
        self.rectify = None;
        self.revocation_proposed = false;
        self.successor = None;
        self.converted_to = None;
    }

    /// Ends the title on a day.
    fn end(&mut self, status: Status, day: CivilDate, position: u32) -> Outcome {
        // A review that failed may still be followed by a revocation; every other end is final.
        let lapsed = |ended: Ended| ended.status == Status::Expired && status != Status::Expired;
        let open = self.ended.is_none_or(lapsed);
        let Some(validity) = self.periods.last().map(|last| last.validity).filter(|_| open) else {
            return NOT_HELD;
        };
        let validity = self.ended.map_or(validity, |ended| ended.validity);
        self.cut_before(day);
        self.ended = Some(Ended { status, day, position, validity });
        self.review = None;
        self.revocation_proposed = false;
        Outcome::Applied
    }

    /// The subject has ceased to exist: ends the title if it is in force or still to come, and an
    /// open notice. True if this changed anything.
    pub(super) fn end_with_subject(&mut self, day: CivilDate, position: u32) -> bool {
        let open = self.notice.as_mut().filter(|notice| notice.closed.is_none());
        let closes = open.is_some();
        if let Some(notice) = open {
            notice.closed = Some(day);
        }
        let lives = self.periods.iter().any(|p| p.validity.to.is_none_or(|to| day <= to));
        let ends = lives && self.ended.is_none();
        (ends && self.end(Status::Ended, day, position) == Outcome::Applied) || closes
    }

    /// Ends the title because it goes elsewhere; gives the attributes that it takes along.
    pub(super) fn give_away(&mut self, status: Status, placed: &FactAt) -> Option<Given> {
        let day = placed.fact.effective;
        let validity = self.periods.last()?.validity;
        let (batch, recommended_by) = (self.batch, self.recommended_by);
        let applied = self.end(status, day, placed.position) == Outcome::Applied;
        applied.then_some(Given { validity, batch, recommended_by })
    }

    /// Takes over a title that comes from elsewhere.
    pub(super) fn receive(
        &mut self,
        given: &Given,
        placed: &FactAt,
        valid_to: Option<CivilDate>,
    ) -> Outcome {
        let day = placed.fact.effective;
        if self.ended.is_none() && self.periods.iter().any(|period| period.holds_on(day)) {
            return Outcome::Superseded("the receiver held the title already; one remains");
        }
        let stated = valid_to.map(|to| Validity { to: Some(to), inferred: false });
        self.begin(day, stated.unwrap_or(given.validity), placed);
        self.batch = given.batch;
        self.recommended_by = given.recommended_by;
        self.rule = placed.fact.rule;
        Outcome::Applied
    }

    /// A revocation is undone: the title continues to the end it had before.
    fn reinstate(&mut self, placed: &FactAt) -> Outcome {
        let revoked = self.ended.filter(|ended| ended.status == Status::Revoked);
        let Some(Ended { validity, .. }) = revoked else {
            return Outcome::Superseded("there is no revocation to undo");
        };
        self.begin(placed.fact.effective, validity, placed);
        self.ban_until = None;
        Outcome::Applied
    }

    /// Ends the last period the day before, if it reaches the day or begins later.
    fn cut_before(&mut self, day: CivilDate) {
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

    /// The event that revoked the title on or before a day, if it is still revoked.
    pub(in crate::register) fn revoked_by(&self, day: CivilDate) -> Option<u32> {
        let ended =
            self.ended.filter(|ended| ended.status == Status::Revoked && ended.day <= day)?;
        Some(ended.position)
    }

    /// The events that begin a period after a day.
    pub(in crate::register) fn periods_after(&self, day: CivilDate) -> impl Iterator<Item = u32> {
        let later = self.periods.iter().filter(move |period| period.from > day);
        later.map(|period| period.position)
    }
}
