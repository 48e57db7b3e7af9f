//! The events that a caller may read.
//!
//! It follows from the event and from earlier ones alone, as its scope does: an event that was seen
//! once is seen as long as the rights stay the same.

use std::sync::Arc;

use roaring::RoaringBitmap;

use super::{postings::Index, scope::Scope};
use crate::{
    domain::{
        access::{AuthoritySet, KindSet, Matter, ProgrammeSet, Reach, Rights, Unseen},
        catalogue::Catalogues,
        kind::Kind,
    },
    register::{
        repairs::Facts,
        rows::{Row, position32},
    },
};

/// The rights of a caller to read, as a search uses them.
#[derive(Clone, Debug)]
pub struct Sight {
    /// The caller's own rights, and those that bound them. An event is seen if a reach of each of
    /// them sees it. None: everything is seen.
    bounds: Vec<Vec<Reach>>,
    hides: bool,
    catalogues: Arc<Catalogues>,
    /// Kinds whose events are of the class `own` by some catalogue, and corrections.
    perhaps_own: KindSet,
}

impl Sight {
    /// The sight of a caller with these rights.
    #[must_use]
    pub fn of(rights: &Rights, catalogues: &Arc<Catalogues>) -> Self {
        let all = std::iter::successors(Some(rights), |rights| rights.below.as_deref());
        let everything = Reach::everything();
        let bounds = all.map(|rights| rights.read.clone());
        let bounds: Vec<_> = bounds.filter(|reaches| !reaches.contains(&everything)).collect();
        let mut perhaps_own = KindSet::default();
        if !bounds.is_empty() {
            let is_own = |kind: &Kind| catalogues.iter().any(|catalogue| catalogue.is_own(*kind));
            perhaps_own = Kind::all().filter(is_own).collect();
            perhaps_own.insert(Kind::Corrected);
        }
        let hides = rights.unseen == Unseen::Hidden && !bounds.is_empty();
        Self { bounds, hides, catalogues: Arc::clone(catalogues), perhaps_own }
    }

    /// The sight of a caller who reads everything.
    #[must_use]
    pub fn everything(catalogues: &Arc<Catalogues>) -> Self {
        Self::of(&Rights::everything(), catalogues)
    }

    /// True if every event is seen.
    #[must_use]
    pub fn sees_all(&self) -> bool {
        self.bounds.is_empty()
    }

    /// True if the place of an event that is not seen does not match either.
    #[must_use]
    pub fn hides(&self) -> bool {
        self.hides
    }

    /// True if every event of the class `public` is seen.
    #[must_use]
    pub fn sees_public(&self) -> bool {
        let public = |reach: &Reach| Reach { own: false, ..reach.clone() } == Reach::default();
        self.bounds.iter().all(|reaches| reaches.iter().any(public))
    }

