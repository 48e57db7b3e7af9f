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

/// The roots of perfect subtrees from the beginning of the log on. Each is computed by one thread;
/// those that need it wait, and those that need known ones do not.
#[derive(Debug, Default)]
pub(super) struct Subtrees {
    /// Held while one root is computed. Taken before the other.
    turn: Mutex<()>,
    known: Mutex<Vec<Hash>>,
}

impl Subtrees {
    /// The first roots; computes those that are not known, by their numbers.
    fn first(
        &self,
        count: u64,
        mut compute: impl FnMut(u64) -> Result<Hash, LogError>,
    ) -> Result<Vec<Hash>, LogError> {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        loop {
            if let Some(found) = self.known.lock().get(..count) {
                return Ok(found.to_vec());
            }
            let _turn = self.turn.lock();
            let next = self.known.lock().len();
            // Another thread may have had its turn meanwhile.
            if next < count {
                let root = compute(next as u64)?;
                self.known.lock().push(root);
            }
        }
    }
}

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
        let subtrees = self.shared.subtrees.first(complete, |number| {
            let first = number * ROOT_SUBTREE_EVENTS;
            let mut subtree = Frontier::default();
            for position in first..first + ROOT_SUBTREE_EVENTS {
                subtree.push(hashes.of(position)?);
            }
            Ok(subtree.root())
        })?;
        for subtree in subtrees {
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
}

#[cfg(test)]
mod tests {
    use std::{
        iter,
        sync::{
            Barrier,
            atomic::{AtomicU64, Ordering},
        },
        thread,
    };

    use super::*;

    #[test]
    fn each_root_is_computed_once_however_many_ask_for_it() {
        const ROOTS: u64 = 8;
        let (subtrees, computed) = (Subtrees::default(), AtomicU64::new(0));
        let begin = Barrier::new(8);
        let compute = |number: u64| {
            computed.fetch_add(1, Ordering::Relaxed);
            // Long enough for the others to ask meanwhile.
            iter::repeat_n((), 50).for_each(|()| thread::yield_now());
            Ok([u8::try_from(number).unwrap(); 32])
        };
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    begin.wait();
                    let found = subtrees.first(ROOTS, compute).unwrap();
                    assert!(found.iter().map(|root| u64::from(root[0])).eq(0..ROOTS));
                });
            }
        });
        assert_eq!(computed.load(Ordering::Relaxed), ROOTS);
        let none = |_| Err(LogError::damaged(0, "not here"));
        assert_eq!(subtrees.first(2, none).unwrap().len(), 2, "known ones are read");
        assert!(subtrees.first(ROOTS + 1, none).is_err());
        let more = subtrees.first(ROOTS + 1, compute).unwrap();
        assert_eq!(more.len() as u64, ROOTS + 1, "after an error another one has its turn");
    }
}
