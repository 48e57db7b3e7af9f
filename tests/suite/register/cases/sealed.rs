//! A sealed list takes supplements only: reviews and notices as well as designations. A repair that
//! takes an entry out of it warns with the numbers.

use sha2::Digest as _;
use tidu::{
    domain::event::BatchRef,
    register::{AsOf, BatchState, BatchView},
};

use super::*;

/// One more enterprise that is made up.
const E: &str = "914403001922038216";

/// Another programme with reviews, decided by the ministry.
const CHAMPION: &str = "single-item-champion";

fn failed(who: &str, round: &str, on: &str) -> pb::Event {
    let fact = pb::ReviewFailed {
        programme: GIANT.to_owned(),
        round: round.to_owned(),
        cause: pb::ReviewFailureCause::NotUpToStandard.into(),
        ..Default::default()
    };
    event(MINISTRY, who, on, Fact::ReviewFailed(fact))
}

/// The same event as a supplement.
fn supplement(mut event: pb::Event) -> pb::Event {
    match &mut event.fact {
        Some(Fact::NoticeOpened(fact)) => fact.supplement = true,
        Some(Fact::Designated(fact)) => fact.supplement = true,
        Some(Fact::ReviewPassed(fact)) => fact.supplement = true,
        Some(Fact::ReviewFailed(fact)) => fact.supplement = true,
        other => panic!("{other:?}"),
    }
    event
}

fn in_sublist(mut event: pb::Event, sublist: &str) -> pb::Event {
    match &mut event.fact {
        Some(Fact::NoticeOpened(fact)) => fact.sublist = sublist.to_owned(),
        Some(Fact::Designated(fact)) => fact.sublist = sublist.to_owned(),
        other => panic!("{other:?}"),
    }
    event
}

fn noticed(who: &str, batch: &str, purpose: pb::NoticePurpose) -> pb::Event {
    let mut event = notice(MINISTRY, who, GIANT, batch, "2024-07-01", "2024-07-08");
    let Some(Fact::NoticeOpened(fact)) = &mut event.fact else { unreachable!() };
    fact.purpose = purpose.into();
    event
}

fn recommended(issuer: &str, who: &str, batch: &str) -> pb::Event {
    let mut event = notice(issuer, who, GIANT, batch, "2024-07-01", "2024-07-08");
    let Some(Fact::NoticeOpened(fact)) = &mut event.fact else { unreachable!() };
    fact.scope = pb::NoticeScope::Recommendation.into();
    event
}

impl Book {
    fn list(&self, programme: &str, batch: &str) -> Option<BatchView> {
        let batch = BatchRef {
            programme: self.ledger.catalogue().find(programme).unwrap(),
            authority: AuthorityCode::ministry(),
            batch: batch.to_owned(),
            sublist: None,
        };
        let register = self.ledger.register();
        let moment = AsOf { valid_on: day("2030-01-01"), known_at: register.size() };
        register.batch(&batch, moment, true)
    }

    /// The warnings about what one commit takes out of sealed batches, in words.
    async fn hints(&self, events: Vec<pb::Event>) -> Vec<String> {
        let receipt = self.ledger.append(commit(events)).await.unwrap();
        let told = receipt.warnings.iter().map(|warning| warning.breach.to_string());
        told.filter(|text| text.starts_with("takes an entry out")).collect()
    }
}

#[tokio::test]
async fn a_sealed_round_takes_results_as_supplements_only() {
    let book = Book::new();
    for who in [A, B, C] {
        book.say(giant(who, "4", "2022-09-01")).await;
    }
    book.say(passed(A, GIANT, "7", "2025-09-01")).await;
    book.say(sealed(MINISTRY, GIANT, "7", "", "2025-09-02", Some((0, 1)))).await;
    let (late, lost) = (passed(B, GIANT, "7", "2025-09-01"), failed(C, "7", "2025-09-01"));
    assert_eq!(book.refused(late.clone()).await, ["BatchSealed"]);
    assert_eq!(book.refused(lost.clone()).await, ["BatchSealed"]);
    book.say(supplement(late)).await;
    book.say(supplement(lost)).await;
    let list = book.list(GIANT, "7").unwrap();
    assert_eq!((list.counts.reviewed, list.counts.reviewed_supplements), (2, 1));
    assert_eq!((list.counts.designated, list.counts.supplements), (0, 0));
    let lines = [format!("reviewed {A}\n"), format!("reviewed {B}\n")];
    assert_eq!(list.digest.unwrap()[..], sha2::Sha256::digest(lines.concat())[..]);
    // Another round, and another programme, are open.
    book.say(failed(C, "8", "2026-09-01")).await;
    book.say(designated(MINISTRY, A, CHAMPION, "1", "2022-01-01")).await;
    book.say(passed(A, CHAMPION, "7", "2025-01-01")).await;
}

