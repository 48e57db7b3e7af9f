//! Administrative acts: each gets a line in the audit trail, and its answer waits until the line is
//! on a disk. While no sink of the trail takes lines, nothing is administered.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use futures_util::future::Either;
use http::{Request, Response};
use tonic::{Code, Status, body::Body};
use tonic_types::StatusExt as _;
use tower::Service;

use super::{
    audit_lines::{Audited, is_denial},
    entitled::{Lines, lines_of},
    errors,
    forwarding::ByLeader,
};
use crate::{
    domain::fault::echo,
    limits::TRAIL_RETRY_DELAY,
    protocol::{methods::Method, pb::ErrorReason},
    trail::{Entry, Outcome, Trail},
};

/// The object of an act, in the extensions of its request.
#[derive(Clone)]
struct Act {
    trail: Arc<Trail>,
    object: Arc<OnceLock<(String, Vec<u64>)>>,
}

/// Names the object of an act for its line. A call without a trail, or of a method that has no
/// lines, takes no notice.
///
/// # Errors
/// UNAVAILABLE/AUDIT_FAILED while no sink takes lines.
pub(super) fn begin_act<T>(
    request: &tonic::Request<T>,
    object: impl FnOnce(&T) -> String,
    positions: impl IntoIterator<Item = u64>,
) -> Result<(), Status> {
    let Some(act) = request.extensions().get::<Act>() else { return Ok(()) };
    require_sink(&act.trail)?;
    let named = (object(request.get_ref()), positions.into_iter().collect());
    // The first one counts.
    let _ = act.object.set(named);
    Ok(())
}

fn require_sink(trail: &Trail) -> Result<(), Status> {
    let Some(why) = trail.refusal() else { return Ok(()) };
    let text = format!("no sink of the audit trail takes lines ({why}); nothing was done");
    Err(audit_failed(text, &why))
}

/// No sink of the audit trail takes lines: UNAVAILABLE, with the time after which to try again.
pub(super) fn audit_failed(text: impl Into<String>, why: &str) -> Status {
    let reason = ErrorReason::AuditFailed.as_str_name();
    let mut details = errors::info(reason, [("detail", echo(why))]);
    details.set_retry_info(Some(TRAIL_RETRY_DELAY));
    Status::with_error_details(Code::Unavailable, text, details)
}

/// A service whose acts are audited.
#[derive(Clone)]
pub(super) struct Acts<S> {
    pub(super) inner: S,
    /// `None` for a server without principals.
    pub(super) trail: Option<Arc<Trail>>,
}

type Answer = Result<Response<Body>, Infallible>;

impl<S> Service<Request<Body>> for Acts<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future =
        Either<S::Future, Either<Ready<Answer>, Pin<Box<dyn Future<Output = Answer> + Send>>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let Some(trail) = &self.trail else { return Either::Left(self.inner.call(request)) };
        let lines = Method::at(request.uri().path()).map_or(Lines::None, lines_of);
        if lines == Lines::None {
            return Either::Left(self.inner.call(request));
        }
        if lines == Lines::Always
            && let Err(status) = require_sink(trail)
        {
            return Either::Right(Either::Left(ready(Ok(status.into_http()))));
        }
        let audited = Audited::of(trail, &request);
        let act = Act { trail: Arc::clone(trail), object: Arc::default() };
        request.extensions_mut().insert(act.clone());
        let answer = self.inner.call(request);
        let kept = async move {
            let Ok(answer) = answer.await;
            if lines == Lines::IfAct && act.object.get().is_none() {
                return Ok(answer);
            }
            // The leader, where it was done, has the line.
            if answer.extensions().get::<ByLeader>().is_some() {
                return Ok(answer);
            }
            Ok(kept(answer, &audited, &act).await)
        };
        Either::Right(Either::Right(Box::pin(kept)))
    }
}

/// The answer to an act, once its line is on a disk.
async fn kept(answer: Response<Body>, audited: &Audited, act: &Act) -> Response<Body> {
    let (target, positions) = act.object.get().cloned().unwrap_or_default();
    let entry = Entry { target, positions, ..audited.entry() };
    let status = answer.extensions().get::<Status>().cloned();
    let status = status.or_else(|| Status::from_header_map(answer.headers()));
    match status.filter(|status| status.code() != Code::Ok) {
        // The layer of all calls notes denials.
        Some(status) if is_denial(status.code()) => answer,
        Some(status) => {
            audited.failed(entry, &status);
            answer
        }
        None => {
            let entry = Entry { outcome: Outcome::Allowed, ..entry };
            let why = match act.trail.write(&entry) {
                Some(number) => act.trail.kept(number).await.err(),
                None => Some("too many lines wait".to_owned()),
            };
            let Some(why) = why else { return answer };
            let text = format!("it was done, and its line is not in the audit trail yet: {why}");
            audit_failed(text, &why).into_http()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::AppendError;

    #[test]
    fn a_refusal_for_the_trail_says_why_and_when_to_try_again() {
        let status = errors::refusal(AppendError::AuditFailed("no space".to_owned()));
        let details = status.get_error_details();
        let info = details.error_info().expect("an ErrorInfo");
        assert_eq!((status.code(), &*info.reason), (Code::Unavailable, "AUDIT_FAILED"));
        assert_eq!(info.metadata.get("detail").map(String::as_str), Some("no space"));
        let retry = details.retry_info().and_then(|retry| retry.retry_delay);
        assert_eq!(retry, Some(TRAIL_RETRY_DELAY));
    }
}
