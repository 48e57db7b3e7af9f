//! Events under rights: on each road a reader gets what an oracle makes of the whole.

use bytes::Bytes;
use fastrand::Rng;
use tidu::{
    domain::access::Role,
    protocol::pb::{self, EventOrder, event::Fact},
};
use tonic::Code;

use super::oracle::{self, PlainRights, Told, Whole};
use crate::support::{
    DESIGNEES, Governed, MemoryLog, any_event, encoded, principals::Caller, reason, record, rights,
    seed,
};

const READER: &str = "guangdong.reader";
const AUDITOR: &str = "ministry.auditor";

/// A service over random events, a reader with these rights, and an auditor.
fn governed(random: &mut Rng, events: u64, reader: &PlainRights) -> Governed {
    let all: Vec<_> = (0..events).map(|size| served_event(random, size)).collect();
    let log = MemoryLog::default();
    record(&log, &encoded(&all));
    let principals = [(READER, oracle::served(reader)), (AUDITOR, rights(Role::Auditor, None))];
    Governed::over(log, &principals, Vec::new())
}

/// A random event that a server of this version serves.
fn served_event(random: &mut Rng, size: u64) -> pb::Event {
    loop {
        let event = any_event(random, size);
        let inner = match &event.fact {
            Some(Fact::Corrected(corrected)) => corrected.replacement.as_deref(),
            _ => None,
        };
        let all = [Some(&event), inner].into_iter().flatten().filter_map(|e| e.fact.as_ref());
        let adopts =
            |fact: &Fact| matches!(fact, Fact::RulesAdopted(_) | Fact::CatalogueAdopted(_));
        // Nothing can be repaired yet, and nothing repairs itself.
        let repairs_itself =
            size == 0 && matches!(&event.fact, Some(Fact::Corrected(_) | Fact::Annulled(_)));
        if !repairs_itself && !all.into_iter().any(adopts) {
            return event;
        }
    }
}

fn any_filter(random: &mut Rng) -> pb::EventFilter {
    let mut filter = pb::EventFilter::default();
    match random.u8(0..6) {
        0 => filter.designees = vec![DESIGNEES[random.usize(0..DESIGNEES.len())].to_owned()],
        1 => filter.authorities = vec!["440000".to_owned()],
        2 => filter.region_under = "440000".to_owned(),
        3 => filter.batches = vec![random.u8(0..4).to_string()],
        _ => {}
    }
    filter
}

/// The pages of a list, all of them.
async fn pages(
    caller: &mut Caller,
    filter: &pb::EventFilter,
    order: EventOrder,
    size: i32,
) -> Vec<Told> {
    let mut all = Vec::new();
    let mut request = pb::ListEventsRequest {
        filter: Some(filter.clone()),
        order: order.into(),
        page_size: size,
        ..Default::default()
    };
    loop {
        let page = caller.ledger.list_events(request.clone()).await.unwrap().into_inner();
        assert!(page.events.len() + page.withheld.len() <= usize::try_from(size).unwrap());
        let event =
            |event: pb::RecordedEvent| oracle::event(prost::Message::encode_to_vec(&event).into());
        let mut told: Vec<_> = page.events.into_iter().map(event).collect();
        told.extend(page.withheld.into_iter().map(oracle::place));
        told.sort_by_key(Told::position);
        if order == EventOrder::Descending {
            told.reverse();
        }
        all.extend(told);
        if page.next_page_token.is_empty() {
            return all;
        }
        request.page_token = page.next_page_token;
    }
}

