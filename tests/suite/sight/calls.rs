//! Each call is counted, whatever answers it: a handler, the intake, the guard of the host, or the
//! layer of gRPC-Web.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use tempfile::TempDir;
use tidu::{
    cursors::Cursors,
    metrics::{Format, Kind, Metrics, TABLE},
    protocol::pb::{
        self, admin_service_client::AdminServiceClient, ledger_service_client::LedgerServiceClient,
        subscribe_request::Start,
    },
    service::{self, Api, ApiSettings, Peer, Phase, Phases},
};
use tonic::{Code, body::Body};
use tower::{ServiceExt as _, util::BoxCloneSyncService};

use crate::support::{MemoryLog, PATIENCE, directory, list, open, reason};

const APPEND: &str = "/tidu.v1.LedgerService/Append";
const GET_STATUS: &str = "/tidu.v1.AdminService/GetStatus";
const HERE: &str = "127.0.0.1:4000";
const ELSEWHERE: &str = "192.0.2.1:4000";

/// The service without a socket.
struct Served {
    api: Api,
    metrics: Arc<Metrics>,
    phases: Phases,
    _dir: TempDir,
}

impl Served {
    async fn new() -> Self {
        Self::with(ApiSettings::default()).await
    }

    async fn with(settings: ApiSettings) -> Self {
        let dir = directory();
        let log = Arc::new(MemoryLog::default());
        let ledger = Arc::new(open(log, Arc::default(), Arc::default()));
        let cursors = Arc::new(Cursors::open(dir.path()).unwrap());
        let (metrics, phases) = (Arc::clone(ledger.metrics()), Phases::new());
        let api = service::api(ledger, cursors, settings, &phases).unwrap();
        Self { api, metrics, phases, _dir: dir }
    }

    /// The service as a peer sees it.
    fn to(&self, peer: &str) -> Api {
        let peer = Peer(peer.parse::<SocketAddr>().unwrap());
        let api = self.api.clone().map_request(move |mut request: Request<Body>| {
            request.extensions_mut().insert(peer);
            request
        });
        BoxCloneSyncService::new(api)
    }

    fn ledger(&self) -> LedgerServiceClient<Api> {
        LedgerServiceClient::new(self.to(HERE))
    }

    fn admin(&self) -> AdminServiceClient<Api> {
        AdminServiceClient::new(self.to(HERE))
    }

    /// Sends a request and takes its whole answer.
    async fn send(&self, peer: &str, request: http::request::Builder, body: &[u8]) -> StatusCode {
        let body = Body::new(Full::new(Bytes::copy_from_slice(body)));
        let answer = self.to(peer).oneshot(request.body(body).unwrap()).await.unwrap();
        let status = answer.status();
        answer.into_body().collect().await.unwrap();
        status
    }

    /// The samples of a metric that are not 0, by the values of their labels.
    fn counts(&self, name: &str) -> BTreeMap<String, f64> {
        let all = samples(&self.metrics).into_iter();
        let of_name = all.filter_map(|(sample, value)| {
            let labels = sample.strip_prefix(name)?.strip_prefix('{')?.strip_suffix('}')?;
            let values = labels.split(',').map(|label| label.split('"').nth(1).unwrap());
            Some((values.collect::<Vec<_>>().join(" "), value))
        });
        of_name.filter(|(_, value)| *value > 0.0).collect()
    }

    #[track_caller]
    fn assert_counts(&self, name: &str, expected: &[(&str, u32)]) {
        let expected: BTreeMap<_, _> = expected
            .iter()
            .map(|(labels, count)| ((*labels).to_owned(), f64::from(*count)))
            .collect();
        assert_eq!(self.counts(name), expected, "{name}");
    }
}

/// Each sample of the output with its value.
fn samples(metrics: &Metrics) -> BTreeMap<String, f64> {
    let output = metrics.encode(Format::Text);
    let lines = output.lines().filter(|line| !line.starts_with('#'));
    let read = |line: &str| {
        let (sample, value) = line.rsplit_once(' ').unwrap();
        (sample.to_owned(), value.parse().unwrap())
    };
    lines.map(read).collect()
}

