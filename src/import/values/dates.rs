//! Days, months and years.

use std::ops::RangeInclusive;

use jiff::civil;

use super::{
    chinese_number, clean,
    clocks::{self, Clock},
    english, numbers,
};
use crate::{
    domain::PartialDate,
    import::{error::echo_on_one_line, note::NoteReason},
    lang::{Both, both},
    protocol::pb,
};

/// Serial numbers of days, as spreadsheets count them: from 1954 to 2119.
const SERIALS: RangeInclusive<i64> = 20_000..=80_000;
/// Day 0 of spreadsheets, for days after February 1900.
const SERIAL_ZERO: civil::Date = civil::Date::constant(1899, 12, 30);

/// The place of a day in a period. A last day lasts until the next begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::import) enum Side {
    First,
    Last,
}

/// A day, a month or a year, with the assumption under which a text was read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::import) struct Day {
    pub(in crate::import) date: pb::Date,
    pub(in crate::import) note: Option<NoteReason>,
}

/// A first day, from which something holds. A text that needs an assumption is refused.
pub(in crate::import) fn date(text: &str) -> Result<pb::Date, Both> {
    without_note(text, Side::First)
}

/// A last day, as [`date`].
pub(in crate::import) fn last_day(text: &str) -> Result<pb::Date, Both> {
    without_note(text, Side::Last)
}

fn without_note(text: &str, side: Side) -> Result<pb::Date, Both> {
    let day = day(text, side)?;
    match day.note {
        None => Ok(day.date),
        Some(_) => Err(both!(
            en: "{0} has a time of day; write the day alone, as 2026-04-01",
            zh: "“{0}”带有时刻；请只写日期，如 2026-04-01",
            echo_on_one_line(text)
        )),
    }
}

/// A day, month or year: `2019-06-05`, `2019/6/5`, `2019年6月`, `20190605`, `2019`, `二〇一九年`,
/// `2019-06-04T16:00:00Z`.
///
/// `PartialDate::parse_iso` reads the dates that people type, and cannot serve here. Cells also
/// hold full-width digits, times of day, days without separators, and months that lost a digit.
pub(in crate::import) fn day(text: &str, side: Side) -> Result<Day, Both> {
    if let Some(date) = iso(text) {
        return Ok(Day { date, note: None });
    }
    let cleaned = clean(text);
    read(&cleaned, side).map_err(|wrong| wrong.say(&echo_on_one_line(text)))
}

fn read(text: &str, side: Side) -> Result<Day, Wrong> {
    let (date, weekday, time) = match english::divide(text) {
        Some(date) => {
            let day = Some(date.day).filter(|day| !day.is_empty());
            let day = from_parts(date.year, Some(date.month), day).ok_or(Wrong::Form)?;
            (day, date.weekday, Some(date.time).filter(|time| !time.is_empty()))
        }
        None => {
            let (day, time) = clocks::split(text);
            let (day, weekday) = without_weekday(day);
            (written(&without_words(&day, side))?, weekday, time.map(str::to_owned))
        }
    };
    require_weekday(date, weekday)?;
    let Some(time) = time else {
        let (year, month, day) = date.parts();
        return Ok(Day { date: pb::Date { year, month, day }, note: None });
    };
    let clock = clocks::clock(&time).ok_or(Wrong::Form)?;
    // A month has no time of day.
    let day = civil_day(date).ok_or(Wrong::Form)?;
    at_clock(day, clock, side).map_err(Wrong::Moment)
}

/// `2019-06-05`, as most lists write it.
fn iso(text: &str) -> Option<pb::Date> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if text.len() != 10 || year.len() != 4 || parts.next().is_some() {
        return None;
    }
    let (year, month, day) = from_parts(year, number(month), Some(day))?.parts();
    Some(pb::Date { year, month, day })
}

fn at_clock(day: civil::Date, clock: Clock, side: Side) -> Result<Day, Both> {
    let (day, note) = clocks::settle(day, clock, side)?;
    let (year, month, day) = (day.year().into(), day.month().into(), day.day().into());
    Ok(Day { date: pb::Date { year, month, day }, note })
}

