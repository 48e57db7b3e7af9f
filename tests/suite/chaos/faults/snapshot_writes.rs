//! Kills in the middle of the writing of a snapshot of the register: at every call on its file, on
//! its partial file and on the directory of their names. The next start believes the snapshot
//! before or the new one, and either answers as a replay does.

use std::os::unix::process::ExitStatusExt as _;

use super::{
    calls::{attach_on, strace_is_there},
    known::Known,
    process::start_set,
};
use crate::{chaos::crashes::titles, support::directory};

const KEEPS: [(&str, &str); 2] = [("TIDU_SNAPSHOT_EVENTS", "1"), ("TIDU_LOG", "info")];
const REPLAYS: [(&str, &str); 2] = [("TIDU_SNAPSHOT_EVENTS", "0"), ("TIDU_LOG", "info")];
/// The calls that make a file durable under its name.
const CALLS: [&str; 5] = ["openat", "write", "fdatasync", "fsync", RENAME];
/// The call that the store's cure renames with.
const RENAME: &str = "renameat";
const KILL: i32 = 9;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_leaves_the_old_snapshot_or_the_new_one() {
    if !strace_is_there() {
        return;
    }
    let dir = directory();
    let data = dir.path().join("data");
    let (file, partial) = (data.join("register.snapshot"), data.join("register.snapshot.partial"));
    let mut known = Known::new();
    let watched = start_set(&[], &data, &KEEPS).serving();
    known.grow(&mut watched.server.client().await, &[300, 1]).await;
    assert_eq!(watched.server.terminate(), Some(0));
    let mut killed = Vec::new();
    for call in CALLS {
        for number in 1.. {
            let watched = start_set(&[], &data, &KEEPS).serving();
            // One of the kills before has left the old snapshot or the new one: it is believed.
            assert!(watched.words().contains("a snapshot was read"), "{killed:?}");
            let mut client = watched.server.client().await;
            known.grow(&mut client, &[2, 10]).await;
            let expected = titles(&mut client).await;
            let (pid, fault) =
                (watched.server.child.id(), format!("{call}:signal=KILL:when={number}"));
            let Some(mut strace) = attach_on(pid, &fault, &[&file, &partial, &data]) else {
                return;
            };
            watched.server.ask_to_end();
            let ended = watched.ended().await;
            strace.wait().unwrap();
            let is_killed = ended.status.signal() == Some(KILL);
            assert!(is_killed || ended.status.code() == Some(0), "{fault}: {ended:?}");
            for settings in [KEEPS, REPLAYS] {
                let watched = start_set(&[], &data, &settings).serving();
                let mut client = watched.server.client().await;
                assert_eq!(titles(&mut client).await, expected, "{fault}");
                known.compare(&mut client).await;
                watched.server.kill();
            }
            if !is_killed {
                break;
            }
            killed.push(fault);
        }
    }
    println!("killed at {killed:?}");
    for call in ["openat", "write", "fsync", RENAME] {
        assert!(killed.iter().any(|fault| fault.starts_with(call)), "{call}: {killed:?}");
    }
    let watched = start_set(&[], &data, &KEEPS).serving();
    assert_eq!(watched.server.terminate(), Some(0));
    assert!(file.exists() && !partial.exists(), "the next one takes the leftover away");
}
