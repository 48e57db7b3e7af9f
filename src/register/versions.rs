//! The rules by position: by which version of its rules the register answers.
//!
//! The rules in force at a log size are those of the last adoption below it, and version 1 before
//! the first one. So an answer `known_at` before an adoption stays as it was given, and a later one
//! applies the new version to all facts. The scope of an event follows from the version in force at
//! its own position, and is found once.

use super::rows::{FactKindRow, FactRow};

/// A version of the rules by which titles follow from facts, and scopes from events.
///
/// Plain data: a version says in which points it differs, and the code reads these points. It never
/// compares numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoldRules {
    /// Its number. A log names its rules by it.
    pub number: u32,
    /// A passed review renews a title although its last day is past by then.
    pub late_review_renews: bool,
    /// A seal leaves a notice open that was contested on that day.
    pub contest_survives_seal: bool,
    /// A fact about a title concerns those alone who have to do with the same title. Otherwise it
    /// concerns all who have to do with the designee.
    pub concerns_same_title: bool,
}

impl FoldRules {
    /// Version 1: the rules of every log that has adopted no others.
    pub const FIRST: Self = Self {
        number: 1,
        late_review_renews: true,
        contest_survives_seal: true,
        concerns_same_title: true,
    };
}

/// The versions of the rules that a program knows: 1, 2 and so on, without gaps.
///
/// The program itself knows [`RulesBook::RELEASED`] only, and no setting adds to it. Tests hand a
/// longer book to the ledger that they open.
#[derive(Clone, Copy, Debug)]
pub struct RulesBook(&'static [FoldRules]);

impl RulesBook {
    /// The versions that were released.
    pub const RELEASED: Self = Self::of(&[FoldRules::FIRST]);

    /// A book of these versions.
    ///
    /// # Panics
    /// If they do not begin with [`FoldRules::FIRST`] or are not numbered from 1 without gaps. In a
    /// constant the compiler says so.
    #[must_use]
    #[allow(clippy::indexing_slicing)] // the loop ends at the length
    pub const fn of(versions: &'static [FoldRules]) -> Self {
        assert!(!versions.is_empty(), "a book has version 1");
        let (mut place, mut number) = (0, 1);
        while place < versions.len() {
            assert!(versions[place].number == number, "versions are numbered without gaps");
            (place, number) = (place + 1, number + 1);
        }
        Self(versions)
    }

    /// The version with a number.
    #[must_use]
    pub fn find(self, number: u32) -> Option<FoldRules> {
        self.0.iter().find(|rules| rules.number == number).copied()
    }

    /// The newest version.
    #[must_use]
    pub fn newest(self) -> FoldRules {
        self.0.last().copied().unwrap_or(FoldRules::FIRST)
    }

    /// All versions, oldest first.
    pub fn versions(self) -> impl Iterator<Item = FoldRules> {
        self.0.iter().copied()
    }
}

impl Default for RulesBook {
    fn default() -> Self {
        Self::RELEASED
    }
}

/// The versions of the rules that the log has adopted, oldest first.
#[derive(Debug, Default)]
pub(super) struct Adoptions {
    book: RulesBook,
    adopted: Vec<(u32, FoldRules)>,
}

impl Adoptions {
    pub(super) fn new(book: RulesBook) -> Self {
        Self { book, adopted: Vec::new() }
    }

    /// The versions that may be adopted.
    pub(super) fn book(&self) -> RulesBook {
        self.book
    }

    /// Notes the event at a position if it adopts a version. The ledger refuses a log with a
    /// version that is not in the book, so none is passed over.
    pub(super) fn apply(&mut self, fact: &FactRow, position: u32) {
        if let FactKindRow::RulesAdopted { version } = fact.kind
            && let Some(rules) = self.book.find(version)
        {
            self.adopted.push((position, rules));
        }
    }

    /// The rules in force for the next event.
    pub(super) fn latest(&self) -> FoldRules {
        self.adopted.last().map_or(FoldRules::FIRST, |(_, rules)| *rules)
    }

    /// The last adoption below a log size: position and rules.
    pub(super) fn last_below(&self, size: u64) -> Option<(u32, FoldRules)> {
        let mut newest_first = self.adopted.iter().rev();
        newest_first.find(|(position, _)| u64::from(*position) < size).copied()
    }

    /// The rules in force at a log size.
    pub(super) fn known_at(&self, size: u64) -> FoldRules {
        self.last_below(size).map_or(FoldRules::FIRST, |(_, rules)| rules)
    }

    /// The adoptions below a log size: position and rules.
    pub(super) fn below(&self, size: u64) -> impl Iterator<Item = (u64, FoldRules)> {
        let all = self.adopted.iter().map(|(position, rules)| (u64::from(*position), *rules));
        all.take_while(move |(position, _)| *position < size)
    }

    /// A number of adoptions to come back to.
    pub(super) fn savepoint(&self) -> usize {
        self.adopted.len()
    }

    /// Forgets the adoptions since a savepoint.
    pub(super) fn rollback_to(&mut self, savepoint: usize) {
        self.adopted.truncate(savepoint);
    }
}
