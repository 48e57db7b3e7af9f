//! Counts every call: by method and code, its duration, and why it was refused and to whom.
//!
//! The layer [`Counted`] is around everything that answers calls: handlers, the catcher of their
//! panics, the intake. It is inside the layer of gRPC-Web, so that it sees each status as such.
//! What layers outside refuse is counted by `plain_http.rs` and by `hosts.rs`.
//!
//! A call ends with its status, in the headers or in the trailers; or it is dropped before, because
//! the client left or takes nothing. A call that succeeds is counted without an allocation.

use std::{
    borrow::Cow,
    collections::HashMap,
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use bytes::Bytes;
use http::{Extensions, HeaderMap, Request, Response};
use http_body::{Frame, SizeHint};
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use tokio::time::Instant;
use tonic::{Code, Status, body::Body};
use tower::Service;

use super::{
    audit_lines::Audited,
    call::{party_of, principal_of},
    intake::Intake,
    transport,
};
use crate::{
    domain::{Party, Principal},
    metrics::{Counter, DurationHistogram, Gauge, Metrics},
    trail::Trail,
};

const STATUS: &str = "grpc-status";
const DETAILS: &str = "grpc-status-details-bin";
/// The label of a path that no method has.
pub(super) const UNKNOWN: &str = "unknown";
/// The reason of an error that carries none.
const NONE: &str = "NONE";

/// What is counted of the calls of each method.
pub(crate) struct Calls {
    by_path: HashMap<String, Arc<OfMethod>>,
    unknown: Arc<OfMethod>,
    /// Denials get lines here, if the server has principals.
    trail: Option<Arc<Trail>>,
}

/// The series of one method, found once.
struct OfMethod {
    metrics: Arc<Metrics>,
    /// As in the label: `tidu.v1.LedgerService/Append`.
    name: Box<str>,
    succeeded: Counter,
    form: Form,
}

enum Form {
    Unary(DurationHistogram),
    Streaming {
        open: Gauge,
    },
    /// Nobody knows.
    Unknown,
}

impl Calls {
    /// Counts the calls of the methods that the intake knows.
    pub(crate) fn new(
        intake: &Intake,
        metrics: &Arc<Metrics>,
        trail: Option<&Arc<Trail>>,
    ) -> Arc<Self> {
        let series = |name: &str, form| {
            let succeeded = metrics.calls_total.with([name, code_name(Code::Ok)]);
            let (metrics, name) = (Arc::clone(metrics), Box::from(name));
            Arc::new(OfMethod { metrics, name, succeeded, form })
        };
        let of_method = |(path, is_unary): (&str, bool)| {
            let name = path.trim_start_matches('/');
            let form = if is_unary {
                Form::Unary(metrics.call_duration_seconds.with([name]))
            } else {
                Form::Streaming { open: metrics.streams.with([name]) }
            };
            (path.to_owned(), series(name, form))
        };
        let by_path = intake.methods().map(of_method).collect();
        let unknown = series(UNKNOWN, Form::Unknown);
        Arc::new(Self { by_path, unknown, trail: trail.cloned() })
    }

    fn of(&self, path: &str) -> &Arc<OfMethod> {
        self.by_path.get(path).unwrap_or(&self.unknown)
    }

    /// Counts a request that was refused before it came to the layer of calls.
    pub(crate) fn refused<B>(&self, request: &Request<B>, status: &Status) {
        let label = label_of(request.extensions());
        self.of(request.uri().path()).refused(&label, status.code(), reason_in(status.details()));
        self.note(request, status);
    }

    /// Counts a request that is not a call, whatever method its path names.
    pub(crate) fn stray<B>(&self, request: &Request<B>, status: &Status) {
        let label = label_of(request.extensions());
        self.unknown.refused(&label, status.code(), reason_in(status.details()));
        self.note(request, status);
    }

    /// Notes a refusal in the audit trail, if it is a denial.
    fn note<B>(&self, request: &Request<B>, status: &Status) {
        if let Some(audited) = self.audited(request) {
            audited.refused(status);
        }
    }

    fn audited<B>(&self, request: &Request<B>) -> Option<Box<Audited>> {
        Some(Box::new(Audited::of(self.trail.as_ref()?, request)))
    }
}

impl OfMethod {
    /// Counts an error as the end of a call.
    fn refused(&self, label: &str, code: Code, reason: Option<&str>) {
        self.metrics.calls_total.with([&self.name, code_name(code)]).inc();
        self.metrics.refusals_total.with([reason.unwrap_or(NONE)]).inc();
        self.metrics.party_refusals_total.with(label).inc();
    }
}

/// A call that has not ended. Dropped, it ends because the client left.
struct Running {
    method: Arc<OfMethod>,
    party: Party,
    /// Who calls, if it has proven who it is.
    principal: Option<Principal>,
    /// Who calls, if there is an audit trail.
    audited: Option<Box<Audited>>,
    began: Instant,
    /// True while it is an open stream.
    is_open: bool,
    has_ended: bool,
}

impl Running {
    fn new<B>(calls: &Calls, request: &Request<B>) -> Self {
        let method = Arc::clone(calls.of(request.uri().path()));
        let (party, audited) = (party_of(request.extensions()), calls.audited(request));
        let principal = principal_of(request.extensions()).cloned();
        let began = Instant::now();
        Self { method, party, principal, audited, began, is_open: false, has_ended: false }
    }

    /// Its answer begins.
    fn open(&mut self) {
        if let Form::Streaming { open } = &self.method.form {
            open.add(1);
            self.is_open = true;
        }
    }

    /// It ends with this code. An error has details.
    fn end(&mut self, code: Code, details: &[u8]) {
        if std::mem::replace(&mut self.has_ended, true) {
            return;
        }
        let reason = reason_in(details);
        match code {
            Code::Ok => self.method.succeeded.inc(),
            _ => self.method.refused(&label(self.party, self.principal.as_ref()), code, reason),
        }
        if let Some(audited) = &self.audited {
            audited.ended(code, details);
        }
        match (&self.method.form, code) {
            (Form::Unary(durations), _) => durations.observe(self.began.elapsed()),
            (Form::Streaming { .. }, Code::Ok) => self.close("COMPLETE"),
            (Form::Streaming { .. }, _) => self.close(reason.unwrap_or(NONE)),
            (Form::Unknown, _) => {}
        }
    }

    /// It ends with the status in these headers or trailers.
    fn end_as_told(&mut self, headers: &HeaderMap) {
        let Some(code) = headers.get(STATUS) else {
            return self.end(Code::Unknown, &[]);
        };
        let details = headers.get(DETAILS);
        let details = details.map(|details| BASE64_STANDARD_NO_PAD.decode(details.as_bytes()));
        let details = details.and_then(Result::ok).unwrap_or_default();
        self.end(Code::from_bytes(code.as_bytes()), &details);
    }

    /// The stream has ended.
    fn close(&mut self, cause: &str) {
        let OfMethod { metrics, name, form, .. } = &*self.method;
        metrics.streams_ended_total.with([name, cause]).inc();
        if let Form::Streaming { open } = form
            && std::mem::take(&mut self.is_open)
        {
            open.sub(1);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        let left = code_name(Code::Cancelled);
        self.method.metrics.calls_total.with([&self.method.name, left]).inc();
        if matches!(self.method.form, Form::Streaming { .. }) {
            self.close(left);
        }
    }
}

/// A service whose calls are counted. What the transport answers by itself gets its details here,
/// before it is counted: see `transport.rs`.
#[derive(Clone)]
pub(crate) struct Counted<S> {
    pub(crate) inner: S,
    pub(crate) calls: Arc<Calls>,
}

impl<S, B> Service<Request<Body>> for Counted<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible>,
    S::Future: Unpin,
    B: http_body::Body<Data = Bytes, Error = Status> + Send + Unpin + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let running = Running::new(&self.calls, &request);
        Answering { answer: self.inner.call(request), running: Some(running) }
    }
}

