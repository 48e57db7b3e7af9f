//! The memory of all requests in flight, shared fairly among parties.
//!
//! A request's bytes count from their arrival until it is answered. One party may use the whole
//! budget. When it is used up, the party that holds the most gives way (max-min fairness): its
//! newest request that still arrives is given up, so a newcomer with little is served beside a
//! flood. A request that has reached its handler is never given up: what it does may be done
//! already. A reserve for small holdings bridges the time until such requests are answered.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;

use crate::{
    domain::Party,
    limits::{
        IN_FLIGHT_RESERVE_BYTES, LARGE_HOLDING_BYTES_MIN, PARTY_IN_FLIGHT_BYTES_MAX,
        SMALL_HOLDING_BYTES_MAX,
    },
    metrics::{Gauge, Metrics},
};

/// The budget of all requests in flight.
#[derive(Debug)]
pub(crate) struct Budget {
    bytes_max: usize,
    /// No other lock is taken while this one is held.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    held: usize,
    /// Where that is told.
    told: Gauge,
    /// Tickets given out.
    given: u64,
    parties: HashMap<Party, Holding>,
    /// Holdings of at least `LARGE_HOLDING_BYTES_MIN`, in order of size.
    large: BTreeSet<(usize, Party)>,
}

/// What the requests of a party hold.
#[derive(Debug, Default)]
struct Holding {
    bytes: usize,
    tickets: usize,
    /// Requests that wait for their bytes, by age, so that they can be given up.
    waiting: BTreeMap<u64, Waiting>,
}

#[derive(Debug)]
struct Waiting {
    bytes: usize,
    waker: Waker,
}

/// No room is left for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoRoom {
    /// The bound that was met.
    pub(super) limit: usize,
}

/// The bytes of one request. They are free once it is dropped.
#[derive(Debug)]
pub(super) struct Ticket {
    budget: Arc<Budget>,
    party: Party,
    number: u64,
    bytes: usize,
    /// True once it is among those that can be given up.
    waits: bool,
}

impl Budget {
    /// A budget of so many bytes, beside the reserve for small holdings.
    pub(super) fn new(bytes_max: usize, metrics: &Metrics) -> Arc<Self> {
        metrics.in_flight_limit_bytes.set(bytes_max as u64);
        let told = metrics.in_flight_bytes.clone();
        Arc::new(Self { bytes_max, state: Mutex::new(State { told, ..State::default() }) })
    }

    /// A ticket for a request that has arrived, with its first bytes.
    pub(super) fn admit(self: &Arc<Self>, party: Party, bytes: usize) -> Result<Ticket, NoRoom> {
        let number = {
            let mut state = self.state.lock();
            state.given += 1;
            state.parties.entry(party).or_default().tickets += 1;
            state.given
        };
        let budget = Arc::clone(self);
        let mut ticket = Ticket { budget, party, number, bytes: 0, waits: false };
        ticket.charge(bytes)?;
        Ok(ticket)
    }

    /// Bytes that all requests hold.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.state.lock().held
    }

    /// Parties with a request.
    #[cfg(test)]
    pub(super) fn parties(&self) -> usize {
        self.state.lock().parties.len()
    }
}

impl Ticket {
    /// Bytes that the request holds.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds bytes to the request.
    pub(super) fn charge(&mut self, bytes: usize) -> Result<(), NoRoom> {
        let limit = self.budget.bytes_max;
        let mut state = self.budget.state.lock();
        if self.waits && !state.waits(self.party, self.number) {
            // Given up, and its bytes are free.
            (self.bytes, self.waits) = (0, false);
            return Err(NoRoom { limit });
        }
        let held = state.parties.get(&self.party).map_or(0, |holding| holding.bytes);
        if self.party.is_remote() && held + bytes > PARTY_IN_FLIGHT_BYTES_MAX {
            return Err(NoRoom { limit: PARTY_IN_FLIGHT_BYTES_MAX });
        }
        if !state.make_room(self.party, held + bytes, bytes, limit) {
            return Err(NoRoom { limit });
        }
        state.change(self.party, |holding| holding + bytes);
        self.bytes += bytes;
        if self.waits {
            let holding = state.parties.get_mut(&self.party);
            let waiting = holding.and_then(|holding| holding.waiting.get_mut(&self.number));
            waiting.into_iter().for_each(|waiting| waiting.bytes += bytes);
        }
        Ok(())
    }