    /// The sight of a caller who sees what both see, and from whom nothing is hidden that either
    /// would get the place of.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.bounds.extend(other.bounds.iter().cloned());
        self.perhaps_own = KindSet::from_bits(self.perhaps_own.bits() | other.perhaps_own.bits());
        self.hides |= other.hides;
        self
    }

    /// True if an event is seen.
    pub(in crate::register) fn sees(
        &self,
        index: &Index,
        facts: Facts<'_>,
        position: u32,
        row: &Row,
    ) -> bool {
        if self.bounds.is_empty() {
            return true;
        }
        let kind = row.fact.kind.as_kind();
        let scope = index.scope(row.scope);
        let sees = |kind, own| {
            let seen = Seen { scope, position, kind, own };
            self.bounds.iter().all(|all| all.iter().any(|reach| seen.is_within(reach, index)))
        };
        let (inner, own) = self.class_of(facts, position, kind);
        if kind != Kind::Corrected {
            return sees(Some(kind), own);
        }
        sees(Some(kind), own) && sees(inner, own)
    }

    /// True if the fact of an event counts for the caller: everybody knows it, or it is seen.
    pub(in crate::register) fn counts(
        &self,
        index: &Index,
        facts: Facts<'_>,
        position: u32,
        row: &Row,
    ) -> bool {
        let kind = row.fact.kind.as_kind();
        !self.perhaps_own.contains(kind)
            || !self.class_of(facts, position, kind).1
            || self.sees(index, facts, position, row)
    }

    /// The kind that decides about the class of an event, and whether that is `own`. A correction
    /// shows the fact inside it. Where that was erased, it may have been any.
    fn class_of(&self, facts: Facts<'_>, position: u32, kind: Kind) -> (Option<Kind>, bool) {
        let inner = match kind {
            Kind::Corrected => facts.replacement_at(position).map(|(_, fact)| fact.kind.as_kind()),
            kind => Some(kind),
        };
        let catalogue = self.catalogues.at(u64::from(position));
        (inner, inner.is_none_or(|inner| catalogue.is_own(inner)))
    }

    /// True if the caller may know an item of the register that concerns these. It follows from
    /// facts of all kinds, so a reach that names kinds shows none.
    pub(in crate::register) fn knows(&self, matter: &Matter) -> bool {
        let knows = |reach: &Reach| reach.kinds.is_empty() && reach.concerns(matter);
        self.bounds.iter().all(|reaches| reaches.iter().any(knows))
    }

    /// True if the caller may read what concerns these.
    pub(in crate::register) fn reads(&self, matter: &Matter) -> bool {
        self.bounds.iter().all(|reaches| reaches.iter().any(|reach| reach.sees(matter)))
    }

    /// True if an event of a kind may be of the class `own`.
    pub(in crate::register) fn may_be_own(&self, kind: Kind) -> bool {
        self.perhaps_own.contains(kind)
    }

    /// The catalogues of the log.
    pub(in crate::register) fn catalogues(&self) -> &Catalogues {
        &self.catalogues
    }

    /// Sets of which one has every event that is seen; `None` if any event may be.
    pub(super) fn sets<'a>(&self, index: &'a Index) -> Option<Vec<&'a RoaringBitmap>> {
        self.bounds.iter().find_map(|reaches| {
            let sets = reaches.iter().map(|reach| sets_of(reach, index));
            let sets: Option<Vec<_>> = sets.collect();
            sets.map(|sets| sets.concat())
        })
    }

    /// The first position of `from..to` whose event is not seen.
    pub(in crate::register) fn first_unseen(
        &self,
        index: &Index,
        facts: Facts<'_>,
        from: u64,
        to: u64,
    ) -> Option<u64> {
        if self.bounds.is_empty() {
            return None;
        }
        let (mut at, to) = (position32(from), position32(to));
        let candidates = self.sees_public().then(|| index.of_kinds(self.perhaps_own));
        while at < to {
            if let Some(candidates) = &candidates {
                let next = candidates.iter().filter_map(|set| set.range(at..to).next()).min();
                at = next?;
            }
            if facts.row(at).is_some_and(|row| !self.sees(index, facts, at, row)) {
                return Some(u64::from(at));
            }
            at += 1;
        }
        None
    }
}

/// An event, as far as rights look at it.
struct Seen {
    scope: Scope,
    position: u32,
    /// `None` if it was erased.
    kind: Option<Kind>,
    own: bool,
}

impl Seen {
    fn is_within(&self, reach: &Reach, index: &Index) -> bool {
        // The region is looked up where all events of a region are.
        let in_region = |region| {
            let events = index.of_region(region);
            events.is_some_and(|events| events.contains(self.position))
        };
        reach.region.is_none_or(in_region)
            && Reach { region: None, ..reach.clone() }.sees(&Matter {
                authorities: AuthoritySet::from_bits(self.scope.authorities),
                programmes: ProgrammeSet::from_bits(self.scope.programmes),
                regions: smallvec::SmallVec::new(),
                kind: self.kind,
                own: self.own,
            })
    }
}

/// Sets of which one has every event within a reach; `None` if it is bounded by its class alone.
fn sets_of<'a>(reach: &Reach, index: &'a Index) -> Option<Vec<&'a RoaringBitmap>> {
    if let Some(region) = reach.region {
        return Some(index.of_region(region).into_iter().collect());
    }
    if !reach.authorities.is_empty() {
        return Some(index.of_authorities(reach.authorities));
    }
    if !reach.programmes.is_empty() {
        return Some(index.of_programmes(reach.programmes));
    }
    (!reach.kinds.is_empty()).then(|| index.of_kinds(reach.kinds))
}
