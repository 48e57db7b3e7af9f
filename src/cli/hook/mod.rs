//! Delivery to systems that speak no gRPC: `tidu watch --exec` and `tidu watch --webhook`.
//!
//! One event at a time, in the order of the log. An event that is not taken is offered again, and nothing after it is
//! offered before; none is ever skipped. When it is taken, the place after it becomes durable in the state file, then
//! comes the next one. What a crash can cause is that the last event is offered once more.

mod command;
mod event;
mod place;
mod signature;
mod webhook;

use std::{path::PathBuf, time::Duration};

use clap::Args;
use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use self::{
    command::Command, event::CloudEvent, place::Place, signature::Secrets, webhook::Webhook,
};
use super::{CliError, client, json::Json, pause::Pause, text::complain};
use crate::{
    domain::limits::{
        COMMAND_DURATION_DEFAULT, HOOK_DURATION_MAX, HOOK_DURATION_MIN, HOOK_RETRY_MAX_DEFAULT,
        HOOK_RETRY_MIN_DEFAULT, WEBHOOK_DURATION_DEFAULT, WEBHOOK_RETRY_AFTER_MAX,
    },
    pb,
    wire::LeafBatch,
};

/// The flags of delivery.
#[derive(Debug, Args)]
#[command(next_help_heading = "Delivery")]
pub(super) struct HookArgs {
    /// Run this with sh for each event: a CloudEvent as JSON on standard input; status 0 = taken
    #[arg(long, value_name = "COMMAND", group = "hook", requires = "state")]
    exec: Option<String>,
    /// POST each event to this URL as a signed CloudEvent in JSON; 2xx = taken
    #[arg(long, value_name = "URL", group = "hook", requires = "state")]
    webhook: Option<String>,
    /// File with the secret that signs [default: TIDU_WEBHOOK_SECRET in the environment]
    #[arg(long, value_name = "FILE", requires = "webhook")]
    webhook_secret_file: Option<PathBuf>,
    /// File that keeps how far delivery has come; made if it is not there
    #[arg(long, value_name = "FILE", requires = "hook")]
    state: Option<PathBuf>,
    /// How long one attempt may take [default: 30s for a webhook, 10m for a command]
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "hook")]
    attempt_timeout: Option<Duration>,
    /// First pause before an event is offered again; it doubles [default: 1s]
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "hook")]
    retry_min: Option<Duration>,
    /// Longest pause, unless the receiver asks for more [default: 1m]
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "hook")]
    retry_max: Option<Duration>,
    /// End with an error after so many attempts for one event [default: go on for ever]
    #[arg(long, value_name = "COUNT", requires = "hook",
        value_parser = clap::value_parser!(u32).range(1..))]
    attempts: Option<u32>,
}

/// Reads a duration from the command line.
fn duration(text: &str) -> Result<Duration, String> {
    let read: SignedDuration =
        text.parse().map_err(|_| "is no duration, such as 500ms, 30s or 5m".to_owned())?;
    let duration = Duration::try_from(read).unwrap_or_default();
    if (HOOK_DURATION_MIN..=HOOK_DURATION_MAX).contains(&duration) {
        return Ok(duration);
    }
    Err(format!("takes {HOOK_DURATION_MIN:?} to {} h", HOOK_DURATION_MAX.as_secs() / 3_600))
}

