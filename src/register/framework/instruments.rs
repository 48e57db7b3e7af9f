//! Legal instruments: which were issued, and until when each is in force.

use std::hash::Hash;

use hashbrown::HashMap;

use super::{FrameworkAsOf, Shelf, Stated};
use crate::{
    domain::{AuthorityCode, BodyCode, CivilDate, Issuer, kind::ProgrammeId},
    limits::AMENDMENTS_SHOWN_MAX,
    register::rows::{FactKindRow, FactRow, Sym},
};

/// The instruments that a question asks for.
#[derive(Clone, Debug, Default)]
pub struct MeasuresWanted {
    /// Issuers; empty: all.
    pub authorities: Vec<AuthorityCode>,
    /// Programmes; empty: all. An instrument for the whole system matches every programme.
    pub programmes: Vec<ProgrammeId>,
    /// Bodies, of which one issued it; empty: all instruments.
    pub bodies: Vec<BodyCode>,
    /// Only those in force on the day.
    pub in_force_only: bool,
}

/// An instrument as of a day.
#[derive(Clone, Debug)]
pub(in crate::register) struct Instrument {
    /// The event that carries it.
    pub(in crate::register) source: u32,
    pub(in crate::register) fact: FactRow,
    pub(in crate::register) in_force_from: CivilDate,
    pub(in crate::register) in_force_to: Option<CivilDate>,
    pub(in crate::register) in_force: bool,
    /// The event that carries its repeal.
    pub(in crate::register) repeal: Option<u32>,
    /// The codes of the bodies that issued it, with commas between them.
    pub(in crate::register) bodies: Sym,
    /// The events that carry its amendments, the first ones in the order of the log.
    pub(in crate::register) amended_by: Vec<u32>,
}

/// The amendments of documents, whoever recorded them: the events that carry them, by number.
#[derive(Default)]
struct Amendments(HashMap<Sym, Vec<u32>>);

impl Amendments {
    fn of(facts: &[Stated]) -> Self {
        let mut amendments = Self::default();
        for Stated { source, fact, .. } in facts {
            let FactKindRow::MeasuresIssued { amends, .. } = fact.kind else { continue };
            if !amends.is_empty() {
                let known: &mut Vec<u32> = amendments.0.entry(amends).or_default();
                if known.len() < AMENDMENTS_SHOWN_MAX {
                    known.push(*source);
                }
            }
        }
        amendments
    }

    fn find(&self, instrument: &FactRow) -> Vec<u32> {
        self.0.get(&instrument.document).cloned().unwrap_or_default()
    }
}

/// The earliest repeal of each instrument of an authority, which it names by its event or by its
/// document.
#[derive(Default)]
struct Repeals {
    of_event: HashMap<(Issuer, u32), Repeal>,
    of_document: HashMap<(Issuer, Sym), Repeal>,
}

/// A repeal: the day of its effect, its position, and the event that carries it.
type Repeal = (CivilDate, u32, u32);

