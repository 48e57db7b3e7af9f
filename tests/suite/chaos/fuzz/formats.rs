//! What is stored and what is archived. The checksums of most inputs are made to fit, or nothing
//! behind them would be reached.

use std::sync::Arc;

use bytes::{BufMut as _, Bytes};
use fastrand::Rng;
use parking_lot::Mutex;
use tidu::{
    archive::{
        LogBuilder,
        format::{Form, Header, Reader, Writer},
    },
    catalogue_files::CatalogueFiles,
    ledger::{Ledger, place::leaf_hash},
    limits::LEAF_BYTES_MAX,
    log::{Chunk, ChunkWriter, CommitLog as _},
    merkle::Frontier,
    protocol::batch::Frame,
};

use super::{corpus, fuzz, mutate::mutate, protobuf::mutate_message, two};
use crate::support::{Hands, MemoryLog, open};

const CHUNK_HEADER: usize = 16;
const ARCHIVE_HEADER: usize = 76;

/// Makes the checksum of a chunk fit, and gives the position that it names.
fn seal_chunk(bytes: &mut [u8]) -> u64 {
    if bytes.len() < CHUNK_HEADER {
        return 0;
    }
    let crc = crc32c::crc32c_append(crc32c::crc32c(&bytes[..12]), &bytes[CHUNK_HEADER..]);
    bytes[12..CHUNK_HEADER].copy_from_slice(&crc.to_le_bytes());
    u64::from_le_bytes(bytes[4..12].try_into().unwrap())
}

/// Decodes a chunk. What decodes must say the same when it is written again. True if it decodes.
fn check_chunk(random: &mut Rng, first: u64, bytes: Vec<u8>) -> bool {
    let bytes = Bytes::from(bytes);
    let Ok(chunk) = Chunk::decode(first, bytes.clone()) else { return false };
    let leaves: Vec<_> = chunk.leaves().collect();
    assert_eq!(first + leaves.len() as u64, chunk.next(), "as many leaves as it says");
    let mut writer = ChunkWriter::new(first, Vec::new());
    for leaf in &leaves {
        let ends = chunk.ends_commit() && leaf.position + 1 == chunk.next();
        if leaf.withheld {
            writer.push_withheld(&leaf.bytes, [0; 32], ends);
        } else {
            writer.push(leaf.bytes.len(), ends, |buffer| buffer.put_slice(&leaf.bytes));
        }
    }
    let group = writer.finish();
    if let [again] = group.chunks.as_slice() {
        assert_eq!(again.bytes(), &bytes, "another chunk says the same");
    }
    let runs: Vec<_> = group.chunks.iter().map(Chunk::run).collect();
    assert_eq!(runs.concat(), chunk.run(), "another run says the same");
    let mut bound = || first.saturating_add(random.u64(0..=leaves.len() as u64 + 1));
    let (from, to) = (bound(), bound());
    let within = leaves.iter().filter(|leaf| (from..to).contains(&leaf.position));
    let within: Vec<_> = within.map(|leaf| leaf.framed.clone()).collect();
    assert_eq!(chunk.slice(from, to), within.concat(), "the slice {from}..{to}");
    true
}

#[test]
fn a_chunk_of_any_bytes_is_refused_or_has_one_encoding() {
    let corpus = corpus("chunk");
    for (name, bytes) in &corpus {
        let mut sealed = bytes.clone();
        let first = seal_chunk(&mut sealed);
        assert_eq!(&sealed, bytes, "{name}: its checksum");
        let decodes = check_chunk(&mut Rng::with_seed(0), first, sealed);
        assert_eq!(decodes, !name.starts_with("found-"), "{name}");
    }
    let fixed = fuzz("chunk", 8_000, |random| {
        let (input, donor) = two(random, &corpus);
        let mut bytes = mutate(random, input, donor);
        let first = match random.u8(0..8) {
            0 => random.u64(0..3),
            _ => seal_chunk(&mut bytes),
        };
        [usize::from(check_chunk(random, first, bytes))]
    });
    let [decoded] = fixed.sums;
    assert!(decoded * 100 >= fixed.cases, "nothing gets past the checksum");
}

/// Reads a whole archive.
fn read_archive(bytes: &[u8]) -> Option<(Header, Vec<Frame>)> {
    let mut reader = Reader::open(bytes).ok()?;
    let mut frames = Vec::new();
    while let Some(frame) = reader.frame().ok()? {
        frames.push(frame);
    }
    Some((*reader.header(), frames))
}

fn write_archive(header: &Header, frames: &[Frame]) -> Vec<u8> {
    let mut writer = Writer::begin(Vec::new(), header, Form::Plain).unwrap();
    frames.iter().for_each(|frame| writer.frame(frame).unwrap());
    writer.finish().unwrap()
}

/// Makes the checksums of an archive fit.
fn seal_archive(bytes: &mut [u8]) {
    let Some(end) = bytes.len().checked_sub(4).filter(|end| *end >= ARCHIVE_HEADER) else { return };
    let header = crc32c::crc32c(&bytes[..72]);
    bytes[72..ARCHIVE_HEADER].copy_from_slice(&header.to_le_bytes());
    let run = crc32c::crc32c(&bytes[ARCHIVE_HEADER..end]);
    bytes[end..].copy_from_slice(&run.to_le_bytes());
}

