//! The machine's clocks. No other file of the server reads them.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::ledger::clock::Clock;

/// The machine's clocks.
pub(super) struct SystemClock {
    began: Instant,
}

#[allow(clippy::disallowed_methods)] // the one place that reads the clocks
impl SystemClock {
    pub(super) fn new() -> Self {
        Self { began: Instant::now() }
    }
}

#[allow(clippy::disallowed_methods)] // as above
impl Clock for SystemClock {
    fn now_micros(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    }

    fn monotonic(&self) -> Duration {
        self.began.elapsed()
    }
}
