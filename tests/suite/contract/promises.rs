//! The promises, each a function named after it.

use std::{sync::Arc, thread};

use bytes::{BufMut as _, Bytes};
use tidu::{
    log::{Appended, Chunk, ChunkWriter, CommitLog, FORMAT_BEGUN, FORMAT_KNOWN, Group, HashBlock},
    merkle::{Frontier, Hash},
};

use super::kinds::Kind;

pub type Promise = fn(&mut dyn Kind);

pub const PROMISES: [(&str, Promise); 15] = [
    ("a new log is empty", a_new_log_is_empty),
    ("an append is durable and read back", an_append_is_durable_and_read_back),
    ("a group of many chunks is one unit", a_group_of_many_chunks_is_one_unit),
    ("an empty group changes nothing", an_empty_group_changes_nothing),
    ("another base moves on and changes nothing", another_base_moves_on_and_changes_nothing),
    ("a read begins with the chunk that holds it", a_read_begins_with_the_chunk_that_holds_it),
    ("a read ends once its bytes are reached", a_read_ends_once_its_bytes_are_reached),
    ("a read past the end is empty", a_read_past_the_end_is_empty),
    ("completed blocks of hashes are kept", completed_blocks_of_hashes_are_kept),
    ("readers never see part of a group", readers_never_see_part_of_a_group),
    ("a failed append acknowledges nothing", a_failed_append_acknowledges_nothing),
    ("a log keeps the highest format asked for", a_log_keeps_the_highest_format_asked_for),
    (
        "a log goes on after an append that only raised its format",
        a_log_goes_on_after_an_append_that_only_raised_its_format,
    ),
    ("a mark changes nothing and is found again", a_mark_changes_nothing_and_is_found_again),
    ("a reopen finds the same and goes on", a_reopen_finds_the_same_and_goes_on),
];

/// A commit of this many leaves fills several chunks and more than one block of hashes.
const MANY: usize = 300;
const BLOCK: usize = 128;

/// Makes groups, and remembers what they hold.
struct Source {
    writer: ChunkWriter,
    leaves: Vec<Bytes>,
    blocks: Vec<HashBlock>,
    frontier: Frontier,
}

impl Source {
    fn new() -> Self {
        let writer = ChunkWriter::new(0, Vec::new());
        Self { writer, leaves: Vec::new(), blocks: Vec::new(), frontier: Frontier::default() }
    }

    /// A group of one commit with so many leaves.
    fn group(&mut self, leaves: usize) -> Group {
        for left in (0..leaves).rev() {
            let number = self.leaves.len();
            let leaf = Bytes::from(vec![number as u8; 20 + number * 37 % 200]);
            let hash = self.writer.push(leaf.len(), left == 0, |buffer| buffer.put_slice(&leaf));
            self.frontier.push(hash);
            self.leaves.push(leaf);
        }
        let group = self.writer.finish();
        self.blocks.extend(group.blocks.iter().cloned());
        group
    }

    fn size(&self) -> u64 {
        self.leaves.len() as u64
    }

    /// Appends a commit of so many leaves.
    fn append(&mut self, log: &dyn CommitLog, leaves: usize) {
        let base = self.size();
        let group = self.group(leaves);
        assert_eq!(log.append(base, &group).unwrap(), Appended::Durable(self.size()));
    }

    /// The log holds what was appended and nothing else.
    fn compare(&self, log: &dyn CommitLog) {
        assert_eq!(log.size(), self.size());
        let chunks = log.read(0, usize::MAX).unwrap();
        assert_eq!(leaves(&chunks), self.leaves);
        for block in &self.blocks {
            assert_eq!(log.hashes(block.first).unwrap().as_ref(), Some(block));
        }
        let next = (self.blocks.len() * BLOCK) as u64;
        assert_eq!(log.hashes(next).unwrap(), None, "a block that is not complete");
    }
}

/// The leaves of chunks, which follow each other.
fn leaves(chunks: &[Chunk]) -> Vec<Bytes> {
    for pair in chunks.windows(2) {
        assert_eq!(pair[0].next(), pair[1].first(), "a gap between chunks");
    }
    chunks.iter().flat_map(Chunk::leaves).map(|leaf| leaf.bytes).collect()
}

fn a_new_log_is_empty(kind: &mut dyn Kind) {
    let log = kind.open();
    Source::new().compare(&*log);
    assert!(log.read(0, 1).unwrap().is_empty());
}

