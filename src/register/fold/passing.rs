//! A title that passes to a successor or becomes one of another programme: the attributes that it
//! takes along, and the rules by which it goes.

use super::{
    Obstacle, Outcome, Status,
    cause::EndCause,
    ends::Ended,
    title::{Begun, ENDED, Folded, Incoming, NEVER_HELD},
};
use crate::{
    domain::{AuthorityCode, CivilDate, event::Validity},
    register::rows::Sym,
};

/// The attributes that a title takes along to a successor or another programme.
pub(super) struct Given {
    validity: Validity,
    batch: Sym,
    sublist: Option<AuthorityCode>,
    recommended_by: Option<AuthorityCode>,
    is_undesignated: bool,
}

impl Given {
    /// The validity that it takes along, which a stated last day may shorten.
    pub(super) fn validity_capped(&self, stated: Option<CivilDate>) -> Validity {
        match (stated, self.validity.to) {
            (Some(stated), Some(had)) if had < stated => self.validity,
            (Some(stated), _) => Validity { to: Some(stated), inferred: false },
            (None, _) => self.validity,
        }
    }

    /// The validity that a decision states, or else that it takes along.
    pub(super) fn validity_or(&self, stated: Option<CivilDate>) -> Validity {
        let stated = stated.map(|to| Validity { to: Some(to), inferred: false });
        stated.unwrap_or(self.validity)
    }
}

impl Folded {
    /// Ends the title because it goes elsewhere; gives the attributes that it takes along, or the
    /// reason why it cannot go. `is_successor` tells whether the receiver may take over a title
    /// that ended because its subject was absorbed.
    pub(super) fn give_away(
        &mut self,
        status: Status,
        incoming: &Incoming<'_>,
        is_successor: bool,
    ) -> Result<Given, Outcome> {
        let day = incoming.day();
        let validity = match (self.held_on(day), self.ended) {
            (Some(held), _) => {
                let passes = status == Status::Ended;
                let cause = if passes { EndCause::Transferred } else { EndCause::Converted };
                self.end(status, cause, incoming);
                held.validity
            }
            (None, Some(ended)) if status == Status::Ended && ended.leaves_a_successor() => {
                self.require_room_after_subject(&ended, day, is_successor)?;
                ended.validity
            }
            (None, Some(ended)) if ended.is_final() => return Err(ENDED),
            (None, _) if self.periods.is_empty() => return Err(NEVER_HELD),
            (None, _) => return Err(Outcome::Superseded(Obstacle::LastDayPast)),
        };
        Ok(Given {
            validity,
            batch: self.batch,
            sublist: self.sublist,
            recommended_by: self.recommended_by,
            is_undesignated: self.is_undesignated,
        })
    }

    /// A title that ended because its subject was absorbed passes once, to a recorded successor,
    /// and not after the last day that it had.
    fn require_room_after_subject(
        &self,
        ended: &Ended,
        day: CivilDate,
        is_successor: bool,
    ) -> Result<(), Outcome> {
        if self.successor.is_some() {
            return Err(Outcome::Superseded(Obstacle::PassedOn));
        }
        if ended.validity.to.is_some_and(|to| to < day) {
            return Err(Outcome::Superseded(Obstacle::LastDayPast));
        }
        if !is_successor {
            return Err(Outcome::Superseded(Obstacle::NotASuccessor));
        }
        Ok(())
    }

    /// Takes over a title that comes from elsewhere.
    pub(super) fn receive(
        &mut self,
        given: &Given,
        validity: Validity,
        incoming: &Incoming<'_>,
    ) -> Outcome {
        let day = incoming.day();
        if self.held_on(day).is_some() {
            return Outcome::Superseded(Obstacle::ReceiverHeld);
        }
        let begun = self.begin(day, validity, incoming);
        if begun != Begun::Unchanged {
            (self.batch, self.sublist) = (given.batch, given.sublist);
            self.recommended_by = given.recommended_by;
            self.is_undesignated = given.is_undesignated;
        }
        begun.outcome()
    }
}
