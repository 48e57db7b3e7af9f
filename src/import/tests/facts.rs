//! Facts beside designations, and templates.

use super::*;

/// A CSV of a template, its example turned into a row.
fn filled(template: &Template, change: impl Fn(&str, &str) -> String) -> String {
    let names =
        template.header.iter().map(|header| header.split(['(', ')']).nth(1).unwrap_or_default());
    let cells = names.zip(&template.example).map(|(name, cell)| {
        let cell = if name == "row" { "1" } else { cell };
        change(name, cell)
    });
    let quoted = |cell: String| format!("\"{}\"", cell.replace('"', "\"\""));
    let row: Vec<_> = cells.map(quoted).collect();
    let header = template.header.join(",");
    format!("{}\n{header}\n{}\n", template.comments.join("\n"), row.join(","))
}

fn same(_: &str, cell: &str) -> String {
    cell.to_owned()
}

fn read_alone(list: &str) -> Result<Import, ImportError> {
    read_with(&Options::default(), list)
}

#[test]
fn a_template_of_every_fact_is_read_once_its_example_is_replaced() {
    for kind in FactKind::all() {
        let template = template(kind);
        let list = filled(&template, same);
        let import = read_alone(&list).unwrap_or_else(|error| panic!("{kind:?}: {error}\n{list}"));
        assert_eq!(import.rows.len(), 1, "{kind:?}");
        assert!(import.report.notes.iter().all(|note| note.reason == NoteReason::CodeMissing));
        assert!(import.report.sheets[0].unmapped.is_empty(), "{kind:?}: {:?}", import.report);
        let mut event = import.rows[0].event.clone();
        let evidence = event.evidence.as_mut().unwrap();
        assert_eq!(std::mem::take(&mut evidence.row), 1);
        if *evidence == pb::Evidence::default() {
            event.evidence = None;
        }
        assert_eq!(Some(event), example_event(kind), "{kind:?}");
        // As it is, it is refused, and says nothing else.
        let example = filled(&template, same).replace("\"1\",", "\"示例\",");
        let said = read_alone(&example).unwrap_err().to_string();
        assert_says(&said, &["1 faults", "the example of the template"]);
    }
}

#[test]
fn what_a_fact_needs_is_asked_for_and_the_rest_is_not() {
    for kind in FactKind::all() {
        let template = template(kind);
        let headers = template.header.iter().filter_map(|header| header.split(['(', ')']).nth(1));
        for field in headers {
            let without = |name: &str, cell: &str| {
                if name == field { String::new() } else { cell.to_owned() }
            };
            let read = read_alone(&filled(&template, without));
            let is_needed = kind.needs().iter().any(|needed| needed.name() == field);
            // Without the cell of the fact a row states another one.
            if field == "fact" || kind == FactKind::IdentifierChanged && field == "name" {
                continue;
            }
            match read {
                Ok(_) => assert!(!is_needed, "{kind:?} without {field}"),
                Err(error) => {
                    assert!(is_needed, "{kind:?} without {field}: {error}");
                    let label = field.replace('_', " ");
                    assert!(error.to_string().contains(&label), "{kind:?}, {field}: {error}");
                }
            }
        }
    }
}

#[test]
fn the_words_of_a_column_are_those_that_its_template_shows() {
    for kind in FactKind::all() {
        let template = template(kind);
        for field in kind.takes().iter() {
            for word in choices::shown(kind, field) {
                let put = |name: &str, cell: &str| {
                    if name == field.name() { word.to_owned() } else { cell.to_owned() }
                };
                let read = read_alone(&filled(&template, put));
                assert!(read.is_ok(), "{kind:?}, {}={word}: {read:?}", field.name());
            }
        }
    }
}

#[test]
fn options_of_another_fact_are_refused_and_those_of_the_publication_noted() {
    let list = format!("企业名称,信用代码\n甲公司,{CODE}\n");
    let text = |text: &str| Some(text.to_owned());
    let with = |fact, change: fn(&mut Options)| {
        let mut options = Options { fact: Some(fact), reason: None, ..options() };
        change(&mut options);
        options
    };
    for (options, option, taken_by) in [
        (with(FactKind::Designated, |o| o.round = Some("1".into())), "--round", "review-passed"),
        (
            with(FactKind::Designated, |o| o.ban_until = Some("2027".into())),
            "--ban-until",
            "revoked",
        ),
        (with(FactKind::Surrendered, |o| o.supplement = true), "--supplement", "designated"),
        (with(FactKind::Surrendered, |o| o.valid_to = Some("2027".into())), "--valid-to", "notice"),
        (
            with(FactKind::Designated, |o| o.values = vec![("pool".into(), "a".into())]),
            "--set pool",
            "pool-entered",
        ),
    ] {
        let said = refusal_with(&options, &list);
        assert_says(&said, &[option, "the list states", "which has no"]);
        if option != "--valid-to" {
            assert_says(&said, &[taken_by]);
        }
    }
    let surrendered = Options { fact: Some(FactKind::Surrendered), ..options() };
    let import = read_with(&surrendered, &list).unwrap();
    let notes = &import.report.notes;
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert_says(&notes[0].message, &["--batch is not used", "surrendered"]);
    let unknown = Options { values: vec![("pol".into(), "a".into())], ..options() };
    assert_says(&refusal_with(&unknown, &list), &["--set pol", "pool"]);
    let wrong = Options { fact: Some(FactKind::Revoked), reason: text("不知道"), ..options() };
    assert_says(&refusal_with(&wrong, &list), &["--reason", "不知道"]);
}

