//! So many log lines a second and call site.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use parking_lot::Mutex;
use tracing::{Metadata, callsite::Identifier};

use crate::limits::{LOG_SITE_LINES_MAX, LOG_WINDOW};

/// A second of one call site.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// `None` before the first line.
    began: Option<Duration>,
    lines: u32,
    left_out: u64,
}

impl Window {
    /// True if a line at `now` is written. Otherwise it is counted as left out.
    pub(super) fn admits(&mut self, now: Duration) -> bool {
        if self.began.is_none_or(|began| now.saturating_sub(began) >= LOG_WINDOW) {
            (self.began, self.lines) = (Some(now), 0);
        }
        if self.lines < LOG_SITE_LINES_MAX {
            self.lines += 1;
            return true;
        }
        self.left_out += 1;
        false
    }

    /// The lines left out since the last call, once their second is over.
    fn take_left_out(&mut self, now: Duration) -> Option<u64> {
        let is_over = self.began.is_some_and(|began| now.saturating_sub(began) >= LOG_WINDOW);
        (is_over && self.left_out > 0).then(|| std::mem::take(&mut self.left_out))
    }
}

/// A place in the code that writes lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Site {
    pub(super) target: &'static str,
    pub(super) file: &'static str,
    pub(super) line: u32,
}

/// The call sites that have written lines. The code bounds their number.
#[derive(Debug, Default)]
pub(super) struct SiteLimits {
    windows: Mutex<HashMap<Identifier, (Site, Window)>>,
    left_out: AtomicU64,
}

impl SiteLimits {
    /// True if a line of this call site is written at `now`.
    pub(super) fn admits(&self, metadata: &Metadata<'static>, now: Duration) -> bool {
        let site = || Site {
            target: metadata.target(),
            file: metadata.file().unwrap_or_default(),
            line: metadata.line().unwrap_or_default(),
        };
        let mut windows = self.windows.lock();
        let (_, window) =
            windows.entry(metadata.callsite()).or_insert_with(|| (site(), Window::default()));
        let admits = window.admits(now);
        if !admits {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
        admits
    }

    /// All lines that were left out so far.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out.load(Ordering::Relaxed)
    }

    /// The call sites of which lines were left out in a second that is over, and how many.
    pub(super) fn take_left_out(&self, now: Duration) -> Vec<(Site, u64)> {
        let mut windows = self.windows.lock();
        let left_out = windows.values_mut().filter_map(|(site, window)| {
            window.take_left_out(now).map(|lines| (site.clone(), lines))
        });
        left_out.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(5_000 + millis)
    }

    #[test]
    fn a_second_takes_so_many_lines_and_tells_of_the_rest() {
        let mut window = Window::default();
        for i in 0..LOG_SITE_LINES_MAX {
            assert!(window.admits(at(u64::from(i))), "line {i}");
        }
        for _ in 0..7 {
            assert!(!window.admits(at(999)), "one past the limit");
        }
        assert_eq!(window.take_left_out(at(999)), None, "its second is not over");
        assert_eq!(window.take_left_out(at(1_000)), Some(7));
        assert_eq!(window.take_left_out(at(1_000)), None, "told once");
        assert!(window.admits(at(1_000)), "the next second");
    }
}
