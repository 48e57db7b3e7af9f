//! The entries of one batch: how many there are of each kind, and their digest.

use hashbrown::HashMap;
use sha2::{Digest as _, Sha256};

use crate::{
    domain::AuthorityCode,
    register::{
        identity::Subjects,
        rows::{DesigneeIndex, FactKindRow, FactRow, Sym},
    },
};

/// Numbers of entries of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchCounts {
    /// Entries in public notices of new designations.
    pub noticed: u64,
    /// Designations, supplements included.
    pub designated: u64,
    /// Designations by a supplement.
    pub supplements: u64,
    /// Passed reviews.
    pub reviewed: u64,
    /// Designees noticed and, when the batch was sealed, not designated.
    pub not_designated: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum EntryKind {
    Noticed,
    Designated,
    Supplement,
    Reviewed,
}

impl EntryKind {
    /// The word for it in a digest; an entry in a notice is not part of one.
    pub(super) fn word(self) -> Option<&'static str> {
        match self {
            Self::Noticed => None,
            Self::Designated | Self::Supplement => Some("designated"),
            Self::Reviewed => Some("reviewed"),
        }
    }
}

/// The entries of a batch: kind, sub-list, designee.
#[derive(Default)]
pub(in crate::register) struct Content {
    entries: Vec<(EntryKind, Option<AuthorityCode>, DesigneeIndex)>,
}

impl FromIterator<(EntryKind, Option<AuthorityCode>, DesigneeIndex)> for Content {
    fn from_iter<I>(entries: I) -> Self
    where
        I: IntoIterator<Item = (EntryKind, Option<AuthorityCode>, DesigneeIndex)>,
    {
        Self { entries: entries.into_iter().collect() }
    }
}

impl Content {
    fn of(
        &self,
        sublist: Option<AuthorityCode>,
    ) -> impl Iterator<Item = (EntryKind, DesigneeIndex)> {
        let wanted = move |(_, entry, _): &&(EntryKind, Option<AuthorityCode>, DesigneeIndex)| {
            sublist.is_none() || *entry == sublist
        };
        self.entries.iter().filter(wanted).map(|(kind, _, designee)| (*kind, *designee))
    }

    /// Counts the entries of a sub-list, or of the whole.
    pub(in crate::register) fn counts(
        &self,
        sublist: Option<AuthorityCode>,
        sealed: bool,
    ) -> BatchCounts {
        let mut counts = BatchCounts::default();
        // By designee: noticed, designated.
        let mut fates: HashMap<DesigneeIndex, (bool, bool)> = HashMap::new();
        for (kind, designee) in self.of(sublist) {
            let fate = fates.entry(designee).or_default();
            match kind {
                EntryKind::Noticed => {
                    counts.noticed += 1;
                    fate.0 = true;
                }
                EntryKind::Designated | EntryKind::Supplement => {
                    counts.designated += 1;
                    counts.supplements += u64::from(kind == EntryKind::Supplement);
                    fate.1 = true;
                }
                EntryKind::Reviewed => counts.reviewed += 1,
            }
        }
        if sealed {
            let left_out = fates.values().filter(|fate| **fate == (true, false)).count();
            counts.not_designated = left_out as u64;
        }
        counts
    }

    /// The digest of a sub-list, or of the whole, as `BatchSealed.digest` defines it.
    pub(in crate::register) fn digest(
        &self,
        subjects: Subjects<'_>,
        sublist: Option<AuthorityCode>,
    ) -> [u8; 32] {
        let mut lines: Vec<String> = self
            .of(sublist)
            .filter_map(|(kind, designee)| {
                let word = kind.word()?;
                Some(format!("{word} {}\n", subjects.id(designee)))
            })
            .collect();
        lines.sort_unstable();
        let mut digest = Sha256::new();
        lines.iter().for_each(|line| digest.update(line));
        digest.finalize().into()
    }
}

impl FactRow {
    /// The kind of entry that the fact is, and its batch. A passed review is an entry of the batch
    /// named like its round.
    pub(super) fn entry(&self) -> Option<(EntryKind, Sym)> {
        match self.kind {
            FactKindRow::Noticed { batch, review: false, recommendation: false, .. } => {
                Some((EntryKind::Noticed, batch))
            }
            FactKindRow::Designated { batch, supplement: false, .. } => {
                Some((EntryKind::Designated, batch))
            }
            FactKindRow::Designated { batch, supplement: true, .. } => {
                Some((EntryKind::Supplement, batch))
            }
            FactKindRow::ReviewPassed { round, .. } => Some((EntryKind::Reviewed, round)),
            _ => None,
        }
    }
}
