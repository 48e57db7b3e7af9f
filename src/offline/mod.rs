//! Work on a log without a server: verifying a data directory, checking archives, building a log from them.
//!
//! Everything that is read here is audited event by event, and what is built gets its name only when it is whole. A data
//! directory that holds anything is never written to.

mod assembly;
pub mod segments;
mod target;

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use uuid::Uuid;

pub use self::{
    assembly::{Assembled, Assembly},
    target::Target,
};
pub use crate::log::archive::{Header, MAGIC, Reader, Writer};
use crate::{
    domain::catalogue::Catalogue,
    ledger::{DecodeEvent, audit::Verification},
    log::{CommitLog as _, LogError, SledLog},
    service::convert,
};

/// What stops work on a log.
#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
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

impl OfflineError {
    fn io(what: &str, path: &Path, source: io::Error) -> Self {
        Self::Io { what: format!("{what} {}", path.display()), source }
    }
}

/// Syncs a directory; none or an empty one is the current one.
fn sync_directory(directory: Option<&Path>) -> io::Result<()> {
    let directory = directory.filter(|directory| !directory.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

/// Understands the bodies of leaves.
#[must_use]
pub fn decoder(catalogue: Catalogue) -> DecodeEvent {
    Arc::new(move |body| convert::stored_event(&catalogue, body))
}

/// Opens the log of a data directory that no server has, to verify it. Opening completes what a crash has interrupted,
/// as a start does.
///
/// # Errors
/// [`OfflineError::NoLog`]; [`OfflineError::Log`], among others for damage that shows while it is opened.
pub fn verification(
    directory: &Path,
    decode: DecodeEvent,
    from: u64,
) -> Result<(Uuid, Verification), OfflineError> {
    if !directory.join("log").exists() && !directory.join("MARK").exists() {
        return Err(OfflineError::NoLog(directory.to_path_buf()));
    }
    let log = SledLog::open(directory, Uuid::nil())?;
    let expected = log.mark_found().map(|mark| (mark.size, mark.root)).into_iter().collect();
    let id = log.id();
    Ok((id, Verification::begin(Arc::new(log), decode, from, expected)?))
}
