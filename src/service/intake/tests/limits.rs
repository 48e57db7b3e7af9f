//! Sizes, elements and forms: at each bound, and one past it.

use std::io::Write as _;

use super::*;
use crate::limits::{
    COMMIT_EVENTS_MAX, EVENT_ELEMENTS_MAX, FILTER_REQUEST_BYTES_MAX, REFLECTION_MESSAGES_MAX,
    REQUEST_ELEMENTS_MAX, SMALL_REQUEST_BYTES_MAX,
};

fn gzip(message: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(message).unwrap();
    writer.finish().unwrap()
}

fn zstd(message: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(message, 3).unwrap()
}

fn packed(path: &str, encoding: &str, message: &[u8]) -> Request<Body> {
    let mut request = request(path, peer(1), whole(framed(1, message)));
    request.headers_mut().insert("grpc-encoding", encoding.parse().unwrap());
    request
}

#[tokio::test]
async fn a_message_has_at_most_the_bytes_of_its_method() {
    let table = [
        (APPEND, REQUEST_BYTES_MAX),
        (LIST_EVENTS, FILTER_REQUEST_BYTES_MAX),
        (COUNT_TITLES, SMALL_REQUEST_BYTES_MAX),
    ];
    let echo = Echo::new();
    for (path, most) in table {
        let message = framed(0, &of_bytes(most));
        let answer = echo.send(path, message.clone()).await;
        assert_eq!(answer.code, Code::Ok, "{path} {:?}", answer.reason);
        assert_eq!(answer.body, message, "it passes as it is");
        let (limit, value) = (most.to_string(), (most + 1).to_string());
        let expected = [("limit", limit.as_str()), ("unit", "bytes"), ("value", &value)];
        // The prefix is enough: nothing follows, and nothing is waited for.
        let prefix = framed(0, &of_bytes(most + 1)).slice(..5);
        let (sender, body) = open_body();
        sender.send(prefix).await.unwrap();
        let refused = echo.call(request(path, peer(1), body)).await;
        refused.expect(Code::ResourceExhausted, "LIMIT_EXCEEDED", &expected);
        for (encoding, pack) in [("gzip", gzip as fn(&[u8]) -> Vec<u8>), ("zstd", zstd)] {
            let answer = echo.call(packed(path, encoding, &pack(&of_bytes(most)))).await;
            assert_eq!(answer.body, message, "{path} {encoding}: {}", answer.reason);
            let refused = echo.call(packed(path, encoding, &pack(&of_bytes(most + 1)))).await;
            refused.expect(Code::ResourceExhausted, "LIMIT_EXCEEDED", &expected[..2]);
        }
    }
    assert_eq!((echo.held(), echo.0.budget().parties()), (0, 0));
}

#[tokio::test]
async fn a_message_has_at_most_so_many_elements() {
    let echo = Echo::new();
    let most = REQUEST_ELEMENTS_MAX as usize;
    let filter = |count: usize| {
        let mut message = Vec::new();
        prost::encoding::bytes::encode(1, &[0x2A, 0].repeat(count), &mut message);
        message
    };
    // The filter itself is one.
    let answer = echo.send(LIST_EVENTS, framed(0, &filter(most - 1))).await;
    assert_eq!(answer.code, Code::Ok, "{answer:?}");
    let expected = [("limit", "200000"), ("unit", "elements"), ("value", "200001")];
    let refused = echo.send(LIST_EVENTS, framed(0, &filter(most))).await;
    refused.expect(Code::ResourceExhausted, "LIMIT_EXCEEDED", &expected);
    let refused = echo.call(packed(LIST_EVENTS, "gzip", &gzip(&filter(most)))).await;
    refused.expect(Code::ResourceExhausted, "LIMIT_EXCEEDED", &expected);

    let events = |count: usize| framed(0, &[0x22, 0].repeat(count));
    let answer = echo.send(APPEND, events(COMMIT_EVENTS_MAX)).await;
    assert_eq!(answer.code, Code::Ok, "{answer:?}");
    let refused = echo.send(APPEND, events(COMMIT_EVENTS_MAX + 1)).await;
    let expected = [("field", "events"), ("limit", "10000"), ("unit", "entries")];
    refused.expect(Code::ResourceExhausted, "LIMIT_EXCEEDED", &expected);

    let of_event = |count: u32| {
        let mut message = vec![0x22, 0];
        prost::encoding::bytes::encode(4, &[0x12, 0].repeat(count as usize), &mut message);
        framed(0, &message)
    };
    let answer = echo.send(APPEND, of_event(EVENT_ELEMENTS_MAX)).await;
    assert_eq!(answer.code, Code::Ok, "{answer:?}");
    let refused = echo.send(APPEND, of_event(EVENT_ELEMENTS_MAX + 1)).await;
    let expected = [("field", "events[1]"), ("limit", "512"), ("unit", "elements")];
    refused.expect(Code::ResourceExhausted, "LIMIT_EXCEEDED", &expected);
}

