//! When those who wait are told that something goes on.

use std::time::Duration;

/// A command that waits for a server says so after this time, in which most answers come.
pub const WAITING_SHOWN_AFTER: Duration = Duration::from_secs(1);
/// Between two such lines, and two of a progress, where no terminal shows one that moves.
pub const WAITING_LINE_INTERVAL: Duration = Duration::from_secs(10);
/// A start that still replays its log after this time has a log line about it.
pub const REPLAY_TOLD_AFTER: Duration = Duration::from_secs(1);
/// Between two such log lines.
pub const REPLAY_TOLD_INTERVAL: Duration = Duration::from_secs(1);
