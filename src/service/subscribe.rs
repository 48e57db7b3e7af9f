//! Subscribe: one stream, pulled by position.
//!
//! There is no hand-over from history to live: a stream reads from its position up to the durable size, then waits for
//! that to move. It holds a position and nothing else, so a slow reader costs what HTTP/2 lets it have in flight.
//! Progress travels in the same ordered channel as events.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};

use super::{convert, errors, filter::interest};
use crate::{
    domain::{
        fault::{ParseError, Reason, echo},
        limits::{
            HEARTBEAT_DEFAULT, HEARTBEAT_MAX, HEARTBEAT_MIN, STREAM_MATCHES_MAX,
            STREAM_MESSAGE_BYTES, STREAM_SCAN_EVENTS_MAX,
        },
    },
    ledger::{Durable, Ledger},
    log::{Chunk, LogError},
    pb::{self, ErrorReason, subscribe_request::Start, subscribe_response::Payload},
    register::Interest,
    wire::LeafBatch,
};

type Message = Result<pb::SubscribeResponse, Status>;

/// A stream being served.
struct Subscription {
    ledger: Arc<Ledger>,
    durable: watch::Receiver<Durable>,
    drain: CancellationToken,
    interest: Interest,
    raw: bool,
    /// The next position to look at.
    next: u64,
    stop: Option<u64>,
    heartbeat: Duration,
    /// When silence becomes too long.
    due: Instant,
    told_caught_up: bool,
    told_last: bool,
    _counted: Counted,
}

/// Counts a stream while it lives.
struct Counted(Arc<AtomicU32>);