/// 16 MiB of empty messages are refused after a few kilobytes of them.
#[tokio::test]
async fn a_packed_bomb_is_refused_at_the_element_that_is_too_many() {
    let echo = Echo::new();
    for element in [[0x22, 0], [0x0A, 0], [0x1A, 0]] {
        let bomb = element.repeat(REQUEST_BYTES_MAX / 2);
        for (encoding, bomb) in [("gzip", gzip(&bomb)), ("zstd", zstd(&bomb))] {
            let refused = echo.call(packed(APPEND, encoding, &bomb)).await;
            refused.expect(Code::ResourceExhausted, "LIMIT_EXCEEDED", &[]);
        }
    }
    assert_eq!(echo.held(), 0);
}

#[tokio::test]
async fn what_is_not_one_message_is_refused() {
    let echo = Echo::new();
    let good = framed(0, b"");
    let twice = [good.clone(), good.clone()].concat();
    let trailing = [good.clone(), Bytes::from_static(&[0])].concat();
    let mut truncated = gzip(&of_bytes(1_000));
    truncated.truncate(20);
    let after = [gzip(b""), vec![7]].concat();
    let mut wide = zstd(&of_bytes(1_000));
    // A window of 2^41 bytes.
    (wide[4], wide[5]) = (0, 0xF8);
    let table: [(&str, Request<Body>); 12] = [
        ("nothing", request(APPEND, peer(1), Body::empty())),
        ("half a prefix", request(APPEND, peer(1), whole(vec![0, 0]))),
        ("a short message", request(APPEND, peer(1), whole(vec![0, 0, 0, 1, 0, 1]))),
        ("two messages", request(APPEND, peer(1), whole(twice))),
        ("a byte behind it", request(APPEND, peer(1), whole(trailing))),
        ("packed by nothing", request(APPEND, peer(1), whole(framed(1, b"")))),
        ("an odd flag", request(APPEND, peer(1), whole(framed(7, b"")))),
        ("not gzip", packed(APPEND, "gzip", &[1, 2, 3])),
        ("gzip cut short", packed(APPEND, "gzip", &truncated)),
        ("bytes behind gzip", packed(APPEND, "gzip", &after)),
        ("a zstd window that is too large", packed(APPEND, "zstd", &wide)),
        ("not protobuf", request(APPEND, peer(1), whole(framed(0, &[0xFF; 11])))),
    ];
    for (what, request) in table {
        let refused = echo.call(request).await;
        assert_eq!(refused.code, Code::InvalidArgument, "{what}: {refused:?}");
        assert_eq!(refused.reason, "MALFORMED_REQUEST", "{what}");
        assert!(!refused.metadata["detail"].is_empty(), "{what}");
    }
    assert_eq!(echo.held(), 0);
}

