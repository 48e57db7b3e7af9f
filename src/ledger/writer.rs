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
    clock::RecordedTime,
    decide::decide,
    flusher,
    group::{GroupCommit, OpenGroup, Reached},
    place,
    publish::Published,
    queue::{Job, Queue},
    state::State,
};
use crate::{domain::fault::Faults, merkle::Hash, protocol::time};

type Reply = Result<Receipt, AppendError>;

struct Writer {
    shared: Arc<Shared>,
    groups: Arc<GroupCommit>,
    state: State,
    time: RecordedTime,
    salts: SaltSource,
}

/// Starts the writer, the flusher and its companions. They end once the queue is closed and empty.
pub(super) fn start(
    shared: &Arc<Shared>,
    (state, salts): (State, SaltSource),
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
        salts,
    };
    let (shared, queue) = (Arc::clone(shared), Arc::clone(queue));
    let run = move || {
        // A panic leaves the state in doubt, so nothing more is recorded.
        match catch_unwind(AssertUnwindSafe(|| writer.run(&queue))) {
            Ok(()) => groups.close(),
            Err(_) => {
                groups.abandon();
                shared.fail("the writer panicked");
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
        while let Some((Job { commit, bytes, reply }, room)) = queue.pop() {
            let Some(mut open) = groups.open() else { return };
            let before = self.state.size();
            let decided = self.answer(&mut open, commit);
            let reached = (self.state.size() > before).then(|| Reached::of(&self.state));
            open.answer(bytes, (reply, decided), reached);
            drop(room);
            groups.put_back(open, !queue.is_empty());
        }
    }

    /// Answers a repeated request with its first answer, and decides any other commit.
    fn answer(&mut self, open: &mut OpenGroup, commit: Commit) -> Reply {
        if let Some((id, digest)) = &commit.request
            && let Some((first_digest, first)) = self.find_request(open, id)?
        {
            if first_digest != *digest {
                let id = String::from_utf8_lossy(id).into_owned();
                return Err(AppendError::RequestReused { id, first: first.first });
            }
            return Ok(Receipt { replayed: true, warnings: Faults::of_commit(), ..first });
        }
        // The guard must be gone before the register is locked: see the lock order.
        let durable = self.shared.written.lock().size;
        self.state.settle(durable);
        let request = commit.request.clone();
        let next_instant = |last| self.time.next(last);
        let receipt = decide(
            &mut self.state,
            &self.shared.catalogues,
            &mut open.chunks,
            commit,
            next_instant,
            &mut self.salts,
        )?;
        if let (Some((id, digest)), Some(_)) = (request, receipt.recorded_micros) {
            open.note_request(id, digest, receipt.clone());
        }
        Ok(receipt)
    }

    /// The first answer to a request id, with the digest of its content. It comes from the groups
    /// that may not be durable yet, or else from the log.
    fn find_request(
        &self,
        open: &OpenGroup,
        id: &Bytes,
    ) -> Result<Option<(Hash, Receipt)>, AppendError> {
        if let Some(found) = open.request(id) {
            return Ok(Some(found.clone()));
        }
        let durable = self.shared.written.lock().size;
        for position in self.state.request_candidates(id).filter(|position| *position < durable) {
            let chunks = match self.shared.tail.read(position, 1) {
                Some(chunks) => chunks,
                None => self.shared.read_log(position, 1).map_err(|_| AppendError::Unknown)?,
            };
            let mut leaves = chunks.iter().flat_map(crate::log::Chunk::leaves);
            let found = leaves.find(|leaf| leaf.position == position);
            let leaf = found.and_then(|leaf| place::envelope(&leaf).ok());
            let Some(leaf) = leaf.filter(|leaf| leaf.request_id == *id) else { continue };
            let digest = leaf.request_digest.as_ref().try_into().unwrap_or([0; 32]);
            let size = leaf.commit.map_or(0, |commit| u64::from(commit.size));
            let receipt = Receipt {
                first: position,
                next: position + size,
                recorded_micros: leaf.recorded_time.as_ref().map(time::micros),
                replayed: true,
                warnings: Faults::of_commit(),
                rejections: Faults::of_commit(),
                changes: Vec::new(),
                change_count: 0,
            };
            return Ok(Some((digest, receipt)));
        }
        Ok(None)
    }
}
