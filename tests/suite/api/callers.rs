//! Callers from this machine and from others: what each may hold, and under which names a server
//! for one machine may be called.

use std::{net::SocketAddr, num::NonZeroU32, sync::Arc};

use futures_util::FutureExt as _;
use http::Request;
use tempfile::TempDir;
use tidu::{
    cursors::Cursors,
    protocol::pb::{
        self, admin_service_client::AdminServiceClient, cursor_service_client::CursorServiceClient,
        ledger_service_client::LedgerServiceClient,
    },
    service::{self, Api, ApiSettings, Peer, Phases},
};
use tonic::{Code, Status, Streaming, body::Body};
use tonic_types::StatusExt as _;
use tower::{ServiceExt as _, util::BoxCloneSyncService};

use super::error_details::assert_complete;
use crate::support::{Fresh, MemoryLog, directory, in_time, list, open, reason};

const LOCAL: &str = "127.0.0.1:4000";
const REMOTE: &str = "192.0.2.1:4000";
/// Another connection of the same machine.
const REMOTE_AGAIN: &str = "192.0.2.1:4001";
const OTHER: &str = "192.0.2.2:4000";

/// The service without a socket.
struct Served {
    api: Api,
    _dir: TempDir,
}

impl Served {
    async fn with(settings: ApiSettings) -> Self {
        let dir = directory();
        let log = Arc::new(MemoryLog::default());
        let ledger = Arc::new(open(log, Arc::default(), Arc::default()));
        let cursors = Arc::new(Cursors::open(dir.path()).unwrap());
        let api = service::api(ledger, cursors, settings, &Phases::new()).unwrap();
        Self { api, _dir: dir }
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

    async fn subscribe(
        &self,
        peer: &str,
        designees: Vec<String>,
    ) -> Result<Streaming<pb::SubscribeResponse>, Status> {
        let filter = pb::EventFilter { designees, ..Default::default() };
        let request = pb::SubscribeRequest { filter: Some(filter), ..Default::default() };
        let stream = LedgerServiceClient::new(self.to(peer)).subscribe(request).await?;
        Ok(stream.into_inner())
    }

    async fn create(&self, peer: &str, cursor_id: String) -> Result<(), Status> {
        let request = pb::CreateCursorRequest { cursor_id, ..Default::default() };
        CursorServiceClient::new(self.to(peer)).create_cursor(request).await.map(drop)
    }
}

#[track_caller]
fn assert_limited(status: &Status, limit: u64, unit: &str) {
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    assert_eq!(reason(status), "LIMIT_EXCEEDED");
    let metadata = status.get_details_error_info().unwrap().metadata;
    assert_eq!(
        (metadata["limit"].as_str(), metadata["unit"].as_str()),
        (&*limit.to_string(), unit)
    );
    assert_complete(status);
}

#[tokio::test]
async fn another_machine_has_its_number_of_streams_and_no_more() {
    let served = Served::with(ApiSettings::default()).await;
    let mut streams = Vec::new();
    for _ in 0..256 {
        streams.push(served.subscribe(REMOTE, Vec::new()).await.unwrap());
    }
    let refused = served.subscribe(REMOTE_AGAIN, Vec::new()).await.unwrap_err();
    assert_limited(&refused, 256, "streams");
    for peer in [OTHER, LOCAL] {
        served.subscribe(peer, Vec::new()).await.unwrap();
    }
    streams.pop();
    served.subscribe(REMOTE_AGAIN, Vec::new()).await.unwrap();
}

#[tokio::test]
async fn another_machine_follows_its_number_of_designees_and_no_more() {
    let served = Served::with(ApiSettings::default()).await;
    let ids = |count: u32| (0..count).map(|n| format!("local:330000/{n}")).collect::<Vec<_>>();
    let mut streams = Vec::new();
    for _ in 0..4 {
        streams.push(served.subscribe(REMOTE, ids(100_000)).await.unwrap());
    }
    let refused = served.subscribe(REMOTE_AGAIN, ids(1)).await.unwrap_err();
    assert_limited(&refused, 400_000, "designees");
    served.subscribe(REMOTE, Vec::new()).await.unwrap();
    served.subscribe(OTHER, ids(100_000)).await.unwrap();
    served.subscribe(LOCAL, ids(100_000)).await.unwrap();
    streams.pop();
    served.subscribe(REMOTE, ids(100_000)).await.unwrap();
}

#[tokio::test]
async fn another_machine_makes_its_number_of_cursors_and_no_more() {
    let served = Served::with(ApiSettings::default()).await;
    for number in 0..256 {
        served.create(REMOTE, number.to_string()).await.unwrap();
    }
    let refused = served.create(REMOTE_AGAIN, "one-more".to_owned()).await.unwrap_err();
    assert_limited(&refused, 256, "cursors");
    for peer in [OTHER, LOCAL] {
        served.create(peer, peer.replace(':', "-")).await.unwrap();
    }
    let cursor_id = "7".to_owned();
    let delete = pb::DeleteCursorRequest { cursor_id, ..Default::default() };
    CursorServiceClient::new(served.to(LOCAL)).delete_cursor(delete).await.unwrap();
    served.create(REMOTE, "one-more".to_owned()).await.unwrap();
}

#[tokio::test]
async fn cursors_made_at_once_are_no_more_than_those_made_in_turn() {
    let served = Served::with(ApiSettings::default()).await;
    let mut creates = tokio::task::JoinSet::new();
    for number in 0..300 {
        let mut client = CursorServiceClient::new(served.to(REMOTE));
        let cursor_id = number.to_string();
        let request = pb::CreateCursorRequest { cursor_id, ..Default::default() };
        creates.spawn(async move { client.create_cursor(request).await.map(drop) });
    }
    let (made, refused): (Vec<_>, Vec<_>) =
        creates.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!((made.len(), refused.len()), (256, 44));
    for status in refused {
        assert_limited(&status.unwrap_err(), 256, "cursors");
    }
}

#[tokio::test]
async fn a_caller_that_leaves_at_once_has_made_its_cursor() {
    let served = Served::with(ApiSettings::default()).await;
    for number in 0..256 {
        let mut create = Box::pin(served.create(REMOTE, number.to_string()));
        // Until it is in the store, but not until it is answered.
        while create.as_mut().now_or_never().is_none() {
            let get = pb::GetCursorRequest { cursor_id: number.to_string(), ..Default::default() };
            if CursorServiceClient::new(served.to(LOCAL)).get_cursor(get).await.is_ok() {
                break;
            }
        }
    }
    let refused = served.create(REMOTE_AGAIN, "one-more".to_owned()).await.unwrap_err();
    assert_limited(&refused, 256, "cursors");
}

#[tokio::test]
async fn a_rate_of_events_holds_for_each_caller() {
    let events_per_second = NonZeroU32::new(2);
    let served = Served::with(ApiSettings { events_per_second, ..ApiSettings::default() }).await;
    let events = list(1, 40);
    let append = async |peer: &str, events: &[pb::Event], validate_only| {
        let events = events.to_vec();
        let request = pb::AppendRequest { events, validate_only, ..Default::default() };
        LedgerServiceClient::new(served.to(peer)).append(request).await
    };
    append(REMOTE, &events[..20], true).await.unwrap();
    append(REMOTE, &events[..20], false).await.unwrap();
    let refused = append(REMOTE_AGAIN, &events[20..30], false).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (Code::ResourceExhausted, "QUEUE_FULL".into()));
    let metadata = refused.get_details_error_info().unwrap().metadata;
    assert_eq!((&*metadata["limit"], &*metadata["unit"]), ("2", "events a second"));
    let wait = refused.get_details_retry_info().unwrap().retry_delay.unwrap();
    assert!((1..=5).contains(&wait.as_secs()), "{wait:?}");
    append(OTHER, &events[30..], false).await.unwrap();
}

