//! Plain HTTP beside gRPC: events as lines, and answers to people.
//!
//! `GET /v1/events` is the call `Subscribe` in another form. This layer makes the request of that
//! call and turns its messages into lines. Identity, rights, limits, lines of the audit and counts
//! are those of the call, because it is the same one.
//!
//! ```text
//! parameters.rs  what a request for events may ask    lines.rs    messages as lines
//! events.rs      the call, and how its answer begins
//! faults.rs      errors as JSON and as codes of HTTP  prefers.rs  what a caller accepts
//! page.rs        what this is, and where to go         openapi/    the description of the API
//! ```

mod events;
mod faults;
mod lines;
mod openapi;
mod page;
mod parameters;
mod prefers;

use std::{
    convert::Infallible,
    future::ready,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::Either;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use http_body_util::Full;
use tokio::sync::Semaphore;
use tonic::body::Body;
use tower::Service;

pub(super) use self::faults::of as error_json;
use self::page::About;
pub(crate) use self::prefers::{accepts, prefers_chinese};
use super::{Request, Response, arrival::Arrivals, errors};
use crate::{
    access::AccessControl,
    ledger::{Ledger, run_blocking},
};

/// The path of the events.
const EVENTS: &str = "/v1/events";
/// The path of the description of the API.
const OPENAPI: &str = "/openapi.json";
/// The paths that are answered with GET.
const PAGES: [&str; 4] = ["/", EVENTS, OPENAPI, "/favicon.ico"];

/// True for a path that is answered with GET.
pub(super) fn is_page(path: &str) -> bool {
    PAGES.contains(&path)
}

/// What the answers are about.
#[derive(Clone)]
pub(super) struct Site {
    /// `None` until the log is open.
    pub(super) ledger: Option<Arc<Ledger>>,
    /// `None` on a leader.
    pub(super) arrivals: Option<Arc<Arrivals>>,
    pub(super) access: Arc<AccessControl>,
    /// Turns to bring events into JSON.
    pub(super) turns: Arc<Semaphore>,
}

/// A service that answers requests of plain HTTP, and hands the others on.
#[derive(Clone)]
pub(super) struct Web<S> {
    pub(super) inner: S,
    pub(super) site: Site,
}

type Answer = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

impl<S> Service<Request> for Web<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<S::Future, Answer>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let looks = [Method::GET, Method::HEAD].contains(request.method());
        if !looks || !is_page(request.uri().path()) {
            return Either::Left(self.inner.call(request));
        }
        let is_head = request.method() == Method::HEAD;
        match request.uri().path() {
            EVENTS => {
                // The clone is the one that is not ready yet.
                let clone = self.inner.clone();
                let inner = std::mem::replace(&mut self.inner, clone);
                let site = self.site.clone();
                Either::Right(Box::pin(
                    async move { Ok(events::answer(inner, request, site).await) },
                ))
            }
            OPENAPI => Either::Right(Box::pin(async move { Ok(bare(described().await, is_head)) })),
            "/" => {
                let page = page::answer(&request, &self.site.about());
                Either::Right(Box::pin(ready(Ok(bare(page, is_head)))))
            }
            // A browser asks for it with every page.
            _ => {
                let nothing = secured(StatusCode::NO_CONTENT, None, Body::empty());
                Either::Right(Box::pin(ready(Ok(nothing))))
            }
        }
    }
}

/// The answer to HEAD has no body.
fn bare(answer: Response, is_head: bool) -> Response {
    if is_head { answer.map(|_| Body::empty()) } else { answer }
}

impl Site {
    /// What the page may tell. A server with principals tells nothing of its log: the page is for
    /// everybody.
    fn about(&self) -> About {
        let has_principals = !self.access.policy().is_open();
        let ledger = self.ledger.as_ref().filter(|_| !has_principals);
        let log = ledger.map(|ledger| (ledger.log_id().to_string(), ledger.durable().size));
        About { has_principals, log, is_starting: self.ledger.is_none() }
    }
}

/// The description of the API. It is the same on every server, so everybody may have it.
async fn described() -> Response {
    // The first one takes some milliseconds.
    match run_blocking(openapi::document).await {
        Ok(Some(document)) => {
            secured(StatusCode::OK, Some("application/json"), Body::new(Full::new(document)))
        }
        Ok(None) => faults::answer(&errors::internal("the descriptors cannot be read")),
        Err(ended) => faults::answer(&ended.into()),
    }
}

/// An answer that nobody keeps, and that a page of another origin cannot take for a script or an
/// image.
fn secured(status: StatusCode, kind: Option<&'static str>, body: Body) -> Response {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let kind = kind.map(|kind| (header::CONTENT_TYPE, kind));
    let fixed = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in kind.into_iter().chain(fixed) {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}
