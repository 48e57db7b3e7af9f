//! Reading events: the parts that all facts share, and the one list that sends each fact to its
//! reader in `title.rs`, `subject.rs` or `framework.rs`.

use super::fields::{Fields, Need, Source};
use crate::{
    domain::{
        AuthorityCode, CivilDate, DesigneeId, Issuer,
        catalogue::{Decider, RuleVersion},
        event::{BatchRef, Event, Fact, Listed, SubjectFact, TitleFact, TitleRef, Validity},
        fault::{Key, RuleId},
        kind::{HolderKind, Kind, ProgrammeId},
    },
    limits::CO_ISSUERS_MAX,
    protocol::{
        pb::{self, event::Fact as Pb},
        time,
    },
};

use Need::{Optional, Required};

/// The parts of an event that the readers of its fact need.
pub(super) struct Context<'t> {
    pub(super) issuer: Issuer,
    pub(super) effective: CivilDate,
    pub(super) designee: Option<DesigneeId>,
    /// The number of the event's own document; may be empty.
    pub(super) document: &'t str,
    /// The rule version as stated; the version in force once it is filled in.
    rule_version: &'t mut String,
    /// The place of the rule version among the programme's.
    rule: Option<u8>,
}

impl Context<'_> {
    /// The fact, with the designee; `None` if the designee could not be read.
    pub(super) fn about_title(&self, title: TitleRef, fact: TitleFact) -> Option<Fact> {
        Some(Fact::Title { designee: self.designee.clone()?, title, fact })
    }

    /// As [`Context::about_title`], for a fact about the designee itself.
    pub(super) fn about_subject(&self, fact: SubjectFact) -> Option<Fact> {
        Some(Fact::Subject { designee: self.designee.clone()?, fact })
    }
}

impl<'a> Fields<'a> {
    /// Reads an event and brings it into its normal form.
    pub(crate) fn event(&mut self, event: &mut pb::Event) -> Option<Event> {
        let issuer = self.issuer("authority", &mut event.authority);
        let co_issuers = self.co_issuers(&mut event.co_issuers, issuer);
        let effective = self.first_day("effective_date", event.effective_date.as_ref(), Required);
        let (mut document, mut row) = (String::new(), 0);
        if let Some(evidence) = &mut event.evidence {
            self.within("evidence", |fields| fields.evidence(evidence));
            document.clone_from(&evidence.document_number);
            row = evidence.row;
        }
        self.id("rule_version", &mut event.rule_version, Optional);
        let Some(fact) = &mut event.fact else {
            self.unreadable_without("fact");
            return None;
        };
        let designee = self.designee_of(fact, &mut event.designee);
        let rule_version = &mut event.rule_version;
        let (issuer, effective) = (issuer?, effective?);
        let mut context =
            Context { issuer, effective, designee, document: &document, rule_version, rule: None };
        let kind = kind_of(fact);
        self.require_own_fact(issuer, kind);
        let fact = self.within(kind.name(), |fields| fields.fact(&mut context, fact))?;
        let rule = context.rule;
        Some(Event { issuer, co_issuers, effective, document, row, rule, fact })
    }

    /// The service has neither titles nor batches. In the log, an event that gives it some cannot
    /// be read; a caller's is refused by the rules.
    fn require_own_fact(&mut self, issuer: Issuer, kind: Kind) {
        if issuer == Issuer::Service && !kind.is_of_service() && self.is_stored() {
            let breach = RuleId::FactOfAuthority.with(Key::Kind, kind.name());
            self.unreadable("authority", issuer.as_str(), breach);
        }
    }

    fn co_issuers(&mut self, codes: &mut [String], issuer: Option<Issuer>) -> Vec<AuthorityCode> {
        if !self.require_bounded("co_issuers", codes.len(), CO_ISSUERS_MAX) {
            return Vec::new();
        }
        let mut read = Vec::new();
        for (i, code) in codes.iter_mut().enumerate() {
            let field = format!("co_issuers[{i}]");
            if code.is_empty() {
                self.fault_required(&field);
            }
            let Some(authority) = self.authority(&field, code, Optional) else { continue };
            if read.contains(&authority) || issuer == Some(authority.into()) {
                self.fault(&field, authority.as_str(), RuleId::ListedTwice);
            }
            read.push(authority);
        }
        read
    }

