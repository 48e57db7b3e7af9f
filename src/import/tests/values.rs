//! Texts to values.

use super::super::values::{self, batch, chinese_number, date_range, programme};
use super::*;

#[test]
fn dates_are_read_in_the_ways_lists_write_them() {
    let cases = [
        ("2019-06-05", (2019, 6, 5)),
        ("2019/6/5", (2019, 6, 5)),
        ("2019.6.5", (2019, 6, 5)),
        ("2019年6月5日", (2019, 6, 5)),
        ("２０１９年６月５日", (2019, 6, 5)),
        ("20190605", (2019, 6, 5)),
        ("2019-06-05 00:00:00", (2019, 6, 5)),
        ("2019-06-05T08:30:00", (2019, 6, 5)),
        ("2019年6月", (2019, 6, 0)),
        ("2019.06", (2019, 6, 0)),
        ("2019.10", (2019, 10, 0)),
        ("2019年", (2019, 0, 0)),
        ("2024-02-29", (2024, 2, 29)),
    ];
    for (text, (year, month, day)) in cases {
        assert_eq!(values::date(text).ok(), super::date(year, month, day), "{text}");
    }
}

#[test]
fn what_is_no_date_or_two_dates_is_refused() {
    for text in [
        "2023-02-29",
        "6/5/2019",
        "19-06-05",
        "2019-13",
        "45292",
        "长期",
        "1899-12-31",
        "2019-00-05",
    ] {
        assert!(values::date(text).is_err(), "{text}");
    }
    assert_says(&values::date("2024.1").unwrap_err(), &["January or October"]);
}

#[test]
fn ranges_split_where_both_sides_are_dates() {
    let full = (2024, 1, 1, 2026, 12, 31);
    let cases = [
        ("2024-01-01至2026-12-31", full),
        ("2024-01-01-2026-12-31", full),
        ("2024年1月1日—2026年12月31日", full),
        ("2024/1/1～2026/12/31", full),
        ("2024-01-01 -- 2026-12-31", full),
        ("自2024年1月1日至2026年12月31日止", full),
        ("20240101-20261231", full),
        ("2024.01-2026.12", (2024, 1, 0, 2026, 12, 0)),
        ("2024.1-2026.12", (2024, 1, 0, 2026, 12, 0)),
        ("2024-2026", (2024, 0, 0, 2026, 0, 0)),
    ];
    for (text, (y1, m1, d1, y2, m2, d2)) in cases {
        let expected = super::date(y1, m1, d1).zip(super::date(y2, m2, d2));
        assert_eq!(date_range(text).ok(), expected, "{text}");
    }
    for text in ["2026-12-31", "三年", "2024-01-01至"] {
        assert_says(&date_range(text).unwrap_err(), &["--column valid_to="]);
    }
}

#[test]
fn batches_are_numbers_or_numbers_of_a_year() {
    let cases = [
        ("第四批", "4"),
        ("第4批", "4"),
        ("第４批", "4"),
        ("4", "4"),
        ("四", "4"),
        ("第十批次", "10"),
        ("第二十一批", "21"),
        ("2023-2", "2023-2"),
        ("2023年第二批", "2023-2"),
        ("2023年度第2批", "2023-2"),
        ("2023年", "2023"),
    ];
    for (text, expected) in cases {
        assert_eq!(batch(text).as_deref(), Ok(expected), "{text}");
    }
    assert!(batch("第一批（补充）").is_err());
}

#[test]
fn chinese_numerals_reach_ninety_nine() {
    let cases =
        [("一", 1), ("九", 9), ("十", 10), ("十九", 19), ("二十", 20), ("九十九", 99), ("12", 12)];
    for (text, expected) in cases {
        assert_eq!(chinese_number(text), Some(expected), "{text}");
    }
    for text in ["", "零", "十十", "一百", "二三", "-1"] {
        assert_eq!(chinese_number(text), None, "{text}");
    }
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
    assert_says(&with(|o| o.batch = Some("首批".into())), &["--batch: 首批"]);
    assert_says(&with(|o| o.programme = Some("高新".into())), &["--programme: 高新"]);
    assert_says(&with(|o| o.reason = Some("无".into())), &["--reason: 无"]);
}

#[test]
fn a_title_names_the_facts_of_the_rows_below_it() {
    use FactKind::{Designated, Notice, Renamed, ReviewFailed, ReviewPassed, Revoked};
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
        ("拟撤销企业名单", &[Notice, Revoked]),
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
