//! The command line, as a person types it.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    process::{Command, Output, Stdio},
};

use crate::support::{Fresh, Server, TIDU, list};

fn tidu(server: &str, args: &[&str]) -> Output {
    Command::new(TIDU).args(args).env("TIDU_SERVER", server).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn output_is_for_people_and_for_programs() {
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
    assert!(shown.contains("active") && shown.contains("(inferred)"), "{shown}");
    let shown = text(&tidu(&address, &["show", &code, "--as-of", "2027-01-01"]).stdout);
    assert!(shown.contains("expired"), "{shown}");
}

#[tokio::test]
async fn an_answer_for_programs_has_its_zeros() {
    let fresh = Fresh::start();
    let address = fresh.server.address.clone();
    let answer = |args: &[&str]| {
        let line = text(&tidu(&address, args).stdout);
        serde_json::from_str::<serde_json::Value>(&line).unwrap_or_else(|_| panic!("{line}"))
    };
    let status = answer(&["status", "-o", "json"]);
    assert_eq!((&status["logSize"], &status["subscriberCount"]), (&"0".into(), &0.into()));
    assert_eq!(answer(&["verify", "-o", "json"])["verifiedPosition"], "0");
    assert_eq!(answer(&["cursor", "create", "a", "-o", "json"])["nextPosition"], "0");
    // An export is read by earlier versions, which refuse members that they do not know.
    let export = text(&tidu(&address, &["export"]).stdout);
    let first: serde_json::Value = serde_json::from_str(&export).unwrap();
    assert!(first.get("logId").is_some() && first.get("diskBytes").is_none(), "{export}");
    assert!(first.get("recentWork").is_none() && first.get("memoryBytes").is_none(), "{export}");
}

#[tokio::test]
async fn a_status_tells_of_the_room_and_the_work_of_a_server() {
    let fresh = Fresh::start();
    let before = fresh.client().await.status().await;
    assert_eq!((before.replayed_events, before.stored_bytes), (Some(0), Some(0)));
    fresh.client().await.record(list(1, 40)).await.unwrap();
    let status = fresh.client().await.status().await;
    let stored = status.stored_bytes.unwrap();
    assert!(stored > 40 * 100 && status.disk_bytes.unwrap() > stored, "{status:?}");
    assert!(status.disk_free_bytes.unwrap() > status.disk_reserve_bytes.unwrap(), "{status:?}");
    assert!(status.memory_bytes.unwrap() > 1024 * 1024, "{status:?}");
    assert_eq!((status.questions_running, status.questions_waiting), (Some(0), Some(0)));
    let work = status.recent_work.unwrap();
    assert!(work.event_count == 40 && work.call_count >= 2, "{work:?}");
    let shown = text(&tidu(&fresh.server.address, &["status"]).stdout);
    for name in ["size ", "disk ", "work ", "questions ", "memory "] {
        assert!(shown.lines().any(|line| line.starts_with(name)), "{shown}");
    }
    let data = fresh.data();
    assert_eq!(fresh.server.terminate(), Some(0));
    let again = Server::start(&data).client().await.status().await;
    assert_eq!((again.replayed_events, again.stored_bytes), (Some(40), Some(stored)));
}

#[tokio::test]
async fn rules_are_shown_and_only_known_ones_adopted() {
    let fresh = Fresh::start();
    let address = fresh.server.address.clone();
    let shown = text(&tidu(&address, &["rules"]).stdout);
    assert_eq!(shown, "in force  version 1\nknown     versions 1 to 1\n");
    let json = text(&tidu(&address, &["rules", "-o", "json"]).stdout);
    let line: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&line["rulesVersion"], &line["newestRulesVersion"]), (&1.into(), &1.into()));
    let compared = text(&tidu(&address, &["rules", "diff", "--as-of", "2026-01-01"]).stdout);
    let nothing = "version 1 is in force; nothing to compare, as of 2026-01-01, as known at log \
                   size 0\n";
    assert_eq!(compared, nothing);
    for args in [&["rules", "adopt"][..], &["rules", "adopt", "--version", "1", "--yes"]] {
        let adopted = text(&tidu(&address, args).stdout);
        assert_eq!(adopted, "version 1 of the rules is in force; nothing to adopt\n");
    }
    let unknown = tidu(&address, &["rules", "adopt", "--version", "9", "--yes"]);
    assert_eq!(unknown.status.code(), Some(3));
    let said = text(&unknown.stderr);
    assert!(said.contains("RULES_UNKNOWN") && said.contains("newest version is 1"), "{said}");
    assert_eq!(fresh.client().await.status().await.log_size, 0);
}

