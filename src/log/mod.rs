//! Keeps events: bytes and positions, nothing else.
//!
//! A [`CommitLog`] keeps chunks of leaves durably and in order. It does not know what a leaf means,
//! and it never shows a chunk whose commit is incomplete. Only `sled/` names sled, and only
//! `sled/sync_cure.rs` is unsafe.

pub mod chunk;
pub mod mark;
mod sled;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use uuid::Uuid;

pub use self::{
    chunk::{Chunk, ChunkWriter, LeafAt},
    sled::{Examined, NAMES as FILE_NAMES, SledLog, default_reserve, examine},
};
use self::{mark::HighWaterMark, sled::note_format};
use crate::{files, lang::say, merkle::Hash, metrics::Metrics};

/// The format in which a log begins. Its leaves use nothing beyond the first version.
pub const FORMAT_BEGUN: u16 = 1;
/// The second format. A log is raised to it before its first leaf with a salt, an approval or a
/// signature, of the issuer `service` or of a kind from 24 to 28, and before its first withheld
/// place.
pub const FORMAT_SECOND: u16 = 2;
/// A log is raised to this format before its first leaf that withholds another one: an older
/// version would go on serving that.
pub const FORMAT_WITHHOLDING: u16 = 3;
/// The newest format that events need. An archive has events alone.
pub const FORMAT_OF_EVENTS: u16 = FORMAT_WITHHOLDING;
/// A log is raised to this format before it is handed over, and before its epoch is raised: an
/// older version would go on recording in it.
pub const FORMAT_HANDED_OVER: u16 = 4;
/// The newest format that this version knows.
pub const FORMAT_KNOWN: u16 = FORMAT_HANDED_OVER;

/// Name of a rewritten log beside the old one, in its data directory, until it is complete.
pub const REWRITING: &str = "log.redacting";
/// Its name once it is complete. The next opening puts it into the place of the old one.
pub const REWRITTEN: &str = "log.redacted";

/// Name of the snapshot of the register, which belongs to one copy of the log.
pub const SNAPSHOT_FILE: &str = "register.snapshot";

/// The input of one append: consecutive chunks, and the blocks of leaf hashes that they complete.
#[derive(Debug, Default)]
pub struct Group {
    /// The chunks, in order; the last one ends a commit.
    pub chunks: Vec<Chunk>,
    /// Completed blocks of leaf hashes, in order.
    pub blocks: Vec<HashBlock>,
    /// The format that the log must have before its first chunk is written. A log of a newer one
    /// keeps it.
    pub format: u16,
}

/// The leaf hashes of [`HASHES_PER_BLOCK`](crate::limits::HASHES_PER_BLOCK) consecutive positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashBlock {
    /// Position of the first one, a multiple of the block's size.
    pub first: u64,
    /// The hashes.
    pub hashes: Vec<Hash>,
}

/// The outcome of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// The group is durable; the log has this size now.
    Durable(u64),
    /// The log has another size than the group was built on: drop the tail, catch up, decide again.
    MovedOn(u64),
}

/// The disk has too little room for the next group. Nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the disk of the log is low: {free} bytes are free, {reserve} stay in reserve, and the next \
     events can need {needed} more"
)]
pub struct DiskLow {
    /// Free bytes of the file system.
    pub free: u64,
    /// Bytes that stay free for everything else.
    pub reserve: u64,
    /// Bytes to allocate for the next group.
    pub needed: u64,
}

/// Time since some fixed moment; never jumps.
pub type Monotonic = Box<dyn Fn() -> Duration + Send + Sync>;

/// The disk of a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Disk {
    /// Free bytes of the file system.
    pub free: u64,
    /// Bytes that stay free for everything else.
    pub reserve: u64,
    /// Bytes that the log occupies, with those allocated in advance.
    pub used: u64,
}

/// An append-only log of chunks. A store must have six methods; the others tell about its disk,
/// and a log without one need not know them.
///
/// `tests/suite/contract` holds every implementation to these promises. A log that is opened again
/// has the same id, size, chunks and blocks, and continues. Readers see a group whole or not at
/// all, and only once it is durable.
pub trait CommitLog: Send + Sync {
    /// The log id: it names one history.
    fn id(&self) -> Uuid;

    /// Names this copy of the log as it is stored: another number after it was restored, rewritten
    /// or moved to another disk, although the log id is the same. 0 if nobody can tell.
    fn copy_id(&self) -> u64 {
        0
    }

    /// Number of durable events.
    fn size(&self) -> u64;

    /// Makes a group durable as one unit if the log still has the size `base`; otherwise nothing
    /// changes.
    ///
    /// The first chunk begins at `base`, and the last one ends a commit. A group without chunks
    /// changes nothing but the format. If the group needs a newer format than the log has, that
    /// format is durable before the first chunk is written.
    ///
    /// # Errors
    /// After any error the outcome is unknown: the caller must end the process and never retry.
    /// Until then nothing of the group is shown. The next open finds the whole group, or only its
    /// complete commits.
    fn append(&self, base: u64, group: &Group) -> Result<Appended, LogError>;

