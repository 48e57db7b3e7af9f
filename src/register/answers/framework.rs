//! Answers about the legal framework: instruments, assessments, cultivation pools.

use crate::{
    domain::{AuthorityCode, CivilDate, RegionCode, kind::ProgrammeId},
    register::{
        AsOf, Register,
        framework::{Instrument, MeasuresWanted},
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
}

/// A cultivation pool as of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
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

impl Register {
    /// The instruments that match, in the order of the log.
    #[must_use]
    pub fn measures(&self, wanted: &MeasuresWanted, as_of: AsOf) -> Vec<MeasureView> {
        let facts = self.facts(as_of.known_at);
        let view = |instrument: Instrument| MeasureView {
            authority: instrument.fact.issuer.authority(),
            programme: instrument.fact.programme,
            document: self.text(instrument.fact.document).to_owned(),
            in_force_from: instrument.in_force_from,
            in_force_to: instrument.in_force_to,
            in_force: instrument.in_force,
            position: facts.source_of(instrument.position).into(),
            repeal: instrument.repeal.map(|position| facts.source_of(position).into()),
        };
        self.framework_as_of(as_of).instruments(wanted).into_iter().map(view).collect()
    }

    /// The assessments of regions within one, in the order of the log.
    #[must_use]
    pub fn assessments(
        &self,
        under: Option<RegionCode>,
        years: &[u16],
        as_of: AsOf,
    ) -> Vec<AssessmentView> {
        let facts = self.facts(as_of.known_at);
        let all = self.framework_as_of(as_of).assessments();
        all.filter(|(.., region, year)| {
            under.is_none_or(|under| region.is_under(under))
                && (years.is_empty() || years.contains(year))
        })
        .map(|(position, fact, region, year)| AssessmentView {
            authority: fact.issuer.authority(),
            region,
            year,
            position: facts.source_of(position).into(),
        })
        .collect()
    }

    /// The pools of some authorities, or of all if none is given, by authority and id.
    #[must_use]
    pub fn pools(&self, authorities: &[AuthorityCode], as_of: AsOf) -> Vec<PoolView> {
        let wanted = |authority| authorities.is_empty() || authorities.contains(&authority);
        let pools = self.framework_as_of(as_of).pools(wanted);
        let mut views: Vec<_> = pools
            .map(|((authority, pool), entries)| {
                let pool = self.text(pool).to_owned();
                PoolView { authority, pool, entries }
            })
            .collect();
        views.sort_by(|a, b| (a.authority, &a.pool).cmp(&(b.authority, &b.pool)));
        views
    }
}
