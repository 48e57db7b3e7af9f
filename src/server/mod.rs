//! The server: listens, opens the log, and shuts down in order.
//!
//! The ports are up before the log is opened, so that probes and callers learn what goes on
//! (ports.rs). A start that fails closes them and ends: no part of it goes on.
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
mod following;
mod gateway;
mod half_close;
mod hangups;
mod manager;
mod opening;
mod peer_io;
mod places;
mod ports;
mod principals;
mod progress;
mod standing;
pub mod telemetry;
mod tls;
mod trail;

use std::{
    future::pending, io, net::SocketAddr, panic::resume_unwind, path::PathBuf, pin::pin, sync::Arc,
};

use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep, timeout_at},
};

use self::{
    config::{Config, ConfigError},
    failures::Failures,
    following::{Following, fresh_log_id},
    opening::open_ledger,
    ports::Ports,
    progress::Meter,
};
pub use self::{
    descriptors::TooFewDescriptors,
    manager::Manager,
    standing::PartError,
    tls::{TlsError, TlsFileError, TlsOutlook},
};
use crate::{
    access::{AccessControl, KeyError, PolicyError},
    catalogue_files::CatalogueFileError,
    cursors::{CursorError, Cursors},
    follow::{Follower, LeaderUrl},
    lang::{say, word},
    ledger::{Failure, Ledger, ReadError},
    limits::{
        DRAIN_DURATION_MAX, DRAIN_EXIT_DURATION, FOLLOW_FIRST_ANSWER_MAX, REPLAY_TOLD_AFTER,
        REPLAY_TOLD_INTERVAL, SNAPSHOT_DRAIN_MARGIN,
    },
    log::LogError,
    metrics::Metrics,
    operations,
    register::RulesBook,
    service::{self, ApiSettings, Undescribed},
};

/// Why a server does not start. Only the terminal that starts it gets the text, in its language.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The adoption of the rules or of the catalogue could not be recorded.
    #[error("{}", say!(
        en: "the adoption of the rules or of the catalogue could not be recorded: {}",
        zh: "无法写入规则或目录的采用记录：{}",
        .0
    ))]
    Adoption(String),
    /// No file of the audit trail can be written.
    #[error("{}", say!(
        en: "audit_sinks: no file of the audit trail can be written: {}; name another one with \
             --audit FILE",
        zh: "audit_sinks：审计记录的文件都无法写入：{}；请用 --audit 另指定文件",
        .0
    ))]
    Audit(io::Error),
    /// The last anchor of the audit trail cannot be read.
    #[error("{}", say!(
        en: "the last anchor of the audit trail cannot be read: {}",
        zh: "无法读取审计记录的最后一个锚点：{}",
        .0
    ))]
    AuditAnchor(ReadError),
    /// The audit trail has files, and the server no principals.
    #[error("{}", word!(
        en: "audit_sinks: the audit trail tells of principals, and the server knows none; leave \
             the setting out, or name them with --principals FILE",
        zh: "audit_sinks：审计记录针对主体，而服务器没有设置主体；请去掉此项，或用 --principals \
             指定主体文件"
    ))]
    AuditWithoutPrincipals,
    /// An adopted catalogue cannot be kept.
    #[error(transparent)]
    CatalogueFile(#[from] CatalogueFileError),
    /// The catalogue cannot be read or used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The connections that were asked for need more descriptors.
    #[error(transparent)]
    Descriptors(#[from] TooFewDescriptors),
    /// The key of page tokens and proposals cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The log cannot be opened.
    #[error("{}", .0.said())]
    Log(#[from] LogError),
    /// The store of cursors cannot be opened.
    #[error(transparent)]
    Cursors(#[from] CursorError),
    /// The address for callers cannot be listened on.
    #[error("{}", say!(
        en: "listen: cannot listen on {address}: {}; choose another address, such as --listen \
             127.0.0.1:0 for a free port",
        zh: "listen：无法监听 {address}：{}；请另选地址，例如 --listen 127.0.0.1:0 使用空闲端口",
        not_bound(source)
    ))]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// The address of the operations port cannot be listened on.
    #[error("{}", say!(
        en: "operations_listen: cannot listen on {address}: {}; choose another address, such as \
             --operations-listen 127.0.0.1:0 for a free port, or off",
        zh: "operations_listen：无法监听 {address}：{}；请另选地址，例如 \
             --operations-listen 127.0.0.1:0 使用空闲端口，或 off",
        not_bound(source)
    ))]
    ListenOperations {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// The Unix socket of a gateway cannot be listened on.
    #[error("{}", say!(
        en: "gateway_sockets: cannot listen on {}: {source}",
        zh: "gateway_sockets：无法监听 {}：{source}",
        path.display()
    ))]
    ListenGateway {
        /// Its file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The principals cannot be used.
    #[error("{}", say!(en: "principals: {}", zh: "principals：{}", .0))]
    Principals(#[from] PolicyError),
    /// The directory may not be served as it is.
    #[error("{}", say!(en: "data_dir: {}", zh: "data_dir：{}", .0))]
    Standing(#[from] PartError),
    /// TLS cannot be spoken.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The server was asked to end before its log was open.
    #[error("{}", word!(
        en: "the server was stopped before its log was open", zh: "服务器在打开日志之前被停止"
    ))]
    Stopped,
    /// A copy that is to begin has no answer from any node.
    #[error("{}", no_leader(.0))]
    NoLeader(Vec<LeaderUrl>),
    /// The services cannot be described.
    #[error(transparent)]
    Undescribed(#[from] Undescribed),
}

