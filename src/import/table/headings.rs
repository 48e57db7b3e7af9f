//! Texts of lists that are not names of enterprises: notes, totals, headings, dates, sentences. A
//! text that is neither surely a heading nor surely a name is left to the caller.

use unicode_normalization::UnicodeNormalization;

use super::super::{
    columns::{fold, recognise, visible},
    values,
};
use super::words::{
    COMPANY_ENDS, COMPANY_WORDS, ENGLISH_BEGINS, ENGLISH_ENDS, HEADER_ENDS, HEADER_WORDS,
    HEADING_ENDS, KINDS_OF_COMPANIES, LIST_WORDS, NOTES, NOTES_ALONE, PLACE_ENDS, REMARK_BEGINS,
    TOTALS,
};
use crate::limits::{LONE_NAME_CHARS_MAX, PLACE_CHARS_MAX};

/// Measure words behind a number of enterprises.
const COUNTERS: &str = "家户个项";

/// A text alone in the column of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lone {
    /// A heading, a date, a total, a remark or a sentence.
    Heading,
    /// A name, by the word for its kind of enterprise.
    Name,
    /// It could be either.
    Unclear,
}

/// Most characters of a number of enterprises: `（共1,234家）`.
const COUNT_CHARS_MAX: usize = 10;

/// Ends of names that count only behind three other characters: `西部` is a heading.
const COMPANY_CHARACTERS: &str = "厂院所店社站部号行堂坊馆矿场";

/// Whether a text ends as the names of enterprises do.
pub(super) fn is_company(text: &str) -> bool {
    let folded: String = text.nfkc().filter(|c| !c.is_whitespace()).collect();
    let name = without_last_bracket(&folded);
    if KINDS_OF_COMPANIES.contains(&name) {
        return false;
    }
    let mut characters = name.chars().rev();
    let last = characters.next().unwrap_or_default();
    COMPANY_ENDS.iter().any(|end| name.ends_with(end))
        || COMPANY_CHARACTERS.contains(last)
            && characters.count() >= 3
            // `粤工信〔2026〕5号` is a document.
            && !(last == '号' && name.contains(|c: char| c.is_ascii_digit()))
        || is_latin_company(text)
}

fn is_latin_company(text: &str) -> bool {
    let words = text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '，' | '(' | ')'));
    let words = words.map(|word| word.replace('.', "").to_ascii_lowercase());
    words.skip(1).any(|word| COMPANY_WORDS.contains(&word.as_str()))
}

/// `示例中心（有限合伙）` without what its last bracket says.
fn without_last_bracket(text: &str) -> &str {
    let Some(inner) = text.strip_suffix(')') else { return text };
    match inner.rfind('(') {
        Some(0) | None => text,
        Some(at) => inner.get(..at).unwrap_or(text),
    }
}

/// Judges a text alone in the column of names. `is_place` knows places by their names.
pub(super) fn lone(text: &str, is_place: impl Fn(&str) -> bool) -> Lone {
    let text = visible(text);
    let folded: String = text.nfkc().filter(|c| !c.is_whitespace()).collect();
    let is_mark = !text.contains(char::is_alphanumeric);
    if is_mark || has_count(&folded) || is_sentence(&text) || is_date_or_number(&folded) {
        return Lone::Heading;
    }
    let numbered = without_number(&folded);
    if is_company(&text) {
        // `1.示例有限公司` holds a number that is not of the name.
        return if numbered.is_some() { Lone::Unclear } else { Lone::Name };
    }
    let is_heading = numbered.is_some()
        || is_place(text.split(['(', '（']).next().unwrap_or(&text).trim())
        || recognise(&text).is_some()
        || is_remark(&folded)
        || is_list_word(&folded)
        || is_english_heading(&text)
        || !values::kinds_in_title(&text).is_empty();
    if is_heading { Lone::Heading } else { Lone::Unclear }
}

