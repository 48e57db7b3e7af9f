//! The order of turns, and who pays when room is short.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::{domain::Principal, limits::QUEUE_COMMITS_MAX};

type Answer = oneshot::Receiver<Reply>;

fn party(port: u16) -> Party {
    Party::of(([127, 0, 0, 1], port).into())
}

fn job(port: u16, bytes: usize) -> (Job, Answer) {
    let commit = Commit {
        proposals: Vec::new(),
        request: None,
        precondition: None,
        recorded_by: Principal::ANONYMOUS,
        party: party(port),
        entitlement: Default::default(),
    };
    let (reply, answer) = oneshot::channel();
    (Job { commit, bytes, queued: Duration::ZERO, held: None, reply }, answer)
}

fn push(queue: &Queue, port: u16, bytes: usize) -> Result<Answer, AppendError> {
    let (job, answer) = job(port, bytes);
    queue.push(job).map(|()| answer)
}

/// The next commit, with its room.
fn next(queue: &Queue) -> (Job, Room<'_>) {
    match queue.pop() {
        Some(Turn::Commit(job, room)) => (job, room),
        Some(Turn::Proof(_)) => unreachable!("a proof"),
        Some(Turn::Leaves(..)) => unreachable!("leaves"),
        None => unreachable!("the end"),
    }
}

