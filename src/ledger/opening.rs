//! Opens a ledger: one that decides, or one that follows another one.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, AtomicU64},
};

use parking_lot::{Mutex, RwLock};
use tokio::sync::{mpsc, watch};

use super::{
    Belief, Ledger, LedgerOptions, SaltSource, Shared, SnapshotSettings,
    adopted::Adopted,
    applier::Applier,
    event_reader::EventReader,
    group::Reached,
    holds::Holds,
    lock::OrderedMutex,
    observed::Marked,
    publish,
    queue::Queue,
    retire::{Epoch, keep_older_versions_away},
    roots::Subtrees,
    snapshot::{self, Written},
    start::Start,
    state::State,
    tail::TailCache,
    trusted::Trusted,
    waiters::{self, Waiters},
    writer,
};
use crate::{
    domain::catalogue::{Catalogue, CatalogueError, Catalogues},
    limits::WARNED_RECORDS_MAX,
    log::LogError,
    register::{Excess, Register},
};

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
        Self::open_as(parts, belief, snapshots, false)
    }

    /// As [`Ledger::open_with`]. The ledger follows another one: it takes leaves and no appends,
    /// and adopts nothing by itself. The catalogue of the parts is one that the log may adopt.
    ///
    /// # Errors
    /// As for [`Ledger::open`].
    pub fn open_following(
        parts: LedgerOptions,
        belief: Belief,
        snapshots: Option<SnapshotSettings>,
    ) -> Result<Self, LogError> {
        keep_older_versions_away(&*parts.log)?;
        Self::open_as(parts, belief, snapshots, true)
    }

    fn open_as(
        parts: LedgerOptions,
        belief: Belief,
        snapshots: Option<SnapshotSettings>,
        is_following: bool,
    ) -> Result<Self, LogError> {
        let metrics = &parts.metrics;
        let newest = parts.rules.newest().number.to_string();
        metrics.epoch.set(parts.log.epoch());
        metrics.build_info.set([env!("CARGO_PKG_VERSION"), &newest]);
        let Start { mut state, catalogues, trusted, stored_bytes } =
            Start::of(&parts, (belief, is_following), snapshots.as_ref())?;
        let metrics = parts.metrics;
        let holds = Arc::new(Holds::new(Arc::clone(&parts.clock), &metrics));
        state.measure(Arc::clone(&holds));
        warn_of_excesses(&state.reader().read());
        let durable = Reached::of(&state).durable();
        let written = Written { durable, frontier: state.frontier().clone(), stored_bytes };
        let applier = is_following.then(|| {
            let (found, files) = (Arc::new(catalogues.clone()), parts.catalogue_files.clone());
            Applier::new(EventReader::after(found, files, parts.rules))
        });
        let catalogues = match &applier {
            Some(applier) if durable.size > 0 => Arc::clone(applier.catalogues()),
            // An empty copy expects the catalogue that its leader is likely to have adopted.
            _ => in_use(catalogues, durable.size, &parts.catalogue)?,
        };
        let marked = Marked::default();
        marked.note(parts.expected.map_or(0, |(size, _)| size), parts.clock.monotonic());
        let shared = Arc::new(Shared {
            log: parts.log,
            catalogues: Adopted::new(catalogues),
            is_following,
            contact: watch::Sender::default(),
            lag_limits: OnceLock::new(),
            opened_micros: parts.clock.now_micros(),
            subtrees: Subtrees::default(),
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
            epoch: Epoch::default(),
            trail: OnceLock::new(),
            told_low: AtomicBool::new(false),
            append_began: AtomicU64::new(0),
            marked,
            trusted: Trusted::new(trusted),
            holds,
        });
        Self::run(shared, (state, parts.salts, applier), snapshots)
    }

    /// Starts the threads of a ledger.
    fn run(
        shared: Arc<Shared>,
        writes: (State, SaltSource, Option<Applier>),
        snapshots: Option<SnapshotSettings>,
    ) -> Result<Self, LogError> {
        let queue = Arc::new(Queue::default());
        // Unbounded: the queue ahead of it has a bound, and a durable group must not wait.
        let (publish, published) = mpsc::unbounded_channel();
        tokio::spawn(publish::run(Arc::clone(&shared), published));
        tokio::spawn(waiters::run(Arc::clone(&shared)));
        let threads = writer::start(&shared, writes, &queue, publish)
            .map_err(|e| LogError::io("start the writer", e))?;
        let last = shared.trusted.unread().trusted;
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
}

/// The catalogues of a log of some size, and last the one to use from then on.
fn in_use(
    mut adopted: Catalogues,
    position: u64,
    catalogue: &Catalogue,
) -> Result<Arc<Catalogues>, LogError> {
    let unfit = |e: CatalogueError| LogError::Catalogue { position, detail: e.to_string() };
    adopted.adopt(position, catalogue).map_err(unfit)?;
    Ok(Arc::new(adopted))
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
