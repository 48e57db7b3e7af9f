//! A disk in memory and a log on it. It loses what was not synced, tears the last write, fails and
//! delays on command.
//!
//! Each append stops at a gate until the simulation has decided what becomes of it. What the log
//! writes is kept in the order of the real one: values one after the other, leaf hashes before the
//! chunk that completes them.

use std::{collections::BTreeMap, io, sync::Arc};

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};
use prost::Message as _;
use tidu::{
    ledger::place,
    log::{Appended, Chunk, CommitLog, DiskLow, FORMAT_SECOND, Group, HashBlock, LeafAt, LogError},
    merkle::Hash,
    protocol::leaf::Leaf,
};
use uuid::Uuid;

const HASHES_PER_BLOCK: u64 = 128;
const HASH_BYTES: usize = 32;

/// What is left of an append that did not return: whole values, and some bytes of the next one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kept {
    pub values: usize,
    pub torn: Option<usize>,
}

/// What becomes of the append at the gate.
#[derive(Clone, Copy, Debug)]
pub enum Verdict {
    Synced,
    Failed(Kept),
    MovedOn,
}

#[derive(Clone, Debug)]
enum Value {
    Chunk(u64, Bytes),
    Block(u64, Bytes),
    /// The format of the log. It goes before all others, and a torn one leaves the old.
    Format(Bytes),
}

impl Value {
    fn bytes(&self) -> &Bytes {
        match self {
            Self::Chunk(_, bytes) | Self::Block(_, bytes) | Self::Format(bytes) => bytes,
        }
    }

    fn cut(&self, length: usize) -> Self {
        match self {
            Self::Chunk(first, bytes) => Self::Chunk(*first, bytes.slice(..length)),
            Self::Block(first, bytes) => Self::Block(*first, bytes.slice(..length)),
            Self::Format(bytes) => Self::Format(bytes.slice(..length)),
        }
    }
}

#[derive(Clone, Debug, Default)]
struct State {
    /// The log id; `None` for the usual one.
    id: Option<Uuid>,
    epoch: u64,
    /// Names the copy of the log: see [`CommitLog::copy_id`].
    copy: u64,
    /// It has no room.
    is_full: bool,
    chunks: BTreeMap<u64, Bytes>,
    blocks: BTreeMap<u64, Bytes>,
    size: u64,
    format: u16,
    mark: Option<(u64, Hash)>,
    /// Number of the process that has the disk; a process that died has another one.
    life: u64,
    at_gate: Vec<Value>,
    verdict: Option<Verdict>,
}

/// What outlives a crash.
#[derive(Debug, Default)]
pub struct Disk {
    state: Mutex<State>,
    decided: Condvar,
}

/// What a start found.
pub struct Opened {
    pub log: SimulatedLog,
    /// The high-water mark.
    pub expected: Option<(u64, Hash)>,
    /// Values that were removed because they were torn or their commit was not complete.
    pub removed: usize,
}

impl Disk {
    /// The last end of a commit and of a chunk below the size of the log.
    pub fn end_below(&self) -> u64 {
        let chunks = self.chunks(0);
        let ends = chunks.iter().filter(|chunk| chunk.ends_commit()).map(Chunk::next);
        ends.filter(|end| *end < self.size()).last().unwrap_or(0)
    }

    /// A copy of what is below a size, which is the end of a commit and of a chunk.
    pub fn copy_below(&self, size: u64) -> Self {
        let mut state = self.state.lock().clone();
        state.chunks.retain(|first, _| *first < size);
        state.blocks.retain(|first, _| first + HASHES_PER_BLOCK <= size);
        (state.size, state.mark, state.verdict) = (size, None, None);
        state.at_gate.clear();
        Self { state: Mutex::new(state), decided: Condvar::new() }
    }

    /// Gives the log another id.
    pub fn rename(&self, id: Uuid) {
        self.state.lock().id = Some(id);
    }

    /// The epoch of the log.
    pub fn epoch(&self) -> u64 {
        self.state.lock().epoch
    }

    /// Gives the log another epoch.
    pub fn set_epoch(&self, epoch: u64) {
        self.state.lock().epoch = epoch;
    }

    /// Takes all room from the disk, or gives it back.
    pub fn fill(&self, is_full: bool) {
        self.state.lock().is_full = is_full;
    }

