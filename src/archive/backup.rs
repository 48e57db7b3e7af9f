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
    time::SystemTime,
};

use uuid::Uuid;

use super::{Action, ArchiveError, Header, LogBuilder, Reader};
use crate::{
    files,
    lang::{say, word},
    ledger::{digest::RunningDigest, place},
    merkle::{Frontier, Hash},
};

const SUFFIX: &str = ".tidu";

/// The archives of a directory, in order; empty if the directory does not exist.
///
/// # Errors
/// [`ArchiveError::Io`].
pub fn list(directory: &Path) -> Result<Vec<PathBuf>, ArchiveError> {
    let failed = |e| ArchiveError::io(Action::Read, directory, e);
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
        let file = files::open(&path).map_err(|e| ArchiveError::io(Action::Open, &path, e))?;
        builder.archive(&path.display().to_string(), BufReader::new(file))?;
    }
    Ok(())
}

/// The name of an archive in a directory.
#[must_use]
pub fn name(directory: &Path, header: &Header) -> PathBuf {
    directory.join(format!("{:020}-{:020}{SUFFIX}", header.first, header.next))
}

/// What a backup holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contents {
    /// The log id.
    pub log_id: Uuid,
    /// Number of events.
    pub size: u64,
    /// Merkle root over them.
    pub root: Hash,
    /// The digest of all of them, as the service gives it.
    pub digest: RunningDigest,
    /// When its newest archive was written.
    pub written: SystemTime,
}

/// Reads a whole backup and hashes it, but judges no event: `None` if it has no archive. The roots
/// in its archives prove the content.
///
/// # Errors
/// [`ArchiveError::Archive`], [`ArchiveError::Misplaced`], [`ArchiveError::Io`].
pub fn contents(directory: &Path) -> Result<Option<Contents>, ArchiveError> {
    let (mut found, mut frontier) = (None::<Contents>, Frontier::default());
    let mut digest = RunningDigest::default();
    for path in list(directory)? {
        let name = path.display().to_string();
        let failed = |e| ArchiveError::io(Action::Open, &path, e);
        let file = files::open(&path).map_err(failed)?;
        let written = file.metadata().and_then(|metadata| metadata.modified()).map_err(failed)?;
        let damaged = |source| ArchiveError::Archive { name: name.clone(), source };
        let misplaced = |detail: String| ArchiveError::Misplaced { name: name.clone(), detail };
        let mut reader = Reader::open(BufReader::new(file)).map_err(damaged)?;
        let Header { log_id, first, next, root, .. } = *reader.header();
        if let Some(before) = found.filter(|before| before.log_id != log_id) {
            let before = before.log_id;
            return Err(misplaced(say!(
                en: "it is of log {log_id}, not {before}",
                zh: "它属于日志 {log_id}，而不是 {before}"
            )));
        }
        if first != frontier.size() {
            let size = frontier.size();
            return Err(misplaced(say!(
                en: "it begins at position {first}, not {size}",
                zh: "它从位置 {first} 开始，而不是 {size}"
            )));
        }
        while let Some(frame) = reader.frame().map_err(damaged)? {
            let hash = place::leaf_hash(frontier.size(), &frame)?;
            frontier.push(hash);
            digest.add(&hash);
        }
        if frontier.root() != root {
            let why = word!(
                en: "its events do not have the root that it states",
                zh: "其中事件的根哈希与所写不一致"
            );
            return Err(misplaced(why.to_owned()));
        }
        found = Some(Contents { log_id, size: next, root, digest, written });
    }
    Ok(found)
}
