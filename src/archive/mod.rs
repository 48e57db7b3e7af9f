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

pub use self::builder::{BuiltLog, LogBuilder};
pub use self::format::{Header, MAGIC, Reader, Writer};
pub use self::lines::Lines;
use crate::{
    catalogue_files::{CatalogueFileError, CatalogueFiles},
    ledger::{audit::Verification, event_reader::EventReader},
    limits::VERIFY_STEP_BYTES,
    log::{self, LogError},
    register::RulesBook,
};

/// An error in an archive or a log.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The log, or the new log, failed.
    #[error(transparent)]
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
    #[error("the event at position {position} needs format {needs}, but its archive has {has}")]
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
    #[error("{} is not empty; a log can only be built in an empty or new directory", .0.display())]
    NotEmpty(PathBuf),
    /// The event cannot be redacted, or an archive cannot be rewritten; the text says why.
    #[error("{0}")]
    NotRedactable(String),
    /// The directory has no log.
    #[error("{} contains no log", .0.display())]
    NoLog(PathBuf),
    /// An adopted catalogue cannot be kept.
    #[error(transparent)]
    CatalogueFile(#[from] CatalogueFileError),
    /// A file or directory failed.
    #[error("cannot {what}: {source}")]
    Io {
        /// The action that failed, with the path.
        what: String,
        /// The system's error.
        source: io::Error,
    },
}

impl ArchiveError {
    fn io(what: &str, path: &Path, source: io::Error) -> Self {
        Self::Io { what: format!("{what} {}", path.display()), source }
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
