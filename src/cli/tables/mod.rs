//! Tables that go out as they come in: CSV or XLSX, with headers that `record` reads.
//!
//! Rows are written as they arrive, so that a table of any length takes little memory.

mod columns;
mod csv;
mod entries;
mod xlsx;

use std::{
    io,
    path::{Path, PathBuf},
};

pub(crate) use self::{
    columns::{BATCHES, DESIGNEES, TITLES, count_header, group_header},
    csv::field as csv_field,
    entries::{ENTRIES, Entry, writes_kind},
};
use self::{csv::CsvTable, xlsx::XlsxTable};
use super::{CliError, destination::Destination};
use crate::{lang::say, protocol::pb};

/// The content of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// A text; a code is one as well.
    Text(String),
    /// A day, month or year; nothing if it is not known.
    Day(Option<pb::Date>),
    /// A count, or the number of a row.
    Number(u64),
}

impl Value {
    /// A number of which 0 means that there is none.
    fn unless_zero(number: u32) -> Self {
        if number == 0 { Self::Text(String::new()) } else { Self::Number(number.into()) }
    }
}

/// A column: its header, and its cell in a row.
pub(crate) struct Column<T> {
    pub(crate) header: &'static str,
    pub(crate) value: fn(&T) -> Value,
}

/// The place that a table is written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// CSV on standard output.
    Standard,
    /// A file of CSV.
    Csv(PathBuf),
    /// A workbook.
    Xlsx(PathBuf),
}

/// A table that is being written.
pub(crate) struct TableFile {
    target: Target,
    sink: Sink,
    rows: u64,
}

enum Sink {
    Csv(Box<CsvTable>),
    Xlsx(Box<XlsxTable>),
}

impl TableFile {
    /// Begins a table with its headers. `name` is that of the sheet, where there is one.
    pub(crate) fn begin<H: AsRef<str>>(
        target: &Target,
        name: &str,
        headers: &[H],
    ) -> Result<Self, CliError> {
        let headers: Vec<&str> = headers.iter().map(AsRef::as_ref).collect();
        let begun = || match target {
            Target::Standard => {
                CsvTable::begin(Destination::standard(), false, &headers).map(Sink::csv)
            }
            Target::Csv(path) => {
                CsvTable::begin(Destination::file(path)?, true, &headers).map(Sink::csv)
            }
            Target::Xlsx(path) => XlsxTable::begin(path, name, &headers).map(Sink::xlsx),
        };
        let sink = begun().map_err(|error| failed(target, error))?;
        Ok(Self { target: target.clone(), sink, rows: 0 })
    }

    /// Adds a row.
    pub(crate) fn add(&mut self, cells: &[Value]) -> Result<(), CliError> {
        let added = match &mut self.sink {
            Sink::Csv(table) => table.add(cells),
            Sink::Xlsx(table) => table.add(cells),
        };
        self.rows += 1;
        added.map_err(|error| failed(&self.target, error))
    }

    /// Adds a row of a table with these columns.
    pub(crate) fn add_row<T>(&mut self, columns: &[Column<T>], row: &T) -> Result<(), CliError> {
        let cells: Vec<_> = columns.iter().map(|column| (column.value)(row)).collect();
        self.add(&cells)
    }

    /// Ends the table: a file gets its name. Returns the line that says so, if it is a file.
    pub(crate) fn finish(self) -> Result<Option<String>, CliError> {
        let Self { target, sink, rows } = self;
        let ended = match sink {
            Sink::Csv(table) => table.finish(),
            Sink::Xlsx(table) => table.finish(),
        };
        ended.map_err(|error| failed(&target, error))?;
        let written = target.path().map(|path| {
            let path = path.display();
            say!(en: "{rows} rows written to {path}", zh: "已将 {rows} 行写入 {path}")
        });
        Ok(written)
    }
}

impl Sink {
    fn csv(table: CsvTable) -> Self {
        Self::Csv(Box::new(table))
    }

    fn xlsx(table: XlsxTable) -> Self {
        Self::Xlsx(Box::new(table))
    }
}

impl Target {
    /// The file, by its name's ending.
    pub(crate) fn file(path: &Path) -> Result<Self, CliError> {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
        match ending.as_deref() {
            Some("csv") => Ok(Self::Csv(path.to_path_buf())),
            Some("xlsx") => Ok(Self::Xlsx(path.to_path_buf())),
            _ => Err(CliError::Refused(say!(
                en: "--to {0}: the name ends in .csv or .xlsx, which is the format",
                zh: "--to {0}：文件名须以 .csv 或 .xlsx 结尾，以此决定格式",
                path.display()
            ))),
        }
    }

    fn path(&self) -> Option<&Path> {
        match self {
            Self::Standard => None,
            Self::Csv(path) | Self::Xlsx(path) => Some(path),
        }
    }
}

/// The headers of columns.
pub(crate) fn headers<T>(columns: &[Column<T>]) -> Vec<&'static str> {
    columns.iter().map(|column| column.header).collect()
}

fn failed(target: &Target, error: io::Error) -> CliError {
    let text = match target.path().map(Path::display) {
        Some(path) => say!(en: "cannot write {path}", zh: "无法写入 {path}"),
        None => say!(en: "cannot write the table", zh: "无法写入表格"),
    };
    CliError::Io(text, error)
}
