//! Bounds of the process: its room on the disk, its log lines, and its ends.

use std::time::Duration;

use super::{DRAIN_EXIT_DURATION, FLUSH_DURATION_MAX, WATCHDOG_INTERVAL};

// --- Room on the disk ----------------------------------------------------------------------------
// Blocks that are reserved, and free space that is left to others. See `log/sled/room.rs`.

/// Bytes by which the store's file may grow for each byte of values: it writes whole pages again,
/// and frees a segment only when half of it is of no use.
pub const STORE_GROWTH_FACTOR: u64 = 4;
/// Bytes by which it may grow for the smallest value: some of its segments.
pub const STORE_GROWTH_BASE_BYTES: u64 = 4 * 1024 * 1024;
/// Bytes of blocks that are reserved beyond the need of a group, so that not every group reserves.
pub const ROOM_STEP_BYTES: u64 = 8 * 1024 * 1024;
/// Bytes that a start can need before it serves, beside twice the store's snapshot: some of its
/// segments.
pub const START_ROOM_BYTES: u64 = 4 * 1024 * 1024;
/// The reserve of the disk is by default one part of the file system in so many: 5 %.
pub const DISK_RESERVE_DIVISOR: u64 = 20;
/// Least of the default reserve, for small file systems.
pub const DISK_RESERVE_BYTES_MIN: u64 = 64 * 1024 * 1024;
/// Most of the default reserve, for large ones.
pub const DISK_RESERVE_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Delay that a caller is asked for when the disk is low: somebody must make room first.
pub const DISK_RETRY_DELAY: Duration = Duration::from_secs(5);

const _: () = {
    assert!(DISK_RESERVE_BYTES_MIN <= DISK_RESERVE_BYTES_MAX);
    // A step is a small part of any default reserve.
    assert!(ROOM_STEP_BYTES + STORE_GROWTH_BASE_BYTES < DISK_RESERVE_BYTES_MIN);
};

// --- What goes to a collector --------------------------------------------------------------------
// Traces and log lines over OTLP. See `server/telemetry/otlp/`.

/// Most spans, and most log lines, that wait to be sent; more are dropped and counted. A span takes
/// about 2 KiB, so all that wait take some MiB.
pub const OTLP_QUEUE_MAX: usize = 2_048;
/// Most of them in one message: a collector takes 4 MiB by default.
pub const OTLP_BATCH_MAX: usize = 256;
/// Pause after the first of a batch, in which others join it.
pub const OTLP_PAUSE: Duration = Duration::from_millis(200);
/// Longest wait for a collector's answer; then the batch is dropped.
pub const OTLP_EXPORT_DURATION_MAX: Duration = Duration::from_secs(5);
/// Longest wait for a connection to a collector.
pub const OTLP_CONNECT_DURATION_MAX: Duration = Duration::from_secs(2);
/// Longest wait at the end of the process until all is sent that a collector takes.
pub const OTLP_FLUSH_DURATION_MAX: Duration = Duration::from_millis(250);
/// Part of the calls without a sampled parent that is traced.
pub const OTLP_SAMPLE_RATIO_DEFAULT: f64 = 0.01;
/// Most bytes of a caller's `tracestate`: what the W3C standard asks to be passed on.
pub const TRACESTATE_BYTES_MAX: usize = 512;

const _: () = {
    assert!(OTLP_BATCH_MAX <= OTLP_QUEUE_MAX);
    // The end of the process waits for log lines and for a collector, one after the other.
    let ends = OTLP_FLUSH_DURATION_MAX.as_millis() + LOG_FLUSH_DURATION_MAX.as_millis();
    assert!(ends <= DRAIN_EXIT_DURATION.as_millis());
};

// --- The process ---------------------------------------------------------------------------------
// Log lines, and starts after failures.

/// Most log lines of one call site in a [`LOG_WINDOW`]: callers provoke some of them.
pub const LOG_SITE_LINES_MAX: u32 = 10;
/// See [`LOG_SITE_LINES_MAX`].
pub const LOG_WINDOW: Duration = Duration::from_secs(1);
/// Most log lines of a server that wait to be written; more are dropped and counted.
pub const LOG_LINES_MAX: usize = 1_024;
/// Most bytes of one of them. A longer line is cut. All that wait have 16 MiB at most.
pub const LOG_LINE_BYTES_MAX: usize = 16 * 1024;
/// Interval at which a server says how many lines were dropped or left out.
pub const LOG_REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// Longest wait for the last log lines before a process ends.
pub const LOG_FLUSH_DURATION_MAX: Duration = Duration::from_millis(200);
/// Interval at which such a wait tries for room again.
pub const LOG_FLUSH_POLL: Duration = Duration::from_millis(1);
/// A commit that takes as long gets a log line: by default many times a commit on a busy server.
pub const SLOW_COMMIT_DEFAULT: Duration = Duration::from_secs(1);
/// A flush that takes as long gets a log line. The watchdog ends the process after many times more.
pub const SLOW_FLUSH: Duration = Duration::from_secs(1);
/// Longest wait until the line that the server is ready is written.
pub const ANNOUNCE_DURATION_MAX: Duration = Duration::from_secs(1);
/// Failures after which a server starts read-only, if they are no older than [`FAILURES_WINDOW`]:
/// a start that fails again and again helps nobody, and reads work.
pub const FAILURES_MAX: usize = 3;
/// See [`FAILURES_MAX`].
pub const FAILURES_WINDOW: Duration = Duration::from_secs(600);
/// Longest wait for the note of a failure, which may meet the disk that has failed.
pub const FAILURE_NOTE_DURATION_MAX: Duration = Duration::from_millis(500);

const _: () = {
    assert!(LOG_LINES_MAX * LOG_LINE_BYTES_MAX <= 16 * 1024 * 1024);
    assert!(LOG_REPORT_INTERVAL.as_nanos() >= LOG_WINDOW.as_nanos());
    // The line about a slow flush comes while it runs, and long before the end.
    assert!(WATCHDOG_INTERVAL.as_millis() <= SLOW_FLUSH.as_millis());
    // A watchdog looks several times before it ends the process.
    assert!(WATCHDOG_INTERVAL.as_millis() * 4 <= FLUSH_DURATION_MAX.as_millis());
    assert!(SLOW_FLUSH.as_millis() * 4 <= FLUSH_DURATION_MAX.as_millis());
};
