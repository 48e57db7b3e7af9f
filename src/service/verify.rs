//! Verify: reads the whole log from its store again while the server serves, at a bounded rate.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::stream;
use parking_lot::Mutex;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{Instant, sleep_until},
};
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::{
    arrival::Named,
    call::Call,
    errors::{self, Limit},
    standing::Standing,
};
use crate::{
    domain::{
        Party,
        fault::{Key, RuleId},
    },
    ledger::{Ledger, audit::Verification, run_blocking},
    limits::{
        VERIFICATIONS_MAX, VERIFY_RATE_DEFAULT, VERIFY_RATE_MAX, VERIFY_RATE_MIN,
        VERIFY_REPORT_INTERVAL, VERIFY_RETRY_DELAY, VERIFY_STEP_BYTES,
    },
    protocol::{methods::Method, pb},
};

/// Starts verifications, one at a time.
///
/// Each is a task of its own, which goes on whether or not its caller takes the reports, and ends
/// when nobody waits for them. Nobody holds it for long: once it has had the time that it takes at
/// the default rate, another caller may have its place.
#[derive(Clone)]
pub(crate) struct Verifications {
    ledger: Arc<Ledger>,
    drain: CancellationToken,
    permits: Arc<Semaphore>,
    /// The one that runs, or ran last.
    holder: Arc<Mutex<Option<Holder>>>,
}

/// Who has the place, and since when.
#[derive(Clone)]
struct Holder {
    party: Party,
    began: Instant,
    progress: watch::Receiver<Progress>,
    leave: CancellationToken,
}

/// How far a verification is.
#[derive(Clone, Copy, Default)]
struct Progress {
    /// Events to verify in all.
    events: u64,
    verified: u64,
    bytes: u64,
}

/// The newest report, or the end.
type Report = Option<Result<pb::VerifyResponse, Status>>;

/// A running verification.
struct RunningVerification {
    ledger: Arc<Ledger>,
    drain: CancellationToken,
    leave: CancellationToken,
    /// `None` during a step.
    verification: Option<Verification>,
    from: u64,
    bytes_per_second: u64,
    bytes_read: u64,
    /// The earliest start of the next step.
    due: Instant,
    report_due: Instant,
    standing: Standing,
    complete: bool,
    progress: watch::Sender<Progress>,
    _permit: OwnedSemaphorePermit,
}

impl Verifications {
    pub(crate) fn new(ledger: Arc<Ledger>, drain: CancellationToken) -> Self {
        let permits = Arc::new(Semaphore::new(VERIFICATIONS_MAX));
        Self { ledger, drain, permits, holder: Arc::default() }
    }

    /// Checks the request and starts its verification.
    pub(crate) async fn open(
        &self,
        call: &Call,
        request: pb::VerifyRequest,
    ) -> Result<impl Stream<Item = Result<pb::VerifyResponse, Status>> + Send + use<>, Status> {
        let from = request.from_position;
        let named = Named { field: "from_position", position: from };
        let size = named.within(&self.ledger, call).await?;
        let rate = rate(request.bytes_per_second)?;
        let permit = self.place(call.party).await?;
        let (now, leave) = (Instant::now(), CancellationToken::new());
        let begun = Progress { events: size - from, ..Progress::default() };
        let (progress, watched) = watch::channel(begun);
        let holder =
            Holder { party: call.party, began: now, progress: watched, leave: leave.clone() };
        *self.holder.lock() = Some(holder);
        let ledger = Arc::clone(&self.ledger);
        let verification = run_blocking(move || ledger.verification(from)).await??;
        let running = RunningVerification {
            ledger: Arc::clone(&self.ledger),
            drain: self.drain.clone(),
            leave,
            verification: Some(verification),
            from,
            bytes_per_second: rate,
            bytes_read: 0,
            due: now,
            report_due: now + VERIFY_REPORT_INTERVAL,
            standing: Standing::of(call, Method::Verify, self.ledger.now_micros()),
            complete: false,
            progress,
            _permit: permit,
        };
        let (reports, newest) = watch::channel(Report::None);
        tokio::spawn(running.run(reports));
        Ok(stream::unfold(newest, |mut newest| async move {
            // The last one is still seen when the task has ended.
            newest.changed().await.ok()?;
            let report = newest.borrow_and_update().clone()?;
            Some((report, newest))
        }))
    }

    /// Waits for the place, if the one who has it must go; else refuses.
    async fn place(&self, party: Party) -> Result<OwnedSemaphorePermit, Status> {
        let permits = Arc::clone(&self.permits);
        if let Ok(permit) = Arc::clone(&permits).try_acquire_owned() {
            return Ok(permit);
        }
        let holder = self.holder.lock().clone();
        let Some(holder) = holder.filter(|holder| holder.may_be_sent_away_by(party)) else {
            let text = "a verification is running; only one runs at a time";
            let (limit, retry) = (VERIFICATIONS_MAX as u64, Some(VERIFY_RETRY_DELAY));
            let limit = Limit { limit, unit: "verifications", retry, ..Limit::default() };
            return Err(errors::exhausted(text, limit));
        };
        holder.leave.cancel();
        // It ends after its step.
        let permit = permits.acquire_owned().await;
        permit.map_err(|_| errors::internal("the place of verifications was closed"))
    }
}

