//! Rows and answers in the output format that was asked for.

use std::fmt;

use prost::Message;

use super::{
    cells::{Cell, TableColumn},
    columns_of_output, escaped, is_coloured,
    layout::Layout,
    print_json, print_line, print_own,
};
use crate::{
    cli::{CliError, args::Output, tables::csv_field},
    protocol::json::Json,
};

/// Prints rows: for programs one line each, at once; for people a table, at the end.
pub(crate) struct Printer {
    output: Output,
    json: Json,
    table: Table,
    has_header: bool,
}

impl Printer {
    pub(crate) fn new<H: Into<TableColumn>>(
        output: Output,
        headings: impl IntoIterator<Item = H>,
    ) -> Result<Self, CliError> {
        Ok(Self { output, json: Json::new()?, table: table(headings), has_header: false })
    }

    /// Adds a row: the message `name` of package `tidu.v1`, whose cells are made for a table only.
    pub(crate) fn add<M: Message, C: Into<Cell>, R: IntoIterator<Item = C>>(
        &mut self,
        name: &str,
        message: &M,
        cells: impl FnOnce(&M) -> R,
    ) -> Result<(), CliError> {
        match self.output {
            Output::Json => print_json(&self.json.whole(name, message)?),
            Output::PlainJson => print_json(&self.json.plain(name, message)?),
            Output::Human | Output::Csv | Output::Tsv => self.add_cells(cells(message)),
        }
    }

    /// Adds a row that is a line of JSON already, and not a message of the protocol.
    pub(crate) fn add_line<C: Into<Cell>, R: IntoIterator<Item = C>>(
        &mut self,
        json: &str,
        cells: impl FnOnce() -> R,
    ) -> Result<(), CliError> {
        match self.output {
            Output::Json | Output::PlainJson => print_json(json),
            Output::Human | Output::Csv | Output::Tsv => self.add_cells(cells()),
        }
    }

    /// Adds a row to a table. It has no JSON.
    pub(crate) fn add_cells<C: Into<Cell>>(
        &mut self,
        cells: impl IntoIterator<Item = C>,
    ) -> Result<(), CliError> {
        if self.output.is_human() {
            self.table.add_row(cells);
            return Ok(());
        }
        self.print_header()?;
        let cells: Vec<Cell> = cells.into_iter().map(Into::into).collect();
        self.print_fields(cells.iter().map(Cell::machine))
    }

    /// Ends the rows; for people with the table and a line below it.
    pub(crate) fn finish(mut self, summary: Option<&str>) -> Result<(), CliError> {
        match self.output {
            Output::Json | Output::PlainJson => Ok(()),
            // A table without rows has a header.
            Output::Csv | Output::Tsv => self.print_header(),
            Output::Human => {
                print_table(&self.table)?;
                summary.map_or(Ok(()), print_line)
            }
        }
    }

    fn print_header(&mut self) -> Result<(), CliError> {
        if self.has_header {
            return Ok(());
        }
        self.has_header = true;
        let headings = &self.table.headings;
        self.print_fields(headings.iter().map(|heading| heading.key.as_str()))
    }

    fn print_fields<'f>(&self, fields: impl Iterator<Item = &'f str>) -> Result<(), CliError> {
        if self.output == Output::Csv {
            let fields: Vec<_> = fields.map(csv_field).collect();
            return print_own(&format!("{}\r", fields.join(",")));
        }
        // A tab or a line break in a field is shown by its number.
        let fields: Vec<_> = fields.map(escaped).collect();
        print_own(&fields.join("\t"))
    }
}

/// Prints messages as JSON lines, in the form that was asked for.
pub(crate) struct JsonLines {
    json: Json,
    is_plain: bool,
}

impl JsonLines {
    /// `None` for people.
    ///
    /// # Errors
    /// If a table is asked for.
    pub(crate) fn new(output: Output) -> Result<Option<Self>, CliError> {
        match output {
            Output::Human => Ok(None),
            Output::Json | Output::PlainJson => {
                Ok(Some(Self { json: Json::new()?, is_plain: output == Output::PlainJson }))
            }
            Output::Csv | Output::Tsv => Err(no_table()),
        }
    }

    /// Prints an event or its place: without the values that it does not state, as over HTTP.
    pub(crate) fn print_stated<M: Message>(&self, name: &str, message: &M) -> Result<(), CliError> {
        print_json(&match self.is_plain {
            true => self.json.plain(name, message)?,
            false => self.json.line(name, message)?,
        })
    }

    /// Prints a message `name` of package `tidu.v1`.
    pub(crate) fn print<M: Message>(&self, name: &str, message: &M) -> Result<(), CliError> {
        print_json(&match self.is_plain {
            true => self.json.plain(name, message)?,
            false => self.json.whole(name, message)?,
        })
    }
}

/// Prints an answer, the message `name` of package `tidu.v1`: for programs as JSON, or by `human`
/// for people. The JSON has the counts that are zero: a script reads them.
///
/// # Errors
/// Also if a table is asked for: an answer that is no list has none.
pub(crate) fn print_message<M: Message>(
    output: Output,
    name: &str,
    message: &M,
    human: impl FnOnce(&M) -> Result<(), CliError>,
) -> Result<(), CliError> {
    match JsonLines::new(output)? {
        Some(lines) => lines.print(name, message),
        None => human(message),
    }
}

/// Refuses a table for an answer that is none, before anything is done.
pub(crate) fn reject_table(output: Output) -> Result<(), CliError> {
    match output {
        Output::Csv | Output::Tsv => Err(no_table()),
        Output::Human | Output::Json | Output::PlainJson => Ok(()),
    }
}

/// The refusal of a table for an answer that is none.
pub(crate) fn no_table() -> CliError {
    CliError::Refused(crate::lang::say!(
        en: "this answer is not a table; use -o json or -o plain-json",
        zh: "该结果不是表格，请使用 -o json 或 -o plain-json"
    ))
}

/// A table for people, which is laid out once all rows are there.
pub(crate) struct Table {
    headings: Vec<TableColumn>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(crate) fn add_row<C: Into<Cell>>(&mut self, cells: impl IntoIterator<Item = C>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }
}

/// A table for people, with its header.
pub(crate) fn table<H: Into<TableColumn>>(headings: impl IntoIterator<Item = H>) -> Table {
    Table { headings: headings.into_iter().map(Into::into).collect(), rows: Vec::new() }
}

/// The lines of the table, within the width of the terminal.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { headings, rows } = self;
        let width = columns_of_output();
        f.write_str(&Layout { headings, rows, width, is_coloured: is_coloured() }.text())
    }
}

/// Writes a table to standard output.
pub(crate) fn print_table(table: &Table) -> Result<(), CliError> {
    print_own(&table.to_string())
}
