//! Facts that titles, headings and names of sheets state.

use super::*;

fn facts(import: &Import) -> Vec<&'static str> {
    let of = |row: &ImportedRow| match &row.event.fact {
        Some(Fact::Designated(_)) => "designated",
        Some(Fact::NoticeOpened(_)) => "notice",
        Some(Fact::ReviewPassed(_)) => "passed",
        Some(Fact::ReviewFailed(_)) => "failed",
        Some(Fact::Revoked(_)) => "revoked",
        Some(Fact::Renamed(_)) => "renamed",
        other => panic!("{other:?}"),
    };
    import.rows.iter().map(of).collect()
}

/// Options with all that these facts need, and no more.
fn given(facts: &[&str]) -> Options {
    let any = |of: &[&str]| facts.iter().any(|fact| of.contains(fact));
    Options {
        round: any(&["passed", "failed"]).then(|| "2026".to_owned()),
        reason: any(&["failed", "revoked"]).then(|| "未达到标准".to_owned()),
        ..options()
    }
}

#[track_caller]
fn check(list: &str, expected: &[&str]) {
    let import =
        read_with(&given(expected), list).unwrap_or_else(|error| panic!("{list}: {error}"));
    assert_eq!(facts(&import), expected, "{list}");
}

#[test]
fn a_title_above_the_header_states_the_fact() {
    for (title, fact) in [
        ("复核通过企业名单", "passed"),
        ("附件3：取消认定的企业", "revoked"),
        ("2026年度专精特新中小企业公示名单", "notice"),
        ("撤销专精特新中小企业称号企业名单", "revoked"),
        ("2026年度第一批省级专精特新中小企业名单", "designated"),
        ("未通过复核企业名单", "failed"),
    ] {
        check(&format!("{title}\n序号,企业名称\n1,甲公司\n"), &[fact]);
    }
}

#[test]
fn a_nearer_title_goes_before_a_farther_one() {
    let list = "2026年新认定和复核通过企业名单,\n序号,企业名称\n一、新认定企业（1家）,\n1,甲公司\n\
                第二部分 复核通过企业,\n2,乙公司\n附件3：取消认定,\n3,丙公司\n";
    check(list, &["designated", "passed", "revoked"]);
    // In the column of names, and beside its own number.
    let list = "序号,企业名称,批次\n,一、新认定企业,\n1,甲公司,1\n二,复核通过企业,\n2,乙公司,1\n";
    check(list, &["designated", "passed"]);
}

#[test]
fn a_title_between_two_tables_counts_for_the_second() {
    let list = "一、新认定企业（1家）,,\n序号,企业名称,认定日期\n1,甲公司,2026-01-01\n二、复核通过企业（1家）,,\n\
                企业名称,有效期至,认定日期\n乙公司,2028-12-31,2023-01-01\n";
    check(list, &["designated", "passed"]);
}

#[test]
fn a_title_that_names_another_fact_than_the_caller_is_refused() {
    let list = "序号,企业名称\n1,甲公司\n二、复核通过企业,\n2,乙公司\n";
    let stated = Options { fact: Some(FactKind::Designated), ..options() };
    let said = refusal_with(&stated, list);
    assert_says(&said, &["row 3", "二、复核通过企业", "review-passed", "--fact", "designated"]);
    let passed = Options { fact: Some(FactKind::ReviewPassed), ..given(&["passed"]) };
    assert_eq!(facts(&read_with(&passed, list).unwrap()), ["passed", "passed"]);
    // Nothing relies on the title.
    let list = "复核通过企业,\n企业名称,类型\n甲公司,新认定\n";
    assert_eq!(facts(&read_with(&stated, list).unwrap()), ["designated"]);
}

#[test]
fn a_title_with_several_facts_needs_the_caller() {
    let list = "2026年新认定和撤销企业名单,\n序号,企业名称\n1,甲公司\n";
    assert_says(
        &refusal_with(&given(&["revoked"]), list),
        &["row 1", "designated", "revoked", "--fact"],
    );
    let stated = Options { fact: Some(FactKind::Revoked), ..given(&["revoked"]) };
    assert_eq!(facts(&read_with(&stated, list).unwrap()), ["revoked"]);
    check("复核结果,\n企业名称,类型\n甲公司,撤销\n乙公司,复核通过\n", &["revoked", "passed"]);
}

#[test]
fn a_note_says_which_title_made_the_fact() {
    let import =
        read_with(&given(&["revoked"]), "序号,企业名称\n三、取消企业,\n1,甲公司\n").unwrap();
    let notes = &import.report.notes;
    let note = notes.iter().find(|note| note.reason == NoteReason::FactFromTitle).unwrap();
    assert_eq!(note.row, 2);
    assert_says(&note.message, &["三、取消企业", "row", "revoked"]);
}

#[test]
fn names_and_remarks_are_not_titles() {
    for list in [
        "序号,企业名称\n1,取消烦恼科技有限公司\n2,复核通过检测有限公司\n",
        "序号,企业名称\n1,甲公司\n备注：取消认定的企业另行公布,\n2,乙公司\n",
        "序号,企业名称\n1,甲公司\n注：复核通过的企业不在此列。,\n2,乙公司\n",
        "序号,企业名称,复核年度\n1,甲公司,2026\n2,乙公司,2026\n",
    ] {
        check(list, &["designated", "designated"]);
    }
}

#[test]
fn a_column_of_another_fact_is_not_passed_over() {
    for (header, cell, fact) in [
        ("撤销原因", "数据造假", "revoked"),
        ("撤销日期", "2026-01-01", "revoked"),
        ("禁止申报至", "2028-01-01", "revoked"),
        ("未通过原因", "未达到标准", "review-failed"),
        ("更名日期", "2026-01-01", "renamed"),
    ] {
        let list = format!("企业名称,{header}\n甲公司,{cell}\n");
        assert_says(&refusal(&list), &["row 1", header, fact, "--fact"]);
        let stated = Options { fact: Some(FactKind::Designated), ..options() };
        assert_eq!(facts(&read_with(&stated, &list).unwrap()), ["designated"], "{header}");
        check(&format!("企业名称,{header}\n甲公司,\n"), &["designated"]);
    }
    assert_says(&refusal(format!("更名前,更名后,信用代码\n甲公司,乙公司,{CODE}\n")), &["renamed"]);
    check("撤销名单,\n企业名称,撤销原因\n甲公司,数据造假\n", &["revoked"]);
}
