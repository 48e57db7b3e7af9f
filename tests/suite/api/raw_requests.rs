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

/// What the server answers to raw bytes as the body of an Append.
async fn answer(address: &str, frame: Vec<u8>, header: Option<(&str, &str)>) -> Status {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let io = TokioIo::new(stream);
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), io);
    let (mut sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    let url = format!("http://{address}/tidu.v1.LedgerService/Append");
    let request = http::Request::post(url).header("content-type", "application/grpc");
    let request = match header {
        Some((name, value)) => request.header(name, value),
        None => request,
    };
    let request = request.header("te", "trailers").body(Full::new(Bytes::from(frame))).unwrap();
    let response = sender.send_request(request).await.unwrap();
    let mut headers = response.headers().clone();
    let body = response.into_body().collect().await.unwrap();
    headers.extend(body.trailers().cloned().unwrap_or_default());
    Status::from_header_map(&headers).unwrap()
}

/// The server tells these by the words of its transport. If an update words them otherwise, this
/// fails, and nobody is told that the server has a fault.
#[tokio::test]
async fn every_request_that_cannot_be_read_is_the_callers() {
    let fresh = Fresh::start();
    let address = fresh.server.address.trim_start_matches("http://");
    let table = [
        ("not protobuf", vec![0_u8, 0, 0, 0, 3, 0xFF, 0xFF, 0xFF], None),
        ("cut short", vec![0, 0, 0, 1, 0, 1, 2, 3], None),
        ("nothing", vec![], None),
        ("compressed by nothing", vec![1, 0, 0, 0, 1, 0], None),
        ("a flag that does not exist", vec![7, 0, 0, 0, 1, 0], None),
        ("not gzip", vec![1, 0, 0, 0, 3, 1, 2, 3], Some(("grpc-encoding", "gzip"))),
    ];
    for (what, frame, header) in table {
        let status = answer(address, frame, header).await;
        assert_eq!(status.code(), tonic::Code::InvalidArgument, "{what}: {status:?}");
        assert_eq!(reason(&status), "MALFORMED_REQUEST", "{what}");
        assert_complete(&status);
    }
}

/// A client of a newer version states a fact that this server does not know.
#[tokio::test]
async fn a_fact_of_a_newer_version_is_told_apart_from_a_missing_one() {
    let fresh = Fresh::start();
    let address = fresh.server.address.trim_start_matches("http://");
    let known = pb::Event { fact: None, ..little_giant(A, "1", "2019-06-05") };
    for number in [29, 112, 1_000] {
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
