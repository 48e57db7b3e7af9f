//! The details of errors: each reason comes with the metadata that `error_reason.proto` documents
//! for it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use tidu::protocol::pb::{self, append_request::Precondition, event::Fact};
use tonic::Status;
use tonic_types::StatusExt as _;

use crate::support::{Client, Fresh, Server, date, directory, event, little_giant, reason};

const A: &str = "91110000MA00000152";
const B: &str = "91440300MA0000023W";
const MINISTRY: &str = "100000";
const GUANGDONG: &str = "440000";
const GIANT: &str = "little-giant";

/// What a caller cannot provoke: the load, the end, or a fault of the server. The unit tests of
/// `service` have these.
const OF_THE_SERVER: [&str; 8] = [
    "QUEUE_FULL",
    "DRAINING",
    "CLOCK_UNTRUSTED",
    "LOG_DAMAGED",
    "LOG_FAILED",
    "AUDIT_FAILED",
    "CURSOR_STORE_FAILED",
    "INTERNAL",
];

/// What only a server with principals says: the tests in `rights/` provoke it, and look at its
/// metadata.
const OF_PRINCIPALS: [&str; 2] = ["NOT_ENTITLED", "SCOPE_CHANGED"];

/// What only one of several nodes says: the unit tests of `service` have these.
const OF_NODES: [&str; 5] = ["NOT_HERE_YET", "FOLLOWER", "LOOPED", "RETIRED", "STALE_EPOCH"];

/// A reason of the protocol, as its comment documents it.
#[derive(Default)]
struct Documented {
    is_warning: bool,
    /// Keys that are always sent.
    keys: BTreeSet<String>,
}

/// Every reason with what `error_reason.proto` says of it.
fn documented() -> BTreeMap<String, Documented> {
    let (mut found, mut comment) = (BTreeMap::new(), String::new());
    for line in include_str!("../../../proto/tidu/v1/error_reason.proto").lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("//") {
            comment.push_str(text);
            continue;
        }
        let comment = std::mem::take(&mut comment);
        let name = line.strip_prefix("ERROR_REASON_").and_then(|rest| rest.split(' ').next());
        let Some(name) = name.filter(|name| *name != "UNSPECIFIED") else { continue };
        let metadata = comment.rsplit_once('{').unwrap_or_else(|| panic!("{name}: no metadata")).1;
        let entries = metadata.split_once('}').unwrap().0.split(", \"");
        let always = entries.filter(|entry| !entry.contains(" where "));
        let key = |entry: &str| entry.trim_start_matches('"').split('"').next().unwrap().to_owned();
        let keys = always.map(key).filter(|key| !key.is_empty()).collect();
        let is_warning = comment.trim_start().starts_with("Warning:");
        found.insert(name.to_owned(), Documented { is_warning, keys });
    }
    assert!(found.len() > 70, "the reasons were not read");
    found
}

fn designated(issuer: &str, who: &str, programme: &str, batch: &str, from: &str) -> pb::Event {
    let (programme, batch) = (programme.to_owned(), batch.to_owned());
    let fact = pb::Designated { programme, batch, ..Default::default() };
    event(issuer, who, from, Fact::Designated(fact))
}

fn giant(who: &str, batch: &str, from: &str) -> pb::Event {
    little_giant(who, batch, from)
}

fn with(mut event: pb::Event, alter: impl FnOnce(&mut pb::Designated)) -> pb::Event {
    let Some(Fact::Designated(fact)) = &mut event.fact else { panic!("a designation") };
    alter(fact);
    event
}

fn profile(alter: impl FnOnce(&mut pb::Profile)) -> pb::Event {
    with(giant(A, "1", "2019-06-05"), |fact| alter(fact.profile.get_or_insert_default()))
}

fn notice(who: &str, batch: &str, from: &str, to: &str) -> pb::Event {
    let fact = pb::NoticeOpened {
        programme: GIANT.to_owned(),
        batch: batch.to_owned(),
        purpose: pb::NoticePurpose::New.into(),
        notice_from: date(from),
        notice_to: date(to),
        ..Default::default()
    };
    event(MINISTRY, who, from, Fact::NoticeOpened(fact))
}

