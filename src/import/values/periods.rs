//! The period of a title in one text: a first and a last day, one of them, or its length.

use super::{Day, Side, clean, dates, numbers::chinese_number};
use crate::{
    domain::{CivilDate, PartialDate},
    import::error::echo_on_one_line,
    lang::{Both, both},
    protocol::pb,
};

/// Longest length that a text can state.
const MONTHS_MAX: u32 = 600;
/// Words before a period that say no more than its header.
const LABELS: &[&str] = &["证书有效期", "有效期限", "有效期", "有效时间", "期限"];
/// Moments from which a length counts, which are the first day of the title.
const BEGINNINGS: &[&str] = &[
    "认定",
    "公布",
    "发布",
    "发文",
    "公告",
    "发证",
    "颁发",
    "颁证",
    "批准",
    "认定公布",
    "证书颁发",
];

/// A period as far as a text states it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::import) struct Period {
    pub(in crate::import) first: Option<Day>,
    pub(in crate::import) last: Option<Day>,
    /// Its length, if the text states no last day.
    pub(in crate::import) months: Option<u32>,
}

impl Period {
    /// Its last day if it begins on a day that the list states elsewhere.
    pub(in crate::import) fn last_from(&self, first: Option<pb::Date>) -> Option<pb::Date> {
        self.last.map(|day| day.date).or_else(|| last_of(first?, self.months?))
    }
}

/// Reads a period: `2024-01-01至2026-12-31`, `2024.01-2026.12`, `至2026年12月31日`, `三年`,
/// `2024年1月1日起三年`. `serials`: a number can be that of a day, as in a text file.
pub(in crate::import) fn period(text: &str, serials: bool) -> Result<Period, Both> {
    let found = echo_on_one_line(text);
    let refuse = || {
        both!(
            en: "{found} is not a first and a last day; write 2024-01-01至2026-12-31, \
                 至2026-12-31 or 三年. If it is the last day alone, say so: --column \
                 valid_to=HEADER",
            zh: "“{found}”不是起止日期；请写成 2024-01-01至2026-12-31、至2026-12-31 或 三年。如果只是截止\
                 日期，请指明：--column valid_to=HEADER"
        )
    };
    let cleaned = clean(text);
    let cleaned = cleaned.trim_end_matches(['。', '.', ';', ',']);
    let (body, note) = without_brackets(cleaned).ok_or_else(refuse)?;
    let noted = match note {
        Some(note) => Some(part(note, serials).map_err(|why| why.unwrap_or_else(refuse))?),
        None => None,
    };
    let read = match body.as_str() {
        "" => noted.ok_or_else(refuse)?,
        body => joined(part(body, serials).map_err(|why| why.unwrap_or_else(refuse))?, noted)
            .ok_or_else(|| {
                both!(
                    en: "{found} states two periods; write the first and the last day",
                    zh: "“{found}”写了两个期间；请写起止日期"
                )
            })?,
    };
    if read == Period::default() {
        return Err(refuse());
    }
    require_order(&read).map_err(|why| both!(en: "{found} {why}", zh: "“{found}”{why}"))?;
    Ok(read)
}

/// The text outside a pair of brackets, and the text inside.
fn without_brackets(text: &str) -> Option<(String, Option<&str>)> {
    let Some((before, rest)) = text.split_once('(') else { return Some((text.to_owned(), None)) };
    // The name of a zone is no part of the period.
    if before.contains("GMT") {
        return Some((text.to_owned(), None));
    }
    let (inside, behind) = rest.split_once(')')?;
    (!behind.contains('(')).then(|| (format!("{before}{behind}").trim().to_owned(), Some(inside)))
}

/// A period, and a second one beside it that may only agree.
fn joined(stated: Period, noted: Option<Period>) -> Option<Period> {
    let noted = noted.unwrap_or_default();
    if noted == Period::default() {
        return Some(stated);
    }
    let (range, months) = match (stated.months, noted.months) {
        (None, Some(months)) => (stated, months),
        (Some(months), None) => (noted, months),
        _ => return None,
    };
    let Some(first) = range.first else { return Some(range) };
    let expected = last_of(first.date, months)?;
    let Some(last) = range.last else {
        return Some(Period { last: Some(Day { date: expected, note: None }), ..range });
    };
    // Some count 2024-01-01 to 2027-01-01 as three years.
    let (expected, stated) = (parsed(expected)?, parsed(last.date)?);
    let agrees = stated == expected || Some(stated.first_day()) == expected.last_day().next();
    agrees.then_some(range)
}