    fn evidence(&mut self, evidence: &mut pb::Evidence) {
        if self.is_stored() {
            return;
        }
        self.document("document_number", &mut evidence.document_number);
        self.date("document_date", evidence.document_date.as_ref(), Optional);
        self.date("published_date", evidence.published_date.as_ref(), Optional);
        self.url("url", &mut evidence.url);
        self.digest("sha256", &evidence.sha256);
        self.digest("sm3", &evidence.sm3);
    }

    /// Facts about a designee must name it; the others must not.
    fn designee_of(&mut self, fact: &Pb, text: &mut String) -> Option<DesigneeId> {
        if kind_of(fact).is_about_designee() {
            return self.designee("designee", text);
        }
        if !text.is_empty() {
            self.fault("designee", text, RuleId::DesigneeNotAllowed);
        }
        None
    }

    /// Sends each fact to its reader.
    fn fact(&mut self, context: &mut Context, fact: &mut Pb) -> Option<Fact> {
        match fact {
            Pb::CatalogueAdopted(fact) => self.catalogue_adopted(fact),
            Pb::CompletenessDeclared(fact) => self.completeness_declared(fact),
            Pb::MeasuresIssued(fact) => self.measures_issued(context, fact),
            Pb::MeasuresRepealed(fact) => self.measures_repealed(fact),
            Pb::RulesAdopted(fact) => self.rules_adopted(fact),
            Pb::FormatRaised(fact) => self.format_raised(fact),
            Pb::AuditAnchored(fact) => self.audit_anchored(fact),
            Pb::AuthorityKeyRegistered(fact) => self.authority_key_registered(fact),
            Pb::AuthorityKeyRevoked(fact) => self.authority_key_revoked(fact),
            Pb::EventWithheld(fact) => self.event_withheld(fact),
            Pb::Corrected(fact) => self.corrected(fact),
            Pb::Annulled(fact) => self.annulled(fact),
            Pb::BatchOpened(fact) => self.batch_opened(context, fact),
            Pb::BatchSealed(fact) => self.batch_sealed(context, fact),
            Pb::EnvironmentAssessed(fact) => self.environment_assessed(fact),
            Pb::PoolEntered(fact) => self.pool_entered(context, fact),
            Pb::PoolLeft(fact) => self.pool_left(context, fact),
            Pb::Renamed(fact) => self.renamed(context, fact),
            Pb::Relocated(fact) => self.relocated(context, fact),
            Pb::Restructured(fact) => self.restructured(context, fact),
            Pb::IdentifierChanged(fact) => self.identifier_changed(context, fact),
            Pb::SubjectEnded(fact) => self.subject_ended(context, fact),
            Pb::InformationUpdated(fact) => self.information_updated(context, fact),
            Pb::MajorChangeReported(fact) => self.major_change_reported(context, fact),
            Pb::NoticeOpened(fact) => self.notice_opened(context, fact),
            Pb::ObjectionRaised(fact) => self.objection_raised(context, fact),
            Pb::ObjectionResolved(fact) => self.objection_resolved(context, fact),
            Pb::NoticeWithdrawn(fact) => self.notice_withdrawn(context, fact),
            Pb::Designated(fact) => self.designated(context, fact),
            Pb::ReviewOpened(fact) => self.review_opened(context, fact),
            Pb::ReviewPassed(fact) => self.review_passed(context, fact),
            Pb::ReviewFailed(fact) => self.review_failed(context, fact),
            Pb::RevocationProposed(fact) => self.revocation_proposed(context, fact),
            Pb::Revoked(fact) => self.revoked(context, fact),
            Pb::Surrendered(fact) => self.surrendered(context, fact),
            Pb::Reinstated(fact) => self.reinstated(context, fact),
            Pb::TitleTransferred(fact) => self.title_transferred(context, fact),
            Pb::TitleConverted(fact) => self.title_converted(context, fact),
            Pb::CreationListed(fact) => self.creation_listed(context, fact),
            Pb::CreationAssessed(fact) => self.creation_assessed(context, fact),
            Pb::RectificationOrdered(fact) => self.rectification_ordered(context, fact),
            Pb::SupportGranted(fact) => self.support_granted(context, fact),
        }
    }

