//! The ports of a server: they are up before the log is opened, and answer until the end.
//!
//! ```text
//! opening   health and reflection answer; every other call learns that the server starts
//! serving   the whole API answers, on the connections that are there as well
//! draining  no connection is taken; those that are there finish their calls
//! ```

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
};

use tokio::{net::TcpListener, runtime::Handle, time::timeout};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use super::{
    StartError, accept,
    clock::SystemClock,
    config::Config,
    connection::Serving,
    descriptors,
    gateway::Gateway,
    manager::{Manager, Reports},
    places::Places,
    telemetry,
    tls::Tls,
};
use crate::{
    cursors::Cursors,
    ledger::Ledger,
    limits::{
        ANSWERS_UNTAKEN_BYTES_MAX, ANSWERS_UNTAKEN_OF_PARTY_BYTES_MAX, CONNECTIONS_OF_ADDRESS_MAX,
        DRAIN_CONNECTIONS_DURATION_MAX,
    },
    metrics::Metrics,
    operations::{Operations, OperationsOptions},
    service::{self, Api, ApiSettings, Phase, Phases, Shares},
};

/// The API of a server: one while its log is opened, another one from then on.
pub(super) struct Apis {
    starting: Api,
    serving: OnceLock<Api>,
}

impl Apis {
    pub(super) fn new(starting: Api) -> Arc<Self> {
        Arc::new(Self { starting, serving: OnceLock::new() })
    }

    /// The one that answers now.
    pub(super) fn now(&self) -> &Api {
        self.serving.get().unwrap_or(&self.starting)
    }
}

/// The ports. They drain when this is dropped.
pub(super) struct Ports {
    address: SocketAddr,
    operations: Option<Operations>,
    pub(super) phases: Phases,
    apis: Arc<Apis>,
    connections: TaskTracker,
    /// Takes connections; has the listener.
    accepting: AbortOnDropHandle<()>,
    /// Take connections of gateways, and look after the files of TLS.
    beside: Vec<AbortOnDropHandle<()>>,
    /// Tell the service manager, if there is one.
    reports: Option<Reports>,
}

impl Ports {
    /// Listens, and answers from now on.
    pub(super) async fn listen(
        config: &Config,
        settings: ApiSettings,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, StartError> {
        let places = descriptors::room_for(config.connections)?;
        let phases = Phases::new();
        let operations = operations_port(config, &phases, metrics)?;
        let tls = tls_of(config, &settings, metrics)?;
        let failed = |source| StartError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let apis = Apis::new(service::starting(settings, &phases, metrics)?);
        let untaken = Shares::new(ANSWERS_UNTAKEN_BYTES_MAX, ANSWERS_UNTAKEN_OF_PARTY_BYTES_MAX);
        let serving = Serving {
            apis: Arc::clone(&apis),
            drain: phases.drain(),
            untaken,
            metrics: Arc::clone(metrics),
        };
        let places = Places::new(places, CONNECTIONS_OF_ADDRESS_MAX, metrics);
        let connections = TaskTracker::new();
        let mut beside = Vec::new();
        for socket in &config.gateway_sockets {
            let path = socket.path().to_path_buf();
            let failed = |source| StartError::ListenGateway { path, source };
            let gateway = Gateway::listen(socket).map_err(failed)?;
            let run = gateway.run(Arc::clone(&places), serving.clone(), connections.clone());
            beside.push(AbortOnDropHandle::new(tokio::spawn(run)));
        }
        if let Some(tls) = &tls {
            beside.push(AbortOnDropHandle::new(tokio::spawn(Arc::clone(tls).watch())));
        }
        let taken = connections.clone();
        let accept =
            async move { accept::run(&listener, &places, &serving, tls.as_ref(), &taken).await };
        let accepting = AbortOnDropHandle::new(tokio::spawn(accept));
        let reports = None;
        Ok(Self { address, operations, phases, apis, connections, accepting, beside, reports })
    }

    /// Tells a service manager how the server is, from now on. It is not told if there is no
    /// thread for it: the server can do without.
    pub(super) fn report_to(&mut self, manager: Manager, metrics: &Arc<Metrics>) {
        let findings = self.operations.as_ref().map(Operations::findings);
        match Reports::start(manager, &self.phases, metrics, findings) {
            Ok(reports) => self.reports = Some(reports),
            Err(error) => tracing::warn!(%error, "the service manager is not told"),
        }
    }

    /// The address for callers.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of the operations port, if there is one.
    pub(super) fn operations_address(&self) -> Option<SocketAddr> {
        self.operations.as_ref().map(Operations::address)
    }

    /// Answers with the whole API from now on, and probes the ledger.
    pub(super) fn serve(&self, api: Api, ledger: &Arc<Ledger>, cursors: &Arc<Cursors>) {
        // It is set once.
        let _ = self.apis.serving.set(api);
        if let Some(operations) = &self.operations {
            operations.probe(ledger, cursors);
        }
        if let Some(reports) = &self.reports {
            reports.serve(ledger);
        }
        self.phases.enter(Phase::Serving);
    }

    /// Runs something beside the connections, until the drain.
    pub(super) fn run(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.beside.push(AbortOnDropHandle::new(tokio::spawn(task)));
    }

    /// Completes if no more connections are taken, which only a fault of the server causes.
    pub(super) async fn broken(&mut self) {
        // How it ended does not matter.
        let _ = (&mut self.accepting).await;
    }

    /// Takes no more connections, and waits until those that are there have finished their calls.
    /// The operations port stays up.
    pub(super) async fn drain(&mut self) {
        if !self.accepting.is_finished() {
            self.accepting.abort();
            self.broken().await;
        }
        self.beside.clear();
        self.phases.enter(Phase::Draining);
        self.connections.close();
        if timeout(DRAIN_CONNECTIONS_DURATION_MAX, self.connections.wait()).await.is_err() {
            tracing::warn!(left = self.connections.len(), "connections did not finish in time");
        }
    }

    /// Ends the operations port as well.
    pub(super) async fn end(mut self) {
        if let Some(operations) = self.operations.take() {
            operations.end().await;
        }
    }
}

impl Drop for Ports {
    fn drop(&mut self) {
        // Connections and streams end by it, also after a start that failed.
        self.phases.enter(Phase::Draining);
    }
}

/// TLS of the port for callers, if the settings name its files.
fn tls_of(
    config: &Config,
    settings: &ApiSettings,
    metrics: &Arc<Metrics>,
) -> Result<Option<Arc<Tls>>, StartError> {
    let Some(files) = config.tls_files() else { return Ok(None) };
    let access = Arc::clone(&settings.access);
    let others = Arc::new(move || access.takes_other_credentials());
    let problem = Arc::clone(&settings.tls_problem);
    Ok(Some(Tls::start(files, others, problem, Arc::clone(metrics))?))
}

fn operations_port(
    config: &Config,
    phases: &Phases,
    metrics: &Arc<Metrics>,
) -> Result<Option<Operations>, StartError> {
    let Some(address) = config.operations_listen.address() else { return Ok(None) };
    let options = OperationsOptions {
        phases: phases.clone(),
        metrics: Arc::clone(metrics),
        clock: Arc::new(SystemClock::new()),
        telemetry: telemetry::observe,
        runtime: Handle::current(),
        data_dir: config.data_dir.clone(),
        hosts: config.hosts.clone(),
    };
    let started = Operations::start(address, options);
    started.map(Some).map_err(|source| StartError::ListenOperations { address, source })
}
