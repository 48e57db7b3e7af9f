//! Applying events: the only place where the parts of the register change, and in which order.
//!
//! Total: an event that cannot apply is kept as a row and changes no title. Scopes are found before
//! the parts learn of the event, so that they follow from earlier events only.

mod encode;
mod withheld;

use std::iter::once;

pub(super) use self::encode::{Encoder, Symbols};
use super::{
    Register, Savepoint,
    identity::Subjects,
    index::ScopeBuilder,
    repairs::Facts,
    rows::{DesigneeIndex, FactRow, Link, NOBODY, Row, Rows, position32},
};
use crate::domain::event::{Event, Fact};

impl Register {
    /// Applies the next event.
    pub fn apply(&mut self, event: &Event) {
        let position = position32(self.size());
        let (about, fact) = self.encode(event);
        let mut scope = ScopeBuilder::default();
        scope.add_stated(event, &fact);
        if let Some(index) = about {
            self.apply_to_designee(&mut scope, index, position, event, &fact);
        }
        self.batches.apply(&fact, position, position);
        self.framework.apply(&fact, position, position);
        self.adoptions.apply(&fact, position);
        self.withheld.withhold(&fact, position);
        let mut designee = about.unwrap_or(NOBODY);
        if let Fact::Repair { position: target, replacement } = &event.fact {
            designee = self.repair(&mut scope, position, *target, replacement.as_deref());
        }
        self.push_row(position, designee, &scope, fact);
    }

    /// Posts the next event and appends its row, once the other parts know it.
    fn push_row(
        &mut self,
        position: u32,
        designee: DesigneeIndex,
        scope: &ScopeBuilder,
        fact: FactRow,
    ) {
        let derived = self.withheld.derived_at(position);
        for told in derived {
            let followed = self.designees_of(&told.designee_positions);
            self.identity.follow(position, followed);
        }
        let scope = derived.first().map_or(scope, |derived| &derived.scope);
        let previous = if designee == NOBODY {
            Link::NONE
        } else {
            self.identity.append_event(designee, position)
        };
        let scope = self.index.apply(position, fact.kind.as_kind().number(), scope);
        self.rows.push(Row { scope, designee, previous, fact });
    }

    /// Makes everything applied so far final.
    pub fn commit(&mut self) {
        self.commit_before(&self.savepoint());
    }

    /// Makes everything applied before a savepoint final: earlier savepoints are no longer valid.
    pub fn commit_before(&mut self, savepoint: &Savepoint) {
        self.identity.commit_before(savepoint.identity);
        self.repairs.commit_before(savepoint.repairs);
        self.index.commit_before(savepoint.index);
        self.batches.commit_before(savepoint.batches);
        self.framework.commit_before(savepoint.framework);
    }

    /// A size to come back to with [`Register::rollback_to`], valid until it is committed.
    #[must_use]
    pub fn savepoint(&self) -> Savepoint {
        Savepoint {
            rows: self.rows.savepoint(),
            identity: self.identity.savepoint(),
            repairs: self.repairs.savepoint(),
            index: self.index.savepoint(),
            batches: self.batches.savepoint(),
            framework: self.framework.savepoint(),
            adoptions: self.adoptions.savepoint(),
        }
    }

    /// Undoes everything applied since the savepoint, without a trace.
    pub fn rollback_to(&mut self, savepoint: &Savepoint) {
        self.adoptions.rollback_to(savepoint.adoptions);
        self.withheld.rollback_to(Rows::end_of(&savepoint.rows));
        self.framework.rollback_to(savepoint.framework);
        self.batches.rollback_to(savepoint.batches);
        self.repairs.rollback_to(savepoint.repairs);
        // These two read the rows that are undone, so the rows come last.
        self.index.rollback_to(savepoint.index, &self.rows, &savepoint.rows);
        self.identity.rollback_to(savepoint.identity, &self.rows, &savepoint.rows);
        self.rows.rollback_to(&savepoint.rows);
    }

    /// Adds a designee's history to the scope, then tells identity about the fact.
    fn apply_to_designee(
        &mut self,
        scope: &mut ScopeBuilder,
        index: DesigneeIndex,
        position: u32,
        event: &Event,
        fact: &FactRow,
    ) {
        let facts = Facts::new(&self.rows, &self.repairs, self.rows.size());
        let subjects = Subjects::new(&self.identity, facts);
        let rules = self.adoptions.latest();
        self.index.add_designee(scope, subjects, index, &event.fact, fact, rules);
        self.identity.apply(index, position, &event.fact);
    }

    /// Applies a repair, also to the designees that it moves a fact to. Gives the first of these,
    /// among whose events the repair is chained.
    fn repair(
        &mut self,
        scope: &mut ScopeBuilder,
        position: u32,
        target: u64,
        replacement: Option<&Event>,
    ) -> DesigneeIndex {
        let target = position32(target);
        let root = Facts::new(&self.rows, &self.repairs, self.rows.size()).root_of(target);
        let mut first = self.concern_chain(scope, position, target);
        let replacement = replacement.map(|event| {
            let (about, fact) = self.encode(event);
            scope.add_stated(event, &fact);
            // The root stays where it was recorded; a replacement may name another batch or shelf.
            self.batches.apply(&fact, root, position);
            self.framework.apply(&fact, root, position);
            let Some(index) = about else { return (NOBODY, fact) };
            self.apply_to_designee(scope, index, position, event, &fact);
            self.concern(&mut first, index, position);
            (index, fact)
        });
        self.repairs.apply(position, target, replacement);
        first
    }

    /// A repair concerns everybody along its chain. Gives the first designee concerned.
    fn concern_chain(
        &mut self,
        scope: &mut ScopeBuilder,
        position: u32,
        target: u32,
    ) -> DesigneeIndex {
        let subjects = self.subjects(self.rows.size());
        for at in once(target).chain(subjects.facts().targets_of(target)) {
            self.index.add_event(scope, &self.rows, at);
        }
        let mut first = NOBODY;
        for designee in subjects.concerned_along(target) {
            self.concern(&mut first, designee, position);
        }
        first
    }

    /// A repair is chained among the events of the first designee; the others only note it.
    fn concern(&mut self, first: &mut DesigneeIndex, index: DesigneeIndex, position: u32) {
        if *first == NOBODY {
            *first = index;
        } else if index != NOBODY && *first != index {
            self.identity.concern(index, position);
        }
    }
}
