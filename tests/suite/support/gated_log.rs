//! A log whose appends wait until the test opens a gate.

use parking_lot::{Condvar, Mutex};
use tidu::{
    log::{Appended, Chunk, CommitLog, DiskLow, Group, HashBlock, LogError},
    merkle::Hash,
};
use uuid::Uuid;

use super::memory_log::MemoryLog;

/// A log whose appends wait at a gate.
#[derive(Default)]
pub struct GatedLog {
    inner: MemoryLog,
    open: Mutex<bool>,
    opened: Condvar,
}

impl GatedLog {
    /// Lets all appends through, from now on.
    pub fn open_gate(&self) {
        *self.open.lock() = true;
        self.opened.notify_all();
    }

    /// A gate before a log.
    pub fn before(inner: MemoryLog) -> Self {
        Self { inner, ..Self::default() }
    }
}

impl CommitLog for GatedLog {
    fn id(&self) -> Uuid {
        self.inner.id()
    }
    fn size(&self) -> u64 {
        self.inner.size()
    }
    fn append(&self, base: u64, group: &Group) -> Result<Appended, LogError> {
        let mut open = self.open.lock();
        while !*open {
            self.opened.wait(&mut open);
        }
        self.inner.append(base, group)
    }
    fn read(&self, from: u64, bytes: usize) -> Result<Vec<Chunk>, LogError> {
        self.inner.read(from, bytes)
    }
    fn hashes(&self, first: u64) -> Result<Option<HashBlock>, LogError> {
        self.inner.hashes(first)
    }
    fn mark(&self, size: u64, root: Hash) -> Result<(), LogError> {
        self.inner.mark(size, root)
    }
    fn reserve(&self, bytes: u64) -> Result<(), DiskLow> {
        self.inner.reserve(bytes)
    }
    fn low(&self, bytes: u64) -> Option<DiskLow> {
        self.inner.low(bytes)
    }
}
