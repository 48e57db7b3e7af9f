//! Bad input gets a clear error by the table of codes, and nothing is recorded.

use tidu::{
    cli::generate::Enterprise,
    protocol::pb::{self, event::Fact},
};
use tonic::{
    Code,
    codec::CompressionEncoding::{Gzip, Zstd},
};
use tonic_types::StatusExt as _;

use crate::support::{Client, Fresh, date, designated, event, list, little_giant, made_up, reason};

const CODE: &str = "914403001922038216";

/// The code, reason and field of the error that recording gives; checks that nothing was recorded.
async fn refused(client: &mut Client, events: Vec<pb::Event>) -> (Code, String, String) {
    let before = client.status().await;
    let error = client.record(events).await.expect_err("it was recorded");
    let after = client.status().await;
    assert_eq!((before.log_size, before.root_hash), (after.log_size, after.root_hash));
    assert_eq!(before.designee_count, after.designee_count);
    let details = error.get_error_details();
    let field = details.error_info().and_then(|info| info.metadata.get("field").cloned());
    (error.code(), reason(&error), field.unwrap_or_default())
}

fn change(change: impl FnOnce(&mut pb::Event)) -> pb::Event {
    let mut event = designated(&made_up(1, 1)[0]);
    change(&mut event);
    event
}

fn change_fact(alter: impl FnOnce(&mut pb::Designated)) -> pb::Event {
    change(|event| {
        if let Some(Fact::Designated(fact)) = &mut event.fact {
            alter(fact);
        }
    })
}

/// One row per way to be wrong: what is sent, and the code, reason and field that come back.
fn malformed() -> Vec<(&'static str, pb::Event, &'static str, &'static str)> {
    let fill = |text: &str, count: usize| text.repeat(count);
    vec![
        ("no authority", change(|e| e.authority.clear()), "FIELD_REQUIRED", "authority"),
        ("Hong Kong", change(|e| e.authority = "810000".into()), "AUTHORITY_UNKNOWN", "authority"),
        ("no designee", change(|e| e.designee.clear()), "FIELD_REQUIRED", "designee"),
        ("no date", change(|e| e.effective_date = None), "FIELD_REQUIRED", "effective_date"),
        (
            "30 February",
            change(|e| e.effective_date = date("2023-2-30")),
            "DATE_INVALID",
            "effective_date",
        ),
        ("no fact", change(|e| e.fact = None), "FIELD_REQUIRED", "fact"),
        (
            "unknown rule",
            change(|e| e.rule_version = "1999".into()),
            "RULE_VERSION_UNKNOWN",
            "designated.rule_version",
        ),
        (
            "twice an issuer",
            change(|e| e.co_issuers = vec!["440000".into()]),
            "FIELD_INVALID",
            "co_issuers[0]",
        ),
        (
            "odd document",
            change(|e| e.evidence.as_mut().unwrap().document_number = "1号".into()),
            "DOCUMENT_NUMBER_INVALID",
            "evidence.document_number",
        ),
        (
            "short digest",
            change(|e| e.evidence.as_mut().unwrap().sha256 = vec![1].into()),
            "FIELD_INVALID",
            "evidence.sha256",
        ),
        (
            "unknown programme",
            change_fact(|f| f.programme = "little-gaint".into()),
            "PROGRAMME_UNKNOWN",
            "designated.programme",
        ),
        ("no batch", change_fact(|f| f.batch.clear()), "FIELD_REQUIRED", "designated.batch"),
        (
            "odd batch",
            change_fact(|f| f.batch = "batch 1".into()),
            "IDENTIFIER_INVALID",
            "designated.batch",
        ),
        (
            "ends before it begins",
            change_fact(|f| f.valid_to = date("2023-12-31")),
            "DATE_ORDER",
            "designated.valid_to",
        ),
        (
            "no region",
            change_fact(|f| f.profile.as_mut().unwrap().registered_region = "660000".into()),
            "REGION_UNKNOWN",
            "designated.profile.registered_region",
        ),
        (
            "no industry",
            change_fact(|f| f.profile.as_mut().unwrap().industry = "00".into()),
            "INDUSTRY_UNKNOWN",
            "designated.profile.industry",
        ),
        (
            "unknown enum value",
            change_fact(|f| f.profile.as_mut().unwrap().kind = 77),
            "ENUM_UNKNOWN",
            "designated.profile.kind",
        ),
        (
            "long name",
            change_fact(|f| f.profile.as_mut().unwrap().name = fill("长", 129)),
            "FIELD_INVALID",
            "designated.profile.name",
        ),
        (
            "long url",
            change(|e| e.evidence.as_mut().unwrap().url = fill("u", 513)),
            "FIELD_INVALID",
            "evidence.url",
        ),
        (
            "a fact without its programme",
            change(|e| e.fact = Some(Fact::Surrendered(pb::Surrendered::default()))),
            "FIELD_REQUIRED",
            "surrendered.programme",
        ),
        (
            "an instrument of no kind",
            event("440000", "", "2024-01-01", Fact::MeasuresIssued(pb::MeasuresIssued::default())),
            "FIELD_REQUIRED",
            "measures_issued.instrument",
        ),
        (
            "a designee where none belongs",
            event(
                "440000",
                CODE,
                "2024-01-01",
                Fact::Annulled(pb::Annulled { position: Some(0), reason: "r".into() }),
            ),
            "FIELD_NOT_ALLOWED",
            "designee",
        ),
        (
            "a repair of nothing named",
            event(
                "440000",
                "",
                "2024-01-01",
                Fact::Annulled(pb::Annulled { position: None, reason: "r".into() }),
            ),
            "FIELD_REQUIRED",
            "annulled.position",
        ),
    ]
}

