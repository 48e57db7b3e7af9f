//! The bytes of a snapshot. All numbers are little-endian.
//!
//! ```text
//! bytes  field
//!     4  magic "TDR1"
//!     4  length of the header
//!     n  the header
//!     4  CRC-32C of all bytes above
//!     …  the sections, back to back
//!   24×  the table: for each section its part (4), its offset (8), its length (8), its CRC-32C (4)
//!     4  number of sections
//!     8  length of the whole file
//!     4  CRC-32C of the table and of the two numbers
//! ```
//!
//! Each byte lies under one checksum, and the length is exact. Sections have checksums of their
//! own, so that several threads read them.

use std::{
    fs::File,
    io::{self, Write as _},
    os::unix::fs::FileExt as _,
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use crate::{
    files::{self, AtomicFile},
    limits::{SNAPSHOT_HEADER_BYTES_MAX, SNAPSHOT_SYNC_BYTES},
    register::Part,
};

const MAGIC: [u8; 4] = *b"TDR1";
const ENTRY_BYTES: usize = 24;
const END_BYTES: usize = 16;
/// Magic, length of the header, and its checksum.
const HEAD_BYTES: u64 = 12;

/// A section of the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) part: u32,
    offset: u64,
    length: u64,
    crc: u32,
}

/// The part of requests: keys of the index of request ids. The others are those of [`Part`].
pub(super) const REQUESTS: u32 = 64;

/// A file that is being written.
#[derive(Debug)]
pub(super) struct SnapshotWriter {
    out: AtomicFile,
    table: Vec<Entry>,
    bytes: u64,
    unsynced: u64,
}

impl SnapshotWriter {
    /// Begins a file. It takes the place of another one only when it is whole.
    pub(super) fn begin(path: &Path, header: &[u8]) -> io::Result<Self> {
        let mut out = AtomicFile::create(path)?;
        let length = u32::try_from(header.len()).map_err(io::Error::other)?;
        let mut head = Vec::from(MAGIC);
        head.extend(length.to_le_bytes());
        head.extend(header);
        head.extend(crc32c::crc32c(&head).to_le_bytes());
        out.write_all(&head)?;
        Ok(Self { out, table: Vec::new(), bytes: head.len() as u64, unsynced: 0 })
    }

    /// Adds a section. Now and then it syncs, so that no sync is large: the log's syncs wait for
    /// one of [`SNAPSHOT_SYNC_BYTES`] at most.
    pub(super) fn add(&mut self, part: u32, section: &[u8]) -> io::Result<()> {
        for piece in section.chunks(SNAPSHOT_SYNC_BYTES) {
            self.out.write_all(piece)?;
            self.unsynced += piece.len() as u64;
            if self.unsynced >= SNAPSHOT_SYNC_BYTES as u64 {
                self.out.sync()?;
                self.unsynced = 0;
            }
        }
        let (offset, length) = (self.bytes, section.len() as u64);
        self.table.push(Entry { part, offset, length, crc: crc32c::crc32c(section) });
        self.bytes += length;
        Ok(())
    }

    /// Adds the table, and makes the file durable under its name; gives its length.
    pub(super) fn commit(mut self) -> io::Result<u64> {
        let mut end = Vec::with_capacity(self.table.len() * ENTRY_BYTES + END_BYTES);
        for Entry { part, offset, length, crc } in &self.table {
            end.extend(part.to_le_bytes());
            end.extend(offset.to_le_bytes());
            end.extend(length.to_le_bytes());
            end.extend(crc.to_le_bytes());
        }
        let count = u32::try_from(self.table.len()).map_err(io::Error::other)?;
        let length = self.bytes + (end.len() + END_BYTES) as u64;
        end.extend(count.to_le_bytes());
        end.extend(length.to_le_bytes());
        end.extend(crc32c::crc32c(&end).to_le_bytes());
        self.out.write_all(&end)?;
        self.out.commit()?;
        Ok(length)
    }
}

/// Why a file is not a whole snapshot.
#[derive(Debug, thiserror::Error)]
pub(in crate::ledger) enum Broken {
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("it is not a snapshot of a register")]
    Magic,
    #[error("it is cut off, or {0} was altered")]
    Altered(&'static str),
}

const CUT: Broken = Broken::Altered("its length");

/// A file whose header and table are whole.
#[derive(Debug)]
pub(super) struct SnapshotReader {
    file: File,
    pub(super) header: Vec<u8>,
    pub(super) table: Vec<Entry>,
    /// Time since 1970 at which it was written.
    pub(super) written: Duration,
}

impl SnapshotReader {
    /// Opens a file; `None` if there is none.
    pub(super) fn open(path: &Path) -> Result<Option<Self>, Broken> {
        let file = match files::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let metadata = file.metadata()?;
        let length = metadata.len();
        let written = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        let (header, begin) = read_header(&file, length)?;
        let table = read_table(&file, begin, length)?;
        Ok(Some(Self { file, header, table, written }))
    }

    /// The bytes of a section.
    pub(super) fn section(&self, entry: &Entry, bytes: &mut Vec<u8>) -> Result<(), Broken> {
        bytes.resize(usize::try_from(entry.length).map_err(|_| CUT)?, 0);
        self.file.read_exact_at(bytes, entry.offset)?;
        if crc32c::crc32c(bytes) != entry.crc {
            return Err(Broken::Altered("a section"));
        }
        Ok(())
    }
}

