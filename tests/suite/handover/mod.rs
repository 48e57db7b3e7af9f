//! Hand-over and promotion: one node records, or none, whatever is killed in between.
//!
//! A follower is a copy of its leader's directory, as following would leave it.

mod again;
mod begun;
mod erased;
mod kills;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;
use tidu::{
    handover::{FOLLOWS_FILE, Follows, RETIRED_FILE},
    protocol::pb::{self, NodeRole},
};
use tonic::Code;

use crate::support::{Server, TIDU, coded, directory, done, list, reason, text};

/// The name of the follower.
const NODE: &str = "b-0000001f";

pub fn tidu(args: &[&str]) -> Output {
    Command::new(TIDU).args(args).stdin(Stdio::null()).output().unwrap()
}

pub fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Makes the directory of a follower that has all events of a leader at rest.
pub fn follow(leader: &Path, follower: &Path, log_id: &str, epoch: u64, node: &str) {
    let _ = fs::remove_dir_all(follower);
    copy(leader, follower);
    let _ = fs::remove_file(follower.join(RETIRED_FILE));
    let (log_id, node) = (log_id.parse().unwrap(), node.parse().unwrap());
    Follows { log_id, epoch, node }.write(follower).unwrap();
}

/// A leader that has stopped, and a follower that has its events.
struct Pair {
    dir: TempDir,
    log_id: String,
}

impl Pair {
    async fn of(events: usize) -> Self {
        let dir = directory();
        let server = Server::start(&dir.path().join("leader"));
        let mut client = server.client().await;
        client.record(list(1, events)).await.unwrap();
        let log_id = client.status().await.log_id;
        assert_eq!(server.terminate(), Some(0));
        let pair = Self { dir, log_id };
        follow(&pair.leader(), &pair.follower(), &pair.log_id, 0, NODE);
        pair
    }

    fn leader(&self) -> PathBuf {
        self.dir.path().join("leader")
    }

    fn follower(&self) -> PathBuf {
        self.dir.path().join("follower")
    }

    /// Hands the log over without a server; gives the file of the receipt.
    fn handed_over(&self) -> PathBuf {
        let receipt = self.handed_over_before();
        let leader = self.leader();
        let args = ["handover", "--yes", NODE, "--data-dir", text(&leader), "--to", text(&receipt)];
        done(&tidu(&args));
        receipt
    }

    /// The file of the receipt that was given.
    fn handed_over_before(&self) -> PathBuf {
        self.dir.path().join("receipt.txt")
    }

    fn promote(&self, receipt: &Path) -> Output {
        promote(&self.follower(), receipt)
    }
}

fn promote(directory: &Path, receipt: &Path) -> Output {
    tidu(&["promote", text(receipt), "--data-dir", text(directory)])
}

/// The words of a start that must fail.
fn not_started(data: &Path) -> String {
    let args = ["serve", "--listen", "127.0.0.1:0", "--operations-listen", "off", "--data-dir"];
    let output = tidu(&[&args[..], &[text(data)]].concat());
    assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn role(status: &pb::GetStatusResponse) -> (NodeRole, u64) {
    let node = status.node.as_ref().unwrap();
    (node.role(), node.epoch)
}

#[tokio::test]
async fn a_successor_records_in_the_next_epoch() {
    let pair = Pair::of(5).await;
    let server = Server::start(&pair.leader());
    let mut client = server.client().await;
    assert_eq!(role(&client.status().await), (NodeRole::Leader, 0));
    let hand_over = |node: &str| tidu(&["handover", "--yes", node, "--server", &server.address]);
    let receipt = done(&hand_over(NODE));
    assert_eq!(done(&hand_over(NODE)), receipt, "asked again");
    coded(&hand_over("c"), 3, &["handed its log over", NODE]);
    coded(&hand_over("C d"), 2, &["a letter or digit first"]);
    let refused = client.record(list(2, 1)).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "RETIRED"));
    assert!(refused.message().contains(NODE), "{refused}");
    let status = client.status().await;
    assert_eq!((role(&status), status.log_size), ((NodeRole::Retired, 0), 5));
    assert!(status.appends_refused.contains(NODE));
    let request = pb::SubscribeRequest { stop_position: Some(5), ..Default::default() };
    assert_eq!(client.collect(request).await.len(), 5, "reads go on");
    assert_eq!(server.terminate(), Some(0));

    // Every later start is the same.
    let server = Server::start(&pair.leader());
    let mut client = server.client().await;
    assert_eq!(reason(&client.record(list(2, 1)).await.unwrap_err()), "RETIRED");
    assert_eq!(done(&tidu(&["handover", "--yes", NODE, "--server", &server.address])), receipt);
    drop(server);
    let leader = pair.leader();
    let offline = ["handover", "--yes", NODE, "--data-dir", text(&leader)];
    assert_eq!(done(&tidu(&offline)), receipt);

    let path = pair.dir.path().join("receipt.txt");
    fs::write(&path, receipt.replace('\n', "\r\n")).unwrap();
    let said = not_started(&pair.follower());
    assert!(said.contains(NODE) && said.contains("--follow"), "{said}");
    assert!(done(&pair.promote(&path)).contains("epoch 1"));
    assert!(done(&pair.promote(&path)).starts_with("promoted before"));
    let server = Server::start(&pair.follower());
    let mut client = server.client().await;
    client.record(list(2, 3)).await.unwrap();
    let status = client.status().await;
    assert_eq!((status.log_id.as_str(), status.log_size), (pair.log_id.as_str(), 8));
    assert_eq!(role(&status), (NodeRole::Leader, 1));
    drop(server);
    assert!(done(&pair.promote(&path)).starts_with("promoted before"), "also after it went on");
    // The epoch is kept by the marks of an ordinary life.
    let server = Server::start(&pair.follower());
    let status = server.client().await.status().await;
    assert_eq!((role(&status), status.log_size), ((NodeRole::Leader, 1), 8));
}

