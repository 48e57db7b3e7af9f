//! Sheets of cells, and the readers of workbooks. They interpret the type of a value and nothing
//! more.

mod beside;
mod biff;
mod grid;
mod html;
mod ods;
mod old_xml;
mod sst;
mod xls;
mod xlsx;
mod xml;

use std::{
    io::Cursor,
    panic::{AssertUnwindSafe, catch_unwind},
};

use calamine::{Data, Dimensions, ExcelDateTime, Reader, SheetVisible};
use grid::Region;
use jiff::civil::{Date, DateTime, Time};

use super::{error::FileFault, guard::unguard};
use crate::{
    domain::text::echo,
    lang::{Both, both},
    limits::SHEET_NAME_CHARS_MAX,
};

/// The content of a cell.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    /// Nothing, or only spaces.
    Empty,
    /// Text without spaces around it.
    Text(String),
    /// A number, with the 15 digits that a spreadsheet keeps.
    Number(f64),
    /// A day with its time of day, as the workbook shows it.
    Moment {
        /// ISO text. A day that does not exist stays text, and is refused where a date is read.
        day: String,
        /// `None` for a day alone, which midnight is as well.
        time: Option<Time>,
    },
    /// The error of a formula: `#REF!`.
    Error(String),
    /// A formula whose value the file does not hold.
    Unevaluated,
}

impl Cell {
    /// A cell of a text.
    pub(super) fn of_text(text: &str) -> Self {
        match text.trim() {
            "" => Self::Empty,
            text => Self::Text(unguard(text).to_owned()),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    /// The value as text; an integral number without its fraction (`4.0` is `4`). A time of day
    /// follows its day: `2026-03-31T23:59:59`.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Empty | Self::Unevaluated => String::new(),
            Self::Text(text) | Self::Error(text) => join_lines(text),
            Self::Moment { day, time: None } => day.clone(),
            Self::Moment { day, time: Some(time) } => format!("{day}T{time}"),
            Self::Number(number) if number.fract() == 0.0 => format!("{number:.0}"),
            Self::Number(number) => number.to_string(),
        }
    }
}

/// One row of a sheet.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SheetRow {
    /// Its number as a spreadsheet shows it; in a text file the line that it begins on.
    pub(super) number: u32,
    pub(super) cells: Vec<Cell>,
    /// True if a spreadsheet does not show it: hidden, filtered out, or of no height.
    pub(super) hidden: bool,
}

impl SheetRow {
    pub(super) fn is_blank(&self) -> bool {
        self.cells.iter().all(Cell::is_empty)
    }
}

/// A cell merged over several columns. Its value stays in the first of them: repeated in each, a
/// footnote over the whole width would look like a row of data.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wide {
    pub(super) row: u32,
    pub(super) first: usize,
    pub(super) last: usize,
}

/// One sheet.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sheet {
    /// Empty for a text file.
    pub(super) name: String,
    /// True if a spreadsheet does not show it.
    pub(super) hidden: bool,
    /// The rows, without blank ones.
    pub(super) rows: Vec<SheetRow>,
    pub(super) wide: Vec<Wide>,
    /// Indices of the columns that a spreadsheet does not show, ascending.
    pub(super) hidden_columns: Vec<usize>,
}

/// Reads the sheets of an XLSX workbook.
pub(super) fn read_xlsx(bytes: &[u8]) -> Result<Vec<Sheet>, FileFault> {
    guarded("XLSX", || xlsx::read(bytes))
}

/// Reads the sheets of an XLS workbook.
pub(super) fn read_xls(bytes: &[u8]) -> Result<Vec<Sheet>, FileFault> {
    guarded("XLS", || xls::read(bytes))
}

/// Reads the sheets of an ODS workbook.
pub(super) fn read_ods(bytes: &[u8]) -> Result<Vec<Sheet>, FileFault> {
    guarded("ODS", || ods::read(bytes))
}

/// Reads the sheets of an ODS workbook that is one file of XML.
pub(super) fn read_flat_ods(bytes: &[u8]) -> Result<Vec<Sheet>, FileFault> {
    guarded("ODS", || ods::read_flat(bytes))
}

/// Reads the sheets of a workbook that Excel 2003 saved as XML.
pub(super) fn read_old_xml(bytes: &[u8]) -> Result<Vec<Sheet>, FileFault> {
    guarded("Excel 2003 XML", || old_xml::read(bytes))
}

/// Reads the tables of a web page as one sheet; none without a table.
pub(super) fn read_html(text: &str) -> Result<Vec<Sheet>, FileFault> {
    guarded("HTML", || Ok(html::read(text)?.into_iter().collect()))
}

