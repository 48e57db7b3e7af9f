//! The phase of the server's life. Health and the operations port tell it; streams end by it.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The phase of a server. A server never goes back to an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The log is being opened and the register rebuilt from it.
    Starting,
    /// Calls are answered.
    Serving,
    /// The server is ending: it finishes the calls that it has, and takes no others.
    Draining,
}

/// A start that cannot go on before a leader answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Awaited {
    /// The address of the node that was asked last.
    pub leader: String,
    /// Why it gave no answer.
    pub why: String,
}

impl Awaited {
    /// Without the address and the reason, which are for operators.
    pub(super) fn for_strangers() -> Self {
        let why = "/readyz of its operations port tells why".to_owned();
        Self { leader: "its leader".to_owned(), why }
    }
}

/// The phase of one server, for those who change it and those who follow it.
#[derive(Clone, Debug)]
pub struct Phases {
    phase: watch::Sender<Phase>,
    drain: CancellationToken,
    /// Lock order: the innermost; nothing is called while it is held.
    awaited: Arc<Mutex<Option<Awaited>>>,
}

impl Default for Phases {
    fn default() -> Self {
        Self::new()
    }
}

impl Phases {
    /// The phases of a server that is starting.
    #[must_use]
    pub fn new() -> Self {
        let phase = watch::Sender::new(Phase::Starting);
        Self { phase, drain: CancellationToken::new(), awaited: Arc::default() }
    }

    /// Notes what the start waits for, or that it goes on.
    pub fn note_awaited(&self, awaited: Option<Awaited>) {
        *self.awaited.lock() = awaited;
    }

    /// What the start waits for.
    #[must_use]
    pub fn awaited(&self) -> Option<Awaited> {
        self.awaited.lock().clone()
    }

    /// Enters a phase, unless a later one has begun.
    pub fn enter(&self, phase: Phase) {
        self.phase.send_if_modified(|now| {
            let is_later = phase > *now;
            *now = phase.max(*now);
            is_later
        });
        if phase == Phase::Draining {
            self.drain.cancel();
        }
    }

    /// The phase now.
    #[must_use]
    pub fn now(&self) -> Phase {
        *self.phase.borrow()
    }

    /// The phase now, and each later one.
    #[must_use]
    pub fn follow(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    /// Cancelled once the drain begins.
    #[must_use]
    pub fn drain(&self) -> CancellationToken {
        self.drain.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_never_goes_back_to_an_earlier_phase() {
        let phases = Phases::new();
        let mut follower = phases.follow();
        assert_eq!(phases.now(), Phase::Starting);
        phases.enter(Phase::Serving);
        assert!(follower.has_changed().is_ok_and(|changed| changed));
        assert_eq!(*follower.borrow_and_update(), Phase::Serving);
        phases.enter(Phase::Starting);
        assert!(follower.has_changed().is_ok_and(|changed| !changed));
        assert!(!phases.drain().is_cancelled());
        phases.enter(Phase::Draining);
        phases.enter(Phase::Serving);
        assert_eq!(*follower.borrow_and_update(), Phase::Draining);
        assert!(phases.drain().is_cancelled());
    }
}
