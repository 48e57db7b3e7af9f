//! Which identifier of a subject is shown, and which links may be recorded.

use proptest::prelude::*;

use super::*;

const NAME: &str = "provisional:110000/示例链接有限公司";

/// The links in each order of recording.
fn orders(links: &[pb::Event]) -> Vec<Vec<pb::Event>> {
    let Some((first, rest)) = links.split_first() else { return vec![Vec::new()] };
    let inserted = |order: Vec<pb::Event>| {
        (0..=order.len()).map(move |place| {
            let mut order = order.clone();
            order.insert(place, first.clone());
            order
        })
    };
    orders(rest).into_iter().flat_map(inserted).collect()
}

/// The identifier shown on some days, and all in their order, asked with any of them.
async fn shown(links: &[pb::Event], ids: &[&str], days: &[&str]) -> (Vec<String>, Vec<String>) {
    let mut told = Vec::new();
    for order in orders(links) {
        let book = Book::new();
        book.record(ids.iter().map(|id| giant(id, "1", "2019-06-05")).collect()).await.unwrap();
        for link in order {
            book.record(vec![link]).await.unwrap();
        }
        for id in ids {
            let current = days.iter().map(|day| book.shown(id, day).id.to_string()).collect();
            let all = book.shown(id, days[0]).ids;
            let all: Vec<_> = all.into_iter().map(|one| one.id.to_string()).collect();
            told.push((current, all));
        }
    }
    told.dedup();
    assert_eq!(told.len(), 1, "the order of recording, or the identifier asked with, matters");
    told.remove(0)
}

#[tokio::test]
async fn a_chain_of_three_shows_the_last_code_of_the_day() {
    let links = [
        linked(NAME, A, "2020-01-01", Why::Identified),
        linked(A, B, "2021-01-01", Why::Reregistered),
        linked(B, C, "2022-01-01", Why::Reregistered),
    ];
    let days = ["2019-12-31", "2020-01-01", "2020-12-31", "2021-01-01", "2021-12-31", "2022-01-01"];
    let (current, all) = shown(&links, &[NAME, A, B, C], &days).await;
    assert_eq!(current, [NAME, A, A, B, B, C]);
    assert_eq!(all, [NAME, A, B, C]);
}

#[tokio::test]
async fn a_replaced_code_is_not_shown_after_a_later_link_to_it() {
    let links = [
        linked(A, B, "2021-02-24", Why::Reregistered),
        linked(NAME, A, "2021-09-11", Why::Identified),
    ];
    let days = ["2021-02-23", "2021-02-24", "2021-09-10", "2021-09-11", "2030-01-01"];
    let (current, all) = shown(&links, &[NAME, A, B], &days).await;
    assert_eq!(current, [NAME, B, B, B, B]);
    assert_eq!(all, [A, NAME, B]);
}

#[tokio::test]
async fn of_two_codes_that_nothing_replaced_the_newer_one_is_shown() {
    let links =
        [linked(A, B, "2021-01-01", Why::Reregistered), linked(A, C, "2022-01-01", Why::Duplicate)];
    let (current, _) = shown(&links, &[A, B, C], &["2021-06-01", "2022-06-01"]).await;
    assert_eq!(current, [B, C]);
    // Of two of the same day the texts decide.
    let links =
        [linked(A, B, "2021-01-01", Why::Reregistered), linked(A, C, "2021-01-01", Why::Duplicate)];
    let (current, _) = shown(&links, &[A, B, C], &["2020-12-31", "2021-01-01"]).await;
    assert_eq!(current, [A, B.max(C)]);
}

/// A link that makes a code the new one of a duplicate says nothing of when the code was new.
#[tokio::test]
async fn a_duplicate_found_later_makes_a_code_no_newer() {
    let links = [
        linked(A, B, "2020-01-01", Why::Reregistered),
        linked(A, C, "2021-01-01", Why::Reregistered),
        linked(D, B, "2022-01-01", Why::Duplicate),
    ];
    let (current, _) =
        shown(&links, &[A, B, C, D], &["2020-06-01", "2021-06-01", "2023-01-01"]).await;
    assert_eq!(current, [B, C, C]);
}

#[tokio::test]
async fn annulled_and_corrected_links_replace_nothing() {
    let book = Book::new();
    book.record([A, B, C].map(|id| giant(id, "1", "2019-06-05")).to_vec()).await.unwrap();
    book.say(linked(A, B, "2021-01-01", Why::Reregistered)).await;
    assert_eq!(book.shown(A, "2021-06-01").id.to_string(), B);
    book.say(annulled(3)).await;
    assert_eq!(book.shown(A, "2021-06-01").id.to_string(), A);
    assert_eq!(book.shown(B, "2021-06-01").id.to_string(), B);
    // The annulment is annulled: the link is back, and is then corrected to another code.
    book.say(annulled(4)).await;
    assert_eq!(book.shown(A, "2021-06-01").id.to_string(), B);
    book.say(corrected(3, linked(A, C, "2021-03-01", Why::Reregistered))).await;
    assert_eq!(book.shown(A, "2021-02-01").id.to_string(), A);
    assert_eq!(book.shown(A, "2021-06-01").id.to_string(), C);
    assert_eq!(book.shown(B, "2021-06-01").id.to_string(), B);
    // As it was known before, nothing changes.
    let register = book.ledger.register();
    let index = register.find(&DesigneeId::parse(A).unwrap(), 4).unwrap();
    assert_eq!(view(&register, index, day("2021-06-01"), 4).id.to_string(), B);
    assert_eq!(view(&register, index, day("2021-06-01"), 3).id.to_string(), A);
}

