//! The file of a trail: who may open it, and whom it follows.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    sync::Arc,
};

use tidu::trail::{Entry, FileSink, Sink};

use super::tape::trail;
use crate::support::directory;

fn sink(path: &Path) -> Vec<Box<dyn Sink>> {
    vec![Box::new(FileSink::at(path.to_path_buf()))]
}

#[test]
fn nobody_else_reads_the_trail() {
    let dir = directory();
    let path = dir.path().join("audit.jsonl");
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    trail(sink(&path), &Arc::default(), None).unwrap().close();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_link_a_directory_and_a_missing_directory_are_refused() {
    let dir = directory();
    let (target, link) = (dir.path().join("target"), dir.path().join("link"));
    fs::write(&target, "").unwrap();
    symlink(&target, &link).unwrap();
    for path in [&link, dir.path(), &dir.path().join("none").join("audit.jsonl")] {
        let refused = trail(sink(path), &Arc::default(), None).unwrap_err().to_string();
        assert!(refused.contains(&path.display().to_string()), "{refused}");
    }
    assert_eq!(fs::read_to_string(&target).unwrap(), "");
}

#[test]
fn two_servers_do_not_write_one_trail() {
    let dir = directory();
    let path = dir.path().join("audit.jsonl");
    let first = trail(sink(&path), &Arc::default(), None).unwrap();
    assert!(trail(sink(&path), &Arc::default(), None).is_err());
    first.close();
    drop(first);
    assert!(trail(sink(&path), &Arc::default(), None).is_ok());
}

#[tokio::test]
async fn a_file_that_is_moved_away_is_begun_again() {
    let dir = directory();
    let path = dir.path().join("audit.jsonl");
    let trail = trail(sink(&path), &Arc::default(), None).unwrap();
    let number = trail.write(&Entry::default()).unwrap();
    trail.kept(number).await.unwrap();
    fs::rename(&path, dir.path().join("away")).unwrap();
    let number = trail.write(&Entry::default()).unwrap();
    trail.kept(number).await.unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1);
    trail.close();
}
