//! The Connect protocol: streams of answers, in JSON and in protobuf, and how they end.

use bytes::Bytes;
use http::{Method, StatusCode};
use http_body_util::BodyExt as _;
use prost::Message as _;
use tidu::{
    metrics::Format,
    protocol::pb::{self, subscribe_request::Start, subscribe_response::Payload},
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, ServerReflectionResponse, server_reflection_request::MessageRequest,
    server_reflection_response::MessageResponse,
};

use super::connect::codings;
use crate::support::{
    Governed, commit,
    connect::{framed, json_of, of_json, path_of, post, refusal, send, stream_json, whole},
    in_time, list,
};

const SUBSCRIBE: &str = "LedgerService/Subscribe";
const JSON: &str = "application/connect+json";
const PROTO: &str = "application/connect+proto";

async fn filled(events: usize) -> Governed {
    let governed = Governed::open();
    governed.ledger.append(commit(list(1, events))).await.unwrap();
    governed
}

/// The events from a position up to another one, and no further.
fn between(from: u64, stop: u64) -> pb::SubscribeRequest {
    pb::SubscribeRequest {
        start: Some(Start::FromPosition(from)),
        stop_position: Some(stop),
        ..Default::default()
    }
}

/// The messages that gRPC answers with.
async fn by_grpc(
    governed: &Governed,
    request: &pb::SubscribeRequest,
) -> Vec<pb::SubscribeResponse> {
    let mut client = governed.as_stranger();
    let mut stream = client.ledger.subscribe(request.clone()).await.unwrap().into_inner();
    let mut messages = Vec::new();
    while let Some(message) = stream.message().await.unwrap() {
        messages.push(message);
    }
    messages
}

/// The events in messages; whatever tells of progress says what time it is.
fn events(messages: Vec<pb::SubscribeResponse>) -> Vec<Bytes> {
    let of = |message: pb::SubscribeResponse| match message.payload {
        Some(Payload::Events(batch)) => batch.leaves,
        _ => Vec::new(),
    };
    messages.into_iter().flat_map(of).collect()
}

#[tokio::test]
async fn a_stream_has_the_events_of_grpc_in_every_codec() {
    let governed = filled(40).await;
    let request = between(3, 40);
    let expected = events(by_grpc(&governed, &request).await);
    assert_eq!(expected.len(), 37);
    let encoded = request.encode_to_vec();
    let text = json_of("SubscribeRequest", &request);
    let answer = post(&governed.api, SUBSCRIBE, PROTO, &[], framed(0, &encoded)).await;
    assert_eq!(answer.header("content-type"), PROTO);
    let (messages, end) = answer.messages();
    assert!(end.error.is_none() && end.metadata.is_null(), "{end:?}");
    let read = |(flag, message): (u8, Bytes)| {
        assert_eq!(flag, 0);
        pb::SubscribeResponse::decode(message).unwrap()
    };
    assert_eq!(events(messages.into_iter().map(read).collect()), expected);

    let answer = stream_json(&governed.api, SUBSCRIBE, &text).await;
    assert_eq!(answer.header("content-type"), JSON);
    let (messages, end) = answer.messages();
    assert!(end.error.is_none(), "{end:?}");
    let read = |(flag, message): (u8, Bytes)| {
        assert_eq!(flag, 0);
        of_json::<pb::SubscribeResponse>("SubscribeResponse", &message)
    };
    assert_eq!(events(messages.into_iter().map(read).collect()), expected);
}

#[tokio::test]
async fn the_messages_of_a_stream_are_packed_on_request() {
    let governed = filled(5).await;
    let request = between(0, 5);
    let expected = events(by_grpc(&governed, &request).await);
    let text = json_of("SubscribeRequest", &request);
    for (coding, pack, unpack) in codings() {
        let headers = [("connect-content-encoding", coding), ("connect-accept-encoding", coding)];
        for (kind, message) in [(JSON, text.as_bytes()), (PROTO, &*request.encode_to_vec())] {
            let body = framed(1, &pack(message));
            let answer = post(&governed.api, SUBSCRIBE, kind, &headers, body).await;
            assert_eq!(answer.header("connect-content-encoding"), coding, "{kind}");
            let (messages, end) = answer.messages();
            assert!(end.error.is_none(), "{end:?}");
            let read = |(flag, message): (u8, Bytes)| {
                let plain = if flag == 1 { unpack(&message).into() } else { message };
                match kind {
                    JSON => of_json("SubscribeResponse", &plain),
                    _ => pb::SubscribeResponse::decode(plain).unwrap(),
                }
            };
            assert!(messages.iter().any(|(flag, _)| *flag == 1), "{kind} in {coding}");
            assert_eq!(events(messages.into_iter().map(read).collect()), expected);
        }
    }
}

