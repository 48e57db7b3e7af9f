//! Sealed proposals: what a server gives to the one who proposes, and takes from the one who
//! approves.

use bytes::Bytes;
use prost::Message as _;
use sha2::{Digest as _, Sha256};

use super::pb::append_request::Precondition;

/// A proposal, as the server has sealed it.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct SealedProposal {
    /// The log that it is for: 16 bytes.
    #[prost(bytes = "bytes", tag = "1")]
    pub log_id: Bytes,
    /// The principal that proposes.
    #[prost(string, tag = "2")]
    pub proposer: String,
    /// RFC 6962 root over the normalised events.
    #[prost(bytes = "bytes", tag = "3")]
    pub content_root: Bytes,
    /// The request id.
    #[prost(string, tag = "4")]
    pub request_id: String,
    /// SHA-256 of the encoded precondition; empty if there is none.
    #[prost(bytes = "bytes", tag = "5")]
    pub precondition: Bytes,
    /// Microseconds since 1970 from which it is too old.
    #[prost(int64, tag = "6")]
    pub expires_micros: i64,
    /// The seal over everything else.
    #[prost(bytes = "bytes", tag = "7")]
    pub seal: Bytes,
}

impl SealedProposal {
    /// The bytes that are sealed: all fields but the seal.
    #[must_use]
    pub fn sealed_bytes(&self) -> Vec<u8> {
        Self { seal: Bytes::new(), ..self.clone() }.encode_to_vec()
    }
}

/// The digest of a precondition; empty without one.
#[must_use]
pub fn precondition_digest(precondition: Option<&Precondition>) -> Bytes {
    let Some(precondition) = precondition else { return Bytes::new() };
    let mut encoded = Vec::with_capacity(precondition.encoded_len());
    precondition.encode(&mut encoded);
    Bytes::copy_from_slice(&Sha256::digest(encoded))
}
