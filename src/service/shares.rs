//! Shares of a resource that all callers together may use only so much of: streams, the designees
//! of watch-lists, bytes of answers that nobody takes.
//!
//! As long as there is enough, a party on this machine may have all of it, and another machine its
//! own part. When the resource is used up, the party that holds the most pays: its newest share
//! must leave for the request of a party that holds less. So a newcomer gets in beside a flood, and
//! nobody loses a share to a party that would then hold as much as itself (max-min fairness).

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::domain::Party;

/// A part of the total that shares which must leave may still hold: then newcomers wait.
const LEAVING_PART: u64 = 8;

/// A resource that parties share.
#[derive(Debug)]
pub(crate) struct Shares {
    total: u64,
    of_remote: u64,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// By all shares, with those that must leave.
    taken: u64,
    /// By those that must leave.
    leaving: u64,
    next_id: u64,
    /// Without shares that must leave.
    by_party: HashMap<Party, Holding>,
}

#[derive(Debug, Default)]
struct Holding {
    amount: u64,
    /// In the order in which they were taken.
    shares: BTreeMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    amount: u64,
    leave: Arc<Leave>,
}

#[derive(Debug, Default)]
struct Leave {
    must: AtomicBool,
    told: Notify,
}

/// A part of a resource that a party holds until this is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    of: Arc<Shares>,
    party: Party,
    id: u64,
    amount: u64,
    leave: Arc<Leave>,
}

/// No share was given: this limit would be exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Short {
    /// The limit of one remote party.
    Party(u64),
    /// The limit of all, of which the party holds its fair share.
    Total(u64),
}

impl Shares {
    /// A resource of which all together may hold `total`, and another machine `of_remote`.
    pub(crate) fn new(total: u64, of_remote: u64) -> Arc<Self> {
        Arc::new(Self { total, of_remote, held: Mutex::default() })
    }

    /// The amount that is held.
    pub(crate) fn taken(&self) -> u64 {
        self.held.lock().taken
    }

    /// Takes a share, perhaps in the place of shares of a party that holds more.
    ///
    /// # Errors
    /// [`Short`].
    pub(crate) fn take(self: &Arc<Self>, party: Party, amount: u64) -> Result<Share, Short> {
        let mut held = self.held.lock();
        let own = held.by_party.get(&party).map_or(0, |holding| holding.amount) + amount;
        if party.is_remote() && own > self.of_remote {
            return Err(Short::Party(self.of_remote));
        }
        let short = Short::Total(self.total);
        let wanted = (held.taken - held.leaving + amount).saturating_sub(self.total);
        let victims = held.victims(wanted, own).ok_or(short)?;
        if held.taken + amount > self.total + (self.total / LEAVING_PART).max(amount) {
            return Err(short);
        }
        victims.into_iter().for_each(|(party, id)| held.send_away(party, id));
        let id = held.next_id;
        held.next_id += 1;
        held.taken += amount;
        let leave = Arc::new(Leave::default());
        let entry = Entry { amount, leave: Arc::clone(&leave) };
        let holding = held.by_party.entry(party).or_default();
        holding.amount += amount;
        holding.shares.insert(id, entry);
        Ok(Share { of: Arc::clone(self), party, id, amount, leave })
    }
}

impl Held {
    /// The shares that must leave so that `wanted` becomes free for a party that then holds `own`:
    /// each time the newest one of the party that holds the most. `None` if that party would not
    /// hold more than `own`.
    fn victims(&self, wanted: u64, own: u64) -> Option<Vec<(Party, u64)>> {
        let mut victims: Vec<(Party, u64)> = Vec::new();
        let mut lost: HashMap<Party, (u64, usize)> = HashMap::new();
        let mut freed = 0;
        while freed < wanted {
            let left = |(party, holding): (&Party, &Holding)| {
                let (amount, count) = lost.get(party).copied().unwrap_or_default();
                (holding.amount - amount, *party, count)
            };
            let most = self.by_party.iter().map(left).max_by_key(|(amount, ..)| *amount);
            let (_, party, count) = most.filter(|(amount, ..)| *amount > own)?;
            let (id, entry) = self.by_party.get(&party)?.shares.iter().rev().nth(count)?;
            victims.push((party, *id));
            freed += entry.amount;
            let lost = lost.entry(party).or_default();
            *lost = (lost.0 + entry.amount, lost.1 + 1);
        }
        Some(victims)
    }

    fn send_away(&mut self, party: Party, id: u64) {
        if let Some(entry) = self.remove(party, id) {
            self.leaving += entry.amount;
            entry.leave.must.store(true, Ordering::Release);
            entry.leave.told.notify_one();
        }
    }

    fn remove(&mut self, party: Party, id: u64) -> Option<Entry> {
        let holding = self.by_party.get_mut(&party)?;
        let entry = holding.shares.remove(&id)?;
        holding.amount -= entry.amount;
        if holding.shares.is_empty() {
            self.by_party.remove(&party);
        }
        Some(entry)
    }
}

impl Share {
    /// True once another party needs it.
    pub(crate) fn must_leave(&self) -> bool {
        self.leave.must.load(Ordering::Acquire)
    }

