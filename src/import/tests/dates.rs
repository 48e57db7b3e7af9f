//! Texts to days and periods.

use super::super::{
    NoteReason,
    values::{self, Day, Period, Side, period},
};
use super::*;

#[track_caller]
fn day(text: &str) -> Option<(i32, i32, i32)> {
    values::date(text).ok().map(|date| (date.year, date.month, date.day))
}

#[test]
fn dates_are_read_in_the_ways_lists_write_them() {
    let june = (2019, 6, 5);
    let cases = [
        ("2019-06-05", june),
        ("2019/6/5", june),
        ("2019.6.5", june),
        ("2019\\6\\5", june),
        ("2019年6月5日", june),
        ("2019年6月5号", june),
        ("２０１９年６月５日", june),
        ("2019 - 06 - 05", june),
        ("2019-06\u{200B}-05\u{FEFF}", june),
        ("20190605", june),
        ("二〇一九年六月五日", june),
        ("二零一九年六月五日", june),
        ("二○一九年六月五日", june),
        ("2019年六月5日", june),
        ("2019年6月5日星期三", june),
        ("2019/6/5 (周三)", june),
        ("自2019年6月5日起", june),
        ("Wed Jun 05 2019", june),
        ("June 5th, 2019", june),
        ("5 Jun 2019", june),
        ("05-JUN-2019", june),
        ("31/12/2028", (2028, 12, 31)),
        ("12/31/2028", (2028, 12, 31)),
        ("05/05/2026", (2026, 5, 5)),
        ("二〇二六年十二月三十一日", (2026, 12, 31)),
        ("二〇二六年十月二十日", (2026, 10, 20)),
        ("2019年6月", (2019, 6, 0)),
        ("2019年6月份", (2019, 6, 0)),
        ("2019年元月", (2019, 1, 0)),
        ("2019.06", (2019, 6, 0)),
        ("2019.10", (2019, 10, 0)),
        ("June 2019", (2019, 6, 0)),
        ("2019年", (2019, 0, 0)),
        ("二〇一九年", (2019, 0, 0)),
        ("2024-02-29", (2024, 2, 29)),
    ];
    for (text, expected) in cases {
        assert_eq!(day(text), Some(expected), "{text}");
    }
}

#[test]
fn what_is_no_date_or_two_dates_is_refused() {
    for text in [
        "2023-02-29",
        "2024-04-31",
        "6/5/2019",
        "19-06-05",
        "2019-13",
        "45292",
        "长期",
        "1899-12-31",
        "2019-00-05",
        "2019-06-00",
        "20190600",
        "20191301",
        "2019-",
        "2019-6-",
        "201906",
        "6月5日",
        "二六年四月一日",
        "2019年6月上旬",
        "2019年上半年",
        "2019年底",
        "民国一百年",
        "2019-06-05前",
        "2019年6月5日星期四",
        "Tue Jun 05 2019",
        "5 Jun 19",
        "June 5",
        "5 Foo 2019",
        "2019-06-05x",
        "2019-06-05 25:00",
        "2019-06-05 10:60",
        "2019-06-05 10:00 +99:00",
        "2019-06 10:00",
        "2019-06-05T10:00:00 nowhere",
        "00:00",
        "1.2.3.4",
        "",
    ] {
        assert!(values::day(text, Side::First).is_err(), "{text}");
    }
    let says = |text: &str, parts: &[&str]| assert_says(&values::date(text).unwrap_err(), parts);
    says("2024.1", &["January or October"]);
    says("02/03/2026", &["02/03/2026 is 2026-02-03 or 2026-03-02"]);
    says("2.3.2026", &["2026-02-03 or 2026-03-02"]);
    says("26-04-01", &["four digits"]);
    says("26年4月1日", &["four digits"]);
    says("4月1日", &["no year"]);
}

/// The day in Beijing, or the reason of a note with it.
fn moment(text: &str, side: Side) -> Option<(i32, i32, i32, Option<NoteReason>)> {
    let Day { date, note } = values::day(text, side).ok()?;
    Some((date.year, date.month, date.day, note))
}

