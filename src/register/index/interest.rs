//! The events that a reader wants: the terms of a filter, and the designees on a watch list.

use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashSet, HashTable};
use roaring::RoaringBitmap;

use super::scope::{Scope, authority_bit, programme_bit};
use crate::{
    domain::{AuthorityCode, DesigneeId, RegionCode, kind::Kind, kind::ProgrammeId},
    register::{
        identity::Subjects,
        rows::{DesigneeIndex, FactKindRow, FactRow, position32},
    },
};

/// The events that a reader wants: any value within a field, all fields together. An empty field
/// wants everything.
#[derive(Clone, Debug, Default)]
pub struct Interest {
    pub(super) terms: Terms,
    pub(super) watch: Option<Box<Watch>>,
}

/// The terms of an interest, without its designees.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Terms {
    pub(super) authorities: u64,
    pub(super) programmes: u32,
    /// Numbers of kinds, a bit each.
    pub(super) kinds: u128,
    pub(super) region: Option<RegionCode>,
    pub(super) batches: Vec<String>,
}

/// A list of designees to follow, under any of their identifiers. Watch-lists are long and many, so
/// each identifier is kept once, beside a table of places.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    designees: Vec<DesigneeId>,
    places: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// The first identifiers, as many as this, are not in `positions` yet.
    left: usize,
    /// Designees of whom the same holds: they were linked to one of the others.
    linked: Vec<DesigneeIndex>,
    /// Designees whose events are in `positions`, and those in `linked`.
    seen: HashSet<DesigneeIndex>,
    /// Below this size, `positions` contains every event that can match.
    covered: u64,
    positions: RoaringBitmap,
}

/// Whom an event concerns, apart from its regions, batches and designees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventScope(pub(in crate::register) Scope);

impl Interest {
    /// Wants an authority's events.
    pub fn authority(&mut self, authority: AuthorityCode) {
        self.terms.authorities |= authority_bit(authority);
    }

    /// Wants a programme's events.
    pub fn programme(&mut self, programme: ProgrammeId) {
        self.terms.programmes |= programme_bit(programme);
    }

    /// Wants a kind of events.
    pub fn kind(&mut self, kind: Kind) {
        self.terms.kinds |= kind_bit(kind.number());
    }

    /// Wants the events that concern a region or any region within it.
    pub fn region_under(&mut self, region: RegionCode) {
        self.terms.region = Some(region);
    }

    /// Wants the events of every batch of that name, of any authority.
    pub fn batch(&mut self, batch: &str) {
        self.terms.batches.push(batch.to_owned());
    }

    /// Wants the events that concern a designee under any of its identifiers, even one not yet on
    /// record. [`crate::register::Register::cover`] makes its events so far faster to find.
    pub fn designee(&mut self, id: DesigneeId) {
        self.watch.get_or_insert_default().insert(id);
    }

    /// True if every event matches.
    #[must_use]
    pub fn wants_all(&self) -> bool {
        self.terms == Terms::default() && self.watch.is_none()
    }

    /// Collects the positions of about `most` events of the designees, and of those that were ever
    /// linked to them; true at the end. Events recorded between two calls are found all the same.
    /// What is recorded at or after `known_at` may be taken back, its designees too, so it keeps
    /// none of these.
    pub(in crate::register) fn cover(
        &mut self,
        subjects: Subjects<'_>,
        known_at: u64,
        most: usize,
    ) -> bool {
        let Some(watch) = &mut self.watch else { return true };
        let subjects = subjects.known_at(known_at);
        let mut read = 0;
        while read < most {
            read += 1;
            if let Some(index) = watch.linked.pop() {
                read += watch.add_ever_about(subjects, index);
                continue;
            }
            let Some(next) = watch.left.checked_sub(1) else { break };
            if watch.left == watch.designees.len() {
                watch.covered = known_at;
            }
            watch.left = next;
            let index = watch.designees.get(next).and_then(|id| subjects.find(id));
            watch.linked.extend(index.filter(|index| watch.seen.insert(*index)));
        }
        watch.is_complete()
    }

    /// Gives back the memory that the interest does not need once it is complete.
    pub fn shrink(&mut self) {
        if let Some(watch) = &mut self.watch {
            watch.designees.shrink_to_fit();
            if watch.is_complete() {
                (watch.linked, watch.seen) = (Vec::new(), HashSet::new());
            }
        }
    }

