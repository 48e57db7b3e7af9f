//! Designees as bytes, and the events that tie them to others. The hash tables, the last event of
//! each designee and the lists by designee follow from these when they are read.

use std::{hash::BuildHasher as _, ops::Range};

use hashbrown::{HashMap, HashTable};

use super::{DesigneeRecord, Identity, named::names_of, names::Secret};
use crate::{
    domain::{DesigneeId, name},
    register::{
        rows::{DesigneeIndex, FactKindRow, FactRow, Link, Pages, Sym},
        stored::{Stored, Stream, Unfit, put_bytes, put_each, stored_struct, take_bytes},
    },
};

/// A designee is stored as its identifier.
impl Stored for DesigneeRecord {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(self.id.to_string().as_bytes(), out);
    }

    fn get(from: &mut Stream<'_>) -> Result<Self, Unfit> {
        let text = std::str::from_utf8(take_bytes(from)?).ok();
        let id = text.and_then(|text| DesigneeId::recorded(text).ok());
        let id = id.ok_or(Unfit("an identifier of a designee is wrong"))?;
        Ok(Self { id, last: Link::NONE, is_concerned: false, is_tied: false })
    }
}

impl Stored for Secret {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.iter().for_each(|word| word.put(out));
    }

    fn get(from: &mut Stream<'_>) -> Result<Self, Unfit> {
        Ok(Self([u64::get(from)?, u64::get(from)?]))
    }
}

/// Half of the hash of a name that a designee bears or bore, and the designee.
pub(in crate::register) type NameRead = (u32, DesigneeIndex);

/// Notes of the event at a position about other designees than its own.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::register) struct Ties {
    concerned: Vec<DesigneeIndex>,
    successors: Vec<DesigneeIndex>,
    followed: Vec<DesigneeIndex>,
}

stored_struct!(Ties { concerned, successors, followed });

impl Ties {
    pub(in crate::register) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Identity {
    /// The designees that were read, without their events.
    ///
    /// # Errors
    /// [`Unfit`] if their number is another one.
    pub(in crate::register) fn of_pages(
        pages: Vec<Vec<DesigneeRecord>>,
        count: u32,
        secret: Secret,
    ) -> Result<Self, Unfit> {
        let designees = Pages::of_pages(pages).filter(|all| all.len() == count as usize);
        let designees = designees.ok_or(Unfit("the designees do not end where they should"))?;
        let mut identity = Self { designees, ..Self::default() };
        identity.names.use_secret(secret);
        Ok(identity)
    }

    /// Indexes the designees by their identifiers, and their names. The tables get as large as they
    /// would have grown; of `names`, `borne` are those of no other designee.
    ///
    /// # Errors
    /// [`Unfit`] if two designees have one identifier.
    pub(in crate::register) fn index(
        &mut self,
        names: &[Vec<NameRead>],
        borne: usize,
    ) -> Result<(), Unfit> {
        let Self { designees, by_id, hasher, unfolded, .. } = self;
        *by_id = HashTable::with_capacity(designees.len());
        let hash_of = |index: &DesigneeIndex| {
            designees.get(index.place()).map_or(0, |record| hasher.hash_one(&record.id))
        };
        for place in 0..designees.len() {
            let Some(record) = designees.get(place) else { break };
            let index = DesigneeIndex::of_place(place);
            let is_known = |known: &DesigneeIndex| {
                designees.get(known.place()).is_some_and(|other| other.id == record.id)
            };
            let hash = hash_of(&index);
            if by_id.find(hash, is_known).is_some() {
                return Err(Unfit("two designees have one identifier"));
            }
            by_id.insert_unique(hash, index, hash_of);
            if let DesigneeId::Provisional { name, .. } = &record.id
                && !name::is_folded(name)
            {
                unfolded.insert(index, name::folded(name).into());
            }
        }
        let count = names.iter().map(Vec::len).sum();
        self.names.reserve(borne.min(count));
        for (half, designee) in names.iter().flatten() {
            self.names.insert_hashed(*designee, *half);
        }
        Ok(())
    }

    /// Adds the designees at some places; gives their number.
    pub(in crate::register) fn put_page(&self, places: Range<usize>, out: &mut Vec<u8>) -> usize {
        put_each(places.map_while(|place| self.designees.get(place)), out)
    }

    /// Adds the name in the identifier at a place, if it is a provisional one.
    pub(in crate::register) fn put_own_name(&self, place: usize, out: &mut Vec<u8>) {
        let id = self.designees.get(place).map(|record| &record.id);
        if let Some(DesigneeId::Provisional { name, .. }) = id {
            self.put_name(DesigneeIndex::of_place(place), name, out);
        }
    }

    /// Adds a name that a designee bears or bore.
    pub(in crate::register) fn put_name(
        &self,
        designee: DesigneeIndex,
        key: &str,
        out: &mut Vec<u8>,
    ) {
        (self.names.half_of(key), designee).put(out);
    }

    /// Number of names that only one designee bears, with the first bearers of the others.
    pub(in crate::register) fn names_borne(&self) -> usize {
        self.names.borne()
    }

    /// The secret of the hashes of names.
    pub(in crate::register) fn secret(&self) -> Secret {
        self.names.secret()
    }

    /// Notes of the event at a position about other designees.
    pub(in crate::register) fn ties_at(&self, position: u32) -> Ties {
        let of = |lists: &HashMap<u32, Vec<DesigneeIndex>>| {
            let list = if lists.is_empty() { None } else { lists.get(&position) };
            list.cloned().unwrap_or_default()
        };
        let successors = of(&self.successors_at);
        Ties { concerned: of(&self.concerned_at), successors, followed: of(&self.followed_at) }
    }

    /// Notes the ties of the event at a position, which come in the order of the log.
    pub(in crate::register) fn restore_ties(&mut self, position: u32, ties: Ties) {
        for designee in ties.concerned {
            self.concern(designee, position);
        }
        if !ties.successors.is_empty() {
            self.successors_at.insert(position, ties.successors);
        }
        self.follow(position, ties.followed);
        self.undo = Default::default();
    }

    /// Notes that the event at a position ties a designee to another one, if its fact does.
    pub(in crate::register) fn restore_tie(
        &mut self,
        owner: DesigneeIndex,
        fact: &FactRow,
        position: u32,
    ) {
        let is_other = |named: &DesigneeIndex| *named != owner;
        let ties = match fact.kind {
            FactKindRow::Transferred { successor, .. } => is_other(&successor),
            FactKindRow::Linked { other, .. } => is_other(&other),
            FactKindRow::Restructured { .. } => self.successors_at(position).iter().any(is_other),
            _ => false,
        };
        if ties && let Some(record) = self.designees.get_mut(owner.place()) {
            record.is_tied = true;
        }
    }

    /// Notes the last event of each designee, in the order of the designees.
    pub(in crate::register) fn restore_last(&mut self, last: Vec<Link>) {
        for (record, last) in self.designees.iter_mut().zip(last) {
            record.last = last;
        }
    }
}

/// The names that a fact gives, without one that is the same text as in the event before.
pub(in crate::register) fn new_names(
    fact: &FactRow,
    before: Option<&FactRow>,
) -> impl Iterator<Item = Sym> {
    let before = before.and_then(FactRow::name);
    names_of(fact).filter(move |name| Some(*name) != before)
}
