//! Digests: a hash chain over the leaf hashes of matching events, to compare a copy with the log.
//!
//! `d' = SHA-256(d ‖ leaf hash)`, beginning with 32 zero bytes. A stream computes it over the bytes
//! that it sends, a query over the stored leaf hashes, so the two are independent.

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::{Ledger, Pace, ReadError, Shared, place};
use crate::{
    limits::{
        DIGEST_MATCHES_MAX, DIGEST_SCAN_EVENTS_MAX, DIGEST_STEP_EVENTS, HASHES_PER_BLOCK,
        STREAM_SCAN_EVENTS_MAX,
    },
    log::{HashBlock, LogError, chunk::Leaves},
    merkle::{self, Hash},
    register::{Interest, Sight},
};

/// A digest that is being continued.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunningDigest(pub Hash);

impl RunningDigest {
    /// Adds the leaf hash of the next event.
    pub fn add(&mut self, leaf: &Hash) {
        let mut next = Sha256::new();
        next.update(self.0);
        next.update(leaf);
        self.0 = next.finalize().into();
    }

    /// Adds the leaves of a run, as they are sent. It holds no withheld place.
    pub fn add_run(&mut self, run: &Bytes) {
        Leaves::of(run.clone()).for_each(|leaf| self.add(&merkle::leaf_hash(&leaf.bytes)));
    }
}

/// The progress of a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digested {
    /// The digest of the matching events below `next`.
    pub digest: RunningDigest,
    /// The position to continue at.
    pub next: u64,
    /// Events that were added.
    pub events: u64,
}

impl Ledger {
    /// Continues a digest over the matching events of `from..to`, also those that the caller may
    /// not read, unless they are hidden; stops early at the bounds of one
    /// call. `to` is at most the durable size. It reads the disk: run it on a thread that may
    /// block.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn digest(
        &self,
        wanted: (&Interest, &Sight),
        from: u64,
        to: u64,
        digest: RunningDigest,
        pace: &mut impl Pace,
    ) -> Result<Digested, ReadError> {
        let mut so_far = Digested { digest, next: from, events: 0 };
        let mut hashes = StoredHashes::of_log(&self.shared);
        let last = to.min(from.saturating_add(DIGEST_SCAN_EVENTS_MAX));
        while so_far.next < last && so_far.events < DIGEST_MATCHES_MAX {
            let upto = last.min(so_far.next + STREAM_SCAN_EVENTS_MAX);
            let (positions, next) =
                self.matching_for(wanted, so_far.next, upto, DIGEST_STEP_EVENTS);
            for position in &positions {
                so_far.digest.add(&hashes.of(*position)?);
            }
            so_far.next = next;
            so_far.events += positions.len() as u64;
            pace.step()?;
        }
        Ok(so_far)
    }
}

/// Stored leaf hashes; behind the last complete block they are computed from the leaves.
pub(super) struct StoredHashes<'a> {
    shared: &'a Shared,
    block: Option<HashBlock>,
}

impl<'a> StoredHashes<'a> {
    pub(super) fn of_log(shared: &'a Shared) -> Self {
        Self { shared, block: None }
    }

    /// The hash of the leaf at a position.
    pub(super) fn of(&mut self, position: u64) -> Result<Hash, LogError> {
        let place = position % HASHES_PER_BLOCK as u64;
        let first = position - place;
        if self.block.as_ref().is_none_or(|block| block.first != first) {
            let failed = |error: &LogError| self.shared.fail(&super::Failure::of(error));
            self.block = match self.shared.log.hashes(first).inspect_err(failed)? {
                Some(block) => Some(block),
                None => Some(self.incomplete(first)?),
            };
        }
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        let found = self.block.as_ref().and_then(|block| block.hashes.get(place));
        found.copied().ok_or_else(|| LogError::damaged(position, "its leaf hash is missing"))
    }

    /// The hashes of the last, incomplete block.
    fn incomplete(&self, first: u64) -> Result<HashBlock, LogError> {
        let mut hashes = Vec::with_capacity(HASHES_PER_BLOCK);
        let (mut at, end) = (first, first + HASHES_PER_BLOCK as u64);
        while at < end {
            let chunks = self.shared.read_log(at, 1)?;
            let Some(chunk) = chunks.first() else { break };
            let leaves = chunk.leaves().filter(|leaf| (at..end).contains(&leaf.position));
            for leaf in leaves {
                hashes.push(place::leaf_hash(leaf.position, &leaf.as_frame())?);
            }
            at = chunk.next();
        }
        Ok(HashBlock { first, hashes })
    }
}
