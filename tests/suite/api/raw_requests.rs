//! Appends as raw bytes: a request that cannot be read is told apart from a fault of the server,
//! and a fact of a newer version from a missing one.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::{Message as _, encoding::WireType};
use tidu::protocol::pb;
use tonic::Status;
use tonic_types::StatusExt as _;

use super::error_details::assert_complete;
use crate::support::{A, Fresh, little_giant, reason};

/// Reasons that the tests here provoke.
pub const REASONS: [&str; 5] =
    ["MALFORMED_REQUEST", "DEADLINE_PASSED", "KIND_UNKNOWN", "METHOD_UNKNOWN", "ENCODING_UNKNOWN"];

const APPEND: &str = "/tidu.v1.LedgerService/Append";

/// What the server answers to raw bytes as the body of an Append.
async fn answer(address: &str, frame: Vec<u8>, header: Option<(&str, &str)>) -> Status {
    answer_to(APPEND, address, frame, header).await
}

/// What the server answers to raw bytes as the body of a call.
async fn answer_to(
    path: &str,
    address: &str,
    frame: Vec<u8>,
    header: Option<(&str, &str)>,
) -> Status {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let io = TokioIo::new(stream);
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), io);
    let (mut sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    let url = format!("http://{address}{path}");
    let mut request = http::Request::post(url)
        .header("te", "trailers")
        .body(Full::new(Bytes::from(frame)))
        .unwrap();
    let headers = request.headers_mut();
    headers.insert("content-type", http::HeaderValue::from_static("application/grpc"));
    if let Some((name, value)) = header {
        let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.insert(name, value.parse().unwrap());
    }
    let response = sender.send_request(request).await.unwrap();
    let mut headers = response.headers().clone();
    let body = response.into_body().collect().await.unwrap();
    headers.extend(body.trailers().cloned().unwrap_or_default());
    Status::from_header_map(&headers).unwrap()
}

#[tokio::test]
async fn every_request_that_cannot_be_read_is_the_callers() {
    let fresh = Fresh::start();
    let address = fresh.server.address.trim_start_matches("http://");
    let table = [
        ("not protobuf", vec![0_u8, 0, 0, 0, 3, 0xFF, 0xFF, 0xFF], None),
        ("text that is not UTF-8", vec![0, 0, 0, 0, 3, 0x0A, 1, 0xFF], None),
        ("cut short", vec![0, 0, 0, 1, 0, 1, 2, 3], None),
        ("nothing", vec![], None),
        ("two messages", vec![0; 10], None),
        ("compressed by nothing", vec![1, 0, 0, 0, 1, 0], None),
        ("a flag that does not exist", vec![7, 0, 0, 0, 1, 0], None),
        ("not gzip", vec![1, 0, 0, 0, 3, 1, 2, 3], Some(("grpc-encoding", "gzip"))),
        ("not zstd", vec![1, 0, 0, 0, 3, 1, 2, 3], Some(("grpc-encoding", "zstd"))),
        ("a deadline that is none", vec![0; 5], Some(("grpc-timeout", "soon"))),
        ("another content", vec![0; 5], Some(("content-type", "application/xml"))),
    ];
    for (what, frame, header) in table {
        let status = answer(address, frame, header).await;
        assert_eq!(status.code(), tonic::Code::InvalidArgument, "{what}: {status:?}");
        assert_eq!(reason(&status), "MALFORMED_REQUEST", "{what}");
        assert_complete(&status);
    }
}

#[tokio::test]
async fn what_the_server_does_not_have_is_told_in_few_words() {
    let fresh = Fresh::start();
    let address = fresh.server.address.trim_start_matches("http://");
    let long = format!("/tidu.v1.LedgerService/{}", "Erase".repeat(1_000));
    let encoding = Some(("grpc-encoding", "deflate"));
    let table = [
        (long.as_str(), None, "METHOD_UNKNOWN"),
        ("/elsewhere", None, "METHOD_UNKNOWN"),
        (APPEND, encoding, "ENCODING_UNKNOWN"),
    ];
    for (path, header, expected) in table {
        let status = answer_to(path, address, vec![1, 0, 0, 0, 0], header).await;
        assert_eq!(status.code(), tonic::Code::Unimplemented, "{status:?}");
        assert_eq!(reason(&status), expected);
        assert_complete(&status);
        assert!(status.message().len() < 200, "{status:?}");
    }
    let status = answer_to(APPEND, address, vec![1, 0, 0, 0, 0], encoding).await;
    assert_eq!(status.metadata().get("grpc-accept-encoding").unwrap(), "gzip,zstd,identity");
}

