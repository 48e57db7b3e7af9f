//! Tidu: `tidu serve` with its defaults, where a reply means that the commit is durable.

use std::process::Command;

use tidu::protocol::pb::{
    self, admin_service_client::AdminServiceClient, ledger_service_client::LedgerServiceClient,
    subscribe_request::Start, subscribe_response::Payload,
};
use tokio_stream::StreamExt as _;
use tonic::transport::{Channel, Endpoint};

use crate::{
    events::read,
    peer::{BULK_ATOMIC, CONNECTIONS, Deliveries, Numbered, Peer, Unary},
    process::{self, Server},
};

const REQUEST_BYTES: usize = 16 * 1024 * 1024;

pub struct Tidu {
    server: Server,
    channels: Vec<Channel>,
}

impl Tidu {
    fn ledger(&self, worker: usize) -> LedgerServiceClient<Channel> {
        LedgerServiceClient::new(self.channels[worker % CONNECTIONS].clone())
            .max_encoding_message_size(REQUEST_BYTES)
    }

    async fn subscribe(&self, worker: usize, start: u64, stop: Option<u64>) -> Deliveries {
        let request = pb::SubscribeRequest {
            start: Some(Start::FromPosition(start)),
            stop_position: stop,
            ..Default::default()
        };
        let stream = self.ledger(worker).subscribe(request).await.expect("subscribe").into_inner();
        Box::pin(stream.filter_map(move |message| {
            let payload = message.expect("a message").payload;
            let Some(Payload::Events(batch)) = payload else { return None };
            let count = batch.leaves.len();
            Some(match stop {
                Some(_) => batch.leaves.into_iter().map(read).sum(),
                None => count,
            })
        }))
    }
}

impl Unary for Tidu {
    const NAME: &'static str = "Tidu";

    async fn start() -> Option<Self> {
        let address = format!("127.0.0.1:{}", process::free_port());
        let mut server = Server::start(|dir| {
            let mut command = Command::new(process::tidu());
            command.args(["serve", "--listen", &address, "--operations-listen", "127.0.0.1:0"]);
            command.arg("--data-dir").arg(dir.join("data"));
            command
        });
        let channels = connect(&mut server, &format!("http://{address}")).await;
        Some(Self { server, channels })
    }

    fn server(&self) -> &Server {
        &self.server
    }

    async fn append(&self, worker: usize, event: Numbered) {
        self.commit(worker, vec![event]).await;
    }
}

impl Peer for Tidu {
    const BULK_ROWS: &'static [&'static str] = &["bulk", BULK_ATOMIC];
    const BULK: usize = 1_000;

    async fn commit(&self, worker: usize, events: Vec<Numbered>) {
        let events = events.into_iter().map(|(_, event)| event).collect();
        let request = pb::AppendRequest { events, ..Default::default() };
        self.ledger(worker).append(request).await.expect("an append");
    }

    async fn catch_up(&self, count: usize) -> usize {
        let mut sizes = self.subscribe(0, 0, Some(count as u64)).await;
        let mut bytes = 0;
        while let Some(size) = sizes.next().await {
            bytes += size;
        }
        bytes
    }

    async fn follow(&self, follower: usize) -> Deliveries {
        let mut admin = AdminServiceClient::new(self.channels[0].clone());
        let status = admin.get_status(pb::GetStatusRequest {}).await.expect("a status");
        self.subscribe(follower, status.into_inner().log_size, None).await
    }
}

/// Connections to a gRPC server, as soon as it takes them.
pub async fn connect(server: &mut Server, address: &str) -> Vec<Channel> {
    let endpoint = Endpoint::from_shared(address.to_owned()).expect("an address");
    let mut channels = Vec::new();
    for _ in 0..CONNECTIONS {
        channels.push(server.ready(async || endpoint.connect().await.ok()).await);
    }
    channels
}
