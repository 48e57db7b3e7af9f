//! The chunk codec: the one home of the format in which events are stored.
//!
//! A chunk is a value of the store:
//!
//! ```text
//! offset  bytes  field
//!      0      1  version: 2 if the chunk holds a withheld place, 1 otherwise
//!      1      1  flags; bit 0: the last event ends a commit
//!      2      2  count of events, little-endian, at least 1
//!      4      8  position of the first event, little-endian
//!     12      4  CRC-32C of the 12 bytes above and of the run, little-endian
//!     16      …  the run: per event 0x0A, its length (varint), the leaf;
//!                for a withheld place 0x1A, the length, the `Withheld`
//! ```
//!
//! A stream sends a run of leaves as it is: field 1 of a batch, repeated. This file decodes neither
//! a leaf nor a withheld place.

mod found;

use bytes::{BufMut, Bytes, BytesMut};

pub use self::found::whole_chunks;
use super::{FORMAT_SECOND, Group, HashBlock, LogError};
use crate::{
    limits::{CHUNK_BYTES_MAX, CHUNK_EVENTS_MAX, HASHES_PER_BLOCK, LEAF_BYTES_MAX},
    merkle,
    protocol::batch::{Frame, LEAF_KEY, WITHHELD_KEY},
};

/// Version of a chunk that holds leaves alone.
const LEAVES_ONLY: u8 = 1;
/// Version of a chunk with a withheld place, and the newest one known.
const WITH_WITHHELD: u8 = 2;
const ENDS_COMMIT: u8 = 1;
const HEADER: usize = 16;
const CRC_AT: usize = 12;
/// A leaf's key and length: 1 byte and, below 16 KiB, at most 2.
const FRAME_MAX: usize = 3;

const _: () = assert!(HEADER + FRAME_MAX + LEAF_BYTES_MAX <= CHUNK_BYTES_MAX);
const _: () = assert!(LEAF_BYTES_MAX < 1 << 14 && CHUNK_EVENTS_MAX < 1 << 16);

/// Consecutive events as they are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    first: u64,
    count: u16,
    ends_commit: bool,
    bytes: Bytes,
}

impl Chunk {
    /// Reads a stored chunk and checks everything except the content of leaves.
    ///
    /// # Errors
    /// [`LogError::Damaged`] at `first`, the position under which it was stored;
    /// [`LogError::TooNew`].
    pub fn decode(first: u64, bytes: Bytes) -> Result<Self, LogError> {
        let damaged = |detail: &str| LogError::damaged(first, detail);
        let Some((header, run)) = bytes.split_first_chunk::<HEADER>() else {
            return Err(damaged("a chunk is shorter than its header"));
        };
        let [version, flags, c0, c1, position @ .., r0, r1, r2, r3] = *header;
        if version > WITH_WITHHELD {
            let (found, known) = (u16::from(version), u16::from(WITH_WITHHELD));
            return Err(LogError::TooNew { found, known });
        }
        if checksum(header, run) != u32::from_le_bytes([r0, r1, r2, r3]) {
            return Err(damaged("a chunk's checksum does not match its content"));
        }
        let count = u16::from_le_bytes([c0, c1]);
        if u64::from_le_bytes(position) != first || first.checked_add(count.into()).is_none() {
            return Err(damaged("a chunk has the position of another one"));
        }
        // From here on a chunk has one encoding only: the stored bytes are the sent bytes are the
        // hashed bytes.
        if version < LEAVES_ONLY || flags & !ENDS_COMMIT != 0 {
            return Err(damaged("a chunk has a header that no version writes"));
        }
        let Some((frames, version_held)) = frames(run) else {
            return Err(damaged("a chunk does not hold the events that its header states"));
        };
        if count == 0 || frames != u64::from(count) {
            return Err(damaged("a chunk does not hold the events that its header states"));
        }
        if version != version_held {
            return Err(damaged("a chunk has the version of another content"));
        }
        Ok(Self { first, count, ends_commit: flags & ENDS_COMMIT != 0, bytes })
    }

    /// Position of the first event.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.first
    }

    /// One more than the position of the last event.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.first + u64::from(self.count)
    }

    /// True if the last event ends a commit.
    #[must_use]
    pub fn ends_commit(&self) -> bool {
        self.ends_commit
    }

    /// True if one of its places is withheld. Otherwise its run is a run of leaves.
    #[must_use]
    pub fn has_withheld(&self) -> bool {
        self.bytes.first() == Some(&WITH_WITHHELD)
    }

    /// The stored value.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The run of framed leaves and withheld places.
    #[must_use]
    pub fn run(&self) -> Bytes {
        self.bytes.slice(HEADER..)
    }

    /// The leaves with their positions and the place of each frame in [`Chunk::run`].
    pub fn leaves(&self) -> Leaves {
        Leaves { run: self.run(), at: 0, position: self.first }
    }

    /// The part of the run that holds the events of `from..to`.
    #[must_use]
    pub fn slice(&self, from: u64, to: u64) -> Bytes {
        if from <= self.first && self.next() <= to {
            return self.run();
        }
        let (mut start, mut end) = (None, 0);
        for leaf in self.leaves().filter(|leaf| (from..to).contains(&leaf.position)) {
            start.get_or_insert(leaf.frame.start);
            end = leaf.frame.end;
        }
        start.map_or_else(Bytes::new, |start| self.run().slice(start..end))
    }
}