    /// The title that a fact is about, and the rule version that governs it, which is filled in.
    pub(super) fn title(
        &mut self,
        context: &mut Context,
        programme: &str,
        item: &mut String,
    ) -> Option<(TitleRef, &'a RuleVersion)> {
        let item = self.item("item", item);
        let programme = self.programme("programme", programme);
        let (programme, item) = (programme?, item?);
        let rule = self.rule(context, programme)?;
        let authority = owner(rule, context.issuer);
        Some((TitleRef { programme, authority, item }, rule))
    }

    pub(super) fn rule(
        &mut self,
        context: &mut Context,
        programme: ProgrammeId,
    ) -> Option<&'a RuleVersion> {
        let programme = self.catalogue.programme(programme)?;
        match programme.rule(context.rule_version, context.effective) {
            Ok((place, rule)) => {
                if context.rule_version.is_empty() {
                    context.rule_version.clone_from(&rule.version);
                }
                context.rule = Some(place);
                Some(rule)
            }
            Err(breach) => {
                self.unreadable("rule_version", context.rule_version, breach);
                None
            }
        }
    }

    /// A programme; the inner `None` means all programmes.
    pub(super) fn any_programme(&mut self, id: &str) -> Option<Option<ProgrammeId>> {
        if id.is_empty() { Some(None) } else { self.programme("programme", id).map(Some) }
    }

    pub(super) fn listed(
        &mut self,
        recommended_by: &mut String,
        profile: Option<&mut pb::Profile>,
    ) -> Listed {
        let recommended_by = self.authority("recommended_by", recommended_by, Optional);
        let Some(profile) = profile else { return Listed { recommended_by, ..Listed::default() } };
        self.within("profile", |fields| {
            let name = fields.name("name", &mut profile.name, Optional);
            fields.published("name_en", &mut profile.name_en);
            let kind = fields.check_choice::<pb::DesigneeKind>("kind", profile.kind, Optional);
            fields.check_choice::<pb::SizeClass>("size_class", profile.size_class, Optional);
            let industry = fields.industry("industry", &mut profile.industry);
            let region = fields.region("registered_region", &mut profile.registered_region);
            if !profile.main_product.is_empty() {
                fields.item("main_product", &mut profile.main_product);
            }
            let kind = kind.and_then(holder_kind);
            Listed { name, kind, region, industry, recommended_by }
        })
    }

    pub(super) fn batch(
        &mut self,
        context: &mut Context,
        programme: &str,
        batch: &mut String,
        sublist: &mut String,
    ) -> Option<BatchRef> {
        let batch = self.id("batch", batch, Required);
        let sublist = self.authority("sublist", sublist, Optional);
        let programme = self.programme("programme", programme)?;
        let authority = owner(self.rule(context, programme)?, context.issuer);
        Some(BatchRef { programme, authority, batch: batch?, sublist })
    }
}

/// The authority that owns a title or batch: the ministry if only the ministry decides, otherwise
/// the issuer. The service owns none: the ministry is in its place until the rules refuse the
/// event.
pub(super) fn owner(rule: &RuleVersion, issuer: Issuer) -> AuthorityCode {
    let issuer = issuer.authority().filter(|_| rule.decided_by != Decider::Ministry);
    issuer.unwrap_or_else(AuthorityCode::ministry)
}

/// The end of a validity, or of a ban, as stated. If a caller states none, the one after the
/// catalogue's `years` goes into the message, with a flag; 0 years: it has no end.
pub(super) fn infer(
    years: u32,
    from: CivilDate,
    stated: Option<CivilDate>,
    (date, inferred): (&mut Option<pb::Date>, &mut bool),
    source: Source,
) -> Validity {
    if source == Source::Stored {
        return Validity { to: stated, inferred: *inferred };
    }
    *inferred = stated.is_none() && years > 0;
    if !*inferred {
        return Validity { to: stated, inferred: false };
    }
    let to = from.plus_years_minus_day(years);
    *date = Some(time::pb_date(to));
    Validity { to: Some(to), inferred: true }
}

/// All kinds of holders, with their values in the protocol.
const HOLDER_KINDS: [(HolderKind, pb::DesigneeKind); 4] = [
    (HolderKind::Enterprise, pb::DesigneeKind::Enterprise),
    (HolderKind::Institution, pb::DesigneeKind::Institution),
    (HolderKind::Park, pb::DesigneeKind::Park),
    (HolderKind::Zone, pb::DesigneeKind::Zone),
];

