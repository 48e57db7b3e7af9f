//! Bodies that issue laws, regulations and guidelines: departments of the State Council and their
//! like (`data/bodies.csv`).
//!
//! A body is not an authority: it never states events. The ministry is in both tables, because it
//! issues instruments together with others.

use std::{num::NonZeroU8, sync::LazyLock};

use unicode_normalization::UnicodeNormalization as _;

use super::{
    CivilDate, PartialDate,
    fault::{Breach, RuleId},
};

/// A body: its place in the table plus one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BodyCode(NonZeroU8);

/// A body of the table.
#[derive(Debug)]
pub struct Body {
    /// A short word of lower-case letters and hyphens.
    pub code: &'static str,
    /// Its names, oldest first.
    pub names: Vec<BodyName>,
    /// The body that took over its tasks.
    pub successor: Option<BodyCode>,
}

/// The name of a body over a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyName {
    /// Official name.
    pub name: &'static str,
    /// The short form that documents use.
    pub short_name: &'static str,
    /// English name.
    pub name_en: &'static str,
    /// The month of the decision from which it is used; `None` if the table does not know it.
    pub from: Option<PartialDate>,
    /// The month in which its use ended; `None` if it is in use. A body that replaces another one
    /// is decided before it begins to work, so the two names may overlap by months.
    pub to: Option<PartialDate>,
}

static TABLE: LazyLock<Vec<Body>> = LazyLock::new(|| read(include_str!("../../data/bodies.csv")));

