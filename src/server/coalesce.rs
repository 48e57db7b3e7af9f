//! Write coalescing: joins small writes of one connection into one system call.
//!
//! A flush of the log answers many callers and wakes many streams at once, and many of them share a
//! connection. HTTP/2 alone would write as soon as the first of them is ready: a system call, a
//! packet and a wake-up of the peer for each. [`CoalescingIo`] buffers small writes, yields once to
//! all ready tasks, and then writes the buffer in one call. A large write, and the write that
//! completes it, go out at once. The cost is one turn of the scheduler, not a delay by time.
//!
//! So a flush of a `CoalescingIo` does not promise that the bytes were written: the task is woken
//! again to write them.

use std::{
    io::{self, IoSlice},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker, ready},
};

use hyper::rt::{Read, ReadBufCursor, Write};

use crate::limits::{COALESCE_BYTES_MAX, COALESCE_WRITE_BYTES_MAX};

/// A connection that coalesces small writes.
pub(crate) struct CoalescingIo<T> {
    inner: T,
    held: Vec<u8>,
    /// Pending yield: set while buffered bytes wait for other ready tasks.
    turn: Option<Arc<Turn>>,
    /// The last write was large, so the next may be the rest of the same message.
    after_large: bool,
}

/// One yield to all ready tasks. The connection's task is woken at its end.
struct Turn {
    is_over: AtomicBool,
    task: Waker,
}

impl Turn {
    fn begin(context: &Context<'_>) -> Arc<Self> {
        let turn =
            Arc::new(Self { is_over: AtomicBool::new(false), task: context.waker().clone() });
        let waker = Waker::from(Arc::clone(&turn));
        // The yield wakes this turn and not the task, because others may wake the task earlier.
        if pin!(tokio::task::yield_now()).poll(&mut Context::from_waker(&waker)).is_ready() {
            turn.is_over.store(true, Ordering::Relaxed);
        }
        turn
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }
}

impl Wake for Turn {
    fn wake(self: Arc<Self>) {
        self.is_over.store(true, Ordering::Release);
        self.task.wake_by_ref();
    }
}

impl<T> CoalescingIo<T> {
    pub(crate) fn new(inner: T) -> Self {
        Self { inner, held: Vec::new(), turn: None, after_large: false }
    }
}

impl<T: Write + Unpin> CoalescingIo<T> {
    /// Writes the whole buffer.
    fn poll_held(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.held.is_empty() {
            match ready!(Pin::new(&mut self.inner).poll_write(context, &self.held))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => drop(self.held.drain(..written)),
            }
        }
        self.turn = None;
        // An idle connection keeps a small buffer.
        self.held.shrink_to(COALESCE_WRITE_BYTES_MAX);
        Poll::Ready(Ok(()))
    }
}

impl<T: Read + Unpin> Read for CoalescingIo<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<T: Write + Unpin> Write for CoalescingIo<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(buffer)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let bytes = buffers.iter().map(|buffer| buffer.len()).sum();
        let is_large = bytes > COALESCE_WRITE_BYTES_MAX;
        let leaves_at_once = is_large || self.after_large;
        if leaves_at_once || self.held.len() + bytes > COALESCE_BYTES_MAX {
            ready!(self.poll_held(context))?;
        }
        if leaves_at_once {
            let written = ready!(Pin::new(&mut self.inner).poll_write_vectored(context, buffers))?;
            self.after_large = is_large;
            return Poll::Ready(Ok(written));
        }
        buffers.iter().for_each(|buffer| self.held.extend_from_slice(buffer));
        Poll::Ready(Ok(bytes))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.held.is_empty() {
            let turn = self.turn.get_or_insert_with(|| Turn::begin(context));
            if !turn.is_over() {
                return Poll::Ready(Ok(()));
            }
            ready!(self.poll_held(context))?;
        }
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_held(context))?;
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::future::poll_fn;

    use super::*;

    const LARGE: usize = COALESCE_WRITE_BYTES_MAX + 1;

    /// Takes `room` bytes, and notes how much came at once.
    struct Written {
        room: usize,
        sizes: Vec<usize>,
    }

    impl Write for Written {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _context: &mut Context<'_>,
            buffer: &[u8],
        ) -> Poll<io::Result<usize>> {
            let taken = buffer.len().min(self.room);
            if taken == 0 {
                return Poll::Pending;
            }
            self.room -= taken;
            self.sizes.push(taken);
            Poll::Ready(Ok(taken))
        }

        fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    type Connection = CoalescingIo<Written>;

    fn connection(room: usize) -> Connection {
        CoalescingIo::new(Written { room, sizes: Vec::new() })
    }

    async fn write(connection: &mut Connection, bytes: usize) {
        let buffer = vec![0; bytes];
        let written = poll_fn(|context| Pin::new(&mut *connection).poll_write(context, &buffer));
        assert_eq!(written.await.unwrap(), bytes);
    }

    async fn flush(connection: &mut Connection) {
        poll_fn(|context| Pin::new(&mut *connection).poll_flush(context)).await.unwrap();
    }

    #[tokio::test]
    async fn small_writes_leave_as_one_when_everything_ready_has_run() {
        let mut connection = connection(usize::MAX);
        for bytes in [10, 20, 30] {
            write(&mut connection, bytes).await;
            flush(&mut connection).await;
        }
        assert!(connection.inner.sizes.is_empty(), "the other tasks have not run");
        tokio::task::yield_now().await;
        flush(&mut connection).await;
        assert_eq!(connection.inner.sizes, [60]);
        write(&mut connection, 40).await;
        flush(&mut connection).await;
        assert_eq!(connection.inner.sizes, [60], "later writes are coalesced anew");
    }

    #[tokio::test]
    async fn a_large_write_leaves_at_once_after_what_was_held_and_with_its_rest() {
        let mut connection = connection(usize::MAX);
        for bytes in [10, LARGE, 20, 30] {
            write(&mut connection, bytes).await;
            flush(&mut connection).await;
        }
        assert_eq!(connection.inner.sizes, [10, LARGE, 20]);
    }

    #[tokio::test]
    async fn no_more_is_held_than_the_bound() {
        let mut connection = connection(usize::MAX);
        for _ in 0..=COALESCE_BYTES_MAX / 1_000 {
            write(&mut connection, 1_000).await;
        }
        assert_eq!(connection.inner.sizes, [COALESCE_BYTES_MAX / 1_000 * 1_000]);
    }

    #[tokio::test]
    async fn what_is_held_is_written_before_the_end_though_the_peer_takes_it_in_parts() {
        let mut connection = connection(7);
        write(&mut connection, 10).await;
        let mut shutdown = poll_fn(|context| {
            let ended = Pin::new(&mut connection).poll_shutdown(context);
            if ended.is_pending() {
                connection.inner.room = 7;
                context.waker().wake_by_ref();
            }
            ended
        });
        (&mut shutdown).await.unwrap();
        assert_eq!(connection.inner.sizes, [7, 3]);
    }

    #[tokio::test]
    async fn a_connection_is_woken_to_write_what_it_holds() {
        let mut connection = connection(usize::MAX);
        write(&mut connection, 10).await;
        let written = poll_fn(|context| {
            assert!(Pin::new(&mut connection).poll_flush(context).is_ready());
            if connection.inner.sizes.is_empty() { Poll::Pending } else { Poll::Ready(()) }
        });
        written.await;
    }
}
