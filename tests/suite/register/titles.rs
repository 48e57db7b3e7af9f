//! What follows from the events: titles as of a day, as known at a log size, and after repairs.

use tidu::{
    domain::DesigneeId,
    protocol::pb::{self, event::Fact},
    register::Status,
};

use crate::support::{
    A, B, Book, annulled, commit, corrected, day, failed, little_giant, ministry, notice, passed,
    revoked, sealed, view,
};

#[tokio::test]
async fn a_title_is_pending_then_active_then_expired() {
    let book = Book::new();
    book.record(vec![little_giant(A, "1", "2019-06-05")]).await.unwrap();
    assert_eq!(book.status(A, "2019-06-04"), Some(Status::Pending));
    assert_eq!(book.status(A, "2019-06-05"), Some(Status::Active));
    assert_eq!(book.status(A, "2022-06-04"), Some(Status::Active));
    assert_eq!(book.status(A, "2022-06-05"), Some(Status::Expired));
}

#[tokio::test]
async fn a_review_passed_late_leaves_the_gap_to_see() {
    let book = Book::new();
    book.record(vec![little_giant(A, "1", "2019-06-05")]).await.unwrap();
    book.record(vec![passed(A, "2022-09-01")]).await.unwrap();
    assert_eq!(book.status(A, "2022-08-31"), Some(Status::Expired));
    assert_eq!(book.status(A, "2022-09-01"), Some(Status::Active));
    assert_eq!(book.status(A, "2025-08-31"), Some(Status::Active));
    assert_eq!(book.status(A, "2025-09-01"), Some(Status::Expired));
    assert_eq!(book.status_known(A, "2022-09-01", 1), Some(Status::Expired), "as known before");
}

#[tokio::test]
async fn a_failed_review_lapses_or_revokes_as_the_programme_says() {
    let book = Book::new();
    let mut champion = little_giant(B, "1", "2019-06-05");
    if let Some(Fact::Designated(fact)) = &mut champion.fact {
        fact.programme = "single-item-champion".to_owned();
    }
    book.record(vec![little_giant(A, "1", "2019-06-05"), champion]).await.unwrap();
    let both = vec![
        failed(A, "little-giant", "2022-01-01"),
        failed(B, "single-item-champion", "2022-01-01"),
    ];
    book.record(both).await.unwrap();
    assert_eq!(book.status(A, "2021-12-31"), Some(Status::Active));
    assert_eq!(book.status(A, "2022-06-04"), Some(Status::Active), "to its last day");
    assert_eq!(book.status(A, "2022-06-05"), Some(Status::Expired));
    assert_eq!(book.status(B, "2022-01-01"), Some(Status::Revoked));
}

#[tokio::test]
async fn a_revocation_before_a_recorded_review_supersedes_it() {
    let book = Book::new();
    book.record(vec![little_giant(A, "1", "2019-06-05")]).await.unwrap();
    book.record(vec![passed(A, "2022-06-05")]).await.unwrap();
    book.record(vec![revoked(A, "2021-01-01", Some("2024-01-01"))]).await.unwrap();
    assert_eq!(book.status(A, "2020-12-31"), Some(Status::Active));
    assert_eq!(book.status(A, "2023-01-01"), Some(Status::Revoked));
    let register = book.ledger.register();
    let index = register.find(&DesigneeId::parse(A).unwrap(), 3).unwrap();
    let view = view(&register, index, day("2023-01-01"), 3);
    assert_eq!(view.titles[0].superseded, [1]);
    assert_eq!(view.titles[0].positions, [0, 2]);
}

#[tokio::test]
async fn a_ban_holds_to_the_end_of_its_last_day_and_is_long_enough() {
    let book = Book::new();
    book.record(vec![little_giant(A, "1", "2019-06-05")]).await.unwrap();
    let short = book.record(vec![revoked(A, "2021-01-01", Some("2023-12-30"))]).await;
    assert_eq!(short.unwrap_err(), ["BanTooShort"]);
    book.record(vec![revoked(A, "2021-01-01", Some("2023-12-31"))]).await.unwrap();
    let again = little_giant(A, "5", "2023-12-31");
    assert_eq!(book.record(vec![again]).await.unwrap_err(), ["Banned"]);
    book.record(vec![little_giant(A, "6", "2024-01-01")]).await.unwrap();
    assert_eq!(book.status(A, "2024-01-01"), Some(Status::Active));
}

