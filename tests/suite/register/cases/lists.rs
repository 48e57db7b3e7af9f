//! A batch as of a day and a log size: what it holds, what its opening and its seal say, and how it
//! is read in slices.

use sha2::Digest as _;
use tidu::{
    domain::event::{BatchRef, Declared},
    register::{AsOf, BatchState, BatchView},
};

use super::*;

const OPENED: &str = "工信部企业函〔2022〕1号";
const SEALED: &str = "工信部企业函〔2022〕9号";

fn opened(batch: &str, sublist: &str, on: &str, counts: Option<(u32, u32)>) -> pb::Event {
    let declared = counts.map(|(designated, reviewed)| pb::DeclaredCounts {
        designated: Some(designated),
        reviewed: Some(reviewed),
    });
    let (programme, batch, sublist) = (GIANT.to_owned(), batch.to_owned(), sublist.to_owned());
    let fact = pb::BatchOpened { programme, batch, sublist, declared };
    event(MINISTRY, "", on, Fact::BatchOpened(fact))
}

fn under(mut event: pb::Event, document: &str) -> pb::Event {
    event.evidence.as_mut().unwrap().document_number = document.to_owned();
    event
}

fn of_sublist(mut event: pb::Event, sublist: &str) -> pb::Event {
    let Some(Fact::Designated(fact)) = &mut event.fact else { unreachable!() };
    fact.sublist = sublist.to_owned();
    event
}

fn batch_ref(book: &Book, batch: &str) -> BatchRef {
    BatchRef {
        programme: book.ledger.catalogue().find(GIANT).unwrap(),
        authority: AuthorityCode::ministry(),
        batch: batch.to_owned(),
        sublist: None,
    }
}

impl Book {
    fn batch_at(&self, batch: &str, on: &str, known_at: u64) -> Option<BatchView> {
        let moment = AsOf { valid_on: day(on), known_at };
        self.ledger.register().batch(&batch_ref(self, batch), moment, true)
    }

    fn batch_on(&self, batch: &str, on: &str) -> BatchView {
        let known_at = self.ledger.durable().size;
        self.batch_at(batch, on, known_at).unwrap()
    }
}

/// An opening, three notices, two designations and a seal.
async fn fourth() -> Book {
    let book = Book::new();
    book.say(under(opened("4", "", "2022-08-01", Some((3, 0))), OPENED)).await;
    for who in [A, B, C] {
        book.say(notice(MINISTRY, who, GIANT, "4", "2022-08-08", "2022-08-12")).await;
    }
    book.say(giant(A, "4", "2022-09-01")).await;
    book.say(giant(B, "4", "2022-09-10")).await;
    book.say(under(sealed(MINISTRY, GIANT, "4", "", "2022-09-02", Some((2, 0))), SEALED)).await;
    book
}

#[tokio::test]
async fn a_batch_is_shown_as_of_a_day() {
    let book = fourth().await;
    let declared = |designated| Declared { designated: Some(designated), reviewed: Some(0) };
    let shown = |on: &str| {
        let view = book.batch_on("4", on);
        let counts = [view.counts.noticed, view.counts.designated, view.counts.not_designated];
        (view.state, counts, view.declared, view.document)
    };
    let none = Declared::default();
    assert_eq!(shown("2022-07-31"), (BatchState::Open, [0, 0, 0], none, String::new()));
    let opened = (declared(3), OPENED.to_owned());
    let (of_opening, text) = opened.clone();
    assert_eq!(shown("2022-08-01"), (BatchState::Open, [0, 0, 0], of_opening, text));
    let (of_opening, text) = opened;
    assert_eq!(shown("2022-09-01"), (BatchState::Open, [3, 1, 0], of_opening, text));
    let sealed = || SEALED.to_owned();
    assert_eq!(shown("2022-09-02"), (BatchState::Sealed, [3, 1, 2], declared(2), sealed()));
    assert_eq!(shown("2022-09-10"), (BatchState::Sealed, [3, 2, 1], declared(2), sealed()));
    let view = book.batch_on("4", "2022-09-10");
    assert_eq!(
        (view.opened_on, view.sealed_on),
        (Some(day("2022-08-01")), Some(day("2022-09-02")))
    );
    assert_eq!(view.positions, [0, 6]);
    let before = book.batch_on("4", "2022-07-31");
    assert_eq!((before.opened_on, before.sealed_on, before.positions), (None, None, vec![]));
    let lines = [format!("designated {A}\n"), format!("designated {B}\n")];
    assert_eq!(view.digest.unwrap()[..], sha2::Sha256::digest(lines.concat())[..]);
}

