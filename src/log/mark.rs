//! The high-water mark: the durable size of the log, kept outside the store, so that a start
//! detects a silent loss.
//!
//! Two slots of 64 bytes, written in turn, each synced before the other is touched:
//!
//! ```text
//! offset  bytes  field
//!      0      4  magic "TDM1"
//!      4     16  log id
//!     20      8  log size, little-endian
//!     28     32  Merkle root at that size
//!     60      4  CRC-32C of the 60 bytes above, little-endian
//! ```
//!
//! Two extensions of 32 bytes may follow, one for each slot. They exist once a mark has a place in
//! another log engine:
//!
//! ```text
//! offset  bytes  field
//!      0      4  magic "TDX1"
//!      4      4  1 if there is a place, else 0; little-endian
//!      8      8  the place, little-endian
//!     16      4  CRC-32C of the 16 bytes above and the first 60 of the slot, little-endian
//!     20     12  zeros
//! ```
//!
//! An extension belongs to a slot only if its checksum is right. It is synced before its slot is
//! written, so a slot that is valid has its own.
//!
//! A mark with an epoch, or one that renames the log, has a slot with the magic "TDM2". It counts
//! only with its extension, so an epoch is never lost without its mark:
//!
//! ```text
//! offset  bytes  field
//!      0      4  magic "TDX2"
//!      4      4  bit 0: there is a place; bit 1: the log takes the id of this mark; little-endian
//!      8      8  the place, little-endian
//!     16      8  the epoch, little-endian
//!     24      4  CRC-32C of the 24 bytes above and the first 60 of the slot, little-endian
//!     28      4  zeros
//! ```
//!
//! The newest mark is the one of the highest epoch, and the largest of those.
//!
//! The file may lag behind the log; it must never run ahead of it. It is created with both slots,
//! under another name until it is on the disk. So a torn write damages at most one slot, even the
//! first ever written.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use uuid::Uuid;

use super::LogError;
use crate::{files, merkle::Hash};

const MAGIC: [u8; 4] = *b"TDM1";
/// Of a slot that counts only with its extension.
const EXTENDED_MAGIC: [u8; 4] = *b"TDM2";
const SLOT: usize = 64;
const COVERED: usize = 60;
const EXTENSION_MAGIC: [u8; 4] = *b"TDX1";
const EPOCH_MAGIC: [u8; 4] = *b"TDX2";
const EXTENSION: usize = 32;
const EXTENSION_COVERED: usize = 16;
const EPOCH_COVERED: usize = 24;
const HAS_PLACE: u32 = 1;
const RENAMES: u32 = 2;
const EXTENSIONS_AT: u64 = 2 * SLOT as u64;

/// The size and root of a log at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HighWaterMark {
    /// The log id.
    pub log_id: Uuid,
    /// Events that were durable.
    pub size: u64,
    /// Merkle root at that size.
    pub root: Hash,
    /// The place of that size in another log engine, which does not count in events.
    pub place: Option<u64>,
    /// The epoch of the log: 0 at first, raised by each promotion.
    pub epoch: u64,
    /// The log begins another history: the next opening gives it the id of this mark.
    pub renames: bool,
}

impl HighWaterMark {
    /// A mark of the first epoch, in a log that is not replicated.
    #[must_use]
    pub fn new(log_id: Uuid, size: u64, root: Hash) -> Self {
        Self { log_id, size, root, place: None, epoch: 0, renames: false }
    }

    /// True if the mark counts only with its extension.
    fn needs_extension(&self) -> bool {
        self.epoch > 0 || self.renames
    }

    fn has_extension(&self) -> bool {
        self.needs_extension() || self.place.is_some()
    }
}

/// The file with its two slots.
#[derive(Debug)]
pub struct MarkFile {
    file: File,
    path: PathBuf,
    next_slot: u64,
    /// The file has extensions.
    extended: bool,
}

