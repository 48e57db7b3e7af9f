//! The measurements. Each starts a server of its own, so that no row carries what another left
//! behind.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;
use tokio_stream::StreamExt as _;

use crate::{
    Plan,
    events::{Events, payload},
    peer::{CONNECTIONS, Peer, Unary},
    process::cpu_seconds,
    table::{
        Better::{Less, More},
        Table,
    },
};

const BULK_IN_FLIGHT: usize = 4_000;
const LIVE_COMMIT: usize = 100;
const PACED_COMMIT: usize = 10;
const PACE: Duration = Duration::from_millis(20);

/// Time and processor time since its start.
struct Meter {
    began: Instant,
    server: f64,
    client: f64,
}

impl Meter {
    fn start(peer: &impl Unary) -> Self {
        let (server, client) = (peer.server().cpu_seconds(), cpu_seconds("self"));
        Self { began: Instant::now(), server, client }
    }

    /// Operations a second, and processor time an operation.
    fn stop<P: Unary>(self, peer: &P, count: usize, row: &str, table: &mut Table) {
        let (count, seconds) = (count as f64, self.began.elapsed().as_secs_f64());
        let each = |cpu: f64| cpu / count * 1e6;
        let server = each(peer.server().cpu_seconds() - self.server);
        let client = each(cpu_seconds("self") - self.client);
        table.add(row, "/s", More, P::NAME, count / seconds);
        table.add(&format!("{row}: server's CPU time, each"), "µs", Less, P::NAME, server);
        table.add(&format!("{row}: client's CPU time, each"), "µs", Less, P::NAME, client);
    }
}

/// Single events, each durable before the next is sent by the same worker.
pub async fn appends<P: Unary>(plan: &Plan, events: &Events, table: &mut Table) {
    let Some(peer) = P::start().await else { return absent::<P>() };
    let (peer, events) = (Arc::new(peer), events.afresh());
    append_for(plan.seconds / 10.0, 64, &peer, &events).await;
    for in_flight in [1, 64, 256] {
        let row = format!("one event, {in_flight} in flight");
        let meter = Meter::start(&*peer);
        let latencies = append_for(plan.seconds, in_flight, &peer, &events).await;
        meter.stop(&*peer, latencies.len(), &row, table);
        add_quantiles::<P>(&row, latencies, table);
    }
}

/// Latencies in milliseconds.
async fn append_for<P: Unary>(
    seconds: f64,
    in_flight: usize,
    peer: &Arc<P>,
    events: &Events,
) -> Vec<f64> {
    let began = Instant::now();
    let mut workers = JoinSet::new();
    for worker in 0..in_flight {
        let (peer, events) = (Arc::clone(peer), events.clone());
        workers.spawn(async move {
            let mut latencies = Vec::new();
            while began.elapsed().as_secs_f64() < seconds {
                let event = events.take(1).swap_remove(0);
                let at = Instant::now();
                peer.append(worker, event).await;
                latencies.push(at.elapsed().as_secs_f64() * 1e3);
            }
            latencies
        });
    }
    workers.join_all().await.concat()
}

/// A bulk load, what it leaves in memory, and one subscriber that reads it all.
pub async fn load<P: Peer>(plan: &Plan, events: &Events, table: &mut Table) {
    let Some(peer) = P::start().await else { return absent::<P>() };
    let (peer, events) = (Arc::new(peer), events.afresh());
    let mut bulk = Table::default();
    let meter = Meter::start(&*peer);
    let count = fill(&peer, plan.load / P::BULK_PART, &events).await;
    meter.stop(&*peer, count, "", &mut bulk);
    for row in P::BULK_ROWS {
        table.take_from(&bulk, row);
    }
    if !P::BULK_ROWS.contains(&"bulk") {
        return;
    }
    let peer = if P::BULK_PART == 1 {
        peer
    } else {
        drop(peer);
        let Some(peer) = P::start_for_reading().await else { return absent::<P>() };
        let peer = Arc::new(peer);
        fill(&peer, plan.load, &events.afresh()).await;
        peer
    };
    add_memory(&*peer, plan, "after the bulk load", table);
    let meter = Meter::start(&*peer);
    let bytes = peer.catch_up(plan.load).await;
    meter.stop(&*peer, plan.load, "catch-up of one subscriber", table);
    table.add("mean size of an event read", "B", Less, P::NAME, bytes as f64 / plan.load as f64);
    add_memory(&*peer, plan, "after the catch-up", table);
}