/// Changes one leaf as the message that it is; count and root are made to fit.
fn mutate_leaf(random: &mut Rng, input: &[u8], donor: &[u8]) -> Option<Vec<u8>> {
    let (header, mut leaves) = read_archive(input)?;
    let (_, donors) = read_archive(donor)?;
    if leaves.is_empty() || donors.is_empty() {
        return None;
    }
    let donor = &donors[random.usize(0..donors.len())].bytes;
    let at = random.usize(0..leaves.len());
    leaves[at].bytes = Bytes::from(mutate_message(random, &leaves[at].bytes, donor));
    if leaves[at].bytes.len() > LEAF_BYTES_MAX {
        return None;
    }
    let mut frontier = Frontier::default();
    for frame in &leaves {
        frontier.push(leaf_hash(0, frame).ok()?);
    }
    Some(write_archive(&Header { root: frontier.root(), ..header }, &leaves))
}

/// What became of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Read {
    Refused,
    /// Its bytes are an archive, its events are none.
    NotBelieved,
    Believed,
}

/// What reads has one encoding; and what the audit believes, a server starts on.
fn check_archive(catalogues: &CatalogueFiles, bytes: &[u8]) -> Read {
    let mut assembly = LogBuilder::checking(catalogues.clone());
    let read = assembly.archive("an archive", bytes);
    let believed = read.and_then(|()| assembly.finish());
    let Some((header, leaves)) = read_archive(bytes) else {
        believed.unwrap_err();
        return Read::Refused;
    };
    assert_eq!(write_archive(&header, &leaves), bytes, "another archive says the same");
    if let Err(error) = believed {
        assert!(!error.to_string().is_empty());
        return Read::NotBelieved;
    }
    let mut writer = ChunkWriter::new(0, Vec::new());
    for (number, frame) in (1..).zip(&leaves) {
        let (ends, bytes) = (number == leaves.len(), &frame.bytes);
        if frame.withheld {
            writer.push_withheld(bytes, leaf_hash(0, frame).unwrap(), ends);
        } else {
            writer.push(bytes.len(), ends, |buffer| buffer.put_slice(bytes));
        }
    }
    let (log, group) = (MemoryLog::default(), writer.finish());
    log.append(0, &group).unwrap();
    let failures = Arc::<Mutex<Vec<String>>>::default();
    let ledger: Ledger = open(Arc::new(log), Arc::<Hands>::default(), Arc::clone(&failures));
    assert_eq!((ledger.durable().size, ledger.durable().root), (header.next, header.root));
    ledger.close();
    assert!(failures.lock().is_empty(), "{:?}", failures.lock());
    Read::Believed
}

#[tokio::test]
async fn an_archive_of_any_bytes_is_refused_or_starts() {
    let (corpus, catalogues) = (corpus("archive"), CatalogueFiles::built_in());
    for (name, bytes) in &corpus {
        let expected = if name.starts_with("found-") { Read::Refused } else { Read::Believed };
        assert_eq!(check_archive(&catalogues, bytes), expected, "{name}");
    }
    let fixed = fuzz("archive", 600, |random| {
        let (input, donor) = two(random, &corpus);
        let as_message = if random.bool() { mutate_leaf(random, input, donor) } else { None };
        let bytes = as_message.unwrap_or_else(|| {
            let mut bytes = mutate(random, input, donor);
            if random.u8(0..8) > 0 {
                seal_archive(&mut bytes);
            }
            bytes
        });
        let mut counts = [0; 3];
        counts[check_archive(&catalogues, &bytes) as usize] += 1;
        counts
    });
    let each = fixed.sums.iter().all(|count| count * 100 >= fixed.cases);
    assert!(each, "{:?} refused, not believed, believed", fixed.sums);
}

/// Makes the checksums of a compressed archive of one frame fit.
fn seal_compressed(bytes: &mut [u8]) {
    const HEADER: usize = 80;
    const FRAME: usize = HEADER + 24;
    if bytes.len() < FRAME {
        return;
    }
    let header = crc32c::crc32c(&bytes[..76]);
    bytes[76..HEADER].copy_from_slice(&header.to_le_bytes());
    // The length that the frame states is the one that it has.
    let stored = u32::try_from(bytes.len() - FRAME).unwrap();
    bytes[HEADER..HEADER + 4].copy_from_slice(&stored.to_le_bytes());
    let covered = crc32c::crc32c(&bytes[HEADER..HEADER + 20]);
    let crc = crc32c::crc32c_append(covered, &bytes[FRAME..]);
    bytes[HEADER + 20..FRAME].copy_from_slice(&crc.to_le_bytes());
}

/// A frame whose checksum fits is decompressed, and holds what it states or is refused.
#[test]
fn a_compressed_archive_of_any_bytes_is_refused_or_reads() {
    let plain = corpus("archive").into_iter().filter(|(name, _)| !name.starts_with("found-"));
    let compressed = plain.map(|(name, bytes)| {
        let (header, frames) = read_archive(&bytes).unwrap();
        let mut writer = Writer::begin(Vec::new(), &header, Form::Compressed).unwrap();
        frames.iter().for_each(|frame| writer.frame(frame).unwrap());
        (name, writer.finish().unwrap())
    });
    let compressed: Vec<_> = compressed.collect();
    let fixed = fuzz("compressed archive", 2_000, |random| {
        let (input, donor) = two(random, &compressed);
        let mut bytes = mutate(random, input, donor);
        if random.u8(0..8) > 0 {
            seal_compressed(&mut bytes);
        }
        match read_archive(&bytes) {
            Some((header, frames)) => {
                assert_eq!(frames.len() as u64, header.next - header.first);
                [0, 1]
            }
            None => [1, 0],
        }
    });
    let each = fixed.sums.iter().all(|count| count * 100 >= fixed.cases);
    assert!(each, "{:?} refused, read", fixed.sums);
}
