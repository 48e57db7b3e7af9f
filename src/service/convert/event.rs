//! Reading events: which fields each fact has, which are required, and what the catalogue implies.

use super::fields::{Fields, Need, Source};
use crate::{
    domain::{
        AuthorityCode, CivilDate, DesigneeId,
        catalogue::{Decider, ProgrammeId, RuleVersion, Unrenewed},
        event::{BatchRef, Event, Fact, Kind, Listed, TitleFact, TitleRef, Validity},
        fault::{ParseError, Reason},
        limits::CO_ISSUERS_MAX,
    },
    pb::{self, event::Fact as Pb},
};

use Need::{Optional, Required};

/// What every fact is read with.
struct Context {
    authority: AuthorityCode,
    effective: CivilDate,
    designee: Option<DesigneeId>,
}

impl<'a> Fields<'a> {
    /// Reads an event and brings it into its normal form.
    pub(crate) fn event(&mut self, event: &mut pb::Event) -> Option<Event> {
        let authority = self.authority("authority", &mut event.authority, Required);
        let co_issuers = self.co_issuers(&mut event.co_issuers, authority);
        let effective = self.first_day("effective_date", event.effective_date.as_ref(), Required);
        if let Some(evidence) = &mut event.evidence {
            self.within("evidence", |fields| fields.evidence(evidence));
        }
        self.id("rule_version", &mut event.rule_version, Optional);
        let Some(fact) = &mut event.fact else {
            self.required("fact");
            return None;
        };
        let designee = self.designee_of(fact, &mut event.designee);
        let context = Context { authority: authority?, effective: effective?, designee };
        let fact = self.fact(&context, fact, &mut event.rule_version)?;
        Some(Event { authority: context.authority, co_issuers, effective: context.effective, fact })
    }

    fn co_issuers(
        &mut self,
        codes: &mut [String],
        issuer: Option<AuthorityCode>,
    ) -> Vec<AuthorityCode> {
        if codes.len() > CO_ISSUERS_MAX {
            let message = format!("has {} entries; {CO_ISSUERS_MAX} are allowed", codes.len());
            self.fault("co_issuers", "", ParseError::new(Reason::FieldInvalid, message, ""));
            return Vec::new();
        }
        let mut read = Vec::new();
        for (i, code) in codes.iter_mut().enumerate() {
            let field = format!("co_issuers[{i}]");
            let Some(authority) = self.authority(&field, code, Required) else { continue };
            if read.contains(&authority) || issuer == Some(authority) {
                let error = ParseError::new(Reason::FieldInvalid, "stands twice", "");
                self.fault(&field, authority.as_str(), error);
            }
            read.push(authority);
        }
        read
    }

    fn evidence(&mut self, evidence: &mut pb::Evidence) {
        self.document("document_number", &mut evidence.document_number);
        self.date("document_date", evidence.document_date.as_ref(), Optional);
        self.date("published_date", evidence.published_date.as_ref(), Optional);
        self.text("url", &mut evidence.url, Optional);
        self.digest("sha256", &evidence.sha256);
        self.digest("sm3", &evidence.sm3);
    }

    fn designee_of(&mut self, fact: &Pb, text: &mut String) -> Option<DesigneeId> {
        match fact {
            Pb::NoticeOpened(_)
            | Pb::Designated(_)
            | Pb::ReviewPassed(_)
            | Pb::ReviewFailed(_)
            | Pb::Revoked(_)
            | Pb::Renamed(_) => self.designee("designee", text),
            Pb::Corrected(_) | Pb::Annulled(_) | Pb::BatchOpened(_) | Pb::BatchSealed(_) => {
                if !text.is_empty() {
                    let message = "must be empty for a fact that is not about a designee";
                    let error = ParseError::new(Reason::FieldNotAllowed, message, "");
                    self.fault("designee", text, error);
                }
                None
            }
            // Refused as a whole further on.
            _ => None,
        }
    }