#[tokio::test]
async fn a_review_belongs_to_the_sub_list_of_its_title() {
    let book = Book::new();
    book.say(in_sublist(giant(A, "4", "2022-09-01"), GUANGDONG)).await;
    book.say(in_sublist(giant(B, "4", "2022-09-01"), LIAONING)).await;
    book.say(sealed(MINISTRY, GIANT, "7", LIAONING, "2025-09-02", Some((0, 0)))).await;
    book.say(passed(A, GIANT, "7", "2025-09-01")).await;
    assert_eq!(book.refused(passed(B, GIANT, "7", "2025-09-01")).await, ["BatchSealed"]);
    assert_eq!(book.refused(failed(B, "7", "2025-09-01")).await, ["BatchSealed"]);
    // A title whose sub-list nobody knows belongs to none; the whole closes it.
    book.say(giant(C, "4", "2022-09-01")).await;
    book.say(passed(C, GIANT, "7", "2025-09-01")).await;
    book.say(sealed(MINISTRY, GIANT, "7", "", "2025-09-03", Some((0, 2)))).await;
    book.say(giant(D, "4", "2022-09-01")).await;
    assert_eq!(book.refused(passed(D, GIANT, "7", "2025-09-01")).await, ["BatchSealed"]);
}

#[tokio::test]
async fn a_sealed_batch_takes_notices_as_supplements_only() {
    use pb::NoticePurpose::{New, Review};
    let book = Book::new();
    book.say(noticed(A, "6", New)).await;
    book.say(in_sublist(noticed(D, "6", New), GUANGDONG)).await;
    book.say(sealed(MINISTRY, GIANT, "6", GUANGDONG, "2024-09-02", Some((0, 0)))).await;
    let of_guangdong = in_sublist(noticed(B, "6", New), GUANGDONG);
    assert_eq!(book.refused(of_guangdong.clone()).await, ["BatchSealed"]);
    book.say(in_sublist(noticed(B, "6", New), LIAONING)).await;
    book.say(sealed(MINISTRY, GIANT, "6", "", "2024-09-03", Some((0, 0)))).await;
    for late in [noticed(C, "6", New), noticed(C, "6", Review), recommended(GUANGDONG, C, "6")] {
        assert_eq!(book.refused(late.clone()).await, ["BatchSealed"], "{late:?}");
        book.say(supplement(late)).await;
    }
    let counts = book.list(GIANT, "6").unwrap().counts;
    assert_eq!((counts.noticed, counts.reviews_noticed, counts.recommended), (4, 1, 1));
}

#[tokio::test]
async fn a_supplement_may_be_loaded_before_its_batch() {
    let book = Book::new();
    for early in [
        supplement(giant(A, "4", "2022-09-01")),
        supplement(passed(B, GIANT, "7", "2025-09-01")),
        supplement(failed(C, "8", "2025-09-01")),
        supplement(noticed(D, "9", pb::NoticePurpose::New)),
    ] {
        assert!(book.warned(early.clone()).await.contains(&"BatchUnknown".to_owned()), "{early:?}");
    }
    book.say(complete(MINISTRY, GIANT, Part::Titles, "2020-01-01")).await;
    book.say(complete(MINISTRY, GIANT, Part::Notices, "2020-01-01")).await;
    for early in [
        supplement(passed(A, GIANT, "10", "2025-09-01")),
        supplement(failed(B, "11", "2025-09-01")),
        supplement(noticed(D, "12", pb::NoticePurpose::New)),
    ] {
        let why = book.refused(early).await;
        assert!(why.contains(&"BatchUnknown".to_owned()), "{why:?}");
    }
}

