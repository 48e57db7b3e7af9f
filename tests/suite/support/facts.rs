//! Facts about little giants, as the ministry states them.

use tidu::protocol::pb::{self, event::Fact};

use super::events::{date, event};

pub fn ministry(designee: &str, effective: &str, fact: Fact) -> pb::Event {
    event("100000", designee, effective, fact)
}

pub fn programme() -> String {
    "little-giant".to_owned()
}

pub fn notice(designee: &str, batch: &str, effective: &str) -> pb::Event {
    let fact = pb::NoticeOpened {
        programme: programme(),
        batch: batch.to_owned(),
        purpose: pb::NoticePurpose::New.into(),
        ..Default::default()
    };
    ministry(designee, effective, Fact::NoticeOpened(fact))
}

pub fn passed(designee: &str, effective: &str) -> pb::Event {
    let fact =
        pb::ReviewPassed { programme: programme(), round: "2022".into(), ..Default::default() };
    ministry(designee, effective, Fact::ReviewPassed(fact))
}

pub fn failed(designee: &str, programme: &str, effective: &str) -> pb::Event {
    let fact = pb::ReviewFailed {
        programme: programme.to_owned(),
        round: "2022".to_owned(),
        cause: pb::ReviewFailureCause::NotSubmitted.into(),
        ..Default::default()
    };
    ministry(designee, effective, Fact::ReviewFailed(fact))
}

pub fn revoked(designee: &str, effective: &str, ban_until: Option<&str>) -> pb::Event {
    let fact = pb::Revoked {
        programme: programme(),
        ground: pb::RevocationGround::Falsification.into(),
        ban_until: ban_until.and_then(date),
        ..Default::default()
    };
    ministry(designee, effective, Fact::Revoked(fact))
}

pub fn sealed(batch: &str, effective: &str, designated: Option<u32>) -> pb::Event {
    let declared = designated.map(|n| pb::DeclaredCounts { designated: Some(n), reviewed: None });
    let fact = pb::BatchSealed {
        programme: programme(),
        batch: batch.to_owned(),
        declared,
        ..Default::default()
    };
    ministry("", effective, Fact::BatchSealed(fact))
}

pub fn corrected(position: u64, replacement: pb::Event) -> pb::Event {
    let fact = pb::Corrected {
        position: Some(position),
        replacement: Some(Box::new(replacement)),
        reason: "wrong in the list".to_owned(),
    };
    ministry("", "2024-01-01", Fact::Corrected(Box::new(fact)))
}

pub fn annulled(position: u64) -> pb::Event {
    let fact = pb::Annulled { position: Some(position), reason: "recorded by mistake".to_owned() };
    ministry("", "2024-01-01", Fact::Annulled(fact))
}
