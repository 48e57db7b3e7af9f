//! A backup grows without being read, comes in generations, holds the cursors, and says what is
//! wrong with it: file, byte, remedy and an exit code of its own.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use tidu::{
    archive::backup::{self, Manifest},
    protocol::pb,
};

use crate::support::{
    Client, Fresh, Server, TIDU, archives, coded, directory, done, list, refused, text,
};

const DAMAGED: i32 = 6;
const OTHER_LOG: i32 = 7;
const FULL: i32 = 8;
const NEWER: i32 = 9;
const DAY_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

fn tidu(server: &str, args: &[&str]) -> Output {
    let mut command = Command::new(TIDU);
    command.args(args).env("TIDU_SERVER", server).stdin(Stdio::null()).output().unwrap()
}

/// A server with a log, and a backup of it.
struct Kept {
    fresh: Fresh,
    backup: PathBuf,
    /// Events recorded so far.
    made: usize,
}

impl Kept {
    async fn new() -> Self {
        let fresh = Fresh::start();
        let backup = fresh.dir.path().join("backup");
        let mut kept = Self { fresh, backup, made: 0 };
        kept.record(300).await;
        done(&kept.back_up(&[]));
        kept
    }

    async fn record(&mut self, count: usize) {
        let events = list(1, self.made + count).split_off(self.made);
        self.made += count;
        self.fresh.client().await.record(events).await.unwrap();
    }

    fn back_up(&self, args: &[&str]) -> Output {
        tidu(&self.fresh.server.address, &[&["backup", text(&self.backup)], args].concat())
    }

    fn verify(&self) -> Output {
        tidu("", &["verify", text(&self.backup)])
    }

    /// The names of the generations.
    fn generations(&self) -> Vec<String> {
        let all = backup::generations(&self.backup).unwrap();
        let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        all.iter().map(|generation| name(generation.path())).collect()
    }
}

/// Changes a byte in the middle of a file.
fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn an_increment_reads_no_archive_and_verify_reads_all() {
    let mut kept = Kept::new().await;
    let first = archives(&kept.backup).remove(0);
    let whole = fs::read(&first).unwrap();
    flip(&first);
    kept.record(50).await;
    // The archives that were there are not read; the new part continues the manifest's frontier.
    done(&kept.back_up(&[]));
    assert_eq!(archives(&kept.backup).len(), 2);
    let fault = [text(&first), "at byte 80, ", "checksum", "use another copy"];
    coded(&kept.verify(), DAMAGED, &fault);
    coded(&kept.back_up(&["--verify"]), DAMAGED, &fault);
    // A whole generation begun beside it is good; the damaged one is still named.
    done(&kept.back_up(&["--full", "--verify"]));
    assert_eq!(kept.generations(), ["generation-000001", "generation-000002"]);
    coded(&kept.verify(), DAMAGED, &fault);
    let data = kept.fresh.dir.path().join("restored");
    done(&tidu("", &["restore", text(&kept.backup), "--data-dir", text(&data)]));
    fs::write(&first, whole).unwrap();
    done(&kept.verify());
    // A file that is shorter or gone is noticed without reading.
    let newest = archives(&kept.backup).remove(0);
    fs::write(&newest, b"short").unwrap();
    coded(&kept.back_up(&[]), DAMAGED, &["it has 5 bytes, and its manifest states", "--full"]);
    fs::remove_file(&newest).unwrap();
    coded(&kept.back_up(&[]), DAMAGED, &[text(&newest), "it is missing"]);
}

#[tokio::test]
async fn generations_are_kept_by_number_and_by_age() {
    let mut kept = Kept::new().await;
    for _ in 0..3 {
        kept.record(10).await;
        done(&kept.back_up(&["--full"]));
    }
    assert_eq!(kept.generations().len(), 4, "nothing is removed without a rule");
    // Half a day old, one and a half, and so on.
    for (days, generation) in (1..).zip(backup::generations(&kept.backup).unwrap().iter().rev()) {
        let mut manifest = generation.manifest().unwrap().unwrap();
        manifest.archives.iter_mut().for_each(|listed| {
            listed.written_micros -= days * DAY_MICROS - DAY_MICROS / 2;
        });
        manifest.write(generation.path()).unwrap();
    }
    let said = kept.back_up(&["--keep", "3"]);
    done(&said);
    let said = String::from_utf8(said.stderr).unwrap();
    assert!(said.contains("330 events verified") && said.contains("removed"), "{said}");
    assert_eq!(kept.generations()[0], "generation-000002");
    done(&kept.back_up(&["--keep-days", "2"]));
    assert_eq!(kept.generations(), ["generation-000003", "generation-000004"]);
    // Whatever one of the two keeps, stays.
    done(&kept.back_up(&["--keep", "1", "--keep-days", "30"]));
    assert_eq!(kept.generations().len(), 2);
    done(&kept.back_up(&["--keep-days", "1"]));
    assert_eq!(kept.generations(), ["generation-000004"]);
    done(&kept.verify());
    refused(&kept.back_up(&["--keep", "0"]), &["--keep"]);
}

