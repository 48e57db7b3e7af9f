//! The server: opens the log, listens, and shuts down in order.
//!
//! The accept loop is our own: it bounds the cost of a stuck reader, the time of a handshake and
//! the time of a drain. In a drain, streams end with UNAVAILABLE/DRAINING, and connections finish
//! their requests. The writer finishes its queue and writes the exact high-water mark. One deadline
//! holds for all of that; the rest is abandoned, and the server says so.

mod accept;
mod answers;
mod clock;
mod coalesce;
pub mod config;
mod connection;
mod descriptors;
pub mod failures;
mod half_close;
mod peer_io;
mod places;
pub mod telemetry;

use std::{io, net::SocketAddr, sync::Arc};

use tokio::{
    net::TcpListener,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

pub use self::descriptors::TooFewDescriptors;
use self::{
    clock::SystemClock,
    config::{Config, ConfigError},
    connection::Serving,
    failures::Failures,
    places::Places,
};
use crate::{
    catalogue_files::{CatalogueFileError, CatalogueFiles},
    cursors::{CursorError, Cursors},
    ledger::{Failure, Ledger, LedgerOptions, OnFailure, Salt, clock::Clock as _},
    limits::{
        ANSWERS_UNTAKEN_BYTES_MAX, ANSWERS_UNTAKEN_OF_PARTY_BYTES_MAX, CONNECTIONS_OF_ADDRESS_MAX,
        DRAIN_CONNECTIONS_DURATION_MAX, DRAIN_DURATION_MAX, DRAIN_EXIT_DURATION, SALT_BYTES,
    },
    log::{self, LogError},
    metrics::Metrics,
    register::RulesBook,
    service::{self, Api, Phase, Phases, Shares, Undescribed},
};

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The adoption of the rules or of the catalogue could not be recorded.
    #[error("the adoption of the rules or of the catalogue could not be recorded: {0}")]
    Adoption(String),
    /// An adopted catalogue cannot be kept.
    #[error(transparent)]
    CatalogueFile(#[from] CatalogueFileError),
    /// The catalogue cannot be read or used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The connections that were asked for need more descriptors.
    #[error(transparent)]
    Descriptors(#[from] TooFewDescriptors),
    /// The log cannot be opened.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The store of cursors cannot be opened.
    #[error(transparent)]
    Cursors(#[from] CursorError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// The services cannot be described.
    #[error(transparent)]
    Undescribed(#[from] Undescribed),
}

/// A drain ended before the writer had finished: commits that got no answer may be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the drain did not finish in time; commits that got no answer may be recorded")]
pub struct Unfinished;

/// A server that listens and does not serve yet.
pub struct Server {
    listener: TcpListener,
    ledger: Arc<Ledger>,
    cursors: Arc<Cursors>,
    api: Api,
    phases: Phases,
    metrics: Arc<Metrics>,
    /// Most connections at once.
    connections: usize,
}

impl Server {
    /// Opens the log, rebuilds the register and listens. `rules` are the versions of the rules that
    /// the register may use; a program that is released hands in [`RulesBook::RELEASED`].
    ///
    /// `on_failure` is called when the ledger has failed; it must end the process.
    ///
    /// # Errors
    /// See [`StartError`]. An empty log may have been created; nothing else was changed.
    pub async fn open(
        config: &Config,
        rules: RulesBook,
        on_failure: impl Fn(&Failure) + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        let settings = config.api()?;
        let connections = descriptors::room_for(config.connections)?;
        let metrics = Metrics::new();
        let counted_in = Arc::clone(&metrics);
        let ledger = open_ledger(config, rules, Box::new(on_failure), counted_in)?;
        let ledger = Arc::new(ledger);
        if let Some(why) = Failures::of(&config.data_dir).reason_for_reads_only() {
            tracing::warn!(why, "this start serves reads only");
            ledger.serve_reads_only(why);
        } else if let Some(why) = ledger.appends_refused() {
            tracing::warn!(why, "appends are refused until the disk has room; reads are served");
        }
        service::adopt(&ledger).await.map_err(StartError::Adoption)?;
        let cursors = Arc::new(Cursors::open(&config.data_dir)?);
        let phases = Phases::new();
        let api = service::api(Arc::clone(&ledger), Arc::clone(&cursors), settings, &phases)?;
        let address = config.listen;
        let listener = TcpListener::bind(address)
            .await
            .map_err(|source| StartError::Listen { address, source })?;
        Ok(Self { listener, ledger, cursors, api, phases, metrics, connections })
    }

    /// The address listened on.
    ///
    /// # Errors
    /// If the system does not know it.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The ledger being served.
    #[must_use]
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// What the server counts.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Serves until `stop` completes, then drains.
    ///
    /// # Errors
    /// [`Unfinished`] if the writer or the store of cursors did not finish in time.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> Result<(), Unfinished> {
        let tasks = TaskTracker::new();
        let untaken = Shares::new(ANSWERS_UNTAKEN_BYTES_MAX, ANSWERS_UNTAKEN_OF_PARTY_BYTES_MAX);
        let (drain, metrics) = (self.phases.drain(), self.metrics);
        let serving = Serving { api: self.api, drain, untaken, metrics };
        let places = Places::new(self.connections, CONNECTIONS_OF_ADDRESS_MAX, &serving.metrics);
        self.phases.enter(Phase::Serving);
        tokio::select! {
            () = stop => {}
            () = accept::run(&self.listener, &places, &serving, &tasks) => {}
        }
        drop(self.listener);
        let end = Instant::now() + DRAIN_DURATION_MAX.saturating_sub(DRAIN_EXIT_DURATION);
        tracing::info!("draining");
        self.phases.enter(Phase::Draining);
        tasks.close();
        if timeout(DRAIN_CONNECTIONS_DURATION_MAX, tasks.wait()).await.is_err() {
            tracing::warn!(left = tasks.len(), "connections did not finish in time");
        }
        close(self.ledger, self.cursors, end).await
    }
}

/// Finishes what the writer and the store of cursors have accepted.
async fn close(ledger: Arc<Ledger>, cursors: Arc<Cursors>, end: Instant) -> Result<(), Unfinished> {
    let closing = tokio::task::spawn_blocking(move || {
        let is_finished = ledger.close();
        cursors.close();
        is_finished
    });
    match timeout_at(end, closing).await {
        Ok(Ok(true)) => Ok(()),
        _ => Err(Unfinished),
    }
}

/// Opens the ledger, and keeps the catalogue files of all adoptions: those of the log, which an
/// earlier version may not have kept, and that of the adoption to come.
fn open_ledger(
    config: &Config,
    rules: RulesBook,
    on_failure: OnFailure,
    metrics: Arc<Metrics>,
) -> Result<Ledger, StartError> {
    let catalogue = Arc::new(config.read_catalogue()?);
    let files = CatalogueFiles::built_in().and(Arc::clone(&catalogue)).beside(&config.data_dir);
    #[allow(clippy::disallowed_methods)] // a new log gets its id here
    let fresh_id = Uuid::new_v4();
    let (directory, reserve) = (&config.data_dir, config.disk_reserve_bytes);
    let clock = Arc::new(SystemClock::new());
    let (of_log, counted) = (Arc::clone(&clock), Arc::clone(&metrics));
    let monotonic = Box::new(move || of_log.monotonic());
    let (log, found) = log::open_reserving(directory, fresh_id, reserve, counted, monotonic)?;
    let expected = found.map(|mark| (mark.size, mark.root));
    let ledger = Ledger::open(LedgerOptions {
        log,
        expected,
        catalogue,
        catalogue_files: files.clone(),
        rules,
        clock,
        salts: Box::new(random_salt),
        metrics,
        on_failure,
    })?;
    files.keep(&config.data_dir, ledger.catalogues().iter())?;
    Ok(ledger)
}

/// Random bytes from the system. Without them nothing may be recorded that somebody could guess.
fn random_salt() -> Salt {
    let mut salt = [0; SALT_BYTES];
    let filled = getrandom::fill(&mut salt);
    assert!(filled.is_ok(), "the system gives no random bytes: {filled:?}");
    salt
}
