//! What the gate tells of its questions.

use tokio::time::Instant;

use super::line::Line;
use crate::metrics::{Counter, Gauge, Metrics};

/// The numbers of questions. By default nobody reads them.
#[derive(Debug, Default)]
pub(super) struct Measures {
    running: Gauge,
    waiting: Gauge,
    answered: Counter,
    cancelled: Counter,
    expired: Counter,
    refused: Counter,
}

impl Measures {
    pub(super) fn of(metrics: &Metrics) -> Self {
        let of = |outcome| metrics.questions_total.with([outcome]);
        Self {
            running: metrics.questions_running.clone(),
            waiting: metrics.questions_waiting.clone(),
            answered: of("answered"),
            cancelled: of("cancelled"),
            expired: of("expired"),
            refused: of("refused"),
        }
    }

    /// Tells how many questions run, and how many wait: to begin, or to go on.
    pub(super) fn tell(&self, line: &Line) {
        let (running, begun, not_begun) = line.counts();
        self.running.set(running as u64);
        self.waiting.set((not_begun + begun.saturating_sub(running)) as u64);
    }
}

/// The end of one question, counted when this is dropped: its caller may go away at any moment.
pub(super) struct Outcome<'a> {
    measures: &'a Measures,
    deadline: Option<Instant>,
    /// `None` as long as its caller waits.
    end: Option<&'a Counter>,
}

impl<'a> Outcome<'a> {
    pub(super) fn new(measures: &'a Measures, deadline: Option<Instant>) -> Self {
        Self { measures, deadline, end: None }
    }

    /// It has an answer, be it an error.
    pub(super) fn answered(&mut self) {
        self.end = Some(&self.measures.answered);
    }

    /// It was not asked.
    pub(super) fn refused(&mut self) {
        self.end = Some(&self.measures.refused);
    }
}

impl Drop for Outcome<'_> {
    fn drop(&mut self) {
        let has_expired = || self.deadline.is_some_and(|deadline| deadline <= Instant::now());
        let end = self.end.unwrap_or_else(|| match has_expired() {
            true => &self.measures.expired,
            false => &self.measures.cancelled,
        });
        end.inc();
    }
}
