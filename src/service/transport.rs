//! The transport's own errors, in our words.
//!
//! tonic answers a request that it cannot read before any handler runs, with codes of its own and without details:
//! OUT_OF_RANGE for a message over the limit, INTERNAL for one that is cut short or does not decode. Handlers always
//! attach details, so an answer with one of these codes and none is the transport's and is replaced here.

use bytes::Bytes;
use http::{HeaderMap, Response};
use tonic::{Code, Status, body::Body};

use super::errors;
use crate::{domain::limits::REQUEST_BYTES_MAX, pb::ErrorReason};

/// Replaces the transport's own error, if the answer is one.
pub(crate) fn reword<B>(response: Response<B>) -> Response<Body>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    match replacement(response.headers()) {
        Some(status) => status.into_http(),
        None => response.map(Body::new),
    }
}

fn replacement(headers: &HeaderMap) -> Option<Status> {
    let status = Status::from_header_map(headers)?;
    if !status.details().is_empty() {
        return None;
    }
    match status.code() {
        Code::OutOfRange => Some(errors::status(
            Code::ResourceExhausted,
            ErrorReason::LimitExceeded,
            format!("the request has more than {REQUEST_BYTES_MAX} bytes; split it"),
            [("limit", REQUEST_BYTES_MAX.to_string())],
        )),
        Code::Internal => Some(errors::status(
            Code::InvalidArgument,
            ErrorReason::MalformedRequest,
            format!("the request cannot be read: {}", status.message()),
            [("detail", crate::domain::fault::echo(status.message()))],
        )),
        _ => None,
    }
}
