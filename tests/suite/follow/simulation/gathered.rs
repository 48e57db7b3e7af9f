//! Leaves that wait for others when the road ends.

use std::sync::Arc;

use tidu::limits::FOLLOW_GATHER_TIME;
use tokio::{
    task::yield_now,
    time::{Duration, Instant, advance, sleep},
};

use super::{paused, run::Run};
use crate::support::commit;

/// Turns of the runtime for each step of time: what is not a matter of time mostly comes in them.
const TURNS: usize = 2_000;
/// Steps of a millisecond within which a commit is synced, and heard of.
const STEPS_MAX: usize = 10_000;
/// Pairs of commits until the second one came soon enough.
const PAIRS_MAX: usize = 1_000;

fn size(run: &Run) -> u64 {
    run.nodes[1].process().ledger.durable().size
}

/// Records some events, and lets time go on in small steps until the follower has them.
async fn record(run: &mut Run, total: &mut u64) -> Instant {
    let events = run.events(1..4);
    *total += events.len() as u64;
    let leader = Arc::clone(&run.nodes[0].process().ledger);
    let _answer = tokio::spawn(async move { leader.append(commit(events)).await });
    for _ in 0..STEPS_MAX {
        for _ in 0..TURNS {
            if run.nodes[1].process().contact().leader_size == *total {
                return Instant::now();
            }
            yield_now().await;
        }
        advance(Duration::from_millis(1)).await;
    }
    panic!("they do not come: {:?}", run.nodes[1].process().contact());
}

#[test]
fn what_a_root_confirmed_is_applied_though_the_leader_is_gone() {
    paused(async {
        let mut run = Run::new(1);
        assert!(run.start_leading(0));
        run.follow(1, &[0]);
        assert!(run.comes(|run| run.nodes[1].process().state() == "following").await);
        let mut total = 0;
        // Until the second commit came so soon after the first one that it waits.
        for pair in 0.. {
            assert!(pair < PAIRS_MAX, "the leader is too slow each time");
            let first = record(&mut run, &mut total).await;
            let second = record(&mut run, &mut total).await;
            if second - first < FOLLOW_GATHER_TIME {
                break;
            }
            assert!(run.comes(|run| size(run) == total).await);
            sleep(FOLLOW_GATHER_TIME).await;
        }
        assert!(size(&run) < total);
        run.network.part(1, true);
        assert!(run.comes(|run| size(run) == total).await);
        assert_eq!(run.nodes[1].process().state(), "connecting");
    });
}
