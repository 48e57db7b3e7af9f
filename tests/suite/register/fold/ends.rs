//! The end of a subject, whatever the order in which it is recorded, and the end of its licence.

use tidu::{
    protocol::pb::{self, SubjectEndCause as Cause},
    register::{EndCause, Flag, Status},
};

use super::*;

fn deregistered(who: &str, on: &str) -> pb::Event {
    subject_ended(who, on, Cause::Deregistered)
}

#[test]
fn a_designation_to_come_ends_with_its_subject_in_every_order() {
    let told = Told::of(&[giant(X, "6", "2024-01-01"), deregistered(X, "2023-12-20")]);
    // Before the end is known to have come, the title is still to begin.
    assert_eq!(told.status(X, "2023-12-19"), Status::Pending);
    for as_of in ["2023-12-20", "2023-12-25", "2024-01-01", "2024-06-01", "2030-01-01"] {
        let title = told.giant(X, as_of);
        assert_eq!(title.status, Status::Ended, "{as_of}");
        assert_eq!(title.ended_on, Some(day("2023-12-20")));
        assert_eq!(title.from, Some(day("2024-01-01")), "as designated");
        assert_eq!(title.to, Some(day("2023-12-19")), "it never was in force");
        assert_eq!(title.superseded(), [0]);
        assert_eq!((title.cause, title.ended_by), (Some(EndCause::SubjectDeregistered), Some(1)));
        assert_eq!(title.batch, "6");
    }
}

#[test]
fn a_title_in_force_ends_with_its_subject_and_stays_so() {
    let told = Told::of(&[
        giant(X, "6", "2022-01-01"),
        deregistered(X, "2023-12-20"),
        passed(X, "r", "2024-12-20", false),
        giant(X, "7", "2025-01-01"),
    ]);
    assert_eq!(told.status(X, "2023-12-19"), Status::Active);
    for as_of in ["2023-12-20", "2024-12-31", "2026-01-01"] {
        let title = told.giant(X, as_of);
        assert_eq!(title.status, Status::Ended, "{as_of}");
        assert_eq!(title.from, Some(day("2022-01-01")), "{as_of}");
        assert_eq!(title.to, Some(day("2023-12-19")));
        assert_eq!(title.ended_on, Some(day("2023-12-20")));
    }
    assert_eq!(told.giant(X, "2026-01-01").superseded(), [2, 3]);
}

#[test]
fn an_end_on_the_first_day_of_a_title_ends_it() {
    let told = Told::of(&[giant(X, "6", "2024-01-01"), deregistered(X, "2024-01-01")]);
    assert_eq!(told.status(X, "2023-12-31"), Status::Pending);
    let title = told.giant(X, "2024-01-01");
    assert_eq!((title.status, title.ended_on), (Status::Ended, Some(day("2024-01-01"))));
    assert!(title.superseded.is_empty());
}

#[test]
fn an_end_in_the_gap_before_a_review_leaves_nothing_to_renew() {
    let told = Told::of(&[
        giant(X, "1", "2019-06-05"),
        passed(X, "r", "2022-06-20", false),
        deregistered(X, "2022-06-10"),
    ]);
    assert_eq!(told.status(X, "2022-06-04"), Status::Active);
    assert_eq!(told.status(X, "2022-06-09"), Status::Expired);
    assert_eq!(told.status(X, "2022-06-19"), Status::Expired, "nothing is to come by then");
    let title = told.giant(X, "2022-06-25");
    assert_eq!((title.status, title.ended_on), (Status::Ended, Some(day("2022-06-10"))));
    assert_eq!(title.superseded(), [1]);
}

#[test]
fn a_lapsed_title_stays_expired_when_its_subject_ends() {
    let told = Told::of(&[giant(X, "1", "2019-06-05"), deregistered(X, "2022-06-05")]);
    let title = told.giant(X, "2023-01-01");
    assert_eq!((title.status, title.cause), (Status::Expired, Some(EndCause::Lapsed)));
    assert_eq!(title.ended_on, None);
}

#[test]
fn a_reinstatement_after_the_end_of_the_subject_ends_with_it() {
    let told = Told::of(&[
        giant(X, "1", "2022-01-01"),
        revoked(X, "2022-06-01", None),
        deregistered(X, "2022-07-01"),
        reinstated(X, "2022-08-01"),
    ]);
    assert_eq!(told.status(X, "2022-07-31"), Status::Revoked);
    let title = told.giant(X, "2022-08-01");
    assert_eq!((title.status, title.ended_on), (Status::Ended, Some(day("2022-07-01"))));
}

#[test]
fn a_title_is_not_received_after_the_end_of_the_receiver() {
    let told = Told::of(&[
        giant(X, "1", "2022-01-01"),
        deregistered(Y, "2022-06-01"),
        transferred(X, Y, "2022-07-01", None),
    ]);
    assert_eq!(told.giant(X, "2022-07-01").cause, Some(EndCause::Transferred));
    let received = told.giant(Y, "2022-07-01");
    assert_eq!((received.status, received.ended_on), (Status::Ended, Some(day("2022-06-01"))));
    assert_eq!(received.superseded(), [2]);
}

