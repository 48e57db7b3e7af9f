//! Delivery to systems that do not speak gRPC: events become webhooks or the input of a command.
//!
//! Delivery offers one event at a time, in the order of the log. It repeats an event until the
//! receiver takes it, and never skips one. Then it writes the next position durably to the state
//! file. After a crash the last event may be offered once more.

mod command;
mod event;
pub mod pause;
mod signature;
mod state;
mod webhook;

use std::{io, path::PathBuf, time::Duration};

use tokio_util::sync::CancellationToken;

pub(crate) use self::webhook::innermost_cause;
use self::{
    command::Command, event::CloudEvent, pause::Pause, signature::Secrets, state::DeliveryState,
    webhook::Webhook,
};
use crate::{
    lang::{say, word},
    limits::{
        COMMAND_DURATION_DEFAULT, DELIVERY_RETRY_MAX_DEFAULT, DELIVERY_RETRY_MIN_DEFAULT,
        WEBHOOK_DURATION_DEFAULT, WEBHOOK_RETRY_AFTER_MAX,
    },
    protocol::{
        batch::LeafBatch,
        json::{Json, JsonError},
        pb,
    },
    tls::ClientFiles,
};

/// Why delivery ends.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// A setting, the state file or the receiver prevents it; the text names which and why.
    #[error("{0}")]
    Stopped(String),
    /// A file failed.
    #[error("{0}: {1}")]
    Io(String, io::Error),
    /// An event has no JSON form.
    #[error(transparent)]
    Json(#[from] JsonError),
}

/// Settings of one delivery.
#[derive(Debug)]
pub struct Settings {
    /// The receiver.
    pub receiver: ReceiverSettings,
    /// File that keeps the next position to deliver; made if it does not exist.
    pub state: PathBuf,
    /// Longest time of one attempt; `None` takes the default of the kind of receiver.
    pub attempt_timeout: Option<Duration>,
    /// First pause before an event is offered again; it doubles.
    pub retry_min: Option<Duration>,
    /// Longest pause, unless the receiver asks for more.
    pub retry_max: Option<Duration>,
    /// Attempts for one event after which delivery ends with an error; `None` is unlimited.
    pub attempts_max: Option<u32>,
}

/// A receiver of events.
#[derive(Debug)]
pub enum ReceiverSettings {
    /// A command line for `sh`.
    Command(String),
    /// A URL.
    Webhook {
        /// The URL.
        url: String,
        /// The file with the signing secrets; `None` takes them from the environment.
        secret_file: Option<PathBuf>,
        /// The CAs to trust, and the certificate to show.
        tls: ClientFiles,
    },
}

/// Delivers events to one receiver.
pub struct Delivery {
    receiver: Receiver,
    state: DeliveryState,
    json: Json,
    retry_min: Duration,
    retry_max: Duration,
    attempts_max: Option<u32>,
    /// Cancelled to end delivery between two attempts.
    stop: CancellationToken,
    /// Called for each failed attempt.
    report: fn(&str),
}

/// The receiver of events.
enum Receiver {
    Command(Command),
    Webhook(Box<Webhook>),
}

/// The receiver's answer to an event.
enum Outcome {
    Taken,
    NotTaken {
        why: String,
        /// Pause that the receiver asks for.
        retry_after: Option<Duration>,
    },
    /// The receiver wants no more events.
    Gone,
}

impl Outcome {
    fn not_taken(why: String) -> Self {
        Self::NotTaken { why, retry_after: None }
    }
}

