//! Writes at a follower: the leader judges them, as if they had come to it.

use std::{
    fs,
    future::{pending, ready},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tidu::{
    access::{AccessControl, AccessSettings, Channel, PeerCertificate},
    domain::text::hex,
    protocol::pb,
    service::{Api, ApiSettings, Way},
};
use tonic::{Code, Status, body::Body};
use tonic_types::StatusExt as _;
use tower::{BoxError, ServiceExt as _, service_fn, util::BoxCloneSyncService};

use super::{LEADER, follower, following, way_to};
use crate::{
    api::error_details::assert_complete,
    support::{Governed, connect, directory, in_time, list, principals::token_of, reason},
};

const NODE: &str = "spiffe://gd.example/second";
/// Seconds since 1970.
const NOW: i64 = 1_800_000_000;

fn append(count: usize, request_id: &str) -> pb::AppendRequest {
    let request_id = request_id.to_owned();
    pb::AppendRequest { events: list(1, count), request_id, ..Default::default() }
}

/// The principals of both nodes: a recorder, a reader, and the follower.
fn access(dir: &TempDir) -> Arc<AccessControl> {
    let of = |id: &str, rest: &str| {
        let sha256 = hex(&Sha256::digest(token_of(id)));
        format!("[[principal]]\nid = \"{id}\"\n{rest}token_sha256 = \"{sha256}\"\n")
    };
    let text = [
        of("gd.recorder", "authority = \"440000\"\nroles = [\"recorder\"]\n"),
        of("zj.recorder", "authority = \"330000\"\nroles = [\"recorder\"]\n"),
        of("gd.reader", "authority = \"440000\"\nroles = [\"reader\"]\n"),
        of("hq.node", &format!("roles = [\"node\"]\ncertificate = \"{NODE}\"\n")),
    ];
    let policy = dir.path().join("principals.toml");
    fs::write(&policy, text.concat()).unwrap();
    let data_dir = dir.path().to_path_buf();
    let now = Arc::new(|| NOW * 1_000_000);
    AccessControl::load(AccessSettings { policy, data_dir, now }).unwrap()
}

/// The way to a node over a connection with the certificate of the follower. Notes the headers.
fn certified(leader: &Governed, seen: &Arc<Mutex<Vec<HeaderMap>>>) -> Way {
    let certificate = PeerCertificate {
        uris: vec![NODE.to_owned()],
        key_sha256: [1; 32],
        not_after_micros: (NOW + 3_600) * 1_000_000,
        serial: "a1".to_owned(),
    };
    let (channel, seen) = (Channel::tls(Some(certificate)), Arc::clone(seen));
    let api = leader.api.clone().map_request(move |mut request: Request<Body>| {
        seen.lock().push(request.headers().clone());
        assert_eq!(request.uri().to_string(), "/tidu.v1.LedgerService/Append");
        request.extensions_mut().insert(Arc::clone(&channel));
        request
    });
    way_to(&BoxCloneSyncService::new(api))
}

#[tokio::test]
async fn the_leader_judges_the_original_principal() {
    let dirs = [directory(), directory()];
    let governed = |settings: ApiSettings| {
        let node = Governed::open_with(settings);
        node.access.resolve(node.ledger.catalogues()).unwrap();
        node
    };
    let leader = governed(ApiSettings { access: access(&dirs[0]), ..ApiSettings::default() });
    let seen = Arc::<Mutex<Vec<HeaderMap>>>::default();
    let way = certified(&leader, &seen);
    let second = governed(ApiSettings { access: access(&dirs[1]), ..following(Some(way)) });
    let mut recorder = second.as_principal("gd.recorder").ledger;
    let answer = recorder.append(append(3, "once")).await.unwrap().into_inner();
    assert_eq!((answer.next_position, answer.replayed), (3, false));
    // Again here, and at the leader itself: recorded once.
    assert!(recorder.append(append(3, "once")).await.unwrap().into_inner().replayed);
    let mut direct = leader.as_principal("gd.recorder").ledger;
    assert!(direct.append(append(3, "once")).await.unwrap().into_inner().replayed);
    assert_eq!((leader.ledger.durable().size, second.ledger.durable().size), (3, 0));
    let first = pb::GetEventRequest { position: Some(0), ..Default::default() };
    let event = direct.get_event(first).await.unwrap().into_inner().event.unwrap();
    assert_eq!(event.recorded_by, "gd.recorder");
    for headers in seen.lock().iter() {
        assert_eq!(headers["tidu-on-behalf-of"], "gd.recorder");
        assert_eq!(headers["tidu-forwarded"], "second");
        assert_eq!(headers["tidu-epoch"], "0");
        assert_eq!(headers["tidu-log-id"], leader.ledger.log_id().to_string());
        assert!(!headers.contains_key("authorization") && headers.contains_key("grpc-timeout"));
    }
    // What the leader refuses comes back as it is.
    let request = append(1, "other");
    let here = second.as_principal("zj.recorder").ledger.append(request.clone()).await;
    let there = leader.as_principal("zj.recorder").ledger.append(request).await;
    let (here, there) = (here.unwrap_err(), there.unwrap_err());
    assert_eq!((here.code(), reason(&here)), (Code::PermissionDenied, "NOT_ENTITLED".to_owned()));
    let info = |status: &Status| status.get_details_error_info().unwrap().metadata;
    assert_eq!((here.message(), info(&here)), (there.message(), info(&there)));
    // What this node refuses by itself does not go on.
    let calls = seen.lock().len();
    let refused = second.as_principal("gd.reader").ledger.append(append(1, "")).await;
    assert_eq!(reason(&refused.unwrap_err()), "NOT_ENTITLED");
    assert_eq!(seen.lock().len(), calls);
}

#[tokio::test]
async fn a_call_is_handed_on_once() {
    let leader = Governed::open();
    let second = follower(Some(way_to(&leader.api)));
    let third = follower(Some(way_to(&second.api)));
    let status = third.as_stranger().ledger.append(append(1, "")).await.unwrap_err();
    assert_eq!((status.code(), &*reason(&status)), (Code::FailedPrecondition, "LOOPED"));
    assert_complete(&status);
    assert_eq!(leader.ledger.durable().size, 0);
    let adopted = second.as_stranger().admin.adopt_rules(pb::AdoptRulesRequest::default()).await;
    assert_ne!(adopted.map_err(|status| reason(&status)).err().as_deref(), Some("FOLLOWER"));
}

#[tokio::test]
async fn every_protocol_reaches_the_leader() {
    let leader = Governed::open();
    let second = follower(Some(way_to(&leader.api)));
    let request = append(2, "json");
    let json = connect::json_of("AppendRequest", &request);
    let answer = connect::post_json(&second.api, "LedgerService/Append", json).await;
    assert_eq!(answer.json()["nextPosition"], "2", "{}", answer.text());
    let message = connect::framed(0, &prost::Message::encode_to_vec(&request));
    let web = Request::post("/tidu.v1.LedgerService/Append")
        .header("content-type", "application/grpc-web+proto")
        .body(Body::new(http_body_util::Full::new(message)))
        .unwrap();
    let answer = second.api.clone().oneshot(web).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8_lossy(&body);
    assert!(text.contains("grpc-status:0"), "{text:?}");
    assert_eq!(leader.ledger.durable().size, 2, "the second is a repeat");
}

#[tokio::test]
async fn a_node_that_refuses_writes_names_its_leader() {
    let second = follower(None);
    let status = second.as_stranger().ledger.append(append(1, "")).await.unwrap_err();
    assert_eq!((status.code(), &*reason(&status)), (Code::FailedPrecondition, "FOLLOWER"));
    assert!(status.message().contains(LEADER), "{}", status.message());
    assert_complete(&status);
    let retired = Governed::open_with(ApiSettings::default());
    retired.ledger.retire("third".parse().unwrap());
    let status = retired.as_stranger().ledger.append(append(1, "")).await.unwrap_err();
    assert_eq!((status.code(), &*reason(&status)), (Code::FailedPrecondition, "RETIRED"));
    assert_complete(&status);
    let mut caller = retired.as_stranger();
    caller.admin.get_status(pb::GetStatusRequest {}).await.expect("reads go on");
}

#[tokio::test]
async fn a_leader_of_another_epoch_refuses_what_is_handed_on() {
    let leader = Governed::open_with(ApiSettings::default());
    leader.ledger.hear_epoch(2);
    let second = follower(Some(way_to(&leader.api)));
    let status = second.as_stranger().ledger.append(append(1, "")).await.unwrap_err();
    assert_eq!((status.code(), &*reason(&status)), (Code::FailedPrecondition, "STALE_EPOCH"));
    assert_complete(&status);
    leader.as_stranger().ledger.append(append(1, "")).await.expect("its own callers state none");
}

/// The way to a node, on which the id of the log becomes this one, or is lost.
fn with_log_id(api: &Api, log_id: Option<&'static str>) -> Way {
    let api = api.clone().map_request(move |mut request: Request<Body>| {
        request.headers_mut().remove("tidu-log-id").expect("a node names its log");
        if let Some(log_id) = log_id {
            request.headers_mut().insert("tidu-log-id", HeaderValue::from_static(log_id));
        }
        request
    });
    way_to(&BoxCloneSyncService::new(api))
}

#[tokio::test]
async fn a_leader_with_another_log_refuses_what_is_handed_on() {
    let leader = Governed::open();
    for other in ["00000000-0000-0000-0000-000000000007", "other"] {
        let second = follower(Some(with_log_id(&leader.api, Some(other))));
        let status = second.as_stranger().ledger.append(append(1, "")).await.unwrap_err();
        assert_eq!(
            (status.code(), &*reason(&status)),
            (Code::FailedPrecondition, "LOG_ID_MISMATCH")
        );
        let info = status.get_details_error_info().unwrap().metadata;
        let own = leader.ledger.log_id().to_string();
        assert_eq!((info["expected"].as_str(), &info["log_id"]), (other, &own));
        assert_complete(&status);
    }
    assert_eq!(leader.ledger.durable().size, 0);
    // An older version names none.
    let older = follower(Some(with_log_id(&leader.api, None)));
    older.as_stranger().ledger.append(append(1, "")).await.expect("it is taken");
    assert_eq!(leader.ledger.durable().size, 1);
}

/// A leader whose answer does not do.
#[derive(Clone, Copy, Debug)]
enum Broken {
    Connection,
    Http,
    Body,
    NoStatus,
    Silent,
}

fn broken(how: Broken) -> Way {
    BoxCloneSyncService::new(service_fn(move |_: Request<Body>| async move {
        let answer = match how {
            Broken::Connection => return Err(BoxError::from("connection refused")),
            Broken::Silent => pending().await,
            Broken::Http => {
                Response::builder().status(StatusCode::BAD_GATEWAY).body(Body::empty()).unwrap()
            }
            Broken::NoStatus => Response::new(Body::empty()),
            Broken::Body => {
                #[allow(clippy::disallowed_methods)] // it stands for a connection
                let frames: [Result<Frame<Bytes>, Status>; 2] = [
                    Ok(Frame::data(Bytes::from_static(b"\0\0\0\0\x09half"))),
                    Err(Status::unknown("h2 protocol error")),
                ];
                Response::new(Body::new(StreamBody::new(futures_util::stream::iter(frames))))
            }
        };
        Ok::<_, BoxError>(answer)
    }))
}

#[tokio::test]
async fn a_leader_without_an_answer_leaves_it_to_the_caller() {
    for how in [Broken::Connection, Broken::Http, Broken::Body, Broken::NoStatus] {
        let second = follower(Some(broken(how)));
        let call = second.as_stranger().ledger.append(append(1, "id")).await;
        let status = call.expect_err("no answer");
        let got = (status.code(), reason(&status));
        assert_eq!(got, (Code::Unavailable, "FOLLOWER".to_owned()), "{how:?}");
        assert!(status.message().contains("request_id"), "{how:?}: {}", status.message());
        assert_complete(&status);
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_the_caller_holds() {
    let second = follower(Some(broken(Broken::Silent)));
    let mut request = tonic::Request::new(append(1, "id"));
    request.set_timeout(Duration::from_secs(3));
    let status = second.as_stranger().ledger.append(request).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    let status = second.as_stranger().ledger.append(append(1, "id")).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "the server's own");
}

#[tokio::test]
async fn reads_stay_here() {
    let refusing: Way = BoxCloneSyncService::new(service_fn(|request: Request<Body>| {
        let path = request.uri().path().to_owned();
        ready(Err::<Response<Body>, _>(BoxError::from(format!("{path} was handed on"))))
    }));
    let second = follower(Some(refusing));
    let mut caller = second.as_stranger();
    let status = caller.admin.get_status(pb::GetStatusRequest {}).await.unwrap().into_inner();
    assert_eq!(status.log_size, 0);
    let stream = caller.ledger.subscribe(pb::SubscribeRequest::default()).await.unwrap();
    let first = in_time("progress", stream.into_inner().message()).await.unwrap();
    assert!(first.is_some());
    let cursor = pb::CreateCursorRequest { cursor_id: "own".to_owned(), ..Default::default() };
    caller.cursors.create_cursor(cursor).await.expect("cursors are each node's own");
}
