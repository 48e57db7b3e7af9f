//! A panic in a handler is a fault of the server: the caller gets INTERNAL with its details, not a
//! stream that is reset.
//!
//! This layer is directly around the services. It guards the call, and the body from which the
//! messages of a stream are pulled. A panic can leave only its own request half done: requests
//! share state only behind locks whose holders finish or undo their change.

use std::{
    any::Any,
    convert::Infallible,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Frame, SizeHint};
use tonic::{Status, body::Body};
use tower::Service;

use super::errors;

/// A service whose panics become answers.
#[derive(Clone)]
pub(crate) struct CatchPanic<S>(pub(crate) S);

impl<S, B> Service<Request<B>> for CatchPanic<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Guarded>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Guarded>, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let called = caught(|| self.0.call(request));
        Box::pin(async move {
            let guarded = |answer: Response<Body>| Ok(answer.map(|body| Guarded(Some(body))));
            let answer = match called {
                Ok(answer) => answer,
                Err(status) => return guarded(status.into_http()),
            };
            let mut answer = pin!(answer);
            let answered = poll_fn(|context| match caught(|| answer.as_mut().poll(context)) {
                Ok(polled) => polled.map(Ok),
                Err(status) => Poll::Ready(Err(status)),
            });
            match answered.await {
                Ok(Ok(answer)) => guarded(answer),
                Ok(Err(never)) => match never {},
                Err(status) => guarded(status.into_http()),
            }
        })
    }
}

/// A body whose panic becomes its trailers. It is dropped after that.
pub(crate) struct Guarded(Option<Body>);

impl http_body::Body for Guarded {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(body) = &mut self.0 else { return Poll::Ready(None) };
        match caught(|| Pin::new(body).poll_frame(context)) {
            Ok(polled) => polled,
            Err(status) => {
                self.0 = None;
                let mut trailers = HeaderMap::new();
                let added = status.add_header(&mut trailers);
                Poll::Ready(Some(added.map(|()| Frame::trailers(trailers))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(http_body::Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(SizeHint::default, http_body::Body::size_hint)
    }
}

fn caught<T>(work: impl FnOnce() -> T) -> Result<T, Status> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| errors::internal(message_of(&*panic)))
}

/// The message of a panic. The panic hook has printed its place.
fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("a handler panicked: {}", text.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods)]

    use http_body_util::{BodyExt as _, StreamBody};
    use tonic::Code;
    use tonic_types::StatusExt as _;
    use tower::{ServiceExt as _, service_fn};

    use super::*;
    use crate::ledger::run_blocking;

    type Answer = Result<Response<Body>, Infallible>;

    /// The status of the answer of a guarded handler, and the data before it.
    async fn told<F>(handler: impl Fn() -> F + Clone) -> (Status, Bytes)
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let guarded = CatchPanic(service_fn(move |_: Request<()>| handler()));
        let answer = guarded.oneshot(Request::new(())).await.unwrap();
        let mut headers = answer.headers().clone();
        let body = answer.into_body().collect().await.unwrap();
        headers.extend(body.trailers().cloned().unwrap_or_default());
        (Status::from_header_map(&headers).unwrap(), body.to_bytes())
    }

    fn assert_internal(status: &Status) {
        let info = status.get_details_error_info().unwrap();
        assert_eq!((status.code(), info.reason.as_str()), (Code::Internal, "INTERNAL"));
        assert!(!status.message().contains("injected"), "the cause stays on the server: {status}");
    }

    #[tokio::test]
    async fn a_panic_in_a_call_is_internal() {
        let (status, _) = told(|| -> std::future::Ready<Answer> { panic!("injected") }).await;
        assert_internal(&status);
    }

    #[tokio::test]
    async fn a_panic_after_an_await_is_internal() {
        let (status, _) = told(|| async {
            tokio::task::yield_now().await;
            panic!("injected {}", 7)
        })
        .await;
        assert_internal(&status);
    }

    #[tokio::test]
    async fn a_panic_in_a_blocking_task_is_internal() {
        let (status, _) = told(|| async {
            let ended = run_blocking(|| panic!("injected")).await.map_err(Status::from);
            Ok(ended.map_or_else(Status::into_http, |()| Response::new(Body::empty())))
        })
        .await;
        assert_internal(&status);
    }

    #[tokio::test]
    async fn a_panic_inside_a_stream_ends_it_with_internal() {
        let (status, before) = told(|| async {
            let mut left = 2;
            let frames = tokio_stream::StreamExt::map(tokio_stream::iter(0..3), move |_| {
                left -= 1;
                assert!(left >= 0, "injected");
                Ok::<_, Status>(Frame::data(Bytes::from_static(b"one ")))
            });
            Ok(Response::new(Body::new(StreamBody::new(frames))))
        })
        .await;
        assert_internal(&status);
        assert_eq!(before, "one one ");
    }

    #[tokio::test]
    async fn answers_pass_as_they_are() {
        let (status, body) = told(|| async {
            let status = Status::not_found("nothing");
            Ok(status.into_http())
        })
        .await;
        assert_eq!((status.code(), status.message()), (Code::NotFound, "nothing"));
        assert!(body.is_empty());
    }
}