#[tokio::test]
async fn two_identifiers_are_linked_once() {
    let book = Book::new();
    book.record([A, B].map(|id| giant(id, "1", "2019-06-05")).to_vec()).await.unwrap();
    book.say(linked(A, B, "2021-01-01", Why::Reregistered)).await;
    for again in [
        linked(A, B, "2021-01-01", Why::Reregistered),
        linked(A, B, "2022-01-01", Why::Duplicate),
        linked(B, A, "2022-01-01", Why::Duplicate),
    ] {
        assert_eq!(book.refused_by(again).await, ["linked-already"]);
    }
}

#[tokio::test]
async fn identifiers_in_a_circle_are_refused_in_every_order() {
    let links = [
        linked(A, B, "2021-01-01", Why::Reregistered),
        linked(B, C, "2022-01-01", Why::Reregistered),
        linked(C, A, "2023-01-01", Why::Reregistered),
    ];
    for order in orders(&links) {
        let book = Book::new();
        let [first, second, third] = order.try_into().unwrap();
        book.say(first).await;
        let mut refusals = Vec::new();
        for link in [second, third] {
            refusals.extend(book.record(vec![link]).await.err().into_iter().flatten());
        }
        assert_eq!(refusals, ["IdentifierLinkInvalid"]);
    }
    let book = Book::new();
    assert_eq!(
        book.refused(linked(A, A, "2021-01-01", Why::Reregistered)).await,
        ["IdentifierLinkInvalid"]
    );
}

/// The message of the only rejection of a link.
async fn message_of(book: &Book, link: pb::Event) -> (String, String, Vec<u64>) {
    let AppendError::Rejected(faults) = book.ledger.append(commit(vec![link])).await.unwrap_err()
    else {
        panic!("the link was not rejected by a rule")
    };
    let fault = faults.iter().next().unwrap();
    (fault.field.clone(), fault.breach.message(), fault.conflicts.clone())
}

#[tokio::test]
async fn a_replaced_code_becomes_nobodys_new_code() {
    for why in [Why::Reregistered, Why::Duplicate] {
        let (replaced, used) =
            (linked(A, B, "2021-01-01", Why::Reregistered), linked(C, A, "2021-01-02", why));
        let book = Book::new();
        book.say(replaced.clone()).await;
        let (field, message, conflicts) = message_of(&book, used.clone()).await;
        assert_eq!((field.as_str(), conflicts), ("identifier_changed.new_designee", vec![0]));
        assert!(message.contains(B) && message.contains("2021-01-01"), "{message}");
        let book = Book::new();
        book.say(used).await;
        let (field, message, conflicts) = message_of(&book, replaced).await;
        assert_eq!((field.as_str(), conflicts), ("designee", vec![0]));
        assert!(message.contains(C) && message.contains("2021-01-02"), "{message}");
        // On the same day, or before it, nothing contradicts: both name one subject.
        for on in ["2021-01-01", "2020-12-31"] {
            let links = [linked(A, B, "2021-01-01", Why::Reregistered), linked(C, A, on, why)];
            let (current, _) = shown(&links, &[A, B, C], &["2021-06-01"]).await;
            assert_eq!(current, [B]);
        }
    }
}

/// The first link away decides, and the last one to the code: whatever else is on record.
#[tokio::test]
async fn the_first_replacement_and_the_last_use_decide() {
    let book = Book::new();
    book.say(linked(A, B, "2021-01-01", Why::Reregistered)).await;
    book.say(linked(A, D, "2023-01-01", Why::Duplicate)).await;
    let (_, message, conflicts) =
        message_of(&book, linked(C, A, "2022-01-01", Why::Reregistered)).await;
    assert!(message.contains(B), "{message}");
    assert_eq!(conflicts, [0]);
    let book = Book::new();
    book.say(linked(B, A, "2021-01-01", Why::Reregistered)).await;
    book.say(linked(D, A, "2023-01-01", Why::Duplicate)).await;
    let (_, message, conflicts) =
        message_of(&book, linked(A, C, "2022-01-01", Why::Reregistered)).await;
    assert!(message.contains(D), "{message}");
    assert_eq!(conflicts, [1]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Links among four identifiers on random days: either all orders of recording accept them
    /// and show the same, or each order rejects one of them.
    #[test]
    fn links_give_the_same_answers_in_every_order(
        links in proptest::collection::vec((0..4_usize, 1..4_usize, 1..6_u32, 0..3_usize), 3),
    ) {
        let ids = [NAME, A, B, C];
        let whys = [Why::Identified, Why::Reregistered, Why::Duplicate];
        let event = |(from, to, month, why): &(usize, usize, u32, usize)| {
            linked(ids[*from], ids[*to], &format!("2021-0{month}-01"), whys[*why])
        };
        let links: Vec<_> = links.iter().map(event).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut told = Vec::new();
        for order in orders(&links) {
            told.push(runtime.block_on(async {
                let book = Book::new();
                book.record(ids.map(|id| giant(id, "1", "2019-06-05")).to_vec()).await.unwrap();
                for link in order {
                    if book.record(vec![link]).await.is_err() {
                        return None;
                    }
                }
                let days = (1..7).map(|month| format!("2021-0{month}-15"));
                let shown = |day: String| ids.map(|id| book.shown(id, &day).id.to_string());
                Some(days.map(shown).collect::<Vec<_>>())
            }));
        }
        told.dedup();
        prop_assert_eq!(told.len(), 1);
    }
}
