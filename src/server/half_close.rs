//! A peer that has ended its side of a connection: it says nothing more, and may still listen.
//!
//! Some clients close their side as soon as they have sent their request. hyper and h2 take that
//! end for the end of the connection, and drop answers on their way: which ones is a race. So the
//! end is held back until the peer has its answers. A peer that has gone altogether looks the same
//! at first, so only answers are waited for: not for requests that are cut short, nor for streams
//! that have nothing to say.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

use super::places::Seat;
use crate::limits::HALF_CLOSED_PAUSE_MAX;

/// A socket that holds the end of its peer back until the peer has its answers.
pub(super) struct HalfOpen<I> {
    io: I,
    seat: Arc<Seat>,
    end: Option<End>,
    /// True while the peer takes nothing of what is written.
    is_stuck: bool,
}

/// The end of a peer's side, held back.
struct End {
    /// When the end came, or the last bytes were written since.
    moved: Instant,
    /// Calls begun by the last look, if there was none to answer then.
    quiet: Option<u64>,
    timer: Pin<Box<Sleep>>,
}

impl<I> HalfOpen<I> {
    pub(super) fn new(io: I, seat: Arc<Seat>) -> Self {
        Self { io, seat, end: None, is_stuck: false }
    }

    /// Notes if the peer took something.
    fn note(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.is_stuck = written.is_pending();
        if let (Poll::Ready(Ok(1..)), Some(end)) = (&written, &mut self.end) {
            end.moved = Instant::now();
        }
        written
    }
}

impl End {
    fn new() -> Self {
        let moved = Instant::now();
        let timer = Box::pin(sleep_until(moved + HALF_CLOSED_PAUSE_MAX));
        Self { moved, quiet: None, timer }
    }

