//! Industries by GB/T 4754-2017: sections (A to T) and divisions (two digits, with leading zeros),
//! from `data/industry.csv`.

use std::{num::NonZeroU8, sync::LazyLock};

use hashbrown::HashMap;
use unicode_normalization::UnicodeNormalization as _;

use super::fault::{Breach, RuleId};

/// A section or division: its place in the table plus one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IndustryCode(NonZeroU8);

/// Code, level, section, name and English name. The last one has commas.
static TABLE: LazyLock<Vec<[&'static str; 5]>> = LazyLock::new(|| {
    let row = |line: &'static str| {
        let mut cells = line.splitn(5, ',').map(|cell| cell.trim_matches('"'));
        std::array::from_fn(|_| cells.next().unwrap_or(""))
    };
    include_str!("../../data/industry.csv").lines().skip(1).map(row).collect()
});

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
        if let Some(code) = find(text).and_then(Self::at) {
            return Ok(code);
        }
        let folded = text.nfkc().collect::<String>().trim().to_ascii_uppercase();
        let in_section = || {
            let (section, division) = folded.split_at_checked(1)?;
            let place = find(division)?;
            TABLE.get(place).filter(|row| row[2] == section && row[1] == "2").map(|_| place)
        };
        let place = find(&folded).or_else(in_section);
        place.and_then(Self::at).ok_or(RuleId::IndustryUnknown.into())
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
            [code, "1", ..] => code,
            [_, _, section, ..] => section,
        }
    }

    /// True if this industry is the other one or a division of it.
    #[must_use]
    pub fn is_under(self, other: Self) -> bool {
        self == other || self.section() == other.as_str()
    }

    /// The name in Chinese: 通用设备制造业.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row()[3]
    }

    /// The name in English.
    #[must_use]
    pub fn name_en(self) -> &'static str {
        self.row()[4]
    }

    /// All sections and divisions, each section before its own.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..TABLE.len()).filter_map(Self::at)
    }

    /// Its place among all sections and divisions.
    #[must_use]
    pub fn index(self) -> u8 {
        self.0.get() - 1
    }

    /// The industry with an index that [`IndustryCode::index`] gave.
    #[must_use]
    pub fn of_index(index: u8) -> Option<Self> {
        let place = usize::from(index);
        Self::at(place).filter(|_| place < TABLE.len())
    }

    fn at(place: usize) -> Option<Self> {
        u8::try_from(place + 1).ok().and_then(NonZeroU8::new).map(Self)
    }

    fn row(self) -> [&'static str; 5] {
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
        let named = |text| IndustryCode::parse(text).map(|i| (i.name(), i.name_en())).unwrap();
        let section = "Agriculture, forestry, animal husbandry and fishery";
        assert_eq!(named("A"), ("农、林、牧、渔业", section));
        assert_eq!(IndustryCode::all().count(), 117);
        let [manufacturing, machines] = ["C", "35"].map(|text| IndustryCode::parse(text).unwrap());
        assert_eq!((machines.section(), manufacturing.section()), ("C", "C"));
        assert!(machines.is_under(manufacturing) && !manufacturing.is_under(machines));
        for bad in ["", "1", "00", "98", "A35", "U", "CC"] {
            assert_eq!(code(bad).unwrap_err().reason(), Reason::IndustryUnknown, "{bad}");
        }
    }
}
