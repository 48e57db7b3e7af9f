//! Which events match an interest.

use std::iter;

use crate::{
    domain::{DesigneeId, RegionCode},
    register::{
        EventScope, Interest, Register, Sight,
        index::{Search, any_identifier},
        rows::position32,
    },
};

impl Register {
    /// Positions in `from..to` that match, at most `most`, and the position up to which all were
    /// examined.
    #[must_use]
    pub fn matching(
        &self,
        interest: &Interest,
        from: u64,
        to: u64,
        most: usize,
    ) -> (Vec<u64>, u64) {
        self.searching(interest, None, to.saturating_sub(from)).forward(from, to, most)
    }

    /// As [`Register::matching`], for a caller from whom what it does not see may be hidden.
    #[must_use]
    pub fn matching_for(
        &self,
        (interest, sight): (&Interest, &Sight),
        from: u64,
        to: u64,
        most: usize,
    ) -> (Vec<u64>, u64) {
        let sight = Some(sight).filter(|sight| sight.hides());
        self.searching(interest, sight, to.saturating_sub(from)).forward(from, to, most)
    }

    /// Positions below `before` that match, newest first, at most `most`; and where to go on from,
    /// exclusive, if there are more.
    #[must_use]
    pub fn matching_before(
        &self,
        interest: &Interest,
        before: u64,
        most: usize,
    ) -> (Vec<u64>, Option<u64>) {
        self.searching(interest, None, before).backward(before, most)
    }

    /// As [`Register::matching_before`], for a caller from whom what it does not see may be hidden.
    #[must_use]
    pub fn matching_before_for(
        &self,
        (interest, sight): (&Interest, &Sight),
        before: u64,
        most: usize,
    ) -> (Vec<u64>, Option<u64>) {
        let sight = Some(sight).filter(|sight| sight.hides());
        self.searching(interest, sight, before).backward(before, most)
    }

    fn searching<'a>(
        &'a self,
        interest: &'a Interest,
        sight: Option<&'a Sight>,
        span: u64,
    ) -> Search<'a> {
        Search::new(&self.index, self.subjects(self.size()), interest, sight, span)
    }

    /// True if a caller may read the event at a position.
    #[must_use]
    pub fn sees(&self, sight: &Sight, position: u64) -> bool {
        let (at, facts) = (position32(position), self.facts(self.size()));
        facts.row(at).is_none_or(|row| sight.sees(&self.index, facts, at, row))
    }

    /// True if a caller gets the content of the event at a position: it may read it, and nobody
    /// withholds it. A position that is not recorded tells nothing.
    #[must_use]
    pub fn shows(&self, sight: &Sight, position: u64) -> bool {
        self.withheld.withheld_by(position32(position)).is_none() && self.sees(sight, position)
    }

    /// The first position of `from..to` whose event a caller may not read.
    #[must_use]
    pub fn first_unseen(&self, sight: &Sight, from: u64, to: u64) -> Option<u64> {
        sight.first_unseen(&self.index, self.facts(self.size()), from, to)
    }

    /// Collects the positions of about `most` events of the designees of an interest; true at the
    /// end. A search finds events recorded between two calls all the same, and those at or after
    /// `known_at`: what is there now may be taken back.
    pub fn cover(&self, interest: &mut Interest, known_at: u64, most: usize) -> bool {
        interest.cover(self.subjects(self.size()), known_at, most)
    }

    /// The scopes of the events of `from..to`, each once.
    #[must_use]
    pub fn scopes_of(&self, from: u64, to: u64) -> Vec<EventScope> {
        let mut indexes: Vec<_> = (position32(from)..position32(to))
            .filter_map(|position| self.rows.get(position))
            .map(|row| row.scope)
            .collect();
        indexes.sort_unstable();
        indexes.dedup();
        indexes.into_iter().map(|index| EventScope(self.index.scope(index))).collect()
    }

    /// The regions among some that an event of `from..to` concerns.
    #[must_use]
    pub fn concerned_of(&self, among: &[RegionCode], from: u64, to: u64) -> Vec<RegionCode> {
        let range = position32(from)..position32(to);
        let concerned = |region: &RegionCode| {
            let events = self.index.of_region(*region);
            events.is_some_and(|events| events.range(range.clone()).next().is_some())
        };
        among.iter().copied().filter(concerned).collect()
    }

    /// Tells every batch that an event of `from..to` concerns, and perhaps others; `None` if it may
    /// be any batch.
    pub fn batches_of(&self, from: u64, to: u64, mut tell: impl FnMut(Option<&str>)) {
        let facts = self.facts(self.size());
        for position in position32(from)..position32(to) {
            if self.withheld.knows_of(position) {
                tell(None);
            }
            // The scope of a repair has the batches of all that it repairs.
            for at in iter::once(position).chain(facts.targets_of(position)) {
                let stated = self.rows.fact(at);
                let replacement = facts.replacement_at(at).map(|(_, fact)| fact);
                let batches = [stated, replacement].into_iter().flatten();
                batches.filter_map(|fact| fact.kind.batch()).for_each(|batch| {
                    tell(Some(self.rows.text(batch)));
                });
            }
        }
    }

    /// Tells every identifier under which an event of `from..to` can be followed, some of them more
    /// than once.
    pub fn followed_as(&self, from: u64, to: u64, mut tell: impl FnMut(&DesigneeId)) {
        let subjects = self.subjects(self.size());
        for position in position32(from)..position32(to) {
            let Some(row) = self.rows.get(position) else { return };
            any_identifier(subjects, row, position, &mut 0, |id| {
                tell(id);
                false
            });
        }
    }
}
