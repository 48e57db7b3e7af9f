//! The intake: what becomes of the bytes of a request before a handler runs.
//!
//! A request is checked from its headers on: method, form, deadline. Its one message arrives within
//! a time and a rate, is bounded by its method, counted element by element, and unpacked. Only then
//! it goes on, plain and whole, to be decoded and handled. All its bytes come out of one budget
//! until it is answered. What cannot go on is refused here, with a status.
//!
//! ```text
//! methods.rs   what each method takes      budget.rs    the memory of all requests
//! form.rs      protobuf or JSON
//! receive.rs   one message arrives         deadline.rs  the time of a call
//! unpack.rs    gzip and zstd               stream.rs    messages of a stream
//! refusals.rs  how a request is refused
//! ```

mod budget;
mod deadline;
mod form;
mod methods;
mod receive;
mod refusals;
mod stream;
#[cfg(test)]
mod tests;
mod unpack;

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    vec,
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;
use prost::DecodeError;
use prost_types::FileDescriptorSet;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};
use tonic::{Status, body::Body};
use tower::Service;

pub(super) use self::refusals::{of_unknown_encoding, unreadable};
pub(crate) use self::{budget::Budget, deadline::Deadline, form::Form};
use self::{
    budget::Ticket,
    deadline::{Limited, Refusal},
    form::from_json,
    methods::{Method, Methods},
    receive::{Arrival, Received, receive},
    stream::Messages,
    unpack::{Packing, unpack},
};
use super::{call::party_of, turns::turns};
use crate::{
    domain::Party,
    ledger::HeldMemory,
    limits::{
        HEADERS_BYTES_MAX, IN_FLIGHT_BYTES_MAX, MESSAGE_DURATION_MAX, REQUEST_BYTES_MAX,
        REQUEST_OVERHEAD_BYTES,
    },
    metrics::Metrics,
};

type Answer = Result<Response<Body>, Infallible>;

/// What all requests share.
pub(crate) struct Intake {
    methods: Methods,
    budget: Arc<Budget>,
    /// Large messages that are unpacked or read from JSON at once: fewer than the machine has
    /// processors.
    unpacking: Semaphore,
}

impl Intake {
    /// An intake with so many bytes for all requests in flight.
    ///
    /// # Errors
    /// If the embedded descriptors cannot be read, which a test rules out.
    pub(crate) fn new(in_flight_bytes: usize, metrics: &Metrics) -> Result<Arc<Self>, DecodeError> {
        Ok(Self::with(Methods::new()?, in_flight_bytes, metrics))
    }

    /// An intake for other services, whose requests have at most so many bytes.
    pub(crate) fn of(files: &FileDescriptorSet, bytes_max: usize, metrics: &Metrics) -> Arc<Self> {
        Self::with(Methods::of(files, bytes_max), IN_FLIGHT_BYTES_MAX, metrics)
    }

    fn with(methods: Methods, in_flight_bytes: usize, metrics: &Metrics) -> Arc<Self> {
        let unpacking = turns();
        let budget = Budget::new(in_flight_bytes, metrics);
        Arc::new(Self { methods, budget, unpacking })
    }

    /// The path of each method, and whether a call is one message and one answer.
    pub(crate) fn methods(&self) -> impl Iterator<Item = (&str, bool)> {
        self.methods.all()
    }

    /// The memory of all requests in flight.
    pub(crate) fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }
}

/// A service whose requests pass the intake.
#[derive(Clone)]
pub(crate) struct Admitted<S> {
    pub(crate) inner: S,
    pub(crate) intake: Arc<Intake>,
}

impl<S> Service<Request<Body>> for Admitted<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // The clone is the one that is not ready yet.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let intake = Arc::clone(&self.intake);
        Box::pin(async move {
            let begun = Instant::now();
            let over_http2 = request.version() >= http::Version::HTTP_2;
            let (parts, mut body) = request.into_parts();
            let refused = match Call::read(&intake, &parts) {
                Ok(call) if call.method.streams => {
                    return call.stream(&mut inner, parts, body).await;
                }
                Ok(call) => match call.receive(&intake, &mut body).await {
                    Ok((call, message)) => return call.answer(&mut inner, parts, message).await,
                    Err(status) => status.into_http(),
                },
                Err(refused) => *refused,
            };
            if !over_http2 {
                discard(body, begun).await;
            }
            Ok(refused)
        })
    }
}

