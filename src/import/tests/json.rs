//! JSON lines.

use super::*;

const LINE: &str = r#"{"authority":"100000","designee":"91110000MA00000152",
"effectiveDate":{"year":2019,"month":6,"day":5},
"designated":{"programme":"little-giant","batch":"1","validTo":{"year":2022,"month":6,"day":4},
"profile":{"name":"示例一号","sizeClass":"SIZE_CLASS_SMALL"}}}"#;

fn line() -> String {
    LINE.replace('\n', "")
}

#[test]
fn each_line_is_an_event_with_its_line_number() {
    let import = import(format!("\u{feff}{}\r\n\r\n{}\n", line(), line()));
    assert_eq!(import.report.format, Format::JsonLines);
    assert_eq!(import.rows.iter().map(|row| row.row).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(import.rows[0].event.designee, CODE);
    let fact = designated(&import, 1);
    assert_eq!(fact.valid_to, date(2022, 6, 4));
    assert_eq!(fact.profile.as_ref().unwrap().size_class(), pb::SizeClass::Small);
}

#[test]
fn options_do_not_change_json_lines() {
    let import = import(line().replace(r#""batch":"1","#, ""));
    assert_eq!(designated(&import, 0).batch, "");
}

#[test]
fn all_faulty_lines_are_reported() {
    let unknown = line().replace("batch", "bach");
    let said = refusal(format!("{}\n{unknown}\n{{\n{}\n", line(), LINE.lines().next().unwrap()));
    assert_says(&said, &["3 faults", "row 2", "bach", "row 3", "row 4", "not a JSON object"]);
}

#[test]
fn personal_numbers_in_json_are_refused_and_not_repeated() {
    let said = refusal(line().replace("示例一号", "示例一号 13800000000"));
    assert_says(&said, &["row 1", "name", "a mobile number"]);
    assert!(!said.contains("13800000000"), "{said}");
}

#[test]
fn a_code_of_digits_is_not_taken_for_a_resident_identity_number() {
    let digits = "914403199001011234";
    let import = import(line().replace(CODE, digits));
    assert_eq!(import.rows[0].event.designee, digits);
    assert_says(&refusal(line().replace("示例一号", digits)), &["a resident identity number"]);
}
