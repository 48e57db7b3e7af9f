//! `DATA/FORMAT`: the format of the log as a line of text, beside the store.
//!
//! The store knows the format too, but it must be opened before it tells, and opening writes to it.
//! A version that is too old for the log finds that out here, and leaves every byte as it is.
//!
//! The file is durable before the store is raised to its format. It is missing in format 1, and in
//! directories of versions that did not write it; the next start makes it. The store has the last
//! word: a file that cannot be read refuses nothing.

use std::path::{Path, PathBuf};

use crate::{
    files,
    limits::FORMAT_FILE_BYTES_MAX,
    log::{FORMAT_BEGUN, FORMAT_KNOWN, LogError},
};

/// Its name in the data directory.
pub(super) const NAME: &str = "FORMAT";

/// Notes the format that a log will have, in a directory that is made if it is missing.
///
/// # Errors
/// [`LogError::Io`].
pub(in crate::log) fn note_format(directory: &Path, format: u16) -> Result<(), LogError> {
    files::create_directory(directory)
        .map_err(|e| LogError::io(format!("make {}", directory.display()), e))?;
    FormatFile::of(directory).write(format)
}

pub(super) struct FormatFile(PathBuf);

impl FormatFile {
    pub(super) fn of(directory: &Path) -> Self {
        Self(directory.join(NAME))
    }

    /// Refuses a log of a newer version.
    ///
    /// # Errors
    /// [`LogError::TooNew`].
    pub(super) fn require_known(&self) -> Result<(), LogError> {
        match self.read() {
            Some(found) if found > FORMAT_KNOWN => {
                Err(LogError::TooNew { found, known: FORMAT_KNOWN })
            }
            _ => Ok(()),
        }
    }

    /// Notes the format that the log is about to have.
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub(super) fn write(&self, format: u16) -> Result<(), LogError> {
        files::replace(&self.0, format!("{format}\n").as_bytes())
            .map_err(|e| LogError::io(format!("write {}", self.0.display()), e))
    }

    /// Notes the format of a log that is or will be there, if the file does not have it. A full
    /// disk does not keep the log from being served.
    pub(super) fn settle(&self, format: u16) {
        if format == FORMAT_BEGUN || self.read().is_some_and(|noted| noted >= format) {
            return;
        }
        if let Err(error) = self.write(format) {
            tracing::warn!(%error, "the format of the log is not noted beside the store");
        }
    }

    /// The format that the file has; `None` if there is none that can be read.
    pub(super) fn read(&self) -> Option<u16> {
        files::read_text(&self.0, FORMAT_FILE_BYTES_MAX).ok()?.trim().parse().ok()
    }
}
