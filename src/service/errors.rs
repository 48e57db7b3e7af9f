//! Errors on the wire: one table from each error to a gRPC status with its details.
//!
//! Every status carries `google.rpc.ErrorInfo` (domain `tidu`, reason from `error_reason.proto`).
//! If fields are at fault, it also carries `BadRequest` or `PreconditionFailure`. All details
//! together stay under 4 KiB: the first failures, then a total.

mod refused;

use std::{collections::HashMap, fmt::Display, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, PreconditionViolation, StatusExt as _};
use uuid::Uuid;

pub(crate) use self::refused::{refusal, retired, version_moved};
use super::{convert, entitled, phase::Awaited};
use crate::{
    domain::access::{Action, Beyond},
    domain::fault::{Breach, Fault, Faults, RuleId, echo},
    ledger::{ReadError, TaskEnded},
    limits::{
        CONFLICTS_MAX, DISK_RETRY_DELAY, ERROR_DETAILS_BYTES_MAX, ERROR_INFO_BYTES_MAX,
        ERROR_MESSAGE_BYTES_MAX, STARTING_RETRY_DELAY, STATUS_REJECTIONS_MAX,
    },
    log::{DiskLow, LogError},
    protocol::pb::ErrorReason,
};

const DOMAIN: &str = "tidu";

/// A status with its reason and metadata.
pub(crate) fn status<const N: usize>(
    code: Code,
    reason: ErrorReason,
    message: impl Into<String>,
    metadata: [(&str, String); N],
) -> Status {
    Status::with_error_details(code, message, info(reason.as_str_name(), metadata))
}

/// As [`status`], with any number of values.
pub(crate) fn with_metadata<'a>(
    code: Code,
    reason: ErrorReason,
    message: impl Into<String>,
    metadata: impl IntoIterator<Item = (&'a str, String)>,
) -> Status {
    Status::with_error_details(code, message, info(reason.as_str_name(), metadata))
}

/// Nothing is recorded about something. `redacted` are the events known then that have been
/// redacted since: one of them may have been about it.
pub(crate) fn not_found(reason: ErrorReason, what: &str, value: &str, redacted: &[u64]) -> Status {
    let message = format!("nothing is recorded about {what}");
    let value = ("value", echo(value));
    if redacted.is_empty() {
        return status(Code::NotFound, reason, message, [value]);
    }
    let positions: Vec<_> = redacted.iter().take(CONFLICTS_MAX).map(u64::to_string).collect();
    let message = format!(
        "{message}; {} of the events known then have been redacted since, the first at position {}",
        redacted.len(),
        positions.first().map_or("", String::as_str),
    );
    let positions = ("redacted_positions", positions.join(", "));
    status(Code::NotFound, reason, message, [value, positions])
}

pub(super) fn info<'a>(
    reason: &str,
    metadata: impl IntoIterator<Item = (&'a str, String)>,
) -> ErrorDetails {
    let reason = reason.strip_prefix("ERROR_REASON_").unwrap_or(reason);
    let metadata = metadata.into_iter().map(|(key, value)| (key.to_owned(), value));
    ErrorDetails::with_error_info(reason, DOMAIN, metadata.collect::<HashMap<_, _>>())
}

/// A fault of the server: INTERNAL. The caller learns only that; the cause goes to the server's own
/// log.
pub(crate) fn internal(cause: impl Display) -> Status {
    tracing::error!(%cause, "a request failed because of a fault of the server");
    let text = "internal error; the server's diagnostic output has the cause";
    status(Code::Internal, ErrorReason::Internal, text, [])
}

/// A field of the request whose value breaks a rule.
pub(crate) fn bad_field(field: &str, value: &str, breach: impl Into<Breach>) -> Status {
    let breach = breach.into();
    let place = [("field", field.to_owned()), ("value", echo(value))];
    let mut details = breach_info(&breach, place);
    details.add_bad_request_violation(field, breach.message());
    Status::with_error_details(Code::InvalidArgument, format!("{field}: {breach}"), details)
}

/// An enum number that this version of the protocol lacks.
pub(crate) fn unknown_enum(field: &str, number: i32) -> Status {
    bad_field(field, &number.to_string(), RuleId::EnumUnknown)
}

