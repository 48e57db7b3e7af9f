//! Each metric moves when its thing happens, as a scraper sees it; and none is zero by omission.

use std::{collections::BTreeMap, fs, path::Path, pin::Pin};

use tidu::{
    limits::NAME_SEGMENT_SMALL_EVENTS,
    metrics::TABLE,
    protocol::pb::{self, subscribe_request::Start},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tonic::Streaming;

use crate::support::{Client, Server, designated, directory, in_time, list, made_up};

/// The samples of a scrape, by name and labels.
#[derive(Debug, Default)]
struct Samples(BTreeMap<String, String>);

impl Samples {
    fn parse(text: &str) -> Self {
        let samples = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let read = |line: &str| line.rsplit_once(' ').map(|(n, v)| (n.to_owned(), v.to_owned()));
        Self(samples.map(|line| read(line).unwrap()).collect())
    }

    /// The samples of a metric, or of those of its series that a longer name selects.
    fn of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a String, &'a String)> {
        let ends = ["", "{", "_count", "_sum"];
        let is_of = move |sample: &str| {
            sample.strip_prefix(name).is_some_and(|rest| {
                rest.is_empty() || ends[1..].iter().any(|end| rest.starts_with(end))
            })
        };
        self.0.iter().filter(move |(sample, _)| is_of(sample))
    }

    fn number(&self, name: &str) -> f64 {
        let mut values = self.of(name).map(|(_, value)| value.parse::<f64>().unwrap());
        values.next().unwrap_or_else(|| panic!("{name} is not there"))
    }
}

/// A server, with all that is open on it.
struct Stage {
    server: Server,
    client: Client,
    streams: Vec<Streaming<pb::SubscribeResponse>>,
    sockets: Vec<TcpStream>,
}

type Acted<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;
/// What happens, the act, and what moves then.
type Row = (&'static str, for<'a> fn(&'a mut Stage) -> Acted<'a>, &'static [&'static str]);

const ROWS: &[Row] = &[
    (
        "a commit is recorded",
        |stage| Box::pin(stage.record(1, FIRST)),
        &[
            "tidu_calls_total{method=\"tidu.v1.LedgerService/Append\",code=\"OK\"}",
            "tidu_call_duration_seconds",
            "tidu_commits_total",
            "tidu_events_total",
            "tidu_queue_wait_seconds",
            "tidu_group_commits",
            "tidu_group_events",
            "tidu_group_bytes",
            "tidu_flush_duration_seconds",
            "tidu_window_duration_seconds",
            "tidu_register_hold_seconds",
            "tidu_log_events",
            "tidu_log_stored_bytes",
        ],
    ),
    ("it is sent again", |stage| Box::pin(stage.record(1, FIRST)), &["tidu_replays_total"]),
    (
        "a commit is tried out",
        |stage| Box::pin(stage.try_out()),
        &["tidu_trials_total", "tidu_questions_total{outcome=\"answered\"}"],
    ),
    (
        "a commit is refused",
        |stage| Box::pin(stage.refused()),
        &["tidu_event_rejections_total", "tidu_refusals_total", "tidu_party_refusals_total"],
    ),
    (
        "a subscriber gets events",
        |stage| Box::pin(stage.subscribe()),
        &["tidu_streams", "tidu_delivered_events_total", "tidu_delivered_bytes_total"],
    ),
    (
        "it leaves",
        |stage| Box::pin(async { stage.streams.clear() }),
        &["tidu_streams_ended_total", "tidu_streams"],
    ),
    (
        "a cursor is behind",
        |stage| Box::pin(stage.create_cursor("behind")),
        &[
            "tidu_cursors",
            "tidu_cursor_lag_events{cursor=\"behind\"}",
            "tidu_cursor_lag_seconds{cursor=\"behind\"}",
            "tidu_cursors_lag_events",
        ],
    ),
    (
        "a connection says nothing",
        |stage| Box::pin(stage.connect(b"")),
        &["tidu_connections{state=\"opening\"}"],
    ),
    (
        "half a request comes",
        |stage| Box::pin(stage.connect(HALF_A_REQUEST)),
        &["tidu_connections{state=\"busy\"}", "tidu_in_flight_bytes"],
    ),
];

const FIRST: &str = "first-of-these";
const HALF_A_REQUEST: &[u8] = b"POST /tidu.v1.LedgerService/Append HTTP/1.1\r\n\
    host: localhost\r\ncontent-type: application/grpc-web\r\ncontent-length: 1000\r\n\r\n\
    \x00\x00\x00\x03\xe3";

/// Metrics that a server has from its start on.
const FROM_THE_START: &[&str] = &[
    "tidu_in_flight_limit_bytes",
    "tidu_log_disk_bytes",
    "tidu_disk_free_bytes",
    "tidu_disk_reserve_bytes",
    "tidu_start_duration_seconds",
    "tidu_start_part_duration_seconds",
    "tidu_ready",
    "tidu_ready_check",
    "tidu_build_info",
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_virtual_memory_bytes",
    "process_open_fds",
    "process_max_fds",
    "process_threads",
    "process_start_time_seconds",
];

