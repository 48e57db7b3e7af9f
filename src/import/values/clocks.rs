//! Times of day and zones. A fact holds from a day on, so a time of day only matters where it moves
//! the day, or where it may.

use jiff::{
    civil::{Date, Time},
    tz::Offset,
};

use super::{Side, numbers::chinese_number};
use crate::{import::note::NoteReason, lang::Both};

const SHANGHAI: Offset = Offset::constant(8);
/// Before this year Shanghai had summer time, and a programme's midnight is not the clock's.
const FIXED_OFFSET_SINCE: i16 = 1992;
const MINUTE: u32 = 60;
const HOUR: u32 = 60 * MINUTE;
const DAY: u32 = 24 * HOUR;

/// A time of day as written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Clock {
    /// Seconds since midnight; 24:00 is [`DAY`].
    seconds: u32,
    has_fraction: bool,
    zone: Zone,
}

impl Clock {
    /// A time of day without a zone, rounded to seconds.
    pub(super) fn of_seconds(seconds: u32) -> Self {
        let has_fraction = seconds >= DAY;
        Self { seconds: seconds.min(DAY - 1), has_fraction, zone: Zone::Local }
    }
}

/// The zone of a time of day.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Zone {
    /// None is written: the time of day is that of the list's readers.
    Local,
    At(Offset),
    /// `CST` is China's standard time, or that of America six hours behind Greenwich.
    Cst,
}

/// Divides a text before its time of day, if it has one.
pub(super) fn split(text: &str) -> (&str, Option<&str>) {
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let marker = |at: &usize| at.checked_sub(1).is_some_and(is_digit) && is_digit(at + 1);
    let marked = text.match_indices(['T', 't']).map(|(at, _)| at).find(marker);
    if let Some((day, time)) = marked.and_then(|at| Some((text.get(..at)?, text.get(at + 1..)?))) {
        return (day.trim_end(), Some(time));
    }
    // `20260401000000`
    if text.len() == 14 && text.bytes().all(|b| b.is_ascii_digit()) {
        let (day, time) = text.split_at(8);
        return (day, Some(time));
    }
    let Some(colon) = text.find([':', '时', '時', '点']) else { return (text, None) };
    let (before, _) = text.split_at(colon);
    let without = |digits: &dyn Fn(char) -> bool, most: usize| {
        let count = before.chars().rev().take(most).take_while(|c| digits(*c)).count();
        before.char_indices().rev().nth(count.saturating_sub(1)).filter(|_| count > 0)
    };
    let hour = without(&|c| c.is_ascii_digit(), 2)
        .or_else(|| without(&|c| "零〇一二三四五六七八九十".contains(c), 3));
    let Some((hour, _)) = hour else { return (text, None) };
    let before = before.get(..hour).unwrap_or_default().trim_end();
    let day = HALVES.iter().find_map(|(word, _)| before.strip_suffix(word)).unwrap_or(before);
    (day.trim_end_matches([' ', ',']), text.get(day.len()..))
}

/// The half of the day that a word names.
#[derive(Clone, Copy, PartialEq)]
enum Half {
    Morning,
    Noon,
    Afternoon,
    /// `晚上12点` is midnight, of this day or the next, and is not read.
    Night,
}

const HALVES: &[(&str, Half)] = &[
    ("上午", Half::Morning),
    ("凌晨", Half::Morning),
    ("早上", Half::Morning),
    ("中午", Half::Noon),
    ("下午", Half::Afternoon),
    ("晚上", Half::Night),
    ("A.M.", Half::Morning),
    ("P.M.", Half::Afternoon),
    ("a.m.", Half::Morning),
    ("p.m.", Half::Afternoon),
    ("AM", Half::Morning),
    ("PM", Half::Afternoon),
    ("am", Half::Morning),
    ("pm", Half::Afternoon),
];

