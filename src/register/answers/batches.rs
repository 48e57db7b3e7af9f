//! Answers about batches and their sub-lists: what they contain, and whether they are sealed.

use std::sync::Arc;

use super::reading::Reading;
use crate::{
    domain::{
        AuthorityCode, CivilDate,
        event::{BatchRef, Declared},
        kind::ProgrammeId,
    },
    register::{
        AsOf, Layers, Register, Seen, Sight,
        batches::{BatchCounts, BatchKey, BatchSums, BatchesAsOf, EntriesRead, Seal},
        rows::{FactKindRow, FactRow},
    },
};

/// The state of a batch or sub-list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchState {
    /// Nothing is on record.
    Missing,
    /// Entries may still come.
    Open,
    /// Declared complete.
    Sealed,
    /// Declared complete, without a designation or passed review.
    SealedEmpty,
}

/// A batch as of a day.
#[derive(Clone, Debug)]
pub struct BatchView {
    /// The programme.
    pub programme: ProgrammeId,
    /// The authority that decides on the batch.
    pub authority: AuthorityCode,
    /// The name of the batch.
    pub batch: String,
    /// Its state.
    pub state: BatchState,
    /// Its entries.
    pub counts: BatchCounts,
    /// The counts that its seal, or else its opening, declares.
    pub declared: Declared,
    /// Day of the opening.
    pub opened_on: Option<CivilDate>,
    /// Day of the seal.
    pub sealed_on: Option<CivilDate>,
    /// Document of the seal, or else of the opening.
    pub document: String,
    /// Positions of its opening and seal.
    pub positions: Vec<u64>,
    /// Only on request, and `None` if the caller may not know all of the content.
    pub digest: Option<[u8; 32]>,
    /// Only on request, and empty if the batch has none.
    pub sublists: Vec<SublistView>,
}

/// A sub-list as of a day.
#[derive(Clone, Debug)]
pub struct SublistView {
    /// The authority whose sub-list it is.
    pub sublist: AuthorityCode,
    /// Its state.
    pub state: BatchState,
    /// Its entries.
    pub counts: BatchCounts,
    /// The counts that its own seal declares.
    pub declared: Declared,
    /// Day of the seal that closes it.
    pub sealed_on: Option<CivilDate>,
    /// Digest of its content; `None` if the caller may not know all of it.
    pub digest: Option<[u8; 32]>,
}

/// A batch that is being read in slices, each under one hold of the register.
#[derive(Debug)]
pub struct BatchReading {
    read: EntriesRead,
    in_full: bool,
    sight: Option<Arc<Sight>>,
}

/// A batch that was read and summed up.
#[derive(Debug)]
pub struct BatchRead {
    key: BatchKey,
    as_of: AsOf,
    sums: BatchSums,
    in_full: bool,
    sight: Option<Arc<Sight>>,
}

impl Register {
    /// A batch as of a day, if anything is known of it; with digests and sub-lists if `in_full`.
    #[must_use]
    pub fn batch(&self, batch: &BatchRef, as_of: AsOf, in_full: bool) -> Option<BatchView> {
        self.read_batch(batch, as_of, in_full).map(|reading| reading.whole(self))
    }

    /// The batches in order of appearance, from a place on; each with the place after it.
    pub fn batches(&self, from: usize, as_of: AsOf) -> impl Iterator<Item = (usize, BatchView)> {
        let places = from..self.batches_as_of(as_of).keys().len();
        let known = places
            .filter_map(move |place| Some((place, self.as_seen(None).batch_at(place, as_of)?)));
        known.map(|(place, reading)| (place + 1, reading.whole(self)))
    }

    /// Begins to read a batch, if anything is known of it; see [`Register::batch`].
    #[must_use]
    pub fn read_batch(&self, batch: &BatchRef, as_of: AsOf, in_full: bool) -> Option<BatchReading> {
        self.as_seen(None).read_batch(batch, as_of, in_full)
    }
}

