//! Positions that a follower does not have yet.

use std::sync::Arc;

use tidu::{
    limits::ARRIVAL_WAIT_MAX,
    protocol::pb::{self, as_of::Known, subscribe_request::Start},
    service::{ApiSettings, Heard, Writes},
};
use tokio::time::Instant;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::{follower, heard};
use crate::{
    api::error_details::assert_complete,
    support::{Governed, commit, in_time, list, principals::Caller, reason, web},
};

/// A position that no log here has.
const FAR: u64 = 40;

fn known_at(position: u64) -> Option<pb::AsOf> {
    Some(pb::AsOf { valid_on: None, known: Some(Known::KnownAt(position)) })
}

/// Every call that names a position, in turn; its answer.
async fn calls_with_far_positions(caller: &Caller) -> Vec<(&'static str, Result<(), Status>)> {
    let mut caller = caller.clone();
    let mut answers = Vec::new();
    macro_rules! ask {
        ($service:ident.$method:ident($request:expr)) => {
            answers.push((stringify!($method), caller.$service.$method($request).await.map(drop)));
        };
    }
    ask!(ledger.get_event(pb::GetEventRequest { position: Some(FAR), ..Default::default() }));
    ask!(
        ledger
            .list_events(pb::ListEventsRequest { from_position: Some(FAR), ..Default::default() })
    );
    ask!(
        ledger.list_events(pb::ListEventsRequest { to_position: Some(FAR), ..Default::default() })
    );
    ask!(ledger.subscribe(pb::SubscribeRequest {
        start: Some(Start::FromPosition(FAR)),
        ..Default::default()
    }));
    ask!(proof.get_digest(pb::GetDigestRequest { from_position: FAR, ..Default::default() }));
    ask!(proof.get_digest(pb::GetDigestRequest { to_position: Some(FAR), ..Default::default() }));
    ask!(admin.verify(pb::VerifyRequest { from_position: FAR, ..Default::default() }));
    ask!(cursors.create_cursor(pb::CreateCursorRequest {
        cursor_id: "bank".to_owned(),
        next_position: FAR,
        ..Default::default()
    }));
    ask!(cursors.advance_cursor(pb::AdvanceCursorRequest {
        cursor_id: "bank".to_owned(),
        next_position: FAR,
        ..Default::default()
    }));
    ask!(
        register
            .count_titles(pb::CountTitlesRequest { as_of: known_at(FAR), ..Default::default() })
    );
    ask!(
        register.list_titles(pb::ListTitlesRequest { as_of: known_at(FAR), ..Default::default() })
    );
    ask!(register.list_programmes(pb::ListProgrammesRequest { as_of: known_at(FAR) }));
    ask!(
        register.list_changes(pb::ListChangesRequest { from: known_at(FAR), ..Default::default() })
    );
    ask!(register.list_timelines(pb::ListTimelinesRequest {
        changed_from: Some(FAR),
        ..Default::default()
    }));
    answers
}

#[tokio::test(start_paused = true)]
async fn a_position_that_does_not_come_is_not_here_yet() {
    let leader = Governed::open();
    for (method, answer) in calls_with_far_positions(&leader.as_stranger()).await {
        let status = answer.expect_err(method);
        assert_eq!((status.code(), &*reason(&status)), (Code::OutOfRange, "POSITION_BEYOND_LOG"));
    }
    let follower = follower(None);
    let begun = Instant::now();
    let answers = calls_with_far_positions(&follower.as_stranger()).await;
    let count = u32::try_from(answers.len()).unwrap();
    for (method, answer) in answers {
        let status = answer.expect_err(method);
        let got = (status.code(), reason(&status));
        assert_eq!(got, (Code::Unavailable, "NOT_HERE_YET".to_owned()), "{method}");
        assert_complete(&status);
        let told = status.get_details_error_info().unwrap().metadata;
        assert_eq!((&*told["log_size"], &*told["leader_size"]), ("0", "60"), "{method}");
        assert!(status.get_details_retry_info().is_some(), "{method}");
    }
    let waited = begun.elapsed();
    assert!(waited >= ARRIVAL_WAIT_MAX * count, "each waits: {waited:?} for {count}");
    assert!(waited < ARRIVAL_WAIT_MAX * (count + 1), "and no longer: {waited:?} for {count}");
}

