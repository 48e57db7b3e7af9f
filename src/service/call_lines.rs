//! The log lines of calls: one for each call that fails, and one each for the beginning and the end
//! of a stream.
//!
//! A caller's own doing is told at the level debug: a call that succeeds, a stream that reaches its
//! end, a caller that goes away. The messages of errors are left out: they repeat what the caller
//! sent. Code and reason say what an operator needs.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, uri::PathAndQuery};
use http_body::{Frame, SizeHint};
use tokio::time::Instant;
use tonic::{Code, Status, body::Body};
use tonic_types::StatusExt as _;
use tower::Service;
use tracing::Span;

use super::{
    call::Caller,
    calls::{UNKNOWN, code_name},
    commit_line::{CommitOfCall, milliseconds},
    tracing_calls::{Sampling, note_end},
};
use crate::{domain::fault::echo, protocol::pb::ErrorReason};

const APPEND: &str = "/tidu.v1.LedgerService/Append";
/// The methods whose answer is a stream.
const STREAMS: [&str; 6] = [
    "/tidu.v1.LedgerService/Subscribe",
    "/tidu.v1.RegisterService/ExportRegister",
    "/tidu.v1.AdminService/Verify",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// A service that tells of its calls, and traces some of them.
#[derive(Clone)]
pub(crate) struct CallLines<S> {
    pub(crate) inner: S,
    /// `None`: no call is traced.
    pub(crate) sampling: Option<Sampling>,
}

impl<S, B> Service<Request<B>> for CallLines<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible>,
    S::Future: Unpin,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Told<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let mut call = ToldCall::of(&request);
        if let Some(sampling) = self.sampling {
            call.span = sampling.span(request.uri().path(), &call.caller, request.headers());
        }
        let span = call.span.clone();
        Told { answer: self.inner.call(request), span, call: Some(call) }
    }
}

/// Tells of a call that a layer outside this one refuses.
pub(super) fn tell_refused<B>(request: &Request<B>, status: &Status) {
    ToldCall::of(request).failed(status);
}

/// Tells of a request that is not a call, whatever method its path names.
pub(super) fn tell_stray<B>(request: &Request<B>, status: &Status) {
    let mut call = ToldCall::of(request);
    call.path = None;
    call.failed(status);
}

/// A call that is being answered.
pub(crate) struct Told<F> {
    answer: F,
    span: Span,
    call: Option<ToldCall>,
}

impl<F> Future for Told<F>
where
    F: Future<Output = Result<Response<Body>, Infallible>> + Unpin,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let _inside = this.span.enter();
        let response = match ready!(Pin::new(&mut this.answer).poll(context)) {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let told = match this.call.take() {
            Some(call) => call.answered(response),
            None => response,
        };
        Poll::Ready(Ok(told))
    }
}

/// What is told of a call.
struct ToldCall {
    /// `None`: it is not a call.
    path: Option<PathAndQuery>,
    caller: Caller,
    began: Instant,
    /// None if the call is not traced.
    span: Span,
    /// True once its end is told.
    ended: bool,
}

impl ToldCall {
    fn of<B>(request: &Request<B>) -> Self {
        Self {
            path: request.uri().path_and_query().cloned(),
            caller: Caller::of(request.extensions()),
            began: Instant::now(),
            span: Span::none(),
            ended: false,
        }
    }

    fn path(&self) -> &str {
        self.path.as_ref().map_or("", PathAndQuery::path)
    }

    /// The method as metrics and lines name it; shortened, because a caller may name any.
    fn method(&self) -> String {
        match self.path().trim_start_matches('/') {
            "" => UNKNOWN.to_owned(),
            method => echo(method),
        }
    }

    fn is_stream(&self) -> bool {
        STREAMS.contains(&self.path())
    }

    /// Tells how the call was answered. The body of a stream tells of its own end.
    fn answered(mut self, response: Response<Body>) -> Response<Body> {
        if let Some(status) = failure(&response) {
            self.failed(&status);
            return response;
        }
        if self.is_stream() {
            tracing::debug!(
                method = %self.method(),
                principal = %self.caller.principal_name(),
                peer = %self.caller.peer_text(),
                "a stream opened"
            );
            return response.map(|body| Body::new(ToldStream { body, call: self }));
        }
        self.note_end(Code::Ok, "");
        tracing::debug!(
            method = %self.method(),
            principal = %self.caller.principal_name(),
            peer = %self.caller.peer_text(),
            code = code_name(Code::Ok),
            duration_ms = milliseconds(self.began.elapsed()),
            "a call was answered"
        );
        response
    }

    /// Tells of a call that failed before anything was answered.
    fn failed(&mut self, status: &Status) {
        let (commit, reason) = (CommitOfCall::of(status), reason(status));
        self.note_end(status.code(), &reason);
        if self.path() == APPEND && commit.is_none_or(|commit| !commit.validate_only) {
            return self.commit_failed(status, &reason, commit);
        }
        tracing::info!(
            method = %self.method(),
            principal = %self.caller.principal_name(),
            peer = %self.caller.peer_text(),
            code = code_name(status.code()),
            reason,
            duration_ms = milliseconds(self.began.elapsed()),
            "refused a call"
        );
    }

