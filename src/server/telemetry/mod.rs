//! Log lines: text on a terminal, JSON lines otherwise (`form.rs`). They go to standard error;
//! results go to standard output.
//!
//! They can go to a collector as well, and traces of calls with them (`otlp/`).
//!
//! A server never waits for the reader of its log lines (`lines.rs`), and a call site gets only so
//! many of them in a second (`limit.rs`): what a caller provokes must not fill a disk. Panics and
//! last words take the same way.

mod form;
mod limit;
mod lines;
pub mod otlp;

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    env,
    io::{Write as _, stderr},
    panic::{self, PanicHookInfo},
    sync::{Arc, OnceLock},
    thread,
};

use parking_lot::Mutex;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer as _,
    filter::FilterExt as _,
    layer::{Context, Filter, SubscriberExt as _},
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

use self::{
    form::Form,
    limit::{Site, SiteLimits, Window},
    lines::Lines,
    otlp::{Otlp, OtlpEndpoint},
};
use super::clock::SystemClock;
use crate::{
    domain::escape::escaped_lines,
    lang::say,
    ledger::clock::Clock as _,
    limits::{LOG_FLUSH_DURATION_MAX, LOG_REPORT_INTERVAL, OTLP_FLUSH_DURATION_MAX},
    metrics::Metrics,
};

/// Variable that filters the log lines, in the syntax of `tracing_subscriber::EnvFilter`.
pub const FILTER_VARIABLE: &str = "TIDU_LOG";
/// The default filter of a server: its own lines, and the errors of the libraries that it uses.
pub const SERVER_FILTER: &str = "tidu=info,error";
/// The default filter of every other command.
const CLIENT_FILTER: &str = "tidu=warn,error";
/// Target of the lines that report about other lines. They have no limit of their own.
const REPORTS: &str = "tidu::log_lines";

/// The log lines of a server. Unset in the process of another command.
static SERVING: OnceLock<Serving> = OnceLock::new();

struct Serving {
    lines: Lines,
    limits: CallSites,
    panics: Mutex<Window>,
    clock: Arc<SystemClock>,
    otlp: Option<Otlp>,
}

/// Starts logging for a command that is not a server. Does nothing if it was started before.
pub fn start() {
    let layer = Form::of_stderr().layer(stderr).with_filter(filter(CLIENT_FILTER));
    // An error means that a subscriber is set already, which serves as well.
    let _ = tracing_subscriber::registry().with(layer).try_init();
}

/// Starts logging for a server: from now on nothing that it says makes it wait. If the thread for
/// that cannot be started, it logs as any other command does.
pub fn start_serving(collector: Option<&OtlpEndpoint>) {
    let Ok(lines) = Lines::start(Box::new(stderr()), LOG_REPORT_INTERVAL, report) else {
        return start();
    };
    let clock = Arc::new(SystemClock::new());
    let limits = CallSites::new(&clock);
    let to = lines.clone();
    let filter = filter(SERVER_FILTER).and(limits.clone());
    let layer = Form::of_stderr().layer(move || to.clone()).with_filter(filter);
    let (otlp, failed) = match collector.map(Otlp::start).transpose() {
        Ok(otlp) => (otlp, None),
        Err(error) => (None, Some(error)),
    };
    let sent = otlp.as_ref().map(|otlp| otlp.layer(CallSites::new(&clock)));
    let layers: Vec<_> = [Some(layer.boxed()), sent].into_iter().flatten().collect();
    let _ = tracing_subscriber::registry().with(layers).try_init();
    if let Some(otlp) = &otlp {
        otlp.begin();
    }
    let panics = Mutex::default();
    if SERVING.set(Serving { lines, limits, panics, clock, otlp }).is_ok() {
        panic::set_hook(Box::new(print_panic));
    }
    if let Some(error) = failed {
        tracing::warn!(%error, "nothing is sent to the collector of otlp_endpoint");
    }
}

fn filter(default: &str) -> EnvFilter {
    EnvFilter::try_from_env(FILTER_VARIABLE).unwrap_or_else(|_| EnvFilter::new(default))
}

