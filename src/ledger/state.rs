//! The state machine: all that follows from the log. It consists of the register, the Merkle
//! frontier, the open hash block, the request ids and the recorded time.
//!
//! Two steps extend it. [`Staging::stage`] applies an event to the register and can be undone.
//! [`State::seal`] adds the other parts for a whole commit. The writer judges, stages, encodes and
//! seals. A start decodes, stages and seals. [`State::rollback`] returns to any sealed size that is
//! not settled.

use std::{collections::VecDeque, ops::Deref, sync::Arc};

use parking_lot::{RwLockReadGuard, RwLockWriteGuard};

use super::{
    holds::{Hold, Holds},
    lock::{Ordered, OrderedRwLock, REGISTER},
    requests::{RequestIndex, RequestKey},
};
use crate::{
    domain::{Withheld, event::Event},
    limits::HASHES_PER_BLOCK,
    log::FORMAT_BEGUN,
    merkle::{Frontier, Hash},
    register::{Extent, Register, RulesBook, Savepoint},
};

/// Everything that follows from the commits sealed so far.
#[derive(Debug, Default)]
pub struct State {
    /// Shared with readers; each question names a size at or below the durable one. They may find
    /// it between two events of a commit, which may still be taken back.
    ///
    /// Lock order: after the open group and the waiting streams, before `Shared::written`.
    register: Arc<RegisterLock>,
    frontier: Frontier,
    /// Leaf hashes from `hashes_first` on: the open block of the settled size, and all later ones.
    hashes: VecDeque<Hash>,
    /// Position of the first of `hashes`, a multiple of [`HASHES_PER_BLOCK`].
    hashes_first: u64,
    requests: RequestIndex,
    recorded_micros: Option<i64>,
    /// The format that the log needs for its leaves; 0 for an empty log.
    format: u16,
    /// Facts read to judge the commit that was decided last.
    judged: usize,
    /// Commits that can still be rolled back, oldest first.
    seals: VecDeque<Seal>,
    /// Where the holds of the register are measured; nowhere during a start.
    holds: Option<Arc<Holds>>,
}

type RegisterLock = OrderedRwLock<Register, REGISTER>;

/// Read access to the register, held as long as the guard lives.
pub type RegisterGuard<'a> = Ordered<RwLockReadGuard<'a, Register>, REGISTER>;

/// A sealed commit, with each part as it was before.
#[derive(Debug)]
struct Seal {
    savepoint: Savepoint,
    frontier: Frontier,
    recorded_micros: Option<i64>,
    format: u16,
    /// The key that the commit added to the index of request ids.
    request: Option<RequestKey>,
    /// Size of the log with this commit.
    next: u64,
}

impl Seal {
    fn first(&self) -> u64 {
        self.frontier.size()
    }
}

/// The events of one commit, staged one by one. Dropping it without [`Staging::accept`] takes them
/// back.
///
/// It is staged, and taken back, in slices. Between two of them readers have their turn. They may
/// see a part of the commit then, and pass it over: it lies beyond the size that they name.
pub struct Staging<'a> {
    register: Ordered<RwLockWriteGuard<'a, Register>, REGISTER>,
    savepoint: Savepoint,
    /// Sizes within the commit, at which slices ended.
    slices: Vec<Savepoint>,
    accepted: bool,
    /// The hold of the current slice. It ends after the lock is released.
    hold: Option<Hold<'a>>,
}

/// Proof that a commit's events are in the register; [`State::seal`] takes it.
#[must_use]
#[derive(Debug)]
pub struct Staged {
    savepoint: Savepoint,
}

/// Read access to the register of a [`State`].
#[derive(Clone, Debug)]
pub struct RegisterReader(Arc<RegisterLock>);

impl RegisterReader {
    /// Locks the register for reading. Do not hold it across an await.
    pub fn read(&self) -> RegisterGuard<'_> {
        self.0.read()
    }
}