#[tokio::test]
async fn errors_name_the_rule_and_exit_codes_tell_refusals() {
    let fresh = Fresh::start();
    let address = fresh.server.address.clone();
    let refused = tidu(&address, &["show", "914403001922038217"]);
    assert_eq!(refused.status.code(), Some(3));
    let said = text(&refused.stderr);
    assert!(said.contains("USCC_CHECK_CHARACTER") && said.contains("GB 32100-2015"), "{said}");
    let nobody = tidu("http://127.0.0.1:1", &["status"]);
    assert_eq!(nobody.status.code(), Some(4));
    assert!(text(&nobody.stderr).contains("tidu serve"), "{nobody:?}");
    assert_eq!(tidu(&address, &["events", "--kind", "nonsense"]).status.code(), Some(2));
}

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/little-giants-sample.csv");
const OPTIONS: [&str; 8] = [
    "--authority",
    "440000",
    "--programme",
    "specialised-sme",
    "--batch",
    "2026-1",
    "--date",
    "2026-03-01",
];

#[tokio::test]
async fn the_sample_of_real_names_is_recorded_only_once() {
    let fresh = Fresh::start();
    let address = fresh.server.address.clone();
    let record = || tidu(&address, &["record", SAMPLE, "--authority", "100000"]);
    let first = record();
    assert!(first.status.success(), "{first:?}");
    assert!(text(&record().stdout).contains("recorded before, at positions 0 to 17"));
    assert_eq!(fresh.client().await.status().await.log_size, 18);
    // Found by a name whose brackets are written otherwise, under the recommending authority.
    let shown = tidu(&address, &["show", "瑞普（天津）生物药业有限公司", "--as-of", "2020-01-01"]);
    let shown = text(&shown.stdout);
    assert!(shown.contains("provisional:120000/") && shown.contains("active"), "{shown}");
}

#[tokio::test]
async fn a_generated_list_of_9271_rows_is_recorded_whole() {
    let fresh = Fresh::start();
    let address = fresh.server.address.clone();
    let path = fresh.dir.path().join("list.csv");
    let list = path.to_str().unwrap();
    assert!(tidu(&address, &["generate", "--to", list]).status.success());
    let with = |more: &[&str]| tidu(&address, &[&["record", list], &OPTIONS[..], more].concat());

    let rows = fs::read_to_string(&path).unwrap();
    let bad = rows.replacen("440800,36", "440305,36", 1);
    assert_ne!(bad, rows);
    fs::write(&path, bad).unwrap();
    let refused = with(&[]);
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");
    let table = text(&refused.stdout);
    assert!(table.contains("ISSUER_NOT_ENTITLED") && table.contains(" 2 "), "row 2: {table}");
    assert_eq!(fresh.client().await.status().await.log_size, 0);

    fs::write(&path, rows).unwrap();
    assert!(text(&with(&["--dry-run"]).stdout).contains("9271 rows would be recorded"));
    assert_eq!(fresh.client().await.status().await.log_size, 0);
    let json = text(&with(&["-o", "json"]).stdout);
    let answer: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(answer["nextPosition"], "9271");
}

#[tokio::test]
async fn watch_goes_on_after_the_server_was_killed_and_started_again() {
    let fresh = Fresh::start();
    fresh.client().await.record(list(1, 5)).await.unwrap();
    let address = fresh.server.address.clone();
    let mut watching = Command::new(TIDU)
        .args(["watch", "--until", "9", "-o", "json", "--server", &address])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Its first stream has begun once it prints an event.
    let mut printed = BufReader::new(watching.stdout.take().unwrap());
    let mut lines = String::new();
    printed.read_line(&mut lines).unwrap();
    let Fresh { server, dir } = fresh;
    server.kill();
    let listen = address.trim_start_matches("http://");
    let server = Server::start_at(&dir.path().join("data"), listen);
    server.client().await.record(list(1, 9).split_off(5)).await.unwrap();
    printed.read_to_string(&mut lines).unwrap();
    let output = watching.wait_with_output().unwrap();
    let positions: Vec<_> = lines
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["position"].to_string()
        })
        .collect();
    let expected: Vec<_> = (0..9).map(|position| format!("\"{position}\"")).collect();
    assert_eq!(positions, expected);
    let told = text(&output.stderr);
    assert!(told.contains(&format!("following {address} from position 0")), "{told}");
    assert!(told.contains("connected again; following from position "), "{told}");
    assert!(told.contains("caught up at position "), "{told}");
}

