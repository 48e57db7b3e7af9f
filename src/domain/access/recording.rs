//! What rights to record and to approve reach: the parts of an event, one by one, and the bound
//! that a part does not keep.
//!
//! A part is the event itself, the one inside a correction, or a fact that a repair touches. Some
//! bounds need the log before the event: the programme of an annulled fact, and the region of a
//! designee for which the event states none. They are left to the one who knows the log.

use smallvec::{SmallVec, smallvec};

use super::{
    right::{Matter, Reach, Rights},
    role::Role,
};
use crate::domain::{
    RegionCode,
    catalogue::Catalogue,
    event::{Event, Fact, TitleFact},
};

/// What a right is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// To record.
    Record,
    /// To approve what another principal records.
    Approve,
}

/// A bound of a right, in the order in which they are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bound {
    /// The role without which no right counts.
    Role,
    /// Authorities.
    Authorities,
    /// Programmes.
    Programmes,
    /// Kinds.
    Kinds,
    /// The region.
    Region,
}

/// A part of a proposed event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The event itself.
    Event,
    /// The event inside a correction.
    Replacement,
    /// A fact that a repair touches.
    Target,
}

/// A part of a proposed event, as far as rights look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which one.
    pub place: Place,
    /// The part.
    pub matter: Matter,
    /// Its programmes follow from the log.
    pub programmes_of_log: bool,
    /// Its regions follow from the log.
    pub regions_of_log: bool,
}

/// The field of a request that rights do not reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beyond {
    /// The field.
    pub field: String,
    /// Its value.
    pub value: String,
}

impl Action {
    /// As errors name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Approve => "approve",
        }
    }

    /// The role that a principal needs for it.
    fn role(self) -> Role {
        match self {
            Self::Record => Role::Recorder,
            Self::Approve => Role::Signer,
        }
    }
}

impl Part {
    /// A part of which nothing follows from the log.
    #[must_use]
    pub fn known(place: Place, matter: Matter) -> Self {
        Self { place, matter, programmes_of_log: false, regions_of_log: false }
    }
}

impl Event {
    /// The parts of which the event itself tells.
    #[must_use]
    pub fn parts(&self) -> SmallVec<[Part; 2]> {
        let mut parts: SmallVec<[Part; 2]> = smallvec![];
        let mut matters = self.matters().into_iter();
        if let Fact::Repair { replacement, .. } = &self.fact {
            if let Some(inner) = replacement
                && let Some(matter) = matters.next()
            {
                let regions_of_log = matter.regions.is_empty() && inner.fact.designee().is_some();
                let part = Part::known(Place::Replacement, matter);
                parts.push(Part { regions_of_log, ..part });
            }
            let of_log = |part| Part { programmes_of_log: true, regions_of_log: true, ..part };
            parts.extend(matters.map(|matter| of_log(Part::known(Place::Event, matter))));
            return parts;
        }
        let is_located = self.fact.designee().is_some();
        parts.extend(matters.map(|matter| {
            let regions_of_log = matter.regions.is_empty() && is_located;
            Part { regions_of_log, ..Part::known(Place::Event, matter) }
        }));
        parts
    }

    /// The field and value of a part that does not keep a bound.
    #[must_use]
    pub fn beyond(
        &self,
        index: usize,
        catalogue: &Catalogue,
        place: Place,
        bound: Bound,
    ) -> Beyond {
        let kind = self.fact.kind().name();
        let (path, part) = match (&self.fact, place) {
            (Fact::Repair { position, .. }, Place::Target) => {
                let field = format!("events[{index}].{kind}.position");
                return Beyond { field, value: position.to_string() };
            }
            (Fact::Repair { replacement: Some(inner), .. }, Place::Replacement) => {
                (format!("events[{index}].{kind}.replacement."), &**inner)
            }
            _ => (format!("events[{index}]."), self),
        };
        let (field, value) = part.bound_field(catalogue, bound);
        Beyond { field: path + &field, value }
    }

