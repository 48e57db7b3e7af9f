//! The line before the gate: who runs next. Parties take turns. Within a party the questions that
//! have begun come first, then the one whose deadline is earliest.

use std::collections::{HashMap, VecDeque};

use tokio::{sync::oneshot, time::Instant};

use super::Slot;
use crate::{
    domain::Party,
    limits::{QUESTIONS_BEGUN_MAX, QUESTIONS_WAITING_MAX, REMOTE_QUESTIONS_MAX},
};

/// Why a question is not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Too many questions wait, and no other party has more of them.
    Waiting,
    /// A remote party has its full number of questions.
    Remote,
}

/// A question that waits for its turn: to begin, or to go on.
pub(super) struct Ticket {
    /// In order of arrival.
    pub(super) id: u64,
    /// When its caller stops waiting.
    pub(super) deadline: Option<Instant>,
    pub(super) go: oneshot::Sender<Slot>,
}

/// All questions, by party.
pub(super) struct Line {
    slots: usize,
    /// Most questions that wait, and most of one remote party.
    waiting_max: usize,
    remote_max: usize,
    running: usize,
    /// Questions that have begun and not ended, running or paused.
    begun: usize,
    /// Questions that have not begun.
    waiting: usize,
    parties: HashMap<Party, Asking>,
    /// The parties with a question that waits to begin or to go on. The first one is next.
    turns: VecDeque<Party>,
    next_id: u64,
}

/// The questions of one party.
#[derive(Default)]
struct Asking {
    /// All of them, the running ones included.
    held: usize,
    /// Those that have begun and gave way to another party.
    paused: VecDeque<Ticket>,
    /// Those that have not begun.
    waiting: Vec<Ticket>,
}

impl Asking {
    fn rests(&self) -> bool {
        self.paused.is_empty() && self.waiting.is_empty()
    }

    /// Takes the question that must be answered first.
    fn take_first(&mut self) -> Option<Ticket> {
        let due = |ticket: &Ticket| (ticket.deadline.is_none(), ticket.deadline, ticket.id);
        self.take(|waiting| waiting.iter().enumerate().min_by_key(|(_, ticket)| due(ticket)))
    }

    /// Takes the question that came last.
    fn take_newest(&mut self) -> Option<Ticket> {
        self.take(|waiting| waiting.iter().enumerate().max_by_key(|(_, ticket)| ticket.id))
    }

    fn take(
        &mut self,
        choose: impl FnOnce(&[Ticket]) -> Option<(usize, &Ticket)>,
    ) -> Option<Ticket> {
        let (place, _) = choose(&self.waiting)?;
        Some(self.waiting.remove(place))
    }
}

impl Line {
    pub(super) fn new(slots: usize) -> Self {
        Self {
            slots: slots.max(1),
            waiting_max: QUESTIONS_WAITING_MAX,
            remote_max: REMOTE_QUESTIONS_MAX,
            running: 0,
            begun: 0,
            waiting: 0,
            parties: HashMap::new(),
            turns: VecDeque::new(),
            next_id: 0,
        }
    }

    /// A line of any length: something else bounds what waits in it.
    pub(super) fn unbounded(slots: usize) -> Self {
        Self { waiting_max: usize::MAX, remote_max: usize::MAX, ..Self::new(slots) }
    }

    /// Questions that run, that have begun, and that wait to begin.
    pub(super) fn counts(&self) -> (usize, usize, usize) {
        (self.running, self.begun, self.waiting)
    }

    /// Adds a question. If too many wait, the newest one of the party with the most gives way: the
    /// answer holds its ticket, to be dropped without the lock.
    pub(super) fn enter(
        &mut self,
        party: Party,
        deadline: Option<Instant>,
        go: oneshot::Sender<Slot>,
    ) -> Result<(u64, Option<Ticket>), Refused> {
        let held = self.parties.get(&party).map_or(0, |asking| asking.held);
        if party.is_remote() && held >= self.remote_max {
            return Err(Refused::Remote);
        }
        let is_full = self.waiting >= self.waiting_max;
        let evicted = if is_full { Some(self.evict(held + 1)?) } else { None };
        let id = self.next_id;
        self.next_id += 1;
        self.waiting += 1;
        let asking = self.parties.entry(party).or_default();
        asking.held += 1;
        asking.waiting.push(Ticket { id, deadline, go });
        self.queue(party);
        Ok((id, evicted))
    }

