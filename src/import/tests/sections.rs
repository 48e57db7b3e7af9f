//! Several tables in one sheet: below each other, side by side, and of something else.

use super::*;

/// Names, days and last days of a list of designations.
fn read_days(import: &Import) -> Vec<(&str, String, String)> {
    let shown = |date: Option<pb::Date>| {
        date.map_or(String::new(), |date| format!("{}-{}-{}", date.year, date.month, date.day))
    };
    let row = |row: &ImportedRow, at: usize| {
        (shown(row.event.effective_date), shown(designated(import, at).valid_to))
    };
    let rows = import.rows.iter().enumerate();
    rows.map(|(at, found)| (name(found), row(found, at).0, row(found, at).1)).collect()
}

fn reasons(import: &Import) -> Vec<NoteReason> {
    import.report.notes.iter().map(|note| note.reason).collect()
}

#[test]
fn a_header_that_differs_begins_a_table_with_its_own_columns() {
    let list = "序号,企业名称,认定日期,有效期至\n1,甲公司,2026-01-01,2028-12-31\n\
                序号,企业名称,有效期至,认定日期\n2,乙公司,2028-12-31,2026-01-01\n\
                企业名称,有效期至\n丙公司,2027-12-31\n";
    let import = import(list);
    let day = |text: &str| text.to_owned();
    assert_eq!(
        read_days(&import),
        [
            ("甲公司", day("2026-1-1"), day("2028-12-31")),
            ("乙公司", day("2026-1-1"), day("2028-12-31")),
            ("丙公司", day("2019-6-5"), day("2027-12-31")),
        ]
    );
    let headers: Vec<_> = import.report.sheets.iter().map(|table| table.header_row).collect();
    assert_eq!(headers, [Some(1), Some(3), Some(5)]);
}

#[test]
fn a_header_that_only_looks_different_is_the_header_again() {
    let first = "序号,企业名称,信用代码,有效期至";
    for again in [
        "序 号,企业 名称,信用代码,有效期至",
        "序号,企业名称（续表）,信用代码,有效期至",
        "序号,单位名称,统一社会信用代码,有效期至",
        "序号,企业名称,信用代码,",
        "\u{feff}序号,企业\u{200b}名称,信用代码,有效期至",
        "序号：,*企业名称,信用代码,有效期至（年月日）",
    ] {
        let list = format!("{first}\n1,甲公司,,2028-12-31\n{again}\n2,乙公司,,2029-12-31\n");
        let import = import(&list);
        assert_eq!(names(&import), ["甲公司", "乙公司"], "{again}");
        assert_eq!(skipped(&import), [(3, "the header again")], "{again}");
        assert_eq!(designated(&import, 1).valid_to, date(2029, 12, 31), "{again}");
    }
}

#[test]
fn a_header_of_two_rows_is_known_again() {
    let header = "企业名称,有效期,,备注\n,起,止,\n";
    let list =
        format!("{header}甲公司,2024-01-01,2026-12-31,x\n{header}乙公司,2025-01-01,2027-12-31,x\n");
    let import = import(&list);
    assert_eq!(names(&import), ["甲公司", "乙公司"]);
    assert_eq!(import.report.sheets.len(), 1);
    assert_eq!(designated(&import, 1).valid_to, date(2027, 12, 31));
    let rows: Vec<u32> = skipped(&import).iter().map(|(row, _)| *row).collect();
    assert_eq!(rows, [2, 4, 5]);
}

#[test]
fn a_second_table_may_have_a_header_of_two_rows() {
    let list = "企业名称,批次\n甲公司,1\n企业名称,有效期,\n,起,止\n乙公司,2025-01-01,2027-12-31\n";
    let import = import(list);
    assert_eq!(names(&import), ["甲公司", "乙公司"]);
    assert_eq!(designated(&import, 1).valid_to, date(2027, 12, 31));
}

#[test]
fn rows_of_data_are_not_taken_for_headers() {
    // `企业`, `省` and `批次` are headers elsewhere.
    let list = "序号,名称,单位性质,级别\n1,甲公司,企业,省\n2,乙中心,事业单位,市\n,丙公司,企业,省\n";
    assert_eq!(names(&import(list)), ["甲公司", "乙中心", "丙公司"]);
    let list = "企业名称,主导产品,备注\n甲公司,编号机,\n乙公司,批次,数量\n";
    assert_eq!(names(&import(list)), ["甲公司", "乙公司"]);
}

#[test]
fn a_table_of_something_else_is_left_out_until_the_next_header() {
    let list = "某省清单\n1. 说明\n企业名称,所属区域,上市情况,批次\n甲公司,东区,未上市,第一批\n\
                2. 按行业分类\n企业名称,所在城市,上市情况\n丙简称,某市,未上市\n3. 按地区统计\n\
                省份/城市,数量,主要领域\n某市,80+,机械\n另一市,20,电子\n4. 备注\n";
    let import = import(list);
    assert_eq!(names(&import), ["甲公司", "丙简称"]);
    let note = import.report.notes.iter().find(|note| note.reason == NoteReason::OtherTable);
    let note = note.unwrap();
    assert_eq!(note.row, 9);
    assert_says(&note.message, &["rows 9 to 12", "省份/城市"]);
    let back = format!("{list}企业名称,批次\n丁公司,2\n");
    assert_eq!(names(&super::import(back)), ["甲公司", "丙简称", "丁公司"]);
}

