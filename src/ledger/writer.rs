//! The writer: one thread that gives positions, in groups.
//!
//! Order within a group: decide and encode every commit that waits, then one append; then the publisher moves the durable
//! size and sends all replies, also the refusals, since they may rest on what has just become durable. Beside it run two
//! small threads: one notes the high-water mark, one watches for an append that does not come back.

use std::{
    collections::HashMap,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering, mpsc as sync_mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use bytes::Bytes;
use prost::Message as _;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::{
    Commit, Durable, Leaf, Precondition, Proposal, Receipt, Refusal, Shared,
    clock::RecordedTime,
    leaf::{self, CommitOf},
    publish::Published,
    requests::RequestIndex,
};
use crate::{
    domain::{
        catalogue::Catalogue,
        fault::Fault,
        limits::{
            FLUSH_DURATION_MAX, GROUP_BYTES_MAX, GROUP_COMMITS_MAX, LEAF_BYTES_MAX, LOG_EVENTS_MAX,
            MARK_INTERVAL,
        },
    },
    log::{Appended, ChunkWriter, Frontier, Group, Hash, LogError},
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
    chunks: ChunkWriter,
    frontier: Frontier,
    requests: RequestIndex,
    time: RecordedTime,
    recorded_micros: Option<i64>,
    publish: mpsc::UnboundedSender<Published>,
    /// Requests of the group being built: digest and receipt.
    group_requests: HashMap<Bytes, (Hash, Receipt)>,
}

/// Starts the writer and its two companions. They end when the queue is closed and empty.
pub(super) fn start(
    shared: &Arc<Shared>,
    start: Start,
    requests: RequestIndex,
) -> io::Result<Vec<JoinHandle<()>>> {
    let Start { jobs, publish, frontier, block } = start;
    let recorded_micros = shared.written.lock().recorded_micros;
    let writer = Writer {
        shared: Arc::clone(shared),
        chunks: ChunkWriter::new(frontier.size(), block),
        frontier,
        requests,
        time: RecordedTime::new(Arc::clone(&shared.clock), recorded_micros),
        recorded_micros,
        publish,
        group_requests: HashMap::new(),
    };
    let (stop_mark, mark_stops) = sync_mpsc::channel();
    let (stop_watch, watch_stops) = sync_mpsc::channel();
    let (for_run, for_mark, for_watch) =
        (Arc::clone(shared), Arc::clone(shared), Arc::clone(shared));
    let run = move || {
        // A writer that panicked has broken a promise of its own; without it nothing more is recorded.
        if catch_unwind(AssertUnwindSafe(|| writer.run(jobs))).is_err() {
            for_run.fail("the writer panicked");
        }
        // The companions end when their channels close.
        drop((stop_mark, stop_watch));
    };
    Ok(vec![
        thread::Builder::new().name("tidu-writer".into()).spawn(run)?,
        thread::Builder::new()
            .name("tidu-mark".into())
            .spawn(move || keep_mark(&for_mark, &mark_stops))?,
        thread::Builder::new()
            .name("tidu-watchdog".into())
            .spawn(move || watch_appends(&for_watch, &watch_stops))?,
    ])
}

/// Notes the high-water mark once a second while it moves, and exactly at the end.
fn keep_mark(shared: &Shared, stops: &sync_mpsc::Receiver<()>) {
    let mut noted = 0;
    loop {
        let ends = stops.recv_timeout(MARK_INTERVAL) != Err(sync_mpsc::RecvTimeoutError::Timeout);
        let Durable { size, root, .. } = *shared.written.lock();
        if size > noted {
            if let Err(error) = shared.log.mark(size, root) {
                return shared.fail(&error.to_string());
            }
            noted = size;
        }
        if ends {
            return;
        }
    }
}

/// Ends the process if an append does not come back.
fn watch_appends(shared: &Shared, stops: &sync_mpsc::Receiver<()>) {
    const LOOK_EVERY: Duration = Duration::from_millis(500);
    while stops.recv_timeout(LOOK_EVERY) == Err(sync_mpsc::RecvTimeoutError::Timeout) {
        let began = shared.append_began.load(Ordering::Acquire);
        let now = milliseconds(shared);
        let limit = u64::try_from(FLUSH_DURATION_MAX.as_millis()).unwrap_or(u64::MAX);
        if began != 0 && now.saturating_sub(began) > limit {
            shared.fail("a flush of the log has not come back in time");
            return;
        }
    }
}

fn milliseconds(shared: &Shared) -> u64 {
    u64::try_from(shared.clock.monotonic().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
}

impl Writer {
    fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(job) = jobs.blocking_recv() {
            let mut answers = Vec::new();
            let mut bytes = 0;
            let mut next = Some(job);
            while let Some(job) = next {
                bytes += job.bytes;
                let reply = self.decide(job.commit);
                answers.push((job.reply, reply));
                let full = bytes >= GROUP_BYTES_MAX || answers.len() >= GROUP_COMMITS_MAX;
                next = if full { None } else { jobs.try_recv().ok() };
            }
            let group = self.chunks.finish();
            if let Err(error) = self.make_durable(group) {
                // No reply: what became of the group is not known.
                return self.shared.fail(&error.to_string());
            }
            if self.shared.failed.load(Ordering::SeqCst) {
                // Something else has, and the process is about to end.
                return;
            }
            let durable = *self.shared.written.lock();
            if self.publish.send(Published { durable, answers }).is_err() {
                return self.shared.fail("the runtime is gone");
            }
        }
    }

    /// One durable append, and only then everybody may see it.
    fn make_durable(&mut self, group: Group) -> Result<(), LogError> {
        self.group_requests.clear();
        if group.chunks.is_empty() {
            return Ok(());
        }
        let base = self.shared.written.lock().size;
        self.shared.append_began.store(milliseconds(&self.shared), Ordering::Release);
        let appended = self.shared.log.append(base, &group)?;
        self.shared.append_began.store(0, Ordering::Release);
        let size = self.frontier.size();
        if appended != Appended::Durable(size) {
            // Only a replicated log moves on by itself; this one has a single writer.
            return Err(LogError::damaged(base, "another writer has moved the log on"));
        }
        let designees = {
            let mut register = self.shared.register.write();
            register.keep();
            register.designee_count()
        };
        self.shared.tail.push(group.chunks);
        let recorded_micros = self.recorded_micros;
        let root = self.frontier.root();
        *self.shared.written.lock() = Durable { size, root, designees, recorded_micros };
        Ok(())
    }

    /// Decides one commit and, if it is accepted, encodes it into the group.
    fn decide(&mut self, commit: Commit) -> Reply {
        if let Some((id, digest)) = &commit.request
            && let Some((first_digest, first)) = self.find_request(id)?
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
        drop(register);
        let request = commit.request.clone();
        self.encode(commit, first, micros);
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
            self.group_requests.insert(id, (digest, receipt.clone()));
        }
        Ok(receipt)
    }

    fn encode(&mut self, commit: Commit, first: u64, micros: i64) {
        assert_eq!(self.chunks.next(), first, "the register and the log disagree on the size");
        let count = commit.proposals.len();
        let mut envelope = Leaf {
            position: None,
            recorded_time: Some(leaf::timestamp(micros)),
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
            envelope.position = Some(self.chunks.next());
            envelope.event = proposal.body;
            let length = envelope.encoded_len();
            assert!(length <= LEAF_BYTES_MAX, "an event of {length} bytes passed the edge");
            let hash = self.chunks.push(length, i + 1 == count, |buffer| {
                envelope.encode_raw(buffer);
            });
            self.frontier.push(hash);
            envelope.request_id = Bytes::new();
            envelope.request_digest = Bytes::new();
        }
        self.recorded_micros = Some(micros);
    }

    /// The first answer to a request id, with the digest of its content: from this group, or from the log.
    fn find_request(&self, id: &Bytes) -> Result<Option<(Hash, Receipt)>, Refusal> {
        if let Some(found) = self.group_requests.get(id) {
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
                recorded_micros: leaf.recorded_time.as_ref().map(leaf::micros),
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
