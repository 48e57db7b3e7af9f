//! System calls that fail: a disk with errors, and one without room, as the kernel would report
//! them.
//!
//! strace makes the calls fail. It is attached to a server that has acknowledged commits, or starts
//! the server with the n-th call of a kind failing, for every n that a start comes to.

use std::{
    fs,
    fs::File,
    io::{self, BufRead as _, BufReader, PipeReader, Write as _},
    ops::RangeInclusive,
    os::fd::OwnedFd,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use fastrand::Rng;
use rustix::fs::{OFlags, fcntl_setfl};
use tidu::protocol::pb;

use super::{
    known::Known,
    process::{Started, Watched, start, start_command},
    seeded, starts,
};
use crate::support::{TIDU, directory, reason, text, tools::is_there};

/// What the process says with exit code 74 when the log has failed.
const LAST_WORDS: &str = "tidu: the log failed, the process ends:";

pub(super) fn strace_is_there() -> bool {
    is_there(&["strace", "-V"], "no system call was made to fail")
}

/// Makes calls of a running process fail from now on. None if this process may not do that.
fn attach(pid: u32, fault: &str) -> Option<Child> {
    attach_on(pid, fault, &[])
}

/// The same for calls on some paths; without a path, on all.
pub(super) fn attach_on(pid: u32, fault: &str, paths: &[&Path]) -> Option<Child> {
    let (call, _) = fault.split_once(':').unwrap();
    let mut strace = Command::new("strace")
        .args(paths.iter().flat_map(|path| ["-P", text(path)]))
        .args(["-f", "-o", "/dev/null", "-e", &format!("trace={call}"), "-e"])
        .arg(format!("inject={fault}"))
        .args(["-p", &pid.to_string()])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut said = BufReader::new(strace.stderr.take().unwrap());
    said.read_line(&mut line).unwrap();
    // It has a word for each new thread, and dies if nobody takes it. One that holds a call must
    // die then: until it lets go, the process cannot end.
    if !fault.contains("delay") {
        thread::spawn(move || io::copy(&mut said, &mut io::sink()));
    }
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
) -> pb::AppendRequest {
    let mut client = watched.server.client().await;
    for _ in 0..100 {
        let request = known.commit(size);
        if known.append(&mut client, request.clone()).await.is_err() {
            return request;
        }
    }
    panic!("100 commits were acknowledged under the fault: {}", watched.words());
}

/// Calls that fail while a server records, with the size of the commits that meet them. A fault for
/// good, one that passes at once (a disk reports a failed write to one sync only), and one in the
/// middle of a large commit.
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
async fn a_disk_that_fails_ends_the_process_and_loses_nothing() {
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
        // A full disk has an exit code of its own.
        let code = if fault.contains("ENOSPC") { 73 } else { 74 };
        assert_eq!(ended.status.code(), Some(code), "{fault}: {}", ended.said);
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_three_failures_a_start_serves_reads_only() {
    if !strace_is_there() {
        return;
    }
    let dir = directory();
    let data = dir.path().join("data");
    let mut known = Known::new();
    let mut unknown = None;
    for _ in 0..3 {
        let watched = start(&[], &data).serving();
        let mut client = watched.server.client().await;
        known.grow(&mut client, &[2]).await;
        let fault = "fdatasync:error=EIO:when=1+";
        let Some(mut strace) = attach(watched.server.child.id(), fault) else { return };
        unknown = Some(append_until_failure(&mut known, &watched, 1).await);
        assert_eq!(watched.ended().await.status.code(), Some(74));
        strace.wait().unwrap();
    }
    let unknown = unknown.unwrap();
    let watched = start(&[], &data).serving();
    assert!(watched.words().contains("this start serves reads only"), "{}", watched.words());
    let mut client = watched.server.client().await;
    known.compare(&mut client).await;
    let request = known.commit(1);
    let refused = known.append(&mut client, request.clone()).await.unwrap_err();
    assert_eq!(reason(&refused), "READ_ONLY");
    assert!(refused.message().contains("SIGTERM"), "the way out: {refused:?}");
    assert!(client.status().await.appends_refused.contains("3 times within 10 minutes"));
    let trial = pb::AppendRequest { validate_only: true, ..known.commit(1) };
    client.append(trial).await.expect("a trial records nothing");
    assert_eq!(watched.server.terminate(), Some(0));

    let server = known.check(&data).await;
    for request in [unknown, request] {
        known.append(&mut server.client().await, request).await.unwrap();
    }
    assert_eq!(server.terminate(), Some(0));
}

/// Calls that a start makes: how they fail, and which of each thread's can be reached.
const OPENING: [(&str, &str, RangeInclusive<usize>); 6] = [
    ("pwrite64", "EIO", 1..=3),
    ("pwrite64", "ENOSPC", 1..=3),
    ("fdatasync", "EIO", 1..=2),
    ("fsync", "EIO", 1..=27),
    ("fsync", "ENOSPC", 1..=27),
    ("rename", "ENOSPC", 1..=3),
];

/// Faults that every first start meets, whatever else it does.
const CERTAIN: [&str; 3] =
    ["pwrite64:error=EIO:when=1+", "fdatasync:error=EIO:when=1+", "fsync:error=EIO:when=1+"];

/// A call of a start that fails, and all after it if it says so.
fn some_fault(random: &mut Rng) -> String {
    let (call, error, calls) = random.choice(OPENING).unwrap();
    let for_good = if random.bool() { "+" } else { "" };
    format!("{call}:error={error}:when={}{for_good}", random.usize(calls))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fails_at_the_start_is_named_and_loses_nothing() {
    if !strace_is_there() {
        return;
    }
    let (mut random, starts) = (seeded(), starts());
    let dir = directory();
    let (mut refused, mut known, mut place) = (0, Known::new(), 0);
    for number in 0..starts.max(3 * CERTAIN.len()) {
        // Every third is a first start.
        if number % 3 == 0 {
            (known, place) = (Known::new(), number);
        }
        let data = dir.path().join(format!("data-{place}"));
        let certain = CERTAIN.get(number / 3).filter(|_| number % 3 == 0);
        let fault = certain.map_or_else(|| some_fault(&mut random), |fault| (*fault).to_owned());
        let call = fault.split(':').next().unwrap();
        let (trace, inject) = (format!("trace={call}"), format!("inject={fault}"));
        let options = ["-D", "-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject];
        let started = start(&[&["strace"], options.as_slice()].concat(), &data);
        match started {
            // The start did not come to that call, or could do without it.
            Started::Serving(watched) => {
                assert_eq!(certain, None, "the fault does not reach what a start does");
                known.compare(&mut watched.server.client().await).await;
            }
            Started::Ended(ended) => {
                assert_eq!(ended.status.code(), Some(1), "{fault}: {}", ended.said);
                let last = ended.said.lines().last().unwrap_or_default();
                assert!(last.starts_with("tidu: "), "{fault}: {}", ended.said);
                refused += 1;
            }
        }
        let server = known.check(&data).await;
        known.grow(&mut server.client().await, &[2, 60]).await;
        // Killed, so that the next start has something to recover.
        server.kill();
    }
    println!("{starts} starts under a fault, {refused} of them refused");
}

/// The store takes a read that fails for the end of its log and overwrites what stands behind it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_block_that_cannot_be_read_at_the_start_changes_nothing() {
    if !strace_is_there() {
        return;
    }
    let dir = directory();
    let data = dir.path().join("data");
    let mut known = Known::new();
    // Twice, so that there is a snapshot and a log behind it, as a kill leaves them.
    for _ in 0..2 {
        let watched = start(&[], &data).serving();
        known.grow(&mut watched.server.client().await, &[1, 500, 1]).await;
        watched.server.kill();
    }
    let files = || fs::read_dir(data.join("log")).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = files().filter(|path| path.is_file()).collect();
    assert!(files.len() >= 3, "settings, segments and a snapshot: {files:?}");
    let contents = || files.iter().map(|path| fs::read(path).unwrap()).collect::<Vec<_>>();
    let before = contents();
    for path in &files {
        let path = path.to_str().unwrap();
        let reads = "read,pread64,copy_file_range,sendfile,splice";
        let (trace, inject) =
            (format!("trace={reads}"), format!("inject={reads}:error=EIO:when=1+"));
        let strace = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-P", path];
        let ended = start(&[&strace[..], &["-e", &trace, "-e", &inject]].concat(), &data).ended();
        assert_eq!(ended.status.code(), Some(1), "{path}: {}", ended.said);
        assert!(ended.said.contains("Input/output error"), "{path}: {}", ended.said);
        assert!(contents() == before, "{path} could not be read, and something was changed");
    }
    known.check(&data).await;
}

/// Where logs go to a full disk, nothing that is said about it may keep the process from doing what
/// it must.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_words_find_no_room_serves_and_ends() {
    let dir = directory();
    let data = dir.path().join("data");
    let unheard = || {
        let full = File::options().write(true).open("/dev/full").unwrap();
        start_command(Command::new(TIDU), &data, full).serving()
    };
    let mut known = Known::new();
    let watched = unheard();
    known.grow(&mut watched.server.client().await, &[1, 3]).await;
    assert_eq!(watched.server.terminate(), Some(0));
    if !strace_is_there() {
        return;
    }
    let watched = unheard();
    let Some(mut strace) = attach(watched.server.child.id(), "fdatasync:error=EIO:when=1+") else {
        return;
    };
    append_until_failure(&mut known, &watched, 1).await;
    assert_eq!(watched.ended().await.status.code(), Some(74));
    strace.wait().unwrap();
    known.check(&data).await;
}

/// A pipe that holds no byte more, and the end from which nobody reads.
fn full_pipe() -> (PipeReader, File) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    fcntl_setfl(&writer, OFlags::NONBLOCK).unwrap();
    while writer.write(&[b'.'; 1024]).is_ok() {}
    while writer.write(b".").is_ok() {}
    fcntl_setfl(&writer, OFlags::empty()).unwrap();
    (reader, File::from(OwnedFd::from(writer)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn log_lines_that_nobody_reads_stop_nothing() {
    let dir = directory();
    let data = dir.path().join("data");
    let mut known = Known::new();
    let (reader, full) = full_pipe();
    let mut command = Command::new(TIDU);
    // Every frame writes lines.
    command.env("TIDU_LOG", "trace");
    let watched = start_command(command, &data, full).serving();
    for _ in 0..20 {
        known.grow(&mut watched.server.client().await, &[1, 3]).await;
        known.compare(&mut watched.server.client().await).await;
    }
    assert_eq!(watched.server.terminate(), Some(0));
    drop(reader);
    if !strace_is_there() {
        return;
    }
    // Neither do its last words keep a process that has failed.
    let (reader, full) = full_pipe();
    let watched = start_command(Command::new(TIDU), &data, full).serving();
    let fault = "fdatasync:error=EIO:when=1+";
    let Some(mut strace) = attach(watched.server.child.id(), fault) else { return };
    append_until_failure(&mut known, &watched, 1).await;
    assert_eq!(watched.ended().await.status.code(), Some(74));
    strace.wait().unwrap();
    drop(reader);
    known.check(&data).await;
}

/// It takes as long as the server has patience with a sync.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_that_hangs_ends_the_process_and_loses_nothing() {
    if !strace_is_there() {
        return;
    }
    let dir = directory();
    let data = dir.path().join("data");
    let mut known = Known::new();
    let watched = start(&[], &data).serving();
    known.grow(&mut watched.server.client().await, &[1, 20]).await;
    // Longer than anybody waits here, in microseconds.
    let hang = "fdatasync:delay_enter=600000000:when=1+";
    let Some(mut strace) = attach(watched.server.child.id(), hang) else { return };
    let mut client = watched.server.client().await;
    let unknown = known.commit(2);
    let answer = known.append(&mut client, unknown.clone()).await;
    answer.expect_err("acknowledged without a sync");
    let ended = watched.ended().await;
    assert_eq!(ended.status.code(), Some(74), "{}", ended.said);
    assert!(ended.said.contains("a flush of the log did not return in time"), "{}", ended.said);
    strace.wait().unwrap();

    let server = known.check(&data).await;
    known.append(&mut server.client().await, unknown).await.unwrap();
    known.compare(&mut server.client().await).await;
    assert_eq!(server.terminate(), Some(0));
}
