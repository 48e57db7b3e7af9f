//! Archives: the events of a log outside its store, as a file or a stream.
//!
//! ```text
//! offset  bytes  field
//!      0      8  magic "TIDULOG1" to "TIDULOG3"; the last character is the version
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
//! Version 1 promises that nothing in the run needs a newer format of the log. An archive has
//! version 2 if the log up to its end holds anything that does.
//!
//! A whole log begins at 0; a part continues where another one ended. The root proves the content,
//! because it depends on every byte of every event up to there. The checksums only show earlier
//! where a file is damaged.

use std::io::{self, Read, Write};

use bytes::Bytes;
use uuid::Uuid;

use crate::{
    lang::{say, word},
    limits::LEAF_BYTES_MAX,
    log::{FORMAT_BEGUN, FORMAT_KNOWN, LogError},
    merkle::Hash,
    protocol::batch::{Frame, LEAF_KEY, WITHHELD_KEY},
};

/// The first bytes of an archive, before the character of its version.
pub const MAGIC: [u8; 7] = *b"TIDULOG";
const HEADER: usize = 76;
const COVERED: usize = 72;

const _: () = {
    // The version of an archive is one digit.
    assert!(FORMAT_KNOWN <= 9);
};

/// Which part of which log an archive holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The format of the log that a reader must know. It is the version of the archive.
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
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER);
        bytes.extend(MAGIC);
        // A format is one digit: see the assertion below.
        bytes.push(b'0' + u8::try_from(self.format).unwrap_or(u8::MAX - b'0'));
        bytes.extend(self.log_id.as_bytes());
        bytes.extend(self.first.to_le_bytes());
        bytes.extend(self.next.to_le_bytes());
        bytes.extend(self.root);
        bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8; HEADER]) -> Option<Self> {
        let (covered, crc) = bytes.split_at_checked(COVERED)?;
        let format =
            version(covered).filter(|format| (FORMAT_BEGUN..=FORMAT_KNOWN).contains(format))?;
        let rest = covered.get(MAGIC.len() + 1..)?;
        if crc32c::crc32c(covered).to_le_bytes() != crc {
            return None;
        }
        let (log_id, rest) = rest.split_first_chunk::<16>()?;
        let (first, rest) = rest.split_first_chunk::<8>()?;
        let (next, rest) = rest.split_first_chunk::<8>()?;
        let root = rest.try_into().ok()?;
        let (first, next) = (u64::from_le_bytes(*first), u64::from_le_bytes(*next));
        let log_id = Uuid::from_bytes(*log_id);
        (first <= next).then_some(Self { format, log_id, first, next, root })
    }
}

/// The version in the first bytes of an archive.
fn version(bytes: &[u8]) -> Option<u16> {
    let digit = bytes.strip_prefix(&MAGIC)?.first()?;
    digit.is_ascii_digit().then(|| u16::from(digit - b'0'))
}

/// Writes an archive.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    crc: u32,
    left: u64,
}

impl<W: Write> Writer<W> {
    /// Begins an archive; exactly the events of the header must follow.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn begin(mut out: W, header: &Header) -> io::Result<Self> {
        out.write_all(&header.encode())?;
        Ok(Self { out, crc: 0, left: header.next - header.first })
    }

    /// Adds the next leaf or withheld place.
    ///
    /// # Errors
    /// If it cannot be written, or if the archive has all its events already.
    pub fn frame(&mut self, frame: &Frame) -> io::Result<()> {
        self.left = self.left.checked_sub(1).ok_or_else(|| {
            wrong(word!(
                en: "it has more events than its header states",
                zh: "事件数多于文件头所写"
            ))
        })?;
        let mut key = vec![frame.key()];
        prost::encoding::encode_varint(frame.bytes.len() as u64, &mut key);
        for part in [key.as_slice(), &frame.bytes] {
            self.crc = crc32c::crc32c_append(self.crc, part);
            self.out.write_all(part)?;
        }
        Ok(())
    }

    /// Ends the archive and returns its output.
    ///
    /// # Errors
    /// If it cannot be written, or if events are missing.
    pub fn finish(mut self) -> io::Result<W> {
        if self.left > 0 {
            let left = self.left;
            return Err(wrong(&say!(en: "{left} events are missing", zh: "缺少 {left} 个事件")));
        }
        self.out.write_all(&self.crc.to_le_bytes())?;
        self.out.flush()?;
        Ok(self.out)
    }
}

/// Reads an archive, event by event.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    header: Header,
    next: u64,
    crc: u32,
}

