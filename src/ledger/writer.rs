//! The writer: the one thread that decides whether and in which order commits are recorded.
//!
//! Commits come through a bounded queue (queue.rs). The writer decides each against everything
//! decided before it, durable or not (decide.rs), and adds it to the open group (group.rs). The
//! flusher takes the group from there, so the writer decides the next commits during a flush. The
//! writer reads the disk only to confirm a repeated request.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread::{self, JoinHandle},
};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::{
    AppendError, Commit, Receipt, SaltSource, Shared,
    applier::{Applier, ApplyError, DecodedLeaves, Outcome},
    clock::RecordedTime,
    decide::{Sources, decide_under},
    flusher,
    group::{GroupCommit, OpenGroup, Reached},
    publish::{Proven, Published},
    queue::{Job, Queue, Turn},
    requests::FirstAnswer,
    room::{PromisedRoom, bytes_max},
    state::State,
};
use crate::{
    domain::Principal,
    limits::{LEAF_BYTES_MAX, LOG_EVENTS_MAX},
    merkle::Hash,
};

type Reply = Result<Receipt, AppendError>;

struct Writer {
    shared: Arc<Shared>,
    groups: Arc<GroupCommit>,
    state: State,
    time: RecordedTime,
    room: PromisedRoom,
    salts: SaltSource,
    /// Takes leaves from outside; `None` if the ledger follows no other one.
    applier: Option<Applier>,
}

/// Starts the writer, the flusher and its companions. They end once the queue is closed and empty.
pub(super) fn start(
    shared: &Arc<Shared>,
    (state, salts, applier): (State, SaltSource, Option<Applier>),
    queue: &Arc<Queue>,
    publish: mpsc::UnboundedSender<Published>,
) -> io::Result<Vec<JoinHandle<()>>> {
    let groups = Arc::new(GroupCommit::new(Reached::of(&state), state.block()));
    let mut threads = flusher::start(shared, &groups, publish)?;
    let writer = Writer {
        shared: Arc::clone(shared),
        groups: Arc::clone(&groups),
        state,
        time: RecordedTime::new(Arc::clone(&shared.clock)),
        room: PromisedRoom::default(),
        salts,
        applier,
    };
    let (shared, queue) = (Arc::clone(shared), Arc::clone(queue));
    let run = move || {
        // A panic leaves the state in doubt, so nothing more is recorded.
        match catch_unwind(AssertUnwindSafe(|| writer.run(&queue))) {
            Ok(()) => groups.close(),
            Err(_) => {
                groups.abandon();
                shared.fail(&"the writer panicked".into());
            }
        }
        queue.abandon();
    };
    threads.push(thread::Builder::new().name("tidu-writer".into()).spawn(run)?);
    Ok(threads)
}

impl Writer {
    fn run(mut self, queue: &Queue) {
        let groups = Arc::clone(&self.groups);
        while groups.wait_for_room()
            && let Some(turn) = queue.pop()
        {
            if let Turn::Commit(job, _) = &turn {
                let waited = self.shared.clock.monotonic().saturating_sub(job.queued);
                self.shared.metrics.queue_wait_seconds.observe(waited);
            }
            let Some(mut open) = groups.open(turn.bytes()) else { return };
            match turn {
                Turn::Commit(Job { commit, bytes, held, reply, .. }, room) => {
                    let before = self.state.size();
                    let decided = self.answer(&mut open, commit);
                    drop(held);
                    room.charge(self.state.take_judged());
                    let reached = (self.state.size() > before).then(|| Reached::of(&self.state));
                    open.answer(bytes, (reply, decided), reached);
                    drop(room);
                }
                Turn::Proof(reply) => {
                    let proven = self.prove(open.is_empty());
                    open.prove((reply, proven));
                }
                Turn::Leaves(leaves, reply) => {
                    let (before, bytes) = (self.state.size(), leaves.bytes());
                    let outcome = self.apply(&mut open, leaves);
                    let reached = (self.state.size() > before).then(|| Reached::of(&self.state));
                    open.applied(bytes, (reply, outcome), reached);
                }
            }
            groups.put_back(open, !queue.is_empty());
        }
    }

