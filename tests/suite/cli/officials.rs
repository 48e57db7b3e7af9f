//! The questions of officials: in both languages, for programs, and by a part of a name.

use std::process::{Command, Output};

use tidu::protocol::pb::{self, event::Fact};

use crate::support::{
    DESIGNEES, Fresh, TIDU, annulled, corrected, date, done, event, failed, little_giant, notice,
    refused, revoked, sealed,
};

const NAMES: [&str; 4] =
    ["示例瑞生物有限公司", "示例瑞制药有限公司", "示例海工有限公司", "示例农机有限公司"];

fn tidu(fresh: &Fresh, lang: &str, args: &[&str]) -> Output {
    let mut command = Command::new(TIDU);
    command.env("TIDU_SERVER", &fresh.server.address).env_remove("COLUMNS");
    command.args(args).args(["--lang", lang]).output().unwrap()
}

/// A designation with a name, in the words of an official list.
fn named(who: usize, batch: &str, from: &str) -> pb::Event {
    let mut event = little_giant(DESIGNEES[who], batch, from);
    event.evidence = Some(pb::Evidence {
        document_number: "工信部企业函〔2021〕197号".to_owned(),
        document_date: date("2021-07-19"),
        ..Default::default()
    });
    if let Some(Fact::Designated(fact)) = &mut event.fact {
        fact.recommended_by = "120000".to_owned();
        fact.profile = Some(pb::Profile {
            name: NAMES[who].to_owned(),
            registered_region: "120000".to_owned(),
            industry: "27".to_owned(),
            ..Default::default()
        });
    }
    event
}

/// A server with titles in force, revoked, noticed and expired, and something of each other kind.
async fn recorded() -> Fresh {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let [a, _, c, d] = DESIGNEES;
    let pool = pb::PoolEntered { pool: "2024".to_owned(), profile: None };
    let measures = pb::MeasuresIssued {
        programme: "specialised-sme".to_owned(),
        instrument: pb::Instrument::Measures.into(),
        title: "优质中小企业梯度培育管理实施细则".to_owned(),
        in_force_from: date("2022-09-01"),
        ..Default::default()
    };
    let assessed = pb::EnvironmentAssessed {
        region: "120000".to_owned(),
        year: 2023,
        assessor: "第三方机构".to_owned(),
        ..Default::default()
    };
    let updated = pb::InformationUpdated { programme: "little-giant".to_owned(), year: 2024 };
    client
        .record(vec![
            named(0, "3", "2021-07-01"),
            named(1, "3", "2021-07-01"),
            named(2, "3", "2021-07-01"),
            notice(d, "4", "2022-07-01"),
            event("120000", a, "2024-01-01", Fact::PoolEntered(pool)),
            event("120000", "", "2022-09-01", Fact::MeasuresIssued(measures)),
            event("100000", "", "2023-12-01", Fact::EnvironmentAssessed(assessed)),
            event("120000", a, "2024-04-01", Fact::InformationUpdated(updated)),
        ])
        .await
        .unwrap();
    client.record(vec![revoked(DESIGNEES[1], "2023-05-01", Some("2026-05-01"))]).await.unwrap();
    client.record(vec![failed(c, "little-giant", "2024-06-01")]).await.unwrap();
    client.record(vec![sealed("3", "2021-08-01", Some(3))]).await.unwrap();
    client.record(vec![named(3, "4", "2022-08-01")]).await.unwrap();
    client.record(vec![corrected(11, named(3, "4", "2022-09-01"))]).await.unwrap();
    fresh
}

