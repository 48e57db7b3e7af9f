//! Days, months and years.

use unicode_normalization::UnicodeNormalization;

use crate::{domain::PartialDate, import::error::echo_on_one_line, protocol::pb};

/// A day, month or year: `2019-06-05`, `2019/6/5`, `2019年6月`, `20190605`, `2019`.
///
/// `PartialDate::parse_iso` reads the dates that people type, and cannot serve here. Cells also
/// hold full-width digits, times of day, days without separators, and months that lost a digit.
pub(in crate::import) fn date(text: &str) -> Result<pb::Date, String> {
    let refuse = || {
        format!(
            "{} is not a date; write 2019-06-05, 2019年6月5日 or 2019-06",
            echo_on_one_line(text)
        )
    };
    let folded: String = text.nfkc().collect();
    // Facts begin and end with days, so a time of day is dropped.
    let day = folded.split_once(['T', ' ']).filter(|(_, time)| time.contains(':'));
    let day = day.map_or(folded.as_str(), |(day, _)| day);
    let joined: String = day.chars().filter(|c| !c.is_whitespace()).collect();
    let separated = joined.replace(['年', '月', '.', '/'], "-");
    let parts: Vec<&str> = separated.trim_end_matches(['日', '号', '-']).split('-').collect();
    let (year, month, day) = match parts.as_slice() {
        [year, "1"] if joined == format!("{year}.1") => {
            return Err(format!("{joined} is January or October; write {year}-01 or {year}-10"));
        }
        [digits] if digits.len() == 8 => (digits.get(..4), digits.get(4..6), digits.get(6..)),
        [year] => (Some(*year), None, None),
        [year, month] => (Some(*year), Some(*month), None),
        [year, month, day] => (Some(*year), Some(*month), Some(*day)),
        _ => return Err(refuse()),
    };
    let year = number(year.unwrap_or_default(), 4..=4).ok_or_else(refuse)?;
    // An absent part is 0; a part that is written as 0 is not a date.
    let part = |text: Option<&str>| match text {
        None => Ok(0),
        Some(text) => number(text, 1..=2).filter(|part| *part > 0).ok_or_else(refuse),
    };
    let (month, day) = (part(month)?, part(day)?);
    let date = PartialDate::parse_parts(year.into(), month.into(), day.into());
    let (year, month, day) = date.map_err(|_| refuse())?.parts();
    Ok(pb::Date { year, month, day })
}

pub(super) fn number(text: &str, digits: std::ops::RangeInclusive<usize>) -> Option<i16> {
    let is_number = digits.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}
