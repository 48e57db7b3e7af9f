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

mod adopted;
mod applier;
pub mod audit;
pub mod clock;
mod contact;
pub mod decide;
mod decoded;
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
mod opening;
mod pace;
pub mod place;
mod probe;
mod publish;
mod queue;
mod read;
mod rebuild;
mod refused;
mod requests;
mod retire;
mod room;
mod roots;
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
use tokio::sync::{oneshot, watch};

use self::{
    adopted::Adopted,
    clock::Clock,
    holds::Holds,
    lock::{OrderedMutex, WRITTEN},
    observed::Marked,
    queue::{Job, Queue},
    requests::RequestIndex,
    retire::Epoch,
    roots::Subtrees,
    snapshot::{Keeper, Written},
    state::RegisterReader,
    tail::TailCache,
    trusted::{Trusted, Verifier},
    waiters::Waiters,
};
pub use self::{
    applier::{Applied, ApplyError, DecodedLeaves, Leaves},
    contact::{Contact, FOLLOW_STATES, FollowState, LagLimits, StopCause},
    failure::Failure,
    holds::MeasuredGuard,
    observed::{Observed, Refusing},
    pace::{GivenUp, Pace, Unhurried},
    queue::HeldMemory,
    read::ReadError,
    rebuild::{Belief, rebuild},
    refused::AppendError,
    retire::{keep_older_versions_away, root_at},
    snapshot::{RULES_BUILD, SnapshotSettings},
    start::first_erased_in_force,
    task::{TaskEnded, run_blocking},
    trusted::Unread,
    waiters::Waiter,
};
use crate::{
    catalogue_files::CatalogueFiles,
    domain::{
        DesigneeId, Party, Principal,
        access::{Policy, Rights},
        catalogue::Catalogue,
        event::Event,
        fault::Faults,
    },
    limits::SALT_BYTES,
    log::CommitLog,
    merkle::Hash,
    metrics::Metrics,
    protocol::event::Proposed,
    register::{Change, Extent, RulesBook},
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
    catalogues: Adopted,
    /// It takes leaves from outside, and no appends.
    is_following: bool,
    /// What it knows of its leader then.
    contact: watch::Sender<Contact>,
    lag_limits: OnceLock<LagLimits>,
    /// When it was opened, in microseconds since 1970.
    opened_micros: i64,
    /// Roots within the log.
    subtrees: Subtrees,
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
    /// Whether it has handed the log over, and the epoch.
    epoch: Epoch,
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
        if self.is_following() {
            return Err(AppendError::Following);
        }
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
}
