//! The frames of a compressed archive: each holds consecutive events of the run, and can be checked
//! and read without the others.
//!
//! ```text
//! offset  bytes  field
//!      0      4  bytes of the events in the frame, compressed
//!      4      4  their bytes, not compressed: at most 256 KiB
//!      8      8  position of the first event
//!     16      4  number of events, at least 1
//!     20      4  CRC-32C of the 20 bytes above and of the compressed bytes
//!     24      …  one zstd frame (RFC 8878) with a checksum of its content
//! ```
//!
//! All numbers are little-endian. A frame never ends inside an event. Nothing is decompressed
//! before its checksum is right, and never into more bytes than the frame states.

use std::io::{self, Read, Write};

use super::{cut, wrong};
use crate::{
    lang::word,
    limits::{ARCHIVE_FRAME_BYTES_MAX, ARCHIVE_FRAME_STORED_BYTES_MAX, ARCHIVE_LEVEL},
};

const HEADER: usize = 24;
const COVERED: usize = 20;

/// Compresses runs of events.
pub(super) struct Packer {
    compressor: zstd::bulk::Compressor<'static>,
    run: Vec<u8>,
    first: u64,
    count: u32,
}

impl Packer {
    /// Begins at a position.
    pub(super) fn new(first: u64) -> io::Result<Self> {
        let mut compressor = zstd::bulk::Compressor::new(ARCHIVE_LEVEL)?;
        compressor.set_parameter(zstd::zstd_safe::CParameter::ChecksumFlag(true))?;
        Ok(Self { compressor, run: Vec::new(), first, count: 0 })
    }

    /// Adds an event; writes the frame before it if there is no room for it.
    pub(super) fn add(&mut self, parts: [&[u8]; 2], out: &mut impl Write) -> io::Result<()> {
        let bytes: usize = parts.iter().map(|part| part.len()).sum();
        if self.run.len() + bytes > ARCHIVE_FRAME_BYTES_MAX {
            self.write(out)?;
        }
        parts.iter().for_each(|part| self.run.extend_from_slice(part));
        self.count += 1;
        Ok(())
    }

    /// Writes the events added since the last frame.
    pub(super) fn write(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.count == 0 {
            return Ok(());
        }
        let stored = self.compressor.compress(&self.run)?;
        let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes();
        let mut header = Vec::with_capacity(HEADER);
        header.extend(length(stored.len()));
        header.extend(length(self.run.len()));
        header.extend(self.first.to_le_bytes());
        header.extend(self.count.to_le_bytes());
        let crc = crc32c::crc32c_append(crc32c::crc32c(&header), &stored);
        header.extend(crc.to_le_bytes());
        out.write_all(&header)?;
        out.write_all(&stored)?;
        self.first += u64::from(self.count);
        self.count = 0;
        self.run.clear();
        Ok(())
    }
}

/// A frame that was read.
pub(super) struct Unpacked {
    /// The events.
    pub(super) run: Vec<u8>,
    /// Their number.
    pub(super) count: u32,
}

/// Reads frames.
pub(super) struct Unpacker {
    decompressor: zstd::bulk::Decompressor<'static>,
    stored: Vec<u8>,
}

impl Unpacker {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { decompressor: zstd::bulk::Decompressor::new()?, stored: Vec::new() })
    }

    /// Reads the frame at an offset, which begins with the event `first` and ends at most before
    /// `next`.
    pub(super) fn read(
        &mut self,
        input: &mut impl Read,
        offset: u64,
        (first, next): (u64, u64),
    ) -> io::Result<Unpacked> {
        let ends = word!(en: "it ends inside a frame of events", zh: "文件在一个事件块中间结束");
        let mut header = [0; HEADER];
        input.read_exact(&mut header).map_err(|e| cut(e, offset, ends))?;
        let stated = Stated::decode(&header).filter(|stated| stated.is_possible(first, next));
        let stated = stated.ok_or_else(|| {
            let detail =
                word!(en: "there is no frame of the events due", zh: "此处不是应有的事件块");
            wrong(offset, detail)
        })?;
        self.stored.resize(stated.stored, 0);
        input.read_exact(&mut self.stored).map_err(|e| cut(e, offset, ends))?;
        let (covered, _) = header.split_at(COVERED);
        if crc32c::crc32c_append(crc32c::crc32c(covered), &self.stored) != stated.crc {
            let detail = word!(
                en: "the checksum of the frame does not match its content",
                zh: "事件块的校验和与内容不符"
            );
            return Err(wrong(offset, detail));
        }
        let run = self.decompressor.decompress(&self.stored, stated.plain).ok();
        let run = run.filter(|run| run.len() == stated.plain).ok_or_else(|| {
            let detail = word!(
                en: "the frame does not hold the bytes that it states",
                zh: "事件块解压后的长度与所写不符"
            );
            wrong(offset, detail)
        })?;
        Ok(Unpacked { run, count: stated.count })
    }
}

/// The statements of a frame about itself.
struct Stated {
    stored: usize,
    plain: usize,
    first: u64,
    count: u32,
    crc: u32,
}

impl Stated {
    fn decode(header: &[u8; HEADER]) -> Option<Self> {
        let (stored, rest) = header.split_first_chunk::<4>()?;
        let (plain, rest) = rest.split_first_chunk::<4>()?;
        let (first, rest) = rest.split_first_chunk::<8>()?;
        let (count, rest) = rest.split_first_chunk::<4>()?;
        let length = |bytes: &[u8; 4]| usize::try_from(u32::from_le_bytes(*bytes)).ok();
        Some(Self {
            stored: length(stored)?,
            plain: length(plain)?,
            first: u64::from_le_bytes(*first),
            count: u32::from_le_bytes(*count),
            crc: u32::from_le_bytes(rest.try_into().ok()?),
        })
    }

    /// True if the lengths are within their bounds, and the events are those due.
    fn is_possible(&self, first: u64, next: u64) -> bool {
        (1..=ARCHIVE_FRAME_STORED_BYTES_MAX).contains(&self.stored)
            && (1..=ARCHIVE_FRAME_BYTES_MAX).contains(&self.plain)
            && self.first == first
            && (1..=next.saturating_sub(first)).contains(&u64::from(self.count))
    }
}
