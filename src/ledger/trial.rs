//! Trials: whether a commit would be accepted, and what it would change. Nothing is recorded.
//!
//! A trial is decided at the durable size, over an overlay of its own. It takes the register's read
//! lock alone, for one event at a time, so it delays neither the writer nor other readers.
//! Meanwhile the register may grow: the answer is that of the size at which the trial began.

use super::{
    AppendError, Commit, Durable, GivenUp, Ledger, Pace, Receipt,
    entitled::Entitled,
    judging::{Judging, require_precondition, version_of},
};
use crate::{
    limits::{LOG_EVENTS_MAX, REJECTIONS_MAX, TRIAL_SLICE_EVENTS},
    register::{Change, Overlay},
};

/// A running trial: the ledger, and what the events judged so far add to it.
struct Trial<'a, P> {
    ledger: &'a Ledger,
    overlay: Overlay,
    pace: &'a mut P,
    /// Events of the slice so far.
    steps: usize,
}

impl Ledger {
    /// Decides a commit as the writer would decide it at the durable size, and records nothing. It
    /// may read the disk to confirm a repeated request: run it on a thread that may block.
    ///
    /// A repeated request gets its first answer.
    ///
    /// # Errors
    /// [`GivenUp`] if the pace ends it; otherwise the result is the answer to the trial.
    pub fn trial(
        &self,
        commit: &Commit,
        pace: &mut impl Pace,
    ) -> Result<Result<Receipt, AppendError>, GivenUp> {
        self.shared.metrics.trials_total.inc();
        match self.begin_trial(commit, pace) {
            Ok(Begun::Trial(durable, entitled)) => {
                self.decide_trial(Judging::of(commit, entitled), commit, durable, pace)
            }
            Ok(Begun::Repeat(receipt)) => Ok(Ok(receipt)),
            Err(NotBegun::Refused(error)) => Ok(Err(error)),
            Err(NotBegun::GivenUp(given_up)) => Err(given_up),
        }
    }

    fn begin_trial(&self, commit: &Commit, pace: &mut impl Pace) -> Result<Begun, NotBegun> {
        self.queue.require_open()?;
        let entitled = Entitled::under(&self.policy(), commit, true)?;
        let durable = self.durable();
        if let Some(request) = &commit.request
            && let Some(first) =
                self.shared.find_recorded(&commit.recorded_by, request, durable.size)?
        {
            return Ok(Begun::Repeat(first.replay(&request.0, &request.1)?));
        }
        if let Some(precondition) = &commit.precondition {
            let mut asked = 0;
            require_precondition(precondition, durable.size, |id| {
                asked += 1;
                if asked % TRIAL_SLICE_EVENTS == 0 {
                    pace.step()?;
                }
                Ok::<_, NotBegun>(version_of(&self.register(), id, durable.size))
            })?;
        }
        if durable.size + commit.proposals.len() as u64 > LOG_EVENTS_MAX {
            return Err(AppendError::LogFull.into());
        }
        Ok(Begun::Trial(durable, entitled))
    }

    fn decide_trial(
        &self,
        mut judging: Judging,
        commit: &Commit,
        durable: Durable,
        pace: &mut impl Pace,
    ) -> Result<Result<Receipt, AppendError>, GivenUp> {
        let overlay = Overlay::new(durable.extent, &self.register());
        let mut trial = Trial { ledger: self, overlay, pace, steps: 0 };
        let accepted = match trial.judge_all(commit, &mut judging)? {
            Ok(accepted) => accepted,
            Err(error) => return Ok(Err(error)),
        };
        let (changes, change_count) = trial.changes(durable.size, &accepted)?;
        let Judging { rejections, warnings, .. } = judging;
        Ok(Ok(Receipt {
            first: durable.size,
            next: durable.size + commit.proposals.len() as u64,
            recorded_micros: None,
            replayed: false,
            warnings,
            rejections,
            changes,
            change_count,
        }))
    }
}

/// How a trial begins.
enum Begun {
    /// It is decided at this durable size, with the rights to judge.
    Trial(Durable, Option<Entitled>),
    /// The request was recorded before, with this answer.
    Repeat(Receipt),
}

/// Why a trial does not begin.
enum NotBegun {
    Refused(AppendError),
    GivenUp(GivenUp),
}

impl From<AppendError> for NotBegun {
    fn from(error: AppendError) -> Self {
        Self::Refused(error)
    }
}

impl From<GivenUp> for NotBegun {
    fn from(given_up: GivenUp) -> Self {
        Self::GivenUp(given_up)
    }
}

impl<P: Pace> Trial<'_, P> {
    /// Judges the events in turn. Gives the indexes of those that are accepted.
    fn judge_all(
        &mut self,
        commit: &Commit,
        judging: &mut Judging,
    ) -> Result<Result<Vec<usize>, AppendError>, GivenUp> {
        let mut accepted = Vec::new();
        for proposal in &commit.proposals {
            let register = self.ledger.register();
            let layers = self.overlay.over(&register);
            match judging.judge(layers, self.ledger.catalogues(), proposal) {
                Ok(true) => {
                    self.overlay.apply(&register, &proposal.event);
                    accepted.push(proposal.index);
                }
                Ok(false) => {}
                Err(error) => return Ok(Err(error)),
            }
            drop(register);
            self.step()?;
        }
        if let Err(error) = judging.require_entitled() {
            return Ok(Err(error));
        }
        Ok(Ok(accepted))
    }

    /// The first changes that the accepted events make, each with the index of its event, and the
    /// number of all.
    fn changes(
        &mut self,
        first: u64,
        accepted: &[usize],
    ) -> Result<(Vec<(usize, Change)>, usize), GivenUp> {
        let (mut changes, mut count) = (Vec::new(), 0);
        for (position, index) in (first..).zip(accepted) {
            let register = self.ledger.register();
            let layers = self.overlay.over(&register);
            let of_event = layers.changes(self.ledger.catalogues(), position);
            drop(register);
            count += of_event.len();
            let room = REJECTIONS_MAX - changes.len();
            changes.extend(of_event.into_iter().take(room).map(|change| (*index, change)));
            self.step()?;
        }
        Ok((changes, count))
    }

    /// Ends a slice after some events. No lock is held.
    fn step(&mut self) -> Result<(), GivenUp> {
        self.steps += 1;
        if self.steps < TRIAL_SLICE_EVENTS {
            return Ok(());
        }
        self.steps = 0;
        self.pace.step()
    }
}
