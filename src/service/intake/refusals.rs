//! How a request is refused before any handler has it. Each refusal names the limit, its unit and
//! the value, or the fault of the bytes.

use std::time::Duration;

use http::{HeaderValue, Response, StatusCode};
use tonic::{Code, Status, body::Body};

use super::{budget::NoRoom, methods::Method};
use crate::{
    domain::fault::echo,
    limits::{
        HEADERS_BYTES_MAX, MESSAGE_DURATION_MAX, MESSAGE_RATE_MIN, QUEUE_RETRY_DELAY,
        REFLECTION_MESSAGES_MAX,
    },
    protocol::{json::Unread, pb::ErrorReason, wire::WireError},
    service::errors::{self, Limit},
};

/// The packings of requests that the server reads, as a client may state them.
const ENCODINGS: &str = "gzip,zstd,identity";

/// The request cannot be read: INVALID_ARGUMENT.
pub(super) fn malformed(detail: &str) -> Status {
    unreadable(echo(detail))
}

/// As [`malformed`], in words of the server's own: whatever the caller sent is shortened in them.
pub(crate) fn unreadable(detail: String) -> Status {
    let text = format!("the request cannot be read: {detail}");
    let (code, reason) = (Code::InvalidArgument, ErrorReason::MalformedRequest);
    errors::status(code, reason, text, [("detail", detail)])
}

/// A `grpc-timeout` that is none.
pub(super) fn timeout_form(stated: &HeaderValue) -> Status {
    let stated = String::from_utf8_lossy(stated.as_bytes());
    let text = "not up to eight digits and one of H, M, S, m, u and n";
    errors::status(
        Code::InvalidArgument,
        ErrorReason::MalformedRequest,
        format!("the request cannot be read: grpc-timeout is {text}"),
        [("detail", format!("grpc-timeout: {}", echo(&stated)))],
    )
}

/// The message has more bytes than its method takes. `value` is its size, or what it has at least.
pub(super) fn too_large(value: usize, method: &Method, unpacked: bool) -> Status {
    let (limit, unpacked) = (method.bytes_max, if unpacked { " when unpacked" } else { "" });
    let text = format!("the request has more than {limit} bytes{unpacked}; split it");
    let (limit, value) = (limit as u64, Some(value as u64));
    errors::exhausted(text, Limit { limit, unit: "bytes", value, ..Limit::default() })
}

/// The message would have more elements than may be built, or is none.
pub(super) fn not_decoded(refused: WireError) -> Status {
    let over = |text: String, limit: u32, unit, field: &str| {
        let (limit, value) = (u64::from(limit), Some(u64::from(limit) + 1));
        errors::exhausted(text, Limit { limit, unit, value, field, retry: None })
    };
    match refused {
        WireError::Malformed { detail, item: None } => malformed(detail),
        WireError::Malformed { detail, item: Some(item) } => {
            let field = format!("events[{item}]");
            let (text, detail) = (format!("{field} cannot be read: {detail}"), detail.to_owned());
            let metadata = [("field", field), ("detail", detail)];
            errors::status(Code::InvalidArgument, ErrorReason::MalformedRequest, text, metadata)
        }
        WireError::Elements(limit) => over(
            format!("the request has more than {limit} elements; split it"),
            limit,
            "elements",
            "",
        ),
        WireError::Items(limit) => {
            let text = format!("events has more than {limit} entries; at most {limit} are allowed");
            over(text, limit, "entries", "events")
        }
        WireError::ItemElements { item, limit } => {
            let field = format!("events[{item}]");
            over(format!("{field} has more than {limit} elements"), limit, "elements", &field)
        }
    }
}

/// The text is not the JSON of the message that the method takes.
pub(super) fn unread(unread: Unread, method: &Method) -> Status {
    match unread {
        Unread::Field { field, value, breach } => errors::bad_field(&field, &value, breach),
        Unread::Malformed { detail, field } if field.is_empty() => unreadable(detail),
        Unread::Malformed { detail, field } => {
            let text = format!("{field} cannot be read: {detail}");
            let metadata = [("field", field), ("detail", detail)];
            errors::status(Code::InvalidArgument, ErrorReason::MalformedRequest, text, metadata)
        }
        Unread::TooLarge { limit } => {
            let text = format!("the request has more than {limit} bytes as a message; split it");
            let (limit, value) = (limit as u64, Some(method.bytes_max as u64 + 1));
            errors::exhausted(text, Limit { limit, unit: "bytes", value, ..Limit::default() })
        }
        Unread::NoRoom => errors::deadline_passed(),
    }
}

