//! The columns of a table: which field each header names, and which columns are left out.

use std::{collections::HashMap, ops::Range, sync::LazyLock};

use unicode_normalization::UnicodeNormalization;

use super::{
    error::FileFault,
    fields::{FIELDS, Field},
    personal,
};
use crate::domain::characters::is_hidden;

/// A caller's choice for a column: its header has this field, or is ignored.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Choice {
    /// `None`: the column is ignored.
    pub(super) field: Option<Field>,
    /// As the caller typed it: a header, or the letters of a column.
    pub(super) header: String,
}

/// A column that is read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    pub(super) index: usize,
    pub(super) field: Field,
    /// As in the file, on one line.
    pub(super) header: String,
}

/// A column that is not read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Unread {
    pub(super) index: usize,
    /// As in the file, on one line; empty for a column without a header.
    pub(super) header: String,
    /// True if the caller left it out: `--column ignore=HEADER`.
    pub(super) chosen: bool,
}

/// The columns under a header row.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Headers {
    pub(super) columns: Vec<Column>,
    pub(super) unmapped: Vec<Unread>,
    pub(super) personal: Vec<Unread>,
    /// True if the caller says that the rows are batches.
    of_batches: bool,
}

impl Headers {
    /// Sorts the headers of a row into columns that are read, ignored, or dropped as personal.
    pub(super) fn of(texts: &[String], choices: &[Choice]) -> Self {
        Self::sorted(texts, choices, |_| false)
    }

    /// The same; a choice whose header is not in the row may also be the letter of a column.
    pub(super) fn with_letters(texts: &[String], choices: &[Choice]) -> Self {
        let has_header = |choice: &Choice| texts.iter().any(|text| same(&choice.header, text));
        Self::sorted(texts, choices, |choice| !has_header(choice))
    }

    fn sorted(
        texts: &[String],
        choices: &[Choice],
        may_be_letter: impl Fn(&Choice) -> bool,
    ) -> Self {
        let of_batches = choices.iter().any(Choice::is_of_batches);
        let mut headers = Self { of_batches, ..Self::default() };
        let names = |choice: &Choice, index: usize, text: &str| {
            !text.is_empty() && same(&choice.header, text)
                || letter_index(&choice.header) == Some(index) && may_be_letter(choice)
        };
        let is_personal = |text: &str| personal::is_personal_header(&fold(text));
        let is_chosen = |field: Field| {
            let mut chosen = choices.iter().filter(|choice| choice.field == Some(field));
            chosen.any(|choice| {
                let mut texts = texts.iter().enumerate();
                texts.any(|(index, text)| names(choice, index, text) && !is_personal(text))
            })
        };
        for (index, text) in texts.iter().enumerate() {
            let choice = choices.iter().find(|choice| names(choice, index, text));
            let header = visible(text);
            if header.is_empty() && choice.is_none() {
                continue;
            }
            let unread = |chosen| Unread { index, header: header.clone(), chosen };
            if is_personal(text) {
                headers.personal.push(unread(choice.is_some()));
                continue;
            }
            let field = match choice {
                Some(choice) => choice.field,
                None => recognise(text).filter(|field| !is_chosen(*field)),
            };
            match field {
                Some(field) => {
                    let unnamed = || format!("column {}", letter(index));
                    let header = if header.is_empty() { unnamed() } else { header };
                    headers.columns.push(Column { index, field, header });
                }
                None => {
                    let is_ignored = choice.is_some_and(|choice| choice.field.is_none());
                    headers.unmapped.push(unread(is_ignored));
                }
            }
        }
        headers
    }

    /// Whether some column identifies what a row is about. Numbers of a batch do, beside the fact.
    pub(super) fn identify(&self) -> bool {
        let has = |field: Field| self.columns.iter().any(|column| column.field == field);
        self.columns.iter().any(|column| column.field.identifies())
            || (has(Field::Fact) || self.of_batches)
                && (has(Field::DesignatedCount) || has(Field::ReviewedCount))
            || self.of_batches && has(Field::Batch)
    }

    /// The columns of one block.
    pub(super) fn within(&self, block: &Range<usize>) -> Self {
        let unread = |unread: &[Unread]| {
            unread.iter().filter(|unread| block.contains(&unread.index)).cloned().collect()
        };
        let columns = self.columns.iter().filter(|column| block.contains(&column.index));
        Self {
            columns: columns.cloned().collect(),
            unmapped: unread(&self.unmapped),
            personal: unread(&self.personal),
            of_batches: self.of_batches,
        }
    }