#[tokio::test]
async fn a_batch_is_known_from_its_first_event_on() {
    let book = fourth().await;
    let known = |batch: &str, size| book.batch_at(batch, "2030-01-01", size);
    assert!(known("4", 0).is_none());
    assert_eq!(known("4", 1).unwrap().counts.noticed, 0);
    assert_eq!(known("4", 2).unwrap().counts.noticed, 1);
    assert_eq!((known("4", 6).unwrap().state, known("4", 7).unwrap().state), {
        (BatchState::Open, BatchState::Sealed)
    });
    assert_eq!(known("4", 6).unwrap().declared.designated, Some(3));
    // A correction names another batch, which is known from then on.
    book.say(giant(D, "5", "2023-07-01")).await;
    book.say(corrected(7, giant(D, "6", "2023-07-01"))).await;
    assert!(known("6", 8).is_none());
    let designated = |batch: &str, size| known(batch, size).unwrap().counts.designated;
    assert_eq!((designated("5", 8), designated("5", 9), designated("6", 9)), (1, 0, 1));
    let moved = under(opened("9", "", "2022-08-01", None), OPENED);
    book.say(corrected(0, moved)).await;
    assert!(known("9", 9).is_none());
    assert_eq!(known("9", 10).unwrap().opened_on, Some(day("2022-08-01")));
    assert_eq!((known("4", 9).unwrap().opened_on, known("4", 10).unwrap().opened_on), {
        // Without an opening, the seal is the first that is known of it.
        (Some(day("2022-08-01")), Some(day("2022-09-02")))
    });
    assert_eq!(known("9", 10).unwrap().positions, [9], "the event that carries the opening");
    // A second correction of an entry is listed once.
    book.say(corrected(7, giant(D, "6", "2023-07-02"))).await;
    assert_eq!(designated("6", 11), 1);
}

#[tokio::test]
async fn sub_lists_are_open_sealed_empty_or_missing() {
    let book = Book::new();
    book.say(of_sublist(giant(A, "4", "2022-09-01"), GUANGDONG)).await;
    book.say(of_sublist(giant(B, "4", "2022-09-01"), LIAONING)).await;
    book.say(opened("4", SHENZHEN, "2022-09-01", None)).await;
    book.say(sealed(MINISTRY, GIANT, "4", GUANGDONG, "2022-09-02", Some((1, 0)))).await;
    book.say(sealed(MINISTRY, GIANT, "4", XPCC, "2022-09-03", Some((0, 0)))).await;
    let shown = |code: &str, on: &str| {
        let view = book.batch_on("4", on);
        assert_eq!(view.sublists.len(), 37);
        let of = view.sublists.into_iter().find(|list| list.sublist.as_str() == code).unwrap();
        (of.state, of.counts.designated, of.sealed_on, of.declared.designated)
    };
    let on = |iso| Some(day(iso));
    assert_eq!(shown(GUANGDONG, "2022-09-01"), (BatchState::Open, 1, None, None));
    let sealed_of = (BatchState::Sealed, 1, on("2022-09-02"), Some(1));
    assert_eq!(shown(GUANGDONG, "2022-09-02"), sealed_of);
    assert_eq!(shown(LIAONING, "2022-09-03"), (BatchState::Open, 1, None, None));
    assert_eq!(shown(SHENZHEN, "2022-09-03"), (BatchState::Open, 0, None, None));
    let empty = (BatchState::SealedEmpty, 0, on("2022-09-03"), Some(0));
    assert_eq!(shown(XPCC, "2022-09-03"), empty);
    assert_eq!(shown("110000", "2022-09-03"), (BatchState::Missing, 0, None, None));
    // The seal of the whole closes those on record, and says nothing of a list never seen.
    book.say(sealed(MINISTRY, GIANT, "4", "", "2022-09-04", Some((2, 0)))).await;
    assert_eq!(shown(LIAONING, "2022-09-04"), (BatchState::Sealed, 1, on("2022-09-04"), None));
    assert_eq!(shown(SHENZHEN, "2022-09-04"), (BatchState::SealedEmpty, 0, on("2022-09-04"), None));
    assert_eq!(shown(GUANGDONG, "2022-09-04"), sealed_of);
    assert_eq!(shown("110000", "2022-09-04").0, BatchState::Missing);
    let view = book.batch_on("4", "2022-09-04");
    let digest = |code: &str| {
        let of = view.sublists.iter().find(|list| list.sublist.as_str() == code).unwrap();
        of.digest.unwrap().to_vec()
    };
    let of = |text: String| sha2::Sha256::digest(text).to_vec();
    assert_eq!(digest(GUANGDONG), of(format!("designated {A}\n")));
    assert_eq!(digest(XPCC), of(String::new()));
    assert_eq!(view.positions, [5], "those of the whole alone");
}