fn post(path: &str) -> http::request::Builder {
    Request::post(path).version(http::Version::HTTP_2).header("te", "trailers")
}

fn grpc(path: &str) -> http::request::Builder {
    post(path).header("content-type", "application/grpc")
}

fn web(path: &str) -> http::request::Builder {
    Request::post(path).header("content-type", "application/grpc-web+proto")
}

/// One message without content.
const EMPTY: [u8; 5] = [0; 5];

#[tokio::test]
async fn a_call_is_counted_by_method_and_code() {
    let served = Served::new().await;
    for _ in 0..3 {
        served.admin().get_status(pb::GetStatusRequest {}).await.unwrap();
    }
    let events = list(1, 2);
    served.ledger().append(pb::AppendRequest { events, ..Default::default() }).await.unwrap();
    served.ledger().get_event(pb::GetEventRequest::default()).await.unwrap_err();
    let beyond = pb::GetEventRequest { position: Some(9), ..Default::default() };
    served.ledger().get_event(beyond).await.unwrap_err();
    served.assert_counts(
        "tidu_calls_total",
        &[
            ("tidu.v1.AdminService/GetStatus OK", 3),
            ("tidu.v1.LedgerService/Append OK", 1),
            ("tidu.v1.LedgerService/GetEvent INVALID_ARGUMENT", 1),
            ("tidu.v1.LedgerService/GetEvent OUT_OF_RANGE", 1),
        ],
    );
    let refusals = [("FIELD_REQUIRED", 1), ("POSITION_BEYOND_LOG", 1)];
    served.assert_counts("tidu_refusals_total", &refusals);
    served.assert_counts("tidu_party_refusals_total", &[("127.0.0.1", 2)]);
    let durations = [
        ("tidu.v1.AdminService/GetStatus", 3),
        ("tidu.v1.LedgerService/Append", 1),
        ("tidu.v1.LedgerService/GetEvent", 2),
    ];
    served.assert_counts("tidu_call_duration_seconds_count", &durations);
}

#[tokio::test]
async fn what_no_handler_sees_is_counted() {
    let served = Served::new().await;
    let unknown = grpc("/tidu.v1.LedgerService/Erase");
    served.send(ELSEWHERE, unknown, &EMPTY).await;
    let packed = grpc(APPEND).header("grpc-encoding", "deflate");
    served.send(ELSEWHERE, packed, &EMPTY).await;
    served.send(ELSEWHERE, grpc(APPEND), &[0, 0xff, 0xff, 0xff, 0xff]).await;
    served.send(ELSEWHERE, grpc(APPEND), b"").await;
    // Not a call of gRPC, whatever its path.
    served.send(ELSEWHERE, post(APPEND), &EMPTY).await;
    let get = Request::get(APPEND).version(http::Version::HTTP_2);
    let status = served.send(ELSEWHERE, get, b"").await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    served.assert_counts(
        "tidu_calls_total",
        &[
            ("unknown UNIMPLEMENTED", 1),
            ("tidu.v1.LedgerService/Append UNIMPLEMENTED", 1),
            ("tidu.v1.LedgerService/Append RESOURCE_EXHAUSTED", 1),
            ("tidu.v1.LedgerService/Append INVALID_ARGUMENT", 1),
            // Two requests that are not calls, whatever their path.
            ("unknown INVALID_ARGUMENT", 2),
        ],
    );
    let refusals = [
        ("METHOD_UNKNOWN", 1),
        ("ENCODING_UNKNOWN", 1),
        ("LIMIT_EXCEEDED", 1),
        ("MALFORMED_REQUEST", 3),
    ];
    served.assert_counts("tidu_refusals_total", &refusals);
    served.assert_counts("tidu_party_refusals_total", &[("192.0.2.1", 6)]);
}

