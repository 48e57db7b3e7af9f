//! Pages and their tokens, which stay valid while the log grows.

use std::ops::Range;

use sha2::{Digest as _, Sha256};
use tonic::{Code, Status};

use super::{arrival::Named, as_of::resolve, call::Call, errors};
use crate::{
    domain::{
        PartialDate,
        fault::{RuleId, echo},
    },
    ledger::Ledger,
    limits::{PAGE_EVENTS_DEFAULT, PAGE_EVENTS_MAX, QUESTION_SLICE_TITLES},
    protocol::pb::{self, ErrorReason},
    register::AsOf,
};

/// A page of events. Its token names the next position, the size of the log when the first page was
/// read, and the request to which it belongs.
pub(crate) struct Page {
    /// The first position that belongs to the list.
    pub(crate) least: u64,
    /// Ascending: the first position to examine. Descending: one more than that.
    pub(crate) from: u64,
    /// The end of the list, exclusive, as it was when the first page was read.
    pub(crate) upto: u64,
    /// Most events in it.
    pub(crate) size: usize,
    /// Newest first.
    pub(crate) descending: bool,
    request: u64,
}

impl Page {
    /// Reads the page that a request asks for from a log of `size` events, of which a range is
    /// wanted.
    pub(crate) fn read(
        request: &pb::ListEventsRequest,
        wanted: &Range<u64>,
        size: u64,
    ) -> Result<Self, Status> {
        let order = pb::EventOrder::try_from(request.order)
            .map_err(|_| errors::unknown_enum("order", request.order))?;
        let descending = order == pb::EventOrder::Descending;
        let page_size = page_size(request.page_size)?;
        let same = pb::ListEventsRequest {
            filter: request.filter.clone(),
            order: request.order,
            page_size: 0,
            page_token: String::new(),
            ..*request
        };
        let Range { start: least, end: upto } = *wanted;
        let from = if descending { upto } else { least };
        let request_of = fingerprint(&same);
        let mut page = Self { least, from, upto, size: page_size, descending, request: request_of };
        if !request.page_token.is_empty() {
            let bounds = page.parse(&request.page_token, size);
            (page.from, page.upto) = bounds.ok_or_else(|| foreign_token(&request.page_token))?;
        }
        Ok(page)
    }

    fn parse(&self, token: &str, size: u64) -> Option<(u64, u64)> {
        let mut parts = token.split('.').map(|part| u64::from_str_radix(part, 16).ok());
        let (from, upto, request) = (parts.next()??, parts.next()??, parts.next()??);
        let whole = parts.next().is_none() && request == self.request;
        (whole && from <= upto && upto <= size).then_some((from, upto))
    }

    /// The positions of a page to which every event belongs, and the start of the next one.
    pub(crate) fn all(&self) -> (Vec<u64>, Option<u64>) {
        let size = self.size as u64;
        if self.descending {
            let first = self.from.saturating_sub(size).max(self.least);
            return ((first..self.from).rev().collect(), (first > self.least).then_some(first));
        }
        let next = self.upto.min(self.from.saturating_add(size));
        ((self.from..next).collect(), (next < self.upto).then_some(next))
    }

    /// The token of the next page: from the event that did not fit, or from where the search
    /// stopped.
    pub(crate) fn token_after(&self, cut: Option<u64>, next: Option<u64>) -> String {
        let cut = cut.map(|position| if self.descending { position + 1 } else { position });
        let Some(from) = cut.or(next) else { return String::new() };
        format!("{from:x}.{:x}.{:x}", self.upto, self.request)
    }
}

/// The token of a page of the register: the moments of the first page, and the end of the part that
/// was read.
#[derive(Clone, Copy)]
pub(crate) struct PageToken {
    pub(crate) as_of: AsOf,
    /// The next item to examine.
    pub(crate) next: usize,
    /// Results of that item that earlier pages had.
    pub(crate) skip: usize,
}

impl PageToken {
    /// The results of its item that a search collects in vain. A token that somebody made up may
    /// state any number.
    pub(crate) fn skipped(&self) -> usize {
        self.skip.min(QUESTION_SLICE_TITLES)
    }

