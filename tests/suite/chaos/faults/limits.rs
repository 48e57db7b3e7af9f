//! Limits of the process: too few descriptors, and too little memory.

use std::{io::Write as _, net::TcpStream, ops::RangeInclusive, process::Command};

use tidu::protocol::pb;

use super::{
    known::Known,
    process::{Started, Watched, start},
};
use crate::support::{Client, TIDU, directory, in_time, tools::is_there};

/// Enough to start and to serve a few.
const DESCRIPTORS: usize = 48;
/// Address space that is tried, in MiB: how much a start takes depends on the machine.
const MEBIBYTES: RangeInclusive<u64> = 140..=1_040;
/// Commits that a server gets until its memory must be full.
const COMMITS_MAX: usize = 60;
/// Events of each.
const COMMIT_EVENTS: usize = 5_000;

fn prlimit_is_there() -> bool {
    is_there(&["prlimit", "--nofile=64", "true"], "no process was limited")
}

/// A peer that has begun to speak HTTP/2, asks for nothing and stays.
fn silent(server: &Watched) -> TcpStream {
    let address = server.server.address.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    stream.write_all(&[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", settings.as_slice()].concat()).unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_few_descriptors_newcomers_get_the_places_of_idle_peers() {
    if !prlimit_is_there() {
        return;
    }
    let dir = directory();
    let data = dir.path().join("data");
    let mut known = Known::new();
    let limit = format!("--nofile={DESCRIPTORS}");
    let watched = start(&["prlimit", &limit], &data).serving();
    assert!(watched.words().contains("ulimit -n"), "{}", watched.words());
    let mut inside = watched.server.client().await;
    known.grow(&mut inside, &[3]).await;
    for _ in 0..2 {
        let crowd: Vec<_> = (0..DESCRIPTORS).map(|_| silent(&watched)).collect();
        // Nobody of the crowd leaves, and a newcomer is served all the same.
        let request = known.commit(2);
        let address = watched.server.address.clone();
        let outside = async { known.append(&mut Client::connect(&address).await, request).await };
        in_time("an answer to a newcomer", outside).await.unwrap();
        // Who was inside is served, too, and what is acknowledged is kept.
        known.grow(&mut inside, &[1, 200, 1]).await;
        known.compare(&mut inside).await;
        drop(crowd);
    }
    watched.server.kill();
    known.check(&data).await;
}

#[test]
fn connections_that_need_more_descriptors_are_refused() {
    if !prlimit_is_there() {
        return;
    }
    let dir = directory();
    let mut command = Command::new("prlimit");
    command.args(["--nofile=1255", TIDU, "serve", "--connections", "1000", "--data-dir"]);
    let ended = command.arg(dir.path().join("data")).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("connections = 1000") && said.contains("ulimit -n 1256"), "{said}");
    assert!(!dir.path().join("data").exists(), "nothing was made");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_few_descriptors_serve_or_are_refused_without_a_change() {
    if !prlimit_is_there() {
        return;
    }
    let dir = directory();
    let data = dir.path().join("data");
    let mut known = Known::new();
    let watched = start(&[], &data).serving();
    known.grow(&mut watched.server.client().await, &[3, 400]).await;
    watched.server.kill();
    let (mut refused, mut served) = (0, 0);
    for descriptors in 8..26 {
        let limit = format!("--nofile={descriptors}");
        match start(&["prlimit", &limit], &data) {
            // There may be none left for a client.
            Started::Serving(watched) => {
                served += 1;
                watched.server.kill();
            }
            Started::Ended(ended) => {
                refused += 1;
                assert_eq!(ended.status.code(), Some(1), "{descriptors}: {}", ended.said);
                assert!(ended.said.contains("Too many open files"), "{}", ended.said);
            }
        }
    }
    assert!(refused > 0 && served > 0, "{refused} refused, {served} served");
    known.check(&data).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_memory_the_process_ends_and_loses_nothing() {
    if !prlimit_is_there() {
        return;
    }
    let dir = directory();
    let data = dir.path().join("data");
    let mut known = Known::new();
    for mebibytes in MEBIBYTES.step_by(30) {
        // Too little to start, or for what is in the log by now.
        let limit = format!("--as={}", mebibytes << 20);
        let Started::Serving(watched) = start(&["prlimit", &limit], &data) else { continue };
        let mut client = watched.server.client().await;
        let unknown = append_until_failure(&mut known, &mut client).await;
        let ended = watched.ended().await;
        assert!(!ended.status.success(), "{}", ended.said);
        println!("{mebibytes} MiB: {} events, then {}", known.events(), ended.status);

        let server = known.check(&data).await;
        known.append(&mut server.client().await, unknown).await.unwrap();
        server.kill();
        if known.events() > COMMIT_EVENTS {
            return;
        }
    }
    panic!("nothing was recorded under a limit");
}

async fn append_until_failure(known: &mut Known, client: &mut Client) -> pb::AppendRequest {
    for _ in 0..COMMITS_MAX {
        let request = known.commit(COMMIT_EVENTS);
        if known.append(client, request.clone()).await.is_err() {
            return request;
        }
    }
    panic!("{COMMITS_MAX} commits found room");
}