#[tokio::test]
async fn malformed_events_are_invalid_argument_with_field_and_reason() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    for (what, event, reason, field) in malformed() {
        let got = refused(&mut client, vec![event]).await;
        let expected = (Code::InvalidArgument, reason.to_owned(), format!("events[0].{field}"));
        assert_eq!(got, expected, "{what}");
    }
}

#[tokio::test]
async fn every_invalid_code_is_refused() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let mut rows =
        csv::Reader::from_reader(include_str!("../../vectors/uscc-invalid.csv").as_bytes());
    let mut count = 0;
    for row in rows.records().map(Result::unwrap) {
        let code = row[0].to_owned();
        let (status, reason, field) =
            refused(&mut client, vec![change(|e| e.designee.clone_from(&code))]).await;
        let expected = match code.as_str() {
            "" => "FIELD_REQUIRED",
            _ if row[2].contains("Checksum") => "USCC_CHECK_CHARACTER",
            _ => "USCC_FORM",
        };
        assert_eq!((status, reason.as_str()), (Code::InvalidArgument, expected), "{code}");
        assert_eq!(field, "events[0].designee");
        count += 1;
    }
    assert!(count > 15);
}

#[tokio::test]
async fn brackets_width_and_case_are_normalised_not_refused() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let event = change(|e| {
        e.designee = "９１４４０３００７１５２６７２６ｘｇ".into();
        e.evidence.as_mut().unwrap().document_number = "粤工信函［2024］1号".into();
    });
    client.record(vec![event]).await.unwrap();
    let request = pb::GetEventRequest { position: Some(0), raw: false };
    let stored = client.ledger.get_event(request).await.unwrap().into_inner().event.unwrap();
    let stored = stored.event.unwrap();
    assert_eq!(stored.designee, "9144030071526726XG");
    assert_eq!(stored.evidence.unwrap().document_number, "粤工信函〔2024〕1号");
    assert_eq!(stored.rule_version, "2022", "filled in from the catalogue");
    let Some(Fact::Designated(fact)) = stored.fact else { panic!("a designation") };
    assert_eq!((fact.valid_to, fact.valid_to_inferred), (date("2026-12-31"), true));
}

