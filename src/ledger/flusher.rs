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
    time::Duration,
};

use tokio::sync::mpsc;

use super::{
    Durable, Failure, Receipt, Shared,
    applier::PendingOutcome,
    group::{GroupCommit, SealedGroup},
    publish::{PendingReply, Published},
};
use crate::{
    limits::{FLUSH_DURATION_MAX, MARK_INTERVAL, SLOW_FLUSH, WATCHDOG_INTERVAL},
    log::{Appended, Group, LogError},
    merkle::Frontier,
    metrics::Metrics,
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
        if let Err(why) = flushed.unwrap_or_else(|_| Err("the flusher panicked".into())) {
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
) -> Result<(), Failure> {
    while let Some(sealed) = groups.take() {
        let SealedGroup { group, durable, frontier, answers, proofs, outcomes } = sealed;
        make_durable(shared, group, durable, frontier).map_err(|error| Failure::of(&error))?;
        if shared.failed.load(Ordering::SeqCst) {
            return Err("the ledger has failed, and the process ends".into());
        }
        count(&shared.metrics, &answers);
        count_applied(&shared.metrics, &outcomes);
        let published = Published { durable, answers, proofs, outcomes };
        publish.send(published).map_err(|_| "the runtime is gone")?;
    }
    Ok(())
}

/// Makes a group durable, and only then visible.
fn make_durable(
    shared: &Shared,
    group: Group,
    durable: Durable,
    frontier: Frontier,
) -> Result<(), LogError> {
    if group.chunks.is_empty() {
        return Ok(());
    }
    let base = shared.written.lock().durable.size;
    let began = shared.clock.monotonic();
    shared.append_began.store(milliseconds(began), Ordering::Release);
    let appended = shared.log.append(base, &group)?;
    shared.append_began.store(0, Ordering::Release);
    let took = shared.clock.monotonic().saturating_sub(began);
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    if is_slow(duration_ms) {
        let events = durable.size.saturating_sub(base);
        tracing::warn!(duration_ms, events, "a flush was slow");
    }
    if appended != Appended::Durable(durable.size) {
        // Only a replicated log is moved by others; this one has a single writer.
        return Err(LogError::damaged(base, "another writer has moved the log on"));
    }
    let bytes = measure(&shared.metrics, &group, durable.size - base, took);
    shared.tail.push(group.chunks);
    let mut written = shared.written.lock();
    (written.durable, written.frontier) = (durable, frontier);
    written.stored_bytes += bytes;
    Ok(())
}

/// Counts the commits of a group that is durable, before their callers learn of it.
fn count(metrics: &Metrics, answers: &[PendingReply]) {
    let (mut commits, mut events, mut replays) = (0, 0, 0);
    for (_, answer) in answers {
        match answer {
            Ok(Receipt { replayed: true, .. }) => replays += 1,
            Ok(Receipt { first, next, .. }) => {
                commits += 1;
                events += next - first;
            }
            Err(_) => {}
        }
    }
    metrics.replays_total.add(replays);
    if commits > 0 {
        metrics.group_commits.observe(commits);
        metrics.commits_total.add(commits);
        metrics.events_total.add(events);
    }
}

/// The same for leaves from outside.
fn count_applied(metrics: &Metrics, outcomes: &[PendingOutcome]) {
    for applied in outcomes.iter().filter_map(|(_, outcome)| outcome.as_ref().ok()) {
        metrics.commits_total.add(applied.commits);
        metrics.events_total.add(applied.events);
    }
}

/// Measures a group that has become durable; gives its bytes.
fn measure(metrics: &Metrics, group: &Group, events: u64, took: Duration) -> u64 {
    let bytes = group.chunks.iter().map(|chunk| chunk.bytes().len() as u64).sum();
    metrics.flush_duration_seconds.observe(took);
    metrics.group_events.observe(events);
    metrics.group_bytes.observe(bytes);
    metrics.log_stored_bytes.add(bytes);
    bytes
}

/// Writes the high-water mark once a second while it moves, and exactly at the end.
///
/// A full disk is no reason to end: the mark only lags behind, and its other slot is valid. It is
/// written again, whole, at the next turn.
fn keep_mark(shared: &Shared, stops: &sync_mpsc::Receiver<()>) {
    let (mut noted, mut is_full) = (0, false);
    loop {
        let ends = stops.recv_timeout(MARK_INTERVAL) != Err(sync_mpsc::RecvTimeoutError::Timeout);
        let Durable { size, root, .. } = shared.written.lock().durable;
        if size > noted {
            match shared.log.mark(size, root) {
                Ok(()) => (noted, is_full) = (size, false),
                Err(error) if error.is_disk_full() => {
                    if !std::mem::replace(&mut is_full, true) {
                        tracing::warn!(%error, "the high-water mark lags until the disk has room");
                    }
                }
                Err(error) => return shared.fail(&Failure::of(&error)),
            }
        }
        if noted >= size {
            shared.marked.note(size, shared.clock.monotonic());
        }
        if ends {
            return;
        }
    }
}

fn is_slow(duration_ms: u64) -> bool {
    u128::from(duration_ms) >= SLOW_FLUSH.as_millis()
}

/// Ends the process if an append stops getting on. Tells once of one that is slow: it may hang.
fn watch_appends(shared: &Shared, stops: &sync_mpsc::Receiver<()>) {
    let (mut watchdog, mut told) = (Watchdog::default(), 0);
    while stops.recv_timeout(WATCHDOG_INTERVAL) == Err(sync_mpsc::RecvTimeoutError::Timeout) {
        let began = shared.append_began.load(Ordering::Acquire);
        let now = milliseconds(shared.clock.monotonic());
        if began != 0 && began != told && is_slow(now.saturating_sub(began)) {
            told = began;
            tracing::warn!(
                duration_ms = now.saturating_sub(began),
                "a flush is slow and has not ended; appends wait for it"
            );
        }
        if watchdog.is_overdue(began, shared.log.progress(), now) {
            shared.fail(&"a flush of the log did not return in time".into());
            return;
        }
    }
}

/// Times the syncs of an append, each by itself. A large commit on a slow disk takes many, and each
/// may take [`FLUSH_DURATION_MAX`].
#[derive(Debug, Default)]
struct Watchdog {
    /// The append that was seen last, by its start, and how far it had got.
    seen: (u64, u64),
    /// Milliseconds at which it was first seen to be that far.
    since: u64,
}

impl Watchdog {
    /// True if the append that began at `began` (0: none runs) has been as far as `progress` for
    /// too long. Times are in milliseconds.
    fn is_overdue(&mut self, began: u64, progress: u64, now: u64) -> bool {
        if self.seen != (began, progress) {
            let is_new = self.seen.0 != began;
            self.since = if is_new { began } else { now };
            self.seen = (began, progress);
        }
        let limit = u64::try_from(FLUSH_DURATION_MAX.as_millis()).unwrap_or(u64::MAX);
        began != 0 && now.saturating_sub(self.since) > limit
    }
}

fn milliseconds(monotonic: Duration) -> u64 {
    u64::try_from(monotonic.as_millis()).unwrap_or(u64::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: u64 = FLUSH_DURATION_MAX.as_secs() * 1_000;

    /// The watchdog looks every half second at an append whose syncs take so many milliseconds.
    fn ends_within(syncs: u64, each: u64) -> bool {
        let (mut watchdog, began) = (Watchdog::default(), 1_001);
        (began..=began + syncs * each).step_by(500).any(|now| {
            let progress = 7 + (now - began) / each;
            watchdog.is_overdue(began, progress, now)
        })
    }

    #[test]
    fn a_flush_is_slow_from_its_threshold_on() {
        let threshold = u64::try_from(SLOW_FLUSH.as_millis()).unwrap();
        assert!(is_slow(threshold) && !is_slow(threshold - 1));
    }

    #[test]
    fn each_sync_is_timed_by_itself() {
        assert!(!ends_within(28, 1_200), "a commit of 13.7 MB on a slow disk");
        assert!(!ends_within(200, LIMIT - 1_000), "however many there are");
        assert!(!ends_within(1, LIMIT), "at the limit");
        assert!(ends_within(1, LIMIT + 1_000), "past it");
        assert!(ends_within(3, LIMIT + 1_000));
    }

    #[test]
    fn an_append_begins_anew_and_a_rest_is_not_overdue() {
        let mut watchdog = Watchdog::default();
        for now in [1, LIMIT, 5 * LIMIT] {
            assert!(!watchdog.is_overdue(0, 3, now), "nothing runs");
        }
        let began = 5 * LIMIT;
        assert!(!watchdog.is_overdue(began, 3, began + LIMIT));
        assert!(watchdog.is_overdue(began, 3, began + LIMIT + 1));
        // The next append is as far as the last, and is a new one all the same.
        let began = began + 2 * LIMIT;
        assert!(!watchdog.is_overdue(began, 3, began + LIMIT));
        assert!(watchdog.is_overdue(began, 3, began + LIMIT + 1));
    }
}
