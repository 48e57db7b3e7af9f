//! Adds details to what tonic answers by itself, and chooses the encoding of responses.
//!
//! The intake refuses what cannot be read before tonic has it. Two kinds of answers without details
//! are left. INVALID_ARGUMENT is a message that does not decode (see `protocol/codec.rs`).
//! OUT_OF_RANGE, INTERNAL or UNKNOWN is a fault of the server, which is never blamed on the caller.
//!
//! Responses are compressed on request. A client that accepts zstd gets it, because no client
//! advertises zstd by default. Many clients advertise gzip by default, and compressing for them
//! would cost the server time without need. So a client gets gzip only if it sent gzip.

use http::{HeaderMap, HeaderValue, Request};
use tonic::{Code, Status};

use super::errors;
use crate::{domain::fault::echo, protocol::pb::ErrorReason};

/// Reduces the encodings that a client accepts to the one that it gets.
pub(crate) fn choose_encoding<B>(mut request: Request<B>) -> Request<B> {
    const ACCEPTED: &str = "grpc-accept-encoding";
    let headers = request.headers_mut();
    let uses_gzip = headers.get("grpc-encoding").is_some_and(|encoding| encoding == "gzip");
    let chosen = headers.get(ACCEPTED).and_then(|accepted| {
        let accepts = |name| accepted.to_str().is_ok_and(|names| lists(names, name));
        match (accepts("zstd"), accepts("gzip") && uses_gzip) {
            (true, _) => Some(HeaderValue::from_static("zstd")),
            (false, true) => Some(HeaderValue::from_static("gzip")),
            (false, false) => None,
        }
    });
    match chosen {
        Some(chosen) => drop(headers.insert(ACCEPTED, chosen)),
        None => drop(headers.remove(ACCEPTED)),
    }
    request
}

fn lists(names: &str, name: &str) -> bool {
    names.split(',').any(|listed| listed.trim() == name)
}

/// A status of the transport's own with details; any other as it is.
pub(super) fn detailed(status: Status) -> Status {
    match status.details() {
        [] => with_details(&status).unwrap_or(status),
        _ => status,
    }
}

/// What replaces the transport's own error, if the answer with these headers is one.
pub(crate) fn replacement(headers: &HeaderMap) -> Option<Status> {
    if headers.contains_key("grpc-status-details-bin") {
        return None;
    }
    with_details(&Status::from_header_map(headers)?)
}

fn with_details(status: &Status) -> Option<Status> {
    let text = status.message();
    match status.code() {
        Code::InvalidArgument => Some(errors::status(
            Code::InvalidArgument,
            ErrorReason::MalformedRequest,
            format!("the request cannot be read: {}", echo(text)),
            [("detail", echo(text))],
        )),
        Code::OutOfRange | Code::Internal | Code::Unknown => Some(errors::internal(text)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods)]

    use tonic::body::Body;
    use tonic_types::StatusExt as _;

    use super::*;

    /// The code and reason into which a status is turned.
    fn reworded(status: Status) -> (Code, Option<String>) {
        let answer = status.into_http::<Body>();
        let told = || Status::from_header_map(answer.headers()).unwrap();
        let status = replacement(answer.headers()).unwrap_or_else(told);
        (status.code(), status.get_details_error_info().map(|info| info.reason))
    }

    #[test]
    fn a_fault_of_the_server_is_never_blamed_on_the_caller() {
        let bare = |code, text| reworded(Status::new(code, text));
        let internal = (Code::Internal, Some("INTERNAL".to_owned()));
        for code in [Code::Internal, Code::OutOfRange, Code::Unknown] {
            assert_eq!(bare(code, "task 7 panicked"), internal);
            assert_eq!(bare(code, ""), internal);
        }
        let ours = errors::internal("injected");
        assert_eq!(reworded(ours), internal, "details are left as they are");
        let malformed = (Code::InvalidArgument, Some("MALFORMED_REQUEST".to_owned()));
        assert_eq!(bare(Code::InvalidArgument, "invalid varint"), malformed);
        // As the standard services answer.
        assert_eq!(bare(Code::NotFound, "unknown service"), (Code::NotFound, None));
    }

    #[test]
    fn responses_are_compressed_on_request() {
        // The encodings that a client sends and accepts, and the one that it gets.
        let table = [
            (None, None, None),
            (None, Some("identity, deflate, gzip"), None),
            (Some("gzip"), Some("identity, deflate, gzip"), Some("gzip")),
            (Some("gzip"), None, None),
            (None, Some("gzip,zstd"), Some("zstd")),
            (Some("zstd"), Some("zstd"), Some("zstd")),
            (Some("deflate"), Some("deflate"), None),
        ];
        for (sends, accepts, gets) in table {
            let mut request = Request::builder();
            for (key, value) in [("grpc-encoding", sends), ("grpc-accept-encoding", accepts)] {
                if let Some(value) = value {
                    request = request.header(key, value);
                }
            }
            let chosen = choose_encoding(request.body(()).unwrap());
            let chosen = chosen.headers().get("grpc-accept-encoding");
            assert_eq!(chosen.map(|c| c.to_str().unwrap()), gets, "{sends:?} {accepts:?}");
        }
    }
}