fn revoked(who: &str, on: &str, ban_until: &str) -> pb::Event {
    let fact = pb::Revoked {
        programme: GIANT.to_owned(),
        ground: pb::RevocationGround::Falsification.into(),
        ban_until: Some(ban_until).filter(|text| !text.is_empty()).and_then(date),
        ..Default::default()
    };
    event(MINISTRY, who, on, Fact::Revoked(fact))
}

fn passed(round: &str, from: &str) -> pb::Event {
    let (programme, round) = (GIANT.to_owned(), round.to_owned());
    let fact = pb::ReviewPassed { programme, round, ..Default::default() };
    event(MINISTRY, A, from, Fact::ReviewPassed(fact))
}

fn sealed(batch: &str, declared: Option<u32>, digest: &'static [u8]) -> pb::Event {
    let fact = pb::BatchSealed {
        programme: GIANT.to_owned(),
        batch: batch.to_owned(),
        declared: declared.map(|n| pb::DeclaredCounts { designated: Some(n), reviewed: Some(0) }),
        digest: Bytes::from_static(digest),
        ..Default::default()
    };
    event(MINISTRY, "", "2023-01-01", Fact::BatchSealed(fact))
}

fn supported(number: usize) -> pb::Event {
    let (programme, scheme) = ("specialised-sme".to_owned(), format!("s{number}"));
    let fact = pb::SupportGranted { programme, scheme, ..Default::default() };
    event(GUANGDONG, A, "2023-01-01", Fact::SupportGranted(fact))
}

fn complete(issuer: &str, programme: &str, part: pb::RegisterPart) -> pb::Event {
    let (programme, part) = (programme.to_owned(), part.into());
    let fact = pb::CompletenessDeclared { programme, part };
    event(issuer, "", "2023-01-01", Fact::CompletenessDeclared(fact))
}

fn annulled(position: Option<u64>) -> pb::Event {
    let fact = pb::Annulled { position, reason: "mistaken".into() };
    event(MINISTRY, "", "2024-01-01", Fact::Annulled(fact))
}

