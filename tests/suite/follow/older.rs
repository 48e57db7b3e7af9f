//! A version that knows nothing of followers would record in every directory that it can open. It
//! tells by the format, beside the store and in it, that it cannot open the directory of a node
//! that follows, has handed over, or was promoted.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use tidu::{
    handover::FOLLOWS_FILE,
    log::{self, FORMAT_HANDED_OVER},
};
use uuid::Uuid;

use super::{Machine, copy, same, stop};
use crate::support::{TIDU, annulled, directory, done, list, text};

fn tidu(args: &[&str]) -> Output {
    Command::new(TIDU).args(args).stdin(Stdio::null()).output().unwrap()
}

/// An older version refuses it before anything is written, and also if the file is lost.
fn keeps_older_versions_away(data: &Path) {
    let noted = data.join("FORMAT");
    assert_eq!(fs::read_to_string(&noted).unwrap().trim(), "4", "{}", data.display());
    fs::remove_file(noted).unwrap();
    let (log, _) = log::open(data, Uuid::nil()).unwrap();
    assert_eq!(log.format(), FORMAT_HANDED_OVER, "{}", data.display());
}

/// So do the directory, a compact copy of it, and both once something was erased.
fn keeps_them_away_for_ever(data: &Path) {
    let beside = |end: &str| {
        let mut path = data.as_os_str().to_owned();
        path.push(end);
        PathBuf::from(path)
    };
    let (compacted, erased) = (beside(".compacted"), beside(".erased"));
    done(&tidu(&["compact", "--data-dir", text(data), "--to", text(&compacted)]));
    copy(data, &erased);
    for data in [data, &compacted] {
        keeps_older_versions_away(data);
    }
    for data in [&erased, &compacted] {
        done(&tidu(&["redact", "3", "--reason", "a test", "--yes", "--data-dir", text(data)]));
        keeps_older_versions_away(data);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn older_versions_lead_in_no_directory_that_followed() {
    let first = Machine::leading();
    let leading = first.start();
    let mut leader = leading.client().await;
    leader.record(list(3, 20)).await.unwrap();
    leader.record(vec![annulled(3)]).await.unwrap();
    let (second, third) = (Machine::following(&leading), Machine::following(&leading));
    for machine in [&second, &third] {
        let following = machine.start();
        same(&following, &mut leader).await;
        stop(following);
    }
    let receipts = directory();
    let (receipt, follows) =
        (receipts.path().join("receipt.txt"), second.data().join(FOLLOWS_FILE));
    let follows: tidu::handover::Follows = fs::read_to_string(follows).unwrap().parse().unwrap();
    let name = follows.node.to_string();
    done(&tidu(&["handover", &name, "--server", &leading.address, "--to", text(&receipt)]));
    stop(leading);
    done(&tidu(&["promote", text(&receipt), "--data-dir", text(&second.data())]));
    for machine in [&first, &second, &third] {
        keeps_them_away_for_ever(&machine.data());
    }
}
