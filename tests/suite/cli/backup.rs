//! The log gets out of the server and back, byte for byte the same; and a byte that was changed is
//! found wherever it is.
//!
//! `TIDU_ARCHIVE_SEED` repeats the choices of a run.

use std::{
    fs::{self, File},
    path::Path,
    process::{Command, Output, Stdio},
};

use bytes::{BufMut as _, Bytes};
use tidu::{
    log::{Chunk, ChunkWriter},
    protocol::pb::{self, subscribe_request::Start, subscribe_response::Payload},
};
use tonic::Code;

use crate::support::{
    Client, Fresh, Server, TIDU, archives, coded, directory, done, list, reason, refused, seed,
    text,
};

/// Changed archives of a usual run.
const CHANGES: usize = 24;

fn tidu(server: &str, args: &[&str], input: Stdio) -> Output {
    let mut command = Command::new(TIDU);
    command.args(args).env("TIDU_SERVER", server).stdin(input).output().unwrap()
}

async fn leaves(client: &mut Client, stop: u64) -> Vec<Bytes> {
    let request = pb::SubscribeRequest {
        start: Some(Start::FromPosition(0)),
        stop_position: Some(stop),
        raw: true,
        ..Default::default()
    };
    let mut stream = client.ledger.subscribe(request).await.unwrap().into_inner();
    let mut leaves = Vec::new();
    while let Some(message) = stream.message().await.unwrap() {
        if let Some(Payload::RawEvents(batch)) = message.payload {
            leaves.extend(batch.leaves);
        }
    }
    leaves
}

fn named(id: &str, events: Vec<pb::Event>) -> pb::AppendRequest {
    pb::AppendRequest { request_id: id.to_owned(), events, ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_while_serving_is_imported_byte_for_byte() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let events = list(1, 700);
    client.append(named("first", events[..300].to_vec())).await.unwrap();
    client.record(events[300..301].to_vec()).await.unwrap();
    let size = client.status().await.log_size;
    // Goes on being recorded while it is exported; what is exported is the log at some moment.
    let mut writer = client.clone();
    let rest = events[301..].to_vec();
    let writing = tokio::spawn(async move {
        for event in rest {
            writer.record(vec![event]).await.unwrap();
        }
    });
    let address = fresh.server.address.clone();
    let (json, raw) = (fresh.dir.path().join("log.jsonl"), fresh.dir.path().join("log.tidu"));
    let (j, r) = (text(&json).to_owned(), text(&raw).to_owned());
    tokio::task::spawn_blocking(move || {
        done(&tidu(&address, &["export", &j], Stdio::null()));
        done(&tidu(&address, &["export", "--format", "raw", &r], Stdio::null()));
    })
    .await
    .unwrap();
    writing.await.unwrap();

    for source in [&json, &raw] {
        let dir = directory();
        let data = dir.path().join("data");
        let args = ["import", text(source), "--data-dir", text(&data)];
        done(&tidu("", &args, Stdio::null()));
        let verified = done(&tidu("", &["verify", text(&data)], Stdio::null()));
        assert_eq!(verified, done(&tidu("", &["verify", text(source)], Stdio::null())));
        let other = Server::start(&data);
        let mut imported = other.client().await;
        let status = imported.status().await;
        assert!(status.log_size >= size, "{status:?}");
        assert_eq!(status.log_id, client.status().await.log_id, "the history keeps its name");
        let expected = leaves(&mut client, status.log_size).await;
        assert_eq!(leaves(&mut imported, status.log_size).await, expected);
        // It is a log like any other: it knows its requests and goes on.
        let again = imported.append(named("first", events[..300].to_vec())).await.unwrap();
        assert!(again.replayed, "{again:?}");
        imported.record(list(2, 5)).await.unwrap();
        assert_eq!(other.terminate(), Some(0));
        done(&tidu("", &["verify", text(&data)], Stdio::null()));
    }
}

#[tokio::test]
async fn a_backup_grows_by_what_is_new_and_is_restored_whole() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let (address, backup) = (&fresh.server.address, fresh.dir.path().join("backup"));
    let back_up = || tidu(address, &["backup", text(&backup)], Stdio::null());
    let mut sizes = Vec::new();
    for (round, events) in list(1, 400).chunks(100).enumerate() {
        client.append(named(&format!("round-{round}"), events.to_vec())).await.unwrap();
        done(&back_up());
        sizes.push(archives(&backup).len());
    }
    assert_eq!(sizes, [1, 2, 3, 4]);
    refused(
        &tidu("http://127.0.0.1:1", &["backup", text(&backup)], Stdio::null()),
        &["cannot reach"],
    );
    let nothing = back_up();
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("nothing was recorded since"));
    done(&nothing);
    done(&tidu("", &["verify", text(&backup)], Stdio::null()));
    let beside = tidu(address, &["backup", text(&fresh.data())], Stdio::null());
    refused(&beside, &["is a data directory"]);

    let data = fresh.dir.path().join("restored");
    done(&tidu("", &["restore", text(&backup), "--data-dir", text(&data)], Stdio::null()));
    let restored = Server::start(&data);
    let mut other = restored.client().await;
    assert_eq!(other.status().await.root_hash, client.status().await.root_hash);
    assert_eq!(leaves(&mut other, 400).await, leaves(&mut client, 400).await);

    // As a stream.
    let stream = fresh.dir.path().join("stream");
    let out = Stdio::from(File::create(&stream).unwrap());
    let status = Command::new(TIDU)
        .args(["backup", "-", "--server", address])
        .stdout(out)
        .stderr(Stdio::null())
        .status();
    assert!(status.unwrap().success());
    let data = fresh.dir.path().join("streamed");
    let args = ["restore", "-", "--data-dir", text(&data)];
    done(&tidu("", &args, Stdio::from(File::open(&stream).unwrap())));

    // Another history is not added to it; nor one that went back.
    let stranger = Fresh::start();
    stranger.client().await.record(list(3, 500)).await.unwrap();
    let args = ["backup", text(&backup)];
    refused(&tidu(&stranger.server.address, &args, Stdio::null()), &["it is of log"]);
    // Another log is named as such, also if it is shorter.
    let empty = Fresh::start();
    for more in [&[][..], &["--full"]] {
        let args = [&args[..], more].concat();
        coded(&tidu(&empty.server.address, &args, Stdio::null()), 7, &["it is of log"]);
    }
    assert_eq!(archives(&backup).len(), 4, "nothing was added");
    fs::remove_file(&archives(&backup)[0]).unwrap();
    refused(&back_up(), &["00000000000000000100.tidu: it is missing", "--full"]);
}

