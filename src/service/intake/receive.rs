//! Receives the one message of a request. Its size is refused from the prefix, its elements as they
//! arrive, and its bytes count from their arrival. A plain message in one frame passes as it is.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use tokio::time::{Instant, timeout_at};
use tonic::{Status, body::Body};

use super::{
    budget::{NoRoom, Ticket},
    deadline::Deadline,
    form::Form,
    methods::Method,
    refusals,
    unpack::Packing,
};
use crate::{
    limits::{KEPT_PART_BYTES_MIN, MESSAGE_DURATION_MAX, MESSAGE_GRACE, MESSAGE_RATE_MIN},
    protocol::wire::{Counts, Walk},
    service::frames::{PREFIX_BYTES, prefix},
};

/// The prefix of a plain message of so many bytes.
pub(super) fn plain_prefix(bytes: usize) -> Bytes {
    Bytes::copy_from_slice(&prefix(0, bytes))
}

/// A message that has arrived.
pub(super) enum Received {
    /// Plain, with its prefix; counted, unless it is written in JSON.
    Plain { parts: Vec<Bytes>, bytes: usize, counts: Counts },
    /// Packed, without its prefix.
    Packed { parts: Vec<Bytes>, packing: Packing },
}

/// When a message must have arrived.
pub(super) struct Arrival {
    begun: Instant,
    deadline: Deadline,
}

impl Arrival {
    pub(super) fn new(deadline: Deadline) -> Self {
        Self { begun: Instant::now(), deadline }
    }

    /// The instant at which a message that has so many bytes is too late, and why it is then.
    fn due(&self, bytes: usize) -> (Instant, fn(Deadline) -> Status) {
        let at_rate = Duration::from_millis((bytes * 1_000 / MESSAGE_RATE_MIN) as u64);
        let slow = self.begun + MESSAGE_GRACE + at_rate;
        let late = self.begun + MESSAGE_DURATION_MAX;
        let (due, why): (_, fn(Deadline) -> Status) = match slow < late {
            true => (slow, |_| refusals::too_slow()),
            false => (late, |_| refusals::too_long_on_the_way()),
        };
        match self.deadline.at {
            Some(at) if at <= due => (at, Deadline::passed),
            _ => (due, why),
        }
    }
}

/// Receives the message of a request, and the end of the request after it.
pub(super) async fn receive(
    body: &mut Body,
    method: &Method,
    (form, packing): (&Form, Option<Packing>),
    arrival: &Arrival,
    ticket: &mut Ticket,
) -> Result<Received, Status> {
    let mut message = Message::new(*method, form, packing);
    while let Some(data) = next(body, arrival, message.bytes, ticket).await? {
        message.push(data, ticket)?;
        if message.is_whole() {
            // Mostly the end is known by now.
            if body.is_end_stream() {
                break;
            }
        }
    }
    ticket.settle().map_err(refusals::no_room)?;
    message.finish()
}

/// The next bytes; None at the end of the request. Gives up if they are too late, or if the memory
/// is needed for others.
async fn next(
    body: &mut Body,
    arrival: &Arrival,
    bytes: usize,
    ticket: &mut Ticket,
) -> Result<Option<Bytes>, Status> {
    let frame = poll_fn(|context| poll_data(body, ticket, context));
    let (due, why) = arrival.due(bytes);
    match timeout_at(due, frame).await {
        Ok(data) => data,
        Err(_) => Err(why(arrival.deadline)),
    }
}

fn poll_data(
    body: &mut Body,
    ticket: &mut Ticket,
    context: &mut Context<'_>,
) -> Poll<Result<Option<Bytes>, Status>> {
    loop {
        match Pin::new(&mut *body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                // Of trailers, a request of one message needs nothing.
                if let Ok(data) = frame.into_data() {
                    return Poll::Ready(Ok(Some(data)));
                }
            }
            Poll::Ready(Some(Err(error))) => {
                return Poll::Ready(Err(refusals::malformed(error.message())));
            }
            Poll::Ready(None) => return Poll::Ready(Ok(None)),
            Poll::Pending => {
                let given_up = ticket.poll_given_up(context);
                return given_up.map(|refused: NoRoom| Err(refusals::no_room(refused)));
            }
        }
    }
}

/// A message that arrives.
pub(super) struct Message {
    method: Method,
    packing: Option<Packing>,
    prefix: Prefix,
    /// Counts a plain message of protobuf.
    walk: Option<Walk>,
    /// Bytes of the request that have arrived.
    bytes: usize,
    /// Bytes of the message that are missing.
    missing: usize,
    /// The parts of the message; of a plain one, its prefix before them.
    parts: Vec<Bytes>,
    /// Short parts, copied together behind the others.
    tail: BytesMut,
}

/// The beginning of a message.
#[derive(Clone, Copy)]
enum Prefix {
    Partly {
        bytes: [u8; PREFIX_BYTES],
        have: usize,
    },
    Read {
        length: usize,
        packed: bool,
    },
    /// The message is all of the request.
    None {
        packed: bool,
    },
}

impl Message {
    pub(super) fn new(method: Method, form: &Form, packing: Option<Packing>) -> Self {
        let prefix = match form.is_bare {
            true => Prefix::None { packed: packing.is_some() },
            false => Prefix::Partly { bytes: [0; PREFIX_BYTES], have: 0 },
        };
        let is_json = form.json.is_some();
        Self {
            method,
            packing,
            prefix,
            walk: (!is_json).then(|| Walk::new(method.shape, method.bounds)),
            bytes: 0,
            missing: 0,
            parts: Vec::new(),
            tail: BytesMut::new(),
        }
    }

    pub(super) fn is_whole(&self) -> bool {
        matches!(self.prefix, Prefix::Read { .. }) && self.missing == 0
    }

