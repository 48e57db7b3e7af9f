//! Batches and their sub-lists: what they hold, whether they are sealed, and the digest of their content.

use hashbrown::{HashMap, hash_map::Entry};
use sha2::{Digest as _, Sha256};

use super::{
    DesigneeIndex, Register, Undo,
    query::Moment,
    row::{Stated, What},
    texts::Sym,
};
use crate::domain::{
    AuthorityCode, CivilDate,
    event::{BatchRef, Declared},
    kind::ProgrammeId,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct BatchKey {
    pub(super) programme: ProgrammeId,
    pub(super) authority: AuthorityCode,
    pub(super) name: Sym,
}

#[derive(Debug, Default)]
pub(super) struct BatchRecord {
    /// Places of notices, designations and passed reviews.
    pub(super) entries: Vec<u32>,
    /// Positions of openings and seals.
    pub(super) events: Vec<u32>,
}

/// A batch or sub-list was declared complete.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seal {
    pub(super) position: u32,
    pub(super) effective: CivilDate,
    sublist: Option<AuthorityCode>,
    declared: Declared,
}

/// How many entries of each kind stand in a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)] // as documented in tidu.v1.BatchCounts
pub struct BatchCounts {
    pub noticed: u64,
    pub designated: u64,
    pub supplements: u64,
    pub reviewed: u64,
    pub not_designated: u64,
}

/// Where a batch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // as documented in tidu.v1.BatchState
pub enum BatchState {
    Missing,
    Open,
    Sealed,
    SealedEmpty,
}

/// A batch as of a day.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // as documented in tidu.v1.BatchSummary
pub struct BatchView {
    pub programme: ProgrammeId,
    pub authority: AuthorityCode,
    pub batch: String,
    pub state: BatchState,
    pub counts: BatchCounts,
    pub declared: Declared,
    pub opened_on: Option<CivilDate>,
    pub sealed_on: Option<CivilDate>,
    pub document: String,
    pub positions: Vec<u64>,
    /// Only where it was asked for.
    pub digest: Option<[u8; 32]>,
    /// Only where it was asked for, and the batch has any.
    pub sublists: Vec<SublistView>,
}

/// A sub-list as of a day.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // as documented in tidu.v1.SublistSummary
pub struct SublistView {
    pub sublist: AuthorityCode,
    pub state: BatchState,
    pub counts: BatchCounts,
    pub declared: Declared,
    pub sealed_on: Option<CivilDate>,
    pub digest: [u8; 32],
}

/// What one entry of a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum EntryKind {
    Noticed,
    Designated,
    Supplement,
    Reviewed,
}

/// What stands in a batch, entry by entry.
pub(super) struct Content {
    entries: Vec<(EntryKind, Option<AuthorityCode>, DesigneeIndex)>,
}

impl Register {
    /// The batch, made on first mention.
    fn batch_key(
        &mut self,
        programme: ProgrammeId,
        authority: AuthorityCode,
        name: Sym,
    ) -> BatchKey {
        let key = BatchKey { programme, authority, name };
        if let Entry::Vacant(vacant) = self.batches.entry(key) {
            vacant.insert(BatchRecord::default());
            self.batch_order.push(key);
            self.undo.push(Undo::Batch(key));
        }
        key
    }

    pub(super) fn batch_mut(&mut self, key: BatchKey) -> &mut BatchRecord {
        self.batches.entry(key).or_default()
    }

    /// Notes an opening or a seal.
    pub(super) fn note_batch_event(&mut self, batch: &BatchRef, position: u32) {
        let name = self.word(&batch.batch);
        let key = self.batch_key(batch.programme, batch.authority, name);
        self.batch_mut(key).events.push(position);
        self.undo.push(Undo::BatchEvent(key));
    }

    /// Notes an entry under the batch it stands in.
    pub(super) fn note_batch_entry(&mut self, stated: &Stated, place: u32) {
        let Some((programme, (_, name))) = stated.programme.zip(stated.entry()) else { return };
        let key = self.batch_key(programme, stated.authority, name);
        self.batch_mut(key).entries.push(place);
        self.undo.push(Undo::BatchEntry(key));
    }

    /// The batch, if anything was recorded of it.
    pub(super) fn find_batch(&self, batch: &BatchRef) -> Option<(BatchKey, &BatchRecord)> {
        let name = self.texts.find(&batch.batch)?;
        let key = BatchKey { programme: batch.programme, authority: batch.authority, name };
        self.batches.get(&key).map(|record| (key, record))
    }

    /// The seal that closes the sub-list, or the batch as a whole, on a day, as known at a log size.
    pub(super) fn seal_of(
        &self,
        key: BatchKey,
        sublist: Option<AuthorityCode>,
        moment: Moment,
    ) -> Option<Seal> {
        let record = self.batches.get(&key)?;
        let seals = record.events.iter().filter_map(|position| self.seal_at(*position, moment));
        let closes = |seal: &Seal| seal.sublist.is_none() || seal.sublist == sublist;
        seals.into_iter().find(closes)
    }