#[tokio::test]
async fn a_log_that_went_another_way_is_not_added_to_a_backup() {
    let fresh = Fresh::start();
    let backup = fresh.dir.path().join("backup");
    let events = list(1, 50);
    fresh.client().await.record(events[..20].to_vec()).await.unwrap();
    done(&tidu(&fresh.server.address, &["backup", text(&backup)], Stdio::null()));
    // The same log id, restored at 20 events, but the backup has seen 30 of another course.
    let data = fresh.dir.path().join("data-2");
    done(&tidu("", &["restore", text(&backup), "--data-dir", text(&data)], Stdio::null()));
    fresh.client().await.record(events[20..30].to_vec()).await.unwrap();
    done(&tidu(&fresh.server.address, &["backup", text(&backup)], Stdio::null()));
    let other = Server::start(&data);
    let back_up = || tidu(&other.address, &["backup", text(&backup)], Stdio::null());
    refused(&back_up(), &["the backup has 30 events"]);
    for events in events[30..40].chunks(5) {
        other.client().await.record(events.to_vec()).await.unwrap();
    }
    refused(&back_up(), &["another Merkle root"]);
    other.client().await.record(events[40..].to_vec()).await.unwrap();
    refused(&back_up(), &["another Merkle root"]);
    assert_eq!(archives(&backup).len(), 2, "nothing was added");
}

#[tokio::test]
async fn a_changed_archive_builds_nothing() {
    let fresh = Fresh::start();
    fresh.client().await.record(list(1, 60)).await.unwrap();
    let (json, raw) = (fresh.dir.path().join("log.jsonl"), fresh.dir.path().join("log.tidu"));
    done(&tidu(&fresh.server.address, &["export", text(&json)], Stdio::null()));
    let args = ["export", "--format", "raw", text(&raw)];
    done(&tidu(&fresh.server.address, &args, Stdio::null()));
    let mut random = seed::random("TIDU_ARCHIVE_SEED");
    let (data, changed) = (fresh.dir.path().join("new"), fresh.dir.path().join("changed"));
    let mut no_difference = 0;
    for _ in 0..CHANGES {
        let source = if random.bool() { &json } else { &raw };
        let mut bytes = fs::read(source).unwrap();
        let at = random.usize(0..bytes.len());
        match random.u8(0..3) {
            0 => bytes[at] ^= 1 << random.u8(0..8),
            1 => bytes.truncate(at),
            _ => drop(bytes.drain(at..bytes.len().min(at + random.usize(1..600)))),
        }
        fs::write(&changed, &bytes).unwrap();
        let args = ["import", text(&changed), "--data-dir", text(&data)];
        if tidu("", &args, Stdio::null()).status.success() {
            // What JSON says besides the events: the server's version, say. What was built is the
            // log all the same.
            assert_eq!(source, &json, "a raw archive with a change at {at} was taken");
            no_difference += 1;
            let verified = done(&tidu("", &["verify", text(&data)], Stdio::null()));
            assert_eq!(verified, done(&tidu("", &["verify", text(&json)], Stdio::null())));
            fs::remove_dir_all(&data).unwrap();
        }
        assert!(!data.exists(), "something was built of a changed archive");
    }
    println!("{CHANGES} changes, {no_difference} of them without a difference to the log");
    // What the attempts have left behind is in nobody's way, and what is there is not overwritten.
    // A shell completes the name of a directory with a slash.
    fs::create_dir(&data).unwrap();
    let slash = format!("{}/", text(&data));
    done(&tidu("", &["import", text(&raw), "--data-dir", &slash], Stdio::null()));
    let again = tidu("", &["import", text(&raw), "--data-dir", text(&data)], Stdio::null());
    refused(&again, &["is not empty"]);
}