/// A hand-over cannot be taken back, so its receipt is never lost.
#[tokio::test]
async fn a_receipt_that_cannot_be_written_is_not_lost() {
    let pair = Pair::of(2).await;
    let server = Server::start(&pair.leader());
    let (nowhere, file) = (pair.dir.path().join("none/r"), pair.dir.path().join("r"));
    let args = ["handover", "--yes", NODE, "--server", &server.address, "--to"];
    let output = tidu(&[&args[..], &[text(&nowhere)]].concat());
    coded(&output, 1, &["cannot write", "none/r"]);
    assert!(output.stdout.is_empty());
    let mut client = server.client().await;
    client.record(list(2, 1)).await.expect("it is not handed over");
    // The room for files ends after the hand-over.
    let limited = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh", TIDU])
        .args(args)
        .arg(&file)
        .output()
        .unwrap();
    coded(&limited, 1, &["cannot write", "3 events", "took place", "the same command gives it"]);
    assert!(!file.exists());
    assert_eq!(reason(&client.record(list(3, 1)).await.unwrap_err()), "RETIRED");
    done(&tidu(&[&args[..], &[text(&file)]].concat()));
    assert_eq!(fs::read(&file).unwrap(), limited.stdout, "the receipt was shown");
    assert_eq!(fs::read(&file).unwrap(), fs::read(pair.leader().join(RETIRED_FILE)).unwrap());
}

/// A name may be mistyped, and neither act can be taken back.
#[tokio::test]
async fn nothing_is_ended_for_good_without_a_yes() {
    let pair = Pair::of(2).await;
    let server = Server::start(&pair.leader());
    let said = |output: &Output| {
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(output.stdout.is_empty(), "this is for the receipt: {output:?}");
        String::from_utf8(output.stderr.clone()).unwrap()
    };
    let would = said(&tidu(&["handover", NODE, "--server", &server.address]));
    for word in ["would hand log", &pair.log_id, NODE, "2 events", "epoch 0", "--yes"] {
        assert!(would.contains(word), "{word}: {would}");
    }
    server.client().await.record(list(2, 1)).await.expect("it is not handed over");
    assert_eq!(server.terminate(), Some(0));
    let (leader, follower) = (pair.leader(), pair.follower());
    let at_rest = ["handover", NODE, "--data-dir", text(&leader)];
    assert!(said(&tidu(&at_rest)).contains("3 events"));
    assert!(!leader.join(RETIRED_FILE).exists());
    let follows = ["handover", NODE, "--data-dir", text(&follower)];
    coded(&tidu(&follows), 10, &["follows another one"]);
    let for_good = [&follows[..], &["--yes"]].concat();
    coded(&tidu(&for_good), 10, &["follows another node"]);
    // Of a node that has handed over, the same.
    pair.handed_over();
    assert!(said(&tidu(&at_rest)).contains("for its receipt"));
    let server = Server::start(&leader);
    assert!(said(&tidu(&["handover", NODE, "--server", &server.address])).contains("--yes"));
    coded(&tidu(&["handover", "c", "--server", &server.address]), 3, &["handed over", NODE]);
    let begin = ["promote", "--new-log", "--data-dir", text(&follower)];
    let would = done(&tidu(&begin));
    assert!(would.contains("2 events of log") && would.contains(&pair.log_id), "{would}");
    assert!(would.contains("nothing was changed"), "{would}");
    assert!(not_started(&follower).contains(NODE), "it is the follower still");
}

