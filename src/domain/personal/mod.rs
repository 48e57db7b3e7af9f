//! Recognises personal data, which must never reach the log, because the log cannot forget.
//!
//! A text is read as a person reads it: in any width, without the characters that nobody sees, and
//! with numbers in groups. Bank cards, numbers of permits and masked numbers are not judged. The
//! telephone of an office is allowed unless a word before it makes it somebody's.

mod designee;
mod identity;
mod mail;
mod numbers;
#[cfg(test)]
mod tests;
mod url;
mod words;

use std::fmt;

use super::fault::RuleId;

pub use self::{
    designee::{find_in_designee, is_identity_as_code},
    url::find_in_url,
};

/// The fewest digits of a number that is judged.
const DIGITS_LEAST: usize = 7;

/// Data about a person, by its kind. The value itself is repeated nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonalData {
    /// A mainland mobile number.
    MobileNumber,
    /// A resident identity number of 18 or of 15 digits.
    IdentityNumber,
    /// An e-mail address.
    MailAddress,
    /// A telephone number after a word such as 电话.
    TelephoneNumber,
}

impl PersonalData {
    /// The kind in English.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MobileNumber => "a mobile number",
            Self::IdentityNumber => "a resident identity number",
            Self::MailAddress => "an e-mail address",
            Self::TelephoneNumber => "a telephone number",
        }
    }
}

impl From<PersonalData> for RuleId {
    fn from(data: PersonalData) -> Self {
        match data {
            PersonalData::MobileNumber => Self::MobileNumber,
            PersonalData::IdentityNumber => Self::IdentityNumber,
            PersonalData::MailAddress => Self::MailAddress,
            PersonalData::TelephoneNumber => Self::TelephoneNumber,
        }
    }
}

impl fmt::Display for PersonalData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The first personal data in a text, if there is any. Most texts cost one pass over their bytes.
#[must_use]
pub fn find(text: &str) -> Option<PersonalData> {
    let Signs { digits, at } = Signs::of(text);
    if at && let Some(found) = mail::find(text) {
        return Some(found);
    }
    (digits >= DIGITS_LEAST).then(|| numbers::find(text, numbers::Place::Text))?
}

/// The signs of personal data in a text.
struct Signs {
    digits: usize,
    at: bool,
}

impl Signs {
    fn of(text: &str) -> Self {
        let (mut digits, mut at, mut is_wide) = (0, false, false);
        for b in text.bytes() {
            digits += usize::from(b.is_ascii_digit());
            at |= b == b'@';
            is_wide |= matches!(b, 0xEF | 0xF0);
        }
        // Brackets of full width are common, digits of full width are not.
        if is_wide {
            for c in text.chars().filter(|c| !c.is_ascii()) {
                digits += usize::from(digit(c).is_some());
                at |= c == '＠';
            }
        }
        Self { digits, at }
    }
}

/// The value of a digit of any width.
fn digit(c: char) -> Option<u8> {
    let value = match c {
        '0'..='9' => u32::from(c) - u32::from('0'),
        '０'..='９' => u32::from(c) - u32::from('０'),
        // Digits of mathematics, in five styles.
        '\u{1D7CE}'..='\u{1D7FF}' => (u32::from(c) - 0x1_D7CE) % 10,
        _ => return None,
    };
    u8::try_from(value).ok()
}

/// A character of ASCII in place of its form of full width.
fn narrow(c: char) -> char {
    match c {
        '！'..='～' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        '\u{3000}' => ' ',
        _ => c,
    }
}