#[tokio::test]
async fn nothing_is_removed_before_the_newest_was_found_good() {
    let mut kept = Kept::new().await;
    kept.record(10).await;
    done(&kept.back_up(&["--full"]));
    flip(&archives(&kept.backup)[0]);
    coded(&kept.back_up(&["--keep", "1"]), DAMAGED, &["generation-000002", "at byte "]);
    assert_eq!(kept.generations().len(), 2, "the good one is still there");
    done(&kept.back_up(&["--full", "--keep", "1"]));
    assert_eq!(kept.generations(), ["generation-000003"]);
    done(&kept.verify());
}

#[tokio::test]
async fn what_an_interrupted_backup_left_is_removed() {
    let mut kept = Kept::new().await;
    let generation = kept.backup.join("generation-000001");
    let leftovers = [
        generation.join("00000000000000000300-00000000000000000310.tidu.partial"),
        // It was whole, but the manifest does not list it.
        generation.join("00000000000000000300-00000000000000000305.tidu"),
        generation.join("cursors-0123456789abcdef.jsonl"),
        kept.backup.join("generation-000002.new/00000000000000000000-00000000000000000300.tidu"),
        kept.backup.join("generation-000000.removing/MANIFEST"),
    ];
    for path in &leftovers {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, b"half").unwrap();
    }
    done(&kept.verify());
    kept.record(10).await;
    let said = kept.back_up(&[]);
    done(&said);
    let said = String::from_utf8(said.stderr).unwrap();
    assert!(said.contains("removed") && said.contains("generation-000002.new"), "{said}");
    for path in &leftovers {
        assert!(!path.exists(), "{}", path.display());
    }
    assert_eq!(kept.generations(), ["generation-000001"]);
    done(&kept.verify());
    // One that cannot reach its server leaves nothing.
    let before = fs::read_dir(&kept.backup).unwrap().count();
    refused(
        &tidu("http://127.0.0.1:1", &["backup", text(&kept.backup), "--full"]),
        &["cannot reach"],
    );
    assert_eq!(fs::read_dir(&kept.backup).unwrap().count(), before);
}

#[tokio::test]
async fn two_backups_of_one_directory_exclude_each_other() {
    let kept = Kept::new().await;
    let held = File::options().write(true).open(kept.backup.join("LOCK")).unwrap();
    held.lock().unwrap();
    refused(&kept.back_up(&[]), &["is in use by another backup"]);
    drop(held);
    done(&kept.back_up(&[]));
}

async fn cursors(client: &mut Client) -> Vec<pb::Cursor> {
    let mut cursors = Vec::new();
    let request = pb::ListCursorsRequest::default();
    for listed in client.cursors.list_cursors(request).await.unwrap().into_inner().cursors {
        let cursor_id = listed.cursor_id;
        let request = pb::GetCursorRequest { cursor_id, ..Default::default() };
        cursors.extend(client.cursors.get_cursor(request).await.unwrap().into_inner().cursor);
    }
    cursors
}

