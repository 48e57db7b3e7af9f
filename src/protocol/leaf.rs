//! The envelope of a leaf: the fields of `tidu.v1.RecordedEvent`, with the event itself as bytes.
//!
//! A byte string has the same encoding as a message or a text. So the ledger writes and reads
//! leaves with this mirror, without decoding events. A test compares it with the generated code,
//! byte for byte.

use bytes::Bytes;
use prost_types::Timestamp;

/// One recorded event.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Leaf {
    /// Its position; always present.
    #[prost(uint64, optional, tag = "1")]
    pub position: Option<u64>,
    /// When it was recorded.
    #[prost(message, optional, tag = "2")]
    pub recorded_time: Option<Timestamp>,
    /// The principal that recorded it.
    #[prost(bytes = "bytes", tag = "3")]
    pub recorded_by: Bytes,
    /// Its commit.
    #[prost(message, optional, tag = "4")]
    pub commit: Option<CommitOf>,
    /// On the first event of a commit: the request id.
    #[prost(bytes = "bytes", tag = "5")]
    pub request_id: Bytes,
    /// On the first event of a commit: the request's digest.
    #[prost(bytes = "bytes", tag = "6")]
    pub request_digest: Bytes,
    /// The encoded event.
    #[prost(bytes = "bytes", tag = "7")]
    pub event: Bytes,
}

/// The commit of a leaf.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct CommitOf {
    /// Position of its first event; always present.
    #[prost(uint64, optional, tag = "1")]
    pub first_position: Option<u64>,
    /// Number of its events.
    #[prost(uint32, tag = "2")]
    pub size: u32,
}