/// The answer to a call, on its way.
pub(crate) struct Answering<F> {
    answer: F,
    running: Option<Running>,
}

impl<F, B> Future for Answering<F>
where
    F: Future<Output = Result<Response<B>, Infallible>> + Unpin,
    B: http_body::Body<Data = Bytes, Error = Status> + Send + Unpin + 'static,
{
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Ok(answer) = ready!(Pin::new(&mut self.answer).poll(context));
        let Some(mut running) = self.running.take() else { return Poll::Pending };
        if let Some(status) = transport::replacement(answer.headers()) {
            running.end(status.code(), status.details());
            return Poll::Ready(Ok(status.into_http()));
        }
        if !answer.headers().contains_key(STATUS) {
            running.open();
            return Poll::Ready(Ok(answer.map(|body| Body::new(Watched { body, running }))));
        }
        match answer.extensions().get::<Status>() {
            Some(status) => running.end(status.code(), status.details()),
            None => running.end_as_told(answer.headers()),
        }
        Poll::Ready(Ok(answer.map(Body::new)))
    }
}

/// A body whose trailers end the call.
struct Watched<B> {
    body: B,
    running: Running,
}

impl<B> http_body::Body for Watched<B>
where
    B: http_body::Body<Data = Bytes, Error = Status> + Unpin,
{
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_ref() {
                    self.running.end_as_told(trailers);
                }
            }
            Some(Err(status)) => self.running.end(status.code(), status.details()),
            None => self.running.end(Code::Unknown, &[]),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.running.has_ended && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn label_of(extensions: &Extensions) -> Cow<'static, str> {
    label(party_of(extensions), principal_of(extensions))
}