/// Histories with an event that is refused after them, and the reason.
pub(super) fn refused_events() -> Vec<(&'static str, Vec<pb::Event>, pb::Event)> {
    use pb::RegisterPart as Part;

    let first = || giant(A, "1", "2019-06-05");
    let recommended = |who: &str, batch: &str, from: &str| {
        with(giant(who, batch, from), |fact| {
            fact.recommended_by = GUANGDONG.to_owned();
            fact.recommended_on = date("2023-03-01");
        })
    };
    let by_ministry = |fact| event(MINISTRY, A, "2024-01-01", fact);
    let renamed =
        pb::Renamed { old_name: "甲".to_owned(), new_name: "乙".to_owned(), simple: false };
    let ended = pb::SubjectEnded { cause: pb::SubjectEndCause::Deregistered.into() };
    let linked = pb::IdentifierChanged {
        new_designee: A.to_owned(),
        reason: pb::IdentifierChangeReason::Duplicate.into(),
    };
    let platform = || designated(MINISTRY, A, "national-platform", "2024", "2024-11-01");
    let converted = pb::TitleConverted {
        from_programme: "national-platform".to_owned(),
        to_programme: GIANT.to_owned(),
        ..Default::default()
    };
    let raised = pb::ObjectionRaised {
        programme: GIANT.to_owned(),
        batch: "4".to_owned(),
        ..Default::default()
    };
    let withdrawn = pb::NoticeWithdrawn {
        programme: GIANT.to_owned(),
        batch: "4".to_owned(),
        ..Default::default()
    };
    let relocated = pb::Relocated {
        from_region: "210100".to_owned(),
        to_region: "210100".to_owned(),
        from_authority: "210000".to_owned(),
        to_authority: "210000".to_owned(),
        stage: pb::RelocationStage::Confirmed.into(),
    };
    let reinstated =
        pb::Reinstated { programme: GIANT.to_owned(), position: Some(0), ..Default::default() };
    let base = "national-platform-base";
    let listed = pb::CreationListed {
        programme: base.to_owned(),
        batch: "1".to_owned(),
        ..Default::default()
    };
    let assessed = pb::CreationAssessed {
        programme: base.to_owned(),
        batch: "1".to_owned(),
        passed: false,
        ..Default::default()
    };
    let created = vec![
        event(MINISTRY, A, "2026-01-01", Fact::CreationListed(listed)),
        event(MINISTRY, A, "2026-05-01", Fact::CreationAssessed(assessed)),
        complete(MINISTRY, base, Part::Titles),
    ];
    let entered = || {
        let fact = pb::PoolEntered { pool: "2020".to_owned(), profile: None };
        event(GUANGDONG, A, "2020-01-01", Fact::PoolEntered(fact))
    };
    let champion = designated(MINISTRY, A, "single-item-champion", "8", "2025-01-01");
    let champion = with(champion, |fact| fact.valid_to = date("2027-12-31"));
    let innovative = || designated(GUANGDONG, A, "innovative-sme", "2024-1", "2024-01-01");
    let indicator = |i: usize| pb::Indicator {
        name: format!("{}{i}", "指".repeat(100)),
        value: "1".to_owned(),
        ..Default::default()
    };
    let assessment = pb::EnvironmentAssessed {
        region: "440100".to_owned(),
        year: 2023,
        assessor: "示例机构".to_owned(),
        indicators: (0..30).map(indicator).collect(),
    };
    let in_order =
        |from: &str, to: &str| with(giant(A, "1", from), |fact| fact.valid_to = date(to));
    let authority = |code: &str| pb::Event { authority: code.to_owned(), ..first() };
    let designee = |code: &str| pb::Event { designee: code.to_owned(), ..first() };
    let mut document = first();
    document.evidence.get_or_insert_default().document_number = "153号".to_owned();

    vec![
        ("FIELD_REQUIRED", vec![], pb::Event { effective_date: None, ..first() }),
        ("FIELD_NOT_ALLOWED", vec![], pb::Event { designee: A.to_owned(), ..annulled(Some(0)) }),
        ("FIELD_INVALID", vec![], pb::Event { co_issuers: vec![MINISTRY.to_owned()], ..first() }),
        ("ENUM_UNKNOWN", vec![], profile(|profile| profile.kind = 77)),
        ("USCC_FORM", vec![], designee("91")),
        ("USCC_CHECK_CHARACTER", vec![], designee("914403001922038217")),
        ("AUTHORITY_UNKNOWN", vec![], authority("999999")),
        ("PROGRAMME_UNKNOWN", vec![], with(first(), |fact| fact.programme = "giant".to_owned())),
        ("REGION_UNKNOWN", vec![], profile(|p| p.registered_region = "999999".to_owned())),
        ("INDUSTRY_UNKNOWN", vec![], profile(|p| p.industry = "00".to_owned())),
        ("DATE_INVALID", vec![], pb::Event { effective_date: date("2023-2-30"), ..first() }),
        ("DATE_ORDER", vec![], in_order("2024-01-01", "2023-12-31")),
        ("DOCUMENT_NUMBER_INVALID", vec![], document),
        ("RULE_VERSION_UNKNOWN", vec![], pb::Event { rule_version: "1999".to_owned(), ..first() }),
        (
            "EVENT_TOO_LARGE",
            vec![],
            event(MINISTRY, "", "2024-01-01", Fact::EnvironmentAssessed(assessment)),
        ),
        ("IDENTIFIER_INVALID", vec![], with(first(), |fact| fact.batch = "batch 1".to_owned())),
        ("ISSUER_NOT_ENTITLED", vec![], authority(GUANGDONG)),
        ("TITLE_ALREADY_HELD", vec![first()], giant(A, "2", "2019-06-05")),
        (
            "TITLE_NOT_HELD",
            vec![first(), revoked(A, "2020-01-01", ""), complete(MINISTRY, GIANT, Part::Titles)],
            revoked(A, "2023-01-01", ""),
        ),
        ("BATCH_SEALED", vec![first(), sealed("1", Some(1), b"")], giant(B, "1", "2019-06-05")),
        ("BATCH_UNKNOWN", vec![], sealed("9", None, b"")),
        (
            "BANNED",
            vec![first(), revoked(A, "2020-01-01", "2022-12-31")],
            giant(A, "4", "2022-12-01"),
        ),
        ("REPAIR_NOT_ALLOWED", vec![], annulled(Some(9))),
        (
            "DUPLICATE_IN_LIST",
            vec![notice(A, "4", "2022-08-08", "2022-08-12")],
            notice(A, "4", "2022-08-08", "2022-08-12"),
        ),
        ("COUNT_MISMATCH", vec![first()], sealed("1", Some(2), b"")),
        ("RENAME_NOT_SIMPLE", vec![first()], by_ministry(Fact::Renamed(renamed))),
        ("BAN_TOO_SHORT", vec![first()], revoked(A, "2020-01-01", "2020-12-31")),
        ("HOLDER_NOT_ELIGIBLE", vec![], profile(|p| p.kind = pb::DesigneeKind::Park.into())),
        (
            "PREREQUISITE_MISSING",
            vec![complete(GUANGDONG, "specialised-sme", Part::Titles)],
            recommended(A, "5", "2023-07-01"),
        ),
        (
            "EXCLUDED_BY_TITLE",
            vec![champion, complete(MINISTRY, "single-item-champion", Part::Titles)],
            giant(A, "8", "2026-06-01"),
        ),
        ("MEASURES_MISSING", vec![complete(GUANGDONG, "", Part::Measures)], innovative()),
        (
            "NOTICE_MISSING",
            vec![complete(GUANGDONG, "innovative-sme", Part::Notices)],
            innovative(),
        ),
        (
            "INFORMATION_UPDATE_MISSING",
            vec![
                recommended(A, "4", "2022-09-01"),
                complete(GUANGDONG, "", Part::InformationUpdates),
            ],
            passed("2025", "2025-09-01"),
        ),
        (
            "SUBJECT_ENDED",
            vec![
                first(),
                event(MINISTRY, A, "2022-03-01", Fact::SubjectEnded(ended)),
                complete(MINISTRY, GIANT, Part::Titles),
            ],
            giant(A, "6", "2024-09-01"),
        ),
        ("IDENTIFIER_LINK_INVALID", vec![first()], by_ministry(Fact::IdentifierChanged(linked))),
        ("CONVERSION_NOT_FORESEEN", vec![platform()], by_ministry(Fact::TitleConverted(converted))),
        ("CREATION_NOT_PASSED", created, designated(MINISTRY, A, base, "1", "2026-06-01")),
        (
            "ALREADY_RECORDED",
            vec![first(), passed("2022", "2022-06-05")],
            passed("2022", "2022-06-05"),
        ),
        (
            "OBJECTION_LATE",
            vec![notice(A, "4", "2022-08-08", "2022-08-12")],
            by_ministry(Fact::ObjectionRaised(raised)),
        ),
        (
            "NOTICE_NOT_OPEN",
            vec![complete(MINISTRY, GIANT, Part::Notices)],
            by_ministry(Fact::NoticeWithdrawn(withdrawn)),
        ),
        ("RELOCATION_INVALID", vec![first()], by_ministry(Fact::Relocated(relocated))),
        (
            "REFERENCE_INVALID",
            vec![first(), revoked(A, "2020-01-01", "")],
            by_ministry(Fact::Reinstated(reinstated)),
        ),
        ("DIGEST_MISMATCH", vec![first()], sealed("1", Some(1), &[7; 32])),
        ("POOL_MEMBERSHIP", vec![entered()], entered()),
        ("PERSONAL_DATA", vec![], profile(|profile| profile.name = "甲 13800000000".to_owned())),
        ("FACTS_EXCEEDED", (0..256).map(supported).collect(), supported(256)),
    ]
}