/// Changes an event behind the store's back, with a right checksum for its chunk.
fn forge(data: &Path, position: u64) {
    let store = sled::Config::new().path(data.join("log")).flush_every_ms(None).open().unwrap();
    let (key, value) = store.get_lt(chunk_key(position + 1)).unwrap().unwrap();
    let first = u64::from_be_bytes(key[1..].try_into().unwrap());
    let chunk = Chunk::decode(first, Bytes::copy_from_slice(&value)).unwrap();
    let mut writer = ChunkWriter::new(first, Vec::new());
    for leaf in chunk.leaves() {
        let mut bytes = leaf.bytes.to_vec();
        if leaf.position == position {
            // One character of the designee's name.
            let name = bytes.windows(6).position(|part| part == "示例".as_bytes()).unwrap();
            bytes[name + 5] ^= 1;
        }
        let ends = chunk.ends_commit() && leaf.position + 1 == chunk.next();
        writer.push(bytes.len(), ends, |buffer| buffer.put_slice(&bytes));
    }
    let forged = writer.finish().chunks;
    assert_eq!(forged.len(), 1);
    store.insert(key, forged[0].bytes().as_ref()).unwrap();
    store.flush().unwrap();
}

fn chunk_key(position: u64) -> [u8; 9] {
    let mut key = [b'e'; 9];
    key[1..].copy_from_slice(&position.to_be_bytes());
    key
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_finds_a_forged_event_at_rest_and_in_service() {
    let fresh = Fresh::start();
    fresh.client().await.record(list(1, 600)).await.unwrap();
    let data = fresh.data();
    let Fresh { server, dir: _dir } = fresh;
    let address = server.address.clone();
    let whole = done(&tidu(&address, &["verify"], Stdio::null()));
    assert_eq!(server.terminate(), Some(0));
    assert_eq!(done(&tidu("", &["verify", text(&data)], Stdio::null())), whole);
    forge(&data, 133);
    refused(&tidu("", &["verify", text(&data)], Stdio::null()), &["damaged at position 133"]);
    // Where the stored hashes are taken for what is below, the root still belongs to the events
    // that were recorded.
    done(&tidu("", &["verify", text(&data), "--from", "256"], Stdio::null()));

    // A start believes its checksums and stored hashes; the verification of what is served does
    // not.
    let server = Server::start(&data);
    let mut client = server.client().await;
    let mut stream = client.admin.verify(pb::VerifyRequest::default()).await.unwrap().into_inner();
    let error = loop {
        match stream.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the forged event was not found"),
            Err(error) => break error,
        }
    };
    assert_eq!((error.code(), reason(&error).as_str()), (Code::DataLoss, "LOG_DAMAGED"));
    assert!(format!("{error:?}").contains("position 133"), "{error:?}");
    let mut server = server;
    assert_eq!(server.child.wait().unwrap().code(), Some(74), "it stops serving");
}

#[tokio::test]
async fn a_verification_is_throttled_told_resumed_and_alone() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    client.record(list(1, 10_000)).await.unwrap();
    // So slow that it is still under way when the next one comes.
    let slow = pb::VerifyRequest { bytes_per_second: 1 << 20, ..Default::default() };
    let mut stream = client.admin.verify(slow).await.unwrap().into_inner();
    let error = client.admin.verify(slow).await.unwrap_err();
    assert_eq!(
        (error.code(), reason(&error).as_str()),
        (Code::ResourceExhausted, "LIMIT_EXCEEDED")
    );
    let told = stream.message().await.unwrap().unwrap();
    assert!(0 < told.verified_position && told.verified_position < 10_000, "{told:?}");
    drop(stream);
    let rest = pb::VerifyRequest { from_position: told.verified_position, ..Default::default() };
    let mut stream = loop {
        match client.admin.verify(rest).await {
            Ok(stream) => break stream.into_inner(),
            // The server has not heard yet that nobody listens to the first one.
            Err(error) => assert_eq!(reason(&error), "LIMIT_EXCEEDED"),
        }
    };
    let mut last = pb::VerifyResponse::default();
    while let Some(progress) = stream.message().await.unwrap() {
        last = progress;
    }
    assert_eq!((last.verified_position, last.log_size), (10_000, 10_000));
    assert_eq!(last.root_hash, client.status().await.root_hash);
    assert!(last.read_bytes < 10_000 * 400, "what was verified is not read again: {last:?}");
    let beyond = pb::VerifyRequest { from_position: 10_001, ..Default::default() };
    let error = client.admin.verify(beyond).await.unwrap_err();
    assert_eq!((error.code(), reason(&error).as_str()), (Code::OutOfRange, "POSITION_BEYOND_LOG"));
}
