//! Repairs: what an event says after it was corrected or annulled.
//!
//! The newest live repair of an event decides. A repair is live unless a live annulment removes it,
//! so annulling a repair restores what it replaced. A correction of a correction replaces the
//! replacement; an annulment is not corrected. Repairs point backwards, so every chain ends.

mod outcome;

use std::{borrow::Cow, iter::successors};

use hashbrown::{HashMap, HashSet};

use super::{
    rows::{DesigneeIndex, FactKindRow, FactRow, Row, Rows, RowsEnd, RowsLayer, Sym},
    undo::{UndoLog, pop_from},
};
use crate::domain::name::{self, Beginning};

/// All repairs, by the position that each one repairs.
#[derive(Debug, Default)]
pub(super) struct Repairs {
    /// Repairs of one target, oldest first.
    by_target: HashMap<u32, Vec<Repair>>,
    /// Number of repairs. Several of them may have one target.
    count: usize,
    /// Targets of the repairs since the last commit.
    undo: UndoLog<u32>,
}

/// A recorded repair of an earlier event.
#[derive(Clone, Copy, Debug)]
struct Repair {
    position: u32,
    replacement: Option<Replacement>,
}

/// The fact that takes the place of a corrected event, with its designee. An annulment has none.
pub(super) type Replacement = (DesigneeIndex, FactRow);

impl Repairs {
    /// Number of repairs recorded.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Records the repair at a position.
    pub(super) fn apply(&mut self, position: u32, target: u32, replacement: Option<Replacement>) {
        // The rules reject a repair of a later event; here it repairs nothing.
        if target < position {
            self.by_target.entry(target).or_default().push(Repair { position, replacement });
            self.count += 1;
            self.undo.push(target);
        }
    }

    /// The fact that the repair at a position puts into the place of its target.
    pub(super) fn replacement_of(&self, position: u32, target: u32) -> Option<Replacement> {
        let repairs = self.by_target.get(&target)?;
        let place = repairs.binary_search_by_key(&position, |repair| repair.position).ok()?;
        repairs.get(place)?.replacement
    }

    /// The repairs of an event.
    fn newest_first(&self, target: u32) -> impl Iterator<Item = &Repair> {
        self.by_target.get(&target).map_or(&[][..], Vec::as_slice).iter().rev()
    }

    /// An end of the undo log to come back to.
    pub(super) fn savepoint(&self) -> usize {
        self.undo.end()
    }

    pub(super) fn rollback_to(&mut self, savepoint: usize) {
        while let Some(target) = self.undo.pop_from(savepoint) {
            pop_from(&mut self.by_target, target);
            self.count -= 1;
        }
    }

    /// Forgets the way back before a savepoint.
    pub(super) fn commit_before(&mut self, savepoint: usize) {
        self.undo.forget_before(savepoint);
    }
}

/// The facts that a trial adds to those of the register.
#[derive(Debug)]
pub(super) struct FactsLayer {
    pub(super) rows: RowsLayer,
    pub(super) repairs: Repairs,
}

impl FactsLayer {
    pub(super) fn after(base: RowsEnd) -> Self {
        Self { rows: RowsLayer::after(base), repairs: Repairs::default() }
    }
}

/// The bounds within which a caller may know of events.
pub(super) trait Sieve {
    /// True if the event at a position counts for the caller. The others are as if they had never
    /// been recorded.
    fn counts(&self, position: u32) -> bool;

    /// True if the caller may read the event at a position.
    fn may_read(&self, position: u32) -> bool;

    /// False if the event at a position is withheld from everybody. It counts, and none of its
    /// texts is told.
    fn shows(&self, position: u32) -> bool;
}

/// The facts as known at a log size: rows, with the repairs up to that size. In a trial its own
/// come after those of the register, of which it knows only those before its first.
#[derive(Clone, Copy)]
pub(super) struct Facts<'a> {
    rows: &'a Rows,
    repairs: &'a Repairs,
    layer: Option<&'a FactsLayer>,
    known_at: u64,
    /// A repair that counts as annulled.
    without: Option<u32>,
    /// The bounds of the caller; `None` if everything counts.
    sieve: Option<&'a dyn Sieve>,
}

