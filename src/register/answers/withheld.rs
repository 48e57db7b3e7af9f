//! Withheld places: which facts an answer lacks, and what an erased event must leave behind.

use std::collections::{BTreeSet, HashSet};

use crate::{
    domain::{
        AuthorityCode, Concerns, DesigneeId, Withheld,
        kind::{Kind, ProgrammeId},
    },
    limits::REDACTED_POSITIONS_MAX,
    register::{
        DesigneeIndex, Register,
        index::{authority_bit, programme_bit},
        rows::{FactKindRow, FactRow, NOBODY, position32},
    },
};

impl Register {
    /// The first positions whose content an answer lacks: withheld events that were not annulled
    /// yet at a log size.
    #[must_use]
    pub fn redacted_positions(&self, known_at: u64) -> Vec<u64> {
        let facts = self.facts(known_at);
        let places = self.withheld.positions().iter().copied();
        let lacking = places.filter(|at| facts.knows(*at) && !facts.is_annulled(*at));
        lacking.take(REDACTED_POSITIONS_MAX).map(u64::from).collect()
    }

    /// Number of events whose content is erased.
    #[must_use]
    pub fn erased_count(&self) -> u64 {
        self.withheld.positions().len() as u64
    }

    /// True if the content of the event at a position is erased.
    #[must_use]
    pub fn is_withheld(&self, position: u64) -> bool {
        self.recorded(position).is_some_and(FactRow::is_withheld)
    }

    /// The positions in `from..to` of events that nobody is shown, although they are there.
    #[must_use]
    pub fn withheld_within(&self, from: u64, to: u64) -> Vec<u64> {
        self.withheld.unshown(position32(from)..position32(to)).map(u64::from).collect()
    }

    /// The position of the newest live repair of an event, if it removes that event.
    #[must_use]
    pub fn annulled_at(&self, position: u64) -> Option<u64> {
        let facts = self.facts(self.size());
        let at = u32::try_from(position).ok()?;
        facts.annulled_at(at).map(u64::from)
    }

    /// True if the event at a position annuls another one.
    #[must_use]
    pub fn is_annulment(&self, position: u64) -> bool {
        let annuls =
            |fact: &FactRow| matches!(fact.kind, FactKindRow::Repaired { removes: true, .. });
        self.recorded(position).is_some_and(annuls)
    }

    /// True if the event at a position corrects one that links two identifiers. Without it, the
    /// link would have been in force until the correction was annulled, and events of that time
    /// would concern somebody else.
    #[must_use]
    pub fn corrects_a_link(&self, position: u64) -> bool {
        let facts = self.facts(self.size());
        let links = |fact: &FactRow| matches!(fact.kind, FactKindRow::Linked { .. });
        facts.targets_of(position32(position)).any(|at| {
            let replaced = facts.replacement_at(at).map(|(_, fact)| fact);
            facts.recorded(at).into_iter().chain(replaced).any(links)
        })
    }

    /// True if the event at a position states a fact of the service. Later events are read by some
    /// of these, even by one that an early version let somebody annul.
    #[must_use]
    pub fn is_of_service(&self, position: u64) -> bool {
        self.recorded(position).is_some_and(|fact| fact.kind.as_kind().is_of_service())
    }

    fn recorded(&self, position: u64) -> Option<&FactRow> {
        self.rows.fact(u32::try_from(position).ok()?)
    }

    /// The first withheld event that is not annulled.
    #[must_use]
    pub fn first_withheld_in_force(&self) -> Option<u64> {
        let facts = self.facts(self.size());
        let mut places = self.withheld.positions().iter().copied();
        places.find(|at| !facts.is_annulled(*at)).map(u64::from)
    }