/// What the server answers to a call of GetStatus with these headers.
async fn status_of(api: &Api, headers: &[(&str, &str)]) -> http::Response<Body> {
    let request = Request::post("/tidu.v1.AdminService/GetStatus");
    let mut request = request.version(http::Version::HTTP_2);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = Body::new(http_body_util::Full::new(bytes::Bytes::from_static(&[0; 5])));
    api.clone().oneshot(request.body(body).unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_server_for_one_machine_answers_no_page_of_another_host() {
    let hosts = vec!["tidu.example".to_owned()];
    let served =
        Served::with(ApiSettings { local_hosts: Some(hosts), ..ApiSettings::default() }).await;
    let (grpc, web) =
        (("content-type", "application/grpc"), ("content-type", "application/grpc-web"));
    for host in ["localhost:50051", "127.0.0.1", "[::1]:50051", "TIDU.example"] {
        let answer = status_of(&served.api, &[grpc, ("host", host)]).await;
        assert!(!answer.headers().contains_key("grpc-status"), "{host}: {answer:?}");
    }
    let foreign = [("host", "evil.example"), ("host", "evil.example:50051"), ("origin", "null")];
    for header in foreign {
        let answer = status_of(&served.api, &[web, header]).await;
        assert_eq!(answer.status(), http::StatusCode::FORBIDDEN, "{header:?}");
    }
    let answer = status_of(&served.api, &[grpc, ("host", "evil.example")]).await;
    let status = Status::from_header_map(answer.headers()).unwrap();
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::PermissionDenied, "HOST_NOT_ALLOWED".into())
    );
    assert_eq!(status.get_details_error_info().unwrap().metadata["host"], "evil.example");
    // A server that other machines reach is called by other names.
    let served = Served::with(ApiSettings::default()).await;
    let answer = status_of(&served.api, &[grpc, ("host", "tidu.example")]).await;
    assert!(!answer.headers().contains_key("grpc-status"));
}

