//! Calls: each carries the token, and one that fails tells why its connection broke. A node that
//! takes no call is left for the next one.

use std::{
    error::Error,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::BoxFuture;
use http::{HeaderValue, Request, Response, header::AUTHORIZATION};
use tonic::{Code, Status, body::Body, transport::Channel};
use tower::{Service, ServiceExt as _};

use super::connector::Faults;
use crate::{
    cli::{print::awaited, target::Turn},
    tls::FaultKind,
};

/// The connection under the clients of all services.
#[derive(Clone)]
pub(crate) struct Transport {
    /// At least one.
    pub(super) nodes: Arc<[Node]>,
    pub(super) turn: Arc<Turn>,
    pub(super) bearer: Option<HeaderValue>,
}

/// The connection to one of the servers.
pub(super) struct Node {
    pub(super) channel: Channel,
    pub(super) faults: Arc<Faults>,
}

impl Transport {
    /// Leaves the node whose turn it is for the next one; false if there is no other.
    pub(super) fn move_on(&self) -> bool {
        self.turn.leave(self.turn.next());
        self.has_others()
    }

    pub(super) fn has_others(&self) -> bool {
        self.nodes.len() > 1
    }
}

/// True if a node did not take a call: another one may.
fn is_away<E>(answer: &Result<Response<Body>, E>) -> bool {
    let Ok(answer) = answer else { return true };
    let code = answer.headers().get("grpc-status").map(|code| Code::from_bytes(code.as_bytes()));
    code == Some(Code::Unavailable)
}

impl Service<Request<Body>> for Transport {
    type Response = Response<Body>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    /// The call waits for the connection: an error here would lose its cause.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        if let Some(bearer) = &self.bearer {
            request.headers_mut().insert(AUTHORIZATION, bearer.clone());
        }
        let (turn, at) = (Arc::clone(&self.turn), self.turn.next());
        let node = self.nodes.get(at % self.nodes.len().max(1));
        let node = node.map(|node| (node.channel.clone(), Arc::clone(&node.faults)));
        Box::pin(async move {
            let Some((channel, faults)) = node else { return Err("there is no server".into()) };
            let answer = awaited(channel.oneshot(request)).await;
            // This call is not sent again: whoever made it knows whether that is safe.
            if is_away(&answer) {
                turn.leave(at);
            }
            answer.map_err(|error| match faults.take() {
                Some(fault) => refusal(fault.kind, fault.why).into(),
                None => error.into(),
            })
        })
    }
}

/// A connection that TLS ends breaks in the same way each time: no repetition helps.
#[allow(clippy::disallowed_methods)] // this side speaks, not the service
fn refusal(kind: FaultKind, why: String) -> Status {
    let code = match kind {
        FaultKind::Client => Code::Unauthenticated,
        FaultKind::Server => Code::FailedPrecondition,
        FaultKind::Silent => Code::Unavailable,
    };
    Status::new(code, why)
}
