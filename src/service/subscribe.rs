//! Subscribe: one stream, pulled by position.
//!
//! There is no hand-over from history to live events. A stream reads from its position up to the
//! durable size, then waits until that grows. It keeps only a position, so a slow reader costs no
//! more than the bytes that HTTP/2 lets it have in flight. Progress travels in the same ordered
//! channel as events.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::stream;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::{
    arrival::Named,
    call::Call,
    cursor_streams::{Connected, CursorStreams},
    delivered::Delivered,
    errors::{self, Limit},
    interests::Interests,
    kept_filter::{CursorFilter, LongFilter, one_filter},
    proof::running,
    questions::{Questions, Turn},
    roots::Roots,
    shares::{Share, Shares, Short},
    standing::Standing,
    stream_reader::{Found, StreamReader, Untold},
};
use crate::{
    domain::{
        Party,
        access::Role,
        fault::{Key, RuleId},
    },
    ledger::{Durable, Ledger, ReadError, Waiter, digest::RunningDigest, place},
    limits::{
        FOLLOW_MESSAGE_BYTES, HEARTBEAT_DEFAULT, HEARTBEAT_MAX, HEARTBEAT_MIN,
        STREAM_MESSAGE_BYTES, STREAM_RETRY_DELAY, STREAMS_MAX, WATCHED_DESIGNEES_MAX,
    },
    protocol::{
        batch::LeafBatch,
        methods::Method,
        pb::{self, subscribe_request::Start, subscribe_response::Payload},
        time::{micros, timestamp},
    },
    register::Interest,
};

type Message = Result<pb::SubscribeResponse, Status>;

/// A stream being served.
struct Subscription {
    ledger: Arc<Ledger>,
    reader: StreamReader,
    durable: watch::Receiver<Durable>,
    /// Wakes it when an event may match; `None` if every commit wakes it.
    waiter: Option<Waiter>,
    drain: CancellationToken,
    standing: Standing,
    /// The first position that was not delivered because the caller may not read it.
    undelivered: Option<u64>,
    raw: bool,
    /// The digest of the delivered events, if the client asked for it.
    digest: Option<RunningDigest>,
    /// Roots, for a node that follows.
    roots: Option<Roots>,
    /// The next position to examine.
    next: u64,
    stop: Option<u64>,
    heartbeat: Duration,
    /// The next heartbeat.
    due: Instant,
    phase: Phase,
    /// Its entry at the cursor from which it started.
    connected: Option<Connected>,
    /// Its place among all streams.
    place: Share,
    /// Its part of all watch-lists.
    watched: Share,
    delivered: Delivered,
}

/// The phase of a stream, by the last progress that its client got.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The client got nothing yet. The first message is progress, which confirms that the stream is
    /// open.
    New,
    /// The client was told that older events come first.
    CatchingUp,
    /// The client was told that it has everything.
    CaughtUp,
    /// The client got its last progress: at the stop position, or because the server drains.
    Last,
}

/// Opens streams and counts them.
#[derive(Clone)]
pub(crate) struct Streams {
    pub(crate) ledger: Arc<Ledger>,
    /// Ends streams when the server drains.
    pub(crate) drain: CancellationToken,
    /// Starts the streams that name a cursor.
    pub(crate) cursors: CursorStreams,
    /// The streams being served.
    pub(crate) served: Arc<Shares>,
    /// The designees in the watch-lists of these streams.
    pub(crate) watched: Arc<Shares>,
    /// The interests of these streams.
    pub(crate) interests: Interests,
    pub(crate) delivered: Delivered,
    /// The gate of long filters, and of streams that are behind.
    pub(crate) reading: Questions,
}

