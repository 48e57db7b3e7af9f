//! Bounds of `tidu doctor`: how long it looks, and from where on it warns; and of `tidu status`.

use std::time::Duration;

use super::FLUSH_DURATION_MAX;

/// Syncs of a scratch file that are timed: enough for a 99th percentile.
pub const DOCTOR_SYNCS: usize = 100;
/// Bytes that are written before each of them: a block of the file system.
pub const DOCTOR_SYNC_BYTES: usize = 4 * 1024;
/// No further sync begins after this time, so that a slow disk does not hold the doctor up.
pub const DOCTOR_SYNCS_DURATION_MAX: Duration = Duration::from_secs(10);
/// A 99th percentile from which on callers notice: a commit waits for one sync or two.
pub const DOCTOR_SYNC_SLOW: Duration = Duration::from_millis(100);
/// A 99th percentile from which on the log lags behind any load.
pub const DOCTOR_SYNC_FAILING: Duration = Duration::from_secs(1);
/// A median below this is faster than any disk: nothing waited for it.
pub const DOCTOR_SYNC_UNREAL: Duration = Duration::from_micros(5);
/// Most files of a data directory that are looked at.
pub const DOCTOR_FILES_MAX: usize = 10_000;
/// Tasks that a server may need: its blocking threads (512), those of the store (128), and some
/// for each processor.
pub const DOCTOR_TASKS: u64 = 768;
/// Tasks without which a server hardly starts.
pub const DOCTOR_TASKS_MIN: u64 = 64;
/// A difference between the clock and the monotonic one, within one run, that is a step.
pub const DOCTOR_CLOCK_STEP: Duration = Duration::from_millis(100);
/// Days until the disk reaches its reserve: fewer are a warning.
pub const DOCTOR_DAYS_LEFT_WARN: u64 = 14;
/// Fewer are an error.
pub const DOCTOR_DAYS_LEFT_ERROR: u64 = 2;
/// Bytes that a log must have on the disk before its growth is estimated: a new one takes room in
/// advance, which no event needed.
pub const DOCTOR_GROWTH_BYTES_MIN: u64 = 64 * 1024 * 1024;
/// Events that must have come meanwhile: fewer tell nothing about a day.
pub const DOCTOR_GROWTH_EVENTS_MIN: u64 = 1_000;
/// Time that they are counted over: that of the oldest note of a server.
pub const DOCTOR_GROWTH_WINDOW_MIN: Duration = Duration::from_secs(60);
/// A backup that is older, and lacks events, is a warning.
pub const DOCTOR_BACKUP_AGE_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// A cursor whose oldest missing event is older is a warning.
pub const DOCTOR_CURSOR_LAG_MAX: Duration = Duration::from_secs(60 * 60);
/// Most cursors that one finding names.
pub const DOCTOR_CURSORS_NAMED_MAX: usize = 3;
/// Longest wait for an answer of a server.
pub const DOCTOR_CALL_DURATION_MAX: Duration = Duration::from_secs(5);

/// Interval at which a server notes how much it has done, for the rates of `tidu status`.
pub const RECENT_NOTE_INTERVAL: Duration = Duration::from_secs(5);
/// Most of these notes that are kept: the oldest is a minute old.
pub const RECENT_NOTES_MAX: usize = 13;

const _: () = {
    assert!(RECENT_NOTE_INTERVAL.as_secs() * (RECENT_NOTES_MAX as u64 - 1) == 60);
    // Otherwise no server would ever count over so long.
    assert!(DOCTOR_GROWTH_WINDOW_MIN.as_secs() <= 60);
    assert!(DOCTOR_SYNC_SLOW.as_millis() < DOCTOR_SYNC_FAILING.as_millis());
    assert!(DOCTOR_SYNC_FAILING.as_millis() < FLUSH_DURATION_MAX.as_millis());
    assert!(DOCTOR_DAYS_LEFT_ERROR < DOCTOR_DAYS_LEFT_WARN);
    assert!(DOCTOR_TASKS_MIN < DOCTOR_TASKS);
};