#[tokio::test]
async fn rules_refuse_with_failed_precondition() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    client.record(vec![little_giant(CODE, "1", "2019-06-05")]).await.unwrap();
    let fail = |reason: &str, field: &str| {
        (Code::FailedPrecondition, reason.to_owned(), format!("events[0].{field}"))
    };
    let mut by_province = little_giant("91330106673959654P", "1", "2019-06-05");
    by_province.authority = "440000".into();
    let got = refused(&mut client, vec![by_province]).await;
    assert_eq!(got, fail("ISSUER_NOT_ENTITLED", "authority"));

    let mut before_any_rule = little_giant("91330106673959654P", "1", "2001-01-01");
    before_any_rule.authority = "440000".into();
    let got = refused(&mut client, vec![before_any_rule]).await;
    assert_eq!(got, fail("ISSUER_NOT_ENTITLED", "authority"));

    let got = refused(&mut client, vec![little_giant(CODE, "2", "2019-06-05")]).await;
    assert_eq!(got, fail("TITLE_ALREADY_HELD", "effective_date"));

    let shenzhen = change_fact(|f| f.profile.as_mut().unwrap().registered_region = "440305".into());
    let got = refused(&mut client, vec![shenzhen]).await;
    assert_eq!(got, fail("ISSUER_NOT_ENTITLED", "authority"));

    let annulled = Fact::Annulled(pb::Annulled { position: Some(9), reason: "r".into() });
    let got = refused(&mut client, vec![event("100000", "", "2024-01-01", annulled)]).await;
    assert_eq!(got, fail("REPAIR_NOT_ALLOWED", "annulled.position"));
    let annulled = Fact::Annulled(pb::Annulled { position: Some(0), reason: "r".into() });
    let got = refused(&mut client, vec![event("440000", "", "2024-01-01", annulled)]).await;
    assert_eq!(got, fail("REPAIR_NOT_ALLOWED", "annulled.position"));
}

#[tokio::test]
async fn validate_only_records_nothing_and_lists_every_failure() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let mut events = list(1, 50);
    events[3].designee = "91".into();
    events[7].designee = events[6].designee.clone();
    events[9].effective_date = None;
    let request = pb::AppendRequest { events, validate_only: true, ..Default::default() };
    let answer = client.append(request).await.unwrap();
    let found: Vec<_> = answer.rejections.iter().map(|r| (r.index, r.reason.as_str())).collect();
    assert_eq!(found, [(3, "USCC_FORM"), (7, "TITLE_ALREADY_HELD"), (9, "FIELD_REQUIRED")]);
    assert_eq!((answer.rejection_count, answer.next_position), (3, 50));
    assert!(answer.recorded_time.is_none());
    assert_eq!(answer.rejections[0].field, "events[3].designee");
    assert_eq!(client.status().await.log_size, 0);
}

#[tokio::test]
async fn details_stay_small_when_everything_is_wrong() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let mut events = list(1, 5_000);
    events.iter_mut().for_each(|event| event.designee = "x".repeat(500));
    let error = client.record(events).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert!(error.details().len() <= 4 * 1024, "{} bytes", error.details().len());
    assert!(error.message().contains("4999 more"), "{error}");
    assert!(error.get_error_details().bad_request().unwrap().field_violations.len() > 5);
}

#[tokio::test]
async fn sizes_and_counts_over_their_limits_name_the_limit() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let limit = |code: Code, reason: &str| (code, reason.to_owned());
    let short = |(code, reason, _): (Code, String, String)| (code, reason);

    let got = short(refused(&mut client, vec![]).await);
    assert_eq!(got, limit(Code::InvalidArgument, "FIELD_REQUIRED"));
    let event = little_giant(CODE, "1", "2019-06-05");
    let got = short(refused(&mut client, vec![event.clone(); 10_001]).await);
    assert_eq!(got, limit(Code::ResourceExhausted, "LIMIT_EXCEEDED"));

    let long = change(|e| {
        let replacement =
            Some(Box::new(change_fact(|f| f.profile.as_mut().unwrap().name_en = "x".repeat(128))));
        e.designee.clear();
        e.fact = Some(Fact::Corrected(Box::new(pb::Corrected {
            position: Some(0),
            replacement,
            reason: "r".repeat(513),
        })));
    });
    let got = short(refused(&mut client, vec![long]).await);
    assert_eq!(got, limit(Code::InvalidArgument, "FIELD_INVALID"));

    // 17 MiB in 9,000 events: the transport's own limit, in our words.
    let big = change(|e| e.evidence.as_mut().unwrap().url = "u".repeat(1_900));
    let request = pb::AppendRequest { events: vec![big; 9_000], ..Default::default() };
    for encoding in [None, Some(Gzip), Some(Zstd)] {
        let ledger = client.ledger.clone();
        let mut ledger = match encoding {
            Some(encoding) => ledger.send_compressed(encoding),
            None => ledger,
        };
        let error = ledger.append(request.clone()).await.unwrap_err();
        let expected = limit(Code::ResourceExhausted, "LIMIT_EXCEEDED");
        assert_eq!((error.code(), reason(&error)), expected, "{encoding:?}");
        let details = error.get_error_details();
        assert_eq!(details.error_info().unwrap().metadata["limit"], "16777216");
    }
    assert_eq!(client.status().await.log_size, 0, "the connection still works");
}