/// The memory of requests is used up.
pub(super) fn no_room(refused: NoRoom) -> Status {
    let limit = refused.limit as u64;
    let text = format!("requests in flight use all of {limit} bytes; nothing was recorded");
    let retry = Some(QUEUE_RETRY_DELAY);
    errors::queue_full(text, Limit { limit, unit: "bytes", retry, ..Limit::default() })
}

/// The headers are larger than a request's may be.
pub(super) fn headers_too_large(value: usize) -> Status {
    let limit = HEADERS_BYTES_MAX as u64;
    let text = format!("the headers have {value} bytes; at most {limit} are allowed");
    let value = Some(value as u64);
    errors::exhausted(text, Limit { limit, unit: "bytes", value, ..Limit::default() })
}

/// A stream on which the caller sends has more messages than it may.
pub(super) fn too_many_messages() -> Status {
    let limit = REFLECTION_MESSAGES_MAX as u64;
    let text = format!("the stream has more than {limit} messages; begin another one");
    let value = Some(limit + 1);
    errors::exhausted(text, Limit { limit, unit: "messages", value, ..Limit::default() })
}

/// The deadline has passed: the caller's own, or the one that the server sets.
pub(super) fn deadline_passed(default: Option<Duration>) -> Status {
    let Some(default) = default else { return errors::deadline_passed() };
    let seconds = default.as_secs();
    let text = format!("a call without a grpc-timeout has {seconds} seconds, and they have passed");
    too_late(text, seconds, "seconds")
}

/// The message did not arrive in its time.
pub(super) fn too_long_on_the_way() -> Status {
    let seconds = MESSAGE_DURATION_MAX.as_secs();
    let text = format!("the request did not arrive within {seconds} seconds; nothing was recorded");
    too_late(text, seconds, "seconds")
}

/// The message arrives too slowly.
pub(super) fn too_slow() -> Status {
    let rate = MESSAGE_RATE_MIN as u64;
    let text =
        format!("the request arrived with less than {rate} bytes a second; nothing was recorded");
    too_late(text, rate, "bytes a second")
}

fn too_late(text: String, limit: u64, unit: &str) -> Status {
    let metadata = [("limit", limit.to_string()), ("unit", unit.to_owned())];
    errors::status(Code::DeadlineExceeded, ErrorReason::DeadlinePassed, text, metadata)
}

/// No service has this method: UNIMPLEMENTED.
pub(super) fn method_unknown(path: &str) -> Status {
    let text = "the server has no such method; reflection lists those that it has";
    let value = [("value", echo(path))];
    errors::status(Code::Unimplemented, ErrorReason::MethodUnknown, text, value)
}

/// The message is packed in a way that the server does not read: UNIMPLEMENTED, with the ways that
/// it reads, as the gRPC protocol asks.
pub(super) fn encoding_unknown(stated: &HeaderValue) -> Status {
    of_unknown_encoding("grpc-encoding", &String::from_utf8_lossy(stated.as_bytes()))
}

/// As [`encoding_unknown`], for the encoding that another header or parameter states.
pub(crate) fn of_unknown_encoding(stated_by: &str, stated: &str) -> Status {
    let text = format!("{stated_by} is none of {ENCODINGS}");
    let value = [("value", echo(stated))];
    let mut status = errors::status(Code::Unimplemented, ErrorReason::EncodingUnknown, text, value);
    let accepted = tonic::metadata::AsciiMetadataValue::from_static(ENCODINGS);
    status.metadata_mut().insert("grpc-accept-encoding", accepted);
    status
}

/// The answer to a request that is not one of gRPC: an HTTP status, with the fault in the headers
/// of gRPC as well.
pub(super) fn not_grpc(code: StatusCode, detail: &str) -> Response<Body> {
    let mut answer = malformed(detail).into_http();
    *answer.status_mut() = code;
    answer
}
