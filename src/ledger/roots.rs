//! Merkle roots at any size, for nodes that follow this one.
//!
//! The log keeps leaf hashes alone. The roots of its perfect subtrees of
//! [`ROOT_SUBTREE_EVENTS`] leaves are computed once and kept in memory, so a root costs one such
//! subtree at most.

use parking_lot::Mutex;

use super::{Durable, Ledger, ReadError, digest::StoredHashes};
use crate::{
    limits::ROOT_SUBTREE_EVENTS,
    log::LogError,
    merkle::{Frontier, Hash},
};

/// The roots of perfect subtrees from the beginning of the log on.
#[derive(Debug, Default)]
pub(super) struct Subtrees(Mutex<Vec<Hash>>);

impl Ledger {
    /// The Merkle root over the events below a size, which is at most the durable one. It may read
    /// the disk: run it on a thread that may block.
    ///
    /// # Errors
    /// [`ReadError`] if a leaf hash cannot be read.
    pub fn root_at(&self, size: u64) -> Result<Hash, ReadError> {
        let durable: Durable = self.durable();
        if durable.size == size {
            return Ok(durable.root);
        }
        let complete = size / ROOT_SUBTREE_EVENTS;
        let mut hashes = StoredHashes::of_log(&self.shared);
        let mut known = Frontier::default();
        for subtree in self.subtrees(complete, &mut hashes)? {
            known.push(subtree);
        }
        let known = known.subtrees().to_vec();
        // Both sizes have as many bits, so as many subtrees.
        let mut frontier = Frontier::of(complete * ROOT_SUBTREE_EVENTS, known).unwrap_or_default();
        for position in frontier.size()..size {
            frontier.push(hashes.of(position)?);
        }
        Ok(frontier.root())
    }

    /// The roots of the first subtrees.
    fn subtrees(&self, count: u64, hashes: &mut StoredHashes<'_>) -> Result<Vec<Hash>, LogError> {
        loop {
            let next = {
                let known = self.shared.subtrees.0.lock();
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                if let Some(found) = known.get(..count) {
                    return Ok(found.to_vec());
                }
                known.len()
            };
            let first = next as u64 * ROOT_SUBTREE_EVENTS;
            let mut subtree = Frontier::default();
            for position in first..first + ROOT_SUBTREE_EVENTS {
                subtree.push(hashes.of(position)?);
            }
            let mut known = self.shared.subtrees.0.lock();
            // Another thread may have added it meanwhile.
            if known.len() == next {
                known.push(subtree.root());
            }
        }
    }
}
