//! How a file was understood, for the person who has to agree with it; it decides nothing.

use std::fmt;

use super::{sheet::Sheet, table::Table};

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
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Csv => "CSV",
            Self::JsonLines => "JSON lines",
            Self::Xls => "XLS",
            Self::Xlsx => "XLSX",
        })
    }
}

/// How a file was understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Its format.
    pub format: Format,
    /// Encoding of a text; a workbook has its own.
    pub encoding: Option<&'static str>,
    /// Its sheets, in their order; one without a name for a CSV, none for JSON lines.
    pub sheets: Vec<SheetReport>,
}

impl Report {
    pub(super) fn new(format: Format, encoding: Option<&'static str>) -> Self {
        Self { format, encoding, sheets: Vec::new() }
    }
}

/// How a sheet was understood.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SheetReport {
    /// Its name; empty for a CSV.
    pub name: String,
    /// Row of the header, from 1; none where no table was found.
    pub header_row: Option<u32>,
    /// Why the sheet was not read; empty where it was.
    pub not_read: &'static str,
    /// Number of data rows.
    pub rows: usize,
    /// Rows that are not data; blank ones are left out.
    pub skipped: Vec<Skipped>,
    /// Field and header of each column that is read.
    pub columns: Vec<(&'static str, String)>,
    /// Headers of columns that are ignored because no field is known for them.
    pub unmapped: Vec<String>,
    /// Headers of columns that are dropped because they hold personal data.
    pub personal: Vec<String>,
}

/// A row that is not data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Row of the sheet or line of the text, from 1.
    pub row: u32,
    /// What it is taken for.
    pub why: &'static str,
}

impl SheetReport {
    pub(super) fn without_table(sheet: &Sheet, not_read: &'static str) -> Self {
        Self { name: sheet.name.clone(), not_read, ..Self::default() }
    }

    pub(super) fn of_table(sheet: &Sheet, table: Table<'_>) -> Self {
        let columns = table.columns.into_iter();
        Self {
            name: sheet.name.clone(),
            header_row: Some(table.header_row),
            not_read: "",
            rows: table.rows.len(),
            skipped: table.skipped,
            columns: columns.map(|column| (column.field.name(), column.header)).collect(),
            unmapped: table.unmapped,
            personal: table.personal,
        }
    }
}
