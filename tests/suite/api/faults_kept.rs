//! Faults in great numbers: the answer has the first ones, and counts all.

use tidu::{
    limits::{COMMIT_EVENTS_MAX, FAULTS_OF_EVENT_MAX, INDICATORS_MAX, REJECTIONS_MAX},
    protocol::pb::{self, event::Fact},
};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::support::{Fresh, event};

/// An event in which each indicator lacks its name and its value.
fn faulty(indicators: usize) -> pb::Event {
    let assessed = pb::EnvironmentAssessed {
        region: "440100".to_owned(),
        year: 2023,
        assessor: "示例机构".to_owned(),
        indicators: vec![pb::Indicator::default(); indicators],
    };
    event("100000", "", "2024-01-01", Fact::EnvironmentAssessed(assessed))
}

fn trial(events: Vec<pb::Event>) -> pb::AppendRequest {
    pb::AppendRequest { events, validate_only: true, ..Default::default() }
}

#[tokio::test]
async fn a_million_faults_are_counted_and_the_first_listed() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let events = vec![faulty(INDICATORS_MAX); COMMIT_EVENTS_MAX];
    let answer = client.append(trial(events.clone())).await.unwrap();
    let all = COMMIT_EVENTS_MAX * INDICATORS_MAX * 2;
    assert_eq!(answer.rejection_count as usize, all);
    assert_eq!(answer.rejections.len(), REJECTIONS_MAX);
    for (i, rejection) in answer.rejections.iter().enumerate() {
        assert_eq!(rejection.index as usize, i / FAULTS_OF_EVENT_MAX, "the sixteen of each event");
    }
    let refused = client.record(events).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let more = format!("{} more", all - 1);
    assert!(refused.message().contains(&more), "{}", refused.message());
    assert!(refused.get_details_bad_request().unwrap().field_violations.len() > 5);
}

#[tokio::test]
async fn an_event_has_all_its_faults_up_to_the_bound() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let at = FAULTS_OF_EVENT_MAX / 2;
    let whole = client.append(trial(vec![faulty(at)])).await.unwrap();
    let counts = (whole.rejections.len(), whole.rejection_count as usize);
    assert_eq!(counts, (FAULTS_OF_EVENT_MAX, FAULTS_OF_EVENT_MAX));
    let past = client.append(trial(vec![faulty(at + 1)])).await.unwrap();
    let counts = (past.rejections.len(), past.rejection_count as usize);
    assert_eq!(counts, (FAULTS_OF_EVENT_MAX, FAULTS_OF_EVENT_MAX + 2));
}