/// Bytes that do not decode as an event: INVALID_ARGUMENT.
pub(crate) fn unreadable_event(index: usize, error: &prost::DecodeError) -> Status {
    let (field, detail) = (format!("events[{index}]"), error.to_string());
    status(
        Code::InvalidArgument,
        ErrorReason::MalformedRequest,
        format!("{field} cannot be read: {detail}"),
        [("field", field), ("detail", echo(&detail))],
    )
}

/// A limit that is reached or exceeded, for the metadata of [`exhausted`] and [`queue_full`].
#[derive(Clone, Copy, Default)]
pub(crate) struct Limit<'a> {
    pub(crate) limit: u64,
    /// The unit of the limit and of the value, in the plural.
    pub(crate) unit: &'static str,
    /// The value that would exceed it, if it is known.
    pub(crate) value: Option<u64>,
    /// The field that exceeds it; empty if it is not about one field.
    pub(crate) field: &'a str,
    /// The time after which the caller may try again, if waiting helps.
    pub(crate) retry: Option<Duration>,
}

/// A limit that the request exceeds: RESOURCE_EXHAUSTED.
pub(crate) fn exhausted(message: impl Into<String>, limit: Limit) -> Status {
    limited(ErrorReason::LimitExceeded, message, limit)
}

/// The load exceeds the room of the server, and the caller may try again: RESOURCE_EXHAUSTED.
pub(crate) fn queue_full(message: impl Into<String>, limit: Limit) -> Status {
    limited(ErrorReason::QueueFull, message, limit)
}

fn limited(reason: ErrorReason, message: impl Into<String>, limit: Limit) -> Status {
    let Limit { limit, unit, value, field, retry } = limit;
    let stated = [("limit", limit.to_string()), ("unit", unit.to_owned())];
    let value = value.map(|value| ("value", value.to_string()));
    let field = Some(("field", field.to_owned())).filter(|(_, field)| !field.is_empty());
    let mut details = info(reason.as_str_name(), stated.into_iter().chain(value).chain(field));
    if retry.is_some() {
        details.set_retry_info(retry);
    }
    Status::with_error_details(Code::ResourceExhausted, message, details)
}

/// A field with more entries, groups or bytes than it may have: RESOURCE_EXHAUSTED.
pub(crate) fn over_limit(field: &str, value: usize, limit: usize, unit: &'static str) -> Status {
    let message = format!("{field} has {value} {unit}; at most {limit} are allowed");
    let (limit, value) = (limit as u64, Some(value as u64));
    exhausted(message, Limit { limit, unit, value, field, retry: None })
}

/// Events that cannot be read: INVALID_ARGUMENT.
pub(crate) fn malformed(faults: &Faults) -> Status {
    let mut details = faults.first().map_or_else(ErrorDetails::new, fault_info);
    let violations =
        faults.iter().map(|fault| FieldViolation::new(convert::path(fault), sentence(fault)));
    let mut shown = Vec::new();
    let mut room = VIOLATIONS_BYTES_MAX;
    for violation in violations.take(STATUS_REJECTIONS_MAX) {
        let size = violation.field.len() + violation.description.len() + VIOLATION_OVERHEAD;
        if size > room {
            break;
        }
        room -= size;
        shown.push(violation);
    }
    details.set_bad_request(shown);
    Status::with_error_details(Code::InvalidArgument, summary(faults), details)
}

/// Events that the rules reject: FAILED_PRECONDITION.
pub(crate) fn rejected(faults: &Faults) -> Status {
    let mut details = faults.first().map_or_else(ErrorDetails::new, fault_info);
    let mut shown = Vec::new();
    let mut room = VIOLATIONS_BYTES_MAX;
    for fault in faults.iter().take(STATUS_REJECTIONS_MAX) {
        let violation = PreconditionViolation::new(
            convert::reason(fault.reason()),
            convert::path(fault),
            sentence(fault),
        );
        let size = violation.r#type.len() + violation.subject.len() + violation.description.len();
        if size + VIOLATION_OVERHEAD > room {
            break;
        }
        room -= size + VIOLATION_OVERHEAD;
        shown.push(violation);
    }
    details.set_precondition_failure(shown);
    Status::with_error_details(Code::FailedPrecondition, summary(faults), details)
}