#[test]
fn a_column_of_another_fact_is_ignored_and_its_cells_in_mixed_lists_are_noted() {
    let revoked =
        Options { fact: Some(FactKind::Revoked), reason: Some("其他".into()), ..options() };
    let list = format!("企业名称,信用代码,认定日期,有效期\n甲公司,{CODE},2020-01-01,2020-2023\n");
    let import = read_with(&revoked, &list).unwrap();
    assert_eq!(import.rows[0].event.effective_date, date(2019, 6, 5), "that of the revocation");
    assert_eq!(import.report.sheets[0].unmapped, ["认定日期", "有效期"]);
    let mixed = "企业名称,类型,原因,禁止申报至\n甲,认定,,2027-01-01\n乙,撤销,其他,2027-01-01\n";
    let import = super::import(mixed);
    let note = import.report.notes.iter().find(|note| note.reason == NoteReason::NotUsed).unwrap();
    assert_eq!((note.row, note.column.as_str()), (2, "禁止申报至"));
}

#[test]
fn days_that_differ_are_refused() {
    let list = "企业名称,日期,认定日期\n甲,2024-01-01,2024-01-01\n乙,2024-01-01,2025-01-01\n";
    assert_says(&refusal(list), &["1 faults", "row 3", "日期 and 认定日期", "ignore"]);
}

#[test]
fn batches_and_instruments_need_no_name() {
    let sealed = Options { fact: Some(FactKind::BatchSealed), ..options() };
    let import = read_with(&sealed, "批次,认定数量,复核通过数量\n1,25,0\n2,0,\n").unwrap();
    let Some(Fact::BatchSealed(fact)) = &import.rows[0].event.fact else { panic!() };
    let declared = fact.declared.unwrap();
    assert_eq!((declared.designated, declared.reviewed), (Some(25), Some(0)));
    let Some(Fact::BatchSealed(fact)) = &import.rows[1].event.fact else { panic!() };
    assert_eq!(fact.declared.unwrap().reviewed, None);
    assert!(import.rows.iter().all(|row| row.event.designee.is_empty()));
    let issued = Options { fact: Some(FactKind::MeasuresIssued), ..options() };
    let list =
        "文件名称,文件类型,文号,联合发文单位代码\n示例办法,管理办法,示例〔2026〕1号,miit、ndrc\n";
    let import = read_with(&issued, list).unwrap();
    let Some(Fact::MeasuresIssued(fact)) = &import.rows[0].event.fact else { panic!() };
    assert_eq!(fact.issuing_bodies, ["miit", "ndrc"]);
    // In a list of another fact such a table is none.
    let said = refusal("批次,认定数量\n1,25\n");
    assert_says(&said, &["no table found"]);
}

#[test]
fn indicators_have_a_name_a_value_and_a_unit() {
    let assessed = Options { fact: Some(FactKind::EnvironmentAssessed), ..options() };
    let header = "行政区划代码,年度,评估机构,评估指标\n";
    let row = |text: &str| format!("{header}440100,2026,示例机构,{text}\n");
    let import = read_with(&assessed, row("综合得分=87.04分；市场环境：80.10")).unwrap();
    let Some(Fact::EnvironmentAssessed(fact)) = &import.rows[0].event.fact else { panic!() };
    let read: Vec<_> = fact.indicators.iter().map(|i| (&*i.name, &*i.value, &*i.unit)).collect();
    assert_eq!(read, [("综合得分", "87.04", "分"), ("市场环境", "80.10", "")]);
    for wrong in ["良好", "综合得分=高", "=3"] {
        assert_says(&refusal_with(&assessed, row(wrong)), &["row 2", "is not an indicator"]);
    }
}