/// A part of a text. The error has its own words, or is that no form fits.
fn part(text: &str, serials: bool) -> Result<Period, Option<Both>> {
    let text = without_label(text);
    if let Some(months) = months(text) {
        return Ok(Period { months: Some(months), ..Period::default() });
    }
    let text = unified(text);
    if let Some(period) = from_a_day(&text, serials) {
        return period;
    }
    let single = |text: &str| end(text, Side::Last, serials, None).ok();
    if let Some(last) = text.strip_prefix('至').and_then(single) {
        return Ok(Period { last: Some(last), ..Period::default() });
    }
    let until = ["为止", "截止", "止"].iter().find_map(|word| text.strip_suffix(word));
    if let Some(last) = until.and_then(single) {
        return Ok(Period { last: Some(last), ..Period::default() });
    }
    range(&text, serials)
}

fn without_label(text: &str) -> &str {
    let text = text.trim();
    let rest = LABELS.iter().find_map(|label| text.strip_prefix(label)).unwrap_or(text);
    rest.trim_start_matches(['为', '是', ':', ' ']).trim()
}

/// Writes each word and mark between two days as `至`.
fn unified(text: &str) -> String {
    let mut text = text.replace("到期", "止");
    for word in
        ["截止到", "截止至", "截至", "直至", "起至", "开始至", "--", " to ", " until ", "->"]
    {
        text = text.replace(word, "至");
    }
    if let Some(rest) = text.strip_prefix("截止") {
        text = format!("至{rest}");
    }
    text.replace(['到', '~', '〜', '∼', '—', '–', '―', '−', '‐', '‑', '→'], "至")
}

/// `2024年1月1日起三年`, `自2024年1月1日起`, `自公布之日起三年`; `None` if no word says "from".
fn from_a_day(text: &str, serials: bool) -> Option<Result<Period, Option<Both>>> {
    let (before, behind) = text.split_once('起')?;
    let before = before.trim_start_matches(['自', '从']).trim();
    let behind = behind.trim_start_matches(['算', '计', ',', ' ']).trim_end_matches("有效").trim();
    if behind.contains('至') {
        return None;
    }
    let months = match behind {
        "" | "生效" | "执行" => None,
        behind => Some(months(without_label(behind))?),
    };
    let beginning = before.strip_suffix("之日").unwrap_or(before);
    if BEGINNINGS.contains(&beginning) {
        return Some(Ok(Period { months, ..Period::default() }));
    }
    let first = match end(before, Side::First, serials, None) {
        Ok(first) => first,
        Err(why) => return Some(Err(Some(why))),
    };
    let last = months.and_then(|months| last_of(first.date, months));
    let last = last.map(|date| Day { date, note: None });
    Some(Ok(Period { first: Some(first), last, months: None }))
}

/// Two days. Each place where the text can be divided is tried, and one alone may give two days: a
/// hyphen and a slash also separate the parts of a date.
fn range(text: &str, serials: bool) -> Result<Period, Option<Both>> {
    for separator in ['至', '-', '/'] {
        let mut said = None;
        let mut found = Vec::new();
        for (at, _) in text.match_indices(separator) {
            let (first, last) = text.split_at(at);
            let last = last.trim_start_matches(separator);
            match two_days(first, last, separator, serials) {
                Ok(period) => found.push(period),
                Err(why) => said = said.or(why),
            }
        }
        match found.as_slice() {
            [period] => return Ok(*period),
            [] if separator == '至' && text.contains('至') => return Err(said),
            [] => {}
            _ => return Err(None),
        }
    }
    Err(None)
}