    /// Ready once the peer has its answers, and the connection may learn of its end.
    fn poll_over(&mut self, seat: &Seat, context: &mut Context<'_>) -> Poll<()> {
        let (calls, begun) = (seat.calls(), seat.begun());
        if calls == 0 {
            // A request may have been read and not begun, and an answer ended and not written. The
            // connection does both after this look and before the next.
            if self.quiet == Some(begun) {
                return Poll::Ready(());
            }
            self.quiet = Some(begun);
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.quiet = None;
        loop {
            let owes = seat.owed() > 0;
            if !owes && self.moved.elapsed() >= HALF_CLOSED_PAUSE_MAX {
                return Poll::Ready(());
            }
            ready!(self.timer.as_mut().poll(context));
            let from = if owes { Instant::now() } else { self.moved };
            self.timer.as_mut().reset(from + HALF_CLOSED_PAUSE_MAX);
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for HalfOpen<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.end.is_none() {
            let before = buffer.remaining();
            ready!(Pin::new(&mut this.io).poll_read(context, buffer))?;
            if buffer.remaining() < before || before == 0 {
                return Poll::Ready(Ok(()));
            }
        }
        // A write that waits wakes the connection once the peer takes something.
        match this.end.get_or_insert_with(End::new) {
            _ if this.is_stuck => Poll::Pending,
            end => end.poll_over(&this.seat, context).map(Ok),
        }
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for HalfOpen<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(context, buffer);
        self.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(context, buffers);
        self.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{convert::Infallible, time::Duration};

    use bytes::Bytes;
    use http_body_util::{BodyExt as _, Full, StreamBody};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
        sync::Notify,
        task::JoinHandle,
        time::sleep,
    };
    use tokio_util::sync::CancellationToken;
    use tonic::body::Body;
    use tower::{service_fn, util::BoxCloneSyncService};

    use super::*;
    use crate::{
        domain::Party,
        metrics::Metrics,
        server::{connection::Serving, places::Places, ports::Apis},
        service::{Api, Peer, Shares},
    };

    /// Answers once the test lets it; `/stream` with a stream that never says anything.
    fn api(gate: Arc<Notify>) -> Api {
        BoxCloneSyncService::new(service_fn(move |request: http::Request<Body>| {
            let gate = Arc::clone(&gate);
            async move {
                let (parts, body) = request.into_parts();
                let whole = body.collect().await.is_ok();
                if parts.uri.path() == "/stream" {
                    let never = futures_util::stream::pending::<Result<_, tonic::Status>>();
                    return Ok(http::Response::new(Body::new(StreamBody::new(never))));
                }
                gate.notified().await;
                let text = if whole { "the answer" } else { "cut short" };
                let body = Body::new(Full::new(Bytes::from_static(text.as_bytes())));
                Ok::<_, Infallible>(http::Response::new(body))
            }
        }))
    }

    /// A peer that has sent something and then ended its side.
    struct Peered {
        io: DuplexStream,
        served: JoinHandle<()>,
        gate: Arc<Notify>,
    }

    /// Everything is sent and the side ended before the server reads its first byte: the worst
    /// order there is.
    async fn half_closed(bytes: &[u8]) -> Peered {
        let (here, mut io) = duplex(64 * 1024);
        io.write_all(bytes).await.unwrap();
        io.shutdown().await.unwrap();
        let peer = Peer(([127, 0, 0, 1], 9).into());
        let place = Places::new(1, 1, &Metrics::new()).take(Party::of(peer.0)).unwrap();
        let gate = Arc::<Notify>::default();
        let serving = Serving {
            apis: Apis::new(api(Arc::clone(&gate))),
            drain: CancellationToken::new(),
            untaken: Shares::new(1 << 30, 1 << 30),
            metrics: Metrics::new(),
        };
        let served = tokio::spawn(serving.serve(here, peer, place));
        Peered { io, served, gate }
    }

    /// What the peer gets when its answer comes so late.
    async fn answer(bytes: &[u8], late: Duration) -> Vec<u8> {
        let Peered { mut io, served, gate } = half_closed(bytes).await;
        sleep(late).await;
        gate.notify_one();
        let mut answer = Vec::new();
        io.read_to_end(&mut answer).await.unwrap();
        served.await.unwrap();
        answer
    }

    const LATE: [Duration; 3] = [Duration::ZERO, Duration::from_millis(1), Duration::from_secs(25)];

    #[tokio::test(start_paused = true)]
    async fn a_client_of_http1_that_ends_its_side_gets_its_answer() {
        for request in [
            "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n",
            "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\n\r\nbody",
        ] {
            for late in LATE {
                let answer = answer(request.as_bytes(), late).await;
                assert!(answer.ends_with(b"the answer"), "{late:?}: {answer:?}");
            }
        }
    }

    /// The preface of HTTP/2, empty settings, and a request of two frames on stream 1.
    fn http2(path: &str, body: &[u8], end: bool) -> Vec<u8> {
        let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
        // POST, http, and the path and the authority as literals.
        let mut head = vec![0x83, 0x86, 0x04, u8::try_from(path.len()).unwrap()];
        head.extend(path.as_bytes());
        head.extend(b"\x01\x09localhost");
        let mut frame = |kind: u8, flags: u8, content: &[u8]| {
            bytes.extend([0, 0, u8::try_from(content.len()).unwrap(), kind, flags, 0, 0, 0, 1]);
            bytes.extend(content);
        };
        frame(1, 4, &head);
        frame(0, u8::from(end), body);
        bytes
    }

    /// The content of all DATA frames, and true if the last one ended the stream.
    fn data(mut answer: &[u8]) -> (Vec<u8>, bool) {
        let (mut found, mut ended) = (Vec::new(), false);
        while let [a, b, c, kind, flags, _, _, _, _, rest @ ..] = answer {
            let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
            if *kind == 0 {
                found.extend(&rest[..length]);
                ended = flags & 1 == 1;
            }
            answer = &rest[length..];
        }
        (found, ended)
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_of_http2_that_ends_its_side_gets_its_answer() {
        for late in LATE {
            let answer = answer(&http2("/", b"body", true), late).await;
            assert_eq!(data(&answer), (b"the answer".to_vec(), true), "{late:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_else_outlives_the_end_of_a_peer() {
        let began = Instant::now();
        for (bytes, most) in [
            (http2("/stream", b"", true), HALF_CLOSED_PAUSE_MAX),
            (http2("/", b"bo", false), HALF_CLOSED_PAUSE_MAX),
            (b"GET /stream HTTP/1.1\r\nhost: localhost\r\n\r\n".to_vec(), HALF_CLOSED_PAUSE_MAX),
            (b"GET / HTTP/1.1\r\nhost: loc".to_vec(), Duration::ZERO),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec(), Duration::ZERO),
        ] {
            let before = began.elapsed();
            let peered = half_closed(&bytes).await;
            // A request that is cut short is refused, whatever its handler makes of it.
            peered.gate.notify_one();
            peered.served.await.unwrap();
            let took = began.elapsed().checked_sub(before).unwrap();
            let room = Duration::from_millis(10);
            assert!(took >= most && took <= most + room, "{took:?} for {bytes:?}");
        }
    }
}
