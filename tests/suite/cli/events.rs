//! `tidu events`: the record of an event, ranges, and what cannot be asked.

use std::process::{Command, Output};

use tidu::protocol::pb;

use crate::support::{Fresh, TIDU, done, list, refused};

fn tidu(fresh: &Fresh, args: &[&str]) -> Output {
    Command::new(TIDU).args(args).env("TIDU_SERVER", &fresh.server.address).output().unwrap()
}

fn first_words(said: &str) -> Vec<&str> {
    said.lines().filter_map(|line| line.split_whitespace().next()).collect()
}

/// A server with two commits of three events, of which the first cites a document.
async fn recorded() -> Fresh {
    let fresh = Fresh::start();
    let mut events = list(1, 6);
    events[0].evidence = Some(pb::Evidence {
        document_number: "粤工信〔2024〕7号".into(),
        document_date: Some(pb::Date { year: 2024, month: 3, day: 1 }),
        ..Default::default()
    });
    let mut client = fresh.client().await;
    let request_id = "first-list".to_owned();
    let events_of = events.drain(..3).collect();
    let request = pb::AppendRequest { request_id, events: events_of, ..Default::default() };
    client.append(request).await.unwrap();
    client.record(events).await.unwrap();
    fresh
}

#[tokio::test]
async fn one_event_tells_its_recorder_time_and_document() {
    let fresh = recorded().await;
    let shown = done(&tidu(&fresh, &["events", "0"]));
    for said in [
        "by anonymous",
        "positions 0 to 2, request id first-list",
        "粤工信〔2024〕7号, signed 2024-03-01",
        "rule version",
    ] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    let listed = done(&tidu(&fresh, &["events", "--to", "1"]));
    assert!(listed.contains("anonymous") && listed.contains("粤工信〔2024〕7号"), "{listed}");
    refused(&tidu(&fresh, &["events", "6"]), &["6", "POSITION_BEYOND_LOG"]);
}

#[tokio::test]
async fn events_are_listed_by_position_and_by_recorded_time() {
    let fresh = recorded().await;
    let of = |args: &[&str]| done(&tidu(&fresh, &[&["events"], args].concat()));
    assert_eq!(first_words(&of(&["--from", "1", "--to", "4"])), ["1", "2", "3"]);
    assert_eq!(first_words(&of(&["--from", "4", "--newest"])), ["5", "4"]);
    assert_eq!(first_words(&of(&["--since", "2020-01-01", "-n", "2"])), ["0", "1"]);
    assert_eq!(of(&["--until", "2020-01-01"]), "");
    let json = of(&["--to", "1", "-o", "json"]);
    let event: serde_json::Value = serde_json::from_str(&json).unwrap();
    let instant = event["recordedTime"].as_str().unwrap();
    assert_eq!(first_words(&of(&["--since", instant])), ["0", "1", "2", "3", "4", "5"]);
    assert_eq!(of(&["--until", instant]), "", "an instant is not in the range that it ends");
}

#[tokio::test]
async fn a_question_for_events_that_cannot_be_is_an_error() {
    let fresh = recorded().await;
    let no = |args: &[&str], what: &[&str], code| {
        let output = tidu(&fresh, &[&["events"], args].concat());
        assert_eq!(output.status.code(), Some(code), "{args:?}: {output:?}");
        refused(&output, what);
    };
    no(&["--from", "4", "--to", "3"], &["to_position", "4"], 3);
    no(&["--from", "7"], &["from_position", "POSITION_BEYOND_LOG"], 3);
    no(&["--since", "2026-01-02", "--until", "2026-01-01T00:00:00Z"], &["DATE_ORDER"], 3);
    no(&["--since", "2199-01-01"], &["lies in the future"], 2);
    no(&["--since", "yesterday"], &["write a day such as 2026-03-01"], 2);
    for with in ["--newest", "--from=0", "--to=1", "--since=2020-01-01", "--limit=3"] {
        no(&["0", with], &["cannot be used with"], 2);
    }
    no(&["0", "--authority", "440000"], &["cannot be used with"], 2);
}

#[tokio::test]
async fn a_day_of_knowledge_becomes_the_log_size_at_its_end() {
    let fresh = recorded().await;
    let of =
        |args: &[&str]| done(&tidu(&fresh, &[&["list", "--as-of", "2024-06-01"], args].concat()));
    assert!(
        of(&["--known-at", "2020-01-01"])
            .contains("0 titles, as of 2024-06-01, as known at log size 0")
    );
    let event = done(&tidu(&fresh, &["events", "0", "-o", "json"]));
    let event: serde_json::Value = serde_json::from_str(&event).unwrap();
    let instant: jiff::Timestamp = event["recordedTime"].as_str().unwrap().parse().unwrap();
    let today = jiff::tz::Offset::constant(8).to_datetime(instant).date().to_string();
    assert!(of(&["--known-at", &today]).contains("as known at log size 6"), "today is up to now");
    let future = tidu(&fresh, &["list", "--known-at", "2199-01-01"]);
    assert_eq!(future.status.code(), Some(2));
    refused(&future, &["lies in the future"]);
}