#[tokio::test]
async fn calls_over_grpc_web_are_counted_as_others() {
    let served = Served::new().await;
    assert_eq!(served.send(ELSEWHERE, web(GET_STATUS), &EMPTY).await, StatusCode::OK);
    served.send(ELSEWHERE, web(APPEND), &EMPTY).await;
    served.send(ELSEWHERE, web("/elsewhere"), &EMPTY).await;
    // Neither form of a call.
    let plain = Request::get("/elsewhere").header("accept", "text/html");
    assert_eq!(served.send(ELSEWHERE, plain, b"").await, StatusCode::NOT_FOUND);
    let get = Request::get(APPEND).header("content-type", "application/grpc-web");
    assert_eq!(served.send(ELSEWHERE, get, b"").await, StatusCode::METHOD_NOT_ALLOWED);
    served.assert_counts(
        "tidu_calls_total",
        &[
            ("tidu.v1.AdminService/GetStatus OK", 1),
            ("tidu.v1.LedgerService/Append INVALID_ARGUMENT", 1),
            ("unknown UNIMPLEMENTED", 1),
            ("unknown INVALID_ARGUMENT", 2),
        ],
    );
    served.assert_counts("tidu_party_refusals_total", &[("192.0.2.1", 4)]);
    let refusals = [("FIELD_REQUIRED", 1), ("METHOD_UNKNOWN", 1), ("MALFORMED_REQUEST", 2)];
    served.assert_counts("tidu_refusals_total", &refusals);
}

#[tokio::test]
async fn events_over_http_are_counted_as_the_call_that_they_are() {
    let served = Served::new().await;
    let get = |target: &str| Request::get(target.to_owned());
    let status = served.send(ELSEWHERE, get("/v1/events?follow=false"), b"").await;
    assert_eq!(status, StatusCode::OK);
    for target in ["/v1/events?form=1", "/v1/events?from=9"] {
        assert_eq!(served.send(ELSEWHERE, get(target), b"").await, StatusCode::BAD_REQUEST);
    }
    served.assert_counts(
        "tidu_calls_total",
        &[
            ("tidu.v1.LedgerService/Subscribe OK", 1),
            ("tidu.v1.LedgerService/Subscribe INVALID_ARGUMENT", 1),
            ("tidu.v1.LedgerService/Subscribe OUT_OF_RANGE", 1),
        ],
    );
    served.assert_counts("tidu_party_refusals_total", &[("192.0.2.1", 2)]);
    let refusals = [("MALFORMED_REQUEST", 1), ("POSITION_BEYOND_LOG", 1)];
    served.assert_counts("tidu_refusals_total", &refusals);
}

#[tokio::test]
async fn a_request_for_another_host_is_counted() {
    let local_hosts = Some(Vec::new());
    let served = Served::with(ApiSettings { local_hosts, ..ApiSettings::default() }).await;
    let foreign = |request: http::request::Builder| request.header("host", "evil.example");
    assert_eq!(served.send(HERE, foreign(grpc(APPEND)), &EMPTY).await, StatusCode::OK);
    assert_eq!(served.send(HERE, foreign(web(GET_STATUS)), &EMPTY).await, StatusCode::FORBIDDEN);
    served.assert_counts(
        "tidu_calls_total",
        &[
            ("tidu.v1.LedgerService/Append PERMISSION_DENIED", 1),
            ("tidu.v1.AdminService/GetStatus PERMISSION_DENIED", 1),
        ],
    );
    served.assert_counts("tidu_refusals_total", &[("HOST_NOT_ALLOWED", 2)]);
    served.assert_counts("tidu_party_refusals_total", &[("127.0.0.1", 2)]);
}

