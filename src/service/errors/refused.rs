//! The status of a commit that was not recorded.

use tonic::{Code, Status};

use super::{
    Limit, beyond_rights, credential_expired, disk_low, draining, exhausted, internal, queue_full,
    rejected, status,
};
use crate::{
    ledger::AppendError,
    limits::{JUDGED_FACTS_MAX, LOG_EVENTS_MAX, QUEUE_BYTES_MAX, QUEUE_RETRY_DELAY},
    protocol::pb::ErrorReason,
    service::acts,
};

/// The status of a commit that was not recorded.
pub(crate) fn refusal(refusal: AppendError) -> Status {
    let text = refusal.to_string();
    match refusal {
        AppendError::Rejected(faults) => rejected(&faults),
        AppendError::SizeMoved { found, expected } => status(
            Code::Aborted,
            ErrorReason::PreconditionMoved,
            text,
            [("log_size", found.to_string()), ("expected", expected.to_string())],
        ),
        AppendError::VersionMoved { designee, found, expected } => status(
            Code::Aborted,
            ErrorReason::PreconditionMoved,
            text,
            [
                ("designee", designee),
                ("version", found.to_string()),
                ("expected", expected.to_string()),
            ],
        ),
        AppendError::RequestReused { id, first } => status(
            Code::AlreadyExists,
            ErrorReason::RequestIdReused,
            text,
            [("request_id", id), ("first_position", first.to_string())],
        ),
        refused @ (AppendError::NotEntitled { .. }
        | AppendError::CredentialExpired { .. }
        | AppendError::ApprovalRequired { .. }
        | AppendError::ApprovedByProposer { .. }) => by_rights(text, refused),
        AppendError::QueueFull => {
            let (limit, retry) = (QUEUE_BYTES_MAX as u64, Some(QUEUE_RETRY_DELAY));
            queue_full(text, Limit { limit, unit: "bytes", retry, ..Limit::default() })
        }
        AppendError::LogFull => {
            let limit = LOG_EVENTS_MAX;
            exhausted(text, Limit { limit, unit: "events", ..Limit::default() })
        }
        AppendError::FactsToJudge => {
            let limit = ("limit", JUDGED_FACTS_MAX.to_string());
            let metadata = [limit, ("unit", "facts".to_owned())];
            status(Code::ResourceExhausted, ErrorReason::LimitExceeded, text, metadata)
        }
        AppendError::DiskLow(low) => disk_low(&low),
        AppendError::ReadOnly(detail) => {
            let metadata = [("detail", detail)];
            status(Code::Unavailable, ErrorReason::ReadOnly, text, metadata)
        }
        AppendError::Retired { successor, epoch } => retired(successor, epoch),
        AppendError::AuditFailed(detail) => acts::audit_failed(text, &detail),
        AppendError::Following => status(Code::FailedPrecondition, ErrorReason::Follower, text, []),
        AppendError::Draining => draining(),
        AppendError::Clock(detail) => {
            let metadata = [("detail", detail)];
            status(Code::Unavailable, ErrorReason::ClockUntrusted, text, metadata)
        }
        AppendError::Unknown => status(Code::Unavailable, ErrorReason::LogFailed, text, []),
    }
}

/// The same for a refusal by the rights of the caller.
fn by_rights(text: String, refused: AppendError) -> Status {
    match refused {
        AppendError::NotEntitled { principal, action, beyond } => {
            beyond_rights(&principal, action, beyond)
        }
        AppendError::CredentialExpired { micros } => credential_expired(micros),
        AppendError::ApprovalRequired { index, authority, kind } => status(
            Code::FailedPrecondition,
            ErrorReason::ApprovalRequired,
            format!("{text}: record it with --propose, and have it approved"),
            [
                ("field", format!("events[{index}]")),
                ("authority", authority.to_owned()),
                ("kind", kind.name().to_owned()),
            ],
        ),
        AppendError::ApprovedByProposer { principal } => status(
            Code::PermissionDenied,
            ErrorReason::ApprovedByProposer,
            text,
            [("principal", principal)],
        ),
        other => internal(other),
    }
}

/// The log is handed over: FAILED_PRECONDITION, with the successor.
pub(crate) fn retired(successor: String, epoch: u64) -> Status {
    let text = AppendError::Retired { successor: successor.clone(), epoch }.to_string();
    let metadata = [("successor", successor), ("epoch", epoch.to_string())];
    status(Code::FailedPrecondition, ErrorReason::Retired, text, metadata)
}

/// A designee has another version, which the caller may not know: ABORTED.
pub(crate) fn version_moved(designee: String, expected: u64) -> Status {
    status(
        Code::Aborted,
        ErrorReason::PreconditionMoved,
        format!("designee {designee} does not have version {expected}"),
        [("designee", designee), ("expected", expected.to_string())],
    )
}
