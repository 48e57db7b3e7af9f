//! What a node says of itself, checked: its log, its epoch, its part, and whether it follows this
//! node.

use super::{
    Follower, LeaderUrl, session,
    stop::{Ended, lost, stopped},
};
use crate::{
    ledger::StopCause,
    protocol::{
        pb::{self, NodeRole},
        time,
    },
};

/// The state of a follower that has stopped.
const STOPPED: &str = "stopped";
/// Most nodes that are asked for the end of a line of followers.
const HOPS_MAX: usize = 4;

/// Refuses a node of another log.
pub(super) fn require_same_log(own: &str, of_leader: &str) -> Result<(), Ended> {
    if own == of_leader {
        return Ok(());
    }
    Err(stopped(StopCause::LogId, format!("the leader has log {of_leader}, and this is log {own}")))
}

impl Follower {
    /// Refuses a leader that has been succeeded.
    pub(super) fn require_epoch(&self, epoch: u64) -> Result<(), Ended> {
        let known = self.ledger.epoch();
        if epoch < known {
            let why = format!("the leader is of epoch {epoch}, and epoch {known} is known");
            return Err(if self.has_others() { lost(why) } else { stopped(StopCause::Epoch, why) });
        }
        Ok(())
    }

    /// True if it may follow more than one node.
    pub(super) fn has_others(&self) -> bool {
        self.leaders.urls.len() > 1
    }

    /// Promises to record nothing in this epoch.
    pub(super) fn accept_epoch(&self, epoch: u64) -> Result<(), Ended> {
        // Before anything of this epoch is applied, nothing may be recorded here in it.
        self.pledge.give(epoch).map_err(|error| lost(error.to_string()))?;
        self.ledger.hear_epoch(epoch);
        Ok(())
    }

    /// Leaves a node through which nothing more can come, if there are others: it has handed its
    /// log over, or it follows no longer.
    pub(super) fn require_part(&self, status: &pb::GetStatusResponse) -> Result<(), Ended> {
        let Some(node) = status.node.as_ref().filter(|_| self.has_others()) else { return Ok(()) };
        let has_all = self.ledger.durable().size >= status.log_size;
        match node.role() {
            NodeRole::Retired if has_all => {
                Err(lost(format!("the node has handed its log over to {}", node.leader)))
            }
            NodeRole::Follower if has_all && node.state == STOPPED => {
                Err(lost("the node has stopped following"))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a line of followers that ends here. Only what this node may ask is found out; a
    /// circle that is not found has no leader, and nobody in it hears one.
    pub(super) async fn require_no_circle(
        &self,
        url: &LeaderUrl,
        status: &pb::GetStatusResponse,
    ) -> Result<(), Ended> {
        let own = self.ledger.opened_micros();
        let is_own = |status: &pb::GetStatusResponse| {
            status.start_time.as_ref().map(time::micros) == Some(own)
        };
        let circle = |at: &str| {
            let why = format!("{at} follows this node, or is it");
            // Two followers that name each other find one whenever their leader is away.
            if self.has_others() { lost(why) } else { stopped(StopCause::Circle, why) }
        };
        if is_own(status) {
            return Err(circle(&url.to_string()));
        }
        let mut node = status.node.clone().unwrap_or_default();
        for _ in 0..HOPS_MAX {
            let Ok(next) = node.leader.parse::<LeaderUrl>() else { break };
            if node.role() != NodeRole::Follower {
                break;
            }
            // An address that another node names gets no token.
            let Ok(way) = self.leaders.dial.connect(&next, false).await else { break };
            let Ok(status) = session::status(way).await else { break };
            if is_own(&status) {
                return Err(circle(&next.to_string()));
            }
            node = status.node.unwrap_or_default();
        }
        Ok(())
    }
}
