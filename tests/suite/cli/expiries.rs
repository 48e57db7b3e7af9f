//! Titles that expire: delivered once for each title and day, before the events of that day.
//!
//! The events were recorded days ago, by a clock that the test turns; the days are counted from the
//! present one, so that nothing depends on the time of day.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    iter,
    process::{Command, Output, Stdio},
    sync::{Arc, atomic::Ordering},
    thread,
};

use jiff::Timestamp;
use serde_json::{Value, json};
use tidu::{
    domain::CivilDate,
    log::SledLog,
    protocol::{
        pb::{self, event::Fact},
        time::pb_date,
    },
};
use tokio::runtime::Builder;
use uuid::Uuid;

use crate::support::{
    Fresh, Hands, Server, TIDU, commit, designated, directory, made_up, open,
    receiver::{Answering, Request, Step, Watching, complaints, state, watch},
};

const HOUR: i64 = 3_600_000_000;

/// The day so many days ago.
#[allow(clippy::disallowed_methods)] // the watcher counts by the same clock
fn ago(days: usize) -> CivilDate {
    let today = CivilDate::today_in_shanghai(Timestamp::now());
    iter::successors(Some(today), |day| day.previous()).nth(days).unwrap()
}

/// The designation of one of the made-up enterprises, whose last day was so many days ago.
fn ending(which: usize, last: usize) -> pb::Event {
    let mut event = designated(&made_up(1, which + 1)[which]);
    let Some(Fact::Designated(fact)) = &mut event.fact else { panic!("a designation") };
    fact.valid_to = Some(pb_date(ago(last)));
    event
}

fn designee(which: usize) -> String {
    made_up(1, which + 1)[which].uscc.to_string()
}

/// A server whose events were recorded at noon of days ago.
fn recorded(days: Vec<(usize, Vec<pb::Event>)>) -> Fresh {
    let dir = directory();
    let data = dir.path().join("data");
    let log = SledLog::open(&data, Uuid::from_u128(7)).unwrap();
    // The threads of the ledger end with its runtime, and with them the lock of the log.
    let recording = thread::spawn(|| {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(record_at_noon(Arc::new(log), days));
    });
    recording.join().unwrap();
    Fresh { server: Server::start(&data), dir }
}

async fn record_at_noon(log: Arc<SledLog>, days: Vec<(usize, Vec<pb::Event>)>) {
    let clock = Arc::new(Hands::default());
    let ledger = open(log, Arc::clone(&clock), Arc::default());
    for (day, events) in days {
        let noon = ago(day).midnight_in_shanghai().as_microsecond() + 12 * HOUR;
        clock.0.store(noon, Ordering::Relaxed);
        // Time passes on both clocks, so that the ledger trusts the wall.
        clock.1.store(noon.unsigned_abs() / 1_000_000, Ordering::Relaxed);
        ledger.append(commit(events)).await.unwrap();
    }
    assert!(ledger.close());
}

/// The titles 0, 1 and 2 were recorded ten days ago; 0 and 1 had their last day six days ago. Title
/// 3 was recorded on the day on which these had expired, and had its last day four days ago. Title
/// 4 was recorded after its end.
fn five_titles() -> Fresh {
    recorded(vec![
        (10, vec![ending(0, 6), ending(1, 6), ending(2, 0)]),
        (5, vec![ending(3, 4)]),
        (2, vec![ending(4, 7)]),
    ])
}

/// Writes the state of a watcher that has delivered the expiries up to a day, and no event.
async fn write_state(fresh: &Fresh, through: usize) {
    let log_id = fresh.client().await.status().await.log_id;
    let through = ago(through).to_string();
    let kept = json!({"version": 2, "log_id": log_id, "next_position": 0,
        "expiries": {"through": through}});
    fs::write(state(fresh), kept.to_string()).unwrap();
}

fn kept(fresh: &Fresh) -> Value {
    serde_json::from_str(&fs::read_to_string(state(fresh)).unwrap()).unwrap()
}

