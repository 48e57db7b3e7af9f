//! Lines of followers with no leader at their end: each stops, or waits for one, and serves what it
//! has.

use tidu::protocol::pb;
use tokio::net::TcpListener;

use super::{Machine, ended, problem, same, stop};
use crate::support::{Client, Server, in_time, list, reason};

/// The address of a server, to listen on again.
fn listen(server: &Server) -> String {
    server.address.trim_start_matches("http://").to_owned()
}

/// It answers questions, and no write is taken or goes round.
async fn serves_and_records_nothing(server: &Server, size: u64) {
    let mut client = server.client().await;
    let last = pb::GetEventRequest { position: Some(size - 1), ..Default::default() };
    let event = client.ledger.get_event(last).await.unwrap().into_inner().event.unwrap();
    assert_eq!(event.position, Some(size - 1));
    let refused = client.record(list(90, 1)).await.unwrap_err();
    assert_eq!(reason(&refused), "LOOPED", "{refused}");
    assert_eq!(client.status().await.log_size, size);
}

/// A leader with events.
async fn leading(machine: &Machine, size: usize) -> (Server, Client) {
    let server = machine.start();
    let mut client = server.client().await;
    client.record(list(3, size)).await.unwrap();
    (server, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_follow_each_other_stop() {
    let first = Machine::leading();
    let (server, mut leader) = leading(&first, 5).await;
    let second = Machine::following(&server).start();
    same(&second, &mut leader).await;
    let at = listen(&server);
    stop(server);
    let first = Machine { leader: Some(second.address.clone()), ..first }.start_at(&at);
    for server in [&first, &second] {
        let why = problem(server).await;
        assert!(why.contains("follows this node, or is it"), "{why}");
        serves_and_records_nothing(server, 5).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_circle_of_three_and_one_of_one_are_found() {
    let first = Machine::leading();
    let (server, mut leader) = leading(&first, 4).await;
    let second = Machine::following(&server).start();
    let third = Machine::following(&second).start();
    same(&third, &mut leader).await;
    let at = listen(&server);
    stop(server);
    let first = Machine { leader: Some(third.address.clone()), ..first };
    let circling = first.start_at(&at);
    let why = problem(&circling).await;
    assert!(why.contains("follows this node, or is it"), "{why}");
    serves_and_records_nothing(&circling, 4).await;
    serves_and_records_nothing(&third, 4).await;
    ended(circling, 15).await;
    let alone = Machine { leader: Some(format!("http://{at}")), ..first }.start_at(&at);
    let why = problem(&alone).await;
    assert!(why.contains("follows this node, or is it"), "{why}");
    serves_and_records_nothing(&alone, 4).await;
    ended(alone, 15).await;
}

/// Each knows the leader, the other, and itself: the same list on every machine. Without the leader
/// they find each other and themselves, and wait.
#[tokio::test(flavor = "multi_thread")]
async fn followers_that_name_each_other_wait_for_the_leader() {
    let machine = Machine::leading();
    let (mut server, mut leader) = leading(&machine, 4).await;
    let (second, third) = (Machine::following(&server), Machine::following(&server));
    let (mut one, mut other) = (second.start(), third.start());
    same(&one, &mut leader).await;
    same(&other, &mut leader).await;
    let (places, at) = ([&one, &other].map(listen), listen(&server));
    let all = [&server, &one, &other].map(|server| server.address.clone()).join(",");
    stop(one);
    stop(other);
    server.kill();
    // The last one of each list is nobody, who counts the rounds.
    let nobody = [TcpListener::bind("127.0.0.1:0").await, TcpListener::bind("127.0.0.1:0").await];
    let nobody = nobody.map(Result::unwrap);
    let list_of =
        |nobody: &TcpListener| Some(format!("{all},http://{}", nobody.local_addr().unwrap()));
    one = Machine { leader: list_of(&nobody[0]), ..second }.start_at(&places[0]);
    other = Machine { leader: list_of(&nobody[1]), ..third }.start_at(&places[1]);
    for (server, nobody) in [(&one, &nobody[0]), (&other, &nobody[1])] {
        for _ in 0..2 {
            let (reached, _) = in_time("the end of the list", nobody.accept()).await.unwrap();
            drop(reached);
        }
        let status = server.client().await.status().await;
        let node = status.node.unwrap();
        assert_ne!(node.state, "stopped", "{}", node.problem);
        assert_eq!((status.log_size, &*node.leader), (4, ""));
        let unheard = server.client().await.record(list(90, 1)).await.unwrap_err();
        assert_eq!(reason(&unheard), "FOLLOWER", "{unheard}");
    }
    server = machine.start_at(&at);
    let mut leader = server.client().await;
    leader.record(list(5, 2)).await.unwrap();
    same(&one, &mut leader).await;
    same(&other, &mut leader).await;
}
