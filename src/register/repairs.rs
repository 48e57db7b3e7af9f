//! Repairs: what an event says after it was corrected or annulled.
//!
//! The newest live repair of an event decides. A repair is live unless a live annulment removes it,
//! so annulling a repair restores what it replaced. A correction of a correction replaces the
//! replacement; an annulment is not corrected. Repairs point backwards, so every chain ends.

use std::iter::successors;

use hashbrown::HashMap;

use super::{
    rows::{DesigneeIndex, FactKindRow, FactRow, Row, Rows},
    undo::{UndoLog, pop_from},
};

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

/// The facts as known at a log size: rows, with the repairs up to that size.
#[derive(Clone, Copy)]
pub(super) struct Facts<'a> {
    rows: &'a Rows,
    repairs: &'a Repairs,
    known_at: u64,
}

impl<'a> Facts<'a> {
    pub(super) fn new(rows: &'a Rows, repairs: &'a Repairs, known_at: u64) -> Self {
        Self { rows, repairs, known_at }
    }

    /// The same facts, known at another log size.
    pub(super) fn known_at(self, known_at: u64) -> Self {
        Self { known_at, ..self }
    }

    pub(super) fn size(self) -> u64 {
        self.known_at
    }

    /// True if the position lies below the log size.
    pub(super) fn knows(self, position: u32) -> bool {
        u64::from(position) < self.known_at
    }

    pub(super) fn rows(self) -> &'a Rows {
        self.rows
    }

    pub(super) fn row(self, position: u32) -> Option<&'a Row> {
        self.rows.get(position)
    }

    /// The fact that the event at a position states, before repairs.
    pub(super) fn recorded(self, position: u32) -> Option<&'a FactRow> {
        self.rows.fact(position)
    }

    /// The event at the beginning of a chain of repairs: the one that repairs nothing.
    pub(super) fn root_of(self, position: u32) -> u32 {
        self.targets_of(position).last().unwrap_or(position)
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
        let repairs = self.repairs.by_target.get(&target)?;
        let repair = repairs.iter().find(|repair| repair.position == position)?;
        repair.replacement.as_ref().map(|(owner, fact)| (*owner, fact))
    }

    fn newest_live_repair(self, target: u32) -> Option<&'a Repair> {
        let repairs = self.repairs.by_target.get(&target)?.iter().rev();
        let mut known = repairs.filter(|repair| self.knows(repair.position));
        known.find(|repair| !self.is_annulled(repair.position))
    }

    /// True if the newest live repair of the event removes it.
    pub(super) fn is_annulled(self, position: u32) -> bool {
        self.annulled_at(position).is_some()
    }

    /// The newest live repair of the event, if it removes it.
    pub(super) fn annulled_at(self, position: u32) -> Option<u32> {
        let newest = self.newest_live_repair(position);
        newest.filter(|repair| repair.replacement.is_none()).map(|repair| repair.position)
    }

    /// The fact in force in the place of an event, with its designee: the event's own, a
    /// replacement, or none. In a withheld place there is none at any log size.
    pub(super) fn effective_fact(self, root: u32) -> Option<(DesigneeIndex, FactRow)> {
        let row = self.row(root).filter(|row| !row.fact.is_withheld())?;
        let mut in_force = Some((row.designee, row.fact));
        let mut at = root;
        if self.repairs.by_target.is_empty() {
            return in_force;
        }
        while let Some(repair) = self.newest_live_repair(at) {
            in_force = repair.replacement;
            if in_force.is_none() {
                break;
            }
            at = repair.position;
        }
        in_force
    }

    /// The event that carries the fact in force in the place of an event: itself, or a repair.
    pub(super) fn source_of(self, position: u32) -> u32 {
        let mut at = position;
        while let Some(repair) = self.newest_live_repair(at) {
            if repair.replacement.is_none() {
                break;
            }
            at = repair.position;
        }
        at
    }
}
