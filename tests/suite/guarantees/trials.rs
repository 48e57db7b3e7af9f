//! Trials of the ledger: they hold nobody up, leave no trace, and answer for the size at which they
//! began.

use std::sync::{Arc, mpsc};

use bytes::Bytes;
use fastrand::Rng;
use tidu::{
    domain::catalogue::Catalogue,
    ledger::{AppendError, Commit, GivenUp, Ledger, Pace, Precondition, Receipt, Unhurried},
    limits::{COMMIT_EVENTS_MAX, TRIAL_SLICE_EVENTS},
    protocol::{event, pb},
};
use tokio::runtime::Handle;

use crate::support::{
    Book, GatedLog, any_event, changed, commit, history::leaves, in_time, list, made_up, open, seed,
};

/// Runs a trial at once, on a thread that may block.
fn tried(ledger: &Ledger, commit: &Commit) -> Result<Receipt, AppendError> {
    tokio::task::block_in_place(|| ledger.trial(commit, &mut Unhurried)).unwrap()
}

/// Does something between the slices of a trial, and waits until it is done.
struct Between<F>(F);

impl<F: FnMut() -> Result<(), GivenUp>> Pace for Between<F> {
    fn step(&mut self) -> Result<(), GivenUp> {
        (self.0)()
    }
}

/// Proposes random events, each in a commit of its own. Gives how many are recorded.
async fn record_random(ledger: &Ledger, random: &mut Rng, count: usize) -> usize {
    let catalogue = Catalogue::built_in();
    let mut recorded = 0;
    for _ in 0..count {
        let event = any_event(random, ledger.durable().size);
        if event::proposal(&catalogue, 0, event.clone()).is_ok() {
            recorded += usize::from(ledger.append(commit(vec![event])).await.is_ok());
        }
    }
    recorded
}

