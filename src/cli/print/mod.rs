//! Printing: lines, tables and JSON.
//!
//! Everything that a command prints goes through the functions of this file, and through
//! `domain/escape.rs` in them. Only a table and a text of the program itself have several lines.

mod cells;
mod codes;
mod enums;
mod error_json;
mod event;
mod facts;
mod layout;
mod printer;
mod progress;
mod reasons;
mod reasons_of_titles;
mod refusal;
mod waiting;
mod words;

use std::io::{self, IsTerminal as _, Write as _};

use unicode_width::UnicodeWidthStr as _;

pub(crate) use self::{
    cells::{Cell, Heading, TableColumn, Tone},
    codes::{
        authorities_cell, authority_cell, authority_name, industry_cell, issuer_name,
        programme_cell, programme_name, region_cell, region_name,
    },
    enums::{Worded, batch_state_cell, human_list, kind_cell, status_cell, word},
    error_json::{LocalError, status_json},
    event::{
        document, event_line, event_line_within, event_lines, utc, withheld_line, withheld_lines,
    },
    printer::{
        JsonLines, Printer, Table, no_table, print_message, print_table, reject_table, table,
    },
    progress::Progress,
    reasons::{fault_message, fault_message_with, fault_rule, reason_cell},
    reasons_of_titles::{conclusion, kind_alone, obstacle, sentence},
    refusal::{cause_in_words, is_retryable, status, status_message},
    waiting::{OtherSign, awaited},
    words::{as_of, bytes, date, end, end_cell, flags, flags_cell, instant, title_status},
};
use super::CliError;
pub(crate) use crate::domain::escape::{escaped, escaped_json, escaped_lines};
use crate::{lang::say, server::telemetry};

/// Writes a line for people to standard output.
pub(crate) fn print_line(line: &str) -> Result<(), CliError> {
    write(&escaped(line))
}

/// Least columns of the names of values.
const NAME_COLUMNS: usize = 11;

/// Writes lines of a name and a value, the values below each other.
pub(crate) fn print_pairs(pairs: &[(&str, String)]) -> Result<(), CliError> {
    let widths = pairs.iter().map(|(name, _)| name.width());
    let widest = widths.max().unwrap_or_default().max(NAME_COLUMNS);
    pairs.iter().try_for_each(|(name, value)| {
        let gap = " ".repeat(widest.saturating_sub(name.width()));
        print_line(&format!("{name}{gap}  {value}"))
    })
}

/// Writes a text of the program itself, which may have several lines, to standard output. A reader
/// that goes away after the first line has got all of them.
pub(crate) fn print_text(text: &str) -> Result<(), CliError> {
    let lines: Vec<_> = text.split('\n').map(escaped).collect();
    write(&lines.join("\n"))
}

/// Writes a text whose parts are escaped already, and which may have colours.
fn print_own(text: &str) -> Result<(), CliError> {
    write(text)
}

/// Writes a line in a tone to standard output: a heading, a verdict.
pub(crate) fn print_toned(line: &str, tone: Tone) -> Result<(), CliError> {
    let style = if is_coloured() { tone.style() } else { Tone::Plain.style() };
    write(&format!("{style}{}{style:#}", escaped(line)))
}

/// True if standard output takes colours: it is a terminal, and nobody objects (NO_COLOR).
pub(crate) fn is_coloured() -> bool {
    let objects = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    !objects && !is_dumb && io::stdout().is_terminal()
}

/// Writes a line of JSON to standard output.
pub(crate) fn print_json(line: &str) -> Result<(), CliError> {
    write(&escaped_json(line))
}

fn write(line: &str) -> Result<(), CliError> {
    // In one call, so that the lines of a text stay together.
    let written = io::stdout().lock().write_all(format!("{line}\n").as_bytes());
    written.map_err(|e| CliError::Io(say!(en: "cannot print", zh: "无法输出"), e))
}

/// Columns of the terminal, if there is one.
pub(crate) fn columns_of_terminal() -> Option<usize> {
    let size = ratatui::crossterm::terminal::size().ok();
    // A terminal that does not know its size says 0.
    size.map(|(columns, _)| usize::from(columns)).filter(|columns| *columns > 0)
}

/// Columns of the output: those that COLUMNS states, which counts for a pipe as well, or those of
/// the terminal. `None`: as many as it takes.
pub(crate) fn columns_of_output() -> Option<usize> {
    let stated = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let terminal = || columns_of_terminal().filter(|_| io::stdout().is_terminal());
    stated.filter(|columns| *columns > 0).or_else(terminal)
}

/// Writes a line to standard error; a server does not wait for it.
pub(crate) fn eprint_line(line: &str) {
    telemetry::print_error_line(&escaped(line));
}

/// Writes a text of several lines to standard error.
pub(crate) fn eprint_lines(text: &str) {
    telemetry::print_error_line(escaped_lines(text).trim_end());
}

/// Writes a line of JSON to standard error.
pub(crate) fn eprint_json(line: &str) {
    telemetry::print_error_line(&escaped_json(line));
}

/// Writes an error to standard error, and its consequence.
pub(crate) fn eprint_error(error: &CliError, consequence: &str) {
    telemetry::print_error_line(&say!(
        en: "tidu: {0}{1}", zh: "tidu：{0}{1}", error.shown(), escaped(consequence)
    ));
}
