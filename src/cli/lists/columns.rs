//! The column of a list that a field of an event came from.

use crate::import::{ImportedRow, Report};

/// Fields of events that lists name otherwise: the last part of the path, and the fields of a row
/// that can supply it.
const FIELDS: &[(&str, &[&str])] = &[
    ("designee", &["designee", "name", "old_name"]),
    (
        "effective_date",
        &[
            "date",
            "designated_on",
            "valid_from",
            "revoked_on",
            "renamed_on",
            "ended_on",
            "entered_on",
            "left_on",
            "validity",
            "notice_from",
        ],
    ),
    ("valid_to", &["valid_to", "validity"]),
    ("old_name", &["old_name", "name"]),
    ("new_name", &["new_name", "name"]),
    ("recommended_by", &["recommended_by", "province"]),
    ("registered_region", &["region", "county", "city", "province"]),
    ("region", &["region", "county", "city", "province"]),
    ("document_number", &["document"]),
    ("cause", &["reason"]),
    ("ground", &["reason"]),
    ("size_class", &["size"]),
    ("passed", &["outcome"]),
    ("upheld", &["outcome"]),
];

/// Header of the column of a row that supplies a field: `events[12].designated.valid_to`.
pub(super) fn header<'a>(report: &'a Report, row: &ImportedRow, field: &str) -> Option<&'a str> {
    // A sheet can have several tables; a row belongs to the last one above it.
    let tables = report.sheets.iter().filter(|table| table.name == row.sheet);
    let above = tables.filter(|table| table.header_row.is_none_or(|header| header < row.row));
    let nearest = above.max_by_key(|table| table.header_row)?;
    let last = field.rsplit('.').next().unwrap_or(field);
    let last = last.split('[').next().unwrap_or(last);
    let known = FIELDS.iter().find(|(name, _)| *name == last);
    let single = [last];
    let names = known.map_or(&single[..], |(_, names)| names);
    names.iter().find_map(|name| {
        let mut columns = nearest.columns.iter();
        columns.find(|(field, _)| field == name).map(|(_, header)| header.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::{self, Options};

    #[test]
    fn the_column_of_a_field_is_found_in_the_table_of_its_row() {
        let options = Options {
            authority: Some("100000".to_owned()),
            programme: Some("little-giant".to_owned()),
            date: Some("2019-06-05".to_owned()),
            ..Options::default()
        };
        let list = "企业名称,信用代码,批次,有效期,省份\n甲,91110000MA00000152,1,2024-01-01至2026-12-31,北京";
        let list = import::read("list", list.as_bytes(), &options, |_| Some("110000")).unwrap();
        let header = |field| header(&list.report, &list.rows[0], field);
        assert_eq!(header("events[0].designee"), Some("信用代码"));
        assert_eq!(header("events[0].designated.profile.name"), Some("企业名称"));
        assert_eq!(header("events[0].designated.valid_to"), Some("有效期"));
        assert_eq!(header("events[0].effective_date"), Some("有效期"));
        assert_eq!(header("events[0].designated.recommended_by"), Some("省份"));
        assert_eq!(header("events[0].evidence.url"), None, "no column supplies it");
        let above = ImportedRow { row: 1, ..list.rows[0].clone() };
        assert_eq!(super::header(&list.report, &above, "events[0].designee"), None);
    }
}
