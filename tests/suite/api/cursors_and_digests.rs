//! Delivery: cursors, digests, and state to begin with.

use std::{fs, process::Command};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tidu::protocol::pb::{self, subscribe_request::Start, subscribe_response::Payload};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::support::{Client, Fresh, Server, TIDU, list, little_giant, made_up, reason};

const NONE: [u8; 32] = [0; 32];

fn guangdong() -> pb::EventFilter {
    pb::EventFilter { programmes: vec!["specialised-sme".into()], ..Default::default() }
}

/// What a subscriber with this filter keeps: the leaves and what the last progress says.
async fn keep(
    client: &mut Client,
    filter: pb::EventFilter,
    until: u64,
) -> (Vec<Bytes>, pb::Progress) {
    let request = pb::SubscribeRequest {
        filter: Some(filter),
        stop_position: Some(until),
        raw: true,
        digest: Some(Bytes::from_static(&NONE)),
        ..Default::default()
    };
    let mut stream = client.ledger.subscribe(request).await.unwrap().into_inner();
    let (mut leaves, mut last) = (Vec::new(), None);
    while let Some(message) = stream.message().await.unwrap() {
        match message.payload.unwrap() {
            Payload::RawEvents(batch) | Payload::Events(batch) => leaves.extend(batch.leaves),
            Payload::Progress(progress) => last = Some(progress),
            Payload::Withheld(_) => panic!("nothing is withheld here"),
        }
    }
    (leaves, last.unwrap())
}

/// The chain as the API describes it, written down a second time.
fn chain(leaves: &[Bytes]) -> [u8; 32] {
    leaves.iter().fold(NONE, |digest, leaf| {
        let hash = Sha256::new().chain_update([0]).chain_update(leaf).finalize();
        Sha256::new().chain_update(digest).chain_update(hash).finalize().into()
    })
}

/// 300 designations of Guangdong, every tenth followed by one of the ministry.
async fn record_some(client: &mut Client) -> u64 {
    let enterprises = made_up(7, 300);
    let mut events = list(7, 300);
    for (i, enterprise) in enterprises.iter().enumerate().step_by(10).rev() {
        let id = enterprise.uscc.to_string();
        events.insert(i + 1, little_giant(&id, "6", "2024-07-01"));
    }
    client.record(events).await.unwrap().next_position
}

#[tokio::test]
async fn a_copy_equals_the_log_by_its_digest() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let size = record_some(&mut client).await;
    assert_eq!(size, 330);
    for filter in [pb::EventFilter::default(), guangdong()] {
        let (leaves, last) = keep(&mut client, filter.clone(), size).await;
        assert_eq!(last.next_position, size);
        assert_eq!(last.digest.as_ref(), chain(&leaves));
        // In one go, and in pieces that continue each other's digest.
        for step in [size, 77] {
            let (mut digest, mut at, mut events) = (Bytes::new(), 0, 0);
            while at < size {
                let answer = client.proof.get_digest(pb::GetDigestRequest {
                    filter: Some(filter.clone()),
                    from_position: at,
                    digest,
                    to_position: Some(size.min(at + step)),
                    log_id: last.log_id.clone(),
                });
                let answer = answer.await.unwrap().into_inner();
                (digest, at) = (answer.digest, answer.next_position);
                events += answer.event_count;
            }
            assert_eq!((digest, events), (last.digest.clone(), leaves.len() as u64));
        }
    }
    // A stream that is resumed goes on with the digest of what its reader has.
    let (leaves, _) = keep(&mut client, guangdong(), 100).await;
    let request = pb::SubscribeRequest {
        start: Some(Start::FromPosition(100)),
        filter: Some(guangdong()),
        stop_position: Some(size),
        digest: Some(Bytes::copy_from_slice(&chain(&leaves))),
        ..Default::default()
    };
    let mut stream = client.ledger.subscribe(request).await.unwrap().into_inner();
    let mut last = Bytes::new();
    while let Some(message) = stream.message().await.unwrap() {
        if let Some(Payload::Progress(progress)) = message.payload {
            last = progress.digest;
        }
    }
    let (all, _) = keep(&mut client, guangdong(), size).await;
    assert_eq!(last.as_ref(), chain(&all));
}

