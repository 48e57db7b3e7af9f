//! The end of this node's part in a history: it takes no commits any more, for ever.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering},
};

use super::{AppendError, Durable, Failure, Ledger, place, run_blocking};
use crate::{
    handover::NodeName,
    limits::{HASHES_PER_BLOCK, REBUILD_BATCH_BYTES},
    log::{Chunk, CommitLog, FORMAT_HANDED_OVER, Group, LogError},
    merkle::{Frontier, Hash},
};

/// The epoch as a ledger knows it.
#[derive(Debug, Default)]
pub(super) struct Epoch {
    /// The node that has taken the log over, or is about to.
    successor: OnceLock<NodeName>,
    /// The highest epoch that was heard of.
    heard: AtomicU64,
}

impl Epoch {
    /// Refuses every commit once the log is handed over.
    pub(super) fn require_open(&self, epoch: u64) -> Result<(), AppendError> {
        match self.successor.get() {
            Some(successor) => {
                Err(AppendError::Retired { successor: successor.to_string(), epoch })
            }
            None => Ok(()),
        }
    }
}

impl Ledger {
    /// The epoch of the history, as far as this node knows.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.shared.log.epoch().max(self.shared.epoch.heard.load(Ordering::Relaxed))
    }

    /// Notes an epoch that was heard of.
    pub fn hear_epoch(&self, epoch: u64) {
        self.shared.epoch.heard.fetch_max(epoch, Ordering::Relaxed);
        self.shared.metrics.epoch.set(self.epoch());
    }

    /// The node that has taken the log over.
    #[must_use]
    pub fn successor(&self) -> Option<&NodeName> {
        self.shared.epoch.successor.get()
    }

    /// Records nothing from now on. A commit that is decided already becomes durable.
    pub fn retire(&self, successor: NodeName) {
        // The first one counts.
        let _ = self.shared.epoch.successor.set(successor);
    }

    /// Retires the ledger, and waits until everything that it will ever record is durable and below
    /// the mark. The log keeps older versions away then. Nothing tells the next start yet.
    ///
    /// # Errors
    /// The reason why it is unknown how far the log goes. The ledger records nothing all the same.
    pub async fn drain_to_hand_over(
        self: &Arc<Self>,
        successor: NodeName,
    ) -> Result<Durable, AppendError> {
        self.retire(successor);
        // The proof passes the writer after the last commit that it decided, and the flusher after
        // that has become durable.
        match self.prove_writable().await {
            Ok(()) | Err(AppendError::Retired { .. }) => {}
            Err(error) => return Err(error),
        }
        let ledger = Arc::clone(self);
        let written = run_blocking(move || ledger.fence());
        let fenced = written.await.map_err(|_| AppendError::Unknown)?;
        fenced.map_err(|error| {
            self.shared.fail(&Failure::of(&error));
            AppendError::Unknown
        })
    }

    /// Writes the mark of the whole log, and keeps versions away that know nothing of hand-overs.
    fn fence(&self) -> Result<Durable, LogError> {
        let durable = self.shared.written.lock().durable;
        keep_older_versions_away(&*self.shared.log)?;
        self.shared.log.mark(durable.size, durable.root)?;
        Ok(durable)
    }
}

/// Keeps versions away that know nothing of followers and hand-overs: they would record in a log
/// that is another node's.
///
/// # Errors
/// If it cannot be stored.
pub fn keep_older_versions_away(log: &dyn CommitLog) -> Result<(), LogError> {
    log.append(log.size(), &Group { format: FORMAT_HANDED_OVER, ..Group::default() }).map(drop)
}

/// The root that a log has at a size, from its stored leaf hashes, and from its leaves where there
/// are none; `None` if it is shorter.
///
/// # Errors
/// [`LogError::Damaged`] if it cannot be read.
pub fn root_at(log: &dyn CommitLog, size: u64) -> Result<Option<Hash>, LogError> {
    if size > log.size() {
        return Ok(None);
    }
    let mut frontier = Frontier::default();
    while frontier.size() + HASHES_PER_BLOCK as u64 <= size {
        let Some(block) = log.hashes(frontier.size())? else { break };
        block.hashes.into_iter().for_each(|hash| frontier.push(hash));
    }
    while frontier.size() < size {
        let from = frontier.size();
        let chunks = log.read(from, REBUILD_BATCH_BYTES)?;
        for leaf in chunks.iter().flat_map(Chunk::leaves) {
            if leaf.position == frontier.size() && leaf.position < size {
                frontier.push(place::leaf_hash(leaf.position, &leaf.as_frame())?);
            }
        }
        if frontier.size() == from {
            return Err(LogError::damaged(from, "the log ends before its size"));
        }
    }
    Ok(Some(frontier.root()))
}
