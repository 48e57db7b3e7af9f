//! Kills during a backup and during a compact copy: what is there afterwards is whole, or is not
//! believed, and the next command ends well.
//!
//! `TIDU_COPIES_KILLS` sets how many of each are killed, `TIDU_COPIES_SEED` repeats the choices.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use tidu::archive::backup;

use crate::support::{Fresh, TIDU, done, list, seed, text};

/// Kills of a usual run, for each of the two.
const KILLS: usize = 10;

fn command(server: &str, args: &[&str]) -> Command {
    let mut command = Command::new(TIDU);
    command.args(args).env("TIDU_SERVER", server);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn tidu(server: &str, args: &[&str]) -> Output {
    let mut command = Command::new(TIDU);
    command.args(args).env("TIDU_SERVER", server).stdin(Stdio::null()).output().unwrap()
}

/// Kills a command after a while; true if it had not ended by itself.
fn kill_after(mut child: Child, delay: Duration) -> bool {
    // No waiting for anything: it chooses the moment of the kill.
    thread::sleep(delay);
    let ended = child.try_wait().unwrap();
    child.kill().unwrap();
    let _ = child.wait();
    ended.is_none()
}

/// How long a command takes that ends well.
fn timed(server: &str, args: &[&str]) -> Duration {
    #[allow(clippy::disallowed_methods)] // it only sets when later ones are killed
    let began = Instant::now();
    done(&tidu(server, args));
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_backup_is_whole_or_not_believed() {
    let (kills, mut random) =
        (seed::count("TIDU_COPIES_KILLS", KILLS), seed::random("TIDU_COPIES_SEED"));
    let fresh = Fresh::start();
    let (mut client, address) = (fresh.client().await, fresh.server.address.clone());
    let events = list(1, 4_000 + kills * 200);
    client.record(events[..4_000].to_vec()).await.unwrap();
    done(&tidu(&address, &["cursor", "create", "reader"]));
    let path = fresh.dir.path().join("backup");
    let path = text(&path);
    let usual = timed(&address, &["backup", path]);
    let mut cut = 0;
    for (kill, more) in events[4_000..].chunks(200).enumerate() {
        client.record(more.to_vec()).await.unwrap();
        let full = ["backup", path, "--full", "--keep", "2"];
        let args = if kill % 2 == 0 { &full[..] } else { &full[..2] };
        let child = command(&address, args).spawn().unwrap();
        cut += usize::from(kill_after(child, usual.mul_f64(random.f64() * 1.2)));
        // Whatever counts is whole, before anybody mends anything.
        done(&tidu("", &["verify", path]));
        if kill % 3 == 0 {
            done(&tidu(&address, args));
            let status = client.status().await;
            let said = done(&tidu("", &["verify", path]));
            assert!(said.contains(&tidu::domain::text::hex(&status.root_hash)), "{said}");
            assert_no_leftovers(Path::new(path));
        }
    }
    println!("{cut} of {kills} backups were killed before their end");
    done(&tidu(&address, &["backup", path, "--verify"]));
    let drill = tidu("", &["restore", path, "--drill"]);
    assert!(done(&drill).contains("1 cursors"), "{drill:?}");
}

/// A backup that ended leaves generations and what their manifests list.
fn assert_no_leftovers(path: &Path) {
    for entry in fs::read_dir(path).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name == "LOCK" || name.len() == "generation-000001".len(), "{name}");
    }
    for generation in backup::generations(path).unwrap() {
        let manifest = generation.manifest().unwrap().unwrap();
        let files = fs::read_dir(generation.path()).unwrap().count();
        // The manifest and the cursors.
        assert_eq!(files, manifest.archives.len() + 2, "{}", generation.path().display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_compact_copy_is_whole_or_not_there() {
    let (kills, mut random) =
        (seed::count("TIDU_COPIES_KILLS", KILLS), seed::random("TIDU_COPIES_SEED"));
    let fresh = Fresh::start();
    fresh.client().await.record(list(1, 5_000)).await.unwrap();
    let (old, new) = (fresh.data(), fresh.dir.path().join("new"));
    let Fresh { server, dir: _dir } = fresh;
    assert_eq!(server.terminate(), Some(0));
    let verified = done(&tidu("", &["verify", text(&old)]));
    let args = ["compact", "--data-dir", text(&old), "--to", text(&new)];
    let usual = timed("", &args);
    let (mut cut, mut whole) = (0, 0);
    for _ in 0..kills {
        let _ = fs::remove_dir_all(&new);
        let child = command("", &args).spawn().unwrap();
        cut += usize::from(kill_after(child, usual.mul_f64(random.f64() * 1.1)));
        if new.exists() {
            whole += 1;
            assert_eq!(done(&tidu("", &["verify", text(&new)])), verified);
        }
        assert_eq!(done(&tidu("", &["verify", text(&old)])), verified, "the old one stays");
    }
    println!("{cut} of {kills} copies were killed before their end, {whole} were whole");
    let _ = fs::remove_dir_all(&new);
    done(&tidu("", &args));
    assert_eq!(done(&tidu("", &["verify", text(&new)])), verified);
    let left = fs::read_dir(new.parent().unwrap()).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".importing")), "{left:?}");
}
