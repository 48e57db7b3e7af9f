//! Figures of the register: what an event costs to decide, apply, index and hash; what it takes in
//! memory; how fast a log is rebuilt, on one core and on all; how long questions over everything
//! take.
//!
//! `cargo bench --profile dist --bench register` prints the table; `-- --quick` runs a tenth of it.
//! Everything is in memory, in this process: figures do not travel, so each stands beside SHA-256
//! over the same leaves in the same run.
#![allow(missing_docs, unreachable_pub, dead_code)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::disallowed_methods, clippy::cast_possible_truncation, clippy::cast_precision_loss)]

#[path = "../tests/suite/support/memory_log.rs"]
mod memory_log;

use std::{
    fs,
    hint::black_box,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use tidu::{
    catalogue_files::CatalogueFiles,
    cli::generate::{Enterprise, enterprises},
    domain::{
        AuthorityCode, CivilDate, PartialDate, Party, Principal,
        catalogue::{Catalogue, Catalogues},
    },
    ledger::{
        Commit, Entitlement, Ledger, LedgerOptions, Proposal, clock::Clock, decide::decide,
        state::State,
    },
    log::{ChunkWriter, CommitLog as _},
    merkle,
    metrics::Metrics,
    protocol::{
        event,
        pb::{self, event::Fact},
    },
    register::{
        AsOf, Counting, Group, NameParts, NameWanted, Register, RulesBook, SetsReading, Stage,
        Status, Wanted,
    },
};

use self::memory_log::MemoryLog;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const COMMIT: usize = 1_000;

struct Stopped;

impl Clock for Stopped {
    fn now_micros(&self) -> i64 {
        1_700_000_000_000_000
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let events = if has("--quick") { 100_000 } else { 1_000_000 };
    // Each part runs in a process of its own, so that none finds another one's memory.
    if has("--fresh") {
        return recording("one designation a designee", Story::Fresh, events);
    }
    if has("--lives") {
        return recording("notice, designation, review", Story::Lives, events);
    }
    if has("--questions") {
        return questions(events);
    }
    if has("--rebuild") {
        return println!("{}", rebuild(events));
    }
    println!("{events} events in commits of {COMMIT}\n");
    let part = |flag: &str| run(Command::new(std::env::current_exe().unwrap()).arg(flag), events);
    for flag in ["--fresh", "--lives", "--questions"] {
        println!("{}", part(flag).unwrap());
    }
    let rate = |text: String| text.trim().parse::<f64>().unwrap();
    let all = rate(part("--rebuild").unwrap());
    println!("rebuild, all cores              {all:>10.0} events/s");
    let mut one = Command::new("taskset");
    one.args(["-c", "0"]).arg(std::env::current_exe().unwrap()).arg("--rebuild");
    match run(&mut one, events).map(rate) {
        Some(one) => {
            let times = all / one;
            println!(
                "rebuild, one core               {one:>10.0} events/s   all cores {times:.2} times that"
            );
        }
        None => println!("rebuild, one core               not measured: there is no taskset"),
    }
}

fn run(part: &mut Command, events: usize) -> Option<String> {
    if events < 1_000_000 {
        part.arg("--quick");
    }
    let output = part.output().ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok()
}

/// What is recorded.
#[derive(Clone, Copy, PartialEq)]
enum Story {
    /// Every event is the first about its designee.
    Fresh,
    /// Three lists: a notice, the designations, and three years later the reviews.
    Lives,
}

/// Commits of a story, one after the other.
fn commits(story: Story, events: usize) -> impl Iterator<Item = Vec<pb::Event>> {
    let authority = AuthorityCode::parse("440000").unwrap();
    let mut source = enterprises(1, authority);
    let mut list: Vec<Enterprise> = Vec::new();
    (0..events / COMMIT).map(move |number| {
        let step = if story == Story::Fresh { 1 } else { number % 3 };
        if story == Story::Fresh || step == 0 {
            list = source.by_ref().take(COMMIT).collect();
        }
        let batch = match story {
            Story::Fresh => number / 10,
            Story::Lives => number / 30,
        };
        list.iter().zip(1..).map(|(enterprise, row)| event(enterprise, step, batch, row)).collect()
    })
}

fn event(enterprise: &Enterprise, step: usize, batch: usize, row: u32) -> pb::Event {
    let (programme, batch) = ("provincial-platform".to_owned(), format!("2024-{batch}"));
    let profile = Some(pb::Profile {
        name: enterprise.name.clone(),
        registered_region: enterprise.region.clone(),
        industry: enterprise.industry.to_owned(),
        kind: pb::DesigneeKind::Enterprise.into(),
        ..Default::default()
    });
    let day = |year| Some(pb::Date { year, month: 3, day: 1 });
    let (on, fact) = match step {
        0 => {
            let purpose = pb::NoticePurpose::New.into();
            let fact =
                pb::NoticeOpened { programme, batch, purpose, profile, ..Default::default() };
            (day(2023), Fact::NoticeOpened(fact))
        }
        1 => (
            day(2024),
            Fact::Designated(pb::Designated { programme, batch, profile, ..Default::default() }),
        ),
        _ => {
            let round = "2027".to_owned();
            (
                day(2027),
                Fact::ReviewPassed(pb::ReviewPassed {
                    programme,
                    batch,
                    round,
                    ..Default::default()
                }),
            )
        }
    };
    pb::Event {
        authority: "440000".to_owned(),
        designee: enterprise.uscc.to_string(),
        effective_date: on,
        evidence: Some(pb::Evidence {
            document_number: "粤工信函〔2024〕1号".to_owned(),
            document_date: on,
            published_date: on,
            url: "https://example.invalid/a/list/of/enterprises/that/was/published/2024.html"
                .to_owned(),
            sha256: vec![7; 32].into(),
            row,
            ..Default::default()
        }),
        fact: Some(fact),
        ..Default::default()
    }
}

fn proposals(catalogue: &Catalogue, events: Vec<pb::Event>) -> Vec<Proposal> {
    let read =
        |(index, event)| Proposal::new(index, event::proposal(catalogue, index, event).unwrap());
    events.into_iter().enumerate().map(read).collect()
}

/// The writer's road without its queue and its disk.
struct Road {
    state: State,
    chunks: ChunkWriter,
}

impl Road {
    fn new() -> Self {
        Self { state: State::default(), chunks: ChunkWriter::new(0, Vec::new()) }
    }

    fn record(&mut self, catalogues: &Catalogues, proposals: Vec<Proposal>) {
        let commit = Commit {
            proposals,
            request: None,
            precondition: None,
            recorded_by: Principal::ANONYMOUS,
            party: Party::Server,
            entitlement: Entitlement::default(),
        };
        let now = |_| Ok(1_700_000_000_000_000);
        decide(&mut self.state, catalogues, &mut self.chunks, commit, now, || [7; 16]).unwrap();
        self.state.settle(self.state.size());
    }
}

fn recording(what: &str, story: Story, events: usize) {
    let catalogues = Catalogues::built_in();
    let mut road = Road::new();
    let before = resident();
    let (mut times, mut names, mut leaf_bytes) = (Vec::new(), 0, 0);
    for commit in commits(story, events) {
        for event in &commit {
            if let Some(Fact::Designated(fact)) = &event.fact {
                names += fact.profile.as_ref().unwrap().name.len();
            }
        }
        let proposals = proposals(catalogues.in_use(), commit);
        let count = proposals.len() as f64;
        leaf_bytes = proposals[0].body.len() + 40;
        let began = Instant::now();
        road.record(&catalogues, proposals);
        times.push(began.elapsed().as_nanos() as f64 / count);
        drop(black_box(road.chunks.finish()));
    }
    let taken = resident().saturating_sub(before);
    times.sort_by(f64::total_cmp);
    let median = times[times.len() / 2];
    let hash = hashing(leaf_bytes);
    println!("{what}, leaves of about {leaf_bytes} bytes");
    println!(
        "  decide, apply, index, hash    {median:>10.0} ns an event (90th centile {:.0})",
        times[times.len() * 9 / 10]
    );
    println!("  SHA-256 of such a leaf alone  {hash:>10.0} ns   {:.1} times that", median / hash);
    let own = (taken - names) as f64 / events as f64;
    println!(
        "  memory                        {own:>10.0} bytes an event, and {:.0} of names",
        names as f64 / events as f64
    );
}

fn hashing(bytes: usize) -> f64 {
    let leaf = vec![7; bytes];
    let began = Instant::now();
    for _ in 0..100_000 {
        black_box(merkle::leaf_hash(black_box(&leaf)));
    }
    began.elapsed().as_nanos() as f64 / 100_000.0
}

/// Bytes of memory that this process has.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = status.split_whitespace().nth(1).unwrap().parse().unwrap();
    pages * 4_096
}

fn questions(designees: usize) {
    let catalogues = Catalogues::built_in();
    let mut road = Road::new();
    for commit in commits(Story::Fresh, designees) {
        road.record(&catalogues, proposals(catalogues.in_use(), commit));
        drop(road.chunks.finish());
    }
    let valid_on: CivilDate = PartialDate::parse_iso("2025-01-01").unwrap().first_day();
    let moment = AsOf { valid_on, known_at: road.state.size() };
    let register = road.state.reader();
    let register = register.read();
    let began = Instant::now();
    let mut counting =
        Counting::new(Wanted::default(), moment, Stage::Active, vec![Group::Industry]);
    while counting.advance(&register, &catalogues, 2_048) {}
    assert_eq!(counting.total() as usize, designees);
    println!(
        "count by industry               {:>10.0} ms over {designees} designees",
        began.elapsed().as_secs_f64() * 1e3
    );
    let wanted =
        Wanted { name_prefix: tidu::domain::name::folded("示例金汇999"), ..Wanted::default() };
    let began = Instant::now();
    let found = list(&register, &catalogues, &wanted, (0, usize::MAX));
    println!(
        "search by a name's beginning    {:>10.0} ms, {} found",
        began.elapsed().as_secs_f64() * 1e3,
        found
    );
    for (what, question) in title_questions() {
        let runs: Vec<f64> = (0..9).map(|run| question(&register, &catalogues, run)).collect();
        println!("{what:<32}{:>10.2} ms, median of {}", median(runs.clone()), runs.len());
    }
    searches(&register, &catalogues, moment);
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

type Question = fn(&Register, &Catalogues, usize) -> f64;

/// Questions about titles, whole as the service asks them. Each tells its milliseconds.
fn title_questions() -> [(&'static str, Question); 6] {
    [
        ("list, a page of 100", |register, catalogues, run| {
            let from = register.designee_count() / 10 * run;
            timed(|| list(register, catalogues, &Wanted::default(), (from, 100)))
        }),
        ("list, a region, all", |register, catalogues, _| {
            let region_under = Some(tidu::domain::RegionCode::parse("440500").unwrap());
            let wanted = Wanted { region_under, ..Wanted::default() };
            timed(|| list(register, catalogues, &wanted, (0, usize::MAX)))
        }),
        ("count by region", |register, catalogues, _| {
            timed(|| count(register, catalogues, Group::Region))
        }),
        ("count by month of the last day", |register, catalogues, _| {
            timed(|| count(register, catalogues, Group::ValidToMonth))
        }),
        ("changes in three years", |register, catalogues, _| {
            timed(|| changes(register, catalogues))
        }),
        ("compare two batches", |register, catalogues, _| {
            let listed = |batch: &str| Wanted {
                listed_in: vec![batch.to_owned()],
                statuses: Status::LISTED.to_vec(),
                ..Wanted::default()
            };
            let sets = [listed("2024-1"), listed("2024-2")];
            let mut reading = SetsReading::new(sets, Vec::new(), at(register, "2025-01-01"));
            timed(|| {
                let mut next = Some(0);
                while let Some(from) = next {
                    next = reading.advance(register, catalogues, from, (0, 2_048)).1;
                }
                reading.counts().only_first as usize
            })
        }),
    ]
}

fn timed(question: impl FnOnce() -> usize) -> f64 {
    let began = Instant::now();
    assert!(black_box(question()) > 0, "nothing was found");
    began.elapsed().as_secs_f64() * 1e3
}

fn at(register: &Register, day: &str) -> AsOf {
    let valid_on = PartialDate::parse_iso(day).unwrap().first_day();
    AsOf { valid_on, known_at: register.size() }
}

fn list(
    register: &Register,
    catalogues: &Catalogues,
    wanted: &Wanted,
    (from, most): (usize, usize),
) -> usize {
    let (mut found, mut next) = (0, Some(from));
    while let Some(from) = next.filter(|_| found < most) {
        let bounds = (most - found, 2_048);
        let (some, after) =
            register.search(catalogues, wanted, at(register, "2025-01-01"), from, bounds);
        (found, next) = (found + some.len(), after);
    }
    found
}

fn count(register: &Register, catalogues: &Catalogues, group: Group) -> usize {
    let moment = at(register, "2025-01-01");
    let mut counting = Counting::new(Wanted::default(), moment, Stage::Active, vec![group]);
    while counting.advance(register, catalogues, 2_048) {}
    counting.group_count()
}

/// Every title of the story expires in these years. As many are kept as a page has.
fn changes(register: &Register, catalogues: &Catalogues) -> usize {
    let moments = (at(register, "2025-01-01"), at(register, "2028-01-01"));
    let (wanted, mut found, mut next) = (Wanted::default(), 0, Some(0));
    while let Some(first) = next {
        let bounds = (1_000, 2_048);
        let (some, after) = register.changes_between(catalogues, &wanted, moments, first, bounds);
        (found, next) = (found + some.len(), after);
    }
    found
}

/// Searches by a part of a name: the index, and the first page of an answer.
fn searches(register: &Register, catalogues: &Catalogues, moment: AsOf) {
    let (mut parts, began) = (NameParts::default(), Instant::now());
    while let Some(mut segment) = parts.next_segment(moment.known_at) {
        while segment.advance(register, 1_024) {}
        parts = parts.with(segment);
    }
    println!(
        "index of names                  {:>10.0} ms, {:.1} bytes a name of {}",
        began.elapsed().as_secs_f64() * 1e3,
        parts.bytes() as f64 / parts.names() as f64,
        parts.names()
    );
    // Parts of names all over the list, of two to eight characters: some rare, some in every name.
    let names = enterprises(1, AuthorityCode::parse("440000").unwrap());
    let names: Vec<Vec<char>> = names
        .step_by((register.designee_count() / 1_000).max(1))
        .take(1_000)
        .map(|enterprise| tidu::domain::name::folded(&enterprise.name).chars().collect())
        .collect();
    let mut times: Vec<f64> = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let length = (2 + number % 7).min(name.len());
        let first = number * 31 % (name.len() - length + 1);
        let part = name[first..first + length].iter().collect();
        let wanted = NameWanted { part, is_whole: false };
        let began = Instant::now();
        let (mut found, mut next) = (0, Some(0));
        while let Some(from) = next.filter(|_| found < 100) {
            let most = 100 - found;
            let read = register.find_names(catalogues, &parts, &wanted, moment, from, most);
            (found, next) = (found + black_box(read.found).len(), read.next);
        }
        assert!(found > 0);
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_unstable_by(f64::total_cmp);
    let quantile = |of: usize| times[(times.len() * of / 100).min(times.len() - 1)];
    println!(
        "find by a part of a name        {:>10.2} ms p50, {:.2} p99, a page of 100",
        quantile(50),
        quantile(99)
    );
}

fn rebuild(events: usize) -> f64 {
    let catalogues = Catalogues::built_in();
    let log = MemoryLog::default();
    let mut road = Road::new();
    for commit in commits(Story::Lives, events) {
        road.record(&catalogues, proposals(catalogues.in_use(), commit));
        log.append(log.size(), &road.chunks.finish()).unwrap();
    }
    drop(road);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let guard = runtime.enter();
    let parts = LedgerOptions {
        log: Arc::new(log),
        expected: None,
        catalogue: Arc::clone(catalogues.in_use()),
        catalogue_files: CatalogueFiles::built_in(),
        rules: RulesBook::RELEASED,
        clock: Arc::new(Stopped),
        salts: Box::new(|| [7; 16]),
        metrics: Metrics::new(),
        on_failure: Box::new(|why| panic!("{why}")),
    };
    let began = Instant::now();
    let ledger = Ledger::open(parts).unwrap();
    let rate = events as f64 / began.elapsed().as_secs_f64();
    drop((ledger, guard));
    rate
}