#[tokio::test]
async fn a_digest_that_makes_no_sense_is_refused() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    client.record(list(1, 3)).await.unwrap();
    let ask = |change: fn(&mut pb::GetDigestRequest)| {
        let mut request = pb::GetDigestRequest::default();
        change(&mut request);
        let mut proof = client.proof.clone();
        async move { proof.get_digest(request).await.unwrap_err() }
    };
    let short = ask(|r| r.digest = Bytes::from_static(b"short")).await;
    assert_eq!((short.code(), reason(&short)), (Code::InvalidArgument, "FIELD_INVALID".into()));
    let late = ask(|r| r.to_position = Some(4)).await;
    assert_eq!((late.code(), reason(&late)), (Code::OutOfRange, "POSITION_BEYOND_LOG".into()));
    let turned = ask(|r| (r.from_position, r.to_position) = (2, Some(1))).await;
    assert_eq!(turned.code(), Code::InvalidArgument);
    let other = ask(|r| r.log_id = "another".into()).await;
    assert_eq!(reason(&other), "LOG_ID_MISMATCH");
    let digest = Some(Bytes::from_static(b"short"));
    let request = pb::SubscribeRequest { digest, ..Default::default() };
    let refused = client.ledger.subscribe(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

async fn advance(client: &mut Client, next_position: u64) -> Result<u64, tonic::Status> {
    let (cursor_id, log_id, force) = ("bank".into(), String::new(), false);
    let request = pb::AdvanceCursorRequest { cursor_id, next_position, log_id, force };
    let answer = client.cursors.advance_cursor(request).await;
    answer.map(|answer| answer.into_inner().next_position)
}

async fn cursor(client: &mut Client) -> pb::Cursor {
    let request = pb::GetCursorRequest { cursor_id: "bank".into(), ..Default::default() };
    client.cursors.get_cursor(request).await.unwrap().into_inner().cursor.unwrap()
}

async fn create(client: &mut Client, id: &str, next_position: u64) -> Result<(), tonic::Status> {
    let (cursor_id, filter) = (id.to_owned(), Some(guangdong()));
    let request = pb::CreateCursorRequest { cursor_id, filter, next_position };
    client.cursors.create_cursor(request).await.map(drop)
}

#[tokio::test]
async fn a_cursor_keeps_a_place_and_a_filter_across_a_kill() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let size = record_some(&mut client).await;
    create(&mut client, "bank", 0).await.unwrap();
    let found = cursor(&mut client).await;
    assert_eq!((found.next_position, found.lag_event_count, found.log_size), (0, 300, size));
    assert_eq!((found.advance_time, found.lag_event_count_capped), (None, false));
    assert!(found.lag.is_some_and(|lag| lag.seconds > 0 || lag.nanos > 0));

    // A stream that only names it gets its filter, and is seen.
    let request =
        pb::SubscribeRequest { start: Some(Start::CursorId("bank".into())), ..Default::default() };
    let mut stream = client.ledger.subscribe(request.clone()).await.unwrap().into_inner();
    let mut delivered = 0;
    let next = loop {
        match stream.message().await.unwrap().unwrap().payload.unwrap() {
            Payload::Events(batch) => delivered += batch.leaves.len(),
            Payload::Progress(progress) if progress.caught_up => break progress.next_position,
            _ => {}
        }
    };
    assert_eq!((delivered, next), (300, size));
    let [connection] = &cursor(&mut client).await.connections[..] else { panic!("one stream") };
    assert_eq!(connection.next_position, size);
    assert!(connection.remote_address.starts_with("127.0.0.1:"), "{connection:?}");
    // What was delivered is not what was done with.
    assert_eq!(cursor(&mut client).await.next_position, 0);
    assert_eq!(advance(&mut client, 200).await.unwrap(), 200);
    drop(stream);
    let data = fresh.data();
    assert_eq!(fresh.server.kill(), None);

    let server = Server::start(&data);
    let mut client = server.client().await;
    let found = cursor(&mut client).await;
    assert_eq!((found.next_position, found.filter), (200, Some(guangdong())));
    assert!(found.advance_time.is_some() && found.connections.is_empty());
    let missed = pb::SubscribeRequest { stop_position: Some(size), ..request };
    let missed = client.collect(missed).await;
    assert!(missed.iter().all(|event| event.position >= Some(200)));
    assert_eq!(missed.len() as u64, found.lag_event_count);
}

