//! The flusher: the one thread that makes groups durable, one after the other, and then publishes
//! them.
//!
//! After a failed or overdue append it acknowledges nothing: the outcome is unknown, and the
//! process ends. Two companion threads help: one writes the high-water mark, one ends the process
//! if an append does not return.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering, mpsc as sync_mpsc},
    thread::{self, JoinHandle},
};

use tokio::sync::mpsc;

use super::{
    Durable, Shared,
    group::{GroupCommit, SealedGroup},
    publish::Published,
};
use crate::{
    limits::{FLUSH_DURATION_MAX, MARK_INTERVAL, WATCHDOG_INTERVAL},
    log::{Appended, Group, LogError},
};

/// Starts the flusher and its companions. They end when no more groups come.
pub(super) fn start(
    shared: &Arc<Shared>,
    groups: &Arc<GroupCommit>,
    publish: mpsc::UnboundedSender<Published>,
) -> io::Result<Vec<JoinHandle<()>>> {
    let (stop_mark, mark_stops) = sync_mpsc::channel();
    let (stop_watch, watch_stops) = sync_mpsc::channel();
    let (for_run, for_mark, for_watch) =
        (Arc::clone(shared), Arc::clone(shared), Arc::clone(shared));
    let groups = Arc::clone(groups);
    let run = move || {
        let flush = || flush_all(&for_run, &groups, &publish);
        let flushed = catch_unwind(AssertUnwindSafe(flush));
        if let Err(why) = flushed.unwrap_or_else(|_| Err("the flusher panicked".to_owned())) {
            groups.abandon();
            for_run.fail(&why);
        }
        // The companions end when their channels close.
        drop((stop_mark, stop_watch));
    };
    Ok(vec![
        thread::Builder::new().name("tidu-flusher".into()).spawn(run)?,
        thread::Builder::new()
            .name("tidu-mark".into())
            .spawn(move || keep_mark(&for_mark, &mark_stops))?,
        thread::Builder::new()
            .name("tidu-watchdog".into())
            .spawn(move || watch_appends(&for_watch, &watch_stops))?,
    ])
}

/// Flushes group after group until no more come.
///
/// # Errors
/// The reason why the ledger failed. Callers of the group that failed get no answer.
fn flush_all(
    shared: &Shared,
    groups: &GroupCommit,
    publish: &mpsc::UnboundedSender<Published>,
) -> Result<(), String> {
    while let Some(SealedGroup { group, durable, answers }) = groups.take() {
        make_durable(shared, group, durable).map_err(|error| error.to_string())?;
        if shared.failed.load(Ordering::SeqCst) {
            return Err("the ledger has failed, and the process ends".to_owned());
        }
        let published = Published { durable, answers };
        publish.send(published).map_err(|_| "the runtime is gone".to_owned())?;
    }
    Ok(())
}

/// Makes a group durable, and only then visible.
fn make_durable(shared: &Shared, group: Group, durable: Durable) -> Result<(), LogError> {
    if group.chunks.is_empty() {
        return Ok(());
    }
    let base = shared.written.lock().size;
    shared.append_began.store(milliseconds(shared), Ordering::Release);
    let appended = shared.log.append(base, &group)?;
    shared.append_began.store(0, Ordering::Release);
    if appended != Appended::Durable(durable.size) {
        // Only a replicated log is moved by others; this one has a single writer.
        return Err(LogError::damaged(base, "another writer has moved the log on"));
    }
    shared.tail.push(group.chunks);
    *shared.written.lock() = durable;
    Ok(())
}

/// Writes the high-water mark once a second while it moves, and exactly at the end.
fn keep_mark(shared: &Shared, stops: &sync_mpsc::Receiver<()>) {
    let mut noted = 0;
    loop {
        let ends = stops.recv_timeout(MARK_INTERVAL) != Err(sync_mpsc::RecvTimeoutError::Timeout);
        let Durable { size, root, .. } = *shared.written.lock();
        if size > noted {
            if let Err(error) = shared.log.mark(size, root) {
                return shared.fail(&error.to_string());
            }
            noted = size;
        }
        if ends {
            return;
        }
    }
}

/// Ends the process if an append does not return in time.
fn watch_appends(shared: &Shared, stops: &sync_mpsc::Receiver<()>) {
    while stops.recv_timeout(WATCHDOG_INTERVAL) == Err(sync_mpsc::RecvTimeoutError::Timeout) {
        let began = shared.append_began.load(Ordering::Acquire);
        let now = milliseconds(shared);
        let limit = u64::try_from(FLUSH_DURATION_MAX.as_millis()).unwrap_or(u64::MAX);
        if began != 0 && now.saturating_sub(began) > limit {
            shared.fail("a flush of the log did not return in time");
            return;
        }
    }
}

fn milliseconds(shared: &Shared) -> u64 {
    u64::try_from(shared.clock.monotonic().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
}
