//! Rows and answers in the output format that was asked for.

use std::fmt;

use comfy_table::{ContentArrangement, LineStyle, TableStyle};
use prost::Message;

use super::{escaped, print_json, print_line, print_table};
use crate::{
    cli::{CliError, args::Output},
    protocol::json::Json,
};

/// Prints rows: for programs one JSON message a line, at once; for people a table, at the end.
pub(crate) struct Printer {
    output: Output,
    json: Json,
    table: Table,
}

impl Printer {
    pub(crate) fn new<C: AsRef<str>>(
        output: Output,
        header: impl IntoIterator<Item = C>,
    ) -> Result<Self, CliError> {
        Ok(Self { output, json: Json::new()?, table: table(header) })
    }

    /// Adds a row: the message `name` of package `tidu.v1`, whose cells are made for people only.
    pub(crate) fn add<M: Message, C: AsRef<str>, R: IntoIterator<Item = C>>(
        &mut self,
        name: &str,
        message: &M,
        cells: impl FnOnce(&M) -> R,
    ) -> Result<(), CliError> {
        match self.output {
            Output::Json => print_json(&self.json.line(name, message)?),
            Output::Human => {
                self.table.add_row(cells(message));
                Ok(())
            }
        }
    }

    /// Prints the table, then a line below it, for people.
    pub(crate) fn finish(self, summary: Option<&str>) -> Result<(), CliError> {
        if self.output == Output::Json {
            return Ok(());
        }
        print_table(&self.table)?;
        summary.map_or(Ok(()), print_line)
    }
}

/// Prints an answer, the message `name` of package `tidu.v1`: as JSON, or by `human` for people.
/// The JSON has the counts that are zero: a script reads them.
pub(crate) fn print_message<M: Message>(
    output: Output,
    name: &str,
    message: &M,
    human: impl FnOnce(&M) -> Result<(), CliError>,
) -> Result<(), CliError> {
    match output {
        Output::Json => print_json(&Json::new()?.whole(name, message)?),
        Output::Human => human(message),
    }
}

/// A table for people. Its cells are escaped, because a line break in one would look like a row.
pub(crate) struct Table(comfy_table::Table);

impl Table {
    pub(crate) fn add_row<C: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = C>) {
        self.0.add_row(row(cells));
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn row<C: AsRef<str>>(cells: impl IntoIterator<Item = C>) -> Vec<String> {
    cells.into_iter().map(|cell| escaped(cell.as_ref()).into_owned()).collect()
}

/// A table for people, with its header.
pub(crate) fn table<C: AsRef<str>>(header: impl IntoIterator<Item = C>) -> Table {
    let mut table = comfy_table::Table::new();
    let line = LineStyle::none().fill('─').junction('─');
    let style = TableStyle::new().header_separator(line).bottom_border(line);
    table.load_style(style).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(row(header));
    Table(table)
}
