//! Sheets of cells, and the readers of XLS and XLSX. They interpret the type of a value and nothing
//! more.

use std::{
    io::Cursor,
    panic::{AssertUnwindSafe, catch_unwind},
};

use calamine::{
    Data, DataRef, Dimensions, ExcelDateTime, Range, Reader, SheetVisible, Xls, Xlsx, XlsxError,
};

use jiff::civil::Time;

use super::{budget::Budget, error::FileFault, guard::unguard, unpack};
use crate::{
    domain::text::echo,
    limits::{LIST_CELLS_MAX, SHEET_NAME_CHARS_MAX},
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
    guarded("XLSX", || xlsx(bytes))
}

/// Reads the sheets of an XLS workbook.
pub(super) fn read_xls(bytes: &[u8]) -> Result<Vec<Sheet>, FileFault> {
    guarded("XLS", || xls(bytes))
}

/// calamine panics on some damaged files; the panic is reported as damage. It can break nothing,
/// because nothing is shared with it.
fn guarded(
    format: &'static str,
    read: impl FnOnce() -> Result<Vec<Sheet>, FileFault>,
) -> Result<Vec<Sheet>, FileFault> {
    let cause = || "the file is damaged".to_owned();
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(FileFault::Workbook { format, cause: cause() }))
}

fn xlsx(bytes: &[u8]) -> Result<Vec<Sheet>, FileFault> {
    unpack::require_bounded(bytes)?;
    let open = Xlsx::new(Cursor::new(bytes));
    let mut book = open.map_err(|error| fault("XLSX", &error))?;
    let mut budget = Budget::default();
    let mut sheets = Vec::new();
    for (name, hidden) in names("XLSX", &book)? {
        let range = range(&mut book, &name, &mut budget)?;
        let merged =
            book.merge_cells_by_sheet_name(&name).map_err(|error| fault("XLSX", &error))?;
        sheets.push(sheet(name, hidden, &range, &merged, &mut budget)?);
    }
    Ok(sheets)
}

/// The cells of a sheet. calamine would allocate all cells between the first and the last, however
/// far apart; so their extent is checked first. Each cell that is read counts, also a blank one:
/// many sheets can be the same file.
fn range(
    book: &mut Xlsx<Cursor<&[u8]>>,
    name: &str,
    budget: &mut Budget,
) -> Result<Range<Data>, FileFault> {
    let mut reader = match book.worksheet_cells_reader(name) {
        Ok(reader) => reader,
        Err(XlsxError::NotAWorksheet(_)) => return Ok(Range::default()),
        Err(error) => return Err(fault("XLSX", &error)),
    };
    let mut cells = Vec::new();
    let (mut first_row, mut last_row, mut last_column) = (u32::MAX, 0, 0);
    let mut read = Budget::default();
    while let Some(cell) = reader.next_cell().map_err(|error| fault("XLSX", &error))? {
        read.cells(1)?;
        match cell.get_value() {
            DataRef::Empty => continue,
            DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
                budget.text(text)?;
            }
            DataRef::SharedString(text) => budget.text(text)?,
            _ => {}
        }
        let (row, column) = cell.get_position();
        (first_row, last_row) = (row.min(first_row), row.max(last_row));
        last_column = column.max(last_column);
        let value = Data::from(cell.get_value().clone());
        cells.push(calamine::Cell::new((row, column), value));
    }
    if cells.is_empty() {
        return Ok(Range::default());
    }
    // Width counts from column A.
    let height = u64::from(last_row.saturating_sub(first_row)) + 1;
    let extent = height.saturating_mul(u64::from(last_column) + 1);
    if extent > LIST_CELLS_MAX {
        let cause = format!("the cells of sheet {} lie too far apart", echo(name));
        return Err(FileFault::Workbook { format: "XLSX", cause });
    }
    budget.cells(extent)?;
    Ok(Range::from_sparse(cells))
}

