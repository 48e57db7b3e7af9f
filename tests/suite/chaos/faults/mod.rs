//! What goes wrong around a server: a disk that fails or is full, a directory that cannot be
//! written, too few descriptors, too little memory, a clock that jumps. Each fault is real for the
//! process that meets it, and each test says what its caller sees, how the process ends, and that
//! the next start holds everything that was acknowledged.
//!
//! `TIDU_FAULTS` sets how many failing starts are tried, `TIDU_FAULTS_SEED` repeats the choices of
//! a run. A test whose tool is not on the machine says so and does nothing.

mod calls;
mod clock;
mod known;
mod limits;
mod place;
mod process;
mod snapshot_damage;
mod snapshot_writes;

use fastrand::Rng;

use crate::support::seed;

/// Failing starts of a usual run of one test.
const STARTS: usize = 24;

/// How many failing starts are tried: `TIDU_FAULTS` or the usual number.
fn starts() -> usize {
    seed::count("TIDU_FAULTS", STARTS)
}

/// Choices that `TIDU_FAULTS_SEED` repeats.
fn seeded() -> Rng {
    seed::random("TIDU_FAULTS_SEED")
}
