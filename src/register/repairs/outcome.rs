//! What repairs make of an event. They are looked at once each, so a long chain of repairs, with
//! many that were annulled, costs no more than their number.

use super::{Facts, Repair, Repairs};
use crate::register::rows::{DesigneeIndex, FactRow};

/// What repairs make of an event.
enum Outcome<'a> {
    /// The fact of this repair is in force in its place; without one its own.
    InForce(Option<&'a Repair>),
    /// The annulment at this position removes it.
    Annulled(u32),
}

/// A repair whose own repairs are being looked at, or the event that is asked about.
struct Tried<'a, I> {
    repair: Option<&'a Repair>,
    untried: I,
}

impl<'a> Facts<'a> {
    /// True if the newest live repair of the event removes it.
    pub(in crate::register) fn is_annulled(self, position: u32) -> bool {
        self.annulled_at(position).is_some()
    }

    /// The newest live repair of the event, if it removes it.
    pub(in crate::register) fn annulled_at(self, position: u32) -> Option<u32> {
        match self.outcome(position, &mut 0) {
            Outcome::Annulled(by) => Some(by),
            Outcome::InForce(_) => None,
        }
    }

    /// The fact in force in the place of an event, with its designee: the event's own, a
    /// replacement, or none. In a withheld place there is none at any log size.
    pub(in crate::register) fn effective_fact(self, root: u32) -> Option<(DesigneeIndex, FactRow)> {
        self.effective(root, &mut 0).map(|(owner, fact, _)| (owner, fact))
    }

    /// As [`Facts::effective_fact`], with the event that carries the fact: see
    /// [`Facts::source_of`]. Counts in `read` the repairs looked at.
    pub(in crate::register) fn effective(
        self,
        root: u32,
        read: &mut usize,
    ) -> Option<(DesigneeIndex, FactRow, u32)> {
        let row = self.row(root).filter(|row| !row.fact.is_withheld())?;
        match self.outcome(root, read) {
            Outcome::Annulled(_) => None,
            Outcome::InForce(None) => {
                self.counts(root).then(|| (row.designee, self.told(row.fact, root), root))
            }
            Outcome::InForce(Some(Repair { replacement, position, .. })) => {
                replacement.map(|(owner, fact)| (owner, self.told(fact, *position), *position))
            }
        }
    }

    /// The event that carries the fact in force in the place of an event: itself, or a repair.
    /// Counts in `read` the repairs looked at.
    pub(in crate::register) fn source_of(self, position: u32, read: &mut usize) -> u32 {
        match self.outcome(position, read) {
            Outcome::InForce(Some(repair)) => repair.position,
            Outcome::InForce(None) | Outcome::Annulled(_) => position,
        }
    }

