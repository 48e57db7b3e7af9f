//! Designees: their identifiers, names and events, and which identifiers name one subject.
//!
//! Facts stay under the identifier they were stated with. Links join the identifiers of one
//! subject, and an annulled link joins nothing. A transferred title ties two subjects together
//! without making them one.

mod cluster;
mod layer;
mod named;
mod names;
mod proposed;
mod stored;
mod subjects;

use std::{hash::BuildHasher as _, hint::black_box};

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};

use self::names::{Bearer, NameIndex};
pub use self::subjects::Namesakes;
pub(super) use self::{
    cluster::{FactAt, IdentityCluster},
    layer::IdentityLayer,
    named::{Named, SharedName},
    names::Secret,
    proposed::ProposedFact,
    stored::{NameRead, Ties, new_names},
    subjects::Subjects,
};
use super::{
    rows::{self, DesigneeIndex, Link, NOBODY, Pages, Rows},
    undo::{UndoLog, pop_from},
};
use crate::domain::{
    DesigneeId,
    event::{Event, Fact, SubjectFact},
    name,
};

/// Every designee that an event names, with its events and names.
#[derive(Debug, Default)]
pub(super) struct Identity {
    designees: Pages<DesigneeRecord>,
    by_id: HashTable<DesigneeIndex>,
    names: NameIndex,
    /// The keys of provisional identifiers whose name is not the key of itself: those of some logs.
    unfolded: HashMap<DesigneeIndex, Box<str>>,
    /// Events that concern a designee although they are about another one, oldest first.
    concerning: HashMap<DesigneeIndex, Vec<u32>>,
    /// The same by event.
    concerned_at: HashMap<u32, Vec<DesigneeIndex>>,
    /// The successors that a restructuring names, by event.
    successors_at: HashMap<u32, Vec<DesigneeIndex>>,
    /// Designees under which an event is followed because of a link that was erased, by event.
    followed_at: HashMap<u32, Vec<DesigneeIndex>>,
    /// The same by designee, oldest first.
    followed_by: HashMap<DesigneeIndex, Vec<u32>>,
    hasher: DefaultHashBuilder,
    undo: UndoLog<Undo>,
}

/// A designee, with what its events say of it.
#[derive(Debug)]
pub(super) struct DesigneeRecord {
    id: DesigneeId,
    /// The last event about it.
    last: Link,
    /// Some events about others concern it.
    is_concerned: bool,
    /// Some events about it tie it to others.
    is_tied: bool,
}

/// One step back. The last event of each designee is restored from the rows.
#[derive(Clone, Copy, Debug)]
enum Undo {
    Designee,
    Bearer(Bearer),
    Concerned(DesigneeIndex),
    Tied(DesigneeIndex),
    Followed(DesigneeIndex),
    Successors(u32),
}

impl Identity {
    /// Number of designees.
    pub(super) fn len(&self) -> usize {
        self.designees.len()
    }

    pub(super) fn index_of(&self, id: &DesigneeId) -> Option<DesigneeIndex> {
        let hash = self.hasher.hash_one(id);
        self.by_id.find(hash, |index| self.record(*index).id == *id).copied()
    }

    pub(super) fn id(&self, index: DesigneeIndex) -> &DesigneeId {
        &self.record(index).id
    }

    /// The last event about a designee.
    pub(super) fn last_event(&self, index: DesigneeIndex) -> Option<u32> {
        self.record(index).last.position()
    }

    /// True if an event, live or not, ties the designee to another one.
    fn may_be_tied(&self, index: DesigneeIndex) -> bool {
        let record = self.record(index);
        record.is_concerned || record.is_tied
    }

    /// The events about others that concern the designee, oldest first.
    fn events_concerning(&self, index: DesigneeIndex) -> &[u32] {
        let list = self.record(index).is_concerned.then(|| self.concerning.get(&index)).flatten();
        list.map_or(&[], Vec::as_slice)
    }

    /// The designees that an event concerns although it is about another one.
    pub(super) fn concerned_by(&self, position: u32) -> &[DesigneeIndex] {
        self.concerned_at.get(&position).map_or(&[], Vec::as_slice)
    }

    fn record(&self, index: DesigneeIndex) -> &DesigneeRecord {
        #[allow(clippy::expect_used)] // `intern` makes every index from a place in this list
        self.designees.get(index.place()).expect("a designee that was interned")
    }

    fn record_mut(&mut self, index: DesigneeIndex) -> &mut DesigneeRecord {
        #[allow(clippy::expect_used)] // as above
        self.designees.get_mut(index.place()).expect("a designee that was interned")
    }

