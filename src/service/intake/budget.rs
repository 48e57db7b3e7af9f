//! The memory of all requests in flight, shared fairly among parties.
//!
//! A request's bytes count from their arrival until it is answered. One party may use the whole
//! budget. When it is used up, the party that holds the most gives way (max-min fairness): its
//! newest request that still arrives is given up, so a newcomer with little is served beside a
//! flood. A request that has reached its handler is never given up: what it does may be done
//! already. A reserve for small holdings bridges the time until such requests are answered.

use std::{
    collections::HashMap,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;

use crate::{
    domain::{Claim, Holdings, Party},
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

#[derive(Debug)]
struct State {
    /// Where the bytes in flight are told.
    told: Gauge,
    /// Tickets given out.
    given: u64,
    /// Bytes of all tickets. Those of a request that waits for its bytes can be revoked.
    holdings: Holdings,
    /// Requests that wait for their bytes.
    waiting: HashMap<Claim, Waker>,
}

/// No room is left for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoRoom {
    /// The bound that was met.
    pub(super) limit: usize,
}

/// The bytes of one request, or of what it reads. They are free once it is dropped.
#[derive(Debug)]
pub(crate) struct Ticket {
    budget: Arc<Budget>,
    claim: Claim,
    bytes: usize,
    /// True once it is among those that can be given up.
    waits: bool,
}

impl Budget {
    /// A budget of so many bytes, beside the reserve for small holdings.
    pub(super) fn new(bytes_max: usize, metrics: &Metrics) -> Arc<Self> {
        metrics.in_flight_limit_bytes.set(bytes_max as u64);
        let told = metrics.in_flight_bytes.clone();
        let holdings = Holdings::ordered_from(LARGE_HOLDING_BYTES_MIN as u64);
        let state = State { told, given: 0, holdings, waiting: HashMap::new() };
        Arc::new(Self { bytes_max, state: Mutex::new(state) })
    }

    /// A ticket for a request that has arrived, with its first bytes.
    pub(super) fn admit(self: &Arc<Self>, party: Party, bytes: usize) -> Result<Ticket, NoRoom> {
        let id = {
            let mut state = self.state.lock();
            state.given += 1;
            state.given
        };
        let (budget, claim) = (Arc::clone(self), Claim { party, id });
        let mut ticket = Ticket { budget, claim, bytes: 0, waits: false };
        ticket.charge(bytes)?;
        Ok(ticket)
    }

    /// Bytes that all requests hold.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        usize::try_from(self.state.lock().holdings.held()).unwrap_or(usize::MAX)
    }

    /// Parties with a request.
    #[cfg(test)]
    pub(super) fn parties(&self) -> usize {
        self.state.lock().holdings.parties()
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
        if self.waits && !state.waiting.contains_key(&self.claim) {
            // Given up, and its bytes are free.
            (self.bytes, self.waits) = (0, false);
            return Err(NoRoom { limit });
        }
        let party = self.claim.party;
        let own = state.holdings.of(party) + bytes as u64;
        if party.is_bounded() && own > PARTY_IN_FLIGHT_BYTES_MAX as u64 {
            return Err(NoRoom { limit: PARTY_IN_FLIGHT_BYTES_MAX });
        }
        let given_up =
            state.make_room(party, bytes as u64, limit as u64).ok_or(NoRoom { limit })?;
        self.bytes += bytes;
        state.holdings.set(self.claim, self.bytes as u64, self.waits);
        state.tell();
        drop(state);
        // Waking tasks takes other locks, so it waits until this one is free.
        given_up.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// Takes bytes off the request that were freed. It must be settled.
    pub(super) fn refund(&mut self, bytes: usize) {
        debug_assert!(!self.waits, "a request that waits may have been given up");
        self.bytes -= bytes.min(self.bytes);
        let mut state = self.budget.state.lock();
        state.holdings.set(self.claim, self.bytes as u64, false);
        state.tell();
    }

    /// Notes that the request waits for its bytes, and can be given up until [`Ticket::settle`].
    /// Ready once it is.
    pub(super) fn poll_given_up(&mut self, context: &Context<'_>) -> Poll<NoRoom> {
        let limit = self.budget.bytes_max;
        let mut state = self.budget.state.lock();
        match state.waiting.get_mut(&self.claim) {
            Some(waker) => waker.clone_from(context.waker()),
            None if self.waits => {
                (self.bytes, self.waits) = (0, false);
                return Poll::Ready(NoRoom { limit });
            }
            None => {
                state.waiting.insert(self.claim, context.waker().clone());
                state.holdings.set(self.claim, self.bytes as u64, true);
                self.waits = true;
            }
        }
        Poll::Pending
    }

    /// Ends the time in which the request can be given up.
    pub(super) fn settle(&mut self) -> Result<(), NoRoom> {
        if !std::mem::take(&mut self.waits) {
            return Ok(());
        }
        let mut state = self.budget.state.lock();
        if state.waiting.remove(&self.claim).is_some() {
            state.holdings.set(self.claim, self.bytes as u64, false);
            return Ok(());
        }
        self.bytes = 0;
        Err(NoRoom { limit: self.budget.bytes_max })
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let waker = {
            let mut state = self.budget.state.lock();
            // One that was given up holds nothing any more.
            state.holdings.remove(self.claim);
            state.tell();
            state.waiting.remove(&self.claim)
        };
        // It may be the last of its task, which ends without the lock.
        drop(waker);
    }
}

impl State {
    fn tell(&self) {
        self.told.set(self.holdings.held());
    }

    /// Makes room for bytes of a party; gives the requests that are given up for it. `None` if
    /// nobody holds more who can give way, and then nobody has.
    fn make_room(&mut self, party: Party, bytes: u64, limit: u64) -> Option<Vec<Waker>> {
        if let Some(victims) = self.holdings.victims(party, bytes, limit) {
            let give_up = |claim: Claim| {
                self.holdings.remove(claim);
                self.waiting.remove(&claim)
            };
            return Some(victims.into_iter().filter_map(give_up).collect());
        }
        let is_small = self.holdings.of(party) + bytes <= SMALL_HOLDING_BYTES_MAX as u64;
        let limit = limit + IN_FLIGHT_RESERVE_BYTES as u64;
        (is_small && self.holdings.held() + bytes <= limit).then(Vec::new)
    }
}
