//! A soak: one server for hours, with every attack in turn for a tenth of the time.
//!
//! `cargo bench --profile dist --bench attacks -- --soak 1440` runs for a day. Each minute has a
//! line, and so has each round of all attacks. The well-behaved caller never stops, so its times
//! hold those under the attacks too. `--share 0.9` attacks for nine tenths of the time, which shows
//! in hours what a tenth would leave behind in a day.
//!
//! The run fails as one attack would, and if the memory beside the data is not flat: in the last
//! third of the rounds its median may exceed that of the second third by [`GROWTH_MAX`]. In the
//! first third the caches fill up. The memory of the data is measured after each round by a start
//! over the log as it is then, so recorded events do not count.

use std::{
    fmt,
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use super::{
    ATTACKS, HANDSHAKES, Plan, attacker,
    caller::{Caller, Times},
    copy, memory,
    server::{Server, directory},
    slower,
};

const MIB: u64 = 1024 * 1024;
/// A share of this long is an attack.
const TURN: Duration = Duration::from_secs(10);
/// The share, unless another is asked for.
pub const SHARE: f64 = 0.1;
/// Bytes by which the memory beside the data may differ between two thirds of the run.
const GROWTH_MAX: u64 = 16 * 1024 * 1024;
/// Rounds that make a third worth judging.
const ROUNDS_MIN: usize = 6;

/// Memory of a server, and of a fresh one over the same log.
#[derive(Clone, Copy)]
struct Held {
    serving: u64,
    fresh: u64,
}

impl Held {
    async fn of(server: &Server, data: &Path) -> Self {
        let serving = memory(server.child.id(), "VmRSS:");
        let image = directory();
        let copied = image.path().join("data");
        copy(data, &copied);
        let fresh = Server::start(&copied);
        fresh.client().await;
        Self { serving, fresh: memory(fresh.child.id(), "VmRSS:") }
    }

    fn beside_data(self) -> u64 {
        self.serving.saturating_sub(self.fresh)
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [serving, fresh] = [self.serving, self.fresh].map(|bytes| bytes / MIB);
        write!(f, "{serving} MiB; a fresh server over the same log: {fresh} MiB")
    }
}

/// Bytes by which the median of the last third exceeds that of the second.
fn growth(rounds: &[Held]) -> u64 {
    let third = rounds.len() / 3;
    let median = |rounds: &[Held]| {
        let mut beside: Vec<_> = rounds.iter().map(|held| held.beside_data()).collect();
        beside.sort_unstable();
        beside[beside.len() / 2]
    };
    let (before, last) = rounds[third..].split_at(third.max(1));
    median(last).saturating_sub(median(before))
}

/// Runs for `minutes` over a copy of the filled log.
pub async fn run(plan: &Plan, filled: &Path, minutes: f64, share: f64) -> ExitCode {
    let dir = directory();
    let data = dir.path().join("data");
    copy(filled, &data);
    let server = Server::start(&data);
    let caller = Caller::connect(&server.address, plan.designees).await;
    let before = caller.run(TURN).await;
    println!("undisturbed      {before}");
    let attacks: Vec<_> =
        (0..ATTACKS.len()).filter(|n| !ATTACKS[*n].0.contains(HANDSHAKES)).collect();
    let plan = Plan { seconds: TURN.as_secs_f64() * share, ..*plan };
    let began = Instant::now();
    let end = began + Duration::from_secs_f64(minutes * 60.0);
    let (mut all, mut minute, mut told) = (Times::default(), Times::default(), 0);
    let mut rounds = Vec::new();
    for (turn, number) in attacks.iter().cycle().enumerate() {
        if turn > 0 && turn % attacks.len() == 0 {
            minute.add(caller.run(TURN).await);
            let held = Held::of(&server, &data).await;
            rounds.push(held);
            println!("round {:6}     {held}", rounds.len());
            if Instant::now() >= end {
                break;
            }
        }
        minute.add(turn_of(&plan, &server, &caller, *number).await);
        let now = began.elapsed().as_secs() / 60;
        if now > told {
            told = now;
            let mib = memory(server.child.id(), "VmRSS:") / MIB;
            println!("minute {now:5}     {minute} | {mib} MiB");
            all.add(std::mem::take(&mut minute));
        }
    }
    all.add(minute);
    println!("all              {all}");
    let mut faults = slower(&before, &all, "over all");
    if let Some(refusal) = all.refused.first() {
        faults.push(format!("{} calls were refused, the first with {refusal}", all.refused.len()));
    }
    let lost = caller.lost().await;
    if !lost.is_empty() {
        faults.push(format!("{} acknowledged events are lost", lost.len()));
    }
    if rounds.len() < ROUNDS_MIN {
        println!("memory is judged after {ROUNDS_MIN} rounds");
    } else if growth(&rounds) > GROWTH_MAX {
        faults.push(format!("memory beside the data grew by {} MiB", growth(&rounds) / MIB));
    }
    match server.terminate() {
        Some(0) => {}
        ended => faults.push(format!("the server ended with {ended:?}")),
    }
    faults.iter().for_each(|fault| println!("    FAILED: {fault}"));
    ExitCode::from(u8::from(!faults.is_empty()))
}

/// One attack and the quiet after it, with the caller beside both.
async fn turn_of(plan: &Plan, server: &Server, caller: &Caller, number: usize) -> Times {
    let address = server.address.rsplit('/').next().unwrap().parse().unwrap();
    let mut attacker = attacker(plan, address, "", number);
    let mut times = caller.run(Duration::from_secs_f64(plan.seconds)).await;
    attacker.kill().unwrap();
    attacker.wait().unwrap();
    times.add(caller.run(TURN.saturating_sub(Duration::from_secs_f64(plan.seconds))).await);
    times
}
