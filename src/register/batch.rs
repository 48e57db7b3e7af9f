//! Batches and their sub-lists: what they hold and whether they are sealed.

use super::{Register, names::Sym};
use crate::domain::{
    AuthorityCode, CivilDate,
    catalogue::ProgrammeId,
    event::{BatchRef, Fact, TitleFact},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct BatchKey {
    pub(super) programme: ProgrammeId,
    pub(super) authority: AuthorityCode,
    pub(super) name: Sym,
}

#[derive(Debug, Default)]
pub(super) struct BatchRecord {
    /// Positions of notices and designations.
    pub(super) entries: Vec<u64>,
    /// Positions of openings, with their sub-lists.
    pub(super) openings: Vec<(u64, Option<AuthorityCode>)>,
    /// Seals, in order of recording.
    pub(super) seals: Vec<Seal>,
}

/// A batch or sub-list was declared complete.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seal {
    pub(super) position: u64,
    pub(super) effective: CivilDate,
    pub(super) sublist: Option<AuthorityCode>,
}

/// The batch that a fact enters.
pub(super) fn of_fact(fact: &Fact) -> Option<BatchRef> {
    let Fact::Title { title, fact, .. } = fact else { return None };
    let (TitleFact::NoticeOpened { batch, sublist, .. }
    | TitleFact::Designated { batch, sublist, .. }) = fact
    else {
        return None;
    };
    Some(BatchRef {
        programme: title.programme,
        authority: title.authority,
        batch: batch.clone(),
        sublist: *sublist,
    })
}

impl Register {
    /// The batch, if anything was recorded of it.
    pub(super) fn find_batch(&self, batch: &BatchRef) -> Option<(BatchKey, &BatchRecord)> {
        let name = self.names.find(&batch.batch)?;
        let key = BatchKey { programme: batch.programme, authority: batch.authority, name };
        self.batches.get(&key).map(|record| (key, record))
    }

    /// The seal that closes the sub-list, or the batch as a whole, on a day, as known at a log size.
    pub(super) fn seal_of(
        &self,
        key: BatchKey,
        sublist: Option<AuthorityCode>,
        as_of: CivilDate,
        known_at: u64,
    ) -> Option<Seal> {
        let record = self.batches.get(&key)?;
        let closes = |seal: &&Seal| {
            seal.position < known_at
                && seal.effective <= as_of
                && (seal.sublist.is_none() || seal.sublist == sublist)
                && !self.is_annulled(seal.position, known_at)
        };
        record.seals.iter().find(closes).copied()
    }
}
