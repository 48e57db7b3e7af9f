//! Rules for repairs: what may be corrected or annulled, and by whom.

use super::{Case, Objection};
use crate::{
    domain::{event::Event, fault::Reason, kind::Kind},
    limits::REPAIR_CHAIN_MAX,
    register::{
        narrow,
        row::{Stated, What},
    },
};

const RULE: &str = "an event is repaired by its issuer or by the ministry";

impl Case<'_> {
    pub(super) fn annulled(&mut self, event: &Event, target: u64) {
        self.repairable(event, target, "annulled.position");
    }

    pub(super) fn corrected(&mut self, event: &Event, target: u64, replacement: &Event) {
        if !self.repairable(event, target, "corrected.position") {
            return;
        }
        let removes = |stated: &Stated| matches!(stated.what, What::Repaired { removes: true, .. });
        if self.register.stated(narrow(target)).is_some_and(removes) {
            let message = "is an annulment; annul it, and correct what it removed".to_owned();
            let (field, value) = ("corrected.position", target.to_string());
            let (reason, rule) = (Reason::RepairNotAllowed, RULE);
            return self.reject(Objection { field, value, reason, message, rule }, &[]);
        }
        let root = self.register.root_of(narrow(target));
        let kind = self.register.stated(root).map_or(0, |stated| stated.what.kind());
        let about_designee = |kind: u8| (30..90).contains(&kind);
        let new = replacement.fact.kind().number();
        if kind != new && !(about_designee(kind) && about_designee(new)) {
            let name = |number: u8| Kind::from_number(number.into()).map_or("", Kind::name);
            let message = format!(
                "{} takes no place of {}; annul the event and state the other one",
                name(new),
                name(kind)
            );
            let value = target.to_string();
            let (field, reason) = ("corrected.position", Reason::RepairNotAllowed);
            let rule = "an event about a designee is corrected by one about a designee, others by \
                        their kind";
            let conflicts = [narrow(target)];
            return self.reject(Objection { field, value, reason, message, rule }, &conflicts);
        }
        // The replacement is judged as if the event in its place had never been.
        self.path = "corrected.replacement.";
        self.except = Some(root);
        self.judge(replacement);
        self.path = "";
        self.except = None;
    }

    fn repairable(&mut self, event: &Event, target: u64, field: &str) -> bool {
        let stated = self.register.issuer_at(target);
        let message = match stated {
            None => format!("is not recorded; the log has {} events", self.known_at()),
            Some(issuer) if !event.authority.is_ministry() && issuer != event.authority => {
                format!("was stated by {}", issuer.as_str())
            }
            Some(_) if self.register.chain_length(narrow(target)) >= REPAIR_CHAIN_MAX => {
                format!("is at the end of {REPAIR_CHAIN_MAX} repairs; repair the first event again")
            }
            Some(_) if self.register.is_annulled(narrow(target), self.known_at()) => {
                "is annulled already".to_owned()
            }
            Some(_) => return true,
        };
        let (value, reason) = (target.to_string(), Reason::RepairNotAllowed);
        self.reject(Objection { field, value, reason, message, rule: RULE }, &[]);
        false
    }
}