/// Reads a time of day with its zone: `16:00:00.000Z`, `下午3:30`, `00:00:00 GMT+0800`, `24时`.
pub(super) fn clock(text: &str) -> Option<Clock> {
    let mut rest = Rest(text.trim());
    let half = rest.half();
    let hour = rest.hour()?;
    let minute;
    let mut second = 0;
    if rest.word(&[":"]).is_some() {
        minute = rest.digits(2)?;
        if rest.word(&[":"]).is_some() {
            second = rest.digits(2)?;
        }
    } else if rest.word(&["时整", "点整", "时", "時", "点"]).is_some() {
        minute = rest.digits(2).unwrap_or(0);
        if rest.word(&["分"]).is_some() {
            second = rest.digits(2).unwrap_or(0);
        }
    } else {
        // `160000`
        (minute, second) = (rest.digits(2)?, rest.digits(2)?);
    }
    let has_fraction = rest.fraction();
    rest.word(&["秒"]);
    let half = half.or_else(|| rest.half());
    let zone = rest.zone()?;
    let hour = hour_of(half, hour)?;
    let seconds = hour * HOUR + minute * MINUTE + second;
    let fits = minute < 60 && second < 60 && (seconds < DAY || (seconds == DAY && !has_fraction));
    fits.then_some(Clock { seconds, has_fraction, zone })
}

fn hour_of(half: Option<Half>, hour: u32) -> Option<u32> {
    let Some(half) = half else { return Some(hour) };
    match (half, hour) {
        (Half::Morning, 12) => Some(0),
        (Half::Morning, 0..=11)
        | (Half::Noon, 10..=12)
        | (Half::Afternoon, 12..=23)
        | (Half::Night, 18..=23) => Some(hour),
        (Half::Noon, 1..=2) | (Half::Afternoon, 1..=11) | (Half::Night, 6..=11) => Some(hour + 12),
        _ => None,
    }
}

/// The part of a time of day that is not read yet.
struct Rest<'a>(&'a str);

impl Rest<'_> {
    fn word(&mut self, words: &[&str]) -> Option<usize> {
        let (place, rest) = words
            .iter()
            .enumerate()
            .find_map(|(place, word)| Some((place, self.0.strip_prefix(word)?)))?;
        self.0 = rest.trim_start();
        Some(place)
    }

    fn half(&mut self) -> Option<Half> {
        let text = self.0.trim_start();
        let (half, rest) =
            HALVES.iter().find_map(|(word, half)| Some((*half, text.strip_prefix(word)?)))?;
        self.0 = rest.trim_start();
        Some(half)
    }

    /// At most `most` digits.
    fn digits(&mut self, most: usize) -> Option<u32> {
        let count = self.0.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.0.split_at(count);
        let number = digits.parse().ok()?;
        self.0 = rest;
        Some(number)
    }

    /// One or two digits, or a Chinese number.
    fn hour(&mut self) -> Option<u32> {
        if let Some(hour) = self.digits(2) {
            return Some(hour);
        }
        let (numeral, rest) = self.0.split_at(self.0.find(['时', '時', '点'])?);
        let hour = if matches!(numeral, "零" | "〇") { Some(0) } else { chinese_number(numeral) };
        self.0 = rest;
        hour
    }

    /// Whether a fraction of a second follows that is not zero.
    fn fraction(&mut self) -> bool {
        let Some(rest) = self.0.strip_prefix(['.', ',']) else { return false };
        let behind = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let (digits, _) = rest.split_at(rest.len() - behind.len());
        self.0 = behind;
        digits.bytes().any(|b| b != b'0')
    }

    /// The zone, which must be all that is left.
    fn zone(&mut self) -> Option<Zone> {
        let text = self.0.trim();
        // `(中国标准时间)`, `[Asia/Shanghai]`: names of the offset before them.
        let (text, name) = match text.find(['(', '[']) {
            Some(at) => text.split_at(at),
            None => (text, ""),
        };
        let zone = match text.trim() {
            "" if name == "[Asia/Shanghai]" => Zone::At(SHANGHAI),
            "" => Zone::Local,
            "Z" | "z" | "GMT" | "UTC" | "UT" => Zone::At(Offset::UTC),
            "北京时间" => Zone::At(SHANGHAI),
            "CST" => Zone::Cst,
            text => Zone::At(offset(text)?),
        };
        let is_named = name.is_empty() || name.ends_with([')', ']']);
        is_named.then_some(zone)
    }
}

