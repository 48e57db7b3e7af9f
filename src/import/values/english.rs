//! Dates with the English name of their month, as programs write them: `Wed Apr 01 2026 00:00:00
//! GMT+0800`, `1 April 2026`, `01-Apr-2026`.

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// The parts of a date, in digits, and its time of day with the zone.
#[derive(Debug, Default, PartialEq)]
pub(super) struct English<'a> {
    pub(super) year: &'a str,
    pub(super) month: i32,
    /// Empty for a month alone.
    pub(super) day: &'a str,
    pub(super) time: String,
    /// From 1, Monday; 0 if none is written.
    pub(super) weekday: i8,
}

/// Divides a date; `None` if it names no English month, or holds anything else.
pub(super) fn divide(text: &str) -> Option<English<'_>> {
    parts(text).filter(|date| date.month > 0 && !date.year.is_empty())
}

/// Whether a text is a part of such a date: `1-Apr`, `Jan-25`.
pub(super) fn names_month(text: &str) -> bool {
    parts(text).is_some_and(|date| date.month > 0)
}

fn parts(text: &str) -> Option<English<'_>> {
    if !text.bytes().any(|b| b.is_ascii_alphabetic()) {
        return None;
    }
    let (text, _) = text.split_once('(').unwrap_or((text, ""));
    let mut date = English::default();
    let tokens = text.split([' ', ',']).filter(|token| !token.is_empty());
    for token in tokens {
        let is_zone = ["GMT", "UTC", "CST"].iter().any(|zone| token.starts_with(zone));
        let is_half = matches!(token, "AM" | "PM" | "am" | "pm" | "Z");
        let is_offset = token.starts_with(['+', '-']) && !date.time.is_empty();
        if token.contains(':') || is_zone || is_half || is_offset {
            date.time.push_str(token);
            date.time.push(' ');
            continue;
        }
        for part in token.split(['-', '/', '.']).filter(|part| !part.is_empty()) {
            take(&mut date, part)?;
        }
    }
    Some(date)
}

fn take<'a>(date: &mut English<'a>, part: &'a str) -> Option<()> {
    let lower = part.to_ascii_lowercase();
    if let Some(month) = named(&MONTHS, &lower) {
        return (date.month == 0).then(|| date.month = month.into());
    }
    if let Some(weekday) = named(&WEEKDAYS, &lower) {
        return (date.weekday == 0).then(|| date.weekday = weekday);
    }
    let digits = ["st", "nd", "rd", "th"].iter().find_map(|end| part.strip_suffix(end));
    let digits = digits.unwrap_or(part);
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    match digits.len() {
        4 if date.year.is_empty() => date.year = digits,
        1 | 2 if date.day.is_empty() => date.day = digits,
        _ => return None,
    }
    Some(())
}

/// The place of a name, from 1, of which three letters or more are written.
fn named(names: &[&str], lower: &str) -> Option<i8> {
    let place = names.iter().position(|name| lower.len() >= 3 && name.starts_with(lower))?;
    i8::try_from(place + 1).ok()
}
