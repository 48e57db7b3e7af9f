#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::cast_possible_truncation)]

//! Requests through the intake, in front of a service that answers with what it got.

mod fairness;
mod json;
mod leaks;
mod limits;
mod time;

use std::{net::SocketAddr, sync::Arc};

use bytes::{BufMut as _, Bytes};
use http_body_util::StreamBody;
use tokio::sync::mpsc;
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};
use tonic::Code;
use tonic_types::StatusExt as _;
use tower::{ServiceExt as _, service_fn};

use super::*;
use crate::{limits::IN_FLIGHT_BYTES_MAX, service::Peer};

const APPEND: &str = "/tidu.v1.LedgerService/Append";
const LIST_EVENTS: &str = "/tidu.v1.LedgerService/ListEvents";
const COUNT_TITLES: &str = "/tidu.v1.RegisterService/CountTitles";

/// Random choices that `TIDU_INTAKE_SEED` repeats.
fn random() -> fastrand::Rng {
    let seed = std::env::var("TIDU_INTAKE_SEED").ok().map(|text| text.parse().unwrap());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("repeat with TIDU_INTAKE_SEED={seed}");
    fastrand::Rng::with_seed(seed)
}

/// A message with its prefix.
fn framed(flag: u8, message: &[u8]) -> Bytes {
    let mut frame = vec![flag];
    frame.put_u32(message.len() as u32);
    frame.extend(message);
    frame.into()
}

/// A field of bytes.
fn field(number: u32, bytes: usize) -> Vec<u8> {
    let mut encoded = Vec::new();
    prost::encoding::bytes::encode(number, &vec![b'a'; bytes], &mut encoded);
    encoded
}

/// A message of exactly so many bytes in one field.
fn of_bytes(bytes: usize) -> Vec<u8> {
    // No message has this field, so it is opaque in all of them.
    const UNKNOWN: u32 = 15;
    let over = field(UNKNOWN, bytes).len() - bytes;
    let message = field(UNKNOWN, bytes - over);
    assert_eq!(message.len(), bytes);
    message
}

fn peer(number: u16) -> SocketAddr {
    ([127, 0, 0, 1], number).into()
}

fn remote(number: u8) -> SocketAddr {
    ([192, 0, 2, number], 7).into()
}

fn request(path: &str, peer: SocketAddr, body: Body) -> Request<Body> {
    let request = Request::post(path).version(http::Version::HTTP_2);
    let request = request.header("content-type", "application/grpc").extension(Peer(peer));
    request.body(body).unwrap()
}

fn whole(message: impl Into<Bytes>) -> Body {
    Body::new(http_body_util::Full::new(message.into()))
}

/// A body whose parts are sent by the test. It ends when the sender is dropped.
fn open_body() -> (mpsc::Sender<Bytes>, Body) {
    let (sender, parts) = mpsc::channel::<Bytes>(1_024);
    let frames = ReceiverStream::new(parts).map(|part| Ok::<_, Status>(Frame::data(part)));
    (sender, Body::new(StreamBody::new(frames)))
}

/// What became of a call.
#[derive(Debug)]
struct Outcome {
    code: Code,
    reason: String,
    metadata: std::collections::HashMap<String, String>,
    retry: bool,
    http: StatusCode,
    /// The bytes that reached the service.
    body: Bytes,
}

/// An intake in front of a service that gives back the body that it got.
#[derive(Clone)]
struct Echo(Arc<Intake>);

impl Echo {
    fn new() -> Self {
        Self::of(IN_FLIGHT_BYTES_MAX)
    }

    fn of(in_flight_bytes: usize) -> Self {
        Self(Intake::new(in_flight_bytes, &Metrics::new()).unwrap())
    }

    fn held(&self) -> usize {
        self.0.budget().held()
    }

    async fn call(&self, request: Request<Body>) -> Outcome {
        let inner = service_fn(|request: Request<Body>| async {
            let body = request.into_body().collect().await;
            Ok::<_, Infallible>(match body {
                Ok(body) => Response::new(whole(body.to_bytes())),
                Err(status) => status.into_http(),
            })
        });
        let answer =
            Admitted { inner, intake: Arc::clone(&self.0) }.oneshot(request).await.unwrap();
        let http = answer.status();
        let mut headers = answer.headers().clone();
        let body = answer.into_body().collect().await.unwrap();
        headers.extend(body.trailers().cloned().unwrap_or_default());
        let status = Status::from_header_map(&headers).unwrap_or_else(|| Status::ok(""));
        let info = status.get_details_error_info();
        let (reason, metadata) = info.map(|info| (info.reason, info.metadata)).unwrap_or_default();
        let retry = status.get_details_retry_info().is_some();
        let body = body.to_bytes();
        Outcome { code: status.code(), reason, metadata, retry, http, body }
    }

    /// Calls with a whole message.
    async fn send(&self, path: &str, frame: impl Into<Bytes>) -> Outcome {
        self.call(request(path, peer(1), whole(frame))).await
    }

    /// Begins a call that goes on beside the test.
    fn begin(&self, request: Request<Body>) -> tokio::task::JoinHandle<Outcome> {
        let this = self.clone();
        tokio::spawn(async move { this.call(request).await })
    }
}

impl Outcome {
    #[track_caller]
    fn expect(&self, code: Code, reason: &str, metadata: &[(&str, &str)]) {
        assert_eq!((self.code, self.reason.as_str()), (code, reason), "{self:?}");
        for (key, value) in metadata {
            assert_eq!(self.metadata.get(*key).map(String::as_str), Some(*value), "{self:?}");
        }
    }
}

/// Lets every task that can go on do so.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}
