//! A follower of the log: one stream after another, each from where the last one ended.

use std::{future::pending, time::Duration};

use jiff::Timestamp;
use prost::Message as _;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::{
    cursor,
    expiries::{ExpiryDay, ExpiryFilter, settled_day},
    read_ahead::{Ahead, ReadAhead, heard},
};
use crate::{
    cli::{
        CliError,
        client::Client,
        print::{
            JsonLines, eprint_error, eprint_line, event_line, is_retryable, print_line,
            status_message, withheld_line,
        },
        target::Target,
    },
    delivery::{Delivery, DeliveryError, Ready, pause::Pause},
    handover::HeardEpoch,
    lang::{say, word},
    limits::{WATCH_RETRY_PAUSE_MAX, WATCH_RETRY_PAUSE_MIN},
    protocol::{
        batch::LeafBatch,
        pb::{self, subscribe_request::Start, subscribe_response::Payload},
    },
};

/// True for an error that may pass. A credential that the server took before may have ended: its
/// file gets a new one, and each connection reads the files anew.
pub(super) fn is_temporary(error: &CliError, has_followed: bool) -> bool {
    match error {
        CliError::Unreachable { .. } | CliError::Silent => true,
        CliError::Untrusted { .. } => has_followed,
        CliError::Status(status) if status.code() == Code::Unauthenticated => has_followed,
        CliError::Status(status) if status.code() == Code::Aborted => scope_of(status).is_some(),
        // A connection that breaks inside a message shows as an internal error.
        CliError::Status(status) => is_retryable(status) || status.code() == Code::Internal,
        _ => false,
    }
}

/// True if another one of the nodes may do: this one was succeeded.
fn may_go_on_elsewhere(error: &CliError, server: &Target) -> bool {
    let is_succeeded = matches!(
        error,
        CliError::OtherHistory(_) | CliError::Delivery(DeliveryError::Superseded(..))
    );
    is_succeeded && server.has_others()
}

/// Leaves a node that was lost for the next one. A caller whose rights or credential have changed
/// finds the same everywhere.
pub(super) fn leave_for(server: &Target, error: &CliError) {
    let is_its_own = matches!(error, CliError::Status(status)
        if matches!(status.code(), Code::Aborted | Code::Unauthenticated));
    if !is_its_own {
        server.move_on();
    }
}

/// Tells why a side was lost, and waits before it is tried again, unless `stop` is cancelled.
pub(super) async fn before_again(error: &CliError, pause: Duration, stop: &CancellationToken) {
    let pause_ms = pause.as_millis();
    let again = say!(en: "; trying again in {pause_ms} ms", zh: "；{pause_ms} 毫秒后重试");
    eprint_error(error, &again);
    tokio::select! {
        () = stop.cancelled() => {}
        () = sleep(pause) => {}
    }
}

/// A cursor that is further on was moved by somebody else: says so, and what to do.
fn with_way_out(error: CliError) -> CliError {
    let CliError::Status(status) = &error else { return error };
    let info = status.get_details_error_info();
    if info.is_none_or(|info| info.reason != "CURSOR_BACKWARDS") {
        return error;
    }
    let why = status_message(status);
    CliError::Refused(say!(
        en: "another one follows this cursor and has moved it: {why}; give each follower a cursor \
             of its own (`tidu cursor create`)",
        zh: "另有订阅方在使用此游标并移动了它：{why}；请为每个订阅方单独建立游标（tidu cursor create）"
    ))
}

/// The positions of a change of rights: where to go on, and the first event that may match now and
/// did not before.
pub(super) fn scope_of(status: &Status) -> Option<(u64, u64)> {
    let info = status.get_details_error_info()?;
    let of = |key: &str| info.metadata.get(key)?.parse().ok();
    let next = of("next_position")?;
    let is_change = info.reason == "SCOPE_CHANGED";
    is_change.then(|| (next, of("from_position").unwrap_or(next)))
}

/// Tells on standard error how it goes; standard output is for events.
pub(super) fn tell(text: &str) {
    eprint_line(&say!(en: "tidu: {text}", zh: "tidu：{text}"));
}

/// Waits until a delivery rests, and then brings its state file up to date.
async fn rested(delivery: &mut Option<Delivery>) -> Result<(), DeliveryError> {
    let Some(delivery) = delivery else { return pending().await };
    delivery.idle().await;
    delivery.write_state()
}

