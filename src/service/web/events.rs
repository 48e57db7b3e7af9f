//! `GET /v1/events`: the call `Subscribe`, and how its answer begins.

use std::convert::Infallible;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version, header};
use http_body_util::Full;
use prost::Message as _;
use tonic::{Code, Status, body::Body};
use tower::{Service, ServiceExt as _};

use super::{
    Site, faults,
    lines::{Form, Lines},
    parameters::{Asked, read, refused},
    prefers::accepts,
    secured,
};
use crate::{
    protocol::pb::subscribe_request::Start,
    service::{Request, Response, frames::framed, intake::Unreadable},
};

const SUBSCRIBE: &str = "/tidu.v1.LedgerService/Subscribe";
/// The header by which a browser says which event it had last.
const LAST_EVENT_ID: &str = "last-event-id";
/// Headers about the body and the form of an answer, which the call states for itself.
const OWN: [&str; 10] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "grpc-accept-encoding",
    "grpc-encoding",
    "grpc-timeout",
    "te",
    "transfer-encoding",
];

/// What is asked, in which form.
struct Wanted {
    asked: Asked,
    /// The caller has everything below this position.
    known: Option<u64>,
}

/// Answers a request for events.
pub(super) async fn answer<S>(inner: S, request: Request, site: Site) -> Response
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    let is_head = request.method() == Method::HEAD;
    let accepted = Accepted::of(request.headers());
    let size = site.ledger.as_ref().map_or(0, |ledger| ledger.durable().size);
    let wanted = wanted(&request, size);
    let answer = match inner.oneshot(call_of(request, wanted.as_ref())).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    };
    let wanted = match (failure(&answer), wanted) {
        (None, Ok(wanted)) => wanted,
        (Some(status), _) | (None, Err(status)) => return faults::answer(&status),
    };
    // A browser comes again and again until it is told that there is nothing more.
    let stop = wanted.asked.request.stop_position;
    let is_over = wanted.known.zip(stop).is_some_and(|(known, stop)| known >= stop);
    if is_over && accepted == Accepted::ServerSent {
        return streamed(StatusCode::NO_CONTENT, None, Body::empty());
    }
    let (form, kind) = accepted.form(wanted.asked.progress);
    let body = match is_head {
        true => Body::empty(),
        false => {
            let known = wanted.known.unwrap_or(0);
            Lines::new(answer.into_body(), form, known, &site).into_body()
        }
    };
    streamed(StatusCode::OK, Some(kind), body)
}

/// Reads what a request asks.
fn wanted(request: &Request, size: u64) -> Result<Wanted, Status> {
    let mut asked = read(request.uri().query().unwrap_or_default())?;
    let known = known(request.headers())?;
    if let Some(known) = known
        && !matches!(asked.request.start, Some(Start::CursorId(_)))
    {
        asked.request.start = Some(Start::FromPosition(known));
    }
    if asked.ends {
        let stop = asked.request.stop_position.unwrap_or(size);
        asked.request.stop_position = Some(stop.min(size));
    }
    Ok(Wanted { asked, known })
}

/// The position below which the caller has everything.
fn known(headers: &HeaderMap) -> Result<Option<u64>, Status> {
    let Some(stated) = headers.get(LAST_EVENT_ID).filter(|stated| !stated.is_empty()) else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(stated.as_bytes());
    let rule = "it must be a position, as the server sent it";
    text.parse().map(Some).map_err(|_| refused("Last-Event-ID", &text, rule))
}

/// The call that a request makes. What cannot be read is refused where calls are.
fn call_of(request: Request, wanted: Result<&Wanted, &Status>) -> Request {
    let (mut parts, _) = request.into_parts();
    OWN.iter().for_each(|name| drop(parts.headers.remove(*name)));
    let grpc = HeaderValue::from_static("application/grpc");
    parts.headers.insert(header::CONTENT_TYPE, grpc);
    parts.headers.insert(header::TE, HeaderValue::from_static("trailers"));
    parts.method = Method::POST;
    parts.uri = Uri::from_static(SUBSCRIBE);
    parts.version = Version::HTTP_2;
    let body = match wanted {
        Ok(wanted) => Body::new(Full::new(framed(0, &wanted.asked.request.encode_to_vec()))),
        Err(status) => {
            parts.extensions.insert(Unreadable(status.clone()));
            Body::empty()
        }
    };
    Request::from_parts(parts, body)
}

/// The status of an answer that is nothing but a failure.
fn failure(answer: &Response) -> Option<Status> {
    let kept = answer.extensions().get::<Status>().cloned();
    let status = kept.or_else(|| Status::from_header_map(answer.headers()))?;
    Some(status).filter(|status| status.code() != Code::Ok)
}

/// The form that a caller accepts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Accepted {
    /// Whatever there is.
    Json,
    /// As people look at it in a browser, which would save lines of JSON as a file.
    Page,
    ServerSent,
}

impl Accepted {
    fn of(headers: &HeaderMap) -> Self {
        let accepts = |kind| accepts(headers, kind);
        match (accepts("text/event-stream"), accepts("text/html")) {
            (true, _) => Self::ServerSent,
            (false, true) => Self::Page,
            (false, false) => Self::Json,
        }
    }

    /// The form of the lines, and their media type.
    fn form(self, progress: bool) -> (Form, &'static str) {
        match self {
            Self::Json => (Form::Json { progress }, "application/x-ndjson"),
            Self::Page => (Form::Json { progress }, "text/plain; charset=utf-8"),
            Self::ServerSent => (Form::Sse, "text/event-stream"),
        }
    }
}

/// The answer whose lines follow. Nobody on the way keeps it, or holds it back.
fn streamed(status: StatusCode, kind: Option<&'static str>, body: Body) -> Response {
    let mut answer = secured(status, kind, body);
    let name = HeaderName::from_static("x-accel-buffering");
    answer.headers_mut().insert(name, HeaderValue::from_static("no"));
    answer
}
