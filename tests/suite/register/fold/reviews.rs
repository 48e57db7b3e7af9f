//! Reviews: passed without a designation on record, failed before the last day, passed after a
//! failure.

use tidu::{
    protocol::pb::ReviewFailureCause as Cause,
    register::{EndCause, Flag, Status},
};

use super::*;

#[test]
fn a_passed_review_shows_a_title_without_designation() {
    let told = Told::of(&[passed(X, "r", "2022-06-05", false)]);
    let title = told.giant(X, "2022-06-05");
    assert_eq!((title.status, title.from), (Status::Active, Some(day("2022-06-05"))));
    assert_eq!((title.batch.as_str(), title.round.as_str()), ("1", "r"), "the batch it names");
    assert!(title.has(Flag::DesignationNotOnRecord));
    assert_eq!(told.find(X, GIANT, "2022-06-04"), None);
    let told = Told::of(&[passed(X, "r", "2022-06-05", false), giant(X, "1", "2019-06-05")]);
    assert_eq!(told.status(X, "2019-06-05"), Status::Active);
    let title = told.giant(X, "2022-06-05");
    assert!(!title.has(Flag::DesignationNotOnRecord));
    assert!(title.superseded.is_empty());
}

#[test]
fn a_designation_after_a_reviewed_title_lapsed_clears_the_flag() {
    let told = Told::of(&[passed(X, "r", "2022-06-05", false), giant(X, "8", "2026-01-01")]);
    assert!(told.giant(X, "2025-12-31").has(Flag::DesignationNotOnRecord));
    let title = told.giant(X, "2026-01-01");
    assert_eq!((title.batch.as_str(), title.round.as_str()), ("8", ""), "a new run");
    assert!(!title.has(Flag::DesignationNotOnRecord));
}

#[test]
fn a_revocation_or_surrender_counts_without_a_designation() {
    let cases = [
        (revoked(X, "2022-01-01", None), Status::Revoked),
        (surrendered(X, "2022-01-01"), Status::Surrendered),
    ];
    for (end, status) in cases {
        let told = Told::of(std::slice::from_ref(&end));
        let title = told.giant(X, "2022-01-01");
        assert_eq!((title.status, title.from), (status, None));
        assert!(title.has(Flag::DesignationNotOnRecord));
        assert_eq!(title.ended_on, Some(day("2022-01-01")));

        let loaded = Told::of(&[end.clone(), giant(X, "1", "2021-01-01")]);
        let title = loaded.giant(X, "2022-01-01");
        assert_eq!((title.status, title.to), (status, Some(day("2021-12-31"))));
        assert!(!title.has(Flag::DesignationNotOnRecord));

        let again = Told::of(&[end, giant(X, "7", "2025-01-01")]);
        assert_eq!(again.status(X, "2024-12-31"), status);
        assert_eq!(again.status(X, "2025-01-01"), Status::Active);
    }
}

#[test]
fn a_review_after_an_end_without_a_designation_changes_nothing() {
    let told = Told::of(&[surrendered(X, "2022-01-01"), passed(X, "r", "2022-06-05", false)]);
    let title = told.giant(X, "2022-06-05");
    assert_eq!((title.status, title.superseded()), (Status::Surrendered, vec![1]));
}

#[test]
fn a_reinstatement_without_a_designation_has_no_known_end() {
    let told = Told::of(&[revoked(X, "2022-01-01", None), reinstated(X, "2022-06-05")]);
    let title = told.giant(X, "2030-01-01");
    assert_eq!((title.status, title.to), (Status::Active, None));
    assert!(title.has(Flag::DesignationNotOnRecord));
}

