//! Notes on a list that was read: values that were assumed, and parts that were left out. A note
//! never stops anything; the person who approves the list reads it.

use std::{
    cell::{Cell, RefCell},
    fmt,
};

use super::report::rows_in_words;
use crate::lang::{Both, both};

/// A note on a row, a column or a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Its kind, by which notes are grouped and counted.
    pub reason: NoteReason,
    /// Name of the sheet; empty where the format has no sheets.
    pub sheet: String,
    /// Row of the sheet or line of the text, from 1; 0 if the note is on a whole table.
    pub row: u32,
    /// Header of the column; empty if the note is on no single one.
    pub column: String,
    /// The assumption or omission, in a sentence.
    pub message: Both,
}

/// The kinds of notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoteReason {
    /// Rows without a code get provisional identifiers.
    CodeMissing,
    /// A code that fails its check became a local identifier.
    CodeLocal,
    /// A lone text in the name column was read as a name.
    LoneName,
    /// An instant just before midnight was read as the next day.
    NextDay,
    /// A time of day was dropped.
    TimeOfDay,
    /// The serial number of a day was read as a date.
    SerialDate,
    /// A place has no code, so that the region stays empty.
    RegionNotKnown,
    /// A title states the fact of the rows under it.
    FactFromTitle,
    /// Hidden rows or columns were left out.
    HiddenSkipped,
    /// Hidden rows or columns were read.
    HiddenRead,
    /// Tables that lie side by side were read one after the other.
    SideBySide,
    /// A table of something else was left out.
    OtherTable,
    /// A value belongs to another fact than the one that is stated, and was left out.
    NotUsed,
    /// A recorded fact about the log, which only a server states, was left out.
    OfService,
}

impl NoteReason {
    /// Its name for programs: `CODE_MISSING`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CodeMissing => "CODE_MISSING",
            Self::CodeLocal => "CODE_LOCAL",
            Self::LoneName => "LONE_NAME",
            Self::NextDay => "NEXT_DAY",
            Self::TimeOfDay => "TIME_OF_DAY",
            Self::SerialDate => "SERIAL_DATE",
            Self::RegionNotKnown => "REGION_NOT_KNOWN",
            Self::FactFromTitle => "FACT_FROM_TITLE",
            Self::HiddenSkipped => "HIDDEN_SKIPPED",
            Self::HiddenRead => "HIDDEN_READ",
            Self::SideBySide => "SIDE_BY_SIDE",
            Self::OtherTable => "OTHER_TABLE",
            Self::NotUsed => "NOT_USED",
            Self::OfService => "OF_SERVICE",
        }
    }
}

impl fmt::Display for NoteReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The notes on a table while its rows are read.
#[derive(Debug, Default)]
pub(super) struct TableNotes {
    notes: RefCell<Vec<Note>>,
    /// Number of rows about a designee, and those of them that have no code.
    designees: Cell<usize>,
    without_code: RefCell<Vec<u32>>,
}

impl TableNotes {
    pub(super) fn add(&self, note: Note) {
        self.notes.borrow_mut().push(note);
    }

    /// Counts a row about a designee.
    pub(super) fn count_designee(&self, row: u32, has_code: bool) {
        self.designees.set(self.designees.get() + 1);
        if !has_code {
            self.without_code.borrow_mut().push(row);
        }
    }

    /// All notes. Rows without a code share one: a list of names alone has thousands.
    pub(super) fn finish(self, sheet: &str, code_column: &str) -> Vec<Note> {
        let mut notes = self.notes.into_inner();
        let (without, all) = (self.without_code.into_inner(), self.designees.get());
        let message = match without.len() {
            0 => return notes,
            _ if code_column.is_empty() => both!(
                en: "the table has no column for the code; its {all} rows get provisional \
                     identifiers",
                zh: "表格没有代码列；其 {all} 行均使用临时标识"
            ),
            1 => both!(
                en: "1 of {all} rows has no code and gets a provisional identifier: {0}",
                zh: "{all} 行中有 1 行没有代码，使用临时标识：{0}",
                rows_in_words(&without)
            ),
            count => both!(
                en: "{count} of {all} rows have no code and get provisional identifiers: {0}",
                zh: "{all} 行中有 {count} 行没有代码，使用临时标识：{0}",
                rows_in_words(&without)
            ),
        };
        notes.push(Note {
            reason: NoteReason::CodeMissing,
            sheet: sheet.to_owned(),
            row: 0,
            column: code_column.to_owned(),
            message,
        });
        notes
    }
}
