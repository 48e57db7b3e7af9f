//! A receiver of webhooks, and the watchers that deliver to it.

use std::{
    collections::VecDeque,
    fs,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use parking_lot::Mutex;
use serde_json::Value;
use sha2::Sha256;

use super::{Fresh, TIDU, in_time};

/// The secret of signatures.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The answer of a receiver to a request.
pub enum Step {
    /// Answers with a status and more header lines.
    Answer(u16, &'static str),
    /// Closes the connection.
    Cut,
    /// Says nothing until the sender is gone.
    Hold,
    /// Answers with a status and a body that never ends.
    Endless(u16),
}

/// A POST that came in.
pub struct Request {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// The connection over which it came, from 0.
    pub connection: usize,
}

impl Request {
    fn read(stream: &mut BufReader<TcpStream>, connection: usize) -> Option<Self> {
        let mut line = String::new();
        stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let path = line.strip_prefix("POST ")?.split(' ').next()?.to_owned();
        let mut headers = Vec::new();
        loop {
            line.clear();
            stream.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim().split_once(": ") else { break };
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        let mut request = Self { path, headers, body: String::new(), connection };
        let mut body = vec![0; request.header("content-length").parse().unwrap()];
        stream.read_exact(&mut body).ok()?;
        request.body = String::from_utf8(body).unwrap();
        Some(request)
    }

    pub fn header(&self, name: &str) -> &str {
        let mut found = self.headers.iter().filter(|(other, _)| other == name);
        let (_, value) = found.next().unwrap_or_else(|| panic!("no {name}"));
        assert!(found.next().is_none(), "{name} twice");
        value
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The position of the event, or those of a batch.
    pub fn positions(&self) -> Vec<u64> {
        let of = |event: &Value| event["data"]["position"].as_str().unwrap().parse().unwrap();
        match self.json() {
            Value::Array(events) => events.iter().map(of).collect(),
            event => vec![of(&event)],
        }
    }

    /// The position of the event.
    pub fn position(&self) -> u64 {
        self.positions()[0]
    }

    /// Fails unless the sender knows the secret.
    pub fn verify(&self) {
        let (id, time) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        let key = BASE64_STANDARD.decode(SECRET.strip_prefix("whsec_").unwrap()).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(format!("{id}.{time}.{}", self.body).as_bytes());
        let expected = format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()));
        assert_eq!(self.header("webhook-signature"), expected);
        assert!(time.parse::<u64>().unwrap() > 1_700_000_000, "{time} is not the time");
    }
}

/// A receiver on a free port: does what its script says, then takes everything.
pub struct Answering {
    pub url: String,
    pub requests: Receiver<Request>,
    /// Open connections.
    open: Arc<AtomicUsize>,
}

impl Answering {
    pub fn start(script: Vec<Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook?from=tidu", listener.local_addr().unwrap());
        let (sender, requests) = channel();
        let script = Arc::new(Mutex::new(VecDeque::from(script)));
        let open = Arc::<AtomicUsize>::default();
        let all = Arc::clone(&open);
        thread::spawn(move || {
            for (connection, stream) in listener.incoming().enumerate() {
                let (script, sender, open) = (Arc::clone(&script), sender.clone(), all.clone());
                open.fetch_add(1, Ordering::SeqCst);
                thread::spawn(move || {
                    // A connection that breaks is one that ends.
                    let _ = serve(stream.unwrap(), connection, &script, &sender);
                    open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { url, requests, open }
    }

    /// Waits until everything was read that senders who are gone have sent.
    pub async fn all_read(&self) {
        let closed = async {
            while self.open.load(Ordering::SeqCst) > 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        in_time("the end of all connections", closed).await;
    }

    /// Waits for the next request.
    pub fn position(&self) -> u64 {
        self.requests.recv().unwrap().position()
    }
}

/// Answers the requests of a connection until it ends.
fn serve(
    stream: TcpStream,
    connection: usize,
    script: &Mutex<VecDeque<Step>>,
    seen: &Sender<Request>,
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(request) = Request::read(&mut stream, connection) {
        // The step is this request's before anybody hears of it.
        let step = script.lock().pop_front().unwrap_or(Step::Answer(200, ""));
        if seen.send(request).is_err() {
            break;
        }
        match step {
            Step::Answer(status, more) => {
                let head = format!("HTTP/1.1 {status} said\r\ncontent-length: 2\r\n{more}\r\nok");
                stream.get_mut().write_all(head.as_bytes())?;
            }
            Step::Cut => break,
            Step::Hold => {
                let _ = stream.read(&mut [0]);
                break;
            }
            Step::Endless(status) => {
                let head = format!("HTTP/1.1 {status} said\r\ncontent-length: 9\r\n\r\nok");
                stream.get_mut().write_all(head.as_bytes())?;
                let _ = stream.read(&mut [0]);
                break;
            }
        }
    }
    Ok(())
}

/// `tidu watch` with short pauses and a state file.
pub fn watch(fresh: &Fresh, args: &[&str]) -> Command {
    let mut command = Command::new(TIDU);
    command
        .args(["watch", "--retry-min", "1ms", "--retry-max", "10ms", "--state"])
        .arg(state(fresh))
        .args(args)
        .current_dir(fresh.dir.path())
        .env("TIDU_SERVER", &fresh.server.address)
        .env("TIDU_WEBHOOK_SECRET", SECRET);
    command
}

pub fn state(fresh: &Fresh) -> PathBuf {
    fresh.dir.path().join("state")
}

/// The next position that a state file holds.
pub fn position_in(path: &Path) -> u64 {
    let text = fs::read_to_string(path).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["next_position"].as_u64().unwrap()
}

pub fn complaints(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A watcher that runs beside the test; ended with it.
pub struct Watching(pub Child);

impl Watching {
    pub fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Reads lines until one has these words. Keep the pipe: a watcher without a reader ends.
pub fn wait_for<R: std::io::Read>(pipe: R, words: &str) -> BufReader<R> {
    let mut pipe = BufReader::new(pipe);
    let mut line = String::new();
    while !line.contains(words) {
        line.clear();
        assert!(pipe.read_line(&mut line).unwrap() > 0, "ended before it said {words}");
    }
    pipe
}
