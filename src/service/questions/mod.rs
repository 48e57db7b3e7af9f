//! The gate of long questions. Few run at once, so that the writer and short calls find the
//! processor free. The others wait in line, and parties take turns.
//!
//! A question runs on a blocking thread and goes in slices (see [`Pace`]). Between two slices it
//! notices that its caller has gone, and then ends and frees its slot. After a few slices it gives
//! its slot to the next party and waits for its next turn. So a short question of one party never
//! waits for the end of another party's long one.

mod line;
mod measures;
#[cfg(test)]
mod tests;

use std::{
    ops::{Deref, DerefMut},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::oneshot;
use tonic::Status;

use self::{
    line::{Line, Refused, Ticket},
    measures::{Measures, Outcome},
};
use super::{
    call::Call,
    errors::{self, Limit},
};
use crate::{
    domain::Party,
    ledger::{GivenUp, Pace, Unhurried, run_blocking},
    limits::{
        QUESTION_TURN_SLICES, QUESTIONS_WAITING_MAX, QUEUE_RETRY_DELAY, REMOTE_QUESTIONS_MAX,
    },
    metrics::Metrics,
};

/// The gate that every long question passes.
#[derive(Clone)]
pub(crate) struct Questions(Arc<Gate>);

struct Gate {
    /// No lock is taken while this one is held, and nothing is sent or dropped that takes it.
    line: Mutex<Line>,
    measures: Measures,
}

/// The line, locked. What it counts is told when the lock is released.
struct Locked<'a> {
    line: MutexGuard<'a, Line>,
    measures: &'a Measures,
}

/// The right to run. Dropping it lets the next question run.
struct Slot {
    gate: Arc<Gate>,
    party: Party,
    /// The question that it is for has not taken it yet, and so would not begin.
    unclaimed: bool,
}

/// A question in the line, from its arrival to its end.
struct Entry {
    gate: Arc<Gate>,
    party: Party,
    id: u64,
    begun: bool,
}

/// Calls a running question off when its caller goes away.
struct Caller {
    gate: Arc<Gate>,
    party: Party,
    id: u64,
    gone: Arc<AtomicBool>,
}

/// A running question's [`Pace`].
pub(crate) struct Turn {
    // The slot is free before the question leaves the line.
    slot: Option<Slot>,
    entry: Entry,
    gone: Arc<AtomicBool>,
    /// Slices since its turn began.
    slices: u32,
}

impl Questions {
    /// A gate that lets this many questions run at once.
    pub(crate) fn new(slots: usize, metrics: &Metrics) -> Self {
        let (line, measures) = (Mutex::new(Line::new(slots)), Measures::of(metrics));
        Self(Arc::new(Gate { line, measures }))
    }

    /// A gate for the reading of large requests, whose number the memory of all requests bounds. It
    /// is not measured: such a request asks no question.
    pub(crate) fn of_requests(slots: usize) -> Self {
        let (line, measures) = (Mutex::new(Line::unbounded(slots)), Measures::default());
        Self(Arc::new(Gate { line, measures }))
    }

    /// Asks a question on a blocking thread, when it is its turn. The question calls
    /// [`Pace::step`] between two slices, and ends with the error that this gives. Dropping the
    /// future calls the question off: one that waits never runs, one that runs ends at its next
    /// step.
    ///
    /// # Errors
    /// The question's own; RESOURCE_EXHAUSTED/QUEUE_FULL if too many questions wait.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        call: &Call,
        question: impl FnOnce(&mut Turn) -> Result<T, Status> + Send + 'static,
    ) -> Result<T, Status> {
        let mut outcome = Outcome::new(&self.0.measures, call.deadline);
        let entered = self.enter(call);
        let (mut entry, turn) = entered.inspect_err(|_| outcome.refused())?;
        let slot = turn.await.inspect_err(|_| outcome.refused());
        let mut slot = slot.map_err(|_| refused(Refused::Waiting))?;
        slot.unclaimed = false;
        entry.begun = true;
        let gone = Arc::new(AtomicBool::new(false));
        let Entry { party, id, .. } = entry;
        let gate = Arc::clone(&self.0);
        let _caller = Caller { gate, party, id, gone: Arc::clone(&gone) };
        let mut turn = Turn { slot: Some(slot), entry, gone, slices: 0 };
        let answer = run_blocking(move || question(&mut turn)).await;
        outcome.answered();
        answer?
    }

    /// Does short work at once, and long work when it is its turn.
    ///
    /// # Errors
    /// As for [`Questions::ask`].
    pub(crate) async fn ask_if<T: Send + 'static>(
        &self,
        is_long: bool,
        call: &Call,
        work: impl FnOnce(&mut dyn Pace) -> Result<T, Status> + Send + 'static,
    ) -> Result<T, Status> {
        if is_long { self.ask(call, |turn| work(turn)).await } else { work(&mut Unhurried) }
    }

    /// Enters the line. The receiver gets a slot when it is the question's turn; it is closed if
    /// the question is refused in favour of others.
    fn enter(&self, call: &Call) -> Result<(Entry, oneshot::Receiver<Slot>), Status> {
        let (go, turn) = oneshot::channel();
        let entered = self.0.lock().enter(call.party, call.deadline, go);
        let (id, evicted) = entered.map_err(refused)?;
        drop(evicted);
        let entry = Entry { gate: Arc::clone(&self.0), party: call.party, id, begun: false };
        self.0.dispatch();
        Ok((entry, turn))
    }
}

