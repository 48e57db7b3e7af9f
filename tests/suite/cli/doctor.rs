//! The doctor finds each fault, says how to mend it, and changes nothing.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::Value;
use tempfile::TempDir;
use tidu::log::SledLog;
use uuid::Uuid;

use crate::support::{
    Fresh, Server, TIDU, archives,
    catalogues::{digest, other},
    directory, list, text,
};

/// Where nobody listens.
const NOBODY: &str = "http://127.0.0.1:1";

/// Findings that depend on the machine of the test; each has a test of its own beside its check.
const OF_MACHINE: [&str; 9] = [
    "clock-keeper",
    "clock-record",
    "clock-step",
    "descriptors",
    "file-system",
    "growth",
    "space",
    "sync-latency",
    "tasks",
];

struct Found(Vec<Value>);

impl Found {
    /// The level and the command of the worst finding with an id.
    fn of(&self, id: &str) -> (String, String) {
        let text = |it: &Value, name: &str| it[name].as_str().unwrap_or_default().to_owned();
        let with_id = self.0.iter().filter(|it| it["id"] == id);
        let found = with_id.map(|it| (text(it, "level"), text(it, "run")));
        let worst = ["error", "warn", "ok"];
        found.min_by_key(|(level, _)| worst.iter().position(|it| it == level)).unwrap_or_else(
            || {
                panic!("no finding {id}: {:#?}", self.0);
            },
        )
    }

    fn level(&self, id: &str) -> String {
        self.of(id).0
    }

    /// The ids that are not well, but for those of the machine.
    fn bad(&self) -> Vec<&str> {
        let bad = self.0.iter().filter(|it| it["level"] != "ok");
        let ids = bad.map(|it| it["id"].as_str().unwrap());
        ids.filter(|id| !OF_MACHINE.contains(id)).collect()
    }
}

/// The doctor in a directory, with a data directory there, and no settings of the test's own.
fn command(home: &Path) -> Command {
    let mut command = Command::new(TIDU);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TIDU_") {
            command.env_remove(name);
        }
    }
    // No test's server has that port where the settings would have it.
    command.env("TIDU_OPERATIONS_LISTEN", "off").arg("doctor").current_dir(home);
    command
}

fn found(output: &Output) -> Found {
    let findings = serde_json::from_slice::<Vec<Value>>(&output.stdout);
    let findings = findings.unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let code = output.status.code().unwrap();
    let levels: Vec<_> = findings.iter().map(|it| it["level"].as_str().unwrap()).collect();
    let worst = ["warn", "error"].iter().rposition(|level| levels.contains(level));
    assert_eq!(Some(code), i32::try_from(worst.map_or(0, |at| at + 1)).ok(), "{output:?}");
    for finding in &findings {
        assert_eq!(finding["level"] == "ok", finding["run"].is_null(), "{finding}");
    }
    Found(findings)
}

fn doctor(home: &Path, server: &str, args: &[&str]) -> Found {
    let mut command = command(home);
    found(
        &command
            .args(["--json", "--data-dir", "data", "--server", server])
            .args(args)
            .output()
            .unwrap(),
    )
}

/// Runs the command of a finding, as somebody who copies it.
fn mend(home: &Path, run: &str) {
    let tools = Path::new(TIDU).parent().unwrap();
    let path = format!("{}:{}", text(tools), std::env::var("PATH").unwrap());
    let done = Command::new("bash").args(["-c", run]).env("PATH", path).current_dir(home).output();
    let done = done.unwrap();
    assert!(done.status.success(), "{run}: {done:?}");
}

/// A log at rest in `data`, with a mark.
fn at_rest() -> TempDir {
    let home = directory();
    drop(SledLog::open(&home.path().join("data"), Uuid::from_u128(1)).unwrap());
    // A server's own mask would have done that.
    mend(home.path(), "chmod -R go= data");
    home
}

/// Every file below a directory with its content and its mode.
fn content(directory: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(content(&path));
        } else {
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            found.insert(path.clone(), (mode, fs::read(&path).unwrap()));
        }
    }
    found
}

