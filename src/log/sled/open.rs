//! Opens a log: locks the directory, verifies that the store is sound and really syncs, and removes
//! an incomplete commit.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU16, AtomicU64},
};

use bytes::Bytes;
use parking_lot::Mutex;
use sled::Batch;
use uuid::Uuid;

use super::{
    SledLog,
    format::{
        BLOCKS, CHUNKS, META_KEY, SYNC_KEY, decode_identity, encode_identity, key, position_of,
    },
    format_file::FormatFile,
    guarded, preflight, replacement,
    room::Room,
    snapshot, store, store_error, sync_cure,
};
use crate::{
    files,
    limits::HASHES_PER_BLOCK,
    log::{
        Chunk, FORMAT_BEGUN, LogError, REWRITING, REWRITTEN, SNAPSHOT_FILE,
        mark::{HighWaterMark, MarkFile},
    },
    merkle::Frontier,
    metrics::Metrics,
};

impl SledLog {
    /// Opens the log in `directory`, or creates one with the id `fresh_id`.
    ///
    /// # Errors
    /// Every variant of [`LogError`]. Opening never deletes acknowledged data.
    pub fn open(directory: &Path, fresh_id: Uuid) -> Result<Self, LogError> {
        Self::open_telling(directory, fresh_id, &mut || ())
    }

    /// As [`SledLog::open`]. Calls `checked` between the check of the store and its opening.
    ///
    /// # Errors
    /// As for [`SledLog::open`].
    pub(in crate::log) fn open_telling(
        directory: &Path,
        fresh_id: Uuid,
        checked: &mut dyn FnMut(),
    ) -> Result<Self, LogError> {
        own(directory)?;
        let lock = lock(directory)?;
        let noted = FormatFile::of(directory);
        noted.require_known()?;
        let store_path = directory.join("log");
        replacement::settle(directory, &store_path)?;
        let existed = store_path.exists();
        let marked = MarkFile::open(&directory.join("MARK"))?;
        let found = marked.as_ref().map(|(_, mark)| *mark);
        if existed && !store_path.join("db").exists() {
            return Err(LogError::damaged(0, "the store has lost its main file"));
        }
        if !existed && found.is_some_and(|mark| mark.size > 0) {
            return Err(LogError::damaged(0, "the store is gone, but the high-water mark is not"));
        }

        check_rename_syncs(directory)?;
        if !existed {
            begin_store(directory, &store_path)?;
        }
        snapshot::settle(directory, &store_path)?;
        preflight::check(&store_path)?;
        checked();
        let room = Room::of(directory)?;
        let store = store::open(&store_path)?;
        let copy_id = files::number_of(&store_path.join("db")).unwrap_or_default();
        match Self::take_over(&store, directory, &store_path, marked, fresh_id) {
            Ok((format, id, size, mark)) => {
                noted.settle(format);
                let (format, size) = (AtomicU16::new(format), AtomicU64::new(size));
                let mark = Mutex::new(mark);
                let windows = AtomicU64::new(0);
                let epoch = AtomicU64::new(found.map_or(0, |mark| mark.epoch));
                let metrics = Metrics::new();
                Ok(Self {
                    store,
                    room,
                    windows,
                    id,
                    copy_id,
                    format,
                    noted,
                    size,
                    mark,
                    epoch,
                    found,
                    metrics,
                    keys_first: false,
                    monotonic: None,
                    _lock: lock,
                })
            }
            Err(error) => {
                // The first error is the one to report.
                let _ = store::close(store);
                Err(error)
            }
        }
    }

    /// Checks an open store against the files beside it, and removes an incomplete commit. Nothing
    /// is written before the format of the log is known.
    fn take_over(
        store: &sled::Db,
        directory: &Path,
        store_path: &Path,
        marked: Option<(MarkFile, HighWaterMark)>,
        fresh_id: Uuid,
    ) -> Result<(u16, Uuid, u64, MarkFile), LogError> {
        let found = marked.as_ref().map(|(_, mark)| *mark);
        check_blobs(store_path)?;
        let identity = guarded(|| identity(store, found))?;
        guarded(|| check_flush_syncs(store))?;
        let (format, id) = match identity {
            Some(identity) => identity,
            // A power loss can keep the mark and lose the identity; then the mark has the id.
            None => begin_identity(store, found.map_or(fresh_id, |mark| mark.log_id))?,
        };
        let mark = match marked {
            Some((file, _)) => file,
            None => MarkFile::begin(&directory.join("MARK"), &nothing_yet(id))?,
        };
        sync_files(directory, store_path)?;

        let size = guarded(|| complete_size(store))?;
        if let Some(mark) = found.filter(|mark| mark.size > size) {
            let detail = format!("the log ends here, but {} events had been durable", mark.size);
            return Err(LogError::damaged(size, detail));
        }
        // Only now, so that a refused log keeps all its data.
        guarded(|| remove_tail(store, size))?;
        Ok((format, id, size, mark))
    }
}

