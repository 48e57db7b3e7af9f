//! Texts kept once: batches, items, rounds, names. A symbol never leaves the register.

use std::sync::Arc;

use hashbrown::HashMap;

/// A text, by its place. 0 is the empty text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Sym(u32);

impl Sym {
    pub(super) const EMPTY: Self = Self(0);
}

#[derive(Debug, Default)]
pub(super) struct Names {
    texts: Vec<Arc<str>>,
    places: HashMap<Arc<str>, Sym>,
}

impl Names {
    /// The symbol of a text, and whether it is a new one.
    pub(super) fn intern(&mut self, text: &str) -> (Sym, bool) {
        if text.is_empty() {
            return (Sym::EMPTY, false);
        }
        if let Some(sym) = self.places.get(text) {
            return (*sym, false);
        }
        let text: Arc<str> = text.into();
        self.texts.push(Arc::clone(&text));
        let sym = Sym(u32::try_from(self.texts.len()).unwrap_or(u32::MAX));
        self.places.insert(text, sym);
        (sym, true)
    }

    /// The symbol of a text that was interned before.
    pub(super) fn find(&self, text: &str) -> Option<Sym> {
        if text.is_empty() { Some(Sym::EMPTY) } else { self.places.get(text).copied() }
    }

    pub(super) fn text(&self, sym: Sym) -> &str {
        let place = (sym.0 as usize).checked_sub(1);
        place.and_then(|place| self.texts.get(place)).map_or("", |text| text)
    }

    pub(super) fn forget_last(&mut self) {
        if let Some(text) = self.texts.pop() {
            self.places.remove(&text);
        }
    }
}
