//! The designees that a trial names, and its own events about them. Its names are left out: no rule
//! looks a designee up by name.

use hashbrown::HashMap;

use super::Identity;
use crate::{
    domain::{
        DesigneeId,
        event::{Fact, SubjectFact},
    },
    register::rows::DesigneeIndex,
};

/// What a trial adds to the designees of the register.
#[derive(Debug)]
pub(in crate::register) struct IdentityLayer {
    /// Number of the register's designees that the trial knows of.
    base: usize,
    /// Designees that only the trial names.
    designees: Vec<DesigneeId>,
    by_id: HashMap<DesigneeId, DesigneeIndex>,
    /// The trial's events about a designee, oldest first.
    about: HashMap<DesigneeIndex, Vec<u32>>,
    /// Its events that concern a designee although they are about another one, oldest first.
    concerning: HashMap<DesigneeIndex, Vec<u32>>,
    /// The same by event.
    concerned_at: HashMap<u32, Vec<DesigneeIndex>>,
    /// The successors that a restructuring of the trial names, by event.
    successors_at: HashMap<u32, Vec<DesigneeIndex>>,
}

impl IdentityLayer {
    /// A layer without designees, over the first `base` of the register.
    pub(in crate::register) fn over(base: usize) -> Self {
        Self {
            base,
            designees: Vec::new(),
            by_id: HashMap::new(),
            about: HashMap::new(),
            concerning: HashMap::new(),
            concerned_at: HashMap::new(),
            successors_at: HashMap::new(),
        }
    }

    /// The identifier of a designee that only the trial names.
    pub(super) fn id(&self, index: DesigneeIndex) -> Option<&DesigneeId> {
        self.designees.get(index.place_in_trial()?)
    }

    /// The designee with an identifier. One that the register has named since the trial began may
    /// be taken back, so it counts as unknown.
    pub(super) fn index_of(&self, below: &Identity, id: &DesigneeId) -> Option<DesigneeIndex> {
        let recorded = below.index_of(id).filter(|index| index.place() < self.base);
        recorded.or_else(|| self.by_id.get(id).copied())
    }

    /// The designee with an identifier, made on first mention.
    pub(in crate::register) fn intern(
        &mut self,
        below: &Identity,
        id: &DesigneeId,
    ) -> DesigneeIndex {
        if let Some(index) = self.index_of(below, id) {
            return index;
        }
        let index = DesigneeIndex::of_trial(self.designees.len());
        self.designees.push(id.clone());
        self.by_id.insert(id.clone(), index);
        index
    }

    /// Notes what the fact of an event says about a designee: the others it concerns.
    pub(in crate::register) fn apply(
        &mut self,
        below: &Identity,
        index: DesigneeIndex,
        position: u32,
        fact: &Fact,
    ) {
        for id in fact.others() {
            let other = self.intern(below, id);
            if other != index {
                self.concern(other, position);
            }
        }
        if let Fact::Subject { fact: SubjectFact::Restructured { successors, .. }, .. } = fact {
            let successors = successors.iter().map(|id| self.intern(below, id)).collect();
            self.successors_at.insert(position, successors);
        }
    }

    /// The successors that an event of the trial names.
    pub(super) fn successors_at(&self, position: u32) -> &[DesigneeIndex] {
        self.successors_at.get(&position).map_or(&[], Vec::as_slice)
    }

    /// Makes an event the designee's last one.
    pub(in crate::register) fn append_event(&mut self, index: DesigneeIndex, position: u32) {
        self.about.entry(index).or_default().push(position);
    }

    /// Notes that an event about another designee concerns this one.
    pub(in crate::register) fn concern(&mut self, index: DesigneeIndex, position: u32) {
        let list = self.concerning.entry(index).or_default();
        if list.last() != Some(&position) {
            list.push(position);
            self.concerned_at.entry(position).or_default().push(index);
        }
    }

    /// The trial's events about a designee, oldest first.
    pub(super) fn events_about(&self, index: DesigneeIndex) -> &[u32] {
        self.about.get(&index).map_or(&[], Vec::as_slice)
    }

    /// The trial's events about others that concern the designee, oldest first.
    pub(super) fn events_concerning(&self, index: DesigneeIndex) -> &[u32] {
        self.concerning.get(&index).map_or(&[], Vec::as_slice)
    }

    /// The designees that an event of the trial concerns although it is about another one.
    pub(super) fn concerned_by(&self, position: u32) -> &[DesigneeIndex] {
        self.concerned_at.get(&position).map_or(&[], Vec::as_slice)
    }
}
