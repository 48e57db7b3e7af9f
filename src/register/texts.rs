//! Texts of the register: names, batches, items, documents. Kept back to back, with two bytes of overhead; short words that
//! come again and again are kept once. A symbol never leaves the register.

use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashTable};

const PAGE: usize = 1 << 16;
/// Every text begins at a multiple of this, so that 32 bits reach 16 GiB of texts.
const STEP: usize = 4;
const LENGTH_BYTES: usize = 2;

/// A text, by its place. 0 is the empty text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Sym(u32);

impl Sym {
    pub(super) const EMPTY: Self = Self(0);

    pub(super) fn is_empty(self) -> bool {
        self == Self::EMPTY
    }
}

#[derive(Debug, Default)]
pub(super) struct Texts {
    pages: Vec<Vec<u8>>,
    /// Texts that are kept once.
    words: HashTable<Sym>,
    /// The words asked for last: a list names one document and one batch in every row.
    recent: [Sym; 2],
    hasher: DefaultHashBuilder,
}

/// Where the texts ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pages: usize,
    bytes: usize,
}

impl Texts {
    /// The symbol of a text that is kept once, and whether it is a new one.
    pub(super) fn word(&mut self, text: &str) -> (Sym, bool) {
        if text.is_empty() {
            return (Sym::EMPTY, false);
        }
        if let Some(sym) = self.recent.into_iter().find(|sym| self.is(*sym, text)) {
            return (sym, false);
        }
        let (sym, is_new) = self.word_among_all(text);
        let [_, last] = self.recent;
        self.recent = [last, sym];
        (sym, is_new)
    }

    fn word_among_all(&mut self, text: &str) -> (Sym, bool) {
        if let Some(sym) = self.find(text) {
            return (sym, false);
        }
        let sym = self.append(text);
        let Self { pages, words, hasher, .. } = self;
        let hash = |sym: &Sym| hasher.hash_one(read(pages, *sym));
        words.insert_unique(hash(&sym), sym, hash);
        (sym, true)
    }

    /// The symbol of a word.
    pub(super) fn find(&self, text: &str) -> Option<Sym> {
        if text.is_empty() {
            return Some(Sym::EMPTY);
        }
        let hash = self.hasher.hash_one(text.as_bytes());
        self.words.find(hash, |sym| self.is(*sym, text)).copied()
    }

    /// Keeps a text that is not expected to come again.
    pub(super) fn append(&mut self, text: &str) -> Sym {
        // Names, documents and ids are far below 64 KiB; the edge bounds them.
        let Ok(length) = u16::try_from(text.len()) else { return Sym::EMPTY };
        if text.is_empty() {
            return Sym::EMPTY;
        }
        let room = LENGTH_BYTES + text.len();
        if self.pages.last().is_none_or(|page| page.len() + room > PAGE) {
            // The first place of all stays free: 0 is the empty text.
            let first = if self.pages.is_empty() { vec![0; STEP] } else { Vec::new() };
            let mut page = Vec::with_capacity(PAGE);
            page.extend_from_slice(&first);
            self.pages.push(page);
        }
        let place = (self.pages.len() - 1) * PAGE;
        let Some(page) = self.pages.last_mut() else { return Sym::EMPTY };
        let place = (place + page.len()) / STEP;
        page.extend_from_slice(&length.to_le_bytes());
        page.extend_from_slice(text.as_bytes());
        page.resize(page.len().next_multiple_of(STEP), 0);
        u32::try_from(place).map_or(Sym::EMPTY, Sym)
    }

    pub(super) fn text(&self, sym: Sym) -> &str {
        std::str::from_utf8(read(&self.pages, sym)).unwrap_or("")
    }

    /// True if a symbol stands for a text; cheaper than reading it.
    pub(super) fn is(&self, sym: Sym, text: &str) -> bool {
        read(&self.pages, sym) == text.as_bytes()
    }

    pub(super) fn mark(&self) -> Mark {
        Mark { pages: self.pages.len(), bytes: self.pages.last().map_or(0, Vec::len) }
    }

    /// Forgets a word; its text goes with the mark.
    pub(super) fn forget_word(&mut self, sym: Sym) {
        let hash = self.hasher.hash_one(read(&self.pages, sym));
        if let Ok(entry) = self.words.find_entry(hash, |known| *known == sym) {
            entry.remove();
        }
    }

    /// Forgets the texts after a mark.
    pub(super) fn cut(&mut self, mark: Mark) {
        self.recent = Default::default();
        self.pages.truncate(mark.pages);
        if let Some(page) = self.pages.last_mut() {
            page.truncate(mark.bytes);
        }
    }
}

fn read(pages: &[Vec<u8>], sym: Sym) -> &[u8] {
    let place = sym.0 as usize * STEP;
    let text = pages.get(place / PAGE).and_then(|page| {
        let (length, rest) = page.get(place % PAGE..)?.split_first_chunk::<LENGTH_BYTES>()?;
        rest.get(..usize::from(u16::from_le_bytes(*length)))
    });
    text.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_once_and_forgotten_without_a_trace() {
        let mut texts = Texts::default();
        assert_eq!(texts.word(""), (Sym::EMPTY, false));
        let (first, new) = texts.word("2024-1");
        assert!(new && !first.is_empty());
        let mark = texts.mark();
        let name = texts.append("某公司");
        let (second, _) = texts.word("2024-2");
        assert_eq!(texts.word("2024-1"), (first, false));
        assert_eq!((texts.text(name), texts.text(second)), ("某公司", "2024-2"));
        texts.forget_word(second);
        texts.cut(mark);
        assert_eq!(
            (texts.find("2024-2"), texts.text(name), texts.text(first)),
            (None, "", "2024-1")
        );
    }

    #[test]
    fn texts_fill_many_pages() {
        let mut texts = Texts::default();
        let syms: Vec<_> = (0..9_000).map(|i| texts.append(&format!("name {i:040}"))).collect();
        for (i, sym) in syms.iter().enumerate() {
            assert_eq!(texts.text(*sym), format!("name {i:040}"));
        }
        assert!(texts.pages.len() > 5);
    }
}
