//! What a crowd of subscribers costs, and how soon a filter finds its first event in a long log.
//!
//! `cargo bench --profile dist --bench crowd` prints a table; `-- --quick` runs it briefly; `--
//! --events 10000000` makes the log as long as that. Server and clients share the machine: compare
//! rows of one run.
#![allow(missing_docs, unreachable_pub, dead_code, clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::disallowed_methods, clippy::cast_possible_truncation, clippy::cast_precision_loss)]
#![allow(
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    clippy::indexing_slicing,
    clippy::panic
)]

#[path = "../tests/suite/support/events.rs"]
mod events;
#[path = "../tests/suite/support/server.rs"]
mod server;

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tidu::protocol::pb::{self, event::Fact, subscribe_response::Payload};
use tokio::{sync::Mutex, task::JoinSet};
use tonic::Streaming;

use self::{
    events::event,
    server::{Client, Fresh, Server, directory},
};

const APPENDERS: usize = 8;
/// Designees that the long log is about.
const DESIGNEES: u64 = 1_000_000;
const COMMIT: u64 = 10_000;

struct Plan {
    events: u64,
    idle: usize,
    live: usize,
    seconds: f64,
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let has = |flag: &str| arguments.iter().position(|argument| argument == flag);
    let mut plan = Plan { events: 1_000_000, idle: 10_000, live: 1_000, seconds: 5.0 };
    if has("--quick").is_some() {
        plan = Plan { events: 20_000, idle: 200, live: 50, seconds: 0.5 };
    }
    if let Some(at) = has("--events") {
        plan.events = arguments[at + 1].parse().unwrap();
    }
    more_descriptors();
    crowd(&plan).await;
    long_log(&plan).await;
}

/// Both ends of each connection need one, and the server inherits the limit.
fn more_descriptors() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}

fn update(designee: u64, year: u32) -> pb::Event {
    let fact = pb::InformationUpdated { year, ..Default::default() };
    let id = format!("local:330000/{designee}");
    event("330000", &id, "2026-04-01", Fact::InformationUpdated(fact))
}

/// Resident memory of the server, in KiB.
fn resident(fresh: &Fresh) -> u64 {
    let path = format!("/proc/{}/status", fresh.server.child.id());
    let status = fs::read_to_string(path).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn quantile(sorted: &[f64], q: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * q) as usize]
}

fn summary(mut times: Vec<f64>) -> String {
    times.sort_unstable_by(f64::total_cmp);
    format!("p50 {:.2} ms, p99 {:.2} ms", quantile(&times, 0.5) * 1e3, quantile(&times, 0.99) * 1e3)
}

/// Appends of one event, some at once, for a while; about designees that nobody follows. When each
/// was answered, by its position, is noted for who measures deliveries.
async fn appends(fresh: &Fresh, plan: &Plan, answered: &Arc<Mutex<Vec<(u64, Instant)>>>) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut tasks = JoinSet::new();
    let end = Instant::now() + Duration::from_secs_f64(plan.seconds);
    for _ in 0..APPENDERS {
        let (mut client, answered) = (fresh.client().await, Arc::clone(answered));
        tasks.spawn(async move {
            let mut times = Vec::new();
            while Instant::now() < end {
                let who = 5_000_000 + NEXT.fetch_add(1, Ordering::Relaxed);
                let began = Instant::now();
                let answer = client.record(vec![update(who, 2025)]).await.unwrap();
                times.push(began.elapsed().as_secs_f64());
                answered.lock().await.push((answer.next_position - 1, Instant::now()));
            }
            times
        });
    }
    let times: Vec<f64> = tasks.join_all().await.into_iter().flatten().collect();
    format!("{:.0} appends/s, {}", times.len() as f64 / plan.seconds, summary(times))
}

async fn subscribe(fresh: &Fresh, filter: pb::EventFilter) -> Streaming<pb::SubscribeResponse> {
    let mut client = Client::connect(&fresh.server.address).await;
    let now = Some(pb::subscribe_request::Start::Now(true));
    let request = pb::SubscribeRequest { start: now, filter: Some(filter), ..Default::default() };
    client.ledger.subscribe(request).await.unwrap().into_inner()
}

/// Time of the processors that the server has used, in seconds.
fn processor(fresh: &Fresh) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", fresh.server.child.id())).unwrap();
    let behind_name = stat.rsplit(')').next().unwrap();
    let ticks = behind_name.split_whitespace().skip(11).take(2);
    ticks.map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / 100.0
}

