//! Batches: which entries, openings and seals were recorded of each, and which of them are in
//! force.
//!
//! Only positions are kept; the facts are read through the repairs of the size that is asked for.

mod content;

use hashbrown::{HashMap, hash_map::Entry};

pub use self::content::BatchCounts;
pub(super) use self::content::Content;
use self::content::EntryKind;
use super::{
    identity::Subjects,
    rows::{DesigneeIndex, FactKindRow, FactRow, Sym},
    undo::UndoLog,
};
use crate::domain::{
    AuthorityCode, CivilDate,
    event::{BatchRef, Declared},
    kind::ProgrammeId,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct BatchKey {
    pub(super) programme: ProgrammeId,
    pub(super) authority: AuthorityCode,
    pub(super) name: Sym,
}

/// Every batch that an event names.
#[derive(Debug, Default)]
pub(super) struct Batches {
    by_key: HashMap<BatchKey, BatchRecord>,
    /// In order of appearance.
    order: Vec<BatchKey>,
    undo: UndoLog<Undo>,
}

#[derive(Debug, Default)]
struct BatchRecord {
    /// Positions of notices, designations and passed reviews. One may be listed twice.
    entries: Vec<u32>,
    /// Positions of openings and seals.
    events: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
enum Undo {
    Batch(BatchKey),
    Entry(BatchKey),
    Event(BatchKey),
}

/// The event that declares a batch or sub-list complete.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seal {
    pub(super) position: u32,
    pub(super) effective: CivilDate,
    pub(super) sublist: Option<AuthorityCode>,
    pub(super) declared: Declared,
}

impl Batches {
    /// Notes a fact under the batch that it belongs to, if any. For a replacement, `position` is
    /// the event in whose place it is.
    pub(super) fn apply(&mut self, fact: &FactRow, position: u32) {
        let (Some(programme), Some(authority)) = (fact.programme, fact.authority) else { return };
        let key = |name| BatchKey { programme, authority, name };
        if let Some((_, name)) = fact.entry() {
            let key = self.intern(key(name));
            self.record_mut(key).entries.push(position);
            self.undo.push(Undo::Entry(key));
        }
        if let FactKindRow::BatchOpened { batch, .. } | FactKindRow::BatchSealed { batch, .. } =
            fact.kind
        {
            let key = self.intern(key(batch));
            self.record_mut(key).events.push(position);
            self.undo.push(Undo::Event(key));
        }
    }

    /// The batch, made on first mention.
    fn intern(&mut self, key: BatchKey) -> BatchKey {
        if let Entry::Vacant(vacant) = self.by_key.entry(key) {
            vacant.insert(BatchRecord::default());
            self.order.push(key);
            self.undo.push(Undo::Batch(key));
        }
        key
    }

    fn record_mut(&mut self, key: BatchKey) -> &mut BatchRecord {
        self.by_key.entry(key).or_default()
    }

    /// An end of the undo log to come back to.
    pub(super) fn savepoint(&self) -> usize {
        self.undo.end()
    }

    pub(super) fn rollback_to(&mut self, savepoint: usize) {
        while let Some(step) = self.undo.pop_from(savepoint) {
            match step {
                Undo::Entry(key) => drop(self.record_mut(key).entries.pop()),
                Undo::Event(key) => drop(self.record_mut(key).events.pop()),
                Undo::Batch(key) => {
                    self.by_key.remove(&key);
                    self.order.pop();
                }
            }
        }
    }

    /// Forgets the way back before a savepoint.
    pub(super) fn commit_before(&mut self, savepoint: usize) {
        self.undo.forget_before(savepoint);
    }
}

/// The batches as of a day, as known at a log size.
#[derive(Clone, Copy)]
pub(super) struct BatchesAsOf<'a> {
    batches: &'a Batches,
    subjects: Subjects<'a>,
    valid_on: CivilDate,
}

impl<'a> BatchesAsOf<'a> {
    pub(super) fn new(batches: &'a Batches, subjects: Subjects<'a>, valid_on: CivilDate) -> Self {
        Self { batches, subjects, valid_on }
    }

