//! Finds the table in a sheet: title rows, header, data, footnotes. It never drops a row without
//! reporting it, blank rows excepted.

use unicode_normalization::UnicodeNormalization;

use super::{
    columns::{self, Choice, Column, Headers, fold},
    error::FileFault,
    report::Skipped,
    sheet::{Cell, Row, Sheet},
};

/// The header is looked for in so many rows.
pub(super) const HEADER_ROWS_MAX: usize = 30;
/// A longer lone text is a sentence, not a name: names have at most 128 characters in the log and
/// hardly 60 in life.
const LONE_NAME_CHARS_MAX: usize = 60;
/// Words behind a number of enterprises.
const COUNTERS: &str = "家户个";

/// A table found in a sheet.
#[derive(Debug)]
pub(super) struct Table<'a> {
    pub(super) header_row: u32,
    pub(super) columns: Vec<Column>,
    pub(super) unmapped: Vec<String>,
    pub(super) personal: Vec<String>,
    /// The rows of data.
    pub(super) rows: Vec<&'a Row>,
    pub(super) skipped: Vec<Skipped>,
}

/// Finds the table of a sheet. `is_place` tells the name of a province, which as a lone text is a
/// heading between rows.
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
    headers.check(choices)?;
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

/// How many columns of a sheet's table are known; 0 without a table.
pub(super) fn known_columns(sheet: &Sheet, choices: &[Choice]) -> usize {
    header(sheet, choices).map_or(0, |(_, headers)| headers.columns.len())
}

/// The first row that can be a header, and its index.
fn header(sheet: &Sheet, choices: &[Choice]) -> Option<(usize, Headers)> {
    let filled = |row: &Row| row.cells.iter().filter(|cell| !cell.is_empty()).count();
    let is_list_of_names = sheet.rows.iter().all(|row| filled(row) <= 1);
    let rows = sheet.rows.iter().take(HEADER_ROWS_MAX).enumerate();
    // A title alone in its row may be called like a column; in a list of names nothing else is.
    let mut rows = rows.filter(|(_, row)| filled(row) >= 2 || is_list_of_names);
    rows.find_map(|(at, row)| {
        let headers = Headers::of(&texts(row), choices);
        headers.identify().then_some((at, headers))
    })
}

fn texts(row: &Row) -> Vec<String> {
    row.cells.iter().map(Cell::text).collect()
}

/// Joins the second row of a header to the first, if it is one.
///
/// It is one if it names nobody, has no digits, and under the header either a blank is filled or
/// a column becomes known: `有效期` over `起` and `止`.
fn join(
    sheet: &Sheet,
    first: &Row,
    second: &Row,
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

/// The text that stands over a column: its own, that of the cell merged over it, or in a text
/// file, where merging leaves blanks, the nearest to the left.
fn parent<'a>(sheet: &Sheet, first: &Row, upper: &'a [String], index: usize) -> &'a str {
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

/// What a row below the header is, if it is not data.
fn not_data(
    row: &Row,
    header: &Row,
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

/// A page break repeats the header.
fn repeats(row: &Row, header: &Row, columns: &[Column]) -> bool {
    let same = |column: &&Column| {
        let text = |row: &Row| row.cells.get(column.index).map(Cell::text).unwrap_or_default();
        let below = text(row);
        !below.is_empty() && (fold(&below) == fold(&text(header)) || below == column.header)
    };
    let identifying = columns.iter().filter(|column| column.field.identifies());
    identifying.clone().count() > 0 && identifying.clone().all(|column| same(&column))
}

/// What may stand in the name column beside a note: nothing, `25家`, a second note.
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

/// A lone text in the name column that names no enterprise: a province, `一、北京市`, a sentence.
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
