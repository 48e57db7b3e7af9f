//! What callers notice of each other: appends beside long questions, and short questions beside a
//! bulk load.
//!
//! `cargo bench --profile dist --bench beside` prints a table; `-- --quick` runs it briefly.
//! Appends come at fixed times, and each is timed from when it was due, so that a pause counts for
//! all that it delays. Server and clients share the machine: the appends beside busy loops of this
//! process show what that costs by itself, and the ratio to them is the figure.
#![allow(clippy::panic)]
#![allow(missing_docs, unreachable_pub, dead_code, clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::disallowed_methods, clippy::cast_possible_truncation, clippy::cast_precision_loss)]
#![allow(clippy::cast_sign_loss, clippy::indexing_slicing)]

#[path = "../tests/suite/support/events.rs"]
mod events;
#[path = "../tests/suite/support/server.rs"]
mod server;

use std::{
    fs,
    io::Write as _,
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tidu::protocol::pb::{self, event::Fact};
use tokio::task::JoinSet;

use self::{
    events::{event, list},
    server::{Client, Fresh, Server, TIDU, directory},
};

/// Callers that ask long questions, and busy loops.
const BESIDE: usize = 8;
/// A caller leaves after this time, and asks again.
const PATIENCE: Duration = Duration::from_millis(30);
const COMMIT: usize = 5_000;
/// A batch holds only so many, so a long list has several.
const DESIGNEES_OF_BATCH: usize = 100_000;

struct Plan {
    designees: usize,
    seconds: f64,
    /// Time between two appends.
    every: Duration,
}

#[tokio::main]
async fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let every = Duration::from_millis(5);
    let plan = if quick {
        Plan { designees: 2_000, seconds: 0.3, every }
    } else {
        Plan { designees: 200_000, seconds: 10.0, every }
    };
    let fresh = Fresh::start();
    load(&fresh, &plan).await;
    println!("{} designees, server {:.0} MiB", plan.designees, resident(&fresh));
    let alone = appends(&fresh, &plan).await;
    println!("{:<34} {}", "appends alone", show(&alone));
    let busy = Busy::start();
    let base = appends(&fresh, &plan).await;
    drop(busy);
    println!("{:<34} {}", format!("beside {BESIDE} busy loops"), show(&base));
    for question in [Question::Count, Question::Titles, Question::Digest, Question::Batch] {
        let asking = Asking::start(&fresh, question).await;
        let times = appends(&fresh, &plan).await;
        let asked = asking.end().await;
        let ratio = quantile(&times, 0.99) / quantile(&base, 0.99);
        let name = format!("beside {BESIDE} callers of {question:?}");
        let server = resident(&fresh);
        println!("{name:<34} {}  p99 x{ratio:.2}, {asked} asked, {server:.0} MiB", show(&times));
    }
    short_questions(&fresh, &plan).await;
    drop(fresh);
    watched(&plan).await;
}

/// Appends while everybody who watches the server hangs: the reader of its log lines, the collector
/// of its traces, and the scrapers of its metrics.
async fn watched(plan: &Plan) {
    let quiet = Fresh::start();
    let alone = appends(&quiet, plan).await;
    drop(quiet);
    let collector = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", collector.local_addr().unwrap());
    let dir = directory();
    let child = Command::new(TIDU)
        .args(["serve", "--listen", "127.0.0.1:0", "--operations-listen", "127.0.0.1:0"])
        .args(["--otlp-endpoint", &endpoint, "--otlp-sample-ratio", "1", "--data-dir"])
        .arg(dir.path().join("data"))
        .env("TIDU_LOG", "tidu=debug")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let server = Server::of(child).unwrap_or_else(|_| panic!("the server did not start"));
    let port = server.operations.clone().unwrap();
    let address = port.trim_start_matches("http://");
    let scrapers: Vec<_> = (0..8)
        .map(|_| {
            let mut socket = TcpStream::connect(address).unwrap();
            write!(socket, "GET /metrics HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
            socket
        })
        .collect();
    let fresh = Fresh { server, dir };
    let times = appends(&fresh, plan).await;
    println!("{:<34} {}", "appends to an empty log", show(&alone));
    let ratio = quantile(&times, 0.99) / quantile(&alone, 0.99);
    println!("{:<34} {}  p99 x{ratio:.2}", "while all who watch it hang", show(&times));
    drop((scrapers, collector));
}

async fn load(fresh: &Fresh, plan: &Plan) {
    let mut client = fresh.client().await;
    client.ledger = client.ledger.max_encoding_message_size(16 * 1024 * 1024);
    let all = list(1, plan.designees);
    for (i, list) in all.chunks(DESIGNEES_OF_BATCH).enumerate() {
        for commit in list.chunks(COMMIT) {
            let mut commit = commit.to_vec();
            commit.iter_mut().for_each(|event| move_to_batch(event, i + 1));
            client.record(commit).await.unwrap();
        }
    }
}

fn move_to_batch(event: &mut pb::Event, number: usize) {
    if let Some(Fact::Designated(fact)) = &mut event.fact {
        fact.batch = format!("2024-{number}");
    }
}

/// Resident memory of the server, in MiB.
fn resident(fresh: &Fresh) -> f64 {
    let path = format!("/proc/{}/status", fresh.server.child.id());
    let status = fs::read_to_string(path).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    let kibibytes = line.split_whitespace().nth(1).and_then(|text| text.parse::<f64>().ok());
    kibibytes.unwrap_or_default() / 1024.0
}

fn quantile(sorted: &[f64], q: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * q) as usize]
}

fn show(sorted: &[f64]) -> String {
    let (p50, p99) = (quantile(sorted, 0.5) * 1e3, quantile(sorted, 0.99) * 1e3);
    format!("p50 {p50:>7.2} ms, p99 {p99:>7.2} ms")
}

