//! One call: its principal, its peer and its deadline. Every handler gets one, and learns of its
//! caller from nothing else.

use std::{net::SocketAddr, sync::Arc};

use http::Extensions;
use tokio::time::{Instant, timeout_at};
use tonic::{Request, Response, Status};

use super::{
    arrival::Arrivals,
    intake::{Deadline, InFlight},
};
use crate::{
    access::{AccessControl, Channel, Identified},
    domain::{Party, Principal, access::Rights},
    ledger::Ledger,
    register::Sight,
};

/// The remote address of a connection, in the extensions of its requests.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// The party of a request: its principal, the original one of a call that is handed on, or else the
/// other end of its connection.
pub(super) fn party_of(extensions: &Extensions) -> Party {
    let principal = principal_of(extensions);
    let party = principal.and_then(Party::of_principal);
    party.unwrap_or_else(|| connection_of(extensions))
}

/// The principal of a request, if it has proven who it is.
pub(super) fn principal_of(extensions: &Extensions) -> Option<&Principal> {
    let principal = &extensions.get::<Arc<Identified>>()?.principal;
    Some(principal).filter(|principal| Party::of_principal(principal).is_some())
}

/// The party at the other end of the connection of a request; the server's own for a request that
/// did not come over a connection.
pub(super) fn connection_of(extensions: &Extensions) -> Party {
    let channel = extensions.get::<Arc<Channel>>();
    if let Some(uid) = channel.and_then(|channel| channel.gateway_user()) {
        return Party::User(uid);
    }
    extensions.get().map_or(Party::Server, |Peer(peer)| Party::of(*peer))
}

/// Who calls, as far as the connection proves it.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The authenticated caller.
    pub(crate) principal: Principal,
    /// Its address; `None` for a call that did not come over a socket.
    pub(crate) peer: Option<SocketAddr>,
}

impl Caller {
    /// The caller of a request with these extensions.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        let peer = extensions.get::<Peer>().map(|peer| peer.0);
        let identified = extensions.get::<Arc<Identified>>();
        let principal = identified.map_or(Principal::ANONYMOUS, |who| who.principal.clone());
        Self { principal, peer }
    }

    /// The principal as log lines name it.
    pub(crate) fn principal_name(&self) -> &str {
        self.principal.as_str()
    }

    /// The address as log lines name it.
    pub(crate) fn peer_text(&self) -> String {
        self.peer.map(|peer| peer.to_string()).unwrap_or_default()
    }
}

/// The caller of a handler.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The authenticated caller, with its rights as the call began.
    pub(crate) who: Arc<Identified>,
    /// The principals of the server, and what they may do now.
    pub(crate) access: Option<Arc<AccessControl>>,
    /// Its address; `None` for a call that did not come over a socket.
    pub(crate) peer: Option<SocketAddr>,
    /// The party that limits and fairness count it with; the server's own for a call that did not
    /// come over a socket.
    pub(crate) party: Party,
    /// The instant at which the call is given up; `None` if it never is.
    pub(crate) deadline: Option<Instant>,
    /// The account of the memory that its request takes. It is open until the answer begins, and
    /// longer as long as somebody keeps this.
    pub(crate) memory: Option<InFlight>,
    /// The calls of a follower that wait for positions; `None` on a leader.
    pub(crate) arrivals: Option<Arc<Arrivals>>,
}

impl Call {
    fn of<T>(request: &Request<T>) -> Self {
        let Caller { peer, .. } = Caller::of(request.extensions());
        let who = request.extensions().get().cloned();
        Self {
            who: who.unwrap_or_else(|| Arc::new(Identified::anonymous())),
            access: request.extensions().get().cloned(),
            peer,
            party: party_of(request.extensions()),
            deadline: deadline_of(request).at,
            memory: request.extensions().get().cloned(),
            arrivals: request.extensions().get().cloned(),
        }
    }

    /// Work that the server does for itself.
    pub(crate) fn of_server() -> Self {
        Self {
            who: Arc::new(Identified::server()),
            access: None,
            peer: None,
            party: Party::Server,
            deadline: None,
            memory: None,
            arrivals: None,
        }
    }

    /// The authenticated caller.
    pub(crate) fn principal(&self) -> &Principal {
        &self.who.principal
    }

    /// Its rights as the call began.
    pub(crate) fn rights(&self) -> &Rights {
        &self.who.rights
    }

    /// The principal as answers name it.
    pub(crate) fn name(&self) -> &str {
        self.principal().as_str()
    }

    /// The events that it may read, as the call began.
    pub(crate) fn sight(&self, ledger: &Ledger) -> Sight {
        Sight::of(self.rights(), ledger.catalogues())
    }

    /// Who calls, for the log lines.
    pub(crate) fn caller(&self) -> Caller {
        Caller { principal: self.principal().clone(), peer: self.peer }
    }
}

/// The deadline that the intake gave a request.
fn deadline_of<T>(request: &Request<T>) -> Deadline {
    request.extensions().get().copied().unwrap_or_default()
}

/// Runs a handler. Every request takes this way to its handler, and every answer this way back.
///
/// # Errors
/// The handler's own; DEADLINE_EXCEEDED once the deadline has passed. A commit that was queued
/// before is still recorded.
pub(crate) async fn answer<T, R, F>(
    request: Request<T>,
    handler: impl FnOnce(Call, T) -> F,
) -> Result<Response<R>, Status>
where
    F: Future<Output = Result<R, Status>>,
{
    let (call, deadline) = (Call::of(&request), deadline_of(&request));
    let Some(at) = deadline.at else {
        return handler(call, request.into_inner()).await.map(Response::new);
    };
    if at <= Instant::now() {
        return Err(deadline.passed());
    }
    match timeout_at(at, handler(call, request.into_inner())).await {
        Ok(answer) => answer.map(Response::new),
        Err(_) => Err(deadline.passed()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn a_handler_knows_its_caller_and_is_given_up_at_the_deadline() {
        let mut request = Request::new(5);
        let soon = Instant::now() + std::time::Duration::from_millis(1);
        request.extensions_mut().insert(Deadline { at: Some(soon), default: None });
        request.extensions_mut().insert(Peer(([127, 0, 0, 1], 9).into()));
        let handler = async |call: Call, message: i32| {
            assert_eq!(*call.principal(), Principal::ANONYMOUS);
            assert_eq!(call.peer, Some(([127, 0, 0, 1], 9).into()));
            assert_eq!(call.party, Party::Local(([127, 0, 0, 1], 9).into()));
            assert_eq!(message, 5);
            std::future::pending::<()>().await;
            Ok(())
        };
        let status = answer(request, handler).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::DeadlineExceeded);
        let plain = answer(Request::new(7), async |call: Call, message: i32| {
            assert_eq!((call.deadline, call.party), (None, Party::Server));
            Ok(message + 1)
        });
        assert_eq!(plain.await.unwrap().into_inner(), 8);
    }
}
