//! `tidu serve`.

use std::{path::PathBuf, pin::pin, process, sync::mpsc, thread};

use clap::Args;
use tokio::time::timeout;

use crate::{
    cli::{
        CliError,
        print::{eprint_line, print_text},
        stop::{drain_signal, no_signals},
    },
    lang::say,
    ledger::Failure,
    limits::{ANNOUNCE_DURATION_MAX, EXIT_GRACE, FAILURE_NOTE_DURATION_MAX},
    register::RulesBook,
    server::{
        Manager, Server, StartError,
        config::{Config, FollowStopped, ServerSettings},
        failures::Failures,
        telemetry,
    },
};

/// The exit code after a failure of the log (EX_IOERR of sysexits.h).
const EXIT_LOG_FAILED: i32 = 74;
/// The exit code after a flush that found the disk full (EX_CANTCREAT of sysexits.h).
const EXIT_DISK_FULL: i32 = 73;

/// The sources of settings, in their order.
pub(super) const SETTINGS_HELP: &str = "\
Settings come from flags, then from the environment (TIDU_LISTEN, TIDU_DATA_DIR, TIDU_CATALOGUE,
TIDU_INSECURE, TIDU_WEB_ORIGINS='[\"https://register.example\"]', TIDU_HOSTS, TIDU_CONNECTIONS,
TIDU_QUESTIONS, TIDU_EVENTS_PER_SECOND, TIDU_DISK_RESERVE_BYTES, TIDU_SNAPSHOT_EVENTS,
TIDU_SLOW_COMMIT_MS, TIDU_OPERATIONS_LISTEN, TIDU_AUDIT_SINKS='[\"audit.jsonl\"]',
TIDU_OTLP_ENDPOINT, TIDU_OTLP_SAMPLE_RATIO, TIDU_TLS_CERT, TIDU_TLS_KEY, TIDU_TLS_CLIENT_CA,
TIDU_TLS_CLIENT_CRL='[\"crl.pem\"]', TIDU_GATEWAY_SOCKETS, TIDU_FOLLOW='[\"https://a.example:1\"]',
TIDU_FOLLOW_APPENDS, TIDU_FOLLOW_STOPPED, TIDU_FOLLOW_TOKEN_FILE, TIDU_FOLLOW_TLS_CA,
TIDU_FOLLOW_TLS_CERT, TIDU_FOLLOW_TLS_KEY, TIDU_FOLLOW_LAG_EVENTS, TIDU_FOLLOW_LAG_SECONDS), then
from tidu.toml (the same names in lower case, without TIDU_), then from defaults.

Log lines go to standard error. TIDU_LOG filters them, such as info or tidu=debug [default:
tidu=info,error]. A server never waits for their reader: it drops lines and says how many. One place
in the code writes at most ten lines a second. A commit that is refused or slow, a call that fails
and a stream that the server ends get a line each. With --otlp-endpoint a collector gets them too,
and traces of calls; the server never waits for it either.

On a loopback address, requests must name localhost, an address, or a host that --host allows. So a
web page that is open on this machine cannot call the server through a name of its own.";

/// Only `serve` runs until a signal.
const DRAIN_HELP: &str = "\
One port serves gRPC and gRPC-Web. Another one, the operations port, answers over HTTP: /metrics for
Prometheus, /healthz, /readyz and /startupz for probes. Both are up before the log is replayed.
Until then health and reflection answer, and other calls are refused with UNAVAILABLE/STARTING.

SIGTERM and SIGINT drain the server: streams end with UNAVAILABLE/DRAINING, accepted commits are
finished, and the process exits within ten seconds: with 0 if all is finished, with 75 if not. A
second signal ends it at once. If the log fails, the process exits with 74 and acknowledges no more
commits; with 73, if a full disk is the cause. Remove the cause, then start it again. After three
failures within ten minutes a start serves reads only, until the server is stopped with SIGTERM and
started again.

While the disk has less free space than --disk-reserve-bytes, appends are refused with DISK_LOW and
reads go on, also after a start.

With --follow this server keeps a verified copy of another one's log, serves it, and hands writes
on. A directory that has followed is not served without --follow until tidu promote.";

#[derive(Debug, Args)]
#[command(after_help = format!("{SETTINGS_HELP}\n\n{DRAIN_HELP}"))]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    settings: ServerSettings,
    /// Configuration file [default: tidu.toml, if it exists]
    #[arg(long)]
    config: Option<PathBuf>,
}

fn config(args: &ServeArgs) -> Result<Config, CliError> {
    Config::load(&args.settings, args.config.as_deref())
        .map_err(|e| CliError::Message(e.to_string()))
}

