//! Logs in real directories: tails, marks, formats, damage.

use std::fs;

use bytes::BufMut as _;

use super::{
    format::{SYNC_KEY, decode_identity},
    *,
};
use crate::log::{ChunkWriter, FORMAT_BEGUN, FORMAT_HANDED_OVER, REWRITTEN};

fn stored_format(log: &SledLog) -> u16 {
    decode_identity(&log.store.get(META_KEY).unwrap().unwrap()).unwrap().0
}

#[test]
fn a_tail_without_its_end_is_invisible_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let id = Uuid::from_u128(1);
    let log = SledLog::open(dir.path(), id).unwrap();
    let mut writer = ChunkWriter::new(0, Vec::new());
    for _ in 0..300 {
        writer.push(5_000, true, |buf| buf.put_bytes(b'x', 5_000));
    }
    log.append(0, &writer.finish()).unwrap();
    // A crash between two windows leaves the chunks of a commit without its last one.
    for i in 0..3_u32 {
        writer.push(6_000, i == 2, |buf| buf.put_bytes(b'y', 6_000));
    }
    let torn = writer.finish();
    for chunk in &torn.chunks[..2] {
        log.store.insert(key(CHUNKS, chunk.first()), chunk.bytes().as_ref()).unwrap();
    }
    log.store.flush().unwrap();
    drop(log);

    let log = SledLog::open(dir.path(), Uuid::nil()).unwrap();
    assert_eq!((log.id(), log.size()), (id, 300));
    assert!(log.read(300, 1).unwrap().is_empty());
    assert_eq!(log.read(299, 1).unwrap()[0].next(), 300);
    assert!(log.store.get(key(CHUNKS, 300)).unwrap().is_none());
    assert!(log.hashes(128).unwrap().is_some());
    assert_eq!(log.append(301, &torn).unwrap(), Appended::MovedOn(300));
}

#[test]
fn a_log_shorter_than_its_mark_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let log = SledLog::open(dir.path(), Uuid::from_u128(1)).unwrap();
    let mut writer = ChunkWriter::new(0, Vec::new());
    writer.push(1, true, |buf| buf.put_u8(1));
    log.append(0, &writer.finish()).unwrap();
    log.mark(1, [0; 32]).unwrap();
    log.store.remove(key(CHUNKS, 0)).unwrap();
    log.store.flush().unwrap();
    drop(log);
    let error = SledLog::open(dir.path(), Uuid::nil()).unwrap_err();
    assert!(matches!(error, LogError::Damaged { position: 0, .. }), "{error}");
    fs::remove_dir_all(dir.path().join("log")).unwrap();
    let error = SledLog::open(dir.path(), Uuid::nil()).unwrap_err();
    assert!(error.to_string().contains("the store is gone"), "{error}");
}

#[test]
fn a_directory_in_use_is_refused_and_a_half_written_snapshot_removed() {
    let dir = tempfile::tempdir().unwrap();
    let log = SledLog::open(dir.path(), Uuid::from_u128(1)).unwrap();
    assert!(matches!(SledLog::open(dir.path(), Uuid::nil()), Err(LogError::Busy(_))));
    drop(log);
    let leftover = dir.path().join("log/snap.00000000000000FF.generating");
    fs::write(&leftover, b"torn").unwrap();
    SledLog::open(dir.path(), Uuid::nil()).unwrap();
    assert!(!leftover.exists());
}

#[test]
fn a_newer_format_is_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let log = SledLog::open(dir.path(), Uuid::from_u128(1)).unwrap();
    log.store.insert(META_KEY, encode_identity(9, log.id)).unwrap();
    log.store.flush().unwrap();
    let marker = log.store.get(SYNC_KEY).unwrap();
    drop(log);
    for _ in 0..3 {
        let error = SledLog::open(dir.path(), Uuid::nil()).unwrap_err();
        assert!(matches!(error, LogError::TooNew { found: 9, known: 4 }), "{error}");
        let both = "format 9, this version reads up to 4";
        assert!(error.to_string().contains(both), "{error}");
    }
    let store = store::open(&dir.path().join("log")).unwrap();
    assert_eq!(store.get(SYNC_KEY).unwrap(), marker);
}

