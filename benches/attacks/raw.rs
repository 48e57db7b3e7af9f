//! Calls whose bytes are made by hand: packed, cut short, or never ended.

use std::{convert::Infallible, io::Write as _, time::Duration};

use bytes::{BufMut as _, Bytes, BytesMut};
use flate2::{Compression, write::GzEncoder};
use futures_util::{StreamExt as _, stream};
use http::Request;
use http_body_util::{BodyExt, StreamBody, combinators::BoxBody};
use hyper::{body::Frame, client::conn::http2::SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use crate::Target;

type Body = BoxBody<Bytes, Infallible>;

/// An HTTP/2 connection; its task ends with it.
pub struct Raw {
    sender: SendRequest<Body>,
    task: tokio::task::JoinHandle<()>,
    authority: String,
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Raw {
    /// `None` if the server takes no connection.
    pub async fn connect(target: &Target) -> Option<Self> {
        let stream = TcpStream::connect(target.address).await.ok()?;
        let executor = TokioExecutor::new();
        let mut builder = hyper::client::conn::http2::Builder::new(executor);
        builder.initial_connection_window_size(1 << 20).initial_stream_window_size(1 << 16);
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.ok()?;
        let task = tokio::spawn(async move {
            let _ = connection.await;
        });
        Some(Self { sender, task, authority: target.address.to_string() })
    }

    /// Sends a message, and gives the status's number once the call has ended.
    pub async fn call(&mut self, path: &str, message: &Message) -> Option<i32> {
        self.start(path, message, false).await
    }

    /// Sends the beginning of a message, and never the rest.
    pub async fn call_without_end(&mut self, path: &str, message: &Message) -> Option<i32> {
        self.start(path, message, true).await
    }

    async fn start(&mut self, path: &str, message: &Message, without_end: bool) -> Option<i32> {
        let rest = if without_end {
            stream::pending().left_stream()
        } else {
            stream::empty().right_stream()
        };
        let first = Ok::<_, Infallible>(Frame::data(message.framed.clone()));
        let body = StreamBody::new(stream::iter([first]).chain(rest));
        let mut request = Request::post(format!("http://{}{path}", self.authority))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        if message.is_packed {
            request = request.header("grpc-encoding", "gzip");
        }
        self.sender.ready().await.ok()?;
        let sent = self.sender.send_request(request.body(BodyExt::boxed(body)).unwrap());
        let response = tokio::time::timeout(Duration::from_secs(30), sent).await.ok()?.ok()?;
        let status = |headers: &http::HeaderMap| {
            headers.get("grpc-status").and_then(|s| s.to_str().ok()?.parse().ok())
        };
        if let Some(status) = status(response.headers()) {
            return Some(status);
        }
        let collected = response.into_body().collect().await.ok()?;
        collected.trailers().and_then(status)
    }
}

/// A message with its prefix.
#[derive(Clone)]
pub struct Message {
    framed: Bytes,
    is_packed: bool,
}

impl Message {
    pub fn plain(bytes: &[u8]) -> Self {
        Self::framed(bytes, bytes.len(), false)
    }

    pub fn packed(bytes: &[u8]) -> Self {
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        packer.write_all(bytes).unwrap();
        let bytes = packer.finish().unwrap();
        Self::framed(&bytes, bytes.len(), true)
    }

    /// A message whose prefix announces more bytes than follow.
    pub fn short(bytes: &[u8], announced: usize) -> Self {
        Self::framed(bytes, announced, false)
    }

    fn framed(bytes: &[u8], announced: usize, is_packed: bool) -> Self {
        let mut framed = BytesMut::with_capacity(bytes.len() + 5);
        framed.put_u8(u8::from(is_packed));
        framed.put_u32(announced as u32);
        framed.put_slice(bytes);
        Self { framed: framed.freeze(), is_packed }
    }
}
