//! Columns by letter, characters that nobody sees, and columns that are left out although they
//! state facts.

use super::*;

fn with(columns: &[(&str, &str)]) -> Options {
    let owned = |(field, header): &(&str, &str)| ((*field).to_owned(), (*header).to_owned());
    Options { columns: columns.iter().map(owned).collect(), ..options() }
}

#[test]
fn a_column_can_be_named_by_its_letter() {
    let list = "厂家,批号,备注\n甲公司,3,x\n";
    let import = read_with(&with(&[("name", "A"), ("batch", "B")]), list).unwrap();
    assert_eq!((names(&import), designated(&import, 0).batch.as_str()), (vec!["甲公司"], "3"));
    // A header goes before a letter.
    let list = "企业名称,A\n甲公司,3\n";
    let import = read_with(&with(&[("batch", "A")]), list).unwrap();
    assert_eq!(designated(&import, 0).batch, "3");
    // A column without a header.
    let import = read_with(&with(&[("batch", "C")]), "企业名称,备注,\n甲公司,x,3\n").unwrap();
    assert_eq!(designated(&import, 0).batch, "3");
    assert_says(
        &refusal_with(&with(&[("batch", "F")]), "企业名称,备注\n甲公司,x\n"),
        &["--column batch=F", "no such column"],
    );
    let said = refusal_with(&with(&[("name", "B")]), "企业名称,联系人\n甲公司,某某\n");
    assert_says(&said, &["--column name=B", "personal data"]);
}

#[test]
fn letters_read_a_sheet_without_a_header() {
    let list = format!("1,甲公司,{CODE}\n2,乙公司,\n");
    let columns = with(&[("row", "A"), ("name", "B"), ("designee", "C")]);
    let import = read_with(&columns, &list).unwrap();
    assert_eq!(names(&import), ["甲公司", "乙公司"]);
    assert_eq!(import.rows[0].event.designee, CODE);
    assert_eq!(import.report.sheets[0].header_row, None);
    // A row of headers is one, known or not.
    for header in ["编号,厂家,代码", "批次,厂家,代码"] {
        let import = read_with(&columns, format!("{header}\n{list}")).unwrap();
        assert_eq!(names(&import), ["甲公司", "乙公司"], "{header}");
    }
}

#[test]
fn letters_count_as_in_spreadsheets() {
    use super::super::columns::{letter, letter_index};
    for (index, text) in
        [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (701, "ZZ"), (702, "AAA")]
    {
        assert_eq!((letter(index).as_str(), letter_index(text)), (text, Some(index)));
    }
    for text in ["", "a", "A1", "AAAA", "名"] {
        assert_eq!(letter_index(text), None, "{text}");
    }
}

#[test]
fn characters_that_nobody_sees_do_not_hide_a_header() {
    for unseen in ["\u{200b}", "\u{feff}", "\u{200e}", "\u{ad}", "\u{2060}", "\u{fe0f}", "\u{3164}"]
    {
        let list = format!(
            "{unseen}序号,企业{unseen}名称,统一社会信用代码{unseen},{unseen}有效期至\n\
             1,甲公司,{CODE},2028-12-31\n"
        );
        let import = import(&list);
        assert_eq!(import.rows[0].event.designee, CODE, "{unseen:?}");
        assert_eq!(designated(&import, 0).valid_to, date(2028, 12, 31), "{unseen:?}");
        let chosen = with(&[("batch", &format!("批{unseen}号"))]);
        let import = read_with(&chosen, format!("企业名称,{unseen}批号\n甲公司,7\n")).unwrap();
        assert_eq!(designated(&import, 0).batch, "7", "{unseen:?}");
    }
}

#[test]
fn a_column_that_is_left_out_must_not_state_facts() {
    for (header, words) in [
        ("复核结果", ["通过", "不通过"]),
        ("认定情况", ["新认定", "复核通过"]),
        ("处理意见", ["保留", "取消"]),
        ("状态", ["2026年新认定", "撤销（自愿放弃）"]),
        ("Result", ["Passed", "Failed"]),
        ("是否通过复核", ["是", "否"]),
        ("备注", ["", "更名"]),
    ] {
        let list = format!("企业名称,{header}\n甲公司,{}\n乙公司,{}\n", words[0], words[1]);
        let said = refusal(&list);
        assert_says(&said, &[header, words[1], "--column fact=", "--column ignore="]);
        let ignored = read_with(&with(&[("ignore", header)]), &list).unwrap();
        assert_eq!(names(&ignored), ["甲公司", "乙公司"]);
        let stated = Options { fact: Some(FactKind::Designated), ..options() };
        assert_says(&refusal_with(&stated, &list), &[header]);
    }
    let said = refusal("企业名称,备注,\n甲公司,x,新认定\n");
    assert_says(&said, &["column C", "新认定", "--column ignore=C"]);
    let ignored =
        read_with(&with(&[("ignore", "C")]), "企业名称,备注,\n甲公司,x,新认定\n").unwrap();
    assert_eq!(names(&ignored), ["甲公司"]);
}

#[test]
fn ordinary_columns_are_left_out_without_a_word() {
    for (header, word) in [
        ("上市情况", "未上市"),
        ("备注", "该企业于2024年获得认定，2026年通过复核，现予公布"),
        ("主营业务", "产品质量认证"),
        ("成立时间", "2010-01-01"),
        ("规模", "中型"),
        ("所属领域", "新增材料制造"),
        ("是否上市", "否"),
        ("营业收入", "500"),
    ] {
        let import = import(format!("企业名称,{header}\n甲公司,{word}\n"));
        assert_eq!(names(&import), ["甲公司"], "{header}");
    }
}
