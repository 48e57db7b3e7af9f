//! The rows below a header: data, headings, notes and lone texts, and the fact that each row of
//! data states by the titles before it.

use std::ops::Range;

use super::{
    super::{
        columns::{Column, Headers},
        error::{FileFault, echo_on_one_line},
        fact_kinds::FactKind,
        fields::Field,
        note::{Note, NoteReason},
        options::ReadOrSkip,
        report::{Skipped, rows_in_words},
        sheet::{Cell, SheetRow},
    },
    DataRow, Reading,
    headers::filled,
    headings::{self, Lone},
    titles::Title,
};
use crate::lang::{Both, both};

const LONE_HEADING: Both = Both::word("a heading or a sentence", "小标题或句子");

/// The rows of one block of columns, sorted.
#[derive(Default)]
pub(super) struct Sorted<'a> {
    pub(super) data: Vec<DataRow<'a>>,
    pub(super) skipped: Vec<Skipped>,
    pub(super) notes: Vec<Note>,
    /// Lone texts that could be headings or names, with the first of them.
    unclear: Vec<u32>,
    first_unclear: String,
}

/// A row seen through the columns of a block.
struct Seen<'a> {
    row: &'a SheetRow,
    cells: Vec<(usize, &'a Cell)>,
}

impl<'a> Seen<'a> {
    fn texts(&self) -> impl Iterator<Item = &'a Cell> {
        self.cells.iter().map(|(_, cell)| *cell)
    }
}

/// The kind of a row.
enum Kind {
    Blank,
    Data,
    /// A lone text in the column of names.
    Lone(String),
    Skip(Both),
}

/// Sorts the rows under a header. `title` is the nearest before them, and becomes the last.
pub(super) fn sort<'a>(
    reading: &Reading<'_>,
    rows: &[&'a SheetRow],
    block: &Range<usize>,
    headers: &Headers,
    title: &mut Option<Title>,
) -> Result<Sorted<'a>, FileFault> {
    let columns = &headers.columns;
    let has_wide_rows = rows.iter().any(|row| is_wide(&see(row, block), columns));
    let mut sorted = Sorted::default();
    let mut fact = TitleFact::default();
    for (at, row) in rows.iter().copied().enumerate() {
        let seen = see(row, block);
        let kind = match at == 0 && numbers_columns(&seen) {
            true => Kind::Skip(Both::word("numbers of the columns", "列号")),
            false => kind(reading, &seen, columns, has_wide_rows),
        };
        match kind {
            Kind::Blank => {
                // A title over the whole width lies in the first block, and counts for all.
                if filled(row) == 1 {
                    entitle(title, row.cells.iter(), row, &mut fact);
                }
                continue;
            }
            Kind::Data => {}
            Kind::Skip(why) => {
                if seen.cells.len() <= 2 && why != NOTE {
                    entitle(title, seen.texts(), row, &mut fact);
                }
                sorted.skipped.push(Skipped { row: row.number, why });
                continue;
            }
            Kind::Lone(text) => {
                if !sorted.lone(reading, row, &text, has_wide_rows, headers) {
                    entitle(title, seen.texts(), row, &mut fact);
                    continue;
                }
            }
        }
        let states_fact = columns.iter().any(|column| {
            column.field == Field::Fact && row.cells.get(column.index).is_some_and(says_something)
        });
        let stated = reading.options.fact;
        let fact = match states_fact {
            true => stated,
            false => fact.of(reading, title.as_ref(), row, &mut sorted.notes)?.or(stated),
        };
        sorted.data.push(DataRow { row, fact });
    }
    sorted.require_clear(reading)?;
    Ok(sorted)
}

const NOTE: Both = Both::word("a note", "说明");

/// Takes cells of a row as the title of the rows below it, if they name a fact.
fn entitle<'c>(
    title: &mut Option<Title>,
    cells: impl Iterator<Item = &'c Cell>,
    row: &SheetRow,
    fact: &mut TitleFact,
) {
    if let Some(found) = Title::in_cells(cells, row) {
        *title = Some(found);
        *fact = TitleFact::default();
    }
}

