//! Ends a connection of HTTP/1 whose request was answered before it was read to its end.
//!
//! The unread rest of such a request stands before the next one, so the connection cannot be used
//! again. hyper then closes it and tells nobody: a client sends its next call over it, and loses
//! that. Here the answer says that its connection ends. HTTP/2 ends a stream instead.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use futures_util::future::Either;
use http::{HeaderValue, Version, header};
use http_body::{Frame, SizeHint};
use tonic::body::Body;
use tower::Service;

use super::{Request, Response};

/// A service whose answers say that their connection ends, where it must.
#[derive(Clone)]
pub(super) struct EndUnread<S>(pub(super) S);

type Answer = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

impl<S> Service<Request> for EndUnread<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<S::Future, Answer>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if request.version() >= Version::HTTP_2 {
            return Either::Left(self.0.call(request));
        }
        let whole = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&whole);
        let tell = move || told.store(true, Ordering::Release);
        let request = request.map(|body| Body::new(ReadToEnd::new(body, tell)));
        let answer = self.0.call(request);
        Either::Right(Box::pin(async move {
            let mut answer = answer.await?;
            if !whole.load(Ordering::Acquire) {
                answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(answer)
        }))
    }
}

/// The body of a request, which tells once it was read to its end; it may tell again.
pub(crate) struct ReadToEnd<B, F> {
    body: B,
    whole: F,
}

impl<B: http_body::Body, F: Fn()> ReadToEnd<B, F> {
    pub(crate) fn new(body: B, whole: F) -> Self {
        let heard = Self { body, whole };
        heard.note(false);
        heard
    }

    /// Tells if this was the end.
    fn note(&self, ended: bool) {
        if ended || self.body.is_end_stream() {
            (self.whole)();
        }
    }
}

impl<B, F> http_body::Body for ReadToEnd<B, F>
where
    B: http_body::Body + Unpin,
    F: Fn() + Unpin,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        self.note(frame.is_none());
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use bytes::Bytes;
    use futures_util::stream;
    use http_body_util::{BodyExt as _, Full, StreamBody};
    use tonic::Status;
    use tower::{ServiceExt as _, service_fn};

    use super::*;

    /// The header `connection` of the answer to a request of which so many frames are read.
    async fn said(version: Version, body: Body, frames: usize) -> Option<HeaderValue> {
        let service = EndUnread(service_fn(move |mut request: Request| async move {
            for _ in 0..frames {
                request.body_mut().frame().await;
            }
            Ok::<_, Infallible>(Response::default())
        }));
        let request = http::Request::post("/").version(version).body(body).unwrap();
        service.oneshot(request).await.unwrap().headers().get(header::CONNECTION).cloned()
    }

    /// A body of unknown length, as chunks make it.
    fn chunked() -> Body {
        let frames = ["one", "two"].map(|text| Ok::<_, Status>(Frame::data(Bytes::from(text))));
        Body::new(StreamBody::new(stream::iter(frames)))
    }

    #[tokio::test]
    async fn an_answer_before_the_end_of_its_request_ends_the_connection() {
        let whole = || Body::new(Full::new(Bytes::from_static(b"one")));
        for (body, frames, ends) in [
            (chunked(), 0, true),
            (chunked(), 1, true),
            // Only the end itself tells that nothing follows.
            (chunked(), 2, true),
            (chunked(), 3, false),
            (whole(), 0, true),
            (whole(), 1, false),
            (Body::empty(), 0, false),
        ] {
            let found = said(Version::HTTP_11, body, frames).await;
            assert_eq!(found.is_some_and(|value| value == "close"), ends, "{frames} frames");
        }
    }

    #[tokio::test]
    async fn http2_ends_a_stream_and_no_connection() {
        assert_eq!(said(Version::HTTP_2, chunked(), 0).await, None);
    }
}
