//! Rights: how far each reaches, and what it is asked about.

use std::sync::Arc;

use smallvec::SmallVec;

use super::{
    role::{Role, Roles},
    sets::{AuthoritySet, KindSet, ProgrammeSet},
};
use crate::domain::{
    AuthorityCode, RegionCode,
    event::{Event, Fact, FrameworkFact, TitleFact},
    kind::Kind,
};

/// How far a right reaches: any value within a field, all fields together. An empty field is no
/// bound.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Reach {
    /// Authorities.
    pub authorities: AuthoritySet,
    /// A region, with all that lies in it.
    pub region: Option<RegionCode>,
    /// Programmes.
    pub programmes: ProgrammeSet,
    /// Kinds of facts.
    pub kinds: KindSet,
    /// To read: also the class `own`.
    pub own: bool,
}

/// An event or a title, as far as rights look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matter {
    /// Authorities. To record: the one that states it. To read: all that it concerns.
    pub authorities: AuthoritySet,
    /// Regions that it concerns.
    pub regions: SmallVec<[RegionCode; 2]>,
    /// Programmes that it concerns.
    pub programmes: ProgrammeSet,
    /// Its kind. `None` for a title.
    pub kind: Option<Kind>,
    /// True for the class `own`.
    pub own: bool,
}

/// The answer to a reader in the place of an event that it may not read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Unseen {
    /// The place and the leaf hash.
    #[default]
    Withheld,
    /// Nothing: the position does not match.
    Hidden,
}

/// The rights of one principal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// Its roles.
    pub roles: Roles,
    /// Its authority.
    pub authority: Option<AuthorityCode>,
    /// What it may record.
    pub record: Vec<Reach>,
    /// What it may approve.
    pub approve: Vec<Reach>,
    /// What it may read.
    pub read: Vec<Reach>,
    /// The answer that it gets in the place of anything else.
    pub unseen: Unseen,
    /// The rights of the delegate that manages it: a bound on its own.
    pub below: Option<Arc<Self>>,
}

impl Reach {
    /// Reaches everything, the class `own` too.
    #[must_use]
    pub fn everything() -> Self {
        Self { own: true, ..Self::default() }
    }

    /// True if the whole matter lies within: each of its authorities and programmes, and one region
    /// at least. A bound is not kept by a matter that says nothing about it.
    #[must_use]
    pub fn contains(&self, matter: &Matter) -> bool {
        let Matter { authorities, programmes, .. } = matter;
        (self.authorities.is_empty()
            || !authorities.is_empty() && authorities.is_within(self.authorities))
            && (self.programmes.is_empty()
                || !programmes.is_empty() && programmes.is_within(self.programmes))
            && self.has_kind(matter)
            && self.has_region(matter)
    }

    /// True if the matter concerns what lies within, and its class may be read.
    #[must_use]
    pub fn sees(&self, matter: &Matter) -> bool {
        (self.own || !matter.own) && self.concerns(matter) && self.has_kind(matter)
    }

    /// True if the matter concerns what lies within, whatever its kind and class.
    #[must_use]
    pub fn concerns(&self, matter: &Matter) -> bool {
        (self.authorities.is_empty() || self.authorities.intersects(matter.authorities))
            && (self.programmes.is_empty() || self.programmes.intersects(matter.programmes))
            && self.has_region(matter)
    }

    /// True if it reaches no farther than another one.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        let authorities = other.authorities.is_empty()
            || !self.authorities.is_empty() && self.authorities.is_within(other.authorities);
        let programmes = other.programmes.is_empty()
            || !self.programmes.is_empty() && self.programmes.is_within(other.programmes);
        let kinds =
            other.kinds.is_empty() || !self.kinds.is_empty() && self.kinds.is_within(other.kinds);
        let region =
            other.region.is_none_or(|outer| self.region.is_some_and(|own| own.is_under(outer)));
        authorities && programmes && kinds && region && (other.own || !self.own)
    }

    pub(super) fn has_kind(&self, matter: &Matter) -> bool {
        self.kinds.is_empty() || matter.kind.is_some_and(|kind| self.kinds.contains(kind))
    }

    fn has_region(&self, matter: &Matter) -> bool {
        let under = |outer| matter.regions.iter().any(|region| region.is_under(outer));
        self.region.is_none_or(under)
    }
}

impl Rights {
    /// Everything: of callers of a server without principals, and of the server itself.
    #[must_use]
    pub fn everything() -> Self {
        let all = || vec![Reach::everything()];
        Self { roles: Roles::ALL, record: all(), approve: all(), read: all(), ..Self::default() }
    }

    /// True if a role is among those of the principal.
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(role)
    }

    /// True if it may record a matter.
    #[must_use]
    pub fn may_record(&self, matter: &Matter) -> bool {
        self.holds(&|rights| rights.record.iter().any(|reach| reach.contains(matter)))
    }

    /// True if it may approve a matter.
    #[must_use]
    pub fn may_approve(&self, matter: &Matter) -> bool {
        self.holds(&|rights| rights.approve.iter().any(|reach| reach.contains(matter)))
    }

    /// True if it may read a matter.
    #[must_use]
    pub fn may_read(&self, matter: &Matter) -> bool {
        self.holds(&|rights| rights.read.iter().any(|reach| reach.sees(matter)))
    }

    /// True if it may know something of the register. That follows from facts of all kinds, so a
    /// reach that names kinds shows none of it.
    #[must_use]
    pub fn may_ask_the_register(&self) -> bool {
        self.holds(&|rights| rights.read.iter().any(|reach| reach.kinds.is_empty()))
    }

    /// True if it may read everything, so that nothing need be looked at.
    #[must_use]
    pub fn reads_everything(&self) -> bool {
        let everything = Reach::everything();
        self.holds(&|rights| rights.read.contains(&everything))
    }

    /// True if something holds for these rights, and for those that bound them.
    fn holds(&self, test: &impl Fn(&Self) -> bool) -> bool {
        test(self) && self.below.as_ref().is_none_or(|below| below.holds(test))
    }
}

