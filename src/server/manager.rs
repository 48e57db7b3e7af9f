//! Tells the service manager of the machine, such as systemd, how the server is.
//!
//! ```text
//! starting  STATUS=how far the replay is, EXTEND_TIMEOUT_USEC while it gets on
//! serving   READY=1 once the port serves, STATUS=events and streams, WATCHDOG=1 while healthy
//! draining  STOPPING=1, WATCHDOG=1 while healthy
//! ```
//!
//! It runs on a thread of its own, so that it can fall silent when the server hangs: then the
//! manager ends the process and starts another one. A disk that is full or slow is no reason for
//! that. A restart would not make room, and reads go on.

use std::{
    io,
    sync::{Arc, OnceLock, Weak},
    thread,
    time::Duration,
};

use sd_notify::NotifyState;
use tokio::{
    runtime::{Builder, Handle},
    sync::watch,
    time::{Instant, sleep_until},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::progress::{Meter, Progress};
use crate::{
    ledger::{Ledger, Unread},
    limits::{
        HEALTH_DURATION_MAX, MANAGER_EXTENSION, MANAGER_INTERVAL, MANAGER_OPENING_MAX,
        MANAGER_STATUS_INTERVAL,
    },
    metrics::Metrics,
    operations::{self, Findings},
    service::{Phase, Phases},
};

/// The series of open subscriptions.
const SUBSCRIBE: &str = "tidu.v1.LedgerService/Subscribe";

type Tell = Box<dyn Fn(&[NotifyState<'_>]) -> io::Result<()> + Send>;

/// A service manager that listens.
pub struct Manager {
    tell: Tell,
    /// It ends a process from which it hears nothing for so long.
    watchdog: Option<Duration>,
}

impl Manager {
    /// The one that has started this process, by its environment: `NOTIFY_SOCKET`, and
    /// `WATCHDOG_USEC` with `WATCHDOG_PID`.
    #[must_use]
    pub fn of_environment() -> Option<Self> {
        std::env::var_os("NOTIFY_SOCKET")?;
        let watchdog = sd_notify::watchdog_enabled().filter(|watchdog| !watchdog.is_zero());
        Some(Self { tell: Box::new(sd_notify::notify), watchdog })
    }

    /// One that hears the states through a function.
    #[must_use]
    pub fn hearing(
        tell: impl Fn(&[NotifyState<'_>]) -> io::Result<()> + Send + 'static,
        watchdog: Option<Duration>,
    ) -> Self {
        Self { tell: Box::new(tell), watchdog }
    }
}

/// Tells a manager about a server, until this is dropped.
pub(super) struct Reports {
    ledger: Arc<OnceLock<Weak<Ledger>>>,
    _stop: DropGuard,
}

/// The server, as far as a manager hears of it.
struct Reporter {
    manager: Manager,
    phase: watch::Receiver<Phase>,
    metrics: Arc<Metrics>,
    /// The runtime of the server.
    main: Handle,
    /// Findings of the probes of the operations port, if there is one.
    findings: Option<Arc<Findings>>,
    ledger: Arc<OnceLock<Weak<Ledger>>>,
    meter: Meter,
    began: Instant,
    /// Events that were replayed at the last look.
    replayed: u64,
    /// The status told last, and when.
    told: Option<(String, Instant)>,
    is_told_ready: bool,
    is_told_stopping: bool,
    /// It was said that the manager does not hear.
    is_deaf: bool,
}

impl Reports {
    /// Tells `manager` from now on about the server that runs on this runtime.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub(super) fn start(
        manager: Manager,
        phases: &Phases,
        metrics: &Arc<Metrics>,
        findings: Option<Arc<Findings>>,
    ) -> io::Result<Self> {
        let ledger = Arc::<OnceLock<Weak<Ledger>>>::default();
        let reporter = Reporter {
            manager,
            phase: phases.follow(),
            metrics: Arc::clone(metrics),
            main: Handle::current(),
            findings,
            ledger: Arc::clone(&ledger),
            meter: Meter::default(),
            began: Instant::now(),
            replayed: 0,
            told: None,
            is_told_ready: false,
            is_told_stopping: false,
            is_deaf: false,
        };
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let runtime = Builder::new_current_thread().enable_time().build()?;
        thread::Builder::new().name("tidu-manager".into()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = reporter.run() => {}
                    () = stopped.cancelled() => {}
                }
            });
        })?;
        Ok(Self { ledger, _stop: stop.drop_guard() })
    }

    /// Tells of this ledger too. It is not kept alive.
    pub(super) fn serve(&self, ledger: &Arc<Ledger>) {
        // It is set once.
        let _ = self.ledger.set(Arc::downgrade(ledger));
    }
}

