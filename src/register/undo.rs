//! Helpers with which the parts of the register undo what they applied.

use std::hash::{BuildHasher, Hash};

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
