//! The messages of a stream on which the caller sends, which only reflection has. Each is bounded
//! like the message of any other request, and is passed on plain.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body as _, Frame};
use tonic::{Status, body::Body};

use super::{
    budget::Ticket,
    deadline::Refusal,
    form::{self, Form},
    methods::Method,
    receive::{Message, Received},
    refusals, unpack,
    unpack::Packing,
};
use crate::limits::REFLECTION_MESSAGES_MAX;

/// The body of such a request. It holds the bytes of one message at a time.
pub(super) struct Messages {
    body: Body,
    method: Method,
    form: Form,
    packing: Option<Packing>,
    ticket: Ticket,
    /// Bytes of the stream itself, from the budget.
    own_bytes: usize,
    message: Message,
    /// Bytes that arrived and belong to the messages after it.
    rest: Bytes,
    given: usize,
    refusal: Refusal,
}

impl Messages {
    pub(super) fn new(
        body: Body,
        method: Method,
        (form, packing): (Form, Option<Packing>),
        ticket: Ticket,
        refusal: Refusal,
    ) -> Self {
        let message = Message::new(method, &form, packing);
        let (own_bytes, rest, given) = (ticket.bytes(), Bytes::new(), 0);
        Self { body, method, form, packing, ticket, own_bytes, message, rest, given, refusal }
    }

    /// The next message, with its prefix; None at the end.
    fn poll_message(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Status>> {
        loop {
            while !self.rest.is_empty() && !self.message.is_whole() {
                let wanted = self.message.wanted().min(self.rest.len());
                let part = self.rest.split_to(wanted);
                self.message.push(part, &mut self.ticket)?;
            }
            if self.message.is_whole() {
                return Poll::Ready(self.take().map(Some));
            }
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => self.rest = frame.into_data().unwrap_or_default(),
                Some(Err(error)) => {
                    return Poll::Ready(Err(refusals::malformed(error.message())));
                }
                None if self.message.has_begun() => {
                    return Poll::Ready(Err(refusals::malformed("the message is cut short")));
                }
                None => return Poll::Ready(Ok(None)),
            }
        }
    }

    /// The message that is whole. What it held is free: its handler holds it alone.
    fn take(&mut self) -> Result<Bytes, Status> {
        self.given += 1;
        if self.given > REFLECTION_MESSAGES_MAX {
            return Err(refusals::too_many_messages());
        }
        let next = Message::new(self.method, &self.form, self.packing);
        let message = std::mem::replace(&mut self.message, next);
        let received = match message.finish()? {
            Received::Packed { parts, packing } => {
                unpack::at_once((packing, parts), &self.form, self.method, &mut self.ticket)?
            }
            plain @ Received::Plain { .. } => plain,
        };
        let received = match (received, &self.form.json) {
            (Received::Plain { parts, .. }, Some(message)) => {
                form::at_once(parts, message, &self.method, &mut self.ticket)?
            }
            (received, _) => received,
        };
        self.ticket.refund(self.ticket.bytes() - self.own_bytes);
        match received {
            Received::Plain { parts, .. } => Ok(Bytes::from(parts.concat())),
            Received::Packed { .. } => Err(refusals::malformed("a message that is packed twice")),
        }
    }
}

impl http_body::Body for Messages {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.refusal.get().is_some() {
            return Poll::Ready(None);
        }
        match ready!(self.poll_message(context)) {
            Ok(message) => Poll::Ready(message.map(|message| Ok(Frame::data(message)))),
            Err(status) => {
                // The service ends its answer on an error; the answer then tells this one.
                let _ = self.refusal.set(status.clone());
                Poll::Ready(Some(Err(status)))
            }
        }
    }
}
