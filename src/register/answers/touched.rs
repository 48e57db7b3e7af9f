//! Whom some events may have changed: the subjects and batches about which answers before and
//! after them may differ. Rather one too many than one too few.

use std::{collections::BTreeSet, ops::Range};

use hashbrown::HashSet;

use crate::{
    domain::{CivilDate, event::BatchRef},
    limits::QUESTION_SLICE_FACTS,
    register::{
        AsOf, DesigneeIndex, Layers, Register, Seen,
        batches::{BatchKey, Seal},
        identity::{IdentityCluster, Subjects},
        repairs::Facts,
        rows::{FactKindRow, FactRow, NOBODY, position32},
    },
};

/// The subjects, batches and events about which answers may differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// The places of the subjects' first identifiers, ascending.
    pub subjects: Vec<usize>,
    /// The batches that the events name, as far as the caller may read these.
    pub batches: Vec<BatchRef>,
    /// The positions of earlier events that are withheld from everybody by these.
    pub withheld: Vec<u64>,
}

/// A search for what some events touch, under way.
#[derive(Debug)]
pub struct TouchedReading {
    known_at: u64,
    /// The events that are still to be read.
    events: Range<u32>,
    /// Designees that an event touches and whose clusters are still to be read.
    named: Vec<DesigneeIndex>,
    seen: HashSet<DesigneeIndex>,
    subjects: BTreeSet<DesigneeIndex>,
    batches: BTreeSet<BatchKey>,
    withheld: BTreeSet<u32>,
}

impl TouchedReading {
    /// The subjects and batches that the events of a range touch, as known at its end.
    #[must_use]
    pub fn new(events: Range<u64>) -> Self {
        Self {
            known_at: events.end,
            events: position32(events.start)..position32(events.end),
            named: Vec::new(),
            seen: HashSet::new(),
            subjects: BTreeSet::new(),
            batches: BTreeSet::new(),
            withheld: BTreeSet::new(),
        }
    }

    /// Reads some more of it: as much as [`QUESTION_SLICE_FACTS`] allow. True if some is left.
    pub fn advance(&mut self, seen: Seen<'_>) -> bool {
        let layers = Layers::from(&seen);
        let (mut read, mut cluster) = (0, IdentityCluster::default());
        while read < QUESTION_SLICE_FACTS {
            if let Some(index) = self.named.pop() {
                read += 1;
                if self.seen.insert(index) {
                    self.note_cluster(layers.subjects(self.known_at), &mut cluster, index);
                    read += cluster.facts_read();
                }
            } else if let Some(position) = self.events.next() {
                self.note_event(layers, position, &mut read);
            } else {
                return false;
            }
        }
        true
    }

    /// The result, once everything was read.
    #[must_use]
    pub fn finish(self, register: &Register) -> Touched {
        Touched {
            subjects: self.subjects.into_iter().map(DesigneeIndex::place).collect(),
            batches: self.batches.into_iter().map(|key| register.batch_ref(key)).collect(),
            withheld: self.withheld.into_iter().map(u64::from).collect(),
        }
    }

    /// Every subject of a cluster: a title may have passed between them.
    fn note_cluster(
        &mut self,
        subjects: Subjects<'_>,
        cluster: &mut IdentityCluster,
        index: DesigneeIndex,
    ) {
        subjects.cluster_into(cluster, index, None);
        self.seen.extend(cluster.members.iter().copied());
        self.subjects.extend(cluster.first_of_each_subject());
    }

    /// The designees of an event, of those that it repairs or withholds, and of those that are
    /// listed in a batch that it seals.
    fn note_event(&mut self, layers: Layers<'_>, position: u32, read: &mut usize) {
        *read += 1;
        let subjects = layers.subjects(self.known_at);
        let facts = subjects.facts();
        let Some(row) = facts.row(position).filter(|_| facts.counts(position)) else { return };
        self.named.extend(subjects.concerned_by(row.designee, position));
        let mut stated = vec![(row.designee, &row.fact)];
        let target = match row.fact.kind {
            FactKindRow::Repaired { target, .. } => Some(target),
            FactKindRow::EventWithheld { target } => {
                self.withheld.insert(target);
                Some(target)
            }
            _ => None,
        };
        if let Some(target) = target {
            // Any of the repairs of one event may have decided before.
            for at in facts.chains_under(facts.root_of(target)) {
                *read += 1;
                let owner = facts.row(at).map_or(NOBODY, |row| row.designee);
                self.named.extend(subjects.concerned_by(owner, at));
                stated.extend(facts.recorded(at).map(|fact| (owner, fact)));
                if let Some((owner, fact)) = facts.replacement_at(at) {
                    self.named.push(owner);
                    stated.push((owner, fact));
                }
            }
        }
        self.named.retain(|index| *index != NOBODY);
        let all = layers.batches_as_of(AsOf { valid_on: CivilDate::MAX, known_at: self.known_at });
        for (owner, fact) in stated {
            let Some(key) = fact.batch_key() else { continue };
            if Seal::of(position, fact).is_some() {
                self.named.extend(all.holders(key, read));
            }
            if facts.may_read(position) {
                self.batches.insert(key);
                self.note_rounds(subjects, fact, owner, read);
            }
        }
    }

    /// Reviews belong to the sub-list of the first designation, so one that comes late, or goes,
    /// may move them.
    fn note_rounds(
        &mut self,
        subjects: Subjects<'_>,
        fact: &FactRow,
        designee: DesigneeIndex,
        read: &mut usize,
    ) {
        if !matches!(fact.kind, FactKindRow::Designated { .. }) || designee == NOBODY {
            return;
        }
        let facts: Facts<'_> = subjects.facts();
        for position in subjects.events_of(designee) {
            *read += 1;
            let replaced = facts.replacement_at(position).map(|(_, fact)| fact);
            for fact in facts.recorded(position).into_iter().chain(replaced) {
                if matches!(fact.kind, FactKindRow::ReviewPassed { .. }) {
                    self.batches.extend(fact.batch_key());
                }
            }
        }
    }
}

impl Seen<'_> {
    /// All batches under which the caller may read an event or, without bounds, all that are known.
    #[must_use]
    pub fn batch_names(&self, known_at: u64) -> Vec<BatchRef> {
        let layers = Layers::from(self);
        let batches = layers.batches_as_of(AsOf { valid_on: CivilDate::MAX, known_at });
        let facts = layers.facts(known_at);
        let is_told = |key: &BatchKey| match layers.sight() {
            None => batches.is_known(*key),
            Some(_) => batches.noting(*key).any(|position| facts.may_read(position)),
        };
        let told = batches.keys().iter().copied().filter(is_told);
        told.map(|key| self.register.batch_ref(key)).collect()
    }
}
