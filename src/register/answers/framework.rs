//! Answers about the legal framework: instruments, assessments, cultivation pools.

use std::sync::Arc;

use hashbrown::HashMap;

use super::reading::Reading;
use crate::{
    domain::{AuthorityCode, CivilDate, RegionCode, kind::ProgrammeId},
    register::{
        AsOf, DesigneeIndex, Layers, Register, Seen, Sight,
        framework::{Instrument, MeasuresWanted, PoolsRead, Shelf, ShelvesRead},
        rows::{FactKindRow, FactRow},
    },
};

/// A legal instrument as of a day. Its words are in the event.
#[derive(Clone, Debug)]
pub struct MeasureView {
    /// The issuer.
    pub authority: Option<AuthorityCode>,
    /// The programme it governs; `None` if it governs the whole system.
    pub programme: Option<ProgrammeId>,
    /// Its document number.
    pub document: String,
    /// First day in force.
    pub in_force_from: CivilDate,
    /// Last day in force; `None` if no end is known.
    pub in_force_to: Option<CivilDate>,
    /// True if it is in force on the day.
    pub in_force: bool,
    /// Position of the event in force: the issue, or its correction.
    pub position: u64,
    /// Position of its repeal.
    pub repeal: Option<u64>,
    /// Positions of its amendments, the first ones in the order of the log.
    pub amended_by: Vec<u64>,
}

/// A cultivation pool as of a day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PoolView {
    /// The authority that runs it.
    pub authority: AuthorityCode,
    /// Its id.
    pub pool: String,
    /// Number of subjects in it.
    pub entries: u64,
}

/// An assessment. Its indicators are in the event.
#[derive(Clone, Debug)]
pub struct AssessmentView {
    /// The authority that recorded it.
    pub authority: Option<AuthorityCode>,
    /// The region.
    pub region: RegionCode,
    /// The year.
    pub year: u16,
    /// Position of the event in force: the assessment, or its correction.
    pub position: u64,
}

/// Instruments that are being read in slices, each under one hold of the register.
#[derive(Debug)]
pub struct MeasuresReading {
    wanted: MeasuresWanted,
    read: ShelvesRead,
    sight: Option<Arc<Sight>>,
}

/// Instruments that were read, without their words.
#[derive(Debug)]
pub struct MeasuresRead {
    wanted: MeasuresWanted,
    instruments: Vec<Instrument>,
    sight: Option<Arc<Sight>>,
}

/// Assessments that are being read in slices, each under one hold of the register.
#[derive(Debug)]
pub struct AssessmentsReading {
    under: Option<RegionCode>,
    years: Vec<u16>,
    read: ShelvesRead,
    sight: Option<Arc<Sight>>,
}

/// Pools whose entries are being read in slices, each under one hold of the register.
#[derive(Debug)]
pub struct PoolsReading {
    pub(super) read: PoolsRead,
    sight: Option<Arc<Sight>>,
    /// Whether the caller may know a subject. Many events name one subject.
    shown: HashMap<DesigneeIndex, bool>,
}

impl Register {
    /// The instruments that match, in the order of the log.
    #[must_use]
    pub fn measures(&self, wanted: &MeasuresWanted, as_of: AsOf) -> Vec<MeasureView> {
        let mut reading = MeasuresReading::new(wanted.clone(), as_of);
        while reading.advance(self, usize::MAX) {}
        reading.sum_up().views(self)
    }

    /// The assessments of regions within one, in the order of the log.
    #[must_use]
    pub fn assessments(
        &self,
        under: Option<RegionCode>,
        years: &[u16],
        as_of: AsOf,
    ) -> Vec<AssessmentView> {
        let mut reading = AssessmentsReading::new(under, years.to_vec(), as_of);
        while reading.advance(self, usize::MAX) {}
        reading.views()
    }

    /// The pools of some authorities, or of all if none is given, by authority and id.
    #[must_use]
    pub fn pools(&self, authorities: &[AuthorityCode], as_of: AsOf) -> Vec<PoolView> {
        let mut reading = self.read_pools(authorities, as_of);
        while reading.advance(self, usize::MAX) {}
        let mut views = reading.views(self);
        views.sort_unstable();
        views
    }

    /// Begins to read pools; see [`Register::pools`].
    #[must_use]
    pub fn read_pools(&self, authorities: &[AuthorityCode], as_of: AsOf) -> PoolsReading {
        self.as_seen(None).read_pools(authorities, as_of)
    }
}

impl Seen<'_> {
    /// As [`Register::read_pools`], of those that the caller may know.
    #[must_use]
    pub fn read_pools(&self, authorities: &[AuthorityCode], as_of: AsOf) -> PoolsReading {
        let layers = Layers::from(self);
        let wanted = |authority| {
            (authorities.is_empty() || authorities.contains(&authority))
                && layers.sight().is_none_or(|sight| sight.shows_pools(authority))
        };
        let read = PoolsRead::begin(layers.framework_as_of(as_of), wanted, as_of);
        PoolsReading::new(read, self.sight.cloned())
    }
}

impl MeasuresReading {
    /// Begins to read the instruments that match.
    #[must_use]
    pub fn new(wanted: MeasuresWanted, as_of: AsOf) -> Self {
        let read = ShelvesRead::new(MeasuresWanted::shelves(), as_of);
        Self { wanted, read, sight: None }
    }

