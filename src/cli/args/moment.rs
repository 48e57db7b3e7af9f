//! Instants of the command line: a day in Shanghai, or an instant with a zone.

use jiff::Timestamp;
use prost_types::Timestamp as Instant;
use unicode_normalization::UnicodeNormalization as _;

use crate::{
    domain::{CivilDate, PartialDate, fault::RuleId},
    lang::say,
    protocol::pb::{self, as_of::Known},
};

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

/// Reads a day, a month or a year as people write it: `2026-03-01`, `2026/3/1`, 2026年3月1日,
/// `20260301`, today, 今天.
pub(crate) fn written_date(text: &str) -> Result<PartialDate, String> {
    let folded: String = text.nfkc().collect();
    let text = folded.trim();
    if let Some(day) = named_day(text) {
        return Ok(day);
    }
    let digits = text.len() == COMPACT_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
    let compact = match (digits, text.split_at_checked(4)) {
        (true, Some((year, rest))) => {
            rest.split_at_checked(2).map(|(month, day)| format!("{year}-{month}-{day}"))
        }
        _ => None,
    };
    PartialDate::parse_iso(compact.as_deref().unwrap_or(text)).map_err(|breach| {
        match breach.rule() {
            RuleId::DateUnknown => say!(en: "there is no such day", zh: "没有这一天"),
            _ => say!(
                en: "write the date as 2026-03-01, 2026-03 or 2026",
                zh: "日期请写成 2026-03-01、2026-03 或 2026"
            ),
        }
    })
}

/// Digits of a day without separators: `20260301`.
const COMPACT_DIGITS: usize = 8;

/// The day that a word names.
fn named_day(word: &str) -> Option<PartialDate> {
    if !(word.eq_ignore_ascii_case("today") || word == "今天" || word == "今日") {
        return None;
    }
    let day = today();
    PartialDate::parse_parts(day.year().into(), day.month().into(), day.day().into()).ok()
}

/// A log size, the end of a day in Shanghai, or an instant.
///
/// The end of the present day means all events up to now. A later day would promise events that
/// nobody knows.
pub(crate) fn known_at(text: &str) -> Result<Known, String> {
    if let Ok(size) = text.parse() {
        return Ok(Known::KnownAt(size));
    }
    let form = || {
        say!(
            en: "write a log size such as 42, a day such as 2026-03-01, or {INSTANT}",
            zh: "请写日志大小（如 42）、日期（如 2026-03-01）或时刻（如 {INSTANT}）"
        )
    };
    let (first, after) = span(text).ok_or_else(form)?;
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
    let date = written_date(day).map_err(
        |why| say!(en: "{why}; a log size is written @42", zh: "{why}；日志大小写成 @42"),
    )?;
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
    say!(
        en: "write a day such as 2026-03-01, or an instant such as {INSTANT}",
        zh: "请写日期（如 2026-03-01）或时刻（如 {INSTANT}）"
    )
}

/// Nothing is recorded in the future.
fn reject_later(first: Timestamp) -> Result<(), String> {
    if first <= now() {
        return Ok(());
    }
    let today = today();
    Err(say!(
        en: "lies in the future; today is {today}, in Shanghai",
        zh: "是将来的时间；今天是 {today}（北京时间）"
    ))
}

/// The first instant of a text, and the first one after it. An instant is its own end.
fn span(text: &str) -> Option<(Timestamp, Timestamp)> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some((instant, instant));
    }
    let date = written_date(text).ok()?;
    let (first, last) = (date.first_day(), date.last_day());
    let day = jiff::SignedDuration::from_hours(24);
    Some((first.midnight_in_shanghai(), last.midnight_in_shanghai().checked_add(day).ok()?))
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
    fn a_date_is_read_as_people_write_it() {
        let day = written_date("2026-03-01").unwrap();
        for text in [
            "2026/3/1",
            "2026.3.1",
            "2026年3月1日",
            "20260301",
            "２０２６－０３－０１",
            "２０２６年３月１日",
            " 2026-03-01 ",
        ] {
            assert_eq!(written_date(text), Ok(day), "{text}");
        }
        let today = written_date(&today().to_string());
        for word in ["today", "Today", "今天", "今日"] {
            assert_eq!(written_date(word), today, "{word}");
        }
        for text in ["", "2026030", "202603011", "2026-02-30-1", "soon", "昨儿"] {
            let refused = written_date(text).unwrap_err();
            assert!(refused.starts_with("write the date as "), "{text}: {refused}");
        }
        for text in ["2026-02-30", "20260230"] {
            assert_eq!(written_date(text).unwrap_err(), "there is no such day", "{text}");
        }
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
