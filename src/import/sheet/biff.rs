//! Reads from the records of an XLS what calamine does not tell, and what its reading would cost.
//!
//! A record is a number, a length and that many bytes. Every length is checked: a record that is
//! too short makes the file damaged, and so does a sheet that begins outside the stream.

use std::io::{Cursor, Read};

use cfb::CompoundFile;

use super::{
    Cell,
    grid::{self, Placed, Run, Unshown},
    sst,
};
use crate::{
    import::{budget::Budget, error::FileFault},
    lang::Both,
    limits::INPUT_FILE_BYTES_MAX,
};

const FORMAT: &str = "XLS";

// Numbers of records.
const FORMULA: u16 = 0x0006;
const END: u16 = 0x000A;
const PASSWORD: u16 = 0x002F;
const COLUMNS: u16 = 0x007D;
const SHEET: u16 = 0x0085;
const MANY_NUMBERS: u16 = 0x00BD;
const RICH_TEXT: u16 = 0x00D6;
const MERGED: u16 = 0x00E5;
const TEXTS: u16 = 0x00FC;
const SHARED_TEXT: u16 = 0x00FD;
const CALCULATED: u16 = 0x01C1;
const DIMENSIONS: u16 = 0x0200;
const NUMBER: u16 = 0x0203;
const TEXT: u16 = 0x0204;
const TRUTH: u16 = 0x0205;
const ROW: u16 = 0x0208;
const DEFAULT_HEIGHT: u16 = 0x0225;
const SMALL_NUMBER: u16 = 0x027E;
const BEGIN: u16 = 0x0809;
pub(super) const CONTINUED: u16 = 0x003C;

/// Rows and columns of this format.
const ROWS: u32 = 65_536;
const COLUMNS_MAX: u32 = 256;

/// Half a point in twentieths, and half a character in 256ths: less is not seen.
const SEEN_HEIGHT_MIN: u16 = 10;
const SEEN_WIDTH_MIN: u16 = 128;

/// What calamine does not tell.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// In the order of the workbook, with charts and macro sheets.
    pub(super) sheets: Vec<Beside>,
}

/// The same of one sheet.
#[derive(Debug, Default)]
pub(super) struct Beside {
    pub(super) unshown: Unshown,
    pub(super) unevaluated: Vec<Placed>,
}

/// One record.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) kind: u16,
    pub(super) data: &'a [u8],
}

/// Records from a place of the stream.
#[derive(Clone)]
pub(super) struct Records<'a> {
    rest: &'a [u8],
}

impl<'a> Records<'a> {
    pub(super) fn next(&mut self) -> Result<Option<Record<'a>>, FileFault> {
        let Some((head, rest)) = self.rest.split_first_chunk::<4>() else { return Ok(None) };
        let [a, b, c, d] = *head;
        let length = usize::from(u16::from_le_bytes([c, d]));
        let (data, rest) = rest.split_at_checked(length).ok_or_else(damaged)?;
        self.rest = rest;
        Ok(Some(Record { kind: u16::from_le_bytes([a, b]), data }))
    }
}

impl Record<'_> {
    pub(super) fn short(&self, at: usize) -> Result<u16, FileFault> {
        let bytes = self.data.get(at..).and_then(|rest| rest.first_chunk::<2>());
        bytes.map(|bytes| u16::from_le_bytes(*bytes)).ok_or_else(damaged)
    }

    fn long(&self, at: usize) -> Result<u32, FileFault> {
        Ok(u32::from(self.short(at)?) | u32::from(self.short(at + 2)?) << 16)
    }
}

pub(super) fn damaged() -> FileFault {
    FileFault::Workbook {
        format: FORMAT,
        cause: Both::word("one of its records is damaged", "有一条记录已损坏"),
    }
}

/// Reads the records of a workbook.
pub(super) fn read(bytes: &[u8]) -> Result<Book, FileFault> {
    let stream = stream(bytes)?;
    let mut records = Records { rest: &stream };
    let mut starts = Vec::new();
    let mut texts = Vec::new();
    let mut is_calculated = false;
    while let Some(record) = records.next()? {
        match record.kind {
            PASSWORD => return Err(FileFault::Locked),
            SHEET => starts.push(record.long(0)?),
            TEXTS => texts = sst::lengths(record, &mut records)?,
            CALCULATED => is_calculated = true,
            END => break,
            _ => {}
        }
    }
    let mut book = Book::default();
    // Sheets may share a place, and each is read again.
    let (mut budget, mut looked) = (Budget::default(), Budget::default());
    for start in starts {
        let rest = stream.get(super::index(start)..).ok_or_else(damaged)?;
        let mut sheet = Reading {
            is_calculated,
            texts: &texts,
            beside: Beside::default(),
            rows: Vec::new(),
            cells: Vec::new(),
            are_others_hidden: false,
        };
        sheet.read(Records { rest }, &mut budget, &mut looked)?;
        book.sheets.push(sheet.finish()?);
    }
    Ok(book)
}

