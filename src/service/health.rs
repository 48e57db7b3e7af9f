//! grpc.health.v1: tells load balancers and probes if the server serves.
//!
//! Health follows the phase of the server and nothing else. A watcher hears each change at once. As
//! a drain begins it hears NOT_SERVING, and then its stream ends, so that it delays no drain. A
//! service that the server does not have stays SERVICE_UNKNOWN for a watcher.
//!
//! This is not the service of tonic-health, whose watchers never end and hear nothing of a drain.

use std::{
    collections::BTreeSet,
    convert::Infallible,
    future::{Ready, ready},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::{Stream, stream};
use tokio::sync::watch;
use tonic::{Code, Request, Response, Status, server::NamedService};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus,
};
use tower::{Service, service_fn};

use super::{
    call::party_of,
    errors, handler,
    phase::{Phase, Phases},
    shares::{Share, Shares},
    subscribe::{sent_away, too_many},
};
use crate::{
    domain::{Party, fault::echo},
    limits::{STREAMS_MAX, STREAMS_OF_PARTY_MAX},
    protocol::pb::ErrorReason,
};

/// The path of Watch. The only other method is Check.
const WATCH: &str = "/grpc.health.v1.Health/Watch";

/// The health of the server and of each of its services.
#[derive(Clone, Debug)]
pub(super) struct Health {
    /// The names of all services.
    services: Arc<BTreeSet<String>>,
    phase: watch::Receiver<Phase>,
    /// The streams of all watchers: they are bounded apart from those of subscribers.
    watchers: Arc<Shares>,
}

impl Health {
    pub(super) fn new(services: impl IntoIterator<Item = String>, phases: &Phases) -> Self {
        let services = Arc::new(services.into_iter().collect());
        let watchers = Shares::new(STREAMS_MAX.into(), STREAMS_OF_PARTY_MAX.into());
        Self { services, phase: phases.follow(), watchers }
    }

    /// The empty name is the whole server.
    fn has(&self, service: &str) -> bool {
        service.is_empty() || self.services.contains(service)
    }

    fn check(&self, service: &str) -> Result<HealthCheckResponse, Status> {
        if !self.has(service) {
            let text = format!("the server has no service {:?}", echo(service));
            let metadata = [("value", echo(service))];
            return Err(errors::status(
                Code::NotFound,
                ErrorReason::ServiceUnknown,
                text,
                metadata,
            ));
        }
        Ok(answer(status_in(*self.phase.borrow())))
    }

    /// The status now and each other one that follows, until the server drains.
    fn watch(
        &self,
        service: &str,
        party: Party,
    ) -> Result<impl Stream<Item = Change> + Send + use<>, Status> {
        let place = self.watchers.take(party, 1).map_err(|short| too_many(short, "streams", 1))?;
        let (knows, phase) = (self.has(service), self.phase.clone());
        let watcher = Watcher { knows, told: None, phase, place };
        Ok(stream::unfold(Some(watcher), |watcher| async { watcher?.next().await }))
    }
}

type Change = Result<HealthCheckResponse, Status>;

/// One caller of Watch.
struct Watcher {
    /// True if the server has the service.
    knows: bool,
    told: Option<ServingStatus>,
    phase: watch::Receiver<Phase>,
    /// Its place among all watchers.
    place: Share,
}

impl Watcher {
    /// The next message, or the end of the stream.
    async fn next(mut self) -> Option<(Change, Option<Self>)> {
        loop {
            let phase = *self.phase.borrow_and_update();
            let status = if self.knows { status_in(phase) } else { ServingStatus::ServiceUnknown };
            if self.told != Some(status) {
                self.told = Some(status);
                return Some((Ok(answer(status)), Some(self)));
            }
            if phase == Phase::Draining {
                return Some((Err(errors::draining()), None));
            }
            tokio::select! {
                // Whoever changes the phase is gone only with the server.
                changed = self.phase.changed() => if changed.is_err() {
                    return Some((Err(errors::draining()), None));
                },
                () = self.place.must_go() => {
                    return Some((Err(sent_away(STREAMS_MAX.into(), "streams")), None));
                }
            }
        }
    }
}

fn status_in(phase: Phase) -> ServingStatus {
    match phase {
        Phase::Serving => ServingStatus::Serving,
        Phase::Starting | Phase::Draining => ServingStatus::NotServing,
    }
}

fn answer(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}

impl NamedService for Health {
    const NAME: &'static str = "grpc.health.v1.Health";
}

