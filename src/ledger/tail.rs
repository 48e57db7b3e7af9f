//! Cache of the newest chunks, shared by all streams that are near the end of the log.

use std::collections::VecDeque;

use parking_lot::RwLock;

use crate::{limits::TAIL_CACHE_BYTES, log::Chunk};

#[derive(Debug, Default)]
pub(super) struct TailCache {
    newest: RwLock<(VecDeque<Chunk>, usize)>,
}

impl TailCache {
    /// Adds chunks, which must follow those in the cache.
    pub(super) fn push(&self, chunks: Vec<Chunk>) {
        let mut newest = self.newest.write();
        for chunk in chunks {
            newest.1 += chunk.bytes().len();
            newest.0.push_back(chunk);
        }
        while newest.1 > TAIL_CACHE_BYTES {
            let Some(oldest) = newest.0.pop_front() else { return };
            newest.1 -= oldest.bytes().len();
        }
    }

    /// Chunks from the one with `from` on, until their bytes reach `bytes`; `None` if it is not
    /// cached.
    pub(super) fn read(&self, from: u64, bytes: usize) -> Option<Vec<Chunk>> {
        let newest = self.newest.read();
        let (chunks, _) = &*newest;
        if chunks.front().is_none_or(|oldest| from < oldest.first()) {
            return None;
        }
        let start = chunks.partition_point(|chunk| chunk.next() <= from);
        let mut taken = 0;
        let mut found = Vec::new();
        for chunk in chunks.range(start..) {
            taken += chunk.bytes().len();
            found.push(chunk.clone());
            if taken >= bytes {
                break;
            }
        }
        (!found.is_empty()).then_some(found)
    }
}