#[test]
fn the_page_on_lists_names_every_fact_with_its_needs_and_every_field() {
    let page = include_str!("../../../docs/lists.md");
    for kind in FactKind::all() {
        let begin = format!("| `{}` | {} |", kind.name(), kind.words().first().unwrap());
        let line = page.lines().find(|line| line.starts_with(&begin)).unwrap();
        let needs = kind
            .needs()
            .iter()
            .filter(|field| !matches!(field, fields::Field::Authority | fields::Field::Date));
        for field in needs {
            assert!(line.contains(&format!("`{}`", field.name())), "{line}: {}", field.name());
        }
    }
    for (field, name, ..) in fields::FIELDS {
        let begin = format!("| `{name}` |");
        let line =
            page.lines().find(|line| line.starts_with(&begin)).unwrap_or_else(|| panic!("{name}"));
        assert!(line.contains(field.headers().first().unwrap()), "{line}");
    }
}

#[test]
fn the_ends_of_a_move_and_other_codes_are_read_as_their_first_ones() {
    let relocated = Options { fact: Some(FactKind::Relocated), ..options() };
    let list = "企业名称,迁出地,迁入地,迁出省份,迁入省份,迁移阶段\n\
                甲公司,深圳市,110105,广东省,北京市,确认\n";
    let import = read_with(&relocated, list).unwrap();
    let Some(Fact::Relocated(fact)) = &import.rows[0].event.fact else { panic!() };
    assert_eq!((fact.from_region.as_str(), fact.to_region.as_str()), ("440300", "110105"));
    let passed = Options { fact: Some(FactKind::TitleTransferred), batch: None, ..options() };
    let header = "企业名称,承继单位代码";
    let import = read_with(&passed, format!("{header}\n甲公司,\"=\"\"{CODE}\"\"\"\n")).unwrap();
    let Some(Fact::TitleTransferred(fact)) = &import.rows[0].event.fact else { panic!() };
    assert_eq!(fact.successor, CODE);
    for (cell, why) in [("9.14403E+17", "15 digits"), ("", "no successor")] {
        let said = refusal_with(&passed, format!("{header}\n甲公司,{cell}\n"));
        assert_says(&said, &["row 2", why]);
    }
}

#[test]
fn options_that_csv_cannot_have_are_refused() {
    let list = "企业名称\n甲公司\n";
    let sheet = Options { sheet: Some("a".to_owned()), ..options() };
    assert_says(&refusal_with(&sheet, list), &["--sheet", "CSV"]);
    let hidden = Options { hidden: Some(ReadOrSkip::Read), ..options() };
    assert_says(&refusal_with(&hidden, list), &["--hidden", "CSV"]);
    assert_says(&refusal_with(&choose("name", " "), list), &["--column name=", "no column"]);
}

#[test]
fn a_column_that_tells_of_another_fact_is_asked_about() {
    let list = |header: &str, cell: &str| {
        format!("企业名称,统一社会信用代码,{header}\n示例有限公司,91440101400109603Y,{cell}\n")
    };
    let designated = options;
    for (header, cell) in [
        ("撤销原因", "弄虚作假"),
        ("原因", "弄虚作假"),
        ("撤销日期", "2026-03-01"),
        ("禁止申报至", "2029-03-01"),
        ("原企业名称", "示例一有限公司"),
        ("公示截止日期", "2026-03-01"),
    ] {
        let refused = read_with(&designated(), list(header, cell)).unwrap_err().to_string();
        assert!(refused.contains("--fact") && refused.contains(header), "{refused}");
        assert!(refused.contains(&format!("--column ignore={header}")), "{refused}");
        let ignored = vec![("ignore".to_owned(), header.to_owned())];
        let ignoring = Options { columns: ignored, ..designated() };
        assert_eq!(read_with(&ignoring, list(header, cell)).unwrap().rows.len(), 1, "{header}");
        assert_eq!(read_with(&designated(), list(header, "")).unwrap().rows.len(), 1, "{header}");
    }
    // The caller says which fact it is.
    let stated = Options { fact: Some(FactKind::Designated), ..designated() };
    assert!(read_with(&stated, list("撤销原因", "其他")).is_ok());
    let with_fact = list("原因,类别", "其他,认定");
    assert!(read_with(&designated(), with_fact).is_ok());
}

#[test]
fn options_that_json_lines_cannot_have_are_refused() {
    let skip = Some(ReadOrSkip::Skip);
    let hidden = Options { hidden: skip, ..Options::default() };
    let lone = Options { lone_names: skip, ..Options::default() };
    for (options, option) in [(&hidden, "--hidden"), (&lone, "--lone-names")] {
        assert_says(&refusal_with(options, "{}\n"), &[option, "JSON lines"]);
    }
}
