//! Signs of life while a command works: a bar on a terminal, now and then a line elsewhere.
//!
//! They go to standard error, so that what a command prints stays what a program reads.

use std::{
    fmt,
    io::{self, IsTerminal as _},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use parking_lot::Mutex;

use super::{eprint_line, waiting::OtherSign};
use crate::{lang::say, limits::WAITING_LINE_INTERVAL};

/// A bar that nothing moves is drawn anew, so that its clock moves.
pub(super) const TICK: Duration = Duration::from_millis(250);

/// The progress of a command.
pub(crate) struct Progress {
    bar: ProgressBar,
    /// What is done: `recording`.
    what: &'static str,
    /// The unit of what is counted: `events`.
    unit: &'static str,
    /// When a line came last, for a log. `None`: a terminal has the bar, or nothing is shown.
    last_line: Option<Mutex<Duration>>,
    /// `None` for one that shows nothing.
    _sign: Option<OtherSign>,
}

impl Progress {
    /// A progress over `total` units; 0 while the total is not known.
    pub(crate) fn new(what: &'static str, unit: &'static str, total: u64) -> Self {
        let is_terminal = io::stderr().is_terminal();
        let target =
            if is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        let rest = say!(en: "ETA {{eta}}", zh: "剩余 {{eta}}");
        let template = format!(
            "{{spinner}} {what} {{bar:30}} {{human_pos}}/{{human_len}} {unit}, {{rate}}, {rest}"
        );
        // A bar without a template still counts.
        if let Ok(style) = ProgressStyle::with_template(&template) {
            let rate = |state: &ProgressState, text: &mut dyn fmt::Write| {
                // A text takes whatever is written to it.
                let _ = write!(text, "{:.0}/s", state.per_sec());
            };
            bar.set_style(style.with_key("rate", rate));
        }
        if is_terminal {
            bar.enable_steady_tick(TICK);
        }
        let last_line = (!is_terminal).then(Mutex::default);
        Self { bar, what, unit, last_line, _sign: Some(OtherSign::begin()) }
    }

    /// One that shows nothing: its command prints for programs.
    pub(crate) fn hidden() -> Self {
        Self { bar: ProgressBar::hidden(), what: "", unit: "", last_line: None, _sign: None }
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
        let Some(last_line) = &self.last_line else { return };
        let elapsed = self.bar.elapsed();
        let mut last = last_line.lock();
        if elapsed < last.saturating_add(WAITING_LINE_INTERVAL) {
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
