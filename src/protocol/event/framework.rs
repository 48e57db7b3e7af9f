//! Reading facts that are not about a designee: the legal framework, repairs, batches, assessments.
//! One function a fact.

use super::{
    common::Context,
    fields::{Fields, Need},
};
use crate::{
    domain::{
        BodyCode,
        event::{Declared, Fact, FrameworkFact, Part},
        fault::RuleId,
    },
    limits::{INDICATORS_MAX, ISSUING_BODIES_MAX},
    protocol::pb::{self, event::Fact as Pb},
};

use Need::{Optional, Required};

impl Fields<'_> {
    pub(super) fn catalogue_adopted(&mut self, adopted: &mut pb::CatalogueAdopted) -> Option<Fact> {
        self.text("version", &mut adopted.version, Required);
        let sha256 = self.digest("sha256", &adopted.sha256);
        if sha256.is_none() && (self.is_stored() || adopted.sha256.is_empty()) {
            self.unreadable_without("sha256");
        }
        let sha256 = sha256?;
        Some(Fact::Framework(FrameworkFact::CatalogueAdopted { sha256 }))
    }

    pub(super) fn completeness_declared(
        &mut self,
        declared: &pb::CompletenessDeclared,
    ) -> Option<Fact> {
        let part = self.choice::<pb::RegisterPart>("part", declared.part, Required);
        let programme = self.any_programme(&declared.programme)?;
        let part = match part? {
            pb::RegisterPart::Unspecified | pb::RegisterPart::Titles => Part::Titles,
            pb::RegisterPart::Measures => Part::Measures,
            pb::RegisterPart::Notices => Part::Notices,
            pb::RegisterPart::InformationUpdates => Part::InformationUpdates,
        };
        Some(Fact::Framework(FrameworkFact::CompletenessDeclared { programme, part }))
    }

    pub(super) fn measures_issued(
        &mut self,
        context: &Context,
        issued: &mut pb::MeasuresIssued,
    ) -> Option<Fact> {
        self.check_choice::<pb::Instrument>("instrument", issued.instrument, Required);
        self.text("issuer_name", &mut issued.issuer_name, Optional);
        self.text("title", &mut issued.title, Required);
        let from = self.first_day("in_force_from", issued.in_force_from.as_ref(), Optional);
        let from = from.unwrap_or(context.effective);
        let to = self.last_day("in_force_to", issued.in_force_to.as_ref());
        self.require_order("in_force_to", from, to);
        let bodies = self.issuing_bodies(&mut issued.issuing_bodies);
        self.document("amends", &mut issued.amends);
        if !issued.amends.is_empty() && issued.amends == context.document {
            self.fault("amends", &issued.amends, RuleId::AmendsItself);
        }
        let amends = issued.amends.clone();
        let programme = self.any_programme(&issued.programme)?;
        let fact = FrameworkFact::MeasuresIssued { programme, from, to, bodies, amends };
        Some(Fact::Framework(fact))
    }

    /// The bodies of an instrument. From the log, those that the table has.
    fn issuing_bodies(&mut self, codes: &mut [String]) -> Vec<BodyCode> {
        if !self.require_bounded("issuing_bodies", codes.len(), ISSUING_BODIES_MAX) {
            return Vec::new();
        }
        let mut read = Vec::new();
        for (i, code) in codes.iter_mut().enumerate() {
            let Some(body) = self.body(&format!("issuing_bodies[{i}]"), code) else { continue };
            if read.contains(&body) {
                self.fault(&format!("issuing_bodies[{i}]"), code, RuleId::ListedTwice);
            }
            read.push(body);
        }
        read
    }

    pub(super) fn measures_repealed(
        &mut self,
        repealed: &mut pb::MeasuresRepealed,
    ) -> Option<Fact> {
        self.document("document_number", &mut repealed.document_number);
        if repealed.position.is_none() && repealed.document_number.is_empty() {
            self.fault_required("position");
        }
        let (position, repealed) = (repealed.position, repealed.document_number.clone());
        Some(Fact::Framework(FrameworkFact::MeasuresRepealed { position, repealed }))
    }

    pub(super) fn rules_adopted(&mut self, adopted: &pb::RulesAdopted) -> Option<Fact> {
        if adopted.version == 0 {
            self.fault_required("version");
        }
        let version = adopted.version;
        Some(Fact::Framework(FrameworkFact::RulesAdopted { version }))
    }

    pub(super) fn format_raised(&mut self, raised: &pb::FormatRaised) -> Option<Fact> {
        if raised.format == 0 {
            self.fault_required("format");
        }
        Some(Fact::Framework(FrameworkFact::FormatRaised))
    }

    pub(super) fn audit_anchored(&mut self, anchored: &pb::AuditAnchored) -> Option<Fact> {
        if anchored.head.is_empty() {
            self.fault_required("head");
        }
        self.digest("head", &anchored.head);
        Some(Fact::Framework(FrameworkFact::AuditAnchored))
    }

    pub(super) fn authority_key_registered(
        &mut self,
        registered: &mut pb::AuthorityKeyRegistered,
    ) -> Option<Fact> {
        let of = self.authority("authority", &mut registered.authority, Required);
        self.id("algorithm", &mut registered.algorithm, Required);
        self.id("key_id", &mut registered.key_id, Required);
        if registered.public_key.is_empty() {
            self.fault_required("public_key");
        }
        Some(Fact::Framework(FrameworkFact::AuthorityKeyRegistered { of: of? }))
    }

    pub(super) fn authority_key_revoked(
        &mut self,
        revoked: &mut pb::AuthorityKeyRevoked,
    ) -> Option<Fact> {
        let of = self.authority("authority", &mut revoked.authority, Required);
        self.id("key_id", &mut revoked.key_id, Required);
        self.text("reason", &mut revoked.reason, Optional);
        Some(Fact::Framework(FrameworkFact::AuthorityKeyRevoked { of: of? }))
    }

    pub(super) fn event_withheld(&mut self, withheld: &mut pb::EventWithheld) -> Option<Fact> {
        let position = self.position("position", withheld.position);
        self.text("reason", &mut withheld.reason, Required);
        self.text("requested_by", &mut withheld.requested_by, Required);
        self.text("approved_by", &mut withheld.approved_by, Required);
        Some(Fact::Framework(FrameworkFact::EventWithheld { position: position? }))
    }

    pub(super) fn corrected(&mut self, corrected: &mut pb::Corrected) -> Option<Fact> {
        self.text("reason", &mut corrected.reason, Required);
        let position = self.position("position", corrected.position);
        let Some(replacement) = corrected.replacement.as_deref_mut() else {
            self.unreadable_without("replacement");
            return None;
        };
        if matches!(replacement.fact, Some(Pb::Corrected(_) | Pb::Annulled(_))) {
            self.unreadable("replacement", "", RuleId::ReplacementIsRepair);
            return None;
        }
        let replacement = self.within("replacement", |fields| fields.event(replacement))?;
        Some(Fact::Repair { position: position?, replacement: Some(Box::new(replacement)) })
    }

    pub(super) fn annulled(&mut self, annulled: &mut pb::Annulled) -> Option<Fact> {
        self.text("reason", &mut annulled.reason, Required);
        let position = self.position("position", annulled.position)?;
        Some(Fact::Repair { position, replacement: None })
    }

    pub(super) fn batch_opened(
        &mut self,
        context: &mut Context,
        opened: &mut pb::BatchOpened,
    ) -> Option<Fact> {
        let pb::BatchOpened { programme, batch, sublist, declared } = opened;
        let batch = self.batch(context, programme, batch, sublist)?;
        let declared = counts(declared.as_ref());
        Some(Fact::Batch { batch, seals: false, declared, digest: None })
    }

    pub(super) fn batch_sealed(
        &mut self,
        context: &mut Context,
        sealed: &mut pb::BatchSealed,
    ) -> Option<Fact> {
        let pb::BatchSealed { programme, batch, sublist, declared, digest } = sealed;
        let digest = self.digest("digest", digest);
        let batch = self.batch(context, programme, batch, sublist)?;
        let declared = counts(declared.as_ref());
        Some(Fact::Batch { batch, seals: true, declared, digest })
    }

    pub(super) fn environment_assessed(
        &mut self,
        assessed: &mut pb::EnvironmentAssessed,
    ) -> Option<Fact> {
        let region = self.required_region("region", &mut assessed.region);
        let year = self.year("year", assessed.year);
        self.text("assessor", &mut assessed.assessor, Required);
        self.require_bounded("indicators", assessed.indicators.len(), INDICATORS_MAX);
        for (i, indicator) in assessed.indicators.iter_mut().take(INDICATORS_MAX).enumerate() {
            self.within(&format!("indicators[{i}]"), |fields| {
                fields.text("name", &mut indicator.name, Required);
                fields.decimal("value", &mut indicator.value);
                fields.text("unit", &mut indicator.unit, Optional);
            });
        }
        let assessor = assessed.assessor.clone();
        Some(Fact::Assessed { region: region?, year: year?, assessor })
    }
}

fn counts(declared: Option<&pb::DeclaredCounts>) -> Declared {
    declared.map_or_else(Declared::default, |counts| Declared {
        designated: counts.designated,
        reviewed: counts.reviewed,
    })
}
