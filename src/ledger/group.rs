//! Group commit: one flush makes all commits durable that were decided during the flush before.
//!
//! The writer adds commits to the open group. The flusher seals and takes it when the group before
//! is durable and either the writer's queue is empty or the group is worth a flush of its own. So
//! the duration of a flush sets the size of a group, and no commit waits for one not yet sent.

use std::collections::HashMap;

use bytes::Bytes;
use parking_lot::{Condvar, MutexGuard};

use super::{
    Durable,
    applier::PendingOutcome,
    lock::{GROUP, Ordered, OrderedMutex},
    publish::{PendingProof, PendingReply},
    requests::FirstAnswer,
    state::State,
};
use crate::{
    domain::Principal,
    limits::{GROUP_BYTES_MAX, GROUP_COMMITS_MAX, GROUP_READY_BYTES},
    log::{ChunkWriter, Group},
    merkle::{Frontier, Hash},
    register::Extent,
};

/// By recorder and request id.
type Requests = HashMap<(Principal, Bytes), FirstAnswer>;

/// The open group between the writer and the flusher.
pub(super) struct GroupCommit {
    /// Lock order: the outermost of the ledger's locks.
    open: OrderedMutex<OpenGroup, GROUP>,
    /// Signals the flusher: the group is ready, or the end has come.
    filled: Condvar,
    /// Signals the writer: the group was taken, or the end has come.
    taken: Condvar,
}

/// Exclusive access to the open group.
pub(super) type OpenGuard<'a> = Ordered<MutexGuard<'a, OpenGroup>, GROUP>;

/// The commits decided since the last group was taken.
pub(super) struct OpenGroup {
    pub(super) chunks: ChunkWriter,
    /// The state after the commit that was decided last.
    reached: Reached,
    answers: Vec<PendingReply>,
    proofs: Vec<PendingProof>,
    outcomes: Vec<PendingOutcome>,
    bytes: usize,
    /// The writer's queue holds more commits.
    more_queued: bool,
    /// First answers to the requests of this group.
    requests: Requests,
    /// The same of the group before, which may not be durable yet.
    requests_before: Requests,
    end: Option<End>,
}

/// The parts of the state that become [`Durable`] with a group. The root is computed once, when the
/// group is taken.
pub(super) struct Reached {
    pub(super) frontier: Frontier,
    pub(super) extent: Extent,
    pub(super) recorded_micros: Option<i64>,
    pub(super) format: u16,
}

impl Reached {
    pub(super) fn of(state: &State) -> Self {
        Self {
            frontier: state.frontier().clone(),
            extent: state.extent(),
            recorded_micros: state.recorded_micros(),
            format: state.format(),
        }
    }

