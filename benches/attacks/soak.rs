//! A soak: one server for hours, with every attack in turn for a tenth of the time.
//!
//! `cargo bench --profile dist --bench attacks -- --soak 1440` runs for a day. Each minute has a
//! line. The well-behaved caller never stops, so its times hold those under the attacks too.
//!
//! The run fails as one attack would, and if the memory beside the data grew by more than
//! [`GROWTH_MAX`] between the first round of attacks and the end. The memory of the data is
//! measured by starts over the log as it was then, so recorded events do not count.

use std::{
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

/// Of this long, a tenth is an attack.
const TURN: Duration = Duration::from_secs(10);
/// Bytes that may stay behind in the caches and pools of a server that did nothing else.
const GROWTH_MAX: u64 = 48 * 1024 * 1024;

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

/// Runs for `minutes` over a copy of the filled log.
pub async fn run(plan: &Plan, filled: &Path, minutes: f64) -> ExitCode {
    let dir = directory();
    let data = dir.path().join("data");
    copy(filled, &data);
    let server = Server::start(&data);
    let caller = Caller::connect(&server.address, plan.designees).await;
    let before = caller.run(TURN).await;
    println!("undisturbed      {before}");
    let attacks: Vec<_> =
        (0..ATTACKS.len()).filter(|n| !ATTACKS[*n].0.contains(HANDSHAKES)).collect();
    let plan = Plan { seconds: TURN.as_secs_f64() / 10.0, ..*plan };
    let began = Instant::now();
    let end = began + Duration::from_secs_f64(minutes * 60.0);
    let (mut all, mut minute, mut told) = (Times::default(), Times::default(), 0);
    let mut first: Option<Held> = None;
    for (turn, number) in attacks.iter().cycle().enumerate() {
        if turn == attacks.len() {
            first = Some(Held::of(&server, &data).await);
        }
        if Instant::now() >= end && turn > attacks.len() {
            break;
        }
        minute.add(turn_of(&plan, &server, &caller, *number).await);
        let now = began.elapsed().as_secs() / 60;
        if now > told {
            told = now;
            let mib = memory(server.child.id(), "VmRSS:") / 1024 / 1024;
            println!("minute {now:5}     {minute} | {mib} MiB");
            all.add(std::mem::take(&mut minute));
        }
    }
    all.add(minute);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let last = Held::of(&server, &data).await;
    let first = first.unwrap_or(last);
    println!("all              {all}");
    let mut faults = slower(&before, &all, "over all");
    if let Some(refusal) = all.refused.first() {
        faults.push(format!("{} calls were refused, the first with {refusal}", all.refused.len()));
    }
    let lost = caller.lost().await;
    if !lost.is_empty() {
        faults.push(format!("{} acknowledged events are lost", lost.len()));
    }
    let grown = last.beside_data().saturating_sub(first.beside_data());
    for (when, held) in [("after the first round", first), ("at the end", last)] {
        let [serving, fresh] = [held.serving, held.fresh].map(|bytes| bytes / 1024 / 1024);
        println!("memory {when}: {serving} MiB; a fresh server over the same log: {fresh} MiB");
    }
    if grown > GROWTH_MAX {
        faults.push(format!("memory beside the data grew by {} MiB", grown / 1024 / 1024));
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
