//! XLSX made here, and a small XLS made with Python's xlwt.

use calamine::{Data, ExcelDateTime, ExcelDateTimeType};
use rust_xlsxwriter::{Format as Style, Workbook, Worksheet};

use super::super::sheet::{Cell, cell};
use super::*;

const XLS: &[u8] = include_bytes!("../../../tests/fixtures/list.xls");

/// A workbook of one sheet.
fn book(fill: impl Fn(&mut Worksheet)) -> Vec<u8> {
    books(&[("名单", &fill)])
}

type Fill<'a> = &'a dyn Fn(&mut Worksheet);

fn books(sheets: &[(&str, Fill<'_>)]) -> Vec<u8> {
    let mut book = Workbook::new();
    for (name, fill) in sheets {
        let sheet = book.add_worksheet();
        sheet.set_name(*name).unwrap();
        fill(sheet);
    }
    book.save_to_buffer().unwrap()
}

fn put(sheet: &mut Worksheet, row: u32, cells: &[&str]) {
    for (column, text) in (0_u16..).zip(cells).filter(|(_, text)| !text.is_empty()) {
        sheet.write(row, column, *text).unwrap();
    }
}

fn merge(sheet: &mut Worksheet, from: (u32, u16), to: (u32, u16), text: &str) {
    sheet.merge_range(from.0, from.1, to.0, to.1, text, &Style::new()).unwrap();
}

#[test]
fn merged_cells_fill_their_rows() {
    let import = import(book(|sheet| {
        put(sheet, 0, &["省份", "批次", "企业\n名称"]);
        merge(sheet, (1, 0), (2, 0), "广东省");
        merge(sheet, (1, 1), (3, 1), "第四批");
        put(sheet, 1, &["", "", "甲"]);
        put(sheet, 2, &["", "", "乙"]);
        put(sheet, 3, &["北京市", "", "丙"]);
    }));
    let told: Vec<_> = (0..3)
        .map(|at| designated(&import, at))
        .map(|fact| (fact.recommended_by.as_str(), fact.batch.as_str()))
        .collect();
    assert_eq!(told, [("440000", "4"), ("440000", "4"), ("110000", "4")]);
    assert_eq!(import.report.format, Format::Xlsx);
    assert_eq!(import.report.sheets[0].columns[2], ("name", "企业名称".to_owned()));
}

#[test]
fn titles_and_notes_merged_over_the_table_are_skipped() {
    let import = import(book(|sheet| {
        merge(sheet, (0, 0), (0, 2), "企业名称");
        put(sheet, 2, &["序号", "企业名称", "批次"]);
        put(sheet, 3, &["1", "甲", "1"]);
        merge(sheet, (4, 0), (4, 2), "注：共1家。");
        merge(sheet, (5, 1), (5, 2), "广东省");
    }));
    assert_eq!(names(&import), ["甲"]);
    assert_eq!(import.rows[0].row, 4, "the number that Excel shows");
    assert_eq!(skipped(&import).iter().map(|(row, _)| *row).collect::<Vec<_>>(), [1, 5, 6]);
}

#[test]
fn a_merged_header_of_two_rows_is_joined() {
    let import = import(book(|sheet| {
        merge(sheet, (0, 0), (1, 0), "企业名称");
        merge(sheet, (0, 1), (0, 2), "有效期");
        merge(sheet, (0, 3), (0, 4), "经营数据");
        put(sheet, 1, &["", "起", "止", "营业收入", "利润"]);
        put(sheet, 2, &["甲", "2024-01-01", "2026-12-31", "5", "6"]);
    }));
    assert_eq!(import.rows[0].event.effective_date, date(2024, 1, 1));
    assert_eq!(designated(&import, 0).valid_to, date(2026, 12, 31));
    assert_eq!(import.report.sheets[0].unmapped, ["经营数据营业收入", "经营数据利润"]);
}

#[test]
fn a_merged_header_whose_second_row_is_unknown_is_not_data() {
    let import = import(book(|sheet| {
        merge(sheet, (0, 0), (1, 0), "企业名称");
        put(sheet, 0, &["", "收入2023年"]);
        put(sheet, 1, &["", "2022年"]);
        put(sheet, 2, &["甲", "5"]);
    }));
    assert_eq!(names(&import), ["甲"]);
    assert_eq!(skipped(&import), [(2, "the header again")]);
}

#[test]
fn a_numeric_code_is_refused_by_name() {
    let said = refusal(book(|sheet| {
        put(sheet, 0, &["企业名称", "统一社会信用代码"]);
        put(sheet, 1, &["甲"]);
        sheet.write(1, 1, 914_403_001_922_038_200_f64).unwrap();
    }));
    assert_says(
        &said,
        &["sheet 名单, row 2: 统一社会信用代码 is a number (9.14403E+17)", "as text"],
    );
}

#[test]
fn integral_numbers_elsewhere_lose_their_fraction() {
    let import = import(book(|sheet| {
        put(sheet, 0, &["序号", "企业名称", "批次", "推荐单位"]);
        put(sheet, 1, &["", "甲"]);
        sheet.write(1, 0, 12.0).unwrap();
        sheet.write(1, 2, 4.0).unwrap();
        sheet.write(1, 3, 440_300.0).unwrap();
    }));
    let fact = designated(&import, 0);
    assert_eq!((fact.batch.as_str(), fact.recommended_by.as_str()), ("4", "440300"));
    assert_eq!(import.rows[0].event.evidence.as_ref().unwrap().row, 12);
}

#[test]
fn date_cells_are_days_and_bare_numbers_are_not() {
    let style = Style::new().set_num_format("yyyy-mm-dd");
    let list = |with_style: bool, value: f64| {
        book(|sheet| {
            put(sheet, 0, &["企业名称", "认定日期"]);
            put(sheet, 1, &["甲"]);
            match with_style {
                true => sheet.write_with_format(1, 1, value, &style).unwrap(),
                false => sheet.write(1, 1, value).unwrap(),
            };
        })
    };
    assert_eq!(import(list(true, 45_351.5)).rows[0].event.effective_date, date(2024, 2, 29));
    assert_eq!(import(list(false, 20_240_229.0)).rows[0].event.effective_date, date(2024, 2, 29));
    assert_eq!(import(list(false, 2024.0)).rows[0].event.effective_date, date(2024, 0, 0));
    for number in [45_351.0, 2024.1] {
        let said = refusal(list(false, number));
        assert_says(&said, &["认定日期 is the number", "format the column as a date"]);
    }
    assert_says(&refusal(list(true, 60.0)), &["1900-02-29 is not a date"]);
}

#[test]
fn both_date_systems_of_excel_are_known() {
    let day = |serial, is_1904| {
        cell(&Data::DateTime(ExcelDateTime::new(serial, ExcelDateTimeType::DateTime, is_1904)))
    };
    let of = |day: &str| Cell::Moment { day: day.to_owned(), time: None };
    assert_eq!(day(45_292.0, false), of("2024-01-01"));
    assert_eq!(day(43_830.0, true), of("2024-01-01"));
    assert_eq!(day(59.0, false), of("1900-02-28"));
    assert_eq!(day(61.0, false), of("1900-03-01"));
}

#[test]
fn all_sheets_with_a_table_are_read_and_the_others_reported() {
    let table = |name: &'static str| {
        move |sheet: &mut Worksheet| {
            put(sheet, 0, &["企业名称", "批次"]);
            put(sheet, 1, &[name, "1"]);
        }
    };
    let hidden = |sheet: &mut Worksheet| {
        table("丁")(sheet);
        sheet.set_hidden(true);
    };
    let note = |sheet: &mut Worksheet| put(sheet, 0, &["本表由示例单位编制"]);
    let bytes = books(&[
        ("一", &table("甲")),
        ("空", &|_| {}),
        ("说明", &note),
        ("二", &table("乙")),
        ("底稿", &hidden),
    ]);
    let import = import(&bytes);
    assert_eq!(names(&import), ["甲", "乙"]);
    assert_eq!((import.rows[1].sheet.as_str(), import.rows[1].row), ("二", 2));
    let sheets = import.report.sheets.iter();
    let not_read: Vec<_> =
        sheets.map(|sheet| sheet.not_read.as_ref().map_or("", |why| why.en())).collect();
    assert_eq!(not_read, ["", "empty", "no table found", "", "hidden; --sheet reads it"]);

    let only = |name: &str| Options { sheet: Some(name.to_owned()), ..options() };
    assert_eq!(names(&read_with(&only("二"), &bytes).unwrap()), ["乙"]);
    assert_eq!(names(&read_with(&only("底稿"), &bytes).unwrap()), ["丁"]);
    assert_says(&refusal_with(&only("三"), &bytes), &["--sheet 三", "一, 空, 说明, 二, 底稿"]);
    assert_says(&refusal_with(&only("说明"), &bytes), &["no table found", "本表由示例单位编制"]);
    assert_says(&refusal_with(&only("空"), &bytes), &["no rows"]);
    assert_says(&refusal(books(&[("空", &|_| {}), ("底稿", &hidden)])), &["--sheet", "底稿"]);
}

#[test]
fn the_error_of_a_formula_is_a_fault() {
    // The writer stores this as the result of the formula.
    let said = refusal(book(|sheet| {
        put(sheet, 0, &["企业名称", "批次"]);
        put(sheet, 1, &["甲"]);
        let formula = rust_xlsxwriter::Formula::new("=1/0").set_result("#DIV/0!");
        sheet.write(1, 1, formula).unwrap();
    }));
    assert_says(&said, &["row 2: 批次 holds the error #DIV/0!"]);
}

#[test]
fn columns_count_from_a_where_the_table_begins_further_right() {
    let import = import(book(|sheet| {
        put(sheet, 4, &["", "", "企业名称", "批次"]);
        merge(sheet, (5, 3), (6, 3), "7");
        put(sheet, 5, &["", "", "甲"]);
        put(sheet, 6, &["", "", "乙"]);
    }));
    assert_eq!((designated(&import, 1).batch.as_str(), import.rows[1].row), ("7", 7));
}

#[test]
fn xls_is_read_by_its_content() {
    let import = import(XLS);
    assert_eq!(import.report.format, Format::Xls);
    assert_eq!(
        names(&import),
        ["示例一号机械有限公司", "示例二号电子有限公司", "示例三号材料有限公司"]
    );
    let fact = designated(&import, 1);
    assert_eq!((fact.batch.as_str(), fact.recommended_by.as_str()), ("4", "440000"));
    assert_eq!(import.rows[1].event.effective_date, date(2024, 2, 29));
    assert_eq!(import.rows[0].event.designee, CODE);
    let [list, empty] = import.report.sheets.as_slice() else { panic!() };
    assert_eq!(
        (list.personal.as_slice(), empty.not_read.as_ref().map(Both::en)),
        (["联系人".to_owned()].as_slice(), Some("empty"))
    );
    assert_eq!(skipped(&import), [(1, "above the header"), (6, "a note")]);
}

#[test]
fn a_broken_workbook_is_a_fault_of_the_file() {
    assert_says(&refusal(b"PK\x03\x04 no archive"), &["list: it cannot be read as XLSX"]);
    let cut = XLS.get(..600).unwrap();
    assert_says(&refusal(cut), &["cannot be read as XLS"]);
}
