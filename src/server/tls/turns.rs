//! Handshakes compute on one thread of their own, so that a flood of them takes at most one
//! processor. The parties take turns: whoever opens many connections waits for itself.
//!
//! A turn is one poll of a handshake: a few signatures at most. The sockets stay with the runtime,
//! which wakes a handshake when its peer has said something; only the computing is here.

use std::{
    collections::{HashMap, VecDeque},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Wake, Waker},
    thread,
};

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use crate::domain::Party;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The thread, until dropped.
pub(super) struct Turns {
    line: Arc<Line>,
}

/// Handshakes that can go on, by party.
#[derive(Default)]
struct Line {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    /// Parties with a handshake in the line, in the order of their turns.
    parties: VecDeque<Party>,
    jobs: HashMap<Party, VecDeque<Arc<Job>>>,
    is_over: bool,
}

/// One handshake.
struct Job {
    party: Party,
    line: Arc<Line>,
    /// Only the thread takes the lock.
    work: Mutex<Option<Work>>,
    is_in_line: AtomicBool,
    is_given_up: AtomicBool,
}

/// Gives a handshake up when dropped. The thread drops it, with its socket.
struct GiveUp(Arc<Job>);

impl Turns {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system has none.
    pub(super) fn start() -> io::Result<Self> {
        let line = Arc::<Line>::default();
        let taken = Arc::clone(&line);
        thread::Builder::new().name("tidu-handshakes".into()).spawn(move || {
            while let Some(job) = taken.next() {
                job.take_turn();
            }
        })?;
        Ok(Self { line })
    }

    /// Runs a handshake of a party, turn by turn. It is given up if this is dropped. `None` if it
    /// panicked, or if the thread ends.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        party: Party,
        handshake: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let (tell, told) = oneshot::channel();
        let work = async move {
            // Whoever waited may have given up.
            let _ = tell.send(handshake.await);
        };
        let job = Arc::new(Job {
            party,
            line: Arc::clone(&self.line),
            work: Mutex::new(Some(Box::pin(work))),
            is_in_line: AtomicBool::new(false),
            is_given_up: AtomicBool::new(false),
        });
        Arc::clone(&job).wake();
        let _given_up_at_the_end = GiveUp(job);
        told.await.ok()
    }
}

impl Drop for Turns {
    fn drop(&mut self) {
        let mut waiting = self.line.waiting.lock();
        waiting.is_over = true;
        waiting.parties.clear();
        waiting.jobs.clear();
        self.line.changed.notify_all();
    }
}

impl Drop for GiveUp {
    fn drop(&mut self) {
        self.0.is_given_up.store(true, Ordering::Release);
        Arc::clone(&self.0).wake();
    }
}

impl Line {
    /// The next handshake that can go on. Waits for one; `None` at the end.
    fn next(&self) -> Option<Arc<Job>> {
        let mut waiting = self.waiting.lock();
        loop {
            if waiting.is_over {
                return None;
            }
            if let Some(job) = waiting.next() {
                return Some(job);
            }
            self.changed.wait(&mut waiting);
        }
    }
}

impl Waiting {
    fn push(&mut self, job: Arc<Job>) {
        let jobs = self.jobs.entry(job.party).or_default();
        if jobs.is_empty() {
            self.parties.push_back(job.party);
        }
        jobs.push_back(job);
    }

    /// The first handshake of the party whose turn it is.
    fn next(&mut self) -> Option<Arc<Job>> {
        let party = self.parties.pop_front()?;
        let jobs = self.jobs.get_mut(&party)?;
        let job = jobs.pop_front();
        if jobs.is_empty() {
            self.jobs.remove(&party);
        } else {
            self.parties.push_back(party);
        }
        job
    }
}

impl Wake for Job {
    fn wake(self: Arc<Self>) {
        if self.is_in_line.swap(true, Ordering::AcqRel) {
            return;
        }
        let line = Arc::clone(&self.line);
        let mut waiting = line.waiting.lock();
        if !waiting.is_over {
            waiting.push(self);
            line.changed.notify_one();
        }
    }
}

impl Job {
    fn take_turn(self: Arc<Self>) {
        // A wake-up during the turn leads to another one.
        self.is_in_line.store(false, Ordering::Release);
        let mut work = self.work.lock();
        if self.is_given_up.load(Ordering::Acquire) {
            *work = None;
            return;
        }
        let Some(handshake) = work.as_mut() else { return };
        let waker = Waker::from(Arc::clone(&self));
        let poll = || handshake.as_mut().poll(&mut Context::from_waker(&waker)).is_pending();
        // A fault in one handshake must not end those of all others.
        if !catch_unwind(AssertUnwindSafe(poll)).unwrap_or(false) {
            *work = None;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{
        future::{pending, poll_fn},
        sync::{atomic::AtomicUsize, mpsc},
        task::Poll,
    };

    use super::*;

    fn party(host: u8) -> Party {
        Party::of(([192, 0, 2, host], 9).into())
    }

    /// Takes so many turns, with a note of each.
    async fn turns(count: usize, note: impl Fn()) {
        for _ in 0..count {
            note();
            let mut is_over = false;
            poll_fn(|context| {
                if std::mem::replace(&mut is_over, true) {
                    return Poll::Ready(());
                }
                context.waker().wake_by_ref();
                Poll::Pending
            })
            .await;
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn never_do_two_handshakes_compute_at_once() {
        let turns_of = Arc::new(Turns::start().unwrap());
        let (computing, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let run = |host| {
            let (turns_of, computing, most) =
                (Arc::clone(&turns_of), Arc::clone(&computing), Arc::clone(&most));
            tokio::spawn(async move {
                let note = move || {
                    most.fetch_max(1 + computing.fetch_add(1, Ordering::SeqCst), Ordering::SeqCst);
                    thread::yield_now();
                    computing.fetch_sub(1, Ordering::SeqCst);
                };
                turns_of.run(party(host), turns(50, note)).await
            })
        };
        for handshake in (0..40).map(run).collect::<Vec<_>>() {
            assert_eq!(handshake.await.unwrap(), Some(()));
        }
        assert_eq!(most.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn parties_take_turns_however_many_handshakes_one_has() {
        let line = Arc::<Line>::default();
        let job = |host| {
            Arc::new(Job {
                party: party(host),
                line: Arc::clone(&line),
                work: Mutex::default(),
                is_in_line: AtomicBool::new(false),
                is_given_up: AtomicBool::new(false),
            })
        };
        for host in [7, 7, 7, 7, 8, 9] {
            job(host).wake();
        }
        let jobs: Vec<_> = (0..6).map(|_| line.next().unwrap().party).collect();
        assert_eq!(jobs, [7, 8, 9, 7, 7, 7].map(party));
    }

    #[tokio::test]
    async fn a_handshake_that_is_given_up_is_dropped_and_a_panic_ends_only_its_own() {
        let turns_of = Turns::start().unwrap();
        let (dropped, is_dropped) = mpsc::channel::<()>();
        let handshake = async move {
            let _dropped = dropped;
            pending::<()>().await;
        };
        {
            let mut given_up = std::pin::pin!(turns_of.run(party(7), handshake));
            poll_fn(|context| {
                assert!(given_up.as_mut().poll(context).is_pending());
                Poll::Ready(())
            })
            .await;
        }
        assert!(is_dropped.recv().is_err(), "its socket is closed");
        let faulty = turns_of.run(party(7), async { panic!("a planted fault") });
        assert_eq!(faulty.await, None::<()>);
        assert_eq!(turns_of.run(party(7), async { 3 }).await, Some(3));
    }
}