    /// Those of the choices, by their place, that name one of these columns.
    pub(super) fn choices(&self, choices: &[Choice]) -> Vec<usize> {
        let is_here = |choice: &Choice| {
            let is_read = |column: &Column| {
                choice.field == Some(column.field) && choice.names(column.index, &column.header)
            };
            let mut unread = self.unmapped.iter().chain(&self.personal);
            self.columns.iter().any(is_read)
                || unread.any(|unread| choice.names(unread.index, &unread.header))
        };
        let here = choices.iter().enumerate().filter(|(_, choice)| is_here(choice));
        here.map(|(at, _)| at).collect()
    }

    /// Refuses two columns for one field, because either would be a guess, and a chosen column with
    /// personal data.
    pub(super) fn require_unambiguous(&self, choices: &[Choice]) -> Result<(), FileFault> {
        for (at, column) in self.columns.iter().enumerate() {
            let rest = self.columns.iter().skip(at + 1);
            if let Some(other) = rest.clone().find(|other| other.field == column.field) {
                let (first, second) = told_apart(column, other);
                return Err(FileFault::TwoColumns { field: column.field.name(), first, second });
            }
        }
        let personal = |choice: &&Choice| {
            let chosen =
                |unread: &Unread| unread.chosen && choice.names(unread.index, &unread.header);
            choice.field.is_some() && self.personal.iter().any(chosen)
        };
        match choices.iter().find(personal) {
            Some(Choice { field, header }) => Err(FileFault::PersonalColumn {
                field: field.map_or(String::new(), |field| field.name().to_owned()),
                header: header.clone(),
            }),
            None => Ok(()),
        }
    }
}

impl Choice {
    /// What `--fact` says of batches: their numbers identify a row, as names do in other lists.
    pub(super) fn of_batches() -> Self {
        Self { field: Some(Field::Fact), header: String::new() }
    }

    /// True for the choice of [`Choice::of_batches`]. A column has no empty header.
    pub(super) fn is_of_batches(&self) -> bool {
        self.header.is_empty()
    }

    fn names(&self, index: usize, header: &str) -> bool {
        same(&self.header, header) || letter_index(&self.header) == Some(index)
    }
}

/// Two columns by their headers, or by their letters if those are the same.
fn told_apart(first: &Column, second: &Column) -> (String, String) {
    if same(&first.header, &second.header) {
        return (letter(first.index), letter(second.index));
    }
    (first.header.clone(), second.header.clone())
}

/// The index of a column that is named as spreadsheets do, by one to three capital letters.
pub(super) fn letter_index(text: &str) -> Option<usize> {
    if !(1..=3).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let place = |index: usize, byte: u8| index * 26 + usize::from(byte - b'A') + 1;
    text.bytes().fold(0, place).checked_sub(1)
}

/// The letters of a column, as spreadsheets show them.
pub(super) fn letter(index: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = index + 1;
    while let Some(before) = rest.checked_sub(1) {
        letters.extend(u8::try_from(before % 26).map(|place| char::from(b'A' + place)));
        rest = before / 26;
    }
    letters.iter().rev().collect()
}

/// Fields by their folded headers. A header of two entries belongs to the first.
static KNOWN: LazyLock<HashMap<String, Field>> = LazyLock::new(|| {
    let mut known = HashMap::new();
    for (field, name, _, others) in FIELDS {
        for header in [name].into_iter().chain(*others) {
            known.entry(fold(header)).or_insert(*field);
        }
    }
    known
});

/// The field of a header: of the whole text, or else of the text without brackets.
pub(super) fn recognise(header: &str) -> Option<Field> {
    let folded = fold(header);
    KNOWN.get(&folded).or_else(|| KNOWN.get(&without_brackets(&folded))).copied()
}

/// A text without the characters that a reader does not see.
pub(super) fn visible(text: &str) -> String {
    if !text.contains(is_hidden) {
        return text.trim().to_owned();
    }
    text.replace(is_hidden, "").trim().to_owned()
}

/// Folds a header: width, case, spaces, marks and characters that nobody sees do not count.
pub(super) fn fold(text: &str) -> String {
    let is_mark = |c: char| matches!(c, '*' | ':' | '_' | '-' | '.');
    let kept = |c: &char| !c.is_whitespace() && !is_mark(*c) && !is_hidden(*c);
    text.nfkc().filter(kept).map(|c| c.to_ascii_lowercase()).collect()
}

fn without_brackets(text: &str) -> String {
    let mut depth = 0_usize;
    let mut kept = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '(' | '[' | '【' | '〔' => depth += 1,
            ')' | ']' | '】' | '〕' => depth = depth.saturating_sub(1),
            character if depth == 0 => kept.push(character),
            _ => {}
        }
    }
    kept
}

/// Whether a header is the one that a caller chose.
pub(super) fn same(chosen: &str, header: &str) -> bool {
    fold(chosen) == fold(header)
}
