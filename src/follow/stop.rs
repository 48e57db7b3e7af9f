//! Why a follower leaves a leader: for a while, or for good.

use std::fmt;

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::{
    domain::text::cut,
    ledger::{AppendError, ApplyError, StopCause},
    limits::FOLLOW_REASON_BYTES_MAX,
    log::LogError,
};

/// Why a session with a leader ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// It may pass: the leader, or the next one, is tried again.
    Lost(String),
    /// The node at this place of the list leads again, and is to be preferred.
    Back(usize),
    /// It does not pass by itself: nothing more is followed.
    Stopped {
        /// The cause.
        cause: StopCause,
        /// The reason for people.
        why: String,
    },
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(why) | Self::Stopped { why, .. } => f.write_str(why),
            Self::Back(_) => f.write_str("an earlier node of the list leads again"),
        }
    }
}

pub(super) fn lost(why: impl Into<String>) -> Ended {
    Ended::Lost(reason(why.into()))
}

pub(super) fn stopped(cause: StopCause, why: impl Into<String>) -> Ended {
    Ended::Stopped { cause, why: reason(why.into()) }
}

/// A reason, which may repeat what another node said.
fn reason(why: String) -> String {
    cut(why, FOLLOW_REASON_BYTES_MAX)
}

impl From<ApplyError> for Ended {
    fn from(error: ApplyError) -> Self {
        let cause = match &error {
            ApplyError::Refused(
                AppendError::DiskLow(_)
                | AppendError::ReadOnly(_)
                | AppendError::Draining
                | AppendError::Unknown,
            ) => return lost(error.to_string()),
            ApplyError::OtherRoot { .. } => StopCause::Root,
            ApplyError::Gap { .. } => StopCause::Gap,
            ApplyError::Unreadable(LogError::Catalogue { .. }) => StopCause::Catalogue,
            ApplyError::Unreadable(
                LogError::NewerFact { .. } | LogError::NewerRules { .. } | LogError::TooNew { .. },
            ) => StopCause::Newer,
            ApplyError::BrokenCommit { .. }
            | ApplyError::Unreadable(_)
            | ApplyError::NotFollowing
            | ApplyError::Refused(_) => StopCause::Damaged,
        };
        stopped(cause, error.to_string())
    }
}

impl From<Status> for Ended {
    fn from(status: Status) -> Self {
        let info = status.get_details_error_info();
        let reason = info.map(|info| info.reason).unwrap_or_default();
        let why = format!("{:?} {reason}: {}", status.code(), status.message());
        match (status.code(), reason.as_str()) {
            (_, "LOG_ID_MISMATCH") => stopped(StopCause::LogId, why),
            (Code::OutOfRange, "POSITION_BEYOND_LOG") => stopped(StopCause::Ahead, why),
            // A credential may be renewed, and rights given.
            _ => lost(why),
        }
    }
}
