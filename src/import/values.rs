//! Reads texts of lists as values of the API. A text with two readings is refused.

use unicode_normalization::UnicodeNormalization;

use super::{AuthorityOf, error::echo_on_one_line, options::FactKind};
use crate::{
    domain::PartialDate,
    protocol::pb::{self, ReviewFailureCause, RevocationGround, SizeClass},
};

/// Programme ids and the Chinese names that lists use for them, without quotation marks. An id
/// passes without an entry here.
const PROGRAMMES: &[(&str, &[&str])] = &[
    ("innovative-sme", &["创新型中小企业"]),
    ("tech-sme", &["科技型中小企业"]),
    ("specialised-sme", &["专精特新中小企业", "省级专精特新中小企业"]),
    (
        "little-giant",
        &["专精特新小巨人企业", "专精特新小巨人", "小巨人企业", "国家级专精特新小巨人企业"],
    ),
    ("single-item-champion", &["制造业单项冠军企业", "制造业单项冠军", "单项冠军企业"]),
    ("national-platform", &["国家中小企业公共服务示范平台"]),
    ("national-base", &["国家小型微型企业创业创新示范基地"]),
];

const FACTS: &[(FactKind, &[&str])] = &[
    (FactKind::Designated, &["designated", "认定", "新认定", "通过认定", "新增"]),
    (FactKind::Notice, &["notice", "公示"]),
    (FactKind::ReviewPassed, &["reviewpassed", "复核通过", "通过复核", "复核合格"]),
    (FactKind::ReviewFailed, &["reviewfailed", "复核未通过", "未通过复核", "复核不合格"]),
    (FactKind::Revoked, &["revoked", "撤销", "撤销认定", "取消", "取消认定"]),
    (FactKind::Renamed, &["renamed", "更名", "名称变更"]),
];

/// One text can be both the cause of a failed review and the ground of a revocation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ReasonText {
    pub(super) ground: RevocationGround,
    pub(super) cause: Option<ReviewFailureCause>,
}

#[rustfmt::skip]
const REASONS: &[(RevocationGround, &[&str])] = &[
    (RevocationGround::BelowStandard, &["belowstandard", "notuptostandard", "不再符合标准",
        "未达到标准", "不符合标准", "不达标", "不符合认定标准"]),
    (RevocationGround::SafetyAccident, &["safetyaccident", "安全事故", "重大安全事故"]),
    (RevocationGround::QualityAccident, &["qualityaccident", "质量事故", "重大质量事故"]),
    (RevocationGround::PollutionAccident, &["pollutionaccident", "环境污染", "环境污染事故"]),
    (RevocationGround::Dishonesty, &["dishonesty", "严重失信", "失信"]),
    (RevocationGround::TaxEvasion, &["taxevasion", "偷税漏税", "偷漏税"]),
    (RevocationGround::Falsification, &["falsification", "数据造假", "弄虚作假", "虚假申报"]),
    (RevocationGround::DutyNotMet, &["dutynotmet", "未更新信息", "未履行更新义务"]),
    (RevocationGround::ReviewNotSubmitted, &["notsubmitted", "reviewnotsubmitted", "未提交复核",
        "未参加复核", "未申请复核", "未提交"]),
    (RevocationGround::Other, &["other", "其他", "其它"]),
];

/// A day, month or year: `2019-06-05`, `2019/6/5`, `2019年6月`, `20190605`, `2019`.
///
/// `PartialDate::parse_iso` reads the dates that people type, and cannot serve here. Cells also
/// hold full-width digits, times of day, days without separators, and months that lost a digit.
pub(super) fn date(text: &str) -> Result<pb::Date, String> {
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

fn number(text: &str, digits: std::ops::RangeInclusive<usize>) -> Option<i16> {
    let is_number = digits.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

/// First and last day of `2024-01-01至2026-12-31` or `2024.01-2026.12`.
pub(super) fn date_range(text: &str) -> Result<(pb::Date, pb::Date), String> {
    let folded: String = text.nfkc().filter(|c| !c.is_whitespace()).collect();
    let folded = folded.replace("--", "至").replace(['到', '~', '〜', '—', '–', '―'], "至");
    // A hyphen also separates the parts of a date: only one of them leaves a date on each side.
    let mut splits = folded.char_indices().filter(|(_, c)| matches!(c, '至' | '-')).filter_map(
        |(at, separator)| {
            let (first, last) = folded.split_at(at);
            let last = last.trim_start_matches(separator);
            Some((range_end(first)?, range_end(last)?))
        },
    );
    match (splits.next(), splits.next()) {
        (Some(range), None) => Ok(range),
        _ => Err(format!(
            "{} is not a first and a last day; write 2024-01-01至2026-12-31. If it is the last day \
             alone, say so: --column valid_to=HEADER",
            echo_on_one_line(text)
        )),
    }
}

/// In a range `2024.1` is January: a spreadsheet keeps a range as text and drops no digit.
fn range_end(text: &str) -> Option<pb::Date> {
    date(&text.trim_matches(['从', '自', '止']).replace('.', "/")).ok()
}

/// A batch: `第四批`, `第4批`, `4` are `4`; `2023年第二批` is `2023-2`.
pub(super) fn batch(text: &str) -> Result<String, String> {
    let folded: String = text.nfkc().filter(|c| !c.is_whitespace()).collect();
    if !folded.is_empty() && folded.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(folded);
    }
    let read = || {
        let body = folded.trim_end_matches('次').trim_end_matches('批');
        let (year, rest) = match body.split_once('年') {
            Some((year, rest)) => (number(year, 4..=4).map(Some)?, rest.trim_start_matches('度')),
            None => (None, body),
        };
        let ordinal = rest.strip_prefix('第').unwrap_or(rest);
        match (year, ordinal) {
            (Some(year), "") => Some(year.to_string()),
            (Some(year), ordinal) => Some(format!("{year}-{}", chinese_number(ordinal)?)),
            (None, ordinal) => chinese_number(ordinal).map(|number| number.to_string()),
        }
    };
    read().ok_or_else(|| {
        format!("{} is not a batch; write 第四批, 4 or 2023-2", echo_on_one_line(text))
    })
}

/// `7`, `七`, `十七`, `二十`, `九十九`.
pub(super) fn chinese_number(text: &str) -> Option<u32> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok();
    }
    let digit = |text: &str, if_empty: u32| {
        let mut characters = text.chars();
        let Some(character) = characters.next() else { return Some(if_empty) };
        let value = (1_u32..).zip("一二三四五六七八九".chars()).find(|(_, c)| *c == character)?.0;
        characters.next().is_none().then_some(value)
    };
    match text.split_once('十') {
        Some((tens, ones)) => Some(digit(tens, 1)? * 10 + digit(ones, 0)?),
        None => digit(text, 0).filter(|value| *value > 0),
    }
}

