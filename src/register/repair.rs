//! Repairs: what an event says after it was corrected or annulled.
//!
//! The newest live repair of an event decides. A repair is live unless a live annulment removes it, so annulling a
//! repair restores what it replaced. A correction of a correction replaces the replacement; an annulment is not corrected.
//! Repairs point backwards, so every chain ends.

use super::{
    DesigneeIndex, NOBODY, Register, Undo,
    concern::Reach,
    identity::Placed,
    narrow,
    row::{Stated, What},
};
use crate::domain::event::Event;

/// A recorded repair of an earlier event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Repair {
    pub(super) position: u32,
    /// What takes the place of the repaired event, with its designee; none if it was annulled.
    replacement: Option<(DesigneeIndex, Stated)>,
}

impl Register {
    /// Applies a repair: notes it under its target and under the designees it moves a fact to. Gives the first of these,
    /// among whose events it stands.
    pub(super) fn repair(
        &mut self,
        position: u32,
        target: u64,
        replacement: Option<&Event>,
        reach: &mut Reach,
    ) -> DesigneeIndex {
        let target = narrow(target);
        let root = self.root_of(target);
        let mut first = NOBODY;
        // Everybody along the chain is concerned: annulling a repair gives a title back to its first holder.
        let mut link = Some(target);
        while let Some(at) = link {
            if let Some(old) = self.row(at).map(|row| row.designee) {
                self.reaches_as(reach, at);
                self.repair_concerns(&mut first, old, position);
            }
            if let Some(owner) = self.replacement_at(at).map(|(owner, _)| owner) {
                self.repair_concerns(&mut first, owner, position);
            }
            // Also whom the repaired event ties its designee to.
            for other in self.others_at.get(&at).cloned().unwrap_or_default() {
                self.repair_concerns(&mut first, other, position);
            }
            link = self.target_of(at);
        }
        let replacement = replacement.map(|event| {
            let about = event.fact.designee().map(|id| self.intern_designee(id));
            let stated = self.state(event, about);
            reach.is_stated_by(event, &stated);
            let Some(index) = about else { return (NOBODY, stated) };
            self.is_about(reach, index, &event.fact, &stated);
            // The root stays in the batch it was recorded in; a replacement may name another one.
            self.index_fact(index, (root, position), event, &stated);
            self.repair_concerns(&mut first, index, position);
            (index, stated)
        });
        // The rules refuse a repair of what is not recorded yet; here it repairs nothing.
        if target < position {
            self.repairs.entry(target).or_default().push(Repair { position, replacement });
            self.repair_count += 1;
            self.undo.push(Undo::Repair(target));
        }
        first
    }

    /// The repair stands among the events of its first designee, and is noted with the others.
    fn repair_concerns(&mut self, first: &mut DesigneeIndex, index: DesigneeIndex, position: u32) {
        if *first == NOBODY {
            *first = index;
        } else if index != NOBODY && *first != index {
            self.note_also(index, position);
        }
    }

    /// The event at the beginning of a chain of repairs: the one that repairs nothing.
    pub(super) fn root_of(&self, position: u32) -> u32 {
        let mut root = position;
        while let Some(target) = self.target_of(root) {
            root = target;
        }
        root
    }

    /// Number of repairs that an event at the end of a chain stands on.
    pub(super) fn chain_length(&self, position: u32) -> usize {
        std::iter::successors(self.target_of(position), |at| self.target_of(*at)).count()
    }

    /// What the event repairs, if it is a repair.
    pub(super) fn target_of(&self, position: u32) -> Option<u32> {
        match self.stated(position)?.what {
            // A repair of something later would be refused; the check keeps every chain finite.
            What::Repaired { target, .. } if target < position => Some(target),
            _ => None,
        }
    }

    /// What the repair at a position puts in its target's place.
    pub(super) fn replacement_at(&self, position: u32) -> Option<(DesigneeIndex, &Stated)> {
        let target = self.target_of(position)?;
        let repair = self.repairs.get(&target)?.iter().find(|r| r.position == position)?;
        repair.replacement.as_ref().map(|(owner, stated)| (*owner, stated))
    }

    fn newest_live_repair(&self, target: u32, known_at: u64) -> Option<&Repair> {
        let known = |repair: &&Repair| u64::from(repair.position) < known_at;
        let mut repairs = self.repairs.get(&target)?.iter().rev().filter(known);
        repairs.find(|repair| !self.is_annulled(repair.position, known_at))
    }

    /// True if the newest live repair of the event removes it.
    pub(super) fn is_annulled(&self, position: u32, known_at: u64) -> bool {
        let newest = self.newest_live_repair(position, known_at);
        newest.is_some_and(|repair| repair.replacement.is_none())
    }

    /// What stands in the place of an event: its own fact, a replacement, or nothing; with the designee it is about.
    pub(super) fn standing(&self, root: u32, known_at: u64) -> Option<(DesigneeIndex, Stated)> {
        let row = self.row(root)?;
        let mut stands = Some((row.designee, row.stated));
        let mut at = root;
        if self.repairs.is_empty() {
            return stands;
        }
        while let Some(repair) = self.newest_live_repair(at, known_at) {
            stands = repair.replacement;
            if stands.is_none() {
                break;
            }
            at = repair.position;
        }
        stands
    }

    /// The event that carries what stands in the place of the event at a position: itself, or the repair that counts.
    pub(super) fn source_of(&self, position: u32, known_at: u64) -> u32 {
        let mut at = position;
        while let Some(repair) = self.newest_live_repair(at, known_at) {
            if repair.replacement.is_none() {
                break;
            }
            at = repair.position;
        }
        at
    }

    /// Adds the facts that stand about a designee as known at a log size, without the one in the place `except`.
    pub(super) fn facts_into(
        &self,
        facts: &mut Vec<Placed>,
        index: DesigneeIndex,
        member: u16,
        known_at: u64,
        except: Option<u32>,
    ) {
        let first = facts.len();
        let mut repaired = false;
        for position in self.events_of(index, known_at) {
            let Some(row) = self.row(position) else { continue };
            let mut root = position;
            if matches!(row.stated.what, What::Repaired { .. }) {
                // Repairs come before what they repair, newest first.
                repaired = true;
                root = self.root_of(position);
            } else if row.designee != index {
                continue;
            }
            if Some(root) != except {
                facts.push(Placed { position: root, member, stated: row.stated });
            }
        }
        if !repaired {
            return;
        }
        let mut roots: Vec<u32> = facts.drain(first..).map(|placed| placed.position).collect();
        roots.sort_unstable();
        roots.dedup();
        facts.extend(roots.into_iter().filter_map(|position| {
            let (owner, stated) = self.standing(position, known_at)?;
            (owner == index).then_some(Placed { position, member, stated })
        }));
    }
}