#[tokio::test]
async fn a_restore_brings_the_cursors_back() {
    let mut kept = Kept::new().await;
    let address = kept.fresh.server.address.clone();
    done(&tidu(&address, &["cursor", "create", "all"]));
    let filtered = ["cursor", "create", "some", "--at", "7", "--programme", "specialised-sme"];
    done(&tidu(&address, &filtered));
    done(&tidu(&address, &["cursor", "advance", "all", "120"]));
    // Nothing was recorded, but the cursors have moved.
    done(&kept.back_up(&[]));
    let before = cursors(&mut kept.fresh.client().await).await;
    assert_eq!(before.len(), 2);
    kept.record(10).await;
    done(&tidu(&address, &["cursor", "advance", "all", "310"]));

    let restored = kept.fresh.dir.path().join("restored");
    let without = kept.fresh.dir.path().join("without");
    let said = tidu("", &["restore", text(&kept.backup), "--data-dir", text(&restored)]);
    done(&said);
    assert!(String::from_utf8(said.stderr).unwrap().contains("2 cursors restored"));
    let args = ["restore", text(&kept.backup), "--without-cursors", "--data-dir", text(&without)];
    done(&tidu("", &args));
    let (server, other) = (Server::start(&restored), Server::start(&without));
    let after = cursors(&mut server.client().await).await;
    let moved = |cursor: &pb::Cursor| pb::Cursor { lag: None, log_size: 0, ..cursor.clone() };
    let expected: Vec<_> = before.iter().map(moved).collect();
    assert_eq!(after.iter().map(moved).collect::<Vec<_>>(), expected);
    assert_eq!(cursors(&mut other.client().await).await, []);
    // A changed byte of their file is found.
    let generation = backup::newest(&kept.backup).unwrap().unwrap();
    let manifest = generation.manifest().unwrap().unwrap();
    flip(&generation.path().join(&manifest.cursors.unwrap().file));
    coded(&kept.verify(), DAMAGED, &["cursors-", "SHA-256"]);
}

#[tokio::test]
async fn a_root_that_somebody_knows_is_required() {
    let mut kept = Kept::new().await;
    let address = kept.fresh.server.address.clone();
    let root = async |kept: &Kept| {
        let status = kept.fresh.client().await.status().await;
        tidu::domain::text::hex(&status.root_hash)
    };
    let early = root(&kept).await;
    kept.record(40).await;
    done(&kept.back_up(&[]));
    let end = root(&kept).await;
    let at = |name: &str| kept.fresh.dir.path().join(name);
    let (raw, json, data) = (at("log.tidu"), at("log.jsonl"), at("data-2"));
    done(&tidu(&address, &["export", "--format", "raw", text(&raw)]));
    done(&tidu(&address, &["export", text(&json)]));
    for source in [&kept.backup, &raw, &json] {
        for (args, good) in [
            (vec!["--expect-root", &end], true),
            (vec!["--expect-root", &early, "--expect-size", "300"], true),
            (vec!["--expect-root", &end, "--expect-size", "340"], true),
            (vec!["--expect-root", &early], false),
            (vec!["--expect-root", &end, "--expect-size", "300"], false),
            (vec!["--expect-root", &end, "--expect-size", "341"], false),
        ] {
            let verify = tidu("", &[&["verify", text(source)], args.as_slice()].concat());
            let import = ["import", text(source), "--data-dir", text(&data)];
            let import = tidu("", &[&import, args.as_slice()].concat());
            if good {
                done(&verify);
                done(&import);
                done(&tidu("", &[&["verify", text(&data)], args.as_slice()].concat()));
                fs::remove_dir_all(&data).unwrap();
            } else {
                coded(&verify, OTHER_LOG, &["root", "expected"]);
                coded(&import, OTHER_LOG, &["nothing was changed"]);
                assert!(!data.exists(), "something was built");
            }
        }
    }
    done(&tidu("", &["import", text(&raw), "--data-dir", text(&data)]));
    for args in [&["--expect-root", &early][..], &["--expect-root", &end, "--expect-size", "300"]] {
        coded(&tidu("", &[&["verify", text(&data)], args].concat()), OTHER_LOG, &["expected"]);
    }
    let served = |args: &[&str]| tidu(&address, &[&["verify", "--expect-root"], args].concat());
    done(&served(&[&end]));
    coded(&served(&[&early]), OTHER_LOG, &["expected"]);
    refused(&served(&[&early, "--expect-size", "300"]), &["at its end alone"]);
    refused(&served(&["12"]), &["64 hexadecimal digits"]);
}

