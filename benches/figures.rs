//! Figures of the main road, beside an empty gRPC echo in the same run.
//!
//! `cargo bench --profile dist --bench figures` prints the table; `-- --quick` runs every row
//! briefly. The server is the real binary in a process of its own, on a real disk; the echo is the
//! same stack (tonic on hyper, one unary call without content) in another. Client and servers share
//! the machine, so ratios count and figures do not travel. Rounds are interleaved; the table shows
//! the median and, in brackets, the lowest and highest round.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
#![allow(clippy::disallowed_methods, clippy::cast_possible_truncation, clippy::cast_precision_loss)]
#![allow(clippy::cast_possible_wrap, clippy::cast_sign_loss)]

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Instant,
};

use prost::Message as _;
use tidu::{
    cli::generate::{Enterprise, enterprises},
    domain::AuthorityCode,
    protocol::{
        batch::LeafBatch,
        pb::{
            self, admin_service_client::AdminServiceClient, event::Fact,
            ledger_service_client::LedgerServiceClient, subscribe_response::Payload,
        },
    },
};
use tokio::task::JoinSet;
use tonic::{Request, Response, Status, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse,
    health_client::HealthClient,
    health_server::{Health, HealthServer},
};

const CONNECTIONS: usize = 4;
const REQUEST_BYTES: usize = 16 * 1024 * 1024;
const BULK: usize = 1_000;
const LIST: usize = 9_271;
const FOLLOWERS: usize = 50;

/// How long and how often.
#[derive(Clone, Copy)]
struct Plan {
    rounds: usize,
    seconds: f64,
    bulk_commits: usize,
    live_commits: usize,
}

const FULL: Plan = Plan { rounds: 3, seconds: 3.0, bulk_commits: 200, live_commits: 300 };
const QUICK: Plan = Plan { rounds: 1, seconds: 0.5, bulk_commits: 20, live_commits: 20 };

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if arguments.iter().any(|argument| argument == "--echo-server") {
        return runtime.block_on(serve_echo());
    }
    let plan = if arguments.iter().any(|argument| argument == "--quick") { QUICK } else { FULL };
    let mut table = Table::default();
    for round in 1..=plan.rounds {
        eprintln!("round {round} of {}", plan.rounds);
        runtime.block_on(run_round(plan, &mut table));
    }
    table.print(plan);
}