fn no_leader(urls: &[LeaderUrl]) -> String {
    let seconds = FOLLOW_FIRST_ANSWER_MAX.as_secs();
    let urls = urls.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    say!(
        en: "follow: no answer from {urls} within {seconds} s; an empty directory needs one",
        zh: "follow：{urls} 在 {seconds} 秒内没有答复；空目录须有主节点答复才能开始"
    )
}

/// Why an address cannot be listened on. The system's text is English.
fn not_bound(source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::AddrInUse => {
            say!(en: "{source}", zh: "该地址已被占用，可能已有服务器在运行")
        }
        io::ErrorKind::PermissionDenied => say!(en: "{source}", zh: "没有权限使用该端口"),
        io::ErrorKind::AddrNotAvailable => say!(en: "{source}", zh: "本机没有该地址"),
        _ => source.to_string(),
    }
}

/// A drain ended before the writer had finished: commits that got no answer may be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", word!(
    en: "the drain did not finish in time; commits that got no answer may be recorded",
    zh: "未能在限时内处理完毕；没有得到答复的提交可能已经写入"
))]
pub struct Unfinished;

/// The stores of a server.
pub struct Stores {
    /// The ledger, whose register is rebuilt.
    pub ledger: Ledger,
    /// The cursors.
    pub cursors: Cursors,
}

/// A server whose ports are up, and whose log is not open yet.
pub struct Starting {
    ports: Ports,
    settings: ApiSettings,
    metrics: Arc<Metrics>,
    data_dir: PathBuf,
    /// Files of the audit trail; empty without principals.
    audit_files: Vec<PathBuf>,
    /// The nodes to follow, if it follows any.
    following: Option<Following>,
}

/// A server that serves.
pub struct Server {
    ports: Ports,
    ledger: Arc<Ledger>,
    cursors: Arc<Cursors>,
    access: Arc<AccessControl>,
}

