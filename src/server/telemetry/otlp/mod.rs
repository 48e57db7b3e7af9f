//! OTLP: the traces of calls and the server's own log lines, sent to a collector over gRPC.
//!
//! A thread of its own sends them (`outbox.rs` has its queues), so a collector that hangs, is away
//! or takes nothing costs the server what is dropped, and no time. It sends the server's own lines
//! and spans alone, and so none about itself: that would never end.

mod endpoint;
mod outbox;

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_proto::{
    tonic::{
        collector::{
            logs::v1::{ExportLogsServiceRequest, logs_service_client::LogsServiceClient},
            trace::v1::{ExportTraceServiceRequest, trace_service_client::TraceServiceClient},
        },
        common::v1::any_value::Value,
        logs::v1::ResourceLogs,
    },
    transform::{
        common::tonic::ResourceAttributesWithSchema, logs::tonic::group_logs_by_resource_and_scope,
        trace::tonic::group_spans_by_resource_and_scope,
    },
};
use opentelemetry_sdk::{
    Resource,
    logs::{LogBatch, SdkLoggerProvider},
    trace::{Sampler, SdkTracerProvider, SpanData},
};
use tokio_util::sync::CancellationToken;
use tonic::{
    Status,
    transport::{Channel, Endpoint},
};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::{
    Layer,
    filter::{FilterExt as _, filter_fn},
    layer::Filter,
    registry::LookupSpan,
};

pub use self::endpoint::OtlpEndpoint;
use self::outbox::{Arrival, Inbox, Line, Outbox, cause_of, queue, warn_of_loss};
use crate::{domain::escape::escaped, limits::OTLP_CONNECT_DURATION_MAX, service::TRACED};

/// The signals, as lines and metrics name them.
const TRACES: &str = "traces";
const LOGS: &str = "logs";

/// The way to a collector.
pub(super) struct Otlp {
    spans: Outbox<SpanData>,
    lines: Outbox<Line>,
    dropped: [Arc<AtomicU64>; 2],
    /// Cancelled once log lines are written, so that the first one is not lost.
    begin: CancellationToken,
    stop: CancellationToken,
    ended: parking_lot::Mutex<mpsc::Receiver<()>>,
}

impl Otlp {
    /// Starts the thread that sends. It does nothing before [`Otlp::begin`].
    pub(super) fn start(endpoint: &OtlpEndpoint) -> io::Result<Self> {
        let dropped = [Arc::default(), Arc::default()];
        let [of_spans, of_lines] = &dropped;
        let ((spans, span_box), (lines, line_box)) = (queue(of_spans), queue(of_lines));
        let (begin, stop) = (CancellationToken::new(), CancellationToken::new());
        let (ends, ended) = mpsc::channel();
        let sending = Sending {
            endpoint: endpoint.clone(),
            spans: span_box,
            lines: line_box,
            resource: (&resource()).into(),
            begin: begin.clone(),
            stop: stop.clone(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let run = move || {
            runtime.block_on(sending.run());
            let _ = ends.send(());
        };
        thread::Builder::new().name("tidu-otlp".into()).spawn(run)?;
        Ok(Self { spans, lines, dropped, begin, stop, ended: parking_lot::Mutex::new(ended) })
    }

    /// Begins to send. What it tells of the collector is told from now on.
    pub(super) fn begin(&self) {
        self.begin.cancel();
    }

    /// The layers that fill the queues. `limit` bounds the lines of one place in the code.
    pub(super) fn layer<S>(
        &self,
        limit: impl Filter<S> + Send + Sync + 'static,
    ) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        // Only calls that are sampled have a span.
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::AlwaysOn)
            .with_span_processor(self.spans.clone())
            .with_resource(resource())
            .build();
        let spans = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("tidu"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(is_traced));
        let provider = SdkLoggerProvider::builder()
            .with_log_processor(self.lines.clone())
            .with_resource(resource())
            .build();
        let lines = OpenTelemetryTracingBridge::new(&provider);
        // Spans first: a line learns its trace from the span around it.
        spans.and_then(lines.with_filter(filter_fn(is_told).and(limit))).boxed()
    }

