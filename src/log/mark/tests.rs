use std::fs::{self, OpenOptions};

use super::*;

fn mark(size: u64) -> HighWaterMark {
    HighWaterMark::new(Uuid::from_u128(7), size, [9; 32])
}

fn raised(size: u64, epoch: u64) -> HighWaterMark {
    HighWaterMark { epoch, ..mark(size) }
}

fn placed(size: u64) -> HighWaterMark {
    HighWaterMark { place: Some(size * 1_000), ..mark(size) }
}

#[test]
fn golden_bytes() {
    let slot = encode(&mark(258));
    assert_eq!(slot.len(), SLOT);
    assert_eq!(&slot[..4], b"TDM1");
    assert_eq!(&slot[20..28], [2, 1, 0, 0, 0, 0, 0, 0]);
    let extension = encode_extension(&placed(258), &slot);
    assert_eq!(extension.len(), EXTENSION);
    assert_eq!(extension[..8], *b"TDX1\x01\0\0\0");
    assert_eq!(extension[8..16], 258_000_u64.to_le_bytes());
    assert_eq!(extension[20..], [0; 12]);
}

#[test]
fn golden_bytes_of_an_epoch() {
    let mark = HighWaterMark { place: Some(3), renames: true, ..raised(258, 770) };
    let slot = encode(&mark);
    assert_eq!(slot.len(), SLOT);
    assert_eq!(&slot[..4], b"TDM2");
    assert_eq!(slot[4..COVERED], encode(&self::mark(258))[4..COVERED]);
    let extension = encode_extension(&mark, &slot);
    assert_eq!(extension.len(), EXTENSION);
    assert_eq!(extension[..8], *b"TDX2\x03\0\0\0");
    assert_eq!(extension[8..16], [3, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(extension[16..24], [2, 3, 0, 0, 0, 0, 0, 0]);
    let crc = crc32c::crc32c(&[&extension[..24], &slot[..60]].concat());
    assert_eq!(extension[24..28], crc.to_le_bytes());
    assert_eq!(extension[28..], [0; 4]);
}

/// An older version knows the first magic alone, and reads a slot with the other one as torn.
#[test]
fn an_epoch_is_never_lost_without_its_mark() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("MARK");
    let found = || MarkFile::open(&path).map(|found| found.unwrap().1);
    let mut file = MarkFile::begin(&path, &mark(5)).unwrap();
    file.replace(&raised(5, 1)).unwrap();
    let bytes = fs::read(&path).unwrap();
    assert_eq!(bytes.len(), 2 * (SLOT + EXTENSION));
    assert!([0, SLOT].iter().all(|at| bytes[*at..*at + 4] == EXTENDED_MAGIC), "no old slot");
    file.write(&raised(6, 1)).unwrap();
    assert_eq!(found().unwrap(), raised(6, 1));
    let written = fs::read(&path).unwrap();
    for at in 0..written.len() {
        for bit in 0..8 {
            let mut flipped = written.clone();
            flipped[at] ^= 1 << bit;
            fs::write(&path, &flipped).unwrap();
            let found = found().unwrap();
            assert!([5, 6].contains(&found.size) && found.epoch == 1, "{at}, {bit}: {found:?}");
        }
    }
    // Both extensions are gone: there is no mark, rather than one of the epoch before.
    fs::write(&path, &written[..2 * SLOT]).unwrap();
    assert!(matches!(found(), Err(LogError::Damaged { .. })));
}

#[test]
fn a_higher_epoch_is_newer_than_a_larger_size() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("MARK");
    let mut file = MarkFile::begin(&path, &raised(9, 1)).unwrap();
    file.write(&raised(9, 2)).unwrap();
    assert_eq!(MarkFile::open(&path).unwrap().unwrap().1, raised(9, 2));
    (file, _) = MarkFile::open(&path).unwrap().unwrap();
    file.write(&raised(10, 2)).unwrap();
    assert_eq!(MarkFile::open(&path).unwrap().unwrap().1, raised(10, 2));
}