/// The kind of holder with a value of the protocol; `None` if it is unspecified.
fn holder_kind(kind: pb::DesigneeKind) -> Option<HolderKind> {
    HOLDER_KINDS.iter().find(|(_, known)| *known == kind).map(|(holder, _)| *holder)
}

/// The protocol's value for a kind of holder.
pub(crate) fn designee_kind(kind: HolderKind) -> pb::DesigneeKind {
    let found = HOLDER_KINDS.iter().find(|(known, _)| *known == kind);
    found.map_or(pb::DesigneeKind::Unspecified, |(_, value)| *value)
}

/// The kind of a fact. The only map from the protocol's messages to the list of facts.
pub(crate) fn kind_of(fact: &Pb) -> Kind {
    match fact {
        Pb::CatalogueAdopted(_) => Kind::CatalogueAdopted,
        Pb::CompletenessDeclared(_) => Kind::CompletenessDeclared,
        Pb::MeasuresIssued(_) => Kind::MeasuresIssued,
        Pb::MeasuresRepealed(_) => Kind::MeasuresRepealed,
        Pb::RulesAdopted(_) => Kind::RulesAdopted,
        Pb::FormatRaised(_) => Kind::FormatRaised,
        Pb::AuditAnchored(_) => Kind::AuditAnchored,
        Pb::AuthorityKeyRegistered(_) => Kind::AuthorityKeyRegistered,
        Pb::AuthorityKeyRevoked(_) => Kind::AuthorityKeyRevoked,
        Pb::EventWithheld(_) => Kind::EventWithheld,
        Pb::PoolEntered(_) => Kind::PoolEntered,
        Pb::PoolLeft(_) => Kind::PoolLeft,
        Pb::NoticeOpened(_) => Kind::NoticeOpened,
        Pb::ObjectionRaised(_) => Kind::ObjectionRaised,
        Pb::ObjectionResolved(_) => Kind::ObjectionResolved,
        Pb::NoticeWithdrawn(_) => Kind::NoticeWithdrawn,
        Pb::Designated(_) => Kind::Designated,
        Pb::ReviewOpened(_) => Kind::ReviewOpened,
        Pb::ReviewPassed(_) => Kind::ReviewPassed,
        Pb::ReviewFailed(_) => Kind::ReviewFailed,
        Pb::RevocationProposed(_) => Kind::RevocationProposed,
        Pb::Revoked(_) => Kind::Revoked,
        Pb::Surrendered(_) => Kind::Surrendered,
        Pb::Reinstated(_) => Kind::Reinstated,
        Pb::TitleTransferred(_) => Kind::TitleTransferred,
        Pb::TitleConverted(_) => Kind::TitleConverted,
        Pb::CreationListed(_) => Kind::CreationListed,
        Pb::CreationAssessed(_) => Kind::CreationAssessed,
        Pb::RectificationOrdered(_) => Kind::RectificationOrdered,
        Pb::SupportGranted(_) => Kind::SupportGranted,
        Pb::Renamed(_) => Kind::Renamed,
        Pb::Relocated(_) => Kind::Relocated,
        Pb::Restructured(_) => Kind::Restructured,
        Pb::IdentifierChanged(_) => Kind::IdentifierChanged,
        Pb::SubjectEnded(_) => Kind::SubjectEnded,
        Pb::InformationUpdated(_) => Kind::InformationUpdated,
        Pb::MajorChangeReported(_) => Kind::MajorChangeReported,
        Pb::Corrected(_) => Kind::Corrected,
        Pb::Annulled(_) => Kind::Annulled,
        Pb::BatchOpened(_) => Kind::BatchOpened,
        Pb::BatchSealed(_) => Kind::BatchSealed,
        Pb::EnvironmentAssessed(_) => Kind::EnvironmentAssessed,
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    #[test]
    fn the_number_of_a_kind_is_the_field_number_of_its_fact() {
        for kind in Kind::all() {
            // An empty message in the field with that number.
            let mut bytes = Vec::new();
            let wire = prost::encoding::WireType::LengthDelimited;
            prost::encoding::encode_key(kind.number().into(), wire, &mut bytes);
            bytes.push(0);
            let event = pb::Event::decode(bytes.as_slice()).unwrap();
            assert_eq!(kind_of(&event.fact.unwrap()), kind);
            assert!(pb::EventKind::try_from(i32::from(kind.number())).is_ok());
        }
    }
}
