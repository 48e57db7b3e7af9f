//! Rules for the growth of records: who records many events must not make the answers about a
//! designee, or the judgement of what comes next, slow for everybody else.
//!
//! Recorded events are counted, also those that were annulled since, because they are read for
//! ever. So a count never falls, and a repair cannot bring back more than was counted.

use std::collections::BTreeSet;

use hashbrown::HashSet;

use super::Case;
use crate::{
    domain::{
        DesigneeId, Issuer,
        event::{BatchRef, Event, Fact, TitleFact, TitleRef},
        fault::{Key, RuleId},
        kind::Kind,
    },
    limits::{
        ASSESSMENTS_OF_AUTHORITY_MAX, CIRCLE_DESIGNEES_MAX, DECLARATIONS_OF_AUTHORITY_MAX,
        ENTRIES_OF_BATCH_MAX, ENTRIES_OF_POOL_MAX, FACTS_OF_ISSUER_MAX, FACTS_OF_MINISTRY_MAX,
        FACTS_OF_SUBJECT_MAX, MEASURES_OF_AUTHORITY_MAX, OPENINGS_OF_LIST_MAX,
        POOLS_OF_AUTHORITY_MAX, RECORD_EVENTS_UNCOUNTED, REPAIRS_OF_EVENT_MAX,
        TITLES_OF_AUTHORITY_MAX, TITLES_OF_MINISTRY_MAX, TITLES_OF_SUBJECT_MAX,
    },
    register::{
        DesigneeIndex,
        batches::BatchKey,
        framework::Shelf,
        identity::{IdentityCluster, Subjects},
        rows::{FactKindRow, FactRow, NOBODY, TitleKey, position32},
    },
};

/// Numbers of events: of those with a reserve, and of the ordinary ones.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    ordinary: usize,
    reserve: usize,
}

impl Counts {
    fn add(&mut self, kind: Kind) {
        if kind.has_reserve() {
            self.reserve += 1;
        } else {
            self.ordinary += 1;
        }
    }

    /// The number that an event of a kind adds to.
    fn beside(self, kind: Kind) -> usize {
        if kind.has_reserve() { self.reserve } else { self.ordinary }
    }

    fn largest(self) -> usize {
        self.ordinary.max(self.reserve)
    }
}

/// What is on record about some designees.
#[derive(Debug, Default)]
struct Record {
    all: Counts,
    of_issuer: Counts,
    /// Every title that an event names, with its holder.
    titles: HashSet<(DesigneeIndex, TitleKey)>,
    read: usize,
}

impl Record {
    fn read(subjects: Subjects<'_>, members: &[DesigneeIndex], issuer: Issuer) -> Self {
        let (mut record, facts) = (Self::default(), subjects.facts());
        for member in members.iter().copied() {
            for position in subjects.events_of(member) {
                record.read += 1;
                let Some(row) = facts.row(position) else { continue };
                let kind = row.fact.kind.as_kind();
                record.all.add(kind);
                if row.fact.issuer == issuer {
                    record.of_issuer.add(kind);
                }
                record.add_titles(row.designee, &row.fact);
                if let Some((owner, fact)) = facts.replacement_at(position) {
                    record.add_titles(owner, fact);
                }
            }
        }
        record
    }

    fn add_titles(&mut self, owner: DesigneeIndex, fact: &FactRow) {
        let Some(key) = fact.title() else { return };
        self.titles.insert((owner, key));
        match fact.kind {
            FactKindRow::Transferred { successor, .. } => {
                self.titles.insert((successor, key));
            }
            FactKindRow::Converted { programme, authority, item, .. } => {
                self.titles.insert((owner, TitleKey { programme, authority, item }));
            }
            _ => {}
        }
    }
}

