//! Whether an append would be acknowledged now, check by check.
//!
//! The prober (`prober.rs`) notes what it finds, and when. A check that depends on a probe holds
//! while the last probe that succeeded is young enough: a probe that hangs says nothing, and its
//! silence is the answer.

use parking_lot::Mutex;
use serde::Serialize;
use tokio::time::Instant;

use crate::{
    limits::{PROBE_AGE_MAX, WRITER_STUCK_AFTER},
    service::{Awaited, Phase},
};

/// The names of the checks, in the order of an answer.
pub const CHECKS: [&str; 6] = ["replay", "draining", "appends", "writer", "scratch_sync", "disk"];

/// How far a start has come.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    /// Events that are replayed.
    pub replayed: u64,
    /// Events of the log; 0 until it is open.
    pub events: u64,
    /// The leader that the start waits for.
    pub awaited: Option<Awaited>,
}

/// What the probes have found so far.
#[derive(Debug, Default)]
pub struct Findings {
    /// Lock order: the innermost; nothing is called while it is held.
    found: Mutex<Found>,
}

#[derive(Clone, Debug, Default)]
struct Found {
    /// When a turn last came through the writer, or a flush last got on.
    turned: Option<Instant>,
    /// When the scratch file was last synced.
    synced: Option<Instant>,
    /// Why an append would be refused.
    refusal: Option<String>,
    /// Why the last sync failed.
    failure: Option<String>,
    /// What the disk lacks.
    low: Option<String>,
}

/// A check of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its name, one of [`CHECKS`].
    pub name: &'static str,
    /// True if it holds.
    pub ok: bool,
    /// Why it does not hold; empty if it does.
    pub detail: String,
}

/// The answer of `/readyz`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// True if every check holds.
    pub ready: bool,
    /// The checks, in the order of [`CHECKS`].
    pub checks: Vec<Check>,
}

impl Readiness {
    /// The check with this name.
    #[must_use]
    pub fn check(&self, name: &str) -> Option<&Check> {
        self.checks.iter().find(|check| check.name == name)
    }
}

impl Findings {
    /// A turn came through, at this moment. `refusal` is the reason why it could not have recorded
    /// anything.
    pub(super) fn turn(&self, now: Instant, refusal: Option<String>) {
        let mut found = self.found.lock();
        (found.turned, found.refusal) = (Some(now), refusal);
    }

    /// A turn did not come through, for this reason.
    pub(super) fn no_turn(&self, refusal: String) {
        self.found.lock().refusal = Some(refusal);
    }

    /// A flush got on, at this moment.
    pub(super) fn flush(&self, now: Instant) {
        self.found.lock().turned = Some(now);
    }

    /// The disk was asked, and the scratch file synced, at this moment.
    pub(super) fn disk(&self, now: Instant, low: Option<String>, failure: Option<String>) {
        let mut found = self.found.lock();
        if failure.is_none() {
            found.synced = Some(now);
        }
        (found.low, found.failure) = (low, failure);
    }

    /// True if no turn has come through, and no flush has got on, for longer than any disk may
    /// take. A turn that a full disk refuses has come through.
    #[must_use]
    pub fn writer_is_stuck(&self, now: Instant) -> bool {
        let turned = self.found.lock().turned;
        turned.is_some_and(|at| now.saturating_duration_since(at) > WRITER_STUCK_AFTER)
    }

    /// Whether the server is ready at this moment.
    #[must_use]
    pub fn readiness(&self, phase: Phase, replay: Replay, now: Instant) -> Readiness {
        let Found { turned, synced, refusal, failure, low } = self.found.lock().clone();
        let replay = (phase == Phase::Starting).then(|| match replay {
            Replay { awaited: Some(Awaited { leader, why }), .. } => {
                format!("it waits for an answer of {leader}: {why}")
            }
            Replay { events: 0, .. } => "the log is being opened".to_owned(),
            Replay { replayed, events, .. } => {
                format!("{replayed} of {events} events are replayed")
            }
        });
        let draining = (phase == Phase::Draining).then(|| "the server is ending".to_owned());
        let writer = stale(turned, now, "a turn of the writer");
        let sync = failure.or_else(|| stale(synced, now, "a sync of the scratch file"));
        let details = [replay, draining, refusal, writer, sync, low];
        let checks: Vec<_> = CHECKS
            .into_iter()
            .zip(details)
            .map(|(name, detail)| Check {
                name,
                ok: detail.is_none(),
                detail: detail.unwrap_or_default(),
            })
            .collect();
        Readiness { ready: checks.iter().all(|check| check.ok), checks }
    }
}

