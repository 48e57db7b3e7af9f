//! Helpers with which the parts of the register undo what they applied.

use std::{
    collections::VecDeque,
    hash::{BuildHasher, Hash},
};

use hashbrown::{HashMap, hash_map::Entry};

/// Pops the newest item of the list under a key, and removes the list when it is empty, so that a
/// rollback leaves no trace.
pub(super) fn pop_from<K: Eq + Hash, T, S: BuildHasher>(
    lists: &mut HashMap<K, Vec<T>, S>,
    key: K,
) -> Option<T> {
    let Entry::Occupied(mut list) = lists.entry(key) else { return None };
    let last = list.get_mut().pop();
    if list.get().is_empty() {
        list.remove();
    }
    last
}

/// Steps back, oldest first. Each step keeps its number when older steps are forgotten.
#[derive(Debug)]
pub(in crate::register) struct UndoLog<T> {
    steps: VecDeque<T>,
    /// Number of the oldest step.
    first: usize,
}

impl<T> Default for UndoLog<T> {
    fn default() -> Self {
        Self { steps: VecDeque::new(), first: 0 }
    }
}

impl<T> UndoLog<T> {
    /// The number that the next step gets.
    pub(in crate::register) fn end(&self) -> usize {
        self.first + self.steps.len()
    }

    pub(in crate::register) fn push(&mut self, step: T) {
        self.steps.push_back(step);
    }

    /// Takes the newest step, unless it is below `number`.
    pub(in crate::register) fn pop_from(&mut self, number: usize) -> Option<T> {
        if self.end() > number { self.steps.pop_back() } else { None }
    }

    /// Forgets the steps below `number`: nothing returns to a point before it.
    pub(in crate::register) fn forget_before(&mut self, number: usize) {
        let count = number.saturating_sub(self.first).min(self.steps.len());
        self.steps.drain(..count);
        self.first += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forgotten_steps_leave_the_numbers_of_the_others_alone() {
        let mut log = UndoLog::default();
        (0..10).for_each(|step| log.push(step));
        log.forget_before(4);
        log.forget_before(2);
        assert_eq!((log.steps.len(), log.end()), (6, 10));
        assert_eq!(log.pop_from(8), Some(9));
        assert_eq!(log.pop_from(8), Some(8));
        assert_eq!(log.pop_from(8), None);
        log.forget_before(20);
        assert_eq!((log.steps.len(), log.end()), (0, 8));
    }
}
