//! Batches: which entries, openings and seals were recorded of each, and which of them are in
//! force.
//!
//! Only positions are kept; the facts are read through the repairs of the size that is asked for.

mod content;
mod reading;
mod seals;

use hashbrown::{HashMap, hash_map::Entry};

pub use self::content::BatchCounts;
pub(super) use self::{
    content::{Content, EntryKind},
    reading::{BatchSums, EntriesRead},
    seals::{SealsAsOf, SealsFound},
};
use super::{
    identity::Subjects,
    rows::{DesigneeIndex, FactKindRow, FactRow, Sym, TitleKey},
    undo::UndoLog,
};
use crate::domain::{
    AuthorityCode, CivilDate,
    event::{BatchRef, Declared},
    kind::ProgrammeId,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
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
    /// Positions of entries of notices, designations and passed reviews. One may be listed twice.
    entries: Vec<u32>,
    /// The events in whose place a correction states such an entry.
    corrected: Vec<Noted>,
    /// Openings and seals, and the events in whose place a correction states one.
    events: Vec<Noted>,
}

/// An event under a batch, and the event that noted it there: itself, or a correction of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noted {
    pub(super) position: u32,
    pub(super) noted_at: u32,
}

#[derive(Clone, Copy, Debug)]
enum Undo {
    Batch(BatchKey),
    Entry(BatchKey),
    Corrected(BatchKey),
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

/// The sub-lists in which reviewed titles were designated, as far as they were looked for.
pub(super) type SublistsFound = HashMap<(DesigneeIndex, TitleKey), Option<AuthorityCode>>;

impl Seal {
    pub(super) fn of(position: u32, fact: &FactRow) -> Option<Self> {
        match fact.kind {
            FactKindRow::BatchSealed { sublist, declared, .. } => {
                Some(Self { position, effective: fact.effective, sublist, declared })
            }
            _ => None,
        }
    }

    /// True if it closes a sub-list, or the batch as a whole.
    pub(super) fn closes(&self, sublist: Option<AuthorityCode>) -> bool {
        self.sublist.is_none() || self.sublist == sublist
    }
}

impl Batches {
    /// Notes a fact of the event at `noted_at` under the batch that it belongs to, if any. For a
    /// replacement, `position` is the event in whose place it is; otherwise both are the same.
    pub(super) fn apply(&mut self, fact: &FactRow, position: u32, noted_at: u32) {
        let (Some(programme), Some(authority)) = (fact.programme, fact.authority) else { return };
        let key = |name| BatchKey { programme, authority, name };
        if let Some((_, name)) = fact.entry() {
            let key = key(name);
            let record = self.intern(key);
            let undo = if position == noted_at {
                record.entries.push(position);
                Undo::Entry(key)
            } else {
                record.corrected.push(Noted { position, noted_at });
                Undo::Corrected(key)
            };
            self.undo.push(undo);
        }
        if let FactKindRow::BatchOpened { batch, .. } | FactKindRow::BatchSealed { batch, .. } =
            fact.kind
        {
            let key = key(batch);
            let events = &mut self.intern(key).events;
            // A correction may state it in the same batch once more.
            if !events.iter().any(|noted| noted.position == position) {
                events.push(Noted { position, noted_at });
                self.undo.push(Undo::Event(key));
            }
        }
    }

    /// The record of a batch, made on first mention.
    fn intern(&mut self, key: BatchKey) -> &mut BatchRecord {
        match self.by_key.entry(key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(vacant) => {
                self.order.push(key);
                self.undo.push(Undo::Batch(key));
                vacant.insert(BatchRecord::default())
            }
        }
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
                Undo::Corrected(key) => drop(self.record_mut(key).corrected.pop()),
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

/// The batches as of a day, as known at a log size; in a trial with its own events.
#[derive(Clone, Copy)]
pub(super) struct BatchesAsOf<'a> {
    batches: &'a Batches,
    layer: Option<&'a Batches>,
    subjects: Subjects<'a>,
    valid_on: CivilDate,
}

impl<'a> BatchesAsOf<'a> {
    pub(super) fn new(batches: &'a Batches, subjects: Subjects<'a>, valid_on: CivilDate) -> Self {
        Self { batches, layer: None, subjects, valid_on }
    }

    /// The same batches, with those of a trial. The subjects have its layers already.
    pub(super) fn with_layer(self, layer: &'a Batches) -> Self {
        Self { layer: Some(layer), ..self }
    }

    pub(super) fn valid_on(self) -> CivilDate {
        self.valid_on
    }

    pub(super) fn subjects(self) -> Subjects<'a> {
        self.subjects
    }

    /// The key of a batch, if anything is known of it at this size.
    pub(super) fn find(self, batch: &BatchRef) -> Option<BatchKey> {
        self.find_named(batch.programme, batch.authority, &batch.batch)
    }

