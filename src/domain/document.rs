//! Document numbers (文号): `工信部企业函〔2019〕153号`, with the brackets U+3014 and U+3015. Orders
//! (令) promulgate laws and regulations and have no year: `国务院令第728号`.

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
    /// accepted. An order has its number in digits, also if it is written in Chinese numerals, and
    /// leaves out 中华人民共和国.
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
        let Some((issuer, rest)) = folded.split_once(OPENING) else {
            let order = order(&folded).filter(|order| order.len() <= DOCUMENT_NUMBER_BYTES_MAX);
            return order.map(Self).ok_or_else(invalid);
        };
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

/// The number of an order in its normal form.
fn order(text: &str) -> Option<String> {
    let text = text.strip_prefix("中华人民共和国").unwrap_or(text);
    let (issuer, number) = text.rsplit_once('令')?;
    let serial = number.strip_suffix('号')?;
    let serial = serial.strip_prefix('第').unwrap_or(serial);
    let is_issuer = !issuer.is_empty() && issuer.chars().all(is_letter);
    let number = if serial.bytes().all(|b| b.is_ascii_digit()) {
        serial.parse().ok()
    } else {
        chinese_number(serial)
    };
    let number: u32 = number.filter(|number| is_issuer && (1..10_000).contains(number))?;
    Some(format!("{issuer}令第{number}号"))
}

/// A number below ten thousand in Chinese numerals: 七十四, 一百零二.
fn chinese_number(text: &str) -> Option<u32> {
    const DIGITS: &str = "零一二三四五六七八九";
    let (mut sum, mut digit, mut unit_max) = (0, None, 10_000);
    for c in text.chars() {
        let unit = match c {
            '千' => 1_000,
            '百' => 100,
            '十' => 10,
            '〇' | '零' => {
                if digit.is_some() {
                    return None;
                }
                continue;
            }
            _ => {
                let place = DIGITS.chars().position(|known| known == c);
                // Two digits in a row are not a number.
                if digit.replace(u32::try_from(place?).ok()?).is_some() {
                    return None;
                }
                continue;
            }
        };
        if unit >= unit_max {
            return None;
        }
        unit_max = unit;
        // 十四 is fourteen: the one is left out.
        sum += digit.take().unwrap_or(1) * unit;
    }
    Some(sum + digit.unwrap_or(0))
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
    fn orders_have_their_number_in_digits() {
        for (text, normal) in [
            ("国务院令第728号", "国务院令第728号"),
            ("中华人民共和国国务院令 第 ７２８ 号", "国务院令第728号"),
            ("国务院令802号", "国务院令第802号"),
            ("中华人民共和国主席令第七十四号", "主席令第74号"),
            ("主席令第六十九号", "主席令第69号"),
            ("主席令第十号", "主席令第10号"),
            ("主席令第一百零二号", "主席令第102号"),
            ("主席令第一百一十号", "主席令第110号"),
            ("主席令第074号", "主席令第74号"),
        ] {
            assert_eq!(DocumentNumber::parse(text).unwrap().as_str(), normal, "{text}");
            assert_eq!(DocumentNumber::parse(normal).unwrap().as_str(), normal, "{normal}");
        }
        for bad in [
            "令第728号",
            "中华人民共和国令第1号",
            "国务院令第号",
            "国务院令第728",
            "国务院令第0号",
            "国务院令第零号",
            "国务院令第10000号",
            "国务院令第-1号",
            "主席令第七四号",
            "主席令第十百号",
            "主席令第甲号",
            "国务院!令第1号",
        ] {
            assert!(DocumentNumber::parse(bad).is_err(), "{bad}");
        }
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
