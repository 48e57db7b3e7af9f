//! A log in memory, for tests of the floors above. It fails on command, and keeps its content as
//! long as there is a handle.

use std::{collections::BTreeMap, sync::Arc};

use parking_lot::Mutex;
use uuid::Uuid;

use tidu::{
    log::{Appended, Chunk, CommitLog, DiskLow, Group, HashBlock, LogError},
    merkle::Hash,
};

/// A log in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryLog {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    chunks: BTreeMap<u64, Chunk>,
    blocks: BTreeMap<u64, HashBlock>,
    size: u64,
    format: u16,
    mark: Option<(u64, Hash)>,
    fails: bool,
    /// Bytes for which the disk has room; `None` if they do not matter.
    room: Option<u64>,
}

impl MemoryLog {
    /// From now on every append fails, as a full disk would make it.
    pub fn fail(&self) {
        self.state.lock().fails = true;
    }

    /// From now on the disk has room for so many bytes, or for all.
    pub fn leave_room(&self, bytes: Option<u64>) {
        self.state.lock().room = bytes;
    }

    /// The log as the next process finds it.
    pub fn reopen(&self) -> Self {
        let mut state = self.state.lock();
        state.fails = false;
        drop(state);
        self.clone()
    }

    /// The format of the log.
    pub fn format(&self) -> u16 {
        self.state.lock().format
    }

    /// The high-water mark.
    pub fn marked(&self) -> Option<(u64, Hash)> {
        self.state.lock().mark
    }
}

impl CommitLog for MemoryLog {
    fn id(&self) -> Uuid {
        Uuid::nil()
    }

    fn size(&self) -> u64 {
        self.state.lock().size
    }

    fn append(&self, base: u64, group: &Group) -> Result<Appended, LogError> {
        let mut state = self.state.lock();
        if state.fails {
            let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
            return Err(LogError::Io { what: "append".to_owned(), source: full });
        }
        if base != state.size {
            return Ok(Appended::MovedOn(state.size));
        }
        state.format = state.format.max(group.format);
        for chunk in &group.chunks {
            state.size = chunk.next();
            state.chunks.insert(chunk.first(), chunk.clone());
        }
        for block in &group.blocks {
            state.blocks.insert(block.first, block.clone());
        }
        Ok(Appended::Durable(state.size))
    }

    fn read(&self, from: u64, bytes: usize) -> Result<Vec<Chunk>, LogError> {
        let state = self.state.lock();
        let mut chunks = Vec::new();
        let mut taken = 0;
        if from >= state.size {
            return Ok(chunks);
        }
        let start = state.chunks.range(..=from).next_back().map_or(from, |(first, _)| *first);
        for chunk in state.chunks.range(start..).map(|(_, chunk)| chunk) {
            taken += chunk.bytes().len();
            chunks.push(chunk.clone());
            if taken >= bytes {
                break;
            }
        }
        Ok(chunks)
    }

    fn hashes(&self, first: u64) -> Result<Option<HashBlock>, LogError> {
        Ok(self.state.lock().blocks.get(&first).cloned())
    }

    fn mark(&self, size: u64, root: Hash) -> Result<(), LogError> {
        self.state.lock().mark = Some((size, root));
        Ok(())
    }

    fn reserve(&self, bytes: u64) -> Result<(), DiskLow> {
        let free = self.state.lock().room.unwrap_or(u64::MAX);
        if bytes <= free { Ok(()) } else { Err(DiskLow { free, reserve: 0, needed: bytes }) }
    }

    fn low(&self, bytes: u64) -> Option<DiskLow> {
        self.reserve(bytes).err()
    }
}
