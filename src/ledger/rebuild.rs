//! The start: reads the whole log, checks it, and rebuilds the state from it.

use std::{
    collections::BTreeMap,
    sync::{Arc, mpsc},
    thread,
};

use parking_lot::{Mutex, RwLock};

use super::{
    audit::UNLIKE_STORED,
    decoded::{self, Decoded},
    event_reader::{self, EventReader},
    place,
    state::State,
    withheld::NOT_ANNULLED,
};
use crate::{
    catalogue_files::CatalogueFiles,
    domain::{
        catalogue::{Catalogue, Catalogues},
        event::Event,
    },
    limits::{COMMIT_EVENTS_MAX, DECODERS_MAX, HASHES_PER_BLOCK, REBUILD_BATCH_BYTES},
    log::{Chunk, CommitLog, HashBlock, LeafAt, LogError},
    merkle::Hash,
    protocol::event,
    register::RulesBook,
};

/// Rebuilds the state from `log`. `expected` is a size and the root that the log must have there.
///
/// # Errors
/// [`LogError::Damaged`] if the log differs from the one that was written.
pub fn rebuild(
    log: &dyn CommitLog,
    files: &CatalogueFiles,
    rules: RulesBook,
    expected: Option<(u64, Hash)>,
) -> Result<(State, Catalogues), LogError> {
    let claims = Claims { expected, belief: Belief::StoredHashes, may_end_early: false };
    rebuild_telling(log, Begun::new(files, rules), claims, &mut |_, _| {})
}

/// The part that a replay believes without looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Belief {
    /// The stored leaf hashes: the root over them is compared, and a verification hashes anew.
    StoredHashes,
    /// Nothing: each leaf is hashed again, and compared with its stored hash.
    Nothing,
}

/// Requirements on a log, and how closely they are checked.
#[derive(Clone, Copy)]
pub(super) struct Claims {
    /// A size, and the root that the log must have there.
    pub(super) expected: Option<(u64, Hash)>,
    pub(super) belief: Belief,
    /// The log follows another one. An erased event may be here without the one that annuls it.
    pub(super) may_end_early: bool,
}

/// The beginning of a replay: the state at a size, and the catalogues adopted below it.
pub(super) struct Begun {
    pub(super) state: State,
    pub(super) reader: EventReader,
}

impl Begun {
    /// The beginning of a log.
    pub(super) fn new(files: &CatalogueFiles, rules: RulesBook) -> Self {
        let reader = EventReader::new(files.clone(), rules);
        Self { state: State::with_rules(rules), reader }
    }
}