fn checksum(header: &[u8; HEADER], run: &[u8]) -> u32 {
    let (covered, _) = header.split_at(CRC_AT);
    crc32c::crc32c_append(crc32c::crc32c(covered), run)
}

/// The first frame of a run: its key, and the lengths of key and length and of what follows them.
fn frame(run: &[u8]) -> Option<(u8, usize, usize)> {
    let (key, prefix, length) = match *run {
        [key, short, ..] if short < 0x80 => (key, 2, usize::from(short)),
        // A second byte of 0 would be another encoding of a length that one byte holds.
        [key, low, high @ 1..0x80, ..] => {
            (key, 3, usize::from(low & 0x7F) | usize::from(high) << 7)
        }
        _ => return None,
    };
    let is_known = key == LEAF_KEY || key == WITHHELD_KEY;
    let fits = is_known && length <= LEAF_BYTES_MAX && prefix + length <= run.len();
    fits.then_some((key, prefix, length))
}

/// Number of frames in a run, and the version of a chunk that holds them; `None` if it holds
/// anything else.
fn frames(mut run: &[u8]) -> Option<(u64, u8)> {
    let (mut count, mut version) = (0, LEAVES_ONLY);
    while !run.is_empty() {
        let (key, prefix, length) = frame(run)?;
        run = run.get(prefix + length..)?;
        count += 1;
        if key == WITHHELD_KEY {
            version = WITH_WITHHELD;
        }
    }
    Some((count, version))
}

/// One leaf inside a chunk, or a withheld place.
#[derive(Clone, Debug)]
pub struct LeafAt {
    /// Its position.
    pub position: u64,
    /// True if its bytes are a `Withheld` in the place of a leaf. Their hash is not the leaf's.
    pub withheld: bool,
    /// Its bytes, shared with the chunk.
    pub bytes: Bytes,
    /// The same with key and length before them, as in a run.
    pub framed: Bytes,
    /// Their range in the run.
    pub frame: std::ops::Range<usize>,
}

impl LeafAt {
    /// The same without its place.
    #[must_use]
    pub fn as_frame(&self) -> Frame {
        Frame { withheld: self.withheld, bytes: self.bytes.clone() }
    }
}

/// Iterates over the leaves of a chunk. Their number is the stated one, because the chunk was
/// decoded or packed here.
pub struct Leaves {
    run: Bytes,
    at: usize,
    position: u64,
}

impl Leaves {
    /// The leaves of a run that may not be consecutive; positions count from 0.
    #[must_use]
    pub fn of(run: Bytes) -> Self {
        Self { run, at: 0, position: 0 }
    }
}

impl Iterator for Leaves {
    type Item = LeafAt;

    fn next(&mut self) -> Option<LeafAt> {
        let (key, prefix, length) = frame(self.run.get(self.at..)?)?;
        let (start, end) = (self.at + prefix, self.at + prefix + length);
        let position = self.position;
        let leaf = LeafAt {
            position,
            withheld: key == WITHHELD_KEY,
            bytes: self.run.slice(start..end),
            framed: self.run.slice(self.at..end),
            frame: self.at..end,
        };
        self.at = end;
        self.position += 1;
        Some(leaf)
    }
}

/// Packs leaves into chunks and collects their hashes, for one group.
#[derive(Debug)]
pub struct ChunkWriter {
    group: Group,
    open: BytesMut,
    first: u64,
    next: u64,
    ends_commit: bool,
    /// Version of the open chunk.
    version: u8,
    /// Hashes of the block that is not complete yet; carried from group to group.
    block: Vec<merkle::Hash>,
}

impl ChunkWriter {
    /// A writer for a log of `size` events. `block` holds the leaf hashes since the last complete
    /// block.
    #[must_use]
    pub fn new(size: u64, block: Vec<merkle::Hash>) -> Self {
        Self {
            group: Group::default(),
            open: BytesMut::new(),
            first: size,
            next: size,
            ends_commit: true,
            version: LEAVES_ONLY,
            block,
        }
    }

