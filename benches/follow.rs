//! Following: how fast a fresh copy comes, how far a follower is behind, and what it costs its
//! leader.
//!
//! `cargo bench --profile dist --bench follow` prints a table; `-- --quick` runs it briefly. All
//! nodes and callers share the machine: compare rows of one run.
#![allow(missing_docs, unreachable_pub, dead_code, clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::disallowed_methods, clippy::cast_possible_truncation, clippy::cast_precision_loss)]
#![allow(clippy::cast_sign_loss, clippy::indexing_slicing, clippy::panic)]

#[path = "../tests/suite/support/events.rs"]
mod events;
#[path = "../tests/suite/support/server.rs"]
mod server;

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tidu::protocol::pb::{self, event::Fact, subscribe_response::Payload};
use tokio::{
    sync::{Mutex, Semaphore},
    task::{JoinHandle, JoinSet},
    time::{MissedTickBehavior, interval, sleep},
};

use self::{
    events::{event, list},
    server::{Client, Server, TIDU, directory},
};

const COMMIT: usize = 5_000;
/// Appends at once.
const IN_FLIGHT: usize = 64;

struct Plan {
    events: usize,
    seconds: f64,
    subscribers: usize,
}

/// A node with a directory of its own.
struct Node {
    server: Server,
    dir: TempDir,
}

impl Node {
    fn leading() -> Self {
        let dir = directory();
        Self { server: Server::start(&dir.path().join("data")), dir }
    }

    fn following(leader: &Self) -> Self {
        let (dir, leader) = (directory(), leader.server.address.clone());
        Self { server: Server::start_with(&dir.path().join("data"), &["--follow", &leader]), dir }
    }

    async fn client(&self) -> Client {
        self.server.client().await
    }

    async fn size(&self) -> u64 {
        self.client().await.status().await.log_size
    }

