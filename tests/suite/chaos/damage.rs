//! Damage at rest: a data directory that was closed cleanly and then altered is read as it was, or
//! refused. Never shorter, never different, and no panic of the store gets through.
//!
//! `TIDU_DAMAGE_IMAGES` sets how many images are tried, `TIDU_DAMAGE_SEED` repeats a run exactly.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use fastrand::Rng;
use tidu::log::{Chunk, CommitLog as _, SledLog};
use uuid::Uuid;

use crate::support::{
    directory,
    history::{History, Verdict, verdict},
    redacted::{Fault, Redacted},
    seed,
    workload::{Place, run},
};

/// Images of a usual run.
const IMAGES: usize = 120;
const BLOCK: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Damage {
    FlippedBits,
    ZeroedBlocks,
    Truncated,
    Removed,
    /// A copy under another name, or in the place of another file.
    Duplicated,
    /// The same file of an earlier clean close.
    RolledBack,
}

const KINDS: [Damage; 6] = [
    Damage::FlippedBits,
    Damage::ZeroedBlocks,
    Damage::Truncated,
    Damage::Removed,
    Damage::Duplicated,
    Damage::RolledBack,
];

#[derive(Default)]
struct Counts {
    intact: usize,
    refused: usize,
    /// Of those refused: the store's file was left as it was found.
    evidence_kept: usize,
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    for path in files(from) {
        let target = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(&path, target).unwrap();
    }
}

/// Damages one file of `data` and says which.
fn damage(data: &Path, earlier: &Path, kind: Damage, random: &mut Rng) -> String {
    let all = files(data);
    // Half of the damage goes to the store's main file, which is where the events are.
    let main = data.join("log/db");
    let file = if random.bool() { main } else { random.choice(&all).unwrap().clone() };
    let mut content = fs::read(&file).unwrap();
    let length = content.len();
    match kind {
        Damage::FlippedBits => {
            for _ in 0..random.usize(1..4).min(length) {
                content[random.usize(0..length)] ^= 1 << random.u8(0..8);
            }
            fs::write(&file, content).unwrap();
        }
        Damage::ZeroedBlocks => {
            for _ in 0..random.usize(1..4) {
                let block = random.usize(0..=length / BLOCK) * BLOCK;
                content[block..(block + BLOCK).min(length)].fill(0);
            }
            fs::write(&file, content).unwrap();
        }
        Damage::Truncated => {
            content.truncate(random.usize(0..=length));
            fs::write(&file, content).unwrap();
        }
        Damage::Removed => fs::remove_file(&file).unwrap(),
        Damage::Duplicated => {
            let mut name = file.file_name().unwrap().to_owned();
            name.push(*random.choice(&[".copy", "0", ".generating"]).unwrap());
            let beside = file.with_file_name(name);
            let target = if random.bool() { &beside } else { random.choice(&all).unwrap() };
            fs::write(target, content).unwrap();
        }
        Damage::RolledBack => {
            let old = earlier.join(file.strip_prefix(data).unwrap());
            match fs::read(old) {
                Ok(old) => fs::write(&file, old).unwrap(),
                Err(_) => fs::remove_file(&file).unwrap(),
            }
        }
    }
    file.strip_prefix(data).unwrap().display().to_string()
}

#[test]
fn a_damaged_directory_is_read_as_it_was_or_refused() {
    let images = seed::count("TIDU_DAMAGE_IMAGES", IMAGES);
    let mut random = seed::random("TIDU_DAMAGE_SEED");

    let dir = directory();
    let place = Place::new(dir.path());
    let (good, earlier) = (place.disk().join("data"), dir.path().join("earlier"));
    // Two starts over existing content, so that there is a snapshot and something after it.
    run(&place, "open small:20 large:2500 small:5 close open small:10 close");
    copy(&good, &earlier);
    run(&place, "open small:10 own:2 large:400 small:5 close");
    let history = Arc::new(History::new(place.leaves()));

    let mut counts: BTreeMap<Damage, Counts> = BTreeMap::new();
    let mut tried = 0;
    // A run whose damage hits too seldom, or always, goes on for a while before it says so.
    while tried < images || (tried < 10 * images && !hits(&counts)) {
        let i = tried;
        tried += 1;
        let kind = KINDS[i % KINDS.len()];
        let mut choices = random.fork();
        // Not on the disk of the build: here syncs need not be real.
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        copy(&good, &data);
        let file = damage(&data, &earlier, kind, &mut choices);
        let before = fs::read(data.join("log/db")).ok();
        let counts = counts.entry(kind).or_default();
        match verdict(&data, &history, history.size(), i.is_multiple_of(4)) {
            Verdict::Same(_) => counts.intact += 1,
            Verdict::Refused(_) => {
                counts.refused += 1;
                let after = fs::read(data.join("log/db")).ok();
                counts.evidence_kept += usize::from(before == after);
            }
            wrong => panic!("image {i}: {kind:?} of {file}: {wrong:?}"),
        }
    }
    for (kind, c) in &counts {
        println!(
            "{:14} {:4} as it was, {:4} refused, the store untouched in {:4} of them",
            format!("{kind:?}"),
            c.intact,
            c.refused,
            c.evidence_kept
        );
    }
    assert!(hits(&counts), "the damage does not hit");
}

