//! The names of codes, for people: authorities, programmes, regions, industries, bodies.
//!
//! The tables of this version know them. A code that they do not know is shown as it is.

use std::{collections::HashMap, sync::LazyLock};

use super::cells::Cell;
use crate::{
    domain::{
        AuthorityCode, BodyCode, IndustryCode, Region, RegionCode,
        catalogue::{Catalogue, ProgrammeName},
    },
    lang::{Lang, comma, word},
};

/// The latest names of programmes by their ids, as the catalogue of this version has them.
static PROGRAMMES: LazyLock<HashMap<String, ProgrammeName>> = LazyLock::new(|| {
    let catalogue = Catalogue::built_in();
    let latest =
        |(id, names): (&String, &[ProgrammeName])| Some((id.clone(), names.last()?.clone()));
    catalogue.programmes().map(|known| (&known.id, &*known.names)).filter_map(latest).collect()
});

/// The official name of an authority: 广东省工业和信息化厅. The code if it is not one of them.
pub(crate) fn authority_name(code: &str) -> String {
    let Ok(known) = AuthorityCode::parse(code) else { return code.to_owned() };
    let info = known.info();
    Lang::current().of(info.name_en, info.name).to_owned()
}

/// The short name of an authority: that of its region, 广东.
fn short_authority(code: &str) -> Option<&'static str> {
    if AuthorityCode::parse(code).ok()?.is_ministry() {
        return Some(word!(en: "MIIT", zh: "工信部"));
    }
    let region = Region::all().iter().find(|region| region.code == code)?;
    Some(word!(en: region.name_en, zh: region.short_name()))
}

/// The cell of an authority: its short name, in English after its code.
pub(crate) fn authority_cell(code: &str) -> Cell {
    named(code, short_authority(code))
}

/// The cell of several authorities.
pub(crate) fn authorities_cell<'c>(codes: impl IntoIterator<Item = &'c str>) -> Cell {
    let codes: Vec<&str> = codes.into_iter().collect();
    let names: Vec<_> = codes.iter().map(|code| authority_cell(code).human().to_owned()).collect();
    Cell::of(codes.join(", "), names.join(comma()))
}

/// The name of a programme: 专精特新“小巨人”企业, Little giant. The id if it is not known here.
pub(crate) fn programme_name(id: &str) -> String {
    let Some(name) = PROGRAMMES.get(id) else { return id.to_owned() };
    Lang::current().of(&name.name_en, &name.name).clone()
}

/// The Chinese name of a programme, whatever the language of the process.
pub(super) fn programme_in_chinese(id: &str) -> Option<&'static str> {
    PROGRAMMES.get(id).map(|name| name.name.as_str())
}

/// The cell of a programme: its id, which is English, or its Chinese name.
pub(crate) fn programme_cell(id: &str) -> Cell {
    match Lang::current() {
        Lang::En => id.into(),
        Lang::Zh => Cell::of(id, programme_name(id)),
    }
}

/// The name of a region: 广东省, 深圳市南山区, Guangdong. The code if it has none in the language.
pub(crate) fn region_name(code: &str) -> String {
    match Lang::current() {
        Lang::En => region_in_english(code).unwrap_or(code).to_owned(),
        Lang::Zh => region_in_chinese(code).unwrap_or_else(|| code.to_owned()),
    }
}

fn region_in_english(code: &str) -> Option<&'static str> {
    Region::all().iter().find(|region| region.code == code).map(|region| region.name_en)
}

fn region_in_chinese(code: &str) -> Option<String> {
    RegionCode::parse(code).ok()?.name()
}

/// The cell of a region: its name, in English after its code.
pub(crate) fn region_cell(code: &str) -> Cell {
    match Lang::current() {
        Lang::En => named(code, region_in_english(code)),
        Lang::Zh => Cell::of(code, region_name(code)),
    }
}

/// The name of an industry: 通用设备制造业. The code if it is not one.
pub(crate) fn industry_name(code: &str) -> String {
    let Ok(known) = IndustryCode::parse(code) else { return code.to_owned() };
    Lang::current().of(known.name_en(), known.name()).to_owned()
}

/// The cell of an industry: its code and its name.
pub(crate) fn industry_cell(code: &str) -> Cell {
    match IndustryCode::parse(code) {
        Ok(_) => Cell::of(code, format!("{code} {}", industry_name(code))),
        Err(_) => code.into(),
    }
}

/// The name of a body, or of an authority, that issues instruments.
pub(crate) fn issuer_name(code: &str) -> String {
    let Ok(body) = BodyCode::parse(code) else { return authority_name(code) };
    let name = body.info().names.last();
    name.map_or(code, |name| word!(en: name.name_en, zh: name.name)).to_owned()
}

/// A cell with a name that is typed as well as the code in Chinese, and stands after it in English.
fn named(code: &str, name: Option<&str>) -> Cell {
    let Some(name) = name else { return code.into() };
    match Lang::current() {
        Lang::En => Cell::of(code, format!("{code} {name}")),
        Lang::Zh => Cell::of(code, name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_their_names_and_unknown_ones_themselves() {
        // Tests run in English.
        assert_eq!(authority_cell("440000").human(), "440000 Guangdong");
        assert_eq!(authority_cell("440000").machine(), "440000");
        assert_eq!(authority_cell("100000").human(), "100000 MIIT");
        assert_eq!(authority_cell("999999"), "999999".into());
        assert_eq!(authorities_cell(["440000", "660000"]).machine(), "440000, 660000");
        assert_eq!(programme_name("little-giant"), "Little giant");
        assert_eq!(programme_cell("little-giant"), "little-giant".into());
        assert_eq!(programme_name("of-another-catalogue"), "of-another-catalogue");
        assert_eq!(region_cell("440300").human(), "440300 Shenzhen");
        assert_eq!(region_cell("440305"), "440305".into());
        assert_eq!(region_in_chinese("440305").as_deref(), Some("深圳市南山区"));
        assert!(industry_cell("35").human().starts_with("35 "));
        assert_eq!(industry_cell("00"), "00".into());
        assert_eq!(issuer_name("440000"), authority_name("440000"));
        assert_ne!(issuer_name("mof"), "mof");
    }
}