impl Starting {
    /// Listens. Health, reflection and the operations port answer from now on.
    ///
    /// # Errors
    /// See [`StartError`]. Nothing was changed.
    pub async fn listen(config: &Config) -> Result<Self, StartError> {
        let (settings, metrics) = (config.api()?, Metrics::new());
        let is_open = settings.access.policy().is_open();
        if is_open && !config.audit_sinks.is_empty() {
            return Err(StartError::AuditWithoutPrincipals);
        }
        let audit_files = if is_open { Vec::new() } else { config.audit_files() };
        let ports = Ports::listen(config, settings.clone(), &metrics).await?;
        let following = Following::of(config);
        let data_dir = config.data_dir.clone();
        Ok(Self { ports, settings, metrics, data_dir, audit_files, following })
    }

    /// The address for callers.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.ports.address()
    }

    /// The address of the operations port, if there is one.
    #[must_use]
    pub fn operations_address(&self) -> Option<SocketAddr> {
        self.ports.operations_address()
    }

    /// Tells a service manager from now on how the server is.
    #[must_use]
    pub fn reporting_to(mut self, manager: Manager) -> Self {
        self.ports.report_to(manager, &self.metrics);
        self
    }

    /// Opens the stores on a thread that may block, and serves. Gives up if `stop` completes before
    /// they are open: the thread is left alone then, because it cannot be interrupted.
    ///
    /// # Errors
    /// See [`StartError`]. The ports are closed.
    pub async fn open(
        mut self,
        open: impl FnOnce(&Arc<Metrics>) -> Result<Stores, StartError> + Send + 'static,
        stop: impl Future<Output = ()>,
    ) -> Result<Server, StartError> {
        let metrics = Arc::clone(&self.metrics);
        let counted = Arc::clone(&metrics);
        let (mut opening, mut stop) = (spawn_blocking(move || open(&counted)), pin!(stop));
        let (mut told_after, mut meter) = (REPLAY_TOLD_AFTER, Meter::default());
        let opened = loop {
            tokio::select! {
                opened = &mut opening => break opened,
                () = stop.as_mut() => {
                    self.ports.drain().await;
                    return Err(StartError::Stopped);
                }
                () = sleep(told_after) => {
                    let progress = meter.look(&metrics, Instant::now());
                    tracing::info!("{progress}");
                    told_after = REPLAY_TOLD_INTERVAL;
                }
            }
        };
        let Stores { ledger, cursors } = match opened {
            Ok(stores) => stores?,
            Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
            Err(_) => return Err(StartError::Stopped),
        };
        let (ledger, cursors) = (Arc::new(ledger), Arc::new(cursors));
        let follower = match self.following.take() {
            Some(following) => {
                Some(following.begin(&ledger, &self.data_dir, &mut self.settings)?)
            }
            None => {
                standing::take(&ledger, &self.data_dir)?;
                None
            }
        };
        if let Some(why) = Failures::of(&self.data_dir).reason_for_reads_only() {
            tracing::warn!(why, "this start serves reads only");
            ledger.serve_reads_only(why);
        } else {
            ledger.warn_of_low_disk();
        }
        if !self.audit_files.is_empty() {
            trail::open(&ledger, self.audit_files).await?;
        }
        if follower.is_none() {
            service::adopt(&ledger).await.map_err(StartError::Adoption)?;
        }
        let for_api = (Arc::clone(&ledger), Arc::clone(&cursors));
        let access = Arc::clone(&self.settings.access);
        let api = service::api(for_api.0, for_api.1, self.settings, &self.ports.phases)?;
        self.ports.serve(api, &ledger, &cursors);
        if let Some(follower) = follower {
            follow(&mut self.ports, follower, &access);
        }
        if let Err(error) = ledger.verify_unread() {
            tracing::warn!(%error, "the log below the snapshot is not verified in the background");
        }
        if !access.policy().is_open() {
            self.ports.run(principals::watch(Arc::clone(&access), Arc::clone(&metrics)));
        }
        if let Some(age) = operations::age() {
            ledger.metrics().start_duration_seconds.set(age);
        }
        Ok(Server { ports: self.ports, ledger, cursors, access })
    }
}