    /// Prefetches the hash-table entries that the next events will look up: independent lookups
    /// overlap their cache misses. Changes nothing.
    pub(super) fn prefetch<'a>(&self, events: impl Iterator<Item = &'a Event>) {
        let hashes = |event: &Event| {
            let id = event.fact.designee().map_or(0, |id| self.hasher.hash_one(id));
            let listed = event.fact.listed().and_then(|listed| listed.name.as_ref());
            (id, listed.map_or(0, |name| self.names.hash_of(name.key())))
        };
        // First all hashes, so that no computation separates the lookups.
        let places: Vec<_> = events.map(hashes).collect();
        let is_filled = |(id, name): &&(u64, u64)| {
            self.by_id.find(*id, |_| true).is_some() | self.names.is_filled(*name)
        };
        black_box(places.iter().filter(is_filled).count());
    }

    /// The designee with an identifier, made on first mention.
    pub(super) fn intern(&mut self, id: &DesigneeId) -> DesigneeIndex {
        if let Some(index) = self.index_of(id) {
            return index;
        }
        let index = DesigneeIndex::of_place(self.designees.len());
        self.designees.push(DesigneeRecord {
            id: id.clone(),
            last: Link::NONE,
            is_concerned: false,
            is_tied: false,
        });
        let Self { by_id, designees, hasher, .. } = self;
        let hash_of = |index: &DesigneeIndex| {
            designees.get(index.place()).map_or(0, |record| hasher.hash_one(&record.id))
        };
        by_id.insert_unique(hasher.hash_one(id), index, hash_of);
        self.undo.push(Undo::Designee);
        if let DesigneeId::Provisional { name, .. } = id {
            self.add_name(index, name);
            if !name::is_folded(name) {
                self.unfolded.insert(index, name::folded(name).into());
            }
        }
        index
    }

    /// The key of the name in a provisional identifier.
    fn provisional_key(&self, index: DesigneeIndex) -> Option<&str> {
        match self.id(index) {
            DesigneeId::Provisional { name, .. } => {
                Some(self.unfolded.get(&index).map_or(name, |key| key))
            }
            _ => None,
        }
    }

    /// Notes what the fact of an event says about a designee: names, and the others it concerns.
    pub(super) fn apply(&mut self, index: DesigneeIndex, position: u32, fact: &Fact) {
        if let Some(name) = fact.listed().and_then(|listed| listed.name.as_ref()) {
            self.add_name(index, name.key());
        }
        if let Fact::Subject { fact, .. } = fact {
            match fact {
                SubjectFact::Renamed { old_name, new_name, .. } => {
                    self.add_name(index, old_name.key());
                    self.add_name(index, new_name.key());
                }
                SubjectFact::Restructured { new_name: Some(name), .. } => {
                    self.add_name(index, name.key());
                }
                _ => {}
            }
        }
        for id in fact.others() {
            let other = self.intern(id);
            if other != index {
                self.tie(index);
                self.concern(other, position);
            }
        }
        if let Fact::Subject { fact: SubjectFact::Restructured { successors, .. }, .. } = fact
            && !successors.is_empty()
        {
            let successors = successors.iter().map(|id| self.intern(id)).collect();
            self.successors_at.insert(position, successors);
            self.undo.push(Undo::Successors(position));
        }
    }

    /// The successors that the event at a position names.
    pub(super) fn successors_at(&self, position: u32) -> &[DesigneeIndex] {
        self.successors_at.get(&position).map_or(&[], Vec::as_slice)
    }

    /// Makes an event the designee's last one; gives the one before.
    pub(super) fn append_event(&mut self, index: DesigneeIndex, position: u32) -> Link {
        std::mem::replace(&mut self.record_mut(index).last, Link::to(position))
    }

    /// Notes that an event about another designee concerns this one.
    pub(super) fn concern(&mut self, index: DesigneeIndex, position: u32) {
        self.record_mut(index).is_concerned = true;
        let list = self.concerning.entry(index).or_default();
        if list.last() != Some(&position) {
            list.push(position);
            self.concerned_at.entry(position).or_default().push(index);
            self.undo.push(Undo::Concerned(index));
        }
    }

    /// Notes under which designees an event is followed because of a link that was erased.
    pub(super) fn follow(&mut self, position: u32, designees: Vec<DesigneeIndex>) {
        for designee in designees {
            self.followed_at.entry(position).or_default().push(designee);
            self.followed_by.entry(designee).or_default().push(position);
            self.undo.push(Undo::Followed(designee));
        }
    }

    fn tie(&mut self, index: DesigneeIndex) {
        let record = self.record_mut(index);
        if !record.is_tied {
            record.is_tied = true;
            self.undo.push(Undo::Tied(index));
        }
    }

    fn add_name(&mut self, index: DesigneeIndex, key: &str) {
        if let Some(bearer) = self.names.insert(index, key) {
            self.undo.push(Undo::Bearer(bearer));
        }
    }

    /// An end of the undo log to come back to.
    pub(super) fn savepoint(&self) -> usize {
        self.undo.end()
    }

    /// Undoes everything since a savepoint. The rows since then are still there.
    pub(super) fn rollback_to(&mut self, savepoint: usize, rows: &Rows, since: &rows::Savepoint) {
        for row in rows.since(since) {
            if row.designee != NOBODY {
                self.record_mut(row.designee).last = row.previous;
            }
        }
        while let Some(step) = self.undo.pop_from(savepoint) {
            self.step_back(step);
        }
    }

    fn step_back(&mut self, step: Undo) {
        match step {
            Undo::Designee => self.remove_last(),
            Undo::Bearer(bearer) => self.names.remove(bearer),
            Undo::Concerned(index) => {
                if let Some(position) = pop_from(&mut self.concerning, index) {
                    pop_from(&mut self.concerned_at, position);
                }
                self.record_mut(index).is_concerned = self.concerning.contains_key(&index);
            }
            Undo::Successors(position) => {
                self.successors_at.remove(&position);
            }
            Undo::Tied(index) => self.record_mut(index).is_tied = false,
            Undo::Followed(index) => {
                if let Some(position) = pop_from(&mut self.followed_by, index) {
                    pop_from(&mut self.followed_at, position);
                }
            }
        }
    }

    fn remove_last(&mut self) {
        let Some(record) = self.designees.pop() else { return };
        let hash = self.hasher.hash_one(&record.id);
        let place = self.designees.len();
        self.unfolded.remove(&DesigneeIndex::of_place(place));
        if let Ok(entry) = self.by_id.find_entry(hash, |index| index.place() == place) {
            entry.remove();
        }
    }

    /// Forgets the way back before a savepoint.
    pub(super) fn commit_before(&mut self, savepoint: usize) {
        self.undo.forget_before(savepoint);
    }
}