/// `+08:00`, `+0800`, `+8`, `GMT+8`, `UTC +08:00`.
fn offset(text: &str) -> Option<Offset> {
    let text = text.trim_start_matches("GMT").trim_start_matches("UTC").trim_start();
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-" | "−", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match (digits.split_once(':'), digits.len()) {
        (Some(parts), _) => parts,
        (None, 4) => digits.split_at_checked(2)?,
        _ => (digits, "0"),
    };
    let number = |text: &str| {
        let is_number = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<i32>().ok().filter(|_| is_number)
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let seconds = sign * (hours * 60 + minutes) * 60;
    // The offsets in use.
    ((-12 * 3600..=14 * 3600).contains(&seconds) && minutes < 60)
        .then(|| Offset::from_seconds(seconds).ok())?
}

/// The day on which a moment lies in Beijing, as far as a list means days.
pub(super) fn settle(
    day: Date,
    clock: Clock,
    side: Side,
) -> Result<(Date, Option<NoteReason>), Both> {
    match clock.zone {
        Zone::Local => settle_local(day, clock, side),
        Zone::At(offset) => settle_local_at(day, clock, side, offset),
        Zone::Cst => {
            let china = settle_local(day, clock, side)?;
            let america = settle_local_at(day, clock, side, Offset::constant(-6));
            let same_day = america.is_ok_and(|(day, _)| day == china.0);
            if same_day {
                Ok(china)
            } else {
                Err(Both::word(
                    "CST is a zone of China and one of America",
                    "CST 既是中国的时区，也是美国的时区",
                ))
            }
        }
    }
}

fn settle_local_at(
    day: Date,
    clock: Clock,
    side: Side,
    offset: Offset,
) -> Result<(Date, Option<NoteReason>), Both> {
    const OUT_OF_RANGE: Both =
        Both::word("it lies outside the years of the record", "超出可记录的年份");
    if day.year() < FIXED_OFFSET_SINCE {
        return Err(Both::word(
            "the zone of Beijing changed with the seasons before 1992",
            "1992 年以前北京时间有夏令时",
        ));
    }
    let midnight = day.to_datetime(Time::midnight());
    let moment = midnight.checked_add(jiff::Span::new().seconds(clock.seconds));
    let moment = moment.and_then(|moment| offset.to_timestamp(moment)).map_err(|_| OUT_OF_RANGE)?;
    let there = SHANGHAI.to_datetime(moment);
    let (hour, minute, second) = (there.hour(), there.minute(), there.second());
    let part = |part: i8| u32::try_from(part).unwrap_or_default();
    let seconds = part(hour) * HOUR + part(minute) * MINUTE + part(second);
    settle_local(there.date(), Clock { seconds, ..clock }, side)
}

fn settle_local(day: Date, clock: Clock, side: Side) -> Result<(Date, Option<NoteReason>), Both> {
    let last_second = DAY - 1;
    match (clock.seconds, clock.has_fraction) {
        (0, false) => Ok((day, None)),
        (seconds, false) if seconds == last_second => Ok((day, None)),
        (DAY, _) if side == Side::Last => Ok((day, None)),
        (DAY, _) => Err(Both::word(
            "24:00 ends one day and begins the next",
            "24:00 既是当天的结束，也是次日的开始",
        )),
        // A spreadsheet's programme writes midnight 43 seconds early.
        (seconds, _) if seconds >= DAY - MINUTE => match (side, day.tomorrow()) {
            (Side::First, Ok(next)) => Ok((next, Some(NoteReason::NextDay))),
            _ => Err(Both::word(
                "it could mean this last day, or the one that begins a moment later",
                "可能指这一天，也可能指随后开始的那一天",
            )),
        },
        _ => Ok((day, Some(NoteReason::TimeOfDay))),
    }
}