impl<'a> Facts<'a> {
    pub(super) fn new(rows: &'a Rows, repairs: &'a Repairs, known_at: u64) -> Self {
        Self { rows, repairs, layer: None, known_at, without: None, sieve: None }
    }

    /// The facts as they would be if the repair at a position were annulled.
    pub(super) fn without_repair(self, position: u32) -> Self {
        Self { without: Some(position), ..self }
    }

    /// The same facts, with those of a trial.
    pub(super) fn with_layer(self, layer: &'a FactsLayer) -> Self {
        Self { layer: Some(layer), ..self }
    }

    /// The same facts, within the bounds of a caller.
    pub(super) fn through(self, sieve: &'a dyn Sieve) -> Self {
        Self { sieve: Some(sieve), ..self }
    }

    /// The bounds of the caller. An iterator keeps this instead of all facts.
    pub(super) fn sieve(self) -> Option<&'a dyn Sieve> {
        self.sieve
    }

    /// True if the event at a position counts for the caller.
    pub(super) fn counts(self, position: u32) -> bool {
        self.sieve.is_none_or(|sieve| sieve.counts(position))
    }

    /// A fact as answers tell it. `source` is the event that carries it.
    pub(super) fn told(self, fact: FactRow, source: u32) -> FactRow {
        if self.shows(source) { fact } else { fact.without_texts() }
    }

    /// False if the event at a position is withheld from everybody.
    pub(super) fn shows(self, position: u32) -> bool {
        self.sieve.is_none_or(|sieve| sieve.shows(position))
    }

    /// True if the caller may read the event at a position.
    pub(super) fn may_read(self, position: u32) -> bool {
        self.sieve.is_none_or(|sieve| sieve.may_read(position))
    }

    /// The same facts, known at another log size.
    pub(super) fn known_at(self, known_at: u64) -> Self {
        Self { known_at, ..self }
    }

    /// True if the position lies below the log size.
    pub(super) fn knows(self, position: u32) -> bool {
        u64::from(position) < self.known_at
    }

    /// True if the position of an event that the register has recorded lies below the log size. A
    /// trial knows of none that were recorded since it began.
    pub(super) fn knows_recorded(self, position: u32) -> bool {
        self.knows(position) && self.layer_at(position).is_none()
    }

    /// The size below which the register's own events are known: see [`Facts::knows_recorded`]. An
    /// iterator keeps this instead of all facts.
    pub(super) fn recorded_below(self) -> u64 {
        self.layer.map_or(self.known_at, |layer| layer.rows.first().min(self.known_at))
    }

    /// The size below which a trial's own events are known.
    pub(super) fn known_below(self) -> u64 {
        self.known_at
    }

    /// The layer of the trial, if the event at a position is one of its own.
    fn layer_at(self, position: u32) -> Option<&'a FactsLayer> {
        self.layer.filter(|layer| layer.rows.contains(position))
    }

    /// True if the event at a position is one of a trial's own.
    pub(super) fn is_of_trial(self, position: u32) -> bool {
        self.layer_at(position).is_some()
    }

    pub(super) fn rows(self) -> &'a Rows {
        self.rows
    }

    pub(super) fn row(self, position: u32) -> Option<&'a Row> {
        match self.layer_at(position) {
            None => self.rows.get(position),
            Some(layer) => layer.rows.get(position),
        }
    }

    /// The fact that the event at a position states, before repairs.
    pub(super) fn recorded(self, position: u32) -> Option<&'a FactRow> {
        match self.layer_at(position) {
            None => self.rows.fact(position),
            Some(layer) => layer.rows.fact(position),
        }
    }

    pub(super) fn text(self, sym: Sym) -> &'a str {
        let own = self.layer.and_then(|layer| layer.rows.text(sym));
        own.unwrap_or_else(|| self.rows.text(sym))
    }

    /// Compares the key of a name with a folded text.
    pub(super) fn compare_name(self, sym: Sym, text: &str) -> Beginning {
        match self.kept_key(sym) {
            Some(key) => name::compare_keys(key, text),
            None => name::compare(self.text(sym), text),
        }
    }

    /// The key of a name.
    pub(super) fn name_key(self, sym: Sym) -> Cow<'a, str> {
        let kept = self.kept_key(sym).map(Cow::Borrowed);
        kept.unwrap_or_else(|| Cow::Owned(name::folded(self.text(sym))))
    }

    fn kept_key(self, sym: Sym) -> Option<&'a str> {
        let own = self.layer.and_then(|layer| layer.rows.name_key(sym));
        own.or_else(|| self.rows.name_key(sym))
    }

    /// The symbol of a word, if it was ever recorded.
    pub(super) fn find_word(self, text: &str) -> Option<Sym> {
        match self.layer {
            None => self.rows.find_word(text),
            Some(layer) => layer.rows.find_word(self.rows, text),
        }
    }

    /// The event at the beginning of a chain of repairs: the one that repairs nothing.
    pub(super) fn root_of(self, position: u32) -> u32 {
        self.targets_of(position).last().unwrap_or(position)
    }

    /// The events at the beginning of the chains of some repairs, each once, in the order of the
    /// repairs. Each event of a chain is read once, and counted in `read`.
    pub(super) fn roots_of(
        self,
        positions: impl Iterator<Item = u32>,
        read: &mut usize,
    ) -> Vec<u32> {
        let (mut roots, mut passed) = (Vec::new(), HashSet::new());
        for position in positions {
            let mut at = position;
            while passed.insert(at) {
                *read += 1;
                match self.target_of(at) {
                    Some(target) => at = target,
                    None => {
                        roots.push(at);
                        break;
                    }
                }
            }
        }
        roots
    }

    /// Number of events between an event at the end of a chain of repairs and its root.
    pub(super) fn chain_length(self, position: u32) -> usize {
        self.targets_of(position).count()
    }

    /// The event that an event repairs, the event that this one repairs, and so on to the root.
    pub(super) fn targets_of(self, position: u32) -> impl Iterator<Item = u32> {
        successors(self.target_of(position), move |at| self.target_of(*at))
    }

    /// The event that the event at a position repairs, if it is a repair.
    fn target_of(self, position: u32) -> Option<u32> {
        match self.recorded(position)?.kind {
            // A repair of a later event is rejected; the check keeps every chain finite.
            FactKindRow::Repaired { target, .. } if target < position => Some(target),
            _ => None,
        }
    }

    /// The fact that the repair at a position puts in its target's place, with its designee.
    pub(super) fn replacement_at(self, position: u32) -> Option<(DesigneeIndex, &'a FactRow)> {
        let target = self.target_of(position)?;
        let all = self.layer_at(position).map_or(self.repairs, |layer| &layer.repairs);
        let repairs = all.by_target.get(&target)?;
        let place = repairs.binary_search_by_key(&position, |repair| repair.position).ok()?;
        let repair = repairs.get(place)?;
        repair.replacement.as_ref().map(|(owner, fact)| (*owner, fact))
    }

    /// The event at a root, its repairs, theirs and so on, as far as they are known.
    pub(super) fn chains_under(self, root: u32) -> Vec<u32> {
        let (mut all, mut next) = (vec![root], 0);
        while let Some(at) = all.get(next).copied() {
            let recorded = self.repairs.newest_first(at).map(|repair| repair.position);
            all.extend(recorded.filter(|position| self.knows_recorded(*position)));
            next += 1;
        }
        all
    }

    /// Number of repairs of an event, of its repairs and so on; it stops counting at `most`.
    pub(super) fn repairs_under(self, root: u32, most: usize) -> usize {
        let (mut left, mut count) = (vec![root], 0);
        while let Some(at) = left.pop() {
            let of_trial = self.layer.into_iter().flat_map(|layer| layer.repairs.newest_first(at));
            let recorded = self.repairs.newest_first(at);
            let recorded = recorded.filter(|repair| self.knows_recorded(repair.position));
            for repair in of_trial.chain(recorded) {
                count += 1;
                if count >= most {
                    return most;
                }
                left.push(repair.position);
            }
        }
        count
    }
}
