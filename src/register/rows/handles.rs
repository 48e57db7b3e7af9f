//! Handles that rows keep instead of the things themselves. None of them is ever stored.

/// A designee, by its place in the register. Never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DesigneeIndex(u32);

/// The designee of an event that is about none.
pub(in crate::register) const NOBODY: DesigneeIndex = DesigneeIndex(u32::MAX);

impl DesigneeIndex {
    /// The designee at a place. Panics at the place of [`NOBODY`]: two designees must never share
    /// an index.
    pub(in crate::register) fn of_place(place: usize) -> Self {
        let index = u32::try_from(place).ok().filter(|index| *index != NOBODY.0);
        #[allow(clippy::expect_used)] // each designee needs an event, and a log holds fewer
        Self(index.expect("fewer than 2^32 - 1 designees"))
    }

    pub(in crate::register) fn place(self) -> usize {
        self.0 as usize
    }
}

/// A scope, by its place in the index. There are some thousands, so a row keeps this instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::register) struct ScopeIndex(u32);

impl ScopeIndex {
    /// The scope at a place. There are fewer scopes than events.
    pub(in crate::register) fn of_place(place: usize) -> Self {
        Self(u32::try_from(place).unwrap_or(u32::MAX))
    }

    pub(in crate::register) fn place(self) -> usize {
        self.0 as usize
    }
}

/// A position, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::register) struct Link(u32);

impl Link {
    pub(in crate::register) const NONE: Self = Self(u32::MAX);

    pub(in crate::register) fn to(position: u32) -> Self {
        Self(position)
    }

    pub(in crate::register) fn position(self) -> Option<u32> {
        (self != Self::NONE).then_some(self.0)
    }
}

/// A position as rows keep it. The writer refuses events beyond the log's size limit, which fits.
pub(in crate::register) fn position32(position: u64) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "fewer than 2^32 - 1 designees")]
    fn no_designee_shares_the_index_of_nobody() {
        let _ = DesigneeIndex::of_place(u32::MAX as usize);
    }
}
