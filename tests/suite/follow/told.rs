//! A node that follows, as probes and scrapers see it.

use std::{
    fs,
    net::SocketAddr,
    process::{Command, Stdio},
    time::Duration,
};

use tidu::handover::{FOLLOWS_FILE, Follows};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::sleep,
};

use super::{Machine, older::telling, problem, same, stop};
use crate::support::{Server, TIDU, coded, directory, in_time, list, text};

/// The whole answer of the operations port.
async fn get(server: &Server, path: &str) -> String {
    let address = server.operations.as_ref().unwrap().trim_start_matches("http://");
    let address: SocketAddr = address.parse().unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Asks until the answer has this text: nothing tells of a change.
async fn once_told(server: &Server, path: &str, expected: &str) {
    in_time(expected, async {
        while !get(server, path).await.contains(expected) {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

fn observed(machine: &Machine, more: &[&str]) -> Server {
    let leader = machine.leader.as_deref().unwrap();
    let args =
        ["--listen", "127.0.0.1:0", "--operations-listen", "127.0.0.1:0", "--follow", leader];
    Server::start_with(&machine.data(), &[&args[..], more].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_is_ready_while_it_hears_its_leader() {
    let machine = Machine::leading();
    let leading = machine.start();
    let mut leader = leading.client().await;
    leader.record(list(3, 20)).await.unwrap();
    let second = Machine::following(&leading);
    let following = observed(&second, &["--follow-lag-seconds", "1"]);
    same(&following, &mut leader).await;
    once_told(&following, "/metrics", "tidu_follow_state{state=\"following\"} 1").await;
    once_told(&following, "/metrics", "tidu_follow_lag_events 0").await;
    once_told(&following, "/readyz", "200 OK").await;
    leading.kill();
    once_told(&following, "/metrics", "tidu_follow_state{state=\"connecting\"} 1").await;
    once_told(&following, "/metrics", "tidu_follow_contact_age_seconds 1").await;
    once_told(&following, "/readyz", "the leader was last heard").await;
    assert!(get(&following, "/readyz").await.contains("503"));
    let leading = machine.start_at(leading_address(&second));
    once_told(&following, "/readyz", "200 OK").await;
    drop(leading);
}

fn leading_address(follower: &Machine) -> &str {
    follower.leader.as_deref().unwrap().trim_start_matches("http://")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_is_counted_by_its_cause() {
    let leading = Machine::leading().start();
    let second = Machine::following(&leading);
    let following = second.start();
    let mut leader = leading.client().await;
    leader.record(list(3, 5)).await.unwrap();
    same(&following, &mut leader).await;
    super::stop(following);
    let other = Machine::leading().start();
    let following = observed(&Machine { leader: Some(other.address.clone()), ..second }, &[]);
    problem(&following).await;
    once_told(&following, "/metrics", "tidu_follow_stops_total{cause=\"log_id\"} 1").await;
    once_told(&following, "/metrics", "tidu_follow_state{state=\"stopped\"} 1").await;
    once_told(&following, "/readyz", "this node has stopped following its leader (log_id)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_is_to_exit_ends_with_the_code_of_its_cause() {
    let leading = Machine::leading().start();
    let mut leader = leading.client().await;
    leader.record(list(3, 5)).await.unwrap();
    let second = Machine::following(&leading);
    let following = second.start();
    same(&following, &mut leader).await;
    super::stop(following);
    let other = Machine::leading().start();
    let data = second.data();
    let args = ["serve", "--listen", "127.0.0.1:0", "--operations-listen", "off", "--data-dir"];
    let follow = [text(&data), "--follow", &other.address, "--follow-stopped", "exit"];
    for (lang, said) in [("en", "(another log): the leader has log"), ("zh", "（日志不同）：")]
    {
        let mut command = std::process::Command::new(TIDU);
        coded(
            &command.args(args).args(follow).env("TIDU_LANG", lang).output().unwrap(),
            7,
            &[said],
        );
    }
}

/// No root confirms an epoch. One that a single answer tells, such as one with a bit that flipped
/// on the way, is not kept by a copy that begins.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_begins_keeps_no_epoch_that_one_answer_tells() {
    let machine = Machine::leading();
    let leading = machine.start();
    let mut leader = leading.client().await;
    leader.record(list(3, 5)).await.unwrap();
    let mut status = leader.status().await;
    let at = leading.address.trim_start_matches("http://").to_owned();
    let second = Machine::following(&leading);
    stop(leading);
    status.node.as_mut().unwrap().epoch = 1 << 40;
    let (serving, mut calls) = telling(&at, &status).await;
    let starting = tokio::task::spawn_blocking(move || (second.start(), second));
    // One call is for the id of the log, the others are of sessions.
    for _ in 0..3 {
        in_time("a call", calls.recv()).await.unwrap();
    }
    let (following, second) = starting.await.unwrap();
    let kept = fs::read_to_string(second.data().join(FOLLOWS_FILE)).unwrap();
    assert_eq!(kept.parse::<Follows>().unwrap().epoch, 0, "{kept}");
    serving.abort();
    let _ = serving.await;
    let leading = machine.start_at(&at);
    same(&following, &mut leading.client().await).await;
}

/// A copy that is to begin has no log before its leader answers, and says for whom it waits.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_waits_for_its_leader_says_so() {
    let (dir, nobody) = (directory(), "http://127.0.0.1:1");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = free.local_addr().unwrap().to_string();
    drop(free);
    let mut child = Command::new(TIDU)
        .args(["serve", "--operations-listen", "off", "--listen", &listen, "--follow", nobody])
        .arg("--data-dir")
        .arg(dir.path().join("data"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let server = format!("http://{listen}");
    let said = in_time("the cause", async {
        loop {
            let output = Command::new(TIDU).args(["status", "--server", &server]).output().unwrap();
            assert_eq!(output.status.code(), Some(4), "{output:?}");
            let said = String::from_utf8(output.stderr).unwrap();
            if said.contains("waits for an answer") && said.contains("refused") {
                return said;
            }
            // Nothing tells of a change: the state is asked for again.
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(said.contains(&format!("it waits for an answer of {nobody}: ")), "{said}");
    assert!(!said.contains("Lost("), "{said}");
}
