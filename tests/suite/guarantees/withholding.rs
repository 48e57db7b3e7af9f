//! A withheld event: nobody gets its content any more, and the root, the proofs, the digests and
//! the filters stay as they were.

use std::{fs, path::Path, sync::Arc};

use prost::Message as _;
use tidu::{
    archive::redaction::Redaction,
    catalogue_files::CatalogueFiles,
    ledger::{AppendError, Ledger, Unhurried, digest::RunningDigest, place},
    log::{Chunk, CommitLog as _, FORMAT_BEGUN, FORMAT_WITHHOLDING, REWRITTEN, SledLog},
    merkle::{Hash, leaf_hash},
    protocol::{
        leaf::Leaf,
        pb::{self, event::Fact},
    },
    register::{Interest, Sight},
};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::support::{
    Book, commit, designated, directory, history, interests, list, made_up, open,
    redacted::{annulment, withheld_by_server, withholding},
};

async fn withhold(ledger: &Ledger, position: u64) -> Result<u64, AppendError> {
    ledger.append(withheld_by_server(position)).await.map(|receipt| receipt.first)
}

/// Every place of a log as readers get it: withheld or not, and its bytes.
async fn places(ledger: &Ledger) -> Vec<(bool, Vec<u8>)> {
    let (mut at, size, mut found) = (0, ledger.durable().size, Vec::new());
    while at < size {
        for chunk in ledger.chunks(at, 1).await.unwrap() {
            assert!(chunk.next() > at, "a chunk before the position asked for");
            let new = chunk.leaves().filter(|leaf| leaf.position >= at);
            found.extend(new.map(|leaf| (leaf.withheld, leaf.bytes.to_vec())));
            at = chunk.next();
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withheld_event_is_a_place_and_the_log_is_as_before() {
    let book = Book::new();
    let secret = "示例保密有限公司";
    let enterprises = made_up(1, 300);
    let mut events: Vec<_> = enterprises.iter().map(designated).collect();
    let Some(Fact::Designated(fact)) = &mut events[7].fact else { unreachable!() };
    fact.profile.as_mut().unwrap().name = secret.to_owned();
    book.record(events).await.unwrap();
    let before = places(&book.ledger).await;
    let (size, root) = (book.ledger.durable().size, book.ledger.durable().root);
    let digest = |to| {
        let all = Interest::default();
        let from = RunningDigest::default();
        let sight = Sight::everything(book.ledger.catalogues());
        book.ledger.digest((&all, &sight), 0, to, from, &mut Unhurried).unwrap().digest
    };
    let digest_before = digest(size);
    assert_eq!((book.log.format(), book.ledger.durable().format), (FORMAT_BEGUN, FORMAT_BEGUN));

    assert_eq!(withhold(&book.ledger, 7).await.unwrap(), 300);
    assert_eq!((book.log.format(), book.ledger.durable().format), (3, FORMAT_WITHHOLDING));
    let after = places(&book.ledger).await;
    assert_eq!(after.len(), 301);
    for (position, (before, after)) in before.iter().zip(&after).enumerate() {
        assert_eq!(after.0, position == 7, "{position}");
        assert_eq!(before == after, position != 7, "{position}");
        let holds = |text: &str| after.1.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(!holds(secret) && (!after.0 || !holds("440000")), "{position}");
    }
    let leaf = Leaf::decode(before[7].1.as_slice()).unwrap();
    let place = pb::Withheld::decode(after[7].1.as_slice()).unwrap();
    let expected = pb::Withheld {
        position: Some(7),
        leaf_hash: leaf_hash(&before[7].1).to_vec().into(),
        reason: "withheld".to_owned(),
        recorded_time: leaf.recorded_time,
        commit: Some(pb::Commit { first_position: Some(0), size: 300 }),
        ..Default::default()
    };
    assert_eq!(place, expected);

    let picked = book.ledger.pick(&[6, 7, 8, 299], usize::MAX).await.unwrap();
    let told: Vec<_> = picked.iter().map(|leaf| (leaf.position, leaf.withheld)).collect();
    assert_eq!(told, [(6, false), (7, true), (8, false), (299, false)]);
    assert!(book.ledger.leaf(7).await.unwrap().withheld);
    assert!(book.ledger.leaf_here(7).unwrap().withheld);
    let micros = leaf.recorded_time.map(|time| tidu::protocol::time::micros(&time)).unwrap();
    assert_eq!(book.ledger.recorded_micros(7).await.unwrap(), micros);
    assert_eq!(digest(size), digest_before, "over the leaf hashes, which stay");
    let stored: Vec<_> = book.log.read(0, 1).unwrap().iter().flat_map(Chunk::leaves).collect();
    assert!(stored.iter().all(|leaf| !leaf.withheld), "the log itself is as it was");

    // The tree goes on from the same leaves: the log is opened again with the same root.
    let whole = book.ledger.durable().root;
    book.ledger.close();
    let again = open(Arc::new(book.log.reopen()), Arc::default(), Arc::default());
    let durable = again.durable();
    assert_eq!((durable.root, durable.format), (whole, FORMAT_WITHHOLDING));
    assert_ne!(whole, root, "it holds one event more");
    assert_eq!(places(&again).await, after, "withheld by a start, too");
}

#[tokio::test]
async fn an_event_is_withheld_once_and_only_by_the_server() {
    let book = Book::new();
    book.record(list(1, 3)).await.unwrap();
    let by_caller = withholding(1);
    for again in [false, true] {
        let refused = book.record(vec![by_caller.clone()]).await.unwrap_err();
        assert_eq!(refused, ["IssuerNotEntitled"], "{again}: no caller learns what is withheld");
        if !again {
            withhold(&book.ledger, 1).await.unwrap();
        }
    }
    let Err(AppendError::Rejected(faults)) = withhold(&book.ledger, 1).await else {
        panic!("withheld twice");
    };
    let rules: Vec<_> = faults.iter().map(|fault| fault.breach.rule().as_str()).collect();
    assert_eq!(rules, ["withheld-already"]);
    assert_eq!(faults.iter().next().unwrap().conflicts, [3]);
    for repair in [annulment(3), annulment(1)] {
        // A fact of the service stays; the event itself can be annulled.
        let is_of_service = matches!(&repair.fact,
            Some(Fact::Annulled(annulled)) if annulled.position == Some(3));
        assert_eq!(book.record(vec![repair]).await.is_err(), is_of_service);
    }
    assert!(places(&book.ledger).await[1].0, "annulled and not redacted: withheld still");
}

#[tokio::test]
async fn filters_and_titles_are_as_if_it_were_shown() {
    let (book, shown) = (Book::new(), Book::new());
    for book in [&book, &shown] {
        book.record(list(1, 5)).await.unwrap();
    }
    withhold(&book.ledger, 2).await.unwrap();
    let designee = list(1, 5)[2].designee.clone();
    for interest in interests() {
        let of = |book: &Book| book.ledger.matching(&interest, 0, 5, usize::MAX);
        assert_eq!(of(&book), of(&shown), "{interest:?}");
    }
    let status = |book: &Book| book.status(&designee, "2025-01-01");
    assert_eq!(status(&book), status(&shown));
    assert!(status(&book).is_some());
}

/// Records in a store on disk, and lets go of it. Gives the root.
fn recorded_on_disk(data: &Path) -> Hash {
    Runtime::new().unwrap().block_on(async {
        let log = Arc::new(SledLog::open(data, Uuid::from_u128(7)).unwrap());
        let ledger = history::ledger(log).unwrap();
        ledger.append(commit(list(1, 4))).await.unwrap();
        withhold(&ledger, 2).await.unwrap();
        ledger.append(commit(vec![annulment(2)])).await.unwrap();
        let root = ledger.durable().root;
        ledger.close();
        root
    })
}

/// A version that knows no withheld places finds out before there are any.
#[test]
fn the_format_is_noted_before_a_rewritten_log_has_its_name() {
    let dir = directory();
    let data = dir.path().join("data");
    Runtime::new().unwrap().block_on(async {
        let log = Arc::new(SledLog::open(&data, Uuid::from_u128(7)).unwrap());
        let ledger = history::ledger(log).unwrap();
        ledger.append(commit(list(1, 4))).await.unwrap();
        ledger.append(commit(vec![annulment(2)])).await.unwrap();
        ledger.close();
    });
    let prepare = || {
        let files = CatalogueFiles::built_in();
        Redaction::prepare(files, &data, 2, "a court order", &[]).unwrap()
    };
    let noted = || fs::read_to_string(data.join("FORMAT")).ok();
    assert_eq!(noted(), None, "the log has the first format");
    let redaction = prepare();
    // The rewritten log cannot get its name.
    fs::create_dir_all(data.join(REWRITTEN).join("other")).unwrap();
    assert!(redaction.run().is_err());
    assert_eq!(noted().as_deref(), Some("2\n"));
    prepare().run().unwrap();
    assert_eq!(noted().as_deref(), Some("2\n"));
}

#[test]
fn a_withheld_event_is_redacted_as_any_other() {
    let dir = directory();
    let data = dir.path().join("data");
    let root = recorded_on_disk(&data);
    let prepare = |position| {
        let files = CatalogueFiles::built_in();
        Redaction::prepare(files, &data, position, "a court order", &[])
    };
    for (position, why) in [(4, "is a fact of the service"), (3, "is not annulled")] {
        let refused = prepare(position).err().unwrap().to_string();
        assert!(refused.contains(why), "{refused}");
    }
    assert_eq!(prepare(2).unwrap().run().unwrap().root, root);
    let (places, after) = history::places(&data).unwrap();
    assert_eq!(after, root);
    let withheld: Vec<_> = places.iter().filter(|place| place.withheld).collect();
    let [place] = withheld[..] else { panic!("{withheld:?}") };
    let place = place::withheld_at(place).unwrap();
    assert_eq!((place.position, place.reason.as_str()), (Some(2), "a court order"));
    assert!(place.concerns.is_some(), "what a redaction leaves");
    assert_eq!(SledLog::open(&data, Uuid::nil()).unwrap().format(), FORMAT_WITHHOLDING);
}