impl Streams {
    /// Checks the request and opens its stream.
    pub(crate) async fn open(
        &self,
        call: &Call,
        request: pb::SubscribeRequest,
    ) -> Result<impl Stream<Item = Message> + Send + use<>, Status> {
        errors::require_log(self.ledger.log_id(), &request.log_id)?;
        let digest = request.digest.map(|digest| running(&digest)).transpose()?;
        let heartbeat = heartbeat(request.heartbeat_interval)?;
        let place = self.served.take(call.party, 1);
        let place = place.map_err(|short| too_many(short, "streams", 1))?;
        let (next, filter, connected) = self.start(request.start, request.filter, call).await?;
        let (interest, watched) = self.follow(call, filter).await?;
        // A stream with a stop position must pass events that do not match, so every commit wakes
        // it.
        let rests = !interest.wants_all() && request.stop_position.is_none();
        let waiter = if rests { Some(self.ledger.waiter(&interest).await) } else { None };
        let sight = call.sight(&self.ledger);
        let follows = request.roots && request.raw && interest.wants_all() && sight.sees_all();
        let subscription = Subscription {
            ledger: Arc::clone(&self.ledger),
            reader: StreamReader {
                ledger: Arc::clone(&self.ledger),
                call: Call { memory: None, ..call.clone() },
                reading: self.reading.clone(),
                interest,
                sight,
                is_node: follows && call.rights().has(Role::Node),
                message_bytes: if follows { FOLLOW_MESSAGE_BYTES } else { STREAM_MESSAGE_BYTES },
            },
            durable: self.ledger.watch(),
            waiter,
            drain: self.drain.clone(),
            standing: Standing::of(call, Method::Subscribe, self.ledger.now_micros()),
            undelivered: None,
            raw: request.raw,
            digest,
            roots: follows.then(Roots::default),
            next,
            stop: request.stop_position,
            heartbeat,
            due: Instant::now() + heartbeat,
            phase: Phase::New,
            connected,
            place,
            watched,
            delivered: self.delivered.clone(),
        };
        Ok(stream::unfold(Some(subscription), |subscription| async move {
            let mut subscription = subscription?;
            match subscription.message().await {
                Ok(Some(message)) => Some((Ok(message), Some(subscription))),
                Ok(None) => None,
                Err(status) => Some((Err(status), None)),
            }
        }))
    }

    /// Reads the filter of a stream, and takes its part of all watch-lists.
    async fn follow(
        &self,
        call: &Call,
        filter: StreamFilter,
    ) -> Result<(Arc<Interest>, Share), Status> {
        match filter {
            StreamFilter::Here(filter) => {
                let watched = self.watch(call.party, filter.as_ref())?;
                let read = self.interests.read(&self.ledger, &self.reading, call, filter);
                Ok((read.await?, watched))
            }
            StreamFilter::Long(long, asked) => {
                let (streams, party) = (self.clone(), call.party);
                let question = move |turn: &mut Turn| {
                    let (kept, _counted) = long.read()?;
                    let filter = one_filter(kept, asked)?.unwrap_or_default();
                    let watched = streams.watch(party, Some(&filter))?;
                    let Streams { interests, ledger, .. } = &streams;
                    Ok((interests.read_in_slices(ledger, &filter, turn)?, watched))
                };
                self.reading.ask(call, question).await
            }
        }
    }

    /// Takes the part of a filter of all watch-lists.
    fn watch(&self, party: Party, filter: Option<&pb::EventFilter>) -> Result<Share, Status> {
        let designees = filter.map_or(0, |filter| filter.designees.len()) as u64;
        let watched = self.watched.take(party, designees);
        watched.map_err(|short| too_many(short, "designees", designees))
    }

    /// The first position and the filter of a stream, with its entry at the cursor that it names.
    async fn start(
        &self,
        start: Option<Start>,
        filter: Option<pb::EventFilter>,
        call: &Call,
    ) -> Result<(u64, StreamFilter, Option<Connected>), Status> {
        let position = match start {
            None => 0,
            Some(Start::FromPosition(position)) => {
                Named { field: "from_position", position }.within(&self.ledger, call).await?;
                position
            }
            Some(Start::FromTime(time)) => self.ledger.position_at(micros(&time)).await?,
            Some(Start::Now(true)) => self.ledger.durable().size,
            Some(Start::Now(false)) => {
                return Err(errors::bad_field("now", "false", RuleId::NowIsFalse));
            }
            Some(Start::CursorId(id)) => {
                let started = self.cursors.start(&self.ledger, &id, call).await?;
                let filter = match started.filter {
                    CursorFilter::Read(kept) => StreamFilter::Here(one_filter(kept, filter)?),
                    CursorFilter::Long(long) => StreamFilter::Long(long, filter),
                };
                return Ok((started.next_position, filter, Some(started.connected)));
            }
        };
        Ok((position, StreamFilter::Here(filter), None))
    }
}

/// The filter of a new stream.
enum StreamFilter {
    /// It is at hand.
    Here(Option<pb::EventFilter>),
    /// It is the one of a cursor, which is long. The request may state it, too.
    Long(LongFilter, Option<pb::EventFilter>),
}

