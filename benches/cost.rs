//! Instructions that the hot paths take for an event, and the reading of a list for a row, held to
//! the figures of `benches/cost.txt`.
//!
//! `.ci/run cost` counts with valgrind and fails where a count exceeds its figure by more than its
//! tolerance, or falls so far below that the path is probably not counted whole. Times vary on a
//! shared machine, and these counts do not: the data comes from a fixed seed, and the seeds of hash
//! tables, which differ from run to run, move a count by less than 1 %.
//!
//! A count belongs to the compiler, the `release` profile and the processor that valgrind plays,
//! which has CRC-32C in hardware and SHA-256 only in software. SHA-256 would hide every other
//! change, so it is subtracted from the paths that hash. A new toolchain needs new figures.
//!
//! This is a binary behind a feature and not a benchmark, because it then shares the release build
//! of the server: benchmarks are built with all development dependencies, which takes minutes more.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]
#![allow(clippy::indexing_slicing, unreachable_pub, dead_code)]
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]

mod lists;
#[path = "../tests/suite/support/memory_log.rs"]
mod memory_log;

use std::{
    env, fs,
    hint::black_box,
    process::{Command, ExitCode},
    sync::Arc,
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use prost::Message as _;
use tidu::{
    catalogue_files::CatalogueFiles,
    cli::generate::{Enterprise, enterprises},
    domain::{AuthorityCode, catalogue::Catalogue},
    import,
    ledger::{Ledger, LedgerOptions, Proposal, clock::Clock},
    log::{Chunk, ChunkWriter, CommitLog as _},
    merkle::{self, Frontier},
    metrics::Metrics,
    protocol::{
        batch::LeafBatch,
        event as form,
        leaf::{CommitOf, Leaf},
        pb::{self, event::Fact},
        time::timestamp,
    },
    register::{Register, RulesBook, rules::Judge},
};

use self::memory_log::MemoryLog;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const FIGURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/cost.txt");
const ACCEPT: &str = "cargo run --release --features cost --bin cost -- --accept";
const TOLERANCE: f64 = 0.03;
/// Delivery copies and does little else. The C library chooses its copy by the processor, and the
/// choices differ by a third. To decode a single leaf would more than double the count.
const COPY_TOLERANCE: f64 = 0.6;
/// Hashing costs a rebuild twenty times its own work. The hash is subtracted, and its noise stays:
/// half a per cent of both is a tenth of the rest.
const REBUILD_TOLERANCE: f64 = 0.2;
/// Any path may cost this much less, because what became cheaper need not stop a change.
const FEWER_TOLERANCE: f64 = 0.1;
const COMMIT: usize = 500;
const COMMITS: usize = 40;
const EVENTS: usize = COMMIT * COMMITS;

/// The hot paths. All but `rebuild` are functions of this file, which valgrind finds by their
/// names.
const PATHS: [&str; 8] =
    ["hash", "decide", "encode", "apply", "deliver", "rebuild", "read_csv", "read_xlsx"];
/// Paths whose counts are given without those of [`hash`].
const HASHING: [&str; 2] = ["encode", "rebuild"];
/// Paths that read a list. They run apart from the others.
const READING: [&str; 2] = ["read_csv", "read_xlsx"];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    if has("--read") {
        read_csv(&lists::csv());
        read_xlsx(&lists::xlsx());
        return ExitCode::SUCCESS;
    }
    if has("--work") {
        work(has("--rebuild"));
        return ExitCode::SUCCESS;
    }
    let mut counts = PATHS.map(|path| (path, count(path)));
    let hash = counts[0].1;
    for (_, count) in counts.iter_mut().filter(|(path, _)| HASHING.contains(path)) {
        *count -= hash;
    }
    if has("--accept") {
        let lines = counts.map(|(path, count)| format!("{path} {count:.0}\n"));
        fs::write(FIGURES, lines.concat()).unwrap();
        print!("{}", lines.concat());
        return ExitCode::SUCCESS;
    }
    let figures = fs::read_to_string(FIGURES).unwrap();
    let mut wrong = false;
    for (path, count) in counts {
        let figure = figure(&figures, path);
        let change = count / figure - 1.0;
        let tolerance = match path {
            "deliver" => COPY_TOLERANCE,
            "rebuild" => REBUILD_TOLERANCE,
            _ => TOLERANCE,
        };
        let is_wrong = change > tolerance || -change > tolerance.max(FEWER_TOLERANCE);
        wrong |= is_wrong;
        let verdict = if is_wrong { "WRONG" } else { "ok" };
        let (percent, allowed) = (change * 100.0, tolerance * 100.0);
        println!(
            "{path:<9} {figure:>8.0} expected {count:>8.0} counted {percent:>+6.1} % \
             ({allowed:.0} % allowed) {verdict}"
        );
    }
    if wrong {
        println!("Find the cause of each change. To accept it: {ACCEPT}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn figure(figures: &str, path: &str) -> f64 {
    let line = figures.lines().find_map(|line| line.strip_prefix(path)?.strip_prefix(' '));
    let line = line.unwrap_or_else(|| panic!("{FIGURES} has no figure of {path}"));
    line.parse().unwrap()
}

/// Instructions for an event on a path, or for a row.
fn count(path: &str) -> f64 {
    let function = || [format!("--toggle-collect=cost::{path}")];
    if READING.contains(&path) {
        return callgrind(&function(), &["--read"]) / lists::ROWS as f64;
    }
    let instructions = if path == "rebuild" {
        // Several threads: the whole process, without what it does before.
        callgrind(&[], &["--work", "--rebuild"]) - callgrind(&[], &["--work"])
    } else {
        callgrind(&function(), &["--work"])
    };
    instructions / EVENTS as f64
}

/// Runs the work under valgrind and gives the instructions that it collected.
fn callgrind(options: &[String], arguments: &[&str]) -> f64 {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).args(options);
    valgrind.arg(env::current_exe().unwrap()).args(arguments);
    let output = valgrind.output().unwrap_or_else(|error| panic!("valgrind: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    let (_, collected) = collected.unwrap_or_else(|| panic!("nothing was collected: {said}"));
    collected.trim().parse().unwrap()
}

/// Records a list and its reviews as the writer does, without its queue and its disk, and delivers
/// both.
fn work(rebuilds: bool) {
    let catalogue = Catalogue::built_in();
    let (mut register, mut frontier) = (Register::default(), Frontier::default());
    let mut hashes = Frontier::default();
    let mut chunks = ChunkWriter::new(0, Vec::new());
    let log = MemoryLog::default();
    let mut source = enterprises(1, AuthorityCode::parse("440000").unwrap());
    let mut list: Vec<Enterprise> = Vec::new();
    for number in 0..COMMITS {
        if number % 2 == 0 {
            list = source.by_ref().take(COMMIT).collect();
        }
        let events = list.iter().zip(1..).map(|(enterprise, row)| event(enterprise, number, row));
        let read = |(index, event)| {
            Proposal::new(index, form::proposal(&catalogue, index, event).unwrap())
        };
        let proposals: Vec<Proposal> = events.enumerate().map(read).collect();
        register.prefetch(proposals.iter().map(|proposal| &proposal.event));
        let mut judge = Judge::default();
        let mut leaf = envelope(register.size());
        for proposal in proposals {
            decide(&mut judge, &register, &catalogue, &proposal);
            apply(&mut register, &proposal);
            leaf.event = proposal.body;
            hash(&leaf.encode_to_vec(), &mut hashes);
            encode(&mut leaf, &mut chunks, &mut frontier);
        }
        register.commit();
        log.append(log.size(), &chunks.finish()).unwrap();
    }
    for chunk in log.read(0, usize::MAX).unwrap() {
        deliver(&chunk);
    }
    if rebuilds {
        rebuild(log, catalogue);
    }
}

#[inline(never)]
fn hash(leaf: &[u8], hashes: &mut Frontier) {
    hashes.push(merkle::leaf_hash(leaf));
}

#[inline(never)]
fn decide(judge: &mut Judge, register: &Register, catalogue: &Catalogue, proposal: &Proposal) {
    let verdict = judge.judge(register, catalogue, proposal.index, &proposal.event);
    assert!(verdict.rejections.is_empty(), "{:?}", verdict.rejections);
}

#[inline(never)]
fn apply(register: &mut Register, proposal: &Proposal) {
    register.apply(&proposal.event);
}

#[inline(never)]
fn encode(leaf: &mut Leaf, chunks: &mut ChunkWriter, frontier: &mut Frontier) {
    let last = leaf.position.map(|position| (position + 1) % COMMIT as u64) == Some(0);
    let hash = chunks.push(leaf.encoded_len(), last, |buffer| leaf.encode_raw(buffer));
    frontier.push(hash);
    leaf.position = leaf.position.map(|position| position + 1);
}

/// Makes stream messages of a chunk: first of the whole, then of a part, as for a stream that
/// begins within it.
#[inline(never)]
fn deliver(chunk: &Chunk) {
    for from in [chunk.first(), chunk.first().midpoint(chunk.next())] {
        let runs = vec![chunk.slice(from, chunk.next())];
        let batch = LeafBatch { runs, leaves: Vec::new(), next_position: chunk.next() };
        let mut message = BytesMut::with_capacity(batch.encoded_len());
        batch.encode_raw(&mut message);
        drop(black_box(message));
    }
}

fn rebuild(log: MemoryLog, catalogue: Catalogue) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let _guard = runtime.enter();
    let catalogue = Arc::new(catalogue);
    let parts = LedgerOptions {
        log: Arc::new(log),
        expected: None,
        rules: RulesBook::RELEASED,
        catalogue,
        catalogue_files: CatalogueFiles::built_in(),
        clock: Arc::new(Stopped),
        salts: Box::new(|| [7; 16]),
        metrics: Metrics::new(),
        on_failure: Box::new(|why| panic!("{why}")),
    };
    assert_eq!(Ledger::open(parts).unwrap().durable().size, EVENTS as u64);
}

#[inline(never)]
fn read_csv(list: &[u8]) {
    read("list.csv", list);
}

#[inline(never)]
fn read_xlsx(list: &[u8]) {
    read("list.xlsx", list);
}

/// Makes the events of a list, as `tidu record` does before it asks the server.
fn read(name: &str, list: &[u8]) {
    let text = |text: &str| Some(text.to_owned());
    let options = import::Options {
        authority: text("100000"),
        programme: text("little-giant"),
        batch: text("7"),
        ..import::Options::default()
    };
    let authority_of = |name: &str| AuthorityCode::from_name(name).map(AuthorityCode::as_str);
    let import = import::read(name, list, &options, authority_of).unwrap();
    assert_eq!(import.rows.len(), lists::ROWS);
    black_box(import);
}

struct Stopped;

impl Clock for Stopped {
    fn now_micros(&self) -> i64 {
        1_700_000_000_000_000
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

/// A leaf of a commit, without its event.
fn envelope(first: u64) -> Leaf {
    Leaf {
        position: Some(first),
        recorded_time: Some(timestamp(1_700_000_000_000_000)),
        recorded_by: Bytes::from_static(b"anonymous"),
        commit: Some(CommitOf { first_position: Some(first), size: COMMIT as u32 }),
        request_id: Bytes::new(),
        request_digest: Bytes::new(),
        event: Bytes::new(),
        approved_by: Bytes::new(),
        signatures: Vec::new(),
        salt: Bytes::new(),
    }
}

/// A designation in each even commit, and its review in the next one.
fn event(enterprise: &Enterprise, number: usize, row: u32) -> pb::Event {
    let programme = "provincial-platform".to_owned();
    let batch = format!("2024-{}", number / 20);
    let day = |year| Some(pb::Date { year, month: 3, day: 1 });
    let (on, fact) = if number.is_multiple_of(2) {
        let profile = Some(pb::Profile {
            name: enterprise.name.clone(),
            registered_region: enterprise.region.clone(),
            industry: enterprise.industry.to_owned(),
            kind: pb::DesigneeKind::Enterprise.into(),
            ..Default::default()
        });
        let fact = pb::Designated { programme, batch, profile, ..Default::default() };
        (day(2024), Fact::Designated(fact))
    } else {
        let round = "2027".to_owned();
        let fact = pb::ReviewPassed { programme, batch, round, ..Default::default() };
        (day(2027), Fact::ReviewPassed(fact))
    };
    pb::Event {
        authority: "440000".to_owned(),
        designee: enterprise.uscc.to_string(),
        effective_date: on,
        evidence: Some(pb::Evidence {
            document_number: "粤工信函〔2024〕1号".to_owned(),
            url: "https://example.invalid/a/list/of/enterprises.html".to_owned(),
            sha256: vec![7; 32].into(),
            row,
            ..Default::default()
        }),
        fact: Some(fact),
        ..Default::default()
    }
}
