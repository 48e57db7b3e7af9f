//! Pages of events: tokens that stay valid while the log grows.

use prost::Message as _;
use sha2::{Digest as _, Sha256};
use tonic::{Code, Status};

use super::errors;
use crate::{
    domain::{
        fault::{ParseError, Reason, echo},
        limits::{PAGE_EVENTS_DEFAULT, PAGE_EVENTS_MAX},
    },
    pb::{self, ErrorReason},
};

/// Where a page stands. The token names the next position, the size of the log when the first page was read, and the
/// request it belongs to.
pub(crate) struct Page {
    /// Ascending: the first position to look at. Descending: one more than it.
    pub(crate) from: u64,
    /// Size of the log when the first page was read.
    pub(crate) upto: u64,
    /// Most events in it.
    pub(crate) size: usize,
    /// Newest first.
    pub(crate) descending: bool,
    request: u64,
}

impl Page {
    /// Reads a page's place; `size` is that of the log.
    pub(crate) fn read(request: &pb::ListEventsRequest, size: u64) -> Result<Self, Status> {
        let order = pb::EventOrder::try_from(request.order).map_err(|_| {
            let message = "is not a value of this version's protocol";
            let error = ParseError::new(Reason::EnumUnknown, message, "");
            errors::bad_field("order", &request.order.to_string(), &error)
        })?;
        let descending = order == pb::EventOrder::Descending;
        let page_size = match usize::try_from(request.page_size) {
            Ok(0) => PAGE_EVENTS_DEFAULT,
            Ok(asked) => asked.min(PAGE_EVENTS_MAX),
            Err(_) => {
                let error = ParseError::new(Reason::FieldInvalid, "must not be negative", "");
                let value = request.page_size.to_string();
                return Err(errors::bad_field("page_size", &value, &error));
            }
        };
        let fingerprint = fingerprint(request);
        let from = if descending { size } else { 0 };
        let mut page = Self { from, upto: size, size: page_size, descending, request: fingerprint };
        if !request.page_token.is_empty() {
            (page.from, page.upto) = page.parse(&request.page_token, size).ok_or_else(|| {
                errors::status(
                    Code::InvalidArgument,
                    ErrorReason::PageTokenInvalid,
                    "page_token does not belong to this request",
                    [("value", echo(&request.page_token))],
                )
            })?;
        }
        Ok(page)
    }

    fn parse(&self, token: &str, size: u64) -> Option<(u64, u64)> {
        let mut parts = token.split('.').map(|part| u64::from_str_radix(part, 16).ok());
        let (from, upto, request) = (parts.next()??, parts.next()??, parts.next()??);
        let whole = parts.next().is_none() && request == self.request;
        (whole && from <= upto && upto <= size).then_some((from, upto))
    }

    /// The token of the next page: from the event that did not fit, or from where the search stopped.
    pub(crate) fn token_after(&self, cut: Option<u64>, next: Option<u64>) -> String {
        let cut = cut.map(|position| if self.descending { position + 1 } else { position });
        let Some(from) = cut.or(next) else { return String::new() };
        format!("{from:x}.{:x}.{:x}", self.upto, self.request)
    }
}

/// Ties a token to the filter and order it was given for.
fn fingerprint(request: &pb::ListEventsRequest) -> u64 {
    let same = pb::ListEventsRequest {
        filter: request.filter.clone(),
        order: request.order,
        ..Default::default()
    };
    let [a, b, c, d, ..]: [u8; 32] = Sha256::digest(same.encode_to_vec()).into();
    u64::from(u32::from_be_bytes([a, b, c, d]))
}