/// As [`rebuild`], from the size of `begun` on: nothing below it is read. Calls `tell` after each
/// batch, with the position after it and its bytes.
///
/// One thread reads, some decode, and this one applies in order. An error anywhere ends all of
/// them.
///
/// The decoders use the catalogue adopted last in the batches applied so far. A batch that adopts
/// another one, or was decoded with an older one, is decoded again in order.
///
/// # Errors
/// [`LogError::Damaged`] if the log differs from the one that was written.
pub(super) fn rebuild_telling(
    log: &dyn CommitLog,
    begun: Begun,
    Claims { expected, belief, may_end_early }: Claims,
    tell: &mut dyn FnMut(u64, u64),
) -> Result<(State, Catalogues), LogError> {
    let Begun { state, mut reader } = begun;
    let first = state.size();
    let adopted = &RwLock::new(Arc::clone(reader.current()));
    let mut rebuilt = Rebuilt { state, first, open: Vec::new(), expected };
    rebuilt.check_root()?;
    let decoders = thread::available_parallelism().map_or(1, usize::from).min(DECODERS_MAX);
    thread::scope(|scope| {
        // Bounded, so that few batches are in memory at a time.
        let (give, take) = mpsc::sync_channel::<Batch>(decoders);
        let take = Arc::new(Mutex::new(take));
        let (put, decoded) = mpsc::sync_channel(decoders);
        let failed = put.clone();
        scope.spawn(move || {
            if let Err(error) = read_all(log, first, belief, &give) {
                // The receiver is gone only if an earlier error has ended this function.
                let _ = failed.send((READ_FAILED, Err(error)));
            }
        });
        for _ in 0..decoders {
            let (take, put) = (Arc::clone(&take), put.clone());
            scope.spawn(move || {
                while let Some(batch) = next(&take) {
                    let catalogue = Arc::clone(&adopted.read());
                    if put.send((batch.number, Ok(DecodedBatch::new(batch, catalogue)))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(put);
        // Once the decoders drop theirs, the other threads find their channels closed.
        drop(take);
        let mut waiting = BTreeMap::new();
        let mut number = 0;
        for (batch_number, batch) in &decoded {
            waiting.insert(batch_number, batch);
            while let Some(batch) = waiting.remove(&number) {
                number += 1;
                let batch = batch?;
                let bytes = batch.batch.bytes();
                let batch = batch.in_order(&mut reader)?;
                if !Arc::ptr_eq(reader.current(), &adopted.read()) {
                    *adopted.write() = Arc::clone(reader.current());
                }
                rebuilt.take(batch, &reader)?;
                tell(rebuilt.next(), bytes);
            }
        }
        // A read error comes last, after every batch that could be read.
        waiting.into_values().try_for_each(|batch| batch.map(drop))
    })?;
    let (found, size) = (rebuilt.next(), log.size());
    if found != size {
        return Err(LogError::damaged(found, "the log ends before its size"));
    }
    rebuilt.seal(reader.catalogues())?;
    match rebuilt.state.reader().read().first_withheld_in_force() {
        Some(position) if !may_end_early => Err(LogError::damaged(position, NOT_ANNULLED)),
        _ => Ok((rebuilt.state, Catalogues::clone(reader.catalogues()))),
    }
}

/// In place of a batch's number: reading failed. It sorts after every batch.
const READ_FAILED: u64 = u64::MAX;

/// Chunks that were read together.
struct Batch {
    number: u64,
    chunks: Vec<Chunk>,
    /// The stored leaf hashes of blocks that the chunks touch.
    blocks: Vec<HashBlock>,
    belief: Belief,
}

fn next(take: &Mutex<mpsc::Receiver<Batch>>) -> Option<Batch> {
    take.lock().recv().ok()
}

/// Reads the log in order, from a position on, and sends it in batches. Ends early, without an
/// error, when the receivers are gone.
fn read_all(
    log: &dyn CommitLog,
    first: u64,
    belief: Belief,
    give: &mpsc::SyncSender<Batch>,
) -> Result<(), LogError> {
    let (mut position, mut number, size) = (first, 0, log.size());
    let mut block: Option<HashBlock> = None;
    while position < size {
        let chunks = log.read(position, REBUILD_BATCH_BYTES)?;
        let Some(next) = chunks.last().map(Chunk::next) else {
            return Err(LogError::damaged(position, "the log ends before its size"));
        };
        let mut blocks: Vec<HashBlock> = block.take().into_iter().collect();
        let step = HASHES_PER_BLOCK as u64;
        for first in (position.next_multiple_of(step)..next).step_by(HASHES_PER_BLOCK) {
            blocks.extend(log.hashes(first)?);
        }
        // The last block may continue in the next batch.
        block = blocks.last().cloned();
        if give.send(Batch { number, chunks, blocks, belief }).is_err() {
            return Ok(());
        }
        (position, number) = (next, number + 1);
    }
    Ok(())
}

/// A batch that was decoded ahead of its turn.
struct DecodedBatch {
    batch: Batch,
    /// The catalogue that it was decoded with.
    catalogue: Arc<Catalogue>,
    /// True if it adopts another one.
    adopts: bool,
    events: Result<Vec<Decoded>, LogError>,
}

impl DecodedBatch {
    fn new(batch: Batch, catalogue: Arc<Catalogue>) -> Self {
        let mut adopts = false;
        let events = batch.decode(|position, body| {
            let event = event::stored_event(&catalogue, body)
                .map_err(|e| event_reader::unreadable(position, e))?;
            let adopted = event.fact.adopted_catalogue();
            adopts |= adopted.is_some_and(|sha256| *sha256 != catalogue.sha256);
            Ok(event)
        });
        Self { batch, catalogue, adopts, events }
    }

    /// Its events, read with the catalogues that count for them.
    fn in_order(self, reader: &mut EventReader) -> Result<Vec<Decoded>, LogError> {
        if !self.adopts && Arc::ptr_eq(&self.catalogue, reader.current()) {
            return self.events;
        }
        self.batch.decode(|position, body| reader.read(position, body))
    }
}

impl Batch {
    fn bytes(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.bytes().len() as u64).sum()
    }

    fn decode(
        &self,
        mut read: impl FnMut(u64, &[u8]) -> Result<Event, LogError>,
    ) -> Result<Vec<Decoded>, LogError> {
        let count: u64 = self.chunks.iter().map(|chunk| chunk.next() - chunk.first()).sum();
        // Events are large, and a list that grows would copy them again and again.
        let mut events = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
        for chunk in &self.chunks {
            let mut next = chunk.first();
            for found in chunk.leaves() {
                events.push(Decoded::of(&found, self.leaf_hash(&found)?, &mut read)?);
                next = found.position + 1;
            }
            if next != chunk.next() {
                let detail = "a chunk holds fewer events than its header states";
                return Err(LogError::damaged(next, detail));
            }
        }
        Ok(events)
    }

    /// The hash of a leaf: the stored one, if that is believed.
    fn leaf_hash(&self, found: &LeafAt) -> Result<Hash, LogError> {
        let (position, stored) = (found.position, self.stored_hash(found.position));
        if let (Some(stored), Belief::StoredHashes) = (stored, self.belief) {
            return Ok(stored);
        }
        let hash = place::leaf_hash(position, &found.as_frame())?;
        if stored.is_some_and(|stored| stored != hash) {
            return Err(LogError::damaged(position, UNLIKE_STORED));
        }
        Ok(hash)
    }

    fn stored_hash(&self, position: u64) -> Option<Hash> {
        let place = usize::try_from(position % HASHES_PER_BLOCK as u64).ok()?;
        let first = position - position % HASHES_PER_BLOCK as u64;
        let block = self.blocks.iter().find(|block| block.first == first)?;
        block.hashes.get(place).copied()
    }
}

/// A state being rebuilt, commit after commit.
///
/// The commits only say how many events are applied at a time. An envelope with an odd commit is
/// no reason to refuse a log: the chunks have checksums, the mark has the root, and `verify` checks
/// envelopes. So a commit also ends at the limit, before a request id, at the size of the mark, and
/// at the end of the log.
struct Rebuilt {
    state: State,
    /// The size that it began with. The chunk that holds the next event may begin before it.
    first: u64,
    /// The events so far of the commit that is being read.
    open: Vec<Decoded>,
    /// A size, and the root that the log must have there.
    expected: Option<(u64, Hash)>,
}

impl Rebuilt {
    /// The position of the next event.
    fn next(&self) -> u64 {
        self.state.size() + self.open.len() as u64
    }

    fn take(&mut self, batch: Vec<Decoded>, reader: &EventReader) -> Result<(), LogError> {
        self.state.prefetch(batch.iter().filter_map(Decoded::event));
        let first = self.first;
        for event in batch.into_iter().filter(|event| event.position >= first) {
            if let Some(event) = event.event() {
                reader.require_known_rules(event)?;
            }
            self.add(event, reader.catalogues())?;
        }
        Ok(())
    }

    fn add(&mut self, decoded: Decoded, catalogues: &Catalogues) -> Result<(), LogError> {
        let position = decoded.position;
        if position != self.next() {
            let detail = "an event has the position of another one";
            return Err(LogError::damaged(position, detail));
        }
        if !decoded.request_id.is_empty() {
            self.seal(catalogues)?;
        }
        let ends_commit = decoded.ends_commit;
        self.open.push(decoded);
        let is_marked = self.expected.is_some_and(|(size, _)| size == self.next());
        if ends_commit || is_marked || self.open.len() >= COMMIT_EVENTS_MAX {
            return self.seal(catalogues);
        }
        Ok(())
    }

    /// Applies the open commit, if it has any events.
    fn seal(&mut self, catalogues: &Catalogues) -> Result<(), LogError> {
        if self.open.is_empty() {
            return Ok(());
        }
        decoded::seal_commit(&mut self.state, &self.open, catalogues)?;
        self.state.settle(self.state.size());
        self.open.clear();
        self.check_root()
    }

    fn check_root(&self) -> Result<(), LogError> {
        let frontier = self.state.frontier();
        match self.expected {
            Some((size, root)) if size == frontier.size() && root != frontier.root() => {
                let detail = "the Merkle root differs from the high-water mark";
                Err(LogError::damaged(size, detail))
            }
            _ => Ok(()),
        }
    }
}