impl Seen<'_> {
    /// As [`Register::read_batch`], of what counts for the caller.
    #[must_use]
    pub fn read_batch(&self, batch: &BatchRef, as_of: AsOf, in_full: bool) -> Option<BatchReading> {
        let key = Layers::from(self).batches_as_of(as_of).find(batch)?;
        let (read, sight) = (EntriesRead::new(key, as_of, in_full), self.sight.cloned());
        Some(BatchReading { read, in_full, sight })
    }

    /// Begins to read the first batch that is known and wanted, from a place on, among at most
    /// `most`; and the place after the last one looked at. Past the last batch there is no such
    /// place.
    pub fn next_batch(
        &self,
        from: usize,
        as_of: AsOf,
        most: usize,
        wanted: impl Fn(ProgrammeId, AuthorityCode, &str) -> bool,
    ) -> Option<(usize, Option<BatchReading>)> {
        let keys = self.register.batches_as_of(as_of).keys();
        let end = keys.len().min(from.saturating_add(most));
        let all = keys.get(from..end).filter(|all| !all.is_empty())?;
        let text = |key: &BatchKey| self.register.text(key.name);
        let is_wanted = |key: &BatchKey| wanted(key.programme, key.authority, text(key));
        for (place, _) in (from..).zip(all).filter(|(_, key)| is_wanted(key)) {
            if let Some(reading) = self.batch_at(place, as_of) {
                return Some((place + 1, Some(reading)));
            }
        }
        Some((end, None))
    }

    fn batch_at(&self, place: usize, as_of: AsOf) -> Option<BatchReading> {
        let batches = Layers::from(self).batches_as_of(as_of);
        let key = batches.keys().get(place).filter(|key| batches.is_known(**key))?;
        let (read, sight) = (EntriesRead::new(*key, as_of, false), self.sight.cloned());
        Some(BatchReading { read, in_full: false, sight })
    }
}

impl BatchReading {
    /// Reads about `most` more entries; true if some are left.
    pub fn advance(&mut self, register: &Register, most: usize) -> bool {
        let seen = register.as_seen(self.sight.as_ref());
        let BatchKey { programme, authority, .. } = self.read.key;
        let batches = Layers::from(&seen).batches_as_of(self.read.as_of);
        // Titles of the batch have its authority and programme.
        let knows_all = |sight: &&Arc<Sight>| sight.shows([authority], Some(programme), None);
        let Some(sight) = self.sight.as_ref().filter(|sight| !knows_all(sight)) else {
            return self.read.advance(batches, most, |_, _| true);
        };
        let mut reading = Reading::new(&seen, sight.catalogues(), self.read.as_of);
        self.read.advance(batches, most, |position, read| reading.shows_entry(position, read))
    }

    /// Sums up what was read. This needs no register.
    #[must_use]
    pub fn sum_up(self) -> BatchRead {
        let Self { read, in_full, sight } = self;
        BatchRead { key: read.key, as_of: read.as_of, sums: read.sum_up(), in_full, sight }
    }

    fn whole(mut self, register: &Register) -> BatchView {
        while self.advance(register, usize::MAX) {}
        self.sum_up().view(register)
    }
}

impl BatchRead {
    /// The batch, with what its openings and seals say, whatever the bounds of the caller.
    #[must_use]
    pub fn view(&self, register: &Register) -> BatchView {
        self.view_of(register.batches_as_of(self.as_of))
    }

    /// As [`BatchRead::view`], as far as the caller may know it; none if that is nothing.
    #[must_use]
    pub fn shown(&self, register: &Register) -> Option<BatchView> {
        let Some(sight) = &self.sight else { return Some(self.view(register)) };
        let (seen, BatchKey { programme, authority, .. }) =
            (register.as_seen(Some(sight)), self.key);
        let batches = Layers::from(&seen).batches_as_of(self.as_of);
        let shows = |list: AuthorityCode| sight.shows([list], Some(programme), list.seat());
        let mut view = self.view_of(batches);
        view.positions.retain(|position| seen.may_read(*position));
        if !shows(authority) {
            let events: Vec<(u32, FactRow)> = batches.events(self.key, &mut 0).collect();
            let is_named = |list: AuthorityCode| is_named(&events, &self.sums, list);
            if !AuthorityCode::all().any(|list| shows(list) && is_named(list)) {
                return None;
            }
            // Sums over all lists are those of others too.
            (view.declared, view.digest) = (Declared::default(), None);
            view.sublists.retain(|list| shows(list.sublist));
        }
        Some(view)
    }

