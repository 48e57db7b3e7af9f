//! A start whose log takes long to open: its ports answer meanwhile. It ends in the whole server or
//! in none.

use std::{
    future::pending, net::SocketAddr, path::Path, process::Command, sync::Arc, sync::mpsc,
    time::Duration,
};

use tidu::{
    cursors::Cursors,
    limits::STARTING_RETRY_DELAY,
    log::LogError,
    metrics::Metrics,
    protocol::pb::{self, ledger_service_client::LedgerServiceClient},
    server::{
        Server, StartError, Starting, Stores,
        config::{Config, OperationsListen},
    },
};
use tokio::{net::TcpStream, sync::oneshot, task::spawn_blocking};
use tonic::{Code, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest,
};
use tonic_types::StatusExt as _;

use super::{get, until_failing};
use crate::support::{MemoryLog, TIDU, coded, directory, in_time, list, open, reason};

pub(super) fn config(data: &Path) -> Config {
    Config {
        listen: ([127, 0, 0, 1], 0).into(),
        operations_listen: OperationsListen::At(([127, 0, 0, 1], 0).into()),
        data_dir: data.to_owned(),
        ..Config::default()
    }
}

/// Opens stores once it is told to, or fails if nobody tells it. Claims a replay meanwhile.
pub(super) fn slowly(
    data: &Path,
) -> (mpsc::Sender<()>, impl FnOnce(&Arc<Metrics>) -> Result<Stores, StartError> + Send + 'static) {
    let (go_on, waits) = mpsc::channel();
    let data = data.to_owned();
    let open = move |metrics: &Arc<Metrics>| {
        metrics.replay_events.set(40);
        metrics.replayed_events.set(12);
        let damaged = |_| LogError::Damaged { position: 12, detail: "the test says so".to_owned() };
        waits.recv().map_err(damaged)?;
        let ledger = open(Arc::new(MemoryLog::default()), Arc::default(), Arc::default());
        Ok(Stores { ledger, cursors: Cursors::open(&data)? })
    };
    (go_on, open)
}

async fn channel(address: SocketAddr) -> Channel {
    Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap()
}