impl Event {
    /// What rights to record look at: the event, and the one inside a correction. The region is
    /// the one that the event states, if it states any.
    #[must_use]
    pub fn matters(&self) -> SmallVec<[Matter; 2]> {
        let mut all = SmallVec::new();
        if let Fact::Repair { replacement: Some(inner), .. } = &self.fact {
            all.push(inner.matter());
        }
        all.push(self.matter());
        all
    }

    fn matter(&self) -> Matter {
        let mut programmes = ProgrammeSet::default();
        let mut regions = SmallVec::new();
        match &self.fact {
            Fact::Title { title, fact, .. } => {
                programmes.insert(title.programme);
                if let TitleFact::Converted { to, .. } = fact {
                    programmes.insert(to.programme);
                }
            }
            Fact::Batch { batch, .. } => {
                programmes.insert(batch.programme);
                regions.extend(batch.sublist.unwrap_or(batch.authority).seat());
            }
            Fact::Framework(
                FrameworkFact::CompletenessDeclared { .. } | FrameworkFact::MeasuresIssued { .. },
            ) => regions.extend(self.issuer.authority().and_then(AuthorityCode::seat)),
            Fact::Assessed { region, .. } => regions.push(*region),
            Fact::Subject { .. } | Fact::Repair { .. } | Fact::Framework(_) => {}
        }
        regions.extend(self.fact.listed().and_then(|listed| listed.region));
        Matter {
            authorities: self.issuer.authority().into_iter().collect(),
            regions,
            programmes,
            kind: Some(self.fact.kind()),
            own: false,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn authorities(codes: &[&str]) -> AuthoritySet {
        codes.iter().map(|code| AuthorityCode::parse(code).unwrap()).collect()
    }

    fn region(code: &str) -> RegionCode {
        RegionCode::parse(code).unwrap()
    }

    fn matter(codes: &[&str], regions: &[&str]) -> Matter {
        Matter {
            authorities: authorities(codes),
            regions: regions.iter().map(|code| region(code)).collect(),
            programmes: ProgrammeSet::default(),
            kind: Some(Kind::Designated),
            own: false,
        }
    }

    #[test]
    fn recording_needs_all_of_a_matter_and_reading_a_part() {
        let own = Reach { authorities: authorities(&["440000"]), ..Reach::default() };
        assert!(own.contains(&matter(&["440000"], &[])));
        assert!(!own.contains(&matter(&["330000"], &[])));
        assert!(!own.contains(&matter(&["440000", "330000"], &[])));
        assert!(!own.contains(&matter(&[], &[])), "a fact of nobody's");
        assert!(own.sees(&matter(&["440000", "330000"], &[])));
        let city = Reach { region: Some(region("440300")), ..own.clone() };
        assert!(city.contains(&matter(&["440000"], &["440305"])));
        assert!(!city.contains(&matter(&["440000"], &["440100"])));
        assert!(!city.contains(&matter(&["440000"], &[])), "no region is said");
        assert!(city.is_within(&own) && !own.is_within(&city));
        let secret = Matter { own: true, ..matter(&["440000"], &[]) };
        assert!(!own.sees(&secret) && Reach { own: true, ..own.clone() }.sees(&secret));
        let kinds: KindSet = [Kind::Revoked].into_iter().collect();
        assert!(!Reach { kinds, ..own.clone() }.sees(&matter(&["440000"], &[])));
        assert!(Reach { kinds, ..own }.concerns(&matter(&["440000"], &[])));
    }

    #[test]
    fn the_register_is_asked_by_reaches_without_kinds() {
        let kinds: KindSet = [Kind::Designated].into_iter().collect();
        let with = |read: Vec<Reach>, below| Rights { read, below, ..Rights::default() };
        let some = with(vec![Reach { kinds, ..Reach::default() }], None);
        assert!(!some.may_ask_the_register() && !Rights::default().may_ask_the_register());
        assert!(with(vec![Reach::default()], None).may_ask_the_register());
        let below = Some(Arc::new(some));
        assert!(!with(vec![Reach::default()], below).may_ask_the_register());
    }

    #[test]
    fn a_delegate_bounds_the_rights_that_it_gives() {
        let of = |code: &str| Reach { authorities: authorities(&[code]), ..Reach::default() };
        let delegate = Arc::new(Rights { record: vec![of("440000")], ..Rights::default() });
        let wide = Rights {
            record: vec![Reach::everything()],
            read: vec![Reach::everything()],
            below: Some(delegate),
            ..Rights::default()
        };
        assert!(wide.may_record(&matter(&["440000"], &[])));
        assert!(!wide.may_record(&matter(&["330000"], &[])));
        assert!(!wide.may_read(&matter(&["440000"], &[])), "the delegate reads nothing");
        assert!(!wide.reads_everything() && Rights::everything().reads_everything());
    }
}
