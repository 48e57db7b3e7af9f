//! The writer: the one thread that decides what is recorded, and in which order.
//!
//! Commits come through a bounded queue, and each is decided against everything decided before it, whether it is durable
//! already or not. What is accepted gets its positions, is encoded and hashed once, and joins the open group (group.rs).
//! From there on it is the flusher's (flusher.rs), so that the next commits are decided while a group is on its way.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread::{self, JoinHandle},
};

use bytes::Bytes;
use prost::Message as _;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::{
    Commit, Precondition, Proposal, Receipt, Refusal, Shared,
    clock::RecordedTime,
    flusher,
    group::{Handover, Open},
    publish::Published,
    requests::RequestIndex,
};
use crate::{
    domain::{catalogue::Catalogue, fault::Fault},
    limits::{LEAF_BYTES_MAX, LOG_EVENTS_MAX},
    merkle::{Frontier, Hash},
    protocol::{
        leaf::{CommitOf, Leaf},
        time,
    },
    register::{Register, rules::Judge},
};

type Reply = Result<Receipt, Refusal>;

/// What a writer starts with.
pub(super) struct Start {
    pub(super) jobs: mpsc::Receiver<Job>,
    pub(super) publish: mpsc::UnboundedSender<Published>,
    pub(super) frontier: Frontier,
    /// Leaf hashes since the last complete block.
    pub(super) block: Vec<Hash>,
}

/// A commit on its way to the writer. Its room in the queue is free again when it is dropped.
pub(super) struct Job {
    pub(super) commit: Commit,
    pub(super) bytes: usize,
    pub(super) reply: oneshot::Sender<Reply>,
    pub(super) _room: OwnedSemaphorePermit,
}

struct Writer {
    shared: Arc<Shared>,
    handover: Arc<Handover>,
    requests: RequestIndex,
    time: RecordedTime,
}

/// Starts the writer, the flusher and its companions. They end when the queue is closed and empty.
pub(super) fn start(
    shared: &Arc<Shared>,
    start: Start,
    requests: RequestIndex,
) -> io::Result<Vec<JoinHandle<()>>> {
    let Start { jobs, publish, frontier, block } = start;
    let durable = *shared.written.lock();
    let handover = Arc::new(Handover::new(&durable, frontier, block));
    let mut threads = flusher::start(shared, &handover, publish)?;
    let writer = Writer {
        shared: Arc::clone(shared),
        handover: Arc::clone(&handover),
        requests,
        time: RecordedTime::new(Arc::clone(&shared.clock), durable.recorded_micros),
    };
    let shared = Arc::clone(shared);
    let run = move || {
        // A writer that panicked has broken a promise of its own; without it nothing more is recorded.
        match catch_unwind(AssertUnwindSafe(|| writer.run(jobs))) {
            Ok(()) => handover.close(),
            Err(_) => {
                handover.abandon();
                shared.fail("the writer panicked");
            }
        }
    };
    threads.push(thread::Builder::new().name("tidu-writer".into()).spawn(run)?);
    Ok(threads)
}

impl Writer {
    fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let handover = Arc::clone(&self.handover);
        while let Some(Job { commit, bytes, reply, _room }) = jobs.blocking_recv() {
            let Some(mut open) = handover.open() else { return };
            let decided = self.decide(&mut open, commit);
            open.answer(bytes, (reply, decided));
            handover.put_back(open, !jobs.is_empty());
        }
    }

    /// Decides one commit and, if it is accepted, encodes it into the group.
    fn decide(&mut self, open: &mut Open, commit: Commit) -> Reply {
        if let Some((id, digest)) = &commit.request
            && let Some((first_digest, first)) = self.find_request(open, id)?
        {
            if first_digest != *digest {
                return Err(Refusal::RequestReused { first: first.first });
            }
            return Ok(Receipt { replayed: true, warnings: Vec::new(), ..first });
        }
        let shared = Arc::clone(&self.shared);
        let mut register = shared.register.write();
        if let Some(precondition) = &commit.precondition {
            check(precondition, &register)?;
        }
        let first = register.size();
        let next = first + commit.proposals.len() as u64;
        let savepoint = register.savepoint();
        if next > LOG_EVENTS_MAX {
            return Err(Refusal::LogFull);
        }
        let catalogue = &shared.catalogue;
        let decided = decide_all(&mut register, catalogue, &commit.proposals);
        let Decided { rejections, warnings, accepted } = decided;
        let changes = if commit.validate_only {
            let change = |(place, index): (u64, &usize)| {
                let changes = register.changes(catalogue, first + place);
                changes.into_iter().map(|change| (*index, change)).collect::<Vec<_>>()
            };
            (0_u64..).zip(&accepted).flat_map(change).collect()
        } else {
            Vec::new()
        };
        if commit.validate_only || !rejections.is_empty() {
            register.take_back(&savepoint);
        }
        if commit.validate_only {
            let recorded_micros = None;
            return Ok(Receipt {
                first,
                next,
                recorded_micros,
                replayed: false,
                warnings,
                rejections,
                changes,
            });
        }
        if !rejections.is_empty() {
            return Err(Refusal::Rejected(rejections));
        }
        let micros = match self.time.next() {
            Ok(micros) => micros,
            Err(why) => {
                register.take_back(&savepoint);
                return Err(Refusal::Clock(why));
            }
        };
        register.keep();
        open.designees = register.designee_count();
        drop(register);
        let request = commit.request.clone();
        encode(open, commit, first, micros);
        let receipt = Receipt {
            first,
            next,
            recorded_micros: Some(micros),
            replayed: false,
            warnings,
            rejections: Vec::new(),
            changes,
        };
        if let Some((id, digest)) = request {
            self.requests.insert(&id, first);
            open.note_request(id, digest, receipt.clone());
        }
        Ok(receipt)
    }

    /// The first answer to a request id, with the digest of its content: from what is not durable yet, or from the log.
    fn find_request(&self, open: &Open, id: &Bytes) -> Result<Option<(Hash, Receipt)>, Refusal> {
        if let Some(found) = open.request(id) {
            return Ok(Some(found.clone()));
        }
        let durable = self.shared.written.lock().size;
        for position in self.requests.candidates(id).filter(|position| *position < durable) {
            let chunks = match self.shared.tail.read(position, 1) {
                Some(chunks) => chunks,
                None => self.shared.read_log(position, 1).map_err(|_| Refusal::Unknown)?,
            };
            let mut leaves = chunks.iter().flat_map(crate::log::Chunk::leaves);
            let found = leaves.find(|leaf| leaf.position == position);
            let leaf = found.and_then(|leaf| Leaf::decode(leaf.bytes).ok());
            let Some(leaf) = leaf.filter(|leaf| leaf.request_id == *id) else { continue };
            let digest = leaf.request_digest.as_ref().try_into().unwrap_or([0; 32]);
            let size = leaf.commit.map_or(0, |commit| u64::from(commit.size));
            let receipt = Receipt {
                first: position,
                next: position + size,
                recorded_micros: leaf.recorded_time.as_ref().map(time::micros),
                replayed: true,
                warnings: Vec::new(),
                rejections: Vec::new(),
                changes: Vec::new(),
            };
            return Ok(Some((digest, receipt)));
        }
        Ok(None)
    }
}

