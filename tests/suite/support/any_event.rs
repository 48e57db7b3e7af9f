//! Random events of every kind over a handful of designees, batches, pools and instruments.

use fastrand::Rng;
use tidu::protocol::pb::{self, event::Fact};

use super::{
    events::{date, event, little_giant},
    facts::{annulled, corrected, failed, ministry, notice, passed, revoked},
    histories::{DESIGNEES, OTHERS, other},
    rules::rules_adopted,
};

const GUANGDONG: &str = "440000";
const AUTHORITIES: [&str; 4] = ["100000", GUANGDONG, "440300", "330000"];
const PROGRAMMES: [&str; 3] = ["little-giant", "innovative-sme", "specialised-sme"];

/// Identifiers that are not codes, and a code that few events name.
const RARE: [&str; 4] = [
    "provisional:440000/示例旧名有限公司",
    "local:440000/CLUSTER-1",
    "local:440000/CLUSTER-2",
    "provisional:100000/示例1有限公司",
];

fn on(random: &mut Rng) -> String {
    let day = random.u8(0..140);
    format!("20{:02}-{:02}-15", 15 + day / 12 % 12, 1 + day % 12)
}

fn designee(random: &mut Rng) -> &'static str {
    let all: Vec<_> = DESIGNEES.into_iter().chain(RARE).collect();
    all[random.usize(0..all.len())]
}

fn profile(random: &mut Rng) -> Option<pb::Profile> {
    let profile = pb::Profile {
        name: format!("示例{}有限公司", random.u8(0..3)),
        registered_region: ["440305", "330106"][random.usize(0..2)].to_owned(),
        main_product: ["", "示例轴承"][random.usize(0..2)].to_owned(),
        ..Default::default()
    };
    random.bool().then_some(profile)
}

fn declared(random: &mut Rng) -> Option<pb::DeclaredCounts> {
    let mut count = || Some(random.u32(0..3)).filter(|_| random.bool());
    let (designated, reviewed) = (count(), count());
    random.bool().then_some(pb::DeclaredCounts { designated, reviewed })
}

/// An opening or a seal of a batch, of the whole or of a sub-list.
fn batch_event(random: &mut Rng) -> pb::Event {
    let programme = PROGRAMMES[random.usize(0..2)].to_owned();
    let batch = random.u8(0..4).to_string();
    let sublist = if random.u8(0..3) == 0 { GUANGDONG.to_owned() } else { String::new() };
    let (declared, authority) = (declared(random), AUTHORITIES[random.usize(0..2)]);
    let digest = random.u8(0..6) == 0;
    let digest = if digest { vec![random.u8(..); 32] } else { Vec::new() };
    let fact = if random.bool() {
        Fact::BatchOpened(pb::BatchOpened { programme, batch, sublist, declared })
    } else {
        let digest = digest.into();
        Fact::BatchSealed(pb::BatchSealed { programme, batch, sublist, declared, digest })
    };
    event(authority, "", &on(random), fact)
}

/// A fact about the legal framework, an assessment, or one of the service.
fn framework_event(random: &mut Rng, size: u64) -> pb::Event {
    let authority = AUTHORITIES[random.usize(0..AUTHORITIES.len())];
    let programme = PROGRAMMES[random.usize(0..PROGRAMMES.len())].to_owned();
    let document = format!("粤工信规字〔2023〕{}号", random.u8(0..3));
    let (from, fact) = (on(random), random.u8(0..9));
    let fact = match fact {
        0..3 => {
            let part = random.i32(1..5);
            Fact::CompletenessDeclared(pb::CompletenessDeclared { programme, part })
        }
        3..5 => Fact::MeasuresIssued(pb::MeasuresIssued {
            programme,
            instrument: pb::Instrument::Measures.into(),
            title: "某办法".to_owned(),
            in_force_from: date(&from),
            issuing_bodies: ["miit", "mof"].map(str::to_owned)[..usize::from(fact) - 3].to_vec(),
            amends: "粤工信规字〔2023〕1号".to_owned(),
            ..Default::default()
        }),
        5 => {
            let position = random.bool().then(|| random.u64(0..size.max(1)));
            let document_number = if position.is_none() { document.clone() } else { String::new() };
            Fact::MeasuresRepealed(pb::MeasuresRepealed { position, document_number })
        }
        6..8 => Fact::EnvironmentAssessed(pb::EnvironmentAssessed {
            region: "440000".to_owned(),
            year: random.u32(2020..2023),
            assessor: "某院".to_owned(),
            indicators: vec![pb::Indicator {
                name: "总分".to_owned(),
                value: "1".to_owned(),
                ..Default::default()
            }],
        }),
        _ => return rules_adopted(random.u32(1..4)),
    };
    let mut framework = event(authority, "", &from, fact);
    if let Some(evidence) = &mut framework.evidence {
        evidence.document_number = document;
    }
    // An instrument does not amend itself.
    let own = framework.evidence.clone().unwrap_or_default().document_number;
    if let Some(Fact::MeasuresIssued(issued)) = &mut framework.fact
        && issued.amends == own
    {
        issued.amends.clear();
    }
    framework
}

