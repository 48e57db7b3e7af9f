//! The operations port, and the probes behind its answers.

use std::time::Duration;

use super::FLUSH_DURATION_MAX;

/// Most connections to the operations port. With one more the oldest gives up its place, so that
/// connections that hang keep no probe out.
pub const OPERATIONS_CONNECTIONS_MAX: usize = 32;
/// The head of a request to it must have arrived by then.
pub const OPERATIONS_HEAD_DURATION_MAX: Duration = Duration::from_secs(10);
/// A request and its answer together take no longer. A connection serves one request.
pub const OPERATIONS_EXCHANGE_DURATION_MAX: Duration = Duration::from_secs(20);
/// Bytes of the head of a request to it: the least that the parser takes.
pub const OPERATIONS_HEAD_BYTES: usize = 8 * 1024;
/// Longest wait for the values of a scrape. A thread that hangs may hold some of them.
pub const SCRAPE_DURATION_MAX: Duration = Duration::from_secs(5);
/// The runtime of the server takes a task within this time, or the server is not healthy.
pub const HEALTH_DURATION_MAX: Duration = Duration::from_secs(1);
/// Pause between two probes of the same kind.
pub const PROBE_INTERVAL: Duration = Duration::from_secs(1);
/// Age of the last probe that succeeded, past which the server is not ready.
pub const PROBE_AGE_MAX: Duration = Duration::from_secs(4);
/// The server is known not to be ready this long after the last append that it acknowledged.
pub const UNREADY_DURATION_MAX: Duration = Duration::from_secs(5);
/// Time without a turn of the writer and without progress of a flush, after which a service manager
/// is to end the process. The ledger itself ends it at an overdue flush long before.
pub const WRITER_STUCK_AFTER: Duration = Duration::from_secs(60);
/// Longest pause between two looks at the server on behalf of a service manager.
pub const MANAGER_INTERVAL: Duration = Duration::from_secs(1);
/// Least time between two statuses of a server that serves.
pub const MANAGER_STATUS_INTERVAL: Duration = Duration::from_secs(10);
/// Time that a start which gets on asks a service manager for, again and again.
pub const MANAGER_EXTENSION: Duration = Duration::from_secs(30);
/// Longest time for which it asks while the store is being opened, which tells no progress: the
/// check reads the whole store, and 600 s are 60 GiB at 100 MiB/s.
pub const MANAGER_OPENING_MAX: Duration = Duration::from_secs(600);
/// Longest wait for the thread of the operations port at the end.
pub const OPERATIONS_END_DURATION_MAX: Duration = Duration::from_millis(200);
/// Most bytes of an answer that our own client of the port takes: more than all series take.
pub const OPERATIONS_ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Longest wait of that client.
pub const OPERATIONS_CALL_DURATION_MAX: Duration = Duration::from_secs(5);
/// Events that `tidu top` shows.
pub const TOP_EVENTS: i32 = 8;
/// Pause between two drawings of one picture, while the next one is awaited: its age in seconds.
pub const TOP_REDRAW_INTERVAL: Duration = Duration::from_secs(1);
/// Delay that a caller is asked for while the server replays its log.
pub const STARTING_RETRY_DELAY: Duration = Duration::from_secs(1);

const _: () = {
    // A fault just after a probe is found before its time: by age, or by the next probe.
    assert!(PROBE_AGE_MAX.as_millis() < UNREADY_DURATION_MAX.as_millis());
    assert!(PROBE_INTERVAL.as_millis() * 3 <= PROBE_AGE_MAX.as_millis());
    assert!(FLUSH_DURATION_MAX.as_millis() < WRITER_STUCK_AFTER.as_millis());
    assert!(MANAGER_INTERVAL.as_millis() * 4 <= MANAGER_EXTENSION.as_millis());
    assert!(SCRAPE_DURATION_MAX.as_millis() < OPERATIONS_EXCHANGE_DURATION_MAX.as_millis());
    assert!(
        OPERATIONS_HEAD_DURATION_MAX.as_millis() < OPERATIONS_EXCHANGE_DURATION_MAX.as_millis()
    );
};
