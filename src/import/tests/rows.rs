//! Rows to events.

use super::*;

const SAMPLE: &str = include_str!("../../../examples/data/little-giants-sample.csv");

#[test]
fn the_sample_list_is_read_with_the_authority_alone() {
    let options = Options { authority: Some("100000".to_owned()), ..Options::default() };
    let import = read_with(&options, SAMPLE).unwrap();
    assert_eq!(import.rows.len(), 18);
    assert!(import.report.sheets[0].unmapped.is_empty());
    let first = &import.rows[0];
    assert_eq!((first.row, first.event.authority.as_str()), (2, "100000"));
    assert_eq!(first.event.designee, "provisional:110000/北京臻迪科技股份有限公司");
    assert_eq!(first.event.effective_date, date(2019, 6, 5));
    let evidence = first.event.evidence.as_ref().unwrap();
    assert_eq!(evidence.document_number, "工信部企业函〔2019〕153号");
    assert_eq!(designated(&import, 0).recommended_by, "110000");
    let Some(Fact::NoticeOpened(notice)) = &import.rows[17].event.fact else { panic!() };
    assert_eq!((notice.notice_from, notice.notice_to), (date(2021, 7, 19), date(2021, 7, 23)));
    assert_eq!(notice.purpose(), pb::NoticePurpose::New);
    assert_eq!(notice.scope(), pb::NoticeScope::Decision);
    assert_eq!((notice.programme.as_str(), notice.batch.as_str()), ("little-giant", "3"));
}

#[test]
fn a_full_row_fills_every_field() {
    let list = format!(
        "序号,统一社会信用代码,企业名称,英文名称,推荐单位,认定称号,批次,类别,认定日期,有效期至,文号,\
         成文日期,发布日期,网址,行政区划代码,行业代码,企业规模,单项冠军产品,办法版本,分名单\n\
         7,{CODE},示例一号,Example One,广东省,制造业单项冠军企业,第八批,认定,2024-03-01,2026-12,\
         工信部〔2024〕1号,2024年3月1日,2024/3/8,https://example.org/1,440300,35,小型,示例阀,2026,440000\n"
    );
    let import = import(list);
    let event = &import.rows[0].event;
    assert_eq!((event.designee.as_str(), event.rule_version.as_str()), (CODE, "2026"));
    let evidence = event.evidence.as_ref().unwrap();
    assert_eq!((evidence.row, evidence.url.as_str()), (7, "https://example.org/1"));
    assert_eq!(evidence.document_date, date(2024, 3, 1));
    assert_eq!(evidence.published_date, date(2024, 3, 8));
    let fact = designated(&import, 0);
    assert_eq!((fact.programme.as_str(), fact.item.as_str()), ("single-item-champion", "示例阀"));
    assert_eq!((fact.batch.as_str(), fact.sublist.as_str()), ("8", "440000"));
    assert_eq!((fact.valid_to, fact.recommended_by.as_str()), (date(2026, 12, 0), "440000"));
    let profile = fact.profile.as_ref().unwrap();
    assert_eq!((profile.name.as_str(), profile.name_en.as_str()), ("示例一号", "Example One"));
    assert_eq!((profile.registered_region.as_str(), profile.industry.as_str()), ("440300", "35"));
    assert_eq!(profile.size_class(), pb::SizeClass::Small);
}

#[test]
fn a_cell_goes_before_an_option_and_an_empty_cell_or_a_dash_does_not() {
    let import = import("企业名称,批次\n示例一号,2\n示例二号,\n示例三号,—\n");
    let batches: Vec<_> = (0..3).map(|at| designated(&import, at).batch.as_str()).collect();
    assert_eq!(batches, ["2", "1", "1"]);
}

#[test]
fn the_province_recommends_and_never_decides() {
    let import = import("企业名称,省份\n示例一号,广东省\n");
    assert_eq!(import.rows[0].event.authority, "100000");
    assert_eq!(import.rows[0].event.designee, "provisional:440000/示例一号");
    let mut options = options();
    options.authority = None;
    let said = refusal_with(&options, "企业名称,省份\n示例一号,广东省\n");
    assert_says(&said, &["row 2", "--authority"]);
}

#[test]
fn the_recommending_unit_goes_before_the_province() {
    let import = import("企业名称,省份,推荐单位\n示例一号,广东省,深圳市\n");
    assert_eq!(designated(&import, 0).recommended_by, "440300");
}