    /// What the known repairs make of an event. Each of them is looked at once at most, whatever
    /// repairs whatever, and counted in `read`. A repair is live unless a live annulment removes
    /// it, so its own repairs are looked at first. They are on a list, because nothing bounds a
    /// chain of repairs on record.
    fn outcome(self, position: u32, read: &mut usize) -> Outcome<'a> {
        if !self.is_repaired(position) {
            return Outcome::InForce(None);
        }
        let mut way = vec![Tried { repair: None, untried: self.known_repairs(position) }];
        'search: while let Some(last) = way.last_mut() {
            if let Some(repair) = last.untried.next() {
                *read += 1;
                let untried = self.known_repairs(repair.position);
                way.push(Tried { repair: Some(repair), untried });
                continue;
            }
            // Nothing repairs it, so it decides about those that lead to it; unless it does not
            // count for the caller.
            let source = last.repair;
            if source.is_some_and(|repair| !self.counts(repair.position)) {
                way.pop();
                continue;
            }
            while let Some(Tried { repair: Some(repair), .. }) = way.pop() {
                if repair.replacement.is_some() {
                    continue;
                }
                match way.pop() {
                    // The repair that it annuls is passed over.
                    Some(Tried { repair: Some(_), .. }) => continue 'search,
                    _ => return Outcome::Annulled(repair.position),
                }
            }
            return Outcome::InForce(source);
        }
        Outcome::InForce(None)
    }

    fn is_repaired(self, position: u32) -> bool {
        let repairs = |repairs: &Repairs| repairs.by_target.contains_key(&position);
        repairs(self.repairs) || self.layer.is_some_and(|layer| repairs(&layer.repairs))
    }

    /// The known repairs of an event, newest first.
    fn known_repairs(self, target: u32) -> impl Iterator<Item = &'a Repair> {
        let of_trial = self.layer.into_iter().flat_map(move |layer| {
            let repairs = layer.repairs.newest_first(target);
            repairs.filter(move |repair| self.knows(repair.position))
        });
        let recorded = self.repairs.newest_first(target);
        let recorded = recorded.filter(move |repair| self.knows_recorded(repair.position));
        let known = of_trial.chain(recorded);
        known.filter(move |repair| self.without != Some(repair.position))
    }
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::*;
    use crate::{
        domain::{CivilDate, Issuer},
        register::rows::{FactKindRow, NOBODY, Rows, Sym},
    };

    fn fact(position: u32) -> FactRow {
        FactRow {
            effective: CivilDate::MIN,
            document: Sym::EMPTY,
            row: position,
            item: Sym::EMPTY,
            programme: None,
            authority: None,
            issuer: Issuer::Service,
            rule: 0,
            kind: FactKindRow::SubjectEnded { cause: None },
        }
    }

    /// The rule, read word by word. It tries repairs again and again.
    fn newest_live(repairs: &Repairs, known_at: u32, target: u32) -> Option<&Repair> {
        let mut newest_first = repairs.newest_first(target);
        newest_first.find(|repair| {
            let by = newest_live(repairs, known_at, repair.position);
            repair.position < known_at && by.is_none_or(|by| by.replacement.is_some())
        })
    }

    fn source(repairs: &Repairs, known_at: u32, target: u32) -> (u32, bool) {
        let mut at = target;
        while let Some(repair) = newest_live(repairs, known_at, at) {
            if repair.replacement.is_none() {
                return (at, true);
            }
            at = repair.position;
        }
        (at, false)
    }

    #[test]
    fn each_repair_is_looked_at_once_and_the_newest_live_one_decides() {
        let mut random = Rng::with_seed(7);
        let rows = Rows::default();
        for size in (2..40).cycle().take(400) {
            let mut repairs = Repairs::default();
            for position in 1..size {
                let replacement = random.bool().then(|| (NOBODY, fact(position)));
                // Half of them repair the event before, which makes chains.
                let target = if random.bool() { position - 1 } else { random.u32(0..position) };
                repairs.apply(position, target, replacement);
            }
            for known_at in 0..=size {
                let facts = Facts::new(&rows, &repairs, known_at.into());
                for at in 0..size {
                    let expected = source(&repairs, known_at, at);
                    assert_eq!((facts.source_of(at, &mut 0), facts.is_annulled(at)), expected);
                    let mut read = 0;
                    facts.outcome(at, &mut read);
                    assert!(read <= facts.repairs_under(at, usize::MAX), "{read}");
                }
            }
        }
    }

    /// The correction before the last of a long chain has many corrections that were annulled.
    #[test]
    fn a_long_chain_is_read_once() {
        let (rows, mut repairs) = (Rows::default(), Repairs::default());
        let mut position = 0;
        let mut repair = |target: u32, replaces: bool| {
            position += 1;
            repairs.apply(position, target, replaces.then(|| (NOBODY, fact(position))));
            position
        };
        let (mut before, mut last) = (0, 0);
        for _ in 0..64 {
            (before, last) = (last, repair(last, true));
        }
        for _ in 0..96 {
            let passed_over = repair(before, true);
            repair(passed_over, false);
        }
        let facts = Facts::new(&rows, &repairs, u64::MAX);
        let mut read = 0;
        let Outcome::InForce(Some(in_force)) = facts.outcome(0, &mut read) else { panic!() };
        assert_eq!((in_force.position, read), (last, 64 + 2 * 96));
    }

    #[test]
    fn a_chain_of_any_length_is_read_on_a_small_stack() {
        let (rows, mut repairs) = (Rows::default(), Repairs::default());
        let length = 300_000;
        (1..=length).for_each(|at| repairs.apply(at, at - 1, Some((NOBODY, fact(at)))));
        let source = Facts::new(&rows, &repairs, u64::MAX).source_of(0, &mut 0);
        assert_eq!(source, length);
    }
}
