//! Places that are no good: a disk that is full, one that cannot be written, a file, somebody
//! else's directory.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, ErrorKind, Write as _},
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tidu::protocol::pb;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::{
    known::Known,
    process::{Started, start, start_command, words_of},
    seeded,
};
use crate::support::{Client, TIDU, directory, reason, tools::is_there};

/// A user who owns nothing.
const NOBODY: u32 = 65_534;
/// A log line of a server whose disk is low.
const LOW: &str = "appends are refused until the disk has room";
/// Bytes of the small disk: room for some store and a snapshot, and not for much of a log.
const DISK_BYTES: usize = 96 << 20;
/// Bytes of it that a server leaves free.
const RESERVE_BYTES: usize = 8 << 20;

/// A process with mounts of its own. They go with it.
struct Mounts {
    keeper: Child,
}

impl Mounts {
    /// Mounts as the script says, which gets `place` as its argument. None where that is not
    /// possible.
    fn new(script: &str, place: &Path) -> Option<Self> {
        if !is_there(&["unshare", "-rm", "true"], "nothing was mounted for a test") {
            return None;
        }
        let keeper = Command::new("unshare")
            .args(["-rm", "sh", "-ec", &format!("{script}; echo mounted; exec cat"), "sh"])
            .arg(place)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut mounts = Self { keeper };
        let mut line = String::new();
        BufReader::new(mounts.keeper.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        if line.trim() != "mounted" {
            eprintln!("\n*** SKIPPED: nothing can be mounted here: {script} ***\n");
            return None;
        }
        Some(mounts)
    }

    /// Starts a server that sees the mounts.
    fn start(&self, data: &Path) -> Started {
        let keeper = self.keeper.id().to_string();
        let reserve = format!("TIDU_DISK_RESERVE_BYTES={RESERVE_BYTES}");
        let enter = ["nsenter", "-t", &keeper, "-U", "-m", "--preserve-credentials"];
        start(&[&enter[..], &["env", &reserve]].concat(), data)
    }

    /// A path in the mounts, as this process reaches it.
    fn path(&self, path: &Path) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.keeper.id()));
        root.join(path.strip_prefix("/").unwrap())
    }
}