/// Records so many events in bulk, or a few less; gives how many.
async fn fill<P: Peer>(peer: &Arc<P>, count: usize, events: &Events) -> usize {
    let in_flight = BULK_IN_FLIGHT / P::BULK;
    let commits = count / BULK_IN_FLIGHT;
    let mut workers = JoinSet::new();
    for worker in 0..in_flight {
        let (peer, events) = (Arc::clone(peer), events.clone());
        workers.spawn(async move {
            for _ in 0..commits {
                peer.commit(worker % CONNECTIONS, events.take(P::BULK)).await;
            }
        });
    }
    workers.join_all().await;
    commits * BULK_IN_FLIGHT
}

fn add_memory<P: Unary>(peer: &P, plan: &Plan, when: &str, table: &mut Table) {
    let (now, most) = peer.server().mebibytes();
    let row = format!("server's memory {when}, {} events", plan.load);
    table.add(&row, "MiB", Less, P::NAME, now);
    table.add(&format!("{row}, at most so far"), "MiB", Less, P::NAME, most);
}

/// Followers of what is recorded: as fast as it goes, then at a pace that leaves the machine idle
/// most of the time.
pub async fn fan_out<P: Peer>(plan: &Plan, followers: usize, events: &Events, table: &mut Table) {
    let Some(peer) = P::start().await else { return absent::<P>() };
    let (peer, events) = (Arc::new(peer), events.afresh());
    let row = format!("live to {followers}, commits of {LIVE_COMMIT}, deliveries");
    let commits = plan.deliveries / followers / LIVE_COMMIT;
    let meter = Meter::start(&*peer);
    let (calls, replies) = deliver(&peer, followers, commits, LIVE_COMMIT, None, &events).await;
    meter.stop(&*peer, followers * commits * LIVE_COMMIT, &row, table);
    add_quantiles::<P>(&format!("{row}, from call to delivery"), calls, table);
    add_quantiles::<P>(&format!("{row}, from reply to delivery"), replies, table);

    let commits = (plan.seconds / PACE.as_secs_f64()) as usize;
    let row = format!("live to {followers}, 50 commits of {PACED_COMMIT} a second, deliveries");
    let meter = Meter::start(&*peer);
    let pace = Some(PACE);
    let (calls, replies) = deliver(&peer, followers, commits, PACED_COMMIT, pace, &events).await;
    meter.stop(&*peer, followers * commits * PACED_COMMIT, &row, table);
    add_quantiles::<P>(&format!("{row}, from call to delivery"), calls, table);
    add_quantiles::<P>(&format!("{row}, from reply to delivery"), replies, table);
}

/// For each follower and commit, milliseconds until the commit had come in whole: from the call,
/// and from the reply (0 if it came earlier).
async fn deliver<P: Peer>(
    peer: &Arc<P>,
    followers: usize,
    commits: usize,
    size: usize,
    pace: Option<Duration>,
    events: &Events,
) -> (Vec<f64>, Vec<f64>) {
    let origin = Instant::now();
    let mut reading = JoinSet::new();
    for follower in 0..followers {
        let mut deliveries = peer.follow(follower).await;
        reading.spawn(async move {
            let (mut seen, mut reached) = (0, Vec::with_capacity(commits));
            while seen < commits * size {
                seen += deliveries.next().await.expect("a delivery");
                let at = origin.elapsed();
                while (reached.len() + 1) * size <= seen {
                    reached.push(at);
                }
            }
            reached
        });
    }
    let mut ticks = pace.map(tokio::time::interval);
    let (mut called, mut replied) = (Vec::with_capacity(commits), Vec::with_capacity(commits));
    for _ in 0..commits {
        if let Some(ticks) = &mut ticks {
            ticks.tick().await;
        }
        let commit = events.take(size);
        called.push(origin.elapsed());
        peer.commit(0, commit).await;
        replied.push(origin.elapsed());
    }
    let reached = reading.join_all().await;
    (lateness(&reached, &called), lateness(&reached, &replied))
}

fn lateness(reached: &[Vec<Duration>], since: &[Duration]) -> Vec<f64> {
    let pairs = reached.iter().flat_map(|follower| follower.iter().zip(since));
    pairs.map(|(at, since)| at.saturating_sub(*since).as_secs_f64() * 1e3).collect()
}

fn add_quantiles<P: Unary>(row: &str, mut values: Vec<f64>, table: &mut Table) {
    values.sort_by(f64::total_cmp);
    for (name, q) in [("p50", 0.5), ("p99", 0.99)] {
        let at = (values.len() as f64 * q) as usize;
        let value = values.get(at).copied().unwrap_or(f64::NAN);
        table.add(&format!("{row}, {name}"), "ms", Less, P::NAME, value);
    }
}

fn absent<P: Unary>() {
    eprintln!("{}: skipped, no such program; see benches/peers/tools.sh", P::NAME);
}

/// Mean size of what the peers are given to keep.
pub fn payload_bytes(events: &Events) -> usize {
    let sizes = events.afresh().take(1_000).into_iter().map(|event| payload(event).len());
    sizes.sum::<usize>() / 1_000
}
