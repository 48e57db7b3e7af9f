//! Encodings, separators, quotation, and the table within a text.

use super::*;

/// The name must survive whatever the bytes are.
#[track_caller]
fn check_encoding(bytes: &[u8], encoding: &'static str) {
    let import = import(bytes);
    assert_eq!(import.report.encoding, Some(encoding));
    assert_eq!(names(&import), ["示例一号机械有限公司"]);
}

fn utf16(text: &str, bytes: impl Fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

#[test]
fn encodings_are_found_by_content() {
    let text = "企业名称,省份\n示例一号机械有限公司,北京市\n";
    check_encoding(text.as_bytes(), "UTF-8");
    check_encoding(format!("\u{feff}{text}").as_bytes(), "UTF-8");
    check_encoding(&encoding_rs::GB18030.encode(text).0, "GB 18030");
    check_encoding(&utf16(&format!("\u{feff}{text}"), u16::to_le_bytes), "UTF-16");
    check_encoding(&utf16(&format!("\u{feff}{text}"), u16::to_be_bytes), "UTF-16");
}

#[test]
fn gb18030_keeps_rare_characters_of_names() {
    let text = "企业名称\n示例㛃𠮷有限公司\n";
    let (bytes, ..) = encoding_rs::GB18030.encode(text);
    assert_eq!(names(&import(&bytes)), ["示例㛃𠮷有限公司"]);
}

#[test]
fn a_damaged_byte_is_refused_with_its_line_and_not_read_as_another_encoding() {
    let mut utf8 = "企业名称\n示例一号机械有限公司\n示例".as_bytes().to_vec();
    utf8.extend(b"\xD6\xD0\n");
    assert_says(&refusal(&utf8), &["line 3 is not UTF-8", "save"]);

    let (bytes, ..) = encoding_rs::GB18030.encode("企业名称\r\n示例\r\n");
    let mut gb18030 = bytes.into_owned();
    gb18030.extend(b"\xFF\xFF");
    assert_says(&refusal(&gb18030), &["line 3 is not UTF-8 or GB 18030"]);

    let mut bom = b"\xEF\xBB\xBF".to_vec();
    bom.extend(encoding_rs::GB18030.encode("企业名称\n示例\n").0.iter());
    assert_says(&refusal(&bom), &["line 1 is not UTF-8"]);
}

#[test]
fn utf16_is_read_without_a_mark() {
    let text = "企业名称,省份\r\n示例一号机械有限公司,北京市\r\n";
    check_encoding(&utf16(text, u16::to_le_bytes), "UTF-16");
    check_encoding(&utf16(text, u16::to_be_bytes), "UTF-16");
    assert_eq!(names(&import(utf16("name\nx\n", u16::to_le_bytes))), ["x"]);
    let names_alone = "企业名称\n示例一号机械有限公司\n";
    check_encoding(&utf16(names_alone, u16::to_le_bytes), "UTF-16");
}

#[test]
fn a_nul_byte_is_named_with_its_line() {
    let said = refusal("企业名称,批次\n示例一号,1\n示例\0二\0号,1\n示例三号\0,1\n");
    assert_says(&said, &["line 3 holds NUL bytes (2 there, 3 in the file)", "save it again"]);
    assert_says(
        &refusal("企业名称\r\n\0示例一号\r\n"),
        &["line 2 holds NUL bytes (1 there, 1 in the file)"],
    );
    let (bytes, ..) = encoding_rs::GB18030.encode("企业名称,批次\n示例\0一号机械有限公司,1\n");
    assert_says(&refusal(&bytes), &["line 2 holds NUL bytes"]);
    assert_says(&refusal(b"\x01\0\x02\0\x03\x04\0\0".as_slice()), &["a binary file, not a list"]);
}

#[test]
fn marks_at_the_ends_of_a_text_are_dropped() {
    let list = "企业名称\n示例一号机械有限公司\n";
    check_encoding(format!("\u{feff}\u{feff}{list}").as_bytes(), "UTF-8");
    check_encoding(&utf16(&format!("\u{feff}\u{feff}{list}"), u16::to_le_bytes), "UTF-16");
    check_encoding(format!("{list}\u{1a}").as_bytes(), "UTF-8");
}

#[test]
fn separators_are_found_on_the_header_row() {
    for separator in [",", "\t", ";"] {
        let list =
            format!("名单,2024;附件,1\n企业名称{separator}批次\n示例一号{separator}第二批\n");
        let import = import(&list);
        assert_eq!(names(&import), ["示例一号"], "{separator:?}");
        assert_eq!(designated(&import, 0).batch, "2", "{separator:?}");
    }
}

#[test]
fn line_breaks_of_all_systems_are_read_and_counted() {
    for end in ["\n", "\r\n", "\r"] {
        let import = import(format!("企业名称,批次{end}{end}示例一号,1{end}示例二号,2{end}"));
        let rows: Vec<u32> = import.rows.iter().map(|row| row.row).collect();
        assert_eq!(rows, [3, 4], "{end:?}");
        assert_eq!(names(&import), ["示例一号", "示例二号"], "{end:?}");
    }
}

#[test]
fn quoted_fields_hold_separators_marks_and_line_breaks() {
    let list = "name,batch\n\"Example, \"\"One\"\"\nLtd\",1\n\"示例\n二号\",2\n示例\"三\"号,3\n";
    let import = import(list);
    assert_eq!(names(&import), ["Example, \"One\"Ltd", "示例二号", "示例\"三\"号"]);
    let rows: Vec<u32> = import.rows.iter().map(|row| row.row).collect();
    assert_eq!(rows, [2, 4, 6], "the physical line on which a row begins");
}

#[test]
fn a_line_break_between_latin_words_is_a_space() {
    assert_eq!(names(&import("name\n\"Example\nOne\"\n")), ["Example One"]);
}

#[test]
fn an_open_quotation_mark_does_not_swallow_the_rest() {
    let list = "企业名称,批次\n示例一号,1\n\"示例二号,1\n示例三号,1\n";
    assert_says(&refusal(list), &["line 3", "never closed"]);
}

#[test]
fn title_rows_and_footnotes_are_skipped_and_reported() {
    let list = "附件\n专精特新“小巨人”企业名单,,\n\n序号,企业名称,省份\n1,示例一号,北京市\n\
                2,注胶示例有限公司,北京市\n注：排名不分先后,,\n合计,2,\n填表人：某某,审核人：某某,\n";
    let import = import(list);
    assert_eq!(names(&import), ["示例一号", "注胶示例有限公司"]);
    assert_eq!(import.report.sheets[0].header_row, Some(4));
    let above = "above the header";
    assert_eq!(
        skipped(&import),
        [(1, above), (2, above), (7, "a note"), (8, "a note"), (9, "a note")]
    );
}

#[test]
fn a_heading_between_rows_is_not_an_enterprise() {
    let list = "企业名称,批次\n北京市（2家）,\n示例一号,1\n一、广东省,\n示例二号,1\n以上企业名单如有异议请来信。,\n\
                示例三号,\n";
    let import = import(list);
    assert_eq!(names(&import), ["示例一号", "示例二号", "示例三号"]);
    assert_eq!(skipped(&import).iter().map(|(row, _)| *row).collect::<Vec<_>>(), [2, 4, 6]);
}

#[test]
fn a_lone_cell_outside_the_name_column_is_not_data() {
    let import = import("序号,企业名称,批次\n北京市,,\n1,示例一号,1\n");
    assert_eq!(names(&import), ["示例一号"]);
    assert_eq!(skipped(&import), [(2, "only one cell, neither name nor code")]);
}

#[test]
fn a_header_repeated_at_a_page_break_is_skipped() {
    let import = import("序号,企业名称\n1,示例一号\n序号,企业 名称\n2,示例二号\n");
    assert_eq!(names(&import), ["示例一号", "示例二号"]);
    assert_eq!(skipped(&import), [(3, "the header again")]);
}

#[test]
fn a_header_of_two_rows_is_joined() {
    let list = "企业名称,有效期,,备注\n,起,止,\n示例一号,2024-01-01,2026-12-31,x\n";
    let import = import(list);
    assert_eq!(import.rows[0].event.effective_date, date(2024, 1, 1));
    assert_eq!(designated(&import, 0).valid_to, date(2026, 12, 31));
    assert_eq!(skipped(&import), [(2, "second row of the header")]);
}

#[test]
fn the_first_row_of_data_is_never_taken_for_a_header() {
    let import = import("企业名称,省份,\n示例一号,北京市,甲\n");
    assert_eq!(names(&import), ["示例一号"]);
}

#[test]
fn the_header_is_searched_in_thirty_rows() {
    let list = |above: usize| format!("{}企业名称,批次\n示例一号,1\n", "说明,x\n".repeat(above));
    assert_eq!(import(list(29)).report.sheets[0].header_row, Some(30));
    assert_says(&refusal(list(30)), &["no table found", "30 rows"]);
}

#[test]
fn a_list_of_names_alone_is_a_table_and_a_title_is_not_its_header() {
    let import = import("附件\n企业名称\n示例一号\n示例二号\n");
    assert_eq!(names(&import), ["示例一号", "示例二号"]);
    assert_eq!(
        super::import("企业,\n序号,企业名称\n1,示例一号\n").report.sheets[0].columns.len(),
        2
    );
}

#[test]
fn without_a_table_the_error_says_what_was_sought_and_found() {
    let said = refusal("厂家,省份\n示例一号,北京市\n");
    assert_says(
        &said,
        &["no table found", "企业名称", "统一社会信用代码", "厂家, 省份", "--column"],
    );
    assert_says(&refusal(""), &["no rows"]);
    assert_says(&refusal("\n \n,,\n"), &["no rows"]);
    assert_says(&refusal("序号,企业名称\n"), &["header in row 1", "no data"]);
}

#[test]
fn headers_are_known_in_any_width_case_and_spacing() {
    for header in [
        "企业名称",
        "企 业\u{3000}名 称",
        "*企业名称：",
        "企业名称（全称）",
        "Name",
        "ＮＡＭＥ",
        "\"企业\n名称\"",
    ] {
        assert_eq!(
            names(&import(format!("{header},批次\n示例一号,1\n"))),
            ["示例一号"],
            "{header}"
        );
    }
}

#[test]
fn a_column_can_be_named_or_left_out() {
    let list = "厂家,类型\n示例一号,国有\n";
    let mut chosen = choose("name", "厂家");
    assert_says(&refusal_with(&chosen, list), &["类型", "国有", "is not a fact"]);
    chosen.columns.push(("ignore".to_owned(), "类型".to_owned()));
    let import = read_with(&chosen, list).unwrap();
    assert_eq!(names(&import), ["示例一号"]);
    assert_eq!(import.report.sheets[0].unmapped, ["类型"]);
    assert_eq!(import.report.sheets[0].columns, [("name", "厂家".to_owned())]);
}

#[test]
fn a_chosen_column_must_exist_and_its_field_too() {
    let list = "企业名称\n示例一号\n";
    let said = refusal_with(&choose("batch", "批号"), list);
    assert_says(&said, &["--column batch=批号", "no such column", "企业名称"]);
    let said = refusal_with(&choose("colour", "批号"), list);
    assert_says(&said, &["colour is not a field", "designee", "ignore"]);
}

#[test]
fn two_columns_for_one_field_are_not_chosen_from() {
    let list = "企业名称,单位名称\n示例一号,示例二号\n";
    assert_says(&refusal(list), &["企业名称", "单位名称", "--column name="]);
    let import = read_with(&choose("name", "单位名称"), list).unwrap();
    assert_eq!(names(&import), ["示例二号"]);
    assert_eq!(import.report.sheets[0].unmapped, ["企业名称"]);
}

#[test]
fn unknown_columns_are_reported() {
    let import = import("企业名称,营业收入\n示例一号,5\n");
    assert_eq!(import.report.sheets[0].unmapped, ["营业收入"]);
}
