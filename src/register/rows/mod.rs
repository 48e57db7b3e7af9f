//! The rows: every event in 56 bytes, in the order of the log, and the texts that rows refer to.
//!
//! Rows are only appended. A row says what its event said when it was recorded; it never changes,
//! and it knows nothing of repairs.

mod handles;
mod layer;
mod pages;
mod row;
mod texts;

pub use self::handles::DesigneeIndex;
use self::texts::Texts;
pub(super) use self::{
    handles::{Link, NOBODY, ScopeIndex, position32},
    layer::{RowsEnd, RowsLayer},
    pages::Pages,
    row::{FactKindRow, FactRow, FoldOrder, Listing, NO_RULE, Row, TitleKey},
    texts::Sym,
};

/// One row per event, by position.
#[derive(Debug, Default)]
pub(super) struct Rows {
    rows: Pages<Row>,
    texts: Texts,
}

/// A size of the rows to come back to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Savepoint {
    size: usize,
    texts: texts::Savepoint,
}

impl Rows {
    /// Number of events.
    pub(super) fn size(&self) -> u64 {
        self.rows.len() as u64
    }

    pub(super) fn get(&self, position: u32) -> Option<&Row> {
        self.rows.get(position as usize)
    }

    /// The fact that the event at a position states, before repairs.
    pub(super) fn fact(&self, position: u32) -> Option<&FactRow> {
        self.get(position).map(|row| &row.fact)
    }

    pub(super) fn text(&self, sym: Sym) -> &str {
        self.texts.text(sym)
    }

    /// The symbol of a word, if it was ever recorded.
    pub(super) fn find_word(&self, text: &str) -> Option<Sym> {
        self.texts.find(text)
    }

    /// Appends the row of the next event.
    pub(super) fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// The symbol of a text that is stored once.
    pub(super) fn intern_word(&mut self, text: &str) -> Sym {
        self.texts.word(text)
    }

    /// Stores a name anew, unless it is the one that the designee's last event stated.
    pub(super) fn append_name(&mut self, name: &str, before: Sym) -> Sym {
        if self.texts.is(before, name) { before } else { self.texts.append(name) }
    }

    /// True if a text can be stored: it is not empty, and has a length that fits.
    fn can_hold(text: &str) -> bool {
        !text.is_empty() && u16::try_from(text.len()).is_ok()
    }

    /// How far the rows reach now.
    pub(super) fn end(&self) -> RowsEnd {
        RowsEnd { size: self.size(), texts: self.texts.end() }
    }

    /// The position after the last row at a savepoint.
    pub(super) fn end_of(savepoint: &Savepoint) -> u32 {
        u32::try_from(savepoint.size).unwrap_or(u32::MAX)
    }

    /// The rows since a savepoint, newest first: the order in which the other parts undo them.
    pub(super) fn since(&self, savepoint: &Savepoint) -> impl Iterator<Item = &Row> {
        (savepoint.size..self.rows.len()).rev().filter_map(|place| self.rows.get(place))
    }

    pub(super) fn savepoint(&self) -> Savepoint {
        Savepoint { size: self.rows.len(), texts: self.texts.savepoint() }
    }

    pub(super) fn rollback_to(&mut self, savepoint: &Savepoint) {
        while self.rows.len() > savepoint.size {
            self.rows.pop();
        }
        self.texts.rollback_to(savepoint.texts);
    }

    /// Forgets the way back before a savepoint.
    pub(super) fn commit_before(&mut self, savepoint: &Savepoint) {
        self.texts.commit_before(savepoint.texts);
    }
}
