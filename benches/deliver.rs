//! How fast `tidu watch` delivers to a webhook and to a command, and which part of it is the round
//! trip to the receiver.
//!
//! `cargo bench --profile dist --bench deliver` prints a table; `-- --quick` runs it briefly.
//! Server, watcher and receiver share the machine: compare rows of one run. The first row is the
//! receiver alone: the same bytes, sent by a client that does nothing else. The second one is
//! delivery with a state file that is written for each event.
#![allow(missing_docs, unreachable_pub, dead_code, clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::disallowed_methods, clippy::cast_precision_loss, clippy::indexing_slicing)]
#![allow(clippy::panic)]

#[path = "../tests/suite/support/events.rs"]
mod events;
#[path = "../tests/suite/support/server.rs"]
mod server;

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::{Arc, Mutex},
    thread,
    time::Instant,
};

use self::{
    events::list,
    server::{Fresh, TIDU},
};

const COMMIT: usize = 5_000;
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

struct Plan {
    /// Events to deliver in groups.
    many: usize,
    /// Events to deliver with a sync or a process for each.
    few: usize,
}

/// The requests that a receiver got.
#[derive(Default)]
struct Got {
    events: usize,
    first: Option<Instant>,
    last: Option<Instant>,
    /// The last request, as it came.
    request: Vec<u8>,
}

/// A receiver that takes everything and does nothing with it.
struct Receiver {
    address: String,
    got: Arc<Mutex<Got>>,
}

impl Receiver {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let got = Arc::new(Mutex::new(Got::default()));
        let shared = Arc::clone(&got);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let got = Arc::clone(&shared);
                thread::spawn(move || serve(stream.unwrap(), &got));
            }
        });
        Self { address, got }
    }

    /// Events a second, from the first to the last.
    fn rate(&self, expected: usize) -> f64 {
        let got = std::mem::take(&mut *self.got.lock().unwrap());
        assert_eq!(got.events, expected, "events were lost or repeated");
        rate(expected, got.first.unwrap(), got.last.unwrap())
    }
}

fn rate(events: usize, from: Instant, to: Instant) -> f64 {
    events as f64 / (to - from).as_secs_f64()
}

fn serve(stream: TcpStream, got: &Mutex<Got>) {
    stream.set_nodelay(true).unwrap();
    let mut stream = BufReader::with_capacity(64 * 1024, stream);
    while let Some((request, body)) = read(&mut stream) {
        let now = Instant::now();
        {
            let mut got = got.lock().unwrap();
            let body = String::from_utf8_lossy(&request[body..]);
            got.events += body.matches("\"specversion\"").count();
            got.first.get_or_insert(now);
            got.last = Some(now);
            got.request = request;
        }
        stream.get_mut().write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
    }
}

/// A request, and where its body begins.
fn read(stream: &mut BufReader<TcpStream>) -> Option<(Vec<u8>, usize)> {
    let (mut request, mut length) = (Vec::new(), 0);
    loop {
        let begin = request.len();
        stream.read_until(b'\n', &mut request).ok().filter(|read| *read > 0)?;
        let line = String::from_utf8_lossy(&request[begin..]).to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let body = request.len();
    request.resize(body + length, 0);
    stream.read_exact(&mut request[body..]).ok()?;
    Some((request, body))
}

/// The receiver alone: the same request again and again, over one connection.
fn alone(receiver: &Receiver, request: &[u8], times: usize) -> f64 {
    let mut stream = TcpStream::connect(&receiver.address).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut answer = [0; 64];
    for _ in 0..times {
        stream.write_all(request).unwrap();
        let mut read = 0;
        while !answer[..read].ends_with(b"\r\n\r\n") {
            read += stream.read(&mut answer[read..]).unwrap();
        }
    }
    receiver.rate(times)
}

/// Runs a watcher up to a position.
fn watch(fresh: &Fresh, state: &str, until: usize, args: &[&str]) {
    let ended = Command::new(TIDU)
        .args(["watch", "--state", state, "--until", &until.to_string()])
        .args(args)
        .current_dir(fresh.dir.path())
        .env("TIDU_SERVER", &fresh.server.address)
        .env("TIDU_WEBHOOK_SECRET", SECRET)
        .status();
    assert!(ended.unwrap().success());
}

#[tokio::main]
async fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let plan = if quick { Plan { many: 2_000, few: 50 } } else { Plan { many: 50_000, few: 500 } };
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    for commit in list(1, plan.many).chunks(COMMIT) {
        client.record(commit.to_vec()).await.unwrap();
    }
    let receiver = Receiver::start();
    let url = format!("http://{}/hook", receiver.address);
    let webhook = |state: &str, events: usize, args: &[&str]| {
        watch(&fresh, state, events, &[&["--webhook", &url], args].concat());
        let request = receiver.got.lock().unwrap().request.clone();
        (receiver.rate(events), request)
    };
    let command = |state: &str, events: usize, args: &[&str]| {
        let began = Instant::now();
        watch(&fresh, state, events, &[&["--exec", "cat > /dev/null"], args].concat());
        rate(events, began, Instant::now())
    };
    let (each, request) = webhook("each", plan.few, &["--sync-events", "1"]);
    let alone = alone(&receiver, &request, plan.many);
    let rows = [
        ("the receiver alone", alone),
        ("webhook, the state file after each event", each),
        ("webhook", webhook("groups", plan.many, &[]).0),
        ("webhook, batches of 10", webhook("tens", plan.many, &["--batch-size", "10"]).0),
        ("webhook, batches of 100", webhook("hundreds", plan.many, &["--batch-size", "100"]).0),
        ("command", command("command", plan.few, &[])),
        ("command, batches of 100", command("lines", plan.many, &["--batch-size", "100"])),
    ];
    println!("{:<42} {:>9} {:>12} {:>12}", "", "events/s", "x alone", "x each event");
    for (name, rate) in rows {
        println!("{name:<42} {rate:>9.0} {:>12.2} {:>12.1}", rate / alone, rate / each);
    }
}