#[allow(clippy::disallowed_methods)] // the doctor compares times of files with the clock
fn now() -> SystemTime {
    SystemTime::now()
}

fn permit(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn a_server_and_its_log_at_rest_are_well_and_stay_as_they_are() {
    let fresh = Fresh::start();
    let (home, data) = (fresh.dir.path(), fresh.data());
    fresh.client().await.record(list(1, 3)).await.unwrap();
    let beside = doctor(home, &fresh.server.address, &[]);
    assert_eq!(beside.bad(), Vec::<&str>::new(), "{:#?}", beside.0);
    fresh.client().await.record(list(2, 3)).await.unwrap();
    assert_eq!(fresh.server.terminate(), Some(0));

    let before = content(&data);
    let rest = doctor(home, NOBODY, &[]);
    assert_eq!(rest.bad(), Vec::<&str>::new(), "{:#?}", rest.0);
    assert!(rest.0.iter().any(|it| it["id"] == "store"));
    assert_eq!(content(&data), before, "not a byte has changed");
    let again = Server::start(&data);
    assert_eq!(again.client().await.status().await.log_size, 6);
}

#[test]
fn a_first_start_can_be_looked_at_before() {
    let home = directory();
    let found = doctor(home.path(), NOBODY, &[]);
    assert_eq!(found.bad(), Vec::<&str>::new(), "{:#?}", found.0);
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0, "nothing was made");
}

#[test]
fn lines_are_for_people_and_end_with_a_summary() {
    let home = at_rest();
    permit(&home.path().join("data"), 0o755);
    let output = command(home.path()).args(["--data-dir", "data", "--server", NOBODY]).output();
    let said = String::from_utf8(output.unwrap().stdout).unwrap();
    let line = said.lines().find(|line| line.contains(" access ")).unwrap();
    assert!(line.starts_with("WARN  access"), "{line}");
    assert!(line.ends_with("; run: chmod -R go= data"), "{line}");
    let last = said.lines().last().unwrap();
    assert!(last.contains(" findings: ") && last.contains("warning"), "{last}");
}

#[test]
fn open_files_are_closed_by_the_command() {
    let home = at_rest();
    permit(&home.path().join("data/MARK"), 0o644);
    permit(&home.path().join("data"), 0o755);
    let (level, run) = doctor(home.path(), NOBODY, &[]).of("access");
    assert_eq!(level, "warn");
    mend(home.path(), &run);
    assert_eq!(doctor(home.path(), NOBODY, &[]).level("access"), "ok");
    permit(&home.path().join("data/MARK"), 0o400);
    let (level, run) = doctor(home.path(), NOBODY, &[]).of("access");
    assert_eq!(level, "error");
    mend(home.path(), &run);
    assert_eq!(doctor(home.path(), NOBODY, &[]).level("access"), "ok");
}

#[test]
fn a_link_in_the_place_of_a_file_is_put_aside() {
    let home = at_rest();
    let lock = home.path().join("data/LOCK");
    fs::remove_file(&lock).unwrap();
    std::os::unix::fs::symlink("/dev/null", &lock).unwrap();
    let (level, run) = doctor(home.path(), NOBODY, &[]).of("access");
    assert_eq!(level, "error");
    mend(home.path(), &run);
    assert!(!lock.exists());
    assert_eq!(doctor(home.path(), NOBODY, &[]).level("server"), "ok");
    fs::write(home.path().join("file"), b"").unwrap();
    let args = ["--json", "--data-dir", "file", "--server", NOBODY];
    let other = found(&command(home.path()).args(args).output().unwrap());
    let expected = ("error".to_owned(), "tidu doctor --data-dir DIRECTORY".to_owned());
    assert_eq!(other.of("data-directory"), expected, "a file of others is not moved");
}

#[test]
fn a_directory_in_the_place_of_a_file_is_put_aside() {
    let home = at_rest();
    let lock = home.path().join("data/LOCK");
    fs::remove_file(&lock).unwrap();
    fs::create_dir(&lock).unwrap();
    permit(&lock, 0o700);
    let (level, run) = doctor(home.path(), NOBODY, &[]).of("access");
    assert_eq!(level, "error");
    mend(home.path(), &run);
    assert_eq!(doctor(home.path(), NOBODY, &[]).level("access"), "ok");
}