/// Rows in the order of their first appearance, with a value a round.
#[derive(Default)]
struct Table(Vec<(String, &'static str, Vec<f64>)>);

impl Table {
    fn add(&mut self, name: impl Into<String>, unit: &'static str, value: f64) {
        let name = name.into();
        match self.0.iter_mut().find(|(known, ..)| *known == name) {
            Some((.., values)) => values.push(value),
            None => self.0.push((name, unit, vec![value])),
        }
    }

    fn print(&mut self, plan: Plan) {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        println!("{cores} cores shared by client and server, {} rounds", plan.rounds);
        for (name, unit, values) in &mut self.0 {
            values.sort_by(f64::total_cmp);
            let (low, high) = (values[0], values[values.len() - 1]);
            let median = values[values.len() / 2];
            let show = |value: f64| match value {
                v if v >= 100.0 => format!("{v:.0}"),
                v => format!("{v:.2}"),
            };
            println!("{name:<58} {:>10} {unit:<6} ({} to {})", show(median), show(low), show(high));
        }
    }
}

/// A server in a child process.
struct Server {
    child: Child,
    address: String,
    _dir: Option<tempfile::TempDir>,
}

impl Server {
    fn start(mut command: Command, dir: Option<tempfile::TempDir>) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split_whitespace().find(|word| word.starts_with("http://"));
        Self { address: address.expect("the server says where").to_owned(), child, _dir: dir }
    }

    fn tidu() -> Self {
        // Below the build directory, because a directory in memory would make syncs free.
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidu"));
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--operations-listen", "127.0.0.1:0"])
            .arg("--data-dir")
            .arg(dir.path().join("data"));
        Self::start(command, Some(dir))
    }

    fn echo() -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg("--echo-server");
        Self::start(command, None)
    }

    async fn channels(&self) -> Vec<Channel> {
        let mut channels = Vec::new();
        for _ in 0..CONNECTIONS {
            let endpoint = Channel::from_shared(self.address.clone()).unwrap();
            channels.push(endpoint.connect().await.unwrap());
        }
        channels
    }

    /// Processor seconds so far.
    fn cpu_seconds(&self) -> f64 {
        let stat =
            fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let ticks = after_name.split_whitespace().skip(11).take(2);
        ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
    }

    /// The most memory it has had, in MiB.
    fn peak_mebibytes(&self) -> f64 {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
        let kibibytes = line.split_whitespace().nth(1).and_then(|text| text.parse::<f64>().ok());
        kibibytes.unwrap_or_default() / 1024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// It serves grpc.health.v1, so that a new RPC of Tidu does not touch it.
struct Echo;

#[tonic::async_trait]
impl Health for Echo {
    async fn check(
        &self,
        _request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        Ok(Response::new(HealthCheckResponse::default()))
    }

    type WatchStream = tokio_stream::Empty<Result<HealthCheckResponse, Status>>;

    async fn watch(
        &self,
        _request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        Ok(Response::new(tokio_stream::empty()))
    }
}

async fn serve_echo() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("echo on http://{}", listener.local_addr().unwrap());
    std::io::stdout().flush().unwrap();
    let incoming = tonic::transport::server::TcpIncoming::from(listener).with_nodelay(Some(true));
    let server = tonic::transport::Server::builder().add_service(HealthServer::new(Echo));
    server.serve_with_incoming(incoming).await.unwrap();
}

/// Designations of about 390 bytes when recorded, each of another designee.
struct Events {
    list: Vec<Enterprise>,
    next: AtomicUsize,
}

impl Events {
    fn new(count: usize) -> Self {
        let guangdong = AuthorityCode::parse("440000").unwrap();
        Self { list: enterprises(1, guangdong).take(count).collect(), next: AtomicUsize::new(0) }
    }

    fn take(&self, count: usize) -> Vec<pb::Event> {
        let start = self.next.fetch_add(count, Ordering::Relaxed);
        // Beyond the list the same designees follow in other batches and for other items.
        (start..start + count)
            .map(|i| designation(&self.list[i % self.list.len()], i / self.list.len()))
            .collect()
    }
}

fn designation(enterprise: &Enterprise, lap: usize) -> pb::Event {
    let profile = pb::Profile {
        name: enterprise.name.clone(),
        name_en: "Example Precision Machinery (Guangdong) Co., Ltd.".to_owned(),
        kind: pb::DesigneeKind::Enterprise.into(),
        registered_region: enterprise.region.clone(),
        industry: enterprise.industry.to_owned(),
        size_class: pb::SizeClass::Small.into(),
        main_product: String::new(),
    };
    let date = |year, month, day| Some(pb::Date { year, month, day });
    pb::Event {
        authority: "440000".to_owned(),
        designee: enterprise.uscc.to_string(),
        effective_date: date(2024, 1, 1),
        evidence: Some(pb::Evidence {
            document_number: "粤工信融资函〔2024〕1号".to_owned(),
            document_date: date(2023, 12, 20),
            published_date: date(2023, 12, 28),
            url: "https://example.invalid/zwgk/tzgg/content/post_4318000.html".to_owned(),
            sha256: vec![7; 32].into(),
            row: 17,
            ..Default::default()
        }),
        fact: Some(Fact::Designated(pb::Designated {
            programme: "innovative-sme".to_owned(),
            item: if lap == 0 { String::new() } else { lap.to_string() },
            batch: "2024-1".to_owned(),
            profile: Some(profile),
            ..Default::default()
        })),
        ..Default::default()
    }
}

/// Runs calls with a number in flight for a while; gives calls a second and sorted latencies in
/// milliseconds.
async fn closed_loop<F, Fut>(in_flight: usize, seconds: f64, call: F) -> (f64, Vec<f64>)
where
    F: Fn(usize) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send,
{
    let (began, call) = (Instant::now(), Arc::new(call));
    let mut tasks = JoinSet::new();
    for worker in 0..in_flight {
        let call = Arc::clone(&call);
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            while began.elapsed().as_secs_f64() < seconds {
                let at = Instant::now();
                call(worker).await;
                latencies.push(at.elapsed().as_secs_f64() * 1e3);
            }
            latencies
        });
    }
    let mut latencies: Vec<f64> = tasks.join_all().await.concat();
    latencies.sort_by(f64::total_cmp);
    (latencies.len() as f64 / began.elapsed().as_secs_f64(), latencies)
}

