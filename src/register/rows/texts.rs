//! Texts of the register: names, batches, items, documents. They are stored back to back, with two
//! bytes of overhead; words that repeat are stored once. A symbol never leaves the register.

use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::{handles::FIRST_OF_TRIAL, pages::Pages};
use crate::register::stored::{Stream, Unfit, put_bytes, take_bytes};

const PAGE: usize = 1 << 16;
/// Every text begins at a multiple of this, so that 32 bits reach 16 GiB of texts.
const STEP: usize = 4;
const LENGTH_BYTES: usize = 2;

/// A text, by its place. 0 is the empty text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::register) struct Sym(u32);

impl Sym {
    pub(in crate::register) const EMPTY: Self = Self(0);

    pub(in crate::register) fn is_empty(self) -> bool {
        self == Self::EMPTY
    }

    /// The text at a place among those of a trial.
    pub(super) fn of_trial(place: usize) -> Self {
        let sym = u32::try_from(place).ok().and_then(|place| FIRST_OF_TRIAL.checked_add(place));
        sym.map_or(Self::EMPTY, Self)
    }

    /// A text that only a proposal has. Nobody reads it, and it is equal to no other text.
    pub(in crate::register) fn proposed(number: u16) -> Self {
        Self(u32::MAX - u32::from(number))
    }

    /// As a number, in the order in which texts are stored.
    pub(super) fn number(self) -> u32 {
        self.0
    }

    /// The text with a number that [`Sym::number`] gave.
    pub(super) fn of_number(number: u32) -> Self {
        Self(number)
    }

    /// The place among the texts of a trial, if it is one of them.
    pub(super) fn place_in_trial(self) -> Option<usize> {
        self.0.checked_sub(FIRST_OF_TRIAL).map(|place| place as usize)
    }
}

#[derive(Debug, Default)]
pub(in crate::register) struct Texts {
    pages: Vec<Vec<u8>>,
    /// Texts that are stored once, in the order in which they were stored.
    words: Pages<Sym>,
    /// The same by their hashes.
    by_text: HashTable<Sym>,
    /// The words asked for last: a list names one document and one batch in every row.
    recent: [Sym; 2],
    hasher: DefaultHashBuilder,
}

/// An end of the texts to come back to.
#[derive(Clone, Copy, Debug)]
pub(in crate::register) struct Savepoint {
    pages: usize,
    bytes: usize,
    words: usize,
}

impl Texts {
    /// The symbol of a text that is stored once.
    pub(in crate::register) fn word(&mut self, text: &str) -> Sym {
        if text.is_empty() {
            return Sym::EMPTY;
        }
        if let Some(sym) = self.find_recent(text) {
            return sym;
        }
        let sym = self.word_among_all(text);
        let [_, last] = self.recent;
        self.recent = [last, sym];
        sym
    }

    fn word_among_all(&mut self, text: &str) -> Sym {
        if let Some(sym) = self.find_among_all(text) {
            return sym;
        }
        let sym = self.append(text);
        self.words.push(sym);
        self.index_word(sym);
        sym
    }

    fn index_word(&mut self, sym: Sym) {
        let Self { pages, by_text, hasher, .. } = self;
        let hash = |sym: &Sym| hasher.hash_one(read(pages, *sym));
        by_text.insert_unique(hash(&sym), sym, hash);
    }

    /// The symbol of a word.
    pub(in crate::register) fn find(&self, text: &str) -> Option<Sym> {
        if text.is_empty() {
            return Some(Sym::EMPTY);
        }
        self.find_recent(text).or_else(|| self.find_among_all(text))
    }

    fn find_recent(&self, text: &str) -> Option<Sym> {
        self.recent.into_iter().find(|sym| self.is(*sym, text))
    }

    fn find_among_all(&self, text: &str) -> Option<Sym> {
        let hash = self.hasher.hash_one(text.as_bytes());
        self.by_text.find(hash, |sym| self.is(*sym, text)).copied()
    }

    /// Stores a text that is not expected to repeat.
    pub(in crate::register) fn append(&mut self, text: &str) -> Sym {
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
        let place = u32::try_from(place).ok().filter(|place| *place < FIRST_OF_TRIAL);
        place.map_or(Sym::EMPTY, Sym)
    }

