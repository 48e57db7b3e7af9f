//! The last failures of a server, in `DATA/FAILURES`. After several of them within a short time it
//! starts read-only: reads work, and another failure would only interrupt them.
//!
//! A line is the second since 1970 and the exit code. The file has a fixed length and is written in
//! place, because the disk may be full when a failure is noted. Nothing about this file keeps a
//! server from starting or ending.

use std::path::{Path, PathBuf};

use super::clock::SystemClock;
use crate::{
    files,
    ledger::clock::Clock as _,
    limits::{FAILURES_MAX, FAILURES_WINDOW},
};

const NAME: &str = "FAILURES";
/// A line, filled up with spaces: 20 digits, a space, a code.
const LINE_BYTES: usize = 32;

/// The file of a data directory.
#[derive(Clone, Debug)]
pub struct Failures(PathBuf);

impl Failures {
    /// The file of this data directory.
    #[must_use]
    pub fn of(directory: &Path) -> Self {
        Self(directory.join(NAME))
    }

    /// The reason to start read-only, if there is one. Makes the file, so that a failure can be
    /// noted on a full disk.
    pub(super) fn reason_for_reads_only(&self) -> Option<String> {
        let times = self.read();
        if times.is_empty() && !self.0.exists() {
            self.write(&[]);
        }
        let now = seconds_now();
        let window = FAILURES_WINDOW.as_secs();
        let recent = times.iter().filter(|(second, _)| now.abs_diff(*second) <= window).count();
        (recent >= FAILURES_MAX).then(|| {
            format!(
                "it has failed {recent} times within {} minutes; remove the cause, which the log \
                 lines before each end name, then stop the server with SIGTERM and start it again",
                window / 60
            )
        })
    }

    /// The last failures: the second since 1970, and the exit code.
    #[must_use]
    pub fn noted(&self) -> Vec<(u64, i32)> {
        self.read()
    }

    /// Notes that the process ends with this code.
    pub fn note(&self, exit_code: i32) {
        let mut times = self.read();
        times.push((seconds_now(), exit_code));
        let last = times.len().saturating_sub(FAILURES_MAX);
        self.write(times.get(last..).unwrap_or_default());
    }

    /// Forgets all failures, after an orderly end.
    pub fn clear(&self) {
        if !self.read().is_empty() {
            self.write(&[]);
        }
    }

    /// The lines that can be read.
    fn read(&self) -> Vec<(u64, i32)> {
        let text = files::read_text(&self.0, FAILURES_MAX * LINE_BYTES).unwrap_or_default();
        let line = |line: &str| {
            let (second, code) = line.trim().split_once(' ')?;
            Some((second.parse().ok()?, code.parse().ok()?))
        };
        text.lines().take(FAILURES_MAX).filter_map(line).collect()
    }

    fn write(&self, times: &[(u64, i32)]) {
        let mut text = String::new();
        for place in 0..FAILURES_MAX {
            let line = times.get(place).map(|(second, code)| format!("{second} {code}"));
            let line = line.unwrap_or_default();
            text.push_str(&format!("{line:<width$}\n", width = LINE_BYTES - 1));
        }
        if let Err(error) = files::overwrite(&self.0, text.as_bytes()) {
            tracing::warn!(%error, path = %self.0.display(), "the failures cannot be noted");
        }
    }
}

fn seconds_now() -> u64 {
    u64::try_from(SystemClock::new().now_micros() / 1_000_000).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn three_failures_count_until_an_orderly_end() {
        let dir = tempfile::tempdir().unwrap();
        let failures = Failures::of(dir.path());
        assert_eq!(failures.reason_for_reads_only(), None);
        let length = fs::metadata(dir.path().join(NAME)).unwrap().len();
        for code in [74, 73] {
            failures.note(code);
            assert_eq!(failures.reason_for_reads_only(), None);
        }
        failures.note(74);
        let why = failures.reason_for_reads_only().unwrap();
        assert!(why.contains("3 times within 10 minutes") && why.contains("SIGTERM"), "{why}");
        failures.note(74);
        assert!(failures.reason_for_reads_only().is_some());
        failures.clear();
        assert_eq!(failures.reason_for_reads_only(), None);
        assert_eq!(fs::metadata(dir.path().join(NAME)).unwrap().len(), length, "in place");
    }

    #[test]
    fn old_failures_and_other_texts_do_not_count() {
        let dir = tempfile::tempdir().unwrap();
        let failures = Failures::of(dir.path());
        let (now, window) = (seconds_now(), FAILURES_WINDOW.as_secs());
        let at = |second: u64| failures.write(&[(now, 74), (second, 74), (now, 74)]);
        // Some seconds of play, for a test that is held up.
        at(now - window + 60);
        assert!(failures.reason_for_reads_only().is_some());
        at(now - window - 1);
        assert_eq!(failures.reason_for_reads_only(), None);
        for text in ["", "x 74\n1\n\n", "\u{0}\u{0}"] {
            fs::write(dir.path().join(NAME), text).unwrap();
            assert_eq!(failures.reason_for_reads_only(), None, "{text:?}");
        }
        // A directory in its place is in nobody's way.
        let failures = Failures::of(&dir.path().join("nowhere"));
        failures.note(74);
        assert_eq!(failures.reason_for_reads_only(), None);
    }
}
