//! Rules for facts about the legal framework, and for assessments.

use super::Case;
use crate::{
    domain::{
        AuthorityCode, CivilDate, RegionCode,
        event::{Event, FrameworkFact, Part},
        fault::{Key, RuleId},
        kind::ProgrammeId,
    },
    register::{framework::Shelf, rows::position32},
};

impl Case<'_> {
    pub(super) fn judge_framework_fact(&mut self, event: &Event, fact: &FrameworkFact) {
        match fact {
            FrameworkFact::CatalogueAdopted { sha256 } => self.require_catalogue_in_use(sha256),
            FrameworkFact::MeasuresRepealed { position, repealed } => {
                self.require_room_for(event, Shelf::Measures);
                self.require_instrument(event, *position, repealed);
                self.warn_if_repealed(event, *position, repealed);
            }
            FrameworkFact::MeasuresIssued { amends, .. } => {
                self.require_room_for(event, Shelf::Measures);
                self.require_amended(event, amends);
            }
            FrameworkFact::CompletenessDeclared { programme, part } => {
                self.require_room_for(event, Shelf::Declarations);
                self.warn_if_declared(event, *programme, *part);
            }
            FrameworkFact::RulesAdopted { version } => self.require_later_rules(*version),
            FrameworkFact::EventWithheld { position } => self.require_shown(*position),
            FrameworkFact::FormatRaised
            | FrameworkFact::AuditAnchored
            | FrameworkFact::AuthorityKeyRegistered { .. }
            | FrameworkFact::AuthorityKeyRevoked { .. } => {}
        }
    }

    fn require_room_for(&mut self, event: &Event, shelf: fn(AuthorityCode) -> Shelf) {
        if let Some(authority) = event.issuer.authority() {
            self.require_room_on(event, shelf(authority));
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

    /// An event is withheld once. Callers, who may not withhold any, do not learn which ones are.
    fn require_shown(&mut self, position: u64) {
        let earlier = self.register.withheld_by(position32(position));
        if let Some(earlier) = earlier.filter(|_| self.judge.is_server) {
            let breach = RuleId::WithheldAlready.with(Key::Position, earlier);
            self.reject("event_withheld.position", &position.to_string(), breach, &[earlier]);
        }
    }

    /// A repeal names an instrument by its event or by its document number.
    fn require_instrument(&mut self, event: &Event, position: Option<u64>, document: &str) {
        let framework = self.framework(CivilDate::MAX);
        if framework.has_instrument(position, document, &mut self.judge.facts_read) {
            return;
        }
        if let Some(position) = position {
            let (field, value) = ("measures_repealed.position", position.to_string());
            return self.reject(field, &value, RuleId::InstrumentNotThere, &[]);
        }
        let complete = self.all_measures_are_complete(event);
        let field = "measures_repealed.document_number";
        self.reject_if_complete(complete, field, document, RuleId::InstrumentUnknown);
    }

    fn warn_if_repealed(&mut self, event: &Event, position: Option<u64>, document: &str) {
        let framework = self.framework(CivilDate::MAX);
        let read = &mut self.judge.facts_read;
        let earlier = framework.earlier_repeal(position, document, event.effective, read);
        if let Some(earlier) = earlier.filter(|earlier| Some(*earlier) != self.except) {
            let value = position.map_or_else(|| document.to_owned(), |at| at.to_string());
            let (field, cause) = ("measures_repealed", "the instrument was repealed before");
            self.warn_of_nothing(field, &value, cause, &[earlier]);
        }
    }

    fn warn_if_declared(&mut self, event: &Event, programme: Option<ProgrammeId>, part: Part) {
        let Some(issuer) = event.issuer.authority() else { return };
        let framework = self.framework(CivilDate::MAX);
        let read = &mut self.judge.facts_read;
        let declared = (programme, part);
        let earlier = framework.covering_declaration(issuer, declared, event.effective, read);
        if let Some(earlier) = earlier.filter(|earlier| Some(*earlier) != self.except) {
            let value = event.effective.to_string();
            let cause = "an earlier declaration covers it";
            self.warn_of_nothing("effective_date", &value, cause, &[earlier]);
        }
    }

    /// An amendment names an instrument by its document number.
    fn require_amended(&mut self, event: &Event, amends: &str) {
        let framework = self.framework(CivilDate::MAX);
        let read = &mut self.judge.facts_read;
        if amends.is_empty() || framework.has_instrument(None, amends, read) {
            return;
        }
        let complete = self.all_measures_are_complete(event);
        let field = "measures_issued.amends";
        self.reject_if_complete(complete, field, amends, RuleId::AmendedUnknown);
    }

    /// True if the issuer has declared its measures complete. The programmes of an unknown
    /// instrument are unknown too, so those of all must be complete.
    fn all_measures_are_complete(&mut self, event: &Event) -> bool {
        event.issuer.authority().is_some_and(|issuer| {
            let mut all = self.catalogue.ids();
            all.all(|id| self.is_complete(issuer, id, Part::Measures, event.effective))
        })
    }

    pub(super) fn judge_assessment(
        &mut self,
        event: &Event,
        region: RegionCode,
        year: u16,
        assessor: &str,
    ) {
        self.require_room_for(event, Shelf::Assessments);
        let framework = self.framework(CivilDate::MAX);
        let read = &mut self.judge.facts_read;
        let same = framework.assessment_of(region, year, assessor, read);
        let Some(position) = same.filter(|position| Some(*position) != self.except) else { return };
        let breach = RuleId::AssessedTwice
            .with(Key::Region, region)
            .with(Key::Year, year)
            .with(Key::Assessor, assessor);
        self.reject("environment_assessed.year", &year.to_string(), breach, &[position]);
    }
}
