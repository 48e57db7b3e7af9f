//! The members of one cultivation pool, answered in slices.

use super::{framework::PoolsReading, reading::Reading};
use crate::{
    domain::{AuthorityCode, CivilDate, DesigneeId, catalogue::Catalogues},
    register::{
        AsOf, DesigneeIndex, Layers, Register, Seen,
        framework::PoolsRead,
        rows::{FactKindRow, Sym},
    },
};

/// A designee that is in a pool, or was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberView {
    /// Identifier borne on the day.
    pub id: DesigneeId,
    /// Name borne on the day.
    pub name: String,
    /// Day of the latest entry.
    pub entered_on: Option<CivilDate>,
    /// Day on which it left; `None` if it is in the pool.
    pub left_on: Option<CivilDate>,
}

/// The members of a pool that are being read in slices, each under one hold of the register.
#[derive(Debug)]
pub struct MembersReading {
    read: PoolsReading,
    pool: (AuthorityCode, Sym),
}

impl Seen<'_> {
    /// Begins to read the members of a pool that the caller may know; none if it may not know the
    /// pool, or the pool is not known.
    #[must_use]
    pub fn read_members(
        &self,
        authority: AuthorityCode,
        pool: &str,
        as_of: AsOf,
    ) -> Option<MembersReading> {
        let layers = Layers::from(self);
        if !layers.sight().is_none_or(|sight| sight.shows_pools(authority)) {
            return None;
        }
        let pool = (authority, layers.find_word(pool)?);
        let read = PoolsRead::begin_one(layers.framework_as_of(as_of), pool, as_of)?;
        Some(MembersReading { read: PoolsReading::new(read, self.sight.cloned()), pool })
    }

    /// Some members of a pool as they are shown.
    #[must_use]
    pub fn members(
        &self,
        catalogues: &Catalogues,
        reading: &MembersReading,
        members: &[DesigneeIndex],
    ) -> Vec<MemberView> {
        let as_of = reading.read.read.as_of;
        let mut subject = Reading::new(self, catalogues, as_of);
        let view = |member: &DesigneeIndex| {
            subject.read_one(*member);
            let (entered_on, left_on) = subject.membership(reading.pool);
            let name = self.register.text(subject.folding.subject.name).to_owned();
            MemberView { id: subject.current_id(), name, entered_on, left_on }
        };
        members.iter().map(view).collect()
    }
}

impl MembersReading {
    /// Reads about `most` more facts; true if some are left.
    pub fn advance(&mut self, register: &Register, most: usize) -> bool {
        self.read.advance(register, most)
    }

    /// The subjects that were read, in the order in which they first appear in the log; also those
    /// that left, if `with_left`.
    #[must_use]
    pub fn subjects(&self, with_left: bool) -> Vec<DesigneeIndex> {
        let members = self.read.read.members().iter();
        let wanted = members.filter(|(_, is_in)| *is_in || with_left);
        let mut subjects: Vec<DesigneeIndex> = wanted.map(|(subject, _)| *subject).collect();
        subjects.sort_unstable();
        subjects
    }
}

impl Reading<'_> {
    /// The days of the latest entry into a pool, and of the departure after it.
    fn membership(
        &self,
        (authority, pool): (AuthorityCode, Sym),
    ) -> (Option<CivilDate>, Option<CivilDate>) {
        let (mut entered, mut left) = (None, None);
        let facts = self.cluster.own_facts().map(|placed| &placed.fact);
        let begun = facts.filter(|fact| fact.effective <= self.as_of.valid_on);
        for fact in begun.filter(|fact| fact.issuer == authority) {
            match fact.kind {
                // A second entry without a departure changes nothing.
                FactKindRow::PoolEntered { pool: into, .. }
                    if into == pool && (entered.is_none() || left.is_some()) =>
                {
                    (entered, left) = (Some(fact.effective), None);
                }
                FactKindRow::PoolLeft { pool: from } if from == pool => {
                    left = left.or(Some(fact.effective));
                }
                _ => {}
            }
        }
        (entered, left)
    }
}
