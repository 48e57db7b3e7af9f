//! The columns of a table: which field each header names, and which columns are left out.

use unicode_normalization::UnicodeNormalization;

use super::{
    error::FileFault,
    fields::{FIELDS, Field},
    personal,
};

/// A caller's choice for a column: its header has this field, or is ignored.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Choice {
    /// `None`: the column is ignored.
    pub(super) field: Option<Field>,
    /// As the caller typed it.
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

/// The columns under a header row.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Headers {
    pub(super) columns: Vec<Column>,
    pub(super) unmapped: Vec<String>,
    pub(super) personal: Vec<String>,
}

impl Headers {
    /// Sorts the headers of a row into columns that are read, ignored, or dropped as personal.
    pub(super) fn of(texts: &[String], choices: &[Choice]) -> Self {
        let mut headers = Self::default();
        let chosen = |text: &str| choices.iter().find(|choice| same(&choice.header, text));
        let is_personal = |text: &str| personal::is_personal_header(&fold(text));
        let is_chosen = |field: Field| {
            let mut chosen = choices.iter().filter(|choice| choice.field == Some(field));
            let can_be = |text: &str, header: &str| same(header, text) && !is_personal(text);
            chosen.any(|choice| texts.iter().any(|text| can_be(text, &choice.header)))
        };
        for (index, text) in texts.iter().enumerate().filter(|(_, text)| !text.is_empty()) {
            let header = text.clone();
            if is_personal(text) {
                headers.personal.push(header);
                continue;
            }
            let field = match chosen(text) {
                Some(choice) => choice.field,
                None => recognise(text).filter(|field| !is_chosen(*field)),
            };
            match field {
                Some(field) => headers.columns.push(Column { index, field, header }),
                None => headers.unmapped.push(header),
            }
        }
        headers
    }

    /// Whether some column identifies what a row is about. Numbers of a batch do, beside the fact.
    pub(super) fn identify(&self) -> bool {
        let has = |field: Field| self.columns.iter().any(|column| column.field == field);
        self.columns.iter().any(|column| column.field.identifies())
            || has(Field::Fact) && (has(Field::DesignatedCount) || has(Field::ReviewedCount))
    }

    /// Refuses two columns for one field, because either would be a guess, and a chosen column with
    /// personal data.
    pub(super) fn require_unambiguous(&self, choices: &[Choice]) -> Result<(), FileFault> {
        for (at, column) in self.columns.iter().enumerate() {
            let rest = self.columns.iter().skip(at + 1);
            if let Some(other) = rest.clone().find(|other| other.field == column.field) {
                return Err(FileFault::TwoColumns {
                    field: column.field.name(),
                    first: column.header.clone(),
                    second: other.header.clone(),
                });
            }
        }
        let personal = |choice: &&Choice| {
            choice.field.is_some() && self.personal.iter().any(|text| same(&choice.header, text))
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

/// The field of a header: of the whole text, or else of the text without brackets.
pub(super) fn recognise(header: &str) -> Option<Field> {
    let find = |text: &str| {
        FIELDS
            .iter()
            .find(|(_, name, _, others)| {
                fold(name) == text || others.iter().any(|h| fold(h) == text)
            })
            .map(|(field, ..)| *field)
    };
    let folded = fold(header);
    find(&folded).or_else(|| find(&without_brackets(&folded)))
}

/// Folds a header: width, case, spaces and marks do not count.
pub(super) fn fold(text: &str) -> String {
    let kept = |c: &char| !c.is_whitespace() && !matches!(c, '*' | ':' | '_' | '-' | '.');
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
