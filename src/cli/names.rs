//! Authorities, programmes and regions by name, wherever a command takes a code.
//!
//! The one place that resolves names. A code, and an id of a programme, go to the server as they
//! are: it has the catalogue, and it judges them.

use std::{collections::BTreeSet, fmt::Write as _, sync::LazyLock};

use unicode_normalization::UnicodeNormalization as _;

use crate::{
    domain::{AuthorityCode, Region, RegionCode, catalogue::Catalogue},
    limits::NAMES_SHOWN_MAX,
};

/// Something that has a code and names.
struct Named {
    code: String,
    /// For an error: `440000 广东省工业和信息化厅`.
    shown: String,
    /// Its code and its names, folded.
    keys: Vec<String>,
}

impl Named {
    fn new<'a>(code: &'a str, name: &'a str, names: impl IntoIterator<Item = &'a str>) -> Self {
        let keys = [code, name].into_iter().chain(names).map(key).filter(|key| !key.is_empty());
        Self { code: code.to_owned(), shown: format!("{code} {name}"), keys: keys.collect() }
    }
}

/// Everything of one kind that has a name.
struct Names {
    /// `an authority`.
    what: &'static str,
    /// The command that lists all: `tidu authorities`.
    command: &'static str,
    all: Vec<Named>,
}

static AUTHORITIES: LazyLock<Names> = LazyLock::new(|| {
    let named = |authority: AuthorityCode| {
        let info = authority.info();
        let region = Region::all().iter().find(|region| region.code == info.code);
        let of_region = region.map(|region| [region.name, region.name_en, region.short_name()]);
        let others: &[&str] = match info.code {
            "100000" => &["工信部", "中华人民共和国工业和信息化部", "MIIT"],
            "660000" => &["新疆兵团", "新疆建设兵团", "XPCC"],
            _ => &[],
        };
        let names = of_region.into_iter().flatten().chain(others.iter().copied());
        Named::new(info.code, info.name, names.chain([info.name_en]))
    };
    let all = AuthorityCode::all().map(named).collect();
    Names { what: "an authority", command: "tidu authorities", all }
});

static REGIONS: LazyLock<Names> = LazyLock::new(|| {
    let named = |region: &Region| {
        Named::new(region.code, region.name, [region.name_en, region.short_name()])
    };
    Names {
        what: "a region",
        command: "tidu regions",
        all: Region::all().iter().map(named).collect(),
    }
});

static PROGRAMMES: LazyLock<Names> = LazyLock::new(|| {
    let catalogue = Catalogue::built_in();
    let named = |programme: &crate::domain::catalogue::Programme| {
        let newest = programme.names.last().map_or("", |name| name.name.as_str());
        let dated = programme.names.iter().flat_map(|name| [&*name.name, &*name.name_en]);
        Named::new(&programme.id, newest, dated)
    };
    let all = catalogue.programmes().map(named).collect();
    Names { what: "a programme", command: "tidu programmes", all }
});

/// The code of an authority, from its code, its name or that of its region.
pub(crate) fn authority(text: &str) -> Result<String, String> {
    six_digits(text).map_or_else(|| AUTHORITIES.find(text), Ok)
}

/// The code of a region, from its code or name. The corps is an authority and not a region.
pub(crate) fn region(text: &str) -> Result<String, String> {
    if let Some(code) = six_digits(text) {
        return Ok(code);
    }
    let code = REGIONS.find(text)?;
    let why = |message: String| format!("{message}; they lie in 650000 新疆维吾尔自治区");
    RegionCode::parse(&code).map(|_| code).map_err(|breach| why(breach.message()))
}

/// The id of a programme, from its id or one of its names in the catalogue of this version.
pub(crate) fn programme(text: &str) -> Result<String, String> {
    let is_id = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !text.is_empty() && text.chars().all(is_id) {
        // The catalogue of the server may have other ones.
        return Ok(text.to_owned());
    }
    PROGRAMMES.find(text)
}

/// Ids of programmes that somebody may have meant by one that the server does not know; empty if
/// there are none.
pub(crate) fn meant_programmes(text: &str) -> String {
    let wanted = key(text);
    if wanted.chars().count() < 2 {
        return String::new();
    }
    let found = PROGRAMMES.containing(&wanted);
    let found = if found.is_empty() { PROGRAMMES.near(&wanted) } else { found };
    listed(&found)
}

/// True if a text is part of one of some names, as a name for any of them would be.
pub(crate) fn is_part_of<'a>(text: &str, mut names: impl Iterator<Item = &'a str>) -> bool {
    let wanted = key(text);
    names.any(|name| key(name).contains(&wanted))
}

/// The entries of a list that a text is the most like; `None` if it is none of them.
pub(crate) fn nearest<'a>(text: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = key(text);
    let all: Vec<&str> = known.collect();
    let is_part = |name: &&&str| wanted.chars().count() > 2 && key(name).contains(&wanted);
    let parts: Vec<_> = all.iter().filter(is_part).copied().collect();
    if !parts.is_empty() {
        return parts;
    }
    all.into_iter().filter(|name| is_near(&wanted, &key(name))).collect()
}

fn six_digits(text: &str) -> Option<String> {
    let folded: String = text.nfkc().filter(|c| !c.is_whitespace()).collect();
    (folded.len() == 6 && folded.bytes().all(|b| b.is_ascii_digit())).then_some(folded)
}

/// A name without case, width, spaces, brackets, quotation marks and other punctuation.
fn key(text: &str) -> String {
    let folded = text.nfkc().filter(|c| c.is_alphanumeric());
    folded.flat_map(char::to_lowercase).collect()
}

