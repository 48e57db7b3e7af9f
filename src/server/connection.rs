//! One connection: its limits, its times and its end. They bound the cost of a peer; tonic's own
//! accept loop has no settings for that.

use std::{pin::Pin, sync::Arc, time::Duration};

use hyper::server::conn::{http1, http2};
use hyper_util::rt::TokioTimer;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    answers::{Calls, Next, Supervisor, Taking, Untaken, supervised},
    coalesce::CoalescingIo,
    peer_io::{PeerIo, Version},
    places::{Place, Seat},
    ports::Apis,
    tls::{self, Met, Tls},
};
use crate::{
    access::Channel,
    limits::{
        CLOSE_DURATION_MAX, CONNECTION_IDLE_MAX, CONNECTION_STREAMS_MAX, CONNECTION_WINDOW_BYTES,
        HANDSHAKE_DURATION_MAX, HTTP1_BUFFER_BYTES, HTTP2_HEADERS_BYTES_MAX, KEEPALIVE_INTERVAL,
        KEEPALIVE_TIMEOUT, LOCAL_RESETS_MAX, PENDING_RESETS_MAX, PLACE_LEAVE_PAUSE,
        STREAM_SEND_BYTES_MAX, STREAM_WINDOW_BYTES,
    },
    metrics::Metrics,
    service::{Peer, Shares},
};

/// The parts that all connections share.
#[derive(Clone)]
pub(super) struct Serving {
    pub(super) apis: Arc<Apis>,
    pub(super) drain: CancellationToken,
    /// Bytes of answers that their peers do not take.
    pub(super) untaken: Arc<Shares>,
    pub(super) metrics: Arc<Metrics>,
}

/// The other end of a connection, as far as the connection proves it.
#[derive(Clone, Debug)]
pub(super) struct Remote {
    /// `None` over a Unix socket.
    pub(super) peer: Option<Peer>,
    /// `None` for a plain connection.
    pub(super) channel: Option<Arc<Channel>>,
}

impl From<Peer> for Remote {
    fn from(peer: Peer) -> Self {
        Self { peer: Some(peer), channel: None }
    }
}

impl Remote {
    /// Tells a request who sends it.
    pub(super) fn tell(&self, extensions: &mut http::Extensions) {
        if let Some(peer) = self.peer {
            extensions.insert(peer);
        }
        if let Some(channel) = &self.channel {
            extensions.insert(Arc::clone(channel));
        }
    }

    /// The address as log lines name it.
    fn name(&self) -> String {
        self.peer.map(|Peer(address)| address.to_string()).unwrap_or_default()
    }
}

/// A connection that can be asked to end after its calls.
trait Connection: Future<Output = hyper::Result<()>> {
    /// Takes no more calls, and tells the peer.
    fn end_after_calls(self: Pin<&mut Self>);
}

