//! How titles begin, lapse, return and end.

use super::*;

#[tokio::test]
async fn case_09_a_little_giant_outlives_the_provincial_title() {
    let book = Book::new();
    book.say(designated(GUANGDONG, A, SPECIALISED, "2022-1", "2022-01-01")).await;
    book.say(giant(A, "4", "2022-09-01")).await;
    book.say(revoked(GUANGDONG, A, SPECIALISED, "2023-06-01", None)).await;
    assert_eq!(book.stands(A, SPECIALISED, "2023-06-01"), Some(Status::Revoked));
    let giant = book.title(A, GIANT, "2023-06-01").unwrap();
    assert_eq!(giant.status, Status::Active, "no cascade");
    assert!(giant.flags.contains(Flag::PrerequisiteLost));
    assert!(!book.title(A, GIANT, "2023-05-31").unwrap().flags.contains(Flag::PrerequisiteLost));
}

#[tokio::test]
async fn case_10_a_lapsed_little_giant_revives_no_provincial_title() {
    let book = Book::new();
    book.say(designated(GUANGDONG, A, SPECIALISED, "2020-1", "2020-01-01")).await;
    book.say(giant(A, "2", "2021-01-01")).await;
    assert_eq!(book.stands(A, GIANT, "2024-01-01"), Some(Status::Expired));
    assert_eq!(book.stands(A, SPECIALISED, "2024-01-01"), Some(Status::Expired));
}

#[tokio::test]
async fn case_11_a_review_passed_late_shows_the_gap() {
    let book = Book::new();
    book.say(giant(A, "1", "2019-06-05")).await;
    let opened = pb::ReviewOpened {
        programme: GIANT.to_owned(),
        round: "2022".to_owned(),
        ..Default::default()
    };
    book.say(event(MINISTRY, A, "2022-04-01", Fact::ReviewOpened(opened))).await;
    let due = book.title(A, GIANT, "2022-05-01").unwrap();
    assert!(due.flags.contains(Flag::ReviewDue) && due.status == Status::Active);
    let pending = book.title(A, GIANT, "2022-07-01").unwrap();
    assert_eq!(pending.status, Status::Expired);
    assert!(pending.flags.contains(Flag::ReviewPending), "expired, and the review is open");
    // Declared to reach back: no gap as of a day in it, but the gap stays as known before.
    book.say(passed(A, GIANT, "2022", "2022-06-05")).await;
    assert_eq!(book.stands(A, GIANT, "2022-07-01"), Some(Status::Active));
    assert_eq!(book.status_known(A, "2022-07-01", 2), Some(Status::Expired));
    // The round is sealed: what was not passed is no longer pending.
    book.say(giant(B, "1", "2019-06-05")).await;
    let opened =
        pb::ReviewOpened { programme: GIANT.into(), round: "2022".into(), ..Default::default() };
    book.say(event(MINISTRY, B, "2022-04-01", Fact::ReviewOpened(opened))).await;
    assert!(book.title(B, GIANT, "2022-09-01").unwrap().flags.contains(Flag::ReviewPending));
    book.say(sealed(MINISTRY, GIANT, "2022", "", "2022-08-01", Some((0, 1)))).await;
    assert!(book.title(B, GIANT, "2022-07-31").unwrap().flags.contains(Flag::ReviewPending));
    assert!(!book.title(B, GIANT, "2022-08-01").unwrap().flags.contains(Flag::ReviewPending));
}

#[tokio::test]
async fn case_12_a_validity_may_begin_before_its_publication() {
    let book = Book::new();
    let mut backdated = designated(LIAONING, A, SPECIALISED, "2023-2", "2024-01-01");
    if let Some(Fact::Designated(fact)) = &mut backdated.fact {
        fact.valid_to = date("2026-12-31");
    }
    backdated.evidence.as_mut().unwrap().published_date = date("2024-01-15");
    book.say(backdated).await;
    assert_eq!(book.stands(A, SPECIALISED, "2024-01-01"), Some(Status::Active));
    let title = book.title(A, SPECIALISED, "2024-01-01").unwrap();
    assert!(!title.inferred && title.valid_to.unwrap().to_string() == "2026-12-31");
}

#[tokio::test]
async fn case_13_an_event_that_arrives_late_counts_by_its_date() {
    let book = Book::new();
    book.say(passed(A, GIANT, "2022", "2022-06-05")).await;
    let early = book.title(A, GIANT, "2023-01-01").unwrap();
    assert_eq!(early.status, Status::Active);
    assert!(early.flags.contains(Flag::DesignationNotOnRecord));
    book.say(giant(A, "1", "2019-06-05")).await;
    let title = book.title(A, GIANT, "2023-01-01").unwrap();
    assert_eq!((title.status, title.positions), (Status::Active, vec![1, 0]));
    assert!(!title.flags.contains(Flag::DesignationNotOnRecord));
    assert_eq!(book.status_known(A, "2022-06-04", 1), None);
}