    /// The position that the next leaf gets.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Adds a leaf of `length` bytes, which `encode` writes, and gives its hash.
    ///
    /// The length must be what `encode` writes and at most [`LEAF_BYTES_MAX`].
    pub fn push(
        &mut self,
        length: usize,
        ends_commit: bool,
        encode: impl FnOnce(&mut BytesMut),
    ) -> merkle::Hash {
        assert!(length <= LEAF_BYTES_MAX, "a leaf of {length} bytes passed the edge");
        self.begin_frame(LEAF_KEY, length);
        let start = self.open.len();
        encode(&mut self.open);
        assert_eq!(self.open.len() - start, length, "a leaf's announced length is wrong");
        let leaf = self.open.get(start..).unwrap_or_default();
        let hash = merkle::leaf_hash(leaf);
        self.end_frame(hash, ends_commit);
        hash
    }

    /// Adds a withheld place: the encoded `Withheld`, and the hash of the leaf that was there.
    ///
    /// It has at most [`LEAF_BYTES_MAX`] bytes.
    pub fn push_withheld(&mut self, withheld: &[u8], leaf_hash: merkle::Hash, ends_commit: bool) {
        let length = withheld.len();
        assert!(length <= LEAF_BYTES_MAX, "a withheld place of {length} bytes");
        self.require_format(FORMAT_SECOND);
        self.begin_frame(WITHHELD_KEY, length);
        self.version = WITH_WITHHELD;
        self.open.put_slice(withheld);
        self.end_frame(leaf_hash, ends_commit);
    }

    /// Adds the leaf or withheld place of another copy of the log, whose hash is known.
    pub fn push_frame(&mut self, frame: &Frame, hash: merkle::Hash, ends_commit: bool) {
        if frame.withheld {
            return self.push_withheld(&frame.bytes, hash, ends_commit);
        }
        self.begin_frame(LEAF_KEY, frame.bytes.len());
        self.open.put_slice(&frame.bytes);
        self.end_frame(hash, ends_commit);
    }

    /// Notes that a leaf of this group needs a log of this format.
    pub fn require_format(&mut self, format: u16) {
        self.group.format = self.group.format.max(format);
    }

    /// Writes the key and the length of the next frame, in a new chunk if the open one is full.
    fn begin_frame(&mut self, key: u8, length: usize) {
        let full = self.open.len() + FRAME_MAX + length > CHUNK_BYTES_MAX
            || self.next - self.first >= CHUNK_EVENTS_MAX as u64;
        if full {
            self.close();
        }
        if self.open.is_empty() {
            // A chunk after a full one is likely to be full as well.
            let expected = if full { CHUNK_BYTES_MAX } else { HEADER + FRAME_MAX + length };
            self.open.reserve(expected);
            self.open.put_bytes(0, HEADER);
        }
        self.open.put_u8(key);
        prost::encoding::encode_varint(length as u64, &mut self.open);
    }

    fn end_frame(&mut self, hash: merkle::Hash, ends_commit: bool) {
        self.next += 1;
        self.ends_commit = ends_commit;
        self.collect(hash);
    }

    fn collect(&mut self, hash: merkle::Hash) {
        self.block.push(hash);
        if self.block.len() == HASHES_PER_BLOCK {
            let hashes = std::mem::take(&mut self.block);
            self.group
                .blocks
                .push(HashBlock { first: self.next - HASHES_PER_BLOCK as u64, hashes });
        }
    }

    fn close(&mut self) {
        let Ok(count) = u16::try_from(self.next - self.first) else { return };
        if count == 0 {
            return;
        }
        let mut bytes = self.open.split();
        if let Some((header, run)) = bytes.split_first_chunk_mut::<HEADER>() {
            let [c0, c1] = count.to_le_bytes();
            let [p0, p1, p2, p3, p4, p5, p6, p7] = self.first.to_le_bytes();
            let flags = if self.ends_commit { ENDS_COMMIT } else { 0 };
            let version = self.version;
            *header = [version, flags, c0, c1, p0, p1, p2, p3, p4, p5, p6, p7, 0, 0, 0, 0];
            let [r0, r1, r2, r3] = checksum(header, run).to_le_bytes();
            *header = [version, flags, c0, c1, p0, p1, p2, p3, p4, p5, p6, p7, r0, r1, r2, r3];
        }
        let chunk = Chunk {
            first: self.first,
            count,
            ends_commit: self.ends_commit,
            bytes: bytes.freeze(),
        };
        self.group.chunks.push(chunk);
        self.first = self.next;
        self.version = LEAVES_ONLY;
    }

