//! Verify: reads the whole log from its store again while the server serves, at a bounded rate.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::stream;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until},
};
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::errors::{self, Limit};
use crate::{
    domain::fault::{Key, RuleId},
    ledger::{Ledger, audit::Verification, run_blocking},
    limits::{
        VERIFICATIONS_MAX, VERIFY_RATE_DEFAULT, VERIFY_RATE_MAX, VERIFY_RATE_MIN,
        VERIFY_REPORT_INTERVAL, VERIFY_RETRY_DELAY, VERIFY_STEP_BYTES,
    },
    protocol::pb,
};

/// Starts verifications, one at a time.
#[derive(Clone)]
pub(crate) struct Verifications {
    ledger: Arc<Ledger>,
    drain: CancellationToken,
    permits: Arc<Semaphore>,
}

/// A running verification.
struct RunningVerification {
    ledger: Arc<Ledger>,
    drain: CancellationToken,
    /// `None` during a step.
    verification: Option<Verification>,
    bytes_per_second: u64,
    bytes_read: u64,
    /// The earliest start of the next step.
    due: Instant,
    report_due: Instant,
    complete: bool,
    _permit: OwnedSemaphorePermit,
}

impl Verifications {
    pub(crate) fn new(ledger: Arc<Ledger>, drain: CancellationToken) -> Self {
        Self { ledger, drain, permits: Arc::new(Semaphore::new(VERIFICATIONS_MAX)) }
    }

    /// Checks the request and starts its verification.
    pub(crate) async fn open(
        &self,
        request: pb::VerifyRequest,
    ) -> Result<impl Stream<Item = Result<pb::VerifyResponse, Status>> + Send + use<>, Status> {
        let size = self.ledger.durable().size;
        let from = request.from_position;
        if from > size {
            return Err(errors::beyond_log("from_position", from, size));
        }
        let rate = rate(request.bytes_per_second)?;
        let permit = Arc::clone(&self.permits).try_acquire_owned().map_err(|_| {
            let text = "a verification is running; only one runs at a time";
            let (limit, retry) = (VERIFICATIONS_MAX as u64, Some(VERIFY_RETRY_DELAY));
            let limit = Limit { limit, unit: "verifications", retry, ..Limit::default() };
            errors::exhausted(text, limit)
        })?;
        let ledger = Arc::clone(&self.ledger);
        let verification = run_blocking(move || ledger.verification(from)).await??;
        let now = Instant::now();
        let running = RunningVerification {
            ledger: Arc::clone(&self.ledger),
            drain: self.drain.clone(),
            verification: Some(verification),
            bytes_per_second: rate,
            bytes_read: 0,
            due: now,
            report_due: now + VERIFY_REPORT_INTERVAL,
            complete: false,
            _permit: permit,
        };
        Ok(stream::unfold(Some(running), |running| async move {
            let mut running = running?;
            match running.report().await {
                Ok(Some(report)) => Some((Ok(report), Some(running))),
                Ok(None) => None,
                Err(status) => Some((Err(status), None)),
            }
        }))
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
    /// Verifies until a report is due; `None` after the last report.
    async fn report(&mut self) -> Result<Option<pb::VerifyResponse>, Status> {
        while !self.complete {
            tokio::select! {
                () = self.drain.cancelled() => return Err(errors::draining()),
                () = sleep_until(self.due) => {}
            }
            let report = self.step().await?;
            if self.complete || Instant::now() >= self.report_due {
                self.report_due = Instant::now() + VERIFY_REPORT_INTERVAL;
                return Ok(Some(report));
            }
        }
        Ok(None)
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
        // A client that paused gets no credit for that time.
        self.due = self.due.max(Instant::now())
            + Duration::from_secs_f64(so_far.bytes as f64 / self.bytes_per_second as f64);
        let root = if self.complete { verification.root().to_vec() } else { Vec::new() };
        self.verification = Some(verification);
        Ok(pb::VerifyResponse {
            verified_position: so_far.position,
            log_size: so_far.size,
            read_bytes: self.bytes_read,
            root_hash: Bytes::from(root),
        })
    }
}