fn xls(bytes: &[u8]) -> Result<Vec<Sheet>, FileFault> {
    let open = Xls::new(Cursor::new(bytes));
    let mut book = open.map_err(|error| fault("XLS", &error))?;
    let mut budget = Budget::default();
    let mut sheets = Vec::new();
    for (name, hidden) in names("XLS", &book)? {
        let range = book.worksheet_range(&name).map_err(|error| fault("XLS", &error))?;
        let merged = book.merge_cells_by_sheet_name(&name).map_err(|error| fault("XLS", &error))?;
        let (rows, columns) = range.end().map_or((0, 0), |(row, column)| (row + 1, column + 1));
        budget.cells(u64::from(rows).saturating_mul(columns.into()))?;
        sheets.push(sheet(name, hidden, &range, &merged, &mut budget)?);
    }
    Ok(sheets)
}

fn fault(format: &'static str, cause: &dyn std::error::Error) -> FileFault {
    FileFault::Workbook { format, cause: cause.to_string() }
}

/// Names of the worksheets, and whether they are hidden. Charts and macro sheets hold no lists.
fn names<'a, B: Reader<Cursor<&'a [u8]>>>(
    format: &'static str,
    book: &B,
) -> Result<Vec<(String, bool)>, FileFault> {
    let sheets = book.sheets_metadata().iter();
    let sheets = sheets.filter(|sheet| sheet.typ == calamine::SheetType::WorkSheet);
    let named = sheets.map(|sheet| {
        // Each row gets a copy of it.
        if sheet.name.chars().count() > SHEET_NAME_CHARS_MAX {
            let cause = format!("the sheet {} has too long a name", echo(&sheet.name));
            return Err(FileFault::Workbook { format, cause });
        }
        Ok((sheet.name.clone(), sheet.visible != SheetVisible::Visible))
    });
    named.collect()
}

fn sheet(
    name: String,
    hidden: bool,
    range: &Range<Data>,
    merged: &[Dimensions],
    budget: &mut Budget,
) -> Result<Sheet, FileFault> {
    let (first_row, first_column) = range.start().unwrap_or_default();
    let mut rows: Vec<SheetRow> = Vec::with_capacity(range.height());
    for (number, values) in (first_row.saturating_add(1)..).zip(range.rows()) {
        // The range begins at the first used cell; columns count from A, as in merged regions.
        let mut cells = vec![Cell::Empty; index(first_column)];
        cells.extend(values.iter().map(cell));
        rows.push(SheetRow { number, cells, hidden: false });
    }
    let mut wide = Vec::new();
    for region in merged {
        fill_down(&mut rows, first_row, region, budget)?;
        let (first, last) = (index(region.start.1), index(region.end.1));
        if last > first {
            wide.push(Wide { row: region.start.0.saturating_add(1), first, last });
        }
    }
    rows.retain(|row| !row.is_blank());
    Ok(Sheet { name, hidden, rows, wide, hidden_columns: Vec::new() })
}

/// Repeats the value of a merged region in the rows below its first.
fn fill_down(
    rows: &mut [SheetRow],
    first_row: u32,
    region: &Dimensions,
    budget: &mut Budget,
) -> Result<(), FileFault> {
    let column = index(region.start.1);
    // Rows follow each other without a gap. Only those of the region are looked at, or many
    // regions over many rows would take for ever.
    let from = index(region.start.0.saturating_sub(first_row));
    let to = index(region.end.0.saturating_add(1).saturating_sub(first_row)).min(rows.len());
    let Some(rows) = rows.get_mut(from..to) else { return Ok(()) };
    let mut value = None;
    for row in rows {
        let Some(cell) = row.cells.get_mut(column) else { return Ok(()) };
        match &value {
            None => value = Some(cell.clone()),
            Some(value) => {
                budget.copy(value)?;
                *cell = value.clone();
            }
        }
    }
    Ok(())
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
