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
//! The file may lag behind the log; it must never run ahead of it. It is created with both slots,
//! under another name until it is on the disk. So a torn write damages at most one slot, even the
//! first ever written.

use std::{fs::File, io, os::unix::fs::FileExt as _, path::Path};

use uuid::Uuid;

use super::LogError;
use crate::{files, merkle::Hash};

const MAGIC: [u8; 4] = *b"TDM1";
const SLOT: usize = 64;
const COVERED: usize = 60;
const EXTENSION_MAGIC: [u8; 4] = *b"TDX1";
const EXTENSION: usize = 32;
const EXTENSION_COVERED: usize = 16;
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
}

/// The file with its two slots.
#[derive(Debug)]
pub struct MarkFile {
    file: File,
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
        Ok(Some((Self { file, next_slot, extended }, newest)))
    }

    /// Creates the file with `mark` in both slots, durably.
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub fn begin(path: &Path, mark: &HighWaterMark) -> Result<Self, LogError> {
        let failed = |source| LogError::io(format!("create {}", path.display()), source);
        let slot = encode(mark);
        let mut bytes = slot.repeat(2);
        let extended = mark.place.is_some();
        if extended {
            bytes.extend(encode_extension(mark, &slot).repeat(2));
        }
        files::replace(path, &bytes).map_err(failed)?;
        let file = files::open_to_change(path).map_err(failed)?;
        Ok(Self { file, next_slot: 0, extended })
    }

    /// Writes a mark and syncs it.
    ///
    /// # Errors
    /// [`LogError::Io`]; the other slot is still valid.
    pub fn write(&mut self, mark: &HighWaterMark) -> Result<(), LogError> {
        let failed = |source| LogError::io("write the high-water mark", source);
        let slot = encode(mark);
        if self.extended || mark.place.is_some() {
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
    let newest = slots.into_iter().flatten().max_by_key(|mark| mark.size);
    newest.ok_or_else(|| {
        let detail = format!("{} contains no valid high-water mark", path.display());
        LogError::damaged(0, detail)
    })
}

fn encode(mark: &HighWaterMark) -> Vec<u8> {
    let mut slot = Vec::with_capacity(SLOT);
    slot.extend(MAGIC);
    slot.extend(mark.log_id.as_bytes());
    slot.extend(mark.size.to_le_bytes());
    slot.extend(mark.root);
    slot.extend(crc32c::crc32c(&slot).to_le_bytes());
    slot
}

fn encode_extension(mark: &HighWaterMark, slot: &[u8]) -> Vec<u8> {
    let mut extension = Vec::with_capacity(EXTENSION);
    extension.extend(EXTENSION_MAGIC);
    extension.extend(u32::from(mark.place.is_some()).to_le_bytes());
    extension.extend(mark.place.unwrap_or(0).to_le_bytes());
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
    let rest = covered.strip_prefix(&MAGIC)?;
    if crc32c::crc32c(covered).to_le_bytes() != crc {
        return None;
    }
    let (log_id, rest) = rest.split_first_chunk::<16>()?;
    let (size, rest) = rest.split_first_chunk::<8>()?;
    let (root, _) = rest.split_first_chunk::<32>()?;
    Some(HighWaterMark {
        log_id: Uuid::from_bytes(*log_id),
        size: u64::from_le_bytes(*size),
        root: *root,
        place: read_place(file, slot, &bytes),
    })
}

/// The place in the extension of a slot; `None` if the slot has no extension of its own.
fn read_place(file: &File, slot: u64, slot_bytes: &[u8]) -> Option<u64> {
    let mut bytes = [0; EXTENSION];
    file.read_exact_at(&mut bytes, EXTENSIONS_AT + slot * EXTENSION as u64).ok()?;
    let (covered, rest) = bytes.split_at_checked(EXTENSION_COVERED)?;
    let (crc, _) = rest.split_first_chunk::<4>()?;
    if extension_checksum(covered, slot_bytes).to_le_bytes() != *crc {
        return None;
    }
    let rest = covered.strip_prefix(&EXTENSION_MAGIC)?;
    let (has_place, place) = rest.split_first_chunk::<4>()?;
    let place = u64::from_le_bytes(place.try_into().ok()?);
    (u32::from_le_bytes(*has_place) == 1).then_some(place)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};

    use super::*;

    fn mark(size: u64) -> HighWaterMark {
        HighWaterMark { log_id: Uuid::from_u128(7), size, root: [9; 32], place: None }
    }

    fn placed(size: u64) -> HighWaterMark {
        HighWaterMark { place: Some(size * 1_000), ..mark(size) }
    }

    #[test]
    fn golden_bytes() {
        let slot = encode(&mark(258));
        assert_eq!(slot.len(), SLOT);
        assert_eq!(&slot[..4], b"TDM1");
        assert_eq!(&slot[20..28], [2, 1, 0, 0, 0, 0, 0, 0]);
        let extension = encode_extension(&placed(258), &slot);
        assert_eq!(extension.len(), EXTENSION);
        assert_eq!(extension[..8], *b"TDX1\x01\0\0\0");
        assert_eq!(extension[8..16], 258_000_u64.to_le_bytes());
        assert_eq!(extension[20..], [0; 12]);
    }

    /// Cuts the power after each write of a mark, with each of its writes torn or missing.
    #[test]
    fn a_place_is_found_with_its_own_mark_whatever_is_torn() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("MARK");
        let found = || MarkFile::open(&path).unwrap().unwrap().1;
        let marks =
            [mark(0), placed(1), placed(2), mark(3), placed(4), mark(5), mark(6), placed(7)];
        let mut file = MarkFile::begin(&path, &marks[0]).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), EXTENSIONS_AT);
        for pair in marks.windows(2) {
            let (before, next) = (pair[0], pair[1]);
            let slot = encode(&next);
            let extension = encode_extension(&next, &slot);
            let at = EXTENSIONS_AT + file.next_slot * EXTENSION as u64;
            let old = fs::read(&path).unwrap();
            for length in 0..=EXTENSION {
                file.file.write_all_at(&extension[..length], at).unwrap();
                assert_eq!(found(), before, "the extension is torn at {length}");
                fs::write(&path, &old).unwrap();
            }
            file.file.write_all_at(&extension, at).unwrap();
            for length in 0..COVERED {
                file.file.write_all_at(&slot[..length], file.next_slot * SLOT as u64).unwrap();
                let found = found();
                assert!(found == before || found == next, "the slot is torn at {length}");
            }
            fs::write(&path, &old).unwrap();
            file.write(&next).unwrap();
            assert_eq!(found(), next);
            (file, _) = MarkFile::open(&path).unwrap().unwrap();
        }
    }

    #[test]
    fn a_file_that_begins_with_a_place_keeps_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("MARK");
        MarkFile::begin(&path, &placed(5)).unwrap();
        assert_eq!(MarkFile::open(&path).unwrap().unwrap().1, placed(5));
        // A version that knows nothing of places writes a slot alone.
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        file.write_all_at(&encode(&mark(6)), 0).unwrap();
        assert_eq!(MarkFile::open(&path).unwrap().unwrap().1, mark(6));
    }

    #[test]
    fn a_torn_write_leaves_the_mark_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("MARK");
        let found = || {
            let opened = MarkFile::open(&path).map(|found| found.map(|(_, mark)| mark));
            let peeked = peek(&path);
            assert_eq!(
                opened.as_ref().ok(),
                peeked.as_ref().ok(),
                "whoever only looks sees the same"
            );
            opened
        };
        assert_eq!(found().unwrap(), None);
        let mut file = MarkFile::begin(&path, &mark(0)).unwrap();
        // A write that is torn from the very first one on, in whichever slot comes next.
        for size in 1..=5 {
            let slot = file.next_slot;
            file.file.write_all_at(&[0xFF; 20], slot * SLOT as u64).unwrap();
            assert_eq!(found().unwrap(), Some(mark(size - 1)));
            file.write(&mark(size)).unwrap();
            assert_eq!(found().unwrap(), Some(mark(size)));
        }
        // Slot 0 holds 5, slot 1 holds 4. After a restart the next write goes to slot 1; tear it.
        let (mut reopened, _) = MarkFile::open(&path).unwrap().unwrap();
        reopened.write(&mark(6)).unwrap();
        reopened.file.write_all_at(&[0xFF; 20], SLOT as u64).unwrap();
        assert_eq!(found().unwrap(), Some(mark(5)));
        reopened.file.write_all_at(&[0xFF; 20], 0).unwrap();
        assert!(matches!(found(), Err(LogError::Damaged { .. })));
    }

    #[test]
    fn a_file_that_was_never_finished_is_begun_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("MARK");
        fs::write(&path, []).unwrap();
        assert!(MarkFile::open(&path).unwrap().is_none());
        fs::remove_file(&path).unwrap();
        fs::write(path.with_extension("new"), [7; 200]).unwrap();
        assert!(MarkFile::open(&path).unwrap().is_none());
        MarkFile::begin(&path, &mark(0)).unwrap();
        assert_eq!(MarkFile::open(&path).unwrap().unwrap().1, mark(0));
        assert_eq!(fs::metadata(&path).unwrap().len(), 2 * SLOT as u64);
    }
}
