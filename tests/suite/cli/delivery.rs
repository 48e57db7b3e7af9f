//! Delivery to systems that speak no gRPC: each event taken once, in order, whatever the receiver
//! and the processes do.

use std::{
    collections::VecDeque,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

use crate::support::{
    Fresh, Server, TIDU, list,
    redacted::{annulment, redact},
};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What a receiver does with a request.
enum Step {
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
struct Request {
    path: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Request {
    fn read(stream: &mut BufReader<TcpStream>) -> Option<Self> {
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
        let mut request = Self { path, headers, body: String::new() };
        let mut body = vec![0; request.header("content-length").parse().unwrap()];
        stream.read_exact(&mut body).ok()?;
        request.body = String::from_utf8(body).unwrap();
        Some(request)
    }

    fn header(&self, name: &str) -> &str {
        let mut found = self.headers.iter().filter(|(other, _)| other == name);
        let (_, value) = found.next().unwrap_or_else(|| panic!("no {name}"));
        assert!(found.next().is_none(), "{name} twice");
        value
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn position(&self) -> u64 {
        self.json()["data"]["position"].as_str().unwrap().parse().unwrap()
    }

    /// Fails unless the sender knows the secret.
    fn verify(&self) {
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
struct Hooked {
    url: String,
    requests: Receiver<Request>,
}

impl Hooked {
    fn start(script: Vec<Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook?from=tidu", listener.local_addr().unwrap());
        let (sender, requests) = channel();
        thread::spawn(move || serve(&listener, script.into(), &sender));
        Self { url, requests }
    }

    /// Waits for the next request.
    fn position(&self) -> u64 {
        self.requests.recv().unwrap().position()
    }
}

fn serve(listener: &TcpListener, mut script: VecDeque<Step>, seen: &Sender<Request>) {
    for stream in listener.incoming() {
        let mut stream = BufReader::new(stream.unwrap());
        while let Some(request) = Request::read(&mut stream) {
            if seen.send(request).is_err() {
                return;
            }
            let (status, more) = match script.pop_front().unwrap_or(Step::Answer(200, "")) {
                Step::Answer(status, more) => (status, more),
                Step::Cut => break,
                Step::Hold => {
                    let _ = stream.read(&mut [0]);
                    break;
                }
                Step::Endless(status) => {
                    let head = format!("HTTP/1.1 {status} said\r\ncontent-length: 9\r\n\r\nok");
                    stream.get_mut().write_all(head.as_bytes()).unwrap();
                    let _ = stream.read(&mut [0]);
                    break;
                }
            };
            let answer = format!("HTTP/1.1 {status} said\r\ncontent-length: 2\r\n{more}\r\nok");
            if stream.get_mut().write_all(answer.as_bytes()).is_err() {
                break;
            }
        }
    }
}

/// `tidu watch` with short pauses and a state file.
fn watch(fresh: &Fresh, args: &[&str]) -> Command {
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

fn state(fresh: &Fresh) -> PathBuf {
    fresh.dir.path().join("state")
}

/// The next position that a state file holds.
fn kept(path: &Path) -> u64 {
    let text = fs::read_to_string(path).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["next_position"].as_u64().unwrap()
}

fn complaints(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A watcher that runs beside the test; ended with it.
struct Watching(Child);

impl Watching {
    fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    fn kill(mut self) {
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
fn wait_for<R: std::io::Read>(pipe: R, words: &str) -> BufReader<R> {
    let mut pipe = BufReader::new(pipe);
    let mut line = String::new();
    while !line.contains(words) {
        line.clear();
        assert!(pipe.read_line(&mut line).unwrap() > 0, "ended before it said {words}");
    }
    pipe
}

#[tokio::test]
async fn a_webhook_gets_events_once_in_order_after_any_failure() {
    let fresh = Fresh::start();
    fresh.client().await.record(list(1, 4)).await.unwrap();
    let hooked = Hooked::start(vec![
        Step::Answer(500, ""),
        Step::Cut,
        Step::Answer(429, "retry-after: 0\r\n"),
        Step::Answer(307, "location: http://127.0.0.1:1/\r\n"),
        Step::Answer(202, ""),
        Step::Cut,
    ]);
    let output = watch(&fresh, &["--webhook", &hooked.url, "--until", "4"]).output().unwrap();
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
    assert!(complaints(&output).contains("event 0 was not taken: the receiver answered 429"));
    let printed = Command::new(TIDU)
        .args(["watch", "--until", "4", "-o", "json", "--server", &fresh.server.address])
        .output()
        .unwrap();
    let printed = String::from_utf8(printed.stdout).unwrap();
    let printed: Vec<Value> =
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let log_id = fresh.client().await.status().await.log_id;
    let mut positions = Vec::new();
    for request in hooked.requests.try_iter() {
        request.verify();
        assert_eq!(request.path, "/hook?from=tidu");
        assert_eq!(request.header("content-type"), "application/cloudevents+json");
        let (json, position) = (request.json(), request.position());
        let data = &printed[usize::try_from(position).unwrap()];
        assert_eq!(&json["data"], data);
        assert_eq!(json["specversion"], "1.0");
        assert_eq!(json["id"], format!("{log_id}/{position}"));
        assert_eq!(json["id"], request.header("webhook-id"));
        assert_eq!(json["source"], format!("urn:uuid:{log_id}"));
        assert_eq!(json["type"], "tidu.designated.v1");
        assert_eq!(json["time"], data["recordedTime"]);
        assert_eq!(json["subject"], data["event"]["designee"]);
        assert_eq!(json["sequence"], format!("{position:020}"));
        positions.push(position);
    }
    assert_eq!(positions, [0, 0, 0, 0, 0, 1, 1, 2, 3]);
    assert_eq!(kept(&state(&fresh)), 4);
}

/// The status decides. Its body is read for the connection's sake, and for a moment. A path in
/// another script arrives encoded.
#[tokio::test]
async fn an_answer_whose_body_never_ends_counts_as_its_status() {
    let fresh = Fresh::start();
    fresh.client().await.record(list(1, 2)).await.unwrap();
    let hooked = Hooked::start(vec![Step::Endless(503), Step::Endless(200), Step::Endless(202)]);
    let url = hooked.url.replace("/hook", "/企业%20/钩");
    let args = ["--webhook", &url, "--until", "2", "--attempt-timeout", "100s"];
    let output = watch(&fresh, &args).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let requests: Vec<_> = hooked.requests.try_iter().map(|r| (r.position(), r.path)).collect();
    let path = "/%E4%BC%81%E4%B8%9A%20/%E9%92%A9?from=tidu".to_owned();
    assert_eq!(requests, [0, 0, 1].map(|position| (position, path.clone())));
}

#[tokio::test]
async fn a_password_in_the_url_is_refused_and_not_repeated() {
    let fresh = Fresh::start();
    let url = "https://user:hunter2@receiver.example/";
    let output = watch(&fresh, &["--webhook", url]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = complaints(&output);
    assert!(said.contains("leave out the user and the password"), "{said}");
    assert!(!said.contains("hunter2") && output.stdout.is_empty(), "{said}");
}

#[tokio::test]
async fn a_watcher_killed_anywhere_repeats_at_most_one_event() {
    let fresh = Fresh::start();
    // Far more than are delivered between a request that is seen and the kill.
    fresh.client().await.record(list(1, 400)).await.unwrap();
    let hooked = Hooked::start(vec![Step::Answer(200, ""), Step::Answer(200, ""), Step::Hold]);
    let start =
        || Watching::start(watch(&fresh, &["--webhook", &hooked.url]).stderr(Stdio::null()));
    // The third was sent and never answered: it is the first that comes again.
    let watching = start();
    assert_eq!([0; 3].map(|_| hooked.position()), [0, 1, 2]);
    watching.kill();
    assert_eq!(kept(&state(&fresh)), 2);
    let (mut last, mut repeated) = (2, 0);
    let mut judge = |position: u64| {
        assert!(position == last || position == last + 1, "after {last} came {position}");
        repeated += u32::from(position == last);
        last = position;
    };
    const KILLS: u32 = 8;
    for _ in 0..KILLS {
        let watching = start();
        for _ in 0..3 {
            judge(hooked.position());
        }
        watching.kill();
    }
    let output = watch(&fresh, &["--webhook", &hooked.url, "--until", "400"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    hooked.requests.try_iter().for_each(|request| judge(request.position()));
    assert_eq!(last, 399);
    assert!((1..=KILLS + 1).contains(&repeated), "{repeated} repetitions by {KILLS} and one kills");
}

#[tokio::test]
async fn delivery_goes_on_after_a_restart_of_the_server() {
    let fresh = Fresh::start();
    fresh.client().await.record(list(1, 2)).await.unwrap();
    let hooked = Hooked::start(Vec::new());
    let args = ["--webhook", &hooked.url, "--from", "1", "--until", "4", "--progress", "-ojson"];
    let mut watching = Watching::start(watch(&fresh, &args).stdout(Stdio::piped()));
    let _pipe = wait_for(watching.0.stdout.take().unwrap(), "\"caughtUp\":true");
    let Fresh { server, dir } = fresh;
    let address = server.address.clone();
    server.kill();
    let server = Server::start_at(&dir.path().join("data"), address.trim_start_matches("http://"));
    server.client().await.record(list(1, 4).split_off(2)).await.unwrap();
    assert_eq!([0; 3].map(|_| hooked.position()), [1, 2, 3]);
    watching.kill();
    assert!(hooked.requests.try_recv().is_err());
}

#[tokio::test]
async fn the_state_passes_other_events_and_from_counts_once() {
    let fresh = Fresh::start();
    fresh.client().await.record(list(1, 3)).await.unwrap();
    let args = ["--exec", "exit 1", "--kind", "revoked", "--progress", "-ojson"];
    let mut watching = Watching::start(watch(&fresh, &args).stdout(Stdio::piped()));
    // The state is written before the progress is told.
    let _pipe = wait_for(watching.0.stdout.take().unwrap(), "\"nextPosition\":\"3\"");
    assert_eq!(kept(&state(&fresh)), 3);
    watching.kill();
    fresh.client().await.record(list(1, 4).split_off(3)).await.unwrap();
    let args = ["--exec", "echo $TIDU_POSITION", "--from", "1", "--until", "4"];
    let output = watch(&fresh, &args).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "3\n");
}

/// A log of five events. The one at 1 is redacted; the one at 3 annuls it.
async fn with_a_redaction() -> Fresh {
    let Fresh { server, dir } = Fresh::start();
    let mut client = server.client().await;
    let events = list(1, 4);
    client.record(events[..3].to_vec()).await.unwrap();
    client.record(vec![annulment(1)]).await.unwrap();
    client.record(events[3..].to_vec()).await.unwrap();
    assert_eq!(server.terminate(), Some(0));
    let data = dir.path().join("data");
    redact(&data, 1);
    Fresh { server: Server::start(&data), dir }
}

#[tokio::test]
async fn a_receiver_gets_nothing_for_a_redacted_event() {
    let fresh = with_a_redaction().await;
    let hooked = Hooked::start(Vec::new());
    for (receiver, value) in
        [("--exec", "cat > /dev/null; echo $TIDU_POSITION"), ("--webhook", &hooked.url)]
    {
        // The state ends on the redacted event, then goes on behind it.
        for (until, taken, next) in [("2", &["0"][..], 2), ("5", &["2", "3", "4"], 5)] {
            let output = watch(&fresh, &[receiver, value, "--until", until]).output().unwrap();
            assert!(output.status.success(), "{output:?}");
            let printed = String::from_utf8(output.stdout).unwrap();
            let requests = hooked.requests.try_iter().map(|request| request.position().to_string());
            let received: Vec<_> = printed.lines().map(str::to_owned).chain(requests).collect();
            assert_eq!(received, taken, "{receiver} until {until}");
            assert_eq!(kept(&state(&fresh)), next);
        }
        fs::remove_file(state(&fresh)).unwrap();
    }
    // A state that stood on the event before it was redacted passes over it.
    let output = watch(&fresh, &["--exec", "cat; echo", "--from", "1", "--until", "2"]).output();
    let output = output.unwrap();
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
    assert_eq!(kept(&state(&fresh)), 2);
}

#[tokio::test]
async fn a_command_that_fails_twice_gets_the_event_a_third_time() {
    let fresh = Fresh::start();
    fresh.client().await.record(list(1, 3)).await.unwrap();
    let command = "cat >> seen; echo \"$TIDU_POSITION $TIDU_LOG_ID $TIDU_KIND\" >> tried; \
                   test \"$(wc -l < tried)\" -gt 2";
    let output = watch(&fresh, &["--exec", command, "--until", "3"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(complaints(&output).matches("event 0 was not taken").count(), 2, "{output:?}");
    let read = |name: &str| fs::read_to_string(fresh.dir.path().join(name)).unwrap();
    let log_id = fresh.client().await.status().await.log_id;
    let expected: Vec<_> =
        [0, 0, 0, 1, 2].iter().map(|position| format!("{position} {log_id} designated")).collect();
    assert_eq!(read("tried").lines().collect::<Vec<_>>(), expected);
    for (line, told) in read("seen").lines().zip(&expected) {
        let event: Value = serde_json::from_str(line).unwrap();
        let position = told.split(' ').next().unwrap();
        assert_eq!(event["data"]["position"], position);
        assert_eq!(event["id"], format!("{log_id}/{position}"));
    }
    assert_eq!(read("seen").lines().count(), 5);
    assert_eq!(kept(&state(&fresh)), 3);
}

#[tokio::test]
async fn a_command_that_hangs_is_ended_with_all_it_started() {
    let fresh = Fresh::start();
    fresh.client().await.record(list(1, 1)).await.unwrap();
    // Both hold the pipe of standard output, which comes to its end only when both are gone.
    let args =
        ["--exec", "sleep 1000 & sleep 1000", "--attempt-timeout", "20ms", "--attempts", "2"];
    let output = watch(&fresh, &args).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = complaints(&output);
    assert_eq!(said.matches("took longer than 20ms").count(), 2, "{said}");
    assert_eq!(kept(&state(&fresh)), 0, "it is still to be delivered");
}

#[tokio::test]
async fn a_receiver_that_is_gone_leaves_the_event_to_be_delivered() {
    let fresh = Fresh::start();
    fresh.client().await.record(list(1, 3)).await.unwrap();
    let hooked = Hooked::start(vec![Step::Answer(200, ""), Step::Answer(410, "")]);
    let output = watch(&fresh, &["--webhook", &hooked.url]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = complaints(&output);
    assert!(said.contains("410 Gone") && said.contains("event 1 was not taken"), "{said}");
    assert_eq!(kept(&state(&fresh)), 1);
}

#[tokio::test]
async fn a_watcher_asked_to_end_ends_between_two_attempts() {
    let fresh = Fresh::start();
    fresh.client().await.record(list(1, 2)).await.unwrap();
    let hooked =
        Hooked::start(vec![Step::Answer(200, ""), Step::Answer(503, "retry-after: 900\r\n")]);
    let mut command = watch(&fresh, &["--webhook", &hooked.url]);
    let mut watching = Watching::start(command.stderr(Stdio::piped()));
    let _pipe = wait_for(watching.0.stderr.take().unwrap(), "trying again in 900s");
    let pid = watching.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert_eq!(watching.0.wait().unwrap().code(), Some(0));
    assert_eq!(kept(&state(&fresh)), 1);
}

#[tokio::test]
async fn a_state_file_serves_one_log_and_one_watcher() {
    let (fresh, other) = (Fresh::start(), Fresh::start());
    fresh.client().await.record(list(1, 1)).await.unwrap();
    other.client().await.record(list(1, 1)).await.unwrap();
    let refused = |command: &mut Command, why: &str| {
        let before = fs::read_to_string(state(&fresh)).unwrap();
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(output.stdout.is_empty(), "something was delivered: {output:?}");
        let said = complaints(&output);
        assert!(said.contains(why), "{said}");
        assert_eq!(fs::read_to_string(state(&fresh)).unwrap(), before);
    };
    let taken = watch(&fresh, &["--exec", "true", "--until", "1"]).output().unwrap();
    assert!(taken.status.success(), "{taken:?}");
    let deliver = || watch(&fresh, &["--exec", "echo taken"]);
    refused(deliver().env("TIDU_SERVER", &other.server.address), "another --state file");

    let mut waiting = watch(&fresh, &["--exec", "true", "--progress"]);
    let mut waiting = Watching::start(waiting.stdout(Stdio::piped()));
    let _pipe = wait_for(waiting.0.stdout.take().unwrap(), "of 1 events");
    refused(&mut deliver(), "another tidu delivers");
    waiting.kill();

    let text = fs::read_to_string(state(&fresh)).unwrap();
    fs::write(state(&fresh), text.replace("\"next_position\":1", "\"next_position\":2")).unwrap();
    refused(&mut deliver(), "older copy");
    fs::write(state(&fresh), &text[..text.len() / 2]).unwrap();
    refused(&mut deliver(), "is not a state file");
}

#[tokio::test]
async fn a_webhook_without_secret_or_address_is_refused_first() {
    let fresh = Fresh::start();
    let hooked = Hooked::start(Vec::new());
    let file = fresh.dir.path().join("secret");
    fs::write(&file, "whsec_c2hvcnQ=\n").unwrap();
    let secret = ["--webhook-secret-file", file.to_str().unwrap()];
    let refused = |args: &[&str], why: &str| {
        let output = watch(&fresh, args).env_remove("TIDU_WEBHOOK_SECRET").output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(complaints(&output).contains(why), "{output:?}");
    };
    refused(&["--webhook", &hooked.url], "no secret");
    refused(&[&["--webhook", &hooked.url], &secret[..]].concat(), "24 to 64 bytes");
    fs::write(&file, SECRET).unwrap();
    refused(&[&["--webhook", "ftp://127.0.0.1/"], &secret[..]].concat(), "http://");
    assert!(hooked.requests.try_recv().is_err());
    let usage = Command::new(TIDU).args(["watch", "--exec", "true"]).output().unwrap();
    assert_eq!(usage.status.code(), Some(2), "a state file is asked for");
}
