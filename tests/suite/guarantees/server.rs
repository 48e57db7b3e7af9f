//! The guarantees, each with a test named after it, against the real binary. Authorization and
//! proofs to third parties are not offered yet and not tested here.

use tidu::protocol::pb::{
    self, append_request::Precondition, subscribe_request::Start, subscribe_response::Payload,
};
use tokio::time::timeout;
use tonic::{Code, Streaming};

use crate::support::{
    Client, Fresh, PATIENCE, Server, designated, list, little_giant, made_up, reason,
};

type Stream = Streaming<pb::SubscribeResponse>;

async fn next(stream: &mut Stream) -> Payload {
    let message = timeout(PATIENCE, stream.message()).await.expect("the stream is silent");
    message.unwrap().expect("the stream ended").payload.unwrap()
}

/// A stream that has said where it begins.
async fn opened(client: &mut Client, request: pb::SubscribeRequest) -> Stream {
    let start = request.start.clone();
    let mut stream = client.ledger.subscribe(request).await.unwrap().into_inner();
    let Payload::Progress(first) = next(&mut stream).await else { panic!("progress comes first") };
    assert!(!first.log_id.is_empty());
    assert_eq!(start, Some(Start::FromPosition(first.next_position)));
    stream
}

fn from(position: u64) -> pb::SubscribeRequest {
    pb::SubscribeRequest { start: Some(Start::FromPosition(position)), ..Default::default() }
}

#[tokio::test]
async fn durable_an_acknowledged_commit_survives_kill_9() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    client.record(list(1, 1_000)).await.unwrap();
    let before = client.status().await;
    let Fresh { server, dir } = fresh;
    server.kill();
    let server = Server::start(&dir.path().join("data"));
    let after = server.client().await.status().await;
    assert_eq!((after.log_size, after.log_id), (1_000, before.log_id));
    assert_eq!(after.root_hash, before.root_hash);
}

#[tokio::test]
async fn contiguous_and_ordered_all_see_the_same_dense_positions() {
    let fresh = Fresh::start();
    let appenders = (0..8).map(|seed| {
        let (address, events) = (fresh.server.address.clone(), list(seed * 100, 20));
        tokio::spawn(async move {
            let mut client = crate::support::Client::connect(&address).await;
            for (i, mut event) in events.into_iter().enumerate() {
                // Codes are made from serial numbers, so lists differ in their batch and item only.
                set_item(&mut event, &format!("{seed}-{i}"));
                client.record(vec![event]).await.unwrap();
            }
        })
    });
    let appenders: Vec<_> = appenders.collect();
    let mut client = fresh.client().await;
    let live = client.collect(pb::SubscribeRequest { stop_position: Some(160), ..from(0) }).await;
    for appender in appenders {
        appender.await.unwrap();
    }
    let later = client.collect(pb::SubscribeRequest { stop_position: Some(160), ..from(0) }).await;
    assert_eq!(live, later);
    let positions: Vec<_> = live.iter().map(|event| event.position.unwrap()).collect();
    assert_eq!(positions, (0..160).collect::<Vec<_>>());
    let times = live.iter().map(|event| event.recorded_time.unwrap());
    assert!(times.map(|t| (t.seconds, t.nanos)).is_sorted());
}

fn set_item(event: &mut pb::Event, item: &str) {
    if let Some(pb::event::Fact::Designated(fact)) = &mut event.fact {
        item.clone_into(&mut fact.item);
    }
}

#[tokio::test]
async fn unique_and_resumable_a_cut_stream_has_no_gap_or_repeat() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    client.record(list(1, 700)).await.unwrap();
    for event in list(2, 50).into_iter().enumerate().map(|(i, mut event)| {
        set_item(&mut event, &i.to_string());
        event
    }) {
        client.record(vec![event]).await.unwrap();
    }
    let mut seen = Vec::new();
    let mut position = 0;
    while position < 750 {
        let request = pb::SubscribeRequest { stop_position: Some(750), ..from(position) };
        let mut stream = opened(&mut client, request).await;
        // Cut after one message; also resume in the middle of a chunk.
        if let Payload::Events(batch) = next(&mut stream).await {
            let taken = batch.leaves.len().min(97);
            let decoded = batch.leaves.into_iter().take(taken);
            let decoded =
                decoded.map(|leaf| <pb::RecordedEvent as prost::Message>::decode(leaf).unwrap());
            seen.extend(decoded.map(|event| event.position.unwrap()));
            position = seen.last().unwrap() + 1;
        }
    }
    assert_eq!(seen, (0..750).collect::<Vec<_>>());
}

