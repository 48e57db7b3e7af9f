//! The authorities: the ministry and the 37 provincial-level ones (`data/authorities.csv`).
//!
//! An authority is not a region: Shenzhen lies in Guangdong and answers for itself.

use std::{num::NonZeroU8, sync::LazyLock};

use unicode_normalization::UnicodeNormalization as _;

use super::{
    Region, RegionCode,
    fault::{Breach, RuleId},
};

/// An authority that may state events: its place in the table plus one. `Option<AuthorityCode>`
/// takes no more room than a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AuthorityCode(NonZeroU8);

/// An authority's row of the table.
#[derive(Debug)]
pub struct Authority {
    /// Six digits.
    pub code: &'static str,
    /// Official name.
    pub name: &'static str,
    /// English name.
    pub name_en: &'static str,
    /// Kind.
    pub kind: AuthorityKind,
    /// Its region; `None` for the ministry and for the corps, which does not have a region of its
    /// own.
    pub region: Option<RegionCode>,
    /// For a city or the corps: the authority it lies under but does not answer to.
    pub excluded_from: Option<AuthorityCode>,
    /// True if another authority answers for a part of its region.
    pub is_divided: bool,
}

/// Kinds of authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorityKind {
    /// The ministry.
    National,
    /// A province, autonomous region or municipality.
    Provincial,
    /// A city with independent planning status (计划单列市).
    ProvincialLevelCity,
    /// The Xinjiang Production and Construction Corps (新疆生产建设兵团).
    ProvincialLevelCorps,
}

impl AuthorityKind {
    /// The word used in the protocol.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::National => "national",
            Self::Provincial => "provincial",
            Self::ProvincialLevelCity => "provincial_level_city",
            Self::ProvincialLevelCorps => "provincial_level_corps",
        }
    }
}

