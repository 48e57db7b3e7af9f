//! The identifiers that bear on one designee's titles, with all their facts. Plain room for an
//! answer: it is filled from [`super::Subjects`], and used again.

use crate::register::rows::{DesigneeIndex, FactKindRow, FactRow};

/// A fact in force, with the identifier it belongs to.
#[derive(Clone, Copy, Debug)]
pub(in crate::register) struct FactAt {
    /// The event in whose place the fact is in force.
    pub(in crate::register) position: u32,
    /// The identifier it is stated under, by its place in the cluster.
    pub(in crate::register) member: u16,
    pub(in crate::register) fact: FactRow,
}

/// The identifiers that bear on one designee's titles, and their facts in the order in which the
/// fold reads them. The first member is the designee asked for.
#[derive(Debug, Default)]
pub(in crate::register) struct IdentityCluster {
    pub(in crate::register) members: Vec<DesigneeIndex>,
    /// For each member, the first member that is the same subject.
    subjects: Vec<u16>,
    pub(in crate::register) facts: Vec<FactAt>,
}

impl IdentityCluster {
    pub(in crate::register) fn subject_of(&self, member: u16) -> u16 {
        self.subjects.get(usize::from(member)).copied().unwrap_or(member)
    }

    pub(in crate::register) fn place_of(&self, index: DesigneeIndex) -> Option<u16> {
        let place = self.members.iter().position(|member| *member == index)?;
        u16::try_from(place).ok()
    }

    /// The facts of the subject asked for.
    pub(in crate::register) fn own_facts(&self) -> impl DoubleEndedIterator<Item = &FactAt> {
        self.facts.iter().filter(|placed| self.subject_of(placed.member) == 0)
    }

    /// The identifiers of the subject asked for.
    pub(in crate::register) fn same_subject(&self) -> impl Iterator<Item = DesigneeIndex> {
        let same = self.members.iter().zip(&self.subjects).filter(|(_, subject)| **subject == 0);
        same.map(|(member, _)| *member)
    }

    pub(in crate::register) fn clear(&mut self) {
        self.members.clear();
        self.subjects.clear();
        self.facts.clear();
    }

    /// Adds an identifier as a subject of its own, unless it is a member already.
    pub(super) fn join(&mut self, index: DesigneeIndex) -> u16 {
        if let Some(place) = self.place_of(index) {
            return place;
        }
        let place = u16::try_from(self.members.len()).unwrap_or(u16::MAX);
        self.members.push(index);
        self.subjects.push(place);
        place
    }

    /// Adds the identifier that a fact ties its own to; a link makes both one subject.
    pub(super) fn follow(&mut self, placed: &FactAt) {
        let Some(other) = placed.fact.kind.ties_to() else { return };
        let place = self.join(other);
        if matches!(placed.fact.kind, FactKindRow::Linked { .. }) {
            let (one, two) = (self.subject_of(placed.member), self.subject_of(place));
            let (root, joins) = (one.min(two), one.max(two));
            for subject in &mut self.subjects {
                if *subject == joins {
                    *subject = root;
                }
            }
        }
    }

    /// Brings the facts into the order in which the fold reads them.
    pub(super) fn sort(&mut self) {
        self.facts.sort_unstable_by_key(|placed| {
            (placed.fact.effective, placed.fact.precedence(), placed.position)
        });
    }
}

impl FactKindRow {
    /// The designee that the fact ties its own to.
    pub(super) fn ties_to(&self) -> Option<DesigneeIndex> {
        match self {
            Self::Linked { other, .. } => Some(*other),
            Self::Transferred { successor, .. } => Some(*successor),
            _ => None,
        }
    }
}
