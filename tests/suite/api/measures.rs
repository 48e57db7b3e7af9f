//! Laws, regulations and guidelines: who issued them together, and which one amends which.

use tidu::{
    domain::{AuthorityCode, BodyCode},
    limits::{AMENDMENTS_SHOWN_MAX, ISSUING_BODIES_MAX},
    protocol::pb::{self, event::Fact},
};
use tonic::Code;

use crate::support::{Client, Fresh, date, event, reason, valid_on};

const MINISTRY: &str = "100000";
const OLD: &str = "国务院令第728号";
const NEW: &str = "国务院令第802号";

/// An instrument with a document of its own.
fn issued(
    authority: &str,
    document: &str,
    day: &str,
    alter: impl FnOnce(&mut pb::MeasuresIssued),
) -> pb::Event {
    let mut fact = pb::MeasuresIssued {
        instrument: pb::Instrument::Regulation.into(),
        title: "示例条例".to_owned(),
        ..Default::default()
    };
    alter(&mut fact);
    let mut event = event(authority, "", day, Fact::MeasuresIssued(fact));
    event.evidence.as_mut().unwrap().document_number = document.to_owned();
    event
}

fn of(bodies: &[&str]) -> impl FnOnce(&mut pb::MeasuresIssued) {
    let bodies: Vec<_> = bodies.iter().map(|body| (*body).to_owned()).collect();
    move |fact| fact.issuing_bodies = bodies
}

async fn listed(
    client: &mut Client,
    ask: impl FnOnce(&mut pb::ListMeasuresRequest),
) -> pb::ListMeasuresResponse {
    let mut request =
        pb::ListMeasuresRequest { as_of: valid_on("2026-01-01"), ..Default::default() };
    ask(&mut request);
    client.register.list_measures(request).await.unwrap().into_inner()
}

/// The faults for which an event would be rejected.
async fn judged(client: &mut Client, event: pb::Event) -> Vec<pb::Rejection> {
    let request =
        pb::AppendRequest { events: vec![event], validate_only: true, ..Default::default() };
    client.append(request).await.unwrap().rejections
}

fn positions(answer: &pb::ListMeasuresResponse) -> Vec<u64> {
    answer.measures.iter().map(|measure| measure.position).collect()
}

#[tokio::test]
async fn instruments_are_found_by_the_bodies_that_issued_them() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let measures = |fact: &mut pb::MeasuresIssued| {
        fact.instrument = pb::Instrument::Measures.into();
        fact.programme = "specialised-sme".to_owned();
    };
    client
        .record(vec![
            issued(MINISTRY, OLD, "2020-07-05", of(&["state-council"])),
            issued(MINISTRY, "工信部联企业〔2020〕108号", "2020-07-03", of(&["miit", " MOF"])),
            issued("440000", "粤工信〔2021〕1号", "2021-01-01", measures),
        ])
        .await
        .unwrap();
    for (bodies, found) in [
        (vec![], vec![0, 1, 2]),
        (vec!["mof"], vec![1]),
        (vec!["state-council", "mof"], vec![0, 1]),
        // A successor has not issued what the body before it has.
        (vec!["nfra"], vec![]),
    ] {
        let asked = bodies.iter().map(|body| (*body).to_owned()).collect();
        let answer = listed(&mut client, |request| request.bodies = asked).await;
        assert_eq!(positions(&answer), found, "{bodies:?}");
        assert_eq!(answer.total_size as usize, found.len(), "{bodies:?}");
    }
    let all = listed(&mut client, |_| {}).await;
    assert_eq!(all.measures[1].issuing_bodies, ["miit", "mof"], "in their normal form");
    // A word of the page before that asks for other bodies is not one of these pages.
    let first = listed(&mut client, |request| request.page_size = 1).await;
    let request = pb::ListMeasuresRequest {
        as_of: valid_on("2026-01-01"),
        page_token: first.next_page_token,
        bodies: vec!["mof".to_owned()],
        ..Default::default()
    };
    let error = client.register.list_measures(request).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    let request =
        pb::ListMeasuresRequest { bodies: vec!["财政部".to_owned()], ..Default::default() };
    let error = client.register.list_measures(request).await.unwrap_err();
    assert_eq!((error.code(), reason(&error).as_str()), (Code::InvalidArgument, "FIELD_INVALID"));
    assert!(error.message().contains("bodies[0]"), "{error}");
}

