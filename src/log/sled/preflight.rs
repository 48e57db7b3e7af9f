//! Checks the store's file before the store opens it, so that a failed recovery does not destroy
//! the evidence.
//!
//! The store numbers its log by bytes and keeps it in segments of 512 KiB, in any order in the
//! file. Each begins with:
//!
//! ```text
//! offset  bytes  field
//!      0      4  CRC-32 of the 16 bytes below, all bits inverted, little-endian
//!      4      8  number of its first byte, XOR 2⁶³ − 1, little-endian
//!     12      8  number of the last byte known to be stable then, XOR 2⁶³ − 1, little-endian
//! ```
//!
//! The store takes the highest of these claims and looks for the segment that holds it. If there is
//! none, it treats the log after its newest snapshot as empty, fills those segments with zeros and
//! opens without an error. A power loss cannot cause this. Under the cure of `sync_cure.rs` a claim
//! is true when it is written, and its segment is freed only once a higher claim exists. So the
//! file is damaged, and this check leaves it as it is.
//!
//! It also reads every byte: sled treats a failed read during recovery as the end of its log and
//! fills the rest with zeros. One unreadable block would cost everything after it.

use std::{
    fs,
    io::{self, Read as _},
    path::Path,
};

use super::store::{crc32, snapshot_position};
use crate::{files, log::LogError};

/// Size of a segment. The store refuses a file with any other.
const SEGMENT: u64 = 512 * 1024;
const HEADER: usize = 20;
const MASK: u64 = i64::MAX.cast_unsigned();

/// A segment that is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Segment {
    /// Number of its first byte.
    first: i64,
    /// Its claim: number of a stable byte; negative if it has none.
    stable: i64,
}

/// Checks that the store in `store_path` would recover everything that it claims. Changes nothing.
///
/// # Errors
/// [`LogError::Damaged`] if the store would treat its log as empty; [`LogError::Io`], also for an
/// unreadable byte.
pub(super) fn check(store_path: &Path) -> Result<(), LogError> {
    check_showing(store_path, &mut |_| ())
}

/// The same, and shows each segment, of which only the last may be shorter.
///
/// # Errors
/// As for [`check`].
pub(super) fn check_showing(
    store_path: &Path,
    show: &mut dyn FnMut(&[u8]),
) -> Result<(), LogError> {
    let failed = |e| LogError::io(format!("read {}", store_path.display()), e);
    read_small_files(store_path).map_err(failed)?;
    let covered = newest_snapshot(store_path).map_err(failed)?;
    let segments = read_segments(&store_path.join("db"), show).map_err(failed)?;
    match missing(&segments, covered) {
        None => Ok(()),
        Some(first) => {
            let detail = format!(
                "the store's segment {} is missing, though it had been stable; nothing was changed",
                first / SEGMENT.cast_signed()
            );
            Err(LogError::damaged(0, detail))
        }
    }
}

/// First byte of the segment that holds the highest claim, if that segment is missing. Segments
/// before the one of `covered` do not count: the snapshot lists their pages.
fn missing(segments: &[Segment], covered: i64) -> Option<i64> {
    let start_of = |number: i64| number - number.rem_euclid(SEGMENT.cast_signed());
    let from = start_of(covered);
    let read = || segments.iter().filter(|segment| segment.first >= from);
    let claim = read().map(|segment| segment.stable).max()?;
    let wanted = start_of(claim);
    let there = wanted < from || read().any(|segment| segment.first == wanted);
    (claim >= 0 && !there).then_some(wanted)
}

/// The position in the name of the newest snapshot; 0 if there is none.
fn newest_snapshot(store_path: &Path) -> io::Result<i64> {
    let mut newest = 0;
    for entry in fs::read_dir(store_path)? {
        newest = newest.max(snapshot_position(&entry?.path()).unwrap_or(0));
    }
    Ok(newest)
}

/// Reads the files beside the segments: the settings and the snapshots.
fn read_small_files(store_path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(store_path)? {
        let path = entry?.path();
        if path.is_file() && !path.ends_with("db") {
            io::copy(&mut files::open(&path)?, &mut io::sink())?;
        }
    }
    Ok(())
}

/// The segments of the file that have a valid header. Reads the whole file.
fn read_segments(file: &Path, show: &mut dyn FnMut(&[u8])) -> io::Result<Vec<Segment>> {
    let mut file = files::open(file)?;
    let mut segments = Vec::new();
    let mut segment = Vec::new();
    loop {
        segment.clear();
        (&mut file).take(SEGMENT).read_to_end(&mut segment)?;
        if segment.is_empty() {
            return Ok(segments);
        }
        show(&segment);
        segments.extend(segment.first_chunk::<HEADER>().and_then(decode));
    }
}

