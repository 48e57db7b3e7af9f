//! Which designee an identifier or a name means, and how far its events go.

use super::reading::Reading;
use crate::{
    domain::{DesigneeId, catalogue::Catalogues, name},
    limits::DESIGNEE_NAMESAKES_MAX,
    register::{AsOf, DesigneeIndex, Namesakes, Register, Seen},
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
        self.find_by_key(&name::folded(name), known_at)
    }

    /// As [`Register::find_by_name`], by the key of the name: folding takes time, in which nobody
    /// should have to wait for the register.
    #[must_use]
    pub fn find_by_key(&self, key: &str, known_at: u64) -> Namesakes {
        self.subjects(known_at).namesakes(key, DESIGNEE_NAMESAKES_MAX, |_| true)
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
    /// facts read for it.
    #[must_use]
    pub fn subject_version(&self, index: DesigneeIndex, known_at: u64) -> (u64, usize) {
        self.subjects(known_at).subject_version(index)
    }

    /// True if more than so many events are to be read for an answer about a designee.
    #[must_use]
    pub fn has_long_record(&self, index: DesigneeIndex, known_at: u64, events: usize) -> bool {
        self.subjects(known_at).has_long_record(index, events)
    }
}

impl Seen<'_> {
    /// The designee with an identifier, if the caller may know it.
    #[must_use]
    pub fn find(
        &self,
        catalogues: &Catalogues,
        id: &DesigneeId,
        as_of: AsOf,
    ) -> Option<DesigneeIndex> {
        let found = self.register.find(id, as_of.known_at)?;
        if self.sight.is_none() {
            return Some(found);
        }
        let mut reading = Reading::new(self, catalogues, as_of);
        reading.read_one(found);
        reading.is_shown().then_some(found)
    }

    /// As [`Register::find_by_key`], of the designees that the caller may know.
    #[must_use]
    pub fn find_by_key(&self, catalogues: &Catalogues, key: &str, as_of: AsOf) -> Namesakes {
        Reading::new(self, catalogues, as_of).namesakes(key, DESIGNEE_NAMESAKES_MAX)
    }
}