#[tokio::test]
async fn one_question_tells_which_authorities_have_no_measures() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let provincial = || AuthorityCode::all().filter(|authority| !authority.is_ministry());
    let programme = |fact: &mut pb::MeasuresIssued| {
        fact.instrument = pb::Instrument::Measures.into();
        fact.programme = "specialised-sme".to_owned();
    };
    let issuers: Vec<_> = provincial().take(27).map(AuthorityCode::as_str).collect();
    let issue = |code: &&str| issued(code, "粤工信〔2019〕7号", "2019-01-01", programme);
    let mut events: Vec<_> = issuers.iter().map(issue).collect();
    events.push(issued(MINISTRY, OLD, "2020-09-01", |_| {}));
    client.record(events).await.unwrap();
    let ask = |request: &mut pb::ListMeasuresRequest| {
        request.instruments = vec![pb::Instrument::Measures.into()];
        request.page_size = 5;
    };
    let answer = listed(&mut client, ask).await;
    let without: Vec<_> =
        provincial().skip(27).map(|authority| authority.as_str().to_owned()).collect();
    assert_eq!((answer.provincial_authority_count, answer.authorities_without), (27, without));
    // Of some authorities, and the ministry is never among them.
    let answer = listed(&mut client, |request| {
        request.authorities = ["100000", "110000", "660000"].map(str::to_owned).to_vec();
    });
    assert_eq!(answer.await.authorities_without, ["660000"]);
    // On a day before the first of them.
    let answer = listed(&mut client, |request| request.as_of = valid_on("2018-12-31")).await;
    assert_eq!(answer.authorities_without.len(), 37);
}

#[tokio::test]
async fn an_amendment_and_the_amended_name_each_other_in_any_order() {
    let old = || issued(MINISTRY, OLD, "2020-07-05", |fact| fact.in_force_to = date("2025-05-31"));
    let new = || {
        issued(MINISTRY, NEW, "2025-03-17", |fact| {
            fact.in_force_from = date("2025-06-01");
            fact.amends = "中华人民共和国国务院令 第 728 号".to_owned();
        })
    };
    for (events, missing) in [([old(), new()], false), ([new(), old()], true)] {
        let fresh = Fresh::start();
        let mut client = fresh.client().await;
        let mut warned = Vec::new();
        for event in events {
            let answer = client.record(vec![event]).await.unwrap();
            warned.extend(answer.warnings.into_iter().map(|warning| warning.rule_id));
        }
        assert_eq!(warned, if missing { vec!["amended-unknown"] } else { vec![] });
        let mut answer = listed(&mut client, |_| {}).await;
        answer.measures.sort_by_key(|measure| measure.document_number.clone());
        let [old, new] = &answer.measures[..] else { panic!("{answer:?}") };
        assert_eq!((old.amends.as_str(), new.amends.as_str()), ("", OLD));
        assert_eq!(old.amended_by_positions, [new.position]);
        assert!(new.amended_by_positions.is_empty());
        assert_eq!((old.in_force, new.in_force), (false, true));
        // Before it was issued, nobody knew of it.
        let request = |request: &mut pb::ListMeasuresRequest| {
            request.as_of = valid_on("2025-03-16");
            request.in_force_only = true;
        };
        let before = listed(&mut client, request).await;
        assert_eq!(before.measures.len(), 1);
        assert!(before.measures[0].amended_by_positions.is_empty());
        // Only the amended one's shelf is asked for, and the amendment is found all the same.
        let request = |request: &mut pb::ListMeasuresRequest| {
            request.bodies = vec!["mof".to_owned()];
        };
        assert!(listed(&mut client, request).await.measures.is_empty());
    }
}

