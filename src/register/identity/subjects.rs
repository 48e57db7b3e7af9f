//! Questions about designees as known at a log size. Reads identity, rows and repairs; changes
//! nothing.

use std::iter::{once, successors};

use hashbrown::HashSet;

use super::{FactAt, Identity, IdentityCluster, IdentityLayer, named::names_of};
use crate::{
    domain::{DesigneeId, name::Beginning},
    limits::NAMESAKE_EVENTS_MAX,
    register::{
        repairs::Facts,
        rows::{DesigneeIndex, FactKindRow, FactRow, Link, NOBODY, Sym},
    },
};

/// Bytes of names that take as long to compare as an event takes to read.
pub(super) const NAME_BYTES_OF_READ: usize = 32;

/// Designees that bear or bore a name.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Namesakes {
    /// The first of them, one for each subject.
    pub subjects: Vec<DesigneeIndex>,
    /// True if the search ended before it had seen all.
    pub is_cut: bool,
}

/// Designees and the facts about them, as known at a log size; in a trial with its own.
#[derive(Clone, Copy)]
pub(in crate::register) struct Subjects<'a> {
    identity: &'a Identity,
    layer: Option<&'a IdentityLayer>,
    facts: Facts<'a>,
}

impl<'a> Subjects<'a> {
    pub(in crate::register) fn new(identity: &'a Identity, facts: Facts<'a>) -> Self {
        Self { identity, layer: None, facts }
    }

    /// The same designees, with those of a trial. The facts have its layer already.
    pub(in crate::register) fn with_layer(self, layer: &'a IdentityLayer) -> Self {
        Self { layer: Some(layer), ..self }
    }

    /// The same designees, known at another log size.
    pub(in crate::register) fn known_at(self, known_at: u64) -> Self {
        Self { facts: self.facts.known_at(known_at), ..self }
    }

