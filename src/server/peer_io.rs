//! The socket of a peer: reads its first bytes to tell the protocol, gives them to the protocol
//! again, and ends if the peer takes nothing of what is written. The end of the peer's own side is
//! held back (half_close.rs).
//!
//! After a few reads it lets every other ready task run. A peer that sends without end would
//! otherwise be read up to megabytes in one turn, and so would each of a hundred others.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite},
    time::{Instant, Sleep, sleep_until},
};

use super::{half_close::HalfOpen, places::Seat, tls::HANDSHAKE_RECORD};
use crate::limits::{ANSWER_STALL_MAX, READS_OF_TURN_MAX};

/// The first bytes of every HTTP/2 connection.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The protocol of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Http1,
    Http2,
    /// Not HTTP: the peer begins a TLS handshake.
    Tls,
}

/// A socket, with the bytes that were read to tell its protocol.
pub(super) struct PeerIo<I> {
    io: TokioIo<HalfOpen<I>>,
    first: Bytes,
    /// Reads since the last one that had to wait.
    reads: usize,
    /// Runs while the peer takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<I: AsyncRead + AsyncWrite + Unpin> PeerIo<I> {
    /// Reads until the protocol is known: the whole preface of HTTP/2, or the first byte that
    /// differs from it. `None` if the peer says nothing and closes.
    pub(super) async fn open(mut io: I, seat: Arc<Seat>) -> io::Result<Option<(Version, Self)>> {
        let mut first = Vec::with_capacity(PREFACE.len());
        let version = loop {
            if first == PREFACE {
                break Version::Http2;
            }
            if !PREFACE.starts_with(&first) {
                let is_tls = first.first() == Some(&HANDSHAKE_RECORD);
                break if is_tls { Version::Tls } else { Version::Http1 };
            }
            let left = PREFACE.len() - first.len();
            if (&mut io).take(left as u64).read_buf(&mut first).await? == 0 {
                return Ok(None);
            }
        };
        let io = TokioIo::new(HalfOpen::new(io, seat));
        Ok(Some((version, Self { io, first: first.into(), reads: 0, stalled: None })))
    }
}

impl<I> PeerIo<I> {
    /// Notes if the peer took something. Fails once it has taken nothing for too long.
    fn watch<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self
            .stalled
            .get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + ANSWER_STALL_MAX)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer takes nothing")))
    }
}

impl<I: AsyncRead + Unpin> Read for PeerIo<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.first.is_empty() {
            if self.reads == READS_OF_TURN_MAX {
                self.reads = 0;
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            let read = Pin::new(&mut self.io).poll_read(context, buffer);
            self.reads = if read.is_pending() { 0 } else { self.reads + 1 };
            return read;
        }
        let room = self.first.len().min(buffer.remaining());
        buffer.put_slice(self.first.get(..room).unwrap_or_default());
        self.first.advance(room);
        Poll::Ready(Ok(()))
    }
}

impl<I: AsyncWrite + Unpin> Write for PeerIo<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(context, buffer);
        self.watch(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(context, buffers);
        self.watch(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(context);
        self.watch(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.io).poll_shutdown(context);
        self.watch(context, shut)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::future::poll_fn;

    use hyper::rt::ReadBuf;
    use tokio::io::AsyncWriteExt as _;

    use super::*;
    use crate::{domain::Party, metrics::Metrics, server::places::Places};

    #[tokio::test]
    async fn a_peer_that_sends_without_end_lets_others_run() {
        let sent = [PREFACE.as_slice(), &[7; 96 * READS_OF_TURN_MAX]].concat();
        let (mut peer, here) = tokio::io::duplex(sent.len());
        peer.write_all(&sent).await.unwrap();
        let place = Places::new(1, 1, &Metrics::new()).take(Party::Server).unwrap();
        let opened = PeerIo::open(here, Arc::clone(&place.seat)).await;
        let (version, mut io) = opened.unwrap().unwrap();
        assert_eq!(version, Version::Http2);
        let (mut in_turn, mut turns, mut left) = (0, Vec::new(), sent.len());
        poll_fn(|context| {
            let mut bytes = [0; 32];
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut io).poll_read(context, buffer.unfilled()) {
                Poll::Ready(read) => {
                    read.unwrap();
                    (left, in_turn) = (left - buffer.filled().len(), in_turn + 1);
                    context.waker().wake_by_ref();
                }
                Poll::Pending => turns.push(std::mem::take(&mut in_turn)),
            }
            if left == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        // The preface is read before the first turn.
        assert_eq!(turns, [READS_OF_TURN_MAX + 1, READS_OF_TURN_MAX]);
    }
}
