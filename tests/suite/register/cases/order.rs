//! Facts that contradict each other, in both orders of recording. A fact that another one, still to
//! come, could put right is accepted with a warning, and rejected once the record is complete. A
//! contradiction that nothing puts right is rejected, whichever fact is recorded first.

use super::*;

const CHAMPION: &str = "single-item-champion";

/// Records two facts in both orders. Gives what was noted about the second one, of each order.
async fn noted_in_both_orders(first: pb::Event, second: pb::Event) -> [Vec<String>; 2] {
    let (one, other) = (Book::new(), Book::new());
    one.say(first.clone()).await;
    other.say(second.clone()).await;
    let noted = [one.noted(second).await, other.noted(first).await];
    for on in ["2019-12-31", "2021-06-01", "2022-06-01", "2023-06-01", "2025-06-01", "2030-01-01"] {
        let stands = |book: &Book| book.shown(A, on).titles.into_iter().map(|t| t.status).collect();
        let [one, other]: [Vec<Status>; 2] = [stands(&one), stands(&other)];
        assert_eq!(one, other, "on {on}");
    }
    noted
}

/// Two facts contradict each other: each is rejected after the other one.
async fn refused_in_both_orders(
    before: &[pb::Event],
    first: pb::Event,
    second: pb::Event,
) -> [Vec<String>; 2] {
    let mut refused = Vec::new();
    for (one, other) in [(&first, &second), (&second, &first)] {
        let book = Book::new();
        for event in before.iter().chain([one]) {
            book.say(event.clone()).await;
        }
        refused.push(book.refused_by(other.clone()).await);
    }
    refused.try_into().unwrap()
}

fn restructured(who: &str, on: &str, successors: &[&str]) -> pb::Event {
    let fact = pb::Restructured {
        kind: pb::RestructuringKind::Absorption.into(),
        successors: successors.iter().map(|id| (*id).to_owned()).collect(),
        new_name: String::new(),
        ends: true,
    };
    event(MINISTRY, who, on, Fact::Restructured(fact))
}

fn licence_revoked(on: &str) -> pb::Event {
    let cause = pb::SubjectEndCause::LicenceRevoked.into();
    event(MINISTRY, A, on, Fact::SubjectEnded(pb::SubjectEnded { cause }))
}

fn supplement(mut event: pb::Event) -> pb::Event {
    match &mut event.fact {
        Some(Fact::Designated(fact)) => fact.supplement = true,
        Some(Fact::ReviewPassed(fact)) => fact.supplement = true,
        other => panic!("{other:?}"),
    }
    event
}

fn round_failed(round: &str, on: &str) -> pb::Event {
    let fact = pb::ReviewFailed {
        programme: GIANT.to_owned(),
        round: round.to_owned(),
        cause: pb::ReviewFailureCause::NotUpToStandard.into(),
        ..Default::default()
    };
    event(MINISTRY, A, on, Fact::ReviewFailed(fact))
}

#[tokio::test]
async fn of_two_designations_the_earlier_one_counts() {
    let noted = noted_in_both_orders(giant(A, "3", "2021-01-01"), giant(A, "4", "2022-01-01"));
    assert_eq!(noted.await, [["changes-nothing [0]"], ["effect-lost [0]"]]);
    for (first, second) in [("2021-01-01", "2022-01-01"), ("2022-01-01", "2021-01-01")] {
        let book = Book::new();
        book.say(giant(A, "3", first)).await;
        book.say(complete(MINISTRY, GIANT, Part::Titles, "2021-01-01")).await;
        assert_eq!(book.refused_by(giant(A, "4", second)).await, ["title-already-held [0]"]);
    }
}

#[tokio::test]
async fn a_title_begins_once_on_a_day() {
    let [one, other] =
        refused_in_both_orders(&[], giant(A, "3", "2021-01-01"), giant(A, "4", "2021-01-01")).await;
    assert_eq!([one, other], [["title-already-held [0]"], ["title-already-held [0]"]]);
    // In one commit the other designation has no position yet.
    let book = Book::new();
    let told = book.told(vec![giant(A, "3", "2021-01-01"), giant(A, "4", "2021-01-01")]).await;
    let held = "the title is held in that time already, by events[0] of this request";
    assert_eq!(told, format!("[1] effective_date: {held}\n"));
}