    fn fact(&mut self, context: &Context, fact: &mut Pb, version: &mut String) -> Option<Fact> {
        match fact {
            Pb::NoticeOpened(notice) => {
                self.within("notice_opened", |fields| fields.notice(context, notice, version))
            }
            Pb::Designated(designated) => {
                self.within("designated", |fields| fields.designated(context, designated, version))
            }
            Pb::ReviewPassed(passed) => {
                self.within("review_passed", |fields| fields.passed(context, passed, version))
            }
            Pb::ReviewFailed(failed) => {
                self.within("review_failed", |fields| fields.failed(context, failed, version))
            }
            Pb::Revoked(revoked) => {
                self.within("revoked", |fields| fields.revoked(context, revoked, version))
            }
            Pb::Renamed(renamed) => {
                self.within("renamed", |fields| fields.renamed(context, renamed))
            }
            Pb::Corrected(corrected) => {
                self.within("corrected", |fields| fields.corrected(corrected))
            }
            Pb::Annulled(annulled) => self.within("annulled", |fields| {
                fields.text("reason", &mut annulled.reason, Required);
                let position = fields.position("position", annulled.position)?;
                Some(Fact::Annulled { position })
            }),
            Pb::BatchOpened(opened) => self.within("batch_opened", |fields| {
                let pb::BatchOpened { programme, batch, sublist, .. } = opened;
                fields.batch(context, programme, batch, sublist, version).map(Fact::BatchOpened)
            }),
            Pb::BatchSealed(sealed) => self.within("batch_sealed", |fields| {
                let pb::BatchSealed { programme, batch, sublist, declared, digest } = sealed;
                fields.digest("digest", digest);
                let designated = declared.as_ref().and_then(|declared| declared.designated);
                let batch = fields.batch(context, programme, batch, sublist, version)?;
                Some(Fact::BatchSealed { batch, designated })
            }),
            other => {
                self.not_accepted(other);
                None
            }
        }
    }

    fn not_accepted(&mut self, fact: &Pb) {
        let kind = Kind::of_message(fact).map_or("", Kind::name);
        let message = format!("this version does not record {kind} yet");
        self.fault("fact", kind, ParseError::new(Reason::FactNotAccepted, message, ""));
    }

    /// The title a fact is about and the rule version it stands under, which is filled in.
    fn title(
        &mut self,
        context: &Context,
        programme: &str,
        item: &mut String,
        version: &mut String,
    ) -> Option<(TitleRef, &'a RuleVersion)> {
        let item = self.item("item", item);
        let programme = self.programme("programme", programme);
        let (programme, item) = (programme?, item?);
        let rule = self.rule(context, programme, version)?;
        let authority = owner(rule, context.authority);
        Some((TitleRef { programme, authority, item }, rule))
    }

