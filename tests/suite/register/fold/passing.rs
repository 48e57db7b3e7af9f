//! Titles that pass to a successor or to another programme: in force on the day, or after an
//! absorption; never beyond the end that they had.

use tidu::register::{EndCause, Flag, Status};

use super::*;

#[test]
fn a_title_passes_after_its_holder_was_absorbed() {
    for on in ["2024-01-01", "2024-02-01", "2025-12-31"] {
        let told = Told::of(&[
            giant(X, "6", "2023-01-01"),
            absorbed(X, &[Y], "2024-01-01"),
            transferred(X, Y, on, None),
        ]);
        let given = told.giant(X, on);
        assert_eq!(
            (given.status, given.ended_on),
            (Status::Ended, Some(day("2024-01-01"))),
            "{on}"
        );
        assert!(given.superseded.is_empty());
        let received = told.giant(Y, on);
        assert_eq!((received.status, received.from), (Status::Active, Some(day(on))));
        assert_eq!(received.to, Some(day("2025-12-31")), "the end that it had");
        assert_eq!(received.batch, "6", "the cohort goes with the title");
    }
}

#[test]
fn after_an_absorption_the_giver_keeps_the_cause_of_its_end() {
    let told = Told::of(&[
        giant(X, "6", "2023-01-01"),
        absorbed(X, &[Y], "2024-01-01"),
        transferred(X, Y, "2024-02-01", None),
    ]);
    let given = told.giant(X, "2024-02-01");
    assert_eq!((given.cause, given.ended_by), (Some(EndCause::SubjectAbsorbed), Some(1)));
    assert!(given.applied.contains(&2));
    let told = Told::of(&[giant(X, "6", "2023-01-01"), transferred(X, Y, "2024-02-01", None)]);
    let given = told.giant(X, "2024-02-01");
    assert_eq!((given.cause, given.ended_by), (Some(EndCause::Transferred), Some(1)));
}

#[test]
fn an_absorbed_title_passes_only_to_a_recorded_successor() {
    let facts = |ended, to| {
        Told::of(&[giant(X, "6", "2023-01-01"), ended, transferred(X, to, "2024-02-01", None)])
    };
    let told = facts(absorbed(X, &[Y], "2024-01-01"), Z);
    assert_eq!(told.giant(X, "2024-02-01").superseded(), [2]);
    assert_eq!(told.find(Z, GIANT, "2024-02-01"), None);
    let told = facts(absorbed(X, &[Y, Z], "2024-01-01"), Z);
    assert_eq!(told.status(Z, "2024-02-01"), Status::Active);
    // Where none is recorded, anybody may be one.
    let by_registry = subject_ended(X, "2024-01-01", pb::SubjectEndCause::Absorbed);
    assert_eq!(facts(by_registry, Z).status(Z, "2024-02-01"), Status::Active);
    // A deregistration leaves no successor.
    let gone = subject_ended(X, "2024-01-01", pb::SubjectEndCause::Deregistered);
    assert_eq!(facts(gone, Z).giant(X, "2024-02-01").superseded(), [2]);
}

#[test]
fn a_successor_is_known_under_each_of_its_identifiers() {
    let told = Told::of(&[
        giant(X, "6", "2023-01-01"),
        absorbed(X, &[Y], "2024-01-01"),
        linked(Y, Z, "2024-01-15"),
        transferred(X, Z, "2024-02-01", None),
    ]);
    assert_eq!(told.status(Y, "2024-02-01"), Status::Active);
}

#[test]
fn a_corrected_restructuring_names_its_own_successors_only() {
    let repaired = pb::Corrected {
        position: Some(1),
        replacement: Some(Box::new(absorbed(X, &[Z], "2024-01-01"))),
        reason: "wrong successor".to_owned(),
    };
    let repaired = stated(GUANGDONG, "", "2024-01-20", Fact::Corrected(Box::new(repaired)));
    for (to, passes) in [(Y, false), (Z, true)] {
        let told = Told::in_order(&[
            giant(X, "6", "2023-01-01"),
            absorbed(X, &[Y], "2024-01-01"),
            repaired.clone(),
            transferred(X, to, "2024-02-01", None),
        ]);
        let received = told.find(to, GIANT, "2024-02-01");
        assert_eq!(received.is_some(), passes, "{to}");
    }
}

#[test]
fn a_title_passes_once() {
    let told = Told::of(&[
        giant(X, "6", "2023-01-01"),
        absorbed(X, &[Y, Z], "2024-01-01"),
        transferred(X, Y, "2024-02-01", None),
        transferred(X, Z, "2024-03-01", None),
    ]);
    assert_eq!(told.giant(X, "2024-03-01").superseded(), [3]);
    assert_eq!(told.find(Z, GIANT, "2024-03-01"), None);
    let told = Told::of(&[
        giant(X, "6", "2023-01-01"),
        transferred(X, Y, "2024-02-01", None),
        transferred(X, Z, "2024-03-01", None),
    ]);
    assert_eq!(told.giant(X, "2024-03-01").superseded(), [2]);
}

#[test]
fn a_title_passes_to_its_last_day_and_not_after() {
    let facts = |on| Told::of(&[giant(X, "1", "2019-06-05"), transferred(X, Y, on, None)]);
    let last = facts("2022-06-04").giant(Y, "2022-06-04");
    assert_eq!((last.status, last.to), (Status::Active, Some(day("2022-06-04"))));
    let late = facts("2022-06-05");
    assert_eq!(late.find(Y, GIANT, "2022-06-05"), None);
    let lapsed = late.giant(X, "2022-06-05");
    assert_eq!((lapsed.status, lapsed.superseded()), (Status::Expired, vec![1]));

    let after_end = |on| {
        Told::of(&[
            giant(X, "1", "2019-06-05"),
            absorbed(X, &[Y], "2021-01-01"),
            transferred(X, Y, on, None),
        ])
    };
    assert_eq!(after_end("2022-06-04").status(Y, "2022-06-04"), Status::Active);
    assert_eq!(after_end("2022-06-05").find(Y, GIANT, "2022-06-05"), None);
}

