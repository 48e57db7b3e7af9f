//! The rows: every event in 56 bytes, in the order of the log, and the texts that rows refer to.
//!
//! Rows are only appended. A row says what its event said when it was recorded; it never changes,
//! and it knows nothing of repairs.

mod handles;
mod layer;
mod pages;
mod row;
mod stored;
mod texts;

pub use self::handles::DesigneeIndex;
pub(crate) use self::pages::Pages;
pub(super) use self::{
    handles::{Link, NOBODY, PROPOSED, ScopeIndex, position32},
    layer::{RowsEnd, RowsLayer},
    row::{FactKindRow, FactRow, FoldOrder, Listing, NO_RULE, Row, TitleKey},
    stored::{Owner, RowsRead, take_pages},
    texts::{Sym, Texts},
};
use crate::domain::Name;

/// One row per event, by position.
#[derive(Debug, Default)]
pub(super) struct Rows {
    rows: Pages<Row>,
    texts: Texts,
    /// The keys of the names whose folding takes long, in the order in which they were stored.
    keys: Vec<(Sym, Sym)>,
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
    pub(super) fn append_name(&mut self, name: &Name, before: Sym) -> Sym {
        if self.texts.is(before, name.as_str()) {
            return before;
        }
        let sym = self.texts.append(name.as_str());
        if !(name.is_common() || sym.is_empty()) {
            let is_key = name.key() == name.as_str();
            let key = if is_key { sym } else { self.texts.append(name.key()) };
            self.keys.push((sym, key));
        }
        sym
    }

    /// The key of a name, if it was kept.
    pub(super) fn name_key(&self, sym: Sym) -> Option<&str> {
        let place = self.keys.binary_search_by_key(&sym, |(name, _)| *name).ok()?;
        self.keys.get(place).map(|(_, key)| self.text(*key))
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
        let end = self.texts.end();
        while self.keys.pop_if(|(name, _)| *name >= end).is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_kept_of_names_that_take_long_to_fold_and_leave_no_trace() {
        let mut rows = Rows::default();
        let append =
            |rows: &mut Rows, name: &str| rows.append_name(&Name::recorded(name), Sym::EMPTY);
        let common = append(&mut rows, "示例（甲）有限公司");
        let rare = append(&mut rows, "\u{FDFA}é");
        let (size, savepoint) = (rows.keys.len(), rows.savepoint());
        assert_eq!((rows.name_key(common), size), (None, 1));
        let key = Name::recorded("\u{FDFA}é").key().to_owned();
        assert_eq!(rows.name_key(rare), Some(key.as_str()));
        let folded = append(&mut rows, "é");
        assert_eq!(rows.name_key(folded), Some("é"));
        assert_eq!(rows.append_name(&Name::recorded("é"), folded), folded);
        rows.rollback_to(&savepoint);
        assert_eq!((rows.keys.len(), rows.name_key(rare)), (1, Some(key.as_str())));
    }
}
