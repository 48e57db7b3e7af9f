//! Finds the tables in a sheet. A sheet is cut twice: into sections, where a row is another header,
//! and into blocks of columns, where the headers of one row repeat side by side. Each piece is a
//! table with its own columns. Every row that is dropped is reported, except blank ones.

mod absent;
mod blocks;
mod headers;
mod headings;
mod hidden;
mod implied;
mod left_out;
mod rows;
mod sections;
mod titles;
mod words;

use std::{collections::BTreeSet, ops::Range};

use super::{
    columns::{self, Choice, Column, Headers},
    error::FileFault,
    fact_kinds::FactKind,
    note::{Note, NoteReason},
    options::Options,
    report::{SheetReport, Skipped},
    sheet::{Sheet, SheetRow},
};
pub(super) use absent::{no_rows, require_chosen_columns};
use headers::Rows;
pub(super) use hidden::seen;
use sections::Section;
use titles::Title;

use crate::lang::Both;

/// A table found in a sheet.
#[derive(Debug)]
pub(super) struct Table<'a> {
    /// `None` where the caller names the columns by letters, and the sheet has no header.
    pub(super) header_row: Option<u32>,
    pub(super) columns: Vec<Column>,
    pub(super) unmapped: Vec<String>,
    personal: Vec<String>,
    pub(super) rows: Vec<DataRow<'a>>,
    skipped: Vec<Skipped>,
    pub(super) notes: Vec<Note>,
}

/// A row of data.
#[derive(Clone, Copy, Debug)]
pub(super) struct DataRow<'a> {
    pub(super) row: &'a SheetRow,
    /// The fact that it states if no cell of its own says so; `None` if nothing does.
    pub(super) fact: Option<FactKind>,
}

/// What the search for tables depends on.
pub(super) struct Reading<'a> {
    pub(super) sheet: &'a Sheet,
    pub(super) choices: &'a [Choice],
    pub(super) options: &'a Options,
    /// Recognises the name of a place, which alone in a row is a heading.
    pub(super) is_place: &'a dyn Fn(&str) -> bool,
}

/// Gathered over the sheets of a file.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The choices of columns that some table has, by their place.
    pub(super) choices: BTreeSet<usize>,
    /// Number of tables.
    pub(super) tables: usize,
}

impl Table<'_> {
    pub(super) fn report(self, sheet: &Sheet) -> SheetReport {
        let columns = self.columns.into_iter();
        SheetReport {
            name: sheet.name.clone(),
            header_row: self.header_row,
            not_read: None,
            rows: self.rows.len(),
            skipped: self.skipped,
            columns: columns.map(|column| (column.field.name(), column.header)).collect(),
            unmapped: self.unmapped,
            personal: self.personal,
        }
    }
}

/// Finds the tables of a sheet, from top to bottom and then from left to right.
pub(super) fn find<'a>(
    reading: &Reading<'a>,
    found: &mut Found,
) -> Result<Vec<Table<'a>>, FileFault> {
    let Some(sections) = sections::cut(reading)? else { return Ok(Vec::new()) };
    let mut tables: Vec<Table<'a>> = Vec::new();
    // The nearest title before each block of columns.
    let mut titles = vec![(0..usize::MAX, Title::of_sheet(reading.sheet))];
    for section in sections {
        if section.is_foreign {
            sections::reject_enterprises(reading, &section)?;
            if let Some(table) = tables.last_mut() {
                let rows = section.header.row.into_iter().chain(section.rows.iter().copied());
                let why = Both::word("of another table", "属于另一张表");
                let skip = |row: &SheetRow| Skipped { row: row.number, why: why.clone() };
                table.skipped.extend(rows.map(skip));
                table.notes.push(section.note(reading.sheet));
            }
            for row in &section.rows {
                if let Some(title) = Title::of_lone(row) {
                    titles.iter_mut().for_each(|(_, last)| *last = Some(title.clone()));
                }
            }
            continue;
        }
        let blocks = blocks::cut(&section.header);
        let mut last_titles = Vec::with_capacity(blocks.len());
        let is_beside = blocks.len() > 1;
        for (at, block) in blocks.into_iter().enumerate() {
            found.tables += 1;
            sections::require_few(found.tables)?;
            let mut title = title_of(&titles, block.start);
            sections::entitle(&section, &block, &mut title);
            let mut table = read(reading, &section, &block, &mut title, found)?;
            if at == 0 {
                table.skipped.extend(section.skipped.iter().cloned());
                table.skipped.sort_by_key(|skipped| skipped.row);
                table.notes.extend(is_beside.then(|| beside(reading.sheet, &section)));
            }
            last_titles.push((block, title));
            tables.push(table);
        }
        titles = last_titles;
    }
    Ok(tables)
}

/// The nearest title before the block that begins in a column.
fn title_of(titles: &[(Range<usize>, Option<Title>)], start: usize) -> Option<Title> {
    let over = titles.iter().find(|(block, _)| block.contains(&start)).or(titles.first());
    over.and_then(|(_, title)| title.clone())
}

fn beside(sheet: &Sheet, section: &Section<'_>) -> Note {
    let row = section.header.row.map_or(0, |row| row.number);
    Note {
        reason: NoteReason::SideBySide,
        sheet: sheet.name.clone(),
        row,
        column: String::new(),
        message: Both::word(
            "the tables side by side were read one after the other, from the left",
            "左右并排的表格已从左到右依次读入",
        ),
    }
}

/// Reads one block of a section.
fn read<'a>(
    reading: &Reading<'a>,
    section: &Section<'a>,
    block: &Range<usize>,
    title: &mut Option<Title>,
    found: &mut Found,
) -> Result<Table<'a>, FileFault> {
    let headers = section.header.headers.within(block);
    headers.require_unambiguous(reading.choices)?;
    let sorted = rows::sort(reading, &section.rows, block, &headers, title)?;
    left_out::reject_facts(reading.sheet, block, &headers, &sorted.data)?;
    let header_row = section.header.row.map_or(0, |row| row.number);
    implied::reject_other_facts(reading, &headers, header_row, &sorted.data)?;
    found.choices.extend(headers.choices(reading.choices));
    let Headers { columns, unmapped, personal, .. } = headers;
    let texts = |unread: Vec<columns::Unread>| {
        let named = unread.into_iter().filter(|unread| !unread.header.is_empty());
        named.map(|unread| unread.header).collect()
    };
    Ok(Table {
        header_row: section.header.row.map(|row| row.number),
        columns,
        unmapped: texts(unmapped),
        personal: texts(personal),
        rows: sorted.data,
        skipped: sorted.skipped,
        notes: sorted.notes,
    })
}

/// Number of known columns in a sheet's first table; 0 without a table.
pub(super) fn known_columns(sheet: &Sheet, choices: &[Choice]) -> usize {
    let first = Rows { sheet, choices }.first();
    first.map_or(0, |(_, header)| header.headers.columns.len())
}