#[test]
fn a_transfer_does_not_prolong_a_title() {
    let facts =
        |to| Told::of(&[giant(X, "1", "2019-06-05"), transferred(X, Y, "2021-01-01", Some(to))]);
    let until = |to| facts(to).giant(Y, "2021-01-01").to;
    assert_eq!(until("2027-01-09"), Some(day("2022-06-04")), "the end it had");
    assert_eq!(until("2022-06-04"), Some(day("2022-06-04")));
    assert_eq!(until("2021-12-31"), Some(day("2021-12-31")), "earlier, as stated");
}

#[test]
fn a_revoked_or_surrendered_title_does_not_pass() {
    for end in [revoked(X, "2020-01-01", None), surrendered(X, "2020-01-01")] {
        let told =
            Told::of(&[giant(X, "1", "2019-06-05"), end, transferred(X, Y, "2020-06-01", None)]);
        assert_eq!(told.giant(X, "2020-06-01").superseded(), [2]);
        assert_eq!(told.find(Y, GIANT, "2020-06-01"), None);
    }
}

#[test]
fn a_title_before_its_designation_does_not_pass() {
    let told = Told::of(&[giant(X, "1", "2019-06-05"), transferred(X, Y, "2019-01-01", None)]);
    let title = told.giant(X, "2019-06-05");
    assert_eq!((title.status, title.superseded()), (Status::Active, vec![1]));
}

#[test]
fn a_title_with_a_failed_review_passes_until_its_last_day() {
    let told = Told::of(&[
        giant(X, "1", "2019-06-05"),
        failed(X, GIANT, pb::ReviewFailureCause::NotSubmitted, "2022-05-01"),
        transferred(X, Y, "2022-05-15", Some("2025-05-14")),
    ]);
    let received = told.giant(Y, "2022-05-15");
    assert_eq!((received.status, received.to), (Status::Active, Some(day("2022-06-04"))));
}

#[test]
fn a_receiver_in_force_keeps_its_own_title() {
    let told = Told::of(&[
        giant(X, "6", "2023-01-01"),
        giant(Y, "5", "2022-07-01"),
        transferred(X, Y, "2024-01-01", None),
    ]);
    let own = told.giant(Y, "2024-01-01");
    assert_eq!((own.from, own.batch.as_str()), (Some(day("2022-07-01")), "5"));
    assert_eq!(own.superseded(), [2]);
    assert_eq!(told.giant(X, "2024-01-01").cause, Some(EndCause::Transferred));
}

#[test]
fn a_title_does_not_pass_between_identifiers_of_one_subject() {
    let told = Told::of(&[
        giant(X, "6", "2023-01-01"),
        linked(X, Y, "2023-06-01"),
        transferred(X, Y, "2024-01-01", None),
    ]);
    let title = told.giant(X, "2024-01-01");
    assert_eq!((title.status, title.superseded()), (Status::Active, vec![2]));
}

#[test]
fn a_missing_designation_is_missing_for_the_successor_too() {
    let told =
        Told::of(&[passed(X, "r", "2023-01-01", false), transferred(X, Y, "2024-01-01", None)]);
    let received = told.giant(Y, "2024-01-01");
    assert_eq!((received.status, received.batch.as_str()), (Status::Active, "1"));
    assert!(received.has(Flag::DesignationNotOnRecord));
}

#[test]
fn a_designation_of_an_ended_subject_may_still_pass() {
    let told = Told::of(&[
        giant(X, "6", "2024-01-01"),
        absorbed(X, &[Y], "2023-12-20"),
        transferred(X, Y, "2024-02-01", None),
    ]);
    assert_eq!(told.giant(X, "2024-02-01").cause, Some(EndCause::SubjectAbsorbed));
    let received = told.giant(Y, "2024-02-01");
    assert_eq!((received.status, received.to), (Status::Active, Some(day("2026-12-31"))));
}

fn converted(on: &str, to: Option<&str>) -> pb::Event {
    let fact = pb::TitleConverted {
        from_programme: "national-platform".to_owned(),
        to_programme: "national-platform-base".to_owned(),
        valid_to: to.and_then(date),
        ..Default::default()
    };
    stated(MINISTRY, X, on, Fact::TitleConverted(fact))
}

#[test]
fn a_title_turns_into_another_only_while_it_is_in_force() {
    let old = || designated_to(MINISTRY, X, "national-platform", "p", "2023-01-01", None);
    let told = Told::of(&[old(), converted("2025-12-31", Some("2028-12-30"))]);
    let new = told.find(X, "national-platform-base", "2025-12-31").unwrap();
    assert_eq!((new.status, new.to), (Status::Active, Some(day("2028-12-30"))), "as stated");
    let given = told.find(X, "national-platform", "2025-12-31").unwrap();
    assert_eq!((given.status, given.cause), (Status::Converted, Some(EndCause::Converted)));

    let told = Told::of(&[old(), converted("2026-01-01", Some("2028-12-30"))]);
    assert_eq!(told.find(X, "national-platform-base", "2026-01-01"), None);
    let lapsed = told.find(X, "national-platform", "2026-01-01").unwrap();
    assert_eq!((lapsed.status, lapsed.superseded()), (Status::Expired, vec![1]));
}
