//! Hidden rows and columns: the caller says whether they belong to the list.

use rust_xlsxwriter::{Workbook, Worksheet};

use super::*;

/// A list of five enterprises under a title, with notes and numbers below it.
fn list(hide: impl Fn(&mut Worksheet)) -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet.set_name("名单").unwrap();
    sheet.write(0, 0, "2026年名单").unwrap();
    for (column, header) in (0_u16..).zip(["序号", "企业名称", "批次", "备注"]) {
        sheet.write(1, column, header).unwrap();
    }
    for (row, name) in (2_u32..).zip(["甲公司", "乙公司", "丙公司", "丁公司", "戊公司"])
    {
        sheet.write(row, 0, row - 1).unwrap();
        sheet.write(row, 1, name).unwrap();
        sheet.write(row, 2, "第七批").unwrap();
    }
    sheet.write(7, 0, 6).unwrap();
    sheet.write(8, 0, "注：共5家").unwrap();
    hide(sheet);
    book.save_to_buffer().unwrap()
}

fn with(hidden: ReadOrSkip) -> Options {
    Options { hidden: Some(hidden), ..options() }
}

#[test]
fn hidden_rows_need_the_word_of_the_caller() {
    let bytes = list(|sheet| {
        for row in [2, 4, 5] {
            sheet.set_row_hidden(row).unwrap();
        }
    });
    let said = refusal(&bytes);
    assert_says(
        &said,
        &["sheet 名单", "hidden rows 3 and 5 to 6", "--hidden skip", "--hidden read"],
    );
    let skipped = read_with(&with(ReadOrSkip::Skip), &bytes).unwrap();
    assert_eq!(names(&skipped), ["乙公司", "戊公司"]);
    assert_eq!(skipped.report.notes[0].reason, NoteReason::HiddenSkipped);
    let read = read_with(&with(ReadOrSkip::Read), &bytes).unwrap();
    assert_eq!(names(&read).len(), 5);
    assert_eq!(read.report.notes[0].reason, NoteReason::HiddenRead);
}

#[test]
fn hidden_columns_are_named_by_letter_and_header() {
    let bytes = list(|sheet| {
        sheet.set_column_hidden(2).unwrap();
    });
    assert_says(&refusal(&bytes), &["hidden column C (批次)"]);
    let skipped = read_with(&with(ReadOrSkip::Skip), &bytes).unwrap();
    assert_eq!(designated(&skipped, 0).batch, "1", "the option supplies it");
    let read = read_with(&with(ReadOrSkip::Read), &bytes).unwrap();
    assert_eq!(designated(&read, 0).batch, "7");
}

#[test]
fn hidden_cells_that_decide_nothing_are_passed_over() {
    let bytes = list(|sheet| {
        for row in [0, 7, 8, 20] {
            sheet.set_row_hidden(row).unwrap();
        }
        sheet.set_column_hidden(9).unwrap();
    });
    let import = import(&bytes);
    assert_eq!(names(&import).len(), 5);
    assert!(import.report.notes.iter().all(|note| note.reason == NoteReason::CodeMissing));
}

#[test]
fn a_hidden_title_that_names_a_fact_counts() {
    let bytes = list(|sheet| {
        sheet.write(0, 0, "撤销企业名单").unwrap();
        sheet.set_row_hidden(0).unwrap();
    });
    assert_says(&refusal(&bytes), &["hidden row 1"]);
    assert_eq!(names(&read_with(&with(ReadOrSkip::Skip), &bytes).unwrap()).len(), 5);
    assert_says(&refusal_with(&with(ReadOrSkip::Read), &bytes), &["--reason"]);
}
