//! Headers and trailers: those of the call pass, those of the two protocols stay on their side.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Headers of Connect and of the body of a request. The gRPC request has its own in their place.
const OF_CONNECT: [&str; 11] = [
    "accept-encoding",
    "connection",
    "connect-accept-encoding",
    "connect-content-encoding",
    "connect-protocol-version",
    "connect-timeout-ms",
    "content-encoding",
    "content-length",
    "content-type",
    "te",
    "transfer-encoding",
];

/// The headers of the gRPC request of a call.
pub(super) fn of_call(headers: HeaderMap) -> HeaderMap {
    let mut kept = headers;
    for name in OF_CONNECT {
        while kept.remove(name).is_some() {}
    }
    let of_grpc: Vec<_> =
        kept.keys().filter(|name| name.as_str().starts_with("grpc-")).cloned().collect();
    for name in of_grpc {
        while kept.remove(&name).is_some() {}
    }
    kept.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    kept.insert(header::TE, HeaderValue::from_static("trailers"));
    kept
}

/// The headers or trailers of an answer that are the call's own.
pub(super) fn of_answer(headers: &HeaderMap) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
    let is_own = |(name, _): &(&HeaderName, &HeaderValue)| {
        let name = name.as_str();
        let of_protocol = name.starts_with("grpc-");
        !of_protocol && !matches!(name, "content-type" | "content-length" | "content-encoding")
    };
    headers.iter().filter(is_own)
}

/// Copies the headers of an answer, and its trailers behind a prefix, to an answer without any.
pub(super) fn copy(from: &HeaderMap, trailers: &HeaderMap, to: &mut HeaderMap) {
    for (name, value) in of_answer(from) {
        to.append(name, value.clone());
    }
    for (name, value) in of_answer(trailers) {
        if let Ok(name) = HeaderName::try_from(format!("trailer-{name}")) {
            to.append(name, value.clone());
        }
    }
}