#[test]
fn an_unknown_province_is_a_fault_only_in_a_list_of_the_ministry() {
    let list = "企业名称,地区\n示例一号,佛山市\n";
    assert_says(&refusal(list), &["row 2: 地区: 佛山市", "37"]);
    let provincial = Options { authority: Some("广东省".to_owned()), ..options() };
    let import = read_with(&provincial, list).unwrap();
    assert_eq!(import.rows[0].event.authority, "440000");
    assert_eq!(import.rows[0].event.designee, "provisional:440000/示例一号");
    assert_eq!(designated(&import, 0).recommended_by, "");
}

#[test]
fn the_deciding_authority_may_stand_in_a_column() {
    let import = import("企业名称,认定机关\n示例一号,广东省工业和信息化厅\n示例二号,\n");
    assert_eq!(import.rows[0].event.authority, "440000");
    assert_eq!(import.rows[1].event.authority, "100000");
}

#[test]
fn a_name_without_a_code_is_provisional_under_who_recommends() {
    let recommended = Options { recommended_by: Some("110000".to_owned()), ..options() };
    let import = read_with(&recommended, "企业名称,信用代码\n示例一号,\n").unwrap();
    assert_eq!(import.rows[0].event.designee, "provisional:110000/示例一号");
    assert_eq!(
        super::import("企业名称\n示例一号\n").rows[0].event.designee,
        "provisional:100000/示例一号"
    );
}

#[test]
fn a_row_about_nobody_is_refused() {
    let said = refusal("序号,企业名称,批次\n1,示例一号,1\n2,,1\n");
    assert_says(&said, &["row 3", "neither a name nor a code"]);
}

#[test]
fn what_is_missing_is_named_with_its_option() {
    let options = Options { authority: Some("100000".to_owned()), ..Options::default() };
    let said = refusal_with(&options, "企业名称\n示例一号\n示例二号\n");
    assert_says(
        &said,
        &[
            "1 faults",
            "row 2: the list states no programme, batch or date: give --programme, \
           --batch and --date, or columns 称号, 批次 and 日期",
        ],
    );
    let said = refusal_with(&options, "企业名称,批次,日期,代码\n示例一号,,2026,\n示例二号,1,,\n");
    assert_says(
        &said,
        &[
            "3 faults",
            "no programme: give --programme, or a column 称号",
            "left out: 代码",
            "row 2: there is no batch; --batch supplies it",
            "row 3: there is no date; --date",
        ],
    );
}

#[test]
fn all_faulty_rows_are_reported_and_nothing_is_imported() {
    let error = read_with(&options(), "企业名称,批次,日期\n甲,首届,2024\n乙,1,2024\n丙,1,soon\n")
        .unwrap_err();
    let ImportError::Rows(errors) = error else { panic!("{error}") };
    let told: Vec<_> =
        errors.iter().map(|e| (e.row, e.column.as_str(), e.value.as_str())).collect();
    assert_eq!(told, [(2, "批次", "首届"), (4, "日期", "soon")]);
}

#[test]
fn many_faults_are_counted_and_a_few_shown() {
    let list: String = (0..50).map(|n| format!("示例,批{n}x\n")).collect();
    assert_says(&refusal(format!("企业名称,批次\n{list}")), &["50 faults", "and 30 more"]);
}

#[test]
fn facts_are_told_apart_by_their_column() {
    let list = "企业名称,类型,复核年度,原因,日期,有效期至\n\
                甲,新认定,,,2024-01-01,2026-12-31\n\
                乙,公示,,,2024-01-01,\n\
                丙,复核通过,2024,,2024-01-01,2026-12-31\n\
                丁,复核未通过,2024,不达标,2024-01-01,\n\
                戊,撤销,,数据造假,2024-01-01,\n\
                己,review-failed,2024,未提交复核,2024-01-01,\n";
    let import = import(list);
    let fact = |at: usize| import.rows[at].event.fact.clone().unwrap();
    assert!(matches!(fact(0), Fact::Designated(_)));
    assert!(matches!(fact(1), Fact::NoticeOpened(_)));
    let Fact::ReviewPassed(passed) = fact(2) else { panic!() };
    assert_eq!((passed.round.as_str(), passed.valid_to), ("2024", date(2026, 12, 31)));
    let Fact::ReviewFailed(failed) = fact(3) else { panic!() };
    assert_eq!(failed.cause(), pb::ReviewFailureCause::NotUpToStandard);
    let Fact::Revoked(revoked) = fact(4) else { panic!() };
    assert_eq!(revoked.ground(), pb::RevocationGround::Falsification);
    let Fact::ReviewFailed(failed) = fact(5) else { panic!() };
    assert_eq!(failed.cause(), pb::ReviewFailureCause::NotSubmitted);
    assert_says(&refusal("企业名称,类型\n甲,吊销\n"), &["吊销 is not a fact", "撤销"]);
}

