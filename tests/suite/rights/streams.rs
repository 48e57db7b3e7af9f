//! Streams while events and rights change: nothing outside the rights is ever delivered, and a
//! stream whose caller has other rights ends.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use futures_util::FutureExt as _;
use tidu::{
    domain::access::{Reach, Rights, Role, Unseen},
    protocol::pb::{self, subscribe_request::Start, subscribe_response::Payload},
};
use tokio::sync::Barrier;
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt as _;

use crate::support::{
    Governed, MemoryLog, commit, encoded, in_time, list, little_giant,
    principals::{Caller, of_authorities, policy},
    reason, record, rights,
};

const READER: &str = "guangdong.reader";
const OTHER: &str = "zhejiang.reader";

/// Rights to read Guangdong's events, and to know of nothing else.
fn hidden() -> Rights {
    let read = vec![Reach { own: true, ..of_authorities(&["440000"]) }];
    Rights { read, unseen: Unseen::Hidden, ..rights(Role::Reader, Some("440000")) }
}

fn usual() -> Rights {
    rights(Role::Reader, Some("440000"))
}

/// A service over these events.
fn over(events: &[pb::Event], reader: Rights) -> Governed {
    let log = MemoryLog::default();
    record(&log, &encoded(events));
    let governed = Governed::over(log, &[(READER, reader), (OTHER, usual())], Vec::new());
    // The events on record are of that time.
    governed.hands.0.store(1_600_000_000_000_001, Ordering::Relaxed);
    governed
}

/// Records an event that concerns the ministry alone, or Guangdong too.
async fn add(governed: &Governed, number: u32, of_guangdong: bool) {
    let id = format!("local:{}/N-{number}", if of_guangdong { "440000" } else { "330000" });
    let mut event = little_giant(&id, "1", "2019-06-05");
    if of_guangdong {
        event.co_issuers = vec!["440000".to_owned()];
    }
    let mut commit = commit(vec![event]);
    commit.recorded_by = tidu::domain::Principal::SERVER;
    governed.ledger.append(commit).await.unwrap();
}

async fn follow(caller: &mut Caller, from: u64) -> Streaming<pb::SubscribeResponse> {
    let request = pb::SubscribeRequest {
        start: Some(Start::FromPosition(from)),
        digest: Some(Bytes::from_static(&[0; 32])),
        ..Default::default()
    };
    caller.ledger.subscribe(request).await.unwrap().into_inner()
}

/// The next message that is not progress, or the end.
async fn next(stream: &mut Streaming<pb::SubscribeResponse>) -> Result<Payload, Status> {
    loop {
        let message = in_time("a message", stream.message()).await?.expect("a stream without end");
        match message.payload.unwrap() {
            Payload::Progress(_) => {}
            payload => return Ok(payload),
        }
    }
}

fn positions(payload: Payload) -> Vec<u64> {
    let decode = |leaf: Bytes| -> u64 {
        <pb::RecordedEvent as prost::Message>::decode(leaf).unwrap().position.unwrap()
    };
    match payload {
        Payload::Events(batch) | Payload::RawEvents(batch) => {
            batch.leaves.into_iter().map(decode).collect()
        }
        Payload::Withheld(place) => panic!("{place:?}"),
        Payload::Progress(_) => Vec::new(),
    }
}

/// A watch without an end that began at a permitted place gave everything after it, elsewhere.
#[tokio::test]
async fn an_endless_watch_gives_nothing_outside_its_rights() {
    let governed = over(&[little_giant("local:440000/N-0", "1", "2019-06-05")], hidden());
    let mut reader = governed.as_principal(READER);
    let mut stream = follow(&mut reader, 0).await;
    add(&governed, 1, false).await;
    add(&governed, 2, false).await;
    add(&governed, 3, true).await;
    let first = positions(next(&mut stream).await.unwrap());
    assert_eq!(first.last(), Some(&3), "{first:?}");
    assert!(!first.contains(&1) && !first.contains(&2));
    // Live: what is hidden causes no message, not even progress.
    let mut quiet = tokio::spawn(async move {
        loop {
            let message = stream.message().await;
            // It may still tell that it has caught up.
            let told = message.as_ref().ok().and_then(|told| told.as_ref()?.payload.as_ref());
            let Some(Payload::Progress(progress)) = told else { return (message, stream) };
            if progress.next_position != 4 {
                return (message, stream);
            }
        }
    });
    for number in 4..40 {
        add(&governed, number, false).await;
        tokio::task::yield_now().await;
    }
    assert!((&mut quiet).now_or_never().is_none(), "a hidden event caused a message");
    add(&governed, 40, true).await;
    let (message, _stream) = in_time("the event", quiet).await.unwrap();
    let payload = message.unwrap().unwrap().payload.unwrap();
    assert_eq!(positions(payload), [40]);
}

