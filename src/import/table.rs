//! Finds the table in a sheet: title rows, header, data, footnotes. It reports every row that it
//! drops, except blank ones.

use unicode_normalization::UnicodeNormalization;

use super::{
    columns::{self, Choice, Column, Headers, fold, same},
    error::{FileFault, echo_on_one_line},
    fields::Field,
    report::{SheetReport, Skipped},
    sheet::{Cell, Sheet, SheetRow},
};
use crate::limits::{ECHO_CELLS_MAX, HEADER_ROWS_MAX, LONE_NAME_CHARS_MAX};

/// Measure words behind a number of enterprises.
const COUNTERS: &str = "家户个";

/// A table found in a sheet.
#[derive(Debug)]
pub(super) struct Table<'a> {
    pub(super) header_row: u32,
    pub(super) columns: Vec<Column>,
    pub(super) unmapped: Vec<String>,
    pub(super) personal: Vec<String>,
    /// The rows of data.
    pub(super) rows: Vec<&'a SheetRow>,
    pub(super) skipped: Vec<Skipped>,
}

impl Table<'_> {
    pub(super) fn report(self, sheet: &Sheet) -> SheetReport {
        let columns = self.columns.into_iter();
        SheetReport {
            name: sheet.name.clone(),
            header_row: Some(self.header_row),
            not_read: "",
            rows: self.rows.len(),
            skipped: self.skipped,
            columns: columns.map(|column| (column.field.name(), column.header)).collect(),
            unmapped: self.unmapped,
            personal: self.personal,
        }
    }
}

/// Finds the table of a sheet. `is_place` recognises the name of a province, which alone in a row
/// is a heading.
pub(super) fn find<'a>(
    sheet: &'a Sheet,
    choices: &[Choice],
    is_place: impl Fn(&str) -> bool,
) -> Result<Option<Table<'a>>, FileFault> {
    let Some((at, mut headers)) = header(sheet, choices) else { return Ok(None) };
    let (above, rest) = sheet.rows.split_at(at);
    let Some((header_row, mut below)) = rest.split_first() else { return Ok(None) };
    let mut skipped: Vec<Skipped> =
        above.iter().map(|row| Skipped { row: row.number, why: "above the header" }).collect();
    if let Some((second, rest)) = below.split_first()
        && let Some(joined) = join(sheet, header_row, second, &headers, choices)
    {
        skipped.push(Skipped { row: second.number, why: "second row of the header" });
        (headers, below) = (joined, rest);
    }
    headers.require_unambiguous(choices)?;
    let mut rows = Vec::with_capacity(below.len());
    for row in below {
        match not_data(row, header_row, &headers.columns, &is_place) {
            Some(why) => skipped.push(Skipped { row: row.number, why }),
            None => rows.push(row),
        }
    }
    let Headers { columns, unmapped, personal } = headers;
    let header_row = header_row.number;
    Ok(Some(Table { header_row, columns, unmapped, personal, rows, skipped }))
}

/// Refuses a chosen column that no sheet has: it is a mistake of the caller.
pub(super) fn require_chosen_columns(
    choices: &[Choice],
    sheets: &[SheetReport],
) -> Result<(), FileFault> {
    let tables = || sheets.iter().filter(|sheet| sheet.header_row.is_some());
    let headers = || {
        tables().flat_map(|sheet| {
            let columns = sheet.columns.iter().map(|(_, header)| header);
            columns.chain(&sheet.unmapped).chain(&sheet.personal)
        })
    };
    let absent = |choice: &&Choice| !headers().any(|header| same(&choice.header, header));
    match choices.iter().find(absent) {
        Some(Choice { field, header }) if tables().next().is_some() => {
            Err(FileFault::NoSuchColumn {
                field: field.map_or("ignore", Field::name).to_owned(),
                header: header.clone(),
                found: headers().cloned().collect::<Vec<_>>().join(", "),
            })
        }
        _ => Ok(()),
    }
}

