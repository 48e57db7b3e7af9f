//! `tidu demo`, `tidu demo --keep` and `tidu history`.

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    process::{Child, ChildStdout, Command, Output, Stdio},
};

use tidu::cli::history;

use crate::support::{Client, Fresh, TIDU, directory, done, list, refused, tools::is_there};

/// A command in a language. Its environment names no server and no colours.
fn tidu(lang: &str, args: &[&str]) -> Command {
    let mut command = Command::new(TIDU);
    command.args(args).env("TIDU_LANG", lang);
    for name in ["NO_COLOR", "TIDU_SERVER", "TIDU_LISTEN"] {
        command.env_remove(name);
    }
    command
}

fn run(lang: &str, args: &[&str]) -> Output {
    tidu(lang, args).stdin(Stdio::null()).output().unwrap()
}

#[test]
fn the_demo_tells_its_story_in_both_languages() {
    for (lang, said) in [
        (
            "en",
            &[
                "the ministry, without a filter: 22 of 22 events",
                "Guangdong, events that concern it: 15 of 22 events",
                "revocations: 7 of 22 events",
                "Little giant, batch 1",
                "2021-07-01",
                "tidu serve",
            ][..],
        ),
        (
            "zh",
            &[
                "工信部（不筛选）：22 个事件中的 22 个",
                "广东（与其有关的事件）：22 个事件中的 15 个",
                "撤销）：22 个事件中的 7 个",
                "专精特新“小巨人”企业，第 1 批",
                "复核通过",
                "440000 无权陈述",
                "tidu serve",
            ],
        ),
    ] {
        let told = done(&run(lang, &["demo"]));
        for said in said {
            assert!(told.contains(said), "{said}: {told}");
        }
        assert!(!told.contains('\u{1b}'), "no colours in a pipe: {told}");
    }
}

#[test]
fn the_demo_has_colours_on_a_terminal_unless_somebody_objects() {
    if !is_there(&["script", "--version"], "nothing is printed on a terminal") {
        return;
    }
    for (objection, has_colours) in [("", true), ("1", false)] {
        let mut command = Command::new("script");
        command.args(["-qec", &format!("{TIDU} demo"), "/dev/null"]);
        command.env("NO_COLOR", objection).env("TERM", "xterm").env("TIDU_LANG", "en");
        let told = done(&command.stdin(Stdio::null()).output().unwrap());
        assert!(told.contains("22 of 22 events"), "{told}");
        assert_eq!(told.contains("\u{1b}[1m"), has_colours, "headings: {told}");
        assert_eq!(told.contains("\u{1b}[31m"), has_colours, "a refusal: {told}");
    }
}

/// A kept server, and what it says.
struct Kept {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Kept {
    fn start(lang: &str, args: &[&str]) -> Self {
        let mut command = tidu(lang, &["demo", "--keep", "--listen", "127.0.0.1:0"]);
        let mut child = command.args(args).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// What it says up to a line with a text, which it gives.
    fn says(&mut self, text: &str) -> String {
        self.lines.by_ref().map(Result::unwrap).find(|line| line.contains(text)).unwrap()
    }

    /// Ends it as Ctrl-C does. Gives what it says then.
    fn interrupt(mut self) -> String {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        let said: Vec<_> = self.lines.by_ref().map(Result::unwrap).collect();
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{said:?}");
        said.join("\n")
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn address(line: &str) -> String {
    line.split_whitespace().find(|word| word.starts_with("http")).unwrap().to_owned()
}

#[tokio::test]
async fn a_kept_demo_serves_the_history_which_is_recorded_once() {
    let dir = directory();
    let data = dir.path().join("data");
    let data = data.to_str().unwrap();
    let mut kept = Kept::start("en", &["--data-dir", data]);
    let size = history::size();
    kept.says(&format!("{size} events recorded; the next position is {size}"));
    let server = address(&kept.says("tidu is listening on http://127.0.0.1:"));
    kept.says(data);
    kept.says(&format!("export TIDU_SERVER={server}"));
    kept.says("tidu count --programme little-giant");
    let status = Client::connect(&server).await.status().await;
    assert_eq!(status.log_size, size as u64);
    let again = done(&run("zh", &["history", "--server", &server]));
    assert!(again.contains(&format!("全部 {size} 个事件此前已写入，未作任何改动")), "{again}");
    assert!(again.contains("第 1 批复核通过"), "{again}");
    let json = done(&run("en", &["history", "--server", &server, "-o", "json"]));
    let first: serde_json::Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!((&first["replayed"], &first["firstPosition"]), (&true.into(), &"0".into()));
    assert_eq!(Client::connect(&server).await.status().await.log_size, size as u64);
    let said = kept.interrupt();
    assert!(said.contains(&format!("Its data are kept in {data}")), "{said}");
    let mut kept = Kept::start("zh", &["--data-dir", data]);
    kept.says(&format!("全部 {size} 个事件此前已写入"));
    kept.says("按 Ctrl-C 停止");
    assert!(kept.interrupt().contains("数据保留在"), "the data stay");
}

#[test]
fn a_kept_demo_without_a_directory_removes_its_data() {
    let temporary = directory();
    let mut command = tidu("en", &["demo", "--keep", "--listen", "127.0.0.1:0"]);
    command.env("TMPDIR", temporary.path()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut kept = Kept { child, lines };
    kept.says("The published history");
    let said = kept.interrupt();
    assert!(said.contains("its data are removed"), "{said}");
    assert_eq!(temporary.path().read_dir().unwrap().count(), 0);
}

#[tokio::test]
async fn the_history_is_not_recorded_among_other_facts() {
    let fresh = Fresh::start();
    let server = &*fresh.server.address;
    fresh.client().await.record(list(1, 1)).await.unwrap();
    let output = run("en", &["history", "--server", server]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    refused(&output, &["the log has other facts already", "tidu demo --keep", "--beside"]);
    refused(&run("zh", &["history", "--server", server]), &["日志中已有其他事实", "--beside"]);
    refused(&run("en", &["history", "--server", server, "-o", "csv"]), &["not a table"]);
    assert_eq!(fresh.client().await.status().await.log_size, 1);
}

#[test]
fn a_kept_demo_says_when_its_address_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run("en", &["demo", "--keep", "--listen", &address]);
    refused(&output, &["cannot listen on", &address]);
    let output = run("en", &["demo", "--data-dir", "x"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}
