//! What a ledger and its log count, each value set against what really happened.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;
use tidu::{
    ledger::{Commit, Ledger, Refusing, Unhurried},
    log::{self, CommitLog, Disk},
    metrics::Metrics,
};
use uuid::Uuid;

use crate::support::{Hands, MemoryLog, UnmarkedLog, commit, directory, in_time, list, open};

/// A ledger over a log, with a clock that the test turns.
fn ledger_over(log: impl CommitLog + 'static) -> (Arc<Ledger>, Arc<Hands>) {
    let clock = Arc::new(Hands::default());
    (Arc::new(open(Arc::new(log), Arc::clone(&clock), Arc::default())), clock)
}

fn asked(mut commit: Commit, id: &'static [u8]) -> Commit {
    commit.request = Some((Bytes::from_static(id), [7; 32]));
    commit
}

fn stored_bytes(log: &MemoryLog) -> u64 {
    let chunks = log.read(0, usize::MAX).unwrap();
    chunks.iter().map(|chunk| chunk.bytes().len() as u64).sum()
}

#[tokio::test]
async fn commits_events_repeats_and_trials_are_counted_once() {
    let log = MemoryLog::default();
    let (ledger, _) = ledger_over(log.clone());
    let metrics = ledger.metrics();
    ledger.append(asked(commit(list(1, 3)), b"one")).await.unwrap();
    ledger.append(commit(list(2, 4))).await.unwrap();
    assert!(ledger.append(asked(commit(list(1, 3)), b"one")).await.unwrap().replayed);
    ledger.append(commit(list(1, 3))).await.unwrap_err();
    let tried = ledger.trial(&commit(list(3, 2)), &mut Unhurried).unwrap();
    assert_eq!(tried.unwrap().recorded_micros, None);
    assert_eq!(metrics.commits_total.get(), 2);
    assert_eq!(metrics.events_total.get(), 7);
    assert_eq!(metrics.replays_total.get(), 1);
    assert_eq!(metrics.trials_total.get(), 1);
    assert_eq!((metrics.group_commits.sum(), metrics.group_events.sum()), (2, 7));
    assert_eq!(metrics.flush_duration_seconds.count(), metrics.group_bytes.count());
    assert!(metrics.group_bytes.count() <= 2, "a group without a commit is not flushed");
    assert_eq!(metrics.group_bytes.sum(), stored_bytes(&log));
    assert_eq!(metrics.log_stored_bytes.get(), stored_bytes(&log));
    assert_eq!(metrics.queue_wait_seconds.count(), 4, "all but the trial");

    // The next start replays the log and counts the same bytes.
    ledger.close();
    let (again, _) = ledger_over(log.reopen());
    let metrics = again.metrics();
    assert_eq!((metrics.replay_events.get(), metrics.replayed_events.get()), (7, 7));
    assert_eq!(metrics.log_stored_bytes.get(), stored_bytes(&log));
    assert_eq!(metrics.commits_total.get(), 0, "a replay records nothing");
}

#[tokio::test]
async fn a_hold_of_the_register_is_as_long_as_it_is() {
    let (ledger, clock) = ledger_over(MemoryLog::default());
    let of = |mode| ledger.metrics().register_hold_seconds.with([mode]);
    let (read, write) = (of("read"), of("write"));
    let before = (read.count(), read.sum());
    let guard = ledger.register();
    clock.1.fetch_add(3, Ordering::Relaxed);
    drop(guard);
    let after = (read.count(), read.sum());
    assert_eq!(after, (before.0 + 1, before.1 + Duration::from_secs(3)));
    // The writer holds it slice by slice: 300 events are three of them.
    let before = write.count();
    ledger.append(commit(list(1, 300))).await.unwrap();
    assert_eq!(write.count(), before + 3);
}

#[tokio::test]
async fn the_queue_is_as_deep_as_the_commits_that_wait() {
    let (ledger, clock) = ledger_over(MemoryLog::default());
    let metrics = Arc::clone(ledger.metrics());
    let depth = || {
        let observed = ledger.observe();
        (observed.queue_commits, observed.queue_bytes)
    };
    assert_eq!(depth(), (0, 0));
    let commits = [commit(list(1, 2)), commit(list(2, 3))];
    let bodies = commits.iter().flat_map(|commit| &commit.proposals);
    let bytes: usize = bodies.map(|proposal| proposal.body.len()).sum();
    // The writer waits for the register, in the middle of the first commit.
    let guard = ledger.register();
    let appends: Vec<_> = commits
        .into_iter()
        .map(|commit| {
            let ledger = Arc::clone(&ledger);
            tokio::spawn(async move { ledger.append(commit).await.unwrap() })
        })
        .collect();
    while depth().0 < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(depth(), (2, bytes as u64));
    clock.1.fetch_add(5, Ordering::Relaxed);
    drop(guard);
    for append in appends {
        in_time("an answer", append).await.unwrap();
    }
    assert_eq!(depth(), (0, 0));
    assert_eq!(metrics.queue_wait_seconds.count(), 2);
    assert!(metrics.queue_wait_seconds.sum() >= Duration::from_secs(5), "the second waited");
}

