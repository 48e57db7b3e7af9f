//! Header rows: the first of a sheet, a header of two rows, the header again after a page break,
//! another header, and the header of a table that is not of this list.

use super::{
    super::{
        columns::{self, Choice, Headers, fold, recognise},
        sheet::{Cell, Sheet, SheetRow, Wide},
    },
    headings,
};
use crate::limits::{HEADER_CHARS_MAX, HEADER_ROWS_MAX};

/// A header row with the columns that it names.
#[derive(Clone, Debug, Default)]
pub(super) struct Header<'a> {
    /// `None` where the caller names the columns by letters, and the sheet has no header.
    pub(super) row: Option<&'a SheetRow>,
    /// The second row of the header, joined to the first.
    pub(super) second: Option<&'a SheetRow>,
    /// The header of each column, by index.
    pub(super) texts: Vec<String>,
    pub(super) headers: Headers,
}

/// The role of a row below a header.
pub(super) enum Role<'a> {
    /// A row of the table: data, a heading or a note.
    Body,
    /// The header again, as after a page break; in some lists with a second row.
    Again(Option<&'a SheetRow>),
    /// Another header, which begins a table of its own.
    Another(Header<'a>),
    /// The header of a table that has no enterprises.
    Foreign,
}

/// Rows and choices of a sheet, as far as headers depend on them.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) sheet: &'a Sheet,
    pub(super) choices: &'a [Choice],
}

impl<'a> Rows<'a> {
    /// The first row that can be a header, and its index.
    pub(super) fn first(self) -> Option<(usize, Header<'a>)> {
        let is_list_of_names = self.sheet.rows.iter().all(|row| filled(row) <= 1);
        let rows = self.sheet.rows.iter().take(HEADER_ROWS_MAX).enumerate();
        // A title alone in its row may read like a header, except in a list that has only one
        // column.
        let mut rows = rows.filter(|(_, row)| filled(row) >= 2 || is_list_of_names);
        let (at, row) = rows
            .find(|(_, row)| Headers::of(&texts(row), self.choices).identify())
            .or_else(|| self.first_with_letters())?;
        Some((at, self.header(row, self.sheet.rows.get(at + 1))))
    }

    /// The header where letters name the identifying columns: a row that names other known columns,
    /// or the first row if it holds words and the rows below it hold names or codes.
    fn first_with_letters(self) -> Option<(usize, &'a SheetRow)> {
        let indices: Vec<usize> = self.identifying_letters().collect();
        if indices.is_empty() {
            return None;
        }
        let mut rows = self.sheet.rows.iter().take(HEADER_ROWS_MAX).enumerate();
        let first = rows.clone().find(|(_, row)| filled(row) >= 2);
        let names_columns = |row: &SheetRow| {
            let known = self.known(&texts(row));
            known > 0 && filled(row) >= 2 && 2 * known >= filled(row)
        };
        let names_somebody = |row: &SheetRow| {
            let texts = indices.iter().filter_map(|index| row.cells.get(*index)).map(Cell::text);
            let is_long = |text: &str| text.bytes().filter(u8::is_ascii_digit).count() >= 8;
            texts.into_iter().any(|text| headings::is_company(&text) || is_long(&text))
        };
        let is_above = |(at, row): &(usize, &SheetRow)| {
            let has_digit = |text: String| text.contains(|c: char| c.is_ascii_digit());
            may_be_header(row)
                && !row.cells.iter().map(Cell::text).any(has_digit)
                && !names_somebody(row)
                && self.sheet.rows.iter().skip(at + 1).take(HEADER_ROWS_MAX).any(names_somebody)
        };
        rows.find(|(_, row)| names_columns(row)).or_else(|| first.filter(is_above))
    }

    /// Whether the caller names an identifying column by letters.
    pub(super) fn letters_identify(self) -> bool {
        self.identifying_letters().next().is_some()
    }

    fn identifying_letters(self) -> impl Iterator<Item = usize> {
        let choices = self.choices.iter();
        let identifying = choices
            .filter(|choice| choice.field.is_some_and(super::super::fields::Field::identifies));
        identifying.filter_map(|choice| columns::letter_index(&choice.header))
    }

