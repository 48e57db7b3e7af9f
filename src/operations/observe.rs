//! Gauges that are read when somebody asks: of the process, the log and its disk, the writer's
//! queue and the cursors.
//!
//! A thread of its own reads them, because the disk may not answer: then a scrape gets the last
//! values. It walks over nothing that grows with the streams, the cursors or the log.

use std::{
    borrow::Cow,
    collections::HashMap,
    io,
    sync::{Arc, OnceLock, Weak, mpsc},
    thread,
    time::Duration,
};

use tokio::{sync::oneshot, time::timeout};

use super::process::Process;
use crate::{
    cursors::{Cursors, Lags, key},
    ledger::{FOLLOW_STATES, Ledger, Observed, Refusing, clock::Clock},
    limits::{CURSOR_AGES_READ_MAX, CURSORS_OBSERVED_MAX, OBSERVATION_WAIT_MAX},
    metrics::Metrics,
    trail::TrailState,
};

/// Reads the gauges of a server, on a thread that lives as long as this.
#[derive(Debug)]
pub struct Observer {
    ask: mpsc::SyncSender<oneshot::Sender<()>>,
    served: Arc<OnceLock<Served>>,
}

/// The parts that exist once the log is open. They may end before the observer.
#[derive(Debug)]
struct Served {
    ledger: Weak<Ledger>,
    cursors: Weak<Cursors>,
}

impl Observer {
    /// Starts the thread. `telemetry` reads what the log lines and traces count.
    ///
    /// # Errors
    /// If the system has no thread.
    pub fn start(
        metrics: Arc<Metrics>,
        clock: Arc<dyn Clock>,
        telemetry: fn(&Metrics),
    ) -> io::Result<Self> {
        // One observation waits while another runs. A third would see nothing new.
        let (ask, asked) = mpsc::sync_channel::<oneshot::Sender<()>>(1);
        let served = Arc::<OnceLock<Served>>::default();
        let mut observing = Observing {
            metrics,
            clock,
            telemetry,
            served: Arc::clone(&served),
            process: Process::default(),
            ages: Ages::default(),
        };
        let run = move || {
            while let Ok(done) = asked.recv() {
                observing.observe();
                // Whoever asked may have stopped waiting.
                let _ = done.send(());
            }
        };
        thread::Builder::new().name("tidu-observer".into()).spawn(run)?;
        Ok(Self { ask, served })
    }

    /// Observes the ledger and the cursors too, from now on.
    pub fn serve(&self, ledger: &Arc<Ledger>, cursors: &Arc<Cursors>) {
        let (ledger, cursors) = (Arc::downgrade(ledger), Arc::downgrade(cursors));
        // The first ones count.
        let _ = self.served.set(Served { ledger, cursors });
    }

    /// Reads the gauges now. Gives up after a moment, when the disk does not answer: then they keep
    /// their last values.
    pub async fn refresh(&self) {
        let (done, is_done) = oneshot::channel();
        if self.ask.try_send(done).is_ok() {
            let _ = timeout(OBSERVATION_WAIT_MAX, is_done).await;
        }
    }
}

/// The thread's own.
struct Observing {
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
    /// Reads what the log lines and traces count.
    telemetry: fn(&Metrics),
    served: Arc<OnceLock<Served>>,
    process: Process,
    ages: Ages,
}

impl Observing {
    fn observe(&mut self) {
        let now = u64::try_from(self.clock.now_micros()).unwrap_or(0);
        self.process.observe(&self.metrics, Duration::from_micros(now));
        (self.telemetry)(&self.metrics);
        let Some(Served { ledger, cursors }) = self.served.get() else { return };
        let (Some(ledger), Some(cursors)) = (ledger.upgrade(), cursors.upgrade()) else { return };
        let events = observe_ledger(&ledger, &self.metrics);
        let lags = cursors.lags(ledger.log_id(), events, CURSORS_OBSERVED_MAX);
        self.ages.update(&lags, events, |position| ledger.recorded_micros_now(position).ok());
        observe_cursors(&lags, events, &self.ages, ledger.now_micros(), &self.metrics);
    }
}

/// Gives the number of durable events.
fn observe_ledger(ledger: &Ledger, metrics: &Metrics) -> u64 {
    let Observed { events, unmarked_events, unmarked, queue_commits, queue_bytes, disk } =
        ledger.observe();
    metrics.log_events.set(events);
    metrics.mark_lag_events.set(unmarked_events);
    metrics.mark_age_seconds.set(if unmarked_events == 0 { Duration::ZERO } else { unmarked });
    metrics.queue_commits.set(queue_commits);
    metrics.queue_bytes.set(queue_bytes);
    if let Some(disk) = disk {
        metrics.log_disk_bytes.set(disk.used);
        metrics.disk_free_bytes.set(disk.free);
        metrics.disk_reserve_bytes.set(disk.reserve);
    }
    if let Some(trail) = ledger.trail() {
        let TrailState { lines, anchored, failing, unsynced, .. } = trail.state();
        metrics.audit_chain_lines.set(lines);
        metrics.audit_unanchored_lines.set(lines.saturating_sub(anchored));
        metrics.audit_sinks_failing.set(failing);
        metrics.audit_unsynced_seconds.set(unsynced);
    }
    if ledger.is_following() {
        let (lag, age) = ledger.lag();
        metrics.follow_lag_events.set(lag);
        metrics.follow_contact_age_seconds.set(age.unwrap_or_default());
        let now = ledger.contact().borrow().state.as_str();
        for state in FOLLOW_STATES {
            metrics.follow_state.with([state]).set((state == now).into());
        }
    }
    for cause in Refusing::ALL {
        metrics.appends_refused.with([cause.as_str()]).set(ledger.refuses(cause).into());
    }
    events
}

