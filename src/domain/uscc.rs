//! Unified social credit codes (统一社会信用代码, GB 32100-2015).
//!
//! A parsed [`Uscc`] has the right form and check character, or is one of the known exceptions. It
//! does not identify its holder, and its division is not the holder's present region.

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;

use super::{
    fault::{Breach, Key, RuleId},
    name::is_invisible,
    region,
};
use crate::limits::WRITTEN_TEXT_BYTES_MAX;

/// The characters of a code, in the order of their values: no I, O, S, V, Z.
const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
/// Departments of registration, position 1.
const DEPARTMENTS: &[u8] = b"123456789ANY";
const LENGTH: usize = 18;
/// The categories of subjects that each department registers, position 2.
const CATEGORIES: [(u8, &[u8]); 12] = [
    (b'1', b"1239"),
    (b'2', b"19"),
    (b'3', b"123459"),
    (b'4', b"19"),
    (b'5', b"1239"),
    (b'6', b"129"),
    (b'7', b"129"),
    (b'8', b"19"),
    (b'9', b"123"),
    (b'A', b"19"),
    (b'N', b"1239"),
    (b'Y', b"1"),
];
/// Weights of GB 11714-1997 for the first eight characters of an organisation code.
const ORGANISATION_WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];

/// A code of the right form with the right check character, or one that was recorded as such.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uscc([u8; LENGTH]);

impl Uscc {
    /// Reads a code. It ignores width, case, spaces and hyphens.
    ///
    /// # Errors
    /// The rule that the code breaks.
    pub fn parse(text: &str) -> Result<Self, Breach> {
        // Most codes come in their normal form and need no copy.
        if let Ok(code) = <[u8; LENGTH]>::try_from(text.as_bytes())
            && code.iter().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
        {
            return Self::checked(code);
        }
        if text.len() > WRITTEN_TEXT_BYTES_MAX {
            return Err(RuleId::UsccLength.with(Key::Count, text.chars().count()));
        }
        let folded = Self::folded(text);
        let code = folded
            .as_bytes()
            .try_into()
            .map_err(|_| RuleId::UsccLength.with(Key::Count, folded.chars().count()))?;
        Self::checked(code)
    }

    /// A text in the normal form of codes: narrow, in upper case, without spaces and hyphens.
    #[must_use]
    pub fn folded(text: &str) -> String {
        text.nfkc()
            .filter(|c| !c.is_whitespace() && !is_invisible(*c))
            .filter(|c| !matches!(c, '-' | '‐' | '‑' | '–' | '—' | '−'))
            .map(|c| c.to_ascii_uppercase())
            .collect()
    }

    /// A code from the log: 18 characters, which are not checked again.
    pub(super) fn recorded(text: &str) -> Option<Self> {
        let code = <[u8; LENGTH]>::try_from(text.as_bytes()).ok()?;
        code.iter().all(u8::is_ascii_graphic).then_some(Self(code))
    }

    fn checked(code: [u8; LENGTH]) -> Result<Self, Breach> {
        for (place, &b) in (1..).zip(&code) {
            let fits = match place {
                1 => DEPARTMENTS.contains(&b),
                3..=8 => b.is_ascii_digit(),
                _ => value(b).is_some(),
            };
            if !fits {
                let rule = match place {
                    1 => RuleId::UsccDepartment,
                    3..=8 => RuleId::UsccDivision,
                    _ => RuleId::UsccCharacter,
                };
                let found = char::from(b).escape_debug();
                return Err(rule.with(Key::Position, place).with(Key::Found, found));
            }
        }
        let expected = check_character(&code);
        match code {
            [.., last] if last == expected || is_of_early_xiamen(&code) => Ok(Self(code)),
            [.., last] => {
                let breach = RuleId::UsccCheckCharacter.with(Key::Found, char::from(last));
                Err(breach.with(Key::Expected, char::from(expected)))
            }
        }
    }

    /// A code from its parts, with its check character; `None` if a part has the wrong form.
    #[must_use]
    pub fn from_parts(
        department_and_category: [u8; 2],
        division: u32,
        organisation: [u8; 9],
    ) -> Option<Self> {
        let mut code = [b'0'; LENGTH];
        let parts = format!("{division:06}");
        let all = department_and_category.iter().chain(parts.as_bytes()).chain(&organisation);
        for (place, b) in code.iter_mut().zip(all) {
            *place = *b;
        }
        let check = check_character(&code);
        let [.., last] = &mut code;
        *last = check;
        Self::checked(code).ok()
    }

