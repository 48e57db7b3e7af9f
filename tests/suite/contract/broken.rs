//! Logs that break a promise, to show that the suite sees it.

use std::sync::Arc;

use tidu::{
    log::{Appended, Chunk, CommitLog, Group, HashBlock, LogError},
    merkle::Hash,
};
use uuid::Uuid;

use super::kinds::Kind;
use crate::support::MemoryLog;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    AppendsAnywhere,
    AppendsAfterAFailure,
    ForgetsAtAReopen,
    ForgetsHashes,
    ForgetsTheFormat,
    ForgetsTheMark,
    LosesTheFirstChunk,
    ReadsOneChunkOnly,
    ReadsTooMuch,
    TakesAnotherId,
}

pub const FAULTS: [Fault; 10] = [
    Fault::AppendsAnywhere,
    Fault::AppendsAfterAFailure,
    Fault::ForgetsAtAReopen,
    Fault::ForgetsHashes,
    Fault::ForgetsTheFormat,
    Fault::ForgetsTheMark,
    Fault::LosesTheFirstChunk,
    Fault::ReadsOneChunkOnly,
    Fault::ReadsTooMuch,
    Fault::TakesAnotherId,
];

pub struct Broken {
    fault: Fault,
    log: MemoryLog,
    opened: u128,
}

impl Broken {
    pub fn with(fault: Fault) -> Self {
        Self { fault, log: MemoryLog::default(), opened: 0 }
    }
}

impl Kind for Broken {
    fn open(&mut self) -> Arc<dyn CommitLog> {
        self.opened += 1;
        if self.fault == Fault::ForgetsAtAReopen {
            self.log = MemoryLog::default();
        }
        Arc::new(BrokenLog { fault: self.fault, inner: self.log.reopen(), opened: self.opened })
    }

    fn fail_next(&mut self) -> bool {
        self.log.fail();
        true
    }

    fn marked(&self) -> Option<(u64, Hash)> {
        self.log.marked().filter(|_| self.fault != Fault::ForgetsTheMark)
    }

    fn format(&self) -> u16 {
        if self.fault == Fault::ForgetsTheFormat { 1 } else { self.log.format() }
    }
}

struct BrokenLog {
    fault: Fault,
    inner: MemoryLog,
    opened: u128,
}

impl CommitLog for BrokenLog {
    fn id(&self) -> Uuid {
        match self.fault {
            Fault::TakesAnotherId => Uuid::from_u128(self.opened),
            _ => self.inner.id(),
        }
    }

    fn size(&self) -> u64 {
        self.inner.size()
    }

    fn append(&self, base: u64, group: &Group) -> Result<Appended, LogError> {
        let base = if self.fault == Fault::AppendsAnywhere { self.size() } else { base };
        let appended = self.inner.append(base, group);
        if appended.is_err() && self.fault == Fault::AppendsAfterAFailure {
            self.inner.reopen().append(base, group).unwrap();
        }
        appended
    }

    fn read(&self, from: u64, bytes: usize) -> Result<Vec<Chunk>, LogError> {
        let mut chunks = match self.fault {
            Fault::ReadsTooMuch => self.inner.read(from, usize::MAX)?,
            _ => self.inner.read(from, bytes)?,
        };
        match self.fault {
            Fault::ReadsOneChunkOnly => chunks.truncate(1),
            Fault::LosesTheFirstChunk if chunks.len() > 1 => drop(chunks.remove(0)),
            _ => {}
        }
        Ok(chunks)
    }

    fn hashes(&self, first: u64) -> Result<Option<HashBlock>, LogError> {
        match self.fault {
            Fault::ForgetsHashes => Ok(None),
            _ => self.inner.hashes(first),
        }
    }

    fn mark(&self, size: u64, root: Hash) -> Result<(), LogError> {
        self.inner.mark(size, root)
    }
}
