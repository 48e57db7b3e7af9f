//! The gRPC services: one handler for each RPC, errors, filters, pages and streams. This room
//! decides nothing: the ledger does.
//!
//! A handler runs on the runtime's threads, which all calls share. A long question goes through the
//! gate instead (questions/), on a thread of its own.

mod access;
mod acts;
mod admin;
mod adoption;
mod anchors;
mod append;
mod arrival;
mod as_of;
mod audit_lines;
mod call;
mod call_lines;
mod calls;
mod commit_line;
mod connect;
mod consistent;
mod convert;
mod creators;
mod cursor_errors;
mod cursor_streams;
mod cursors;
mod delivered;
mod entitled;
mod errors;
mod event_range;
mod filter;
mod forwarding;
mod frames;
mod hand_over;
mod health;
mod hosts;
mod identify;
mod intake;
mod interests;
mod kept_filter;
mod lag;
mod leader;
mod ledger;
mod page;
mod panic;
mod phase;
mod plain_http;
mod principals;
mod private_cause;
mod proof;
mod proposals;
mod questions;
mod rate;
mod recent;
mod recording;
mod reflection;
mod register;
mod room;
mod roots;
mod rpc;
mod rules;
mod screen;
mod sealed_pages;
mod settings;
mod shares;
mod shown;
mod standing;
mod starting;
mod state;
mod stream_reader;
mod subscribe;
mod tracing_calls;
mod transport;
mod turns;
mod unread;
mod verify;
mod web;
mod withholding;

use std::{convert::Infallible, sync::Arc};

use prost_reflect::DescriptorPool;
use prost_types::FileDescriptorSet;
use tokio_util::sync::CancellationToken;
use tonic::{
    Status,
    codec::CompressionEncoding::{Gzip, Zstd},
    server::Grpc,
    service::Routes,
};
use tonic_web::{GrpcWebLayer, GrpcWebService};
use tower::{
    Layer as _, Service, ServiceBuilder, ServiceExt as _, layer::layer_fn,
    util::BoxCloneSyncService,
};
use tower_http::cors::{AllowHeaders, CorsLayer};

use self::{
    access::AccessApi,
    acts::Acts,
    admin::AdminApi,
    adoption::PendingAdoption,
    arrival::Arrivals,
    call_lines::{CallLines, tell_stray},
    calls::{Calls, Counted},
    connect::{Connect, Methods},
    creators::Creators,
    cursor_streams::CursorStreams,
    cursors::CursorApi,
    delivered::Delivered,
    forwarding::Forwarding,
    hand_over::HandOvers,
    health::Health,
    intake::{Admitted, Intake},
    interests::Interests,
    ledger::LedgerApi,
    panic::CatchPanic,
    plain_http::OnlyCalls,
    proof::ProofApi,
    questions::Questions,
    rate::EventRates,
    recent::Recent,
    reflection::{Described, Reflection},
    register::{NameIndex, RegisterApi},
    screen::screened,
    subscribe::Streams,
    unread::EndUnread,
    verify::Verifications,
    web::{Site, Web},
};
pub(crate) use self::{
    adoption::adopt,
    anchors::{end_trail, last_anchor, of_server},
    connect::name_of as code_name,
    hosts::Guard,
    principals::of_entry as principal_message,
    shares::Shares,
    tracing_calls::TRACED,
    unread::ReadToEnd,
    web::{accepts, prefers_chinese},
};
pub use self::{
    call::Peer,
    leader::{Heard, Leader, Way, Writes},
    phase::{Awaited, Phase, Phases},
    settings::ApiSettings,
    starting::starting,
    tracing_calls::Sampling,
};
use crate::{
    access::AccessControl,
    cursors::Cursors,
    ledger::Ledger,
    limits::{
        CORS_AGE, REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX, STREAMS_MAX, STREAMS_OF_PARTY_MAX,
        WATCHED_DESIGNEES_MAX, WATCHED_DESIGNEES_OF_PARTY_MAX,
    },
    metrics::Metrics,
    protocol::{
        codec::MessageCodec,
        pb::{
            access_service_server::AccessServiceServer, admin_service_server::AdminServiceServer,
            cursor_service_server::CursorServiceServer, ledger_service_server::LedgerServiceServer,
            proof_service_server::ProofServiceServer,
            register_service_server::RegisterServiceServer,
        },
    },
};

