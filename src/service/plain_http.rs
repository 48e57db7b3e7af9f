//! Answers to requests that are no calls: a browser, a probe, a client of another protocol. Each
//! gets a few lines that say what this port speaks, and the fault in the headers of gRPC too.
//!
//! This layer is around the one for gRPC-Web, which answers such requests with nothing but a 400.
//! Calls of Connect do not come here (`connect/`). A request in JSON without that content type is
//! refused: a page of another origin can send it, and a browser asks nobody before.

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

use super::{
    Request, Response,
    call_lines::tell_stray,
    calls::Calls,
    connect::Methods,
    errors,
    intake::discard,
    web::{accepts, error_json, is_page},
};
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
    pub(super) methods: Arc<Methods>,
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
        let (method, path) = (request.method(), request.uri().path());
        let is_method = self.methods.has(path);
        let at = (path, is_method);
        let Some(fault) = fault_of(method, at, request.version(), request.headers()) else {
            return Either::Left(self.inner.call(request));
        };
        let refusal = fault.refusal();
        self.calls.stray(&request, &refusal);
        tell_stray(&request, &refusal);
        let as_json = accepts(request.headers(), "application/json");
        Either::Right(Box::pin(async move {
            if request.version() < Version::HTTP_2 {
                discard(request.into_body(), Instant::now()).await;
            }
            Ok(answer(&fault, &refusal, as_json))
        }))
    }
}

/// Why a request is not a call.
struct Fault {
    status: StatusCode,
    text: String,
    /// The methods of HTTP that its path has, if that is the fault.
    allow: Option<&'static str>,
}

impl Fault {
    fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into(), allow: None }
    }

    /// The path is asked with another method.
    fn method(method: &Method, path: &str, allow: &'static str) -> Self {
        let text = format!(
            "its method is {}, and {} is asked with {allow}",
            echo(method.as_str()),
            echo(path)
        );
        Self { allow: Some(allow), ..Self::new(StatusCode::METHOD_NOT_ALLOWED, text) }
    }

    /// The fault in the form of gRPC.
    fn refusal(&self) -> Status {
        let detail = format!("this is not a call of gRPC: {}", self.text);
        let (code, reason) = (Code::InvalidArgument, ErrorReason::MalformedRequest);
        errors::status(code, reason, detail.clone(), [("detail", detail)])
    }
}

/// The fault of a request that is not a call. It is told whether its path is that of a method.
fn fault_of(
    method: &Method,
    (path, is_method): (&str, bool),
    version: Version,
    headers: &HeaderMap,
) -> Option<Fault> {
    let stated = headers.get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let stated = String::from_utf8_lossy(stated);
    let is_grpc = stated.starts_with("application/grpc");
    if is_page(path) {
        return Some(Fault::method(method, path, "GET, HEAD"));
    }
    if !is_grpc && !is_method {
        let text = format!("there is nothing at {}", echo(path));
        return Some(Fault::new(StatusCode::NOT_FOUND, text));
    }
    if method != Method::POST {
        return Some(Fault::method(method, path, "POST"));
    }
    match version >= Version::HTTP_2 {
        // What follows that beginning is for the intake.
        true if is_grpc => return None,
        false if WEB.contains(&&*stated) => return None,
        _ => {}
    }
    if is_grpc && !stated.starts_with("application/grpc-web") {
        let text = "it came over HTTP/1.1, and gRPC needs HTTP/2";
        return Some(Fault::new(StatusCode::BAD_REQUEST, text));
    }
    let states = match stated.is_empty() {
        true => "it states no content-type".to_owned(),
        false => format!("its content-type is {}", echo(&stated)),
    };
    let text = format!("{states}, and a call in JSON states application/json");
    Some(Fault::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text))
}

fn answer(fault: &Fault, refusal: &Status, as_json: bool) -> Response {
    let (kind, body) = match as_json {
        true => ("application/json", format!("{}\n", error_json(refusal))),
        false => ("text/plain; charset=utf-8", page(refusal.message())),
    };
    let mut answer = refusal.clone().into_http::<Body>();
    *answer.body_mut() = Body::new(body);
    *answer.status_mut() = fault.status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Some(allow) = fault.allow {
        headers.insert(header::ALLOW, HeaderValue::from_static(allow));
    }
    answer
}

fn page(detail: &str) -> String {
    format!(
        "This port speaks gRPC (HTTP/2), gRPC-Web and Connect, and answers GET /v1/events.\n\
         The request was refused: {detail}.\n\
         \n\
         To look around:  tidu status --server http://HOST:PORT\n\
         With curl:       curl http://HOST:PORT/v1/events?follow=false\n\
         A call in JSON:  curl -H 'content-type: application/json' -d '{{}}' \
         http://HOST:PORT/tidu.v1.AdminService/GetStatus\n\
         With grpcurl:    grpcurl -plaintext HOST:PORT list\n\
         Probes call grpc.health.v1.Health/Check.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "/tidu.v1.AdminService/GetStatus";

    #[test]
    fn only_calls_come_in() {
        let (grpc, web) = ("application/grpc", "application/grpc-web+proto");
        let refused = |method: Method, path: &str, version, content: &str| {
            let mut headers = HeaderMap::new();
            if !content.is_empty() {
                headers.insert(header::CONTENT_TYPE, content.parse().unwrap());
            }
            fault_of(&method, (path, path == STATUS), version, &headers)
                .map(|fault| fault.status.as_u16())
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
            let what = format!("{version:?} {content}");
            assert_eq!(refused(Method::POST, STATUS, version, content), expected, "{what}");
            assert_eq!(refused(Method::GET, STATUS, version, content), Some(405), "{what}");
            // What is no method is nothing, unless it is asked for as one.
            let is_grpc = content.starts_with("application/grpc");
            let nowhere = if is_grpc { expected } else { Some(404) };
            assert_eq!(refused(Method::POST, "/nowhere", version, content), nowhere, "{what}");
            assert_eq!(refused(Method::POST, "/v1/events", version, content), Some(405), "{what}");
        }
    }

    #[test]
    fn a_refusal_tells_people_and_programs() {
        use tonic_types::StatusExt as _;

        let headers = HeaderMap::new();
        for (path, allow) in [(STATUS, "POST"), ("/v1/events", "GET, HEAD")] {
            let at = (path, path == STATUS);
            let fault = fault_of(&Method::DELETE, at, Version::HTTP_11, &headers).unwrap();
            let refused = answer(&fault, &fault.refusal(), false);
            assert_eq!(refused.headers()[header::ALLOW], allow);
            assert_eq!(refused.headers()[header::CONTENT_TYPE], "text/plain; charset=utf-8");
            let status = Status::from_header_map(refused.headers()).unwrap();
            assert_eq!(status.get_details_error_info().unwrap().reason, "MALFORMED_REQUEST");
            let refused = answer(&fault, &fault.refusal(), true);
            assert_eq!(refused.headers()[header::CONTENT_TYPE], "application/json");
        }
    }
}
