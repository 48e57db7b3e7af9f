//! The ledger: the one writer and the read side.
//!
//! A [`Ledger`] takes proposals and gives them positions. Three threads of control work in turn, and none waits for the
//! next:
//!
//! ```text
//! writer.rs    repeat? → decide.rs: judge, stage, encode, seal (state.rs) → the open group (group.rs)
//! flusher.rs   one durable append of the whole group
//! publish.rs   the durable size moves → reply
//! ```
//!
//! No reader ever sees past the durable size, and no reply is sent before it has moved. After a failed or overdue flush
//! nothing is acknowledged: the process ends.
//!
//! Lock order, outermost first: the open group (`GroupCommit`), the waiting streams (`Waiters`), the register
//! (`State`), `Shared::written`. A thread that holds one takes only later ones.

pub mod audit;
pub mod clock;
pub mod decide;
pub mod digest;
mod flusher;
mod group;
mod publish;
mod read;
mod rebuild;
mod requests;
pub mod state;
mod tail;
mod task;
mod waiters;
mod writer;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use self::{
    clock::Clock, group::Reached, state::RegisterReader, tail::TailCache, waiters::Waiters,
    writer::Job,
};
pub use self::{
    read::ReadError,
    task::{TaskEnded, run_blocking},
    waiters::Waiter as Sleeper,
};
use crate::{
    domain::{DesigneeId, Principal, catalogue::Catalogue, event::Event, fault::Fault},
    limits::{LOG_EVENTS_MAX, QUEUE_BYTES_MAX, QUEUE_COMMITS_MAX},
    log::{CommitLog, LogError},
    merkle::Hash,
    protocol::event::Proposed,
    register::Change,
};

/// Called once when the ledger can no longer keep its promises; must end the process or stop serving.
pub type OnFailure = Box<dyn Fn(&str) + Send + Sync>;

/// How far the log has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Durable {
    /// Number of durable events.
    pub size: u64,
    /// Merkle root over them.
    pub root: Hash,
    /// Number of designees with at least one of them.
    pub designees: usize,
    /// Microseconds since 1970 at which the last commit was recorded; none for an empty log.
    pub recorded_micros: Option<i64>,
}

/// What a ledger needs from outside.
pub struct Parts {
    /// Where events are kept.
    pub log: Arc<dyn CommitLog>,
    /// Size and root that the log must have had, from its high-water mark.
    pub expected: Option<(u64, Hash)>,
    /// The catalogue in use.
    pub catalogue: Arc<Catalogue>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Told when nothing more can be promised.
    pub on_failure: OnFailure,
}

/// An event to be recorded: as the rules see it, and encoded.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// Its index in the caller's request.
    pub index: usize,
    /// For the rules.
    pub event: Event,
    /// The encoded event, which becomes part of the leaf.
    pub body: Bytes,
}

impl Proposal {
    /// A proposed event at its index in the caller's request.
    #[must_use]
    pub fn new(index: usize, proposed: Proposed) -> Self {
        Self { index, event: proposed.event, body: proposed.body }
    }
}

/// Events to be recorded together.
#[derive(Debug)]
pub struct Commit {
    /// The events.
    pub proposals: Vec<Proposal>,
    /// Names the request for ever, with the digest of its content.
    pub request: Option<(Bytes, Hash)>,
    /// Must hold at the moment of recording.
    pub precondition: Option<Precondition>,
    /// Decide only.
    pub validate_only: bool,
    /// Who records.
    pub recorded_by: Principal,
}

/// A condition on the log.
#[derive(Clone, Debug)]
pub enum Precondition {
    /// It has this size.
    LogSize(u64),
    /// The designees have these versions.
    Versions(Vec<(DesigneeId, u64)>),
}

/// The answer to a commit.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// Position of the first event.
    pub first: u64,
    /// One more than the position of the last.
    pub next: u64,
    /// When it was recorded, in microseconds since 1970; none if it was only decided.
    pub recorded_micros: Option<i64>,
    /// It had been recorded before.
    pub replayed: bool,
    /// What deserves a look.
    pub warnings: Vec<Fault>,
    /// Why it would be rejected, if it was only decided.
    pub rejections: Vec<Fault>,
    /// What it would change, with the index of the event, if it was only decided.
    pub changes: Vec<(usize, Change)>,
}

