//! A leader and its follower in network namespaces, over TLS and among principals. Their link goes
//! down in the middle of traffic, for moments and for longer than a leader may be silent, and
//! either process is killed meanwhile. The follower serves all the time, never stops for good, and
//! has the whole log once the link is up.
//!
//! `TIDU_NAMESPACE_CYCLES` sets how often; `TIDU_NAMESPACE_SEED` replays the choices.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use fastrand::Rng;
use tempfile::TempDir;
use tidu::{
    limits::FOLLOW_SILENCE_MAX,
    protocol::pb::{self, NodeRole},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::watch,
    task::JoinHandle,
    time::sleep,
};
use tonic::Status;

use super::{
    lan::{Cut, Lan, address},
    once_at,
};
use crate::support::{
    Client, Server, directory, endless, in_time,
    mtls::{self, Ca, private},
    seed, text,
};

/// Cycles of a usual test.
const CYCLES: usize = ACTS.len();
/// Commits in the middle of which something happens.
const COMMITS: usize = 40;

const LEADER: usize = 0;
const FOLLOWER: usize = 1;

const RECORDER: &str = "gd.recorder";
const NODE: &str = "hq.node";
const AUDITOR: &str = "hq.auditor";

const POLICY: &str = r#"
[[principal]]
id = "gd.recorder"
authority = "440000"
roles = ["recorder", "reader"]
certificate = "spiffe://gd.example/gd.recorder"

[[principal]]
id = "hq.node"
roles = ["node"]
certificate = "spiffe://gd.example/hq.node"

[[principal]]
id = "hq.auditor"
roles = ["auditor"]
certificate = "spiffe://gd.example/hq.auditor"
"#;

/// An act of a cycle, in the middle of commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    /// The link is down while commits are made.
    Cut,
    /// It goes down and up again and again.
    Flap,
    /// Packets come late, and some never.
    Worsen,
    /// It is down until the follower gives its leader up.
    Silence,
    /// The follower is killed while it is down.
    KillFollower,
    /// The leader is killed while it is down.
    KillLeader,
}

const ACTS: [Act; 6] =
    [Act::Cut, Act::Silence, Act::Flap, Act::KillFollower, Act::Worsen, Act::KillLeader];

/// The two machines. The servers end before the network does.
struct World {
    leading: Server,
    following: Server,
    recorder: Client,
    /// One who looks at the leader, and one who looks at the follower.
    auditors: [Client; 2],
    lan: Lan,
    ca: Ca,
    dir: TempDir,
    random: Rng,
    events: Box<dyn Iterator<Item = pb::Event> + Send>,
    cuts: BTreeMap<Cut, usize>,
}

/// Commits that are being made at the leader.
struct Recording {
    made: watch::Receiver<usize>,
    task: JoinHandle<Result<(), Status>>,
}

impl Recording {
    /// Waits until so many are acknowledged, or none more will be.
    async fn reach(&mut self, commits: usize) {
        let _ = in_time("commits", self.made.wait_for(|made| *made >= commits)).await;
    }
}

fn uri(id: &str) -> String {
    format!("spiffe://gd.example/{id}")
}

/// The setting of a server that is at an address; gives its arguments.
fn arguments(ca: &Ca, dir: &TempDir, at: usize) -> Vec<String> {
    let home = home(dir, at);
    let args = mtls::arguments(ca, &home, POLICY);
    ca.server_of(&["localhost", &address(at)], |_| {}).write(&home, "server");
    args
}

/// The directory of a machine.
fn home(dir: &TempDir, at: usize) -> PathBuf {
    let home = dir.path().join(format!("machine-{at}"));
    std::fs::create_dir_all(&home).unwrap();
    home
}

impl World {
    async fn new(lan: Lan) -> Self {
        let random = seed::random("TIDU_NAMESPACE_SEED");
        let (ca, dir) = (Ca::new(), directory());
        private(&dir.path().join("ca.pem"), &ca.pem());
        for id in [RECORDER, NODE, AUDITOR] {
            ca.caller(&uri(id)).write(dir.path(), id);
        }
        let leading = lan.serve(LEADER, &home(&dir, LEADER), 0, &arguments(&ca, &dir, LEADER));
        let following = Self::follow(&lan, &ca, &dir, &leading);
        let recorder = client(&lan, &dir, (LEADER, &leading), RECORDER).await;
        let auditors = [
            client(&lan, &dir, (LEADER, &leading), AUDITOR).await,
            client(&lan, &dir, (FOLLOWER, &following), AUDITOR).await,
        ];
        let events = Box::new(endless(3));
        let cuts = BTreeMap::new();
        Self { leading, following, recorder, auditors, lan, ca, dir, random, events, cuts }
    }