#[tokio::test]
async fn an_empty_batch_is_sealed_as_empty_only() {
    let seal = |designated, reviewed| {
        let mut seal = sealed(MINISTRY, GIANT, "4", "", "2022-09-02", Some((0, 0)));
        let Some(Fact::BatchSealed(fact)) = &mut seal.fact else { unreachable!() };
        fact.declared = Some(pb::DeclaredCounts { designated, reviewed });
        seal
    };
    for (designated, reviewed) in [(Some(0), None), (None, Some(0)), (Some(0), Some(0))] {
        let book = Book::new();
        book.say(seal(designated, reviewed)).await;
        assert_eq!(book.batch_on("4", "2022-09-02").state, BatchState::SealedEmpty);
        assert_eq!(book.refused(seal(designated, reviewed)).await, ["BatchSealed"]);
        let again = opened("4", "", "2022-09-03", None);
        assert_eq!(book.refused(again).await, ["BatchSealed"], "nor is it opened again");
        // A correction of the seal is not a second one.
        book.say(corrected(0, seal(Some(0), Some(0)))).await;
    }
    let refused = [(None, None), (Some(1), None), (None, Some(1)), (Some(0), Some(1))];
    for (designated, reviewed) in refused.into_iter().chain([(Some(1), Some(0))]) {
        let book = Book::new();
        let why = book.refused(seal(designated, reviewed)).await;
        assert_eq!(why, ["BatchUnknown"], "{designated:?} {reviewed:?}");
    }
}

#[tokio::test]
async fn slices_of_any_length_read_the_same_batch() {
    let book = fourth().await;
    book.say(giant(D, "5", "2023-07-01")).await;
    book.say(passed(A, GIANT, "7", "2025-09-01")).await;
    let mut moved = of_sublist(giant(D, "4", "2022-09-01"), GUANGDONG);
    let Some(Fact::Designated(fact)) = &mut moved.fact else { unreachable!() };
    fact.supplement = true;
    book.say(corrected(7, moved)).await;
    let register = book.ledger.register();
    let moment = AsOf { valid_on: day("2030-01-01"), known_at: register.size() };
    let whole = |batch: &str| {
        let view = register.batch(&batch_ref(&book, batch), moment, true).unwrap();
        format!("{view:?}")
    };
    for (batch, most) in [("4", 1), ("4", 2), ("5", 1), ("7", 1), ("7", 3)] {
        let mut reading = register.read_batch(&batch_ref(&book, batch), moment, true).unwrap();
        while reading.advance(&register, most) {}
        let view = reading.sum_up().view(&register);
        assert_eq!(format!("{view:?}"), whole(batch), "{batch} {most}");
    }
    let names: Vec<_> = register.batches(0, moment).map(|(_, view)| view.batch).collect();
    assert_eq!(names, ["4", "5", "7"]);
    let later: Vec<_> = register.batches(1, moment).map(|(_, view)| view.batch).collect();
    assert_eq!(later, ["5", "7"]);
}

#[tokio::test]
async fn a_seal_corrected_to_another_batch_closes_that_one() {
    let book = Book::new();
    book.say(giant(A, "4", "2022-09-01")).await;
    book.say(giant(B, "5", "2022-09-01")).await;
    let seal =
        |issuer, programme, batch| sealed(issuer, programme, batch, "", "2022-09-02", Some((1, 0)));
    let position = book.say(seal(MINISTRY, GIANT, "4")).await;
    book.say(corrected(position, seal(MINISTRY, GIANT, "5"))).await;
    book.say(giant(C, "4", "2022-09-01")).await;
    assert_eq!(book.refused(giant(D, "5", "2022-09-01")).await, ["BatchSealed"]);
    assert_eq!(book.batch_on("4", "2022-09-02").state, BatchState::Open);
    assert_eq!(book.batch_on("5", "2022-09-02").state, BatchState::Sealed);
    // To a batch of the same name in another programme, or of another authority.
    book.say(designated(MINISTRY, A, "single-item-champion", "5", "2022-01-01")).await;
    book.say(corrected(position, seal(MINISTRY, "single-item-champion", "5"))).await;
    assert_eq!(book.batch_on("5", "2022-09-02").state, BatchState::Open);
    book.say(designated(GUANGDONG, A, SPECIALISED, "5", "2022-01-01")).await;
    book.say(corrected(position, seal(GUANGDONG, SPECIALISED, "5"))).await;
    let more = |issuer, programme| designated(issuer, B, programme, "5", "2022-01-01");
    assert_eq!(book.refused(more(GUANGDONG, SPECIALISED)).await, ["BatchSealed"]);
    book.say(more(LIAONING, SPECIALISED)).await;
    book.say(more(MINISTRY, "single-item-champion")).await;
}
