//! A follower and its leader over real ports: the road between them cuts, stalls and changes bytes,
//! and processes freeze and are killed. After each of that the follower has the leader's log, or
//! has stopped and shows none of what differs.
//!
//! `TIDU_HOSTILE_CYCLES` sets how often; `TIDU_HOSTILE_SEED` replays the choices.

use std::{collections::BTreeMap, fs, net::SocketAddr, process::Command};

use fastrand::Rng;
use tidu::{handover::FOLLOWS_FILE, protocol::pb};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

use super::{Machine, once, same};
use crate::support::{Client, Server, endless, seed};

/// Cycles of a usual test.
const CYCLES: usize = 14;

/// The fate of bytes for the follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Road {
    Open,
    /// It ends every connection.
    Cut,
    /// Nothing comes through.
    Stalled,
    /// A bit of every fourth piece is another one.
    Flipping,
}

/// An act of a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    Cut,
    Stall,
    Flip,
    FreezeLeader,
    FreezeFollower,
    KillLeader,
    KillFollower,
}

const ACTS: [Act; 7] = [
    Act::Cut,
    Act::Stall,
    Act::Flip,
    Act::FreezeLeader,
    Act::FreezeFollower,
    Act::KillLeader,
    Act::KillFollower,
];

/// Opens a road to a server; gives its near end.
async fn road(to: SocketAddr, state: watch::Receiver<Road>, mut random: Rng) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let Ok(far) = TcpStream::connect(to).await else { continue };
            let _ = (near.set_nodelay(true), far.set_nodelay(true));
            let (near_read, near_write) = near.into_split();
            let (far_read, far_write) = far.into_split();
            let (state, random) = (state.clone(), random.fork());
            tokio::spawn(async move {
                // Either direction ends both.
                tokio::select! {
                    _ = carry(near_read, far_write, state.clone(), None) => {}
                    _ = carry(far_read, near_write, state, Some(random)) => {}
                }
            });
        }
    });
    near
}

/// Carries bytes one way. `flips` chooses the bits, where bytes may be changed.
async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut state: watch::Receiver<Road>,
    mut flips: Option<Rng>,
) -> Option<()> {
    let mut piece = vec![0; 4096];
    loop {
        let now = *state.borrow_and_update();
        let read = async {
            match now {
                Road::Stalled => std::future::pending().await,
                _ => from.read(&mut piece).await,
            }
        };
        let count = tokio::select! {
            changed = state.changed() => {
                changed.ok()?;
                continue;
            }
            count = read => count.ok().filter(|count| *count > 0)?,
        };
        if now == Road::Cut {
            return None;
        }
        if let (Road::Flipping, Some(random)) = (now, &mut flips)
            && random.u8(0..4) == 0
        {
            piece[random.usize(0..count)] ^= 1 << random.u8(0..8);
        }
        to.write_all(&piece[..count]).await.ok()?;
    }
}

fn signal(server: &Server, name: &str) {
    let pid = server.child.id().to_string();
    assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
}

/// The leader, the follower, and the road between them.
struct Pair {
    machines: [Machine; 2],
    listen: String,
    leading: Server,
    leader: Client,
    following: Server,
    road: watch::Sender<Road>,
    random: Rng,
    events: Box<dyn Iterator<Item = pb::Event> + Send>,
    stops: usize,
}

impl Pair {
    async fn new() -> Self {
        let mut random = seed::random("TIDU_HOSTILE_SEED");
        let first = Machine::leading();
        let leading = first.start();
        let listen = leading.address.trim_start_matches("http://").to_owned();
        let mut leader = leading.client().await;
        let mut events = Box::new(endless(3));
        leader.record(events.by_ref().take(200).collect()).await.unwrap();
        let (state, road_state) = watch::channel(Road::Open);
        let near = road(listen.parse().unwrap(), road_state, random.fork()).await;
        let second = Machine { leader: Some(format!("http://{near}")), ..Machine::leading() };
        let following = second.start();
        let machines = [first, second];
        Self { machines, listen, leading, leader, following, road: state, random, events, stops: 0 }
    }

    async fn record(&mut self) {
        for _ in 0..self.random.usize(1..5) {
            let events = self.events.by_ref().take(self.random.usize(1..20)).collect();
            self.leader.record(events).await.unwrap();
        }
    }

    async fn act(&mut self, act: Act) {
        match act {
            Act::Cut => {
                self.road.send_replace(Road::Cut);
                self.record().await;
            }
            Act::Stall => {
                self.road.send_replace(Road::Stalled);
                self.record().await;
            }
            Act::Flip => {
                self.road.send_replace(Road::Flipping);
                self.record().await;
                // As long as it goes on, or until something was found.
                for _ in 0..20 {
                    self.record().await;
                    if self.has_stopped().await {
                        break;
                    }
                }
            }
            Act::FreezeLeader => {
                signal(&self.leading, "-STOP");
                let reads = pb::CountTitlesRequest::default();
                let mut client = self.following.client().await;
                client.register.count_titles(reads).await.expect("reads go on");
                signal(&self.leading, "-CONT");
                self.record().await;
            }
            Act::FreezeFollower => {
                signal(&self.following, "-STOP");
                self.record().await;
                signal(&self.following, "-CONT");
            }
            Act::KillLeader => {
                self.record().await;
                let again = self.machines[0].start_after(&mut self.leading, &self.listen);
                self.leading = again;
                self.leader = self.leading.client().await;
                self.record().await;
            }
            Act::KillFollower => {
                self.record().await;
                self.following = self.machines[1].start_after(&mut self.following, "127.0.0.1:0");
            }
        }
        self.road.send_replace(Road::Open);
    }

    async fn has_stopped(&mut self) -> bool {
        let status = self.following.client().await.status().await;
        status.node.unwrap().state == "stopped"
    }

    /// It has everything, or it has stopped and has everything after a start.
    async fn settle(&mut self) {
        let size = self.leader.status().await.log_size;
        let state = |status: &pb::GetStatusResponse| status.node.clone().unwrap_or_default().state;
        let status = once(&self.following, "everything, or a stop", |status| {
            status.log_size >= size || state(status) == "stopped"
        });
        let status = status.await;
        if state(&status) == "stopped" {
            self.stops += 1;
            let why = status.node.unwrap().problem;
            println!("it has stopped: {why}");
            // No root confirms an epoch: a node that was told of a later one needs a new promise.
            end(&mut self.following);
            if why.contains("epoch") {
                fs::remove_file(self.machines[1].data().join(FOLLOWS_FILE)).unwrap();
            }
            self.following = self.machines[1].start();
        }
        same(&self.following, &mut self.leader).await;
    }
}

impl Machine {
    /// Kills a process, and starts the next one.
    fn start_after(&self, last: &mut Server, listen: &str) -> Server {
        end(last);
        self.start_at(listen)
    }
}

fn end(server: &mut Server) {
    server.child.kill().unwrap();
    server.child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_survives_roads_freezes_and_kills() {
    let mut pair = Pair::new().await;
    pair.settle().await;
    let mut acts = BTreeMap::<Act, usize>::new();
    for cycle in 0..seed::count("TIDU_HOSTILE_CYCLES", CYCLES) {
        let act = ACTS[cycle % ACTS.len()];
        println!("{cycle}: {act:?}");
        pair.act(act).await;
        pair.settle().await;
        *acts.entry(act).or_default() += 1;
    }
    println!("{acts:?}, {} stops", pair.stops);
    assert_eq!(acts.len(), ACTS.len(), "each has happened");
    assert!(pair.stops > 0, "no changed byte was found");
}