/// The header, and the offset after it.
fn read_header(file: &File, length: u64) -> Result<(Vec<u8>, u64), Broken> {
    let mut head = vec![0; 8];
    if length < HEAD_BYTES {
        return Err(CUT);
    }
    file.read_exact_at(&mut head, 0)?;
    let (magic, size) = head.split_at(4);
    if *magic != MAGIC {
        return Err(Broken::Magic);
    }
    let size = size.try_into().map_or(u32::MAX, u32::from_le_bytes) as usize;
    if size > SNAPSHOT_HEADER_BYTES_MAX || length < HEAD_BYTES + size as u64 {
        return Err(CUT);
    }
    head.resize(8 + size + 4, 0);
    file.read_exact_at(&mut head, 0)?;
    let (covered, crc) = head.split_last_chunk::<4>().ok_or(CUT)?;
    if crc32c::crc32c(covered).to_le_bytes() != *crc {
        return Err(Broken::Altered("its header"));
    }
    Ok((covered.get(8..).unwrap_or_default().to_vec(), HEAD_BYTES + size as u64))
}

/// The table of a file whose sections begin at an offset.
fn read_table(file: &File, begin: u64, length: u64) -> Result<Vec<Entry>, Broken> {
    let end_at = length.checked_sub(END_BYTES as u64).filter(|at| *at >= begin).ok_or(CUT)?;
    let mut end = vec![0; END_BYTES];
    file.read_exact_at(&mut end, end_at)?;
    let count = u64::from(u32_at(&end, 0));
    let table_bytes = count * ENTRY_BYTES as u64;
    let table_at = end_at.checked_sub(table_bytes).filter(|at| *at >= begin).ok_or(CUT)?;
    let mut table = vec![0; usize::try_from(table_bytes).map_err(|_| CUT)? + END_BYTES];
    file.read_exact_at(&mut table, table_at)?;
    let (covered, crc) = table.split_last_chunk::<4>().ok_or(CUT)?;
    if crc32c::crc32c(covered).to_le_bytes() != *crc {
        return Err(Broken::Altered("its table"));
    }
    if u64_at(&end, 4) != length {
        return Err(CUT);
    }
    let (mut entries, mut next) = (Vec::new(), begin);
    for entry in covered.chunks_exact(ENTRY_BYTES).take(usize::try_from(count).unwrap_or(0)) {
        let (offset, bytes) = (u64_at(entry, 4), u64_at(entry, 12));
        if offset != next || bytes > table_at - offset {
            return Err(Broken::Altered("its table"));
        }
        next = offset + bytes;
        let (part, crc) = (u32_at(entry, 0), u32_at(entry, 20));
        entries.push(Entry { part, offset, length: bytes, crc });
    }
    if next != table_at {
        return Err(Broken::Altered("its table"));
    }
    Ok(entries)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let taken = bytes.get(at..).and_then(|rest| rest.first_chunk());
    taken.copied().map_or(0, u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let taken = bytes.get(at..).and_then(|rest| rest.first_chunk());
    taken.copied().map_or(0, u64::from_le_bytes)
}

/// The number of a part of the register.
pub(super) fn number_of(part: Part) -> u32 {
    part.number().into()
}

/// The part of the register with a number.
pub(super) fn part_of(number: u32) -> Option<Part> {
    u8::try_from(number).ok().and_then(Part::from_repr)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(path: &Path) -> Result<Vec<(u32, Vec<u8>)>, Broken> {
        let file = SnapshotReader::open(path)?.unwrap();
        assert_eq!(file.header, b"header");
        let mut sections = Vec::new();
        for entry in &file.table {
            let mut bytes = Vec::new();
            file.section(entry, &mut bytes)?;
            sections.push((entry.part, bytes));
        }
        Ok(sections)
    }

    #[test]
    fn each_byte_of_a_file_lies_under_a_checksum() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("register.snapshot");
        assert!(SnapshotReader::open(&path).unwrap().is_none());
        let mut writer = SnapshotWriter::begin(&path, b"header").unwrap();
        let sections = vec![(1, vec![7; 40]), (2, vec![]), (REQUESTS, vec![9; 3])];
        sections.iter().for_each(|(part, bytes)| writer.add(*part, bytes).unwrap());
        assert!(!path.exists(), "it has no name before it is whole");
        let length = writer.commit().unwrap();
        let whole = fs::read(&path).unwrap();
        assert_eq!((whole.len() as u64, &whole[..8]), (length, &b"TDR1\x06\0\0\0"[..]));
        assert_eq!(read(&path).unwrap(), sections);
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << bit;
                fs::write(&path, &bytes).unwrap();
                assert!(read(&path).is_err(), "bit {bit} of byte {at}");
            }
            fs::write(&path, &whole[..at]).unwrap();
            assert!(read(&path).is_err(), "cut at {at}");
            fs::write(&path, [&whole[..], &whole[at..]].concat()).unwrap();
            assert!(read(&path).is_err(), "longer from {at} on");
        }
    }
}
