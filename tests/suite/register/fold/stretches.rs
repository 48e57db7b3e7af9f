//! Stretches: renewals by fresh designation in any order, and the cohort of a run of stretches.

use tidu::register::{Flag, Status};

use super::*;

fn innovative(batch: &str, from: &str, to: Option<&str>) -> pb::Event {
    designated_to(GUANGDONG, X, INNOVATIVE, batch, from, to)
}

fn shown(told: &Told, as_of: &str) -> Shown {
    told.find(X, INNOVATIVE, as_of).unwrap()
}

#[test]
fn renewals_by_designation_load_in_every_order() {
    let told = Told::of(&[
        innovative("2025-2", "2025-06-01", None),
        innovative("2022-1", "2022-08-15", Some("2025-08-14")),
        innovative("2028-1", "2028-03-01", None),
    ]);
    let before = shown(&told, "2025-05-31");
    assert_eq!((before.status, before.from), (Status::Active, Some(day("2022-08-15"))));
    assert_eq!(before.to, Some(day("2025-08-14")), "as known without what is to come");
    for as_of in ["2025-06-01", "2028-02-29"] {
        let renewed = shown(&told, as_of);
        assert_eq!((renewed.status, renewed.from), (Status::Active, Some(day("2025-06-01"))));
        assert_eq!(renewed.batch, "2022-1", "the run keeps the batch of its first designation");
        assert!(renewed.superseded.is_empty());
    }
    assert_eq!(shown(&told, "2028-03-01").from, Some(day("2028-03-01")));
}

#[test]
fn a_designation_on_the_first_day_of_another_renews_nothing() {
    let told =
        Told::in_order(&[innovative("a", "2022-08-15", None), innovative("b", "2022-08-15", None)]);
    assert_eq!(shown(&told, "2022-08-15").superseded(), [1]);
}

#[test]
fn a_programme_renewed_by_review_keeps_the_earlier_designation() {
    let told = Told::of(&[giant(X, "7", "2025-06-01"), giant(X, "6", "2023-06-01")]);
    let title = told.giant(X, "2025-06-01");
    assert_eq!((title.from, title.superseded()), (Some(day("2023-06-01")), vec![0]));
    assert_eq!(title.batch, "6");
}

#[test]
fn a_designation_after_the_last_day_begins_a_new_run() {
    let told = Told::of(&[
        innovative("2022-1", "2022-08-15", None),
        innovative("2025-2", "2025-08-15", None),
    ]);
    assert_eq!(shown(&told, "2025-08-14").batch, "2022-1");
    assert_eq!(shown(&told, "2025-08-15").batch, "2025-2");
}

#[test]
fn a_review_keeps_the_cohort_also_after_a_gap() {
    let told = Told::of(&[giant(X, "1", "2019-06-05"), passed(X, "r", "2022-09-01", false)]);
    assert_eq!(told.status(X, "2022-08-31"), Status::Expired);
    let title = told.giant(X, "2022-09-01");
    assert_eq!((title.batch.as_str(), title.round.as_str()), ("1", "r"));
}

#[test]
fn the_first_notice_is_the_cohort_until_a_designation() {
    let told = Told::of(&[
        notice(X, "6", "2024-10-15"),
        notice(X, "5", "2023-10-15"),
        giant(X, "6", "2025-01-01"),
    ]);
    assert_eq!(told.giant(X, "2024-12-31").batch, "6", "designated already, to come");
    let told = Told::of(&[notice(X, "6", "2024-10-15"), notice(X, "5", "2023-10-15")]);
    assert_eq!(told.giant(X, "2024-12-31").batch, "5");
}

#[test]
fn a_notice_after_a_designation_leaves_the_cohort() {
    let told = Told::of(&[giant(X, "1", "2019-06-05"), notice(X, "6", "2024-10-15")]);
    let title = told.giant(X, "2024-10-15");
    assert_eq!((title.status, title.batch.as_str()), (Status::Noticed, "1"));
}

#[test]
fn a_revocation_on_the_day_of_a_review_follows_it() {
    let told = Told::of(&[
        giant(X, "1", "2019-06-05"),
        revoked(X, "2022-06-05", None),
        passed(X, "r", "2022-06-05", false),
    ]);
    let title = told.giant(X, "2022-06-05");
    assert_eq!((title.status, title.superseded()), (Status::Revoked, vec![]));
    assert_eq!(title.from, Some(day("2022-06-05")));
}

#[test]
fn a_designation_on_the_day_of_a_revocation_is_superseded() {
    let told = Told::of(&[
        giant(X, "6", "2024-01-01"),
        revoked(X, "2025-01-01", None),
        giant(X, "7", "2025-01-01"),
    ]);
    let title = told.giant(X, "2025-01-01");
    assert_eq!((title.status, title.superseded()), (Status::Revoked, vec![2]));
}

#[test]
fn titles_of_one_day_do_not_depend_on_the_order_of_recording() {
    // Two titles of one day name the subject and its region differently.
    let profiled = |mut event: pb::Event, name: &str| {
        let Some(Fact::Designated(fact)) = &mut event.fact else { panic!() };
        fact.profile = Some(pb::Profile { name: name.to_owned(), ..Default::default() });
        event
    };
    let told = Told::of(&[
        profiled(giant(X, "6", "2024-01-01"), "甲一有限公司"),
        profiled(designated_to(GUANGDONG, X, SPECIALISED, "s", "2024-01-01", None), "甲二有限公司"),
        profiled(innovative("i", "2024-01-01", None), "甲三有限公司"),
    ]);
    let names: Vec<String> = told
        .0
        .iter()
        .map(|order| {
            let known_at = order.register.size();
            let index = order.register.find(&DesigneeId::parse(X).unwrap(), known_at).unwrap();
            let as_of = AsOf { valid_on: day("2024-06-01"), known_at };
            let view = order.register.view(&CATALOGUES, index, as_of);
            view.names.last().unwrap().name.clone()
        })
        .collect();
    assert!(names.iter().all(|name| *name == names[0]), "{names:?}");
}

#[test]
fn two_identifiers_designated_over_the_same_days_collide() {
    let told = Told::of(&[
        giant(X, "6", "2024-01-01"),
        giant(Y, "7", "2025-01-01"),
        linked(X, Y, "2025-06-01"),
    ]);
    let title = told.giant(X, "2025-06-01");
    assert!(title.has(Flag::IdentityCollision));
    assert_eq!(title.superseded(), [1]);
}
