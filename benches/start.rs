//! How long a start takes and what it leaves in memory: over a log of as many designees as events.
//!
//! `cargo bench --profile dist --bench start` prints a table over 200,000 events; `-- --quick`
//! makes 20,000, `-- --events 1000000` as many as it says; `--data DIR` keeps the log there. The
//! log is made by appends to the real server; then servers start over it, one after the other, and
//! the same work is done in fresh processes without a server. Figures do not travel: compare rows
//! of one run.
#![allow(missing_docs, unreachable_pub, dead_code, clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::disallowed_methods, clippy::cast_possible_truncation, clippy::cast_precision_loss)]
#![allow(clippy::indexing_slicing, clippy::panic)]

#[path = "../tests/suite/support/server.rs"]
mod server;

use std::{
    fs,
    hint::black_box,
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};
use tidu::{
    catalogue_files::CatalogueFiles,
    cli::generate::{Enterprise, enterprises},
    domain::AuthorityCode,
    ledger::rebuild,
    log,
    metrics::Metrics,
    protocol::pb::{self, event::Fact},
    register::RulesBook,
};
use uuid::Uuid;

use self::server::{Server, directory};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const COMMIT: usize = 1_000;
const ROUNDS: usize = 3;
const MIB: f64 = 1024.0 * 1024.0;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |flag: &str| {
        let at = arguments.iter().position(|argument| argument == flag)?;
        arguments.get(at + 1).cloned()
    };
    if let Some(data) = after("--open") {
        return open(Path::new(&data));
    }
    let is_quick = arguments.iter().any(|argument| argument == "--quick");
    let default = if is_quick { 20_000 } else { 200_000 };
    let events = after("--events").map_or(default, |text| text.parse().unwrap());
    let kept = after("--data");
    let dir = directory();
    let data = kept.as_deref().map_or_else(|| dir.path().join("data"), Into::into);
    println!("{events} events of as many designees, commits of {COMMIT}\n");
    let loaded = if data.exists() { None } else { Some(load(&data, events).await) };
    if let Some(loaded) = loaded {
        row("memory after the load, by appends", loaded.resident, "MiB");
        row("  its peak", loaded.peak, "MiB");
    }
    let parts: Vec<Vec<f64>> = (0..ROUNDS).map(|_| in_a_fresh_process(&data)).collect();
    for (place, (what, unit)) in PARTS.into_iter().enumerate() {
        row(what, median(parts.iter().map(|values| values[place])), unit);
    }
    let starts: Vec<Start> = (0..ROUNDS).map(|_| start(&data)).collect();
    row("a start, until it serves", median(starts.iter().map(|start| start.seconds)), "s");
    let resident = median(starts.iter().map(|start| start.memory.resident));
    let peak = median(starts.iter().map(|start| start.memory.peak));
    row("  memory then", resident, "MiB");
    row("  its peak", peak, "MiB");
    if let Some(loaded) = loaded {
        row("  memory against that after the load", resident / loaded.resident, "×");
        row("  its peak against that", peak / loaded.resident, "×");
    }
}

fn row(what: &str, value: f64, unit: &str) {
    println!("{what:<44} {value:>10.2} {unit}");
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Memory of a process in MiB.
#[derive(Clone, Copy)]
struct Memory {
    resident: f64,
    peak: f64,
}

impl Memory {
    fn of(process: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let line = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 1024.0 / MIB
        };
        Self { resident: line("VmRSS:"), peak: line("VmHWM:") }
    }
}

/// Makes the log by appends, and ends the server.
async fn load(data: &Path, events: usize) -> Memory {
    let server = Server::start(data);
    let mut client = server.client().await;
    client.ledger = client.ledger.max_encoding_message_size(16 * 1024 * 1024);
    let mut companies = enterprises(1, AuthorityCode::parse("440000").unwrap());
    for batch in 0..events / COMMIT {
        let commit = companies.by_ref().take(COMMIT).map(|company| designation(&company, batch));
        client.record(commit.collect()).await.unwrap();
    }
    let memory = Memory::of(server.child.id());
    assert_eq!(server.terminate(), Some(0));
    memory
}

fn designation(company: &Enterprise, batch: usize) -> pb::Event {
    let date = Some(pb::Date { year: 2024, month: 1, day: 1 });
    pb::Event {
        authority: "440000".to_owned(),
        designee: company.uscc.to_string(),
        effective_date: date,
        evidence: Some(pb::Evidence {
            document_number: "粤工信函〔2024〕1号".to_owned(),
            document_date: date,
            published_date: date,
            url: "https://example.invalid/zwgk/tzgg/content/post_4318000.html".to_owned(),
            sha256: vec![7; 32].into(),
            row: 17,
            ..Default::default()
        }),
        fact: Some(Fact::Designated(pb::Designated {
            programme: "innovative-sme".to_owned(),
            batch: format!("2024-{}", batch / 10),
            profile: Some(pb::Profile {
                name: company.name.clone(),
                kind: pb::DesigneeKind::Enterprise.into(),
                registered_region: company.region.clone(),
                industry: company.industry.to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        })),
        ..Default::default()
    }
}

/// The figures that a fresh process prints, in their order.
const PARTS: [(&str, &str); 6] = [
    ("the check of the store", "s"),
    ("the opening of the store", "s"),
    ("a replay on all cores", "s"),
    ("  processor time of all threads", "s"),
    ("  memory after it", "MiB"),
    ("  its peak", "MiB"),
];

fn in_a_fresh_process(data: &Path) -> Vec<f64> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.arg("--open").arg(data).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().map(|value| value.parse().unwrap()).collect()
}

/// Opens the store and replays the log, without a server.
fn open(data: &Path) {
    let (metrics, began) = (Metrics::new(), Instant::now());
    let monotonic = Box::new(move || began.elapsed());
    let opened = log::open_reserving(data, Uuid::nil(), Some(0), Arc::clone(&metrics), monotonic);
    let (log, found) = opened.unwrap();
    let part = |name| metrics.start_part_duration_seconds.with([name]).get().as_secs_f64();
    let expected = found.map(|mark| (mark.size, mark.root));
    let (began, worked) = (Instant::now(), processor_time());
    let rebuilt = rebuild(&*log, &CatalogueFiles::built_in(), RulesBook::RELEASED, expected);
    let rebuilt = black_box(rebuilt.unwrap());
    let (replayed, worked) = (began.elapsed(), processor_time() - worked);
    let Memory { resident, peak } = Memory::of(std::process::id());
    drop(rebuilt);
    let [check, store] = ["check", "store"].map(part);
    let [replayed, worked] = [replayed, worked].map(|time| time.as_secs_f64());
    println!("{check} {store} {replayed} {worked} {resident} {peak}");
}

/// Processor time of this process. A machine that others use does not stretch it much.
fn processor_time() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().unwrap()
}

struct Start {
    seconds: f64,
    memory: Memory,
}

/// Starts the server, and ends it once it serves.
fn start(data: &Path) -> Start {
    let began = Instant::now();
    let server = Server::start(data);
    let seconds = began.elapsed().as_secs_f64();
    let memory = Memory::of(server.child.id());
    assert_eq!(server.terminate(), Some(0));
    Start { seconds, memory }
}
