//! Delivery to systems that speak no gRPC: each event taken once, in order, whatever the receiver
//! and the processes do.

use std::{
    fs,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::support::{
    Fresh, Server, TIDU, list,
    receiver::{
        Answering, SECRET, Step, Watching, complaints, position_in, state, wait_for, watch,
    },
    redacted::{annulment, redact},
};

#[tokio::test]
async fn a_webhook_gets_events_once_in_order_after_any_failure() {
    let fresh = Fresh::start();
    fresh.client().await.record(list(1, 4)).await.unwrap();
    let hooked = Answering::start(vec![
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
    assert_eq!(position_in(&state(&fresh)), 4);
}

/// The status decides. Its body is read for the connection's sake, and for a moment. A path in
/// another script arrives encoded.
#[tokio::test]
async fn an_answer_whose_body_never_ends_counts_as_its_status() {
    let fresh = Fresh::start();
    fresh.client().await.record(list(1, 2)).await.unwrap();
    let hooked = Answering::start(vec![Step::Endless(503), Step::Endless(200), Step::Endless(202)]);
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
async fn a_watcher_that_syncs_each_event_repeats_at_most_one() {
    let fresh = Fresh::start();
    // Far more than are delivered between a request that is seen and the kill.
    fresh.client().await.record(list(1, 400)).await.unwrap();
    let hooked = Answering::start(vec![Step::Answer(200, ""), Step::Answer(200, ""), Step::Hold]);
    let args = ["--webhook", &hooked.url, "--sync-events", "1"];
    let start = || Watching::start(watch(&fresh, &args).stderr(Stdio::null()));
    // The third was sent and never answered: it is the first that comes again.
    let watching = start();
    assert_eq!([0; 3].map(|_| hooked.position()), [0, 1, 2]);
    watching.kill();
    assert_eq!(position_in(&state(&fresh)), 2);
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
    let hooked = Answering::start(Vec::new());
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
    assert_eq!(position_in(&state(&fresh)), 3);
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
    let hooked = Answering::start(Vec::new());
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
            assert_eq!(position_in(&state(&fresh)), next);
        }
        fs::remove_file(state(&fresh)).unwrap();
    }
    // A state that stood on the event before it was redacted passes over it.
    let output = watch(&fresh, &["--exec", "cat; echo", "--from", "1", "--until", "2"]).output();
    let output = output.unwrap();
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
    assert_eq!(position_in(&state(&fresh)), 2);
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
    assert_eq!(position_in(&state(&fresh)), 3);
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
    assert_eq!(position_in(&state(&fresh)), 0, "it is still to be delivered");
}

#[tokio::test]
async fn a_receiver_that_is_gone_leaves_the_event_to_be_delivered() {
    let fresh = Fresh::start();
    fresh.client().await.record(list(1, 3)).await.unwrap();
    let hooked = Answering::start(vec![Step::Answer(200, ""), Step::Answer(410, "")]);
    let output = watch(&fresh, &["--webhook", &hooked.url]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = complaints(&output);
    assert!(said.contains("410 Gone") && said.contains("event 1 was not taken"), "{said}");
    assert_eq!(position_in(&state(&fresh)), 1);
}

#[tokio::test]
async fn a_watcher_asked_to_end_ends_between_two_attempts() {
    let fresh = Fresh::start();
    fresh.client().await.record(list(1, 2)).await.unwrap();
    let hooked =
        Answering::start(vec![Step::Answer(200, ""), Step::Answer(503, "retry-after: 900\r\n")]);
    let mut command = watch(&fresh, &["--webhook", &hooked.url]);
    let mut watching = Watching::start(command.stderr(Stdio::piped()));
    let _pipe = wait_for(watching.0.stderr.take().unwrap(), "trying again in 900s");
    let pid = watching.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert_eq!(watching.0.wait().unwrap().code(), Some(0));
    assert_eq!(position_in(&state(&fresh)), 1);
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
    let hooked = Answering::start(Vec::new());
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