/// `tidu config`.
pub(super) fn print_config(args: &ServeArgs) -> Result<(), CliError> {
    let text = toml::to_string(&config(args)?).map_err(|e| CliError::Message(e.to_string()))?;
    print_text(text.trim_end())
}

pub(super) async fn run(args: &ServeArgs) -> Result<(), CliError> {
    let config = config(args)?;
    let collector = config.otlp().map_err(|e| CliError::Message(e.to_string()))?;
    telemetry::require_filter().map_err(CliError::Message)?;
    telemetry::start_serving(collector.as_ref());
    let failures = Failures::of(&config.data_dir);
    let of_failed = failures.clone();
    let failed = move |why: &Failure| end_after_failure(&of_failed, why);
    // A replay can take long: a signal ends it in time, too.
    let stop = drain_signal().map_err(|e| CliError::Io(no_signals().to_owned(), e))?;
    let mut stop = pin!(stop);
    let (rules, manager) = (RulesBook::RELEASED, Manager::of_environment());
    let opened = Server::open_unless(&config, rules, failed, manager, stop.as_mut()).await;
    let server = match opened {
        Ok(server) => server,
        Err(StartError::Stopped) => {
            tracing::info!("stopped before the log was open");
            return Ok(());
        }
        Err(error @ StartError::NoLeader(_)) => {
            return Err(CliError::Unanswered(error.to_string()));
        }
        Err(error) => return Err(CliError::Message(error.to_string())),
    };
    let mut leader = server.ledger().contact();
    let address = server.address();
    let operations = server.operations_address().map(|address| format!("http://{address}"));
    let (log_id, size) = (server.ledger().log_id(), server.ledger().durable().size);
    tracing::info!(%address, operations, %log_id, log_size = size, "serving");
    let scheme = if config.has_tls() { "https" } else { "http" };
    let at = format!("{scheme}://{address}");
    let mut text = say!(
        en: "tidu is listening on {at} (log {log_id}, {size} events)",
        zh: "tidu 正在监听 {at} （日志 {log_id}，{size} 个事件）"
    );
    if let Some(operations) = operations {
        text.push_str(&say!(
            en: "\ntidu answers operations on {operations}", zh: "\n运维端口：{operations}"
        ));
    }
    announce(text).await?;
    let mut stopped = leader.clone();
    let end = async {
        tokio::select! {
            () = stop.as_mut() => {}
            Ok(_) = stopped.wait_for(|leader| leader.stop().is_some()),
                if config.follow_stopped == FollowStopped::Exit => {}
        }
    };
    server.serve(end).await.map_err(CliError::Unfinished)?;
    // The next start is an ordinary one.
    failures.clear();
    tracing::info!("stopped");
    let leader = leader.borrow_and_update();
    let stop = leader.stop().map(|(cause, why)| (cause, leader.leader.clone(), why.to_owned()));
    stop.map_or(Ok(()), |stop| Err(CliError::StoppedFollowing(Box::new(stop))))
}

/// Prints that the server is ready. It does not wait long for a reader who takes nothing: standard
/// output and the log lines may go to one pipe.
async fn announce(text: String) -> Result<(), CliError> {
    let printing = tokio::task::spawn_blocking(move || print_text(&text));
    match timeout(ANNOUNCE_DURATION_MAX, printing).await {
        Ok(Ok(printed)) => printed,
        Ok(Err(_)) | Err(_) => {
            tracing::warn!("nobody reads the standard output");
            Ok(())
        }
    }
}

/// Says why the ledger failed, notes it for the next start, and ends the process. Callers of the
/// failed commits get their error first.
fn end_after_failure(failures: &Failures, why: &Failure) {
    let code = match why {
        Failure::DiskFull(_) => EXIT_DISK_FULL,
        Failure::Log(_) => EXIT_LOG_FAILED,
    };
    tracing::error!(%why, "the log failed; nothing more is acknowledged");
    eprint_line(&say!(
        en: "tidu: the log failed, the process ends: {why}",
        zh: "tidu：日志故障，进程结束：{why}"
    ));
    let (noted, is_noted) = mpsc::channel();
    let failures = failures.clone();
    let note = move || {
        failures.note(code);
        let _ = noted.send(());
    };
    let end = move || {
        // The disk that failed may keep the note waiting for ever.
        let noting = thread::Builder::new().spawn(note);
        thread::sleep(EXIT_GRACE);
        if noting.is_ok() {
            let _ = is_noted.recv_timeout(FAILURE_NOTE_DURATION_MAX);
        }
        telemetry::finish();
        process::exit(code)
    };
    if thread::Builder::new().spawn(end).is_err() {
        process::exit(code);
    }
}
