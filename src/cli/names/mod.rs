//! Authorities, programmes and regions by name, wherever a command takes a code.
//!
//! The one place that resolves names, and the words of enum values. A code, and an id of a
//! programme, go to the server as they are: it has the catalogue, and it judges them.

mod likeness;
mod values;

use std::{collections::BTreeSet, sync::LazyLock};

use unicode_normalization::UnicodeNormalization as _;

use self::likeness::{is_near, key};
pub(crate) use self::{likeness::nearest, values::enum_value};
use crate::{
    domain::{AuthorityCode, IndustryCode, Region, RegionCode, catalogue::Catalogue},
    lang::{Lang, comma, say},
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
    /// `an authority`, in English and in Chinese.
    what: [&'static str; 2],
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
    Names { what: ["an authority", "认定机构"], command: "tidu authorities", all }
});

static REGIONS: LazyLock<Names> = LazyLock::new(|| {
    let named = |region: &Region| {
        Named::new(region.code, region.name, [region.name_en, region.short_name()])
    };
    Names {
        what: ["a region", "地区"],
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
    Names { what: ["a programme", "认定项目"], command: "tidu programmes", all }
});

static INDUSTRIES: LazyLock<Names> = LazyLock::new(|| {
    let named = |industry: IndustryCode| {
        Named::new(industry.as_str(), industry.name(), [industry.name_en()])
    };
    let all = IndustryCode::all().map(named).collect();
    Names { what: ["an industry", "行业"], command: "tidu count --by industry", all }
});

/// The code of an authority, from its code, its name or that of its region.
pub(crate) fn authority(text: &str) -> Result<String, String> {
    six_digits(text).map_or_else(|| AUTHORITIES.find(text), Ok)
}

/// The code of a region, from its code or name, also of a city or a county: `广州`, `深圳市南山区`.
/// The corps is an authority and not a region.
pub(crate) fn region(text: &str) -> Result<String, String> {
    if let Some(code) = six_digits(text) {
        return Ok(code);
    }
    let code = match REGIONS.find(text) {
        Ok(code) => code,
        Err(why) => match RegionCode::from_name(text, None) {
            Some(division) => division.to_string(),
            None => return Err(why),
        },
    };
    let corps = |_| {
        say!(
            en: "is an authority (the XPCC), not a place; its cities are 6590xx; they lie in \
                 650000 新疆维吾尔自治区",
            zh: "是认定机构（兵团），不是地区；其城市代码为 6590xx，位于 650000 新疆维吾尔自治区"
        )
    };
    RegionCode::parse(&code).map(|_| code).map_err(corps)
}

/// The code of an industry, from its code or name: `35`, `C35`, 通用设备制造业.
pub(crate) fn industry(text: &str) -> Result<String, String> {
    let folded: String = text.nfkc().filter(|c| !c.is_whitespace()).collect();
    if folded.len() <= INDUSTRY_CODE_BYTES_MAX && folded.is_ascii() {
        // The server judges codes.
        return Ok(folded);
    }
    INDUSTRIES.find(text)
}

/// Most bytes of the code of an industry: `C35`.
const INDUSTRY_CODE_BYTES_MAX: usize = 3;

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

fn six_digits(text: &str) -> Option<String> {
    let folded: String = text.nfkc().filter(|c| !c.is_whitespace()).collect();
    (folded.len() == 6 && folded.bytes().all(|b| b.is_ascii_digit())).then_some(folded)
}

impl Names {
    fn find(&self, text: &str) -> Result<String, String> {
        let (what, command) = (Lang::current().of(self.what[0], self.what[1]), self.command);
        let wanted = key(text);
        if wanted.chars().count() < 2 {
            return Err(say!(
                en: "is not {what}: a name has two characters or more",
                zh: "不是{what}：名称至少有两个字"
            ));
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
                let near = if near.is_empty() { near } else { did_you_mean(&near) };
                Err(say!(
                    en: "is not {what}{near} ({command} lists all)",
                    zh: "不是{what}{near}（{command} 列出全部）"
                ))
            }
            several => {
                let (count, names) = (several.len(), listed(several));
                Err(say!(
                    en: "is the name of {count} of them: {names}; name one ({command} lists all)",
                    zh: "对应 {count} 个{what}：{names}；请指定其中一个（{command} 列出全部）"
                ))
            }
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

/// The question after an error: `; did you mean 440000?`
fn did_you_mean(near: &str) -> String {
    say!(en: "; did you mean {near}?", zh: "；是否指 {near}？")
}

/// The first of some entries.
fn listed(found: &[&Named]) -> String {
    let shown: BTreeSet<_> = found.iter().map(|named| named.shown.as_str()).collect();
    let shown_first: Vec<_> = shown.iter().take(NAMES_SHOWN_MAX).copied().collect();
    let text = shown_first.join(comma());
    match shown.len().saturating_sub(NAMES_SHOWN_MAX) {
        0 => text,
        more => say!(en: "{text} and {more} more", zh: "{text} 等，另有 {more} 个"),
    }
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
    fn industries_are_found_by_name_and_codes_go_to_the_server() {
        for (name, code) in
            [("通用设备制造业", "34"), ("c35", "c35"), ("99", "99"), ("制造业", "C")]
        {
            assert_eq!(industry(name).as_deref(), Ok(code), "{name}");
        }
        let several = industry("设备制造业").unwrap_err();
        assert!(several.contains("34 通用设备制造业"), "{several}");
    }

    #[test]
    fn regions_are_found_and_the_corps_is_not_one() {
        for name in ["深圳", "深圳市", "440300", "shenzhen"] {
            assert_eq!(region(name).as_deref(), Ok("440300"), "{name}");
        }
        assert_eq!(region("440305").as_deref(), Ok("440305"));
        assert_eq!(region("香港").as_deref(), Ok("810000"));
        assert!(region("兵团").unwrap_err().contains("650000"), "{:?}", region("兵团"));
        for (name, code) in [("广州", "440100"), ("深圳市南山区", "440305")] {
            assert_eq!(region(name).as_deref(), Ok(code), "{name}");
        }
        assert!(region("Atlantis").unwrap_err().contains("tidu regions"));
    }
}