async fn replaying(operations: SocketAddr) {
    in_time("the replay", async {
        while !get(operations, "/startupz").await.body.contains("\"replay\"") {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

fn append() -> pb::AppendRequest {
    pb::AppendRequest { events: list(1, 1), ..Default::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ports_answer_before_the_log_is_open() {
    let dir = directory();
    let starting = Starting::listen(&config(dir.path())).await.unwrap();
    let (at, operations) = (starting.address(), starting.operations_address().unwrap());
    let (go_on, open) = slowly(dir.path());
    let opening = tokio::spawn(starting.open(open, pending()));
    replaying(operations).await;

    let start = get(operations, "/startupz").await;
    let expected = "{\"phase\":\"replay\",\"replayed\":12,\"events\":40}\n";
    assert_eq!((start.status, start.body.as_str()), (503, expected));
    let ready = get(operations, "/readyz").await;
    assert!(ready.body.contains("12 of 40 events are replayed"), "{ready:?}");
    assert_eq!(get(operations, "/healthz").await.status, 200);
    assert!(get(operations, "/metrics").await.body.contains("\ntidu_replay_events 40\n"));

    // Callers learn it, too; health and reflection answer.
    let channel = channel(at).await;
    let mut ledger = LedgerServiceClient::new(channel.clone());
    let refused = ledger.append(append()).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unavailable, "STARTING"));
    let metadata = refused.get_details_error_info().unwrap().metadata;
    assert_eq!((&*metadata["replayed"], &*metadata["events"]), ("12", "40"));
    let retry = refused.get_details_retry_info().unwrap().retry_delay;
    assert_eq!(retry, Some(STARTING_RETRY_DELAY));
    let watch = HealthCheckRequest { service: "tidu.v1.LedgerService".to_owned() };
    let mut health = HealthClient::new(channel.clone());
    let mut changes = health.watch(watch).await.unwrap().into_inner();
    let mut next = async || changes.message().await.unwrap().unwrap().status();
    assert_eq!(next().await, ServingStatus::NotServing);
    let ask = ServerReflectionRequest {
        message_request: Some(MessageRequest::ListServices(String::new())),
        ..Default::default()
    };
    let mut reflection = ServerReflectionClient::new(channel);
    let asked = reflection.server_reflection_info(tokio_stream::once(ask)).await.unwrap();
    let services = asked.into_inner().message().await.unwrap();
    assert!(format!("{services:?}").contains("tidu.v1.LedgerService"), "{services:?}");

    // The command ends as every other one there.
    let told = spawn_blocking(move || {
        let server = format!("http://{at}");
        Command::new(TIDU).args(["status", "-o", "json", "--server", &server]).output().unwrap()
    });
    coded(&told.await.unwrap(), 4, &["STARTING", "12 of 40 events"]);
    // The same connection is served as soon as the log is open.
    go_on.send(()).unwrap();
    let server = in_time("the server", opening).await.unwrap().unwrap();
    assert_eq!(in_time("a change", next()).await, ServingStatus::Serving);
    ledger.append(append()).await.unwrap();
    assert_eq!(get(operations, "/startupz").await.status, 200);
    until_failing(operations, &[]).await;

    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(server.serve(async move { drop(stopped.await) }));
    drop(stop);
    serving.await.unwrap().unwrap();
    assert_eq!(in_time("a change", next()).await, ServingStatus::NotServing);
}

/// Waits until an address takes no connections.
async fn closed(address: SocketAddr) {
    in_time("a closed port", async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_fails_closes_its_ports_and_says_why() {
    let dir = directory();
    let starting = Starting::listen(&config(dir.path())).await.unwrap();
    let (at, operations) = (starting.address(), starting.operations_address().unwrap());
    let (go_on, open) = slowly(dir.path());
    let opening = tokio::spawn(starting.open(open, pending()));
    replaying(operations).await;
    let mut health = HealthClient::new(channel(at).await);
    let mut changes = health.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    changes.message().await.unwrap().unwrap();
    drop(go_on);
    let failed = in_time("the end of the start", opening).await.unwrap().map(drop).unwrap_err();
    assert!(failed.to_string().contains("damaged at position 12"), "{failed}");
    closed(at).await;
    closed(operations).await;
    // Whoever waits for the server does not wait for ever.
    in_time("the end of a stream", async {
        while changes.message().await.is_ok_and(|change| change.is_some()) {}
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_is_given_up_while_its_log_is_opened() {
    let dir = directory();
    let starting = Starting::listen(&config(dir.path())).await.unwrap();
    let (at, operations) = (starting.address(), starting.operations_address().unwrap());
    let (go_on, open) = slowly(dir.path());
    let (stop, stopped) = oneshot::channel::<()>();
    let opening = tokio::spawn(starting.open(open, async move { drop(stopped.await) }));
    replaying(operations).await;
    let mut health = HealthClient::new(channel(at).await);
    let mut changes = health.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    drop(stop);
    let given_up = in_time("the end of the start", opening).await.unwrap().map(drop);
    assert!(matches!(given_up, Err(StartError::Stopped)), "{given_up:?}");
    closed(at).await;
    in_time("the end of a stream", async {
        while changes.message().await.is_ok_and(|change| change.is_some()) {}
    })
    .await;
    // The thread that opens the log was left alone.
    let _ = go_on.send(());
}

#[tokio::test]
async fn a_server_without_an_operations_port_serves() {
    let dir = directory();
    let config = Config { operations_listen: OperationsListen::Off, ..config(dir.path()) };
    let starting = Starting::listen(&config).await.unwrap();
    assert_eq!(starting.operations_address(), None);
    let (go_on, open) = slowly(dir.path());
    go_on.send(()).unwrap();
    let server: Server = starting.open(open, pending()).await.unwrap();
    let mut ledger = LedgerServiceClient::new(channel(server.address()).await);
    ledger.append(append()).await.unwrap();
    server.serve(std::future::ready(())).await.unwrap();
}
