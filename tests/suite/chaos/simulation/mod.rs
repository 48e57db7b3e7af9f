//! A seeded simulation of the ledger over a disk that loses, tears, fails and delays, compared step
//! by step with a plain model; one validator for each guarantee (see `simulation/guarantees.rs`).
//!
//! The writer stops at a gate in each append, and what is sent meanwhile forms the next group. So
//! every answer, position, time, group and root is a function of the seed, and goes into the trace.
//! Not determined, and not in the trace: when the high-water mark is noted, and how often the free
//! subscribers are woken.
//!
//! `TIDU_SIMULATION_SEED` replays one run, `TIDU_SIMULATION_RUNS` sets how many there are.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

mod guarantees;
mod model;
mod run;
mod subscriber;

use self::run::{Counts, Ended, run};
use crate::support::seed;

/// Runs of a usual test with seeds of their own, beside the fixed ones.
const RUNS: usize = 3;
/// Steps of each.
const STEPS: usize = 250;

/// In a runtime of one thread: beside it runs only the writer, and that waits at the gate.
fn simulate(seed: u64, steps: usize) -> Ended {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let ended = catch_unwind(AssertUnwindSafe(|| runtime.block_on(run(seed, steps))));
    // A drain that was found wrong still waits for a writer at the gate, which nobody will open.
    runtime.shutdown_background();
    ended.unwrap_or_else(|panic| resume_unwind(panic))
}

/// Runs that every test makes. The gates are asserted on these alone, so that none depends on
/// chance.
const FIXED_SEEDS: [u64; 3] = [1, 2, 3];

#[test]
fn every_guarantee_holds_over_a_faulty_disk() {
    let replayed = seed::replayed("TIDU_SIMULATION_SEED");
    if replayed.is_none() {
        let mut counts = Counts::default();
        for seed in FIXED_SEEDS {
            counts.add(simulate(seed, STEPS).counts);
        }
        println!("fixed runs: {counts:#?}");
        // A run in which little happened has shown little.
        assert_eq!(counts.too_few(FIXED_SEEDS.len()), None);
    }
    let runs = if replayed.is_some() { 1 } else { seed::count("TIDU_SIMULATION_RUNS", RUNS) };
    let mut counts = Counts::default();
    for _ in 0..runs {
        let seed = seed::seed("TIDU_SIMULATION_SEED");
        counts.add(simulate(seed, STEPS).counts);
    }
    println!("{runs} runs: {counts:#?}");
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let (one, other) = (simulate(seed, 60), simulate(seed, 60));
    let differs = one.trace.iter().zip(&other.trace).find(|(one, other)| one != other);
    assert_eq!(differs, None);
    assert_eq!(one.hash, other.hash);
    let [one, other] = [1, 2].map(|seed| simulate(seed, 60));
    assert!(one.trace.len() > 60, "the trace is short");
    assert_ne!(one.hash, other.hash, "the trace says nothing");
}
