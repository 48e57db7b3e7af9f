//! Measures how long the register is locked: each hold of the writer, slice by slice, and each hold
//! of a reader. That costs two looks at the clock and two additions, a few hundredths of the
//! shortest question.

use std::{fmt, ops::Deref, sync::Arc, time::Duration};

use super::{clock::Clock, state::RegisterGuard};
use crate::{
    metrics::{DurationHistogram, Metrics},
    register::Register,
};

/// The lengths of all holds.
pub(super) struct Holds {
    clock: Arc<dyn Clock>,
    read: DurationHistogram,
    write: DurationHistogram,
}

impl Holds {
    pub(super) fn new(clock: Arc<dyn Clock>, metrics: &Metrics) -> Self {
        let of = |mode| metrics.register_hold_seconds.with([mode]);
        Self { clock, read: of("read"), write: of("write") }
    }

    /// Begins a hold of a reader.
    pub(super) fn read(&self) -> Hold<'_> {
        self.begin(&self.read)
    }

    /// Begins a hold of the writer.
    pub(super) fn write(&self) -> Hold<'_> {
        self.begin(&self.write)
    }

    fn begin<'a>(&'a self, lengths: &'a DurationHistogram) -> Hold<'a> {
        Hold { clock: &*self.clock, lengths, since: self.clock.monotonic() }
    }
}

impl fmt::Debug for Holds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Holds").finish_non_exhaustive()
    }
}

/// A hold of the register, measured until dropped.
pub(super) struct Hold<'a> {
    clock: &'a dyn Clock,
    lengths: &'a DurationHistogram,
    since: Duration,
}

impl Hold<'_> {
    /// Ends the hold and begins the next one.
    pub(super) fn split(&mut self) {
        let now = self.clock.monotonic();
        self.lengths.observe(now.saturating_sub(self.since));
        self.since = now;
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.split();
    }
}

/// Read access to the register, held and measured as long as the guard lives.
pub struct MeasuredGuard<'a> {
    // The lock is released before the length is noted.
    guard: RegisterGuard<'a>,
    _hold: Hold<'a>,
}

impl<'a> MeasuredGuard<'a> {
    /// Measures a hold that has just begun.
    pub(super) fn new(guard: RegisterGuard<'a>, holds: &'a Holds) -> Self {
        Self { guard, _hold: holds.read() }
    }
}

impl Deref for MeasuredGuard<'_> {
    type Target = Register;

    fn deref(&self) -> &Register {
        &self.guard
    }
}
