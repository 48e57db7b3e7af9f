//! Signs of life while a command works: a bar on a terminal, now and then a line elsewhere.
//!
//! They go to standard error, so that what a command prints stays what a program reads.

use std::{
    io::{self, IsTerminal as _},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use parking_lot::Mutex;

use super::eprint_line;
use crate::lang::say;

/// Between two lines where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(10);
/// A bar that nothing moves is drawn anew, so that its clock moves.
const TICK: Duration = Duration::from_millis(250);

/// The progress of a command.
pub(crate) struct Progress {
    bar: ProgressBar,
    /// What is done: `recording`.
    what: &'static str,
    /// The unit of what is counted: `events`.
    unit: &'static str,
    /// When a line came last, for a log.
    last_line: Mutex<Duration>,
    is_terminal: bool,
}

impl Progress {
    /// A progress over `total` units; 0 while the total is not known.
    pub(crate) fn new(what: &'static str, unit: &'static str, total: u64) -> Self {
        let is_terminal = io::stderr().is_terminal();
        let target =
            if is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        let rest = say!(en: "ETA {{eta}}", zh: "剩余 {{eta}}");
        let template =
            format!("{what} {{bar:30}} {{human_pos}}/{{human_len}} {unit}, {{per_sec}}, {rest}");
        // A bar without a template still counts.
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        if is_terminal {
            bar.enable_steady_tick(TICK);
        }
        Self { bar, what, unit, last_line: Mutex::new(Duration::ZERO), is_terminal }
    }

    /// One that shows nothing: its command prints for programs.
    pub(crate) fn hidden() -> Self {
        Self {
            bar: ProgressBar::hidden(),
            what: "",
            unit: "",
            last_line: Mutex::new(Duration::MAX),
            is_terminal: true,
        }
    }

    /// States the total, once it is known.
    pub(crate) fn set_total(&self, total: u64) {
        self.bar.set_length(total);
    }

    /// States how much is done.
    pub(crate) fn set(&self, done: u64) {
        self.bar.set_position(done);
        self.line(done);
    }

    /// Adds to what is done.
    pub(crate) fn add(&self, done: u64) {
        self.bar.inc(done);
        self.line(self.bar.position());
    }

    /// Prints something with the bar out of the way.
    pub(crate) fn suspend<R>(&self, print: impl FnOnce() -> R) -> R {
        self.bar.suspend(print)
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Where there is no terminal: a line, at most every ten seconds.
    fn line(&self, done: u64) {
        if self.is_terminal {
            return;
        }
        let elapsed = self.bar.elapsed();
        let mut last = self.last_line.lock();
        if elapsed < last.saturating_add(LINE_INTERVAL) {
            return;
        }
        *last = elapsed;
        drop(last);
        let Self { what, unit, .. } = self;
        match self.bar.length() {
            Some(total) if total > 0 => eprint_line(&say!(
                en: "{what}: {done} of {total} {unit}", zh: "{what}：{done}/{total} {unit}"
            )),
            _ => eprint_line(&say!(en: "{what}: {done} {unit}", zh: "{what}：{done} {unit}")),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
