//! Calls that write, on a follower: they are handed on to the leader, or refused with its address.
//!
//! A call is handed on as it came, with the name of its caller: the leader judges the original
//! principal, as if it had called there. What the leader answers goes back as it is. A call is
//! handed on once: a second follower refuses it, so that calls never go in a circle.
//!
//! A follower hands a call on in one attempt. If the connection breaks, nobody here knows whether
//! the leader recorded it; the caller repeats it with the same request id, here or elsewhere.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::Either;
use http::{HeaderMap, HeaderName, HeaderValue, Method as Verb, StatusCode, Version, header};
use http_body_util::{BodyExt as _, Full, Limited};
use tokio::time::{Instant, timeout_at};
use tonic::{Status, body::Body};
use tonic_types::StatusExt as _;
use tower::{Service, ServiceExt as _};
use uuid::Uuid;

use super::{
    Request, Response,
    arrival::Arrivals,
    call::principal_of,
    errors,
    identify::ON_BEHALF_OF,
    intake::Deadline,
    leader::{Leader, Way, Writes, looped, other_log, stale_epoch, takes_no_writes, unreachable},
};
use crate::{
    ledger::Ledger,
    limits::{CALL_DURATION_DEFAULT, RESPONSE_BYTES_MAX},
    protocol::{methods::Method, pb::ErrorReason},
};

/// The header of a call that was handed on: the node that did it.
pub(super) const FORWARDED: &str = "tidu-forwarded";
/// The header with the epoch of the node that handed a call on.
pub(super) const EPOCH: &str = "tidu-epoch";
/// The header with the id of its log, which older versions do not send.
pub(super) const LOG_ID: &str = "tidu-log-id";
/// Headers of the caller that the leader gets as well: they join the traces.
const PASSED: [&str; 2] = ["traceparent", "tracestate"];
/// Bytes of an answer beside its message: the flag and the length.
const FRAME_BYTES: usize = 5;

/// In the extensions of an answer: the leader gave it.
#[derive(Clone, Copy, Debug)]
pub(super) struct ByLeader;

/// A service whose writes reach the leader, and whose reads wait for what is on its way.
#[derive(Clone)]
pub(super) struct Forwarding<S> {
    pub(super) inner: S,
    pub(super) writes: Writes,
    pub(super) ledger: Arc<Ledger>,
    /// `None` on a leader.
    pub(super) arrivals: Option<Arc<Arrivals>>,
}

type Answer = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

impl<S> Service<Request> for Forwarding<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<S::Future, Answer>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        if !Method::at(request.uri().path()).is_some_and(Method::writes) {
            if let Some(arrivals) = &self.arrivals {
                request.extensions_mut().insert(Arc::clone(arrivals));
            }
            return Either::Left(self.inner.call(request));
        }
        let leader = match &self.writes {
            Writes::Here => match not_taken(&self.ledger, request.headers()) {
                None => return Either::Left(self.inner.call(request)),
                Some(status) => return refused(status),
            },
            Writes::There(leader) => Arc::clone(leader),
        };
        if let Some(node) = request.headers().get(FORWARDED) {
            return refused(looped(&String::from_utf8_lossy(node.as_bytes()), &leader.heard()));
        }
        let Some(way) = leader.way() else { return refused(takes_no_writes(&leader.heard())) };
        let log_id = self.ledger.log_id();
        Either::Right(Box::pin(async move {
            let answer = hand_on(way, request, log_id, &*leader).await;
            let mut answer = answer.unwrap_or_else(Status::into_http);
            answer.extensions_mut().insert(ByLeader);
            Ok(answer)
        }))
    }
}

fn refused<F>(status: Status) -> Either<F, Answer> {
    Either::Right(Box::pin(async move { Ok(status.into_http()) }))
}

/// The refusal of a write here: the log is handed over, or a node with another log or of another
/// epoch hands it on.
fn not_taken(ledger: &Ledger, headers: &HeaderMap) -> Option<Status> {
    let own = ledger.epoch();
    if let Some(successor) = ledger.successor() {
        return Some(errors::retired(successor.to_string(), own));
    }
    if let Some(of_node) = headers.get(LOG_ID)
        && of_node.as_bytes() != ledger.log_id().to_string().as_bytes()
    {
        let of_node = String::from_utf8_lossy(of_node.as_bytes());
        return Some(other_log(ledger.log_id(), &of_node));
    }
    let stated = headers.get(EPOCH)?.to_str().ok()?.parse().ok()?;
    (stated != own).then(|| stale_epoch(own, stated))
}