#[tokio::test]
async fn case_14_a_revocation_before_a_recorded_review_wins() {
    let book = Book::new();
    book.say(giant(A, "1", "2019-06-05")).await;
    book.say(passed(A, GIANT, "2022", "2022-06-05")).await;
    assert_eq!(book.warned(revoked(MINISTRY, A, GIANT, "2021-01-01", None)).await, ["Conflicts"]);
    let title = book.title(A, GIANT, "2023-01-01").unwrap();
    assert_eq!((title.status, title.superseded), (Status::Revoked, vec![1]));
}

#[tokio::test]
async fn case_15_the_last_of_a_chain_of_corrections_wins() {
    let book = Book::new();
    let first = book.say(designated(GUANGDONG, A, SPECIALISED, "2022-1", "2022-01-01")).await;
    let by_guangdong = |target, replacement| {
        let mut event: pb::Event = corrected(target, replacement);
        event.authority = GUANGDONG.to_owned();
        event
    };
    let second = book
        .say(by_guangdong(first, designated(GUANGDONG, A, SPECIALISED, "2022-1", "2022-02-01")))
        .await;
    book.say(by_guangdong(second, designated(GUANGDONG, A, SPECIALISED, "2022-1", "2022-03-01")))
        .await;
    let title = book.title(A, SPECIALISED, "2022-06-01").unwrap();
    assert_eq!(title.valid_from.unwrap().to_string(), "2022-03-01");
    let mut stranger =
        corrected(first, designated(LIAONING, A, SPECIALISED, "2022-1", "2022-01-01"));
    stranger.authority = LIAONING.to_owned();
    assert_eq!(book.refused(stranger).await, ["RepairNotAllowed"]);
    let cycle = by_guangdong(9, designated(GUANGDONG, A, SPECIALISED, "2022-1", "2022-01-01"));
    assert_eq!(
        book.refused(cycle).await,
        ["RepairNotAllowed"],
        "only what is recorded is repaired"
    );
}

#[tokio::test]
async fn case_24_nobody_applies_again_before_the_end_of_a_ban() {
    let book = Book::new();
    book.say(giant(A, "1", "2019-06-05")).await;
    book.say(revoked(MINISTRY, A, GIANT, "2020-01-01", Some("2022-12-31"))).await;
    let during = notice(MINISTRY, A, GIANT, "4", "2022-12-31", "2023-01-06");
    assert_eq!(book.refused(during).await, ["Banned"]);
    book.say(notice(MINISTRY, A, GIANT, "5", "2023-01-01", "2023-01-06")).await;
}

#[tokio::test]
async fn a_serious_ground_bans_where_the_document_states_no_day() {
    let book = Book::new();
    book.say(giant(A, "1", "2019-06-05")).await;
    let mut revocation = revoked(MINISTRY, A, GIANT, "2024-01-10", None);
    let Some(Fact::Revoked(fact)) = &mut revocation.fact else { unreachable!() };
    fact.ground = pb::RevocationGround::Falsification.into();
    book.say(revocation).await;
    assert_eq!(book.title(A, GIANT, "2024-01-10").unwrap().ban_until, Some(day("2027-01-09")));
    assert_eq!(book.refused(giant(A, "9", "2027-01-09")).await, ["Banned"]);
    book.say(giant(A, "9", "2027-01-10")).await;
}

#[tokio::test]
async fn case_31_the_last_day_counts_and_leap_days_end_on_the_28th() {
    let book = Book::new();
    book.say(designated(LIAONING, A, SPECIALISED, "2023-2", "2024-01-01")).await;
    assert_eq!(book.stands(A, SPECIALISED, "2026-12-31"), Some(Status::Active));
    assert_eq!(book.stands(A, SPECIALISED, "2027-01-01"), Some(Status::Expired));
    book.say(designated(LIAONING, B, SPECIALISED, "2024-1", "2024-02-29")).await;
    let title = book.title(B, SPECIALISED, "2024-03-01").unwrap();
    assert!(title.inferred && title.valid_to.unwrap().to_string() == "2027-02-28");
}

#[tokio::test]
async fn a_reinstated_title_goes_on_to_the_end_it_had() {
    let book = Book::new();
    book.say(giant(A, "4", "2022-09-01")).await;
    let revocation = book.say(revoked(MINISTRY, A, GIANT, "2023-01-01", Some("2025-12-31"))).await;
    let reinstated = |position| {
        let fact = pb::Reinstated { programme: GIANT.to_owned(), position, ..Default::default() };
        event(MINISTRY, A, "2023-07-01", Fact::Reinstated(fact))
    };
    assert_eq!(book.refused(reinstated(Some(0))).await, ["ReferenceInvalid"]);
    book.say(reinstated(Some(revocation))).await;
    assert_eq!(book.stands(A, GIANT, "2023-06-30"), Some(Status::Revoked));
    let title = book.title(A, GIANT, "2023-07-01").unwrap();
    assert_eq!(title.status, Status::Active);
    assert_eq!(
        (title.valid_to.unwrap().to_string(), title.ban_until),
        ("2025-08-31".to_owned(), Some(day("2023-06-30")))
    );
    // A second one finds no revocation in force.
    let mut again = reinstated(None);
    again.effective_date = date("2023-08-01");
    assert_eq!(book.warned(again.clone()).await, ["Conflicts"]);
    book.say(complete(MINISTRY, GIANT, Part::Titles, "2023-01-01")).await;
    again.effective_date = date("2023-09-01");
    assert_eq!(book.refused(again).await, ["TitleNotHeld"]);
}

