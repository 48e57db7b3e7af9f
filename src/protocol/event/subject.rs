//! Reading facts about a designee itself: one function a fact.

use super::{
    common::Context,
    fields::{Fields, Need},
    words,
};
use crate::{
    domain::{
        event::{Fact, LinkReason, SubjectFact},
        fault::RuleId,
    },
    limits::RESTRUCTURING_SUCCESSORS_MAX,
    protocol::pb,
};

use Need::{Optional, Required};

impl Fields<'_> {
    pub(super) fn pool_entered(
        &mut self,
        context: &Context,
        entered: &mut pb::PoolEntered,
    ) -> Option<Fact> {
        let pool = self.id("pool", &mut entered.pool, Required);
        let listed = self.listed(&mut String::new(), entered.profile.as_mut());
        context.about_subject(SubjectFact::PoolEntered { pool: pool?, listed })
    }

    pub(super) fn pool_left(&mut self, context: &Context, left: &mut pb::PoolLeft) -> Option<Fact> {
        self.text("reason", &mut left.reason, Optional);
        let pool = self.id("pool", &mut left.pool, Required)?;
        context.about_subject(SubjectFact::PoolLeft { pool })
    }

    pub(super) fn renamed(&mut self, context: &Context, renamed: &mut pb::Renamed) -> Option<Fact> {
        let old_name = self.name("old_name", &mut renamed.old_name, Required);
        let new_name = self.name("new_name", &mut renamed.new_name, Required);
        let (old_name, new_name) = (old_name?, new_name?);
        if old_name == new_name {
            self.fault("new_name", new_name.as_str(), RuleId::NameUnchanged);
        }
        context.about_subject(SubjectFact::Renamed { old_name, new_name, simple: renamed.simple })
    }

    pub(super) fn relocated(
        &mut self,
        context: &Context,
        relocated: &mut pb::Relocated,
    ) -> Option<Fact> {
        let from_region = self.region("from_region", &mut relocated.from_region);
        let to_region = self.required_region("to_region", &mut relocated.to_region);
        let from = self.authority("from_authority", &mut relocated.from_authority, Required);
        let to = self.authority("to_authority", &mut relocated.to_authority, Required);
        let stage = self.choice::<pb::RelocationStage>("stage", relocated.stage, Required);
        context.about_subject(SubjectFact::Relocated {
            from_region,
            to_region: to_region?,
            from_authority: from?,
            to_authority: to?,
            confirmed: stage? == pb::RelocationStage::Confirmed,
        })
    }

    pub(super) fn restructured(
        &mut self,
        context: &Context,
        restructured: &mut pb::Restructured,
    ) -> Option<Fact> {
        let kind = self.check_choice::<pb::RestructuringKind>("kind", restructured.kind, Required);
        let count = restructured.successors.len();
        if !self.require_bounded("successors", count, RESTRUCTURING_SUCCESSORS_MAX) {
            return None;
        }
        let mut successors = Vec::with_capacity(count);
        for (i, text) in restructured.successors.iter_mut().enumerate() {
            let Some(id) = self.designee(&format!("successors[{i}]"), text) else { continue };
            if successors.contains(&id) {
                self.fault(&format!("successors[{i}]"), text, RuleId::ListedTwice);
            }
            successors.push(id);
        }
        let needs_successor = kind != Some(pb::RestructuringKind::Reorganisation);
        if needs_successor && successors.is_empty() {
            self.fault_required("successors");
        }
        let new_name = self.name("new_name", &mut restructured.new_name, Optional);
        context.about_subject(SubjectFact::Restructured {
            kind: kind.and_then(words::restructuring),
            successors,
            new_name,
            ends: restructured.ends,
        })
    }

    pub(super) fn identifier_changed(
        &mut self,
        context: &Context,
        changed: &mut pb::IdentifierChanged,
    ) -> Option<Fact> {
        let other = self.designee("new_designee", &mut changed.new_designee);
        let reason = self.choice::<pb::IdentifierChangeReason>("reason", changed.reason, Required);
        let reason = match reason? {
            pb::IdentifierChangeReason::Reregistered => LinkReason::Reregistered,
            pb::IdentifierChangeReason::Duplicate => LinkReason::Duplicate,
            pb::IdentifierChangeReason::Unspecified | pb::IdentifierChangeReason::Identified => {
                LinkReason::Identified
            }
        };
        context.about_subject(SubjectFact::IdentifierChanged { other: other?, reason })
    }

    pub(super) fn subject_ended(
        &mut self,
        context: &Context,
        ended: &pb::SubjectEnded,
    ) -> Option<Fact> {
        let cause = self.check_choice::<pb::SubjectEndCause>("cause", ended.cause, Required);
        let cause = cause.and_then(words::subject_end_cause);
        context.about_subject(SubjectFact::Ended { cause })
    }

    pub(super) fn information_updated(
        &mut self,
        context: &Context,
        updated: &pb::InformationUpdated,
    ) -> Option<Fact> {
        let programme = self.any_programme(&updated.programme)?;
        let year = self.year("year", updated.year)?;
        context.about_subject(SubjectFact::InformationUpdated { programme, year })
    }

    pub(super) fn major_change_reported(
        &mut self,
        context: &Context,
        change: &pb::MajorChangeReported,
    ) -> Option<Fact> {
        self.check_choice::<pb::MajorChange>("change", change.change, Required);
        let occurred = self.first_day("occurred_on", change.occurred_on.as_ref(), Required);
        let reported = self.first_day("reported_on", change.reported_on.as_ref(), Optional);
        let reported = reported.unwrap_or(context.effective);
        let occurred = occurred?;
        self.require_order("reported_on", occurred, Some(reported));
        let late = reported > occurred.plus_months(self.catalogue.duties.report_months);
        context.about_subject(SubjectFact::MajorChangeReported { occurred, reported, late })
    }
}