/// Bytes of all violations: the ErrorInfo and the message take the rest of the details.
const VIOLATIONS_BYTES_MAX: usize =
    ERROR_DETAILS_BYTES_MAX - ERROR_INFO_BYTES_MAX - ERROR_MESSAGE_BYTES_MAX;
/// Bytes of the keys and lengths of one violation, and of its type.
const VIOLATION_OVERHEAD: usize = 16;

fn fault_info(fault: &Fault) -> ErrorDetails {
    let conflicts: Vec<_> = fault.conflicts.iter().map(u64::to_string).collect();
    let place = [
        ("index", fault.index.to_string()),
        ("field", convert::path(fault)),
        ("value", fault.value.clone()),
        ("conflicts", conflicts.join(",")),
    ];
    let not_shown =
        (fault.not_shown > 0).then(|| ("conflicts_not_shown", fault.not_shown.to_string()));
    breach_info(&fault.breach, place.into_iter().chain(not_shown))
}

/// The ErrorInfo of a breach: its place, its rule, and the values in the text of the rule.
fn breach_info(
    breach: &Breach,
    place: impl IntoIterator<Item = (&'static str, String)>,
) -> ErrorDetails {
    let rule = [("rule_id", breach.rule().as_str().to_owned()), ("rule", breach.rule_text())];
    let values = breach.metadata().map(|(key, value)| (key, value.to_owned()));
    let metadata = values.chain(rule).chain(place);
    info(convert::reason(breach.reason()), metadata)
}

fn summary(faults: &Faults) -> String {
    let Some(first) = faults.first() else { return String::new() };
    let more = match faults.total() {
        1 => String::new(),
        count => format!(" (and {} more; validate_only lists them)", count - 1),
    };
    let mut shown = format!("{} {}", convert::path(first), sentence(first));
    // A value of the most characters that have to be escaped is longer than its rule foresees.
    let room = ERROR_MESSAGE_BYTES_MAX - more.len();
    shown.truncate(shown.floor_char_boundary(room));
    shown + &more
}

fn sentence(fault: &Fault) -> String {
    let Fault { value, breach, not_shown, .. } = fault;
    let hidden = match not_shown {
        0 => String::new(),
        count => format!(" (conflicts: {count} not shown)"),
    };
    if value.is_empty() {
        return format!("{breach}{hidden}");
    }
    format!("{value:?}: {breach}{hidden}")
}

/// Rights that do not reach a part of a commit: PERMISSION_DENIED.
pub(crate) fn beyond_rights(principal: &str, action: Action, beyond: Option<Beyond>) -> Status {
    let action = action.name();
    match beyond {
        None => {
            let text = "the server no longer knows it";
            entitled::not_entitled(principal, action, text, [])
        }
        Some(Beyond { field, value }) => {
            let value = echo(&value);
            let text = format!("its rights do not reach {field} {value:?}");
            entitled::not_entitled(principal, action, &text, [("field", field), ("value", value)])
        }
    }
}

/// The credential of a caller has ended: UNAUTHENTICATED.
pub(crate) fn credential_expired(micros: i64) -> Status {
    let at = jiff::Timestamp::from_microsecond(micros).map(|at| at.to_string());
    let text = "the credential has expired; come again with a new one";
    let expired = [("expired", at.unwrap_or_default())];
    status(Code::Unauthenticated, ErrorReason::CredentialExpired, text, expired)
}

/// The disk is low: RESOURCE_EXHAUSTED, with the time after which to try again.
fn disk_low(low: &DiskLow) -> Status {
    let metadata = [
        ("free", low.free.to_string()),
        ("reserve", low.reserve.to_string()),
        ("unit", "bytes".to_owned()),
    ];
    let mut details = info(ErrorReason::DiskLow.as_str_name(), metadata);
    details.set_retry_info(Some(DISK_RETRY_DELAY));
    Status::with_error_details(
        Code::ResourceExhausted,
        format!("{low}; nothing was recorded"),
        details,
    )
}

/// The server opens its log; nothing was recorded.
pub(crate) fn starting(replayed: u64, events: u64, awaited: Option<Awaited>) -> Status {
    let (far, metadata) = match awaited {
        Some(Awaited { leader, why }) => (
            format!("it waits for an answer of {leader}: {why}"),
            [("leader", leader), ("detail", why)],
        ),
        None => (
            match events {
                0 => "its log is being opened".to_owned(),
                _ => format!("{replayed} of {events} events are replayed"),
            },
            [("replayed", replayed.to_string()), ("events", events.to_string())],
        ),
    };
    let mut details = info(ErrorReason::Starting.as_str_name(), metadata);
    details.set_retry_info(Some(STARTING_RETRY_DELAY));
    Status::with_error_details(Code::Unavailable, format!("the server is starting: {far}"), details)
}

/// The server is draining; nothing was recorded.
pub(crate) fn draining() -> Status {
    let text = "the server is shutting down; nothing was recorded";
    status(Code::Unavailable, ErrorReason::Draining, text, [])
}

/// The caller's deadline has passed, and its call is abandoned: DEADLINE_EXCEEDED.
pub(crate) fn deadline_passed() -> Status {
    let text = "the deadline has passed; a commit that was queued before it may be recorded";
    status(Code::DeadlineExceeded, ErrorReason::DeadlinePassed, text, [])
}

impl From<ReadError> for Status {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Log(error) => error.into(),
            ReadError::Ended(ended) => ended.into(),
            ReadError::GivenUp(given_up) => given_up.into(),
        }
    }
}