/// The readers panic on some damaged files; the panic is reported as damage. It can break nothing,
/// because nothing is shared with them.
pub(super) fn guarded<T>(
    format: &'static str,
    read: impl FnOnce() -> Result<T, FileFault>,
) -> Result<T, FileFault> {
    let cause = Both::word("the file is damaged", "文件已损坏");
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(FileFault::Workbook { format, cause }))
}

/// Index, name and state of the worksheets: true if one is hidden. Charts and macro sheets hold no
/// lists.
fn names<'a, B: Reader<Cursor<&'a [u8]>>>(
    format: &'static str,
    book: &B,
) -> Result<Vec<(usize, String, bool)>, FileFault> {
    let sheets = book.sheets_metadata().iter().enumerate();
    let sheets = sheets.filter(|(_, sheet)| sheet.typ == calamine::SheetType::WorkSheet);
    let named = sheets.map(|(at, sheet)| {
        let name = bounded_name(format, &sheet.name)?;
        Ok((at, name, sheet.visible != SheetVisible::Visible))
    });
    named.collect()
}

/// The name of a sheet, of which each row gets a copy.
fn bounded_name(format: &'static str, name: &str) -> Result<String, FileFault> {
    if name.chars().count() > SHEET_NAME_CHARS_MAX {
        let cause = both!(
            en: "the sheet {0} has too long a name",
            zh: "工作表“{0}”的名称太长",
            echo(name)
        );
        return Err(FileFault::Workbook { format, cause });
    }
    Ok(name.to_owned())
}

fn region(merged: &Dimensions) -> Region {
    let ((first_row, first_column), (last_row, last_column)) = (merged.start, merged.end);
    Region { rows: (first_row, last_row), columns: (first_column, last_column) }
}

/// The letters of a column, from 0: `A`, `Z`, `AA`.
pub(super) fn letters(column: u32) -> String {
    let (mut letters, mut rest) = (Vec::new(), Some(column));
    while let Some(number) = rest {
        letters.push(char::from(b'A' + u8::try_from(number % 26).unwrap_or_default()));
        rest = (number / 26).checked_sub(1);
    }
    letters.iter().rev().collect()
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

pub(super) fn cell(value: &Data) -> Cell {
    match value {
        Data::Empty => Cell::Empty,
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => {
            Cell::of_text(text)
        }
        Data::Float(number) => Cell::Number(*number),
        // Beyond 32 bits an integer stays exact only as text.
        Data::Int(number) => i32::try_from(*number)
            .map_or_else(|_| Cell::Text(number.to_string()), |number| Cell::Number(number.into())),
        Data::Bool(value) => Cell::Text(value.to_string()),
        Data::DateTime(value) => moment(value),
        Data::Error(error) => Cell::Error(error.to_string()),
    }
}

/// A civil day and the time of day. Facts take effect on days; the reader of dates judges the time.
fn moment(value: &ExcelDateTime) -> Cell {
    if value.is_duration() {
        return Cell::Number(value.as_f64());
    }
    // This handles the 1904 system. Excel's 29 February 1900 is refused later, as not a date.
    let (year, month, day, hour, minute, second, milli) = value.to_ymd_hms_milli();
    let parts = [hour, minute, second].map(|part| i8::try_from(part).unwrap_or(-1));
    let time = Time::new(parts[0], parts[1], parts[2], i32::from(milli) * 1_000_000).ok();
    Cell::Moment {
        day: format!("{year:04}-{month:02}-{day:02}"),
        time: time.filter(|time| *time != Time::midnight()),
    }
}

/// A day, or a day with a time: `2026-03-31T23:59:17.5`. One with a zone stays text, and so does
/// anything else.
fn moment_of(value: &str) -> Cell {
    let of = |day: Date, time: Time| Cell::Moment {
        day: day.to_string(),
        time: (time != Time::midnight()).then_some(time),
    };
    let value = value.trim();
    let has_zone =
        value.ends_with(['Z', 'z']) || value.get(10..).is_some_and(|t| t.contains(['+', '-']));
    match (value.parse::<Date>(), value.parse::<DateTime>()) {
        _ if has_zone => Cell::of_text(value),
        (_, Ok(both)) => of(both.date(), both.time()),
        (Ok(day), _) => of(day, Time::midnight()),
        _ => Cell::of_text(value),
    }
}

/// Removes line breaks inside a cell: between Latin words they become spaces, in Chinese nothing.
fn join_lines(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    for line in text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty()) {
        let latin = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        if latin(joined.chars().next_back()) && latin(line.chars().next()) {
            joined.push(' ');
        }
        joined.push_str(line);
    }
    joined
}
