//! Codes of designees: what lists write around them, in their place, or instead of some characters.

use super::clean;
use crate::{
    domain::{
        Uscc,
        fault::{Breach, Key, RuleId},
    },
    import::error::echo_on_one_line,
    lang::{Both, both},
};

/// The reading of codes of the right form whose check character is wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum OddCodes {
    /// The list is refused.
    #[default]
    Refuse,
    /// They become local identifiers: `local:350200/CODE`.
    Local,
}

/// The content of a code cell.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::import) enum Code {
    /// Nothing, or a word for it.
    Missing,
    /// A code in its normal form, another identifier, or a text that the server judges.
    Given(String),
    /// A code that fails its check character, with the fault.
    Odd(String, Both),
}

/// Texts that say that there is no code, without spaces and in small letters.
const MISSING: &[&str] = &[
    "无",
    "暂无",
    "没有",
    "不详",
    "未知",
    "空",
    "空白",
    "无代码",
    "无信用代码",
    "无社会信用代码",
    "无统一社会信用代码",
    "暂无代码",
    "缺",
    "暂缺",
    "缺失",
    "略",
    "未提供",
    "未填",
    "未填写",
    "未填报",
    "待补",
    "待补充",
    "待定",
    "待查",
    "待核",
    "n/a",
    "na",
    "nil",
    "none",
    "null",
    "nan",
    "unknown",
];
/// Marks that lists put around a code, from formulas, quotations and sentences.
const MARKS: &[char] = &[
    '=', '\'', '"', '`', '´', '“', '”', '‘', '’', '「', '」', '『', '』', '〝', '〞', '。', '.',
    ',', ';', ':', '、', '(', ')', '[', ']', '【', '】', '<', '>', '《', '》', '|', ' ',
];
/// Signs for characters that a list withholds.
const MASKS: &[char] = &['*', '•', '●', '○', '·', '█', '■', '□', '×', '?', '#', '_'];
/// A code with as many `X` in a row is masked, unless it is valid.
const MASK: &str = "XXXX";
/// Identifiers that are not codes.
const PREFIXES: [&str; 2] = ["local:", "provisional:"];

/// Reads a code cell.
pub(in crate::import) fn code(text: &str) -> Result<Code, Both> {
    // Most codes come in their normal form.
    if let Ok(code) = Uscc::parse(text) {
        return Ok(Code::Given(code.to_string()));
    }
    let cleaned = clean(text);
    let lower = cleaned.to_ascii_lowercase();
    if PREFIXES.iter().any(|prefix| lower.starts_with(prefix)) {
        return Ok(Code::Given(cleaned));
    }
    let joined: String = lower.chars().filter(|c| *c != ' ').collect();
    let word = joined.trim_matches(['(', ')', '[', ']', '.', '。', '"', '\'', '“', '”']);
    let is_blank =
        |c: char| matches!(c, '-' | '—' | '–' | '―' | '−' | '/' | '\\' | '*' | '?' | '_' | '…');
    if word.chars().all(is_blank) || MISSING.contains(&word) {
        return Ok(Code::Missing);
    }
    let bare = bare(&cleaned);
    let judged = Uscc::parse(bare);
    if let Ok(code) = judged {
        return Ok(Code::Given(code.to_string()));
    }
    // NFKC makes points of `…`.
    let is_cut = cleaned.contains("..");
    if is_cut || bare.contains(MASKS) || bare.to_ascii_uppercase().contains(MASK) {
        return Err(both!(
            en: "{0} hides characters of the code; take the whole code from the original list, or \
                 empty the cell, and the row gets a provisional identifier",
            zh: "“{0}”隐去了代码的部分字符；请从原名单取完整代码，或清空该格，该行将使用临时标识",
            echo_on_one_line(text)
        ));
    }
    match judged {
        Err(breach) if breach.rule() == RuleId::UsccCheckCharacter => {
            let code: String = bare.chars().filter(char::is_ascii_alphanumeric).collect();
            Ok(Code::Odd(code.to_ascii_uppercase(), odd(&breach)))
        }
        _ => Ok(Code::Given(bare.to_owned())),
    }
}

/// The fault of a code with a wrong check character.
fn odd(breach: &Breach) -> Both {
    let value = |key: Key| {
        let found = breach.metadata().find(|(name, _)| *name == key.as_str());
        found.map(|(_, value)| value).unwrap_or_default()
    };
    let (found, expected) = (value(Key::Found), value(Key::Expected));
    both!(en: "{breach}", zh: "校验码是 {found}，按规则应为 {expected}")
}

/// A code without the marks around it, and without a label before it: `="…"`, `信用代码：…`.
fn bare(text: &str) -> &str {
    let text = text.trim_matches(MARKS);
    let label = ["代码", "code", "Code", "CODE", "uscc", "USCC"];
    let behind = label
        .iter()
        .filter_map(|label| Some(text.split_at_checked(text.rfind(label)? + label.len())?.1))
        .min_by_key(|rest| rest.len());
    match behind.map(|rest| rest.trim_matches(MARKS)).filter(|rest| !rest.is_empty()) {
        Some(rest) => rest,
        None => text,
    }
}