/// DATA_LOSS is for damage alone, because callers stop for ever on it. After an I/O error the
/// process ends and its next start may well read the log, so that is UNAVAILABLE. The other errors
/// occur when a log is opened, before any call.
impl From<LogError> for Status {
    fn from(error: LogError) -> Self {
        let detail = error.to_string();
        match error {
            LogError::Damaged { position, .. } => {
                tracing::error!(position, %detail, "a read found damage in the log");
                let metadata = [("detail", detail)];
                status(Code::DataLoss, ErrorReason::LogDamaged, "the log is damaged", metadata)
            }
            LogError::Io { .. } => {
                let text = "the log could not be read, and the server is shutting down; try again";
                status(Code::Unavailable, ErrorReason::LogFailed, text, [("detail", detail)])
            }
            LogError::Busy(_)
            | LogError::TooNew { .. }
            | LogError::Catalogue { .. }
            | LogError::NewerRules { .. }
            | LogError::NewerFact { .. }
            | LogError::NotDurable => internal(detail),
        }
    }
}

/// A task that ended says nothing about the log, so it is never DATA_LOSS.
impl From<TaskEnded> for Status {
    fn from(ended: TaskEnded) -> Self {
        match ended {
            TaskEnded::Cancelled => draining(),
            TaskEnded::Panicked => internal(ended),
        }
    }
}

/// Refuses a call that names another log than this one. An empty name means any.
pub(crate) fn require_log(log_id: Uuid, expected: &str) -> Result<(), Status> {
    let log_id = log_id.to_string();
    if expected.is_empty() || expected == log_id {
        return Ok(());
    }
    Err(status(
        Code::FailedPrecondition,
        ErrorReason::LogIdMismatch,
        "the server's log is not the one named; start again from position 0",
        [("log_id", log_id), ("expected", echo(expected))],
    ))
}

