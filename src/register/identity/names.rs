//! Which designees bear or bore a name, by the hash of its folded form.
//!
//! Only half of a hash is stored, so a lookup gives candidates: the caller compares the names.

use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::register::rows::DesigneeIndex;

#[derive(Debug, Default)]
pub(super) struct NameIndex {
    bearers: HashTable<Bearer>,
    hasher: DefaultHashBuilder,
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
        let bearer = Bearer { half: self.half_of(key), designee };
        let hash = spread(bearer.half);
        if self.bearers.find(hash, |known| *known == bearer).is_some() {
            return None;
        }
        self.bearers.insert_unique(hash, bearer, |known| spread(known.half));
        Some(bearer)
    }

    pub(super) fn remove(&mut self, bearer: Bearer) {
        if let Ok(entry) = self.bearers.find_entry(spread(bearer.half), |known| *known == bearer) {
            entry.remove();
        }
    }

    /// Designees that may bear or have borne a name, and perhaps others.
    pub(super) fn candidates(&self, key: &str) -> impl Iterator<Item = DesigneeIndex> {
        let half = self.half_of(key);
        let same = self.bearers.iter_hash(spread(half)).filter(move |known| known.half == half);
        same.map(|bearer| bearer.designee)
    }

    /// The hash under which the bearers of a name are kept.
    pub(super) fn hash_of(&self, key: &str) -> u64 {
        spread(self.half_of(key))
    }

    /// True if an entry has this hash, or one that collides with it.
    pub(super) fn is_filled(&self, hash: u64) -> bool {
        self.bearers.find(hash, |_| true).is_some()
    }

    fn half_of(&self, key: &str) -> u32 {
        #[allow(clippy::cast_possible_truncation)] // half of the hash is kept
        let half = self.hasher.hash_one(key) as u32;
        half
    }
}

/// A full hash from the half that is kept.
fn spread(half: u32) -> u64 {
    u64::from(half).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