    /// Bytes up to the end of the prefix, or of the message.
    pub(super) fn wanted(&self) -> usize {
        match self.prefix {
            Prefix::Partly { have, .. } => PREFIX_BYTES - have,
            Prefix::Read { .. } => self.missing,
            Prefix::None { .. } => usize::MAX,
        }
    }

    /// True once a byte of it has arrived.
    pub(super) fn has_begun(&self) -> bool {
        self.bytes > 0
    }

    /// Takes bytes of the request.
    pub(super) fn push(&mut self, mut data: Bytes, ticket: &mut Ticket) -> Result<(), Status> {
        if data.is_empty() {
            return Ok(());
        }
        if self.is_whole() {
            return Err(refusals::malformed("bytes follow the message; a call takes one message"));
        }
        self.bytes += data.len();
        if let Prefix::None { packed } = self.prefix {
            return self.push_bare(data, packed, ticket);
        }
        let whole_frame = self.take_prefix(&mut data)?;
        let Prefix::Read { packed, .. } = self.prefix else { return Ok(()) };
        if data.len() > self.missing {
            return Err(refusals::malformed("bytes follow the message; a call takes one message"));
        }
        self.missing -= data.len();
        self.count(packed, &data)?;
        match whole_frame.filter(|_| !packed && self.missing == 0) {
            Some(frame) => {
                self.parts.clear();
                ticket.charge(frame.len()).map_err(refusals::no_room)?;
                self.parts.push(frame);
                Ok(())
            }
            None => self.keep(data, ticket),
        }
    }

    /// Takes bytes of a message without a prefix.
    fn push_bare(&mut self, data: Bytes, packed: bool, ticket: &mut Ticket) -> Result<(), Status> {
        if self.bytes > self.method.bytes_max {
            return Err(refusals::too_large(self.bytes, &self.method, false));
        }
        self.count(packed, &data)?;
        self.keep(data, ticket)
    }

    /// Counts the elements in bytes of a plain message.
    fn count(&mut self, packed: bool, data: &[u8]) -> Result<(), Status> {
        match &mut self.walk {
            Some(walk) if !packed => walk.push(data).map_err(refusals::not_decoded),
            _ => Ok(()),
        }
    }

    /// Reads the prefix off the bytes. Gives the bytes with the prefix if they begin with it.
    fn take_prefix(&mut self, data: &mut Bytes) -> Result<Option<Bytes>, Status> {
        let Prefix::Partly { mut bytes, mut have } = self.prefix else { return Ok(None) };
        let whole = (have == 0).then(|| data.clone());
        let taken = data.split_to(data.len().min(PREFIX_BYTES - have));
        for (place, byte) in bytes.iter_mut().skip(have).zip(&taken) {
            *place = *byte;
        }
        have += taken.len();
        if have < PREFIX_BYTES {
            self.prefix = Prefix::Partly { bytes, have };
            return Ok(None);
        }
        let [flag, length @ ..] = bytes;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        let packed = self.is_packed(flag)?;
        if length > self.method.bytes_max {
            return Err(refusals::too_large(length, &self.method, false));
        }
        self.prefix = Prefix::Read { length, packed };
        self.missing = length;
        if !packed {
            self.parts.push(Bytes::copy_from_slice(&bytes));
        }
        Ok(whole)
    }

    fn is_packed(&self, flag: u8) -> Result<bool, Status> {
        match (flag, self.packing) {
            (0, _) => Ok(false),
            (1, Some(_)) => Ok(true),
            (1, None) => Err(refusals::malformed("a packed message without a grpc-encoding")),
            _ => Err(refusals::malformed("the flag of a message is neither 0 nor 1")),
        }
    }

    /// Keeps bytes of the message. A short part is copied, because it would keep the buffer that it
    /// arrived in.
    fn keep(&mut self, data: Bytes, ticket: &mut Ticket) -> Result<(), Status> {
        if data.len() >= KEPT_PART_BYTES_MIN {
            self.flush_tail();
            ticket.charge(data.len()).map_err(refusals::no_room)?;
            self.parts.push(data);
            return Ok(());
        }
        let before = self.tail.capacity();
        self.tail.extend_from_slice(&data);
        ticket.charge(self.tail.capacity() - before).map_err(refusals::no_room)?;
        if self.tail.len() >= KEPT_PART_BYTES_MIN {
            self.flush_tail();
        }
        Ok(())
    }

    fn flush_tail(&mut self) {
        if !self.tail.is_empty() {
            self.parts.push(std::mem::take(&mut self.tail).freeze());
        }
    }

    /// The message, once the request has ended.
    pub(super) fn finish(mut self) -> Result<Received, Status> {
        self.flush_tail();
        let (length, packed) = match self.prefix {
            Prefix::Read { length, packed } => (length, packed),
            Prefix::None { packed } => {
                if !packed || self.bytes == 0 {
                    self.parts.insert(0, plain_prefix(self.bytes));
                }
                // Nothing is not packed, whatever the headers say.
                (self.bytes, packed && self.bytes > 0)
            }
            Prefix::Partly { .. } if self.bytes == 0 => {
                return Err(refusals::malformed("the message is missing"));
            }
            Prefix::Partly { .. } => return Err(refusals::malformed("the message is cut short")),
        };
        if self.missing > 0 {
            return Err(refusals::malformed("the message is cut short"));
        }
        match self.packing.filter(|_| packed) {
            Some(packing) => Ok(Received::Packed { parts: self.parts, packing }),
            None => {
                let counts = self.walk.map(Walk::finish).transpose();
                let counts = counts.map_err(refusals::not_decoded)?.unwrap_or_default();
                Ok(Received::Plain { parts: self.parts, bytes: length, counts })
            }
        }
    }
}
