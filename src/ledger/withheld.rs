//! Withheld places of a log that is read in order, and whether later events annul them.

use std::collections::{HashMap, HashSet};

/// The fault of a withheld place without an annulment.
pub(super) const NOT_ANNULLED: &str = "its content is erased, but no later event annuls it";

/// Withheld places, and the repairs of them.
#[derive(Debug, Default)]
pub(super) struct WithheldPlaces {
    /// Their positions, in order.
    positions: Vec<u64>,
    /// Repairs of these places and of one another, in order.
    repairs: Vec<Repair>,
    /// The positions of both.
    watched: HashSet<u64>,
}

#[derive(Debug)]
struct Repair {
    position: u64,
    target: u64,
    annuls: bool,
}

impl WithheldPlaces {
    /// Notes a withheld place.
    pub(super) fn add(&mut self, position: u64) {
        self.positions.push(position);
        self.watched.insert(position);
    }

    /// Notes the repair of an earlier event.
    pub(super) fn repaired(&mut self, position: u64, target: u64, annuls: bool) {
        if self.watched.contains(&target) {
            self.repairs.push(Repair { position, target, annuls });
            self.watched.insert(position);
        }
    }

    /// The first place that the newest live repair of it does not annul.
    pub(super) fn first_in_force(&self) -> Option<u64> {
        // Repairs point backwards, so those of a repair are decided before it. A chain of any
        // length needs no recursion.
        let mut is_annulled = HashMap::new();
        for Repair { position, target, annuls } in self.repairs.iter().rev() {
            if is_annulled.get(position) != Some(&true) {
                is_annulled.entry(*target).or_insert(*annuls);
            }
        }
        self.positions.iter().copied().find(|position| is_annulled.get(position) != Some(&true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_in_force(repairs: impl IntoIterator<Item = (u64, u64, bool)>) -> Option<u64> {
        let mut places = WithheldPlaces::default();
        places.add(3);
        for (position, target, annuls) in repairs {
            places.repaired(position, target, annuls);
        }
        places.first_in_force()
    }

    #[test]
    fn the_newest_live_repair_decides_whether_a_place_is_annulled() {
        assert_eq!(first_in_force([]), Some(3));
        assert_eq!(first_in_force([(5, 3, true)]), None);
        assert_eq!(first_in_force([(5, 4, true)]), Some(3), "of another event");
        assert_eq!(first_in_force([(5, 3, false)]), Some(3), "a correction");
        assert_eq!(first_in_force([(5, 3, false), (6, 3, true)]), None);
        assert_eq!(first_in_force([(5, 3, true), (6, 5, true)]), Some(3));
        assert_eq!(first_in_force([(5, 3, true), (6, 5, true), (7, 6, true)]), None);
        assert_eq!(first_in_force([(5, 3, true), (6, 3, false), (7, 6, true)]), None);
    }

    /// An archive may hold a chain that no server accepts.
    #[test]
    fn a_chain_of_a_million_annulments_is_followed_to_its_end() {
        let chain = |last| (4..=last).map(|position| (position, position - 1, true));
        // An odd number of annulments leaves the first one in force.
        assert_eq!(first_in_force(chain(1_000_000)), None);
        assert_eq!(first_in_force(chain(1_000_001)), Some(3));
    }
}
