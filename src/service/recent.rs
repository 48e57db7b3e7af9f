//! The work of the last minute: two counters, noted every few seconds.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::{
    ledger::Ledger,
    limits::{RECENT_NOTE_INTERVAL, RECENT_NOTES_MAX},
};

/// Events recorded and calls ended so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    events: u64,
    calls: u64,
}

/// What was done in a stretch of time that ends now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Work {
    pub(super) window: Duration,
    pub(super) events: u64,
    pub(super) calls: u64,
}

type Read = Box<dyn Fn() -> Counts + Send + Sync>;

/// The notes of about a minute.
pub(super) struct Recent {
    notes: Mutex<VecDeque<(Instant, Counts)>>,
    read: Read,
}

impl Recent {
    /// Notes what the ledger records and the calls that end, until the server drains.
    pub(super) fn begin(ledger: &Ledger, drain: CancellationToken) -> Arc<Self> {
        // Not the ledger itself, which would be open for as long.
        let (durable, calls) = (ledger.watch(), ledger.metrics().calls_total.clone());
        let counts = move || Counts { events: durable.borrow().size, calls: calls.total() };
        let recent = Self::new(Box::new(counts));
        tokio::spawn(Arc::clone(&recent).keep(drain));
        recent
    }

    fn new(read: Read) -> Arc<Self> {
        let first = (Instant::now(), read());
        Arc::new(Self { notes: Mutex::new(VecDeque::from([first])), read })
    }

    /// The work since the oldest note.
    pub(super) fn work(&self) -> Work {
        let (now, counts) = (Instant::now(), (self.read)());
        let (at, before) = self.notes.lock().front().copied().unwrap_or((now, counts));
        Work {
            window: now.saturating_duration_since(at),
            events: counts.events.saturating_sub(before.events),
            calls: counts.calls.saturating_sub(before.calls),
        }
    }

    fn note(&self) {
        let note = (Instant::now(), (self.read)());
        let mut notes = self.notes.lock();
        notes.push_back(note);
        if notes.len() > RECENT_NOTES_MAX {
            notes.pop_front();
        }
    }

    async fn keep(self: Arc<Self>, drain: CancellationToken) {
        let mut ticks = interval(RECENT_NOTE_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick is now, and that note is there.
        ticks.tick().await;
        while drain.run_until_cancelled(ticks.tick()).await.is_some() {
            self.note();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn work_counts_for_about_a_minute() {
        let counts = Arc::new(Mutex::new(Counts { events: 100, calls: 50 }));
        let read = Arc::clone(&counts);
        let recent = Recent::new(Box::new(move || *read.lock()));
        let drain = CancellationToken::new();
        let keeping = tokio::spawn(Arc::clone(&recent).keep(drain.clone()));
        tokio::task::yield_now().await;
        assert_eq!(recent.work(), Work { window: Duration::ZERO, events: 0, calls: 0 });
        *counts.lock() = Counts { events: 107, calls: 52 };
        for passed in [1, 58] {
            tokio::time::sleep(Duration::from_secs(passed)).await;
            let work = recent.work();
            assert_eq!((work.events, work.calls), (7, 2));
        }
        assert_eq!(recent.work().window, Duration::from_secs(59));
        tokio::time::sleep(Duration::from_secs(10)).await;
        let later = recent.work();
        assert_eq!((later.events, later.calls), (0, 0), "it is longer ago");
        let minute = Duration::from_secs(55)..=Duration::from_secs(65);
        assert!(minute.contains(&later.window), "{later:?}");
        drain.cancel();
        keeping.await.unwrap();
    }
}
