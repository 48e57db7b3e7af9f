//! The probes under each fault, by a clock that the test turns: a server that would not acknowledge
//! an append is not ready, and is ready again by itself.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    sync::{Arc, atomic::Ordering},
    thread,
    time::Duration,
};

use tempfile::TempDir;
use tidu::{
    ledger::{AppendError, Ledger},
    limits::{PROBE_AGE_MAX, UNREADY_DURATION_MAX},
    log::CommitLog,
    operations::{Findings, Readiness, Replay, SCRATCH, probe},
    service::Phase,
};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};

use crate::support::{GatedLog, Hands, MemoryLog, commit, directory, list, open};

/// A ledger and its probes.
struct Probed {
    ledger: Arc<Ledger>,
    clock: Arc<Hands>,
    findings: Arc<Findings>,
    probing: JoinHandle<()>,
    dir: TempDir,
}

/// More looks than any answer of a thread takes.
const LOOKS_MAX: usize = 2_000_000;

impl Probed {
    fn over(log: Arc<dyn CommitLog>) -> Self {
        let (dir, clock) = (directory(), Arc::<Hands>::default());
        let ledger = Arc::new(open(log, Arc::clone(&clock), Arc::default()));
        let findings = Arc::<Findings>::default();
        let data_dir = dir.path().to_owned();
        let probing = tokio::spawn(probe(Arc::downgrade(&ledger), data_dir, Arc::clone(&findings)));
        Self { ledger, clock, findings, probing, dir }
    }

    fn readiness(&self) -> Readiness {
        self.findings.readiness(Phase::Serving, Replay::default(), Instant::now())
    }

    /// Looks until exactly these checks fail.
    async fn until(&self, expected: &[&str]) -> Readiness {
        for _ in 0..LOOKS_MAX {
            let readiness = self.readiness();
            let failing = readiness.checks.iter().filter(|check| !check.ok);
            if failing.map(|check| check.name).eq(expected.iter().copied()) {
                return readiness;
            }
            // The clock goes on by itself while only threads have something to do.
            thread::yield_now();
            sleep(Duration::from_millis(50)).await;
        }
        panic!("expected {expected:?} to fail: {:?}", self.readiness());
    }

    /// Begins an append, and does not wait for its answer.
    fn append(&self, seed: u64) -> JoinHandle<Result<u64, AppendError>> {
        let ledger = Arc::clone(&self.ledger);
        let events = list(seed, 1);
        tokio::spawn(async move { ledger.append(commit(events)).await.map(|receipt| receipt.next) })
    }
}

fn detail(readiness: &Readiness, check: &str) -> String {
    readiness.check(check).unwrap().detail.clone()
}

/// The age at which a check failed is the one that the promise of five seconds rests on.
#[track_caller]
fn assert_just_too_old(readiness: &Readiness, check: &str) {
    let detail = detail(readiness, check);
    let age = detail.split(' ').rev().nth(2).unwrap().parse().map(Duration::from_secs_f64).unwrap();
    assert!(PROBE_AGE_MAX <= age && age < UNREADY_DURATION_MAX, "{detail}");
}

