//! Steps of a notice, of a transfer and of a cultivation pool: each acts on what it names.

use super::*;

fn objection(on: &str, batch: &str, scope: pb::NoticeScope) -> pb::Event {
    let (programme, batch, scope) = (GIANT.to_owned(), batch.to_owned(), scope.into());
    let fact = pb::ObjectionRaised { programme, batch, scope, ..Default::default() };
    event(MINISTRY, A, on, Fact::ObjectionRaised(fact))
}

fn resolved(on: &str, batch: &str, objection: Option<u64>) -> pb::Event {
    let fact = pb::ObjectionResolved {
        programme: GIANT.to_owned(),
        batch: batch.to_owned(),
        outcome: pb::ObjectionOutcome::Dismissed.into(),
        objection,
        ..Default::default()
    };
    event(MINISTRY, A, on, Fact::ObjectionResolved(fact))
}

fn withdrawn(on: &str, batch: &str) -> pb::Event {
    let (programme, batch) = (GIANT.to_owned(), batch.to_owned());
    let fact = pb::NoticeWithdrawn { programme, batch, ..Default::default() };
    event(MINISTRY, A, on, Fact::NoticeWithdrawn(fact))
}

fn noticed(batch: &str) -> pb::Event {
    notice(MINISTRY, A, GIANT, batch, "2022-08-08", "2022-08-12")
}

const DECISION: pb::NoticeScope = pb::NoticeScope::Decision;

#[tokio::test]
async fn an_objection_after_its_notice_is_refused_in_both_orders() {
    let late = objection("2022-08-13", "4", DECISION);
    let book = Book::new();
    book.say(noticed("4")).await;
    assert_eq!(book.refused_by(late.clone()).await, ["objection-late [0]"]);
    book.say(objection("2022-08-12", "4", DECISION)).await;
    let book = Book::new();
    assert_eq!(book.noted(late).await, ["notice-not-open"]);
    assert_eq!(book.refused_by(noticed("4")).await, ["objection-after-notice [0]"]);
    // One of the last day is in time.
    let book = Book::new();
    book.say(objection("2022-08-12", "4", DECISION)).await;
    book.say(noticed("4")).await;
    // It is no objection to another batch, or to the recommendation.
    book.say(noticed("5")).await;
    let book = Book::new();
    book.say(objection("2022-08-13", "4", pb::NoticeScope::Recommendation)).await;
    book.say(noticed("4")).await;
}

#[tokio::test]
async fn a_step_acts_on_its_own_entry_and_warns_if_there_is_none() {
    let book = Book::new();
    book.say(noticed("4")).await;
    let open = ["notice-not-open"];
    assert_eq!(book.noted(objection("2022-08-09", "3", DECISION)).await, open);
    assert_eq!(book.noted(withdrawn("2022-08-09", "3")).await, open);
    assert_eq!(book.stands(A, GIANT, "2022-08-10"), Some(Status::Noticed));
    assert_eq!(book.noted(resolved("2022-08-10", "4", None)).await, ["objection-missing [0]"]);
    book.say(withdrawn("2022-08-10", "4")).await;
    assert_eq!(book.noted(withdrawn("2022-08-11", "4")).await, ["notice-not-open [0]"]);
    book.say(complete(MINISTRY, GIANT, Part::Notices, "2022-01-01")).await;
    assert_eq!(book.refused_by(withdrawn("2022-08-12", "4")).await, ["notice-not-open [0]"]);
    assert_eq!(book.refused_by(withdrawn("2022-08-12", "3")).await, open);
    assert_eq!(book.refused_by(resolved("2022-08-12", "4", None)).await, ["objection-missing [0]"]);
}

#[tokio::test]
async fn a_resolution_names_an_objection_that_it_can_decide() {
    let book = Book::new();
    book.record(vec![noticed("4"), noticed("5")]).await.unwrap();
    let first = book.say(objection("2022-08-09", "4", DECISION)).await;
    let other = book.say(objection("2022-08-09", "5", DECISION)).await;
    let later = book.say(objection("2022-08-11", "4", DECISION)).await;
    for wrong in [0, other, later, 99] {
        let refused = book.refused_by(resolved("2022-08-10", "4", Some(wrong))).await;
        assert_eq!(refused, ["other-objection"], "{wrong}");
    }
    assert!(book.noted(resolved("2022-08-10", "4", Some(first))).await.is_empty());
    // It is decided, so no objection is left that was raised by then.
    let again = resolved("2022-08-10", "4", Some(first));
    assert_eq!(book.noted(again).await, ["objection-missing [0]"]);
    assert!(book.noted(resolved("2022-08-11", "4", Some(later))).await.is_empty());
}