impl Reporter {
    async fn run(mut self) {
        // Half of the watchdog's time, so that one late message is not the end.
        let half = self.manager.watchdog.map(|watchdog| watchdog / 2);
        let interval = half.map_or(MANAGER_INTERVAL, |half| half.min(MANAGER_INTERVAL));
        loop {
            let next = Instant::now() + interval;
            let phase = *self.phase.borrow_and_update();
            self.report(phase, Instant::now());
            if half.is_some() && phase != Phase::Starting && self.is_healthy(interval).await {
                self.tell(&[NotifyState::Watchdog]);
            }
            tokio::select! {
                changed = self.phase.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
                () = sleep_until(next) => {}
            }
        }
    }

    /// Tells what has changed since the last report.
    fn report(&mut self, phase: Phase, now: Instant) {
        match phase {
            Phase::Starting => {
                let progress = self.meter.look(&self.metrics, now);
                if self.gets_on(&progress, now) {
                    let more = u32::try_from(MANAGER_EXTENSION.as_micros()).unwrap_or(u32::MAX);
                    self.tell(&[NotifyState::ExtendTimeoutUsec(more)]);
                }
                self.status(progress.to_string(), now, MANAGER_INTERVAL);
            }
            Phase::Serving => {
                if !std::mem::replace(&mut self.is_told_ready, true) {
                    self.told = None;
                    self.tell(&[NotifyState::Ready]);
                }
                self.status(self.serving(), now, MANAGER_STATUS_INTERVAL);
            }
            Phase::Draining => {
                if !std::mem::replace(&mut self.is_told_stopping, true) {
                    self.tell(&[NotifyState::Stopping, NotifyState::Status("draining")]);
                }
            }
        }
    }

    /// Whether a start gets on. The store is opened by one call, which tells nothing: so that has a
    /// time.
    fn gets_on(&mut self, progress: &Progress, now: Instant) -> bool {
        let before = std::mem::replace(&mut self.replayed, progress.replayed);
        let is_opening = progress.events == 0 && now - self.began < MANAGER_OPENING_MAX;
        is_opening || progress.replayed > before
    }

    /// A short line about a server that serves.
    fn serving(&self) -> String {
        let ledger = self.ledger.get().and_then(Weak::upgrade);
        let (events, Unread { trusted, verified }) =
            ledger.map_or_else(Default::default, |it| (it.durable().size, it.unread()));
        let streams = self.metrics.streams.with([SUBSCRIBE]).get();
        let mut text = format!("serving {events} events, {streams} subscriptions");
        if verified < trusted {
            text.push_str(&format!("; {verified} of {trusted} events verified"));
        }
        text
    }

    /// Tells a status that differs from the last one, unless that is younger than `pause`.
    fn status(&mut self, status: String, now: Instant, pause: Duration) {
        let is_due =
            self.told.as_ref().is_none_or(|(last, at)| *last != status && *at + pause <= now);
        if is_due {
            self.tell(&[NotifyState::Status(&status)]);
            self.told = Some((status, now));
        }
    }

    /// The runtime of the server takes a task in time, and its writer has not been stuck for long.
    async fn is_healthy(&self, within: Duration) -> bool {
        let within = within.min(HEALTH_DURATION_MAX);
        let is_stuck = |findings: &Arc<Findings>| findings.writer_is_stuck(Instant::now());
        !self.findings.as_ref().is_some_and(is_stuck)
            && operations::takes_tasks(&self.main, within).await.is_ok()
    }

    /// A manager that does not hear is no reason to end.
    fn tell(&mut self, states: &[NotifyState<'_>]) {
        if let Err(error) = (self.manager.tell)(states)
            && !std::mem::replace(&mut self.is_deaf, true)
        {
            tracing::warn!(%error, "the service manager does not hear how the server is");
        }
    }
}
