//! Starts from snapshots of the register: the same answers as from a replay, and no snapshot is
//! believed that does not fit.
//!
//! `TIDU_SNAPSHOT_FLIPS` sets how many altered snapshots are tried.

use std::{
    fs,
    ops::Range,
    path::Path,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use tidu::{
    catalogue_files::CatalogueFiles,
    ledger::{
        Belief, Commit, Ledger, LedgerOptions, RULES_BUILD, SnapshotSettings, clock::Clock as _,
    },
    log::LogError,
    merkle::Hash,
    metrics::Metrics,
    protocol::pb,
};

use crate::support::{
    A, BOTH_RULES, Hands, MemoryLog, annulled, answers_of, catalogues, commit, corrected,
    directory, list, little_giant, options, seed, traces,
};

const WITHIN: Duration = Duration::from_secs(60);

fn opened(log: &MemoryLog, path: &Path) -> Ledger {
    let parts = LedgerOptions { expected: log.marked(), ..options(Arc::new(log.clone())) };
    let settings = SnapshotSettings { path: path.to_path_buf(), events: 1 };
    Ledger::open_with(parts, Belief::StoredHashes, Some(settings)).unwrap()
}

fn replayed(log: &MemoryLog) -> Ledger {
    let parts = LedgerOptions { expected: log.marked(), ..options(Arc::new(log.clone())) };
    Ledger::open(parts).unwrap()
}

/// Ends a ledger as a drain does.
fn end(ledger: &Ledger) {
    assert!(ledger.close());
    ledger.save_snapshot(WITHIN);
}

/// Designations of different enterprises.
fn part_of_list(part: Range<usize>) -> Vec<pb::Event> {
    list(1, 720).drain(part).collect()
}

fn named(events: Vec<pb::Event>, id: &'static str) -> Commit {
    Commit { request: Some((id.into(), [7; 32])), ..commit(events) }
}

fn require_same(found: &Ledger, expected: &Ledger) {
    let (one, other) = (found.durable(), expected.durable());
    assert_eq!(one, other);
    // A thread holds one register at a time.
    let answers = |ledger: &Ledger, known_at| answers_of(&ledger.register(), known_at);
    for known_at in (0..=one.size).step_by(7).chain([one.size]) {
        assert_eq!(answers(found, known_at), answers(expected, known_at));
    }
    let parts = |ledger: &Ledger| traces(&ledger.register());
    assert!(parts(found) == parts(expected), "every part is the same");
}

/// A log with a snapshot of some of its events: its path, and its bytes.
async fn with_snapshot(log: &MemoryLog, path: &Path) -> Vec<u8> {
    let ledger = opened(log, path);
    for part in [0..40, 40..81, 81..123, 123..166] {
        ledger.append(commit(part_of_list(part))).await.unwrap();
    }
    let first = ledger.durable().size;
    ledger.append(named(vec![little_giant(A, "1", "2020-01-01")], "one")).await.unwrap();
    let other = corrected(first, little_giant(A, "2", "2020-02-01"));
    ledger.append(commit(vec![other])).await.unwrap();
    ledger.append(commit(vec![annulled(3)])).await.unwrap();
    end(&ledger);
    fs::read(path).unwrap()
}

#[tokio::test]
async fn a_start_from_a_snapshot_is_a_start_from_a_replay() {
    let dir = directory();
    let path = dir.path().join("register.snapshot");
    let log = MemoryLog::default();
    with_snapshot(&log, &path).await;
    for turn in 0..4 {
        let ledger = opened(&log, &path);
        let size = ledger.durable().size;
        assert_eq!(ledger.trusted(), Some((size, ledger.durable().root)), "turn {turn}");
        require_same(&ledger, &replayed(&log));
        // A request id of an event below the snapshot is known, and its answer is the first one.
        let again = named(vec![little_giant(A, "1", "2020-01-01")], "one");
        assert!(ledger.append(again).await.unwrap().replayed);
        // The log goes on, over the end of a block of hashes too; the next start replays it.
        ledger.append(commit(part_of_list(200 + 130 * turn..330 + 130 * turn))).await.unwrap();
        assert!(ledger.close());
        let ledger = opened(&log, &path);
        assert_eq!(ledger.trusted().map(|(size, _)| size), Some(size));
        require_same(&ledger, &replayed(&log));
        end(&ledger);
    }
}

#[tokio::test]
async fn a_snapshot_leaves_the_reserve_of_the_disk_and_is_counted() {
    let dir = directory();
    let path = dir.path().join("register.snapshot");
    let log = MemoryLog::default();
    let ledger = opened(&log, &path);
    ledger.append(commit(part_of_list(0..50))).await.unwrap();
    assert!(ledger.close());
    log.leave_room(Some(1024));
    ledger.save_snapshot(WITHIN);
    let metrics = ledger.metrics();
    assert!(!path.exists(), "nothing is written on a disk that is low");
    assert_eq!(metrics.register_snapshot_failures_total.get(), 1);
    assert_eq!(metrics.register_snapshot_events.get(), 0);
    log.leave_room(None);
    ledger.save_snapshot(Duration::ZERO);
    assert!(!path.exists(), "there was no time left");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "and nothing is left");
    ledger.save_snapshot(WITHIN);
    assert_eq!(metrics.register_snapshot_failures_total.get(), 1);
    assert_eq!(metrics.register_snapshot_events.get(), 50);
    let bytes = fs::metadata(&path).unwrap().len();
    assert_eq!(metrics.register_snapshot_bytes.get(), bytes);
    // Files that other users can read would show what access rights hide.
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let took = metrics.register_snapshot_duration_seconds.get();
    assert_eq!(took, Duration::ZERO, "the clock of this test does not move");
    let written = |metrics: &Metrics| metrics.register_snapshot_timestamp_seconds.get();
    let now = u128::try_from(Hands::default().now_micros()).unwrap();
    assert_eq!(written(metrics).as_micros(), now);
    // A later process learns it from the file.
    let metadata = fs::metadata(&path).unwrap();
    let of_file = metadata.modified().unwrap().duration_since(UNIX_EPOCH).unwrap();
    assert_eq!(written(opened(&log, &path).metrics()), of_file);
    assert_eq!(opened(&log, &path).metrics().register_snapshot_events.get(), 50);
}