#[test]
fn a_newer_format_beside_the_store_leaves_every_byte() {
    let dir = tempfile::tempdir().unwrap();
    drop(SledLog::open(dir.path(), Uuid::from_u128(1)).unwrap());
    let file = dir.path().join(format_file::NAME);
    let image = || {
        let store = fs::read_dir(dir.path().join("log")).unwrap();
        let files = store.chain(fs::read_dir(dir.path()).unwrap()).map(|it| it.unwrap().path());
        let mut files: Vec<_> = files.filter(|path| path.is_file()).collect();
        files.sort();
        files.into_iter().map(|it| (fs::read(&it).unwrap(), it)).collect::<Vec<_>>()
    };
    fs::write(&file, "9\n").unwrap();
    let before = image();
    let error = SledLog::open(dir.path(), Uuid::nil()).unwrap_err();
    assert!(matches!(error, LogError::TooNew { found: 9, known: 4 }), "{error}");
    assert_eq!(image(), before);
    // The store has the last word about what this version can read.
    for odd in ["", "nine\n", "4\n", "00000000000000000000009\n"] {
        fs::write(&file, odd).unwrap();
        drop(SledLog::open(dir.path(), Uuid::nil()).unwrap());
    }
}

#[test]
fn the_format_rises_before_the_first_chunk_that_needs_it_and_never_falls() {
    let dir = tempfile::tempdir().unwrap();
    let log = SledLog::open(dir.path(), Uuid::from_u128(1)).unwrap();
    let mut writer = ChunkWriter::new(0, Vec::new());
    let mut append = |log: &SledLog, format: u16| {
        let base = writer.next();
        writer.push(1, true, |buf| buf.put_u8(1));
        writer.require_format(format);
        log.append(base, &writer.finish()).unwrap();
    };
    append(&log, 0);
    append(&log, FORMAT_BEGUN);
    assert_eq!(stored_format(&log), FORMAT_BEGUN);
    let noted = dir.path().join(format_file::NAME);
    assert!(!noted.exists());
    append(&log, FORMAT_KNOWN);
    assert_eq!(fs::read_to_string(&noted).unwrap(), "4\n");
    append(&log, FORMAT_BEGUN);
    assert_eq!(stored_format(&log), FORMAT_KNOWN);
    drop(log);
    // As in a directory of a version that did not write the file.
    fs::remove_file(&noted).unwrap();
    let log = SledLog::open(dir.path(), Uuid::nil()).unwrap();
    assert_eq!(fs::read_to_string(&noted).unwrap(), "4\n");
    assert_eq!((log.id(), log.size()), (Uuid::from_u128(1), 4));
    append(&log, FORMAT_KNOWN);
    assert_eq!(stored_format(&log), FORMAT_KNOWN);
}

#[test]
fn the_format_of_a_rewritten_log_is_noted_before_it_is_in_place() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    drop(SledLog::open(&data, Uuid::from_u128(1)).unwrap());
    let rewritten = data.join(REWRITTEN);
    let log = SledLog::open(&rewritten, Uuid::from_u128(1)).unwrap();
    let group = Group { format: FORMAT_KNOWN, ..Group::default() };
    log.append(0, &group).unwrap();
    drop(log);
    // It takes its place, and the opening ends there.
    fs::remove_file(rewritten.join("log/db")).unwrap();
    let refused = SledLog::open(&data, Uuid::nil()).unwrap_err().to_string();
    assert!(refused.contains("lost its main file"), "{refused}");
    assert!(!rewritten.exists());
    assert_eq!(
        fs::read_to_string(data.join(format_file::NAME)).unwrap(),
        format!("{FORMAT_KNOWN}\n")
    );
}

