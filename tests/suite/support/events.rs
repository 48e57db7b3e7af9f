//! Events to record, and made-up enterprises that they are about.

use tidu::{
    cli::generate::{Enterprise, enterprises},
    domain::AuthorityCode,
    protocol::pb::{self, event::Fact},
};

pub fn date(iso: &str) -> Option<pb::Date> {
    let parts: Vec<i32> = iso.split('-').map(|part| part.parse().unwrap()).collect();
    Some(pb::Date { year: parts[0], month: parts[1], day: parts[2] })
}

/// A question about a day.
pub fn valid_on(iso: &str) -> Option<pb::AsOf> {
    Some(pb::AsOf { valid_on: date(iso), known: None })
}

pub fn authority(code: &str) -> AuthorityCode {
    AuthorityCode::parse(code).unwrap()
}

/// Made-up enterprises of Guangdong.
pub fn made_up(seed: u64, count: usize) -> Vec<Enterprise> {
    enterprises(seed, authority("440000")).take(count).collect()
}

/// Guangdong's own designation of a made-up enterprise.
pub fn designated(enterprise: &Enterprise) -> pb::Event {
    let profile = pb::Profile {
        name: enterprise.name.clone(),
        registered_region: enterprise.region.clone(),
        industry: enterprise.industry.to_owned(),
        ..Default::default()
    };
    event(
        "440000",
        &enterprise.uscc.to_string(),
        "2024-01-01",
        Fact::Designated(pb::Designated {
            programme: "specialised-sme".to_owned(),
            batch: "2024-1".to_owned(),
            profile: Some(profile),
            ..Default::default()
        }),
    )
}

/// A major change of a made-up enterprise, which is not public.
pub fn changed(enterprise: &Enterprise) -> pb::Event {
    let fact = pb::MajorChangeReported {
        change: pb::MajorChange::Rename.into(),
        occurred_on: date("2024-02-01"),
        reported_on: date("2024-03-01"),
    };
    let designee = enterprise.uscc.to_string();
    event("440000", &designee, "2024-03-01", Fact::MajorChangeReported(fact))
}

/// Events of which no two are about the same enterprise, without an end.
pub fn endless(seed: u64) -> impl Iterator<Item = pb::Event> {
    enterprises(seed, authority("440000")).map(|enterprise| designated(&enterprise))
}

pub fn list(seed: u64, count: usize) -> Vec<pb::Event> {
    made_up(seed, count).iter().map(designated).collect()
}

pub fn event(authority: &str, designee: &str, effective: &str, fact: Fact) -> pb::Event {
    pb::Event {
        authority: authority.to_owned(),
        designee: designee.to_owned(),
        effective_date: date(effective),
        evidence: Some(pb::Evidence {
            document_number: "粤工信函〔2024〕1号".to_owned(),
            ..Default::default()
        }),
        fact: Some(fact),
        ..Default::default()
    }
}

/// A designation by the ministry.
pub fn little_giant(designee: &str, batch: &str, effective: &str) -> pb::Event {
    let (programme, batch) = ("little-giant".to_owned(), batch.to_owned());
    let fact = pb::Designated { programme, batch, ..Default::default() };
    event("100000", designee, effective, Fact::Designated(fact))
}