/// Metrics that another test sees moving, and its file.
const ELSEWHERE: &[(&str, &str)] = &[
    ("tidu_connections_refused_total", "tests/suite/sight/instruments.rs"),
    ("tidu_follow_lag_events", "tests/suite/follow/told.rs"),
    ("tidu_follow_contact_age_seconds", "tests/suite/follow/told.rs"),
    ("tidu_follow_state", "tests/suite/follow/told.rs"),
    ("tidu_follow_stops_total", "tests/suite/follow/told.rs"),
    ("tidu_name_index_bytes", "tests/suite/sight/instruments.rs"),
    ("tidu_name_index_names", "tests/suite/sight/instruments.rs"),
    ("tidu_replay_events", "tests/suite/sight/ledger.rs"),
    ("tidu_replayed_events", "tests/suite/sight/ledger.rs"),
    ("tidu_register_snapshot_events", "tests/suite/chaos/snapshots.rs"),
    ("tidu_register_snapshot_bytes", "tests/suite/chaos/snapshots.rs"),
    ("tidu_register_snapshot_duration_seconds", "tests/suite/chaos/snapshots.rs"),
    ("tidu_register_snapshot_timestamp_seconds", "tests/suite/chaos/snapshots.rs"),
    ("tidu_register_snapshot_failures_total", "tests/suite/chaos/snapshots.rs"),
    ("tidu_trusted_events", "src/ledger/trusted.rs"),
    ("tidu_verified_events", "src/ledger/trusted.rs"),
    ("tidu_queue_commits", "tests/suite/sight/ledger.rs"),
    ("tidu_queue_bytes", "tests/suite/sight/ledger.rs"),
    ("tidu_mark_lag_events", "tests/suite/sight/observer.rs"),
    ("tidu_mark_age_seconds", "tests/suite/sight/observer.rs"),
    ("tidu_appends_refused", "tests/suite/sight/observer.rs"),
    ("tidu_epoch", "tests/suite/sight/ledger.rs"),
    ("tidu_policy_generation", "src/server/principals.rs"),
    ("tidu_policy_principals", "src/server/principals.rs"),
    ("tidu_policy_reload_failures_total", "src/server/principals.rs"),
    ("tidu_tls_certificate_expiry_timestamp_seconds", "src/server/tls/tests.rs"),
    ("tidu_tls_connections_ended_total", "tests/suite/tls/reloads.rs"),
    ("tidu_tls_handshakes_total", "tests/suite/tls/mod.rs"),
    ("tidu_tls_reload_failures_total", "tests/suite/tls/reloads.rs"),
    ("tidu_tls_reloads_total", "tests/suite/tls/reloads.rs"),
    ("tidu_audit_lines_total", "tests/suite/trail/served.rs"),
    ("tidu_audit_denials_total", "tests/suite/trail/served.rs"),
    ("tidu_audit_denials_counted_total", "tests/suite/trail/served.rs"),
    ("tidu_audit_sink_failures_total", "tests/suite/trail/served.rs"),
    ("tidu_audit_sinks_failing", "tests/suite/trail/served.rs"),
    ("tidu_audit_unsynced_seconds", "tests/suite/trail/served.rs"),
    ("tidu_audit_chain_lines", "tests/suite/trail/served.rs"),
    ("tidu_audit_unanchored_lines", "tests/suite/trail/served.rs"),
    ("tidu_questions_running", "src/service/questions/tests.rs"),
    ("tidu_questions_waiting", "src/service/questions/tests.rs"),
    ("tidu_log_lines_dropped_total", "tests/suite/sight/observer.rs"),
    ("tidu_log_lines_left_out_total", "tests/suite/sight/observer.rs"),
    ("tidu_otlp_dropped_total", "tests/suite/sight/observer.rs"),
];

impl Stage {
    async fn open(data: &Path, more: &[&str]) -> Self {
        let args = [&["--operations-listen", "127.0.0.1:0"], more].concat();
        let server = Server::start_with(data, &args);
        let client = server.client().await;
        Self { server, client, streams: Vec::new(), sockets: Vec::new() }
    }

