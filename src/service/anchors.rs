//! The audit trail of a server: its clock, the changes of the policy, and its anchors on the log.
//!
//! An anchor is a fact of the service, with the number of lines and the hash of the last one. It
//! has no line of its own, so no anchor causes another one.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use prost::Message as _;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::adoption::{self, PendingAdoption};
use crate::{
    access::AccessControl,
    domain::kind::Kind,
    ledger::{Ledger, ReadError},
    limits::{ANCHOR_RETRY_INTERVAL, TRAIL_END_DURATION_MAX, TRAIL_TICK_INTERVAL},
    merkle::Hash,
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
    access: &AccessControl,
    adoption: &Arc<PendingAdoption>,
    drain: CancellationToken,
) {
    let Some(trail) = ledger.trail().cloned() else { return };
    let (ledger, adoption) = (Arc::clone(ledger), Arc::clone(adoption));
    let mut policies = access.watch();
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
                    anchors.anchor_if_due().await;
                }
                changed = policies.changed(), if is_changing => {
                    is_changing = changed.is_ok();
                    if is_changing {
                        let generation = policies.borrow_and_update().generation;
                        anchors.trail.write(&policy_applied(generation));
                    }
                }
            }
        }
    });
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
        if self.trail.monotonic() < self.not_before {
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
    if let Some(number) = trail.write(&of_server("stop", Outcome::Allowed)) {
        let _ = timeout(TRAIL_END_DURATION_MAX, trail.kept(number)).await;
    }
    if let Some(head) = trail.last_anchor().filter(|_| !adoption::waits(ledger)) {
        let recorded = timeout(TRAIL_END_DURATION_MAX, record(ledger, trail, head)).await;
        if !matches!(recorded, Ok(Ok(()))) {
            tracing::warn!("the end of the audit trail is not anchored");
        }
    }
    trail.close();
}