#[tokio::test]
async fn a_watch_list_holds_so_many_designees_and_no_more() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    client.record(list(1, 2)).await.unwrap();
    let mut designees: Vec<String> =
        (0..100_000).map(|i| format!("provisional:440000/某{i}")).collect();
    designees[99_999] = CODE.to_owned();
    let ask = |designees: &[String]| pb::ListEventsRequest {
        filter: Some(pb::EventFilter { designees: designees.to_vec(), ..Default::default() }),
        ..Default::default()
    };
    let page = client.ledger.list_events(ask(&designees)).await.unwrap().into_inner();
    assert_eq!(page.events.len(), 0);
    designees.push(list(1, 1)[0].designee.clone());
    let error = client.ledger.list_events(ask(&designees)).await.unwrap_err();
    assert_eq!(
        (error.code(), reason(&error).as_str()),
        (Code::ResourceExhausted, "LIMIT_EXCEEDED")
    );
    assert_eq!(error.get_error_details().error_info().unwrap().metadata["limit"], "100000");
    let page = client.ledger.list_events(ask(&designees[1..])).await.unwrap().into_inner();
    assert_eq!(page.events.len(), 1);
}

#[tokio::test]
async fn unknown_values_in_a_filter_are_errors_never_an_empty_stream() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let filters = [
        (
            pb::EventFilter { programmes: vec!["x".into()], ..Default::default() },
            "PROGRAMME_UNKNOWN",
        ),
        (
            pb::EventFilter { authorities: vec!["999999".into()], ..Default::default() },
            "AUTHORITY_UNKNOWN",
        ),
        (pb::EventFilter { kinds: vec![7], ..Default::default() }, "ENUM_UNKNOWN"),
        (pb::EventFilter { region_under: "990000".into(), ..Default::default() }, "REGION_UNKNOWN"),
        (pb::EventFilter { batches: vec![" ".into()], ..Default::default() }, "FIELD_REQUIRED"),
        (
            pb::EventFilter {
                designees: vec![CODE.into(), "no code".into()],
                ..Default::default()
            },
            "USCC_FORM",
        ),
    ];
    for (filter, expected) in filters {
        let filter = Some(filter);
        let request = pb::SubscribeRequest { filter: filter.clone(), ..Default::default() };
        let error = client.ledger.subscribe(request).await.unwrap_err();
        assert_eq!((error.code(), reason(&error).as_str()), (Code::InvalidArgument, expected));
        let request = pb::ListEventsRequest { filter, ..Default::default() };
        let error = client.ledger.list_events(request).await.unwrap_err();
        assert_eq!((error.code(), reason(&error).as_str()), (Code::InvalidArgument, expected));
    }
    let request = pb::ListEventsRequest { page_token: "abc".into(), ..Default::default() };
    let error = client.ledger.list_events(request).await.unwrap_err();
    assert_eq!(
        (error.code(), reason(&error).as_str()),
        (Code::InvalidArgument, "PAGE_TOKEN_INVALID")
    );
    let request = pb::GetEventRequest { position: Some(0), raw: false };
    let error = client.ledger.get_event(request).await.unwrap_err();
    assert_eq!((error.code(), reason(&error).as_str()), (Code::OutOfRange, "POSITION_BEYOND_LOG"));
    let request = pb::GetDesigneeRequest { designee: CODE.into(), ..Default::default() };
    let error = client.register.get_designee(request).await.unwrap_err();
    assert_eq!((error.code(), reason(&error).as_str()), (Code::NotFound, "DESIGNEE_NOT_FOUND"));
}