    /// Spans and log lines that the collector did not get, by signal.
    pub(super) fn dropped(&self) -> [(&'static str, u64); 2] {
        let [spans, lines] = self.dropped.each_ref().map(|count| count.load(Ordering::Relaxed));
        [(TRACES, spans), (LOGS, lines)]
    }

    /// Sends what is queued, for at most this long.
    pub(super) fn finish(&self, limit: Duration) {
        self.stop.cancel();
        let _ = self.ended.lock().recv_timeout(limit);
    }
}

fn resource() -> Resource {
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    Resource::builder().with_service_name("tidu").with_attribute(version).build()
}

/// True for lines and spans of this program: not of its libraries, which send them.
fn is_own(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    target == "tidu" || target.starts_with("tidu::")
}

fn is_told(metadata: &Metadata<'_>) -> bool {
    metadata.is_event() && is_own(metadata) && *metadata.level() <= Level::INFO
}

/// A line inside the span of a call becomes an event of the span as well.
fn is_traced(metadata: &Metadata<'_>) -> bool {
    is_told(metadata) || (metadata.is_span() && metadata.target() == TRACED)
}

/// What the thread needs to send.
struct Sending {
    endpoint: OtlpEndpoint,
    spans: Inbox<SpanData>,
    lines: Inbox<Line>,
    resource: ResourceAttributesWithSchema,
    begin: CancellationToken,
    stop: CancellationToken,
}

impl Sending {
    /// Sends until it is stopped and the queues are empty.
    async fn run(self) {
        let Self { endpoint, spans, lines, resource, begin, stop } = self;
        tokio::select! {
            () = begin.cancelled() => {}
            () = stop.cancelled() => return,
        }
        let builder = Endpoint::from(endpoint.uri()).connect_timeout(OTLP_CONNECT_DURATION_MAX);
        let channel = builder.connect_lazy();
        let endpoint = endpoint.to_string();
        // Told at once, and not only with the first span: an operator is looking now.
        let tried = tokio::select! {
            tried = builder.connect() => tried,
            () = stop.cancelled() => return,
        };
        let is_failing = tried.inspect_err(|error| {
            warn_of_loss(&endpoint, "traces and logs", &cause_of(error));
        });
        let is_failing = is_failing.is_err();
        let arrival = |signal| Arrival {
            signal,
            endpoint: endpoint.clone(),
            is_failing: AtomicBool::new(is_failing),
        };
        let (traces, logs) = (arrival(TRACES), arrival(LOGS));
        let (of_spans, of_lines) = (channel.clone(), channel);
        let send_spans = async |batch| send_spans(&of_spans, batch, &resource).await;
        let send_lines = async |batch| send_lines(&of_lines, batch, &resource).await;
        tokio::join!(
            spans.deliver(&stop, &traces, send_spans),
            lines.deliver(&stop, &logs, send_lines),
        );
    }
}

/// Sends spans, and gives how many the collector refused.
async fn send_spans(
    channel: &Channel,
    batch: Vec<SpanData>,
    resource: &ResourceAttributesWithSchema,
) -> Result<u64, Status> {
    let resource_spans = group_spans_by_resource_and_scope(batch, resource);
    let request = ExportTraceServiceRequest { resource_spans };
    let answer = TraceServiceClient::new(channel.clone()).export(request).await?.into_inner();
    let refused = answer.partial_success.map_or(0, |partial| partial.rejected_spans);
    Ok(u64::try_from(refused).unwrap_or(0))
}

/// Sends log lines, and gives how many the collector refused.
async fn send_lines(
    channel: &Channel,
    batch: Vec<Line>,
    resource: &ResourceAttributesWithSchema,
) -> Result<u64, Status> {
    let records: Vec<_> = batch.iter().map(|line| (&line.0, &line.1)).collect();
    let mut resource_logs = group_logs_by_resource_and_scope(&LogBatch::new(&records), resource);
    resource_logs.iter_mut().for_each(escape_texts);
    let request = ExportLogsServiceRequest { resource_logs };
    let answer = LogsServiceClient::new(channel.clone()).export(request).await?.into_inner();
    let refused = answer.partial_success.map_or(0, |partial| partial.rejected_log_records);
    Ok(u64::try_from(refused).unwrap_or(0))
}

/// Escapes hidden characters in the texts of log lines, as lines on standard error have them:
/// others chose some of these texts, and whoever reads a collector may do so on a terminal.
fn escape_texts(logs: &mut ResourceLogs) {
    let records = logs.scope_logs.iter_mut().flat_map(|scope| &mut scope.log_records);
    for record in records {
        let attributes = record.attributes.iter_mut().filter_map(|pair| pair.value.as_mut());
        for value in record.body.iter_mut().chain(attributes) {
            if let Some(Value::StringValue(text)) = &mut value.value {
                *text = escaped(text).into_owned();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::{
        common::v1::{AnyValue, KeyValue},
        logs::v1::{LogRecord, ScopeLogs},
    };

    use super::*;

    #[test]
    fn hidden_characters_of_lines_are_escaped() {
        let value = || Some(AnyValue { value: Some(Value::StringValue("甲\u{1b}[2J\n".into())) });
        let attributes = vec![KeyValue { value: value(), ..Default::default() }];
        let record = LogRecord { body: value(), attributes, ..Default::default() };
        let scope = ScopeLogs { log_records: vec![record], ..Default::default() };
        let mut logs = ResourceLogs { scope_logs: vec![scope], ..Default::default() };
        escape_texts(&mut logs);
        let record = &logs.scope_logs[0].log_records[0];
        let shown = Some(Value::StringValue("甲\\u{1b}[2J\\u{a}".into()));
        assert_eq!(record.body.as_ref().unwrap().value, shown);
        assert_eq!(record.attributes[0].value.as_ref().unwrap().value, shown);
    }
}