/// The port of the next commit's party, with its bytes.
fn pop(queue: &Queue) -> (u16, usize) {
    let (job, _) = next(queue);
    match job.commit.party {
        Party::Local(address) => (address.port(), job.bytes),
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn a_small_caller_waits_for_at_most_one_commit_of_a_flood() {
    let queue = Queue::default();
    for _ in 0..5 {
        push(&queue, 1, 1_000).unwrap();
    }
    assert_eq!(pop(&queue), (1, 1_000));
    for _ in 0..3 {
        push(&queue, 2, 10).unwrap();
    }
    let order: Vec<_> = (0..7).map(|_| pop(&queue).0).collect();
    // The flood has had a thousand bytes: the other one comes first until it has as many.
    assert_eq!(order, [2, 2, 2, 1, 1, 1, 1]);
    assert_eq!((queue.bytes(), queue.is_empty()), (0, true));
    assert_eq!(queue.depth(), (0, 0));
}

#[test]
fn a_small_caller_waits_for_one_commit_of_many_large_callers() {
    let queue = Queue::default();
    for port in 1..=8 {
        push(&queue, port, 1_000_000).unwrap();
    }
    // Each sends its next commit when it has its answer.
    for _ in 0..40 {
        let (large, bytes) = pop(&queue);
        assert_eq!(bytes, 1_000_000);
        push(&queue, large, bytes).unwrap();
        for _ in 0..3 {
            push(&queue, 9, 100).unwrap();
            assert_eq!(pop(&queue), (9, 100));
        }
    }
}

#[test]
fn small_commits_do_not_keep_a_large_one_waiting_for_ever() {
    for parties in [1, 1_000] {
        let queue = Queue::default();
        push(&queue, 1, 100_000).unwrap();
        let small = (0..).map(|i| 2 + i % parties);
        let before = small.take_while(|port| {
            push(&queue, *port, 100).unwrap();
            pop(&queue).0 != 1
        });
        assert!((900..=2_100).contains(&before.count()), "about the same bytes, or twice");
        assert!(queue.lines.lock().parties.len() < 2 * 64 + 2);
    }
}

/// A commit of few bytes may name long records.
#[test]
fn facts_that_were_read_count_as_bytes() {
    let queue = Queue::default();
    let judged = |facts: usize| {
        let (job, room) = next(&queue);
        room.charge(facts);
        match job.commit.party {
            Party::Local(address) => address.port(),
            other => unreachable!("{other:?}"),
        }
    };
    for port in 1..=4 {
        push(&queue, port, 100).unwrap();
        push(&queue, port, 100).unwrap();
    }
    // The first two read many facts, the third no more than its bytes.
    let order = [judged(100_000), judged(100_000), judged(100 / JUDGED_FACT_BYTES), judged(0)];
    assert_eq!(order, [1, 2, 3, 4]);
    for _ in 0..50 {
        push(&queue, 9, 100).unwrap();
    }
    let order: Vec<_> = (0..54).map(|_| judged(0)).collect();
    assert_eq!((order[52], order[53]), (1, 2), "{order:?}");
    // Who comes back at once is still charged.
    push(&queue, 5, 100).unwrap();
    assert_eq!(judged(100_000), 5);
    push(&queue, 5, 100).unwrap();
    push(&queue, 6, 100).unwrap();
    assert_eq!([judged(0), judged(0)], [6, 5]);
}

#[test]
fn parties_with_equal_commits_take_turns() {
    let queue = Queue::default();
    for port in [1, 1, 1, 2, 2, 3] {
        push(&queue, port, 100).unwrap();
    }
    let order: Vec<_> = (0..6).map(|_| pop(&queue).0).collect();
    assert_eq!(order, [1, 2, 3, 1, 2, 1]);
}

#[test]
fn one_party_may_use_the_whole_queue_and_no_more() {
    let queue = Queue::default();
    let half = QUEUE_BYTES_MAX / 2;
    let _held = [push(&queue, 1, half).unwrap(), push(&queue, 1, half).unwrap()];
    assert!(matches!(push(&queue, 1, 1), Err(AppendError::QueueFull)));
    assert_eq!(queue.bytes(), QUEUE_BYTES_MAX);
    let queue = Queue::default();
    let _held: Vec<_> = (0..QUEUE_COMMITS_MAX).map(|_| push(&queue, 1, 1).unwrap()).collect();
    assert!(matches!(push(&queue, 1, 1), Err(AppendError::QueueFull)));
    drop(next(&queue));
    push(&queue, 1, 1).unwrap();
}

#[test]
fn on_shortage_the_newest_commit_of_the_largest_party_is_refused() {
    let queue = Queue::default();
    let quarter = QUEUE_BYTES_MAX / 4;
    let mut flood: Vec<_> = (0..4).map(|_| push(&queue, 1, quarter).unwrap()).collect();
    // A second party gets its share, which the first one pays: its newest commits go.
    let mut small = push(&queue, 2, quarter + 1).unwrap();
    for refused in flood.drain(2..) {
        assert!(matches!(refused.blocking_recv().unwrap(), Err(AppendError::QueueFull)));
    }
    assert!(small.try_recv().is_err());
    // With as much as this it would have more than its half.
    assert!(matches!(push(&queue, 2, quarter), Err(AppendError::QueueFull)));
    // The first one gets no more than its half back.
    push(&queue, 1, quarter).unwrap_err();
    let order: Vec<_> = (0..3).map(|_| pop(&queue).0).collect();
    assert_eq!(order, [1, 2, 1]);
    // The same for the number of commits.
    let _flood: Vec<_> = (0..QUEUE_COMMITS_MAX).map(|_| push(&queue, 1, 1).unwrap()).collect();
    let _held = push(&queue, 2, quarter).unwrap();
    assert_eq!(queue.lines.lock().room.held(), QUEUE_BYTES_MAX as u64);
}

#[test]
fn a_refused_commit_leaves_everybody_untouched() {
    let queue = Queue::default();
    let eighth = QUEUE_BYTES_MAX / 8;
    let mut held: Vec<_> = (0..8).map(|_| push(&queue, 1, eighth).unwrap()).collect();
    // The other party could give up some, but not as many.
    assert!(matches!(push(&queue, 2, 6 * eighth), Err(AppendError::QueueFull)));
    assert!(held.iter_mut().all(|answer| answer.try_recv().is_err()), "nobody has an answer");
    assert_eq!(queue.bytes(), QUEUE_BYTES_MAX);
    let order: Vec<_> = (0..8).map(|_| pop(&queue)).collect();
    assert_eq!(order, [(1, eighth); 8]);
}

#[test]
fn a_commit_holds_its_memory_until_it_is_decided_or_refused() {
    let queue = Queue::default();
    let memory: HeldMemory = Arc::new(());
    let push = |port, bytes| {
        // Its caller goes at once.
        let (job, _) = job(port, bytes);
        queue.push(Job { held: Some(Arc::clone(&memory)), ..job })
    };
    push(1, QUEUE_BYTES_MAX / 2).unwrap();
    push(1, QUEUE_BYTES_MAX / 2).unwrap();
    assert_eq!(Arc::strong_count(&memory), 3);
    push(2, 1).unwrap();
    assert_eq!(Arc::strong_count(&memory), 3, "the newest one is refused for another");
    push(1, QUEUE_BYTES_MAX).unwrap_err();
    assert_eq!(Arc::strong_count(&memory), 3);
    let (job, room) = next(&queue);
    drop(room);
    assert_eq!(Arc::strong_count(&memory), 3, "it is being decided");
    drop(job);
    assert_eq!(Arc::strong_count(&memory), 2);
    queue.abandon();
    assert_eq!(Arc::strong_count(&memory), 1);
}

#[test]
fn a_commit_that_is_being_decided_keeps_its_room() {
    let queue = Queue::default();
    let _held = push(&queue, 1, QUEUE_BYTES_MAX).unwrap();
    let popped = next(&queue);
    assert!(matches!(push(&queue, 2, 1), Err(AppendError::QueueFull)));
    drop(popped);
    push(&queue, 2, 1).unwrap();
}

#[test]
fn a_proof_is_the_next_turn_and_takes_no_room() {
    let queue = Queue::default();
    let _flood: Vec<_> = (0..QUEUE_COMMITS_MAX).map(|_| push(&queue, 1, 1).unwrap()).collect();
    let (reply, answer) = oneshot::channel();
    queue.push_proof(reply).unwrap();
    assert_eq!(queue.lines.lock().commits, QUEUE_COMMITS_MAX);
    assert!(matches!(queue.pop(), Some(Turn::Proof(_))));
    assert_eq!(pop(&queue), (1, 1), "then the commits, of which none was refused");
    assert!(answer.blocking_recv().is_err(), "this writer has dropped it");
    // The end counts for proofs as well.
    let (reply, answer) = oneshot::channel();
    queue.push_proof(reply).unwrap();
    queue.abandon();
    assert!(answer.blocking_recv().is_err());
    let refused = queue.push_proof(oneshot::channel().0);
    assert!(matches!(refused, Err(AppendError::Unknown)));
    let queue = Queue::default();
    queue.close();
    let refused = queue.push_proof(oneshot::channel().0);
    assert!(matches!(refused, Err(AppendError::Draining)));
}

#[test]
fn a_closed_queue_is_finished_and_an_abandoned_one_is_dropped() {
    let queue = Queue::default();
    let _first = push(&queue, 1, 5).unwrap();
    queue.close();
    assert!(matches!(push(&queue, 1, 5), Err(AppendError::Draining)));
    assert_eq!(pop(&queue), (1, 5));
    assert!(queue.pop().is_none());
    let queue = Queue::default();
    let answer = push(&queue, 1, 5).unwrap();
    queue.abandon();
    assert!(queue.pop().is_none());
    assert!(answer.blocking_recv().is_err());
    assert!(matches!(push(&queue, 1, 5), Err(AppendError::Unknown)));
}
