//! The range of a list of events: by position, by recorded time, or by both.

use std::ops::Range;

use prost_types::Timestamp;
use tonic::Status;

use super::errors;
use crate::{
    domain::fault::{Key, RuleId},
    ledger::Ledger,
    protocol::{pb, time::micros},
};

/// The positions that a request wants from a log of `size` events. A page token keeps the end that
/// the first page found, so the answer here counts for that page only.
pub(super) async fn wanted(
    ledger: &Ledger,
    request: &pb::ListEventsRequest,
    size: u64,
) -> Result<Range<u64>, Status> {
    let (from, to) = (request.from_position.unwrap_or(0), request.to_position.unwrap_or(size));
    for (field, position) in [("from_position", from), ("to_position", to)] {
        if position > size {
            return Err(errors::beyond_log(field, position, size));
        }
    }
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
    Ok(first..end.max(first))
}

/// An instant as a caller wrote it; in seconds if it lies outside the calendar.
fn written(instant: &Timestamp) -> String {
    let read = jiff::Timestamp::new(instant.seconds, instant.nanos);
    read.map_or_else(|_| format!("{} s", instant.seconds), |read| read.to_string())
}