#[tokio::test]
async fn a_batch_is_known_by_its_notices_alone() {
    let book = Book::new();
    book.say(recommended(GUANGDONG, A, "1")).await;
    book.say(noticed(B, "2", pb::NoticePurpose::Review)).await;
    let first = book.list(GIANT, "1").unwrap();
    assert_eq!((first.state, first.counts.recommended), (BatchState::Open, 1));
    let second = book.list(GIANT, "2").unwrap();
    assert_eq!((second.state, second.counts.reviews_noticed), (BatchState::Open, 1));
    assert!(book.list(GIANT, "3").is_none());
    let register = book.ledger.register();
    let moment = AsOf { valid_on: day("2030-01-01"), known_at: register.size() };
    let names: Vec<_> = register.batches(0, moment).map(|(_, list)| list.batch).collect();
    assert_eq!(names, ["1", "2"]);
    // Neither adds to a digest, nor to those left out.
    let empty = sha2::Sha256::digest("").to_vec();
    for list in [first, second] {
        assert_eq!(list.digest.unwrap()[..], empty);
        assert_eq!((list.counts.noticed, list.counts.not_designated), (0, 0));
    }
}

#[tokio::test]
async fn an_entry_that_a_repair_takes_out_of_a_seal_is_told() {
    let book = Book::new();
    let list = [A, B, C].map(|who| giant(who, "4", "2022-09-01"));
    book.record(list.to_vec()).await.unwrap();
    book.say(giant(D, "5", "2023-07-01")).await;
    book.say(sealed(MINISTRY, GIANT, "4", "", "2022-09-02", Some((3, 0)))).await;
    let told = |held: u32| {
        format!(
            "takes an entry out of the sealed batch 4, which then holds {held}; its seal declares 3"
        )
    };
    // Both repairs of one commit count.
    assert_eq!(book.hints(vec![annulled(0), annulled(1)]).await, [told(2), told(1)]);
    let annulment = book.ledger.durable().size - 1;
    assert!(book.hints(vec![annulled(annulment)]).await.is_empty(), "it puts an entry back");
    assert_eq!(book.list(GIANT, "4").unwrap().counts.designated, 2);
    // A correction may stay in the list, or leave it.
    let mut row = giant(C, "4", "2022-09-01");
    row.evidence.as_mut().unwrap().row = 12;
    assert!(book.hints(vec![corrected(2, row)]).await.is_empty());
    let elsewhere = corrected(2, giant(C, "6", "2022-09-01"));
    assert!(book.hints(vec![elsewhere]).await.contains(&told(1)));
    // Neither an entry of an open batch nor the seal itself.
    assert!(book.hints(vec![annulled(3), annulled(4)]).await.is_empty());
}

#[tokio::test]
async fn a_repair_of_a_review_or_of_a_sub_list_counts_its_own() {
    let book = Book::new();
    book.say(in_sublist(giant(A, "4", "2022-09-01"), GUANGDONG)).await;
    book.say(in_sublist(giant(B, "4", "2022-09-01"), LIAONING)).await;
    book.say(passed(A, GIANT, "7", "2025-09-01")).await;
    book.say(sealed(MINISTRY, GIANT, "4", GUANGDONG, "2022-09-02", None)).await;
    book.say(sealed(MINISTRY, GIANT, "7", "", "2025-09-02", Some((0, 1)))).await;
    let receipt = book.ledger.append(commit(vec![annulled(2)])).await.unwrap();
    let taken = receipt.warnings.iter().find(|w| format!("{:?}", w.reason()) == "CountMismatch");
    let taken = taken.unwrap();
    let found: Vec<_> = taken.breach.metadata().collect();
    assert_eq!(found, [("batch", "7"), ("count", "0"), ("expected", "1")]);
    assert_eq!((taken.field.as_str(), taken.value.as_str()), ("annulled.position", "2"));
    assert_eq!(taken.conflicts, [2, 4], "the entry and the seal");
    // A seal that declares nothing says so, and only the sub-list it closes is sealed.
    let told = "takes an entry out of the sealed batch 4, which then holds 0";
    assert!(book.hints(vec![annulled(1)]).await.iter().all(|hint| hint != told));
    assert!(book.hints(vec![annulled(0)]).await.contains(&told.to_owned()));
}