/// Follows, and reads the principals with each catalogue that the leader adopts.
fn follow(ports: &mut Ports, follower: Follower, access: &Arc<AccessControl>) {
    if !access.policy().is_open() {
        let (access, ledger) = (Arc::clone(access), Arc::clone(&follower.ledger));
        ports.run(principals::resolve_at_adoptions(access, ledger));
    }
    ports.run(follower.run());
}

impl Server {
    /// Listens, opens the log, rebuilds the register and serves. `rules` are the versions of the
    /// rules that the register may use; a program that is released hands in
    /// [`RulesBook::RELEASED`].
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
        Self::open_unless(config, rules, on_failure, None, pending()).await
    }

    /// As [`Server::open`], unless `stop` completes before the log is open. Tells a service manager
    /// how the server is.
    ///
    /// # Errors
    /// As for [`Server::open`]; [`StartError::Stopped`].
    pub async fn open_unless(
        config: &Config,
        rules: RulesBook,
        on_failure: impl Fn(&Failure) + Send + Sync + 'static,
        manager: Option<Manager>,
        stop: impl Future<Output = ()>,
    ) -> Result<Self, StartError> {
        let starting = Starting::listen(config).await?;
        let starting = match manager {
            Some(manager) => starting.reporting_to(manager),
            None => starting,
        };
        let mut stop = pin!(stop);
        let log_id = tokio::select! {
            log_id = fresh_log_id(config, &starting.ports.phases) => log_id?,
            () = stop.as_mut() => return Err(StartError::Stopped),
        };
        let (config, access) = (config.clone(), Arc::clone(&starting.settings.access));
        let open = move |metrics: &Arc<Metrics>| {
            let metrics = Arc::clone(metrics);
            let ledger = open_ledger(&config, log_id, rules, Box::new(on_failure), metrics)?;
            if !access.policy().is_open() {
                access.take_key_of(&config.data_dir)?;
                principals::resolve(&access, &ledger)?;
            }
            Ok(Stores { ledger, cursors: Cursors::open(&config.data_dir)? })
        };
        starting.open(open, stop).await
    }

    /// The address for callers.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.ports.address()
    }

    /// The address of the operations port, if there is one.
    #[must_use]
    pub fn operations_address(&self) -> Option<SocketAddr> {
        self.ports.operations_address()
    }

    /// The ledger being served.
    #[must_use]
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// The principals of the server.
    #[must_use]
    pub fn access(&self) -> &Arc<AccessControl> {
        &self.access
    }

    /// What the server counts.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        self.ledger.metrics()
    }

    /// Serves until `stop` completes, then drains.
    ///
    /// # Errors
    /// [`Unfinished`] if the writer or the store of cursors did not finish in time.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> Result<(), Unfinished> {
        let Self { mut ports, ledger, cursors, access: _ } = self;
        tokio::select! {
            () = stop => {}
            () = ports.broken() => {}
        }
        let end = Instant::now() + DRAIN_DURATION_MAX.saturating_sub(DRAIN_EXIT_DURATION);
        tracing::info!("draining");
        ports.drain().await;
        service::end_trail(&ledger).await;
        let closed = close(ledger, cursors, end).await;
        ports.end().await;
        closed
    }
}

/// Finishes what the writer and the store of cursors have accepted.
async fn close(ledger: Arc<Ledger>, cursors: Arc<Cursors>, end: Instant) -> Result<(), Unfinished> {
    let closed = Arc::clone(&ledger);
    let closing = tokio::task::spawn_blocking(move || {
        let is_finished = closed.close();
        cursors.close();
        is_finished
    });
    match timeout_at(end, closing).await {
        Ok(Ok(true)) => {}
        _ => return Err(Unfinished),
    }
    let left = (end - SNAPSHOT_DRAIN_MARGIN).saturating_duration_since(Instant::now());
    let saving = tokio::task::spawn_blocking(move || ledger.save_snapshot(left));
    // A snapshot that is late is none: the next start replays more.
    let _ = timeout_at(end, saving).await;
    Ok(())
}