/// The party holds as much as it may.
pub(super) fn too_many(short: Short, unit: &'static str, asked: u64) -> Status {
    let value = Some(asked);
    match short {
        Short::Party(limit) => {
            let text = format!("one address has at most {limit} {unit} in open streams");
            errors::exhausted(text, Limit { limit, unit, value, ..Limit::default() })
        }
        Short::Total(limit) => {
            let text = format!("all {limit} {unit} of open streams are in use");
            let retry = Some(STREAM_RETRY_DELAY);
            errors::exhausted(text, Limit { limit, unit, value, retry, ..Limit::default() })
        }
    }
}

/// The stream ends so that somebody who has fewer gets in.
pub(super) fn sent_away(limit: u64, unit: &'static str) -> Status {
    let text = format!(
        "all {limit} {unit} of open streams are in use, and this caller has the most; open the \
         stream again later, at its next position"
    );
    let retry = Some(STREAM_RETRY_DELAY);
    errors::queue_full(text, Limit { limit, unit, retry, ..Limit::default() })
}

fn heartbeat(asked: Option<prost_types::Duration>) -> Result<Duration, Status> {
    let Some(asked) = asked else { return Ok(HEARTBEAT_DEFAULT) };
    let text = format!("{}.{:03}s", asked.seconds, asked.nanos / 1_000_000);
    let duration = Duration::try_from(asked).unwrap_or(Duration::MAX);
    if (HEARTBEAT_MIN..=HEARTBEAT_MAX).contains(&duration) {
        return Ok(duration);
    }
    let breach = RuleId::HeartbeatRange.with(Key::Least, HEARTBEAT_MIN.as_secs());
    let breach = breach.with(Key::Limit, HEARTBEAT_MAX.as_secs());
    Err(errors::bad_field("heartbeat_interval", &text, breach))
}

/// The reason why a waiting stream goes on.
enum Woken {
    Grown,
    Due,
    /// The caller may have other rights.
    Standing,
    Drained,
    SentAway,
    Gone,
}

impl Subscription {
    /// The next message; `None` at the stop position.
    async fn message(&mut self) -> Result<Option<pb::SubscribeResponse>, Status> {
        loop {
            self.require_place()?;
            self.require_standing()?;
            let durable = *self.durable.borrow_and_update();
            let size = durable.size;
            if let Some(roots) = &mut self.roots
                && roots.is_due(self.next)
            {
                roots.find(&self.ledger, self.next, durable).await?;
                if self.phase != Phase::New {
                    return Ok(Some(self.enter(self.phase, durable)));
                }
            }
            match (self.phase, self.drain.is_cancelled()) {
                (Phase::Last, true) => return Err(errors::draining()),
                (Phase::Last, false) => return Ok(None),
                (_, true) => return Ok(Some(self.enter(Phase::Last, durable))),
                (Phase::New, false) => {
                    let caught_up = self.next >= size;
                    let phase = if caught_up { Phase::CaughtUp } else { Phase::CatchingUp };
                    return Ok(Some(self.enter(phase, durable)));
                }
                (Phase::CatchingUp | Phase::CaughtUp, false) => {}
            }
            let mut upto = self.stop.map_or(size, |stop| stop.min(size));
            if let Some(roots) = self.roots.as_mut().filter(|_| self.next < size) {
                roots.grow(durable);
                upto = roots.upto(upto);
            }
            if self.next < upto {
                if let Some(batch) = self.batch(upto).await? {
                    return Ok(Some(self.respond(batch)));
                }
                // Nothing matched among the examined events. Progress is sent only when it is due.
                if Instant::now() < self.due {
                    tokio::task::yield_now().await;
                    continue;
                }
                return Ok(Some(self.enter(self.phase, durable)));
            }
            if self.stop.is_some_and(|stop| self.next >= stop) {
                return Ok(Some(self.enter(Phase::Last, durable)));
            }
            if self.phase == Phase::CatchingUp {
                return Ok(Some(self.enter(Phase::CaughtUp, durable)));
            }
            match self.wait().await {
                Woken::Due if self.next >= self.durable.borrow().size => {
                    return Ok(Some(self.enter(self.phase, durable)));
                }
                // New events are examined before a progress that is due.
                Woken::Due | Woken::Grown | Woken::Standing | Woken::Drained | Woken::SentAway => {}
                Woken::Gone => return Err(errors::draining()),
            }
        }
    }

    /// Ends a stream whose place another party needs.
    fn require_place(&self) -> Result<(), Status> {
        if self.place.must_leave() {
            return Err(sent_away(u64::from(STREAMS_MAX), "streams"));
        }
        if self.watched.must_leave() {
            return Err(sent_away(WATCHED_DESIGNEES_MAX, "designees"));
        }
        Ok(())
    }