impl MarkFile {
    /// Opens the file and reads the newest valid slot; `None` if the file is missing or empty.
    /// Early versions began a log with an empty one.
    ///
    /// # Errors
    /// [`LogError::Io`]; [`LogError::Damaged`] if no slot is valid.
    pub fn open(path: &Path) -> Result<Option<(Self, HighWaterMark)>, LogError> {
        let failed = |source| LogError::io(format!("open {}", path.display()), source);
        let file = match files::open_to_change(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(failed)?,
        };
        let length = file.metadata().map_err(failed)?.len();
        if length == 0 {
            return Ok(None);
        }
        let slots = [read_slot(&file, 0), read_slot(&file, 1)];
        let newest = newest(slots, path)?;
        // Overwrite the older slot first, so that a torn write leaves the newer one.
        let next_slot = u64::from(slots[0] == Some(newest));
        let extended = length > EXTENSIONS_AT;
        let path = path.to_path_buf();
        Ok(Some((Self { file, path, next_slot, extended }, newest)))
    }

    /// Creates the file with `mark` in both slots, durably.
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub fn begin(path: &Path, mark: &HighWaterMark) -> Result<Self, LogError> {
        let failed = |source| LogError::io(format!("create {}", path.display()), source);
        let slot = encode(mark);
        let mut bytes = slot.repeat(2);
        let extended = mark.has_extension();
        if extended {
            bytes.extend(encode_extension(mark, &slot).repeat(2));
        }
        files::replace(path, &bytes).map_err(failed)?;
        let file = files::open_to_change(path).map_err(failed)?;
        let path = path.to_path_buf();
        Ok(Self { file, path, next_slot: 0, extended })
    }

    /// Replaces both slots by `mark` at once, durably: no older mark is left.
    ///
    /// # Errors
    /// [`LogError::Io`]; the old file or the new one is there then.
    pub fn replace(&mut self, mark: &HighWaterMark) -> Result<(), LogError> {
        *self = Self::begin(&self.path, mark)?;
        Ok(())
    }

    /// Writes a mark and syncs it.
    ///
    /// # Errors
    /// [`LogError::Io`]; the other slot is still valid.
    pub fn write(&mut self, mark: &HighWaterMark) -> Result<(), LogError> {
        let failed = |source| LogError::io("write the high-water mark", source);
        let slot = encode(mark);
        if self.extended || mark.has_extension() {
            let extension = encode_extension(mark, &slot);
            let at = EXTENSIONS_AT + self.next_slot * EXTENSION as u64;
            self.file.write_all_at(&extension, at).map_err(failed)?;
            self.file.sync_data().map_err(failed)?;
            self.extended = true;
        }
        self.file.write_all_at(&slot, self.next_slot * SLOT as u64).map_err(failed)?;
        self.file.sync_data().map_err(failed)?;
        self.next_slot ^= 1;
        Ok(())
    }
}

/// Reads the newest valid slot of a file that another process may be writing.
///
/// # Errors
/// As for [`MarkFile::open`].
pub fn peek(path: &Path) -> Result<Option<HighWaterMark>, LogError> {
    let failed = |source| LogError::io(format!("read {}", path.display()), source);
    let file = match files::open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(failed)?,
    };
    if file.metadata().map_err(failed)?.len() == 0 {
        return Ok(None);
    }
    newest([read_slot(&file, 0), read_slot(&file, 1)], path).map(Some)
}

fn newest(slots: [Option<HighWaterMark>; 2], path: &Path) -> Result<HighWaterMark, LogError> {
    let newest = slots.into_iter().flatten().max_by_key(|mark| (mark.epoch, mark.size));
    newest.ok_or_else(|| {
        let detail = format!("{} contains no valid high-water mark", path.display());
        LogError::damaged(0, detail)
    })
}

fn encode(mark: &HighWaterMark) -> Vec<u8> {
    let mut slot = Vec::with_capacity(SLOT);
    slot.extend(if mark.needs_extension() { EXTENDED_MAGIC } else { MAGIC });
    slot.extend(mark.log_id.as_bytes());
    slot.extend(mark.size.to_le_bytes());
    slot.extend(mark.root);
    slot.extend(crc32c::crc32c(&slot).to_le_bytes());
    slot
}

