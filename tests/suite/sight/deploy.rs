//! The dashboard, the alerts and their pages name only metrics, panels, alerts and headings that
//! exist.

use std::{collections::BTreeSet, fs};

use tidu::metrics::{Kind, TABLE};

const ALERTS: &str = "deploy/prometheus/rules.yml";
const CASES: &str = "deploy/prometheus/rules_test.yml";
const DASHBOARD: &str = "deploy/grafana/tidu.json";

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The words of a text that are names of metrics by their beginning.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("tidu_") || word.starts_with("process_")).collect()
}

/// The samples of all metrics.
fn samples() -> BTreeSet<String> {
    let of_row = TABLE.iter().flat_map(|row| {
        let endings: &[&str] = match row.kind {
            Kind::Histogram => &["_bucket", "_sum", "_count"],
            _ => &[""],
        };
        endings.iter().map(|ending| format!("{}{ending}", row.name))
    });
    of_row.collect()
}

#[test]
fn dashboard_and_alerts_use_metrics_that_exist() {
    let known = samples();
    for path in [ALERTS, CASES, DASHBOARD] {
        let text = read(path);
        let unknown: Vec<_> =
            names(&text).into_iter().filter(|name| !known.contains(*name)).collect();
        assert!(unknown.is_empty(), "{path} names {unknown:?}, which are not in the table");
    }
}

#[test]
fn the_dashboard_shows_every_metric() {
    let text = read(DASHBOARD);
    let shown = names(&text);
    let missing: Vec<_> = TABLE
        .iter()
        .map(|row| row.name)
        .filter(|name| !shown.iter().any(|shown| shown.starts_with(name)))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_page_explains_each_panel_in_its_order() {
    let dashboard: serde_json::Value = serde_json::from_str(&read(DASHBOARD)).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let panels: Vec<_> = panels.map(|panel| panel["title"].as_str().unwrap().to_owned()).collect();
    let page = read("docs/dashboard.md");
    let explained = page.lines().filter_map(|line| match line.strip_prefix("## ") {
        Some(row) => Some(row),
        None => line.strip_prefix("| ").and_then(|rest| rest.split(" | ").next()),
    });
    let explained: Vec<_> = explained.filter(|title| *title != "panel").collect();
    assert_eq!(explained, panels, "docs/dashboard.md has the panels of {DASHBOARD}");
}

/// The values of a key in the alerts, one a line.
fn values<'a>(text: &'a str, key: &'a str) -> Vec<&'a str> {
    text.lines().filter_map(|line| line.trim().strip_prefix(key)).map(str::trim).collect()
}

#[test]
fn every_alert_has_a_runbook_and_cases_of_both_kinds() {
    let (alerts, cases, operating) = (read(ALERTS), read(CASES), read("docs/operating.md"));
    let names = values(&alerts, "- alert:");
    assert!(names.len() > 10, "{names:?}");
    let runbooks = values(&alerts, "runbook:");
    let told = values(&cases, "- name:");
    for (name, runbook) in names.iter().zip(&runbooks) {
        assert_eq!(*runbook, format!("docs/operating.md#{}", name.to_lowercase()));
        assert!(operating.contains(&format!("\n### {name}\n")), "{name} has no runbook");
        assert!(told.contains(name), "{name} has no case in which it fires");
        assert!(told.contains(&format!("{name} rests").as_str()), "{name} never rests");
    }
    assert_eq!(names.len(), runbooks.len());
    let headings = operating.lines().filter_map(|line| line.strip_prefix("### "));
    let gone: Vec<_> = headings.filter(|heading| heading.starts_with("Tidu")).collect();
    assert_eq!(gone, names, "the runbook has the alerts in their order");
}
