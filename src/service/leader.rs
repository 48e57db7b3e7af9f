//! The leader as the services of a follower know it, and their answers when that does not do.

use std::{fmt, sync::Arc, time::Duration};

use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use tower::{BoxError, util::BoxCloneSyncService};
use uuid::Uuid;

use super::{Request, Response, errors};
use crate::{
    domain::fault::echo,
    limits::{ARRIVAL_RETRY_DELAY, LEADER_RETRY_DELAY},
    protocol::pb::ErrorReason,
};

/// A connection on which calls are handed on.
pub type Way = BoxCloneSyncService<Request, Response, BoxError>;

/// Whose writes a node takes.
#[derive(Clone, Debug, Default)]
pub enum Writes {
    /// Its own callers', until it hands its log over.
    #[default]
    Here,
    /// Nobody's: it follows a leader.
    There(Arc<dyn Leader>),
}

/// The leader of this node, as the one who follows it knows it.
pub trait Leader: fmt::Debug + Send + Sync {
    /// The last news of it.
    fn heard(&self) -> Heard;

    /// The way to it; `None` if this node refuses writes and does not hand them on.
    fn way(&self) -> Option<Way>;

    /// The name of this node, which a call that is handed on carries.
    fn node(&self) -> &str;
}

/// The last news of a leader.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Its address, where a client may call it.
    pub address: String,
    /// The size of its log; `None` before the first contact.
    pub size: Option<u64>,
    /// True if it follows another node itself, which may have more.
    pub is_relay: bool,
    /// The time since the last contact; `None` before the first one.
    pub age: Option<Duration>,
    /// Its epoch.
    pub epoch: u64,
    /// True if it was found to have another log, or another history: it gets no writes of ours.
    pub is_strange: bool,
}

/// A position has not reached this follower: UNAVAILABLE, with the lag and with the time after
/// which to try again.
pub(super) fn not_here_yet(field: &str, position: u64, size: u64, heard: &Heard) -> Status {
    let place = [
        ("field", field.to_owned()),
        ("value", position.to_string()),
        ("log_size", size.to_string()),
    ];
    let leader = heard.size.map(|size| ("leader_size", size.to_string()));
    let age = heard.age.map(|age| ("contact_seconds", age.as_secs().to_string()));
    let lag = match (heard.size, heard.age) {
        (Some(of_leader), Some(age)) => {
            format!("; its leader, heard {} s ago, has {of_leader}", age.as_secs())
        }
        _ => "; it has not heard its leader yet".to_owned(),
    };
    let reason = ErrorReason::NotHereYet.as_str_name();
    let mut details = errors::info(reason, place.into_iter().chain(leader).chain(age));
    details.set_retry_info(Some(ARRIVAL_RETRY_DELAY));
    let text = format!("{field} {position} is not on this node yet, which has {size} events{lag}");
    Status::with_error_details(Code::Unavailable, text, details)
}

/// This node takes no writes and hands none on: FAILED_PRECONDITION, with the leader's address. A
/// leader with another log is not one for the writes of this one.
pub(super) fn takes_no_writes(heard: &Heard) -> Status {
    if heard.is_strange {
        let text = "this node has stopped following, because its leader has another log or \
                    another history: it takes no writes and hands none on";
        return errors::status(Code::FailedPrecondition, ErrorReason::Follower, text, []);
    }
    let leader = &heard.address;
    let text = format!("this node is a follower and takes no writes; its leader is {leader}");
    let leader = [("leader", leader.clone())];
    errors::status(Code::FailedPrecondition, ErrorReason::Follower, text, leader)
}

/// The leader gave no answer to a call that was handed on: UNAVAILABLE.
pub(super) fn unreachable(heard: &Heard) -> Status {
    let leader = &heard.address;
    let reason = ErrorReason::Follower.as_str_name();
    let mut details = errors::info(reason, [("leader", leader.clone())]);
    details.set_retry_info(Some(LEADER_RETRY_DELAY));
    let text = format!(
        "this node is a follower, and its leader {leader} gave no answer; whether something was \
         recorded is unknown: repeat it with the same request_id"
    );
    Status::with_error_details(Code::Unavailable, text, details)
}