    /// Takes bytes off the request that were freed. It must be settled.
    pub(super) fn refund(&mut self, bytes: usize) {
        debug_assert!(!self.waits, "a request that waits may have been given up");
        let bytes = bytes.min(self.bytes);
        self.budget.state.lock().change(self.party, |holding| holding - bytes);
        self.bytes -= bytes;
    }

    /// Notes that the request waits for its bytes, and can be given up until [`Ticket::settle`].
    /// Ready once it is.
    pub(super) fn poll_given_up(&mut self, context: &Context<'_>) -> Poll<NoRoom> {
        let limit = self.budget.bytes_max;
        let mut state = self.budget.state.lock();
        let known = state.waits(self.party, self.number);
        if self.waits && !known {
            (self.bytes, self.waits) = (0, false);
            return Poll::Ready(NoRoom { limit });
        }
        if let Some(holding) = state.parties.get_mut(&self.party) {
            let waiting = Waiting { bytes: self.bytes, waker: context.waker().clone() };
            holding.waiting.insert(self.number, waiting);
            self.waits = true;
        }
        Poll::Pending
    }

    /// Ends the time in which the request can be given up.
    pub(super) fn settle(&mut self) -> Result<(), NoRoom> {
        if !self.waits {
            return Ok(());
        }
        self.waits = false;
        let mut state = self.budget.state.lock();
        let holding = state.parties.get_mut(&self.party);
        if holding.and_then(|holding| holding.waiting.remove(&self.number)).is_some() {
            return Ok(());
        }
        self.bytes = 0;
        Err(NoRoom { limit: self.budget.bytes_max })
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        // One that was given up holds nothing any more.
        if self.settle().is_err() {
            self.bytes = 0;
        }
        let mut state = self.budget.state.lock();
        state.change(self.party, |holding| holding - self.bytes);
        if let Some(holding) = state.parties.get_mut(&self.party) {
            holding.tickets -= 1;
            if holding.tickets == 0 {
                state.parties.remove(&self.party);
            }
        }
    }
}

impl State {
    fn waits(&self, party: Party, number: u64) -> bool {
        self.parties.get(&party).is_some_and(|holding| holding.waiting.contains_key(&number))
    }

    /// Makes room for bytes of a party, which will then hold `mine`. False if nobody holds more
    /// who can give way.
    fn make_room(&mut self, party: Party, mine: usize, bytes: usize, limit: usize) -> bool {
        while self.held + bytes > limit {
            let larger = self.large.iter().rev().take_while(|(held, _)| *held > mine);
            let gives_way = |other: &Party| {
                let holding = self.parties.get(other);
                *other != party && holding.is_some_and(|holding| !holding.waiting.is_empty())
            };
            let found = larger.map(|(_, other)| *other).find(gives_way);
            let Some(other) = found else {
                let is_small = mine <= SMALL_HOLDING_BYTES_MAX;
                return is_small && self.held + bytes <= limit + IN_FLIGHT_RESERVE_BYTES;
            };
            self.give_up(other);
        }
        true
    }

    /// Gives up the newest request of a party that waits for its bytes.
    fn give_up(&mut self, party: Party) {
        let holding = self.parties.get_mut(&party);
        let newest = holding.and_then(|holding| holding.waiting.pop_last());
        if let Some((_, waiting)) = newest {
            self.change(party, |holding| holding - waiting.bytes);
            waiting.waker.wake();
        }
    }

    /// Changes what a party holds.
    fn change(&mut self, party: Party, change: impl FnOnce(usize) -> usize) {
        let Some(holding) = self.parties.get_mut(&party) else { return };
        let (before, after) = (holding.bytes, change(holding.bytes));
        holding.bytes = after;
        self.held = self.held - before + after;
        self.told.set(self.held as u64);
        if before != after {
            if before >= LARGE_HOLDING_BYTES_MIN {
                self.large.remove(&(before, party));
            }
            if after >= LARGE_HOLDING_BYTES_MIN {
                self.large.insert((after, party));
            }
        }
    }
}
