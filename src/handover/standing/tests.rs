use std::fs;

use super::*;

const LOG: Uuid = Uuid::from_u128(1);

fn receipt(epoch: u64) -> Receipt {
    let successor = "b".parse().unwrap();
    Receipt { log_id: LOG, size: 4, root: [3; 32], epoch, successor }
}

fn follows(epoch: u64) -> Follows {
    Follows { log_id: LOG, epoch, node: "a".parse().unwrap() }
}

#[test]
fn a_directory_records_only_above_the_epochs_that_are_closed() {
    let check = |retired: Option<u64>, followed: Option<u64>, epoch: u64, part: Part| {
        let standing = Standing { retired: retired.map(receipt), follows: followed.map(follows) };
        assert_eq!(standing.part(LOG, epoch), part, "{retired:?} {followed:?} {epoch}");
        let may_record = standing.closed_epoch(LOG).is_none_or(|closed| epoch > closed);
        assert_eq!(may_record, part == Part::Leader, "{retired:?} {followed:?} {epoch}");
        assert_eq!(standing.part(Uuid::from_u128(2), epoch), Part::Leader, "another history");
    };
    check(None, None, 0, Part::Leader);
    check(Some(0), None, 0, Part::Retired(receipt(0)));
    check(None, Some(0), 0, Part::Follower(follows(0)));
    // Promoted.
    check(None, Some(0), 1, Part::Leader);
    // Promoted, and handed over again.
    check(Some(1), Some(0), 1, Part::Retired(receipt(1)));
    // An old leader that follows its successor: not promoted yet, and then promoted.
    check(Some(0), Some(0), 0, Part::Retired(receipt(0)));
    check(Some(2), Some(2), 2, Part::Retired(receipt(2)));
    check(Some(2), Some(3), 2, Part::Follower(follows(3)));
    check(Some(2), Some(2), 3, Part::Leader);
    // An old leader that follows its successor, and is promoted in its turn.
    check(Some(0), Some(1), 0, Part::Follower(follows(1)));
    check(Some(0), Some(1), 2, Part::Leader);
}

#[test]
fn files_are_read_as_they_were_written_and_a_damaged_one_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let directory = dir.path();
    assert_eq!(Standing::of(directory).unwrap(), Standing::default());
    follows(2).write(directory).unwrap();
    retire(directory, &receipt(3)).unwrap();
    let standing = Standing::of(directory).unwrap();
    assert_eq!((standing.retired, standing.follows), (Some(receipt(3)), Some(follows(2))));
    for name in [RETIRED_FILE, FOLLOWS_FILE] {
        let path = directory.join(name);
        let whole = fs::read(&path).unwrap();
        for end in 0..whole.len() {
            fs::write(&path, &whole[..end]).unwrap();
            assert!(Standing::of(directory).is_err(), "{name} cut at {end}");
        }
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 0x80;
            fs::write(&path, &flipped).unwrap();
            let error = Standing::of(directory).unwrap_err();
            assert!(matches!(error, StandingError::Unreadable { .. }), "{name}: {error}");
        }
        fs::write(&path, vec![b'x'; 1 << 20]).unwrap();
        assert!(Standing::of(directory).is_err());
        fs::write(&path, &whole).unwrap();
    }
}
