//! Reads an Append, event by event.
//!
//! Ten thousand decoded events take many times the memory of their bytes. So a request is received
//! with its events still encoded. Each in turn is decoded, normalized and encoded again.

use bytes::Bytes;
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use tonic::Status;

use super::{call::Call, errors};
use crate::{
    domain::{
        DesigneeId,
        catalogue::Catalogue,
        fault::{Faults, Key, RuleId},
    },
    ledger::{Commit, Pace, Precondition, Proposal},
    limits::{
        COMMIT_EVENTS_MAX, ID_BYTES_MAX, READ_EVENT_BYTES, READ_SLICE_BYTES, READ_SLICE_EVENTS,
    },
    protocol::{append::ReceivedCommit, event, pb},
};

const _: () = {
    // The budget of requests in flight counts on it.
    assert!(size_of::<Proposal>() + size_of::<Bytes>() <= READ_EVENT_BYTES);
};

/// A request that was read.
pub(super) struct ReadCommit {
    pub(super) commit: Commit,
    /// Events in the request.
    pub(super) count: usize,
    /// Faults of the events that cannot be read, which the commit lacks.
    pub(super) faults: Faults,
    pub(super) warnings: Faults,
}

/// True if a request can be read where it arrives, because that takes one slice.
pub(super) fn is_short(request: &ReceivedCommit) -> bool {
    request.events.iter().map(work).sum::<usize>() <= READ_SLICE_BYTES
}

/// The work of reading an event, in bytes: one of many bytes takes as long as several short ones.
fn work(event: &Bytes) -> usize {
    READ_SLICE_BYTES / READ_SLICE_EVENTS + event.len()
}

/// Reads a request, event by event, in slices.
///
/// # Errors
/// A fault of the request itself, or of bytes that do not decode as an event. Faults inside events
/// are in the answer.
pub(super) fn read_commit(
    catalogue: &Catalogue,
    call: &Call,
    request: ReceivedCommit,
    pace: &mut impl Pace,
) -> Result<ReadCommit, Status> {
    let count = request.events.len();
    if count == 0 {
        return Err(errors::bad_field("events", "", RuleId::CommitEmpty));
    }
    if count > COMMIT_EVENTS_MAX {
        return Err(errors::over_limit("events", count, COMMIT_EVENTS_MAX, "entries"));
    }
    let request_id = request_id(&request.request_id)?;
    let precondition = request.precondition.map(precondition).transpose()?;
    let mut digest = request_id.is_some().then(ContentDigest::default);
    let mut proposals = Vec::with_capacity(count);
    let (mut faults, mut warnings) = (Faults::of_commit(), Faults::of_commit());
    let mut slice = 0;
    for (index, bytes) in request.events.into_iter().enumerate() {
        slice += work(&bytes);
        if slice > READ_SLICE_BYTES {
            slice = 0;
            pace.step()?;
        }
        let event =
            pb::Event::decode(bytes.clone()).map_err(|e| errors::unreadable_event(index, &e))?;
        if let Some(digest) = &mut digest {
            digest.add(&event);
        }
        if let Some(fault) = event::newer_fact(index, &event, &bytes) {
            faults.add(|| fault);
            continue;
        }
        match event::proposal(catalogue, index, event) {
            Ok(mut proposed) => {
                warnings.add_event(std::mem::replace(&mut proposed.warnings, Faults::of_event()));
                proposals.push(Proposal::new(index, proposed));
            }
            Err(more) => faults.add_event(more),
        }
    }
    let commit = Commit {
        proposals,
        request: request_id.zip(digest.map(ContentDigest::finish)),
        precondition,
        recorded_by: call.principal.clone(),
        party: call.party,
    };
    Ok(ReadCommit { commit, count, faults, warnings })
}

fn precondition(precondition: pb::append_request::Precondition) -> Result<Precondition, Status> {
    let versions = match precondition {
        pb::append_request::Precondition::LogSize(size) => {
            return Ok(Precondition::LogSize(size));
        }
        pb::append_request::Precondition::DesigneeVersions(versions) => versions.versions,
    };
    if versions.len() > COMMIT_EVENTS_MAX {
        let field = "designee_versions.versions";
        return Err(errors::over_limit(field, versions.len(), COMMIT_EVENTS_MAX, "entries"));
    }
    let read = versions.into_iter().enumerate().map(|(i, entry)| {
        let field = format!("designee_versions.versions[{i}]");
        let id = DesigneeId::parse(&entry.designee).map_err(|breach| {
            errors::bad_field(&format!("{field}.designee"), &entry.designee, breach)
        })?;
        let version = entry.version.ok_or_else(|| {
            errors::bad_field(&format!("{field}.version"), "", RuleId::FieldRequired)
        })?;
        Ok((id, version))
    });
    read.collect::<Result<_, Status>>().map(Precondition::Versions)
}

/// Reads a request id; an empty one means `None`.
fn request_id(text: &str) -> Result<Option<Bytes>, Status> {
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() > ID_BYTES_MAX || !text.bytes().all(|b| b.is_ascii_graphic()) {
        let breach = RuleId::RequestIdForm.with(Key::Limit, ID_BYTES_MAX);
        return Err(errors::bad_field("request_id", text, breach));
    }
    Ok(Some(Bytes::copy_from_slice(text.as_bytes())))
}

/// The digest of a request's content: SHA-256 over an `AppendRequest` that has only these events.
/// The events are encoded again for it, because the same content can have several encodings.
#[derive(Default)]
struct ContentDigest {
    digest: Sha256,
    buffer: Vec<u8>,
}

impl ContentDigest {
    fn add(&mut self, event: &pb::Event) {
        const EVENTS: u32 = 4;
        self.buffer.clear();
        prost::encoding::message::encode(EVENTS, event, &mut self.buffer);
        self.digest.update(&self.buffer);
    }

    fn finish(self) -> [u8; 32] {
        self.digest.finalize().into()
    }
}
