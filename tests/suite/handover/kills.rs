//! Kills at any moment of a hand-over and of a promotion, and both nodes started again.
//!
//! `TIDU_HANDOVER_CYCLES` sets how many hand-overs are run.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use parking_lot::Mutex;
use tidu::{
    cli::generate::{Enterprise, enterprises},
    handover::RETIRED_FILE,
    protocol::pb,
};
use tokio::task::JoinSet;

use super::{follow, promote, tidu};
use crate::support::{
    Client, Server, TIDU, authority, designated, directory, done, reason, seed, text,
};

/// Hand-overs of a usual run.
const CYCLES: usize = 4;
/// Within this a hand-over is done; kills fall at random before it.
const HAND_OVER_DURATION: Duration = Duration::from_millis(200);
/// The same for a command at rest, which opens the log first.
const COMMAND_DURATION: Duration = Duration::from_millis(120);

/// How many kills came early and late.
#[derive(Debug, Default)]
struct Seen {
    leaders_left: usize,
    retired: usize,
    promotions_killed: usize,
}

/// Enterprises that nobody has designated yet.
type Fresh = Arc<Mutex<Box<dyn Iterator<Item = Enterprise> + Send>>>;

fn next(fresh: &Fresh) -> pb::Event {
    designated(&fresh.lock().next().unwrap())
}

/// Eight writers at a leader, until it refuses or is gone. Gives the acknowledged positions.
fn write(client: &Client, fresh: &Fresh, acknowledged: &Arc<Mutex<u64>>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let (mut client, fresh) = (client.clone(), Arc::clone(fresh));
        let acknowledged = Arc::clone(acknowledged);
        tasks.spawn(async move {
            while let Ok(answer) = client.record(vec![next(&fresh)]).await {
                let mut known = acknowledged.lock();
                *known = (*known).max(answer.next_position);
            }
        });
    }
    tasks
}

/// Starts a server on a directory if it lets itself be started, and tells whether it records.
async fn records(data: &Path, fresh: &Fresh) -> bool {
    let child = Command::new(TIDU)
        .args(["serve", "--listen", "127.0.0.1:0", "--operations-listen", "off", "--data-dir"])
        .arg(data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    match Server::of(child) {
        Err(mut ended) => {
            assert!(!ended.wait().unwrap().success());
            false
        }
        Ok(server) => match server.client().await.record(vec![next(fresh)]).await {
            Ok(_) => true,
            Err(status) => {
                assert_eq!(reason(&status), "RETIRED");
                false
            }
        },
    }
}

/// Runs a command and kills it after so long.
fn kill_within(args: &[&str], after: Duration) -> bool {
    let mut command = Command::new(TIDU);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    // No waiting for anything: it chooses the moment of the kill.
    thread::sleep(after);
    child.kill().unwrap();
    !child.wait().unwrap().success()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_most_one_node_records_whatever_is_killed() {
    let cycles = seed::count("TIDU_HANDOVER_CYCLES", CYCLES);
    let mut random = seed::random("TIDU_HANDOVER_SEED");
    let fresh: Fresh = Arc::new(Mutex::new(Box::new(enterprises(1, authority("440000")))));
    let dir = directory();
    let (leader, next) = (dir.path().join("n0"), dir.path().join("n1"));
    let (mut leader, mut next) = (leader, next);
    let (mut epoch, mut seen) = (0, Seen::default());
    for cycle in 0..cycles {
        let node = format!("n-{cycle:08x}");
        let acknowledged = Arc::new(Mutex::new(0));
        // The leader is killed in the middle of the hand-over.
        let server = Server::start(&leader);
        let mut client = server.client().await;
        let log_id = client.status().await.log_id;
        let mut writers = write(&client, &fresh, &acknowledged);
        while *acknowledged.lock() == 0 {
            tokio::task::yield_now().await;
        }
        let (mut asking, successor) = (client.clone(), node.clone());
        let asked = tokio::spawn(async move {
            asking.admin.hand_over(pb::HandOverRequest { successor }).await.is_ok()
        });
        tokio::time::sleep(HAND_OVER_DURATION.mul_f64(random.f64())).await;
        server.kill();
        let is_answered = asked.await.unwrap();
        while let Some(ended) = writers.join_next().await {
            ended.unwrap();
        }
        let is_retired = leader.join(RETIRED_FILE).exists();
        assert!(is_retired || !is_answered, "cycle {cycle}: a receipt that no file has");
        *(if is_retired { &mut seen.retired } else { &mut seen.leaders_left }) += 1;
        if is_retired {
            assert!(!records(&leader, &fresh).await, "cycle {cycle}: it is retired");
        }

        // The hand-over is repeated until it is done, and the follower catches up.
        let receipt = dir.path().join("receipt.txt");
        let args =
            ["handover", "--yes", &node, "--data-dir", text(&leader), "--to", text(&receipt)];
        kill_within(&args, COMMAND_DURATION.mul_f64(random.f64()));
        done(&tidu(&args));
        follow(&leader, &next, &log_id, epoch, &node);
        let carried: tidu::handover::Receipt =
            fs::read_to_string(&receipt).unwrap().parse().unwrap();
        assert!(carried.size >= *acknowledged.lock(), "cycle {cycle}: acknowledged, and lost");

        // The promotion is killed, and both are started: none or the new one records.
        let args = ["promote", text(&receipt), "--data-dir", text(&next)];
        let was_killed = kill_within(&args, COMMAND_DURATION.mul_f64(random.f64()));
        seen.promotions_killed += usize::from(was_killed);
        assert!(!records(&leader, &fresh).await, "cycle {cycle}: the old one records");
        let records_early = records(&next, &fresh).await;
        assert!(records_early || was_killed, "cycle {cycle}: promoted, and records nothing");
        assert!(done(&promote(&next, &receipt)).contains(&format!("epoch {}", epoch + 1)));
        assert!(records(&next, &fresh).await, "cycle {cycle}");
        assert!(!records(&leader, &fresh).await, "cycle {cycle}: the old one records");
        epoch += 1;
        std::mem::swap(&mut leader, &mut next);
    }
    println!("{cycles} hand-overs: {seen:?}");
}