#[tokio::test]
async fn a_mark_that_is_not_written_falls_behind() {
    let (ledger, clock) = ledger_over(UnmarkedLog::default());
    assert_eq!(ledger.observe().unmarked_events, 0);
    ledger.append(commit(list(1, 5))).await.unwrap();
    clock.1.fetch_add(60, Ordering::Relaxed);
    let observed = ledger.observe();
    assert_eq!((observed.events, observed.unmarked_events), (5, 5));
    assert_eq!(observed.unmarked, Duration::from_secs(60));
    assert_eq!(observed.disk, Some(Disk { free: 7, reserve: 8, used: 9 }));

    // The last mark of a log is exact, whenever it is written.
    let (ledger, clock) = ledger_over(MemoryLog::default());
    ledger.append(commit(list(1, 5))).await.unwrap();
    clock.1.fetch_add(60, Ordering::Relaxed);
    assert!(ledger.close());
    let observed = ledger.observe();
    assert_eq!((observed.unmarked_events, observed.unmarked), (0, Duration::ZERO));
}

#[tokio::test]
async fn each_cause_that_refuses_appends_is_told() {
    let log = MemoryLog::default();
    let (ledger, _) = ledger_over(log.clone());
    let told = |ledger: &Ledger| Refusing::ALL.map(|cause| ledger.refuses(cause));
    assert_eq!(told(&ledger), [false; 6]);
    log.leave_room(Some(0));
    assert_eq!(told(&ledger), [true, false, false, false, false, false]);
    log.leave_room(None);
    ledger.serve_reads_only("a test".to_owned());
    assert_eq!(told(&ledger), [false, true, false, false, false, false]);
    ledger.close();
    assert_eq!(told(&ledger), [false, true, true, false, false, false]);

    let log = MemoryLog::default();
    let (ledger, _) = ledger_over(log.clone());
    log.fail();
    ledger.append(commit(list(1, 1))).await.unwrap_err();
    ledger.close();
    assert!(ledger.refuses(Refusing::Failed));
    assert_eq!(Refusing::Failed.as_str(), "LOG_FAILED");
    let (ledger, _) = ledger_over(MemoryLog::default());
    ledger.retire("b".parse().unwrap());
    assert_eq!(told(&ledger), [false, false, false, false, false, true]);
    assert_eq!(Refusing::Retired.as_str(), "RETIRED");
}

#[tokio::test]
async fn the_highest_epoch_that_was_heard_is_told() {
    let (ledger, _) = ledger_over(MemoryLog::default());
    assert_eq!((ledger.epoch(), ledger.metrics().epoch.get()), (0, 0));
    for (heard, epoch) in [(3, 3), (2, 3), (4, 4)] {
        ledger.hear_epoch(heard);
        assert_eq!((ledger.epoch(), ledger.metrics().epoch.get()), (epoch, epoch));
    }
}

#[tokio::test]
async fn the_recorded_time_is_found_in_memory_and_in_the_log() {
    let log = MemoryLog::default();
    let (ledger, clock) = ledger_over(log.clone());
    for (micros, seed) in [(5, 1), (9, 2)] {
        clock.0.store(micros, Ordering::Relaxed);
        ledger.append(commit(list(seed, 2))).await.unwrap();
    }
    let times = |ledger: &Ledger| [0, 1, 2, 3].map(|at| ledger.recorded_micros_now(at).unwrap());
    assert_eq!(times(&ledger), [5, 5, 9, 9]);
    ledger.close();
    let (again, _) = ledger_over(log.reopen());
    assert_eq!(times(&again), [5, 5, 9, 9]);
}

/// Each sync of a window takes a second by this clock.
#[test]
fn each_window_of_the_log_is_timed() {
    use std::sync::atomic::AtomicU64;
    let (dir, metrics) = (directory(), Metrics::new());
    let looks = AtomicU64::new(0);
    let clock = move || Duration::from_secs(looks.fetch_add(1, Ordering::Relaxed));
    let path = dir.path().join("data");
    let opened =
        log::open_reserving(&path, Uuid::nil(), Some(0), Arc::clone(&metrics), Box::new(clock));
    let (log, _) = opened.unwrap();
    let mut chunks = log::ChunkWriter::new(0, Vec::new());
    for i in 0..300 {
        chunks.push(5_000, i == 299, |buffer| bytes::BufMut::put_bytes(buffer, b'x', 5_000));
    }
    log.append(0, &chunks.finish()).unwrap();
    let windows = metrics.window_duration_seconds.count();
    assert!(windows > 1, "1.5 MB are more than one window");
    assert_eq!(metrics.window_duration_seconds.sum(), Duration::from_secs(windows));
    let disk = log.disk().unwrap();
    assert!(disk.used >= 1_500_000, "{disk:?}");
    assert_eq!(disk.reserve, 0);
}
