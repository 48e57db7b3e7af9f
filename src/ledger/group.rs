//! The open group: what the writer has decided and the flusher has not taken yet.
//!
//! It stands between the two threads. The writer adds commit after commit; the flusher takes all of it as soon as the group
//! before is durable and the writer has come to the end of its queue. So a group is as large as the time of one flush makes
//! it, and no commit waits for others that have not been sent. A group that is worth a flush of its own is taken even
//! though more commits wait.

use std::collections::HashMap;

use bytes::Bytes;
use parking_lot::{Condvar, Mutex, MutexGuard};

use super::{Durable, Receipt, publish::Answer};
use crate::{
    limits::{GROUP_BYTES_MAX, GROUP_COMMITS_MAX, GROUP_READY_BYTES},
    log::{ChunkWriter, Group},
    merkle::{Frontier, Hash},
};

type Requests = HashMap<Bytes, (Hash, Receipt)>;

/// Where groups go from the writer to the flusher.
pub(super) struct Handover {
    open: Mutex<Open>,
    /// Tells the flusher that there is something to take, or that nothing more will come.
    filled: Condvar,
    /// Tells the writer that there is room, or that nothing more is taken.
    taken: Condvar,
}

/// The open group, and how far the log will have come with it.
pub(super) struct Open {
    pub(super) chunks: ChunkWriter,
    pub(super) frontier: Frontier,
    pub(super) designees: usize,
    pub(super) recorded_micros: Option<i64>,
    answers: Vec<Answer>,
    bytes: usize,
    /// More commits wait for the writer.
    grows: bool,
    /// Requests of this group.
    requests: Requests,
    /// Those of the group before, which may not be durable yet.
    requests_before: Requests,
    end: Option<End>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// The writer adds nothing more; what is here is still taken.
    Closed,
    /// Nothing more is taken, and nobody gets an answer.
    Abandoned,
}

/// A group on its way to the disk.
pub(super) struct Taken {
    pub(super) group: Group,
    /// How far the log has come when it is there.
    pub(super) durable: Durable,
    pub(super) answers: Vec<Answer>,
}

impl Handover {
    /// A handover for a log that has come so far; `block` are the leaf hashes since the last complete block.
    pub(super) fn new(durable: &Durable, frontier: Frontier, block: Vec<Hash>) -> Self {
        let open = Open {
            chunks: ChunkWriter::new(frontier.size(), block),
            frontier,
            designees: durable.designees,
            recorded_micros: durable.recorded_micros,
            answers: Vec::new(),
            bytes: 0,
            grows: false,
            requests: Requests::new(),
            requests_before: Requests::new(),
            end: None,
        };
        Self { open: Mutex::new(open), filled: Condvar::new(), taken: Condvar::new() }
    }

    /// The open group, for the writer, as soon as it has room; none if nothing more is taken.
    pub(super) fn open(&self) -> Option<MutexGuard<'_, Open>> {
        let mut open = self.open.lock();
        while open.end.is_none() && open.is_full() {
            self.taken.wait(&mut open);
        }
        open.end.is_none().then_some(open)
    }

    /// The writer is done with a commit; `grows` says whether another one waits for it.
    pub(super) fn put_back(&self, mut open: MutexGuard<'_, Open>, grows: bool) {
        open.grows = grows;
        let is_ready = open.is_ready();
        // A flusher that waits for the lock gets it now; it would otherwise come late among many commits.
        MutexGuard::unlock_fair(open);
        if is_ready {
            self.filled.notify_one();
        }
    }

    /// Takes the open group as soon as it is ready; none at the end.
    pub(super) fn take(&self) -> Option<Taken> {
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
        open.grows = false;
        open.end.get_or_insert(end);
        drop(open);
        self.filled.notify_one();
        self.taken.notify_one();
    }
}

impl Open {
    /// The answer to the commit that was decided last, which has so many bytes.
    pub(super) fn answer(&mut self, bytes: usize, answer: Answer) {
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
        !self.answers.is_empty() && (is_worth_a_flush || !self.grows)
    }

    fn is_full(&self) -> bool {
        self.bytes >= GROUP_BYTES_MAX || self.answers.len() >= GROUP_COMMITS_MAX
    }

    fn take(&mut self) -> Taken {
        self.bytes = 0;
        self.requests_before = std::mem::take(&mut self.requests);
        let durable = Durable {
            size: self.frontier.size(),
            root: self.frontier.root(),
            designees: self.designees,
            recorded_micros: self.recorded_micros,
        };
        let answers = std::mem::take(&mut self.answers);
        Taken { group: self.chunks.finish(), durable, answers }
    }
}
