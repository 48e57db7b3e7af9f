//! Decisions about one title: designations, reviews, revocations, surrenders, reinstatements.

use super::{
    Obstacle, Outcome, Status,
    bans::Ban,
    cause::EndCause,
    ends::{Ended, Failure, Revocation},
    title::{Begun, ENDED, Folded, Incoming, NEVER_HELD},
};
use crate::{
    domain::event::{ReviewFailureCause, Validity},
    register::rows::{FactKindRow, Sym},
};

impl Folded {
    pub(super) fn designate(&mut self, incoming: &Incoming<'_>) -> Outcome {
        let fact = &incoming.placed.fact;
        let FactKindRow::Designated { batch, to, inferred, renews, listing, .. } = fact.kind else {
            return Outcome::Later;
        };
        let day = incoming.day();
        // A designation still to come does not change a title that was designated before.
        let is_first = self.periods.is_empty() && self.ended.is_none();
        if day > incoming.valid_on && !is_first {
            return Outcome::Later;
        }
        let held = self.held_on(day);
        match held {
            Some(held) if renews && held.from < day => self.cut_before(day),
            Some(held) => {
                self.collision |= held.member != incoming.placed.member;
                return Outcome::Superseded(Obstacle::InForceAlready);
            }
            None => {}
        }
        let begun = self.begin(day, Validity { to, inferred }, incoming);
        if begun != Begun::Unchanged {
            // A designation within the validity of the one before continues its run.
            if held.is_none() || self.batch.is_empty() {
                (self.batch, self.sublist) = (batch, listing.sublist);
            }
            self.recommended_by = listing.recommended_by.or(self.recommended_by);
            self.round = Sym::EMPTY;
            (self.creation, self.task) = (None, None);
            self.is_undesignated = false;
        }
        begun.outcome()
    }

    pub(super) fn pass_review(&mut self, incoming: &Incoming<'_>) -> Outcome {
        let FactKindRow::ReviewPassed { cohort, round, to, inferred, supplement } =
            incoming.placed.fact.kind
        else {
            return Outcome::Later;
        };
        let day = incoming.day();
        if self.ended.is_some_and(|ended| ended.is_final()) {
            return ENDED;
        }
        if self.failed.is_some() && !supplement {
            return Outcome::Superseded(Obstacle::ReviewFailed);
        }
        let last = self.periods.last().and_then(|period| period.validity.to);
        if !incoming.rules.late_review_renews && last.is_some_and(|to| to < day) {
            return Outcome::Superseded(Obstacle::LastDayPast);
        }
        if self.periods.is_empty() {
            self.is_undesignated = true;
            if !cohort.is_empty() {
                (self.batch, self.sublist) = (cohort, None);
            }
        }
        self.cut_before(day);
        let begun = self.begin(day, Validity { to, inferred }, incoming);
        if begun != Begun::Unchanged {
            self.round = round;
            self.stages.reviewed = true;
        }
        begun.outcome()
    }

    /// A failed review revokes the title, or leaves it in force to its last day.
    pub(super) fn fail_review(
        &mut self,
        incoming: &Incoming<'_>,
        revokes: bool,
        cause: Option<ReviewFailureCause>,
    ) -> Outcome {
        let Some(period) = self.periods.last() else { return NEVER_HELD };
        if self.ended.is_some_and(|ended| ended.is_final()) {
            return ENDED;
        }
        if self.failed.is_some() {
            return Outcome::Superseded(Obstacle::FailedAlready);
        }
        let cause = EndCause::of_failure(cause);
        if revokes {
            self.end(Status::Revoked, cause, incoming);
            return Outcome::Applied;
        }
        if period.validity.to.is_none() {
            self.end(Status::Expired, cause, incoming);
        }
        self.review = None;
        self.failed = Some(Failure { cause, position: incoming.position() });
        Outcome::Applied
    }

    /// A ban counts whether or not its revocation ends the title.
    pub(super) fn revoke(&mut self, incoming: &Incoming<'_>) -> Outcome {
        let fact = &incoming.placed.fact;
        let FactKindRow::Revoked { ground, ban_until, inferred } = fact.kind else {
            return Outcome::Later;
        };
        if let Some(until) = ban_until {
            let (from, position) = (incoming.day(), incoming.position());
            self.bans.add(Ban { from, until, inferred, position });
        }
        let outcome = self.end_by_decision(Status::Revoked, EndCause::Revoked, incoming);
        if let Some(ended) = self.ended.as_mut().filter(|_| outcome == Outcome::Applied) {
            let has_ban = ban_until.is_some();
            ended.revocation = Some(Revocation { ground, has_ban, rule: fact.rule });
        }
        outcome
    }

    pub(super) fn surrender(&mut self, incoming: &Incoming<'_>) -> Outcome {
        self.end_by_decision(Status::Surrendered, EndCause::Surrendered, incoming)
    }

    /// Ends the title by a decision, which shows that it was held if nothing else does.
    fn end_by_decision(
        &mut self,
        status: Status,
        cause: EndCause,
        incoming: &Incoming<'_>,
    ) -> Outcome {
        if self.ended.is_some_and(|ended| ended.is_final()) {
            return ENDED;
        }
        self.is_undesignated |= self.periods.is_empty();
        self.end(status, cause, incoming);
        Outcome::Applied
    }

    /// A revocation is undone: the title continues to the end it had before, and with a failed
    /// review if it had one.
    pub(super) fn reinstate(&mut self, incoming: &Incoming<'_>) -> Outcome {
        let day = incoming.day();
        self.bans.lift(day);
        let revoked = self.ended.filter(|ended| ended.status == Status::Revoked);
        let Some(Ended { validity, .. }) = revoked else {
            return Outcome::Superseded(Obstacle::NothingToUndo);
        };
        let failed = self.failed;
        let begun = self.begin(day, validity, incoming);
        self.failed = failed;
        begun.outcome()
    }
}
