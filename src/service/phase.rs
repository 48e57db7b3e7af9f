//! The phase of the server's life. Health and the operations port tell it; streams end by it.

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

/// The phase of one server, for those who change it and those who follow it.
#[derive(Clone, Debug)]
pub struct Phases {
    phase: watch::Sender<Phase>,
    drain: CancellationToken,
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
        Self { phase: watch::Sender::new(Phase::Starting), drain: CancellationToken::new() }
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
