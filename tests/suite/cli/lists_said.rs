//! The words about lists: places as the user's program shows them, one message for one cause, and
//! the truth about what was recorded.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use serde_json::Value;

use crate::support::{Fresh, TIDU, made_up};

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

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A server, and files beside its data.
struct Desk(Fresh);

impl Desk {
    fn new() -> Self {
        Self(Fresh::start())
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.dir.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Runs `record` or `check` on files of the directory, with the usual options and others.
    fn run(&self, command: &str, files: &[&str], more: &[&str]) -> Output {
        let args = [&[command], files, &OPTIONS, more].concat();
        let dir = self.0.dir.path();
        let mut tidu = Command::new(TIDU);
        tidu.args(args).current_dir(dir).env("TIDU_SERVER", &self.0.server.address);
        tidu.output().unwrap()
    }

    async fn size(&self) -> u64 {
        self.0.client().await.status().await.log_size
    }
}

/// A list of made-up enterprises with a title row: the first has row 3.
fn list(from: usize, to: usize) -> String {
    let rows = made_up(1, to);
    let rows = rows[from..].iter().map(|one| format!("{},{},{}\n", one.name, one.uscc, one.region));
    format!("示例名单\n企业名称,统一社会信用代码,行政区划代码\n{}", rows.collect::<String>())
}

/// The same list with a region in a row that the authority does not answer for.
fn with_wrong_region(list: &str, row: usize) -> String {
    let lines = list.lines().enumerate().map(|(at, line)| {
        let line = line.to_owned();
        let (rest, region) = line.rsplit_once(',').unwrap_or((&line, ""));
        if at + 1 == row && !region.is_empty() {
            format!("{rest},440305\n")
        } else {
            format!("{line}\n")
        }
    });
    lines.collect()
}

fn objects(stdout: &[u8]) -> Vec<Value> {
    text(stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn a_commit_that_fails_says_what_earlier_ones_recorded() {
    let desk = Desk::new();
    desk.file("big.csv", &with_wrong_region(&list(0, 12_000), 11_500));
    desk.file("small.csv", &list(12_000, 12_003));
    let output = desk.run("record", &["big.csv", "small.csv"], &["--commit-size", "10000"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let (said, errors) = (text(&output.stdout), text(&output.stderr));
    assert!(
        said.contains("big.csv, rows 3 to 10002: 10000 rows recorded at positions 0 to 9999"),
        "{said}"
    );
    assert!(said.contains("row 11500") && said.contains("ISSUER_NOT_ENTITLED"), "{said}");
    let expected = "big.csv, rows 3 to 10002 was recorded at positions 0 to 9999; big.csv, rows \
                    10003 to 12002 and small.csv were not recorded: 1 rejection";
    assert!(errors.contains(expected), "{errors}");
    assert!(!errors.contains("nothing was recorded"), "{errors}");
    assert_eq!(desk.size().await, 10_000);
    // Repeating it with the fault mended records the rest.
    desk.file("big.csv", &list(0, 12_000));
    let output = desk.run("record", &["big.csv", "small.csv"], &["--commit-size", "10000"]);
    assert!(output.status.success(), "{output:?}");
    let said = text(&output.stdout);
    assert!(said.contains("rows 3 to 10002: 10000 rows had been recorded before"), "{said}");
    assert!(said.contains("small.csv: 3 rows recorded at positions 12000 to 12002"), "{said}");
    assert_eq!(desk.size().await, 12_003);
}

#[tokio::test]
async fn a_fact_of_two_files_is_refused_before_the_first_commit() {
    let desk = Desk::new();
    desk.file("a.csv", &list(0, 5));
    desk.file("b.csv", &list(4, 8));
    for more in [&[][..], &["--commit-size", "2"]] {
        let output = desk.run("record", &["a.csv", "b.csv"], more);
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        let said = text(&output.stdout);
        assert!(said.contains("a.csv, row 7") && said.contains("b.csv, row 3"), "{said}");
        assert!(text(&output.stderr).contains("nothing was recorded: 1 row states"), "{output:?}");
        assert_eq!(desk.size().await, 0);
    }
    let output = desk.run("record", &["a.csv", "b.csv"], &["-o", "json"]);
    let objects = objects(&output.stdout);
    let [fault] = objects.as_slice() else { panic!("{objects:?}") };
    assert_eq!((&fault["kind"], &fault["reason"]), (&"fault".into(), &"DUPLICATE_IN_LIST".into()));
    assert_eq!((&fault["file"], &fault["row"]), (&"b.csv".into(), &3.into()));
    let earlier = &fault["earlier"];
    assert_eq!((&earlier["file"], &earlier["row"]), (&"a.csv".into(), &7.into()));
    // Check judges the files together, and says the same.
    let output = desk.run("check", &["a.csv", "b.csv"], &[]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let said = text(&output.stdout);
    assert!(said.contains("1 error in 9 rows of 2 files"), "{said}");
    assert!(said.contains("b.csv, row 3") && said.contains("a.csv, row 7"), "{said}");
    assert!(!said.contains("events["), "an index of the request: {said}");
}

#[tokio::test]
async fn check_finds_duplicates_over_several_commits() {
    let desk = Desk::new();
    desk.file("big.csv", &list(0, 10_001));
    desk.file("again.csv", &list(5, 6));
    let output = desk.run("check", &["big.csv", "again.csv"], &["--commit-size", "9000"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let (said, errors) = (text(&output.stdout), text(&output.stderr));
    assert!(said.contains("again.csv, row 3") && said.contains("big.csv, row 8"), "{said}");
    assert!(said.contains("each commit is checked as if the others"), "{said}");
    assert!(errors.contains("1 duplicate; nothing would be recorded"), "{errors}");
}

#[tokio::test]
async fn a_file_is_judged_with_the_files_before_it() {
    let desk = Desk::new();
    let designations = list(0, 3);
    desk.file("designated.csv", &designations);
    let reviews: String = designations
        .lines()
        .skip(2)
        .map(|line| format!("{line},复核通过,2029,2029-03-01\n"))
        .collect();
    let header = "企业名称,统一社会信用代码,行政区划代码,类别,复核年度,日期\n";
    desk.file("reviewed.csv", &format!("{header}{reviews}"));
    let output = desk.run("check", &["designated.csv", "reviewed.csv"], &[]);
    assert!(output.status.success(), "{output:?}");
    let said = text(&output.stdout);
    assert!(said.contains("no errors in 6 rows of 2 files"), "{said}");
    assert!(!said.contains("TITLE_NOT"), "judged without the designations: {said}");
    let output = desk.run("record", &["designated.csv", "reviewed.csv"], &[]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(desk.size().await, 6);
}

#[tokio::test]
async fn a_bad_second_file_is_found_before_the_first_is_recorded() {
    let desk = Desk::new();
    desk.file("a.csv", &list(0, 3));
    desk.file("bad.csv", &with_wrong_region(&list(3, 6), 4));
    let output = desk.run("record", &["a.csv", "bad.csv"], &[]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(text(&output.stdout).contains("bad.csv, row 4"), "{output:?}");
    assert!(text(&output.stderr).contains("nothing was recorded: 1 rejection"), "{output:?}");
    assert_eq!(desk.size().await, 0);
    // The first is not judged again once it is recorded.
    assert!(desk.run("record", &["a.csv"], &[]).status.success());
    desk.file("bad.csv", &list(3, 6));
    let output = desk.run("record", &["a.csv", "bad.csv"], &[]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(desk.size().await, 6);
}

#[tokio::test]
async fn warnings_are_counted_beyond_those_that_are_listed() {
    let desk = Desk::new();
    desk.file("list.csv", &list(0, 1_200));
    for command in ["check", "record"] {
        let output = desk.run(command, &["list.csv"], &[]);
        assert!(output.status.success(), "{output:?}");
        let said = text(&output.stdout);
        let line = said.lines().find(|line| line.contains("PREREQUISITE_MISSING")).unwrap();
        assert!(line.contains("1200"), "{command}: {line}");
        assert!(line.contains("rows 3 to "), "{command}: {line}");
    }
}

#[tokio::test]
async fn equal_faults_of_rows_are_one_line_with_their_range() {
    let desk = Desk::new();
    let mut rows = list(0, 3);
    for number in 0..400 {
        rows.push_str(&format!("示例{number}有限公司,9.14403E+17,440305\n"));
    }
    desk.file("list.csv", &rows);
    let output = desk.run("record", &["list.csv"], &[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = text(&output.stderr);
    assert!(said.contains("list.csv: nothing was recorded; 1 fault\n"), "{said}");
    assert!(said.contains("rows 6 to 405"), "{said}");

    let output = desk.run("record", &["list.csv"], &["-o", "json"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let faults = objects(&output.stdout);
    assert_eq!(faults.len(), 400);
    for (fault, row) in faults.iter().zip(6..) {
        assert_eq!((&fault["kind"], &fault["row"]), (&"fault".into(), &row.into()));
        assert_eq!((&fault["file"], &fault["sheet"]), (&"list.csv".into(), &"".into()));
        assert_eq!(fault["column"], "统一社会信用代码");
        assert_eq!(fault["value"], "9.14403E+17");
        assert!(fault["message"].as_str().unwrap().contains("is a number"), "{fault}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_list_is_a_fault_for_programs_too() {
    let desk = Desk::new();
    desk.file("empty.csv", "企业名称,批次\n");
    desk.file("good.csv", &list(0, 2));
    desk.file("second.csv", "a,b\n1,2\n");
    let files = ["empty.csv", "good.csv", "second.csv"];
    let output = desk.run("check", &files, &["-o", "json"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let faults = objects(&output.stdout);
    let files: Vec<_> = faults.iter().map(|fault| fault["file"].as_str().unwrap()).collect();
    assert_eq!(files, ["empty.csv", "second.csv"]);
    assert!(faults[0]["message"].as_str().unwrap().contains("no rows"), "{faults:?}");
    // The end of the command is one line for programs, too.
    let [error] = objects(&output.stderr).try_into().unwrap();
    assert_eq!(error["exitCode"], 1);
    assert!(error["message"].as_str().unwrap().contains("empty.csv"), "{error}");
}

#[tokio::test]
async fn rejections_for_programs_have_the_place_in_the_list() {
    let desk = Desk::new();
    let twice =
        format!("{}{}", with_wrong_region(&list(0, 4), 4), list(3, 4).lines().last().unwrap());
    desk.file("list.csv", &twice);
    for command in ["record", "check"] {
        let output = desk.run(command, &["list.csv"], &["-o", "json"]);
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        let objects = objects(&output.stdout);
        let [answer] = objects.as_slice() else { panic!("{objects:?}") };
        assert_eq!(answer["rejectionCount"], 2);
        assert_eq!(answer["files"], serde_json::json!(["list.csv"]));
        let [wrong, again] = answer["rejections"].as_array().unwrap().as_slice() else {
            panic!("{answer}")
        };
        assert_eq!((&wrong["index"], &wrong["reason"]), (&1.into(), &"ISSUER_NOT_ENTITLED".into()));
        assert_eq!((&wrong["file"], &wrong["row"]), (&"list.csv".into(), &4.into()));
        assert_eq!((&again["row"], &again["earlier"]["row"]), (&7.into(), &6.into()));
        for warning in answer["warnings"].as_array().unwrap() {
            assert!(warning["row"].as_u64().unwrap() >= 3, "{warning}");
            assert_eq!(warning["file"], "list.csv");
        }
    }
}

#[tokio::test]
async fn skipped_rows_are_ranges_and_counts_have_their_grammar() {
    let desk = Desk::new();
    let mut rows = "序号,企业名称,统一社会信用代码\n".to_owned();
    let one = &made_up(1, 1)[0];
    rows.push_str(&format!("1,{},{}\n", one.name, one.uscc));
    for number in 2..=401 {
        rows.push_str(&format!("{number},,\n"));
    }
    desk.file("list.csv", &rows);
    let output = desk.run("check", &["list.csv"], &[]);
    assert!(output.status.success(), "{output:?}");
    let said = text(&output.stdout);
    assert!(said.contains("CSV, UTF-8, 1 row\n"), "{said}");
    assert!(said.contains("rows 3 to 402 skipped"), "{said}");
    assert_eq!(said.lines().filter(|line| line.contains("skipped")).count(), 1, "{said}");
    assert!(said.contains("no errors in 1 row\n"), "{said}");
    assert!(said.contains("1 title would change"), "{said}");
}