#[tokio::test]
async fn an_old_receipt_is_worth_nothing() {
    let pair = Pair::of(2).await;
    let first = pair.handed_over();
    done(&pair.promote(&first));
    // The old leader follows its successor, and takes over from it.
    let (leader, follower) = (pair.leader(), pair.follower());
    let second = pair.dir.path().join("second.txt");
    let args = ["handover", "--yes", "a-1", "--data-dir", text(&follower), "--to", text(&second)];
    done(&tidu(&args));
    let (log_id, node) = (pair.log_id.parse().unwrap(), "a-1".parse().unwrap());
    Follows { log_id, epoch: 1, node }.write(&leader).unwrap();
    assert!(not_started(&leader).contains("a-1"));
    coded(&promote(&leader, &first), 10, &["for the node b-0000001f"]);
    assert!(done(&promote(&leader, &second)).contains("epoch 2"));
    let server = Server::start(&leader);
    server.client().await.record(list(3, 1)).await.unwrap();
    // The first receipt fits the other node, which has handed over since.
    coded(&promote(&follower, &first), 10, &["it was used"]);
    let other = Server::start(&follower);
    assert_eq!(reason(&other.client().await.record(list(4, 1)).await.unwrap_err()), "RETIRED");
}

#[tokio::test]
async fn a_directory_that_differs_from_the_receipt_is_not_promoted() {
    let pair = Pair::of(4).await;
    let behind = pair.dir.path().join("behind");
    copy(&pair.leader(), &behind);
    let server = Server::start(&pair.leader());
    server.client().await.record(list(2, 3)).await.unwrap();
    assert_eq!(server.terminate(), Some(0));
    let receipt = pair.handed_over();
    coded(&pair.promote(&receipt), 3, &["4 events", "the receipt 7", "follow on"]);
    // As many events, and others.
    let server = Server::start(&behind);
    server.client().await.record(list(3, 3)).await.unwrap();
    assert_eq!(server.terminate(), Some(0));
    let other = pair.dir.path().join("other");
    follow(&behind, &other, &pair.log_id, 0, NODE);
    coded(&promote(&other, &receipt), 10, &["other events", "below position 7"]);
    let fits = pair.dir.path().join("fits");
    follow(&pair.leader(), &fits, &pair.log_id, 0, "c-1");
    coded(&promote(&fits, &receipt), 10, &["for the node b-0000001f", "c-1"]);
    fs::remove_file(fits.join(FOLLOWS_FILE)).unwrap();
    coded(&promote(&fits, &receipt), 10, &["for the node b-0000001f", "has never followed"]);
    coded(&promote(&pair.leader(), &receipt), 10, &["for the node b-0000001f"]);
    // One event more than was handed over.
    let server = Server::start(&fits);
    coded(&promote(&fits, &receipt), 1, &["in use by another process", "stop the server"]);
    server.client().await.record(list(4, 1)).await.unwrap();
    assert_eq!(server.terminate(), Some(0));
    let ahead = pair.dir.path().join("ahead");
    follow(&fits, &ahead, &pair.log_id, 0, NODE);
    coded(&promote(&ahead, &receipt), 10, &["positions 7 to 7"]);
    // A leader that never handed over has a log of its own.
    let strange = Pair::of(7).await;
    coded(&strange.promote(&receipt), 10, &["the receipt is of the log", &strange.log_id]);
    let carried = fs::read_to_string(&receipt).unwrap();
    fs::write(&receipt, carried.replace("size 7", "size 4")).unwrap();
    coded(&pair.promote(&receipt), 10, &["cut or changed", "tidu handover NAME --yes"]);
    let nobody = pair.dir.path().join("nobody");
    copy(&pair.follower(), &nobody);
    fs::remove_file(nobody.join(FOLLOWS_FILE)).unwrap();
    fs::write(&receipt, format!("\u{feff}{carried}")).unwrap();
    coded(&promote(&nobody, &receipt), 10, &["has never followed"]);
}

