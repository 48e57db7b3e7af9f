//! The transport's own errors, in our words.
//!
//! tonic answers a request that it cannot read before any handler runs, with codes of its own and without details:
//! OUT_OF_RANGE for a message over the limit, INTERNAL for one that is cut short or does not decode. Handlers always
//! attach details, so an answer with one of these codes and none is the transport's and is replaced here.
//!
//! Answers are compressed for who asks. Many clients say that they accept gzip without wanting it, and a server that is
//! fast enough to fill the wire gains nothing by it: gzip is for who compresses its own request so, zstd, which no client
//! offers unasked, for who accepts it.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use tonic::{Code, Status, body::Body};

use super::errors;
use crate::{limits::REQUEST_BYTES_MAX, protocol::pb::ErrorReason};

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

/// Leaves of the encodings that a client accepts those that it asks for.
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn answers_are_compressed_for_who_asks() {
        // What a client sends and accepts, and what it gets.
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
