//! Printing: lines, tables and JSON.
//!
//! Everything that a command prints goes through the functions of this file, and through
//! `domain/escape.rs` in them. Only a table and a text of the program itself have several lines.

mod event;
mod printer;
mod words;

use std::io::{self, Write as _};

pub(crate) use self::{
    event::{event_line, event_line_within, event_lines, withheld_line, withheld_lines},
    printer::{Printer, Table, print_message, table},
    words::{as_of, bytes, date, end, flags, instant, is_retryable, status, title_status, word},
};
use super::CliError;
pub(crate) use crate::domain::escape::{escaped, escaped_json, escaped_lines};
use crate::server::telemetry;

/// Writes a line for people to standard output.
pub(crate) fn print_line(line: &str) -> Result<(), CliError> {
    write(&escaped(line))
}

/// Writes a text of the program itself, which may have several lines, to standard output. A reader
/// that goes away after the first line has got all of them.
pub(crate) fn print_text(text: &str) -> Result<(), CliError> {
    let lines: Vec<_> = text.split('\n').map(escaped).collect();
    write(&lines.join("\n"))
}

/// Writes a table, whose cells are escaped, to standard output.
pub(crate) fn print_table(table: &Table) -> Result<(), CliError> {
    write(&table.to_string())
}

/// Writes a line of JSON to standard output.
pub(crate) fn print_json(line: &str) -> Result<(), CliError> {
    write(&escaped_json(line))
}

fn write(line: &str) -> Result<(), CliError> {
    // In one call, so that the lines of a text stay together.
    let written = io::stdout().lock().write_all(format!("{line}\n").as_bytes());
    written.map_err(|e| CliError::Io("cannot print".to_owned(), e))
}

/// Columns of the terminal, if there is one.
pub(crate) fn columns_of_terminal() -> Option<usize> {
    ratatui::crossterm::terminal::size().ok().map(|(columns, _)| usize::from(columns))
}

/// Writes a line to standard error; a server does not wait for it.
pub(crate) fn eprint_line(line: &str) {
    telemetry::print_error_line(&escaped(line));
}

/// Writes a text of several lines to standard error.
pub(crate) fn eprint_lines(text: &str) {
    telemetry::print_error_line(escaped_lines(text).trim_end());
}

/// Writes an error to standard error, and its consequence.
pub(crate) fn eprint_error(error: &CliError, consequence: &str) {
    telemetry::print_error_line(&format!("tidu: {}{}", error.shown(), escaped(consequence)));
}
