//! A second version of the rules, which only tests have: no program knows it.

use tidu::{
    protocol::pb::{self, event::Fact},
    register::{FoldRules, RulesBook},
};

use super::events::event;

/// Differs from version 1 in every point in which versions can differ.
pub const SECOND_RULES: FoldRules = FoldRules {
    number: 2,
    late_review_renews: false,
    contest_survives_seal: false,
    concerns_same_title: false,
};

/// Both versions.
pub const BOTH_RULES: RulesBook = RulesBook::of(&[FoldRules::FIRST, SECOND_RULES]);

/// The adoption of a version, as the service states it.
pub fn rules_adopted(version: u32) -> pb::Event {
    pb::Event {
        evidence: None,
        ..event("service", "", "2024-01-01", Fact::RulesAdopted(pb::RulesAdopted { version }))
    }
}
