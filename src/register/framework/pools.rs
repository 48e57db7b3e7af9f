//! Cultivation pools: which are known, and which events name them.

use hashbrown::HashSet;

use super::{Framework, FrameworkAsOf};
use crate::{
    domain::AuthorityCode,
    register::{
        batches::{Noted, known_in},
        rows::Sym,
    },
};

/// Names a pool: its authority and its id.
pub(in crate::register) type PoolKey = (AuthorityCode, Sym);

/// The entries into a pool, and the departures.
#[derive(Debug, Default)]
pub(super) struct PoolRecord {
    /// Positions, oldest first.
    events: Vec<u32>,
    /// The events in whose place a correction states an entry or a departure.
    corrected: Vec<Noted>,
}

impl PoolRecord {
    /// Notes an event; for a correction `position` is the event in whose place it is.
    pub(super) fn note(&mut self, noted: Noted) {
        if noted.position == noted.noted_at {
            self.events.push(noted.position);
        } else {
            self.corrected.push(noted);
        }
    }

    /// Forgets the event noted last. True if none is left.
    pub(super) fn forget(&mut self, noted_at: u32) -> bool {
        if self.events.pop_if(|position| *position == noted_at).is_none() {
            self.corrected.pop_if(|noted| noted.noted_at == noted_at);
        }
        self.events.is_empty() && self.corrected.is_empty()
    }

    /// Number of events noted below a size.
    fn size_below(&self, below: u64) -> usize {
        known_in(&self.events, below, |position| *position)
            + known_in(&self.corrected, below, |noted| noted.noted_at)
    }

    /// True if an event was noted below a size that counts.
    fn is_known(&self, below: u64, counts: impl Fn(u32) -> bool) -> bool {
        let is_known = |noted_at: &u32| u64::from(*noted_at) < below;
        self.events.iter().copied().take_while(is_known).any(&counts)
            || self.corrected.iter().map(|noted| noted.noted_at).take_while(is_known).any(counts)
    }
}

impl<'a> FrameworkAsOf<'a> {
    /// The number of events of a pool, in force or not.
    pub(in crate::register) fn pool_size(self, authority: AuthorityCode, pool: &str) -> usize {
        let facts = self.subjects.facts();
        let Some(pool) = facts.find_word(pool) else { return 0 };
        let size = |framework: &Framework, below| {
            let record = framework.pools.get(&(authority, pool));
            record.map_or(0, |record| record.size_below(below))
        };
        let of_trial = self.layer.map_or(0, |layer| size(layer, facts.known_below()));
        size(self.framework, facts.recorded_below()) + of_trial
    }

    /// The known pools of an authority.
    fn pools_of(self, authority: AuthorityCode) -> impl Iterator<Item = Sym> + 'a {
        let known = move |framework: &'a Framework, below: u64| {
            let own = framework.pools.iter().filter(move |((owner, _), _)| *owner == authority);
            let known = own.filter(move |(_, record)| record.is_known(below, |_| true));
            known.map(|((_, pool), _)| *pool)
        };
        let facts = self.subjects.facts();
        let of_trial =
            self.layer.into_iter().flat_map(move |layer| known(layer, facts.known_below()));
        known(self.framework, facts.recorded_below()).chain(of_trial)
    }

    /// The number of known pools of an authority, and of those that were read to count them.
    pub(in crate::register) fn pool_count(self, authority: AuthorityCode) -> (usize, usize) {
        let own: HashSet<Sym> = self.pools_of(authority).collect();
        (own.len(), self.framework.pools.len())
    }

    /// The known pools of the authorities wanted, with the numbers of their known events.
    pub(super) fn known_pools(
        self,
        wanted: impl Fn(AuthorityCode) -> bool,
    ) -> impl Iterator<Item = (PoolKey, usize)> {
        let facts = self.subjects.facts();
        let below = facts.recorded_below();
        let own = self.framework.pools.iter().filter(move |((authority, _), _)| wanted(*authority));
        let known =
            own.filter(move |(_, record)| record.is_known(below, |noted| facts.counts(noted)));
        known.map(move |(key, record)| (*key, record.size_below(below)))
    }

    /// The event at a place among those of a pool. Of those that are known, the places stay the
    /// same while the log grows.
    pub(super) fn pool_event(self, key: PoolKey, place: usize) -> Option<u32> {
        let record = self.framework.pools.get(&key)?;
        let below = self.subjects.facts().recorded_below();
        let events = known_in(&record.events, below, |position| *position);
        if place < events {
            return record.events.get(place).copied();
        }
        record.corrected.get(place - events).map(|noted| noted.position)
    }
}
