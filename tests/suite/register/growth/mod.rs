//! How far records grow: at each bound the last event is accepted and the next one refused.
//!
//! Facts are applied as a log brings them, without being judged, and the event at the bound is
//! judged.

mod framework;
mod namesakes;
mod records;
mod slices;
mod tried;
mod work;

use tidu::{
    domain::{
        AuthorityCode, Principal,
        catalogue::{Catalogue, Catalogues},
        event::Event,
    },
    protocol::{
        event,
        pb::{self, event::Fact},
    },
    register::{Register, rules::Judge},
};

use crate::support::{annulled, corrected};

const A: &str = "91110000MA00000152";
const B: &str = "91440300MA0000023W";
const MINISTRY: &str = "100000";
const GUANGDONG: &str = "440000";

/// A register that events are applied to as they come.
struct Grown {
    catalogue: Catalogue,
    register: Register,
}

impl Grown {
    fn new() -> Self {
        Self { catalogue: Catalogue::built_in(), register: Register::default() }
    }

    fn of(events: impl IntoIterator<Item = pb::Event>) -> Self {
        let mut grown = Self::new();
        events.into_iter().for_each(|event| grown.apply(event));
        grown
    }

    fn proposal(&self, event: pb::Event) -> Event {
        event::proposal(&self.catalogue, 0, event).unwrap().event
    }

    fn apply(&mut self, event: pb::Event) {
        let event = self.proposal(event);
        self.register.apply(&event);
    }

    /// The rules that an event breaks, and the number of facts read to judge it.
    fn judged(&self, event: pb::Event) -> (Vec<&'static str>, usize) {
        let mut judge = Judge::of(&Principal::ANONYMOUS);
        let event = self.proposal(event);
        let verdict = judge.judge(&self.register, &self.catalogue, 0, &event);
        let rules = verdict.rejections.iter().map(|fault| fault.breach.rule().as_str());
        (rules.collect(), judge.facts_read())
    }

    #[track_caller]
    fn accepts(&self, event: pb::Event) {
        assert_eq!(self.judged(event).0, [] as [&str; 0]);
    }

    #[track_caller]
    fn refuses(&self, rule: &str, event: pb::Event) {
        assert_eq!(self.judged(event).0, [rule]);
    }
}

/// A day of its own for each number.
fn day(number: usize) -> String {
    format!("{}-{:02}-{:02}", 1950 + number / 336, 1 + number / 28 % 12, 1 + number % 28)
}

fn event(issuer: &str, designee: &str, number: usize, fact: Fact) -> pb::Event {
    pb::Event { evidence: None, ..crate::support::event(issuer, designee, &day(number), fact) }
}

fn programme(issuer: &str) -> String {
    if issuer == MINISTRY { "little-giant" } else { "specialised-sme" }.to_owned()
}

/// An ordinary fact about a title.
fn support(issuer: &str, designee: &str, number: usize) -> pb::Event {
    let fact = pb::SupportGranted {
        programme: programme(issuer),
        scheme: format!("s{number}"),
        ..Default::default()
    };
    event(issuer, designee, number, Fact::SupportGranted(fact))
}

/// A fact with a reserve.
fn proposed(issuer: &str, designee: &str, number: usize) -> pb::Event {
    let fact = pb::RevocationProposed {
        programme: programme(issuer),
        ground: pb::RevocationGround::Falsification.into(),
        ..Default::default()
    };
    event(issuer, designee, number, Fact::RevocationProposed(fact))
}

fn linked(designee: &str, other: &str, number: usize) -> pb::Event {
    let fact = pb::IdentifierChanged {
        new_designee: other.to_owned(),
        reason: pb::IdentifierChangeReason::Identified.into(),
    };
    event(MINISTRY, designee, number, Fact::IdentifierChanged(fact))
}

fn local(number: usize) -> String {
    format!("local:440000/{number}")
}

/// The provincial-level authorities.
fn provinces() -> impl Iterator<Item = &'static str> {
    AuthorityCode::all().filter(|code| !code.is_ministry()).map(AuthorityCode::as_str)
}