    /// Reads the token of a request; an empty one means the first page.
    pub(crate) async fn read(
        ledger: &Ledger,
        call: &Call,
        asked: Option<pb::AsOf>,
        token: &str,
        request: &impl prost::Message,
    ) -> Result<Self, Status> {
        if token.is_empty() {
            return Ok(Self { as_of: resolve(ledger, call, asked).await?, next: 0, skip: 0 });
        }
        arrive(ledger, call, token).await?;
        Self::parse(token, request, ledger.durable().size)
    }

    /// The text of the token after a page of a list of `total` items.
    pub(crate) fn text_after(
        &self,
        size: usize,
        total: usize,
        request: &impl prost::Message,
    ) -> String {
        let next = self.next.saturating_add(size);
        if next < total { Self { next, ..*self }.text(request) } else { String::new() }
    }

    /// The results of a page, and the token of the next one. `found` was searched from this token's
    /// item on, `rest` is the next item to examine, and `item` tells where a result was found. The
    /// page ends before the result that does not fit, but takes one.
    pub(crate) fn page<T>(
        self,
        (found, rest): (Vec<T>, Option<usize>),
        item: impl Fn(&T) -> usize,
        mut fits: impl FnMut(&T) -> bool,
    ) -> (Vec<T>, Option<Self>) {
        let mut page: Vec<T> = Vec::new();
        // The item of the last result, and its results so far.
        let mut at = (self.next, 0);
        for result in found {
            let next = item(&result);
            if next != at.0 {
                at = (next, 0);
            }
            if !(next == self.next && at.1 < self.skip) {
                if !(fits(&result) || page.is_empty()) {
                    return (page, Some(Self { next, skip: at.1, ..self }));
                }
                page.push(result);
            }
            at.1 += 1;
        }
        (page, rest.map(|next| Self { next, skip: 0, ..self }))
    }

    /// Writes the token; `request` is the request without page size, token and moments.
    pub(crate) fn text(&self, request: &impl prost::Message) -> String {
        let Self { as_of: AsOf { valid_on, known_at }, next, skip } = self;
        format!("{valid_on}.{known_at:x}.{next:x}.{skip:x}.{:x}", fingerprint(request))
    }

    /// Reads a token that this request got from a log of at most this size.
    fn parse(token: &str, request: &impl prost::Message, size: u64) -> Result<Self, Status> {
        let read = || {
            let mut parts = token.split('.');
            let valid_on = PartialDate::parse_iso(parts.next()?).ok()?.last_day();
            let mut number = || u64::from_str_radix(parts.next()?, 16).ok();
            let (known_at, next, skip, request_of) = (number()?, number()?, number()?, number()?);
            let whole = parts.next().is_none() && request_of == fingerprint(request);
            let token = Self {
                as_of: AsOf { valid_on, known_at },
                next: usize::try_from(next).ok()?,
                skip: usize::try_from(skip).ok()?,
            };
            (whole && known_at <= size).then_some(token)
        };
        read().ok_or_else(|| foreign_token(token))
    }
}

/// On a follower, waits for the end of the list to which a token belongs: another node may have
/// given it. Tokens of both kinds have it in the same place.
pub(crate) async fn arrive(ledger: &Ledger, call: &Call, token: &str) -> Result<(), Status> {
    let end = token.split('.').nth(1).and_then(|part| u64::from_str_radix(part, 16).ok());
    let Some(position) = end else { return Ok(()) };
    Named { field: "page_token", position }.arrived(ledger, call).await
}

/// The size of a page: the requested one, within its bounds.
pub(crate) fn page_size(asked: i32) -> Result<usize, Status> {
    match usize::try_from(asked) {
        Ok(0) => Ok(PAGE_EVENTS_DEFAULT),
        Ok(asked) => Ok(asked.min(PAGE_EVENTS_MAX)),
        Err(_) => Err(errors::bad_field("page_size", &asked.to_string(), RuleId::PageSizeNegative)),
    }
}

/// The error for a token of another request.
pub(crate) fn foreign_token(token: &str) -> Status {
    errors::status(
        Code::InvalidArgument,
        ErrorReason::PageTokenInvalid,
        "page_token does not belong to this request",
        [("value", echo(token))],
    )
}

/// Ties a token to its request.
fn fingerprint(request: &impl prost::Message) -> u64 {
    let [a, b, c, d, ..]: [u8; 32] = Sha256::digest(request.encode_to_vec()).into();
    u64::from(u32::from_be_bytes([a, b, c, d]))
}