/// The leader was heard after the call began. A node between may not have everything.
#[tokio::test(start_paused = true)]
async fn a_position_that_the_leader_has_not_either_does_not_come() {
    for (is_relay, expected) in [(false, "POSITION_BEYOND_LOG"), (true, "NOT_HERE_YET")] {
        let heard = Heard { is_relay, ..heard() };
        let writes = Writes::There(Arc::new(super::Known { heard, way: None }));
        let follower = Governed::open_with(ApiSettings { writes, ..ApiSettings::default() });
        let start = Some(Start::FromPosition(61));
        let asked = pb::SubscribeRequest { start, ..Default::default() };
        let status = follower.as_stranger().ledger.subscribe(asked).await.unwrap_err();
        assert_eq!(reason(&status), expected);
        assert_complete(&status);
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_of_another_node_is_waited_for() {
    // Node and follower have the same log, up to where the follower is.
    let leader = Governed::open();
    leader.ledger.append(commit(list(1, 5))).await.unwrap();
    let follower = follower(None);
    follower.ledger.append(commit(list(1, 2))).await.unwrap();
    let mut asked = pb::ListEventsRequest { page_size: 2, ..Default::default() };
    let first = leader.as_stranger().ledger.list_events(asked.clone()).await.unwrap().into_inner();
    asked.page_token = first.next_page_token;
    let status = follower.as_stranger().ledger.list_events(asked.clone()).await.unwrap_err();
    assert_eq!(reason(&status), "NOT_HERE_YET");
    let mut titles = pb::ListTitlesRequest { page_size: 2, ..Default::default() };
    let first = leader.as_stranger().register.list_titles(titles.clone()).await.unwrap();
    titles.page_token = first.into_inner().next_page_token;
    let status = follower.as_stranger().register.list_titles(titles.clone()).await.unwrap_err();
    assert_eq!(reason(&status), "NOT_HERE_YET");
    follower.ledger.append(commit(list(1, 5).split_off(2))).await.unwrap();
    let second = follower.as_stranger().ledger.list_events(asked).await.unwrap().into_inner();
    let positions: Vec<_> = second.events.iter().map(|event| event.position).collect();
    assert_eq!(positions, [Some(2), Some(3)]);
    let second = follower.as_stranger().register.list_titles(titles).await.unwrap().into_inner();
    assert_eq!(second.titles.len(), 2);
}

#[tokio::test]
async fn a_call_goes_on_when_its_position_arrives() {
    let follower = follower(None);
    let mut caller = follower.as_stranger();
    let mut counting = caller.clone();
    let request = pb::GetEventRequest { position: Some(2), ..Default::default() };
    let event = tokio::spawn(async move { caller.ledger.get_event(request).await });
    let asked = pb::CountTitlesRequest { as_of: known_at(3), ..Default::default() };
    let count = tokio::spawn(async move { counting.register.count_titles(asked).await });
    follower.ledger.append(commit(list(1, 3))).await.unwrap();
    let event = in_time("the event", event).await.unwrap().unwrap().into_inner().event.unwrap();
    assert_eq!(event.position, Some(2));
    let count = in_time("the count", count).await.unwrap().unwrap().into_inner();
    assert_eq!(count.as_of.unwrap().known_at, Some(3));
}

#[tokio::test(start_paused = true)]
async fn a_browser_that_comes_from_another_node_comes_again() {
    let follower = follower(None);
    let headers = [("accept", "text/event-stream"), ("last-event-id", "40")];
    let answer = web::get(&follower.api, "/v1/events", &headers).await;
    assert_eq!((answer.status.as_u16(), answer.reason()), (503, "NOT_HERE_YET".to_owned()));
}
