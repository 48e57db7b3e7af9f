//! Answers about batches and their sub-lists: what they contain, and whether they are sealed.

use crate::{
    domain::{
        AuthorityCode, CivilDate,
        event::{BatchRef, Declared},
        kind::ProgrammeId,
    },
    register::{
        AsOf, Register,
        batches::{BatchCounts, BatchKey, BatchesAsOf, Content},
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
    /// Only on request.
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
    /// Digest of its content.
    pub digest: [u8; 32],
}

impl Register {
    /// A batch as of a day, if anything is known of it; with digests and sub-lists if `in_full`.
    #[must_use]
    pub fn batch(&self, batch: &BatchRef, as_of: AsOf, in_full: bool) -> Option<BatchView> {
        let batches = self.batches_as_of(as_of);
        batch_view(batches, batches.find(batch)?, in_full)
    }

    /// The batches in order of appearance, from a place on; each with the place after it.
    pub fn batches(&self, from: usize, as_of: AsOf) -> impl Iterator<Item = (usize, BatchView)> {
        let batches = self.batches_as_of(as_of);
        let rest = batches.keys().iter().enumerate().skip(from);
        rest.filter_map(move |(place, key)| Some((place + 1, batch_view(batches, *key, false)?)))
    }
}

fn batch_view(batches: BatchesAsOf<'_>, key: BatchKey, in_full: bool) -> Option<BatchView> {
    if !batches.is_known(key) {
        return None;
    }
    let facts = batches.subjects().facts();
    let text = |sym| facts.text(sym).to_owned();
    let events: Vec<(u32, FactRow)> = batches.events(key).collect();
    let content = batches.content(key);
    let of_whole = |fact: &FactRow| sublist(fact).is_none();
    let opening = events.iter().find(|(_, fact)| of_whole(fact));
    let seal = batches.seal_of(key, None);
    let last = seal.and_then(|seal| events.iter().find(|(p, _)| *p == seal.position));
    let counts = content.counts(None, seal.is_some());
    Some(BatchView {
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
            .map(|(position, _)| facts.source_of(*position).into())
            .collect(),
        digest: in_full.then(|| content.digest(batches.subjects(), None)),
        sublists: if in_full { sublists(batches, key, &events, &content) } else { Vec::new() },
    })
}

fn sublists(
    batches: BatchesAsOf<'_>,
    key: BatchKey,
    events: &[(u32, FactRow)],
    content: &Content,
) -> Vec<SublistView> {
    let named = |authority: AuthorityCode| {
        events.iter().any(|(_, fact)| sublist(fact) == Some(authority)) || content.names(authority)
    };
    if !AuthorityCode::all().any(named) {
        return Vec::new();
    }
    let whole_sealed = batches.seal_of(key, None).is_some();
    let view = |sublist: AuthorityCode| {
        let seal = batches.seal_of(key, Some(sublist));
        let own_seal = seal.filter(|seal| seal.sublist == Some(sublist));
        let counts = content.counts(Some(sublist), seal.is_some());
        // A seal of the whole tells nothing about a list that was never seen.
        let missing = !named(sublist) && (!whole_sealed || own_seal.is_none());
        SublistView {
            sublist,
            state: if missing { BatchState::Missing } else { state(seal.is_some(), counts) },
            counts,
            declared: own_seal.map(|seal| seal.declared).unwrap_or_default(),
            sealed_on: seal.filter(|_| named(sublist)).map(|seal| seal.effective),
            digest: content.digest(batches.subjects(), Some(sublist)),
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
