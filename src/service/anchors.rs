//! The audit trail of a server: its clock, the changes of the policy, and its anchors on the log.
//!
//! An anchor is a fact of the service, with the number of lines and the hash of the last one. It
//! has no line of its own, so no anchor causes another one.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use prost::Message as _;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    ApiSettings,
    adoption::{self, PendingAdoption},
};
use crate::{
    domain::kind::Kind,
    ledger::{Ledger, ReadError},
    limits::{ANCHOR_RETRY_INTERVAL, TRAIL_END_DURATION_MAX, TRAIL_TICK_INTERVAL},
    merkle::Hash,
    metrics::Metrics,
    protocol::pb::{self, event::Fact},
    register::Interest,
    trail::{Anchor, Entry, Outcome, Trail},
};

/// The last anchor on a log. A withheld or damaged place is passed over.
///
/// # Errors
/// If the log cannot be read.
pub(crate) async fn last_anchor(ledger: &Ledger) -> Result<Option<Anchor>, ReadError> {
    let mut interest = Interest::default();
    interest.kind(Kind::AuditAnchored);
    let mut before = ledger.durable().size;
    loop {
        let (found, next) = ledger.register().matching_before(&interest, before, 1);
        if let Some(position) = found.first() {
            let leaf = ledger.leaf(*position).await?;
            let anchored = (!leaf.withheld).then(|| anchored_at(&leaf.bytes)).flatten();
            if let Some((lines, head)) = anchored {
                return Ok(Some(Anchor { position: *position, lines, head }));
            }
        }
        let Some(next) = next else { return Ok(None) };
        before = next;
    }
}

fn anchored_at(leaf: &Bytes) -> Option<(u64, Hash)> {
    let recorded = pb::RecordedEvent::decode(leaf.clone()).ok()?;
    let Fact::AuditAnchored(anchored) = recorded.event?.fact? else { return None };
    Some((anchored.lines, Hash::try_from(&*anchored.head).ok()?))
}

