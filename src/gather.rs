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
