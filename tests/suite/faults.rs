//! What goes wrong around a server: a disk that fails or is full, a directory that cannot be written, too few descriptors,
//! too little memory, a clock that jumps. Each fault is real for the process that meets it, and each test says what its
//! caller sees, how the process ends, and that the next start holds everything that was acknowledged.
//!
//! `TIDU_FAULTS` sets how many failing starts are tried, `TIDU_FAULTS_SEED` repeats the choices of a run.
//! A test whose tool is not on the machine says so and does nothing.

#[path = "faults/calls.rs"]
mod calls;
#[path = "faults/clock.rs"]
mod clock;
#[path = "faults/known.rs"]
mod known;
#[path = "faults/limits.rs"]
mod limits;
#[path = "faults/place.rs"]
mod place;
#[path = "faults/process.rs"]
mod process;

use std::{
    env,
    process::{Command, Stdio},
};

use fastrand::Rng;

/// Failing starts of a usual run of one test.
const STARTS: usize = 24;

/// How many failing starts are tried: `TIDU_FAULTS` or the usual number.
fn starts() -> usize {
    env::var("TIDU_FAULTS").map_or(STARTS, |n| n.parse().unwrap())
}

/// Choices that `TIDU_FAULTS_SEED` repeats.
fn seeded() -> Rng {
    let seed = env::var("TIDU_FAULTS_SEED");
    let seed = seed.map_or_else(|_| fastrand::u64(..), |n| n.parse().unwrap());
    println!("repeat the choices with TIDU_FAULTS_SEED={seed}");
    Rng::with_seed(seed)
}

/// True if a command line can be run here. A test that needs it says so loudly where it cannot.
pub fn is_there(command: &[&str], without_it: &str) -> bool {
    let status = Command::new(command[0])
        .args(&command[1..])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let there = status.is_ok_and(|status| status.success());
    if !there {
        eprintln!("\n*** SKIPPED: {} does not run here, so {without_it} ***\n", command.join(" "));
    }
    there
}
