//! The command line with the addresses of two nodes that have one log.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Output, Stdio},
    sync::mpsc::{Receiver, sync_channel},
    thread,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Client, PATIENCE, Server, TIDU, directory, done, list, text};

/// Two servers over copies of one log.
struct Pair {
    first: Server,
    second: Server,
    dir: TempDir,
}

impl Pair {
    /// With a log of so many events, which a backup brings to the second node.
    async fn with(events: usize) -> Self {
        let dir = directory();
        let place = |name: &str| dir.path().join(name);
        let first = Server::start(&place("first"));
        first.client().await.record(list(1, events)).await.unwrap();
        done(&tidu(&first.address, &["backup", text(&place("backup"))]));
        let (backup, data) = (place("backup"), place("second"));
        let restore = ["restore", text(&backup), "--data-dir", text(&data)];
        done(&tidu(&first.address, &restore));
        let second = Server::start(&place("second"));
        let ids = [first.client().await.status().await, second.client().await.status().await];
        assert_eq!(ids[0].log_id, ids[1].log_id);
        Self { first, second, dir }
    }

    /// The addresses, the first one first.
    fn both(&self) -> String {
        format!("{},{}", self.first.address, self.second.address)
    }
}

fn tidu(server: &str, args: &[&str]) -> Output {
    Command::new(TIDU).args(args).env("TIDU_SERVER", server).output().unwrap()
}

/// A command that runs on; ended when dropped.
struct Watch {
    child: Child,
    lines: Receiver<Value>,
}

impl Watch {
    fn start(server: &str, args: &[&str]) -> Self {
        Self::of(server, &[&["watch", "--progress"], args].concat())
    }

    fn of(server: &str, args: &[&str]) -> Self {
        let mut child = Command::new(TIDU)
            .args(args)
            .args(["--server", server, "-o", "plain-json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        // Few, so that it is never far ahead of the test.
        let (send, lines) = sync_channel(8);
        thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if send.send(serde_json::from_str(&line).unwrap()).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    /// The positions of the next events, up to one.
    fn up_to(&self, last: u64) -> Vec<u64> {
        let mut positions = Vec::new();
        while positions.last() != Some(&last) {
            let line = self.lines.recv_timeout(PATIENCE).expect("a line");
            positions.extend(line["position"].as_u64().filter(|_| line.get("event").is_some()));
        }
        positions
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_watcher_misses_nothing_when_its_node_dies() {
    let pair = Pair::with(300).await;
    // The second one has more than the first, and each event is printed once.
    let mut other = pair.second.client().await;
    let (both, Pair { first, second, dir: _dir }) = (pair.both(), pair);
    let watch = Watch::start(&both, &[]);
    assert_eq!(watch.up_to(299), (0..300).collect::<Vec<_>>());
    first.kill();
    other.record(list(1, 305).split_off(300)).await.unwrap();
    assert_eq!(watch.up_to(304), (300..305).collect::<Vec<_>>());
    other.record(list(1, 310).split_off(305)).await.unwrap();
    assert_eq!(watch.up_to(309), (305..310).collect::<Vec<_>>());
    drop(second);
}

#[tokio::test]
async fn a_watcher_goes_on_while_its_nodes_die_in_turn() {
    const EVENTS: usize = 10_000;
    let pair = Pair::with(EVENTS).await;
    let (both, Pair { first, second, dir }) = (pair.both(), pair);
    let mut nodes = [("first", Some(first)), ("second", Some(second))];
    let watch = Watch::start(&both, &["--until", &EVENTS.to_string()]);
    let mut seen = watch.up_to(0);
    for turn in 0..4 {
        let (name, node) = &mut nodes[turn % 2];
        let server = node.take().unwrap();
        let listen = server.address.trim_start_matches("http://").to_owned();
        server.kill();
        seen.extend(watch.up_to(seen.last().unwrap() + 2_000));
        *node = Some(Server::start_at(&dir.path().join(name), &listen));
    }
    seen.extend(watch.up_to(EVENTS as u64 - 1));
    assert_eq!(seen, (0..EVENTS as u64).collect::<Vec<_>>());
}

#[tokio::test]
async fn changes_are_followed_at_the_next_node() {
    let pair = Pair::with(2).await;
    let mut other = pair.second.client().await;
    let (both, Pair { first, second, dir: _dir }) = (pair.both(), pair);
    let asked = ["changes", "--from", "@0", "--follow", "--interval", "100ms"];
    let changes = Watch::of(&both, &asked);
    let next = || changes.lines.recv_timeout(PATIENCE).expect("a change")["positions"].to_string();
    let mut told = vec![next(), next()];
    first.kill();
    other.record(list(1, 3).split_off(2)).await.unwrap();
    told.push(next());
    other.record(list(1, 4).split_off(3)).await.unwrap();
    told.push(next());
    told.sort();
    assert_eq!(told, ["[0]", "[1]", "[2]", "[3]"]);
    drop(second);
}

#[tokio::test]
async fn a_command_finds_the_node_that_is_there() {
    let pair = Pair::with(3).await;
    let (both, Pair { first, second, dir }) = (pair.both(), pair);
    first.kill();
    let status = done(&tidu(&both, &["status", "-o", "plain-json"]));
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["logSize"], 3, "{status}");
    let file = dir.path().join("list.csv");
    done(&tidu(&both, &["generate", "--rows", "5", "--seed", "7", "--to", text(&file)]));
    let whose = ["--authority", "440000", "--programme", "specialised-sme"];
    let which = ["--batch", "2026-1", "--date", "2026-03-01"];
    let record = [&["record", text(&file)][..], &whose, &which].concat();
    done(&tidu(&both, &record));
    done(&tidu(&both, &record));
    let mut client: Client = second.client().await;
    let size = client.status().await.log_size;
    assert_eq!(size, 8, "recorded once");
    second.kill();
    let output = tidu(&both, &["status"]);
    assert!(!output.status.success(), "nobody is there");
}
