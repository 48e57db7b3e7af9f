//! The legal framework: measures in force, parts of the register declared complete, assessments;
//! and the cultivation pools.
//!
//! Only positions are kept; the facts are read through the repairs of the size that is asked for.

mod instruments;
mod pools;

use hashbrown::HashMap;

pub(super) use self::instruments::Instrument;
pub use self::instruments::MeasuresWanted;
use super::{
    identity::Subjects,
    rows::{FactKindRow, FactRow, Sym},
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
    /// Positions of entries into pools and of departures.
    pools: HashMap<(AuthorityCode, Sym), Vec<u32>>,
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
    Pool(AuthorityCode, Sym),
}

impl Framework {
    /// Notes a fact that belongs here. For a replacement, `position` is the event in whose place it
    /// is.
    pub(super) fn apply(&mut self, fact: &FactRow, position: u32) {
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
                self.pools.entry((authority, pool)).or_default().push(position);
                self.undo.push(Undo::Pool(authority, pool));
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
                Undo::Pool(authority, pool) => {
                    pop_from(&mut self.pools, (authority, pool));
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

    /// Number of instruments and repeals.
    pub(super) fn measures_count(self) -> usize {
        AuthorityCode::all().map(|authority| self.count_on(Shelf::Measures(authority))).sum()
    }

    /// The facts of a shelf in force, with the events in whose place they are. Those that take
    /// effect after the day are included.
    fn facts_on(self, shelf: Shelf) -> impl Iterator<Item = (u32, FactRow)> + 'a {
        let facts = self.subjects.facts();
        let known = self.positions_on(shelf);
        known.filter_map(move |at| facts.effective_fact(at).map(|(_, fact)| (at, fact)))
    }

    fn positions_on(self, shelf: Shelf) -> impl Iterator<Item = u32> + 'a {
        let facts = self.subjects.facts();
        let recorded = self.framework.shelves.get(&shelf).into_iter().flatten().copied();
        let (known, below) = (facts.known_below(), facts.recorded_below());
        let recorded = recorded.filter(move |at| u64::from(*at) < below);
        let of_trial = self.layer.and_then(|layer| layer.shelves.get(&shelf));
        let of_trial = of_trial.into_iter().flatten().copied();
        recorded.chain(of_trial.filter(move |at| u64::from(*at) < known))
    }

    /// As [`FrameworkAsOf::facts_on`], for several shelves, in the order of the log.
    fn facts_in_order(self, shelves: impl Iterator<Item = Shelf>) -> Vec<(u32, FactRow)> {
        let mut facts: Vec<_> = shelves.flat_map(|shelf| self.facts_on(shelf)).collect();
        facts.sort_unstable_by_key(|(position, _)| *position);
        facts.dedup_by_key(|(position, _)| *position);
        facts
    }

    /// True if a part of an authority's register is declared complete.
    pub(super) fn is_complete(
        self,
        authority: AuthorityCode,
        programme: ProgrammeId,
        part: Part,
    ) -> bool {
        let from = self.complete_from(authority, programme, part);
        from.is_some_and(|from| from <= self.valid_on)
    }

    /// The first day on which a part of an authority's register is declared complete; it may be
    /// later than the day of the framework.
    pub(super) fn complete_from(
        self,
        authority: AuthorityCode,
        programme: ProgrammeId,
        part: Part,
    ) -> Option<CivilDate> {
        let declares = |fact: &FactRow| {
            fact.kind == FactKindRow::CompletenessDeclared { part }
                && fact.issuer == authority
                && fact.programme.is_none_or(|declared| declared == programme)
        };
        let facts = self.facts_on(Shelf::Declarations(authority)).map(|(_, fact)| fact);
        facts.filter(declares).map(|fact| fact.effective).min()
    }

    /// The assessments in effect, in the order of the log, with the events in whose place they are:
    /// position, fact, region and year.
    pub(super) fn assessments(self) -> impl Iterator<Item = (u32, FactRow, RegionCode, u16)> {
        let all = self.facts_in_order(AuthorityCode::all().map(Shelf::Assessments));
        all.into_iter().filter_map(move |(position, fact)| match fact.kind {
            FactKindRow::Assessed { region, year, .. } if fact.effective <= self.valid_on => {
                Some((position, fact, region, year))
            }
            _ => None,
        })
    }

    /// The position of an assessment of a region and year by an assessor, whatever its day.
    pub(super) fn assessment_of(
        self,
        region: RegionCode,
        year: u16,
        assessor: &str,
    ) -> Option<u32> {
        let assessor = self.subjects.facts().find_word(assessor)?;
        let same = FactKindRow::Assessed { region, year, assessor };
        let mut all = self.facts_on(Shelf::AssessmentsOf(region, year));
        all.find(|(_, fact)| fact.kind == same).map(|(position, _)| position)
    }
}