#[test]
fn only_facts_that_cannot_apply_are_not_on_record() {
    let fact = |fact| stated(MINISTRY, X, "2022-01-01", fact);
    let programme = || GIANT.to_owned();
    let cases = [
        failed(X, GIANT, Cause::NotSubmitted, "2022-01-01"),
        reinstated(X, "2022-01-01"),
        transferred(X, Y, "2022-01-01", None),
        withdrawn(X, "6", "2022-01-01"),
        objected(MINISTRY, X, "6", "2022-01-01"),
        dismissed(X, "6", "2022-01-01"),
        fact(Fact::RevocationProposed(pb::RevocationProposed {
            programme: programme(),
            ground: pb::RevocationGround::Other.into(),
            ..Default::default()
        })),
        fact(Fact::RectificationOrdered(pb::RectificationOrdered {
            programme: programme(),
            ..Default::default()
        })),
        fact(Fact::ReviewOpened(pb::ReviewOpened {
            programme: programme(),
            round: "r".to_owned(),
            ..Default::default()
        })),
        fact(Fact::NoticeOpened(pb::NoticeOpened {
            programme: programme(),
            batch: "r".to_owned(),
            purpose: pb::NoticePurpose::Review.into(),
            ..Default::default()
        })),
        fact(Fact::SupportGranted(pb::SupportGranted {
            programme: programme(),
            scheme: "key".to_owned(),
            round: "1".to_owned(),
            ..Default::default()
        })),
    ];
    for case in cases {
        let told = Told::of(std::slice::from_ref(&case));
        let title = told.giant(X, "2022-01-01");
        assert_eq!(title.status, Status::NotOnRecord, "{case:?}");
        assert_eq!((title.cause, title.from), (None, None));
        let loaded = Told::of(&[case, giant(X, "1", "2023-01-01")]);
        assert_eq!(loaded.status(X, "2023-01-01"), Status::Active);
    }
}

#[test]
fn a_failed_review_leaves_a_title_in_force_to_its_last_day() {
    let told = Told::of(&[
        giant(X, "6", "2023-01-01"),
        failed(X, GIANT, Cause::NotUpToStandard, "2025-11-10"),
    ]);
    assert_eq!(told.giant(X, "2025-11-09").cause, None);
    for as_of in ["2025-11-10", "2025-12-31"] {
        let title = told.giant(X, as_of);
        assert_eq!((title.status, title.to), (Status::Active, Some(day("2025-12-31"))), "{as_of}");
        assert_eq!(title.cause, Some(EndCause::ReviewNotUpToStandard), "at once");
        assert_eq!((title.ended_on, title.ended_by), (None, Some(1)));
    }
    let title = told.giant(X, "2026-01-01");
    assert_eq!(title.status, Status::Expired);
    assert_eq!(title.cause, Some(EndCause::ReviewNotUpToStandard));
}

#[test]
fn a_review_that_fails_after_the_last_day_gives_the_cause() {
    for (cause, shown) in [
        (Cause::NotSubmitted, EndCause::ReviewNotSubmitted),
        (Cause::NotUpToStandard, EndCause::ReviewNotUpToStandard),
    ] {
        let told = Told::of(&[giant(X, "6", "2023-01-01"), failed(X, GIANT, cause, "2026-02-01")]);
        assert_eq!(told.giant(X, "2026-01-31").cause, Some(EndCause::Lapsed));
        assert_eq!(told.giant(X, "2026-02-01").cause, Some(shown));
        assert_eq!(told.giant(X, "2026-02-01").to, Some(day("2025-12-31")));
    }
}

#[test]
fn a_failed_review_revokes_where_the_catalogue_says_so() {
    let champion = designated_to(MINISTRY, X, CHAMPION, "7", "2023-01-01", None);
    let told = Told::of(&[champion, failed(X, CHAMPION, Cause::NotSubmitted, "2025-11-10")]);
    let title = told.find(X, CHAMPION, "2025-11-10").unwrap();
    assert_eq!((title.status, title.to), (Status::Revoked, Some(day("2025-11-09"))));
    assert_eq!(title.cause, Some(EndCause::ReviewNotSubmitted));
    assert_eq!(title.ended_on, Some(day("2025-11-10")));
    assert!(!title.has(Flag::BanMissing));
}