#[tokio::test]
async fn renewals_by_designation_are_loaded_in_any_order() {
    let new = || designated(GUANGDONG, A, INNOVATIVE, "2025-1", "2025-06-01");
    let mut old = designated(GUANGDONG, A, INNOVATIVE, "2022-1", "2022-08-15");
    if let Some(Fact::Designated(fact)) = &mut old.fact {
        fact.valid_to = date("2025-08-14");
    }
    let noted = noted_in_both_orders(old.clone(), new()).await;
    assert!(noted.iter().all(Vec::is_empty), "{noted:?}");
    let book = Book::new();
    book.say(new()).await;
    book.say(old).await;
    for (on, to) in [("2025-05-31", "2025-08-14"), ("2025-06-01", "2028-05-31")] {
        let title = book.title(A, INNOVATIVE, on).unwrap();
        assert_eq!((title.status, title.valid_to.unwrap()), (Status::Active, day(to)));
    }
}

#[tokio::test]
async fn nothing_begins_after_the_subject_has_ended() {
    let end = || ended(MINISTRY, A, "2021-12-20");
    let noted = noted_in_both_orders(end(), giant(A, "4", "2022-01-01")).await;
    assert_eq!(noted, [["changes-nothing [0]"], ["effect-lost [0]"]]);
    let book = Book::new();
    book.say(giant(A, "1", "2019-06-05")).await;
    book.say(end()).await;
    let noticed = notice(MINISTRY, A, GIANT, "6", "2022-03-01", "2022-03-07");
    assert_eq!(book.noted(noticed.clone()).await, ["changes-nothing [1]"]);
    assert_eq!(book.noted(passed(A, GIANT, "2022", "2022-06-05")).await, ["changes-nothing [1]"]);
    book.say(complete(MINISTRY, GIANT, Part::Titles, "2022-01-01")).await;
    assert_eq!(book.refused_by(giant(A, "7", "2023-01-01")).await, ["subject-ended [1]"]);
    let later = passed(A, GIANT, "2025", "2025-06-05");
    assert_eq!(book.refused_by(later).await, ["subject-ended [1]"]);
}

#[tokio::test]
async fn a_subject_ends_once() {
    let ends = |on| ended(MINISTRY, A, on);
    let first = [giant(A, "3", "2021-01-01")];
    let refused = refused_in_both_orders(&first, ends("2022-01-01"), ends("2023-01-01")).await;
    assert_eq!(refused, [["subject-ended-twice [1]"], ["subject-ended-twice [1]"]]);
    // A merger may end what is deregistered later: the first of the two counts.
    let merger = restructured(A, "2022-01-01", &[B]);
    let noted = noted_in_both_orders(merger, ends("2022-03-01")).await;
    assert_eq!(noted, [["changes-nothing [0]"], ["effect-lost [0]"]]);
    // A withdrawn licence ends nothing.
    let noted = noted_in_both_orders(licence_revoked("2022-01-01"), ends("2022-03-01")).await;
    assert!(noted.iter().all(Vec::is_empty), "{noted:?}");
    let twice = [licence_revoked("2022-01-01"), licence_revoked("2022-03-01")];
    let [one, other] = twice.clone();
    let noted = noted_in_both_orders(one.clone(), other).await;
    assert_eq!(noted, [["changes-nothing [0]"], ["effect-lost [0]"]]);
    let refused = refused_in_both_orders(&[], one.clone(), one).await;
    assert_eq!(refused, [["already-recorded [0]"], ["already-recorded [0]"]]);
}

