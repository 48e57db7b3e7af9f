//! A seeded simulation of a leader and two followers in one process, beside a plain model: their
//! disks lose what is not synced, the network between them cuts, delays, repeats, drops and changes
//! messages, other leaders take the place of the right one, and the log is handed over at any time.
//!
//! ```text
//! truth.rs    the model: the leaves of the one history
//! network.rs  the ways between the nodes, and the faults on them
//! node.rs     a machine and its processes
//! run.rs      what happens, by the seed; checks.rs, after each step; acts.rs, hand-overs and
//!             promotions; impostors.rs, other leaders
//! places.rs    events that are erased or withheld; adoptions.rs, catalogues and rules
//! disks.rs     disks that fail, are full or lost; snapshots.rs, snapshots of the register
//! silent.rs   nodes whose streams say nothing, while they answer
//! counts.rs   what really happened, and the least of it
//! ```
//!
//! `TIDU_FOLLOW_SEED` replays the choices of one run; moments differ, as threads do.
//! `TIDU_FOLLOW_RUNS` sets how many there are.

mod acts;
mod adoptions;
mod checks;
mod counts;
mod disks;
mod gathered;
mod impostors;
mod liars;
mod network;
mod node;
mod places;
mod relays;
mod run;
mod silent;
mod snapshots;
mod truth;

use self::{counts::Counts, run::Run};
use crate::support::seed;

/// Runs of a usual test with seeds of their own, beside the fixed ones.
const RUNS: usize = 2;
/// Runs that every test makes. The gates are asserted on these alone.
const FIXED_SEEDS: u64 = 6;
/// Moments differ from run to run: further seeds follow while something has happened too seldom.
const FIXED_SEEDS_MAX: u64 = 24;
const STEPS: usize = 75;

/// In a runtime of one thread whose time goes on by itself whenever nobody has anything to do.
fn paused<T>(run: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.unwrap();
    let done = runtime.block_on(run);
    runtime.shutdown_background();
    done
}

fn simulate(seed: u64) -> Counts {
    paused(async { Run::new(seed).run(STEPS).await })
}

#[test]
fn followers_show_the_one_history_whatever_happens() {
    let replayed = seed::replayed("TIDU_FOLLOW_SEED");
    if replayed.is_none() {
        let mut counts = Counts::default();
        for seed in 0..FIXED_SEEDS_MAX {
            println!("fixed seed: repeat with TIDU_FOLLOW_SEED={seed}");
            counts.add(simulate(seed));
            if seed + 1 >= FIXED_SEEDS && counts.too_few(FIXED_SEEDS).is_none() {
                break;
            }
        }
        println!("fixed runs: {counts:#?}");
        assert_eq!(counts.too_few(FIXED_SEEDS), None);
    }
    let runs = if replayed.is_some() { 1 } else { seed::count("TIDU_FOLLOW_RUNS", RUNS) };
    let mut counts = Counts::default();
    for _ in 0..runs {
        counts.add(simulate(seed::seed("TIDU_FOLLOW_SEED")));
    }
    println!("{runs} runs: {counts:#?}");
}
