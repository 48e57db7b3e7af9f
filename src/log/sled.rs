//! The log on sled 0.34.7, with its known faults cured from outside. The only file that names the store.
//!
//! ```text
//! DATA/LOCK       held by flock while a process has the directory
//! DATA/MARK       the high-water mark, see mark.rs
//! DATA/log/       sled: conf, db, snap.*; blobs/ stays empty
//! DATA/log.new/   a store being begun; until it has its final name it holds nothing
//!
//! key             value
//! m               format version (u16 LE), log id (16 bytes), CRC-32C of both (u32 LE)
//! s               start-up marker of the sync check, 8 bytes
//! e ‖ u64 BE      the chunk whose first event has that position, see chunk.rs
//! h ‖ u64 BE      the 128 leaf hashes from that position on, then their CRC-32C (u32 LE)
//! ```
//!
//! Rules of this file: one tree; a window is inserted in order and made durable by one blocking `flush`; never `flush_async`,
//! `watch_prefix`, merge operators, transactions, `generate_id` or `len`; no value over 7 KiB. A chunk past the last one
//! that ends a commit was never acknowledged: it is removed at the next start.

use std::{
    fs::{self, File, OpenOptions},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use bytes::Bytes;
use parking_lot::Mutex;
use rustix::fs::{FlockOperation, flock};
use sled::{Batch, IVec};
use uuid::Uuid;

use super::{
    Appended, Chunk, CommitLog, Group, HashBlock, LogError,
    mark::{Mark, MarkFile},
    preflight, sync_cure,
};
use crate::{
    limits::{
        HASHES_PER_BLOCK, STORE_CACHE_BYTES, STORE_CLOSE_DURATION_MAX, STORE_CLOSE_POLL,
        SYNC_WINDOW_BYTES_MAX,
    },
    merkle::{Frontier, Hash},
};

/// The format of keys and values described above.
const FORMAT: u16 = 1;
const META_KEY: &[u8] = b"m";
const SYNC_KEY: &[u8] = b"s";
const CHUNKS: u8 = b'e';
const BLOCKS: u8 = b'h';

type Key = [u8; 9];

/// The log in a data directory.
#[derive(Debug)]
pub struct SledLog {
    store: sled::Db,
    id: Uuid,
    size: AtomicU64,
    mark: Mutex<MarkFile>,
    found: Option<Mark>,
    _lock: File,
}

impl SledLog {
    /// Opens the log in `directory`, or begins a new one named `fresh_id`.
    ///
    /// # Errors
    /// Every variant of [`LogError`]. Nothing is repaired by deleting what was acknowledged.
    pub fn open(directory: &Path, fresh_id: Uuid) -> Result<Self, LogError> {
        fs::create_dir_all(directory)
            .map_err(|e| LogError::io(format!("create {}", directory.display()), e))?;
        let lock = lock(directory)?;
        let store_path = directory.join("log");
        let existed = store_path.exists();
        remove_half_written_snapshots(&store_path)?;
        let marked = MarkFile::open(&directory.join("MARK"))?;
        let found = marked.as_ref().map(|(_, mark)| *mark);
        if existed && !store_path.join("db").exists() {
            return Err(LogError::damaged(0, "the store has lost its main file"));
        }
        if !existed && found.is_some_and(|mark| mark.size > 0) {
            return Err(LogError::damaged(0, "the store is gone, but the high-water mark is not"));
        }

        if !existed {
            begin_store(directory, &store_path)?;
        }
        preflight::check(&store_path)?;
        let store = open_store(&store_path)?;
        match Self::take_over(&store, directory, &store_path, marked, fresh_id) {
            Ok((id, size, mark)) => {
                let (size, mark) = (AtomicU64::new(size), Mutex::new(mark));
                Ok(Self { store, id, size, mark, found, _lock: lock })
            }
            Err(error) => {
                // What went wrong first is what must be said.
                let _ = let_go(store);
                Err(error)
            }
        }
    }

    /// Checks an open store against everything that stands beside it, and removes what never became whole.
    fn take_over(
        store: &sled::Db,
        directory: &Path,
        store_path: &Path,
        marked: Option<(MarkFile, Mark)>,
        fresh_id: Uuid,
    ) -> Result<(Uuid, u64, MarkFile), LogError> {
        let found = marked.as_ref().map(|(_, mark)| *mark);
        check_blobs(store_path)?;
        guarded(|| check_flush_syncs(store))?;
        let id = guarded(|| identity(store, found, fresh_id))?;
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
        // Only now: before a log that is refused, nothing is taken away from it.
        guarded(|| remove_tail(store, size))?;
        Ok((id, size, mark))
    }

    /// The high-water mark found at the start. The root at its size must be compared with the rebuilt one.
    #[must_use]
    pub fn mark_found(&self) -> Option<Mark> {
        self.found
    }

    fn read_chunks(&self, from: u64, bytes: usize) -> Result<Vec<Chunk>, LogError> {
        let size = self.size();
        let mut chunks: Vec<Chunk> = Vec::new();
        if from >= size {
            return Ok(chunks);
        }
        let upto = key(CHUNKS, from);
        let holder = self.store.range([CHUNKS].as_slice()..=upto.as_slice()).next_back();
        let Some(holder) = holder else {
            return Err(LogError::damaged(from, "the chunk that holds it is missing"));
        };
        let (start, _) = holder.map_err(|e| store_error("read the log", e))?;
        let mut expected = position_of(&start);
        let mut taken = 0;
        for entry in self.store.range(start..[CHUNKS + 1].as_slice().into()) {
            let (key, value) = entry.map_err(|e| store_error("read the log", e))?;
            let chunk = Chunk::decode(position_of(&key), Bytes::copy_from_slice(&value))?;
            if chunk.first() != expected || (chunks.is_empty() && chunk.next() <= from) {
                return Err(LogError::damaged(expected, "a chunk is missing"));
            }
            expected = chunk.next();
            taken += value.len();
            if chunk.first() >= size {
                break;
            }
            chunks.push(chunk);
            if taken >= bytes {
                break;
            }
        }
        if taken < bytes && expected < size {
            return Err(LogError::damaged(expected, "the chunks end before the log does"));
        }
        Ok(chunks)
    }

    /// Writes the values in order and syncs them. No batch: the store would write its begin and its content separately and
    /// sync each. What a power loss leaves of a window is its first values, which is what the order is for.
    fn write_window(&self, window: &[(Key, Bytes)]) -> Result<(), LogError> {
        for (key, value) in window {
            let written = self.store.insert(key, value.as_ref());
            written.map_err(|e| store_error("write to the log", e))?;
        }
        self.store.flush().map_err(|e| store_error("flush the log", e))?;
        Ok(())
    }
}

impl CommitLog for SledLog {
    fn id(&self) -> Uuid {
        self.id
    }

    fn size(&self) -> u64 {
        self.size.load(Ordering::Acquire)
    }

    fn append(&self, base: u64, group: &Group) -> Result<Appended, LogError> {
        let size = self.size();
        if base != size {
            return Ok(Appended::MovedOn(size));
        }
        let Some(last) = group.chunks.last() else { return Ok(Appended::Durable(size)) };
        assert!(last.ends_commit(), "a group ends in the middle of a commit");

        let (mut window, mut bytes) = (Vec::new(), 0);
        let mut blocks = group.blocks.iter().peekable();
        let mut next = base;
        for chunk in &group.chunks {
            assert_eq!(chunk.first(), next, "a gap between chunks");
            next = chunk.next();
            // Hashes before the chunk that completes them: where that is, they are.
            while let Some(block) = blocks.next_if(|b| b.first + HASHES_PER_BLOCK as u64 <= next) {
                let value = Bytes::from(encode_block(block));
                bytes += value.len();
                window.push((key(BLOCKS, block.first), value));
            }
            bytes += chunk.bytes().len();
            window.push((key(CHUNKS, chunk.first()), chunk.bytes().clone()));
            if bytes >= SYNC_WINDOW_BYTES_MAX && next < last.next() {
                self.write_window(&window)?;
                window.clear();
                bytes = 0;
            }
        }
        self.write_window(&window)?;
        self.size.store(next, Ordering::Release);
        Ok(Appended::Durable(next))
    }

    fn read(&self, from: u64, bytes: usize) -> Result<Vec<Chunk>, LogError> {
        guarded(|| self.read_chunks(from, bytes))
    }

    fn hashes(&self, first: u64) -> Result<Option<HashBlock>, LogError> {
        guarded(|| {
            let value = self.store.get(key(BLOCKS, first));
            let value = value.map_err(|e| store_error("read leaf hashes", e))?;
            value.map(|value| decode_block(first, &value)).transpose()
        })
    }

    fn mark(&self, size: u64, root: Hash) -> Result<(), LogError> {
        assert!(size <= self.size(), "a high-water mark ahead of the log");
        self.mark.lock().write(&Mark { log_id: self.id, size, root })
    }
}

/// Reads from the store. It panics on some damage, which is then said as such; nothing is shared that a panic could break.
fn guarded<T>(read: impl FnOnce() -> Result<T, LogError>) -> Result<T, LogError> {
    let gave_up = |_| Err(LogError::damaged(0, "the store gave up on a page that it cannot read"));
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(gave_up)
}

fn key(prefix: u8, position: u64) -> Key {
    let [a, b, c, d, e, f, g, h] = position.to_be_bytes();
    [prefix, a, b, c, d, e, f, g, h]
}

fn position_of(key: &IVec) -> u64 {
    let digits = key.split_first_chunk::<1>().map_or(&[][..], |(_, digits)| digits);
    digits.try_into().map_or(u64::MAX, u64::from_be_bytes)
}

fn encode_block(block: &HashBlock) -> Vec<u8> {
    assert_eq!(block.hashes.len(), HASHES_PER_BLOCK, "an incomplete block of hashes");
    let mut value = block.hashes.concat();
    value.extend(crc32c::crc32c(&value).to_le_bytes());
    value
}

fn decode_block(first: u64, value: &[u8]) -> Result<HashBlock, LogError> {
    let damaged = || LogError::damaged(first, "a block of leaf hashes does not match its checksum");
    let (content, crc) = value.split_last_chunk::<4>().ok_or_else(damaged)?;
    let (hashes, rest) = content.as_chunks::<32>();
    let whole = rest.is_empty() && hashes.len() == HASHES_PER_BLOCK;
    if !whole || crc32c::crc32c(content).to_le_bytes() != *crc {
        return Err(damaged());
    }
    Ok(HashBlock { first, hashes: hashes.to_vec() })
}

/// Takes the directory for this process.
fn lock(directory: &Path) -> Result<File, LogError> {
    let path = directory.join("LOCK");
    let mut options = OpenOptions::new();
    let file = options
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|e| LogError::io(format!("open {}", path.display()), e))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(LogError::Busy(directory.to_path_buf())),
        Err(e) => Err(LogError::io(format!("lock {}", path.display()), e.into())),
    }
}