#[test]
fn instants_are_days_in_beijing() {
    for text in [
        "2026-03-31T16:00:00.000Z",
        "2026-03-31T16:00:00Z",
        "2026-03-31 16:00:00 UTC",
        "2026-03-31T160000Z",
        "2026-04-01T00:00:00+08:00",
        "2026-04-01T00:00+0800",
        "2026-04-01 00:00:00 +8",
        "2026-04-01T01:00:00+09:00",
        "2026-03-31T11:00:00-05:00",
        "2026-04-01T00:00:00+08:00[Asia/Shanghai]",
        "2026-04-01T00:00:00[Asia/Shanghai]",
        "Wed Apr 01 2026 00:00:00 GMT+0800 (中国标准时间)",
        "Wed Apr 01 2026 00:00:00 GMT+0800 (China Standard Time)",
        "Tue, 31 Mar 2026 16:00:00 GMT",
        "Wed Apr 01 00:00:00 CST 2026",
        "2026-04-01 00:00:00",
        "2026-04-01T00:00:00.000",
        "2026/4/1 0:00",
        "2026年4月1日 0时",
        "2026年4月1日零时",
        "2026年4月1日00时00分00秒",
        "2026/4/1 上午 12:00:00",
        "4/1/2026 12:00:00 AM".trim_start_matches("4/1/2026 "),
        "20260401000000",
        "20260401T000000",
        "2026-04-01 23:59:59",
        "2026-04-01T23:59:59+08:00",
        "2026-04-01T15:59:59Z",
    ] {
        let text =
            if text.starts_with("12:") { format!("2026/4/1 {text}") } else { text.to_owned() };
        assert_eq!(moment(&text, Side::First), Some((2026, 4, 1, None)), "{text}");
    }
}

#[test]
fn a_time_of_day_is_told_and_the_last_minute_is_the_next_day() {
    let next = Some((2026, 4, 1, Some(NoteReason::NextDay)));
    for text in [
        "2026-03-31T23:59:17",
        "2026-03-31 23:59:59.99",
        "2026/3/31 23:59",
        "2026-03-31T15:59:17.000Z",
        "2026年3月31日 下午11:59:17",
    ] {
        assert_eq!(moment(text, Side::First), next, "{text}");
        let said = values::day(text, Side::Last).unwrap_err();
        assert_says(&said, &["could mean this last day, or the one that begins a moment later"]);
    }
    assert_eq!(
        moment("2028-12-31 23:59:17", Side::First),
        Some((2029, 1, 1, Some(NoteReason::NextDay)))
    );
    let same = Some((2026, 4, 1, Some(NoteReason::TimeOfDay)));
    for text in [
        "2026年4月1日 12:00",
        "2026-04-01 08:30:00",
        "2026-04-01T00:00:00Z",
        "2026-04-01T23:58:59",
        "2026-04-01 00:00:01",
        "2026/4/1 下午3:30",
        "2026/4/1 3:30 PM",
        "2026/4/1, 3:30:00 PM",
        "2026年4月1日15时30分",
        "2026年4月1日中午12点",
        "2026年4月1日上午十时",
    ] {
        assert_eq!(moment(text, Side::First), same, "{text}");
        assert_eq!(moment(text, Side::Last), same, "{text}");
        assert_says(&values::date(text).unwrap_err(), &["time of day", "2026-04-01"]);
    }
    // The end of a day is no moment of the next for a last day.
    assert_eq!(moment("2028年12月31日24时", Side::Last), Some((2028, 12, 31, None)));
    assert!(values::day("2028年12月31日24时", Side::First).is_err());
    // Clocks that do not settle the day.
    for text in ["2026-04-01 20:00:00 CST", "1988-07-01T15:00:00Z", "2026年4月1日晚上12点"] {
        assert!(values::day(text, Side::First).is_err(), "{text}");
    }
}