#[test]
fn a_log_that_was_raised_and_got_no_leaf_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let log = SledLog::open(dir.path(), Uuid::from_u128(1)).unwrap();
    let mut writer = ChunkWriter::new(0, Vec::new());
    writer.push(1, true, |buf| buf.put_u8(1));
    log.append(0, &writer.finish()).unwrap();
    log.raise(FORMAT_KNOWN).unwrap();
    drop(log);
    let log = SledLog::open(dir.path(), Uuid::nil()).unwrap();
    assert_eq!((log.size(), stored_format(&log)), (1, FORMAT_KNOWN));
    writer.push(1, true, |buf| buf.put_u8(1));
    assert_eq!(log.append(1, &writer.finish()).unwrap(), Appended::Durable(2));
}

#[test]
fn an_epoch_is_kept_by_every_later_mark_and_keeps_older_versions_away() {
    let dir = tempfile::tempdir().unwrap();
    let log = SledLog::open(dir.path(), Uuid::from_u128(1)).unwrap();
    let mut writer = ChunkWriter::new(0, Vec::new());
    let mut append = |log: &SledLog| {
        let base = writer.next();
        writer.push(1, true, |buf| buf.put_u8(1));
        log.append(base, &writer.finish()).unwrap();
    };
    append(&log);
    assert_eq!((log.epoch(), stored_format(&log)), (0, FORMAT_BEGUN));
    log.raise_epoch(1, [1; 32]).unwrap();
    assert_eq!((log.epoch(), stored_format(&log)), (1, FORMAT_HANDED_OVER));
    append(&log);
    log.mark(2, [2; 32]).unwrap();
    drop(log);
    let log = SledLog::open(dir.path(), Uuid::nil()).unwrap();
    let mark = log.mark_found().unwrap();
    assert_eq!((mark.epoch, mark.size, log.epoch()), (1, 2, 1));
    log.raise_epoch(7, [2; 32]).unwrap();
    drop(log);
    assert_eq!(SledLog::open(dir.path(), Uuid::nil()).unwrap().epoch(), 7);
}

#[test]
fn a_renamed_log_has_its_events_another_id_and_the_first_epoch() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let log = SledLog::open(dir.path(), old).unwrap();
    let mut writer = ChunkWriter::new(0, Vec::new());
    writer.push(1, true, |buf| buf.put_u8(1));
    log.append(0, &writer.finish()).unwrap();
    log.raise_epoch(3, [1; 32]).unwrap();
    log.rename(new, [1; 32]).unwrap();
    drop(log);
    let opened = |epoch: u64| {
        let log = SledLog::open(dir.path(), Uuid::nil()).unwrap();
        assert_eq!((log.id(), log.size(), log.epoch()), (new, 1, epoch));
        log
    };
    // The first opening writes the id; the mark is the same until the log moves.
    drop(opened(0));
    let log = opened(0);
    log.mark(1, [1; 32]).unwrap();
    drop(log);
    drop(opened(0));
}

#[test]
fn a_missing_or_altered_chunk_is_damage_and_never_a_shorter_answer() {
    let dir = tempfile::tempdir().unwrap();
    let log = SledLog::open(dir.path(), Uuid::from_u128(1)).unwrap();
    let mut writer = ChunkWriter::new(0, Vec::new());
    for _ in 0..4 {
        writer.push(4_000, true, |buf| buf.put_bytes(b'x', 4_000));
    }
    log.append(0, &writer.finish()).unwrap();
    log.store.remove(key(CHUNKS, 1)).unwrap();
    for from in 1..2 {
        let error = log.read(from, usize::MAX).unwrap_err();
        assert!(matches!(error, LogError::Damaged { .. }), "{error}");
    }
    let error = log.read(0, usize::MAX).unwrap_err();
    assert!(matches!(error, LogError::Damaged { position: 1, .. }), "{error}");
}