impl Deref for Locked<'_> {
    type Target = Line;

    fn deref(&self) -> &Line {
        &self.line
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Line {
        &mut self.line
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        self.measures.tell(&self.line);
    }
}

impl Gate {
    fn lock(&self) -> Locked<'_> {
        Locked { line: self.line.lock(), measures: &self.measures }
    }

    /// Gives the free slots to the questions whose turn it is.
    fn dispatch(self: &Arc<Self>) {
        loop {
            let next = self.lock().next();
            let Some((party, ticket, begins)) = next else { return };
            self.send(party, ticket, begins);
        }
    }

    /// Sends a slot to a question. If its caller has gone, the slot comes back and is dropped.
    fn send(self: &Arc<Self>, party: Party, ticket: Ticket, begins: bool) {
        let slot = Slot { gate: Arc::clone(self), party, unclaimed: begins };
        drop(ticket.go.send(slot));
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.gate.lock().release(self.party, self.unclaimed);
        self.gate.dispatch();
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let left = self.gate.lock().leave(self.party, self.id, self.begun);
        drop(left);
        self.gate.dispatch();
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::SeqCst);
        let paused = self.gate.lock().take_paused(self.party, self.id);
        drop(paused);
    }
}

impl Turn {
    /// Lets other parties have their turn, if some wait.
    fn give_way(&mut self) -> Result<(), GivenUp> {
        let Entry { gate, party, id, .. } = &self.entry;
        let mut line = gate.lock();
        if self.gone.load(Ordering::SeqCst) {
            return Err(GivenUp);
        }
        if !line.others_wait(*party) {
            return Ok(());
        }
        let (go, turn) = oneshot::channel();
        line.pause(*party, Ticket { id: *id, deadline: None, go });
        drop(line);
        // The slot goes to the next party, and comes back when it is this one's turn again.
        self.slot = None;
        self.slot = Some(turn.blocking_recv().map_err(|_| GivenUp)?);
        Ok(())
    }
}

impl Pace for Turn {
    fn step(&mut self) -> Result<(), GivenUp> {
        if self.gone.load(Ordering::SeqCst) {
            return Err(GivenUp);
        }
        self.slices += 1;
        if self.slices < QUESTION_TURN_SLICES {
            return Ok(());
        }
        self.slices = 0;
        self.give_way()
    }
}

/// A question that is not asked: RESOURCE_EXHAUSTED, with the time after which to try again.
fn refused(refused: Refused) -> Status {
    let (text, limit) = match refused {
        Refused::Waiting => ("too many questions wait for their turn", QUESTIONS_WAITING_MAX),
        Refused::Remote => ("too many questions of this address run or wait", REMOTE_QUESTIONS_MAX),
    };
    let (limit, retry) = (limit as u64, Some(QUEUE_RETRY_DELAY));
    errors::queue_full(text, Limit { limit, unit: "questions", retry, ..Limit::default() })
}

impl From<GivenUp> for Status {
    #[allow(clippy::disallowed_methods)] // it needs no details
    fn from(given_up: GivenUp) -> Self {
        // Nobody reads it: the caller has gone.
        Self::cancelled(given_up.to_string())
    }
}