#[tokio::test]
async fn a_correction_that_joins_a_sealed_list_is_an_addition() {
    let book = Book::new();
    book.say(giant(A, "4", "2022-09-01")).await;
    book.say(giant(B, "5", "2023-07-01")).await;
    book.say(sealed(MINISTRY, GIANT, "4", "", "2022-09-02", Some((1, 0)))).await;
    let joins = corrected(1, giant(B, "4", "2022-09-01"));
    assert_eq!(book.refused(joins).await, ["BatchSealed"]);
    // Another kind of entry in the place of one is an addition too.
    let other = corrected(0, noticed(A, "4", pb::NoticePurpose::New));
    assert_eq!(book.refused(other).await, ["BatchSealed"]);
    book.say(corrected(0, giant(C, "4", "2022-09-01"))).await;
}

#[tokio::test]
async fn the_first_designation_says_the_sub_list_in_any_order() {
    let first = || in_sublist(giant(A, "4", "2022-09-01"), GUANGDONG);
    let second = || in_sublist(giant(A, "7", "2025-10-01"), LIAONING);
    for (place, designations) in [(0, [first(), second()]), (1, [second(), first()])] {
        let book = Book::new();
        for designation in designations {
            book.say(designation).await;
        }
        book.say(passed(A, GIANT, "8", "2028-10-01")).await;
        let reviewed = |book: &Book, sublist: &str| {
            let lists = book.list(GIANT, "8").unwrap().sublists;
            let found = lists.iter().find(|list| list.sublist.as_str() == sublist);
            found.map(|list| list.counts.reviewed)
        };
        assert_eq!([GUANGDONG, LIAONING].map(|list| reviewed(&book, list)), [Some(1), Some(0)]);
        // A correction of that designation counts.
        let elsewhere = in_sublist(giant(A, "4", "2022-09-01"), XPCC);
        book.say(corrected(place, elsewhere)).await;
        assert_eq!([GUANGDONG, XPCC].map(|list| reviewed(&book, list)), [Some(0), Some(1)]);
    }
}

#[tokio::test]
async fn the_number_held_follows_what_a_commit_adds_and_moves() {
    let told = |batch: &str, held: u32, declared: u32| {
        format!(
            "takes an entry out of the sealed batch {batch}, which then holds {held}; its seal \
             declares {declared}"
        )
    };
    let begun = async || {
        let book = Book::new();
        book.record([A, B, C].map(|who| giant(who, "4", "2022-09-01")).to_vec()).await.unwrap();
        book.say(giant(D, "5", "2023-07-01")).await;
        book.say(sealed(MINISTRY, GIANT, "4", "", "2022-09-02", Some((3, 0)))).await;
        book.say(sealed(MINISTRY, GIANT, "5", "", "2023-07-02", Some((1, 0)))).await;
        book
    };
    // A supplement between two repairs.
    let book = begun().await;
    let added = supplement(giant(E, "4", "2022-10-01"));
    let hints = book.hints(vec![annulled(0), added, annulled(1)]).await;
    assert_eq!(hints, [told("4", 2, 3), told("4", 2, 3)]);
    // A correction between them that moves an entry from one sealed list to another.
    let book = begun().await;
    let moved = corrected(3, supplement(giant(D, "4", "2023-07-01")));
    let hints = book.hints(vec![annulled(0), moved, annulled(1)]).await;
    assert_eq!(hints, [told("4", 2, 3), told("5", 0, 1), told("4", 2, 3)]);
    // An annulment between them that brings an entry back.
    let book = begun().await;
    book.say(annulled(2)).await;
    let annulment = book.ledger.durable().size - 1;
    let hints = book.hints(vec![annulled(0), annulled(annulment), annulled(1)]).await;
    assert_eq!(hints, [told("4", 1, 3), told("4", 1, 3)]);
    // The annulment of a correction takes out what that one put in, and of one that stayed nothing.
    let book = begun().await;
    book.say(corrected(3, supplement(giant(D, "4", "2023-07-01")))).await;
    let correction = book.ledger.durable().size - 1;
    assert_eq!(book.hints(vec![annulled(correction)]).await, [told("4", 3, 3)]);
    book.say(corrected(0, giant(A, "4", "2022-09-03"))).await;
    let correction = book.ledger.durable().size - 1;
    assert!(book.hints(vec![annulled(correction)]).await.is_empty());
}

