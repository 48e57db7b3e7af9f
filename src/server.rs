//! The server: opens the log, listens, and goes down in order.
//!
//! The accept loop is our own, because what a stuck reader may cost, how long a handshake may take and how a drain ends
//! are ours to decide. A drain: streams end with UNAVAILABLE/DRAINING, connections finish what they have, the writer
//! finishes its queue and notes the exact high-water mark; after ten seconds the process leaves whatever hangs.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::{
    config::{Config, ConfigError},
    cursors::{CursorError, Cursors},
    domain::{
        catalogue::Catalogue,
        limits::{
            CONNECTION_STREAMS_MAX, CONNECTION_WINDOW_BYTES, CONNECTIONS_MAX, DRAIN_DURATION_MAX,
            HANDSHAKE_DURATION_MAX, HTTP1_BUFFER_BYTES, KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT,
            STREAM_SEND_BYTES_MAX, STREAM_WINDOW_BYTES,
        },
    },
    gather::Gather,
    ledger::{Ledger, Parts, clock::Clock},
    log::{LogError, SledLog},
    service::{self, Api, Peer, convert},
};

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// That the catalogue is in use could not be recorded.
    #[error("the catalogue in use could not be recorded: {0}")]
    Adoption(String),
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
        /// What the system said.
        source: io::Error,
    },
    /// The reflection service cannot be built.
    #[error("cannot describe the API: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// A server that listens and is not serving yet.
pub struct Server {
    listener: TcpListener,
    ledger: Arc<Ledger>,
    cursors: Arc<Cursors>,
    api: Api,
    drain: CancellationToken,
}

impl Server {
    /// Opens the log, rebuilds the register and listens.
    ///
    /// `on_failure` is told when the log can no longer keep its promises; it must end the process.
    ///
    /// # Errors
    /// See [`StartError`]; nothing was changed except that an empty log may have been begun.
    pub async fn open(
        config: &Config,
        on_failure: impl Fn(&str) + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        let origins = config.origins()?;
        let catalogue = Arc::new(config.read_catalogue()?);
        let ledger = Arc::new(open_ledger(config, catalogue, Box::new(on_failure))?);
        service::adopt(&ledger).await.map_err(StartError::Adoption)?;
        let cursors = Arc::new(Cursors::open(&config.data_dir)?);
        let drain = CancellationToken::new();
        let api =
            service::api(Arc::clone(&ledger), Arc::clone(&cursors), origins, drain.clone()).await?;
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
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let accept = async {
            loop {
                let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
                match self.listener.accept().await {
                    Ok((stream, peer)) => {
                        let connection =
                            serve_connection(stream, peer, self.api.clone(), &self.drain);
                        tasks.spawn(async move {
                            connection.await;
                            drop(place);
                        });
                    }
                    Err(error) => {
                        // Out of file descriptors, mostly: wait for some to be free again.
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
            tracing::warn!(left = tasks.len(), "connections left open at the end of the drain");
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

/// How long to wait after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

fn open_ledger(
    config: &Config,
    catalogue: Arc<Catalogue>,
    on_failure: Box<dyn Fn(&str) + Send + Sync>,
) -> Result<Ledger, LogError> {
    #[allow(clippy::disallowed_methods)] // a new history gets its name here
    let log = SledLog::open(&config.data_dir, Uuid::new_v4())?;
    let expected = log.mark_found().map(|mark| (mark.size, mark.root));
    let for_decoding = Arc::clone(&catalogue);
    Ledger::open(Parts {
        log: Arc::new(log),
        expected,
        catalogue,
        decode: Arc::new(move |body| convert::stored_event(&for_decoding, body)),
        clock: Arc::new(SystemClock::new()),
        on_failure,
    })
}

fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    api: Api,
    drain: &CancellationToken,
) -> impl Future<Output = ()> + Send + use<> {
    let drain = drain.clone();
    async move {
        // Small messages are not held back; the system refuses this only for a closed socket.
        let _ = stream.set_nodelay(true);
        // A peer that says nothing holds a place no longer than this.
        let mut first = [0];
        match timeout(HANDSHAKE_DURATION_MAX, stream.peek(&mut first)).await {
            Ok(Ok(1..)) => {}
            _ => return,
        }
        let service = api.map_request(move |mut request: http::Request<_>| {
            request.extensions_mut().insert(Peer(peer));
            request.map(tonic::body::Body::new)
        });
        let service = TowerToHyperService::new(service);
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HANDSHAKE_DURATION_MAX)
            .max_buf_size(HTTP1_BUFFER_BYTES);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(CONNECTION_STREAMS_MAX)
            .max_send_buf_size(STREAM_SEND_BYTES_MAX)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .keep_alive_interval(KEEPALIVE_INTERVAL)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT);
        let connection = builder.serve_connection(Gather::new(TokioIo::new(stream)), service);
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = drain.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended");
        }
    }
}

/// The machine's clocks.
struct SystemClock {
    began: Instant,
}

#[allow(clippy::disallowed_methods)] // the one place that reads the clocks
impl SystemClock {
    fn new() -> Self {
        Self { began: Instant::now() }
    }
}

#[allow(clippy::disallowed_methods)] // as above
impl Clock for SystemClock {
    fn now_micros(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    }

    fn monotonic(&self) -> Duration {
        self.began.elapsed()
    }
}
