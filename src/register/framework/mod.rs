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
    /// Positions of the facts, oldest first.
    facts: Vec<u32>,
    /// Positions of entries into pools and of departures.
    pools: HashMap<(AuthorityCode, Sym), Vec<u32>>,
    undo: UndoLog<Undo>,
}

#[derive(Clone, Copy, Debug)]
enum Undo {
    Fact,
    Pool(AuthorityCode, Sym),
}

impl Framework {
    /// Notes a fact that belongs here. For a replacement, `position` is the event in whose place it
    /// is.
    pub(super) fn apply(&mut self, fact: &FactRow, position: u32) {
        match fact.kind {
            FactKindRow::CatalogueAdopted
            | FactKindRow::CompletenessDeclared { .. }
            | FactKindRow::MeasuresIssued { .. }
            | FactKindRow::MeasuresRepealed { .. }
            | FactKindRow::Assessed { .. } => {
                self.facts.push(position);
                self.undo.push(Undo::Fact);
            }
            FactKindRow::PoolEntered { pool, .. } | FactKindRow::PoolLeft { pool } => {
                let Some(authority) = fact.issuer.authority() else { return };
                self.pools.entry((authority, pool)).or_default().push(position);
                self.undo.push(Undo::Pool(authority, pool));
            }
            _ => {}
        }
    }

    /// Number of facts recorded. The answers about them change only with it, or with a repair.
    pub(super) fn count(&self) -> usize {
        self.facts.len()
    }

    /// An end of the undo log to come back to.
    pub(super) fn savepoint(&self) -> usize {
        self.undo.end()
    }

    pub(super) fn rollback_to(&mut self, savepoint: usize) {
        while let Some(step) = self.undo.pop_from(savepoint) {
            match step {
                Undo::Fact => drop(self.facts.pop()),
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

    /// The facts in force, with the events in whose place they are. Those that take effect after
    /// the day are included.
    fn facts(self) -> impl Iterator<Item = (u32, FactRow)> + 'a {
        let facts = self.subjects.facts();
        let recorded = self.framework.facts.iter().copied();
        let recorded = recorded.filter(move |at| facts.knows_recorded(*at));
        let of_trial = self.layer.map_or(&[][..], |layer| &layer.facts).iter().copied();
        let known = recorded.chain(of_trial.filter(move |at| facts.knows(*at)));
        known.filter_map(move |at| facts.effective_fact(at).map(|(_, fact)| (at, fact)))
    }

    /// True if a part of an authority's register is declared complete.
    pub(super) fn is_complete(
        self,
        authority: AuthorityCode,
        programme: ProgrammeId,
        part: Part,
    ) -> bool {
        let declares = |fact: &FactRow| {
            fact.kind == FactKindRow::CompletenessDeclared { part }
                && fact.issuer == authority
                && fact.programme.is_none_or(|declared| declared == programme)
                && fact.effective <= self.valid_on
        };
        self.facts().any(|(_, fact)| declares(&fact))
    }

    /// The assessments in effect, with the events in whose place they are: position, fact, region
    /// and year.
    pub(super) fn assessments(self) -> impl Iterator<Item = (u32, FactRow, RegionCode, u16)> + 'a {
        self.facts().filter_map(move |(position, fact)| match fact.kind {
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
        self.facts().find(|(_, fact)| fact.kind == same).map(|(position, _)| position)
    }
}
