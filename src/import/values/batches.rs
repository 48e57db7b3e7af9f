//! Batches: their ordinal, with the year where batches are counted anew each year.

use super::{Side, chinese_number, clean, dates, english, kinds::kinds_in_title, numbers};
use crate::{
    import::{FactKind, error::echo_on_one_line},
    lang::{Both, both},
};

/// The Roman numerals that are single characters, from 1.
const ROMAN: &str = "ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩⅪⅫ";
/// Words before an ordinal that say whose batch it is.
const LEVELS: &[&str] = &["国家级", "国家", "部级", "省级", "自治区级", "市级", "区级", "省", "市"];

/// A batch: `第四批`, `第4批`, `首批`, `4.0` are `4`; `2023年第二批`, `第二批（2023年）` are
/// `2023-2`; `2025年上半年` is `2025-H1`. `第四批（复核）` is `4`, see [`kinds_of_batch`].
pub(in crate::import) fn batch(text: &str) -> Result<String, Both> {
    let found = echo_on_one_line(text);
    let refuse = || {
        both!(
            en: "{found} is not a batch; write 第四批, 4 or 2023-2",
            zh: "“{found}”不是批次；请写成 第四批、4 或 2023-2"
        )
    };
    let cleaned = clean(&with_arabic(text)).replace(' ', "");
    let is_id = !cleaned.is_empty() && cleaned.bytes().all(|b| b.is_ascii_graphic() && b != b'(');
    if is_id {
        return identifier(&cleaned)
            .map_err(|why| both!(en: "{found} {why}", zh: "“{found}”{why}"));
    }
    let (body, note) = divided(&cleaned).ok_or_else(refuse)?;
    let stated = numbered(&body).ok_or_else(refuse)?;
    let stated = match note {
        None => stated,
        Some(note) => match numbered(note) {
            Some(noted) => stated.beside(noted).ok_or_else(refuse)?,
            None if kinds_in_title(note).is_empty() => return Err(refuse()),
            None => stated,
        },
    };
    stated.name().ok_or_else(refuse)
}

/// The facts that a batch is of, where its text says so: `第四批（复核）`. Empty: any.
pub(in crate::import) fn kinds_of_batch(text: &str) -> Vec<FactKind> {
    if !text.contains(['(', '（']) {
        return Vec::new();
    }
    let cleaned = clean(text).replace(' ', "");
    let note = divided(&cleaned).and_then(|(_, note)| note);
    note.map(kinds_in_title).unwrap_or_default()
}

/// The text outside a pair of brackets, and the text inside.
fn divided(text: &str) -> Option<(String, Option<&str>)> {
    let Some((before, rest)) = text.split_once('(') else { return Some((text.to_owned(), None)) };
    let (inside, behind) = rest.split_once(')')?;
    (!behind.contains('(')).then(|| (format!("{before}{behind}"), Some(inside)))
}

/// Roman numerals as digits: `Ⅳ` would become two letters.
fn with_arabic(text: &str) -> String {
    let roman = |c: char| ROMAN.chars().position(|numeral| numeral == c);
    text.chars().fold(String::with_capacity(text.len()), |mut arabic, c| {
        match roman(c) {
            Some(place) => arabic.push_str(&(place + 1).to_string()),
            None => arabic.push(c),
        }
        arabic
    })
}

/// An identifier as it is; a number without what a programme adds to it.
fn identifier(text: &str) -> Result<String, Both> {
    let whole = text.split_once('.').filter(|(_, part)| part.bytes().all(|b| b == b'0'));
    let bare = whole.map_or(text, |(whole, _)| whole);
    let lower = bare.to_ascii_lowercase();
    let numbered = ["batch", "no.", "no", "#"].iter().find_map(|word| lower.strip_prefix(word));
    let bare = numbered.unwrap_or(bare);
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if is_digits(bare) {
        let bare = bare.trim_start_matches('0');
        return match bare.len() {
            1..=4 => Ok(bare.to_owned()),
            0 => Err(Both::word("is not a batch; batches count from 1", "不是批次；批次从 1 开始")),
            _ => {
                let (year, number) = bare.split_at(4);
                let number = number.trim_start_matches('0');
                Err(both!(
                    en: "could be the batch {year}-{number}, or a number; write one of the two",
                    zh: "可能是批次 {year}-{number}，也可能是一个数字；请明确写出"
                ))
            }
        };
    }
    let number_and_part = bare.split_once('.').filter(|(a, b)| is_digits(a) && is_digits(b));
    if let Some((number, part)) = number_and_part {
        return Err(both!(
            en: "has lost digits, or is not a batch; write {number}-{part}",
            zh: "丢失了数字，或不是批次；请写成 {number}-{part}"
        ));
    }
    let is_day = dates::day(text, Side::First).is_ok_and(|day| day.date.day > 0);
    if is_day || english::names_month(text) {
        return Err(Both::word(
            "is a day, which a spreadsheet makes of a batch such as 2025-1; format the column as \
             text in the original list",
            "是日期，是电子表格软件由 2025-1 这样的批次自动转换的；请在原名单中把该列设为文本格式",
        ));
    }
    Ok(text.to_owned())
}

