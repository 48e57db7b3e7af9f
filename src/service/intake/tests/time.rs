//! The time in which a message arrives, and the deadline of a call. The clock is tokio's, paused.

use std::time::Duration;

use tokio::time::{advance, sleep};

use super::*;
use crate::limits::{
    CALL_DURATION_DEFAULT, MESSAGE_GRACE, MESSAGE_RATE_MIN, REFLECTION_DURATION_MAX,
};

const SECOND: Duration = Duration::from_secs(1);

fn with_timeout(path: &str, body: Body, timeout: &str) -> Request<Body> {
    let mut request = request(path, peer(1), body);
    request.headers_mut().insert("grpc-timeout", timeout.parse().unwrap());
    request
}

#[tokio::test(start_paused = true)]
async fn a_message_that_stops_is_given_up_and_its_bytes_are_free() {
    let echo = Echo::new();
    let (sender, body) = open_body();
    let call = echo.begin(request(APPEND, peer(1), body));
    sender.send(framed(0, &of_bytes(1_000_000)).slice(..MESSAGE_RATE_MIN)).await.unwrap();
    settle().await;
    assert!(echo.held() >= MESSAGE_RATE_MIN);
    // What has arrived is worth one second after the grace.
    advance(MESSAGE_GRACE + SECOND - Duration::from_millis(1)).await;
    settle().await;
    assert!(!call.is_finished());
    advance(Duration::from_millis(2)).await;
    let expected = [("limit", &*MESSAGE_RATE_MIN.to_string()), ("unit", "bytes a second")];
    call.await.unwrap().expect(Code::DeadlineExceeded, "DEADLINE_PASSED", &expected);
    assert_eq!(echo.held(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_message_arrives_within_a_time_whatever_its_rate() {
    let echo = Echo::new();
    let (sender, body) = open_body();
    let call = echo.begin(request(APPEND, peer(1), body));
    sender.send(framed(0, &of_bytes(REQUEST_BYTES_MAX)).slice(..10)).await.unwrap();
    for _ in 0..MESSAGE_DURATION_MAX.as_secs() {
        settle().await;
        assert!(!call.is_finished());
        sender.send(Bytes::from(vec![b'a'; 2 * MESSAGE_RATE_MIN])).await.unwrap();
        advance(SECOND).await;
    }
    let refused = call.await.unwrap();
    let expected = [("limit", "30"), ("unit", "seconds")];
    refused.expect(Code::DeadlineExceeded, "DEADLINE_PASSED", &expected);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_whole_waits_no_longer_for_the_end_of_its_request() {
    let echo = Echo::new();
    let (sender, body) = open_body();
    let call = echo.begin(request(APPEND, peer(1), body));
    sender.send(framed(0, b"")).await.unwrap();
    settle().await;
    advance(MESSAGE_GRACE + SECOND).await;
    call.await.unwrap().expect(Code::DeadlineExceeded, "DEADLINE_PASSED", &[]);
}

#[tokio::test(start_paused = true)]
async fn the_callers_own_deadline_counts_while_its_message_arrives() {
    let echo = Echo::new();
    let (_sender, body) = open_body();
    let call = echo.begin(with_timeout(APPEND, body, "250m"));
    settle().await;
    advance(Duration::from_millis(249)).await;
    settle().await;
    assert!(!call.is_finished());
    advance(Duration::from_millis(2)).await;
    let refused = call.await.unwrap();
    refused.expect(Code::DeadlineExceeded, "DEADLINE_PASSED", &[]);
    assert_eq!(refused.metadata.get("limit"), None, "it is the caller's own");
    let refused = echo.call(with_timeout(APPEND, whole(framed(0, b"")), "0n")).await;
    refused.expect(Code::DeadlineExceeded, "DEADLINE_PASSED", &[]);
}

/// What the service learns of the deadline, in milliseconds, and whether the server set it.
async fn told(path: &str, timeout: Option<&str>) -> (Option<u128>, bool) {
    let (tell, mut told) = mpsc::channel(1);
    let inner = service_fn(move |request: Request<Body>| {
        let deadline: Deadline = *request.extensions().get().unwrap();
        let left = deadline.at.map(|at| (at - Instant::now()).as_millis());
        tell.try_send((left, deadline.default.is_some())).unwrap();
        async { Ok::<_, Infallible>(Response::new(Body::empty())) }
    });
    let call = match timeout {
        Some(timeout) => with_timeout(path, whole(framed(0, b"")), timeout),
        None => request(path, peer(1), whole(framed(0, b""))),
    };
    let intake = Intake::new(IN_FLIGHT_BYTES_MAX, &Metrics::new()).unwrap();
    Admitted { inner, intake }.oneshot(call).await.unwrap();
    told.recv().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_question_without_a_timeout_gets_the_default() {
    let default = (Some(CALL_DURATION_DEFAULT.as_millis()), true);
    assert_eq!(told(COUNT_TITLES, None).await, default);
    assert_eq!(told(COUNT_TITLES, Some("250m")).await, (Some(250), false));
    assert_eq!(told(COUNT_TITLES, Some("1H")).await, (Some(3_600_000), false));
    for path in [APPEND, "/tidu.v1.AdminService/AdoptRules", "/tidu.v1.LedgerService/Subscribe"] {
        assert_eq!(told(path, None).await, (None, false), "{path}");
    }
}

/// A stream that runs until its deadline ends with it.
#[tokio::test(start_paused = true)]
async fn a_stream_ends_at_the_deadline_of_its_caller() {
    let inner = service_fn(|_: Request<Body>| async {
        let ticks = futures_util::stream::unfold((), |()| async {
            sleep(SECOND).await;
            Some((Ok::<_, Status>(Frame::data(Bytes::from_static(b"tick"))), ()))
        });
        Ok::<_, Infallible>(Response::new(Body::new(StreamBody::new(ticks))))
    });
    let intake = Intake::new(IN_FLIGHT_BYTES_MAX, &Metrics::new()).unwrap();
    let subscribe = "/tidu.v1.LedgerService/Subscribe";
    let call = with_timeout(subscribe, whole(framed(0, b"")), "3500m");
    let answer = Admitted { inner, intake: Arc::clone(&intake) }.oneshot(call).await.unwrap();
    assert_eq!(intake.budget().held(), 0, "a stream that has begun holds nothing here");
    let body = answer.into_body().collect().await.unwrap();
    let status = Status::from_header_map(body.trailers().unwrap()).unwrap();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(body.to_bytes(), "tick".repeat(3));
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_messages_has_a_longest_life() {
    let echo = Echo::new();
    let (sender, body) = open_body();
    let path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    // Its service answers at once, and goes on reading.
    let inner = service_fn(|request: Request<Body>| async {
        Ok::<_, Infallible>(Response::new(request.into_body()))
    });
    let service = Admitted { inner, intake: Arc::clone(&echo.0) };
    let answer = service.oneshot(request(path, peer(1), body)).await.unwrap();
    sender.send(framed(0, b"")).await.unwrap();
    let body = answer.into_body().collect().await.unwrap();
    let status = Status::from_header_map(body.trailers().unwrap()).unwrap();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    let limit = REFLECTION_DURATION_MAX.as_secs().to_string();
    assert_eq!(status.get_details_error_info().unwrap().metadata["limit"], limit);
    assert_eq!(echo.held(), 0);
}
