//! Rows and answers in the output format that was asked for.

use comfy_table::{ContentArrangement, LineStyle, Row, Table, TableStyle};
use prost::Message;

use super::print_line;
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
    pub(crate) fn new(output: Output, header: impl Into<Row>) -> Result<Self, CliError> {
        Ok(Self { output, json: Json::new()?, table: table(header) })
    }

    /// Adds a row: the message `name` of package `tidu.v1`, whose cells are made for people only.
    pub(crate) fn add<M: Message, R: Into<Row>>(
        &mut self,
        name: &str,
        message: &M,
        cells: impl FnOnce(&M) -> R,
    ) -> Result<(), CliError> {
        match self.output {
            Output::Json => print_line(&self.json.line(name, message)?),
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
        print_line(&self.table.to_string())?;
        summary.map_or(Ok(()), print_line)
    }
}

/// Prints an answer, the message `name` of package `tidu.v1`: as JSON, or by `human` for people.
pub(crate) fn print_message<M: Message>(
    output: Output,
    name: &str,
    message: &M,
    human: impl FnOnce(&M) -> Result<(), CliError>,
) -> Result<(), CliError> {
    match output {
        Output::Json => print_line(&Json::new()?.line(name, message)?),
        Output::Human => human(message),
    }
}

/// A table for people.
pub(crate) fn table(header: impl Into<Row>) -> Table {
    let mut table = Table::new();
    let line = LineStyle::none().fill('─').junction('─');
    let style = TableStyle::new().header_separator(line).bottom_border(line);
    table.load_style(style).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header);
    table
}
