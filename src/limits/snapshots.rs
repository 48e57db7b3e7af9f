//! Snapshots of the register: how large their pieces are, and when one is written.

use std::time::Duration;

use super::{DRAIN_DURATION_MAX, DRAIN_EXIT_DURATION, LOG_EVENTS_MAX, REQUEST_BYTES_MAX};

/// Events after which a snapshot of the register is written, unless the operator sets another
/// number. A start replays as many in a tenth of a second.
pub const SNAPSHOT_EVENTS_DEFAULT: u64 = 20_000;
/// While the server runs, a snapshot is written when the log has grown by one part in so many. So
/// all snapshots together have at most so many times the bytes of the last one.
pub const SNAPSHOT_SHARE: u64 = 8;
/// At a drain a smaller part is enough: the next start replays the rest.
pub const SNAPSHOT_DRAIN_SHARE: u64 = 64;
/// Interval at which the server looks whether a snapshot is due.
pub const SNAPSHOT_INTERVAL: Duration = Duration::from_secs(5);
/// Time from a snapshot that could not be written to the next attempt.
pub const SNAPSHOT_RETRY_INTERVAL: Duration = Duration::from_secs(600);
/// Longest pause between two slices of a snapshot, each of which holds the register for some
/// thousand events.
pub const SNAPSHOT_PAUSE_MAX: Duration = Duration::from_millis(20);
/// Bytes after which a section of a snapshot ends. Each thread that reads has one in memory.
pub const SNAPSHOT_SECTION_BYTES: usize = 2 * 1024 * 1024;
/// Bytes of a snapshot that are synced at once. The log's own sync waits for such a one at most: on
/// a disk that takes 100 MB a second, 80 ms.
pub const SNAPSHOT_SYNC_BYTES: usize = 8 * 1024 * 1024;
/// Most bytes of a snapshot's header: the adoptions of catalogues take 40 bytes each.
pub const SNAPSHOT_HEADER_BYTES_MAX: usize = 64 * 1024;
/// Request ids that are copied in one hold of their index.
pub const SNAPSHOT_REQUESTS: usize = 4_096;
/// Part of a drain that stays free after the last snapshot: for its last sync, and for the end.
pub const SNAPSHOT_DRAIN_MARGIN: Duration = Duration::from_millis(1_000);

const _: () = {
    assert!(SNAPSHOT_DRAIN_SHARE > SNAPSHOT_SHARE);
    assert!(SNAPSHOT_SECTION_BYTES <= SNAPSHOT_SYNC_BYTES);
    assert!(SNAPSHOT_SECTION_BYTES < REQUEST_BYTES_MAX);
    assert!(LOG_EVENTS_MAX <= u32::MAX as u64);
    let ends = SNAPSHOT_DRAIN_MARGIN.as_millis() + DRAIN_EXIT_DURATION.as_millis();
    assert!(ends < DRAIN_DURATION_MAX.as_millis());
};