/// What a call that is not about events is refused with.
async fn refused_calls(client: &mut Client) -> Vec<Status> {
    let named = |who: &str| {
        with(giant(who, "1", "2019-06-05"), |fact| {
            fact.profile =
                Some(pb::Profile { name: "示例有限公司".into(), ..Default::default() });
        })
    };
    let commit = pb::AppendRequest {
        request_id: "one".to_owned(),
        events: vec![named(A), named(B)],
        ..Default::default()
    };
    client.append(commit.clone()).await.unwrap();
    let reused = pb::AppendRequest { events: vec![named(A)], ..commit.clone() };
    let at_size = Some(Precondition::LogSize(99));
    let moved = pb::AppendRequest { request_id: String::new(), precondition: at_size, ..commit };
    let many = vec![named(A); 10_001];
    let mut found = vec![
        client.append(reused).await.unwrap_err(),
        client.append(moved).await.unwrap_err(),
        client.record(many).await.unwrap_err(),
    ];

    let request = pb::ListEventsRequest { page_token: "abc".into(), ..Default::default() };
    found.push(client.ledger.list_events(request).await.unwrap_err());
    let request = pb::GetEventRequest { position: Some(99), raw: false };
    found.push(client.ledger.get_event(request).await.unwrap_err());
    let request = pb::SubscribeRequest { log_id: "another".into(), ..Default::default() };
    found.push(client.ledger.subscribe(request).await.unwrap_err());

    let designee =
        |text: &str| pb::GetDesigneeRequest { designee: text.into(), ..Default::default() };
    let unknown = designee("914403001922038216");
    found.push(client.register.get_designee(unknown).await.unwrap_err());
    found.push(client.register.get_designee(designee("示例有限公司")).await.unwrap_err());
    let programme = "specialised-sme".to_owned();
    let request = pb::ExplainTitleRequest { designee: A.into(), programme, ..Default::default() };
    found.push(client.register.explain_title(request).await.unwrap_err());
    let (programme, batch) = (GIANT.to_owned(), "9".to_owned());
    let request = pb::GetBatchRequest { programme, batch, ..Default::default() };
    found.push(client.register.get_batch(request).await.unwrap_err());

    let (authority, pool) = (GUANGDONG.to_owned(), "2020".to_owned());
    let request = pb::ListPoolMembersRequest { authority, pool, ..Default::default() };
    found.push(client.register.list_pool_members(request).await.unwrap_err());

    let request = pb::GetCatalogueRequest { sha256: Bytes::from_static(&[7; 32]) };
    found.push(client.register.get_catalogue(request).await.unwrap_err());
    let request = pb::AdoptRulesRequest { version: Some(99), log_size: None };
    found.push(client.admin.adopt_rules(request).await.unwrap_err());

    let cursor_id = "bank".to_owned();
    let request = pb::GetCursorRequest { cursor_id: cursor_id.clone(), ..Default::default() };
    found.push(client.cursors.get_cursor(request).await.unwrap_err());
    let next_position = 2;
    let create =
        pb::CreateCursorRequest { cursor_id: cursor_id.clone(), filter: None, next_position };
    client.cursors.create_cursor(create.clone()).await.unwrap();
    found.push(client.cursors.create_cursor(create).await.unwrap_err());
    let back = pb::AdvanceCursorRequest { cursor_id, next_position: 1, ..Default::default() };
    found.push(client.cursors.advance_cursor(back).await.unwrap_err());
    found
}

