//! Files belong to their user alone, and nothing goes through planted links and pipes.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    path::Path,
    process::{Command, Output, Stdio},
};

use crate::support::{Fresh, Server, TIDU, directory, done, list, refused, text};

/// The program under a wide umask. Input that never comes would be waited for.
fn tidu(server: &str, args: &[&str]) -> Output {
    let mut command = Command::new("sh");
    command.args(["-c", "umask 0; exec \"$0\" \"$@\"", TIDU]).args(args);
    command.env("TIDU_SERVER", server).stdin(Stdio::null()).output().unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o777
}

/// What others can open below a directory, and how many files and directories there are.
fn open_to_others(directory: &Path) -> (Vec<String>, usize) {
    let (mut found, mut count) = (Vec::new(), 1);
    let expected = if directory.is_dir() { 0o700 } else { 0o600 };
    if mode(directory) != expected {
        found.push(format!("{} {:o}", directory.display(), mode(directory)));
    }
    if directory.is_dir() {
        for entry in fs::read_dir(directory).unwrap() {
            let (within, more) = open_to_others(&entry.unwrap().path());
            found.extend(within);
            count += more;
        }
    }
    (found, count)
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn widen(path: &Path) {
    if path.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| widen(&entry.unwrap().path()));
    }
    let mode = if path.is_dir() { 0o755 } else { 0o644 };
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Starts a server under a wide umask.
fn start(data: &Path) -> Server {
    let mut command = Command::new("sh");
    let line = "umask 0; exec \"$0\" serve --listen 127.0.0.1:0 --data-dir \"$1\"";
    command.args(["-c", line, TIDU]).arg(data);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    Server::of(child).unwrap_or_else(|child| panic!("{child:?} did not start"))
}

#[tokio::test]
async fn everything_made_belongs_to_its_user_whatever_the_umask() {
    let dir = directory();
    let at = |name: &str| dir.path().join(name);
    let server = start(&at("data"));
    server.client().await.record(list(1, 30)).await.unwrap();
    let address = server.address.clone();
    done(&tidu(&address, &["cursor", "create", "a"]));
    done(&tidu(&address, &["backup", text(&at("backup"))]));
    done(&tidu(&address, &["export", text(&at("log.jsonl"))]));
    done(&tidu(&address, &["export", "--format", "raw", text(&at("log.tidu"))]));
    let state = at("state");
    let watch = ["watch", "--until", "30", "--exec", "umask > umask", "--state", text(&state)];
    let mut command = Command::new("sh");
    command.args(["-c", "umask 022; exec \"$0\" \"$@\"", TIDU]).args(watch);
    let watched = command.env("TIDU_SERVER", &address).current_dir(dir.path()).output().unwrap();
    done(&watched);
    assert_eq!(fs::read_to_string(at("umask")).unwrap().trim(), "0022", "a command keeps its own");
    fs::remove_file(at("umask")).unwrap();
    assert_eq!(server.terminate(), Some(0));
    done(&tidu("", &["import", text(&at("log.tidu")), "--data-dir", text(&at("copies/copy"))]));
    done(&tidu("", &["verify", text(&at("data"))]));
    done(&tidu("", &["generate", "--rows", "3", "--to", text(&at("list.csv"))]));
    fs::set_permissions(dir.path(), Permissions::from_mode(0o700)).unwrap();
    let (open, count) = open_to_others(dir.path());
    assert_eq!(open, Vec::<String>::new());
    assert!(count > 20, "only {count} files and directories");
}

#[tokio::test]
async fn a_directory_of_an_earlier_version_is_closed_with_a_warning() {
    let fresh = Fresh::start();
    fresh.client().await.record(list(1, 3)).await.unwrap();
    let data = fresh.data();
    let Fresh { server, dir } = fresh;
    assert_eq!(server.terminate(), Some(0));
    let verify = || Command::new(TIDU).arg("verify").arg(&data).output().unwrap();
    widen(&data);
    fs::write(data.join("notes"), b"mine").unwrap();
    widen(&data.join("notes"));
    let first = verify();
    done(&first);
    let said = String::from_utf8(first.stderr).unwrap();
    assert!(said.contains("other users had access"), "{said}");
    let again = verify();
    done(&again);
    assert!(again.stderr.is_empty(), "{again:?}");
    assert_eq!(mode(&data.join("notes")), 0o644, "not a file of the log");
    fs::remove_file(data.join("notes")).unwrap();
    assert_eq!(open_to_others(&data).0, Vec::<String>::new());
    drop(dir);
}