#[tokio::test]
async fn a_notice_is_no_title_and_closes_at_the_seal() {
    let book = Book::new();
    book.record(vec![notice(A, "2", "2020-11-01"), notice(B, "2", "2020-11-01")]).await.unwrap();
    assert_eq!(book.status(A, "2020-10-31"), None);
    assert_eq!(book.status(A, "2020-11-01"), Some(Status::Noticed));
    assert_eq!(
        book.record(vec![notice(A, "2", "2020-11-01")]).await.unwrap_err(),
        ["DuplicateInList"]
    );
    book.record(vec![little_giant(A, "2", "2021-01-01")]).await.unwrap();
    let wrong = book.record(vec![sealed("2", "2021-01-10", Some(2))]).await;
    assert_eq!(wrong.unwrap_err(), ["CountMismatch"]);
    let seal = book.record(vec![sealed("2", "2021-01-10", Some(1))]).await.unwrap();
    assert_eq!(book.status(A, "2021-01-10"), Some(Status::Active));
    assert_eq!(book.status(B, "2021-01-09"), Some(Status::Noticed));
    assert_eq!(book.status(B, "2021-01-10"), Some(Status::NotDesignated));
    let late = little_giant(B, "2", "2021-02-01");
    assert_eq!(book.record(vec![late.clone()]).await.unwrap_err(), ["BatchSealed"]);
    assert_eq!(
        book.record(vec![sealed("9", "2021-01-10", None)]).await.unwrap_err(),
        ["BatchUnknown"]
    );
    book.record(vec![sealed("10", "2021-01-10", Some(0))]).await.expect("confirmed empty");

    // Annulling the seal reopens the batch.
    book.record(vec![annulled(seal)]).await.unwrap();
    assert_eq!(book.status(B, "2021-01-10"), Some(Status::Noticed));
    book.record(vec![late]).await.unwrap();
    assert_eq!(book.status(B, "2021-02-01"), Some(Status::Active));
}

#[tokio::test]
async fn a_correction_moves_a_title_to_its_true_holder() {
    let book = Book::new();
    book.record(vec![little_giant(A, "1", "2019-06-05")]).await.unwrap();
    let repair = book.record(vec![corrected(0, little_giant(B, "1", "2019-06-05"))]).await.unwrap();
    assert_eq!(book.status(A, "2020-01-01"), None);
    assert_eq!(book.status(B, "2020-01-01"), Some(Status::Active));
    assert_eq!(book.status_known(A, "2020-01-01", 1), Some(Status::Active), "as known before");
    assert_eq!(book.status_known(B, "2020-01-01", 1), None);

    let title_of = |designee| {
        let register = book.ledger.register();
        let index = register.find(&DesigneeId::parse(designee).unwrap(), register.size()).unwrap();
        view(&register, index, day("2020-01-01"), register.size()).titles.remove(0)
    };
    assert_eq!(title_of(B).positions, [repair], "the event that carries what counts");

    // A correction of the correction: another date, the same holder.
    book.record(vec![corrected(repair, little_giant(B, "1", "2018-06-05"))]).await.unwrap();
    assert_eq!(book.status(B, "2021-06-05"), Some(Status::Expired));
    // Annulling the first correction restores what it replaced, and both holders hear of it.
    let versions = |known_at| {
        let register = book.ledger.register();
        [A, B].map(|designee| {
            let index = register.find(&DesigneeId::parse(designee).unwrap(), known_at).unwrap();
            register.version(index, known_at)
        })
    };
    assert_eq!(versions(3), [3, 3]);
    let annulment = book.record(vec![annulled(repair)]).await.unwrap();
    assert_eq!(versions(4), [annulment + 1, annulment + 1]);
    assert_eq!(book.status(A, "2020-01-01"), Some(Status::Active));
    assert_eq!(book.status(B, "2020-01-01"), None);
    assert_eq!(book.record(vec![annulled(repair)]).await.unwrap_err(), ["RepairNotAllowed"]);
    let of_annulment = corrected(annulment, little_giant(A, "1", "2019-06-05"));
    assert_eq!(book.record(vec![of_annulment]).await.unwrap_err(), ["RepairNotAllowed"]);
}