/// True if the damage was noticed in more than a fifth of the images, but not in all.
fn hits(counts: &BTreeMap<Damage, Counts>) -> bool {
    let refused: usize = counts.values().map(|counts| counts.refused).sum();
    let intact: usize = counts.values().map(|counts| counts.intact).sum();
    intact > 0 && refused * 4 > intact
}

/// Damage to the chunk that holds a withheld place: flipped bits in each part of it, and a store
/// that ends within it.
#[test]
fn a_damaged_withheld_place_is_found_or_as_it_was() {
    let mut random = seed::random("TIDU_DAMAGE_SEED");
    let dir = directory();
    let place = Place::new(dir.path());
    let good = place.disk().join("data");
    run(&place, "open small:2 annul:0 small:2 close");
    let before = place.leaves();
    run(&place, "redact:0 open close");
    let redacted = Redacted::new(0, &before, place.leaves());
    let chunk = first_chunk(&good);
    assert!(chunk.has_withheld());
    let content = chunk.bytes();
    // Without the store behind it, each bit and each end.
    for at in 0..content.len() {
        assert!(Chunk::decode(0, content.slice(..at)).is_err(), "cut off at {at}");
        for bit in 0..8 {
            let mut changed = content.to_vec();
            changed[at] ^= 1 << bit;
            assert!(Chunk::decode(0, changed.into()).is_err(), "bit {bit} of byte {at}");
        }
    }

    let store = fs::read(good.join("log/db")).unwrap();
    let places = places_of(content, &store);
    assert!(!places.is_empty(), "the chunk is in the store as it was written");
    let open = |store: &[u8]| {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        copy(&good, &data);
        fs::write(data.join("log/db"), store).unwrap();
        redacted.open(&data)
    };
    let size = before.len() as u64;
    assert_eq!(open(&store).unwrap(), (size, true));
    // The header, the withheld place, and what is behind it.
    let end = chunk.leaves().next().unwrap().frame.end + content.len() - chunk.run().len();
    let near = (random.usize(0..3)..end).step_by(3);
    let far = (end + random.usize(0..50)..content.len()).step_by(50);
    let mut flipped = 0;
    for at in near.chain(far) {
        let mut store = store.clone();
        let bit = random.u8(0..8);
        places.iter().for_each(|place| store[place + at] ^= 1 << bit);
        let found = open(&store);
        assert!(matches!(found, Err(Fault::Refused(_))), "bit {bit} of byte {at}: {found:?}");
        flipped += 1;
    }
    let (mut cut_off, mut intact) = (0, 0);
    for place in &places {
        for at in (random.usize(0..40)..content.len()).step_by(40) {
            match open(&store[..place + at]) {
                Err(Fault::Refused(_)) => cut_off += 1,
                // The store may hold the chunk a second time.
                Ok(found) if places.len() > 1 && found == (size, true) => intact += 1,
                found => panic!("the store ends at byte {at} of the chunk: {found:?}"),
            }
        }
    }
    println!("{flipped} flipped, {cut_off} cut off and refused, {intact} as it was");
    assert!(flipped > 20 && cut_off > 4, "{flipped} and {cut_off}");
}

fn first_chunk(data: &Path) -> Chunk {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let _inside = runtime.enter();
    SledLog::open(data, Uuid::nil()).unwrap().read(0, 1).unwrap().remove(0)
}

/// Where a store holds these bytes.
fn places_of(bytes: &[u8], store: &[u8]) -> Vec<usize> {
    let ends = 0..=store.len() - bytes.len();
    ends.filter(|at| store[*at..].starts_with(bytes)).collect()
}
