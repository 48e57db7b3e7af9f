//! Reading facts about titles: one function a fact.

use super::{
    common::{Context, infer, owner},
    fields::{Fields, Need},
    words,
};
use crate::{
    domain::{
        catalogue::{Renewal, Unrenewed},
        event::{Fact, Ground, TitleFact, TitleRef},
    },
    protocol::pb,
};

use Need::{Optional, Required};

impl Fields<'_> {
    pub(super) fn notice_opened(
        &mut self,
        context: &mut Context,
        notice: &mut pb::NoticeOpened,
    ) -> Option<Fact> {
        let batch = self.id("batch", &mut notice.batch, Required);
        let sublist = self.authority("sublist", &mut notice.sublist, Optional);
        let purpose = self.choice::<pb::NoticePurpose>("purpose", notice.purpose, Required);
        let scope = self.choice::<pb::NoticeScope>("scope", notice.scope, Optional);
        let from = self.first_day("notice_from", notice.notice_from.as_ref(), Optional);
        let from = from.unwrap_or(context.effective);
        let to = self.last_day("notice_to", notice.notice_to.as_ref());
        self.require_order("notice_to", from, to);
        let listed = self.listed(&mut notice.recommended_by, notice.profile.as_mut());
        let title = self.title(context, &notice.programme, &mut notice.item)?.0;
        let fact = TitleFact::NoticeOpened {
            batch: batch?,
            sublist,
            review: purpose? == pb::NoticePurpose::Review,
            recommendation: scope? == pb::NoticeScope::Recommendation,
            supplement: notice.supplement,
            from,
            to,
            listed,
        };
        context.about_title(title, fact)
    }

    pub(super) fn objection_raised(
        &mut self,
        context: &mut Context,
        raised: &mut pb::ObjectionRaised,
    ) -> Option<Fact> {
        let batch = self.id("batch", &mut raised.batch, Required);
        let scope = self.choice::<pb::NoticeScope>("scope", raised.scope, Optional);
        let title = self.title(context, &raised.programme, &mut raised.item)?.0;
        let recommendation = is_recommendation(scope?, context, &title);
        context.about_title(title, TitleFact::ObjectionRaised { batch: batch?, recommendation })
    }

    pub(super) fn objection_resolved(
        &mut self,
        context: &mut Context,
        resolved: &mut pb::ObjectionResolved,
    ) -> Option<Fact> {
        let batch = self.id("batch", &mut resolved.batch, Required);
        let outcome = self.choice::<pb::ObjectionOutcome>("outcome", resolved.outcome, Required);
        let scope = self.choice::<pb::NoticeScope>("scope", resolved.scope, Optional);
        let title = self.title(context, &resolved.programme, &mut resolved.item)?.0;
        let fact = TitleFact::ObjectionResolved {
            batch: batch?,
            recommendation: is_recommendation(scope?, context, &title),
            upheld: outcome? == pb::ObjectionOutcome::Upheld,
            objection: resolved.objection,
        };
        context.about_title(title, fact)
    }

    pub(super) fn notice_withdrawn(
        &mut self,
        context: &mut Context,
        withdrawn: &mut pb::NoticeWithdrawn,
    ) -> Option<Fact> {
        let batch = self.id("batch", &mut withdrawn.batch, Required);
        self.text("reason", &mut withdrawn.reason, Optional);
        let scope = self.choice::<pb::NoticeScope>("scope", withdrawn.scope, Optional);
        let title = self.title(context, &withdrawn.programme, &mut withdrawn.item)?.0;
        let recommendation = is_recommendation(scope?, context, &title);
        context.about_title(title, TitleFact::NoticeWithdrawn { batch: batch?, recommendation })
    }

    pub(super) fn designated(
        &mut self,
        context: &mut Context,
        designated: &mut pb::Designated,
    ) -> Option<Fact> {
        let batch = self.id("batch", &mut designated.batch, Required);
        let sublist = self.authority("sublist", &mut designated.sublist, Optional);
        let recommended_on =
            self.first_day("recommended_on", designated.recommended_on.as_ref(), Optional);
        let listed = self.listed(&mut designated.recommended_by, designated.profile.as_mut());
        let to = self.last_day("valid_to", designated.valid_to.as_ref());
        self.require_order("valid_to", context.effective, to);
        let (title, rule) = self.title(context, &designated.programme, &mut designated.item)?;
        let end = (&mut designated.valid_to, &mut designated.valid_to_inferred);
        let fact = TitleFact::Designated {
            batch: batch?,
            sublist,
            validity: infer(rule.validity_years, context.effective, to, end, self.source),
            supplement: designated.supplement,
            renews: rule.renewal == Renewal::Designation,
            recommended_on,
            listed,
        };
        context.about_title(title, fact)
    }

    pub(super) fn review_opened(
        &mut self,
        context: &mut Context,
        opened: &mut pb::ReviewOpened,
    ) -> Option<Fact> {
        self.id("batch", &mut opened.batch, Optional);
        let round = self.id("round", &mut opened.round, Required);
        let title = self.title(context, &opened.programme, &mut opened.item)?.0;
        let batch = opened.batch.clone();
        context.about_title(title, TitleFact::ReviewOpened { batch, round: round? })
    }

    pub(super) fn review_passed(
        &mut self,
        context: &mut Context,
        passed: &mut pb::ReviewPassed,
    ) -> Option<Fact> {
        self.id("batch", &mut passed.batch, Optional);
        let round = self.id("round", &mut passed.round, Required);
        let to = self.last_day("valid_to", passed.valid_to.as_ref());
        self.require_order("valid_to", context.effective, to);
        let (title, rule) = self.title(context, &passed.programme, &mut passed.item)?;
        let end = (&mut passed.valid_to, &mut passed.valid_to_inferred);
        let validity = infer(rule.validity_years, context.effective, to, end, self.source);
        let (batch, supplement) = (passed.batch.clone(), passed.supplement);
        let fact = TitleFact::ReviewPassed { batch, round: round?, validity, supplement };
        context.about_title(title, fact)
    }

    pub(super) fn review_failed(
        &mut self,
        context: &mut Context,
        failed: &mut pb::ReviewFailed,
    ) -> Option<Fact> {
        self.id("batch", &mut failed.batch, Optional);
        let round = self.id("round", &mut failed.round, Required);
        let cause = self.check_choice::<pb::ReviewFailureCause>("cause", failed.cause, Required);
        let (title, rule) = self.title(context, &failed.programme, &mut failed.item)?;
        let revokes = rule.unrenewed == Unrenewed::Revoked;
        let cause = cause.and_then(words::review_failure_cause);
        let (batch, supplement) = (failed.batch.clone(), failed.supplement);
        let fact = TitleFact::ReviewFailed { batch, round: round?, revokes, cause, supplement };
        context.about_title(title, fact)
    }

    pub(super) fn revocation_proposed(
        &mut self,
        context: &mut Context,
        proposed: &mut pb::RevocationProposed,
    ) -> Option<Fact> {
        self.check_choice::<pb::RevocationGround>("ground", proposed.ground, Required);
        let title = self.title(context, &proposed.programme, &mut proposed.item)?.0;
        context.about_title(title, TitleFact::RevocationProposed)
    }

    pub(super) fn revoked(
        &mut self,
        context: &mut Context,
        revoked: &mut pb::Revoked,
    ) -> Option<Fact> {
        let ground = self.check_choice::<pb::RevocationGround>("ground", revoked.ground, Required);
        let ban_until = self.last_day("ban_until", revoked.ban_until.as_ref());
        self.require_order("ban_until", context.effective, ban_until);
        let (title, rule) = self.title(context, &revoked.programme, &mut revoked.item)?;
        let ground = ground.and_then(words::ground);
        let is_serious = ground.is_some_and(Ground::is_serious);
        let years = if is_serious { rule.ban_years } else { 0 };
        let end = (&mut revoked.ban_until, &mut revoked.ban_until_inferred);
        let ban = infer(years, context.effective, ban_until, end, self.source);
        let (ban_until, inferred) = (ban.to, ban.inferred);
        context.about_title(title, TitleFact::Revoked { ground, ban_until, inferred })
    }

    pub(super) fn surrendered(
        &mut self,
        context: &mut Context,
        surrendered: &mut pb::Surrendered,
    ) -> Option<Fact> {
        let title = self.title(context, &surrendered.programme, &mut surrendered.item)?.0;
        context.about_title(title, TitleFact::Surrendered)
    }

    pub(super) fn reinstated(
        &mut self,
        context: &mut Context,
        reinstated: &mut pb::Reinstated,
    ) -> Option<Fact> {
        let title = self.title(context, &reinstated.programme, &mut reinstated.item)?.0;
        context.about_title(title, TitleFact::Reinstated { position: reinstated.position })
    }

    pub(super) fn title_transferred(
        &mut self,
        context: &mut Context,
        transferred: &mut pb::TitleTransferred,
    ) -> Option<Fact> {
        let successor = self.designee("successor", &mut transferred.successor);
        let valid_to = self.last_day("valid_to", transferred.valid_to.as_ref());
        self.require_order("valid_to", context.effective, valid_to);
        let title = self.title(context, &transferred.programme, &mut transferred.item)?.0;
        context.about_title(title, TitleFact::Transferred { successor: successor?, valid_to })
    }

    pub(super) fn title_converted(
        &mut self,
        context: &mut Context,
        converted: &mut pb::TitleConverted,
    ) -> Option<Fact> {
        let valid_to = self.last_day("valid_to", converted.valid_to.as_ref());
        self.require_order("valid_to", context.effective, valid_to);
        let to_programme = self.programme("to_programme", &converted.to_programme);
        let to_item = self.item("to_item", &mut converted.to_item);
        let from_programme = self.programme("from_programme", &converted.from_programme);
        let from_item = self.item("from_item", &mut converted.from_item);
        let (from_programme, to_programme) = (from_programme?, to_programme?);
        let rule = self.rule(context, from_programme)?;
        let authority = owner(rule, context.issuer);
        let title = TitleRef { programme: from_programme, authority, item: from_item? };
        let new = self.catalogue.programme(to_programme)?.rule("", context.effective).ok()?.1;
        let authority = owner(new, context.issuer);
        let to = TitleRef { programme: to_programme, authority, item: to_item? };
        context.about_title(title, TitleFact::Converted { to, valid_to })
    }

    pub(super) fn creation_listed(
        &mut self,
        context: &mut Context,
        entry: &mut pb::CreationListed,
    ) -> Option<Fact> {
        let batch = self.id("batch", &mut entry.batch, Required);
        let listed = self.listed(&mut String::new(), entry.profile.as_mut());
        let title = self.title(context, &entry.programme, &mut entry.item)?.0;
        context.about_title(title, TitleFact::CreationListed { batch: batch?, listed })
    }

    pub(super) fn creation_assessed(
        &mut self,
        context: &mut Context,
        assessed: &mut pb::CreationAssessed,
    ) -> Option<Fact> {
        let batch = self.id("batch", &mut assessed.batch, Required);
        let title = self.title(context, &assessed.programme, &mut assessed.item)?.0;
        context.about_title(
            title,
            TitleFact::CreationAssessed { batch: batch?, passed: assessed.passed },
        )
    }

    pub(super) fn rectification_ordered(
        &mut self,
        context: &mut Context,
        ordered: &mut pb::RectificationOrdered,
    ) -> Option<Fact> {
        let due = self.last_day("due", ordered.due.as_ref());
        self.require_order("due", context.effective, due);
        let title = self.title(context, &ordered.programme, &mut ordered.item)?.0;
        context.about_title(title, TitleFact::RectificationOrdered { due })
    }

    pub(super) fn support_granted(
        &mut self,
        context: &mut Context,
        granted: &mut pb::SupportGranted,
    ) -> Option<Fact> {
        let scheme = self.id("scheme", &mut granted.scheme, Required);
        self.id("round", &mut granted.round, Optional);
        let round = granted.round.clone();
        let title = self.title(context, &granted.programme, &mut granted.item)?.0;
        context.about_title(title, TitleFact::SupportGranted { scheme: scheme?, round })
    }
}

/// True if a fact is about an entry in the notice of a recommending authority. Unless it says so
/// itself, it is about a notice of the step that its issuer takes.
fn is_recommendation(scope: pb::NoticeScope, context: &Context, title: &TitleRef) -> bool {
    match scope {
        pb::NoticeScope::Unspecified => context.issuer != title.authority,
        pb::NoticeScope::Decision => false,
        pb::NoticeScope::Recommendation => true,
    }
}