impl Serving {
    /// Serves one connection until it ends. After the drain begins, it finishes its calls and ends.
    pub(super) async fn serve<I>(self, io: I, remote: impl Into<Remote>, place: Place)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        self.serve_by(Instant::now() + HANDSHAKE_DURATION_MAX, io, remote.into(), place).await;
    }

    /// As [`Self::serve`], on a port that speaks TLS alone. The handshake and the first bytes of
    /// HTTP share one time.
    pub(super) async fn serve_tls(self, tls: Arc<Tls>, io: TcpStream, peer: Peer, place: Place) {
        let opened_by = Instant::now() + HANDSHAKE_DURATION_MAX;
        let seat = Arc::clone(&place.seat);
        let meeting = async {
            if !tls::is_tls(&io).await.ok()?? {
                tls::close_plaintext(io, peer, &self.metrics).await;
                return None;
            }
            tls.meet(io, peer, seat.party, &seat.leave, opened_by).await
        };
        let met = tokio::select! {
            met = timeout_at(opened_by, meeting) => met,
            () = seat.leave.cancelled() => return,
            () = self.drain.cancelled() => return,
        };
        let Ok(Some(Met { io, channel, stay })) = met else { return };
        let remote = Remote { peer: Some(peer), channel: Some(channel) };
        self.serve_by(opened_by, io, remote, place).await;
        drop(stay);
    }

    async fn serve_by<I>(self, opened_by: Instant, io: I, remote: Remote, place: Place)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let seat = Arc::clone(&place.seat);
        let opening = PeerIo::open(io, Arc::clone(&seat));
        let opened = tokio::select! {
            opened = timeout_at(opened_by, opening) => opened,
            () = seat.leave.cancelled() => return,
            () = self.drain.cancelled() => return,
        };
        // A silent peer, or one that sends its preface too slowly, keeps its place no longer.
        let Ok(Ok(Some((version, io)))) = opened else { return };
        seat.open();
        let ended = match version {
            Version::Http2 => self.serve_http2(io, remote, &seat).await,
            Version::Http1 => self.serve_http1(io, remote, &seat).await,
            Version::Tls => {
                self.metrics.tls_handshakes_total.with([tls::PLAIN_PORT]).inc();
                tracing::info!(
                    peer = remote.name(),
                    "a peer with TLS was refused: this port has none"
                );
                Ok(())
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended");
        }
        drop(place);
    }

    async fn serve_http2<I>(
        &self,
        io: PeerIo<I>,
        remote: Remote,
        seat: &Arc<Seat>,
    ) -> hyper::Result<()>
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let next = Next::Stream(Arc::default());
        let executor = Supervisor { next: next.clone(), untaken: self.untaken(seat) };
        let mut builder = http2::Builder::new(executor);
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(CONNECTION_STREAMS_MAX)
            .max_header_list_size(HTTP2_HEADERS_BYTES_MAX)
            .max_pending_accept_reset_streams(PENDING_RESETS_MAX)
            .max_local_error_reset_streams(LOCAL_RESETS_MAX)
            .max_send_buf_size(STREAM_SEND_BYTES_MAX)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .keep_alive_interval(KEEPALIVE_INTERVAL)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT);
        let calls = self.calls(remote, seat, next);
        self.run(builder.serve_connection(CoalescingIo::new(io), calls), seat).await
    }

    async fn serve_http1<I>(
        &self,
        io: PeerIo<I>,
        remote: Remote,
        seat: &Arc<Seat>,
    ) -> hyper::Result<()>
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let taking = Arc::<Taking>::default();
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(HANDSHAKE_DURATION_MAX)
            .max_buf_size(HTTP1_BUFFER_BYTES);
        let calls = self.calls(remote, seat, Next::Connection(Arc::clone(&taking)));
        let connection = builder.serve_connection(CoalescingIo::new(io), calls);
        supervised(self.run(connection, seat), taking, self.untaken(seat)).await.unwrap_or(Ok(()))
    }

    fn calls(&self, remote: Remote, seat: &Arc<Seat>, next: Next) -> Calls {
        Calls { apis: Arc::clone(&self.apis), remote, seat: Arc::clone(seat), next }
    }

    fn untaken(&self, seat: &Seat) -> Untaken {
        Untaken { shares: Arc::clone(&self.untaken), party: seat.party }
    }

    /// Runs a connection until it ends, or until it must.
    async fn run(&self, connection: impl Connection, seat: &Seat) -> hyper::Result<()> {
        tokio::pin!(connection);
        let (pause, at_most) = tokio::select! {
            ended = connection.as_mut() => return ended,
            () = self.drain.cancelled() => (CLOSE_DURATION_MAX, Duration::MAX),
            () = seat.idle_for(CONNECTION_IDLE_MAX) => (CLOSE_DURATION_MAX, Duration::MAX),
            () = seat.leave.cancelled() => (PLACE_LEAVE_PAUSE, CLOSE_DURATION_MAX),
        };
        // The peer learns that no more calls are taken. Calls that it sent before are finished, but
        // its own answer is not waited for once there are none.
        connection.as_mut().end_after_calls();
        tokio::select! {
            ended = connection.as_mut() => ended,
            () = quiet(seat, pause) => Ok(()),
            () = tokio::time::sleep(at_most) => Ok(()),
        }
    }
}

