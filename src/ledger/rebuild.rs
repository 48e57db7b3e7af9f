//! The start: reads the whole log, checks it, and rebuilds everything that follows from it.

use super::{DecodeEvent, leaf, leaf::Leaf, requests::RequestIndex};
use crate::{
    domain::limits::{HASHES_PER_BLOCK, RESPONSE_BYTES_MAX},
    log::{CommitLog, Frontier, Hash, HashBlock, LogError, merkle},
    register::Register,
};

/// What follows from a log.
pub(super) struct Rebuilt {
    pub(super) register: Register,
    pub(super) frontier: Frontier,
    /// Leaf hashes since the last complete block.
    pub(super) block: Vec<Hash>,
    pub(super) requests: RequestIndex,
    pub(super) recorded_micros: Option<i64>,
}

/// Reads `log` from the beginning. `expected` is a size and root that it must have had.
pub(super) fn rebuild(
    log: &dyn CommitLog,
    decode: &DecodeEvent,
    expected: Option<(u64, Hash)>,
) -> Result<Rebuilt, LogError> {
    let mut rebuilt = Rebuilt {
        register: Register::default(),
        frontier: Frontier::default(),
        block: Vec::new(),
        requests: RequestIndex::default(),
        recorded_micros: None,
    };
    rebuilt.check_root(expected)?;
    let mut stored: Option<HashBlock> = None;
    let size = log.size();
    while rebuilt.frontier.size() < size {
        let chunks = log.read(rebuilt.frontier.size(), RESPONSE_BYTES_MAX)?;
        if chunks.is_empty() {
            return Err(LogError::damaged(rebuilt.frontier.size(), "the log ends before its size"));
        }
        for chunk in chunks {
            for found in chunk.leaves() {
                let position = found.position;
                if position.is_multiple_of(HASHES_PER_BLOCK as u64) {
                    stored = log.hashes(position)?;
                }
                let place = usize::try_from(position % HASHES_PER_BLOCK as u64).unwrap_or(0);
                let hash = stored.as_ref().and_then(|block| block.hashes.get(place)).copied();
                rebuilt.add(position, &found.bytes, hash, decode)?;
                rebuilt.check_root(expected)?;
            }
            if rebuilt.frontier.size() != chunk.next() {
                let detail = "a chunk holds fewer events than it says";
                return Err(LogError::damaged(rebuilt.frontier.size(), detail));
            }
        }
    }
    rebuilt.register.keep();
    Ok(rebuilt)
}

impl Rebuilt {
    fn add(
        &mut self,
        position: u64,
        bytes: &bytes::Bytes,
        hash: Option<Hash>,
        decode: &DecodeEvent,
    ) -> Result<(), LogError> {
        let unreadable = |detail: String| LogError::damaged(position, detail);
        let leaf: Leaf =
            prost::Message::decode(bytes.clone()).map_err(|e| unreadable(e.to_string()))?;
        if leaf.position != Some(position) || position != self.frontier.size() {
            return Err(unreadable("an event stands in another one's place".to_owned()));
        }
        let event = decode(&leaf.event).map_err(unreadable)?;
        self.register.apply(&event);
        self.register.keep();
        if !leaf.request_id.is_empty() {
            self.requests.insert(&leaf.request_id, position);
        }
        self.recorded_micros = leaf.recorded_time.as_ref().map(leaf::micros);
        let hash = hash.unwrap_or_else(|| merkle::leaf_hash(bytes));
        self.frontier.push(hash);
        self.block.push(hash);
        if self.block.len() == HASHES_PER_BLOCK {
            self.block.clear();
        }
        Ok(())
    }

    fn check_root(&self, expected: Option<(u64, Hash)>) -> Result<(), LogError> {
        match expected {
            Some((size, root)) if size == self.frontier.size() && root != self.frontier.root() => {
                let detail = "the Merkle root differs from the high-water mark";
                Err(LogError::damaged(size, detail))
            }
            _ => Ok(()),
        }
    }
}
