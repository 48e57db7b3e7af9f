//! Bounds of nodes that follow another one: how much is in flight between them, how often a root is
//! compared, and when a leader counts as lost.

use std::time::Duration;

use super::{CHUNK_BYTES_MAX, HEARTBEAT_MIN, RESPONSE_BYTES_MAX};

/// Leaves of a perfect subtree whose root is kept in memory.
pub const ROOT_SUBTREE_EVENTS: u64 = 16_384;
/// Events of a stream after which a root is told, even if more follow.
pub const ROOT_INTERVAL_EVENTS: u64 = 8_192;
/// Bytes of a stream after which a root is told.
pub const ROOT_INTERVAL_BYTES: usize = 1024 * 1024;
/// Bytes of leaves in one message to a node that follows, before the last chunk is added.
pub const FOLLOW_MESSAGE_BYTES: usize = 256 * 1024;
/// Most bytes of leaves that a follower holds without a root for them.
pub const FOLLOW_UNCONFIRMED_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Batches of leaves that are decoded or applied at once.
pub const FOLLOW_BATCHES_AHEAD: usize = 4;
/// Time between two batches that a follower applies, while few leaves come: each batch is a sync,
/// and those of the nodes on a disk wait for one another.
pub const FOLLOW_GATHER_TIME: Duration = Duration::from_millis(10);
/// Leaves that a follower applies at once, without waiting for more.
pub const FOLLOW_GATHER_EVENTS: usize = 1_024;
/// As [`FOLLOW_GATHER_EVENTS`], in bytes.
pub const FOLLOW_GATHER_BYTES: usize = 256 * 1024;
/// Heartbeat that a follower asks its leader for.
pub const FOLLOW_HEARTBEAT: Duration = Duration::from_secs(1);
/// A leader that is silent for so long counts as lost.
pub const FOLLOW_SILENCE_MAX: Duration = Duration::from_secs(5);
/// Shortest pause before a lost leader, or the next one, is tried.
pub const FOLLOW_RETRY_MIN: Duration = Duration::from_millis(100);
/// Longest pause before a lost leader, or the next one, is tried.
pub const FOLLOW_RETRY_MAX: Duration = Duration::from_secs(5);
/// Time after which a follower that has other nodes asks the one that it follows for its part.
pub const FOLLOW_ASK_INTERVAL: Duration = Duration::from_secs(5);
/// Time after which a follower looks whether a node leads that it names before the one that it
/// follows.
pub const FOLLOW_RETURN_INTERVAL: Duration = Duration::from_secs(30);
/// A node between that has not heard a leader for so long is left, if there are others.
pub const FOLLOW_RELAY_AGE_MAX: Duration = Duration::from_secs(15);
/// Most bytes of the reason why a leader was left: a part of it may be the text of that node.
pub const FOLLOW_REASON_BYTES_MAX: usize = 1_024;
/// Longest time for which one way to hand writes on is used.
pub const FOLLOW_WAY_AGE_MAX: Duration = Duration::from_secs(60);
/// Longest wait of a fresh copy for the first answer of a leader, if its process is to end without.
pub const FOLLOW_FIRST_ANSWER_MAX: Duration = Duration::from_secs(60);
/// Most leaders that the settings name.
pub const FOLLOW_LEADERS_MAX: usize = 8;
/// Events that a follower may be behind and count as ready.
pub const FOLLOW_LAG_EVENTS_DEFAULT: u64 = 10_000;
/// Seconds since it last heard its leader up to which a follower counts as ready.
pub const FOLLOW_LAG_SECONDS_DEFAULT: u64 = 30;

const _: () = {
    assert!(FOLLOW_MESSAGE_BYTES + CHUNK_BYTES_MAX < RESPONSE_BYTES_MAX);
    assert!(ROOT_INTERVAL_BYTES + RESPONSE_BYTES_MAX < FOLLOW_UNCONFIRMED_BYTES_MAX);
    assert!(ROOT_SUBTREE_EVENTS.is_power_of_two());
    assert!(FOLLOW_HEARTBEAT.as_secs() >= HEARTBEAT_MIN.as_secs());
    assert!(FOLLOW_RELAY_AGE_MAX.as_secs() > 2 * FOLLOW_SILENCE_MAX.as_secs());
    assert!(FOLLOW_SILENCE_MAX.as_secs() > 2 * FOLLOW_HEARTBEAT.as_secs());
};
