//! Publication: readers beside a writer that accepts commits, refuses others half-way, and fails.
//!
//! The model is plain: every accepted commit designates enterprises of its own, so at any size that
//! readers may see there are as many titles as events.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use fastrand::Rng;
use parking_lot::Mutex;
use tidu::{
    domain::{DesigneeId, catalogue::Catalogues},
    ledger::{AppendError, Ledger, place},
    limits::WRITE_SLICE_EVENTS,
    log::CommitLog as _,
    protocol::pb,
    register::{AsOf, Counting, Interest, Stage, Wanted},
};

use crate::support::{
    MemoryLog, commit, day, list, open,
    seed::{count, random},
};

const EVENTS: usize = 6_000;

/// One commit to be tried. A refused one states first what could be recorded, and last what is on
/// record already.
struct Tried {
    events: Vec<pb::Event>,
    refused: bool,
}

/// Commits of all sizes, some of them over several slices of the writer. Enterprises of a refused
/// one come again in a later one.
fn plan(random: &mut Rng) -> Vec<Tried> {
    let mut all = list(random.u64(..), EVENTS).into_iter().peekable();
    let first = all.next().unwrap();
    let mut tried = vec![Tried { events: vec![first.clone()], refused: false }];
    while all.peek().is_some() {
        let size = random.usize(1..=4 * WRITE_SLICE_EVENTS);
        let events: Vec<_> = all.by_ref().take(size).collect();
        if random.bool() {
            let mut refused = events.clone();
            random.shuffle(&mut refused);
            refused.push(first.clone());
            tried.push(Tried { events: refused, refused: true });
        }
        tried.push(Tried { events, refused: false });
    }
    tried
}

/// What readers share with the writer.
struct Scene {
    ledger: Ledger,
    log: MemoryLog,
    catalogues: Catalogues,
    /// Enterprises that no accepted commit has named so far.
    unheard: Mutex<HashSet<String>>,
    /// Enterprises that readers follow.
    followed: Vec<String>,
    ended: AtomicBool,
}

impl Scene {
    /// Reads once, in slices, everything that a reader can see at the size of this moment.
    fn look(&self, random: &mut Rng) {
        let size = self.ledger.durable().size;
        // These are named later than this, if at all.
        let unheard: Vec<_> = self.unheard.lock().iter().take(50).cloned().collect();
        assert!(self.log.size() >= size, "seen before it was durable");
        let followed = self.follow();
        let as_of = AsOf { valid_on: day("2025-01-01"), known_at: size };
        let mut counting = Counting::new(Wanted::default(), as_of, Stage::Active, Vec::new());
        let slice = random.usize(1..=500);
        while counting.advance(&self.ledger.register(), &self.catalogues, slice) {
            std::thread::yield_now();
        }
        assert_eq!(counting.total(), size, "titles and events at one size");
        for id in &unheard {
            let id = DesigneeId::parse(id).unwrap();
            let found = self.ledger.register().find(&id, size);
            assert_eq!(found, None, "{id} was not recorded below {size}");
        }
        // The list was made while commits came and were taken back.
        let now = self.ledger.durable().size;
        let found = self.matching(&followed, now);
        let bare = self.matching(&self.interest(), now);
        assert_eq!(found, bare, "a watch list that was made before finds the same");
    }

    fn interest(&self) -> Interest {
        let mut interest = Interest::default();
        self.followed.iter().for_each(|id| interest.designee(DesigneeId::parse(id).unwrap()));
        interest
    }

    /// A watch list that skips to its events.
    fn follow(&self) -> Interest {
        let mut interest = self.interest();
        loop {
            let size = self.ledger.durable().size;
            if self.ledger.register().cover(&mut interest, size, 10) {
                return interest;
            }
            std::thread::yield_now();
        }
    }

    fn matching(&self, interest: &Interest, to: u64) -> Vec<u64> {
        let (mut all, mut at) = (Vec::new(), 0);
        while at < to {
            let (found, next) = self.ledger.matching(interest, at, to, 100);
            all.extend(found);
            at = next;
        }
        all
    }

    /// The size ends a commit.
    async fn require_whole_commits(&self) {
        let size = self.ledger.durable().size;
        let Some(last) = size.checked_sub(1) else { return };
        let leaf = place::envelope(&self.ledger.leaf(last).await.unwrap()).unwrap();
        let commit = leaf.commit.unwrap();
        let end = commit.first_position.unwrap() + u64::from(commit.size);
        assert_eq!(end, size, "a size within a commit");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_see_only_what_is_durable_and_never_half_a_commit() {
    let mut random = random("TIDU_PUBLICATION_SEED");
    for _ in 0..count("TIDU_PUBLICATION_RUNS", 1) {
        run(&mut random).await;
    }
}

async fn run(random: &mut Rng) {
    let tried = plan(random);
    let log = MemoryLog::default();
    let named = |tried: &Tried| tried.events.iter().map(|event| event.designee.clone()).collect();
    let named: Vec<Vec<String>> = tried.iter().map(named).collect();
    let followed = named.iter().flatten().step_by(97).cloned().collect();
    let scene = Arc::new(Scene {
        ledger: open(Arc::new(log.clone()), Arc::default(), Arc::default()),
        log: log.clone(),
        catalogues: Catalogues::built_in(),
        unheard: Mutex::new(named.iter().flatten().cloned().collect()),
        followed,
        ended: AtomicBool::new(false),
    });
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (scene, mut random) = (Arc::clone(&scene), random.fork());
            tokio::task::spawn_blocking(move || {
                while !scene.ended.load(Ordering::SeqCst) {
                    scene.look(&mut random);
                }
            })
        })
        .collect();
    // The log fails at one of the later commits, or not at all.
    let fails_at = random.usize(tried.len() / 2..tried.len() + tried.len() / 4);
    let mut acknowledged = 0;
    for (i, (tried, named)) in tried.into_iter().zip(named).enumerate() {
        if i == fails_at {
            log.fail();
        }
        if !tried.refused {
            let named: HashSet<_> = named.into_iter().collect();
            scene.unheard.lock().retain(|id| !named.contains(id));
        }
        let answer = scene.ledger.append(commit(tried.events)).await;
        match answer {
            Ok(receipt) if !tried.refused => acknowledged = receipt.next,
            Err(AppendError::Rejected(_)) if tried.refused => {}
            Err(AppendError::Unknown) if i >= fails_at => {}
            other => panic!("commit {i}: {other:?}"),
        }
        assert_eq!(scene.ledger.durable().size, acknowledged);
        scene.require_whole_commits().await;
    }
    scene.ended.store(true, Ordering::SeqCst);
    for reader in readers {
        reader.await.unwrap();
    }
    scene.look(random);
    scene.ledger.close();
    assert_eq!(log.size(), acknowledged, "the log holds what was acknowledged");
}