    /// Puts withheld places into the place of events, as a redaction does. Nobody has the disk.
    pub fn redact(&self, places: &BTreeMap<u64, (Bytes, Hash)>) {
        let mut state = self.state.lock();
        let mut chunks = BTreeMap::new();
        for (first, bytes) in &state.chunks {
            let chunk = Chunk::decode(*first, bytes.clone()).unwrap();
            let replaced = |leaf: &LeafAt| Ok(places.get(&leaf.position).cloned());
            let rewritten = place::rewritten(&chunk, replaced).unwrap();
            chunks.extend(rewritten.into_iter().map(|it| (it.first(), it.bytes().clone())));
        }
        state.chunks = chunks;
        state.format = state.format.max(FORMAT_SECOND);
        state.copy += 1;
    }

    /// The synced chunks from the one that holds a position.
    pub fn chunks(&self, from: u64) -> Vec<Chunk> {
        let state = self.state.lock();
        let start = state.chunks.range(..=from).next_back().map_or(from, |(first, _)| *first);
        let synced = state.chunks.range(start..state.size.max(start));
        synced.map(|(first, bytes)| Chunk::decode(*first, bytes.clone()).unwrap()).collect()
    }

    /// Number of synced events.
    pub fn size(&self) -> u64 {
        self.state.lock().size
    }

    pub fn mark(&self) -> Option<(u64, Hash)> {
        self.state.lock().mark
    }

    /// The format of the log.
    pub fn format(&self) -> u16 {
        self.state.lock().format
    }

    /// Lengths of the values of the append at the gate.
    pub fn at_gate(&self) -> Vec<usize> {
        self.state.lock().at_gate.iter().map(|value| value.bytes().len()).collect()
    }

    /// Lets the append at the gate go on.
    pub fn decide(&self, verdict: Verdict) {
        let mut state = self.state.lock();
        assert!(!state.at_gate.is_empty(), "nothing waits at the gate");
        state.verdict = Some(verdict);
        self.decided.notify_all();
    }

    /// Ends the process that has the disk; what it does from now on reaches the disk no more.
    pub fn crash(&self, kept: Kept) {
        let mut state = self.state.lock();
        let values = std::mem::take(&mut state.at_gate);
        state.keep(&values, kept);
        state.life += 1;
        state.verdict = None;
        self.decided.notify_all();
    }

    /// What a start does: drops a torn end and what follows the last complete commit. `tell` is
    /// called at the gate.
    pub fn open(self: &Arc<Self>, tell: impl Fn() + Send + Sync + 'static) -> Opened {
        let mut state = self.state.lock();
        let before = state.chunks.len() + state.blocks.len();
        let mut size = 0;
        let mut next = 0;
        for (first, bytes) in &state.chunks {
            let Ok(chunk) = Chunk::decode(*first, bytes.clone()) else { break };
            assert_eq!(chunk.first(), next, "a gap between chunks on the disk");
            assert!(needed(&chunk) <= state.format, "a leaf reached the disk before its format");
            next = chunk.next();
            if chunk.ends_commit() {
                size = next;
            }
        }
        state.chunks.retain(|first, _| *first < size);
        state.blocks.retain(|first, _| first + HASHES_PER_BLOCK <= size);
        state.size = size;
        state.life += 1;
        let removed = before - state.chunks.len() - state.blocks.len();
        let log = SimulatedLog {
            disk: Arc::clone(self),
            life: state.life,
            copy: state.copy,
            tell: Box::new(tell),
        };
        Opened { log, expected: state.mark, removed }
    }
}

impl State {
    fn put(&mut self, value: Value) {
        match value {
            Value::Chunk(first, bytes) => drop(self.chunks.insert(first, bytes)),
            Value::Block(first, bytes) => drop(self.blocks.insert(first, bytes)),
            Value::Format(bytes) => {
                let format = bytes.as_ref().try_into().map(u16::from_le_bytes);
                self.format = format.unwrap_or(self.format);
            }
        }
    }

    fn keep(&mut self, values: &[Value], kept: Kept) {
        values.iter().take(kept.values).for_each(|value| self.put(value.clone()));
        if let (Some(length), Some(value)) = (kept.torn, values.get(kept.values)) {
            self.put(value.cut(length));
        }
    }
}

/// The log of one process.
pub struct SimulatedLog {
    disk: Arc<Disk>,
    life: u64,
    copy: u64,
    tell: Box<dyn Fn() + Send + Sync>,
}

fn failure(kind: io::ErrorKind) -> LogError {
    LogError::Io { what: "append".to_owned(), source: kind.into() }
}

impl CommitLog for SimulatedLog {
    fn id(&self) -> Uuid {
        self.disk.state.lock().id.unwrap_or(Uuid::from_u128(0x51))
    }