/// Follows the log, and prints or delivers its events.
pub(super) struct Follower {
    pub(super) request: pb::SubscribeRequest,
    /// How messages are printed for programs; `None` for people.
    pub(super) lines: Option<JsonLines>,
    pub(super) progress: bool,
    /// The cursor to advance.
    pub(super) cursor: Option<String>,
    /// Its position at the beginning.
    pub(super) cursor_at: u64,
    /// The cursor's filter is too large for an answer, so each stream starts from the cursor.
    pub(super) lacks_filter: bool,
    /// Streams that have begun.
    pub(super) streams: u64,
    pub(super) delivery: Option<Delivery>,
    /// The highest epoch that a stream has told.
    pub(super) epoch: HeardEpoch,
    /// The titles whose expiries are delivered; `None` if they are not.
    pub(super) expiries: Option<ExpiryFilter>,
    /// The clock, by which a day has begun in a log that is quiet.
    pub(super) now: fn() -> Timestamp,
    /// Cancelled to end it.
    pub(super) stop: CancellationToken,
}

impl Follower {
    /// Follows, and connects again when the connection breaks.
    pub(super) async fn run(mut self, server: &Target, no_resume: bool) -> Result<(), CliError> {
        let mut pause =
            Pause::new(WATCH_RETRY_PAUSE_MIN, WATCH_RETRY_PAUSE_MAX, fastrand::Rng::new());
        while !self.stop.is_cancelled() {
            let before = self.request.clone();
            let followed = self.follow(server).await;
            self.write_state()?;
            match followed {
                Ok(()) => return Ok(()),
                Err(error)
                    if no_resume
                        || !(is_temporary(&error, self.streams > 0)
                            || may_go_on_elsewhere(&error, server)) =>
                {
                    return Err(error);
                }
                Err(error) => {
                    self.note_scope(&error);
                    leave_for(server, &error);
                    if self.request != before {
                        pause.reset();
                    }
                    before_again(&error, pause.take(), &self.stop).await;
                }
            }
        }
        Ok(())
    }

    /// Goes on where a change of rights ended a stream, and says what is not repeated.
    fn note_scope(&mut self, error: &CliError) {
        let CliError::Status(status) = error else { return };
        let Some((next, from)) = scope_of(status) else { return };
        // A delivery knows its own place, which is never ahead of what was taken.
        if self.delivery.is_none() && !matches!(self.request.start, Some(Start::CursorId(_))) {
            self.request.start = Some(Start::FromPosition(next));
        }
        if from < next {
            tell(&say!(
                en: "the rights of this caller have changed: events from position {from} on may \
                     match now that did not before; to read them too: tidu watch --from {from}",
                zh: "调用方的权限已变更：自位置 {from} 起可能有原先不可见的事件；如需一并读取：\
                     tidu watch --from {from}"
            ));
        }
    }