    fn bound_field(&self, catalogue: &Catalogue, bound: Bound) -> (String, String) {
        let kind = self.fact.kind().name();
        let within = |field: &str| format!("{kind}.{field}");
        match (bound, &self.fact) {
            (Bound::Role | Bound::Authorities, _) => {
                ("authority".to_owned(), self.issuer.as_str().to_owned())
            }
            (Bound::Programmes, Fact::Title { title, fact: TitleFact::Converted { .. }, .. }) => {
                (within("from_programme"), catalogue.id_of(title.programme).to_owned())
            }
            (Bound::Programmes, Fact::Title { title, .. }) => {
                (within("programme"), catalogue.id_of(title.programme).to_owned())
            }
            (Bound::Programmes, Fact::Batch { batch, .. }) => {
                (within("programme"), catalogue.id_of(batch.programme).to_owned())
            }
            (Bound::Region, Fact::Assessed { region, .. }) => {
                (within("region"), region.to_string())
            }
            (Bound::Region, fact) => {
                let region = fact.listed().and_then(|listed| listed.region);
                match (region, fact.designee()) {
                    (Some(region), _) => (within("profile.registered_region"), region.to_string()),
                    (None, Some(designee)) => ("designee".to_owned(), designee.to_string()),
                    (None, None) => ("authority".to_owned(), self.issuer.as_str().to_owned()),
                }
            }
            (Bound::Programmes | Bound::Kinds, _) => (kind.to_owned(), kind.to_owned()),
        }
    }
}

impl Reach {
    /// The first bound that a part does not keep. Those that follow from the log count only if
    /// `of_log` says that the part has them.
    fn broken_by(&self, part: &Part, of_log: bool) -> Option<Bound> {
        let Part { matter, programmes_of_log, regions_of_log, .. } = part;
        let only = |reach: Self| reach.contains(matter);
        let Self { authorities, region, programmes, kinds, .. } = *self;
        if !only(Self { authorities, ..Self::default() }) {
            return Some(Bound::Authorities);
        }
        if (of_log || !programmes_of_log) && !only(Self { programmes, ..Self::default() }) {
            return Some(Bound::Programmes);
        }
        if !only(Self { kinds, ..Self::default() }) {
            return Some(Bound::Kinds);
        }
        let is_within = only(Self { region, ..Self::default() });
        ((of_log || !regions_of_log) && !is_within).then_some(Bound::Region)
    }
}

impl Rights {
    /// The bound that a part of an event does not keep. Of several reaches, the one that comes
    /// nearest counts.
    #[must_use]
    pub fn broken_by(&self, action: Action, part: &Part, of_log: bool) -> Option<Bound> {
        if !self.has(action.role()) {
            return Some(Bound::Role);
        }
        self.reaches_broken_by(action, part, of_log)
    }

    fn reaches_broken_by(&self, action: Action, part: &Part, of_log: bool) -> Option<Bound> {
        let mut nearest = Bound::Role;
        let mut is_reached = false;
        for reach in self.reaches(action) {
            match reach.broken_by(part, of_log) {
                None => is_reached = true,
                Some(bound) => nearest = nearest.max(bound),
            }
        }
        if !is_reached {
            return Some(nearest);
        }
        self.below.as_ref().and_then(|below| below.reaches_broken_by(action, part, of_log))
    }

    /// True if it may record everything, so that nothing need be looked at.
    #[must_use]
    pub fn records_everything(&self) -> bool {
        self.has(Role::Recorder)
            && self.every_reach(&|reaches| {
                reaches
                    .iter()
                    .any(|reach| Reach { own: true, ..reach.clone() } == Reach::everything())
            })
    }

    /// True if some reach names a region.
    #[must_use]
    pub fn names_regions(&self, action: Action) -> bool {
        let named = self.reaches(action).iter().any(|reach| reach.region.is_some());
        named || self.below.as_ref().is_some_and(|below| below.names_regions(action))
    }

    fn every_reach(&self, test: &impl Fn(&[Reach]) -> bool) -> bool {
        test(&self.record) && self.below.as_ref().is_none_or(|below| below.every_reach(test))
    }

    fn reaches(&self, action: Action) -> &[Reach] {
        match action {
            Action::Record => &self.record,
            Action::Approve => &self.approve,
        }
    }
}

impl Matter {
    /// The same, in a region.
    #[must_use]
    pub fn located(mut self, region: Option<RegionCode>) -> Self {
        self.regions.extend(region);
        self
    }
}