#[tokio::test]
async fn a_platform_becomes_a_platform_base_after_its_creation_task() {
    let book = Book::new();
    let merged = "national-platform-base";
    let new = || designated(MINISTRY, B, merged, "1", "2026-06-01");
    assert_eq!(book.warned(new()).await, ["CreationNotPassed", "NoticeMissing"]);
    let listed = pb::CreationListed {
        programme: merged.to_owned(),
        batch: "1".to_owned(),
        ..Default::default()
    };
    book.say(event(MINISTRY, C, "2026-01-01", Fact::CreationListed(listed))).await;
    let open = book.title(C, merged, "2026-02-01").unwrap();
    assert_eq!(open.status, Status::Noticed);
    assert!(open.flags.contains(Flag::CreationOpen));
    let assessed = |passed| {
        let (programme, batch) = (merged.to_owned(), "1".to_owned());
        let fact = pb::CreationAssessed { programme, batch, passed, ..Default::default() };
        event(MINISTRY, C, "2026-05-01", Fact::CreationAssessed(fact))
    };
    let failed = book.say(assessed(false)).await;
    assert_eq!(book.stands(C, merged, "2026-05-01"), Some(Status::NotDesignated));
    let designation = designated(MINISTRY, C, merged, "1", "2026-06-01");
    // A task that was passed later may still come, until the record is complete.
    let declared = book.say(complete(MINISTRY, merged, Part::Titles, "2026-06-01")).await;
    assert_eq!(book.refused(designation.clone()).await, ["CreationNotPassed"]);
    book.say(annulled(declared)).await;
    let designated_early = book.ledger.register().size();
    let warned = book.warned(designation.clone()).await;
    assert_eq!(warned, ["CreationNotPassed", "NoticeMissing"]);
    book.say(annulled(designated_early)).await;
    book.say(annulled(failed)).await;
    book.say(assessed(true)).await;
    assert_eq!(book.warned(designation).await, ["NoticeMissing"]);

    // An older title may be converted, as the catalogue foresees, and nothing else.
    book.say(designated(MINISTRY, A, "national-platform", "2024", "2024-11-01")).await;
    let converted = |to: &str| {
        let (from_programme, to_programme) = ("national-platform".to_owned(), to.to_owned());
        let fact = pb::TitleConverted { from_programme, to_programme, ..Default::default() };
        event(MINISTRY, A, "2026-01-01", Fact::TitleConverted(fact))
    };
    assert_eq!(book.refused(converted(GIANT)).await, ["ConversionNotForeseen"]);
    book.say(converted(merged)).await;
    let old = book.title(A, "national-platform", "2026-01-01").unwrap();
    let new = book.title(A, merged, "2026-01-01").unwrap();
    assert_eq!((old.status, new.status), (Status::Converted, Status::Active));
    assert_eq!(
        (new.batch.as_str(), new.valid_to.unwrap().to_string()),
        ("2024", "2027-10-31".into())
    );
}

#[tokio::test]
async fn a_programme_renewed_by_designation_begins_anew_at_its_end() {
    let book = Book::new();
    book.say(designated(GUANGDONG, A, INNOVATIVE, "2022-1", "2022-09-01")).await;
    // Usual in the year in which the old title ends; otherwise worth a look.
    let early = || designated(GUANGDONG, A, INNOVATIVE, "2024-1", "2024-12-31");
    let declared = book.say(complete(GUANGDONG, INNOVATIVE, Part::Titles, "2022-01-01")).await;
    assert_eq!(book.refused(early()).await, ["TitleAlreadyHeld"]);
    book.say(annulled(declared)).await;
    let position = book.ledger.register().size();
    assert!(book.warned(early()).await.contains(&"TitleAlreadyHeld".to_owned()));
    book.say(annulled(position)).await;
    book.say(designated(GUANGDONG, A, INNOVATIVE, "2025-1", "2025-03-01")).await;
    let title = book.title(A, INNOVATIVE, "2025-03-01").unwrap();
    assert_eq!((title.status, title.batch.as_str()), (Status::Active, "2022-1"), "its cohort");
    assert_eq!(title.valid_to.unwrap().to_string(), "2028-02-29");
}
