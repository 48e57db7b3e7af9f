//! The report on how a file was read, for the person who approves it. It decides nothing.

use std::fmt;

use super::{Note, sheet::Sheet};
use crate::{
    domain::text,
    lang::{Both, Lang, say},
};

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
            Self::OldXml => "Excel 2003 XML",
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
    /// Why the sheet was not read; `None` if it was.
    pub not_read: Option<Both>,
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
    pub why: Both,
}

/// Numbers of rows as ranges: `row 3`, `rows 3 and 5 to 7`; `第 3、5 至 7 行`.
#[must_use]
pub fn rows_in_words(rows: &[u32]) -> String {
    if Lang::current() == Lang::En {
        let word = if rows.iter().all(|row| Some(row) == rows.first()) { "row" } else { "rows" };
        return format!("{word} {}", text::ranges(rows));
    }
    let (spans, more) = text::spans(rows);
    let span = |(first, last): &(u32, u32)| match first == last {
        true => first.to_string(),
        false => format!("{first} 至 {last}"),
    };
    let named = spans.iter().map(span).collect::<Vec<_>>().join("、");
    let more = if more > 0 { format!("等（另有 {more} 行）") } else { String::new() };
    format!("第 {named} 行{more}")
}

/// A row of a sheet: `sheet 名单, row 3`, or `row 3` where there are no sheets.
pub(super) fn place(sheet: &str, row: u32) -> String {
    match sheet {
        "" => say!(en: "row {row}", zh: "第 {row} 行"),
        sheet => say!(en: "sheet {sheet}, row {row}", zh: "工作表“{sheet}”第 {row} 行"),
    }
}

impl SheetReport {
    pub(super) fn without_table(sheet: &Sheet, not_read: Both) -> Self {
        Self { name: sheet.name.clone(), not_read: Some(not_read), ..Self::default() }
    }
}
