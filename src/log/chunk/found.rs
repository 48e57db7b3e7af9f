//! Finds chunks in the bytes of a file, wherever they begin. Their checksums tell them from the
//! rest.

use std::ops::Range;

use super::{ENDS_COMMIT, HEADER, LEAVES_ONLY, WITH_WITHHELD, checksum, frame};

/// The positions of each whole chunk in some bytes, in the order in which they lie there. A copy
/// that nothing refers to any more is among them.
pub fn whole_chunks(bytes: &[u8]) -> impl Iterator<Item = Range<u64>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while let Some(rest) = bytes.get(at..).filter(|rest| rest.len() > HEADER) {
            if let Some((positions, length)) = first(rest) {
                at += length;
                return Some(positions);
            }
            at += 1;
        }
        None
    })
}

/// The positions and the length of the chunk with which some bytes begin.
fn first(bytes: &[u8]) -> Option<(Range<u64>, usize)> {
    let (header, rest) = bytes.split_first_chunk::<HEADER>()?;
    let [version, flags, c0, c1, position @ .., r0, r1, r2, r3] = *header;
    // Most bytes are no chunk, and these two tell soonest.
    if !(LEAVES_ONLY..=WITH_WITHHELD).contains(&version) || flags & !ENDS_COMMIT != 0 {
        return None;
    }
    let count = u16::from_le_bytes([c0, c1]);
    let mut length = 0;
    for _ in 0..count {
        let (_, prefix, content) = frame(rest.get(length..)?)?;
        length += prefix + content;
    }
    let is_whole =
        count > 0 && checksum(header, rest.get(..length)?).to_le_bytes() == [r0, r1, r2, r3];
    let first = u64::from_le_bytes(position);
    let end = first.checked_add(count.into()).filter(|_| is_whole)?;
    Some((first..end, HEADER + length))
}

#[cfg(test)]
mod tests {
    use bytes::BufMut as _;

    use super::{super::ChunkWriter, *};

    fn chunk(first: u64, events: usize) -> Vec<u8> {
        let mut writer = ChunkWriter::new(first, Vec::new());
        for event in 0..events {
            writer.push(event + 1, true, |buffer| buffer.put_bytes(b'x', event + 1));
        }
        writer.finish().chunks.remove(0).bytes().to_vec()
    }

    #[test]
    fn whole_chunks_are_found_anywhere_and_damaged_ones_are_not() {
        let (one, other) = (chunk(7, 3), chunk(1 << 40, 1));
        let bytes = [&[1, 0, 0, 0, 1][..], &one, &[1, 1], &other, &[0; 40]].concat();
        let found = |bytes: &[u8]| whole_chunks(bytes).collect::<Vec<_>>();
        assert_eq!(found(&bytes), [7..10, 1 << 40..(1 << 40) + 1]);
        assert!(found(&[]).is_empty());
        for length in 0..one.len() {
            assert!(found(&one[..length]).is_empty(), "{length} bytes of it");
        }
        for bit in 0..one.len() * 8 {
            let mut flipped = one.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(found(&flipped).is_empty(), "bit {bit}");
        }
    }
}
