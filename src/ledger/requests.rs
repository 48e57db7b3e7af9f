//! The index of request ids: the position of each request, for ever. It keeps hashes and positions.
//! The id itself is in the log, so a hit is confirmed there.
//!
//! An id belongs to the principal that records with it: another's id is as unused. A place whose
//! content was erased has lost its recorder, so its id answers whoever repeats its very content,
//! and counts as used for callers without an identity.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

use bytes::Bytes;
use hashbrown::HashTable;
use parking_lot::Mutex;

use super::{AppendError, Receipt, Shared, place};
use crate::{
    domain::{Principal, fault::Faults},
    log::Chunk,
    merkle::Hash,
    protocol::time,
    register::Pages,
};

/// The first answer to a request id, which later ones repeat.
#[derive(Clone, Debug)]
pub(super) struct FirstAnswer {
    /// The digest of its content.
    pub(super) digest: Hash,
    pub(super) receipt: Receipt,
}

impl FirstAnswer {
    /// The answer to another request with this id.
    ///
    /// # Errors
    /// [`AppendError::RequestReused`] if it has other content.
    pub(super) fn replay(self, id: &[u8], digest: &Hash) -> Result<Receipt, AppendError> {
        if self.digest != *digest {
            let id = String::from_utf8_lossy(id).into_owned();
            return Err(AppendError::RequestReused { id, first: self.receipt.first });
        }
        Ok(Receipt { replayed: true, warnings: Faults::of_commit(), ..self.receipt })
    }
}

impl Shared {
    /// The first answer to a request of a principal, if the log has it below a durable size.
    pub(super) fn find_recorded(
        &self,
        recorder: &Principal,
        (id, asked): &(Bytes, Hash),
        durable: u64,
    ) -> Result<Option<FirstAnswer>, AppendError> {
        let own = self.requests.candidates(recorder.name(), id);
        for position in own.into_iter().chain(self.requests.candidates(&[], id)) {
            if position >= durable {
                continue;
            }
            let chunks = match self.tail.read(position, 1) {
                Some(chunks) => chunks,
                None => self.read_log(position, 1).map_err(|_| AppendError::Unknown)?,
            };
            let mut leaves = chunks.iter().flat_map(Chunk::leaves);
            let found = leaves.find(|leaf| leaf.position == position);
            let leaf = found.and_then(|leaf| place::envelope(&leaf).ok());
            let Some(leaf) = leaf.filter(|leaf| leaf.request_id == *id) else { continue };
            let digest = leaf.request_digest.as_ref().try_into().unwrap_or([0; 32]);
            let is_own = leaf.recorded_by == *recorder.name();
            let is_erased = leaf.recorded_by.is_empty();
            if !is_own && !(is_erased && (digest == *asked || *recorder == Principal::ANONYMOUS)) {
                continue;
            }
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
            return Ok(Some(FirstAnswer { digest, receipt }));
        }
        Ok(None)
    }
}

/// Hash of a recorder and a request id, and the first position of its commit.
pub(super) type RequestKey = (u64, u64);

/// The index, shared by the writer, which changes it, and by trials. It may be ahead of the durable
/// size.
#[derive(Clone, Debug, Default)]
pub(super) struct RequestIndex {
    entries: Arc<Mutex<Entries>>,
}

#[derive(Debug, Default)]
struct Entries {
    /// In the order of their positions.
    keys: Pages<RequestKey>,
    /// The places of the keys, by their hashes.
    places: HashTable<u32>,
}

impl Entries {
    fn push(&mut self, key: RequestKey) {
        let Self { keys, places } = self;
        // There are fewer requests than events, whose positions fit.
        let place = u32::try_from(keys.len()).unwrap_or(u32::MAX);
        keys.push(key);
        places
            .insert_unique(key.0, place, |place| key_at(keys, *place).map_or(0, |(hash, _)| hash));
    }

    /// Removes the key that was added last, if it is this one.
    fn pop(&mut self, key: RequestKey) {
        let Some(last) = self.keys.len().checked_sub(1) else { return };
        if self.keys.get(last) != Some(&key) {
            return;
        }
        self.keys.pop();
        if let Ok(entry) = self.places.find_entry(key.0, |place| *place as usize == last) {
            entry.remove();
        }
    }
}

fn key_at(keys: &Pages<RequestKey>, place: u32) -> Option<RequestKey> {
    keys.get(place as usize).copied()
}

impl RequestIndex {
    pub(super) fn insert(
        &self,
        recorder: &[u8],
        request_id: &[u8],
        first_position: u64,
    ) -> RequestKey {
        let key = (hash(recorder, request_id), first_position);
        self.entries.lock().push(key);
        key
    }

    /// Removes the key that was added last.
    pub(super) fn remove_last(&self, key: RequestKey) {
        self.entries.lock().pop(key);
    }

    /// The index with these keys, in the order of their positions.
    pub(super) fn of_keys(keys: impl ExactSizeIterator<Item = RequestKey>) -> Self {
        let places = HashTable::with_capacity(keys.len());
        let mut entries = Entries { keys: Pages::default(), places };
        keys.for_each(|key| entries.push(key));
        Self { entries: Arc::new(Mutex::new(entries)) }
    }

    /// The keys from a place on whose positions lie below a size, at most so many.
    pub(super) fn keys_below(&self, size: u64, from: usize, most: usize) -> Vec<RequestKey> {
        let entries = self.entries.lock();
        let keys = (from..from + most).map_while(|place| entries.keys.get(place));
        keys.take_while(|(_, position)| *position < size).copied().collect()
    }

    /// Positions of commits of a recorder whose request id may be this one.
    pub(super) fn candidates(&self, recorder: &[u8], request_id: &[u8]) -> Vec<u64> {
        let hash = hash(recorder, request_id);
        let entries = self.entries.lock();
        let same = entries.places.iter_hash(hash);
        let same = same.filter_map(|place| key_at(&entries.keys, *place));
        same.filter(|(known, _)| *known == hash).map(|(_, position)| position).collect()
    }
}

fn hash(recorder: &[u8], request_id: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    recorder.hash(&mut hasher);
    request_id.hash(&mut hasher);
    hasher.finish()
}