    fn view_of(&self, batches: BatchesAsOf<'_>) -> BatchView {
        let Self { key, sums, in_full, .. } = self;
        let facts = batches.subjects().facts();
        let text = |sym| facts.text(sym).to_owned();
        let events: Vec<(u32, FactRow)> = batches.events(*key, &mut 0).collect();
        let of_whole = |fact: &FactRow| sublist(fact).is_none();
        let opening = events.iter().find(|(_, fact)| of_whole(fact));
        let seal = seal_of(&events, None);
        let last = seal.and_then(|seal| events.iter().find(|(p, _)| *p == seal.position));
        let counts = sums.counts(None, seal.is_some());
        BatchView {
            programme: key.programme,
            authority: key.authority,
            batch: text(key.name),
            state: state(seal.is_some(), counts),
            counts,
            declared: last.or(opening).map_or_else(Declared::default, |(_, fact)| declared(fact)),
            opened_on: opening.map(|(_, fact)| fact.effective),
            sealed_on: seal.map(|seal| seal.effective),
            document: last.or(opening).map(|(_, fact)| text(fact.document)).unwrap_or_default(),
            positions: events
                .iter()
                .filter(|(_, fact)| of_whole(fact))
                .map(|(position, _)| facts.source_of(*position, &mut 0).into())
                .collect(),
            digest: if *in_full { sums.digest(None) } else { None },
            sublists: if *in_full { sublists(&events, sums) } else { Vec::new() },
        }
    }
}

/// The seal that closes a sub-list or the batch as a whole, among the openings and seals of it.
fn seal_of(events: &[(u32, FactRow)], sublist: Option<AuthorityCode>) -> Option<Seal> {
    let mut seals = events.iter().filter_map(|(position, fact)| Seal::of(*position, fact));
    seals.find(|seal| seal.closes(sublist))
}

/// True if an opening, a seal or an entry names a sub-list.
fn is_named(events: &[(u32, FactRow)], sums: &BatchSums, authority: AuthorityCode) -> bool {
    events.iter().any(|(_, fact)| sublist(fact) == Some(authority)) || sums.names(authority)
}

fn sublists(events: &[(u32, FactRow)], sums: &BatchSums) -> Vec<SublistView> {
    let named = |authority: AuthorityCode| is_named(events, sums, authority);
    if !AuthorityCode::all().any(named) {
        return Vec::new();
    }
    let whole_sealed = seal_of(events, None).is_some();
    let view = |sublist: AuthorityCode| {
        let seal = seal_of(events, Some(sublist));
        let own_seal = seal.filter(|seal| seal.sublist == Some(sublist));
        let counts = sums.counts(Some(sublist), seal.is_some());
        // A seal of the whole tells nothing about a list that was never seen.
        let missing = !named(sublist) && (!whole_sealed || own_seal.is_none());
        SublistView {
            sublist,
            state: if missing { BatchState::Missing } else { state(seal.is_some(), counts) },
            counts,
            declared: own_seal.map(|seal| seal.declared).unwrap_or_default(),
            sealed_on: seal.filter(|_| named(sublist)).map(|seal| seal.effective),
            digest: sums.digest(Some(sublist)),
        }
    };
    AuthorityCode::all().filter(|authority| !authority.is_ministry()).map(view).collect()
}

fn state(sealed: bool, counts: BatchCounts) -> BatchState {
    match (sealed, counts.designated + counts.reviewed) {
        (false, _) => BatchState::Open,
        (true, 0) => BatchState::SealedEmpty,
        (true, _) => BatchState::Sealed,
    }
}

fn sublist(fact: &FactRow) -> Option<AuthorityCode> {
    match fact.kind {
        FactKindRow::BatchOpened { sublist, .. } | FactKindRow::BatchSealed { sublist, .. } => {
            sublist
        }
        _ => None,
    }
}

fn declared(fact: &FactRow) -> Declared {
    match fact.kind {
        FactKindRow::BatchOpened { declared, .. } | FactKindRow::BatchSealed { declared, .. } => {
            declared
        }
        _ => Declared::default(),
    }
}

impl Reading<'_> {
    /// True if the caller may know the title of the entry of a batch at a position.
    fn shows_entry(&mut self, position: u32, read: &mut usize) -> bool {
        let entry = self.subjects().facts().effective_fact(position);
        let Some((owner, title)) = entry.and_then(|(owner, fact)| Some((owner, fact.title()?)))
        else {
            return false;
        };
        self.read_one(owner);
        *read += self.cluster.facts_read();
        self.own_titles().any(|own| own.key == title)
    }
}