fn two_days(
    first: &str,
    last: &str,
    separator: char,
    serials: bool,
) -> Result<Period, Option<Both>> {
    if first.trim().is_empty() || last.trim().is_empty() {
        return Err(None);
    }
    let first_day = end(first, Side::First, serials, None).map_err(Some)?;
    // `2024年1月1日至12月31日`. With a hyphen between numbers it could be a single date.
    let year = first_day.date.year;
    let is_clear = separator == '至' || last.contains('月') || !first.contains(separator);
    let year = Some(year).filter(|_| is_clear && first_day.date.month > 0);
    let last_day = end(last, Side::Last, serials, year).map_err(Some)?;
    Ok(Period { first: Some(first_day), last: Some(last_day), months: None })
}

/// One end of a period. In it `2024.1` is January: a spreadsheet keeps a period as text and drops
/// no digit. A last day without a year takes that of the first.
fn end(text: &str, side: Side, serials: bool, year: Option<i32>) -> Result<Day, Both> {
    let text = text.trim().trim_start_matches(['从', '自']).trim_end_matches(['止', '起']).trim();
    if serials && let Some(day) = dates::serial(text, side) {
        return day;
    }
    let dotted = |text: &str| {
        let is_dot = |(at, _): &(usize, &str)| {
            let digits = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
            digits(text.get(..*at).and_then(|before| before.chars().next_back()))
        };
        // Dots behind a colon are fractions of a second.
        let until = text.find(':').unwrap_or(text.len());
        let dots = text.match_indices('.').filter(is_dot).filter(|(at, _)| *at < until);
        let mut slashed = text.to_owned();
        for (at, _) in dots {
            slashed.replace_range(at..=at, "/");
        }
        slashed
    };
    let text = dotted(text);
    let read = dates::day(&text, side);
    let (Err(_), Some(year)) = (&read, year) else { return read };
    let is_short = text.split('/').count() == 2;
    match text.contains('月') {
        true => dates::day(&format!("{year}年{text}"), side),
        false if is_short => dates::day(&format!("{year}/{text}"), side),
        false => read,
    }
}

/// A length: `三年`, `3年`, `36个月`, `两年半`.
fn months(text: &str) -> Option<u32> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let text = text.trim_end_matches(['有', '效', '内', '期', '整']);
    let text = text.trim_start_matches(['共', '满']);
    let number = |text: &str| chinese_number(text).filter(|number| *number > 0);
    let years = |text: &str| number(text)?.checked_mul(12);
    let units = ["个月", "months", "month"];
    let months = if let Some(count) = units.iter().find_map(|unit| text.strip_suffix(unit)) {
        number(count)
    } else if let Some(count) = text.strip_suffix("年半") {
        years(count)?.checked_add(6)
    } else {
        let units = ["周年", "年", "years", "year"];
        years(units.iter().find_map(|unit| text.strip_suffix(unit))?)
    };
    months.filter(|months| *months <= MONTHS_MAX)
}

/// The last day of a length that begins on a day, in the precision of that day.
fn last_of(first: pb::Date, months: u32) -> Option<pb::Date> {
    let first = parsed(first)?;
    let (_, first_month, first_day) = first.parts();
    let begin = first.first_day();
    let last = match months % 12 {
        // The register counts years in the same way.
        0 => begin.plus_years_minus_day(months / 12),
        _ => begin.plus_months(months).previous()?,
    };
    if last == CivilDate::MAX {
        return None;
    }
    let month = if first_month == 0 && months.is_multiple_of(12) { 0 } else { last.month() };
    let day = if first_day == 0 { 0 } else { last.day() };
    Some(pb::Date { year: last.year().into(), month: month.into(), day: day.into() })
}

fn require_order(period: &Period) -> Result<(), Both> {
    let day = |day: Option<Day>| day.and_then(|day| parsed(day.date));
    let (Some(first), Some(last)) = (day(period.first), day(period.last)) else { return Ok(()) };
    let is_ordered = first.first_day() <= last.last_day();
    let fault = "ends before it begins; write the first day first";
    if is_ordered {
        Ok(())
    } else {
        Err(Both::word(fault, "的截止日期早于开始日期；请先写开始日期"))
    }
}

fn parsed(date: pb::Date) -> Option<PartialDate> {
    PartialDate::parse_parts(date.year, date.month, date.day).ok()
}
