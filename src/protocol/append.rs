//! An Append as the server receives it: its events stay encoded until each is read.
//!
//! Ten thousand events decoded at once take many times the memory of their bytes.

use bytes::Bytes;

use super::pb;

/// An `AppendRequest` as the server receives it. Its events share one buffer.
///
/// The generated servers use it by name, see build.rs.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ReceivedCommit {
    /// As in `AppendRequest`.
    #[prost(string, tag = "1")]
    pub request_id: String,
    /// As in `AppendRequest`.
    #[prost(oneof = "pb::append_request::Precondition", tags = "2, 3")]
    pub precondition: Option<pb::append_request::Precondition>,
    /// Encoded `Event`s, which are not checked yet.
    #[prost(bytes = "bytes", repeated, tag = "4")]
    pub events: Vec<Bytes>,
    /// As in `AppendRequest`.
    #[prost(bool, tag = "5")]
    pub validate_only: bool,
    /// As in `AppendRequest`.
    #[prost(bool, tag = "6")]
    pub propose: bool,
    /// As in `AppendRequest`.
    #[prost(bytes = "bytes", tag = "7")]
    pub proposal: Bytes,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use prost::Message as _;

    use super::*;

    #[test]
    fn a_received_commit_is_an_append_request_of_the_protocol() {
        let event = pb::Event { authority: "440000".to_owned(), ..Default::default() };
        let versions = vec![pb::DesigneeVersion { designee: "a".to_owned(), version: Some(7) }];
        let versions = pb::DesigneeVersions { versions };
        for precondition in [
            pb::append_request::Precondition::LogSize(3),
            pb::append_request::Precondition::DesigneeVersions(versions),
        ] {
            let sent = pb::AppendRequest {
                request_id: "one".to_owned(),
                precondition: Some(precondition),
                events: vec![event.clone(), pb::Event::default()],
                validate_only: true,
                propose: true,
                proposal: vec![7, 8].into(),
            };
            let received = ReceivedCommit::decode(sent.encode_to_vec().as_slice()).unwrap();
            assert_eq!(received.request_id, sent.request_id);
            assert_eq!(received.precondition, sent.precondition);
            assert_eq!(received.events, [Bytes::from(event.encode_to_vec()), Bytes::new()]);
            assert!(received.validate_only && received.propose);
            assert_eq!(received.proposal, sent.proposal);
        }
    }
}
