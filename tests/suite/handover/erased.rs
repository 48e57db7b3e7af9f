//! A copy that lacks the content of an event which counts.

use std::{fs, path::Path};

use tidu::log::{self, SNAPSHOT_FILE};
use tokio::time::{Duration, sleep};
use uuid::Uuid;

use super::{Pair, not_started, tidu};
use crate::support::{Server, annulled, coded, done, in_time, list, text};

/// A server of a directory that has as many events as its leader.
async fn caught_up(data: &Path, leader: &Server, snapshot_events: &str) -> Server {
    let follow = ["--listen", "127.0.0.1:0", "--follow", &leader.address];
    let follow = [&follow[..], &["--snapshot-events", snapshot_events]].concat();
    let server = Server::start_with(data, &follow);
    let size = leader.client().await.status().await.log_size;
    let mut client = server.client().await;
    in_time("the whole log", async {
        // Nothing tells of a change: the state is asked for again.
        while client.status().await.log_size < size {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    server
}

/// A follower is redacted before its leader, and the leader takes the annulment back.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_lacks_an_event_in_force_is_not_promoted() {
    for snapshot_events in ["1", "0"] {
        let pair = Pair::of(3).await;
        let (leader, follower) = (pair.leader(), pair.follower());
        let leading = Server::start(&leader);
        let mut client = leading.client().await;
        client.record(vec![annulled(1)]).await.unwrap();
        assert_eq!(caught_up(&follower, &leading, snapshot_events).await.terminate(), Some(0));
        let redact = ["redact", "1", "--reason", "a test", "--yes", "--data-dir", text(&follower)];
        done(&tidu(&redact));
        client.record(vec![annulled(3)]).await.unwrap();
        client.record(list(2, 2)).await.unwrap();
        assert_eq!(caught_up(&follower, &leading, snapshot_events).await.terminate(), Some(0));
        assert_eq!(leading.terminate(), Some(0));
        assert_eq!(follower.join(SNAPSHOT_FILE).exists(), snapshot_events == "1");
        let receipt = pair.handed_over();
        let said = ["event 1 is erased here", "no event of the log annuls it", "keep FOLLOWS"];
        coded(&pair.promote(&receipt), 10, &said);
        assert!(not_started(&follower).contains("its content is erased"), "no leader starts");
        let (_, mark) = log::open(&follower, Uuid::nil()).unwrap();
        assert_eq!(mark.unwrap().epoch, 0, "it is a follower as before");

        // The way out: the old leader serves reads, and the copy has another log and the same name.
        let leading = Server::start(&leader);
        fs::remove_dir_all(follower.join("log")).unwrap();
        fs::remove_file(follower.join("MARK")).unwrap();
        assert_eq!(caught_up(&follower, &leading, snapshot_events).await.terminate(), Some(0));
        done(&pair.promote(&receipt));
        let server = Server::start(&follower);
        server.client().await.record(list(3, 1)).await.unwrap();
    }
}

/// An event that is erased and annulled is no obstacle.
#[tokio::test]
async fn a_redacted_copy_is_promoted() {
    let pair = Pair::of(3).await;
    let leader = pair.leader();
    let server = Server::start(&leader);
    server.client().await.record(vec![annulled(1)]).await.unwrap();
    assert_eq!(server.terminate(), Some(0));
    let follower = pair.follower();
    super::follow(&leader, &follower, &pair.log_id, 0, super::NODE);
    done(&tidu(&["redact", "1", "--reason", "a test", "--yes", "--data-dir", text(&follower)]));
    done(&pair.promote(&pair.handed_over()));
    let server = Server::start(&follower);
    server.client().await.record(list(3, 1)).await.unwrap();
}