fn encode_extension(mark: &HighWaterMark, slot: &[u8]) -> Vec<u8> {
    let mut extension = Vec::with_capacity(EXTENSION);
    let is_extended = mark.needs_extension();
    extension.extend(if is_extended { EPOCH_MAGIC } else { EXTENSION_MAGIC });
    let has_place = if mark.place.is_some() { HAS_PLACE } else { 0 };
    let renames = if mark.renames { RENAMES } else { 0 };
    extension.extend((has_place | renames).to_le_bytes());
    extension.extend(mark.place.unwrap_or(0).to_le_bytes());
    if is_extended {
        extension.extend(mark.epoch.to_le_bytes());
    }
    let crc = extension_checksum(&extension, slot);
    extension.extend(crc.to_le_bytes());
    extension.resize(EXTENSION, 0);
    extension
}

/// Without the checksum of the slot: a checksum over bytes and their own checksum is the same for
/// all bytes.
fn extension_checksum(extension: &[u8], slot: &[u8]) -> u32 {
    let covered = slot.get(..COVERED).unwrap_or_default();
    crc32c::crc32c_append(crc32c::crc32c(extension), covered)
}

fn read_slot(file: &File, slot: u64) -> Option<HighWaterMark> {
    let mut bytes = [0; SLOT];
    file.read_exact_at(&mut bytes, slot * SLOT as u64).ok()?;
    let (covered, crc) = bytes.split_at_checked(COVERED)?;
    let (magic, rest) = covered.split_first_chunk::<4>()?;
    if crc32c::crc32c(covered).to_le_bytes() != crc {
        return None;
    }
    let (log_id, rest) = rest.split_first_chunk::<16>()?;
    let (size, rest) = rest.split_first_chunk::<8>()?;
    let (root, _) = rest.split_first_chunk::<32>()?;
    let log_id = Uuid::from_bytes(*log_id);
    let mark = HighWaterMark::new(log_id, u64::from_le_bytes(*size), *root);
    let extension = read_extension(file, slot);
    match *magic {
        MAGIC => {
            let place = extension.and_then(|extension| place_of(&extension, &bytes));
            Some(HighWaterMark { place, ..mark })
        }
        EXTENDED_MAGIC => with_epoch(mark, &extension?, &bytes),
        _ => None,
    }
}

fn read_extension(file: &File, slot: u64) -> Option<[u8; EXTENSION]> {
    let mut bytes = [0; EXTENSION];
    file.read_exact_at(&mut bytes, EXTENSIONS_AT + slot * EXTENSION as u64).ok()?;
    Some(bytes)
}

/// The covered bytes of an extension after its magic, if it is that of a slot.
fn covered<'a>(
    extension: &'a [u8],
    length: usize,
    magic: [u8; 4],
    slot_bytes: &[u8],
) -> Option<&'a [u8]> {
    let (covered, rest) = extension.split_at_checked(length)?;
    let (crc, _) = rest.split_first_chunk::<4>()?;
    let is_own = extension_checksum(covered, slot_bytes).to_le_bytes() == *crc;
    covered.strip_prefix(&magic).filter(|_| is_own)
}

/// The place in the extension of a slot; `None` if the slot has no extension of its own.
fn place_of(extension: &[u8], slot_bytes: &[u8]) -> Option<u64> {
    let rest = covered(extension, EXTENSION_COVERED, EXTENSION_MAGIC, slot_bytes)?;
    let (has_place, place) = rest.split_first_chunk::<4>()?;
    let place = u64::from_le_bytes(place.try_into().ok()?);
    (u32::from_le_bytes(*has_place) == HAS_PLACE).then_some(place)
}

/// The mark of a slot with what its extension adds; `None` if that is not its own.
fn with_epoch(mark: HighWaterMark, extension: &[u8], slot_bytes: &[u8]) -> Option<HighWaterMark> {
    let rest = covered(extension, EPOCH_COVERED, EPOCH_MAGIC, slot_bytes)?;
    let (flags, rest) = rest.split_first_chunk::<4>()?;
    let (place, epoch) = rest.split_first_chunk::<8>()?;
    let flags = u32::from_le_bytes(*flags);
    let place = (flags & HAS_PLACE != 0).then_some(u64::from_le_bytes(*place));
    let epoch = u64::from_le_bytes(epoch.try_into().ok()?);
    let renames = flags & RENAMES != 0;
    Some(HighWaterMark { place, epoch, renames, ..mark })
}

#[cfg(test)]
mod tests;