/// Cuts the power after each write of a mark, with each of its writes torn or missing.
#[test]
fn a_place_is_found_with_its_own_mark_whatever_is_torn() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("MARK");
    let found = || MarkFile::open(&path).unwrap().unwrap().1;
    let marks =
        [mark(0), placed(1), placed(2), mark(3), placed(4), mark(5), raised(6, 1), raised(7, 2)];
    let mut file = MarkFile::begin(&path, &marks[0]).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), EXTENSIONS_AT);
    for pair in marks.windows(2) {
        let (before, next) = (pair[0], pair[1]);
        let slot = encode(&next);
        let extension = encode_extension(&next, &slot);
        let at = EXTENSIONS_AT + file.next_slot * EXTENSION as u64;
        let old = fs::read(&path).unwrap();
        for length in 0..=EXTENSION {
            file.file.write_all_at(&extension[..length], at).unwrap();
            assert_eq!(found(), before, "the extension is torn at {length}");
            fs::write(&path, &old).unwrap();
        }
        file.file.write_all_at(&extension, at).unwrap();
        for length in 0..COVERED {
            file.file.write_all_at(&slot[..length], file.next_slot * SLOT as u64).unwrap();
            let found = found();
            assert!(found == before || found == next, "the slot is torn at {length}");
        }
        fs::write(&path, &old).unwrap();
        file.write(&next).unwrap();
        assert_eq!(found(), next);
        (file, _) = MarkFile::open(&path).unwrap().unwrap();
    }
}

#[test]
fn a_file_that_begins_with_a_place_keeps_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("MARK");
    MarkFile::begin(&path, &placed(5)).unwrap();
    assert_eq!(MarkFile::open(&path).unwrap().unwrap().1, placed(5));
    // A version that knows nothing of places writes a slot alone.
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(&encode(&mark(6)), 0).unwrap();
    assert_eq!(MarkFile::open(&path).unwrap().unwrap().1, mark(6));
}

#[test]
fn a_torn_write_leaves_the_mark_before() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("MARK");
    let found = || {
        let opened = MarkFile::open(&path).map(|found| found.map(|(_, mark)| mark));
        let peeked = peek(&path);
        assert_eq!(opened.as_ref().ok(), peeked.as_ref().ok(), "whoever only looks sees the same");
        opened
    };
    assert_eq!(found().unwrap(), None);
    let mut file = MarkFile::begin(&path, &mark(0)).unwrap();
    // A write that is torn from the very first one on, in whichever slot comes next.
    for size in 1..=5 {
        let slot = file.next_slot;
        file.file.write_all_at(&[0xFF; 20], slot * SLOT as u64).unwrap();
        assert_eq!(found().unwrap(), Some(mark(size - 1)));
        file.write(&mark(size)).unwrap();
        assert_eq!(found().unwrap(), Some(mark(size)));
    }
    // Slot 0 holds 5, slot 1 holds 4. After a restart the next write goes to slot 1; tear it.
    let (mut reopened, _) = MarkFile::open(&path).unwrap().unwrap();
    reopened.write(&mark(6)).unwrap();
    reopened.file.write_all_at(&[0xFF; 20], SLOT as u64).unwrap();
    assert_eq!(found().unwrap(), Some(mark(5)));
    reopened.file.write_all_at(&[0xFF; 20], 0).unwrap();
    assert!(matches!(found(), Err(LogError::Damaged { .. })));
}

#[test]
fn a_file_that_was_never_finished_is_begun_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("MARK");
    fs::write(&path, []).unwrap();
    assert!(MarkFile::open(&path).unwrap().is_none());
    fs::remove_file(&path).unwrap();
    fs::write(path.with_extension("new"), [7; 200]).unwrap();
    assert!(MarkFile::open(&path).unwrap().is_none());
    MarkFile::begin(&path, &mark(0)).unwrap();
    assert_eq!(MarkFile::open(&path).unwrap().unwrap().1, mark(0));
    assert_eq!(fs::metadata(&path).unwrap().len(), 2 * SLOT as u64);
}
