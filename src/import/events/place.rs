//! The region of a row: its code, or the names of its prefecture and county.

use crate::{
    domain::RegionCode,
    import::{error::echo_on_one_line, fields::Field, note::NoteReason, row::RowReader},
    lang::{both, say},
};

/// The registered region. A code goes before names, and the county before the prefecture. A name
/// that means no division or several leaves the region as far as it is known.
pub(super) fn region(reader: &RowReader<'_>) -> String {
    let stated = reader.text(Field::Region);
    if stated.chars().any(char::is_numeric) {
        return stated;
    }
    let is_named = |field| reader.cell(field).is_some();
    if stated.is_empty() && !is_named(Field::City) && !is_named(Field::County) {
        return stated;
    }
    let around = province(reader);
    if !stated.is_empty() {
        let named = named(&stated, around);
        return named.map_or(stated, |region| region.to_string());
    }
    let city = place(reader, Field::City, around);
    let county = place(reader, Field::County, city.or(around));
    county.or(city).map(|region| region.to_string()).unwrap_or_default()
}

/// The place that the province of the row names, or its authority answers for.
fn province(reader: &RowReader<'_>) -> Option<RegionCode> {
    let of = |text: String| {
        let code = RegionCode::parse(&text).ok();
        code.or_else(|| RegionCode::from_name(&text, None))
    };
    of(reader.cell_text(Field::Province)).or_else(|| of(reader.text(Field::Authority)))
}

/// The division that a cell names.
fn place(reader: &RowReader<'_>, field: Field, within: Option<RegionCode>) -> Option<RegionCode> {
    let text = reader.cell_text(field);
    let found = named(&text, within);
    if found.is_none()
        && !text.is_empty()
        && let Some((column, _)) = reader.cell(field)
    {
        let known = || match within {
            Some(region) => say!(en: " within {region}", zh: "在 {region} 内"),
            None => String::new(),
        };
        let message = both!(
            en: "{0}: {1} means no division{2}, or several; the region is recorded without it",
            zh: "“{0}”列：“{1}”{2}没有对应的行政区划，或对应多个；所属地区不含这一级",
            column.header,
            echo_on_one_line(&text),
            known()
        );
        reader.note(NoteReason::RegionNotKnown, &column.header, message);
    }
    found
}

fn named(text: &str, within: Option<RegionCode>) -> Option<RegionCode> {
    let itself = || RegionCode::from_name(text, None).filter(|found| Some(*found) == within);
    RegionCode::from_name(text, within).or_else(itself)
}

/// One end of a move: six digits, or the name of a place in the country.
pub(super) fn end_of_move(reader: &RowReader<'_>, field: Field) -> String {
    let stated = reader.text(field);
    let is_code = stated.chars().any(char::is_numeric);
    let named = if is_code { None } else { RegionCode::from_name(&stated, None) };
    named.map_or(stated, |region| region.to_string())
}
