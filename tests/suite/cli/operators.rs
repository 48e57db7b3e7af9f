//! The operator's commands in both languages, and in each form of output that they have.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

use crate::support::{Fresh, Server, TIDU, directory, done, list, refused, text};

/// A place with a server, where commands are typed in a language.
struct Desk {
    fresh: Fresh,
}

impl Desk {
    async fn with_events(count: usize) -> Self {
        let fresh = Fresh::start();
        fresh.client().await.record(list(1, count)).await.unwrap();
        Self { fresh }
    }

    fn dir(&self) -> &Path {
        self.fresh.dir.path()
    }

    fn run(&self, lang: &str, args: &[&str]) -> Output {
        run(self.dir(), &self.fresh.server.address, lang, args)
    }

    /// What a command says in English and in Chinese, on either output.
    fn says(&self, args: &[&str], en: &[&str], zh: &[&str]) {
        for (lang, expected) in [("en", en), ("zh", zh)] {
            let output = self.run(lang, args);
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8(said).unwrap();
            for expected in expected {
                assert!(said.contains(expected), "{args:?} in {lang}, {expected}: {said}");
            }
            assert_eq!(has_chinese(&said), lang == "zh", "{args:?} in {lang}: {said}");
        }
    }

    /// The first line that a command prints for a program, which is the same in both languages.
    fn prints(&self, args: &[&str]) -> String {
        let [en, zh] = ["en", "zh"].map(|lang| done(&self.run(lang, args)));
        let first = |text: &str| text.lines().next().unwrap_or_default().trim_end().to_owned();
        assert_eq!(first(&en), first(&zh), "{args:?}");
        first(&en)
    }
}

fn run(dir: &Path, server: &str, lang: &str, args: &[&str]) -> Output {
    let mut command = Command::new(TIDU);
    command.args(args).current_dir(dir).env("XDG_CONFIG_HOME", dir).env("TIDU_LANG", lang);
    command.env("TIDU_SERVER", server).env_remove("TIDU_CONTEXT").output().unwrap()
}

fn has_chinese(text: &str) -> bool {
    text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
}

#[tokio::test]
async fn the_state_of_a_server_is_told_in_both_languages() {
    let desk = Desk::with_events(3).await;
    desk.says(
        &["status"],
        &["events       3", "last commit", "rules", "serving", "since "],
        &["日志", "事件", "根哈希", "最近提交", "规则", "版本", "服务"],
    );
    desk.says(
        &["whoami"],
        &["principal    anonymous", "none: the server knows no principals", "do everything"],
        &["主体", "凭据", "无：服务器没有设置主体", "可以进行任何操作"],
    );
    for command in ["status", "whoami"] {
        for form in ["json", "plain-json"] {
            let line = done(&desk.run("zh", &[command, "-o", form]));
            assert!(!has_chinese(&line), "{line}");
            assert!(serde_json::from_str::<Value>(&line).unwrap().is_object());
        }
        for form in ["csv", "tsv"] {
            let output = desk.run("zh", &[command, "-o", form]);
            assert_eq!(output.status.code(), Some(3), "{output:?}");
            refused(&output, &["该结果不是表格"]);
        }
    }
}