/// Looks after the trail of a ledger, if it has one, until the server drains.
pub(super) fn begin(
    ledger: &Arc<Ledger>,
    settings: &ApiSettings,
    adoption: &Arc<PendingAdoption>,
    drain: CancellationToken,
) {
    let Some(trail) = ledger.trail().cloned() else { return };
    let (ledger, adoption) = (Arc::clone(ledger), Arc::clone(adoption));
    let mut policies = settings.access.watch();
    let (access, tls) = (Arc::clone(&settings.access), Arc::clone(&settings.tls_problem));
    let look = move |metrics: &Metrics| Reloads {
        tls_taken: metrics.tls_reloads_total.get(),
        tls_problem: tls.text(),
        policy_problem: access.problem().text(),
    };
    let mut reloads = look(ledger.metrics());
    policies.mark_unchanged();
    tokio::spawn(async move {
        let mut anchors = Anchors { trail, ledger, adoption, not_before: Duration::ZERO };
        let mut ticks = interval(TRAIL_TICK_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_changing = true;
        loop {
            tokio::select! {
                () = drain.cancelled() => return,
                _ = ticks.tick() => {
                    anchors.trail.tick();
                    let now = look(anchors.ledger.metrics());
                    reloads.lines_until(&now).iter().for_each(|line| note(&anchors.trail, line));
                    reloads = now;
                    anchors.anchor_if_due().await;
                }
                changed = policies.changed(), if is_changing => {
                    is_changing = changed.is_ok();
                    if is_changing {
                        let generation = policies.borrow_and_update().generation;
                        note(&anchors.trail, &policy_applied(generation));
                    }
                }
            }
        }
    });
}

/// A line that nobody waits for. One that is not taken is counted, and said later.
fn note(trail: &Trail, line: &Entry) {
    let _ = trail.write(line);
}

/// The files that are read again while the server serves, at one moment.
#[derive(Clone, Default)]
struct Reloads {
    /// Times that the files of TLS were taken.
    tls_taken: u64,
    tls_problem: String,
    policy_problem: String,
}

impl Reloads {
    /// The lines about what happened between this and a later look. A policy that is taken is told
    /// where it comes into force.
    fn lines_until(&self, now: &Self) -> Vec<Entry> {
        let mut lines = Vec::new();
        if now.tls_taken > self.tls_taken {
            lines.push(of_server("tls.apply", Outcome::Allowed));
        }
        let problems = [
            ("tls.reject", &self.tls_problem, &now.tls_problem),
            ("policy.reject", &self.policy_problem, &now.policy_problem),
        ];
        for (method, before, now) in problems {
            // Files that stay broken are read again and again.
            if !now.is_empty() && now != before {
                let detail = now.clone();
                lines.push(Entry { detail, ..of_server(method, Outcome::Failed) });
            }
        }
        lines
    }
}

fn policy_applied(generation: u64) -> Entry {
    let target = format!("generation {generation}");
    Entry { target, ..of_server("policy.apply", Outcome::Allowed) }
}

/// A line about the server itself.
pub(crate) fn of_server(method: &str, outcome: Outcome) -> Entry {
    let (principal, method) = ("server".to_owned(), method.to_owned());
    Entry { principal, method, outcome, ..Entry::default() }
}

struct Anchors {
    trail: Arc<Trail>,
    ledger: Arc<Ledger>,
    adoption: Arc<PendingAdoption>,
    /// When to try again after an anchor that could not be recorded, by the clock of the trail.
    not_before: Duration,
}

impl Anchors {
    async fn anchor_if_due(&mut self) {
        // A node that follows, or has handed its log over, records nothing by itself.
        let records = !self.ledger.is_following() && self.ledger.successor().is_none();
        if !records || self.trail.monotonic() < self.not_before {
            return;
        }
        let Some(head) = self.trail.due_anchor() else { return };
        // An adoption that waits goes before every other commit.
        let recorded = match self.adoption.settle(&self.ledger).await {
            Ok(()) => record(&self.ledger, &self.trail, head).await,
            Err(status) => Err(status.message().to_owned()),
        };
        if let Err(why) = recorded {
            tracing::warn!(why, "the audit trail could not be anchored; it is tried again");
            self.not_before = self.trail.monotonic() + ANCHOR_RETRY_INTERVAL;
        }
    }
}

async fn record(ledger: &Ledger, trail: &Trail, (lines, head): (u64, Hash)) -> Result<(), String> {
    let head = Bytes::copy_from_slice(&head);
    let fact = Fact::AuditAnchored(pb::AuditAnchored { head, lines });
    let receipt = adoption::record(ledger, vec![fact], None).await;
    let receipt = receipt.map_err(|refused| refused.to_string())?;
    trail.anchored(lines);
    tracing::info!(lines, position = receipt.first, "the audit trail is anchored");
    Ok(())
}

/// Writes the line of the end, anchors the trail, and ends it. Takes a bounded time.
pub(crate) async fn end_trail(ledger: &Ledger) {
    let Some(trail) = ledger.trail() else { return };
    let end = async {
        if let Some(number) = trail.write(&of_server("stop", Outcome::Allowed)) {
            trail.kept(number).await?;
        }
        match trail.last_anchor() {
            // An adoption that waits goes before every other commit.
            Some(head)
                if !ledger.is_following()
                    && ledger.successor().is_none()
                    && !adoption::waits(ledger) =>
            {
                record(ledger, trail, head).await
            }
            _ => Ok(()),
        }
    };
    if !matches!(timeout(TRAIL_END_DURATION_MAX, end).await, Ok(Ok(()))) {
        tracing::warn!("the end of the audit trail is not anchored");
    }
    trail.close();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_taken_or_refused_get_a_line_each() {
        let look = |tls_taken, tls: &str, policy: &str| Reloads {
            tls_taken,
            tls_problem: tls.to_owned(),
            policy_problem: policy.to_owned(),
        };
        let told = |before: &Reloads, now: &Reloads| {
            before.lines_until(now).into_iter().map(|line| line.method).collect::<Vec<_>>()
        };
        let first = look(0, "", "");
        assert!(told(&first, &first).is_empty());
        assert_eq!(told(&first, &look(1, "", "")), ["tls.apply"]);
        let broken = look(1, "line 3: no key", "line 7: no role");
        assert_eq!(told(&look(1, "", ""), &broken), ["tls.reject", "policy.reject"]);
        assert!(told(&broken, &broken).is_empty(), "said once");
        assert_eq!(told(&broken, &look(2, "", "")), ["tls.apply"]);
        assert_eq!(told(&first, &look(0, "", "x")), ["policy.reject"]);
    }
}
