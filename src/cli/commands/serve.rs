//! `tidu serve`.

use std::{path::PathBuf, process, thread};

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    cli::{
        CliError,
        print::{eprint_line, print_line, print_text},
    },
    limits::EXIT_GRACE,
    register::RulesBook,
    server::{
        Server,
        config::{Config, ServerSettings},
    },
};

/// The exit code after a failure of the log (EX_IOERR of sysexits.h).
const EXIT_LOG_FAILED: i32 = 74;

/// The sources of settings, in their order.
pub(super) const SETTINGS_HELP: &str = "\
Settings come from flags, then from the environment (TIDU_LISTEN, TIDU_DATA_DIR, TIDU_CATALOGUE,
TIDU_INSECURE, TIDU_WEB_ORIGINS='[\"https://register.example\"]'), then from tidu.toml (listen,
data_dir, catalogue, insecure, web_origins), then from defaults. TIDU_LOG sets the log level, such
as info or tidu=debug.";

/// Only `serve` runs until a signal.
const DRAIN_HELP: &str = "\
One port serves gRPC and gRPC-Web.

SIGTERM and SIGINT drain the server: streams end with UNAVAILABLE/DRAINING, accepted commits are
finished, and the process exits with 0 within ten seconds. If the log fails, the process exits with
74 and acknowledges no more commits. Remove the cause, then start it again.";

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
    let failed = |why: &str| {
        tracing::error!(why, "the log failed; nothing more is acknowledged");
        eprint_line(&format!("tidu: the log failed, the process ends: {why}"));
        // Callers of the failed commits get their error first.
        let end = || {
            thread::sleep(EXIT_GRACE);
            process::exit(EXIT_LOG_FAILED)
        };
        if thread::Builder::new().spawn(end).is_err() {
            process::exit(EXIT_LOG_FAILED);
        }
    };
    let server = Server::open(&config, RulesBook::RELEASED, failed).await;
    let server = server.map_err(|e| CliError::Message(e.to_string()))?;
    let address =
        server.address().map_err(|e| CliError::Io("cannot tell the address".to_owned(), e))?;
    let stop =
        stop_signal().map_err(|e| CliError::Io("cannot listen for signals".to_owned(), e))?;
    let (log_id, size) = (server.ledger().log_id(), server.ledger().durable().size);
    tracing::info!(%address, %log_id, log_size = size, "serving");
    print_line(&format!("tidu is listening on http://{address} (log {log_id}, {size} events)"))?;
    server.serve(stop).await;
    tracing::info!("stopped");
    Ok(())
}

/// Completes at SIGTERM or SIGINT.
pub(super) fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
