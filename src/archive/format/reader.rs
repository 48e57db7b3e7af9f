//! Reads archives of both forms, event by event.

use std::io::{self, Read};

use bytes::Bytes;

use super::{
    COMPRESSED, COMPRESSED_HEADER, CRC, Form, Header, PLAIN_HEADER, cut,
    frames::{Unpacked, Unpacker},
    require_known, version, wrong,
};
use crate::{
    lang::{say, word},
    limits::LEAF_BYTES_MAX,
    protocol::batch::{Frame, LEAF_KEY, WITHHELD_KEY},
};

/// Reads an archive, event by event.
pub struct Reader<R> {
    input: Counted<R>,
    header: Header,
    next: u64,
    /// The byte at which the last event begins, or its frame.
    at: u64,
    packing: Packing,
}

enum Packing {
    Plain,
    Frames { unpacker: Unpacker, run: io::Cursor<Vec<u8>>, left: u32 },
}

impl<R: Read> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// If it cannot be read, is not a header, or has a later version, which may have another form.
    pub fn open(input: R) -> io::Result<Self> {
        let mut input = Counted { input, offset: 0, crc: 0 };
        let mut bytes = vec![0; PLAIN_HEADER];
        let ends = word!(en: "it ends in its header", zh: "文件头不完整");
        input.read_exact(&mut bytes).map_err(|e| cut(e, 0, ends))?;
        let packing = match version(&bytes) {
            Some(COMPRESSED) => {
                bytes.resize(COMPRESSED_HEADER, 0);
                let rest = bytes.get_mut(PLAIN_HEADER..).unwrap_or_default();
                input.read_exact(rest).map_err(|e| cut(e, 0, ends))?;
                let (unpacker, run) = (Unpacker::new()?, io::Cursor::default());
                Packing::Frames { unpacker, run, left: 0 }
            }
            found => {
                require_known(found.unwrap_or_default())?;
                Packing::Plain
            }
        };
        let header = Header::decode(&bytes, packing.form()).ok_or_else(|| {
            let detail = word!(en: "its first bytes are not a header", zh: "开头的字节不是文件头");
            wrong(0, detail)
        })?;
        require_known(header.format)?;
        input.crc = 0;
        let at = input.offset;
        Ok(Self { input, next: header.first, header, at, packing })
    }

    /// Which part of which log it holds.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// How it holds its events.
    #[must_use]
    pub fn form(&self) -> Form {
        self.packing.form()
    }

    /// The byte of the file at which the last event begins; in a compressed archive, its frame.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.at
    }

    /// The next leaf or withheld place; `None` at the end, once the checksum matches and nothing
    /// follows.
    ///
    /// # Errors
    /// If it cannot be read or is damaged; the error names the byte and the position.
    pub fn frame(&mut self) -> io::Result<Option<Frame>> {
        if self.next == self.header.next {
            return self.end().map(|()| None);
        }
        let (position, until) = (self.next, self.header.next);
        let read = match &mut self.packing {
            Packing::Plain => {
                self.at = self.input.offset;
                event(&mut self.input)
            }
            Packing::Frames { unpacker, run, left } => {
                if *left == 0 {
                    require_whole(run, self.at)?;
                    self.at = self.input.offset;
                    let due = (position, until);
                    let Unpacked { run: events, count } =
                        unpacker.read(&mut self.input, self.at, due)?;
                    (*run, *left) = (io::Cursor::new(events), count);
                }
                *left -= 1;
                event(run)
            }
        };
        let ends = |e| {
            let detail = say!(
                en: "it ends in the event at position {position}",
                zh: "文件在位置 {position} 的事件中间结束"
            );
            cut(e, self.at, &detail)
        };
        let frame = read.map_err(ends)?.ok_or_else(|| {
            let detail = say!(
                en: "the event at position {position} is malformed",
                zh: "位置 {position} 的事件格式不正确"
            );
            wrong(self.at, &detail)
        })?;
        self.next += 1;
        Ok(Some(frame))
    }

    fn end(&mut self) -> io::Result<()> {
        let at = self.input.offset;
        match &self.packing {
            Packing::Frames { run, .. } => require_whole(run, self.at)?,
            Packing::Plain => {
                let (expected, mut crc) = (self.input.crc.to_le_bytes(), [0; CRC]);
                let ends = word!(en: "it ends before its checksum", zh: "缺少校验和");
                self.input.read_exact(&mut crc).map_err(|e| cut(e, at, ends))?;
                if crc != expected {
                    let detail = word!(
                        en: "the checksum does not match the events", zh: "校验和与事件不符"
                    );
                    return Err(wrong(at, detail));
                }
            }
        }
        let at = self.input.offset;
        match self.input.read(&mut [0])? {
            0 => Ok(()),
            _ => Err(wrong(at, word!(en: "it goes on after its end", zh: "末尾之后还有字节"))),
        }
    }
}

impl Packing {
    fn form(&self) -> Form {
        match self {
            Self::Plain => Form::Plain,
            Self::Frames { .. } => Form::Compressed,
        }
    }
}

/// Refuses a frame with bytes after its last event.
fn require_whole(run: &io::Cursor<Vec<u8>>, at: u64) -> io::Result<()> {
    if run.position() == run.get_ref().len() as u64 {
        return Ok(());
    }
    let detail = word!(
        en: "the frame holds more than the events that it states",
        zh: "事件块的内容多于所写的事件"
    );
    Err(wrong(at, detail))
}

/// Reads an event; `None` if it is malformed.
fn event(input: &mut impl Read) -> io::Result<Option<Frame>> {
    let mut one = || -> io::Result<u8> {
        let mut byte = [0];
        input.read_exact(&mut byte)?;
        Ok(u8::from_le_bytes(byte))
    };
    let (key, low) = (one()?, one()?);
    let mut length = usize::from(low & 0x7F);
    if low >= 0x80 {
        length |= usize::from(one()?) << 7;
    }
    // Only the shortest encoding of a length is valid, so the events of a log have one.
    let is_short = low >= 0x80 && length < 0x80;
    let is_known = key == LEAF_KEY || key == WITHHELD_KEY;
    if !is_known || is_short || length > LEAF_BYTES_MAX {
        return Ok(None);
    }
    let mut bytes = vec![0; length];
    input.read_exact(&mut bytes)?;
    Ok(Some(Frame { withheld: key == WITHHELD_KEY, bytes: Bytes::from(bytes) }))
}

/// Counts and sums up what is read.
struct Counted<R> {
    input: R,
    offset: u64,
    crc: u32,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(out)?;
        self.crc = crc32c::crc32c_append(self.crc, out.get(..read).unwrap_or_default());
        self.offset += read as u64;
        Ok(read)
    }
}