/// `tidu watch` with expiries to the end of the log.
fn watch_to_end(fresh: &Fresh, receiver: &Answering, args: &[&str]) -> Output {
    let fixed = ["--webhook", &receiver.url, "--expiries", "--until", "5"];
    watch(fresh, &fixed).args(args).output().unwrap()
}

/// The events that a receiver got: positions, and of expiries the day and the designee.
fn told(requests: impl IntoIterator<Item = Request>) -> Vec<String> {
    let events = requests.into_iter().flat_map(|request| match request.json() {
        Value::Array(events) => events,
        event => vec![event],
    });
    let text = |event: Value| match event["derived"].as_bool() {
        None => event["data"]["position"].as_str().unwrap().to_owned(),
        Some(derived) => {
            assert!(derived && event.get("sequence").is_none(), "{event}");
            assert_eq!(event["type"], "tidu.derived.title-expired.v1");
            assert_eq!(event["data"]["designee"], event["subject"]);
            assert_eq!(event["data"]["reason"], "CHANGE_REASON_EXPIRY");
            assert_eq!(event["data"]["after"], "TITLE_STATUS_EXPIRED");
            let id = event["id"].as_str().unwrap().split('/').collect::<Vec<_>>();
            assert_eq!(id[1], "title-expired");
            format!("{} {}", id[2], event["subject"].as_str().unwrap())
        }
    };
    events.map(text).collect()
}

fn expired(days: usize, which: usize) -> String {
    format!("{} {}", ago(days), designee(which))
}

