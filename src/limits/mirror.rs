//! The bounds of `tidu mirror`: what one transaction and one question of a copy may hold.

use std::time::Duration;

use super::{CHANGED_EVENTS_MAX, COMMIT_EVENTS_MAX, PAGE_EVENTS_MAX, REMOTE_QUESTIONS_MAX};

/// Events after which a group is written. A commit of more events is a group of its own.
pub const MIRROR_GROUP_EVENTS: usize = 2_000;
/// Bytes of events after which a group is written: those of about as many short ones.
pub const MIRROR_GROUP_BYTES: usize = 4 * 1024 * 1024;
/// How long the stream must be silent before a smaller group is written.
pub const MIRROR_GATHER_MAX: Duration = Duration::from_millis(5);
/// Entries that one page of answers may have: as many as the server gives.
pub const MIRROR_PAGE_ENTRIES: usize = PAGE_EVENTS_MAX;
/// Pages and groups that were asked for and wait for the database.
pub const MIRROR_STEPS_MAX: usize = 8;
/// Questions about single batches on their way at the same time.
pub const MIRROR_QUESTIONS_MAX: usize = 2;
/// How long a question is asked again that finds too many others of its address.
pub const MIRROR_QUEUE_WAIT_MAX: Duration = Duration::from_secs(30);
/// Most bytes of the name of a schema. PostgreSQL cuts names after 63.
pub const MIRROR_SCHEMA_BYTES_MAX: usize = 48;
/// How long SQLite waits for a reader that holds up a writer.
pub const MIRROR_BUSY_MAX: Duration = Duration::from_secs(10);
/// How long a mirror waits for the session of another one to end: that of a process that was
/// killed lives until its statement is done.
pub const MIRROR_LOCK_WAIT_MAX: Duration = Duration::from_secs(10);
/// How long a server of PostgreSQL may leave what was sent to it unacknowledged. A connection that
/// has fallen silent is not reported by the system for minutes.
pub const MIRROR_SILENCE_MAX: Duration = Duration::from_secs(30);
/// The pause between two attempts to get that lock.
pub const MIRROR_LOCK_POLL: Duration = Duration::from_millis(50);

const _: () = {
    // A group ends at the latest with the commit that takes it over its aim.
    let most = MIRROR_GROUP_EVENTS + COMMIT_EVENTS_MAX;
    // So the server looks at each event of a group, and does not answer for everything.
    assert!((most as u64) <= CHANGED_EVENTS_MAX);
    // A mirror leaves room to the other callers of its address.
    assert!(2 * MIRROR_QUESTIONS_MAX <= REMOTE_QUESTIONS_MAX);
};
