//! When snapshots are written: in the background as the log grows, and at a drain.
//!
//! One is due when the log has grown since the last one by as many events as the setting says, and
//! by a share of its size: so their cost stays a share of the log's own. After a failure the next
//! one waits.

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{
    SnapshotSettings,
    save::{NotSaved, Saved, Written, save},
};
use crate::{
    ledger::Shared,
    limits::{
        SNAPSHOT_DRAIN_SHARE, SNAPSHOT_INTERVAL, SNAPSHOT_PAUSE_MAX, SNAPSHOT_RETRY_INTERVAL,
        SNAPSHOT_SHARE,
    },
};

/// The thread that writes snapshots, and what a drain needs to write the last one.
#[derive(Debug)]
pub(in crate::ledger) struct Keeper {
    kept: Arc<Kept>,
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Kept {
    settings: SnapshotSettings,
    /// Events in the last snapshot; 0 if there is none.
    last: AtomicU64,
}

/// Starts the thread. `last` is the size of the snapshot that is there.
pub(in crate::ledger) fn start(
    shared: &Arc<Shared>,
    settings: SnapshotSettings,
    last: u64,
) -> io::Result<Keeper> {
    let kept = Arc::new(Kept { settings, last: AtomicU64::new(last) });
    let (stop, stops) = mpsc::channel();
    let (of_thread, shared) = (Arc::clone(&kept), Arc::clone(shared));
    let run = move || of_thread.run(&shared, &stops);
    let thread = thread::Builder::new().name("tidu-snapshot".into()).spawn(run)?;
    Ok(Keeper { kept, stop: Some(stop), thread: Some(thread) })
}

impl Keeper {
    /// Ends the thread. A snapshot that is being written is given up.
    pub(in crate::ledger) fn stop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A panic there leaves no snapshot, which nobody needs.
            let _ = thread.join();
        }
    }

    /// Writes the last snapshot, if one is due and there is time. The writer has finished.
    pub(in crate::ledger) fn save_last(&self, shared: &Shared, within: Duration) {
        let end = shared.clock.monotonic().saturating_add(within);
        let mut pace = |_| {
            let is_in_time = shared.clock.monotonic() < end;
            if is_in_time { Ok(()) } else { Err(NotSaved::Stopped) }
        };
        let written = shared.written.lock().clone();
        if !self.kept.is_due(written.durable.size, SNAPSHOT_DRAIN_SHARE) {
            return;
        }
        let size = written.durable.size;
        let mut marked = || {
            let is_marked = shared.marked.size() >= size;
            if is_marked { Ok(()) } else { Err(NotSaved::Stopped) }
        };
        self.kept.save(shared, &written, &mut pace, &mut marked);
    }
}

impl Kept {
    fn run(&self, shared: &Shared, stops: &mpsc::Receiver<()>) {
        let mut wait = SNAPSHOT_INTERVAL;
        while stops.recv_timeout(wait) == Err(mpsc::RecvTimeoutError::Timeout) {
            wait = SNAPSHOT_INTERVAL;
            let written = shared.written.lock().clone();
            if !self.is_due(written.durable.size, SNAPSHOT_SHARE) {
                continue;
            }
            let size = written.durable.size;
            // As long as a slice took: one thread of questions may run beside it.
            let mut pace = |took: Duration| sleep(stops, took.min(SNAPSHOT_PAUSE_MAX));
            let mut marked = || {
                while shared.marked.size() < size {
                    sleep(stops, SNAPSHOT_PAUSE_MAX)?;
                }
                Ok(())
            };
            if !self.save(shared, &written, &mut pace, &mut marked) {
                wait = SNAPSHOT_RETRY_INTERVAL;
            }
        }
    }

    /// True if the log has grown enough to this size since the last snapshot.
    fn is_due(&self, size: u64, share: u64) -> bool {
        let grown = size.saturating_sub(self.last.load(Ordering::Relaxed));
        grown >= self.settings.events.max(size / share)
    }

    /// Writes a snapshot, and says once what became of it.
    fn save(
        &self,
        shared: &Shared,
        written: &Written,
        pace: &mut dyn FnMut(Duration) -> Result<(), NotSaved>,
        marked: &mut dyn FnMut() -> Result<(), NotSaved>,
    ) -> bool {
        let (began, path, size) =
            (shared.clock.monotonic(), &self.settings.path, written.durable.size);
        let metrics = &shared.metrics;
        match save(shared, path, written, pace, marked) {
            Ok(Saved { bytes }) => {
                self.last.store(size, Ordering::Relaxed);
                let took = shared.clock.monotonic().saturating_sub(began);
                metrics.register_snapshot_events.set(size);
                metrics.register_snapshot_bytes.set(bytes);
                let now = u64::try_from(shared.clock.now_micros()).unwrap_or_default();
                metrics.register_snapshot_timestamp_seconds.set(Duration::from_micros(now));
                metrics.register_snapshot_duration_seconds.set(took);
                let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
                tracing::info!(events = size, bytes, duration_ms, "a snapshot of the register");
                true
            }
            Err(NotSaved::Stopped) => {
                tracing::info!(events = size, "no snapshot of the register: no time was left");
                false
            }
            Err(why) => {
                metrics.register_snapshot_failures_total.add(1);
                warn(path, &why);
                false
            }
        }
    }
}

fn warn(path: &Path, why: &NotSaved) {
    let path = path.display();
    tracing::warn!(%path, %why, "no snapshot of the register; the next start replays more");
}

/// Waits so long, unless the ledger ends.
fn sleep(stops: &mpsc::Receiver<()>, length: Duration) -> Result<(), NotSaved> {
    match stops.recv_timeout(length) {
        Err(mpsc::RecvTimeoutError::Timeout) => Ok(()),
        Ok(()) | Err(mpsc::RecvTimeoutError::Disconnected) => Err(NotSaved::Stopped),
    }
}
