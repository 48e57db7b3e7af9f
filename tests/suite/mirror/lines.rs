//! What `tidu mirror` refuses, each in one line with an exit code; the database stays as it is.

use std::{fs, process::Command};

use rusqlite::Connection;

use super::copies::{follow, kill, mirror, once};
use crate::support::{A, Fresh, Server, TIDU, directory, done, little_giant, refused};

/// The exit code for a database that is not one for this copy.
const OTHER_DATABASE: i32 = 5;

fn refuses(output: &std::process::Output, code: i32, what: &[&str]) {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    refused(output, what);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_another_log_or_version_is_refused() {
    let (one, other) = (Fresh::start(), Fresh::start());
    let path = one.dir.path().join("copy.db");
    let to = format!("sqlite:{}", path.display());
    done(&once(&one.server.address, &to));
    let before = fs::read(&path).unwrap();
    refuses(&once(&other.server.address, &to), OTHER_DATABASE, &["of log", "name another"]);
    let connection = Connection::open(&path).unwrap();
    connection.execute("UPDATE mirror_state SET next_position = 9", []).unwrap();
    refuses(&once(&one.server.address, &to), OTHER_DATABASE, &["has 9 events", "restored"]);
    connection.execute("UPDATE mirror_state SET schema_version = 2", []).unwrap();
    refuses(&once(&one.server.address, &to), OTHER_DATABASE, &["version 2", "knows 1"]);
    connection
        .execute("UPDATE mirror_state SET schema_version = 1, next_position = 0", [])
        .unwrap();
    drop(connection);
    done(&once(&one.server.address, &to));
    assert_eq!(before.len(), fs::read(&path).unwrap().len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_something_else_is_refused_untouched() {
    let fresh = Fresh::start();
    let (address, dir) = (&fresh.server.address, fresh.dir.path());
    let text = dir.join("notes.txt");
    fs::write(&text, "these are notes, and no database at all".repeat(100)).unwrap();
    let before = fs::read(&text).unwrap();
    let to = format!("sqlite:{}", text.display());
    refuses(&once(address, &to), OTHER_DATABASE, &["something else"]);
    assert_eq!(fs::read(&text).unwrap(), before);
    let foreign = dir.join("foreign.db");
    Connection::open(&foreign).unwrap().execute("CREATE TABLE titles (a TEXT)", []).unwrap();
    let before = fs::read(&foreign).unwrap();
    let to = format!("sqlite:{}", foreign.display());
    refuses(&once(address, &to), OTHER_DATABASE, &["titles", "no mirror has made"]);
    assert_eq!(fs::read(&foreign).unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_mirrors_of_one_file_exclude_each_other() {
    let fresh = Fresh::start();
    let path = fresh.dir.path().join("copy.db");
    let to = format!("sqlite:{}", path.display());
    let mut client = fresh.client().await;
    client.record(vec![little_giant(A, "1", "2019-06-05")]).await.unwrap();
    done(&once(&fresh.server.address, &to));
    let first = follow(&fresh.server.address, &to);
    // It holds the lock once it has begun; until then the second one may get it.
    let second = loop {
        let second = once(&fresh.server.address, &to);
        if second.status.code() != Some(0) {
            break second;
        }
    };
    refuses(&second, OTHER_DATABASE, &["another `tidu mirror`"]);
    kill(first);
    done(&once(&fresh.server.address, &to));
}

#[test]
fn an_address_that_cannot_be_used_is_refused() {
    for (to, more, what) in [
        ("copy.db", &[][..], "write sqlite:FILE"),
        ("sqlite:", &[], "name a file"),
        ("sqlite:copy.db", &["--schema", "x"], "takes no --schema"),
        ("postgres://tidu:secret@db.example/x", &[], "list of processes"),
        ("postgres://tidu@db.example/x?password=secret", &[], "PGPASSWORD"),
        ("postgres://tidu@db.example/x?sslmode=prefer", &[], "verify-full"),
        ("postgres://tidu@db.example/x", &["--schema", "A-b"], "a-z, 0-9"),
        (
            "postgres://tidu@db.example/x?sslmode=disable",
            &["--database-ca", "ca.pem"],
            "contradicts",
        ),
        ("mysql://db.example/x", &[], "write sqlite:FILE"),
    ] {
        let output = mirror("127.0.0.1:1", to, more).output().unwrap();
        refuses(&output, OTHER_DATABASE, &[what]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!said.contains("secret"), "{said}");
    }
}

#[test]
fn once_fails_without_a_server_and_without_a_directory() {
    let dir = directory();
    let to = format!("sqlite:{}", dir.path().join("copy.db").display());
    let output = mirror("http://127.0.0.1:1", &to, &["--once"]).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let server = Server::start(&dir.path().join("data"));
    let to = format!("sqlite:{}", dir.path().join("none/copy.db").display());
    let output = once(&server.address, &to);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let help = Command::new(TIDU).args(["mirror", "--help"]).output().unwrap();
    assert!(done(&help).contains("exit code 5"));
}
