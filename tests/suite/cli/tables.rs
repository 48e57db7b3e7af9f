//! Lists that go out as CSV or XLSX, and come back.

use std::{fs, path::Path, process::Command};

use tidu::{
    cli::generate::enterprises,
    protocol::pb::{self, event::Fact},
};

use crate::support::{
    Client, Fresh, TIDU, annulled, authority, corrected, date, designated, done, event, failed,
    list, little_giant, made_up, passed, published_chapters, refused, text,
};

fn tidu(fresh: &Fresh, args: &[&str]) -> std::process::Output {
    let mut command = Command::new(TIDU);
    command.args(args).env("TIDU_SERVER", &fresh.server.address).output().unwrap()
}

/// The designations and results of reviews of a log, in the order of recording, without the parts
/// that a list has no column for.
async fn facts(client: &mut Client) -> Vec<pb::Event> {
    let mut events = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = pb::ListEventsRequest { page_size: 1_000, page_token, ..Default::default() };
        let page = client.ledger.list_events(request).await.unwrap().into_inner();
        events.extend(page.events.into_iter().filter_map(|recorded| recorded.event));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    events.retain(|event| {
        let fact = event.fact.as_ref();
        matches!(fact, Some(Fact::Designated(_) | Fact::ReviewPassed(_) | Fact::ReviewFailed(_)))
    });
    for event in &mut events {
        event.co_issuers.clear();
    }
    events
}

/// An empty log in which a file was recorded without any option.
fn recorded(file: &Path) -> Fresh {
    let fresh = Fresh::start();
    done(&tidu(&fresh, &["record", text(file)]));
    fresh
}

/// Designations under each kind of identifier, with everything that a list can state.
fn batch() -> Vec<pb::Event> {
    let [first, second] = &made_up(3, 2)[..] else { panic!("two") };
    let local = pb::Event { designee: "local:440000/A-01".to_owned(), ..designated(first) };
    let mut provisional = designated(first);
    provisional.designee = "provisional:440000/示例,甲\"乙\"有限公司".to_owned();
    let mut full = designated(second);
    full.effective_date = Some(pb::Date { year: 2024, month: 2, day: 0 });
    full.evidence = Some(pb::Evidence {
        document_number: "粤工信函〔2024〕1号".to_owned(),
        document_date: date("2024-01-31"),
        published_date: Some(pb::Date { year: 2024, month: 0, day: 0 }),
        url: "https://example.org/a?b=1,2".to_owned(),
        row: 7,
        ..Default::default()
    });
    if let Some(Fact::Designated(fact)) = &mut full.fact {
        fact.valid_to = date("2026-12-30");
        fact.sublist = "440000".to_owned();
        fact.recommended_by = "440300".to_owned();
        fact.supplement = true;
        fact.recommended_on = date("2024-01-15");
        let profile = fact.profile.as_mut().unwrap();
        profile.name = "=1+1示例有限公司".to_owned();
        profile.name_en = "@Example Co., Ltd.".to_owned();
        profile.size_class = pb::SizeClass::Small.into();
        profile.kind = pb::DesigneeKind::Enterprise.into();
        profile.main_product = "精密轴承".to_owned();
    }
    vec![local, provisional, full]
}

#[tokio::test]
async fn a_batch_goes_out_and_comes_back_under_every_identifier() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    client.record(batch()).await.unwrap();
    let expected = facts(&mut client).await;
    assert_eq!(expected.len(), 3);
    for name in ["batch.csv", "batch.xlsx"] {
        let file = fresh.dir.path().join(name);
        let args = ["batches", "specialised-sme", "2024-1", "--to", text(&file)];
        let said = done(&tidu(&fresh, &args));
        assert!(said.starts_with("3 rows written to "), "{said}");
        assert_eq!(facts(&mut recorded(&file).client().await).await, expected, "{name}");
    }
    let shown = done(&tidu(&fresh, &["batches", "specialised-sme", "2024-1", "-o", "csv"]));
    let file = fs::read_to_string(fresh.dir.path().join("batch.csv")).unwrap();
    assert_eq!(file.strip_prefix('\u{feff}'), Some(shown.as_str()));
    assert!(shown.contains(",'=1+1示例有限公司,'@Example") || shown.contains("'=1+1"), "{shown}");
}

