//! A workload over the real log and the real ledger: what the tests of power loss record, and those
//! of damage alter.
//!
//! What it has acknowledged it says into a file beside the disk under test, so that
//! acknowledgements and syncs are in one trace, in the order in which the kernel saw them.

use std::{
    fs,
    fs::{File, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use tidu::{
    cursors::{self, Change, Cursors},
    log::{CommitLog as _, SledLog},
};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{
    events::{changed, designated, made_up},
    history,
    ledger::commit,
    redacted,
};

/// Where a workload runs: `disk/data` is the data directory, beside the disk stand what it says and
/// what it recorded.
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

    /// The file into which the workload says what was acknowledged.
    pub fn voice(&self) -> PathBuf {
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
}

/// Runs a plan in this process.
///
/// A plan is a list of steps: `phase:NAME`, `open`, `small:N` (commits of 1 to 4 events, some at
/// once), `large:N` (one commit of N events), `own:N` (N commits of a designation and of an event
/// that is not public, about the same enterprise), `annul:N` (annul the event at position N),
/// `mark`, `close` or `leave` (end without closing anything). Two steps need a closed log:
/// `redact:N` erases the event at position N; `cursors:N` opens the store of cursors, makes a
/// cursor if there is none, advances it N times, and closes.
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
        if word == "redact" {
            redacted::redact(&place.disk().join("data"), value.parse().unwrap());
            say("redacted".to_owned());
            continue;
        }
        if word == "open" {
            let data = place.disk().join("data");
            let log = Arc::new(SledLog::open(&data, Uuid::from_u128(7)).unwrap());
            let ledger = history::ledger(Arc::<SledLog>::clone(&log)).unwrap();
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
            "own" => {
                let at = usize::try_from(size).unwrap();
                let enterprises = made_up(1, at + 2 * value.parse::<usize>().unwrap());
                for enterprise in enterprises[at..].iter().step_by(2) {
                    let events = vec![designated(enterprise), changed(enterprise)];
                    let receipt = ledger.append(commit(events)).await.unwrap();
                    say(format!("ack {}", receipt.next));
                }
            }
            "annul" => {
                let event = redacted::annulment(value.parse().unwrap());
                let receipt = ledger.append(commit(vec![event])).await.unwrap();
                say(format!("ack {}", receipt.next));
            }
            "mark" => {
                let durable = ledger.durable();
                log.mark(durable.size, durable.root).unwrap();
            }
            "close" | "leave" => {
                let mut text = Vec::new();
                for leaf in history::leaves(&**log).unwrap() {
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
    let begin = match cursors.get(history::CURSOR) {
        Ok((place, _)) => place.next_position,
        Err(_) => {
            let state = cursors::CursorState {
                next_position: 0,
                log_id,
                created_micros: 1,
                advanced_micros: None,
            };
            let filter = Bytes::from(vec![7; 20_000]);
            cursors.change(history::CURSOR, Change::Create(state, filter)).await.unwrap();
            0
        }
    };
    say(format!("ack {begin}"));
    for next_position in begin + 1..=begin + times {
        let change = Change::Advance { next_position, log_id, force: false, now_micros: 2 };
        cursors.change(history::CURSOR, change).await.unwrap();
        say(format!("ack {next_position}"));
    }
    cursors.close();
}
