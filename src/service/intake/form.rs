//! How the messages of a request are written, and the step from JSON to the message.

use bytes::{Buf as _, Bytes};
use prost_reflect::MessageDescriptor;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::{
    budget::{NoRoom, Ticket},
    methods::Method,
    receive::{self, Received},
    refusals,
};
use crate::{
    ledger::run_blocking,
    limits::INLINE_WORK_BYTES_MAX,
    protocol::{
        json::{self, Unread},
        wire,
    },
    service::{errors, frames::PREFIX_BYTES},
};

/// How the messages of a request are written, in its extensions. Without one they are gRPC's:
/// protobuf behind prefixes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form {
    /// True if the body is one message without a prefix.
    pub(crate) is_bare: bool,
    /// The message, if it is written in JSON.
    pub(crate) json: Option<MessageDescriptor>,
}

/// Reads the JSON of a small message at once. `parts` are its text behind a prefix.
pub(super) fn at_once(
    parts: Vec<Bytes>,
    message: &MessageDescriptor,
    method: &Method,
    ticket: &mut Ticket,
) -> Result<Received, Status> {
    converted(parts, message, method, ticket, &CancellationToken::new())
}

/// Reads the JSON of a message: of a small one at once, of a large one on a thread that may block,
/// of which few run at a time. Gives the ticket back, which the work owns meanwhile.
pub(super) async fn from_json(
    parts: Vec<Bytes>,
    message: MessageDescriptor,
    method: Method,
    mut ticket: Ticket,
    large: &Semaphore,
) -> Result<(Received, Ticket), Status> {
    let bytes: usize = parts.iter().map(Bytes::len).sum();
    if bytes <= INLINE_WORK_BYTES_MAX {
        return Ok((at_once(parts, &message, &method, &mut ticket)?, ticket));
    }
    let _turn = large.acquire().await.map_err(|_| errors::draining())?;
    let caller = CancellationToken::new();
    let gone = caller.clone();
    let _leaves = caller.drop_guard();
    run_blocking(move || Ok((converted(parts, &message, &method, &mut ticket, &gone)?, ticket)))
        .await?
}

fn converted(
    parts: Vec<Bytes>,
    message: &MessageDescriptor,
    method: &Method,
    ticket: &mut Ticket,
    gone: &CancellationToken,
) -> Result<Received, Status> {
    let (text, text_bytes) = joined(parts, ticket)?;
    if text.is_empty() {
        return Err(refusals::malformed("the message is missing; an empty one is written {}"));
    }
    let mut refused: Option<NoRoom> = None;
    let mut pay = |bytes| {
        refused = ticket.charge(bytes).err();
        refused.is_none() && !gone.is_cancelled()
    };
    let read = json::read(&text, message, method.bytes_max, &mut pay);
    let encoded = read.map_err(|unread| match (unread, refused) {
        (Unread::NoRoom, Some(refused)) => refusals::no_room(refused),
        (Unread::NoRoom, None) => errors::deadline_passed(),
        (unread, _) => refusals::unread(unread, method),
    })?;
    drop(text);
    ticket.refund(text_bytes);
    let counts = wire::count(method.shape, method.bounds, &encoded);
    let counts = counts.map_err(refusals::not_decoded)?;
    let bytes = encoded.len();
    let parts = vec![receive::plain_prefix(bytes), Bytes::from(encoded)];
    Ok(Received::Plain { parts, bytes, counts })
}

/// The text behind the prefix in one piece, and the bytes that it has in the budget.
fn joined(parts: Vec<Bytes>, ticket: &mut Ticket) -> Result<(Bytes, usize), Status> {
    // The prefix is a part of its own, or begins the only part.
    let mut parts = parts.into_iter();
    let mut first = parts.next().unwrap_or_default();
    first.advance(PREFIX_BYTES.min(first.len()));
    if first.is_empty() {
        first = parts.next().unwrap_or_default();
    }
    let rest: Vec<_> = parts.collect();
    let bytes = first.len() + rest.iter().map(Bytes::len).sum::<usize>();
    if rest.is_empty() {
        return Ok((first, bytes));
    }
    ticket.charge(bytes).map_err(refusals::no_room)?;
    let mut text = Vec::with_capacity(bytes);
    text.extend_from_slice(&first);
    rest.iter().for_each(|part| text.extend_from_slice(part));
    drop((first, rest));
    ticket.refund(bytes);
    Ok((text.into(), bytes))
}