#[test]
fn failures_are_counted_and_forgotten() {
    let home = at_rest();
    let file = home.path().join("data/FAILURES");
    let now = now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    fs::write(&file, format!("{now} 74\n")).unwrap();
    permit(&file, 0o600);
    assert_eq!(doctor(home.path(), NOBODY, &[]).level("failures"), "warn");
    fs::write(&file, format!("{now} 74\n{now} 73\n{now} 74\n")).unwrap();
    let (level, run) = doctor(home.path(), NOBODY, &[]).of("failures");
    assert_eq!(level, "error");
    mend(home.path(), &run);
    assert_eq!(doctor(home.path(), NOBODY, &[]).level("failures"), "ok");
}

#[test]
fn a_mark_and_a_store_that_a_start_refuses_are_named() {
    let home = at_rest();
    let data = home.path().join("data");
    let mark = fs::read(data.join("MARK")).unwrap();
    fs::write(data.join("MARK"), [9; 128]).unwrap();
    let damaged = doctor(home.path(), NOBODY, &[]);
    assert_eq!((damaged.level("mark"), damaged.level("store")), ("error".into(), "error".into()));
    fs::remove_file(data.join("MARK")).unwrap();
    assert_eq!(doctor(home.path(), NOBODY, &[]).level("mark"), "warn");
    fs::write(data.join("MARK"), mark).unwrap();
    fs::write(data.join("log/snap.7FFFFFFFFFFFFFFF"), b"torn").unwrap();
    assert_eq!(doctor(home.path(), NOBODY, &[]).level("store"), "warn");
    fs::remove_file(data.join("log/snap.7FFFFFFFFFFFFFFF")).unwrap();
    fs::remove_file(data.join("log/db")).unwrap();
    let (level, run) = doctor(home.path(), NOBODY, &["--backup", "b"]).of("store");
    assert_eq!(
        (level.as_str(), run.as_str()),
        ("error", "tidu restore b --data-dir data.restored")
    );
}

#[tokio::test]
async fn a_store_that_has_lost_events_and_damaged_cursors_are_named() {
    let fresh = Fresh::start();
    let (home, data) = (fresh.dir.path().to_path_buf(), fresh.data());
    fresh.client().await.record(list(1, 3)).await.unwrap();
    assert_eq!(fresh.server.terminate(), Some(0));
    let main = data.join("log/db");
    let whole = fs::read(&main).unwrap();
    for length in [0, 100] {
        fs::write(&main, &whole[..length]).unwrap();
        assert_eq!(doctor(&home, NOBODY, &[]).level("store"), "error", "{length} bytes");
    }
    fs::write(&main, whole).unwrap();
    let well = doctor(&home, NOBODY, &[]);
    assert_eq!((well.level("store"), well.level("cursors")), ("ok".into(), "ok".into()));
    fs::write(data.join("cursors.redb"), b"no store").unwrap();
    let (level, run) = doctor(&home, NOBODY, &[]).of("cursors");
    assert_eq!(level, "error");
    mend(&home, &run);
    assert!(doctor(&home, NOBODY, &[]).bad().is_empty());
}

#[test]
fn a_catalogue_file_that_was_changed_is_put_aside() {
    let home = at_rest();
    let folder = home.path().join("data/catalogues");
    fs::create_dir(&folder).unwrap();
    permit(&folder, 0o700);
    let file = folder.join(format!("{}.toml", "0".repeat(64)));
    fs::write(&file, b"version = 1").unwrap();
    permit(&file, 0o600);
    let (level, run) = doctor(home.path(), NOBODY, &[]).of("catalogues");
    assert_eq!(level, "error");
    mend(home.path(), &run);
    assert_eq!(doctor(home.path(), NOBODY, &[]).level("catalogues"), "ok");
}

