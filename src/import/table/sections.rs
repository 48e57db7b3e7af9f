//! The sections of a sheet: each begins with a header that differs from the one before it.

use std::ops::Range;

use super::{
    super::{
        error::{FileFault, Things, echo_on_one_line},
        note::{Note, NoteReason},
        report::{Skipped, place, rows_in_words},
        sheet::{Cell, Sheet, SheetRow},
    },
    Reading,
    headers::{Header, Role, Rows, filled},
    headings,
    titles::Title,
};
use crate::{
    lang::{Both, both},
    limits::{ECHO_CELLS_MAX, LIST_TABLES_MAX},
};

/// Why a row is no data.
const SECOND: Both = Both::word("second row of the header", "表头的第二行");

/// A header with the rows under it.
#[derive(Debug)]
pub(super) struct Section<'a> {
    pub(super) header: Header<'a>,
    /// Rows above the header of the first section.
    above: Vec<&'a SheetRow>,
    pub(super) rows: Vec<&'a SheetRow>,
    /// Header rows and those above the first, which are not data.
    pub(super) skipped: Vec<Skipped>,
    /// True for a table of something that is not an enterprise.
    pub(super) is_foreign: bool,
}

impl<'a> Section<'a> {
    fn of(header: Header<'a>, is_foreign: bool) -> Self {
        let second = header.second.iter();
        let skipped = second.map(|row| Skipped { row: row.number, why: SECOND }).collect();
        Self { header, above: Vec::new(), rows: Vec::new(), skipped, is_foreign }
    }

    fn skip(&mut self, row: &SheetRow, why: Both) {
        self.skipped.push(Skipped { row: row.number, why });
    }

    /// The note on a table that was left out.
    pub(super) fn note(&self, sheet: &Sheet) -> Note {
        let header = self.header.row.into_iter();
        let rows: Vec<u32> =
            header.chain(self.rows.iter().copied()).map(|row| row.number).collect();
        Note {
            reason: NoteReason::OtherTable,
            sheet: sheet.name.clone(),
            row: rows.first().copied().unwrap_or_default(),
            column: String::new(),
            message: both!(
                en: "{0} are a table of something else ({1}), and were left out",
                zh: "{0}是另一张内容不同的表（{1}），没有读入",
                rows_in_words(&rows),
                words(self.header.row)
            ),
        }
    }
}

/// Cuts a sheet into sections; `None` if it has no table.
pub(super) fn cut<'a>(reading: &Reading<'a>) -> Result<Option<Vec<Section<'a>>>, FileFault> {
    let rows = Rows { sheet: reading.sheet, choices: reading.choices };
    let all = reading.sheet.rows.as_slice();
    let Some((at, header)) = rows.first() else {
        let mut section = Section::of(rows.without_header(), false);
        section.rows = all.iter().collect();
        return Ok(rows.letters_identify().then(|| vec![section]));
    };
    let (above, below) = all.split_at(at);
    let mut rest = below.get(1 + usize::from(header.second.is_some())..).unwrap_or_default();
    // The header that `the header again` repeats: never that of a table of something else.
    let mut current = header.clone();
    let mut section = Section::of(header, false);
    section.above = above.iter().collect();
    above.iter().for_each(|row| section.skip(row, Both::word("above the header", "在表头之上")));
    let mut sections = Vec::new();
    while let Some((row, after)) = rest.split_first() {
        rest = after;
        let begun = match rows.role(row, after.first(), &current) {
            Role::Body => {
                section.rows.push(row);
                continue;
            }
            Role::Foreign if section.is_foreign => {
                section.rows.push(row);
                continue;
            }
            Role::Foreign => {
                let row = Some(row);
                let header = Header { row, second: None, ..Header::default() };
                Section::of(header, true)
            }
            Role::Again(second) => {
                rest = after.get(usize::from(second.is_some())..).unwrap_or_default();
                if !section.is_foreign {
                    section.skip(row, Both::word("the header again", "重复的表头"));
                    second.iter().for_each(|row| section.skip(row, SECOND));
                    continue;
                }
                Section::of(Header { row: Some(row), second, ..current.clone() }, false)
            }
            Role::Another(header) => {
                rest = after.get(usize::from(header.second.is_some())..).unwrap_or_default();
                current = header.clone();
                Section::of(header, false)
            }
        };
        sections.push(std::mem::replace(&mut section, begun));
        require_few(sections.len())?;
    }
    sections.push(section);
    Ok(Some(sections))
}

/// Refuses a file with too many tables.
pub(super) fn require_few(tables: usize) -> Result<(), FileFault> {
    if tables > LIST_TABLES_MAX {
        let max = u64::try_from(LIST_TABLES_MAX).unwrap_or(u64::MAX);
        return Err(FileFault::TooLarge { what: Things::Tables, max });
    }
    Ok(())
}

/// Takes the titles above the header of a section: those over the block, or over the whole width.
pub(super) fn entitle(section: &Section<'_>, block: &Range<usize>, title: &mut Option<Title>) {
    for row in &section.above {
        let is_lone = filled(row) == 1;
        let cells = row.cells.iter().enumerate();
        let over = cells.filter(|(index, _)| is_lone || block.contains(index));
        if let Some(found) = Title::in_cells(over.map(|(_, cell)| cell), row) {
            *title = Some(found);
        }
    }
}

/// Refuses a table of something else that holds enterprises: its header is only not known.
pub(super) fn reject_enterprises(
    reading: &Reading<'_>,
    section: &Section<'_>,
) -> Result<(), FileFault> {
    let is_code = |text: &str| {
        text.len() == 18
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && text.bytes().filter(u8::is_ascii_digit).count() >= 8
    };
    let names_one = |cell: &&Cell| match cell {
        Cell::Text(text) => is_code(text) || headings::is_company(text),
        _ => false,
    };
    let rows = section.rows.iter().filter(|row| filled(row) >= 2);
    let mut found = rows.filter_map(|row| Some((row, row.cells.iter().find(names_one)?)));
    match found.next() {
        Some((row, cell)) => Err(FileFault::UnknownHeaders {
            place: Both::made(|| {
                place(&reading.sheet.name, section.header.row.map_or(0, |row| row.number))
            }),
            headers: words(section.header.row),
            row: row.number,
            text: echo_on_one_line(&cell.text()),
        }),
        None => Ok(()),
    }
}

fn words(row: Option<&SheetRow>) -> String {
    let cells = row.into_iter().flat_map(|row| &row.cells);
    let texts = cells.filter(|cell| !cell.is_empty()).take(ECHO_CELLS_MAX);
    texts.map(|cell| echo_on_one_line(&cell.text())).collect::<Vec<_>>().join(", ")
}
