//! NATS JetStream: a stream in files, with `sync_interval: always`, because its default would sync
//! every two minutes.

use std::{fs, process::Command, time::Duration};

use async_nats::{
    HeaderMap,
    jetstream::{
        Context,
        consumer::{DeliverPolicy, push},
        context::ContextBuilder,
        stream,
    },
};
use futures_util::future;
use tokio_stream::StreamExt as _;

use crate::{
    events::{payload, read},
    peer::{BULK_ATOMIC, CONNECTIONS, Deliveries, Numbered, Peer, Unary},
    process::{self, Server},
};

const STREAM: &str = "EVENTS";
const SUBJECT: &str = "events.440000";

pub struct JetStream {
    server: Server,
    contexts: Vec<Context>,
}

impl JetStream {
    async fn start_syncing(interval: &str) -> Option<Self> {
        let program = process::program("TIDU_BENCH_NATS", "nats-server")?;
        let address = format!("127.0.0.1:{}", process::free_port());
        let mut server = Server::start(|dir| {
            let store = dir.join("data");
            let config = format!(
                "listen: \"{address}\"\njetstream {{ store_dir: {store:?}, sync_interval: \"{interval}\" }}\n"
            );
            let file = dir.join("nats.conf");
            fs::write(&file, config).expect("the directory can be written");
            let mut command = Command::new(program);
            command.arg("--config").arg(file);
            command
        });
        let mut contexts = Vec::new();
        for _ in 0..CONNECTIONS {
            let options = || {
                // A follower that falls behind waits; it does not lose messages.
                async_nats::ConnectOptions::new().subscription_capacity(1 << 20)
            };
            let client = server.ready(async || options().connect(&address).await.ok()).await;
            let context = ContextBuilder::new().timeout(Duration::from_secs(60));
            contexts.push(context.max_ack_inflight(1 << 16).build(client));
        }
        let config = stream::Config {
            name: STREAM.to_owned(),
            subjects: vec!["events.>".to_owned()],
            storage: stream::StorageType::File,
            allow_atomic_publish: true,
            ..Default::default()
        };
        server.ready(async || contexts[0].create_stream(config.clone()).await.ok()).await;
        Some(Self { server, contexts })
    }

    fn context(&self, worker: usize) -> &Context {
        &self.contexts[worker % CONNECTIONS]
    }

    async fn consumer(&self, worker: usize, from: DeliverPolicy) -> push::Ordered {
        let context = self.context(worker);
        let config = push::OrderedConfig {
            deliver_subject: context.client().new_inbox(),
            deliver_policy: from,
            ..Default::default()
        };
        let consumer = context.create_consumer_on_stream(config, STREAM).await.expect("a consumer");
        consumer.messages().await.expect("messages")
    }
}

impl Unary for JetStream {
    const NAME: &'static str = "JetStream";

    async fn start() -> Option<Self> {
        Self::start_syncing("always").await
    }

    fn server(&self) -> &Server {
        &self.server
    }

    async fn append(&self, worker: usize, event: Numbered) {
        let sent = self.context(worker).publish(SUBJECT, payload(event)).await.expect("sent");
        sent.await.expect("an acknowledgement");
    }
}

impl Peer for JetStream {
    const BULK: usize = 100;
    const BULK_PART: usize = 10;

    async fn start_for_reading() -> Option<Self> {
        Self::start_syncing("2m").await
    }

    /// Publishes without waiting between messages, then waits for all acknowledgements.
    async fn commit(&self, worker: usize, events: Vec<Numbered>) {
        let mut acknowledgements = Vec::with_capacity(events.len());
        for event in events {
            let sent = self.context(worker).publish(SUBJECT, payload(event)).await.expect("sent");
            acknowledgements.push(sent.into_future());
        }
        future::try_join_all(acknowledgements).await.expect("acknowledgements");
    }

    async fn catch_up(&self, count: usize) -> usize {
        let mut messages = self.consumer(0, DeliverPolicy::All).await;
        let mut bytes = 0;
        for _ in 0..count {
            let message = messages.next().await.expect("a message").expect("a message");
            bytes += read(message.message.payload);
        }
        bytes
    }

    async fn follow(&self, follower: usize) -> Deliveries {
        let messages = self.consumer(follower, DeliverPolicy::New).await;
        Box::pin(messages.map(|message| {
            message.expect("a message");
            1
        }))
    }
}

/// The same with atomic batches (from NATS 2.12 on) instead of single messages in bulk.
pub struct Atomic(JetStream);

impl Unary for Atomic {
    const NAME: &'static str = JetStream::NAME;

    async fn start() -> Option<Self> {
        JetStream::start().await.map(Self)
    }

    fn server(&self) -> &Server {
        &self.0.server
    }

    async fn append(&self, worker: usize, event: Numbered) {
        self.0.append(worker, event).await;
    }
}

impl Peer for Atomic {
    const BULK_ROWS: &'static [&'static str] = &[BULK_ATOMIC];
    // The most that the server takes.
    const BULK: usize = 1_000;

    async fn commit(&self, worker: usize, events: Vec<Numbered>) {
        let client = self.0.context(worker).client();
        let (count, id) = (events.len(), client.new_inbox());
        for (index, event) in events.into_iter().enumerate() {
            let mut headers = HeaderMap::new();
            headers.insert("Nats-Batch-Id", id.as_str().trim_start_matches("_INBOX."));
            headers.insert("Nats-Batch-Sequence", (index + 1).to_string());
            let payload = payload(event);
            if index + 1 < count {
                client.publish_with_headers(SUBJECT, headers, payload).await.expect("sent");
                continue;
            }
            headers.insert("Nats-Batch-Commit", "1");
            let reply = client.request_with_headers(SUBJECT, headers, payload).await;
            let reply = reply.expect("an acknowledgement").payload;
            let text = String::from_utf8_lossy(&reply);
            assert!(text.contains(&format!("\"count\":{count}")), "the batch failed: {text}");
        }
    }

    async fn catch_up(&self, count: usize) -> usize {
        self.0.catch_up(count).await
    }

    async fn follow(&self, follower: usize) -> Deliveries {
        self.0.follow(follower).await
    }
}