/// A question, the columns of its answer for programs, and a text of it in each language.
const QUESTIONS: [(&[&str], &str, [&str; 2]); 18] = [
    (
        &["list"],
        "designee name programme authority status from to batch end flags",
        ["4 titles, as of 2022-10-01", "4 个称号，截至 2022-10-01"],
    ),
    (
        &["list", "designees"],
        "designee name region industry responsible_authority titles",
        ["120000 Tianjin", "专精特新“小巨人”企业（有效）"],
    ),
    (
        &["count", "--by", "programme,region,status"],
        "programme region status titles region_inferred",
        ["4 titles, stage active", "共 4 个称号，阶段：有效"],
    ),
    (
        &["changes", "--from", "2022-01-01", "--to", "2023-06-01"],
        "designee name programme authority item before after reason events",
        ["2 titles changed, from as of 2022-01-01", "2 个称号有变化；起点：截至 2022-01-01"],
    ),
    (
        &["compare", "little-giant/3", "little-giant/4"],
        "designee name in first second",
        ["0 in both, 3 in the first only", "两组皆有 0 个，仅第一组 3 个，仅第二组 1 个"],
    ),
    (
        &["batches"],
        "programme authority batch state noticed designated reviewed not_designated sealed_on",
        ["2 batches", "2 个批次，截至"],
    ),
    (
        &["batches", "little-giant", "3"],
        "programme authority batch state noticed designated reviewed not_designated sealed_on",
        ["digest of the content", "内容摘要"],
    ),
    (
        &["find", "示例瑞"],
        "designee name found_as region titles_in_force",
        ["2 designees, as of", "2 个认定对象，截至"],
    ),
    (
        &["suspects"],
        "shared_name designee name region authority titles_in_force",
        ["0 names", "0 个名称"],
    ),
    (
        &["measures"],
        "authority programme instrument title document_number amends bodies from to event",
        ["1 instruments in force", "现行文件 1 件"],
    ),
    (
        &["measures", "--without"],
        "authority name",
        ["36 provincial-level authorities have no such", "36 个省级认定机构没有此类现行文件"],
    ),
    (
        &["pools"],
        "authority pool entries",
        ["1 entries in the pools of 1 authorities", "1 个认定机构的培育库中共 1 个在库"],
    ),
    (&["pools", "天津", "2024"], "designee name entered left", ["1 members", "1 个成员"]),
    (&["assessments"], "region year assessor results event", ["1 assessments", "1 项评估"]),
    (
        &["programmes"],
        "id names decided_by validity renewal rule_versions",
        ["11 of 11 programmes", "11 个认定项目中的 11 个"],
    ),
    (
        &["regions"],
        "code name name_en kind parent iso_code authority",
        ["39 of 39 regions", "39 个地区中的 39 个"],
    ),
    (&["bodies"], "code name short_name name_en from to successor", ["bodies", "个发文机关"]),
    (
        &["authorities"],
        "code name name_en kind region",
        ["38 of 38 authorities", "38 个认定机构中的 38 个"],
    ),
];

/// The moment for which a question is asked, if it takes one.
fn day(args: &[&str]) -> &'static [&'static str] {
    match args[0] {
        "changes" | "regions" | "bodies" | "authorities" => &[],
        "assessments" | "pools" => &["--as-of", "2024-10-01"],
        _ => &["--as-of", "2022-10-01"],
    }
}

#[tokio::test]
async fn each_table_speaks_both_languages_and_keeps_its_keys() {
    let fresh = recorded().await;
    for (args, columns, [english, chinese]) in QUESTIONS {
        let args = [args, day(args)].concat();
        let ask = |lang: &str, more: &[&str]| done(&tidu(&fresh, lang, &[&args, more].concat()));
        let (en, zh) = (ask("en", &[]), ask("zh", &[]));
        assert!(en.contains(english), "{args:?}: {en}");
        assert!(zh.contains(chinese), "{args:?}: {zh}");
        for told in ["as of", "active", "authority", "designee"] {
            assert!(!zh.contains(told), "{args:?} says {told} in Chinese: {zh}");
        }
        let header = |tsv: &str| tsv.lines().next().unwrap().replace('\t', " ");
        let [en, zh] = ["en", "zh"].map(|lang| ask(lang, &["-o", "tsv"]));
        assert_eq!(header(&en), columns, "{args:?}");
        assert_eq!(en, zh, "{args:?}: programs read the same in both languages");
        let width = columns.split(' ').count();
        let cells = |row: &str| row.split('\t').count();
        assert!(en.lines().all(|row| cells(row) == width), "{args:?}: {en}");
        for form in ["json", "plain-json"] {
            let [en, zh] = ["en", "zh"].map(|lang| ask(lang, &["-o", form]));
            assert_eq!(en, zh, "{args:?}: {form} is the same in both languages");
            for line in en.lines() {
                let read: Result<serde_json::Value, _> = serde_json::from_str(line);
                assert!(read.is_ok(), "{args:?}: {line}");
            }
        }
    }
    let csv = done(&tidu(&fresh, "zh", &["find", "示例瑞", "-o", "csv"]));
    assert!(csv.starts_with("designee,name,found_as,region,titles_in_force\r\n"), "{csv}");
}