#[tokio::test]
async fn resumable_another_history_or_a_future_position_is_an_error() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    client.record(list(1, 3)).await.unwrap();
    let error = client.ledger.subscribe(from(4)).await.unwrap_err();
    assert_eq!((error.code(), reason(&error).as_str()), (Code::OutOfRange, "POSITION_BEYOND_LOG"));
    let request = pb::SubscribeRequest { log_id: "another".to_owned(), ..from(0) };
    let error = client.ledger.subscribe(request).await.unwrap_err();
    assert_eq!(
        (error.code(), reason(&error).as_str()),
        (Code::FailedPrecondition, "LOG_ID_MISMATCH")
    );
    assert!(client.ledger.subscribe(from(3)).await.is_ok(), "the end itself is a place to wait");
}

#[tokio::test]
async fn atomic_one_bad_row_of_9271_rejects_all() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let mut events = list(1, 9_271);
    let bad = 4_711;
    let good = std::mem::replace(&mut events[bad].designee, "914403001922038217".to_owned());
    let error = client.record(events.clone()).await.unwrap_err();
    assert_eq!(
        (error.code(), reason(&error).as_str()),
        (Code::InvalidArgument, "USCC_CHECK_CHARACTER")
    );
    assert!(error.message().contains("events[4711].designee"), "{error}");
    assert_eq!(client.status().await.log_size, 0);

    events[bad].designee = events[17].designee.clone();
    let error = client.record(events.clone()).await.unwrap_err();
    assert_eq!(error.code(), Code::FailedPrecondition);
    assert!(error.message().contains("events[4711]"), "{error}");
    assert_eq!(client.status().await.designee_count, 0, "a rejected commit leaves no trace");

    events[bad].designee = good;
    let answer = client.record(events).await.unwrap();
    assert_eq!((answer.first_position, answer.next_position), (Some(0), 9_271));
    let all = client.collect(pb::SubscribeRequest { stop_position: Some(9_271), ..from(0) }).await;
    assert_eq!(all.len(), 9_271);
    assert!(all.iter().all(|event| event.commit.unwrap().size == 9_271));
}

#[tokio::test]
async fn reliable_under_filter_next_position_passes_other_events() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    client.record(list(1, 500)).await.unwrap();
    client.record(vec![little_giant("914403001922038216", "1", "2019-06-05")]).await.unwrap();
    client
        .record(
            list(1, 1)
                .into_iter()
                .map(|mut e| {
                    set_item(&mut e, "x");
                    e
                })
                .collect(),
        )
        .await
        .unwrap();
    let filter =
        pb::EventFilter { programmes: vec!["little-giant".to_owned()], ..Default::default() };
    let request = pb::SubscribeRequest { filter: Some(filter.clone()), ..from(0) };
    let mut stream = opened(&mut client, request).await;
    let Payload::Events(batch) = next(&mut stream).await else { panic!("events first") };
    assert_eq!((batch.leaves.len(), batch.next_position), (1, 502));
    let Payload::Progress(progress) = next(&mut stream).await else { panic!("then progress") };
    assert_eq!((progress.next_position, progress.caught_up), (502, true));

    let request =
        pb::SubscribeRequest { stop_position: Some(502), filter: Some(filter), ..from(501) };
    assert_eq!(client.collect(request).await, []);
    let kinds = pb::EventFilter {
        kinds: vec![50],
        authorities: vec!["100000".to_owned()],
        ..Default::default()
    };
    let request = pb::SubscribeRequest { stop_position: Some(502), filter: Some(kinds), ..from(0) };
    assert_eq!(client.collect(request).await.len(), 1);
}

#[tokio::test]
async fn bookmarkable_progress_comes_at_least_every_heartbeat() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let second = Some(prost_types::Duration { seconds: 1, nanos: 0 });
    let request = pb::SubscribeRequest { heartbeat_interval: second, ..from(0) };
    let mut stream = client.ledger.subscribe(request).await.unwrap().into_inner();
    for _ in 0..3 {
        let Payload::Progress(progress) = next(&mut stream).await else { panic!("only progress") };
        assert_eq!((progress.next_position, progress.log_size), (0, 0));
        assert!(
            progress.caught_up && progress.server_time.is_some() && !progress.log_id.is_empty()
        );
    }
}