/// The account of a request's memory, for whoever keeps what was in it.
#[derive(Clone, Debug)]
pub(crate) struct InFlight(Arc<Ticket>);

impl InFlight {
    /// Counts memory that a request takes beside its own.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED/QUEUE_FULL if there is no room.
    pub(crate) fn more(budget: &Arc<Budget>, party: Party, bytes: usize) -> Result<Self, Status> {
        let ticket = budget.admit(party, bytes).map_err(refusals::no_room)?;
        Ok(Self(Arc::new(ticket)))
    }

    /// For the ledger, which need not know what it holds.
    pub(crate) fn held(self) -> HeldMemory {
        self.0
    }
}

/// In the extensions of a request that another form of HTTP was turned into: what it asks cannot be
/// read. It is refused here, because here its caller is known and its refusal is counted.
#[derive(Clone, Debug)]
pub(crate) struct Unreadable(pub(crate) Status);

/// A call whose headers were read.
struct Call {
    method: Method,
    form: Form,
    packing: Option<Packing>,
    deadline: Deadline,
    arrival: Arrival,
    ticket: Ticket,
}

impl Call {
    /// Reads the headers of a request.
    fn read(intake: &Intake, parts: &http::request::Parts) -> Result<Self, Box<Response<Body>>> {
        let http::request::Parts { method, uri, headers, extensions, .. } = parts;
        let is_post = method == http::Method::POST;
        require_grpc(is_post, headers)?;
        let refuse = |status: Status| Box::new(status.into_http());
        let bytes = require_small(headers).map_err(refuse)?;
        let path = uri.path();
        let method = intake.methods.find(path);
        let method = method.ok_or_else(|| refuse(refusals::method_unknown(path)))?;
        if let Some(Unreadable(status)) = extensions.get() {
            return Err(refuse(status.clone()));
        }
        let packing = packing(headers).map_err(refuse)?;
        let deadline = Deadline::of(headers, method.duration).map_err(refuse)?;
        if deadline.has_passed() {
            return Err(refuse(deadline.passed()));
        }
        let party = party_of(extensions);
        let admitted = intake.budget.admit(party, REQUEST_OVERHEAD_BYTES + bytes);
        let ticket = admitted.map_err(|refused| refuse(refusals::no_room(refused)))?;
        let form = extensions.get::<Form>().cloned().unwrap_or_default();
        Ok(Self { method, form, packing, deadline, arrival: Arrival::new(deadline), ticket })
    }

    /// Receives the message, plain, and takes what its decoding needs from the budget.
    async fn receive(mut self, intake: &Intake, body: &mut Body) -> Result<(Self, Plain), Status> {
        let Self { method, packing, .. } = self;
        let written = (&self.form, packing);
        let mut received = receive(body, &method, written, &self.arrival, &mut self.ticket).await?;
        if let Received::Packed { parts, packing } = received {
            let work = unpack((packing, parts), &self.form, method, self.ticket, &intake.unpacking);
            (received, self.ticket) = in_time(self.deadline, work).await?;
        }
        if let (Received::Plain { parts, .. }, Some(message)) = (&mut received, &self.form.json) {
            let (parts, message) = (std::mem::take(parts), message.clone());
            let work = from_json(parts, message, method, self.ticket, &intake.unpacking);
            (received, self.ticket) = in_time(self.deadline, work).await?;
        }
        let Received::Plain { parts, bytes, counts } = received else {
            return Err(refusals::malformed("a message that is packed twice"));
        };
        self.ticket.charge(method.decoded_bytes(bytes, counts)).map_err(refusals::no_room)?;
        Ok((self, Plain(parts.into_iter())))
    }