    fn rule(
        &mut self,
        context: &Context,
        programme: ProgrammeId,
        version: &mut String,
    ) -> Option<&'a RuleVersion> {
        let catalogue = self.catalogue;
        match catalogue.programme(programme).rule(version, context.effective) {
            Ok(rule) => {
                if version.is_empty() {
                    version.clone_from(&rule.version);
                }
                Some(rule)
            }
            Err(error) => {
                let text = version.clone();
                self.fault("rule_version", &text, error);
                None
            }
        }
    }

    fn notice(
        &mut self,
        context: &Context,
        notice: &mut pb::NoticeOpened,
        version: &mut String,
    ) -> Option<Fact> {
        let batch = self.id("batch", &mut notice.batch, Required);
        let sublist = self.authority("sublist", &mut notice.sublist, Optional);
        let purpose = self.choice::<pb::NoticePurpose>("purpose", notice.purpose, Required);
        let scope = self.choice::<pb::NoticeScope>("scope", notice.scope, Optional);
        let from = self.first_day("notice_from", notice.notice_from.as_ref(), Optional);
        let from = from.unwrap_or(context.effective);
        let to = self.last_day("notice_to", notice.notice_to.as_ref());
        self.in_order("notice_to", from, to);
        let listed = self.listed(&mut notice.recommended_by, notice.profile.as_mut());
        let item = &mut notice.item;
        let (title, _) = self.title(context, &notice.programme, item, version)?;
        let fact = TitleFact::NoticeOpened {
            batch: batch?,
            sublist,
            review: purpose? == pb::NoticePurpose::Review,
            recommendation: scope? == pb::NoticeScope::Recommendation,
            from,
            to,
            listed,
        };
        Some(Fact::Title { designee: context.designee.clone()?, title, fact })
    }

    fn designated(
        &mut self,
        context: &Context,
        designated: &mut pb::Designated,
        version: &mut String,
    ) -> Option<Fact> {
        let batch = self.id("batch", &mut designated.batch, Required);
        let sublist = self.authority("sublist", &mut designated.sublist, Optional);
        self.date("recommended_on", designated.recommended_on.as_ref(), Optional);
        let listed = self.listed(&mut designated.recommended_by, designated.profile.as_mut());
        let to = self.last_day("valid_to", designated.valid_to.as_ref());
        self.in_order("valid_to", context.effective, to);
        let item = &mut designated.item;
        let source = self.source;
        let (title, rule) = self.title(context, &designated.programme, item, version)?;
        let end = (&mut designated.valid_to, &mut designated.valid_to_inferred);
        let validity = infer(rule, context.effective, to, end, source);
        let supplement = designated.supplement;
        let fact = TitleFact::Designated { batch: batch?, sublist, validity, supplement, listed };
        Some(Fact::Title { designee: context.designee.clone()?, title, fact })
    }

    fn listed(&mut self, recommended_by: &mut String, profile: Option<&mut pb::Profile>) -> Listed {
        let recommended_by = self.authority("recommended_by", recommended_by, Optional);
        let Some(profile) = profile else { return Listed { recommended_by, ..Listed::default() } };
        self.within("profile", |fields| {
            let name = fields.name("name", &mut profile.name, Optional);
            fields.name("name_en", &mut profile.name_en, Optional);
            fields.choice::<pb::DesigneeKind>("kind", profile.kind, Optional);
            fields.choice::<pb::SizeClass>("size_class", profile.size_class, Optional);
            fields.industry("industry", &mut profile.industry);
            let region = fields.region("registered_region", &mut profile.registered_region);
            Listed { name, region, recommended_by }
        })
    }

    fn passed(
        &mut self,
        context: &Context,
        passed: &mut pb::ReviewPassed,
        version: &mut String,
    ) -> Option<Fact> {
        self.id("batch", &mut passed.batch, Optional);
        let round = self.id("round", &mut passed.round, Required);
        let to = self.last_day("valid_to", passed.valid_to.as_ref());
        self.in_order("valid_to", context.effective, to);
        let source = self.source;
        let (title, rule) = self.title(context, &passed.programme, &mut passed.item, version)?;
        let end = (&mut passed.valid_to, &mut passed.valid_to_inferred);
        let validity = infer(rule, context.effective, to, end, source);
        let fact = TitleFact::ReviewPassed { round: round?, validity };
        Some(Fact::Title { designee: context.designee.clone()?, title, fact })
    }

    fn failed(
        &mut self,
        context: &Context,
        failed: &mut pb::ReviewFailed,
        version: &mut String,
    ) -> Option<Fact> {
        self.id("batch", &mut failed.batch, Optional);
        self.id("round", &mut failed.round, Required);
        self.choice::<pb::ReviewFailureCause>("cause", failed.cause, Required);
        let (title, rule) = self.title(context, &failed.programme, &mut failed.item, version)?;
        let fact = TitleFact::ReviewFailed { revokes: rule.unrenewed == Unrenewed::Revoked };
        Some(Fact::Title { designee: context.designee.clone()?, title, fact })
    }

    fn revoked(
        &mut self,
        context: &Context,
        revoked: &mut pb::Revoked,
        version: &mut String,
    ) -> Option<Fact> {
        let ground = self.choice::<pb::RevocationGround>("ground", revoked.ground, Required);
        let ban_until = self.last_day("ban_until", revoked.ban_until.as_ref());
        self.in_order("ban_until", context.effective, ban_until);
        let (title, _) = self.title(context, &revoked.programme, &mut revoked.item, version)?;
        let fact = TitleFact::Revoked { serious: is_serious(ground?), ban_until };
        Some(Fact::Title { designee: context.designee.clone()?, title, fact })
    }

    fn renamed(&mut self, context: &Context, renamed: &mut pb::Renamed) -> Option<Fact> {
        let old_name = self.name("old_name", &mut renamed.old_name, Required);
        let new_name = self.name("new_name", &mut renamed.new_name, Required);
        let (old_name, new_name) = (old_name?, new_name?);
        if old_name == new_name {
            let error = ParseError::new(Reason::FieldInvalid, "is the old name", "");
            self.fault("new_name", new_name.as_str(), error);
        }
        let designee = context.designee.clone()?;
        Some(Fact::Renamed { designee, old_name, new_name, simple: renamed.simple })
    }

    fn corrected(&mut self, corrected: &mut pb::Corrected) -> Option<Fact> {
        self.text("reason", &mut corrected.reason, Required);
        let position = self.position("position", corrected.position);
        let Some(replacement) = corrected.replacement.as_deref_mut() else {
            self.required("replacement");
            return None;
        };
        if matches!(replacement.fact, Some(Pb::Corrected(_) | Pb::Annulled(_))) {
            let message = "is itself a repair; repair the repair instead";
            let error = ParseError::new(Reason::RepairNotAllowed, message, "");
            self.fault("replacement", "", error);
            return None;
        }
        let replacement = self.within("replacement", |fields| fields.event(replacement))?;
        Some(Fact::Corrected { position: position?, replacement: Box::new(replacement) })
    }

    fn batch(
        &mut self,
        context: &Context,
        programme: &str,
        batch: &mut String,
        sublist: &mut String,
        version: &mut String,
    ) -> Option<BatchRef> {
        let batch = self.id("batch", batch, Required);
        let sublist = self.authority("sublist", sublist, Optional);
        let programme = self.programme("programme", programme)?;
        let authority = owner(self.rule(context, programme, version)?, context.authority);
        Some(BatchRef { programme, authority, batch: batch?, sublist })
    }
}

