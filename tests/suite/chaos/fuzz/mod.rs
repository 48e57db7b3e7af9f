//! Bytes that nobody wrote: whatever comes from outside is mutated, and must be refused with an
//! error or be what it says.
//!
//! Each case takes an entry of `tests/fixtures/corpus`, changes it and hands it to the code that
//! reads it. An input that once broke something stays in the corpus under a name that begins with
//! `found-`.
//!
//! `TIDU_FUZZ_CASES` sets how many cases each target tries, `TIDU_FUZZ_SEED` where its seeds begin:
//! the first case of a run has that seed, the next one the next number.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::Path,
};

use fastrand::Rng;

mod formats;
mod lists;
mod mutate;
mod protobuf;
mod requests;
mod shared;
#[path = "../../../../fuzz/targets.rs"]
mod targets;
mod unread;
mod workbook;

use crate::support::seed;

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

/// What the fixed cases of a run came to.
struct Fixed<const N: usize> {
    cases: usize,
    sums: [usize; N],
}

/// Tries cases, each with choices of its own; says which one failed. A case counts what it reached.
///
/// A quarter of the usual cases has fixed seeds. Gates are asserted on these, so that no gate
/// depends on chance.
fn fuzz<const N: usize>(
    target: &str,
    usual: usize,
    mut case: impl FnMut(&mut Rng) -> [usize; N],
) -> Fixed<N> {
    let mut run = |seed| match catch_unwind(AssertUnwindSafe(|| case(&mut Rng::with_seed(seed)))) {
        Ok(reached) => reached,
        Err(panic) => {
            println!("{target}: repeat with TIDU_FUZZ_CASES=1 TIDU_FUZZ_SEED={seed}");
            resume_unwind(panic);
        }
    };
    let add = |sums: [usize; N], more: [usize; N]| std::array::from_fn(|i| sums[i] + more[i]);
    let fixed = if seed::replayed("TIDU_FUZZ_SEED").is_some() { 0 } else { usual / 4 };
    let sums = (0..fixed as u64).map(&mut run).fold([0; N], add);
    println!("{target}: {fixed} fixed cases reached {sums:?}");
    let cases = seed::count("TIDU_FUZZ_CASES", usual - usual / 4);
    let first = seed::seed("TIDU_FUZZ_SEED");
    let others = (0..cases as u64).map(|number| run(first.wrapping_add(number)));
    println!("{target}: {cases} other cases reached {:?}", others.fold([0; N], add));
    Fixed { cases: fixed, sums }
}

/// Two entries of a corpus: the one to change, and one to take parts from.
fn two<'a>(random: &mut Rng, corpus: &'a [(String, Vec<u8>)]) -> (&'a [u8], &'a [u8]) {
    let mut one = || corpus[random.usize(0..corpus.len())].1.as_slice();
    (one(), one())
}