    fn seal_at(&self, position: u32, moment: Moment) -> Option<Seal> {
        let stated = self.batch_event_at(position, moment)?;
        let What::BatchSealed { sublist, declared, .. } = stated.what else { return None };
        Some(Seal { position, effective: stated.effective, sublist, declared })
    }

    /// The opening or seal that stands at a position by a day.
    fn batch_event_at(&self, position: u32, moment: Moment) -> Option<Stated> {
        if u64::from(position) >= moment.known_at {
            return None;
        }
        let (_, stated) = self.standing(position, moment.known_at)?;
        (stated.effective <= moment.as_of).then_some(stated)
    }

    /// What stands in a batch.
    pub(super) fn content(&self, key: BatchKey, moment: Moment) -> Content {
        let Some(record) = self.batches.get(&key) else { return Content { entries: Vec::new() } };
        let mut places = record.entries.clone();
        places.sort_unstable();
        places.dedup();
        let entries = places.into_iter().filter_map(|place| {
            if u64::from(place) >= moment.known_at {
                return None;
            }
            let (owner, stated) = self.standing(place, moment.known_at)?;
            let (kind, name) = stated.entry()?;
            let here = stated.programme == Some(key.programme)
                && (stated.authority, name) == (key.authority, key.name);
            if !here || stated.effective > moment.as_of {
                return None;
            }
            let sublist = match stated.listing() {
                Some(listing) => listing.sublist,
                None => self.sublist_of(owner, &stated, moment.known_at),
            };
            Some((kind, sublist, owner))
        });
        Content { entries: entries.collect() }
    }

    /// The sub-list that a reviewed title was designated in.
    fn sublist_of(
        &self,
        owner: DesigneeIndex,
        reviewed: &Stated,
        known_at: u64,
    ) -> Option<AuthorityCode> {
        self.events_of(owner, known_at).find_map(|position| {
            let stated = self.stated(position).filter(|s| s.title() == reviewed.title())?;
            matches!(stated.what, What::Designated { .. }).then(|| stated.listing())??.sublist
        })
    }

    /// A batch as of a day, if anything was known of it; with digests and sub-lists if `in_full`.
    #[must_use]
    pub fn batch(&self, batch: &BatchRef, moment: Moment, in_full: bool) -> Option<BatchView> {
        let (key, _) = self.find_batch(batch)?;
        self.batch_view(key, moment, in_full)
    }

    /// The batches, in order of appearance, from a place on; with the place after each.
    pub fn batches(&self, from: usize, moment: Moment) -> impl Iterator<Item = (usize, BatchView)> {
        let rest = self.batch_order.iter().enumerate().skip(from);
        rest.filter_map(move |(place, key)| {
            self.batch_view(*key, moment, false).map(|view| (place + 1, view))
        })
    }

    fn batch_view(&self, key: BatchKey, moment: Moment, in_full: bool) -> Option<BatchView> {
        let record = self.batches.get(&key)?;
        let known = |position: &&u32| u64::from(**position) < moment.known_at;
        let mut known_events = record.events.iter().filter(known).peekable();
        if known_events.peek().is_none() && !record.entries.iter().any(|p| known(&p)) {
            return None;
        }
        let standing: Vec<(u32, Stated)> = known_events
            .filter_map(|position| Some((*position, self.batch_event_at(*position, moment)?)))
            .collect();
        let content = self.content(key, moment);
        let of_whole = |stated: &Stated| stated.what.sublist().is_none();
        let opening = standing.iter().find(|(_, stated)| of_whole(stated));
        let seal = self.seal_of(key, None, moment);
        let last = seal.and_then(|seal| standing.iter().find(|(p, _)| *p == seal.position));
        let document = last.or(opening).map_or("", |(_, stated)| self.text(stated.document));
        let counts = content.counts(None, seal.is_some());
        Some(BatchView {
            programme: key.programme,
            authority: key.authority,
            batch: self.text(key.name).to_owned(),
            state: state(seal.is_some(), counts),
            counts,
            declared: last.or(opening).map_or_else(Declared::default, |(_, s)| s.what.declared()),
            opened_on: opening.map(|(_, stated)| stated.effective),
            sealed_on: seal.map(|seal| seal.effective),
            document: document.to_owned(),
            positions: standing
                .iter()
                .filter(|(_, stated)| of_whole(stated))
                .map(|(position, _)| self.source_of(*position, moment.known_at).into())
                .collect(),
            digest: in_full.then(|| content.digest(self, None)),
            sublists: if in_full {
                self.sublists(key, &standing, &content, moment)
            } else {
                Vec::new()
            },
        })
    }