/// A text that is a heading even beside a running number: a place, or a number of enterprises.
pub(super) fn is_surely_heading(text: &str, is_place: impl Fn(&str) -> bool) -> bool {
    let text = visible(text);
    let folded: String = text.nfkc().filter(|c| !c.is_whitespace()).collect();
    let before_bracket = text.split(['(', '（']).next().unwrap_or(&text).trim();
    has_count(&folded) || !is_company(&text) && is_place(before_bracket)
}

/// The number of a heading: `一`, `（二）`, `Ⅲ`, `附件4`. Rows of data count in digits.
pub(super) fn is_number_of_heading(text: &str) -> bool {
    let folded: String = text.nfkc().filter(|c| !c.is_whitespace()).collect();
    let plain = folded.trim_matches(['(', ')', '、', '.']);
    let is_roman = |text: &str| text.chars().all(|c| "IVX".contains(c));
    !plain.is_empty() && (plain.chars().all(is_numeral) || is_roman(plain))
        || without_number(&folded).is_some_and(str::is_empty)
            && !plain.bytes().all(|byte| byte.is_ascii_digit())
}

/// `广州市（共3家）`, `新认定企业25家`, `广州市（3）`: nobody's name ends with a number of enterprises.
fn has_count(folded: &str) -> bool {
    let end = folded.trim_end_matches(')');
    let of_enterprises = ["企业", "单位", "公司", "enterprises", "companies", "firms"];
    let unit = of_enterprises.iter().find_map(|unit| end.strip_suffix(unit)).unwrap_or(end);
    let body = unit.trim_end_matches(|c| COUNTERS.contains(c));
    let before = body.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_bare = body.len() == end.len();
    if before.len() < body.len() {
        // `示例有限公司（1）` is a name with a remark.
        let open = before.strip_suffix('(').filter(|_| body.len() - before.len() <= 5);
        return !is_bare || end.len() < folded.len() && open.is_some_and(|name| !is_company(name));
    }
    // `百家` may be a part of a name, `（三家）` and `共三家` are not.
    let before = body.trim_end_matches(is_numeral);
    !is_bare && before.len() < body.len() && before.ends_with(['(', '共', '计'])
}

fn is_numeral(c: char) -> bool {
    "一二三四五六七八九十百".contains(c)
}

/// A sentence, or a text too long for a name.
fn is_sentence(text: &str) -> bool {
    text.contains(['。', '；', '：', '！', '？']) || text.chars().count() > LONE_NAME_CHARS_MAX
}

/// `2026年1月5日`, `2026.1.5`, `二〇二六年一月五日`, `12`, `- 3 -`, `第3页`.
fn is_date_or_number(folded: &str) -> bool {
    let plain = folded.trim_matches(['-', '—', '–', '(', ')', '.']);
    let is_part = |c: char| {
        c.is_ascii_digit() || is_numeral(c) || "〇零年月日号时分秒-/.:~至第共页,".contains(c)
    };
    !plain.is_empty() && plain.chars().all(is_part) || values::date(folded).is_ok()
}

/// The rest of a text behind a number that counts headings: `一、`, `（二）`, `3.`, `4、`, `附件5`,
/// `第六部分`.
fn without_number(folded: &str) -> Option<&str> {
    for word in ["附件", "附表", "附录", "附"] {
        if let Some(rest) = folded.strip_prefix(word) {
            let number = |c: char| c.is_ascii_digit() || is_numeral(c);
            let after = rest.trim_start_matches(number);
            return (after.len() < rest.len() || after.is_empty() || word != "附").then_some(after);
        }
    }
    if let Some(rest) = folded.strip_prefix('第') {
        let after = rest.trim_start_matches(|c: char| c.is_ascii_digit() || is_numeral(c));
        let parts = ["部分", "类", "批", "组", "章", "节", "篇", "档"];
        if after.len() < rest.len() {
            return parts.iter().find_map(|part| after.strip_prefix(part));
        }
    }
    let open = folded.trim_start_matches(['(', '[', '【']);
    let is_number = |c: char| {
        c.is_ascii_digit() || is_numeral(c) || ('Ⅰ'..='Ⅻ').contains(&c) || "IVX".contains(c)
    };
    let rest = open.trim_start_matches(is_number);
    if rest.len() == open.len() {
        return None;
    }
    let after = rest.trim_start_matches(['、', ')', '.', ']', '】', ',']);
    // `1.5度` begins with a decimal number, and `3M` with a letter behind its digit.
    let is_marked = after.len() < rest.len();
    let is_decimal = after.starts_with(|c: char| c.is_ascii_digit());
    (is_marked && !is_decimal).then_some(after)
}