/// Appends of one event at fixed times; their sorted durations from when each was due.
async fn appends(fresh: &Fresh, plan: &Plan) -> Vec<f64> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let client = fresh.client().await;
    let (began, mut tasks) = (Instant::now(), JoinSet::new());
    for i in 0..(plan.seconds / plan.every.as_secs_f64()) as u32 {
        let due = began + plan.every * i;
        tokio::time::sleep_until(due.into()).await;
        let mut client = client.clone();
        tasks.spawn(async move {
            let id = format!("local:330000/{}", NEXT.fetch_add(1, Ordering::Relaxed));
            let fact = pb::InformationUpdated { year: 2025, ..Default::default() };
            let update = event("330000", &id, "2026-04-01", Fact::InformationUpdated(fact));
            client.record(vec![update]).await.unwrap();
            due.elapsed().as_secs_f64()
        });
    }
    sorted(tasks.join_all().await)
}

fn sorted(mut times: Vec<f64>) -> Vec<f64> {
    times.sort_unstable_by(f64::total_cmp);
    times
}

/// Busy loops, until dropped.
struct Busy(Arc<AtomicBool>);

impl Busy {
    fn start() -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        for _ in 0..BESIDE {
            let ended = Arc::clone(&ended);
            std::thread::spawn(move || {
                while !ended.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        Self(ended)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[derive(Clone, Copy, Debug)]
enum Question {
    /// A count of all titles.
    Count,
    /// Titles, of which none matches.
    Titles,
    /// A digest over the whole log.
    Digest,
    /// The batch of all designees.
    Batch,
}

impl Question {
    async fn ask(self, mut client: Client) {
        match self {
            Self::Count => {
                drop(client.register.count_titles(pb::CountTitlesRequest::default()).await);
            }
            Self::Titles => {
                let document_number = "国发〔1999〕999号".to_owned();
                let filter = Some(pb::TitleFilter { document_number, ..Default::default() });
                let request = pb::ListTitlesRequest { filter, ..Default::default() };
                drop(client.register.list_titles(request).await);
            }
            Self::Digest => drop(client.proof.get_digest(pb::GetDigestRequest::default()).await),
            Self::Batch => {
                let request = pb::GetBatchRequest {
                    programme: "specialised-sme".to_owned(),
                    authority: "440000".to_owned(),
                    batch: "2024-1".to_owned(),
                    ..Default::default()
                };
                drop(client.register.get_batch(request).await);
            }
        }
    }
}

/// Callers of a question, each on a connection of its own. They leave before long questions end.
struct Asking {
    ended: Arc<AtomicBool>,
    callers: JoinSet<u64>,
}

impl Asking {
    async fn start(fresh: &Fresh, question: Question) -> Self {
        let (ended, mut callers) = (Arc::new(AtomicBool::new(false)), JoinSet::new());
        for _ in 0..BESIDE {
            let (client, ended) = (fresh.client().await, Arc::clone(&ended));
            callers.spawn(async move {
                let mut asked = 0;
                while !ended.load(Ordering::Relaxed) {
                    let _ = tokio::time::timeout(PATIENCE, question.ask(client.clone())).await;
                    asked += 1;
                }
                asked
            });
        }
        Self { ended, callers }
    }

    /// How many questions were asked.
    async fn end(self) -> u64 {
        self.ended.store(true, Ordering::Relaxed);
        self.callers.join_all().await.into_iter().sum()
    }
}

/// Short questions by one caller, first alone and then beside a bulk load by another one.
async fn short_questions(fresh: &Fresh, plan: &Plan) {
    let ids: Vec<_> = list(1, 100).into_iter().map(|event| event.designee).collect();
    for loaded in [false, true] {
        let ended = Arc::new(AtomicBool::new(false));
        let loading = loaded.then(|| {
            let (address, ended) = (fresh.server.address.clone(), Arc::clone(&ended));
            tokio::spawn(load_more(address, ended))
        });
        let mut client = fresh.client().await;
        let (mut designees, mut counts) = (Vec::new(), Vec::new());
        let end = Instant::now() + Duration::from_secs_f64(plan.seconds);
        while Instant::now() < end {
            for designee in &ids {
                let request =
                    pb::GetDesigneeRequest { designee: designee.clone(), ..Default::default() };
                let began = Instant::now();
                client.register.get_designee(request).await.unwrap();
                designees.push(began.elapsed().as_secs_f64());
            }
            let began = Instant::now();
            client.register.count_titles(pb::CountTitlesRequest::default()).await.unwrap();
            counts.push(began.elapsed().as_secs_f64());
        }
        ended.store(true, Ordering::Relaxed);
        let load = if loaded { "beside a bulk load" } else { "alone" };
        println!("{:<34} {}", format!("GetDesignee {load}"), show(&sorted(designees)));
        println!("{:<34} {}", format!("CountTitles {load}"), show(&sorted(counts)));
        if let Some(loading) = loading {
            let rate = loading.await.unwrap() / plan.seconds;
            println!("{:<34} {rate:>7.0} events/s", "the bulk load");
        }
    }
}

/// Records commits of a thousand events one after the other; gives the number of events.
async fn load_more(address: String, ended: Arc<AtomicBool>) -> f64 {
    let (mut client, mut recorded) = (Client::connect(&address).await, 0);
    while !ended.load(Ordering::Relaxed) {
        let of = |i: u32| {
            let fact = pb::InformationUpdated { year: 2025, ..Default::default() };
            let id = format!("local:320000/{}", recorded + i);
            event("320000", &id, "2026-04-01", Fact::InformationUpdated(fact))
        };
        client.record((0..1_000).map(of).collect()).await.unwrap();
        recorded += 1_000;
    }
    f64::from(recorded)
}
