//! Backup directories: generations, each of which is a whole backup that grows by archives.
//!
//! ```text
//! BACKUP/LOCK                            locked while a backup writes
//! BACKUP/generation-000001/MANIFEST      its archives, where they end, see manifest.rs
//!   00000000000000000000-00000000000000009271.tidu
//!   00000000000000009271-00000000000000012000.tidu
//!   cursors-<digest>.jsonl               the cursors, which only the command line reads
//!   catalogues/<sha256>.toml             the catalogues that the log has adopted
//! BACKUP/generation-000002.new/          one that is being begun: removed by the next backup
//! BACKUP/generation-000001.removing/     one that is being removed: likewise
//! BACKUP/*.tidu                          a generation of an earlier version, the oldest
//! ```
//!
//! A generation counts once its directory has its final name, and an archive once the manifest
//! lists it. A directory of a generation is a backup by itself, so it can be moved and named alone.

mod draft;
mod generation;
mod keep;
mod manifest;

use std::{
    fs::{self, File},
    io::{self, BufReader},
    path::{Path, PathBuf},
    time::SystemTime,
};

use uuid::Uuid;

pub use self::{
    draft::{ArchiveDraft, Draft},
    generation::{Generation, note_rewritten},
    keep::Keep,
    manifest::{CursorFile, Listed, Manifest, Tip},
};
use super::{Action, ArchiveError, Header, LogBuilder, Reader};
use crate::{
    files,
    lang::{say, word},
    ledger::{digest::RunningDigest, place},
    limits::BACKUP_ARCHIVES_MAX,
    merkle::{Frontier, Hash},
};

const ARCHIVE: &str = ".tidu";
const CURSORS: &str = "cursors-";
const GENERATION: &str = "generation-";
const BEGINNING: &str = ".new";
const REMOVING: &str = ".removing";
const PARTIAL: &str = ".tidu.partial";
const LOCK: &str = "LOCK";

/// The generations of a backup, oldest first; none if the directory does not exist. The directory
/// of a generation is a backup with that one.
///
/// # Errors
/// [`ArchiveError::Io`].
pub fn generations(directory: &Path) -> Result<Vec<Generation>, ArchiveError> {
    let mut numbered: Vec<_> = entries(directory)?
        .into_iter()
        .filter_map(|path| Some((number_of(&path)?, Generation::at(path))))
        .collect();
    numbered.sort_by_key(|(number, _)| *number);
    let has_manifest = directory.join(manifest::NAME).exists();
    let is_one = has_manifest || !generation::archives_in(directory)?.is_empty();
    let itself = is_one.then(|| Generation::at(directory.to_path_buf()));
    Ok(itself.into_iter().chain(numbered.into_iter().map(|(_, found)| found)).collect())
}

/// The newest generation of a backup.
///
/// # Errors
/// As [`generations`].
pub fn newest(directory: &Path) -> Result<Option<Generation>, ArchiveError> {
    Ok(generations(directory)?.pop())
}

/// Adds the newest generation of a backup to a new log. Gives it with its manifest.
///
/// # Errors
/// As [`Generation::read`].
pub fn read(
    directory: &Path,
    builder: &mut LogBuilder,
) -> Result<Option<(Generation, Manifest)>, ArchiveError> {
    let Some(generation) = newest(directory)? else { return Ok(None) };
    let manifest = generation.read(builder)?;
    Ok(manifest.map(|manifest| (generation, manifest)))
}

/// A backup that this process may write to.
#[derive(Debug)]
pub struct Backup {
    directory: PathBuf,
    /// Leftovers of interrupted backups, which this one has removed.
    removed: Vec<PathBuf>,
    _lock: File,
}

