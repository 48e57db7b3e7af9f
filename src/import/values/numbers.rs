//! Numbers in Arabic and Chinese digits.

use super::clean;
use crate::{
    import::error::echo_on_one_line,
    lang::{Both, both},
};

/// The digits from 0, each in the ways that lists write it.
const DIGITS: [&str; 10] =
    ["〇零○", "一壹", "二贰两", "三叁", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖"];

/// `7`, `七`, `十七`, `二十`, `一百零五`, `九千九百九十九`.
pub(in crate::import) fn chinese_number(text: &str) -> Option<u32> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok();
    }
    let mut rest = text.replace('拾', "十").replace('佰', "百").replace('仟', "千");
    rest = rest.replace('廿', "二十").replace('卅', "三十");
    let (mut total, mut skipped_unit, mut first) = (0, false, true);
    for (unit, worth) in [('千', 1_000), ('百', 100), ('十', 10)] {
        let Some((before, behind)) = rest.split_once(unit) else {
            skipped_unit |= total > 0;
            continue;
        };
        let count = match before {
            // `十二`, `一百十二`
            "" if worth == 10 && !skipped_unit => 1,
            before => units(before, skipped_unit, first)?,
        };
        total += count * worth;
        (skipped_unit, first) = (false, false);
        rest = behind.to_owned();
    }
    let ones = match rest.as_str() {
        "" if !first => 0,
        // A round number may end in its last unit, but `一百五` is 150 or 105.
        rest if !first && skipped_unit && !rest.starts_with('零') => return None,
        rest => units(rest, skipped_unit, first)?,
    };
    Some(total + ones)
}

/// One digit from 1 to 9, behind a zero where units were skipped: `零五`.
fn units(text: &str, skipped: bool, first: bool) -> Option<u32> {
    let text = match text.strip_prefix(['零', '〇']) {
        Some(text) if skipped && !first => text,
        Some(_) => return None,
        None => text,
    };
    let mut characters = text.chars();
    let digit = digit(characters.next()?)?;
    (characters.next().is_none() && digit > 0).then_some(digit)
}

/// A Chinese digit, or an Arabic one among them.
fn digit(character: char) -> Option<u32> {
    let place = (0_u32..).zip(DIGITS).find(|(_, same)| same.contains(character));
    place.map(|(digit, _)| digit).or_else(|| character.to_digit(10))
}

/// A year of four digits, of either kind: `2026`, `二〇二六`, `二0二六`.
pub(super) fn year(text: &str) -> Option<i32> {
    if text.len() > 4 * '二'.len_utf8() || text.chars().count() != 4 {
        return None;
    }
    text.chars()
        .try_fold(0, |sum, character| Some(sum * 10 + i32::try_from(digit(character)?).ok()?))
}

/// The number of a row in a list: `7`, `七`, `7.`, `(7)`, `⑦`, `No.7`, `7.0`.
pub(in crate::import) fn row_number(text: &str) -> Result<u32, Both> {
    let cleaned = clean(text).replace(' ', "");
    let lower = cleaned.to_ascii_lowercase();
    let marks = ['(', ')', '[', ']', '.', '、', ',', '。', '#', '第', '号'];
    let bare = lower.trim_start_matches("no").trim_matches(marks);
    let bare = bare.strip_suffix(".0").unwrap_or(bare);
    chinese_number(bare).filter(|_| !bare.is_empty()).ok_or_else(|| {
        both!(
            en: "{0} is not a row number; --column ignore=HEADER leaves it out",
            zh: "“{0}”不是序号；可用 --column ignore=HEADER 不读该列",
            echo_on_one_line(text)
        )
    })
}