    /// Completes once another party needs it. Only one task may wait.
    pub(crate) async fn must_go(&self) {
        while !self.must_leave() {
            self.leave.told.notified().await;
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.of.held.lock();
        if held.remove(self.party, self.id).is_none() {
            held.leaving -= self.amount;
        }
        held.taken -= self.amount;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use fastrand::Rng;

    use super::*;

    fn local(port: u16) -> Party {
        Party::of(([127, 0, 0, 1], port).into())
    }

    fn remote(host: u8) -> Party {
        Party::of(([192, 0, 2, host], 9).into())
    }

    #[test]
    fn one_party_may_have_all_and_another_machine_its_part() {
        let shares = Shares::new(10, 4);
        let all: Vec<_> = (0..10).map(|_| shares.take(local(1), 1).unwrap()).collect();
        assert_eq!(shares.take(local(1), 1).unwrap_err(), Short::Total(10));
        drop(all);
        assert_eq!(shares.taken(), 0);
        let four = shares.take(remote(1), 4).unwrap();
        assert_eq!(shares.take(remote(1), 1).unwrap_err(), Short::Party(4));
        drop(four);
        assert_eq!(shares.take(remote(1), 5).unwrap_err(), Short::Party(4));
        assert_eq!(shares.take(local(1), 11).unwrap_err(), Short::Total(10));
    }

    #[test]
    fn the_largest_holder_pays_with_its_newest_share_for_a_newcomer() {
        let shares = Shares::new(10, 10);
        let mut flood: Vec<_> = (0..10).map(|_| shares.take(local(1), 1).unwrap()).collect();
        let newcomer = shares.take(local(2), 1).unwrap();
        assert!(flood.pop().unwrap().must_leave());
        assert!(flood.iter().chain([&newcomer]).all(|share| !share.must_leave()));
        assert_eq!(shares.taken(), 10);
        // The flood gets nothing back as long as it holds the most.
        assert_eq!(shares.take(local(1), 1).unwrap_err(), Short::Total(10));
    }

    #[test]
    fn nobody_pays_for_a_party_that_would_hold_as_much() {
        let shares = Shares::new(4, 4);
        let two = shares.take(local(1), 2).unwrap();
        let other = shares.take(local(2), 2).unwrap();
        assert_eq!(shares.take(local(3), 2).unwrap_err(), Short::Total(4));
        let one = shares.take(local(3), 1).unwrap();
        assert!(two.must_leave() ^ other.must_leave());
        assert!(!one.must_leave());
    }

    #[test]
    fn those_who_do_not_leave_cannot_be_overtaken_for_ever() {
        let shares = Shares::new(16, 16);
        let flood: Vec<_> = (0..16).map(|_| shares.take(local(1), 1).unwrap()).collect();
        let newcomers: Vec<_> = (2..9).map_while(|port| shares.take(local(port), 1).ok()).collect();
        assert_eq!(newcomers.len(), 2, "an eighth of the total");
        assert_eq!(shares.taken(), 18);
        drop(flood);
        assert_eq!(shares.taken(), 2);
    }

    #[tokio::test]
    async fn who_must_leave_is_told() {
        let shares = Shares::new(2, 2);
        let older = shares.take(local(1), 1).unwrap();
        let newer = shares.take(local(1), 1).unwrap();
        let told = tokio::spawn(async move { newer.must_go().await });
        tokio::task::yield_now().await;
        let _newcomer = shares.take(local(2), 1).unwrap();
        told.await.unwrap();
        assert!(!older.must_leave(), "the oldest stays");
    }

    #[test]
    fn sums_agree_with_a_plain_model_under_random_use() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut random = Rng::with_seed(seed);
        let shares = Shares::new(200, 60);
        let mut held: Vec<Share> = Vec::new();
        for _ in 0..5_000 {
            let party = match random.bool() {
                true => local(random.u16(1..6)),
                false => remote(random.u8(1..6)),
            };
            let sum = |held: &[Share], party: Party| -> u64 {
                let own = held.iter().filter(|s| s.party == party && !s.must_leave());
                own.map(|share| share.amount).sum()
            };
            if random.u8(..3) > 0 {
                let (own, amount) = (sum(&held, party), random.u64(1..30));
                match shares.take(party, amount) {
                    Ok(share) => held.push(share),
                    Err(Short::Party(limit)) => assert!(party.is_remote() && own + amount > limit),
                    Err(Short::Total(limit)) => assert!(shares.taken() + amount > limit),
                }
            } else if !held.is_empty() {
                drop(held.swap_remove(random.usize(..held.len())));
            }
            held.retain(|share| random.bool() || !share.must_leave());
            assert_eq!(shares.taken(), held.iter().map(|share| share.amount).sum::<u64>());
            assert!(shares.taken() <= 200 + 30);
            let staying: u64 = held.iter().filter(|s| !s.must_leave()).map(|s| s.amount).sum();
            assert!(staying <= 200);
            assert!((1..6).all(|host| sum(&held, remote(host)) <= 60));
        }
    }
}
