//! Faults of values and events, in a form that programs and people of any language can act on.
//!
//! A [`Breach`] names a rule and the values in the rule's text. Its texts are made from these two
//! alone, so that whoever receives them can write them in another language.

mod english;
mod kept;
mod key;
mod reason;
mod rule_id;
mod template;

use std::fmt::{self, Display};

pub use self::{
    kept::Faults,
    key::{Entitled, Key},
    reason::Reason,
    rule_id::RuleId,
    template::{NamedKey, fill, keys},
};
use super::text::cut;
pub use super::text::echo;
use crate::limits::METADATA_BYTES_MAX;

/// A value of metadata as it reads in an English sentence, by the name of its key.
#[must_use]
pub fn english_word(key: &str, value: &str) -> String {
    key.parse().map_or_else(|_| value.to_owned(), |key| english::word(key, value))
}

/// The message of a breach whose values the reader does not get.
const COVERED: &str = "is in conflict with events that the caller may not read";

/// The breach of a rule by a value whose field is not known yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    rule: RuleId,
    metadata: Vec<(Key, String)>,
    /// Its values are not for the reader: they may follow from events that it may not read.
    is_covered: bool,
}

impl From<RuleId> for Breach {
    fn from(rule: RuleId) -> Self {
        Self { rule, metadata: Vec::new(), is_covered: false }
    }
}

impl Breach {
    /// The same breach, with one more value of its text, shortened. The values share their room, so
    /// a value that may be long comes last.
    #[must_use]
    pub fn with(mut self, key: Key, value: impl Display) -> Self {
        let used: usize = self.metadata.iter().map(|(_, value)| value.len()).sum();
        let value = cut(echo(&value.to_string()), METADATA_BYTES_MAX.saturating_sub(used));
        self.metadata.push((key, value));
        self
    }

    /// As [`Breach::with`], for a value that may be missing.
    #[must_use]
    pub fn with_any(self, key: Key, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// The same breach, naming an event by its path in the request if it has no position yet.
    /// `path` gives the path of such an event. Positions in texts that name no such path stay.
    #[must_use]
    pub fn with_paths(mut self, path: impl FnOnce(u64) -> Option<String>) -> Self {
        let names_event =
            |name: &str| template::keys(english::of(self.rule).message).any(|key| key.name == name);
        let at = self.metadata.iter().position(|(key, _)| *key == Key::Position);
        let Some(at) = at.filter(|_| names_event(Key::EarlierEvent.as_str())) else { return self };
        let named = self.metadata.get_mut(at);
        if let Some((key, value)) = named
            && let Some(path) = value.parse().ok().and_then(path)
        {
            (*key, *value) = (Key::EarlierEvent, path);
        }
        self
    }

    /// The same breach without its values, for a reader that may not read an event in the way.
    #[must_use]
    pub fn covered(self) -> Self {
        Self { metadata: Vec::new(), is_covered: true, ..self }
    }

    /// The rule.
    #[must_use]
    pub fn rule(&self) -> RuleId {
        self.rule
    }

    /// The values in the text of the rule.
    pub fn metadata(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.metadata.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The reason, for programs.
    #[must_use]
    pub fn reason(&self) -> Reason {
        Reason::of(self.rule)
    }

    /// The fault in English.
    #[must_use]
    pub fn message(&self) -> String {
        if self.is_covered {
            return COVERED.to_owned();
        }
        let template = english::of(self.rule).message;
        debug_assert!(self.is_complete(), "{self:?} lacks a value of its text, or has another one");
        template::fill(template, |key| self.word(key))
    }

    /// The rule in English, with its official document where there is one.
    #[must_use]
    pub fn rule_text(&self) -> String {
        let rule = english::of(self.rule).rule;
        if self.is_covered && template::keys(rule).next().is_some() {
            return String::new();
        }
        template::fill(rule, |key| self.word(key))
    }

    /// True if the metadata has every value that the texts need, and no other.
    fn is_complete(&self) -> bool {
        let english::Texts { message, rule, .. } = english::of(self.rule);
        let keys = || template::keys(message).chain(template::keys(rule));
        let has = |name: &str| self.metadata().any(|(key, _)| key == name);
        keys().all(|key| key.is_optional || has(key.name))
            && self.metadata().all(|(name, _)| keys().any(|key| key.name == name))
    }

    /// A value as English writes it.
    fn word(&self, name: &str) -> Option<String> {
        let (key, value) = self.metadata.iter().find(|(key, _)| key.as_str() == name)?;
        Some(english::word(*key, value))
    }
}

impl Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

/// A rejection of an event, or a warning about an accepted one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Index of the event in its commit.
    pub index: usize,
    /// Path of the field inside the event: `designated.valid_to`.
    pub field: String,
    /// The offending value, shortened.
    pub value: String,
    /// The rule that it breaks.
    pub breach: Breach,
    /// Positions of recorded events concerned.
    pub conflicts: Vec<u64>,
    /// The number of others, which the reader may not read.
    pub not_shown: usize,
}

impl Fault {
    /// A fault that concerns no other event.
    pub fn new(index: usize, field: String, value: &str, breach: impl Into<Breach>) -> Self {
        let (value, breach) = (echo(value), breach.into());
        debug_assert!(breach.is_complete(), "{breach:?} lacks a value of its text");
        Self { index, field, value, breach, conflicts: Vec::new(), not_shown: 0 }
    }

    /// The reason, for programs.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.breach.reason()
    }

    /// The same fault for a reader that gets only some of the recorded events. If it lacks one, the
    /// fault tells nothing but its place and its rule.
    #[must_use]
    pub fn shown(mut self, shows: impl Fn(u64) -> bool) -> Self {
        let all = self.conflicts.len();
        self.conflicts.retain(|position| shows(*position));
        self.not_shown = all - self.conflicts.len();
        // The target of a repair is in the request, and may not be for the reader either.
        let is_position = self.field == "position" || self.field.ends_with(".position");
        let target = self.value.parse().ok().filter(|_| is_position);
        if all == 0 && target.is_some_and(|position| !shows(position)) {
            self.not_shown = 1;
            self.breach = self.breach.covered();
        } else if self.not_shown > 0 {
            self.breach = self.breach.covered();
            self.value = String::new();
        }
        self
    }
}

#[cfg(test)]
pub(crate) mod tests;
