//! Answers of the most content: each fits a response, and lists go past the largest entries.

use std::{collections::BTreeSet, process::Command};

use prost_reflect::DescriptorPool;
use tidu::{
    limits::{
        CURSOR_CONNECTIONS_SHOWN_MAX, FILTER_DESIGNEES_MAX, INDICATORS_MAX, RESPONSE_BYTES_MAX,
    },
    protocol::pb::{self, event::Fact, subscribe_request::Start},
};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::support::{Client, Fresh, TIDU, event, little_giant, made_up, ministry, reason};

/// Each RPC with the test of its largest answer, or the reason why it has a bound.
const LARGEST: &[(&str, &str)] = &[
    ("AdoptRules", "a fixed number of fields"),
    ("AdvanceCursor", "a fixed number of fields"),
    ("Append", "faults_kept.rs: a_million_faults_are_counted_and_the_first_listed"),
    ("CompareBatches", "room.rs: two_versions_of_the_largest_title_fit_behind_a_page"),
    ("CountTitles", "answers.rs: groups_of_more_bytes_than_a_response_are_refused"),
    ("CreateCursor", "answers.rs: a_cursor_of_a_hundred_thousand_designees_works"),
    ("DeleteCursor", "a fixed number of fields"),
    ("DeletePrincipal", "a fixed number of fields"),
    ("DiffRules", "room.rs: two_versions_of_the_largest_title_fit_behind_a_page"),
    ("ExplainTitle", "room.rs: the_largest_explanations_fit_a_response"),
    ("ExportRegister", "room.rs: two_versions_of_the_largest_title_fit_behind_a_page"),
    ("FindDesignees", "names.rs: the_largest_designee_found_fits_a_response"),
    ("GetBatch", "room.rs: the_largest_batch_and_its_sublists_fit_a_response"),
    ("GetCatalogue", "limits.rs: CATALOGUE_BYTES_MAX < RESPONSE_BYTES_MAX"),
    ("GetCursor", "answers.rs: a_cursor_of_a_hundred_thousand_designees_works"),
    ("GetDesignee", "room.rs: the_largest_designee_fits_a_page"),
    ("GetDigest", "a fixed number of fields"),
    ("GetEvent", "an event and its leaf, each of LEAF_BYTES_MAX"),
    ("GetStatus", "a fixed number of fields"),
    ("ListAssessments", "answers.rs: pages_of_the_largest_assessments_give_all"),
    ("ListAuthorities", "the 38 authorities"),
    ("ListBatches", "room.rs: the_largest_batch_and_its_sublists_fit_a_response"),
    ("ListBodies", "fewer than 64 bodies, each of a few names"),
    ("ListCatalogues", "limits.rs: CATALOGUE_ADOPTIONS_MAX"),
    ("ListChanges", "room.rs: two_versions_of_the_largest_title_fit_behind_a_page"),
    ("ListCursors", "answers.rs: a_cursor_of_many_streams_lists_the_first"),
    ("ListDesignees", "room.rs: the_largest_designee_fits_a_page"),
    ("ListEvents", "limits.rs: PAGE_BYTES + LEAF_BYTES_MAX < RESPONSE_BYTES_MAX"),
    ("ListMeasures", "answers.rs: pages_of_the_longest_measures_give_all"),
    ("ListPoolMembers", "limits.rs: PAGE_BYTES + LEAF_BYTES_MAX < RESPONSE_BYTES_MAX"),
    ("ListPools", "answers.rs: a_page_of_pools_fits_by_their_number"),
    ("ListPrincipals", "limits.rs: PAGE_BYTES + LEAF_BYTES_MAX < RESPONSE_BYTES_MAX"),
    ("ListProgrammes", "limits.rs: CATALOGUE_BYTES_MAX < RESPONSE_BYTES_MAX"),
    ("ListRegions", "the 39 regions"),
    ("ListSuspects", "names.rs: the_largest_shared_name_fits_a_response"),
    ("ListTimelines", "room.rs: two_versions_of_the_largest_title_fit_behind_a_page"),
    ("ListTitles", "room.rs: two_versions_of_the_largest_title_fit_behind_a_page"),
    ("HandOver", "a fixed number of fields"),
    ("PutPrincipal", "a fixed number of fields"),
    ("Subscribe", "subscribers.rs: STREAM_MESSAGE_BYTES + CHUNK_BYTES_MAX < RESPONSE_BYTES_MAX"),
    ("Verify", "a fixed number of fields"),
    ("WhoAmI", "64 rights, each of at most all authorities, programmes and kinds"),
    ("WithholdEvent", "a fixed number of fields"),
];

