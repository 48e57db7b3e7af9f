//! Leaders that lie: what they say is bounded, and nothing of it counts before the history is the
//! same.

use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::stream::{self, StreamExt as _};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use prost::Message;
use tidu::{
    limits::{
        FOLLOW_REASON_BYTES_MAX, FOLLOW_RETRY_MIN, FOLLOW_UNCONFIRMED_BYTES_MAX,
        LEAF_OVERHEAD_BYTES,
    },
    merkle::Frontier,
    protocol::{
        batch::LeafBatch,
        pb::{self, NodeRole, subscribe_response::Payload},
    },
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tower::{BoxError, service_fn, util::BoxCloneSyncService};

use super::{network::Target, paused, run::Run};

/// What a leader says.
#[derive(Clone)]
struct Lies {
    log_id: String,
    epoch: u64,
    messages: Vec<Payload>,
}

impl Lies {
    fn status(&self) -> pb::GetStatusResponse {
        let (epoch, role) = (self.epoch, NodeRole::Leader.into());
        let node = Some(pb::Node { epoch, role, ..Default::default() });
        pb::GetStatusResponse {
            log_id: self.log_id.clone(),
            log_size: 1_000_000,
            log_format: 4,
            node,
            ..Default::default()
        }
    }

    fn progress(&self, root: &[u8]) -> Payload {
        Payload::Progress(pb::Progress {
            log_id: self.log_id.clone(),
            log_size: 1_000_000,
            epoch: self.epoch,
            root: Bytes::copy_from_slice(root),
            delivered_root: Bytes::copy_from_slice(root),
            ..Default::default()
        })
    }

    fn target(self) -> Target {
        let answer = move |request: Request<Body>| {
            let lies = self.clone();
            let path = request.uri().path().to_owned();
            let said = match path.rsplit('/').next() {
                Some("GetStatus") => vec![framed(&lies.status())],
                _ => {
                    let said = lies
                        .messages
                        .into_iter()
                        .map(|payload| framed(&pb::SubscribeResponse { payload: Some(payload) }));
                    said.collect()
                }
            };
            async move { Ok::<_, std::convert::Infallible>(response(said)) }
        };
        Target {
            api: BoxCloneSyncService::new(service_fn(answer)),
            killed: CancellationToken::new(),
        }
    }
}

fn framed(message: &impl Message) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_u8(0);
    bytes.put_u32(u32::try_from(message.encoded_len()).unwrap());
    message.encode(&mut bytes).unwrap();
    bytes.freeze()
}

fn response(said: Vec<Bytes>) -> Response<Body> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let frames = said.into_iter().map(Frame::data).chain([Frame::trailers(trailers)]);
    let body = StreamBody::new(stream::iter(frames).map(Ok::<_, BoxError>));
    let kind = HeaderValue::from_static("application/grpc");
    Response::builder().header("content-type", kind).body(Body::new(body)).unwrap()
}

/// A follower of a leader that says this; gives why it has stopped, and what its directory keeps.
async fn stopped_by(lies: Lies) -> (Run, (&'static str, String)) {
    let mut run = Run::new(1);
    run.network.set(0, Some(lies.target()));
    run.follow(1, &[0]);
    assert!(
        run.comes(|run| run.nodes[1].process().stopped().is_some()).await,
        "{:?}",
        run.nodes[1].process().contact()
    );
    let stopped = run.nodes[1].process().stopped().unwrap();
    (run, stopped)
}

fn honest() -> Lies {
    let log_id = uuid::Uuid::from_u128(0x51).to_string();
    Lies { log_id, epoch: 0, messages: Vec::new() }
}

fn leaves(count: usize) -> Payload {
    let next_position = count as u64;
    let leaves = vec![Bytes::new(); count];
    Payload::RawEvents(LeafBatch { leaves, next_position, runs: Vec::new() })
}

/// A node that drains ends its streams wherever they are.
#[test]
fn a_stream_that_ends_between_two_roots_stops_nobody() {
    paused(async {
        let mut lies = honest();
        let Payload::Progress(last) = lies.progress(&[]) else { unreachable!() };
        lies.messages = vec![
            lies.progress(&Frontier::default().root()),
            leaves(3),
            Payload::Progress(pb::Progress { next_position: 3, ..last }),
        ];
        let mut run = Run::new(1);
        run.network.set(0, Some(lies.target()));
        run.follow(1, &[0]);
        for _ in 0..20 {
            assert!(run.comes(|run| run.nodes[1].process().contact().heard.is_some()).await);
            assert_eq!(run.nodes[1].process().stopped(), None);
            sleep(FOLLOW_RETRY_MIN).await;
        }
    });
}

#[test]
fn leaves_without_bytes_are_counted() {
    paused(async {
        let mut lies = honest();
        let too_many = FOLLOW_UNCONFIRMED_BYTES_MAX / LEAF_OVERHEAD_BYTES + 1;
        lies.messages = vec![lies.progress(&Frontier::default().root()), leaves(too_many)];
        let (_, (cause, why)) = stopped_by(lies).await;
        assert_eq!((cause, &*why), ("rights", "the leader sends events and no root for them"));
    });
}

#[test]
fn the_epoch_of_another_history_is_not_kept() {
    paused(async {
        let mut lies = Lies { epoch: 1 << 63, ..honest() };
        lies.messages = vec![lies.progress(&[7; 32])];
        let (run, (cause, _)) = stopped_by(lies).await;
        assert_eq!(cause, "root");
        assert_eq!(run.nodes[1].standing(), tidu::handover::Standing::default());
    });
}

#[test]
fn a_long_text_of_a_leader_is_cut() {
    paused(async {
        let lies = Lies { log_id: "x".repeat(3_000_000), ..honest() };
        let (_, (cause, why)) = stopped_by(lies).await;
        assert_eq!(cause, "log_id");
        assert!(why.len() <= FOLLOW_REASON_BYTES_MAX, "{}", why.len());
    });
}