/// Random events that can be read.
fn readable(random: &mut Rng, size: u64, count: usize) -> Vec<pb::Event> {
    let catalogue = Catalogue::built_in();
    let coming = std::iter::repeat_with(|| any_event(random, size + count as u64));
    let is_readable = |event: &pb::Event| event::proposal(&catalogue, 0, event.clone()).is_ok();
    coming.filter(is_readable).take(count).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_leaves_no_trace() {
    let seed = seed::seed("TIDU_TRIAL_SEED");
    let (book, without) = (Book::new(), Book::new());
    for book in [&book, &without] {
        record_random(&book.ledger, &mut Rng::with_seed(seed), 200).await;
    }
    let size = book.ledger.durable().size;
    let proposed = readable(&mut Rng::with_seed(seed), size, 300);
    let before = (book.ledger.durable(), format!("{:?}", *book.ledger.register()));
    let receipt = tried(&book.ledger, &commit(proposed)).unwrap();
    assert!(receipt.rejections.total() > 0 && receipt.change_count > 0, "it decides much");
    assert!(format!("{:?}", *book.ledger.register()) == before.1, "the register has changed");
    assert_eq!(book.ledger.durable(), before.0);

    // Commits after it are recorded as without it.
    for book in [&book, &without] {
        record_random(&book.ledger, &mut Rng::with_seed(seed.wrapping_add(1)), 50).await;
    }
    assert_eq!(leaves(&book.log).unwrap(), leaves(&without.log).unwrap());
    assert!(book.ledger.durable().size > size);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_answers_for_its_size_while_the_log_grows() {
    let mut random = seed::random("TIDU_TRIAL_SEED");
    let book = Book::new();
    record_random(&book.ledger, &mut random, 200).await;
    let size = book.ledger.durable().size;
    let proposed = commit(readable(&mut random, size, 10 * TRIAL_SLICE_EVENTS));
    let expected = tried(&book.ledger, &proposed).unwrap();
    assert_eq!(expected.first, size);
    let (mut steps, mut recorded) = (0, 0);
    let runtime = Handle::current();
    let mut between = Between(|| {
        steps += 1;
        // Events about the same designees and batches, each durable before the trial goes on.
        recorded += runtime.block_on(record_random(&book.ledger, &mut random, 8));
        Ok(())
    });
    let trial = || book.ledger.trial(&proposed, &mut between);
    let receipt = tokio::task::block_in_place(trial).unwrap().unwrap();
    assert_eq!(format!("{receipt:?}"), format!("{expected:?}"));
    assert!(steps >= 10 && recorded > 10, "{recorded} recorded in {steps} steps");
    assert_eq!(book.ledger.durable().size, size + recorded as u64);
}

/// A trial that waited for the register's write lock would never end here.
#[tokio::test(flavor = "multi_thread")]
async fn the_largest_trial_never_takes_the_write_lock() {
    let book = Book::new();
    book.ledger.append(commit(list(1, 50))).await.unwrap();
    let ledger = Arc::new(book.ledger);
    let (locked, is_locked) = mpsc::channel();
    let (release, is_released) = mpsc::channel::<()>();
    let reader = {
        let ledger = Arc::clone(&ledger);
        std::thread::spawn(move || {
            let _held = ledger.register();
            locked.send(()).unwrap();
            is_released.recv().unwrap_err();
        })
    };
    is_locked.recv().unwrap();
    let proposed = commit(list(1, COMMIT_EVENTS_MAX));
    let trial = tokio::task::spawn_blocking(move || ledger.trial(&proposed, &mut Unhurried));
    let receipt = in_time("the trial", trial).await.unwrap().unwrap().unwrap();
    drop(release);
    reader.join().unwrap();
    assert_eq!(receipt.rejections.total(), 50, "those that hold the title already");
    assert_eq!(receipt.change_count, COMMIT_EVENTS_MAX - 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn appends_go_on_between_any_two_slices_of_a_trial() {
    let book = Book::new();
    let proposed = commit(list(1, COMMIT_EVENTS_MAX));
    let mut coming = list(2, 1_000).into_iter();
    let runtime = Handle::current();
    let mut appended = 0;
    let mut between = Between(|| {
        let event = coming.next().unwrap();
        appended = runtime.block_on(book.ledger.append(commit(vec![event]))).unwrap().next;
        Ok(())
    });
    let trial = || book.ledger.trial(&proposed, &mut between);
    let receipt = tokio::task::block_in_place(trial).unwrap().unwrap();
    let slices = 2 * (COMMIT_EVENTS_MAX / TRIAL_SLICE_EVENTS) as u64;
    assert!(appended >= slices, "one append in each of {slices} slices, and not {appended}");
    assert_eq!((receipt.first, receipt.rejections.total()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_ends_when_nobody_waits_for_it() {
    let book = Book::new();
    let mut steps = 0;
    let mut between = Between(|| {
        steps += 1;
        if steps == 3 { Err(GivenUp) } else { Ok(()) }
    });
    let proposed = commit(list(1, COMMIT_EVENTS_MAX));
    let trial = || book.ledger.trial(&proposed, &mut between);
    assert_eq!(tokio::task::block_in_place(trial).unwrap_err(), GivenUp);
    assert_eq!(steps, 3);
}

/// A trial counts what is durable. Events on their way there may still be lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_trial_does_not_know_of_commits_on_their_way() {
    let log = Arc::new(GatedLog::default());
    let ledger = Arc::new(open(Arc::<GatedLog>::clone(&log), Arc::default(), Arc::default()));
    let appending = {
        let ledger = Arc::clone(&ledger);
        tokio::spawn(async move { ledger.append(commit(list(1, 5))).await })
    };
    while ledger.register().size() < 5 {
        tokio::task::yield_now().await;
    }
    let mut proposed = commit(list(1, 5));
    proposed.precondition = Some(Precondition::LogSize(0));
    let receipt = tried(&ledger, &proposed).unwrap();
    assert_eq!((receipt.first, receipt.next, receipt.rejections.total()), (0, 5, 0));
    assert_eq!(receipt.change_count, 5);

    log.open_gate();
    appending.await.unwrap().unwrap();
    let moved = tried(&ledger, &proposed).unwrap_err();
    assert!(matches!(moved, AppendError::SizeMoved { found: 5, expected: 0 }), "{moved}");
    proposed.precondition = None;
    assert_eq!(tried(&ledger, &proposed).unwrap().rejections.total(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_of_a_recorded_request_gets_its_answer() {
    let book = Book::new();
    let request = |digest| Some((Bytes::from_static(b"list-1"), [digest; 32]));
    let events = || list(1, 3);
    let recorded = Commit { request: request(1), ..commit(events()) };
    let first = book.ledger.append(recorded).await.unwrap();
    book.ledger.append(commit(vec![changed(&made_up(1, 1)[0])])).await.unwrap();
    let again = Commit { request: request(1), ..commit(events()) };
    let receipt = tried(&book.ledger, &again).unwrap();
    assert!(receipt.replayed);
    assert_eq!((receipt.first, receipt.next), (first.first, first.next));
    assert_eq!(receipt.recorded_micros, first.recorded_micros);
    let other = Commit { request: request(2), ..commit(events()) };
    let reused = tried(&book.ledger, &other).unwrap_err();
    assert!(matches!(reused, AppendError::RequestReused { first: 0, .. }), "{reused}");
    // A trial does not use up its own id.
    let unused = Some((Bytes::from_static(b"list-2"), [3; 32]));
    let tried_twice = Commit { request: unused, ..commit(list(2, 1)) };
    for _ in 0..2 {
        assert!(!tried(&book.ledger, &tried_twice).unwrap().replayed);
    }
    book.ledger.close();
    assert!(matches!(tried(&book.ledger, &tried_twice), Err(AppendError::Draining)));
}
