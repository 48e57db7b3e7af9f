//! The operations port of a real process, and starts that cannot have it.

use std::{
    fs::{self, File},
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Command, Output, Stdio},
};

use tidu::operations::SCRATCH;

use super::{get, until_failing};
use crate::support::{Server, TIDU, directory, in_time, list};

const ON_A_FREE_PORT: [&str; 2] = ["--operations-listen", "127.0.0.1:0"];

fn operations(server: &Server) -> SocketAddr {
    server.operations.as_deref().unwrap().strip_prefix("http://").unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_serves_is_ready_and_ends_with_its_port() {
    let dir = directory();
    let data = dir.path().join("data");
    for size in [0, 10] {
        let server = Server::start_with(&data, &ON_A_FREE_PORT);
        let at = operations(&server);
        until_failing(at, &[]).await;
        let mut client = server.client().await;
        assert_eq!(client.status().await.log_size, size, "probes record nothing");
        if size == 0 {
            client.record(list(1, 10)).await.unwrap();
        }
        assert_eq!(get(at, "/healthz").await.status, 200);
        assert!(get(at, "/metrics").await.body.contains("\ntidu_ready 1\n"));
        drop(client);
        assert_eq!(server.terminate(), Some(0));
        assert!(data.join(SCRATCH).exists());
        assert!(tokio::net::TcpStream::connect(at).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_below_its_reserve_is_not_ready() {
    let dir = directory();
    let reserve = ["--disk-reserve-bytes", "18446744073709551615"];
    let arguments = [&ON_A_FREE_PORT[..], &reserve].concat();
    let server = Server::start_with(&dir.path().join("data"), &arguments);
    let at = operations(&server);
    until_failing(at, &["appends", "disk"]).await;
    assert_eq!((get(at, "/healthz").await.status, get(at, "/startupz").await.status), (200, 200));
}

/// A start of `tidu serve` that does not come to serve.
fn serve(data: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(TIDU);
    command.arg("serve").args(arguments).arg("--data-dir").arg(data);
    command.current_dir(data.parent().unwrap()).env_remove("TIDU_LOG").output().unwrap()
}

#[track_caller]
fn assert_one_line(ended: &Output, parts: &[&str]) {
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!((ended.status.code(), ended.stdout.is_empty()), (Some(1), true), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(parts.iter().all(|part| said.contains(part)), "{said}");
}

#[test]
fn a_port_in_use_ends_the_start_with_one_line() {
    let dir = directory();
    let data = dir.path().join("data");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (taken, free) = (listener.local_addr().unwrap().to_string(), "127.0.0.1:0");
    let ended = serve(&data, &["--listen", free, "--operations-listen", &taken]);
    assert_one_line(&ended, &["operations_listen", &taken, "in use", "off"]);
    let ended = serve(&data, &["--listen", &taken, "--operations-listen", free]);
    assert_one_line(&ended, &["listen", &taken, "in use", "--listen 127.0.0.1:0"]);
    assert!(!data.exists(), "nothing was made");
}

#[test]
fn a_damaged_log_ends_the_start_with_one_line() {
    let dir = directory();
    let data = dir.path().join("data");
    assert_eq!(Server::start(&data).terminate(), Some(0));
    fs::write(data.join("MARK"), [7; 128]).unwrap();
    let ended = serve(&data, &["--listen", "127.0.0.1:0", "--operations-listen", "127.0.0.1:0"]);
    assert_one_line(&ended, &["damaged"]);
}

/// A port that was free a moment ago.
fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Starts over a directory that is locked, which a start waits for a while, and sends SIGTERM once
/// the operations port answers. Gives the exit code.
async fn end_while_opening(data: &Path) -> Option<i32> {
    let lock = File::open(data.join("LOCK")).unwrap();
    lock.lock().unwrap();
    let at = free_port();
    let mut child = Command::new(TIDU)
        .args(["serve", "--listen", "127.0.0.1:0", "--operations-listen", &at.to_string()])
        .arg("--data-dir")
        .arg(data)
        .current_dir(data.parent().unwrap())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let up = async {
        while child.try_wait().unwrap().is_none() {
            if tokio::net::TcpStream::connect(at).await.is_ok() {
                return true;
            }
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        false
    };
    if in_time("the port", up).await {
        assert_eq!(get(at, "/startupz").await.status, 503);
        // It may just have given up.
        let _ = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    }
    let ended = tokio::task::spawn_blocking(move || child.wait().unwrap());
    in_time("the end", ended).await.unwrap().code()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_ends_a_server_that_is_still_starting() {
    let dir = directory();
    let data = dir.path().join("data");
    assert_eq!(Server::start(&data).terminate(), Some(0));
    // On a busy machine a start may give up its wait for the lock first.
    for _ in 0..20 {
        if end_while_opening(&data).await == Some(0) {
            let server = Server::start(&data);
            assert_eq!(server.client().await.status().await.log_size, 0);
            return;
        }
    }
    panic!("no start was ended while it opened its log");
}
