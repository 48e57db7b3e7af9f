//! The range of a list of events: by position, by recorded time, or by both.

use std::ops::Range;

use prost_types::Timestamp;
use tonic::Status;

use super::{arrival::Named, call::Call, errors};
use crate::{
    domain::fault::{Key, RuleId},
    ledger::Ledger,
    protocol::{pb, time::micros},
};

/// The positions that a request wants, and the size of the log. A page token keeps the end that
/// the first page found, so the answer here counts for that page only.
pub(super) async fn wanted(
    ledger: &Ledger,
    call: &Call,
    request: &pb::ListEventsRequest,
) -> Result<(Range<u64>, u64), Status> {
    let from = request.from_position.unwrap_or(0);
    let size = Named { field: "from_position", position: from }.within(ledger, call).await?;
    let (to, size) = match request.to_position {
        None => (size, size),
        Some(to) => (to, Named { field: "to_position", position: to }.within(ledger, call).await?),
    };
    if to < from {
        let breach = RuleId::PositionOrder.with(Key::From, from);
        return Err(errors::bad_field("to_position", &to.to_string(), breach));
    }
    let (since, until) = (request.recorded_from.as_ref(), request.recorded_to.as_ref());
    if let (Some(since), Some(until)) = (since, until)
        && micros(until) < micros(since)
    {
        let breach = RuleId::DateOrder.with(Key::From, written(since));
        return Err(errors::bad_field("recorded_to", &written(until), breach));
    }
    let first = match since {
        Some(since) => ledger.position_at(micros(since)).await?.max(from),
        None => from,
    };
    let end = match until {
        Some(until) => ledger.position_at(micros(until)).await?.min(to),
        None => to,
    };
    Ok((first..end.max(first), size))
}

/// An instant as a caller wrote it; in seconds if it lies outside the calendar.
fn written(instant: &Timestamp) -> String {
    let read = jiff::Timestamp::new(instant.seconds, instant.nanos);
    read.map_or_else(|_| format!("{} s", instant.seconds), |read| read.to_string())
}
