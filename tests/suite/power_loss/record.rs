//! The workload, in a process of its own under strace: the real log and the real ledger over it.
//!
//! What the process has acknowledged it says into a file beside the disk under test, so that acknowledgements and syncs
//! stand in one trace and their order is that in which the kernel saw them.

use std::{
    env, fs,
    fs::{File, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use bytes::Bytes;
use tidu::{
    cursors::{self, Change, Cursors},
    log::{CommitLog as _, SledLog},
};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{check, disk::Disk, trace};
use crate::{
    harness::{designated, made_up},
    ledger_alone::commit,
};

const PLAN: &str = "TIDU_WORKLOAD_PLAN";
const PLACE: &str = "TIDU_WORKLOAD_PLACE";
const CALLS: &str = "openat,creat,close,dup,dup2,dup3,fcntl,write,pwrite64,pwritev,pwritev2,writev,truncate,ftruncate,\
     fallocate,copy_file_range,fsync,fdatasync,sync_file_range,rename,renameat,renameat2,link,linkat,unlink,unlinkat,\
     mkdir,mkdirat,rmdir";

/// Where a workload runs: `disk/data` is the data directory, beside the disk stand what it says and what it recorded.
pub struct Place {
    pub directory: PathBuf,
}

impl Place {
    pub fn new(directory: &Path) -> Self {
        let directory = directory.canonicalize().unwrap();
        fs::create_dir_all(directory.join("disk")).unwrap();
        Self { directory }
    }

    pub fn disk(&self) -> PathBuf {
        self.directory.join("disk")
    }

    fn voice(&self) -> PathBuf {
        self.directory.join("voice")
    }

    /// All leaves that the log held when the last workload ended.
    pub fn leaves(&self) -> Vec<Bytes> {
        let text = Bytes::from(fs::read(self.directory.join("leaves")).unwrap());
        let (mut leaves, mut at) = (Vec::new(), 0);
        while at < text.len() {
            let length = u32::from_le_bytes(text[at..at + 4].try_into().unwrap()) as usize;
            leaves.push(text.slice(at + 4..at + 4 + length));
            at += 4 + length;
        }
        leaves
    }

    pub fn model(&self) -> Disk {
        Disk::new(&self.disk(), &self.voice())
    }
}

/// True if strace is there. A test that needs it says so loudly where it is not.
pub fn strace_is_there() -> bool {
    let there = Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_ok();
    if !there {
        eprintln!("\n*** SKIPPED: no strace on this machine, so no power loss was tried ***\n");
    }
    there
}

/// Runs a plan under strace and adds its calls to the model.
///
/// A plan is a list of steps: `phase:NAME`, `open`, `small:N` (commits of 1 to 4 events, some at once), `large:N` (one
/// commit of N events), `mark`, `close` or `leave` (end without closing anything); or `cursors:N` (open the store of cursors,
/// make a cursor if there is none, advance it N times, and close).
pub fn record(place: &Place, disk: &mut Disk, plan: &str) {
    let trace = place.directory.join("trace");
    let status = Command::new("strace")
        .args(["-f", "--seccomp-bpf", "-xx", "-s", "4000000", "-e"])
        .arg(format!("trace={CALLS}"))
        .arg("-o")
        .arg(&trace)
        .arg(env::current_exe().unwrap())
        .args(["--exact", "power_loss::record::workload", "--ignored", "--nocapture"])
        .env(PLAN, plan)
        .env(PLACE, &place.directory)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "the workload failed: {plan}");
    let text = fs::read_to_string(&trace).unwrap();
    fs::remove_file(&trace).unwrap();
    let calls = trace::read(&text, disk.end);
    let end = disk.end + text.lines().count() + 1;
    disk.follow(&calls, end);
}

/// Runs a plan in a process of its own that is not recorded.
pub fn run_apart(place: &Place, plan: &str) {
    let status = Command::new(env::current_exe().unwrap())
        .args(["--exact", "power_loss::record::workload", "--ignored", "--nocapture"])
        .env(PLAN, plan)
        .env(PLACE, &place.directory)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "the workload failed: {plan}");
}

#[test]
#[ignore = "the process that is recorded; the tests start it"]
fn workload() {
    let (Ok(plan), Ok(place)) = (env::var(PLAN), env::var(PLACE)) else { return };
    let place = Place::new(Path::new(&place));
    run(&place, &plan);
}

