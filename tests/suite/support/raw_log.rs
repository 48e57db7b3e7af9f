//! Logs with any bytes as events.

use bytes::Bytes;
use prost::Message as _;
use tidu::{
    log::{ChunkWriter, CommitLog, FORMAT_KNOWN},
    protocol::{
        leaf::{CommitOf, Leaf},
        pb, time,
    },
};

pub fn encoded(events: &[pb::Event]) -> Vec<Bytes> {
    events.iter().map(|event| event.encode_to_vec().into()).collect()
}

/// Writes events into an empty log as they are, each in a commit of its own.
pub fn record(log: &dyn CommitLog, bodies: &[Bytes]) {
    let mut chunks = ChunkWriter::new(0, Vec::new());
    chunks.require_format(FORMAT_KNOWN);
    for body in bodies {
        let position = chunks.next();
        let leaf = Leaf {
            position: Some(position),
            recorded_time: Some(time::timestamp(1_600_000_000_000_000)),
            recorded_by: Bytes::from_static(b"test"),
            commit: Some(CommitOf { first_position: Some(position), size: 1 }),
            event: body.clone(),
            ..Default::default()
        };
        chunks.push(leaf.encoded_len(), true, |buffer| leaf.encode_raw(buffer));
    }
    log.append(0, &chunks.finish()).unwrap();
}