/// What a broken client sends: not protobuf, and a frame cut short.
#[tokio::test]
async fn messages_that_cannot_be_read_are_invalid_argument() {
    use http_body_util::{BodyExt as _, Full};
    use hyper_util::rt::{TokioExecutor, TokioIo};

    let fresh = Fresh::start();
    let address = fresh.server.address.trim_start_matches("http://").to_owned();
    for (what, frame) in [
        ("not protobuf", vec![0, 0, 0, 0, 3, 0xFF, 0xFF, 0xFF]),
        ("cut short", vec![0, 0, 0, 1, 0, 1, 2, 3]),
        // Field 4, an event, twice: an empty one, and two bytes that are none.
        ("events[1]", vec![0, 0, 0, 0, 6, 0x22, 0, 0x22, 2, 0xFF, 0xFF]),
    ] {
        let stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
                .await
                .unwrap();
        tokio::spawn(connection);
        let request = http::Request::post(format!("http://{address}/tidu.v1.LedgerService/Append"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(Full::new(bytes::Bytes::from(frame)))
            .unwrap();
        let response = sender.send_request(request).await.unwrap();
        let mut headers = response.headers().clone();
        if let Some(trailers) = response.into_body().collect().await.unwrap().trailers() {
            headers.extend(trailers.clone());
        }
        assert_eq!(headers["grpc-status"], "3", "{what}: {headers:?}");
        let status = tonic::Status::from_header_map(&headers).unwrap();
        assert_eq!(reason(&status), "MALFORMED_REQUEST", "{what}");
        assert!(!what.starts_with("events") || status.message().starts_with(what), "{status}");
    }
}

#[tokio::test]
async fn warnings_come_back_and_never_block() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    // A code whose own check character is right and whose organisation code's is not.
    let code = tidu::domain::Uscc::from_parts(*b"91", 440_600, *b"YY0000002").unwrap();
    let odd = change(|e| e.designee = code.to_string());
    let revoked = pb::Revoked {
        programme: "little-giant".into(),
        ground: pb::RevocationGround::Other.into(),
        ..Default::default()
    };
    let unheld = event("100000", CODE, "2024-01-01", Fact::Revoked(revoked));
    let answer = client.record(vec![odd, unheld]).await.unwrap();
    let found: Vec<_> = answer.warnings.iter().map(|w| (w.index, w.reason.as_str())).collect();
    let expected = [
        (0, "ORGANISATION_CODE_CHECK"),
        (0, "PREREQUISITE_MISSING"),
        (0, "NOTICE_MISSING"),
        (0, "MEASURES_MISSING"),
        (1, "TITLE_NOT_ON_RECORD"),
    ];
    assert_eq!((found.as_slice(), answer.warning_count), (&expected[..], 5));
    assert_eq!(client.status().await.log_size, 2);
}

#[tokio::test]
async fn faults_and_warnings_that_are_not_listed_are_counted() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let mut wrong = list(1, 1_001);
    wrong.iter_mut().for_each(|event| event.designee = "91".to_owned());
    let request = pb::AppendRequest { events: wrong, validate_only: true, ..Default::default() };
    let answer = client.append(request).await.unwrap();
    assert_eq!((answer.rejections.len(), answer.rejection_count), (1_000, 1_001));
    let fact = pb::Surrendered { programme: "specialised-sme".to_owned(), item: String::new() };
    let unheld = |one: &Enterprise| {
        let fact = Fact::Surrendered(fact.clone());
        event("440000", &one.uscc.to_string(), "2024-01-01", fact)
    };
    let answer = client.record(made_up(1, 1_001).iter().map(unheld).collect()).await.unwrap();
    assert_eq!((answer.warnings.len(), answer.warning_count), (1_000, 1_001));
    let counts: Vec<_> =
        answer.warning_counts.iter().map(|of| (of.reason.as_str(), of.count)).collect();
    assert_eq!(counts, [("TITLE_NOT_ON_RECORD", 1_001)]);
}
