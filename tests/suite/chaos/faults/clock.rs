//! A clock that jumps back and forth, over restarts.

use std::sync::{Arc, atomic::Ordering};

use tidu::{
    ledger::{AppendError, Ledger},
    log::Chunk,
    protocol::{leaf::Leaf, time::micros},
};

use super::seeded;
use crate::support::{Hands, MemoryLog, commit, list, open};

const SECOND: i64 = 1_000_000;
const COMMITS: usize = 400;

/// Recorded times of all events, in order.
async fn times(ledger: &Ledger) -> Vec<i64> {
    let chunks = ledger.chunks(0, usize::MAX).await.unwrap();
    let leaves = chunks.iter().flat_map(Chunk::leaves);
    let leaves = leaves.map(|leaf| <Leaf as prost::Message>::decode(leaf.bytes).unwrap());
    leaves.map(|leaf| micros(&leaf.recorded_time.unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_never_takes_recorded_time_back() {
    let (mut random, events) = (seeded(), list(1, COMMITS));
    let log = MemoryLog::default();
    let (mut now, mut jump) = (1_700_000_000 * SECOND, 0);
    let (mut recorded, mut refused, mut last) = (0, 0, i64::MIN);
    let mut ledger: Option<(Ledger, Arc<Hands>)> = None;
    for (number, event) in events.into_iter().enumerate() {
        // A restart now and then, with whatever the clock shows.
        if number % 40 == 0 {
            ledger.take().inspect(|(ledger, _)| assert!(ledger.close()));
        }
        let (ledger, clock) = ledger.get_or_insert_with(|| {
            let clock = Arc::<Hands>::default();
            (open(Arc::new(log.clone()), Arc::clone(&clock), Arc::default()), clock)
        });
        let passed = random.u64(0..200);
        now += i64::try_from(passed).unwrap() * SECOND;
        jump = match random.u8(0..6) {
            0 => 0,
            1 => -random.i64(0..60) * SECOND,
            2 => -random.i64(60..100_000) * SECOND,
            3 => random.i64(0..3_600) * SECOND,
            4 => random.i64(3_600..4_000) * SECOND,
            _ => jump,
        };
        clock.0.store(now + jump, Ordering::Relaxed);
        clock.1.fetch_add(passed, Ordering::Relaxed);
        match ledger.append(commit(vec![event])).await {
            Ok(receipt) => {
                let at = receipt.recorded_micros.unwrap();
                assert!(at >= last, "recorded {} µs before what is ahead of it", last - at);
                assert!(at >= now + jump, "recorded before it came");
                last = at;
                recorded += 1;
            }
            Err(AppendError::Clock(_)) => refused += 1,
            Err(refusal) => panic!("{refusal}"),
        }
    }
    let (ledger, _) = ledger.unwrap();
    let times = times(&ledger).await;
    assert_eq!(times.len(), recorded);
    assert!(times.is_sorted() && times.last() == Some(&last));
    ledger.close();
    println!("{recorded} commits recorded, {refused} refused over the clock");
    assert!(recorded > COMMITS / 20 && refused > COMMITS / 20, "the clock does not jump");
}
