//! Calls: each carries the token, and one that fails tells why its connection broke.

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
use crate::{cli::print::awaited, tls::FaultKind};

/// The connection under the clients of all services.
#[derive(Clone)]
pub(crate) struct Transport {
    pub(super) channel: Channel,
    pub(super) bearer: Option<HeaderValue>,
    pub(super) faults: Arc<Faults>,
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
        let (channel, faults) = (self.channel.clone(), self.faults.clone());
        Box::pin(async move {
            let answer = awaited(channel.oneshot(request)).await;
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
