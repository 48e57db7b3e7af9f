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
        report::rows_in_words,
        sheet::{Cell, Sheet, SheetRow},
    },
    headers::{Rows, filled},
    headings::is_note,
    titles::Title,
};
use crate::{
    lang::{Both, both, comma, joined, say, word},
    limits::ECHO_CELLS_MAX,
};

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
    let note = |reason, done: Both| {
        let message = both!(en: "hidden {what}: {done}", zh: "隐藏的{what}：{done}");
        Note { reason, sheet: sheet.name.clone(), row: 0, column: String::new(), message }
    };
    match hidden {
        None => Err(FileFault::Hidden { sheet: sheet.name.clone(), what }),
        Some(ReadOrSkip::Read) => Ok((
            Cow::Borrowed(sheet),
            Some(note(NoteReason::HiddenRead, Both::word("they were read", "已读入"))),
        )),
        Some(ReadOrSkip::Skip) => {
            let skipped =
                note(NoteReason::HiddenSkipped, Both::word("they were left out", "没有读入"));
            Ok((Cow::Owned(without_hidden(sheet)), Some(skipped)))
        }
    }
}

/// The hidden rows and columns with content that bear on the tables of a sheet, in words.
fn within_tables(sheet: &Sheet, choices: &[Choice]) -> Option<Both> {
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
    let columns: Vec<Both> = sheet
        .hidden_columns
        .iter()
        .filter(is_filled)
        .map(|index| match texts.get(*index).filter(|text| !text.is_empty()) {
            Some(text) => {
                let (letter, text) = (letter(*index), echo_on_one_line(text));
                both!(en: "{letter} ({text})", zh: "{letter}（{text}）")
            }
            None => Both::same(&letter(*index)),
        })
        .collect();
    let parts = || -> Vec<String> {
        let rows = (!hidden_rows.is_empty()).then(|| rows_in_words(&hidden_rows));
        rows.into_iter().chain(columns_in_words(&columns)).collect()
    };
    (!hidden_rows.is_empty() || !columns.is_empty())
        .then(|| Both::made(|| joined(&parts(), ["and", "和"])))
}

fn columns_in_words(columns: &[Both]) -> Option<String> {
    match columns {
        [] => None,
        [column] => Some(say!(en: "column {column}", zh: "{column} 列")),
        columns => {
            let shown: Vec<_> = columns.iter().take(ECHO_CELLS_MAX).map(Both::said).collect();
            let more =
                if columns.len() > shown.len() { word!(en: ", …", zh: " 等") } else { "" };
            let shown = shown.join(comma());
            Some(say!(en: "columns {shown}{more}", zh: "{shown}{more}列"))
        }
    }
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
