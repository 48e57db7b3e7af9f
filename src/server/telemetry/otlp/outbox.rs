//! The queue of what goes to a collector. It has a bound and nobody waits for it: what finds it
//! full is dropped and counted, and so is what the collector does not take.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use opentelemetry::{Context, InstrumentationScope, logs::LogRecord as _};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    logs::{LogProcessor, SdkLogRecord},
    trace::{Span, SpanData, SpanProcessor},
};
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::limits::{OTLP_BATCH_MAX, OTLP_EXPORT_DURATION_MAX, OTLP_PAUSE, OTLP_QUEUE_MAX};

/// A log line on its way.
pub(super) type Line = Box<(SdkLogRecord, InstrumentationScope)>;

/// The side of the queue that fills it.
#[derive(Clone, Debug)]
pub(super) struct Outbox<T> {
    queue: mpsc::Sender<T>,
    dropped: Arc<AtomicU64>,
}

/// The side that sends.
pub(super) struct Inbox<T> {
    queue: mpsc::Receiver<T>,
    dropped: Arc<AtomicU64>,
}

/// A queue for one signal. `dropped` counts what is lost.
pub(super) fn queue<T>(dropped: &Arc<AtomicU64>) -> (Outbox<T>, Inbox<T>) {
    let (sender, receiver) = mpsc::channel(OTLP_QUEUE_MAX);
    let outbox = Outbox { queue: sender, dropped: Arc::clone(dropped) };
    (outbox, Inbox { queue: receiver, dropped: Arc::clone(dropped) })
}