fn an_append_is_durable_and_read_back(kind: &mut dyn Kind) {
    let (log, mut source) = (kind.open(), Source::new());
    for leaves in [1, 2, MANY, 1] {
        source.append(&*log, leaves);
        source.compare(&*log);
    }
}

fn a_group_of_many_chunks_is_one_unit(kind: &mut dyn Kind) {
    let (log, mut source) = (kind.open(), Source::new());
    let group = source.group(MANY);
    assert!(group.chunks.len() > 3 && group.blocks.len() == 2, "{}", group.chunks.len());
    assert_eq!(log.append(0, &group).unwrap(), Appended::Durable(MANY as u64));
    let chunks = log.read(0, usize::MAX).unwrap();
    let bytes = |chunks: &[Chunk]| chunks.iter().map(|c| c.bytes().clone()).collect::<Vec<_>>();
    assert_eq!(bytes(&chunks), bytes(&group.chunks), "the chunks are kept as they are");
    let ends: Vec<_> = chunks.iter().filter(|chunk| chunk.ends_commit()).collect();
    assert_eq!(ends.len(), 1);
}

fn an_empty_group_changes_nothing(kind: &mut dyn Kind) {
    let (log, mut source) = (kind.open(), Source::new());
    source.append(&*log, 3);
    assert_eq!(log.append(3, &Group::default()).unwrap(), Appended::Durable(3));
    source.compare(&*log);
}

fn another_base_moves_on_and_changes_nothing(kind: &mut dyn Kind) {
    let (log, mut source) = (kind.open(), Source::new());
    source.append(&*log, 5);
    // Groups as another writer would build them, which knows more or less of the log.
    for base in [0, 2, 4, 6, 500] {
        let mut writer = ChunkWriter::new(base, Vec::new());
        writer.push(3, true, |buffer| buffer.put_slice(b"new"));
        assert_eq!(log.append(base, &writer.finish()).unwrap(), Appended::MovedOn(5), "at {base}");
        source.compare(&*log);
    }
    source.append(&*log, 2);
    source.compare(&*log);
}

fn a_read_begins_with_the_chunk_that_holds_it(kind: &mut dyn Kind) {
    let (log, mut source) = (kind.open(), Source::new());
    for leaves in [1, 3, MANY, 2] {
        source.append(&*log, leaves);
    }
    for from in 0..source.size() {
        let [chunk] = log.read(from, 1).unwrap().try_into().unwrap();
        assert!(chunk.first() <= from && from < chunk.next(), "from {from}");
        let place = usize::try_from(chunk.first()).unwrap();
        let expected = &source.leaves[place..usize::try_from(chunk.next()).unwrap()];
        assert_eq!(leaves(&[chunk]), expected, "from {from}");
    }
}

fn a_read_ends_once_its_bytes_are_reached(kind: &mut dyn Kind) {
    let (log, mut source) = (kind.open(), Source::new());
    for leaves in [1, 3, MANY, 2] {
        source.append(&*log, leaves);
    }
    let all = log.read(0, usize::MAX).unwrap();
    let mut sum = 0;
    for count in 1..=all.len() {
        let before = sum;
        sum += all[count - 1].bytes().len();
        for bytes in [before + 1, sum] {
            assert_eq!(log.read(0, bytes).unwrap().len(), count, "{bytes} bytes");
        }
    }
    assert_eq!(log.read(0, sum + 1).unwrap().len(), all.len());
    assert_eq!(log.read(0, 0).unwrap().len(), 1, "a read that asks for nothing still goes on");
}

fn a_read_past_the_end_is_empty(kind: &mut dyn Kind) {
    let (log, mut source) = (kind.open(), Source::new());
    source.append(&*log, 4);
    for from in [4, 5, 1 << 40, u64::MAX] {
        assert!(log.read(from, usize::MAX).unwrap().is_empty(), "from {from}");
    }
}

fn completed_blocks_of_hashes_are_kept(kind: &mut dyn Kind) {
    let (log, mut source) = (kind.open(), Source::new());
    source.append(&*log, BLOCK - 1);
    assert_eq!(log.hashes(0).unwrap(), None);
    source.append(&*log, 1);
    assert_eq!(source.blocks.len(), 1, "a block that ends with a commit");
    source.append(&*log, MANY);
    assert_eq!(source.blocks.len(), 3);
    source.compare(&*log);
    for first in [1, BLOCK as u64 - 1, source.size(), u64::MAX] {
        assert_eq!(log.hashes(first).unwrap(), None, "no block begins at {first}");
    }
}

