//! The end by signal: within its time whatever peers and threads do, and with a true exit code.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    process::Command,
    time::{Duration, Instant},
};

use tidu::{
    limits::{DRAIN_CONNECTIONS_DURATION_MAX, DRAIN_DURATION_MAX},
    protocol::pb,
};
use tonic::transport::Channel;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;

use crate::support::{Fresh, Server, list};

fn signal(server: &Server, name: &str) {
    let pid = server.child.id().to_string();
    assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
}

/// A peer that speaks HTTP/2 as far as its preface, and never reads.
fn mute(server: &Server) -> TcpStream {
    let address = server.address.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
    // The server's own settings: it has taken the connection.
    stream.read_exact(&mut [0; 9]).unwrap();
    stream
}

/// The exit code, and how long the process took from the signal on.
#[allow(clippy::disallowed_methods)] // the promise is one of time
fn end(mut server: Server, name: &str) -> (Option<i32>, Duration) {
    let began = Instant::now();
    signal(&server, name);
    let code = server.child.wait().unwrap().code();
    (code, began.elapsed())
}

#[tokio::test]
async fn peers_that_never_answer_do_not_delay_a_drain() {
    for name in ["-TERM", "-INT"] {
        let Fresh { server, dir } = Fresh::start();
        let mut client = server.client().await;
        client.record(list(1, 10)).await.unwrap();
        let peers: Vec<_> = (0..3).map(|_| mute(&server)).collect();
        let ended = tokio::task::spawn_blocking(move || end(server, name)).await.unwrap();
        assert_eq!(ended.0, Some(0), "the writer finished: {ended:?}");
        assert!(ended.1 < DRAIN_DURATION_MAX, "{ended:?}");
        drop((peers, dir));
    }
}

/// What tools and load balancers leave open: a watcher of health, and a stream of reflection.
#[tokio::test]
async fn streams_of_health_and_reflection_delay_no_drain() {
    let Fresh { server, dir } = Fresh::start();
    let channel = Channel::from_shared(server.address.clone()).unwrap().connect().await.unwrap();
    let request = HealthCheckRequest::default();
    let mut watch = HealthClient::new(channel.clone()).watch(request).await.unwrap().into_inner();
    watch.message().await.unwrap().unwrap();
    let mut reflection = ServerReflectionClient::new(channel);
    let questions = tokio_stream::pending();
    let answers = reflection.server_reflection_info(questions).await.unwrap().into_inner();
    let ended = tokio::task::spawn_blocking(move || end(server, "-TERM")).await.unwrap();
    assert_eq!(ended.0, Some(0), "{ended:?}");
    assert!(ended.1 < DRAIN_CONNECTIONS_DURATION_MAX, "a connection was left open: {ended:?}");
    drop((watch, answers, dir));
}

#[tokio::test]
async fn a_second_signal_ends_the_process_at_once() {
    let Fresh { server, dir } = Fresh::start();
    let mut client = server.client().await;
    client.record(list(1, 10)).await.unwrap();
    // An append whose message never ends keeps the drain waiting.
    let stream = unfinished_append(&server).await;
    signal(&server, "-TERM");
    // The drain has begun when the server takes no more connections.
    let address = server.address.strip_prefix("http://").unwrap().to_owned();
    while TcpStream::connect(&address).is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (code, _) = tokio::task::spawn_blocking(move || end(server, "-INT")).await.unwrap();
    assert_eq!(code, Some(128 + 2), "a signal, and not a finished drain");
    drop((stream, dir));
}

/// A call that has begun and whose message does not come.
async fn unfinished_append(server: &Server) -> hyper::client::conn::http2::SendRequest<Never> {
    use hyper_util::rt::{TokioExecutor, TokioIo};
    let address = server.address.strip_prefix("http://").unwrap();
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let handshake =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    let url = format!("{}/tidu.v1.LedgerService/Append", server.address);
    let request = http::Request::post(url).header("content-type", "application/grpc");
    let call = sender.send_request(request.body(Never::default()).unwrap());
    tokio::spawn(call);
    // Another call on the same connection is answered: the first has arrived.
    let url = format!("{}/tidu.v1.AdminService/GetStatus", server.address);
    let request = http::Request::post(url).header("content-type", "application/grpc");
    let status = sender.send_request(request.body(Never::status()).unwrap());
    crate::support::in_time("an answer", status).await.unwrap();
    sender
}

/// The body of a request: nothing for ever, or an empty message.
#[derive(Default)]
struct Never(Option<bytes::Bytes>);

impl Never {
    fn status() -> Self {
        let mut message = vec![0; 5];
        prost::Message::encode(&pb::GetStatusRequest {}, &mut message).unwrap();
        Self(Some(message.into()))
    }
}

impl http_body::Body for Never {
    type Data = bytes::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, Self::Error>>> {
        match self.0.take() {
            Some(bytes) if bytes.is_empty() => std::task::Poll::Ready(None),
            Some(bytes) => {
                self.0 = Some(bytes::Bytes::new());
                std::task::Poll::Ready(Some(Ok(http_body::Frame::data(bytes))))
            }
            None => std::task::Poll::Pending,
        }
    }
}