#[tokio::test]
async fn a_list_has_corrections_in_place_and_nothing_annulled() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    let codes: Vec<_> = made_up(5, 5).iter().map(|made| made.uscc.to_string()).collect();
    let events = codes.iter().take(4).map(|code| little_giant(code, "1", "2019-06-05"));
    client.record(events.collect()).await.unwrap();
    client.record(vec![little_giant(&codes[4], "2", "2021-01-01")]).await.unwrap();
    let mut other = little_giant(&codes[1], "1", "2019-07-01");
    other.rule_version.clear();
    let repairs = vec![
        corrected(1, other.clone()),
        annulled(2),
        // An event of batch 1 that belongs to batch 2, and one of batch 2 that belongs to batch 1.
        corrected(3, little_giant(&codes[3], "2", "2021-01-01")),
        corrected(4, little_giant(&codes[4], "1", "2019-06-05")),
    ];
    client.record(repairs).await.unwrap();
    client.record(vec![passed(&codes[0], "2022-06-05")]).await.unwrap();
    client.record(vec![failed(&codes[1], "little-giant", "2022-06-05")]).await.unwrap();
    for (batch, expected) in [
        ("1", vec![(&codes[0], "2019-6-5"), (&codes[1], "2019-7-1"), (&codes[4], "2019-6-5")]),
        ("2", vec![(&codes[3], "2021-1-1")]),
        ("2022", vec![(&codes[0], "2022-6-5"), (&codes[1], "2022-6-5")]),
    ] {
        let file = fresh.dir.path().join(format!("{batch}.xlsx"));
        done(&tidu(&fresh, &["batches", "little-giant", batch, "--to", text(&file)]));
        let back = facts(&mut recorded(&file).client().await).await;
        let day = |event: &pb::Event| {
            let pb::Date { year, month, day } = event.effective_date.unwrap();
            format!("{year}-{month}-{day}")
        };
        let back: Vec<_> = back.iter().map(|event| (&event.designee, day(event))).collect();
        let expected: Vec<_> =
            expected.into_iter().map(|(code, day)| (code, day.to_owned())).collect();
        assert_eq!(back, expected, "{batch}");
    }
}

/// Lists as large as those that were published.
#[tokio::test]
async fn published_batches_go_out_and_come_back() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    for (_, mut events) in published_chapters() {
        events.retain(|event| match &event.fact {
            Some(Fact::Designated(fact)) => ["1", "3"].contains(&fact.batch.as_str()),
            Some(Fact::ReviewPassed(_) | Fact::ReviewFailed(_)) => true,
            _ => false,
        });
        events.retain(|event| event.authority == "100000");
        if !events.is_empty() {
            client.record(events).await.unwrap();
        }
    }
    let all = facts(&mut client).await;
    let round = |event: &pb::Event| match &event.fact {
        Some(Fact::Designated(fact)) => (fact.programme.clone(), fact.batch.clone()),
        Some(Fact::ReviewPassed(fact)) => (fact.programme.clone(), fact.round.clone()),
        Some(Fact::ReviewFailed(fact)) => (fact.programme.clone(), fact.round.clone()),
        _ => Default::default(),
    };
    let batches: std::collections::BTreeSet<_> = all.iter().map(round).collect();
    assert!(batches.len() >= 3, "{batches:?}");
    for (programme, batch) in batches {
        let file = fresh.dir.path().join("batch.xlsx");
        let args = ["batches", &programme, &batch, "--authority", "100000", "--to", text(&file)];
        done(&tidu(&fresh, &args));
        let expected: Vec<_> = all
            .iter()
            .filter(|event| round(event) == (programme.clone(), batch.clone()))
            .cloned()
            .collect();
        let back = facts(&mut recorded(&file).client().await).await;
        assert_eq!(back.len(), expected.len(), "{programme} {batch}");
        for (back, expected) in back.iter().zip(&expected) {
            assert_eq!(back, expected, "{programme} {batch}");
        }
    }
}

#[tokio::test]
async fn titles_go_out_with_all_pages_and_come_back_as_facts() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    client.record(list(8, 1_300)).await.unwrap();
    let code = made_up(8, 1)[0].uscc.to_string();
    let review = pb::ReviewPassed {
        programme: "specialised-sme".to_owned(),
        batch: "2024-1".to_owned(),
        round: "2026".to_owned(),
        ..Default::default()
    };
    let review = event("440000", &code, "2026-01-01", Fact::ReviewPassed(review));
    client.record(vec![review]).await.unwrap();
    for name in ["titles.csv", "titles.xlsx"] {
        let file = fresh.dir.path().join(name);
        let day = ["--as-of", "2026-06-01", "--to", text(&file)];
        let said = done(&tidu(&fresh, &[&["list"][..], &day].concat()));
        assert!(said.starts_with("1300 rows written to ") && said.contains("2026-06-01"), "{said}");
        let again = recorded(&file);
        let titles = |fresh: &Fresh| {
            let day = ["list", "--as-of", "2026-06-01", "-n", "5000", "-o", "json"];
            let lines = done(&tidu(fresh, &day));
            let kept = |line: &str| {
                let row: serde_json::Value = serde_json::from_str(line).unwrap();
                let title = &row["title"];
                [
                    "programme",
                    "authority",
                    "status",
                    "validFrom",
                    "validTo",
                    "validToInferred",
                    "batch",
                    "round",
                ]
                .iter()
                .fold(row["designee"].to_string(), |all, name| format!("{all} {}", title[name]))
            };
            let mut rows: Vec<_> = lines.lines().map(kept).collect();
            rows.sort();
            rows
        };
        assert_eq!(titles(&again), titles(&fresh), "{name}");
    }
    let some = done(&tidu(&fresh, &["list", "-o", "csv", "-n", "2"]));
    assert_eq!(some.lines().count(), 3, "{some}");
    let designees = done(&tidu(&fresh, &["list", "designees", "-o", "csv"]));
    assert_eq!(designees.lines().count(), 1_301);
}

