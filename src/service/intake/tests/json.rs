//! Messages in JSON and messages without a prefix: they meet the guards of all others, and their
//! text, the message that it means, and the work in between come out of the budget.

use std::time::Duration;

use prost::Message as _;
use prost_reflect::DescriptorPool;
use tokio::time::advance;

use super::*;
use crate::{
    limits::{
        MESSAGE_GRACE, PARTY_IN_FLIGHT_BYTES_MAX, SMALL_HOLDING_BYTES_MAX, SMALL_REQUEST_BYTES_MAX,
    },
    protocol::pb,
};

/// A request whose body is one message of the method, in JSON or not.
fn bare(path: &str, peer: SocketAddr, body: Body, is_json: bool) -> Request<Body> {
    let name = path.rsplit('/').next().unwrap();
    let pool = DescriptorPool::decode(pb::DESCRIPTORS).unwrap();
    let message = pool.get_message_by_name(&format!("tidu.v1.{name}Request")).unwrap();
    let mut request = request(path, peer, body);
    let form = Form { is_bare: true, json: is_json.then_some(message) };
    request.extensions_mut().insert(form);
    request
}

#[tokio::test]
async fn the_service_gets_the_message_that_the_text_means() {
    let echo = Echo::new();
    let text = "{\"requestId\":\"a\",\"events\":[{},{\"authority\":\"440000\"}]}";
    let request = pb::AppendRequest {
        request_id: "a".to_owned(),
        events: vec![
            pb::Event::default(),
            pb::Event { authority: "440000".to_owned(), ..Default::default() },
        ],
        ..Default::default()
    };
    let encoded = request.encode_to_vec();
    let got = echo.call(bare(APPEND, peer(1), whole(text), true)).await;
    assert_eq!(got.body, framed(0, &encoded));
    let got = echo.call(bare(APPEND, peer(1), whole(encoded.clone()), false)).await;
    assert_eq!(got.body, framed(0, &encoded));
    // Behind a prefix, in one part or in several.
    for cut in [0, 3, 5, 9] {
        let mut stream = bare(APPEND, peer(1), Body::empty(), true);
        let form = stream.extensions_mut().get_mut::<Form>().unwrap();
        form.is_bare = false;
        let (sender, body) = open_body();
        *stream.body_mut() = body;
        let call = echo.begin(stream);
        let mut rest = framed(0, text.as_bytes());
        sender.send(rest.split_to(cut)).await.unwrap();
        sender.send(rest).await.unwrap();
        drop(sender);
        assert_eq!(call.await.unwrap().body, framed(0, &encoded), "{cut}");
    }
    // In many parts, which are joined.
    let (sender, body) = open_body();
    let call = echo.begin(bare(APPEND, peer(1), body, true));
    let long = format!("{{\"requestId\":\"a\"{},\"validateOnly\":true}}", " ".repeat(300_000));
    for part in long.as_bytes().chunks(50_000) {
        sender.send(Bytes::copy_from_slice(part)).await.unwrap();
    }
    drop(sender);
    let got = call.await.unwrap();
    let read = pb::AppendRequest::decode(got.body.slice(5..)).unwrap();
    assert_eq!((read.request_id.as_str(), read.validate_only), ("a", true));
    assert_eq!(echo.held(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_text_that_stops_is_given_up_and_its_bytes_are_free() {
    for is_json in [true, false] {
        let echo = Echo::new();
        let (sender, body) = open_body();
        let call = echo.begin(bare(APPEND, peer(1), body, is_json));
        let begun = if is_json { vec![b' '; 10_000] } else { field(15, 10_000) };
        sender.send(begun.into()).await.unwrap();
        settle().await;
        assert!(echo.held() >= 10_000, "its bytes count from their arrival");
        advance(MESSAGE_GRACE + Duration::from_secs(1)).await;
        call.await.unwrap().expect(Code::DeadlineExceeded, "DEADLINE_PASSED", &[]);
        assert_eq!(echo.held(), 0);
    }
}

#[tokio::test]
async fn a_body_without_an_end_is_refused_at_the_bound_of_its_method() {
    let most = SMALL_REQUEST_BYTES_MAX;
    for is_json in [true, false] {
        let echo = Echo::new();
        let (sender, body) = open_body();
        let call = echo.begin(bare(COUNT_TITLES, peer(1), body, is_json));
        let endless = if is_json { vec![b' '; most] } else { of_bytes(most) };
        sender.send(endless.into()).await.unwrap();
        settle().await;
        assert!(!call.is_finished());
        sender.send(Bytes::from_static(b" ")).await.unwrap();
        let expected = [("limit", &*most.to_string()), ("value", &*(most + 1).to_string())];
        call.await.unwrap().expect(Code::ResourceExhausted, "LIMIT_EXCEEDED", &expected);
        assert_eq!(echo.held(), 0);
    }
}

/// The text fits, and the message that it means does not.
#[tokio::test]
async fn the_message_of_a_text_comes_out_of_the_budget_too() {
    let text = format!("{{\"requestId\":\"{}\"}}", "a".repeat(600_000));
    let whole_text = || whole(text.clone());
    let roomy = Echo::of(PARTY_IN_FLIGHT_BYTES_MAX);
    let got = roomy.call(bare(APPEND, remote(1), whole_text(), true)).await;
    assert_eq!(got.code, Code::Ok);
    // Both together are no small holding, so the reserve is not for them.
    assert!(2 * text.len() > SMALL_HOLDING_BYTES_MAX);
    let tight = Echo::of(700_000);
    let refused = tight.call(bare(APPEND, remote(1), whole_text(), true)).await;
    refused.expect(Code::ResourceExhausted, "QUEUE_FULL", &[("limit", "700000")]);
    assert_eq!(tight.held(), 0);
}
