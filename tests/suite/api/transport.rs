//! The transport: who gets compressed answers, and gRPC-Web on the same port.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use tidu::protocol::pb::{self, ledger_service_client::LedgerServiceClient};
use tonic::codec::CompressionEncoding::{Gzip, Zstd};

use crate::support::{Fresh, Server, directory, list};

#[tokio::test]
async fn answers_are_compressed_for_who_asks() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    client.record(list(1, 200)).await.unwrap();
    type Change = fn(
        LedgerServiceClient<tonic::transport::Channel>,
    ) -> LedgerServiceClient<tonic::transport::Channel>;
    let table: [(Change, Option<&str>); 4] = [
        (|client| client, None),
        // As most clients do without being told.
        (|client| client.accept_compressed(Gzip), None),
        (|client| client.accept_compressed(Gzip).send_compressed(Gzip), Some("gzip")),
        (|client| client.accept_compressed(Zstd), Some("zstd")),
    ];
    let request = pb::SubscribeRequest { stop_position: Some(200), ..Default::default() };
    for (change, encoding) in table {
        let mut ledger = change(client.ledger.clone());
        let answer = ledger.subscribe(request.clone()).await.unwrap();
        let said = answer.metadata().get("grpc-encoding").map(|name| name.to_str().unwrap());
        assert_eq!(said, encoding);
        let mut ledger = crate::support::Client { ledger, ..client.clone() };
        assert_eq!(ledger.collect(request.clone()).await.len(), 200);
    }
}

/// What the server says to a call over HTTP/1.1, headers and body.
fn call(address: &str, content_type: &str, origin: &str, method: &str) -> String {
    let host = address.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "POST /tidu.v1.AdminService/{method} HTTP/1.1\r\nhost: {host}\r\norigin: {origin}\r\n\
         content-type: {content_type}\r\ncontent-length: 5\r\nconnection: close\r\n\r\n\0\0\0\0\0"
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn grpc_web_is_served_on_the_same_port() {
    let dir = directory();
    let origin = "https://register.example";
    let server = Server::start_with(&dir.path().join("data"), &["--web-origin", origin]);
    let web = "application/grpc-web+proto";
    let answer = call(&server.address, web, origin, "GetStatus");
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains(&format!("access-control-allow-origin: {origin}")), "{answer}");
    assert!(
        answer.contains(env!("CARGO_PKG_VERSION")) && answer.contains("grpc-status:0"),
        "{answer}"
    );
    let foreign = call(&server.address, web, "https://elsewhere.example", "GetStatus");
    assert!(!foreign.contains("access-control-allow-origin"), "{foreign}");
    let unknown = call(&server.address, web, origin, "GetNothing");
    assert!(unknown.contains("grpc-status: 12"), "{unknown}");
    let plain = call(&server.address, "application/json", origin, "GetStatus");
    assert!(plain.starts_with("HTTP/1.1 4"), "{plain}");
}

#[tokio::test]
async fn events_come_in_parts_over_http1_and_in_frames_over_http2() {
    let fresh = Fresh::start();
    fresh.client().await.record(list(1, 200)).await.unwrap();
    let host = fresh.server.address.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let get = format!("GET /v1/events?follow=false HTTP/1.1\r\nhost: {host}\r\n");
    // One connection serves one after the other.
    write!(stream, "{get}\r\n{get}connection: close\r\n\r\n").unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2);
    assert_eq!(answers.matches("transfer-encoding: chunked").count(), 2);
    assert_eq!(answers.matches("\"position\":\"199\"").count(), 2);
    let channel = tonic::transport::Channel::from_shared(fresh.server.address.clone()).unwrap();
    let channel = channel.connect().await.unwrap();
    let request = http::Request::get("/v1/events?follow=false").body(tonic::body::Body::empty());
    let answer = tower::ServiceExt::oneshot(channel, request.unwrap()).await.unwrap();
    assert_eq!((answer.version(), answer.status().as_u16()), (http::Version::HTTP_2, 200));
    let body = http_body_util::BodyExt::collect(answer.into_body()).await.unwrap().to_bytes();
    assert_eq!(body.split(|byte| *byte == b'\n').count(), 201, "a line for each event");
}
