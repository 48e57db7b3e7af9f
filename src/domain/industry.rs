//! Industries by GB/T 4754-2017: sections (A to T) and divisions (two digits, with leading zeros), from
//! `data/industry.csv`.

use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization as _;

use super::fault::{ParseError, Reason};

const RULE: &str = "GB/T 4754-2017";

/// A section or division, by its place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IndustryCode(u8);

static TABLE: LazyLock<Vec<[&'static str; 3]>> =
    LazyLock::new(|| super::table(include_str!("../../data/industry.csv")));

impl IndustryCode {
    /// Reads a section (`C`), a division (`35`) or both (`C35`, kept as `35`).
    ///
    /// # Errors
    /// [`Reason::IndustryUnknown`].
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let find = |code: &str| TABLE.iter().position(|row| row[0] == code);
        // Most codes come in their normal form and need no copy.
        if let Some(place) = find(text).and_then(|place| u8::try_from(place).ok()) {
            return Ok(Self(place));
        }
        let folded = text.nfkc().collect::<String>().trim().to_ascii_uppercase();
        let in_section = || {
            let (section, division) = folded.split_at_checked(1)?;
            let place = find(division)?;
            TABLE.get(place).filter(|row| row[2] == section && row[1] == "2").map(|_| place)
        };
        let place = find(&folded).or_else(in_section);
        place.and_then(|place| u8::try_from(place).ok()).map(Self).ok_or_else(|| {
            let message = "is neither a section (A to T) nor a division (01 to 97)";
            ParseError::new(Reason::IndustryUnknown, message, RULE)
        })
    }

    /// The letter or the two digits.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        TABLE.get(usize::from(self.0)).map_or("", |row| row[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_and_divisions() {
        assert_eq!(TABLE.len(), 117);
        let code = |text| IndustryCode::parse(text).map(IndustryCode::as_str);
        assert_eq!(code("c").unwrap(), "C");
        assert_eq!(code("01").unwrap(), "01");
        assert_eq!(code("Ｃ35").unwrap(), "35");
        for bad in ["", "1", "00", "98", "A35", "U", "CC"] {
            assert_eq!(code(bad).unwrap_err().reason, Reason::IndustryUnknown, "{bad}");
        }
    }
}
