//! The queue before the writer: a line for each party, served by start-time fair queueing.
//!
//! Virtual time is the number of bytes that each party with a commit could have had by now. A
//! commit starts there, or where its party's commit before it finishes, and finishes its bytes
//! later. The commit that finishes first is next. So a caller beside a flood waits for at most one
//! commit of it, however large and however many parties it comes from; and large commits wait for
//! small ones only until virtual time has reached them. When room is short, the party with the most
//! pays: its newest commits are refused, and nothing of them is recorded.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::Duration,
};

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use super::{AppendError, Commit, Receipt, publish::Proven};
use crate::{
    domain::Party,
    limits::{QUEUE_BYTES_MAX, QUEUE_COMMITS_MAX},
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
}

impl Turn<'_> {
    /// Bytes of the events to be recorded.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Commit(job, _) => job.bytes,
            Self::Proof(_) => 0,
        }
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
    parties: HashMap<Party, Line>,
    /// The parties with a commit, by the finish of its first one and the order of arrival.
    turns: BTreeMap<(u64, u64), Party>,
    virtual_time: u64,
    /// Lines at which those that count nothing any more are dropped.
    sweep_at: usize,
    arrivals: u64,
    bytes: usize,
    commits: usize,
    /// Proofs take no room, so that none of them costs a commit its place.
    proofs: VecDeque<oneshot::Sender<Proven>>,
    end: Option<End>,
}

#[derive(Default)]
struct Line {
    jobs: VecDeque<Job>,
    /// Its bytes, with those of its commit that is being decided.
    bytes: usize,
    /// Its commits, counted in the same way.
    commits: usize,
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

/// Which bound a new commit exceeds.
#[derive(Clone, Copy)]
enum Short {
    Bytes,
    Commits,
}

/// The room of a commit that is being decided. Dropping it returns the room to the queue.
pub(super) struct Room<'a> {
    queue: &'a Queue,
    party: Party,
    bytes: usize,
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.queue.lines.lock().give_back(self.party, self.bytes);
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

    /// Waits for the next turn. `None` at the end.
    pub(super) fn pop(&self) -> Option<Turn<'_>> {
        let mut lines = self.lines.lock();
        loop {
            if let Some(reply) = lines.proofs.pop_front() {
                return Some(Turn::Proof(reply));
            }
            if let Some(job) = lines.pop() {
                let room = Room { queue: self, party: job.commit.party, bytes: job.bytes };
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
        self.lines.lock().turns.is_empty()
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
        let dropped = (std::mem::take(&mut lines.parties), std::mem::take(&mut lines.proofs));
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
        let refused = self.make_room(job.commit.party, job.bytes)?;
        self.arrivals += 1;
        self.bytes += job.bytes;
        self.commits += 1;
        let party = job.commit.party;
        let line = self.parties.entry(party).or_default();
        if line.jobs.is_empty() {
            line.finish = line.finish.max(self.virtual_time) + weight(&job);
            self.turns.insert((line.finish, self.arrivals), party);
        }
        line.bytes += job.bytes;
        line.commits += 1;
        line.jobs.push_back(job);
        self.sweep();
        Ok(refused)
    }

    /// Drops the lines of parties that would begin anew. Costs a few steps for each line added.
    fn sweep(&mut self) {
        if self.parties.len() > self.sweep_at {
            let now = self.virtual_time;
            self.parties.retain(|_, line| line.commits > 0 || line.finish > now);
            self.sweep_at = 2 * self.parties.len() + LINES_SWEPT_MIN;
        }
    }

    /// Refuses the newest commits of the largest parties until another one fits.
    fn make_room(&mut self, party: Party, bytes: usize) -> Result<Vec<Job>, AppendError> {
        let mut refused = Vec::new();
        while let Some(short) = self.is_short(bytes) {
            if refused.is_empty() {
                self.require_fair(short, party, bytes)?;
            }
            let size = |line: &Line| match short {
                Short::Bytes => line.bytes,
                Short::Commits => line.commits,
            };
            let others = self.parties.iter().filter(|(other, _)| **other != party);
            let largest = others.filter(|(_, line)| !line.jobs.is_empty());
            let largest = largest.max_by_key(|(_, line)| size(line)).map(|(other, _)| *other);
            let newest = largest.and_then(|largest| self.take_newest(largest));
            refused.push(newest.ok_or(AppendError::QueueFull)?);
        }
        Ok(refused)
    }

    fn is_short(&self, bytes: usize) -> Option<Short> {
        if self.commits >= QUEUE_COMMITS_MAX {
            return Some(Short::Commits);
        }
        // A commit larger than the queue goes alone.
        let fits = self.bytes == 0 || self.bytes + bytes <= QUEUE_BYTES_MAX;
        (!fits).then_some(Short::Bytes)
    }

    /// Refuses a commit with which its party would have more than its share: if the others were cut
    /// down to as much, it would not fit even so.
    fn require_fair(&self, short: Short, party: Party, bytes: usize) -> Result<(), AppendError> {
        let own = self.parties.get(&party);
        let others = self.parties.iter().filter(|(other, _)| **other != party);
        let (own, least, most) = match short {
            Short::Bytes => {
                let own = own.map_or(0, |line| line.bytes) + bytes;
                (own, others.map(|(_, line)| line.bytes.min(own)).sum::<usize>(), QUEUE_BYTES_MAX)
            }
            Short::Commits => {
                let own = own.map_or(0, |line| line.commits) + 1;
                let least = others.map(|(_, line)| line.commits.min(own)).sum::<usize>();
                (own, least, QUEUE_COMMITS_MAX)
            }
        };
        if own + least > most { Err(AppendError::QueueFull) } else { Ok(()) }
    }

    /// Takes the newest commit of a party out of the queue.
    fn take_newest(&mut self, party: Party) -> Option<Job> {
        let line = self.parties.get_mut(&party)?;
        let job = line.jobs.pop_back()?;
        if line.jobs.is_empty() {
            line.finish -= weight(&job);
            self.turns.retain(|_, other| *other != party);
        }
        self.give_back(party, job.bytes);
        Some(job)
    }

    /// Takes the oldest commit of the party whose turn it is. It keeps its room until it is
    /// decided.
    fn pop(&mut self) -> Option<Job> {
        let waiting = self.turns.len() as u64;
        let ((finish, _), party) = self.turns.pop_first()?;
        let line = self.parties.get_mut(&party)?;
        let job = line.jobs.pop_front()?;
        let start = finish - weight(&job);
        self.virtual_time = self.virtual_time.max(start) + weight(&job).div_ceil(waiting);
        if let Some(next) = line.jobs.front() {
            self.arrivals += 1;
            line.finish = finish + weight(next);
            self.turns.insert((line.finish, self.arrivals), party);
        }
        Some(job)
    }

    /// Returns the room of a commit.
    fn give_back(&mut self, party: Party, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
        self.commits = self.commits.saturating_sub(1);
        let Some(line) = self.parties.get_mut(&party) else { return };
        line.bytes = line.bytes.saturating_sub(bytes);
        line.commits = line.commits.saturating_sub(1);
    }
}

/// An empty commit counts as well, so that many of them take turns too.
fn weight(job: &Job) -> u64 {
    job.bytes.max(1) as u64
}

#[cfg(test)]
mod tests;
