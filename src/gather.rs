//! Answers that are ready together leave together.
//!
//! A flush of the log answers many callers at once, and many of them share a connection. Left alone, a connection writes
//! as soon as the first of its answers is there: a system call, a packet and a wake-up of the peer for each. A [`Gather`]
//! lets everything that is ready run once before it writes, if what there is to write is small. With nothing else to run
//! that costs a turn of the scheduler; it is no delay by time.

use std::{
    io::{self, IoSlice},
    pin::{Pin, pin},
    task::{Context, Poll},
};

use hyper::rt::{Read, ReadBufCursor, Write};

use crate::domain::limits::GATHER_BYTES_MAX;

/// A connection that gathers small writes.
pub(crate) struct Gather<T> {
    inner: T,
    /// It has let the others run since it last had nothing to write.
    has_waited: bool,
}

impl<T> Gather<T> {
    pub(crate) fn new(inner: T) -> Self {
        Self { inner, has_waited: false }
    }

    /// True if others run first; the task comes again after them.
    fn waits(&mut self, bytes: usize, context: &mut Context<'_>) -> bool {
        if self.has_waited || bytes > GATHER_BYTES_MAX {
            return false;
        }
        self.has_waited = true;
        pin!(tokio::task::yield_now()).poll(context).is_pending()
    }
}

impl<T: Read + Unpin> Read for Gather<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<T: Write + Unpin> Write for Gather<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.waits(buffer.len(), context) {
            return Poll::Pending;
        }
        Pin::new(&mut self.inner).poll_write(context, buffer)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.waits(buffers.iter().map(|buffer| buffer.len()).sum(), context) {
            return Poll::Pending;
        }
        Pin::new(&mut self.inner).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Everything was written: what comes next is gathered anew.
        self.has_waited = false;
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::task::Waker;

    use super::*;

    /// Takes everything, and notes how much came at once.
    #[derive(Default)]
    struct Written(Vec<usize>);

    impl Write for Written {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _context: &mut Context<'_>,
            buffer: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.0.push(buffer.len());
            Poll::Ready(Ok(buffer.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[test]
    fn a_small_write_waits_once_until_the_next_flush_and_a_large_one_never() {
        let mut connection = Gather::new(Written::default());
        let mut context = Context::from_waker(Waker::noop());
        let mut write = |bytes: usize, flushes: bool| {
            let mut connection = Pin::new(&mut connection);
            let written = connection.as_mut().poll_write(&mut context, &vec![0; bytes]);
            if flushes {
                assert!(connection.poll_flush(&mut context).is_ready());
            }
            written.is_ready()
        };
        assert!(!write(10, false), "others run first");
        assert!(write(10, false), "then it is written");
        assert!(write(20, true), "and what belongs to it at once");
        assert!(!write(30, false), "what comes after is gathered anew");
        assert!(write(30, true));
        assert!(write(GATHER_BYTES_MAX + 1, false));
        assert_eq!(connection.inner.0, [10, 20, 30, GATHER_BYTES_MAX + 1]);
    }

    #[tokio::test]
    async fn whoever_waits_is_woken_when_the_others_have_run() {
        let mut connection = Gather::new(Written::default());
        let write =
            |context: &mut Context<'_>| Pin::new(&mut connection).poll_write(context, b"an answer");
        assert_eq!(std::future::poll_fn(write).await.unwrap(), 9);
    }
}