impl Repeals {
    fn of(facts: &[Stated]) -> Self {
        let mut repeals = Self::default();
        for Stated { position, source, fact } in facts {
            let FactKindRow::MeasuresRepealed { target, document } = fact.kind else { continue };
            let repeal = (fact.effective, *position, *source);
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

impl MeasuresWanted {
    /// The shelves to read for them: all, because any authority may record an amendment.
    pub(in crate::register) fn shelves() -> impl Iterator<Item = Shelf> {
        AuthorityCode::all().map(Shelf::Measures)
    }

    /// True if one of the bodies is among these codes, or none is asked for.
    pub(in crate::register) fn are_among(&self, codes: &str) -> bool {
        let wants = |body: &BodyCode| codes.split(',').any(|code| code == body.as_str());
        self.bodies.is_empty() || self.bodies.iter().any(wants)
    }

    /// The instruments that match among the facts of these shelves, which are in the order of the
    /// log.
    pub(in crate::register) fn instruments(
        &self,
        mut facts: Vec<Stated>,
        valid_on: CivilDate,
    ) -> Vec<Instrument> {
        facts.retain(|stated| stated.fact.effective <= valid_on);
        let (repeals, amendments) = (Repeals::of(&facts), Amendments::of(&facts));
        let matching = facts.iter().filter(|stated| self.matches(&stated.fact));
        let instruments =
            matching.filter_map(|stated| instrument(stated, &repeals, &amendments, valid_on));
        instruments.filter(|instrument| instrument.in_force || !self.in_force_only).collect()
    }
}

/// The fact as an instrument, ended by the earliest of its repeals.
fn instrument(
    stated: &Stated,
    repeals: &Repeals,
    amendments: &Amendments,
    valid_on: CivilDate,
) -> Option<Instrument> {
    let FactKindRow::MeasuresIssued { from, to, bodies, .. } = stated.fact.kind else {
        return None;
    };
    let repeal = repeals.find(stated.position, &stated.fact);
    let last = repeal.and_then(|(day, ..)| day.previous());
    let to = to.into_iter().chain(last).min();
    Some(Instrument {
        source: stated.source,
        fact: stated.fact,
        in_force_from: from,
        in_force_to: to,
        in_force: from <= valid_on && to.is_none_or(|to| valid_on <= to),
        repeal: repeal.map(|(.., source)| source),
        bodies,
        amended_by: amendments.find(&stated.fact),
    })
}

impl FrameworkAsOf<'_> {
    /// True if an instrument of the authority governs the programme. Counts in `read` the facts
    /// that it reads.
    pub(in crate::register) fn has_measures(
        self,
        authority: AuthorityCode,
        programme: ProgrammeId,
        read: &mut usize,
    ) -> bool {
        let wanted = MeasuresWanted {
            authorities: vec![authority],
            programmes: vec![programme],
            bodies: Vec::new(),
            in_force_only: true,
        };
        let mut facts: Vec<_> = self.facts_on(Shelf::Measures(authority), read).collect();
        facts.sort_unstable_by_key(|stated| stated.position);
        !wanted.instruments(facts, self.valid_on).is_empty()
    }

    /// True if an instrument is on record at a position, or with a document number. Counts in
    /// `read` the facts that it reads.
    pub(in crate::register) fn has_instrument(
        self,
        position: Option<u64>,
        document: &str,
        read: &mut usize,
    ) -> bool {
        let facts = self.subjects.facts();
        let is_instrument =
            |fact: &FactRow| matches!(fact.kind, FactKindRow::MeasuresIssued { .. });
        if let Some(position) = position {
            let at = u32::try_from(position).ok();
            let stated = at.and_then(|at| self.stated(at, read));
            return stated.is_some_and(|stated| is_instrument(&stated.fact));
        }
        let Some(document) = facts.find_word(document) else { return false };
        AuthorityCode::all().map(Shelf::Measures).any(|shelf| {
            let mut facts = self.facts_on(shelf, read).map(|stated| stated.fact);
            facts.any(|fact| is_instrument(&fact) && fact.document == document)
        })
    }

    /// A repeal of the same instrument by the day: it names the same event, or the same document.
    pub(in crate::register) fn earlier_repeal(
        self,
        position: Option<u64>,
        document: &str,
        on: CivilDate,
        read: &mut usize,
    ) -> Option<u32> {
        let named = position.and_then(|position| u32::try_from(position).ok());
        let word = self.subjects.facts().find_word(document).filter(|word| !word.is_empty());
        let repeals = |fact: &FactRow| match fact.kind {
            FactKindRow::MeasuresRepealed { target, document } => {
                fact.effective <= on
                    && ((named.is_some() && target.position() == named)
                        || (word.is_some() && word == Some(document)))
            }
            _ => false,
        };
        AuthorityCode::all().map(Shelf::Measures).find_map(|shelf| {
            let mut stated = self.facts_on(shelf, read);
            stated.find(|stated| repeals(&stated.fact)).map(|stated| stated.position)
        })
    }
}
