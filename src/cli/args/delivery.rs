//! The arguments of delivery: to a command or to a webhook.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use crate::{
    cli::{CliError, print::eprint_line},
    delivery::{Delivery, ReceiverSettings, Settings},
    lang::say,
    limits::{BATCH_EVENTS_MAX, DELIVERY_DURATION_MAX, DELIVERY_DURATION_MIN, STATE_EVENTS_MAX},
    tls::{ClientFiles, Flags},
};

/// The flags for a receiver with TLS.
const FLAGS: Flags =
    Flags { ca: "--webhook-ca", certificate: "--webhook-cert", key: "--webhook-key" };

/// The receiver, and how to deliver to it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Delivery")]
pub(crate) struct DeliveryArgs {
    /// Run this with sh for each event, a CloudEvent as JSON on standard input; exit status 0
    /// means that it took the event
    #[arg(long, value_name = "COMMAND", group = "hook", requires = "state")]
    exec: Option<String>,
    /// POST each event to this URL as a signed CloudEvent in JSON; 2xx means that the receiver
    /// took the event
    #[arg(long, value_name = "URL", group = "hook", requires = "state")]
    webhook: Option<String>,
    /// File with the signing secret [default: TIDU_WEBHOOK_SECRET in the environment]
    #[arg(long, value_name = "FILE", requires = "webhook")]
    webhook_secret_file: Option<PathBuf>,
    /// CAs that may have signed the receiver's certificate, in PEM [default: the system's]
    #[arg(long, value_name = "FILE", requires = "webhook")]
    webhook_ca: Option<PathBuf>,
    /// Client certificate for a receiver that asks for one, in PEM; may hold its key as well
    #[arg(long, value_name = "FILE", requires = "webhook")]
    webhook_cert: Option<PathBuf>,
    /// Key of that certificate, in PEM; nobody else may be able to read it (chmod 600)
    #[arg(long, value_name = "FILE", requires = "webhook_cert")]
    webhook_key: Option<PathBuf>,
    /// File that keeps the position of delivery; created if missing
    #[arg(long, value_name = "FILE", requires = "hook")]
    state: Option<PathBuf>,
    /// Deliver batches of up to this many events, of those that are there; a batch is taken as a
    /// whole [default: single events]
    #[arg(long, value_name = "COUNT", requires = "hook",
        value_parser = clap::value_parser!(u32).range(1..=i64::from(BATCH_EVENTS_MAX)))]
    batch_size: Option<u32>,
    /// Deliver each title that expires, too: after midnight in Shanghai, as an event of type
    /// tidu.derived.title-expired.v1, which is not on record; days that were missed are caught up
    #[arg(long, requires = "hook")]
    pub(crate) expiries: bool,
    /// Write the state file after this number of events, so that a crash repeats no more of them
    /// [default: 1000]
    #[arg(long, value_name = "COUNT", requires = "hook",
        value_parser = clap::value_parser!(u32).range(1..=i64::from(STATE_EVENTS_MAX)))]
    sync_events: Option<u32>,
    /// Write the state file after this time [default: 100ms]
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "hook")]
    sync_interval: Option<Duration>,
    /// Longest attempt [default: 30s for a webhook, 10m for a command]
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "hook")]
    attempt_timeout: Option<Duration>,
    /// Shortest pause before an event is offered again; pauses grow and are random [default: 1s]
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "hook")]
    retry_min: Option<Duration>,
    /// Longest pause, unless the receiver asks for more [default: 1m]
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "hook")]
    retry_max: Option<Duration>,
    /// Fail after this number of attempts for one event [default: no limit]
    #[arg(long, value_name = "COUNT", requires = "hook",
        value_parser = clap::value_parser!(u32).range(1..))]
    attempts: Option<u32>,
}

/// Reads a duration from the command line.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let read: SignedDuration =
        text.parse().map_err(|_| {
            say!(en: "write a duration such as 500ms, 30s or 5m", zh: "时长请写成 500ms、30s 或 5m")
        })?;
    let duration = Duration::try_from(read).unwrap_or_default();
    if (DELIVERY_DURATION_MIN..=DELIVERY_DURATION_MAX).contains(&duration) {
        return Ok(duration);
    }
    let hours = DELIVERY_DURATION_MAX.as_secs() / 3_600;
    Err(say!(
        en: "must be {DELIVERY_DURATION_MIN:?} to {hours} h",
        zh: "应为 {DELIVERY_DURATION_MIN:?} 至 {hours} 小时"
    ))
}

impl DeliveryArgs {
    /// The delivery asked for, if one is.
    pub(crate) fn open(self, stop: CancellationToken) -> Result<Option<Delivery>, CliError> {
        let receiver = match (self.exec, self.webhook) {
            (Some(line), _) => ReceiverSettings::Command(line),
            (None, Some(url)) => ReceiverSettings::Webhook {
                url,
                secret_file: self.webhook_secret_file,
                tls: ClientFiles {
                    ca: self.webhook_ca,
                    certificate: self.webhook_cert,
                    key: self.webhook_key,
                    flags: &FLAGS,
                },
            },
            (None, None) => return Ok(None),
        };
        let settings = Settings {
            receiver,
            state: self.state.unwrap_or_default(),
            sync_events: self.sync_events,
            sync_interval: self.sync_interval,
            batch_size: self.batch_size,
            expiries: self.expiries,
            attempt_timeout: self.attempt_timeout,
            retry_min: self.retry_min,
            retry_max: self.retry_max,
            attempts_max: self.attempts,
        };
        let report = |line: &str| eprint_line(&format!("tidu: {line}"));
        Ok(Some(Delivery::open(settings, stop, report)?))
    }
}
