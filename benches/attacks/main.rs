//! What hostile callers cost the others.
//!
//! `cargo bench --profile dist --bench attacks` runs each attack for ten seconds against the real
//! binary on loopback; `-- --quick` runs each briefly, and `-- --only NAME` runs those whose names
//! contain a text. With `--mtls` the server knows its callers by their certificates: the attacker
//! has a valid one of a reader, and the well-behaved caller one of a recorder. Beside each attack a
//! well-behaved caller appends an event and reads a designee every 20 ms. Its times count from when
//! a call was due, so a stall counts in full. The attacker is a process of the lowest priority,
//! because its own work would be done elsewhere.
//!
//! The run fails if the server ends, takes more than 512 MiB beside its data (the memory of a start
//! over the log as the attack left it), refuses the well-behaved caller, loses an acknowledged
//! event, or is not itself again within a second. Except with `--quick`, it also fails if the
//! caller's p99 exceeds twice its undisturbed value and 50 ms. `-- --soak MINUTES` (soak.rs) runs all
//! of them in turn against one server.
#![allow(missing_docs, unreachable_pub, dead_code, clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::disallowed_methods, clippy::cast_possible_truncation, clippy::cast_precision_loss)]
#![allow(
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    clippy::indexing_slicing,
    clippy::panic
)]

mod caller;
mod calls;
mod frames;
mod handshakes;
#[path = "../../tests/suite/support/mtls.rs"]
mod mtls;
mod raw;
mod records;
#[path = "../../tests/suite/support/server.rs"]
mod server;
mod soak;
mod streams;

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    pin::Pin,
    process::{Child, Command, ExitCode},
    time::{Duration, Instant},
};

use self::{
    caller::{Caller, Times},
    server::{Server, directory},
};

/// Most bytes that the server may take beside its data.
const MEMORY_MAX: u64 = 512 * 1024 * 1024;
/// The p99 that is always good enough.
const P99_ENOUGH: f64 = 0.050;

/// A server under attack.
#[derive(Clone)]
pub struct Target {
    /// Where it answers; with TLS, the near end of a road through it.
    pub address: SocketAddr,
    /// The server's own port.
    pub server: SocketAddr,
    /// The end of the attack.
    pub until: Instant,
    /// Designees `local:330000/0` and so on that are on record.
    pub designees: u64,
}

