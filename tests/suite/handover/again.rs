//! A receipt that is asked for again.

use std::{fs, net::TcpListener};

use tidu::{
    handover::{FOLLOWS_FILE, Follows, RETIRED_FILE},
    protocol::pb::{self, NodeRole},
};
use tonic::Code;

use super::{NODE, Pair, not_started, role, tidu};
use crate::support::{Client, Server, coded, done, reason, text};

async fn hand_over(client: &mut Client, successor: &str) -> Result<String, (Code, String)> {
    let request = pb::HandOverRequest { successor: successor.to_owned() };
    let answer = client.admin.hand_over(request).await;
    answer.map(|it| it.into_inner().receipt).map_err(|it| (it.code(), reason(&it)))
}

fn refused(code: Code, reason: &str) -> Result<String, (Code, String)> {
    Err((code, reason.to_owned()))
}

/// A disk that fails in between may have the file and not its name. Whoever gives the receipt out
/// again has written it again.
#[tokio::test]
async fn no_receipt_is_given_that_cannot_be_written_again() {
    let pair = Pair::of(3).await;
    let carried = fs::read_to_string(pair.handed_over()).unwrap();
    let leader = pair.leader();
    // The name under which the file is begun: nothing can be written there.
    let blocked = leader.join(format!("{RETIRED_FILE}.new"));
    let offline = ["handover", NODE, "--yes", "--data-dir", text(&leader)];
    fs::create_dir(&blocked).unwrap();
    coded(&tidu(&offline), 10, &[RETIRED_FILE]);
    let server = Server::start(&leader);
    let mut client = server.client().await;
    let unwritten = hand_over(&mut client, NODE).await;
    assert_eq!(unwritten, refused(Code::Unavailable, "READ_ONLY"));
    fs::remove_dir(&blocked).unwrap();
    assert_eq!(hand_over(&mut client, NODE).await.as_ref(), Ok(&carried));
    assert_eq!(server.terminate(), Some(0));
    assert_eq!(done(&tidu(&offline)), carried);
}

/// The receipt may be lost before the promotion, when the old leader follows its successor already.
#[tokio::test]
async fn an_old_leader_tells_its_receipt_until_its_successor_leads() {
    let pair = Pair::of(3).await;
    let receipt = pair.handed_over();
    let carried = fs::read_to_string(&receipt).unwrap();
    let (leader, log_id) = (pair.leader(), pair.log_id.parse().unwrap());
    let follows = |epoch| Follows { log_id, epoch, node: "a-1".parse().unwrap() };
    follows(0).write(&leader).unwrap();
    let offline = ["handover", NODE, "--yes", "--data-dir", text(&leader)];
    assert_eq!(done(&tidu(&offline)), carried);
    // Nobody answers there.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let successor = format!("http://{}", nobody.local_addr().unwrap());
    let following = ["--listen", "127.0.0.1:0", "--follow", &successor];
    let server = Server::start_with(&leader, &following);
    let mut client = server.client().await;
    assert_eq!(role(&client.status().await), (NodeRole::Follower, 0));
    assert_eq!(hand_over(&mut client, NODE).await.as_ref(), Ok(&carried));
    let other = hand_over(&mut client, "c-1").await;
    assert_eq!(other, refused(Code::FailedPrecondition, "RETIRED"));
    assert_eq!(server.terminate(), Some(0));
    done(&pair.promote(&receipt));
    // Once it has heard its successor lead, it is a follower like any other.
    follows(1).write(&leader).unwrap();
    coded(&tidu(&offline), 10, &["follows another node"]);
    assert!(not_started(&leader).contains("a-1"));
    let server = Server::start_with(&leader, &following);
    let mut client = server.client().await;
    let following = hand_over(&mut client, NODE).await;
    assert_eq!(following, refused(Code::FailedPrecondition, "FOLLOWER"));
}

/// No file tells its part yet.
#[tokio::test]
async fn a_follower_that_has_heard_nobody_has_nothing_to_hand_over() {
    let pair = Pair::of(3).await;
    let data = pair.follower();
    fs::remove_file(data.join(FOLLOWS_FILE)).unwrap();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let leader = format!("http://{}", nobody.local_addr().unwrap());
    let server = Server::start_with(&data, &["--listen", "127.0.0.1:0", "--follow", &leader]);
    let mut client = server.client().await;
    let before = client.status().await;
    assert_eq!(role(&before), (NodeRole::Follower, 0));
    let refusal = hand_over(&mut client, "c-1").await;
    assert_eq!(refusal, refused(Code::FailedPrecondition, "FOLLOWER"));
    let after = client.status().await;
    assert_eq!((after.node, after.appends_refused), (before.node, before.appends_refused));
}
