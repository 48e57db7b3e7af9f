//! Lengths of the texts that the cells of an XLS share. Each cell gets a copy of its text, so the
//! lengths must be known before calamine copies.

use super::biff::{CONTINUED, Record, Records, damaged};
use crate::import::error::FileFault;

/// Bytes of one character, at most, as UTF-8: of one stored in a byte, and of one stored in two.
const NARROW_BYTES: u32 = 2;
const WIDE_BYTES: u32 = 3;

/// Bytes of the table of texts, which goes on in further records.
struct Bytes<'a, 'b> {
    rest: &'a [u8],
    records: &'b mut Records<'a>,
}

impl<'a> Bytes<'a, '_> {
    /// Goes on to the next record. False if the table ends.
    fn advance(&mut self) -> Result<bool, FileFault> {
        let mut ahead = self.records.clone();
        match ahead.next()? {
            Some(Record { kind: CONTINUED, data }) => {
                *self.records = ahead;
                self.rest = data;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn byte(&mut self) -> Result<u8, FileFault> {
        while self.rest.is_empty() {
            if !self.advance()? {
                return Err(damaged());
            }
        }
        let (byte, rest) = self.rest.split_first().ok_or_else(damaged)?;
        self.rest = rest;
        Ok(*byte)
    }

    fn short(&mut self) -> Result<u16, FileFault> {
        Ok(u16::from_le_bytes([self.byte()?, self.byte()?]))
    }

    fn long(&mut self) -> Result<u32, FileFault> {
        Ok(u32::from(self.short()?) | u32::from(self.short()?) << 16)
    }

    /// Passes over bytes. A file that is cut off ends the table.
    fn skip(&mut self, mut count: u64) -> Result<(), FileFault> {
        while count > 0 {
            let here = u64::try_from(self.rest.len()).unwrap_or(u64::MAX).min(count);
            let at = usize::try_from(here).unwrap_or(usize::MAX);
            self.rest = self.rest.get(at..).unwrap_or_default();
            count -= here;
            if count > 0 && !self.advance()? {
                return Err(damaged());
            }
        }
        Ok(())
    }

    /// Passes over the characters of a text. Where a record ends, the next begins with the width
    /// of the characters that follow.
    fn characters(&mut self, mut count: u32, mut is_wide: bool) -> Result<u32, FileFault> {
        let mut bytes = 0_u32;
        loop {
            let width = if is_wide { 2 } else { 1 };
            let here = u32::try_from(self.rest.len() / width).unwrap_or(u32::MAX).min(count);
            self.skip(u64::from(here) * if is_wide { 2 } else { 1 })?;
            let most = if is_wide { WIDE_BYTES } else { NARROW_BYTES };
            bytes = bytes.saturating_add(here.saturating_mul(most));
            count -= here;
            if count == 0 {
                return Ok(bytes);
            }
            if !self.rest.is_empty() || !self.advance()? {
                return Err(damaged());
            }
            is_wide = self.byte()? & 1 != 0;
        }
    }
}

/// The bytes that each text takes at most, and the records behind the table.
pub(super) fn lengths<'a>(
    first: Record<'a>,
    records: &mut Records<'a>,
) -> Result<Vec<u32>, FileFault> {
    let mut bytes = Bytes { rest: first.data, records };
    // How often texts are used, and how many there are: calamine reads neither.
    bytes.skip(8)?;
    let mut lengths = Vec::new();
    while !bytes.rest.is_empty() || bytes.advance()? {
        let count = u32::from(bytes.short()?);
        let flags = bytes.byte()?;
        let runs = if flags & 8 != 0 { bytes.short()? } else { 0 };
        let more = if flags & 4 != 0 { bytes.long()? } else { 0 };
        lengths.push(bytes.characters(count, flags & 1 != 0)?);
        bytes.skip(u64::from(runs) * 4)?;
        bytes.skip(more.into())?;
    }
    Ok(lengths)
}
