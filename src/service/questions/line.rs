//! The line before the gate: who runs next. Parties take turns. Within a party the questions that
//! have begun come first, then the one whose deadline is earliest.

use std::collections::{HashMap, VecDeque};

use tokio::{sync::oneshot, time::Instant};

use super::Slot;
use crate::{
    domain::{Claim, Holdings, Party},
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
    remote_max: u64,
    running: usize,
    /// Questions that have begun and not ended, running or paused.
    begun: usize,
    /// Questions that have not begun.
    waiting: usize,
    /// All questions, those that run included. One that has begun cannot be revoked.
    held: Holdings,
    parties: HashMap<Party, Asking>,
    /// The parties with a question that waits to begin or to go on. The first one is next.
    turns: VecDeque<Party>,
    next_id: u64,
}

/// The questions of one party that wait.
#[derive(Default)]
struct Asking {
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

    /// Takes a question that has not begun.
    fn take_waiting(&mut self, id: u64) -> Option<Ticket> {
        self.take(|waiting| waiting.iter().enumerate().find(|(_, ticket)| ticket.id == id))
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
            remote_max: REMOTE_QUESTIONS_MAX as u64,
            running: 0,
            begun: 0,
            waiting: 0,
            held: Holdings::default(),
            parties: HashMap::new(),
            turns: VecDeque::new(),
            next_id: 0,
        }
    }

    /// A line of any length: something else bounds what waits in it.
    pub(super) fn unbounded(slots: usize) -> Self {
        Self { waiting_max: usize::MAX, remote_max: u64::MAX, ..Self::new(slots) }
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
        if party.is_bounded() && self.held.of(party) >= self.remote_max {
            return Err(Refused::Remote);
        }
        let is_full = self.waiting >= self.waiting_max;
        let evicted = if is_full { Some(self.evict_for(party)?) } else { None };
        let id = self.next_id;
        self.next_id += 1;
        self.waiting += 1;
        self.held.set(Claim { party, id }, 1, true);
        self.parties.entry(party).or_default().waiting.push(Ticket { id, deadline, go });
        self.queue(party);
        Ok((id, evicted))
    }

    /// Takes the newest waiting question of the party with the most, if that has more than another
    /// party would with one more.
    fn evict_for(&mut self, party: Party) -> Result<Ticket, Refused> {
        let victims = self.held.victims(party, 1, self.held.held());
        let victim = victims.and_then(|victims| victims.into_iter().next());
        let Claim { party, id } = victim.ok_or(Refused::Waiting)?;
        self.leave(party, id, false).ok_or(Refused::Waiting)
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
            self.held.set(Claim { party, id: ticket.id }, 1, false);
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
        self.held.remove(Claim { party, id });
        let taken = self.parties.get_mut(&party).and_then(|asking| asking.take_waiting(id));
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
        if self.held.of(party) == 0 {
            self.parties.remove(&party);
        }
    }
}
