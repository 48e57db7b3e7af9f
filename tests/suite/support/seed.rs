//! The environment variables that tune random tests; `tests/README.md` lists them.

use std::env;

use fastrand::Rng;

/// How often a test tries: the value of `variable`, or the usual number.
pub fn count(variable: &str, usual: usize) -> usize {
    env::var(variable).map_or(usual, |count| count.parse().unwrap())
}

/// The seed that `variable` asks to replay, if it is set.
pub fn replayed(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|seed| seed.parse().unwrap())
}

/// The seed of a run: the value of `variable`, or another one each time. Prints it, so that the run
/// can be replayed.
pub fn seed(variable: &str) -> u64 {
    let seed = replayed(variable).unwrap_or_else(|| fastrand::u64(..));
    println!("repeat with {variable}={seed}");
    seed
}

/// Random choices that `variable` repeats.
pub fn random(variable: &str) -> Rng {
    Rng::with_seed(seed(variable))
}
