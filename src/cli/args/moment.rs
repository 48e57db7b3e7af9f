//! Instants of the command line: a day in Shanghai, or an instant with a zone.

use jiff::{Timestamp, civil::Date, tz::Offset};
use prost_types::Timestamp as Instant;

use crate::{
    domain::{CivilDate, PartialDate},
    protocol::pb::{self, as_of::Known},
};

const SHANGHAI: Offset = Offset::constant(8);
/// A form that every instant may have.
const INSTANT: &str = "2026-03-01T09:00:00+08:00";

/// The present day in Shanghai.
#[allow(clippy::disallowed_methods)] // the user's own day; the server reads its own clock
pub(crate) fn today() -> CivilDate {
    CivilDate::today_in_shanghai(Timestamp::now())
}

#[allow(clippy::disallowed_methods)] // as above
fn now() -> Timestamp {
    Timestamp::now()
}

/// A log size, the end of a day in Shanghai, or an instant.
///
/// The end of the present day means all events up to now. A later day would promise events that
/// nobody knows.
pub(crate) fn known_at(text: &str) -> Result<Known, String> {
    if let Ok(size) = text.parse() {
        return Ok(Known::KnownAt(size));
    }
    let form = format!("not a log size such as 42, a day such as 2026-03-01, nor {INSTANT}");
    let (first, after) = span(text).ok_or(form)?;
    reject_later(first)?;
    // The last microsecond of a day; an instant itself.
    let last = if first == after { first } else { microsecond_before(after) };
    Ok(Known::KnownAtTime(instant(last)))
}

/// A day, a log size or another moment of knowledge after `@`, or both: `2024-01-01@42`.
pub(crate) fn moment(text: &str) -> Result<pb::AsOf, String> {
    let (day, known) = match text.split_once('@') {
        None => (text, None),
        Some((day, known)) => (day, Some(known)),
    };
    let known = known.map(known_at).transpose()?;
    if day.is_empty() && known.is_some() {
        return Ok(pb::AsOf { valid_on: None, known });
    }
    let date = PartialDate::parse_iso(day)
        .map_err(|breach| format!("{}; a log size is written @42", breach.message()))?;
    let (year, month, day) = date.parts();
    Ok(pb::AsOf { valid_on: Some(pb::Date { year, month, day }), known })
}

/// The first instant of a day in Shanghai, or an instant.
pub(crate) fn since(text: &str) -> Result<Instant, String> {
    let (first, _) = span(text).ok_or_else(form)?;
    reject_later(first)?;
    Ok(instant(first))
}

/// The first instant after a day in Shanghai, or an instant.
pub(crate) fn until(text: &str) -> Result<Instant, String> {
    span(text).map(|(_, after)| instant(after)).ok_or_else(form)
}

fn form() -> String {
    format!("not a day such as 2026-03-01, nor an instant such as {INSTANT}")
}

/// Nothing is recorded in the future.
fn reject_later(first: Timestamp) -> Result<(), String> {
    if first <= now() {
        return Ok(());
    }
    let today = today();
    Err(format!("lies in the future; today is {today}, in Shanghai"))
}

/// The first instant of a text, and the first one after it. An instant is its own end.
fn span(text: &str) -> Option<(Timestamp, Timestamp)> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some((instant, instant));
    }
    let date = PartialDate::parse_iso(text).ok()?;
    let start = |day: CivilDate| {
        let midnight = Date::new(day.year(), day.month(), day.day()).ok()?.at(0, 0, 0, 0);
        SHANGHAI.to_timestamp(midnight).ok()
    };
    let day = jiff::SignedDuration::from_hours(24);
    Some((start(date.first_day())?, start(date.last_day())?.checked_add(day).ok()?))
}

fn microsecond_before(instant: Timestamp) -> Timestamp {
    let micros = instant.as_microsecond().saturating_sub(1);
    Timestamp::from_microsecond(micros).unwrap_or(instant)
}

fn instant(at: Timestamp) -> Instant {
    Instant { seconds: at.as_second(), nanos: at.subsec_nanosecond() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(instant: Instant) -> i64 {
        instant.seconds * 1_000_000 + i64::from(instant.nanos) / 1_000
    }

    #[test]
    fn a_day_is_known_at_its_end_in_shanghai() {
        assert_eq!(known_at("42"), Ok(Known::KnownAt(42)));
        let instant = |text: &str| match known_at(text).unwrap() {
            Known::KnownAtTime(time) => micros(time),
            Known::KnownAt(size) => panic!("{text} is size {size}"),
        };
        let end = "2021-06-05T15:59:59.999999Z";
        for text in ["2021-06-05", "2021/6/5", "2021年6月5日", end] {
            assert_eq!(instant(text), instant(end), "{text}");
        }
        assert_eq!(instant("2021-06"), instant("2021-06-30"));
    }

    #[test]
    fn a_moment_is_a_day_a_size_or_both() {
        let day = Some(pb::Date { year: 2021, month: 6, day: 3 });
        let known = Some(Known::KnownAt(42));
        assert_eq!(moment("2021-06-03"), Ok(pb::AsOf { valid_on: day, known: None }));
        assert_eq!(moment("@42"), Ok(pb::AsOf { valid_on: None, known }));
        assert_eq!(moment("2021-06-03@42"), Ok(pb::AsOf { valid_on: day, known }));
        let known_on = moment("2021-06-03@2021-06-05").unwrap();
        assert_eq!(known_on.known, Some(known_at("2021-06-05").unwrap()));
        for text in ["", "@", "42", "2021-06-03@", "yesterday@42", "@yesterday"] {
            assert!(moment(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_range_of_days_has_all_of_the_first_and_of_the_last() {
        assert_eq!(since("2021-06-05"), since("2021-06-04T16:00:00Z"));
        assert_eq!(until("2021-06-05"), until("2021-06-05T16:00:00Z"));
        assert_eq!(until("2021"), until("2021-12-31"));
    }

    #[test]
    fn the_future_and_other_texts_are_refused() {
        let today = today();
        assert!(known_at(&today.to_string()).is_ok() && since(&today.to_string()).is_ok());
        let tomorrow = "2199-01-01";
        for refused in [known_at(tomorrow).map(drop), since(tomorrow).map(drop)] {
            assert!(refused.unwrap_err().contains(&today.to_string()));
        }
        assert!(until(tomorrow).is_ok());
        for text in ["", "yesterday", "2021-13-01", "2021-06-05 09:00", "-1"] {
            assert!(known_at(text).is_err() && until(text).is_err(), "{text}");
        }
    }
}