impl Target {
    pub fn goes_on(&self) -> bool {
        Instant::now() < self.until
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A name, and the attack.
type Attack = (&'static str, fn(Target) -> Running);

macro_rules! attack {
    ($name:literal, $function:path) => {
        ($name, |target| Box::pin($function(target)))
    };
}

/// Only a server with TLS is attacked by handshakes.
const HANDSHAKES: &str = "handshakes";

const ATTACKS: [Attack; 29] = [
    attack!("faults: 10,000 events, each with 64 bad indicators", calls::faults),
    attack!("unfinished messages of 16 MiB", streams::unfinished_messages),
    attack!("unasked acknowledgements of pings", frames::unasked_acknowledgements),
    attack!("half a preface, bodies that never come", frames::half_prefaces),
    attack!("resets before an answer", frames::resets),
    attack!("headers without an end", frames::endless_headers),
    attack!("random bytes", frames::random_bytes),
    attack!("questions of callers that leave", streams::count_and_leave),
    attack!("128 counts at once", calls::counts),
    attack!("128 lists without a match at once", calls::lists),
    attack!("128 digests at once", calls::digests),
    attack!("128 batches at once", calls::batches),
    attack!("empty events, packed", calls::packed_events),
    attack!("empty preconditions, packed", calls::packed_preconditions),
    attack!("empty watch-list, packed", calls::packed_watch_list),
    attack!("empty indicators, packed", calls::packed_indicators),
    attack!("zeros, packed", calls::packed_zeros),
    attack!("a name of megabytes", calls::long_names),
    attack!("trials of many facts of one designee", records::trials_of_one_designee),
    attack!("many facts and long titles of one designee", records::one_designee),
    attack!("a circle of identifiers", records::circle),
    attack!("namesakes", records::namesakes),
    attack!("the largest commits", records::largest_commits),
    attack!("watchers of long lists come and go", streams::watchers),
    attack!("pages that nobody takes", streams::untaken_pages),
    attack!("server-sent events that nobody takes", streams::untaken_lines),
    attack!("a held verification, cursors without end", calls::cursors),
    attack!("handshakes that are left at once", handshakes::complete),
    attack!("handshakes that are not finished", handshakes::unfinished),
];

struct Plan {
    seconds: f64,
    designees: u64,
    is_quick: bool,
    /// The server knows its callers by their certificates.
    mtls: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let at = |flag: &str| arguments.iter().position(|argument| argument == flag);
    if let Some(at) = at(ATTACKER) {
        attack(&arguments[at + 1..]).await;
        return ExitCode::SUCCESS;
    }
    let only = at("--only").map(|at| arguments[at + 1].clone()).unwrap_or_default();
    let is_quick = at("--quick").is_some();
    let mtls = at("--mtls").is_some();
    let mut plan = Plan { seconds: 10.0, designees: 200_000, is_quick, mtls };
    if is_quick {
        plan = Plan { seconds: 1.0, designees: 20_000, ..plan };
    }
    if let Some(at) = at("--seconds") {
        plan.seconds = arguments[at + 1].parse().unwrap();
    }
    more_descriptors();
    let base = directory();
    let filled = base.path().join("data");
    fill(&filled, plan.designees).await;
    if let Some(place) = at("--soak") {
        let minutes = arguments[place + 1].parse().unwrap();
        let share = at("--share").map_or(soak::SHARE, |at| arguments[at + 1].parse().unwrap());
        return soak::run(&plan, &filled, minutes, share).await;
    }
    println!("p50/p99 in ms of a well-behaved caller: before, under the attack, a second after");
    let mut failed = 0;
    let is_chosen = |name: &str| name.contains(&only) && (mtls || !name.contains(HANDSHAKES));
    let chosen = ATTACKS.iter().enumerate().filter(|(_, (name, _))| is_chosen(name));
    for (number, (name, _)) in chosen {
        let faults = run(&plan, &filled, name, number).await;
        failed += usize::from(!faults.is_empty());
        for fault in faults {
            println!("    FAILED: {fault}");
        }
    }
    println!("{failed} of the attacks succeeded");
    ExitCode::from(u8::from(failed > 0))
}

/// The flag of a process that attacks: a server, the directory of its certificates or nothing, a
/// number of the attack, seconds, designees.
const ATTACKER: &str = "--attacker";

/// Attacks as a process of its own, which gives way to the server: its own work would be done on
/// other machines.
async fn attack(arguments: &[String]) {
    let [server, certificates, number, seconds, designees] = arguments else {
        panic!("{arguments:?}")
    };
    rustix::process::nice(19).unwrap();
    let until = Instant::now() + Duration::from_secs_f64(seconds.parse().unwrap());
    let (_, attack) = ATTACKS[number.parse::<usize>().unwrap()];
    let (server, designees) = (server.parse().unwrap(), designees.parse().unwrap());
    let address = match certificates.as_str() {
        "" => server,
        dir => mtls::road(server, mtls::client(Path::new(dir), Some("reader"))).await,
    };
    attack(Target { address, server, until, designees }).await;
    // It keeps what it holds until it is ended.
    std::future::pending::<()>().await;
}

fn attacker(plan: &Plan, address: SocketAddr, certificates: &str, number: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([ATTACKER, &address.to_string(), certificates, &number.to_string()])
        .args([plan.seconds.to_string(), plan.designees.to_string()])
        .spawn()
        .unwrap()
}

/// Runs one attack against a fresh server over a copy of the filled log.
async fn run(plan: &Plan, filled: &Path, name: &str, number: usize) -> Vec<String> {
    let dir = directory();
    let data = dir.path().join("data");
    copy(filled, &data);
    let arguments = if plan.mtls { certify(dir.path()) } else { Vec::new() };
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let server = Server::start_with(&data, &arguments);
    let address: SocketAddr = server.address.rsplit('/').next().unwrap().parse().unwrap();
    let pid = server.child.id();
    let span = Duration::from_secs_f64(plan.seconds);
    let certificates = if plan.mtls { dir.path().to_str().unwrap() } else { "" };
    let near = match certificates {
        "" => address,
        _ => mtls::road(address, mtls::client(dir.path(), Some("recorder"))).await,
    };
    let caller = Caller::connect(&format!("http://{near}"), plan.designees).await;
    let before = caller.run(span.min(Duration::from_secs(3))).await;
    reset_peak(pid);
    let mut attacker = attacker(plan, address, certificates, number);
    let under = caller.run(span).await;
    attacker.kill().unwrap();
    attacker.wait().unwrap();
    let peak = memory(pid, "VmHWM:");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let after = caller.run(Duration::from_secs_f64(plan.seconds.min(2.0))).await;
    let mut faults = Vec::new();
    if peak == 0 && fs::metadata(format!("/proc/{pid}/status")).is_err() {
        println!("{name:52} {before} | {under} | {after}");
        faults.push("the server ended".to_owned());
        return faults;
    }
    for (when, times) in [("before", &before), ("under", &under), ("after", &after)] {
        faults.extend(times.refused.first().map(|refusal| {
            format!("{when}: {} calls were refused, the first with {refusal}", times.refused.len())
        }));
    }
    if !plan.is_quick {
        faults.extend(slower(&before, &under, "under the attack"));
        faults.extend(slower(&before, &after, "a second after"));
    }
    let lost = caller.lost().await;
    if !lost.is_empty() {
        faults.push(format!(
            "{} acknowledged events are lost, the first at {}",
            lost.len(),
            lost[0]
        ));
    }
    let terminated = server.terminate();
    if terminated != Some(0) {
        faults.push(format!("the server ended with {terminated:?}"));
    }
    // Some attacks record events, which are data.
    let beside_data = peak.saturating_sub(memory(Server::start(&data).child.id(), "VmRSS:"));
    let mib = beside_data / 1024 / 1024;
    println!("{name:52} {before} | {under} | {after} | +{mib} MiB");
    if beside_data > MEMORY_MAX {
        faults.push(format!("{mib} MiB of memory"));
    }
    faults
}

/// Makes certificates of a server, a recorder and a reader, and gives the server's arguments.
fn certify(dir: &Path) -> Vec<String> {
    let ca = mtls::Ca::new();
    let mut policy = String::new();
    for (name, roles) in [("recorder", r#""recorder""#), ("reader", r#""reader""#)] {
        let uri = format!("tidu://bench/{name}");
        ca.caller(&uri).write(dir, name);
        policy += &format!(
            "[[principal]]\nid = \"bench.{name}\"\nauthority = \"330000\"\nroles = [{roles}]\n\
             certificate = \"{uri}\"\n"
        );
    }
    mtls::arguments(&ca, dir, &policy)
}

fn slower(before: &Times, now: &Times, when: &str) -> Vec<String> {
    let pairs = [("append", &before.appends, &now.appends), ("read", &before.reads, &now.reads)];
    let judged = pairs.map(|(what, before, now)| {
        let (known, now) = (caller::quantile(before, 0.99), caller::quantile(now, 0.99));
        let enough = (2.0 * known).max(P99_ENOUGH);
        (now > enough).then(|| format!("{what} p99 {when}: {:.0} ms", now * 1e3))
    });
    judged.into_iter().flatten().collect()
}

async fn fill(data: &Path, designees: u64) {
    let server = Server::start(data);
    let mut client = server.client().await;
    client.ledger = client.ledger.max_encoding_message_size(16 * 1024 * 1024);
    for first in (0..designees).step_by(10_000) {
        let commit = (first..designees.min(first + 10_000)).map(records::designation);
        client.record(commit.collect()).await.unwrap();
    }
    assert_eq!(server.terminate(), Some(0));
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &place);
        } else {
            fs::copy(entry.path(), place).unwrap();
        }
    }
}

/// Makes the peak of memory count anew.
fn reset_peak(pid: u32) {
    let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
}

/// A line of the process's status, in bytes; 0 if the process has ended.
fn memory(pid: u32, line: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|known| known.starts_with(line)).unwrap_or_default();
    line.split_whitespace().nth(1).map_or(0, |kib| kib.parse::<u64>().unwrap() * 1024)
}

/// Both ends of each connection need one, and the server inherits the limit.
fn more_descriptors() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}