#[tokio::test]
async fn a_title_that_has_ended_is_not_recorded_as_a_designation() {
    let fresh = Fresh::start();
    let code = made_up(9, 1)[0].uscc.to_string();
    let mut client = fresh.client().await;
    client.record(vec![little_giant(&code, "1", "2019-06-05")]).await.unwrap();
    client.record(vec![failed(&code, "little-giant", "2022-06-05")]).await.unwrap();
    let file = fresh.dir.path().join("titles.csv");
    done(&tidu(&fresh, &["list", "--as-of", "2023-01-01", "--to", text(&file)]));
    refused(&tidu(&fresh, &["check", text(&file)]), &["类别", "现状：expired"]);
}

#[tokio::test]
async fn counts_and_batches_go_out_as_numbers() {
    let fresh = Fresh::start();
    fresh.client().await.record(list(2, 12)).await.unwrap();
    let day = ["--as-of", "2024-06-01"];
    let counted = done(&tidu(
        &fresh,
        &[&["count", "--by", "programme,region", "-o", "csv"][..], &day].concat(),
    ));
    assert_eq!(counted, "称号,行政区划代码,称号数,其中推定\r\nspecialised-sme,440000,12,0\r\n");
    let whole = done(&tidu(&fresh, &[&["count", "--designees", "-o", "csv"][..], &day].concat()));
    assert_eq!(whole, "企业数\r\n12\r\n");
    let batches = done(&tidu(&fresh, &[&["batches", "-o", "csv"][..], &day].concat()));
    let rows: Vec<_> = batches.lines().collect();
    assert_eq!(rows.len(), 2, "{batches}");
    assert!(rows[1].starts_with("specialised-sme,440000,2024-1,open,0,12,0,0,"), "{batches}");
    let file = fresh.dir.path().join("counts.xlsx");
    let args = ["count", "--by", "status", "--to", text(&file)];
    let said = done(&tidu(&fresh, &args));
    assert!(
        said.contains("1 rows written to ") && said.contains("as known at log size 12"),
        "{said}"
    );
}

#[tokio::test]
async fn a_file_has_its_name_only_when_it_is_whole() {
    let fresh = Fresh::start();
    fresh.client().await.record(list(2, 2)).await.unwrap();
    let dir = fresh.dir.path().join("out");
    fs::create_dir(&dir).unwrap();
    let file = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    let names = || {
        let entries = fs::read_dir(&dir).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    for (args, what) in [
        (vec!["list", "--to", "list.txt"], "ends in .csv or .xlsx"),
        (vec!["list", "--to", "list"], "ends in .csv or .xlsx"),
        (vec!["list", "--to", "list.csv", "-o", "json"], "--output"),
        (vec!["list", "--to", "list.xlsx", "-o", "csv"], "--output"),
        (vec!["list", "--to", &file("none/list.xlsx")], "none/list.xlsx"),
        (vec!["list", "--to", &file("none/list.csv")], "none/list.csv"),
        (vec!["list", "--region", "999", "--to", &file("list.csv")], ""),
        (
            vec![
                "list",
                "--to",
                &file("a.csv"),
                "--valid-to-from",
                "2026",
                "--valid-to-to",
                "2025",
            ],
            "",
        ),
        (
            vec![
                "list",
                "--to",
                &file("a.xlsx"),
                "--valid-to-from",
                "2026",
                "--valid-to-to",
                "2025",
            ],
            "",
        ),
        (vec!["batches", "no-such", "1", "--to", &file("batch.xlsx")], "no-such"),
    ] {
        refused(&tidu(&fresh, &args), &[what]);
        assert!(names().is_empty(), "{args:?} leaves {:?}", names());
    }
    for name in ["list.csv", "list.xlsx"] {
        fs::write(file(name), "older").unwrap();
        done(&tidu(&fresh, &["list", "--as-of", "2024-06-01", "--to", &file(name)]));
        assert!(fs::read(file(name)).unwrap().len() > 100);
        fs::remove_file(file(name)).unwrap();
    }
    assert!(names().is_empty());
}

#[tokio::test]
async fn a_batch_of_several_authorities_is_asked_about() {
    let fresh = Fresh::start();
    let mut client = fresh.client().await;
    client.record(list(2, 1)).await.unwrap();
    let elsewhere = enterprises(4, authority("330000")).next().unwrap();
    let other = pb::Event { authority: "330000".to_owned(), ..designated(&elsewhere) };
    client.record(vec![other]).await.unwrap();
    let list = ["batches", "specialised-sme", "2024-1", "-o", "csv"];
    refused(&tidu(&fresh, &list), &["several authorities", "--authority"]);
    let one = done(&tidu(&fresh, &[&list[..], &["--authority", "330000"]].concat()));
    assert_eq!(one.lines().count(), 2, "{one}");
}
