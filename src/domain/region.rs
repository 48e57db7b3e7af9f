//! Regions by their six-digit code (GB/T 2260). A code must begin with a province of
//! `data/regions.csv`. Cities and counties come and go, so a code that no edition has is a warning.

use std::{fmt, num::NonZeroU32, sync::LazyLock};

use unicode_normalization::UnicodeNormalization as _;

use super::{
    divisions,
    fault::{Breach, RuleId},
};

/// The code of the XPCC as an authority; it is not a place.
const CORPS: u32 = 660_000;

/// A region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RegionCode(NonZeroU32);

/// A row of the table of provinces and of cities with independent planning status.
#[derive(Debug)]
pub struct Region {
    /// Six digits.
    pub code: &'static str,
    /// Official name.
    pub name: &'static str,
    /// English name.
    pub name_en: &'static str,
    /// Kind: `province`, `municipality`, `autonomous_region`, `separate_planning_city` or `sar`;
    /// `xpcc` for the corps, which is an authority and not a place.
    pub kind: &'static str,
    /// ISO 3166-2; empty for a city.
    pub iso_code: &'static str,
    /// The province that a city lies in; empty for a province.
    pub parent: &'static str,
}

static TABLE: LazyLock<Vec<Region>> = LazyLock::new(|| {
    let rows = super::table(include_str!("../../data/regions.csv")).into_iter();
    rows.map(|[code, name_en, name, kind, iso_code, parent]| Region {
        code,
        name,
        name_en,
        kind,
        iso_code,
        parent,
    })
    .collect()
});

/// The first two digits of all regions.
static PROVINCES: LazyLock<Vec<u32>> = LazyLock::new(|| {
    let digits = TABLE.iter().filter_map(|region| region.code.get(..2)?.parse().ok());
    digits.collect()
});

/// True if a text is the name of a division, with or without the word for its kind, or of several
/// that lie in one another: `广州市`, `广州`, `广东省广州市`. `市辖区` names no place.
#[must_use]
pub fn is_place_name(text: &str) -> bool {
    divisions::is_place_name(text)
}

/// True if a division may register subjects: the seat of the national registry (100000), the
/// development zone of Beijing (1103xx), or one whose province and prefecture an edition has.
pub(super) fn may_register(division: u32) -> bool {
    matches!(division, 100_000 | 110_300..110_400) || divisions::has_prefecture(division)
}

fn six_digits(text: &str) -> Option<u32> {
    let six = text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit());
    six.then(|| text.parse().ok())?
}

impl Region {
    /// All rows of the table, by code, with that of the corps.
    #[must_use]
    pub fn all() -> &'static [Self] {
        &TABLE
    }

    /// The official name without the word for its kind: `广东`, `深圳`, `新疆`, `兵团`.
    #[must_use]
    pub fn short_name(&self) -> &'static str {
        const KINDS: [&str; 7] =
            ["特别行政区", "壮族自治区", "回族自治区", "维吾尔自治区", "自治区", "省", "市"];
        if self.code == "660000" {
            return "兵团";
        }
        KINDS.iter().find_map(|kind| self.name.strip_suffix(kind)).unwrap_or(self.name)
    }
}

