//! Logs without a server: verifies a data directory, checks archives, builds a log from them, and
//! erases the content of an event.
//!
//! Every event that is read is audited. A new log gets its name only when it is complete. Only a
//! redaction writes to a data directory that is not empty.

pub mod backup;
mod builder;
mod copies;
pub mod format;
mod lines;
pub mod redaction;

use std::{
    io,
    path::{Path, PathBuf},
};

use uuid::Uuid;

pub use self::builder::{BuiltLog, LogBuilder, Watcher};
pub use self::format::{Header, MAGIC, Reader, Writer};
pub use self::lines::Lines;
use crate::{
    catalogue_files::{CatalogueFileError, CatalogueFiles},
    lang::say,
    ledger::{audit::Verification, event_reader::EventReader},
    limits::VERIFY_STEP_BYTES,
    log::{self, LogError},
    register::RulesBook,
};

/// An error in an archive or a log.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The log, or the new log, failed.
    #[error("{}", .0.said())]
    Log(#[from] LogError),
    /// An archive cannot be read, or is damaged.
    #[error("{name}: {source}")]
    Archive {
        /// Its file or source.
        name: String,
        /// The fault.
        source: io::Error,
    },
    /// An event needs a newer format than its archive has.
    #[error("{}", say!(
        en: "the event at position {position} needs format {needs}, but its archive has {has}",
        zh: "位置 {position} 的事件需要格式 {needs}，而文件的格式为 {has}"
    ))]
    Mixed {
        /// Position of the event.
        position: u64,
        /// The format that it needs.
        needs: u16,
        /// The format that the archive has.
        has: u16,
    },
    /// An archive does not continue the one before it.
    #[error("{name}: {detail}")]
    Misplaced {
        /// Its file or source.
        name: String,
        /// The reason.
        detail: String,
    },
    /// The directory for a new log is not empty.
    #[error("{}", say!(
        en: "{} is not empty; a log can only be built in an empty or new directory",
        zh: "{} 不是空目录；日志只能建立在空目录或新目录中",
        .0.display()
    ))]
    NotEmpty(PathBuf),
    /// The event cannot be redacted, or an archive cannot be rewritten; the text says why.
    #[error("{0}")]
    NotRedactable(String),
    /// The directory has no log.
    #[error("{}", say!(en: "{} contains no log", zh: "{} 中没有日志", .0.display()))]
    NoLog(PathBuf),
    /// An adopted catalogue cannot be kept.
    #[error(transparent)]
    CatalogueFile(#[from] CatalogueFileError),
    /// A file or directory failed.
    #[error("{what}: {source}")]
    Io {
        /// The failure, with the path: `cannot open a.tidu`.
        what: String,
        /// The system's error.
        source: io::Error,
    },
}

impl ArchiveError {
    fn io(action: Action, path: &Path, source: io::Error) -> Self {
        Self::Io { what: action.failed(path), source }
    }
}

/// An action on a file or directory.
#[derive(Clone, Copy, Debug)]
enum Action {
    Follow,
    Open,
    Read,
    Remove,
    Rename,
    Sync,
    Write,
}

impl Action {
    /// Says that it failed.
    fn failed(self, path: &Path) -> String {
        let (en, zh) = match self {
            Self::Follow => ("follow", "跟随链接"),
            Self::Open => ("open", "打开"),
            Self::Read => ("read", "读取"),
            Self::Remove => ("remove", "删除"),
            Self::Rename => ("rename", "重命名"),
            Self::Sync => ("sync", "同步"),
            Self::Write => ("write", "写入"),
        };
        let path = path.display();
        say!(en: "cannot {en} {path}", zh: "无法{zh} {path}")
    }
}

/// Opens the log of a data directory that no server uses, to verify it. Like a start, opening
/// completes the recovery after a crash. The catalogues that it adopted are found in `files`.
///
/// # Errors
/// [`ArchiveError::NoLog`]; [`ArchiveError::Log`], also for damage that is found while it is
/// opened.
pub fn verification(
    directory: &Path,
    files: CatalogueFiles,
    from: u64,
) -> Result<(Uuid, Verification), ArchiveError> {
    if !log::is_in(directory) {
        return Err(ArchiveError::NoLog(directory.to_path_buf()));
    }
    let (log, found) = log::open(directory, Uuid::nil())?;
    let expected = found.map(|mark| (mark.size, mark.root)).into_iter().collect();
    let id = log.id();
    let mut reader = EventReader::new(files, RulesBook::RELEASED);
    reader.skip_to(&*log, from)?;
    Ok((id, Verification::begin(log, reader, from, expected)?))
}

/// Verifies the whole log of a data directory.
fn verified(directory: &Path, files: CatalogueFiles) -> Result<BuiltLog, ArchiveError> {
    let (log_id, mut verification) = verification(directory, files, 0)?;
    while verification.step(VERIFY_STEP_BYTES)?.is_some() {}
    let size = verification.so_far().position;
    Ok(BuiltLog { log_id: Some(log_id), size, root: verification.root() })
}
