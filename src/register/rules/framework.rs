//! Rules for facts about the legal framework, and for assessments.

use super::Case;
use crate::domain::{
    CivilDate, RegionCode,
    event::{Event, FrameworkFact, Part},
    fault::{Key, RuleId},
};

impl Case<'_> {
    pub(super) fn judge_framework_fact(&mut self, event: &Event, fact: &FrameworkFact) {
        match fact {
            FrameworkFact::CatalogueAdopted { sha256 } => self.require_catalogue_in_use(sha256),
            FrameworkFact::MeasuresRepealed { position, repealed } => {
                self.require_instrument(event, *position, repealed);
            }
            FrameworkFact::RulesAdopted { version } => self.require_later_rules(*version),
            FrameworkFact::CompletenessDeclared { .. }
            | FrameworkFact::MeasuresIssued { .. }
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
        let breach = RuleId::CatalogueNotInUse.with(Key::Version, &self.catalogue.version);
        self.reject("catalogue_adopted.sha256", "", breach, &[]);
    }

    /// Rules are adopted once each, and never go back.
    fn require_later_rules(&mut self, version: u32) {
        let (in_force, book) = (self.register.rules_in_force().number, self.register.rules_book());
        let (field, value) = ("rules_adopted.version", version.to_string());
        if book.find(version).is_none() {
            let breach = RuleId::RulesUnknown.with(Key::Limit, book.newest().number);
            return self.reject(field, &value, breach, &[]);
        }
        if version <= in_force {
            let last = self.register.last_adoption(self.known_at()).map(|(at, _)| at);
            let last: Vec<u32> = last.into_iter().collect();
            let breach = RuleId::RulesInForce.with(Key::Version, in_force);
            self.reject(field, &value, breach, &last);
        }
    }

    /// A repeal names an instrument by its event or by its document number.
    fn require_instrument(&mut self, event: &Event, position: Option<u64>, document: &str) {
        if self.framework(CivilDate::MAX).has_instrument(position, document) {
            return;
        }
        if let Some(position) = position {
            let (field, value) = ("measures_repealed.position", position.to_string());
            return self.reject(field, &value, RuleId::InstrumentNotThere, &[]);
        }
        // The programmes of an unknown instrument are unknown too, so all must be complete.
        let complete = event.issuer.authority().is_some_and(|issuer| {
            let mut all = self.catalogue.ids();
            all.all(|id| self.is_complete(issuer, id, Part::Measures, event.effective))
        });
        let field = "measures_repealed.document_number";
        self.reject_if_complete(complete, field, document, RuleId::InstrumentUnknown);
    }

    pub(super) fn reject_assessed_twice(&mut self, region: RegionCode, year: u16, assessor: &str) {
        let same = self.framework(CivilDate::MAX).assessment_of(region, year, assessor);
        let Some(position) = same.filter(|position| Some(*position) != self.except) else { return };
        let breach = RuleId::AssessedTwice
            .with(Key::Region, region)
            .with(Key::Year, year)
            .with(Key::Assessor, assessor);
        self.reject("environment_assessed.year", &year.to_string(), breach, &[position]);
    }
}