impl Holder {
    fn may_be_sent_away_by(&self, party: Party) -> bool {
        let time = self.progress.borrow().time_at_default_rate();
        self.party != party && self.began.elapsed() > time + VERIFY_RETRY_DELAY
    }
}

impl Progress {
    /// The time that all of it takes at the default rate, read from what it has read so far.
    fn time_at_default_rate(self) -> Duration {
        let parts = self.events as f64 / self.verified.max(1) as f64;
        Duration::from_secs_f64(self.bytes as f64 * parts / VERIFY_RATE_DEFAULT as f64)
    }
}

/// The rate to read at. There is a least one, because others wait for the end.
fn rate(asked: u64) -> Result<u64, Status> {
    match asked {
        0 => Ok(VERIFY_RATE_DEFAULT),
        VERIFY_RATE_MIN.. => Ok(asked.min(VERIFY_RATE_MAX)),
        slower => {
            let breach = RuleId::VerifyRateLeast.with(Key::Least, VERIFY_RATE_MIN);
            Err(errors::bad_field("bytes_per_second", &slower.to_string(), breach))
        }
    }
}

impl RunningVerification {
    /// Verifies to the end, or until nobody waits for a report.
    async fn run(mut self, reports: watch::Sender<Report>) {
        if let Err(status) = self.verify(&reports).await {
            reports.send_replace(Some(Err(status)));
        }
    }

    async fn verify(&mut self, reports: &watch::Sender<Report>) -> Result<(), Status> {
        while !self.complete {
            tokio::select! {
                () = self.drain.cancelled() => return Err(errors::draining()),
                () = self.leave.cancelled() => return Err(sent_away()),
                () = reports.closed() => return Ok(()),
                () = self.standing.moved() => {
                    self.standing.require_role()?;
                    continue;
                }
                () = sleep_until(self.due) => {}
            }
            let report = self.step().await?;
            self.standing.require_role()?;
            if self.complete || Instant::now() >= self.report_due {
                self.report_due = Instant::now() + VERIFY_REPORT_INTERVAL;
                reports.send_replace(Some(Ok(report)));
            }
        }
        Ok(())
    }

    async fn step(&mut self) -> Result<pb::VerifyResponse, Status> {
        let Some(mut verification) = self.verification.take() else {
            return Err(errors::internal("a verification continued after its end"));
        };
        let ledger = Arc::clone(&self.ledger);
        let stepped = run_blocking(move || {
            let step = verification.step(VERIFY_STEP_BYTES);
            step.inspect_err(|e| ledger.found_damage(e)).map(|step| (verification, step))
        });
        let (verification, step) = stepped.await??;
        let so_far = step.unwrap_or_else(|| verification.so_far());
        self.complete = so_far.position >= so_far.size;
        self.bytes_read += so_far.bytes;
        self.progress.send_modify(|progress| {
            progress.verified = so_far.position.saturating_sub(self.from);
            progress.bytes = self.bytes_read;
        });
        // A disk that was slow gets no credit for that time.
        self.due = self.due.max(Instant::now())
            + Duration::from_secs_f64(so_far.bytes as f64 / self.bytes_per_second as f64);
        let root = if self.complete { verification.root().to_vec() } else { Vec::new() };
        self.verification = Some(verification);
        Ok(pb::VerifyResponse {
            verified_position: so_far.position,
            log_size: so_far.size,
            read_bytes: self.bytes_read,
            root_hash: Bytes::from(root),
            unread_events: self.ledger.unread().below(self.from),
        })
    }
}

/// The verification ends for another caller's.
fn sent_away() -> Status {
    let text = "another caller asks for a verification, and this one has had the time that it \
                takes at the default rate; go on later, from the last position that was verified";
    let (limit, retry) = (VERIFICATIONS_MAX as u64, Some(VERIFY_RETRY_DELAY));
    errors::queue_full(text, Limit { limit, unit: "verifications", retry, ..Limit::default() })
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn party(port: u16) -> Party {
        Party::of(([127, 0, 0, 1], port).into())
    }

    #[tokio::test(start_paused = true)]
    async fn a_verification_has_the_time_of_the_default_rate_to_itself() {
        // A tenth of it took as many bytes as the default rate reads in a second.
        let so_far = Progress { events: 1_000, verified: 100, bytes: VERIFY_RATE_DEFAULT };
        assert_eq!(so_far.time_at_default_rate(), Duration::from_secs(10));
        let (_progress, progress) = watch::channel(so_far);
        let (began, leave) = (Instant::now(), CancellationToken::new());
        let holder = Holder { party: party(1), began, progress, leave };
        advance(Duration::from_secs(10) + VERIFY_RETRY_DELAY).await;
        assert!(!holder.may_be_sent_away_by(party(2)));
        advance(Duration::from_millis(1)).await;
        assert!(holder.may_be_sent_away_by(party(2)));
        assert!(!holder.may_be_sent_away_by(party(1)), "not for its own");
        assert_eq!(Progress::default().time_at_default_rate(), Duration::ZERO);
    }
}
