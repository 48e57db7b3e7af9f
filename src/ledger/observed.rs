//! The ledger as those see it who watch over it. Nothing here waits for the writer.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use super::{Ledger, ReadError, Shared, place};
use crate::{
    log::{Chunk, Disk},
    protocol::time,
};

/// The state of a ledger at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Observed {
    /// Durable events.
    pub events: u64,
    /// Durable events above the high-water mark.
    pub unmarked_events: u64,
    /// Time since the high-water mark was last at the end of the log.
    pub unmarked: Duration,
    /// Commits that wait for the writer, or are being decided.
    pub queue_commits: u64,
    /// Bytes of their events.
    pub queue_bytes: u64,
    /// The disk, if the log has one.
    pub disk: Option<Disk>,
}

/// Why nothing is recorded just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusing {
    /// The disk is low.
    DiskLow,
    /// This start serves reads only.
    ReadOnly,
    /// The log is handed over.
    Retired,
    /// No sink of the audit trail takes lines.
    AuditFailed,
    /// The ledger is closing.
    Draining,
    /// The ledger has failed, and the process ends.
    Failed,
}

impl Refusing {
    /// All causes.
    pub const ALL: [Self; 6] = [
        Self::DiskLow,
        Self::ReadOnly,
        Self::Draining,
        Self::Failed,
        Self::AuditFailed,
        Self::Retired,
    ];

    /// Its word in metrics: the reason of the refusals.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DiskLow => "DISK_LOW",
            Self::ReadOnly => "READ_ONLY",
            Self::Retired => "RETIRED",
            Self::AuditFailed => "AUDIT_FAILED",
            Self::Draining => "DRAINING",
            Self::Failed => "LOG_FAILED",
        }
    }
}

/// The high-water mark as it was written last.
#[derive(Debug, Default)]
pub(super) struct Marked {
    size: AtomicU64,
    /// When it was last at the end of the log, in monotonic milliseconds.
    exact_at: AtomicU64,
}

impl Marked {
    /// Notes a mark of this size that reaches the end of the log at `now`.
    pub(super) fn note(&self, size: u64, now: Duration) {
        let millis = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        self.size.store(size, Ordering::Relaxed);
        self.exact_at.store(millis, Ordering::Relaxed);
    }
}

impl Marked {
    /// The size of the mark.
    pub(super) fn size(&self) -> u64 {
        self.size.load(Ordering::Relaxed)
    }
}

impl Shared {
    fn unmarked(&self, events: u64) -> (u64, Duration) {
        let Marked { size, exact_at } = &self.marked;
        let exact_at = Duration::from_millis(exact_at.load(Ordering::Relaxed));
        let age = self.clock.monotonic().saturating_sub(exact_at);
        (events.saturating_sub(size.load(Ordering::Relaxed)), age)
    }
}

impl Ledger {
    /// The state of the ledger. It asks the file system: run it on a thread that may block.
    #[must_use]
    pub fn observe(&self) -> Observed {
        let events = self.durable().size;
        let (unmarked_events, unmarked) = self.shared.unmarked(events);
        let (queue_commits, queue_bytes) = self.queue.depth();
        let disk = self.shared.log.disk();
        Observed { events, unmarked_events, unmarked, queue_commits, queue_bytes, disk }
    }

    /// True if this keeps the ledger from recording just now. It asks the file system: run it on a
    /// thread that may block.
    #[must_use]
    pub fn refuses(&self, cause: Refusing) -> bool {
        match cause {
            Refusing::DiskLow => self.disk_low().is_some(),
            Refusing::ReadOnly => self.shared.read_only.get().is_some(),
            Refusing::Retired => self.successor().is_some(),
            Refusing::AuditFailed => self.audit_failure().is_some(),
            Refusing::Draining => self.queue.require_open().is_err(),
            Refusing::Failed => self.shared.failed.load(Ordering::SeqCst),
        }
    }

    /// Recorded time of an event below the durable size, in microseconds since 1970. It may read
    /// the disk: run it on a thread that may block.
    ///
    /// # Errors
    /// As for [`Ledger::chunks`].
    pub fn recorded_micros_now(&self, position: u64) -> Result<i64, ReadError> {
        let missing = || ReadError::damaged(position, "an event is missing from its chunk");
        let chunks = match self.shared.tail.read(position, 1) {
            Some(chunks) => chunks,
            None => self.shared.read_log(position, 1)?,
        };
        let mut leaves = chunks.iter().flat_map(Chunk::leaves);
        let leaf = leaves.find(|leaf| leaf.position == position).ok_or_else(missing)?;
        let envelope = place::envelope(&leaf)?;
        envelope.recorded_time.as_ref().map(time::micros).ok_or_else(missing)
    }
}
