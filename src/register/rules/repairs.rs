//! Rules for repairs: which events may be corrected or annulled, and by whom.

use super::{Case, Objection};
use crate::{
    domain::{event::Event, fault::Reason, kind::Kind},
    limits::REPAIR_CHAIN_MAX,
    register::rows::{FactKindRow, FactRow, position32},
};

const RULE: &str = "an event is repaired by its issuer or by the ministry";

impl Case<'_> {
    pub(super) fn judge_annulment(&mut self, event: &Event, target: u64) {
        self.require_repairable(event, target, "annulled.position");
    }

    pub(super) fn judge_correction(&mut self, event: &Event, target: u64, replacement: &Event) {
        if !self.require_repairable(event, target, "corrected.position") {
            return;
        }
        let facts = self.register.facts(self.known_at());
        let removes =
            |fact: &FactRow| matches!(fact.kind, FactKindRow::Repaired { removes: true, .. });
        if facts.recorded(position32(target)).is_some_and(removes) {
            let message = "is an annulment; annul it, and correct what it removed".to_owned();
            let (field, value) = ("corrected.position", target.to_string());
            let (reason, rule) = (Reason::RepairNotAllowed, RULE);
            return self.reject(Objection { field, value, reason, message, rule }, &[]);
        }
        let root = facts.root_of(position32(target));
        let old = facts.recorded(root).map(|fact| fact.kind.as_kind());
        let new = replacement.fact.kind();
        let both_about_designees =
            new.is_about_designee() && old.is_some_and(Kind::is_about_designee);
        if old != Some(new) && !both_about_designees {
            let message = format!(
                "{} does not take the place of {}; annul the event and state the other one",
                new.name(),
                old.map_or("", Kind::name)
            );
            let value = target.to_string();
            let (field, reason) = ("corrected.position", Reason::RepairNotAllowed);
            let rule = "an event about a designee is corrected by one about a designee, others by \
                        their kind";
            let conflicts = [position32(target)];
            return self.reject(Objection { field, value, reason, message, rule }, &conflicts);
        }
        // The replacement is judged as if the event in its place had never been recorded.
        self.path = "corrected.replacement.";
        self.except = Some(root);
        self.judge(replacement);
        self.path = "";
        self.except = None;
    }

    fn require_repairable(&mut self, event: &Event, target: u64, field: &str) -> bool {
        let facts = self.register.facts(self.known_at());
        let recorded = u32::try_from(target).ok().and_then(|target| facts.recorded(target));
        let root = recorded.and_then(|_| facts.recorded(facts.root_of(position32(target))));
        let is_of_service = root.is_some_and(|fact| fact.kind.as_kind().is_of_service());
        let message = match recorded.map(|fact| fact.issuer) {
            None => format!("is not recorded; the log has {} events", self.known_at()),
            Some(issuer) if !event.issuer.is_ministry() && issuer != event.issuer => {
                format!("was stated by {}", issuer.as_str())
            }
            Some(_) if is_of_service => {
                "is a fact of the service, on which later positions rest".to_owned()
            }
            Some(_) if facts.chain_length(position32(target)) >= REPAIR_CHAIN_MAX => {
                format!("is at the end of {REPAIR_CHAIN_MAX} repairs; repair the first event again")
            }
            Some(_) if facts.is_annulled(position32(target)) => "is annulled already".to_owned(),
            Some(_) => return true,
        };
        let (value, reason) = (target.to_string(), Reason::RepairNotAllowed);
        self.reject(Objection { field, value, reason, message, rule: RULE }, &[]);
        false
    }
}