/// Refuses a filter that cannot be read, which would otherwise filter as if it was not there.
///
/// # Errors
/// One line that names the variable, its value and the fault.
pub fn require_filter() -> Result<(), String> {
    let Ok(text) = env::var(FILTER_VARIABLE) else { return Ok(()) };
    match EnvFilter::try_new(&text) {
        Ok(_) => Ok(()),
        Err(error) => Err(say!(
            en: "{FILTER_VARIABLE}: {text:?} is not a filter of log lines: {error}; such as info, \
                 or tidu=debug,error",
            zh: "{FILTER_VARIABLE}：{text:?} 不是日志过滤条件：{error}；应如 info 或 tidu=debug,error"
        )),
    }
}

/// Writes a line to standard error. A server does not wait for it, and a failure is ignored: ending
/// over it would hide the message.
pub fn print_error_line(line: &str) {
    match SERVING.get() {
        Some(serving) => serving.lines.send(format!("{line}\n").as_bytes()),
        None => drop(writeln!(stderr().lock(), "{line}")),
    }
}

/// Waits until a server's lines are written, for a moment. To be called before the process ends.
pub fn finish() {
    if let Some(serving) = SERVING.get() {
        if let Some(otlp) = &serving.otlp {
            otlp.finish(OTLP_FLUSH_DURATION_MAX);
        }
        serving.lines.finish(LOG_FLUSH_DURATION_MAX);
    }
}

/// Brings the counts of what nobody got to what they are now: log lines of a server, and what a
/// collector did not take.
pub fn observe(metrics: &Metrics) {
    let Some(serving) = SERVING.get() else { return };
    metrics.log_lines_dropped_total.reach(serving.lines.dropped());
    metrics.log_lines_left_out_total.reach(serving.limits.sites.left_out());
    if let Some(otlp) = &serving.otlp {
        for (signal, dropped) in otlp.dropped() {
            metrics.otlp_dropped_total.with([signal]).reach(dropped);
        }
    }
}

/// Says how many lines are missing. Called once a second by the thread that writes them.
fn report(newly_dropped: u64) {
    if newly_dropped > 0 {
        tracing::warn!(
            target: REPORTS,
            lines = newly_dropped,
            "log lines were dropped, because their reader did not take them"
        );
    }
    let Some(Serving { limits, .. }) = SERVING.get() else { return };
    for (Site { target, file, line }, lines) in limits.sites.take_left_out(limits.clock.monotonic())
    {
        tracing::warn!(
            target: REPORTS,
            lines,
            at = format!("{target} ({file}:{line})"),
            "log lines of one place in the code were left out"
        );
    }
}

/// Prints a panic like the standard hook, without waiting.
fn print_panic(panic: &PanicHookInfo<'_>) {
    let Some(serving) = SERVING.get() else { return };
    if !serving.panics.lock().admits(serving.clock.monotonic()) {
        return;
    }
    let thread = thread::current();
    let name = thread.name().unwrap_or("<unnamed>");
    let place = panic.location().map_or_else(String::new, |location| format!(" at {location}"));
    // It may repeat a text that somebody else chose.
    let message = escaped_lines(panic.payload_as_str().unwrap_or("a value that is not a text"));
    let backtrace = Backtrace::capture();
    let backtrace = match backtrace.status() {
        BacktraceStatus::Captured => format!("\n{backtrace}"),
        _ => String::new(),
    };
    print_error_line(&format!("thread '{name}' panicked{place}:\n{message}{backtrace}"));
}

/// Limits the lines of each call site.
#[derive(Clone)]
struct CallSites {
    sites: Arc<SiteLimits>,
    clock: Arc<SystemClock>,
}

impl CallSites {
    fn new(clock: &Arc<SystemClock>) -> Self {
        Self { sites: Arc::default(), clock: Arc::clone(clock) }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Filter<S> for CallSites {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    fn event_enabled(&self, event: &Event<'_>, _: &Context<'_, S>) -> bool {
        let metadata = event.metadata();
        metadata.target() == REPORTS || self.sites.admits(metadata, self.clock.monotonic())
    }
}
