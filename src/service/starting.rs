//! The API of a server that is starting: health and reflection answer, and every other call learns
//! how far the replay is. Its message is not read.

use std::{future::ready, sync::Arc};

use futures_util::future::Either;
use tonic::service::Routes;
use tower::{ServiceExt as _, service_fn};

use super::{
    Api, ApiSettings, Request, Undescribed,
    calls::Calls,
    errors,
    intake::{Admitted, Intake},
    layered,
    phase::{Awaited, Phases},
    reflection::Described,
    with_standard,
};
use crate::metrics::Metrics;

/// Services that answer in each phase, as their paths begin.
const STANDARD: [&str; 2] = ["/grpc.health.", "/grpc.reflection."];

/// Assembles the API of a server that is starting.
///
/// # Errors
/// [`Undescribed`].
pub fn starting(
    settings: ApiSettings,
    phases: &Phases,
    metrics: &Arc<Metrics>,
) -> Result<Api, Undescribed> {
    let intake = Intake::new(settings.in_flight_bytes, metrics).map_err(Undescribed::new)?;
    let calls = Calls::new(&intake, metrics, None);
    let described = Described::new().map_err(Undescribed::new)?;
    let routes = with_standard(Routes::default(), &described, phases).prepare();
    let standard = Admitted { inner: routes, intake };
    // Before anybody is known by name, a stranger may be asking.
    let is_open = settings.access.policy().is_open();
    let (replay, of_start) = (Arc::clone(metrics), phases.clone());
    let api = service_fn(move |request: Request| {
        if STANDARD.iter().any(|service| request.uri().path().starts_with(service)) {
            return Either::Left(standard.clone().oneshot(request));
        }
        let awaited =
            of_start.awaited().map(|it| if is_open { it } else { Awaited::for_strangers() });
        let (replayed, events) = (replay.replayed_events.get(), replay.replay_events.get());
        Either::Right(ready(Ok(errors::starting(replayed, events, awaited).into_http())))
    });
    Ok(layered(api, calls, &described, settings, (None, None)))
}