#[tokio::test]
async fn a_chain_of_repairs_has_an_end() {
    let book = Book::new();
    let mut last = book.record(vec![little_giant(A, "1", "2019-06-05")]).await.unwrap();
    for _ in 0..64 {
        last = book.record(vec![annulled(last)]).await.unwrap();
    }
    assert_eq!(book.record(vec![annulled(last)]).await.unwrap_err(), ["RepairNotAllowed"]);
    // An even number of annulments: the last one restores what the first one removed.
    assert_eq!(book.status(A, "2020-01-01"), Some(Status::Active));
    let again = corrected(0, little_giant(A, "1", "2019-07-05"));
    book.record(vec![again]).await.unwrap();
    assert_eq!(book.status(A, "2019-06-06"), Some(Status::Pending));
}

#[tokio::test]
async fn a_correction_is_judged_as_if_its_target_had_never_been() {
    let book = Book::new();
    book.record(vec![little_giant(A, "1", "2019-06-05")]).await.unwrap();
    book.record(vec![little_giant(B, "1", "2019-06-05")]).await.unwrap();
    // The same title a month earlier would collide with itself if the target still counted.
    book.record(vec![corrected(0, little_giant(A, "1", "2019-05-05"))]).await.unwrap();
    let onto_holder = corrected(0, little_giant(B, "1", "2019-06-05"));
    assert_eq!(book.record(vec![onto_holder]).await.unwrap_err(), ["TitleAlreadyHeld"]);
    let nested = corrected(0, annulled(0));
    let error = std::panic::catch_unwind(|| commit(vec![nested])).is_err();
    assert!(error, "a replacement that is itself a repair does not pass the edge");
}

#[tokio::test]
async fn a_designee_is_found_by_its_old_and_new_name() {
    let book = Book::new();
    let mut designated = little_giant(A, "1", "2019-06-05");
    if let Some(Fact::Designated(fact)) = &mut designated.fact {
        fact.profile =
            Some(pb::Profile { name: "示例(天津)有限公司".into(), ..Default::default() });
    }
    let renamed = pb::Renamed {
        old_name: "示例（天津）有限公司".into(),
        new_name: "示例新名有限公司".into(),
        simple: true,
    };
    book.record(vec![designated]).await.unwrap();
    book.record(vec![ministry(A, "2020-01-01", Fact::Renamed(renamed.clone()))]).await.unwrap();
    let register = book.ledger.register();
    for name in ["示例 （天津）有限公司", "示例新名有限公司"] {
        assert_eq!(register.find_by_name(name, 2).subjects.len(), 1, "{name}");
    }
    assert!(register.find_by_name("示例新名有限公司", 1).subjects.len() <= 1);
    let index = register.find(&DesigneeId::parse(A).unwrap(), 2).unwrap();
    let names = |on| view(&register, index, day(on), 2).names.into_iter().map(|n| n.name);
    assert_eq!(names("2019-12-31").next_back().unwrap(), "示例(天津)有限公司");
    assert_eq!(names("2020-01-01").next_back().unwrap(), "示例新名有限公司");
    assert_eq!(view(&register, index, day("2020-01-01"), 2).titles[0].status, Status::Active);
    drop(register);
    let merged = pb::Renamed { simple: false, ..renamed };
    let merged = ministry(A, "2021-01-01", Fact::Renamed(merged));
    assert_eq!(book.record(vec![merged]).await.unwrap_err(), ["RenameNotSimple"]);
}