    /// Chunks in order, the first one holding `from`, until their bytes reach `bytes`; empty at or
    /// past the end. Before the end it gives at least one chunk, whatever `bytes` is.
    ///
    /// # Errors
    /// [`LogError::Damaged`] if a chunk is missing or its checksum is wrong.
    fn read(&self, from: u64, bytes: usize) -> Result<Vec<Chunk>, LogError>;

    /// The stored block of leaf hashes that begins at `first`, if it is complete.
    ///
    /// # Errors
    /// [`LogError::Damaged`] if its checksum is wrong.
    fn hashes(&self, first: u64) -> Result<Option<HashBlock>, LogError>;

    /// Writes the high-water mark outside the store, so that the next start detects a loss below
    /// it. The mark may lag behind the log, but must never run ahead of it.
    ///
    /// # Errors
    /// If the mark cannot be written.
    fn mark(&self, size: u64, root: Hash) -> Result<(), LogError>;

    /// The format of the log, which an append may have raised.
    fn format(&self) -> u16 {
        FORMAT_BEGUN
    }

    /// Makes sure that groups of `bytes` in all can be written, as far as the file system can
    /// promise it. To be called before their commits are decided, by the one who appends.
    ///
    /// # Errors
    /// [`DiskLow`]. Nothing has changed, and a later call may succeed.
    fn reserve(&self, bytes: u64) -> Result<(), DiskLow> {
        let _ = bytes;
        Ok(())
    }

    /// The state of the disk, if the file system tells it. Changes nothing.
    fn disk(&self) -> Option<Disk> {
        None
    }

    /// The disk, if [`CommitLog::reserve`] would refuse so many bytes just now. This changes
    /// nothing, and anybody may ask.
    fn low(&self, bytes: u64) -> Option<DiskLow> {
        let _ = bytes;
        None
    }

    /// The epoch of the log: 0 at first, raised by each promotion.
    fn epoch(&self) -> u64 {
        0
    }

    /// Raises the epoch durably, together with the mark of the whole log. Nobody may append
    /// meanwhile. A log that cannot store an epoch has none.
    ///
    /// # Errors
    /// If it cannot be stored; the old epoch or the new one is there then.
    fn raise_epoch(&self, epoch: u64, root: Hash) -> Result<(), LogError> {
        let _ = (epoch, root);
        Err(LogError::io("raise the epoch of the log", std::io::ErrorKind::Unsupported.into()))
    }

    /// Begins another history with the same events: the log has this id from its next opening on,
    /// and is in the first epoch. Nobody may append meanwhile.
    ///
    /// # Errors
    /// If it cannot be stored; the old id or the new one is there then.
    fn rename(&self, id: Uuid, root: Hash) -> Result<(), LogError> {
        let _ = (id, root);
        Err(LogError::io("give the log another id", std::io::ErrorKind::Unsupported.into()))
    }

    /// A number that moves whenever a running append gets on: the syncs so far.
    fn progress(&self) -> u64 {
        0
    }
}

/// Opens the log in `directory`, or creates one with the id `fresh_id`. Gives the high-water mark
/// that was found too; the root at its size must be compared with the rebuilt one. No other room
/// chooses an implementation.
///
/// # Errors
/// Every variant of [`LogError`]. Opening never deletes acknowledged data.
pub fn open(
    directory: &Path,
    fresh_id: Uuid,
) -> Result<(Arc<dyn CommitLog>, Option<HighWaterMark>), LogError> {
    open_reserving(directory, fresh_id, Some(0), Metrics::new(), Box::new(|| Duration::ZERO))
}

/// As [`open`]: appends are refused while the file system has fewer free bytes than `reserve`.
/// `None` is the default: 5 % of the file system, within bounds. Its work is counted in `metrics`,
/// and timed by `monotonic`.
///
/// # Errors
/// As [`open`].
pub fn open_reserving(
    directory: &Path,
    fresh_id: Uuid,
    reserve: Option<u64>,
    metrics: Arc<Metrics>,
    monotonic: Monotonic,
) -> Result<(Arc<dyn CommitLog>, Option<HighWaterMark>), LogError> {
    let began = monotonic();
    let mut checked = began;
    let mut log = SledLog::open_telling(directory, fresh_id, &mut || checked = monotonic())?;
    let parts = &metrics.start_part_duration_seconds;
    parts.with(["check"]).set(checked.saturating_sub(began));
    parts.with(["store"]).set(monotonic().saturating_sub(checked));
    log.count_in(metrics, monotonic);
    log.keep_free(reserve);
    let found = log.mark_found();
    Ok((Arc::new(log), found))
}

