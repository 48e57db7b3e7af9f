//! `tidu find`, `tidu suspects`, and `tidu show` with a name that several bear.

use std::{
    fs,
    process::{Command, Output},
};

use tidu::protocol::pb::{self, event::Fact};

use crate::support::{Fresh, TIDU, directory, done, event, refused, text};

const CODE: &str = "91110000MA00000152";
const NAME: &str = "示例安全封条有限公司";

fn tidu(fresh: &Fresh, args: &[&str]) -> Output {
    Command::new(TIDU).args(args).env("TIDU_SERVER", &fresh.server.address).output().unwrap()
}

fn named(designee: &str) -> pb::Event {
    let fact = pb::Designated {
        programme: "specialised-sme".to_owned(),
        batch: "2024-1".to_owned(),
        profile: Some(pb::Profile { name: NAME.to_owned(), ..Default::default() }),
        ..Default::default()
    };
    event("440000", designee, "2024-01-01", Fact::Designated(fact))
}

/// A server that knows one name by a code, and by the name alone.
async fn recorded() -> Fresh {
    let fresh = Fresh::start();
    let provisional = format!("provisional:440000/{NAME}");
    let mut client = fresh.client().await;
    client.record(vec![named(&provisional), named(CODE)]).await.unwrap();
    fresh
}

#[tokio::test]
async fn a_part_of_a_name_finds_its_bearers() {
    let fresh = recorded().await;
    let found = done(&tidu(&fresh, &["find", "安全封条", "--as-of", "2024-06-01"]));
    for said in
        [CODE, NAME, "provisional:440000/", "440000 Guangdong (inferred)", "2 designees, as of"]
    {
        assert!(found.contains(said), "{said}: {found}");
    }
    let one = done(&tidu(&fresh, &["find", "安全", "-n", "1"]));
    assert!(one.contains("1 designees; there are more (-n)"), "{one}");
    let json = done(&tidu(&fresh, &["find", NAME, "--whole", "-o", "json"]));
    let lines: Vec<serde_json::Value> =
        json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[1]["bearer"]["designee"], CODE);
    assert_eq!(lines[1]["position"], "1");
    refused(&tidu(&fresh, &["find", "安"]), &["text", "a search needs 2"]);
    let none = done(&tidu(&fresh, &["find", "封条安全"]));
    assert!(none.contains("0 designees"), "{none}");
}

#[tokio::test]
async fn a_name_that_several_bear_is_shown_with_its_bearers() {
    let fresh = recorded().await;
    let output = tidu(&fresh, &["show", NAME, "--as-of", "2024-06-01"]);
    assert_eq!(output.status.code(), Some(3));
    let listed = String::from_utf8_lossy(&output.stdout);
    for said in [CODE, "provisional:440000/", "titles in force", "2 designees"] {
        assert!(listed.contains(said), "{said}: {listed}");
    }
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("NAME_AMBIGUOUS"), "{told}");
    let output = tidu(&fresh, &["show", NAME, "-o", "json"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(3), 0));
}

#[tokio::test]
async fn the_links_that_suspects_prints_can_be_recorded() {
    let fresh = recorded().await;
    let told = done(&tidu(&fresh, &["suspects", "--as-of", "2024-06-01"]));
    assert!(told.contains("1 names, as of 2024-06-01"), "{told}");
    let link = told.lines().find(|line| line.starts_with('{')).unwrap();
    let links = directory();
    let path = links.path().join("links.jsonl");
    fs::write(&path, link).unwrap();
    done(&tidu(&fresh, &["record", text(&path)]));
    let told = done(&tidu(&fresh, &["suspects", "--programme", "specialised-sme"]));
    assert!(told.contains("0 names"), "{told}");
    let shown = done(&tidu(&fresh, &["show", NAME, "--as-of", "2024-06-01"]));
    assert!(shown.contains(CODE) && shown.contains("also provisional:440000/"), "{shown}");
}
