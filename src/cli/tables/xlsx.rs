//! XLSX: one sheet whose rows go to a file as they are added, so that memory does not grow.

use std::{
    io,
    path::{Path, PathBuf},
};

use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use super::Value;
use crate::{
    cli::print::date,
    files::AtomicFile,
    lang::say,
    limits::{XLSX_COLUMN_WIDTH, XLSX_ROWS_MAX},
    protocol::pb,
};

/// A table in a workbook.
pub(super) struct XlsxTable {
    book: Workbook,
    path: PathBuf,
    next_row: u32,
    formats: Formats,
}

struct Formats {
    /// A text that a spreadsheet leaves alone: a code of digits stays one when it is edited.
    text: Format,
    day: Format,
}

impl XlsxTable {
    pub(super) fn begin(path: &Path, name: &str, headers: &[&str]) -> io::Result<Self> {
        // A name that cannot be taken is said before the rows are asked for.
        drop(AtomicFile::create(path)?);
        let mut book = Workbook::new();
        let beside = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        book.set_tempdir(beside.unwrap_or(Path::new("."))).map_err(unwritten)?;
        let formats = Formats {
            text: Format::new().set_num_format("@"),
            day: Format::new().set_num_format("yyyy-mm-dd"),
        };
        add_sheet(&mut book, name, headers).map_err(unwritten)?;
        Ok(Self { book, path: path.to_path_buf(), next_row: 1, formats })
    }

    pub(super) fn add(&mut self, cells: &[Value]) -> io::Result<()> {
        require_room(self.next_row)?;
        let sheet = self.book.worksheet_from_index(0).map_err(unwritten)?;
        for (column, value) in (0_u16..).zip(cells) {
            write(sheet, (self.next_row, column), value, &self.formats).map_err(unwritten)?;
        }
        self.next_row += 1;
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        let mut file = AtomicFile::create(&self.path)?;
        self.book.save_to_writer(&mut file).map_err(unwritten)?;
        file.commit()
    }
}

/// Adds the sheet, which has no cells but its headers.
fn add_sheet(book: &mut Workbook, name: &str, headers: &[&str]) -> Result<(), XlsxError> {
    let bold = Format::new().set_bold();
    let sheet = book.add_worksheet_with_constant_memory()?;
    sheet.set_name(name)?.set_freeze_panes(1, 0)?;
    for (column, header) in (0_u16..).zip(headers) {
        sheet.set_column_width(column, XLSX_COLUMN_WIDTH)?;
        sheet.write_string_with_format(0, column, *header, &bold)?;
    }
    Ok(())
}

/// Refuses a row that a sheet has no place for.
fn require_room(row: u32) -> io::Result<()> {
    if row <= XLSX_ROWS_MAX {
        return Ok(());
    }
    let text = say!(
        en: "a sheet holds {XLSX_ROWS_MAX} rows below its header, and there are more; write CSV, \
             or narrow the filter",
        zh: "一张工作表在表头下最多 {XLSX_ROWS_MAX} 行，实际更多；请写成 CSV，或缩小筛选范围"
    );
    Err(io::Error::new(io::ErrorKind::FileTooLarge, text))
}

fn write(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    value: &Value,
    formats: &Formats,
) -> Result<(), XlsxError> {
    match value {
        Value::Text(text) if text.is_empty() => {}
        Value::Text(text) => {
            sheet.write_string_with_format(row, column, text, &formats.text)?;
        }
        Value::Day(day) => match day.as_ref().and_then(whole_day) {
            Some(moment) => {
                sheet.write_datetime_with_format(row, column, &moment, &formats.day)?;
            }
            // A month, a year, and a day before 1900 have no place in the calendar of a workbook.
            None => {
                let text = date(day.as_ref());
                if !text.is_empty() {
                    sheet.write_string_with_format(row, column, text, &formats.text)?;
                }
            }
        },
        // Counts are far below the 15 digits that a cell keeps.
        Value::Number(number) => {
            sheet.write_number(row, column, *number as f64)?;
        }
    }
    Ok(())
}

/// A day that a workbook can hold. Its calendar has a day too many in early 1900.
fn whole_day(day: &pb::Date) -> Option<ExcelDateTime> {
    let number = |part: i32| u8::try_from(part).ok();
    let year = u16::try_from(day.year).ok().filter(|year| *year > 1900)?;
    let (month, day) = (number(day.month)?, number(day.day).filter(|day| *day > 0)?);
    ExcelDateTime::from_ymd(year, month, day).ok()
}

fn unwritten(error: XlsxError) -> io::Error {
    match error {
        XlsxError::IoError(error) => error,
        error => io::Error::other(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_has_room_for_its_rows_and_no_more() {
        assert!(require_room(XLSX_ROWS_MAX).is_ok());
        let refused = require_room(XLSX_ROWS_MAX + 1).unwrap_err().to_string();
        assert!(refused.contains("1048575 rows"), "{refused}");
    }

    #[test]
    fn only_whole_days_of_the_calendar_become_dates() {
        let day = |year, month, day| pb::Date { year, month, day };
        assert!(whole_day(&day(2026, 4, 1)).is_some() && whole_day(&day(1901, 1, 1)).is_some());
        for (year, month, number) in [(1900, 2, 28), (2026, 4, 0), (2026, 0, 0), (2026, 2, 30)] {
            assert!(whole_day(&day(year, month, number)).is_none());
        }
    }
}