#[tokio::test]
async fn what_needs_the_whole_record_warns_until_it_is_complete() {
    let book = Book::new();
    let mut champion = designated(MINISTRY, A, CHAMPION, "8", "2025-01-01");
    if let Some(Fact::Designated(fact)) = &mut champion.fact {
        fact.valid_to = date("2027-12-31");
    }
    book.say(champion).await;
    // The champion's title may have ended before, by a fact that is not loaded yet.
    assert_eq!(book.noted(giant(A, "8", "2026-06-01")).await, ["excluded-by-title [0]"]);
    let late = supplement(giant(B, "9", "2026-06-01"));
    assert_eq!(book.noted(late.clone()).await, ["nothing-to-supplement"]);
    book.say(annulled(1)).await;
    book.say(annulled(2)).await;
    book.say(complete(MINISTRY, "", Part::Titles, "2026-01-01")).await;
    let refused = book.refused_by(giant(A, "8", "2026-06-01")).await;
    assert_eq!(refused, ["excluded-by-title [0]"]);
    let refused = book.refused_by(supplement(giant(B, "10", "2026-06-01"))).await;
    assert_eq!(refused, ["nothing-to-supplement"]);
}

#[tokio::test]
async fn a_round_has_one_result_unless_a_supplement_puts_it_right() {
    let first = [giant(A, "1", "2019-06-05")];
    let pass = || passed(A, GIANT, "2022", "2022-06-05");
    let fail = || round_failed("2022", "2022-05-01");
    let refused = refused_in_both_orders(&first, pass(), fail()).await;
    assert_eq!(refused, [["review-contradicted [1]"], ["review-contradicted [1]"]]);
    let twice = supplement(passed(A, GIANT, "2022", "2022-07-05"));
    let refused = refused_in_both_orders(&first, pass(), twice.clone()).await;
    assert_eq!(refused, [["already-recorded [1]"], ["already-recorded [1]"]]);

    let book = Book::new();
    book.say(first[0].clone()).await;
    book.say(fail()).await;
    // Another round comes too late for a title that failed.
    assert_eq!(book.noted(passed(A, GIANT, "2023", "2023-06-05")).await, ["changes-nothing [1]"]);
    assert!(book.noted(twice).await.is_empty());
    assert_eq!(book.stands(A, GIANT, "2022-08-01"), Some(Status::Active));
}

#[tokio::test]
async fn a_reinstatement_needs_a_revocation() {
    let reinstated = |on: &str, position| {
        let fact = pb::Reinstated { programme: GIANT.to_owned(), position, ..Default::default() };
        event(MINISTRY, A, on, Fact::Reinstated(fact))
    };
    let book = Book::new();
    book.say(giant(A, "3", "2021-01-01")).await;
    assert_eq!(book.noted(reinstated("2022-03-01", None)).await, ["changes-nothing [0]"]);
    assert_eq!(book.refused_by(reinstated("2022-04-01", Some(0))).await, ["not-a-revocation"]);
    book.say(revoked(MINISTRY, A, GIANT, "2022-01-01", None)).await;
    let second = revoked(MINISTRY, A, GIANT, "2022-02-01", None);
    assert_eq!(book.noted(second).await, ["changes-nothing [2]"]);
    let other = reinstated("2022-02-15", Some(3));
    assert!(book.noted(other).await.contains(&"other-revocation [2]".to_owned()));
    book.say(complete(MINISTRY, GIANT, Part::Titles, "2023-01-01")).await;
    assert_eq!(book.refused_by(reinstated("2023-02-01", None)).await, ["not-revoked [4]"]);
}

#[tokio::test]
async fn a_reinstatement_names_a_revocation_or_its_correction() {
    for named in [1, 2] {
        let book = Book::new();
        book.say(giant(A, "3", "2021-01-01")).await;
        book.say(revoked(MINISTRY, A, GIANT, "2022-01-01", None)).await;
        book.say(corrected(1, revoked(MINISTRY, A, GIANT, "2022-02-01", None))).await;
        let (programme, position) = (GIANT.to_owned(), Some(named));
        let fact = pb::Reinstated { programme, position, ..Default::default() };
        let reinstated = event(MINISTRY, A, "2022-03-01", Fact::Reinstated(fact));
        assert!(book.noted(reinstated).await.is_empty(), "{named}");
        assert_eq!(book.stands(A, GIANT, "2022-03-01"), Some(Status::Active), "{named}");
    }
}

