//! Time, as an argument. Recorded time never decreases. A clock that jumps stops appends, because a
//! wrong time could never be taken out of the log.

use std::{sync::Arc, time::Duration};

use crate::limits::{CLOCK_AHEAD_MAX, CLOCK_BEHIND_MAX};

/// A source of time.
pub trait Clock: Send + Sync {
    /// Microseconds since 1970 by the machine's clock; may jump.
    fn now_micros(&self) -> i64;

    /// Time since some fixed moment; never jumps.
    fn monotonic(&self) -> Duration;
}

/// Gives each commit its recorded time.
pub(super) struct RecordedTime {
    clock: Arc<dyn Clock>,
    /// The last trusted reading: wall and monotonic, in microseconds.
    trusted: Option<(i64, i64)>,
}

impl RecordedTime {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, trusted: None }
    }

    /// The recorded time of the commit after one recorded at `last`, in microseconds since 1970.
    pub(super) fn next(&mut self, last: Option<i64>) -> Result<i64, String> {
        let (wall, monotonic) = self.check(last)?;
        self.trusted = Some((wall, monotonic));
        Ok(last.map_or(wall, |last| last.max(wall)))
    }

    /// Reads the clocks, which a commit after one recorded at `last` may trust. Nothing changes:
    /// readings that belong to no commit do not count.
    pub(super) fn check(&self, last: Option<i64>) -> Result<(i64, i64), String> {
        let last = last.unwrap_or(i64::MIN);
        let wall = self.clock.now_micros();
        let monotonic = micros(self.clock.monotonic());
        if let Some((then, at)) = self.trusted {
            let expected = then.saturating_add(monotonic.saturating_sub(at));
            if wall.saturating_sub(expected) > micros(CLOCK_AHEAD_MAX) {
                let ahead = wall.saturating_sub(expected) / 1_000_000;
                return Err(format!("the server's clock jumped {ahead} s ahead; set it right"));
            }
        }
        if last.saturating_sub(wall) > micros(CLOCK_BEHIND_MAX) {
            let behind = last.saturating_sub(wall) / 1_000_000;
            return Err(format!(
                "the server's clock is {behind} s behind the last recorded time; set it right"
            ));
        }
        Ok((wall, monotonic))
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::*;

    #[derive(Default)]
    struct ManualClock(Mutex<(i64, u64)>);

    impl Clock for ManualClock {
        fn now_micros(&self) -> i64 {
            self.0.lock().0
        }
        fn monotonic(&self) -> Duration {
            Duration::from_secs(self.0.lock().1)
        }
    }

    #[test]
    fn recorded_time_never_decreases_and_jumps_stop_it() {
        const SECOND: i64 = 1_000_000;
        let manual = Arc::new(ManualClock::default());
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&manual);
        let (mut time, mut last) = (RecordedTime::new(clock), 1_000 * SECOND);
        let mut at = |wall: i64, monotonic: u64| {
            *manual.0.lock() = (wall * SECOND, monotonic);
            last = time.next(Some(last))?;
            Ok::<_, String>(last / SECOND)
        };
        assert!(at(900, 0).unwrap_err().contains("100 s behind"));
        assert_eq!(at(950, 0).unwrap(), 1_000);
        assert_eq!(at(1_200, 250).unwrap(), 1_200);
        assert_eq!(at(1_190, 260).unwrap(), 1_200, "a small step back is held");
        assert!(at(9_000, 270).unwrap_err().contains("ahead"));
        assert!(at(9_001, 271).is_err(), "it stays stopped");
        assert_eq!(at(1_202, 272).unwrap(), 1_202, "until the clock is right again");
        assert_eq!(at(9_002, 8_072).unwrap(), 9_002, "a long silence is not a jump");
        // A look at the clock makes no later one right.
        *manual.0.lock() = (99_000 * SECOND, 8_073);
        for _ in 0..2 {
            assert!(time.check(Some(9_002 * SECOND)).unwrap_err().contains("ahead"));
        }
        *manual.0.lock() = (9_003 * SECOND, 8_073);
        assert!(time.check(Some(9_002 * SECOND)).is_ok());
    }
}
