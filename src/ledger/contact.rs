//! How a ledger that follows another one is in touch with it. Whoever follows notes it; streams,
//! answers and probes read it.

use std::time::Duration;

use tokio::sync::watch;

use super::Ledger;

/// The state of a follower.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum FollowState {
    /// It has no leader just now.
    #[default]
    Connecting,
    /// The leader has more than is here.
    CatchingUp,
    /// Everything is here that the leader was heard to have.
    Following,
    /// It has stopped for good.
    Stopped {
        /// The cause.
        cause: StopCause,
        /// The reason for people.
        why: String,
    },
}

/// The states of a follower, by the words of [`FollowState::as_str`].
pub const FOLLOW_STATES: [&str; 4] = ["connecting", "catching_up", "following", "stopped"];

/// Why a follower stops for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopCause {
    /// The leader has another log.
    LogId,
    /// The leader is of an epoch that has ended.
    Epoch,
    /// Events are here that the leader has not.
    Ahead,
    /// The leader has other events at the same positions.
    Root,
    /// The stream leaves positions out, or repeats them.
    Gap,
    /// An event cannot be read, or is not one.
    Damaged,
    /// A newer version is needed.
    Newer,
    /// A catalogue that the log has adopted is not here.
    Catalogue,
    /// There is no leader at the end of the line.
    Circle,
    /// The leader tells no roots: this node may not read everything.
    Rights,
}

impl StopCause {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::LogId,
        Self::Epoch,
        Self::Ahead,
        Self::Root,
        Self::Gap,
        Self::Damaged,
        Self::Newer,
        Self::Catalogue,
        Self::Circle,
        Self::Rights,
    ];

    /// Its word in metrics, log lines and errors.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LogId => "log_id",
            Self::Epoch => "epoch",
            Self::Ahead => "ahead",
            Self::Root => "root",
            Self::Gap => "gap",
            Self::Damaged => "damaged",
            Self::Newer => "newer",
            Self::Catalogue => "catalogue",
            Self::Circle => "circle",
            Self::Rights => "rights",
        }
    }
}

impl FollowState {
    /// Its word in metrics and answers.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::CatchingUp => "catching_up",
            Self::Following => "following",
            Self::Stopped { .. } => "stopped",
        }
    }
}

/// The leader as a follower knows it, and the follower's own name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    /// The name of the follower; empty if this ledger follows nobody.
    pub name: String,
    /// The leader's address, as the settings name it; empty before the first one is tried.
    pub leader: String,
    /// Size of its log when it was last heard.
    pub leader_size: u64,
    /// True if it follows another node itself, which may have more.
    pub is_relay: bool,
    /// Why it was lost; empty while it is followed.
    pub loss: String,
    /// When it was last heard, in microseconds since 1970; `None` if it never was.
    pub heard_micros: Option<i64>,
    /// The same by the monotonic clock.
    pub heard: Option<Duration>,
    /// The state of the follower.
    pub state: FollowState,
}

impl Contact {
    /// Why the follower has stopped for good, if it has: the cause, and the reason for people.
    #[must_use]
    pub fn stop(&self) -> Option<(StopCause, &str)> {
        match &self.state {
            FollowState::Stopped { cause, why } => Some((*cause, why)),
            _ => None,
        }
    }
}

/// How far a ledger that follows may be behind and be good enough to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LagLimits {
    /// Events that the leader has and this ledger has not.
    pub events: u64,
    /// Time since the leader was last heard.
    pub age: Duration,
}

impl Ledger {
    /// From now on a larger lag than this makes the ledger unfit to be read.
    pub fn limit_lag(&self, limits: LagLimits) {
        // The first ones count.
        let _ = self.shared.lag_limits.set(limits);
    }

    /// Why a ledger that follows is too far behind to be read, if it is.
    #[must_use]
    pub fn too_far_behind(&self) -> Option<String> {
        if let Some((cause, _)) = self.shared.contact.borrow().stop() {
            let cause = cause.as_str();
            return Some(format!("this node has stopped following its leader ({cause})"));
        }
        let limits = self.shared.lag_limits.get()?;
        match self.lag() {
            (_, None) => Some("the leader has not been heard yet".to_owned()),
            (_, Some(age)) if age > limits.age => {
                Some(format!("the leader was last heard {} s ago", age.as_secs()))
            }
            (events, _) if events > limits.events => {
                Some(format!("this node is {events} events behind its leader"))
            }
            _ => None,
        }
    }

    /// The leader as it is known, with each change; empty if the ledger follows nobody.
    #[must_use]
    pub fn contact(&self) -> watch::Receiver<Contact> {
        self.shared.contact.subscribe()
    }

    /// Changes what is known of the leader. To be called by the one who follows it.
    pub fn note_contact(&self, change: impl FnOnce(&mut Contact)) {
        self.shared.contact.send_modify(change);
    }

    /// Notes that a node was heard with a log of this size. `relayed` is the time since that node
    /// heard its own leader; `None` if it is the leader.
    pub fn note_heard(&self, leader_size: u64, relayed: Option<Duration>) {
        let ago = relayed.unwrap_or_default();
        let behind = i64::try_from(ago.as_micros()).unwrap_or(i64::MAX);
        let micros = self.now_micros().saturating_sub(behind);
        let monotonic = self.shared.clock.monotonic().saturating_sub(ago);
        self.note_contact(|contact| {
            (contact.leader_size, contact.is_relay) = (leader_size, relayed.is_some());
            (contact.heard_micros, contact.heard) = (Some(micros), Some(monotonic));
        });
    }

    /// Events that the leader has and this ledger has not, and the time since the leader was last
    /// heard; `None` if it never was. Only of a ledger that follows.
    #[must_use]
    pub fn lag(&self) -> (u64, Option<Duration>) {
        let contact = self.shared.contact.borrow();
        let now = self.shared.clock.monotonic();
        let age = contact.heard.map(|heard| now.saturating_sub(heard));
        (contact.leader_size.saturating_sub(self.durable().size), age)
    }

    /// When this ledger was opened, in microseconds since 1970. It tells a server from others.
    #[must_use]
    pub fn opened_micros(&self) -> i64 {
        self.shared.opened_micros
    }
}
