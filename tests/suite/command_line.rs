//! The command line, as a person types it.

use std::process::{Command, Output};

use crate::harness::{Fresh, TIDU, directory, list};

fn tidu(server: &str, args: &[&str]) -> Output {
    Command::new(TIDU).args(args).env("TIDU_SERVER", server).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn status_events_show_and_watch_print_for_people_and_for_programs() {
    let fresh = Fresh::start();
    let address = fresh.server.address.clone();
    fresh.client().await.record(list(1, 3)).await.unwrap();
    let status = tidu(&address, &["status"]);
    assert!(text(&status.stdout).contains("events       3"), "{status:?}");
    let events = text(&tidu(&address, &["events", "--newest", "-n", "2"]).stdout);
    let positions: Vec<_> = events.lines().map(|l| l.split_whitespace().next().unwrap()).collect();
    assert_eq!(positions, ["2", "1"]);
    let json = text(&tidu(&address, &["watch", "--until", "3", "-o", "json"]).stdout);
    for (position, line) in json.lines().enumerate() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(value["position"], position.to_string());
        assert_eq!(value["event"]["designated"]["programme"], "specialised-sme");
    }
    assert_eq!(json.lines().count(), 3);
    let code = list(1, 1)[0].designee.clone();
    let shown = text(&tidu(&address, &["show", &code, "--as-of", "2026-12-31"]).stdout);
    assert!(shown.contains("ACTIVE") && shown.contains("(inferred)"), "{shown}");
    let shown = text(&tidu(&address, &["show", &code, "--as-of", "2027-01-01"]).stdout);
    assert!(shown.contains("EXPIRED"), "{shown}");
}

#[tokio::test]
async fn errors_name_the_rule_and_the_exit_code_tells_refusal_from_failure() {
    let fresh = Fresh::start();
    let address = fresh.server.address.clone();
    let refused = tidu(&address, &["show", "914403001922038217"]);
    assert_eq!(refused.status.code(), Some(3));
    let said = text(&refused.stderr);
    assert!(said.contains("USCC_CHECK_CHARACTER") && said.contains("GB 32100-2015"), "{said}");
    let nobody = tidu("http://127.0.0.1:1", &["status"]);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(text(&nobody.stderr).contains("tidu serve"), "{nobody:?}");
    assert_eq!(tidu(&address, &["events", "--kind", "nonsense"]).status.code(), Some(2));
    drop(directory());
}