fn quantile(sorted: &[f64], q: f64) -> f64 {
    sorted.get((sorted.len() as f64 * q) as usize).copied().unwrap_or_default()
}

async fn run_round(plan: Plan, table: &mut Table) {
    let events = Arc::new(Events::new(250_000));
    let (echo, tidu) = (Server::echo(), Server::tidu());
    let (to_echo, to_tidu) = (echo.channels().await, tidu.channels().await);
    for in_flight in [1, 64, 256] {
        let echoes = unary_echo(plan, &to_echo, in_flight, table).await;
        let appends = single_appends(plan, &to_tidu, &events, in_flight, table).await;
        let name = format!("durable Append against echo, {in_flight} in flight");
        table.add(name, "×", appends / echoes);
    }
    drop(echo);
    bulk(plan, &tidu, &to_tidu, &events, table).await;
    catch_up(&tidu, &to_tidu, table).await;
    fan_out(plan, &to_tidu, &events, table).await;
    table.add("server's peak memory at the end of a round", "MiB", tidu.peak_mebibytes());
}

async fn unary_echo(plan: Plan, to: &[Channel], in_flight: usize, table: &mut Table) -> f64 {
    let clients: Vec<_> = to.iter().cloned().map(HealthClient::new).collect();
    let call = move |worker: usize| {
        let mut client = clients[worker % CONNECTIONS].clone();
        async move { drop(client.check(HealthCheckRequest::default()).await.unwrap()) }
    };
    let (rate, latencies) = closed_loop(in_flight, plan.seconds, call).await;
    table.add(format!("empty unary echo, {in_flight} in flight"), "/s", rate);
    if in_flight == 1 {
        table.add("empty unary echo, p50", "ms", quantile(&latencies, 0.5));
    }
    rate
}

async fn single_appends(
    plan: Plan,
    to: &[Channel],
    events: &Arc<Events>,
    in_flight: usize,
    table: &mut Table,
) -> f64 {
    let clients: Vec<_> = to.iter().cloned().map(LedgerServiceClient::new).collect();
    let events = Arc::clone(events);
    let call = move |worker: usize| {
        let mut client = clients[worker % CONNECTIONS].clone();
        let events = events.take(1);
        async move {
            let request = pb::AppendRequest { events, ..Default::default() };
            drop(client.append(request).await.unwrap());
        }
    };
    let (rate, latencies) = closed_loop(in_flight, plan.seconds, call).await;
    table.add(format!("durable Append of one event, {in_flight} in flight"), "/s", rate);
    for (name, q) in [("p50", 0.5), ("p99", 0.99)] {
        let name = format!("durable Append of one event, {in_flight} in flight, {name}");
        table.add(name, "ms", quantile(&latencies, q));
    }
    rate
}