impl Staging<'_> {
    /// Applies the next event to the register.
    pub fn stage(&mut self, event: &Event) {
        self.register.apply(event);
    }

    /// Applies the next event, which is withheld.
    pub fn stage_withheld(&mut self, withheld: &Withheld) {
        self.register.apply_withheld(withheld);
    }

    /// Ends a slice: readers that wait have their turn.
    pub fn give_way(&mut self) {
        self.slices.push(self.register.savepoint());
        self.release_for_others();
    }

    fn release_for_others(&mut self) {
        self.register.give_way();
        self.hold.iter_mut().for_each(Hold::split);
    }

    /// Keeps the staged events. The caller must seal them next.
    pub fn accept(mut self) -> Staged {
        self.accepted = true;
        Staged { savepoint: self.savepoint }
    }
}

impl Deref for Staging<'_> {
    type Target = Register;

    fn deref(&self) -> &Register {
        &self.register
    }
}

impl Drop for Staging<'_> {
    fn drop(&mut self) {
        if !self.accepted {
            while let Some(slice) = self.slices.pop() {
                self.register.rollback_to(&slice);
                self.release_for_others();
            }
            self.register.rollback_to(&self.savepoint);
        }
    }
}

impl State {
    /// An empty state whose register knows these versions of the rules.
    #[must_use]
    pub fn with_rules(rules: RulesBook) -> Self {
        let register = Arc::new(RegisterLock::new(Register::with_rules(rules)));
        Self { register, ..Self::default() }
    }

    /// A state at a size at which nothing is taken back. `hashes` are the leaf hashes since the
    /// last complete block; `recorded` is the time of the last commit, and the format of all
    /// leaves.
    pub(super) fn restored(
        register: Register,
        frontier: Frontier,
        hashes: Vec<Hash>,
        requests: RequestIndex,
        recorded: (Option<i64>, u16),
    ) -> Self {
        let (recorded_micros, format) = recorded;
        Self {
            register: Arc::new(RegisterLock::new(register)),
            hashes_first: frontier.size() - hashes.len() as u64,
            hashes: hashes.into(),
            frontier,
            requests,
            recorded_micros,
            format,
            ..Self::default()
        }
    }

    /// Measures the writer's holds of the register from now on.
    pub(super) fn measure(&mut self, holds: Arc<Holds>) {
        self.holds = Some(holds);
    }

    /// Number of events sealed.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The Merkle frontier at that size.
    #[must_use]
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// Leaf hashes since the last complete block.
    #[must_use]
    pub fn block(&self) -> Vec<Hash> {
        let open = self.size() - self.size() % HASHES_PER_BLOCK as u64;
        let skipped = usize::try_from(open - self.hashes_first).unwrap_or(usize::MAX);
        self.hashes.iter().skip(skipped).copied().collect()
    }

    /// Microseconds since 1970 at which the last commit was recorded; `None` for an empty log.
    #[must_use]
    pub fn recorded_micros(&self) -> Option<i64> {
        self.recorded_micros
    }

    /// The format that a log needs to hold the sealed events.
    #[must_use]
    pub fn format(&self) -> u16 {
        self.format.max(FORMAT_BEGUN)
    }

    /// How far the register reaches with the sealed events.
    #[must_use]
    pub fn extent(&self) -> Extent {
        self.register.read().extent()
    }

    /// First positions of sealed commits of a recorder whose request id may be this one.
    #[must_use]
    pub fn request_candidates(&self, recorder: &[u8], request_id: &[u8]) -> Vec<u64> {
        self.requests.candidates(recorder, request_id)
    }

    /// The index of request ids, which may be ahead of the durable size.
    pub(super) fn requests(&self) -> RequestIndex {
        self.requests.clone()
    }

    /// Read access to the register, which may be ahead of the durable size.
    #[must_use]
    pub fn reader(&self) -> RegisterReader {
        RegisterReader(Arc::clone(&self.register))
    }

    /// The register, once nobody else can read it.
    #[must_use]
    pub fn into_register(self) -> Option<Register> {
        Arc::into_inner(self.register).map(RegisterLock::into_inner)
    }

