//! The register as one caller may know it.
//!
//! An event of the class `own` that the caller may not read counts for nothing: the answers are
//! those of a log in which it was never recorded. Of them the caller gets the titles that lie
//! within its rights, and the designees that hold such a title or lie within its rights
//! themselves. `docs/questions.md` states every rule.

use std::sync::Arc;

use super::{
    Register,
    index::{Index, Sight},
    repairs::{Facts, Sieve},
    rows::Row,
};
use crate::domain::{
    AuthorityCode, RegionCode,
    access::{Matter, ProgrammeSet},
    kind::{Kind, ProgrammeId},
};

impl Sight {
    /// True if some of its instruments may be known of an authority.
    #[must_use]
    pub fn shows_issuer(&self, authority: AuthorityCode) -> bool {
        let programmes = ProgrammeSet::from_bits(u32::MAX);
        self.knows(&Matter { programmes, ..item([authority], None, authority.seat()) })
    }

    /// True if every item of the register is known whose facts count.
    pub(super) fn shows_all(&self) -> bool {
        self.shows([], None, None)
    }

    /// True if an item of the register that concerns these is known.
    pub(super) fn shows(
        &self,
        authorities: impl IntoIterator<Item = AuthorityCode>,
        programme: Option<ProgrammeId>,
        region: Option<RegionCode>,
    ) -> bool {
        self.knows(&item(authorities, programme, region))
    }

    /// True if the pools of an authority are known.
    pub(super) fn shows_pools(&self, authority: AuthorityCode) -> bool {
        self.shows([authority], None, authority.seat())
    }

    /// True if every event of a kind may be read that concerns these.
    pub(super) fn reads_all(
        &self,
        kind: Kind,
        authority: AuthorityCode,
        programme: ProgrammeId,
        region: Option<RegionCode>,
    ) -> bool {
        let (kind, own) = (Some(kind), self.may_be_own(kind));
        self.reads(&Matter { kind, own, ..item([authority], Some(programme), region) })
    }
}

/// An item of the register, as rights look at it.
fn item(
    authorities: impl IntoIterator<Item = AuthorityCode>,
    programme: Option<ProgrammeId>,
    region: Option<RegionCode>,
) -> Matter {
    Matter {
        authorities: authorities.into_iter().collect(),
        regions: region.into_iter().collect(),
        programmes: programme.into_iter().collect(),
        kind: None,
        own: false,
    }
}

/// A register, as a caller may know it.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    pub(super) register: &'a Register,
    /// Its bounds; `None` without any.
    pub(super) sight: Option<&'a Arc<Sight>>,
}

impl Register {
    /// The register within the bounds of a caller, if it has any.
    #[must_use]
    pub fn as_seen<'a>(&'a self, sight: Option<&'a Arc<Sight>>) -> Seen<'a> {
        Seen { register: self, sight: sight.filter(|sight| !sight.sees_all()) }
    }
}

impl<'a> Seen<'a> {
    /// The register without bounds.
    #[must_use]
    pub fn register(&self) -> &'a Register {
        self.register
    }

    /// True if the caller may read the event at a position.
    #[must_use]
    pub fn may_read(&self, position: u64) -> bool {
        u32::try_from(position).is_ok_and(|position| Sieve::may_read(self, position))
    }

    /// What a test of the bounds says of the event at a position. Without bounds it is true.
    fn judge(&self, position: u32, test: Test) -> bool {
        let Register { rows, repairs, index, .. } = self.register;
        let Some((sight, row)) = self.sight.zip(rows.get(position)) else { return true };
        test(sight, index, Facts::new(rows, repairs, u64::MAX), position, row)
    }
}

/// A test of an event by the bounds of a caller.
type Test = fn(&Sight, &Index, Facts<'_>, u32, &Row) -> bool;

impl Sieve for Seen<'_> {
    fn counts(&self, position: u32) -> bool {
        self.judge(position, Sight::counts)
    }

    fn may_read(&self, position: u32) -> bool {
        self.shows(position) && self.judge(position, Sight::sees)
    }

    fn shows(&self, position: u32) -> bool {
        self.register.withheld.withheld_by(position).is_none()
    }
}
