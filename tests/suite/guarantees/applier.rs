//! A ledger that follows another one: leaves from outside lead to the same log and register as
//! their commits, and what differs is refused whole.

use std::sync::Arc;

use bytes::Bytes;
use fastrand::Rng;
use tidu::{
    catalogue_files::CatalogueFiles,
    domain::catalogue::Catalogues,
    ledger::{AppendError, Applied, ApplyError, Belief, Leaves, Ledger, LedgerOptions, rebuild},
    log::{Chunk, CommitLog, LogError},
    merkle::{Frontier, Hash, leaf_hash},
    protocol::{batch::Frame, leaf::Leaf},
    register::{AsOf, RulesBook, Wanted},
};

use crate::support::{
    Book, MemoryLog, annulled, any_event,
    catalogues::{BUILT_IN, open_under, other, parsed},
    commit, day, list, open, options,
    redacted::{annulment, redact},
    seed::random,
};

const SEED: &str = "TIDU_APPLIER_SEED";

/// A copy of a log that is to be followed.
struct Source {
    frames: Vec<Frame>,
    roots: Vec<Hash>,
}

impl Source {
    fn of(log: &dyn CommitLog) -> Self {
        let chunks = log.read(0, usize::MAX).unwrap();
        let places = chunks.iter().flat_map(Chunk::leaves);
        Self::new(places.map(|place| place.as_frame()).collect())
    }

    fn new(frames: Vec<Frame>) -> Self {
        let mut frontier = Frontier::default();
        let mut roots = vec![frontier.root()];
        for frame in &frames {
            frontier.push(match frame.withheld {
                true => {
                    let place: tidu::protocol::leaf::Withheld =
                        prost::Message::decode(frame.bytes.clone()).unwrap();
                    place.leaf_hash.as_ref().try_into().unwrap()
                }
                false => leaf_hash(&frame.bytes),
            });
            roots.push(frontier.root());
        }
        Self { frames, roots }
    }

    fn size(&self) -> usize {
        self.frames.len()
    }

    fn leaves(&self, from: usize, to: usize) -> Leaves {
        let frames = self.frames[from..to].to_vec();
        Leaves { first: from as u64, frames, root: self.roots[to] }
    }

    /// The sizes at which no commit is torn.
    fn is_whole(&self, size: usize) -> bool {
        let Some(frame) = self.frames.get(size) else { return true };
        if frame.withheld {
            return true;
        }
        let leaf: Leaf = prost::Message::decode(frame.bytes.clone()).unwrap();
        leaf.commit.unwrap().first_position == Some(size as u64)
    }
}

/// A log of commits of one to five events of all kinds.
async fn recorded(random: &mut Rng, commits: usize) -> (MemoryLog, Ledger) {
    let Book { log, ledger } = Book::new();
    let mut events = list(random.u64(..), 5 * commits).into_iter();
    for i in 0..commits {
        let size = ledger.durable().size;
        let one = match random.u8(0..4) {
            0 => vec![any_event(random, size)],
            1 if size > 0 => vec![annulled(random.u64(..size))],
            _ => events.by_ref().take(random.usize(1..=5)).collect(),
        };
        let mut commit = commit(one);
        commit.request = random.bool().then(|| (Bytes::from(format!("request-{i}")), [7; 32]));
        // The rules refuse some of them.
        let _ = ledger.append(commit).await;
    }
    (log, ledger)
}

fn following(log: &MemoryLog) -> Ledger {
    try_following(log, CatalogueFiles::built_in()).unwrap()
}

fn try_following(log: &MemoryLog, catalogue_files: CatalogueFiles) -> Result<Ledger, LogError> {
    let options = LedgerOptions { catalogue_files, ..options(Arc::new(log.clone())) };
    Ledger::open_following(options, Belief::Nothing, None)
}

async fn apply(ledger: &Ledger, leaves: Leaves) -> Result<Applied, ApplyError> {
    ledger.apply(ledger.decode(leaves)).await
}

/// The answers of a ledger at its size.
fn answers(ledger: &Ledger) -> String {
    let moment = AsOf { valid_on: day("2027-01-01"), known_at: ledger.durable().size };
    let register = ledger.register();
    let all = (usize::MAX, usize::MAX);
    format!("{:?}", register.search(ledger.catalogues(), &Wanted::default(), moment, 0, all).0)
}

