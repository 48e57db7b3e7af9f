//! Kills during a stream of appends, during a drain and during an open, and data directories that
//! must be refused.
//!
//! `TIDU_CRASH_CYCLES` sets how many cycles of appending and killing are run.

use std::{
    fs,
    io::Read as _,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use fastrand::Rng;
use parking_lot::Mutex;
use tidu::{
    cli::generate::{Enterprise, enterprises},
    protocol::pb::{self, subscribe_request::Start, subscribe_response::Payload},
};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::support::{
    Client, Fresh, Server, TIDU, authority, changed, designated, directory, in_time, list, seed,
};

/// Cycles of a usual run; each goes on with the log of the one before.
const CYCLES: usize = 4;
/// Acknowledged events before the end comes, while others are in flight.
const EVENTS: usize = 60;
/// Within this a server has opened its log or is doing so; kills fall at random before it.
const OPEN_DURATION: Duration = Duration::from_millis(120);
/// The same for a drain.
const DRAIN_DURATION: Duration = Duration::from_millis(30);

/// Every drain writes a snapshot, and every start looks for one.
const KEEPS: &[&str] = &["--snapshot-events", "1"];

/// What the outside knows of the log.
#[derive(Clone, Default)]
struct Known {
    /// Designees by position, from answers to appends.
    acknowledged: Arc<Mutex<Vec<(u64, String)>>>,
    /// Designees from position 0 on, as one subscriber saw them that resumes after each crash.
    seen: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone, Copy, Debug)]
