//! Handles that rows keep instead of the things themselves. None of them is ever stored.

use crate::limits::COMMIT_EVENTS_MAX;

/// A designee, by its place in the register. Never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DesigneeIndex(u32);

/// The designee of an event that is about none.
pub(in crate::register) const NOBODY: DesigneeIndex = DesigneeIndex(u32::MAX);

/// The first number of a trial's own designees and texts. The register gives out lower numbers
/// only, so it can grow during a trial without ever giving out one of these. A trial has far fewer
/// designees and texts than there are numbers from here on.
pub(super) const FIRST_OF_TRIAL: u32 = u32::MAX - (1 << 24);

const _: () = assert!(COMMIT_EVENTS_MAX * 512 < 1 << 24);

/// The designee that only a proposal names. A trial never gives out numbers as high.
pub(in crate::register) const PROPOSED: DesigneeIndex = DesigneeIndex(u32::MAX - 1);

impl DesigneeIndex {
    /// The designee at a place. Panics from [`FIRST_OF_TRIAL`] on: two designees must never share
    /// an index.
    pub(in crate::register) fn of_place(place: usize) -> Self {
        let index = u32::try_from(place).ok().filter(|index| *index < FIRST_OF_TRIAL);
        #[allow(clippy::expect_used)] // their records alone would take 200 GiB of memory
        Self(index.expect("fewer than 2^32 - 2^24 designees"))
    }

    /// The designee at a place among those that only a trial names.
    pub(in crate::register) fn of_trial(place: usize) -> Self {
        let index = u32::try_from(place).ok().and_then(|place| FIRST_OF_TRIAL.checked_add(place));
        #[allow(clippy::expect_used)] // a commit cannot name as many
        Self(index.filter(|index| *index != NOBODY.0).expect("fewer than 2^24 designees"))
    }

    /// The place among the designees that only a trial names, if it is one of them.
    pub(in crate::register) fn place_in_trial(self) -> Option<usize> {
        self.0.checked_sub(FIRST_OF_TRIAL).map(|place| place as usize)
    }

    pub(in crate::register) fn place(self) -> usize {
        self.0 as usize
    }

    /// As a number, for sets of designees.
    pub(in crate::register) fn number(self) -> u32 {
        self.0
    }

    /// The designee with a number that [`DesigneeIndex::number`] gave.
    pub(in crate::register) fn of_number(number: u32) -> Self {
        Self(number)
    }
}

/// A scope, by its place in the index. There are some thousands, so a row keeps this instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::register) struct ScopeIndex(u32);

impl ScopeIndex {
    /// The scope of an event whose scope nobody asks for.
    pub(in crate::register) const NONE: Self = Self(u32::MAX);

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
    #[should_panic(expected = "fewer than 2^32 - 2^24 designees")]
    fn no_designee_shares_the_index_of_a_trials() {
        let _ = DesigneeIndex::of_place(FIRST_OF_TRIAL as usize);
    }

    #[test]
    fn designees_of_a_trial_come_after_all_others() {
        let last = DesigneeIndex::of_place(FIRST_OF_TRIAL as usize - 1);
        let first = DesigneeIndex::of_trial(0);
        assert!(last < first && first < NOBODY);
        assert_eq!((last.place_in_trial(), first.place_in_trial()), (None, Some(0)));
    }

    #[test]
    #[should_panic(expected = "fewer than 2^24 designees")]
    fn no_designee_of_a_trial_shares_the_index_of_nobody() {
        let _ = DesigneeIndex::of_trial(1 << 24);
    }
}
