//! Whether the system has threads to give. Some libraries wait for ever for a thread that could not
//! be started, where an error would do.

use std::{io, thread};

use parking_lot::Mutex;

/// Starts so many threads at once, and ends them.
///
/// # Errors
/// The system's error, if it does not have as many, or no memory for their stacks.
pub fn require(count: usize) -> io::Result<()> {
    let gate = Mutex::new(());
    thread::scope(|scope| {
        let closed = gate.lock();
        let start = |_| thread::Builder::new().spawn_scoped(scope, || drop(gate.lock()));
        let started: io::Result<Vec<_>> = (0..count).map(start).collect();
        drop(closed);
        started.map(drop)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_there_and_end() {
        assert!(require(16).is_ok());
    }
}
