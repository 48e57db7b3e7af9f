//! Finds out who calls, before anything else of a call is looked at, and refuses a method that the
//! caller's roles do not reach.
//!
//! Whoever is refused here has cost no memory and learns nothing that it did not send.

use std::sync::Arc;

use http::{HeaderMap, header::AUTHORIZATION};
use tonic::{Code, Status};

use super::{
    call::{Caller, Peer},
    entitled, errors,
    private_cause::because,
};
use crate::{
    access::{AccessControl, Channel, Identified, Presented, Refusal, Stranger},
    protocol::{methods::Method, pb::ErrorReason},
};

/// The header by which a gateway or a node names the principal for whom it calls.
pub(crate) const ON_BEHALF_OF: &str = "tidu-on-behalf-of";

/// Attaches the caller to its request, and refuses a method that its roles do not reach.
///
/// # Errors
/// UNAUTHENTICATED, PERMISSION_DENIED. A refusal is told with the name of the caller, if it is
/// known.
pub(super) fn let_in(
    access: &Arc<AccessControl>,
    request: &mut super::Request,
) -> Result<(), Status> {
    let who = identify(access, request)?;
    request.extensions_mut().insert(Arc::clone(&who));
    if let Some(method) = Method::at(request.uri().path())
        && !who.rights.roles.any(entitled::roles_of(method))
    {
        let text = format!("none of its roles reaches {}", method.path());
        return Err(entitled::not_entitled(who.principal.as_str(), "call", &text, []));
    }
    request.extensions_mut().insert(Arc::clone(access));
    Ok(())
}

fn identify(access: &AccessControl, request: &super::Request) -> Result<Arc<Identified>, Status> {
    if request.uri().path().starts_with("/grpc.health.") {
        // Probes have no credentials, and learn nothing but the phase.
        return Ok(access.anonymous());
    }
    access.identify(presented(request)).map_err(|refusal| {
        tell_cause(request, &refusal);
        because(stranger_refused(refusal.cause.into()), refusal.to_string())
    })
}

/// What a request shows of its caller.
fn presented(request: &super::Request) -> Presented<'_> {
    let (headers, extensions) = (request.headers(), request.extensions());
    let peer = extensions.get::<Peer>();
    Presented {
        channel: extensions.get::<Arc<Channel>>().map(|channel| &**channel),
        is_remote: peer.is_some_and(|Peer(peer)| !peer.ip().to_canonical().is_loopback()),
        token: only(headers, AUTHORIZATION.as_str()).map(|value| value.and_then(bearer)),
        on_behalf_of: only(headers, ON_BEHALF_OF),
    }
}

/// The value of a header; `Some(None)` if it comes twice, or is not a text.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<Option<&'a str>> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    Some(first.to_str().ok().filter(|_| values.next().is_none()))
}

/// The token after the word `Bearer`, which may be in any case (RFC 9110).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// Tells the operator why a caller was not let in. The caller does not learn it.
fn tell_cause(request: &super::Request, refusal: &Refusal) {
    let peer = Caller::of(request.extensions()).peer_text();
    let principal = refusal.principal.as_ref().map_or("", |who| who.as_str());
    tracing::info!(cause = refusal.cause.name(), principal, peer, "a caller was not let in");
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
        Stranger::Handed => {
            let text = "this caller may not call for somebody else; leave the header \
                        tidu-on-behalf-of out";
            let reason = ErrorReason::HandedIdentityRefused;
            return errors::status(Code::PermissionDenied, reason, text, []);
        }
    };
    errors::status(Code::Unauthenticated, reason, text, [])
}
