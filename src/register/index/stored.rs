//! Scopes and sets of positions as bytes.

use std::ops::Range;

use hashbrown::HashMap;
use roaring::RoaringBitmap;
use smallvec::SmallVec;

use super::{
    postings::{Index, set_at},
    scope::{Scope, ScopeBuilder, authority_bit, programme_bit},
};
use crate::{
    domain::{
        AuthorityCode, RegionCode,
        kind::{Kind, ProgrammeId},
    },
    register::{
        rows::{ScopeIndex, Sym},
        stored::{
            Stored, Stream, Unfit, put_all, put_bytes, stored_enum, stored_struct, take_bytes,
        },
    },
};

stored_struct!(Scope { authorities, programmes, kind });

impl Scope {
    /// False if it names an authority, a programme or a kind that there cannot be.
    fn is_known(&self) -> bool {
        let authorities = AuthorityCode::all().map(authority_bit).fold(0, |all, bit| all | bit);
        let programmes = ProgrammeId::all().map(programme_bit).fold(0, |all, bit| all | bit);
        self.authorities & !authorities == 0
            && self.programmes & !programmes == 0
            && Kind::from_number(self.kind.into()).is_some()
    }
}

impl Stored for ScopeBuilder {
    fn put(&self, out: &mut Vec<u8>) {
        self.authorities.put(out);
        self.programmes.put(out);
        put_all(&self.regions, out);
        put_all(&self.batches, out);
    }

    fn get(from: &mut Stream<'_>) -> Result<Self, Unfit> {
        let (authorities, programmes) = (u64::get(from)?, u32::get(from)?);
        let kind = Kind::CatalogueAdopted.number();
        if !(Scope { authorities, programmes, kind }).is_known() {
            return Err(Unfit("a scope names something that there cannot be"));
        }
        let (regions, batches) = (Vec::get(from)?, Vec::get(from)?);
        let (regions, batches) = (SmallVec::from_vec(regions), SmallVec::from_vec(batches));
        Ok(Self { authorities, programmes, regions, batches })
    }
}

/// Names a set of positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::register) enum SetName {
    Authority { place: u8 },
    Programme { place: u8 },
    Kind { place: u8 },
    Region { region: RegionCode },
    Batch { batch: Sym },
}

stored_enum!(SetName {
    0 = Authority { place },
    1 = Programme { place },
    2 = Kind { place },
    3 = Region { region },
    4 = Batch { batch },
});

/// A set of positions that was read.
#[derive(Debug)]
pub(in crate::register) struct SetRead(SetName, RoaringBitmap);

impl Stored for SetRead {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        let mut bytes = Vec::with_capacity(self.1.serialized_size());
        // Writing to memory does not fail.
        let _ = self.1.serialize_into(&mut bytes);
        put_bytes(&bytes, out);
    }

    fn get(from: &mut Stream<'_>) -> Result<Self, Unfit> {
        let (name, size) = (SetName::get(from)?, from.ends().size);
        let mut bytes = take_bytes(from)?;
        let set = RoaringBitmap::deserialize_from(&mut bytes).ok();
        let set = set.filter(|set| bytes.is_empty() && set.max().is_some_and(|last| last < size));
        Ok(Self(name, set.ok_or(Unfit("a set of positions is wrong"))?))
    }
}

impl Index {
    /// Adds the scopes from a place on, at most so many, below an end.
    pub(in crate::register) fn put_scopes(&self, places: Range<usize>, out: &mut Vec<u8>) {
        self.scopes.get(places).unwrap_or_default().iter().for_each(|scope| scope.put(out));
    }

    /// Adds a set of positions, as far as they lie below a size, unless it is empty.
    pub(in crate::register) fn put_set(&self, name: SetName, below: u32, out: &mut Vec<u8>) {
        let set = match name {
            SetName::Authority { place } => self.authorities.get(usize::from(place)),
            SetName::Programme { place } => self.programmes.get(usize::from(place)),
            SetName::Kind { place } => self.kinds.get(usize::from(place)),
            SetName::Region { region } => self.regions.get(&region),
            SetName::Batch { batch } => self.batches.get(&batch),
        };
        let Some(set) = set.filter(|set| set.min().is_some_and(|first| first < below)) else {
            return;
        };
        let mut set = set.clone();
        set.remove_range(below..);
        SetRead(name, set).put(out);
    }

    /// The names of all sets but those of batches.
    pub(in crate::register) fn set_names(&self) -> Vec<SetName> {
        let places = |sets: &[RoaringBitmap]| 0..u8::try_from(sets.len()).unwrap_or(u8::MAX);
        let authorities = places(&self.authorities).map(|place| SetName::Authority { place });
        let programmes = places(&self.programmes).map(|place| SetName::Programme { place });
        let kinds = places(&self.kinds).map(|place| SetName::Kind { place });
        let regions = self.regions.keys().map(|region| SetName::Region { region: *region });
        authorities.chain(programmes).chain(kinds).chain(regions).collect()
    }

    /// The scopes that were read, without any set.
    ///
    /// # Errors
    /// [`Unfit`] if one is there twice, or cannot be.
    pub(in crate::register) fn of_scopes(scopes: Vec<Scope>) -> Result<Self, Unfit> {
        let mut by_scope = HashMap::new();
        for (place, scope) in scopes.iter().enumerate() {
            let is_new = by_scope.insert(*scope, ScopeIndex::of_place(place)).is_none();
            if !(is_new && scope.is_known()) {
                return Err(Unfit("a scope is wrong"));
            }
        }
        let mut index = Self::default();
        (index.scopes, index.by_scope) = (scopes, by_scope);
        Ok(index)
    }

    /// True if there is a scope at every place that an event names.
    pub(in crate::register) fn has_scope(&self, index: ScopeIndex) -> bool {
        index.place() < self.scopes.len()
    }

    /// Takes over a set that was read.
    pub(in crate::register) fn restore_set(&mut self, SetRead(name, set): SetRead) {
        let place = match name {
            SetName::Authority { place } => set_at(&mut self.authorities, place.into()),
            SetName::Programme { place } => set_at(&mut self.programmes, place.into()),
            SetName::Kind { place } => set_at(&mut self.kinds, place.into()),
            SetName::Region { region } => self.regions.entry(region).or_default(),
            SetName::Batch { batch } => self.batches.entry(batch).or_default(),
        };
        *place = set;
    }
}
