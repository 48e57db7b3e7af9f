//! Whatever is done to the files of a trail is found, and named with its file and line.

use std::{fs, path::PathBuf, sync::Arc};

use tempfile::TempDir;
use tidu::trail::{
    Anchor, Entry, FileSink, Outcome, Sink, Trail, TrailError, Verified, rotated_beside, verify,
};

use super::tape::trail;
use crate::support::{Hands, directory};

/// A trail in files.
struct Files {
    dir: TempDir,
    hands: Arc<Hands>,
}

impl Files {
    fn new() -> Self {
        Self { dir: directory(), hands: Arc::default() }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("audit.jsonl")
    }

    fn all(&self) -> Vec<PathBuf> {
        let mut all = rotated_beside(&self.path()).unwrap();
        all.push(self.path());
        all
    }

    /// Opens it with files that are set aside at so many bytes.
    fn open(&self, bytes_max: u64, anchor: Option<Anchor>) -> Arc<Trail> {
        let sink: Box<dyn Sink> = Box::new(FileSink::up_to(self.path(), bytes_max));
        trail(vec![sink], &self.hands, anchor).unwrap()
    }

    /// Writes so many lines, one after the other is on the disk.
    fn write(&self, lines: u64, bytes_max: u64) -> (u64, [u8; 32]) {
        let trail = self.open(bytes_max, None);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        for number in 0..lines {
            let target = format!("object {number}");
            let number = trail.write(&entry(&target)).unwrap();
            runtime.block_on(trail.kept(number)).unwrap();
        }
        let head = trail.last_anchor().unwrap();
        trail.close();
        head
    }

    fn text(&self) -> Vec<String> {
        fs::read_to_string(self.path()).unwrap().lines().map(str::to_owned).collect()
    }

    fn put(&self, lines: &[String]) {
        fs::write(self.path(), lines.join("\n") + "\n").unwrap();
    }

    /// Where and why the chain breaks.
    fn broken(&self, anchors: &[Anchor]) -> (u64, String) {
        match verify(&self.all(), Some(anchors)).unwrap_err() {
            TrailError::Broken(found) => (found.at, found.cause),
            other => panic!("{other}"),
        }
    }
}

fn entry(target: &str) -> Entry {
    Entry {
        principal: "guangdong.reader".to_owned(),
        target: target.to_owned(),
        outcome: Outcome::Denied,
        ..Entry::default()
    }
}

fn anchor((lines, head): (u64, [u8; 32])) -> Anchor {
    Anchor { position: 7, lines, head }
}

const LARGE: u64 = 1 << 20;

#[test]
fn an_untouched_trail_is_verified() {
    let files = Files::new();
    let head = files.write(5, LARGE);
    let verified = verify(&files.all(), Some(&[anchor(head)])).unwrap();
    let expected = Verified { first: 1, last: 5, head: head.1, anchors: 1, unanchored: 0 };
    assert_eq!(verified, expected);
    files.write(2, LARGE);
    let verified = verify(&files.all(), Some(&[anchor(head)])).unwrap();
    assert_eq!((verified.last, verified.unanchored), (7, 2), "a restart goes on with the chain");
    let without = verify(&files.all(), Some(&[])).unwrap();
    assert_eq!(without.unanchored, 7);
}

#[test]
fn a_changed_line_is_found() {
    let files = Files::new();
    files.write(5, LARGE);
    let mut lines = files.text();
    lines[2] = lines[2].replace("object 2", "object 9");
    files.put(&lines);
    let (at, cause) = files.broken(&[]);
    assert_eq!(at, 3);
    assert!(cause.contains("changed"), "{cause}");
}

#[test]
fn deleted_added_and_exchanged_lines_are_found() {
    let files = Files::new();
    files.write(6, LARGE);
    let whole = files.text();
    let mut deleted = whole.clone();
    deleted.remove(2);
    files.put(&deleted);
    let (at, cause) = files.broken(&[]);
    assert!(at == 3 && cause.contains("lines are gone"), "{at} {cause}");
    let mut swapped = whole.clone();
    swapped.swap(2, 3);
    files.put(&swapped);
    assert_eq!(files.broken(&[]).0, 3);
    let mut repeated = whole.clone();
    repeated.insert(3, whole[2].clone());
    files.put(&repeated);
    let (at, cause) = files.broken(&[]);
    assert!(at == 4 && cause.contains("added or exchanged"), "{at} {cause}");
    files.put(&whole[1..]);
    let (at, cause) = files.broken(&[]);
    assert!(at == 1 && cause.contains("lines 1 to 1"), "{at} {cause}");
    let mut blank = whole.clone();
    blank.insert(2, String::new());
    files.put(&blank);
    assert_eq!(files.broken(&[]).0, 3);
    files.put(&whole);
    assert!(verify(&files.all(), Some(&[])).is_ok());
}

#[test]
fn a_cut_end_is_found_by_the_anchor_behind_it() {
    let files = Files::new();
    let head = files.write(5, LARGE);
    let whole = files.text();
    files.put(&whole[..4]);
    assert!(verify(&files.all(), Some(&[])).is_ok(), "nothing but an anchor can tell");
    let (at, cause) = files.broken(&[anchor(head)]);
    assert!(at == 4 && cause.contains("anchors 5 lines at position 7"), "{at} {cause}");
}