    /// The same, within the bounds of a caller.
    #[must_use]
    pub fn within(self, sight: Option<Arc<Sight>>) -> Self {
        Self { sight, ..self }
    }

    /// Reads about `most` more facts; true if some are left.
    pub fn advance(&mut self, register: &Register, most: usize) -> bool {
        let seen = register.as_seen(self.sight.as_ref());
        self.read.advance(Layers::from(&seen).framework_as_of(self.read.as_of), most)
    }

    /// Sums up what was read. This needs no register.
    #[must_use]
    pub fn sum_up(self) -> MeasuresRead {
        let Self { wanted, read, sight } = self;
        let valid_on = read.as_of.valid_on;
        let instruments = wanted.instruments(read.in_order(), valid_on);
        MeasuresRead { wanted, instruments, sight }
    }
}

impl MeasuresRead {
    /// The instruments in the order of the log.
    #[must_use]
    pub fn views(self, register: &Register) -> Vec<MeasureView> {
        let Self { wanted, instruments, sight } = self;
        let seen = register.as_seen(sight.as_ref());
        let readable = |position: u32| Some(u64::from(position)).filter(|at| seen.may_read(*at));
        let view = |instrument: Instrument| MeasureView {
            authority: instrument.fact.issuer.authority(),
            programme: instrument.fact.programme,
            document: register.text(instrument.fact.document).to_owned(),
            in_force_from: instrument.in_force_from,
            in_force_to: instrument.in_force_to,
            in_force: instrument.in_force,
            position: instrument.source.into(),
            repeal: instrument.repeal.and_then(readable),
            amended_by: instrument.amended_by.into_iter().filter_map(readable).collect(),
        };
        let is_shown = |fact: &FactRow| {
            let issuer = fact.issuer.authority();
            let seat = issuer.and_then(AuthorityCode::seat);
            sight.as_ref().is_none_or(|sight| sight.shows(issuer, fact.programme, seat))
        };
        let is_wanted = |instrument: &Instrument| {
            wanted.are_among(register.text(instrument.bodies)) && is_shown(&instrument.fact)
        };
        instruments.into_iter().filter(is_wanted).map(view).collect()
    }
}

impl AssessmentsReading {
    /// Begins to read the assessments of some years, or of all if none is given, of regions within
    /// one.
    #[must_use]
    pub fn new(under: Option<RegionCode>, years: Vec<u16>, as_of: AsOf) -> Self {
        let shelves = AuthorityCode::all().map(Shelf::Assessments);
        Self { under, years, read: ShelvesRead::new(shelves, as_of), sight: None }
    }

    /// The same, within the bounds of a caller.
    #[must_use]
    pub fn within(self, sight: Option<Arc<Sight>>) -> Self {
        Self { sight, ..self }
    }

    /// Reads about `most` more facts; true if some are left.
    pub fn advance(&mut self, register: &Register, most: usize) -> bool {
        let seen = register.as_seen(self.sight.as_ref());
        self.read.advance(Layers::from(&seen).framework_as_of(self.read.as_of), most)
    }

    /// The assessments in the order of the log. This needs no register.
    #[must_use]
    pub fn views(self) -> Vec<AssessmentView> {
        let Self { under, years, read, sight } = self;
        let valid_on = read.as_of.valid_on;
        let views = read.in_order().into_iter().filter_map(|stated| {
            let FactKindRow::Assessed { region, year, .. } = stated.fact.kind else { return None };
            let issuer = stated.fact.issuer.authority();
            let is_shown = |sight: &Arc<Sight>| sight.shows(issuer, None, Some(region));
            let matches = stated.fact.effective <= valid_on
                && sight.as_ref().is_none_or(is_shown)
                && under.is_none_or(|under| region.is_under(under))
                && (years.is_empty() || years.contains(&year));
            let (authority, position) = (issuer, stated.source.into());
            matches.then_some(AssessmentView { authority, region, year, position })
        });
        views.collect()
    }
}

impl PoolsReading {
    pub(super) fn new(read: PoolsRead, sight: Option<Arc<Sight>>) -> Self {
        Self { read, sight, shown: HashMap::new() }
    }

    /// Reads about `most` more facts; true if some are left.
    pub fn advance(&mut self, register: &Register, most: usize) -> bool {
        let Self { read, sight, shown } = self;
        let seen = register.as_seen(sight.as_ref());
        let (as_of, layers) = (read.as_of, Layers::from(&seen));
        let framework = layers.framework_as_of(as_of);
        let Some(sight) = layers.sight().filter(|sight| !sight.shows_all()) else {
            return read.advance(framework, most, |_, _| true);
        };
        let mut reading = Reading::new(layers, sight.catalogues(), as_of);
        read.advance(framework, most, |subject, read| {
            *shown.entry(subject).or_insert_with(|| {
                reading.read_one(subject);
                *read += reading.cluster.facts_read();
                reading.is_shown()
            })
        })
    }

    /// The pools that were read, in any order.
    #[must_use]
    pub fn views(&self, register: &Register) -> Vec<PoolView> {
        let pools = self.read.counted().iter().map(|((authority, pool), entries)| {
            let (authority, entries) = (*authority, *entries);
            PoolView { authority, pool: register.text(*pool).to_owned(), entries }
        });
        pools.collect()
    }
}
