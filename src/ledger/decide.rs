//! Decides one commit: judge → stage → encode → seal. It changes the state and the open chunks, and
//! uses neither queue nor disk nor clock.

use bytes::Bytes;
use prost::Message as _;

use super::{
    AppendError, Commit, Precondition, Proposal, Receipt, Salt, format,
    state::{Staging, State},
};
use crate::{
    domain::{
        catalogue::{Catalogue, Catalogues},
        fault::Faults,
    },
    limits::{
        JUDGED_FACTS_MAX, LEAF_BYTES_MAX, LOG_EVENTS_MAX, REJECTIONS_MAX, WRITE_SLICE_EVENTS,
    },
    log::{ChunkWriter, FORMAT_BEGUN},
    merkle::Hash,
    protocol::{
        leaf::{CommitOf, Leaf},
        time,
    },
    register::{Layers, rules::Judge},
};

/// Decides a commit and, if it is accepted, adds its leaves to `chunks`.
///
/// `next_instant` maps the last recorded time to the next one, in microseconds since 1970. It is
/// called once, for an accepted commit only. `next_salt` gives the random bytes beside an event
/// that is not public; an accepted commit calls it once for each of those.
///
/// # Errors
/// See [`AppendError`]. State and chunks are then unchanged.
pub fn decide(
    state: &mut State,
    catalogues: &Catalogues,
    chunks: &mut ChunkWriter,
    commit: Commit,
    next_instant: impl FnOnce(Option<i64>) -> Result<i64, String>,
    next_salt: impl FnMut() -> Salt,
) -> Result<Receipt, AppendError> {
    let first = state.size();
    let next = first + commit.proposals.len() as u64;
    let mut staging = state.begin();
    if let Some(precondition) = &commit.precondition {
        require_precondition(precondition, &mut staging)?;
    }
    if next > LOG_EVENTS_MAX {
        return Err(AppendError::LogFull);
    }
    let Judged { rejections, warnings, accepted } = judge_all(&mut staging, catalogues, &commit)?;
    let trial = Receipt {
        first,
        next,
        recorded_micros: None,
        replayed: false,
        warnings,
        rejections: Faults::of_commit(),
        changes: Vec::new(),
        change_count: 0,
    };
    if commit.validate_only {
        let (mut changes, mut change_count) = (Vec::new(), 0);
        for (place, index) in (0_u64..).zip(accepted) {
            let of_event = Layers::from(&*staging).changes(catalogues, first + place);
            change_count += of_event.len();
            let room = REJECTIONS_MAX - changes.len();
            changes.extend(of_event.into_iter().take(room).map(|change| (index, change)));
        }
        return Ok(Receipt { rejections, changes, change_count, ..trial });
    }
    if !rejections.is_empty() {
        return Err(AppendError::Rejected(rejections));
    }
    assert_eq!(chunks.next(), first, "the register and the chunks disagree on the size");
    let micros = next_instant(state.recorded_micros()).map_err(AppendError::Clock)?;
    let staged = staging.accept();
    let request_id = commit.request.as_ref().map(|(id, _)| id.clone());
    let (hashes, format) = encode(catalogues.in_use(), chunks, commit, micros, next_salt);
    state.seal(staged, &hashes, request_id.as_deref(), Some(micros), format);
    Ok(Receipt { recorded_micros: Some(micros), ..trial })
}

