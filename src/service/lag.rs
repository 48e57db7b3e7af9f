//! The lag of a cursor: the events that its subscriber has still to process.

use tonic::Status;

use super::questions::Turn;
use crate::{
    ledger::{Ledger, Pace as _},
    limits::{CURSOR_LAG_EVENTS_MAX, CURSOR_LAG_SCAN_MAX, STREAM_SCAN_EVENTS_MAX},
    protocol::pb,
    register::{Interest, Sight},
};

/// The lag of a cursor.
#[derive(Default)]
pub(crate) struct Lag {
    pub(crate) events: u64,
    /// True if not all were counted.
    pub(crate) capped: bool,
    /// Position of the first one.
    pub(crate) first: Option<u64>,
    /// Age of the first one.
    pub(crate) micros: i64,
}

impl Lag {
    pub(crate) fn describe(&self, cursor: &mut pb::Cursor) {
        cursor.lag_event_count = self.events;
        cursor.lag_event_count_capped = self.capped;
        cursor.lag = Some(duration(self.micros));
    }
}

/// Counts the matching events of `from..size`, up to the bounds of one call.
pub(crate) fn count_lag(
    ledger: &Ledger,
    wanted: (&Interest, &Sight),
    from: u64,
    size: u64,
    turn: &mut Turn,
) -> Result<Lag, Status> {
    let mut lag = Lag::default();
    let last = size.min(from.saturating_add(CURSOR_LAG_SCAN_MAX));
    let mut at = from;
    while at < last && lag.events < CURSOR_LAG_EVENTS_MAX as u64 {
        let upto = last.min(at + STREAM_SCAN_EVENTS_MAX);
        let (found, next) = ledger.matching_for(wanted, at, upto, CURSOR_LAG_EVENTS_MAX);
        lag.first = lag.first.or(found.first().copied());
        lag.events += found.len() as u64;
        at = next;
        turn.step()?;
    }
    lag.capped = at < size;
    Ok(lag)
}

fn duration(micros: i64) -> prost_types::Duration {
    let nanos = i32::try_from(micros % 1_000_000 * 1_000).unwrap_or(0);
    prost_types::Duration { seconds: micros / 1_000_000, nanos }
}