    fn commit_failed(&self, status: &Status, reason: &str, commit: Option<&CommitOfCall>) {
        macro_rules! tell {
            ($text:literal) => {
                tracing::info!(
                    request_id = commit.map(|commit| &*commit.request_id),
                    principal = %self.caller.principal_name(),
                    peer = %self.caller.peer_text(),
                    events = commit.map(|commit| commit.events),
                    code = code_name(status.code()),
                    reason,
                    duration_ms = milliseconds(self.began.elapsed()),
                    $text
                )
            };
        }
        if commit.is_some() && leaves_open(reason) {
            tell!("a commit got no receipt; it may be recorded");
        } else {
            tell!("refused a commit");
        }
    }

    /// Notes that the end is told, and in the span how it ended.
    fn note_end(&mut self, code: Code, reason: &str) {
        self.ended = true;
        note_end(&self.span, code, code_name(code), reason);
    }

    /// Tells of the end of a stream. `None`: its last message was sent.
    fn stream_ended(&mut self, status: Option<&Status>) {
        let reason = status.map(reason).unwrap_or_default();
        self.note_end(status.map_or(Code::Ok, Status::code), &reason);
        macro_rules! tell {
            ($level:ident, $code:expr, $cause:expr) => {
                tracing::$level!(
                    method = %self.method(),
                    principal = %self.caller.principal_name(),
                    peer = %self.caller.peer_text(),
                    code = code_name($code),
                    cause = %$cause,
                    duration_ms = milliseconds(self.began.elapsed()),
                    "a stream ended"
                )
            };
        }
        match status {
            Some(status) => tell!(info, status.code(), reason),
            None => tell!(debug, Code::Ok, "its last message was sent"),
        }
    }
}

impl Drop for ToldCall {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        self.note_end(Code::Cancelled, "");
        tracing::debug!(
            method = %self.method(),
            principal = %self.caller.principal_name(),
            peer = %self.caller.peer_text(),
            duration_ms = milliseconds(self.began.elapsed()),
            "a call ended, because its caller went away or took nothing"
        );
    }
}

/// The body of a stream, which tells of its end.
struct ToldStream {
    body: Body,
    call: ToldCall,
}

impl http_body::Body for ToldStream {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let span = self.call.span.clone();
        let _inside = span.enter();
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_ref() {
                    let status = of_headers(trailers);
                    self.call.stream_ended(status.as_ref());
                }
            }
            Some(Err(status)) => self.call.stream_ended(Some(status)),
            None if !self.call.ended => self.call.stream_ended(None),
            None => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The status of an answer that is nothing but a failure.
fn failure(response: &Response<Body>) -> Option<Status> {
    let kept = response.extensions().get::<Status>().cloned();
    let status = kept.or_else(|| Status::from_header_map(response.headers()))?;
    Some(status).filter(|status| status.code() != Code::Ok)
}

/// The failure in trailers.
fn of_headers(headers: &HeaderMap) -> Option<Status> {
    Status::from_header_map(headers).filter(|status| status.code() != Code::Ok)
}

/// The reason of a failure, or its code if it has none.
fn reason(status: &Status) -> String {
    let reason = status.get_details_error_info().map(|info| info.reason);
    reason.unwrap_or_else(|| code_name(status.code()).to_owned())
}

/// True for the reasons with which a commit that a handler had may still be recorded.
fn leaves_open(reason: &str) -> bool {
    let named = |known: ErrorReason| known.as_str_name().ends_with(&format!("REASON_{reason}"));
    [ErrorReason::DeadlinePassed, ErrorReason::LogFailed, ErrorReason::Internal]
        .into_iter()
        .any(named)
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use prost_types::FileDescriptorSet;

    use super::*;
    use crate::protocol::pb;

    #[test]
    fn the_list_of_streams_is_that_of_the_services() {
        let mut found = Vec::new();
        for descriptors in [
            pb::DESCRIPTORS,
            tonic_health::pb::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
        ] {
            for file in FileDescriptorSet::decode(descriptors).unwrap().file {
                for service in &file.service {
                    let name = format!("{}.{}", file.package(), service.name());
                    let streams = service.method.iter().filter(|method| method.server_streaming());
                    found.extend(streams.map(|method| format!("/{name}/{}", method.name())));
                }
            }
        }
        found.sort();
        let mut listed = STREAMS.map(str::to_owned).to_vec();
        listed.sort();
        assert_eq!(listed, found);
    }

    #[test]
    fn an_open_outcome_is_not_called_a_refusal() {
        for open in ["DEADLINE_PASSED", "LOG_FAILED", "INTERNAL"] {
            assert!(leaves_open(open), "{open}");
        }
        for refused in ["DRAINING", "QUEUE_FULL", "FAILED", "", "BANNED"] {
            assert!(!leaves_open(refused), "{refused}");
        }
    }
}