/// Whose title, or batch, it is: the ministry's where only the ministry decides, otherwise the issuer's.
fn owner(rule: &RuleVersion, issuer: AuthorityCode) -> AuthorityCode {
    if rule.decided_by == Decider::Ministry { AuthorityCode::ministry() } else { issuer }
}

/// The end of a validity: as stated, or from the catalogue, which is then written into the message and flagged.
fn infer(
    rule: &RuleVersion,
    from: CivilDate,
    stated: Option<CivilDate>,
    (date, inferred): (&mut Option<pb::Date>, &mut bool),
    source: Source,
) -> Validity {
    if source == Source::Stored {
        return Validity { to: stated, inferred: *inferred };
    }
    *inferred = stated.is_none() && rule.validity_years > 0;
    if !*inferred {
        return Validity { to: stated, inferred: false };
    }
    let to = from.plus_years_minus_day(rule.validity_years);
    *date = Some(super::pb_date(to));
    Validity { to: Some(to), inferred: true }
}

/// The grounds that bar from applying for three years (工信部企业〔2022〕63号, article 18).
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

impl Kind {
    fn of_message(fact: &Pb) -> Option<Self> {
        // The first key of an encoded oneof is its field number, which is the kind's number.
        let mut buffer = Vec::new();
        fact.encode(&mut buffer);
        let key = prost::encoding::decode_varint(&mut buffer.as_slice()).ok()?;
        Self::from_number(i32::try_from(key >> 3).ok()?)
    }
}
