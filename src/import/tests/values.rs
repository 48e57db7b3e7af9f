//! Texts to values.

use super::super::values::{self, batch, chinese_number, programme, row_number};
use super::*;

#[test]
fn batches_are_numbers_or_numbers_of_a_year() {
    let cases = [
        ("第四批", "4"),
        ("第4批", "4"),
        ("第４批", "4"),
        ("4", "4"),
        ("4.0", "4"),
        ("04", "4"),
        ("四", "4"),
        ("第 四 批\u{200B}", "4"),
        ("首批", "1"),
        ("第十批次", "10"),
        ("第二十一批", "21"),
        ("第一百批", "100"),
        ("第一百零三批", "103"),
        ("第Ⅳ批", "4"),
        ("Ⅳ", "4"),
        ("省级第六批", "6"),
        ("国家级第四批", "4"),
        ("市级第３批", "3"),
        ("2023-2", "2023-2"),
        ("2023年第二批", "2023-2"),
        ("2023年度第2批", "2023-2"),
        ("2025第一批", "2025-1"),
        ("2025年首批", "2025-1"),
        ("第1批（2025年）", "2025-1"),
        ("第1批（2025）", "2025-1"),
        ("2025年度（第四批）", "2025-4"),
        ("二〇二五年第一批", "2025-1"),
        ("二零二五年度第十二批", "2025-12"),
        ("2023年", "2023"),
        ("2025年度", "2025"),
        ("2025", "2025"),
        ("2025.0", "2025"),
        ("2025年上半年", "2025-H1"),
        ("2025下半年", "2025-H2"),
        ("2025年第三季度", "2025-Q3"),
        ("第四批（复核）", "4"),
        ("4（2022）", "2022-4"),
        ("No.4", "4"),
        ("Batch 4", "4"),
        ("zone-a", "zone-a"),
    ];
    for (text, expected) in cases {
        assert_eq!(batch(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn a_batch_that_could_be_two_or_none_is_refused() {
    let bad = [
        "第一批（补充）",
        "第三批第一年",
        "第一批、第二批",
        "2024-2025年度",
        "25年第一批",
        "上半年",
        "第XX批",
        "第X批",
        "第零批",
        "0",
        "第一批（第二批）",
        "2025年第五季度",
        "多批",
        "第批",
    ];
    for text in bad {
        let said = batch(text).unwrap_err();
        assert_says(&said, &[text]);
    }
    assert_says(&batch("20251").unwrap_err(), &["2025-1"]);
    assert_says(&batch("202512").unwrap_err(), &["2025-12"]);
    assert_says(&batch("2025.1").unwrap_err(), &["2025-1"]);
    // A spreadsheet makes these of 2025-1 and of 4-1.
    for text in ["2025-01-01", "2025/1/1", "Jan-25", "1-Apr"] {
        assert_says(&batch(text).unwrap_err(), &[text, "as text"]);
    }
}

#[test]
fn a_batch_of_reviews_is_for_reviews_alone() {
    let list = "企业名称,批次\n甲,第四批（复核）\n";
    let said = refusal(list);
    assert_says(&said, &["row 2: 批次: 第四批（复核） is a batch of another fact", "--fact"]);
    let passed =
        Options { fact: Some(FactKind::ReviewPassed), round: Some("2024".to_owned()), ..options() };
    let import = read_with(&passed, list).unwrap();
    let Some(Fact::ReviewPassed(fact)) = &import.rows[0].event.fact else { panic!() };
    assert_eq!(fact.batch, "4");
    let option = Options { batch: Some("第二批（公示）".to_owned()), ..options() };
    assert_says(&refusal_with(&option, "企业名称\n甲\n"), &["--batch: 第二批（公示）"]);
    let mixed = "企业名称,类型,批次\n甲,公示,第二批（公示）\n乙,新认定,第二批（新认定）\n";
    assert_eq!(import_of(mixed), ["2", "2"]);
}

fn import_of(list: &str) -> Vec<String> {
    let batch = |row: &ImportedRow| match &row.event.fact {
        Some(Fact::Designated(fact)) => fact.batch.clone(),
        Some(Fact::NoticeOpened(fact)) => fact.batch.clone(),
        other => panic!("{other:?}"),
    };
    import(list).rows.iter().map(batch).collect()
}

#[test]
fn chinese_numerals_reach_nine_thousand_nine_hundred_and_ninety_nine() {
    let cases = [
        ("一", 1),
        ("两", 2),
        ("九", 9),
        ("十", 10),
        ("十九", 19),
        ("二十", 20),
        ("廿三", 23),
        ("九十九", 99),
        ("一百", 100),
        ("一百零五", 105),
        ("一百一十五", 115),
        ("一百十五", 115),
        ("二百二十", 220),
        ("壹佰贰拾叁", 123),
        ("一千零一", 1_001),
        ("一千零一十", 1_010),
        ("一千二百", 1_200),
        ("九千九百九十九", 9_999),
        ("12", 12),
    ];
    for (text, expected) in cases {
        assert_eq!(chinese_number(text), Some(expected), "{text}");
    }
    for text in ["", "零", "十十", "二三", "-1", "一百五", "一千五百零零一", "百十", "百", "一万"]
    {
        assert_eq!(chinese_number(text), None, "{text}");
    }
}

#[test]
fn every_number_reads_as_itself_in_chinese() {
    let digits = ["", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    for number in 1..=9_999_usize {
        let (mut text, mut gap) = (String::new(), false);
        for (unit, name) in [(1_000, "千"), (100, "百"), (10, "十"), (1, "")] {
            let digit = number / unit % 10;
            if digit == 0 {
                gap = !text.is_empty();
                continue;
            }
            if gap {
                text.push('零');
            }
            text.push_str(digits[digit]);
            text.push_str(name);
            gap = false;
        }
        assert_eq!(chinese_number(&text), u32::try_from(number).ok(), "{text}");
    }
}

#[test]
fn row_numbers_lose_their_marks() {
    for text in
        ["7", "七", "7.", "7、", "（7）", "（七）", "⑦", "No.7", "№7", "7.0", "第7号", "007", "⑺"]
    {
        assert_eq!(row_number(text), Ok(7), "{text}");
    }
    for text in ["A-1", "1-1", "7.5", "", "合计", "1,2"] {
        assert_says(&row_number(text).unwrap_err(), &["ignore"]);
    }
}

#[test]
fn sizes_and_answers_are_words() {
    use pb::SizeClass::{Large, Medium, Micro, Small};
    let sizes = [
        ("大型企业", Large),
        ("中", Medium),
        ("小型 ", Small),
        ("微型\u{FEFF}", Micro),
        ("SMALL", Small),
    ];
    for (text, size) in sizes {
        assert_eq!(values::size(text), Ok(size), "{text}");
    }
    for text in ["小微", "中小型", "规模以上"] {
        assert_says(&values::size(text).unwrap_err(), &[text, "小型"]);
    }
    for (text, answer) in [
        ("是", true),
        ("Y", true),
        ("✓", true),
        ("有", true),
        ("否", false),
        ("N", false),
        ("✗", false),
        ("不是", false),
    ] {
        assert_eq!(values::yes_or_no(text), Ok(answer), "{text}");
    }
}

#[test]
fn an_outcome_is_a_fact_only_under_a_header_that_says_of_what() {
    use FactKind::{Designated, Notice, ReviewFailed, ReviewPassed, Revoked};
    let cases = [
        ("新申报", "认定类型", Designated),
        ("首次认定", "类别", Designated),
        ("拟认定", "类别", Notice),
        ("复核通过", "认定类型", ReviewPassed),
        ("通过", "复核结果", ReviewPassed),
        ("合格", "2025年复审结果", ReviewPassed),
        ("不通过", "复核结果", ReviewFailed),
        ("复核不通过", "结果", ReviewFailed),
        ("取消", "状态", Revoked),
        ("撤\u{200B}销", "状态", Revoked),
    ];
    for (text, header, kind) in cases {
        assert_eq!(values::fact_under(text, header), Ok(kind), "{text}");
    }
    for (text, header) in
        [("通过", "认定结果"), ("不通过", "类型"), ("制造业", "类型"), ("复核", "类别")]
    {
        assert_says(
            &values::fact_under(text, header).unwrap_err(),
            &[text, "--column ignore=HEADER"],
        );
    }
    let said = refusal("企业名称,类型\n甲,制造业\n乙,民营企业\n");
    assert_says(&said, &["row 2: 类型: 制造业", "--column ignore=类型"]);
}

#[test]
fn reasons_are_grounds_or_facts_of_their_own() {
    use pb::RevocationGround as Ground;
    let cases = [
        ("不再符合认定条件", Ground::BelowStandard),
        ("未达到认定标准", Ground::BelowStandard),
        ("提供虚假材料", Ground::Falsification),
        ("被列入严重失信名单", Ground::Dishonesty),
        ("发生重大安全事故", Ground::SafetyAccident),
        ("未按时更新信息", Ground::DutyNotMet),
        ("逾期未申请复核", Ground::ReviewNotSubmitted),
        ("其他原因。", Ground::Other),
    ];
    for (text, ground) in cases {
        assert_eq!(values::reason(text).unwrap().ground, ground, "{text}");
    }
    let facts = [
        ("自愿放弃", "surrendered"),
        ("企业主动申请撤销", "surrendered"),
        ("企业已注销", "subject-ended"),
        ("营业执照被吊销", "subject-ended"),
        ("迁往省外", "relocated"),
    ];
    let revoked = Options { fact: Some(FactKind::Revoked), ..options() };
    for (text, fact) in facts {
        let said = refusal_with(&revoked, format!("企业名称,撤销原因\n甲,{text}\n"));
        let fact = format!("--fact {fact}");
        assert_says(&said, &[text, &fact, "--column ignore=撤销原因 --reason other"]);
    }
    let said = refusal_with(&revoked, "企业名称,撤销原因\n甲,经营困难\n");
    assert_says(
        &said,
        &["经营困难 is not a known reason", "--column ignore=撤销原因 --reason other"],
    );
}

#[test]
fn programmes_are_ids_or_their_chinese_names() {
    let cases = [
        ("专精特新“小巨人”企业", "little-giant"),
        ("专精特新\"小巨人\"企业", "little-giant"),
        ("专精特新中小企业", "specialised-sme"),
        ("创新型中小企业", "innovative-sme"),
        ("科技型中小企业", "tech-sme"),
        ("制造业单项冠军企业", "single-item-champion"),
        ("Zone-Carrier", "zone-carrier"),
    ];
    for (text, expected) in cases {
        assert_eq!(programme(text).as_deref(), Ok(expected), "{text}");
    }
    assert_says(&programme("高新技术企业").unwrap_err(), &["高新技术企业", "little-giant"]);
}

#[test]
fn options_are_checked_before_the_first_row() {
    let with = |change: fn(&mut Options)| {
        let mut options = options();
        change(&mut options);
        refusal_with(&options, "企业名称\n示例一号\n")
    };
    assert_says(&with(|o| o.date = Some("soon".into())), &["--date: soon is not a date"]);
    assert_says(&with(|o| o.valid_to = Some("x".into())), &["--valid-to: x"]);
    assert_says(&with(|o| o.authority = Some("佛山市".into())), &["--authority: 佛山市"]);
    assert_says(&with(|o| o.batch = Some("首届".into())), &["--batch: 首届"]);
    assert_says(&with(|o| o.programme = Some("高新".into())), &["--programme: 高新"]);
    assert_says(&with(|o| o.reason = Some("无".into())), &["--reason: 无"]);
}

#[test]
fn a_title_names_the_facts_of_the_rows_below_it() {
    use FactKind::{
        Designated, Notice, NoticeWithdrawn, PoolEntered, PoolLeft, RectificationOrdered,
        Reinstated, Relocated, Renamed, ReviewFailed, ReviewOpened, ReviewPassed,
        RevocationProposed, Revoked, SubjectEnded, Surrendered,
    };
    let cases: &[(&str, &[FactKind])] = &[
        ("一、新认定企业（2家）", &[Designated]),
        ("关于公布第四批专精特新“小巨人”企业名单的通知", &[Designated]),
        ("2026年度广东省专精特新中小企业认定名单", &[Designated]),
        ("拟认定专精特新中小企业名单公示", &[Notice]),
        ("附件1 拟入选名单", &[Notice]),
        ("二、复核通过", &[ReviewPassed]),
        ("通过2025年度复核的企业名单", &[ReviewPassed]),
        ("关于公布通过复核企业名单的通知", &[ReviewPassed]),
        ("三、复核未通过企业", &[ReviewFailed]),
        ("未通过复核认定的企业", &[ReviewFailed]),
        ("附件3 取消认定", &[Revoked]),
        ("撤 销\u{200B}认定企业", &[Revoked]),
        ("广东省专精特新中小企业更名名单", &[Renamed]),
        ("新认定和复核通过企业名单", &[Designated, ReviewPassed]),
        ("复核通过及未通过名单", &[ReviewPassed, ReviewFailed]),
        ("认定和复核企业名单", &[Designated, ReviewPassed, ReviewFailed]),
        ("复核企业名单", &[ReviewPassed, ReviewFailed]),
        ("复核通过企业公示", &[Notice, ReviewPassed]),
        ("拟撤销企业名单", &[Notice, RevocationProposed]),
        ("拟取消认定企业公示", &[Notice, RevocationProposed]),
        ("建议撤销称号企业名单", &[RevocationProposed]),
        ("自愿放弃称号企业", &[Surrendered]),
        ("已注销企业名单", &[SubjectEnded]),
        ("2026年应复核企业名单", &[ReviewOpened]),
        ("恢复称号企业", &[Reinstated]),
        ("省优质中小企业梯度培育库2026年入库企业", &[PoolEntered]),
        ("移出培育库企业", &[PoolLeft]),
        ("2025年第3批入库科技型中小企业名单", &[Designated]),
        ("拟入库科技型中小企业名单公示", &[Notice]),
        ("入库企业名单", &[Designated, PoolEntered]),
        ("限期整改企业", &[RectificationOrdered]),
        ("跨省迁移企业", &[Relocated]),
        ("取消公示企业", &[NoticeWithdrawn]),
        ("revoked", &[Revoked]),
        ("2026年度专精特新中小企业名单", &[]),
        ("专精特新中小企业认定管理办法", &[]),
        ("认定批次：第四批", &[]),
        ("不予认定企业", &[]),
        ("未通过认定企业", &[]),
        ("国家企业信用信息公示系统", &[]),
        ("虚拟现实企业", &[]),
        ("广州市（共3家）", &[]),
        ("", &[]),
    ];
    for (title, expected) in cases {
        assert_eq!(values::kinds_in_title(title), *expected, "{title}");
    }
}
