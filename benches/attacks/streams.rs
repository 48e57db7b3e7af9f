//! Attacks with streams and connections that are held, or left.

use std::time::Duration;

use prost::Message as _;
use tidu::protocol::pb;
use tokio::{io::AsyncWriteExt as _, net::TcpStream, task::JoinSet, time::sleep};

use crate::{
    Target,
    raw::{Message, Raw},
    records,
    server::Client,
};

async fn rest(target: &Target) {
    while target.goes_on() {
        sleep(Duration::from_millis(50)).await;
    }
}

/// Announces 16 MiB on many streams, sends 15 MiB, and then nothing.
pub async fn unfinished_messages(target: Target) {
    let mut tasks = JoinSet::new();
    let message = Message::short(&vec![1; 15 << 20], (16 << 20) - 1);
    for _ in 0..100 {
        let (target, message) = (target.clone(), message.clone());
        tasks.spawn(async move {
            while target.goes_on() {
                let Some(mut raw) = Raw::connect(&target).await else { continue };
                let path = "/tidu.v1.LedgerService/Append";
                while target.goes_on() && raw.call_without_end(path, &message).await.is_some() {}
            }
        });
    }
    tasks.join_all().await;
}

/// Asks a thousand long questions and leaves before the answers.
pub async fn count_and_leave(target: Target) {
    let message = Message::plain(&pb::CountTitlesRequest::default().encode_to_vec());
    while target.goes_on() {
        let mut asked = JoinSet::new();
        for _ in 0..1_000 {
            let (target, message) = (target.clone(), message.clone());
            asked.spawn(async move {
                let Some(mut raw) = Raw::connect(&target).await else { return };
                raw.call("/tidu.v1.RegisterService/CountTitles", &message).await;
            });
        }
        sleep(Duration::from_millis(400)).await;
        asked.shutdown().await;
    }
}

/// Streams of long watch-lists, opened and closed; and many streams of some batches each.
pub async fn watchers(target: Target) {
    let mut client = Client::connect(&target.url()).await;
    let mut held = Vec::new();
    for i in 0..4_000_u64 {
        let batches = (0..64).map(|j| format!("{i}-{j}")).collect();
        let filter = pb::EventFilter { batches, ..Default::default() };
        if let Some(stream) = watch(&mut client, filter).await {
            held.push(stream);
        }
        if !target.goes_on() {
            return;
        }
    }
    while target.goes_on() {
        let mut lists = Vec::new();
        for i in 0..300_u64 {
            let designees = (0..4_096).map(|j| records::identifier(i * 4_096 + j)).collect();
            let filter = pb::EventFilter { designees, ..Default::default() };
            lists.push(watch(&mut client, filter).await);
            if !target.goes_on() {
                return;
            }
        }
    }
    drop(held);
}

async fn watch(
    client: &mut Client,
    filter: pb::EventFilter,
) -> Option<tonic::Streaming<pb::SubscribeResponse>> {
    let start = Some(pb::subscribe_request::Start::Now(true));
    let request = pb::SubscribeRequest { start, filter: Some(filter), ..Default::default() };
    Some(client.ledger.subscribe(request).await.ok()?.into_inner())
}

/// Asks for the largest answers and takes none of them.
pub async fn untaken_pages(target: Target) {
    let mut held = Vec::new();
    for _ in 0..40 {
        let mut client = Client::connect(&target.url()).await;
        for _ in 0..50 {
            let request = pb::SubscribeRequest { raw: true, ..Default::default() };
            held.push(client.ledger.subscribe(request).await.ok());
            let request = pb::ExportRegisterRequest::default();
            held.push(None);
            let _exported = client.register.export_register(request).await;
            if !target.goes_on() {
                return;
            }
        }
    }
    rest(&target).await;
}

/// Reads all events as server-sent events, over connections of HTTP/1.1, and takes none of them.
pub async fn untaken_lines(target: Target) {
    let mut held = Vec::new();
    let request = format!(
        "GET /v1/events HTTP/1.1\r\nHost: {}\r\nAccept: text/event-stream\r\n\r\n",
        target.address
    );
    for _ in 0..1_000 {
        let Ok(mut stream) = TcpStream::connect(target.address).await else { continue };
        if stream.write_all(request.as_bytes()).await.is_ok() {
            held.push(stream);
        }
        if !target.goes_on() {
            return;
        }
    }
    rest(&target).await;
}