type Request = http::Request<tonic::body::Body>;
type Response = http::Response<tonic::body::Body>;

/// An HTTP service that answers every RPC.
pub type Api = BoxCloneSyncService<Request, Response, Infallible>;

/// The handlers of all services.
struct Services {
    ledger: LedgerApi,
    register: RegisterApi,
    admin: AdminApi,
    cursors: CursorApi,
    proof: ProofApi,
    access: AccessApi,
}

/// The embedded descriptors of the services cannot be read, which a test rules out.
#[derive(Debug, thiserror::Error)]
#[error("the embedded descriptors of the services cannot be read: {0}")]
pub struct Undescribed(String);

impl Undescribed {
    fn new(error: impl std::error::Error) -> Self {
        Self(error.to_string())
    }
}

/// Assembles all services of a ledger. Health tells the phase; streams end as the drain begins.
///
/// # Errors
/// [`Undescribed`].
pub fn api(
    ledger: Arc<Ledger>,
    cursors: Arc<Cursors>,
    settings: ApiSettings,
    phases: &Phases,
) -> Result<Api, Undescribed> {
    let metrics = ledger.metrics();
    let intake = Intake::new(settings.in_flight_bytes, metrics).map_err(Undescribed::new)?;
    let drain = phases.drain();
    follow_policy(&settings.access, &ledger);
    let questions = Questions::new(settings.questions, metrics);
    let reading = Questions::of_requests(settings.questions);
    let calls = Calls::new(&intake, metrics, ledger.trail());
    let served = Shares::new(STREAMS_MAX.into(), STREAMS_OF_PARTY_MAX.into());
    let cursors = CursorStreams::new(cursors, Arc::clone(intake.budget()));
    let streams = streams_of(&ledger, &cursors, &served, &reading, &drain);
    let adoption = Arc::new(PendingAdoption::of(&ledger));
    anchors::begin(&ledger, &settings, &adoption, drain.clone());
    let (trail, open) = (ledger.trail().cloned(), Some(Arc::clone(&ledger)));
    let led = Arc::clone(&ledger);
    let arrivals = match &settings.writes {
        Writes::There(leader) => Some(Arrivals::new(Arc::clone(leader), drain.clone())),
        Writes::Here => None,
    };
    let (rates, slow_commit) = (EventRates::new(settings.events_per_second), settings.slow_commit);
    let services = Services {
        register: RegisterApi {
            ledger: Arc::clone(&ledger),
            questions: questions.clone(),
            reading: reading.clone(),
            names: NameIndex::new(metrics, drain.clone()),
        },
        admin: AdminApi {
            ledger: Arc::clone(&ledger),
            adoption: Arc::clone(&adoption),
            started_micros: ledger.opened_micros(),
            streams: served,
            verifications: Verifications::new(Arc::clone(&ledger), drain.clone()),
            recent: Recent::begin(&ledger, drain.clone()),
            tls_problem: Arc::clone(&settings.tls_problem),
            access: Arc::clone(&settings.access),
            hand_overs: Arc::new(HandOvers::of(settings.directory.clone())),
        },
        cursors: CursorApi {
            ledger: Arc::clone(&ledger),
            streams: cursors,
            questions: questions.clone(),
            reading: reading.clone(),
            // Without hosts of its own, a server is called by other machines.
            creators: Creators::new(settings.local_hosts.is_none()),
        },
        proof: ProofApi {
            ledger: Arc::clone(&ledger),
            questions: questions.clone(),
            reading: reading.clone(),
        },
        access: AccessApi { access: Arc::clone(&settings.access), ledger: Arc::clone(&ledger) },
        ledger: LedgerApi { ledger, adoption, streams, questions, reading, rates, slow_commit },
    };
    let described = Described::new().map_err(Undescribed::new)?;
    let routes = with_standard(routes(services), &described, phases).prepare();
    let writes = settings.writes.clone();
    let forwarding = Forwarding { inner: routes, writes, ledger: led, arrivals: arrivals.clone() };
    let admitted = Acts { inner: Admitted { inner: forwarding, intake }, trail };
    Ok(layered(admitted, calls, &described, settings, (open, arrivals)))
}

