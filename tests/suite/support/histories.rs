//! Random histories over a handful of designees, batches and days; for proptest, which prints what
//! failed.

use proptest::prelude::*;
use tidu::protocol::pb::{self, event::Fact};

use super::{
    events::{date, event, little_giant},
    facts::{annulled, corrected, failed, notice, passed, programme, revoked, sealed},
};

/// Two designees with codes that are valid in form.
pub const A: &str = "914403001922038216";
pub const B: &str = "91330106673959654P";

/// One step of a random history over a handful of designees, batches and days.
#[derive(Clone, Debug)]
pub enum Step {
    Designate(usize, u8, u8),
    Notice(usize, u8, u8),
    Pass(usize, u8),
    Fail(usize, u8),
    Revoke(usize, u8),
    Correct(u64, usize, u8),
    CorrectWith(u64, u8, usize, usize, u8),
    Other(u8, usize, usize, u8),
    Annul(u64),
    Seal(u8, u8),
}

/// How many facts [`other`] knows.
pub const OTHERS: u8 = 22;

/// A fact about one designee and perhaps another.
pub fn other(kind: u8, who: usize, other: usize, effective: &str) -> pb::Event {
    let (programme, successor) = (programme(), DESIGNEES[other].to_owned());
    let batch = "1".to_owned();
    let fact = match kind {
        0 => Fact::TitleTransferred(pb::TitleTransferred {
            programme,
            successor,
            ..Default::default()
        }),
        1 => Fact::IdentifierChanged(pb::IdentifierChanged {
            new_designee: successor,
            reason: pb::IdentifierChangeReason::Duplicate.into(),
        }),
        2 => {
            Fact::SubjectEnded(pb::SubjectEnded { cause: pb::SubjectEndCause::Deregistered.into() })
        }
        3 => Fact::Relocated(pb::Relocated {
            to_region: "440305".to_owned(),
            from_authority: "440000".to_owned(),
            to_authority: "440300".to_owned(),
            stage: pb::RelocationStage::Confirmed.into(),
            ..Default::default()
        }),
        4 => Fact::Restructured(pb::Restructured {
            kind: pb::RestructuringKind::Absorption.into(),
            successors: vec![successor],
            new_name: "示例改制有限公司".to_owned(),
            ends: other.is_multiple_of(2),
        }),
        5 => Fact::Surrendered(pb::Surrendered { programme, ..Default::default() }),
        6 => Fact::Reinstated(pb::Reinstated { programme, ..Default::default() }),
        7 => Fact::ObjectionRaised(pb::ObjectionRaised { programme, batch, ..Default::default() }),
        8 => Fact::NoticeWithdrawn(pb::NoticeWithdrawn { programme, batch, ..Default::default() }),
        9 => Fact::ReviewOpened(pb::ReviewOpened {
            programme,
            round: "2022".into(),
            ..Default::default()
        }),
        10 => Fact::Renamed(pb::Renamed {
            old_name: "示例旧名有限公司".to_owned(),
            new_name: format!("示例{other}有限公司"),
            simple: true,
        }),
        11 => {
            Fact::RectificationOrdered(pb::RectificationOrdered { programme, ..Default::default() })
        }
        12 => Fact::InformationUpdated(pb::InformationUpdated { year: 2020, ..Default::default() }),
        13 => Fact::CreationListed(pb::CreationListed { programme, batch, ..Default::default() }),
        14 => Fact::SupportGranted(pb::SupportGranted {
            programme,
            scheme: "key-little-giant".to_owned(),
            ..Default::default()
        }),
        15 => designation("national-platform"),
        16 => Fact::TitleConverted(pb::TitleConverted {
            from_programme: "national-platform".to_owned(),
            to_programme: "national-platform-base".to_owned(),
            ..Default::default()
        }),
        17 => designation("innovative-sme"),
        18 => Fact::ObjectionResolved(pb::ObjectionResolved {
            programme,
            batch,
            outcome: 1 + i32::from(other == 0),
            ..Default::default()
        }),
        19 => {
            let passed = other == 0;
            Fact::CreationAssessed(pb::CreationAssessed {
                programme,
                batch,
                passed,
                ..Default::default()
            })
        }
        20 => Fact::RevocationProposed(pb::RevocationProposed {
            programme,
            ground: pb::RevocationGround::Other.into(),
            ..Default::default()
        }),
        _ => Fact::MajorChangeReported(pb::MajorChangeReported {
            change: pb::MajorChange::Other.into(),
            occurred_on: date("2014-12-01"),
            ..Default::default()
        }),
    };
    let issuer = if kind == 17 { "440000" } else { "100000" };
    event(issuer, DESIGNEES[who], effective, fact)
}

