//! etcd: one member with its defaults, which sync the write-ahead log before a reply. Its client is
//! generated from its API by the same tonic and prost as Tidu's; keys are serial numbers.

use std::process::Command;

use bytes::Bytes;
use tokio_stream::StreamExt as _;
use tonic::transport::Channel;

use self::pb::{
    kv_client::KvClient, request_op::Request, watch_client::WatchClient,
    watch_request::RequestUnion,
};
use crate::{
    events::{payload, read},
    peer::{CONNECTIONS, Deliveries, Numbered, Peer, Unary},
    process::{self, Server},
    tidu_peer::connect,
};

#[allow(clippy::all, unreachable_pub)]
mod pb {
    tonic::include_proto!("etcdserverpb");
}

/// Keys a page: the fastest of 500, 1,000, 2,000, 5,000 and 8,000.
const PAGE: i64 = 2_000;
/// One beyond the last key.
const KEYS_END: &[u8] = b"f";

pub struct Etcd {
    server: Server,
    channels: Vec<Channel>,
}

impl Etcd {
    fn kv(&self, worker: usize) -> KvClient<Channel> {
        KvClient::new(self.channels[worker % CONNECTIONS].clone())
    }
}

fn put(event: Numbered) -> pb::PutRequest {
    let key = format!("e{:015}", event.0).into();
    pb::PutRequest { key, value: payload(event) }
}

impl Unary for Etcd {
    const NAME: &'static str = "etcd";

    async fn start() -> Option<Self> {
        let program = process::program("TIDU_BENCH_ETCD", "etcd")?;
        let client = format!("http://127.0.0.1:{}", process::free_port());
        let member = format!("http://127.0.0.1:{}", process::free_port());
        let mut server = Server::start(|dir| {
            let mut command = Command::new(program);
            command.args(["--name", "bench", "--log-level", "error"]);
            command.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
            command.args(["--listen-peer-urls", &member]);
            command.args(["--initial-advertise-peer-urls", &member]);
            command.args(["--initial-cluster", &format!("bench={member}")]);
            command.arg("--data-dir").arg(dir.join("data"));
            command
        });
        let channels = connect(&mut server, &client).await;
        let leads = async || {
            let mut kv = KvClient::new(channels[0].clone());
            let request = pb::RangeRequest { key: "e".into(), ..Default::default() };
            kv.range(request).await.ok()
        };
        server.ready(leads).await;
        Some(Self { server, channels })
    }

    fn server(&self) -> &Server {
        &self.server
    }

    async fn append(&self, worker: usize, event: Numbered) {
        self.kv(worker).put(put(event)).await.expect("a put");
    }
}

impl Peer for Etcd {
    // The default limit of a transaction is 128 operations.
    const BULK: usize = 100;

    async fn commit(&self, worker: usize, events: Vec<Numbered>) {
        let puts = events.into_iter().map(|event| Some(Request::RequestPut(put(event))));
        let success = puts.map(|request| pb::RequestOp { request }).collect();
        let reply = self.kv(worker).txn(pb::TxnRequest { success }).await.expect("a transaction");
        assert!(reply.into_inner().succeeded);
    }

    async fn catch_up(&self, count: usize) -> usize {
        let (mut seen, mut bytes) = (0, 0);
        let mut from = Bytes::from_static(b"e");
        while seen < count {
            let range_end = KEYS_END.into();
            let request = pb::RangeRequest { key: from.clone(), range_end, limit: PAGE };
            let page = self.kv(0).range(request).await.expect("a page").into_inner();
            let last = &page.kvs.last().expect("more keys").key;
            from = [last, &b"\0"[..]].concat().into();
            seen += page.kvs.len();
            bytes += page.kvs.into_iter().map(|kv| read(kv.value)).sum::<usize>();
        }
        bytes
    }

    async fn follow(&self, follower: usize) -> Deliveries {
        let mut client = WatchClient::new(self.channels[follower % CONNECTIONS].clone());
        let create = pb::WatchCreateRequest { key: "e".into(), range_end: KEYS_END.into() };
        let request = pb::WatchRequest { request_union: Some(RequestUnion::CreateRequest(create)) };
        // The request side stays open, as long as the watch is to last.
        let requests = tokio_stream::once(request).chain(tokio_stream::pending());
        let mut stream = client.watch(requests).await.expect("a watch").into_inner();
        let first = stream.message().await.expect("a message").expect("a message");
        assert!(first.created);
        Box::pin(stream.map(|message| {
            let message = message.expect("a message");
            assert!(!message.canceled);
            message.events.len()
        }))
    }
}
