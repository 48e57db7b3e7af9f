//! Designees: their identifiers, names and events, and which identifiers name one subject.
//!
//! Facts stay under the identifier they were stated with. Identifiers of one subject are joined by links, and a link that
//! is annulled joins nothing. Titles that were transferred tie subjects together without making them one.

use std::{hash::BuildHasher as _, hint::black_box};

use super::{
    DesigneeIndex, NOBODY, Register, Undo,
    row::{Link, Stated, What},
};
use crate::domain::{
    DesigneeId,
    event::{Event, Fact, SubjectFact},
    name,
};

#[derive(Debug)]
pub(super) struct DesigneeRecord {
    pub(super) id: DesigneeId,
    /// The last event about it.
    pub(super) last: Link,
    /// There are events about others that concern it.
    pub(super) also: bool,
    /// There are events about it that tie it to others.
    pub(super) ties: bool,
}

/// A designee that bears or bore a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bearer {
    /// Half of the name's hash; the other half chose the place.
    hash: u32,
    designee: DesigneeIndex,
}

/// A fact that stands, with whose it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    /// The event in whose place it stands.
    pub(super) position: u32,
    /// The identifier it is stated under, by its place in the group.
    pub(super) member: u16,
    pub(super) stated: Stated,
}

/// The identifiers that bear on one designee's titles, and their facts in the order in which they count.
#[derive(Debug, Default)]
pub(super) struct Circle {
    pub(super) members: Vec<DesigneeIndex>,
    /// For each member, the first member that is the same subject.
    pub(super) subjects: Vec<u16>,
    pub(super) facts: Vec<Placed>,
}

impl Circle {
    pub(super) fn subject_of(&self, member: u16) -> u16 {
        self.subjects.get(usize::from(member)).copied().unwrap_or(member)
    }

    pub(super) fn place_of(&self, index: DesigneeIndex) -> Option<u16> {
        let place = self.members.iter().position(|member| *member == index)?;
        u16::try_from(place).ok()
    }

    /// The facts of the subject asked for.
    pub(super) fn own_facts(&self) -> impl DoubleEndedIterator<Item = &Placed> {
        self.facts.iter().filter(|placed| self.subject_of(placed.member) == 0)
    }

    /// The identifiers of the subject asked for.
    pub(super) fn own_members(&self) -> impl Iterator<Item = DesigneeIndex> {
        let same = self.members.iter().zip(&self.subjects).filter(|(_, subject)| **subject == 0);
        same.map(|(member, _)| *member)
    }
}

impl Register {
    pub(super) fn designee(&self, index: DesigneeIndex) -> &DesigneeRecord {
        #[allow(clippy::expect_used)] // indexes are made by `intern_designee` from this list
        self.designees.get(index.0 as usize).expect("a designee that was interned")
    }

    pub(super) fn record(&mut self, index: DesigneeIndex) -> &mut DesigneeRecord {
        #[allow(clippy::expect_used)] // as above
        self.designees.get_mut(index.0 as usize).expect("a designee that was interned")
    }

    pub(super) fn index_of(&self, id: &DesigneeId) -> Option<DesigneeIndex> {
        let hash = self.hasher.hash_one(id);
        self.by_id.find(hash, |index| self.designee(*index).id == *id).copied()
    }