#[test]
fn a_public_address_is_refused_without_insecure() {
    let output = Command::new(TIDU).args(["serve", "--listen", "0.0.0.0:0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("--insecure"));
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--operations-listen", "0.0.0.0:0"];
    let output = Command::new(TIDU).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains("operations_listen") && said.contains("--insecure"), "{said}");
}

#[tokio::test]
async fn check_reports_what_would_happen_and_records_nothing() {
    let fresh = Fresh::start();
    let address = fresh.server.address.clone();
    let file = fresh.dir.path().join("list.csv");
    let to = file.to_str().unwrap();
    tidu(&address, &["generate", "--rows", "20", "--to", to]);
    let options = ["--authority", "440000", "--programme", "specialised-sme", "--batch", "1"];
    let check = |extra: &[&str]| {
        let mut args = vec!["check", to];
        args.extend(options);
        args.extend(extra);
        tidu(&address, &args)
    };
    let fine = check(&["--date", "2026-04-01"]);
    let said = text(&fine.stdout);
    assert!(fine.status.success(), "{fine:?}");
    assert!(
        said.contains("no errors in 20 rows") && said.contains("PREREQUISITE_MISSING"),
        "{said}"
    );
    assert!(said.contains("20 titles would change"), "{said}");
    let wrong = check(&["--date", "2026-04-01", "--valid-to", "2025-01-01"]);
    assert_eq!(wrong.status.code(), Some(3));
    assert!(text(&wrong.stdout).contains("20 errors in 20 rows"), "{wrong:?}");
    let status = tidu(&address, &["status"]);
    assert!(text(&status.stdout).contains("events       0"), "{status:?}");
}

#[tokio::test]
async fn lists_counts_and_explanations_print_what_the_register_says() {
    let fresh = Fresh::start();
    let address = fresh.server.address.clone();
    fresh.client().await.record(list(1, 30)).await.unwrap();
    let says = |args: &[&str]| {
        let output = tidu(&address, args);
        assert!(output.status.success(), "{output:?}");
        text(&output.stdout)
    };
    let day = ["--as-of", "2024-06-01"];
    let listed = says(&[&["list", "-n", "10"], &day[..]].concat());
    assert!(listed.contains("10 titles; there are more"), "{listed}");
    let designees = says(&[&["list", "designees", "--industry", "C"], &day[..]].concat());
    assert!(designees.contains("specialised-sme active"), "{designees}");
    let counted = says(&[&["count", "--by", "authority,status"], &day[..]].concat());
    assert!(counted.contains("total") && counted.contains("30 titles, stage active"), "{counted}");
    let json = says(&[&["count", "-o", "json"], &day[..]].concat());
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["totalCount"], "30");
    let batches = says(&["batches", "specialised-sme"]);
    assert!(batches.contains("2024-1") && batches.contains("open"), "{batches}");
    let one = says(&["batches", "specialised-sme", "2024-1", "--authority", "440000"]);
    assert!(one.contains("digest of the content"), "{one}");
    let code = list(1, 1)[0].designee.clone();
    let explained = says(&[&["explain", &code, "specialised-sme"], &day[..]].concat());
    assert!(explained.contains("active: 2024-01-01 to 2026-12-31"), "{explained}");
    assert!(explained.contains("工信部企业〔2022〕63号"), "which rule said so: {explained}");
    for command in ["measures", "pools", "assessments"] {
        says(&[command]);
    }
}

#[tokio::test]
async fn addresses_of_no_server_are_refused_at_once() {
    let fresh = Fresh::start();
    let at = fresh.server.address.trim_start_matches("http://").to_owned();
    let copy = fresh.dir.path().join("copy");
    let copy = copy.to_str().unwrap();
    for (address, rule) in [
        (format!("ftp://{at}"), "the scheme must be https or http"),
        (format!("{at}/tidu"), "has a path"),
        (format!("http://{at}/tidu"), "has a path"),
    ] {
        for args in [&["status"][..], &["export", copy], &["backup", copy], &["cursor", "list"]] {
            let from_environment = tidu(&address, args);
            let server = ["--server", &address];
            let from_flag = tidu(&fresh.server.address, &[args, &server[..]].concat());
            for refused in [from_environment, from_flag] {
                assert_eq!(refused.status.code(), Some(2), "{address} {args:?}: {refused:?}");
                let said = text(&refused.stderr);
                assert!(said.contains(rule) && said.contains(&address), "{address}: {said}");
            }
        }
    }
    assert!(!fresh.dir.path().join("copy").exists());
    let empty = tidu("", &["status"]);
    assert_eq!(empty.status.code(), Some(1));
    assert!(text(&empty.stderr).contains("address is empty"), "{empty:?}");
}

#[test]
fn a_cursor_takes_no_filter_and_no_start() {
    for more in [["--programme", "little-giant"], ["--from", "3"], ["--kind", "designated"]] {
        let args = [&["watch", "--cursor", "c"], &more[..]].concat();
        let refused = tidu("http://127.0.0.1:1", &args);
        assert_eq!(refused.status.code(), Some(2), "{more:?}: {refused:?}");
        assert!(text(&refused.stderr).contains("cannot be used with"), "{refused:?}");
    }
}