impl<R: Read> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// If it cannot be read, is not a header, or has a later version, which may have another form.
    pub fn open(mut input: R) -> io::Result<Self> {
        let mut bytes = [0; HEADER];
        input
            .read_exact(&mut bytes)
            .map_err(|e| cut(e, word!(en: "it ends in its header", zh: "文件头不完整")))?;
        if let Some(found) = version(&bytes).filter(|found| *found > FORMAT_KNOWN) {
            let too_new = LogError::TooNew { found, known: FORMAT_KNOWN };
            return Err(io::Error::new(io::ErrorKind::InvalidData, too_new));
        }
        let header = Header::decode(&bytes);
        let header = header.ok_or_else(|| {
            wrong(word!(
                en: "its first 76 bytes are not a header", zh: "前 76 个字节不是文件头"
            ))
        })?;
        Ok(Self { input, next: header.first, header, crc: 0 })
    }

    /// Which part of which log it holds.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The next leaf or withheld place; `None` at the end, once the checksum matches and nothing
    /// follows.
    ///
    /// # Errors
    /// If it cannot be read or is damaged; the error names the position.
    pub fn frame(&mut self) -> io::Result<Option<Frame>> {
        if self.next == self.header.next {
            return self.end().map(|()| None);
        }
        let position = self.next;
        let ends = |e| {
            cut(
                e,
                &say!(
                    en: "it ends in the event at position {position}",
                    zh: "文件在位置 {position} 的事件中间结束"
                ),
            )
        };
        let [key, low] = self.take().map_err(ends)?;
        let mut length = usize::from(low & 0x7F);
        if low >= 0x80 {
            let [high] = self.take().map_err(ends)?;
            length |= usize::from(high) << 7;
        }
        // Only the shortest encoding of a length is valid, so an archive has one form.
        let is_short = low >= 0x80 && length < 0x80;
        let is_known = key == LEAF_KEY || key == WITHHELD_KEY;
        if !is_known || is_short || length > LEAF_BYTES_MAX {
            return Err(wrong(&say!(
                en: "the event at position {position} is malformed",
                zh: "位置 {position} 的事件格式不正确"
            )));
        }
        let mut bytes = vec![0; length];
        self.input.read_exact(&mut bytes).map_err(ends)?;
        self.crc = crc32c::crc32c_append(self.crc, &bytes);
        self.next += 1;
        Ok(Some(Frame { withheld: key == WITHHELD_KEY, bytes: Bytes::from(bytes) }))
    }

    fn take<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes)?;
        self.crc = crc32c::crc32c_append(self.crc, &bytes);
        Ok(bytes)
    }

    fn end(&mut self) -> io::Result<()> {
        let mut crc = [0; 4];
        self.input
            .read_exact(&mut crc)
            .map_err(|e| cut(e, word!(en: "it ends before its checksum", zh: "缺少校验和")))?;
        if crc != self.crc.to_le_bytes() {
            return Err(wrong(word!(
                en: "the checksum does not match the events", zh: "校验和与事件不符"
            )));
        }
        match self.input.read(&mut crc)? {
            0 => Ok(()),
            _ => Err(wrong(word!(en: "it has bytes after its end", zh: "末尾之后还有字节"))),
        }
    }
}

fn wrong(detail: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, detail)
}

fn cut(error: io::Error, detail: &str) -> io::Error {
    if error.kind() == io::ErrorKind::UnexpectedEof { wrong(detail) } else { error }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header { format: 1, log_id: Uuid::from_u128(7), first: 5, next: 8, root: [9; 32] }
    }

    fn frame(leaf: &[u8]) -> Frame {
        Frame { withheld: false, bytes: Bytes::copy_from_slice(leaf) }
    }

    fn archive(format: u16) -> Vec<u8> {
        let mut writer = Writer::begin(Vec::new(), &Header { format, ..header() }).unwrap();
        for leaf in [b"one".as_slice(), &[7; 200], b""] {
            writer.frame(&frame(leaf)).unwrap();
        }
        writer.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> io::Result<Vec<Bytes>> {
        let mut reader = Reader::open(bytes)?;
        let mut leaves = Vec::new();
        while let Some(frame) = reader.frame()? {
            leaves.push(frame.bytes);
        }
        Ok(leaves)
    }

    #[test]
    fn golden_bytes_of_version_1() {
        let bytes = archive(1);
        let mut expected = b"TIDULOG1".to_vec();
        expected.extend([0; 15]);
        expected.extend([7, 5, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0]);
        expected.extend([9; 32]);
        assert_eq!(bytes[..72], expected);
        assert_eq!(bytes[76..81], [0x0A, 3, b'o', b'n', b'e']);
        assert_eq!(bytes[81..84], [0x0A, 0xC8, 1]);
        assert_eq!(bytes.len(), 76 + 5 + 203 + 2 + 4);
    }

    #[test]
    fn an_archive_reads_back_and_no_changed_or_missing_byte_passes() {
        let bytes = archive(1);
        let leaves = read(&bytes).unwrap();
        assert_eq!(leaves.len(), 3);
        assert_eq!(leaves[1].as_ref(), [7; 200]);
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(read(&changed).is_err(), "byte {at} changed");
            assert!(read(&bytes[..at]).is_err(), "cut at {at}");
        }
        assert!(read(&[bytes.as_slice(), &[0]].concat()).is_err(), "something follows");
    }

    #[test]
    fn versions_differ_in_their_headers_alone_and_a_later_one_is_too_new() {
        let one = archive(1);
        for format in [2, 3] {
            let other = archive(format);
            assert_eq!(&other[..8], format!("TIDULOG{format}").as_bytes());
            assert_eq!((&one[8..72], &one[76..]), (&other[8..72], &other[76..]));
            assert_eq!(Reader::open(other.as_slice()).unwrap().header().format, format);
            assert_eq!(read(&one).unwrap(), read(&other).unwrap());
        }
        let mut later = archive(3);
        later[7] = b'4';
        let error = read(&later).unwrap_err().to_string();
        assert!(error.contains("format 4, this version reads up to 3"), "{error}");
        later[7] = b'0';
        assert!(read(&later).unwrap_err().to_string().contains("not a header"));
    }

    #[test]
    fn an_archive_has_the_events_that_it_says() {
        let mut writer = Writer::begin(Vec::new(), &header()).unwrap();
        writer.frame(&frame(b"one")).unwrap();
        assert_eq!(writer.finish().unwrap_err().to_string(), "2 events are missing");
    }
}
