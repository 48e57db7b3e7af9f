//! The legal framework: measures in force, parts of the register declared complete, assessments;
//! and the cultivation pools.
//!
//! Only positions are kept; the facts are read through the repairs of the size that is asked for.

mod instruments;
mod pools;
mod reading;

use hashbrown::HashMap;

pub use self::instruments::MeasuresWanted;
use self::pools::{PoolKey, PoolRecord};
pub(super) use self::{
    instruments::Instrument,
    reading::{PoolsRead, ShelvesRead, Stated},
};
use super::{
    batches::Noted,
    identity::Subjects,
    rows::{FactKindRow, FactRow},
    undo::{UndoLog, pop_from},
};
use crate::domain::{AuthorityCode, CivilDate, RegionCode, event::Part, kind::ProgrammeId};

/// Facts about neither designees nor batches, and the pools.
#[derive(Debug, Default)]
pub(super) struct Framework {
    /// Positions of the facts, oldest first, by the shelf on which they are looked for.
    shelves: HashMap<Shelf, Vec<u32>>,
    /// Number of facts on the shelves.
    count: usize,
    /// Entries into pools, and departures.
    pools: HashMap<PoolKey, PoolRecord>,
    undo: UndoLog<Undo>,
}

/// Facts that are looked for together. So a fact costs its reader the number of its like, and not
/// that of all facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Shelf {
    /// Instruments and repeals of an authority.
    Measures(AuthorityCode),
    /// Declarations of an authority that a part of its register is complete.
    Declarations(AuthorityCode),
    /// Assessments that an authority recorded.
    Assessments(AuthorityCode),
    /// Assessments of a region in a year.
    AssessmentsOf(RegionCode, u16),
}

#[derive(Clone, Copy, Debug)]
enum Undo {
    Fact(Shelf),
    Pool(PoolKey, u32),
}

impl Framework {
    /// Notes a fact of the event at `noted_at` that belongs here. For a replacement, `position` is
    /// the event in whose place it is; otherwise both are the same.
    pub(super) fn apply(&mut self, fact: &FactRow, position: u32, noted_at: u32) {
        let Some(authority) = fact.issuer.authority() else { return };
        match fact.kind {
            FactKindRow::CompletenessDeclared { .. } => {
                self.put(Shelf::Declarations(authority), position);
            }
            FactKindRow::MeasuresIssued { .. } | FactKindRow::MeasuresRepealed { .. } => {
                self.put(Shelf::Measures(authority), position);
            }
            FactKindRow::Assessed { region, year, .. } => {
                self.put(Shelf::Assessments(authority), position);
                self.put(Shelf::AssessmentsOf(region, year), position);
            }
            FactKindRow::PoolEntered { pool, .. } | FactKindRow::PoolLeft { pool } => {
                let key = (authority, pool);
                self.pools.entry(key).or_default().note(Noted { position, noted_at });
                self.undo.push(Undo::Pool(key, noted_at));
            }
            _ => {}
        }
    }

    fn put(&mut self, shelf: Shelf, position: u32) {
        let positions = self.shelves.entry(shelf).or_default();
        // A replacement comes to the place of an earlier event, which may be there already.
        if positions.last().is_some_and(|last| *last >= position) && positions.contains(&position) {
            return;
        }
        positions.push(position);
        self.count += 1;
        self.undo.push(Undo::Fact(shelf));
    }

    /// Number of facts on the shelves. The answers about them change only with it, or with a
    /// repair.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// An end of the undo log to come back to.
    pub(super) fn savepoint(&self) -> usize {
        self.undo.end()
    }

    pub(super) fn rollback_to(&mut self, savepoint: usize) {
        while let Some(step) = self.undo.pop_from(savepoint) {
            match step {
                Undo::Fact(shelf) => {
                    pop_from(&mut self.shelves, shelf);
                    self.count -= 1;
                }
                Undo::Pool(key, noted_at) => {
                    if self.pools.get_mut(&key).is_some_and(|record| record.forget(noted_at)) {
                        self.pools.remove(&key);
                    }
                }
            }
        }
    }

    /// Forgets the way back before a savepoint.
    pub(super) fn commit_before(&mut self, savepoint: usize) {
        self.undo.forget_before(savepoint);
    }
}

/// The framework as of a day, as known at a log size; in a trial with its own facts.
#[derive(Clone, Copy)]
pub(super) struct FrameworkAsOf<'a> {
    framework: &'a Framework,
    layer: Option<&'a Framework>,
    subjects: Subjects<'a>,
    valid_on: CivilDate,
}

