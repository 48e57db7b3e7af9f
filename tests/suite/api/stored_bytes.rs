//! Stored bytes are for ever: the encoding of a leaf, and what the ledger writes around an event.

use prost::Message as _;
use tidu::{
    domain::{Party, Principal, catalogue::Catalogues},
    ledger::{Commit, Entitlement, Proposal, decide::decide, state::State},
    log::ChunkWriter,
    protocol::{
        event::stored_event,
        leaf::Leaf,
        pb::{self, event::Fact},
    },
};

use crate::support::{Fresh, date, event};

fn sample() -> pb::RecordedEvent {
    let fact = pb::Designated {
        programme: "little-giant".to_owned(),
        batch: "1".to_owned(),
        valid_to: date("2022-06-04"),
        recommended_by: "120000".to_owned(),
        valid_to_inferred: true,
        ..Default::default()
    };
    let mut event = event("100000", "914403001922038216", "2019-06-05", Fact::Designated(fact));
    event.rule_version = "2018".to_owned();
    pb::RecordedEvent {
        position: Some(0),
        recorded_time: Some(prost_types::Timestamp { seconds: 1_560_384_000, nanos: 123_000 }),
        recorded_by: "anonymous".to_owned(),
        commit: Some(pb::Commit { first_position: Some(0), size: 1 }),
        request_id: "r".to_owned(),
        request_digest: vec![0xAB; 32].into(),
        event: Some(event),
        ..Default::default()
    }
}

/// The same with everything that the second format adds.
fn full_sample() -> pb::RecordedEvent {
    let signature = pb::Signature {
        algorithm: "ed25519".to_owned(),
        key_id: "key-1".to_owned(),
        signature: vec![0xAB; 64].into(),
    };
    pb::RecordedEvent {
        approved_by: "approver.440000".to_owned(),
        signatures: vec![signature],
        salt: vec![0xCD; 16].into(),
        ..sample()
    }
}

const LEAF_V1: &str = include_str!("../../vectors/leaf-v1.hex");
const LEAF_V2: &str = include_str!("../../vectors/leaf-v2.hex");

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn golden_bytes_of_a_leaf() {
    for (sample, golden) in [(sample(), LEAF_V1), (full_sample(), LEAF_V2)] {
        let hex = hex(&sample.encode_to_vec());
        assert_eq!(hex, golden.trim(), "the encoding of stored events has changed; it must not");
    }
}

#[test]
fn the_ledgers_mirror_of_a_leaf_is_the_protocols_message() {
    for sample in [sample(), full_sample()] {
        let bytes = sample.encode_to_vec();
        let leaf = Leaf::decode(bytes.as_slice()).unwrap();
        assert_eq!(leaf.encode_to_vec(), bytes);
        assert_eq!(leaf.event, sample.event.unwrap().encode_to_vec());
    }
}

/// A log that uses nothing new keeps its bytes: leaf, chunk and format.
#[test]
fn an_ordinary_commit_has_the_bytes_of_the_first_version() {
    let body = sample().event.unwrap().encode_to_vec();
    let catalogues = Catalogues::built_in();
    let event = stored_event(catalogues.in_use(), &body).unwrap();
    let commit = Commit {
        proposals: vec![Proposal { index: 0, event, body: body.into() }],
        request: Some(("r".into(), [0xAB; 32])),
        precondition: None,
        recorded_by: Principal::ANONYMOUS,
        party: Party::Server,
        entitlement: Entitlement::default(),
    };
    let mut chunks = ChunkWriter::new(0, Vec::new());
    let instant = |_| Ok(1_560_384_000_000_123);
    let no_salt = || unreachable!();
    decide(&mut State::default(), &catalogues, &mut chunks, commit, instant, no_salt).unwrap();
    let group = chunks.finish();
    let leaf = group.chunks[0].leaves().next().unwrap();
    assert_eq!(hex(&leaf.bytes), LEAF_V1.trim());
    assert_eq!((group.chunks[0].bytes()[0], group.format), (1, 1));
}

/// Every kind's number is the field number of its fact, so a filter and a leaf say the same.
#[test]
fn kinds_are_field_numbers() {
    let pool = prost_reflect::DescriptorPool::decode(pb::DESCRIPTORS).unwrap();
    let event = pool.get_message_by_name("tidu.v1.Event").unwrap();
    let oneof = event.oneofs().next().unwrap();
    let kinds = pool.get_enum_by_name("tidu.v1.EventKind").unwrap();
    let known: Vec<_> = tidu::domain::kind::Kind::all().collect();
    assert_eq!(oneof.fields().count(), known.len());
    for field in oneof.fields() {
        let value = kinds.get_value(field.number() as i32).unwrap();
        assert_eq!(value.name(), format!("EVENT_KIND_{}", field.name().to_uppercase()));
        let kind = tidu::domain::kind::Kind::from_number(field.number() as i32).unwrap();
        assert_eq!(kind.name(), field.name());
    }
}

#[tokio::test]
async fn what_is_stored_is_what_is_sent_is_what_is_hashed() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    client.record(crate::support::list(3, 300)).await.unwrap();
    let request =
        pb::SubscribeRequest { stop_position: Some(300), raw: true, ..Default::default() };
    let mut stream = client.ledger.subscribe(request).await.unwrap().into_inner();
    let mut frontier = tidu::merkle::Frontier::default();
    while let Some(message) = stream.message().await.unwrap() {
        let Some(pb::subscribe_response::Payload::RawEvents(batch)) = message.payload else {
            continue;
        };
        for leaf in batch.leaves {
            let again = pb::RecordedEvent::decode(leaf.clone()).unwrap().encode_to_vec();
            assert_eq!(again, leaf, "a leaf is in the canonical encoding");
            frontier.push(tidu::merkle::leaf_hash(&leaf));
        }
    }
    let status = client.status().await;
    assert_eq!((frontier.size(), frontier.root().to_vec()), (300, status.root_hash.to_vec()));
}