#[tokio::test]
async fn a_stream_that_is_refused_ends_with_the_refusal() {
    let governed = filled(2).await;
    let table = [
        ("{\"fromPosition\":9}", "out_of_range", "POSITION_BEYOND_LOG"),
        ("{\"fromPosition\":true}", "invalid_argument", "FIELD_INVALID"),
        ("{\"fromPosition\":0,\"now\":true}", "invalid_argument", "FIELD_NOT_ALLOWED"),
        ("{\"cursorId\":\"nobody\"}", "not_found", "CURSOR_NOT_FOUND"),
        ("{", "invalid_argument", "MALFORMED_REQUEST"),
    ];
    for (message, code, reason) in table {
        let (messages, end) = stream_json(&governed.api, SUBSCRIBE, message).await.messages();
        assert!(messages.is_empty());
        let error = end.error.unwrap();
        assert_eq!(refusal(&error), (code.to_owned(), reason.to_owned()), "{message}");
        assert!(error["message"].as_str().is_some_and(|text| !text.is_empty()), "{error}");
    }
    let unknown = stream_json(&governed.api, "LedgerService/Follow", "{}").await;
    let error = unknown.messages().1.error.unwrap();
    assert_eq!(refusal(&error).0, "unimplemented");
    // Two messages, none, half of one, and one behind a flag that no message has.
    let whole = framed(0, b"{}");
    let two = [whole.clone(), whole.clone()].concat();
    for body in [two, Vec::new(), whole[..6].to_vec(), framed(2, b"{}").to_vec()] {
        let refused = post(&governed.api, SUBSCRIBE, JSON, &[], body.clone()).await;
        let error = refused.messages().1.error.unwrap();
        let malformed = ("invalid_argument".to_owned(), "MALFORMED_REQUEST".to_owned());
        assert_eq!(refusal(&error), malformed, "{body:?}");
    }
}

#[tokio::test]
async fn a_stream_ends_at_the_deadline_of_its_caller() {
    let governed = filled(2).await;
    let headers = [("connect-timeout-ms", "300")];
    let body = framed(0, b"{\"fromPosition\":0}");
    let answer = post(&governed.api, SUBSCRIBE, JSON, &headers, body).await;
    let error = answer.messages().1.error.unwrap();
    let passed = ("deadline_exceeded".to_owned(), "DEADLINE_PASSED".to_owned());
    assert_eq!(refusal(&error), passed);
}

/// A caller that goes away ends its stream: the server counts it.
#[tokio::test]
async fn a_stream_whose_caller_leaves_is_over() {
    let governed = filled(2).await;
    let body = framed(0, b"{\"fromPosition\":0}");
    let path = path_of(SUBSCRIBE);
    let headers = [("content-type", JSON)];
    let answer = send(&governed.api, (Method::POST, &path), &headers, body).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let mut body = answer.into_body();
    let first = in_time("the events", body.frame()).await.unwrap().unwrap();
    assert!(first.is_data());
    let open = || {
        let told = governed.ledger.metrics().encode(Format::Text);
        let series = "tidu_streams{method=\"tidu.v1.LedgerService/Subscribe\"} ";
        let line = told.lines().find_map(|line| line.strip_prefix(series).map(str::to_owned));
        line.unwrap().parse::<f64>().unwrap()
    };
    assert!((open() - 1.0).abs() < f64::EPSILON);
    drop(body);
    let closed = async {
        while open() > 0.5 {
            tokio::task::yield_now().await;
        }
    };
    in_time("the end of the stream", closed).await;
}

#[tokio::test]
async fn the_export_of_the_register_is_a_stream_too() {
    let governed = filled(30).await;
    let answer = stream_json(&governed.api, "RegisterService/ExportRegister", "{}").await;
    let (messages, end) = answer.messages();
    assert!(end.error.is_none(), "{end:?}");
    let read = |(_, message): (u8, Bytes)| {
        of_json::<pb::ExportRegisterResponse>("ExportRegisterResponse", &message)
    };
    let all: Vec<_> = messages.into_iter().map(read).collect();
    let client = &mut governed.as_stranger().register;
    let stream = client.export_register(pb::ExportRegisterRequest::default()).await.unwrap();
    let mut stream = stream.into_inner();
    let mut expected = Vec::new();
    while let Some(message) = stream.message().await.unwrap() {
        expected.push(message);
    }
    assert_eq!(all, expected);
}

/// Tools learn the API by a stream on which both sides send.
#[tokio::test]
async fn reflection_answers_each_question_of_a_stream() {
    let governed = Governed::open();
    let question = |name: &str| {
        let asked = MessageRequest::FileContainingSymbol(name.to_owned());
        let request = ServerReflectionRequest { host: String::new(), message_request: Some(asked) };
        framed(0, &request.encode_to_vec())
    };
    let body = [question("tidu.v1.Event"), question("tidu.v1.Nothing")].concat();
    let path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    let headers = [("content-type", PROTO)];
    let answer = send(&governed.api, (Method::POST, path), &headers, body).await;
    let (messages, end) = whole(answer).await.messages();
    assert!(end.error.is_none(), "{end:?}");
    let read = |(_, message): &(u8, Bytes)| {
        ServerReflectionResponse::decode(message.clone()).unwrap().message_response.unwrap()
    };
    let answers: Vec<_> = messages.iter().map(read).collect();
    assert!(matches!(answers[0], MessageResponse::FileDescriptorResponse(_)));
    assert!(matches!(answers[1], MessageResponse::ErrorResponse(_)));
    // The same in JSON.
    let text = "{\"fileContainingSymbol\":\"tidu.v1.Event\"}";
    let answer = stream_json(&governed.api, path, text).await;
    let (messages, _) = answer.messages();
    let told: serde_json::Value = serde_json::from_slice(&messages[0].1).unwrap();
    assert!(told["fileDescriptorResponse"]["fileDescriptorProto"][0].is_string(), "{told}");
}
