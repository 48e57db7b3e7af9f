//! A seeded simulation of the ledger over a disk that loses, tears, fails and delays, compared step by step with a plain
//! model; one validator for each guarantee (see `simulation/guarantees.rs`).
//!
//! The writer stops at a gate in each append, and what is sent meanwhile forms the next group. So every answer, position,
//! time, group and root is a function of the seed, and goes into the trace. Not determined, and not in the trace: when the
//! high-water mark is noted, and how often the free subscribers are woken.
//!
//! `TIDU_SIMULATION_SEED` replays one run, `TIDU_SIMULATION_RUNS` sets how many there are.

use std::{
    env,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
};

#[path = "simulation/disk.rs"]
mod disk;
#[path = "simulation/guarantees.rs"]
mod guarantees;
#[path = "simulation/model.rs"]
mod model;
#[path = "simulation/run.rs"]
mod run;
#[path = "simulation/subscriber.rs"]
mod subscriber;

use self::run::{Counts, Ended, run};

/// Runs of a usual test.
const RUNS: usize = 6;
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

#[test]
fn every_guarantee_holds_over_a_disk_that_loses_tears_fails_and_delays() {
    let replayed = env::var("TIDU_SIMULATION_SEED").ok().map(|seed| seed.parse().unwrap());
    let runs = env::var("TIDU_SIMULATION_RUNS").map_or(RUNS, |runs| runs.parse().unwrap());
    let runs = if replayed.is_some() { 1 } else { runs };
    let mut counts = Counts::default();
    let mut done = 0;
    // What happens seldom is waited for, but not for ever.
    while done < runs || (replayed.is_none() && done < 4 * runs && counts.too_few(runs).is_some()) {
        let seed = replayed.unwrap_or_else(|| fastrand::u64(..));
        println!("TIDU_SIMULATION_SEED={seed}");
        counts.add(simulate(seed, STEPS).counts);
        done += 1;
    }
    println!("{done} runs: {counts:#?}");
    if replayed.is_none() {
        // A run in which little happened has shown little.
        assert_eq!(counts.too_few(runs), None);
    }
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let (one, other) = (simulate(seed, 60), simulate(seed, 60));
    let differs = one.trace.iter().zip(&other.trace).find(|(one, other)| one != other);
    assert_eq!(differs, None);
    assert_eq!(one.hash, other.hash);
    assert!(one.trace.len() > 60, "the trace is short");
    assert_ne!(simulate(seed.wrapping_add(1), 60).hash, one.hash, "the trace says nothing");
}