/// Encodes a commit into the open group.
fn encode(open: &mut Open, commit: Commit, first: u64, micros: i64) {
    assert_eq!(open.chunks.next(), first, "the register and the log disagree on the size");
    let count = commit.proposals.len();
    let mut envelope = Leaf {
        position: None,
        recorded_time: Some(time::timestamp(micros)),
        recorded_by: commit.recorded_by,
        commit: Some(CommitOf {
            first_position: Some(first),
            size: u32::try_from(count).unwrap_or(u32::MAX),
        }),
        request_id: Bytes::new(),
        request_digest: Bytes::new(),
        event: Bytes::new(),
    };
    if let Some((id, digest)) = &commit.request {
        envelope.request_id = id.clone();
        envelope.request_digest = Bytes::copy_from_slice(digest);
    }
    for (i, proposal) in commit.proposals.into_iter().enumerate() {
        envelope.position = Some(open.chunks.next());
        envelope.event = proposal.body;
        let length = envelope.encoded_len();
        assert!(length <= LEAF_BYTES_MAX, "an event of {length} bytes passed the edge");
        let hash = open.chunks.push(length, i + 1 == count, |buffer| {
            envelope.encode_raw(buffer);
        });
        open.frontier.push(hash);
        envelope.request_id = Bytes::new();
        envelope.request_digest = Bytes::new();
    }
    open.recorded_micros = Some(micros);
}

/// What the rules said to a commit.
#[derive(Default)]
struct Decided {
    rejections: Vec<Fault>,
    warnings: Vec<Fault>,
    /// Indexes of the events that were applied.
    accepted: Vec<usize>,
}

/// Judges the events of a commit in turn, each against everything before it, and applies those that are accepted.
fn decide_all(register: &mut Register, catalogue: &Catalogue, proposals: &[Proposal]) -> Decided {
    let mut decided = Decided::default();
    // What it remembers holds as long as nothing is taken back.
    let mut judge = Judge::default();
    register.touch(proposals.iter().map(|proposal| &proposal.event));
    for Proposal { index, event, .. } in proposals {
        let verdict = judge.judge(register, catalogue, *index, event);
        if verdict.rejections.is_empty() {
            register.apply(event);
            decided.accepted.push(*index);
        }
        decided.rejections.extend(verdict.rejections);
        decided.warnings.extend(verdict.warnings);
    }
    decided
}

fn check(precondition: &Precondition, register: &Register) -> Result<(), Refusal> {
    let known_at = register.size();
    match precondition {
        Precondition::LogSize(expected) if *expected != known_at => {
            Err(Refusal::SizeMoved { found: known_at, expected: *expected })
        }
        Precondition::LogSize(_) => Ok(()),
        Precondition::Versions(versions) => {
            for (id, expected) in versions {
                let found = register
                    .find(id, known_at)
                    .map_or(0, |index| register.subject_version(index, known_at));
                if found != *expected {
                    let designee = id.to_string();
                    return Err(Refusal::VersionMoved { designee, found, expected: *expected });
                }
            }
            Ok(())
        }
    }
}
