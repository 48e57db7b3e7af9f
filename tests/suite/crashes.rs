//! Kills during a stream of appends, and data directories that must be refused.

use std::{fs, process::Command, sync::Arc};

use parking_lot::Mutex;
use tidu::pb;

use crate::harness::{Fresh, Server, TIDU, designated, directory, list, made_up};

/// Cycles of appending and killing; each goes on with the log of the one before.
const CYCLES: usize = 6;
/// Acknowledged commits before the kill; it comes while others are in flight.
const COMMITS: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_commit_survives_kill_9_while_appending() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let dir = directory();
    let data = dir.path().join("data");
    let acknowledged = Arc::new(Mutex::new(Vec::<(u64, String)>::new()));
    let enterprises = made_up(1, 60_000);
    let mut used = 0;
    for cycle in 0..CYCLES {
        let server = Server::start(&data);
        let mut writers = Vec::new();
        let goal = acknowledged.lock().len() + COMMITS;
        for _ in 0..8 {
            let client = server.client().await;
            let commits: Vec<Vec<pb::Event>> = (0..200)
                .map(|_| {
                    let size = if random.u8(0..10) == 0 { 100 } else { random.usize(1..4) };
                    used += size;
                    enterprises[used - size..used].iter().map(designated).collect()
                })
                .collect();
            let acknowledged = Arc::clone(&acknowledged);
            writers.push(tokio::spawn(async move {
                let mut client = client;
                for events in commits {
                    let designees: Vec<_> = events.iter().map(|e| e.designee.clone()).collect();
                    let Ok(answer) = client.record(events).await else { return };
                    let first = answer.first_position.unwrap();
                    acknowledged.lock().extend((first..).zip(designees));
                }
            }));
            used %= 50_000;
        }
        while acknowledged.lock().len() < goal
            && !writers.iter().all(tokio::task::JoinHandle::is_finished)
        {
            tokio::task::yield_now().await;
        }
        server.kill();
        for writer in writers {
            writer.await.unwrap();
        }
        check(&data, &acknowledged.lock(), cycle).await;
    }
    assert!(acknowledged.lock().len() >= CYCLES * COMMITS / 2);
}

/// Opens the log again and compares it with what was acknowledged.
async fn check(data: &std::path::Path, acknowledged: &[(u64, String)], cycle: usize) {
    let server = Server::start(data);
    let mut client = server.client().await;
    let size = client.status().await.log_size;
    let request = pb::SubscribeRequest { stop_position: Some(size), ..Default::default() };
    let events = client.collect(request).await;
    assert_eq!(events.len() as u64, size, "cycle {cycle}: positions are dense");
    for (position, event) in (0..).zip(&events) {
        assert_eq!(event.position, Some(position));
        let commit = event.commit.unwrap();
        assert!(commit.first_position.unwrap() + u64::from(commit.size) <= size, "torn commit");
    }
    for (position, designee) in acknowledged {
        let event = events[usize::try_from(*position).unwrap()].event.as_ref().unwrap();
        assert_eq!(event.designee, *designee, "cycle {cycle}: an acknowledged event is gone");
    }
}

fn refused(data: &std::path::Path) -> String {
    let output = Command::new(TIDU)
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
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