/// Why a commit was not recorded. Nothing of it was, except for [`Refusal::Unknown`].
#[derive(Clone, Debug, thiserror::Error)]
pub enum Refusal {
    /// The rules say no.
    #[error("rejected by the rules")]
    Rejected(Vec<Fault>),
    /// The log has another size than the precondition says.
    #[error("the log has {found} events, not {expected}")]
    SizeMoved {
        /// Size of the log.
        found: u64,
        /// Size that the precondition names.
        expected: u64,
    },
    /// Something was recorded about a designee since its version.
    #[error("designee {designee} has version {found}, not {expected}")]
    VersionMoved {
        /// Which designee.
        designee: String,
        /// Its version.
        found: u64,
        /// The version that the precondition names.
        expected: u64,
    },
    /// The request id was used with other content.
    #[error("the request id was used with other content, for the commit at position {first}")]
    RequestReused {
        /// The request id.
        id: String,
        /// Position of that commit.
        first: u64,
    },
    /// More is waiting than the server takes on.
    #[error("more is waiting to be recorded than the server takes on")]
    QueueFull,
    /// The log has as many events as it can have.
    #[error("the log is full: it holds at most {LOG_EVENTS_MAX} events")]
    LogFull,
    /// The ledger is closing.
    #[error("the server is going down")]
    Draining,
    /// The clock is not to be trusted.
    #[error("{0}")]
    Clock(String),
    /// The log failed: whether the commit is durable is not known.
    #[error("the log failed; whether the commit was recorded is not known")]
    Unknown,
}

/// What writer and readers share.
struct Shared {
    log: Arc<dyn CommitLog>,
    catalogue: Arc<Catalogue>,
    /// The writer's register, its tail included; readers name a size at or below the durable one.
    register: RegisterReader,
    tail: TailCache,
    /// What everybody may see. Moved by the publisher, in order.
    durable: watch::Sender<Durable>,
    /// Filtered streams that wait for it to move.
    waiters: Waiters,
    /// What the log holds. Moved by the flusher; the publisher follows at once.
    written: Mutex<Durable>,
    clock: Arc<dyn Clock>,
    on_failure: OnFailure,
    failed: AtomicBool,
    /// Monotonic milliseconds plus one at which the running append began; 0 if none runs.
    append_began: AtomicU64,
}

impl Shared {
    /// Says that nothing more can be promised. Only the first word counts.
    fn fail(&self, why: &str) {
        if !self.failed.swap(true, Ordering::SeqCst) {
            (self.on_failure)(why);
        }
    }
}

/// A handle to the ledger, shared by all callers.
pub struct Ledger {
    shared: Arc<Shared>,
    queue: Mutex<Option<mpsc::Sender<Job>>>,
    room: Arc<Semaphore>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Ledger {
    /// Rebuilds the register from the log and starts the writer. Must be called on a tokio runtime.
    ///
    /// # Errors
    /// [`LogError::Damaged`] if the log is not what was written, or holds what this version cannot read.
    pub fn open(parts: Parts) -> Result<Self, LogError> {
        let state = rebuild::rebuild(&*parts.log, &parts.catalogue, parts.expected)?;
        let durable = Reached::of(&state).durable();
        let shared = Arc::new(Shared {
            log: parts.log,
            catalogue: parts.catalogue,
            register: state.reader(),
            tail: TailCache::default(),
            durable: watch::Sender::new(durable),
            waiters: Waiters::default(),
            written: Mutex::new(durable),
            clock: parts.clock,
            on_failure: parts.on_failure,
            failed: AtomicBool::new(false),
            append_began: AtomicU64::new(0),
        });
        let (queue, jobs) = mpsc::channel(QUEUE_COMMITS_MAX);
        // Not bounded here: the queue before it is, and a group that is durable waits for nobody.
        let (publish, published) = mpsc::unbounded_channel();
        tokio::spawn(publish::run(Arc::clone(&shared), published));
        tokio::spawn(waiters::run(Arc::clone(&shared)));
        let threads = writer::start(&shared, state, jobs, publish)
            .map_err(|e| LogError::io("start the writer", e))?;
        Ok(Self {
            shared,
            queue: Mutex::new(Some(queue)),
            room: Arc::new(Semaphore::new(QUEUE_BYTES_MAX)),
            threads: Mutex::new(threads),
        })
    }

    /// Records a commit. When the future is dropped after it was enqueued, the commit is recorded all the same.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub async fn append(&self, commit: Commit) -> Result<Receipt, Refusal> {
        let bytes: usize = commit.proposals.iter().map(|proposal| proposal.body.len()).sum();
        let permits = u32::try_from(bytes.clamp(1, QUEUE_BYTES_MAX)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).try_acquire_many_owned(permits);
        let room = room.map_err(|_| Refusal::QueueFull)?;
        let queue = self.queue.lock().clone().ok_or(Refusal::Draining)?;
        let (reply, answer) = oneshot::channel();
        queue.try_send(Job { commit, bytes, reply, _room: room }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Refusal::QueueFull,
            mpsc::error::TrySendError::Closed(_) => Refusal::Unknown,
        })?;
        drop(queue);
        answer.await.unwrap_or(Err(Refusal::Unknown))
    }

    /// Bytes of the commits that wait for the writer.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        QUEUE_BYTES_MAX - self.room.available_permits()
    }

    /// Takes no more commits, finishes those that wait, notes the exact high-water mark and ends the threads.
    pub fn close(&self) {
        self.queue.lock().take();
        for thread in self.threads.lock().drain(..) {
            if thread.join().is_err() {
                self.shared.fail("a thread of the ledger panicked");
            }
        }
    }

    /// The catalogue in use.
    #[must_use]
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.shared.catalogue
    }
}