/// Asks the operations port for all metrics; gives the bytes of the answer.
fn scrape(fresh: &Fresh) -> usize {
    let address = fresh.server.operations.as_ref().unwrap().trim_start_matches("http://");
    let mut socket = TcpStream::connect(address).unwrap();
    write!(socket, "GET /metrics HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).unwrap();
    answer.len()
}

/// What a scrape costs the server, as a part of one processor at one a second. The same time
/// without a scrape is taken off.
fn scrapes(fresh: &Fresh, plan: &Plan) -> String {
    let count = if plan.seconds < 1.0 { 5 } else { 100 };
    let pause = Duration::from_millis(50);
    let turn = |scrape: &dyn Fn() -> usize| {
        let (before, mut bytes) = (processor(fresh), 0);
        for _ in 0..count {
            bytes = scrape();
            std::thread::sleep(pause);
        }
        (processor(fresh) - before, bytes)
    };
    let (rest, _) = turn(&|| 0);
    let (used, bytes) = turn(&|| scrape(fresh));
    let each = (used - rest).max(0.0) / f64::from(count);
    format!("a scrape of {} KiB a second takes {:.2} % of a core", bytes / 1024, each * 100.0)
}

async fn crowd(plan: &Plan) {
    let dir = directory();
    let ports = ["--operations-listen", "127.0.0.1:0"];
    let server = Server::start_with(&dir.path().join("data"), &ports);
    let fresh = Fresh { server, dir };
    let answered = Arc::default();
    println!("nobody follows:              {}", appends(&fresh, plan, &answered).await);

    let before = resident(&fresh);
    let mut idle = Vec::new();
    for i in 0..plan.idle as u64 {
        let designees = vec![format!("local:330000/{i}")];
        let mut stream =
            subscribe(&fresh, pb::EventFilter { designees, ..Default::default() }).await;
        // It is there when it has said where it begins.
        stream.message().await.unwrap().unwrap();
        idle.push(stream);
    }
    let each = (resident(&fresh) - before) as f64 / plan.idle as f64;
    println!("{} idle, one a connection: {each:.1} KiB of the server each", plan.idle);
    println!("{} idle:                  {}", plan.idle, appends(&fresh, plan, &answered).await);
    println!("{} idle:                  {}", plan.idle, scrapes(&fresh, plan));
    // One of them is concerned.
    let mut times = Vec::new();
    let mut client = fresh.client().await;
    for who in (0..plan.idle).step_by((plan.idle / 50).max(1)) {
        client.record(vec![update(who as u64, 2025)]).await.unwrap();
        let began = Instant::now();
        loop {
            let message = idle[who].message().await.unwrap().unwrap();
            if let Some(Payload::Events(_)) = message.payload {
                break;
            }
        }
        times.push(began.elapsed().as_secs_f64());
    }
    println!("  from reply to delivery to the one concerned: {}", summary(times));
    drop(idle);

    let stuck = subscribe(&fresh, pb::EventFilter::default()).await;
    let slow = subscribe(&fresh, pb::EventFilter::default()).await;
    let ended = Arc::new(AtomicBool::new(false));
    let reading = tokio::spawn(read_slowly(slow, Arc::clone(&ended)));
    println!("one never reads, one slowly: {}", appends(&fresh, plan, &answered).await);
    ended.store(true, Ordering::Relaxed);
    reading.await.unwrap();
    drop(stuck);

    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut live = JoinSet::new();
    for _ in 0..plan.live {
        let (mut stream, seen) =
            (subscribe(&fresh, pb::EventFilter::default()).await, Arc::clone(&seen));
        live.spawn(async move {
            let mut own = Vec::new();
            while let Ok(Ok(Some(message))) =
                tokio::time::timeout(Duration::from_secs(3), stream.message()).await
            {
                if let Some(Payload::Events(batch)) = message.payload {
                    own.push((batch.next_position, batch.leaves.len(), Instant::now()));
                }
            }
            seen.lock().await.push(own);
        });
    }
    answered.lock().await.clear();
    println!("{} live:                   {}", plan.live, appends(&fresh, plan, &answered).await);
    live.join_all().await;
    let mut answered = std::mem::take(&mut *answered.lock().await);
    answered.sort_unstable_by_key(|(position, _)| *position);
    let (mut delays, mut deliveries) = (Vec::new(), 0);
    for own in seen.lock().await.iter() {
        for (next, count, at) in own {
            deliveries += count;
            // The newest event of the message.
            let found = answered.binary_search_by_key(&(next - 1), |(position, _)| *position);
            if let Ok(found) = found {
                delays.push(at.saturating_duration_since(answered[found].1).as_secs_f64());
            }
        }
    }
    let rate = deliveries as f64 / plan.seconds;
    println!("  {rate:.0} deliveries/s; from reply to delivery: {}", summary(delays));
}

/// Reads a message a second.
async fn read_slowly(mut stream: Streaming<pb::SubscribeResponse>, ended: Arc<AtomicBool>) {
    while !ended.load(Ordering::Relaxed) {
        stream.message().await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn long_log(plan: &Plan) {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    client.ledger = client.ledger.max_encoding_message_size(16 * 1024 * 1024);
    let designees = DESIGNEES.min(plan.events / 10);
    let began = Instant::now();
    for first in (0..plan.events).step_by(COMMIT as usize) {
        let commit = first..plan.events.min(first + COMMIT);
        let of = |i: u64| update(i % designees, 2000 + (i / designees) as u32);
        client.record(commit.map(of).collect()).await.unwrap();
    }
    let rate = plan.events as f64 / began.elapsed().as_secs_f64();
    let mib = resident(&fresh) as f64 / 1024.0;
    println!("{} events: {rate:.0}/s recorded, server {mib:.0} MiB", plan.events);
    let (mut first, mut all) = (Vec::new(), Vec::new());
    for i in 0..50 {
        // Each stands once in every tenth of the log, the last ones late in it.
        let designees = vec![format!("local:330000/{}", (i + 1) * designees / 50 - 1)];
        let request = pb::SubscribeRequest {
            filter: Some(pb::EventFilter { designees, ..Default::default() }),
            stop_position: Some(plan.events),
            ..Default::default()
        };
        let began = Instant::now();
        let mut stream = client.ledger.subscribe(request).await.unwrap().into_inner();
        let mut found = 0;
        while let Some(message) = stream.message().await.unwrap() {
            if let Some(Payload::Events(batch)) = message.payload {
                if found == 0 {
                    first.push(began.elapsed().as_secs_f64());
                }
                found += batch.leaves.len();
            }
        }
        assert_eq!(found, 10);
        all.push(began.elapsed().as_secs_f64());
    }
    println!("  one designee from position 0, first event: {}", summary(first));
    println!("  one designee from position 0, all 10:      {}", summary(all));
}