#[tokio::test]
async fn an_amendment_of_nothing_is_rejected_once_complete() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let amends = |day| issued("440000", NEW, day, |fact| fact.amends = OLD.to_owned());
    let part = pb::RegisterPart::Measures.into();
    let complete = pb::CompletenessDeclared { part, ..Default::default() };
    let complete = event("440000", "", "2024-01-01", Fact::CompletenessDeclared(complete));
    client.record(vec![complete]).await.unwrap();
    let earlier = client.record(vec![amends("2023-12-31")]).await.unwrap();
    assert_eq!(earlier.warnings[0].rule_id, "amended-unknown");
    let refused = judged(&mut client, amends("2024-01-01")).await;
    let rejection = &refused[0];
    assert_eq!(
        (rejection.rule_id.as_str(), rejection.field.as_str(), rejection.value.as_str()),
        ("amended-unknown", "events[0].measures_issued.amends", OLD)
    );
    // Anybody's record of the amended instrument is enough.
    client.record(vec![issued(MINISTRY, OLD, "2020-07-05", |_| {})]).await.unwrap();
    let accepted = client.record(vec![amends("2024-01-01")]).await.unwrap();
    assert!(accepted.rejections.is_empty() && accepted.warnings.is_empty(), "{accepted:?}");
}

#[tokio::test]
async fn the_bodies_of_an_instrument_are_bounded_and_named_once() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let most: Vec<_> = BodyCode::all().map(BodyCode::as_str).take(ISSUING_BODIES_MAX).collect();
    assert_eq!(most.len(), ISSUING_BODIES_MAX);
    let answer = client.record(vec![issued(MINISTRY, OLD, "2020-07-05", of(&most))]).await.unwrap();
    assert!(answer.rejections.is_empty(), "{answer:?}");
    assert_eq!(listed(&mut client, |_| {}).await.measures[0].issuing_bodies, most);
    let more: Vec<_> = most.iter().copied().chain([most[0]]).collect();
    for (bodies, rule, field) in [
        (more, "list-length", "events[0].measures_issued.issuing_bodies"),
        (vec!["mof", "MOF"], "listed-twice", "events[0].measures_issued.issuing_bodies[1]"),
        (vec!["mof", ""], "field-required", "events[0].measures_issued.issuing_bodies[1]"),
        (vec!["部"], "body-unknown", "events[0].measures_issued.issuing_bodies[0]"),
    ] {
        let event = issued(MINISTRY, NEW, "2025-03-17", of(&bodies));
        let rejections = judged(&mut client, event).await;
        let rejection = &rejections[0];
        assert_eq!((rejection.rule_id.as_str(), rejection.field.as_str()), (rule, field));
    }
}

#[tokio::test]
async fn an_instrument_shows_its_first_amendments() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let amendments = (0..=AMENDMENTS_SHOWN_MAX).map(|i| {
        let document = format!("粤工信〔2024〕{}号", i + 1);
        issued(MINISTRY, &document, "2024-01-01", |fact| fact.amends = OLD.to_owned())
    });
    let first = issued(MINISTRY, OLD, "2020-07-05", |_| {});
    client.record([first].into_iter().chain(amendments).collect()).await.unwrap();
    let answer = listed(&mut client, |request| request.page_size = 1).await;
    let shown: Vec<_> = (1..=AMENDMENTS_SHOWN_MAX as u64).collect();
    assert_eq!(answer.measures[0].amended_by_positions, shown);
}

#[tokio::test]
async fn the_bodies_are_listed_with_their_names_and_successors() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let answer = client.register.list_bodies(pb::ListBodiesRequest {}).await.unwrap().into_inner();
    assert_eq!(answer.bodies.len(), BodyCode::all().count());
    let find = |code: &str| answer.bodies.iter().find(|body| body.code == code).unwrap();
    let banking = find("cbirc");
    assert_eq!(banking.successor, "nfra");
    assert_eq!(banking.names[0].short_name, "银保监会");
    let (from, to) = (banking.names[0].from_date.unwrap(), banking.names[0].to_date.unwrap());
    assert_eq!((from.year, from.month, from.day), (2018, 3, 0));
    assert_eq!((to.year, to.month, to.day), (2023, 5, 0));
    let tax: Vec<_> = find("sta").names.iter().map(|name| name.name_en.as_str()).collect();
    assert_eq!(tax, ["State Administration of Taxation", "State Taxation Administration"]);
    assert_eq!(find("mof").names[0].from_date, None, "not known");
}
