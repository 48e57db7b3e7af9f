//! An event that was a commit of its own, redacted: of the commit only the withheld place is left.

use std::process::Command;

use prost::Message as _;
use tidu::protocol::pb;

use crate::support::{
    Fresh, Server, TIDU, list, reason,
    redacted::{annulment, redact},
    text,
};

fn tidu(args: &[&str]) -> String {
    let output = Command::new(TIDU).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// An append of one event under a request id.
fn alone(event: &pb::Event) -> pb::AppendRequest {
    let request_id = "alone".to_owned();
    pb::AppendRequest { request_id, events: vec![event.clone()], ..Default::default() }
}

/// Asks a server about the commit at position 2 of a log with this root.
async fn check(server: &Server, root: &[u8], events: &[pb::Event]) {
    let mut client = server.client().await;
    let status = client.status().await;
    assert_eq!((status.root_hash.to_vec(), status.log_size), (root.to_vec(), 5));
    let again = client.append(alone(&events[2])).await.unwrap();
    assert!(again.replayed && again.first_position == Some(2), "{again:?}");
    let other = client.append(alone(&events[5])).await.unwrap_err();
    assert_eq!(reason(&other), "REQUEST_ID_REUSED");
    for raw in [false, true] {
        let request = pb::GetEventRequest { position: Some(2), raw };
        let found = client.ledger.get_event(request).await.unwrap().into_inner();
        let withheld = found.withheld.unwrap();
        assert!(found.event.is_none() && found.leaf.is_empty());
        assert_eq!(withheld.commit, Some(pb::Commit { first_position: Some(2), size: 1 }));
        assert_eq!(withheld.request_id, "alone");
        let texts = withheld.encode_to_vec();
        let secret = events[2].designee.as_bytes();
        assert!(!texts.windows(secret.len()).any(|part| part == secret), "{withheld:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redacted_commit_of_one_event_goes_on_as_before() {
    let fresh = Fresh::start();
    let events = list(1, 6);
    let mut client = fresh.client().await;
    client.record(events[..2].to_vec()).await.unwrap();
    client.append(alone(&events[2])).await.unwrap();
    client.record(vec![annulment(2)]).await.unwrap();
    client.record(vec![events[3].clone()]).await.unwrap();
    let root = client.status().await.root_hash.to_vec();
    let data = fresh.data();
    assert_eq!(fresh.server.terminate(), Some(0));
    redact(&data, 2);
    let server = Server::start(&data);
    check(&server, &root, &events).await;
    let backup = fresh.dir.path().join("backup");
    tidu(&["backup", text(&backup), "--server", &server.address]);
    assert_eq!(server.terminate(), Some(0));

    let restored = fresh.dir.path().join("restored");
    tidu(&["import", text(&backup), "--data-dir", text(&restored)]);
    for data in [&restored, &data] {
        tidu(&["verify", text(data)]);
        let server = Server::start(data);
        check(&server, &root, &events).await;
        let mut client = server.client().await;
        client.record(vec![events[4].clone()]).await.unwrap();
        assert_eq!(client.status().await.log_size, 6);
        assert_eq!(server.terminate(), Some(0));
    }
}
