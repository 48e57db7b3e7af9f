//! The server: opens the log, listens, and shuts down in order.
//!
//! The accept loop is our own: it bounds the cost of a stuck reader, the time of a handshake and
//! the time of a drain. In a drain, streams end with UNAVAILABLE/DRAINING, and connections finish
//! their requests. The writer finishes its queue and writes the exact high-water mark. After ten
//! seconds the process abandons the rest.

mod clock;
mod coalesce;
pub mod config;
mod connection;
pub mod failures;
pub mod telemetry;

use std::{io, net::SocketAddr, sync::Arc};

use tokio::{net::TcpListener, sync::Semaphore, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use self::{
    clock::SystemClock,
    config::{Config, ConfigError},
    failures::Failures,
};
use crate::{
    catalogue_files::{CatalogueFileError, CatalogueFiles},
    cursors::{CursorError, Cursors},
    ledger::{Failure, Ledger, LedgerOptions, OnFailure, Salt},
    limits::{ACCEPT_PAUSE, CONNECTIONS_MAX, DRAIN_DURATION_MAX, SALT_BYTES},
    log::{self, LogError},
    register::RulesBook,
    service::{self, Api},
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
    /// The reflection service cannot be built.
    #[error("cannot describe the API: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// A server that listens and does not serve yet.
pub struct Server {
    listener: TcpListener,
    ledger: Arc<Ledger>,
    cursors: Arc<Cursors>,
    api: Api,
    drain: CancellationToken,
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
        let origins = config.origins()?;
        let ledger = Arc::new(open_ledger(config, rules, Box::new(on_failure))?);
        if let Some(why) = Failures::of(&config.data_dir).reason_for_reads_only() {
            tracing::warn!(why, "this start serves reads only");
            ledger.serve_reads_only(why);
        } else if let Some(why) = ledger.appends_refused() {
            tracing::warn!(why, "appends are refused until the disk has room; reads are served");
        }
        service::adopt(&ledger).await.map_err(StartError::Adoption)?;
        let cursors = Arc::new(Cursors::open(&config.data_dir)?);
        let drain = CancellationToken::new();
        let (for_api, questions) = (Arc::clone(&ledger), config.question_slots());
        let api =
            service::api(for_api, Arc::clone(&cursors), origins, questions, drain.clone()).await?;
        let address = config.listen;
        let listener = TcpListener::bind(address)
            .await
            .map_err(|source| StartError::Listen { address, source })?;
        Ok(Self { listener, ledger, cursors, api, drain })
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

    /// Serves until `stop` completes, then drains.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let tasks = TaskTracker::new();
        let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let accept = async {
            loop {
                let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
                match self.listener.accept().await {
                    Ok((stream, peer)) => {
                        let connection =
                            connection::serve(stream, peer, self.api.clone(), &self.drain);
                        tasks.spawn(async move {
                            connection.await;
                            drop(permit);
                        });
                    }
                    Err(error) => {
                        // Mostly no file descriptor is free: wait until one is.
                        tracing::warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        };
        tokio::select! {
            () = stop => {}
            () = accept => {}
        }
        tracing::info!("draining");
        self.drain.cancel();
        tasks.close();
        if timeout(DRAIN_DURATION_MAX, tasks.wait()).await.is_err() {
            tracing::warn!(
                left = tasks.len(),
                "connections are still open at the end of the drain"
            );
        }
        let (ledger, cursors) = (self.ledger, self.cursors);
        let closing = tokio::task::spawn_blocking(move || {
            ledger.close();
            cursors.close();
        });
        if timeout(DRAIN_DURATION_MAX, closing).await.is_err() {
            tracing::warn!("the writer did not finish in time");
        }
    }
}

/// Opens the ledger, and keeps the catalogue files of all adoptions: those of the log, which an
/// earlier version may not have kept, and that of the adoption to come.
fn open_ledger(
    config: &Config,
    rules: RulesBook,
    on_failure: OnFailure,
) -> Result<Ledger, StartError> {
    let catalogue = Arc::new(config.read_catalogue()?);
    let files = CatalogueFiles::built_in().and(Arc::clone(&catalogue)).beside(&config.data_dir);
    #[allow(clippy::disallowed_methods)] // a new log gets its id here
    let (log, found) =
        log::open_reserving(&config.data_dir, Uuid::new_v4(), config.disk_reserve_bytes)?;
    let expected = found.map(|mark| (mark.size, mark.root));
    let ledger = Ledger::open(LedgerOptions {
        log,
        expected,
        catalogue,
        catalogue_files: files.clone(),
        rules,
        clock: Arc::new(SystemClock::new()),
        salts: Box::new(random_salt),
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
