//! Rules for repairs: which events may be corrected or annulled, and by whom.

use super::{
    Case,
    effect::{Positions, newly},
};
use crate::{
    domain::{
        event::Event,
        fault::{Key, RuleId},
        kind::Kind,
    },
    limits::REPAIR_CHAIN_MAX,
    register::{
        DesigneeIndex,
        identity::ProposedFact,
        rows::{FactKindRow, FactRow, NOBODY, PROPOSED, position32},
    },
};

impl Case<'_> {
    pub(super) fn judge_annulment(&mut self, event: &Event, target: u64) {
        let field = "annulled.position";
        if !(self.require_repairable(event, target, field)
            && self.require_room_for_repair(event, target, field))
        {
            return;
        }
        self.warn_if_taken_out(field, target, None);
        let target = position32(target);
        let facts = self.register.facts(self.known_at());
        let root = facts.root_of(target);
        let annuls_repair = target != root;
        let restored = annuls_repair.then(|| facts.without_repair(target).effective_fact(root));
        self.compare_repair(field, target, root, restored.flatten());
    }

    /// Compares the titles of everybody whom a repair touches with those before it. `new` is the
    /// fact that is in force in the place of the root then.
    fn compare_repair(
        &mut self,
        field: &str,
        target: u32,
        root: u32,
        new: Option<(DesigneeIndex, FactRow)>,
    ) {
        let facts = self.register.facts(self.known_at());
        let value = target.to_string();
        let old = facts.effective_fact(root);
        if let Some((position, (one, other))) = Some(target).zip(old.zip(new))
            && one == other
        {
            let cause = "the fact in force says the same";
            return self.warn_of_nothing(field, &value, cause, &[position]);
        }
        let proposed = new.map(|(owner, fact)| ProposedFact { owner, position: root, fact });
        let stated = old.into_iter().chain(new);
        let mut touched: Vec<DesigneeIndex> =
            stated.flat_map(|(owner, fact)| [Some(owner), fact.kind.ties_to()]).flatten().collect();
        touched.retain(|index| *index != NOBODY && *index != PROPOSED);
        touched.sort_unstable();
        touched.dedup();
        let (mut before, mut after, mut idle) = (Positions::new(), Positions::new(), None);
        for index in touched {
            before.extend(self.lost_of(index, None));
            let (cause, lost) = self.fold_as_if(index, Some(root), proposed);
            after.extend(lost);
            idle = idle.or(cause);
        }
        before.sort_unstable();
        after.sort_unstable();
        after.dedup();
        if let Some(cause) = idle.filter(|_| field == "annulled.position") {
            self.warn_of_nothing(field, &value, cause.in_words(), &[]);
        }
        let lost = newly(&before, &after, root);
        self.warn_of_lost(field, &value, &lost);
    }

    pub(super) fn judge_correction(&mut self, event: &Event, target: u64, replacement: &Event) {
        let field = "corrected.position";
        if !(self.require_repairable(event, target, field)
            && self.require_room_for_repair(event, target, field))
        {
            return;
        }
        let facts = self.register.facts(self.known_at());
        let removes =
            |fact: &FactRow| matches!(fact.kind, FactKindRow::Repaired { removes: true, .. });
        if facts.recorded(position32(target)).is_some_and(removes) {
            let value = target.to_string();
            return self.reject(field, &value, RuleId::CorrectionOfAnnulment, &[]);
        }
        let root = facts.root_of(position32(target));
        let old = facts.recorded(root).map(|fact| fact.kind.as_kind());
        let new = replacement.fact.kind();
        let both_about_designees =
            new.is_about_designee() && old.is_some_and(Kind::is_about_designee);
        if old != Some(new) && !both_about_designees {
            let breach = RuleId::CorrectionOfOtherKind
                .with(Key::Kind, new.name())
                .with(Key::EarlierKind, old.map_or("", Kind::name));
            return self.reject(field, &target.to_string(), breach, &[position32(target)]);
        }
        // The replacement is judged as if the event in its place had never been recorded.
        self.path = "corrected.replacement.";
        (self.except, self.corrected_by) = (Some(root), Some(event.issuer));
        self.judge(replacement);
        let known = facts.effective_fact(root);
        let new = replacement.fact.designee().map(|designee| {
            let owner = self.subjects().index_of(designee).unwrap_or(PROPOSED);
            (owner, self.proposed(replacement, known.as_ref().map(|(_, fact)| fact)))
        });
        self.path = "";
        (self.except, self.corrected_by) = (None, None);
        self.warn_if_taken_out(field, target, Some(replacement));
        if self.verdict.rejections.is_empty() {
            self.compare_repair(field, position32(target), root, new);
        }
    }

    fn require_repairable(&mut self, event: &Event, target: u64, field: &str) -> bool {
        let facts = self.register.facts(self.known_at());
        let recorded = u32::try_from(target).ok().and_then(|target| facts.recorded(target));
        let root = recorded.and_then(|_| facts.recorded(facts.root_of(position32(target))));
        let is_of_service = root.is_some_and(|fact| fact.kind.as_kind().is_of_service());
        let breach = match recorded.map(|fact| fact.issuer) {
            Some(_) if recorded.is_some_and(FactRow::is_withheld) => {
                RuleId::RepairOfRedacted.into()
            }
            Some(_) if self.keeps_a_redaction(position32(target)) => {
                RuleId::RepairOfRedaction.into()
            }
            None => RuleId::RepairOfNothing.with(Key::Count, self.known_at()),
            Some(issuer) if !event.issuer.is_ministry() && issuer != event.issuer => {
                RuleId::RepairByOther.with(Key::Authority, issuer.as_str())
            }
            Some(_) if is_of_service => RuleId::RepairOfService.into(),
            Some(_) if facts.chain_length(position32(target)) >= REPAIR_CHAIN_MAX => {
                RuleId::RepairChainLength.with(Key::Limit, REPAIR_CHAIN_MAX)
            }
            Some(_) if facts.is_annulled(position32(target)) => RuleId::RepairOfAnnulled.into(),
            Some(_) => return true,
        };
        self.reject(field, &target.to_string(), breach, &[]);
        false
    }

    /// True if the chain of repairs begins at a withheld event. A repair of any link
    /// could put that event in force again, and none there has another use.
    fn keeps_a_redaction(&self, position: u32) -> bool {
        let facts = self.register.facts(self.known_at());
        let is_withheld = |at| facts.recorded(at).is_some_and(FactRow::is_withheld);
        facts.targets_of(position).any(is_withheld)
    }
}