#[tokio::test]
async fn nothing_is_written_through_a_planted_link_or_pipe() {
    let fresh = Fresh::start();
    fresh.client().await.record(list(1, 3)).await.unwrap();
    let address = fresh.server.address.clone();
    let dir = directory();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("victim"), b"victim").unwrap();
    for name in ["a.jsonl.partial", "b.jsonl", "state", "other.lock"] {
        symlink(at("victim"), at(name)).unwrap();
    }
    pipe(&at("c.jsonl.partial"));
    pipe(&at("d.jsonl"));
    for name in ["a.jsonl", "c.jsonl"] {
        done(&tidu(&address, &["export", text(&at(name))]));
        assert!(fs::symlink_metadata(at(name)).unwrap().is_file(), "{name}");
    }
    let export = |name| tidu(&address, &["export", text(&at(name))]);
    refused(&export("b.jsonl"), &["b.jsonl", "it is a symbolic link, not a regular file"]);
    refused(&export("d.jsonl"), &["d.jsonl", "it is a named pipe, not a regular file"]);
    for state in ["state", "other"] {
        let path = at(state);
        let watch = ["watch", "--until", "3", "--exec", "true", "--state", text(&path)];
        refused(&tidu(&address, &watch), &[state]);
    }
    assert_eq!(fs::read(at("victim")).unwrap(), b"victim");
}

#[test]
fn a_pipe_or_device_as_input_is_refused_at_once() {
    let dir = directory();
    let at = |name: &str| dir.path().join(name);
    fs::create_dir(at("backup")).unwrap();
    let archive = at("backup").join(format!("{:020}-{:020}.tidu", 0, 3));
    for path in [archive.as_path(), &at("input")] {
        pipe(path);
    }
    let (backup, input, data) = (at("backup"), at("input"), at("data"));
    let (backup, input, data) = (text(&backup), text(&input), text(&data));
    let options = ["--authority", "440000", "--programme", "specialised-sme", "--batch", "1"];
    let not_regular = "it is a named pipe, not a regular file";
    for args in [
        vec!["verify", backup],
        vec!["import", backup, "--data-dir", data],
        vec!["verify", input],
        vec!["import", input, "--data-dir", data],
        vec!["diff", input],
        vec!["config", "--config", input],
        vec!["config", "--catalogue", input],
        vec!["verify", backup, "--catalogue", input],
        vec!["watch", "--designees-from", input],
        vec![
            "watch",
            "--webhook",
            "http://127.0.0.1:1",
            "--state",
            data,
            "--webhook-secret-file",
            input,
        ],
        [&["record", input, "--date", "2024-03-01"][..], &options].concat(),
        [&["check", input, "--date", "2024-03-01"][..], &options].concat(),
    ] {
        let output = tidu("http://127.0.0.1:1", &args);
        if args.contains(&"config") && args.contains(&"--catalogue") {
            // Settings are printed without being opened.
            continue;
        }
        refused(&output, &[not_regular]);
        let named = String::from_utf8(output.stderr).unwrap();
        assert!(named.contains("input") || named.contains(".tidu"), "{args:?}: {named}");
    }
    refused(&tidu("", &["verify", "/dev/zero"]), &["/dev/zero", "it is a device"]);
}

#[test]
fn settings_come_from_this_directory_and_not_from_one_above() {
    let dir = directory();
    fs::write(dir.path().join("tidu.toml"), "listen = \"127.0.0.1:1\"").unwrap();
    let below = dir.path().join("below");
    fs::create_dir(&below).unwrap();
    let shown =
        |at: &Path| done(&Command::new(TIDU).arg("config").current_dir(at).output().unwrap());
    assert!(shown(dir.path()).contains("127.0.0.1:1\""));
    assert!(!shown(&below).contains("127.0.0.1:1\""));
}
