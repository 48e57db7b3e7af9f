//! One validator for each guarantee that the ledger itself gives. Each compares the ledger with the
//! plain model and gives the number of its comparisons.
//!
//! *Authorized* is not among them: the ledger is told who records and stores it, which `durable`
//! compares with the rest of the leaf; whether they may is decided above it.

use sha2::{Digest as _, Sha256};
use tidu::{
    ledger::{Durable, Ledger},
    log::Chunk,
    merkle::Hash,
};

use super::{
    model::{Answer, Model, Said},
    subscriber::{Delivery, Subscriber, WANTS},
};
use crate::support::simulated_disk::Disk;

/// A size and the root that was shown with it.
pub type Checkpoint = (u64, Hash);

fn place(position: u64) -> usize {
    usize::try_from(position).unwrap()
}

/// Every acknowledged commit stands at its positions with its bytes. `visible` is the end of what
/// was acknowledged.
pub async fn durable(ledger: &Ledger, model: &Model, visible: u64) -> usize {
    assert!(ledger.durable().size >= visible, "durable: acknowledged events are gone");
    let mut position = 0;
    for chunk in ledger.chunks(0, usize::MAX).await.unwrap() {
        for leaf in chunk.leaves() {
            assert_eq!(leaf.position, position, "durable");
            let expected = &model.events[place(position)].bytes;
            assert_eq!(leaf.bytes, expected, "durable: position {position} has changed");
            position += 1;
        }
    }
    assert!(position >= visible, "durable: only {position} of {visible} events can be read");
    place(position)
}

/// Nothing past what the disk has synced is shown, in no way of asking; the model's tail holds what
/// is on its way.
pub async fn durable_before_visible(
    ledger: &Ledger,
    disk: &Disk,
    model: &mut Model,
    visible: u64,
) -> usize {
    let Durable { size, root, designees, recorded_micros, .. } = ledger.durable();
    assert_eq!(size, visible, "durable before visible");
    assert!(size <= disk.size(), "durable before visible: shown before the sync");
    assert_eq!(root, model.root(size), "durable before visible: the root");
    let last = size.checked_sub(1).map(|last| model.events[place(last)].micros);
    assert_eq!(recorded_micros, last, "durable before visible: the time");
    let mut named: Vec<_> =
        model.events[..place(size)].iter().map(|event| event.said.enterprise()).collect();
    named.sort_unstable();
    named.dedup();
    assert_eq!(designees, named.len(), "durable before visible: designees");
    assert!(ledger.chunks(size, 1).await.unwrap().is_empty(), "durable before visible");
    let watch = ledger.watch();
    assert_eq!(watch.borrow().size, size, "durable before visible: the watch");
    // Enterprises that only the tail names are unknown at the durable size.
    let tail = model.events[place(size)..].iter().map(|event| event.said.enterprise());
    let register = ledger.register();
    let mut compared = 6;
    for who in tail.filter(|who| named.binary_search(who).is_err()).take(4) {
        let found = register.find(&model.world.id(who), size);
        assert_eq!(found, None, "durable before visible: a designee");
        compared += 1;
    }
    compared
}

/// A subscriber that wants everything gets each position one after the other.
pub fn contiguous(subscriber: &Subscriber, delivery: &Delivery) -> usize {
    let positions = delivery.leaves.iter().map(|leaf| leaf.position);
    assert!(positions.eq(delivery.from..delivery.next), "contiguous: {:?}", subscriber.wants);
    delivery.leaves.len()
}

/// Everybody sees the one order of the model, and recorded time never decreases along it.
pub fn ordered(model: &Model, delivery: &Delivery) -> usize {
    let mut before: Option<u64> = None;
    for leaf in &delivery.leaves {
        assert!(before < Some(leaf.position), "ordered");
        let event = &model.events[place(leaf.position)];
        assert_eq!(leaf.bytes, event.bytes, "ordered: position {}", leaf.position);
        let earlier = before.map_or(event.micros, |position| model.events[place(position)].micros);
        assert!(earlier <= event.micros, "ordered: recorded time");
        before = Some(leaf.position);
    }
    delivery.leaves.len()
}

/// The first position recorded at or after an instant is where the recorded times say.
pub async fn ordered_in_time(ledger: &Ledger, model: &Model, micros: i64) -> usize {
    let visible = place(ledger.durable().size);
    let expected = model.events[..visible].partition_point(|event| event.micros < micros);
    let found = ledger.position_at(micros).await.unwrap();
    assert_eq!(found, expected as u64, "ordered: the position at an instant");
    1
}

/// On one stream no event is given twice, over all restarts.
pub fn unique(subscriber: &Subscriber) -> usize {
    assert!(subscriber.given.is_sorted_by(|one, next| one < next), "unique");
    subscriber.given.len()
}