    /// The terms, without the designees.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The designees on the watch list, if there is one.
    #[must_use]
    pub fn designees(&self) -> Option<impl ExactSizeIterator<Item = &DesigneeId>> {
        self.watch.as_ref().map(|watch| watch.designees.iter())
    }
}

impl From<Terms> for Interest {
    fn from(terms: Terms) -> Self {
        Self { terms, watch: None }
    }
}

impl Terms {
    /// True if an event of that scope can match: the region and the batches are not looked at.
    #[must_use]
    pub fn can_want(&self, scope: EventScope) -> bool {
        self.wants_scope(&scope.0)
    }

    /// The region that an event must concern, if any.
    #[must_use]
    pub fn region(&self) -> Option<RegionCode> {
        self.region
    }

    /// The batches of which an event must concern one; none means that it need not.
    #[must_use]
    pub fn batches(&self) -> &[String] {
        &self.batches
    }

    /// True if the authorities, programmes and kind of a scope match.
    pub(super) fn wants_scope(&self, scope: &Scope) -> bool {
        (self.authorities == 0 || self.authorities & scope.authorities != 0)
            && (self.programmes == 0 || self.programmes & scope.programmes != 0)
            && (self.kinds == 0 || self.kinds & kind_bit(scope.kind) != 0)
    }

    /// True if some terms narrow down the scope.
    pub(super) fn narrows_scope(&self) -> bool {
        self.authorities != 0 || self.programmes != 0 || self.kinds != 0
    }
}

impl Watch {
    /// Adds an identifier, unless it is there.
    fn insert(&mut self, id: DesigneeId) {
        let Self { designees, places, hasher, left, .. } = self;
        let hash = hasher.hash_one(&id);
        let at = |place: &u32| designees.get(*place as usize);
        if places.find(hash, |place| at(place) == Some(&id)).is_some() {
            return;
        }
        let rehash = |place: &u32| at(place).map_or(0, |id| hasher.hash_one(id));
        places.insert_unique(hash, position32(designees.len() as u64), rehash);
        designees.push(id);
        *left = designees.len();
    }

    pub(super) fn contains(&self, id: &DesigneeId) -> bool {
        let is = |place: &u32| self.designees.get(*place as usize) == Some(id);
        self.places.find(self.hasher.hash_one(id), is).is_some()
    }

    /// True if `positions` holds every event that can match below `covered`.
    fn is_complete(&self) -> bool {
        self.left == 0 && self.linked.is_empty()
    }

    /// Adds every event that was ever about a designee, and notes the designees that were ever
    /// linked to it: more than the events that concern it. Gives the number of events.
    fn add_ever_about(&mut self, subjects: Subjects<'_>, index: DesigneeIndex) -> usize {
        let mut read = 0;
        let followed = subjects.followed_by(index).iter().copied();
        for position in followed.chain(subjects.events_of(index)) {
            read += 1;
            self.positions.insert(position);
            let linked = ever_linked_by(subjects, position);
            self.linked.extend(linked.filter(|other| self.seen.insert(*other)));
        }
        read
    }

    /// The first position at or after one at which an event can match.
    pub(super) fn next_from(&self, at: u64) -> u64 {
        if at >= self.covered || !self.is_complete() {
            return at;
        }
        let first = self.positions.range(position32(at)..).next().map(u64::from);
        first.unwrap_or(self.covered).min(self.covered)
    }

    /// The last position at or before one at which an event can match.
    pub(super) fn last_to(&self, at: u64) -> Option<u64> {
        if at >= self.covered || !self.is_complete() {
            return Some(at);
        }
        self.positions.range(..=position32(at)).next_back().map(u64::from)
    }
}

/// Both sides of the links that an event states, repairs, or puts in the place of another fact.
fn ever_linked_by(subjects: Subjects<'_>, position: u32) -> impl Iterator<Item = DesigneeIndex> {
    let facts = subjects.facts();
    let sides = |(owner, fact): (DesigneeIndex, &FactRow)| match fact.kind {
        FactKindRow::Linked { other, .. } => [Some(owner), Some(other)],
        _ => [None, None],
    };
    let root = facts.row(facts.root_of(position)).map(|row| (row.designee, &row.fact));
    let all = [root, facts.replacement_at(position)];
    all.into_iter().flatten().flat_map(sides).flatten()
}

fn kind_bit(number: u8) -> u128 {
    1_u128.checked_shl(u32::from(number)).unwrap_or(0)
}