fn says_something(cell: &Cell) -> bool {
    match cell {
        Cell::Empty => false,
        Cell::Text(text) => !matches!(text.as_str(), "-" | "—" | "——" | "/"),
        _ => true,
    }
}

/// The fact of a title, found at its first row of data.
#[derive(Default)]
struct TitleFact {
    known: Option<Option<FactKind>>,
}

impl TitleFact {
    fn of(
        &mut self,
        reading: &Reading<'_>,
        title: Option<&Title>,
        row: &SheetRow,
        notes: &mut Vec<Note>,
    ) -> Result<Option<FactKind>, FileFault> {
        if let Some(known) = self.known {
            return Ok(known);
        }
        let stated = reading.options.fact;
        let fact = title.map(|title| title.fact(reading.sheet, stated)).transpose()?;
        self.known = Some(fact);
        if let (Some(title), Some(fact), None) = (title, fact, stated)
            && fact != FactKind::Designated
        {
            let message = both!(
                en: "{0} makes the rows from {1} on {2}",
                zh: "“{0}”表明自第 {1} 行起是{2}",
                echo_on_one_line(&title.text),
                row.number,
                fact.said()
            );
            notes.push(Note {
                reason: NoteReason::FactFromTitle,
                sheet: reading.sheet.name.clone(),
                row: title.row,
                column: String::new(),
                message,
            });
        }
        Ok(fact)
    }
}

impl Sorted<'_> {
    /// Judges a lone text; true if it is data.
    fn lone(
        &mut self,
        reading: &Reading<'_>,
        row: &SheetRow,
        text: &str,
        has_wide_rows: bool,
        headers: &Headers,
    ) -> bool {
        let is_place = |text: &str| {
            (reading.is_place)(text) || has_wide_rows && headings::looks_like_place(text)
        };
        let judged = headings::lone(text, is_place);
        let skip = |why| Skipped { row: row.number, why };
        let is_name = match (judged, reading.options.lone_names) {
            (Lone::Heading, _) => {
                self.skipped.push(skip(LONE_HEADING));
                return false;
            }
            _ if !has_wide_rows => return true,
            (_, Some(ReadOrSkip::Skip)) => {
                self.skipped.push(skip(Both::word(
                    "a lone name, by --lone-names skip",
                    "只有名称的行，依 --lone-names skip 不读",
                )));
                return false;
            }
            (Lone::Name, _) | (_, Some(ReadOrSkip::Read)) => true,
            (Lone::Unclear, None) => false,
        };
        if !is_name {
            if self.unclear.is_empty() {
                self.first_unclear = echo_on_one_line(text);
            }
            self.unclear.push(row.number);
            return false;
        }
        let column = headers.columns.iter().find(|column| column.field.identifies());
        self.notes.push(Note {
            reason: NoteReason::LoneName,
            sheet: reading.sheet.name.clone(),
            row: row.number,
            column: column.map_or(String::new(), |column| column.header.clone()),
            message: both!(
                en: "{0} is alone in its row, and was read as a name",
                zh: "整行只有“{0}”，已读作名称",
                echo_on_one_line(text)
            ),
        });
        true
    }

    fn require_clear(&self, reading: &Reading<'_>) -> Result<(), FileFault> {
        if self.unclear.is_empty() {
            return Ok(());
        }
        Err(FileFault::LoneNames {
            sheet: reading.sheet.name.clone(),
            rows: Both::made(|| rows_in_words(&self.unclear)),
            first: self.first_unclear.clone(),
        })
    }
}

fn see<'a>(row: &'a SheetRow, block: &Range<usize>) -> Seen<'a> {
    let cells = row.cells.iter().enumerate().skip(block.start);
    let cells = cells.take_while(|(index, _)| *index < block.end);
    Seen { row, cells: cells.filter(|(_, cell)| !cell.is_empty()).collect() }
}