impl Service<super::Request> for Health {
    type Response = super::Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<super::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    /// The intake lets only calls of the two methods in.
    fn call(&mut self, request: super::Request) -> Self::Future {
        let health = self.clone();
        Box::pin(async move {
            let is_watch = request.uri().path() == WATCH;
            let name = |request: &Request<HealthCheckRequest>| request.get_ref().service.clone();
            Ok(if is_watch {
                let watch = |request: Request<HealthCheckRequest>| {
                    let party = party_of(request.extensions());
                    answered(health.watch(&name(&request), party))
                };
                handler().server_streaming(service_fn(watch), request).await
            } else {
                let check =
                    |request: Request<HealthCheckRequest>| answered(health.check(&name(&request)));
                handler().unary(service_fn(check), request).await
            })
        })
    }
}

fn answered<T>(answer: Result<T, Status>) -> Ready<Result<Response<T>, Status>> {
    ready(answer.map(Response::new))
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::{FutureExt as _, StreamExt as _};
    use tonic_types::StatusExt as _;

    use super::*;

    const SERVICE: &str = "tidu.v1.LedgerService";

    fn health(phases: &Phases) -> Health {
        Health::new([SERVICE.to_owned()], phases)
    }

    fn watch(phases: &Phases, service: &str) -> impl Stream<Item = Change> + Send + use<> {
        health(phases).watch(service, Party::Server).unwrap()
    }

    fn reason(status: &Status) -> String {
        status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
    }

    #[test]
    fn a_check_tells_the_phase_of_what_the_server_has() {
        let phases = Phases::new();
        let health = health(&phases);
        let both = || ["", SERVICE].map(|name| health.check(name).unwrap().status());
        assert_eq!(both(), [ServingStatus::NotServing; 2]);
        phases.enter(Phase::Serving);
        assert_eq!(both(), [ServingStatus::Serving; 2]);
        let unknown = health.check("tidu.v1.Nothing").unwrap_err();
        assert_eq!((unknown.code(), &*reason(&unknown)), (Code::NotFound, "SERVICE_UNKNOWN"));
        phases.enter(Phase::Draining);
        assert_eq!(both(), [ServingStatus::NotServing; 2]);
    }

    #[tokio::test]
    async fn a_watcher_hears_each_change_and_then_the_end() {
        let phases = Phases::new();
        let mut watcher = pin!(watch(&phases, SERVICE));
        let told = |change: Option<Change>| change.unwrap().unwrap().status();
        assert_eq!(told(watcher.next().await), ServingStatus::NotServing);
        assert!(watcher.next().now_or_never().is_none());
        phases.enter(Phase::Serving);
        assert_eq!(told(watcher.next().await), ServingStatus::Serving);
        assert!(watcher.next().now_or_never().is_none());
        phases.enter(Phase::Draining);
        assert_eq!(told(watcher.next().await), ServingStatus::NotServing);
        let end = watcher.next().await.unwrap().unwrap_err();
        assert_eq!((end.code(), &*reason(&end)), (Code::Unavailable, "DRAINING"));
        assert!(watcher.next().await.is_none());
    }

    #[tokio::test]
    async fn a_service_that_the_server_lacks_stays_unknown_until_the_drain() {
        let phases = Phases::new();
        let mut watcher = pin!(watch(&phases, "tidu.v1.Nothing"));
        let first = watcher.next().await.unwrap().unwrap();
        assert_eq!(first.status(), ServingStatus::ServiceUnknown);
        phases.enter(Phase::Serving);
        assert!(watcher.next().now_or_never().is_none(), "nothing has changed");
        phases.enter(Phase::Draining);
        assert_eq!(reason(&watcher.next().await.unwrap().unwrap_err()), "DRAINING");
    }

    #[tokio::test]
    async fn who_comes_during_the_drain_hears_of_it_and_goes() {
        let phases = Phases::new();
        phases.enter(Phase::Draining);
        let changes: Vec<_> = watch(&phases, "").collect().await;
        assert_eq!(changes.len(), 2);
        assert_eq!(changes[0].as_ref().unwrap().status(), ServingStatus::NotServing);
        assert_eq!(reason(changes[1].as_ref().unwrap_err()), "DRAINING");
    }

    #[tokio::test]
    async fn another_machine_watches_so_many_times_and_no_more() {
        let phases = Phases::new();
        let health = health(&phases);
        let party = |host| Party::of(([192, 0, 2, host], 9).into());
        let most = u64::from(STREAMS_OF_PARTY_MAX);
        let mut watchers: Vec<_> =
            (0..most).map(|_| health.watch("", party(1)).ok().unwrap()).collect();
        let refused = health.watch("", party(1)).err().unwrap();
        assert_eq!(reason(&refused), "LIMIT_EXCEEDED");
        assert!(health.watch("", party(2)).is_ok());
        watchers.pop();
        assert!(health.watch("", party(1)).is_ok());
    }
}
