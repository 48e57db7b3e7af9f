//! Delivery in groups: what a crash repeats, when the state is exact, and batches.
//!
//! `TIDU_DELIVERY_KILLS` sets how many watchers are killed.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use fastrand::Rng;
use serde_json::Value;

use crate::support::{
    Fresh, TIDU, in_time, list,
    receiver::{
        Answering, Request, Step, Watching, complaints, position_in, state, wait_for, watch,
    },
    seed,
};

/// Watchers that a usual run kills.
const KILLS: usize = 12;
/// More events than a watcher delivers until it is killed.
const EVENTS_OF_KILL: usize = 1_000;
/// Within this a watcher delivers; kills fall at random before it.
const DELIVERY_DURATION: Duration = Duration::from_millis(60);

/// Checks that the requests of one watcher leave out no event and repeat none, after a receiver
/// that has taken those below `next`. Gives the first position and the one behind the last.
fn span(requests: &[Request], next: u64) -> (u64, u64) {
    let positions: Vec<u64> = requests.iter().flat_map(Request::positions).collect();
    let first = positions[0];
    assert!(first <= next, "after {next} comes {first}: events were lost");
    let end = first + positions.len() as u64;
    assert!(positions.iter().copied().eq(first..end), "{positions:?}");
    (first, end)
}

/// One group that a watcher may have open.
fn any_group(random: &mut Rng) -> (u64, Vec<String>) {
    let (events, batch) = (random.u64(1..40), random.u64(1..20));
    let mut args = vec!["--sync-events".to_owned(), events.to_string()];
    if random.bool() {
        args.extend(["--batch-size".to_owned(), batch.to_string()]);
        return (events.max(batch), args);
    }
    (events, args)
}

#[tokio::test]
async fn a_kill_at_any_moment_repeats_at_most_a_group() {
    let kills = seed::count("TIDU_DELIVERY_KILLS", KILLS);
    let mut random = seed::random("TIDU_DELIVERY_SEED");
    let fresh = Fresh::start();
    let total = kills * EVENTS_OF_KILL;
    for commit in list(1, total).chunks(5_000) {
        fresh.client().await.record(commit.to_vec()).await.unwrap();
    }
    let receiver = Answering::start(Vec::new());
    // The receiver has taken everything below `next`, and the state file has `kept`.
    let (mut next, mut kept) = (0, 0);
    for _ in 0..kills {
        let (group, args) = any_group(&mut random);
        let mut command = watch(&fresh, &["--webhook", &receiver.url]);
        let watching = Watching::start(command.args(&args).stderr(Stdio::null()));
        let mut requests = vec![receiver.requests.recv().unwrap()];
        // No waiting for anything: it chooses the moment of the kill.
        thread::sleep(DELIVERY_DURATION.mul_f64(random.f64()));
        watching.kill();
        receiver.all_read().await;
        requests.extend(receiver.requests.try_iter());
        let (first, end) = span(&requests, next);
        assert_eq!(first, kept, "it goes on where the state was");
        next = next.max(end);
        kept = position_in(&state(&fresh));
        // Also a request that came in and got no answer would come again.
        assert!((first..=end).contains(&kept) && end - kept <= group, "{end}, {kept}, {args:?}");
    }
    let until = total.to_string();
    let args = ["--webhook", &receiver.url, "--until", &until, "--batch-size", "1000"];
    let output = watch(&fresh, &args).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let requests: Vec<_> = receiver.requests.try_iter().collect();
    assert_eq!(span(&requests, next), (kept, total as u64));
    assert_eq!(position_in(&state(&fresh)), total as u64);
}

/// A group that never ends by itself.
const ENDLESS_GROUP: [&str; 4] = ["--sync-events", "1000000", "--sync-interval", "1h"];

