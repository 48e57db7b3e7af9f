//! The messages of a subscription as lines: JSON, or server-sent events.
//!
//! A part of the answer is made when somebody takes it, from one message of the call. So a reader
//! that takes nothing holds that message and one part, and the call waits as it does for a client
//! of gRPC.

use std::{
    collections::VecDeque,
    sync::{Arc, OnceLock},
};

use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use prost::Message as _;
use tokio::sync::Semaphore;
use tonic::{Code, Status, body::Body};

use super::{Site, faults};
use crate::{
    ledger::run_blocking,
    limits::{LINES_BYTES, LINES_INLINE_BYTES},
    protocol::{
        json::{Json, JsonError},
        pb::{self, subscribe_response::Payload},
    },
    service::{
        arrival::{Arrivals, Named},
        errors,
        frames::Frames,
    },
};

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A line of JSON for each event.
    Json {
        /// And one for each message of progress.
        progress: bool,
    },
    /// Server-sent events, as browsers read them.
    Sse,
}

/// The kind of a line. Server-sent events name each but the first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Event,
    Withheld,
    Progress,
    Error,
}

/// The body of an answer.
pub(super) struct Lines {
    call: Body,
    frames: Frames,
    /// Events of the message at hand that are not lines yet.
    events: VecDeque<Bytes>,
    /// Its next position.
    next: u64,
    form: Form,
    /// The caller has everything below this position.
    known: u64,
    out: BytesMut,
    ended: bool,
    arrivals: Option<Arc<Arrivals>>,
    turns: Arc<Semaphore>,
}

/// A part of the answer, and what follows.
type Next = Option<(Result<Frame<Bytes>, Status>, Option<Lines>)>;

impl Lines {
    /// The lines of a call that was let in. Events below `known` are left out.
    pub(super) fn new(call: Body, form: Form, known: u64, site: &Site) -> Self {
        Self {
            call,
            frames: Frames::default(),
            events: VecDeque::new(),
            next: 0,
            form,
            known,
            out: BytesMut::new(),
            ended: false,
            arrivals: site.arrivals.clone(),
            turns: Arc::clone(&site.turns),
        }
    }

    /// The body of the answer.
    pub(super) fn into_body(self) -> Body {
        let parts = stream::unfold(Some(self), |lines| async { lines?.next().await });
        Body::new(StreamBody::new(parts))
    }

    /// The next part of the answer.
    async fn next(mut self) -> Next {
        loop {
            if !self.ended {
                self = match self.filled().await {
                    Ok(lines) => lines,
                    Err(status) => return Some((Err(status), None)),
                };
            }
            if !self.out.is_empty() {
                let part = self.out.split().freeze();
                return Some((Ok(Frame::data(part)), Some(self)));
            }
            if self.ended {
                return None;
            }
            let status = match self.call.frame().await {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        self.frames.add(data);
                        continue;
                    }
                    Err(frame) => frame.trailers_ref().and_then(Status::from_header_map),
                },
                Some(Err(status)) => Some(status),
                None => None,
            };
            match status.filter(|status| status.code() != Code::Ok) {
                Some(status) => self.fail(&status),
                None => self.ended = true,
            }
        }
    }

    /// Adds lines, or the error that ends them. A part of many events is made in its turn, on a
    /// thread that may block: readers that catch up must not hold the threads of all calls.
    async fn filled(mut self) -> Result<Self, Status> {
        let is_little = self.events.is_empty() && self.frames.len() <= LINES_INLINE_BYTES;
        let fill = |mut lines: Self| {
            if let Err(status) = lines.fill() {
                lines.fail(&status);
            }
            lines
        };
        if is_little {
            return Ok(fill(self));
        }
        let turns = Arc::clone(&self.turns);
        let _turn = turns.acquire().await.map_err(|_| errors::draining())?;
        self = run_blocking(move || fill(self)).await?;
        Ok(self)
    }

    /// Adds lines until the part is full, or nothing is at hand.
    fn fill(&mut self) -> Result<(), Status> {
        while self.out.len() < LINES_BYTES {
            if let Some(leaf) = self.events.pop_front() {
                self.event(&leaf)?;
                continue;
            }
            let Some(message) = self.frames.next() else { return Ok(()) };
            self.message(message)?;
        }
        Ok(())
    }

    fn message(&mut self, message: Bytes) -> Result<(), Status> {
        let message = pb::SubscribeResponse::decode(message).map_err(errors::internal)?;
        match message.payload {
            Some(Payload::Events(batch) | Payload::RawEvents(batch)) => {
                self.events = batch.leaves.into();
                self.next = batch.next_position;
            }
            Some(Payload::Withheld(place)) => {
                let next = place.position.unwrap_or_default() + 1;
                if next > self.known {
                    let line = json()?.line("Withheld", &place).map_err(errors::internal)?;
                    self.line(Kind::Withheld, Some(next), &line);
                }
            }
            Some(Payload::Progress(progress)) => return self.progress(&progress),
            None => {}
        }
        Ok(())
    }

    fn event(&mut self, leaf: &Bytes) -> Result<(), Status> {
        // All events before the next position of the message match, and none after the last.
        let next = match self.events.is_empty() {
            true => self.next,
            false => position(leaf)? + 1,
        };
        if next <= self.known {
            return Ok(());
        }
        let line = json()?.line_of("RecordedEvent", leaf).map_err(errors::internal)?;
        self.line(Kind::Event, Some(next), &line);
        Ok(())
    }

    fn progress(&mut self, progress: &pb::Progress) -> Result<(), Status> {
        if self.known > progress.log_size {
            let (named, size) =
                (Named { field: "Last-Event-ID", position: self.known }, progress.log_size);
            return Err(match &self.arrivals {
                Some(arrivals) => arrivals.missed(named, size),
                None => errors::beyond_log(named.field, named.position, size),
            });
        }
        if self.form == (Form::Json { progress: false }) {
            return Ok(());
        }
        let line = json()?.whole("Progress", progress).map_err(errors::internal)?;
        let next = progress.next_position.max(self.known);
        self.line(Kind::Progress, Some(next), &line);
        Ok(())
    }

    /// Adds the error that ends the answer.
    fn fail(&mut self, status: &Status) {
        self.ended = true;
        self.events.clear();
        let error = faults::of(status);
        match self.form {
            Form::Json { .. } => {
                let line = serde_json::json!({ "error": error }).to_string();
                self.line(Kind::Error, None, &line);
            }
            Form::Sse => self.line(Kind::Error, None, &error.to_string()),
        }
    }

    fn line(&mut self, kind: Kind, next: Option<u64>, json: &str) {
        let mut add = |text: &str| self.out.extend_from_slice(text.as_bytes());
        if let Form::Json { .. } = self.form {
            add(json);
            add("\n");
            return;
        }
        match kind {
            Kind::Event => {}
            Kind::Withheld => add("event: withheld\n"),
            Kind::Progress => add("event: progress\n"),
            Kind::Error => add("event: error\n"),
        }
        if let Some(next) = next {
            add(&format!("id: {next}\n"));
        }
        // JSON of one line has no line break.
        add("data: ");
        add(json);
        add("\n\n");
    }
}

