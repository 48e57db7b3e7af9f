//! Reads separated text as a sheet. An open quotation mark never swallows the rows behind it.
//!
//! The `csv` crate treats an unclosed quotation mark as closed at the end of the file: hundreds of
//! enterprises would vanish into one cell. It also loses the physical line of a record that
//! follows blank lines. So this file splits by itself.

use super::{
    budget::Budget,
    columns::Choice,
    comments::drop_comments,
    error::FileFault,
    sheet::{Cell, Sheet, SheetRow},
    table,
};

/// Separators in the order of preference.
const SEPARATORS: [char; 3] = [',', '\t', ';'];

/// Reads a text whose line breaks are `\n`. It takes the separator that makes most columns of the
/// header known.
pub(super) fn read(text: &str, choices: &[Choice]) -> Result<Sheet, FileFault> {
    let mut best: Option<(usize, Result<Sheet, FileFault>)> = None;
    for separator in SEPARATORS {
        let sheet = split(text, separator);
        // A separator with a fault loses only to one that makes a known column.
        let known = match &sheet {
            Ok(sheet) => table::known_columns(sheet, choices),
            Err(_) => 0,
        };
        if best.as_ref().is_none_or(|(most, _)| known > *most) {
            best = Some((known, sheet));
        }
    }
    best.map_or_else(|| Ok(Sheet::default()), |(_, sheet)| sheet)
}

/// The state of the splitter.
#[derive(Clone, Copy, PartialEq)]
enum State {
    FieldStart,
    Plain,
    Quoted,
    /// Behind a quotation mark in a quoted field: its end, or the first of two that mean one.
    QuoteInQuoted,
}

/// Splits by RFC 4180. Text behind a closing quotation mark, and marks inside a plain field, are
/// kept as they are.
fn split(text: &str, separator: char) -> Result<Sheet, FileFault> {
    let mut budget = Budget::default();
    let mut rows = Vec::new();
    let mut cells = Vec::new();
    let mut field = String::new();
    let mut state = State::FieldStart;
    let (mut line, mut row_line, mut quote_line) = (1_u32, 1_u32, 1_u32);
    for character in text.chars() {
        if character == '\n' {
            line = line.saturating_add(1);
        }
        state = match (state, character) {
            (State::Quoted, '"') => State::QuoteInQuoted,
            (State::QuoteInQuoted, '"') => {
                field.push('"');
                State::Quoted
            }
            (State::Quoted, character) => {
                field.push(character);
                State::Quoted
            }
            (State::FieldStart, '"') => {
                quote_line = line;
                State::Quoted
            }
            (_, '\n') => {
                budget.cells(1)?;
                cells.push(Cell::of_text(&std::mem::take(&mut field)));
                let cells = std::mem::take(&mut cells);
                rows.push(SheetRow { number: row_line, cells, hidden: false });
                row_line = line;
                State::FieldStart
            }
            (_, character) if character == separator => {
                budget.cells(1)?;
                cells.push(Cell::of_text(&std::mem::take(&mut field)));
                State::FieldStart
            }
            (_, character) => {
                field.push(character);
                State::Plain
            }
        };
    }
    if state == State::Quoted {
        return Err(FileFault::OpenQuote { line: quote_line });
    }
    cells.push(Cell::of_text(&field));
    rows.push(SheetRow { number: row_line, cells, hidden: false });
    rows.retain(|row| !row.is_blank());
    drop_comments(&mut rows);
    Ok(Sheet { rows, ..Sheet::default() })
}
