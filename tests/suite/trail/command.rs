//! `tidu audit`: exit codes and output.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
    sync::Arc,
};

use tidu::trail::{Entry, FileSink, Outcome, Sink};

use super::tape::trail;
use crate::support::{Fresh, TIDU, directory};

/// A trail of denials, on the disk.
fn written(path: &Path, lines: usize) {
    let sinks: Vec<Box<dyn Sink>> = vec![Box::new(FileSink::at(path.to_path_buf()))];
    let trail = trail(sinks, &Arc::default(), None).unwrap();
    for number in 0..lines {
        let principal = ["guangdong.reader", "zhejiang.reader"][number % 2].to_owned();
        let reason = "NOT_ENTITLED".to_owned();
        let outcome = Outcome::Denied;
        trail.write(&Entry { principal, reason, outcome, ..Entry::default() });
    }
    trail.close();
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn tidu(path: &Path, args: &[&str]) -> Output {
    Command::new(TIDU).arg("audit").args(args).arg(path).output().unwrap()
}

#[test]
fn a_chain_is_verified_and_a_break_named() {
    let dir = directory();
    let path = dir.path().join("audit.jsonl");
    written(&path, 4);
    let done = tidu(&path, &["verify", "--chain-only"]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let said = text(&done.stdout);
    assert!(said.contains("lines 1 to 4 hold together"), "{said}");
    let done = tidu(&path, &["verify", "--chain-only", "--output", "json"]);
    let said: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!((&said["last"], &said["anchors"]), (&4.into(), &serde_json::Value::Null));
    let changed = fs::read_to_string(&path).unwrap().replacen("zhejiang", "jiangsu", 1);
    fs::write(&path, changed).unwrap();
    let failed = tidu(&path, &["verify", "--chain-only"]);
    assert_eq!(failed.status.code(), Some(1));
    let said = text(&failed.stderr);
    assert!(said.contains("audit.jsonl line 2: ") && said.contains("was changed"), "{said}");
}

#[test]
fn the_anchors_come_from_the_log() {
    let fresh = Fresh::start();
    let path = fresh.dir.path().join("audit.jsonl");
    written(&path, 3);
    let address = fresh.server.address.clone();
    let done = tidu(&path, &["verify", "--server", &address]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert!(text(&done.stdout).contains("0 anchors on the log fit; behind"), "{done:?}");
    let data = fresh.data();
    let Fresh { server, dir: _dir } = fresh;
    assert_eq!(server.terminate(), Some(0));
    let done = tidu(&path, &["verify", "--data-dir", data.to_str().unwrap()]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert!(text(&done.stdout).contains("behind the last of them: 3 lines"), "{done:?}");
}

#[test]
fn the_last_lines_are_shown_by_principal_and_reason() {
    let dir = directory();
    let path = dir.path().join("audit.jsonl");
    written(&path, 6);
    let shown = |args: &[&str]| {
        let done = tidu(&path, &[&["show", "--output", "json"], args].concat());
        assert!(done.status.success(), "{}", text(&done.stderr));
        text(&done.stdout).lines().count()
    };
    assert_eq!(shown(&[]), 6);
    assert_eq!(shown(&["-n", "2"]), 2);
    assert_eq!(shown(&["--principal", "zhejiang.reader"]), 3);
    assert_eq!(shown(&["--reason", "NOT_ENTITLED", "--outcome", "denied"]), 6);
    assert_eq!(shown(&["--outcome", "allowed"]), 0);
    assert_eq!(shown(&["--since", "1971-01-01"]), 0);
    let table = text(&tidu(&path, &["show"]).stdout);
    assert!(table.contains("guangdong.reader") && table.contains("denied NOT_ENTITLED"), "{table}");
}
