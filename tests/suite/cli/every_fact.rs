//! Lists of every fact that an authority states: templates, and what a server makes of them.

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use clap::ValueEnum as _;
use tidu::import::{FactKind, Template, template};

use crate::support::{Fresh, TIDU, done, refused, text};

fn tidu(fresh: &Fresh, args: &[&str]) -> Output {
    let mut command = Command::new(TIDU);
    command.args(args).env("TIDU_SERVER", &fresh.server.address).output().unwrap()
}

/// A template as CSV, its example turned into a row.
fn filled(kind: FactKind) -> String {
    let Template { comments, header, mut example } = template(kind);
    example[0] = "1".to_owned();
    for (header, cell) in header.iter().zip(&mut example) {
        // A seal must state what is recorded.
        if header.ends_with("(designated_count)") && kind == FactKind::BatchSealed {
            *cell = "1".to_owned();
        }
    }
    format!("{}\n{}\n{}\n", comments.join("\n"), header.join(","), example.join(","))
}

/// Records from standard input.
fn record_input(fresh: &Fresh, args: &[&str], input: &str) -> Output {
    let mut command = Command::new(TIDU);
    command.arg("record").args(args).env("TIDU_SERVER", &fresh.server.address);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn a_list_of_every_fact_is_recorded_without_an_option() {
    for kind in FactKind::value_variants() {
        let fresh = Fresh::start();
        if *kind == FactKind::BatchSealed {
            done(&record_input(&fresh, &["-"], &filled(FactKind::Designated)));
        }
        let said = done(&record_input(&fresh, &["-"], &filled(*kind)));
        assert!(said.contains("standard input: CSV"), "{said}");
        assert!(said.contains("1 row recorded at position"), "{kind:?}: {said}");
        // What a log holds goes into another one.
        let events = done(&tidu(&fresh, &["events", "-o", "json", "-n", "1000"]));
        let name = kind.to_possible_value().unwrap();
        let copy = Fresh::start();
        let said = done(&record_input(&copy, &["-"], &events));
        assert!(said.contains("standard input: JSON lines"), "{name:?}: {said}");
        let facts = |text: &str| {
            let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
            let events = lines.map(|line: serde_json::Value| line["event"].clone());
            events.filter(|event| event["authority"] != "service").collect::<Vec<_>>()
        };
        let again = done(&tidu(&copy, &["events", "-o", "json", "-n", "1000"]));
        assert_eq!(facts(&again), facts(&events), "{name:?}");
    }
}

#[test]
fn templates_of_each_format_are_not_recorded_as_they_are() {
    let fresh = Fresh::start();
    let dir = tempfile::tempdir().unwrap();
    for kind in [FactKind::Designated, FactKind::BatchSealed, FactKind::MeasuresIssued] {
        let name = kind.to_possible_value().unwrap().get_name().to_owned();
        for ending in ["csv", "xlsx"] {
            let file = dir.path().join(format!("{name}.{ending}"));
            let said = done(&tidu(&fresh, &["template", &name, "--to", text(&file)]));
            assert!(said.contains("written to"), "{said}");
            let output = tidu(&fresh, &["record", text(&file)]);
            refused(&output, &["the example of the template", "nothing was recorded"]);
        }
        let file = dir.path().join(format!("{name}.jsonl"));
        done(&tidu(&fresh, &["template", &name, "--to", text(&file)]));
        assert!(!tidu(&fresh, &["record", text(&file)]).status.success());
        let printed = done(&tidu(&fresh, &["template", &name, "-o", "jsonl"]));
        assert_eq!(printed, fs::read_to_string(&file).unwrap());
        let example = printed.lines().last().unwrap().trim_start_matches("# ");
        if kind != FactKind::BatchSealed {
            let said = done(&record_input(&fresh, &["-"], example));
            assert!(said.contains("1 row recorded"), "{said}");
        }
        let csv = done(&tidu(&fresh, &["template", &name]));
        assert!(csv.starts_with("# ") && csv.contains("needed"), "{csv}");
    }
    for (args, why) in [
        (vec!["--to", "a.ods"], ".csv, .xlsx or .jsonl"),
        (vec!["--to", "a.csv", "-o", "jsonl"], "leave --output out"),
    ] {
        let output = tidu(&fresh, &[&["template", "revoked"], &args[..]].concat());
        refused(&output, &[why]);
        assert!(!Path::new("a.ods").exists() && !Path::new("a.csv").exists());
    }
}

#[test]
fn standard_input_is_read_once_and_within_its_bound() {
    let fresh = Fresh::start();
    refused(&record_input(&fresh, &["-", "-"], ""), &["only once"]);
    let events = "{\"authority\":\"440000\"}\n";
    let output = record_input(&fresh, &["-", "--batch", "1"], events);
    refused(&output, &["--batch", "JSON lines"]);
    let said = String::from_utf8_lossy(&record_input(&fresh, &["-"], "").stderr).into_owned();
    assert!(said.contains("standard input: it has no rows"), "{said}");
}
