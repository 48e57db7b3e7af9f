//! Whether the system has threads to give, and the priority of a thread. Some libraries wait for
//! ever for a thread that could not be started, where an error would do.

use std::{io, thread};

use parking_lot::Mutex;
use rustix::process::setpriority_process;

/// The lowest of the system's priorities, which it counts downwards.
const LOWEST_PRIORITY: i32 = 19;

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

/// Gives the calling thread the lowest priority: it runs while no other thread of the machine wants
/// its processor, and seldom otherwise.
///
/// # Errors
/// The system's error.
pub fn yield_to_others() -> io::Result<()> {
    // Linux keeps priorities by thread, and `None` is the one that calls.
    Ok(setpriority_process(None, LOWEST_PRIORITY)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_there_and_end() {
        assert!(require(16).is_ok());
    }

    #[test]
    fn a_thread_yields_and_its_process_does_not() {
        use rustix::process::{getpid, getpriority_process};
        let yields = || {
            yield_to_others().unwrap();
            getpriority_process(None).unwrap()
        };
        assert_eq!(thread::spawn(yields).join().unwrap(), LOWEST_PRIORITY);
        assert!(getpriority_process(Some(getpid())).unwrap() < LOWEST_PRIORITY);
    }
}