/// The names in a data directory, which may hold other files as well.
pub const NAMES: [&str; 22] = [
    "FAILURES",
    "FOLLOWS",
    "FOLLOWS.new",
    "FORMAT",
    "FORMAT.new",
    "LOCK",
    "MARK",
    "MARK.new",
    "PROBE",
    "RETIRED",
    "RETIRED.new",
    "catalogues",
    "cursors.redb",
    "cursors.redb.new",
    "log",
    "log.new",
    "log.room",
    "log.trial",
    REWRITING,
    REWRITTEN,
    SNAPSHOT_FILE,
    "register.snapshot.partial",
];

/// Makes the directory, or takes over one of this user. Earlier versions left it to the umask who
/// can read the record, and whoever can open `LOCK` can lock it.
fn own(directory: &Path) -> Result<(), LogError> {
    let was_open = files::own_directory(directory, &NAMES)
        .map_err(|e| LogError::io(format!("take over {}", directory.display()), e))?;
    if was_open {
        let directory = directory.display();
        tracing::warn!(%directory, "other users had access to the data directory; it is withdrawn");
    }
    Ok(())
}

/// Locks the directory for this process.
fn lock(directory: &Path) -> Result<File, LogError> {
    let path = directory.join("LOCK");
    files::lock(&path).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => LogError::Busy(directory.to_path_buf()),
        _ => LogError::io(format!("lock {}", path.display()), error),
    })
}

/// Creates an empty store, and renames it when it is on the disk.
///
/// The store writes its `conf` without a sync, and refuses a torn one for ever. So a power loss
/// during the first start must not leave one under the name that the next start reads.
fn begin_store(directory: &Path, store_path: &Path) -> Result<(), LogError> {
    let begun = directory.join("log.new");
    files::remove_durably(&begun)
        .map_err(|e| LogError::io(format!("remove {}", begun.display()), e))?;
    let store = store::open(&begun)?;
    let flushed = store.flush().map_err(|e| store_error("flush a new store", e));
    let closed = store::close(store);
    flushed.and(closed)?;
    sync_files(directory, &begun)?;
    // The store must be durable before the mark: a mark without its store means a lost log.
    files::rename_durably(&begun, store_path)
        .map_err(|e| LogError::io(format!("rename {}", begun.display()), e))
}

/// Values are too small to become blobs, which the store does not sync. So a blob means damage.
pub(super) fn check_blobs(store_path: &Path) -> Result<(), LogError> {
    let blobs = store_path.join("blobs");
    let any = fs::read_dir(&blobs).ok().and_then(|mut entries| entries.next()).is_some();
    if any {
        return Err(LogError::damaged(0, format!("{} is not empty", blobs.display())));
    }
    Ok(())
}

/// Writes a marker, flushes, and checks that the flush called the cure.
fn check_flush_syncs(store: &sled::Db) -> Result<(), LogError> {
    let failed = |e| store_error("write the start-up marker", e);
    // The value changes at each start, because the store does not write a value that it has.
    let last =
        store.get(SYNC_KEY).map_err(failed)?.and_then(|value| value.as_ref().try_into().ok());
    let marker = last.map_or(0, u64::from_le_bytes).wrapping_add(1);
    let before = sync_cure::syncs();
    store.insert(SYNC_KEY, &marker.to_le_bytes()).and_then(|_| store.flush()).map_err(failed)?;
    if sync_cure::OBSERVABLE && sync_cure::syncs() == before {
        return Err(LogError::NotDurable);
    }
    Ok(())
}

