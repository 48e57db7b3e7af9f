//! Decides one commit: judge → stage → encode → seal. It changes the state and the open chunks, and
//! uses neither queue nor disk nor clock.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use prost::Message as _;

use super::{
    AppendError, Commit, Precondition, Receipt, Salt,
    entitled::{self, Entitled},
    format,
    judging::{Judging, require_precondition, version_of},
    state::{Staging, State},
};
use crate::{
    domain::{
        access::Policy,
        catalogue::{Catalogue, Catalogues},
        fault::Faults,
    },
    limits::{LEAF_BYTES_MAX, LOG_EVENTS_MAX, WRITE_SLICE_EVENTS, WRITE_SLICE_FACTS},
    log::{ChunkWriter, FORMAT_BEGUN},
    merkle::Hash,
    protocol::{
        leaf::{CommitOf, Leaf},
        time,
    },
    register::Layers,
};

/// Where a decision gets what does not follow from the log.
pub(super) struct Sources<'a, I, S> {
    /// The policy in force.
    pub(super) policy: &'a dyn Fn() -> Arc<Policy>,
    /// Maps the last recorded time to the next one, in microseconds since 1970. It is called once,
    /// for an accepted commit only.
    pub(super) next_instant: I,
    /// The random bytes beside an event that is not public. An accepted commit calls it once for
    /// each of those.
    pub(super) next_salt: S,
}

/// Decides a commit and, if it is accepted, adds its leaves to `chunks`. Everybody may record.
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
    static OPEN: LazyLock<Arc<Policy>> = LazyLock::new(Arc::default);
    let policy = &|| Arc::clone(&OPEN);
    let sources = Sources { policy, next_instant, next_salt };
    decide_under(state, catalogues, chunks, commit, sources)
}

/// As [`decide`], under the policy in force.
pub(super) fn decide_under(
    state: &mut State,
    catalogues: &Catalogues,
    chunks: &mut ChunkWriter,
    commit: Commit,
    sources: Sources<'_, impl FnOnce(Option<i64>) -> Result<i64, String>, impl FnMut() -> Salt>,
) -> Result<Receipt, AppendError> {
    let mut judged = 0;
    let decided = decide_counting(state, catalogues, chunks, commit, sources, &mut judged);
    state.note_judged(judged);
    decided
}

/// As [`decide_under`]. Counts in `judged` the facts read, whatever comes of the commit.
fn decide_counting(
    state: &mut State,
    catalogues: &Catalogues,
    chunks: &mut ChunkWriter,
    commit: Commit,
    sources: Sources<'_, impl FnOnce(Option<i64>) -> Result<i64, String>, impl FnMut() -> Salt>,
    judged: &mut usize,
) -> Result<Receipt, AppendError> {
    let Sources { policy, next_instant, next_salt } = sources;
    let first = state.size();
    let next = first + commit.proposals.len() as u64;
    let mut in_force = policy();
    let (staging, judging) = loop {
        let entitled = Entitled::under(&in_force, &commit, false)?;
        let (staging, judging) = judge_all(state, catalogues, &commit, entitled, judged)?;
        // A principal may have lost rights while many events were judged.
        let now = policy();
        if entitled::is_same(&in_force, &now, &commit) {
            break (staging, judging);
        }
        in_force = now;
    };
    let Judging { rejections, warnings, .. } = judging;
    if !rejections.is_empty() {
        return Err(AppendError::Rejected(rejections));
    }
    assert_eq!(chunks.next(), first, "the register and the chunks disagree on the size");
    let micros = next_instant(state.recorded_micros()).map_err(AppendError::Clock)?;
    let staged = staging.accept();
    let recorder = commit.recorded_by.clone();
    let request_id = commit.request.as_ref().map(|(id, _)| id.clone());
    let (hashes, format) = encode(catalogues.in_use(), chunks, commit, micros, next_salt);
    let request = request_id.as_deref().map(|id| (recorder.name().as_ref(), id));
    state.seal(staged, &hashes, request, Some(micros), format);
    Ok(Receipt {
        first,
        next,
        recorded_micros: Some(micros),
        replayed: false,
        warnings,
        rejections: Faults::of_commit(),
        changes: Vec::new(),
        change_count: 0,
    })
}

/// Judges the events in turn, and stages those that are accepted.
fn judge_all<'s>(
    state: &'s State,
    catalogues: &Catalogues,
    commit: &Commit,
    entitled: Option<Entitled>,
    judged: &mut usize,
) -> Result<(Staging<'s>, Judging), AppendError> {
    let first = state.size();
    let mut staging = state.begin();
    *judged = 0;
    if let Some(precondition) = &commit.precondition {
        require_precondition_of(&mut staging, precondition, first, judged)?;
    }
    if first + commit.proposals.len() as u64 > LOG_EVENTS_MAX {
        return Err(AppendError::LogFull);
    }
    let (mut judging, of_precondition) = (Judging::of(commit, entitled), *judged);
    for (slice, proposals) in commit.proposals.chunks(WRITE_SLICE_EVENTS).enumerate() {
        if slice > 0 {
            staging.give_way();
        }
        let mut read = judging.facts_read();
        staging.prefetch(proposals.iter().map(|proposal| &proposal.event));
        for proposal in proposals {
            if judging.facts_read() - read >= WRITE_SLICE_FACTS {
                staging.give_way();
                read = judging.facts_read();
            }
            let verdict = judging.judge(Layers::from(&*staging), catalogues, proposal);
            *judged = of_precondition + judging.facts_read();
            if verdict? {
                staging.stage(&proposal.event);
            }
        }
    }
    judging.require_entitled()?;
    Ok((staging, judging))
}

/// Checks a precondition: everything decided counts, durable or not. Readers have their turn
/// between slices of the work.
fn require_precondition_of(
    staging: &mut Staging<'_>,
    precondition: &Precondition,
    first: u64,
    judged: &mut usize,
) -> Result<(), AppendError> {
    let (mut asked, mut slice_end) = (0, WRITE_SLICE_FACTS);
    require_precondition(precondition, first, |id| {
        asked += 1;
        if asked % WRITE_SLICE_EVENTS == 0 || *judged >= slice_end {
            staging.give_way();
            slice_end = *judged + WRITE_SLICE_FACTS;
        }
        let (version, read) = version_of(staging, id, first);
        *judged += read;
        Ok((version, read))
    })
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
        approved_by: approved_by(&commit),
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
        envelope.approved_by = Bytes::new();
        envelope.salt = Bytes::new();
    }
    chunks.require_format(format);
    (hashes, format)
}

/// The name of the principal that has approved a commit; empty if none did.
fn approved_by(commit: &Commit) -> Bytes {
    let approver = commit.entitlement.approved_by.as_ref();
    approver.map_or_else(Bytes::new, |principal| principal.name().clone())
}