impl Backup {
    /// Locks a backup, and removes what interrupted ones have left. Makes the directory if it is
    /// missing.
    ///
    /// # Errors
    /// [`ArchiveError::Busy`], [`ArchiveError::Io`].
    pub fn open(directory: &Path) -> Result<Self, ArchiveError> {
        let failed = |action| move |e| ArchiveError::io(action, directory, e);
        files::create_directory(directory).map_err(failed(Action::Make))?;
        files::sync_parent(directory).map_err(failed(Action::Sync))?;
        let lock = files::lock(&directory.join(LOCK)).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => ArchiveError::Busy(directory.to_path_buf()),
            _ => ArchiveError::io(Action::Lock, directory, error),
        })?;
        let mut removed = leftovers(directory)?;
        for generation in generations(directory)? {
            let partial = entries(generation.path())?.into_iter();
            removed.extend(partial.filter(|path| path.to_string_lossy().ends_with(PARTIAL)));
        }
        removed.sort();
        removed.dedup();
        removed.iter().try_for_each(|path| remove(path))?;
        Ok(Self { directory: directory.to_path_buf(), removed, _lock: lock })
    }

    /// Removes a generation that was begun and is given up.
    ///
    /// # Errors
    /// [`ArchiveError::Io`].
    pub fn give_up(&self) -> Result<(), ArchiveError> {
        leftovers(&self.directory)?.iter().try_for_each(|path| remove(path))
    }

    /// Leftovers of interrupted backups, which are removed.
    #[must_use]
    pub fn removed(&self) -> &[PathBuf] {
        &self.removed
    }

    /// Its generations, oldest first.
    ///
    /// # Errors
    /// As [`generations`].
    pub fn generations(&self) -> Result<Vec<Generation>, ArchiveError> {
        generations(&self.directory)
    }

    /// Begins a generation after all others.
    ///
    /// # Errors
    /// [`ArchiveError::Io`].
    pub fn begin(&self) -> Result<Draft, ArchiveError> {
        let numbers = self.generations()?.into_iter().filter_map(|found| number_of(found.path()));
        let number = numbers.max().unwrap_or(0).saturating_add(1);
        let target = self.directory.join(format!("{GENERATION}{number:06}"));
        let place = files::beside(&target, BEGINNING);
        files::create_directory(&place).map_err(|e| ArchiveError::io(Action::Make, &place, e))?;
        Ok(Draft::beginning(place, target))
    }

    /// Goes on with a generation, whose manifest this is.
    #[must_use]
    pub fn go_on(&self, generation: &Generation, manifest: Manifest) -> Draft {
        Draft::continuing(generation, manifest)
    }

    /// Removes a generation. An interrupted removal leaves an older backup or none, and the next
    /// backup ends it.
    ///
    /// # Errors
    /// [`ArchiveError::Io`].
    pub fn remove(&self, generation: &Generation) -> Result<(), ArchiveError> {
        let path = generation.path();
        if path != self.directory {
            let removing = files::beside(path, REMOVING);
            files::rename_durably(path, &removing)
                .map_err(|e| ArchiveError::io(Action::Rename, path, e))?;
            return remove(&removing);
        }
        // One of an earlier version shares its directory with those after it. Without the manifest,
        // the archives that are left are a backup at each moment.
        let mut archives = generation.archives()?;
        remove(&path.join(manifest::NAME))?;
        archives.reverse();
        archives.iter().try_for_each(|path| remove(path))?;
        let beside = entries(path)?.into_iter().filter(|path| has_prefix(path, CURSORS));
        beside.chain([path.join("catalogues")]).try_for_each(|path| remove(&path))
    }
}

impl Manifest {
    /// True if the next archive belongs into another generation.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.archives.len() >= BACKUP_ARCHIVES_MAX
    }
}

/// The paths in a directory; none if it does not exist.
fn entries(directory: &Path) -> Result<Vec<PathBuf>, ArchiveError> {
    let failed = |e| ArchiveError::io(Action::Read, directory, e);
    let found = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        found => found.map_err(failed)?,
    };
    found.map(|entry| Ok(entry.map_err(failed)?.path())).collect()
}

fn has_prefix(path: &Path, prefix: &str) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix))
}

/// The number of a generation; `None` for any other path, also one that is begun or removed.
fn number_of(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_prefix(GENERATION)?.parse().ok()
}

/// Leftovers of interrupted backups beside the generations.
fn leftovers(directory: &Path) -> Result<Vec<PathBuf>, ArchiveError> {
    let is_left = |path: &PathBuf| {
        let name = path.to_string_lossy();
        has_prefix(path, GENERATION) && (name.ends_with(BEGINNING) || name.ends_with(REMOVING))
    };
    Ok(entries(directory)?.into_iter().filter(is_left).collect())
}

fn remove(path: &Path) -> Result<(), ArchiveError> {
    files::remove_durably(path).map_err(|e| ArchiveError::io(Action::Remove, path, e))
}

/// The name of an archive in its generation.
fn archive_name(header: &Header) -> String {
    format!("{:020}-{:020}{ARCHIVE}", header.first, header.next)
}

/// The content of a backup.
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

/// Reads the newest generation of a backup whole and hashes it, but judges no event: `None` if it
/// has no archive. The roots in its archives prove the content.
///
/// # Errors
/// [`ArchiveError::Archive`], [`ArchiveError::Misplaced`], [`ArchiveError::Backup`],
/// [`ArchiveError::Io`].
pub fn contents(directory: &Path) -> Result<Option<Contents>, ArchiveError> {
    let Some(generation) = newest(directory)? else { return Ok(None) };
    generation.present()?;
    let (mut found, mut frontier) = (None::<Contents>, Frontier::default());
    let mut digest = RunningDigest::default();
    for path in generation.archives()? {
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

#[cfg(test)]
mod tests;
