//! Rules for batches: a batch is opened and sealed once, a seal states what the batch contains, and
//! a sealed batch takes supplements only.

use super::{Case, Judge};
use crate::{
    domain::{
        AuthorityCode,
        event::{BatchRef, Declared, Event, Fact, Part, TitleFact, TitleRef},
        fault::{Key, RuleId},
        text::hex,
    },
    register::{
        DesigneeIndex,
        batches::{BatchKey, Content, EntryKind, Seal},
        rows::{FactKindRow, FactRow, TitleKey, position32},
    },
};

/// The entries of a sealed list that its seal declares: of designations and of passed reviews.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    designated: u64,
    reviewed: u64,
}

/// Something that a fact adds to a list.
struct Addition<'e> {
    field: &'static str,
    title: &'e TitleRef,
    batch: &'e str,
    sublist: Option<AuthorityCode>,
    supplement: bool,
    /// The part of the register that says whether the batch should be on record.
    part: Part,
}

impl Case<'_> {
    pub(super) fn reject_sealed(&mut self, field: &str, batch: &BatchRef) -> bool {
        let batches = self.batches();
        let read = &mut self.judge.facts_read;
        let found = batches.find(batch);
        let seal = found.and_then(|key| batches.seal_of(key, batch.sublist, read));
        let Some(seal) = seal.filter(|seal| Some(seal.position) != self.except) else {
            return false;
        };
        self.reject(field, &batch.batch, RuleId::SealedAlready, &[seal.position]);
        true
    }

    pub(super) fn judge_seal(
        &mut self,
        batch: &BatchRef,
        declared: Declared,
        digest: Option<&[u8; 32]>,
    ) {
        if self.reject_sealed("batch_sealed.batch", batch) {
            return;
        }
        self.require_room_for_list("batch_sealed.batch", batch);
        let batches = self.batches();
        let Some(key) = batches.find(batch) else {
            return self.require_declared_empty(batch, declared);
        };
        let Judge { sublists, facts_read, .. } = &mut *self.judge;
        let content = batches.content(key, sublists, facts_read);
        self.require_declared_counts(batch, declared, &content);
        if let Some(digest) = digest {
            self.require_digest(batch, digest, &content);
        }
    }

    /// Only an empty batch is sealed without any entry or opening on record.
    fn require_declared_empty(&mut self, batch: &BatchRef, declared: Declared) {
        let is_empty = (declared.designated.is_some() || declared.reviewed.is_some())
            && declared.designated.unwrap_or(0) == 0
            && declared.reviewed.unwrap_or(0) == 0;
        if !is_empty {
            self.reject("batch_sealed.batch", &batch.batch, RuleId::NothingToSeal, &[]);
        }
    }

    fn require_declared_counts(&mut self, batch: &BatchRef, declared: Declared, content: &Content) {
        let counts = content.counts(batch.sublist, false);
        let designated = ("batch_sealed.declared.designated", RuleId::DesignatedCount);
        let reviewed = ("batch_sealed.declared.reviewed", RuleId::ReviewedCount);
        for ((field, rule), declared, recorded) in [
            (designated, declared.designated, counts.designated),
            (reviewed, declared.reviewed, counts.reviewed),
        ] {
            if let Some(declared) = declared.filter(|declared| u64::from(*declared) != recorded) {
                let breach = rule.with(Key::Expected, recorded);
                self.reject(field, &declared.to_string(), breach, &[]);
            }
        }
    }

    fn require_digest(&mut self, batch: &BatchRef, digest: &[u8; 32], content: &Content) {
        let actual = content.digest(self.subjects(), batch.sublist);
        if *digest != actual {
            let breach = RuleId::BatchDigest.with(Key::Expected, hex(&actual));
            self.reject("batch_sealed.digest", "", breach, &[]);
        }
    }
}