#[test]
fn the_option_states_the_fact_of_a_list_without_the_column() {
    let with = |fact| Options { fact: Some(fact), ..options() };
    let said = refusal_with(&with(FactKind::ReviewPassed), "企业名称\n甲\n");
    assert_says(&said, &["review round", "--round"]);
    let said = refusal_with(&with(FactKind::Revoked), "企业名称\n甲\n");
    assert_says(&said, &["--reason"]);
    let said =
        refusal_with(&with(FactKind::ReviewFailed), "企业名称,复核年度,原因\n甲,2024,数据造假\n");
    assert_says(&said, &["未提交复核"]);
}

#[test]
fn a_renaming_keeps_the_old_name_as_the_one_the_log_knows() {
    let renamed = Options { fact: Some(FactKind::Renamed), ..options() };
    let check = |list: &str| {
        let import = read_with(&renamed, list).unwrap();
        let event = import.rows[0].event.clone();
        assert_eq!(event.designee, "provisional:100000/甲公司");
        let new =
            pb::Renamed {
                old_name: "甲公司".into(), new_name: "乙公司".into(), simple: true
            };
        assert_eq!(event.fact, Some(Fact::Renamed(new)));
    };
    check("更名前,更名后\n甲公司,乙公司\n");
    check("企业名称,原名称\n乙公司,甲公司\n");
    check("企业名称,更名后名称\n甲公司,乙公司\n");
    let said = refusal_with(&renamed, format!("企业名称,信用代码\n甲公司,{CODE}\n"));
    assert_says(&said, &["更名前", "更名后"]);
}

#[test]
fn a_column_of_validity_gives_both_days() {
    let import = import("企业名称,有效期\n甲,2024.01-2026.12\n");
    assert_eq!(import.rows[0].event.effective_date, date(2024, 1, 0));
    assert_eq!(designated(&import, 0).valid_to, date(2026, 12, 0));
}

#[test]
fn a_notice_begins_with_its_first_day() {
    let notice = Options { fact: Some(FactKind::Notice), date: None, ..options() };
    let import =
        read_with(&notice, "企业名称,公示开始,公示截止\n甲,2021-07-19,2021-07-23\n").unwrap();
    assert_eq!(import.rows[0].event.effective_date, date(2021, 7, 19));
}

#[test]
fn a_code_that_lost_its_digits_in_csv_is_refused() {
    for lost in ["9.14403E+17", "9.14403e17", "9E+17"] {
        let said = refusal(format!("企业名称,信用代码\n甲,{lost}\n"));
        assert_says(&said, &["row 2: 信用代码 is a number", lost, "15 digits", "as text"]);
    }
    // A code may hold an E among digits.
    let code = "91440300192203E218";
    let import = import(format!("企业名称,信用代码\n甲,{code}\n"));
    assert_eq!(import.rows[0].event.designee, code);
}

#[test]
fn row_numbers_are_numbers() {
    let import = import("序号,企业名称\n十二,甲\n");
    assert_eq!(import.rows[0].event.evidence.as_ref().unwrap().row, 12);
    assert_says(&refusal("序号,企业名称\nA-1,甲\n"), &["序号: A-1 is not a row number", "ignore"]);
}

#[test]
fn columns_of_personal_data_are_dropped_and_reported() {
    let headers = [
        "联系人",
        "联系电话",
        "手机号码",
        "身份证号",
        "邮箱",
        "法定代表人",
        "法人代表",
        "传真",
        "联系方式",
        "负责人姓名",
        "Contact",
        "Phone number",
        "mobile",
        "E-mail",
        "ID card",
        "企业名称（联系人）",
    ];
    for header in headers {
        let import = import(format!("企业名称,{header}\n甲,某某 000\n"));
        assert_eq!(import.report.sheets[0].personal, [header]);
        assert!(!format!("{:?}", import.rows).contains("某某"), "{header}");
    }
    let said = refusal_with(&choose("name", "联系人"), "企业名称,联系人\n甲,某某\n");
    assert_says(&said, &["--column name=联系人", "personal data"]);
}