/// The answers to an append of servers that record nothing: one whose disk is below its reserve,
/// and one that has failed too often.
async fn refused_appends() -> Vec<Status> {
    let dir = directory();
    let data = dir.path().join("data");
    let mut found = Vec::new();
    for reserve in [u64::MAX, 0] {
        let server = Server::start_with(&data, &["--disk-reserve-bytes", &reserve.to_string()]);
        let mut client = server.client().await;
        found.push(client.record(vec![giant(A, "1", "2019-06-05")]).await.unwrap_err());
        assert_eq!(client.status().await.log_size, 0, "reads are served");
        #[allow(clippy::disallowed_methods)] // the server reads the same clock
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        assert_eq!(server.terminate(), Some(0));
        std::fs::write(data.join("FAILURES"), format!("{now} 74\n").repeat(3)).unwrap();
    }
    let retry = found[0].get_details_retry_info().expect("a full disk may get room");
    assert!(retry.retry_delay.is_some_and(|delay| !delay.is_zero()));
    found
}

/// The metadata of an error is there and says something.
pub fn assert_complete(status: &Status) {
    let info = status.get_details_error_info().unwrap();
    for key in &documented()[&reason(status)].keys {
        let value = info.metadata.get(key).map_or("", String::as_str);
        assert!(!value.is_empty(), "{} comes with an empty {key}: {status:?}", info.reason);
    }
}

