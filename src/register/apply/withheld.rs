//! Applying a withheld place: a row without a fact, which concerns whom the event concerned.

use crate::{
    domain::{Concerns, Withheld},
    register::{
        Register,
        index::ScopeBuilder,
        rows::{DesigneeIndex, FactRow, NOBODY, position32},
        withheld::Derived,
    },
};

impl Register {
    /// Applies the next event, which is withheld.
    pub fn apply_withheld(&mut self, withheld: &Withheld) {
        let position = position32(self.size());
        let Withheld { concerns, derived } = withheld;
        self.withheld.apply(position);
        for (at, concerns) in derived {
            let scope = self.scope_of(concerns);
            let designee_positions = concerns.designee_positions.clone();
            let derived = Derived { told_at: position, scope, designee_positions };
            self.withheld.derive(position32(*at), derived);
        }
        let mut designee = NOBODY;
        for index in self.designees_of(&concerns.designee_positions) {
            self.concern(&mut designee, index, position);
        }
        let scope = self.scope_of(concerns);
        self.push_row(position, designee, &scope, FactRow::withheld(concerns.kind));
    }

    fn scope_of(&mut self, concerns: &Concerns) -> ScopeBuilder {
        let batches = concerns.batches.iter().map(|batch| self.rows.intern_word(batch));
        ScopeBuilder::known(concerns, batches.collect())
    }

    /// The designees that earlier events are about.
    pub(super) fn designees_of(&self, positions: &[u64]) -> Vec<DesigneeIndex> {
        let rows = positions.iter().filter_map(|at| self.rows.get(position32(*at)));
        rows.map(|row| row.designee).filter(|index| *index != NOBODY).collect()
    }
}
