//! What follows from the events: designees, titles, batches, and whom an event concerns. Pure: no I/O, no clock.
//!
//! A [`Register`] is a function of the events applied to it, in order. Nothing in it is stored; delete it, and the log
//! rebuilds the same. Every question names the log size it stands on (`known_at`), so events past the durable size are
//! invisible to readers although the writer has applied them.

mod batch;
mod concern;
mod fact;
pub mod fold;
mod names;
mod repair;
pub mod rules;
mod view;

use hashbrown::{
    HashMap,
    hash_map::{Entry, EntryRef},
};

use self::{
    batch::{BatchKey, BatchRecord},
    fact::Stated,
    names::{Names, Sym},
};
pub use self::{
    concern::{Concern, Interest},
    view::{DatedName, DesigneeView, Status, TitleView},
};
use crate::domain::{
    CivilDate, DesigneeId,
    event::{BatchRef, Event, Fact},
};

/// A designee, by its place in the register. Never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DesigneeIndex(u32);

const NOBODY: DesigneeIndex = DesigneeIndex(u32::MAX);

/// Everything that follows from the events applied so far.
#[derive(Debug, Default)]
pub struct Register {
    designees: Vec<DesigneeRecord>,
    by_id: HashMap<DesigneeId, DesigneeIndex>,
    by_name: HashMap<Box<str>, Vec<DesigneeIndex>>,
    names: Names,
    batches: HashMap<BatchKey, BatchRecord>,
    /// Repairs by the position they repair, oldest first.
    repairs: HashMap<u64, Vec<Repair>>,
    /// Per position: whom the event concerns.
    concerns: Vec<Concern>,
    /// How to take back what was applied since the last call of [`Register::keep`].
    undo: Vec<Undo>,
}

#[derive(Debug)]
struct DesigneeRecord {
    id: DesigneeId,
    /// Facts stated about the designee, oldest first.
    facts: Vec<Stated>,
    /// Positions of events about others whose replacement is about this designee.
    inbound: Vec<u64>,
    /// Positions of all events about the designee, oldest first.
    events: Vec<u64>,
}

/// A recorded repair of an earlier event.
#[derive(Clone, Debug)]
struct Repair {
    position: u64,
    /// What takes the place of the repaired event; none if it was annulled.
    replacement: Option<(DesigneeIndex, Stated)>,
}

/// One step back.
#[derive(Debug)]
enum Undo {
    Designee,
    Name(Box<str>),
    Symbol,
    Fact(DesigneeIndex),
    Inbound(DesigneeIndex),
    EventOf(DesigneeIndex),
    Repair(u64),
    BatchEntry(BatchKey),
    BatchOpening(BatchKey),
    BatchSeal(BatchKey),
    Batch(BatchKey),
    Concern,
}