#[tokio::test]
async fn a_catalogue_file_that_a_served_log_needs_is_fetched() {
    let dir = directory();
    let home = dir.path();
    let catalogue = home.join("other.toml");
    fs::write(&catalogue, other()).unwrap();
    let args = ["--catalogue", text(&catalogue)];
    let server = Server::start_with(&home.join("data"), &args);
    server.client().await.record(list(1, 3)).await.unwrap();
    let look = || doctor(home, &server.address, &[]).of("catalogues");
    assert_eq!(look().0, "ok");
    let file = home.join(format!("data/catalogues/{}.toml", digest(&other())));
    let kept = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    let (level, run) = look();
    assert_eq!(level, "error");
    mend(home, &run);
    assert_eq!((look().0.as_str(), fs::read(&file).unwrap()), ("ok", kept));
}

#[test]
fn settings_are_compared_with_each_other() {
    let home = at_rest();
    let args = ["--json", "--data-dir", "data", "--server", NOBODY];
    let with = |file: &str, variables: &[(&str, &str)]| {
        fs::write(home.path().join("tidu.toml"), file).unwrap();
        let mut command = command(home.path());
        let output = command.args(args).envs(variables.iter().copied()).output().unwrap();
        assert!(!format!("{output:?}").contains("planted"), "{output:?}");
        found(&output)
    };
    let fine = with("questions = 2", &[("TIDU_QUESTIONS", "2"), ("TIDU_LOG", "info")]);
    assert_eq!(fine.bad(), Vec::<&str>::new(), "{:#?}", fine.0);
    let unknown = with("question = 2", &[("TIDU_DATADIR", "planted")]);
    assert_eq!(unknown.level("configuration"), "error");
    assert_eq!(unknown.of("settings"), ("warn".to_owned(), "unset TIDU_DATADIR".to_owned()));
    let shadowed = with("questions = 2", &[("TIDU_QUESTIONS", "3")]);
    assert_eq!(shadowed.level("settings"), "warn");
    assert_eq!(with("listen = 2", &[]).level("configuration"), "error");
    let variables = [("TIDU_LISTEN", "127.0.0.1:x"), ("TIDU_QUESTIONS", "2"), ("TIDU_LOG", "info")];
    let refused = with("", &variables);
    let expected = ("error".to_owned(), "unset TIDU_LISTEN".to_owned());
    assert_eq!(refused.of("configuration"), expected);
    let said = format!("{:?}", refused.0);
    assert!(said.contains("TIDU_LISTEN is \\\"127.0.0.1:x\\\""), "{said}");
    let open = with("listen = \"0.0.0.0:1\"\ninsecure = true", &[]);
    assert_eq!((open.level("exposure"), open.level("configuration")), ("warn".into(), "ok".into()));
}

#[test]
fn too_few_descriptors_for_the_connections_are_refused() {
    let home = at_rest();
    fs::write(home.path().join("tidu.toml"), "connections = 100").unwrap();
    let run = |limit: u32| {
        let mut limited = Command::new("bash");
        let nobody = format!("--server {NOBODY} --operations {NOBODY}");
        let script =
            format!("ulimit -n {limit}; exec \"$0\" doctor --json --data-dir data {nobody}");
        limited.args(["-c", &script, TIDU]).current_dir(home.path());
        found(&limited.output().unwrap()).level("descriptors")
    };
    assert_eq!(run(356), "ok");
    assert_eq!(run(355), "error");
}

#[tokio::test]
async fn a_server_elsewhere_and_another_log_are_named() {
    let fresh = Fresh::start();
    let home = fresh.dir.path();
    let missing = doctor(home, NOBODY, &[]);
    assert_eq!(missing.level("server"), "error", "a process has the log, and does not answer");
    assert!(missing.of("server").1.contains("--server http://127.0.0.1:50051"));
    let other = Fresh::start();
    assert_eq!(doctor(home, &other.server.address, &[]).level("server"), "warn");
    // A setting that names the server's address leads to it.
    let listen = fresh.server.address.strip_prefix("http://").unwrap();
    fs::write(home.join("tidu.toml"), format!("listen = {listen:?}")).unwrap();
    let run = doctor(home, NOBODY, &[]).of("server").1;
    let words: Vec<_> = run.split(' ').collect();
    assert_eq!(words[..2], ["tidu", "doctor"]);
    let led = command(home).args(&words[2..]).arg("--json").output().unwrap();
    assert_eq!(found(&led).level("server"), "ok");
}

