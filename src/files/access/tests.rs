//! Modes, links, pipes and bounds.

#![allow(clippy::unwrap_used)]

use std::os::unix::fs::symlink;

use rustix::fs::{CWD, FileType as Kind, mknodat};

use super::{
    super::{AtomicFile, lock, replace},
    *,
};

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn pipe(path: &Path) {
    mknodat(CWD, path, Kind::Fifo, Mode::from_raw_mode(0o666), 0).unwrap();
}

fn kind(outcome: io::Result<impl Sized>) -> io::ErrorKind {
    outcome.err().unwrap().kind()
}

fn said(outcome: io::Result<impl Sized>) -> String {
    outcome.err().unwrap().to_string()
}

#[test]
fn nobody_else_has_access_to_what_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    create_directory(&at("a/b")).unwrap();
    drop(create(&at("file")).unwrap());
    drop(lock(&at("LOCK")).unwrap());
    replace(&at("state"), b"x").unwrap();
    copy(&at("state"), &at("copy")).unwrap();
    let partial = AtomicFile::create(&at("out")).unwrap();
    for name in ["a", "a/b"] {
        assert_eq!(mode(&at(name)), 0o700, "{name}");
    }
    for name in ["file", "LOCK", "state", "copy", "out.partial"] {
        assert_eq!(mode(&at(name)), 0o600, "{name}");
    }
    drop(partial);
}

#[test]
fn a_directory_of_an_earlier_version_is_closed_to_others() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let wide = |name: &str, mode| {
        fs::set_permissions(at(name), Permissions::from_mode(mode)).unwrap();
    };
    create_directory(&at("data/log")).unwrap();
    for name in ["data/LOCK", "data/log/db", "data/mine", "elsewhere"] {
        fs::write(at(name), b"x").unwrap();
        wide(name, 0o644);
    }
    symlink(at("elsewhere"), at("data/MARK")).unwrap();
    wide("data/log", 0o755);
    wide("data", 0o2755);
    let own = || own_directory(&at("data"), &["LOCK", "MARK", "log", "missing"]).unwrap();
    assert!(own(), "others had access");
    assert!(!own(), "that is said once");
    assert_eq!(mode(&at("data")), 0o2700, "only the access of others is withdrawn");
    assert_eq!(mode(&at("data/log")), 0o700);
    for name in ["data/LOCK", "data/log/db"] {
        assert_eq!(mode(&at(name)), 0o600, "{name}");
    }
    for name in ["data/mine", "elsewhere"] {
        assert_eq!(mode(&at(name)), 0o644, "{name} is none of its files");
    }
    symlink(at("data"), at("link")).unwrap();
    assert!(!own_directory(&at("link"), &[]).unwrap(), "a directory may be named by a link");
    assert!(own_directory(&at("elsewhere"), &[]).is_err(), "a file is not a directory");
}

#[test]
fn what_belongs_to_another_user_is_refused() {
    // The root directory belongs to root; as root, nothing here belongs to anybody else.
    let root = fs::metadata("/").unwrap();
    let own = root.uid() == process::geteuid().as_raw();
    assert_eq!(require_own(&root).is_ok(), own);
    if !own {
        assert_eq!(kind(own_directory(Path::new("/"), &[])), io::ErrorKind::PermissionDenied);
    }
}

#[test]
fn an_existing_lock_file_is_closed_to_others_before_it_is_locked() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("LOCK");
    fs::write(&path, b"").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let _held = lock(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn pipes_devices_and_directories_are_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    pipe(&at("pipe"));
    symlink(at("pipe"), at("to-pipe")).unwrap();
    for path in [at("pipe"), at("to-pipe")] {
        assert_eq!(said(open(&path)), "it is a named pipe, not a regular file");
        assert!(read(&path, 1).is_err() && read_text(&path, 1).is_err());
    }
    assert_eq!(said(open(dir.path())), "it is a directory, not a regular file");
    assert_eq!(said(open(Path::new("/dev/zero"))), "it is a device, not a regular file");
    assert_eq!(said(lock(&at("pipe"))), "it is a named pipe, not a regular file");
    assert_eq!(said(replace(&at("pipe"), b"x")), "it is a named pipe, not a regular file");
    fs::write(at("real"), b"real").unwrap();
    symlink(at("real"), at("to-real")).unwrap();
    assert_eq!(read_text(&at("to-real"), 4).unwrap(), "real", "an input may be named by a link");
}

#[test]
fn nothing_is_written_through_a_planted_link() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("victim"), b"victim").unwrap();
    for name in ["OUT", "OUT2.partial", "OUT3.new", "LOCK", "MARK"] {
        symlink(at("victim"), at(name)).unwrap();
    }
    assert_eq!(said(AtomicFile::create(&at("OUT"))), "it is a symbolic link, not a regular file");
    AtomicFile::create(&at("OUT2")).unwrap().commit().unwrap();
    replace(&at("OUT3"), b"3").unwrap();
    for name in ["LOCK", "MARK"] {
        assert_eq!(kind(lock(&at(name))), io::ErrorKind::InvalidInput, "{name}");
        assert_eq!(kind(open_to_change(&at(name))), io::ErrorKind::InvalidInput, "{name}");
        assert_eq!(kind(create(&at(name))), io::ErrorKind::AlreadyExists, "{name}");
    }
    pipe(&at("OUT4.partial"));
    AtomicFile::create(&at("OUT4")).unwrap().commit().unwrap();
    fs::create_dir(at("OUT5.partial")).unwrap();
    assert!(AtomicFile::create(&at("OUT5")).is_err(), "a directory is not a leftover");
    assert_eq!(fs::read(at("victim")).unwrap(), b"victim");
    for name in ["OUT2", "OUT3", "OUT4"] {
        assert!(fs::symlink_metadata(at(name)).unwrap().is_file(), "{name}");
    }
}

#[test]
fn of_two_writers_of_one_file_the_first_fails_and_removes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out");
    let first = AtomicFile::create(&path).unwrap();
    let second = AtomicFile::create(&path).unwrap();
    assert!(said(first.commit()).contains("another process has replaced"));
    second.commit().unwrap();
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn a_bounded_file_is_read_up_to_its_bound() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    fs::write(&path, [b'x'; 9]).unwrap();
    assert_eq!(read(&path, 9).unwrap().len(), 9);
    assert_eq!(kind(read(&path, 8)), io::ErrorKind::FileTooLarge);
    assert_eq!(said(read(&path, 8)), "it has more than 8 bytes, which is the limit");
    fs::write(&path, [0xFF]).unwrap();
    assert_eq!(kind(read_text(&path, 8)), io::ErrorKind::InvalidData);
}
