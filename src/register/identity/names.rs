//! Which designees bear or bore a name, by the hash of its folded form.
//!
//! Only half of a hash is stored, so a lookup gives candidates: the caller compares the names.
//!
//! A name that one designee bears, as most are, takes eight bytes. All further bearers of it are in
//! a set of their own: equal hashes beside each other in one table would make each of them slower
//! to add than the one before.

use std::{
    fmt,
    hash::{BuildHasher as _, Hasher as _},
};

use foldhash::{SharedSeed, fast::FoldHasher};
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use roaring::RoaringBitmap;

use crate::register::rows::DesigneeIndex;

#[derive(Debug, Default)]
pub(super) struct NameIndex {
    /// The first bearer of each name.
    bearers: HashTable<Bearer>,
    /// The places of the other ones, by half of the name's hash.
    others: HashMap<u32, RoaringBitmap>,
    keyed: Keyed,
}

/// The hash of names under a secret.
struct Keyed {
    secret: Secret,
    /// The seeds that follow from the secret.
    seeds: SharedSeed,
}

impl From<Secret> for Keyed {
    fn from(secret: Secret) -> Self {
        let Secret([_, seed]) = secret;
        Self { secret, seeds: SharedSeed::from_u64(seed) }
    }
}

impl Default for Keyed {
    fn default() -> Self {
        Secret::default().into()
    }
}

impl fmt::Debug for Keyed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.secret.fmt(f)
    }
}

/// The secret of an index, from which the hashes of its names begin: nobody who does not know it
/// can choose names whose hashes collide. It may be kept with the hashes, which then need not be
/// computed again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::register) struct Secret(pub(super) [u64; 2]);