/// No line is wider than the terminal but one of a single word; names and codes stay whole.
#[tokio::test]
async fn answers_fit_into_the_columns_of_the_terminal() {
    let fresh = recorded().await;
    for (columns, lang) in [(60, "zh"), (80, "en"), (120, "zh")] {
        for (args, ..) in QUESTIONS {
            let mut command = Command::new(TIDU);
            command.env("TIDU_SERVER", &fresh.server.address).env("COLUMNS", columns.to_string());
            command.args(args).args(day(args)).args(["--lang", lang]);
            let shown = done(&command.output().unwrap());
            // The sentences after a table wrap in the terminal itself.
            let lines: Vec<_> = shown.lines().collect();
            let end = lines.iter().rposition(|line| line.contains('─') || line.contains('┈'));
            for row in &lines[..end.unwrap_or(0)] {
                let fits = wide(row.trim_end()) <= columns;
                let is_word = row.split_whitespace().count() == 1;
                assert!(fits || is_word, "{args:?} in {columns} columns: {row}\n{shown}");
            }
            if args == ["list"] {
                let names = NAMES.iter().chain(&DESIGNEES);
                assert!(names.clone().all(|whole| shown.contains(whole)), "{columns}: {shown}");
            }
        }
    }
}

/// Columns that a text takes.
fn wide(text: &str) -> usize {
    text.chars().map(|c| if matches!(c, '\u{2e80}'..='\u{ffef}') { 2 } else { 1 }).sum()
}

#[tokio::test]
async fn a_part_of_a_name_is_enough_for_one_and_lists_several() {
    let fresh = recorded().await;
    let [a, b, ..] = DESIGNEES;
    let shown = done(&tidu(&fresh, "zh", &["show", "瑞生物"]));
    for told in ["名称中含“瑞生物”的认定对象只有一个：示例瑞生物有限公司", a, "主管机构"]
    {
        assert!(shown.contains(told), "{told}: {shown}");
    }
    let shown = done(&tidu(&fresh, "en", &["show", "瑞生物"]));
    assert!(shown.contains("“瑞生物” is in the name of one designee only"), "{shown}");
    let json = done(&tidu(&fresh, "zh", &["show", "瑞生物", "-o", "json"]));
    let answer: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(answer["designee"]["designee"], a);

    let several = tidu(&fresh, "zh", &["show", "示例瑞"]);
    assert_eq!(several.status.code(), Some(3));
    let listed = String::from_utf8_lossy(&several.stdout);
    assert!(listed.contains(a) && listed.contains(b) && listed.contains("天津"), "{listed}");
    refused(
        &several,
        &["NAME_AMBIGUOUS", "认定对象有 2 个", "请输入更完整的名称或代码：tidu show 代码"],
    );
    let several = tidu(&fresh, "en", &["show", "示例瑞", "-o", "json"]);
    assert_eq!((several.status.code(), several.stdout.len()), (Some(3), 0));
    refused(&several, &["NAME_AMBIGUOUS", a, b]);

    // What is in no name: the likeliest, or how to find it.
    refused(
        &tidu(&fresh, "zh", &["show", "示例瑞生务有限公司"]),
        &["是否指", "示例瑞生物有限公司"],
    );
    refused(&tidu(&fresh, "en", &["show", "不存在"]), &["DESIGNEE_NOT_FOUND", "tidu find PART"]);
    // A code is never searched for as a part of a name.
    refused(&tidu(&fresh, "en", &["show", "91110000MA00000152"]), &["DESIGNEE_NOT_FOUND"]);

    let explained = done(&tidu(&fresh, "zh", &["explain", "瑞制药", "小巨人"]));
    assert!(explained.contains("数据造假"), "{explained}");
    let events = done(&tidu(&fresh, "zh", &["events", "--designee", "瑞制药"]));
    assert_eq!(events.lines().filter(|line| line.contains(b)).count(), 2, "{events}");
    refused(&tidu(&fresh, "en", &["events", "--designee", "示例瑞"]), &["NAME_AMBIGUOUS"]);
    refused(&tidu(&fresh, "zh", &["show", a, "-o", "tsv"]), &["该结果不是表格"]);
}

