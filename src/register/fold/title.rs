//! One title while facts are folded into it.

use smallvec::SmallVec;

use super::{Outcome, Status};
use crate::{
    domain::{AuthorityCode, CivilDate, event::Validity, kind::ProgrammeId},
    register::{
        DesigneeIndex,
        identity::Placed,
        row::{NO_RULE, TitleKey, What},
        texts::Sym,
    },
};

/// A stretch of days on which a title is, or will be, in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::register) struct Period {
    pub(in crate::register) from: CivilDate,
    pub(in crate::register) validity: Validity,
    /// The event that began it, and the identifier that event was stated under.
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

/// A title, as folded.
#[derive(Clone, Debug)]
pub(in crate::register) struct Folded {
    /// The first identifier, by its place in the circle, of the subject whose title it is.
    pub(in crate::register) subject: u16,
    pub(in crate::register) key: TitleKey,
    /// All stretches in force, as far as the facts reach; ends are cut where the title ended before them.
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

/// How far a title ever came.
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
    /// Days on which an objection was raised, and decided.
    pub(in crate::register) raised: Option<CivilDate>,
    pub(in crate::register) resolved: Option<CivilDate>,
    /// An objection was upheld, or the entry withdrawn, on this day.
    pub(in crate::register) closed: Option<CivilDate>,
}

/// How and when a title ended before its last day.
#[derive(Clone, Copy, Debug)]
pub(in crate::register) struct Ended {
    pub(in crate::register) status: Status,
    pub(in crate::register) day: CivilDate,
    pub(in crate::register) position: u32,
    /// Its validity before.
    validity: Validity,
}

/// How far a creation task has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::register) enum Creation {
    Open,
    Passed,
    Failed,
}