#[tokio::test]
async fn what_is_not_a_call_is_refused() {
    let echo = Echo::new();
    let long = "x".repeat(3_000);
    let refused = echo.send(&format!("/tidu.v1.LedgerService/{long}"), framed(0, b"")).await;
    refused.expect(Code::Unimplemented, "METHOD_UNKNOWN", &[]);
    assert!(refused.metadata["value"].chars().count() < 70, "{refused:?}");
    let refused = echo.call(packed(APPEND, "deflate", b"")).await;
    refused.expect(Code::Unimplemented, "ENCODING_UNKNOWN", &[("value", "deflate")]);
    let odd = |name: &'static str, value: &str| {
        let mut request = request(COUNT_TITLES, peer(1), whole(framed(0, b"")));
        request.headers_mut().insert(name, value.parse().unwrap());
        request
    };
    for (name, value, code) in [
        ("content-type", "application/json", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("content-type", "application/grpc+json", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("grpc-timeout", "5 S", StatusCode::OK),
        ("grpc-timeout", "", StatusCode::OK),
    ] {
        let refused = echo.call(odd(name, value)).await;
        refused.expect(Code::InvalidArgument, "MALFORMED_REQUEST", &[]);
        assert_eq!(refused.http, code, "{name}: {value}");
    }
    let mut get = odd("te", "trailers");
    *get.method_mut() = http::Method::GET;
    assert_eq!(echo.call(get).await.http, StatusCode::METHOD_NOT_ALLOWED);
    for fine in ["application/grpc", "application/grpc+proto", "application/grpc;charset=utf-8"] {
        assert_eq!(echo.call(odd("content-type", fine)).await.code, Code::Ok, "{fine}");
    }
}

#[tokio::test]
async fn headers_have_at_most_so_many_bytes() {
    let echo = Echo::new();
    let with = |bytes: usize| {
        let mut request = request(COUNT_TITLES, peer(1), whole(framed(0, b"")));
        let used = require_small(request.headers()).unwrap();
        let value = "x".repeat(bytes - used - "filler".len() - 32);
        request.headers_mut().insert("filler", value.parse().unwrap());
        request
    };
    assert_eq!(echo.call(with(HEADERS_BYTES_MAX)).await.code, Code::Ok);
    let refused = echo.call(with(HEADERS_BYTES_MAX + 1)).await;
    let expected = [("limit", "16384"), ("unit", "bytes"), ("value", "16385")];
    refused.expect(Code::ResourceExhausted, "LIMIT_EXCEEDED", &expected);
}

/// Parts of a message arrive in frames of any length, and reach the service as one message.
#[tokio::test]
async fn a_message_in_many_frames_is_the_same_message() {
    let mut random = random();
    let echo = Echo::new();
    for _ in 0..20 {
        let message = framed(0, &field(15, random.usize(100..60_000)));
        let (sender, body) = open_body();
        let answer = echo.begin(request(APPEND, peer(1), body));
        let mut rest = message.clone();
        while !rest.is_empty() {
            let length = *random.choice(&[1, 3, 200, 9_000, 20_000]).unwrap();
            sender.send(rest.split_to(length.min(rest.len()))).await.unwrap();
        }
        drop(sender);
        let answer = answer.await.unwrap();
        assert_eq!(answer.body, message, "{} {}", answer.code, answer.reason);
    }
    assert_eq!(echo.held(), 0);
}

const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

#[tokio::test]
async fn messages_of_a_stream_are_bounded_one_by_one() {
    let echo = Echo::new();
    let one = framed(0, &of_bytes(SMALL_REQUEST_BYTES_MAX));
    let two = [one.clone(), one.clone()].concat();
    let answer = echo.send(REFLECTION, two.clone()).await;
    assert_eq!((answer.code, answer.body.len()), (Code::Ok, two.len()));
    let large = [one, framed(0, &of_bytes(SMALL_REQUEST_BYTES_MAX + 1))].concat();
    let refused = echo.send(REFLECTION, large).await;
    let expected = [("limit", "65536"), ("unit", "bytes"), ("value", "65537")];
    refused.expect(Code::ResourceExhausted, "LIMIT_EXCEEDED", &expected);
    let packed = packed(REFLECTION, "gzip", &gzip(&of_bytes(5_000)));
    assert_eq!(echo.call(packed).await.body, framed(0, &of_bytes(5_000)));
    let many = framed(0, b"").repeat(REFLECTION_MESSAGES_MAX);
    assert_eq!(echo.send(REFLECTION, many.clone()).await.code, Code::Ok);
    let refused = echo.send(REFLECTION, [many, framed(0, b"").to_vec()].concat()).await;
    refused.expect(Code::ResourceExhausted, "LIMIT_EXCEEDED", &[("unit", "messages")]);
    assert_eq!(echo.held(), 0);
}
