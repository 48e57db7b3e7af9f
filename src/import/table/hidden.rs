//! Rows and columns that a spreadsheet does not show. Who approves a list does not see them, so the
//! caller says whether they belong to it.

use std::borrow::Cow;

use super::{
    super::{
        columns::{Choice, letter, recognise},
        error::{FileFault, echo_on_one_line},
        fields::Field,
        note::{Note, NoteReason},
        options::ReadOrSkip,
        report::ranges,
        sheet::{Cell, Sheet, SheetRow},
    },
    headers::{Rows, filled},
    headings::is_note,
    titles::Title,
};
use crate::limits::ECHO_CELLS_MAX;

/// The sheet as the caller wants it read, with a note if something in it was hidden.
pub(in crate::import) fn seen<'a>(
    sheet: &'a Sheet,
    choices: &[Choice],
    hidden: Option<ReadOrSkip>,
) -> Result<(Cow<'a, Sheet>, Option<Note>), FileFault> {
    let has_hidden = !sheet.hidden_columns.is_empty() || sheet.rows.iter().any(|row| row.hidden);
    let Some(what) = has_hidden.then(|| within_tables(sheet, choices)).flatten() else {
        return Ok((Cow::Borrowed(sheet), None));
    };
    let note = |reason, done: &str| {
        let message = format!("hidden {what}: {done}");
        Note { reason, sheet: sheet.name.clone(), row: 0, column: String::new(), message }
    };
    match hidden {
        None => Err(FileFault::Hidden { sheet: sheet.name.clone(), what }),
        Some(ReadOrSkip::Read) => {
            Ok((Cow::Borrowed(sheet), Some(note(NoteReason::HiddenRead, "they were read"))))
        }
        Some(ReadOrSkip::Skip) => {
            let skipped = note(NoteReason::HiddenSkipped, "they were left out");
            Ok((Cow::Owned(without_hidden(sheet)), Some(skipped)))
        }
    }
}

/// The hidden rows and columns with content that bear on the tables of a sheet, in words.
fn within_tables(sheet: &Sheet, choices: &[Choice]) -> Option<String> {
    let rows = Rows { sheet, choices };
    let (first, texts) = match rows.first() {
        Some((at, header)) => (at, header.texts),
        None if rows.letters_identify() => (0, Vec::new()),
        None => return None,
    };
    // Notes and numbers filled in below a table decide nothing. A name or a code alone does.
    let identifies = |index: usize| {
        let named = texts.get(index).and_then(|text| recognise(text));
        let chosen = |choice: &Choice| choice.field.is_some_and(Field::identifies);
        named.is_some_and(Field::identifies) || choices.iter().any(chosen)
    };
    let states = |row: &SheetRow| {
        let is_name = |cell: &Cell| matches!(cell, Cell::Text(text) if !is_note(text));
        let mut cells = row.cells.iter().enumerate();
        filled(row) >= 2 || cells.any(|(index, cell)| identifies(index) && is_name(cell))
    };
    let last = sheet.rows.iter().rposition(states).unwrap_or_default().max(first);
    let names_fact = |row: &SheetRow| Title::in_cells(row.cells.iter(), row).is_some();
    let hidden_rows = sheet
        .rows
        .iter()
        .enumerate()
        .filter(|(at, row)| row.hidden && ((first..=last).contains(at) || names_fact(row)));
    let hidden_rows: Vec<u32> = hidden_rows.map(|(_, row)| row.number).collect();
    let table = sheet.rows.get(first..=last).unwrap_or_default();
    let is_filled = |index: &&usize| {
        table.iter().any(|row| row.cells.get(**index).is_some_and(|cell| !cell.is_empty()))
    };
    let columns: Vec<String> = sheet
        .hidden_columns
        .iter()
        .filter(is_filled)
        .map(|index| match texts.get(*index).filter(|text| !text.is_empty()) {
            Some(text) => format!("{} ({})", letter(*index), echo_on_one_line(text)),
            None => letter(*index),
        })
        .collect();
    let columns = match columns.as_slice() {
        [] => None,
        [column] => Some(format!("column {column}")),
        columns => {
            let shown = columns.iter().take(ECHO_CELLS_MAX).cloned().collect::<Vec<_>>();
            let more = if columns.len() > shown.len() { ", …" } else { "" };
            Some(format!("columns {}{more}", shown.join(", ")))
        }
    };
    let rows = (!hidden_rows.is_empty()).then(|| ranges(&hidden_rows));
    let parts: Vec<String> = rows.into_iter().chain(columns).collect();
    (!parts.is_empty()).then(|| parts.join(" and "))
}

fn without_hidden(sheet: &Sheet) -> Sheet {
    let mut seen = sheet.clone();
    seen.rows.retain(|row| !row.hidden);
    for row in &mut seen.rows {
        for index in &seen.hidden_columns {
            if let Some(cell) = row.cells.get_mut(*index) {
                *cell = Cell::Empty;
            }
        }
    }
    seen.rows.retain(|row| !row.is_blank());
    seen
}