async fn bulk(
    plan: Plan,
    server: &Server,
    to: &[Channel],
    events: &Arc<Events>,
    table: &mut Table,
) {
    let (began, cpu) = (Instant::now(), server.cpu_seconds());
    let mut tasks = JoinSet::new();
    for channel in to {
        let mut client = LedgerServiceClient::new(channel.clone());
        client = client.max_encoding_message_size(REQUEST_BYTES);
        let events = Arc::clone(events);
        tasks.spawn(async move {
            for _ in 0..plan.bulk_commits / CONNECTIONS {
                let request = pb::AppendRequest { events: events.take(BULK), ..Default::default() };
                client.append(request).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    let count = (plan.bulk_commits * BULK) as f64;
    table.add(
        "bulk, 1,000 events a commit, 4 in flight",
        "/s",
        count / began.elapsed().as_secs_f64(),
    );
    table.add(
        "bulk, server's processor time an event",
        "µs",
        (server.cpu_seconds() - cpu) / count * 1e6,
    );

    let mut client =
        LedgerServiceClient::new(to[0].clone()).max_encoding_message_size(REQUEST_BYTES);
    let request = pb::AppendRequest { events: events.take(LIST), ..Default::default() };
    let began = Instant::now();
    client.append(request).await.unwrap();
    table.add("one commit of 9,271 events", "ms", began.elapsed().as_secs_f64() * 1e3);
}

async fn catch_up(server: &Server, to: &[Channel], table: &mut Table) {
    let mut rates = Vec::new();
    let mut kept = Vec::new();
    for decodes in [true, false] {
        let (began, cpu) = (Instant::now(), server.cpu_seconds());
        let size = status(&to[0]).await.log_size;
        let mut client = LedgerServiceClient::new(to[0].clone());
        let request = pb::SubscribeRequest { stop_position: Some(size), ..Default::default() };
        let mut stream = client.subscribe(request).await.unwrap().into_inner();
        while let Some(message) = stream.message().await.unwrap() {
            let Some(batch) = batch_of(message) else { continue };
            if decodes {
                decode(&batch.leaves);
            } else {
                kept.extend(batch.leaves);
            }
        }
        let rate = size as f64 / began.elapsed().as_secs_f64();
        let how = if decodes { "decoded by the client" } else { "kept as bytes" };
        table.add(format!("catch-up of one subscriber, {how}"), "/s", rate);
        let cpu = (server.cpu_seconds() - cpu) / size as f64 * 1e6;
        table.add(format!("catch-up, {how}, server's processor time an event"), "µs", cpu);
        rates.push(rate);
    }
    let bytes: usize = kept.iter().map(bytes::Bytes::len).sum();
    table.add("mean size of a recorded event", "B", bytes as f64 / kept.len() as f64);
    let began = Instant::now();
    decode(&kept);
    let memory = kept.len() as f64 / began.elapsed().as_secs_f64();
    table.add("the same client decoding from memory", "/s", memory);
    table.add("catch-up, decoded, against decoding from memory", "×", rates[0] / memory);
}

fn decode(leaves: &[bytes::Bytes]) {
    for leaf in leaves {
        std::hint::black_box(pb::RecordedEvent::decode(leaf.clone()).unwrap());
    }
}

fn batch_of(message: pb::SubscribeResponse) -> Option<LeafBatch> {
    match message.payload {
        Some(Payload::Events(batch) | Payload::RawEvents(batch)) => Some(batch),
        _ => None,
    }
}

async fn status(channel: &Channel) -> pb::GetStatusResponse {
    let mut client = AdminServiceClient::new(channel.clone());
    client.get_status(pb::GetStatusRequest {}).await.unwrap().into_inner()
}

/// Commits of 100 events while 50 streams follow; each notes when it has reached the end of a
/// commit.
async fn fan_out(plan: Plan, to: &[Channel], events: &Arc<Events>, table: &mut Table) {
    let start = status(&to[0]).await.log_size;
    let end = start + plan.live_commits as u64 * 100;
    let (origin, delivered) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let mut followers = JoinSet::new();
    for follower in 0..FOLLOWERS {
        let mut client = LedgerServiceClient::new(to[follower % CONNECTIONS].clone());
        let request = pb::SubscribeRequest {
            start: Some(pb::subscribe_request::Start::FromPosition(start)),
            stop_position: Some(end),
            ..Default::default()
        };
        let mut stream = client.subscribe(request).await.unwrap().into_inner();
        let delivered = Arc::clone(&delivered);
        followers.spawn(async move {
            let mut reached = Vec::new();
            while let Some(message) = stream.message().await.unwrap() {
                let Some(batch) = batch_of(message) else { continue };
                delivered.fetch_add(batch.leaves.len() as u64, Ordering::Relaxed);
                reached.push((batch.next_position, origin.elapsed().as_secs_f64()));
            }
            reached
        });
    }
    let mut client = LedgerServiceClient::new(to[0].clone());
    let mut replies = Vec::new();
    let began = Instant::now();
    for _ in 0..plan.live_commits {
        let request = pb::AppendRequest { events: events.take(100), ..Default::default() };
        let answer = client.append(request).await.unwrap().into_inner();
        replies.push((answer.next_position, origin.elapsed().as_secs_f64()));
    }
    let reached = followers.join_all().await;
    let rate = delivered.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64();
    table.add("live fan-out to 50, commits of 100, deliveries", "/s", rate);
    let mut delays: Vec<f64> = Vec::new();
    for one in &reached {
        for (next, replied) in &replies {
            let at = one.partition_point(|(position, _)| position < next);
            let delivered = one.get(at).map_or(f64::NAN, |(_, when)| *when);
            delays.push(((delivered - replied) * 1e3).max(0.0));
        }
    }
    delays.sort_by(f64::total_cmp);
    table.add("live fan-out to 50, from reply to delivery, p50", "ms", quantile(&delays, 0.5));
    table.add("live fan-out to 50, from reply to delivery, p99", "ms", quantile(&delays, 0.99));
}