    fn follow(lan: &Lan, ca: &Ca, dir: &TempDir, leading: &Server) -> Server {
        let file = |name: &str| text(&dir.path().join(name)).to_owned();
        let (pem, key) = (file(&format!("{NODE}.pem")), file(&format!("{NODE}.key")));
        let mut args = arguments(ca, dir, FOLLOWER);
        args.extend(["--follow".to_owned(), leading.address.clone()]);
        args.extend(["--follow-tls-ca".to_owned(), file("ca.pem")]);
        args.extend(["--follow-tls-cert".to_owned(), pem, "--follow-tls-key".to_owned(), key]);
        lan.serve(FOLLOWER, &home(dir, FOLLOWER), 0, &args)
    }

    /// Begins to make commits, and waits until some are acknowledged.
    async fn record(&mut self) -> Recording {
        let mut random = self.random.fork();
        let batch = |_| self.events.by_ref().take(random.usize(1..8)).collect::<Vec<_>>();
        let batches: Vec<_> = (0..COMMITS).map(batch).collect();
        let (tell, made) = watch::channel(0);
        let mut client = self.recorder.clone();
        let task = tokio::spawn(async move {
            for batch in batches {
                client.record(batch).await?;
                tell.send_modify(|made| *made += 1);
            }
            Ok(())
        });
        let mut recording = Recording { made, task };
        recording.reach(self.random.usize(1..COMMITS / 2)).await;
        recording
    }

    async fn record_one(&mut self) {
        self.recorder.record(self.events.by_ref().take(1).collect()).await.unwrap();
    }

    /// Cuts the link of either machine.
    fn cut(&mut self) -> (usize, Cut) {
        let at = self.random.usize(0..2);
        let how = [Cut::Unplugged, Cut::Swallowed, Cut::Deafened][self.random.usize(0..3)];
        println!("  machine {at} is {how:?}");
        self.lan.cut(at, how);
        *self.cuts.entry(how).or_default() += 1;
        (at, how)
    }

    /// False if it cannot be done here.
    async fn act(&mut self, act: Act) -> bool {
        let mut recording = self.record().await;
        match act {
            Act::Cut => {
                let (at, how) = self.cut();
                recording.reach(COMMITS).await;
                self.record_one().await;
                self.require_reads().await;
                self.lan.mend(at, how);
            }
            Act::Flap => {
                for _ in 0..self.random.usize(4..9) {
                    let (at, how) = self.cut();
                    self.record_one().await;
                    self.lan.mend(at, how);
                    self.record_one().await;
                }
            }
            Act::Worsen => {
                let at = self.random.usize(0..2);
                if !self.lan.worsen(at) {
                    recording.task.await.unwrap().unwrap();
                    return false;
                }
                recording.reach(COMMITS).await;
                self.require_reads().await;
                self.lan.ease(at);
            }
            Act::Silence => {
                let (at, how) = self.cut();
                recording.reach(COMMITS).await;
                self.record_one().await;
                // A leader that hears nothing goes on for a while with what it sends.
                let lacks = (at, how) != (LEADER, Cut::Deafened);
                self.require_silence(lacks).await;
                self.lan.mend(at, how);
            }
            Act::KillFollower => {
                let (at, how) = self.cut();
                end(&mut self.following);
                self.following = Self::follow(&self.lan, &self.ca, &self.dir, &self.leading);
                let following = (FOLLOWER, &self.following);
                self.auditors[FOLLOWER] = client(&self.lan, &self.dir, following, AUDITOR).await;
                self.require_reads().await;
                self.lan.mend(at, how);
            }
            Act::KillLeader => {
                let (at, how) = self.cut();
                end(&mut self.leading);
                // It may have been acknowledged, or not.
                let _ = recording.task.await.unwrap();
                self.start_leader().await;
                self.require_reads().await;
                self.lan.mend(at, how);
                return true;
            }
        }
        recording.task.await.unwrap().unwrap();
        true
    }

    async fn start_leader(&mut self) {
        let port = self.leading.address.rsplit(':').next().unwrap().parse().unwrap();
        let args = arguments(&self.ca, &self.dir, LEADER);
        self.leading = self.lan.serve(LEADER, &home(&self.dir, LEADER), port, &args);
        let leading = (LEADER, &self.leading);
        self.recorder = client(&self.lan, &self.dir, leading, RECORDER).await;
        self.auditors[LEADER] = client(&self.lan, &self.dir, leading, AUDITOR).await;
    }

