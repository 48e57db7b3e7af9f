//! Rejections and warnings tell nothing of events that the caller may not read: only that they are
//! in the way.

use prost::Message as _;
use tidu::{
    domain::access::{Reach, Rights, Role},
    protocol::pb::{self, event::Fact},
};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::support::{
    A, Governed, annulled, commit, event, ministry, principals::of_authorities, rights,
};

const SCOPED: &str = "guangdong.recorder";
const WHOLE: &str = "guangdong.recorder.2";
/// A name that only the ministry's event states.
const SECRET: &str = "示例保密有限公司";

/// A recorder of Guangdong that reads what concerns Guangdong, and one that reads everything.
fn governed() -> Governed {
    let own = Reach { own: true, ..of_authorities(&["440000"]) };
    let recorder = rights(Role::Recorder, Some("440000"));
    let scoped = Rights { read: vec![own], ..recorder.clone() };
    let whole = Rights { read: vec![Reach::everything()], ..recorder };
    Governed::new(&[(SCOPED, scoped), (WHOLE, whole)])
}

fn designated(authority: &str, programme: &str, name: &str, day: &str) -> pb::Event {
    let profile = pb::Profile { name: name.to_owned(), ..Default::default() };
    let fact = pb::Designated {
        programme: programme.to_owned(),
        batch: "1".to_owned(),
        profile: Some(profile),
        ..Default::default()
    };
    event(authority, A, day, Fact::Designated(fact))
}

/// The ministry designates, and states that the subject was ended, if it was.
async fn recorded(governed: &Governed, ends: bool) {
    let giant = designated("100000", "little-giant", SECRET, "2022-09-01");
    let mut events = vec![giant];
    if ends {
        let cause = pb::SubjectEndCause::Deregistered.into();
        let fact = Fact::SubjectEnded(pb::SubjectEnded { cause });
        events.push(ministry(A, "2023-03-01", fact));
    }
    governed.ledger.append(commit(events)).await.unwrap();
}

fn trial(event: pb::Event) -> pb::AppendRequest {
    pb::AppendRequest { events: vec![event], validate_only: true, ..Default::default() }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

#[tokio::test]
async fn a_warning_counts_the_events_that_it_does_not_show() {
    let governed = governed();
    recorded(&governed, false).await;
    let event = designated("440000", "specialised-sme", "另一有限公司", "2023-01-01");
    let ask = async |name: &str| {
        let mut caller = governed.as_principal(name);
        caller.ledger.append(trial(event.clone())).await.unwrap().into_inner()
    };
    let (whole, scoped) = (ask(WHOLE).await, ask(SCOPED).await);
    let named = |answer: &pb::AppendResponse| {
        answer.warnings.iter().find(|warning| warning.reason == "NAME_DIFFERS").cloned().unwrap()
    };
    let (all, some) = (named(&whole), named(&scoped));
    assert_eq!((all.conflicts.as_slice(), all.conflicts_not_shown), (&[0][..], 0));
    assert!(holds(&whole.encode_to_vec(), SECRET), "the warning quotes the name on record");
    assert_eq!((some.conflicts.len(), some.conflicts_not_shown), (0, 1));
    assert_eq!((some.value.as_str(), some.metadata.len()), ("", 0));
    assert_eq!((&some.reason, &some.rule_id, &some.field), (&all.reason, &all.rule_id, &all.field));
    assert!(!holds(&scoped.encode_to_vec(), SECRET), "{scoped:?}");
    assert_eq!(whole.warning_counts, scoped.warning_counts);
}

#[tokio::test]
async fn a_refusal_counts_the_events_that_it_does_not_show() {
    let governed = governed();
    recorded(&governed, true).await;
    // The ministry has recorded the very fact.
    let cause = pb::SubjectEndCause::Deregistered.into();
    let fact = Fact::SubjectEnded(pb::SubjectEnded { cause });
    let event = event("440000", A, "2023-03-01", fact);
    let request = pb::AppendRequest { events: vec![event.clone()], ..Default::default() };
    let mut whole = governed.as_principal(WHOLE);
    let told = whole.ledger.append(request.clone()).await.unwrap_err();
    let info = |status: &tonic::Status| status.get_error_details().error_info().unwrap().clone();
    let reason = info(&told).reason;
    assert_eq!(info(&told).metadata["conflicts"], "1", "{told:?}");
    assert!(!info(&told).metadata.contains_key("conflicts_not_shown"));
    let mut scoped = governed.as_principal(SCOPED);
    let told = scoped.ledger.append(request).await.unwrap_err();
    assert_eq!((told.code(), info(&told).reason), (Code::FailedPrecondition, reason));
    assert!(told.message().contains("conflicts: 1 not shown"), "{}", told.message());
    let metadata = info(&told).metadata;
    assert_eq!(
        (metadata["conflicts"].as_str(), metadata["conflicts_not_shown"].as_str()),
        ("", "1")
    );
    assert!(!holds(told.details(), SECRET), "{told:?}");
    let tried = scoped.ledger.append(trial(event)).await.unwrap().into_inner();
    assert_eq!(tried.rejections[0].conflicts_not_shown, 1);
    assert!(tried.rejections[0].conflicts.is_empty());
}

#[tokio::test]
async fn a_repair_of_an_unseen_event_tells_nothing_of_it() {
    let governed = governed();
    recorded(&governed, false).await;
    let repair = pb::Event { authority: "440000".to_owned(), ..annulled(0) };
    let mut scoped = governed.as_principal(SCOPED);
    for request in [
        trial(repair.clone()),
        pb::AppendRequest { events: vec![repair.clone()], ..Default::default() },
    ] {
        let told = match scoped.ledger.append(request).await {
            Ok(answer) => answer.into_inner().encode_to_vec(),
            Err(status) => [status.message().as_bytes(), status.details()].concat(),
        };
        for text in [SECRET, "100000", "little-giant"] {
            assert!(!holds(&told, text), "{text}: {}", String::from_utf8_lossy(&told));
        }
    }
    assert_eq!(governed.ledger.durable().size, 1);
}

#[tokio::test]
async fn an_outdated_version_is_told_to_who_may_read_everything() {
    let governed = governed();
    recorded(&governed, false).await;
    let versions = pb::DesigneeVersions {
        versions: vec![pb::DesigneeVersion { designee: A.to_owned(), version: Some(7) }],
    };
    let event = designated("440000", "specialised-sme", "", "2024-01-01");
    for (name, tells) in [(WHOLE, true), (SCOPED, false)] {
        let request = pb::AppendRequest {
            events: vec![event.clone()],
            precondition: Some(pb::append_request::Precondition::DesigneeVersions(
                versions.clone(),
            )),
            ..Default::default()
        };
        let mut caller = governed.as_principal(name);
        let told = caller.ledger.append(request).await.unwrap_err();
        let details = told.get_error_details();
        let metadata = &details.error_info().unwrap().metadata;
        assert_eq!(told.code(), Code::Aborted);
        assert_eq!(metadata.contains_key("version"), tells, "{name}: {metadata:?}");
        assert_eq!(metadata["expected"], "7");
    }
}
