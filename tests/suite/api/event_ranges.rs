//! Lists of events by position and by recorded time.

use std::ops::Range;

use prost_types::Timestamp;
use tidu::protocol::pb::{self, EventOrder};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::support::{Client, Fresh, list};

const COUNT: u64 = 40;

/// A server with commits of five events, and the instant of each commit.
async fn recorded() -> (Fresh, Client, Vec<Timestamp>) {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let mut instants = Vec::new();
    for commit in list(1, usize::try_from(COUNT).unwrap()).chunks(5) {
        let answer = client.record(commit.to_vec()).await.unwrap();
        instants.push(answer.recorded_time.unwrap());
    }
    (fresh, client, instants)
}

/// All positions that a request lists, page by page.
async fn positions(
    client: &mut Client,
    request: &pb::ListEventsRequest,
) -> Result<Vec<u64>, Status> {
    let mut request = request.clone();
    let mut found = Vec::new();
    loop {
        let page = client.ledger.list_events(request.clone()).await?.into_inner();
        found.extend(page.events.iter().map(|event| event.position.unwrap()));
        if page.next_page_token.is_empty() {
            return Ok(found);
        }
        request.page_token = page.next_page_token;
    }
}

fn ranged(range: Range<u64>) -> pb::ListEventsRequest {
    let Range { start, end } = range;
    pb::ListEventsRequest {
        from_position: Some(start),
        to_position: Some(end),
        page_size: 3,
        ..Default::default()
    }
}

#[tokio::test]
async fn a_range_of_positions_is_listed_whole_in_both_orders() {
    let (_fresh, mut client, _) = recorded().await;
    let filtered = pb::EventFilter { authorities: vec!["440000".into()], ..Default::default() };
    let all: Vec<u64> = {
        let request = pb::ListEventsRequest { filter: Some(filtered.clone()), ..ranged(0..COUNT) };
        positions(&mut client, &request).await.unwrap()
    };
    assert_eq!(all, (0..COUNT).collect::<Vec<_>>(), "every event is one of Guangdong");
    for range in [0..COUNT, 0..0, 7..8, 7..7, 5..33, COUNT - 1..COUNT, COUNT..COUNT] {
        for filter in [None, Some(filtered.clone())] {
            let expected: Vec<_> = range.clone().collect();
            let up = pb::ListEventsRequest { filter, ..ranged(range.clone()) };
            assert_eq!(positions(&mut client, &up).await.unwrap(), expected, "{range:?}");
            let down = pb::ListEventsRequest { order: EventOrder::Descending.into(), ..up };
            let mut found = positions(&mut client, &down).await.unwrap();
            found.reverse();
            assert_eq!(found, expected, "{range:?}, newest first");
        }
    }
}

#[tokio::test]
async fn a_range_of_recorded_time_has_its_beginning_and_not_its_end() {
    let (_fresh, mut client, instants) = recorded().await;
    assert!(instants.is_sorted_by(|a, b| (a.seconds, a.nanos) < (b.seconds, b.nanos)));
    let request = pb::ListEventsRequest {
        recorded_from: Some(instants[2]),
        recorded_to: Some(instants[5]),
        page_size: 4,
        ..Default::default()
    };
    let expected: Vec<u64> = (10..25).collect();
    assert_eq!(positions(&mut client, &request).await.unwrap(), expected);
    let both = pb::ListEventsRequest { from_position: Some(12), to_position: Some(99), ..request };
    let error = positions(&mut client, &both).await.unwrap_err();
    assert_eq!(error.code(), Code::OutOfRange, "{error}");
    let both = pb::ListEventsRequest { to_position: Some(20), ..both };
    assert_eq!(positions(&mut client, &both).await.unwrap(), (12..20).collect::<Vec<_>>());
    let later = Timestamp { seconds: instants[7].seconds + 3600, ..instants[7] };
    let none = pb::ListEventsRequest { recorded_from: Some(later), ..Default::default() };
    assert_eq!(positions(&mut client, &none).await.unwrap(), [0; 0]);
}

#[tokio::test]
async fn a_page_goes_on_in_its_own_range_only() {
    let (_fresh, mut client, _) = recorded().await;
    let first = client.ledger.list_events(ranged(0..20)).await.unwrap().into_inner();
    // What is recorded meanwhile does not belong to the list.
    client.record(list(2, 3)).await.unwrap();
    let page_token = first.next_page_token;
    let on = pb::ListEventsRequest { page_token: page_token.clone(), ..ranged(0..20) };
    assert_eq!(positions(&mut client, &on).await.unwrap(), (3..20).collect::<Vec<_>>());
    let other = pb::ListEventsRequest { page_token, ..ranged(0..21) };
    let error = client.ledger.list_events(other).await.unwrap_err();
    assert!(error.message().contains("page_token"), "{error}");
}

#[tokio::test]
async fn a_range_that_contradicts_itself_or_the_log_is_refused() {
    let (_fresh, mut client, instants) = recorded().await;
    let at = |seconds| Some(Timestamp { seconds, nanos: 0 });
    for (request, reason, field, said) in [
        (
            ranged(Range { start: 8, end: 7 }),
            "FIELD_INVALID",
            "to_position",
            "less than from_position 8",
        ),
        (ranged(COUNT + 1..COUNT + 1), "POSITION_BEYOND_LOG", "from_position", "40"),
        (ranged(0..COUNT + 1), "POSITION_BEYOND_LOG", "to_position", "40"),
        (
            pb::ListEventsRequest {
                recorded_from: at(instants[0].seconds),
                recorded_to: at(instants[0].seconds - 1),
                ..Default::default()
            },
            "DATE_ORDER",
            "recorded_to",
            "the beginning",
        ),
    ] {
        let error = client.ledger.list_events(request).await.unwrap_err();
        let details = error.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.metadata["field"].as_str()), (reason, field));
        assert!(error.message().contains(said), "{error}");
    }
}