fn readers_never_see_part_of_a_group(kind: &mut dyn Kind) {
    let (log, mut source) = (kind.open(), Source::new());
    let reader = Arc::clone(&log);
    let reading = thread::spawn(move || {
        let (mut size, end) = (0, 5 * (MANY as u64 + 1));
        while size < end {
            let now = reader.size();
            assert!(now >= size, "the log became shorter");
            size = now;
            let chunks = reader.read(0, usize::MAX).unwrap();
            assert!(leaves(&chunks).len() as u64 >= size, "what is durable can be read");
            assert!(chunks.last().is_none_or(Chunk::ends_commit), "part of a commit is shown");
        }
    });
    for _ in 0..5 {
        source.append(&*log, MANY);
        source.append(&*log, 1);
    }
    reading.join().unwrap();
}

fn a_failed_append_acknowledges_nothing(kind: &mut dyn Kind) {
    let (log, mut source) = (kind.open(), Source::new());
    source.append(&*log, 7);
    if !kind.fail_next() {
        return;
    }
    let mut writer = ChunkWriter::new(7, Vec::new());
    for left in (0..MANY).rev() {
        writer.push(200, left == 0, |buffer| buffer.put_bytes(7, 200));
    }
    log.append(7, &writer.finish()).unwrap_err();
    source.compare(&*log);
    drop(log);
    // Unknown is: all of it or nothing. These fail before the last value is written, so it is
    // nothing.
    let log = kind.open();
    source.compare(&*log);
    source.append(&*log, 2);
    source.compare(&*log);
}

fn a_log_keeps_the_highest_format_asked_for(kind: &mut dyn Kind) {
    let (mut log, mut source) = (kind.open(), Source::new());
    source.append(&*log, 3);
    for format in [0, FORMAT_BEGUN, FORMAT_KNOWN, FORMAT_BEGUN, 0, FORMAT_KNOWN] {
        let before = kind.format();
        source.writer.require_format(format);
        source.append(&*log, 2);
        // A group that needs nothing new follows in the same process.
        source.append(&*log, 1);
        drop(log);
        log = kind.open();
        source.compare(&*log);
        assert_eq!(kind.format().max(FORMAT_BEGUN), before.max(format).max(FORMAT_BEGUN));
    }
}

fn a_log_goes_on_after_an_append_that_only_raised_its_format(kind: &mut dyn Kind) {
    let (log, mut source) = (kind.open(), Source::new());
    source.append(&*log, 3);
    if !kind.fail_next() {
        return;
    }
    let mut writer = ChunkWriter::new(3, Vec::new());
    for left in (0..MANY).rev() {
        writer.push(200, left == 0, |buffer| buffer.put_bytes(7, 200));
    }
    writer.require_format(FORMAT_KNOWN);
    log.append(3, &writer.finish()).unwrap_err();
    drop(log);
    let log = kind.open();
    source.compare(&*log);
    source.append(&*log, 2);
    source.writer.require_format(FORMAT_KNOWN);
    source.append(&*log, 1);
    drop(log);
    source.compare(&*kind.open());
    assert_eq!(kind.format(), FORMAT_KNOWN);
}

fn a_mark_changes_nothing_and_is_found_again(kind: &mut dyn Kind) {
    let (log, mut source) = (kind.open(), Source::new());
    let mut marked: Option<(u64, Hash)> = None;
    for leaves in [3, MANY, 1] {
        source.append(&*log, leaves);
        let mark = (source.size(), source.frontier.root());
        log.mark(mark.0, mark.1).unwrap();
        source.compare(&*log);
        marked = Some(mark);
    }
    // The mark may lag behind the log.
    source.append(&*log, 2);
    drop(log);
    source.compare(&*kind.open());
    assert_eq!(kind.marked(), marked);
}

fn a_reopen_finds_the_same_and_goes_on(kind: &mut dyn Kind) {
    let mut source = Source::new();
    let mut id = None;
    for leaves in [2, MANY, 0, 1] {
        let log = kind.open();
        assert_eq!(*id.get_or_insert(log.id()), log.id(), "another history");
        source.compare(&*log);
        if leaves > 0 {
            source.append(&*log, leaves);
        }
    }
    source.compare(&*kind.open());
}
