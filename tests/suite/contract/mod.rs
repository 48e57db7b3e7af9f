//! What a [`CommitLog`](tidu::log::CommitLog) promises, written against the trait and kept by every
//! implementation.
//!
//! A promise is a function in `promises.rs`. An implementation says in `kinds.rs` how it is opened,
//! opened again, and made to fail. To add a log, write its [`Kind`](kinds::Kind) and one test here.

mod broken;
mod kinds;
mod promises;

use std::panic::{AssertUnwindSafe, catch_unwind};

use self::{
    broken::{Broken, FAULTS},
    kinds::{Gated, InMemory, Kind, OnSled, Simulated},
    promises::PROMISES,
};

/// Holds a log of a kind to every promise, each over a new log.
fn keeps_every_promise<K: Kind>(begin: impl Fn() -> K) {
    for (name, promise) in PROMISES {
        println!("{name}");
        promise(&mut begin());
    }
}

#[test]
fn the_log_on_sled_keeps_every_promise() {
    keeps_every_promise(OnSled::begin);
}

#[test]
fn the_log_in_memory_keeps_every_promise() {
    keeps_every_promise(InMemory::default);
}

#[test]
fn the_log_behind_a_gate_keeps_every_promise() {
    keeps_every_promise(Gated::default);
}

#[test]
fn the_log_on_the_simulated_disk_keeps_every_promise() {
    keeps_every_promise(Simulated::begin);
}

#[test]
fn a_log_that_breaks_a_promise_is_seen() {
    for fault in FAULTS {
        let breaks = |promise: fn(&mut dyn Kind)| {
            catch_unwind(AssertUnwindSafe(|| promise(&mut Broken::with(fault)))).is_err()
        };
        let seen: Vec<_> = PROMISES.iter().filter(|(_, promise)| breaks(*promise)).collect();
        println!("{fault:?}: {:?}", seen.iter().map(|(name, _)| name).collect::<Vec<_>>());
        assert!(!seen.is_empty(), "{fault:?} breaks no promise");
    }
}
