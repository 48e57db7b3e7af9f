//! One line for what an operator must know of, and none for a caller's own doing.

use std::process::Command;

use tidu::protocol::pb::{self, admin_service_client::AdminServiceClient};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};
use tonic::{Code, transport::Channel};

use super::{Logged, with_message};
use crate::support::{TIDU, directory, in_time, list, reason, refused};

const REFUSED: &str = "refused a commit";
const SLOW: &str = "a commit was slow";

fn append(request_id: &str, events: Vec<pb::Event>) -> pb::AppendRequest {
    pb::AppendRequest { request_id: request_id.to_owned(), events, ..Default::default() }
}

#[tokio::test]
async fn a_refused_commit_gets_one_line_that_says_whose_and_why() {
    let logged = Logged::start(&[], &[]);
    let mut client = logged.client().await;
    client.append(append("first", list(1, 2))).await.unwrap();
    // By a rule, by its form, and for a precondition.
    let again = client.append(append("second", list(1, 2))).await.unwrap_err();
    client.append(append("third", Vec::new())).await.unwrap_err();
    let mut moved = append("fourth", list(2, 1));
    moved.precondition = Some(pb::append_request::Precondition::LogSize(7));
    client.append(moved).await.unwrap_err();
    // A trial records nothing, and so it is a call like any other.
    let trial = pb::AppendRequest { validate_only: true, ..append("fifth", Vec::new()) };
    client.append(trial).await.unwrap_err();

    let log = logged.end();
    let lines = with_message(&log, REFUSED);
    assert_eq!(lines.len(), 3, "{log}");
    let of = |key: &str| lines.iter().map(|line| line[key].clone()).collect::<Vec<_>>();
    assert_eq!(of("request_id"), ["second", "third", "fourth"]);
    assert_eq!(of("code"), ["FAILED_PRECONDITION", "INVALID_ARGUMENT", "ABORTED"]);
    assert_eq!(lines[0]["reason"], reason(&again), "{log}");
    assert_eq!(lines[2]["reason"], "PRECONDITION_MOVED", "{log}");
    assert_eq!(of("events"), [2, 0, 1]);
    for line in &lines {
        assert_eq!((&line["level"], &line["principal"]), (&"INFO".into(), &"anonymous".into()));
        assert!(line["peer"].as_str().unwrap().starts_with("127.0.0.1:"), "{line}");
        assert!(line["duration_ms"].is_u64(), "{line}");
    }
    let calls = with_message(&log, "refused a call");
    assert_eq!(calls.len(), 1, "{log}");
    assert_eq!(calls[0]["method"], "tidu.v1.LedgerService/Append", "{log}");
}

#[tokio::test]
async fn a_commit_as_slow_as_the_setting_gets_a_line() {
    for (setting, expected) in [("0", 1), ("3600000", 0)] {
        let logged = Logged::start(&["--slow-commit-ms", setting], &[]);
        let mut client = logged.client().await;
        client.append(append("slow-one", list(1, 3))).await.unwrap();
        let trial = pb::AppendRequest { validate_only: true, ..append("trial", list(2, 1)) };
        client.append(trial).await.unwrap();
        let log = logged.end();
        let lines = with_message(&log, SLOW);
        assert_eq!(lines.len(), expected, "--slow-commit-ms {setting}: {log}");
        for line in lines {
            let found = [&line["level"], &line["request_id"], &line["principal"]];
            assert_eq!(found, ["WARN", "slow-one", "anonymous"], "{line}");
            assert_eq!((&line["events"], &line["limit_ms"]), (&3.into(), &0.into()), "{line}");
        }
    }
}

#[tokio::test]
async fn other_failures_get_a_line_and_answers_get_none() {
    let logged = Logged::start(&[], &[]);
    let mut client = logged.client().await;
    client.status().await;
    let request = pb::GetEventRequest { position: Some(9), raw: false };
    client.ledger.get_event(request).await.unwrap_err();
    let log = logged.end();
    let lines = with_message(&log, "refused a call");
    assert_eq!(lines.len(), 1, "{log}");
    assert_eq!(lines[0]["method"], "tidu.v1.LedgerService/GetEvent");
    assert_eq!(lines[0]["code"], "OUT_OF_RANGE");
    assert_eq!(lines[0]["reason"], "POSITION_BEYOND_LOG");
    assert!(!log.contains("GetStatus"), "{log}");
}

#[tokio::test]
async fn a_page_in_the_name_of_another_host_gets_a_line() {
    let logged = Logged::start(&[], &[]);
    let address = Channel::from_shared(logged.server.address.clone()).unwrap();
    let rebound = address.origin("http://foreign.example".parse().unwrap());
    let channel = rebound.connect().await.unwrap();
    let mut admin = AdminServiceClient::new(channel);
    admin.get_status(pb::GetStatusRequest {}).await.unwrap_err();
    let log = logged.end();
    let lines = with_message(&log, "refused a call");
    assert_eq!(lines.len(), 1, "{log}");
    assert_eq!(lines[0]["reason"], "HOST_NOT_ALLOWED", "{log}");
    assert_eq!(lines[0]["method"], "tidu.v1.AdminService/GetStatus", "{log}");
}