/// The reason why something last came through too long ago, if it did.
fn stale(last: Option<Instant>, now: Instant, what: &str) -> Option<String> {
    let Some(last) = last else { return Some(format!("{what} has not come through yet")) };
    let age = now.saturating_duration_since(last);
    let is_stale = age > PROBE_AGE_MAX;
    is_stale.then(|| format!("{what} last came through {:.1} s ago", age.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const MOMENT: Duration = Duration::from_nanos(1);

    /// Names of the checks that do not hold.
    fn failing(findings: &Findings, phase: Phase, now: Instant) -> Vec<&'static str> {
        let readiness = findings.readiness(phase, Replay::default(), now);
        let names: Vec<_> = readiness.checks.iter().map(|check| check.name).collect();
        assert_eq!(names, CHECKS);
        for check in &readiness.checks {
            assert_eq!(check.ok, check.detail.is_empty(), "{check:?}");
        }
        let failing: Vec<_> = readiness.checks.iter().filter(|check| !check.ok).collect();
        assert_eq!(readiness.ready, failing.is_empty());
        failing.iter().map(|check| check.name).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_check_holds_up_to_the_age_of_its_last_success() {
        let (findings, began) = (Findings::default(), Instant::now());
        let at = |age: Duration| failing(&findings, Phase::Serving, began + age);
        assert_eq!(at(Duration::ZERO), ["writer", "scratch_sync"], "nothing was probed yet");
        findings.turn(began, None);
        findings.disk(began, None, None);
        assert_eq!(at(PROBE_AGE_MAX), [""; 0]);
        assert_eq!(at(PROBE_AGE_MAX + MOMENT), ["writer", "scratch_sync"]);
        // A flush that gets on counts as a turn.
        findings.flush(began + MOMENT);
        assert_eq!(at(PROBE_AGE_MAX + MOMENT), ["scratch_sync"]);
        findings.disk(began + MOMENT, None, None);
        assert_eq!(at(PROBE_AGE_MAX + MOMENT), [""; 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_writer_is_stuck_after_the_longest_flush_and_not_by_a_full_disk() {
        let (findings, began) = (Findings::default(), Instant::now());
        let later = began + WRITER_STUCK_AFTER;
        assert!(!findings.writer_is_stuck(later + MOMENT), "nothing was probed yet");
        findings.turn(began, Some("the disk is low".to_owned()));
        assert!(!findings.writer_is_stuck(later));
        assert!(findings.writer_is_stuck(later + MOMENT));
        findings.flush(began + MOMENT);
        assert!(!findings.writer_is_stuck(later + MOMENT));
    }

    #[tokio::test(start_paused = true)]
    async fn each_finding_fails_its_check_until_it_is_gone() {
        let (findings, now) = (Findings::default(), Instant::now());
        let failing = |phase| failing(&findings, phase, now);
        findings.turn(now, None);
        findings.disk(now, None, None);
        assert_eq!(failing(Phase::Starting), ["replay"]);
        assert_eq!(failing(Phase::Draining), ["draining"]);
        findings.turn(now, Some("the server serves reads only".to_owned()));
        assert_eq!(failing(Phase::Serving), ["appends"]);
        findings.no_turn("the log failed".to_owned());
        assert_eq!(failing(Phase::Serving), ["appends"]);
        findings.turn(now, None);
        findings.disk(now, Some("low".to_owned()), None);
        assert_eq!(failing(Phase::Serving), ["disk"]);
        findings.disk(now, None, Some("cannot write".to_owned()));
        assert_eq!(failing(Phase::Serving), ["scratch_sync"]);
        findings.disk(now, None, None);
        assert_eq!(failing(Phase::Serving), [""; 0]);
    }
}
