//! Texts alone in their rows: headings, dates and remarks are no enterprises, and the rest is for
//! the caller to say.

use super::*;

fn list_with(lone: &str) -> String {
    format!("序号,企业名称,信用代码,省份\n1,甲公司,{CODE},北京市\n,{lone},,\n2,乙公司,,北京市\n")
}

#[test]
fn headings_dates_and_remarks_are_not_enterprises() {
    for lone in [
        "广州市",
        "佛山市（共1家）",
        "1.东莞市",
        "省直有关单位",
        "以上企业名单排名不分先后",
        "2026年1月5日",
        "二〇二六年一月五日",
        "2. 按行业分类",
        "7.备注",
        "北京",
        "（续表）",
        "(接上页)",
        "续上表",
        "第 3 页 共 12 页",
        "黔东南苗族侗族自治州（12户）",
        "（二）先进制造业",
        "第一批",
        "电子信息领域",
        "共25家",
        "广州市合计",
        "广东省工业和信息化厅",
        "附件2",
        "企业名称",
        "Guangdong Province",
        "Guangzhou (3 enterprises)",
        "Total: 25",
        "Section 2",
        "民营企业",
        "——",
    ] {
        let import = import(list_with(&format!("\"{lone}\"")));
        assert_eq!(names(&import), ["甲公司", "乙公司"], "{lone}");
        assert_eq!(skipped(&import).first().map(|(row, _)| *row), Some(3), "{lone}");
    }
}

#[test]
fn the_same_headings_beside_their_numbers_are_not_enterprises_either() {
    for row in [
        "一,广州市,,",
        ",广州市,25,",
        "二,先进制造业,,",
        "3,深圳市（共2家）,,",
        "（三）,其他企业,,",
    ] {
        let list = format!("序号,企业名称,信用代码,批次\n1,甲公司,{CODE},1\n{row}\n2,乙公司,,1\n");
        assert_eq!(names(&import(&list)), ["甲公司", "乙公司"], "{row}");
    }
}

#[test]
fn a_lone_name_with_the_word_of_a_company_is_read_and_noted() {
    for lone in [
        "丙测试有限公司",
        "取消烦恼科技有限公司",
        "广州市示例研究院",
        "示例企业管理中心（有限合伙）",
        "广东省中小企业服务中心",
        "上海市第一百货商店",
        "3M示例（中国）有限公司",
        "Example Trading Co., Ltd.",
        "1.5度示例有限公司",
        "示例市政工程集团",
    ] {
        let import = import(list_with(&format!("\"{lone}\"")));
        assert_eq!(names(&import), ["甲公司", lone, "乙公司"]);
        let note = import.report.notes.iter().find(|note| note.reason == NoteReason::LoneName);
        assert_eq!(note.map(|note| note.row), Some(3), "{lone}");
    }
}

#[test]
fn any_other_lone_text_is_for_the_caller_to_say() {
    for lone in ["丙简称", "1.丙测试有限公司", "智能之光"] {
        let said = refusal(list_with(lone));
        assert_says(&said, &["row 3", lone, "--lone-names read", "--lone-names skip"]);
        let with = |lone_names| Options { lone_names: Some(lone_names), ..options() };
        let read = read_with(&with(ReadOrSkip::Read), list_with(lone)).unwrap();
        assert_eq!(names(&read), ["甲公司", lone, "乙公司"]);
        let skip = read_with(&with(ReadOrSkip::Skip), list_with(lone)).unwrap();
        assert_eq!(names(&skip), ["甲公司", "乙公司"]);
    }
    let said =
        refusal("序号,企业名称,批次\n1,甲公司,1\n,丙简称,\n,丁简称,\n2,乙公司,1\n,戊简称,\n");
    assert_says(&said, &["rows 3 to 4 and 6"]);
}

#[test]
fn in_a_list_of_names_a_lone_text_is_a_name() {
    let import = import("企业名称\n丙简称\n丁简称\n广东省\n2026年1月5日\n");
    assert_eq!(names(&import), ["丙简称", "丁简称"]);
    assert!(!import.report.notes.iter().any(|note| note.reason == NoteReason::LoneName));
    // The running number makes it a row of the list.
    let list = format!("序号,企业名称,信用代码\n1,甲公司,{CODE}\n2,示范企业,\n3,丙简称,\n");
    assert_eq!(names(&super::import(list)), ["甲公司", "示范企业", "丙简称"]);
}

#[test]
fn a_total_in_the_middle_and_rows_with_only_a_number_are_left_out() {
    let numbers: String = (3..=402).map(|row| format!("{row},,\n")).collect();
    let list =
        format!("序号,企业名称,批次\n1,甲公司,1\n小计,1,\n广州市小计,,1\n2,乙公司,1\n{numbers}");
    let import = import(&list);
    assert_eq!(names(&import), ["甲公司", "乙公司"]);
    assert_eq!(skipped(&import).len(), 402);
}

#[test]
fn missing_codes_are_counted() {
    let note = |list: &str| {
        let import = import(list);
        let missing = |note: &&Note| note.reason == NoteReason::CodeMissing;
        import.report.notes.iter().find(missing).map(|note| note.message.clone())
    };
    let some = note(&format!("序号,企业名称,信用代码\n1,甲公司,{CODE}\n2,乙公司,\n3,丙公司,\n"));
    assert_says(&some.unwrap(), &["2 of 3 rows have no code", "rows 3 to 4"]);
    assert_says(&note("企业名称,信用代码\n甲公司,\n").unwrap(), &["1 of 1 rows has no code"]);
    assert_says(&note("企业名称\n甲公司\n").unwrap(), &["no column for the code"]);
    assert_eq!(note(&format!("企业名称,信用代码\n甲公司,{CODE}\n")), None);
}