/// The same over a real port: a name that points to this machine does not open it to a page.
#[tokio::test]
async fn a_rebound_page_records_nothing() {
    let fresh = Fresh::start();
    let channel = tonic::transport::Channel::from_shared(fresh.server.address.clone()).unwrap();
    let rebound = channel.clone().origin("http://evil.example".parse().unwrap());
    let mut rebound = LedgerServiceClient::new(rebound.connect().await.unwrap());
    let request = pb::AppendRequest { events: list(1, 1), ..Default::default() };
    let refused = in_time("an answer", rebound.append(request)).await.unwrap_err();
    assert_eq!(reason(&refused), "HOST_NOT_ALLOWED");
    assert_eq!(fresh.client().await.status().await.log_size, 0);
}

#[tokio::test]
async fn a_verification_reads_at_the_least_rate_or_faster() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    client.record(list(1, 3)).await.unwrap();
    let verify = |bytes_per_second| pb::VerifyRequest { bytes_per_second, ..Default::default() };
    let refused = client.admin.verify(verify((1 << 20) - 1)).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (Code::InvalidArgument, "FIELD_INVALID".into()));
    let metadata = refused.get_details_error_info().unwrap().metadata;
    assert_eq!((&*metadata["field"], &*metadata["least"]), ("bytes_per_second", "1048576"));
    let mut running = client.admin.verify(verify(1 << 20)).await.unwrap().into_inner();
    assert!(running.message().await.unwrap().is_some());
}

/// Nothing is read from the stream, and still it does not keep others waiting.
#[tokio::test(flavor = "multi_thread")]
async fn a_verification_goes_on_without_its_caller() {
    let served = Served::with(ApiSettings::default()).await;
    let request = pb::AppendRequest { events: list(1, 100), ..Default::default() };
    LedgerServiceClient::new(served.to(LOCAL)).append(request).await.unwrap();
    let verify = |peer| {
        let mut client = AdminServiceClient::new(served.to(peer));
        async move { client.verify(pb::VerifyRequest::default()).await }
    };
    let mut held = verify(LOCAL).await.unwrap().into_inner();
    in_time("the place of the verification", async {
        while let Err(busy) = verify(REMOTE).await {
            assert_eq!(reason(&busy), "LIMIT_EXCEEDED");
            tokio::task::yield_now().await;
        }
    })
    .await;
    let last = held.message().await.unwrap().unwrap();
    assert_eq!((last.verified_position, last.root_hash.len()), (100, 32));
    assert_eq!(held.message().await.unwrap(), None);
}
