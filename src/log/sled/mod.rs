//! The log on sled 0.34.7, with cures for its known faults. The only room that names sled.
//!
//! ```text
//! DATA/LOCK        locked while a process has the directory
//! DATA/MARK        the high-water mark, see mark.rs
//! DATA/log/        sled: conf, db, snap.*; blobs/ stays empty
//! DATA/log.new/    a store being created; it holds nothing until it has its final name
//! DATA/log.redact* a rewritten store, see replacement.rs
//! DATA/log.room    room for a start on a full disk, see room.rs
//! DATA/log.trial/  a copy of the store during a start that found its snapshot torn
//! ```
//!
//! This file serves an open log; `open.rs` opens it, and `format.rs` has its keys and values.
//! Rules: one tree; a window is inserted in order and made durable by one blocking `flush`; never
//! `flush_async`, `watch_prefix`, merge operators, transactions, `generate_id` or `len`; no value
//! over 7 KiB. A chunk past the last one that ends a commit was never acknowledged: it is removed
//! at the next start.

mod examine;
mod format;
mod format_file;
mod open;
mod preflight;
mod replacement;
mod room;
mod snapshot;
mod store;
mod sync_cure;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU16, AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use parking_lot::Mutex;
use uuid::Uuid;

pub(super) use self::format_file::note_format;
pub use self::{
    examine::{Examined, examine},
    open::NAMES,
};
use self::{
    format::{
        BLOCKS, CHUNKS, Key, META_KEY, decode_block, encode_block, encode_identity, key,
        position_of,
    },
    format_file::FormatFile,
    room::Room,
};
use super::{
    Appended, Chunk, CommitLog, Disk, DiskLow, FORMAT_HANDED_OVER, FORMAT_KNOWN, Group, HashBlock,
    LogError, Monotonic,
    mark::{HighWaterMark, MarkFile},
};
use crate::{
    limits::{
        DISK_RESERVE_BYTES_MAX, DISK_RESERVE_BYTES_MIN, DISK_RESERVE_DIVISOR, HASHES_PER_BLOCK,
        STORE_ACCESSES, SYNC_WINDOW_BYTES_MAX,
    },
    merkle::Hash,
    metrics::Metrics,
};

/// Bytes that stay free on a disk of this size, unless the operator sets another number.
#[must_use]
pub fn default_reserve(disk_bytes: u64) -> u64 {
    (disk_bytes / DISK_RESERVE_DIVISOR).clamp(DISK_RESERVE_BYTES_MIN, DISK_RESERVE_BYTES_MAX)
}

/// The log in a data directory.
pub struct SledLog {
    store: sled::Db,
    room: Room,
    /// Windows made durable so far.
    windows: AtomicU64,
    id: Uuid,
    /// Names the store's file: see [`CommitLog::copy_id`].
    copy_id: u64,
    /// The format of the log, as it is durable in the store. Only an append raises it.
    format: AtomicU16,
    /// The same beside the store, raised first.
    noted: FormatFile,
    size: AtomicU64,
    mark: Mutex<MarkFile>,
    /// The epoch, as it is durable in the mark.
    epoch: AtomicU64,
    found: Option<HighWaterMark>,
    metrics: Arc<Metrics>,
    /// Nobody has the log before it is whole, so its keys may come before their values.
    keys_first: bool,
    /// Times the windows, if somebody counts them.
    monotonic: Option<Monotonic>,
    _lock: File,
}

impl fmt::Debug for SledLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledLog").field("id", &self.id).finish_non_exhaustive()
    }
}

impl SledLog {
    /// The high-water mark found at the start. The root at its size must be compared with the
    /// rebuilt one.
    #[must_use]
    pub fn mark_found(&self) -> Option<HighWaterMark> {
        self.found
    }