    /// Answers as to a small commit, as far as that does not depend on its events.
    fn prove(&mut self, is_first: bool) -> Proven {
        if self.applier.is_some() {
            return Err(AppendError::Following);
        }
        self.room.require(&self.shared, is_first, LEAF_BYTES_MAX as u64)?;
        if self.state.size() >= LOG_EVENTS_MAX {
            return Err(AppendError::LogFull);
        }
        self.time.check(self.state.recorded_micros()).map_err(AppendError::Clock).map(drop)
    }

    /// Applies leaves from outside. The catalogues that they adopt are known before anybody sees
    /// an event that needs them.
    fn apply(&mut self, open: &mut OpenGroup, leaves: DecodedLeaves) -> Outcome {
        let Some(applier) = &mut self.applier else { return Err(ApplyError::NotFollowing) };
        let bytes = leaves.bytes_max();
        self.room.require_to_apply(&self.shared, open.is_empty(), bytes)?;
        let (durable, before) = (self.shared.written.lock().durable.size, self.state.size());
        self.state.settle(durable);
        let outcome = applier.take(&mut self.state, &mut open.chunks, leaves);
        self.shared.catalogues.follow(applier.catalogues());
        if self.state.size() > before {
            self.room.use_up(bytes, self.state.size());
        }
        outcome
    }

    /// Answers a repeated request with its first answer, and decides any other commit.
    fn answer(&mut self, open: &mut OpenGroup, commit: Commit) -> Reply {
        self.require_valid(&commit)?;
        if let Some(request) = &commit.request
            && let Some(first) = self.find_request(open, &commit.recorded_by, request)?
        {
            return first.replay(&request.0, &request.1);
        }
        let bytes = bytes_max(&commit);
        self.room.require(&self.shared, open.is_empty(), bytes)?;
        // The guard must be gone before the register is locked: see the lock order.
        let durable = self.shared.written.lock().durable.size;
        self.state.settle(durable);
        let request = commit.request.clone().map(|request| (commit.recorded_by.clone(), request));
        let shared = &self.shared;
        let sources = Sources {
            policy: &|| Arc::clone(&shared.policy.read()),
            next_instant: |last| self.time.next(last),
            next_salt: &mut self.salts,
        };
        let (catalogues, chunks) = (shared.catalogues.now(), &mut open.chunks);
        let receipt = decide_under(&mut self.state, catalogues, chunks, commit, sources)?;
        if receipt.recorded_micros.is_some() {
            self.room.use_up(bytes, receipt.next);
        }
        if let (Some((recorder, (id, digest))), Some(_)) = (request, receipt.recorded_micros) {
            open.note_request((recorder, id), FirstAnswer { digest, receipt: receipt.clone() });
        }
        Ok(receipt)
    }

    /// Refuses the commit of a caller whose credential has ended while it waited.
    fn require_valid(&self, commit: &Commit) -> Result<(), AppendError> {
        let Some(micros) = commit.entitlement.expires_micros else { return Ok(()) };
        let is_valid = self.shared.clock.now_micros() < micros;
        if is_valid { Ok(()) } else { Err(AppendError::CredentialExpired { micros }) }
    }

    /// The first answer to a request id. It comes from the groups that may not be durable yet, or
    /// else from the log.
    fn find_request(
        &self,
        open: &OpenGroup,
        recorder: &Principal,
        request: &(Bytes, Hash),
    ) -> Result<Option<FirstAnswer>, AppendError> {
        if let Some(found) = open.request(recorder, &request.0) {
            return Ok(Some(found.clone()));
        }
        let durable = self.shared.written.lock().durable.size;
        self.shared.find_recorded(recorder, request, durable)
    }
}