/// Encodes a commit into `chunks` and returns its leaf hashes and the format that they need.
fn encode(
    catalogue: &Catalogue,
    chunks: &mut ChunkWriter,
    commit: Commit,
    micros: i64,
    mut next_salt: impl FnMut() -> Salt,
) -> (Vec<Hash>, u16) {
    let first = chunks.next();
    let count = commit.proposals.len();
    let mut envelope = Leaf {
        position: None,
        recorded_time: Some(time::timestamp(micros)),
        recorded_by: commit.recorded_by.name().clone(),
        commit: Some(CommitOf {
            first_position: Some(first),
            size: u32::try_from(count).unwrap_or(u32::MAX),
        }),
        request_id: Bytes::new(),
        request_digest: Bytes::new(),
        event: Bytes::new(),
        approved_by: Bytes::new(),
        signatures: Vec::new(),
        salt: Bytes::new(),
    };
    if let Some((id, digest)) = &commit.request {
        envelope.request_id = id.clone();
        envelope.request_digest = Bytes::copy_from_slice(digest);
    }
    let mut hashes = Vec::with_capacity(count);
    let mut format = FORMAT_BEGUN;
    for (i, proposal) in commit.proposals.into_iter().enumerate() {
        envelope.position = Some(chunks.next());
        if catalogue.is_own(proposal.event.fact.stated_kind()) {
            envelope.salt = Bytes::copy_from_slice(&next_salt());
        }
        format = format.max(format::needed(&envelope, &proposal.event));
        envelope.event = proposal.body;
        let length = envelope.encoded_len();
        assert!(length <= LEAF_BYTES_MAX, "an event of {length} bytes was not refused at the edge");
        let encode = |buffer: &mut bytes::BytesMut| envelope.encode_raw(buffer);
        hashes.push(chunks.push(length, i + 1 == count, encode));
        envelope.request_id = Bytes::new();
        envelope.request_digest = Bytes::new();
        envelope.salt = Bytes::new();
    }
    chunks.require_format(format);
    (hashes, format)
}

/// The verdicts on a commit.
struct Judged {
    rejections: Faults,
    warnings: Faults,
    /// Indexes of the events that were staged.
    accepted: Vec<usize>,
}

/// Judges the events of a commit in turn and stages those that are accepted. Each is judged against
/// everything before it.
///
/// Others wait meanwhile, so it gives up a commit that reads too many facts. The last event is not
/// refused for this: a commit of one event is always judged.
fn judge_all(
    staging: &mut Staging<'_>,
    catalogues: &Catalogues,
    commit: &Commit,
) -> Result<Judged, AppendError> {
    let (rejections, warnings) = (Faults::of_commit(), Faults::of_commit());
    let mut judged = Judged { rejections, warnings, accepted: Vec::new() };
    // A judge caches answers, which hold until something is rolled back; so each commit gets its
    // own.
    let mut judge = Judge::of(&commit.recorded_by);
    for (slice, proposals) in commit.proposals.chunks(WRITE_SLICE_EVENTS).enumerate() {
        if slice > 0 {
            staging.give_way();
        }
        staging.prefetch(proposals.iter().map(|proposal| &proposal.event));
        for Proposal { index, event, .. } in proposals {
            require_few_facts(judge.facts_read())?;
            let verdict = judge.judge(staging, catalogues.in_use(), *index, event);
            if verdict.rejections.is_empty() {
                staging.stage(event);
                judged.accepted.push(*index);
            }
            judged.rejections.add_event(verdict.rejections.into());
            judged.warnings.add_event(verdict.warnings.into());
        }
    }
    Ok(judged)
}

/// Refuses a commit once so many facts were read to judge it that the others must not wait longer.
pub(super) fn require_few_facts(read: usize) -> Result<(), AppendError> {
    if read > JUDGED_FACTS_MAX { Err(AppendError::FactsToJudge) } else { Ok(()) }
}

fn require_precondition(
    precondition: &Precondition,
    staging: &mut Staging<'_>,
) -> Result<(), AppendError> {
    // Everything decided counts, durable or not.
    let known_at = staging.size();
    match precondition {
        Precondition::LogSize(expected) if *expected != known_at => {
            Err(AppendError::SizeMoved { found: known_at, expected: *expected })
        }
        Precondition::LogSize(_) => Ok(()),
        Precondition::Versions(versions) => {
            let mut read = 0;
            for (i, (id, expected)) in versions.iter().enumerate() {
                if i % WRITE_SLICE_EVENTS == WRITE_SLICE_EVENTS - 1 {
                    staging.give_way();
                }
                require_few_facts(read)?;
                let index = staging.find(id, known_at);
                let found = index.map_or(0, |index| {
                    let (version, facts) = staging.subject_version(index, known_at);
                    read += facts;
                    version
                });
                if found != *expected {
                    let designee = id.to_string();
                    return Err(AppendError::VersionMoved { designee, found, expected: *expected });
                }
            }
            Ok(())
        }
    }
}
