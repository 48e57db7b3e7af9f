//! Attacks with calls, many at once.

use std::sync::Arc;

use prost::Message as _;
use tidu::protocol::pb::{self, event::Fact};
use tokio::task::JoinSet;

use crate::{
    Target,
    raw::{Message, Raw},
    records,
    server::Client,
};

const APPEND: &str = "/tidu.v1.LedgerService/Append";
const SUBSCRIBE: &str = "/tidu.v1.LedgerService/Subscribe";
const MEBIBYTE: usize = 1024 * 1024;

/// Sends a message again and again, from some connections, some at once on each.
async fn flood(
    target: Target,
    path: &'static str,
    message: Message,
    (connections, at_once): (usize, usize),
) {
    let message = Arc::new(message);
    let mut tasks = JoinSet::new();
    for _ in 0..connections * at_once.max(1) {
        let (target, message) = (target.clone(), Arc::clone(&message));
        tasks.spawn(async move {
            while target.goes_on() {
                let Some(mut raw) = Raw::connect(&target).await else { continue };
                while target.goes_on() && raw.call(path, &message).await.is_some() {}
            }
        });
    }
    tasks.join_all().await;
}

pub async fn faults(target: Target) {
    let indicators = vec![pb::Indicator::default(); 64];
    let assessed = pb::EnvironmentAssessed { indicators, ..Default::default() };
    let event = records::event("100000", "", Fact::EnvironmentAssessed(assessed));
    let events = vec![event; 10_000];
    let request = pb::AppendRequest { events, ..Default::default() };
    flood(target, APPEND, Message::packed(&request.encode_to_vec()), (1, 20)).await;
}

fn repeated(pair: [u8; 2]) -> Message {
    Message::packed(&pair.repeat(8 * MEBIBYTE - 64))
}

pub async fn packed_events(target: Target) {
    flood(target, APPEND, repeated([0x22, 0]), (1, 50)).await;
}

pub async fn packed_preconditions(target: Target) {
    flood(target, APPEND, repeated([0x1a, 0]), (1, 50)).await;
}

pub async fn packed_watch_list(target: Target) {
    // The filter, of empty designees.
    let mut message = vec![0x32];
    let entries = [0x2a, 0].repeat(8 * MEBIBYTE - 64);
    prost::encoding::encode_varint(entries.len() as u64, &mut message);
    message.extend(entries);
    flood(target, SUBSCRIBE, Message::packed(&message), (1, 50)).await;
}

pub async fn packed_indicators(target: Target) {
    let nested = |key: u64, content: &[u8]| {
        let mut message = Vec::new();
        prost::encoding::encode_varint(key << 3 | 2, &mut message);
        prost::encoding::encode_varint(content.len() as u64, &mut message);
        message.extend(content);
        message
    };
    let assessed = [0x22, 0].repeat(8 * MEBIBYTE - 64);
    let request = nested(4, &nested(110, &assessed));
    flood(target, APPEND, Message::packed(&request), (1, 50)).await;
}

pub async fn packed_zeros(target: Target) {
    flood(target, APPEND, Message::packed(&vec![0; 200 * MEBIBYTE]), (1, 50)).await;
}

pub async fn long_names(target: Target) {
    let name = "ﷺ".repeat(5 * MEBIBYTE);
    let request = pb::GetDesigneeRequest { designee: name, ..Default::default() };
    let path = "/tidu.v1.RegisterService/GetDesignee";
    flood(target, path, Message::packed(&request.encode_to_vec()), (1, 8)).await;
}

const AT_ONCE: (usize, usize) = (8, 16);

pub async fn counts(target: Target) {
    let message = Message::plain(&pb::CountTitlesRequest::default().encode_to_vec());
    flood(target, "/tidu.v1.RegisterService/CountTitles", message, AT_ONCE).await;
}

pub async fn lists(target: Target) {
    let filter = pb::TitleFilter { region_under: "820000".to_owned(), ..Default::default() };
    let request = pb::ListTitlesRequest { filter: Some(filter), ..Default::default() };
    let message = Message::plain(&request.encode_to_vec());
    flood(target, "/tidu.v1.RegisterService/ListTitles", message, AT_ONCE).await;
}

pub async fn digests(target: Target) {
    let message = Message::plain(&pb::GetDigestRequest::default().encode_to_vec());
    flood(target, "/tidu.v1.ProofService/GetDigest", message, AT_ONCE).await;
}

pub async fn batches(target: Target) {
    let request = pb::GetBatchRequest {
        programme: records::PROGRAMME.to_owned(),
        authority: records::AUTHORITY.to_owned(),
        batch: records::BATCH.to_owned(),
        ..Default::default()
    };
    let message = Message::plain(&request.encode_to_vec());
    flood(target, "/tidu.v1.RegisterService/GetBatch", message, AT_ONCE).await;
}

pub async fn cursors(target: Target) {
    let mut held = JoinSet::new();
    for _ in 0..4 {
        let target = target.clone();
        held.spawn(async move {
            let mut client = Client::connect(&target.url()).await;
            while target.goes_on() {
                let request = pb::VerifyRequest { bytes_per_second: 1, ..Default::default() };
                let _stream = client.admin.verify(request).await;
                for _ in 0..500 {
                    let cursor_id = format!("c{:x}", fastrand::u64(..));
                    let request = pb::CreateCursorRequest { cursor_id, ..Default::default() };
                    let _ = client.cursors.create_cursor(request).await;
                }
            }
        });
    }
    held.join_all().await;
}
