//! An encoded message that is being written, and the place in its JSON.

use prost::encoding::{
    self,
    WireType::{LengthDelimited, SixtyFourBit, ThirtyTwoBit, Varint},
};
use serde::de::Error;

use super::{refused::Unread, scalar::Plain};
use crate::{domain::fault::Breach, limits::MESSAGE_DEPTH_MAX};

/// Bytes of a key and a number, or of a key and a length, with room to spare.
const HEAD_BYTES: usize = 24;
/// The first room of a message that is being written.
const FIRST_ROOM_BYTES: usize = 256;

/// A message that is being written.
pub(super) struct Writer<'w> {
    pub(super) out: Vec<u8>,
    /// Where the reading is, in the names of the protocol.
    pub(super) path: String,
    /// Messages around the field that is being read.
    depth: usize,
    bytes_max: usize,
    room: &'w mut dyn FnMut(usize) -> bool,
    /// Why the text is refused. The error of serde carries nothing but a text.
    pub(super) unread: Option<Unread>,
}

impl<'w> Writer<'w> {
    /// A message without fields, and who pays for more.
    pub(super) fn new(bytes_max: usize, room: &'w mut dyn FnMut(usize) -> bool) -> Self {
        let (out, path) = (Vec::new(), String::new());
        Self { out, path, depth: 0, bytes_max, room, unread: None }
    }

    /// Makes room for more bytes.
    fn reserve<E: Error>(&mut self, bytes: usize) -> Result<(), E> {
        let wanted = self.out.len().saturating_add(bytes);
        if wanted > self.bytes_max.saturating_add(HEAD_BYTES) {
            return self.refuse(Unread::TooLarge { limit: self.bytes_max });
        }
        if wanted > self.out.capacity() {
            let larger = wanted.max(self.out.capacity() * 2).max(FIRST_ROOM_BYTES);
            if !(self.room)(larger - self.out.capacity()) {
                return self.refuse(Unread::NoRoom);
            }
            self.out.reserve_exact(larger - self.out.len());
        }
        Ok(())
    }

    /// Ends the reading.
    pub(super) fn refuse<T, E: Error>(&mut self, unread: Unread) -> Result<T, E> {
        self.unread.get_or_insert(unread);
        Err(E::custom("refused"))
    }

    /// Ends the reading at the field where it is.
    pub(super) fn fault<T, E: Error>(&mut self, value: String, breach: Breach) -> Result<T, E> {
        let field = self.path.clone();
        if field.is_empty() {
            let detail = format!("not the JSON of a message: {value} {breach}");
            return self.refuse(Unread::Malformed { detail, field });
        }
        self.refuse(Unread::Field { field, value, breach })
    }

    /// Enters a member of the message where the reading is. Gives the end of the path before it.
    pub(super) fn enter(&mut self, name: &str) -> usize {
        let before = self.path.len();
        if before > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        before
    }

    /// Writes a value with its key; in a packed list without.
    pub(super) fn put<E: Error>(
        &mut self,
        number: u32,
        plain: &Plain,
        packed: bool,
    ) -> Result<(), E> {
        let (wire, length) = match plain {
            Plain::Varint(_) => (Varint, 0),
            Plain::Fixed32(_) => (ThirtyTwoBit, 0),
            Plain::Fixed64(_) => (SixtyFourBit, 0),
            Plain::Bytes(bytes) => (LengthDelimited, bytes.len()),
        };
        self.reserve(length.saturating_add(HEAD_BYTES))?;
        if !packed {
            encoding::encode_key(number, wire, &mut self.out);
        }
        match plain {
            Plain::Varint(value) => encoding::encode_varint(*value, &mut self.out),
            Plain::Fixed32(bytes) => self.out.extend_from_slice(bytes),
            Plain::Fixed64(bytes) => self.out.extend_from_slice(bytes),
            Plain::Bytes(bytes) => {
                encoding::encode_varint(bytes.len() as u64, &mut self.out);
                self.out.extend_from_slice(bytes);
            }
        }
        Ok(())
    }

    /// Writes a part whose length is known at its end: a message, or a packed list.
    pub(super) fn part<E: Error>(
        &mut self,
        number: u32,
        write: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.reserve(HEAD_BYTES)?;
        encoding::encode_key(number, LengthDelimited, &mut self.out);
        let begin = self.out.len();
        write(self)?;
        self.reserve(HEAD_BYTES)?;
        let end = self.out.len();
        encoding::encode_varint((end - begin) as u64, &mut self.out);
        let length = self.out.len() - end;
        if let Some(part) = self.out.get_mut(begin..) {
            part.rotate_right(length);
        }
        Ok(())
    }

    /// As [`Writer::part`], for a list. An empty one is written as nothing.
    pub(super) fn packed<E: Error>(
        &mut self,
        number: u32,
        write: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        let begin = self.out.len();
        self.part(number, write)?;
        let head = encoding::key_len(number) + encoding::encoded_len_varint(0);
        if self.out.len() == begin + head {
            self.out.truncate(begin);
        }
        Ok(())
    }

    /// Reads a message that is inside another one.
    pub(super) fn inside<E: Error>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.depth += 1;
        if self.depth >= MESSAGE_DEPTH_MAX {
            let detail = "messages are nested too deep".to_owned();
            return self.refuse(Unread::Malformed { detail, field: self.path.clone() });
        }
        read(self)?;
        self.depth -= 1;
        Ok(())
    }
}
