//! The faults of an event or of a commit: the first ones are kept, the others only counted.

use std::ops::Deref;

use smallvec::SmallVec;

use super::{Fault, Reason, RuleId};
use crate::limits::{FAULTS_OF_EVENT_MAX, REJECTIONS_MAX};

/// Faults in the order in which they were found. A request can cause a hundred times its own size
/// in faults, so only the first are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults {
    kept: Vec<Fault>,
    /// All faults, kept or not, by their rules: there are few of these.
    counts: SmallVec<[(RuleId, usize); 2]>,
    most: usize,
}

impl Faults {
    /// No faults of one event yet.
    #[must_use]
    pub fn of_event() -> Self {
        Self { kept: Vec::new(), counts: SmallVec::new(), most: FAULTS_OF_EVENT_MAX }
    }

    /// No faults of one commit yet.
    #[must_use]
    pub fn of_commit() -> Self {
        Self { kept: Vec::new(), counts: SmallVec::new(), most: REJECTIONS_MAX }
    }

    /// The number of all faults, kept or not.
    #[must_use]
    pub fn total(&self) -> usize {
        self.counts.iter().map(|(_, count)| count).sum()
    }

    /// The number of all faults by reason, kept or not: the most frequent first, equal ones by
    /// `name`.
    #[must_use]
    pub fn by_reason<N: Ord>(&self, name: impl Fn(Reason) -> N) -> Vec<(N, usize)> {
        let mut counts: Vec<(N, usize)> = Vec::new();
        for (rule, count) in &self.counts {
            let name = name(Reason::of(*rule));
            match counts.iter_mut().find(|(known, _)| *known == name) {
                Some((_, sum)) => *sum += count,
                None => counts.push((name, *count)),
            }
        }
        counts.sort_by(|(name, count), (other, fewer)| fewer.cmp(count).then(name.cmp(other)));
        counts
    }

    fn count(&mut self, rule: RuleId, more: usize) {
        match self.counts.iter_mut().find(|(known, _)| *known == rule) {
            Some((_, count)) => *count += more,
            None => self.counts.push((rule, more)),
        }
    }

    /// Adds a fault, which is made only if it is kept.
    pub fn add(&mut self, rule: RuleId, fault: impl FnOnce() -> Fault) {
        self.count(rule, 1);
        if self.kept.len() < self.most {
            self.kept.push(fault());
        }
    }

    /// Adds the faults of one event.
    pub fn add_event(&mut self, faults: Self) {
        for (rule, count) in &faults.counts {
            self.count(*rule, *count);
        }
        let room = self.most - self.kept.len();
        self.kept.extend(faults.kept.into_iter().take(room));
    }

    /// The same faults for a reader that gets only some of the recorded events.
    #[must_use]
    pub fn shown(mut self, shows: impl Fn(u64) -> bool) -> Self {
        self.kept = self.kept.into_iter().map(|fault| fault.shown(&shows)).collect();
        self
    }

    /// With other faults of the same commit, in the order of the events. Of one event, the others
    /// come later.
    #[must_use]
    pub fn merged(mut self, others: Self) -> Self {
        for (rule, count) in &others.counts {
            self.count(*rule, *count);
        }
        self.kept.extend(others.kept);
        self.kept.sort_by_key(|fault| fault.index);
        self.kept.truncate(self.most);
        self
    }
}

/// All faults of one event.
impl From<Vec<Fault>> for Faults {
    fn from(mut faults: Vec<Fault>) -> Self {
        let mut all = Self::of_event();
        for fault in &faults {
            all.count(fault.breach.rule(), 1);
        }
        faults.truncate(FAULTS_OF_EVENT_MAX);
        all.kept = faults;
        all
    }
}

/// The faults that are kept.
impl Deref for Faults {
    type Target = [Fault];

    fn deref(&self) -> &[Fault] {
        &self.kept
    }
}

impl IntoIterator for Faults {
    type Item = Fault;
    type IntoIter = std::vec::IntoIter<Fault>;

    fn into_iter(self) -> Self::IntoIter {
        self.kept.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(index: usize) -> Fault {
        Fault::new(index, "designee".to_owned(), "", RuleId::FieldRequired)
    }

    fn event(index: usize, count: usize) -> Faults {
        let mut faults = Faults::of_event();
        (0..count).for_each(|_| faults.add(RuleId::FieldRequired, || fault(index)));
        faults
    }

    #[test]
    fn faults_of_an_event_beyond_the_bound_are_counted_and_not_made() {
        let mut faults = event(0, FAULTS_OF_EVENT_MAX);
        assert_eq!((faults.len(), faults.total()), (FAULTS_OF_EVENT_MAX, FAULTS_OF_EVENT_MAX));
        faults.add(RuleId::FieldRequired, || panic!("a fault that is only counted was made"));
        assert_eq!((faults.len(), faults.total()), (FAULTS_OF_EVENT_MAX, FAULTS_OF_EVENT_MAX + 1));
        let listed = Faults::from(vec![fault(0); FAULTS_OF_EVENT_MAX + 1]);
        assert_eq!((listed.len(), listed.total()), (FAULTS_OF_EVENT_MAX, FAULTS_OF_EVENT_MAX + 1));
    }

    #[test]
    fn faults_of_a_commit_beyond_the_bound_are_counted() {
        let mut faults = Faults::of_commit();
        (0..REJECTIONS_MAX).for_each(|index| faults.add_event(event(index, 1)));
        assert_eq!((faults.len(), faults.total()), (REJECTIONS_MAX, REJECTIONS_MAX));
        faults.add_event(event(REJECTIONS_MAX, 40));
        assert_eq!((faults.len(), faults.total()), (REJECTIONS_MAX, REJECTIONS_MAX + 40));
    }

    #[test]
    fn all_faults_are_counted_by_reason() {
        let mut faults = event(0, 3 + FAULTS_OF_EVENT_MAX);
        faults.add(RuleId::NameLength, || panic!("a fault that is only counted was made"));
        faults.add(RuleId::UrlForm, || panic!("a fault that is only counted was made"));
        faults.add(RuleId::DateOrder, || panic!("a fault that is only counted was made"));
        let mut of_commit = Faults::of_commit();
        of_commit.add_event(faults);
        let both = of_commit.merged(event(1, 1));
        let counts = both.by_reason(|reason| format!("{reason:?}"));
        let of = |reason: &str, count| (reason.to_owned(), count);
        let required = of("FieldRequired", 4 + FAULTS_OF_EVENT_MAX);
        assert_eq!(counts, [required, of("FieldInvalid", 2), of("DateOrder", 1)]);
        assert_eq!(both.total(), 7 + FAULTS_OF_EVENT_MAX);
    }

    #[test]
    fn two_lists_of_a_commit_become_its_first_faults() {
        let (mut even, mut odd) = (Faults::of_commit(), Faults::of_commit());
        for index in 0..REJECTIONS_MAX {
            even.add_event(event(2 * index, 1));
            odd.add_event(event(2 * index + 1, 1));
        }
        let both = even.merged(odd);
        assert!(both.iter().map(|fault| fault.index).eq(0..REJECTIONS_MAX));
        assert_eq!(both.total(), 2 * REJECTIONS_MAX);
    }
}
