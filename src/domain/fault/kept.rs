//! The faults of an event or of a commit: the first ones are kept, the others only counted.

use std::ops::Deref;

use super::Fault;
use crate::limits::{FAULTS_OF_EVENT_MAX, REJECTIONS_MAX};

/// Faults in the order in which they were found. A request can cause a hundred times its own size
/// in faults, so only the first are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults {
    kept: Vec<Fault>,
    total: usize,
    most: usize,
}

impl Faults {
    /// No faults of one event yet.
    #[must_use]
    pub fn of_event() -> Self {
        Self { kept: Vec::new(), total: 0, most: FAULTS_OF_EVENT_MAX }
    }

    /// No faults of one commit yet.
    #[must_use]
    pub fn of_commit() -> Self {
        Self { kept: Vec::new(), total: 0, most: REJECTIONS_MAX }
    }

    /// The number of all faults, kept or not.
    #[must_use]
    pub fn total(&self) -> usize {
        self.total
    }

    /// Adds a fault, which is made only if it is kept.
    pub fn add(&mut self, fault: impl FnOnce() -> Fault) {
        self.total += 1;
        if self.kept.len() < self.most {
            self.kept.push(fault());
        }
    }

    /// Adds the faults of one event.
    pub fn add_event(&mut self, faults: Self) {
        self.total += faults.total;
        let room = self.most - self.kept.len();
        self.kept.extend(faults.kept.into_iter().take(room));
    }

    /// With other faults of the same commit, in the order of the events. Of one event, the others
    /// come later.
    #[must_use]
    pub fn merged(mut self, others: Self) -> Self {
        self.total += others.total;
        self.kept.extend(others.kept);
        self.kept.sort_by_key(|fault| fault.index);
        self.kept.truncate(self.most);
        self
    }
}

/// All faults of one event.
impl From<Vec<Fault>> for Faults {
    fn from(faults: Vec<Fault>) -> Self {
        let (total, mut kept) = (faults.len(), faults);
        kept.truncate(FAULTS_OF_EVENT_MAX);
        Self { kept, total, most: FAULTS_OF_EVENT_MAX }
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
    use crate::domain::fault::RuleId;

    fn fault(index: usize) -> Fault {
        Fault::new(index, "designee".to_owned(), "", RuleId::FieldRequired)
    }

    fn event(index: usize, count: usize) -> Faults {
        let mut faults = Faults::of_event();
        (0..count).for_each(|_| faults.add(|| fault(index)));
        faults
    }

    #[test]
    fn faults_of_an_event_beyond_the_bound_are_counted_and_not_made() {
        let mut faults = event(0, FAULTS_OF_EVENT_MAX);
        assert_eq!((faults.len(), faults.total()), (FAULTS_OF_EVENT_MAX, FAULTS_OF_EVENT_MAX));
        faults.add(|| panic!("a fault that is only counted was made"));
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
