//! Traces and log lines at a collector: which calls are traced, whose traces they continue, and
//! that a collector which does not take them costs nothing but them.

use std::{net::SocketAddr, process::Command};

use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::{
            ExportLogsServiceRequest, ExportLogsServiceResponse,
            logs_service_server::{LogsService, LogsServiceServer},
        },
        trace::v1::{
            ExportTraceServiceRequest, ExportTraceServiceResponse,
            trace_service_server::{TraceService, TraceServiceServer},
        },
    },
    common::v1::{AnyValue, KeyValue, any_value::Value},
    logs::v1::LogRecord,
    trace::v1::Span,
};
use tidu::{domain::text::hex, protocol::pb};
use tokio::{net::TcpListener, sync::mpsc};
use tonic::{Request, Response, Status, transport::server::TcpIncoming};

use super::{Logged, with_message};
use crate::support::{TIDU, directory, in_time, list};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

/// A collector that keeps what it gets.
struct Collector {
    address: SocketAddr,
    spans: mpsc::UnboundedReceiver<Span>,
    lines: mpsc::UnboundedReceiver<LogRecord>,
    passed_over: Vec<LogRecord>,
}

#[derive(Clone)]
struct Keeping {
    spans: mpsc::UnboundedSender<Span>,
    lines: mpsc::UnboundedSender<LogRecord>,
}

#[tonic::async_trait]
impl TraceService for Keeping {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let resources = request.into_inner().resource_spans;
        let scopes = resources.into_iter().flat_map(|resource| {
            let named = resource.resource.unwrap_or_default().attributes;
            assert_eq!(text(&named, "service.name"), "tidu");
            resource.scope_spans
        });
        scopes.flat_map(|scope| scope.spans).for_each(|span| drop(self.spans.send(span)));
        Ok(Response::new(Default::default()))
    }
}

#[tonic::async_trait]
impl LogsService for Keeping {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        let resources = request.into_inner().resource_logs;
        let scopes = resources.into_iter().flat_map(|resource| resource.scope_logs);
        scopes.flat_map(|scope| scope.log_records).for_each(|line| drop(self.lines.send(line)));
        Ok(Response::new(Default::default()))
    }
}

impl Collector {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let ((spans, kept_spans), (lines, kept_lines)) =
            (mpsc::unbounded_channel(), mpsc::unbounded_channel());
        let keeping = Keeping { spans, lines };
        let serving = tonic::transport::Server::builder()
            .add_service(TraceServiceServer::new(keeping.clone()))
            .add_service(LogsServiceServer::new(keeping))
            .serve_with_incoming(TcpIncoming::from(listener));
        tokio::spawn(serving);
        Self { address, spans: kept_spans, lines: kept_lines, passed_over: Vec::new() }
    }

    async fn span(&mut self) -> Span {
        in_time("a span", self.spans.recv()).await.unwrap()
    }

    /// The next log line with this message. Others stay for later: a batch is sorted by the places
    /// in the code.
    async fn line(&mut self, message: &str) -> LogRecord {
        let body = Some(AnyValue { value: Some(Value::StringValue(message.into())) });
        loop {
            if let Some(at) = self.passed_over.iter().position(|line| line.body == body) {
                return self.passed_over.remove(at);
            }
            let line = in_time(message, self.lines.recv()).await.unwrap();
            self.passed_over.push(line);
        }
    }
}

/// The text of an attribute; empty if it is not there.
fn text(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|found| found.value.clone()?.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        None => String::new(),
        Some(other) => panic!("{key} is {other:?}"),
    }
}

fn start(collector: SocketAddr, ratio: &str) -> Logged {
    let endpoint = format!("http://{collector}");
    Logged::start(&["--otlp-endpoint", &endpoint, "--otlp-sample-ratio", ratio], &[])
}

/// A request whose caller is in a trace.
fn traced<T>(message: T, flags: &str) -> Request<T> {
    let mut request = Request::new(message);
    let parent = format!("00-{TRACE}-{SPAN}-{flags}");
    request.metadata_mut().insert("traceparent", parent.parse().unwrap());
    request
}

fn nothing() -> pb::AppendRequest {
    pb::AppendRequest { request_id: "empty-one".to_owned(), ..Default::default() }
}

