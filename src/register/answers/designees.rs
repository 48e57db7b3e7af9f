//! Which designee an identifier or a name means, and how far its events go.

use crate::{
    domain::DesigneeId,
    register::{DesigneeIndex, Namesakes, Register},
};

impl Register {
    /// Number of designees that the events name.
    #[must_use]
    pub fn designee_count(&self) -> usize {
        self.identity.len()
    }

    /// The designee with an identifier, if anything is known about it.
    #[must_use]
    pub fn find(&self, id: &DesigneeId, known_at: u64) -> Option<DesigneeIndex> {
        self.subjects(known_at).find(id)
    }

    /// The first designees that bear or bore a name, one for each subject. Brackets, width and
    /// spaces do not matter.
    #[must_use]
    pub fn find_by_name(&self, name: &str, known_at: u64) -> Namesakes {
        self.subjects(known_at).find_by_name(name)
    }

    /// The identifier of a designee.
    #[must_use]
    pub fn id(&self, index: DesigneeIndex) -> &DesigneeId {
        self.identity.id(index)
    }

    /// One more than the position of the last event about the designee below a log size; 0 if
    /// there is none.
    #[must_use]
    pub fn version(&self, index: DesigneeIndex, known_at: u64) -> u64 {
        self.subjects(known_at).version(index)
    }

    /// As [`Register::version`], of the subject under any of its identifiers; with the number of
    /// events read for it.
    #[must_use]
    pub fn subject_version(&self, index: DesigneeIndex, known_at: u64) -> (u64, usize) {
        self.subjects(known_at).subject_version(index)
    }
}
