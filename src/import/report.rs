//! The report on how a file was read, for the person who approves it. It decides nothing.

use std::fmt;

use super::{Note, sheet::Sheet};
use crate::domain::text;

/// Format of a file, found by its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Separated text, whatever the separator.
    Csv,
    /// One JSON object a line.
    JsonLines,
    /// Excel 97.
    Xls,
    /// Excel since 2007.
    Xlsx,
    /// OpenDocument, as LibreOffice and WPS save it.
    Ods,
    /// Excel 2003 as one file of XML.
    OldXml,
    /// Tables of a web page, which other systems export as `.xls`.
    Html,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Csv => "CSV",
            Self::JsonLines => "JSON lines",
            Self::Xls => "XLS",
            Self::Xlsx => "XLSX",
            Self::Ods => "ODS",
            Self::OldXml => "XML of Excel 2003",
            Self::Html => "HTML",
        })
    }
}

/// The format, encoding and sheets that were found in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Its format.
    pub format: Format,
    /// Encoding of a text; a workbook has its own.
    pub encoding: Option<&'static str>,
    /// Its tables, in order, and the sheets without one. A CSV has no names of sheets; JSON lines
    /// have no tables.
    pub sheets: Vec<SheetReport>,
    /// Values that were assumed, and parts that were left out.
    pub notes: Vec<Note>,
}

impl Report {
    pub(super) fn new(format: Format, encoding: Option<&'static str>) -> Self {
        Self { format, encoding, sheets: Vec::new(), notes: Vec::new() }
    }
}

/// A table that was found in a sheet, or a sheet without one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SheetReport {
    /// Its name; empty for a CSV.
    pub name: String,
    /// Row of the header, from 1; `None` if no table was found, or if letters name its columns.
    pub header_row: Option<u32>,
    /// Why the sheet was not read; empty if it was.
    pub not_read: &'static str,
    /// Number of data rows.
    pub rows: usize,
    /// Rows that are not data, without the blank ones.
    pub skipped: Vec<Skipped>,
    /// Field and header of each column that is read.
    pub columns: Vec<(&'static str, String)>,
    /// Headers of ignored columns, whose field is unknown.
    pub unmapped: Vec<String>,
    /// Headers of columns that are dropped as personal data.
    pub personal: Vec<String>,
}

/// A row that is not data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Row of the sheet or line of the text, from 1.
    pub row: u32,
    /// The kind of row that it was recognised as.
    pub why: &'static str,
}

/// Numbers of rows as ranges: `row 3`, `rows 3 and 5 to 7`.
#[must_use]
pub(super) fn ranges(rows: &[u32]) -> String {
    let word = if rows.len() == 1 { "row" } else { "rows" };
    format!("{word} {}", text::ranges(rows))
}

/// A row of a sheet: `sheet 名单, row 3`, or `row 3` where there are no sheets.
pub(super) fn place(sheet: &str, row: u32) -> String {
    if sheet.is_empty() { format!("row {row}") } else { format!("sheet {sheet}, row {row}") }
}

impl SheetReport {
    pub(super) fn without_table(sheet: &Sheet, not_read: &'static str) -> Self {
        Self { name: sheet.name.clone(), not_read, ..Self::default() }
    }
}