/// Runs a plan in this process.
pub fn run(place: &Place, plan: &str) {
    let mut options = OpenOptions::new();
    let mut voice = options.append(true).create(true).open(place.voice()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(work(plan, place, &mut voice));
}

async fn work(plan: &str, place: &Place, voice: &mut File) {
    let mut say = |line: String| voice.write_all(format!("{line}\n").as_bytes()).unwrap();
    let mut random = fastrand::Rng::with_seed(1);
    let mut open = None;
    for step in plan.split_whitespace() {
        let (word, value) = step.split_once(':').unwrap_or((step, ""));
        if word == "phase" {
            say(format!("phase {value}"));
            continue;
        }
        if word == "cursors" {
            advance(&place.disk().join("data"), value.parse().unwrap(), &mut say).await;
            continue;
        }
        if word == "open" {
            let data = place.disk().join("data");
            let log = Arc::new(SledLog::open(&data, Uuid::from_u128(7)).unwrap());
            let ledger = check::ledger(Arc::<SledLog>::clone(&log)).unwrap();
            // Whatever it shows from now on is durable, so it counts as acknowledged.
            say(format!("ack {}", ledger.durable().size));
            open = Some((log, Arc::new(ledger)));
            continue;
        }
        let (log, ledger) = open.as_ref().unwrap();
        let size = ledger.durable().size;
        match word {
            "small" | "large" => {
                let count = value.parse().unwrap();
                let mut sizes: Vec<usize> = vec![count];
                if word == "small" {
                    sizes = (0..count).map(|_| random.usize(1..=4)).collect();
                }
                let mut at = usize::try_from(size).unwrap();
                let events = made_up(1, at + sizes.iter().sum::<usize>());
                while !sizes.is_empty() {
                    let together = random.usize(1..=3).min(sizes.len());
                    let mut appends = JoinSet::new();
                    for size in sizes.drain(..together) {
                        let events = events[at..at + size].iter().map(designated).collect();
                        at += size;
                        let ledger = Arc::clone(ledger);
                        appends.spawn(async move { ledger.append(commit(events)).await });
                    }
                    while let Some(receipt) = appends.join_next().await {
                        say(format!("ack {}", receipt.unwrap().unwrap().next));
                    }
                }
            }
            "mark" => {
                let durable = ledger.durable();
                log.mark(durable.size, durable.root).unwrap();
            }
            "close" | "leave" => {
                let mut text = Vec::new();
                for leaf in check::leaves(&**log).unwrap() {
                    text.extend(u32::try_from(leaf.len()).unwrap().to_le_bytes());
                    text.extend(leaf);
                }
                fs::write(place.directory.join("leaves"), text).unwrap();
                if word == "leave" {
                    std::process::exit(0);
                }
                ledger.close();
                let (log, _) = open.take().unwrap();
                // The ledger's task lets go of the log when it comes to its turn.
                while Arc::strong_count(&log) > 1 {
                    tokio::task::yield_now().await;
                }
            }
            other => panic!("no such step: {other}"),
        }
    }
}

/// Advances a cursor, each time by one, and says where it stands when that is durable.
async fn advance(data: &Path, times: u64, say: &mut impl FnMut(String)) {
    // As the log does before cursors are opened.
    fs::create_dir_all(data).unwrap();
    File::open(data.parent().unwrap()).unwrap().sync_all().unwrap();
    let (cursors, log_id) = (Cursors::open(data).unwrap(), Uuid::from_u128(7));
    let begin = match cursors.get(check::CURSOR) {
        Ok((place, _)) => place.next_position,
        Err(_) => {
            let place = cursors::Place {
                next_position: 0,
                log_id,
                created_micros: 1,
                advanced_micros: None,
            };
            let filter = Bytes::from(vec![7; 20_000]);
            cursors.change(check::CURSOR, Change::Create(place, filter)).await.unwrap();
            0
        }
    };
    say(format!("ack {begin}"));
    for next_position in begin + 1..=begin + times {
        let change = Change::Advance { next_position, log_id, force: false, now_micros: 2 };
        cursors.change(check::CURSOR, change).await.unwrap();
        say(format!("ack {next_position}"));
    }
    cursors.close();
}