/// Begins a log in a directory that nobody opens before it is complete. It is written so that it
/// takes little room, and cannot be read after an interruption.
///
/// # Errors
/// As [`open`].
pub fn begin_apart(directory: &Path, id: Uuid) -> Result<Arc<dyn CommitLog>, LogError> {
    let mut log = SledLog::open(directory, id)?;
    log.keep_free(Some(0));
    log.put_keys_first();
    Ok(Arc::new(log))
}

/// Makes a directory that versions refuse which know nothing of followers, before it has a log.
///
/// # Errors
/// [`LogError::Io`].
pub fn keep_older_versions_away(directory: &Path) -> Result<(), LogError> {
    note_format(directory, FORMAT_HANDED_OVER)
}

/// True if the directory has a log, or had one.
#[must_use]
pub fn is_in(directory: &Path) -> bool {
    directory.join("log").exists() || directory.join("MARK").exists()
}

/// An error of a log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Another process has the data directory.
    #[error("the data directory {} is in use by another process", .0.display())]
    Busy(PathBuf),
    /// A file or the store failed.
    #[error("cannot {what}: {source}")]
    Io {
        /// The failed action, with its path.
        what: String,
        /// The error of the system.
        source: std::io::Error,
    },
    /// The log differs from the written one. Never repaired by deleting.
    #[error("the log is damaged at position {position}: {detail}")]
    Damaged {
        /// The first position that is wrong.
        position: u64,
        /// The fault.
        detail: String,
    },
    /// A newer version wrote the data.
    #[error(
        "the data have format {found}, this version reads up to {known}; \
         use a newer version of tidu"
    )]
    TooNew {
        /// The format found.
        found: u16,
        /// The newest one known.
        known: u16,
    },
    /// A catalogue that the log adopted is not at hand or cannot be used, so the events after the
    /// adoption cannot be read.
    #[error("the log adopts a catalogue at position {position}: {detail}")]
    Catalogue {
        /// Position of the adoption.
        position: u64,
        /// The fault, with the digest and the file.
        detail: String,
    },
    /// The log has adopted a version of the rules that this version lacks.
    #[error(
        "the log has adopted the newer rules version {found}, this version knows up to {known}; \
         use a newer version of tidu"
    )]
    NewerRules {
        /// The version found.
        found: u32,
        /// The newest one known.
        known: u32,
    },
    /// The log holds a fact that a newer version has brought.
    #[error(
        "the event at position {position} has a fact with the number {number}, which this version \
         does not know; use a newer version of tidu"
    )]
    NewerFact {
        /// Position of the event.
        position: u64,
        /// Number of the fact.
        number: u32,
    },
    /// A flush of the store did not reach the disk in the start-up check.
    #[error(
        "the store's flush does not sync to disk in this build; \
         nothing it acknowledges would be durable"
    )]
    NotDurable,
}

impl LogError {
    /// The error in the language of the terminal. A log line has the English text.
    #[must_use]
    pub fn said(&self) -> String {
        let en = self.to_string();
        match self {
            Self::Busy(path) => {
                let path = path.display();
                say!(en: "{en}", zh: "数据目录 {path} 正由另一个进程使用")
            }
            Self::Io { .. } => say!(en: "{en}", zh: "文件操作失败：{en}"),
            Self::Damaged { position, .. } => {
                say!(en: "{en}", zh: "日志在位置 {position} 处损坏：{en}")
            }
            Self::TooNew { found, known } => say!(
                en: "{en}",
                zh: "数据的格式为 {found}，此版本最高支持 {known}；请使用更新版本的 tidu"
            ),
            Self::Catalogue { position, .. } => {
                say!(en: "{en}", zh: "日志在位置 {position} 采用的目录无法使用：{en}")
            }
            Self::NewerRules { found, known } => say!(
                en: "{en}",
                zh: "日志已采用规则版本 {found}，此版本最高支持 {known}；请使用更新版本的 tidu"
            ),
            Self::NewerFact { position, number } => say!(
                en: "{en}",
                zh: "位置 {position} 的事件含有编号为 {number} 的事实，此版本无法识别；请使用更新版本的 tidu"
            ),
            Self::NotDurable => say!(
                en: "{en}", zh: "此程序的写入没有真正落盘，无法保证已确认的内容不丢失"
            ),
        }
    }

    /// True if the disk, or the owner's quota on it, is full.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::Io { source, .. } if files::is_disk_full(source))
    }

    pub(crate) fn io(what: impl Into<String>, source: std::io::Error) -> Self {
        Self::Io { what: what.into(), source }
    }

    pub(crate) fn damaged(position: u64, detail: impl Into<String>) -> Self {
        Self::Damaged { position, detail: detail.into() }
    }
}
