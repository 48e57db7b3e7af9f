//! A writer of lines that never makes its caller wait: a thread of its own writes them, from a
//! queue with a bound. A line that finds the queue full is dropped and counted.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError},
    },
    thread,
    time::Duration,
};

use crate::{
    ledger::clock::Clock as _,
    limits::{LOG_FLUSH_POLL, LOG_LINE_BYTES_MAX, LOG_LINES_MAX},
    server::clock::SystemClock,
};

enum Job {
    Line(Box<[u8]>),
    /// Answered when everything before it is written.
    Finish(mpsc::Sender<()>),
}

/// The way to the thread that writes.
#[derive(Clone)]
pub(super) struct Lines {
    queue: SyncSender<Job>,
    dropped: Arc<AtomicU64>,
}

impl Lines {
    /// Starts the thread. It calls `report` about once in each `interval` with the number of lines
    /// dropped since the last call.
    pub(super) fn start(
        out: Box<dyn Write + Send>,
        interval: Duration,
        report: fn(u64),
    ) -> io::Result<Self> {
        let (queue, jobs) = mpsc::sync_channel(LOG_LINES_MAX);
        let dropped = Arc::new(AtomicU64::new(0));
        let of_thread = Arc::clone(&dropped);
        let run = move || write_lines(out, &jobs, interval, &of_thread, report);
        thread::Builder::new().name("tidu-log".into()).spawn(run)?;
        Ok(Self { queue, dropped })
    }

    /// Sends a line, which must end with a line break. A longer one than is allowed is cut.
    pub(super) fn send(&self, line: &[u8]) {
        let line = match line.get(..LOG_LINE_BYTES_MAX) {
            Some(cut) if cut.len() < line.len() => [cut, b"\n"].concat(),
            _ => line.to_vec(),
        };
        if self.queue.try_send(Job::Line(line.into())).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until all lines so far are written, for at most this long.
    pub(super) fn finish(&self, limit: Duration) {
        let (written, is_written) = mpsc::channel();
        let (clock, mut job) = (SystemClock::new(), Job::Finish(written));
        // A queue that is full has room once a line is written.
        while let Err(TrySendError::Full(refused)) = self.queue.try_send(job) {
            if clock.monotonic() >= limit {
                return;
            }
            job = refused;
            thread::sleep(LOG_FLUSH_POLL);
        }
        let _ = is_written.recv_timeout(limit.saturating_sub(clock.monotonic()));
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// A log line comes in one write.
impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.send(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_lines(
    mut out: Box<dyn Write + Send>,
    jobs: &Receiver<Job>,
    interval: Duration,
    dropped: &AtomicU64,
    report: fn(u64),
) {
    let clock = SystemClock::new();
    let (mut reported, mut reported_at) = (0, Duration::ZERO);
    loop {
        match jobs.recv_timeout(interval) {
            // A line that cannot be written is lost. There is nobody to tell.
            Ok(Job::Line(line)) => drop(out.write_all(&line)),
            Ok(Job::Finish(written)) => drop((out.flush(), written.send(()))),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let now = clock.monotonic();
        if now.saturating_sub(reported_at) >= interval {
            let so_far = dropped.load(Ordering::Relaxed);
            report(so_far - reported);
            (reported, reported_at) = (so_far, now);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use parking_lot::Mutex;

    use super::*;

    /// A pipe that nobody reads until the test does.
    struct Pipe {
        entered: mpsc::Sender<()>,
        taken: Mutex<Receiver<()>>,
        written: mpsc::Sender<Vec<u8>>,
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.entered.send(());
            let _ = self.taken.lock().recv();
            let _ = self.written.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_takes_nothing_costs_lines_and_no_time() {
        let (entered, enters) = mpsc::channel();
        let (take, taken) = mpsc::channel();
        let (written, lines_out) = mpsc::channel();
        let pipe = Pipe { entered, taken: Mutex::new(taken), written };
        let lines = Lines::start(Box::new(pipe), Duration::from_secs(3_600), |_| {}).unwrap();
        lines.send(b"first\n");
        enters.recv().unwrap();
        for _ in 0..LOG_LINES_MAX {
            lines.send(b"queued\n");
        }
        assert_eq!(lines.dropped(), 0, "the queue is full");
        for _ in 0..3 {
            lines.send(b"one past it\n");
        }
        assert_eq!(lines.dropped(), 3);
        // Nothing can be finished, and the wait for it ends.
        lines.finish(Duration::from_millis(1));

        // The reader takes everything, and the end waits for room in the queue.
        let at_end = lines.clone();
        let end = thread::spawn(move || at_end.finish(Duration::from_secs(3_600)));
        drop(take);
        end.join().unwrap();
        let all: Vec<_> = lines_out.try_iter().collect();
        assert_eq!(all.len(), LOG_LINES_MAX + 1);
        assert_eq!((all[0].as_slice(), all[1].as_slice()), (&b"first\n"[..], &b"queued\n"[..]));
        lines.send(b"last\n");
        lines.finish(Duration::from_secs(3_600));
        assert_eq!(lines_out.recv().unwrap(), b"last\n");
    }

    #[test]
    fn a_line_has_a_bound() {
        let (written, lines_out) = mpsc::channel();
        let pipe =
            Pipe { entered: mpsc::channel().0, taken: Mutex::new(mpsc::channel().1), written };
        let lines = Lines::start(Box::new(pipe), Duration::from_secs(3_600), |_| {}).unwrap();
        for length in [LOG_LINE_BYTES_MAX, LOG_LINE_BYTES_MAX + 1] {
            lines.send(&vec![b'x'; length]);
        }
        assert_eq!(lines_out.recv().unwrap(), vec![b'x'; LOG_LINE_BYTES_MAX]);
        let cut = lines_out.recv().unwrap();
        assert_eq!((cut.len(), cut.last()), (LOG_LINE_BYTES_MAX + 1, Some(&b'\n')));
    }
}
