//! Waiting streams: whatever streams come and go, an event that may match wakes each of them.

use std::{future::ready, sync::Arc};

use fastrand::Rng;
use tidu::{
    domain::DesigneeId,
    ledger::Waiter,
    register::{Interest, Register},
};

use crate::support::{
    Book, DESIGNEES, OTHERS, annulled, in_time, interests, other, seed, watching,
};

/// Commits that are tried.
const COMMITS: usize = 400;

fn matches(register: &Register, interest: &Interest, from: u64, to: u64) -> bool {
    !register.matching(interest, from, to, 1).0.is_empty()
}

/// True if the stream was woken; it is not waited for.
async fn was_woken(waiter: &mut Waiter) -> bool {
    tokio::select! {
        biased;
        () = waiter.woken() => true,
        () = ready(()) => false,
    }
}

fn some_event(book: &Book, random: &mut Rng) -> tidu::protocol::pb::Event {
    let size = book.ledger.durable().size;
    if size > 0 && random.u8(0..8) == 0 {
        return annulled(random.u64(0..size));
    }
    let (who, whom) = (random.usize(0..DESIGNEES.len()), random.usize(0..DESIGNEES.len()));
    let day = format!("20{}-0{}-15", random.u8(15..27), random.u8(1..9));
    other(random.u8(0..OTHERS), who, whom, &day)
}

/// An interest: one of every sort, the same one as another stream has, or a long watch-list.
fn some_interest(open: &[(Arc<Interest>, Waiter)], random: &mut Rng) -> Arc<Interest> {
    if let (true, Some((interest, _))) = (random.bool(), random.choice(open)) {
        return Arc::clone(interest);
    }
    if random.u8(0..8) == 0 {
        let mut long = watching(&DESIGNEES[..random.usize(0..2)]);
        for number in 0..random.u32(1..5_000) {
            long.designee(DesigneeId::parse(&format!("local:330000/{number}")).unwrap());
        }
        return Arc::new(long);
    }
    let all = interests();
    Arc::new(random.choice(&all).unwrap().clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_come_and_go_miss_no_event() {
    let mut random = seed::random("TIDU_WAKE_UPS_SEED");
    let book = Book::new();
    let mut open: Vec<(Arc<Interest>, Waiter)> = Vec::new();
    let (mut woken, mut rested) = (0, 0);
    for _ in 0..COMMITS {
        for _ in 0..random.usize(0..4) {
            let interest = some_interest(&open, &mut random);
            if random.u8(0..4) == 0 {
                // A call that is given up while its stream enters the index.
                let entering = book.ledger.waiter(&interest);
                tokio::select! { biased; _ = entering => {} () = ready(()) => {} }
                continue;
            }
            let waiter = book.ledger.waiter(&interest).await;
            open.push((interest, waiter));
        }
        while open.len() > 24 || (!open.is_empty() && random.u8(0..4) == 0) {
            drop(open.swap_remove(random.usize(0..open.len())));
        }
        let from = book.ledger.durable().size;
        let events = (0..random.usize(1..4)).map(|_| some_event(&book, &mut random)).collect();
        if book.record(events).await.is_err() {
            continue;
        }
        let to = book.ledger.durable().size;
        let (due, others): (Vec<_>, Vec<_>) = open
            .iter_mut()
            .partition(|(interest, _)| matches(&book.ledger.register(), interest, from, to));
        for (interest, waiter) in due {
            in_time(&format!("a wake-up for {interest:?} at {from}"), waiter.woken()).await;
            woken += 1;
        }
        for (_, waiter) in others {
            rested += usize::from(!was_woken(waiter).await);
        }
    }
    println!("{woken} wake-ups, {rested} rests");
    assert!(woken > 100 && rested > 100, "{woken} wake-ups, {rested} rests: nothing is shown");
}
