//! Public notices of a title that is not designated yet: one entry for each batch and scope, the
//! objections to it, and the end of it.
//!
//! An objection, its decision and a withdrawal act on the entry of their own batch and scope alone.
//! The seals of lists are not known here: [`super::status`] adds them.

use smallvec::SmallVec;

use super::{EndCause, Obstacle, Outcome};
use crate::{
    domain::{AuthorityCode, CivilDate},
    register::rows::Sym,
};

/// Names an entry of a title: its batch, and whether it is a recommending authority's step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::register) struct EntryKey {
    pub(in crate::register) batch: Sym,
    pub(in crate::register) recommendation: bool,
}

/// The entry of a title in a public notice.
#[derive(Clone, Copy, Debug)]
pub(in crate::register) struct Entry {
    pub(in crate::register) key: EntryKey,
    pub(in crate::register) sublist: Option<AuthorityCode>,
    pub(in crate::register) from: CivilDate,
    /// Listed after the seal of its batch, which does not close it.
    pub(super) supplement: bool,
    /// Withdrawn, or closed by an upheld objection or the end of the subject.
    pub(in crate::register) closed: Option<Closed>,
}

/// The end of an entry or of a creation task, without a designation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::register) struct Closed {
    pub(in crate::register) day: CivilDate,
    pub(in crate::register) cause: EndCause,
    /// The event that closes it.
    pub(in crate::register) position: u32,
}

/// An objection to an entry.
#[derive(Clone, Copy, Debug)]
struct Objection {
    key: EntryKey,
    raised: CivilDate,
    resolved: Option<CivilDate>,
    position: u32,
}

/// The decision on an objection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decision {
    pub(super) day: CivilDate,
    /// The objection that it names; without one, it decides the oldest open one.
    pub(super) objection: Option<u32>,
    pub(super) upheld: bool,
    pub(super) position: u32,
}

/// The notices of a title since its last stretch began.
#[derive(Clone, Debug, Default)]
pub(in crate::register) struct Notices {
    entries: SmallVec<[Entry; 1]>,
    objections: Vec<Objection>,
}

const NOT_OPEN: Outcome = Outcome::Superseded(Obstacle::NoOpenEntry);

impl Notices {
    pub(in crate::register) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.objections.clear();
    }

    /// The entry of a batch and scope, while nothing has closed it.
    fn open_entry(&self, key: EntryKey) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key && entry.closed.is_none())
    }

    /// The entries that decide whether their batch is open: of each batch that of the decision,
    /// or without one that of the recommendation.
    pub(in crate::register) fn deciding(&self) -> impl Iterator<Item = &Entry> {
        let decided = |batch: Sym| {
            let key = EntryKey { batch, recommendation: false };
            self.entries.iter().any(|entry| entry.key == key)
        };
        let deciding = move |entry: &&Entry| !entry.key.recommendation || !decided(entry.key.batch);
        self.entries.iter().filter(deciding)
    }

    /// True if an objection to an entry of the batch, of either scope, is not decided.
    pub(in crate::register) fn is_contested(&self, batch: Sym) -> bool {
        self.objections.iter().any(|o| o.key.batch == batch && o.resolved.is_none())
    }

    /// True if an objection to an entry of the batch, of either scope, was not decided on a day.
    pub(super) fn was_contested(&self, batch: Sym, day: CivilDate) -> bool {
        self.objections.iter().any(|objection| {
            objection.key.batch == batch
                && objection.raised <= day
                && objection.resolved.is_none_or(|resolved| resolved > day)
        })
    }

    /// A notice lists the designee.
    pub(super) fn open(&mut self, entry: Entry) -> Outcome {
        if self.open_entry(entry.key).is_some() {
            return Outcome::Superseded(Obstacle::EntryOpen);
        }
        self.entries.retain(|earlier| earlier.key != entry.key);
        self.objections.retain(|objection| objection.key != entry.key);
        self.entries.push(entry);
        Outcome::Applied
    }

    pub(super) fn object(&mut self, key: EntryKey, raised: CivilDate, position: u32) -> Outcome {
        if self.open_entry(key).is_none() {
            return NOT_OPEN;
        }
        self.objections.push(Objection { key, raised, resolved: None, position });
        Outcome::Applied
    }

    /// Decides one objection. An upheld one closes the entry.
    pub(super) fn decide(&mut self, key: EntryKey, decision: Decision) -> Outcome {
        if self.open_entry(key).is_none() {
            return NOT_OPEN;
        }
        let Decision { day, objection: named, upheld, position } = decision;
        let decided = self.objections.iter_mut().find(|objection| {
            objection.key == key
                && objection.resolved.is_none()
                && named.is_none_or(|named| objection.position == named)
        });
        let Some(objection) = decided else {
            return Outcome::Superseded(Obstacle::NoOpenObjection);
        };
        objection.resolved = Some(day);
        if upheld {
            self.close(key, Closed { day, cause: EndCause::ObjectionUpheld, position });
        }
        Outcome::Applied
    }

    pub(super) fn withdraw(&mut self, key: EntryKey, day: CivilDate, position: u32) -> Outcome {
        if self.close(key, Closed { day, cause: EndCause::NoticeWithdrawn, position }) {
            Outcome::Applied
        } else {
            NOT_OPEN
        }
    }

    /// Closes an entry that is open; true if it was.
    fn close(&mut self, key: EntryKey, closed: Closed) -> bool {
        let mut entries = self.entries.iter_mut();
        let open = entries.find(|entry| entry.key == key && entry.closed.is_none());
        open.map(|entry| entry.closed = Some(closed)).is_some()
    }

    /// Closes all entries that are open; true if any was.
    pub(super) fn close_all(&mut self, closed: Closed) -> bool {
        let open = self.entries.iter_mut().filter(|entry| entry.closed.is_none());
        open.map(|entry| entry.closed = Some(closed)).count() > 0
    }
}
