//! Archives: the events of a log outside its store, as a file or a stream.
//!
//! A compressed archive, which this version writes:
//!
//! ```text
//! offset  bytes  field
//!      0      8  magic "TIDULOG9"
//!      8      2  format of the log that a reader must know, little-endian
//!     10      2  zeros
//!     12     16  log id
//!     28      8  position of the first event, little-endian
//!     36      8  one more than the position of the last, little-endian
//!     44     32  Merkle root of the log at that size
//!     76      4  CRC-32C of the 76 bytes above, little-endian
//!     80      …  frames, see frames.rs; together they hold the run
//! ```
//!
//! A plain one, which every version reads:
//!
//! ```text
//! offset  bytes  field
//!      0      8  magic "TIDULOG1" to "TIDULOG8"; the last character is the format of the log
//!      8     16  log id
//!     24      8  position of the first event, little-endian
//!     32      8  one more than the position of the last, little-endian
//!     40     32  Merkle root of the log at that size
//!     72      4  CRC-32C of the 72 bytes above, little-endian
//!     76      …  the run: per event 0x0A, its length (varint), the leaf;
//!                for a withheld place 0x1A, the length, the `Withheld`
//!      …      4  CRC-32C of the run, little-endian
//! ```
//!
//! Format 1 promises that nothing in the run needs a newer format of the log. An archive has format
//! 2 if the log up to its end holds anything that does.
//!
//! A whole log begins at 0; a part continues where another one ended. The root proves the content,
//! because it depends on every byte of every event up to there. The checksums only show earlier
//! where a file is damaged. Every error names the byte at which the file is wrong.

mod frames;
mod reader;
mod writer;

use std::io;

use uuid::Uuid;

pub use self::{reader::Reader, writer::Writer};
use crate::{
    lang::say,
    log::{FORMAT_BEGUN, FORMAT_OF_EVENTS, LogError},
    merkle::Hash,
};

/// The first bytes of an archive, before the character of its version.
pub const MAGIC: [u8; 7] = *b"TIDULOG";
/// The version of a compressed archive. Earlier versions of Tidu refuse it as too new.
const COMPRESSED: u16 = 9;
const PLAIN_HEADER: usize = 76;
const COMPRESSED_HEADER: usize = 80;
const CRC: usize = 4;

const _: () = {
    // The version of a plain archive is one digit, and not that of a compressed one.
    assert!(FORMAT_OF_EVENTS < COMPRESSED);
    assert!(PLAIN_HEADER < COMPRESSED_HEADER);
};

/// How an archive holds its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As they are.
    Plain,
    /// In frames of zstd.
    Compressed,
}

/// Which part of which log an archive holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The format of the log that a reader must know.
    pub format: u16,
    /// The log id.
    pub log_id: Uuid,
    /// Position of the first event.
    pub first: u64,
    /// One more than the position of the last.
    pub next: u64,
    /// Merkle root of the log at `next`.
    pub root: Hash,
}

impl Header {
    fn encode(&self, form: Form) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(COMPRESSED_HEADER);
        bytes.extend(MAGIC);
        let version = if form == Form::Plain { self.format } else { COMPRESSED };
        // It is one digit: see the assertion above.
        bytes.push(b'0' + u8::try_from(version).unwrap_or(u8::MAX - b'0'));
        if form == Form::Compressed {
            bytes.extend(self.format.to_le_bytes());
            bytes.extend([0; 2]);
        }
        bytes.extend(self.log_id.as_bytes());
        bytes.extend(self.first.to_le_bytes());
        bytes.extend(self.next.to_le_bytes());
        bytes.extend(self.root);
        bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
        bytes
    }

    /// Reads a whole header of a form; `None` if it is not one.
    fn decode(bytes: &[u8], form: Form) -> Option<Self> {
        let (covered, crc) = bytes.split_at_checked(bytes.len().checked_sub(CRC)?)?;
        if crc32c::crc32c(covered).to_le_bytes() != crc {
            return None;
        }
        let (version, mut rest) = (version(covered)?, covered.get(MAGIC.len() + 1..)?);
        let mut format = version;
        if form == Form::Compressed {
            let ([low, high, 0, 0], after) = rest.split_first_chunk::<4>()? else { return None };
            (format, rest) = (u16::from_le_bytes([*low, *high]), after);
        }
        let (log_id, rest) = rest.split_first_chunk::<16>()?;
        let (first, rest) = rest.split_first_chunk::<8>()?;
        let (next, rest) = rest.split_first_chunk::<8>()?;
        let root = rest.try_into().ok()?;
        let (first, next) = (u64::from_le_bytes(*first), u64::from_le_bytes(*next));
        let log_id = Uuid::from_bytes(*log_id);
        let is_one = first <= next && format >= FORMAT_BEGUN;
        is_one.then_some(Self { format, log_id, first, next, root })
    }
}

/// The version in the first bytes of an archive.
fn version(bytes: &[u8]) -> Option<u16> {
    let digit = bytes.strip_prefix(&MAGIC)?.first()?;
    digit.is_ascii_digit().then(|| u16::from(digit - b'0'))
}

/// Refuses a format that this version does not know.
fn require_known(found: u16) -> io::Result<()> {
    if found <= FORMAT_OF_EVENTS {
        return Ok(());
    }
    let too_new = LogError::TooNew { found, known: FORMAT_OF_EVENTS };
    Err(io::Error::new(io::ErrorKind::InvalidData, too_new))
}

/// The fault of a file at a byte.
fn wrong(offset: u64, detail: &str) -> io::Error {
    let text = say!(en: "at byte {offset}, {detail}", zh: "第 {offset} 字节处，{detail}");
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// The fault of a file that ends too early; another error stays as it is.
fn cut(error: io::Error, offset: u64, detail: &str) -> io::Error {
    if error.kind() == io::ErrorKind::UnexpectedEof { wrong(offset, detail) } else { error }
}

#[cfg(test)]
mod tests;