impl Delivery {
    /// Opens the receiver and the state file. `report` is called for each failed attempt.
    ///
    /// # Errors
    /// [`DeliveryError`] for a setting that cannot work, or a state file that is in use or
    /// unreadable.
    pub fn open(
        settings: Settings,
        stop: CancellationToken,
        report: fn(&str),
    ) -> Result<Self, DeliveryError> {
        let timeout = settings.attempt_timeout;
        let receiver = match settings.receiver {
            ReceiverSettings::Command(line) => {
                let duration_max = timeout.unwrap_or(COMMAND_DURATION_DEFAULT);
                Receiver::Command(Command { line, duration_max })
            }
            ReceiverSettings::Webhook { url, secret_file, tls } => {
                let secrets = Secrets::load(secret_file.as_deref())?;
                let duration_max = timeout.unwrap_or(WEBHOOK_DURATION_DEFAULT);
                Receiver::Webhook(Box::new(Webhook::new(&url, secrets, duration_max, tls)?))
            }
        };
        // A bound that is given moves the default of the other if the two would contradict.
        let (min, max) = (settings.retry_min, settings.retry_max);
        let retry_min = min.unwrap_or(DELIVERY_RETRY_MIN_DEFAULT.min(max.unwrap_or(Duration::MAX)));
        let retry_max = max.unwrap_or(DELIVERY_RETRY_MAX_DEFAULT.max(retry_min));
        if retry_min > retry_max {
            let why = word!(
                en: "--retry-min is longer than --retry-max", zh: "--retry-min 大于 --retry-max"
            );
            return Err(DeliveryError::Stopped(why.to_owned()));
        }
        Ok(Self {
            receiver,
            state: DeliveryState::open(&settings.state)?,
            json: Json::new()?,
            retry_min,
            retry_max,
            attempts_max: settings.attempts_max,
            stop,
            report,
        })
    }

    /// The position to continue at in the server's log; `first` if the state file is new.
    pub fn settle(
        &mut self,
        status: &pb::GetStatusResponse,
        first: u64,
    ) -> Result<u64, DeliveryError> {
        self.state.settle(status, first)
    }

    /// Delivers the events of a batch, unless `stop` is cancelled in between.
    pub async fn deliver(&mut self, log_id: &str, batch: &LeafBatch) -> Result<(), DeliveryError> {
        for leaf in &batch.leaves {
            let event = CloudEvent::read(&self.json, log_id, leaf)?;
            if self.stop.is_cancelled() || !self.hand_over(&event).await? {
                return Ok(());
            }
            self.state.move_to(event.position + 1)?;
        }
        self.pass(batch.next_position)
    }

    /// Notes that nothing below `next` is left to deliver.
    pub fn pass(&mut self, next: u64) -> Result<(), DeliveryError> {
        self.state.move_to(next)
    }

    /// The next position to deliver; `None` before the log is known.
    pub fn next(&self) -> Option<u64> {
        self.state.next()
    }

    /// Offers an event until it is taken; false if `stop` is cancelled before.
    async fn hand_over(&mut self, event: &CloudEvent) -> Result<bool, DeliveryError> {
        let mut pause = Pause::new(self.retry_min, self.retry_max, fastrand::Rng::new());
        let mut attempts = 0_u32;
        loop {
            let (why, retry_after) = match self.receiver.offer(event).await {
                Outcome::Taken => return Ok(true),
                Outcome::NotTaken { why, retry_after } => (why, retry_after),
                Outcome::Gone => {
                    let position = event.position;
                    return Err(DeliveryError::Stopped(say!(
                        en: "the receiver answered 410 Gone, so it wants no more events; event \
                             {position} was not taken",
                        zh: "接收方答复 410 Gone，不再接收事件；事件 {position} 未被接收"
                    )));
                }
            };
            let position = event.position;
            let said = say!(
                en: "event {position} was not taken: {why}", zh: "事件 {position} 未被接收：{why}"
            );
            attempts = attempts.saturating_add(1);
            if self.attempts_max.is_some_and(|max| attempts >= max) {
                return Err(DeliveryError::Stopped(say!(
                    en: "{said}; attempts: {attempts}", zh: "{said}；已尝试 {attempts} 次"
                )));
            }
            let pause = retry_after.map_or_else(
                || pause.take(),
                |asked| asked.min(WEBHOOK_RETRY_AFTER_MAX).max(self.retry_min),
            );
            (self.report)(&say!(
                en: "{said}; trying again in {pause:?}", zh: "{said}；{pause:?} 后重试"
            ));
            tokio::select! {
                () = self.stop.cancelled() => return Ok(false),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}

impl Receiver {
    async fn offer(&mut self, event: &CloudEvent) -> Outcome {
        match self {
            Self::Command(command) => command.offer(event).await,
            Self::Webhook(webhook) => webhook.offer(event).await,
        }
    }
}