/// A kill during an open leaves `snap.*.generating`, which the store would take for a snapshot for ever after.
fn remove_half_written_snapshots(store_path: &Path) -> Result<(), LogError> {
    let failed = |e| LogError::io(format!("look into {}", store_path.display()), e);
    let entries = match fs::read_dir(store_path) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(failed(e)),
    };
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "generating") {
            fs::remove_file(&path)
                .map_err(|e| LogError::io(format!("remove {}", path.display()), e))?;
        }
    }
    Ok(())
}

/// Makes an empty store and gives it its name when it is on the disk.
///
/// The store writes its `conf` without a sync, and refuses a torn one for ever: a power loss during the first start must
/// not leave one under the name that the next start reads.
fn begin_store(directory: &Path, store_path: &Path) -> Result<(), LogError> {
    let begun = directory.join("log.new");
    match fs::remove_dir_all(&begun) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            return Err(LogError::io(format!("remove {}", begun.display()), e));
        }
        _ => {}
    }
    let store = open_store(&begun)?;
    let flushed = store.flush().map_err(|e| store_error("flush a new store", e));
    let let_go = let_go(store);
    flushed.and(let_go)?;
    sync_files(directory, &begun)?;
    fs::rename(&begun, store_path)
        .map_err(|e| LogError::io(format!("rename {}", begun.display()), e))?;
    // Before the mark gets its name: a mark without its store would speak of a log that is gone.
    sync_files(directory, store_path)
}