    /// The check character of an organisation code (GB 11714-1997).
    #[must_use]
    pub fn organisation_check(first_eight: [u8; 8]) -> Option<u8> {
        let mut sum = 0;
        for (weight, b) in ORGANISATION_WEIGHTS.iter().zip(first_eight) {
            sum += weight * char::from(b).to_digit(36)?;
        }
        Some(match 11 - sum % 11 {
            10 => b'X',
            11 => b'0',
            digit => b'0' + u8::try_from(digit).ok()?,
        })
    }

    /// True if the organisation code inside has the right check character. A wrong one is a
    /// warning.
    #[must_use]
    pub fn organisation_code_is_valid(&self) -> bool {
        let [_, _, _, _, _, _, _, _, first @ .., check, _] = self.0;
        Self::organisation_check(first) == Some(check)
    }

    /// True for a code that was really issued with a wrong check character: Xiamen did so before
    /// the standard was in force.
    #[must_use]
    pub fn is_known_exception(&self) -> bool {
        let [.., last] = self.0;
        last != check_character(&self.0) && is_of_early_xiamen(&self.0)
    }

    /// The rule that a code of the right form breaks if nobody can have issued it so.
    #[must_use]
    pub fn suspicion(&self) -> Option<RuleId> {
        let [department, category, rest @ ..] = &self.0;
        let known = CATEGORIES.iter().find(|(known, _)| known == department);
        if known.is_some_and(|(_, categories)| !categories.contains(category)) {
            return Some(RuleId::UsccCategory);
        }
        let (division, subject) = rest.split_at_checked(6)?;
        let division = division.iter().fold(0, |sum, b| sum * 10 + u32::from(b.wrapping_sub(b'0')));
        if !region::may_register(division) {
            return Some(RuleId::UsccDivisionUnknown);
        }
        let is_zero = subject.iter().take(8).all(|b| *b == b'0');
        is_zero.then_some(RuleId::UsccSubjectZero)
    }

    /// The 18 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Every byte is an ASCII character.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// The place of a character in [`ALPHABET`].
fn value(b: u8) -> Option<u32> {
    let (first, place) = match b {
        b'0'..=b'9' => (b'0', 0),
        b'A'..=b'H' => (b'A', 10),
        b'J'..=b'N' => (b'J', 18),
        b'P'..=b'R' => (b'P', 23),
        b'T'..=b'U' => (b'T', 26),
        b'W'..=b'Y' => (b'W', 28),
        _ => return None,
    };
    Some(place + u32::from(b - first))
}

/// True for a code of Xiamen (3502xx) whose subject is `M000` and five characters.
fn is_of_early_xiamen(code: &[u8; LENGTH]) -> bool {
    matches!(code, [_, _, b'3', b'5', b'0', b'2', _, _, b'M', b'0', b'0', b'0', ..])
}

/// 31 less the sum of values weighted by powers of 3, modulo 31.
fn check_character(code: &[u8; LENGTH]) -> u8 {
    let (mut sum, mut weight) = (0, 1);
    for &b in code.iter().take(LENGTH - 1) {
        sum += value(b).unwrap_or(0) * weight;
        weight = weight * 3 % 31;
    }
    let place = (31 - sum % 31) % 31;
    ALPHABET.get(place as usize).copied().unwrap_or(b'0')
}

impl fmt::Display for Uscc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Uscc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fault::Reason;

    fn rows(text: &'static str) -> Vec<csv::StringRecord> {
        csv::Reader::from_reader(text.as_bytes()).records().map(Result::unwrap).collect()
    }

    #[test]
    fn a_character_has_the_value_of_its_place_in_the_alphabet() {
        for b in 0..=u8::MAX {
            let place = ALPHABET.iter().position(|known| *known == b);
            assert_eq!(value(b).map(|value| value as usize), place, "{:?}", char::from(b));
        }
    }

