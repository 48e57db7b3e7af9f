//! The queue before the writer: a line for each party, served by start-time fair queueing.
//!
//! Virtual time is the number of bytes that each party with a commit could have had by now. A
//! commit starts there, or where its party's commit before it finishes, and finishes its bytes
//! later. The commit that finishes first is next. So a caller beside a flood waits for at most one
//! commit of it, however large and however many parties it comes from; and large commits wait for
//! small ones only until virtual time has reached them.
//!
//! When room is short, the party with the most pays: its newest commits are refused, and nothing of
//! them is recorded. If that is not enough, the new commit is refused, and nobody has paid. Each
//! commit counts for at least its part of the queue, so one bound holds bytes and number.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use super::{
    AppendError, Commit, Receipt,
    applier::{DecodedLeaves, Outcome},
    publish::Proven,
};
use crate::{
    domain::{Claim, Holdings, Party},
    limits::{JUDGED_FACT_BYTES, QUEUE_BYTES_MAX, QUEUED_COMMIT_BYTES_MIN},
};

type Reply = Result<Receipt, AppendError>;

/// Lines that are never searched for those that count nothing.
const LINES_SWEPT_MIN: usize = 64;

/// A commit that waits for the writer.
pub(super) struct Job {
    pub(super) commit: Commit,
    /// Bytes of its events.
    pub(super) bytes: usize,
    /// When it came, by the monotonic clock.
    pub(super) queued: Duration,
    /// Its account of the memory that it takes, which is closed once it is decided.
    pub(super) held: Option<HeldMemory>,
    pub(super) reply: oneshot::Sender<Reply>,
}

/// What the writer does next. There is one at a time, and a box would cost each commit an
/// allocation.
#[allow(clippy::large_enum_variant)]
pub(super) enum Turn<'a> {
    /// Decides a commit, which has its room until then.
    Commit(Job, Room<'a>),
    /// Answers that turns get through, and records nothing.
    Proof(oneshot::Sender<Proven>),
    /// Applies leaves from outside.
    Leaves(DecodedLeaves, oneshot::Sender<Outcome>),
}

impl Turn<'_> {
    /// Bytes of the events to be recorded.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Commit(job, _) => job.bytes,
            Self::Proof(_) => 0,
            Self::Leaves(leaves, _) => leaves.bytes(),
        }
    }
}

/// Memory that somebody counts until this is dropped.
pub type HeldMemory = Arc<dyn Send + Sync>;

impl Job {
    /// The room that it takes in the queue.
    fn room(&self) -> u64 {
        self.bytes.max(QUEUED_COMMIT_BYTES_MIN) as u64
    }
}

/// The queue. Many threads push; the writer alone pops.
#[derive(Default)]
pub(super) struct Queue {
    /// Lock order: no lock of the ledger is taken while this one is held.
    lines: Mutex<Lines>,
    /// Signals the writer: a commit has come, or the end.
    filled: Condvar,
}

/// The lines of all parties.
#[derive(Default)]
struct Lines {
    /// The lines of the parties that have a commit, or had one of late.
    parties: HashMap<Party, Line>,
    /// The parties with a commit, by the finish of its first one and the order of arrival.
    turns: BTreeMap<(u64, u64), Party>,
    virtual_time: u64,
    /// Lines at which those that count nothing any more are dropped.
    sweep_at: usize,
    arrivals: u64,
    /// The room of all commits. The one that is being decided cannot be revoked.
    room: Holdings,
    /// Bytes of their events.
    bytes: usize,
    commits: usize,
    /// Proofs take no room, so that none of them costs a commit its place.
    proofs: VecDeque<oneshot::Sender<Proven>>,
    /// Leaves from outside. Whoever follows hands in few at a time, and nobody else records.
    leaves: VecDeque<(DecodedLeaves, oneshot::Sender<Outcome>)>,
    end: Option<End>,
}

#[derive(Default)]
struct Line {
    /// The commits that wait, with their numbers.
    jobs: VecDeque<(u64, Job)>,
    /// The virtual time at which its first commit finishes, or the last one that was decided.
    finish: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// The ledger is closing.
    Closed,
    /// The writer has ended.
    Abandoned,
}

/// The room of a commit that is being decided. Dropping it returns the room to the queue.
pub(super) struct Room<'a> {
    queue: &'a Queue,
    claim: Claim,
    bytes: usize,
}

