//! Repairs: what an event says after it was corrected or annulled.
//!
//! The newest live repair of an event decides. A repair is live unless a live annulment removes it, so annulling a
//! repair restores what it replaced. A correction of a correction replaces the replacement. Repairs point backwards, so
//! every chain ends.

use super::{Concern, DesigneeIndex, Register, Repair, Undo, fact::Stated};
use crate::domain::event::{Event, Fact};

impl Register {
    /// Applies a repair: notes it under its target and under the designees it moves a fact to.
    pub(super) fn repair(
        &mut self,
        position: u64,
        target: u64,
        replacement: Option<&Event>,
        concern: &mut Concern,
    ) {
        let root = self.root_of(target);
        // Everybody along the chain is concerned: annulling a repair gives a title back to its first holder.
        let mut link = Some(target);
        while let Some(at) = link {
            if let Some(old) = self.concerns(at, at + 1).first().copied() {
                concern.join(&old);
                if let Some(index) = old.designee() {
                    self.note_event(index, position);
                }
            }
            link = self.target_of(at);
        }
        let replacement = replacement.and_then(|event| {
            let (Fact::Title { designee, .. } | Fact::Renamed { designee, .. }) = &event.fact
            else {
                return None;
            };
            let index = self.intern_designee(designee);
            let stated = self.state(root, event)?;
            self.index_names(index, &event.fact);
            // The root stays in the batch it was recorded in; a replacement may name another one.
            self.note_batch_entry(&event.fact, root);
            self.record(index).inbound.push(root);
            self.undo.push(Undo::Inbound(index));
            self.note_event(index, position);
            concern.join(&Concern::stated_by(event));
            concern.is_about(index, event, &self.designee(index).facts);
            Some((index, stated))
        });
        self.repairs.entry(target).or_default().push(Repair { position, replacement });
        self.undo.push(Undo::Repair(target));
    }

    /// The event at the beginning of a chain of repairs.
    pub(super) fn root_of(&self, position: u64) -> u64 {
        // A repair stands under its target; walk down to the event that repairs nothing.
        let mut root = position;
        while let Some(target) = self.target_of(root) {
            root = target;
        }
        root
    }

    /// What the event repairs, if it is a repair.
    pub(super) fn target_of(&self, position: u64) -> Option<u64> {
        self.concerns(position, position + 1).first().and_then(Concern::repairs)
    }

    fn newest_live_repair(&self, target: u64, known_at: u64) -> Option<&Repair> {
        let repairs = self.repairs.get(&target)?;
        let known = repairs.iter().rev().filter(|repair| repair.position < known_at);
        known.into_iter().find(|repair| !self.is_annulled(repair.position, known_at))
    }

    /// True if the newest live repair of the event removes it.
    pub(super) fn is_annulled(&self, position: u64, known_at: u64) -> bool {
        self.newest_live_repair(position, known_at)
            .is_some_and(|repair| repair.replacement.is_none())
    }

    /// What stands in the place of the event now: its own fact, a replacement, or nothing.
    pub(super) fn standing(
        &self,
        position: u64,
        own: Option<(DesigneeIndex, Stated)>,
        known_at: u64,
    ) -> Option<(DesigneeIndex, Stated)> {
        match self.newest_live_repair(position, known_at) {
            None => own,
            Some(repair) => self.standing(repair.position, repair.replacement, known_at),
        }
    }

    /// The event that carries what stands in the place of the event at a position: itself, or the repair that counts.
    pub(super) fn source_of(&self, position: u64, known_at: u64) -> u64 {
        match self.newest_live_repair(position, known_at) {
            Some(repair) if repair.replacement.is_some() => {
                self.source_of(repair.position, known_at)
            }
            _ => position,
        }
    }

    /// The fact that was recorded at a position about a designee, if any.
    pub(super) fn recorded(&self, position: u64) -> Option<(DesigneeIndex, Stated)> {
        let concern = self.concerns(position, position + 1).first()?;
        let index = concern.designee()?;
        let facts = &self.designee(index).facts;
        let place = facts.binary_search_by_key(&position, |stated| stated.position).ok()?;
        facts.get(place).map(|stated| (index, *stated))
    }

    /// The facts that stand about a designee as known at a log size, without the one in the place `except`, in the
    /// order in which they count.
    pub(super) fn standing_facts(
        &self,
        index: DesigneeIndex,
        known_at: u64,
        except: Option<u64>,
    ) -> Vec<Stated> {
        let record = self.designee(index);
        let own = record.facts.iter().map(|stated| stated.position);
        let mut roots: Vec<u64> = own.chain(record.inbound.iter().copied()).collect();
        if !record.inbound.is_empty() {
            roots.sort_unstable();
            roots.dedup();
        }
        let mut facts: Vec<Stated> = roots
            .into_iter()
            .filter(|root| *root < known_at && Some(*root) != except)
            .filter_map(|root| self.standing(root, self.recorded(root), known_at))
            .filter(|(owner, _)| *owner == index)
            .map(|(_, stated)| stated)
            .collect();
        facts.sort_by_key(|stated| (stated.effective, stated.precedence(), stated.position));
        facts
    }
}