/// Opens the store. It panics on some damage, so the panic is taken for what it means.
///
/// The store's threads may hold its file for a moment after the last handle of this process is dropped. We hold LOCK, so
/// a file in use can only be our own, and waiting for it ends.
fn open_store(path: &Path) -> Result<sled::Db, LogError> {
    let config =
        sled::Config::new().path(path).cache_capacity(STORE_CACHE_BYTES).flush_every_ms(None);
    let mut waited = Duration::ZERO;
    loop {
        match catch_unwind(AssertUnwindSafe(|| config.open())) {
            Err(_) => {
                let detail = "the store cannot be read and gave up while opening";
                return Err(LogError::damaged(0, detail));
            }
            Ok(Err(sled::Error::Io(e)))
                if e.to_string().contains("could not acquire lock")
                    && waited < STORE_CLOSE_DURATION_MAX =>
            {
                std::thread::sleep(STORE_CLOSE_POLL);
                waited += STORE_CLOSE_POLL;
            }
            Ok(opened) => {
                return opened.map_err(|e| store_error(&format!("open {}", path.display()), e));
            }
        }
    }
}

/// Closes the store. It syncs its file then, and panics where that fails.
fn let_go(store: sled::Db) -> Result<(), LogError> {
    catch_unwind(AssertUnwindSafe(|| drop(store))).map_err(|_| {
        LogError::io("close the store", io::Error::other("its file could not be synced"))
    })
}