#[tokio::test]
async fn a_cursor_refuses_what_would_lose_events() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    client.record(list(1, 5)).await.unwrap();
    let refused = advance(&mut client, 1).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (Code::NotFound, "CURSOR_NOT_FOUND".into()));
    let unknown =
        pb::SubscribeRequest { start: Some(Start::CursorId("bank".into())), ..Default::default() };
    let refused = client.ledger.subscribe(unknown.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    let refused = create(&mut client, "Bank", 0).await.unwrap_err();
    assert_eq!(reason(&refused), "IDENTIFIER_INVALID");
    let refused = create(&mut client, "bank", 6).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused)),
        (Code::OutOfRange, "POSITION_BEYOND_LOG".into())
    );
    create(&mut client, "bank", 2).await.unwrap();
    let refused = create(&mut client, "bank", 2).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (Code::AlreadyExists, "CURSOR_EXISTS".into()));
    let refused = advance(&mut client, 1).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (Code::Aborted, "CURSOR_BACKWARDS".into()));
    let refused = advance(&mut client, 6).await.unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange);
    let other = pb::EventFilter { programmes: vec!["little-giant".into()], ..Default::default() };
    let other = pb::SubscribeRequest { filter: Some(other), ..unknown };
    let refused = client.ledger.subscribe(other).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused)),
        (Code::InvalidArgument, "FIELD_NOT_ALLOWED".into())
    );
    let delete = pb::DeleteCursorRequest { cursor_id: "bank".into(), ..Default::default() };
    client.cursors.delete_cursor(delete.clone()).await.unwrap();
    let refused = client.cursors.delete_cursor(delete).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_another_history_is_flagged_and_starts_nothing() {
    let (first, second) = (Fresh::start(), Fresh::start());
    let mut client = first.client().await;
    client.record(list(1, 5)).await.unwrap();
    create(&mut client, "bank", 4).await.unwrap();
    let (from, to) = (first.data(), second.data());
    assert_eq!(first.server.terminate(), Some(0));
    let mut client = second.client().await;
    client.record(list(2, 3)).await.unwrap();
    assert_eq!(second.server.terminate(), Some(0));
    fs::copy(from.join("cursors.redb"), to.join("cursors.redb")).unwrap();

    let server = Server::start(&to);
    let mut client = server.client().await;
    let found = cursor(&mut client).await;
    assert_eq!((found.log_changed, found.next_position, found.log_size), (true, 3, 3));
    let start = Some(Start::CursorId("bank".into()));
    let request = pb::SubscribeRequest { start, stop_position: Some(3), ..Default::default() };
    let refused = client.ledger.subscribe(request.clone()).await.unwrap_err();
    assert_eq!(reason(&refused), "LOG_ID_MISMATCH");
    let refused = advance(&mut client, 3).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused)),
        (Code::FailedPrecondition, "LOG_ID_MISMATCH".into())
    );
    let (cursor_id, log_id) = ("bank".into(), String::new());
    let confirm = pb::AdvanceCursorRequest { cursor_id, next_position: 1, log_id, force: true };
    client.cursors.advance_cursor(confirm).await.unwrap();
    assert!(!cursor(&mut client).await.log_changed);
    assert_eq!(client.collect(request).await.len(), 2);
}

