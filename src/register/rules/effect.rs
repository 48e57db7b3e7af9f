//! The effect of a proposal: the facts are folded with it in its place, and compared with the facts
//! before it. It may change nothing, or take the effect of facts that were recorded earlier.
//!
//! The fold of the last day of all decides. A fact without effect then has none on any later day.

use smallvec::SmallVec;

use super::{Case, Judge};
use crate::{
    domain::{
        CivilDate, DesigneeId, Name,
        event::Event,
        fault::{Key, RuleId},
    },
    register::{
        DesigneeIndex, FoldRules, Layers,
        apply::{Encoder, Symbols},
        fold::{self, Folding, Obstacle, Outcome},
        identity::{FactAt, IdentityCluster, ProposedFact},
        rows::{FactKindRow, FactRow, PROPOSED, Sym, TitleKey, position32},
    },
};

/// Positions in ascending order.
pub(super) type Positions = SmallVec<[u32; 4]>;

/// The effect of a proposal.
#[derive(Debug, Default)]
pub(super) struct Effect {
    /// The cause for which it changes nothing, if it does not.
    pub(super) superseded: Option<Obstacle>,
    /// Events recorded earlier that change nothing any more.
    pub(super) lost: Positions,
}

impl Case<'_> {
    /// The fact that a proposal states, at the place that it would have.
    pub(super) fn proposed(&self, event: &Event, names: Option<&FactRow>) -> FactRow {
        let symbols = OfProposal { register: self.register, names, unknown: 0 };
        Encoder(symbols).fact(event)
    }

    /// The place of the fact being judged: that of the event it replaces, or the next one.
    pub(super) fn place(&self) -> u32 {
        self.except.unwrap_or_else(|| position32(self.known_at()))
    }

    /// The effect of a fact about the designee whose cluster was read and folded.
    pub(super) fn effect(&mut self, designee: &DesigneeId, fact: FactRow) -> Effect {
        let position = self.place();
        if fact.kind.ties_to().is_some() {
            return self.effect_of_tie(designee, fact);
        }
        let rules = self.register.rules_in_force();
        let Judge { cluster, folding, after, .. } = &mut *self.judge;
        let order = fact.fold_order(position);
        let at = cluster.facts.partition_point(|p| p.fact.fold_order(p.position) < order);
        if at == cluster.facts.len() && self.except.is_none() {
            return self.effect_of_last(FactAt { position, member: 0, fact });
        }
        cluster.facts.insert(at, FactAt { position, member: 0, fact });
        let superseded = fold_for(after, cluster, rules, position);
        cluster.facts.remove(at);
        Effect { superseded, lost: newly(&lost(folding), &lost(after), position) }
    }

    /// As [`Case::effect`], of a fact that comes last: the fold goes on by one fact. It goes back
    /// where the rules that follow look at the titles.
    fn effect_of_last(&mut self, placed: FactAt) -> Effect {
        let rules = self.register.rules_in_force();
        let Judge { cluster, folding, .. } = &mut *self.judge;
        let before = lost(folding);
        let mut outcomes = Outcomes::default();
        let mut observe = |_: &FactAt, _: TitleKey, outcome| outcomes.note(outcome);
        fold::fold_next(folding, cluster, &placed, rules, CivilDate::MAX, &mut observe);
        let lost = newly(&before, &lost(folding), placed.position);
        let superseded = outcomes.superseded();
        let bans = matches!(placed.fact.kind, FactKindRow::Revoked { .. });
        if bans || superseded.is_some() || !lost.is_empty() {
            self.fold_designee();
        }
        Effect { superseded, lost }
    }

    /// As [`Case::effect`], of a fact that ties the designee to another one: both are folded.
    fn effect_of_tie(&mut self, designee: &DesigneeId, fact: FactRow) -> Effect {
        let position = self.place();
        let owner = self.known(designee).unwrap_or(PROPOSED);
        let other = fact.kind.ties_to().filter(|other| *other != PROPOSED);
        let mut before = lost(&self.judge.folding);
        if let Some(other) = other {
            add(&mut before, self.lost_of(other, None));
        }
        let proposed = ProposedFact { owner, position, fact };
        let (superseded, after) = self.fold_as_if(owner, self.except, Some(proposed));
        Effect { superseded, lost: newly(&before, &after, position) }
    }

    /// The events about a designee, or about those tied to it, that change nothing.
    pub(super) fn lost_of(&mut self, index: DesigneeIndex, except: Option<u32>) -> Positions {
        self.fold_as_if(index, except, None).1
    }

    /// Folds the facts of a designee as they would be: without one, and with a proposed one. Gives
    /// the cause for which that one changes nothing, and the events that change nothing.
    pub(super) fn fold_as_if(
        &mut self,
        index: DesigneeIndex,
        except: Option<u32>,
        proposed: Option<ProposedFact>,
    ) -> (Option<Obstacle>, Positions) {
        let cluster = self.subjects().cluster_as_if(index, except, proposed);
        let rules = self.register.rules_in_force();
        let Judge { after, facts_read, .. } = &mut *self.judge;
        *facts_read += cluster.facts_read();
        let position = proposed.map_or(u32::MAX, |proposed| proposed.position);
        (fold_for(after, &cluster, rules, position), lost(after))
    }

    /// Warns that a proposal changes nothing.
    pub(super) fn warn_of_nothing(
        &mut self,
        field: &str,
        value: &str,
        superseded: &'static str,
        conflicts: &[u32],
    ) {
        let breach = RuleId::ChangesNothing.with(Key::Superseded, superseded);
        self.warn(field, value, breach, conflicts);
    }

    /// Warns that a proposal takes the effect of earlier events.
    pub(super) fn warn_of_lost(&mut self, field: &str, value: &str, lost: &[u32]) {
        let Some(first) = lost.first() else { return };
        let breach = RuleId::EffectLost.with(Key::Position, self.source_of(*first));
        self.warn(field, value, breach, lost);
    }
}