#[tokio::test]
async fn a_status_is_explained_by_its_facts_and_their_documents() {
    let fresh = recorded().await;
    let [a, b, c, d] = DESIGNEES;
    let explain = |lang: &str, who: &str, day: &str| {
        done(&tidu(&fresh, lang, &["explain", who, "小巨人", "--as-of", day]))
    };
    let zh = explain("zh", b, "2024-01-01");
    for told in [
        "专精特新“小巨人”企业 · 工业和信息化部",
        "已撤销（2023-05-01），原因：数据造假；截至 2026-05-01 不得再次申报",
        "  1. 2021-07-01  列入批次 3 认定名单，有效期至 2024-06-30（按目录推定），由天津推荐",
        "来源：工信部，工信部企业函〔2021〕197号，2021-07-19 成文；规则版本 2018",
        "  2. 2023-05-01  撤销，原因：数据造假；截至 2026-05-01 不得再次申报",
        "；事件 8",
    ] {
        assert!(zh.contains(told), "{told}: {zh}");
    }
    let en = explain("en", b, "2024-01-01");
    for told in [
        "revoked on 2023-05-01 for falsified data; banned to 2026-05-01",
        "designated in batch 3, valid to 2024-06-30, inferred from the catalogue",
        "source: 100000 MIIT, 工信部企业函〔2021〕197号, signed 2021-07-19; rules of 2018",
        "revoked: falsification; it may not apply again up to 2026-05-01",
    ] {
        assert!(en.contains(told), "{told}: {en}");
    }
    assert!(explain("zh", a, "2022-01-01").contains("有效：2021-07-01 至 2024-06-30"));
    assert!(explain("zh", c, "2023-01-01").contains("在所问日期之后才生效"));
    let expired = explain("zh", c, "2024-12-01");
    assert!(expired.contains("未提交复核"), "{expired}");
    let corrected = explain("zh", d, "2023-01-01");
    assert!(corrected.contains("事件 12（更正事件 11）"), "{corrected}");
    // Without a programme, each of which there is a title.
    let all = done(&tidu(&fresh, "zh", &["explain", "瑞制药", "--as-of", "2024-01-01"]));
    assert!(all.contains("小巨人") && all.contains("数据造假"), "{all}");
    // A fact that could not apply says why, also to programs.
    let mut client = fresh.client().await;
    client.record(vec![named(0, "4", "2022-07-01")]).await.unwrap();
    let twice = explain("zh", a, "2024-01-01");
    assert!(twice.contains("未起作用：当日称号已经有效"), "{twice}");
    let twice = explain("en", a, "2024-01-01");
    let why = "it changes nothing: the title was in force on that day already";
    assert!(twice.contains(why), "{twice}");
    let json = ["explain", a, "little-giant", "--as-of", "2024-01-01", "-o", "plain-json"];
    let answer: serde_json::Value =
        serde_json::from_str(&done(&tidu(&fresh, "zh", &json))).unwrap();
    let step = &answer["explanations"][0]["steps"][1];
    assert_eq!(step["effectiveDate"], "2022-07-01");
    assert_eq!(step["obstacle"], "STEP_OBSTACLE_IN_FORCE_ALREADY");
}

#[tokio::test]
async fn events_are_lines_for_people_and_rows_for_programs() {
    let fresh = recorded().await;
    let mut client = fresh.client().await;
    client.record(vec![annulled(7)]).await.unwrap();
    let zh = done(&tidu(&fresh, "zh", &["events", "--to", "2"]));
    let line = "2021-07-01  工信部            认定            ";
    assert!(zh.lines().all(|shown| shown.contains(line)), "{zh}");
    assert!(zh.contains("专精特新“小巨人”企业 批次 3"), "{zh}");
    let one = done(&tidu(&fresh, "zh", &["events", "0"]));
    for told in ["记录          ", "提交          位置 0 至 7", "文件          工信部企业函"]
    {
        assert!(one.contains(told), "{told}: {one}");
    }
    let rows = done(&tidu(&fresh, "zh", &["events", "-o", "tsv"]));
    let [header, first] = [0, 1].map(|at| rows.lines().nth(at).unwrap());
    let keys = "position recorded_time recorded_by effective_date authority kind designee \
                document_number withheld";
    assert_eq!(header.replace('\t', " "), keys);
    let cells: Vec<_> = first.split('\t').collect();
    assert_eq!([cells[0], cells[3], cells[4]], ["0", "2021-07-01", "100000"], "{first}");
    assert_eq!([cells[5], cells[6]], ["designated", DESIGNEES[0]], "{first}");
    let plain = done(&tidu(&fresh, "zh", &["events", "-o", "plain-json", "--to", "1"]));
    let event: serde_json::Value = serde_json::from_str(&plain).unwrap();
    assert_eq!(event["event"]["effectiveDate"], "2021-07-01");
    let one = done(&tidu(&fresh, "en", &["events", "0", "-o", "plain-json"]));
    assert_eq!(one, plain);
    refused(&tidu(&fresh, "en", &["events", "0", "-o", "csv"]), &["not a table"]);
}
