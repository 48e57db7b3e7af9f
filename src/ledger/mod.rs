//! The ledger: the one writer and the read side.
//!
//! A [`Ledger`] takes proposals and gives them positions. Three threads of control work in turn,
//! and none waits for the next:
//!
//! ```text
//! queue.rs     a line for each party, served in turn
//! writer.rs    repeat? → decide.rs: judge, stage, encode, seal (state.rs) → open group (group.rs)
//! flusher.rs   one durable append of the whole group
//! publish.rs   the durable size moves → reply
//! ```
//!
//! A trial records nothing and passes none of them: it reads the register beside the writer
//! (trial.rs).
//!
//! No reader ever sees past the durable size, and no reply is sent before it has moved. After a
//! failed or overdue flush the ledger acknowledges nothing, and the process ends.
//!
//! Lock order, outermost first: the open group (`GroupCommit`), the waiting streams (`Waiters`),
//! the register (`State`), `Shared::written`. A thread that holds one takes only later ones; debug
//! builds check it (`lock.rs`). The other locks are innermost: while one is held, no lock of the
//! ledger is taken.

pub mod audit;
pub mod clock;
pub mod decide;
pub mod digest;
mod entitled;
pub mod event_reader;
mod failure;
mod flusher;
mod format;
mod group;
mod holds;
mod judging;
mod lock;
mod observed;
mod pace;
pub mod place;
mod probe;
mod publish;
mod queue;
mod read;
mod rebuild;
mod refused;
mod requests;
mod room;
mod snapshot;
mod start;
pub mod state;
mod tail;
mod task;
mod trial;
mod trusted;
mod waiters;
mod withheld;
mod writer;

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use tokio::sync::{mpsc, oneshot, watch};

use self::{
    clock::Clock,
    group::Reached,
    holds::Holds,
    lock::{OrderedMutex, WRITTEN},
    observed::Marked,
    queue::{Job, Queue},
    requests::RequestIndex,
    snapshot::{Keeper, Written},
    start::Start,
    state::RegisterReader,
    tail::TailCache,
    trusted::{Trusted, Verifier},
    waiters::Waiters,
};
pub use self::{
    failure::Failure,
    holds::MeasuredGuard,
    observed::{Observed, Refusing},
    pace::{GivenUp, Pace, Unhurried},
    queue::HeldMemory,
    read::ReadError,
    rebuild::{Belief, rebuild},
    refused::AppendError,
    snapshot::{RULES_BUILD, SnapshotSettings},
    task::{TaskEnded, run_blocking},
    trusted::Unread,
    waiters::Waiter,
};
use crate::{
    catalogue_files::CatalogueFiles,
    domain::{
        DesigneeId, Party, Principal,
        access::{Policy, Rights},
        catalogue::{Catalogue, CatalogueError, Catalogues},
        event::Event,
        fault::Faults,
    },
    limits::{SALT_BYTES, WARNED_RECORDS_MAX},
    log::{CommitLog, LogError},
    merkle::Hash,
    metrics::Metrics,
    protocol::event::Proposed,
    register::{Change, Excess, Extent, Register, RulesBook},
    trail::Trail,
};

/// Called once, when the ledger has failed. It must end the process or stop serving.
pub type OnFailure = Box<dyn Fn(&Failure) + Send + Sync>;

/// Random bytes beside an event that is not public.
pub type Salt = [u8; SALT_BYTES];

/// Gives the next salt, which nobody can foresee.
pub type SaltSource = Box<dyn FnMut() -> Salt + Send>;

/// Size and root of the durable log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Durable {
    /// Number of durable events.
    pub size: u64,
    /// Merkle root over them.
    pub root: Hash,
    /// Number of designees with at least one of them.
    pub designees: usize,
    /// Microseconds since 1970 at which the last commit was recorded; `None` for an empty log.
    pub recorded_micros: Option<i64>,
    /// The format that a log needs to hold these events.
    pub format: u16,
    /// How far the register reaches with them.
    pub extent: Extent,
}

