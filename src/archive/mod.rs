//! Work on a log without a server: verifying a data directory, checking archives, building a log from them.
//!
//! Everything that is read here is audited event by event, and what is built gets its name only when it is whole. A data
//! directory that holds anything is never written to.

pub mod backup;
mod builder;
pub mod format;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use uuid::Uuid;

pub use self::builder::{BuiltLog, LogBuilder};
pub use self::format::{Header, MAGIC, Reader, Writer};
use crate::{
    domain::catalogue::Catalogue,
    ledger::audit::Verification,
    log::{CommitLog as _, LogError, SledLog},
};

/// What stops work on a log.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The log, or what should become one.
    #[error(transparent)]
    Log(#[from] LogError),
    /// An archive is not what was written.
    #[error("{name}: {source}")]
    Archive {
        /// Its file, or where it comes from.
        name: String,
        /// What is wrong with it.
        source: io::Error,
    },
    /// An archive does not belong where it stands.
    #[error("{name}: {detail}")]
    Misplaced {
        /// Its file, or where it comes from.
        name: String,
        /// Why not.
        detail: String,
    },
    /// There is something where a log should be built.
    #[error("{} is not empty; a log is only built in a directory that is empty or not there", .0.display())]
    NotEmpty(PathBuf),
    /// There is no log.
    #[error("{} holds no log", .0.display())]
    NoLog(PathBuf),
    /// A file or directory failed.
    #[error("{what}: {source}")]
    Io {
        /// What was being done, with the path.
        what: String,
        /// What the system said.
        source: io::Error,
    },
}

impl ArchiveError {
    fn io(what: &str, path: &Path, source: io::Error) -> Self {
        Self::Io { what: format!("{what} {}", path.display()), source }
    }
}

/// Opens the log of a data directory that no server has, to verify it. Opening completes what a crash has interrupted,
/// as a start does.
///
/// # Errors
/// [`ArchiveError::NoLog`]; [`ArchiveError::Log`], among others for damage that shows while it is opened.
pub fn verification(
    directory: &Path,
    catalogue: Arc<Catalogue>,
    from: u64,
) -> Result<(Uuid, Verification), ArchiveError> {
    if !directory.join("log").exists() && !directory.join("MARK").exists() {
        return Err(ArchiveError::NoLog(directory.to_path_buf()));
    }
    let log = SledLog::open(directory, Uuid::nil())?;
    let expected = log.mark_found().map(|mark| (mark.size, mark.root)).into_iter().collect();
    let id = log.id();
    Ok((id, Verification::begin(Arc::new(log), catalogue, from, expected)?))
}
