#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::sync::atomic::Ordering;

use super::{store::tests::Failing, *};

fn state(next_position: u64) -> CursorState {
    let (log_id, created_micros) = (Uuid::from_u128(7), 1);
    CursorState { next_position, log_id, created_micros, advanced_micros: None }
}

fn to(next_position: u64, force: bool) -> Change {
    Change::Advance { next_position, log_id: Uuid::from_u128(7), force, now_micros: 2 }
}

#[tokio::test]
async fn a_cursor_moves_forwards_and_survives() {
    let dir = tempfile::tempdir().unwrap();
    let cursors = Cursors::open(dir.path()).unwrap();
    let filter = Bytes::from_static(b"filter");
    cursors.change("bank", Change::Create(state(3), filter.clone())).await.unwrap();
    let again = cursors.change("bank", Change::Create(state(0), Bytes::new())).await;
    assert_eq!(again, Err(CursorError::Exists("bank".into())));
    assert_eq!(cursors.change("bank", to(9, false)).await.unwrap().next_position, 9);
    assert_eq!(cursors.change("bank", to(9, false)).await.unwrap().next_position, 9);
    let back = cursors.change("bank", to(8, false)).await;
    assert_eq!(back, Err(CursorError::Backwards { current: 9, asked: 8 }));
    let slowest = |cursors: &Cursors| cursors.lags(Uuid::from_u128(7), 10, 9).slowest;
    assert_eq!(slowest(&cursors), [(9, "bank".into())]);
    cursors.close();
    drop(cursors);

    let cursors = Cursors::open(dir.path()).unwrap();
    assert_eq!(slowest(&cursors), [(9, "bank".into())], "also after a start");
    let (found, kept) = cursors.get("bank").unwrap();
    assert_eq!((found.next_position, kept), (9, filter.clone()));
    assert_eq!(cursors.find("bank", 6).unwrap().1, StoredFilter::Read(filter));
    assert_eq!(cursors.find("bank", 5).unwrap().1, StoredFilter::Long(6));
    assert_eq!(cursors.usage(), Usage { cursors: 1, filter_bytes: 6 });
    assert_eq!(cursors.change("bank", to(2, true)).await.unwrap().next_position, 2);
    cursors.change("bank", Change::Delete).await.unwrap();
    assert_eq!(cursors.get("bank"), Err(CursorError::NotFound("bank".into())));
    assert_eq!(cursors.usage(), Usage::default());
    assert_eq!(cursors.lags(Uuid::from_u128(7), 10, 9), Lags::default());
    assert_eq!(cursors.list("", 10).unwrap(), []);
}

#[tokio::test]
async fn nothing_is_acknowledged_after_a_failed_sync() {
    let backend = Failing::default();
    let fails = Arc::clone(&backend.fails);
    let cursors = Cursors::over(Store::over(backend), None).unwrap();
    cursors.change("a", Change::Create(state(1), Bytes::new())).await.unwrap();
    fails.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        let refused = cursors.change("a", to(5, false)).await;
        assert!(matches!(refused, Err(CursorError::Failed(_))), "{refused:?}");
        // Even if later syncs succeed: the content of the disk is unknown.
        fails.store(false, Ordering::SeqCst);
    }
}

/// A change in the queue, and its answer.
fn job(change: Change) -> (Job, oneshot::Receiver<Reply>) {
    let (reply, answer) = oneshot::channel();
    (Job { id: "a".to_owned(), change, made: Box::new(|| {}), reply }, answer)
}

fn create(filter_bytes: usize) -> Change {
    Change::Create(state(0), vec![0; filter_bytes].into())
}

#[test]
fn cursors_stay_as_they_are_on_a_full_disk() {
    let kept = |free, change| refuse_for_room(vec![job(change).0], free).len();
    assert_eq!(kept(CURSOR_ROOM_BYTES, Change::Delete), 1);
    assert_eq!(kept(CURSOR_ROOM_BYTES - 1, Change::Delete), 0);
    let room = CURSOR_ROOM_BYTES + CURSOR_FILTER_ROOM_FACTOR * 1_000;
    assert_eq!(kept(room, create(1_000)), 1);
    assert_eq!(kept(room, create(1_001)), 0);
    let refused = require_room(CURSOR_ROOM_BYTES - 1, 0).unwrap_err();
    assert!(refused.to_string().contains("nothing was changed"), "{refused}");
    // Large filters without room keep nothing small from its place.
    let (large, mut refused) = job(create(1_001));
    let (small, mut waits) = job(to(1, false));
    assert_eq!(refuse_for_room(vec![large, small], room).len(), 1);
    assert!(matches!(refused.try_recv(), Ok(Err(CursorError::Failed(_)))));
    waits.try_recv().unwrap_err();
}

#[test]
fn a_group_ends_at_a_number_or_at_bytes_of_filters() {
    let counts = |filter_bytes, count: usize| {
        let (queue, mut jobs) = mpsc::channel(count);
        (0..count).for_each(|_| queue.try_send(job(create(filter_bytes)).0).unwrap());
        group(jobs.try_recv().unwrap(), &mut jobs).len()
    };
    assert_eq!(counts(0, CURSOR_GROUP_MAX + 1), CURSOR_GROUP_MAX);
    assert_eq!(counts(CURSOR_GROUP_FILTERS_BYTES / 2, 4), 2);
    assert_eq!(counts(CURSOR_GROUP_FILTERS_BYTES / 2 - 1, 4), 3);
    assert_eq!(counts(CURSOR_GROUP_FILTERS_BYTES, 4), 1);
}

#[tokio::test]
async fn who_counts_cursors_is_told_before_the_caller_and_without_it() {
    let cursors = Cursors::over(Store::over(Failing::default()), None).unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = |what: &'static str| -> OnMade {
        let told = Arc::clone(&told);
        Box::new(move || told.lock().push(what))
    };
    cursors.change_then("a", create(1), tell("made")).await.unwrap();
    assert_eq!(*told.lock(), ["made"]);
    cursors.change_then("a", create(1), tell("made again")).await.unwrap_err();
    // The caller goes as soon as the change is in the queue.
    let mut change = Box::pin(cursors.change_then("a", Change::Delete, tell("deleted")));
    std::future::poll_fn(|context| {
        let _ = change.as_mut().poll(context);
        std::task::Poll::Ready(())
    })
    .await;
    drop(change);
    cursors.close();
    assert_eq!(*told.lock(), ["made", "deleted"]);
}

#[test]
fn a_full_store_takes_no_cursor() {
    let full = Usage { cursors: CURSORS_MAX, filter_bytes: 0 };
    let create = Change::Create(state(0), Bytes::from_static(b"f"));
    assert_eq!(decide("a", &create, None, full), Err(CursorError::TooMany));
    let full = Usage { cursors: 0, filter_bytes: CURSOR_FILTERS_BYTES_MAX };
    assert_eq!(decide("a", &create, None, full), Err(CursorError::FiltersTooLarge));
    let other = Change::Advance {
        next_position: 9,
        log_id: Uuid::from_u128(8),
        force: false,
        now_micros: 2,
    };
    let refused = decide("a", &other, Some(state(1)), Usage::default());
    let (made_in, here) = (Uuid::from_u128(7), Uuid::from_u128(8));
    assert_eq!(refused, Err(CursorError::OtherLog { made_in, here }));
}

#[test]
fn ids_are_plain() {
    for good in ["a", "bank-7", "0.x_y"] {
        assert!(is_id(good), "{good}");
    }
    for bad in ["", "-a", "A", "a b", "a/b", &"a".repeat(65)] {
        assert!(!is_id(bad), "{bad}");
    }
}