#[tokio::test]
async fn a_title_that_ended_takes_no_facts_once_complete() {
    let book = Book::new();
    book.say(giant(A, "3", "2021-01-01")).await;
    book.say(revoked(MINISTRY, A, GIANT, "2022-01-01", None)).await;
    let surrendered = |on| {
        let programme = GIANT.to_owned();
        let fact = pb::Surrendered { programme, ..Default::default() };
        event(MINISTRY, A, on, Fact::Surrendered(fact))
    };
    let supported = |on: &str| {
        let (programme, scheme) = (GIANT.to_owned(), "s1".to_owned());
        let round = on.to_string();
        let fact = pb::SupportGranted { programme, scheme, round, ..Default::default() };
        event(MINISTRY, A, on, Fact::SupportGranted(fact))
    };
    assert_eq!(book.noted(surrendered("2022-06-01")).await, ["changes-nothing [1]"]);
    assert_eq!(book.noted(supported("2022-06-01")).await, ["title-ended [1]"]);
    book.say(complete(MINISTRY, GIANT, Part::Titles, "2023-01-01")).await;
    assert_eq!(book.refused_by(surrendered("2023-06-01")).await, ["title-ended [1]"]);
    assert_eq!(book.refused_by(supported("2023-06-01")).await, ["title-ended [1]"]);
}

#[tokio::test]
async fn support_is_told_of_an_end_that_a_later_designation_followed() {
    let supported = |on: &str| {
        let (programme, scheme, round) = (GIANT.into(), "s1".into(), on.to_owned());
        let fact = pb::SupportGranted { programme, scheme, round, ..Default::default() };
        event(MINISTRY, A, on, Fact::SupportGranted(fact))
    };
    let book = Book::new();
    book.say(giant(A, "1", "2018-01-01")).await;
    book.say(revoked(MINISTRY, A, GIANT, "2019-01-01", None)).await;
    book.say(giant(A, "5", "2023-01-01")).await;
    assert_eq!(book.noted(supported("2019-06-01")).await, ["title-ended [1]"]);
    assert!(book.noted(supported("2018-06-01")).await.is_empty());
    assert!(book.noted(supported("2023-06-01")).await.is_empty());
}

#[tokio::test]
async fn facts_of_one_day_are_judged_in_the_order_of_the_fold() {
    let book = Book::new();
    book.say(giant(A, "1", "2019-06-05")).await;
    book.say(revoked(MINISTRY, A, GIANT, "2022-06-05", Some("2025-06-04"))).await;
    // The review comes before the revocation of that day, and an application before its ban.
    assert!(book.noted(passed(A, GIANT, "2022", "2022-06-05")).await.is_empty());
    assert!(book.noted(giant(A, "4", "2022-06-05")).await.is_empty());
    assert_eq!(book.stands(A, GIANT, "2022-06-05"), Some(Status::Revoked));
}

#[tokio::test]
async fn a_ban_and_an_application_are_refused_in_both_orders() {
    let first = [giant(A, "1", "2019-06-05")];
    let ban = || revoked(MINISTRY, A, GIANT, "2021-10-09", Some("2024-10-09"));
    let applications = [
        giant(A, "4", "2024-10-09"),
        notice(MINISTRY, A, GIANT, "4", "2022-01-03", "2022-01-10"),
        giant(A, "4", "2021-10-10"),
    ];
    for application in applications {
        let refused = refused_in_both_orders(&first, ban(), application).await;
        assert_eq!(refused, [["banned [1]"], ["ban-covers [1]"]]);
    }
    // A designation after the ban leaves it as it is.
    let book = Book::new();
    book.say(giant(A, "3", "2021-01-01")).await;
    book.say(ban()).await;
    book.say(giant(A, "5", "2025-01-01")).await;
    assert_eq!(book.refused_by(giant(A, "4", "2022-03-22")).await, ["banned [1]"]);
    assert!(book.noted(giant(B, "4", "2022-03-22")).await.is_empty());
}

