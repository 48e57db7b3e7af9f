//! Group commit: the flusher takes all commits that were decided while the previous group was on its way to the disk.
//!
//! The open group is between two threads. The writer adds commit after commit. The flusher takes the group once the one
//! before is durable and the writer's queue is empty, or once the group is large enough for a flush of its own. So the time
//! of one flush decides the size of a group, and no commit waits for others that have not been sent.

use std::collections::HashMap;

use bytes::Bytes;
use parking_lot::{Condvar, Mutex, MutexGuard};

use super::{Durable, Receipt, publish::Answer, state::State};
use crate::{
    limits::{GROUP_BYTES_MAX, GROUP_COMMITS_MAX, GROUP_READY_BYTES},
    log::{ChunkWriter, Group},
    merkle::{Frontier, Hash},
};

type Requests = HashMap<Bytes, (Hash, Receipt)>;

/// Where groups go from the writer to the flusher.
pub(super) struct GroupCommit {
    open: Mutex<OpenGroup>,
    /// Tells the flusher that there is something to take, or that nothing more will come.
    filled: Condvar,
    /// Tells the writer that there is room, or that nothing more is taken.
    taken: Condvar,
}

/// The open group.
pub(super) struct OpenGroup {
    pub(super) chunks: ChunkWriter,
    /// The state after the commit that was decided last.
    reached: Reached,
    answers: Vec<Answer>,
    bytes: usize,
    /// More commits wait for the writer.
    more_queued: bool,
    /// Requests of this group.
    requests: Requests,
    /// Those of the group before, which may not be durable yet.
    requests_before: Requests,
    end: Option<End>,
}

/// The parts of the state that become [`Durable`] with a group; its root is computed once, when the group is sealed.
pub(super) struct Reached {
    pub(super) frontier: Frontier,
    pub(super) designees: usize,
    pub(super) recorded_micros: Option<i64>,
}

impl Reached {
    pub(super) fn of(state: &State) -> Self {
        Self {
            frontier: state.frontier().clone(),
            designees: state.reader().read().designee_count(),
            recorded_micros: state.recorded_micros(),
        }
    }

    /// How far the log has come with it.
    pub(super) fn durable(&self) -> Durable {
        Durable {
            size: self.frontier.size(),
            root: self.frontier.root(),
            designees: self.designees,
            recorded_micros: self.recorded_micros,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// The writer adds nothing more; what is here is still taken.
    Closed,
    /// Nothing more is taken, and nobody gets an answer.
    Abandoned,
}

/// A group on its way to the disk.
pub(super) struct SealedGroup {
    pub(super) group: Group,
    /// How far the log has come when it is there.
    pub(super) durable: Durable,
    pub(super) answers: Vec<Answer>,
}

impl GroupCommit {
    /// An empty open group for a log that has reached this; `block` are the leaf hashes since the last complete block.
    pub(super) fn new(reached: Reached, block: Vec<Hash>) -> Self {
        let open = OpenGroup {
            chunks: ChunkWriter::new(reached.frontier.size(), block),
            reached,
            answers: Vec::new(),
            bytes: 0,
            more_queued: false,
            requests: Requests::new(),
            requests_before: Requests::new(),
            end: None,
        };
        Self { open: Mutex::new(open), filled: Condvar::new(), taken: Condvar::new() }
    }

    /// The open group, for the writer, as soon as it has room; none if nothing more is taken.
    pub(super) fn open(&self) -> Option<MutexGuard<'_, OpenGroup>> {
        let mut open = self.open.lock();
        while open.end.is_none() && open.is_full() {
            self.taken.wait(&mut open);
        }
        open.end.is_none().then_some(open)
    }

    /// The writer is done with a commit; `more_queued` says whether another one waits for it.
    pub(super) fn put_back(&self, mut open: MutexGuard<'_, OpenGroup>, more_queued: bool) {
        open.more_queued = more_queued;
        let is_ready = open.is_ready();
        // A flusher that waits for the lock gets it now; it would otherwise come late among many commits.
        MutexGuard::unlock_fair(open);
        if is_ready {
            self.filled.notify_one();
        }
    }

    /// Takes the open group as soon as it is ready; none at the end.
    pub(super) fn take(&self) -> Option<SealedGroup> {
        let mut open = self.open.lock();
        while !open.is_ready() {
            if open.end.is_some() {
                return None;
            }
            self.filled.wait(&mut open);
        }
        let taken = open.take();
        self.taken.notify_one();
        Some(taken)
    }

    /// The writer adds nothing more.
    pub(super) fn close(&self) {
        self.end(End::Closed);
    }

    /// Nothing more is taken; whoever waits for an answer learns that there is none.
    pub(super) fn abandon(&self) {
        self.end(End::Abandoned);
    }

    fn end(&self, end: End) {
        let mut open = self.open.lock();
        if end == End::Abandoned {
            open.answers.clear();
        }
        open.more_queued = false;
        open.end.get_or_insert(end);
        drop(open);
        self.filled.notify_one();
        self.taken.notify_one();
    }
}

impl OpenGroup {
    /// Adds the answer to the commit that was decided last, its bytes, and the state that it reached, if it changed it.
    pub(super) fn answer(&mut self, bytes: usize, answer: Answer, reached: Option<Reached>) {
        if let Some(reached) = reached {
            self.reached = reached;
        }
        self.bytes += bytes;
        self.answers.push(answer);
    }

    /// The first answer to a request that may not be durable yet, with the digest of its content.
    pub(super) fn request(&self, id: &Bytes) -> Option<&(Hash, Receipt)> {
        self.requests.get(id).or_else(|| self.requests_before.get(id))
    }

    /// Notes the first answer to a request.
    pub(super) fn note_request(&mut self, id: Bytes, digest: Hash, receipt: Receipt) {
        self.requests.insert(id, (digest, receipt));
    }

    fn is_ready(&self) -> bool {
        let is_worth_a_flush = self.bytes >= GROUP_READY_BYTES || self.is_full();
        !self.answers.is_empty() && (is_worth_a_flush || !self.more_queued)
    }

    fn is_full(&self) -> bool {
        self.bytes >= GROUP_BYTES_MAX || self.answers.len() >= GROUP_COMMITS_MAX
    }

    fn take(&mut self) -> SealedGroup {
        self.bytes = 0;
        self.requests_before = std::mem::take(&mut self.requests);
        let answers = std::mem::take(&mut self.answers);
        SealedGroup { group: self.chunks.finish(), durable: self.reached.durable(), answers }
    }
}
