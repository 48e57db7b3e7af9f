//! Reading facts about a designee itself.

use super::{
    common::Context,
    fields::{Fields, Need},
};
use crate::{
    domain::{
        event::{LinkReason, SubjectFact},
        fault::{ParseError, Reason},
    },
    limits::RESTRUCTURING_SUCCESSORS_MAX,
    protocol::pb::{self, event::Fact as Pb},
};

use Need::{Optional, Required};

impl Fields<'_> {
    /// Reads a fact about a designee; none for a fact about something else.
    pub(super) fn subject_fact(&mut self, context: &Context, fact: &mut Pb) -> Option<SubjectFact> {
        match fact {
            Pb::PoolEntered(entered) => {
                let pool = self.id("pool", &mut entered.pool, Required);
                let listed = self.listed(&mut String::new(), entered.profile.as_mut());
                Some(SubjectFact::PoolEntered { pool: pool?, listed })
            }
            Pb::PoolLeft(left) => {
                self.text("reason", &mut left.reason, Optional);
                let pool = self.id("pool", &mut left.pool, Required)?;
                Some(SubjectFact::PoolLeft { pool })
            }
            Pb::Renamed(renamed) => {
                let old_name = self.name("old_name", &mut renamed.old_name, Required);
                let new_name = self.name("new_name", &mut renamed.new_name, Required);
                let (old_name, new_name) = (old_name?, new_name?);
                if old_name == new_name {
                    let error = ParseError::new(Reason::FieldInvalid, "is the old name", "");
                    self.fault("new_name", new_name.as_str(), error);
                }
                Some(SubjectFact::Renamed { old_name, new_name, simple: renamed.simple })
            }
            Pb::Relocated(relocated) => {
                let from_region = self.region("from_region", &mut relocated.from_region);
                self.need("to_region", &relocated.to_region);
                let to_region = self.region("to_region", &mut relocated.to_region);
                let from =
                    self.authority("from_authority", &mut relocated.from_authority, Required);
                let to = self.authority("to_authority", &mut relocated.to_authority, Required);
                let stage = self.choice::<pb::RelocationStage>("stage", relocated.stage, Required);
                Some(SubjectFact::Relocated {
                    from_region,
                    to_region: to_region?,
                    from_authority: from?,
                    to_authority: to?,
                    confirmed: stage? == pb::RelocationStage::Confirmed,
                })
            }
            Pb::Restructured(restructured) => self.restructured(restructured),
            Pb::IdentifierChanged(changed) => {
                let other = self.designee("new_designee", &mut changed.new_designee);
                let reason =
                    self.choice::<pb::IdentifierChangeReason>("reason", changed.reason, Required);
                let reason = match reason? {
                    pb::IdentifierChangeReason::Reregistered => LinkReason::Reregistered,
                    pb::IdentifierChangeReason::Duplicate => LinkReason::Duplicate,
                    _ => LinkReason::Identified,
                };
                Some(SubjectFact::IdentifierChanged { other: other?, reason })
            }
            Pb::SubjectEnded(ended) => {
                self.choice::<pb::SubjectEndCause>("cause", ended.cause, Required)?;
                Some(SubjectFact::Ended)
            }
            Pb::InformationUpdated(updated) => {
                let programme = match updated.programme.as_str() {
                    "" => None,
                    id => Some(self.programme("programme", id)?),
                };
                let year = self.year("year", updated.year)?;
                Some(SubjectFact::InformationUpdated { programme, year })
            }
            Pb::MajorChangeReported(change) => {
                self.choice::<pb::MajorChange>("change", change.change, Required);
                let occurred = self.first_day("occurred_on", change.occurred_on.as_ref(), Required);
                let reported = self.first_day("reported_on", change.reported_on.as_ref(), Optional);
                let reported = reported.unwrap_or(context.effective);
                let occurred = occurred?;
                self.in_order("reported_on", occurred, Some(reported));
                Some(SubjectFact::MajorChangeReported { occurred, reported })
            }
            // Facts about something else are read elsewhere.
            _ => None,
        }
    }

    fn restructured(&mut self, restructured: &mut pb::Restructured) -> Option<SubjectFact> {
        let kind = self.choice::<pb::RestructuringKind>("kind", restructured.kind, Required);
        let count = restructured.successors.len();
        if count > RESTRUCTURING_SUCCESSORS_MAX {
            let message =
                format!("has {count} entries; {RESTRUCTURING_SUCCESSORS_MAX} are allowed");
            self.fault("successors", "", ParseError::new(Reason::FieldInvalid, message, ""));
            return None;
        }
        let mut successors = Vec::with_capacity(count);
        for (i, text) in restructured.successors.iter_mut().enumerate() {
            let Some(id) = self.designee(&format!("successors[{i}]"), text) else { continue };
            if successors.contains(&id) {
                let error = ParseError::new(Reason::FieldInvalid, "stands twice", "");
                self.fault(&format!("successors[{i}]"), text, error);
            }
            successors.push(id);
        }
        let needs_successor = kind? != pb::RestructuringKind::Reorganisation;
        if needs_successor && successors.is_empty() {
            self.required("successors");
        }
        let new_name = self.name("new_name", &mut restructured.new_name, Optional);
        Some(SubjectFact::Restructured { successors, new_name, ends: restructured.ends })
    }
}
