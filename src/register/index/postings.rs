//! Postings: the events that concern an authority, a programme, a region or a batch, or are of a
//! kind, as compressed sets of positions. With them a search skips events that cannot match. The
//! events of a designee are chained through its rows.
//!
//! There are no sets of the scopes themselves: co-issuers make a scope of nearly every combination
//! of authorities, and a search would look into the set of each.

use hashbrown::HashMap;
use roaring::RoaringBitmap;

use super::{
    Terms,
    scope::{Scope, ScopeBuilder},
};
use crate::{
    domain::{
        RegionCode,
        access::{AuthoritySet, KindSet, ProgrammeSet},
        event::Fact,
    },
    register::{
        identity::{IdentityCluster, Subjects},
        rows::{self, DesigneeIndex, FactRow, Rows, ScopeIndex, Sym},
        undo::UndoLog,
        versions::FoldRules,
    },
};

/// The sets of positions by which events are found.
#[derive(Debug, Default)]
pub(in crate::register) struct Index {
    /// In order of appearance. Each has at least one event.
    pub(super) scopes: Vec<Scope>,
    pub(super) by_scope: HashMap<Scope, ScopeIndex>,
    /// By the bits of scopes.
    pub(super) authorities: Vec<RoaringBitmap>,
    pub(super) programmes: Vec<RoaringBitmap>,
    /// By the numbers of kinds.
    pub(super) kinds: Vec<RoaringBitmap>,
    pub(super) regions: HashMap<RegionCode, RoaringBitmap>,
    pub(super) batches: HashMap<Sym, RoaringBitmap>,
    /// Steps back since the last commit. The events of scopes are missing: the rows tell these.
    undo: UndoLog<Undo>,
    /// Room that is used again while a scope is found; it holds nothing between two events.
    scratch: IdentityCluster,
}

/// A set of positions other than a scope's.
#[derive(Clone, Copy, Debug)]
enum Posting {
    Region(RegionCode),
    Batch(Sym),
}

#[derive(Clone, Copy, Debug)]
enum Undo {
    Posting(Posting),
    /// The last scope is new.
    Scope,
}

impl Index {
    /// Adds to a scope what follows from a designee's earlier events.
    pub(in crate::register) fn add_designee(
        &mut self,
        scope: &mut ScopeBuilder,
        subjects: Subjects<'_>,
        index: DesigneeIndex,
        fact: &Fact,
        row: &FactRow,
        rules: FoldRules,
    ) {
        scope.add_designee(&mut self.scratch, subjects, index, fact, row, rules);
    }

    /// Adds to a scope that of the event at a position.
    pub(in crate::register) fn add_event(
        &self,
        scope: &mut ScopeBuilder,
        rows: &Rows,
        position: u32,
    ) {
        if let Some(row) = rows.get(position) {
            scope.add_recorded(self.scope(row.scope), &row.fact);
        }
    }

    /// Posts the next event.
    pub(in crate::register) fn apply(
        &mut self,
        position: u32,
        kind: u8,
        scope: &ScopeBuilder,
    ) -> ScopeIndex {
        let regions = scope.regions().iter().flat_map(|region| region.and_above());
        let batches = scope.batches().iter().copied().map(Posting::Batch);
        for posting in regions.map(Posting::Region).chain(batches) {
            // Regions of one event may share a region above; a set takes a position once.
            if self.set_mut(posting).insert(position) {
                self.undo.push(Undo::Posting(posting));
            }
        }
        let scope = scope.scope(kind);
        self.each_set_of(scope, |positions| {
            positions.insert(position);
        });
        self.intern(scope)
    }

    fn set_mut(&mut self, posting: Posting) -> &mut RoaringBitmap {
        match posting {
            Posting::Region(region) => self.regions.entry(region).or_default(),
            Posting::Batch(batch) => self.batches.entry(batch).or_default(),
        }
    }

    /// Changes each set that an event of a scope is in.
    fn each_set_of(&mut self, scope: Scope, change: impl Fn(&mut RoaringBitmap)) {
        let mut authorities = scope.authorities;
        while authorities != 0 {
            change(set_at(&mut self.authorities, authorities.trailing_zeros()));
            authorities &= authorities - 1;
        }
        let mut programmes = scope.programmes;
        while programmes != 0 {
            change(set_at(&mut self.programmes, programmes.trailing_zeros()));
            programmes &= programmes - 1;
        }
        change(set_at(&mut self.kinds, scope.kind.into()));
    }

    fn intern(&mut self, scope: Scope) -> ScopeIndex {
        *self.by_scope.entry(scope).or_insert_with(|| {
            let index = ScopeIndex::of_place(self.scopes.len());
            self.scopes.push(scope);
            self.undo.push(Undo::Scope);
            index
        })
    }

    /// An end of the undo log to come back to.
    pub(in crate::register) fn savepoint(&self) -> usize {
        self.undo.end()
    }

    /// Undoes everything since a savepoint. The rows since then are still there.
    pub(in crate::register) fn rollback_to(
        &mut self,
        savepoint: usize,
        rows: &Rows,
        since: &rows::Savepoint,
    ) {
        for row in rows.since(since) {
            self.each_set_of(self.scope(row.scope), remove_newest);
        }
        for sets in [&mut self.authorities, &mut self.programmes, &mut self.kinds] {
            while sets.pop_if(|last| last.is_empty()).is_some() {}
        }
        while let Some(step) = self.undo.pop_from(savepoint) {
            match step {
                Undo::Posting(posting) => self.step_back(posting),
                Undo::Scope => {
                    let last = self.scopes.pop();
                    last.map(|scope| self.by_scope.remove(&scope));
                }
            }
        }
    }