#[test]
fn every_rpc_has_a_test_of_its_largest_answer() {
    let pool = DescriptorPool::decode(pb::DESCRIPTORS).unwrap();
    let methods = pool.services().flat_map(|service| service.methods().collect::<Vec<_>>());
    let methods: BTreeSet<_> = methods.map(|method| method.name().to_owned()).collect();
    let named: BTreeSet<_> = LARGEST.iter().map(|(rpc, _)| (*rpc).to_owned()).collect();
    assert_eq!(named, methods);
    let sources = [
        ("answers.rs", include_str!("answers.rs")),
        ("faults_kept.rs", include_str!("faults_kept.rs")),
        ("names.rs", include_str!("../../../src/service/register/names.rs")),
        ("room.rs", include_str!("../../../src/service/room.rs")),
        ("limits.rs", include_str!("../../../src/limits.rs")),
        ("subscribers.rs", include_str!("../../../src/limits/subscribers.rs")),
    ];
    for (rpc, place) in LARGEST.iter() {
        let Some((file, name)) = place.split_once(": ") else { continue };
        let source = sources.iter().find(|(known, _)| *known == file).unwrap().1;
        let is_test = !matches!(file, "limits.rs" | "subscribers.rs");
        let wanted = if is_test { format!("fn {name}()") } else { name.to_owned() };
        assert!(source.contains(&wanted), "{rpc}: {place}");
    }
}

fn require_fits(answer: &impl prost::Message) {
    let size = answer.encoded_len();
    assert!(size <= RESPONSE_BYTES_MAX, "{size} bytes");
}

#[tokio::test]
async fn pages_of_the_largest_assessments_give_all() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let indicator = |i: usize| pb::Indicator {
        name: format!("{}{i}", "n".repeat(72)),
        value: "1".to_owned(),
        ..Default::default()
    };
    let assessed = |i: u32| pb::EnvironmentAssessed {
        region: "440100".to_owned(),
        year: 2000 + i % 100,
        assessor: format!("示例机构{}", i / 100),
        indicators: (0..INDICATORS_MAX).map(indicator).collect(),
    };
    let events =
        (0..300).map(|i| event("100000", "", "2024-01-01", Fact::EnvironmentAssessed(assessed(i))));
    client.record(events.collect()).await.unwrap();
    let (mut found, mut pages, mut page_token) = (0, 0, String::new());
    loop {
        let request =
            pb::ListAssessmentsRequest { page_size: 1_000, page_token, ..Default::default() };
        let page = client.register.list_assessments(request).await.unwrap().into_inner();
        require_fits(&page);
        assert!(!page.assessments.is_empty());
        (found, pages) = (found + page.assessments.len(), pages + 1);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(found, 300);
    assert!(pages >= 3, "{pages} pages");
}

#[tokio::test]
async fn pages_of_the_longest_measures_give_all() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let issued = |i: usize| pb::MeasuresIssued {
        instrument: pb::Instrument::Measures.into(),
        title: format!("{i:05}{}", "t".repeat(500)),
        issuer_name: "i".repeat(512),
        ..Default::default()
    };
    // Of several authorities, because the instruments of one are bounded.
    let issuers = ["100000", "110000", "120000", "130000", "140000", "150000"];
    let by = |i: usize| issuers[i % issuers.len()];
    let events =
        (0..1_200).map(|i| event(by(i), "", "2024-01-01", Fact::MeasuresIssued(issued(i))));
    client.record(events.collect()).await.unwrap();
    for instruments in [vec![], vec![pb::Instrument::Measures.into()]] {
        let (mut titles, mut pages, mut page_token) = (BTreeSet::new(), 0, String::new());
        loop {
            let instruments = instruments.clone();
            let request = pb::ListMeasuresRequest {
                instruments,
                page_size: 1_000,
                page_token,
                ..Default::default()
            };
            let page = client.register.list_measures(request).await.unwrap().into_inner();
            require_fits(&page);
            assert_eq!(page.total_size, 1_200);
            titles.extend(page.measures.into_iter().map(|measure| measure.title));
            (pages, page_token) = (pages + 1, page.next_page_token);
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(titles.len(), 1_200);
        assert!(pages >= 3, "{pages} pages");
    }
}

#[test]
fn a_page_of_pools_fits_by_their_number() {
    let pool =
        pb::Pool { authority: "440000".to_owned(), pool: "p".repeat(64), entry_count: u64::MAX };
    require_fits(&pb::ListPoolsResponse { pools: vec![pool; 1_000], ..Default::default() });
}