impl<'a> FrameworkAsOf<'a> {
    pub(super) fn new(
        framework: &'a Framework,
        subjects: Subjects<'a>,
        valid_on: CivilDate,
    ) -> Self {
        Self { framework, layer: None, subjects, valid_on }
    }

    /// The same framework, with the facts of a trial. The subjects have its layers already.
    pub(super) fn with_layer(self, layer: &'a Framework) -> Self {
        Self { layer: Some(layer), ..self }
    }

    /// Number of facts on a shelf.
    pub(super) fn count_on(self, shelf: Shelf) -> usize {
        self.positions_on(shelf).count()
    }

    /// The facts of a shelf in force, with the events in whose place they are. Those that take
    /// effect after the day are included. Counts in `read` what it reads, as the others do.
    fn facts_on(self, shelf: Shelf, read: &mut usize) -> impl Iterator<Item = Stated> {
        self.positions_on(shelf).filter_map(move |at| self.stated(at, read))
    }

    /// The fact in force in the place of an event, if it is known.
    fn stated(self, position: u32, read: &mut usize) -> Option<Stated> {
        *read += 1;
        let facts = self.subjects.facts();
        if !facts.knows(position) {
            return None;
        }
        let (_, fact, source) = facts.effective(position, read)?;
        Some(Stated { position, source, fact })
    }

    /// The positions on a shelf of the register itself, known or not.
    fn recorded_on(self, shelf: Shelf) -> &'a [u32] {
        self.framework.shelves.get(&shelf).map_or(&[], Vec::as_slice)
    }

    fn positions_on(self, shelf: Shelf) -> impl Iterator<Item = u32> + 'a {
        let facts = self.subjects.facts();
        let recorded = self.recorded_on(shelf).iter().copied();
        let (known, below) = (facts.known_below(), facts.recorded_below());
        let recorded = recorded.filter(move |at| u64::from(*at) < below);
        let of_trial = self.layer.and_then(|layer| layer.shelves.get(&shelf));
        let of_trial = of_trial.into_iter().flatten().copied();
        // A correction of the trial may state a fact of the register once more.
        let shelf = self.recorded_on(shelf);
        let is_new = move |at: &u32| u64::from(*at) >= below || !shelf.contains(at);
        recorded.chain(of_trial.filter(move |at| u64::from(*at) < known && is_new(at)))
    }

    /// The first day on which a part of an authority's register is declared complete; it may be
    /// later than the day of the framework.
    pub(super) fn complete_from(
        self,
        authority: AuthorityCode,
        programme: ProgrammeId,
        part: Part,
        read: &mut usize,
    ) -> Option<CivilDate> {
        let declares = |fact: &FactRow| {
            fact.kind == FactKindRow::CompletenessDeclared { part }
                && fact.issuer == authority
                && fact.programme.is_none_or(|declared| declared == programme)
        };
        let facts = self.facts_on(Shelf::Declarations(authority), read).map(|stated| stated.fact);
        facts.filter(declares).map(|fact| fact.effective).min()
    }

    /// An authority's declaration that covers another one of the same part: of all programmes or
    /// the same one, from its day or an earlier one.
    pub(super) fn covering_declaration(
        self,
        authority: AuthorityCode,
        (programme, part): (Option<ProgrammeId>, Part),
        from: CivilDate,
        read: &mut usize,
    ) -> Option<u32> {
        let covers = |fact: &FactRow| {
            fact.kind == FactKindRow::CompletenessDeclared { part }
                && fact.issuer == authority
                && (fact.programme.is_none() || fact.programme == programme)
                && fact.effective <= from
        };
        let mut stated = self.facts_on(Shelf::Declarations(authority), read);
        stated.find(|stated| covers(&stated.fact)).map(|stated| stated.position)
    }

    /// The position of an assessment of a region and year by an assessor, whatever its day.
    pub(super) fn assessment_of(
        self,
        region: RegionCode,
        year: u16,
        assessor: &str,
        read: &mut usize,
    ) -> Option<u32> {
        let assessor = self.subjects.facts().find_word(assessor)?;
        let same = FactKindRow::Assessed { region, year, assessor };
        let mut all = self.facts_on(Shelf::AssessmentsOf(region, year), read);
        all.find(|stated| stated.fact.kind == same).map(|stated| stated.position)
    }
}