/// What is shown ends where a commit ends.
pub fn atomic(ledger: &Ledger, model: &Model) -> usize {
    let size = ledger.durable().size;
    assert!(model.is_commit_end(size), "atomic: the log ends at {size}, inside a commit");
    1
}

/// What was delivered is all that matches between the two places, and nothing else.
pub fn reliable_under_filter(model: &Model, subscriber: &Subscriber, delivery: &Delivery) -> usize {
    let between = delivery.from..delivery.next;
    let expected = between.filter(|at| subscriber.wants.matches(&model.events[place(*at)]));
    let delivered = delivery.leaves.iter().map(|leaf| leaf.position);
    assert!(delivered.eq(expected), "reliable under filter: {:?}", subscriber.wants);
    place(delivery.next - delivery.from)
}

/// What matched once matches for ever: the whole log again, for every filter.
pub fn reliable_under_filter_for_ever(ledger: &Ledger, model: &Model) -> usize {
    let size = ledger.durable().size;
    for wants in WANTS {
        let (found, examined) = ledger.matching(&wants.interest(), 0, size, usize::MAX);
        let expected = (0..size).filter(|at| wants.matches(&model.events[place(*at)]));
        assert!(found.into_iter().eq(expected), "reliable under filter: {wants:?}, from 0");
        assert_eq!(examined, size, "reliable under filter: all was examined");
    }
    WANTS.len()
}

/// Every place to go on from that was ever told still lies within the log.
pub fn resumable(ledger: &Ledger, subscriber: &Subscriber) -> usize {
    let size = ledger.durable().size;
    let beyond = subscriber.bookmarks.iter().find(|bookmark| **bookmark > size);
    assert_eq!(beyond, None, "resumable: the log has {size} events");
    subscriber.bookmarks.len()
}

/// What progress tells is there and agrees: place, size, log id and time.
pub fn bookmarkable(ledger: &Ledger, delivery: &Delivery, log_id: &str, wall: i64) -> usize {
    assert!(delivery.from <= delivery.next, "bookmarkable: it goes back");
    assert!(delivery.next <= ledger.durable().size, "bookmarkable: past the log");
    assert_eq!(ledger.log_id().to_string(), log_id, "bookmarkable: another history");
    assert_eq!(ledger.now_micros(), wall, "bookmarkable: the time");
    4
}

/// The first answer to a request id is given again, and other content has its own refusal.
pub fn idempotent_for_ever(model: &Model, commit: usize, same: &Answer, other: &Answer) -> usize {
    let commit = &model.commits[commit];
    let (first, next, micros) = (commit.first, commit.next, commit.micros);
    assert_eq!(*same, Answer::Replayed { first, next, micros }, "idempotent for ever");
    assert_eq!(*other, Answer::Reused { first }, "idempotent for ever: other content");
    2
}

/// Today's log extends every old checkpoint: the roots are computed again from what the ledger
/// gives to read.
pub async fn verifiable(ledger: &Ledger, checkpoints: &[Checkpoint]) -> usize {
    let Durable { size, root, .. } = ledger.durable();
    let chunks = ledger.chunks(0, usize::MAX).await.unwrap();
    let leaf_hash = |leaf: tidu::log::LeafAt| -> Hash {
        Sha256::new().chain_update([0]).chain_update(&leaf.bytes).finalize().into()
    };
    let hashes: Vec<Hash> = chunks.iter().flat_map(Chunk::leaves).map(leaf_hash).collect();
    assert_eq!(hashes.len() as u64, size, "verifiable");
    for (size, root) in checkpoints.iter().copied().chain([(size, root)]) {
        let leaves = hashes.get(..place(size)).expect("verifiable: an old checkpoint is longer");
        assert_eq!(tree(leaves), root, "verifiable: the checkpoint at {size}");
    }
    checkpoints.len() + 1
}

fn tree(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            let node = Sha256::new().chain_update([1]);
            node.chain_update(tree(left)).chain_update(tree(right)).finalize().into()
        }
    }
}

/// The register stands where the model does, for the enterprises of some events.
pub fn register_agrees(ledger: &Ledger, model: &Model, events: &[Said]) -> usize {
    let size = ledger.durable().size;
    let register = ledger.register();
    for who in events.iter().map(|said| said.enterprise()) {
        let mut upto = model.events[..place(size)].iter();
        let last = upto.rposition(|event| event.said.enterprise() == who);
        let expected = last.map_or(0, |last| last as u64 + 1);
        let found = register.find(&model.world.id(who), size);
        let found = found.map_or(0, |index| register.subject_version(index, size).0);
        assert_eq!(found, expected, "the version of {}", model.world.designee(who));
    }
    events.len()
}
