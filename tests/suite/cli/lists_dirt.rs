//! The list with typical dirt that ships as an example: a clerk is told what to mend in either
//! language, a spreadsheet gets it as a table, and programs get the same in any language.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::support::{Fresh, TIDU};

const OPTIONS: [&str; 6] =
    ["--authority", "440000", "--programme", "specialised-sme", "--batch", "2026-1"];
const HEADER: &str = "file,sheet,row,column,level,reason,value,message,message_zh";

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data").join(name)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Runs a command on a list under a locale.
fn run(fresh: &Fresh, command: &str, list: &Path, locale: &str, more: &[&str]) -> Output {
    let mut tidu = Command::new(TIDU);
    tidu.arg(command).arg(list).args(OPTIONS).args(more);
    tidu.env("LC_ALL", locale).env("TIDU_SERVER", &fresh.server.address).output().unwrap()
}

#[test]
fn a_clerk_is_told_what_to_mend_in_either_language() {
    let fresh = Fresh::start();
    let list = example("typical-dirt.csv");
    for (locale, parts) in [
        ("C", ["nothing was recorded; 2 faults", "row 8", "the check character is", "row 10"]),
        ("zh_CN.UTF-8", ["没有记录任何内容；有 2 处错误", "第 8 行", "校验码是", "第 10 行"]),
    ] {
        let output = run(&fresh, "check", &list, locale, &[]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = text(&output.stderr);
        for part in parts {
            assert!(said.contains(part), "{locale}: {part}: {said}");
        }
    }
}

#[test]
fn a_spreadsheet_and_programs_get_the_faults_in_any_language() {
    let fresh = Fresh::start();
    for list in ["typical-dirt.csv", "typical-dirt-mended.csv"].map(example) {
        for format in ["csv", "tsv", "json", "plain-json"] {
            let [english, chinese] = ["C", "zh_CN.UTF-8"]
                .map(|locale| run(&fresh, "check", &list, locale, &["-o", format]));
            assert_eq!(english.stdout, chinese.stdout, "{format}");
            assert_eq!(english.status, chinese.status, "{format}");
        }
    }
    let output = run(&fresh, "check", &example("typical-dirt.csv"), "C", &["-o", "csv"]);
    let table = text(&output.stdout);
    let lines: Vec<&str> = table.lines().collect();
    let [header, code, date] = lines.as_slice() else { panic!("{table}") };
    assert_eq!(*header, HEADER);
    let start = |line: &str| line.split(',').skip(1).take(6).collect::<Vec<_>>().join(",");
    assert_eq!(start(code), ",8,统一社会信用代码,error,ROW_INVALID,91441302YY0000X44A", "{table}");
    assert_eq!(start(date), ",10,认定日期,error,ROW_INVALID,", "{table}");
    assert!(code.contains("the check character is") && code.contains("校验码是"), "{table}");
}

#[tokio::test]
async fn the_mended_list_is_recorded_from_csv_and_from_tabs() {
    let fresh = Fresh::start();
    let mended = example("typical-dirt-mended.csv");
    // An answer that is no table is refused before anything is done.
    for format in ["csv", "tsv"] {
        let output = run(&fresh, "record", &mended, "C", &["-o", format]);
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        assert!(text(&output.stderr).contains("-o json"), "{output:?}");
    }
    assert_eq!(fresh.client().await.status().await.log_size, 0);
    let output = run(&fresh, "record", &mended, "zh_CN.UTF-8", &[]);
    assert!(output.status.success(), "{output:?}");
    assert!(text(&output.stdout).contains("已记录 8 行，在位置 0 至 7"), "{output:?}");
    // The same list with tabs states the same, so nothing is added.
    let tabs = fresh.dir.path().join("list.tsv");
    let list = std::fs::read_to_string(&mended).unwrap();
    std::fs::write(&tabs, list.replace(',', "\t")).unwrap();
    let output = run(&fresh, "record", &tabs, "C", &[]);
    assert!(output.status.success(), "{output:?}");
    assert!(text(&output.stdout).contains("recorded before"), "{output:?}");
    // A row that is there twice is the server's to find; a clerk reads which one it repeats.
    let twice = format!("{list}{}", list.lines().nth(1).unwrap());
    let other = fresh.dir.path().join("twice.csv");
    std::fs::write(&other, twice.replace("2026-1,", "2026-2,")).unwrap();
    let output = run(&fresh, "check", &other, "C", &["-o", "csv"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(text(&output.stdout).contains(",error,"), "{output:?}");
}
