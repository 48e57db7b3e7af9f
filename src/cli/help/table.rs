//! The Chinese texts of the help, by the English texts that they say again.
//!
//! `zh.txt` has an entry for each text: the English one, a line `---`, the Chinese one, a line
//! `===`.

use std::collections::HashMap;

/// All entries.
const ENTRIES: &str = include_str!("zh.txt");
const BETWEEN_ENTRIES: &str = "\n===\n";
const BETWEEN_TEXTS: &str = "\n---\n";

/// The Chinese texts.
pub(super) struct Texts(HashMap<&'static str, &'static str>);

impl Texts {
    /// Reads the entries.
    pub(super) fn read() -> Self {
        let entries = ENTRIES.trim_end().split(BETWEEN_ENTRIES);
        let pairs = entries.filter_map(|entry| entry.trim().split_once(BETWEEN_TEXTS));
        Self(pairs.map(|(english, chinese)| (english.trim_end(), chinese.trim())).collect())
    }

    /// The Chinese text for an English one; itself if there is none, which a test rules out.
    pub(super) fn chinese(&self, english: &str) -> String {
        self.find(english).unwrap_or(english).to_owned()
    }

    /// The Chinese text for an English one, also for that of a flag of clap's own.
    pub(super) fn find(&self, english: &str) -> Option<&'static str> {
        self.0.get(english.trim_end()).copied()
    }

    /// All English texts.
    #[cfg(test)]
    pub(super) fn english(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }
}