#[tokio::test]
async fn an_altered_snapshot_is_never_believed() {
    let flips = seed::count("TIDU_SNAPSHOT_FLIPS", 400);
    let mut random = seed::random("TIDU_SNAPSHOT_SEED");
    let dir = directory();
    let path = dir.path().join("register.snapshot");
    let log = MemoryLog::default();
    let whole = with_snapshot(&log, &path).await;
    let expected = replayed(&log);
    for turn in 0..flips {
        let mut bytes = whole.clone();
        let at = random.usize(..bytes.len());
        match turn % 4 {
            0 => bytes.truncate(at),
            1 => bytes.extend_from_slice(&whole[at..]),
            _ => bytes[at] ^= random.u8(1..),
        }
        fs::write(&path, &bytes).unwrap();
        let ledger = opened(&log, &path);
        assert_eq!(ledger.trusted(), None, "turn {turn}, at byte {at}");
        assert_eq!(ledger.durable(), expected.durable());
        assert!(ledger.close());
    }
    fs::write(&path, &whole).unwrap();
    let ledger = opened(&log, &path);
    assert!(ledger.trusted().is_some(), "the whole one is believed");
    // The next one that is written takes the place of an altered one.
    fs::write(&path, &whole[1..]).unwrap();
    ledger.append(commit(part_of_list(200..260))).await.unwrap();
    end(&ledger);
    assert!(opened(&log, &path).trusted().is_some());
}

/// The snapshot with other bytes in its header, under the right checksum.
fn with_header(whole: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    let length = u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
    let at = (8..8 + length).find(|at| bytes[*at..].starts_with(old)).unwrap();
    bytes[at..at + new.len()].copy_from_slice(new);
    let crc = crc32c::crc32c(&bytes[..8 + length]);
    bytes[8 + length..12 + length].copy_from_slice(&crc.to_le_bytes());
    bytes
}

