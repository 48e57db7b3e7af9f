//! Finds out who calls, before anything else of a call is looked at, and refuses a method that the
//! caller's roles do not reach.
//!
//! Whoever is refused here has cost no memory and learns nothing that it did not send.

use std::{convert::Infallible, future::ready, sync::Arc};

use futures_util::future::Either;
use tonic::{Code, Status};
use tower::{Service, ServiceExt as _, service_fn};

use super::{call_lines::tell_refused, calls::Calls, entitled, errors};
use crate::{
    access::{AccessControl, Identified, Stranger},
    protocol::{methods::Method, pb::ErrorReason},
};

/// Lets only callers in that are known and may call the method, and counts the others.
pub(super) fn identified<S>(
    access: Arc<AccessControl>,
    calls: Arc<Calls>,
    api: S,
) -> impl Service<
    super::Request,
    Response = super::Response,
    Error = Infallible,
    Future: Future<Output = Result<super::Response, Infallible>> + Send,
> + Clone
+ Send
+ Sync
where
    S: Service<super::Request, Response = super::Response, Error = Infallible>,
    S: Clone + Send + Sync,
    S::Future: Send,
{
    service_fn(move |mut request: super::Request| match let_in(&access, &mut request) {
        Ok(()) => {
            request.extensions_mut().insert(Arc::clone(&access));
            Either::Right(api.clone().oneshot(request))
        }
        Err(status) => {
            calls.refused(&request, &status);
            tell_refused(&request, &status);
            Either::Left(ready(Ok(status.into_http())))
        }
    })
}

/// Attaches the caller to its request, and refuses a method that its roles do not reach.
fn let_in(access: &AccessControl, request: &mut super::Request) -> Result<(), Status> {
    let who = Arc::new(identify(access, request)?);
    // A refusal is told with the name of the caller.
    request.extensions_mut().insert(Arc::clone(&who));
    let Some(method) = Method::at(request.uri().path()) else { return Ok(()) };
    if !who.rights.roles.any(entitled::roles_of(method)) {
        let name = String::from_utf8_lossy(who.principal.name()).into_owned();
        let text = format!("none of its roles reaches {}", method.path());
        return Err(entitled::not_entitled(&name, "call", &text, []));
    }
    Ok(())
}

fn identify(access: &AccessControl, request: &super::Request) -> Result<Identified, Status> {
    let stated = request.headers().get(http::header::AUTHORIZATION);
    let token = stated.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let is_health = request.uri().path().starts_with("/grpc.health.");
    match access.identify(token) {
        // Probes have no credentials, and learn nothing but the phase.
        Err(_) if is_health => Ok(Identified::anonymous()),
        known => known.map_err(stranger_refused),
    }
}

/// The answer to somebody who is not let in.
pub(super) fn stranger_refused(stranger: Stranger) -> Status {
    let (reason, text) = match stranger {
        Stranger::Missing => {
            let accepted = ("accepted", "certificate, token".to_owned());
            let text = "this server knows its callers: show a client certificate or a token";
            let reason = ErrorReason::CredentialMissing;
            return errors::status(Code::Unauthenticated, reason, text, [accepted]);
        }
        Stranger::Invalid => (ErrorReason::CredentialInvalid, "the credential is not accepted"),
        Stranger::Expired(at) => return errors::credential_expired(at),
    };
    errors::status(Code::Unauthenticated, reason, text, [])
}
