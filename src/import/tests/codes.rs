//! Code cells.

use super::super::{NoteReason, OddCodes};
use super::*;

/// The designees of a list whose code column has these cells.
#[track_caller]
fn read_codes(cells: &[&str]) -> Vec<String> {
    let rows: String = cells.iter().map(|cell| format!("甲,{cell}\n")).collect();
    let import = import(format!("企业名称,信用代码\n{rows}"));
    import.rows.into_iter().map(|row| row.event.designee).collect()
}

#[test]
fn marks_around_a_code_are_taken_off() {
    let lower = CODE.to_ascii_lowercase();
    let cells = [
        CODE.to_owned(),
        format!("\"=\"\"{CODE}\"\"\""),
        format!("=\"{CODE}\""),
        format!("'{CODE}"),
        format!("`{CODE}"),
        format!("{CODE}\t"),
        format!("{CODE}。"),
        format!("“{CODE}”"),
        format!("「{CODE}」"),
        format!("（{CODE}）"),
        format!("统一社会信用代码：{CODE}"),
        format!("信用代码:{CODE}"),
        format!("USCC: {CODE}"),
        format!("代码 {CODE}；"),
        format!("\u{FEFF}{CODE}\u{200B}"),
        lower,
        CODE.replace('M', "Ｍ").replace('9', "９"),
        format!("{} {} {}", &CODE[..8], &CODE[8..17], &CODE[17..]),
        format!("{}-{}", &CODE[..8], &CODE[8..]),
    ];
    for cell in &cells {
        assert_eq!(read_codes(&[cell]), [CODE], "{cell}");
    }
}

#[test]
fn words_for_no_code_make_a_provisional_identifier_and_a_note() {
    let missing = [
        "",
        "-",
        "—",
        "——",
        "－",
        "/",
        "无",
        "暂无",
        "不详",
        "N/A",
        "n/a",
        "无代码",
        "*",
        "***",
        "空",
        "（无）",
        "无统一社会信用代码",
        "null",
        "暂 缺",
        "待补",
        "\u{200B}",
    ];
    let rows: String = missing.iter().map(|cell| format!("甲,{cell},1\n")).collect();
    let import = import(format!("企业名称,信用代码,批次\n乙,{CODE},1\n{rows}"));
    assert_eq!(import.rows[0].event.designee, CODE);
    for (row, cell) in import.rows[1..].iter().zip(missing) {
        assert_eq!(row.event.designee, "provisional:100000/甲", "{cell}");
    }
    let [note] = import.report.notes.as_slice() else { panic!("{:?}", import.report.notes) };
    assert_eq!(
        (note.reason, note.row, note.column.as_str()),
        (NoteReason::CodeMissing, 0, "信用代码")
    );
    let said = format!("{} of {} rows have no code", missing.len(), missing.len() + 1);
    assert_says(&note.message, &[&said]);
    assert_eq!(super::import(format!("企业名称,信用代码\n甲,{CODE}\n")).report.notes, []);
    // A list without the column says so too.
    let notes = super::import("企业名称\n甲\n").report.notes;
    assert_says(&notes[0].message, &["no column for the code", "its 1 rows"]);
}

#[test]
fn a_masked_code_or_one_of_a_formula_is_a_fault() {
    for masked in [
        "91440101********XX",
        "9144＊＊＊＊＊＊＊＊＊＊＊＊XX",
        "91440101XXXXXXXXXX",
        "9144••••••••••••••",
        "91440101…",
    ] {
        let said = refusal(format!("企业名称,信用代码\n甲,{masked}\n"));
        assert_says(&said, &["row 2: 信用代码", "hides characters", "whole code"]);
    }
    for error in ["#N/A", "#REF!", "#VALUE!"] {
        let said = refusal(format!("企业名称,信用代码\n甲,{error}\n"));
        assert_says(&said, &["信用代码 holds the error", error]);
    }
}

#[test]
fn a_wrong_check_character_names_the_option_that_records_the_code() {
    let odd = "91110000MA00000153";
    let list = format!("企业名称,信用代码\n甲,{odd}\n乙,{CODE}\n");
    let said = refusal(&list);
    assert_says(
        &said,
        &[
            "row 2: 信用代码: 91110000MA00000153",
            "2 is expected",
            "--odd-codes local",
            "local:100000/91110000MA00000153",
        ],
    );
    let local = Options { odd_codes: OddCodes::Local, ..options() };
    let import = read_with(&local, &list).unwrap();
    assert_eq!(import.rows[0].event.designee, format!("local:100000/{odd}"));
    assert_eq!(import.rows[1].event.designee, CODE);
    let [note] = import.report.notes.as_slice() else { panic!("{:?}", import.report.notes) };
    assert_eq!((note.reason, note.row), (NoteReason::CodeLocal, 2));
    let spaced = read_with(&local, "企业名称,信用代码\n甲,91110000-ma00000153\n").unwrap();
    assert_eq!(spaced.rows[0].event.designee, format!("local:100000/{odd}"));
}

#[test]
fn identifiers_in_the_code_column_are_kept() {
    for identifier in ["local:440000/zone-7", "provisional:440000/甲公司", "Local:440000/x"] {
        assert_eq!(read_codes(&[identifier]), [identifier]);
    }
    // The server judges what is not even of the form of a code.
    assert_eq!(read_codes(&["190346742", "同上"]), ["190346742", "同上"]);
}

#[test]
fn marks_against_formulas_are_no_part_of_a_cell() {
    let import = import("企业名称,批次,文号\n'=甲,=\"2025-1\",'+1号\n'乙,\"=\"\"2\"\"\",3\n");
    assert_eq!(names(&import), ["=甲", "'乙"]);
    assert_eq!(designated(&import, 0).batch, "2025-1");
    assert_eq!(designated(&import, 1).batch, "2");
    assert_eq!(import.rows[0].event.evidence.as_ref().unwrap().document_number, "+1号");
}