#[tokio::test]
async fn a_reader_gets_on_each_road_what_the_whole_gives_an_oracle() {
    // The first logs are always the same, for the gates at the end; the others have a seed that is
    // printed.
    let (mut fixed, mut other) = (Rng::with_seed(3), seed::random("TIDU_RIGHTS_SEED"));
    let (mut withheld, mut hidden, mut seen) = (0, 0, 0);
    let runs = 0..seed::count("TIDU_RIGHTS_RUNS", 12);
    for run in runs {
        let mut random = if run < 8 { fixed.fork() } else { other.fork() };
        let plain = oracle::any_rights(&mut random);
        let governed = governed(&mut random, 400, &plain);
        let (mut reader, mut auditor) =
            (governed.as_principal(READER), governed.as_principal(AUDITOR));
        let whole = Whole::read(&mut auditor).await;
        for round in 0..4 {
            let filter =
                if round == 0 { pb::EventFilter::default() } else { any_filter(&mut random) };
            let matching = oracle::list(&mut auditor, filter.clone(), false).await;
            let expected = whole.told(&plain, matching.iter().map(Told::position));
            check(&mut reader, &whole, &filter, &expected, &mut random).await;
            let places = expected.iter().filter(|told| matches!(told, Told::Withheld(..))).count();
            withheld += places;
            seen += expected.len() - places;
            hidden += matching.len() - expected.len();
        }
        one_by_one(&mut reader, &whole, &plain).await;
    }
    assert!(withheld > 50 && hidden > 50 && seen > 50, "{withheld} {hidden} {seen}");
}

/// Streams, pages, digests and the lag of a cursor.
async fn check(
    reader: &mut Caller,
    whole: &Whole,
    filter: &pb::EventFilter,
    expected: &[Told],
    random: &mut Rng,
) {
    let from = random.u64(0..whole.size());
    let later: Vec<_> = expected.iter().filter(|told| told.position() >= from).cloned().collect();
    let raw = random.bool();
    assert_eq!(
        oracle::stream(reader, filter.clone(), from, raw).await,
        (later.clone(), whole.digest(&later)),
        "from {from}, {filter:?}"
    );
    let size = random.i32(1..60);
    assert_eq!(pages(reader, filter, EventOrder::Ascending, size).await, expected, "{filter:?}");
    let mut backwards = pages(reader, filter, EventOrder::Descending, size).await;
    backwards.reverse();
    assert_eq!(backwards, expected, "{filter:?}");

    let request = pb::GetDigestRequest {
        filter: Some(filter.clone()),
        from_position: from,
        ..Default::default()
    };
    let answer = reader.proof.get_digest(request).await.unwrap().into_inner();
    assert_eq!(answer.digest, whole.digest(&later));
    assert_eq!(answer.event_count, later.len() as u64);

    let cursor_id = format!("cursor-{}", random.u64(..));
    let filter = Some(filter.clone());
    let request = pb::CreateCursorRequest { cursor_id, filter, next_position: from };
    let made = reader.cursors.create_cursor(request).await.unwrap().into_inner().cursor.unwrap();
    assert_eq!(made.lag_event_count, later.len() as u64);
    let cursor_id = made.cursor_id.clone();
    let request = pb::GetCursorRequest { cursor_id, ..Default::default() };
    let found = reader.cursors.get_cursor(request).await.unwrap().into_inner().cursor.unwrap();
    assert_eq!(found.lag_event_count, made.lag_event_count);
}

/// GetEvent at each position, and past the end.
async fn one_by_one(reader: &mut Caller, whole: &Whole, plain: &PlainRights) {
    for position in 0..whole.size() {
        let request = pb::GetEventRequest { position: Some(position), raw: true };
        let answer = reader.ledger.get_event(request).await.map(tonic::Response::into_inner);
        if whole.is_seen(plain, position) {
            assert_eq!(answer.unwrap().leaf, whole.leaf(position));
        } else if plain.hidden {
            let refused = answer.unwrap_err();
            assert_eq!(refused.code(), Code::PermissionDenied);
            assert_eq!(reason(&refused), "NOT_ENTITLED");
        } else {
            let answer = answer.unwrap();
            assert_eq!((answer.event, answer.leaf), (None, Bytes::new()));
            let place = oracle::place(answer.withheld.unwrap());
            assert_eq!(place, Told::Withheld(position, whole.hash(position)));
        }
    }
    let request = pb::GetEventRequest { position: Some(whole.size()), raw: true };
    let refused = reader.ledger.get_event(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange, "the size of the log is no secret");
}