fn transferred(on: &str, to: &str, valid_to: Option<&str>) -> pb::Event {
    let fact = pb::TitleTransferred {
        programme: GIANT.to_owned(),
        successor: to.to_owned(),
        valid_to: valid_to.and_then(date),
        ..Default::default()
    };
    event(MINISTRY, A, on, Fact::TitleTransferred(fact))
}

fn absorbed(on: &str, ends: bool) -> pb::Event {
    let fact = pb::Restructured {
        kind: pb::RestructuringKind::Absorption.into(),
        successors: vec![B.to_owned()],
        new_name: String::new(),
        ends,
    };
    event(MINISTRY, A, on, Fact::Restructured(fact))
}

#[tokio::test]
async fn a_title_passes_to_a_recorded_successor_and_lasts_no_longer() {
    let giver = || giant(A, "3", "2021-08-01");
    let book = Book::new();
    book.say(giver()).await;
    let noted = book.noted(transferred("2022-01-01", B, Some("2027-12-31"))).await;
    assert_eq!(noted, ["successor-not-recorded", "transfer-beyond-end"]);
    let title = book.title(B, GIANT, "2022-01-01").unwrap();
    assert_eq!(title.valid_to, Some(day("2024-07-31")), "the end that the title had");

    let book = Book::new();
    book.say(giver()).await;
    book.say(absorbed("2022-01-01", false)).await;
    assert!(book.noted(transferred("2022-01-01", B, None)).await.is_empty());
    let book = Book::new();
    book.say(giver()).await;
    book.say(absorbed("2022-01-01", false)).await;
    let noted = book.noted(transferred("2022-01-01", D, None)).await;
    assert_eq!(noted, ["successor-not-recorded [1]"]);

    let book = Book::new();
    book.say(giver()).await;
    book.say(absorbed("2022-01-01", false)).await;
    book.say(complete(MINISTRY, GIANT, Part::Titles, "2021-01-01")).await;
    let refused = book.refused_by(transferred("2022-02-01", D, Some("2024-08-01"))).await;
    assert_eq!(refused, ["successor-not-recorded [1]", "transfer-beyond-end"]);
    assert!(book.noted(transferred("2022-02-01", B, Some("2024-07-31"))).await.is_empty());
}

#[tokio::test]
async fn a_title_that_lapsed_does_not_pass_on() {
    let book = Book::new();
    book.say(giant(A, "1", "2019-06-05")).await;
    book.say(absorbed("2023-01-01", true)).await;
    let transfer = |on| transferred(on, B, Some("2027-01-09"));
    assert_eq!(book.noted(transfer("2024-01-10")).await, ["changes-nothing [0]"]);
    assert!(book.shown(B, "2024-06-01").titles.iter().all(|t| t.status != Status::Active));
    book.say(complete(MINISTRY, GIANT, Part::Titles, "2024-01-01")).await;
    assert_eq!(book.refused_by(transfer("2024-02-10")).await, ["without-effect [0]"]);
}

fn pool(on: &str, enters: bool) -> pb::Event {
    let pool = "2020".to_owned();
    let fact = if enters {
        Fact::PoolEntered(pb::PoolEntered { pool, profile: None })
    } else {
        Fact::PoolLeft(pb::PoolLeft { pool, reason: String::new() })
    };
    event(GUANGDONG, A, on, fact)
}

#[tokio::test]
async fn a_designee_is_in_a_pool_or_it_is_not() {
    let book = Book::new();
    assert_eq!(book.noted(pool("2020-12-31", false)).await, ["pool-not-entered"]);
    book.say(pool("2020-06-01", true)).await;
    assert_eq!(book.refused_by(pool("2020-06-01", true)).await, ["pool-entered-twice [1]"]);
    assert_eq!(book.refused_by(pool("2020-12-31", false)).await, ["pool-left-twice [0]"]);
    assert_eq!(book.noted(pool("2020-07-01", true)).await, ["pool-entered-twice [1]"]);
    // An earlier entry takes the effect of the one on record.
    assert_eq!(book.noted(pool("2020-05-01", true)).await, ["effect-lost [1]"]);
    assert_eq!(book.noted(pool("2021-03-01", false)).await, ["pool-left-twice [0]"]);
    assert_eq!(book.noted(pool("2020-12-01", false)).await, ["effect-lost [0]"]);
    // Another pool, and another authority's, are others.
    let mut other = pool("2020-06-01", true);
    other.authority = LIAONING.to_owned();
    assert!(book.noted(other).await.is_empty());
}