/// Checks that a rename calls the cure. Renaming a missing file is enough.
fn check_rename_syncs(directory: &Path) -> Result<(), LogError> {
    let absent = directory.join("LOCK.absent");
    let before = sync_cure::renames();
    let _ = fs::rename(&absent, &absent);
    if sync_cure::OBSERVABLE && sync_cure::renames() == before {
        return Err(LogError::NotDurable);
    }
    Ok(())
}

/// Reads the format and the id of the log; `None` if the store holds nothing yet. A mark that
/// renames the log gives it another id.
fn identity(
    store: &sled::Db,
    mark: Option<HighWaterMark>,
) -> Result<Option<(u16, Uuid)>, LogError> {
    let stored = store.get(META_KEY).map_err(|e| store_error("read the log's identity", e))?;
    let Some(value) = stored else {
        let holds_events = !matches!(store.scan_prefix([CHUNKS]).next(), None | Some(Err(_)));
        if holds_events || mark.is_some_and(|mark| mark.size > 0) {
            return Err(LogError::damaged(0, "the log has lost its identity"));
        }
        return Ok(None);
    };
    let (format, id) = decode_identity(&value)?;
    match mark.filter(|mark| mark.log_id != id) {
        None => Ok(Some((format, id))),
        Some(mark) if mark.renames => {
            write_identity(store, format, mark.log_id)?;
            Ok(Some((format, mark.log_id)))
        }
        Some(_) => Err(LogError::damaged(0, "the high-water mark belongs to another log")),
    }
}

/// Writes the identity of a log that begins.
fn begin_identity(store: &sled::Db, id: Uuid) -> Result<(u16, Uuid), LogError> {
    write_identity(store, FORMAT_BEGUN, id)?;
    Ok((FORMAT_BEGUN, id))
}

fn write_identity(store: &sled::Db, format: u16, id: Uuid) -> Result<(), LogError> {
    let written = store.insert(META_KEY, encode_identity(format, id));
    let flushed = written.and_then(|_| store.flush());
    flushed.map(drop).map_err(|e| store_error("write the log's identity", e))
}

/// The high-water mark of a log that has just begun.
fn nothing_yet(log_id: Uuid) -> HighWaterMark {
    HighWaterMark::new(log_id, 0, Frontier::default().root())
}

/// Syncs what the store does not: its small files and the directories. Otherwise a new log could
/// vanish with its name.
fn sync_files(directory: &Path, store_path: &Path) -> Result<(), LogError> {
    let absolute = directory.canonicalize();
    let parent = absolute.ok().and_then(|path| path.parent().map(Path::to_path_buf));
    let paths = ["conf", "db", "blobs"].map(|name| store_path.join(name));
    let paths = paths
        .into_iter()
        .chain([directory.join("LOCK"), directory.join("MARK")])
        .filter(|path| path.exists())
        .chain([store_path.to_path_buf(), directory.to_path_buf()]);
    let sync = |path: PathBuf| {
        files::sync(&path).map_err(|e| LogError::io(format!("sync {}", path.display()), e))
    };
    paths.chain(parent).try_for_each(sync)
}

/// The end of the last complete commit.
fn complete_size(store: &sled::Db) -> Result<u64, LogError> {
    for entry in store.scan_prefix([CHUNKS]).rev() {
        let (key, value) = entry.map_err(|e| store_error("read the log's end", e))?;
        let chunk = Chunk::decode(position_of(&key), Bytes::copy_from_slice(&value))?;
        if chunk.ends_commit() {
            return Ok(chunk.next());
        }
    }
    Ok(0)
}

/// Removes an incomplete commit, so that no stale value follows the next one.
fn remove_tail(store: &sled::Db, size: u64) -> Result<(), LogError> {
    let mut batch = Batch::default();
    let mut any = false;
    for entry in store.range(key(CHUNKS, size)..key(CHUNKS, u64::MAX)) {
        let (key, _) = entry.map_err(|e| store_error("read the log's tail", e))?;
        batch.remove(key);
        any = true;
    }
    let first_open_block = size - size % HASHES_PER_BLOCK as u64;
    for entry in store.range(key(BLOCKS, first_open_block)..key(BLOCKS, u64::MAX)) {
        let (key, _) = entry.map_err(|e| store_error("read the log's tail", e))?;
        batch.remove(key);
        any = true;
    }
    if any {
        store.apply_batch(batch).map_err(|e| store_error("remove an incomplete commit", e))?;
        store.flush().map_err(|e| store_error("flush the log", e))?;
    }
    Ok(())
}