/// The stream of the workbook.
fn stream(bytes: &[u8]) -> Result<Vec<u8>, FileFault> {
    let fault = |error: std::io::Error| super::xml::damaged(FORMAT, &error);
    let mut file = CompoundFile::open(Cursor::new(bytes)).map_err(fault)?;
    let name = if file.exists("/Workbook") { "/Workbook" } else { "/Book" };
    let mut stream = Vec::new();
    let max = u64::try_from(INPUT_FILE_BYTES_MAX).unwrap_or(u64::MAX);
    // A chain of sectors cannot be longer than the file.
    file.open_stream(name).map_err(fault)?.take(max).read_to_end(&mut stream).map_err(fault)?;
    Ok(stream)
}

/// A sheet as far as it is read.
struct Reading<'a> {
    is_calculated: bool,
    /// Bytes of each shared text.
    texts: &'a [u32],
    beside: Beside,
    /// Rows that have a record.
    rows: Vec<u32>,
    /// Places of cells; only their extent matters.
    cells: Vec<Run>,
    are_others_hidden: bool,
}

impl Reading<'_> {
    fn read(
        &mut self,
        mut records: Records<'_>,
        budget: &mut Budget,
        looked: &mut Budget,
    ) -> Result<(), FileFault> {
        // A chart in a sheet has records of its own, between another begin and end.
        let mut depth = 0_u32;
        while let Some(record) = records.next()? {
            looked.cells(1)?;
            match record.kind {
                BEGIN => depth += 1,
                END if depth <= 1 => return Ok(()),
                END => depth -= 1,
                _ if depth <= 1 => self.record(record, budget)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn record(&mut self, record: Record<'_>, budget: &mut Budget) -> Result<(), FileFault> {
        match record.kind {
            DIMENSIONS => self.require_room(record)?,
            ROW => {
                let row = u32::from(record.short(0)?);
                self.rows.push(row);
                if record.short(6)? < SEEN_HEIGHT_MIN || record.short(12)? & 0x20 != 0 {
                    self.beside.unshown.row((row, row));
                }
            }
            DEFAULT_HEIGHT => self.are_others_hidden = record.short(0)? & 0x02 != 0,
            COLUMNS if record.short(8)? & 1 != 0 || record.short(4)? < SEEN_WIDTH_MIN => {
                let run = (record.short(0)?.into(), record.short(2)?.into());
                self.beside.unshown.column(run);
            }
            MERGED => {
                let count = usize::from(record.short(0)?);
                if record.data.len() < 2 + count * 8 {
                    return Err(damaged());
                }
            }
            FORMULA => {
                self.cell(record, budget)?;
                // An empty text, which a writer that calculates nothing stores as well.
                let is_empty = record.data.get(6) == Some(&3) && record.short(12)? == 0xFFFF;
                if is_empty && !self.is_calculated {
                    let (row, column) = (record.short(0)?.into(), record.short(2)?.into());
                    self.beside.unevaluated.push(Placed { row, column, cell: Cell::Unevaluated });
                }
            }
            SHARED_TEXT => {
                self.cell(record, budget)?;
                let at = u32::from(record.short(6)?) | u32::from(record.short(8)?) << 16;
                // calamine refuses a text that does not exist, or leaves the cell empty.
                let length = self.texts.get(super::index(at)).copied().unwrap_or_default();
                budget.text_bytes(length.into())?;
            }
            NUMBER | TEXT | RICH_TEXT | TRUTH | SMALL_NUMBER => self.cell(record, budget)?,
            MANY_NUMBERS => {
                let count = (record.data.len().saturating_sub(6) / 6).max(1);
                let (row, first) = (u32::from(record.short(0)?), u32::from(record.short(2)?));
                budget.cells(u64::try_from(count).unwrap_or(u64::MAX))?;
                let last = first.saturating_add(u32::try_from(count).unwrap_or(u32::MAX) - 1);
                self.cells.push((row, first));
                self.cells.push((row, last));
            }
            _ => {}
        }
        Ok(())
    }

    fn cell(&mut self, record: Record<'_>, budget: &mut Budget) -> Result<(), FileFault> {
        budget.cells(1)?;
        self.cells.push((record.short(0)?.into(), record.short(2)?.into()));
        Ok(())
    }

    /// Refuses a stated size for which calamine would make room and which no sheet has.
    fn require_room(&self, record: Record<'_>) -> Result<(), FileFault> {
        let (rows, columns) = if record.data.len() >= 14 {
            ((record.long(0)?, record.long(4)?), (record.short(8)?, record.short(10)?))
        } else {
            let rows = (record.short(0)?.into(), record.short(2)?.into());
            (rows, (record.short(4)?, record.short(6)?))
        };
        // Of an empty sheet, some writers state a first row behind the last.
        if rows.0.max(rows.1) > ROWS || u32::from(columns.0.max(columns.1)) > COLUMNS_MAX {
            return Err(damaged());
        }
        Ok(())
    }

    /// Refuses cells that lie too far apart before calamine makes room for all between them.
    fn finish(mut self) -> Result<Beside, FileFault> {
        grid::require_near("", &self.cells)?;
        if self.are_others_hidden {
            self.rows.sort_unstable();
            self.rows.dedup();
            let mut next = 0;
            for row in self.rows {
                if row > next {
                    self.beside.unshown.rows.push((next, row - 1));
                }
                next = row + 1;
            }
            self.beside.unshown.rows.push((next, ROWS));
        }
        Ok(self.beside)
    }
}
