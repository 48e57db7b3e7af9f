//! Histories with an event after them that breaks a rule: those that `error_details.rs` does not
//! have.

use tidu::protocol::pb::{self, event::Fact};

use crate::support::{date, event, little_giant};

const A: &str = "91110000MA00000152";
const B: &str = "91440300MA0000023W";
const MINISTRY: &str = "100000";

/// A rule, a history, and the event that breaks the rule.
pub(super) fn events() -> Vec<(&'static str, Vec<pb::Event>, pb::Event)> {
    let first = || little_giant(A, "1", "2019-06-05");
    let with = |alter: &dyn Fn(&mut pb::Event)| {
        let mut event = first();
        alter(&mut event);
        event
    };
    let designated = |alter: &dyn Fn(&mut pb::Designated)| {
        let mut event = first();
        let Some(Fact::Designated(fact)) = &mut event.fact else { panic!("a designation") };
        alter(fact);
        event
    };
    let profile = |alter: &dyn Fn(&mut pb::Profile)| {
        designated(&|fact| alter(fact.profile.get_or_insert_default()))
    };
    let about = |who: &str, fact| event(MINISTRY, who, "2024-01-01", fact);
    let designee = |id: &'static str| with(&|event| event.designee = id.into());
    let assessed = |value: &str| {
        let indicator =
            pb::Indicator { name: "融资".into(), value: value.into(), ..Default::default() };
        let fact = pb::EnvironmentAssessed {
            region: "440100".into(),
            year: 2023,
            assessor: "示例机构".into(),
            indicators: vec![indicator],
        };
        about("", Fact::EnvironmentAssessed(fact))
    };
    let updated = pb::InformationUpdated { year: 1, ..Default::default() };
    let renamed = pb::Renamed { old_name: "甲".into(), new_name: "甲".into(), simple: true };
    let adopted = pb::RulesAdopted { version: 1 };
    let repealed = |position, document_number: &str| {
        let document_number = document_number.into();
        let fact = pb::MeasuresRepealed { position, document_number };
        about("", Fact::MeasuresRepealed(fact))
    };
    let issued = |bodies: &[&str], amends: &str| {
        let fact = pb::MeasuresIssued {
            instrument: pb::Instrument::Guideline.into(),
            title: "示例意见".into(),
            issuing_bodies: bodies.iter().map(|body| (*body).into()).collect(),
            amends: amends.into(),
            ..Default::default()
        };
        about("", Fact::MeasuresIssued(fact))
    };
    let linked = |who: &str, to: &str, reason: pb::IdentifierChangeReason| {
        let fact = pb::IdentifierChanged { new_designee: to.into(), reason: reason.into() };
        about(who, Fact::IdentifierChanged(fact))
    };
    let (entered, left) = (
        pb::PoolEntered { pool: "2020".into(), profile: None },
        pb::PoolLeft { pool: "2020".into(), ..Default::default() },
    );
    let left = || event("440000", A, "2021-01-01", Fact::PoolLeft(left.clone()));
    let entered = event("440000", A, "2020-01-01", Fact::PoolEntered(entered));
    let giant = || "little-giant".to_owned();
    let batch = || "4".to_owned();
    let raised = |on: &str| {
        let fact = pb::ObjectionRaised { programme: giant(), batch: batch(), ..Default::default() };
        event(MINISTRY, A, on, Fact::ObjectionRaised(fact))
    };
    let resolved = |objection| {
        let fact = pb::ObjectionResolved {
            programme: giant(),
            batch: batch(),
            outcome: pb::ObjectionOutcome::Dismissed.into(),
            objection: Some(objection),
            ..Default::default()
        };
        event(MINISTRY, A, "2022-08-12", Fact::ObjectionResolved(fact))
    };
    let noticed = || {
        let fact = pb::NoticeOpened {
            programme: giant(),
            batch: batch(),
            purpose: pb::NoticePurpose::New.into(),
            notice_to: date("2022-08-12"),
            ..Default::default()
        };
        event(MINISTRY, A, "2022-08-08", Fact::NoticeOpened(fact))
    };
    let revoked = || {
        let ground = pb::RevocationGround::Falsification.into();
        let fact = pb::Revoked { programme: giant(), ground, ..Default::default() };
        event(MINISTRY, A, "2022-09-01", Fact::Revoked(fact))
    };
    let failed = || {
        let fact = pb::ReviewFailed {
            programme: giant(),
            round: "2022".into(),
            cause: pb::ReviewFailureCause::NotSubmitted.into(),
            ..Default::default()
        };
        event(MINISTRY, A, "2022-05-01", Fact::ReviewFailed(fact))
    };
    let again = {
        let (programme, round) = (giant(), "2023".into());
        about(A, Fact::ReviewPassed(pb::ReviewPassed { programme, round, ..Default::default() }))
    };
    let specialised = || {
        let (programme, batch) = ("specialised-sme".to_owned(), "2023-1".to_owned());
        let fact = pb::Designated { programme, batch, ..Default::default() };
        event("440000", A, "2023-01-01", Fact::Designated(fact))
    };
    let complete = || {
        let part = pb::RegisterPart::Titles.into();
        let fact = pb::CompletenessDeclared { programme: giant(), part };
        about("", Fact::CompletenessDeclared(fact))
    };
    let transferred = {
        let (programme, successor) = (giant(), B.to_owned());
        let valid_to = date("2030-01-01");
        let fact = pb::TitleTransferred { programme, successor, valid_to, ..Default::default() };
        event(MINISTRY, A, "2020-01-01", Fact::TitleTransferred(fact))
    };
    let row = |mut event: pb::Event, row| {
        event.evidence.get_or_insert_default().row = row;
        event
    };
    let passed = pb::ReviewPassed {
        programme: "little-giant".into(),
        batch: "2".into(),
        round: "2022".into(),
        ..Default::default()
    };
    let seal = pb::BatchSealed {
        programme: "little-giant".into(),
        batch: "1".into(),
        declared: Some(pb::DeclaredCounts { designated: Some(1), reviewed: None }),
        ..Default::default()
    };
    let seal = about("", Fact::BatchSealed(seal));
    let annul = about("", Fact::Annulled(pb::Annulled { position: Some(0), reason: "x".into() }));
    vec![
        ("uscc-department", vec![], designee("094403001922038217")),
        ("uscc-division", vec![], designee("91440A001922038217")),
        ("uscc-character", vec![], designee("91440300192203821O")),
        ("designee-form", vec![], designee("urn:440000/x")),
        ("organisation-code-check", vec![], designee("91110000MA00000165")),
        ("uscc-known-exception", vec![], designee("91350203M0001FUE2P")),
        ("uscc-category", vec![], designee("95440101123456788D")),
        ("uscc-division-unknown", vec![], designee("91999999123456788P")),
        ("uscc-subject-zero", vec![], designee("91440101000000000J")),
        (
            "region-not-listed",
            vec![],
            profile(&|profile| profile.registered_region = "440399".into()),
        ),
        ("designee-name-missing", vec![], designated(&|fact| fact.profile = None)),
        ("mobile-number", vec![], profile(&|profile| profile.name = "甲 138-0000-0000".into())),
        ("identity-number", vec![], designee("430407190001010179")),
        ("mail-address", vec![], designated(&|fact| fact.item = "a.person@example.org".into())),
        ("telephone-number", vec![], designated(&|fact| fact.item = "电话 020-12345678".into())),
        ("local-code-form", vec![], designee("local:440000/a b")),
        ("provisional-name-form", vec![], designee("provisional:440000/（）")),
        ("name-empty", vec![], profile(&|profile| profile.name = " ".into())),
        ("name-length", vec![], profile(&|profile| profile.name = "名".repeat(200))),
        ("name-folded-length", vec![], profile(&|profile| profile.name = "\u{FDFA}".repeat(9))),
        ("name-control-character", vec![], profile(&|profile| profile.name = "甲\u{1}".into())),
        ("character-not-allowed", vec![], profile(&|profile| profile.name = "甲\u{3164}".into())),
        (
            "url-form",
            vec![],
            with(&|event| {
                event.evidence.get_or_insert_default().url = "javascript:alert(1)".into();
            }),
        ),
        ("region-without-authority", vec![], with(&|event| event.authority = "810000".into())),
        ("region-form", vec![], profile(&|profile| profile.registered_region = "44".into())),
        (
            "region-of-the-corps",
            vec![],
            profile(&|profile| profile.registered_region = "660000".into()),
        ),
        ("date-year", vec![], with(&|event| event.effective_date = date("1800-01-01"))),
        ("list-length", vec![], with(&|event| event.co_issuers = vec!["110000".into(); 9])),
        ("year-unknown", vec![], about(A, Fact::InformationUpdated(updated))),
        ("decimal-form", vec![], assessed("87,04")),
        ("item-form", vec![], designated(&|fact| fact.item = "项".repeat(200))),
        (
            "text-length",
            vec![],
            with(&|event| event.evidence.get_or_insert_default().url = "u".repeat(600)),
        ),
        (
            "digest-length",
            vec![],
            with(&|event| event.evidence.get_or_insert_default().sm3 = vec![7; 31].into()),
        ),
        ("name-unchanged", vec![], about(A, Fact::Renamed(renamed))),
        ("fact-of-service", vec![], about("", Fact::RulesAdopted(adopted))),
        ("fact-of-authority", vec![], with(&|event| event.authority = "service".into())),
        (
            "issuer-of-other-region",
            vec![],
            with(&|event| {
                let Some(Fact::Designated(fact)) = &mut event.fact else { panic!() };
                fact.programme = "specialised-sme".into();
                fact.profile.get_or_insert_default().registered_region = "330100".into();
                event.authority = "440000".into();
            }),
        ),
        ("instrument-not-there", vec![], repealed(Some(7), "")),
        ("instrument-unknown", vec![], repealed(None, "粤工信函〔2024〕1号")),
        ("body-unknown", vec![], issued(&["财政部"], "")),
        // The number of the document of every event here.
        ("amends-itself", vec![], issued(&["mof"], "粤工信函〔2024〕1号")),
        ("amended-unknown", vec![], issued(&["mof"], "国务院令第728号")),
        ("assessed-twice", vec![assessed("1")], assessed("2")),
        ("taken-out-of-sealed", vec![first(), seal], annul),
        ("nothing-to-supplement", vec![], designated(&|fact| fact.supplement = true)),
        ("cohort-differs", vec![first()], about(A, Fact::ReviewPassed(passed.clone()))),
        ("link-of-code", vec![], linked(A, B, pb::IdentifierChangeReason::Identified)),
        (
            "link-without-code",
            vec![],
            linked(A, "local:440000/a", pb::IdentifierChangeReason::Reregistered),
        ),
        ("pool-left-twice", vec![entered, left()], left()),
        ("designated-twice", vec![row(first(), 3)], row(first(), 9)),
        ("objection-after-notice", vec![raised("2022-08-13")], noticed()),
        ("other-objection", vec![noticed(), raised("2022-08-09")], resolved(0)),
        ("ban-covers", vec![first(), little_giant(A, "4", "2023-01-01")], revoked()),
        ("banned-elsewhere", vec![first(), revoked()], specialised()),
        ("ban-covers-elsewhere", vec![first(), specialised()], revoked()),
        ("review-contradicted", vec![first(), failed()], about(A, Fact::ReviewPassed(passed))),
        ("changes-nothing", vec![first()], little_giant(A, "2", "2020-01-01")),
        ("effect-lost", vec![first()], little_giant(A, "0", "2018-06-05")),
        ("without-effect", vec![first(), failed(), complete()], again),
        ("successor-not-recorded", vec![first()], transferred.clone()),
        ("transfer-beyond-end", vec![first()], transferred),
        ("pool-not-entered", vec![], left()),
    ]
}