    async fn scrape(&self) -> Samples {
        let url = self.server.operations.as_deref().unwrap();
        let mut stream = TcpStream::connect(url.trim_start_matches("http://")).await.unwrap();
        let request = "GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 "), "{answer}");
        Samples::parse(body)
    }

    async fn record(&mut self, seed: u64, id: &str) {
        let request_id = id.to_owned();
        let request = pb::AppendRequest { events: list(seed, 3), request_id, ..Default::default() };
        self.client.append(request).await.unwrap();
    }

    async fn try_out(&mut self) {
        let events = list(2, 2);
        let request = pb::AppendRequest { events, validate_only: true, ..Default::default() };
        self.client.append(request).await.unwrap();
    }

    async fn refused(&mut self) {
        self.client.record(list(1, 1)).await.unwrap_err();
    }

    /// A stream that waits for more once it has everything.
    async fn subscribe(&mut self) {
        let request =
            pb::SubscribeRequest { start: Some(Start::FromPosition(0)), ..Default::default() };
        let mut stream = self.client.ledger.subscribe(request).await.unwrap().into_inner();
        stream.message().await.unwrap().unwrap();
        stream.message().await.unwrap().unwrap();
        self.streams.push(stream);
    }

    async fn subscribe_to_nothing(&mut self) {
        let request = pb::SubscribeRequest::default();
        let mut stream = self.client.ledger.subscribe(request).await.unwrap().into_inner();
        stream.message().await.unwrap().unwrap();
        self.streams.push(stream);
    }

    async fn create_cursor(&mut self, id: &str) {
        let request = pb::CreateCursorRequest { cursor_id: id.to_owned(), ..Default::default() };
        self.client.cursors.create_cursor(request).await.unwrap();
    }

    /// A connection that sends so much, and then rests.
    async fn connect(&mut self, bytes: &[u8]) {
        let address = self.server.address.trim_start_matches("http://");
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(bytes).await.unwrap();
        self.sockets.push(socket);
    }

    /// The first probes may be on their way.
    async fn wait_until_above_0(&self, name: &str) {
        while self.scrape().await.number(name) <= 0.0 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// Scrapes until all of these metrics have other values than before.
    async fn wait_until_moved(&self, names: &[&str], before: &Samples) {
        loop {
            let now = self.scrape().await;
            let has_moved = |name: &&&str| !now.of(name).eq(before.of(name));
            if names.iter().filter(has_moved).count() == names.len() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test]
async fn each_metric_moves_when_its_thing_happens() {
    let dir = directory();
    let mut stage = Stage::open(&dir.path().join("data"), &[]).await;
    for (happens, act, names) in ROWS {
        let before = stage.scrape().await;
        act(&mut stage).await;
        in_time(happens, stage.wait_until_moved(names, &before)).await;
    }
    for name in FROM_THE_START {
        in_time(name, stage.wait_until_above_0(name)).await;
    }
    let now = stage.scrape().await;
    assert!(now.number("tidu_cursor_lag_events{cursor=\"behind\"}") == 3.0);
    assert!(now.number("tidu_cursors_lag_events") == 3.0);
}

#[tokio::test]
async fn a_connection_without_a_place_is_counted() {
    let dir = directory();
    let mut stage = Stage::open(&dir.path().join("data"), &["--connections", "1"]).await;
    stage.subscribe_to_nothing().await;
    let before = stage.scrape().await;
    stage.connect(b"").await;
    let names = ["tidu_connections_refused_total{cause=\"all\"}"];
    in_time("a refusal", stage.wait_until_moved(&names, &before)).await;
}

/// A search finds everything at once, and has the index made beside it.
#[tokio::test]
async fn the_index_of_names_grows_when_somebody_searches() {
    let dir = directory();
    let mut stage = Stage::open(&dir.path().join("data"), &[]).await;
    let enterprises = made_up(7, NAME_SEGMENT_SMALL_EVENTS as usize);
    let last = enterprises.last().unwrap().name.clone();
    for some in enterprises.chunks(2_048) {
        stage.client.record(some.iter().map(designated).collect()).await.unwrap();
    }
    let search = pb::FindDesigneesRequest { text: last.clone(), ..Default::default() };
    let before = stage.scrape().await;
    assert_eq!(before.number("tidu_name_index_names"), 0.0);
    let found = stage.client.register.find_designees(search.clone()).await.unwrap().into_inner();
    assert!(found.designees.iter().any(|found| found.matched_name == last));
    let names = ["tidu_name_index_bytes", "tidu_name_index_names"];
    in_time("the index", stage.wait_until_moved(&names, &before)).await;
    let now = stage.scrape().await;
    let (bytes, names) = (now.number(names[0]), now.number(names[1]));
    assert!((names - f64::from(NAME_SEGMENT_SMALL_EVENTS)).abs() < 0.5, "{names} names");
    assert!(bytes / names <= 48.0, "{bytes} bytes for {names} names");
    let again = stage.client.register.find_designees(search).await.unwrap().into_inner();
    assert_eq!(again.designees, found.designees);
}

/// A metric that nobody sets would be 0 for ever, and look like good news.
#[test]
fn every_metric_is_seen_moving_by_a_test() {
    let moved = ROWS.iter().flat_map(|(_, _, names)| names.iter().copied());
    let moved = moved.chain(FROM_THE_START.iter().copied());
    let elsewhere = ELSEWHERE.iter().map(|(name, path)| {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
        let field = name.trim_start_matches("tidu_");
        assert!(text.contains(field), "{path} does not name {field}");
        *name
    });
    let seen: Vec<&str> = moved.chain(elsewhere).collect();
    let is_seen = |name: &str| {
        seen.iter().any(|seen| {
            seen.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('{'))
        })
    };
    let missing: Vec<_> = TABLE.iter().map(|row| row.name).filter(|name| !is_seen(name)).collect();
    assert_eq!(missing, Vec::<&str>::new(), "no test sees these moving");
    let is_known = |seen: &&&str| TABLE.iter().any(|row| seen.split('{').next() == Some(row.name));
    let unknown: Vec<_> = seen.iter().filter(|seen| !is_known(seen)).collect();
    assert!(unknown.is_empty(), "not in the table: {unknown:?}");
}