    /// Follows until the stream ends or `stop` is cancelled; keeps in the request where to resume.
    async fn follow(&mut self, server: &Target) -> Result<(), CliError> {
        let mut client = Client::connect(server).await?;
        if self.delivery.is_some() {
            self.settle(&mut client).await?;
        }
        let mut request = self.request.clone();
        if let Some(id) = self.cursor.clone() {
            request = self.with_cursor(&mut client, id).await?;
        }
        let stream = heard(client.ledger.subscribe(request)).await?.into_inner();
        let reader = self.delivery.as_ref().map(Delivery::reader);
        let reader = reader.map(|reader| (reader, self.request.log_id.clone()));
        let mut ahead = ReadAhead::start(stream, reader);
        self.tell_start(server);
        let mut is_caught_up = false;
        loop {
            let message = tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ok(()),
                message = ahead.next() => message?,
                rested = rested(&mut self.delivery) => {
                    rested?;
                    continue;
                }
            };
            let Some(message) = message else { return Ok(()) };
            let message = match message {
                Ahead::Ready(ready) => {
                    self.deliver(&mut client, ready).await?;
                    continue;
                }
                Ahead::Message(message) => *message,
            };
            match message {
                Payload::Events(batch) | Payload::RawEvents(batch) => self.print(&batch)?,
                Payload::Progress(progress) => {
                    self.expire_by_clock(&mut client, &progress).await?;
                    self.note(&progress)?;
                    if progress.caught_up && !is_caught_up {
                        is_caught_up = true;
                        let next = progress.next_position;
                        tell(&say!(
                            en: "caught up at position {next}", zh: "已追上，位置 {next}"
                        ));
                    }
                }
                Payload::Withheld(withheld) => self.pass(&withheld)?,
            }
            self.advance(&mut client).await?;
        }
    }

    /// Says from where this stream follows.
    fn tell_start(&mut self, server: &Target) {
        let from = match &self.request.start {
            Some(Start::FromPosition(position)) => {
                say!(en: "position {position}", zh: "位置 {position}")
            }
            Some(Start::CursorId(id)) => {
                let at = self.cursor_at;
                say!(en: "position {at} of cursor {id}", zh: "游标 {id} 的位置 {at}")
            }
            _ => word!(en: "the end of the log", zh: "日志末尾").to_owned(),
        };
        tell(&match self.streams {
            0 => say!(en: "following {server} from {from}", zh: "自{from}起跟踪 {server}"),
            _ => say!(
                en: "connected again; following from {from}", zh: "已重新连接，自{from}起继续"
            ),
        });
        self.streams += 1;
    }

    /// The request for a stream that goes on where the cursor is.
    async fn with_cursor(
        &mut self,
        client: &mut Client,
        id: String,
    ) -> Result<pb::SubscribeRequest, CliError> {
        if self.request.log_id.is_empty() {
            let cursor = heard(cursor::get(client, id.clone(), String::new())).await?;
            if let Some(other) = cursor.connections.first() {
                let peer = &other.remote_address;
                tell(&say!(
                    en: "{peer} follows cursor {id} already; give each follower a cursor of its \
                         own",
                    zh: "{peer} 已在使用游标 {id}；请为每个订阅方单独建立游标"
                ));
            }
            self.lacks_filter = cursor.filter.is_none();
            self.cursor_at = cursor.next_position;
            (self.request.filter, self.request.log_id) = (cursor.filter, cursor.log_id);
            self.request.start = Some(Start::CursorId(id.clone()));
        }
        let mut request = self.request.clone();
        if self.lacks_filter {
            self.advance(client).await?;
            request.start = Some(Start::CursorId(id));
        }
        Ok(request)
    }

    /// Moves the cursor past everything that was printed or delivered.
    async fn advance(&self, client: &mut Client) -> Result<(), CliError> {
        if let (Some(cursor_id), Some(Start::FromPosition(next_position))) =
            (self.cursor.clone(), self.request.start.clone())
        {
            let log_id = self.request.log_id.clone();
            let request =
                pb::AdvanceCursorRequest { cursor_id, next_position, log_id, force: false };
            heard(client.cursors.advance_cursor(request)).await.map_err(with_way_out)?;
        }
        Ok(())
    }

    /// Finds the log and the position from which delivery resumes.
    async fn settle(&mut self, client: &mut Client) -> Result<(), CliError> {
        let Some(delivery) = &mut self.delivery else { return Ok(()) };
        let status = client.admin.get_status(pb::GetStatusRequest {});
        let status = heard(status).await?.into_inner();
        let first = match self.request.start {
            Some(Start::FromPosition(position)) => position,
            _ => status.log_size,
        };
        let next = delivery.settle(&status, first, settled_day((self.now)()))?;
        self.request.start = Some(Start::FromPosition(next));
        self.request.log_id = status.log_id;
        if let Some(mut day) = self.expiry_day(client) {
            day.require_askable().await?;
        }
        Ok(())
    }

    /// Delivers events, and before the first one of a day what expired on that day.
    async fn deliver(&mut self, client: &mut Client, ready: Ready) -> Result<(), CliError> {
        let outcome = self.deliver_by_day(client, ready).await;
        let next = self.delivery.as_ref().and_then(Delivery::next);
        self.request.start = next.map(Start::FromPosition);
        outcome
    }

    async fn deliver_by_day(
        &mut self,
        client: &mut Client,
        mut ready: Ready,
    ) -> Result<(), CliError> {
        while let Some(delivery) = &mut self.delivery {
            let Some(day) = delivery.next_day() else {
                return Ok(delivery.deliver(&ready).await?);
            };
            delivery.deliver(&ready.split_before(day)).await?;
            if ready.is_empty() {
                break;
            }
            // An event of that day, or of a later one: so the log of its midnight is known.
            let Some(mut asking) = self.expiry_day(client) else { break };
            if !asking.deliver(day, None).await? {
                break;
            }
        }
        Ok(())
    }

    /// Delivers what expired on the days that have begun, by the clocks of this machine and of the
    /// server, once all events of the days before were delivered.
    async fn expire_by_clock(
        &mut self,
        client: &mut Client,
        progress: &pb::Progress,
    ) -> Result<(), CliError> {
        let today = settled_day((self.now)());
        let due = |delivery: &Option<Delivery>| delivery.as_ref().and_then(Delivery::next_day);
        while let Some(day) = due(&self.delivery).filter(|day| progress.caught_up && *day <= today)
        {
            let Some(mut asking) = self.expiry_day(client) else { break };
            let delivered = Some(progress.next_position);
            if !asking.has_begun(day).await? || !asking.deliver(day, delivered).await? {
                break;
            }
        }
        Ok(())
    }

    fn expiry_day<'a>(&'a mut self, client: &'a mut Client) -> Option<ExpiryDay<'a>> {
        let (filter, delivery) = (self.expiries.as_ref()?, self.delivery.as_mut()?);
        let log_id = &self.request.log_id;
        Some(ExpiryDay { filter, client, delivery, log_id, stop: &self.stop })
    }

    /// Brings the state file of a delivery up to date.
    fn write_state(&mut self) -> Result<(), DeliveryError> {
        self.delivery.as_mut().map_or(Ok(()), Delivery::write_state)
    }

    /// Prints a withheld event. A receiver gets nothing for it, and its place moves on.
    fn pass(&mut self, withheld: &pb::Withheld) -> Result<(), CliError> {
        let next = withheld.position.unwrap_or_default() + 1;
        self.request.start = Some(Start::FromPosition(next));
        match (&mut self.delivery, &self.lines) {
            (Some(delivery), _) => {
                delivery.pass(next);
                Ok(())
            }
            (None, Some(lines)) => lines.print_stated("Withheld", withheld),
            (None, None) => print_line(&withheld_line(withheld)),
        }
    }

    fn print(&mut self, batch: &LeafBatch) -> Result<(), CliError> {
        for leaf in &batch.leaves {
            let recorded = pb::RecordedEvent::decode(leaf.clone()).map_err(|e| {
                CliError::Message(say!(
                    en: "an event cannot be read: {e}", zh: "有事件无法读取：{e}"
                ))
            })?;
            match &self.lines {
                Some(lines) => lines.print_stated("RecordedEvent", &recorded)?,
                None => print_line(&event_line(&recorded))?,
            }
        }
        self.request.start = Some(Start::FromPosition(batch.next_position));
        Ok(())
    }

    fn note(&mut self, progress: &pb::Progress) -> Result<(), CliError> {
        // Nothing of a node that was succeeded is taken.
        self.epoch.hear(progress.epoch).map_err(|e| CliError::OtherHistory(e.to_string()))?;
        if let Some(delivery) = &mut self.delivery {
            delivery.hear(progress.epoch)?;
        }
        self.request.start = Some(Start::FromPosition(progress.next_position));
        self.request.log_id.clone_from(&progress.log_id);
        if let Some(delivery) = &mut self.delivery {
            delivery.pass(progress.next_position);
        }
        if !self.progress {
            return Ok(());
        }
        // A change that was told is kept.
        self.write_state()?;
        if let Some(lines) = &self.lines {
            return lines.print("Progress", progress);
        }
        let state = match progress.caught_up {
            true => word!(en: "caught up", zh: "已追上"),
            false => word!(en: "catching up", zh: "追赶中"),
        };
        let (next, size) = (progress.next_position, progress.log_size);
        print_line(&say!(
            en: "{next:>7}  {state} of {size} events", zh: "{next:>7}  {state}，共 {size} 个事件"
        ))
    }
}