#[tokio::test]
async fn cursors_are_told_in_both_languages_and_listed_in_each_form() {
    let desk = Desk::with_events(3).await;
    let made = done(&desk.run("zh", &["cursor", "create", "a", "--at", "1"]));
    assert!(made.contains("筛选条件"), "{made}");
    desk.says(&["cursor", "show", "a"], &["1 of 3", "2 events"], &["游标", "位置", "落后"]);
    desk.says(&["cursor", "advance", "a", "2"], &["a is at 2 of 3"], &["a 位于 2（共 3）"]);
    desk.says(&["cursor", "list"], &["next position", "behind"], &["下一位置", "落后"]);
    let header = "owner,cursor,next_position,behind,advanced,streams";
    assert_eq!(desk.prints(&["cursor", "list", "-o", "csv"]), header);
    assert_eq!(desk.prints(&["cursor", "list", "-o", "tsv"]), header.replace(',', "\t"));
    let json = desk.prints(&["cursor", "list", "-o", "plain-json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["cursorId"], &json["nextPosition"]), (&"a".into(), &2.into()));
    let deleted = done(&desk.run("zh", &["cursor", "delete", "a"]));
    assert_eq!(deleted.trim_end(), "游标 a 已删除");
}

#[tokio::test]
async fn contexts_are_told_in_both_languages_and_listed_in_each_form() {
    let desk = Desk::with_events(1).await;
    let server = desk.fresh.server.address.clone();
    desk.says(&["context", "list"], &["there are no contexts"], &["没有上下文"]);
    desk.says(
        &["context", "add", "a", "--replace", "--server", &server],
        &["added a, which is in use"],
        &["已添加 a，正在使用"],
    );
    desk.says(&["context", "add", "a", "--server", &server], &["already"], &["已存在"]);
    desk.says(&["context", "use", "a"], &["using a"], &["正在使用 a"]);
    desk.says(&["context", "list"], &["in use", "server"], &["使用中", "服务器"]);
    let header = "current,name,server,tls_ca,tls_cert,token_file";
    assert_eq!(desk.prints(&["context", "list", "-o", "csv"]), header);
    assert_eq!(desk.prints(&["context", "list", "-o", "tsv"]), header.replace(',', "\t"));
    for form in ["json", "plain-json"] {
        let line: Value =
            serde_json::from_str(&desk.prints(&["context", "list", "-o", form])).unwrap();
        assert_eq!((&line["name"], &line["current"]), (&"a".into(), &true.into()));
    }
    desk.says(&["context", "use", "b"], &["there is no context"], &["没有上下文"]);
    assert!(done(&desk.run("zh", &["context", "remove", "a"])).contains("已删除 a"));
}

#[tokio::test]
async fn copies_and_restores_are_told_in_both_languages() {
    let desk = Desk::with_events(4).await;
    desk.says(&["export", "log.jsonl"], &["events 0 to 4, root"], &["事件 0 至 4，根哈希"]);
    for (lang, backup, expected) in [
        ("en", "one", "nothing was recorded since the last backup"),
        ("zh", "two", "上次备份之后没有新事件"),
    ] {
        done(&desk.run(lang, &["backup", backup]));
        let again = desk.run(lang, &["backup", backup]);
        assert!(String::from_utf8(again.stderr).unwrap().contains(expected));
        let data = format!("{backup}-data");
        let restored = done(&desk.run(lang, &["restore", backup, "--data-dir", &data]));
        assert_eq!(has_chinese(&restored), lang == "zh", "{restored}");
        assert!(restored.contains(if lang == "zh" { "4 个事件" } else { "4 events" }));
    }
    desk.says(
        &["restore", "one", "--data-dir", "one-data"],
        &["one-data is not empty"],
        &["one-data 不是空目录"],
    );
    desk.says(&["restore", "none", "--data-dir", "x"], &["cannot read none"], &["无法读取 none"]);
    desk.says(&["backup", "data"], &["is a data directory"], &["是数据目录"]);
    let redact = ["redact", "0", "--reason", "x", "--data-dir", "one-data"];
    desk.says(&redact, &["is not annulled"], &["尚未作废"]);
    fs::write(desk.dir().join("damaged.jsonl"), "{}\n").unwrap();
    desk.says(
        &["import", "damaged.jsonl", "--data-dir", "x"],
        &["the log's status has no log id"],
        &["日志状态中没有日志编号"],
    );
}

#[tokio::test]
async fn findings_speak_both_languages_and_one_to_programs() {
    let desk = Desk::with_events(1).await;
    let server = desk.fresh.server.address.clone();
    let doctor = ["doctor", "--data-dir", "data", "--server", &server];
    desk.says(
        &doctor,
        &["files and directories of a log", "answers at", " findings: "],
        &["个文件和目录", "应答，有 1 个事件", "项错误"],
    );
    for (form, header) in
        [("csv", "level,id,found,run"), ("tsv", "level\tid\tfound\trun"), ("json", "{")]
    {
        let [en, zh] = ["en", "zh"].map(|lang| {
            let output = desk.run(lang, &[&doctor[..], &["-o", form]].concat());
            String::from_utf8(output.stdout).unwrap()
        });
        assert!(en.starts_with(header) && zh.starts_with(header), "{en}");
        assert!(!has_chinese(&zh), "{zh}");
    }
}

#[tokio::test]
async fn a_picture_of_a_server_is_in_both_languages() {
    let dir = directory();
    let data = dir.path().join("data");
    let server = Server::start_with(&data, &["--operations-listen", "127.0.0.1:0"]);
    let operations = server.operations.clone().unwrap();
    let top = ["top", "--once", "--interval", "1", "--operations", &operations];
    for (lang, expected) in [
        ("en", ["ready: an append would be acknowledged", "refusals: why and whom", "last events"]),
        ("zh", ["就绪：可以写入", "拒绝：原因和对象", "最近的事件"]),
    ] {
        let picture = done(&run(dir.path(), &server.address, lang, &top));
        for expected in expected {
            assert!(picture.contains(expected), "{expected}: {picture}");
        }
    }
}

#[test]
fn a_start_that_fails_says_why_in_both_languages() {
    let dir = directory();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let missing = ["serve", "--config", "none.toml"];
    for (args, en, zh) in [
        (&["serve", "--listen", &taken][..], "cannot listen on", "该地址已被占用"),
        (&["serve", "--listen", "0.0.0.0:0"], "accept the risk", "愿意承担风险请加 --insecure"),
        (&missing, "none.toml does not exist", "配置文件 none.toml 不存在"),
        (&["serve", "--tls-cert", "a"], "tls_key is not", "但未设置 tls_key"),
    ] {
        refused(&run(dir.path(), "", "en", args), &[en]);
        refused(&run(dir.path(), "", "zh", args), &[zh]);
    }
}

#[test]
fn a_server_says_where_it_is_in_both_languages() {
    let dir = directory();
    for (lang, said) in [("en", "tidu is listening on"), ("zh", "tidu 正在监听")] {
        let mut command = Command::new(TIDU);
        command.args(["serve", "--listen", "127.0.0.1:0", "--operations-listen", "off"]);
        command.arg("--data-dir").arg(dir.path().join(lang)).env("TIDU_LANG", lang);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        let mut output = std::io::BufReader::new(child.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut output, &mut line).unwrap();
        assert!(line.starts_with(said), "{line}");
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let ended = child.wait_with_output().unwrap();
        let logged = String::from_utf8(ended.stderr).unwrap();
        assert!(logged.contains("serving") && !has_chinese(&logged), "log lines: {logged}");
    }
}

#[test]
fn principals_and_certificates_speak_both_languages() {
    let dir = directory();
    let run = |lang: &str, args: &[&str]| run(dir.path(), "", lang, args);
    let made = done(&run("zh", &["dev-certs", "--dir", "zh"]));
    assert!(made.contains("启动服务器，并保持运行") && made.contains("tidu serve"), "{made}");
    let made = done(&run("en", &["dev-certs", "--dir", "en"]));
    assert!(made.contains("Start the server") && !has_chinese(&made), "{made}");
    refused(&run("zh", &["dev-certs", "--dir", "zh"]), &["不是空目录"]);
    let revoked = done(&run("zh", &["dev-certs", "revoke", "auditor", "--dir", "zh"]));
    assert!(revoked.contains("已吊销 auditor"), "{revoked}");
    let file = text(Path::new("zh/principals.toml"));
    let check = ["principals", "check", file];
    let told = done(&run("zh", &check));
    assert!(told.contains("6 个主体") && told.contains("记录员"), "{told}");
    let told = done(&run("en", &check));
    assert!(told.contains("6 principals") && !has_chinese(&told), "{told}");
    for (form, header) in [
        ("csv", "id,authority,roles,rights,credentials,until"),
        ("tsv", "id\tauthority\troles\trights\tcredentials\tuntil"),
    ] {
        let [en, zh] =
            ["en", "zh"].map(|lang| done(&run(lang, &[&check[..], &["-o", form]].concat())));
        assert!(en.starts_with(header) && en == zh, "{en}{zh}");
    }
}
