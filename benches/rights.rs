//! What TLS, certificates and rights cost the server: its processor time an append and a delivered
//! event, beside a server without them.
//!
//! `cargo bench --profile dist --bench rights` prints the figures and their ratios; `-- --quick`
//! runs briefly. Both servers are the real binary on loopback, and their rounds take turns. The
//! clients speak no TLS: a road in this process speaks it for them, so that the servers alone
//! differ. One caller is a recorder. The other one is an auditor, who reads everything, on the second
//! server, and a reader of public events on the third: so the cost of rights shows beside that of
//! TLS.
#![allow(missing_docs, unreachable_pub, dead_code, clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::disallowed_methods, clippy::cast_possible_truncation, clippy::cast_precision_loss)]
#![allow(clippy::cast_sign_loss, clippy::indexing_slicing, clippy::panic)]

#[path = "../tests/suite/support/events.rs"]
mod events;
#[path = "../tests/suite/support/mtls.rs"]
mod mtls;
#[path = "../tests/suite/support/server.rs"]
mod server;

use std::{fs, net::SocketAddr, sync::Arc};

use tempfile::TempDir;
use tidu::{
    cli::generate::Enterprise,
    protocol::pb::{self, subscribe_response::Payload},
};
use tokio::{sync::Semaphore, task::JoinSet};

use self::{
    events::{designated, made_up},
    server::{Client, Server, directory},
};

/// Appends in flight, of one event each.
const IN_FLIGHT: usize = 64;
/// Streams that follow live.
const FOLLOWERS: usize = 50;
/// Streams that catch up.
const CATCHING_UP: usize = 8;

struct Plan {
    rounds: usize,
    appends: usize,
    live: usize,
}

/// A server with its clients.
struct Side {
    server: Server,
    recorder: Client,
    reader: SocketAddr,
    _dir: TempDir,
}

impl Side {
    async fn plain() -> Self {
        let dir = directory();
        let server = Server::start(&dir.path().join("data"));
        let reader = port(&server);
        let recorder = client(reader).await;
        Self { server, recorder, reader, _dir: dir }
    }

    /// A server that knows its callers by their certificates. The one that reads has this role.
    async fn guarded(reading: &str) -> Self {
        let (dir, ca) = (directory(), mtls::Ca::new());
        let mut policy = String::new();
        for role in ["recorder", reading] {
            let uri = format!("tidu://bench/{role}");
            ca.caller(&uri).write(dir.path(), role);
            policy += &format!(
                "[[principal]]\nid = \"bench.{role}\"\nroles = [\"{role}\"]\n\
                 certificate = \"{uri}\"\n"
            );
            if role != "auditor" {
                policy += "authority = \"440000\"\n";
            }
        }
        let arguments = mtls::arguments(&ca, dir.path(), &policy);
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let server = Server::start_with(&dir.path().join("data"), &arguments);
        let to = port(&server);
        let road = async |name| mtls::road(to, mtls::client(dir.path(), Some(name))).await;
        let (recorder, reader) = (client(road("recorder").await).await, road(reading).await);
        Self { server, recorder, reader, _dir: dir }
    }