fn read(text: &'static str) -> Vec<Body> {
    let rows: Vec<[&'static str; 7]> = super::table(text);
    let mut codes: Vec<_> = rows.iter().map(|[code, ..]| *code).collect();
    codes.dedup();
    let month = |text| PartialDate::parse_iso(text).ok();
    let mut bodies: Vec<Body> = Vec::with_capacity(codes.len());
    for [code, from, to, name, short_name, name_en, successor] in rows {
        let (from, to) = (month(from), month(to));
        let name = BodyName { name, short_name, name_en, from, to };
        let place = codes.iter().position(|known| *known == successor);
        let successor = place.and_then(BodyCode::at);
        match bodies.last_mut().filter(|last| last.code == code) {
            Some(last) => {
                last.names.push(name);
                last.successor = successor;
            }
            None => bodies.push(Body { code, names: vec![name], successor }),
        }
    }
    bodies
}

impl BodyCode {
    fn at(place: usize) -> Option<Self> {
        u8::try_from(place).ok()?.checked_add(1).and_then(NonZeroU8::new).map(Self)
    }

    /// Reads a code: `mof`.
    ///
    /// # Errors
    /// [`RuleId::BodyUnknown`].
    pub fn parse(text: &str) -> Result<Self, Breach> {
        let find = |code: &str| TABLE.binary_search_by(|body| body.code.cmp(code)).ok();
        let folded = || text.nfkc().collect::<String>().trim().to_ascii_lowercase();
        let place = find(text).or_else(|| find(&folded()));
        place.and_then(Self::at).ok_or_else(|| RuleId::BodyUnknown.into())
    }

    /// The body with an official or short name, in Chinese or English, of today or of earlier days.
    /// Of several the one that still bears it, or the first.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.trim();
        let bears = |known: &BodyName| {
            known.name == name
                || known.short_name == name
                || known.name_en.eq_ignore_ascii_case(name)
        };
        let bearers = || Self::all().filter(|body| body.info().names.iter().any(bears));
        bearers().find(|body| body.info().successor.is_none()).or_else(|| bearers().next())
    }

    /// The code.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.info().code
    }

    /// Its row of the table.
    #[must_use]
    pub fn info(self) -> &'static Body {
        #[allow(clippy::indexing_slicing)] // codes are made from places in this table
        &TABLE[usize::from(self.0.get() - 1)]
    }

    /// The name it bore on a day: the latest that was in use by then, or its first.
    #[must_use]
    pub fn name_on(self, day: CivilDate) -> Option<&'static BodyName> {
        let began = |name: &&BodyName| name.from.is_none_or(|from| from.first_day() <= day);
        let names = &self.info().names;
        names.iter().rev().find(began).or_else(|| names.first())
    }

    /// All bodies, by code.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..TABLE.len()).filter_map(Self::at)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::domain::AuthorityCode;

    const FILE: &str = include_str!("../../data/bodies.csv");

    /// The 17 departments of 工信部联企业〔2020〕108号, in its order.
    const OF_108: [&str; 17] = [
        "miit", "ndrc", "most", "mof", "mohrss", "mee", "mara", "mofcom", "mct", "pbc", "gacc",
        "sta", "samr", "nbs", "cbirc", "csrc", "cnipa",
    ];

    fn name(code: &str, iso: &str) -> &'static str {
        let day = PartialDate::parse_iso(iso).unwrap().first_day();
        BodyCode::parse(code).unwrap().name_on(day).unwrap().name_en
    }

    #[test]
    fn every_row_has_its_cells_and_codes_are_unique_and_in_order() {
        for line in FILE.lines() {
            assert_eq!(line.split(',').count(), 7, "{line}");
        }
        assert!(TABLE.is_sorted_by(|a, b| a.code < b.code), "rows of a code lie together");
        assert!(TABLE.len() < 64);
        for body in TABLE.iter() {
            assert!(body.code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'));
            assert!(AuthorityCode::parse(body.code).is_err(), "{}", body.code);
        }
        let successors = FILE.lines().skip(1).filter_map(|line| line.rsplit(',').next());
        for code in successors.filter(|code| !code.is_empty()) {
            assert!(BodyCode::parse(code).is_ok(), "{code}");
        }
    }

    #[test]
    fn dates_are_read_and_in_order_and_only_a_body_that_ended_has_a_successor() {
        for line in FILE.lines().skip(1) {
            for cell in line.split(',').skip(1).take(2).filter(|cell| !cell.is_empty()) {
                assert!(PartialDate::parse_iso(cell).is_ok(), "{line}");
            }
        }
        let first = |date: Option<PartialDate>| date.map(PartialDate::first_day);
        for Body { code, names, successor } in TABLE.iter() {
            for name in names {
                let (from, to) = (first(name.from), first(name.to));
                assert!(from.is_none() || to.is_none() || from < to, "{code}");
            }
            for pair in names.windows(2) {
                assert_eq!(pair[0].to, pair[1].from, "{code}: one name follows the other");
            }
            let ended = first(names.last().unwrap().to);
            assert_eq!(ended.is_some(), successor.is_some(), "{code}");
            let took_over = successor.and_then(|next| first(next.info().names[0].from));
            assert!(ended.is_none() || took_over <= ended, "{code}: nobody took over in time");
        }
        for body in BodyCode::all() {
            let mut seen = HashSet::from([body]);
            let mut next = body.info().successor;
            while let Some(successor) = next {
                assert!(seen.insert(successor), "{}: a circle of successors", body.as_str());
                next = successor.info().successor;
            }
        }
    }

    #[test]
    fn the_seventeen_departments_and_the_other_issuers_are_in_the_table() {
        for code in OF_108 {
            assert_eq!(BodyCode::parse(code).unwrap().as_str(), code);
        }
        for code in [
            "state-council",
            "npc-standing-committee",
            "cpc-general-office",
            "state-council-general-office",
        ] {
            assert!(BodyCode::parse(code).unwrap().info().successor.is_none());
        }
        let cbirc = BodyCode::parse("cbirc").unwrap().info();
        assert_eq!(cbirc.successor.unwrap().as_str(), "nfra");
    }

    #[test]
    fn codes_and_names_are_found_and_others_refused() {
        assert_eq!(BodyCode::parse(" ＭＯＦ ").unwrap().as_str(), "mof");
        for bad in ["", "财政部", "100000", "mo", "moff"] {
            assert_eq!(BodyCode::parse(bad), Err(RuleId::BodyUnknown.into()), "{bad}");
        }
        let by_name = |name| BodyCode::from_name(name).map(BodyCode::as_str);
        assert_eq!(by_name("财政部"), Some("mof"));
        assert_eq!(by_name("银保监会"), Some("cbirc"));
        assert_eq!(by_name("国家金融监督管理总局"), Some("nfra"));
        assert_eq!(by_name("ministry of finance"), Some("mof"));
        assert_eq!(by_name("全国人大常委会"), Some("npc-standing-committee"));
        assert_eq!(by_name("State Administration of Taxation"), Some("sta"));
        assert_eq!(by_name("示例部"), None);
        assert_eq!(by_name(""), None);
    }

    #[test]
    fn a_body_has_the_name_of_the_day() {
        assert_eq!(name("sta", "2018-05-31"), "State Administration of Taxation");
        assert_eq!(name("sta", "2018-06-01"), "State Taxation Administration");
        assert_eq!(name("nfra", "2020-01-01"), "National Financial Regulatory Administration");
    }
}
