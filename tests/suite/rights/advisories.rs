//! What gave rights away in another store of this kind, tried here: one test for each of its five
//! advisories.

use prost::Message as _;
use tidu::{
    domain::access::{Reach, Rights, Role},
    protocol::pb::{self, event::Fact, subscribe_response::Payload},
};
use tonic::{Code, Status};

use crate::support::{
    A, B, Caller, Governed, commit, event, ministry, principals::of_authorities, reason, rights,
};

const SCOPED: &str = "guangdong.recorder";
const OTHER: &str = "zhejiang.recorder";
const READER: &str = "guangdong.reader";
/// A name that only the ministry's event states.
const SECRET: &str = "示例保密有限公司";

/// Recorders of two provinces, each of which reads what concerns its own.
fn governed() -> Governed {
    let of = |role, code: &str| {
        let own = Reach { own: true, ..of_authorities(&[code]) };
        Rights { read: vec![own], ..rights(role, Some(code)) }
    };
    Governed::new(&[
        (SCOPED, of(Role::Recorder, "440000")),
        (OTHER, of(Role::Recorder, "330000")),
        (READER, of(Role::Reader, "440000")),
    ])
}

/// A designation that concerns its authority alone.
fn designated(authority: &str, programme: &str, name: &str) -> pb::Event {
    let profile = pb::Profile { name: name.to_owned(), ..Default::default() };
    let fact = pb::Designated {
        programme: programme.to_owned(),
        batch: "1".to_owned(),
        profile: Some(profile),
        ..Default::default()
    };
    event(authority, A, "2023-01-01", Fact::Designated(fact))
}

fn append(event: pb::Event) -> pb::AppendRequest {
    pb::AppendRequest { events: vec![event], ..Default::default() }
}

