//! Withheld places of a log that is read in order, and whether later events annul them.

use std::collections::{HashMap, HashSet};

/// The fault of a withheld place without an annulment.
pub(super) const NOT_ANNULLED: &str = "its content is erased, but no later event annuls it";

/// Withheld places, and the repairs of them.
#[derive(Debug, Default)]
pub(super) struct Erasures {
    /// Positions of the places, in order.
    places: Vec<u64>,
    /// These positions, and those of the repairs below.
    watched: HashSet<u64>,
    /// Repairs by their target, oldest first: the position, and true if it annuls.
    repairs: HashMap<u64, Vec<(u64, bool)>>,
}

impl Erasures {
    /// Notes a withheld place.
    pub(super) fn erased(&mut self, position: u64) {
        self.places.push(position);
        self.watched.insert(position);
    }

    /// Notes the repair of an earlier event.
    pub(super) fn repaired(&mut self, position: u64, target: u64, annuls: bool) {
        if self.watched.contains(&target) {
            self.repairs.entry(target).or_default().push((position, annuls));
            self.watched.insert(position);
        }
    }

    /// The first place that is not annulled.
    pub(super) fn first_in_force(&self) -> Option<u64> {
        self.places.iter().copied().find(|position| !self.is_annulled(*position))
    }

    /// True if the newest live repair of an event annuls it. Repairs point backwards, so every
    /// chain ends.
    fn is_annulled(&self, position: u64) -> bool {
        let Some(repairs) = self.repairs.get(&position) else { return false };
        let newest = repairs.iter().rev().find(|(repair, _)| !self.is_annulled(*repair));
        newest.is_some_and(|(_, annuls)| *annuls)
    }
}