#[tokio::test(start_paused = true)]
async fn probes_pass_every_part_and_record_nothing() {
    let log = MemoryLog::default();
    let probed = Probed::over(Arc::new(log.clone()));
    assert_eq!(
        detail(&probed.readiness(), "writer"),
        "a turn of the writer has not come through yet"
    );
    for _ in 0..5 {
        probed.until(&[]).await;
        sleep(2 * PROBE_AGE_MAX).await;
    }
    assert_eq!((log.size(), probed.ledger.durable().size), (0, 0));
    let scratch = fs::metadata(probed.dir.path().join(SCRATCH)).unwrap();
    assert_eq!(scratch.permissions().mode() & 0o777, 0o600);
    // They do not keep the ledger, and end with it.
    let Probed { ledger, probing, .. } = probed;
    assert_eq!(Arc::strong_count(&ledger), 1);
    drop(ledger);
    probing.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_flush_that_hangs_is_found_and_forgotten() {
    let log = Arc::new(GatedLog::default());
    let probed = Probed::over(Arc::clone(&log) as Arc<dyn CommitLog>);
    probed.until(&[]).await;
    let waits = probed.append(1);
    assert_just_too_old(&probed.until(&["writer"]).await, "writer");
    sleep(60 * PROBE_AGE_MAX).await;
    assert!(!probed.readiness().ready && !waits.is_finished());
    log.open_gate();
    probed.until(&[]).await;
    assert_eq!(waits.await.unwrap().unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_hangs_is_found_and_forgotten() {
    let probed = Probed::over(Arc::new(MemoryLog::default()));
    probed.until(&[]).await;
    // The writer needs the register for itself to take over what it decided.
    let held = probed.ledger.register();
    let waits = probed.append(1);
    assert_just_too_old(&probed.until(&["writer"]).await, "writer");
    assert!(!waits.is_finished());
    drop(held);
    probed.until(&[]).await;
    waits.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_runtime_that_is_blocked_is_found_and_forgotten() {
    // Nothing drives the runtime of the ledger, on which the publisher runs.
    let blocked = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (clock, findings) = (Arc::<Hands>::default(), Arc::<Findings>::default());
    let ledger = {
        let _entered = blocked.enter();
        Arc::new(open(Arc::new(MemoryLog::default()), Arc::clone(&clock), Arc::default()))
    };
    let dir = directory();
    let probing = probe(Arc::downgrade(&ledger), dir.path().to_owned(), Arc::clone(&findings));
    let probed = Probed { ledger, clock, findings, probing: tokio::spawn(probing), dir };
    sleep(10 * PROBE_AGE_MAX).await;
    probed.until(&["writer"]).await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let driving = thread::spawn(move || blocked.block_on(stopped));
    probed.until(&[]).await;
    drop(stop);
    driving.join().unwrap().unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn a_disk_without_room_is_found_and_forgotten() {
    let log = MemoryLog::default();
    let probed = Probed::over(Arc::new(log.clone()));
    probed.until(&[]).await;
    log.leave_room(Some(0));
    let low = probed.until(&["appends", "disk"]).await;
    assert!(detail(&low, "disk").contains("the disk of the log is low"), "{low:?}");
    assert!(matches!(probed.append(1).await.unwrap(), Err(AppendError::DiskLow(_))));
    log.leave_room(None);
    probed.until(&[]).await;
    probed.append(1).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_scratch_file_that_cannot_be_synced_is_found_and_forgotten() {
    let probed = Probed::over(Arc::new(MemoryLog::default()));
    probed.until(&[]).await;
    fs::remove_dir_all(probed.dir.path()).unwrap();
    let failed = probed.until(&["scratch_sync"]).await;
    let detail = detail(&failed, "scratch_sync");
    assert!(detail.contains(SCRATCH) && detail.contains("os error 2"), "{detail}");
    fs::create_dir(probed.dir.path()).unwrap();
    probed.until(&[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_is_found_and_forgotten() {
    let probed = Probed::over(Arc::new(MemoryLog::default()));
    probed.append(1).await.unwrap().unwrap();
    probed.until(&[]).await;
    let right = probed.clock.0.load(Ordering::Relaxed);
    probed.clock.0.store(right + 86_400_000_000, Ordering::Relaxed);
    let jumped = probed.until(&["appends"]).await;
    assert!(detail(&jumped, "appends").contains("clock jumped"), "{jumped:?}");
    assert!(matches!(probed.append(2).await.unwrap(), Err(AppendError::Clock(_))));
    // Looking at the clock has not made it right.
    sleep(10 * PROBE_AGE_MAX).await;
    assert!(matches!(probed.append(2).await.unwrap(), Err(AppendError::Clock(_))));
    probed.clock.0.store(right, Ordering::Relaxed);
    probed.until(&[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_ledger_that_refuses_for_good_is_not_ready() {
    let probed = Probed::over(Arc::new(MemoryLog::default()));
    probed.until(&[]).await;
    probed.ledger.serve_reads_only("it has failed 3 times".to_owned());
    let refused = probed.until(&["appends"]).await;
    assert!(detail(&refused, "appends").contains("failed 3 times"), "{refused:?}");

    let log = MemoryLog::default();
    let probed = Probed::over(Arc::new(log.clone()));
    probed.until(&[]).await;
    log.fail();
    assert!(matches!(probed.append(1).await.unwrap(), Err(AppendError::Unknown)));
    probed.until(&["appends", "writer"]).await;

    let probed = Probed::over(Arc::new(MemoryLog::default()));
    probed.until(&[]).await;
    let ledger = Arc::clone(&probed.ledger);
    assert!(tokio::task::spawn_blocking(move || ledger.close()).await.unwrap());
    let closed = probed.until(&["appends", "writer"]).await;
    assert!(detail(&closed, "appends").contains("shutting down"), "{closed:?}");
}