fn told(answer: &Result<tonic::Response<pb::AppendResponse>, Status>) -> Vec<u8> {
    match answer {
        Ok(answer) => answer.get_ref().encode_to_vec(),
        Err(status) => [status.message().as_bytes(), status.details()].concat(),
    }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

/// GHSA-xg4h-6gfc-h4m8: a watch with an open end delivered everything behind its first key.
#[tokio::test]
async fn a_stream_is_judged_at_each_event_not_at_its_start_alone() {
    let governed = governed();
    let first = designated("440000", "specialised-sme", "");
    governed.ledger.append(commit(vec![first])).await.unwrap();
    let mut caller = governed.as_principal(READER);
    let request = pb::SubscribeRequest::default();
    let mut stream = caller.ledger.subscribe(request).await.unwrap().into_inner();
    // It concerns nobody but the ministry.
    let later = designated("100000", "little-giant", SECRET);
    let later = pb::Event { designee: B.to_owned(), ..later };
    governed.ledger.append(commit(vec![later])).await.unwrap();
    let (mut events, mut places) = (0, Vec::new());
    while places.is_empty() {
        let message = stream.message().await.unwrap().unwrap();
        assert!(!holds(&message.encode_to_vec(), SECRET));
        match message.payload.unwrap() {
            Payload::Events(batch) | Payload::RawEvents(batch) => {
                events += batch.leaves.len();
            }
            Payload::Withheld(place) => {
                let bare = pb::Withheld {
                    leaf_hash: place.leaf_hash.clone(),
                    position: Some(1),
                    ..Default::default()
                };
                assert_eq!(place, bare);
                places.push(place.position);
            }
            Payload::Progress(_) => {}
        }
    }
    assert_eq!((events, places), (1, vec![Some(1)]));
}

/// GHSA-rfx7-8w68-q57q: what was nested in a transaction was not checked.
#[tokio::test]
async fn what_is_nested_in_a_commit_is_judged_as_what_is_not() {
    let governed = governed();
    let own = designated("440000", "specialised-sme", "");
    governed.as_principal(SCOPED).ledger.append(append(own.clone())).await.unwrap();
    let foreign = designated("330000", "specialised-sme", "");
    let corrected = |position, replacement: pb::Event, authority: &str| pb::Event {
        authority: authority.to_owned(),
        designee: String::new(),
        fact: Some(Fact::Corrected(Box::new(pb::Corrected {
            position: Some(position),
            reason: "listed wrongly".to_owned(),
            replacement: Some(Box::new(replacement)),
        }))),
        ..own.clone()
    };
    let denied = (Code::PermissionDenied, "NOT_ENTITLED".to_owned());
    let refused = async |name: &str, events: Vec<pb::Event>, validate_only| {
        let mut caller: Caller = governed.as_principal(name);
        let request = pb::AppendRequest { events, validate_only, ..Default::default() };
        let status = caller.ledger.append(request).await.unwrap_err();
        (status.code(), reason(&status))
    };
    for validate_only in [false, true] {
        // A foreign event in the replacement, after an own one, and at the end of a commit.
        let inside = corrected(0, foreign.clone(), "440000");
        assert_eq!(refused(SCOPED, vec![inside.clone()], validate_only).await, denied);
        let behind = vec![corrected(0, own.clone(), "440000"), foreign.clone()];
        assert_eq!(refused(SCOPED, behind, validate_only).await, denied);
        // The own replacement of a foreign event, named as the own one's repair.
        let own_of_other = designated("330000", "specialised-sme", "");
        let outside = corrected(0, own_of_other, "330000");
        let (code, _) = refused(OTHER, vec![outside], validate_only).await;
        assert!(matches!(code, Code::PermissionDenied | Code::FailedPrecondition), "{code:?}");
    }
    assert_eq!(governed.ledger.durable().size, 1);
}

/// CVE-2026-44283: the answer to a write gave what was there before.
#[tokio::test]
async fn the_answer_to_a_commit_tells_nothing_of_before() {
    let governed = governed();
    let giant = designated("100000", "little-giant", SECRET);
    let cause = pb::SubjectEndCause::Deregistered.into();
    let ended = ministry(A, "2024-03-01", Fact::SubjectEnded(pb::SubjectEnded { cause }));
    governed.ledger.append(commit(vec![giant, ended])).await.unwrap();
    let mut caller = governed.as_principal(SCOPED);
    let proposed = designated("440000", "specialised-sme", "另一有限公司");
    for validate_only in [true, false] {
        for request_id in ["", "once", "once"] {
            let request = pb::AppendRequest {
                validate_only,
                request_id: request_id.to_owned(),
                ..append(proposed.clone())
            };
            let answer = caller.ledger.append(request).await;
            let bytes = told(&answer);
            for text in [SECRET, "little-giant", "2024-03-01"] {
                assert!(!holds(&bytes, text), "{text}: {answer:?}");
            }
            if let Ok(answer) = answer {
                let answer = answer.into_inner();
                assert!(answer.changes.iter().all(|change| change.programme == "specialised-sme"));
                assert_eq!(answer.change_count as usize, answer.changes.len());
                assert!(answer.warnings.iter().all(|warning| warning.conflicts.is_empty()));
            }
        }
    }
}

/// CVE-2023-32082: questions about the life of a lease gave the names of its keys.
#[tokio::test]
async fn a_cursor_of_another_principal_is_as_one_that_does_not_exist() {
    let governed = governed();
    let mut owner = governed.as_principal(OTHER);
    let create =
        |id: &str| pb::CreateCursorRequest { cursor_id: id.to_owned(), ..Default::default() };
    owner.cursors.create_cursor(create("ningbo-mirror")).await.unwrap();
    let mut caller = governed.as_principal(SCOPED);
    let of = |id: &str| pb::GetCursorRequest { cursor_id: id.to_owned(), ..Default::default() };
    let mut answers = Vec::new();
    for id in ["ningbo-mirror", "ningbo-other"] {
        let status = caller.cursors.get_cursor(of(id)).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
        answers.push(status.message().replace(id, ""));
    }
    assert_eq!(answers[0], answers[1], "the answers differ by the id asked for alone");
    let listed = caller.cursors.list_cursors(pb::ListCursorsRequest::default()).await.unwrap();
    assert!(listed.into_inner().cursors.is_empty());
    caller.cursors.create_cursor(create("ningbo-mirror")).await.unwrap();
}

/// GHSA-q8m4-xhhv-38mg: calls for maintenance needed no credential.
#[tokio::test]
async fn calls_for_maintenance_need_a_credential_and_a_role() {
    let governed = governed();
    let status = pb::GetStatusRequest {};
    let verify = pb::VerifyRequest::default();
    let adopt = pb::AdoptRulesRequest::default();
    let digest = pb::GetDigestRequest::default();
    let mut nobody = governed.as_stranger();
    for refused in [
        nobody.admin.get_status(status).await.map(drop),
        nobody.admin.verify(verify).await.map(drop),
        nobody.admin.adopt_rules(adopt).await.map(drop),
        nobody.admin.withhold_event(pb::WithholdEventRequest::default()).await.map(drop),
        nobody.proof.get_digest(digest.clone()).await.map(drop),
        nobody.access.list_principals(pb::ListPrincipalsRequest::default()).await.map(drop),
    ] {
        let refused = refused.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated, "{refused:?}");
        assert_eq!(reason(&refused), "CREDENTIAL_MISSING");
    }
    let mut reader = governed.as_principal(READER);
    for refused in [
        reader.admin.verify(verify).await.map(drop),
        reader.admin.adopt_rules(adopt).await.map(drop),
        reader.admin.withhold_event(pb::WithholdEventRequest::default()).await.map(drop),
        reader.access.list_principals(pb::ListPrincipalsRequest::default()).await.map(drop),
    ] {
        let refused = refused.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{refused:?}");
        assert_eq!(reason(&refused), "NOT_ENTITLED");
    }
}