    pub(super) fn valid_on(self) -> CivilDate {
        self.valid_on
    }

    pub(super) fn subjects(self) -> Subjects<'a> {
        self.subjects
    }

    /// The key of a batch, if anything was ever recorded of it.
    pub(super) fn find(self, batch: &BatchRef) -> Option<BatchKey> {
        let name = self.subjects.facts().rows().find_word(&batch.batch)?;
        let key = BatchKey { programme: batch.programme, authority: batch.authority, name };
        self.batches.by_key.contains_key(&key).then_some(key)
    }

    /// The keys of all batches, in order of appearance.
    pub(super) fn keys(self) -> &'a [BatchKey] {
        &self.batches.order
    }

    /// True if anything is known of a batch at this size.
    pub(super) fn is_known(self, key: BatchKey) -> bool {
        self.batches.by_key.get(&key).is_some_and(|record| {
            let mut positions = record.events.iter().chain(&record.entries);
            positions.any(|position| self.subjects.facts().knows(*position))
        })
    }

    /// The openings and seals of a batch that are in force, by position.
    pub(super) fn events(self, key: BatchKey) -> impl Iterator<Item = (u32, FactRow)> {
        let record = self.batches.by_key.get(&key);
        let positions = record.map_or(&[][..], |record| &record.events).iter().copied();
        positions.filter_map(move |position| Some((position, self.event_at(position)?)))
    }

    fn event_at(self, position: u32) -> Option<FactRow> {
        let facts = self.subjects.facts();
        if !facts.knows(position) {
            return None;
        }
        let (_, fact) = facts.effective_fact(position)?;
        (fact.effective <= self.valid_on).then_some(fact)
    }

    /// The seal that closes a sub-list, or the batch as a whole.
    pub(super) fn seal_of(self, key: BatchKey, sublist: Option<AuthorityCode>) -> Option<Seal> {
        let mut seals = self.events(key).filter_map(|(position, fact)| match fact.kind {
            FactKindRow::BatchSealed { sublist, declared, .. } => {
                Some(Seal { position, effective: fact.effective, sublist, declared })
            }
            _ => None,
        });
        seals.find(|seal| seal.sublist.is_none() || seal.sublist == sublist)
    }

    /// The entries of a batch.
    pub(super) fn content(self, key: BatchKey) -> Content {
        let Some(record) = self.batches.by_key.get(&key) else { return Content::default() };
        let mut positions = record.entries.clone();
        positions.sort_unstable();
        positions.dedup();
        positions.into_iter().filter_map(|position| self.entry_at(key, position)).collect()
    }

    /// The entry at a position, if it is in force and belongs to the batch.
    fn entry_at(
        self,
        key: BatchKey,
        position: u32,
    ) -> Option<(EntryKind, Option<AuthorityCode>, DesigneeIndex)> {
        let facts = self.subjects.facts();
        if !facts.knows(position) {
            return None;
        }
        let (owner, fact) = facts.effective_fact(position)?;
        let (kind, name) = fact.entry()?;
        let here = fact.programme == Some(key.programme)
            && (fact.authority, name) == (Some(key.authority), key.name);
        if !here || fact.effective > self.valid_on {
            return None;
        }
        let sublist = match fact.listing() {
            Some(listing) => listing.sublist,
            None => self.sublist_of_reviewed(owner, &fact),
        };
        Some((kind, sublist, owner))
    }

    /// The sub-list that a reviewed title was designated in.
    fn sublist_of_reviewed(
        self,
        owner: DesigneeIndex,
        reviewed: &FactRow,
    ) -> Option<AuthorityCode> {
        self.subjects.events_of(owner).find_map(|position| {
            let recorded = self.subjects.facts().recorded(position);
            let fact = recorded.filter(|fact| fact.title() == reviewed.title())?;
            let is_designation = matches!(fact.kind, FactKindRow::Designated { .. });
            is_designation.then(|| fact.listing())??.sublist
        })
    }
}