/// A programme id. Ids are not checked here: the server has the catalogue.
pub(super) fn programme(text: &str) -> Result<String, String> {
    let folded: String = text.nfkc().filter(|c| !c.is_whitespace()).collect();
    if folded.is_ascii() {
        return Ok(folded.to_ascii_lowercase());
    }
    let marks = ['“', '”', '"', '「', '」', '‘', '’', '\'', '《', '》'];
    let plain = folded.replace(marks, "");
    let known = PROGRAMMES.iter().find(|(_, names)| names.contains(&plain.as_str()));
    known.map(|(id, _)| (*id).to_owned()).ok_or_else(|| {
        let ids = PROGRAMMES.iter().map(|(id, _)| *id).collect::<Vec<_>>().join(", ");
        format!("{} is not a known programme; write its id: {ids}, …", echo_on_one_line(text))
    })
}

/// The code of an authority: from a code, which is not checked here, or from a name.
pub(super) fn authority(text: &str, authority_of: AuthorityOf) -> Result<String, String> {
    let folded: String = text.nfkc().filter(|c| !c.is_whitespace()).collect();
    if folded.len() == 6 && folded.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(folded);
    }
    let code = authority_of(text).or_else(|| authority_of(&folded));
    code.map(str::to_owned).ok_or_else(|| {
        let rule = "the ministry (100000) or one of the 37 provincial-level authorities";
        format!("{} is not {rule}; write a code or a name such as 广东省", echo_on_one_line(text))
    })
}

/// The kind of fact that a row states.
pub(super) fn fact(text: &str) -> Result<FactKind, String> {
    look_up(FACTS, text, "a fact")
}

/// Why a review was failed or a title revoked.
pub(super) fn reason(text: &str) -> Result<ReasonText, String> {
    let ground = look_up(REASONS, text, "a known reason")?;
    let cause = match ground {
        RevocationGround::BelowStandard => Some(ReviewFailureCause::NotUpToStandard),
        RevocationGround::ReviewNotSubmitted => Some(ReviewFailureCause::NotSubmitted),
        _ => None,
    };
    Ok(ReasonText { ground, cause })
}

/// Size class of an enterprise.
pub(super) fn size(text: &str) -> Result<SizeClass, String> {
    const SIZES: &[(SizeClass, &[&str])] = &[
        (SizeClass::Micro, &["micro", "微型", "微型企业", "微"]),
        (SizeClass::Small, &["small", "小型", "小型企业", "小"]),
        (SizeClass::Medium, &["medium", "中型", "中型企业", "中"]),
        (SizeClass::Large, &["large", "大型", "大型企业", "大"]),
    ];
    look_up(SIZES, text, "a size class")
}

fn look_up<T: Copy>(table: &[(T, &[&str])], text: &str, what: &str) -> Result<T, String> {
    let folded = super::columns::fold(text);
    let known = table.iter().find(|(_, names)| names.contains(&folded.as_str()));
    known.map(|(value, _)| *value).ok_or_else(|| {
        let names: Vec<_> = table.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        format!("{} is not {what}; there are {}", echo_on_one_line(text), names.join(", "))
    })
}

/// Whether a cell says yes.
pub(super) fn yes_or_no(text: &str) -> Result<bool, String> {
    const ANSWERS: &[(bool, &[&str])] =
        &[(true, &["是", "yes", "true", "1", "√"]), (false, &["否", "no", "false", "0", "×"])];
    look_up(ANSWERS, text, "yes or no")
}
