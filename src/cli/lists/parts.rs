//! The rows of a commit or of a trial, and their places.

use std::{cell::OnceCell, collections::HashMap, fmt};

use super::{columns, duplicates::earlier_places};
use crate::{
    cli::print::{Heading, fault_message_with},
    import::{ImportedRow, Report, rows_in_words},
    lang::{Lang, say, word},
    protocol::pb,
};

/// Rows of one file that follow one another.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    /// Name of the file; empty for events that no file holds.
    pub(crate) file: &'a str,
    /// The report on how the file was read.
    pub(crate) report: Option<&'a Report>,
    pub(crate) rows: &'a [ImportedRow],
}

/// The rows of a commit or of a trial: the events of a request, in their order.
pub(crate) struct Rows<'a> {
    pub(crate) parts: Vec<Part<'a>>,
    /// The place that the number of a row names.
    pub(crate) unit: Unit,
    /// Earlier rows that state the same, found when the first of them is asked for.
    earlier: OnceCell<HashMap<u32, Place<'a>>>,
}

/// The things whose numbers say where a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Rows of a list.
    Row,
    /// Events of the log.
    Event,
}

impl Unit {
    /// Their column in a table.
    pub(super) fn heading(self) -> Heading {
        match self {
            Self::Row => Heading::new("rows", "rows", "行"),
            Self::Event => Heading::new("events", "events", "事件"),
        }
    }

    /// Some of them by their numbers: `rows 3 to 402`, `event 7`.
    pub(super) fn in_words(self, numbers: &[u32]) -> String {
        let rows = rows_in_words(numbers);
        match self {
            _ if numbers.is_empty() => String::new(),
            Self::Row => rows,
            Self::Event if Lang::current() == Lang::En => rows.replacen("row", "event", 1),
            Self::Event => format!("事件 {}", rows.trim_start_matches("第 ").replace(" 行", "")),
        }
    }
}

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place<'a> {
    /// Name of the file; empty for events that no file holds.
    pub(crate) file: &'a str,
    /// Name of the sheet; empty where the format has no sheets.
    pub(crate) sheet: &'a str,
    pub(crate) row: u32,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [self.file, self.sheet].into_iter().filter(|part| !part.is_empty()) {
            write!(f, "{part}{}", word!(en: ", ", zh: "，"))?;
        }
        f.write_str(&rows_in_words(&[self.row]))
    }
}

impl<'a> Part<'a> {
    pub(crate) fn place(&self, row: &'a ImportedRow) -> Place<'a> {
        Place { file: self.file, sheet: &row.sheet, row: row.row }
    }
}

impl<'a> Rows<'a> {
    /// The rows of lists.
    pub(crate) fn of_lists(parts: Vec<Part<'a>>) -> Self {
        Self { parts, unit: Unit::Row, earlier: OnceCell::new() }
    }

    /// Events that no file holds.
    pub(crate) fn of_events(rows: &'a [ImportedRow]) -> Self {
        let parts = vec![Part { file: "", report: None, rows }];
        Self { parts, unit: Unit::Event, earlier: OnceCell::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.parts.iter().map(|part| part.rows.len()).sum()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &'a ImportedRow> + Clone {
        self.parts.iter().flat_map(|part| part.rows).collect::<Vec<_>>().into_iter()
    }

    /// The names of the files, each once.
    pub(crate) fn files(&self) -> Vec<&'a str> {
        let mut files: Vec<&str> = self.parts.iter().map(|part| part.file).collect();
        files.dedup();
        files
    }

    /// The row of an event, by its index in the request.
    pub(crate) fn get(&self, index: u32) -> Option<(&Part<'a>, &'a ImportedRow)> {
        let mut left = usize::try_from(index).ok()?;
        for part in &self.parts {
            match part.rows.get(left) {
                Some(row) => return Some((part, row)),
                None => left -= part.rows.len(),
            }
        }
        None
    }

    pub(crate) fn place(&self, index: u32) -> Option<Place<'a>> {
        self.get(index).map(|(part, row)| part.place(row))
    }

    /// Header of the column that a fault's field comes from; empty if none does.
    pub(crate) fn column(&self, index: u32, field: &str) -> &'a str {
        let found = self.get(index);
        found.and_then(|(part, row)| columns::header(part.report?, row, field)).unwrap_or_default()
    }

    /// The place of the earlier row of the same request that a fault is about. The server names its
    /// event, or the numbers that the two have in their official list.
    pub(crate) fn earlier(&self, fault: &pb::Rejection) -> Option<Place<'a>> {
        match fault.metadata.get("earlier_event") {
            Some(path) => {
                let index = path.strip_prefix("events[")?.strip_suffix(']')?;
                self.place(index.parse().ok()?)
            }
            None if fault.metadata.contains_key("earlier_row") && fault.conflicts.is_empty() => {
                let earlier = self.earlier.get_or_init(|| earlier_places(&self.parts));
                earlier.get(&fault.index).copied()
            }
            None => None,
        }
    }

    /// The message of a fault, with the place of the earlier row that it is about.
    pub(crate) fn message(&self, fault: &pb::Rejection) -> String {
        let word = |key: &str, _: &str| {
            let earlier = self.earlier(fault).filter(|_| key == "earlier_event")?;
            Some(earlier.to_string())
        };
        let message = fault_message_with(fault, word);
        match (self.earlier(fault), fault.metadata.get("earlier_event")) {
            (Some(place), Some(path)) => {
                message.replace(&format!("{path} of this request"), &place.to_string())
            }
            (Some(place), None) => {
                say!(en: "{message}; first in {place}", zh: "{message}；首次出现：{place}")
            }
            (None, _) => message,
        }
    }
}

/// A warning has the same fields as a rejection.
pub(crate) fn as_fault(warning: &pb::Warning) -> pb::Rejection {
    let warning = warning.clone();
    pb::Rejection {
        conflicts_not_shown: 0,
        index: warning.index,
        field: warning.field,
        value: warning.value,
        reason: warning.reason,
        message: warning.message,
        rule: warning.rule,
        conflicts: warning.conflicts,
        rule_id: warning.rule_id,
        metadata: warning.metadata,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(numbers: &[u32]) -> Vec<ImportedRow> {
        let row = |row| ImportedRow { sheet: String::new(), row, event: pb::Event::default() };
        numbers.iter().copied().map(row).collect()
    }

    #[test]
    fn an_index_leads_through_the_parts_of_a_run() {
        let (a, b) = (rows(&[2, 3]), rows(&[5]));
        let part = |file, rows| Part { file, report: None, rows };
        let run = Rows::of_lists(vec![part("a", &a), part("none", &[]), part("b", &b)]);
        let place = |index| run.place(index).map(|place| place.to_string());
        assert_eq!(place(1).unwrap(), "a, row 3");
        assert_eq!(place(2).unwrap(), "b, row 5");
        assert_eq!(place(3), None);
        assert_eq!(run.len(), 3);
    }

    #[test]
    fn a_message_names_rows_in_the_place_of_events_of_the_request() {
        let a = rows(&[2, 3]);
        let run = Rows::of_lists(vec![Part { file: "a.csv", report: None, rows: &a }]);
        let fault = |path: &str| pb::Rejection {
            message: format!("held, by {path} of this request"),
            metadata: [("earlier_event".to_owned(), path.to_owned())].into(),
            ..Default::default()
        };
        assert_eq!(run.message(&fault("events[1]")), "held, by a.csv, row 3");
        let unknown = fault("events[7]");
        assert_eq!(run.message(&unknown), unknown.message);
    }
}