#[test]
fn a_trail_that_was_written_anew_is_found_by_an_anchor() {
    let (files, other) = (Files::new(), Files::new());
    let head = files.write(5, LARGE);
    other.hands.0.store(1_000_000, std::sync::atomic::Ordering::Relaxed);
    other.write(5, LARGE);
    assert!(verify(&other.all(), Some(&[])).is_ok());
    let (at, cause) = other.broken(&[anchor(head)]);
    assert!(at == 5 && cause.contains("written anew"), "{at} {cause}");
}

#[test]
fn a_torn_end_is_found_and_cut_by_the_next_start() {
    let files = Files::new();
    files.write(3, LARGE);
    let mut text = fs::read_to_string(files.path()).unwrap();
    text.truncate(text.len() - 20);
    fs::write(files.path(), &text).unwrap();
    let (at, cause) = files.broken(&[]);
    assert!(at == 3 && cause.contains("not whole"), "{at} {cause}");
    files.write(1, LARGE);
    let lines = files.text();
    let verified = verify(&files.all(), Some(&[])).unwrap();
    assert_eq!(verified.last, 4, "{lines:?}");
    assert!(
        lines[2].contains("\"trail.cut\"") && lines[2].contains("bytes of a line"),
        "{lines:?}"
    );
}

#[test]
fn a_long_trail_is_set_aside_and_the_chain_goes_on() {
    let files = Files::new();
    let head = files.write(30, 4_096);
    let all = files.all();
    assert!(all.len() >= 3, "{all:?}");
    assert!(all[0].ends_with("audit-000000000001.jsonl"), "{all:?}");
    for path in &all {
        assert!(fs::metadata(path).unwrap().len() <= 4_096, "{path:?}");
    }
    let mut shuffled = all.clone();
    shuffled.reverse();
    let verified = verify(&shuffled, Some(&[anchor(head)])).unwrap();
    assert_eq!((verified.first, verified.last), (1, 30));
    fs::rename(&all[1], files.dir.path().join("away")).unwrap();
    let (_, cause) = files.broken(&[anchor(head)]);
    assert!(cause.contains("lines are gone"), "{cause}");
}

#[test]
fn the_beginning_may_be_elsewhere_if_an_anchor_vouches_for_it() {
    let files = Files::new();
    let head = files.write(5, LARGE);
    fs::remove_file(files.path()).unwrap();
    // A start without files goes on from the anchor.
    let trail = files.open(LARGE, Some(anchor(head)));
    assert_eq!(trail.write(&entry("next")), Some(6));
    trail.close();
    let verified = verify(&files.all(), Some(&[anchor(head)])).unwrap();
    assert_eq!((verified.first, verified.last, verified.unanchored), (6, 6, 1));
    let (_, cause) = files.broken(&[]);
    assert!(cause.contains("no anchor on the log vouches"), "{cause}");
    assert!(verify(&files.all(), None).is_ok(), "the chain alone");
}

#[test]
fn a_start_goes_on_behind_a_broken_chain_and_says_so() {
    let files = Files::new();
    let head = files.write(5, LARGE);
    let whole = files.text();
    let mut lines = whole.clone();
    lines[1] = lines[1].replace("object 1", "object 8");
    files.put(&lines);
    let trail = files.open(LARGE, Some(anchor(head)));
    assert!(trail.state().problem.contains("line 2: its content"), "{:?}", trail.state());
    assert_eq!(trail.refusal(), None, "it takes lines");
    trail.close();
    drop(trail);
    let said = files.text();
    assert!(said[5].contains("\"trail.broken\"") && said[5].contains("line 2"), "{said:?}");
    // The end is gone: the number goes on from the anchor, and leaves a gap.
    files.put(&whole[..3]);
    let trail = files.open(LARGE, Some(anchor(head)));
    assert!(trail.state().problem.contains("the end is gone"), "{:?}", trail.state());
    trail.close();
    drop(trail);
    let (at, cause) = files.broken(&[anchor(head)]);
    assert!(at == 4 && cause.contains("it is line 6, and line 4"), "{at} {cause}");
}

#[test]
fn two_sinks_together_are_one_trail() {
    let (files, other) = (Files::new(), Files::new());
    let sink = |files: &Files| -> Box<dyn Sink> { Box::new(FileSink::at(files.path())) };
    let trail = trail(vec![sink(&files), sink(&other)], &files.hands, None).unwrap();
    for number in 0..4 {
        trail.write(&entry(&number.to_string()));
    }
    trail.close();
    let (first, second) = (files.text(), other.text());
    assert_eq!((first.len(), &first), (4, &second));
    // One missed a line, the other has it.
    other.put(&[second[0].clone(), second[2].clone(), second[3].clone()]);
    assert!(other.broken(&[]).1.contains("lines are gone"));
    let both = [files.path(), other.path()];
    assert_eq!(verify(&both, Some(&[])).unwrap().last, 4);
    // One was changed as a whole.
    other.put(&[second[0].clone()]);
    let third = Files::new();
    third.write(2, LARGE);
    let both = [files.path(), third.path()];
    let why = verify(&both, Some(&[])).unwrap_err().to_string();
    assert!(why.contains("differs from the one in"), "{why}");
}
