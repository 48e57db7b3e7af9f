//! Another history with the events that are there, and the cursors of the one before.

use std::{fs, path::Path};

use tidu::protocol::pb;

use super::{Pair, tidu};
use crate::support::{Client, Server, done, reason, text};

const CURSORS: &str = "cursors.redb";

async fn subscribe(client: &mut Client) -> Result<(), String> {
    let start = Some(pb::subscribe_request::Start::CursorId("bank".to_owned()));
    let request = pb::SubscribeRequest { start, ..Default::default() };
    match client.ledger.subscribe(request).await {
        Err(status) => Err(reason(&status)),
        Ok(stream) => match stream.into_inner().message().await {
            Err(status) => Err(reason(&status)),
            Ok(_) => Ok(()),
        },
    }
}

#[tokio::test]
async fn cursors_are_dropped_last_and_never_count_in_another_history() {
    let pair = Pair::of(3).await;
    let data = pair.leader();
    let server = Server::start(&data);
    let mut client = server.client().await;
    let cursor = pb::CreateCursorRequest {
        cursor_id: "bank".to_owned(),
        next_position: 2,
        ..Default::default()
    };
    client.cursors.create_cursor(cursor).await.unwrap();
    assert_eq!(subscribe(&mut client).await, Ok(()));
    assert_eq!(server.terminate(), Some(0));
    let begin = || tidu(&["promote", "--new-log", "--yes", "--data-dir", text(&data)]);
    // The mark cannot be written, as on a full disk.
    let blocked = data.join("MARK.new");
    fs::create_dir(&blocked).unwrap();
    assert!(!begin().status.success());
    let keeps_cursors = |path: &Path| path.join(CURSORS).exists();
    assert!(keeps_cursors(&data), "nothing was changed");
    fs::remove_dir(&blocked).unwrap();
    let server = Server::start(&data);
    let mut client = server.client().await;
    assert_eq!(client.status().await.log_id, pair.log_id);
    assert_eq!(subscribe(&mut client).await, Ok(()));
    assert_eq!(server.terminate(), Some(0));

    // A crash between the new id and the removal leaves them.
    let beside = pair.dir.path().join(CURSORS);
    fs::copy(data.join(CURSORS), &beside).unwrap();
    assert!(done(&begin()).contains("cursors of the directory are dropped"));
    assert!(!keeps_cursors(&data));
    fs::copy(&beside, data.join(CURSORS)).unwrap();
    let server = Server::start(&data);
    let mut client = server.client().await;
    assert_ne!(client.status().await.log_id, pair.log_id);
    assert_eq!(subscribe(&mut client).await, Err("LOG_ID_MISMATCH".to_owned()));
    let advance = pb::AdvanceCursorRequest {
        cursor_id: "bank".to_owned(),
        next_position: 3,
        ..Default::default()
    };
    let refused = client.cursors.advance_cursor(advance).await.unwrap_err();
    assert_eq!(reason(&refused), "LOG_ID_MISMATCH");
}