#[test]
fn a_personal_number_in_a_kept_cell_is_refused_and_not_repeated() {
    let cases = [
        ("甲公司 13800000000", "a mobile number"),
        ("甲公司（+8613800000000）", "a mobile number"),
        ("甲公司１３８０００００000", "a mobile number"),
        ("11010519000101002X 甲公司", "a resident identity number"),
    ];
    for (name, what) in cases {
        let said = refusal(format!("企业名称,批次\n{name},1\n"));
        assert_says(&said, &["row 2: 企业名称 contains", what]);
        assert!(!said.contains("0000000") && !said.contains("19000101"), "{said}");
    }
    assert_says(&refusal("企业名称,日期\n甲,13800000000\n"), &["日期 contains a mobile number"]);
}

#[test]
fn numbers_that_only_resemble_personal_ones_are_kept() {
    for name in ["甲12800000000", "甲138000000001", "甲A13800000000", "110105190013010021甲"] {
        assert_eq!(names(&import(format!("企业名称,批次\n{name},1\n"))), [name]);
    }
    // In the code column 18 digits are a code.
    let code = "914403199001011231";
    assert_eq!(import(format!("企业名称,信用代码\n甲,{code}\n")).rows[0].event.designee, code);
}

#[test]
fn rows_keep_the_order_of_the_file() {
    assert_eq!(names(&import("序号,企业名称\n3,丙\n1,甲\n2,乙\n")), ["丙", "甲", "乙"]);
}

#[test]
fn the_end_of_a_ban_comes_from_a_column_or_an_option() {
    let revoked = |options: &Options, list: &str| {
        let import = read_with(options, list).unwrap();
        let Some(Fact::Revoked(revoked)) = import.rows[0].event.fact.clone() else { panic!() };
        revoked.ban_until
    };
    let options =
        Options {
            fact: Some(FactKind::Revoked), reason: Some("数据造假".to_owned()), ..options()
        };
    for header in ["ban_until", "Banned until", "禁止申报截止日期", "禁申报截止", "禁止申报至"]
    {
        let list = format!("企业名称,{header}\n甲,2027-02-28\n");
        assert_eq!(revoked(&options, &list), date(2027, 2, 28), "{header}");
    }
    assert_eq!(revoked(&options, "企业名称\n甲\n"), None, "the server infers it");
    let stated = Options { ban_until: Some("2028年3月1日".to_owned()), ..options };
    assert_eq!(revoked(&stated, "企业名称\n甲\n"), date(2028, 3, 1));
    let both = "企业名称,禁止申报截止日期\n甲,2027-02-28\n";
    assert_eq!(revoked(&stated, both), date(2027, 2, 28), "a cell goes before an option");
    let wrong = Options { ban_until: Some("soon".to_owned()), ..stated };
    assert_says(&refusal_with(&wrong, "企业名称\n甲\n"), &["--ban-until", "soon"]);
}

#[test]
fn a_supplement_is_said_by_a_column_or_an_option() {
    let is_supplement = |import: &Import, at: usize| match import.rows[at].event.fact.clone() {
        Some(Fact::Designated(fact)) => fact.supplement,
        Some(Fact::NoticeOpened(fact)) => fact.supplement,
        Some(Fact::ReviewPassed(fact)) => fact.supplement,
        Some(Fact::ReviewFailed(fact)) => fact.supplement,
        other => panic!("{other:?}"),
    };
    let list = "企业名称,类型,复核年度,原因,增补\n甲,新认定,,,是\n乙,公示,,,yes\n丙,复核通过,2024,,1\n\
                丁,复核未通过,2024,不达标,√\n戊,新认定,,,否\n己,新认定,,,\n";
    let said = |import: &Import| (0..6).map(|at| is_supplement(import, at)).collect::<Vec<_>>();
    assert_eq!(said(&import(list)), [true, true, true, true, false, false]);
    let all = Options { supplement: true, ..options() };
    assert_eq!(said(&read_with(&all, list).unwrap()), [true, true, true, true, false, true]);
    assert_says(&refusal("企业名称,增补\n甲,也许\n"), &["也许 is not yes or no"]);
}