impl Names {
    fn find(&self, text: &str) -> Result<String, String> {
        let Self { what, command, .. } = self;
        let wanted = key(text);
        if wanted.chars().count() < 2 {
            return Err(format!("is not {what}: a name has two characters or more"));
        }
        let exact = self.all.iter().filter(|named| named.keys.contains(&wanted)).collect();
        let found: Vec<&Named> = match exact {
            found if Vec::is_empty(&found) => self.containing(&wanted),
            found => found,
        };
        match found.as_slice() {
            [one] => Ok(one.code.clone()),
            [] => {
                let near = listed(&self.near(&wanted));
                let near = if near.is_empty() { near } else { format!("; did you mean {near}?") };
                Err(format!("is not {what}{near} ({command} lists all)"))
            }
            several => Err(format!(
                "is the name of {} of them: {}; name one ({command} lists all)",
                several.len(),
                listed(several)
            )),
        }
    }

    fn containing(&self, wanted: &str) -> Vec<&Named> {
        let has = |named: &&Named| named.keys.iter().any(|key| key.contains(wanted));
        self.all.iter().filter(has).collect()
    }

    fn near(&self, wanted: &str) -> Vec<&Named> {
        let has = |named: &&Named| named.keys.iter().any(|key| is_near(wanted, key));
        self.all.iter().filter(has).collect()
    }
}

/// The first of some entries.
fn listed(found: &[&Named]) -> String {
    let shown: BTreeSet<_> = found.iter().map(|named| named.shown.as_str()).collect();
    let mut text = shown.iter().take(NAMES_SHOWN_MAX).copied().collect::<Vec<_>>().join(", ");
    if shown.len() > NAMES_SHOWN_MAX {
        // Writing into a text cannot fail.
        let _ = write!(text, " and {} more", shown.len() - NAMES_SHOWN_MAX);
    }
    text
}

/// True if two keys differ in at most one of three characters.
fn is_near(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let most = a.len().min(b.len()) / 3;
    most > 0 && a.len().abs_diff(b.len()) <= most && distance(&a, &b) <= most
}

/// Characters to insert, delete or replace to make one text the other.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (to, above) in b.iter().zip(row.iter().skip(1)) {
            let replaced = diagonal + usize::from(from != to);
            left = replaced.min(left + 1).min(above + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_are_found_by_every_usual_name() {
        for (code, names) in [
            (
                "440000",
                &["440000", "４４００００", "广东", "广东省", "广东省工业和信息化厅", "GUANGDONG"]
                    [..],
            ),
            ("440300", &["深圳", "深圳市", "Shenzhen", "深圳市工业和信息化局"]),
            ("660000", &["兵团", "新疆兵团", "新疆生产建设兵团", "xpcc"]),
            ("650000", &["新疆", "新疆维吾尔自治区", "Xinjiang"]),
            ("100000", &["工信部", "工业和信息化部", "miit"]),
            ("540000", &["西藏", "Tibet", "Xizang"]),
            ("140000", &["山西", "Shanxi"]),
            ("610000", &["陕西", "Shaanxi"]),
        ] {
            for name in names {
                assert_eq!(authority(name).as_deref(), Ok(code), "{name}");
            }
        }
    }

    #[test]
    fn a_name_of_several_or_of_none_is_refused_with_the_likeliest() {
        let several = authority("工业和信息化局").unwrap_err();
        assert!(several.contains("of 6 of them") && several.contains("210200 大连市"), "{several}");
        let many = authority("工业和信息化").unwrap_err();
        assert!(many.contains("100000") && many.contains("more; name one"), "{many}");
        let near = authority("广冬省").unwrap_err();
        assert!(near.contains("did you mean 440000 广东省工业和信息化厅?"), "{near}");
        let none = authority("广州").unwrap_err();
        assert!(none.contains("tidu authorities") && !none.contains("did you mean"), "{none}");
        assert!(authority("广").unwrap_err().contains("two characters"));
        assert!(authority("").is_err());
        assert!(authority("Guandong").unwrap_err().contains("440000"));
    }

    #[test]
    fn programmes_are_found_by_every_name_of_the_catalogue() {
        for (id, names) in [
            (
                "little-giant",
                &["little-giant", "小巨人", "专精特新“小巨人”企业", "Little Giant"][..],
            ),
            ("innovative-sme", &["创新型中小企业", "科技和创新型中小企业", "Innovative SME"]),
            ("single-item-champion", &["单项冠军"]),
        ] {
            for name in names {
                assert_eq!(programme(name).as_deref(), Ok(id), "{name}");
            }
        }
        let several = programme("专精特新").unwrap_err();
        assert!(several.contains("little-giant") && several.contains("specialised-sme"));
        // Another catalogue may have it.
        assert_eq!(programme("litle-giant").as_deref(), Ok("litle-giant"));
        assert!(meant_programmes("litle-giant").starts_with("little-giant "));
        assert!(meant_programmes("platform").contains("provincial-platform"));
        assert_eq!(meant_programmes("x"), "");
    }

    #[test]
    fn regions_are_found_and_the_corps_is_not_one() {
        for name in ["深圳", "深圳市", "440300", "shenzhen"] {
            assert_eq!(region(name).as_deref(), Ok("440300"), "{name}");
        }
        assert_eq!(region("440305").as_deref(), Ok("440305"));
        assert_eq!(region("香港").as_deref(), Ok("810000"));
        assert!(region("兵团").unwrap_err().contains("650000"), "{:?}", region("兵团"));
        assert!(region("Atlantis").unwrap_err().contains("tidu regions"));
    }

    #[test]
    fn distances_count_single_characters() {
        let between = |a: &str, b: &str| {
            distance(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>())
        };
        for (a, b, expected) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("abc", "abd", 1),
            ("abc", "ac", 1),
            ("", "ab", 2),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!((between(a, b), between(b, a)), (expected, expected), "{a} {b}");
        }
    }
}