/// The fault of a file without a single row of data.
pub(super) fn no_rows(sheets: &[Sheet], reports: &[SheetReport]) -> FileFault {
    if sheets.iter().all(|sheet| sheet.rows.is_empty()) {
        return FileFault::Empty { detail: String::new() };
    }
    if let Some(report) = reports.iter().find(|report| report.header_row.is_some()) {
        let row = report.header_row.unwrap_or_default();
        return FileFault::Empty {
            detail: format!(": a header in row {row}, and no data below it"),
        };
    }
    let hidden = sheets.iter().filter(|sheet| sheet.hidden && !sheet.rows.is_empty());
    let hidden: Vec<_> = hidden.map(|sheet| sheet.name.as_str()).collect();
    if hidden.len() == sheets.iter().filter(|sheet| !sheet.rows.is_empty()).count() {
        let detail =
            format!(" that can be seen; --sheet reads a hidden one: {}", hidden.join(", "));
        return FileFault::Empty { detail };
    }
    let found: Vec<_> = sheets.iter().filter_map(widest_row).collect();
    FileFault::NoTable {
        rows: HEADER_ROWS_MAX,
        names: Field::Name.headers().join(", "),
        codes: Field::Designee.headers().join(", "),
        found: match found.is_empty() {
            true => String::new(),
            false => format!("The fullest row has {}. ", found.join("; ")),
        },
    }
}

/// The fullest of the first rows, which is most likely meant as the header.
fn widest_row(sheet: &Sheet) -> Option<String> {
    let filled = |row: &SheetRow| row.cells.iter().filter(|cell| !cell.is_empty()).count();
    let top = sheet.rows.get(..HEADER_ROWS_MAX).unwrap_or(&sheet.rows);
    // Reversed: `max_by_key` returns the last of several maxima, and the header comes first.
    let row = top.iter().rev().filter(|_| !sheet.hidden).max_by_key(|row| filled(row))?;
    let cells = row.cells.iter().filter(|cell| !cell.is_empty()).take(ECHO_CELLS_MAX);
    Some(cells.map(|cell| echo_on_one_line(&cell.text())).collect::<Vec<_>>().join(", "))
}

/// Number of known columns in a sheet's table; 0 without a table.
pub(super) fn known_columns(sheet: &Sheet, choices: &[Choice]) -> usize {
    header(sheet, choices).map_or(0, |(_, headers)| headers.columns.len())
}

/// The first row that can be a header, and its index.
fn header(sheet: &Sheet, choices: &[Choice]) -> Option<(usize, Headers)> {
    let filled = |row: &SheetRow| row.cells.iter().filter(|cell| !cell.is_empty()).count();
    let is_list_of_names = sheet.rows.iter().all(|row| filled(row) <= 1);
    let rows = sheet.rows.iter().take(HEADER_ROWS_MAX).enumerate();
    // A title alone in its row may read like a header, except in a list that has only one column.
    let mut rows = rows.filter(|(_, row)| filled(row) >= 2 || is_list_of_names);
    rows.find_map(|(at, row)| {
        let headers = Headers::of(&texts(row), choices);
        headers.identify().then_some((at, headers))
    })
}

fn texts(row: &SheetRow) -> Vec<String> {
    row.cells.iter().map(Cell::text).collect()
}

/// Joins the second row of a header to the first, if it is one.
///
/// It is one if it has neither a name nor digits, and either fills a blank of the first row or
/// makes a column known: `有效期` over `起` and `止`.
fn join(
    sheet: &Sheet,
    first: &SheetRow,
    second: &SheetRow,
    headers: &Headers,
    choices: &[Choice],
) -> Option<Headers> {
    let (upper, lower) = (texts(first), texts(second));
    let above = |index: usize| upper.get(index).map_or("", String::as_str);
    let names_somebody = headers.columns.iter().any(|column| {
        let below = lower.get(column.index).map_or("", String::as_str);
        column.field.identifies() && !below.is_empty() && fold(below) != fold(&column.header)
    });
    if names_somebody || lower.iter().any(|text| text.contains(|c: char| c.is_ascii_digit())) {
        return None;
    }
    let mut joined = Vec::with_capacity(lower.len().max(upper.len()));
    let mut continues = false;
    for index in 0..lower.len().max(upper.len()) {
        let below = lower.get(index).map_or("", String::as_str);
        if below.is_empty() || below == above(index) {
            joined.push(above(index).to_owned());
            continue;
        }
        let both = format!("{}{below}", parent(sheet, first, &upper, index));
        let known = [both.as_str(), below].into_iter().find(|text| is_known(text, choices));
        continues |= known.is_some() || above(index).is_empty();
        joined.push(known.unwrap_or(&both).to_owned());
    }
    continues.then(|| Headers::of(&joined, choices))
}

fn is_known(text: &str, choices: &[Choice]) -> bool {
    columns::recognise(text).is_some()
        || choices.iter().any(|choice| fold(&choice.header) == fold(text))
}