    pub(in crate::register) fn facts(self) -> Facts<'a> {
        self.facts
    }

    /// The identifier of a designee.
    pub(in crate::register) fn id(self, index: DesigneeIndex) -> &'a DesigneeId {
        let own = self.layer.and_then(|layer| layer.id(index));
        own.unwrap_or_else(|| self.identity.id(index))
    }

    /// The designee with an identifier, even if nothing is known about it at this size.
    pub(in crate::register) fn index_of(self, id: &DesigneeId) -> Option<DesigneeIndex> {
        match self.layer {
            None => self.identity.index_of(id),
            Some(layer) => layer.index_of(self.identity, id),
        }
    }

    /// The designee with an identifier, if anything is known about it.
    pub(in crate::register) fn find(self, id: &DesigneeId) -> Option<DesigneeIndex> {
        self.index_of(id).filter(|index| self.version(*index) > 0)
    }

    /// The designees that an event is about, or concerns besides.
    pub(in crate::register) fn concerned_by(
        self,
        about: DesigneeIndex,
        position: u32,
    ) -> impl Iterator<Item = DesigneeIndex> + 'a {
        let about = Some(about).filter(|index| *index != NOBODY);
        about.into_iter().chain(self.concerned_besides(position).iter().copied())
    }

    /// The designees that an event concerns although it is about another one.
    fn concerned_besides(self, position: u32) -> &'a [DesigneeIndex] {
        match self.layer.filter(|_| self.facts.is_of_trial(position)) {
            None => self.identity.concerned_by(position),
            Some(layer) => layer.concerned_by(position),
        }
    }

    /// The designees that a repair of an event concerns, some of them more than once: everybody
    /// along the chain of repairs, because annulling a repair gives a title back to its first
    /// holder. Among them are those that the repaired event ties its own to.
    pub(in crate::register) fn concerned_along(self, target: u32) -> Vec<DesigneeIndex> {
        let mut concerned = Vec::new();
        for at in once(target).chain(self.facts.targets_of(target)) {
            concerned.extend(self.facts.row(at).map(|row| row.designee));
            concerned.extend(self.facts.replacement_at(at).map(|(owner, _)| owner));
            concerned.extend(self.concerned_besides(at));
        }
        concerned
    }

    /// The designees under which an event is followed because of a link that was erased.
    pub(in crate::register) fn followed_at(self, position: u32) -> &'a [DesigneeIndex] {
        self.identity.followed_at.get(&position).map_or(&[], Vec::as_slice)
    }

    /// The events that a designee is followed by because of links that were erased.
    pub(in crate::register) fn followed_by(self, index: DesigneeIndex) -> &'a [u32] {
        self.identity.followed_by.get(&index).map_or(&[], Vec::as_slice)
    }

    /// True if an event, at any size, is about the designee or concerns it.
    pub(in crate::register) fn has_events(self, index: DesigneeIndex) -> bool {
        self.identity.last_event(index).is_some()
            || !self.identity.events_concerning(index).is_empty()
    }

    /// True if an event, live or not, may tie the designee to another one.
    pub(in crate::register) fn may_be_tied(self, index: DesigneeIndex) -> bool {
        // A designee that only a trial names has no other events.
        let is_own = self.layer.is_some() && index.place_in_trial().is_some();
        let in_trial = |layer: &IdentityLayer| {
            !(layer.events_about(index).is_empty() && layer.events_concerning(index).is_empty())
        };
        self.layer.is_some_and(in_trial) || !is_own && self.identity.may_be_tied(index)
    }

    /// Positions of the events about a designee, newest first, then of those that concern it.
    pub(in crate::register) fn events_of(
        self,
        index: DesigneeIndex,
    ) -> impl Iterator<Item = u32> + 'a {
        self.own_events(index).chain(self.events_concerning(index))
    }

    /// The known events about a designee, newest first.
    fn own_events(self, index: DesigneeIndex) -> impl Iterator<Item = u32> + 'a {
        let of_trial = self.layer.map_or(&[][..], |layer| layer.events_about(index));
        let of_trial = of_trial.iter().rev().copied();
        let (known, below) = (self.facts.known_below(), self.facts.recorded_below());
        let of_trial = of_trial.filter(move |position| u64::from(*position) < known);
        let (rows, sieve) = (self.facts.rows(), self.facts.sieve());
        let recorded = successors(self.last_recorded(index), move |position| {
            rows.get(*position)?.previous.position()
        });
        let counts = move |position: &u32| {
            u64::from(*position) < below && sieve.is_none_or(|sieve| sieve.counts(*position))
        };
        of_trial.chain(recorded.filter(counts))
    }

    /// The last event about a designee that the register has recorded.
    fn last_recorded(self, index: DesigneeIndex) -> Option<u32> {
        match self.layer {
            Some(_) if index.place_in_trial().is_some() => None,
            _ => self.identity.last_event(index),
        }
    }

    /// The known events about others that concern the designee, oldest first.
    fn events_concerning(self, index: DesigneeIndex) -> impl Iterator<Item = u32> + 'a {
        let recorded = self.concerning_recorded(index).iter().copied();
        let (known, below) = (self.facts.known_below(), self.facts.recorded_below());
        let sieve = self.facts.sieve();
        let recorded = recorded.filter(move |position| {
            u64::from(*position) < below && sieve.is_none_or(|sieve| sieve.counts(*position))
        });
        let of_trial = self.layer.map_or(&[][..], |layer| layer.events_concerning(index));
        let of_trial = of_trial.iter().copied();
        recorded.chain(of_trial.filter(move |position| u64::from(*position) < known))
    }

    fn concerning_recorded(self, index: DesigneeIndex) -> &'a [u32] {
        match self.layer {
            Some(_) if index.place_in_trial().is_some() => &[],
            _ => self.identity.events_concerning(index),
        }
    }

    /// The last known event about another designee that concerns this one.
    fn last_concerning(self, index: DesigneeIndex) -> Option<u32> {
        let of_trial = self.layer.map_or(&[][..], |layer| layer.events_concerning(index));
        let mut of_trial = of_trial.iter().rev().copied();
        let mut recorded = self.concerning_recorded(index).iter().rev().copied();
        let own = of_trial.find(|position| self.facts.knows(*position));
        own.or_else(|| {
            recorded.find(|position| {
                self.facts.knows_recorded(*position) && self.facts.counts(*position)
            })
        })
    }

    /// One more than the position of the last event about the designee; 0 if there is none.
    pub(in crate::register) fn version(self, index: DesigneeIndex) -> u64 {
        let last = self.own_events(index).next().max(self.last_concerning(index));
        last.map_or(0, |position| u64::from(position) + 1)
    }

    /// As [`Subjects::version`], of the subject under any of its identifiers; with the number of
    /// facts read for it.
    pub(in crate::register) fn subject_version(self, index: DesigneeIndex) -> (u64, usize) {
        if !self.may_be_tied(index) {
            return (self.version(index), 1);
        }
        let cluster = self.cluster(index, None);
        let versions = cluster.same_subject().map(|member| self.version(member));
        (versions.max().unwrap_or(0), cluster.facts_read())
    }

    /// True if more than so many events are to be read for an answer about a designee.
    pub(in crate::register) fn has_long_record(self, index: DesigneeIndex, events: usize) -> bool {
        if !self.may_be_tied(index) {
            return self.events_of(index).nth(events).is_some();
        }
        self.cluster(index, None).facts_read() > events
    }

    /// The first designees that bear or bore a name with a key and are wanted, one for each
    /// subject, until there are more than `most`.
    pub(in crate::register) fn namesakes(
        self,
        key: &str,
        most: usize,
        mut is_wanted: impl FnMut(DesigneeIndex) -> bool,
    ) -> Namesakes {
        let mut found = Namesakes::default();
        let mut members: HashSet<DesigneeIndex> = HashSet::new();
        let mut read = 0;
        for index in self.identity.names.candidates(key) {
            if found.subjects.len() > most || read > NAMESAKE_EVENTS_MAX {
                found.is_cut = true;
                break;
            }
            read += 1;
            if members.contains(&index) {
                continue;
            }
            let mut before = None;
            let bears = self.name_words(index).any(|word| {
                read += 1;
                // Most events repeat the name of the one before.
                before.replace(word) != Some(word)
                    && self.facts.compare_name(word, key) == Beginning::Same
            });
            if !(bears || self.provisional_key(index) == Some(key)) {
                continue;
            }
            if self.may_be_tied(index) {
                let cluster = self.cluster(index, None);
                read += cluster.read;
                members.extend(cluster.same_subject());
            }
            if is_wanted(index) {
                found.subjects.push(index);
            }
        }
        found
    }

    /// True if the key of a name of the designee begins with a folded text: of one that an event
    /// gives it, or of that in a provisional identifier. Counts in `read` the names looked at.
    pub(in crate::register) fn has_name_with(
        self,
        index: DesigneeIndex,
        text: &str,
        read: &mut usize,
    ) -> bool {
        if self.provisional_key(index).is_some_and(|key| key.starts_with(text)) {
            return true;
        }
        let mut before = None;
        self.name_words(index).any(|word| {
            *read += 1;
            // Most events repeat the name of the one before.
            before.replace(word) != Some(word) && {
                *read += text.len() / NAME_BYTES_OF_READ;
                self.facts.compare_name(word, text) != Beginning::Other
            }
        })
    }

    /// True if others may bear a name with a key.
    pub(super) fn is_shared(self, key: &str) -> bool {
        self.identity.names.is_shared(key)
    }

    /// The key of the name in a provisional identifier of a known designee.
    pub(super) fn provisional_key(self, index: DesigneeIndex) -> Option<&'a str> {
        self.recorded_provisional_key(index).filter(|_| self.version(index) > 0)
    }

    /// The key of the name in a provisional identifier that the register has recorded.
    pub(super) fn recorded_provisional_key(self, index: DesigneeIndex) -> Option<&'a str> {
        let own = index.place_in_trial().is_none();
        own.then(|| self.identity.provisional_key(index)).flatten()
    }

    /// The names that events give a designee, those of the newest event first.
    pub(super) fn name_words(self, index: DesigneeIndex) -> impl Iterator<Item = Sym> + 'a {
        let told = self.events_of(index).filter(move |position| self.facts.shows(*position));
        let stated = told.filter_map(move |position| self.stated_at(position));
        stated.filter(move |(owner, _)| *owner == index).flat_map(|(_, fact)| names_of(fact))
    }

    /// The cluster of a designee, without the fact in the place `except`.
    pub(in crate::register) fn cluster(
        self,
        index: DesigneeIndex,
        except: Option<u32>,
    ) -> IdentityCluster {
        let mut cluster = IdentityCluster::default();
        self.cluster_into(&mut cluster, index, except);
        cluster
    }

    /// As [`Subjects::cluster`], into room that is used again.
    pub(in crate::register) fn cluster_into(
        self,
        cluster: &mut IdentityCluster,
        index: DesigneeIndex,
        except: Option<u32>,
    ) {
        cluster.clear();
        cluster.join(index);
        let mut next = 0;
        while let Some(member) = cluster.members.get(next).copied() {
            let (first, place) = (cluster.facts.len(), u16::try_from(next).unwrap_or(u16::MAX));
            let (facts, repairs_read) = (&mut cluster.facts, &mut cluster.repairs_read);
            cluster.read += self.facts_into(facts, (member, place), except, repairs_read);
            for at in first..cluster.facts.len() {
                let Some(placed) = cluster.facts.get(at).copied() else { break };
                cluster.follow(&placed);
                self.resolve_named(cluster, at, &placed);
            }
            // Ties that other designees' facts state are followed as well.
            for other in self.tied_to(member, except, &mut cluster.repairs_read) {
                cluster.join(other);
            }
            next += 1;
        }
        cluster.sort();
    }

    /// Finds the facts and designees that a fact in a cluster names beside its own.
    pub(super) fn resolve_named(self, cluster: &mut IdentityCluster, at: usize, placed: &FactAt) {
        match placed.fact.kind {
            FactKindRow::Restructured { ends, .. } => {
                let source = self.facts.source_of(placed.position, &mut cluster.repairs_read);
                cluster.name_successors(placed, ends, self.successors_at(source));
            }
            FactKindRow::ObjectionResolved { objection, .. } => {
                let Some(named) = objection.position() else { return };
                let root = Link::to(self.facts.root_of(named));
                if let Some(FactAt { fact, .. }) = cluster.facts.get_mut(at)
                    && let FactKindRow::ObjectionResolved { objection, .. } = &mut fact.kind
                {
                    *objection = root;
                }
            }
            _ => {}
        }
    }

    /// The successors that the restructuring at a position names.
    fn successors_at(self, position: u32) -> &'a [DesigneeIndex] {
        match self.layer.filter(|_| self.facts.is_of_trial(position)) {
            None => self.identity.successors_at(position),
            Some(layer) => layer.successors_at(position),
        }
    }

    /// Tells each fact about a designee that is tied to no other one and has no repairs, newest
    /// first. Otherwise it ends early, and false: then a cluster tells them.
    pub(in crate::register) fn each_plain_fact(
        self,
        index: DesigneeIndex,
        mut tell: impl FnMut(u32, &FactRow),
    ) -> bool {
        if self.may_be_tied(index) {
            return false;
        }
        for position in self.own_events(index) {
            let Some(row) = self.facts.row(position) else { continue };
            if matches!(row.fact.kind, FactKindRow::Repaired { .. }) {
                return false;
            }
            if !row.fact.is_withheld() {
                tell(position, &row.fact);
            }
        }
        true
    }

    /// Adds the facts in force about a designee, without the one in the place `except`. Gives the
    /// number of events read, and counts in `repairs_read` what was read because of repairs.
    pub(super) fn facts_into(
        self,
        facts: &mut Vec<FactAt>,
        (index, member): (DesigneeIndex, u16),
        except: Option<u32>,
        repairs_read: &mut usize,
    ) -> usize {
        let first = facts.len();
        let (mut repairs, mut read) = (Vec::new(), 0);
        for position in self.events_of(index) {
            read += 1;
            let Some(row) = self.facts.row(position) else { continue };
            if matches!(row.fact.kind, FactKindRow::Repaired { .. }) {
                repairs.push(position);
            } else if row.designee == index && !row.fact.is_withheld() && Some(position) != except {
                let fact = self.facts.told(row.fact, position);
                facts.push(FactAt { position, member, fact });
            }
        }
        if repairs.is_empty() {
            return read;
        }
        let roots = self.facts.roots_of(repairs.into_iter(), repairs_read);
        let mut roots: Vec<u32> = roots.into_iter().filter(|root| Some(*root) != except).collect();
        roots.extend(facts.drain(first..).map(|placed| placed.position));
        roots.sort_unstable();
        roots.dedup();
        facts.extend(roots.into_iter().filter_map(|position| {
            let (owner, fact, _) = self.facts.effective(position, repairs_read)?;
            (owner == index).then_some(FactAt { position, member, fact })
        }));
        read
    }

    /// The designees whose facts in force tie them to this one, without the fact in the place
    /// `except`. Counts in `repairs_read` what was read because of repairs.
    pub(super) fn tied_to(
        self,
        index: DesigneeIndex,
        except: Option<u32>,
        repairs_read: &mut usize,
    ) -> Vec<DesigneeIndex> {
        let roots = self.facts.roots_of(self.events_concerning(index), repairs_read);
        let roots = roots.into_iter().filter(|root| Some(*root) != except);
        let tied = roots.filter_map(|root| {
            let (owner, fact, _) = self.facts.effective(root, repairs_read)?;
            (fact.kind.ties_to() == Some(index)).then_some(owner)
        });
        tied.collect()
    }
}
