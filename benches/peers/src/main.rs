//! Tidu beside etcd and JetStream: the same events, each durable before its reply, on one machine.
//!
//! `cargo run --profile dist --manifest-path benches/peers/Cargo.toml` prints the tables;
//! docs/performance.md says what they mean and how they are made fair. `benches/peers/tools.sh`
//! gets the peers.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]
#![allow(clippy::disallowed_methods)] // measuring is reading the clock

mod echo;
mod etcd;
mod events;
mod jetstream;
mod peer;
mod process;
mod rows;
mod table;
mod tidu_peer;

use clap::{Parser, ValueEnum};

use crate::{
    echo::Echo,
    etcd::Etcd,
    events::Events,
    jetstream::{Atomic, JetStream},
    table::Table,
    tidu_peer::Tidu,
};

/// As Tidu's own clients and the server have it; reading events is making strings, for every system
/// the same.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures Tidu beside etcd and JetStream
#[derive(Parser)]
struct Arguments {
    /// How often everything is measured; the tables show medians
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// A short run that only shows that everything works
    #[arg(long)]
    quick: bool,
    /// Only these measurements
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Measurement>,
    /// Only these systems
    #[arg(long, value_enum, value_delimiter = ',')]
    systems: Vec<System>,
    #[arg(long, hide = true)]
    echo_server: Option<String>,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Measurement {
    /// One durable event a call; 1, 64 and 256 calls in flight
    Append,
    /// A bulk load, memory, and the catch-up of one subscriber
    Load,
    /// Live delivery to 50 subscribers
    FanOut50,
    /// Live delivery to 200 subscribers
    FanOut200,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum System {
    Tidu,
    Etcd,
    Jetstream,
    Echo,
}

/// How much.
struct Plan {
    seconds: f64,
    load: usize,
    deliveries: usize,
}

const FULL: Plan = Plan { seconds: 3.0, load: 200_000, deliveries: 1_000_000 };
const QUICK: Plan = Plan { seconds: 0.3, load: 40_000, deliveries: 80_000 };

fn main() {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        if let Some(address) = &arguments.echo_server {
            return echo::serve(address).await;
        }
        // Whatever ends the run ends the servers, too: they go with what owns them.
        let mut terminate =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
                .expect("signals");
        tokio::select! {
            () = measure(&arguments) => {}
            _ = tokio::signal::ctrl_c() => eprintln!("interrupted"),
            _ = terminate.recv() => eprintln!("terminated"),
        }
    });
}

async fn measure(arguments: &Arguments) {
    let plan = if arguments.quick { QUICK } else { FULL };
    let rounds = if arguments.quick { 1 } else { arguments.rounds };
    let events = Events::new(plan.load);
    println!("{}", versions());
    println!("peers are given {} B an event, {rounds} rounds\n", rows::payload_bytes(&events));
    let mut table = Table::default();
    for round in 1..=rounds {
        for measurement in Measurement::value_variants() {
            if !arguments.only.is_empty() && !arguments.only.contains(measurement) {
                continue;
            }
            for system in System::value_variants() {
                if arguments.systems.is_empty() || arguments.systems.contains(system) {
                    eprintln!("round {round} of {rounds}: {}, {system:?}", name(*measurement));
                    run(*measurement, *system, &plan, &events, &mut table).await;
                }
            }
        }
    }
    table.print();
}

fn name(measurement: Measurement) -> String {
    measurement.to_possible_value().map_or(String::new(), |value| value.get_name().to_owned())
}

async fn run(
    measurement: Measurement,
    system: System,
    plan: &Plan,
    events: &Events,
    table: &mut Table,
) {
    match (measurement, system) {
        (Measurement::Append, System::Tidu) => rows::appends::<Tidu>(plan, events, table).await,
        (Measurement::Append, System::Etcd) => rows::appends::<Etcd>(plan, events, table).await,
        (Measurement::Append, System::Jetstream) => {
            rows::appends::<JetStream>(plan, events, table).await;
        }
        (Measurement::Append, System::Echo) => rows::appends::<Echo>(plan, events, table).await,
        (Measurement::Load, System::Tidu) => rows::load::<Tidu>(plan, events, table).await,
        (Measurement::Load, System::Etcd) => rows::load::<Etcd>(plan, events, table).await,
        (Measurement::Load, System::Jetstream) => {
            rows::load::<JetStream>(plan, events, table).await;
            rows::load::<Atomic>(plan, events, table).await;
        }
        (Measurement::FanOut50 | Measurement::FanOut200, system) => {
            let followers = if measurement == Measurement::FanOut50 { 50 } else { 200 };
            match system {
                System::Tidu => rows::fan_out::<Tidu>(plan, followers, events, table).await,
                System::Etcd => rows::fan_out::<Etcd>(plan, followers, events, table).await,
                System::Jetstream => {
                    rows::fan_out::<JetStream>(plan, followers, events, table).await;
                }
                System::Echo => {}
            }
        }
        (Measurement::Load, System::Echo) => {}
    }
}

/// What each program says it is.
fn versions() -> String {
    let programs = [
        Some(process::tidu().to_owned()),
        process::program("TIDU_BENCH_ETCD", "etcd"),
        process::program("TIDU_BENCH_NATS", "nats-server"),
    ];
    let says = |program| {
        let output = std::process::Command::new(program).arg("--version").output().ok()?;
        String::from_utf8(output.stdout).ok()?.lines().next().map(str::to_owned)
    };
    let said: Vec<String> = programs.into_iter().flatten().filter_map(says).collect();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{}; {cores} cores shared by client and server", said.join(", "))
}
