//! Recognises personal data, which must never reach the log, because the log cannot forget.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;

/// Parts of folded headers that mark data about a person.
const HEADER_PARTS: &[&str] = &[
    "联系人",
    "联络人",
    "经办人",
    "电话",
    "手机",
    "身份证",
    "证件号",
    "邮箱",
    "电子邮件",
    "法定代表",
    "法人代表",
    "法人姓名",
    "传真",
    "联系方式",
    "负责人",
    "实际控制人",
    "姓名",
    "微信",
    "填表人",
    "填报人",
    "contact",
    "phone",
    "mobile",
    "email",
    "idcard",
    "idnumber",
    "identitycard",
    "legalrepresentative",
    "legalperson",
    "wechat",
];
/// Whole folded headers. As parts they would match innocent words (`hotel`).
const HEADERS: &[&str] = &["法人", "tel", "fax", "qq"];

/// Whether a column holds personal data, by its folded header.
pub(super) fn is_personal_header(folded: &str) -> bool {
    HEADERS.contains(&folded) || HEADER_PARTS.iter().any(|part| folded.contains(part))
}

/// The kind of personal number that a text contains, if any.
pub(super) fn personal_number(text: &str, may_be_code: bool) -> Option<&'static str> {
    let text: String = text.nfkc().collect();
    let mut tokens = text.split(|c: char| !c.is_ascii_alphanumeric());
    tokens.find_map(|token| match token {
        _ if is_mobile_number(token) => Some("a mobile number"),
        _ if !may_be_code && is_resident_id(token) => Some("a resident identity number"),
        _ => None,
    })
}

/// A mainland mobile number, with or without the country code.
fn is_mobile_number(token: &str) -> bool {
    let digits = token.strip_prefix("86").filter(|rest| rest.len() == 11).unwrap_or(token);
    match digits.as_bytes() {
        [b'1', b'3'..=b'9', rest @ ..] => rest.len() == 9 && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// An 18-character resident identity number (GB 11643): region, birth date, serial, check.
fn is_resident_id(token: &str) -> bool {
    let (Some(body), Some(check)) = (token.get(..17), token.get(17..)) else { return false };
    let is_check = matches!(check.as_bytes(), [b'0'..=b'9' | b'X' | b'x']);
    if !is_check || !body.bytes().all(|digit| digit.is_ascii_digit()) {
        return false;
    }
    let part = |range: Range<usize>| body.get(range).and_then(|digits| digits.parse::<i16>().ok());
    let day = |range| part(range).and_then(|number| i8::try_from(number).ok());
    let (Some(year), Some(month), Some(day)) = (part(6..10), day(10..12), day(12..14)) else {
        return false;
    };
    (1900..2100).contains(&year) && jiff::civil::Date::new(year, month, day).is_ok()
}