#[test]
fn a_notice_or_list_after_the_end_of_the_subject_opens_nothing() {
    let told = Told::of(&[notice(X, "6", "2024-01-01"), deregistered(X, "2023-12-20")]);
    assert_eq!(told.status(X, "2024-01-02"), Status::NotOnRecord);
    let told = Told::of(&[notice(X, "6", "2023-12-01"), deregistered(X, "2023-12-20")]);
    assert_eq!(told.status(X, "2023-12-19"), Status::Noticed);
    let closed = told.giant(X, "2023-12-20");
    assert_eq!(closed.status, Status::NotDesignated);
    assert_eq!((closed.cause, closed.ended_by), (Some(EndCause::SubjectDeregistered), Some(1)));
}

#[test]
fn the_end_under_another_identifier_ends_the_title_too() {
    let told = Told::of(&[
        giant(X, "6", "2024-01-01"),
        deregistered(Y, "2023-12-20"),
        linked(X, Y, "2020-01-01"),
    ]);
    for who in [X, Y] {
        assert_eq!(told.status(who, "2024-06-01"), Status::Ended);
    }
}

#[test]
fn the_earliest_of_several_ends_counts() {
    let told = Told::of(&[
        giant(X, "6", "2022-01-01"),
        deregistered(X, "2023-12-20"),
        absorbed(X, &[Y], "2023-11-20"),
    ]);
    let title = told.giant(X, "2024-01-01");
    assert_eq!(title.ended_on, Some(day("2023-11-20")));
    assert_eq!(title.cause, Some(EndCause::SubjectAbsorbed));
    assert!(!title.applied.contains(&1));
}

#[test]
fn of_two_ends_on_one_day_the_restructuring_counts() {
    let on = "2023-12-20";
    let told = Told::of(&[giant(X, "6", "2022-01-01"), deregistered(X, on), absorbed(X, &[Y], on)]);
    let title = told.giant(X, on);
    assert_eq!((title.cause, title.ended_by), (Some(EndCause::SubjectAbsorbed), Some(2)));
}

#[test]
fn an_end_shows_its_cause() {
    let cause =
        |ended| Told::of(&[giant(X, "6", "2022-01-01"), ended]).giant(X, "2024-01-01").cause;
    let on = "2023-12-20";
    assert_eq!(cause(subject_ended(X, on, Cause::Absorbed)), Some(EndCause::SubjectAbsorbed));
    assert_eq!(cause(deregistered(X, on)), Some(EndCause::SubjectDeregistered));
    assert_eq!(cause(absorbed(X, &[Y], on)), Some(EndCause::SubjectAbsorbed));
    let mut divided = absorbed(X, &[Y], on);
    let Some(Fact::Restructured(fact)) = &mut divided.fact else { panic!() };
    fact.kind = pb::RestructuringKind::Division.into();
    assert_eq!(cause(divided.clone()), Some(EndCause::SubjectRestructured));
    let Some(Fact::Restructured(fact)) = &mut divided.fact else { panic!() };
    fact.ends = false;
    assert_eq!(cause(divided), None, "its titles go on");
}

#[test]
fn a_revoked_licence_sets_a_flag_and_ends_nothing() {
    let licence = subject_ended(X, "2023-12-20", Cause::LicenceRevoked);
    let told = Told::of(&[
        giant(X, "6", "2022-01-01"),
        licence,
        giant(X, "8", "2026-01-01"),
        passed(X, "r", "2024-06-01", false),
    ]);
    assert!(!told.giant(X, "2023-12-19").has(Flag::LicenceRevoked));
    for as_of in ["2023-12-20", "2024-06-01", "2027-05-31"] {
        let title = told.giant(X, as_of);
        assert_eq!(title.status, Status::Active, "{as_of}");
        assert!(title.has(Flag::LicenceRevoked));
    }
    let lapsed = told.giant(X, "2027-06-01");
    assert_eq!(lapsed.status, Status::Expired);
    assert!(!lapsed.has(Flag::LicenceRevoked));
}

#[test]
fn a_title_still_to_begin_shows_a_revoked_licence() {
    let licence = subject_ended(X, "2023-12-20", Cause::LicenceRevoked);
    let told = Told::of(&[giant(X, "6", "2024-01-01"), licence]);
    let title = told.giant(X, "2023-12-25");
    assert_eq!(title.status, Status::Pending);
    assert!(title.has(Flag::LicenceRevoked));
}

#[test]
fn a_deregistration_after_a_revoked_licence_ends_the_title() {
    let told = Told::of(&[
        giant(X, "6", "2022-01-01"),
        subject_ended(X, "2023-12-20", Cause::LicenceRevoked),
        deregistered(X, "2024-03-01"),
    ]);
    assert_eq!(told.status(X, "2024-02-29"), Status::Active);
    assert_eq!(told.giant(X, "2024-03-01").ended_on, Some(day("2024-03-01")));
}
