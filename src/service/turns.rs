//! Turns for work that holds a thread for long: large messages that are unpacked, or brought into
//! or out of JSON. Fewer run at once than the machine has processors, so that one is left for
//! calls.

use std::thread::available_parallelism;

use tokio::sync::Semaphore;

/// The turns of one kind of work.
pub(super) fn turns() -> Semaphore {
    let processors = available_parallelism().map_or(1, usize::from);
    Semaphore::new(processors.saturating_sub(1).max(1))
}
