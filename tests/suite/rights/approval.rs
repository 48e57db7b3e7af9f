//! Four eyes: one principal proposes, another one approves, and both are on the record.

use std::sync::{Arc, atomic::Ordering};

use tidu::{
    domain::{
        Principal,
        access::{FourEyes, Rights, Role, Roles},
        catalogue::Catalogue,
        kind::Kind,
    },
    ledger::{AppendError, Commit},
    limits::{PROPOSAL_AGE_MAX, PROPOSAL_BYTES_MAX},
    merkle::{self, Frontier},
    protocol::{
        event,
        pb::{self, append_request::Precondition},
    },
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::support::{
    Governed, MemoryLog, annulled, commit, designated, made_up, open,
    principals::{Caller, authorities, policy},
    reason, rights,
};

const RECORDER: &str = "guangdong.recorder";
const SIGNER: &str = "guangdong.signer";
const OTHER_SIGNER: &str = "guangdong.director";
const BOTH: &str = "guangdong.office";
const FOREIGN: &str = "zhejiang.signer";

fn people() -> Vec<(&'static str, Rights)> {
    let of = |role| rights(role, Some("440000"));
    let both = Rights {
        roles: Roles::from_iter([Role::Recorder, Role::Signer]),
        approve: of(Role::Signer).approve,
        ..of(Role::Recorder)
    };
    vec![
        (RECORDER, of(Role::Recorder)),
        (SIGNER, of(Role::Signer)),
        (OTHER_SIGNER, of(Role::Signer)),
        (BOTH, both),
        (FOREIGN, rights(Role::Signer, Some("330000"))),
    ]
}

fn without(name: &str) -> Vec<(&'static str, Rights)> {
    people().into_iter().filter(|(other, _)| *other != name).collect()
}

/// Guangdong's designations need two principals.
fn four_eyes() -> Vec<FourEyes> {
    let kinds = [Kind::Designated].into_iter().collect();
    vec![FourEyes { authorities: authorities(&["440000"]), kinds, ..FourEyes::default() }]
}

fn governed() -> Governed {
    Governed::under(&people(), four_eyes())
}

/// A request of two designations.
fn request() -> pb::AppendRequest {
    pb::AppendRequest {
        request_id: "batch-7".to_owned(),
        events: made_up(1, 2).iter().map(designated).collect(),
        ..Default::default()
    }
}

async fn send(
    caller: &mut Caller,
    request: pb::AppendRequest,
) -> Result<pb::AppendResponse, Status> {
    caller.ledger.append(request).await.map(tonic::Response::into_inner)
}

async fn propose(governed: &Governed, by: &str) -> pb::AppendResponse {
    let request = pb::AppendRequest { validate_only: true, propose: true, ..request() };
    send(&mut governed.as_principal(by), request).await.unwrap()
}

/// Reasons that are provoked here, with the metadata that `error_reason.proto` documents.
pub const REASONS: [(&str, &[&str]); 5] = [
    ("NOT_ENTITLED", &["principal", "action"]),
    ("APPROVAL_REQUIRED", &["field", "authority", "kind"]),
    ("APPROVED_BY_PROPOSER", &["principal"]),
    ("PROPOSAL_INVALID", &["detail"]),
    ("PROPOSAL_EXPIRED", &["expired"]),
];

/// The refusal of an approval: its code and reason.
async fn refused(governed: &Governed, by: &str, request: pb::AppendRequest) -> (Code, String) {
    let status = send(&mut governed.as_principal(by), request).await.unwrap_err();
    let reason = reason(&status);
    let details = status.get_error_details();
    let metadata = &details.error_info().unwrap().metadata;
    let documented = REASONS.iter().find(|(name, _)| *name == reason);
    for key in documented.into_iter().flat_map(|(_, keys)| *keys) {
        assert!(metadata.contains_key(*key), "{key}: {status:?}");
    }
    (status.code(), reason)
}

fn is(code: Code, reason: &str) -> (Code, String) {
    (code, reason.to_owned())
}

async fn recorded(governed: &Governed, position: u64) -> pb::RecordedEvent {
    let request = pb::GetEventRequest { position: Some(position), ..Default::default() };
    let mut caller = governed.as_principal(SIGNER);
    caller.ledger.get_event(request).await.unwrap().into_inner().event.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_needs_the_approval_of_a_second_principal() {
    let governed = governed();
    let alone = send(&mut governed.as_principal(RECORDER), request()).await.unwrap_err();
    assert_eq!((alone.code(), reason(&alone)), is(Code::FailedPrecondition, "APPROVAL_REQUIRED"));
    let details = alone.get_error_details();
    let metadata = &details.error_info().unwrap().metadata;
    let at = ["field", "authority", "kind"].map(|key| metadata[key].as_str());
    assert_eq!(at, ["events[0]", "440000", "designated"]);
    let tried = pb::AppendRequest { validate_only: true, ..request() };
    let tried = send(&mut governed.as_principal(RECORDER), tried).await.unwrap();
    assert!(tried.proposal.is_empty() && tried.content_root.len() == 32);

    let proposed = propose(&governed, RECORDER).await;
    assert!((1..=PROPOSAL_BYTES_MAX).contains(&proposed.proposal.len()));
    assert!(proposed.proposal_expire_time.is_some());
    let catalogue = Catalogue::built_in();
    let mut frontier = Frontier::default();
    for (index, event) in request().events.into_iter().enumerate() {
        let body = event::proposal(&catalogue, index, event).unwrap().body;
        frontier.push(merkle::leaf_hash(&body));
    }
    assert_eq!(proposed.content_root, frontier.root().as_slice());
    assert_eq!(governed.ledger.durable().size, 0, "the server keeps no proposal");

    let approval = pb::AppendRequest { proposal: proposed.proposal, ..request() };
    let tried = pb::AppendRequest { validate_only: true, ..approval.clone() };
    let tried = send(&mut governed.as_principal(SIGNER), tried).await.unwrap();
    assert_eq!((tried.change_count, tried.content_root), (2, proposed.content_root));
    for (by, is_replayed) in [(SIGNER, false), (SIGNER, true), (OTHER_SIGNER, true)] {
        let answer = send(&mut governed.as_principal(by), approval.clone()).await.unwrap();
        assert_eq!((answer.next_position, answer.replayed), (2, is_replayed), "{by}");
    }
    let (first, second) = (recorded(&governed, 0).await, recorded(&governed, 1).await);
    assert_eq!((first.recorded_by.as_str(), first.approved_by.as_str()), (RECORDER, SIGNER));
    assert_eq!((second.recorded_by.as_str(), second.approved_by.as_str()), (RECORDER, ""));
    assert_eq!(first.request_id, "batch-7");
    assert_eq!(governed.ledger.durable().format, 2);
    let again = propose(&governed, RECORDER).await;
    assert!(again.replayed && again.proposal.is_empty(), "it is recorded already");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_is_approved_as_it_was_made_or_not_at_all() {
    let governed = governed();
    let proposal = propose(&governed, RECORDER).await.proposal;
    let approval = pb::AppendRequest { proposal: proposal.clone(), ..request() };
    let invalid = is(Code::InvalidArgument, "PROPOSAL_INVALID");
    for at in 0..proposal.len() {
        let mut forged = proposal.to_vec();
        forged[at] ^= 1;
        let forged = pb::AppendRequest { proposal: forged.into(), ..request() };
        assert_eq!(refused(&governed, SIGNER, forged).await, invalid, "byte {at}");
    }
    let elsewhere = propose(&self::governed(), RECORDER).await.proposal;
    let other_key = pb::AppendRequest { proposal: elsewhere, ..request() };
    assert_eq!(refused(&governed, SIGNER, other_key).await, invalid, "of another server");
    let other_id = pb::AppendRequest { request_id: "batch-8".to_owned(), ..approval.clone() };
    assert_eq!(refused(&governed, SIGNER, other_id).await, invalid);
    let conditional =
        pb::AppendRequest { precondition: Some(Precondition::LogSize(0)), ..approval.clone() };
    assert_eq!(refused(&governed, SIGNER, conditional).await, invalid);
    let mut fewer = approval.clone();
    fewer.events.pop();
    assert_eq!(refused(&governed, SIGNER, fewer).await, invalid);
    let mut turned = approval.clone();
    turned.events.reverse();
    assert_eq!(refused(&governed, SIGNER, turned).await, invalid);
    let both = pb::AppendRequest { validate_only: true, propose: true, ..approval.clone() };
    assert_eq!(refused(&governed, RECORDER, both).await, invalid);
    for (length, expected) in [
        (PROPOSAL_BYTES_MAX, invalid.clone()),
        (PROPOSAL_BYTES_MAX + 1, is(Code::ResourceExhausted, "LIMIT_EXCEEDED")),
    ] {
        let long = pb::AppendRequest { proposal: vec![7; length].into(), ..request() };
        assert_eq!(refused(&governed, SIGNER, long).await, expected, "{length} bytes");
    }
    assert_eq!(governed.ledger.durable().size, 0);
    send(&mut governed.as_principal(SIGNER), approval).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn both_principals_are_entitled_and_two() {
    let governed = governed();
    let approval_of =
        |answer: pb::AppendResponse| pb::AppendRequest { proposal: answer.proposal, ..request() };
    let own = approval_of(propose(&governed, BOTH).await);
    let by_itself = is(Code::PermissionDenied, "APPROVED_BY_PROPOSER");
    assert_eq!(refused(&governed, BOTH, own.clone()).await, by_itself);
    let approval = approval_of(propose(&governed, RECORDER).await);
    let not_entitled = is(Code::PermissionDenied, "NOT_ENTITLED");
    assert_eq!(refused(&governed, FOREIGN, approval.clone()).await, not_entitled);
    assert_eq!(refused(&governed, RECORDER, own.clone()).await, not_entitled, "it has no role");
    // Who proposed, and who approves, must still be entitled when it is recorded.
    governed.access.adopt(policy(&without(RECORDER), four_eyes()));
    assert_eq!(refused(&governed, SIGNER, approval.clone()).await, not_entitled);
    let mut narrowed = without(RECORDER);
    narrowed.push((RECORDER, rights(Role::Recorder, Some("330000"))));
    governed.access.adopt(policy(&narrowed, four_eyes()));
    assert_eq!(refused(&governed, SIGNER, approval.clone()).await, not_entitled);
    let mut narrowed = without(SIGNER);
    narrowed.push((SIGNER, rights(Role::Signer, Some("330000"))));
    governed.access.adopt(policy(&narrowed, four_eyes()));
    assert_eq!(refused(&governed, SIGNER, approval.clone()).await, not_entitled);
    assert_eq!(governed.ledger.durable().size, 0);
    governed.access.adopt(policy(&people(), four_eyes()));
    governed.ledger.adopt_policy(governed.access.policy());
    send(&mut governed.as_principal(BOTH), approval).await.unwrap();
    assert_eq!(recorded(&governed, 0).await.approved_by, BOTH);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_is_too_old_after_a_week() {
    let governed = governed();
    let clock = &governed.hands;
    let proposal = propose(&governed, RECORDER).await.proposal;
    let approval = pb::AppendRequest { proposal, ..request() };
    let week = i64::try_from(PROPOSAL_AGE_MAX.as_micros()).unwrap();
    clock.0.store(week, Ordering::Relaxed);
    let expired = send(&mut governed.as_principal(SIGNER), approval.clone()).await.unwrap_err();
    assert_eq!(
        (expired.code(), reason(&expired)),
        is(Code::FailedPrecondition, "PROPOSAL_EXPIRED")
    );
    let details = expired.get_error_details();
    assert_eq!(details.error_info().unwrap().metadata["expired"], "1970-01-08T00:00:00Z");
    clock.0.store(week - 1, Ordering::Relaxed);
    send(&mut governed.as_principal(SIGNER), approval).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_needs_an_id_a_trial_and_principals() {
    let governed = governed();
    let trial = pb::AppendRequest { validate_only: true, propose: true, ..request() };
    let nameless = pb::AppendRequest { request_id: String::new(), ..trial.clone() };
    let required = is(Code::InvalidArgument, "FIELD_REQUIRED");
    assert_eq!(refused(&governed, RECORDER, nameless).await, required);
    let real = pb::AppendRequest { validate_only: false, ..trial.clone() };
    assert_eq!(refused(&governed, RECORDER, real).await, required);
    let mut twice = trial;
    twice.events.push(twice.events[0].clone());
    let answer = send(&mut governed.as_principal(RECORDER), twice).await.unwrap();
    assert!(answer.rejection_count > 0 && answer.proposal.is_empty());
}

/// A commit of a recorder, approved by another principal.
fn asked(events: Vec<pb::Event>, approved_by: Option<&str>) -> Commit {
    let mut commit = commit(events);
    commit.recorded_by = Principal::named(RECORDER).unwrap();
    commit.entitlement.approved_by = approved_by.map(|name| Principal::named(name).unwrap());
    commit
}

#[tokio::test(flavor = "multi_thread")]
async fn the_writer_judges_the_approval_again() {
    let ledger = open(Arc::new(MemoryLog::default()), Arc::default(), Arc::default());
    ledger.adopt_policy(Arc::new(policy(&people(), four_eyes())));
    let firm = || vec![designated(&made_up(1, 1)[0])];
    let alone = ledger.append(asked(firm(), None)).await.unwrap_err();
    assert!(matches!(alone, AppendError::ApprovalRequired { index: 0, .. }), "{alone}");
    let own = ledger.append(asked(firm(), Some(RECORDER))).await.unwrap_err();
    assert!(matches!(own, AppendError::ApprovedByProposer { .. }), "{own}");
    let foreign = ledger.append(asked(firm(), Some(FOREIGN))).await.unwrap_err();
    let AppendError::NotEntitled { principal, beyond, .. } = foreign else { panic!("{foreign}") };
    let field = beyond.map(|beyond| beyond.field);
    assert_eq!((principal.as_str(), field.as_deref()), (FOREIGN, Some("events[0].authority")));
    let unknown = ledger.append(asked(firm(), Some("nobody"))).await.unwrap_err();
    assert!(matches!(unknown, AppendError::NotEntitled { beyond: None, .. }), "{unknown}");
    ledger.append(asked(firm(), Some(SIGNER))).await.unwrap();

    // An annulment needs the approval that its target needed.
    let annulment = || {
        let annulled = pb::Event { authority: "440000".to_owned(), ..annulled(0) };
        vec![annulled]
    };
    let alone = ledger.append(asked(annulment(), None)).await.unwrap_err();
    assert!(matches!(alone, AppendError::ApprovalRequired { kind: Kind::Annulled, .. }), "{alone}");
    ledger.append(asked(annulment(), Some(SIGNER))).await.unwrap();
    // Who approves what needs no approval must be entitled all the same.
    let again = || {
        let annulled = pb::Event { authority: "440000".to_owned(), ..annulled(1) };
        vec![annulled]
    };
    ledger.adopt_policy(Arc::new(policy(&people(), Vec::new())));
    let foreign = ledger.append(asked(again(), Some(FOREIGN))).await.unwrap_err();
    assert!(matches!(foreign, AppendError::NotEntitled { .. }), "{foreign}");
    ledger.append(asked(again(), Some(SIGNER))).await.unwrap();
}