#[tokio::test]
async fn cursors_are_listed_page_by_page() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    for i in [3, 1, 4, 0, 2] {
        create(&mut client, &format!("c{i}"), 0).await.unwrap();
    }
    let (mut ids, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = pb::ListCursorsRequest { page_size: 2, page_token };
        let page = client.cursors.list_cursors(request).await.unwrap().into_inner();
        ids.extend(page.cursors.into_iter().map(|cursor| cursor.cursor_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(ids, ["c0", "c1", "c2", "c3", "c4"]);
}

#[tokio::test]
async fn state_and_what_follows_it_are_the_whole() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let enterprises = made_up(3, 2_300);
    client.record(list(3, 2_300)).await.unwrap();
    let mut stream = client
        .register
        .export_register(pb::ExportRegisterRequest::default())
        .await
        .unwrap()
        .into_inner();
    let first = stream.message().await.unwrap().unwrap();
    assert!(!first.complete, "2,300 titles are more than a message");
    // What is recorded meanwhile is not part of the state, and follows it.
    let id = enterprises[0].uscc.to_string();
    client.record(vec![little_giant(&id, "6", "2024-07-01")]).await.unwrap();
    let (mut titles, mut last) = (first.titles.clone(), first);
    while let Some(message) = stream.message().await.unwrap() {
        assert_eq!(message.next_position, last.next_position);
        titles.extend(message.titles.clone());
        last = message;
    }
    assert!(last.complete);
    assert_eq!((titles.len() as u64, last.title_count), (2_300, 2_300));
    let rest = pb::SubscribeRequest {
        start: Some(Start::FromPosition(last.next_position)),
        log_id: last.log_id,
        stop_position: Some(2_301),
        ..Default::default()
    };
    let rest = client.collect(rest).await;
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0].event.as_ref().unwrap().designee, id);

    let nothing = pb::TitleFilter { batches: vec!["none".into()], ..Default::default() };
    let nothing = pb::ExportRegisterRequest { filter: Some(nothing), ..Default::default() };
    let mut stream = client.register.export_register(nothing).await.unwrap().into_inner();
    let only = stream.message().await.unwrap().unwrap();
    assert!(only.complete && only.titles.is_empty());
    assert!(stream.message().await.unwrap().is_none());
}

/// What a command says, with its errors if it fails, and its exit code.
fn tidu(server: &Server, args: &[&str]) -> (String, Option<i32>) {
    let ran = Command::new(TIDU).args(args).args(["--server", &server.address]).output().unwrap();
    let errors = if ran.status.success() { Vec::new() } else { ran.stderr };
    let said = [ran.stdout, errors].concat();
    (String::from_utf8(said).unwrap(), ran.status.code())
}

#[tokio::test(flavor = "multi_thread")]
async fn diff_finds_the_first_difference_of_a_copy() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    record_some(&mut client).await;
    let copy = fresh.dir.path().join("copy.jsonl");
    let programme = ["--programme", "specialised-sme"];
    let watch = ["watch", "--until", "330", "--output", "json", programme[0], programme[1]];
    let (lines, code) = tidu(&fresh.server, &watch);
    assert_eq!((lines.lines().count(), code), (300, Some(0)));
    let diff = |lines: &[&str], until: &str| {
        fs::write(&copy, lines.join("\n")).unwrap();
        let mut args = vec!["diff", copy.to_str().unwrap(), programme[0], programme[1]];
        if !until.is_empty() {
            args.extend(["--until", until]);
        }
        tidu(&fresh.server, &args)
    };
    let lines: Vec<&str> = lines.lines().collect();
    let position = |line: &str| {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        event["position"].as_str().unwrap().to_owned()
    };
    let (said, code) = diff(&lines, "");
    assert!(code == Some(0) && said.contains("equal: 300 events"), "{said}");
    for at in [0, 1, 123, 298, 299] {
        let there = format!("different from position {} on", position(lines[at]));
        let mut missing = lines.clone();
        missing.remove(at);
        let (said, code) = diff(&missing, "330");
        assert!(code == Some(1) && said.contains(&there) && said.contains("lacks"), "{at}: {said}");
        let forged = lines[at].replacen("2024-1", "2024-2", 1);
        let mut changed = lines.clone();
        changed[at] = &forged;
        let (said, code) = diff(&changed, "");
        assert!(
            code == Some(1) && said.contains(&there) && said.contains("the events differ"),
            "{said}"
        );
    }
    // An event that the filter does not let through.
    let (foreign, _) = tidu(&fresh.server, &["events", "1", "--output", "json"]);
    let mut more = lines.clone();
    more.insert(1, foreign.trim());
    let (said, code) = diff(&more, "");
    assert!(code == Some(1) && said.contains("position 1 on: the log has no such"), "{said}");
    let mut turned = lines.clone();
    turned.swap(7, 8);
    let (said, code) = diff(&turned, "");
    assert!(code == Some(3) && said.contains("line 9"), "{said}");
    // An export of the stored bytes is a copy too.
    let raw = fresh.dir.path().join("raw");
    let (said, code) = tidu(&fresh.server, &["export", raw.to_str().unwrap(), "--format", "raw"]);
    assert_eq!(code, Some(0), "{said}");
    let (said, code) = tidu(&fresh.server, &["diff", raw.to_str().unwrap()]);
    assert!(code == Some(0) && said.contains("equal: 330 events"), "{said}");
}