/// The parts that a ledger is opened with.
pub struct LedgerOptions {
    /// The store of the events.
    pub log: Arc<dyn CommitLog>,
    /// The log's high-water mark: a size, and the root that it must have there.
    pub expected: Option<(u64, Hash)>,
    /// The catalogue to use for facts from now on. If the log has adopted another one last, the
    /// next event must adopt this one: see [`Ledger::needs_adoption`].
    pub catalogue: Arc<Catalogue>,
    /// Where the catalogues are found that the log has adopted.
    pub catalogue_files: CatalogueFiles,
    /// The versions of the rules that the register may use.
    pub rules: RulesBook,
    /// The source of time.
    pub clock: Arc<dyn Clock>,
    /// The source of salts.
    pub salts: SaltSource,
    /// What it counts.
    pub metrics: Arc<Metrics>,
    /// Called when the ledger has failed.
    pub on_failure: OnFailure,
}

/// An event to be recorded: as the rules see it, and encoded.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// Its index in the caller's request.
    pub index: usize,
    /// The form that the rules judge.
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
    /// The request id, which names the request for ever, and the digest of its content.
    pub request: Option<(Bytes, Hash)>,
    /// A condition that must hold at the moment of recording.
    pub precondition: Option<Precondition>,
    /// The principal that records it.
    pub recorded_by: Principal,
    /// The party that it comes from, which shares the writer's queue with others.
    pub party: Party,
    /// On whose authority it may be recorded.
    pub entitlement: Entitlement,
}

/// On whose authority a commit may be recorded, beside the rights of the one who records it.
#[derive(Debug, Default)]
pub struct Entitlement {
    /// The principal that has approved it.
    pub approved_by: Option<Principal>,
    /// Microseconds since 1970 at which the credential of the caller ends.
    pub expires_micros: Option<i64>,
    /// The recorder's rights under which each event was judged from its content. They are not
    /// judged again while they are the same.
    pub judged_under: Option<Arc<Rights>>,
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
    /// Recorded time in microseconds since 1970; `None` if it was only decided.
    pub recorded_micros: Option<i64>,
    /// True if it had been recorded before.
    pub replayed: bool,
    /// Warnings. They never reject the commit.
    pub warnings: Faults,
    /// Reasons for which it would be rejected, if it was only decided.
    pub rejections: Faults,
    /// Changes that it would make, each with the index of its event, if it was only decided: the
    /// first [`crate::limits::REJECTIONS_MAX`].
    pub changes: Vec<(usize, Change)>,
    /// The number of all those changes.
    pub change_count: usize,
}

/// The parts that the writer, the flusher, the publisher and readers share.
struct Shared {
    log: Arc<dyn CommitLog>,
    /// The catalogues that the log has adopted, and last the one in use.
    catalogues: Arc<Catalogues>,
    /// The writer's register, ahead of the durable size. Readers name a size at or below that.
    ///
    /// Lock order: see `State::register`.
    register: RegisterReader,
    requests: RequestIndex,
    tail: TailCache,
    /// The published size, up to which readers may see. The publisher moves it, in order.
    durable: watch::Sender<Durable>,
    /// Filtered streams that wait for it to move.
    waiters: Waiters,
    /// The size that is durable in the log. The flusher moves it; the publisher follows.
    ///
    /// Lock order: the innermost; it is copied out and released at once.
    written: OrderedMutex<Written, WRITTEN>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    on_failure: OnFailure,
    failed: AtomicBool,
    /// Who may record what. Copied out and released at once.
    policy: RwLock<Arc<Policy>>,
    /// Why nothing may be recorded, if so.
    read_only: OnceLock<String>,
    /// The audit trail of a server with principals.
    trail: OnceLock<Arc<Trail>>,
    /// It was said that the disk is low, and not yet that it has room again.
    told_low: AtomicBool,
    /// Start of the running append, in monotonic milliseconds plus one; 0 between appends.
    append_began: AtomicU64,
    marked: Marked,
    /// The part of the log that the start has not read.
    trusted: Trusted,
    /// Lengths of the register's holds.
    holds: Arc<Holds>,
}