/// Waits until the state file holds a position.
async fn state_holds(path: &Path, position: u64) {
    let holds = async {
        while !path.exists() || position_in(path) != position {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    in_time("the state", holds).await;
}

#[tokio::test]
async fn the_state_is_exact_whenever_delivery_rests() {
    let fresh = Fresh::start();
    fresh.client().await.record(list(1, 6)).await.unwrap();
    let later = Step::Answer(503, "retry-after: 900\r\n");
    let script = |end| vec![Step::Answer(200, ""), Step::Answer(200, ""), end];
    let start = |receiver: &Answering| {
        let args = [&["--webhook", &receiver.url], &ENDLESS_GROUP[..]].concat();
        let mut watching = Watching::start(watch(&fresh, &args).stderr(Stdio::piped()));
        let pipe = watching.0.stderr.take().unwrap();
        (watching, pipe)
    };
    // A receiver that refuses.
    let receiver = Answering::start(script(later));
    let (watching, pipe) = start(&receiver);
    let _pipe = wait_for(pipe, "trying again in 900s");
    assert_eq!(position_in(&state(&fresh)), 2);
    watching.kill();
    // One that wants no more.
    let receiver = Answering::start(script(Step::Answer(410, "")));
    let (mut watching, _pipe) = start(&receiver);
    assert_eq!(watching.0.wait().unwrap().code(), Some(1));
    assert_eq!(position_in(&state(&fresh)), 4);
    // A request to end while the receiver does not answer.
    let receiver = Answering::start(vec![Step::Answer(200, ""), Step::Hold]);
    let (watching, _pipe) = start(&receiver);
    assert_eq!([4, 5].map(|_| receiver.position()), [4, 5]);
    let pid = watching.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    state_holds(&state(&fresh), 5).await;
    watching.kill();
    // Nothing is left to deliver.
    let receiver = Answering::start(Vec::new());
    let (watching, _pipe) = start(&receiver);
    state_holds(&state(&fresh), 6).await;
    watching.kill();
    // The server goes away.
    fresh.client().await.record(list(2, 1)).await.unwrap();
    let (watching, pipe) = start(&receiver);
    let Fresh { server, dir } = fresh;
    assert_eq!([5, 6].map(|_| receiver.position()), [5, 6]);
    assert!(server.kill().is_none());
    let _pipe = wait_for(pipe, "trying again");
    state_holds(&dir.path().join("state"), 7).await;
    watching.kill();
}

#[tokio::test]
async fn a_receiver_that_is_slow_leaves_the_state_in_time() {
    let fresh = Fresh::start();
    fresh.client().await.record(list(1, 3)).await.unwrap();
    let receiver = Answering::start(vec![Step::Answer(200, ""), Step::Hold]);
    let args = ["--webhook", &receiver.url, "--sync-interval", "20ms"];
    let watching = Watching::start(watch(&fresh, &args).stderr(Stdio::null()));
    assert_eq!([0, 1].map(|_| receiver.position()), [0, 1]);
    state_holds(&state(&fresh), 1).await;
    watching.kill();
}

#[tokio::test]
async fn an_answer_whose_body_is_late_holds_up_no_event() {
    let fresh = Fresh::start();
    let total = 40;
    fresh.client().await.record(list(1, total)).await.unwrap();
    let late = || Step::Endless(200);
    let receiver = Answering::start(std::iter::repeat_with(late).take(total).collect());
    let until = total.to_string();
    let args = ["--webhook", &receiver.url, "--until", &until];
    #[allow(clippy::disallowed_methods)] // the promise is one of time
    let began = Instant::now();
    let output = watch(&fresh, &args).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    // One a second would take 40 seconds.
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    let requests: Vec<_> = receiver.requests.try_iter().collect();
    let positions: Vec<_> = requests.iter().map(Request::position).collect();
    assert_eq!(positions, (0..total as u64).collect::<Vec<_>>(), "in order, each once");
    let connections: Vec<_> = requests.iter().map(|request| request.connection).collect();
    assert_eq!(connections, (0..total).collect::<Vec<_>>(), "none waits for the body before");
}

#[tokio::test]
async fn events_go_over_one_connection() {
    let fresh = Fresh::start();
    fresh.client().await.record(list(1, 200)).await.unwrap();
    let receiver = Answering::start(Vec::new());
    let args = ["--webhook", &receiver.url, "--until", "200"];
    let output = watch(&fresh, &args).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let requests: Vec<_> = receiver.requests.try_iter().collect();
    assert_eq!(requests.len(), 200);
    // The body of an answer may be late on a busy machine.
    let connections = requests.iter().map(|request| request.connection).max().unwrap();
    assert!(connections < 20, "{connections} connections for 200 events");
}

#[tokio::test]
async fn a_batch_has_events_in_order_and_is_taken_as_a_whole() {
    let fresh = Fresh::start();
    fresh.client().await.record(list(1, 25)).await.unwrap();
    let receiver = Answering::start(vec![
        Step::Answer(200, ""),
        Step::Answer(500, ""),
        Step::Cut,
        Step::Answer(200, ""),
    ]);
    let args = ["--webhook", &receiver.url, "--batch-size", "10", "--until", "25"];
    let output = watch(&fresh, &args).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = complaints(&output);
    assert!(said.contains("batch 10 to 19 was not taken: the receiver answered 500"), "{said}");
    let log_id = fresh.client().await.status().await.log_id;
    let mut batches = Vec::new();
    for request in receiver.requests.try_iter() {
        request.verify();
        assert_eq!(request.header("content-type"), "application/cloudevents-batch+json");
        let positions = request.positions();
        let (first, last) = (positions[0], positions[positions.len() - 1]);
        assert_eq!(request.header("webhook-id"), format!("{log_id}/{first}..{last}"));
        assert!(positions.iter().copied().eq(first..=last));
        for (event, position) in request.json().as_array().unwrap().iter().zip(positions) {
            assert_eq!(event["id"], format!("{log_id}/{position}"));
            assert_eq!(event["specversion"], "1.0");
        }
        batches.push((first, last));
    }
    assert_eq!(batches, [(0, 9), (10, 19), (10, 19), (10, 19), (20, 24)]);
    assert_eq!(position_in(&state(&fresh)), 25);
}

#[tokio::test]
async fn a_command_gets_the_events_of_a_batch_one_a_line() {
    let fresh = Fresh::start();
    fresh.client().await.record(list(1, 25)).await.unwrap();
    let command = "cat >> seen; echo \"$TIDU_POSITION $TIDU_LAST_POSITION $TIDU_EVENT_COUNT \
                   ${TIDU_KIND-none}\" >> told";
    let args = ["--exec", command, "--batch-size", "10", "--until", "25"];
    let output = watch(&fresh, &args).env("TIDU_KIND", "stale").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let read = |name: &str| fs::read_to_string(fresh.dir.path().join(name)).unwrap();
    assert_eq!(read("told"), "0 9 10 none\n10 19 10 none\n20 24 5 none\n");
    let seen: Vec<Value> =
        read("seen").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (at, event) in seen.iter().enumerate() {
        assert_eq!(event["data"]["position"], at.to_string());
    }
    assert_eq!(seen.len(), 25);
}

#[test]
fn options_of_groups_without_a_receiver_are_refused() {
    for (option, value) in
        [("--batch-size", "10"), ("--sync-events", "10"), ("--sync-interval", "1s")]
    {
        let output = Command::new(TIDU).args(["watch", option, value]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{option}: {output:?}");
        assert!(complaints(&output).contains("--exec"), "{output:?}");
    }
    for (option, value) in [("--batch-size", "0"), ("--batch-size", "1001"), ("--sync-events", "0")]
    {
        let args = ["watch", "--exec", "true", "--state", "s", option, value];
        let output = Command::new(TIDU).args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{option} {value}: {output:?}");
    }
}