impl Register {
    /// Number of events applied.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.concerns.len() as u64
    }

    /// Number of designees with at least one event.
    #[must_use]
    pub fn designee_count(&self) -> usize {
        self.designees.len()
    }

    /// Applies the next event. Total: what cannot apply is kept and changes no title.
    pub fn apply(&mut self, event: &Event) {
        let position = self.size();
        let mut concern = Concern::stated_by(event);
        match &event.fact {
            Fact::Title { designee, .. } | Fact::Renamed { designee, .. } => {
                let index = self.intern_designee(designee);
                if let Some(stated) = self.state(position, event) {
                    self.index_names(index, &event.fact);
                    self.note_batch_entry(&event.fact, position);
                    self.record(index).facts.push(stated);
                    self.undo.push(Undo::Fact(index));
                }
                self.note_event(index, position);
                concern.is_about(index, event, &self.designee(index).facts);
            }
            Fact::BatchOpened(batch) => self.open_batch(batch, position),
            Fact::BatchSealed { batch, .. } => self.seal_batch(batch, position, event.effective),
            Fact::Corrected { position: target, replacement } => {
                self.repair(position, *target, Some(replacement.as_ref()), &mut concern);
            }
            Fact::Annulled { position: target } => {
                self.repair(position, *target, None, &mut concern);
            }
        }
        self.concerns.push(concern);
        self.undo.push(Undo::Concern);
    }

    /// Makes everything applied so far final.
    pub fn keep(&mut self) {
        self.undo.clear();
    }

    /// A place to come back to with [`Register::take_back`], valid until [`Register::keep`].
    #[must_use]
    pub fn savepoint(&self) -> usize {
        self.undo.len()
    }

    /// Takes back everything applied since the savepoint, without a trace.
    pub fn take_back(&mut self, savepoint: usize) {
        while self.undo.len() > savepoint {
            let Some(step) = self.undo.pop() else { return };
            self.step_back(step);
        }
    }

    fn step_back(&mut self, step: Undo) {
        match step {
            Undo::Designee => {
                if let Some(record) = self.designees.pop() {
                    self.by_id.remove(&record.id);
                }
            }
            Undo::Name(key) => {
                if let Some(bearers) = self.by_name.get_mut(&key) {
                    bearers.pop();
                    if bearers.is_empty() {
                        self.by_name.remove(&key);
                    }
                }
            }
            Undo::Symbol => self.names.forget_last(),
            Undo::Fact(index) => drop(self.record(index).facts.pop()),
            Undo::Inbound(index) => drop(self.record(index).inbound.pop()),
            Undo::EventOf(index) => drop(self.record(index).events.pop()),
            Undo::Repair(target) => {
                if let Some(repairs) = self.repairs.get_mut(&target) {
                    repairs.pop();
                    if repairs.is_empty() {
                        self.repairs.remove(&target);
                    }
                }
            }
            Undo::BatchEntry(key) => drop(self.batch_mut(key).entries.pop()),
            Undo::BatchOpening(key) => drop(self.batch_mut(key).openings.pop()),
            Undo::BatchSeal(key) => drop(self.batch_mut(key).seals.pop()),
            Undo::Batch(key) => drop(self.batches.remove(&key)),
            Undo::Concern => drop(self.concerns.pop()),
        }
    }

    fn designee(&self, index: DesigneeIndex) -> &DesigneeRecord {
        #[allow(clippy::indexing_slicing)] // indexes are made by `intern_designee` from this list
        &self.designees[index.0 as usize]
    }

    fn record(&mut self, index: DesigneeIndex) -> &mut DesigneeRecord {
        #[allow(clippy::indexing_slicing)] // as above
        &mut self.designees[index.0 as usize]
    }

    fn intern_designee(&mut self, id: &DesigneeId) -> DesigneeIndex {
        if let Some(index) = self.by_id.get(id) {
            return *index;
        }
        // Fewer than 2^32 designees: each needs an event, and each event its share of memory.
        let index = DesigneeIndex(u32::try_from(self.designees.len()).unwrap_or(u32::MAX - 1));
        let record = DesigneeRecord {
            id: id.clone(),
            // Most designees have a single event for years.
            facts: Vec::with_capacity(1),
            inbound: Vec::new(),
            events: Vec::with_capacity(1),
        };
        self.designees.push(record);
        self.by_id.insert(id.clone(), index);
        self.undo.push(Undo::Designee);
        if let DesigneeId::Provisional { name, .. } = id {
            self.index_name(index, name);
        }
        index
    }

    fn index_names(&mut self, index: DesigneeIndex, fact: &Fact) {
        match fact {
            Fact::Renamed { old_name, new_name, .. } => {
                self.index_name(index, old_name.key());
                self.index_name(index, new_name.key());
            }
            Fact::Title { fact, .. } => {
                if let Some(name) = fact.listed().and_then(|listed| listed.name.as_ref()) {
                    self.index_name(index, name.key());
                }
            }
            _ => {}
        }
    }

    fn index_name(&mut self, index: DesigneeIndex, key: &str) {
        match self.by_name.entry_ref(key) {
            EntryRef::Occupied(mut bearers) => {
                if bearers.get().contains(&index) {
                    return;
                }
                bearers.get_mut().push(index);
            }
            EntryRef::Vacant(vacant) => {
                vacant.insert_with_key(key.into(), vec![index]);
            }
        }
        self.undo.push(Undo::Name(key.into()));
    }

    fn note_event(&mut self, index: DesigneeIndex, position: u64) {
        let events = &mut self.record(index).events;
        if events.last() != Some(&position) {
            events.push(position);
            self.undo.push(Undo::EventOf(index));
        }
    }

    fn sym(&mut self, text: &str) -> Sym {
        let (sym, is_new) = self.names.intern(text);
        if is_new {
            self.undo.push(Undo::Symbol);
        }
        sym
    }

    /// The text behind a symbol.
    fn text(&self, sym: Sym) -> &str {
        self.names.text(sym)
    }

    /// Whom the events of these positions concern.
    #[must_use]
    pub fn concerns(&self, from: u64, to: u64) -> &[Concern] {
        let range = usize::try_from(from).ok().zip(usize::try_from(to).ok());
        range.and_then(|(from, to)| self.concerns.get(from..to)).unwrap_or_default()
    }

    /// The batch with its key, made on first mention.
    fn batch_key(&mut self, batch: &BatchRef) -> BatchKey {
        let name = self.sym(&batch.batch);
        let key = BatchKey { programme: batch.programme, authority: batch.authority, name };
        if let Entry::Vacant(vacant) = self.batches.entry(key) {
            vacant.insert(BatchRecord::default());
            self.undo.push(Undo::Batch(key));
        }
        key
    }

    fn batch_mut(&mut self, key: BatchKey) -> &mut BatchRecord {
        self.batches.entry(key).or_default()
    }

    fn open_batch(&mut self, batch: &BatchRef, position: u64) {
        let key = self.batch_key(batch);
        self.batch_mut(key).openings.push((position, batch.sublist));
        self.undo.push(Undo::BatchOpening(key));
    }

    fn seal_batch(&mut self, batch: &BatchRef, position: u64, effective: CivilDate) {
        let key = self.batch_key(batch);
        self.batch_mut(key).seals.push(batch::Seal { position, effective, sublist: batch.sublist });
        self.undo.push(Undo::BatchSeal(key));
    }

    fn note_batch_entry(&mut self, fact: &Fact, position: u64) {
        if let Some(batch) = batch::of_fact(fact) {
            let key = self.batch_key(&batch);
            self.batch_mut(key).entries.push(position);
            self.undo.push(Undo::BatchEntry(key));
        }
    }
}