impl HookArgs {
    /// The hook that is asked for, if one is.
    pub(super) fn open(self, stop: CancellationToken) -> Result<Option<Hook>, CliError> {
        let timeout = self.attempt_timeout;
        let receiver = match (self.exec, self.webhook) {
            (Some(line), _) => {
                let duration_max = timeout.unwrap_or(COMMAND_DURATION_DEFAULT);
                Receiver::Command(Command { line, duration_max })
            }
            (None, Some(url)) => {
                let secrets = Secrets::load(self.webhook_secret_file.as_deref())?;
                let duration_max = timeout.unwrap_or(WEBHOOK_DURATION_DEFAULT);
                Receiver::Webhook(Box::new(Webhook::new(&url, secrets, duration_max)?))
            }
            (None, None) => return Ok(None),
        };
        // Who names one of the two need not name the other.
        let (min, max) = (self.retry_min, self.retry_max);
        let retry_min = min.unwrap_or(HOOK_RETRY_MIN_DEFAULT.min(max.unwrap_or(Duration::MAX)));
        let retry_max = max.unwrap_or(HOOK_RETRY_MAX_DEFAULT.max(retry_min));
        if retry_min > retry_max {
            return Err(CliError::Said("--retry-min is longer than --retry-max".to_owned()));
        }
        let state = self.state.unwrap_or_default();
        Ok(Some(Hook {
            receiver,
            place: Place::open(&state)?,
            json: Json::new()?,
            retry_min,
            retry_max,
            attempts_max: self.attempts,
            stop,
        }))
    }
}

/// Delivers events.
pub(super) struct Hook {
    receiver: Receiver,
    place: Place,
    json: Json,
    retry_min: Duration,
    retry_max: Duration,
    attempts_max: Option<u32>,
    /// Asks it to end between two attempts.
    stop: CancellationToken,
}

/// Who takes events.
enum Receiver {
    Command(Command),
    Webhook(Box<Webhook>),
}

/// What came of offering an event.
enum Answer {
    Taken,
    NotTaken {
        why: String,
        /// When the receiver wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// The receiver wants no more events at all.
    Gone,
}

impl Answer {
    fn not_taken(why: String) -> Self {
        Self::NotTaken { why, retry_after: None }
    }
}

impl Hook {
    /// Where to go on in the log that a server has; without a state file that is `first`.
    pub(super) fn settle(
        &mut self,
        status: &pb::GetStatusResponse,
        first: u64,
    ) -> Result<u64, CliError> {
        self.place.settle(status, first)
    }

    /// Delivers some events, unless it is asked to end in between.
    pub(super) async fn deliver(
        &mut self,
        log_id: &str,
        batch: &LeafBatch,
    ) -> Result<(), CliError> {
        for leaf in &batch.leaves {
            let event = CloudEvent::read(&self.json, log_id, leaf)?;
            if self.stop.is_cancelled() || !self.hand_over(&event).await? {
                return Ok(());
            }
            self.place.move_to(event.position + 1)?;
        }
        self.pass(batch.next_position)
    }

    /// Notes that nothing below `next` is left to deliver.
    pub(super) fn pass(&mut self, next: u64) -> Result<(), CliError> {
        self.place.move_to(next)
    }

    /// Where delivery goes on.
    pub(super) fn next(&self) -> Option<u64> {
        self.place.next()
    }

    /// Offers an event until it is taken; false if it is asked to end before.
    async fn hand_over(&mut self, event: &CloudEvent) -> Result<bool, CliError> {
        let mut pause = Pause::new(self.retry_min, self.retry_max);
        let mut attempts = 0_u32;
        loop {
            let (why, retry_after) = match self.receiver.offer(event).await {
                Answer::Taken => return Ok(true),
                Answer::NotTaken { why, retry_after } => (why, retry_after),
                Answer::Gone => {
                    return Err(CliError::Said(format!(
                        "the receiver answered 410 Gone, it wants no more events; event {} was not taken",
                        event.position
                    )));
                }
            };
            let said = format!("event {} was not taken: {why}", event.position);
            attempts = attempts.saturating_add(1);
            if self.attempts_max.is_some_and(|max| attempts >= max) {
                return Err(CliError::Said(format!("{said}; attempts: {attempts}")));
            }
            let pause = retry_after.map_or_else(
                || pause.take(),
                |asked| asked.min(WEBHOOK_RETRY_AFTER_MAX).max(self.retry_min),
            );
            complain(&format!("tidu: {said}; trying again in {pause:?}"));
            tokio::select! {
                () = self.stop.cancelled() => return Ok(false),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}

impl Receiver {
    async fn offer(&mut self, event: &CloudEvent) -> Answer {
        match self {
            Self::Command(command) => command.offer(event).await,
            Self::Webhook(webhook) => webhook.offer(event).await,
        }
    }
}