#[tokio::test]
async fn the_trace_of_a_caller_is_continued() {
    let mut collector = Collector::start().await;
    let logged = start(collector.address, "0");
    let mut client = logged.client().await;
    // Neither a call without a trace nor one whose caller does not sample has a span.
    client.status().await;
    client.ledger.append(traced(nothing(), "00")).await.unwrap_err();
    client.ledger.append(traced(nothing(), "01")).await.unwrap_err();
    let span = collector.span().await;
    assert_eq!(span.name, "tidu.v1.LedgerService/Append");
    assert_eq!((hex(&span.trace_id), hex(&span.parent_span_id)), (TRACE.into(), SPAN.into()));
    assert_eq!(span.kind, 2, "a server's");
    let of = |key: &str| text(&span.attributes, key);
    assert_eq!((of("code"), of("reason")), ("INVALID_ARGUMENT".into(), "FIELD_REQUIRED".into()));
    assert_eq!((of("request_id"), of("events")), ("empty-one".into(), "0".into()));
    assert_eq!((of("principal"), of("method")), ("anonymous".into(), span.name.clone()));
    assert!(of("peer").starts_with("127.0.0.1:"), "{span:?}");
    // The lines are there, and the one inside the span names the trace.
    assert_eq!(collector.line("serving").await.trace_id, Vec::<u8>::new());
    assert_eq!(collector.line("refused a commit").await.trace_id, Vec::<u8>::new());
    let line = collector.line("refused a commit").await;
    assert_eq!((hex(&line.trace_id), &line.span_id), (TRACE.into(), &span.span_id));
    assert_eq!(line.severity_text, "INFO");
    assert_eq!(text(&line.attributes, "reason"), "FIELD_REQUIRED");
    assert!(line.time_unix_nano > 0 && line.time_unix_nano <= line.observed_time_unix_nano);
    logged.end();
    assert!(collector.spans.try_recv().is_err(), "only the one");
}

// The collector answers while the test waits for the end of the server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_a_ratio_of_one_each_call_and_stream_has_a_trace() {
    let mut collector = Collector::start().await;
    let logged = start(collector.address, "1");
    let mut client = logged.client().await;
    client.record(list(1, 3)).await.unwrap();
    let (part, span) = (collector.span().await, collector.span().await);
    assert_eq!(
        (span.name.as_str(), span.parent_span_id.len()),
        ("tidu.v1.LedgerService/Append", 0)
    );
    // The wait for the writer and the flush.
    assert_eq!((part.name.as_str(), &part.parent_span_id), ("record", &span.span_id));
    assert_eq!(text(&span.attributes, "code"), "OK");
    // A caller that does not sample is heard as well.
    client.ledger.append(traced(nothing(), "00")).await.unwrap_err();
    let stream = pb::SubscribeRequest { stop_position: Some(3), ..Default::default() };
    assert_eq!(client.collect(stream).await.len(), 3);
    let span = collector.span().await;
    assert_eq!(span.name, "tidu.v1.LedgerService/Subscribe");
    assert_eq!(text(&span.attributes, "code"), "OK");
    assert!(span.end_time_unix_nano > span.start_time_unix_nano);
    // What is left goes out at the end.
    client.status().await;
    logged.end();
    let span = collector.span().await;
    assert_eq!(span.name, "tidu.v1.AdminService/GetStatus");
}

#[tokio::test]
async fn a_collector_that_hangs_delays_nobody() {
    // It takes connections, and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let logged = start(listener.local_addr().unwrap(), "1");
    let mut client = logged.client().await;
    for event in list(1, 20) {
        client.record(vec![event]).await.unwrap();
    }
    let line = logged.line(LOST).await;
    assert_eq!(line["cause"], "no answer within 5s", "{line}");
    client.status().await;
    let log = logged.end();
    assert_eq!(with_message(&log, "stopped").len(), 1, "{log}");
}

const LOST: &str = "the collector does not take traces or log lines; they are dropped and counted \
                    until it does. Start it there, or start the server without otlp_endpoint";

#[tokio::test]
async fn a_collector_that_is_away_is_one_line() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let logged = start(address, "1");
    let mut client = logged.client().await;
    let line = logged.line(LOST).await;
    client.record(list(1, 1)).await.unwrap();
    assert_eq!((&line["level"], &line["signal"]), (&"WARN".into(), &"traces and logs".into()));
    assert_eq!(line["endpoint"], format!("http://{address}"));
    assert!(line["cause"].as_str().unwrap().contains("refused"), "{line}");
    let log = logged.end();
    assert_eq!(with_message(&log, LOST).len(), 1, "{log}");
}

#[test]
fn a_malformed_setting_of_otlp_ends_the_start() {
    let dir = directory();
    for (flag, value, says) in [
        ("--otlp-endpoint", "collector:4317", ["otlp_endpoint", "\"collector:4317\""]),
        ("--otlp-endpoint", "https://127.0.0.1:4317", ["otlp_endpoint", "TLS"]),
        ("--otlp-endpoint", "http://user:planted@127.0.0.1:1", ["otlp_endpoint", "127.0.0.1:1"]),
        ("--otlp-endpoint", "http://127.0.0.1:1?token=planted", ["otlp_endpoint", "127.0.0.1:1?…"]),
        ("--otlp-endpoint", "http://127.0.0.1:99999", ["otlp_endpoint", "not a number from 1 to"]),
        ("--otlp-sample-ratio", "1.5", ["otlp_sample_ratio", "1.5"]),
    ] {
        let mut serve = Command::new(TIDU);
        serve.args(["serve", "--listen", "127.0.0.1:0", flag, value]).current_dir(dir.path());
        let output = serve.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(says.iter().all(|word| said.contains(word)), "{said}");
        assert!(!said.contains("planted"), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(!dir.path().join("tidu-data").exists(), "nothing was begun");
    }
}
