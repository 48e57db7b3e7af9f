//! Writes archives, event by event.

use std::io::{self, Write};

use super::{Form, Header, frames::Packer};
use crate::{
    lang::{say, word},
    protocol::batch::Frame,
};

/// Writes an archive.
pub struct Writer<W> {
    out: W,
    left: u64,
    packing: Packing,
}

enum Packing {
    /// With the checksum of the run so far.
    Plain(u32),
    Frames(Box<Packer>),
}

impl<W: Write> Writer<W> {
    /// Begins an archive; exactly the events of the header must follow.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn begin(mut out: W, header: &Header, form: Form) -> io::Result<Self> {
        let packing = match form {
            Form::Plain => Packing::Plain(0),
            Form::Compressed => Packing::Frames(Box::new(Packer::new(header.first)?)),
        };
        out.write_all(&header.encode(form))?;
        Ok(Self { out, left: header.next - header.first, packing })
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
        let parts = [key.as_slice(), &frame.bytes];
        match &mut self.packing {
            Packing::Frames(packer) => packer.add(parts, &mut self.out),
            Packing::Plain(crc) => parts.into_iter().try_for_each(|part| {
                *crc = crc32c::crc32c_append(*crc, part);
                self.out.write_all(part)
            }),
        }
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
        match &mut self.packing {
            Packing::Frames(packer) => packer.write(&mut self.out)?,
            Packing::Plain(crc) => self.out.write_all(&crc.to_le_bytes())?,
        }
        self.out.flush()?;
        Ok(self.out)
    }
}

fn wrong(detail: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, detail)
}