    /// Waits until the log is as long as that.
    async fn reach(&self, size: u64) {
        let mut client = self.client().await;
        while client.status().await.log_size < size {
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Time of the processors that the process has used, in seconds.
    fn processor(&self) -> f64 {
        processor(&format!("/proc/{}/stat", self.server.child.id()), 11)
    }
}

/// User and system time from a field of the system's line about a process on.
fn processor(path: &str, field: usize) -> f64 {
    let stat = fs::read_to_string(path).unwrap();
    let behind_name = stat.rsplit(')').next().unwrap();
    let ticks = behind_name.split_whitespace().skip(field).take(2);
    ticks.map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / 100.0
}

/// Time of the processors that ended children have used, in seconds.
fn of_children() -> f64 {
    processor("/proc/self/stat", 13)
}

fn tidu(args: &[&str]) {
    let output = Command::new(TIDU).args(args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::main]
async fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let plan = match quick {
        true => Plan { events: 3_000, seconds: 0.5, subscribers: 5 },
        false => Plan { events: 100_000, seconds: 10.0, subscribers: 50 },
    };
    fresh(&plan).await;
    live(&plan).await;
}

/// A fresh copy of a log, over the network and from a file.
async fn fresh(plan: &Plan) {
    let leader = Node::leading();
    let mut client = leader.client().await;
    for commit in list(1, plan.events).chunks(COMMIT) {
        client.record(commit.to_vec()).await.unwrap();
    }
    let archive: PathBuf = leader.dir.path().join("archive");
    let (server, built) = (&leader.server.address, leader.dir.path().join("built"));
    tidu(&["export", "--format", "raw", "--server", server, text(&archive)]);
    let (began, used) = (Instant::now(), of_children());
    tidu(&["import", text(&archive), "--data-dir", text(&built)]);
    let (import, import_used) = (began.elapsed().as_secs_f64(), of_children() - used);
    let (began, used) = (Instant::now(), leader.processor());
    let follower = Node::following(&leader);
    follower.reach(plan.events as u64).await;
    let follow = began.elapsed().as_secs_f64();
    let (of_leader, of_follower) = (leader.processor() - used, follower.processor());
    let rate = |seconds: f64| plan.events as f64 / seconds;
    println!("a fresh copy of {} events", plan.events);
    println!("  tidu import: {:>8.0} events/s, {import_used:.2} s of processors", rate(import));
    println!(
        "  following:   {:>8.0} events/s, {of_follower:.2} s of processors and {of_leader:.2} s of \
         the leader's; {:.2} x the rate of import",
        rate(follow),
        import / follow
    );
}

/// When appends were answered, by position.
type Answered = Arc<Mutex<HashMap<u64, Instant>>>;

fn update(designee: u64) -> pb::Event {
    let fact = pb::InformationUpdated { year: 2025, ..Default::default() };
    let id = format!("local:330000/{designee}");
    event("330000", &id, "2026-04-01", Fact::InformationUpdated(fact))
}

/// Appends of one event each, at a pace or as fast as they are answered. Gives how many there were
/// a second, and their times.
async fn appends(leader: &Node, plan: &Plan, pace: Option<f64>, answered: &Answered) -> (f64, f64) {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let (places, began) = (Arc::new(Semaphore::new(IN_FLIGHT)), Instant::now());
    let client = leader.client().await;
    let mut tasks = JoinSet::new();
    let mut ticks = interval(Duration::from_secs_f64(1.0 / pace.unwrap_or(1e6)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut times = Vec::new();
    while began.elapsed().as_secs_f64() < plan.seconds {
        if pace.is_some() {
            ticks.tick().await;
        }
        let place = Arc::clone(&places).acquire_owned().await.unwrap();
        let (mut client, answered) = (client.clone(), Arc::clone(answered));
        tasks.spawn(async move {
            let began = Instant::now();
            let who = NEXT.fetch_add(1, Ordering::Relaxed);
            let answer = client.record(vec![update(who)]).await.unwrap();
            let now = Instant::now();
            answered.lock().await.insert(answer.next_position - 1, now);
            drop(place);
            (now - began).as_secs_f64()
        });
        while let Some(time) = tasks.try_join_next() {
            times.push(time.unwrap());
        }
    }
    times.extend(tasks.join_all().await);
    let rate = times.len() as f64 / began.elapsed().as_secs_f64();
    (rate, quantile(times, 0.99))
}

fn quantile(mut times: Vec<f64>, q: f64) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times.get(((times.len().max(1) - 1) as f64 * q) as usize).copied().unwrap_or_default()
}

/// A subscriber that notes when each event came, up to a position.
async fn subscriber(node: &Node, answered: &Answered) -> JoinHandle<Vec<f64>> {
    let start = Some(pb::subscribe_request::Start::Now(true));
    let request = pb::SubscribeRequest { start, ..Default::default() };
    let mut stream = node.client().await.ledger.subscribe(request).await.unwrap().into_inner();
    // It is there when it has said where it begins.
    stream.message().await.unwrap().unwrap();
    let answered = Arc::clone(answered);
    tokio::spawn(async move {
        let mut came = Vec::new();
        // The server that ends breaks the stream.
        while let Ok(Some(message)) = stream.message().await {
            let Some(Payload::Events(batch)) = message.payload else { continue };
            let (now, next) = (Instant::now(), batch.next_position);
            came.extend((0..batch.leaves.len() as u64).map(|back| (next - 1 - back, now)));
        }
        let answered = answered.lock().await;
        let lag = |(position, came): &(u64, Instant)| {
            let acknowledged = answered.get(position)?;
            Some(came.saturating_duration_since(*acknowledged).as_secs_f64())
        };
        came.iter().filter_map(lag).collect()
    })
}

/// Processor time of a node for each delivery to its subscribers, in microseconds: what it uses
/// under a load with them and without them.
async fn each_delivery(leader: &Node, node: &Node, plan: &Plan, pace: f64) -> f64 {
    let answered = Answered::default();
    let before = node.processor();
    appends(leader, plan, Some(pace), &answered).await;
    let alone = node.processor() - before;
    let mut open = Vec::new();
    for _ in 0..plan.subscribers {
        open.push(subscriber(node, &answered).await);
    }
    let (before, first) = (node.processor(), leader.size().await);
    appends(leader, plan, Some(pace), &answered).await;
    node.reach(leader.size().await).await;
    let used = node.processor() - before - alone;
    let deliveries = (leader.size().await - first) as usize * plan.subscribers;
    open.into_iter().for_each(|task| task.abort());
    used * 1e6 / deliveries as f64
}

async fn live(plan: &Plan) {
    let (leader, answered) = (Node::leading(), Answered::default());
    let (most, _) = appends(&leader, plan, None, &answered).await;
    let pace = most / 2.0;
    println!("{IN_FLIGHT} appends in flight: at most {most:.0} a second; paced at half of it");
    let (rate, p99) = appends(&leader, plan, Some(pace), &answered).await;
    println!("  no follower:     {rate:>6.0} a second, p99 {:.2} ms", p99 * 1e3);
    let follower = Node::following(&leader);
    follower.reach(leader.size().await).await;
    let came = subscriber(&follower, &answered).await;
    appends(&leader, plan, Some(pace), &answered).await;
    follower.reach(leader.size().await).await;
    let of_leader = each_delivery(&leader, &leader, plan, pace / 4.0).await;
    let of_follower = each_delivery(&leader, &follower, plan, pace / 4.0).await;
    let more = [Node::following(&leader), Node::following(&leader)];
    for node in &more {
        node.reach(leader.size().await).await;
    }
    let (three, p99_of_three) = appends(&leader, plan, Some(pace), &answered).await;
    println!(
        "  three followers: {three:>6.0} a second, p99 {:.2} ms; {:.2} x the rate, {:.2} x p99",
        p99_of_three * 1e3,
        three / rate,
        p99_of_three / p99
    );
    drop(follower);
    let lags = came.await.unwrap();
    println!(
        "an event comes from a follower p50 {:.1} ms, p99 {:.1} ms after its append was answered",
        quantile(lags.clone(), 0.5) * 1e3,
        quantile(lags, 0.99) * 1e3
    );
    println!(
        "a delivery to one of {} subscribers: {of_leader:.1} us of processors at the leader, \
         {of_follower:.1} us at the follower",
        plan.subscribers
    );
}