struct End {
    code: Code,
    reason: String,
    next: String,
    from: String,
}

fn end_of(status: &Status) -> End {
    let details = status.get_error_details();
    let metadata = details.error_info().unwrap().metadata.clone();
    let of = |key| metadata.get(key).cloned().unwrap_or_default();
    let (next, from) = (of("next_position"), of("from_position"));
    End { code: status.code(), reason: reason(status), next, from }
}

/// Policies that follow on the usual rights of the reader, and how its streams end.
fn changes() -> Vec<(Option<Rights>, Code, &'static str)> {
    let narrower = Rights { read: vec![of_authorities(&["440000"])], ..usual() };
    let more = vec![Reach::everything()];
    let other =
        vec![of_authorities(&["330000"]), Reach { own: true, ..of_authorities(&["330000"]) }];
    vec![
        (None, Code::PermissionDenied, "NOT_ENTITLED"),
        (Some(rights(Role::Gateway, None)), Code::PermissionDenied, "NOT_ENTITLED"),
        (Some(narrower), Code::PermissionDenied, "SCOPE_CHANGED"),
        (
            Some(Rights { unseen: Unseen::Hidden, ..usual() }),
            Code::PermissionDenied,
            "SCOPE_CHANGED",
        ),
        (Some(Rights { read: more, ..usual() }), Code::Aborted, "SCOPE_CHANGED"),
        (Some(Rights { read: other, ..usual() }), Code::Aborted, "SCOPE_CHANGED"),
    ]
}

fn adopt(governed: &Governed, reader: Option<Rights>) {
    let reader = reader.map(|rights| (READER, rights));
    let all: Vec<_> = reader.into_iter().chain([(OTHER, usual())]).collect();
    governed.access.adopt(policy(&all, Vec::new()));
}

#[tokio::test]
async fn a_stream_that_waits_ends_when_its_rights_change() {
    for (now, code, expected) in changes() {
        let governed = over(&list(7, 5), usual());
        let mut stream = follow(&mut governed.as_principal(READER), 0).await;
        let mut other = follow(&mut governed.as_principal(OTHER), 0).await;
        let first = positions(next(&mut stream).await.unwrap());
        let waiting = tokio::spawn(async move { next(&mut stream).await });
        // The same rights again, and other ones to record: it goes on.
        adopt(&governed, Some(usual()));
        adopt(&governed, Some(Rights { record: vec![Reach::everything()], ..usual() }));
        tokio::task::yield_now().await;
        adopt(&governed, now);
        let end = end_of(&in_time("the end", waiting).await.unwrap().unwrap_err());
        assert_eq!((end.code, &*end.reason), (code, expected));
        if expected == "SCOPE_CHANGED" {
            let after = first.len().to_string();
            assert_eq!((&end.next, &end.from), (&after, &after), "it got everything so far");
        }
        // Nobody else's ends.
        assert_eq!(positions(next(&mut other).await.unwrap()).len(), 5);
        add(&governed, 9, true).await;
        assert_eq!(positions(next(&mut other).await.unwrap()), [5]);
    }
}

