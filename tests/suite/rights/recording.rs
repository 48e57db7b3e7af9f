//! Who may record what, from the request to the log: at the edge from the content alone, and in
//! the writer's turn under the policy in force then.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
};

use tidu::{
    domain::{
        Principal,
        access::{Action, Policy, ProgrammeSet, Reach, Rights, Role},
        catalogue::Catalogue,
        kind::Kind,
        region::RegionCode,
    },
    ledger::{AppendError, Commit, Ledger},
    limits::COMMIT_EVENTS_MAX,
    protocol::pb::{self, event::Fact},
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::support::{
    Governed, Hands, MemoryLog, annulled, commit, corrected, designated, event, list, little_giant,
    made_up, open,
    principals::{Caller, of_authorities, policy},
    reason, rights,
};

const GUANGDONG: &str = "guangdong.recorder";
const MINISTRY: &str = "ministry.recorder";
const ZHEJIANG: &str = "zhejiang.recorder";

fn recorders() -> [(&'static str, Rights); 3] {
    [(GUANGDONG, "440000"), (MINISTRY, "100000"), (ZHEJIANG, "330000")]
        .map(|(name, authority)| (name, rights(Role::Recorder, Some(authority))))
}

/// A recorder with this reach instead of the usual one.
fn within(reach: Reach) -> Rights {
    Rights { record: vec![reach], ..rights(Role::Recorder, Some("440000")) }
}

fn programmes(names: &[&str]) -> ProgrammeSet {
    let catalogue = Catalogue::built_in();
    names.iter().map(|name| catalogue.find(name).unwrap()).collect()
}

fn by(authority: &str, event: pb::Event) -> pb::Event {
    pb::Event { authority: authority.to_owned(), ..event }
}

fn renamed(authority: &str, designee: &str) -> pb::Event {
    let fact = pb::Renamed {
        old_name: "旧名称有限公司".to_owned(),
        new_name: "新名称有限公司".to_owned(),
        simple: true,
    };
    event(authority, designee, "2024-03-01", Fact::Renamed(fact))
}

async fn append(
    caller: &mut Caller,
    events: Vec<pb::Event>,
    validate_only: bool,
) -> Result<pb::AppendResponse, Status> {
    let request = pb::AppendRequest { events, validate_only, ..Default::default() };
    caller.ledger.append(request).await.map(tonic::Response::into_inner)
}

/// Requires that a commit is refused for these rights, tried out or not, and gives the field and
/// value.
async fn refused(caller: &mut Caller, events: Vec<pb::Event>) -> (String, String) {
    let mut places = Vec::new();
    for validate_only in [true, false] {
        let status = append(caller, events.clone(), validate_only).await.unwrap_err();
        assert_eq!(status.code(), Code::PermissionDenied, "{status:?}");
        assert_eq!(reason(&status), "NOT_ENTITLED", "{status:?}");
        let details = status.get_error_details();
        let metadata = &details.error_info().unwrap().metadata;
        assert_eq!(metadata["action"], "record");
        places.push((metadata["field"].clone(), metadata["value"].clone()));
    }
    assert_eq!(places[0], places[1], "a trial is refused for the same field");
    places.remove(0)
}

fn at(field: &str, value: &str) -> (String, String) {
    (field.to_owned(), value.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_foreign_event_refuses_its_commit_before_the_rules_look() {
    let governed = Governed::new(&recorders());
    let mut recorder = governed.as_principal(GUANGDONG);
    let firms = made_up(1, 4);
    let mut events: Vec<_> = firms.iter().map(designated).collect();
    events[3] = by("330000", events[3].clone());
    assert_eq!(refused(&mut recorder, events.clone()).await, at("events[3].authority", "330000"));
    // The rules would refuse the second of these, and the annulled position does not exist.
    let twice = vec![designated(&firms[0]), by("330000", annulled(77))];
    assert_eq!(refused(&mut recorder, twice).await, at("events[1].authority", "330000"));
    assert_eq!(governed.ledger.durable().size, 0, "nothing of them is recorded");
    events.truncate(3);
    let answer = append(&mut recorder, events, false).await.unwrap();
    assert_eq!(answer.next_position, 3);
    // A co-issuer gives no right to record, and may be named.
    let mut joint = designated(&firms[3]);
    joint.co_issuers = vec!["330000".to_owned()];
    let mut foreign = governed.as_principal(ZHEJIANG);
    assert_eq!(
        refused(&mut foreign, vec![joint.clone()]).await,
        at("events[0].authority", "440000")
    );
    append(&mut recorder, vec![joint], false).await.unwrap();
    let recorded = pb::GetEventRequest { position: Some(0), ..Default::default() };
    let recorded = recorder.ledger.get_event(recorded).await.unwrap().into_inner();
    assert_eq!(recorded.event.unwrap().recorded_by, GUANGDONG);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_principal_without_the_role_records_nothing() {
    let mut signer = rights(Role::Signer, Some("440000"));
    signer.record = vec![Reach::everything()];
    let governed = Governed::new(&[("guangdong.signer", signer)]);
    let mut caller = governed.as_principal("guangdong.signer");
    let field = refused(&mut caller, vec![designated(&made_up(1, 1)[0])]).await;
    assert_eq!(field, at("events[0].authority", "440000"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_and_the_target_of_a_repair_are_judged_too() {
    let governed = Governed::new(&recorders());
    let mut guangdong = governed.as_principal(GUANGDONG);
    let mut zhejiang = governed.as_principal(ZHEJIANG);
    let mut ministry = governed.as_principal(MINISTRY);
    let firms = made_up(1, 2);
    append(&mut guangdong, vec![designated(&firms[0])], false).await.unwrap();

    let moved = by("440000", corrected(0, by("330000", designated(&firms[0]))));
    let field = refused(&mut guangdong, vec![moved]).await;
    assert_eq!(field, at("events[0].corrected.replacement.authority", "330000"));
    // Somebody else's event is out of reach, whatever it says; one that is not recorded is not.
    let field = refused(&mut zhejiang, vec![by("330000", annulled(0))]).await;
    assert_eq!(field, at("events[0].annulled.position", "0"));
    let nothing = append(&mut zhejiang, vec![by("330000", annulled(1))], false).await.unwrap_err();
    assert_eq!(nothing.code(), Code::FailedPrecondition, "{nothing:?}");
    // The target may be an event of the same commit.
    let both = vec![designated(&firms[1]), by("440000", annulled(1))];
    append(&mut guangdong, both, true).await.unwrap();
    // The ministry repairs what others have stated.
    append(&mut ministry, vec![annulled(0)], false).await.unwrap();
    let again = by("440000", annulled(1));
    let field = refused(&mut zhejiang, vec![by("330000", annulled(1))]).await;
    assert_eq!(field, at("events[0].annulled.position", "1"), "the repair of a repair");
    let status = append(&mut guangdong, vec![again], false).await.unwrap_err();
    assert_ne!(reason(&status), "NOT_ENTITLED", "the rules refuse it: {status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_programme_bounds_events_and_the_targets_of_repairs() {
    let reach = Reach { programmes: programmes(&["specialised-sme"]), ..Reach::default() };
    let bounded =
        within(Reach { authorities: of_authorities(&["100000", "440000"]).authorities, ..reach });
    let governed = Governed::new(&[("sme.recorder", bounded), recorders()[1].clone()]);
    let mut bounded = governed.as_principal("sme.recorder");
    let mut ministry = governed.as_principal(MINISTRY);
    let firms = made_up(1, 3);
    let giant = little_giant(&firms[0].uscc.to_string(), "1", "2019-06-05");
    append(&mut ministry, vec![giant.clone()], false).await.unwrap();
    append(&mut bounded, vec![designated(&firms[1])], false).await.unwrap();
    let field = refused(&mut bounded, vec![giant.clone()]).await;
    assert_eq!(field, at("events[0].designated.programme", "little-giant"));
    let name = firms[1].uscc.to_string();
    let field = refused(&mut bounded, vec![renamed("440000", &name)]).await;
    assert_eq!(field, at("events[0].renamed", "renamed"), "it is about no programme");
    let field = refused(&mut bounded, vec![annulled(0)]).await;
    assert_eq!(field, at("events[0].annulled.position", "0"));
    let field = refused(&mut bounded, vec![by("440000", corrected(1, giant))]).await;
    assert_eq!(field, at("events[0].corrected.replacement.designated.programme", "little-giant"));
    append(&mut bounded, vec![by("440000", annulled(1))], false).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn kinds_bound_events_and_the_targets_of_repairs() {
    let kinds = [Kind::Renamed, Kind::Annulled].into_iter().collect();
    let bounded = within(Reach { kinds, ..of_authorities(&["440000"]) });
    let governed = Governed::new(&[("names.recorder", bounded), recorders()[0].clone()]);
    let mut bounded = governed.as_principal("names.recorder");
    let mut guangdong = governed.as_principal(GUANGDONG);
    let firm = &made_up(1, 1)[0];
    append(&mut guangdong, vec![designated(firm)], false).await.unwrap();
    let field = refused(&mut bounded, vec![designated(firm)]).await;
    assert_eq!(field, at("events[0].designated", "designated"));
    append(&mut bounded, vec![renamed("440000", &firm.uscc.to_string())], false).await.unwrap();
    let field = refused(&mut bounded, vec![by("440000", annulled(0))]).await;
    assert_eq!(field, at("events[0].annulled.position", "0"));
    append(&mut bounded, vec![by("440000", annulled(1))], false).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_region_bounds_the_stated_place_or_that_of_the_designee() {
    let firms = made_up(1, 40);
    let inside = &firms[0];
    let code = format!("{}00", &inside.region[..4]);
    let outside = firms.iter().find(|firm| firm.region[..4] != inside.region[..4]).unwrap();
    let unknown = firms.iter().rev().find(|firm| firm.region[..4] == inside.region[..4]).unwrap();
    let region = Some(RegionCode::parse(&code).unwrap());
    let bounded = within(Reach { region, ..of_authorities(&["440000"]) });
    let governed = Governed::new(&[("city.recorder", bounded), recorders()[0].clone()]);
    let mut city = governed.as_principal("city.recorder");
    let mut guangdong = governed.as_principal(GUANGDONG);

    let field = refused(&mut city, vec![designated(outside)]).await;
    assert_eq!(field, at("events[0].designated.profile.registered_region", &outside.region));
    append(&mut city, vec![designated(inside)], false).await.unwrap();
    append(&mut guangdong, vec![designated(outside)], false).await.unwrap();
    let id = |firm: &tidu::cli::generate::Enterprise| firm.uscc.to_string();
    append(&mut city, vec![renamed("440000", &id(inside))], false).await.unwrap();
    for firm in [outside, unknown] {
        // Nothing tells whether it is elsewhere or unknown.
        let field = refused(&mut city, vec![renamed("440000", &id(firm))]).await;
        assert_eq!(field, at("events[0].designee", &id(firm)));
    }
    let field = refused(&mut city, vec![by("440000", annulled(1))]).await;
    assert_eq!(field, at("events[0].annulled.position", "1"));
    append(&mut city, vec![by("440000", annulled(2))], false).await.unwrap();
    append(&mut city, vec![by("440000", annulled(0))], false).await.unwrap();
}

fn of(name: &str, mut commit: Commit) -> Commit {
    commit.recorded_by = Principal::named(name).unwrap();
    commit
}

/// Holds the register, so that the writer waits with its next commit, until a policy is in force.
async fn meanwhile(ledger: &Arc<Ledger>, commits: Vec<Commit>, then: Policy) -> Vec<AppendError> {
    let waiting: Vec<_> = {
        let held = ledger.register();
        let append = |commit| {
            let ledger = Arc::clone(ledger);
            tokio::spawn(async move { ledger.append(commit).await })
        };
        let waiting: Vec<_> = commits.into_iter().map(append).collect();
        // The writer has taken one, and the others are in the queue.
        let wanted = waiting.len() as u64;
        while ledger.observe().queue_commits < wanted {
            std::thread::yield_now();
        }
        ledger.adopt_policy(Arc::new(then));
        drop(held);
        waiting
    };
    let mut refused = Vec::new();
    for answer in waiting {
        refused.push(answer.await.unwrap().unwrap_err());
    }
    refused
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_or_narrowed_principal_loses_queued_commits() {
    let governed_by = |principals: &[(&str, Rights)]| policy(principals, Vec::new());
    let elsewhere = (GUANGDONG, rights(Role::Recorder, Some("330000")));
    let commits = || {
        let one = |seed| of(GUANGDONG, commit(vec![designated(&made_up(seed, 1)[0])]));
        vec![one(1), one(2), one(3)]
    };
    for (then, field) in
        [(governed_by(&[]), None), (governed_by(&[elsewhere]), Some("events[0].authority"))]
    {
        let ledger = open(Arc::new(MemoryLog::default()), Arc::default(), Arc::default());
        let ledger = Arc::new(ledger);
        ledger.adopt_policy(Arc::new(governed_by(&recorders())));
        for error in meanwhile(&ledger, commits(), then).await {
            let AppendError::NotEntitled { principal, action, beyond } = error else {
                panic!("{error}")
            };
            assert_eq!((principal.as_str(), action), (GUANGDONG, Action::Record));
            assert_eq!(beyond.map(|beyond| beyond.field).as_deref(), field);
        }
        assert_eq!(ledger.durable().size, 0);
        // With its rights again, it records at once.
        ledger.adopt_policy(Arc::new(governed_by(&recorders())));
        for commit in commits() {
            ledger.append(commit).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_takes_back_a_commit_that_is_half_judged() {
    let ledger = open(Arc::new(MemoryLog::default()), Arc::default(), Arc::default());
    let ledger = Arc::new(ledger);
    ledger.adopt_policy(Arc::new(policy(&recorders(), Vec::new())));
    let large = of(GUANGDONG, commit(list(1, COMMIT_EVENTS_MAX)));
    let appending = {
        let ledger = Arc::clone(&ledger);
        tokio::spawn(async move { ledger.append(large).await })
    };
    // The writer lets readers see a part of the commit, which may be taken back.
    let seen = loop {
        let register = ledger.register();
        if register.size() > 0 {
            ledger.adopt_policy(Arc::new(policy(&[], Vec::new())));
            break register.size();
        }
        drop(register);
        std::thread::yield_now();
    };
    assert!(seen < COMMIT_EVENTS_MAX as u64, "it was in the middle: {seen}");
    let refused = appending.await.unwrap().unwrap_err();
    assert!(matches!(refused, AppendError::NotEntitled { beyond: None, .. }), "{refused}");
    assert_eq!((ledger.durable().size, ledger.register().size()), (0, 0), "without a trace");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_ends_in_the_queue_takes_its_commit_along() {
    let clock = Arc::new(Hands::default());
    clock.0.store(1_000, Ordering::Relaxed);
    let ledger = open(Arc::new(MemoryLog::default()), Arc::clone(&clock), Arc::default());
    ledger.adopt_policy(Arc::new(policy(&recorders(), Vec::new())));
    let expiring = |seed, at| {
        let mut commit = of(GUANGDONG, commit(vec![designated(&made_up(seed, 1)[0])]));
        commit.entitlement.expires_micros = Some(at);
        commit
    };
    ledger.append(expiring(1, 1_001)).await.unwrap();
    let refused = ledger.append(expiring(2, 1_000)).await.unwrap_err();
    assert!(matches!(refused, AppendError::CredentialExpired { micros: 1_000 }), "{refused}");
    assert_eq!(ledger.durable().size, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_principals_everybody_records() {
    let ledger = open(Arc::new(MemoryLog::default()), Arc::default(), Arc::default());
    ledger.append(of("anybody", commit(vec![annulled(0)]))).await.unwrap_err();
    ledger.append(of("anybody", commit(vec![designated(&made_up(1, 1)[0])]))).await.unwrap();
    ledger.adopt_policy(Arc::new(Policy::of(HashMap::new(), Vec::new())));
    let anonymous = Commit { recorded_by: Principal::ANONYMOUS, ..commit(vec![annulled(0)]) };
    let refused = ledger.append(anonymous).await.unwrap_err();
    assert!(matches!(refused, AppendError::NotEntitled { beyond: None, .. }), "{refused}");
}