    /// Removes the newest event from a set, and the set when it is empty.
    fn step_back(&mut self, posting: Posting) {
        let positions = self.set_mut(posting);
        remove_newest(positions);
        if positions.is_empty() {
            match posting {
                Posting::Region(region) => drop(self.regions.remove(&region)),
                Posting::Batch(batch) => drop(self.batches.remove(&batch)),
            }
        }
    }

    /// Forgets the way back before a savepoint.
    pub(in crate::register) fn commit_before(&mut self, savepoint: usize) {
        self.undo.forget_before(savepoint);
    }

    /// The regions and batches of an event, without the regions that contain another one of them.
    pub(in crate::register) fn posted(&self, position: u32) -> (Vec<RegionCode>, Vec<Sym>) {
        let regions = self.regions.iter().filter(|(_, set)| set.contains(position));
        let mut regions: Vec<_> = regions.map(|(region, _)| *region).collect();
        let all = regions.clone();
        let contains = |region: RegionCode, other: &RegionCode| {
            *other != region && other.and_above().any(|above| above == region)
        };
        regions.retain(|region| !all.iter().any(|other| contains(*region, other)));
        regions.sort_unstable();
        let batches = self.batches.iter().filter(|(_, set)| set.contains(position));
        (regions, batches.map(|(batch, _)| *batch).collect())
    }

    /// The positions of events that another index posts otherwise. `word` gives the symbol of a
    /// batch there.
    pub(in crate::register) fn differences(
        &self,
        other: &Self,
        word: impl Fn(Sym) -> Option<Sym>,
        word_back: impl Fn(Sym) -> Option<Sym>,
    ) -> RoaringBitmap {
        let mut all = RoaringBitmap::new();
        let none = RoaringBitmap::new();
        for (one, two) in [
            (&self.authorities, &other.authorities),
            (&self.programmes, &other.programmes),
            (&self.kinds, &other.kinds),
        ] {
            for place in 0..one.len().max(two.len()) {
                all |= one.get(place).unwrap_or(&none) ^ two.get(place).unwrap_or(&none);
            }
        }
        for region in self.regions.keys().chain(other.regions.keys()) {
            let (one, two) = (self.regions.get(region), other.regions.get(region));
            all |= one.unwrap_or(&none) ^ two.unwrap_or(&none);
        }
        for (batch, set) in &self.batches {
            let there = word(*batch).and_then(|batch| other.batches.get(&batch));
            all |= set ^ there.unwrap_or(&none);
        }
        for (batch, set) in &other.batches {
            let here = word_back(*batch).and_then(|batch| self.batches.get(&batch));
            all |= set ^ here.unwrap_or(&none);
        }
        all
    }

    pub(in crate::register) fn scope(&self, index: ScopeIndex) -> Scope {
        self.scopes.get(index.place()).copied().unwrap_or_default()
    }

    /// For each term that narrows the scope, the sets of which one has every event that matches it.
    pub(super) fn of_terms(&self, terms: &Terms) -> impl Iterator<Item = Vec<&RoaringBitmap>> {
        let (authorities, programmes) = (terms.authorities.into(), terms.programmes.into());
        let fields = [
            (authorities, &self.authorities),
            (programmes, &self.programmes),
            (terms.kinds, &self.kinds),
        ];
        let narrowing = fields.into_iter().filter(|(wanted, _)| *wanted != 0);
        narrowing.map(|(wanted, sets)| wanted_of(wanted, sets))
    }

    /// The sets of some authorities.
    pub(super) fn of_authorities(&self, wanted: AuthoritySet) -> Vec<&RoaringBitmap> {
        wanted_of(wanted.bits().into(), &self.authorities)
    }

    /// The sets of some programmes.
    pub(super) fn of_programmes(&self, wanted: ProgrammeSet) -> Vec<&RoaringBitmap> {
        wanted_of(wanted.bits().into(), &self.programmes)
    }

    /// The sets of some kinds.
    pub(super) fn of_kinds(&self, wanted: KindSet) -> Vec<&RoaringBitmap> {
        wanted_of(wanted.bits(), &self.kinds)
    }

    /// The positions of events that concern a region, or a region within it.
    pub(in crate::register) fn of_region(&self, region: RegionCode) -> Option<&RoaringBitmap> {
        self.regions.get(&region)
    }

    /// The positions of events that concern a batch of that name.
    pub(super) fn of_batch(&self, batch: Sym) -> Option<&RoaringBitmap> {
        self.batches.get(&batch)
    }
}

/// The sets at the places of some bits.
fn wanted_of(wanted: u128, sets: &[RoaringBitmap]) -> Vec<&RoaringBitmap> {
    let is_wanted = |bit: u32| wanted & 1_u128.unbounded_shl(bit) != 0;
    (0..).zip(sets).filter(|(bit, _)| is_wanted(*bit)).map(|(_, set)| set).collect()
}

/// The set at a place, made on first mention.
pub(super) fn set_at(sets: &mut Vec<RoaringBitmap>, place: u32) -> &mut RoaringBitmap {
    let place = place as usize;
    if sets.len() <= place {
        sets.resize_with(place + 1, RoaringBitmap::new);
    }
    #[allow(clippy::indexing_slicing)] // it is there now
    &mut sets[place]
}

fn remove_newest(positions: &mut RoaringBitmap) {
    if let Some(newest) = positions.max() {
        positions.remove(newest);
    }
}
