//! Backup directories: consecutive archives, each named by the positions that it holds.
//!
//! ```text
//! BACKUP/00000000000000000000-00000000000000009271.tidu
//! BACKUP/00000000000000009271-00000000000000012000.tidu
//! ```

use std::{
    fs,
    io::BufReader,
    path::{Path, PathBuf},
};

use super::{ArchiveError, Header, LogBuilder};
use crate::files;

const SUFFIX: &str = ".tidu";

/// The archives of a directory, in order; empty if the directory does not exist.
///
/// # Errors
/// [`ArchiveError::Io`].
pub fn list(directory: &Path) -> Result<Vec<PathBuf>, ArchiveError> {
    let failed = |e| ArchiveError::io("read the directory", directory, e);
    if !directory.exists() {
        return Ok(Vec::new());
    }
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.to_string_lossy().ends_with(SUFFIX) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Adds all archives of a directory to a new log.
///
/// # Errors
/// As [`LogBuilder::archive`].
pub fn read(directory: &Path, builder: &mut LogBuilder) -> Result<(), ArchiveError> {
    for path in list(directory)? {
        let file = files::open(&path).map_err(|e| ArchiveError::io("open", &path, e))?;
        builder.archive(&path.display().to_string(), BufReader::new(file))?;
    }
    Ok(())
}

/// The name of an archive in a directory.
#[must_use]
pub fn name(directory: &Path, header: &Header) -> PathBuf {
    directory.join(format!("{:020}-{:020}{SUFFIX}", header.first, header.next))
}