    /// Touches what events that come next will look up: asked together, memory answers several times as fast as one question
    /// after the other. Changes nothing.
    pub fn touch<'a>(&self, events: impl Iterator<Item = &'a Event>) {
        let hashes = |event: &Event| {
            let id = event.fact.designee().map_or(0, |id| self.hasher.hash_one(id));
            let listed = event.fact.listed().and_then(|listed| listed.name.as_ref());
            (id, listed.map_or(0, |name| self.bearer(NOBODY, name.key()).0))
        };
        // First all hashes, so that nothing stands between the questions.
        let places: Vec<_> = events.map(hashes).collect();
        let is_filled = |(id, name): &&(u64, u64)| {
            self.by_id.find(*id, |_| true).is_some() | self.bearers.find(*name, |_| true).is_some()
        };
        black_box(places.iter().filter(is_filled).count());
    }

    pub(super) fn intern_designee(&mut self, id: &DesigneeId) -> DesigneeIndex {
        if let Some(index) = self.index_of(id) {
            return index;
        }
        // Fewer than 2^32 designees: each needs an event.
        let index = DesigneeIndex(u32::try_from(self.designees.len()).unwrap_or(u32::MAX - 1));
        self.designees.push(DesigneeRecord {
            id: id.clone(),
            last: Link::NONE,
            also: false,
            ties: false,
        });
        let Self { by_id, designees, hasher, .. } = self;
        let hash_of = |index: &DesigneeIndex| {
            designees.get(index.0 as usize).map_or(0, |record| hasher.hash_one(&record.id))
        };
        by_id.insert_unique(hasher.hash_one(id), index, hash_of);
        self.undo.push(Undo::Designee);
        if let DesigneeId::Provisional { name, .. } = id {
            self.index_name(index, name);
        }
        index
    }

    pub(super) fn forget_last_designee(&mut self) {
        let Some(record) = self.designees.pop() else { return };
        let hash = self.hasher.hash_one(&record.id);
        let place = self.designees.len();
        if let Ok(entry) = self.by_id.find_entry(hash, |index| index.0 as usize == place) {
            entry.remove();
        }
    }

    /// Notes what can be searched in a fact about a designee: names, batches, pools, and the others it concerns. For a
    /// replacement, `place` is the event in whose place it stands, and `position` the repair.
    pub(super) fn index_fact(
        &mut self,
        index: DesigneeIndex,
        (place, position): (u32, u32),
        event: &Event,
        stated: &Stated,
    ) {
        if let Some(name) = event.fact.listed().and_then(|listed| listed.name.as_ref()) {
            self.index_name(index, name.key());
        }
        if let Fact::Subject { fact, .. } = &event.fact {
            match fact {
                SubjectFact::Renamed { old_name, new_name, .. } => {
                    self.index_name(index, old_name.key());
                    self.index_name(index, new_name.key());
                }
                SubjectFact::Restructured { new_name: Some(name), .. } => {
                    self.index_name(index, name.key());
                }
                SubjectFact::PoolEntered { .. } | SubjectFact::PoolLeft { .. } => {
                    self.note_pool_event(stated, place);
                }
                _ => {}
            }
        }
        for id in event.fact.others() {
            let other = self.intern_designee(id);
            if other != index {
                self.record(index).ties = true;
                self.note_also(other, position);
            }
        }
        self.note_batch_entry(stated, place);
    }

    /// Notes that an event about somebody else concerns the designee.
    pub(super) fn note_also(&mut self, index: DesigneeIndex, position: u32) {
        self.record(index).also = true;
        let list = self.also.entry(index).or_default();
        if list.last() != Some(&position) {
            list.push(position);
            self.others_at.entry(position).or_default().push(index);
            self.undo.push(Undo::Also(index));
        }
    }

    fn index_name(&mut self, index: DesigneeIndex, key: &str) {
        let (hash, bearer) = self.bearer(index, key);
        if self.bearers.find(hash, |known| *known == bearer).is_none() {
            // The hash of an entry is its place: half of it is kept, and rebuilt from it.
            self.bearers.insert_unique(hash, bearer, |known| spread(known.hash));
            self.undo.push(Undo::Bearer(hash, bearer));
        }
    }

    fn bearer(&self, designee: DesigneeIndex, key: &str) -> (u64, Bearer) {
        #[allow(clippy::cast_possible_truncation)] // half of it is meant
        let hash = self.hasher.hash_one(key) as u32;
        (spread(hash), Bearer { hash, designee })
    }

    /// The designees that bear or bore a name; brackets, width and spaces do not matter.
    #[must_use]
    pub fn find_by_name(&self, name: &str, known_at: u64) -> Vec<DesigneeIndex> {
        let key = name::folded(name);
        let (hash, sought) = self.bearer(DesigneeIndex(0), &key);
        let same = self.bearers.iter_hash(hash).filter(|known| known.hash == sought.hash);
        let mut found: Vec<_> = same
            .map(|bearer| bearer.designee)
            .filter(|index| self.names_of(*index, known_at).any(|name| name::folded(name) == key))
            .collect();
        found.sort_unstable();
        // Identifiers of one subject are one answer.
        let mut subjects: Vec<DesigneeIndex> = Vec::new();
        for index in found {
            let circle = self.circle(index, known_at, None);
            if !circle.own_members().any(|member| subjects.contains(&member)) {
                subjects.push(index);
            }
        }
        subjects
    }

    /// All names that events known at a log size give a designee, the provisional one included.
    pub(super) fn names_of(
        &self,
        index: DesigneeIndex,
        known_at: u64,
    ) -> impl Iterator<Item = &str> {
        let provisional = match &self.designee(index).id {
            DesigneeId::Provisional { name, .. } if self.version(index, known_at) > 0 => {
                Some(&**name)
            }
            _ => None,
        };
        let syms = self.events_of(index, known_at).flat_map(move |position| {
            let replaced = self.replacement_at(position).filter(|(owner, _)| *owner == index);
            let stated = replaced.map(|(_, stated)| stated).or_else(|| self.stated(position));
            let old = stated.and_then(|stated| match stated.what {
                What::Renamed { old_name, .. } => Some(old_name),
                _ => None,
            });
            [stated.and_then(Stated::name), old].into_iter().flatten()
        });
        provisional.into_iter().chain(syms.map(|sym| self.text(sym)))
    }

    /// Positions of the events about a designee, or that concern it, below a log size: its own newest first, then others.
    pub(super) fn events_of(
        &self,
        index: DesigneeIndex,
        known_at: u64,
    ) -> impl Iterator<Item = u32> {
        let record = self.designee(index);
        let own = std::iter::successors(record.last.position(), |position| {
            self.row(*position)?.previous.position()
        });
        let others = record.also.then(|| self.also.get(&index)).flatten();
        let others = others.map_or(&[][..], Vec::as_slice).iter().copied();
        own.chain(others).filter(move |position| u64::from(*position) < known_at)
    }

    /// The designee with an identifier, if anything is known about it.
    #[must_use]
    pub fn find(&self, id: &DesigneeId, known_at: u64) -> Option<DesigneeIndex> {
        self.index_of(id).filter(|index| self.version(*index, known_at) > 0)
    }

    /// The identifier of a designee.
    #[must_use]
    pub fn id(&self, index: DesigneeIndex) -> &DesigneeId {
        &self.designee(index).id
    }

    /// One more than the position of the last event about the designee below a log size; 0 if there is none.
    #[must_use]
    pub fn version(&self, index: DesigneeIndex, known_at: u64) -> u64 {
        let record = self.designee(index);
        if !record.also {
            let last = self.events_of(index, known_at).next();
            return last.map_or(0, |position| u64::from(position) + 1);
        }
        self.events_of(index, known_at).max().map_or(0, |position| u64::from(position) + 1)
    }

    /// As [`Register::version`], of the subject under any of its identifiers.
    #[must_use]
    pub fn subject_version(&self, index: DesigneeIndex, known_at: u64) -> u64 {
        let circle = self.circle(index, known_at, None);
        circle.own_members().map(|member| self.version(member, known_at)).max().unwrap_or(0)
    }

    /// The identifiers that bear on a designee's titles as known at a log size, and their facts in the order in which they
    /// count; without the fact in the place `except`.
    pub(super) fn circle(
        &self,
        index: DesigneeIndex,
        known_at: u64,
        except: Option<u32>,
    ) -> Circle {
        let mut circle = Circle::default();
        self.circle_into(&mut circle, index, known_at, except);
        circle
    }

    /// As [`Register::circle`], into one that is used again.
    pub(super) fn circle_into(
        &self,
        circle: &mut Circle,
        index: DesigneeIndex,
        known_at: u64,
        except: Option<u32>,
    ) {
        circle.members.clear();
        circle.subjects.clear();
        circle.facts.clear();
        circle.join(index);
        let mut next = 0;
        while let Some(member) = circle.members.get(next).copied() {
            let (first, place) = (circle.facts.len(), u16::try_from(next).unwrap_or(u16::MAX));
            self.facts_into(&mut circle.facts, member, place, known_at, except);
            for at in first..circle.facts.len() {
                let Some(placed) = circle.facts.get(at).copied() else { break };
                circle.follow(&placed);
            }
            // A tie that another one states is followed from here as well.
            self.ties_to(member, known_at).for_each(|other| {
                if circle.place_of(other).is_none() {
                    circle.join(other);
                }
            });
            next += 1;
        }
        circle.facts.sort_unstable_by_key(|placed| {
            (placed.stated.effective, placed.stated.precedence(), placed.position)
        });
    }

    /// Designees whose standing facts tie them to this one.
    fn ties_to(&self, index: DesigneeIndex, known_at: u64) -> impl Iterator<Item = DesigneeIndex> {
        let others = self.designee(index).also.then(|| self.also.get(&index)).flatten();
        let others = others.map_or(&[][..], Vec::as_slice).iter().copied();
        others.filter(move |position| u64::from(*position) < known_at).filter_map(move |position| {
            let (owner, stated) = self.standing(self.root_of(position), known_at)?;
            (stated.what.ties_to() == Some(index)).then_some(owner)
        })
    }
}

impl What {
    /// The designee that the fact ties its own to.
    fn ties_to(&self) -> Option<DesigneeIndex> {
        match self {
            Self::Linked { other, .. } => Some(*other),
            Self::Transferred { successor, .. } => Some(*successor),
            _ => None,
        }
    }
}

impl Circle {
    fn join(&mut self, index: DesigneeIndex) -> u16 {
        let place = u16::try_from(self.members.len()).unwrap_or(u16::MAX);
        self.members.push(index);
        self.subjects.push(place);
        place
    }

    fn follow(&mut self, placed: &Placed) {
        let Some(other) = placed.stated.what.ties_to() else { return };
        let place = self.place_of(other).unwrap_or_else(|| self.join(other));
        if matches!(placed.stated.what, What::Linked { .. }) {
            let (one, two) = (self.subject_of(placed.member), self.subject_of(place));
            let (root, joins) = (one.min(two), one.max(two));
            for subject in &mut self.subjects {
                if *subject == joins {
                    *subject = root;
                }
            }
        }
    }
}

/// A full hash from the half that is kept.
fn spread(half: u32) -> u64 {
    u64::from(half).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