impl<T> Outbox<T> {
    fn put(&self, item: T) {
        if self.queue.try_send(item).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl SpanProcessor for Outbox<SpanData> {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        self.put(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

impl LogProcessor for Outbox<Line> {
    fn emit(&self, record: &mut SdkLogRecord, scope: &InstrumentationScope) {
        let mut record = record.clone();
        // Collectors sort by the time of the event, which the bridge leaves out.
        if let Some(observed) = record.observed_timestamp() {
            record.set_timestamp(observed);
        }
        self.put(Box::new((record, scope.clone())));
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Tells once when a signal does not arrive, and once when it arrives again.
pub(super) struct Arrival {
    pub(super) signal: &'static str,
    pub(super) endpoint: String,
    pub(super) is_failing: AtomicBool,
}

impl Arrival {
    fn failed(&self, cause: &str) {
        if !self.is_failing.swap(true, Ordering::Relaxed) {
            warn_of_loss(&self.endpoint, self.signal, cause);
        }
    }

    fn arrived(&self) {
        if self.is_failing.swap(false, Ordering::Relaxed) {
            let Self { signal, endpoint, .. } = self;
            tracing::info!(%endpoint, signal, "the collector takes what is sent again");
        }
    }
}

/// Says that a collector does not take a signal, and the way out.
pub(super) fn warn_of_loss(endpoint: &str, signal: &str, cause: &str) {
    tracing::warn!(
        endpoint,
        signal,
        cause,
        "the collector does not take traces or log lines; they are dropped and counted until it \
         does. Start it there, or start the server without otlp_endpoint"
    );
}

impl<T> Inbox<T> {
    /// Sends batch after batch, until the queue is closed or `stop` is cancelled and everything is
    /// sent. `send` gives how many items the collector refused.
    pub(super) async fn deliver(
        mut self,
        stop: &CancellationToken,
        arrival: &Arrival,
        send: impl AsyncFn(Vec<T>) -> Result<u64, Status>,
    ) {
        loop {
            let batch = self.batch(stop).await;
            if batch.is_empty() {
                return;
            }
            let all = batch.len() as u64;
            let lost = match timeout(OTLP_EXPORT_DURATION_MAX, send(batch)).await {
                Ok(Ok(refused)) => {
                    arrival.arrived();
                    refused.min(all)
                }
                Ok(Err(status)) => {
                    arrival.failed(&cause_of(&status));
                    all
                }
                Err(_) => {
                    arrival.failed(&format!("no answer within {OTLP_EXPORT_DURATION_MAX:?}"));
                    all
                }
            };
            self.dropped.fetch_add(lost, Ordering::Relaxed);
        }
    }

    /// The next batch: what has come a moment after the first item. Empty at the end.
    async fn batch(&mut self, stop: &CancellationToken) -> Vec<T> {
        let mut batch = Vec::new();
        tokio::select! {
            _ = self.queue.recv_many(&mut batch, OTLP_BATCH_MAX) => {}
            () = stop.cancelled() => self.queue.close(),
        }
        if !batch.is_empty() && batch.len() < OTLP_BATCH_MAX {
            tokio::select! {
                () = sleep(OTLP_PAUSE) => {}
                () = stop.cancelled() => {}
            }
        }
        while batch.len() < OTLP_BATCH_MAX
            && let Ok(item) = self.queue.try_recv()
        {
            batch.push(item);
        }
        batch
    }
}

/// The innermost cause, which says more than "transport error".
pub(super) fn cause_of(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::*;

    fn arrival() -> Arrival {
        Arrival { signal: "test", endpoint: String::new(), is_failing: AtomicBool::new(false) }
    }

    fn numbers() -> (Outbox<u64>, Inbox<u64>, Arc<AtomicU64>) {
        let dropped = Arc::default();
        let (outbox, inbox) = queue(&dropped);
        (outbox, inbox, dropped)
    }

    #[tokio::test(start_paused = true)]
    async fn batches_have_a_bound_and_keep_the_order() {
        let (outbox, inbox, dropped) = numbers();
        let most = OTLP_BATCH_MAX as u64;
        (0..most + 3).for_each(|number| outbox.put(number));
        drop(outbox);
        let batches = Mutex::new(Vec::new());
        let send = async |batch: Vec<u64>| {
            batches.lock().push(batch);
            Ok(0)
        };
        inbox.deliver(&CancellationToken::new(), &arrival(), send).await;
        let batches = batches.into_inner();
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [OTLP_BATCH_MAX, 3]);
        assert!(batches.concat().into_iter().eq(0..most + 3));
        assert_eq!(dropped.load(Ordering::Relaxed), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_collector_that_hangs_costs_what_is_queued_and_no_time() {
        let (outbox, inbox, dropped) = numbers();
        let (began, mut begins) = mpsc::channel(8);
        let send = async |batch: Vec<u64>| {
            let _ = began.send(batch.len()).await;
            std::future::pending().await
        };
        let script = async {
            outbox.put(0);
            assert_eq!(begins.recv().await, Some(1));
            // The queue takes as much as it may, and one more is lost at once.
            (0..OTLP_QUEUE_MAX).for_each(|_| outbox.put(1));
            assert_eq!(dropped.load(Ordering::Relaxed), 0);
            outbox.put(2);
            assert_eq!(dropped.load(Ordering::Relaxed), 1);
            // What hangs is given up, and counted.
            assert_eq!(begins.recv().await, Some(OTLP_BATCH_MAX));
            assert_eq!(dropped.load(Ordering::Relaxed), 2);
        };
        let (stop, arrival) = (CancellationToken::new(), arrival());
        tokio::select! {
            () = inbox.deliver(&stop, &arrival, send) => panic!("it ended"),
            () = script => {}
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_queued_at_the_end_is_sent() {
        let (outbox, inbox, dropped) = numbers();
        let stop = CancellationToken::new();
        (0..5).for_each(|number| outbox.put(number));
        stop.cancel();
        let sent = AtomicU64::new(0);
        let send = async |batch: Vec<u64>| {
            sent.fetch_add(batch.len() as u64, Ordering::Relaxed);
            Ok(2)
        };
        inbox.deliver(&stop, &arrival(), send).await;
        assert_eq!(sent.load(Ordering::Relaxed), 5);
        assert_eq!(dropped.load(Ordering::Relaxed), 2, "two were refused");
        outbox.put(9);
        assert_eq!(dropped.load(Ordering::Relaxed), 3, "nothing is sent any more");
    }
}