impl Case<'_> {
    /// Rejects an event if the record of its designee, or of another one that it names, has no room
    /// for it; true if there is room. The cluster of the designee is read.
    pub(super) fn require_room(&mut self, event: &Event, designee: &DesigneeId) -> bool {
        // The replacement of an event is recorded by a correction.
        let (kind, issuer) = match self.corrected_by {
            Some(issuer) => (Kind::Corrected, issuer),
            None => (event.fact.kind(), event.issuer),
        };
        if self.judge.cluster.read >= RECORD_EVENTS_UNCOUNTED {
            let members = std::mem::take(&mut self.judge.cluster.members);
            let record = self.record(&members, issuer);
            self.judge.cluster.members = members;
            if !(self.require_room_for_fact(&record, kind, issuer, designee)
                && self.require_room_for_titles(&record, event))
            {
                return false;
            }
        }
        let others = event.fact.others();
        others.into_iter().all(|other| {
            let known = self.known(other);
            known.is_none_or(|index| self.require_room_about(index, kind, issuer))
        })
    }

    /// As [`Case::require_room`], for a repair: it concerns everybody along its chain.
    pub(super) fn require_room_for_repair(
        &mut self,
        event: &Event,
        target: u64,
        field: &str,
    ) -> bool {
        let (facts, subjects) = (self.register.facts(self.known_at()), self.subjects());
        let target = position32(target);
        let (kind, issuer, root) = (event.fact.kind(), event.issuer, facts.root_of(target));
        // The ministry has as much room again as the issuer.
        let limit = REPAIRS_OF_EVENT_MAX * if issuer.is_ministry() { 2 } else { 1 };
        let count = facts.repairs_under(root, limit);
        self.judge.facts_read += count;
        if count >= limit {
            let breach = RuleId::RepairsOfEvent.with(Key::Limit, limit);
            self.reject(field, &target.to_string(), breach, &[]);
            return false;
        }
        let concerned = subjects.concerned_along(target).into_iter();
        let concerned: HashSet<_> = concerned.filter(|index| *index != NOBODY).collect();
        self.judge.facts_read += concerned.len();
        concerned.into_iter().all(|index| self.require_room_about(index, kind, issuer))
            && self.require_room_for_restored(kind, root, target, field)
    }

    /// An annulled repair may bring back a fact that ties two circles together.
    fn require_room_for_restored(
        &mut self,
        kind: Kind,
        root: u32,
        target: u32,
        field: &str,
    ) -> bool {
        let facts = self.register.facts(self.known_at()).without_repair(target);
        let annuls = target != root && kind == Kind::Annulled;
        let restored = if annuls { facts.effective_fact(root) } else { None };
        let Some((owner, fact)) = restored else { return true };
        let Some(other) = fact.kind.ties_to() else { return true };
        let ours = self.cluster_of(owner);
        self.require_room_to_join(&ours, fact.issuer, Some(other), (field, &target.to_string()))
    }

    /// Rejects an event that ties a subject to another one, if there is no room for both. The
    /// cluster of the first is read.
    pub(super) fn require_room_to_tie(
        &mut self,
        event: &Event,
        other: &DesigneeId,
        field: &str,
    ) -> bool {
        let ours = std::mem::take(&mut self.judge.cluster);
        let (known, value) = (self.known(other), other.to_string());
        let has_room = self.require_room_to_join(&ours, event.issuer, known, (field, &value));
        self.judge.cluster = ours;
        has_room
    }

    /// Identifiers that are tied together are folded together, so their number is bounded, and that
    /// of their facts and titles.
    fn require_room_to_join(
        &mut self,
        ours: &IdentityCluster,
        issuer: Issuer,
        other: Option<DesigneeIndex>,
        (field, value): (&str, &str),
    ) -> bool {
        if other.is_some_and(|other| ours.place_of(other).is_some()) {
            return true;
        }
        let theirs = other.map(|other| self.cluster_of(other)).unwrap_or_default();
        let count = ours.members.len().max(1) + theirs.members.len().max(1);
        if count > CIRCLE_DESIGNEES_MAX {
            let breach = RuleId::TiedIdentifiers.with(Key::Count, count);
            let breach = breach.with(Key::Limit, CIRCLE_DESIGNEES_MAX);
            self.reject(field, value, breach, &[]);
            return false;
        }
        if ours.read + theirs.read < RECORD_EVENTS_UNCOUNTED {
            return true;
        }
        let members: Vec<_> = ours.members.iter().chain(&theirs.members).copied().collect();
        let record = self.record(&members, issuer);
        // The event that ties them counts for both.
        let breach = if record.all.largest() + 2 > FACTS_OF_SUBJECT_MAX {
            RuleId::FactsOfSubject.with(Key::Limit, FACTS_OF_SUBJECT_MAX)
        } else if record.titles.len() >= TITLES_OF_SUBJECT_MAX {
            RuleId::TitlesOfSubject.with(Key::Limit, TITLES_OF_SUBJECT_MAX)
        } else {
            return true;
        };
        self.reject(field, value, breach, &[]);
        false
    }

    /// As [`Case::require_room`], of a designee whose cluster is not read.
    fn require_room_about(&mut self, index: DesigneeIndex, kind: Kind, issuer: Issuer) -> bool {
        let subjects = self.subjects();
        if !subjects.may_be_tied(index) {
            let few = subjects.events_of(index).take(RECORD_EVENTS_UNCOUNTED).count();
            self.judge.facts_read += few;
            if few < RECORD_EVENTS_UNCOUNTED {
                return true;
            }
        }
        let members = self.cluster_of(index).members;
        let record = self.record(&members, issuer);
        self.require_room_for_fact(&record, kind, issuer, subjects.id(index))
    }

    fn require_room_for_fact(
        &mut self,
        record: &Record,
        kind: Kind,
        issuer: Issuer,
        designee: &DesigneeId,
    ) -> bool {
        let of_issuer =
            if issuer.is_ministry() { FACTS_OF_MINISTRY_MAX } else { FACTS_OF_ISSUER_MAX };
        let breach = if record.of_issuer.beside(kind) >= of_issuer {
            RuleId::FactsOfIssuer.with(Key::Limit, of_issuer)
        } else if record.all.beside(kind) >= FACTS_OF_SUBJECT_MAX {
            RuleId::FactsOfSubject.with(Key::Limit, FACTS_OF_SUBJECT_MAX)
        } else {
            return true;
        };
        self.reject("designee", &designee.to_string(), breach, &[]);
        false
    }

    fn require_room_for_titles(&mut self, record: &Record, event: &Event) -> bool {
        let Fact::Title { designee, title, fact } = &event.fact else { return true };
        let named = match fact {
            TitleFact::Transferred { successor, .. } => (successor, title),
            TitleFact::Converted { to, .. } => (designee, to),
            _ => (designee, title),
        };
        [(designee, title), named].into_iter().all(|(holder, title)| {
            let known = self.known(holder).zip(self.title_key(title));
            known.is_some_and(|known| record.titles.contains(&known))
                || self.require_room_for_title(record, title)
        })
    }

    /// A title that is not on record yet.
    fn require_room_for_title(&mut self, record: &Record, title: &TitleRef) -> bool {
        let authority = title.authority;
        let own = record.titles.iter().filter(|(_, key)| key.authority == authority).count();
        let most =
            if authority.is_ministry() { TITLES_OF_MINISTRY_MAX } else { TITLES_OF_AUTHORITY_MAX };
        let breach = if own >= most {
            RuleId::TitlesOfAuthority.with(Key::Limit, most)
        } else if record.titles.len() >= TITLES_OF_SUBJECT_MAX {
            RuleId::TitlesOfSubject.with(Key::Limit, TITLES_OF_SUBJECT_MAX)
        } else {
            return true;
        };
        let id = self.catalogue.id_of(title.programme);
        self.reject("designee", id, breach, &[]);
        false
    }

    /// Rejects a fact about the legal framework, or an assessment, if its authority has stated as
    /// many as it may.
    pub(super) fn require_room_on(&mut self, event: &Event, shelf: Shelf) {
        let (rule, limit) = match shelf {
            Shelf::Measures(_) => (RuleId::MeasuresOfAuthority, MEASURES_OF_AUTHORITY_MAX),
            Shelf::Declarations(_) => {
                (RuleId::DeclarationsOfAuthority, DECLARATIONS_OF_AUTHORITY_MAX)
            }
            _ => (RuleId::AssessmentsOfAuthority, ASSESSMENTS_OF_AUTHORITY_MAX),
        };
        let count = self.framework(event.effective).count_on(shelf);
        if self.except.is_none() && count >= limit {
            let breach = rule.with(Key::Limit, limit);
            self.reject("authority", event.issuer.as_str(), breach, &[]);
        }
    }

    /// Rejects an entry of a pool that has as many as it may have, and the first one if its
    /// authority has as many pools as it may have. Departures have as much room again.
    pub(super) fn require_room_for_pool(&mut self, event: &Event, pool: &str) {
        let framework = self.framework(event.effective);
        let Some(authority) = event.issuer.authority() else { return };
        let (size, kind) = (framework.pool_size(authority, pool), event.fact.kind());
        let most = ENTRIES_OF_POOL_MAX * if kind == Kind::PoolLeft { 2 } else { 1 };
        if size >= most {
            let breach = RuleId::EntriesOfPool.with(Key::Limit, most);
            return self.reject(&format!("{}.pool", kind.name()), pool, breach, &[]);
        }
        if size > 0 {
            return;
        }
        let (own, read) = framework.pool_count(authority);
        self.judge.facts_read += read;
        if own >= POOLS_OF_AUTHORITY_MAX {
            let breach = RuleId::PoolsOfAuthority.with(Key::Limit, POOLS_OF_AUTHORITY_MAX);
            self.reject(&format!("{}.pool", kind.name()), pool, breach, &[]);
        }
    }

    /// Rejects an opening or a seal of a batch or sub-list that has as many as it may have.
    pub(super) fn require_room_for_list(&mut self, field: &str, batch: &BatchRef) {
        let (batches, facts) = (self.batches(), self.subjects().facts());
        let Some(key) = batches.find(batch).filter(|_| self.except.is_none()) else { return };
        let is_of_list = |position: &&u32| match facts.recorded(**position).map(|fact| fact.kind) {
            Some(FactKindRow::BatchOpened { sublist, .. }) => sublist == batch.sublist,
            Some(FactKindRow::BatchSealed { sublist, .. }) => sublist == batch.sublist,
            _ => false,
        };
        // A correction notes the event in whose place it is once more.
        let recorded: BTreeSet<u32> = batches.recorded_events(key).collect();
        self.judge.facts_read += recorded.len();
        if recorded.iter().filter(is_of_list).count() >= OPENINGS_OF_LIST_MAX {
            let breach = RuleId::OpeningsOfList.with(Key::Limit, OPENINGS_OF_LIST_MAX);
            self.reject(field, &batch.batch, breach, &[]);
        }
    }

    /// Rejects an entry of a batch that has as many as it may have.
    pub(super) fn require_room_under(&mut self, field: &str, key: BatchKey, batch: &str) {
        let count = self.batches().entry_count(key);
        if count >= ENTRIES_OF_BATCH_MAX {
            let breach = RuleId::EntriesOfBatch.with(Key::Limit, ENTRIES_OF_BATCH_MAX);
            self.reject(field, batch, breach, &[]);
        }
    }

    /// The cluster of a designee other than the one being judged.
    pub(super) fn cluster_of(&mut self, index: DesigneeIndex) -> IdentityCluster {
        let cluster = self.subjects().cluster(index, self.except);
        self.judge.facts_read += cluster.facts_read();
        cluster
    }

    fn record(&mut self, members: &[DesigneeIndex], issuer: Issuer) -> Record {
        let record = Record::read(self.subjects(), members, issuer);
        self.judge.facts_read += record.read;
        record
    }
}