    /// As [`BatchesAsOf::find`], by the three parts of its key.
    pub(super) fn find_named(
        self,
        programme: ProgrammeId,
        authority: AuthorityCode,
        name: &str,
    ) -> Option<BatchKey> {
        let name = self.subjects.facts().find_word(name)?;
        let key = BatchKey { programme, authority, name };
        self.is_known(key).then_some(key)
    }

    /// The records of a batch, that of the trial last; each with the size below which what it notes
    /// is known.
    fn records(self, key: BatchKey) -> impl Iterator<Item = (&'a BatchRecord, u64)> {
        let facts = self.subjects.facts();
        let recorded = self.batches.by_key.get(&key).map(|record| (record, facts.recorded_below()));
        let of_trial = self.layer.and_then(|layer| layer.by_key.get(&key));
        recorded.into_iter().chain(of_trial.map(|record| (record, facts.known_below())))
    }

    /// The keys of all batches, in order of appearance.
    pub(super) fn keys(self) -> &'a [BatchKey] {
        &self.batches.order
    }

    /// True if anything is known of a batch at this size.
    pub(super) fn is_known(self, key: BatchKey) -> bool {
        let facts = self.subjects.facts();
        self.records(key).any(|(record, below)| {
            // Each list is in the order in which the log notes its events.
            let is_known = |noted_at: &u32| u64::from(*noted_at) < below;
            let counts = |noted_at: u32| facts.counts(noted_at);
            let knows = |noted: &[Noted]| {
                noted.iter().map(|noted| noted.noted_at).take_while(is_known).any(counts)
            };
            record.entries.iter().copied().take_while(is_known).any(counts)
                || knows(&record.events)
                || knows(&record.corrected)
        })
    }

    /// The designees that have an entry in a batch, in force or not, some of them more than once.
    /// Counts in `read` the events that it reads.
    pub(super) fn holders(
        self,
        key: BatchKey,
        read: &mut usize,
    ) -> impl Iterator<Item = DesigneeIndex> {
        let facts = self.subjects.facts();
        let noted = self.records(key).flat_map(|(record, below)| {
            let corrected = record.corrected.iter().map(|noted| (noted.position, noted.noted_at));
            let entries = record.entries.iter().map(|position| (*position, *position));
            entries.chain(corrected).filter(move |(_, noted_at)| u64::from(*noted_at) < below)
        });
        noted.filter_map(move |(position, noted_at)| {
            *read += 1;
            let corrected = facts.replacement_at(noted_at).map(|(owner, _)| owner);
            corrected.or_else(|| facts.row(position).map(|row| row.designee))
        })
    }

    /// The events that note anything under a batch, in force or not, some of them more than once.
    pub(super) fn noting(self, key: BatchKey) -> impl Iterator<Item = u32> {
        self.records(key).flat_map(|(record, below)| {
            let others = record.events.iter().chain(&record.corrected);
            let all = record.entries.iter().copied().chain(others.map(|noted| noted.noted_at));
            all.filter(move |noted_at| u64::from(*noted_at) < below)
        })
    }

    /// The openings and seals of a batch that are in force, by position. Counts in `read` the facts
    /// and repairs that it reads, as the others do.
    pub(super) fn events(
        self,
        key: BatchKey,
        read: &mut usize,
    ) -> impl Iterator<Item = (u32, FactRow)> {
        let events = self.records(key).flat_map(move |(record, below)| {
            let events = record.events.iter();
            events.filter(move |noted| u64::from(noted.noted_at) < below)
        });
        events.filter_map(move |noted| {
            *read += 1;
            let (_, fact, _) = self.subjects.facts().effective(noted.position, read)?;
            // A correction may have moved it to another batch.
            let here = fact.programme == Some(key.programme)
                && fact.authority == Some(key.authority)
                && fact.kind.batch() == Some(key.name);
            (here && fact.effective <= self.valid_on).then_some((noted.position, fact))
        })
    }

    /// The positions of all openings and seals of a batch, in force or not, some of them more than
    /// once.
    pub(super) fn recorded_events(self, key: BatchKey) -> impl Iterator<Item = u32> {
        let all = self.records(key).flat_map(move |(record, below)| {
            let events = record.events.iter();
            events.filter(move |noted| u64::from(noted.noted_at) < below)
        });
        all.map(|noted| noted.position)
    }

    /// The number of entries of a batch, in force or not, with those that corrections put there.
    pub(super) fn entry_count(self, key: BatchKey) -> usize {
        let mut count = 0;
        for (record, below) in self.records(key) {
            count += known_in(&record.entries, below, |position| *position);
            count += known_in(&record.corrected, below, |noted| noted.noted_at);
        }
        count
    }