impl RegionCode {
    /// Reads a code.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn parse(text: &str) -> Result<Self, Breach> {
        // Most codes come in their normal form and need no copy.
        let code = six_digits(text).or_else(|| six_digits(text.nfkc().collect::<String>().trim()));
        let code = code.ok_or(RuleId::RegionForm)?;
        if code / 10_000 == CORPS / 10_000 {
            return Err(RuleId::RegionOfTheCorps.into());
        }
        if !PROVINCES.contains(&(code / 10_000)) {
            return Err(RuleId::RegionUnknown.into());
        }
        NonZeroU32::new(code).map(Self).ok_or(RuleId::RegionUnknown.into())
    }

    /// A region from the log: six digits, whether or not this version knows the province.
    #[must_use]
    pub fn recorded(text: &str) -> Option<Self> {
        six_digits(text).and_then(NonZeroU32::new).map(Self)
    }

    /// A region of a table.
    pub(super) fn of(code: u32) -> Option<Self> {
        NonZeroU32::new(code).map(Self)
    }

    /// The code as a number.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0.get()
    }

    /// The region with a number that [`RegionCode::number`] gave.
    #[must_use]
    pub fn of_number(number: u32) -> Option<Self> {
        Self::of(number).filter(|_| number <= 999_999)
    }

    /// The division that a name means: `广州市`, `广州`, `广东省广州市`, `天河区` within Guangdong.
    /// `None` if there is none, or if the name means several.
    #[must_use]
    pub fn from_name(text: &str, within: Option<Self>) -> Option<Self> {
        divisions::find(text, within)
    }

    /// The latest name of the division with those above it up to its prefecture: `广州市天河区`. One
    /// of a municipality has the municipality: `北京市东城区`. `None` if no edition has the code.
    #[must_use]
    pub fn name(self) -> Option<String> {
        let code = self.0.get();
        let own = divisions::name(code)?;
        let prefecture = (!code.is_multiple_of(100)).then(|| divisions::name(code / 100 * 100));
        let above = match prefecture.flatten() {
            // `市辖区` and the like name nothing.
            Some(name) if divisions::is_generic(name) => divisions::name(code / 10_000 * 10_000),
            above => above,
        };
        Some(format!("{}{own}", above.unwrap_or_default()))
    }

    /// True if an edition of GB/T 2260 since 1980 has the code.
    #[must_use]
    pub fn is_listed(self) -> bool {
        divisions::is_listed(self.0.get())
    }

    /// The province, autonomous region or municipality it lies in.
    #[must_use]
    pub fn province(self) -> Self {
        NonZeroU32::new(self.0.get() / 10_000 * 10_000).map_or(self, Self)
    }

    /// The region, the city and the province it lies in; each once.
    pub fn and_above(self) -> impl Iterator<Item = Self> {
        let mut last = None;
        let units = [1, 100, 10_000].into_iter();
        let regions = units.filter_map(move |unit| NonZeroU32::new(self.0.get() / unit * unit));
        regions.map(Self).filter(move |region| last.replace(*region) != Some(*region))
    }

    /// True if this region is the other one or lies in it.
    #[must_use]
    pub fn is_under(self, other: Self) -> bool {
        let (own, other) = (self.0.get(), other.0.get());
        let unit = match other {
            code if code % 10_000 == 0 => 10_000,
            code if code % 100 == 0 => 100,
            _ => 1,
        };
        own / unit == other / unit
    }
}

impl fmt::Display for RegionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fault::Reason;

    #[test]
    fn places_lie_in_one_another_by_code() {
        let region = |code| RegionCode::parse(code).unwrap();
        assert!(region("440305").is_under(region("440300")));
        assert!(region("440305").is_under(region("440000")));
        assert!(!region("440305").is_under(region("440100")));
        assert!(!region("440000").is_under(region("440300")));
        assert!(region("659001").is_under(region("650000")));
        assert_eq!(region("４４０３００").to_string(), "440300");
    }

    #[test]
    fn a_region_has_a_name_that_tells_where_it_lies() {
        for (code, name) in [
            ("440000", Some("广东省")),
            ("440300", Some("深圳市")),
            ("440305", Some("深圳市南山区")),
            ("110101", Some("北京市东城区")),
            ("429004", Some("仙桃市")),
            ("440399", None),
        ] {
            let region = RegionCode::parse(code).unwrap();
            assert_eq!(region.name().as_deref(), name, "{code}");
        }
    }

    #[test]
    fn codes_of_other_things_are_refused() {
        for bad in ["", "44", "000000", "990000", "44030a", "660000", "660100"] {
            assert_eq!(
                RegionCode::parse(bad).unwrap_err().reason(),
                Reason::RegionUnknown,
                "{bad}"
            );
        }
        assert_eq!(TABLE.len(), 40);
    }
}
