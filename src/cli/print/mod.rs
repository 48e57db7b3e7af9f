//! Printing: lines, tables and JSON.

mod event;
mod printer;
mod words;

use std::io::{self, Write as _};

pub(crate) use self::{
    event::{event_line, withheld_line},
    printer::{Printer, print_message, table},
    words::{as_of, date, day, flags, instant, is_retryable, status, title_status, word},
};
use super::CliError;

/// Writes a line to standard output.
pub(crate) fn print_line(line: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").map_err(|e| CliError::Io("cannot print".to_owned(), e))
}

/// Writes a line to standard error. A failure is ignored: ending over it would hide the message.
pub(crate) fn eprint_line(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