#[tokio::test]
async fn appends_that_are_refused_are_named() {
    let dir = directory();
    let reserve = u64::MAX.to_string();
    let server = Server::start_with(&dir.path().join("data"), &["--disk-reserve-bytes", &reserve]);
    let found = doctor(dir.path(), &server.address, &[]);
    assert_eq!(found.level("appends"), "error");
}

#[tokio::test]
async fn the_operations_port_is_asked() {
    let dir = directory();
    let reserve = u64::MAX.to_string();
    let args = ["--operations-listen", "127.0.0.1:0", "--disk-reserve-bytes", &reserve];
    let server = Server::start_with(&dir.path().join("data"), &args);
    let operations = server.operations.clone().unwrap();
    let look = |operations: &str| {
        let mut command = Command::new(TIDU);
        let server = ["--server", &server.address, "--operations", operations];
        command.args(["doctor", "--json", "--data-dir", "data"]).args(server);
        found(&command.current_dir(dir.path()).output().unwrap())
    };
    let unready = look(&operations);
    assert_eq!(unready.level("readiness"), "error", "the disk is low");
    assert_eq!((unready.level("log-lines"), unready.level("cursors")), ("ok".into(), "ok".into()));
    let (level, run) = look(NOBODY).of("readiness");
    assert_eq!(
        (level.as_str(), run.as_str()),
        ("warn", "tidu doctor --operations http://ADDRESS"),
        "not known"
    );

    // Without addresses, the settings lead to both.
    let set = |url: &str| url.strip_prefix("http://").unwrap().to_owned();
    let settings =
        format!("listen = {:?}\noperations_listen = {:?}", set(&server.address), set(&operations));
    fs::write(dir.path().join("tidu.toml"), settings).unwrap();
    let mut settled = command(dir.path());
    settled.args(["--json", "--data-dir", "data"]).env_remove("TIDU_OPERATIONS_LISTEN");
    let settled = found(&settled.output().unwrap());
    assert_eq!(settled.level("readiness"), "error", "the disk is low");
    assert_eq!(settled.level("appends"), "error");
}

#[tokio::test]
async fn a_backup_is_read_and_compared_with_the_log() {
    let fresh = Fresh::start();
    let (home, address) = (fresh.dir.path().to_path_buf(), fresh.server.address.clone());
    fresh.client().await.record(list(1, 3)).await.unwrap();
    let look = || doctor(&home, &address, &["--backup", "backup"]);
    let (level, run) = look().of("backup");
    assert_eq!(level, "error", "there is none yet");
    mend(&home, &run);
    assert_eq!(look().level("backup"), "ok");

    // It is the beginning of a longer log, until it is old.
    fresh.client().await.record(list(2, 3)).await.unwrap();
    assert_eq!(look().level("backup"), "ok");
    let archive = archives(&home.join("backup")).remove(0);
    let file = fs::File::options().write(true).open(&archive).unwrap();
    file.set_modified(now() - Duration::from_secs(25 * 60 * 60)).unwrap();
    let (level, run) = look().of("backup");
    assert_eq!(level, "warn");
    mend(&home, &run);
    assert_eq!(look().level("backup"), "ok");

    // Another log has the same number of events.
    let other = Fresh::start();
    other.client().await.record(list(3, 6)).await.unwrap();
    let of_other =
        doctor(other.dir.path(), &other.server.address, &["--backup", text(&home.join("backup"))]);
    assert_eq!(of_other.level("backup"), "error");

    let mut bytes = fs::read(&archive).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&archive, bytes).unwrap();
    let (level, run) = look().of("backup");
    assert_eq!(level, "error");
    mend(&home, &run);
    assert_eq!(look().level("backup"), "ok");

    // Without the server, the mark is compared.
    assert_eq!(fresh.server.terminate(), Some(0));
    assert_eq!(doctor(&home, NOBODY, &["--backup", "backup"]).level("backup"), "ok");
}
