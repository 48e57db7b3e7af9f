//! The leader as the services of a follower know it: what was heard of it, and the way on which
//! writes are handed on.

use std::{fmt, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::{LeaderUrl, Leaders};
use crate::{
    ledger::{Contact, Ledger, StopCause},
    limits::FOLLOW_WAY_AGE_MAX,
    service::{Heard, Leader, Way},
};

/// The leader of a node.
pub struct Upstream {
    ledger: Arc<Ledger>,
    leaders: Leaders,
    node: String,
    forwards: bool,
    /// The way that was made last, its address, and when it was made.
    way: Mutex<Option<(String, Instant, Way)>>,
}

impl Upstream {
    /// The leader of a ledger that follows. `node` is the name of this node; `forwards` tells
    /// whether writes are handed on.
    #[must_use]
    pub fn new(ledger: Arc<Ledger>, leaders: Leaders, node: String, forwards: bool) -> Self {
        Self { ledger, leaders, node, forwards, way: Mutex::default() }
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").field("node", &self.node).finish_non_exhaustive()
    }
}

impl Leader for Upstream {
    fn heard(&self) -> Heard {
        let contact = self.ledger.contact();
        let contact = contact.borrow();
        let age: Option<Duration> = self.ledger.lag().1;
        Heard {
            address: match (&*contact.leader, self.leaders.urls.first()) {
                ("", Some(first)) => first.to_string(),
                (leader, _) => leader.to_owned(),
            },
            size: contact.heard.map(|_| contact.leader_size),
            is_relay: contact.is_relay,
            age,
            epoch: self.ledger.epoch(),
            is_strange: is_strange(&contact),
        }
    }

    /// The files are read anew from time to time, so that renewed ones count.
    fn way(&self) -> Option<Way> {
        let contact = self.ledger.contact();
        if !self.forwards || is_strange(&contact.borrow()) {
            return None;
        }
        let leader = contact.borrow().leader.clone();
        let mut made = self.way.lock();
        if let Some((of, since, way)) = &*made
            && *of == leader
            && since.elapsed() < FOLLOW_WAY_AGE_MAX
        {
            return Some(way.clone());
        }
        let url =
            leader.parse::<LeaderUrl>().ok().or_else(|| self.leaders.urls.first().cloned())?;
        match self.leaders.dial.way(&url) {
            Ok(way) => {
                *made = Some((leader, Instant::now(), way.clone()));
                Some(way)
            }
            Err(why) => {
                tracing::warn!(leader = %url, why, "no way to hand writes on");
                None
            }
        }
    }

    fn node(&self) -> &str {
        &self.node
    }
}

/// True if the leader has another log, or another history under the same id: what it would record
/// never comes here.
fn is_strange(contact: &Contact) -> bool {
    let cause = contact.stop().map(|(cause, _)| cause);
    matches!(cause, Some(StopCause::LogId | StopCause::Ahead | StopCause::Root))
}
