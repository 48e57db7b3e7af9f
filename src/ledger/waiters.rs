//! Index of waiting filtered streams. A commit wakes only the streams whose filter may match.
//!
//! An unfiltered stream watches the durable size. Ten thousand filtered streams that did the same
//! would mostly wake in vain, and cost more than the log itself. Streams with the same interest
//! form a group. A group is found by the designees, the batches or the region that it wants, the
//! first of these that its filter names. Groups that name none of them are few and are all compared
//! with the scopes of new events. So a move of the durable size costs work for its events and for
//! the groups that it may wake, whatever else waits.
//!
//! The register tells what new events are found by; only then the index is looked at. So no two
//! locks are held together. Nothing is lost by that: a stream enters the index before it reads the
//! durable size, and the size has moved before the events are looked at. Spurious wake-ups are
//! allowed, lost ones are not; besides, each stream checks at each heartbeat.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    hash::{BuildHasher as _, Hash, RandomState},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::watch;

use super::{
    Ledger, Shared,
    lock::{OrderedMutex, WAITERS},
};
use crate::{
    domain::RegionCode,
    limits::{WAKE_KEYS_SLICE, WAKE_SLICE_EVENTS},
    register::{EventScope, Interest, Register},
};

/// Parts of the index, each under a lock of its own: none is held for long.
const PARTS: usize = 64;
/// A bit of an entry: the rest is a place in the list of crowds, and not a group.
const CROWD: u32 = 1 << 31;
/// Entries for which a part keeps its memory.
const PART_ENTRIES_KEPT: usize = 1_024;

/// Waiting streams by their interest.
#[derive(Debug)]
pub(super) struct Waiters {
    hasher: RandomState,
    /// Lock order: never held with one of `parts`.
    groups: OrderedMutex<Groups, WAITERS>,
    /// Groups by the designees and batches that they want.
    parts: [OrderedMutex<Part, WAITERS>; PARTS],
}

#[derive(Debug, Default)]
struct Groups {
    /// By their numbers.
    slots: Vec<Option<Arc<Group>>>,
    free: Vec<u32>,
    /// Groups that are whole in the index, by the address of their interest, which they keep alive.
    by_interest: HashMap<usize, u32>,
    regions: HashMap<RegionCode, HashSet<u32>>,
    /// Groups that name neither designees nor batches nor a region.
    others: HashSet<u32>,
    /// Groups that want a batch, whichever it is that an event concerns.
    of_batches: HashSet<u32>,
}

/// Streams with the same interest.
#[derive(Debug)]
struct Group {
    interest: Arc<Interest>,
    woken: watch::Sender<()>,
    /// Changes only while `groups` is locked.
    waiters: AtomicUsize,
}

/// Groups by what they are found by, of which this keeps a hash: a collision wakes in vain.
#[derive(Debug, Default)]
struct Part {
    entries: hashbrown::HashMap<u32, u32>,
    /// Groups that are found by the same, if they are more than one.
    crowds: Vec<Vec<u32>>,
    free: Vec<u32>,
}