/// The numbers of a batch, as far as a text states them.
#[derive(Clone, Debug, Default, PartialEq)]
struct Numbered {
    year: Option<i32>,
    /// `1`, `H1`, `Q3`
    ordinal: Option<String>,
}

impl Numbered {
    fn name(self) -> Option<String> {
        match (self.year, self.ordinal) {
            (Some(year), Some(ordinal)) => Some(format!("{year}-{ordinal}")),
            (Some(year), None) => Some(year.to_string()),
            // Half a year of no year is not a batch.
            (None, Some(ordinal)) => {
                Some(ordinal).filter(|o| o.bytes().all(|b| b.is_ascii_digit()))
            }
            (None, None) => None,
        }
    }

    /// The year and the ordinal of two texts, of which each states one.
    fn beside(self, other: Self) -> Option<Self> {
        match (&self, &other) {
            (Self { year: Some(_), ordinal: None }, Self { year: None, ordinal: Some(_) }) => {
                Some(Self { ordinal: other.ordinal, ..self })
            }
            (Self { year: None, ordinal: Some(_) }, Self { year: Some(_), ordinal: None }) => {
                Some(Self { year: other.year, ..self })
            }
            _ => None,
        }
    }
}

/// Reads `2025年度第一批`, `省级第六批`, `首批`, `2025年上半年`, `二〇二五年`.
fn numbered(text: &str) -> Option<Numbered> {
    let text = text.trim_matches(['。', ',', ':', '、', '“', '”', '"']);
    let (year, rest) = match (year_before_ordinal(text), text.split_once('年')) {
        (Some((year, rest)), _) => (Some(year), rest),
        (None, Some((year, rest))) => (Some(numbers::year(year)?), rest.trim_start_matches('度')),
        (None, None) => (None, text),
    };
    if rest.is_empty() {
        return Some(Numbered { year, ordinal: None }).filter(|_| year.is_some());
    }
    let half = [("上半年", "H1"), ("下半年", "H2")].into_iter().find(|(word, _)| *word == rest);
    if let Some((_, half)) = half {
        return Some(Numbered { year, ordinal: Some(half.to_owned()) });
    }
    let rest = LEVELS.iter().find_map(|level| rest.strip_prefix(level)).unwrap_or(rest);
    let rest = rest.strip_prefix("批次:").unwrap_or(rest);
    if let Some(quarter) = rest.strip_suffix("季度") {
        let quarter = chinese_number(quarter.trim_start_matches('第'))?;
        return (1..=4)
            .contains(&quarter)
            .then(|| Numbered { year, ordinal: Some(format!("Q{quarter}")) });
    }
    let body = rest.strip_suffix('次').unwrap_or(rest);
    let body = body.strip_suffix('批').unwrap_or(body);
    let is_year = year.is_none() && body == rest && body.len() == 4 && body.starts_with(['1', '2']);
    if let Some(year) = numbers::year(body).filter(|_| is_year) {
        return Some(Numbered { year: Some(year), ordinal: None });
    }
    let ordinal = if body == "首" && body != rest {
        1
    } else {
        chinese_number(body.strip_prefix('第').unwrap_or(body)).filter(|number| *number > 0)?
    };
    Some(Numbered { year, ordinal: Some(ordinal.to_string()) })
}

/// `2025第一批`, `2025上半年`: a year without its word.
fn year_before_ordinal(text: &str) -> Option<(i32, &str)> {
    let (year, rest) = text.split_at_checked(4)?;
    let is_year = year.is_ascii() && rest.starts_with(['第', '上', '下', '首']);
    Some((numbers::year(year).filter(|_| is_year)?, rest))
}
