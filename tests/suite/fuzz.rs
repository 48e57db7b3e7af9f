//! Bytes that nobody wrote: whatever comes from outside is mutated, and must be refused with an error or be what it says.
//!
//! Each case takes an entry of `tests/fixtures/corpus`, changes it and hands it to the code that reads it. An input that
//! once broke something stays in the corpus under a name that begins with `found-`.
//!
//! `TIDU_FUZZ_CASES` sets how many cases each target tries, `TIDU_FUZZ_SEED` where its seeds begin: the first case of a
//! run has that seed, the next one the next number.

use std::{
    env, fs,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::Path,
};

use fastrand::Rng;

#[path = "fuzz/formats.rs"]
mod formats;
#[path = "fuzz/lists.rs"]
mod lists;
#[path = "fuzz/mutate.rs"]
mod mutate;
#[path = "fuzz/protobuf.rs"]
mod protobuf;
#[path = "fuzz/requests.rs"]
mod requests;
#[path = "fuzz/workbook.rs"]
mod workbook;

/// The entries of a corpus by name, in the order of their names.
fn corpus(kind: &str) -> Vec<(String, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/corpus").join(kind);
    let entries = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: std::path::PathBuf| {
        (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap())
    };
    let mut entries: Vec<_> = entries.map(read).collect();
    entries.sort();
    assert!(entries.len() > 2, "{} is as good as empty", directory.display());
    entries
}

/// Tries cases, each with choices of its own; says which one failed.
fn fuzz(target: &str, usual: usize, mut case: impl FnMut(&mut Rng)) -> usize {
    let cases = env::var("TIDU_FUZZ_CASES").map_or(usual, |n| n.parse().unwrap());
    let seed = env::var("TIDU_FUZZ_SEED");
    let seed: u64 = seed.map_or_else(|_| fastrand::u64(..), |n| n.parse().unwrap());
    println!("{target}: {cases} cases from TIDU_FUZZ_SEED={seed} on");
    for number in 0..cases as u64 {
        let seed = seed.wrapping_add(number);
        let tried = catch_unwind(AssertUnwindSafe(|| case(&mut Rng::with_seed(seed))));
        if let Err(panic) = tried {
            println!("{target}: repeat with TIDU_FUZZ_CASES=1 TIDU_FUZZ_SEED={seed}");
            resume_unwind(panic);
        }
    }
    cases
}

/// Two entries of a corpus: the one to change, and one to take parts from.
fn two<'a>(random: &mut Rng, corpus: &'a [(String, Vec<u8>)]) -> (&'a [u8], &'a [u8]) {
    let mut one = || corpus[random.usize(0..corpus.len())].1.as_slice();
    (one(), one())
}