/// Folds a cluster, and gives the cause for which the fact at a position changes nothing.
fn fold_for(
    folding: &mut Folding,
    cluster: &IdentityCluster,
    rules: FoldRules,
    position: u32,
) -> Option<Obstacle> {
    let mut outcomes = Outcomes::default();
    fold::fold_with(folding, cluster, rules, CivilDate::MAX, &mut |placed, _, outcome| {
        if placed.position == position {
            outcomes.note(outcome);
        }
    });
    outcomes.superseded()
}

/// The outcomes of one fact on the titles that it reaches.
#[derive(Default)]
struct Outcomes {
    cause: Option<Obstacle>,
    is_applied: bool,
}

impl Outcomes {
    fn note(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Superseded(cause) => self.cause = Some(cause),
            _ => self.is_applied = true,
        }
    }

    /// The cause for which the fact changes no title, if it changes none.
    fn superseded(&self) -> Option<Obstacle> {
        self.cause.filter(|_| !self.is_applied)
    }
}

/// The events that no title of the folded cluster keeps: superseded in one, and applied in none.
fn lost(folding: &Folding) -> Positions {
    let mut found = Positions::new();
    for title in &folding.titles {
        for position in &title.superseded {
            let applied = folding.titles.iter().any(|other| other.positions.contains(position));
            if !applied {
                found.push(*position);
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn add(found: &mut Positions, more: Positions) {
    found.extend(more);
    found.sort_unstable();
    found.dedup();
}

/// Those of `after` that are not in `before`, without the proposal's own place.
pub(super) fn newly(before: &[u32], after: &[u32], place: u32) -> Positions {
    let is_new = |position: &&u32| **position != place && before.binary_search(position).is_err();
    after.iter().filter(is_new).copied().collect()
}

/// The names that a fact states.
fn names_in(fact: &FactRow) -> impl Iterator<Item = Sym> {
    let old = match fact.kind {
        FactKindRow::Renamed { old_name, .. } => Some(old_name),
        _ => None,
    };
    old.into_iter().chain(fact.name())
}

/// The symbols of a proposal: those on record, and some that are equal to no other one.
struct OfProposal<'a> {
    register: Layers<'a>,
    /// A fact whose names count as the same if they read the same.
    names: Option<&'a FactRow>,
    unknown: u16,
}

impl OfProposal<'_> {
    fn unknown(&mut self) -> Sym {
        self.unknown += 1;
        Sym::proposed(self.unknown)
    }
}

impl Symbols for OfProposal<'_> {
    fn word(&mut self, text: &str) -> Sym {
        self.register.find_word(text).unwrap_or_else(|| self.unknown())
    }

    fn name(&mut self, name: &Name) -> Sym {
        let known = self.names.into_iter().flat_map(names_in);
        let mut same = known.filter(|sym| self.register.text(*sym) == name.as_str());
        same.next().unwrap_or_else(|| self.unknown())
    }

    fn designee(&mut self, id: &DesigneeId) -> DesigneeIndex {
        let subjects = self.register.subjects(self.register.size());
        subjects.index_of(id).unwrap_or(PROPOSED)
    }
}
