//! The implementations of the log, and how each is opened, opened again, and made to fail.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
};

use tempfile::TempDir;
use tidu::{
    log::{CommitLog, SledLog},
    merkle::Hash,
};
use uuid::Uuid;

use crate::support::{
    GatedLog, MemoryLog, directory,
    simulated_disk::{Disk, Kept, Verdict},
};

/// An implementation under contract.
pub trait Kind {
    /// Opens the log: a new one at first, then what the one before has left. Nobody holds that one
    /// any more.
    fn open(&mut self) -> Arc<dyn CommitLog>;

    /// Makes the next append fail; false if that cannot be done from inside the process.
    fn fail_next(&mut self) -> bool;

    /// The high-water mark that the last open found.
    fn marked(&self) -> Option<(u64, Hash)>;

    /// The format that the last open found.
    fn format(&self) -> u16;
}

/// Faults of the real disk come from strace, see `chaos::faults`.
pub struct OnSled {
    dir: TempDir,
    opened: u128,
    marked: Option<(u64, Hash)>,
    format: u16,
}

impl OnSled {
    pub fn begin() -> Self {
        Self { dir: directory(), opened: 0, marked: None, format: 0 }
    }
}

impl Kind for OnSled {
    fn open(&mut self) -> Arc<dyn CommitLog> {
        self.opened += 1;
        // A fresh id each time: a log that is there keeps its own.
        let log = SledLog::open(self.dir.path(), Uuid::from_u128(self.opened)).unwrap();
        self.marked = log.mark_found().map(|mark| (mark.size, mark.root));
        self.format = log.format();
        Arc::new(log)
    }

    fn fail_next(&mut self) -> bool {
        false
    }

    fn marked(&self) -> Option<(u64, Hash)> {
        self.marked
    }

    fn format(&self) -> u16 {
        self.format
    }
}

#[derive(Default)]
pub struct InMemory(MemoryLog);

impl Kind for InMemory {
    fn open(&mut self) -> Arc<dyn CommitLog> {
        Arc::new(self.0.reopen())
    }

    fn fail_next(&mut self) -> bool {
        self.0.fail();
        true
    }

    fn marked(&self) -> Option<(u64, Hash)> {
        self.0.marked()
    }

    fn format(&self) -> u16 {
        self.0.format()
    }
}

/// With its gate open.
#[derive(Default)]
pub struct Gated(MemoryLog);

impl Kind for Gated {
    fn open(&mut self) -> Arc<dyn CommitLog> {
        let log = GatedLog::before(self.0.reopen());
        log.open_gate();
        Arc::new(log)
    }

    fn fail_next(&mut self) -> bool {
        self.0.fail();
        true
    }

    fn marked(&self) -> Option<(u64, Hash)> {
        self.0.marked()
    }

    fn format(&self) -> u16 {
        self.0.format()
    }
}

/// Each append is synced, or fails with its first value kept and the second one torn.
pub struct Simulated {
    disk: Arc<Disk>,
    fails: Arc<AtomicBool>,
    marked: Option<(u64, Hash)>,
    format: u16,
}

impl Simulated {
    pub fn begin() -> Self {
        Self { disk: Arc::default(), fails: Arc::default(), marked: None, format: 0 }
    }
}

impl Kind for Simulated {
    fn open(&mut self) -> Arc<dyn CommitLog> {
        let (tell, at_gate) = mpsc::channel();
        let opened = self.disk.open(move || tell.send(()).unwrap());
        self.marked = opened.expected;
        self.format = self.disk.format();
        let (disk, fails) = (Arc::clone(&self.disk), Arc::clone(&self.fails));
        // It ends with the log, which holds the other end.
        thread::spawn(move || {
            for () in at_gate {
                let torn = Kept { values: 1, torn: Some(20) };
                let fails = fails.swap(false, Ordering::SeqCst);
                disk.decide(if fails { Verdict::Failed(torn) } else { Verdict::Synced });
            }
        });
        Arc::new(opened.log)
    }

    fn fail_next(&mut self) -> bool {
        self.fails.store(true, Ordering::SeqCst);
        true
    }

    fn marked(&self) -> Option<(u64, Hash)> {
        self.marked
    }

    fn format(&self) -> u16 {
        self.format
    }
}
