//! How far a start is, for whoever waits for it: a log line and the service manager.
//!
//! It reads two gauges. It never waits for the replay.

use std::{fmt, time::Duration};

use tokio::time::Instant;

use crate::metrics::Metrics;

/// How far a replay is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    /// Events that are replayed.
    pub(super) replayed: u64,
    /// Events of the log; 0 until it is open.
    pub(super) events: u64,
    /// Events replayed in a second, since the first look at the replay; 0 if that is not known yet.
    pub(super) rate: u64,
}

/// Looks at a start now and then.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// The first look at a log that was open: its moment, and what was replayed then.
    first: Option<(Instant, u64)>,
}

impl Meter {
    /// How far the start is now.
    pub(super) fn look(&mut self, metrics: &Metrics, now: Instant) -> Progress {
        let (replayed, events) = (metrics.replayed_events.get(), metrics.replay_events.get());
        if events == 0 {
            return Progress { replayed, events, rate: 0 };
        }
        let (began, before) = *self.first.get_or_insert((now, replayed));
        let (passed, done) = (now.saturating_duration_since(began), replayed - before);
        let rate = u128::from(done) * 1_000 / passed.as_millis().max(1);
        Progress { replayed, events, rate: u64::try_from(rate).unwrap_or(u64::MAX) }
    }
}

impl Progress {
    /// The time that the rest takes at this rate, if the rate is known.
    pub(super) fn remaining(&self) -> Option<Duration> {
        let left = self.events.saturating_sub(self.replayed);
        Some(Duration::from_secs(left.div_ceil(Some(self.rate).filter(|rate| *rate > 0)?)))
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { replayed, events, rate } = self;
        if *events == 0 {
            return f.write_str("opening the log");
        }
        write!(f, "replaying the log: {replayed} of {events} events")?;
        match self.remaining() {
            Some(left) => write!(f, ", {rate} events/s, {} s left", left.as_secs()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_start_is_told_with_its_rate_and_the_time_that_is_left() {
        let (metrics, mut meter, began) = (Metrics::new(), Meter::default(), Instant::now());
        let mut at = |seconds, replayed, events| {
            metrics.replayed_events.set(replayed);
            metrics.replay_events.set(events);
            meter.look(&metrics, began + Duration::from_secs(seconds)).to_string()
        };
        assert_eq!(at(0, 0, 0), "opening the log");
        assert_eq!(at(9, 100, 10_000), "replaying the log: 100 of 10000 events");
        let expected = "replaying the log: 4100 of 10000 events, 2000 events/s, 3 s left";
        assert_eq!(at(11, 4_100, 10_000), expected);
        let expected = "replaying the log: 10000 of 10000 events, 3300 events/s, 0 s left";
        assert_eq!(at(12, 10_000, 10_000), expected);
    }
}