    fn copy_id(&self) -> u64 {
        self.copy
    }

    fn reserve(&self, bytes: u64) -> Result<(), DiskLow> {
        self.low(bytes).map_or(Ok(()), Err)
    }

    fn low(&self, bytes: u64) -> Option<DiskLow> {
        let is_full = self.disk.state.lock().is_full;
        is_full.then_some(DiskLow { free: 0, reserve: 0, needed: bytes })
    }

    fn epoch(&self) -> u64 {
        self.disk.epoch()
    }

    fn raise_epoch(&self, epoch: u64, root: Hash) -> Result<(), LogError> {
        let mut state = self.disk.state.lock();
        (state.epoch, state.mark) = (epoch, Some((state.size, root)));
        Ok(())
    }

    fn size(&self) -> u64 {
        self.disk.size()
    }

    fn append(&self, base: u64, group: &Group) -> Result<Appended, LogError> {
        let mut state = self.disk.state.lock();
        let dead = || failure(io::ErrorKind::BrokenPipe);
        if state.life != self.life {
            return Err(dead());
        }
        if base != state.size {
            return Ok(Appended::MovedOn(state.size));
        }
        if group.chunks.is_empty() {
            return Ok(Appended::Durable(base));
        }
        state.at_gate = values(group, state.format);
        (self.tell)();
        while state.verdict.is_none() && state.life == self.life {
            self.disk.decided.wait(&mut state);
        }
        if state.life != self.life {
            return Err(dead());
        }
        let values = std::mem::take(&mut state.at_gate);
        match state.verdict.take() {
            Some(Verdict::Synced) => {
                state.keep(&values, Kept { values: values.len(), torn: None });
                state.size = group.chunks.last().map_or(base, Chunk::next);
                Ok(Appended::Durable(state.size))
            }
            Some(Verdict::MovedOn) => Ok(Appended::MovedOn(base + 1)),
            Some(Verdict::Failed(kept)) => {
                state.keep(&values, kept);
                Err(failure(io::ErrorKind::StorageFull))
            }
            None => Err(dead()),
        }
    }

    fn read(&self, from: u64, bytes: usize) -> Result<Vec<Chunk>, LogError> {
        let state = self.disk.state.lock();
        let (mut chunks, mut taken) = (Vec::new(), 0);
        if from >= state.size {
            return Ok(chunks);
        }
        let start = state.chunks.range(..=from).next_back().map_or(from, |(first, _)| *first);
        for (first, value) in state.chunks.range(start..state.size) {
            taken += value.len();
            chunks.push(Chunk::decode(*first, value.clone())?);
            if taken >= bytes {
                break;
            }
        }
        Ok(chunks)
    }

    fn hashes(&self, first: u64) -> Result<Option<HashBlock>, LogError> {
        let state = self.disk.state.lock();
        let Some(value) = state.blocks.get(&first) else { return Ok(None) };
        let (hashes, rest) = value.as_chunks::<HASH_BYTES>();
        assert!(rest.is_empty() && hashes.len() as u64 == HASHES_PER_BLOCK, "a torn block");
        Ok(Some(HashBlock { first, hashes: hashes.to_vec() }))
    }

    fn mark(&self, size: u64, root: Hash) -> Result<(), LogError> {
        let mut state = self.disk.state.lock();
        if state.life == self.life {
            assert!(size <= state.size, "a high-water mark ahead of the log");
            state.mark = Some((size, root));
        }
        Ok(())
    }
}

/// The format that the leaves of a chunk need, as far as salts and withheld places tell.
fn needed(chunk: &Chunk) -> u16 {
    let is_new = |leaf: LeafAt| {
        leaf.withheld || Leaf::decode(leaf.bytes).is_ok_and(|leaf| !leaf.salt.is_empty())
    };
    if chunk.leaves().any(is_new) { FORMAT_SECOND } else { 0 }
}

/// The values of a group, in the order in which they are written to a log of a format.
fn values(group: &Group, format: u16) -> Vec<Value> {
    let mut values = Vec::new();
    if group.format > format {
        values.push(Value::Format(Bytes::copy_from_slice(&group.format.to_le_bytes())));
    }
    let mut blocks = group.blocks.iter().peekable();
    for chunk in &group.chunks {
        while let Some(block) = blocks.next_if(|b| b.first + HASHES_PER_BLOCK <= chunk.next()) {
            values.push(Value::Block(block.first, Bytes::from(block.hashes.concat())));
        }
        values.push(Value::Chunk(chunk.first(), chunk.bytes().clone()));
    }
    values
}
