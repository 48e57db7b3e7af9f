//! Legal instruments: which were issued, and until when each is in force.

use super::FrameworkAsOf;
use crate::{
    domain::{AuthorityCode, CivilDate, kind::ProgrammeId},
    register::rows::{FactKindRow, FactRow, Link, Sym},
};

/// The instruments that a question asks for.
#[derive(Clone, Debug, Default)]
pub struct MeasuresWanted {
    /// Issuers; empty: all.
    pub authorities: Vec<AuthorityCode>,
    /// Programmes; empty: all. An instrument for the whole system matches every programme.
    pub programmes: Vec<ProgrammeId>,
    /// Only those in force on the day.
    pub in_force_only: bool,
}

/// An instrument as of a day.
#[derive(Clone, Copy, Debug)]
pub(in crate::register) struct Instrument {
    pub(in crate::register) position: u32,
    pub(in crate::register) fact: FactRow,
    pub(in crate::register) in_force_from: CivilDate,
    pub(in crate::register) in_force_to: Option<CivilDate>,
    pub(in crate::register) in_force: bool,
    /// Position of its repeal.
    pub(in crate::register) repeal: Option<u32>,
}

/// The repeal of an instrument, which it names by its event or by its document.
struct Repeal {
    position: u32,
    fact: FactRow,
    target: Link,
    document: Sym,
}

impl Repeal {
    fn is_of(&self, position: u32, instrument: &FactRow) -> bool {
        let same_document = self.target.position().is_none()
            && !self.document.is_empty()
            && self.document == instrument.document;
        (self.target == Link::to(position) || same_document)
            && self.fact.issuer == instrument.issuer
    }
}

impl MeasuresWanted {
    fn matches(&self, instrument: &FactRow) -> bool {
        let governs = |wanted: &ProgrammeId| instrument.programme.is_none_or(|own| own == *wanted);
        let wants = |authority| self.authorities.contains(&authority);
        (self.authorities.is_empty() || instrument.issuer.authority().is_some_and(wants))
            && (self.programmes.is_empty() || self.programmes.iter().any(governs))
    }
}

impl FrameworkAsOf<'_> {
    /// True if an instrument of the authority governs the programme.
    pub(in crate::register) fn has_measures(
        self,
        authority: AuthorityCode,
        programme: ProgrammeId,
    ) -> bool {
        let wanted = MeasuresWanted {
            authorities: vec![authority],
            programmes: vec![programme],
            in_force_only: true,
        };
        !self.instruments(&wanted).is_empty()
    }

    /// The instruments that match, in the order of the log.
    pub(in crate::register) fn instruments(self, wanted: &MeasuresWanted) -> Vec<Instrument> {
        let facts: Vec<_> =
            self.facts().filter(|(_, fact)| fact.effective <= self.valid_on).collect();
        let repeal = |(position, fact): &(u32, FactRow)| match fact.kind {
            FactKindRow::MeasuresRepealed { target, document } => {
                Some(Repeal { position: *position, fact: *fact, target, document })
            }
            _ => None,
        };
        let repeals: Vec<_> = facts.iter().filter_map(repeal).collect();
        let matching = facts.iter().filter(|(_, fact)| wanted.matches(fact));
        let instruments =
            matching.filter_map(|(position, fact)| self.instrument(*position, fact, &repeals));
        instruments.filter(|instrument| instrument.in_force || !wanted.in_force_only).collect()
    }

    /// The fact as an instrument, ended by the earliest of its repeals.
    fn instrument(self, position: u32, fact: &FactRow, repeals: &[Repeal]) -> Option<Instrument> {
        let FactKindRow::MeasuresIssued { from, to } = fact.kind else { return None };
        let own = repeals.iter().filter(|repeal| repeal.is_of(position, fact));
        let repeal = own.min_by_key(|repeal| repeal.fact.effective);
        let last = repeal.and_then(|repeal| repeal.fact.effective.previous());
        let to = to.into_iter().chain(last).min();
        Some(Instrument {
            position,
            fact: *fact,
            in_force_from: from,
            in_force_to: to,
            in_force: from <= self.valid_on && to.is_none_or(|to| self.valid_on <= to),
            repeal: repeal.map(|repeal| repeal.position),
        })
    }

    /// True if an instrument is on record at a position, or with a document number.
    pub(in crate::register) fn has_instrument(self, position: Option<u64>, document: &str) -> bool {
        let document = self.subjects.facts().find_word(document);
        self.facts().any(|(at, fact)| {
            matches!(fact.kind, FactKindRow::MeasuresIssued { .. })
                && match position {
                    Some(position) => u64::from(at) == position,
                    None => Some(fact.document) == document,
                }
        })
    }
}
