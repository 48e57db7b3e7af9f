//! The operations port: metrics for scrapers, and probes for whoever starts, stops and watches the
//! server.
//!
//! ```text
//! /          what there is                           page.rs
//! /metrics   values of all metrics                    observe.rs, process.rs
//! /healthz   the server's runtime takes tasks
//! /readyz    an append would be acknowledged      readiness.rs, kept by prober.rs
//! /startupz  the start is over, or how far it is
//! ```
//!
//! It runs on a thread of its own, with a runtime of its own, so that it answers while the server
//! does not. It is up before the log is opened. It changes nothing: a probe records no event.

mod answers;
mod observe;
mod page;
mod port;
mod prober;
mod process;
mod readiness;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    sync::Arc,
    thread,
    time::Duration,
};

use tokio::{
    runtime::{Builder, Handle},
    sync::{Mutex, oneshot},
    time::{Instant, timeout},
};
use tokio_util::sync::{CancellationToken, DropGuard};

pub use self::{
    observe::Observer,
    prober::{SCRATCH, probe},
    process::age,
    readiness::{CHECKS, Check, Findings, Readiness, Replay},
};
use crate::{
    cursors::Cursors,
    ledger::{Ledger, clock::Clock},
    limits::OPERATIONS_END_DURATION_MAX,
    metrics::{Format, Metrics},
    service::{Guard, Phases},
};

/// The parts of the server that the port tells about.
pub struct OperationsOptions {
    /// The phase of the server.
    pub phases: Phases,
    /// What the server counts, with the progress of its start.
    pub metrics: Arc<Metrics>,
    /// The source of time.
    pub clock: Arc<dyn Clock>,
    /// Reads what the log lines and traces count.
    pub telemetry: fn(&Metrics),
    /// The runtime of the server.
    pub runtime: Handle,
    /// The directory of the log, where the scratch file is.
    pub data_dir: PathBuf,
    /// Hosts that requests may name beside localhost and addresses, on a loopback address.
    pub hosts: Vec<String>,
}

/// The port of a server. It ends when this is dropped.
pub struct Operations {
    address: SocketAddr,
    /// The runtime of the port.
    runtime: Handle,
    state: Arc<State>,
    ended: oneshot::Receiver<()>,
    /// Ends the thread.
    stop: DropGuard,
}

/// What the answers are made from.
struct State {
    phases: Phases,
    metrics: Arc<Metrics>,
    observer: Observer,
    main: Handle,
    data_dir: PathBuf,
    hosts: Option<Guard>,
    findings: Arc<Findings>,
    /// Held by the scrape that reads the values.
    scrapes: Arc<Mutex<()>>,
}

/// Why a runtime takes no task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unhealthy {
    /// It has ended.
    Ended,
    /// It has taken none in time.
    Hangs,
}

/// Whether a runtime takes a task within a time. To be asked from outside of it.
///
/// # Errors
/// [`Unhealthy`].
pub async fn takes_tasks(runtime: &Handle, within: Duration) -> Result<(), Unhealthy> {
    match timeout(within, runtime.spawn(std::future::ready(()))).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(Unhealthy::Ended),
        Err(_) => Err(Unhealthy::Hangs),
    }
}

impl Operations {
    /// Listens on an address, and answers from now on.
    ///
    /// # Errors
    /// If the address cannot be listened on, or the thread cannot be started.
    pub fn start(listen: SocketAddr, options: OperationsOptions) -> io::Result<Self> {
        let listener = TcpListener::bind(listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        // Beside the port's own thread: one for scrapes, one for the disk.
        let runtime = Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(2)
            .thread_name("tidu-probe")
            .build()?;
        let handle = runtime.handle().clone();
        let state = Arc::new(State::of(address, options)?);
        let stop = CancellationToken::new();
        let (stopped, for_port) = (stop.clone(), Arc::clone(&state));
        let (tell, ended) = oneshot::channel();
        thread::Builder::new().name("tidu-operations".into()).spawn(move || {
            runtime.block_on(async {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                tokio::select! {
                    () = port::run(listener, for_port) => {}
                    () = stopped.cancelled() => {}
                }
            });
            // A probe that hangs is not waited for.
            runtime.shutdown_background();
            let _ = tell.send(());
        })?;
        Ok(Self { address, runtime: handle, state, ended, stop: stop.drop_guard() })
    }

    /// The address listened on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The findings of the probes so far.
    #[must_use]
    pub fn findings(&self) -> Arc<Findings> {
        Arc::clone(&self.state.findings)
    }

    /// Probes this ledger from now on, and observes it and the cursors. They are not kept alive.
    pub fn probe(&self, ledger: &Arc<Ledger>, cursors: &Arc<Cursors>) {
        self.state.observer.serve(ledger, cursors);
        let (data_dir, findings) = (self.state.data_dir.clone(), Arc::clone(&self.state.findings));
        self.runtime.spawn(probe(Arc::downgrade(ledger), data_dir, findings));
    }

    /// Ends the port, and waits a moment until nothing of it is left.
    pub async fn end(self) {
        drop(self.stop);
        let _ = timeout(OPERATIONS_END_DURATION_MAX, self.ended).await;
    }
}

impl State {
    fn of(address: SocketAddr, options: OperationsOptions) -> io::Result<Self> {
        let OperationsOptions { phases, metrics, clock, telemetry, .. } = options;
        let OperationsOptions { runtime: main, data_dir, hosts, .. } = options;
        let observer = Observer::start(Arc::clone(&metrics), clock, telemetry)?;
        let hosts = address.ip().is_loopback().then(|| Guard::new(&hosts, &[]));
        let (findings, scrapes) = (Arc::default(), Arc::default());
        Ok(Self { phases, metrics, observer, main, data_dir, hosts, findings, scrapes })
    }

    fn readiness(&self, now: Instant) -> Readiness {
        self.findings.readiness(self.phases.now(), self.replay(), now)
    }

    fn replay(&self) -> Replay {
        let (replayed, events) = (&self.metrics.replayed_events, &self.metrics.replay_events);
        let awaited = self.phases.awaited();
        Replay { replayed: replayed.get(), events: events.get(), awaited }
    }

    /// Writes the values down.
    fn scrape(&self, format: Format) -> String {
        let Readiness { ready, checks } = self.readiness(Instant::now());
        self.metrics.ready.set(ready.into());
        for check in checks {
            self.metrics.ready_check.with([check.name]).set(check.ok.into());
        }
        self.metrics.encode(format)
    }
}
