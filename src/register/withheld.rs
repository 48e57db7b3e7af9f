//! Withheld places: where they are, and whom other events concerned because of the facts that were
//! erased there. Also events that are there, and that nobody is shown.

use std::{collections::BTreeMap, ops::Range};

use hashbrown::HashMap;

use super::{
    index::ScopeBuilder,
    rows::{FactKindRow, FactRow},
    stored::{Stored, Stream, Unfit, stored_struct},
};

/// Every withheld place.
#[derive(Debug, Default)]
pub(super) struct WithheldPlaces {
    /// Their positions, in order.
    positions: Vec<u32>,
    /// Scopes that nobody can derive again, by the position of the event. If several places tell
    /// one, they tell the same scope.
    derived: HashMap<u32, Vec<Derived>>,
    /// Events that nobody is shown, each with the first event that says so.
    unshown: BTreeMap<u32, u32>,
}

/// The scope of an event that followed from a fact which was erased.
#[derive(Clone, Debug)]
pub(super) struct Derived {
    /// The withheld place that tells it.
    pub(super) told_at: u32,
    /// Whom the event concerned.
    pub(super) scope: ScopeBuilder,
    /// Earlier events about the designees under which it is followed besides. Some of them may come
    /// after the withheld place.
    pub(super) designee_positions: Vec<u64>,
}

stored_struct!(Derived { told_at, scope, designee_positions });

/// The withheld places below a size, and the scopes that they tell, by the position of the event.
#[derive(Debug)]
pub(super) struct WithheldRead {
    positions: Vec<u32>,
    derived: Vec<(u32, Derived)>,
}

stored_struct!(WithheldRead { positions, derived });

impl WithheldPlaces {
    /// The places below a size. There are few: each was erased by hand.
    pub(super) fn below(&self, size: u32) -> WithheldRead {
        let positions = self.positions.iter().copied().take_while(|position| *position < size);
        let derived = self.derived.iter().flat_map(|(position, derived)| {
            let told = derived.iter().filter(|derived| derived.told_at < size);
            told.map(|derived| (*position, derived.clone()))
        });
        WithheldRead { positions: positions.collect(), derived: derived.collect() }
    }

    /// Takes over places that were read.
    pub(super) fn restore(&mut self, read: WithheldRead) -> Result<(), Unfit> {
        let WithheldRead { positions, derived } = read;
        if !positions.is_sorted_by(|one, next| one < next) {
            return Err(Unfit("the withheld places are not in order"));
        }
        self.positions = positions;
        derived.into_iter().for_each(|(position, derived)| self.derive(position, derived));
        Ok(())
    }

    /// Notes a withheld place.
    pub(super) fn apply(&mut self, position: u32) {
        self.positions.push(position);
    }

    /// Notes the scope of another event.
    pub(super) fn derive(&mut self, position: u32, derived: Derived) {
        self.derived.entry(position).or_default().push(derived);
    }

    /// The positions, in order.
    pub(super) fn positions(&self) -> &[u32] {
        &self.positions
    }

    /// The scope that erased facts gave to the event at a position, as each of their places tells
    /// it.
    pub(super) fn derived_at(&self, position: u32) -> &[Derived] {
        let derived = if self.derived.is_empty() { None } else { self.derived.get(&position) };
        derived.map_or(&[], Vec::as_slice)
    }

    /// True if a position is withheld, or its event has a scope that withheld facts gave it.
    pub(super) fn knows_of(&self, position: u32) -> bool {
        !self.derived_at(position).is_empty() || self.positions.binary_search(&position).is_ok()
    }

    /// Notes the event at a position if it withholds another one from everybody.
    pub(super) fn withhold(&mut self, fact: &FactRow, position: u32) {
        if let FactKindRow::EventWithheld { target } = fact.kind
            && target < position
        {
            self.unshown.entry(target).or_insert(position);
        }
    }

    /// The event that withholds the one at a position from everybody.
    pub(super) fn withheld_by(&self, position: u32) -> Option<u32> {
        self.unshown.get(&position).copied()
    }

    /// True if some event is there that nobody is shown.
    pub(super) fn has_unshown(&self) -> bool {
        !self.unshown.is_empty()
    }

    /// The events within some positions that nobody is shown.
    pub(super) fn unshown(&self, within: Range<u32>) -> impl Iterator<Item = u32> {
        self.unshown.range(within).map(|(position, _)| *position)
    }

    /// Undoes every place from a position on.
    pub(super) fn rollback_to(&mut self, position: u32) {
        let kept = self.positions.partition_point(|place| *place < position);
        self.positions.truncate(kept);
        self.derived.retain(|_, derived| {
            derived.retain(|derived| derived.told_at < position);
            !derived.is_empty()
        });
        self.unshown.retain(|_, by| *by < position);
    }
}
