//! Following: keeps this ledger a verified copy of a leader's, and tells how far it is.
//!
//! ```text
//! back.rs        the way back to a node that is named earlier
//! checks.rs      what a node says of itself
//! difference.rs  the first position at which two logs differ
//! leaders.rs     the nodes to follow, the connections to them
//! session.rs     one stream: what the leader says of itself, positions, roots, leaves → the ledger
//! stop.rs        why a leader is left: for a while, or for good
//! upstream.rs    the leader, as services know it that hand writes on
//! ```
//!
//! A leader that is lost is tried again, one address after the other. A disagreement about the log
//! stops the follower for good: nothing of what differs was applied, and what is here is served.

mod back;
mod checks;
mod difference;
mod leaders;
mod session;
mod stop;
mod upstream;

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};
use uuid::Uuid;

use self::stop::Ended;
pub use self::{
    leaders::{Dial, Dialer, FLAGS, LeaderUrl, Leaders},
    upstream::Upstream,
};
use crate::{
    handover::Pledge,
    ledger::{FollowState, Ledger, StopCause},
    limits::{FOLLOW_RETRY_MAX, FOLLOW_RETRY_MIN},
};

/// Follows a leader.
#[derive(Clone)]
pub struct Follower {
    /// The ledger that follows.
    pub ledger: Arc<Ledger>,
    /// The nodes that it may follow.
    pub leaders: Leaders,
    /// Its promise to record nothing by itself.
    pub pledge: Arc<Pledge>,
}

/// A pause whose range doubles; its random part keeps followers of one leader apart.
struct Pause(Duration);

impl Pause {
    fn new() -> Self {
        Self(FOLLOW_RETRY_MIN)
    }

    fn take(&mut self) -> Duration {
        let longest = self.0;
        self.0 = longest.saturating_mul(2).min(FOLLOW_RETRY_MAX);
        longest / 2 + (longest / 2).mul_f64(fastrand::f64())
    }
}

impl Follower {
    /// Follows until it stops for good.
    pub async fn run(self) {
        let (mut pause, mut round, start) = (Pause::new(), 0_usize, Instant::now());
        loop {
            let place = round % self.leaders.urls.len().max(1);
            let Some(url) = self.leaders.urls.get(place) else { return };
            self.note_connecting(url);
            let began = Instant::now();
            let ended = match self.leaders.dial.connect(url, true).await {
                Ok(way) => session::run(&self, (place, url), way, start).await,
                Err(why) => stop::lost(why),
            };
            match ended {
                Ended::Stopped { cause, why } => return self.stop(url, cause, why),
                Ended::Back(place) => {
                    let node = self.leaders.urls.get(place).map(LeaderUrl::to_string);
                    tracing::info!(left = %url, node, "an earlier node of the list leads again");
                    round = place;
                }
                Ended::Lost(why) => {
                    if began.elapsed() > FOLLOW_RETRY_MAX {
                        pause = Pause::new();
                    }
                    let pause = pause.take();
                    let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
                    tracing::warn!(leader = %url, why, pause_ms, "the leader is lost");
                    self.note_connecting(url);
                    self.ledger.note_contact(|contact| contact.loss = format!("{url}: {why}"));
                    sleep(pause).await;
                    round = round.wrapping_add(1);
                }
            }
        }
    }

    /// Names its only leader. One of several is named while it is followed: others take what is
    /// named for the next node on the line to the leader.
    fn note_connecting(&self, url: &LeaderUrl) {
        let only = (self.leaders.urls.len() == 1).then(|| url.to_string());
        self.ledger.note_contact(|contact| {
            contact.leader = only.unwrap_or_default();
            contact.state = FollowState::Connecting;
        });
    }

    fn stop(&self, url: &LeaderUrl, cause: StopCause, why: String) {
        tracing::error!(
            leader = %url, cause = cause.as_str(), why,
            "this node has stopped following; what it has is served, and nothing more is taken"
        );
        self.ledger.metrics().follow_stops_total.with([cause.as_str()]).inc();
        let state = FollowState::Stopped { cause, why };
        self.ledger.note_contact(|contact| {
            contact.leader = url.to_string();
            contact.state = state;
        });
    }
}

/// The id of the log that the leaders have, for a copy that is to begin. Asks until one answers,
/// and tells why one did not.
pub async fn log_of(leaders: &Leaders, unanswered: impl Fn(&LeaderUrl, String)) -> Uuid {
    let mut pause = Pause::new();
    loop {
        for url in &leaders.urls {
            let status = match leaders.dial.connect(url, true).await {
                Ok(way) => session::status(way).await,
                Err(why) => Err(stop::lost(why)),
            };
            match status.map(|status| Uuid::parse_str(&status.log_id)) {
                Ok(Ok(log)) => return log,
                Ok(Err(error)) => {
                    tracing::warn!(leader = %url, %error, "the leader names no log");
                    unanswered(url, error.to_string());
                }
                Err(why) => {
                    tracing::warn!(leader = %url, %why, "the leader gives no answer yet");
                    unanswered(url, why.to_string());
                }
            }
        }
        sleep(pause.take()).await;
    }
}