    /// The durable size and root that the group leads to.
    pub(super) fn durable(&self) -> Durable {
        Durable {
            size: self.frontier.size(),
            root: self.frontier.root(),
            designees: self.extent.designees(),
            extent: self.extent,
            recorded_micros: self.recorded_micros,
            format: self.format,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// The writer adds no more commits; the flusher still takes those that are here.
    Closed,
    /// The flusher takes no more groups, and callers get no answers.
    Abandoned,
}

/// A group that the flusher makes durable.
pub(super) struct SealedGroup {
    pub(super) group: Group,
    /// Size and root of the log once the group is durable.
    pub(super) durable: Durable,
    /// The frontier with that root.
    pub(super) frontier: Frontier,
    pub(super) answers: Vec<PendingReply>,
    /// They need nothing durable, and take the same way.
    pub(super) proofs: Vec<PendingProof>,
    /// The outcomes of leaves from outside.
    pub(super) outcomes: Vec<PendingOutcome>,
}

impl GroupCommit {
    /// An empty open group. `block` holds the leaf hashes since the last complete block.
    pub(super) fn new(reached: Reached, block: Vec<Hash>) -> Self {
        let open = OpenGroup {
            chunks: ChunkWriter::new(reached.frontier.size(), block),
            reached,
            answers: Vec::new(),
            proofs: Vec::new(),
            outcomes: Vec::new(),
            bytes: 0,
            more_queued: false,
            requests: Requests::new(),
            requests_before: Requests::new(),
            end: None,
        };
        Self { open: OrderedMutex::new(open), filled: Condvar::new(), taken: Condvar::new() }
    }

    /// Waits until the open group is not full, for the writer. A commit that comes meanwhile is
    /// still in the queue, which chooses the next one. False after the end.
    pub(super) fn wait_for_room(&self) -> bool {
        let mut open = self.open.lock();
        while open.end.is_none() && open.is_full() {
            self.taken.wait(open.guard());
        }
        open.end.is_none()
    }

    /// Waits until the open group has room for a commit of so many bytes, for the writer. A large
    /// commit waits until the group is taken: the commits in the group must not wait for its flush.
    /// `None` after the end.
    pub(super) fn open(&self, bytes: usize) -> Option<OpenGuard<'_>> {
        let mut open = self.open.lock();
        while open.end.is_none() && !open.has_room(bytes) {
            open.more_queued = false;
            self.filled.notify_one();
            self.taken.wait(open.guard());
        }
        open.end.is_none().then_some(open)
    }

    /// Returns the open group after a commit. `more_queued` tells whether the writer's queue holds
    /// another one.
    pub(super) fn put_back(&self, mut open: OpenGuard<'_>, more_queued: bool) {
        open.more_queued = more_queued;
        let is_ready = open.is_ready();
        // A fair unlock hands the lock to a waiting flusher, which a busy writer would starve.
        MutexGuard::unlock_fair(open.into_guard());
        if is_ready {
            self.filled.notify_one();
        }
    }

    /// Waits until the open group is ready and takes it. `None` at the end.
    pub(super) fn take(&self) -> Option<SealedGroup> {
        let mut open = self.open.lock();
        while !open.is_ready() {
            if open.end.is_some() {
                return None;
            }
            self.filled.wait(open.guard());
        }
        let taken = open.take();
        self.taken.notify_one();
        Some(taken)
    }

    /// Ends the writer's side: no more commits are added.
    pub(super) fn close(&self) {
        self.end(End::Closed);
    }

    /// Ends both sides. Callers that wait learn that the outcome is unknown.
    pub(super) fn abandon(&self) {
        self.end(End::Abandoned);
    }

    fn end(&self, end: End) {
        let mut open = self.open.lock();
        if end == End::Abandoned {
            open.answers.clear();
            open.proofs.clear();
            open.outcomes.clear();
        }
        open.more_queued = false;
        open.end.get_or_insert(end);
        drop(open);
        self.filled.notify_one();
        self.taken.notify_one();
    }
}

impl OpenGroup {
    /// Adds the answer to the last decided commit, with its bytes. `reached` is the state after it,
    /// if it was recorded.
    pub(super) fn answer(&mut self, bytes: usize, answer: PendingReply, reached: Option<Reached>) {
        if let Some(reached) = reached {
            self.reached = reached;
            self.bytes += bytes;
        }
        self.answers.push(answer);
    }

    /// Adds the outcome of leaves from outside, with their bytes, as [`OpenGroup::answer`] does.
    pub(super) fn applied(
        &mut self,
        bytes: usize,
        outcome: PendingOutcome,
        reached: Option<Reached>,
    ) {
        if let Some(reached) = reached {
            self.reached = reached;
            self.bytes += bytes;
        }
        self.outcomes.push(outcome);
    }

    /// Adds the answer to a turn that records nothing.
    pub(super) fn prove(&mut self, proof: PendingProof) {
        self.proofs.push(proof);
    }

    /// The first answer to a request of this group or the one before.
    pub(super) fn request(&self, recorder: &Principal, id: &Bytes) -> Option<&FirstAnswer> {
        if self.requests.is_empty() && self.requests_before.is_empty() {
            return None;
        }
        let key = (recorder.clone(), id.clone());
        self.requests.get(&key).or_else(|| self.requests_before.get(&key))
    }

    /// Notes the first answer to a request.
    pub(super) fn note_request(&mut self, key: (Principal, Bytes), answer: FirstAnswer) {
        self.requests.insert(key, answer);
    }

    /// True if the next commit begins a group.
    pub(super) fn is_empty(&self) -> bool {
        self.answers.is_empty() && self.outcomes.is_empty()
    }

    fn is_ready(&self) -> bool {
        let is_worth_a_flush = self.bytes >= GROUP_READY_BYTES || self.is_full();
        let has_answers = !self.is_empty() || !self.proofs.is_empty();
        has_answers && (is_worth_a_flush || !self.more_queued)
    }

    fn has_room(&self, bytes: usize) -> bool {
        self.is_empty() || (!self.is_full() && self.bytes + bytes <= GROUP_BYTES_MAX)
    }

    fn is_full(&self) -> bool {
        self.bytes >= GROUP_BYTES_MAX || self.answers.len() >= GROUP_COMMITS_MAX
    }

    fn take(&mut self) -> SealedGroup {
        self.bytes = 0;
        self.requests_before = std::mem::take(&mut self.requests);
        let answers = std::mem::take(&mut self.answers);
        let proofs = std::mem::take(&mut self.proofs);
        let outcomes = std::mem::take(&mut self.outcomes);
        let (group, durable) = (self.chunks.finish(), self.reached.durable());
        let frontier = self.reached.frontier.clone();
        SealedGroup { group, durable, frontier, answers, proofs, outcomes }
    }
}