    #[test]
    fn every_valid_code_is_accepted() {
        let rows = rows(include_str!("../../tests/vectors/uscc-valid.csv"));
        assert!(rows.len() > 30);
        for row in &rows {
            let code = Uscc::parse(&row[0]).unwrap();
            assert_eq!(code.as_str(), &row[0]);
            assert!(code.organisation_code_is_valid(), "{code}");
        }
    }

    #[test]
    fn every_invalid_code_is_refused_with_its_reason() {
        let rows = rows(include_str!("../../tests/vectors/uscc-invalid.csv"));
        assert!(rows.len() > 15);
        for row in &rows {
            let error = Uscc::parse(&row[0]).unwrap_err();
            let expected = if row[2].contains("Checksum") {
                Reason::UsccCheckCharacter
            } else {
                Reason::UsccForm
            };
            assert_eq!(error.reason(), expected, "{}: {error}", &row[0]);
        }
    }

    #[test]
    fn width_case_spaces_and_hyphens_do_not_matter() {
        let code = Uscc::parse("9144030071526726XG").unwrap();
        for text in [
            "９１４４０３００７１５２６７２６ＸＧ",
            " 91440300 71526726xg ",
            "91440300-71526726X-G",
        ] {
            assert_eq!(Uscc::parse(text).unwrap(), code);
        }
        assert!(Uscc::parse("000000000000000000").is_err(), "position 1 is a department");
        assert!(Uscc::parse("N2370102MF00000053").is_ok(), "agriculture registers with letters");
    }

    #[test]
    fn every_single_error_and_transposition_is_found() {
        let good = *b"914403001922038216";
        for place in 0..LENGTH {
            for b in ALPHABET {
                let mut bad = good;
                bad[place] = *b;
                assert_eq!(Uscc::checked(bad).is_ok(), bad == good, "{}", place + 1);
            }
        }
        for place in 0..LENGTH - 1 {
            let mut bad = good;
            bad.swap(place, place + 1);
            assert_eq!(Uscc::checked(bad).is_ok(), bad == good);
        }
    }

    #[test]
    fn early_codes_of_xiamen_are_the_known_exception() {
        for code in ["91350203M0001FUE2P", "91350203m0001qkt19", "91350211M00013FA1N"] {
            let code = Uscc::parse(code).unwrap();
            assert!(code.is_known_exception(), "{code}");
        }
        // With its right check character a code of the same form is no exception.
        assert!(!Uscc::parse("91350203M0001FUE2J").unwrap().is_known_exception());
        for other in ["91350403M0001FUE2P", "91350203M0011FUE2P", "91350203MA001FUE2P"] {
            let reason = Uscc::parse(other).unwrap_err().reason();
            assert_eq!(reason, Reason::UsccCheckCharacter, "{other}");
        }
        assert_eq!(Uscc::parse("91350203M0001FUI2P").unwrap_err().reason(), Reason::UsccForm);
    }

    #[test]
    fn codes_that_nobody_issues_are_suspect() {
        for (code, rule) in [
            ("99999999999999999E", Some(RuleId::UsccCategory)),
            ("95440101123456788D", Some(RuleId::UsccCategory)),
            ("111111111111111115", Some(RuleId::UsccDivisionUnknown)),
            ("91999999123456788P", Some(RuleId::UsccDivisionUnknown)),
            ("91000000000000000K", Some(RuleId::UsccDivisionUnknown)),
            ("91440101000000000J", Some(RuleId::UsccSubjectZero)),
            ("914403001922038216", None),
            ("N2370102MF00000053", None),
            ("91350203M0001FUE2P", None),
        ] {
            assert_eq!(Uscc::parse(code).unwrap().suspicion(), rule, "{code}");
        }
        for row in rows(include_str!("../../tests/vectors/uscc-valid.csv")) {
            assert_eq!(Uscc::parse(&row[0]).unwrap().suspicion(), None, "{}", &row[0]);
        }
    }

    #[test]
    fn codes_are_made_from_parts() {
        let made = Uscc::from_parts(*b"91", 440_300, *b"192203821").unwrap();
        assert_eq!(made.as_str(), "914403001922038216");
        assert_eq!(Uscc::organisation_check(*b"19220382"), Some(b'1'));
    }
}
