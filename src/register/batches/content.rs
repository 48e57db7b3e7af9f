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
    /// Entries in the recommending authorities' notices of new designations.
    pub recommended: u64,
    /// Entries in the deciding authority's notices of new designations.
    pub noticed: u64,
    /// Entries in notices of reviews.
    pub reviews_noticed: u64,
    /// Designations, supplements included.
    pub designated: u64,
    /// Designations by a supplement.
    pub supplements: u64,
    /// Passed reviews, supplements included.
    pub reviewed: u64,
    /// Passed reviews by a supplement.
    pub reviewed_supplements: u64,
    /// Designees noticed and, when the batch was sealed, not designated.
    pub not_designated: u64,
}

impl BatchCounts {
    /// Counts an entry.
    pub(super) fn add(&mut self, kind: EntryKind) {
        match kind {
            EntryKind::Recommended => self.recommended += 1,
            EntryKind::Noticed => self.noticed += 1,
            EntryKind::ReviewNoticed => self.reviews_noticed += 1,
            EntryKind::Designated { supplement } => {
                self.designated += 1;
                self.supplements += u64::from(supplement);
            }
            EntryKind::Reviewed { supplement } => {
                self.reviewed += 1;
                self.reviewed_supplements += u64::from(supplement);
            }
        }
    }
}

/// Whether a designee was noticed by the deciding authority, and whether it was designated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fate {
    noticed: bool,
    designated: bool,
}

impl Fate {
    pub(super) fn add(&mut self, kind: EntryKind) {
        self.noticed |= kind == EntryKind::Noticed;
        self.designated |= matches!(kind, EntryKind::Designated { .. });
    }

    /// True if a seal leaves the designee out.
    pub(super) fn is_left_out(self) -> bool {
        self.noticed && !self.designated
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::register) enum EntryKind {
    Recommended,
    Noticed,
    ReviewNoticed,
    Designated { supplement: bool },
    Reviewed { supplement: bool },
}

impl EntryKind {
    /// The word for it in a digest; an entry in a notice is not part of one.
    pub(in crate::register) fn word(self) -> Option<&'static str> {
        match self {
            Self::Recommended | Self::Noticed | Self::ReviewNoticed => None,
            Self::Designated { .. } => Some("designated"),
            Self::Reviewed { .. } => Some("reviewed"),
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
        let mut fates: HashMap<DesigneeIndex, Fate> = HashMap::new();
        for (kind, designee) in self.of(sublist) {
            counts.add(kind);
            fates.entry(designee).or_default().add(kind);
        }
        if sealed {
            let left_out = fates.values().filter(|fate| fate.is_left_out()).count();
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
    pub(in crate::register) fn entry(&self) -> Option<(EntryKind, Sym)> {
        match self.kind {
            FactKindRow::Noticed { batch, review, recommendation, .. } => {
                let kind = match (review, recommendation) {
                    (true, _) => EntryKind::ReviewNoticed,
                    (false, true) => EntryKind::Recommended,
                    (false, false) => EntryKind::Noticed,
                };
                Some((kind, batch))
            }
            FactKindRow::Designated { batch, supplement, .. } => {
                Some((EntryKind::Designated { supplement }, batch))
            }
            FactKindRow::ReviewPassed { round, supplement, .. } => {
                Some((EntryKind::Reviewed { supplement }, round))
            }
            _ => None,
        }
    }
}
