//! A layer that answers some requests itself, and tells and counts them as refused calls.

use std::{convert::Infallible, future::ready, sync::Arc};

use futures_util::future::Either;
use tower::{Service, ServiceExt as _, service_fn};

use super::{Request, Response, call_lines::tell_refused, calls::Calls};

/// Answers the requests for which `screen` has a refusal with it, and lets the others through. The
/// status of a refusal is in its extensions.
pub(super) fn screened<S>(
    calls: Arc<Calls>,
    api: S,
    screen: impl Fn(&mut Request) -> Option<Response> + Clone + Send + Sync,
) -> impl Service<
    Request,
    Response = Response,
    Error = Infallible,
    Future: Future<Output = Result<Response, Infallible>> + Send,
> + Clone
+ Send
+ Sync
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S: Clone + Send + Sync,
    S::Future: Send,
{
    service_fn(move |mut request: Request| match screen(&mut request) {
        None => Either::Right(api.clone().oneshot(request)),
        Some(refusal) => {
            if let Some(status) = refusal.extensions().get() {
                calls.refused(&request, status);
                tell_refused(&request, status);
            }
            Either::Left(ready(Ok(refusal)))
        }
    })
}