#[tokio::test]
async fn a_link_that_puts_an_application_into_a_ban_is_refused() {
    let first = giant(A, "1", "2019-06-05");
    let ban = revoked(MINISTRY, A, GIANT, "2021-10-09", Some("2024-10-09"));
    let application = giant(B, "4", "2022-09-01");
    let linked = |from, to| linked(from, to, "2023-01-01", Why::Reregistered);
    for link in [linked(A, B), linked(B, A)] {
        let book = Book::new();
        for event in [&first, &ban, &application] {
            book.say(event.clone()).await;
        }
        assert_eq!(book.refused_by(link.clone()).await, ["ban-covers [1, 2]"]);
        // The other order: the application meets the ban of the other identifier.
        let book = Book::new();
        for event in [&first, &ban, &link] {
            book.say(event.clone()).await;
        }
        assert_eq!(book.refused_by(application.clone()).await, ["banned [1]"]);
    }
}

#[tokio::test]
async fn a_ban_of_one_tier_is_told_in_the_others() {
    let application = designated(GUANGDONG, A, SPECIALISED, "2023-1", "2023-01-01");
    let ban = revoked(MINISTRY, A, GIANT, "2022-10-09", Some("2025-10-08"));
    for (first, second, expected) in [
        (&ban, &application, "banned-elsewhere [1]"),
        (&application, &ban, "ban-covers-elsewhere [1]"),
    ] {
        let book = Book::new();
        book.say(giant(A, "4", "2022-09-01")).await;
        book.say(first.clone()).await;
        assert_eq!(book.noted(second.clone()).await, [expected]);
        assert_eq!(book.stands(A, SPECIALISED, "2023-06-01"), Some(Status::Active));
    }
}

#[tokio::test]
async fn every_authority_is_involved_until_one_is_responsible() {
    let renamed = |issuer| {
        let fact = pb::Renamed { old_name: "甲".into(), new_name: "乙".into(), simple: true };
        event(issuer, A, "2022-01-01", Fact::Renamed(fact))
    };
    let book = Book::new();
    book.say(giant(A, "3", "2021-08-01")).await;
    book.say(renamed(LIAONING)).await;
    let book = Book::new();
    let mut recommended = giant(A, "3", "2021-08-01");
    if let Some(Fact::Designated(fact)) = &mut recommended.fact {
        fact.recommended_by = GUANGDONG.to_owned();
    }
    book.say(recommended).await;
    assert_eq!(book.refused_by(renamed(LIAONING)).await, ["issuer-not-entitled"]);
    book.say(renamed(GUANGDONG)).await;
}

#[tokio::test]
async fn an_end_dated_before_the_title_warns() {
    let book = Book::new();
    book.say(giant(A, "6", "2024-01-01")).await;
    let surrendered = pb::Surrendered { programme: GIANT.to_owned(), ..Default::default() };
    let early = event(MINISTRY, A, "2023-05-05", Fact::Surrendered(surrendered));
    assert_eq!(book.noted(early).await, ["title-not-on-record"]);
    assert_eq!(book.stands(A, GIANT, "2024-01-01"), Some(Status::Active));
}

#[tokio::test]
async fn a_prerequisite_is_a_needed_title_of_the_subject_on_the_day() {
    let recommended = |who: &str, on: &str| {
        let mut event = giant(who, "7", on);
        let Some(Fact::Designated(fact)) = &mut event.fact else { unreachable!() };
        fact.recommended_by = GUANGDONG.to_owned();
        event
    };
    let book = Book::new();
    book.say(complete(GUANGDONG, SPECIALISED, Part::Titles, "2021-01-01")).await;
    book.say(designated(GUANGDONG, A, SPECIALISED, "2022-1", "2022-01-01")).await;
    book.say(designated(GUANGDONG, B, INNOVATIVE, "2022-1", "2022-01-01")).await;
    for (who, on) in [(A, "2025-01-01"), (B, "2022-09-01"), (C, "2022-09-01")] {
        let refused = book.refused_by(recommended(who, on)).await;
        assert_eq!(refused, ["prerequisite-missing"], "{who} {on}");
    }
    book.say(recommended(A, "2024-12-31")).await;
}
