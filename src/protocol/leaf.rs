//! The envelope of a leaf: the fields of `tidu.v1.RecordedEvent`, with the event itself as bytes.
//!
//! A byte string has the same encoding as a message or a text. So the ledger writes and reads
//! leaves with this mirror, without decoding events. A test compares it with the generated code,
//! byte for byte.
//!
//! In the place of an event that was erased, a log holds a [`Withheld`] and not a leaf.

use bytes::Bytes;
use prost_types::Timestamp;

pub use super::pb::Withheld;
use crate::limits::{
    ALGORITHM_BYTES_MAX, ENVELOPE_BYTES_MAX, EVENT_BYTES_MAX, ID_BYTES_MAX, KEY_ID_BYTES_MAX,
    SALT_BYTES, SIGNATURE_BYTES_MAX, SIGNATURES_MAX,
};

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
    /// On the first event of a commit: the principal that approved it; empty if nobody did.
    #[prost(bytes = "bytes", tag = "8")]
    pub approved_by: Bytes,
    /// On the first event of a commit: its signatures.
    #[prost(message, repeated, tag = "9")]
    pub signatures: Vec<Signature>,
    /// Random bytes beside an event that is not public; empty beside any other.
    #[prost(bytes = "bytes", tag = "10")]
    pub salt: Bytes,
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

/// A signature of a commit.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Signature {
    /// Algorithm.
    #[prost(bytes = "bytes", tag = "1")]
    pub algorithm: Bytes,
    /// The key that signed.
    #[prost(bytes = "bytes", tag = "2")]
    pub key_id: Bytes,
    /// The signature itself.
    #[prost(bytes = "bytes", tag = "3")]
    pub signature: Bytes,
}

// --- The largest envelope ------------------------------------------------------------------------

/// Bytes of a number in its varint encoding.
const fn varint(number: u64) -> usize {
    // One byte for each seven bits, and one for 0.
    (70 - (number | 1).leading_zeros() as usize) / 7
}

/// Bytes of a field that holds `bytes` bytes. The numbers of all fields are below 16, so that a key
/// has one byte.
const fn field(bytes: usize) -> usize {
    1 + varint(bytes as u64) + bytes
}

/// Bytes of a field that holds the largest number of 64 or of 32 bits.
const LONG: usize = 1 + varint(u64::MAX);
const SHORT: usize = 1 + varint(u32::MAX as u64);

const LARGEST_SIGNATURE: usize =
    field(field(ALGORITHM_BYTES_MAX) + field(KEY_ID_BYTES_MAX) + field(SIGNATURE_BYTES_MAX));

/// Bytes of the largest envelope: position, time, two principals, commit, request id and digest,
/// signatures, salt, and the key and length of the event.
const LARGEST_ENVELOPE: usize = LONG
    + field(LONG + SHORT)
    + 2 * field(ID_BYTES_MAX)
    + field(LONG + SHORT)
    + field(ID_BYTES_MAX)
    + field(32)
    + SIGNATURES_MAX * LARGEST_SIGNATURE
    + field(SALT_BYTES)
    + (field(EVENT_BYTES_MAX) - EVENT_BYTES_MAX);

// The largest event fits into a leaf beside the largest envelope. `log/chunk.rs` proves that the
// largest leaf fits into a chunk.
const _: () = assert!(LARGEST_ENVELOPE <= ENVELOPE_BYTES_MAX);

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;
    use crate::limits::LEAF_BYTES_MAX;

    /// The arithmetic above is that of the encoder.
    #[test]
    fn the_largest_leaf_is_as_long_as_computed() {
        let bytes = |length: usize| Bytes::from(vec![b'a'; length]);
        let signature = Signature {
            algorithm: bytes(ALGORITHM_BYTES_MAX),
            key_id: bytes(KEY_ID_BYTES_MAX),
            signature: bytes(SIGNATURE_BYTES_MAX),
        };
        let leaf = Leaf {
            position: Some(u64::MAX),
            recorded_time: Some(Timestamp { seconds: i64::MIN, nanos: i32::MAX }),
            recorded_by: bytes(ID_BYTES_MAX),
            commit: Some(CommitOf { first_position: Some(u64::MAX), size: u32::MAX }),
            request_id: bytes(ID_BYTES_MAX),
            request_digest: bytes(32),
            event: bytes(EVENT_BYTES_MAX),
            approved_by: bytes(ID_BYTES_MAX),
            signatures: vec![signature; SIGNATURES_MAX],
            salt: bytes(SALT_BYTES),
        };
        assert_eq!(leaf.encoded_len(), LARGEST_ENVELOPE + EVENT_BYTES_MAX);
        assert!(leaf.encoded_len() <= LEAF_BYTES_MAX);
        for number in [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), u64::MAX] {
            assert_eq!(varint(number), prost::encoding::encoded_len_varint(number), "{number}");
        }
    }
}
