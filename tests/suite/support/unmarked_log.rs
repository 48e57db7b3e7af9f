//! A log whose high-water mark cannot be written, on a disk whose numbers a test knows.

use tidu::{
    log::{Appended, Chunk, CommitLog, Disk, Group, HashBlock, LogError},
    merkle::Hash,
};
use uuid::Uuid;

use super::memory_log::MemoryLog;

/// A log whose high-water mark meets a full disk.
#[derive(Default)]
pub struct UnmarkedLog(MemoryLog);

impl CommitLog for UnmarkedLog {
    fn id(&self) -> Uuid {
        self.0.id()
    }
    fn size(&self) -> u64 {
        self.0.size()
    }
    fn append(&self, base: u64, group: &Group) -> Result<Appended, LogError> {
        self.0.append(base, group)
    }
    fn read(&self, from: u64, bytes: usize) -> Result<Vec<Chunk>, LogError> {
        self.0.read(from, bytes)
    }
    fn hashes(&self, first: u64) -> Result<Option<HashBlock>, LogError> {
        self.0.hashes(first)
    }
    fn mark(&self, _: u64, _: Hash) -> Result<(), LogError> {
        let source = std::io::ErrorKind::StorageFull.into();
        Err(LogError::Io { what: "write the high-water mark".to_owned(), source })
    }
    fn disk(&self) -> Option<Disk> {
        Some(Disk { free: 7, reserve: 8, used: 9 })
    }
}
