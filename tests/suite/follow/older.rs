//! Versions that know nothing of followers. One would record in every directory that it can open:
//! it tells by the format, beside the store and in it, that it cannot open the directory of a node
//! that follows, has handed over, or was promoted. As a leader it tells no roots.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bytes::{BufMut as _, Bytes, BytesMut};
use http_body::Frame;
use http_body_util::StreamBody;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use prost::Message as _;
use tidu::{
    handover::{FOLLOWS_FILE, Follows},
    log::{self, FORMAT_HANDED_OVER},
    protocol::pb,
};
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle};
use tower::service_fn;
use uuid::Uuid;

use super::{Machine, copy, hand_over, same, stop, tidu};
use crate::support::{annulled, coded, directory, done, in_time, list, text};

/// An older version refuses it before anything is written, and also if the file is lost.
fn keeps_older_versions_away(data: &Path) {
    let noted = data.join("FORMAT");
    assert_eq!(fs::read_to_string(&noted).unwrap().trim(), "4", "{}", data.display());
    fs::remove_file(noted).unwrap();
    let (log, _) = log::open(data, Uuid::nil()).unwrap();
    assert_eq!(log.format(), FORMAT_HANDED_OVER, "{}", data.display());
}

/// So do the directory, a compact copy of it, and both once something was erased.
fn keeps_them_away_for_ever(data: &Path) {
    let beside = |end: &str| {
        let mut path = data.as_os_str().to_owned();
        path.push(end);
        PathBuf::from(path)
    };
    let (compacted, erased) = (beside(".compacted"), beside(".erased"));
    done(&tidu(&["compact", "--data-dir", text(data), "--to", text(&compacted)]));
    copy(data, &erased);
    for data in [data, &compacted] {
        keeps_older_versions_away(data);
    }
    for data in [&erased, &compacted] {
        done(&tidu(&["redact", "3", "--reason", "a test", "--yes", "--data-dir", text(data)]));
        keeps_older_versions_away(data);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn older_versions_lead_in_no_directory_that_followed() {
    let first = Machine::leading();
    let leading = first.start();
    let mut leader = leading.client().await;
    leader.record(list(3, 20)).await.unwrap();
    leader.record(vec![annulled(3)]).await.unwrap();
    let (second, third) = (Machine::following(&leading), Machine::following(&leading));
    for machine in [&second, &third] {
        let following = machine.start();
        same(&following, &mut leader).await;
        stop(following);
    }
    let receipts = directory();
    let (receipt, follows) =
        (receipts.path().join("receipt.txt"), second.data().join(FOLLOWS_FILE));
    let follows: Follows = fs::read_to_string(follows).unwrap().parse().unwrap();
    let name = follows.node.to_string();
    hand_over(&name, &leading, &receipt);
    stop(leading);
    done(&tidu(&["promote", text(&receipt), "--data-dir", text(&second.data())]));
    for machine in [&first, &second, &third] {
        keeps_them_away_for_ever(&machine.data());
    }
}

/// A start that ended before it had a log.
#[tokio::test(flavor = "multi_thread")]
async fn a_follower_without_a_log_leads_in_none() {
    let leading = Machine::leading().start();
    let mut leader = leading.client().await;
    leader.record(list(3, 5)).await.unwrap();
    let second = Machine::following(&leading);
    stop(second.start());
    let data = second.data();
    let log_id = leader.status().await.log_id;
    for name in ["log", "MARK"] {
        let path = data.join(name);
        let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
    }
    assert_eq!(fs::read_to_string(data.join("FORMAT")).unwrap().trim(), "4");
    let args = ["serve", "--listen", "127.0.0.1:0", "--operations-listen", "off", "--data-dir"];
    coded(&tidu(&[&args[..], &[text(&data)]].concat()), 1, &["tidu promote"]);
    let following = second.start();
    assert_eq!(same(&following, &mut leader).await.log_id, log_id);
}

/// A server of an older version, which has this status. It says when it was asked.
async fn older(at: &str, status: pb::GetStatusResponse) -> (JoinHandle<()>, mpsc::Receiver<()>) {
    telling(at, &pb::GetStatusResponse { node: None, ..status }).await
}

/// A server that tells this status and nothing else. It says when it was asked for it.
pub(super) async fn telling(
    at: &str,
    status: &pb::GetStatusResponse,
) -> (JoinHandle<()>, mpsc::Receiver<()>) {
    let listener = TcpListener::bind(at).await.unwrap();
    let (asked, calls) = mpsc::channel(1);
    let status = status.encode_to_vec();
    let answer = service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let (asked, status) = (asked.clone(), status.clone());
        async move {
            let mut message = BytesMut::new();
            let is_known = request.uri().path() == "/tidu.v1.AdminService/GetStatus";
            if is_known {
                let _ = asked.send(()).await;
                message.put_u8(0);
                message.put_u32(u32::try_from(status.len()).unwrap());
                message.put_slice(&status);
            }
            // Or UNIMPLEMENTED.
            let end = http::HeaderMap::from_iter([(
                http::HeaderName::from_static("grpc-status"),
                http::HeaderValue::from_static(if is_known { "0" } else { "12" }),
            )]);
            let frames = [Frame::data(message.freeze()), Frame::trailers(end)];
            let frames = frames.map(Ok::<Frame<Bytes>, std::convert::Infallible>);
            let body = StreamBody::new(futures_util::stream::iter(frames));
            let answer = http::Response::builder().header("content-type", "application/grpc");
            Ok::<_, std::convert::Infallible>(answer.body(body).unwrap())
        }
    });
    let serving = tokio::spawn(async move {
        let mut connections = tokio::task::JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(answer.clone());
            connections.spawn(async move {
                let builder = auto::Builder::new(TokioExecutor::new());
                let _ = builder.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    (serving, calls)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_of_an_older_version_is_waited_for() {
    let machine = Machine::leading();
    let leading = machine.start();
    let mut leader = leading.client().await;
    leader.record(list(3, 5)).await.unwrap();
    let status = leader.status().await;
    let at = leading.address.trim_start_matches("http://").to_owned();
    let second = Machine::following(&leading);
    stop(leading);
    let (serving, mut calls) = older(&at, status.clone()).await;
    let starting = tokio::task::spawn_blocking(move || (second.start(), second));
    // One call is for the id of the log, the others are of sessions.
    for _ in 0..4 {
        in_time("a call", calls.recv()).await.unwrap();
    }
    let (following, _second) = starting.await.unwrap();
    let found = following.client().await.status().await;
    let node = found.node.unwrap();
    assert_eq!((found.log_id, found.log_size), (status.log_id, 0));
    assert_eq!(node.state, "connecting");
    assert!(node.problem.contains("the node is of an older version"), "{}", node.problem);
    // It is updated.
    serving.abort();
    let _ = serving.await;
    let leading = machine.start_at(&at);
    same(&following, &mut leading.client().await).await;
}
