//! The audit trail: see `trail/`.

use std::time::Duration;

use super::{ID_BYTES_MAX, TEXT_BYTES_MAX};

/// Most files that the trail is written to at once.
pub const TRAIL_SINKS_MAX: usize = 2;
/// A file of the trail that would become longer is set aside, and another one begun. A file is read
/// whole at a start, which takes half a second for as many bytes.
pub const TRAIL_FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Most bytes of a text in a line: a target or a detail.
pub const TRAIL_TEXT_BYTES_MAX: usize = 256;
/// Most bytes of a name in a line: a principal, a credential, a peer, a method, a reason.
pub const TRAIL_NAME_BYTES_MAX: usize = 96;
/// Most positions in a line.
pub const TRAIL_POSITIONS_MAX: usize = 16;
/// Most bytes of a line.
pub const TRAIL_LINE_BYTES_MAX: usize = 4_096;
/// Most bytes of lines that wait for one sink. Past them the sink misses the oldest, and with no
/// other sink new lines are only counted.
pub const TRAIL_WAITING_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of lines after which a sink syncs what it has, though more wait.
pub const TRAIL_BATCH_BYTES: usize = 256 * 1024;
/// A sink that has not synced a line for so long takes none. A sync takes milliseconds; a disk that
/// needs seconds fails the log as well.
pub const TRAIL_STALL_MAX: Duration = Duration::from_secs(5);
/// Pause before a sink that failed is tried again.
pub const TRAIL_RETRY_INTERVAL: Duration = Duration::from_millis(250);
/// Delay that a caller is asked for while no sink takes lines.
pub const TRAIL_RETRY_DELAY: Duration = Duration::from_secs(5);
/// Pause between two looks at the minute and at the anchors.
pub const TRAIL_TICK_INTERVAL: Duration = Duration::from_secs(1);
/// Longest wait for the last lines when the server ends.
pub const TRAIL_END_DURATION_MAX: Duration = Duration::from_secs(1);

/// Denials of a caller for one reason that get a line each, in a minute. The others are counted.
pub const DENIALS_WRITTEN_MAX: u64 = 10;
/// The time after which denials are counted anew.
pub const DENIALS_WINDOW: Duration = Duration::from_secs(60);
/// Callers and reasons that are counted apart in a minute. Those beyond share a count for each
/// reason, so that strangers from many addresses fill neither the memory nor the disk.
pub const DENIAL_KEYS_MAX: usize = 4_096;

/// The head of the trail is anchored on the log after this time, if lines were added.
pub const ANCHOR_INTERVAL: Duration = Duration::from_hours(1);
/// Pause after an anchor that could not be recorded.
pub const ANCHOR_RETRY_INTERVAL: Duration = Duration::from_mins(1);
/// Most files that were set aside and whose heads wait for their anchors. Later anchors cover the
/// heads beyond.
pub const ANCHORS_WAITING_MAX: usize = 16;

const _: () = {
    // Quotation marks and backslashes take twice their bytes. Position, time and hashes are below
    // 512 bytes with all keys.
    let texts = 2 * (2 * TRAIL_TEXT_BYTES_MAX + 6 * TRAIL_NAME_BYTES_MAX);
    assert!(texts + 21 * TRAIL_POSITIONS_MAX + 640 <= TRAIL_LINE_BYTES_MAX);
    assert!(ID_BYTES_MAX <= TRAIL_NAME_BYTES_MAX && TRAIL_TEXT_BYTES_MAX <= TEXT_BYTES_MAX);
    assert!(TRAIL_LINE_BYTES_MAX <= TRAIL_BATCH_BYTES);
    assert!(TRAIL_BATCH_BYTES as u64 <= TRAIL_FILE_BYTES_MAX / 4);
    assert!(TRAIL_BATCH_BYTES <= TRAIL_WAITING_BYTES_MAX / 4);
    assert!(TRAIL_RETRY_INTERVAL.as_millis() < TRAIL_STALL_MAX.as_millis());
};
