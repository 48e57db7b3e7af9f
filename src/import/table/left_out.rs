//! Columns that are left out although their cells state facts: `复核结果`, with `通过` and `不通过`.

use std::ops::Range;

use super::{
    super::{
        columns::{Headers, Unread, fold, letter},
        error::{FileFault, echo_on_one_line},
        sheet::{Cell, Sheet},
        values,
    },
    DataRow,
};
use crate::limits::{FACT_WORD_CHARS_MAX, FACT_WORDS_SHOWN_MAX};

/// Outcomes that name no fact by themselves, and decide one all the same.
#[rustfmt::skip]
const OUTCOMES: &[&str] = &[
    "通过",
    "不通过",
    "未通过",
    "没有通过",
    "合格",
    "不合格",
    "未合格",
    "予以认定",
    "不予认定",
    "拟认定",
    "予以撤销",
    "予以取消",
    "拟撤销",
    "拟取消",
    "不予通过",
    "已撤销",
    "已取消",
    "终止",
    "终止认定",
    "保留",
    "不保留",
    "淘汰",
    "退出",
    "移出",
    "出库",
    "入库",
    "复核",
    "复审",
    "passed",
    "failed",
    "pass",
    "fail",
    "approved",
    "rejected",
    "cancelled",
    "canceled",
    "withdrawn",
    "removed",
];

/// Parts of words of facts.
#[rustfmt::skip]
const FACT_PARTS: &[&str] = &[
    "新认定", "认定", "复核", "复审", "未通过", "不通过", "通过", "不合格", "合格", "撤销", "取消", "更名",
    "公示", "新申报", "新增", "予以", "企业", "单位", "结果",
];
/// Those of them that have no other use.
const STRONG_PARTS: &[&str] =
    &["取消", "撤销", "未通过", "不通过", "复核", "复审", "新认定", "新申报", "已更名"];

/// Refuses a column with words of facts that is neither read nor left out by the caller.
pub(super) fn reject_facts(
    sheet: &Sheet,
    block: &Range<usize>,
    headers: &Headers,
    rows: &[DataRow<'_>],
) -> Result<(), FileFault> {
    let width = rows.iter().map(|row| row.row.cells.len()).max().unwrap_or_default();
    for index in block.start..block.end.min(width) {
        let is_read = headers.columns.iter().any(|column| column.index == index);
        let is_personal = headers.personal.iter().any(|unread| unread.index == index);
        let unread = headers.unmapped.iter().find(|unread| unread.index == index);
        if is_read || is_personal || unread.is_some_and(|unread| unread.chosen) {
            continue;
        }
        let header = unread.map_or("", |unread: &Unread| unread.header.as_str());
        let words = words(index, header, rows);
        if words.is_empty() {
            continue;
        }
        let letter = letter(index);
        return Err(FileFault::FactsLeftOut {
            sheet: sheet.name.clone(),
            column: if header.is_empty() { letter } else { echo_on_one_line(header) },
            words: words.join(", "),
        });
    }
    Ok(())
}

/// The first different words of facts in a column.
fn words(index: usize, header: &str, rows: &[DataRow<'_>]) -> Vec<String> {
    let asks = asks_for_fact(header);
    let mut words: Vec<String> = Vec::new();
    for cell in rows.iter().filter_map(|row| row.row.cells.get(index)) {
        let Cell::Text(text) = cell else { continue };
        if text.len() > 4 * FACT_WORD_CHARS_MAX || !may_state_fact(text, asks) {
            continue;
        }
        let word = echo_on_one_line(text);
        if (states_fact(text) || asks && answers(text)) && !words.contains(&word) {
            words.push(word);
            if words.len() == FACT_WORDS_SHOWN_MAX {
                break;
            }
        }
    }
    words
}

/// Whether a text has a character of the words of facts. It is asked of every cell.
fn may_state_fact(text: &str, asks: bool) -> bool {
    asks || text.is_ascii() || text.contains(|c| "认定过核格审销消更名示增申止留汰出库".contains(c))
}

/// Whether a text is the word of a fact: `复核通过`, `2026年新认定`, `已取消（自愿）`. Few other
/// characters may stand beside it: `新增材料制造` is an industry.
fn states_fact(text: &str) -> bool {
    let folded = fold(text);
    let plain = folded.split(['(', '[', '【']).next().unwrap_or_default();
    let from_year = plain.trim_start_matches(|c: char| c.is_ascii_digit());
    let word = from_year.trim_start_matches(['年', '度']);
    if OUTCOMES.contains(&word) || values::fact(word).is_ok() {
        return true;
    }
    if word.is_ascii() || word.chars().count() > FACT_WORD_CHARS_MAX {
        return false;
    }
    let mut rest = word.to_owned();
    FACT_PARTS.iter().for_each(|part| rest = rest.replace(part, ""));
    let beside = rest.chars().count();
    let is_plain = STRONG_PARTS.iter().any(|part| word.contains(part));
    let is_short = beside < word.chars().count() && beside <= if is_plain { 8 } else { 2 };
    is_short && (is_plain || !values::kinds_in_title(word).is_empty())
}

/// Whether a header asks a question about facts that `是` answers.
fn asks_for_fact(header: &str) -> bool {
    let folded = fold(header);
    folded.contains("是否")
        && ["复核", "复审", "通过", "认定", "撤销", "取消"].iter().any(|word| folded.contains(word))
}

fn answers(text: &str) -> bool {
    values::yes_or_no(text).is_ok()
}