#[test]
fn other_tables_of_other_words_are_left_out_too() {
    for other in [
        "序号,地区,企业数量（家）\n1,广东省,20\n2,北京市,30\n",
        "地市,数量,占比\n广州市,20,40%\n深圳市,30,60%\n",
        "No,region,count\n1,east,20\n",
        "行业,家数\n制造业,20\n服务业,30\n",
    ] {
        let list = format!("序号,企业名称,批次\n1,甲公司,1\n统计表\n{other}");
        let import = import(&list);
        assert_eq!(names(&import), ["甲公司"], "{other}");
        assert!(reasons(&import).contains(&NoteReason::OtherTable), "{other}");
    }
}

#[test]
fn a_table_of_enterprises_with_unknown_headers_is_refused() {
    let list = "序号,企业名称,批次\n1,甲公司,1\n附表\n序号,单位,说明\n1,乙测试有限公司,第二批\n";
    assert_says(&refusal(list), &["row 4", "单位", "row 5", "乙测试有限公司", "--column name="]);
}

#[test]
fn halves_side_by_side_are_read_from_the_left() {
    let list = "名单,,,,,\n序号,企业名称,信用代码,序号,企业名称,信用代码\n1,甲公司,,3,丙公司,\n\
                2,乙公司,,4,丁公司,\n,,,5,戊公司,\n";
    let import = import(list);
    assert_eq!(names(&import), ["甲公司", "乙公司", "丙公司", "丁公司", "戊公司"]);
    let number = |row: &ImportedRow| row.event.evidence.as_ref().unwrap().row;
    let rows: Vec<_> = import.rows.iter().map(number).collect();
    assert_eq!(rows, [1, 2, 3, 4, 5]);
    assert!(reasons(&import).contains(&NoteReason::SideBySide));
    assert_eq!(import.report.sheets.len(), 2);
}

#[test]
fn blocks_may_be_three_or_have_columns_between_them() {
    let list = "企业名称,企业名称,企业名称\n甲公司,乙公司,丙公司\n丁公司,,\n";
    assert_eq!(names(&import(list)), ["甲公司", "丁公司", "乙公司", "丙公司"]);
    let list = "编号,企业名称,批次,,编号,企业名称,批次\nA-1,甲公司,1,,A-2,乙公司,2\n";
    let import = import(list);
    assert_eq!(names(&import), ["甲公司", "乙公司"]);
    assert_eq!(designated(&import, 1).batch, "2");
    let list = "No,Name,Batch,No,Name,Batch\n1,Example One Ltd,1,2,Example Two Ltd,2\n";
    assert_eq!(names(&super::import(list)), ["Example One Ltd", "Example Two Ltd"]);
}

#[test]
fn headings_over_halves_count_for_both() {
    let list = "序号,企业名称,序号,企业名称\n一、新认定企业,,,\n1,甲公司,2,乙公司\n广州市,,,\n3,丙公司,4,丁公司\n\
                二、撤销企业,,,\n5,戊公司,6,己公司\n";
    let options = Options { reason: Some("数据造假".to_owned()), ..options() };
    let import = read_with(&options, list).unwrap();
    let revoked: Vec<_> = import
        .rows
        .iter()
        .map(|row| (row.row, matches!(row.event.fact, Some(Fact::Revoked(_)))))
        .collect();
    assert_eq!(revoked, [(3, false), (5, false), (7, true), (3, false), (5, false), (7, true)]);
}

#[test]
fn columns_that_repeat_without_being_halves_stay_ambiguous() {
    let list = "企业名称,单位名称\n甲公司,乙公司\n";
    assert_says(&refusal(list), &["企业名称", "单位名称", "--column name="]);
    let list = "地区,企业名称,批次,企业名称,批次\n广东省,甲公司,1,乙公司,2\n";
    assert_says(&refusal(list), &["--column name=B"]);
    let import = read_with(&choose("name", "D"), list);
    assert_says(&import.unwrap_err().to_string(), &["--column batch=C"]);
    let both = |name: &str, batch: &str| Options {
        columns: vec![("name".to_owned(), name.to_owned()), ("batch".to_owned(), batch.to_owned())],
        ..options()
    };
    let import = read_with(&both("D", "E"), list).unwrap();
    assert_eq!((names(&import), designated(&import, 0).batch.as_str()), (vec!["乙公司"], "2"));
}

#[test]
fn the_number_of_tables_has_a_bound() {
    let tables = |count: usize| {
        (0..count).map(|at| match at % 2 {
            0 => "企业名称,批次\n甲公司,1\n",
            _ => "批次,企业名称\n1,甲公司\n",
        })
    };
    let max = crate::limits::LIST_TABLES_MAX;
    assert_eq!(import(tables(max).collect::<String>()).report.sheets.len(), max);
    assert_says(&refusal(tables(max + 1).collect::<String>()), &["1000 tables"]);
}

#[test]
fn numbers_of_the_columns_below_a_header_are_not_data() {
    let import = import("序号,企业名称,批次\n1,2,3\n1,甲公司,1\n");
    assert_eq!(names(&import), ["甲公司"]);
    assert_eq!(skipped(&import), [(2, "numbers of the columns")]);
}