#[tokio::test]
async fn a_correction_stays_in_its_list_by_every_part_of_its_name() {
    let begun = async || {
        let book = Book::new();
        book.say(in_sublist(giant(A, "4", "2022-09-01"), GUANGDONG)).await;
        book.say(in_sublist(giant(B, "4", "2022-09-01"), LIAONING)).await;
        book.say(designated(MINISTRY, C, CHAMPION, "4", "2022-01-01")).await;
        book.say(designated(GUANGDONG, D, SPECIALISED, "4", "2022-01-01")).await;
        book.say(sealed(MINISTRY, GIANT, "4", GUANGDONG, "2022-09-02", None)).await;
        book
    };
    let told = "takes an entry out of the sealed batch 4, which then holds 0".to_owned();
    // Out of the sealed sub-list: into another one, another programme, another authority's batch.
    for elsewhere in [
        in_sublist(giant(A, "4", "2022-09-01"), LIAONING),
        designated(MINISTRY, A, CHAMPION, "4", "2022-09-01"),
        designated(GUANGDONG, A, SPECIALISED, "4", "2022-09-01"),
        supplement(passed(A, GIANT, "4", "2022-09-01")),
    ] {
        let book = begun().await;
        let hints = book.hints(vec![corrected(0, elsewhere.clone())]).await;
        assert_eq!(hints, std::slice::from_ref(&told));
    }
    // And into it, which needs a supplement.
    let here = |who| in_sublist(giant(who, "4", "2022-09-01"), GUANGDONG);
    for (position, who) in [(1, B), (2, C), (3, D)] {
        let book = begun().await;
        assert_eq!(book.refused(corrected(position, here(who))).await, ["BatchSealed"]);
        assert!(book.hints(vec![corrected(position, supplement(here(who)))]).await.is_empty());
    }
    let book = begun().await;
    assert!(book.hints(vec![corrected(0, here(D))]).await.is_empty(), "it stays");
}

#[tokio::test]
async fn a_seal_that_declares_a_number_tells_it() {
    let book = Book::new();
    book.say(in_sublist(giant(A, "4", "2022-09-01"), GUANGDONG)).await;
    book.say(in_sublist(giant(B, "4", "2022-09-01"), LIAONING)).await;
    book.say(passed(A, GIANT, "4", "2025-09-01")).await;
    book.say(sealed(MINISTRY, GIANT, "4", GUANGDONG, "2022-09-02", None)).await;
    book.say(sealed(MINISTRY, GIANT, "4", "", "2022-09-03", Some((2, 1)))).await;
    // The whole declares a number, so that is the one to compare with.
    let told = |held: u32, declared: u32| {
        format!(
            "takes an entry out of the sealed batch 4, which then holds {held}; its seal declares \
             {declared}"
        )
    };
    assert_eq!(book.hints(vec![annulled(2)]).await, [told(0, 1)]);
    assert_eq!(book.hints(vec![annulled(0)]).await, [told(1, 2)]);
    // A correction of a review that stays in the round takes nothing out.
    let book = Book::new();
    book.say(giant(A, "4", "2022-09-01")).await;
    book.say(passed(A, GIANT, "7", "2025-09-01")).await;
    book.say(sealed(MINISTRY, GIANT, "7", "", "2025-09-02", Some((0, 1)))).await;
    let again = passed(A, GIANT, "7", "2025-09-02");
    assert!(book.hints(vec![corrected(1, again)]).await.is_empty());
    let other = passed(A, GIANT, "8", "2025-09-02");
    let hints = book.hints(vec![corrected(1, other)]).await;
    let told = "takes an entry out of the sealed batch 7, which then holds 0; its seal declares 1";
    assert_eq!(hints, [told]);
}