#[tokio::test]
async fn a_stream_that_is_behind_ends_before_its_next_message() {
    for (now, code, expected) in changes() {
        let governed = over(&list(7, 4_000), usual());
        let mut stream = follow(&mut governed.as_principal(READER), 0).await;
        let first = positions(next(&mut stream).await.unwrap());
        assert!(first.len() < 4_000, "it came at once: {}", first.len());
        adopt(&governed, now);
        // At most one message was made before.
        let mut delivered = first.len();
        let mut messages = 0;
        let end = loop {
            match next(&mut stream).await {
                Ok(payload) => {
                    messages += 1;
                    delivered += positions(payload).len();
                }
                Err(status) => break end_of(&status),
            }
        };
        assert!(messages <= 1, "{messages} messages after the change");
        assert_eq!((end.code, &*end.reason), (code, expected));
        if expected == "SCOPE_CHANGED" {
            assert_eq!(end.next, delivered.to_string());
        }
    }
}

#[tokio::test]
async fn who_may_read_more_learns_from_where_to_read_again() {
    for unseen in [Unseen::Hidden, Unseen::Withheld] {
        let governed = over(&[], Rights { unseen, ..hidden() });
        for (number, of_guangdong) in [true, true, false, true, false].into_iter().enumerate() {
            add(&governed, u32::try_from(number).unwrap(), of_guangdong).await;
        }
        let mut reader = governed.as_principal(READER);
        let mut stream = follow(&mut reader, 0).await;
        let (mut told, mut is_done) = (Vec::new(), false);
        while !is_done {
            match in_time("a message", stream.message()).await.unwrap().unwrap().payload.unwrap() {
                Payload::Progress(progress) => is_done = progress.next_position == 5,
                Payload::Withheld(place) => told.push(place.position.unwrap()),
                payload => told.extend(positions(payload)),
            }
        }
        let expected: &[u64] = if unseen == Unseen::Hidden { &[0, 1, 3] } else { &[0, 1, 2, 3, 4] };
        assert_eq!(told, expected);
        adopt(&governed, Some(usual()));
        let end = end_of(&next(&mut stream).await.unwrap_err());
        assert_eq!((end.code, &*end.next, &*end.from), (Code::Aborted, "5", "2"));
        let mut stream = follow(&mut reader, 2).await;
        assert_eq!(positions(next(&mut stream).await.unwrap()), [2, 3, 4]);
    }
}

/// A thousand clients that reconnect again and again: once a principal is gone, no stream of it
/// opens, and none delivers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_reconnects_carries_nobody_over_a_revocation() {
    const CLIENTS: usize = 1_000;
    let governed = Arc::new(over(&list(7, 20), usual()));
    let (begun, revoked) = (Arc::new(Barrier::new(CLIENTS + 1)), Arc::new(AtomicBool::new(false)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (begun, revoked) = (Arc::clone(&begun), Arc::clone(&revoked));
            let mut client = governed.as_principal(READER);
            tokio::spawn(async move {
                let request = || pb::SubscribeRequest {
                    start: Some(Start::FromPosition(0)),
                    ..Default::default()
                };
                let mut opened = client.ledger.subscribe(request()).await;
                begun.wait().await;
                let mut opened_after = 0;
                loop {
                    let was_revoked = revoked.load(Ordering::SeqCst);
                    let status = match opened {
                        Ok(stream) => {
                            opened_after += usize::from(was_revoked);
                            let mut stream = stream.into_inner();
                            // One message, then it connects again.
                            match stream.message().await {
                                Ok(message) => {
                                    assert!(!was_revoked, "it got {message:?}");
                                    None
                                }
                                Err(status) => Some(status),
                            }
                        }
                        Err(status) => Some(status),
                    };
                    match status.map(|status| status.code()) {
                        None | Some(Code::PermissionDenied | Code::ResourceExhausted) => {}
                        Some(Code::Unauthenticated) => return opened_after,
                        Some(other) => panic!("{other:?}"),
                    }
                    tokio::task::yield_now().await;
                    opened = client.ledger.subscribe(request()).await;
                }
            })
        })
        .collect();
    begun.wait().await;
    adopt(&governed, None);
    revoked.store(true, Ordering::SeqCst);
    for client in clients {
        let opened_after = in_time("a client that is refused", client).await.unwrap();
        assert!(opened_after <= 1, "at most the one that was being opened: {opened_after}");
    }
    let mut other = follow(&mut governed.as_principal(OTHER), 0).await;
    assert_eq!(positions(next(&mut other).await.unwrap()).len(), 20);
}
