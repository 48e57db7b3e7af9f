//! A compact copy of a data directory is the same log, and takes less room.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use bytes::BufMut as _;
use tidu::log::{self, ChunkWriter};
use uuid::Uuid;

use crate::support::{Fresh, Server, TIDU, annulled, coded, directory, done, list, refused, text};

fn tidu(server: &str, args: &[&str]) -> Output {
    let mut command = Command::new(TIDU);
    command.args(args).env("TIDU_SERVER", server).stdin(Stdio::null()).output().unwrap()
}

fn compact(from: &Path, to: &Path) -> Output {
    tidu("", &["compact", "--data-dir", text(from), "--to", text(to)])
}

/// The bytes of each event and withheld place.
fn leaves(data: &Path) -> Vec<Vec<u8>> {
    let (log, _) = log::open(data, Uuid::nil()).unwrap();
    let (mut leaves, mut at) = (Vec::new(), 0);
    while at < log.size() {
        for chunk in log.read(at, 1 << 20).unwrap() {
            leaves.extend(chunk.leaves().map(|leaf| leaf.bytes.to_vec()));
            at = chunk.next();
        }
    }
    leaves
}

#[tokio::test]
async fn a_compact_copy_is_the_same_log_in_less_room() {
    let fresh = Fresh::start();
    let (mut client, address) = (fresh.client().await, fresh.server.address.clone());
    let mut events = list(1, 6_420);
    let (last, rest) = (events.split_off(6_400), events.split_off(400));
    for event in events {
        client.record(vec![event]).await.unwrap();
    }
    client.record(vec![annulled(7)]).await.unwrap();
    client.record(rest).await.unwrap();
    done(&tidu(&address, &["cursor", "create", "reader", "--at", "5"]));
    let (old, new) = (fresh.data(), fresh.dir.path().join("new"));
    coded(&compact(&old, &new), 1, &["in use by another process"]);
    assert_eq!(fresh.server.terminate(), Some(0));
    let redact = ["redact", "7", "--reason", "a test", "--yes", "--data-dir", text(&old)];
    done(&tidu("", &redact));
    fs::write(old.join("audit.jsonl"), b"{}\n").unwrap();
    fs::write(old.join("delegated.toml"), b"# none\n").unwrap();
    fs::write(old.join("token.key"), [7; 32]).unwrap();
    fs::write(old.join("notes.txt"), b"mine").unwrap();
    let verified = done(&tidu("", &["verify", text(&old)]));

    let output = compact(&old, &new);
    let said = done(&output);
    println!("{said}");
    assert!(said.contains("6401 events") && said.contains("1 cursors"), "{said}");
    assert!(String::from_utf8(output.stderr).unwrap().contains("notes.txt"), "it is named");
    assert_eq!(done(&tidu("", &["verify", text(&new)])), verified);
    assert_eq!(done(&tidu("", &["verify", text(&old)])), verified, "the old one stays");
    assert_eq!(leaves(&new), leaves(&old));
    for name in ["token.key", "audit.jsonl", "delegated.toml"] {
        assert_eq!(fs::read(new.join(name)).unwrap(), fs::read(old.join(name)).unwrap(), "{name}");
    }
    assert!(!new.join("notes.txt").exists());
    fs::remove_file(new.join("audit.jsonl")).unwrap();

    // It goes on as the log that it is.
    let server = Server::start(&new);
    let mut client = server.client().await;
    let shown = done(&tidu(&server.address, &["cursor", "list"]));
    assert!(shown.contains("reader"), "{shown}");
    client.record(last).await.unwrap();
    assert_eq!(server.terminate(), Some(0));
    done(&tidu("", &["verify", text(&new)]));
}

/// The store gives room in segments of 512 KiB, so a small log says nothing about this.
#[test]
fn a_log_built_apart_takes_little_more_than_its_bytes() {
    let dir = directory();
    let mut random = fastrand::Rng::with_seed(7);
    let log = log::begin_apart(dir.path(), Uuid::from_u128(1)).unwrap();
    let mut chunks = ChunkWriter::new(0, Vec::new());
    let (mut bytes, mut base) = (0, 0);
    for _ in 0..12 {
        for _ in 0..10_000 {
            let leaf: Vec<u8> = (0..random.usize(200..400)).map(|_| random.u8(..)).collect();
            bytes += leaf.len() as u64;
            chunks.push(leaf.len(), true, |buffer| buffer.put_slice(&leaf));
        }
        log.append(base, &chunks.finish()).unwrap();
        base = chunks.next();
    }
    drop(log);
    let taken = fs::metadata(dir.path().join("log/db")).unwrap().len();
    let ratio = taken as f64 / bytes as f64;
    println!("{ratio:.2} bytes a stored byte");
    assert!(ratio <= 1.5, "{taken} bytes for {bytes} of events");
    assert_eq!(leaves(dir.path()).len(), 120_000);
}

#[tokio::test]
async fn a_compact_copy_is_refused_whole() {
    let fresh = Fresh::start();
    fresh.client().await.record(list(1, 600)).await.unwrap();
    let (old, new) = (fresh.data(), fresh.dir.path().join("new"));
    let Fresh { server, dir } = fresh;
    assert_eq!(server.terminate(), Some(0));
    refused(&compact(&dir.path().join("nothing"), &new), &["contains no log"]);
    fs::create_dir(&new).unwrap();
    fs::write(new.join("file"), b"mine").unwrap();
    refused(&compact(&old, &new), &["is not empty"]);
    fs::remove_file(new.join("file")).unwrap();
    let inside = compact(&old, &old.join("inside"));
    coded(&inside, 2, &["is inside", "name a directory outside"]);
    refused(&inside, &[text(&old)]);
    // The cursors cannot be read, so nothing gets the name.
    let cursors = fs::read(old.join("cursors.redb")).unwrap();
    fs::write(old.join("cursors.redb"), b"no store").unwrap();
    coded(&compact(&old, &new), 6, &["cursors.redb", "cannot be copied"]);
    assert_eq!(fs::read_dir(&new).unwrap().count(), 0);
    fs::write(old.join("cursors.redb"), cursors).unwrap();
    done(&compact(&old, &new));
    done(&tidu("", &["verify", text(&new)]));
}