    /// Ends a stream whose caller may not have it as it began.
    fn require_standing(&mut self) -> Result<(), Status> {
        let next = self.next;
        let from = self.undelivered.unwrap_or(next).min(next);
        self.standing.look().map_err(|lost| {
            let positions = [("next_position", next), ("from_position", from)];
            let positions = positions.map(|(key, position)| (key, position.to_string()));
            self.standing.ended(&lost, &positions)
        })
    }

    /// Enters a phase, or stays in it, and tells the client how far it is.
    fn enter(&mut self, phase: Phase, durable: Durable) -> pb::SubscribeResponse {
        self.phase = phase;
        let progress = self.progress(durable);
        self.respond(progress)
    }

    async fn wait(&mut self) -> Woken {
        let grown = async {
            match &mut self.waiter {
                Some(waiter) => {
                    waiter.woken().await;
                    Ok(())
                }
                None => self.durable.changed().await,
            }
        };
        tokio::select! {
            () = self.drain.cancelled() => Woken::Drained,
            () = self.place.must_go() => Woken::SentAway,
            () = self.watched.must_go() => Woken::SentAway,
            () = self.standing.moved() => Woken::Standing,
            grown = grown => if grown.is_ok() { Woken::Grown } else { Woken::Gone },
            () = sleep_until(self.due) => Woken::Due,
        }
    }

    /// The next matching events, if any, or a withheld place; moves past those that do not match.
    async fn batch(&mut self, upto: u64) -> Result<Option<Payload>, Status> {
        let found = self.reader.find(self.next, upto, self.undelivered.is_some()).await?;
        let Found { runs, events, next, withheld, hidden } = found;
        // Reading takes a while.
        self.require_standing()?;
        self.undelivered = self.undelivered.or(hidden);
        if let Some(place) = withheld.filter(|_| runs.is_empty()) {
            return self.withheld(&place).map(Some);
        }
        if next <= self.next {
            // Otherwise this stream would loop for ever.
            let detail = "no event is found below the end of the log";
            return Err(ReadError::damaged(self.next, detail).into());
        }
        self.next = next;
        if runs.is_empty() {
            return Ok(None);
        }
        if let Some(digest) = &mut self.digest {
            runs.iter().for_each(|run| digest.add_run(run));
        }
        let bytes = runs.iter().map(Bytes::len).sum();
        self.delivered.add(events, bytes);
        self.roots.iter_mut().for_each(|roots| roots.delivered(bytes));
        let batch = LeafBatch { runs, leaves: Vec::new(), next_position: next };
        Ok(Some(if self.raw { Payload::RawEvents(batch) } else { Payload::Events(batch) }))
    }

    /// A withheld place, which is a message of its own.
    fn withheld(&mut self, place: &Untold) -> Result<Payload, Status> {
        let Untold { leaf, is_seen } = place;
        let told = if *is_seen { place::withheld_at(leaf) } else { place::unseen_at(leaf) };
        let told = told.map_err(ReadError::from)?;
        if let Some(digest) = &mut self.digest {
            let hash = place::leaf_hash(leaf.position, &leaf.as_frame());
            digest.add(&hash.map_err(ReadError::from)?);
        }
        if !is_seen {
            self.undelivered.get_or_insert(leaf.position);
        }
        self.next = leaf.position + 1;
        self.delivered.add(1, leaf.framed.len());
        self.roots.iter_mut().for_each(|roots| roots.delivered(leaf.framed.len()));
        Ok(Payload::Withheld(told))
    }

    fn progress(&self, durable: Durable) -> Payload {
        let (size, contact) = (durable.size, self.ledger.contact());
        let contact = contact.borrow();
        Payload::Progress(pb::Progress {
            next_position: self.next,
            log_size: size,
            log_id: self.ledger.log_id().to_string(),
            server_time: Some(timestamp(self.ledger.now_micros())),
            caught_up: self.next >= size,
            digest: self.digest.map_or_else(Bytes::new, |d| Bytes::copy_from_slice(&d.0)),
            root: match self.reader.sight.sees_all() {
                true => Bytes::copy_from_slice(&durable.root),
                false => Bytes::new(),
            },
            epoch: self.ledger.epoch(),
            last_contact: contact.heard_micros.map(timestamp),
            delivered_root: self.roots.as_ref().map_or_else(Bytes::new, |r| r.at(self.next)),
        })
    }

    fn respond(&mut self, payload: Payload) -> pb::SubscribeResponse {
        self.due = Instant::now() + self.heartbeat;
        if let Some(connected) = &self.connected {
            connected.note(self.next);
        }
        pb::SubscribeResponse { payload: Some(payload) }
    }
}