fn observe_cursors(lags: &Lags, events: u64, ages: &Ages, now_micros: i64, metrics: &Metrics) {
    metrics.cursors.set(lags.cursors);
    metrics.cursors_lag_events.set(u64::try_from(lags.events).unwrap_or(u64::MAX));
    let lag = |(position, id): &(u64, Arc<str>)| (Arc::clone(id), events.saturating_sub(*position));
    let behind: Vec<_> = lags.slowest.iter().map(lag).collect();
    let seconds = behind.iter().filter_map(|(id, lag)| {
        let micros = if *lag == 0 { 0 } else { now_micros.saturating_sub(ages.first_micros(id)?) };
        Some((named(id), Duration::from_micros(u64::try_from(micros).unwrap_or(0))))
    });
    let seconds: Vec<_> = seconds.collect();
    let seconds = seconds.iter().map(|(id, age)| ([&**id], *age));
    metrics.cursor_lag_seconds.replace(seconds);
    let behind: Vec<_> = behind.iter().map(|(id, lag)| (named(id), *lag)).collect();
    metrics.cursor_lag_events.replace(behind.iter().map(|(id, lag)| ([&**id], *lag)));
}

/// A cursor in a label: with its owner, if it has one.
fn named(key: &str) -> Cow<'_, str> {
    match key::owner_of(key) {
        Some(owner) => Cow::Owned(format!("{owner}/{}", key::id_of(key))),
        None => Cow::Borrowed(key),
    }
}

/// When the first event was recorded that each of the slowest cursors has still to confirm.
///
/// It is in the log. A cursor that does not move costs no second look; of those that move, a few
/// get a look each time, in turn. The others keep an older time, of a place that they have passed.
#[derive(Debug, Default)]
struct Ages {
    known: HashMap<Arc<str>, Age>,
    /// Observations so far.
    round: u64,
}

#[derive(Clone, Copy, Debug)]
struct Age {
    position: u64,
    recorded_micros: i64,
    round: u64,
}

impl Ages {
    fn update(&mut self, lags: &Lags, events: u64, recorded: impl Fn(u64) -> Option<i64>) {
        self.round += 1;
        let behind: HashMap<&str, u64> = lags
            .slowest
            .iter()
            .filter(|(position, _)| *position < events)
            .map(|(position, id)| (&**id, *position))
            .collect();
        self.known.retain(|id, _| behind.contains_key(&**id));
        let is_new = |(position, id): &&(u64, Arc<str>)| {
            let known = self.known.get(id).map(|age| age.position);
            *position < events && known != Some(*position)
        };
        let mut moved: Vec<_> = lags.slowest.iter().filter(is_new).collect();
        moved.sort_by_key(|(_, id)| self.known.get(id).map(|age| age.round));
        for (position, id) in moved.into_iter().take(CURSOR_AGES_READ_MAX) {
            let (position, round) = (*position, self.round);
            if let Some(recorded_micros) = recorded(position) {
                self.known.insert(Arc::clone(id), Age { position, recorded_micros, round });
            }
        }
    }

    fn first_micros(&self, id: &str) -> Option<i64> {
        self.known.get(id).map(|age| age.recorded_micros)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn lags(positions: impl IntoIterator<Item = u64>) -> Lags {
        let named = |(number, position)| (position, Arc::from(format!("cursor-{number}")));
        let slowest: Vec<_> = positions.into_iter().enumerate().map(named).collect();
        Lags { cursors: slowest.len() as u64, events: 0, slowest }
    }

    #[test]
    fn a_cursor_that_rests_is_looked_up_once() {
        let (mut ages, looks) = (Ages::default(), RefCell::new(Vec::new()));
        let recorded = |position: u64| {
            looks.borrow_mut().push(position);
            i64::try_from(position).ok()
        };
        ages.update(&lags([3, 5, 9]), 9, recorded);
        ages.update(&lags([3, 6, 9]), 9, recorded);
        assert_eq!(*looks.borrow(), [3, 5, 6], "the third is at the end");
        assert_eq!(ages.first_micros("cursor-0"), Some(3));
        assert_eq!(ages.first_micros("cursor-1"), Some(6));
        assert_eq!(ages.first_micros("cursor-2"), None);
        ages.update(&lags([]), 9, recorded);
        assert!(ages.known.is_empty(), "a cursor that is gone is forgotten");
    }

    #[test]
    fn cursors_that_move_get_their_look_in_turn() {
        let mut ages = Ages::default();
        let all = 2 * CURSOR_AGES_READ_MAX as u64 + 1;
        for round in 0..3 {
            let looks = RefCell::new(0);
            let recorded = |position: u64| {
                *looks.borrow_mut() += 1;
                i64::try_from(position).ok()
            };
            ages.update(&lags((0..all).map(|at| at + 1_000 * round)), u64::MAX, recorded);
            assert_eq!(*looks.borrow(), CURSOR_AGES_READ_MAX);
        }
        assert_eq!(ages.known.len() as u64, all, "each had one");
    }
}
