//! Makes a small copy of a data directory at rest: the same log in a fresh store.
//!
//! A store keeps dead values in its files and never gives the room back. A fresh one is written in
//! order, so it holds little else than the events. The old directory is opened as a start opens it,
//! and nothing in it is removed. The new one gets its name when it is whole and was read again.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use uuid::Uuid;

use super::{Action, ArchiveError, BuiltLog, ExpectedRoot, Header, LogBuilder, Watcher, verified};
use crate::{
    catalogue_files::CatalogueFiles,
    cursors::{self, CursorError},
    files,
    handover::{FOLLOWS_FILE, RETIRED_FILE},
    lang::{say, word},
    limits::IMPORT_GROUP_BYTES,
    log::{self, Chunk, FILE_NAMES, FORMAT_OF_EVENTS},
    merkle::Hash,
};

/// Files of a data directory that go along as they are, beside its log, cursors and catalogues.
const COPIED: [&str; 4] = ["token.key", "delegated.toml", RETIRED_FILE, FOLLOWS_FILE];
/// The audit trail: its file, and those that were set aside.
const AUDIT: (&str, &str) = ("audit", ".jsonl");
/// Files that a server makes again, beside those of the log.
const MADE_AGAIN: [&str; 1] = ["register.snapshot"];
/// Bytes of a block in which a file system states the room that a file takes.
const BLOCK_BYTES: u64 = 512;

/// The outcome for a data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// The log, which is the same in both.
    pub log: BuiltLog,
    /// Bytes of its events.
    pub event_bytes: u64,
    /// Bytes that the old store takes on its disk.
    pub before: u64,
    /// Bytes that the new one takes.
    pub after: u64,
    /// Cursors that were copied.
    pub cursors: u64,
    /// Files of the old directory that are not Tidu's, and were left there.
    pub left: Vec<PathBuf>,
}

/// Makes a copy of a data directory that no server uses in a directory that is empty or missing.
/// The catalogues that its log adopted are found in `files`.
///
/// # Errors
/// [`ArchiveError::NotEmpty`], [`ArchiveError::NoLog`], and every error of a log at rest. No new
/// directory is there then.
pub fn compact(
    from: &Path,
    to: &Path,
    files: CatalogueFiles,
    watcher: Watcher,
) -> Result<Compacted, ArchiveError> {
    if !log::is_in(from) {
        return Err(ArchiveError::NoLog(from.to_path_buf()));
    }
    reject_inside(from, to)?;
    let mut builder = LogBuilder::building(files.clone(), to)?;
    builder.watch(watcher);
    // Its lock keeps a server away until the end.
    let (old, mark) = log::open(from, Uuid::nil())?;
    let marked = mark.filter(|mark| mark.size > 0);
    builder.expect(marked.map(|mark| ExpectedRoot { root: mark.root, size: Some(mark.size) }));
    let name = from.display().to_string();
    let (log_id, size) = (old.id(), old.size());
    let root = builder.so_far().root;
    builder.require_format_min(old.format());
    let header = Header { format: FORMAT_OF_EVENTS, log_id, first: 0, next: size, root };
    builder.begin(&name, &header)?;
    let (mut position, mut event_bytes) = (0, 0);
    while position < size {
        for leaf in old.read(position, IMPORT_GROUP_BYTES)?.iter().flat_map(Chunk::leaves) {
            builder.frame(&leaf.as_frame())?;
            event_bytes += leaf.bytes.len() as u64;
            position = leaf.position + 1;
        }
    }
    builder.end(&name, &Header { root: builder.so_far().root, ..header })?;
    let (mut cursors, mut left) = (0, Vec::new());
    let log = builder.finish_with(|building, log| {
        (cursors, left) = beside(from, building)?;
        keep_epoch(building, old.epoch(), log.root)?;
        if verified(building, files)? != *log {
            let detail = word!(en: "the new store has another log", zh: "新存储中的日志不同");
            return Err(ArchiveError::backup(building, detail));
        }
        Ok(())
    })?;
    let (before, after) = (room(&from.join("log"))?, room(&to.join("log"))?);
    drop(old);
    Ok(Compacted { log, event_bytes, before, after, cursors, left })
}

/// Lets a log that was built be in the epoch of the one that it was copied from.
///
/// # Errors
/// [`ArchiveError::Log`].
pub fn keep_epoch(building: &Path, epoch: u64, root: Hash) -> Result<(), ArchiveError> {
    if epoch > 0 {
        let (copy, _) = log::open(building, Uuid::nil())?;
        copy.raise_epoch(epoch, root)?;
    }
    Ok(())
}

/// Refuses a copy inside of what is copied: it would be lost with the old directory.
fn reject_inside(from: &Path, to: &Path) -> Result<(), ArchiveError> {
    let from = from.canonicalize().map_err(|e| ArchiveError::io(Action::Read, from, e))?;
    let parents = to.ancestors().skip(1).map(|parent| match parent.as_os_str().is_empty() {
        true => Path::new(".").canonicalize(),
        false => parent.canonicalize(),
    });
    let mut there = parents.filter_map(Result::ok);
    if there.next().is_some_and(|parent| parent.starts_with(&from)) {
        return Err(ArchiveError::Inside { to: to.to_path_buf(), from });
    }
    Ok(())
}

/// Copies what a data directory holds besides its log. Gives the number of cursors, and the files
/// that nobody knows.
fn beside(from: &Path, building: &Path) -> Result<(u64, Vec<PathBuf>), ArchiveError> {
    let failed = |error: CursorError| {
        let detail = say!(
            en: "the cursors cannot be copied: {error}", zh: "无法复制游标：{error}"
        );
        ArchiveError::backup(&from.join("cursors.redb"), detail)
    };
    let cursors = cursors::copy(from, building).map_err(failed)?;
    let mut left = Vec::new();
    for entry in fs::read_dir(from).map_err(|e| ArchiveError::io(Action::Read, from, e))? {
        let path = entry.map_err(|e| ArchiveError::io(Action::Read, from, e))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if goes_along(&name) {
            let copy = building.join(&name);
            let write = files::copy(&path, &copy).and_then(|()| files::sync(&copy));
            write.map_err(|e| ArchiveError::io(Action::Write, &copy, e))?;
        } else if !is_made_again(&name) {
            left.push(path);
        }
    }
    left.sort();
    Ok((cursors.map_or(0, |usage| usage.cursors), left))
}

fn goes_along(name: &str) -> bool {
    let (first, last) = AUDIT;
    COPIED.contains(&name) || (name.starts_with(first) && name.ends_with(last))
}

fn is_made_again(name: &str) -> bool {
    let name = name.strip_suffix(".new").unwrap_or(name);
    FILE_NAMES.contains(&name) || MADE_AGAIN.contains(&name)
}

/// Bytes that the files of a store take on the disk.
fn room(store: &Path) -> Result<u64, ArchiveError> {
    let failed = |e| ArchiveError::io(Action::Read, store, e);
    let mut bytes = 0;
    for entry in fs::read_dir(store).map_err(failed)? {
        let metadata = entry.and_then(|entry| entry.metadata()).map_err(failed)?;
        bytes += metadata.blocks() * BLOCK_BYTES;
    }
    Ok(bytes)
}
