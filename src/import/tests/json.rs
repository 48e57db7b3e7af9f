//! JSON lines.

use super::*;

const LINE: &str = r#"{"authority":"100000","designee":"91110000MA00000152",
"effectiveDate":{"year":2019,"month":6,"day":5},
"designated":{"programme":"little-giant","batch":"1","validTo":{"year":2022,"month":6,"day":4},
"profile":{"name":"示例一号","sizeClass":"SIZE_CLASS_SMALL"}}}"#;

fn line() -> String {
    LINE.replace('\n', "")
}

#[track_caller]
fn import(bytes: impl AsRef<[u8]>) -> Import {
    read_with(&Options::default(), bytes).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn refusal(bytes: impl AsRef<[u8]>) -> String {
    refusal_with(&Options::default(), bytes)
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

#[test]
fn an_array_and_objects_over_several_lines_are_read_too() {
    let array = format!("[\n  {},\n  {}\n]\n", LINE, line());
    let read = import(&array);
    assert_eq!(read.rows.iter().map(|row| row.row).collect::<Vec<_>>(), [2, 6]);
    let spread = import(format!("{{\n{}\n{}", LINE.trim_start_matches('{'), LINE));
    assert_eq!(spread.rows.iter().map(|row| row.row).collect::<Vec<_>>(), [1, 6]);
    assert_eq!(spread.rows[0].event, read.rows[0].event);
    let broken = array.replace("\n]", "\n{\"designee\": \"}\"");
    assert_says(&refusal(broken), &["1 faults", "row 7"]);
}

#[test]
fn comments_in_json_lines_are_skipped() {
    let import = import(format!("# 示例\n#\n\n{}\n# {}\n", line(), line()));
    assert_eq!(import.rows.iter().map(|row| row.row).collect::<Vec<_>>(), [4]);
}

fn recorded(event: &str) -> String {
    format!(
        r#"{{"position":"7","recordedTime":"2026-04-01T00:00:00Z","recordedBy":"anonymous",
"commit":{{"firstPosition":"7","size":1}},"requestId":"13800000000","salt":"AAAA",
"event":{event}}}"#
    )
    .replace('\n', "")
}

#[test]
fn a_recorded_event_is_read_as_its_caller_proposed_it() {
    let stated = import(recorded(&line()));
    assert_eq!(stated.rows[0].event, import(line()).rows[0].event);
    let inferred = line().replace(r#""batch":"1","#, r#""batch":"1","validToInferred":true,"#);
    let read = import(recorded(&inferred));
    let fact = designated(&read, 0);
    assert_eq!((fact.valid_to, fact.valid_to_inferred), (None, false));
    let ban = line().replace(r#""batch":"1","validTo""#, r#""banUntilInferred":true,"banUntil""#);
    let ban = ban.replace(r#""designated""#, r#""revoked""#);
    let ban = ban.replace(r#","profile":{"name":"示例一号","sizeClass":"SIZE_CLASS_SMALL"}"#, "");
    match &import(recorded(&ban)).rows[0].event.fact {
        Some(Fact::Revoked(fact)) => {
            assert_eq!((fact.ban_until, fact.ban_until_inferred), (None, false));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn facts_that_only_a_server_states_are_left_out_of_recorded_ones() {
    let of_service = recorded(r#"{"authority":"service","rulesAdopted":{"version":1}}"#);
    let catalogue = recorded(r#"{"authority":"100000","catalogueAdopted":{"version":"a"}}"#);
    let import = import(format!("{of_service}\n{catalogue}\n{}", recorded(&line())));
    assert_eq!(import.rows.len(), 1);
    let notes = &import.report.notes;
    assert_eq!(notes.iter().map(|note| note.row).collect::<Vec<_>>(), [1, 2]);
    assert!(notes.iter().all(|note| note.reason == NoteReason::OfService));
}

#[test]
fn what_names_a_position_of_another_log_is_refused() {
    let correction = format!(r#"{{"corrected":{{"position":"0","replacement":{}}}}}"#, line());
    for event in [
        r#"{"annulled":{"position":"3","reason":"示例"}}"#,
        &correction,
        r#"{"reinstated":{"position":"3"}}"#,
        r#"{"objectionResolved":{"objection":"3"}}"#,
        r#"{"measuresRepealed":{"position":"3"}}"#,
    ] {
        assert_says(&refusal(recorded(event)), &["row 1", "names position", "another log"]);
        // As a caller states it, it means this log.
        assert_eq!(import(event).rows.len(), 1, "{event}");
    }
    let withheld = r#"{"position":"3","leafHash":"AAAA","reason":"示例"}"#;
    assert_says(&refusal(withheld), &["withheld"]);
    assert_says(&refusal(r#"{"logId":"a","logSize":"3"}"#), &["an export", "tidu import"]);
}

#[test]
fn options_that_json_lines_cannot_have_are_refused() {
    let fact = Options { fact: Some(FactKind::Revoked), ..Options::default() };
    let sheet = Options { sheet: Some("a".to_owned()), ..Options::default() };
    let set = Options { values: vec![("pool".into(), "a".into())], ..Options::default() };
    let column = Options { columns: vec![("name".into(), "a".into())], ..Options::default() };
    for (options, option) in [
        (options(), "--authority"),
        (fact, "--fact"),
        (sheet, "--sheet"),
        (set, "--set pool"),
        (column, "--column"),
    ] {
        assert_says(&refusal_with(&options, line()), &[option, "JSON lines"]);
    }
}

#[test]
fn the_plain_form_of_an_event_is_read_as_well() {
    let plain = line()
        .replace(r#"{"year":2019,"month":6,"day":5}"#, "\"2019-06-05\"")
        .replace(r#"{"year":2022,"month":6,"day":4}"#, "\"2022-06-04\"");
    assert_eq!(import(&plain).rows, import(line()).rows);
    let recorded =
        format!(r#"{{"position":7,"recordedTime":"2026-03-01T00:00:00Z","event":{plain}}}"#);
    assert_eq!(import(recorded).rows, import(line()).rows);
    let said = refusal(plain.replace("2019-06-05", "2019-6-5"));
    assert_says(&said, &["row 1", "not a tidu.v1.Event"]);
}