/// The upper header of a column: its own, or that of the cell merged over it. In a text file
/// merging leaves blanks, so it is the nearest to the left.
fn parent<'a>(sheet: &Sheet, first: &SheetRow, upper: &'a [String], index: usize) -> &'a str {
    let own = upper.get(index).filter(|text| !text.is_empty());
    let merged = || {
        let covers = |wide: &&super::sheet::Wide| {
            wide.row == first.number && (wide.first..=wide.last).contains(&index)
        };
        sheet.wide.iter().find(covers).and_then(|wide| upper.get(wide.first))
    };
    let is_text_file = sheet.name.is_empty();
    let left = || {
        let before = upper.get(..index).unwrap_or_default();
        before.iter().rev().find(|text| !text.is_empty()).filter(|_| is_text_file)
    };
    own.or_else(merged).or_else(left).map_or("", String::as_str)
}

/// The kind of a row below the header that is not data; `None` for data.
fn not_data(
    row: &SheetRow,
    header: &SheetRow,
    columns: &[Column],
    is_place: &impl Fn(&str) -> bool,
) -> Option<&'static str> {
    let mut filled = row.cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty());
    let (first, cell) = filled.next()?;
    let lone = filled.next().is_none();
    let text = cell.text();
    let identifies = |index: usize| {
        columns.iter().any(|column| column.index == index && column.field.identifies())
    };
    if repeats(row, header, columns) {
        return Some("the header again");
    }
    let names_somebody = |(index, cell): (usize, &Cell)| {
        index != first && identifies(index) && !is_count_or_note(&cell.text())
    };
    if is_note(&text) && !row.cells.iter().enumerate().any(names_somebody) {
        return Some("a note");
    }
    if !lone {
        return None;
    }
    if !identifies(first) {
        return Some("only one cell, neither name nor code");
    }
    is_heading(&text, is_place).then_some("a heading or a sentence")
}

/// Whether a row is the header again, as after a page break.
fn repeats(row: &SheetRow, header: &SheetRow, columns: &[Column]) -> bool {
    let same = |column: &&Column| {
        let text = |row: &SheetRow| row.cells.get(column.index).map(Cell::text).unwrap_or_default();
        let below = text(row);
        !below.is_empty() && (fold(&below) == fold(&text(header)) || below == column.header)
    };
    let identifying = columns.iter().filter(|column| column.field.identifies());
    identifying.clone().count() > 0 && identifying.clone().all(|column| same(&column))
}

/// Texts that the name column may hold beside a note: nothing, `25家`, a second note.
fn is_count_or_note(text: &str) -> bool {
    text.trim_matches(|c: char| c.is_ascii_digit() || COUNTERS.contains(c)).is_empty()
        || is_note(text)
}

/// Notes, totals and signatures below a table.
fn is_note(text: &str) -> bool {
    const WITH_COLON: &[&str] = &[
        "注",
        "备注",
        "说明",
        "附注",
        "填表人",
        "填报人",
        "制表人",
        "审核人",
        "联系人",
        "联系电话",
        "填报单位",
        "资料来源",
        "来源",
        "合计",
        "总计",
        "小计",
        "共计",
        "note",
        "notes",
        "source",
    ];
    const ALONE: &[&str] = &["合计", "总计", "小计", "共计", "备注", "total"];
    let text: String = text.nfkc().filter(|c| !c.is_whitespace()).collect();
    let text = text.trim_start_matches(['(', '*', '※']).to_ascii_lowercase();
    let head =
        text.trim_end_matches(|c: char| c.is_ascii_digit() || c == ':' || COUNTERS.contains(c));
    ALONE.contains(&head)
        || WITH_COLON.iter().any(|word| {
            let rest = text.strip_prefix(word).unwrap_or_default();
            // `注:`, `注1:`, `备注1.`
            rest.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with([':', '.', '、'])
        })
}

/// A lone text in the name column that is not a name: a province, `一、北京市`, a sentence.
fn is_heading(text: &str, is_place: &impl Fn(&str) -> bool) -> bool {
    let before_bracket = text.split(['(', '（']).next().unwrap_or(text).trim();
    let numeral = |c: char| "一二三四五六七八九十".contains(c);
    let enumerated = text.trim_start_matches(['(', '（']);
    let rest = enumerated.trim_start_matches(numeral);
    let is_enumerated = rest.len() < enumerated.len() && rest.starts_with(['、', ')', '）']);
    is_place(before_bracket)
        || is_enumerated
        || text.contains(['。', '；', '：'])
        || text.chars().count() > LONE_NAME_CHARS_MAX
}
