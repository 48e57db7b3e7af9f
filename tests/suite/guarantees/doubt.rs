//! Claims that a start believes without looking, and checks that see through them: an event that
//! somebody has replaced, with a checksum that fits, beside the leaf hashes of the event that
//! was recorded.

use std::sync::Arc;

use bytes::BytesMut;
use prost::Message as _;
use tidu::{
    domain::catalogue::Catalogues,
    ledger::{
        Belief, Ledger,
        audit::{Verification, Verified},
        event_reader::EventReader,
    },
    limits::{HASHES_PER_BLOCK, VERIFY_STEP_BYTES},
    log::{Chunk, ChunkWriter, CommitLog, LogError},
    merkle::{Frontier, Hash},
    protocol::leaf::Leaf,
    register::RulesBook,
};

use crate::support::{Book, MemoryLog, list, options};

const SIZE: u64 = 3 * HASHES_PER_BLOCK as u64 + 7;
const REPLACED: u64 = HASHES_PER_BLOCK as u64 + 5;

async fn recorded() -> MemoryLog {
    let book = Book::new();
    for event in list(1, usize::try_from(SIZE).unwrap()) {
        book.record(vec![event]).await.unwrap();
    }
    book.log.clone()
}

fn leaves(log: &MemoryLog) -> Vec<Leaf> {
    let chunks = log.read(0, usize::MAX).unwrap();
    let leaves = chunks.iter().flat_map(Chunk::leaves);
    leaves.map(|leaf| Leaf::decode(leaf.bytes).unwrap()).collect()
}

/// The same log with another event in a place. Chunks fit to it, the blocks of hashes do not.
fn with_another(log: &MemoryLog, position: u64) -> MemoryLog {
    let mut writer = ChunkWriter::new(0, Vec::new());
    for mut leaf in leaves(log) {
        if leaf.position == Some(position) {
            leaf.salt = vec![9; 16].into();
        }
        writer.push(leaf.encoded_len(), true, |buffer: &mut BytesMut| leaf.encode_raw(buffer));
    }
    let mut group = writer.finish();
    for block in &mut group.blocks {
        *block = log.hashes(block.first).unwrap().unwrap();
    }
    let other = MemoryLog::default();
    other.append(0, &group).unwrap();
    other
}

fn root_at(log: &MemoryLog, size: u64) -> Hash {
    let mut frontier = Frontier::default();
    let chunks = log.read(0, usize::MAX).unwrap();
    for leaf in chunks.iter().flat_map(Chunk::leaves).take(usize::try_from(size).unwrap()) {
        frontier.push(tidu::merkle::leaf_hash(&leaf.bytes));
    }
    frontier.root()
}

fn start(log: &MemoryLog, belief: Belief) -> Result<Ledger, LogError> {
    Ledger::open_with(options(Arc::new(log.clone())), belief, None)
}

/// Verifies what lies below a size, as a server does that has not read it.
fn verify(log: &MemoryLog, (size, root): (u64, Hash)) -> Result<Verified, LogError> {
    let reader = EventReader::knowing(Arc::new(Catalogues::built_in()), RulesBook::RELEASED);
    let mut verification = Verification::below(Arc::new(log.clone()), reader, (size, root));
    let mut verified = verification.so_far();
    while let Some(so_far) = verification.step(VERIFY_STEP_BYTES)? {
        verified = so_far;
    }
    Ok(verified)
}

fn damaged_at<T>(outcome: Result<T, LogError>) -> u64 {
    match outcome.map(drop) {
        Err(LogError::Damaged { position, .. }) => position,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_start_in_doubt_hashes_every_event_again() {
    let log = recorded().await;
    assert!(start(&log, Belief::Nothing).is_ok());
    let other = with_another(&log, REPLACED);
    assert!(start(&other, Belief::StoredHashes).is_ok(), "the stored hashes are believed");
    assert_eq!(damaged_at(start(&other, Belief::Nothing)), REPLACED);
    // Beyond the last complete block there are no stored hashes to differ from.
    assert!(start(&with_another(&log, SIZE - 1), Belief::Nothing).is_ok());
}

#[tokio::test]
async fn what_a_start_has_not_read_is_verified_up_to_its_size() {
    let log = recorded().await;
    let size = 2 * HASHES_PER_BLOCK as u64 + 3;
    let claimed = (size, root_at(&log, size));
    let verified = verify(&log, claimed).unwrap();
    assert_eq!((verified.position, verified.size), (size, size));
    assert_eq!(damaged_at(verify(&with_another(&log, REPLACED), claimed)), REPLACED);
    // Another root than that of the events is never verified.
    assert_eq!(damaged_at(verify(&log, (size, [7; 32]))), size);
    assert_eq!(damaged_at(verify(&with_another(&log, size - 1), claimed)), size - 1);
}