    /// Takes the newest waiting question of the party with the most, if that has more than `least`.
    fn evict(&mut self, least: usize) -> Result<Ticket, Refused> {
        let largest = self.parties.iter().filter(|(_, asking)| !asking.waiting.is_empty());
        let largest = largest.max_by_key(|(_, asking)| asking.held).filter(|l| l.1.held > least);
        let party = *largest.ok_or(Refused::Waiting)?.0;
        let newest = self.parties.get_mut(&party).and_then(Asking::take_newest);
        self.waiting -= 1;
        self.forget(party);
        newest.ok_or(Refused::Waiting)
    }

    /// The question whose turn it is, if a slot is free; true if it begins.
    pub(super) fn next(&mut self) -> Option<(Party, Ticket, bool)> {
        if self.running >= self.slots {
            return None;
        }
        let may_begin = self.begun < QUESTIONS_BEGUN_MAX;
        let place = self.turns.iter().position(|party| {
            let asking = self.parties.get(party);
            asking.is_some_and(|asking| may_begin || !asking.paused.is_empty())
        })?;
        let party = self.turns.remove(place)?;
        let asking = self.parties.get_mut(&party)?;
        let (ticket, begins) = match asking.paused.pop_front() {
            Some(paused) => (paused, false),
            None => (asking.take_first()?, true),
        };
        if begins {
            self.waiting -= 1;
            self.begun += 1;
        }
        self.running += 1;
        self.queue(party);
        Some((party, ticket, begins))
    }

    /// Frees a slot. The party that had it comes last; `unclaimed` tells that its question did not
    /// begin.
    pub(super) fn release(&mut self, party: Party, unclaimed: bool) {
        self.running -= 1;
        self.begun -= usize::from(unclaimed);
        self.turns.retain(|other| *other != party);
        self.queue(party);
    }

    /// True if another party waits for a slot.
    pub(super) fn others_wait(&self, party: Party) -> bool {
        self.turns.iter().any(|other| {
            let asking = self.parties.get(other);
            let may_run =
                |asking: &Asking| self.begun < QUESTIONS_BEGUN_MAX || !asking.paused.is_empty();
            *other != party && asking.is_some_and(may_run)
        })
    }

    /// Lets a running question wait for its next turn. Its slot is released next.
    pub(super) fn pause(&mut self, party: Party, ticket: Ticket) {
        if let Some(asking) = self.parties.get_mut(&party) {
            asking.paused.push_back(ticket);
        }
        self.queue(party);
    }

    /// Takes a paused question out of the line.
    pub(super) fn take_paused(&mut self, party: Party, id: u64) -> Option<Ticket> {
        let asking = self.parties.get_mut(&party)?;
        let place = asking.paused.iter().position(|ticket| ticket.id == id)?;
        let taken = asking.paused.remove(place);
        self.forget(party);
        taken
    }

    /// Ends a question, which may still wait.
    pub(super) fn leave(&mut self, party: Party, id: u64, begun: bool) -> Option<Ticket> {
        self.begun -= usize::from(begun);
        let asking = self.parties.get_mut(&party)?;
        asking.held -= 1;
        let place = asking.waiting.iter().position(|ticket| ticket.id == id);
        let taken = place.map(|place| asking.waiting.remove(place));
        self.waiting -= usize::from(taken.is_some());
        self.forget(party);
        taken
    }

    /// Puts a party at the end of the turns if a question of it waits, unless it is there.
    fn queue(&mut self, party: Party) {
        let waits = self.parties.get(&party).is_some_and(|asking| !asking.rests());
        if waits && !self.turns.contains(&party) {
            self.turns.push_back(party);
        }
    }

    /// Takes a party out of the turns if nothing of it waits, and forgets one without questions.
    fn forget(&mut self, party: Party) {
        let Some(asking) = self.parties.get(&party) else { return };
        if asking.rests() {
            self.turns.retain(|other| *other != party);
        }
        if asking.held == 0 {
            self.parties.remove(&party);
        }
    }
}
