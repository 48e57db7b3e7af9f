//! The Connect protocol beside gRPC: every method of the descriptors as plain HTTP, in JSON or in
//! protobuf, without generated code.
//!
//! A request of Connect becomes the gRPC request of the same method, and its answer is turned back.
//! Whatever is inside this layer sees a call of gRPC: who calls, what it may do, what it costs, and
//! the lines that tell of it are the same. The intake receives the body, as its [`Form`] says, so a
//! slow, an endless or a packed one meets the guards of any other.
//!
//! ```text
//! methods.rs  what the descriptors say     coding.rs  gzip and zstd of answers in JSON
//! request.rs  Connect -> gRPC              query.rs   a call in the query of a GET
//! unary.rs    gRPC -> one answer           stream.rs  gRPC -> a stream of answers
//! error.rs    a status as JSON             metadata.rs  headers and trailers
//! ```

mod coding;
mod error;
mod metadata;
mod methods;
mod query;
mod request;
mod stream;
mod unary;

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::Either;
use http::Version;
use tokio::time::Instant;
use tonic::Status;
use tower::{Service, ServiceExt as _};

pub(crate) use self::error::name_of;
pub(super) use self::error::{http_status, tell_error};
pub(crate) use self::methods::Methods;
use self::request::{Asked, Call, Refused};
use super::{Request, Response, intake::discard};

/// Who is told of a request that is refused before it is a call.
pub(super) type Told = Arc<dyn Fn(&Request, &Status) + Send + Sync>;

/// A service that takes requests of Connect to `calls`, which speaks gRPC, and all others to
/// `others`.
#[derive(Clone)]
pub(super) struct Connect<S, O> {
    pub(super) calls: S,
    pub(super) others: O,
    pub(super) methods: Arc<Methods>,
    pub(super) told: Told,
}

type Answering = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

impl<S, O> Service<Request> for Connect<S, O>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    O: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<O::Future, Answering>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.others.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let methods = Arc::clone(&self.methods);
        match request::asked(&methods, &request) {
            Asked::Other => Either::Left(self.others.call(request)),
            Asked::Refused(refused) => {
                (self.told)(&request, &refused.status);
                Either::Right(Box::pin(answer_refused(request, refused, methods)))
            }
            Asked::Call(call) => {
                let calls = self.calls.clone();
                Either::Right(Box::pin(answer(calls, request, call, methods)))
            }
        }
    }
}

async fn answer<S>(
    calls: S,
    request: Request,
    call: Call,
    methods: Arc<Methods>,
) -> Result<Response, Infallible>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    let (request, reply) = call.translate(request);
    let answer = calls.oneshot(request).await?;
    Ok(match reply.is_unary {
        true => unary::answer(answer, &reply, &methods).await,
        false => stream::answer(answer, reply, methods),
    })
}

async fn answer_refused(
    request: Request,
    refused: Refused,
    methods: Arc<Methods>,
) -> Result<Response, Infallible> {
    if request.version() < Version::HTTP_2 {
        discard(request.into_body(), Instant::now()).await;
    }
    Ok(refused.answer(&methods))
}