#[tokio::test]
async fn a_request_that_is_not_a_call_gets_a_line_without_its_path() {
    let logged = Logged::start(&[], &[]);
    let address = logged.server.address.trim_start_matches("http://").to_owned();
    let mut plain = TcpStream::connect(&address).await.unwrap();
    let request = format!("GET /a/planted?b HTTP/1.1\r\nHost: {address}\r\n\r\n");
    plain.write_all(request.as_bytes()).await.unwrap();
    let line = logged.line("refused a call").await;
    assert_eq!(
        (&line["method"], &line["reason"]),
        (&"unknown".into(), &"MALFORMED_REQUEST".into())
    );
    assert!(!logged.end().contains("planted"));
}

#[tokio::test]
async fn a_stream_that_the_server_ends_gets_a_line_with_the_cause() {
    let logged = Logged::start(&[], &[("TIDU_LOG", "tidu=debug")]);
    let mut client = logged.client().await;
    client.record(list(1, 3)).await.unwrap();
    // One reaches its stop position, one is left by its caller, and one is there at the drain.
    let request = pb::SubscribeRequest { stop_position: Some(3), ..Default::default() };
    assert_eq!(client.collect(request).await.len(), 3);
    let left = client.ledger.subscribe(pb::SubscribeRequest::default()).await.unwrap();
    drop(left);
    logged.line("a call ended, because its caller went away or took nothing").await;
    let stays = client.ledger.subscribe(pb::SubscribeRequest::default()).await.unwrap();
    let mut stays = stays.into_inner();
    logged.server.ask_to_end();
    let ended = in_time("the end of the stream", async {
        loop {
            match stays.message().await {
                Ok(Some(_)) => {}
                ended => return ended,
            }
        }
    });
    assert_eq!(ended.await.unwrap_err().code(), Code::Unavailable);
    let log = logged.ended();
    let subscribe = "tidu.v1.LedgerService/Subscribe";
    let opened = with_message(&log, "a stream opened");
    assert_eq!(opened.len(), 3, "{log}");
    assert!(opened.iter().all(|line| line["method"] == subscribe && line["level"] == "DEBUG"));
    let ended = with_message(&log, "a stream ended");
    assert_eq!(ended.len(), 2, "{log}");
    let of = |key: &str| ended.iter().map(|line| line[key].clone()).collect::<Vec<_>>();
    assert_eq!(of("level"), ["DEBUG", "INFO"], "{log}");
    assert_eq!(of("cause"), ["its last message was sent", "DRAINING"], "{log}");
    assert_eq!(of("code"), ["OK", "UNAVAILABLE"], "{log}");
}

#[tokio::test]
async fn a_cursor_that_moves_backwards_gets_a_line() {
    let logged = Logged::start(&[], &[]);
    let mut client = logged.client().await;
    client.record(list(1, 9)).await.unwrap();
    let cursor_id = "bank".to_owned();
    let create = pb::CreateCursorRequest { cursor_id: cursor_id.clone(), ..Default::default() };
    client.cursors.create_cursor(create).await.unwrap();
    // Forwards, backwards without force, forwards with it, and backwards with it.
    for (next_position, force) in [(4, false), (2, false), (7, true), (3, true)] {
        let cursor_id = cursor_id.clone();
        let advance =
            pb::AdvanceCursorRequest { cursor_id, next_position, force, ..Default::default() };
        let moved = client.cursors.advance_cursor(advance).await;
        assert_eq!(moved.is_ok(), next_position != 2, "{moved:?}");
    }
    let log = logged.end();
    let lines = with_message(&log, "a cursor was moved backwards");
    assert_eq!(lines.len(), 1, "{log}");
    let line = &lines[0];
    assert_eq!((&line["level"], &line["cursor"]), (&"WARN".into(), &"bank".into()), "{line}");
    assert_eq!((&line["from_position"], &line["next_position"]), (&7.into(), &3.into()));
    assert_eq!(line["principal"], "anonymous", "{line}");
}

#[test]
fn a_filter_that_cannot_be_read_ends_the_start() {
    let dir = directory();
    let mut serve = Command::new(TIDU);
    serve.args(["serve", "--listen", "127.0.0.1:0"]).env("TIDU_LOG", "tidu=loud");
    let output = serve.current_dir(dir.path()).output().unwrap();
    refused(&output, &["TIDU_LOG", "\"tidu=loud\"", "tidu=debug"]);
    assert!(!dir.path().join("tidu-data").exists(), "nothing was begun");
}

#[tokio::test]
async fn a_text_of_a_caller_stays_inside_its_line() {
    let logged = Logged::start(&[], &[]);
    let mut client = logged.client().await;
    let trap = "x\n{\"message\":\"serving\"}\u{1B}[2J\u{202E}\u{2028}";
    client.append(append(trap, list(1, 1))).await.unwrap_err();
    let log = logged.end();
    let lines = with_message(&log, REFUSED);
    assert_eq!(lines.len(), 1, "{log}");
    assert_eq!(lines[0]["request_id"], trap, "JSON keeps it, escaped");
    assert_eq!(with_message(&log, "serving").len(), 1, "{log}");
    for hidden in ['\u{1B}', '\u{202E}', '\u{2028}'] {
        assert!(!log.contains(hidden), "{hidden:?}: {log}");
    }
}