impl Case<'_> {
    /// An entry of a list is added to a batch that is not sealed.
    pub(super) fn require_open_list(&mut self, event: &Event, title: &TitleRef, fact: &TitleFact) {
        let added = match fact {
            TitleFact::NoticeOpened { batch, sublist, supplement, .. } => Addition {
                field: "notice_opened.batch",
                title,
                batch,
                sublist: *sublist,
                supplement: *supplement,
                part: Part::Notices,
            },
            TitleFact::Designated { batch, sublist, supplement, .. } => Addition {
                field: "designated.batch",
                title,
                batch,
                sublist: *sublist,
                supplement: *supplement,
                part: Part::Titles,
            },
            _ => return,
        };
        let Some(key) = self.require_batch_of(event, &added) else { return };
        self.require_room_under(added.field, key, added.batch);
        if !added.supplement {
            let batches = self.batches();
            let seal = batches.seal_of(key, added.sublist, &mut self.judge.facts_read);
            self.reject_sealed_list(event, &added, key, seal);
        }
    }

    /// The result of a review is added to a round that is not sealed.
    pub(super) fn require_open_round(
        &mut self,
        event: &Event,
        title: &TitleRef,
        key: Option<TitleKey>,
        fact: &TitleFact,
    ) {
        let (field, round, supplement) = match fact {
            TitleFact::ReviewPassed { round, supplement, .. } => {
                ("review_passed.round", round, *supplement)
            }
            TitleFact::ReviewFailed { round, supplement, .. } => {
                ("review_failed.round", round, *supplement)
            }
            _ => return,
        };
        let part = Part::Titles;
        // The failure that a supplement puts right is on record of the round.
        let needs_round = supplement && !self.has_failed_in(key, round);
        let added =
            Addition { field, title, batch: round, sublist: None, supplement: needs_round, part };
        let Some(batch) = self.require_batch_of(event, &added) else { return };
        if matches!(fact, TitleFact::ReviewPassed { .. }) {
            self.require_room_under(field, batch, round);
        }
        if supplement {
            return;
        }
        let (batches, mut read) = (self.batches(), 0);
        let mut seals = batches.seals(batch, &mut read).collect::<Vec<_>>();
        if seals.iter().any(|seal| seal.sublist.is_some()) {
            let designee = event.fact.designee().and_then(|id| self.known(id));
            let sublist = designee
                .zip(key)
                .and_then(|(designee, title)| batches.sublist_of(designee, title, &mut read));
            seals.retain(|seal| seal.closes(sublist));
        }
        self.judge.facts_read += read;
        self.reject_sealed_list(event, &added, batch, seals.first().copied());
    }

    fn has_failed_in(&self, key: Option<TitleKey>, round: &str) -> bool {
        self.judge.cluster.own_facts().any(|placed| match placed.fact.kind {
            FactKindRow::ReviewFailed { round: failed, .. } => {
                placed.fact.title() == key && self.register.text(failed) == round
            }
            _ => false,
        })
    }

    /// The batch that something is added to, if it is on record. A supplement to another one may
    /// be loaded before it.
    fn require_batch_of(&mut self, event: &Event, added: &Addition<'_>) -> Option<BatchKey> {
        let Addition { field, title, batch, part, .. } = *added;
        let (programme, authority) = (title.programme, title.authority);
        let found = self.batches().find_named(programme, authority, batch);
        if found.is_none() && added.supplement {
            let complete = self.is_complete(authority, programme, part, event.effective);
            self.reject_if_complete(complete, field, batch, RuleId::NothingToSupplement);
        }
        found
    }

    /// A replacement for an entry of a sealed list adds nothing to it.
    fn reject_sealed_list(
        &mut self,
        event: &Event,
        added: &Addition<'_>,
        key: BatchKey,
        seal: Option<Seal>,
    ) {
        let Some(seal) = seal else { return };
        if !self.replaces_entry(event, key, seal) {
            self.reject(added.field, added.batch, RuleId::BatchSealed, &[seal.position]);
        }
    }

    /// True if an event takes the place of one of the same kind in the same sealed list.
    pub(super) fn replaces_entry(&mut self, event: &Event, key: BatchKey, seal: Seal) -> bool {
        let Some(root) = self.except else { return false };
        let facts = self.register.facts(self.known_at());
        let Some((owner, old, _)) = facts.effective(root, &mut self.judge.facts_read) else {
            return false;
        };
        let batch = old.kind.batch();
        old.kind.as_kind() == event.fact.kind()
            && batch == Some(key.name)
            && (old.programme, old.authority) == (Some(key.programme), Some(key.authority))
            && seal.closes(self.sublist_in(owner, &old))
    }

    /// The sub-list that an entry belongs to.
    fn sublist_in(&mut self, owner: DesigneeIndex, fact: &FactRow) -> Option<AuthorityCode> {
        match (fact.listing(), fact.title()) {
            (Some(listing), _) => listing.sublist,
            (None, Some(title)) => {
                self.batches().sublist_of(owner, title, &mut self.judge.facts_read)
            }
            (None, None) => None,
        }
    }

    /// Warns if a repair takes an entry out of a sealed list, which then holds another number than
    /// its document declares. `replacement` takes the place of the fact in force; without one the
    /// target is annulled.
    pub(super) fn warn_if_taken_out(
        &mut self,
        field: &str,
        target: u64,
        replacement: Option<&Event>,
    ) {
        let target = position32(target);
        let facts = self.register.facts(self.known_at());
        let root = facts.root_of(target);
        let Some((owner, old, _)) = facts.effective(root, &mut self.judge.facts_read) else {
            return self.judge.held.clear();
        };
        let Some((kind, key)) = counted_entry(&old) else { return self.judge.held.clear() };
        // The entry may join another list.
        self.judge.held.retain(|((known, _), _)| *known == key);
        let sublist = self.sublist_in(owner, &old);
        let stays = match replacement {
            Some(event) => self.states_entry(event, kind, key, sublist),
            // Annulling a repair puts back what it replaced.
            None if target == root => false,
            None => facts.without_repair(target).effective_fact(root).is_some_and(|back| {
                let (owner, fact) = back;
                let same = |(k, in_batch): (EntryKind, BatchKey)| {
                    (k.word(), in_batch) == (kind.word(), key)
                };
                counted_entry(&fact).is_some_and(same) && self.sublist_in(owner, &fact) == sublist
            }),
        };
        let batches = self.batches();
        let seals: Vec<Seal> = batches.seals(key, &mut self.judge.facts_read).collect();
        let declares = |seal: &Seal| match kind {
            EntryKind::Designated { .. } => seal.declared.designated,
            _ => seal.declared.reviewed,
        };
        let mut closing = seals.into_iter().filter(|seal| !stays && seal.closes(sublist));
        let Some(first) = closing.next() else { return };
        let seal = if declares(&first).is_some() {
            first
        } else {
            closing.find(|seal| declares(seal).is_some()).unwrap_or(first)
        };
        let held = self.take_out(key, seal.sublist, kind);
        let breach = RuleId::TakenOutOfSealed
            .with(Key::Batch, self.register.text(key.name))
            .with(Key::Count, held)
            .with_any(Key::Expected, declares(&seal));
        self.warn(field, &target.to_string(), breach, &[root, seal.position]);
    }

    /// True if an event states an entry of the same kind in the same list.
    fn states_entry(
        &self,
        event: &Event,
        kind: EntryKind,
        key: BatchKey,
        sublist: Option<AuthorityCode>,
    ) -> bool {
        let Fact::Title { title, fact, .. } = &event.fact else { return false };
        let (batch, same) = match (fact, kind) {
            (TitleFact::Designated { batch, sublist: s, .. }, EntryKind::Designated { .. }) => {
                (batch, *s == sublist)
            }
            (TitleFact::ReviewPassed { round, .. }, EntryKind::Reviewed { .. }) => (round, true),
            _ => return false,
        };
        same && (title.programme, title.authority) == (key.programme, key.authority)
            && self.register.text(key.name) == batch
    }

    /// The number of entries of a kind that a list holds once one is taken out. The list is read
    /// once for the repairs of a commit that follow one another.
    fn take_out(&mut self, key: BatchKey, sublist: Option<AuthorityCode>, kind: EntryKind) -> u64 {
        let list = (key, sublist);
        let known = self.judge.held.iter().position(|(known, _)| *known == list);
        let place = known.unwrap_or_else(|| {
            let batches = self.batches();
            let Judge { sublists, facts_read, held, .. } = &mut *self.judge;
            let counts = batches.content(key, sublists, facts_read).counts(sublist, false);
            held.push((list, Held { designated: counts.designated, reviewed: counts.reviewed }));
            held.len() - 1
        });
        let Some((_, held)) = self.judge.held.get_mut(place) else { return 0 };
        let count = match kind {
            EntryKind::Designated { .. } => &mut held.designated,
            _ => &mut held.reviewed,
        };
        *count = count.saturating_sub(1);
        *count
    }
}

/// The kind and the batch of an entry that seals count.
fn counted_entry(fact: &FactRow) -> Option<(EntryKind, BatchKey)> {
    let (kind, name) = fact.entry().filter(|(kind, _)| kind.word().is_some())?;
    let (programme, authority) = (fact.programme?, fact.authority?);
    Some((kind, BatchKey { programme, authority, name }))
}