enum End {
    Kill,
    KillWhileDraining,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_or_seen_survives_kill_9() {
    let cycles = seed::count("TIDU_CRASH_CYCLES", CYCLES);
    let mut random = seed::random("TIDU_CRASH_SEED");
    let dir = directory();
    let data = dir.path().join("data");
    let known = Known::default();
    let mut enterprises = enterprises(1, authority("440000"));
    let mut killed = 0;
    for cycle in 0..cycles {
        let end = if cycle % 2 == 0 { End::Kill } else { End::KillWhileDraining };
        let server = Server::start_with(&data, KEEPS);
        let mut tasks = append_and_follow(&server, &known, &mut enterprises, &mut random).await;
        if let End::KillWhileDraining = end {
            server.ask_to_end();
            // No waiting for anything: it chooses the moment of the kill.
            tokio::time::sleep(DRAIN_DURATION.mul_f64(random.f64())).await;
        }
        killed += usize::from(server.kill().is_none());
        while let Some(ended) = tasks.join_next().await {
            ended.unwrap();
        }
        let mut within = OPEN_DURATION;
        while !kill_while_opening(&data, within.mul_f64(random.f64())) {
            within /= 2;
        }
        check(&data, &known, cycle).await;
    }
    println!(
        "{cycles} kills while opening, {killed} while appending or draining, \
         {} drains that ended before; {} events \
         acknowledged, {} seen",
        cycles - killed,
        known.acknowledged.lock().len(),
        known.seen.lock().len()
    );
    assert!(known.acknowledged.lock().len() >= cycles * EVENTS / 2);
}

/// Eight writers and a subscriber; comes back when enough was acknowledged, and leaves them at it.
async fn append_and_follow(
    server: &Server,
    known: &Known,
    enterprises: &mut impl Iterator<Item = Enterprise>,
    random: &mut Rng,
) -> tokio::task::JoinSet<()> {
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(follow(server.client().await, Arc::clone(&known.seen)));
    let goal = known.acknowledged.lock().len() + EVENTS;
    let (tell, mut told) = unbounded_channel();
    for _ in 0..8 {
        let client = server.client().await;
        let commits: Vec<Vec<pb::Event>> = (0..40)
            .map(|_| {
                let size = if random.u8(0..10) == 0 { 100 } else { random.usize(1..4) };
                let of = |enterprise: Enterprise| match size {
                    // Not public, so the log is raised while others append.
                    2 => vec![designated(&enterprise), changed(&enterprise)],
                    _ => vec![designated(&enterprise)],
                };
                enterprises.by_ref().take(size).flat_map(of).collect()
            })
            .collect();
        tasks.spawn(write(client, commits, Arc::clone(&known.acknowledged), tell.clone()));
    }
    drop(tell);
    while known.acknowledged.lock().len() < goal {
        told.recv().await.expect("the writers have come to an end before the goal");
    }
    let seen = async {
        while known.seen.lock().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    in_time("an event for the subscriber", seen).await;
    tasks
}

async fn write(
    mut client: Client,
    commits: Vec<Vec<pb::Event>>,
    acknowledged: Arc<Mutex<Vec<(u64, String)>>>,
    tell: UnboundedSender<()>,
) {
    for events in commits {
        let designees: Vec<_> = events.iter().map(|e| e.designee.clone()).collect();
        let Ok(answer) = client.record(events).await else { return };
        let first = answer.first_position.unwrap();
        acknowledged.lock().extend((first..).zip(designees));
        // Nobody listens any more once there is enough.
        let _ = tell.send(());
    }
}

/// Follows the log from where it had got to, until the server is gone. Each position is one more
/// than the one before.
async fn follow(mut client: Client, seen: Arc<Mutex<Vec<String>>>) {
    let start = Some(Start::FromPosition(seen.lock().len() as u64));
    let request = pb::SubscribeRequest { start, ..Default::default() };
    let Ok(stream) = client.ledger.subscribe(request).await else { return };
    let mut stream = stream.into_inner();
    while let Ok(Some(message)) = stream.message().await {
        let Some(Payload::Events(batch)) = message.payload else { continue };
        for leaf in batch.leaves {
            let event: pb::RecordedEvent = prost::Message::decode(leaf).unwrap();
            let mut seen = seen.lock();
            assert_eq!(event.position, Some(seen.len() as u64), "the position after the previous");
            seen.push(event.event.unwrap().designee);
        }
    }
}

/// The size of the log, and what the register knows of every designee.
pub(super) async fn titles(client: &mut Client) -> (u64, Vec<pb::ListTitlesResponse>) {
    let size = client.status().await.log_size;
    let (mut pages, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = pb::ListTitlesRequest { page_size: 500, page_token, ..Default::default() };
        let page = client.register.list_titles(request).await.unwrap().into_inner();
        page_token = page.next_page_token.clone();
        // Tokens are sealed for one start.
        pages.push(pb::ListTitlesResponse { next_page_token: String::new(), ..page });
        if page_token.is_empty() {
            return (size, pages);
        }
    }
}

/// Starts a server and kills it after so long; true if it had not got so far as to listen.
fn kill_while_opening(data: &Path, after: Duration) -> bool {
    let mut child = Command::new(TIDU)
        .args(["serve", "--listen", "127.0.0.1:0", "--operations-listen", "off", "--data-dir"])
        .arg(data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // No waiting for anything: it chooses the moment of the kill.
    thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    said.is_empty()
}

/// Opens the log again and compares it with what was acknowledged and with what the subscriber saw.
async fn check(data: &Path, known: &Known, cycle: usize) {
    let server = Server::start_with(data, KEEPS);
    let mut client = server.client().await;
    let counts = titles(&mut client).await;
    drop(server);
    // A replay of the whole log answers the same as a start that may believe a snapshot.
    let server = Server::start_with(data, &["--snapshot-events", "0"]);
    let mut client = server.client().await;
    assert_eq!(titles(&mut client).await, counts, "cycle {cycle}: the snapshot is wrong");
    let size = client.status().await.log_size;
    let request = pb::SubscribeRequest { stop_position: Some(size), ..Default::default() };
    let events = client.collect(request).await;
    assert_eq!(events.len() as u64, size, "cycle {cycle}: positions are dense");
    for (position, event) in (0..).zip(&events) {
        assert_eq!(event.position, Some(position));
        let commit = event.commit.unwrap();
        assert!(commit.first_position.unwrap() + u64::from(commit.size) <= size, "torn commit");
    }
    let designees: Vec<_> = events.iter().map(|e| &e.event.as_ref().unwrap().designee).collect();
    for (position, designee) in known.acknowledged.lock().iter() {
        let found = designees.get(usize::try_from(*position).unwrap());
        assert_eq!(found, Some(&designee), "cycle {cycle}: an acknowledged event is gone");
    }
    for (position, designee) in known.seen.lock().iter().enumerate() {
        let found = designees.get(position);
        assert_eq!(found, Some(&designee), "cycle {cycle}: an event that was seen is gone");
    }
}

fn refused(data: &Path) -> String {
    let output = Command::new(TIDU)
        .args(["serve", "--listen", "127.0.0.1:0", "--operations-listen", "off", "--data-dir"])
        .arg(data)
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(output.stdout.is_empty(), "it must not say that it listens");
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test]
async fn a_data_directory_in_use_is_refused() {
    let fresh = Fresh::start();
    let said = refused(&fresh.data());
    assert!(said.contains("in use by another process"), "{said}");
    assert_eq!(fresh.client().await.status().await.log_size, 0, "the first one goes on");
}

#[tokio::test]
async fn a_log_that_lost_its_store_or_was_altered_is_refused() {
    let fresh = Fresh::start();
    fresh.client().await.record(list(1, 500)).await.unwrap();
    let data = fresh.data();
    let Fresh { server, dir } = fresh;
    assert_eq!(server.terminate(), Some(0), "a drain notes the exact high-water mark");

    let moved = dir.path().join("moved");
    fs::rename(data.join("log"), &moved).unwrap();
    let said = refused(&data);
    assert!(said.contains("damaged"), "{said}");
    fs::rename(&moved, data.join("log")).unwrap();

    let database = data.join("log/db");
    let good = fs::read(&database).unwrap();
    let mut bad = good.clone();
    // The middle of the events' text: a letter of a document number.
    let needle = "粤工信函〔2024〕1号".as_bytes();
    let found: Vec<_> =
        (0..bad.len() - needle.len()).filter(|i| bad[*i..].starts_with(needle)).collect();
    assert!(found.len() > 400);
    for place in &found {
        bad[*place] ^= 1;
    }
    fs::write(&database, &bad).unwrap();
    let said = refused(&data);
    assert!(said.contains("damaged"), "{said}");
    fs::write(&database, &good).unwrap();
    assert_eq!(Server::start(&data).client().await.status().await.log_size, 500);
}

#[test]
fn a_directory_that_cannot_be_written_is_refused() {
    let dir = directory();
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    let said = refused(&file);
    assert!(said.contains("file"), "{said}");
}