    /// Notes how many facts were read to judge a commit.
    pub(super) fn note_judged(&mut self, facts: usize) {
        self.judged = facts;
    }

    /// The facts read to judge the commit that was decided last, told once.
    pub fn take_judged(&mut self) -> usize {
        std::mem::take(&mut self.judged)
    }

    /// Prefetches the register's entries for the events: independent lookups overlap their misses.
    pub fn prefetch<'e>(&self, events: impl Iterator<Item = &'e Event> + Clone) {
        self.register.read().prefetch(events);
    }

    /// Begins a commit. Readers of the register wait until its staging ends, or a slice of it.
    ///
    /// It also frees the register's undo records of settled commits: to lock the register for that
    /// alone, a commit would wait twice for the readers. The writer is nearly always ahead of the
    /// flusher, so they are freed step by step.
    pub fn begin(&self) -> Staging<'_> {
        let mut register = self.register.write();
        let hold = self.holds.as_deref().map(Holds::write);
        assert_eq!(register.size(), self.size(), "a commit was staged and not sealed");
        match self.seals.front() {
            Some(seal) => register.commit_before(&seal.savepoint),
            None => register.commit(),
        }
        let savepoint = register.savepoint();
        Staging { register, savepoint, slices: Vec::new(), accepted: false, hold }
    }

    /// Seals the staged events as one commit. `leaf_hashes` holds one hash for each of them, and
    /// `format` is the one that their leaves need. `request` is the name of the recorder and its
    /// request id.
    #[allow(clippy::needless_pass_by_value)] // a commit is sealed once
    pub fn seal(
        &mut self,
        staged: Staged,
        leaf_hashes: &[Hash],
        request: Option<(&[u8], &[u8])>,
        recorded_micros: Option<i64>,
        format: u16,
    ) {
        let Staged { savepoint } = staged;
        let next = self.size() + leaf_hashes.len() as u64;
        debug_assert_eq!(self.register.read().size(), next, "one leaf hash for each staged event");
        let seal = Seal {
            savepoint,
            frontier: self.frontier.clone(),
            recorded_micros: self.recorded_micros,
            format: self.format,
            request: request.map(|(by, id)| self.requests.insert(by, id, self.size())),
            next,
        };
        for hash in leaf_hashes {
            self.frontier.push(*hash);
        }
        self.hashes.extend(leaf_hashes);
        self.recorded_micros = recorded_micros;
        self.format = self.format.max(format);
        self.seals.push_back(seal);
    }

    /// Makes the commits up to a durable size final. No rollback reaches them again, so the hashes
    /// of complete blocks are freed, and at the next commit the register's undo records.
    pub fn settle(&mut self, size: u64) {
        if self.seals.front().is_none_or(|seal| seal.next > size) {
            return;
        }
        while self.seals.front().is_some_and(|seal| seal.next <= size) {
            self.seals.pop_front();
        }
        let settled = self.seals.front().map_or(self.size(), Seal::first);
        let open = settled - settled % HASHES_PER_BLOCK as u64;
        while self.hashes_first < open && self.hashes.pop_front().is_some() {
            self.hashes_first += 1;
        }
    }

    /// Returns to a sealed size, which must not be below the settled one.
    pub fn rollback(&mut self, size: u64) {
        let mut savepoint = None;
        while let Some(seal) = self.seals.pop_back_if(|seal| seal.first() >= size) {
            if let Some(request) = seal.request {
                self.requests.remove_last(request);
            }
            self.frontier = seal.frontier;
            self.recorded_micros = seal.recorded_micros;
            self.format = seal.format;
            savepoint = Some(seal.savepoint);
        }
        assert_eq!(self.size(), size, "a rollback needs a sealed size that is not settled");
        let kept = usize::try_from(size.saturating_sub(self.hashes_first)).unwrap_or(usize::MAX);
        self.hashes.truncate(kept);
        if let Some(savepoint) = savepoint {
            self.register.write().rollback_to(&savepoint);
        }
    }
}