/// What a title takes along to a successor or another programme.
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
    pub(super) fn step(&mut self, placed: &Placed, as_of: CivilDate) -> Outcome {
        let stated = &placed.stated;
        let day = stated.effective;
        let outcome = match stated.what {
            What::Noticed { batch, to, review, recommendation, listing } => {
                if review {
                    self.review = Some(batch);
                    return self.rule_of(placed, Outcome::Applied);
                }
                self.stages.recommended |= recommendation;
                self.stages.noticed |= !recommendation;
                self.notice = Some(Notice {
                    batch,
                    sublist: listing.sublist,
                    from: day,
                    to,
                    position: placed.position,
                    raised: None,
                    resolved: None,
                    closed: None,
                });
                if self.periods.is_empty() {
                    (self.batch, self.sublist) = (batch, listing.sublist);
                }
                Outcome::Applied
            }
            What::ObjectionRaised { .. } => self.on_notice(|notice| notice.raised = Some(day)),
            What::ObjectionResolved { upheld, .. } => self.on_notice(|notice| {
                notice.resolved = Some(day);
                notice.closed = upheld.then_some(day).or(notice.closed);
            }),
            What::NoticeWithdrawn { .. } => self.on_notice(|notice| notice.closed = Some(day)),
            What::CreationListed { batch, listing } => {
                self.creation = Some(Creation::Open);
                if self.periods.is_empty() {
                    (self.batch, self.sublist) = (batch, listing.sublist);
                }
                Outcome::Applied
            }
            What::CreationAssessed { passed, .. } => {
                self.creation = Some(if passed { Creation::Passed } else { Creation::Failed });
                Outcome::Applied
            }
            What::Designated { .. } => self.designate(placed, as_of),
            What::ReviewOpened { round } => self.while_held(|title| title.review = Some(round)),
            What::ReviewPassed { round, to, inferred } => self.while_held(|title| {
                title.cut_before(day);
                title.begin(day, Validity { to, inferred }, placed);
                title.round = round;
                title.stages.reviewed = true;
            }),
            What::ReviewFailed { revokes, .. } => {
                let status = if revokes { Status::Revoked } else { Status::Expired };
                self.end(status, day, placed.position)
            }
            What::Revoked { ban_until } => {
                let outcome = self.end(Status::Revoked, day, placed.position);
                if outcome == Outcome::Applied {
                    self.ban_until = ban_until;
                }
                outcome
            }
            What::Surrendered => self.end(Status::Surrendered, day, placed.position),
            What::Reinstated => self.reinstate(placed),
            What::RevocationProposed => self.while_held(|title| title.revocation_proposed = true),
            What::RectificationOrdered { due } => {
                self.while_held(|title| title.rectify = Some(due))
            }
            What::SupportGranted { scheme, round } => {
                self.supports.push((scheme, round, placed.position));
                Outcome::Applied
            }
            // About other things; the caller knows the two that are about titles.
            _ => Outcome::Later,
        };
        self.rule_of(placed, outcome)
    }

    /// Notes under which rule version, and on whose recommendation, the title came to be what it is.
    fn rule_of(&mut self, placed: &Placed, outcome: Outcome) -> Outcome {
        if outcome == Outcome::Applied {
            let recommended_by = placed.stated.listing().and_then(|listing| listing.recommended_by);
            self.recommended_by = recommended_by.or(self.recommended_by);
            let begins = matches!(
                placed.stated.what,
                What::Designated { .. } | What::ReviewPassed { .. } | What::Reinstated
            );
            if begins || self.periods.is_empty() {
                self.rule = placed.stated.rule;
            }
        }
        outcome
    }

    fn designate(&mut self, placed: &Placed, as_of: CivilDate) -> Outcome {
        let What::Designated { batch, to, inferred, renews, listing, .. } = placed.stated.what
        else {
            return Outcome::Later;
        };
        let day = placed.stated.effective;
        // A later designation that has not come changes nothing for a title that has had its day.
        if day > as_of && !self.periods.is_empty() {
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

    fn begin(&mut self, from: CivilDate, validity: Validity, placed: &Placed) {
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

    /// The subject has ceased to exist: what is in force, or to come, ends. True if something did.
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

    /// Ends the title because it goes elsewhere; gives what it takes along.
    pub(super) fn give_away(&mut self, status: Status, placed: &Placed) -> Option<Given> {
        let day = placed.stated.effective;
        let validity = self.periods.last()?.validity;
        let (batch, recommended_by) = (self.batch, self.recommended_by);
        let applied = self.end(status, day, placed.position) == Outcome::Applied;
        applied.then_some(Given { validity, batch, recommended_by })
    }

    /// Takes over a title that comes from elsewhere.
    pub(super) fn receive(
        &mut self,
        given: &Given,
        placed: &Placed,
        valid_to: Option<CivilDate>,
    ) -> Outcome {
        let day = placed.stated.effective;
        if self.ended.is_none() && self.periods.iter().any(|period| period.holds_on(day)) {
            return Outcome::Superseded("the receiver held the title already; one remains");
        }
        let stated = valid_to.map(|to| Validity { to: Some(to), inferred: false });
        self.begin(day, stated.unwrap_or(given.validity), placed);
        self.batch = given.batch;
        self.recommended_by = given.recommended_by;
        self.rule = placed.stated.rule;
        Outcome::Applied
    }

    /// A revocation is undone: the title goes on to the end it had before.
    fn reinstate(&mut self, placed: &Placed) -> Outcome {
        let revoked = self.ended.filter(|ended| ended.status == Status::Revoked);
        let Some(Ended { validity, .. }) = revoked else {
            return Outcome::Superseded("there is no revocation to undo");
        };
        self.begin(placed.stated.effective, validity, placed);
        self.ban_until = None;
        Outcome::Applied
    }

    /// The last stretch ends the day before, if it would reach the day; one to come does not come.
    fn cut_before(&mut self, day: CivilDate) {
        let before = day.previous();
        if let Some(last) = self.periods.last_mut()
            && (last.holds_on(day) || last.from > day)
        {
            last.validity = Validity { to: before, inferred: false };
        }
    }

    /// The stretch that counts: the last one that has begun, or the first to come.
    pub(in crate::register) fn current(&self) -> Option<&Period> {
        self.periods.last()
    }

    /// The event that revoked the title on or before a day, if it stands.
    pub(in crate::register) fn revoked_by(&self, day: CivilDate) -> Option<u32> {
        let ended =
            self.ended.filter(|ended| ended.status == Status::Revoked && ended.day <= day)?;
        Some(ended.position)
    }

    /// Events that begin a stretch after a day.
    pub(in crate::register) fn periods_after(&self, day: CivilDate) -> impl Iterator<Item = u32> {
        let later = self.periods.iter().filter(move |period| period.from > day);
        later.map(|period| period.position)
    }
}