/// What streams of a ledger share.
fn streams_of(
    ledger: &Arc<Ledger>,
    cursors: &CursorStreams,
    served: &Arc<Shares>,
    reading: &Questions,
    drain: &CancellationToken,
) -> Streams {
    Streams {
        ledger: Arc::clone(ledger),
        drain: drain.clone(),
        cursors: cursors.clone(),
        served: Arc::clone(served),
        watched: Shares::new(WATCHED_DESIGNEES_MAX, WATCHED_DESIGNEES_OF_PARTY_MAX),
        interests: Interests::default(),
        delivered: Delivered::of(ledger.metrics()),
        reading: reading.clone(),
    }
}

/// Hands each policy that comes into force to the ledger, before anybody is identified by it.
fn follow_policy(access: &AccessControl, ledger: &Arc<Ledger>) {
    let ledger = Arc::downgrade(ledger);
    access.tell(move |policy| {
        if let Some(ledger) = ledger.upgrade() {
            ledger.adopt_policy(policy);
        }
    });
}

/// Adds the services that answer in each phase: health and reflection.
fn with_standard(routes: Routes, described: &Described, phases: &Phases) -> Routes {
    let health = Health::new(described.services(), phases);
    let drain = phases.drain();
    let alpha = Reflection::<true> { described: described.clone(), drain: drain.clone() };
    let v1 = Reflection::<false> { described: described.clone(), drain };
    routes.add_service(health).add_service(v1).add_service(alpha)
}

/// Handles one call of health or reflection as the generated servers handle those of ours.
fn handler<T, U>() -> Grpc<MessageCodec<T, U>>
where
    T: prost::Message + Send + 'static,
    U: prost::Message + Default + Send + 'static,
{
    Grpc::new(MessageCodec::default())
        .send_compressed(Gzip)
        .send_compressed(Zstd)
        .max_decoding_message_size(REQUEST_BYTES_MAX)
        .max_encoding_message_size(RESPONSE_BYTES_MAX)
}

fn routes(services: Services) -> Routes {
    /// Sets the encodings of responses, from which `transport.rs` chooses, and the sizes of
    /// messages. Requests arrive plain: the intake unpacks them.
    macro_rules! bounded {
        ($server:expr) => {
            $server
                .send_compressed(Gzip)
                .send_compressed(Zstd)
                .max_decoding_message_size(REQUEST_BYTES_MAX)
                .max_encoding_message_size(RESPONSE_BYTES_MAX)
        };
    }
    Routes::new(bounded!(LedgerServiceServer::new(services.ledger)))
        .add_service(bounded!(RegisterServiceServer::new(services.register)))
        .add_service(bounded!(AdminServiceServer::new(services.admin)))
        .add_service(bounded!(CursorServiceServer::new(services.cursors)))
        .add_service(bounded!(ProofServiceServer::new(services.proof)))
        .add_service(bounded!(AccessServiceServer::new(services.access)))
}

