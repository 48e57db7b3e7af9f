//! Legal instruments: which were issued, and until when each is in force.

use std::hash::Hash;

use hashbrown::HashMap;

use super::{FrameworkAsOf, Shelf};
use crate::{
    domain::{AuthorityCode, CivilDate, Issuer, kind::ProgrammeId},
    register::rows::{FactKindRow, FactRow, Sym},
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

/// The earliest repeal of each instrument of an authority, which it names by its event or by its
/// document.
#[derive(Default)]
struct Repeals {
    of_event: HashMap<(Issuer, u32), Repeal>,
    of_document: HashMap<(Issuer, Sym), Repeal>,
}

/// A repeal: the day of its effect, and its position.
type Repeal = (CivilDate, u32);

impl Repeals {
    fn of(facts: &[(u32, FactRow)]) -> Self {
        let mut repeals = Self::default();
        for (position, fact) in facts {
            let FactKindRow::MeasuresRepealed { target, document } = fact.kind else { continue };
            let repeal = (fact.effective, *position);
            match target.position() {
                Some(event) => note_earliest(&mut repeals.of_event, (fact.issuer, event), repeal),
                None if document.is_empty() => {}
                None => note_earliest(&mut repeals.of_document, (fact.issuer, document), repeal),
            }
        }
        repeals
    }

    fn find(&self, position: u32, instrument: &FactRow) -> Option<Repeal> {
        let of_event = self.of_event.get(&(instrument.issuer, position));
        let of_document = self.of_document.get(&(instrument.issuer, instrument.document));
        of_event.into_iter().chain(of_document).min().copied()
    }
}

fn note_earliest<K: Eq + Hash>(repeals: &mut HashMap<K, Repeal>, key: K, repeal: Repeal) {
    repeals.entry(key).and_modify(|known| *known = repeal.min(*known)).or_insert(repeal);
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
        let authorities = AuthorityCode::all().filter(|authority| {
            wanted.authorities.is_empty() || wanted.authorities.contains(authority)
        });
        let mut facts = self.facts_in_order(authorities.map(Shelf::Measures));
        facts.retain(|(_, fact)| fact.effective <= self.valid_on);
        let repeals = Repeals::of(&facts);
        let matching = facts.iter().filter(|(_, fact)| wanted.matches(fact));
        let instruments =
            matching.filter_map(|(position, fact)| self.instrument(*position, fact, &repeals));
        instruments.filter(|instrument| instrument.in_force || !wanted.in_force_only).collect()
    }

    /// The fact as an instrument, ended by the earliest of its repeals.
    fn instrument(self, position: u32, fact: &FactRow, repeals: &Repeals) -> Option<Instrument> {
        let FactKindRow::MeasuresIssued { from, to } = fact.kind else { return None };
        let repeal = repeals.find(position, fact);
        let last = repeal.and_then(|(day, _)| day.previous());
        let to = to.into_iter().chain(last).min();
        Some(Instrument {
            position,
            fact: *fact,
            in_force_from: from,
            in_force_to: to,
            in_force: from <= self.valid_on && to.is_none_or(|to| self.valid_on <= to),
            repeal: repeal.map(|(_, position)| position),
        })
    }

    /// True if an instrument is on record at a position, or with a document number.
    pub(in crate::register) fn has_instrument(self, position: Option<u64>, document: &str) -> bool {
        let facts = self.subjects.facts();
        let is_instrument =
            |fact: &FactRow| matches!(fact.kind, FactKindRow::MeasuresIssued { .. });
        if let Some(position) = position {
            let at = u32::try_from(position).ok().filter(|at| facts.knows(*at));
            let stated = at.and_then(|at| facts.effective_fact(at));
            return stated.is_some_and(|(_, fact)| is_instrument(&fact));
        }
        let Some(document) = facts.find_word(document) else { return false };
        let all = AuthorityCode::all().map(Shelf::Measures);
        let mut all = all.flat_map(|shelf| self.facts_on(shelf));
        all.any(|(_, fact)| is_instrument(&fact) && fact.document == document)
    }
}