    /// The seal that closes a sub-list, or the batch as a whole.
    pub(super) fn seal_of(
        self,
        key: BatchKey,
        sublist: Option<AuthorityCode>,
        read: &mut usize,
    ) -> Option<Seal> {
        self.seals(key, read).find(|seal| seal.closes(sublist))
    }

    /// The seals of a batch and of its sub-lists.
    pub(super) fn seals(self, key: BatchKey, read: &mut usize) -> impl Iterator<Item = Seal> {
        self.events(key, read).filter_map(|(position, fact)| Seal::of(position, &fact))
    }

    /// The entries of a batch.
    pub(super) fn content(
        self,
        key: BatchKey,
        sublists: &mut SublistsFound,
        read: &mut usize,
    ) -> Content {
        let mut positions = Vec::new();
        for (record, below) in self.records(key) {
            let corrected = record.corrected.iter().map(|noted| (noted.position, noted.noted_at));
            let entries = record.entries.iter().map(|position| (*position, *position));
            let known = entries.chain(corrected).filter(|(_, at)| u64::from(*at) < below);
            positions.extend(known.map(|(position, _)| position));
        }
        positions.sort_unstable();
        positions.dedup();
        let entry = |position| self.entry_at(key, position, sublists, read);
        positions.into_iter().filter_map(entry).collect()
    }

    /// The position at a place among the events under which a batch has entries, if it is known.
    /// The places stay the same while the log grows.
    fn entry_position(self, key: BatchKey, place: usize) -> Option<u32> {
        let record = self.batches.by_key.get(&key)?;
        let below = self.subjects.facts().recorded_below();
        let entry = record.entries.get(place).filter(|position| u64::from(**position) < below);
        if let Some(position) = entry {
            return Some(*position);
        }
        let entries = known_in(&record.entries, below, |position| *position);
        let noted = record.corrected.get(place.checked_sub(entries)?);
        noted.filter(|noted| u64::from(noted.noted_at) < below).map(|noted| noted.position)
    }

    /// The entry at a position, if it is in force and belongs to the batch.
    fn entry_at(
        self,
        key: BatchKey,
        position: u32,
        sublists: &mut SublistsFound,
        read: &mut usize,
    ) -> Option<(EntryKind, Option<AuthorityCode>, DesigneeIndex)> {
        *read += 1;
        let (owner, fact, _) = self.subjects.facts().effective(position, read)?;
        let (kind, name) = fact.entry()?;
        let here = fact.programme == Some(key.programme)
            && (fact.authority, name) == (Some(key.authority), key.name);
        if !here || fact.effective > self.valid_on {
            return None;
        }
        let sublist = match fact.listing() {
            Some(listing) => listing.sublist,
            // Many reviews may be about one title.
            None => *sublists
                .entry((owner, fact.title()?))
                .or_insert_with_key(|(owner, title)| self.sublist_of(*owner, *title, read)),
        };
        Some((kind, sublist, owner))
    }

    /// The sub-list that a title was first designated in. Its reviews belong to the same one.
    pub(super) fn sublist_of(
        self,
        owner: DesigneeIndex,
        title: TitleKey,
        read: &mut usize,
    ) -> Option<AuthorityCode> {
        let facts = self.subjects.facts();
        let mut first = None;
        for position in self.subjects.events_of(owner) {
            *read += 1;
            let root = facts.root_of(position);
            let Some((holder, fact, _)) = facts.effective(root, read) else { continue };
            let FactKindRow::Designated { listing, .. } = fact.kind else { continue };
            let place = (fact.effective, root);
            let is_first = first.is_none_or(|(earlier, _)| place < earlier);
            if holder == owner && fact.title() == Some(title) && is_first {
                first = Some((place, listing.sublist));
            }
        }
        first?.1
    }
}

/// Number of events in a list that were noted below a size. The list is in the order in which the
/// log notes them, and mostly all of them are known.
pub(super) fn known_in<T>(list: &[T], below: u64, noted_at: impl Fn(&T) -> u32) -> usize {
    let is_known = |noted: &T| u64::from(noted_at(noted)) < below;
    match list.last() {
        Some(last) if !is_known(last) => list.partition_point(is_known),
        _ => list.len(),
    }
}

impl FactRow {
    /// The batch in which the fact is an entry, or which it opens or seals.
    pub(super) fn batch_key(&self) -> Option<BatchKey> {
        let name = match self.kind {
            FactKindRow::BatchOpened { batch, .. } | FactKindRow::BatchSealed { batch, .. } => {
                batch
            }
            _ => self.entry()?.1,
        };
        Some(BatchKey { programme: self.programme?, authority: self.authority?, name })
    }
}
