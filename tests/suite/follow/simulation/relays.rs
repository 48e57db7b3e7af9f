//! Nodes between a follower and its leader.

use std::sync::atomic::Ordering;

use tidu::{
    handover::Standing,
    limits::{FOLLOW_RELAY_AGE_MAX, FOLLOW_RETURN_INTERVAL, FOLLOW_SILENCE_MAX},
};
use tokio::time::sleep;

use super::{network::Network, paused, run::Run};
use crate::support::commit;

/// The clock of a machine goes on.
fn pass(run: &Run, node: usize, time: std::time::Duration) {
    let micros = i64::try_from(time.as_micros()).unwrap();
    run.nodes[node].passed.fetch_add(micros, Ordering::SeqCst);
}

fn is_at(run: &Run, node: usize, size: u64) -> bool {
    let process = run.nodes[node].process();
    process.ledger.durable().size == size && process.state() == "following"
}

fn follows(run: &Run, node: usize, other: usize) -> bool {
    let contact = run.nodes[node].process().contact();
    contact.leader == Network::url(other).to_string()
        && run.nodes[node].process().state() == "following"
}

async fn record(run: &mut Run, count: usize) {
    let events = run.events(count..count + 1);
    run.nodes[0].process().ledger.append(commit(events)).await.unwrap();
}

/// A leader and two followers that name each other, too.
async fn three() -> Run {
    let mut run = Run::new(1);
    assert!(run.start_leading(0));
    run.follow(1, &[0, 2]);
    run.follow(2, &[0, 1]);
    record(&mut run, 5).await;
    assert!(run.comes(|run| is_at(run, 1, 5) && is_at(run, 2, 5)).await);
    run
}

/// A leader, a node that follows it, and one that follows that one, or else the leader.
async fn behind_a_relay() -> Run {
    let mut run = Run::new(1);
    assert!(run.start_leading(0));
    run.follow(2, &[0]);
    record(&mut run, 5).await;
    assert!(run.comes(|run| is_at(run, 2, 5)).await);
    run.follow(1, &[2, 0]);
    assert!(run.comes(|run| is_at(run, 1, 5) && follows(run, 1, 2)).await);
    run
}

#[test]
fn a_node_between_that_hears_no_leader_is_left() {
    paused(async {
        let mut run = behind_a_relay().await;
        run.network.part(2, true);
        assert!(run.comes(|run| run.nodes[2].process().state() == "connecting").await);
        pass(&run, 2, FOLLOW_RELAY_AGE_MAX);
        sleep(FOLLOW_SILENCE_MAX).await;
        assert!(follows(&run, 1, 2), "it may come back");
        pass(&run, 2, FOLLOW_SILENCE_MAX);
        record(&mut run, 3).await;
        assert!(run.comes(|run| is_at(run, 1, 8) && follows(run, 1, 0)).await);
    });
}

#[test]
fn an_earlier_node_of_the_list_that_leads_again_is_followed() {
    paused(async {
        let mut run = three().await;
        run.network.silence(1, Some(0));
        assert!(run.comes(|run| follows(run, 1, 2)).await);
        run.network.silence(1, None);
        sleep(FOLLOW_RETURN_INTERVAL).await;
        assert!(run.comes(|run| follows(run, 1, 0)).await);
    });
}

#[test]
fn a_later_node_of_the_list_is_not_preferred() {
    paused(async {
        let mut run = behind_a_relay().await;
        for _ in 0..3 {
            sleep(FOLLOW_RETURN_INTERVAL).await;
            assert!(run.comes(|run| follows(run, 1, 2)).await);
        }
    });
}

#[test]
fn a_leader_that_followed_its_own_followers_can_lead_again() {
    paused(async {
        let mut run = three().await;
        run.crash(0);
        for node in [1, 2] {
            assert!(run.comes(|run| run.nodes[node].process().state() != "following").await);
            pass(&run, node, FOLLOW_RELAY_AGE_MAX);
        }
        run.follow(0, &[1, 2]);
        let follows_one = |run: &Run| follows(run, 0, 1) || follows(run, 0, 2);
        assert!(run.comes(follows_one).await, "{:?}", run.nodes[0].process().contact());
        sleep(FOLLOW_SILENCE_MAX).await;
        assert_eq!(run.nodes[0].standing(), Standing::default(), "nobody else has led");
        run.crash(0);
        assert!(run.start_leading(0));
        record(&mut run, 2).await;
        assert!(run.comes(|run| is_at(run, 1, 7) && is_at(run, 2, 7)).await);
    });
}