static TABLE: LazyLock<Vec<Authority>> = LazyLock::new(|| {
    let rows: Vec<[&'static str; 5]> = super::table(include_str!("../../data/authorities.csv"));
    let place = |code: &str| rows.iter().position(|row| row[0] == code);
    let authority = |[code, name, name_en, kind, parent]: &[&'static str; 5]| Authority {
        code,
        name,
        name_en,
        kind: match *kind {
            "national" => AuthorityKind::National,
            "provincial_level_city" => AuthorityKind::ProvincialLevelCity,
            "provincial_level_corps" => AuthorityKind::ProvincialLevelCorps,
            _ => AuthorityKind::Provincial,
        },
        region: RegionCode::parse(code).ok(),
        excluded_from: place(parent).and_then(AuthorityCode::at),
        is_divided: rows.iter().any(|[.., other]| other == code),
    };
    rows.iter().map(authority).collect()
});

impl AuthorityCode {
    fn at(place: usize) -> Option<Self> {
        u8::try_from(place).ok()?.checked_add(1).and_then(NonZeroU8::new).map(Self)
    }

    /// Reads a code.
    ///
    /// # Errors
    /// [`RuleId::AuthorityUnknown`] or [`RuleId::RegionWithoutAuthority`].
    pub fn parse(text: &str) -> Result<Self, Breach> {
        let find = |code: &str| TABLE.binary_search_by(|known| known.code.cmp(code)).ok();
        // Most codes come in their normal form and need no copy.
        let place = find(text).or_else(|| find(text.nfkc().collect::<String>().trim()));
        place.and_then(Self::at).ok_or_else(|| {
            Breach::from(match text.trim() {
                "710000" | "810000" | "820000" => RuleId::RegionWithoutAuthority,
                _ => RuleId::AuthorityUnknown,
            })
        })
    }

    /// The authority of a province, city or corps, by its official or short name, or by the
    /// authority's own name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.trim();
        if name.chars().count() < 2 {
            return None;
        }
        if let Some(authority) = Self::all().find(|authority| authority.info().name == name) {
            return Some(authority);
        }
        let region = Region::all().iter().find(|region| {
            let official = region.name;
            official == name || (name != "新疆生产" && official.starts_with(name))
        });
        let code = match name {
            "兵团" | "新疆兵团" => "660000",
            _ => region?.code,
        };
        Self::parse(code).ok()
    }

    /// The ministry.
    #[must_use]
    pub fn ministry() -> Self {
        Self(NonZeroU8::MIN)
    }

    /// True for the ministry.
    #[must_use]
    pub fn is_ministry(self) -> bool {
        self == Self::ministry()
    }

    /// Its place in the table, below 64.
    #[must_use]
    pub fn index(self) -> u8 {
        self.0.get() - 1
    }

    /// The authority with an index that [`AuthorityCode::index`] gave.
    #[must_use]
    pub fn of_index(index: u8) -> Option<Self> {
        let place = usize::from(index);
        Self::at(place).filter(|_| place < TABLE.len())
    }

    /// The region it answers for; `None` for the ministry and the XPCC.
    #[must_use]
    pub fn region(self) -> Option<RegionCode> {
        RegionCode::parse(self.as_str()).ok()
    }

    /// The region in which it lies: its own or, for the XPCC, Xinjiang. `None` for the ministry.
    #[must_use]
    pub fn seat(self) -> Option<RegionCode> {
        self.region().or_else(|| self.info().excluded_from?.region())
    }

    /// Six digits.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.info().code
    }

    /// Its row of the table.
    #[must_use]
    pub fn info(self) -> &'static Authority {
        #[allow(clippy::indexing_slicing)] // codes are made from places in this table
        &TABLE[usize::from(self.index())]
    }

    /// True if it answers for designees registered in a region.
    ///
    /// A city with independent planning status answers for itself, and its province does not. The
    /// corps answers for places in the region it lies in.
    #[must_use]
    pub fn answers_for(self, region: RegionCode) -> bool {
        let covers = |info: &Authority| info.region.is_some_and(|own| region.is_under(own));
        let info = self.info();
        match (info.region, info.excluded_from) {
            (None, Some(parent)) => covers(parent.info()),
            _ => {
                let is_part = |other: &Authority| other.excluded_from == Some(self);
                let is_carved_out = || TABLE.iter().any(|other| is_part(other) && covers(other));
                covers(info) && !(info.is_divided && is_carved_out())
            }
        }
    }

    /// All authorities, by code.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..TABLE.len()).filter_map(Self::at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds_38_authorities_in_order_and_they_fit_64_bits() {
        assert_eq!(TABLE.len(), 38);
        assert!(TABLE.is_sorted_by(|a, b| a.code < b.code));
        assert_eq!(AuthorityCode::ministry().as_str(), "100000");
        assert!(AuthorityCode::all().all(|authority| authority.index() < 64));
        let shenzhen = AuthorityCode::parse("440300").unwrap().info();
        assert_eq!(shenzhen.excluded_from.unwrap().as_str(), "440000");
        assert_eq!(shenzhen.kind.as_str(), "provincial_level_city");
    }

    #[test]
    fn a_city_answers_for_itself_and_its_province_does_not() {
        let answers = |authority: &str, region: &str| {
            let region = RegionCode::parse(region).unwrap();
            AuthorityCode::parse(authority).unwrap().answers_for(region)
        };
        assert!(answers("440000", "440600") && !answers("440000", "440305"));
        assert!(answers("440300", "440305") && !answers("440300", "440600"));
        assert!(!answers("330000", "440600"));
        assert!(answers("660000", "659001") && answers("650000", "650100"));
    }

    #[test]
    fn each_authority_but_the_ministry_lies_in_a_region() {
        let seat = |code| AuthorityCode::parse(code).unwrap().seat().map(|seat| seat.to_string());
        assert_eq!(seat("100000"), None);
        assert_eq!(seat("440000").as_deref(), Some("440000"));
        assert_eq!(seat("440300").as_deref(), Some("440300"));
        assert_eq!(seat("660000").as_deref(), Some("650000"));
        assert_eq!(AuthorityCode::all().filter(|authority| authority.seat().is_none()).count(), 1);
    }

    #[test]
    fn codes_and_names_are_found_and_others_refused() {
        assert_eq!(AuthorityCode::parse(" ４４００００").unwrap().as_str(), "440000");
        for bad in ["", "44", "999999", "440100"] {
            assert_eq!(AuthorityCode::parse(bad), Err(RuleId::AuthorityUnknown.into()));
        }
        assert_eq!(AuthorityCode::parse("810000"), Err(RuleId::RegionWithoutAuthority.into()));
        let by_name = |name| AuthorityCode::from_name(name).map(AuthorityCode::as_str);
        assert_eq!(by_name("广东省"), Some("440000"));
        assert_eq!(by_name("内蒙古"), Some("150000"));
        assert_eq!(by_name("深圳"), Some("440300"));
        assert_eq!(by_name("新疆"), Some("650000"));
        assert_eq!(by_name("兵团"), Some("660000"));
        assert_eq!(by_name("新疆兵团"), Some("660000"));
        assert_eq!(by_name("新疆生产建设兵团"), Some("660000"));
        assert_eq!(by_name("陕西省"), Some("610000"));
        assert_eq!(by_name("北京市经济和信息化局"), Some("110000"));
        assert_eq!(by_name("香港特别行政区"), None);
        assert_eq!(by_name("省"), None);
    }
}