    /// Ends the group and begins the next one.
    pub fn finish(&mut self) -> Group {
        self.close();
        std::mem::take(&mut self.group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(leaves: &[&[u8]]) -> Group {
        let mut writer = ChunkWriter::new(5, Vec::new());
        for (i, leaf) in leaves.iter().enumerate() {
            writer.push(leaf.len(), i + 1 == leaves.len(), |buf| buf.put_slice(leaf));
        }
        writer.finish()
    }

    #[test]
    fn golden_bytes_of_version_1() {
        let group = write(&[b"one", b""]);
        let [chunk] = group.chunks.as_slice() else { panic!("one chunk") };
        let mut expected = vec![1, 1, 2, 0, 5, 0, 0, 0, 0, 0, 0, 0];
        // CRC-32C computed bit by bit, independently of the crate.
        expected.extend([0xE9, 0xD7, 0x43, 0x42]);
        expected.extend([0x0A, 3, b'o', b'n', b'e', 0x0A, 0]);
        assert_eq!(chunk.bytes().as_ref(), expected.as_slice());
    }

    #[test]
    fn golden_bytes_of_version_2() {
        let mut writer = ChunkWriter::new(5, Vec::new());
        writer.push(3, false, |buf| buf.put_slice(b"one"));
        writer.push_withheld(b"gone", [9; 32], true);
        let group = writer.finish();
        let [chunk] = group.chunks.as_slice() else { panic!("one chunk") };
        assert_eq!(chunk.bytes()[..12], [2, 1, 2, 0, 5, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(chunk.run().as_ref(), b"\x0A\x03one\x1A\x04gone");
        assert!(chunk.has_withheld() && group.format == FORMAT_SECOND);
        let read = Chunk::decode(5, chunk.bytes().clone()).unwrap();
        let withheld: Vec<_> = read.leaves().map(|leaf| leaf.withheld).collect();
        assert_eq!((read, withheld), (chunk.clone(), vec![false, true]));
        // The next chunk holds leaves alone and has the first version again.
        writer.push(3, true, |buf| buf.put_slice(b"two"));
        let group = writer.finish();
        assert_eq!((group.chunks[0].has_withheld(), group.format), (false, 0));
    }

    #[test]
    fn a_version_of_another_content_is_refused() {
        let mut writer = ChunkWriter::new(5, Vec::new());
        writer.push_withheld(b"gone", [9; 32], true);
        let withheld = writer.finish().chunks[0].bytes().clone();
        let leaf = write(&[b"one"]).chunks[0].bytes().clone();
        for (bytes, version) in [(withheld, LEAVES_ONLY), (leaf, WITH_WITHHELD)] {
            let mut bytes = bytes.to_vec();
            bytes[0] = version;
            let header: [u8; HEADER] = bytes[..HEADER].try_into().unwrap();
            let crc = checksum(&header, &bytes[HEADER..]).to_le_bytes();
            bytes[CRC_AT..HEADER].copy_from_slice(&crc);
            let error = Chunk::decode(5, bytes.into()).unwrap_err();
            assert!(error.to_string().contains("version of another content"), "{error}");
        }
    }

    #[test]
    fn a_chunk_reads_back_and_slices_by_position() {
        let long = vec![7_u8; 200];
        let group = write(&[b"a", &long, b"c"]);
        let chunk = Chunk::decode(5, group.chunks[0].bytes().clone()).unwrap();
        let leaves: Vec<_> = chunk.leaves().map(|leaf| (leaf.position, leaf.bytes)).collect();
        assert_eq!(leaves.len(), 3);
        assert_eq!(leaves[1], (6, Bytes::from(long)));
        assert_eq!(chunk.slice(7, 99).as_ref(), [0x0A, 1, b'c']);
        assert_eq!(chunk.slice(0, 6).as_ref(), [0x0A, 1, b'a']);
        assert_eq!(chunk.slice(0, 99), chunk.run());
        assert!(chunk.slice(8, 99).is_empty());
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        let group = write(&[b"one", b"two"]);
        let good = group.chunks[0].bytes();
        for byte in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.to_vec();
                bad[byte] ^= 1 << bit;
                assert!(Chunk::decode(5, bad.into()).is_err(), "byte {byte}, bit {bit}");
            }
        }
        assert!(Chunk::decode(6, good.clone()).is_err(), "another place");
        for length in 0..good.len() {
            assert!(Chunk::decode(5, good.slice(..length)).is_err(), "cut to {length}");
        }
    }

    #[test]
    fn a_group_splits_into_chunks_under_the_bound_and_flags_only_its_end() {
        let leaf = vec![1_u8; 1_000];
        let group = write(&vec![leaf.as_slice(); 300]);
        assert!(group.chunks.len() > 40);
        let mut next = 5;
        for chunk in &group.chunks {
            assert_eq!(chunk.first(), next);
            assert!(chunk.bytes().len() <= CHUNK_BYTES_MAX);
            next = chunk.next();
        }
        assert_eq!(next, 305);
        let flags: Vec<_> = group.chunks.iter().map(Chunk::ends_commit).collect();
        assert_eq!(flags.iter().filter(|end| **end).count(), 1);
        assert_eq!(flags.last(), Some(&true));
        assert_eq!(group.blocks.len(), 2);
    }
}