/// Beginnings and endings of remarks and headings, and words that only they hold.
fn is_remark(folded: &str) -> bool {
    REMARK_BEGINS.iter().any(|begin| folded.starts_with(begin))
        || HEADING_ENDS.iter().any(|end| folded.ends_with(end))
}

fn is_list_word(folded: &str) -> bool {
    LIST_WORDS.iter().any(|word| folded.contains(word))
}

fn is_english_heading(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    ENGLISH_BEGINS.iter().any(|begin| lower.starts_with(begin))
        || ENGLISH_ENDS.iter().any(|end| lower.ends_with(end))
}

/// Whether a text looks like the name of a place: short, and with the word for one at its end.
pub(super) fn looks_like_place(text: &str) -> bool {
    let short = text.chars().count() <= PLACE_CHARS_MAX;
    short && text.chars().count() >= 2 && PLACE_ENDS.iter().any(|end| text.ends_with(end))
}

/// Whether a text is the header of something that is not an enterprise: `省份/城市`, `数量`.
pub(super) fn is_header_word(text: &str) -> bool {
    let folded = fold(text);
    let plain = folded.split(['(', '[', '【']).next().unwrap_or_default();
    let is_word = |word: &str| {
        HEADER_WORDS.contains(&word)
            || HEADER_ENDS.iter().any(|end| word.ends_with(end)) && word.chars().count() <= 8
            || recognise(word).is_some_and(|field| !field.identifies())
    };
    !plain.is_empty() && plain.split(['/', '、', '&', '|']).all(is_word)
}

/// A number of enterprises, and not the digits of a code.
pub(super) fn is_count(text: &str) -> bool {
    text.chars().count() <= COUNT_CHARS_MAX && is_count_or_note(text)
}

/// Texts that the name column may hold beside a note: nothing, `25家`, a second note.
pub(super) fn is_count_or_note(text: &str) -> bool {
    let folded: String = text.nfkc().filter(|c| !c.is_whitespace()).collect();
    let rest = folded.trim_matches(['(', ')', '共', '约', '+']);
    rest.trim_matches(|c: char| c.is_ascii_digit() || COUNTERS.contains(c)).is_empty()
        || is_note(text)
}

/// Notes, totals and signatures below a table.
pub(super) fn is_note(text: &str) -> bool {
    // Cheap, for it is asked of every row.
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let text: String = text.nfkc().filter(|c| !c.is_whitespace()).collect();
    let text = text.trim_start_matches(['(', '*', '※']).to_ascii_lowercase();
    let head =
        text.trim_end_matches(|c: char| c.is_ascii_digit() || c == ':' || COUNTERS.contains(c));
    // `广州市合计`; a character of Chinese takes three bytes.
    let is_short = head.len() <= 3 * PLACE_CHARS_MAX;
    NOTES_ALONE.contains(&head)
        || is_short && TOTALS.iter().any(|total| head.ends_with(total))
        || NOTES.iter().any(|word| {
            let rest = text.strip_prefix(word).unwrap_or_default();
            // `注:`, `注1:`, `备注1.`
            rest.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with([':', '.', '、'])
        })
}