#[tokio::test]
async fn a_stream_is_counted_while_it_is_open_and_by_its_end() {
    const SUBSCRIBE: &str = "tidu.v1.LedgerService/Subscribe";
    let served = Served::new().await;
    let events = list(1, 3);
    served.ledger().append(pb::AppendRequest { events, ..Default::default() }).await.unwrap();
    let from = Some(Start::FromPosition(0));
    let to_the_end = pb::SubscribeRequest { start: from, stop_position: Some(3), ..no_filter() };
    let mut read = served.ledger().subscribe(to_the_end).await.unwrap().into_inner();
    while read.message().await.unwrap().is_some() {}
    served.assert_counts("tidu_streams_ended_total", &[(&format!("{SUBSCRIBE} COMPLETE"), 1)]);

    let left = served.ledger().subscribe(no_filter()).await.unwrap();
    let mut drained = served.ledger().subscribe(no_filter()).await.unwrap().into_inner();
    served.assert_counts("tidu_streams", &[(SUBSCRIBE, 2)]);
    drop(left);
    served.assert_counts("tidu_streams", &[(SUBSCRIBE, 1)]);
    served.phases.enter(Phase::Draining);
    let end = loop {
        match tokio::time::timeout(PATIENCE, drained.message()).await.unwrap() {
            Ok(message) => assert!(message.is_some(), "a drain is an error"),
            Err(status) => break status,
        }
    };
    assert_eq!((end.code(), reason(&end).as_str()), (Code::Unavailable, "DRAINING"));
    served.assert_counts("tidu_streams", &[]);
    served.assert_counts(
        "tidu_streams_ended_total",
        &[
            (&format!("{SUBSCRIBE} COMPLETE"), 1),
            (&format!("{SUBSCRIBE} CANCELLED"), 1),
            (&format!("{SUBSCRIBE} DRAINING"), 1),
        ],
    );
    // A client that leaves is not refused.
    served.assert_counts("tidu_refusals_total", &[("DRAINING", 1)]);
    assert_eq!(served.counts("tidu_calls_total")[&format!("{SUBSCRIBE} CANCELLED")], 1.0);
    assert_eq!(served.counts("tidu_call_duration_seconds_count").len(), 1, "of Append alone");
}

fn no_filter() -> pb::SubscribeRequest {
    pb::SubscribeRequest::default()
}

#[tokio::test]
async fn the_faults_of_a_refused_commit_are_counted_by_reason() {
    let served = Served::new().await;
    let good = || list(1, 1).remove(0);
    let nobody = || pb::Event { authority: "nobody".to_owned(), ..good() };
    let append = async |events, validate_only| {
        let request = pb::AppendRequest { events, validate_only, ..Default::default() };
        served.ledger().append(request).await
    };
    append(vec![nobody(), nobody()], true).await.unwrap();
    served.assert_counts("tidu_event_rejections_total", &[]);
    append(vec![nobody(), nobody(), good()], false).await.unwrap_err();
    served.assert_counts("tidu_event_rejections_total", &[("AUTHORITY_UNKNOWN", 2)]);
    // The first thousand are listed.
    append(vec![nobody(); 1_001], false).await.unwrap_err();
    let expected = [("AUTHORITY_UNKNOWN", 1_002), ("UNLISTED", 1)];
    served.assert_counts("tidu_event_rejections_total", &expected);
}

#[tokio::test]
async fn counters_never_fall() {
    let served = Served::new().await;
    let counting: Vec<String> = TABLE
        .iter()
        .flat_map(|row| match row.kind {
            Kind::Counter => vec![row.name.to_owned()],
            Kind::Histogram => {
                ["bucket", "sum", "count"].map(|s| format!("{}_{s}", row.name)).into()
            }
            Kind::Gauge | Kind::Info => Vec::new(),
        })
        .collect();
    let is_counting = |sample: &str| {
        let name = sample.split('{').next().unwrap();
        counting.iter().any(|counting| counting == name)
    };
    let mut before = BTreeMap::<String, f64>::new();
    for (round, event) in list(1, 20).into_iter().enumerate() {
        let events = if round % 3 == 0 { Vec::new() } else { vec![event] };
        let request = pb::AppendRequest { events, ..Default::default() };
        let answer = served.ledger().append(request).await;
        assert_eq!(answer.is_err(), round % 3 == 0, "{answer:?}");
        drop(served.ledger().subscribe(no_filter()).await.unwrap());
        let now = samples(&served.metrics);
        for (sample, was) in before.iter().filter(|(sample, _)| is_counting(sample)) {
            assert!(now[sample] >= *was, "{sample} fell from {was} to {}", now[sample]);
        }
        before = now;
    }
    assert!(before["tidu_calls_total{method=\"tidu.v1.LedgerService/Append\",code=\"OK\"}"] > 9.0);
}