/// A fact about one designee.
fn designee_event(random: &mut Rng) -> pb::Event {
    let (who, day) = (designee(random), on(random));
    let batch = random.u8(0..4).to_string();
    match random.u8(0..17) {
        0..3 => little_giant(who, &batch, &day),
        3..5 => {
            let (programme, profile) = (PROGRAMMES[random.usize(1..3)].to_owned(), profile(random));
            let fact = pb::Designated { programme, batch, profile, ..Default::default() };
            event(GUANGDONG, who, &day, Fact::Designated(fact))
        }
        5 => notice(who, &batch, &day),
        6 => passed(who, &day),
        7 => failed(who, "little-giant", &day),
        8 => revoked(who, &day, Some("2028-01-15").filter(|_| random.bool())),
        9 => {
            let (pool, profile) = (random.u8(0..2).to_string(), profile(random));
            event(GUANGDONG, who, &day, Fact::PoolEntered(pb::PoolEntered { pool, profile }))
        }
        10 => {
            let fact = pb::PoolLeft { pool: random.u8(0..2).to_string(), ..Default::default() };
            event(GUANGDONG, who, &day, Fact::PoolLeft(fact))
        }
        11 => {
            let reason = [
                pb::IdentifierChangeReason::Identified,
                pb::IdentifierChangeReason::Reregistered,
                pb::IdentifierChangeReason::Duplicate,
            ][random.usize(0..3)];
            let new_designee = designee(random).to_owned();
            let fact = pb::IdentifierChanged { new_designee, reason: reason.into() };
            ministry(who, &day, Fact::IdentifierChanged(fact))
        }
        12 => {
            let successor = designee(random).to_owned();
            let programme = PROGRAMMES[random.usize(0..2)].to_owned();
            let fact = pb::TitleTransferred { programme, successor, ..Default::default() };
            ministry(who, &day, Fact::TitleTransferred(fact))
        }
        _ => other(
            random.u8(0..OTHERS),
            random.usize(0..DESIGNEES.len()),
            random.usize(0..DESIGNEES.len()),
            &day,
        ),
    }
}

/// Says more of some facts: the step of a notice, a supplement, a cause, an objection by position.
fn say_more(random: &mut Rng, mut event: pb::Event, size: u64) -> pb::Event {
    let (scope, supplement) = (random.i32(0..3), random.u8(0..4) == 0);
    match &mut event.fact {
        Some(Fact::NoticeOpened(notice)) => {
            (notice.scope, notice.supplement) = (scope, supplement);
            notice.purpose = random.i32(1..3);
        }
        Some(Fact::ObjectionRaised(raised)) => raised.scope = scope,
        Some(Fact::ObjectionResolved(resolved)) => {
            resolved.scope = scope;
            resolved.objection = random.bool().then(|| random.u64(0..size.max(1)));
        }
        Some(Fact::NoticeWithdrawn(withdrawn)) => withdrawn.scope = scope,
        Some(Fact::ReviewPassed(passed)) => {
            passed.supplement = supplement;
            passed.batch = ["", "1", "2"][random.usize(0..3)].to_owned();
        }
        Some(Fact::ReviewFailed(failed)) => {
            (failed.supplement, failed.cause) = (supplement, random.i32(1..3));
        }
        Some(Fact::Revoked(revoked)) => revoked.ground = random.i32(1..11),
        Some(Fact::SubjectEnded(ended)) => ended.cause = random.i32(1..4),
        _ => {}
    }
    event
}

/// A random event of a log that holds `size` events.
pub fn any_event(random: &mut Rng, size: u64) -> pb::Event {
    let target = random.u64(0..size.max(1));
    let designee_event = |random: &mut Rng| {
        let said = designee_event(random);
        say_more(random, said, size)
    };
    match random.u8(0..20) {
        0..11 => designee_event(random),
        11..13 => batch_event(random),
        13..15 => framework_event(random, size),
        15..17 => annulled(target),
        17 => corrected(target, batch_event(random)),
        18 => corrected(target, framework_event(random, size)),
        _ => corrected(target, designee_event(random)),
    }
}
