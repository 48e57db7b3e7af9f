//! A node that follows another one, over real ports: it serves the very log of its leader, goes on
//! after either is restarted, and stops where they disagree.

mod backups;
mod circles;
mod drill;
mod hostile;
mod lan;
mod namespaces;
mod older;
mod secured;
mod simulation;
mod told;

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;
use tidu::protocol::pb::{self, NodeRole};
use tokio::time::{Duration, sleep};
use tonic::Code;

use crate::support::{Client, Server, TIDU, directory, done, in_time, list, reason, text};

fn tidu(args: &[&str]) -> Output {
    Command::new(TIDU).args(args).stdin(Stdio::null()).output().unwrap()
}

/// A leader hands its log over to a node; the receipt goes to a file.
fn hand_over(name: &str, leading: &Server, receipt: &Path) {
    let server = &leading.address;
    done(&tidu(&["handover", "--yes", name, "--server", server, "--to", text(receipt)]));
}

/// A machine with a data directory, whose server comes and goes.
struct Machine {
    dir: TempDir,
    leader: Option<String>,
}

impl Machine {
    fn leading() -> Self {
        Self { dir: directory(), leader: None }
    }

    fn following(server: &Server) -> Self {
        Self { dir: directory(), leader: Some(server.address.clone()) }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn start(&self) -> Server {
        self.start_at("127.0.0.1:0")
    }

    fn start_at(&self, listen: &str) -> Server {
        let follow: Vec<&str> = match &self.leader {
            Some(leader) => vec!["--listen", listen, "--follow", leader],
            None => vec!["--listen", listen],
        };
        Server::start_with(&self.data(), &follow)
    }
}

/// The state of a node, once `reached` holds of it.
async fn once(
    server: &Server,
    what: &str,
    reached: impl Fn(&pb::GetStatusResponse) -> bool,
) -> pb::GetStatusResponse {
    once_at(&mut server.client().await, what, reached).await
}

/// As [`once`], by a client of the node.
async fn once_at(
    client: &mut Client,
    what: &str,
    reached: impl Fn(&pb::GetStatusResponse) -> bool,
) -> pb::GetStatusResponse {
    in_time(what, async {
        loop {
            let status = client.status().await;
            if reached(&status) {
                return status;
            }
            // Nothing tells of a change: the state is asked for again.
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await
}

async fn same(follower: &Server, leader: &mut Client) -> pb::GetStatusResponse {
    let expected = leader.status().await;
    let size = expected.log_size;
    let found = once(follower, "the whole log", |status| status.log_size >= size).await;
    assert_eq!(found.log_id, expected.log_id);
    assert_eq!((found.log_size, found.root_hash), (size, expected.root_hash.clone()));
    expected
}

async fn problem(server: &Server) -> String {
    let state = |status: &pb::GetStatusResponse| status.node.clone().unwrap_or_default().state;
    let status = once(server, "the stop", |status| state(status) == "stopped").await;
    status.node.unwrap().problem
}

fn stop(server: Server) {
    assert_eq!(server.terminate(), Some(0));
}

/// Why a node has stopped following, in the exit code of its process too.
async fn ended(server: Server, code: i32) -> String {
    let why = problem(&server).await;
    assert_eq!(server.terminate(), Some(code), "{why}");
    why
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_goes_on_after_either_is_restarted() {
    let machine = Machine::leading();
    let mut leading = machine.start();
    let listen = leading.address.trim_start_matches("http://").to_owned();
    let mut leader = leading.client().await;
    let all = list(3, 330);
    for events in all[..300].chunks(3) {
        leader.record(events.to_vec()).await.unwrap();
    }
    let second = Machine::following(&leading);
    let mut following = second.start();
    let status = same(&following, &mut leader).await;
    let node = once(&following, "it follows", |status| {
        status.node.as_ref().is_some_and(|node| node.state == "following")
    });
    let node = node.await.node.unwrap();
    assert_eq!((node.role(), node.leader), (NodeRole::Follower, leading.address.clone()));
    assert_eq!(node.leader_size, status.log_size);
    assert!(node.last_contact.is_some());
    // Live, and after the follower was away, and after the leader was killed.
    leader.record(all[300..302].to_vec()).await.unwrap();
    same(&following, &mut leader).await;
    stop(following);
    leader.record(all[302..311].to_vec()).await.unwrap();
    following = second.start();
    same(&following, &mut leader).await;
    leading.kill();
    leading = machine.start_at(&listen);
    let mut leader = leading.client().await;
    leader.record(all[311..316].to_vec()).await.unwrap();
    same(&following, &mut leader).await;
    following.kill();
    leader.record(all[316..321].to_vec()).await.unwrap();
    following = second.start();
    same(&following, &mut leader).await;
    // An append is handed on.
    let mut client = following.client().await;
    let handed_on = client.record(all[321..322].to_vec()).await.unwrap();
    assert_eq!(handed_on.next_position, leader.status().await.log_size);
    same(&following, &mut leader).await;
    stop(following);
    stop(leading);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_can_be_followed() {
    let machine = Machine::leading();
    let leading = machine.start();
    let mut leader = leading.client().await;
    leader.record(list(3, 20)).await.unwrap();
    let between = Machine::following(&leading).start();
    let last = Machine::following(&between).start();
    same(&last, &mut leader).await;
    leader.record(list(4, 2)).await.unwrap();
    same(&last, &mut leader).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_log_and_a_shorter_one_stop_it() {
    let machine = Machine::leading();
    let leading = machine.start();
    let mut leader = leading.client().await;
    leader.record(list(3, 6)).await.unwrap();
    let second = Machine::following(&leading);
    let following = second.start();
    same(&following, &mut leader).await;
    stop(following);
    let size = leader.status().await.log_size;
    // The leader as it was, and as another one.
    let restored = Machine::leading();
    stop(leading);
    copy(&machine.data(), &restored.data());
    let leading = machine.start();
    leading.client().await.record(list(4, 2)).await.unwrap();
    let ahead = Machine { leader: Some(leading.address.clone()), ..second };
    let following = ahead.start();
    same(&following, &mut leading.client().await).await;
    stop(following);
    let shorter = restored.start();
    let following = Machine { leader: Some(shorter.address.clone()), ..ahead };
    let server = following.start();
    let why = problem(&server).await;
    assert!(why.contains(&format!("the leader has {size} events")), "{why}");
    assert_eq!(server.client().await.status().await.log_size, size + 2, "it is served");
    records_nowhere(&server, &shorter).await;
    ended(server, 11).await;
    // It goes on by itself: another history, shorter and then of the same length.
    let others = list(5, 2);
    shorter.client().await.record(others[..1].to_vec()).await.unwrap();
    let server = following.start();
    let why = ended(server, 11).await;
    let last = size + 1;
    let parted =
        format!("{last} to {last} are here alone; the logs differ from position {size} on");
    assert!(why.contains(&parted), "{why}");
    shorter.client().await.record(others[1..].to_vec()).await.unwrap();
    let server = following.start();
    problem(&server).await;
    records_nowhere(&server, &shorter).await;
    let why = ended(server, 12).await;
    let parted =
        format!("another root at {0} events; the logs differ from position {size} on", size + 2);
    assert!(why.contains("another history") && why.contains(&parted), "{why}");
    let other = Machine::leading().start();
    let server = Machine { leader: Some(other.address.clone()), ..following }.start();
    problem(&server).await;
    records_nowhere(&server, &other).await;
    let why = ended(server, 7).await;
    assert!(why.contains("the leader has log"), "{why}");
}

/// What a caller of this node would record is refused, and does not go into another history.
async fn records_nowhere(server: &Server, strange: &Server) {
    let before = strange.client().await.status().await.log_size;
    let refused = server.client().await.record(list(6, 1)).await.unwrap_err();
    assert_eq!((refused.code(), &*reason(&refused)), (Code::FailedPrecondition, "FOLLOWER"));
    assert!(refused.message().contains("another log or another history"), "{refused}");
    assert_eq!(strange.client().await.status().await.log_size, before);
}

/// Copies a data directory that nobody has open.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().unwrap().is_dir() {
            copy(&from, &to);
        } else if entry.file_type().unwrap().is_file() {
            std::fs::copy(from, to).unwrap();
        }
    }
}
