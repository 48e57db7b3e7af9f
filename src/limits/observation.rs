//! What a look at the gauges may cost: see `operations/observe.rs`.

use std::time::Duration;

/// Longest wait for the gauges of a scrape. Past it they keep their last values: the disk hangs.
pub const OBSERVATION_WAIT_MAX: Duration = Duration::from_millis(500);
/// Most cursors that a scrape names: those that are farthest behind.
pub const CURSORS_OBSERVED_MAX: usize = 100;
/// Most events that a scrape looks up for the ages of their lags. Each takes some 20 microseconds
/// from the cache of the store, so all take less than a millisecond of a scrape a second.
pub const CURSOR_AGES_READ_MAX: usize = 32;
/// Most bytes of the line in which the system describes the process: about 50 numbers.
pub const PROCESS_STAT_BYTES_MAX: usize = 4_096;
/// Observations after which open files are counted one by one again. Ten thousand take some ten
/// milliseconds, on systems that do not tell their number.
pub const PROCESS_FDS_PAUSE: u32 = 30;

const _: () = {
    assert!(CURSOR_AGES_READ_MAX <= CURSORS_OBSERVED_MAX);
};