/// Two followers of one cursor: the one whose place was passed learns of the other.
#[tokio::test]
async fn a_follower_that_is_passed_learns_who_else_follows() {
    let fresh = Fresh::start();
    let (mut first, mut second) = (fresh.client().await, fresh.client().await);
    let size = record_some(&mut first).await;
    let cursor_id = "bank".to_owned();
    let create = pb::CreateCursorRequest { cursor_id: cursor_id.clone(), ..Default::default() };
    first.cursors.create_cursor(create).await.unwrap();
    let subscribe = || pb::SubscribeRequest {
        start: Some(Start::CursorId("bank".to_owned())),
        ..Default::default()
    };
    let to = |next_position| pb::AdvanceCursorRequest {
        cursor_id: cursor_id.clone(),
        next_position,
        ..Default::default()
    };
    let _own = first.ledger.subscribe(subscribe()).await.unwrap();
    first.cursors.advance_cursor(to(9)).await.unwrap();
    let alone = first.cursors.advance_cursor(to(8)).await.unwrap_err();
    let peer = |status: &tonic::Status| {
        assert_eq!(reason(status), "CURSOR_BACKWARDS");
        status.get_details_error_info().unwrap().metadata.get("peer").cloned()
    };
    assert_eq!(peer(&alone), None, "its own stream is not another's");
    let _other = second.ledger.subscribe(subscribe()).await.unwrap();
    let request = pb::GetCursorRequest { cursor_id: cursor_id.clone(), ..Default::default() };
    let cursor = first.cursors.get_cursor(request).await.unwrap().into_inner().cursor.unwrap();
    let [one, two] = cursor.connections.as_slice() else { panic!("{cursor:?}") };
    second.cursors.advance_cursor(to(size)).await.unwrap();
    let passed = first.cursors.advance_cursor(to(20)).await.unwrap_err();
    assert_eq!(peer(&passed).as_deref(), Some(two.remote_address.as_str()));
    assert!(passed.message().contains("follows it as well"), "{passed:?}");
    let passed = second.cursors.advance_cursor(to(20)).await.unwrap_err();
    assert_eq!(peer(&passed).as_deref(), Some(one.remote_address.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn watch_follows_a_cursor_and_advances_it() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let size = record_some(&mut client).await;
    let create = ["cursor", "create", "bank", "--programme", "little-giant", "--at", "100"];
    let (said, code) = tidu(&fresh.server, &create);
    assert!(code == Some(0) && said.contains("little-giant"), "{said}");
    let watch = ["watch", "--cursor", "bank", "--until", "330"];
    let (said, code) = tidu(&fresh.server, &watch);
    let expected = (0..30).filter(|i| i * 11 + 1 >= 100).count();
    assert_eq!((said.lines().count(), code), (expected, Some(0)), "{said}");
    assert_eq!(cursor(&mut client).await.next_position, size);
    let (said, code) = tidu(&fresh.server, &watch);
    assert_eq!((said.as_str(), code), ("", Some(0)));
    let (said, _) = tidu(&fresh.server, &["cursor", "list"]);
    assert!(said.contains("bank") && said.contains("330"), "{said}");
    let (said, code) = tidu(&fresh.server, &["cursor", "advance", "bank", "1"]);
    assert!(code == Some(3) && said.contains("backwards"), "{said}");
    let (_, code) = tidu(&fresh.server, &["cursor", "delete", "bank"]);
    assert_eq!(code, Some(0));
    let (said, code) = tidu(&fresh.server, &watch);
    assert!(code == Some(3) && said.contains("no cursor"), "{said}");
}
