//! The index of request ids: the position of each request, for ever. It keeps hashes and positions.
//! The id itself is in the log, so a hit is confirmed there.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use hashbrown::HashTable;

/// Hash of a request id, and the first position of its commit.
pub(super) type RequestKey = (u64, u64);

#[derive(Debug, Default)]
pub(super) struct RequestIndex {
    entries: HashTable<RequestKey>,
}

impl RequestIndex {
    pub(super) fn insert(&mut self, request_id: &[u8], first_position: u64) -> RequestKey {
        let key = (hash(request_id), first_position);
        self.entries.insert_unique(key.0, key, |(hash, _)| *hash);
        key
    }

    pub(super) fn remove(&mut self, key: RequestKey) {
        if let Ok(entry) = self.entries.find_entry(key.0, |known| *known == key) {
            entry.remove();
        }
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