    fn sublists(
        &self,
        key: BatchKey,
        standing: &[(u32, Stated)],
        content: &Content,
        moment: Moment,
    ) -> Vec<SublistView> {
        let named = |authority: AuthorityCode| {
            standing.iter().any(|(_, stated)| stated.what.sublist() == Some(authority))
                || content.entries.iter().any(|(_, sublist, _)| *sublist == Some(authority))
        };
        if !AuthorityCode::all().any(named) {
            return Vec::new();
        }
        let provincial = AuthorityCode::all().filter(|authority| !authority.is_ministry());
        let view = |sublist: AuthorityCode| {
            let whole_sealed = self.seal_of(key, None, moment).is_some();
            let seal = self.seal_of(key, Some(sublist), moment);
            let own_seal = seal.filter(|seal| seal.sublist == Some(sublist));
            let counts = content.counts(Some(sublist), seal.is_some());
            SublistView {
                sublist,
                state: match () {
                    // A seal of the whole says nothing of a list that was never seen.
                    () if !named(sublist) && !whole_sealed => BatchState::Missing,
                    () if own_seal.is_none() && whole_sealed && !named(sublist) => {
                        BatchState::Missing
                    }
                    () => state(seal.is_some(), counts),
                },
                counts,
                declared: own_seal.map(|seal| seal.declared).unwrap_or_default(),
                sealed_on: seal.filter(|_| named(sublist)).map(|seal| seal.effective),
                digest: content.digest(self, Some(sublist)),
            }
        };
        provincial.map(view).collect()
    }
}

fn state(sealed: bool, counts: BatchCounts) -> BatchState {
    match (sealed, counts.designated + counts.reviewed) {
        (false, _) => BatchState::Open,
        (true, 0) => BatchState::SealedEmpty,
        (true, _) => BatchState::Sealed,
    }
}

impl Content {
    fn of(
        &self,
        sublist: Option<AuthorityCode>,
    ) -> impl Iterator<Item = (EntryKind, DesigneeIndex)> {
        let wanted = move |(_, entry, _): &&(EntryKind, Option<AuthorityCode>, DesigneeIndex)| {
            sublist.is_none() || *entry == sublist
        };
        self.entries.iter().filter(wanted).map(|(kind, _, designee)| (*kind, *designee))
    }

    /// Counts the entries of a sub-list, or of the whole.
    pub(super) fn counts(&self, sublist: Option<AuthorityCode>, sealed: bool) -> BatchCounts {
        let mut counts = BatchCounts::default();
        // By designee: noticed, designated.
        let mut fates: HashMap<DesigneeIndex, (bool, bool)> = HashMap::new();
        for (kind, designee) in self.of(sublist) {
            let fate = fates.entry(designee).or_default();
            match kind {
                EntryKind::Noticed => {
                    counts.noticed += 1;
                    fate.0 = true;
                }
                EntryKind::Designated | EntryKind::Supplement => {
                    counts.designated += 1;
                    counts.supplements += u64::from(kind == EntryKind::Supplement);
                    fate.1 = true;
                }
                EntryKind::Reviewed => counts.reviewed += 1,
            }
        }
        if sealed {
            let left_out = fates.values().filter(|fate| **fate == (true, false)).count();
            counts.not_designated = left_out as u64;
        }
        counts
    }

    /// The digest of the content, as `BatchSealed.digest` defines it.
    pub(super) fn digest(&self, register: &Register, sublist: Option<AuthorityCode>) -> [u8; 32] {
        let mut lines: Vec<String> = self
            .of(sublist)
            .filter_map(|(kind, designee)| {
                let word = match kind {
                    EntryKind::Noticed => return None,
                    EntryKind::Designated | EntryKind::Supplement => "designated",
                    EntryKind::Reviewed => "reviewed",
                };
                Some(format!("{word} {}\n", register.id(designee)))
            })
            .collect();
        lines.sort_unstable();
        let mut digest = Sha256::new();
        lines.iter().for_each(|line| digest.update(line));
        digest.finalize().into()
    }
}

impl Stated {
    /// What the fact is as an entry, and of which batch. A passed review stands in the batch named like its round.
    fn entry(&self) -> Option<(EntryKind, Sym)> {
        match self.what {
            What::Noticed { batch, review: false, recommendation: false, .. } => {
                Some((EntryKind::Noticed, batch))
            }
            What::Designated { batch, supplement: false, .. } => {
                Some((EntryKind::Designated, batch))
            }
            What::Designated { batch, supplement: true, .. } => {
                Some((EntryKind::Supplement, batch))
            }
            What::ReviewPassed { round, .. } => Some((EntryKind::Reviewed, round)),
            _ => None,
        }
    }
}

impl What {
    fn sublist(&self) -> Option<AuthorityCode> {
        match self {
            Self::BatchOpened { sublist, .. } | Self::BatchSealed { sublist, .. } => *sublist,
            _ => None,
        }
    }

    fn declared(&self) -> Declared {
        match self {
            Self::BatchOpened { declared, .. } | Self::BatchSealed { declared, .. } => *declared,
            _ => Declared::default(),
        }
    }
}