impl Drop for Mounts {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

/// Writes a file until the disk is full but for `spare` bytes.
fn fill(ballast: &Path, spare: usize) {
    let mut file = File::create(ballast).unwrap();
    let mut size = 0_u64;
    let full = loop {
        match file.write(&[7; 4096]) {
            Ok(written) => size += written as u64,
            Err(error) => break error,
        }
    };
    assert_eq!(full.kind(), ErrorKind::StorageFull, "{full}");
    file.set_len(size.saturating_sub(spare as u64)).unwrap();
}

/// Appends until the disk has no room for more, which must be said and nothing else.
async fn append_until_low(
    known: &mut Known,
    client: &mut Client,
    size: usize,
) -> pb::AppendRequest {
    for _ in 0..1_000 {
        let request = known.commit(size);
        if let Err(refused) = known.append(client, request.clone()).await {
            assert_low(&refused);
            return request;
        }
    }
    panic!("1,000 commits found room");
}

fn assert_low(refused: &Status) {
    assert_eq!(reason(refused), "DISK_LOW", "{refused:?}");
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(refused.get_details_retry_info().is_some(), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_stops_appends_until_it_has_room() {
    let dir = directory();
    let place = dir.path().canonicalize().unwrap().join("small");
    fs::create_dir(&place).unwrap();
    let mount = format!("mount -t tmpfs -o size={DISK_BYTES} tmpfs \"$1\"");
    let Some(mounts) = Mounts::new(&mount, &place) else { return };
    let (data, ballast) = (place.join("data"), mounts.path(&place.join("ballast")));
    let (mut known, mut random) = (Known::new(), seeded());

    // No room for a first start, or for half of one.
    for spare in [0, 4096, 16 * 4096] {
        fill(&ballast, spare);
        // Words are kept outside, where there is room.
        let ended = mounts.start(&data).ended();
        assert_eq!(ended.status.code(), Some(1), "{}", ended.said);
        assert!(ended.said.contains("No space left on device"), "{}", ended.said);
        fs::remove_file(&ballast).unwrap();
    }
    for _ in 0..2 {
        // Filled by somebody else, below the reserve and to the last byte.
        let watched = mounts.start(&data).serving();
        let mut client = watched.server.client().await;
        known.compare(&mut client).await;
        known.grow(&mut client, &[1, 50]).await;
        for spare in [RESERVE_BYTES - 4096, 0] {
            fill(&ballast, spare);
            let request = known.commit(2);
            assert_low(&known.append(&mut client, request.clone()).await.unwrap_err());
            let low = client.status().await.appends_refused;
            assert!(low.contains("the disk of the log is low"), "{low}");
            known.compare(&mut client).await;
            fs::remove_file(&ballast).unwrap();
            known.append(&mut client, request).await.expect("the disk has room again");
            assert_eq!(client.status().await.appends_refused, "");
        }
        // Filled by events.
        fill(&ballast, RESERVE_BYTES + random.usize(6..16) * 1024 * 1024);
        let refused = append_until_low(&mut known, &mut client, random.usize(100..300)).await;
        known.compare(&mut client).await;
        // Full at the start, after an orderly end or a kill. It serves reads all the same.
        let mut watched = watched;
        for orderly in [true, false, random.bool()] {
            fill(&ballast, random.usize(0..16) * 4096);
            let code = if orderly { watched.server.terminate() } else { watched.server.kill() };
            assert_eq!(code, orderly.then_some(0));
            // Twice, because a first start must not use up what the next one needs.
            mounts.start(&data).serving().server.kill();
            watched = mounts.start(&data).serving();
            let said = watched.words();
            assert!(said.contains(LOW), "{said}");
            let mut client = watched.server.client().await;
            known.compare(&mut client).await;
            assert_low(&known.append(&mut client, refused.clone()).await.unwrap_err());
            let said = watched.words();
            assert_eq!(said.matches(LOW).count(), 1, "the start has said it: {said}");
            fs::remove_file(&ballast).unwrap();
            known.grow(&mut client, &[20]).await;
        }
        known.append(&mut watched.server.client().await, refused).await.unwrap();
        assert_eq!(watched.server.terminate(), Some(0));
    }
    println!("{} events acknowledged around two full disks", known.events());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_directory_is_refused_until_it_is_writable() {
    let dir = directory();
    let data = dir.path().canonicalize().unwrap().join("data");
    let mut known = Known::new();
    let watched = start(&[], &data).serving();
    known.grow(&mut watched.server.client().await, &[3, 40]).await;
    watched.server.kill();
    let bind = "mount --bind \"$1\" \"$1\"; mount -o remount,bind,ro \"$1\"";
    let Some(mounts) = Mounts::new(bind, &data) else { return };
    let ended = mounts.start(&data).ended();
    assert_eq!(ended.status.code(), Some(1), "{}", ended.said);
    assert!(ended.said.contains("Read-only file system"), "{}", ended.said);
    assert!(ended.said.contains(data.to_str().unwrap()), "it says where: {}", ended.said);
    drop(mounts);
    known.check(&data).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_that_may_not_be_entered_is_refused() {
    let dir = directory();
    let data = dir.path().join("data");
    let mut known = Known::new();
    let watched = start(&[], &data).serving();
    known.grow(&mut watched.server.client().await, &[3]).await;
    watched.server.kill();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o000)).unwrap();
    let mut command = Command::new(TIDU);
    if fs::read_dir(&data).is_ok() {
        // Nothing is forbidden to root, so the server runs as nobody in particular.
        if Command::new(TIDU).arg("--version").uid(NOBODY).output().is_err() {
            eprintln!(
                "\n*** SKIPPED: only root may run this build, and root may do anything ***\n"
            );
            return;
        }
        command.uid(NOBODY).gid(NOBODY);
    }
    let ended = start_command(command, &data, File::create(words_of(&data)).unwrap()).ended();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{}", ended.said);
    assert!(ended.said.contains("Permission denied"), "{}", ended.said);
    assert!(ended.said.contains(data.to_str().unwrap()), "it says where: {}", ended.said);
    known.check(&data).await;
}

#[test]
fn a_data_directory_that_is_no_directory_is_refused() {
    let dir = directory();
    let file = dir.path().join("file");
    fs::write(&file, "a list").unwrap();
    for (data, why) in [(file.clone(), "File exists"), (file.join("below"), "Not a directory")] {
        let words = File::create(dir.path().join("words")).unwrap();
        let ended = start_command(Command::new(TIDU), &data, words).ended();
        let said = fs::read_to_string(dir.path().join("words")).unwrap();
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(said.contains(why) && said.contains(data.to_str().unwrap()), "{said}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "a list");
    // The log itself is a file.
    let data = dir.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("log"), "no store").unwrap();
    let ended = start(&[], &data).ended();
    assert_eq!(ended.status.code(), Some(1), "{}", ended.said);
    assert_eq!(fs::read_to_string(data.join("log")).unwrap(), "no store");
}
