//! The drill: a leader hands over to one of its followers, and follows it. Then a leader is lost
//! without a hand-over, and another history begins.

use std::fs;

use tidu::{
    handover::FOLLOWS_FILE,
    protocol::pb::{self, NodeRole},
};

use super::{Machine, hand_over, once, problem, same, stop, tidu};
use crate::support::{Server, coded, done, list, reason, text};

async fn name_of(server: &Server) -> String {
    server.client().await.status().await.node.unwrap().name
}

fn part(status: &pb::GetStatusResponse) -> (NodeRole, u64) {
    let node = status.node.as_ref().unwrap();
    (node.role(), node.epoch)
}

/// The words of a start that must fail.
fn refused_start(machine: &Machine) -> String {
    let data = machine.data();
    let args = ["serve", "--listen", "127.0.0.1:0", "--operations-listen", "off", "--data-dir"];
    let output = tidu(&[&args[..], &[text(&data)]].concat());
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_hands_over_to_its_follower_and_follows_it() {
    let all = list(3, 60);
    let (first, receipt) = (Machine::leading(), tempfile::tempdir().unwrap());
    let leading = first.start();
    let mut leader = leading.client().await;
    leader.record(all[..20].to_vec()).await.unwrap();
    let second = Machine::following(&leading);
    let following = second.start();
    same(&following, &mut leader).await;
    let name = name_of(&following).await;
    let status = done(&tidu(&["status", "--server", &following.address]));
    assert!(status.contains(&name) && status.contains(&leading.address), "{status}");
    // A third one knows both.
    let both = format!("{},{}", leading.address, following.address);
    let third = Machine { leader: Some(both), ..Machine::leading() };
    let last = third.start();
    same(&last, &mut leader).await;

    // The follower has nothing to hand over, and nobody else than its leader has.
    let refused = tidu(&["handover", "--yes", &name, "--server", &following.address]);
    coded(&refused, 3, &["follows another one"]);
    let receipt = receipt.path().join("receipt.txt");
    hand_over(&name, &leading, &receipt);
    let refused = leader.record(all[20..21].to_vec()).await.unwrap_err();
    assert_eq!(reason(&refused), "RETIRED");
    // Through the follower it is no other.
    let refused = following.client().await.record(all[20..21].to_vec()).await.unwrap_err();
    assert_eq!(reason(&refused), "RETIRED");
    same(&following, &mut leader).await;
    let listen = following.address.trim_start_matches("http://").to_owned();
    stop(following);
    assert!(refused_start(&second).contains(&name), "a follower does not lead by itself");
    done(&tidu(&["promote", text(&receipt), "--data-dir", text(&second.data())]));

    let promoted = Machine { leader: None, ..second };
    let leading_now = promoted.start_at(&listen);
    let mut leader = leading_now.client().await;
    assert_eq!(part(&leader.status().await), (NodeRole::Leader, 1));
    leader.record(all[20..30].to_vec()).await.unwrap();
    // The old leader is a follower from now on, and the third one goes on with either.
    stop(leading);
    let back = Machine { leader: Some(leading_now.address.clone()), ..first };
    let back_again = back.start();
    same(&back_again, &mut leader).await;
    same(&last, &mut leader).await;
    let status = back_again.client().await.status().await;
    assert_eq!(part(&status), (NodeRole::Follower, 1));
    back_again.client().await.record(all[30..31].to_vec()).await.expect("handed on");
    assert_eq!(leader.status().await.log_size, 31);
    same(&last, &mut leader).await;
    assert_eq!(part(&last.client().await.status().await), (NodeRole::Follower, 1));
    stop(back_again);
    assert!(refused_start(&back).contains("--follow"), "nor does the old leader");
}

/// The old leader goes on to serve what it has, and followers that know the new one leave it.
#[tokio::test(flavor = "multi_thread")]
async fn followers_leave_a_node_that_has_handed_over() {
    let (first, receipt) = (Machine::leading(), tempfile::tempdir().unwrap());
    let leading = first.start();
    let mut leader = leading.client().await;
    leader.record(list(3, 10)).await.unwrap();
    let second = Machine::following(&leading);
    let following = second.start();
    same(&following, &mut leader).await;
    let both = format!("{},{}", leading.address, following.address);
    let last = Machine { leader: Some(both), ..Machine::leading() }.start();
    same(&last, &mut leader).await;
    let (name, receipt) = (name_of(&following).await, receipt.path().join("receipt.txt"));
    hand_over(&name, &leading, &receipt);
    same(&following, &mut leader).await;
    let listen = following.address.trim_start_matches("http://").to_owned();
    stop(following);
    done(&tidu(&["promote", text(&receipt), "--data-dir", text(&second.data())]));
    let leading_now = Machine { leader: None, ..second }.start_at(&listen);
    leading_now.client().await.record(list(4, 2)).await.unwrap();
    same(&last, &mut leading_now.client().await).await;
    assert_eq!(leader.status().await.log_size, 10, "the old one is there all the time");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_of_a_lower_epoch_is_not_followed() {
    let first = Machine::leading();
    let leading = first.start();
    let mut leader = leading.client().await;
    leader.record(list(3, 5)).await.unwrap();
    let second = Machine::following(&leading);
    let following = second.start();
    same(&following, &mut leader).await;
    stop(following);
    // It has heard of a successor since.
    let path = second.data().join(FOLLOWS_FILE);
    let mut follows: tidu::handover::Follows = fs::read_to_string(&path).unwrap().parse().unwrap();
    follows.epoch = 2;
    follows.write(&second.data()).unwrap();
    let following = second.start();
    let why = problem(&following).await;
    assert!(why.contains("of epoch 0, and epoch 2 is known"), "{why}");
    let refused = following.client().await.record(list(4, 1)).await.unwrap_err();
    assert_eq!(reason(&refused), "STALE_EPOCH", "{refused}");
    assert_eq!(leader.status().await.log_size, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_receipt_the_followers_of_the_old_history_stop() {
    let first = Machine::leading();
    let leading = first.start();
    let mut leader = leading.client().await;
    leader.record(list(3, 5)).await.unwrap();
    let second = Machine::following(&leading);
    let following = second.start();
    same(&following, &mut leader).await;
    let listen = following.address.trim_start_matches("http://").to_owned();
    let third = Machine::following(&following).start();
    same(&third, &mut leader).await;
    // What only the leader had is lost with it, until its disk comes back.
    stop(following);
    leader.record(list(4, 2)).await.unwrap();
    leading.kill();
    done(&tidu(&["promote", "--new-log", "--yes", "--data-dir", text(&second.data())]));
    let anew = Machine { leader: None, ..second }.start_at(&listen);
    anew.client().await.record(list(5, 1)).await.unwrap();
    let why = problem(&third).await;
    assert!(why.contains("the leader has log"), "{why}");
    // The old leader does not follow the new history.
    let back = Machine { leader: Some(anew.address.clone()), ..first }.start();
    let why = problem(&back).await;
    assert!(why.contains("the leader has log"), "{why}");
    let size = once(&back, "its events", |status| status.log_size == 7).await.log_size;
    assert_eq!(size, 7, "what it has is served");
}