    /// The follower answers from what it has.
    async fn require_reads(&mut self) -> pb::GetStatusResponse {
        let follower = &mut self.auditors[FOLLOWER];
        let status = in_time("the status", follower.status()).await;
        let node = status.node.clone().unwrap();
        assert_eq!(node.role(), NodeRole::Follower);
        assert_ne!(node.state, "stopped", "{}", node.problem);
        let last =
            pb::GetEventRequest { position: Some(status.log_size - 1), ..Default::default() };
        in_time("an event", follower.ledger.get_event(last)).await.unwrap();
        let count = pb::CountTitlesRequest::default();
        in_time("a count", follower.register.count_titles(count)).await.unwrap();
        status
    }

    /// The follower says since when it hears nothing, and gives its leader up after a while.
    async fn require_silence(&mut self, lacks: bool) {
        self.require_reads().await;
        let given_up = once_at(&mut self.auditors[FOLLOWER], "the silence", |status| {
            status.node.as_ref().is_some_and(|node| node.state == "connecting")
        });
        let last = given_up.await.node.unwrap().last_contact;
        let age = self.contact_age().await;
        assert!(age >= FOLLOW_SILENCE_MAX, "the leader was heard {age:?} ago");
        in_time("a greater age", async {
            while self.contact_age().await <= age {
                // Nothing tells of time that passes: the age is asked for again.
                sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        let after = self.require_reads().await;
        let size = self.auditors[LEADER].status().await.log_size;
        assert!(after.log_size < size || !lacks, "it has {size} events over a cut link");
        assert_eq!(after.node.unwrap().last_contact, last, "nothing is heard on a cut link");
    }

    /// The age of the last word of the leader, as a metric tells it.
    async fn contact_age(&self) -> Duration {
        let at = self.following.operations.as_ref().unwrap().trim_start_matches("http://");
        let mut stream = self.lan.connect(FOLLOWER, at.parse().unwrap()).await.unwrap();
        let request = "GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let line = answer.lines().find(|line| line.starts_with("tidu_follow_contact_age_seconds "));
        let seconds: f64 = line.unwrap().rsplit(' ').next().unwrap().parse().unwrap();
        Duration::from_secs_f64(seconds)
    }

    /// The follower has everything, with the same root.
    async fn settle(&mut self) {
        self.record_one().await;
        let leader = self.auditors[LEADER].status().await;
        let found = once_at(&mut self.auditors[FOLLOWER], "the whole log", |status| {
            let node = status.node.as_ref().unwrap();
            assert_ne!(node.state, "stopped", "{}", node.problem);
            status.log_size >= leader.log_size
        });
        let found = found.await;
        let expected = (leader.log_id, leader.log_size, leader.root_hash);
        assert_eq!((found.log_id, found.log_size, found.root_hash), expected);
    }
}

/// A client at a machine itself, with the certificate of a principal.
async fn client(lan: &Lan, dir: &TempDir, (at, server): (usize, &Server), who: &str) -> Client {
    let to = server.address.strip_prefix("https://").unwrap().parse().unwrap();
    let connect = lan.connector(at, to);
    let near = mtls::road_by(connect, mtls::client(dir.path(), Some(who))).await;
    Client::connect(&format!("http://{near}")).await
}

fn end(server: &mut Server) {
    server.child.kill().unwrap();
    server.child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_outlives_a_link_on_which_packets_vanish() {
    let Some(lan) = Lan::new("no link between a leader and a follower is cut") else { return };
    let mut world = World::new(lan).await;
    world.settle().await;
    let (mut acts, mut skipped) = (BTreeMap::<Act, usize>::new(), 0);
    for cycle in 0..seed::count("TIDU_NAMESPACE_CYCLES", CYCLES) {
        let act = ACTS[cycle % ACTS.len()];
        println!("{cycle}: {act:?}");
        if world.act(act).await {
            *acts.entry(act).or_default() += 1;
        } else {
            println!("  SKIPPED: the kernel delays and loses no packets");
            skipped = 1;
        }
        world.settle().await;
    }
    let size = world.auditors[LEADER].status().await.log_size;
    println!("{acts:?}, {:?}, {size} events", world.cuts);
    assert_eq!(acts.len() + skipped, ACTS.len(), "each has happened");
}