fn decode(header: &[u8; HEADER]) -> Option<Segment> {
    let (crc, content) = header.split_first_chunk::<4>()?;
    let (first, stable) = content.split_first_chunk::<8>()?;
    let stable = stable.first_chunk::<8>()?;
    let number = |bytes: &[u8; 8]| (u64::from_le_bytes(*bytes) ^ MASK).cast_signed();
    let segment = Segment { first: number(first), stable: number(stable) };
    let valid = !crc32(content) == u32::from_le_bytes(*crc);
    (valid && segment.first >= 0).then_some(segment)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: i64 = SEGMENT.cast_signed();

    fn encode(segment: Segment) -> [u8; HEADER] {
        let mut header = [0; HEADER];
        header[4..12].copy_from_slice(&(segment.first.cast_unsigned() ^ MASK).to_le_bytes());
        header[12..].copy_from_slice(&(segment.stable.cast_unsigned() ^ MASK).to_le_bytes());
        let crc = !crc32(&header[4..]);
        header[..4].copy_from_slice(&crc.to_le_bytes());
        header
    }

    #[test]
    fn headers_decode_and_a_flipped_bit_is_seen() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926, "the check value of CRC-32");
        for segment in
            [Segment { first: 3 * SIZE, stable: 2 * SIZE + 7 }, Segment { first: 0, stable: -1 }]
        {
            let header = encode(segment);
            assert_eq!(decode(&header), Some(segment));
            for bit in 0..HEADER * 8 {
                let mut bad = header;
                bad[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(decode(&bad), None, "bit {bit}");
            }
        }
        assert_eq!(decode(&[0; HEADER]), None);
    }

    #[test]
    fn a_claim_needs_its_segment_unless_a_snapshot_covers_it() {
        let segment = |number: i64, stable: i64| Segment { first: number * SIZE, stable };
        let log = [segment(0, -1), segment(1, SIZE - 1), segment(2, 2 * SIZE - 1)];
        assert_eq!(missing(&[], 0), None, "an empty store");
        assert_eq!(missing(&log, 0), None);
        assert_eq!(missing(&log[..1], 0), None, "it claims nothing");
        assert_eq!(missing(&[log[0], log[2]], 0), Some(SIZE));
        assert_eq!(missing(&[log[0], log[2]], 2 * SIZE + 5), None, "freed, and the snapshot knows");
        assert_eq!(missing(&[log[0], log[2]], SIZE + 5), Some(SIZE));
        assert_eq!(missing(&log, 3 * SIZE), None, "the snapshot ends where a segment would begin");
    }

    /// A store of several segments without a snapshot after them, as a kill leaves it.
    fn store(path: &Path) {
        let open = || sled::Config::new().path(path).flush_every_ms(None).open().unwrap();
        let store = open();
        for i in 0..400_u32 {
            store.insert(i.to_be_bytes(), vec![7; 6_000]).unwrap();
            store.flush().unwrap();
        }
    }

    #[test]
    fn the_store_wipes_itself_without_this_check_and_is_left_alone_with_it() {
        let dir = tempfile::tempdir().unwrap();
        store(dir.path());
        check(dir.path()).unwrap();
        let file = dir.path().join("db");
        let segments = read_segments(&file, &mut |_| ()).unwrap();
        let claim = segments.iter().map(|segment| segment.stable).max().unwrap();
        assert!(claim > SIZE, "the store has segments enough");
        let mut bytes = fs::read(&file).unwrap();
        let headers = (0..bytes.len()).step_by(usize::try_from(SEGMENT).unwrap());
        let mut holders = headers.filter(|at| {
            let header = bytes[*at..*at + HEADER].try_into().unwrap();
            decode(&header).is_some_and(|segment| segment.first == claim - claim % SIZE)
        });
        let holder = holders.next().unwrap();
        bytes[holder] ^= 1;
        fs::write(&file, &bytes).unwrap();

        let error = check(dir.path()).unwrap_err();
        assert!(error.to_string().contains("nothing was changed"), "{error}");
        assert_eq!(fs::read(&file).unwrap(), bytes);

        // sled wipes itself: the reason for this check. If it ever stops, remove the check.
        let opened = sled::Config::new().path(dir.path()).open().unwrap();
        assert!(opened.is_empty());
        drop(opened);
        let wiped = fs::read(&file).unwrap();
        assert!(wiped.iter().filter(|byte| **byte == 7).count() < 1_000_000, "it is gone for good");
    }
}