/// The label of a party: the name of its principal, or else its address without the port.
fn label(party: Party, principal: Option<&Principal>) -> Cow<'static, str> {
    principal.map_or_else(|| name_of(party), |principal| principal.as_str().to_owned().into())
}

/// The name of a party: its address without the port.
pub(super) fn name_of(party: Party) -> Cow<'static, str> {
    match party {
        Party::Principal(hash) => format!("principal {hash:016x}").into(),
        Party::Local(address) => address.ip().to_string().into(),
        Party::Remote(address) => address.to_string().into(),
        Party::User(uid) => format!("user {uid}").into(),
        Party::Server => "server".into(),
    }
}

/// The name of a code, as the protocol of gRPC writes it, for metrics and log lines.
pub(super) fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// The reason in the ErrorInfo of a status, read from the bytes of its details.
fn reason_in(details: &[u8]) -> Option<&str> {
    // google.rpc.Status.details, google.protobuf.Any, google.rpc.ErrorInfo.reason
    const ALL: u32 = 3;
    const TYPE_URL: u32 = 1;
    const VALUE: u32 = 2;
    const REASON: u32 = 1;
    let is_info = |any: &&[u8]| {
        texts(any, TYPE_URL).next().is_some_and(|url| url.ends_with(b"/google.rpc.ErrorInfo"))
    };
    let info = texts(details, ALL).find(is_info)?;
    let reason = texts(texts(info, VALUE).next()?, REASON).next()?;
    std::str::from_utf8(reason).ok()
}

/// The texts, bytes and messages of one field of a message. Ends where the message cannot be read.
fn texts(mut message: &[u8], field: u32) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        loop {
            let (number, wire) = decode_key(&mut message).ok()?;
            if wire != WireType::LengthDelimited {
                skip_field(wire, number, &mut message, DecodeContext::default()).ok()?;
                continue;
            }
            let length = usize::try_from(decode_varint(&mut message).ok()?).ok()?;
            let (text, rest) = message.split_at_checked(length)?;
            message = rest;
            if number == field {
                return Some(text);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::{limits::QUEUE_RETRY_DELAY, protocol::pb::ErrorReason, service::errors};

    #[test]
    fn a_reason_is_read_wherever_its_detail_is() {
        let metadata = [("detail", "x".repeat(300))];
        let status = errors::status(Code::Aborted, ErrorReason::LogDamaged, "a text", metadata);
        assert_eq!(reason_in(status.details()), Some("LOG_DAMAGED"));
        // The time to wait is a detail before it.
        let retry = Some(QUEUE_RETRY_DELAY);
        let limit = errors::Limit { limit: 1, unit: "bytes", retry, ..Default::default() };
        assert_eq!(reason_in(errors::queue_full("full", limit).details()), Some("QUEUE_FULL"));
    }

    #[test]
    fn details_that_cannot_be_read_have_no_reason() {
        let status = errors::status(Code::Aborted, ErrorReason::LogDamaged, "a text", []);
        let whole = status.details();
        assert_eq!(reason_in(&[]), None);
        // A cut never reaches past the end.
        assert!((0..whole.len()).all(|end| reason_in(&whole[..end]).is_none()));
        let lies = [0x1a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(reason_in(&lies), None);
    }

    #[test]
    fn the_name_of_a_party_has_no_port() {
        let name = |peer: &str| name_of(Party::of(peer.parse().unwrap())).into_owned();
        assert_eq!(name("127.0.0.1:4000"), "127.0.0.1");
        assert_eq!(name("[::1]:4000"), "::1");
        assert_eq!(name("192.0.2.7:4000"), "192.0.2.7");
        assert_eq!(name("[2001:db8:0:1::7]:1"), "2001:db8:0:1::");
        assert_eq!(name_of(Party::Server), "server");
    }
}
