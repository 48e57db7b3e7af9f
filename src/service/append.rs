//! Reads an Append, event by event.
//!
//! Ten thousand decoded events take many times the memory of their bytes. So a request is received
//! with its events still encoded. Each in turn is decoded, normalized and encoded again.

use bytes::Bytes;
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use tonic::Status;

use super::{
    call::Call,
    errors,
    proposals::{Draft, content_root},
    recording::Recorder,
};
use crate::{
    domain::{
        DesigneeId,
        catalogue::Catalogue,
        fault::{Faults, Key, RuleId},
    },
    ledger::{Commit, Pace, Precondition, Proposal},
    limits::{
        COMMIT_EVENTS_MAX, ID_BYTES_MAX, READ_EVENT_BYTES, READ_SLICE_BYTES, READ_SLICE_EVENTS,
        READ_SLICE_VERSIONS,
    },
    merkle::Hash,
    protocol::{
        append::ReceivedCommit,
        event,
        pb::{self, append_request::Precondition as WirePrecondition},
        proposal::SealedProposal,
    },
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
    /// The root over the normalised events, for a trial and for an approval; `None` if some cannot
    /// be read.
    pub(super) content_root: Option<Hash>,
    /// The proposal that is approved.
    pub(super) approved: Option<SealedProposal>,
    /// The proposal that is asked for.
    pub(super) draft: Option<Draft>,
}

/// True if a request can be read where it arrives, because that takes one slice.
pub(super) fn is_short(request: &ReceivedCommit) -> bool {
    let versions = match &request.precondition {
        Some(WirePrecondition::DesigneeVersions(versions)) => versions.versions.as_slice(),
        Some(WirePrecondition::LogSize(_)) | None => &[],
    };
    let of_events: usize = request.events.iter().map(work).sum();
    of_events + versions.iter().map(work_of_version).sum::<usize>() <= READ_SLICE_BYTES
}

/// The work of reading an event, in bytes: one of many bytes takes as long as several short ones.
fn work(event: &Bytes) -> usize {
    READ_SLICE_BYTES / READ_SLICE_EVENTS + event.len()
}

/// The work of reading the version of a designee, in the same unit.
fn work_of_version(version: &pb::DesigneeVersion) -> usize {
    READ_SLICE_BYTES / READ_SLICE_VERSIONS + version.designee.len()
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
    let recorder = Recorder::of(call, &request)?;
    let draft = Draft::of(call, &request);
    let tells_root = request.validate_only || !request.proposal.is_empty();
    let request_id = request_id(&request.request_id)?;
    let precondition = match request.precondition {
        Some(stated) => Some(precondition(stated, pace)?),
        None => None,
    };
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
            faults.add(fault.breach.rule(), || fault);
            continue;
        }
        match event::proposal(catalogue, index, event) {
            Ok(mut proposed) => {
                recorder.require(catalogue, index, &proposed.event)?;
                warnings.add_event(std::mem::replace(&mut proposed.warnings, Faults::of_event()));
                proposals.push(Proposal::new(index, proposed));
            }
            Err(more) => faults.add_event(more),
        }
    }
    let content_root = (tells_root && faults.total() == 0).then(|| content_root(&proposals));
    let commit = Commit {
        proposals,
        request: request_id.zip(digest.map(ContentDigest::finish)),
        precondition,
        recorded_by: recorder.principal().clone(),
        party: call.party,
        entitlement: recorder.entitlement(),
    };
    let approved = recorder.proposal;
    Ok(ReadCommit { commit, count, faults, warnings, content_root, approved, draft })
}

fn precondition(
    precondition: WirePrecondition,
    pace: &mut impl Pace,
) -> Result<Precondition, Status> {
    let versions = match precondition {
        WirePrecondition::LogSize(size) => return Ok(Precondition::LogSize(size)),
        WirePrecondition::DesigneeVersions(versions) => versions.versions,
    };
    if versions.len() > COMMIT_EVENTS_MAX {
        let field = "designee_versions.versions";
        return Err(errors::over_limit(field, versions.len(), COMMIT_EVENTS_MAX, "entries"));
    }
    let (mut read, mut slice) = (Vec::with_capacity(versions.len()), 0);
    for (i, entry) in versions.into_iter().enumerate() {
        slice += work_of_version(&entry);
        if slice > READ_SLICE_BYTES {
            slice = 0;
            pace.step()?;
        }
        let field = |part| format!("designee_versions.versions[{i}].{part}");
        let id = DesigneeId::parse(&entry.designee)
            .map_err(|breach| errors::bad_field(&field("designee"), &entry.designee, breach))?;
        let required = || errors::bad_field(&field("version"), "", RuleId::FieldRequired);
        read.push((id, entry.version.ok_or_else(required)?));
    }
    Ok(Precondition::Versions(read))
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use super::*;
    use crate::{access::Identified, domain::Party, ledger::GivenUp};

    /// Counts the slices.
    #[derive(Default)]
    struct Steps(usize);

    impl Pace for Steps {
        fn step(&mut self) -> Result<(), GivenUp> {
            self.0 += 1;
            Ok(())
        }
    }

    /// A request with one event and a condition on so many designees.
    fn request(versions: usize) -> ReceivedCommit {
        let version = |n| pb::DesigneeVersion {
            designee: format!("local:330000/{n:09}"),
            version: Some(n as u64),
        };
        let versions = (0..versions).map(version).collect();
        let stated = WirePrecondition::DesigneeVersions(pb::DesigneeVersions { versions });
        ReceivedCommit {
            events: vec![Bytes::new()],
            precondition: Some(stated),
            ..Default::default()
        }
    }

    #[test]
    fn a_long_precondition_is_read_in_slices_and_elsewhere() {
        let of_one = work_of_version(&pb::DesigneeVersion {
            designee: "local:330000/000000000".to_owned(),
            version: None,
        });
        let at_once = (READ_SLICE_BYTES - work(&Bytes::new())) / of_one;
        assert!(is_short(&request(at_once)));
        assert!(!is_short(&request(at_once + 1)));
        let call = Call {
            who: Arc::new(Identified::anonymous()),
            peer: None,
            party: Party::Server,
            deadline: None,
            access: None,
            memory: None,
            arrivals: None,
        };
        let mut steps = Steps::default();
        let catalogue = Catalogue::built_in();
        let read = read_commit(&catalogue, &call, request(COMMIT_EVENTS_MAX), &mut steps).unwrap();
        let Some(Precondition::Versions(versions)) = read.commit.precondition else {
            panic!("versions")
        };
        assert_eq!(versions.len(), COMMIT_EVENTS_MAX);
        assert_eq!(steps.0, COMMIT_EVENTS_MAX / (READ_SLICE_BYTES / of_one));
    }
}
