//! Rules for repairs: what may be corrected or annulled, and by whom.

use super::Case;
use crate::domain::{
    event::{Event, Fact},
    fault::Reason,
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
        let about_designee =
            |fact: &Fact| matches!(fact, Fact::Title { .. } | Fact::Renamed { .. });
        let root = self.register.root_of(target);
        if self.register.recorded(root).is_none() || !about_designee(&replacement.fact) {
            let message = "only events about a designee are corrected; annul an event about a \
                           batch and state it again";
            let value = target.to_string();
            let fault = self.fault(
                "corrected.position",
                value,
                Reason::RepairNotAllowed,
                message.to_owned(),
                RULE,
            );
            return self.reject(fault, &[target]);
        }
        // The replacement is judged as if the event in its place had never been.
        self.path = "corrected.replacement.";
        self.except = Some(root);
        self.judge(replacement);
        self.path = "";
        self.except = None;
    }

    fn repairable(&mut self, event: &Event, target: u64, field: &str) -> bool {
        let concern = self.register.concerns(target, target.saturating_add(1)).first();
        let message = match concern {
            None => format!("is not recorded; the log has {} events", self.known_at()),
            Some(c) if !event.authority.is_ministry() && c.issuer() != event.authority => {
                format!("was stated by {}", c.issuer().as_str())
            }
            Some(_) if self.register.is_annulled(target, self.known_at()) => {
                "is annulled already".to_owned()
            }
            Some(_) => return true,
        };
        let value = target.to_string();
        let fault = self.fault(field, value, Reason::RepairNotAllowed, message, RULE);
        self.reject(fault, &[]);
        false
    }
}