impl<I> Connection for http2::Connection<CoalescingIo<PeerIo<I>>, Calls, Supervisor>
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    fn end_after_calls(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<I> Connection for http1::Connection<CoalescingIo<PeerIo<I>>, Calls>
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    fn end_after_calls(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// Completes once there has been no call for so long from now on.
async fn quiet(seat: &Seat, long: Duration) {
    tokio::time::sleep(long).await;
    seat.idle_for(long).await;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::convert::Infallible;

    use bytes::Bytes;
    use http_body_util::{BodyExt as _, Empty, Full, StreamBody};
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
        net::TcpListener,
        task::JoinHandle,
        time::sleep,
    };
    use tonic::body::Body;
    use tower::{service_fn, util::BoxCloneSyncService};

    use super::*;
    use crate::{
        domain::Party,
        files,
        limits::ANSWER_STALL_MAX,
        server::{places::Places, tls::TlsFiles},
        service::Api,
    };

    const LARGE: usize = 1024 * 1024;

    /// Answers with much, or with a stream that never says anything.
    fn api() -> Api {
        BoxCloneSyncService::new(service_fn(|request: http::Request<Body>| async move {
            let body = match request.uri().path() {
                "/large" => Body::new(Full::new(Bytes::from(vec![7; LARGE]))),
                "/stream" => {
                    let never = futures_util::stream::pending::<Result<_, tonic::Status>>();
                    Body::new(StreamBody::new(never))
                }
                _ => Body::empty(),
            };
            Ok::<_, Infallible>(http::Response::new(body))
        }))
    }

    /// A connection that is served, seen from its peer.
    struct Peered {
        io: Option<DuplexStream>,
        served: JoinHandle<Duration>,
        seat: Arc<Seat>,
        drain: CancellationToken,
    }

    fn connect(buffer: usize) -> Peered {
        let (here, io) = duplex(buffer);
        let peer = Peer(([127, 0, 0, 1], 9).into());
        let place = Places::new(1, 1, &Metrics::new()).take(Party::of(peer.0)).unwrap();
        let (seat, drain) = (Arc::clone(&place.seat), CancellationToken::new());
        let untaken = Shares::new(1 << 30, 1 << 30);
        let metrics = Metrics::new();
        let serving = Serving { apis: Apis::new(api()), drain: drain.clone(), untaken, metrics };
        let began = Instant::now();
        let served = tokio::spawn(async move {
            serving.serve(here, peer, place).await;
            began.elapsed()
        });
        Peered { io: Some(io), served, seat, drain }
    }

    type Sender = hyper::client::conn::http2::SendRequest<Empty<Bytes>>;

    impl Peered {
        /// Speaks HTTP/2 as a well-behaved client does.
        async fn http2(&mut self) -> Sender {
            let io = TokioIo::new(self.io.take().unwrap());
            let mut builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
            builder.timer(TokioTimer::new()).initial_stream_window_size(65_535);
            let (sender, connection) = builder.handshake(io).await.unwrap();
            tokio::spawn(connection);
            sender
        }
    }

    async fn call(sender: &mut Sender, path: &str) -> http::Response<hyper::body::Incoming> {
        let request = http::Request::builder().uri(format!("http://localhost{path}"));
        sender.send_request(request.body(Empty::new()).unwrap()).await.unwrap()
    }

    #[track_caller]
    fn assert_about(found: Duration, expected: Duration) {
        let most = expected + CLOSE_DURATION_MAX + Duration::from_millis(100);
        assert!((expected..most).contains(&found), "{found:?}");
    }

    /// TLS with a certificate of its own, in a directory.
    fn tls(dir: &std::path::Path, metrics: &Arc<Metrics>) -> Arc<Tls> {
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (certificate, key) = (dir.join("own.pem"), dir.join("own.key"));
        files::replace(&certificate, own.cert.pem().as_bytes()).unwrap();
        files::replace(&key, own.signing_key.serialize_pem().as_bytes()).unwrap();
        let tls_files = TlsFiles { certificate, key, client_ca: None, client_crl: Vec::new() };
        let others = Arc::new(|| true);
        Tls::start(tls_files, others, Arc::default(), Arc::clone(metrics)).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_tls_handshake_that_is_not_finished_in_time_ends_its_connection() {
        let (dir, metrics) = (tempfile::tempdir().unwrap(), Metrics::new());
        let tls = tls(dir.path(), &metrics);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let half = [&[0x16, 0x03, 0x01, 0x00, 0xc8, 0x01, 0x00, 0x00][..], &[]];
        for said in half {
            let address = listener.local_addr().unwrap();
            let mut silent = TcpStream::connect(address).await.unwrap();
            silent.write_all(said).await.unwrap();
            let (stream, peer) = listener.accept().await.unwrap();
            let place = Places::new(1, 1, &metrics).take(Party::of(peer)).unwrap();
            let serving = Serving {
                apis: Apis::new(api()),
                drain: CancellationToken::new(),
                untaken: Shares::new(1 << 30, 1 << 30),
                metrics: Arc::clone(&metrics),
            };
            let began = Instant::now();
            serving.serve_tls(Arc::clone(&tls), stream, Peer(peer), place).await;
            assert_about(began.elapsed(), HANDSHAKE_DURATION_MAX);
            drop(silent);
        }
        assert_eq!(metrics.tls_handshakes_total.with(["late"]).get(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_preface_that_does_not_come_in_time_ends_its_connection() {
        let silent = connect(1_024);
        assert_about(silent.served.await.unwrap(), HANDSHAKE_DURATION_MAX);
        let mut half = connect(1_024);
        half.io.as_mut().unwrap().write_all(b"PRI * HTT").await.unwrap();
        assert_about(half.served.await.unwrap(), HANDSHAKE_DURATION_MAX);
        // One byte a second, and the head of an HTTP/1.1 request that never ends.
        for text in ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "POST / HTTP/1.1\r\nhost: localhost\r\n"] {
            let mut slow = connect(1_024);
            let mut io = slow.io.take().unwrap();
            let drip = tokio::spawn(async move {
                for byte in text.bytes() {
                    sleep(Duration::from_secs(1)).await;
                    if io.write_all(&[byte]).await.is_err() {
                        return;
                    }
                }
                sleep(Duration::from_secs(3_600)).await;
            });
            let ended = slow.served.await.unwrap();
            assert!(ended <= HANDSHAKE_DURATION_MAX + Duration::from_secs(2), "{ended:?}");
            drip.abort();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_ends_and_one_with_a_stream_does_not() {
        let mut idle = connect(64 * 1024);
        let mut sender = idle.http2().await;
        sleep(CONNECTION_IDLE_MAX / 2).await;
        call(&mut sender, "/").await;
        let ended = idle.served.await.unwrap();
        assert_about(ended, CONNECTION_IDLE_MAX / 2 + CONNECTION_IDLE_MAX);
        assert!(sender.is_closed());

        let mut subscriber = connect(64 * 1024);
        let mut sender = subscriber.http2().await;
        let stream = call(&mut sender, "/stream").await;
        sleep(3 * CONNECTION_IDLE_MAX).await;
        assert!(!subscriber.served.is_finished());
        let before = Instant::now();
        drop(stream);
        subscriber.served.await.unwrap();
        assert_about(before.elapsed(), CONNECTION_IDLE_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_not_taken_ends_and_its_connection_stays() {
        let mut stuck = connect(64 * 1024);
        let mut sender = stuck.http2().await;
        let before = Instant::now();
        let answer = call(&mut sender, "/large").await;
        while stuck.seat.has_calls() {
            sleep(Duration::from_millis(100)).await;
        }
        assert_about(before.elapsed(), ANSWER_STALL_MAX);
        answer.into_body().collect().await.expect_err("the rest was dropped");
        assert_eq!(call(&mut sender, "/").await.status(), http::StatusCode::OK);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_taken_slowly_comes_whole() {
        let mut slow = connect(64 * 1024);
        let mut sender = slow.http2().await;
        let mut body = call(&mut sender, "/large").await.into_body();
        let (mut bytes, mut pauses) = (0, 0);
        while let Some(frame) = body.frame().await {
            bytes += frame.unwrap().into_data().unwrap().len();
            if bytes / ANSWER_STALL_PIECES > pauses {
                pauses += 1;
                sleep(ANSWER_STALL_MAX - Duration::from_secs(5)).await;
            }
        }
        assert_eq!(bytes, LARGE);
        assert!(pauses > 10);
    }

    /// Bytes that the slow reader takes between two pauses.
    const ANSWER_STALL_PIECES: usize = 66 * 1024;

    #[tokio::test(start_paused = true)]
    async fn a_socket_that_is_never_read_is_closed() {
        let mut stuck = connect(1_024);
        let io = stuck.io.as_mut().unwrap();
        io.write_all(b"GET /large HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        assert_about(stuck.served.await.unwrap(), ANSWER_STALL_MAX);
        let mut left = Vec::new();
        stuck.io.unwrap().read_to_end(&mut left).await.unwrap();
        assert!(left.len() <= 1_024);
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_gives_up_its_place_at_once() {
        let mut idle = connect(64 * 1024);
        let mut sender = idle.http2().await;
        call(&mut sender, "/").await;
        idle.seat.leave.cancel();
        assert!(idle.served.await.unwrap() <= PLACE_LEAVE_PAUSE * 3);
        assert!(sender.is_closed());
        // A peer that answers nothing cannot stay either, nor one that is still silent.
        let silent = connect(1_024);
        silent.seat.leave.cancel();
        assert!(silent.served.await.unwrap() <= PLACE_LEAVE_PAUSE * 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_drain_waits_for_calls_and_not_for_peers_that_do_not_answer() {
        let mut mute = connect(64 * 1024);
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        mute.io.as_mut().unwrap().write_all(preface).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        mute.drain.cancel();
        assert_about(mute.served.await.unwrap(), Duration::from_secs(1) + CLOSE_DURATION_MAX);

        let mut busy = connect(64 * 1024);
        let mut sender = busy.http2().await;
        let stream = call(&mut sender, "/stream").await;
        busy.drain.cancel();
        sleep(Duration::from_secs(20)).await;
        assert!(!busy.served.is_finished(), "the server's own deadline ends it");
        drop(stream);
        busy.served.await.unwrap();
    }
}