#[test]
fn a_failed_review_ends_a_title_without_a_known_end() {
    let programme = "national-platform-base";
    let told = Told::of(&[
        designated_to(MINISTRY, X, programme, "1", "2025-11-01", None),
        failed(X, programme, Cause::NotSubmitted, "2027-01-01"),
    ]);
    assert_eq!(told.find(X, programme, "2026-12-31").unwrap().status, Status::Active);
    let title = told.find(X, programme, "2027-01-01").unwrap();
    assert_eq!((title.status, title.to), (Status::Expired, Some(day("2026-12-31"))));
    assert_eq!(title.ended_on, Some(day("2027-01-01")));
}

#[test]
fn a_failed_review_closes_the_review_and_counts_once() {
    let opened = pb::ReviewOpened {
        programme: GIANT.to_owned(),
        round: "r".to_owned(),
        ..Default::default()
    };
    let told = Told::of(&[
        giant(X, "6", "2023-01-01"),
        stated(MINISTRY, X, "2025-09-01", Fact::ReviewOpened(opened)),
        failed(X, GIANT, Cause::NotSubmitted, "2025-11-10"),
        failed(X, GIANT, Cause::NotUpToStandard, "2025-12-01"),
    ]);
    assert!(told.giant(X, "2025-11-09").has(Flag::ReviewDue));
    let title = told.giant(X, "2025-12-01");
    assert!(!title.has(Flag::ReviewDue));
    assert_eq!((title.cause, title.superseded()), (Some(EndCause::ReviewNotSubmitted), vec![3]));
    assert!(!told.giant(X, "2026-01-01").has(Flag::ReviewPending));
}

#[test]
fn after_a_failed_review_only_a_supplement_renews() {
    let facts = |on, supplement| {
        Told::of(&[
            giant(X, "6", "2023-01-01"),
            failed(X, GIANT, Cause::NotSubmitted, "2025-11-10"),
            passed(X, "r2", on, supplement),
        ])
    };
    for on in ["2025-12-01", "2026-03-01"] {
        let told = facts(on, false);
        let title = told.giant(X, on);
        assert_eq!((title.superseded(), title.to), (vec![2], Some(day("2025-12-31"))), "{on}");
        let told = facts(on, true);
        let title = told.giant(X, on);
        assert_eq!((title.status, title.from), (Status::Active, Some(day(on))), "{on}");
        assert_eq!(title.cause, None, "the failure is forgotten");
    }
}

#[test]
fn a_new_designation_forgets_the_failed_review() {
    let told = Told::of(&[
        giant(X, "6", "2023-01-01"),
        failed(X, GIANT, Cause::NotSubmitted, "2025-11-10"),
        giant(X, "8", "2026-02-01"),
        passed(X, "r2", "2029-01-20", false),
    ]);
    assert_eq!(told.giant(X, "2026-02-01").cause, None);
    assert_eq!(told.giant(X, "2029-01-20").from, Some(day("2029-01-20")), "a pass renews it");
}

#[test]
fn a_title_with_a_failed_review_may_be_revoked_or_surrendered() {
    for (end, status) in [
        (revoked(X, "2025-12-01", None), Status::Revoked),
        (surrendered(X, "2025-12-01"), Status::Surrendered),
    ] {
        let told = Told::of(&[
            giant(X, "6", "2023-01-01"),
            failed(X, GIANT, Cause::NotSubmitted, "2025-11-10"),
            end,
        ]);
        let title = told.giant(X, "2025-12-01");
        assert_eq!((title.status, title.to), (status, Some(day("2025-11-30"))));
    }
}

#[test]
fn a_reinstated_title_still_has_its_failed_review() {
    let told = Told::of(&[
        giant(X, "6", "2023-01-01"),
        failed(X, GIANT, Cause::NotSubmitted, "2025-11-10"),
        revoked(X, "2025-11-20", None),
        reinstated(X, "2025-12-01"),
    ]);
    let title = told.giant(X, "2025-12-01");
    assert_eq!((title.status, title.cause), (Status::Active, Some(EndCause::ReviewNotSubmitted)));
    assert_eq!(title.to, Some(day("2025-12-31")));
}
