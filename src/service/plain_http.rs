//! Answers to requests that are no calls of gRPC: a browser, a probe, a client of another protocol.
//! Each gets a few lines that say what this port speaks, and the fault in the headers of gRPC too.
//!
//! This layer is around the one for gRPC-Web, which answers such requests with nothing but a 400.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::Either;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use tokio::time::Instant;
use tonic::{Code, Status, body::Body};
use tower::Service;

use super::{Request, Response, call_lines::tell_stray, calls::Calls, errors, intake::discard};
use crate::{domain::fault::echo, protocol::pb::ErrorReason};

/// The media types of gRPC-Web, as the layer for it reads them.
const WEB: [&str; 4] = [
    "application/grpc-web",
    "application/grpc-web+proto",
    "application/grpc-web-text",
    "application/grpc-web-text+proto",
];

/// A service that only calls of gRPC reach.
#[derive(Clone)]
pub(super) struct OnlyCalls<S> {
    pub(super) inner: S,
    pub(super) calls: Arc<Calls>,
}

type Refused = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

impl<S> Service<Request> for OnlyCalls<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<S::Future, Refused>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let Some(fault) = fault_of(request.method(), request.version(), request.headers()) else {
            return Either::Left(self.inner.call(request));
        };
        let refusal = fault.refusal();
        self.calls.stray(&request, &refusal);
        tell_stray(&request, &refusal);
        Either::Right(Box::pin(async move {
            if request.version() < Version::HTTP_2 {
                discard(request.into_body(), Instant::now()).await;
            }
            Ok(answer(fault.status, &refusal))
        }))
    }
}

/// Why a request is not a call.
struct Fault {
    status: StatusCode,
    text: String,
}

/// The fault of a request that is not a call.
fn fault_of(method: &Method, version: Version, headers: &HeaderMap) -> Option<Fault> {
    if method != Method::POST {
        let text = format!("its method is {}, and calls use POST", echo(method.as_str()));
        return Some(Fault { status: StatusCode::METHOD_NOT_ALLOWED, text });
    }
    let stated = headers.get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let stated = String::from_utf8_lossy(stated);
    let is_grpc = stated.starts_with("application/grpc");
    match version >= Version::HTTP_2 {
        // What follows that beginning is for the intake.
        true if is_grpc => return None,
        false if WEB.contains(&&*stated) => return None,
        _ => {}
    }
    if is_grpc && !stated.starts_with("application/grpc-web") {
        let text = "it came over HTTP/1.1, and gRPC needs HTTP/2".to_owned();
        return Some(Fault { status: StatusCode::BAD_REQUEST, text });
    }
    let text = match stated.is_empty() {
        true => "it states no content-type".to_owned(),
        false => format!("its content-type is {}", echo(&stated)),
    };
    Some(Fault { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, text })
}

impl Fault {
    /// The fault in the form of gRPC.
    fn refusal(&self) -> Status {
        let detail = format!("this is not a call of gRPC: {}", self.text);
        let (code, reason) = (Code::InvalidArgument, ErrorReason::MalformedRequest);
        errors::status(code, reason, detail.clone(), [("detail", detail)])
    }
}

fn answer(status: StatusCode, refusal: &Status) -> Response {
    let mut answer = refusal.clone().into_http::<Body>();
    *answer.body_mut() = Body::new(page(refusal.message()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, plain);
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    answer
}

fn page(detail: &str) -> String {
    format!(
        "This port speaks gRPC over HTTP/2 without TLS, and gRPC-Web (application/grpc-web+proto) \
         over HTTP/1.1 and HTTP/2. It has no web pages.\n\
         The request was refused: {detail}.\n\
         \n\
         To look around:  tidu status --server http://HOST:PORT\n\
         With grpcurl:    grpcurl -plaintext HOST:PORT list\n\
         Probes call grpc.health.v1.Health/Check.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_calls_come_in() {
        let (grpc, web) = ("application/grpc", "application/grpc-web+proto");
        let refused = |method: Method, version, content: &str| {
            let mut headers = HeaderMap::new();
            if !content.is_empty() {
                headers.insert(header::CONTENT_TYPE, content.parse().unwrap());
            }
            fault_of(&method, version, &headers).map(|fault| fault.status.as_u16())
        };
        let (one, two) = (Version::HTTP_11, Version::HTTP_2);
        let table = [
            (two, grpc, None),
            (two, "application/grpc+json", None),
            (two, web, None),
            (two, "application/json", Some(415)),
            (two, "", Some(415)),
            (one, web, None),
            (one, "application/grpc-web-text", None),
            (one, "application/grpc-web+json", Some(415)),
            (one, grpc, Some(400)),
            (one, "application/grpc+proto", Some(400)),
            (one, "text/plain", Some(415)),
            (one, "", Some(415)),
        ];
        for (version, content, expected) in table {
            assert_eq!(refused(Method::POST, version, content), expected, "{version:?} {content}");
            assert_eq!(refused(Method::GET, version, content), Some(405));
        }
    }

    #[test]
    fn a_refusal_tells_people_and_programs() {
        use tonic_types::StatusExt as _;

        let headers = HeaderMap::new();
        let fault = fault_of(&Method::GET, Version::HTTP_11, &headers).unwrap();
        let refused = answer(fault.status, &fault.refusal());
        assert_eq!(refused.headers()[header::ALLOW], "POST");
        assert_eq!(refused.headers()[header::CONTENT_TYPE], "text/plain; charset=utf-8");
        let status = Status::from_header_map(refused.headers()).unwrap();
        assert_eq!(status.get_details_error_info().unwrap().reason, "MALFORMED_REQUEST");
    }
}