/// Puts the layers of every call around services that are admitted to. The ledger is there once its
/// log is open.
fn layered<S>(
    admitted: S,
    calls: Arc<Calls>,
    described: &Described,
    settings: ApiSettings,
    (ledger, arrivals): (Option<Arc<Ledger>>, Option<Arc<Arrivals>>),
) -> Api
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S: Clone + Send + Sync + 'static,
    S::Future: Send,
{
    let ApiSettings { access, web_origins, local_hosts, sampling, .. } = settings;
    let guard = local_hosts.map(|hosts| Guard::new(&hosts, &web_origins));
    let of_calls = Arc::clone(&calls);
    let of_strangers = Arc::clone(&calls);
    let turns = Arc::new(turns::turns());
    let site = Site { ledger, arrivals, access: Arc::clone(&access), turns };
    let layers = ServiceBuilder::new()
        .layer(layer_fn(move |inner| {
            let access = Arc::clone(&access);
            screened(Arc::clone(&of_strangers), inner, move |request| {
                identify::let_in(&access, request).err().map(Status::into_http)
            })
        }))
        .layer(layer_fn(move |inner| CallLines { inner, sampling }))
        .map_request(transport::choose_encoding)
        .layer(layer_fn(move |inner| Counted { inner, calls: Arc::clone(&of_calls) }))
        .layer(layer_fn(CatchPanic));
    let api = with_protocols(layers.service(admitted), &calls, described.pool());
    let api = cors(web_origins).layer(Web { inner: api, site });
    let api = api.map_request(|request: Request| request);
    let api = api.map_response(|response: http::Response<_>| response.map(tonic::body::Body::new));
    match guard {
        Some(guard) => {
            let guard = Arc::new(guard);
            let screen = move |request: &mut Request| guard.refusal(request);
            BoxCloneSyncService::new(EndUnread(screened(calls, api, screen)))
        }
        None => BoxCloneSyncService::new(EndUnread(api)),
    }
}

/// Brings the protocols beside gRPC to a service that speaks it: Connect and gRPC-Web. What is none
/// of the three is refused.
fn with_protocols<S>(
    inner: S,
    calls: &Arc<Calls>,
    described: DescriptorPool,
) -> Connect<S, OnlyCalls<GrpcWebService<S>>>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone,
{
    let web = GrpcWebLayer::new().layer(inner.clone());
    let of_refusals = Arc::clone(calls);
    let methods = Arc::new(Methods::new(described));
    Connect {
        calls: inner,
        others: OnlyCalls { inner: web, calls: Arc::clone(calls), methods: Arc::clone(&methods) },
        methods,
        told: Arc::new(move |request: &Request, status: &Status| {
            of_refusals.stray(request, status);
            tell_stray(request, status);
        }),
    }
}

/// The protocols of the port in front of another gRPC service, whose requests have at most so many
/// bytes. The conformance suite judges them by it. `around` sees what the intake answers.
pub fn port_of<S>(
    inner: S,
    described: DescriptorPool,
    request_bytes_max: usize,
    around: impl FnOnce(Api) -> Api,
) -> Api
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S: Clone + Send + Sync + 'static,
    S::Future: Send,
{
    let metrics = Metrics::new();
    let files = described.file_descriptor_protos().cloned().collect();
    let intake = Intake::of(&FileDescriptorSet { file: files }, request_bytes_max, &metrics);
    let calls = Calls::new(&intake, &metrics, None);
    let inner = around(BoxCloneSyncService::new(Admitted { inner, intake }));
    let inner = inner.map_request(transport::choose_encoding);
    BoxCloneSyncService::new(EndUnread(with_protocols(inner, &calls, described)))
}

/// Allows web pages of these origins to call. Without any, browsers allow only the server's own.
fn cors(origins: Vec<http::HeaderValue>) -> CorsLayer {
    let exposed = ["grpc-status", "grpc-message", "grpc-status-details-bin"];
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([http::Method::GET, http::Method::HEAD, http::Method::POST])
        // A list, because a wildcard leaves out the header with a token.
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(exposed.map(http::HeaderName::from_static))
        .max_age(CORS_AGE)
}