#[tokio::test]
async fn each_trouble_has_its_line_and_its_exit_code() {
    let mut kept = Kept::new().await;
    let at = |name: &str| kept.fresh.dir.path().join(name);
    let (raw, data) = (at("log.tidu"), at("data-2"));
    done(&tidu(&kept.fresh.server.address, &["export", "--format", "raw", text(&raw)]));
    let import = |source: &Path| tidu("", &["import", text(source), "--data-dir", text(&data)]);

    // Of another log, with --full too.
    let stranger = Fresh::start();
    stranger.client().await.record(list(3, 500)).await.unwrap();
    for full in [&[][..], &["--full"]] {
        let args = [&["backup", text(&kept.backup)], full].concat();
        coded(&tidu(&stranger.server.address, &args), OTHER_LOG, &["it is of log"]);
    }
    assert_eq!(kept.generations(), ["generation-000001"], "nothing was begun");

    // Damaged: the byte is named.
    let mut bytes = fs::read(&raw).unwrap();
    bytes[90] ^= 1;
    fs::write(&raw, &bytes).unwrap();
    coded(&import(&raw), DAMAGED, &[&format!("{}: at byte 80, ", text(&raw))]);

    // Of a newer version: an archive, and a manifest.
    bytes[90] ^= 1;
    bytes[8] = 200;
    let crc = crc32c::crc32c(&bytes[..76]).to_le_bytes();
    bytes[76..80].copy_from_slice(&crc);
    fs::write(&raw, &bytes).unwrap();
    coded(&import(&raw), NEWER, &["format 200", "use a newer version of tidu"]);
    let path = kept.backup.join("generation-000001/MANIFEST");
    let line = r#"{"version":3}"#;
    let digest = tidu::archive::Measure::of(line.as_bytes()).sha256;
    let newer = format!("{line}\n{}\n", tidu::domain::text::hex(&digest));
    let manifest = fs::read(&path).unwrap();
    fs::write(&path, newer).unwrap();
    for output in [kept.back_up(&[]), kept.verify(), import(&kept.backup)] {
        coded(&output, NEWER, &[text(&path), "has version 3, this version reads 2"]);
    }
    fs::write(&path, manifest).unwrap();

    // A full target.
    let mut command = Command::new(TIDU);
    command.args(["backup", "-", "--server", &kept.fresh.server.address]);
    let full = File::options().write(true).open("/dev/full").unwrap();
    coded(&command.stdout(full).output().unwrap(), FULL, &["make room"]);
    assert!(!data.exists());
    kept.record(5).await;
    done(&kept.back_up(&["--verify"]));
}

#[tokio::test]
async fn a_drill_restores_verifies_and_leaves_nothing() {
    let kept = Kept::new().await;
    let dir = directory();
    let drill = |args: &[&str]| {
        let mut command = Command::new(TIDU);
        command.args(["restore", text(&kept.backup), "--drill"]).args(args);
        command.env("TMPDIR", dir.path()).stdin(Stdio::null()).output().unwrap()
    };
    let said = done(&drill(&[]));
    assert!(said.contains("300 events") && said.contains("the drill passed"), "{said}");
    coded(&drill(&["--expect-root", &"0".repeat(64)]), OTHER_LOG, &["expected"]);
    flip(&archives(&kept.backup)[0]);
    coded(&drill(&[]), DAMAGED, &["at byte 80"]);
    refused(&drill(&["--data-dir", "x"]), &["--data-dir"]);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_grows_is_the_log_at_each_step() {
    let mut kept = Kept::new().await;
    for round in 0..4_usize {
        kept.record(20 + 700 * (round % 2)).await;
        done(&kept.back_up(if round == 2 { &["--full"] } else { &[] }));
        let status = kept.fresh.client().await.status().await;
        let said = done(&kept.verify());
        assert!(said.contains(&tidu::domain::text::hex(&status.root_hash)), "{said}");
        let generation = backup::newest(&kept.backup).unwrap().unwrap();
        let manifest: Manifest = generation.manifest().unwrap().unwrap();
        assert_eq!(manifest.size(), status.log_size);
        assert_eq!(manifest.tip.frontier.root().to_vec(), status.root_hash);
    }
    let bytes: u64 =
        archives(&kept.backup).iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    let plain = kept.fresh.dir.path().join("plain");
    let args = ["export", "--format", "plain", text(&plain)];
    done(&tidu(&kept.fresh.server.address, &args));
    let plain = fs::metadata(&plain).unwrap().len();
    println!("{bytes} bytes of a backup, {plain} bytes plain");
    assert!(bytes * 2 < plain, "{bytes} of {plain} bytes");
}