impl Room<'_> {
    /// Charges the party for the facts that were read to judge its commit, if they took longer than
    /// its bytes.
    pub(super) fn charge(&self, facts: usize) {
        let more = (facts * JUDGED_FACT_BYTES).saturating_sub(self.bytes);
        if more > 0 {
            self.queue.lines.lock().charge(self.claim.party, more as u64);
        }
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.queue.lines.lock().give_back(self.claim, self.bytes);
    }
}

impl Queue {
    /// Adds a commit. If there is no room, the newest ones of the party that has the most are
    /// refused in its favour.
    ///
    /// # Errors
    /// [`AppendError::QueueFull`] if no other party has more; [`AppendError::Draining`] once it is
    /// closed; [`AppendError::Unknown`] after the writer has ended.
    pub(super) fn push(&self, job: Job) -> Result<(), AppendError> {
        let pushed = self.lines.lock().push(job);
        // Waking their callers takes other locks, so it waits until this one is free.
        for refused in pushed? {
            drop(refused.reply.send(Err(AppendError::QueueFull)));
        }
        self.filled.notify_one();
        Ok(())
    }

    /// Adds a turn that records nothing. It is the next one, however many commits wait: it asks
    /// whether turns get through, and not how long the queue is.
    ///
    /// # Errors
    /// As for [`Queue::push`], but never that the queue is full.
    pub(super) fn push_proof(&self, reply: oneshot::Sender<Proven>) -> Result<(), AppendError> {
        let mut lines = self.lines.lock();
        lines.require_open()?;
        lines.proofs.push_back(reply);
        drop(lines);
        self.filled.notify_one();
        Ok(())
    }

    /// Adds leaves from outside, in their order.
    ///
    /// # Errors
    /// As for [`Queue::push_proof`].
    pub(super) fn push_leaves(
        &self,
        leaves: DecodedLeaves,
        reply: oneshot::Sender<Outcome>,
    ) -> Result<(), AppendError> {
        let mut lines = self.lines.lock();
        lines.require_open()?;
        lines.leaves.push_back((leaves, reply));
        drop(lines);
        self.filled.notify_one();
        Ok(())
    }

    /// Waits for the next turn. `None` at the end.
    pub(super) fn pop(&self) -> Option<Turn<'_>> {
        let mut lines = self.lines.lock();
        loop {
            if let Some(reply) = lines.proofs.pop_front() {
                return Some(Turn::Proof(reply));
            }
            if let Some((leaves, reply)) = lines.leaves.pop_front() {
                return Some(Turn::Leaves(leaves, reply));
            }
            if let Some((claim, job)) = lines.pop() {
                let room = Room { queue: self, claim, bytes: job.bytes };
                return Some(Turn::Commit(job, room));
            }
            if lines.end.is_some() {
                return None;
            }
            self.filled.wait(&mut lines);
        }
    }

    /// Refuses what comes after the end.
    ///
    /// # Errors
    /// [`AppendError::Draining`] once it is closed; [`AppendError::Unknown`] after the writer has
    /// ended.
    pub(super) fn require_open(&self) -> Result<(), AppendError> {
        self.lines.lock().require_open()
    }

    /// True if no commit waits.
    pub(super) fn is_empty(&self) -> bool {
        let lines = self.lines.lock();
        lines.turns.is_empty() && lines.leaves.is_empty()
    }

    /// Bytes of the commits that wait or are being decided.
    pub(super) fn bytes(&self) -> usize {
        self.lines.lock().bytes
    }

    /// Commits that wait or are being decided, and their bytes.
    pub(super) fn depth(&self) -> (u64, u64) {
        let lines = self.lines.lock();
        (lines.commits as u64, lines.bytes as u64)
    }

    /// Takes no more commits. The writer finishes those that are here.
    pub(super) fn close(&self) {
        self.lines.lock().end.get_or_insert(End::Closed);
        self.filled.notify_one();
    }

    /// Drops every commit and takes no more: the writer has ended. Callers learn that the outcome
    /// is unknown.
    pub(super) fn abandon(&self) {
        let mut lines = self.lines.lock();
        lines.end.get_or_insert(End::Abandoned);
        lines.turns.clear();
        let dropped = (
            std::mem::take(&mut lines.parties),
            std::mem::take(&mut lines.proofs),
            std::mem::take(&mut lines.leaves),
        );
        // Waking their callers takes other locks, so it waits until this one is free.
        drop(lines);
        drop(dropped);
    }
}