#[cfg(test)]
mod tests {
    use tonic::Status;

    use super::*;

    #[allow(clippy::disallowed_methods)] // a server's answer, made up
    fn refused(code: Code, reason: &str, metadata: &[(&str, &str)]) -> CliError {
        let metadata: std::collections::HashMap<_, _> =
            metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let details = tonic_types::ErrorDetails::with_error_info(reason, "tidu", metadata);
        Status::with_error_details(code, "said", details).into()
    }

    #[test]
    fn a_credential_that_ends_is_renewed_and_a_right_that_is_gone_is_not() {
        assert!(is_temporary(&CliError::Silent, false), "it connects again");
        let expired = refused(Code::Unauthenticated, "CREDENTIAL_EXPIRED", &[]);
        assert!(is_temporary(&expired, true), "a new one may come");
        assert!(!is_temporary(&expired, false), "the first call has a wrong one");
        let narrowed = refused(Code::PermissionDenied, "SCOPE_CHANGED", &[("next_position", "7")]);
        assert!(!is_temporary(&narrowed, true));
        assert_eq!(narrowed.exit_code(), 3);
        let untrusted = CliError::Untrusted { server: String::new(), why: String::new() };
        assert!(is_temporary(&untrusted, true) && !is_temporary(&untrusted, false));
        let other = refused(Code::Aborted, "PRECONDITION_FAILED", &[]);
        assert!(!is_temporary(&other, true));
    }

    #[test]
    fn a_wider_scope_goes_on_where_the_stream_ended() {
        let metadata = [("next_position", "1200"), ("from_position", "17")];
        let wider = refused(Code::Aborted, "SCOPE_CHANGED", &metadata);
        assert!(is_temporary(&wider, true));
        let CliError::Status(status) = wider else { panic!("a status") };
        assert_eq!(scope_of(&status), Some((1_200, 17)));
    }
}
