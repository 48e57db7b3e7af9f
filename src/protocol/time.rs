//! Dates and instants as messages.

use prost_types::Timestamp;

use super::pb;
use crate::domain::CivilDate;

/// A civil date as a message.
#[must_use]
pub fn pb_date(date: CivilDate) -> pb::Date {
    let day = |part: i8| i32::from(part);
    pb::Date { year: i32::from(date.year()), month: day(date.month()), day: day(date.day()) }
}

/// The parts of a date as it was sent, which need not be a day: `2026-02-30`.
#[must_use]
pub fn written(date: pb::Date) -> String {
    let pb::Date { year, month, day } = date;
    format!("{year:04}-{month:02}-{day:02}")
}

/// Microseconds since 1970 as a timestamp.
#[must_use]
pub fn timestamp(micros: i64) -> Timestamp {
    let nanos = i32::try_from(micros.rem_euclid(1_000_000) * 1_000).unwrap_or(0);
    Timestamp { seconds: micros.div_euclid(1_000_000), nanos }
}

/// A timestamp in microseconds since 1970, rounded down; saturates.
#[must_use]
pub fn micros(timestamp: &Timestamp) -> i64 {
    let fraction = i64::from(timestamp.nanos).div_euclid(1_000);
    timestamp.seconds.saturating_mul(1_000_000).saturating_add(fraction)
}