/// A call was handed on to a node that would have to hand it on again: FAILED_PRECONDITION.
pub(super) fn looped(node: &str, heard: &Heard) -> Status {
    let leader = &heard.address;
    let node = echo(node);
    let text = format!(
        "the call was handed on by {node:?}, and this node is a follower, too; its leader is \
         {leader}"
    );
    let places = [("node", node), ("leader", leader.clone())];
    errors::status(Code::FailedPrecondition, ErrorReason::Looped, text, places)
}

/// A call comes from a node that has another log: FAILED_PRECONDITION.
pub(super) fn other_log(own: Uuid, of_caller: &str) -> Status {
    let text = "the node that handed the call on has another log than this one; nothing is \
                recorded: call a node of the log that you mean";
    let ids = [("log_id", own.to_string()), ("expected", echo(of_caller))];
    errors::status(Code::FailedPrecondition, ErrorReason::LogIdMismatch, text, ids)
}

/// A call comes from a node of another epoch: FAILED_PRECONDITION.
pub(super) fn stale_epoch(own: u64, of_caller: u64) -> Status {
    let (epoch, known) = (own.min(of_caller), own.max(of_caller));
    let who = if own < of_caller { "this node" } else { "the node that handed the call on" };
    let text = format!("{who} is of epoch {epoch} and has been succeeded: epoch {known} is known");
    let epochs = [("epoch", epoch.to_string()), ("known_epoch", known.to_string())];
    errors::status(Code::FailedPrecondition, ErrorReason::StaleEpoch, text, epochs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard() -> Heard {
        let (size, age) = (Some(60), Some(Duration::from_secs(2)));
        Heard {
            address: "https://10.0.0.1:50051".to_owned(),
            size,
            age,
            epoch: 3,
            ..Heard::default()
        }
    }

    fn told(status: &Status) -> (Code, String) {
        let info = status.get_details_error_info().expect("an ErrorInfo");
        let mut values: Vec<_> = info.metadata.iter().map(|(k, v)| format!("{k}={v}")).collect();
        values.sort();
        (status.code(), format!("{} {}", info.reason, values.join(" ")))
    }

    #[test]
    fn each_refusal_says_where_to_go_on() {
        let leader = "leader=https://10.0.0.1:50051";
        let lag = "contact_seconds=2 field=known_at leader_size=60 log_size=42 value=50";
        let expected = |code, text: &str| (code, text.to_owned());
        let status = not_here_yet("known_at", 50, 42, &heard());
        assert_eq!(told(&status), expected(Code::Unavailable, &format!("NOT_HERE_YET {lag}")));
        let retry = status.get_details_retry_info().and_then(|retry| retry.retry_delay);
        assert_eq!(retry, Some(ARRIVAL_RETRY_DELAY));
        let unheard = told(&not_here_yet("known_at", 50, 42, &Heard::default()));
        let text = "NOT_HERE_YET field=known_at log_size=42 value=50";
        assert_eq!(unheard, expected(Code::Unavailable, text));
        let refused = expected(Code::FailedPrecondition, &format!("FOLLOWER {leader}"));
        assert_eq!(told(&takes_no_writes(&heard())), refused);
        let strange = takes_no_writes(&Heard { is_strange: true, ..heard() });
        assert_eq!(told(&strange), expected(Code::FailedPrecondition, "FOLLOWER "));
        assert!(strange.message().contains("another log"), "{strange}");
        let away = expected(Code::Unavailable, &format!("FOLLOWER {leader}"));
        assert_eq!(told(&unreachable(&heard())), away);
        let circle = expected(Code::FailedPrecondition, &format!("LOOPED {leader} node=third"));
        assert_eq!(told(&looped("third", &heard())), circle);
        let stale = expected(Code::FailedPrecondition, "STALE_EPOCH epoch=2 known_epoch=3");
        assert_eq!(told(&stale_epoch(2, 3)), stale);
        assert_eq!(told(&stale_epoch(3, 2)), stale);
    }
}