#[tokio::test]
async fn every_reason_brings_its_documented_metadata() {
    let (mut provoked, mut others) = (BTreeSet::new(), Vec::new());
    for (expected, history, event) in refused_events() {
        let fresh = Fresh::start();
        let mut client = fresh.client().await;
        if !history.is_empty() {
            client.record(history).await.unwrap_or_else(|error| panic!("{expected}: {error:?}"));
        }
        let error = client.record(vec![event]).await.expect_err(expected);
        if reason(&error) != expected {
            others.push(format!("{expected}: {} {}", reason(&error), error.message()));
            continue;
        }
        assert_complete(&error);
        provoked.insert(expected.to_owned());
    }
    assert!(others.is_empty(), "refused for another reason: {others:#?}");
    let fresh = Fresh::start();
    let mut errors = refused_calls(&mut fresh.client().await).await;
    errors.extend(refused_appends().await);
    for error in errors {
        assert_complete(&error);
        provoked.insert(reason(&error));
    }
    // Provoked in `identity/`, with their metadata.
    provoked.extend(crate::identity::REASONS.map(str::to_owned));
    // Provoked by `rights/withholding.rs`, `callers.rs`, `operations/start.rs`,
    // `standard_services.rs`, and then `raw_requests.rs`.
    let elsewhere = ["WITHHELD_ALREADY", "HOST_NOT_ALLOWED", "STARTING", "SERVICE_UNKNOWN"];
    provoked.extend(elsewhere.map(str::to_owned));
    provoked.extend(super::raw_requests::REASONS.map(str::to_owned));
    // Provoked by `rights/`.
    provoked.extend(crate::rights::approval::REASONS.map(|(name, _)| name.to_owned()));
    let elsewhere = [&OF_THE_SERVER[..], &OF_PRINCIPALS, &OF_NODES].concat();
    provoked.extend(elsewhere.into_iter().map(str::to_owned));
    let errors = documented().into_iter().filter(|(_, reason)| !reason.is_warning);
    let missing: Vec<_> = errors.map(|(name, _)| name).filter(|n| !provoked.contains(n)).collect();
    assert!(missing.is_empty(), "provoke these as well: {missing:?}");
}

#[tokio::test]
async fn the_right_value_is_sent_with_the_wrong_one() {
    let expected = [
        ("USCC_CHECK_CHARACTER", "expected", "6"),
        ("COUNT_MISMATCH", "expected", "1"),
        ("EVENT_TOO_LARGE", "limit", "5888"),
    ];
    for (name, history, event) in refused_events() {
        let Some((_, key, right)) = expected.iter().find(|(reason, ..)| *reason == name) else {
            continue;
        };
        let fresh = Fresh::start();
        let mut client = fresh.client().await;
        if !history.is_empty() {
            client.record(history).await.unwrap();
        }
        let error = client.record(vec![event]).await.unwrap_err();
        let info = error.get_details_error_info().unwrap();
        assert_eq!(info.metadata.get(*key).map(String::as_str), Some(*right), "{error:?}");
    }
}
