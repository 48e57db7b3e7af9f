//! The well-behaved caller: one append and one read every 20 ms, on a connection of its own.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tidu::protocol::pb;
use tokio::task::JoinSet;
use tonic::Status;

use crate::{records, server::Client};

const INTERVAL: Duration = Duration::from_millis(20);
/// A call that takes longer counts as refused.
const PATIENCE: Duration = Duration::from_secs(20);
/// The first number of the designees that it records about.
const OWN: u64 = 50_000_000;
/// Most acknowledged events that are looked up at the end.
const LOOKED_AT: usize = 20_000;

pub struct Caller {
    client: Client,
    designees: u64,
    /// Its acknowledged events: the number of the designee, and the position.
    acknowledged: Arc<Mutex<Vec<(u64, u64)>>>,
}

/// The times of its calls, in seconds.
#[derive(Default)]
pub struct Times {
    pub appends: Vec<f64>,
    pub reads: Vec<f64>,
    pub refused: Vec<String>,
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pair =
            |times| format!("{:.1}/{:.1}", quantile(times, 0.5) * 1e3, quantile(times, 0.99) * 1e3);
        write!(f, "append {:>13} read {:>13}", pair(&self.appends), pair(&self.reads))
    }
}

impl Times {
    /// Adds the times of other calls.
    pub fn add(&mut self, other: Self) {
        self.appends.extend(other.appends);
        self.reads.extend(other.reads);
        self.refused.extend(other.refused);
    }
}

pub fn quantile(times: &[f64], q: f64) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get((sorted.len().saturating_sub(1) as f64 * q) as usize).copied().unwrap_or(0.0)
}

impl Caller {
    pub async fn connect(address: &str, designees: u64) -> Self {
        let client = Client::connect(address).await;
        Self { client, designees, acknowledged: Arc::default() }
    }

    /// Calls for a while, whatever the answers take.
    pub async fn run(&self, span: Duration) -> Times {
        let (mut appends, mut reads) = (JoinSet::new(), JoinSet::new());
        let end = Instant::now() + span;
        let mut due = Instant::now();
        while due < end {
            tokio::time::sleep_until(due.into()).await;
            let number = self.next();
            let (mut client, acknowledged) = (self.client.clone(), Arc::clone(&self.acknowledged));
            appends.spawn(async move {
                let answer = client.record(vec![records::update(number)]);
                let answer = in_time(answer).await?;
                let position = answer.next_position - 1;
                acknowledged.lock().unwrap().push((number, position));
                Ok::<_, Status>(due.elapsed().as_secs_f64())
            });
            let (mut client, who) = (self.client.clone(), number % self.designees);
            reads.spawn(async move {
                let designee = records::identifier(who);
                let request = pb::GetDesigneeRequest { designee, ..Default::default() };
                in_time(client.register.get_designee(request)).await?;
                Ok::<_, Status>(due.elapsed().as_secs_f64())
            });
            due += INTERVAL;
        }
        let mut times = Times::default();
        for (calls, into) in [(appends, &mut times.appends), (reads, &mut times.reads)] {
            for outcome in calls.join_all().await {
                match outcome {
                    Ok(seconds) => into.push(seconds),
                    Err(status) => {
                        times.refused.push(format!("{}: {}", status.code(), status.message()));
                    }
                }
            }
        }
        times
    }

    fn next(&self) -> u64 {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(OWN);
        NEXT.fetch_add(1, Ordering::Relaxed)
    }

    /// The acknowledged positions where another event is, or none. Of many it looks at some.
    pub async fn lost(&self) -> Vec<u64> {
        let acknowledged = self.acknowledged.lock().unwrap().clone();
        let step = acknowledged.len().div_ceil(LOOKED_AT).max(1);
        let mut lost = Vec::new();
        let mut client = self.client.clone();
        for (number, position) in acknowledged.into_iter().step_by(step) {
            let position_asked = Some(position);
            let request = pb::GetEventRequest { position: position_asked, raw: false };
            let found = client.ledger.get_event(request).await.ok();
            let event = found.and_then(|found| found.into_inner().event).and_then(|e| e.event);
            if event.is_none_or(|event| event.designee != records::identifier(number)) {
                lost.push(position);
            }
        }
        lost
    }
}

async fn in_time<T>(call: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
    let late = |_| Status::deadline_exceeded(format!("no answer within {PATIENCE:?}"));
    tokio::time::timeout(PATIENCE, call).await.map_err(late)?
}