#[test]
fn serial_numbers_are_days_in_a_text_file_alone() {
    let serial = |text| values::serial(text, Side::First);
    let read = |text| serial(text).unwrap().unwrap();
    let april = pb::Date { year: 2026, month: 4, day: 1 };
    assert_eq!(read("46113"), Day { date: april, note: Some(NoteReason::SerialDate) });
    assert_eq!(read("46113.0"), Day { date: april, note: Some(NoteReason::SerialDate) });
    assert_eq!(read("46112.9995"), Day { date: april, note: Some(NoteReason::NextDay) });
    assert_eq!(read("46112.9999999"), Day { date: april, note: Some(NoteReason::NextDay) });
    assert_eq!(read("46113.5"), Day { date: april, note: Some(NoteReason::TimeOfDay) });
    for text in ["19999", "80001", "2026", "20260401", "x", "-46113", "4.6e4", ""] {
        assert!(serial(text).is_none(), "{text}");
    }
    assert_eq!(read("20000").date, pb::Date { year: 1954, month: 10, day: 3 });
    assert_eq!(read("80000").date, pb::Date { year: 2119, month: 1, day: 11 });
    let import = import("企业名称,日期,有效期至\n甲,46113,47208\n");
    assert_eq!(import.rows[0].event.effective_date, super::date(2026, 4, 1));
    assert_eq!(designated(&import, 0).valid_to, super::date(2029, 3, 31));
    let noted: Vec<_> =
        import.report.notes.iter().map(|n| (n.reason, n.row, n.column.as_str())).collect();
    let serial = NoteReason::SerialDate;
    assert_eq!(noted[..2], [(serial, 2, "日期"), (serial, 2, "有效期至")]);
}

type Parts = (i32, i32, i32);

/// First day, last day and months of a period.
fn parts(text: &str) -> (Option<Parts>, Option<Parts>, Option<u32>) {
    let Period { first, last, months } = period(text, false).unwrap_or_else(|e| panic!("{e}"));
    let parts = |day: Option<Day>| day.map(|Day { date, .. }| (date.year, date.month, date.day));
    (parts(first), parts(last), months)
}

#[test]
fn periods_are_two_days() {
    let full = ((2024, 1, 1), (2026, 12, 31));
    let cases = [
        ("2024-01-01至2026-12-31", full),
        ("2024-01-01-2026-12-31", full),
        ("2024年1月1日—2026年12月31日", full),
        ("2024年1月01日——2026年12月31日", full),
        ("2024/1/1～2026/12/31", full),
        ("2024-01-01 -- 2026-12-31", full),
        ("2024-01-01 to 2026-12-31", full),
        ("自2024年1月1日至2026年12月31日止", full),
        ("2024年1月1日起至2026年12月31日止", full),
        ("从2024年1月1日到2026年12月31日", full),
        ("有效期：2024年1月1日至2026年12月31日", full),
        ("20240101-20261231", full),
        ("2024.1.1－2026.12.31", full),
        ("2024．1．1-2026．12．31", full),
        ("2024-1-1/2026-12-31", full),
        ("2024-01-01T00:00:00+08:00/2026-12-30T16:00:00Z", full),
        ("2024年1月1日 00:00:00至2026年12月31日 23:59:59", full),
        ("2024-1-1 0:00:00 - 2026-12-31 0:00:00", full),
        ("二〇二四年一月一日至二〇二六年十二月三十一日", full),
        ("2024年01月01日至2026年12月31日（三年）", full),
        ("2024年01月01日至2027年01月01日（三年）", ((2024, 1, 1), (2027, 1, 1))),
        ("三年（2024.1.1-2026.12.31）", full),
        ("2024年1月1日起三年", full),
        ("自2024年1月1日起3年内有效", full),
        ("自2024年1月1日起（三年）", full),
        ("2024年2月29日起36个月", ((2024, 2, 29), (2027, 2, 28))),
        ("2026年1月1日-12月31日", ((2026, 1, 1), (2026, 12, 31))),
        ("2026.1.1-12.31", ((2026, 1, 1), (2026, 12, 31))),
        ("2026年1月至12月", ((2026, 1, 0), (2026, 12, 0))),
        ("2024.01-2026.12", ((2024, 1, 0), (2026, 12, 0))),
        ("2024.1-2026.12", ((2024, 1, 0), (2026, 12, 0))),
        ("2024-01-2026-12", ((2024, 1, 0), (2026, 12, 0))),
        ("2024年1月至2026年12月", ((2024, 1, 0), (2026, 12, 0))),
        ("2026.10-2029.10", ((2026, 10, 0), (2029, 10, 0))),
        ("2024-2026", ((2024, 0, 0), (2026, 0, 0))),
        ("2024年-2026年", ((2024, 0, 0), (2026, 0, 0))),
        ("2024.01.01-2026.12.31。", full),
        ("2026-04-01至2026-04-01", ((2026, 4, 1), (2026, 4, 1))),
    ];
    for (text, (first, last)) in cases {
        assert_eq!(parts(text), (Some(first), Some(last), None), "{text}");
    }
}