/// Values are small enough never to become blobs, which the store does not sync. One here means damage.
fn check_blobs(store_path: &Path) -> Result<(), LogError> {
    let blobs = store_path.join("blobs");
    let any = fs::read_dir(&blobs).ok().and_then(|mut entries| entries.next()).is_some();
    if any {
        return Err(LogError::damaged(0, format!("{} is not empty", blobs.display())));
    }
    Ok(())
}

/// Writes a marker, flushes, and sees whether the flush came by the cure.
fn check_flush_syncs(store: &sled::Db) -> Result<(), LogError> {
    let failed = |e| store_error("write the start-up marker", e);
    // Another value at each start, because the store writes nothing for one that it has.
    let last =
        store.get(SYNC_KEY).map_err(failed)?.and_then(|value| value.as_ref().try_into().ok());
    let marker = last.map_or(0, u64::from_le_bytes).wrapping_add(1);
    let before = sync_cure::calls();
    store.insert(SYNC_KEY, &marker.to_le_bytes()).and_then(|_| store.flush()).map_err(failed)?;
    if sync_cure::OBSERVABLE && sync_cure::calls() == before {
        return Err(LogError::NotDurable);
    }
    Ok(())
}

/// Reads the log id, or writes it into a store that has none.
fn identity(store: &sled::Db, mark: Option<Mark>, fresh_id: Uuid) -> Result<Uuid, LogError> {
    let stored = store.get(META_KEY).map_err(|e| store_error("read the log's identity", e))?;
    let Some(value) = stored else {
        let holds_events = !matches!(store.scan_prefix([CHUNKS]).next(), None | Some(Err(_)));
        if holds_events || mark.is_some_and(|mark| mark.size > 0) {
            return Err(LogError::damaged(0, "the log has lost its identity"));
        }
        // A mark that has survived where the identity has not gives the log its name.
        let fresh_id = mark.map_or(fresh_id, |mark| mark.log_id);
        store
            .insert(META_KEY, encode_identity(fresh_id))
            .and_then(|_| store.flush())
            .map_err(|e| store_error("write the log's identity", e))?;
        return Ok(fresh_id);
    };
    let id = decode_identity(&value)?;
    if mark.is_some_and(|mark| mark.log_id != id) {
        return Err(LogError::damaged(0, "the high-water mark belongs to another log"));
    }
    Ok(id)
}