/// A position past the end of the log: OUT_OF_RANGE.
pub(crate) fn beyond_log(field: &str, position: u64, size: u64) -> Status {
    status(
        Code::OutOfRange,
        ErrorReason::PositionBeyondLog,
        format!("{field} {position} is beyond the log, which has {size} events"),
        [
            ("field", field.to_owned()),
            ("value", position.to_string()),
            ("log_size", size.to_string()),
        ],
    )
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, io};

    use prost::Message as _;
    use strum::IntoEnumIterator as _;
    use tonic_types::StatusExt as _;

    use super::*;
    use crate::{
        domain::fault,
        ledger::AppendError,
        limits::{
            CONFLICTS_MAX, ECHO_CHARS_MAX, FAULT_BYTES_MAX, LOG_EVENTS_MAX, QUEUE_BYTES_MAX,
            QUEUE_RETRY_DELAY,
        },
    };

    /// Code, reason and metadata keys of a status, which must have its ErrorInfo.
    fn parts(status: impl Into<Status>) -> (Code, String, Vec<String>) {
        let status = status.into();
        let info = status.get_details_error_info().expect("an ErrorInfo");
        assert_eq!(info.domain, DOMAIN);
        (status.code(), info.reason, info.metadata.into_keys().collect())
    }

    /// A fault with the longest texts that the rule allows.
    fn longest(rule: RuleId, character: &str) -> Fault {
        let field = "corrected.replacement.environment_assessed.indicators[63].value".to_owned();
        let value = character.repeat(ECHO_CHARS_MAX + 1);
        let conflicts = vec![u64::from(u32::MAX); CONFLICTS_MAX];
        Fault { conflicts, ..Fault::new(9_999, field, &value, fault::tests::longest(rule)) }
    }

    #[test]
    fn the_longest_fault_of_each_rule_fits_its_messages() {
        // The others are escaped in messages.
        let characters = ["𠮷", "\u{301}", "\u{E0041}"];
        let each = RuleId::iter().flat_map(|rule| characters.map(|character| (rule, character)));
        for (rule, character) in each {
            let fault = longest(rule, character);
            let size = convert::rejection(fault.clone()).encoded_len();
            assert!(size <= FAULT_BYTES_MAX, "{rule:?}: a rejection has {size} bytes");
            let size = convert::warning(fault.clone()).encoded_len();
            assert!(size <= FAULT_BYTES_MAX, "{rule:?}: a warning has {size} bytes");
            let mut faults = Faults::of_commit();
            (0..STATUS_REJECTIONS_MAX).for_each(|_| faults.add(rule, || fault.clone()));
            for status in [rejected(&faults), malformed(&faults)] {
                let message = status.message().len();
                assert!(message <= ERROR_MESSAGE_BYTES_MAX, "{rule:?}: {message} bytes");
                let details = status.details().len();
                assert!(details <= ERROR_DETAILS_BYTES_MAX, "{rule:?}: {details} bytes");
            }
        }
    }

    #[test]
    fn a_limit_says_how_much_of_what_and_when_to_try_again() {
        let given = |status: Status| {
            let metadata: BTreeMap<_, _> =
                status.get_details_error_info().unwrap().metadata.into_iter().collect();
            let retry = status.get_details_retry_info().and_then(|retry| retry.retry_delay);
            let words = metadata.iter().map(|(key, value)| format!("{key}={value}"));
            (words.collect::<Vec<_>>().join(" "), retry)
        };
        let whole = over_limit("events", 10_001, 10_000, "entries");
        let expected = "field=events limit=10000 unit=entries value=10001";
        assert_eq!(given(whole), (expected.to_owned(), None));
        let full = refusal(AppendError::QueueFull);
        assert_eq!(parts(full.clone()).1, "QUEUE_FULL");
        let expected = format!("limit={QUEUE_BYTES_MAX} unit=bytes");
        assert_eq!(given(full), (expected, Some(QUEUE_RETRY_DELAY)));
        let expected = format!("limit={LOG_EVENTS_MAX} unit=events");
        assert_eq!(given(refusal(AppendError::LogFull)), (expected, None));
    }

    #[test]
    fn only_damage_is_data_loss() {
        let io = || LogError::io("read the log", io::Error::other("injected"));
        let table: [(ReadError, Code, &str, &[&str]); 8] = [
            (LogError::damaged(7, "injected").into(), Code::DataLoss, "LOG_DAMAGED", &["detail"]),
            (io().into(), Code::Unavailable, "LOG_FAILED", &["detail"]),
            (LogError::Busy("data".into()).into(), Code::Internal, "INTERNAL", &[]),
            (LogError::TooNew { found: 9, known: 1 }.into(), Code::Internal, "INTERNAL", &[]),
            (LogError::NewerRules { found: 2, known: 1 }.into(), Code::Internal, "INTERNAL", &[]),
            (LogError::NotDurable.into(), Code::Internal, "INTERNAL", &[]),
            (TaskEnded::Cancelled.into(), Code::Unavailable, "DRAINING", &[]),
            (TaskEnded::Panicked.into(), Code::Internal, "INTERNAL", &[]),
        ];
        for (error, code, reason, keys) in table {
            let shown = error.to_string();
            let keys = keys.iter().map(|key| (*key).to_owned()).collect();
            assert_eq!(parts(error), (code, reason.to_owned(), keys), "{shown}");
        }
    }
}