/// The doctor sees at rest what the next start says.
#[tokio::test]
async fn the_doctor_tells_the_part_of_a_directory_at_rest() {
    let pair = Pair::of(2).await;
    let receipt = pair.handed_over();
    let node = |data: &Path, more: &[&str]| {
        let args = ["doctor", "--json", "--server", "http://127.0.0.1:1", "--data-dir", text(data)];
        let set = more.chunks_exact(2).map(|pair| (pair[0], pair[1]));
        let output = Command::new(TIDU).args(args).envs(set).output().unwrap();
        let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let nodes = found.as_array().unwrap().iter().filter(|it| it["id"] == "node");
        let said = nodes.map(|it| format!("{} {}", it["level"].as_str().unwrap(), it["found"]));
        said.collect::<Vec<_>>().join("; ")
    };
    let (leader, follower) = (pair.leader(), pair.follower());
    let check = |data: &Path, more: &[&str], words: &[&str]| {
        let said = node(data, more);
        words.iter().for_each(|word| assert!(said.contains(word), "{word}: {said}"));
    };
    check(&leader, &[], &["warn", "epoch 0", NODE, "reads only"]);
    check(&follower, &[], &["error", "epoch 0", NODE, "refused"]);
    let follow = ["TIDU_FOLLOW", "[\"http://127.0.0.1:1\"]"];
    check(&follower, &follow, &["ok", "epoch 0", NODE, "a follower"]);
    check(&leader, &follow, &["ok", "returns"]);
    done(&pair.promote(&receipt));
    check(&follower, &[], &["ok", "epoch 1", "may record"]);
    for (data, name, remedy) in
        [(&leader, RETIRED_FILE, "put the receipt"), (&follower, FOLLOWS_FILE, "begin a copy")]
    {
        fs::write(data.join(name), "tidu").unwrap();
        check(data, &[], &["error", name, remedy]);
    }
}

#[tokio::test]
async fn a_damaged_file_of_the_part_keeps_every_start_away() {
    let pair = Pair::of(2).await;
    pair.handed_over();
    let path = pair.leader().join(RETIRED_FILE);
    let whole = fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    flipped[40] ^= 1;
    for content in [&whole[..0], &whole[..whole.len() - 1], &flipped] {
        fs::write(&path, content).unwrap();
        let said = not_started(&pair.leader());
        assert!(said.contains("RETIRED") && said.contains("put the receipt there"), "{said}");
    }
    fs::copy(pair.handed_over_before(), &path).unwrap();
    assert_eq!(Server::start(&pair.leader()).terminate(), Some(0), "the receipt is the way back");
    // A log that lost events that were handed over: not with its mark, but with this file.
    let other = String::from_utf8(whole).unwrap().parse::<tidu::handover::Receipt>().unwrap();
    let other = tidu::handover::Receipt { root: [1; 32], ..other };
    fs::write(&path, other.text()).unwrap();
    assert!(not_started(&pair.leader()).contains("RETIRED says that 2 events"));
    // The same for a follower.
    let path = pair.follower().join(FOLLOWS_FILE);
    fs::write(&path, "tidu follower 1\n").unwrap();
    let said = not_started(&pair.follower());
    assert!(said.contains("FOLLOWS") && said.contains("begin a copy"), "{said}");
}

#[tokio::test]
async fn without_a_receipt_another_history_begins() {
    let pair = Pair::of(3).await;
    let data = pair.follower();
    let said = done(&tidu(&["promote", "--new-log", "--yes", "--data-dir", text(&data)]));
    assert!(said.contains("the 3 events of log") && said.contains(&pair.log_id), "{said}");
    let server = Server::start(&data);
    let mut client = server.client().await;
    client.record(list(2, 2)).await.unwrap();
    let status = client.status().await;
    assert_ne!(status.log_id, pair.log_id);
    assert_eq!((role(&status), status.log_size), ((NodeRole::Leader, 0), 5));
    let request = pb::SubscribeRequest { log_id: pair.log_id.clone(), ..Default::default() };
    let refused = match client.ledger.subscribe(request).await {
        Err(status) => status,
        Ok(stream) => stream.into_inner().message().await.unwrap_err(),
    };
    assert_eq!(reason(&refused), "LOG_ID_MISMATCH");
    drop(server);
    let server = Server::start(&data);
    assert_eq!(server.client().await.status().await.log_size, 5, "the next start is ordinary");
}

#[tokio::test]
async fn a_compact_copy_has_the_part_and_the_epoch_of_its_directory() {
    let pair = Pair::of(3).await;
    let receipt = pair.handed_over();
    let compacted = |from: &Path, name: &str| {
        let to = pair.dir.path().join(name);
        done(&tidu(&["compact", "--data-dir", text(from), "--to", text(&to)]));
        to
    };
    let retired = Server::start(&compacted(&pair.leader(), "retired"));
    assert_eq!(reason(&retired.client().await.record(list(2, 1)).await.unwrap_err()), "RETIRED");
    assert!(not_started(&compacted(&pair.follower(), "follower-copy")).contains(NODE));
    done(&pair.promote(&receipt));
    let promoted = Server::start(&compacted(&pair.follower(), "promoted"));
    let mut client = promoted.client().await;
    client.record(list(2, 1)).await.unwrap();
    assert_eq!(role(&client.status().await), (NodeRole::Leader, 1));
}
