//! The way back: a follower that had to go on to a later node of its list returns to an earlier one
//! that leads again.

use std::future::pending;

use tokio::time::sleep;

use super::{Follower, session};
use crate::{limits::FOLLOW_RETURN_INTERVAL, protocol::pb::NodeRole};

/// Waits until a node leads that is named before this place of the list; gives its place.
pub(super) async fn leads_again(follower: Follower, place: usize) -> usize {
    let earlier = follower.leaders.urls.get(..place).unwrap_or_default();
    if earlier.is_empty() {
        return pending().await;
    }
    loop {
        sleep(FOLLOW_RETURN_INTERVAL).await;
        for (at, url) in earlier.iter().enumerate() {
            let Ok(way) = follower.leaders.dial.connect(url, true).await else { continue };
            let Ok(status) = session::status(way).await else { continue };
            let Some(node) = &status.node else { continue };
            let is_same = status.log_id == follower.ledger.log_id().to_string();
            let has_all = status.log_size >= follower.ledger.durable().size;
            let is_newest = node.epoch >= follower.ledger.epoch();
            if node.role() == NodeRole::Leader && is_same && has_all && is_newest {
                return at;
            }
        }
    }
}