impl Lines {
    fn require_open(&self) -> Result<(), AppendError> {
        match self.end {
            Some(End::Closed) => Err(AppendError::Draining),
            Some(End::Abandoned) => Err(AppendError::Unknown),
            None => Ok(()),
        }
    }

    /// Adds a commit; gives those that are refused in its favour.
    fn push(&mut self, job: Job) -> Result<Vec<Job>, AppendError> {
        self.require_open()?;
        let party = job.commit.party;
        let amount = job.room();
        // A commit larger than the queue goes alone.
        let limit = if self.room.held() == 0 { u64::MAX } else { QUEUE_BYTES_MAX as u64 };
        let victims = self.room.victims(party, amount, limit).ok_or(AppendError::QueueFull)?;
        let refused = victims.into_iter().filter_map(|claim| self.take_newest(claim)).collect();
        self.arrivals += 1;
        self.bytes += job.bytes;
        self.commits += 1;
        self.room.set(Claim { party, id: self.arrivals }, amount, true);
        let line = self.parties.entry(party).or_default();
        if line.jobs.is_empty() {
            line.finish = line.finish.max(self.virtual_time) + weight(&job);
            self.turns.insert((line.finish, self.arrivals), party);
        }
        line.jobs.push_back((self.arrivals, job));
        self.sweep();
        Ok(refused)
    }

    /// Drops the lines of parties that would begin anew. Costs a few steps for each line added.
    fn sweep(&mut self) {
        if self.parties.len() > self.sweep_at {
            let now = self.virtual_time;
            self.parties.retain(|_, line| !line.jobs.is_empty() || line.finish > now);
            self.sweep_at = 2 * self.parties.len() + LINES_SWEPT_MIN;
        }
    }

    /// Takes a commit, the newest one of its party, out of the queue.
    fn take_newest(&mut self, claim: Claim) -> Option<Job> {
        let line = self.parties.get_mut(&claim.party)?;
        let (id, job) = line.jobs.pop_back()?;
        debug_assert_eq!(id, claim.id, "a party gives up its newest commit first");
        if line.jobs.is_empty() {
            line.finish -= weight(&job);
            self.turns.retain(|_, other| *other != claim.party);
        }
        self.give_back(claim, job.bytes);
        Some(job)
    }

    /// Takes the oldest commit of the party whose turn it is. It keeps its room until it is
    /// decided.
    fn pop(&mut self) -> Option<(Claim, Job)> {
        let waiting = self.turns.len() as u64;
        let ((finish, _), party) = self.turns.pop_first()?;
        let line = self.parties.get_mut(&party)?;
        let (id, job) = line.jobs.pop_front()?;
        let start = finish - weight(&job);
        self.virtual_time = self.virtual_time.max(start) + weight(&job).div_ceil(waiting);
        if let Some((_, next)) = line.jobs.front() {
            self.arrivals += 1;
            line.finish = finish + weight(next);
            self.turns.insert((line.finish, self.arrivals), party);
        }
        let claim = Claim { party, id };
        self.room.set(claim, job.room(), false);
        Some((claim, job))
    }

    /// Puts off the next commit of a party, as if its last one had had more bytes.
    fn charge(&mut self, party: Party, more: u64) {
        let Some(line) = self.parties.get_mut(&party) else { return };
        let finish = line.finish;
        line.finish += more;
        let mut due = self.turns.range((finish, 0)..=(finish, u64::MAX));
        let turn = due.find(|(_, other)| **other == party).map(|(turn, _)| *turn);
        if let Some((_, arrival)) = turn {
            self.turns.remove(&(finish, arrival));
            self.turns.insert((line.finish, arrival), party);
        }
    }

    /// Returns the room of a commit.
    fn give_back(&mut self, claim: Claim, bytes: usize) {
        self.room.remove(claim);
        self.bytes -= bytes;
        self.commits -= 1;
    }
}

/// An empty commit counts as well, so that many of them take turns too.
fn weight(job: &Job) -> u64 {
    job.bytes.max(1) as u64
}

#[cfg(test)]
mod tests;
