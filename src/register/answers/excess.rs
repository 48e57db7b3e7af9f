//! Records that are longer than the rules let them become now: logs of earlier versions may hold
//! some. They are answered about as any others; whoever starts a server on them should know.

use std::collections::BTreeSet;

use crate::{
    domain::DesigneeId,
    limits::{CIRCLE_DESIGNEES_MAX, FACTS_OF_SUBJECT_MAX},
    register::{DesigneeIndex, Register, rows::NOBODY},
};

/// A record beyond a bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excess {
    /// The designee that it is about.
    pub id: DesigneeId,
    /// What it has more of than the bound allows.
    pub what: &'static str,
    /// How many it has.
    pub found: usize,
    /// The bound.
    pub limit: usize,
}

/// Numbers of events about a designee: ordinary ones, and those with a reserve.
type Counts = [u32; 2];

impl Register {
    /// The first records beyond a bound, at most `most`.
    #[must_use]
    pub fn excesses(&self, most: usize) -> Vec<Excess> {
        let counts = self.event_counts();
        let mut seen = BTreeSet::new();
        let all = (0..self.designee_count()).map(DesigneeIndex::of_place);
        all.filter_map(|index| self.excess_of(index, &counts, &mut seen)).take(most).collect()
    }

    /// Reads each row once, which is faster than the chains of all designees.
    fn event_counts(&self) -> Vec<Counts> {
        let mut counts = vec![Counts::default(); self.designee_count()];
        let rows = (0..self.size()).filter_map(|at| self.rows.get(u32::try_from(at).ok()?));
        for row in rows.filter(|row| row.designee != NOBODY) {
            let share = usize::from(row.fact.kind.as_kind().has_reserve());
            let count = counts.get_mut(row.designee.place()).and_then(|all| all.get_mut(share));
            count.into_iter().for_each(|count| *count += 1);
        }
        counts
    }

    fn excess_of(
        &self,
        index: DesigneeIndex,
        counts: &[Counts],
        seen: &mut BTreeSet<DesigneeIndex>,
    ) -> Option<Excess> {
        let subjects = self.subjects(self.size());
        let members = if subjects.may_be_tied(index) {
            if seen.contains(&index) {
                return None;
            }
            let members = subjects.cluster(index, None).members;
            seen.extend(&members);
            members
        } else {
            vec![index]
        };
        let excess = |what, found, limit| {
            let id = subjects.id(index).clone();
            (found > limit).then_some(Excess { id, what, found, limit })
        };
        let of_members = |share: usize| -> usize {
            let counts = members.iter().filter_map(|member| counts.get(member.place())?.get(share));
            counts.map(|count| *count as usize).sum()
        };
        excess("identifiers", members.len(), CIRCLE_DESIGNEES_MAX)
            .or_else(|| excess("facts", of_members(0), FACTS_OF_SUBJECT_MAX))
            .or_else(|| {
                let what = "reviews, ends and repairs";
                excess(what, of_members(1), FACTS_OF_SUBJECT_MAX)
            })
    }
}
