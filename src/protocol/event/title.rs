//! Reading facts about titles.

use super::{
    common::{Context, Version, infer, owner},
    fields::{Fields, Need},
};
use crate::{
    domain::{
        DesigneeId,
        catalogue::{Renewal, Unrenewed},
        event::{TitleFact, TitleRef},
    },
    protocol::pb::{self, event::Fact as Pb},
};

use Need::{Optional, Required};

impl Fields<'_> {
    /// Reads a fact about a title; none for a fact about something else.
    pub(super) fn title_fact(
        &mut self,
        context: &Context,
        fact: &mut Pb,
        version: &mut Version,
    ) -> Option<(TitleRef, TitleFact)> {
        match fact {
            Pb::NoticeOpened(notice) => self.notice(context, notice, version),
            Pb::ObjectionRaised(raised) => {
                let batch = self.id("batch", &mut raised.batch, Required);
                let title = self.title(context, &raised.programme, &mut raised.item, version)?.0;
                Some((title, TitleFact::ObjectionRaised { batch: batch? }))
            }
            Pb::ObjectionResolved(resolved) => {
                let batch = self.id("batch", &mut resolved.batch, Required);
                let outcome =
                    self.choice::<pb::ObjectionOutcome>("outcome", resolved.outcome, Required);
                let title =
                    self.title(context, &resolved.programme, &mut resolved.item, version)?.0;
                let upheld = outcome? == pb::ObjectionOutcome::Upheld;
                Some((title, TitleFact::ObjectionResolved { batch: batch?, upheld }))
            }
            Pb::NoticeWithdrawn(withdrawn) => {
                let batch = self.id("batch", &mut withdrawn.batch, Required);
                self.text("reason", &mut withdrawn.reason, Optional);
                let item = &mut withdrawn.item;
                let title = self.title(context, &withdrawn.programme, item, version)?.0;
                Some((title, TitleFact::NoticeWithdrawn { batch: batch? }))
            }
            Pb::Designated(designated) => self.designated(context, designated, version),
            Pb::ReviewOpened(opened) => {
                self.id("batch", &mut opened.batch, Optional);
                let round = self.id("round", &mut opened.round, Required);
                let title = self.title(context, &opened.programme, &mut opened.item, version)?.0;
                let batch = opened.batch.clone();
                Some((title, TitleFact::ReviewOpened { batch, round: round? }))
            }
            Pb::ReviewPassed(passed) => self.passed(context, passed, version),
            Pb::ReviewFailed(failed) => {
                self.id("batch", &mut failed.batch, Optional);
                let round = self.id("round", &mut failed.round, Required);
                self.choice::<pb::ReviewFailureCause>("cause", failed.cause, Required)?;
                let (title, rule) =
                    self.title(context, &failed.programme, &mut failed.item, version)?;
                let revokes = rule.unrenewed == Unrenewed::Revoked;
                let batch = failed.batch.clone();
                Some((title, TitleFact::ReviewFailed { batch, round: round?, revokes }))
            }
            Pb::RevocationProposed(proposed) => {
                self.choice::<pb::RevocationGround>("ground", proposed.ground, Required)?;
                let title =
                    self.title(context, &proposed.programme, &mut proposed.item, version)?.0;
                Some((title, TitleFact::RevocationProposed))
            }
            Pb::Revoked(revoked) => {
                let ground =
                    self.choice::<pb::RevocationGround>("ground", revoked.ground, Required);
                let ban_until = self.last_day("ban_until", revoked.ban_until.as_ref());
                self.in_order("ban_until", context.effective, ban_until);
                let title = self.title(context, &revoked.programme, &mut revoked.item, version)?.0;
                Some((title, TitleFact::Revoked { serious: is_serious(ground?), ban_until }))
            }
            Pb::Surrendered(given_up) => {
                let title =
                    self.title(context, &given_up.programme, &mut given_up.item, version)?.0;
                Some((title, TitleFact::Surrendered))
            }
            Pb::Reinstated(reinstated) => {
                let position = reinstated.position;
                let item = &mut reinstated.item;
                let title = self.title(context, &reinstated.programme, item, version)?.0;
                Some((title, TitleFact::Reinstated { position }))
            }
            Pb::TitleTransferred(transferred) => {
                let successor: Option<DesigneeId> =
                    self.designee("successor", &mut transferred.successor);
                let valid_to = self.last_day("valid_to", transferred.valid_to.as_ref());
                self.in_order("valid_to", context.effective, valid_to);
                let item = &mut transferred.item;
                let title = self.title(context, &transferred.programme, item, version)?.0;
                Some((title, TitleFact::Transferred { successor: successor?, valid_to }))
            }
            Pb::TitleConverted(converted) => self.converted(context, converted, version),
            Pb::CreationListed(listed) => {
                let batch = self.id("batch", &mut listed.batch, Required);
                let content = self.listed(&mut String::new(), listed.profile.as_mut());
                let title = self.title(context, &listed.programme, &mut listed.item, version)?.0;
                Some((title, TitleFact::CreationListed { batch: batch?, listed: content }))
            }
            Pb::CreationAssessed(assessed) => {
                let batch = self.id("batch", &mut assessed.batch, Required);
                let passed = assessed.passed;
                let title =
                    self.title(context, &assessed.programme, &mut assessed.item, version)?.0;
                Some((title, TitleFact::CreationAssessed { batch: batch?, passed }))
            }
            Pb::RectificationOrdered(ordered) => {
                let due = self.last_day("due", ordered.due.as_ref());
                self.in_order("due", context.effective, due);
                let title = self.title(context, &ordered.programme, &mut ordered.item, version)?.0;
                Some((title, TitleFact::RectificationOrdered { due }))
            }
            Pb::SupportGranted(granted) => {
                let scheme = self.id("scheme", &mut granted.scheme, Required);
                self.id("round", &mut granted.round, Optional);
                let round = granted.round.clone();
                let title = self.title(context, &granted.programme, &mut granted.item, version)?.0;
                Some((title, TitleFact::SupportGranted { scheme: scheme?, round }))
            }
            // Facts about something else are read elsewhere.
            _ => None,
        }
    }

    fn notice(
        &mut self,
        context: &Context,
        notice: &mut pb::NoticeOpened,
        version: &mut Version,
    ) -> Option<(TitleRef, TitleFact)> {
        let batch = self.id("batch", &mut notice.batch, Required);
        let sublist = self.authority("sublist", &mut notice.sublist, Optional);
        let purpose = self.choice::<pb::NoticePurpose>("purpose", notice.purpose, Required);
        let scope = self.choice::<pb::NoticeScope>("scope", notice.scope, Optional);
        let from = self.first_day("notice_from", notice.notice_from.as_ref(), Optional);
        let from = from.unwrap_or(context.effective);
        let to = self.last_day("notice_to", notice.notice_to.as_ref());
        self.in_order("notice_to", from, to);
        let listed = self.listed(&mut notice.recommended_by, notice.profile.as_mut());
        let title = self.title(context, &notice.programme, &mut notice.item, version)?.0;
        let fact = TitleFact::NoticeOpened {
            batch: batch?,
            sublist,
            review: purpose? == pb::NoticePurpose::Review,
            recommendation: scope? == pb::NoticeScope::Recommendation,
            from,
            to,
            listed,
        };
        Some((title, fact))
    }

    fn designated(
        &mut self,
        context: &Context,
        designated: &mut pb::Designated,
        version: &mut Version,
    ) -> Option<(TitleRef, TitleFact)> {
        let batch = self.id("batch", &mut designated.batch, Required);
        let sublist = self.authority("sublist", &mut designated.sublist, Optional);
        let recommended_on =
            self.first_day("recommended_on", designated.recommended_on.as_ref(), Optional);
        let listed = self.listed(&mut designated.recommended_by, designated.profile.as_mut());
        let to = self.last_day("valid_to", designated.valid_to.as_ref());
        self.in_order("valid_to", context.effective, to);
        let source = self.source;
        let (title, rule) =
            self.title(context, &designated.programme, &mut designated.item, version)?;
        let end = (&mut designated.valid_to, &mut designated.valid_to_inferred);
        let fact = TitleFact::Designated {
            batch: batch?,
            sublist,
            validity: infer(rule, context.effective, to, end, source),
            supplement: designated.supplement,
            renews: rule.renewal == Renewal::Designation,
            recommended_on,
            listed,
        };
        Some((title, fact))
    }

    fn passed(
        &mut self,
        context: &Context,
        passed: &mut pb::ReviewPassed,
        version: &mut Version,
    ) -> Option<(TitleRef, TitleFact)> {
        self.id("batch", &mut passed.batch, Optional);
        let round = self.id("round", &mut passed.round, Required);
        let to = self.last_day("valid_to", passed.valid_to.as_ref());
        self.in_order("valid_to", context.effective, to);
        let source = self.source;
        let (title, rule) = self.title(context, &passed.programme, &mut passed.item, version)?;
        let end = (&mut passed.valid_to, &mut passed.valid_to_inferred);
        let validity = infer(rule, context.effective, to, end, source);
        let batch = passed.batch.clone();
        Some((title, TitleFact::ReviewPassed { batch, round: round?, validity }))
    }

    fn converted(
        &mut self,
        context: &Context,
        converted: &mut pb::TitleConverted,
        version: &mut Version,
    ) -> Option<(TitleRef, TitleFact)> {
        let valid_to = self.last_day("valid_to", converted.valid_to.as_ref());
        self.in_order("valid_to", context.effective, valid_to);
        let to_programme = self.programme("to_programme", &converted.to_programme);
        let to_item = self.item("to_item", &mut converted.to_item);
        let from_programme = self.programme("from_programme", &converted.from_programme);
        let from_item = self.item("from_item", &mut converted.from_item);
        let (from_programme, to_programme) = (from_programme?, to_programme?);
        let rule = self.rule(context, from_programme, version)?;
        let authority = owner(rule, context.authority);
        let title = TitleRef { programme: from_programme, authority, item: from_item? };
        let new = self.catalogue.programme(to_programme).rule("", context.effective).ok()?.1;
        let authority = owner(new, context.authority);
        let to = TitleRef { programme: to_programme, authority, item: to_item? };
        Some((title, TitleFact::Converted { to, valid_to }))
    }
}

/// The grounds that bar from applying (工信部企业〔2022〕63号, article 18).
fn is_serious(ground: pb::RevocationGround) -> bool {
    use pb::RevocationGround as G;
    matches!(
        ground,
        G::SafetyAccident
            | G::QualityAccident
            | G::PollutionAccident
            | G::Dishonesty
            | G::TaxEvasion
            | G::Falsification
    )
}