impl Shared {
    /// Marks the ledger as failed. Only the first call is reported.
    fn fail(&self, why: &Failure) {
        if !self.failed.swap(true, Ordering::SeqCst) {
            (self.on_failure)(why);
        }
    }
}

/// A handle to the ledger, shared by all callers.
pub struct Ledger {
    shared: Arc<Shared>,
    queue: Arc<Queue>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Writes snapshots of the register, if they are kept.
    keeper: Mutex<Option<Keeper>>,
    /// Verifies what the start has not read.
    verifier: Mutex<Option<Verifier>>,
}

impl Ledger {
    /// Rebuilds the register from the log and starts the writer. Must be called on a tokio runtime.
    ///
    /// # Errors
    /// [`LogError::Damaged`] if the log differs from the one that was written, or if this version
    /// cannot read it. [`LogError::Catalogue`] if a catalogue that it adopted is not at hand, or if
    /// the one to use does not fit to those. [`LogError::NewerRules`].
    pub fn open(parts: LedgerOptions) -> Result<Self, LogError> {
        Self::open_with(parts, Belief::StoredHashes, None)
    }

    /// As [`Ledger::open`]. `belief` says what the start believes without looking. With `snapshots`
    /// it believes a snapshot of the register that fits, and writes others.
    ///
    /// # Errors
    /// As for [`Ledger::open`]: no snapshot keeps a log from being opened.
    pub fn open_with(
        parts: LedgerOptions,
        belief: Belief,
        snapshots: Option<SnapshotSettings>,
    ) -> Result<Self, LogError> {
        let metrics = &parts.metrics;
        let newest = parts.rules.newest().number.to_string();
        metrics.build_info.set([env!("CARGO_PKG_VERSION"), &newest]);
        let Start { mut state, mut catalogues, trusted, stored_bytes } =
            Start::of(&parts, belief, snapshots.as_ref())?;
        let metrics = parts.metrics;
        let holds = Arc::new(Holds::new(Arc::clone(&parts.clock), &metrics));
        state.measure(Arc::clone(&holds));
        warn_of_excesses(&state.reader().read());
        let durable = Reached::of(&state).durable();
        let written = Written { durable, frontier: state.frontier().clone(), stored_bytes };
        let position = durable.size;
        let unfit = |e: CatalogueError| LogError::Catalogue { position, detail: e.to_string() };
        catalogues.adopt(position, &parts.catalogue).map_err(unfit)?;
        let marked = Marked::default();
        marked.note(parts.expected.map_or(0, |(size, _)| size), parts.clock.monotonic());
        let shared = Arc::new(Shared {
            log: parts.log,
            catalogues: Arc::new(catalogues),
            register: state.reader(),
            requests: state.requests(),
            tail: TailCache::default(),
            durable: watch::Sender::new(durable),
            waiters: Waiters::default(),
            written: OrderedMutex::new(written),
            clock: parts.clock,
            metrics,
            on_failure: parts.on_failure,
            failed: AtomicBool::new(false),
            policy: RwLock::default(),
            read_only: OnceLock::new(),
            trail: OnceLock::new(),
            told_low: AtomicBool::new(false),
            append_began: AtomicU64::new(0),
            marked,
            trusted: Trusted::new(trusted),
            holds,
        });
        let queue = Arc::new(Queue::default());
        // Unbounded: the queue ahead of it has a bound, and a durable group must not wait.
        let (publish, published) = mpsc::unbounded_channel();
        tokio::spawn(publish::run(Arc::clone(&shared), published));
        tokio::spawn(waiters::run(Arc::clone(&shared)));
        let threads = writer::start(&shared, (state, parts.salts), &queue, publish)
            .map_err(|e| LogError::io("start the writer", e))?;
        let last = trusted.map_or(0, |(size, _)| size);
        let keeper = snapshots.map(|settings| snapshot::start(&shared, settings, last));
        let keeper = keeper.transpose().map_err(|e| LogError::io("start the keeper", e))?;
        Ok(Self {
            shared,
            queue,
            threads: Mutex::new(threads),
            keeper: Mutex::new(keeper),
            verifier: Mutex::default(),
        })
    }