    /// Whom the event at a position concerns. `erased` holds the positions of events that are, or
    /// are about to be, withheld.
    #[must_use]
    pub fn concerns(&self, position: u64, erased: &BTreeSet<u64>) -> Option<Concerns> {
        let at = position32(position);
        let row = self.rows.get(at)?;
        let scope = self.index.scope(row.scope);
        let (regions, batches) = self.index.posted(at);
        let mut batches: Vec<_> =
            batches.into_iter().map(|batch| self.text(batch).to_owned()).collect();
        batches.sort_unstable();
        let designees = self.subjects(self.size()).concerned_by(row.designee, at);
        let about = designees.filter_map(|index| self.event_about(index, position, erased));
        let has = |authority: &AuthorityCode| scope.authorities & authority_bit(*authority) != 0;
        Some(Concerns {
            authorities: AuthorityCode::all().filter(has).collect(),
            programmes: ProgrammeId::all()
                .filter(|programme| scope.programmes & programme_bit(*programme) != 0)
                .collect(),
            regions,
            batches,
            kind: Kind::from_number(scope.kind.into())?,
            designee_positions: about.collect(),
        })
    }

    /// The last event below a position that is about a designee, and whose content remains.
    fn event_about(&self, index: DesigneeIndex, below: u64, erased: &BTreeSet<u64>) -> Option<u64> {
        let is_about = |at: &u32| {
            self.rows.get(*at).is_some_and(|row| {
                let is_own = !matches!(
                    row.fact.kind,
                    FactKindRow::Repaired { .. } | FactKindRow::Withheld { .. }
                );
                is_own && row.designee == index && !erased.contains(&u64::from(*at))
            })
        };
        self.subjects(below).events_of(index).find(is_about).map(u64::from)
    }

    /// For each event that concerns somebody else in `without`, whom it concerns here. The other
    /// register lacks the content of events which this one still has.
    #[must_use]
    pub fn derived_concerns(&self, without: &Self, erased: &BTreeSet<u64>) -> Vec<(u64, Concerns)> {
        let there = |batch| without.rows.find_word(self.text(batch));
        let here = |batch| self.rows.find_word(without.text(batch));
        let posted = self.index.differences(&without.index, there, here);
        let mut derived = Vec::new();
        for position in 0..self.size() {
            let lacking = self.followers_lacking(without, position);
            if !posted.contains(position32(position)) && lacking.is_empty() {
                continue;
            }
            let Some(mut concerns) = self.concerns(position, erased) else { continue };
            let about = lacking
                .iter()
                .filter_map(|id| self.event_about(self.identity.index_of(id)?, position, erased));
            concerns.designee_positions = about.collect();
            concerns.designee_positions.sort_unstable();
            if posted.contains(position32(position)) || !concerns.designee_positions.is_empty() {
                derived.push((position, concerns));
            }
        }
        derived
    }

    /// The identifiers under which an event is followed here and not in another register.
    fn followers_lacking(&self, other: &Self, position: u64) -> HashSet<DesigneeId> {
        let mut followers = HashSet::new();
        self.followed_as(position, position + 1, |id| {
            followers.insert(id.clone());
        });
        other.followed_as(position, position + 1, |id| {
            followers.remove(id);
        });
        followers
    }

    /// The same withheld place, after more events were erased: it names others that are about the
    /// same designees.
    #[must_use]
    pub fn renamed(&self, position: u64, withheld: &Withheld, erased: &BTreeSet<u64>) -> Withheld {
        let rename = |below: u64, concerns: &Concerns| {
            let renamed = concerns.designee_positions.iter().filter_map(|at| {
                if !erased.contains(at) {
                    return Some(*at);
                }
                let designee = self.rows.get(position32(*at))?.designee;
                let designee = Some(designee).filter(|index| *index != NOBODY)?;
                self.event_about(designee, below, erased)
            });
            Concerns { designee_positions: renamed.collect(), ..concerns.clone() }
        };
        let derived = withheld.derived.iter();
        Withheld {
            concerns: rename(position, &withheld.concerns),
            derived: derived.map(|(at, concerns)| (*at, rename(*at, concerns))).collect(),
        }
    }
}