impl Counted {
    fn new(count: &Arc<AtomicU32>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Opens streams and counts them.
#[derive(Clone)]
pub(crate) struct Streams {
    pub(crate) ledger: Arc<Ledger>,
    /// Ends streams when the server goes down.
    pub(crate) drain: CancellationToken,
    /// Streams being served.
    pub(crate) count: Arc<AtomicU32>,
}

impl Streams {
    /// Checks the request and opens its stream.
    pub(crate) async fn open(
        &self,
        request: pb::SubscribeRequest,
    ) -> Result<impl Stream<Item = Message> + Send + use<>, Status> {
        let log_id = self.ledger.log_id().to_string();
        if !request.log_id.is_empty() && request.log_id != log_id {
            return Err(errors::status(
                Code::FailedPrecondition,
                ErrorReason::LogIdMismatch,
                "this is another log than the one named; start again from position 0",
                [("log_id", log_id), ("expected", echo(&request.log_id))],
            ));
        }
        let heartbeat = heartbeat(request.heartbeat_interval)?;
        let interest = interest(&self.ledger, request.filter).await?;
        let next = start(&self.ledger, request.start).await?;
        let subscription = Subscription {
            ledger: Arc::clone(&self.ledger),
            durable: self.ledger.watch(),
            drain: self.drain.clone(),
            interest,
            raw: request.raw,
            next,
            stop: request.stop_position,
            heartbeat,
            due: Instant::now() + heartbeat,
            told_caught_up: false,
            told_last: false,
            _counted: Counted::new(&self.count),
        };
        Ok(stream::unfold(Some(subscription), |subscription| async move {
            let mut subscription = subscription?;
            match subscription.message().await {
                Ok(Some(message)) => Some((Ok(message), Some(subscription))),
                Ok(None) => None,
                Err(status) => Some((Err(status), None)),
            }
        }))
    }
}

fn heartbeat(asked: Option<prost_types::Duration>) -> Result<Duration, Status> {
    let Some(asked) = asked else { return Ok(HEARTBEAT_DEFAULT) };
    let text = format!("{}.{:03}s", asked.seconds, asked.nanos / 1_000_000);
    let duration = Duration::try_from(asked).unwrap_or(Duration::MAX);
    if (HEARTBEAT_MIN..=HEARTBEAT_MAX).contains(&duration) {
        return Ok(duration);
    }
    let message = format!("takes {} s to {} s", HEARTBEAT_MIN.as_secs(), HEARTBEAT_MAX.as_secs());
    let error = ParseError::new(Reason::FieldInvalid, message, "");
    Err(errors::bad_field("heartbeat_interval", &text, &error))
}

async fn start(ledger: &Ledger, start: Option<Start>) -> Result<u64, Status> {
    let size = ledger.durable().size;
    match start {
        None => Ok(0),
        Some(Start::FromPosition(position)) if position > size => {
            Err(errors::beyond_log("from_position", position, size))
        }
        Some(Start::FromPosition(position)) => Ok(position),
        Some(Start::FromTime(time)) => {
            let micros = crate::ledger::micros(&time);
            ledger.position_at(micros).await.map_err(|e| errors::log_error(&e))
        }
        Some(Start::Now(true)) => Ok(size),
        Some(Start::Now(false)) => {
            let error = ParseError::new(Reason::FieldInvalid, "can only be true", "");
            Err(errors::bad_field("now", "false", &error))
        }
    }
}

/// What a stream waits for when there is nothing to send.
enum Woken {
    Grown,
    Due,
    Drained,
    Gone,
}

impl Subscription {
    /// The next message; none at the stop position.
    async fn message(&mut self) -> Result<Option<pb::SubscribeResponse>, Status> {
        loop {
            let size = self.durable.borrow_and_update().size;
            if self.drain.is_cancelled() {
                if std::mem::replace(&mut self.told_last, true) {
                    return Err(errors::draining());
                }
                let progress = self.progress(size);
                return Ok(Some(self.spoken(progress)));
            }
            let upto = self.stop.map_or(size, |stop| stop.min(size));
            if self.next < upto {
                if let Some(batch) = self.batch(upto).await? {
                    return Ok(Some(self.spoken(batch)));
                }
                // Nothing matched in what was examined; say so when silence becomes too long.
                if Instant::now() < self.due {
                    tokio::task::yield_now().await;
                    continue;
                }
                let progress = self.progress(size);
                return Ok(Some(self.spoken(progress)));
            }
            if self.stop.is_some_and(|stop| self.next >= stop) {
                return Ok(None);
            }
            if !self.told_caught_up {
                self.told_caught_up = true;
                let progress = self.progress(size);
                return Ok(Some(self.spoken(progress)));
            }
            match self.wait().await {
                Woken::Grown | Woken::Drained => {}
                Woken::Due => {
                    let progress = self.progress(size);
                    return Ok(Some(self.spoken(progress)));
                }
                Woken::Gone => return Err(errors::draining()),
            }
        }
    }

    async fn wait(&mut self) -> Woken {
        tokio::select! {
            () = self.drain.cancelled() => Woken::Drained,
            changed = self.durable.changed() => {
                if changed.is_ok() { Woken::Grown } else { Woken::Gone }
            }
            () = sleep_until(self.due) => Woken::Due,
        }
    }

    /// Events from here on that match, if any; moves past what does not.
    async fn batch(&mut self, upto: u64) -> Result<Option<Payload>, Status> {
        let (runs, next) = if self.interest.wants_all() {
            let chunks = self.chunks(self.next, STREAM_MESSAGE_BYTES).await?;
            let next = chunks.last().map_or(self.next, Chunk::next).min(upto);
            (chunks.iter().map(|chunk| chunk.slice(self.next, next)).collect(), next)
        } else {
            self.matching_runs(upto).await?
        };
        if next <= self.next {
            // It would go round for ever.
            let error = LogError::damaged(self.next, "nothing is found where the log goes on");
            return Err(errors::log_error(&error));
        }
        self.next = next;
        if runs.is_empty() {
            return Ok(None);
        }
        let batch = LeafBatch { runs, leaves: Vec::new(), next_position: next };
        Ok(Some(if self.raw { Payload::RawEvents(batch) } else { Payload::Events(batch) }))
    }

    async fn matching_runs(&self, upto: u64) -> Result<(Vec<Bytes>, u64), Status> {
        let upto = upto.min(self.next + STREAM_SCAN_EVENTS_MAX);
        let (positions, examined) =
            self.ledger.matching(&self.interest, self.next, upto, STREAM_MATCHES_MAX);
        let picked = self.ledger.pick(&positions, STREAM_MESSAGE_BYTES).await;
        let picked = picked.map_err(|e| errors::log_error(&e))?;
        // What did not fit comes next time.
        let next = positions.get(picked.len()).copied().unwrap_or(examined);
        Ok((picked.into_iter().map(|leaf| leaf.framed).collect(), next))
    }

    async fn chunks(&self, from: u64, bytes: usize) -> Result<Vec<Chunk>, Status> {
        self.ledger.chunks(from, bytes).await.map_err(|e| errors::log_error(&e))
    }

    fn progress(&self, size: u64) -> Payload {
        Payload::Progress(pb::Progress {
            next_position: self.next,
            log_size: size,
            log_id: self.ledger.log_id().to_string(),
            server_time: Some(convert::recorded_time(self.ledger.now_micros())),
            caught_up: self.next >= size,
        })
    }

    fn spoken(&mut self, payload: Payload) -> pb::SubscribeResponse {
        self.due = Instant::now() + self.heartbeat;
        pb::SubscribeResponse { payload: Some(payload) }
    }
}
