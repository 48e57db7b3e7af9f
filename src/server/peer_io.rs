//! The socket of a peer: reads its first bytes to tell the protocol, gives them to the protocol
//! again, and ends if the peer takes nothing of what is written.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite},
    time::{Instant, Sleep, sleep_until},
};

use crate::limits::ANSWER_STALL_MAX;

/// The first bytes of every HTTP/2 connection.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The protocol of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Http1,
    Http2,
}

/// A socket, with the bytes that were read to tell its protocol.
pub(super) struct PeerIo<I> {
    io: TokioIo<I>,
    first: Bytes,
    /// Runs while the peer takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<I: AsyncRead + AsyncWrite + Unpin> PeerIo<I> {
    /// Reads until the protocol is known: the whole preface of HTTP/2, or the first byte that
    /// differs from it. `None` if the peer says nothing and closes.
    pub(super) async fn open(mut io: I) -> io::Result<Option<(Version, Self)>> {
        let mut first = Vec::with_capacity(PREFACE.len());
        let version = loop {
            if first == PREFACE {
                break Version::Http2;
            }
            if !PREFACE.starts_with(&first) {
                break Version::Http1;
            }
            let left = PREFACE.len() - first.len();
            if (&mut io).take(left as u64).read_buf(&mut first).await? == 0 {
                return Ok(None);
            }
        };
        Ok(Some((version, Self { io: TokioIo::new(io), first: first.into(), stalled: None })))
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
            return Pin::new(&mut self.io).poll_read(context, buffer);
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