#[tokio::test]
async fn a_snapshot_of_something_else_is_never_believed() {
    let dir = directory();
    let path = dir.path().join("register.snapshot");
    let log = MemoryLog::default();
    let whole = with_snapshot(&log, &path).await;
    let trusts = |bytes: &[u8], log: &MemoryLog, change: &dyn Fn(&mut LedgerOptions)| {
        fs::write(&path, bytes).unwrap();
        let mut parts = LedgerOptions { expected: log.marked(), ..options(Arc::new(log.clone())) };
        change(&mut parts);
        let settings = SnapshotSettings { path: path.clone(), events: u64::MAX };
        let ledger = Ledger::open_with(parts, Belief::StoredHashes, Some(settings)).unwrap();
        assert!(ledger.close());
        ledger.trusted().is_some()
    };
    let as_it_is = |_: &mut LedgerOptions| {};
    assert!(trusts(&whole, &log, &as_it_is));

    let build: Hash = RULES_BUILD;
    assert!(!trusts(&with_header(&whole, &build, &[9; 32]), &log, &as_it_is), "another build");
    assert!(!trusts(&with_header(&whole, &[1, 0], &[2, 0]), &log, &as_it_is), "another format");
    let (size, root) = log.marked().unwrap();
    let subtree = with_header(&whole, &size.to_le_bytes(), &(size - 1).to_le_bytes());
    assert!(!trusts(&subtree, &log, &as_it_is), "another size");

    // An older prefix of the log: without the last events, or with others in their place.
    let older = MemoryLog::default();
    let short = replayed(&older);
    for part in [0..40, 40..81, 81..123] {
        short.append(commit(part_of_list(part))).await.unwrap();
    }
    assert!(short.close());
    assert!(!trusts(&whole, &older, &as_it_is), "longer than the log");
    let longer = replayed(&older);
    longer.append(commit(part_of_list(300..430))).await.unwrap();
    assert!(longer.close());
    assert!(!trusts(&whole, &older, &as_it_is), "another history");

    // A mark that is older than the snapshot, or has another root.
    let lags = |parts: &mut LedgerOptions| parts.expected = None;
    assert!(!trusts(&whole, &log, &lags), "nothing to compare it with");
    assert_eq!(size, log.marked().unwrap().0);
    assert_ne!(root, [0; 32]);

    let other_rules = |parts: &mut LedgerOptions| parts.rules = BOTH_RULES;
    assert!(!trusts(&whole, &log, &other_rules), "other rules");
    let other_catalogue = |parts: &mut LedgerOptions| {
        let first = catalogues::parsed(&catalogues::other());
        let all = [first, Arc::clone(&parts.catalogue)];
        parts.catalogue_files = CatalogueFiles::coming_with(all);
    };
    fs::write(&path, &whole).unwrap();
    let mut parts = LedgerOptions { expected: log.marked(), ..options(Arc::new(log.clone())) };
    other_catalogue(&mut parts);
    let settings = SnapshotSettings { path: path.clone(), events: u64::MAX };
    // The log itself may not be readable with it; it is not read by the snapshot in any case.
    let opened = Ledger::open_with(parts, Belief::StoredHashes, Some(settings));
    assert!(opened.is_err() || opened.is_ok_and(|ledger| ledger.trusted().is_none()));
}

#[tokio::test]
async fn a_snapshot_follows_the_catalogues_that_the_log_adopted() {
    let dir = directory();
    let path = dir.path().join("register.snapshot");
    let log = MemoryLog::default();
    let ledger = replayed(&log);
    ledger.append(commit(part_of_list(0..30))).await.unwrap();
    assert!(ledger.close());
    let other = catalogues::parsed(&catalogues::other());
    let files = CatalogueFiles::built_in().and(Arc::clone(&other));
    let adopting = catalogues::open_under(Arc::new(log.clone()), &other, &files).await.unwrap();
    assert!(adopting.close());
    let open = |files: &CatalogueFiles| {
        let (catalogue, catalogue_files) = (Arc::clone(&other), files.clone());
        let parts = LedgerOptions { expected: log.marked(), ..options(Arc::new(log.clone())) };
        let parts = LedgerOptions { catalogue, catalogue_files, ..parts };
        let settings = SnapshotSettings { path: path.clone(), events: 1 };
        Ledger::open_with(parts, Belief::StoredHashes, Some(settings))
    };
    let adoptions = |ledger: &Ledger| {
        let all = ledger.catalogues().adoptions();
        all.map(|adoption| (adoption.position, adoption.catalogue.sha256)).collect::<Vec<_>>()
    };
    let first = open(&files).unwrap();
    assert!(first.trusted().is_none() && !first.needs_adoption());
    end(&first);
    let second = open(&files).unwrap();
    assert_eq!(second.trusted().map(|(size, _)| size), Some(31));
    assert_eq!(adoptions(&second), adoptions(&first));
    assert!(!second.needs_adoption() && second.close());
    // Without the file of that catalogue the log is refused, with the snapshot or without.
    let refused = open(&CatalogueFiles::built_in()).err().unwrap();
    assert!(matches!(refused, LogError::Catalogue { position: 30, .. }), "{refused}");
}