#[tokio::test(flavor = "multi_thread")]
async fn leaves_in_any_batches_lead_to_the_log_of_their_leader() {
    let mut random = random(SEED);
    let (led, leader) = recorded(&mut random, 150).await;
    let source = Source::of(&led);
    let log = MemoryLog::default();
    let (mut ledger, mut at) = (following(&log), 0);
    assert!(ledger.is_following() && !leader.is_following());
    while at < source.size() {
        let to = random.usize(at..=source.size().min(at + 40));
        let applied = apply(&ledger, source.leaves(at, to)).await.unwrap();
        let durable = ledger.durable();
        let size = usize::try_from(durable.size).unwrap();
        assert_eq!(durable.size, applied.size, "it is visible once it is told");
        assert!(source.is_whole(size) && size <= to, "a commit is visible whole or not at all");
        assert!((size + 1..=to).all(|at| !source.is_whole(at)), "and as soon as it is here");
        assert_eq!(durable.root, source.roots[size]);
        at = to;
        if random.u8(0..4) == 0 {
            assert!(ledger.close());
            ledger = following(&log);
            at = usize::try_from(ledger.durable().size).unwrap();
        }
    }
    assert_eq!(ledger.durable(), leader.durable());
    assert_eq!(answers(&ledger), answers(&leader));
    // It is the log that a start rebuilds.
    let (files, rules) = (CatalogueFiles::built_in(), RulesBook::RELEASED);
    let (state, _) = rebuild(&log, &files, rules, None).unwrap();
    assert_eq!(state.frontier().root(), leader.durable().root);
    for i in 0..150 {
        let id = format!("request-{i}");
        let (led, files) = (&led, CatalogueFiles::built_in());
        let known =
            |state: &tidu::ledger::state::State| state.request_candidates(b"test", id.as_bytes());
        let (of_leader, _) = rebuild(led, &files, rules, None).unwrap();
        assert_eq!(known(&state), known(&of_leader), "{id}");
    }
    assert_eq!(Source::of(&log).frames, source.frames, "byte for byte");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_differs_is_refused_and_nothing_of_it_is_applied() {
    let mut random = random(SEED);
    let (led, _leader) = recorded(&mut random, 60).await;
    let source = Source::of(&led);
    let whole: Vec<_> = (1..source.size()).filter(|size| source.is_whole(*size)).collect();
    let half = whole[whole.len() / 2];
    let ledger = following(&MemoryLog::default());
    apply(&ledger, source.leaves(0, half)).await.unwrap();
    let (before, end) = (ledger.durable(), source.size());
    let right = || source.leaves(half, end);
    let torn = |place: usize, change: &dyn Fn(&mut Vec<u8>)| {
        let mut leaves = right();
        let mut bytes = leaves.frames[place].bytes.to_vec();
        change(&mut bytes);
        leaves.frames[place].bytes = bytes.into();
        leaves
    };
    let place = random.usize(..end - half);
    for _ in 0..40 {
        let bit = random.u32(..8);
        let at = random.usize(..right().frames[place].bytes.len());
        let refused = apply(&ledger, torn(place, &|bytes| bytes[at] ^= 1 << bit)).await;
        assert!(matches!(refused, Err(ApplyError::OtherRoot { .. })), "{refused:?}");
    }
    let mut skipped = right();
    skipped.frames.remove(place);
    let mut repeated = right();
    repeated.frames.insert(place, repeated.frames[place].clone());
    let mut root = right();
    root.root = source.roots[half];
    let longer = torn(place, &|bytes| bytes.push(0));
    for wrong in [skipped, repeated, root, longer] {
        let refused = apply(&ledger, wrong).await;
        assert!(matches!(refused, Err(ApplyError::OtherRoot { .. })), "{refused:?}");
    }
    for (from, expected) in [(half + 1, "a gap"), (half - 1, "a repetition")] {
        let refused = apply(&ledger, source.leaves(from, end)).await;
        let Err(ApplyError::Gap { expected: next, found }) = refused else { panic!("{expected}") };
        assert_eq!((next, found), (half as u64, from as u64));
    }
    assert_eq!(ledger.durable(), before);
    assert_eq!(ledger.register().size(), before.size, "nothing of it was staged");
    apply(&ledger, right()).await.unwrap();
    assert_eq!(ledger.durable().root, source.roots[end]);
}

#[tokio::test]
async fn the_beginning_of_a_commit_waits_for_its_end() {
    let book = Book::new();
    book.record(list(3, 2)).await.unwrap();
    book.record(list(4, 3)).await.unwrap();
    let source = Source::of(&book.log);
    let log = MemoryLog::default();
    let ledger = following(&log);
    let applied = apply(&ledger, source.leaves(0, 4)).await.unwrap();
    assert_eq!(applied, Applied { size: 2, commits: 1, events: 2 });
    assert_eq!((ledger.durable().size, log.size()), (2, 2));
    // A new stream begins behind the last whole commit.
    assert_eq!(apply(&ledger, source.leaves(2, 3)).await.unwrap().size, 2);
    assert_eq!(apply(&ledger, source.leaves(3, 5)).await.unwrap().size, 5);
    assert_eq!(ledger.durable(), book.ledger.durable());
    // An event of another commit cannot end one that has begun.
    let mixed = Source::new([&source.frames[..1], &source.frames[2..]].concat());
    let fresh = following(&MemoryLog::default());
    let refused = apply(&fresh, mixed.leaves(0, 4)).await;
    assert!(matches!(refused, Err(ApplyError::Unreadable(_))), "{refused:?}");
    assert_eq!(fresh.durable().size, 0);
}

#[tokio::test]
async fn a_follower_takes_no_appends_and_a_leader_no_leaves() {
    let book = Book::new();
    book.record(list(3, 2)).await.unwrap();
    let source = Source::of(&book.log);
    let ledger = following(&MemoryLog::default());
    let refused = ledger.append(commit(list(3, 1))).await;
    assert!(matches!(refused, Err(AppendError::Following)), "{refused:?}");
    assert!(matches!(ledger.prove_writable().await, Err(AppendError::Following)));
    assert!(!ledger.needs_adoption());
    let refused = apply(&book.ledger, source.leaves(0, 2)).await;
    assert!(matches!(refused, Err(ApplyError::NotFollowing)), "{refused:?}");
}

#[tokio::test]
async fn a_full_disk_refuses_leaves_until_it_has_room() {
    let book = Book::new();
    book.record(list(3, 2)).await.unwrap();
    let source = Source::of(&book.log);
    let log = MemoryLog::default();
    let ledger = following(&log);
    log.leave_room(Some(0));
    let refused = apply(&ledger, source.leaves(0, 2)).await;
    assert!(matches!(refused, Err(ApplyError::Refused(AppendError::DiskLow(_)))), "{refused:?}");
    log.leave_room(None);
    assert_eq!(apply(&ledger, source.leaves(0, 2)).await.unwrap().size, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_reads_with_the_catalogues_that_its_leader_adopts() {
    let led = MemoryLog::default();
    let (first, second) = (parsed(BUILT_IN), parsed(&other()));
    let files = CatalogueFiles::built_in().and(Arc::clone(&second));
    for (seed, catalogue) in [(3, &first), (4, &second), (5, &first)] {
        let leader = open_under(Arc::new(led.clone()), catalogue, &files).await.unwrap();
        for event in list(seed, 20) {
            // The rules refuse a title that is held.
            let _ = leader.append(commit(vec![event])).await;
        }
        assert!(leader.close());
    }
    let source = Source::of(&led);
    let log = MemoryLog::default();
    let ledger = try_following(&log, files.clone()).unwrap();
    for at in 0..source.size() {
        apply(&ledger, source.leaves(at, at + 1)).await.unwrap();
    }
    let shown = |all: &Catalogues| {
        all.adoptions().map(|a| (a.position, a.catalogue.sha256)).collect::<Vec<_>>()
    };
    let expected = try_following(&led, files).unwrap();
    assert_eq!(shown(ledger.catalogues()), shown(expected.catalogues()));
    assert_eq!(shown(ledger.catalogues()).len(), 3);
    assert_eq!(answers(&ledger), answers(&expected));
    // One that is not at hand is named; what was recorded before it stays and is served.
    let ledger = following(&MemoryLog::default());
    let refused = apply(&ledger, source.leaves(0, source.size())).await;
    let Err(ApplyError::Unreadable(LogError::Catalogue { position, detail })) = refused else {
        panic!("{refused:?}")
    };
    assert!(detail.contains("missing"), "{detail}");
    assert_eq!(ledger.durable().size, position, "the commits before it were applied");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_place_is_followed_before_its_annulment_is_here() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path();
    {
        let (log, _) = tidu::log::open(data, uuid::Uuid::from_u128(1)).unwrap();
        let leader = open(log, Arc::default(), Arc::default());
        leader.append(commit(list(3, 5))).await.unwrap();
        leader.append(commit(vec![annulment(2)])).await.unwrap();
        assert!(leader.close());
    }
    redact(data, 2);
    let source = Source::of(&*tidu::log::open(data, uuid::Uuid::nil()).unwrap().0);
    let root = source.roots[source.size()];
    assert!(source.frames[2].withheld);
    let log = MemoryLog::default();
    let ledger = following(&log);
    apply(&ledger, source.leaves(0, 5)).await.unwrap();
    assert!(ledger.close());
    let ledger = following(&log);
    apply(&ledger, source.leaves(5, 6)).await.unwrap();
    assert_eq!(ledger.durable().root, root);
    assert!(ledger.close());
    let ledger = open(Arc::new(log.clone()), Arc::default(), Arc::default());
    assert_eq!(ledger.durable().root, root, "a leader opens the same log");
    assert_eq!(Source::of(&log).frames, source.frames);
}