    /// Records a commit. A commit that is in the queue is recorded even if the future is dropped,
    /// unless it is refused because its party has the most in a full queue.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub async fn append(&self, commit: Commit) -> Result<Receipt, AppendError> {
        self.append_holding(commit, None).await
    }

    /// As [`Ledger::append`]. The commit keeps `held` until it is decided, also after its caller
    /// has gone.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub async fn append_holding(
        &self,
        commit: Commit,
        held: Option<HeldMemory>,
    ) -> Result<Receipt, AppendError> {
        let bytes = commit.proposals.iter().map(|proposal| proposal.body.len()).sum();
        let (reply, answer) = oneshot::channel();
        let queued = self.shared.clock.monotonic();
        self.queue.push(Job { commit, bytes, queued, held, reply })?;
        answer.await.unwrap_or(Err(AppendError::Unknown))
    }

    /// Brings a policy into force: for all commits that the writer has not decided yet.
    pub fn adopt_policy(&self, policy: Arc<Policy>) {
        *self.shared.policy.write() = policy;
    }

    /// The policy in force.
    #[must_use]
    pub fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.shared.policy.read())
    }

    /// Bytes of the commits in the queue.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.queue.bytes()
    }

    /// Refuses new commits, finishes the queue, writes the exact high-water mark and ends the
    /// threads. True if the writer has finished everything; false after a failure.
    pub fn close(&self) -> bool {
        self.queue.close();
        self.keeper.lock().iter_mut().for_each(Keeper::stop);
        if self.verifier.lock().take().is_some_and(|verifier| verifier.end().is_err()) {
            self.shared.fail(&"the verification of the log panicked".into());
        }
        for thread in self.threads.lock().drain(..) {
            if thread.join().is_err() {
                self.shared.fail(&"a thread of the ledger panicked".into());
            }
        }
        !self.shared.failed.load(Ordering::SeqCst)
    }

    /// Writes a last snapshot of the register within some time, if one is due. To be called after
    /// [`Ledger::close`] has finished everything.
    pub fn save_snapshot(&self, within: Duration) {
        if let Some(keeper) = &*self.keeper.lock() {
            keeper.save_last(&self.shared, within);
        }
    }

    /// What the ledger counts.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.shared.metrics
    }

    /// The catalogue in use.
    #[must_use]
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        self.shared.catalogues.in_use()
    }

    /// The catalogues that the log has adopted, and last the one in use.
    #[must_use]
    pub fn catalogues(&self) -> &Arc<Catalogues> {
        &self.shared.catalogues
    }

    /// True if the log has adopted another catalogue last than the one in use, which the next event
    /// must then adopt.
    #[must_use]
    pub fn needs_adoption(&self) -> bool {
        let last = self.shared.catalogues.adoptions().last();
        last.is_some_and(|last| last.position.is_some_and(|at| at >= self.durable().size))
    }
}

/// Says which records are longer than they may become now. They are read as before, but each
/// answer about them takes longer, and no fact joins them.
fn warn_of_excesses(register: &Register) {
    for Excess { id, what, found, limit } in register.excesses(WARNED_RECORDS_MAX) {
        tracing::warn!(
            designee = %id,
            found,
            limit,
            "the log holds more {what} of a designee than it takes now; answers about it are slow"
        );
    }
}