/// The high-water mark of a log that has just begun.
fn nothing_yet(log_id: Uuid) -> Mark {
    Mark { log_id, size: 0, root: Frontier::default().root() }
}

fn encode_identity(id: Uuid) -> Vec<u8> {
    let mut value = FORMAT.to_le_bytes().to_vec();
    value.extend(id.as_bytes());
    value.extend(crc32c::crc32c(&value).to_le_bytes());
    value
}

fn decode_identity(value: &[u8]) -> Result<Uuid, LogError> {
    let damaged = || LogError::damaged(0, "the log's identity does not match its checksum");
    let (content, crc) = value.split_last_chunk::<4>().ok_or_else(damaged)?;
    let (format, rest) = content.split_first_chunk::<2>().ok_or_else(damaged)?;
    if crc32c::crc32c(content).to_le_bytes() != *crc {
        return Err(damaged());
    }
    let found = u16::from_le_bytes(*format);
    if found > FORMAT {
        return Err(LogError::TooNew { found, known: FORMAT });
    }
    rest.try_into().map(Uuid::from_bytes).map_err(|_| damaged())
}

/// The store syncs neither its small files nor any directory, so that a new log could vanish with its name.
fn sync_files(directory: &Path, store_path: &Path) -> Result<(), LogError> {
    let absolute = directory.canonicalize();
    let parent = absolute.ok().and_then(|path| path.parent().map(Path::to_path_buf));
    let files = ["conf", "db", "blobs"].map(|name| store_path.join(name));
    let paths = files
        .into_iter()
        .chain([directory.join("LOCK"), directory.join("MARK")])
        .filter(|path| path.exists())
        .chain([store_path.to_path_buf(), directory.to_path_buf()]);
    let sync = |path: PathBuf| {
        File::open(&path)
            .and_then(|file| file.sync_all())
            .map_err(|e| LogError::io(format!("sync {}", path.display()), e))
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

/// Removes what was written of a commit that never became whole, so that nothing stale stands behind the next one.
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

fn store_error(what: &str, error: sled::Error) -> LogError {
    match error {
        sled::Error::Io(source) => LogError::io(what, source),
        other => LogError::damaged(0, format!("{what}: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use bytes::BufMut as _;

    use super::*;
    use crate::log::ChunkWriter;

    #[test]
    fn golden_keys_and_identity() {
        assert_eq!(key(CHUNKS, 258), [b'e', 0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(position_of(&IVec::from(&key(BLOCKS, 258))), 258);
        let value = encode_identity(Uuid::from_u128(1));
        assert_eq!(&value[..3], [1, 0, 0]);
        assert_eq!(value.len(), 22);
        assert_eq!(decode_identity(&value).unwrap(), Uuid::from_u128(1));
    }

    #[test]
    fn a_tail_without_its_end_is_invisible_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let id = Uuid::from_u128(1);
        let log = SledLog::open(dir.path(), id).unwrap();
        let mut writer = ChunkWriter::new(0, Vec::new());
        for _ in 0..300 {
            writer.push(5_000, true, |buf| buf.put_bytes(b'x', 5_000));
        }
        log.append(0, &writer.finish()).unwrap();
        // What a crash between two windows leaves: chunks of a commit without the one that ends it.
        for i in 0..3_u32 {
            writer.push(6_000, i == 2, |buf| buf.put_bytes(b'y', 6_000));
        }
        let torn = writer.finish();
        for chunk in &torn.chunks[..2] {
            log.store.insert(key(CHUNKS, chunk.first()), chunk.bytes().as_ref()).unwrap();
        }
        log.store.flush().unwrap();
        drop(log);

        let log = SledLog::open(dir.path(), Uuid::nil()).unwrap();
        assert_eq!((log.id(), log.size()), (id, 300));
        assert!(log.read(300, 1).unwrap().is_empty());
        assert_eq!(log.read(299, 1).unwrap()[0].next(), 300);
        assert!(log.store.get(key(CHUNKS, 300)).unwrap().is_none());
        assert!(log.hashes(128).unwrap().is_some());
        assert_eq!(log.append(301, &torn).unwrap(), Appended::MovedOn(300));
    }

    #[test]
    fn a_log_shorter_than_its_mark_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let log = SledLog::open(dir.path(), Uuid::from_u128(1)).unwrap();
        let mut writer = ChunkWriter::new(0, Vec::new());
        writer.push(1, true, |buf| buf.put_u8(1));
        log.append(0, &writer.finish()).unwrap();
        log.mark(1, [0; 32]).unwrap();
        log.store.remove(key(CHUNKS, 0)).unwrap();
        log.store.flush().unwrap();
        drop(log);
        let error = SledLog::open(dir.path(), Uuid::nil()).unwrap_err();
        assert!(matches!(error, LogError::Damaged { position: 0, .. }), "{error}");
        fs::remove_dir_all(dir.path().join("log")).unwrap();
        let error = SledLog::open(dir.path(), Uuid::nil()).unwrap_err();
        assert!(error.to_string().contains("the store is gone"), "{error}");
    }

    #[test]
    fn a_directory_in_use_is_refused_and_a_half_written_snapshot_removed() {
        let dir = tempfile::tempdir().unwrap();
        let log = SledLog::open(dir.path(), Uuid::from_u128(1)).unwrap();
        assert!(matches!(SledLog::open(dir.path(), Uuid::nil()), Err(LogError::Busy(_))));
        drop(log);
        let leftover = dir.path().join("log/snap.00000000000000FF.generating");
        fs::write(&leftover, b"torn").unwrap();
        SledLog::open(dir.path(), Uuid::nil()).unwrap();
        assert!(!leftover.exists());
    }

    #[test]
    fn a_newer_format_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let log = SledLog::open(dir.path(), Uuid::from_u128(1)).unwrap();
        let mut value = 9_u16.to_le_bytes().to_vec();
        value.extend([0; 16]);
        value.extend(crc32c::crc32c(&value).to_le_bytes());
        log.store.insert(META_KEY, value).unwrap();
        log.store.flush().unwrap();
        drop(log);
        let error = SledLog::open(dir.path(), Uuid::nil()).unwrap_err();
        assert!(matches!(error, LogError::TooNew { found: 9, known: 1 }), "{error}");
    }

    #[test]
    fn a_missing_or_altered_chunk_is_damage_and_never_a_shorter_answer() {
        let dir = tempfile::tempdir().unwrap();
        let log = SledLog::open(dir.path(), Uuid::from_u128(1)).unwrap();
        let mut writer = ChunkWriter::new(0, Vec::new());
        for _ in 0..4 {
            writer.push(4_000, true, |buf| buf.put_bytes(b'x', 4_000));
        }
        log.append(0, &writer.finish()).unwrap();
        log.store.remove(key(CHUNKS, 1)).unwrap();
        for from in 1..2 {
            let error = log.read(from, usize::MAX).unwrap_err();
            assert!(matches!(error, LogError::Damaged { .. }), "{error}");
        }
        let error = log.read(0, usize::MAX).unwrap_err();
        assert!(matches!(error, LogError::Damaged { position: 1, .. }), "{error}");
    }
}