/// The standard services blame their caller as ours do, on a stream as well.
#[tokio::test]
async fn the_standard_services_tell_the_callers_faults_too() {
    let fresh = Fresh::start();
    let address = fresh.server.address.trim_start_matches("http://");
    let not_text = vec![0, 0, 0, 0, 3, 0x0A, 1, 0xFF];
    for path in [
        "/grpc.health.v1.Health/Check",
        "/grpc.health.v1.Health/Watch",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    ] {
        let status = answer_to(path, address, not_text.clone(), None).await;
        assert_eq!(status.code(), tonic::Code::InvalidArgument, "{path}: {status:?}");
        assert_eq!(reason(&status), "MALFORMED_REQUEST", "{path}");
        assert_complete(&status);
        let packed = Some(("grpc-encoding", "deflate"));
        let status = answer_to(path, address, vec![1, 0, 0, 0, 0], packed).await;
        assert_eq!(reason(&status), "ENCODING_UNKNOWN", "{path}: {status:?}");
    }
}

/// The size of a message is refused from its first five bytes, whatever follows them.
#[tokio::test]
async fn a_message_that_is_too_large_is_refused_from_its_prefix() {
    let fresh = Fresh::start();
    let address = fresh.server.address.trim_start_matches("http://");
    let table = [
        (APPEND, 16 << 20),
        ("/tidu.v1.LedgerService/ListEvents", 8 << 20),
        ("/tidu.v1.RegisterService/GetDesignee", 64 << 10),
    ];
    for (path, most) in table {
        let over = (u32::try_from(most).unwrap() + 1).to_be_bytes();
        let status = answer_to(path, address, [&[0], over.as_slice()].concat(), None).await;
        assert_eq!(reason(&status), "LIMIT_EXCEEDED", "{status:?}");
        let metadata = status.get_details_error_info().unwrap().metadata;
        assert_eq!(metadata["limit"], most.to_string());
        assert_eq!(metadata["unit"], "bytes");
        assert_eq!(metadata["value"], (most + 1).to_string());
    }
}

/// Headers that are refused with a status, and headers that HTTP/2 refuses itself.
#[tokio::test]
async fn headers_that_are_too_large_are_refused() {
    let fresh = Fresh::start();
    let address = fresh.server.address.trim_start_matches("http://");
    let filler = "x".repeat(20_000);
    let status = answer(address, vec![0; 5], Some(("filler", &filler))).await;
    assert_eq!(reason(&status), "LIMIT_EXCEEDED", "{status:?}");
    assert_complete(&status);
}

/// A client of HTTP/1.1 sends all of its request before it reads the answer, and gets one.
#[test]
fn a_large_request_over_grpc_web_gets_its_refusal() {
    use std::io::{Read as _, Write as _};

    let fresh = Fresh::start();
    let host = fresh.server.address.trim_start_matches("http://");
    let content = vec![b'a'; 4 << 20];
    let mut body = vec![0];
    body.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
    body.extend(content);
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    write!(
        stream,
        "POST /tidu.v1.AdminService/GetStatus HTTP/1.1\r\nhost: {host}\r\ncontent-type: \
         application/grpc-web+proto\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    )
    .unwrap();
    stream.write_all(&body).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.contains("grpc-status: 8"), "{answer}");
    assert!(answer.contains("more%20than%2065536%20bytes"), "{answer}");
}

/// A client of a newer version states a fact that this server does not know.
#[tokio::test]
async fn a_fact_of_a_newer_version_is_told_apart_from_a_missing_one() {
    let fresh = Fresh::start();
    let address = fresh.server.address.trim_start_matches("http://");
    let known = pb::Event { fact: None, ..little_giant(A, "1", "2019-06-05") };
    for number in [39, 112, 1_000] {
        let mut event = known.encode_to_vec();
        prost::encoding::encode_key(number, WireType::LengthDelimited, &mut event);
        event.push(0);
        let mut commit = Vec::new();
        prost::encoding::bytes::encode(4, &event, &mut commit);
        let mut frame = vec![0];
        frame.extend(u32::try_from(commit.len()).unwrap().to_be_bytes());
        frame.extend(commit);
        let status = answer(address, frame, None).await;
        assert_eq!(reason(&status), "KIND_UNKNOWN", "{status:?}");
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
        assert_complete(&status);
        let metadata = status.get_details_error_info().unwrap().metadata;
        assert_eq!(metadata["field"], "events[0].fact");
        assert_eq!(metadata["value"], number.to_string());
    }
    let mut client = fresh.client().await;
    assert_eq!(reason(&client.record(vec![known]).await.unwrap_err()), "FIELD_REQUIRED");
    assert_eq!(client.status().await.log_size, 0);
}

#[tokio::test]
async fn a_call_is_given_up_at_the_callers_deadline() {
    let fresh = Fresh::start();
    let address = fresh.server.address.trim_start_matches("http://");
    let status = answer(address, vec![0, 0, 0, 0, 0], Some(("grpc-timeout", "0n"))).await;
    assert_eq!(status.code(), tonic::Code::DeadlineExceeded, "{status:?}");
    assert_eq!(reason(&status), "DEADLINE_PASSED");
    assert_complete(&status);
}
