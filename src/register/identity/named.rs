//! The names of designees by the events that give them: for searches by a part of a name.

use super::{Subjects, subjects::NAME_BYTES_OF_READ};
use crate::{
    limits::NAME_LOOKBACK_EVENTS,
    register::rows::{DesigneeIndex, FactKindRow, FactRow, NOBODY, Sym},
};

/// The first event that gives a designee a name that is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::register) struct Named {
    pub(in crate::register) position: u32,
    /// The name as the event states it; of a provisional identifier its key.
    pub(in crate::register) name: String,
}

/// A name that several designees may bear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::register) struct SharedName {
    pub(in crate::register) key: String,
    /// The name as an event states it.
    pub(in crate::register) name: String,
}

impl<'a> Subjects<'a> {
    /// Tells each name that the event at a position gives to a designee, by its key: those that it
    /// states, and those in the provisional identifiers that it mentions.
    pub(in crate::register) fn each_name_at(
        self,
        position: u32,
        mut tell: impl FnMut(DesigneeIndex, &str),
    ) {
        let facts = self.facts();
        let Some(row) = facts.row(position) else { return };
        if let Some((owner, fact)) = self.stated_at(position) {
            for word in names_of(fact) {
                tell(owner, &facts.name_key(word));
            }
        }
        for index in self.concerned_by(row.designee, position) {
            if let Some(key) = self.recorded_provisional_key(index) {
                tell(index, key);
            }
        }
    }

    /// As [`Subjects::each_name_at`], without names that one of the designee's last events before
    /// gave it: whoever looks for the first event with a name finds it there.
    pub(in crate::register) fn each_new_name_at(
        self,
        position: u32,
        mut tell: impl FnMut(DesigneeIndex, &str),
    ) {
        let facts = self.facts();
        let Some(row) = facts.row(position) else { return };
        if let Some((owner, fact)) = self.stated_at(position) {
            let is_own = owner == row.designee;
            for word in names_of(fact) {
                if !(is_own && self.was_named_before(position, word)) {
                    tell(owner, &facts.name_key(word));
                }
            }
        }
        let has_earlier = row.previous.position().is_some();
        for index in self.concerned_by(row.designee, position) {
            if !(has_earlier && index == row.designee)
                && let Some(key) = self.recorded_provisional_key(index)
            {
                tell(index, key);
            }
        }
    }

    /// True if one of the last events of the designee before this one states the same name.
    fn was_named_before(self, position: u32, word: Sym) -> bool {
        let facts = self.facts();
        let mut at = facts.row(position);
        for _ in 0..NAME_LOOKBACK_EVENTS {
            let Some(previous) = at.and_then(|row| row.previous.position()) else { return false };
            at = facts.row(previous);
            // Names of another designee are not names of this one: those of repairs are left out.
            let named = at.and_then(|row| row.fact.name());
            if named.is_some_and(|name| name == word || facts.text(name) == facts.text(word)) {
                return true;
            }
        }
        false
    }

    /// The first known event that gives the designee a name that fits, by its key, among those that
    /// the caller may read. Counts in `read` the events and names read.
    pub(in crate::register) fn first_named(
        self,
        index: DesigneeIndex,
        fits: impl Fn(&str) -> bool,
        read: &mut usize,
    ) -> Option<Named> {
        let facts = self.facts();
        let provisional = self.recorded_provisional_key(index).filter(|key| fits(key));
        let mut first: Option<(u32, Option<Sym>)> = None;
        let mut before = None;
        for position in self.events_of(index).filter(|position| facts.may_read(*position)) {
            *read += 1;
            let is_first = first.is_none_or(|(known, _)| position < known);
            if provisional.is_some() && is_first {
                first = Some((position, None));
            }
            let Some((owner, fact)) = self.stated_at(position) else { continue };
            for word in names_of(fact).filter(|_| owner == index && is_first) {
                // Most events repeat the name of the one before.
                let known = before.filter(|(same, _)| *same == word).map(|(_, fitted)| fitted);
                let fitted = known.unwrap_or_else(|| {
                    let key = facts.name_key(word);
                    *read += key.len() / NAME_BYTES_OF_READ;
                    fits(&key)
                });
                before = Some((word, fitted));
                if fitted {
                    first = Some((position, Some(word)));
                }
            }
        }
        let (position, word) = first?;
        let name = word.map_or_else(|| provisional.unwrap_or_default(), |word| facts.text(word));
        Some(Named { position, name: name.to_owned() })
    }

    /// The names of a known designee that others may bear, each with its key, in the order of the
    /// keys. Counts in `read` the events and names read.
    pub(in crate::register) fn shared_names(
        self,
        index: DesigneeIndex,
        read: &mut usize,
    ) -> Vec<SharedName> {
        let facts = self.facts();
        let mut shared: Vec<SharedName> = Vec::new();
        let mut before = None;
        for word in self.name_words(index) {
            *read += 1;
            // Most events repeat the name of the one before.
            if before.replace(word) == Some(word) {
                continue;
            }
            let key = facts.name_key(word);
            *read += key.len() / NAME_BYTES_OF_READ;
            if self.is_shared(&key) {
                shared.push(SharedName { key: key.into(), name: facts.text(word).to_owned() });
            }
        }
        if let Some(key) = self.provisional_key(index).filter(|key| self.is_shared(key)) {
            shared.push(SharedName { key: key.to_owned(), name: key.to_owned() });
        }
        // Of two names with one key the newer is kept, and a key itself last of all.
        shared.sort_by(|one, other| one.key.cmp(&other.key));
        shared.dedup_by(|later, kept| later.key == kept.key);
        shared
    }

    /// The fact that the event at a position states, with its designee. Of a repair, its
    /// replacement.
    pub(super) fn stated_at(self, position: u32) -> Option<(DesigneeIndex, &'a FactRow)> {
        let facts = self.facts();
        facts.replacement_at(position).or_else(|| {
            let row = facts.row(position)?;
            (row.designee != NOBODY).then_some((row.designee, &row.fact))
        })
    }
}

/// The names that a fact gives its designee.
pub(super) fn names_of(fact: &FactRow) -> impl Iterator<Item = Sym> {
    let old = match fact.kind {
        FactKindRow::Renamed { old_name, .. } => Some(old_name),
        _ => None,
    };
    [old, fact.name()].into_iter().flatten()
}
