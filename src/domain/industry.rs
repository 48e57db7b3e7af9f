//! Industries by GB/T 4754-2017: sections (A to T) and divisions (two digits, with leading zeros),
//! from `data/industry.csv`.

use std::{num::NonZeroU8, sync::LazyLock};

use hashbrown::HashMap;
use unicode_normalization::UnicodeNormalization as _;

use super::fault::{Breach, RuleId};

/// A section or division: its place in the table plus one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IndustryCode(NonZeroU8);

static TABLE: LazyLock<Vec<[&'static str; 3]>> =
    LazyLock::new(|| super::table(include_str!("../../data/industry.csv")));

/// Places in the table by code.
static PLACES: LazyLock<HashMap<&'static str, usize>> =
    LazyLock::new(|| TABLE.iter().enumerate().map(|(place, [code, ..])| (*code, place)).collect());

impl IndustryCode {
    /// Reads a section (`C`), a division (`35`) or both (`C35`, kept as `35`).
    ///
    /// # Errors
    /// [`RuleId::IndustryUnknown`].
    pub fn parse(text: &str) -> Result<Self, Breach> {
        let find = |code: &str| PLACES.get(code).copied();
        // Most codes come in their normal form and need no copy.
        let at = |place: usize| u8::try_from(place + 1).ok().and_then(NonZeroU8::new).map(Self);
        if let Some(code) = find(text).and_then(at) {
            return Ok(code);
        }
        let folded = text.nfkc().collect::<String>().trim().to_ascii_uppercase();
        let in_section = || {
            let (section, division) = folded.split_at_checked(1)?;
            let place = find(division)?;
            TABLE.get(place).filter(|row| row[2] == section && row[1] == "2").map(|_| place)
        };
        let place = find(&folded).or_else(in_section);
        place.and_then(at).ok_or(RuleId::IndustryUnknown.into())
    }

    /// The letter or the two digits.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.row()[0]
    }

    /// The letter of its section.
    #[must_use]
    pub fn section(self) -> &'static str {
        match self.row() {
            [code, "1", _] => code,
            [_, _, section] => section,
        }
    }

    /// True if this industry is the other one or a division of it.
    #[must_use]
    pub fn is_under(self, other: Self) -> bool {
        self == other || self.section() == other.as_str()
    }

    fn row(self) -> [&'static str; 3] {
        TABLE.get(usize::from(self.0.get() - 1)).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fault::Reason;

    #[test]
    fn sections_and_divisions() {
        assert_eq!(TABLE.len(), 117);
        let code = |text| IndustryCode::parse(text).map(IndustryCode::as_str);
        assert_eq!(code("c").unwrap(), "C");
        assert_eq!(code("01").unwrap(), "01");
        assert_eq!(code("Ｃ35").unwrap(), "35");
        let [manufacturing, machines] = ["C", "35"].map(|text| IndustryCode::parse(text).unwrap());
        assert_eq!((machines.section(), manufacturing.section()), ("C", "C"));
        assert!(machines.is_under(manufacturing) && !manufacturing.is_under(machines));
        for bad in ["", "1", "00", "98", "A35", "U", "CC"] {
            assert_eq!(code(bad).unwrap_err().reason(), Reason::IndustryUnknown, "{bad}");
        }
    }
}