#[tokio::test]
async fn idempotent_a_repeat_gets_the_first_answer_for_ever() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let request = pb::AppendRequest {
        request_id: "batch-1".to_owned(),
        events: list(1, 20),
        precondition: Some(Precondition::LogSize(0)),
        ..Default::default()
    };
    // Also while the first is in flight.
    let (mut a, mut b) = (client.clone(), client.clone());
    let (one, two) = tokio::join!(a.append(request.clone()), b.append(request.clone()));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!((one.first_position, one.recorded_time), (two.first_position, two.recorded_time));
    assert!(one.replayed ^ two.replayed, "one of them is the repeat");

    let Fresh { server, dir } = fresh;
    server.kill();
    let server = Server::start(&dir.path().join("data"));
    client = server.client().await;
    // The precondition has moved long since; a true repeat wins.
    let again = client.append(request.clone()).await.unwrap();
    assert!(again.replayed);
    assert_eq!((again.first_position, again.next_position), (Some(0), 20));
    assert_eq!(again.recorded_time, one.recorded_time);
    let other = pb::AppendRequest { events: list(2, 20).split_off(1), ..request };
    let error = client.append(other).await.unwrap_err();
    assert_eq!((error.code(), reason(&error).as_str()), (Code::AlreadyExists, "REQUEST_ID_REUSED"));
    assert_eq!(client.status().await.log_size, 20);
}

#[tokio::test]
async fn preconditions_are_judged_at_the_moment_of_recording() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let enterprises = made_up(1, 2);
    client.record(vec![designated(&enterprises[0])]).await.unwrap();
    let with = |precondition| pb::AppendRequest {
        events: vec![designated(&enterprises[1])],
        precondition: Some(precondition),
        ..Default::default()
    };
    let versions = |designee: &str, version| {
        let entry = pb::DesigneeVersion { designee: designee.to_owned(), version: Some(version) };
        Precondition::DesigneeVersions(pb::DesigneeVersions { versions: vec![entry] })
    };
    let first = enterprises[0].uscc.to_string();
    for moved in [Precondition::LogSize(0), Precondition::LogSize(2), versions(&first, 0)] {
        let error = client.append(with(moved)).await.unwrap_err();
        assert_eq!((error.code(), reason(&error).as_str()), (Code::Aborted, "PRECONDITION_MOVED"));
    }
    client.append(with(versions(&first, 1))).await.unwrap();
}

#[tokio::test]
async fn a_drain_ends_streams_with_progress_so_far_and_exits_with_0() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    client.record(list(1, 10)).await.unwrap();
    let mut stream = opened(&mut client, from(0)).await;
    assert!(matches!(next(&mut stream).await, Payload::Events(_)));
    assert!(matches!(next(&mut stream).await, Payload::Progress(_)));
    let Fresh { server, dir } = fresh;
    let ended = tokio::task::spawn_blocking(move || server.terminate());
    let error = loop {
        match timeout(PATIENCE, stream.message()).await.unwrap() {
            Ok(Some(message)) => assert!(matches!(message.payload, Some(Payload::Progress(_)))),
            Ok(None) => panic!("a drain is not the end of the log"),
            Err(error) => break error,
        }
    };
    assert_eq!((error.code(), reason(&error).as_str()), (Code::Unavailable, "DRAINING"));
    assert_eq!(ended.await.unwrap(), Some(0));
    drop(dir);
}

#[tokio::test]
async fn a_subscriber_that_never_reads_slows_nobody() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let mut stuck = Vec::new();
    for _ in 0..3 {
        let mut other = fresh.client().await;
        stuck.push(other.ledger.subscribe(from(0)).await.unwrap().into_inner());
    }
    let mut live = client.ledger.subscribe(from(0)).await.unwrap().into_inner();
    let total = 40_000_u64;
    let mut appender = fresh.client().await;
    let appending = tokio::spawn(async move {
        for round in 0..total / 4_000 {
            let mut events = list(1, 4_000);
            events.iter_mut().for_each(|event| set_item(event, &round.to_string()));
            appender.record(events).await.unwrap();
        }
    });
    let mut position = 0;
    while position < total {
        match next(&mut live).await {
            Payload::Events(batch) => position = batch.next_position,
            Payload::Progress(progress) => assert!(progress.next_position >= position),
            _ => panic!("only events and progress"),
        }
    }
    appending.await.unwrap();
    assert_eq!(client.status().await.subscriber_count, 4, "the stuck ones are still there");
    // The stuck ones lost nothing: they read on from where they stopped.
    let first = next(&mut stuck[0]).await;
    assert!(matches!(first, Payload::Progress(_) | Payload::Events(_)));
}