fn is_in(index: usize, columns: &[Column], is_wanted: impl Fn(Field) -> bool) -> bool {
    columns.iter().any(|column| column.index == index && is_wanted(column.field))
}

/// Whether a row has several cells beside its running number.
fn is_wide(seen: &Seen<'_>, columns: &[Column]) -> bool {
    let beside =
        |(index, _): &&(usize, &Cell)| !is_in(*index, columns, |field| field == Field::Row);
    seen.cells.iter().filter(beside).count() >= 2
}

/// The kind of a row below the header.
fn kind(reading: &Reading<'_>, seen: &Seen<'_>, columns: &[Column], has_wide_rows: bool) -> Kind {
    let Some((first, cell)) = seen.cells.first().copied() else { return Kind::Blank };
    let names_somebody = |(index, cell): &(usize, &Cell)| {
        *index != first
            && is_in(*index, columns, Field::identifies)
            && !headings::is_count_or_note(&cell.text())
    };
    // Most rows begin with a number.
    let may_be_note = !matches!(cell, Cell::Number(_));
    if may_be_note && headings::is_note(&cell.text()) && !seen.cells.iter().any(names_somebody) {
        return Kind::Skip(NOTE);
    }
    if seen.cells.len() == 1 {
        if !is_in(first, columns, Field::identifies) {
            return Kind::Skip(Both::word(
                "only one cell, neither name nor code",
                "整行只有一个单元格，既不是名称也不是代码",
            ));
        }
        return Kind::Lone(cell.text());
    }
    match lone_name(seen, columns) {
        Some(text) if is_heading_with_number(reading, seen, columns, &text, has_wide_rows) => {
            Kind::Skip(LONE_HEADING)
        }
        _ => Kind::Data,
    }
}

/// The text of the only name in a row whose other cells are numbers.
fn lone_name(seen: &Seen<'_>, columns: &[Column]) -> Option<String> {
    if seen.cells.len() > 4 {
        return None;
    }
    let identifies = |index: usize| is_in(index, columns, Field::identifies);
    let is_number =
        |cell: &Cell| matches!(cell, Cell::Number(_)) || headings::is_count(&cell.text());
    let mut names =
        seen.cells.iter().filter(|(index, cell)| identifies(*index) && !is_number(cell));
    let (at, name) = names.next()?;
    let is_beside = |(index, cell): &(usize, &Cell)| {
        index == at || is_number(cell) || headings::is_number_of_heading(&cell.text())
    };
    let is_lone = names.next().is_none() && seen.cells.iter().all(is_beside);
    is_lone.then(|| name.text())
}

/// `二 | 复核通过企业`, `广州市 | 25`: a heading beside its number or its count.
fn is_heading_with_number(
    reading: &Reading<'_>,
    seen: &Seen<'_>,
    columns: &[Column],
    text: &str,
    has_wide_rows: bool,
) -> bool {
    let is_place =
        |text: &str| (reading.is_place)(text) || has_wide_rows && headings::looks_like_place(text);
    let mut beside = seen.cells.iter().filter(|(at, _)| !is_in(*at, columns, Field::identifies));
    let is_counted = beside.any(|(_, cell)| headings::is_number_of_heading(&cell.text()));
    // A running number makes an odd name one of the list; a place or a fact is never one.
    headings::is_surely_heading(text, is_place)
        || Title::of(text, seen.row.number).is_some()
        || is_counted && has_wide_rows && headings::lone(text, is_place) == Lone::Heading
}

/// `1 | 2 | 3`: numbers of the columns in the first row below the header.
fn numbers_columns(seen: &Seen<'_>) -> bool {
    let number = |cell: &Cell| cell.text().trim_matches(['(', ')', '（', '）']).parse::<u32>().ok();
    let mut numbers = seen.cells.iter().map(|(_, cell)| number(cell));
    let Some(Some(mut last)) = numbers.next() else { return false };
    seen.cells.len() >= 2
        && last <= 1
        && numbers.all(|number| {
            let follows = number == last.checked_add(1);
            last = last.saturating_add(1);
            follows
        })
}