    /// Processor time of all threads; those that end meanwhile are the few of the runtime that are
    /// idle.
    fn cpu_seconds(&self) -> f64 {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.server.child.id())).unwrap();
        let nanos = tasks.filter_map(|task| {
            let told = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            told.split_whitespace().next()?.parse::<u64>().ok()
        });
        nanos.sum::<u64>() as f64 / 1e9
    }

    /// Processor time of the server for one append, in microseconds.
    async fn appends(&self, enterprises: &[Enterprise]) -> f64 {
        let (before, slots) = (self.cpu_seconds(), Arc::new(Semaphore::new(IN_FLIGHT)));
        let mut tasks = JoinSet::new();
        for enterprise in enterprises {
            let slot = Arc::clone(&slots).acquire_owned().await.unwrap();
            let (mut client, event) = (self.recorder.clone(), designated(enterprise));
            tasks.spawn(async move {
                client.record(vec![event]).await.unwrap();
                drop(slot);
            });
        }
        tasks.join_all().await;
        (self.cpu_seconds() - before) / enterprises.len() as f64 * 1e6
    }

    /// Processor time of the server for one event that a stream catches up with.
    async fn catch_up(&self, size: u64) -> f64 {
        let before = self.cpu_seconds();
        let mut tasks = JoinSet::new();
        for _ in 0..CATCHING_UP {
            tasks.spawn(follow(self.reader, 0, size));
        }
        tasks.join_all().await;
        (self.cpu_seconds() - before) / (size * CATCHING_UP as u64) as f64 * 1e6
    }

    /// Processor time of the server for one live delivery. The appends count with it, as one of
    /// them has that many deliveries.
    async fn live(&self, size: u64, enterprises: &[Enterprise]) -> f64 {
        let end = size + enterprises.len() as u64;
        let mut tasks = JoinSet::new();
        for _ in 0..FOLLOWERS {
            tasks.spawn(follow(self.reader, size, end));
        }
        let before = self.cpu_seconds();
        let mut client = self.recorder.clone();
        for enterprise in enterprises {
            client.record(vec![designated(enterprise)]).await.unwrap();
        }
        tasks.join_all().await;
        (self.cpu_seconds() - before) / (enterprises.len() * FOLLOWERS) as f64 * 1e6
    }
}

#[tokio::main]
async fn main() {
    let is_quick = std::env::args().any(|argument| argument == "--quick");
    let mut plan = Plan { rounds: 5, appends: 20_000, live: 2_000 };
    if is_quick {
        plan = Plan { rounds: 1, appends: 500, live: 50 };
    }
    let sides =
        [Side::plain().await, Side::guarded("auditor").await, Side::guarded("reader").await];
    let all = made_up(20, plan.rounds * (plan.appends + plan.live));
    let names = ["append", "delivery, catching up", "delivery, live"];
    let mut figures = [const { Vec::new() }; 3];
    let mut next = 0;
    let mut size = sides[0].recorder.clone().status().await.log_size;
    for round in 0..plan.rounds {
        let (appended, live) = (next + plan.appends, next + plan.appends + plan.live);
        let mut of_round = [[0.0; 3]; 3];
        for turn in 0..3 {
            // Each side goes first in turn.
            let side = (turn + round) % 3;
            let at = &sides[side];
            of_round[0][side] = at.appends(&all[next..appended]).await;
            let grown = size + plan.appends as u64;
            of_round[1][side] = at.catch_up(grown).await;
            of_round[2][side] = at.live(grown, &all[appended..live]).await;
        }
        next = live;
        size += (plan.appends + plan.live) as u64;
        figures.iter_mut().zip(of_round).for_each(|(figure, pair)| figure.push(pair));
    }
    println!("processor time of the server in µs: without, with TLS alone, with rights as well");
    for (name, rounds) in names.iter().zip(&figures) {
        let side = |side: usize| median(rounds.iter().map(|round| round[side]).collect());
        let ratio =
            |side: usize| median(rounds.iter().map(|round| round[side] / round[0]).collect());
        let (tls, all) = (ratio(1), ratio(2));
        let [plain, with_tls, with_all] = [side(0), side(1), side(2)];
        println!("{name:<24} {plain:>8.2} {with_tls:>8.2} x{tls:.3} {with_all:>8.2} x{all:.3}");
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn port(server: &Server) -> SocketAddr {
    server.address.rsplit('/').next().unwrap().parse().unwrap()
}

async fn client(address: SocketAddr) -> Client {
    Client::connect(&format!("http://{address}")).await
}

/// Reads a range of the log as stored bytes, on a connection of its own.
async fn follow(address: SocketAddr, from: u64, to: u64) {
    let mut client = client(address).await;
    let request = pb::SubscribeRequest {
        start: Some(pb::subscribe_request::Start::FromPosition(from)),
        stop_position: Some(to),
        raw: true,
        ..Default::default()
    };
    let mut stream = client.ledger.subscribe(request).await.unwrap().into_inner();
    let mut next = from;
    while let Some(message) = stream.message().await.unwrap() {
        next = match message.payload {
            Some(Payload::RawEvents(batch)) => batch.next_position,
            Some(Payload::Progress(progress)) => progress.next_position,
            other => panic!("{other:?}"),
        };
    }
    assert_eq!(next, to);
}