/// The position of a stored event.
fn position(leaf: &Bytes) -> Result<u64, Status> {
    /// The one field that is read here.
    #[derive(Clone, PartialEq, prost::Message)]
    struct Place {
        #[prost(uint64, optional, tag = "1")]
        position: Option<u64>,
    }
    let place = Place::decode(leaf.clone()).map_err(errors::internal)?;
    place.position.ok_or_else(|| errors::internal("a stored event has no position"))
}

/// The descriptors, read when the first line is made.
fn json() -> Result<&'static Json, Status> {
    static JSON: OnceLock<Result<Json, JsonError>> = OnceLock::new();
    JSON.get_or_init(Json::new).as_ref().map_err(errors::internal)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::{
        access::AccessControl,
        protocol::{batch::LeafBatch, leaf::Leaf},
        service::frames::framed,
    };

    /// The lines of a call from its first event on.
    fn lines(call: Body, form: Form) -> Body {
        let turns = Arc::new(Semaphore::new(1));
        let site = Site { ledger: None, arrivals: None, access: AccessControl::open(), turns };
        Lines::new(call, form, 0, &site).into_body()
    }

    /// A message of so many events from a position on.
    fn message(first: u64, count: u64) -> Bytes {
        let leaf = |position| Leaf { position: Some(position), ..Leaf::default() };
        let leaves = (first..first + count).map(|at| Bytes::from(leaf(at).encode_to_vec()));
        let batch =
            LeafBatch { runs: Vec::new(), leaves: leaves.collect(), next_position: first + count };
        let message = pb::SubscribeResponse { payload: Some(Payload::Events(batch)) };
        framed(0, &message.encode_to_vec())
    }

    /// A call of ten messages that counts those that are taken.
    fn call(events: u64) -> (Body, Arc<AtomicUsize>) {
        let taken = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&taken);
        let frames = (0..10).map(move |number| {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Status>(Frame::data(message(number * events, events)))
        });
        (Body::new(StreamBody::new(stream::iter(frames))), taken)
    }

    #[tokio::test]
    async fn a_message_is_taken_when_the_lines_of_the_one_before_are() {
        // Enough for three parts and a bit.
        let events = u64::try_from(3 * LINES_BYTES / 20).unwrap();
        let (call, taken) = call(events);
        let mut lines = lines(call, Form::Json { progress: false });
        let (mut parts, mut told) = (0, 0);
        while let Some(part) = lines.frame().await {
            let part = part.unwrap().into_data().unwrap();
            assert!(part.len() < LINES_BYTES + 100, "{} bytes", part.len());
            told += part.iter().filter(|byte| **byte == b'\n').count() as u64;
            // The message whose events are told, and none ahead.
            let needed = usize::try_from(told.div_ceil(events)).unwrap();
            assert_eq!(taken.load(Ordering::Relaxed), needed, "after {told} lines");
            parts += 1;
        }
        assert!(told == 10 * events && parts > 20, "{told} lines in {parts} parts");
    }

    #[tokio::test]
    async fn an_error_is_the_last_line() {
        let events = framed(0, &pb::SubscribeResponse::default().encode_to_vec());
        for (form, begin) in [
            (Form::Json { progress: false }, "{\"error\":{\"code\":\"unavailable\""),
            (Form::Sse, "event: error\ndata: {\"code\":\"unavailable\""),
        ] {
            let ends: [Result<Frame<Bytes>, Status>; 3] = [
                Ok(Frame::data(events.clone())),
                Err(errors::draining()),
                Ok(Frame::data(events.clone())),
            ];
            let lines = lines(Body::new(StreamBody::new(stream::iter(ends))), form);
            let text = lines.collect().await.unwrap().to_bytes();
            let text = String::from_utf8(text.to_vec()).unwrap();
            assert!(text.starts_with(begin) && text.contains("DRAINING"), "{text}");
            assert_eq!(text.trim_end().matches("\"code\"").count(), 1, "{text}");
        }
    }
}