/// A day that a spreadsheet wrote as its serial number; `None` if the text is not one.
pub(in crate::import) fn serial(text: &str, side: Side) -> Option<Result<Day, Both>> {
    let is_other = |b: u8| b.is_ascii() && !matches!(b, b'0'..=b'9' | b'.' | b' ');
    if text.bytes().any(is_other) {
        return None;
    }
    let cleaned = clean(text);
    let (days, fraction) = cleaned.split_once('.').unwrap_or((&cleaned, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(days) || !is_number(fraction) {
        return None;
    }
    let days = days.parse().ok().filter(|days| SERIALS.contains(days))?;
    let day = SERIAL_ZERO.checked_add(jiff::Span::new().days(days)).ok()?;
    // Nine digits tell the seconds of a day apart.
    let nanodays: u64 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    let seconds = u32::try_from((nanodays * 86_400 + 500_000_000) / 1_000_000_000).ok()?;
    let read = at_clock(day, Clock::of_seconds(seconds), side);
    let noted = |day: Day| Day { note: day.note.or(Some(NoteReason::SerialDate)), ..day };
    Some(read.map(noted).map_err(|why| {
        let found = echo_on_one_line(text);
        both!(
            en: "{found} is the serial number of a moment, and {why}; write the day",
            zh: "{found} 是某一时刻的序列号，{why}；请写日期"
        )
    }))
}

/// Why a text is not a date.
enum Wrong {
    Form,
    /// January or October: a spreadsheet drops the last zero of a number.
    LostZero(String),
    ShortYear,
    NoYear,
    /// The weekday is another.
    Weekday,
    /// A moment that could mean two days, with the reason.
    Moment(Both),
    /// Two days, as ISO texts.
    TwoDays(PartialDate, PartialDate),
}

impl Wrong {
    fn say(&self, found: &str) -> Both {
        match self {
            Self::Form => both!(
                en: "{found} is not a date; write 2019-06-05, 2019年6月5日 or 2019-06",
                zh: "“{found}”不是日期；请写成 2019-06-05、2019年6月5日 或 2019-06"
            ),
            Self::LostZero(year) => both!(
                en: "{found} is January or October; write {year}-01 or {year}-10",
                zh: "“{found}”可能是一月，也可能是十月；请写成 {year}-01 或 {year}-10"
            ),
            Self::ShortYear => both!(
                en: "{found} is not a date: its year needs four digits; write 2019-06-05",
                zh: "“{found}”不是日期：年份须为四位数字；请写成 2019-06-05"
            ),
            Self::NoYear => both!(
                en: "{found} is not a date: it has no year; write 2019-06-05",
                zh: "“{found}”不是日期：缺少年份；请写成 2019-06-05"
            ),
            Self::Weekday => both!(
                en: "{found} is not a date: that day is another day of the week",
                zh: "“{found}”不是日期：这一天不是所写的星期几"
            ),
            Self::Moment(why) => both!(
                en: "{found} is a moment, and {why}; write the day alone, as 2026-04-01",
                zh: "“{found}”是时刻，{why}；请只写日期，如 2026-04-01"
            ),
            Self::TwoDays(first, second) => {
                let (first, second) = (first.first_day(), second.first_day());
                both!(
                    en: "{found} is {first} or {second}; write one of the two",
                    zh: "“{found}”可能是 {first}，也可能是 {second}；请明确写出"
                )
            }
        }
    }
}

/// Reads a date without its time of day.
fn written(text: &str) -> Result<PartialDate, Wrong> {
    let joined: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let ends_with_unit = joined.ends_with(['年', '月']);
    let joined = joined.replace("元月", "1月").replace("月份", "月");
    let separated = joined.replace(['年', '月', '.', '/', '\\'], "-");
    let mut body = separated.trim_end_matches(['日', '号']);
    if ends_with_unit || joined.ends_with('月') {
        body = body.strip_suffix('-').unwrap_or(body);
    }
    let parts: Vec<&str> = body.split('-').collect();
    let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let is_year = |text: &str| numbers::year(text).is_some();
    let date = match *parts.as_slice() {
        [year, "1"] if joined == format!("{year}.1") && is_year(year) => {
            return Err(Wrong::LostZero(year.to_owned()));
        }
        [digits] if digits.len() == 8 && is_digits(digits) => {
            let (year, rest) = digits.split_at(4);
            let (month, day) = rest.split_at(2);
            // A part that is written as 0 is not a date.
            from_parts(year, Some(part(month).ok_or(Wrong::Form)?), Some(day))
        }
        [year] if is_year(year) => from_parts(year, None, None),
        [year, month] if is_year(year) => {
            from_parts(year, Some(part(month).ok_or(Wrong::Form)?), None)
        }
        [year, month, day] if is_year(year) => {
            from_parts(year, Some(part(month).ok_or(Wrong::Form)?), Some(day))
        }
        [first, second, year] if is_year(year) && is_digits(first) && is_digits(second) => {
            return either_order(first, second, year);
        }
        [year, month, day] if [year, month, day].iter().all(|text| part(text).is_some()) => {
            return Err(Wrong::ShortYear);
        }
        [month, day] if joined.contains('月') && part(month).is_some() && part(day).is_some() => {
            return Err(Wrong::NoYear);
        }
        _ => None,
    };
    date.ok_or(Wrong::Form)
}

/// `31/12/2028` is one day; `02/03/2026` can be two.
fn either_order(first: &str, second: &str, year: &str) -> Result<PartialDate, Wrong> {
    let date = |month: &str, day: &str| from_parts(year, number(month), Some(day));
    match (date(first, second), date(second, first)) {
        (Some(one), Some(other)) if one != other => Err(Wrong::TwoDays(one, other)),
        (Some(date), _) | (None, Some(date)) => Ok(date),
        (None, None) => Err(Wrong::Form),
    }
}

/// A date of its parts; an absent one is `None`.
fn from_parts(year: &str, month: Option<i32>, day: Option<&str>) -> Option<PartialDate> {
    let year = numbers::year(year)?;
    let day = match day {
        None => 0,
        Some(day) => part(day)?,
    };
    PartialDate::parse_parts(year, month.unwrap_or_default(), day).ok()
}

/// A month or a day. One that is written as 0 is not a date.
fn part(text: &str) -> Option<i32> {
    let is_short = text.chars().count() <= 3;
    let number = if text.is_ascii() { number(text) } else { chinese_part(text) };
    number.filter(|number| is_short && *number > 0)
}

fn chinese_part(text: &str) -> Option<i32> {
    // `〇四`, `零四`
    let bare = text.trim_start_matches(['〇', '零', '○']);
    chinese_number(bare).and_then(|number| i32::try_from(number).ok())
}

fn number(text: &str) -> Option<i32> {
    let is_number = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

/// Takes off the words that only say on which side of a period a day lies.
fn without_words(text: &str, side: Side) -> String {
    let (before, behind): (&[&str], &[&str]) = match side {
        Side::First => (&["自", "从", "始于"], &["起", "开始", "起始"]),
        Side::Last => {
            (&["截止到", "截止至", "截至", "截止", "至", "到"], &["截止", "为止", "止", "到期"])
        }
    };
    let text = text.trim();
    let text = before.iter().find_map(|word| text.strip_prefix(word)).unwrap_or(text);
    let text = behind.iter().find_map(|word| text.strip_suffix(word)).unwrap_or(text);
    text.trim().to_owned()
}

/// Takes off a Chinese weekday, which is 1 for Monday and 0 if none is written.
fn without_weekday(text: &str) -> (String, i8) {
    for word in ["星期", "礼拜", "周"] {
        let Some((before, behind)) = text.split_once(word) else { continue };
        let days = (1_i8..).zip("一二三四五六日".chars()).chain([(7, '天')]);
        let mut rest = behind.chars();
        let named = rest.next().and_then(|name| days.into_iter().find(|(_, c)| *c == name));
        let Some((weekday, _)) = named else { continue };
        let before = before.trim_end_matches(['(', ' ', ',']);
        let rest = rest.as_str().trim_start_matches(')');
        return (format!("{before}{rest}"), weekday);
    }
    (text.to_owned(), 0)
}

fn civil_day(date: PartialDate) -> Option<civil::Date> {
    let (year, month, day) = date.parts();
    let small = |part: i32| i8::try_from(part).ok();
    civil::Date::new(i16::try_from(year).ok()?, small(month)?, small(day)?).ok()
}

/// Refuses a day that its weekday contradicts.
fn require_weekday(date: PartialDate, weekday: i8) -> Result<(), Wrong> {
    let fits = |day: civil::Date| day.weekday().to_monday_one_offset() == weekday;
    let is_right = weekday == 0 || civil_day(date).is_some_and(fits);
    if is_right { Ok(()) } else { Err(Wrong::Weekday) }
}
