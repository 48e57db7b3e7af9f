//! The index of request ids: where a request was recorded, for ever. It keeps hashes and positions; the id itself stands
//! in the log, so a hit is confirmed there.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use hashbrown::HashTable;

#[derive(Debug, Default)]
pub(super) struct RequestIndex {
    /// Hash of the id, and position of the commit.
    entries: HashTable<(u64, u64)>,
}

impl RequestIndex {
    pub(super) fn insert(&mut self, request_id: &[u8], first_position: u64) {
        let hash = hash(request_id);
        self.entries.insert_unique(hash, (hash, first_position), |(hash, _)| *hash);
    }

    /// Positions of commits whose request id may be this one.
    pub(super) fn candidates(&self, request_id: &[u8]) -> impl Iterator<Item = u64> {
        let hash = hash(request_id);
        let same = self.entries.iter_hash(hash).filter(move |(h, _)| *h == hash);
        same.map(|(_, position)| *position)
    }
}

fn hash(request_id: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    request_id.hash(&mut hasher);
    hasher.finish()
}
