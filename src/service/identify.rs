//! Finds out who calls, before anything else of a call is looked at, and refuses a method that the
//! caller's roles do not reach.
//!
//! Whoever is refused here has cost no memory and learns nothing that it did not send.

use std::{convert::Infallible, future::ready, sync::Arc};

use futures_util::future::Either;
use tonic::Status;
use tower::{Service, ServiceExt as _, service_fn};

use super::{call_lines::tell_refused, calls::Calls, entitled};
use crate::{
    access::{AccessControl, Identified},
    protocol::methods::Method,
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
    service_fn(move |mut request: super::Request| match identify(&access, &request) {
        Ok(who) => {
            request.extensions_mut().insert(Arc::new(who));
            Either::Right(api.clone().oneshot(request))
        }
        Err(status) => {
            calls.refused(&request, &status);
            tell_refused(&request, &status);
            Either::Left(ready(Ok(status.into_http())))
        }
    })
}

fn identify(access: &AccessControl, request: &super::Request) -> Result<Identified, Status> {
    let policy = access.policy();
    let who = Identified { generation: policy.generation, ..Identified::anonymous() };
    let Some(method) = Method::at(request.uri().path()) else { return Ok(who) };
    if !who.rights.roles.any(entitled::roles_of(method)) {
        let name = String::from_utf8_lossy(who.principal.name()).into_owned();
        let text = format!("none of its roles reaches {}", method.path());
        return Err(entitled::not_entitled(&name, "call", &text, []));
    }
    Ok(who)
}
