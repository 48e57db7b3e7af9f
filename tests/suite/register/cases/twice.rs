//! The same fact twice in one list: it is refused with both rows, and names no position that the
//! log has not given out.

use super::*;

fn row(mut event: pb::Event, row: u32) -> pb::Event {
    event.evidence.as_mut().unwrap().row = row;
    event
}

fn entered(who: &str, on: &str) -> pb::Event {
    let fact = pb::PoolEntered { pool: "2020".to_owned(), profile: None };
    event(GUANGDONG, who, on, Fact::PoolEntered(fact))
}

fn left(who: &str, on: &str) -> pb::Event {
    let fact = pb::PoolLeft { pool: "2020".to_owned(), reason: String::new() };
    event(GUANGDONG, who, on, Fact::PoolLeft(fact))
}

fn failed(who: &str, round: &str, on: &str) -> pb::Event {
    let fact = pb::ReviewFailed {
        programme: GIANT.to_owned(),
        round: round.to_owned(),
        cause: pb::ReviewFailureCause::NotUpToStandard.into(),
        ..Default::default()
    };
    event(MINISTRY, who, on, Fact::ReviewFailed(fact))
}

fn updated(who: &str, year: u32, on: &str) -> pb::Event {
    let fact = pb::InformationUpdated { programme: String::new(), year };
    event(MINISTRY, who, on, Fact::InformationUpdated(fact))
}

fn gone(who: &str, cause: pb::SubjectEndCause, on: &str) -> pb::Event {
    event(MINISTRY, who, on, Fact::SubjectEnded(pb::SubjectEnded { cause: cause.into() }))
}

#[tokio::test]
async fn a_fact_twice_in_one_list_is_told_by_its_rows() {
    let kinds: [fn(&str) -> pb::Event; 5] = [
        |who| passed(who, GIANT, "7", "2025-09-01"),
        |who| failed(who, "7", "2025-09-01"),
        |who| entered(who, "2020-01-01"),
        |who| left(who, "2020-01-01"),
        |who| updated(who, 2023, "2023-04-01"),
    ];
    for fact in kinds {
        let book = Book::new();
        for who in [A, B] {
            book.say(giant(who, "4", "2022-09-01")).await;
        }
        let list = || vec![row(fact(A), 12), row(fact(B), 13), row(fact(A), 40)];
        let told = book.told(list()).await;
        assert_eq!(told, "[2] designee: is in the list twice (rows 12 and 40)\n");
        assert_eq!(book.record(list()).await.unwrap_err(), ["DuplicateInList"]);
        // Without rows the place in the request is named, and on record there is a position.
        let told = book.told(vec![fact(A), fact(A)]).await;
        assert_eq!(
            told,
            "[1] designee: is in the list twice, first in events[0] of this request\n"
        );
        book.say(row(fact(A), 12)).await;
        let told = book.told(vec![row(fact(A), 40)]).await;
        assert!(told.contains("position 2") && !told.contains("list twice"), "{told}");
    }
}

/// Two identifiers may turn out to name one subject after each of them has said the same, and then
/// the link cannot be refused.
#[tokio::test]
async fn a_fact_under_two_identifiers_is_accepted_in_both_orders() {
    let kinds: [fn(&str) -> pb::Event; 8] = [
        |who| passed(who, GIANT, "7", "2025-09-01"),
        |who| failed(who, "7", "2025-09-01"),
        |who| giant(who, "7", "2025-09-01"),
        |who| notice(MINISTRY, who, GIANT, "7", "2025-08-01", "2025-08-07"),
        |who| entered(who, "2020-01-01"),
        |who| updated(who, 2023, "2023-04-01"),
        |who| gone(who, pb::SubjectEndCause::Deregistered, "2026-01-01"),
        |who| gone(who, pb::SubjectEndCause::LicenceRevoked, "2026-01-01"),
    ];
    let link = || linked(A, B, "2026-02-01", Why::Reregistered);
    for fact in kinds {
        let late = Book::new();
        late.record(vec![giant(A, "4", "2022-09-01"), fact(A), fact(B)]).await.unwrap();
        late.say(link()).await;
        let early = Book::new();
        early.record(vec![giant(A, "4", "2022-09-01"), link()]).await.unwrap();
        early.say(fact(A)).await;
        let told = early.noted(fact(B)).await;
        assert_eq!(told.len(), 1, "{:?}: {told:?}", fact(A));
        assert_eq!(early.refused(fact(A)).await.len(), 1, "{:?}", fact(A));
        assert_eq!(early.refused(fact(B)).await.len(), 1, "{:?}", fact(A));
        for on in ["2025-12-31", "2026-12-31"] {
            assert_eq!(early.stands(A, GIANT, on), late.stands(A, GIANT, on), "{:?}", fact(A));
        }
    }
}

#[tokio::test]
async fn results_of_one_round_under_two_identifiers_are_accepted() {
    let (pass, fail) = (passed(A, GIANT, "7", "2025-09-01"), failed(B, "7", "2025-08-01"));
    let link = || linked(A, B, "2026-02-01", Why::Reregistered);
    let late = Book::new();
    late.record(vec![giant(A, "4", "2022-09-01"), pass.clone(), fail.clone()]).await.unwrap();
    late.say(link()).await;
    for (first, second) in [(&pass, &fail), (&fail, &pass)] {
        let early = Book::new();
        early.record(vec![giant(A, "4", "2022-09-01"), link()]).await.unwrap();
        early.say(first.clone()).await;
        let told = early.noted(second.clone()).await;
        assert!(told.contains(&"review-contradicted [2]".to_owned()), "{told:?}");
        let on = "2026-12-31";
        assert_eq!(early.stands(A, GIANT, on), late.stands(A, GIANT, on));
    }
}

#[tokio::test]
async fn no_duplicate_in_one_list_names_a_position() {
    let noticed = |who: &str| notice(MINISTRY, who, GIANT, "4", "2022-08-01", "2022-08-05");
    let designated = |who: &str| giant(who, "4", "2022-09-01");
    for (first, second) in [(noticed(A), noticed(A)), (designated(A), designated(A))] {
        let book = Book::new();
        for (one, other) in [(0, 0), (3, 9)] {
            let events = vec![row(first.clone(), one), row(second.clone(), other)];
            let (told, why) = (book.told(events.clone()).await, book.record(events).await);
            assert!(!told.contains("position"), "{told}");
            assert_eq!(told.contains("rows 3 and 9"), one > 0, "{told}");
            let rows = "DuplicateInList".to_owned();
            assert!(one == 0 || why == Err(vec![rows]), "{told}");
        }
    }
}