    /// What the log counts.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Counts in these metrics from now on, and times its syncs.
    pub(super) fn count_in(&mut self, metrics: Arc<Metrics>, monotonic: Monotonic) {
        (self.metrics, self.monotonic) = (metrics, Some(monotonic));
    }

    /// Writes the keys of a group before their values from now on.
    ///
    /// The store splits a page with too many keys, and writes both halves anew. A page of keys
    /// alone is small; each value is then written once, and the store holds little besides. A log
    /// that is cut off meanwhile has chunks without content, so this is for one that is built
    /// apart.
    pub(super) fn put_keys_first(&mut self) {
        self.keys_first = true;
    }

    /// Leaves so many bytes of the file system to others; by default 5 %, within bounds.
    pub(super) fn keep_free(&self, bytes: Option<u64>) {
        let default = || default_reserve(self.room.disk_bytes().unwrap_or(0));
        self.room.keep_free(bytes.unwrap_or_else(default));
        self.room.keep_for_start();
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
        let unreadable = |position| move |e| at(position, store_error("read the log", e));
        let (start, _) = holder.map_err(unreadable(from))?;
        let mut expected = position_of(&start);
        let mut taken = 0;
        for entry in self.store.range(start..[CHUNKS + 1].as_slice().into()) {
            let (key, value) = entry.map_err(unreadable(expected))?;
            self.bound_cache(&key)?;
            taken += value.len();
            // The store's own bytes are kept, not a copy of them.
            let chunk = Chunk::decode(position_of(&key), Bytes::from_owner(value))?;
            if chunk.first() != expected || (chunks.is_empty() && chunk.next() <= from) {
                return Err(LogError::damaged(expected, "a chunk is missing"));
            }
            expected = chunk.next();
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

    /// Bounds the store's cache, after a value was read or written.
    ///
    /// The store divides its pages among 256 parts of the cache, and evicts from a part at each
    /// 64th access to a page of it. Whoever goes through the log accesses each page once, so
    /// hundreds of megabytes would stay. These further accesses are cheap, and their number counts.
    fn bound_cache(&self, key: &[u8]) -> Result<(), LogError> {
        for _ in 0..STORE_ACCESSES {
            self.store.contains_key(key).map_err(|e| store_error("read the log", e))?;
        }
        Ok(())
    }

    /// Raises the format of the log, durably. A version that does not know the format then refuses
    /// the log before it meets a leaf that it does not understand.
    fn raise(&self, format: u16) -> Result<(), LogError> {
        assert!(format <= FORMAT_KNOWN, "a group needs format {format}");
        self.noted.write(format)?;
        self.store
            .insert(META_KEY, encode_identity(format, self.id))
            .and_then(|_| self.store.flush())
            .map_err(|e| store_error("raise the format of the log", e))?;
        self.format.store(format, Ordering::Release);
        tracing::info!(
            format,
            "the log has a newer format; versions that do not know it refuse it"
        );
        Ok(())
    }

    /// Keeps versions away that know nothing of epochs.
    fn fence(&self) -> Result<(), LogError> {
        if self.format() < FORMAT_HANDED_OVER { self.raise(FORMAT_HANDED_OVER) } else { Ok(()) }
    }

    fn write_keys(&self, group: &Group) -> Result<(), LogError> {
        let blocks = group.blocks.iter().map(|block| key(BLOCKS, block.first));
        let chunks = group.chunks.iter().map(|chunk| key(CHUNKS, chunk.first()));
        for key in blocks.chain(chunks) {
            let written = self.store.insert(key, [].as_slice());
            written.map_err(|e| store_error("write to the log", e))?;
        }
        Ok(())
    }

    /// Writes the values in order and syncs them. A batch would cost two syncs, because sled syncs
    /// its begin and its content separately. A power loss leaves the first values of a window, so
    /// the order matters.
    fn write_window(&self, window: &[(Key, Bytes)]) -> Result<(), LogError> {
        let now = || self.monotonic.as_ref().map(|monotonic| monotonic());
        let began = now();
        for (key, value) in window {
            let written = self.store.insert(key, value.as_ref());
            written.map_err(|e| store_error("write to the log", e))?;
            self.bound_cache(key)?;
        }
        self.store.flush().map_err(|e| store_error("flush the log", e))?;
        self.windows.fetch_add(1, Ordering::Release);
        if let (Some(began), Some(ended)) = (began, now()) {
            self.metrics.window_duration_seconds.observe(ended.saturating_sub(began));
        }
        Ok(())
    }
}

impl CommitLog for SledLog {
    fn id(&self) -> Uuid {
        self.id
    }

    fn copy_id(&self) -> u64 {
        self.copy_id
    }

    fn size(&self) -> u64 {
        self.size.load(Ordering::Acquire)
    }

    fn append(&self, base: u64, group: &Group) -> Result<Appended, LogError> {
        let size = self.size();
        if base != size {
            return Ok(Appended::MovedOn(size));
        }
        if group.format > self.format() {
            self.raise(group.format)?;
        }
        let Some(last) = group.chunks.last() else { return Ok(Appended::Durable(size)) };
        assert!(last.ends_commit(), "a group ends in the middle of a commit");

        if self.keys_first {
            self.write_keys(group)?;
        }
        let (mut window, mut bytes) = (Vec::new(), 0);
        let mut blocks = group.blocks.iter().peekable();
        let mut next = base;
        for chunk in &group.chunks {
            assert_eq!(chunk.first(), next, "a gap between chunks");
            next = chunk.next();
            // Hashes go before the chunk that completes them: if it is there, so are they.
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
        let epoch = self.epoch();
        self.mark.lock().write(&HighWaterMark { epoch, ..HighWaterMark::new(self.id, size, root) })
    }

    fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    fn raise_epoch(&self, epoch: u64, root: Hash) -> Result<(), LogError> {
        assert!(epoch > self.epoch(), "an epoch only rises");
        self.fence()?;
        let mark = HighWaterMark { epoch, ..HighWaterMark::new(self.id, self.size(), root) };
        self.mark.lock().replace(&mark)?;
        self.epoch.store(epoch, Ordering::Release);
        Ok(())
    }

    fn rename(&self, id: Uuid, root: Hash) -> Result<(), LogError> {
        self.fence()?;
        let mark = HighWaterMark { renames: true, ..HighWaterMark::new(id, self.size(), root) };
        self.mark.lock().replace(&mark)
    }

    fn format(&self) -> u16 {
        self.format.load(Ordering::Acquire)
    }

    fn reserve(&self, bytes: u64) -> Result<(), DiskLow> {
        self.room.require(bytes)
    }

    fn disk(&self) -> Option<Disk> {
        self.room.disk().ok()
    }

    fn low(&self, bytes: u64) -> Option<DiskLow> {
        self.room.low(bytes)
    }

    fn progress(&self) -> u64 {
        // A window takes several syncs, which the cure counts where it can.
        self.windows.load(Ordering::Acquire).wrapping_add(sync_cure::syncs())
    }
}

/// Reads from the store. sled panics on some corruption; the panic is reported as damage. Nothing
/// is shared that a panic could leave half changed.
fn guarded<T>(read: impl FnOnce() -> Result<T, LogError>) -> Result<T, LogError> {
    let gave_up = |_| Err(LogError::damaged(0, "the store gave up on a page that it cannot read"));
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(gave_up)
}

/// Damage at a position that the store does not know.
fn at(position: u64, error: LogError) -> LogError {
    match error {
        LogError::Damaged { detail, .. } => LogError::Damaged { position, detail },
        other => other,
    }
}

fn store_error(what: &str, error: sled::Error) -> LogError {
    match error {
        sled::Error::Io(source) => LogError::io(what, source),
        other => LogError::damaged(0, format!("cannot {what}: {other}")),
    }
}