impl Default for Secret {
    fn default() -> Self {
        // Each of them hashes differently.
        Self([0, 1].map(|number: u64| DefaultHashBuilder::default().hash_one(number)))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A designee that bears or bore a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bearer {
    /// Half of the name's hash. The full hash is rebuilt from it and gives the place in the table.
    half: u32,
    designee: DesigneeIndex,
}

impl NameIndex {
    /// Adds a name of a designee; gives the entry if it is new.
    pub(super) fn insert(&mut self, designee: DesigneeIndex, key: &str) -> Option<Bearer> {
        self.insert_hashed(designee, self.half_of(key))
    }

    /// As [`NameIndex::insert`], of a name by half of its hash.
    pub(super) fn insert_hashed(&mut self, designee: DesigneeIndex, half: u32) -> Option<Bearer> {
        let bearer = Bearer { half, designee };
        let hash = spread(bearer.half);
        let is_new = match self.bearers.find(hash, |known| known.half == bearer.half) {
            Some(first) if first.designee == designee => false,
            Some(_) => self.others.entry(bearer.half).or_default().insert(designee.number()),
            None => {
                self.bearers.insert_unique(hash, bearer, |known| spread(known.half));
                true
            }
        };
        is_new.then_some(bearer)
    }

    /// Takes over the secret of hashes that were kept. The index has no names yet.
    pub(super) fn use_secret(&mut self, secret: Secret) {
        self.keyed = secret.into();
    }

    /// The secret of its hashes.
    pub(super) fn secret(&self) -> Secret {
        self.keyed.secret
    }

    /// Makes room for names of which so many are borne by one designee first.
    pub(super) fn reserve(&mut self, borne: usize) {
        self.bearers = HashTable::with_capacity(borne);
    }

    /// Number of names, each counted once.
    pub(super) fn borne(&self) -> usize {
        self.bearers.len()
    }

    /// Removes an entry. The first bearer of a name is removed after the other ones.
    pub(super) fn remove(&mut self, bearer: Bearer) {
        if let Some(others) = self.others.get_mut(&bearer.half)
            && others.remove(bearer.designee.number())
        {
            if others.is_empty() {
                self.others.remove(&bearer.half);
            }
            return;
        }
        if let Ok(entry) = self.bearers.find_entry(spread(bearer.half), |known| *known == bearer) {
            entry.remove();
        }
    }

    /// Designees that may bear or have borne a name, and perhaps others, in the order of their
    /// first mention.
    pub(super) fn candidates(&self, key: &str) -> impl Iterator<Item = DesigneeIndex> {
        let half = self.half_of(key);
        let first = self.bearers.find(spread(half), |known| known.half == half);
        let mut first = first.map(|bearer| bearer.designee);
        let others = self.others.get(&half).into_iter().flatten();
        let mut others = others.map(DesigneeIndex::of_number).peekable();
        std::iter::from_fn(move || match (first, others.peek()) {
            (Some(designee), Some(other)) if *other < designee => others.next(),
            (Some(_), _) => first.take(),
            (None, _) => others.next(),
        })
    }

    /// True if several designees bear or bore a name, or another one of the same hash.
    pub(super) fn is_shared(&self, key: &str) -> bool {
        self.others.contains_key(&self.half_of(key))
    }

    /// The hash under which the bearers of a name are kept.
    pub(super) fn hash_of(&self, key: &str) -> u64 {
        spread(self.half_of(key))
    }

    /// True if an entry has this hash, or one that collides with it.
    pub(super) fn is_filled(&self, hash: u64) -> bool {
        self.bearers.find(hash, |_| true).is_some()
    }

    /// Half of the hash of a name.
    pub(super) fn half_of(&self, key: &str) -> u32 {
        let Keyed { secret: Secret([begin, _]), seeds } = &self.keyed;
        let mut hasher = FoldHasher::with_seed(*begin, seeds);
        hasher.write(key.as_bytes());
        #[allow(clippy::cast_possible_truncation)] // half of the hash is kept
        let half = hasher.finish() as u32;
        half
    }
}

/// A full hash from the half that is kept.
fn spread(half: u32) -> u64 {
    u64::from(half).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bearers_come_in_order_and_leave_without_a_trace() {
        let mut names = NameIndex::default();
        let found = |names: &NameIndex, key| names.candidates(key).collect::<Vec<_>>();
        let designee = DesigneeIndex::of_number;
        let added: Vec<_> =
            [5, 9, 2, 7].into_iter().filter_map(|n| names.insert(designee(n), "甲")).collect();
        assert_eq!(added.len(), 4);
        assert!(names.insert(designee(5), "甲").is_none());
        assert!(names.insert(designee(9), "甲").is_none());
        assert_eq!(found(&names, "甲"), [2, 5, 7, 9].map(designee));
        assert_eq!(found(&names, "乙"), []);
        added.into_iter().rev().for_each(|bearer| names.remove(bearer));
        assert!(names.bearers.is_empty() && names.others.is_empty());
    }

    #[test]
    fn a_name_is_shared_while_two_designees_bear_it() {
        let mut names = NameIndex::default();
        let designee = DesigneeIndex::of_number;
        assert!(!names.is_shared("甲"));
        names.insert(designee(3), "甲").unwrap();
        names.insert(designee(3), "乙").unwrap();
        assert!(!names.is_shared("甲"));
        let second = names.insert(designee(1), "甲").unwrap();
        assert!(names.is_shared("甲") && !names.is_shared("乙"));
        names.remove(second);
        assert!(!names.is_shared("甲"));
        assert_eq!(names.candidates("甲").collect::<Vec<_>>(), [designee(3)]);
    }

    #[test]
    fn a_place_is_filled_by_a_name_and_empty_without() {
        let mut names = NameIndex::default();
        assert!(!names.is_filled(names.hash_of("甲")));
        let bearer = names.insert(DesigneeIndex::of_number(0), "甲").unwrap();
        assert!(names.is_filled(names.hash_of("甲")));
        assert_eq!(names.hash_of("甲"), spread(bearer.half));
        assert_ne!(names.hash_of("甲"), names.hash_of("乙"));
    }

    #[test]
    fn a_name_that_everybody_bears_takes_one_place_of_the_table() {
        let mut names = NameIndex::default();
        let added = (0..40_000).filter_map(|n| names.insert(DesigneeIndex::of_number(n), "甲"));
        assert_eq!(added.count(), 40_000);
        assert_eq!((names.bearers.len(), names.others.len()), (1, 1));
        assert_eq!(names.candidates("甲").take(9).count(), 9);
        assert_eq!(names.candidates("甲").count(), 40_000);
    }
}
