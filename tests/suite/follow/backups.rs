//! Backups know the epoch of their log.

use std::{path::Path, process::Output};

use tidu::archive::promotion;

use super::{Machine, once, same, stop, tidu};
use crate::support::{coded, done, list, text};

fn backup(server: &str, to: &Path, more: &[&str]) -> Output {
    tidu(&[&["backup", text(to), "--server", server][..], more].concat())
}

/// A second node has taken the log over. The first one, which is behind, still serves.
#[tokio::test(flavor = "multi_thread")]
async fn a_restored_log_is_in_the_epoch_of_its_backup() {
    let first = Machine::leading();
    let leading = first.start();
    let mut leader = leading.client().await;
    let mut events = list(3, 7);
    let later = events.split_off(5);
    leader.record(events).await.unwrap();
    let second = Machine::following(&leading);
    let following = second.start();
    same(&following, &mut leader).await;
    let name = following.client().await.status().await.node.unwrap().name;
    stop(following);
    stop(leading);
    let receipt = promotion::hand_over(&first.data(), name.parse().unwrap()).unwrap();
    promotion::promote(&second.data(), &receipt).unwrap();

    let promoted = Machine { leader: None, ..second }.start();
    let backups = tempfile::tempdir().unwrap();
    let (kept, restored) = (backups.path().join("backup"), Machine::leading());
    done(&backup(&promoted.address, &kept, &[]));
    promoted.client().await.record(later).await.unwrap();
    done(&backup(&promoted.address, &kept, &[]));
    let old = first.start();
    for more in [&[][..], &["--full"]] {
        coded(&backup(&old.address, &kept, more), 10, &["epoch 0", "epoch 1"]);
    }
    done(&tidu(&["verify", text(&kept)]));
    stop(old);
    stop(promoted);

    // The disk of the second node is lost.
    done(&tidu(&["restore", text(&kept), "--data-dir", text(&restored.data())]));
    let leading = restored.start();
    let mut leader = leading.client().await;
    let status = leader.status().await;
    assert_eq!((status.node.unwrap().epoch, status.log_size), (1, 7));
    let behind = Machine { leader: Some(leading.address.clone()), ..first }.start();
    once(&behind, "the epoch", |status| status.node.as_ref().is_some_and(|node| node.epoch == 1))
        .await;
    same(&behind, &mut leader).await;
}
