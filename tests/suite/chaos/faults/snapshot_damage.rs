//! Damage in the part of the log that a snapshot of the register covers. A start that believes the
//! snapshot does not read that part; it is found while the server serves, and no later start
//! believes a snapshot before the damage is gone.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt as _,
    path::Path,
};

use super::{
    known::Known,
    process::{Ended, Started, Watched, start_set},
};
use crate::support::directory;

/// Every drain writes a snapshot, and every start looks for one.
const KEEPS: [(&str, &str); 2] = [("TIDU_SNAPSHOT_EVENTS", "1"), ("TIDU_LOG", "info")];
const REPLAYS: [(&str, &str); 2] = [("TIDU_SNAPSHOT_EVENTS", "0"), ("TIDU_LOG", "info")];
/// The place of the event that is damaged.
const DAMAGED: usize = 280;
const BELIEVED: &str = "a snapshot was read";

/// How a start ends that finds damage while it serves, or before it has said so.
async fn ended(started: Started) -> Ended {
    match started {
        Started::Serving(watched) => watched.ended().await,
        Started::Ended(ended) => ended,
    }
}

/// Lets it end in an orderly way: its last words.
fn end(watched: Watched) -> String {
    let words = watched.words();
    assert_eq!(watched.server.terminate(), Some(0), "{words}");
    words
}

/// Alters a text wherever a file has it, in place: the file stays the copy that it was.
fn alter(path: &Path, text: &str) -> usize {
    let content = fs::read(path).unwrap();
    let file = File::options().write(true).open(path).unwrap();
    let found = content.windows(text.len()).enumerate();
    let found: Vec<_> = found.filter(|(_, part)| *part == text.as_bytes()).collect();
    for (at, _) in &found {
        file.write_all_at(&[content[*at] ^ 1], *at as u64).unwrap();
    }
    found.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_behind_a_snapshot_is_found_and_refused_afterwards() {
    let dir = directory();
    let data = dir.path().join("data");
    let mut known = Known::new();
    let mut damaged = String::new();
    // From the second start on the store has a table of its pages; to open, it reads none of them
    // but those of its last segments.
    for _ in 0..2 {
        let watched = start_set(&[], &data, &KEEPS).serving();
        let mut client = watched.server.client().await;
        let request = known.commit(300);
        if damaged.is_empty() {
            damaged.clone_from(&request.events[DAMAGED].designee);
        }
        known.append(&mut client, request).await.unwrap();
        known.grow(&mut client, &[500; 8]).await;
        end(watched);
    }
    let watched = start_set(&[], &data, &KEEPS).serving();
    assert!(end(watched).contains(BELIEVED));

    let (store, snapshot) = (data.join("log/db"), data.join("register.snapshot"));
    assert!(alter(&store, &damaged) > 0, "the event is in the store as it is");
    let kept = fs::read(&snapshot).unwrap();
    let first = ended(start_set(&[], &data, &KEEPS)).await;
    assert!(first.said.contains(BELIEVED), "{}", first.said);
    assert_eq!(first.status.code(), Some(74), "{}", first.said);
    assert!(first.said.contains("tidu: the log failed, the process ends:"), "{}", first.said);
    for _ in 0..2 {
        let refused = start_set(&[], &data, &KEEPS).ended();
        assert_eq!(refused.status.code(), Some(1), "{}", refused.said);
        assert!(!refused.said.contains(BELIEVED), "{}", refused.said);
        let (_, said) = refused.said.split_once("the log is damaged at position ").unwrap();
        let position: u64 = said.split(':').next().unwrap().parse().unwrap();
        // The store says of a page of chunks that it cannot be read: it begins before the event.
        assert!(position <= DAMAGED as u64, "{said}");
    }
    assert!(fs::read(&snapshot).unwrap() == kept, "a start that is refused writes none");

    // The damage is taken back: the whole log is read once more before a snapshot counts again.
    let other =
        String::from_utf8([&[damaged.as_bytes()[0] ^ 1], &damaged.as_bytes()[1..]].concat());
    assert!(alter(&store, &other.unwrap()) > 0);
    let watched = start_set(&[], &data, &KEEPS).serving();
    known.compare(&mut watched.server.client().await).await;
    assert!(!end(watched).contains(BELIEVED));
    let watched = start_set(&[], &data, &KEEPS).serving();
    known.compare(&mut watched.server.client().await).await;
    assert!(end(watched).contains(BELIEVED));
}

/// The bytes of the events are counted from the snapshot on, and are those of all events.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stored_bytes_are_the_same_after_a_start_from_a_snapshot() {
    let dir = directory();
    let data = dir.path().join("data");
    let mut known = Known::new();
    let mut counted = 0;
    for (settings, believes) in [(KEEPS, false), (KEEPS, true), (REPLAYS, false), (KEEPS, true)] {
        let watched = start_set(&[], &data, &settings).serving();
        let mut client = watched.server.client().await;
        let found = client.status().await.stored_bytes.unwrap();
        assert_eq!(found, counted, "{}", watched.words());
        // Killed, so that the next start replays some events behind the snapshot.
        if believes {
            known.grow(&mut client, &[2, 40]).await;
            counted = client.status().await.stored_bytes.unwrap();
            assert!(watched.words().contains(BELIEVED));
            watched.server.kill();
        } else {
            known.grow(&mut client, &[1, 3, 700]).await;
            counted = client.status().await.stored_bytes.unwrap();
            end(watched);
        }
        assert!(counted > found);
    }
}
