//! The seals of batches, found once for all titles of a list: each title asks for that of its own.

use std::cell::{Cell, RefCell};

use hashbrown::HashMap;

use super::{BatchKey, BatchesAsOf, Seal};
use crate::domain::{AuthorityCode, CivilDate};

/// The seals of the batches that were asked about, as of one day and log size.
#[derive(Debug, Default)]
pub(in crate::register) struct SealsFound {
    seals: RefCell<HashMap<BatchKey, Vec<Seal>>>,
    read: Cell<usize>,
}

/// The seals as of a day, as known at a log size; those that were found are remembered.
#[derive(Clone, Copy)]
pub(in crate::register) struct SealsAsOf<'a> {
    batches: BatchesAsOf<'a>,
    found: &'a SealsFound,
}

impl SealsFound {
    /// Number of facts, and of repairs, that were read.
    pub(in crate::register) fn read(&self) -> usize {
        self.read.get()
    }
}

impl<'a> SealsAsOf<'a> {
    /// The same `found` belongs to one day and log size.
    pub(in crate::register) fn new(batches: BatchesAsOf<'a>, found: &'a SealsFound) -> Self {
        Self { batches, found }
    }

    pub(in crate::register) fn valid_on(self) -> CivilDate {
        self.batches.valid_on()
    }

    /// The seal that closes a sub-list, or the batch as a whole.
    pub(in crate::register) fn of(
        self,
        key: BatchKey,
        sublist: Option<AuthorityCode>,
    ) -> Option<Seal> {
        self.after(key, sublist, None)
    }

    /// As [`SealsAsOf::of`], of the seals after a day.
    pub(in crate::register) fn after(
        self,
        key: BatchKey,
        sublist: Option<AuthorityCode>,
        day: Option<CivilDate>,
    ) -> Option<Seal> {
        let SealsFound { seals, read } = self.found;
        let mut known = seals.borrow_mut();
        let all = known.entry(key).or_insert_with(|| {
            let mut count = 0;
            let all = self.batches.seals(key, &mut count).collect();
            read.set(read.get() + count);
            all
        });
        let is_after = |seal: &Seal| day.is_none_or(|day| seal.effective > day);
        all.iter().find(|seal| seal.closes(sublist) && is_after(seal)).copied()
    }
}
