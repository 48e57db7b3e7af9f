//! Document numbers (文号): `工信部企业函〔2019〕153号`, with the brackets U+3014 and U+3015.

use std::borrow::Cow;

use super::fault::{Breach, RuleId};
use crate::limits::{DOCUMENT_NUMBER_BYTES_MAX, WRITTEN_TEXT_BYTES_MAX, YEAR_MAX, YEAR_MIN};

const OPENING: &[char] = &['〔', '[', '［', '【', '(', '（', '﹝', '<', '＜', '〈', '「', '{'];
const CLOSING: &[char] = &['〕', ']', '］', '】', ')', '）', '﹞', '>', '＞', '〉', '」', '}'];

/// A document number in its normal form.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DocumentNumber(String);

impl DocumentNumber {
    /// Reads a number. Any kind of bracket around the year, any width of digits and spaces are
    /// accepted.
    ///
    /// # Errors
    /// [`RuleId::DocumentNumberForm`].
    pub fn parse(text: &str) -> Result<Self, Breach> {
        let invalid = || Breach::from(RuleId::DocumentNumberForm);
        if text.len() > WRITTEN_TEXT_BYTES_MAX {
            return Err(invalid());
        }
        let shows = |c: &char| !c.is_whitespace() && !c.is_control();
        // Most numbers come in their normal form and need no copy.
        let folded = if text.chars().all(|c| shows(&c) && fold(c) == c) {
            Cow::Borrowed(text)
        } else {
            Cow::Owned(text.chars().filter(shows).map(fold).collect())
        };
        let (issuer, rest) = folded.split_once(OPENING).ok_or_else(invalid)?;
        let (year, number) = rest.split_once(CLOSING).ok_or_else(invalid)?;
        let is_year = year.len() == 4
            && year.parse::<i16>().is_ok_and(|year| (YEAR_MIN..=YEAR_MAX).contains(&year));
        let serial = number.strip_suffix('号').unwrap_or("");
        let digits = serial.strip_prefix('第').unwrap_or(serial);
        let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        let is_issuer = !issuer.is_empty() && issuer.chars().all(is_letter);
        if !is_year || !is_number || !is_issuer {
            return Err(invalid());
        }
        let number = [issuer, "〔", year, "〕", number].concat();
        if number.len() > DOCUMENT_NUMBER_BYTES_MAX { Err(invalid()) } else { Ok(Self(number)) }
    }

    /// The normal form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Letters and digits of any script. The common ones skip the Unicode tables.
fn is_letter(c: char) -> bool {
    matches!(c, '\u{4E00}'..='\u{9FFF}') || c.is_alphanumeric()
}

fn fold(c: char) -> char {
    match c {
        '０'..='９' => char::from_digit(u32::from(c) - u32::from('０'), 10).unwrap_or(c),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fault::Reason;

    #[test]
    fn brackets_of_any_kind_and_width_become_the_official_ones() {
        let normal = "工信部企业函〔2019〕153号";
        for text in [
            normal,
            "工信部企业函[2019]153号",
            "工信部企业函［２０１９］153号",
            "工信部企业函【2019】 153 号",
            "工信部企业函（2019）153号",
            "工信部企业函(2019)153号",
        ] {
            assert_eq!(DocumentNumber::parse(text).unwrap().as_str(), normal, "{text}");
        }
        let published = DocumentNumber::parse("粤工信〔2023〕第12号").unwrap();
        assert_eq!(published.as_str(), "粤工信〔2023〕第12号");
    }

    #[test]
    fn other_texts_are_refused() {
        for bad in [
            "",
            "153号",
            "〔2019〕153号",
            "工信部〔19〕153号",
            "工信部〔2019〕号",
            "工信部〔2019〕153",
            "工信部2019 153号",
        ] {
            let error = DocumentNumber::parse(bad).unwrap_err();
            assert_eq!(error.reason(), Reason::DocumentNumberInvalid, "{bad}");
        }
    }
}
