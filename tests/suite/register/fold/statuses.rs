//! Creation tasks, prerequisites, and flags that only a title in force shows.

use tidu::register::{EndCause, Flag, Status};

use super::*;

const BASE: &str = "national-platform-base";

fn listed(batch: &str, on: &str) -> pb::Event {
    let (programme, batch) = (BASE.to_owned(), batch.to_owned());
    let fact = pb::CreationListed { programme, batch, ..Default::default() };
    stated(MINISTRY, X, on, Fact::CreationListed(fact))
}

fn assessed(passed: bool, on: &str) -> pb::Event {
    let (programme, batch) = (BASE.to_owned(), "1".to_owned());
    let fact = pb::CreationAssessed { programme, batch, passed, ..Default::default() };
    stated(MINISTRY, X, on, Fact::CreationAssessed(fact))
}

fn base(from: &str, to: &str) -> pb::Event {
    designated_to(MINISTRY, X, BASE, "1", from, Some(to))
}

fn shown(told: &Told, as_of: &str) -> Shown {
    told.find(X, BASE, as_of).unwrap()
}

#[test]
fn a_creation_task_runs_from_its_list_to_its_assessment() {
    let told = Told::of(&[listed("1", "2025-11-01"), assessed(false, "2026-11-01")]);
    let open = shown(&told, "2026-10-31");
    assert_eq!((open.status, open.has(Flag::CreationOpen)), (Status::Noticed, true));
    let failed = shown(&told, "2026-11-01");
    assert_eq!((failed.status, failed.has(Flag::CreationOpen)), (Status::NotDesignated, false));
    assert_eq!((failed.cause, failed.ended_by), (Some(EndCause::CreationFailed), Some(1)));
    let told = Told::of(&[listed("1", "2025-11-01"), assessed(true, "2026-11-01")]);
    let passed = shown(&told, "2026-11-01");
    assert_eq!((passed.status, passed.has(Flag::CreationOpen)), (Status::Noticed, false));
}

#[test]
fn an_assessment_without_a_list_changes_nothing() {
    for passed in [true, false] {
        let told = Told::of(&[assessed(passed, "2026-11-01")]);
        let title = shown(&told, "2026-11-01");
        assert_eq!((title.status, title.superseded()), (Status::NotOnRecord, vec![0]));
        let told = Told::of(&[assessed(passed, "2026-11-01"), listed("1", "2026-12-01")]);
        assert!(shown(&told, "2026-12-01").has(Flag::CreationOpen));
    }
}

#[test]
fn a_second_list_begins_the_task_anew() {
    let told = Told::of(&[
        listed("1", "2025-11-01"),
        assessed(false, "2026-11-01"),
        listed("2", "2027-01-01"),
    ]);
    let again = shown(&told, "2027-01-01");
    assert_eq!((again.status, again.has(Flag::CreationOpen)), (Status::Noticed, true));
    assert_eq!(again.batch, "1", "the first list is the cohort");
}

#[test]
fn a_list_after_the_title_lapsed_is_noticed() {
    let facts = |on| Told::of(&[base("2025-11-01", "2026-10-31"), listed("2", on)]);
    assert_eq!(shown(&facts("2026-11-01"), "2026-11-01").status, Status::Noticed);
    let before = facts("2026-10-31");
    assert_eq!(shown(&before, "2026-10-31").status, Status::Active);
    assert_eq!(shown(&before, "2026-11-01").status, Status::Expired);
    let told = Told::of(&[
        base("2025-11-01", "2026-10-31"),
        listed("1", "2026-11-01"),
        assessed(false, "2027-11-01"),
    ]);
    let failed = shown(&told, "2027-11-01");
    assert_eq!((failed.status, failed.cause), (Status::Expired, Some(EndCause::Lapsed)));
}

#[test]
fn a_creation_task_ends_with_its_subject() {
    let gone = subject_ended(X, "2026-05-01", pb::SubjectEndCause::Deregistered);
    let told = Told::of(&[listed("1", "2025-11-01"), gone, assessed(true, "2026-11-01")]);
    assert_eq!(shown(&told, "2026-04-30").status, Status::Noticed);
    for as_of in ["2026-05-01", "2026-11-01"] {
        let title = shown(&told, as_of);
        assert_eq!(title.status, Status::NotDesignated, "{as_of}");
        assert_eq!(title.cause, Some(EndCause::SubjectDeregistered));
        assert!(!title.has(Flag::CreationOpen));
    }
}

fn specialised(from: &str, to: Option<&str>) -> pb::Event {
    designated_to(GUANGDONG, X, SPECIALISED, "s", from, to)
}

#[test]
fn a_prerequisite_is_lost_only_after_it_was_in_force() {
    let lost =
        |facts: Vec<pb::Event>, as_of| Told::of(&facts).giant(X, as_of).has(Flag::PrerequisiteLost);
    let giant = || giant(X, "6", "2023-01-01");
    let on = "2024-01-01";
    assert!(!lost(vec![giant()], on), "nothing is on record of it");
    assert!(lost(vec![giant(), specialised("2020-06-01", None)], on));
    assert!(!lost(vec![giant(), specialised("2022-06-01", None)], on), "in force");
    assert!(!lost(vec![giant(), specialised("2024-06-01", None)], on), "still to come");
    let noticed = noticed(GUANGDONG, X, SPECIALISED, "s", pb::NoticeScope::Decision, "2022-06-01");
    assert!(!lost(vec![giant(), noticed], on), "only noticed");
}

#[test]
fn a_prerequisite_that_never_began_is_not_lost() {
    let mut revoked = revoked(X, "2022-06-01", None);
    let Some(Fact::Revoked(fact)) = &mut revoked.fact else { panic!() };
    fact.programme = SPECIALISED.to_owned();
    revoked.authority = GUANGDONG.to_owned();
    // Revoked on its first day, it was never in force.
    let told = Told::of(&[giant(X, "6", "2023-01-01"), specialised("2022-06-01", None), revoked]);
    assert!(!told.giant(X, "2024-01-01").has(Flag::PrerequisiteLost));
}

#[test]
fn a_proposed_move_is_shown_on_titles_in_force_alone() {
    let moved = pb::Relocated {
        to_region: "440305".to_owned(),
        from_authority: "440000".to_owned(),
        to_authority: "440300".to_owned(),
        stage: pb::RelocationStage::Proposed.into(),
        ..Default::default()
    };
    let moved = stated(GUANGDONG, X, "2023-12-01", Fact::Relocated(moved));
    let told = Told::of(&[giant(X, "6", "2024-01-01"), moved]);
    let pending = told.giant(X, "2023-12-31");
    assert_eq!((pending.status, pending.has(Flag::RelocationProposed)), (Status::Pending, false));
    assert!(told.giant(X, "2024-01-01").has(Flag::RelocationProposed));
    assert!(!told.giant(X, "2027-01-01").has(Flag::RelocationProposed));
}