/// What a group is found by.
#[derive(Hash)]
enum Key<'a, T: Hash> {
    Designee(&'a T),
    Batch(&'a str),
}

/// A stream's entry in the index, removed when it is dropped.
pub struct Waiter {
    shared: Arc<Shared>,
    number: u32,
    group: Arc<Group>,
    woken: watch::Receiver<()>,
}

impl Waiter {
    /// Completes when an event that may match has become durable since the last completion.
    pub async fn woken(&mut self) {
        // The group lives as long as its waiters.
        let _ = self.woken.changed().await;
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let waiters = &self.shared.waiters;
        let is_last = {
            let mut groups = waiters.groups.lock();
            let is_last = self.group.waiters.fetch_sub(1, Ordering::Relaxed) == 1;
            if is_last {
                groups.forget(&self.group, self.number);
            }
            is_last
        };
        if is_last {
            let keys = waiters.keys(&self.group.interest);
            keys.for_each(|key| waiters.part(key).lock().remove(short(key), self.number));
            waiters.groups.lock().release(self.number);
        }
    }
}

impl Default for Waiters {
    fn default() -> Self {
        let parts = std::array::from_fn(|_| OrderedMutex::default());
        Self { hasher: RandomState::new(), groups: OrderedMutex::default(), parts }
    }
}

impl Waiters {
    /// The hashes of what an interest is found by: its designees, or else its batches.
    fn keys<'a>(&'a self, interest: &'a Interest) -> impl Iterator<Item = u64> + 'a {
        let designees = interest.designees().into_iter().flatten();
        let batches = interest.terms().batches().iter().filter(|_| interest.designees().is_none());
        let batches = batches.map(|batch| self.batch(batch));
        designees.map(|id| self.designee(id)).chain(batches)
    }

    fn designee(&self, id: &impl Hash) -> u64 {
        self.hasher.hash_one(Key::Designee(id))
    }

    fn batch(&self, batch: &str) -> u64 {
        self.hasher.hash_one(Key::<()>::Batch(batch))
    }

    /// The part that a hash belongs to. It is told by other bits than [`short`].
    fn part(&self, key: u64) -> &OrderedMutex<Part, WAITERS> {
        let [.., high] = key.to_le_bytes();
        let [first, ..] = &self.parts;
        self.parts.get(usize::from(high) % PARTS).unwrap_or(first)
    }
}

/// What tells the entries of one part apart.
fn short(key: u64) -> u32 {
    let [a, b, c, d, ..] = key.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

impl Part {
    fn insert(&mut self, key: u32, number: u32) {
        let Self { entries, crowds, free } = self;
        let entry = entries.entry(key).or_insert(number);
        if *entry & CROWD == 0 {
            if *entry == number {
                return;
            }
            let pair = vec![*entry, number];
            let place = free.pop().unwrap_or_else(|| {
                crowds.push(Vec::new());
                u32::try_from(crowds.len() - 1).unwrap_or(u32::MAX)
            });
            if let Some(crowd) = crowds.get_mut(place as usize) {
                *crowd = pair;
                *entry = CROWD | place;
            }
            return;
        }
        let crowd = crowds.get_mut((*entry & !CROWD) as usize);
        if let Some(crowd) = crowd.filter(|crowd| !crowd.contains(&number)) {
            crowd.push(number);
        }
    }

    fn remove(&mut self, key: u32, number: u32) {
        let Some(entry) = self.entries.get(&key).copied() else { return };
        if entry & CROWD == 0 {
            if entry == number {
                self.entries.remove(&key);
                self.shrink();
            }
            return;
        }
        let place = entry & !CROWD;
        let Some(crowd) = self.crowds.get_mut(place as usize) else { return };
        if let Some(at) = crowd.iter().position(|other| *other == number) {
            crowd.swap_remove(at);
        }
        if let [last] = crowd[..] {
            self.entries.insert(key, last);
            *crowd = Vec::new();
            self.free.push(place);
        }
    }

    /// Gives back memory of a time with many more entries.
    fn shrink(&mut self) {
        let (len, room) = (self.entries.len(), self.entries.capacity());
        if room > PART_ENTRIES_KEPT && len < room / 8 {
            self.entries.shrink_to(len * 2);
        }
    }

    fn find(&self, key: u32, found: &mut BTreeSet<u32>) {
        match self.entries.get(&key) {
            Some(entry) if entry & CROWD == 0 => {
                found.insert(*entry);
            }
            Some(entry) => {
                found.extend(self.crowds.get((entry & !CROWD) as usize).into_iter().flatten());
            }
            None => {}
        }
    }
}

impl Groups {
    /// Gives a number to a new group, which is not whole in the index yet.
    fn begin(&mut self, group: &Arc<Group>) -> u32 {
        let number = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        if let Some(slot) = self.slots.get_mut(number as usize) {
            *slot = Some(Arc::clone(group));
        }
        let (interest, terms) = (&group.interest, group.interest.terms());
        if interest.designees().is_some() {
            return number;
        }
        match terms.region() {
            _ if !terms.batches().is_empty() => self.of_batches.insert(number),
            Some(region) => self.regions.entry(region).or_default().insert(number),
            None => self.others.insert(number),
        };
        number
    }

    /// Nobody finds the group from now on.
    fn forget(&mut self, group: &Arc<Group>, number: u32) {
        let address = Arc::as_ptr(&group.interest).addr();
        if self.by_interest.get(&address) == Some(&number) {
            self.by_interest.remove(&address);
        }
        self.of_batches.remove(&number);
        self.others.remove(&number);
        if let Some(region) = group.interest.terms().region()
            && let Some(of_region) = self.regions.get_mut(&region)
        {
            of_region.remove(&number);
            if of_region.is_empty() {
                self.regions.remove(&region);
            }
        }
        if let Some(slot) = self.slots.get_mut(number as usize) {
            *slot = None;
        }
    }

    /// The number may be used again: no part has it any more.
    fn release(&mut self, number: u32) {
        self.free.push(number);
    }
}

impl Ledger {
    /// Adds a waiting stream to the index. The caller must read the durable size after this call
    /// and after each wake-up, so that it misses nothing. Streams that share an interest cost
    /// little more than one.
    pub async fn waiter(&self, interest: &Arc<Interest>) -> Waiter {
        let waiters = &self.shared.waiters;
        let address = Arc::as_ptr(interest).addr();
        let waiter = |number, group: Arc<Group>| {
            let woken = group.woken.subscribe();
            group.waiters.fetch_add(1, Ordering::Relaxed);
            Waiter { shared: Arc::clone(&self.shared), number, group, woken }
        };
        // From here on dropping the waiter undoes what was done.
        let waiter = {
            let mut groups = waiters.groups.lock();
            let known = groups.by_interest.get(&address).copied();
            let slot = |number: u32| groups.slots.get(number as usize).cloned().flatten();
            if let Some((number, group)) = known.and_then(|number| Some((number, slot(number)?))) {
                return waiter(number, group);
            }
            let woken = watch::Sender::new(());
            let group = Arc::new(Group {
                interest: Arc::clone(interest),
                woken,
                waiters: AtomicUsize::new(0),
            });
            waiter(groups.begin(&group), group)
        };
        for (i, key) in waiters.keys(interest).enumerate() {
            waiters.part(key).lock().insert(short(key), waiter.number);
            if i % WAKE_KEYS_SLICE == WAKE_KEYS_SLICE - 1 {
                tokio::task::yield_now().await;
            }
        }
        // Others with the same interest may rely on its entries only now.
        waiters.groups.lock().by_interest.entry(address).or_insert(waiter.number);
        waiter
    }
}

/// Wakes the streams whose filter may match, each time the durable size moves, until the ledger is
/// gone.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut durable = shared.durable.subscribe();
    let mut looked_at = durable.borrow_and_update().size;
    let shared = {
        let weak = Arc::downgrade(&shared);
        drop(shared);
        weak
    };
    while durable.changed().await.is_ok() {
        let size = durable.borrow_and_update().size;
        while looked_at < size {
            let Some(shared) = shared.upgrade() else { return };
            let upto = size.min(looked_at + WAKE_SLICE_EVENTS);
            shared.wake(looked_at, upto);
            looked_at = upto;
            tokio::task::yield_now().await;
        }
    }
}

/// What some events are found by.
struct Found {
    scopes: Vec<EventScope>,
    regions: Vec<RegionCode>,
    /// Hashes of batches and designees.
    keys: HashSet<u64>,
    /// The events may concern any batch.
    any_batch: bool,
}

impl Shared {
    fn wake(&self, from: u64, to: u64) {
        let regions: Vec<_> = {
            let groups = self.waiters.groups.lock();
            if groups.slots.len() == groups.free.len() {
                return;
            }
            groups.regions.keys().copied().collect()
        };
        let found = self.waiters.found(&self.read_register(), &regions, from, to);
        let mut numbers = BTreeSet::new();
        for key in found.keys {
            self.waiters.part(key).lock().find(short(key), &mut numbers);
        }
        let woken: Vec<_> = {
            let groups = self.waiters.groups.lock();
            let of_regions = found.regions.iter().filter_map(|region| groups.regions.get(region));
            numbers.extend(of_regions.flatten());
            numbers.extend(&groups.others);
            if found.any_batch {
                numbers.extend(&groups.of_batches);
            }
            let groups = numbers.iter().filter_map(|number| groups.slots.get(*number as usize));
            let can_want = |group: &&Arc<Group>| {
                found.scopes.iter().any(|scope| group.interest.terms().can_want(*scope))
            };
            groups.flatten().filter(can_want).cloned().collect()
        };
        for group in woken {
            group.woken.send_replace(());
        }
    }
}

impl Waiters {
    fn found(&self, register: &Register, regions: &[RegionCode], from: u64, to: u64) -> Found {
        let (mut keys, mut any_batch) = (HashSet::new(), false);
        register.batches_of(from, to, |batch| match batch {
            Some(batch) => {
                keys.insert(self.batch(batch));
            }
            None => any_batch = true,
        });
        register.followed_as(from, to, |id| {
            keys.insert(self.designee(id));
        });
        let regions = register.concerned_of(regions, from, to);
        Found { scopes: register.scopes_of(from, to), regions, keys, any_batch }
    }
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::*;

    #[test]
    fn a_part_agrees_with_a_plain_map_of_sets() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut random = Rng::with_seed(seed);
        let (mut part, mut plain) = (Part::default(), HashMap::<u32, BTreeSet<u32>>::new());
        for _ in 0..20_000 {
            let (key, number) = (random.u32(..40), random.u32(..30));
            if random.bool() {
                part.insert(key, number);
                plain.entry(key).or_default().insert(number);
            } else {
                part.remove(key, number);
                plain.entry(key).or_default().remove(&number);
            }
            let mut found = BTreeSet::new();
            part.find(key, &mut found);
            assert_eq!(Some(&found), plain.get(&key));
        }
        for (key, numbers) in plain {
            numbers.into_iter().for_each(|number| part.remove(key, number));
        }
        assert!(part.entries.is_empty());
        assert_eq!(part.free.len(), part.crowds.len(), "crowds are used again");
    }
}
