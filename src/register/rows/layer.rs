//! The rows that a trial adds to those of the register: its own events, with texts of their own.

use std::sync::Arc;

use hashbrown::HashMap;

use super::{FactRow, Row, Rows, Sym, position32};
use crate::domain::Name;

/// How far the rows reach at a log size: their number, and the end of their texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::register) struct RowsEnd {
    pub(super) size: u64,
    pub(super) texts: Sym,
}

impl RowsEnd {
    /// Number of events.
    pub(in crate::register) fn size(self) -> u64 {
        self.size
    }
}

/// The events of a trial, by position. The first follows the last one of the register that the
/// trial knows of.
#[derive(Debug)]
pub(in crate::register) struct RowsLayer {
    base: RowsEnd,
    /// Position of the first of `rows`.
    first: u32,
    rows: Vec<Row>,
    texts: Vec<Arc<str>>,
    words: HashMap<Arc<str>, Sym>,
    /// The keys of the names whose folding takes long.
    keys: HashMap<Sym, Box<str>>,
}

impl RowsLayer {
    /// A layer without events.
    pub(in crate::register) fn after(base: RowsEnd) -> Self {
        let first = position32(base.size);
        let (texts, words, keys) = (Vec::new(), HashMap::new(), HashMap::new());
        Self { base, first, rows: Vec::new(), texts, words, keys }
    }

    /// Number of events, with those below.
    pub(in crate::register) fn size(&self) -> u64 {
        self.base.size + self.rows.len() as u64
    }

    /// The position of the first event, which is the size of the register below.
    pub(in crate::register) fn first(&self) -> u64 {
        self.base.size
    }

    /// True if the event at a position belongs to the trial.
    pub(in crate::register) fn contains(&self, position: u32) -> bool {
        position >= self.first
    }

    pub(in crate::register) fn get(&self, position: u32) -> Option<&Row> {
        self.rows.get(position.checked_sub(self.first)? as usize)
    }

    pub(in crate::register) fn fact(&self, position: u32) -> Option<&FactRow> {
        self.get(position).map(|row| &row.fact)
    }

    pub(in crate::register) fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// A text of the trial itself; `None` for one of the register.
    pub(in crate::register) fn text(&self, sym: Sym) -> Option<&str> {
        Some(self.texts.get(sym.place_in_trial()?).map_or("", |text| text))
    }

    /// The symbol of a word that the trial, or an event that it knows of, has recorded. One that
    /// the register has recorded since may be taken back.
    pub(in crate::register) fn find_word(&self, below: &Rows, text: &str) -> Option<Sym> {
        let recorded = below.find_word(text).filter(|sym| *sym < self.base.texts || sym.is_empty());
        recorded.or_else(|| self.words.get(text).copied())
    }

    /// The symbol of a text that is stored once.
    pub(in crate::register) fn intern_word(&mut self, below: &Rows, text: &str) -> Sym {
        if let Some(sym) = self.find_word(below, text) {
            return sym;
        }
        let sym = self.append(text);
        if let Some(text) = self.texts.last().filter(|_| !sym.is_empty()) {
            self.words.insert(Arc::clone(text), sym);
        }
        sym
    }

    /// Stores a name, which is not expected to repeat.
    pub(in crate::register) fn append_name(&mut self, name: &Name) -> Sym {
        let sym = self.append(name.as_str());
        if !(name.is_common() || sym.is_empty()) {
            self.keys.insert(sym, name.key().into());
        }
        sym
    }

    /// The key of a name of the trial itself, if it was kept.
    pub(in crate::register) fn name_key(&self, sym: Sym) -> Option<&str> {
        self.keys.get(&sym).map(|key| &**key)
    }

    fn append(&mut self, text: &str) -> Sym {
        if !Rows::can_hold(text) {
            return Sym::EMPTY;
        }
        let sym = Sym::of_trial(self.texts.len());
        self.texts.push(text.into());
        sym
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_the_registers_only_if_it_was_recorded_below_the_layer() {
        let mut rows = Rows::default();
        let old = rows.intern_word("2024-1");
        let mut layer = RowsLayer::after(rows.end());
        let later = rows.intern_word("2024-2");
        assert_eq!(layer.intern_word(&rows, "2024-1"), old);
        assert_eq!(layer.find_word(&rows, "2024-2"), None);
        let own = layer.intern_word(&rows, "2024-2");
        assert!(later < own);
        assert_eq!(layer.intern_word(&rows, "2024-2"), own);
        assert_eq!((layer.text(own), layer.text(old)), (Some("2024-2"), None));
        assert_eq!(layer.intern_word(&rows, ""), Sym::EMPTY);
    }
}