/// Hands a call on, and gives the whole answer of the leader.
async fn hand_on(
    way: Way,
    request: Request,
    log_id: Uuid,
    leader: &dyn Leader,
) -> Result<Response, Status> {
    let deadline = request.extensions().get::<Deadline>().copied().unwrap_or_default();
    let at = deadline.at.unwrap_or_else(|| Instant::now() + CALL_DURATION_DEFAULT);
    let call = call_of(request, log_id, leader, at)?;
    let Ok(answered) = timeout_at(at, answer_of(way, call)).await else {
        return Err(deadline.passed());
    };
    let heard = leader.heard();
    let (answer, is_node_refused) = answered.map_err(|why| {
        tracing::warn!(leader = %heard.address, %why, "a call could not be handed on");
        unreachable(&heard)
    })?;
    if is_node_refused {
        // The caller named nobody: this node did.
        let why = "the leader knows this node by no certificate, and hears no names from it";
        tracing::warn!(leader = %heard.address, why, "a call could not be handed on");
        return Err(takes_no_writes(&heard));
    }
    Ok(answer)
}

/// True if the leader takes no calls of this node for somebody else.
fn refuses_node(said: &HeaderMap) -> bool {
    let info = Status::from_header_map(said).and_then(|said| said.get_details_error_info());
    let refused = ErrorReason::HandedIdentityRefused.as_str_name();
    info.is_some_and(|info| !info.reason.is_empty() && refused.ends_with(&info.reason))
}

/// The call as the leader gets it: with this node's own headers, and the message as it is.
fn call_of(
    request: Request,
    log_id: Uuid,
    leader: &dyn Leader,
    at: Instant,
) -> Result<Request, Status> {
    let (parts, body) = request.into_parts();
    let mut call = http::Request::new(body);
    *call.method_mut() = Verb::POST;
    *call.version_mut() = Version::HTTP_2;
    *call.uri_mut() = http::Uri::try_from(parts.uri.path()).map_err(errors::internal)?;
    let headers = call.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(header::TE, HeaderValue::from_static("trailers"));
    headers.insert("grpc-timeout", timeout(at.saturating_duration_since(Instant::now()))?);
    headers.insert(FORWARDED, value(leader.node())?);
    headers.insert(LOG_ID, value(&log_id.to_string())?);
    headers.insert(EPOCH, value(&leader.heard().epoch.to_string())?);
    if let Some(principal) = principal_of(&parts.extensions) {
        headers.insert(ON_BEHALF_OF, value(principal.as_str())?);
    }
    for name in PASSED {
        if let Some(passed) = parts.headers.get(name) {
            headers.insert(HeaderName::from_static(name), passed.clone());
        }
    }
    Ok(call)
}

fn value(text: &str) -> Result<HeaderValue, Status> {
    HeaderValue::from_str(text).map_err(errors::internal)
}

/// A time as the header `grpc-timeout` has it: at most eight digits.
fn timeout(left: Duration) -> Result<HeaderValue, Status> {
    const DIGITS_MAX: u128 = 99_999_999;
    let milliseconds = left.as_millis();
    match milliseconds <= DIGITS_MAX {
        true => value(&format!("{milliseconds}m")),
        false => value(&format!("{}S", left.as_secs())),
    }
}

/// The whole answer of the leader, and whether it refuses this node; why there is none.
async fn answer_of(way: Way, call: Request) -> Result<(Response, bool), String> {
    let answer = way.oneshot(call).await.map_err(|error| error.to_string())?;
    let (mut parts, body) = answer.into_parts();
    if parts.status != StatusCode::OK {
        return Err(format!("it answered with HTTP status {}", parts.status));
    }
    // A node sends nothing larger.
    let whole = Limited::new(body, RESPONSE_BYTES_MAX + FRAME_BYTES).collect().await;
    let whole = whole.map_err(|error| format!("its answer broke off: {error}"))?;
    let trailers = whole.trailers().cloned();
    let has_status = |headers: &HeaderMap| headers.contains_key("grpc-status");
    if !has_status(&parts.headers) && !trailers.as_ref().is_some_and(has_status) {
        return Err("its answer has no status".to_owned());
    }
    let said = trailers.as_ref().filter(|trailers| has_status(trailers));
    let is_node_refused = refuses_node(said.unwrap_or(&parts.headers));
    // The answer is one of this connection now.
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.version = Version::HTTP_2;
    let bytes = whole.to_bytes();
    let body = match trailers {
        None if bytes.is_empty() => Body::empty(),
        None => Body::new(Full::new(bytes)),
        Some(trailers) => {
            Body::new(Full::new(bytes).with_trailers(async move { Some(Ok(trailers)) }))
        }
    };
    Ok((Response::from_parts(parts, body), is_node_refused))
}