#[test]
fn periods_are_a_length_or_one_day_with_its_side() {
    for text in [
        "三年",
        "3年",
        "叁年",
        "36个月",
        "有效期三年",
        "有效期为3年",
        "3 years",
        "（三年）",
        "自公布之日起三年",
        "三年（自认定之日起）",
    ] {
        assert_eq!(parts(text), (None, None, Some(36)), "{text}");
    }
    assert_eq!(parts("一年半").2, Some(18));
    assert_eq!(parts("两年").2, Some(24));
    for text in [
        "至2028年12月31日",
        "截至2028年12月31日",
        "截止到2028-12-31",
        "2028年12月31日止",
        "有效期至2028年12月31日",
        "2028.12.31到期",
        "至2028年12月31日 23:59:59",
    ] {
        assert_eq!(parts(text), (None, Some((2028, 12, 31)), None), "{text}");
    }
    assert_eq!(parts("自2026年1月1日起"), (Some((2026, 1, 1)), None, None));
}

#[test]
fn a_period_that_cannot_be_or_could_be_another_is_refused() {
    for text in [
        "2026-12-31",
        "长期",
        "2024-01-01至",
        "至",
        "3",
        "",
        "2026-01-12",
        "2026年",
        "十年以上",
        "自公布之日起",
        "2024-01-01至2026-12-31（已续期）",
    ] {
        assert_says(&period(text, false).unwrap_err(), &["--column valid_to="]);
    }
    assert_says(&period("2024-01-01至长期", false).unwrap_err(), &["长期 is not a date"]);
    assert_says(
        &period("2024-04-01至2024-04-31", false).unwrap_err(),
        &["2024-04-31 is not a date"],
    );
    for text in ["2026年4月1日至2025年3月31日", "2025年12月1日至3月1日", "2026-2024"] {
        assert_says(&period(text, false).unwrap_err(), &["ends before it begins"]);
    }
    for text in ["2024年1月1日至2026年12月31日（五年）", "三年（两年）"] {
        assert_says(&period(text, false).unwrap_err(), &["two periods"]);
    }
    let said = period("2024-01-01至2026-12-31 23:59:17", false).unwrap_err();
    assert_says(&said, &["could mean this last day"]);
    assert!(period("46113-47208", false).is_err());
    assert_eq!(period("46113-47208", true).unwrap().last.unwrap().date.year, 2029);
}

#[test]
fn a_length_counts_from_the_first_day_of_the_title() {
    let list = "企业名称,日期,有效期\n甲,2026-04-01,三年\n乙,2026年4月,36个月\n丙,2026,3年\n";
    let import = import(list);
    let last = |at| designated(&import, at).valid_to;
    let expected = [super::date(2029, 3, 31), super::date(2029, 3, 0), super::date(2028, 0, 0)];
    assert_eq!([last(0), last(1), last(2)], expected);
    // From the option, and not from nowhere.
    let import = super::import("企业名称,有效期\n甲,三年\n");
    assert_eq!(designated(&import, 0).valid_to, super::date(2022, 6, 4));
    let undated = Options { date: None, ..options() };
    assert_says(&refusal_with(&undated, "企业名称,有效期\n甲,三年\n"), &["--date"]);
    assert_says(&refusal_with(&undated, "企业名称,有效期\n甲,至2028年12月31日\n"), &["--date"]);
}

