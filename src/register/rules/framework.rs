//! Rules for facts about the legal framework, and for assessments.

use super::{Case, Objection};
use crate::domain::{
    CivilDate, RegionCode,
    event::{Event, FrameworkFact, Part},
    fault::Reason,
};

impl Case<'_> {
    pub(super) fn judge_framework_fact(&mut self, event: &Event, fact: &FrameworkFact) {
        match fact {
            FrameworkFact::CatalogueAdopted { sha256 } => self.require_catalogue_in_use(sha256),
            FrameworkFact::MeasuresRepealed { position, repealed } => {
                self.require_instrument(event, *position, repealed);
            }
            FrameworkFact::CompletenessDeclared { .. }
            | FrameworkFact::MeasuresIssued { .. }
            | FrameworkFact::RulesAdopted { .. }
            | FrameworkFact::FormatRaised
            | FrameworkFact::AuditAnchored
            | FrameworkFact::AuthorityKeyRegistered { .. }
            | FrameworkFact::AuthorityKeyRevoked { .. } => {}
        }
    }

    fn require_catalogue_in_use(&mut self, sha256: &[u8; 32]) {
        if *sha256 == self.catalogue.sha256 {
            return;
        }
        let objection = Objection {
            field: "catalogue_adopted.sha256",
            value: String::new(),
            reason: Reason::ReferenceInvalid,
            message: format!(
                "the catalogue in use, version {}, has another digest",
                self.catalogue.version
            ),
            rule: "a catalogue is adopted while it is in use",
        };
        self.reject(objection, &[]);
    }

    /// A repeal names an instrument by its event or by its document number.
    fn require_instrument(&mut self, event: &Event, position: Option<u64>, document: &str) {
        if self.framework(CivilDate::MAX).has_instrument(position, document) {
            return;
        }
        let rule = "a repeal names an instrument that was issued";
        if let Some(position) = position {
            let message = "no instrument was recorded there".to_owned();
            let (field, value) = ("measures_repealed.position", position.to_string());
            let reason = Reason::ReferenceInvalid;
            return self.reject(Objection { field, value, reason, message, rule }, &[]);
        }
        let objection = Objection {
            field: "measures_repealed.document_number",
            value: document.to_owned(),
            reason: Reason::MeasuresMissing,
            message: "no instrument with this number is on record".to_owned(),
            rule,
        };
        // The programmes of an unknown instrument are unknown too, so all must be complete.
        let complete = event.issuer.authority().is_some_and(|issuer| {
            let mut all = self.catalogue.ids();
            all.all(|id| self.is_complete(issuer, id, Part::Measures, event.effective))
        });
        self.reject_if_complete(complete, objection);
    }

    pub(super) fn reject_assessed_twice(&mut self, region: RegionCode, year: u16, assessor: &str) {
        let same = self.framework(CivilDate::MAX).assessment_of(region, year, assessor);
        let Some(position) = same.filter(|position| Some(*position) != self.except) else { return };
        let objection = Objection {
            field: "environment_assessed.year",
            value: year.to_string(),
            reason: Reason::AlreadyRecorded,
            message: format!("{assessor} assessed {region} for {year} already"),
            rule: "a region is assessed once a year by one assessor",
        };
        self.reject(objection, &[position]);
    }
}