    /// The columns that letters name in a sheet without a known header.
    pub(super) fn without_header(self) -> Header<'a> {
        let widest = self.sheet.rows.iter().map(|row| row.cells.len()).max();
        let texts = vec![String::new(); widest.unwrap_or_default()];
        let headers = Headers::with_letters(&texts, self.choices);
        Header { row: None, second: None, texts, headers }
    }

    fn header(self, row: &'a SheetRow, next: Option<&'a SheetRow>) -> Header<'a> {
        let mut texts = texts(row);
        let headers = Headers::of(&texts, self.choices);
        let joined = next.and_then(|next| Some((next, self.join(row, next, &headers)?)));
        let mut second = None;
        if let Some((next, joined)) = joined {
            (second, texts) = (Some(next), joined);
        }
        // Letters may name columns to the right of the last header.
        let width = |row: &SheetRow| row.cells.len();
        let widest = next.map_or(0, width).max(texts.len());
        texts.resize(widest, String::new());
        let headers = Headers::with_letters(&texts, self.choices);
        Header { row: Some(row), second, texts, headers }
    }

    /// The role of a row below `current`.
    pub(super) fn role(
        self,
        row: &'a SheetRow,
        next: Option<&'a SheetRow>,
        current: &Header<'a>,
    ) -> Role<'a> {
        if !may_be_header(row) {
            return Role::Body;
        }
        let (texts, filled) = (texts(row), filled(row));
        let found = Headers::of(&texts, self.choices);
        let repeats = repeats(&texts, current);
        let known = self.known(&texts);
        // `企业` beside `省` may also be data: the nature and the level of somebody.
        let is_sure = found.columns.iter().any(|column| {
            column.field.identifies() && !matches!(column.header.as_str(), "企业" | "单位")
        });
        let is_header = found.identify()
            && filled >= 2
            && (known == filled || is_sure && known >= 2 && 2 * known >= filled);
        if repeats || is_header {
            let header = self.header(row, next);
            return match is_same(&header, current) {
                true => Role::Again(header.second),
                false => Role::Another(header),
            };
        }
        match is_foreign(&texts, filled, current) {
            true => Role::Foreign,
            false => Role::Body,
        }
    }

    /// Number of texts that are known headers.
    fn known(self, texts: &[String]) -> usize {
        let headers = Headers::of(texts, self.choices);
        let chosen = headers.unmapped.iter().filter(|unread| unread.chosen).count();
        headers.columns.len() + headers.personal.len() + chosen
    }

    /// Joins the second row of a header to the first, if it is one.
    ///
    /// It is one if it has neither a name nor digits, and either fills a blank of the first row or
    /// makes a column known: `有效期` over `起` and `止`.
    fn join(self, first: &SheetRow, second: &SheetRow, headers: &Headers) -> Option<Vec<String>> {
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
            let both = format!("{}{below}", self.parent(first, &upper, index));
            let known = [both.as_str(), below].into_iter().find(|text| self.is_known(text));
            continues |= known.is_some() || above(index).is_empty();
            joined.push(known.unwrap_or(&both).to_owned());
        }
        continues.then_some(joined)
    }

    fn is_known(self, text: &str) -> bool {
        recognise(text).is_some()
            || self.choices.iter().any(|choice| fold(&choice.header) == fold(text))
    }

    /// The upper header of a column: its own, or that of the cell merged over it. In a text file
    /// merging leaves blanks, so it is the nearest to the left.
    fn parent<'t>(self, first: &SheetRow, upper: &'t [String], index: usize) -> &'t str {
        let own = upper.get(index).filter(|text| !text.is_empty());
        let merged = || {
            let covers = |wide: &&Wide| {
                wide.row == first.number && (wide.first..=wide.last).contains(&index)
            };
            self.sheet.wide.iter().find(covers).and_then(|wide| upper.get(wide.first))
        };
        let is_text_file = self.sheet.name.is_empty();
        let left = || {
            let before = upper.get(..index).unwrap_or_default();
            before.iter().rev().find(|text| !text.is_empty()).filter(|_| is_text_file)
        };
        own.or_else(merged).or_else(left).map_or("", String::as_str)
    }
}

/// Number of cells with content.
pub(super) fn filled(row: &SheetRow) -> usize {
    row.cells.iter().filter(|cell| !cell.is_empty()).count()
}

fn texts(row: &SheetRow) -> Vec<String> {
    row.cells.iter().map(Cell::text).collect()
}

/// Whether all cells of a row are short words. It is asked of every row, so it must be cheap: the
/// running number or the code of a row of data tells at once.
fn may_be_header(row: &SheetRow) -> bool {
    row.cells.iter().all(|cell| match cell {
        Cell::Empty => true,
        Cell::Text(text) => {
            // A character of Chinese takes three bytes.
            text.len() <= 3 * HEADER_CHARS_MAX
                // `所属集团公司` is a header.
                && !(text.len() >= 24 && text.ends_with("公司"))
                && !text.bytes().all(|byte| byte.is_ascii_digit())
                && text.bytes().filter(u8::is_ascii_digit).count() < 8
        }
        _ => false,
    })
}

/// Whether the identifying columns hold their headers again, whatever the others hold.
fn repeats(texts: &[String], current: &Header<'_>) -> bool {
    let mut identifying =
        current.headers.columns.iter().filter(|column| column.field.identifies()).peekable();
    let is_again = |text: &String, index: usize, header: &str| {
        let first = current.row.and_then(|row| row.cells.get(index)).map(Cell::text);
        let folded = fold(text);
        !folded.is_empty()
            && (folded == fold(header) || first.is_some_and(|first| folded == fold(&first)))
    };
    identifying.peek().is_some()
        && identifying.all(|column| {
            let text = texts.get(column.index);
            text.is_some_and(|text| {
                is_again(text, column.index, &column.header)
                    || recognise(text) == Some(column.field)
            })
        })
}

/// Whether a header names the columns of `current`, though it may leave some blank.
fn is_same(header: &Header<'_>, current: &Header<'_>) -> bool {
    let fields = |header: &Header<'_>| {
        let columns = header.headers.columns.iter();
        columns.map(|column| (column.index, column.field)).collect::<Vec<_>>()
    };
    let (new, old) = (fields(header), fields(current));
    let is_blank = |index: usize| header.texts.get(index).is_none_or(String::is_empty);
    new.iter().all(|column| old.contains(column))
        && old.iter().all(|column| new.contains(column) || is_blank(column.0))
}

/// Whether the row is the header of a table that has no enterprises: the column of names holds the
/// header of something else, or every cell is a header.
fn is_foreign(texts: &[String], filled: usize, current: &Header<'_>) -> bool {
    let filled_texts = || texts.iter().filter(|text| !text.is_empty());
    if filled < 2 || filled_texts().any(|text| text.contains(|c: char| c.is_ascii_digit())) {
        return false;
    }
    let names = current.headers.columns.iter().filter(|column| column.field.identifies());
    let mut under_names = names.filter_map(|column| texts.get(column.index));
    under_names.any(|text| headings::is_header_word(text))
        || filled_texts().all(|text| headings::is_header_word(text))
}
