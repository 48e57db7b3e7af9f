//! Why a commit was not recorded.

use crate::{
    domain::{
        access::{Action, Beyond},
        fault::Faults,
        kind::Kind,
    },
    limits::{JUDGED_FACTS_MAX, LOG_EVENTS_MAX},
    log::DiskLow,
};

/// Why a commit was not recorded. Except for [`AppendError::Unknown`], nothing of it was.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendError {
    /// The rules say no.
    #[error("rejected by the rules")]
    Rejected(Faults),
    /// The log has another size than the precondition says.
    #[error("the log has {found} events, not {expected}")]
    SizeMoved {
        /// Size of the log.
        found: u64,
        /// Size that the precondition names.
        expected: u64,
    },
    /// An event about a designee was recorded after the version that the precondition names.
    #[error("designee {designee} has version {found}, not {expected}")]
    VersionMoved {
        /// Which designee.
        designee: String,
        /// Its version.
        found: u64,
        /// The version that the precondition names.
        expected: u64,
    },
    /// The request id was used with other content.
    #[error("the request id was used with other content, for the commit at position {first}")]
    RequestReused {
        /// The request id.
        id: String,
        /// Position of that commit.
        first: u64,
    },
    /// The rights of a principal do not reach so far.
    #[error(
        "{principal} may not {} {}",
        action.name(),
        beyond.as_ref().map_or("any more: it is no longer known", |beyond| beyond.field.as_str())
    )]
    NotEntitled {
        /// The principal.
        principal: String,
        /// What it may not do.
        action: Action,
        /// The field that its rights do not reach; `None` if it is no longer known.
        beyond: Option<Beyond>,
    },
    /// The credential of the caller ended before the turn of its commit.
    #[error("the credential of the caller has expired")]
    CredentialExpired {
        /// When, in microseconds since 1970.
        micros: i64,
    },
    /// An event needs the approval of a second principal.
    #[error("events[{index}] needs the approval of a second principal")]
    ApprovalRequired {
        /// Index of the event in its request.
        index: usize,
        /// The authority that states it.
        authority: &'static str,
        /// Its kind.
        kind: Kind,
    },
    /// The principal that approves is the one that proposed.
    #[error("{principal} has proposed this; another principal must approve it")]
    ApprovedByProposer {
        /// The principal.
        principal: String,
    },
    /// The queue of commits is full.
    #[error("the queue of commits that wait to be recorded is full")]
    QueueFull,
    /// The log has reached its largest size.
    #[error("the log is full: it holds at most {LOG_EVENTS_MAX} events")]
    LogFull,
    /// To judge the commit takes too long.
    #[error(
        "the events of the commit concern designees or batches with long records: to judge it, \
         more than {JUDGED_FACTS_MAX} facts on record must be read; split it"
    )]
    FactsToJudge,
    /// The disk is low. Appends work again by themselves once it has room.
    #[error("{0}")]
    DiskLow(DiskLow),
    /// The server serves reads only, for this reason.
    #[error("the server serves reads only: {0}")]
    ReadOnly(String),
    /// The ledger follows another one, which takes the appends.
    #[error("this node follows another one and takes no appends")]
    Following,
    /// The node has handed the log over.
    #[error("this node has handed its log over to {successor} and records nothing any more")]
    Retired {
        /// The name of the node that has taken it over.
        successor: String,
        /// The epoch that has ended.
        epoch: u64,
    },
    /// No sink of the audit trail takes lines. Appends work again by themselves once one does.
    #[error("no sink of the audit trail takes lines ({0}); nothing was recorded")]
    AuditFailed(String),
    /// The ledger is closing.
    #[error("the server is shutting down")]
    Draining,
    /// The clock cannot be trusted.
    #[error("{0}")]
    Clock(String),
    /// The log failed, and it is unknown whether the commit is durable.
    #[error("the log failed; it is unknown whether the commit was recorded")]
    Unknown,
}
