//! Delivery to systems that do not speak gRPC: events become webhooks or the input of a command.
//!
//! Delivery offers one event or one batch at a time, in the order of the log. It repeats it until
//! the receiver takes it, and never skips one. It writes the next position durably to the state
//! file, once for a group of events, and whenever it rests. After a crash the events since then are
//! offered once more.
//!
//! ```text
//! event.rs     leaf -> CloudEvent          webhook.rs     POSTs a parcel, signed by signature.rs
//! parcel.rs    an event, or a batch        connection.rs  the connections of a webhook
//! state.rs     the state file              command.rs     runs a command with a parcel
//! ```

mod command;
mod connection;
mod event;
mod parcel;
pub mod pause;
mod signature;
mod state;
mod webhook;

use std::{future::pending, io, iter, path::PathBuf, pin::pin, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

pub use self::event::{EventReader, Expiries, Ready};
pub(crate) use self::webhook::innermost_cause;
use self::{
    command::Command,
    event::CloudEvent,
    parcel::Parcel,
    pause::Pause,
    signature::Secrets,
    state::{DeliveryState, Group},
    webhook::Webhook,
};
use crate::{
    domain::CivilDate,
    handover::Superseded,
    lang::{say, word},
    limits::{
        COMMAND_DURATION_DEFAULT, DELIVERY_RETRY_MAX_DEFAULT, DELIVERY_RETRY_MIN_DEFAULT,
        EXPIRY_DAYS_MAX, STATE_EVENTS_DEFAULT, STATE_INTERVAL_DEFAULT, WEBHOOK_DURATION_DEFAULT,
        WEBHOOK_RETRY_AFTER_MAX,
    },
    protocol::{
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
    /// The server is in an epoch that has ended.
    #[error("{0}: {1}")]
    Superseded(String, Superseded),
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
    /// Most events that a crash may repeat, unless a batch is larger; `None` takes the default.
    pub sync_events: Option<u32>,
    /// Longest time after which the state file has an event that was taken; `None` takes the
    /// default.
    pub sync_interval: Option<Duration>,
    /// Most events of a batch; `None` delivers single events.
    pub batch_size: Option<u32>,
    /// Whether titles that expire are delivered, too.
    pub expiries: bool,
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
    reader: EventReader,
    batch_size: Option<u32>,
    expiries: bool,
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
        let group = Group {
            events_max: settings.sync_events.unwrap_or(STATE_EVENTS_DEFAULT),
            interval: settings.sync_interval.unwrap_or(STATE_INTERVAL_DEFAULT),
        };
        Ok(Self {
            receiver,
            state: DeliveryState::open(&settings.state, group)?,
            reader: EventReader(Arc::new(Json::new()?)),
            batch_size: settings.batch_size,
            expiries: settings.expiries,
            retry_min,
            retry_max,
            attempts_max: settings.attempts_max,
            stop,
            report,
        })
    }

    /// The position to continue at in the server's log; `first` if the state file is new. Expiries
    /// begin after `today` then, and after at most [`EXPIRY_DAYS_MAX`] days that were missed.
    ///
    /// # Errors
    /// [`DeliveryError`] if the state file belongs to another log, or cannot be written.
    pub fn settle(
        &mut self,
        status: &pb::GetStatusResponse,
        first: u64,
        today: CivilDate,
    ) -> Result<u64, DeliveryError> {
        let next = self.state.settle(status, first)?;
        if self.expiries {
            self.state.begin_expiries(today)?;
            self.leave_out_days(today);
        }
        Ok(next)
    }

    /// Passes over the days that are too long ago, and says which.
    fn leave_out_days(&mut self, today: CivilDate) {
        let days = iter::successors(today.previous(), |day| day.previous());
        let Some(earliest) = days.take(EXPIRY_DAYS_MAX).last() else { return };
        let Some(first) = self.next_day().filter(|day| *day < earliest) else { return };
        let Some(last) = earliest.previous() else { return };
        self.state.finish_day(last);
        (self.report)(&say!(
            en: "titles that expired from {first} to {last} are not delivered, because that is \
                 more than {EXPIRY_DAYS_MAX} days ago; to list them: tidu changes --from {first}",
            zh: "{first} 至 {last} 到期的称号距今超过 {EXPIRY_DAYS_MAX} 天，不再投递；如需列出：\
                 tidu changes --from {first}"
        ));
    }

    /// Makes events of what the server sends.
    pub fn reader(&self) -> EventReader {
        self.reader.clone()
    }

    /// Delivers events, unless `stop` is cancelled in between.
    ///
    /// # Errors
    /// [`DeliveryError`] if the receiver wants no more events, or did not take one in as many
    /// attempts as it has; if the state file cannot be written.
    pub async fn deliver(&mut self, ready: &Ready) -> Result<(), DeliveryError> {
        if self.hand_over_all(&ready.events).await? {
            self.pass(ready.next);
        }
        Ok(())
    }

    /// Delivers expiries of [`Self::next_day`], in the order of the server; those up to the last
    /// one that was taken before are to be left out.
    ///
    /// # Errors
    /// As for [`Self::deliver`].
    pub async fn deliver_expiries(&mut self, expiries: &Expiries) -> Result<(), DeliveryError> {
        self.hand_over_all(&expiries.0).await?;
        Ok(())
    }

    /// The day whose expiries come next; `None` without expiries.
    pub fn next_day(&self) -> Option<CivilDate> {
        self.state.expired_through().filter(|_| self.expiries)?.next()
    }

    /// The last title of [`Self::next_day`] that was taken, if one was.
    pub fn last_expiry(&self) -> Option<&str> {
        self.state.expired_title()
    }

    /// Notes that all expiries of [`Self::next_day`] were taken, unless delivery is to end.
    pub fn finish_day(&mut self) {
        if let Some(day) = self.next_day().filter(|_| !self.stop.is_cancelled()) {
            self.state.finish_day(day);
        }
    }

    /// Delivers events of one kind of origin; false if `stop` is cancelled in between.
    async fn hand_over_all(&mut self, events: &[CloudEvent]) -> Result<bool, DeliveryError> {
        let mut rest = events;
        while let Some(parcel) = Parcel::of(rest, self.batch_size) {
            if self.stop.is_cancelled() || !self.hand_over(&parcel).await? {
                return Ok(false);
            }
            self.state.take(&parcel.last().origin, events_of(&parcel))?;
            rest = rest.get(parcel.len()..).unwrap_or_default();
        }
        Ok(true)
    }

    /// Notes that nothing below `next` is left to deliver.
    pub fn pass(&mut self, next: u64) {
        self.state.pass(next);
    }

    /// Hears the epoch of the server, and keeps it.
    ///
    /// # Errors
    /// [`DeliveryError::Superseded`] if a higher one was heard before.
    pub fn hear(&mut self, epoch: u64) -> Result<(), DeliveryError> {
        self.state.hear(epoch)
    }

    /// The next position to deliver; `None` before the log is known.
    pub fn next(&self) -> Option<u64> {
        self.state.next()
    }

    /// Brings the state file up to date.
    ///
    /// # Errors
    /// [`DeliveryError::Io`] if it cannot be written.
    pub fn write_state(&mut self) -> Result<(), DeliveryError> {
        self.state.write()
    }

    /// Completes once nothing was delivered for a moment, if the state file is not up to date.
    pub fn idle(&self) -> impl Future<Output = ()> + use<> {
        until(self.state.due_if_idle())
    }

    /// Offers a parcel until it is taken; false if `stop` is cancelled before.
    async fn hand_over(&mut self, parcel: &Parcel<'_>) -> Result<bool, DeliveryError> {
        self.state.make_room(events_of(parcel))?;
        let mut pause = Pause::new(self.retry_min, self.retry_max, fastrand::Rng::new());
        let mut attempts = 0_u32;
        loop {
            let (why, retry_after) = match self.offer(parcel).await? {
                Outcome::Taken => return Ok(true),
                Outcome::NotTaken { why, retry_after } => (why, retry_after),
                Outcome::Gone => {
                    let name = parcel.name();
                    return Err(DeliveryError::Stopped(say!(
                        en: "the receiver answered 410 Gone, so it wants no more events; {name} \
                             was not taken",
                        zh: "接收方答复 410 Gone，不再接收事件；{name} 未被接收"
                    )));
                }
            };
            // It may not take it for long.
            self.state.write()?;
            let name = parcel.name();
            let said = say!(en: "{name} was not taken: {why}", zh: "{name} 未被接收：{why}");
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

    /// Offers a parcel once. Meanwhile the state file is written in time, and at once if delivery
    /// is to end.
    async fn offer(&mut self, parcel: &Parcel<'_>) -> Result<Outcome, DeliveryError> {
        let Self { receiver, state, stop, .. } = self;
        let mut offered = pin!(receiver.offer(parcel));
        loop {
            let due = state.due();
            tokio::select! {
                biased;
                outcome = &mut offered => return Ok(outcome),
                () = until(due) => state.write()?,
                () = stop.cancelled(), if due.is_some() => state.write()?,
            }
        }
    }
}

/// The events that a parcel counts in a group of the state file.
fn events_of(parcel: &Parcel<'_>) -> u32 {
    u32::try_from(parcel.len()).unwrap_or(u32::MAX)
}

/// Completes at an instant; never without one.
async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
}

impl Receiver {
    async fn offer(&mut self, parcel: &Parcel<'_>) -> Outcome {
        match self {
            Self::Command(command) => command.offer(parcel).await,
            Self::Webhook(webhook) => webhook.offer(parcel).await,
        }
    }
}
