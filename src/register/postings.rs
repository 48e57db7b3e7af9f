//! Postings: which events concern an audience, a region or a batch, as compressed sets of positions. They let a question
//! skip what does not match; a designee's own events are chained through its rows.

use hashbrown::HashMap;
use roaring::RoaringBitmap;

use super::{Register, Undo, concern::Reach, texts::Sym};
use crate::domain::RegionCode;

/// Whom events concern that concern the same authorities and programmes and are of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Audience {
    pub(super) authorities: u64,
    pub(super) programmes: u32,
    pub(super) kind: u8,
}

/// An audience by its place. There are some thousands, so a row keeps this instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AudienceIndex(u32);

#[derive(Debug, Default)]
pub(super) struct Postings {
    /// Audiences stay known when their first event is taken back; an empty one matches nothing.
    audiences: Vec<(Audience, RoaringBitmap)>,
    by_audience: HashMap<Audience, AudienceIndex>,
    regions: HashMap<RegionCode, RoaringBitmap>,
    batches: HashMap<Sym, RoaringBitmap>,
}

/// A set of positions other than an audience's.
#[derive(Clone, Copy, Debug)]
pub(super) enum Posting {
    Region(RegionCode),
    Batch(Sym),
}

impl Register {
    /// Posts the next event.
    pub(super) fn post(&mut self, position: u32, kind: u8, reach: &Reach) -> AudienceIndex {
        let Reach { authorities, programmes, regions, batches } = reach;
        let regions = regions.iter().flat_map(|region| region.and_above()).map(Posting::Region);
        for posting in regions.chain(batches.iter().copied().map(Posting::Batch)) {
            // Regions of one event may lie in the same one; a set takes a position once.
            if self.postings.set_mut(posting).insert(position) {
                self.undo.push(Undo::Posted(posting));
            }
        }
        let audience = Audience { authorities: *authorities, programmes: *programmes, kind };
        let index = self.postings.index(audience);
        if let Some(positions) = self.postings.audience_set_mut(index) {
            positions.insert(position);
        }
        index
    }
}

impl Postings {
    fn set_mut(&mut self, posting: Posting) -> &mut RoaringBitmap {
        match posting {
            Posting::Region(region) => self.regions.entry(region).or_default(),
            Posting::Batch(batch) => self.batches.entry(batch).or_default(),
        }
    }

    fn audience_set_mut(&mut self, index: AudienceIndex) -> Option<&mut RoaringBitmap> {
        self.audiences.get_mut(index.0 as usize).map(|(_, positions)| positions)
    }

    fn index(&mut self, audience: Audience) -> AudienceIndex {
        *self.by_audience.entry(audience).or_insert_with(|| {
            // Fewer than there are events.
            let index = u32::try_from(self.audiences.len()).unwrap_or(u32::MAX);
            self.audiences.push((audience, RoaringBitmap::new()));
            AudienceIndex(index)
        })
    }

    /// Takes the newest event out of its audience.
    pub(super) fn take_from_audience(&mut self, index: AudienceIndex) {
        self.audience_set_mut(index).into_iter().for_each(take_newest);
    }

    /// Takes the newest event out of a set, and the set away when nothing is left.
    pub(super) fn take_newest(&mut self, posting: Posting) {
        let positions = self.set_mut(posting);
        take_newest(positions);
        if positions.is_empty() {
            match posting {
                Posting::Region(region) => drop(self.regions.remove(&region)),
                Posting::Batch(batch) => drop(self.batches.remove(&batch)),
            }
        }
    }

    pub(super) fn audience(&self, index: AudienceIndex) -> Audience {
        let nobody = Audience { authorities: 0, programmes: 0, kind: 0 };
        self.audiences.get(index.0 as usize).map_or(nobody, |(audience, _)| *audience)
    }

    /// The positions of every audience that is wanted.
    pub(super) fn of_audiences(
        &self,
        wanted: impl Fn(&Audience) -> bool,
    ) -> impl Iterator<Item = &RoaringBitmap> {
        self.audiences.iter().filter(move |(audience, _)| wanted(audience)).map(|(_, set)| set)
    }

    /// The positions that concern a region or what lies in it.
    pub(super) fn of_region(&self, region: RegionCode) -> Option<&RoaringBitmap> {
        self.regions.get(&region)
    }

    /// The positions that concern a batch of that name.
    pub(super) fn of_batch(&self, batch: Sym) -> Option<&RoaringBitmap> {
        self.batches.get(&batch)
    }
}

fn take_newest(positions: &mut RoaringBitmap) {
    if let Some(newest) = positions.max() {
        positions.remove(newest);
    }
}
