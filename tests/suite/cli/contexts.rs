//! `tidu context`: servers by name, in a private file. What is typed wins over it, and what it
//! holds goes to its own server alone.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Command, Output},
};

use tempfile::TempDir;

use crate::support::{Fresh, TIDU, done, list, mtls::private, refused, text};

struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("tidu/contexts.toml")
    }

    fn run(&self, args: &[&str]) -> Output {
        self.run_with(args, &[])
    }

    fn run_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut command = Command::new(TIDU);
        command.args(args).current_dir(self.0.path()).env("XDG_CONFIG_HOME", self.0.path());
        for name in ["TIDU_SERVER", "TIDU_CONTEXT"] {
            command.env_remove(name);
        }
        command.envs(variables.iter().copied()).output().unwrap()
    }
}

#[tokio::test]
async fn a_context_is_added_used_listed_and_removed() {
    let (home, one, two) = (Home::new(), Fresh::start(), Fresh::start());
    one.client().await.record(list(1, 1)).await.unwrap();
    two.client().await.record(list(1, 2)).await.unwrap();
    let events = |args: &[&str]| {
        let said = done(&home.run(&[&["status"], args].concat()));
        said.lines().find_map(|line| line.strip_prefix("events       ")).unwrap().to_owned()
    };
    let none = done(&home.run(&["context", "list"]));
    assert!(none.starts_with("there are no contexts"), "{none}");
    let added = done(&home.run(&["context", "add", "one", "--server", &one.server.address]));
    assert_eq!(added, "added one, which is in use\n");
    let added = done(&home.run(&["context", "add", "two", "--server", &two.server.address]));
    assert_eq!(added, "added two; use it: tidu context use two\n");
    assert_eq!(events(&[]), "1");
    assert_eq!(events(&["--context", "two"]), "2");
    assert_eq!(events(&["--server", &two.server.address]), "2", "the flag wins");
    let variable = [("TIDU_CONTEXT", "two")];
    let said = done(&home.run_with(&["status"], &variable));
    assert!(said.contains("events       2"), "{said}");
    let said = done(&home.run_with(&["status", "--context", "one"], &variable));
    assert!(said.contains("events       1"), "{said}");
    done(&home.run(&["context", "use", "two"]));
    assert_eq!(events(&[]), "2");

    let mode = fs::metadata(home.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let json = done(&home.run(&["context", "list", "-o", "json"]));
    let lines: Vec<serde_json::Value> =
        json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[0]["name"], &lines[0]["current"]), (&"one".into(), &false.into()));
    assert_eq!(lines[1]["current"], true);
    assert_eq!(lines[1]["server"], two.server.address);
    let table = done(&home.run(&["context", "list"]));
    assert!(table.contains("two") && table.contains('*'), "{table}");

    let removed = done(&home.run(&["context", "remove", "two"]));
    assert_eq!(removed, "removed two; no context is in use now\n");
    refused(&home.run(&["status", "--context", "two"]), &["there is no context \"two\""]);
    assert_eq!(events(&["--context", "one"]), "1");
}

#[test]
fn a_context_that_cannot_be_meant_is_refused_with_a_remedy() {
    let home = Home::new();
    let add = |name: &str, more: &[&str]| {
        home.run(&[&["context", "add", name, "--server", "https://localhost:1"], more].concat())
    };
    done(&add("province", &["--tls-ca", text(&ca(&home))]));
    refused(&add("province", &[]), &["there is a context \"province\" already; --replace"]);
    done(&add("province", &["--replace", "--tls-ca", text(&ca(&home))]));
    refused(&home.run(&["status", "--context", "provnce"]), &["did you mean province?"]);
    refused(&home.run(&["context", "use", "x"]), &["tidu context list lists all"]);
    for odd in ["", "a b", "a/b", "省", &"a".repeat(65)] {
        refused(&add(odd, &["--tls-ca", text(&ca(&home))]), &["cannot name a context"]);
    }
    done(&add(&"a".repeat(64), &["--tls-ca", text(&ca(&home))]));
    refused(&add("b", &["--tls-ca", "nowhere.pem"]), &["--tls-ca", "there is no such file"]);
    let plain = ["context", "add", "b", "--server", "http://register.example:1"];
    let token = home.0.path().join("token");
    private(&token, "planted");
    let token = [&plain[..], &["--token-file", "token"]].concat();
    refused(&home.run(&token), &["the token is not sent to http://register.example:1"]);
    assert_eq!(home.run(&["context", "add", "b"]).status.code(), Some(2), "no server");

    fs::write(home.file(), "current = 1\n").unwrap();
    refused(&home.run(&["context", "list"]), &["contexts.toml", "line 1"]);
    fs::set_permissions(home.file(), fs::Permissions::from_mode(0o644)).unwrap();
    refused(&home.run(&["context", "list"]), &["contexts.toml", "chmod 600"]);
}

fn ca(home: &Home) -> PathBuf {
    let path = home.0.path().join("ca.pem");
    private(&path, &crate::support::mtls::Ca::new().pem());
    path
}

/// A token that is meant for one server never goes to another one.
#[tokio::test]
async fn the_context_in_use_counts_for_its_own_server_alone() {
    let (home, one, two) = (Home::new(), Fresh::start(), Fresh::start());
    let token = home.0.path().join("token");
    private(&token, "planted");
    let at = one.server.address.as_str();
    done(&home.run(&["context", "add", "one", "--server", at, "--token-file", "token"]));
    let listed = done(&home.run(&["context", "list", "-o", "json"]));
    assert!(listed.contains(text(&token)), "the path does not depend on the directory: {listed}");
    // Without its file the token cannot be sent, so a command that would send it fails.
    fs::remove_file(&token).unwrap();
    refused(&home.run(&["status"]), &["--token-file"]);
    refused(&home.run(&["status", "--server", at]), &["--token-file"]);
    refused(&home.run(&["status", "--server", &format!("{at}/")]), &["--token-file"]);
    done(&home.run(&["status", "--server", &two.server.address]));
    let variable = [("TIDU_SERVER", two.server.address.as_str())];
    done(&home.run_with(&["status"], &variable));
    // Whoever names the context means it.
    let both = ["status", "--context", "one", "--server", &two.server.address];
    refused(&home.run(&both), &["--token-file"]);
}