#[test]
fn moments_in_a_list_are_read_with_notes() {
    let list = "企业名称,认定日期,有效期至\n甲,2026-03-31T16:00:00.000Z,2029-03-30T16:00:00.000Z\n\
                乙,2026-04-01T00:00:00+08:00,2029-03-31 23:59:59\n\
                丙,2026-03-31 23:59:17,2029-03-31\n";
    let import = import(list);
    for at in 0..3 {
        assert_eq!(import.rows[at].event.effective_date, super::date(2026, 4, 1));
        assert_eq!(designated(&import, at).valid_to, super::date(2029, 3, 31));
    }
    let notes: Vec<_> = import.report.notes.iter().filter(|note| note.row > 0).collect();
    let [note] = notes.as_slice() else { panic!("{notes:?}") };
    assert_eq!((note.reason, note.row, note.column.as_str()), (NoteReason::NextDay, 4, "认定日期"));
    assert_says(&note.message, &["2026-03-31 23:59:17", "2026-04-01"]);
    let said = refusal("企业名称,有效期至\n甲,2029-03-31 23:59:17\n");
    assert_says(&said, &["row 2: 有效期至: 2029-03-31 23:59:17 is a moment"]);
}

proptest::proptest! {
    /// A day in any of the forms that lists use is that day.
    #[test]
    fn a_written_day_is_read_as_itself(
        (year, month, day) in (2000_i32..2100, 1_i32..=12, 1_i32..=28),
        form in 0_usize..13,
    ) {
        let digits = |number: i32| {
            let digit = |c: char| "〇一二三四五六七八九".chars().nth(c.to_digit(10).unwrap() as usize);
            number.to_string().chars().filter_map(digit).collect::<String>()
        };
        let chinese = |number: i32| match (number / 10, digits(number % 10)) {
            (0, ones) => ones,
            (tens, ones) => {
                let tens = if tens > 1 { digits(tens) } else { String::new() };
                format!("{tens}十{}", ones.trim_start_matches('〇'))
            }
        };
        let month_names = "JanFebMarAprMayJunJulAugSepOctNovDec";
        let place = usize::try_from(month - 1).unwrap() * 3;
        let month_name = &month_names[place..place + 3];
        let text = match form {
            0 => format!("{year}-{month:02}-{day:02}"),
            1 => format!("{year}/{month}/{day}"),
            2 => format!("{year}.{month}.{day}"),
            3 => format!("{year}年{month}月{day}日"),
            4 => format!("{year}{month:02}{day:02}"),
            5 => format!("{}年{}月{}日", digits(year), chinese(month), chinese(day)),
            6 => format!("{month_name} {day}, {year}"),
            7 => format!("{day:02}-{month_name}-{year}"),
            8 => format!("{year}-{month:02}-{day:02}T00:00:00+08:00"),
            9 => format!("{year}年{month}月{day}日 00:00"),
            10 => format!("{year}-{month:02}-{day:02} 23:59:59"),
            11 => format!("{year}{month:02}{day:02}000000"),
            _ => format!("{year}-{month:02}-{day:02}T15:59:59Z"),
        };
        proptest::prop_assert_eq!(self::day(&text), Some((year, month, day)), "{}", text);
    }

    /// Whatever a text is, a day that is read from it is written in it, and the only one that is.
    #[test]
    fn a_day_that_is_read_is_the_only_one_that_the_text_has(
        text in "[0-9]{1,4}[-/.年 ]?[0-9]{1,2}[-/.月 ]?[0-9]{0,4}[日 ]?",
    ) {
        let Ok(read) = values::date(&text) else { return Ok(()) };
        let joined: String = text.chars().filter(|c| *c != ' ').collect();
        let groups: Vec<&str> =
            joined.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty()).collect();
        let number = |text: &str| text.parse::<i32>().unwrap();
        let readings: Vec<(i32, i32, i32)> = match groups.as_slice() {
            [all] if all.len() == 8 => {
                vec![(number(&all[..4]), number(&all[4..6]), number(&all[6..]))]
            }
            [year] => vec![(number(year), 0, 0)],
            [year, month] => vec![(number(year), number(month), 0)],
            [year, a, b] if year.len() == 4 => vec![(number(year), number(a), number(b))],
            [a, b, year] => {
                let (a, b, year) = (number(a), number(b), number(year));
                vec![(year, a, b), (year, b, a)]
            }
            _ => vec![],
        };
        let exists = |(year, month, day): &(i32, i32, i32)| {
            crate::domain::PartialDate::parse_parts(*year, *month, *day).is_ok()
        };
        let mut readings: Vec<_> = readings.into_iter().filter(exists).collect();
        readings.dedup();
        proptest::prop_assert_eq!(readings, [(read.year, read.month, read.day)], "{}", text);
    }
}