    /// Answers the call. Its bytes are free once its answer begins, unless its handler has left
    /// them to somebody.
    async fn answer<S>(
        self,
        inner: &mut S,
        mut parts: http::request::Parts,
        message: Plain,
    ) -> Answer
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    {
        // The message is plain by now.
        parts.headers.remove("grpc-encoding");
        parts.extensions.insert(self.deadline);
        let memory = InFlight(Arc::new(self.ticket));
        parts.extensions.insert(memory.clone());
        let answer = inner.call(Request::from_parts(parts, Body::new(message))).await?;
        drop(memory);
        // A deadline of the server's own is for the answer's beginning.
        if self.deadline.at.is_none() || self.deadline.default.is_some() {
            return Ok(answer);
        }
        Ok(answer.map(|body| Body::new(Limited::new(body, self.deadline, Refusal::default()))))
    }

    /// Answers a call on which the caller sends a stream.
    async fn stream<S>(self, inner: &mut S, mut parts: http::request::Parts, body: Body) -> Answer
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    {
        let refusal = Refusal::default();
        parts.headers.remove("grpc-encoding");
        parts.extensions.insert(self.deadline);
        let shared = Arc::clone(&refusal);
        let written = (self.form, self.packing);
        let messages = Messages::new(body, self.method, written, self.ticket, shared);
        let answer = inner.call(Request::from_parts(parts, Body::new(messages))).await?;
        Ok(answer.map(|body| Body::new(Limited::new(body, self.deadline, refusal))))
    }
}

/// What the work on a message gives, unless the deadline passes before.
async fn in_time<T>(
    deadline: Deadline,
    work: impl Future<Output = Result<T, Status>>,
) -> Result<T, Status> {
    match deadline.at {
        Some(at) => timeout_at(at, work).await.map_err(|_| deadline.passed())?,
        None => work.await,
    }
}

/// A whole message as the body of a request.
struct Plain(vec::IntoIter<Bytes>);

impl http_body::Body for Plain {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.next().map(|part| Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.len() == 0
    }

    fn size_hint(&self) -> SizeHint {
        let bytes: usize = self.0.as_slice().iter().map(Bytes::len).sum();
        SizeHint::with_exact(bytes as u64)
    }
}

/// Refuses what is not a call of gRPC, with a status of HTTP.
fn require_grpc(is_post: bool, headers: &HeaderMap) -> Result<(), Box<Response<Body>>> {
    if !is_post {
        let text = "the method of HTTP is not POST";
        return Err(Box::new(refusals::not_grpc(StatusCode::METHOD_NOT_ALLOWED, text)));
    }
    let stated = headers.get(CONTENT_TYPE).and_then(|stated| stated.to_str().ok()).unwrap_or("");
    let media_type = stated.split(';').next().unwrap_or(stated).trim();
    if !matches!(media_type, "application/grpc" | "application/grpc+proto") {
        let text = "the content-type is not application/grpc";
        return Err(Box::new(refusals::not_grpc(StatusCode::UNSUPPORTED_MEDIA_TYPE, text)));
    }
    Ok(())
}

/// The bytes of the headers, as HTTP/2 counts them.
fn require_small(headers: &HeaderMap) -> Result<usize, Status> {
    const OVERHEAD: usize = 32;
    let sizes = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + OVERHEAD);
    let bytes = sizes.sum();
    match bytes > HEADERS_BYTES_MAX {
        true => Err(refusals::headers_too_large(bytes)),
        false => Ok(bytes),
    }
}

fn packing(headers: &HeaderMap) -> Result<Option<Packing>, Status> {
    let Some(stated) = headers.get("grpc-encoding") else { return Ok(None) };
    match stated.as_bytes() {
        b"identity" => Ok(None),
        b"gzip" => Ok(Some(Packing::Gzip)),
        b"zstd" => Ok(Some(Packing::Zstd)),
        _ => Err(refusals::encoding_unknown(stated)),
    }
}

/// Reads what is left of a refused request, up to the largest one and no longer than a request may
/// take. A client of HTTP/1.1 reads the answer only after it has sent its request.
pub(super) async fn discard(mut body: Body, begun: Instant) {
    let read = async {
        let mut left = REQUEST_BYTES_MAX;
        while let Some(Ok(frame)) = body.frame().await {
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(bytes) {
                Some(less) => left = less,
                None => return,
            }
        }
    };
    // The answer follows in any case.
    let _ = timeout_at(begun + MESSAGE_DURATION_MAX, read).await;
}