fn designation(programme: &str) -> Fact {
    let (programme, batch) = (programme.to_owned(), "1".to_owned());
    Fact::Designated(pb::Designated { programme, batch, ..Default::default() })
}

pub const DESIGNEES: [&str; 4] = [A, B, "914403007954257495", "91350900587527783P"];

fn on(day: u8) -> String {
    format!("20{:02}-{:02}-15", 15 + day / 12 % 12, 1 + day % 12)
}

impl Step {
    pub fn event(&self) -> pb::Event {
        match *self {
            Self::Designate(who, batch, day) => {
                little_giant(DESIGNEES[who], &batch.to_string(), &on(day))
            }
            Self::Notice(who, batch, day) => notice(DESIGNEES[who], &batch.to_string(), &on(day)),
            Self::Pass(who, day) => passed(DESIGNEES[who], &on(day)),
            Self::Fail(who, day) => failed(DESIGNEES[who], "little-giant", &on(day)),
            Self::Revoke(who, day) => revoked(DESIGNEES[who], &on(day), None),
            Self::Correct(position, who, day) => {
                corrected(position, little_giant(DESIGNEES[who], "1", &on(day)))
            }
            Self::CorrectWith(position, kind, who, also, day) => {
                corrected(position, other(kind, who, also, &on(day)))
            }
            Self::Other(kind, who, also, day) => other(kind, who, also, &on(day)),
            Self::Annul(position) => annulled(position),
            Self::Seal(batch, day) => sealed(&batch.to_string(), &on(day), None),
        }
    }
}

pub fn steps() -> impl Strategy<Value = Vec<Vec<Step>>> {
    let (who, batch, day) = (0..DESIGNEES.len(), 0..4_u8, 0..140_u8);
    let step = prop_oneof![
        4 => (who.clone(), batch.clone(), day.clone())
            .prop_map(|(w, b, d)| Step::Designate(w, b, d)),
        2 => (who.clone(), batch.clone(), day.clone()).prop_map(|(w, b, d)| Step::Notice(w, b, d)),
        2 => (who.clone(), day.clone()).prop_map(|(w, d)| Step::Pass(w, d)),
        1 => (who.clone(), day.clone()).prop_map(|(w, d)| Step::Fail(w, d)),
        1 => (who.clone(), day.clone()).prop_map(|(w, d)| Step::Revoke(w, d)),
        3 => (0..30_u64, who.clone(), day.clone()).prop_map(|(p, w, d)| Step::Correct(p, w, d)),
        6 => (0..OTHERS, who.clone(), who.clone(), day.clone())
            .prop_map(|(k, w, o, d)| Step::Other(k, w, o, d)),
        // A conversion needs something to convert.
        3 => (15..17_u8, who.clone(), who.clone(), day.clone())
            .prop_map(|(k, w, o, d)| Step::Other(k, w, o, d)),
        2 => (0..30_u64, 0..OTHERS, who.clone(), who, day.clone())
            .prop_map(|(p, k, w, o, d)| Step::CorrectWith(p, k, w, o, d)),
        3 => (0..30_u64).prop_map(Step::Annul),
        1 => (batch, day).prop_map(|(b, d)| Step::Seal(b, d)),
    ];
    prop::collection::vec(prop::collection::vec(step, 1..4), 1..25)
}
