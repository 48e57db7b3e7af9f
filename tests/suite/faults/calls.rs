//! System calls that fail: a disk with errors, and one without room, as the kernel would report them.
//!
//! strace makes the calls fail. It is attached to a server that has acknowledged commits, or starts the server with the
//! n-th call of a kind failing, for every n that a start comes to.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use super::{
    is_there,
    known::Known,
    process::{Watched, start},
};
use crate::harness::directory;

/// What the process says with exit code 74 when the log has failed.
const LAST_WORDS: &str = "tidu: the log failed, the process ends:";

fn strace_is_there() -> bool {
    is_there(&["strace", "-V"], "no system call was made to fail")
}

/// Makes calls of a running process fail from now on. None if this process may not do that.
fn attach(pid: u32, fault: &str) -> Option<Child> {
    let (call, _) = fault.split_once(':').unwrap();
    let mut strace = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "-e", &format!("trace={call}"), "-e"])
        .arg(format!("inject={fault}"))
        .args(["-p", &pid.to_string()])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(strace.stderr.take().unwrap()).read_line(&mut line).unwrap();
    if line.contains("attached") {
        return Some(strace);
    }
    strace.wait().unwrap();
    eprintln!("\n*** SKIPPED: strace cannot be attached here: {line} ***\n");
    None
}

/// Appends until one fails, which must come, and gives the request whose outcome is unknown.
async fn append_until_failure(
    known: &mut Known,
    watched: &Watched,
    size: usize,
) -> tidu::pb::AppendRequest {
    let mut client = watched.server.client().await;
    for _ in 0..100 {
        let request = known.commit(size);
        if known.append(&mut client, request.clone()).await.is_err() {
            return request;
        }
    }
    panic!("100 commits were acknowledged under the fault");
}

/// Calls that fail while a server records, with the size of the commits that meet them. A fault for good, one that passes
/// at once (a disk reports a failed write to one sync only), and one in the middle of a large commit.
const RUNNING: [(&str, usize); 10] = [
    ("pwrite64:error=EIO:when=1+", 1),
    ("pwrite64:error=ENOSPC:when=1+", 1),
    ("fdatasync:error=EIO:when=1+", 1),
    ("fdatasync:error=ENOSPC:when=1+", 3),
    ("pwrite64:error=EIO:when=1", 2),
    ("fdatasync:error=EIO:when=1", 2),
    ("pwrite64:error=ENOSPC:when=1", 1_000),
    ("fdatasync:error=EIO:when=1", 1_000),
    ("pwrite64:error=ENOSPC:when=3+", 1_000),
    ("fdatasync:error=EIO:when=3+", 1_000),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fails_in_operation_ends_the_process_and_nothing_acknowledged_is_lost() {
    if !strace_is_there() {
        return;
    }
    let dir = directory();
    let data = dir.path().join("data");
    let mut known = Known::new();
    for (fault, size) in RUNNING {
        let watched = start(&[], &data).serving();
        known.grow(&mut watched.server.client().await, &[1, 3, 200]).await;
        let Some(mut strace) = attach(watched.server.child.id(), fault) else { return };
        let unknown = append_until_failure(&mut known, &watched, size).await;
        let ended = watched.ended().await;
        assert_eq!(ended.status.code(), Some(74), "{fault}: {}", ended.said);
        assert!(ended.said.contains(LAST_WORDS), "{fault}: {}", ended.said);
        strace.wait().unwrap();

        let server = known.check(&data).await;
        // The caller's way out of not knowing: the same request again, which is recorded once.
        known.append(&mut server.client().await, unknown).await.unwrap();
        known.compare(&mut server.client().await).await;
        assert_eq!(server.terminate(), Some(0), "{fault}");
    }
    println!("{} faults in operation, {} events acknowledged", RUNNING.len(), known.events());
}

/// Calls that a start makes, and how they fail.
const OPENING: [(&str, &str); 7] = [
    ("pwrite64", "EIO"),
    ("pwrite64", "ENOSPC"),
    ("fdatasync", "EIO"),
    ("fsync", "EIO"),
    ("rename", "ENOSPC"),
    ("ftruncate", "EIO"),
    ("pread64", "EIO"),
];

/// Starts a server whose n-th call of a kind fails, in each of its threads, and all after it if `for_good`.
fn start_with_fault(data: &std::path::Path, call: &str, error: &str, when: &str) -> Started {
    let (trace, inject) = (format!("trace={call}"), format!("inject={call}:error={error}:when={when}"));
    let strace = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject];
    start(&strace, data)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fails_at_the_start_is_said_and_harms_nothing() {
    if !strace_is_there() {
        return;
    }
    let dir = directory();
    let mut tried = 0;
    for (call, error) in OPENING {
        for n in 1..40 {
          for when in [format!("{n}"), format!("{n}+")] {
            let data = dir.path().join(format!("{call}-{error}-{when}"));
            let t = std::time::Instant::now();
            let started = start_with_fault(&data, call, error, &when);
            let what = match started {
                Started::Serving(watched) => { drop(watched); "served".to_owned() }
                Started::Ended(ended) => format!("{:?} {}", ended.status, ended.said),
            };
            println!("{call} {error} {when}: {:?} {what}", t.elapsed());
            tried += 1;
            let t = std::time::Instant::now();
            let again = start(&[], &data);
            if let Started::Ended(ended) = again { println!("AGAIN {ended:?}"); }
            println!("   {:?}", t.elapsed());
          }
        }
    }
    println!("{tried}");
}