#[tokio::test]
async fn groups_of_more_bytes_than_a_response_are_refused() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let word = |i: usize, c: &str| format!("{i:05}{}", c.repeat(59));
    let ids: Vec<String> = made_up(1, 9_000).into_iter().map(|one| one.uscc.to_string()).collect();
    let designated = |(i, id): (usize, &String)| little_giant(id, &word(i, "b"), "2019-06-05");
    let passed = |(i, id): (usize, &String)| {
        let (programme, round) = ("little-giant".to_owned(), word(i, "r"));
        let fact = pb::ReviewPassed { programme, round, ..Default::default() };
        ministry(id, "2022-06-05", Fact::ReviewPassed(fact))
    };
    client.record(ids.iter().enumerate().map(designated).collect()).await.unwrap();
    client.record(ids.iter().enumerate().map(passed).collect()).await.unwrap();
    let request = |group_by: &[pb::CountGroup]| pb::CountTitlesRequest {
        group_by: group_by.iter().map(|group| i32::from(*group)).collect(),
        stage: pb::CountStage::EverDesignated.into(),
        ..Default::default()
    };
    let both = [pb::CountGroup::Cohort, pb::CountGroup::Round];
    let error = client.register.count_titles(request(&both)).await.unwrap_err();
    assert_eq!(
        (error.code(), reason(&error).as_str()),
        (Code::ResourceExhausted, "LIMIT_EXCEEDED")
    );
    assert_eq!(error.get_details_error_info().unwrap().metadata["unit"], "bytes");
    let one = client.register.count_titles(request(&both[..1])).await.unwrap().into_inner();
    require_fits(&one);
    assert_eq!(one.groups.len(), 9_000);
}

fn watch_list() -> pb::EventFilter {
    let designees = (0..FILTER_DESIGNEES_MAX).map(|i| format!("local:440000/d-{i}")).collect();
    pb::EventFilter { designees, ..Default::default() }
}

fn from_cursor(until: u64) -> pb::SubscribeRequest {
    pb::SubscribeRequest {
        start: Some(Start::CursorId("bank".to_owned())),
        stop_position: Some(until),
        ..Default::default()
    }
}

async fn record_one(client: &mut Client, who: &str) {
    client.record(vec![little_giant(who, "1", "2019-06-05")]).await.unwrap();
}

#[tokio::test]
async fn a_cursor_of_a_hundred_thousand_designees_works() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    record_one(&mut client, "local:440000/d-99999").await;
    record_one(&mut client, "local:440000/another").await;
    let (cursor_id, filter) = ("bank".to_owned(), Some(watch_list()));
    let request =
        pb::CreateCursorRequest { cursor_id: cursor_id.clone(), filter, next_position: 0 };
    let made = client.cursors.create_cursor(request).await.unwrap().into_inner().cursor.unwrap();
    let request = pb::GetCursorRequest { cursor_id, ..Default::default() };
    let got = client.cursors.get_cursor(request).await.unwrap().into_inner().cursor.unwrap();
    for cursor in [made, got] {
        assert_eq!(cursor.filter, None, "it is left out");
        assert_eq!(cursor.filter_designee_count as usize, FILTER_DESIGNEES_MAX);
        assert_eq!(cursor.lag_event_count, 1, "the filter counts all the same");
    }
    let events = client.collect(from_cursor(2)).await;
    assert_eq!(events.len(), 1);
    let tidu = |args: &[&str]| {
        let server = ["--server", fresh.server.address.as_str()];
        let output = Command::new(TIDU).args(args).args(server).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(tidu(&["cursor", "show", "bank"]).contains("100000 designees"));
    let watched = tidu(&["watch", "--cursor", "bank", "--until", "2"]);
    assert!(watched.contains("d-99999") && !watched.contains("another"), "{watched}");
    assert!(tidu(&["cursor", "list"]).contains("bank"));
}

#[tokio::test]
async fn a_cursor_of_many_streams_lists_the_first() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let cursor_id = "bank".to_owned();
    let request = pb::CreateCursorRequest { cursor_id, ..Default::default() };
    client.cursors.create_cursor(request).await.unwrap();
    let mut streams = Vec::new();
    for _ in 0..=CURSOR_CONNECTIONS_SHOWN_MAX {
        let mut stream = client.ledger.subscribe(from_cursor(9)).await.unwrap().into_inner();
        stream.message().await.unwrap().unwrap();
        streams.push(stream);
    }
    let answer = client.cursors.list_cursors(pb::ListCursorsRequest::default()).await.unwrap();
    let answer = answer.into_inner();
    let [cursor] = answer.cursors.as_slice() else { panic!("{answer:?}") };
    assert_eq!(cursor.connections.len(), CURSOR_CONNECTIONS_SHOWN_MAX);
    assert_eq!(cursor.connection_count as usize, streams.len());
    require_fits(&answer);
}
