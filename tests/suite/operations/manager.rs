//! A service manager hears of a server that it serves only once it does, how far its start
//! is, that it ends, and nothing any more from one that hangs.

use std::{
    future::pending,
    os::unix::net::UnixDatagram,
    process::{Command, Stdio},
    sync::mpsc as sync_mpsc,
    time::Duration,
};

use sd_notify::NotifyState;
use tidu::server::{Manager, Starting};
use tokio::sync::{mpsc, oneshot};

use super::start::{config, slowly};
use crate::support::{PATIENCE, Server, TIDU, directory, in_time};

/// Short enough for a test, and long enough for a busy machine to answer within it now and then.
const WATCHDOG: Duration = Duration::from_millis(400);

/// The states that a manager has heard, one after the other.
struct Heard(mpsc::UnboundedReceiver<String>);

impl Heard {
    fn manager(watchdog: Option<Duration>) -> (Manager, Self) {
        let (tell, heard) = mpsc::unbounded_channel();
        let hear = move |states: &[NotifyState<'_>]| {
            for state in states {
                let _ = tell.send(state.to_string());
            }
            Ok(())
        };
        (Manager::hearing(hear, watchdog), Self(heard))
    }

    async fn next(&mut self) -> String {
        in_time("a state", self.0.recv()).await.expect("the manager is told")
    }

    /// The states up to the first one that begins so.
    async fn until(&mut self, begins: &str) -> Vec<String> {
        let mut heard = vec![self.next().await];
        while !heard.last().unwrap().starts_with(begins) {
            heard.push(self.next().await);
        }
        heard
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_hears_how_far_a_start_is_and_when_it_is_over() {
    let dir = directory();
    let (manager, mut heard) = Heard::manager(Some(WATCHDOG));
    let starting = Starting::listen(&config(dir.path())).await.unwrap().reporting_to(manager);
    let (go_on, open) = slowly(dir.path());
    let opening = tokio::spawn(starting.open(open, pending()));

    let before = heard.until("STATUS=replaying the log: 12 of 40 events").await;
    // It asks for more time, and claims nothing else.
    assert!(before.iter().any(|state| state == "EXTEND_TIMEOUT_USEC=30000000"), "{before:?}");
    let may_come = ["EXTEND_TIMEOUT_USEC=", "STATUS="];
    let fits = |state: &String| may_come.iter().any(|begin| state.starts_with(begin));
    assert!(before.iter().all(fits), "{before:?}");

    go_on.send(()).unwrap();
    let server = in_time("the server", opening).await.unwrap().unwrap();
    let meanwhile = heard.until("READY=1").await;
    assert!(meanwhile.iter().rev().skip(1).all(fits), "{meanwhile:?}");
    let serving = heard.next().await;
    assert!(serving.starts_with("STATUS=serving ") && serving.ends_with(", 0 subscriptions"));
    heard.until("WATCHDOG=1").await;

    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(server.serve(async move { drop(stopped.await) }));
    drop(stop);
    let served = heard.until("STOPPING=1").await;
    assert!(!served.contains(&"READY=1".to_owned()), "{served:?}");
    assert_eq!(heard.next().await, "STATUS=draining");
    in_time("the end", serving).await.unwrap().unwrap();
}

#[test]
fn a_watchdog_hears_nothing_while_the_runtime_hangs() {
    let dir = directory();
    let (manager, mut heard) = Heard::manager(Some(WATCHDOG));
    let main = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let main = main.unwrap();
    let (go_on, open) = slowly(dir.path());
    go_on.send(()).unwrap();
    let data = dir.path().to_owned();
    let started = main.spawn(async move {
        let starting = Starting::listen(&config(&data)).await.unwrap().reporting_to(manager);
        starting.open(open, pending()).await.unwrap()
    });
    let test = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    test.block_on(async {
        let server = in_time("the server", started).await.unwrap();
        heard.until("WATCHDOG=1").await;

        // The only thread of the server waits for the test.
        let (release, waits) = sync_mpsc::channel::<()>();
        let (tell, hangs) = oneshot::channel();
        let hang = main.spawn(async move {
            let _ = tell.send(());
            let _ = waits.recv();
        });
        in_time("the hang", hangs).await.unwrap();
        // The words that were on their way come, and then nothing.
        in_time("silence", async {
            while tokio::time::timeout(4 * WATCHDOG, heard.until("WATCHDOG=1")).await.is_ok() {}
        })
        .await;

        drop(release);
        in_time("the end of the hang", hang).await.unwrap();
        heard.until("WATCHDOG=1").await;
        let ended = main.spawn(server.serve(std::future::ready(())));
        heard.until("STOPPING=1").await;
        in_time("the end", ended).await.unwrap().unwrap();
    });
}

#[test]
fn a_process_tells_the_socket_of_its_environment() {
    let dir = directory();
    let path = dir.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let hear = || {
        let mut state = [0; 4_096];
        let length = socket.recv(&mut state).unwrap();
        String::from_utf8(state[..length].to_vec()).unwrap()
    };
    let child = Command::new(TIDU)
        .args(["serve", "--listen", "127.0.0.1:0", "--operations-listen", "off", "--data-dir"])
        .arg(dir.path().join("data"))
        .current_dir(dir.path())
        .env("NOTIFY_SOCKET", &path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut server = Server::of(child).unwrap_or_else(|_| panic!("the server did not start"));
    while hear() != "READY=1\n" {}
    assert!(hear().starts_with("STATUS=serving "));
    server.ask_to_end();
    while hear() != "STOPPING=1\nSTATUS=draining\n" {}
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}