    /// The lowest symbol that a text stored from now on can get.
    pub(in crate::register) fn end(&self) -> Sym {
        let bytes = self.pages.last().map_or(0, Vec::len);
        let place = self.pages.len().saturating_sub(1) * PAGE + bytes;
        Sym(u32::try_from(place / STEP).unwrap_or(u32::MAX))
    }

    pub(in crate::register) fn text(&self, sym: Sym) -> &str {
        std::str::from_utf8(read(&self.pages, sym)).unwrap_or("")
    }

    /// True if a symbol names this text; cheaper than reading the text.
    pub(in crate::register) fn is(&self, sym: Sym, text: &str) -> bool {
        read(&self.pages, sym) == text.as_bytes()
    }

    pub(in crate::register) fn savepoint(&self) -> Savepoint {
        let bytes = self.pages.last().map_or(0, Vec::len);
        Savepoint { pages: self.pages.len(), bytes, words: self.words.len() }
    }

    /// Forgets the words and texts after a savepoint.
    pub(in crate::register) fn rollback_to(&mut self, savepoint: Savepoint) {
        // Words first: their hashes are read from the texts.
        while self.words.len() > savepoint.words
            && let Some(sym) = self.words.pop()
        {
            self.forget_word(sym);
        }
        self.recent = Default::default();
        self.pages.truncate(savepoint.pages);
        if let Some(page) = self.pages.last_mut() {
            page.truncate(savepoint.bytes);
        }
    }

    /// The texts of pages that [`Texts::put_page`] gave. Their words are not indexed yet.
    pub(super) fn of_pages(pages: Vec<Vec<u8>>, words: Pages<Sym>) -> Option<Self> {
        let fits =
            |page: &Vec<u8>| (1..=PAGE).contains(&page.len()) && page.len().is_multiple_of(STEP);
        pages.iter().all(fits).then(|| Self { pages, words, ..Self::default() })
    }

    /// Indexes all words. The table gets as large as it would have grown.
    pub(super) fn index_words(&mut self) {
        self.by_text = HashTable::with_capacity(self.words.len());
        for place in 0..self.words.len() {
            if let Some(word) = self.word_at(place) {
                self.index_word(*word);
            }
        }
    }

    /// The word at a place.
    pub(super) fn word_at(&self, place: usize) -> Option<&Sym> {
        self.words.get(place)
    }

    /// Adds the length and the bytes of a page, as far as it lies below an end. False if nothing of
    /// it does.
    pub(super) fn put_page(&self, number: usize, end: Sym, out: &mut Vec<u8>) -> bool {
        let end = end.0 as usize * STEP;
        let Some(below) = end.checked_sub(number * PAGE).filter(|below| *below > 0) else {
            return false;
        };
        let Some(page) = self.pages.get(number) else { return false };
        put_bytes(page.get(..below).unwrap_or(page), out);
        true
    }

    /// Reads pages that [`Texts::put_page`] gave.
    pub(in crate::register) fn take_pages(from: &mut Stream<'_>) -> Result<Vec<Vec<u8>>, Unfit> {
        let mut pages = Vec::new();
        while !from.is_empty() {
            let bytes = take_bytes(from)?;
            if bytes.len() > PAGE {
                return Err(Unfit("a page of texts is too long"));
            }
            let mut page = Vec::with_capacity(PAGE);
            page.extend_from_slice(bytes);
            pages.push(page);
        }
        Ok(pages)
    }

    fn forget_word(&mut self, sym: Sym) {
        let hash = self.hasher.hash_one(read(&self.pages, sym));
        if let Ok(entry) = self.by_text.find_entry(hash, |known| *known == sym) {
            entry.remove();
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
        assert_eq!(texts.word(""), Sym::EMPTY);
        let first = texts.word("2024-1");
        assert!(!first.is_empty());
        let savepoint = texts.savepoint();
        let name = texts.append("某公司");
        let second = texts.word("2024-2");
        assert_eq!(texts.word("2024-1"), first);
        assert_eq!((texts.text(name), texts.text(second)), ("某公司", "2024-2"));
        texts.rollback_to(savepoint);
        assert_eq!(
            (texts.find("2024-2"), texts.text(name), texts.text(first)),
            (None, "", "2024-1")
        );
    }

    #[test]
    fn the_end_lies_above_every_text_and_not_above_the_next() {
        let mut texts = Texts::default();
        for i in 0..9_000 {
            let end = texts.end();
            let sym = texts.append(&format!("name {i:040}"));
            assert!(end <= sym && sym < texts.end(), "{i}");
        }
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
