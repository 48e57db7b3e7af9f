//! The memory of all requests: who gets it, and who gives way.

use super::*;
use crate::limits::{IN_FLIGHT_RESERVE_BYTES, PARTY_IN_FLIGHT_BYTES_MAX, SMALL_HOLDING_BYTES_MAX};

const PART: usize = 64 * 1024;

/// The beginning of a large Append, of which so many parts arrive, and then nothing.
async fn unfinished(echo: &Echo, from: SocketAddr, parts: usize) -> (mpsc::Sender<Bytes>, Pending) {
    let (sender, body) = open_body();
    let call = echo.begin(request(APPEND, from, body));
    sender.send(framed(0, &of_bytes(REQUEST_BYTES_MAX)).slice(..PART)).await.unwrap();
    for _ in 1..parts {
        // The body is gone if the call was refused.
        let _ = sender.send(Bytes::from(vec![b'a'; PART])).await;
    }
    settle().await;
    (sender, call)
}

type Pending = tokio::task::JoinHandle<Outcome>;

async fn expect_no_room(call: Pending, limit: usize) {
    let refused = call.await.unwrap();
    let expected = [("limit", &*limit.to_string()), ("unit", "bytes")];
    refused.expect(Code::ResourceExhausted, "QUEUE_FULL", &expected);
    assert!(refused.retry, "it says when to try again");
}

#[tokio::test(start_paused = true)]
async fn one_party_may_use_the_whole_budget_and_its_newest_gives_way_to_a_newcomer() {
    let echo = Echo::of(80 * PART);
    let mut flood = Vec::new();
    for _ in 0..4 {
        flood.push(unfinished(&echo, peer(1), 19).await);
    }
    assert!(flood.iter().all(|(_, call)| !call.is_finished()), "nobody is refused without need");
    assert!(echo.held() > 76 * PART);
    // It is full for the party itself.
    let (_sender, more) = unfinished(&echo, peer(1), 19).await;
    expect_no_room(more, 80 * PART).await;
    // A newcomer is served, and the flood's newest is refused for it.
    let message = framed(0, &of_bytes(2 * PART));
    let newcomer = echo.call(request(APPEND, peer(2), whole(message.clone()))).await;
    assert_eq!(newcomer.body, message, "{} {}", newcomer.code, newcomer.reason);
    let (_sender, newest) = flood.pop().unwrap();
    expect_no_room(newest, 80 * PART).await;
    assert!(flood.iter().all(|(_, call)| !call.is_finished()), "the others go on");
    // One whose caller goes away frees its bytes.
    for (_sender, call) in flood {
        call.abort();
        call.await.unwrap_err();
    }
    assert_eq!((echo.held(), echo.0.budget().parties()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn nobody_gives_way_to_a_party_that_holds_more() {
    let echo = Echo::of(80 * PART);
    let (_a, first) = unfinished(&echo, peer(1), 39).await;
    let (_b, second) = unfinished(&echo, peer(2), 30).await;
    let (_c, third) = unfinished(&echo, peer(1), 20).await;
    expect_no_room(third, 80 * PART).await;
    assert!(!first.is_finished() && !second.is_finished());
    // Up to the same size, the larger one gives way.
    let (_d, fourth) = unfinished(&echo, peer(2), 8).await;
    assert!(!fourth.is_finished() && !second.is_finished() && !first.is_finished());
    let (_e, fifth) = unfinished(&echo, peer(3), 10).await;
    assert!(!fifth.is_finished());
    let gone = [&first, &second, &fourth].iter().filter(|call| call.is_finished()).count();
    assert_eq!(gone, 1, "one of the largest gave way");
    for call in [first, second, fourth, fifth] {
        call.abort();
    }
}

/// A request that is being handled does not give way: then the reserve is for who holds little.
#[tokio::test]
async fn the_reserve_serves_small_holdings_only() {
    let metrics = Metrics::new();
    let budget = Budget::new(PART, &metrics);
    let party = |number| Party::of(peer(number));
    let _full = budget.admit(party(1), PART).unwrap();
    let refused = budget.admit(party(2), SMALL_HOLDING_BYTES_MAX + 1).unwrap_err();
    assert_eq!(refused.limit, PART);
    let count = IN_FLIGHT_RESERVE_BYTES / SMALL_HOLDING_BYTES_MAX;
    let small: Vec<_> = (0..count)
        .map(|number| budget.admit(party(2 + number as u16), SMALL_HOLDING_BYTES_MAX).unwrap())
        .collect();
    budget.admit(party(999), 1).unwrap_err();
    drop(small);
    assert_eq!(budget.held(), PART);
    assert_eq!(metrics.in_flight_bytes.get(), PART as u64);
    assert_eq!(metrics.in_flight_limit_bytes.get(), PART as u64);
    budget.admit(party(999), 1).unwrap();
}

#[tokio::test]
async fn a_party_on_another_machine_has_a_bound_of_its_own() {
    let budget = Budget::new(IN_FLIGHT_BYTES_MAX, &Metrics::new());
    let most = PARTY_IN_FLIGHT_BYTES_MAX;
    for party in [Party::of(remote(1)), Party::of(remote(2))] {
        let _half = budget.admit(party, most / 2).unwrap();
        let mut ticket = budget.admit(party, most - most / 2).unwrap();
        assert_eq!(ticket.charge(1).unwrap_err().limit, most);
        assert_eq!(budget.admit(party, 1).unwrap_err().limit, most);
    }
    let _all = budget.admit(Party::of(peer(1)), IN_FLIGHT_BYTES_MAX).unwrap();
}

#[tokio::test]
async fn the_largest_request_of_each_form_fits_the_bound_of_a_party() {
    use std::io::Write as _;
    let echo = Echo::new();
    // Of text that does not pack, so that it is large in both forms.
    let mut random = fastrand::Rng::with_seed(7);
    let event: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(1_600).collect();
    let mut message = Vec::new();
    for _ in 0..COMMIT_EVENTS {
        let mut encoded = Vec::new();
        prost::encoding::bytes::encode(1, &event, &mut encoded);
        prost::encoding::bytes::encode(4, &encoded, &mut message);
    }
    assert!(message.len() > REQUEST_BYTES_MAX - (1 << 20) && message.len() <= REQUEST_BYTES_MAX);
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    writer.write_all(&message).unwrap();
    let gzip = writer.finish().unwrap();
    let zstd = zstd::stream::encode_all(message.as_slice(), 1).unwrap();
    for (encoding, packed) in [("identity", message.clone()), ("gzip", gzip), ("zstd", zstd)] {
        let flag = u8::from(encoding != "identity");
        let mut request = request(APPEND, remote(1), whole(framed(flag, &packed)));
        request.headers_mut().insert("grpc-encoding", encoding.parse().unwrap());
        let answer = echo.call(request).await;
        assert_eq!(answer.body.len(), message.len() + 5, "{encoding}: {}", answer.reason);
    }
    assert_eq!(echo.held(), 0);
}

const COMMIT_EVENTS: usize = 10_000;