#[tokio::test]
async fn expiries_come_once_before_the_events_of_their_day() {
    let fresh = five_titles();
    write_state(&fresh, 8).await;
    let receiver = Answering::start(Vec::new());
    let output = watch_to_end(&fresh, &receiver, &[]);
    assert!(output.status.success(), "{output:?}");
    let before = ["0", "1", "2"].map(str::to_owned);
    let then = [expired(5, 0), expired(5, 1), "3".to_owned(), expired(3, 3), "4".to_owned()];
    let requests: Vec<_> = receiver.requests.try_iter().collect();
    requests.iter().for_each(Request::verify);
    assert_eq!(told(requests), [&before[..], &then[..]].concat());
    let through = kept(&fresh)["expiries"]["through"].as_str().unwrap().to_owned();
    assert!(through >= ago(1).to_string(), "{through}");
    // Nothing is left, whatever the receiver remembers.
    let output = watch_to_end(&fresh, &receiver, &[]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(told(receiver.requests.try_iter()), Vec::<String>::new());
}

#[tokio::test]
async fn expiries_go_on_behind_the_last_title_that_was_taken() {
    let fresh = five_titles();
    write_state(&fresh, 8).await;
    let mut script: Vec<_> = (0..4).map(|_| Step::Answer(200, "")).collect();
    script.push(Step::Answer(500, ""));
    let receiver = Answering::start(script);
    let output = watch_to_end(&fresh, &receiver, &["--attempts", "1"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = complaints(&output);
    let place = format!("event title-expired/{}/{}/", ago(5), designee(1));
    assert!(said.contains(&place) && said.contains("was not taken"), "{said}");
    let title = kept(&fresh)["expiries"]["title"].as_str().unwrap().to_owned();
    assert!(title.starts_with(&format!("{}/specialised-sme/440000/", designee(0))), "{title}");
    receiver.requests.try_iter().for_each(drop);
    // An id that is not among them, as after a redaction: the day comes again as a whole.
    let exact = fs::read_to_string(state(&fresh)).unwrap();
    let output = watch_to_end(&fresh, &receiver, &[]);
    assert!(output.status.success(), "{output:?}");
    let rest = [expired(5, 1), "3".to_owned(), expired(3, 3), "4".to_owned()];
    assert_eq!(told(receiver.requests.try_iter()), rest);
    fs::write(state(&fresh), exact.replace(&designee(0), "91440000MA00000000")).unwrap();
    let output = watch_to_end(&fresh, &receiver, &[]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(told(receiver.requests.try_iter()), [&[expired(5, 0)], &rest[..]].concat());
}

#[tokio::test]
async fn expiries_have_the_filter_of_the_events() {
    let fresh = five_titles();
    let one = designee(1);
    for (args, expected) in [
        (&["--authority", "440000"][..], 3),
        (&["--authority", "100000"], 0),
        (&["--designee", &one], 1),
        (&["--batch", "2024-1"], 3),
        (&["--batch", "2023-1"], 0),
        (&["--programme", "little-giant"], 0),
        (&["--region", "440000"], 3),
        (&["--region", "330000"], 0),
        (&["--kind", "revoked"], 3),
        (&["--batch-size", "10"], 3),
    ] {
        write_state(&fresh, 8).await;
        let receiver = Answering::start(Vec::new());
        let output = watch_to_end(&fresh, &receiver, args);
        assert!(output.status.success(), "{output:?}");
        let told = told(receiver.requests.try_iter());
        let expiries = told.iter().filter(|event| event.contains(' ')).count();
        assert_eq!(expiries, expected, "{args:?}: {told:?}");
    }
}

#[tokio::test]
async fn expiries_begin_with_the_day_after_they_are_asked_for() {
    let fresh = five_titles();
    let log_id = fresh.client().await.status().await.log_id;
    let first = json!({"version": 1, "log_id": log_id, "next_position": 5}).to_string();
    fs::write(state(&fresh), &first).unwrap();
    let receiver = Answering::start(Vec::new());
    // Without them the file stays as older versions have it.
    let output = watch(&fresh, &["--webhook", &receiver.url, "--until", "5"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(kept(&fresh)["version"], 1);
    let output = watch_to_end(&fresh, &receiver, &[]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(told(receiver.requests.try_iter()), Vec::<String>::new());
    assert_eq!(kept(&fresh)["version"], 2);
    // Left alone while they are not asked for.
    write_state(&fresh, 8).await;
    let output = watch(&fresh, &["--webhook", &receiver.url, "--until", "5"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(kept(&fresh)["expiries"]["through"], ago(8).to_string());
}

/// Both tell of the same titles: the one by days, the other from one moment to the next.
#[tokio::test]
async fn changes_that_are_followed_have_each_expiry() {
    let fresh = five_titles();
    let from = format!("{}@{}", ago(8), ago(10));
    let mut following = Command::new(TIDU);
    following.args(["changes", "--follow", "--interval", "10ms", "-ojson", "--from", &from]);
    following.env("TIDU_SERVER", &fresh.server.address).stdout(Stdio::piped());
    let mut following = Watching::start(&mut following);
    let mut lines = BufReader::new(following.0.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    let mut seen: Vec<_> = (0..4).map(|_| next()).collect();
    // One that comes later.
    fresh.client().await.record(vec![ending(5, 1)]).await.unwrap();
    seen.push(next());
    let of = |change: &Value| {
        let words = ["designee", "after", "reason"].map(|key| change[key].as_str().unwrap());
        words.map(str::to_owned).join(" ")
    };
    let expected = [(0, "EXPIRY"), (1, "EXPIRY"), (3, "FACT"), (4, "FACT"), (5, "FACT")];
    let expected = expected.map(|(which, reason)| {
        format!("{} TITLE_STATUS_EXPIRED CHANGE_REASON_{reason}", designee(which))
    });
    assert_eq!(seen.iter().map(of).collect::<Vec<_>>(), expected);
    following.kill();
}

#[tokio::test]
async fn days_too_long_ago_are_named_and_left_out() {
    let fresh = five_titles();
    write_state(&fresh, 380).await;
    let receiver = Answering::start(Vec::new());
    let output = watch_to_end(&fresh, &receiver, &[]);
    assert!(output.status.success(), "{output:?}");
    let said = complaints(&output);
    let from = format!("titles that expired from {}", ago(379));
    assert!(said.contains(&from) && said.contains("tidu changes --from"), "{said}");
    assert_eq!(told(receiver.requests.try_iter()).len(), 8);
}
