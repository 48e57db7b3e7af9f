//! Shares of a resource that all callers together may use only so much of: streams, the designees
//! of watch-lists, bytes of answers that nobody takes.
//!
//! As long as there is enough, a party on this machine may have all of it, and another machine its
//! own part. When the resource is used up, the party that holds the most pays: its newest share
//! must leave for the request of a party that holds less. So a newcomer gets in beside a flood, and
//! nobody loses a share to a party that would then hold as much as itself (max-min fairness).

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::domain::{Claim, Holdings, Party};

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
    next_id: u64,
    /// The shares that stay.
    staying: Holdings,
    leaves: HashMap<Claim, Arc<Leave>>,
    /// The amount of those that must leave.
    leaving: u64,
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
    claim: Claim,
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
        self.held.lock().taken()
    }

    /// Takes a share, perhaps in the place of shares of a party that holds more.
    ///
    /// # Errors
    /// [`Short`]. Nobody has lost a share then.
    pub(crate) fn take(self: &Arc<Self>, party: Party, amount: u64) -> Result<Share, Short> {
        let mut held = self.held.lock();
        if party.is_bounded() && held.staying.of(party) + amount > self.of_remote {
            return Err(Short::Party(self.of_remote));
        }
        let short = Short::Total(self.total);
        if held.taken() + amount > self.total + (self.total / LEAVING_PART).max(amount) {
            return Err(short);
        }
        let victims = held.staying.victims(party, amount, self.total).ok_or(short)?;
        let told: Vec<_> = victims.into_iter().filter_map(|claim| held.send_away(claim)).collect();
        let claim = Claim { party, id: held.next_id };
        held.next_id += 1;
        let leave = Arc::new(Leave::default());
        held.staying.set(claim, amount, true);
        held.leaves.insert(claim, Arc::clone(&leave));
        drop(held);
        // Waking tasks takes other locks, so it waits until this one is free.
        told.iter().for_each(|leave| leave.told.notify_one());
        Ok(Share { of: Arc::clone(self), claim, amount, leave })
    }
}

impl Held {
    /// By all shares, with those that must leave.
    fn taken(&self) -> u64 {
        self.staying.held() + self.leaving
    }

    /// Lets a share leave; gives whom to tell.
    fn send_away(&mut self, claim: Claim) -> Option<Arc<Leave>> {
        self.leaving += self.staying.remove(claim)?;
        let leave = self.leaves.remove(&claim)?;
        leave.must.store(true, Ordering::Release);
        Some(leave)
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
        if held.staying.remove(self.claim).is_none() {
            held.leaving -= self.amount;
        }
        held.leaves.remove(&self.claim);
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
    fn a_share_of_nothing_is_never_taken_away() {
        let shares = Shares::new(4, 4);
        let mut flood: Vec<_> = (0..4).map(|_| shares.take(local(1), 1).unwrap()).collect();
        let nothing = shares.take(local(1), 0).unwrap();
        let _newcomer = shares.take(local(2), 1).unwrap();
        assert!(!nothing.must_leave());
        assert!(flood.pop().unwrap().must_leave());
    }

    #[test]
    fn a_refused_newcomer_leaves_everybody_untouched() {
        let shares = Shares::new(16, 16);
        let held: Vec<_> = (0..16).map(|_| shares.take(local(1), 1).unwrap()).collect();
        // The flood could give up some, but not as many.
        assert_eq!(shares.take(local(2), 12).unwrap_err(), Short::Total(16));
        assert!(held.iter().all(|share| !share.must_leave()));
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
                let own = held.iter().filter(|s| s.claim.party == party && !s.must_leave());
                own.map(|share| share.amount).sum()
            };
            if random.u8(..3) > 0 {
                let (own, amount) = (sum(&held, party), random.u64(1..30));
                match shares.take(party, amount) {
                    Ok(share) => held.push(share),
                    Err(Short::Party(limit)) => assert!(party.is_bounded() && own + amount > limit),
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
