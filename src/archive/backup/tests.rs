//! Which generations there are, and which are kept.

use std::fs;

use super::*;
use crate::{archive::Measure, merkle::leaf_hash};

const DAY_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

/// A generation with one event, written at a time.
fn written(backup: &Backup, written_micros: i64) -> Generation {
    let draft = backup.begin().unwrap();
    let place = draft.place().to_path_buf();
    let mut frontier = Frontier::default();
    frontier.push(leaf_hash(b"event"));
    let file = "a.tidu".to_owned();
    fs::write(place.join(&file), b"archive").unwrap();
    let Measure { bytes, sha256 } = Measure::of(b"archive");
    let (first, next, root) = (0, 1, frontier.root());
    let tip =
        Tip { log_id: Uuid::from_u128(7), frontier, recorded_micros: None, adoptions: Vec::new() };
    let listed = Listed { file, bytes, sha256, first, next, root, written_micros };
    let manifest = Manifest { archives: vec![listed], tip: tip.clone(), epoch: 0, cursors: None };
    let target = place.with_extension("");
    Draft::continuing(&Generation::at(place.clone()), manifest).commit(tip, None).unwrap();
    fs::rename(place, &target).unwrap();
    Generation::at(target)
}

#[test]
fn generations_have_an_order_and_an_earlier_one_is_the_oldest() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(generations(&dir.path().join("none")).unwrap(), []);
    let backup = Backup::open(dir.path()).unwrap();
    assert!(matches!(Backup::open(dir.path()), Err(ArchiveError::Busy(_))));
    let [one, two] = [1, 2].map(|at| written(&backup, at));
    assert_eq!(generations(dir.path()).unwrap(), [one.clone(), two.clone()]);
    assert_eq!(newest(dir.path()).unwrap(), Some(two.clone()));
    assert_eq!(generations(two.path()).unwrap(), std::slice::from_ref(&two), "a backup by itself");
    fs::write(dir.path().join("x.tidu"), b"").unwrap();
    let flat = Generation::at(dir.path().to_path_buf());
    assert_eq!(generations(dir.path()).unwrap(), [flat, one, two]);
    for other in ["generation-", "generation-x", "generation-3.new", "generation-3.removing"] {
        fs::create_dir(dir.path().join(other)).unwrap();
    }
    assert_eq!(generations(dir.path()).unwrap().len(), 3);
}

#[test]
fn an_earlier_generation_is_removed_from_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let backup = Backup::open(dir.path()).unwrap();
    for name in ["a.tidu", "b.tidu"] {
        fs::write(dir.path().join(name), b"").unwrap();
    }
    fs::create_dir(dir.path().join("catalogues")).unwrap();
    fs::write(dir.path().join("notes"), b"mine").unwrap();
    let one = written(&backup, 1);
    let all = generations(dir.path()).unwrap();
    let gone = Keep { generations: Some(1), days: None }.removable(&all, 0).unwrap();
    assert_eq!(gone, all[..1]);
    backup.remove(&gone[0]).unwrap();
    assert_eq!(generations(dir.path()).unwrap(), [one]);
    let mut left: Vec<_> =
        fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["LOCK", "generation-000001", "notes"]);
}

#[test]
fn a_generation_stays_that_any_rule_keeps() {
    let dir = tempfile::tempdir().unwrap();
    let backup = Backup::open(dir.path()).unwrap();
    let all: Vec<_> = (1..=4).map(|day| written(&backup, day * DAY_MICROS)).collect();
    let kept = |generations, days| {
        let gone = Keep { generations, days }.removable(&all, 5 * DAY_MICROS).unwrap();
        all.iter().map(|generation| !gone.contains(generation)).collect::<Vec<_>>()
    };
    assert_eq!(kept(None, None), [true; 4]);
    assert_eq!(kept(Some(1), None), [false, false, false, true]);
    assert_eq!(kept(Some(3), None), [false, true, true, true]);
    assert_eq!(kept(Some(9), None), [true; 4]);
    assert_eq!(kept(None, Some(1)), [false, false, false, true]);
    assert_eq!(kept(None, Some(3)), [false, true, true, true]);
    assert_eq!(kept(Some(1), Some(2)), [false, false, true, true]);
    assert_eq!(kept(Some(3), Some(1)), [false, true, true, true]);
    let gone = Keep { generations: None, days: Some(1) }.removable(&all, 50 * DAY_MICROS);
    assert_eq!(gone.unwrap(), all[..3], "the newest stays, whatever its age");
    // The age of a damaged one is not known; the number counts all the same.
    fs::write(all[0].path().join("MANIFEST"), b"damaged").unwrap();
    assert_eq!(kept(None, Some(1)), [true, false, false, true]);
    assert_eq!(kept(Some(2), None), [false, false, true, true]);
    fs::write(all[3].path().join("MANIFEST"), b"damaged").unwrap();
    assert!(Keep { generations: Some(1), days: None }.removable(&all, 0).is_err());
}
